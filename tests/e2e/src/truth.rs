// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Which object file defines each symbol of vmlinux, from symbol tables alone.
//!
//! The kernel's own tables come from linker maps: address ranges of sections, object by object. This is
//! another way to the same answer, so that the two cannot share a mistake. Nothing here reads a map.
//!
//! * A global name has one strong definition among the objects, or else the first weak one in link order.
//! * A local symbol whose (name, size, type) occurs once among all objects belongs to that object.
//! * Any other local symbol (`__func__.0`, `__already_done.3`) is found by order. A linker copies the local symbols
//!   of an input as one group, in order, leaving out those of discarded sections (GNU ld takes the inputs by
//!   first output section, lld in link order). So the local part of vmlinux's symbol table is cut into
//!   pieces that each equal the whole list of one object.
//! * `__pfx_NAME`, which objtool adds to a linked vmlinux.o, belongs to the owner of NAME at its end.
//! * A hidden global is local in vmlinux, after all others, and is found by name.
//! * A name that no object defines comes from the linker script.
//!
//! Two things confirm the cutting. A symbol that occurs once is found both by name and by order, and the two must
//! agree. And all symbols of one section of one object must have moved by the same distance: a section is never torn.
//! That does not hold for code of RISC-V, which the linker shortens: there, sizes do not count either.

use std::collections::{HashMap, HashSet};
use std::fmt;

use object::elf;

use crate::elf::{Elf, Symbol};
use crate::kbuild::Object;
use crate::listing::group;

/// How the owner of a symbol was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Method {
    Global,
    Unique,
    Order,
    Prefix,
    Hidden,
    Script,
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(match self {
            Method::Global => "a global name",
            Method::Unique => "a unique (name, size, type)",
            Method::Order => "order in the symbol table",
            Method::Prefix => "the function after a __pfx_ symbol",
            Method::Hidden => "a hidden global name",
            Method::Script => "no object (linker script)",
        })
    }
}

/// The answer for one symbol of vmlinux: an index into the objects (none for the linker script's), or why
/// there is no answer.
pub type Decision = Result<(Option<usize>, Method), String>;

/// The symbols of a linked vmlinux with their owners, parallel to `vmlinux.symbols`. `None` where nm prints
/// nothing (section and file symbols) and for `.L` labels.
pub struct Truth {
    pub decisions: Vec<Option<Decision>>,
    /// Symbols decided by order alone, and how many of them a symbol decided by name confirms: one of
    /// the same section of the same object, moved by the same distance.
    pub confirmed: usize,
    /// Symbols of objects of different modules whose whole lists are alike, told apart by link order alone.
    pub alike: usize,
}

/// A symbol of an object: (index of the object, index in its table).
type Place = (usize, usize);

pub fn decide(vmlinux: &Elf, objects: &[Object]) -> Truth {
    let known = Known::new(objects);
    let derived = prefix_symbols(vmlinux, &known);
    let symbols = || {
        vmlinux
            .symbols
            .iter()
            .enumerate()
            .filter(|(i, s)| s.is_named() && !s.undefined && !derived.contains_key(i))
    };

    let named = symbols().filter_map(|(i, s)| match s.is_local() {
        true => known.unique(s).map(|place| (i, place)),
        false => known
            .global(s, objects)
            .ok()
            .flatten()
            .map(|place| (i, place)),
    });
    let bases = Bases::new(vmlinux, objects, named);
    let (by_order, alike) = cut(vmlinux, objects, &derived, &bases);

    let mut decisions: Vec<Option<Decision>> = vec![None; vmlinux.symbols.len()];
    let mut confirmed = 0;
    for (index, symbol) in symbols() {
        let found = match symbol.is_local() {
            true => known.local(symbol, by_order[index], objects),
            false => known
                .global(symbol, objects)
                .map(|p| p.map(|p| (p, Method::Global))),
        };
        decisions[index] = Some(found.and_then(|found| match found {
            None => Ok((None, Method::Script)),
            Some((place, method)) => match bases.allow(vmlinux, objects, index, place) {
                Some(false) => Err(format!(
                    "it does not lie where its section of {} does",
                    objects[place.0].path
                )),
                allowed => {
                    confirmed += usize::from(method == Method::Order && allowed.is_some());
                    Ok((Some(place.0), method))
                }
            },
        }));
    }
    for (&index, &function) in &derived {
        decisions[index] = decisions[function]
            .clone()
            .map(|d| d.map(|(owner, _)| (owner, Method::Prefix)));
    }
    Truth {
        decisions,
        confirmed,
        alike,
    }
}

/// The definitions of all objects, by what identifies them.
struct Known<'a> {
    globals: HashMap<&'a str, Vec<Place>>,
    locals: HashMap<(&'a str, Option<u64>, u8), Vec<Place>>,
    local_names: HashSet<&'a str>,
}

impl<'a> Known<'a> {
    fn new(objects: &'a [Object]) -> Self {
        let mut known = Known {
            globals: HashMap::new(),
            locals: HashMap::new(),
            local_names: HashSet::new(),
        };
        for (o, object) in objects.iter().enumerate() {
            for (s, symbol) in object.elf.symbols.iter().enumerate() {
                if !symbol.is_named() || symbol.undefined {
                    continue;
                }
                if symbol.is_local() {
                    known
                        .locals
                        .entry((&symbol.name, symbol.lasting_size(), symbol.kind))
                        .or_default()
                        .push((o, s));
                    known.local_names.insert(&symbol.name);
                } else {
                    known.globals.entry(&symbol.name).or_default().push((o, s));
                }
            }
        }
        known
    }

    fn defines(&self, name: &str) -> bool {
        self.globals.contains_key(name) || self.local_names.contains(name)
    }

    /// The definition that the linker chose for a global name.
    fn global(&self, symbol: &Symbol, objects: &[Object]) -> Result<Option<Place>, String> {
        let Some(places) = self.globals.get(symbol.name.as_str()) else {
            return Ok(None);
        };
        let at = |&(o, s): &Place| &objects[o].elf.symbols[s];
        let strong: Vec<&Place> = places
            .iter()
            .filter(|p| at(p).bind != elf::STB_WEAK)
            .collect();
        let chosen = match strong[..] {
            [one] => one,
            [] => &places[0],
            [(a, _), (b, _), ..] => {
                return Err(format!(
                    "{} and {} both define it",
                    objects[*a].path, objects[*b].path
                ));
            }
        };
        if at(chosen).lasting_size() != symbol.lasting_size() {
            let (path, size) = (&objects[chosen.0].path, at(chosen).size);
            return Err(format!(
                "its size is {:x} in vmlinux and {size:x} in {path}",
                symbol.size
            ));
        }
        Ok(Some(*chosen))
    }

    /// The only local symbol among all objects that looks like this one.
    fn unique(&self, symbol: &Symbol) -> Option<Place> {
        match self
            .locals
            .get(&(&symbol.name, symbol.lasting_size(), symbol.kind))
            .map(Vec::as_slice)
        {
            Some(&[one]) => Some(one),
            _ => None,
        }
    }

    fn local(
        &self,
        symbol: &Symbol,
        by_order: Option<Place>,
        objects: &[Object],
    ) -> Result<Option<(Place, Method)>, String> {
        match (self.unique(symbol), by_order) {
            (Some(one), Some(order)) if one != order => {
                let (a, b) = (&objects[one.0].path, &objects[order.0].path);
                Err(format!(
                    "it occurs once, in {a}, but by order it belongs to {b}"
                ))
            }
            (Some(one), _) => Ok(Some((one, Method::Unique))),
            (_, Some(order)) => Ok(Some((order, Method::Order))),
            _ => match self.global(symbol, objects)? {
                Some(place) if objects[place.0].elf.symbols[place.1].hidden => {
                    Ok(Some((place, Method::Hidden)))
                }
                _ if self.defines(&symbol.name) => {
                    Err("objects define the name, and none fits by order".to_owned())
                }
                _ => Ok(None),
            },
        }
    }
}

/// The `__pfx_NAME` symbols that no object has, each with the symbol NAME that starts where it ends.
fn prefix_symbols(vmlinux: &Elf, known: &Known) -> HashMap<usize, usize> {
    let mut functions = HashMap::new();
    for (index, symbol) in vmlinux.symbols.iter().enumerate() {
        if symbol.is_named() && !symbol.undefined {
            functions.insert((symbol.name.as_str(), symbol.value), index);
        }
    }
    let mut derived = HashMap::new();
    for (index, symbol) in vmlinux.symbols.iter().enumerate() {
        let Some(name) = symbol.name.strip_prefix("__pfx_") else {
            continue;
        };
        if known.defines(&symbol.name) {
            continue;
        }
        if let Some(&function) = functions.get(&(name, symbol.value.wrapping_add(symbol.size))) {
            derived.insert(index, function);
        }
    }
    derived
}

/// Cuts the local symbols of vmlinux into pieces, each the whole list of one object, and returns what each
/// symbol of vmlinux is in its object; also how many of these are alike in objects of different modules.
///
/// Where several objects have the same list, those are left out that a symbol found by name places elsewhere, and the
/// first in link order of the others is taken. Where no list fits, one symbol is passed over; it stays without an owner.
fn cut(
    vmlinux: &Elf,
    objects: &[Object],
    derived: &HashMap<usize, usize>,
    bases: &Bases,
) -> (Vec<Option<Place>>, usize) {
    let lists: Vec<Vec<usize>> = objects.iter().map(|o| local_list(&o.elf)).collect();
    let by_first = group(0..objects.len(), |&o| match lists[o].first() {
        Some(&s) => objects[o].elf.symbols[s].name.as_str(),
        None => "",
    });
    let ours: Vec<usize> = local_list(vmlinux)
        .into_iter()
        .filter(|i| !derived.contains_key(i))
        .collect();
    let mut owners = vec![None; vmlinux.symbols.len()];
    let mut used = vec![false; objects.len()];
    let (mut at, mut alike) = (0, 0);
    while at < ours.len() {
        let rest = &ours[at..];
        let fits = |o: &usize| {
            !used[*o]
                && lists[*o].len() <= rest.len()
                && lists[*o]
                    .iter()
                    .zip(rest)
                    .all(|(&s, &v)| same(&objects[*o].elf.symbols[s], &vmlinux.symbols[v]))
        };
        let lies_here = |o: &usize| {
            lists[*o]
                .iter()
                .zip(rest)
                .all(|(&s, &v)| bases.allow(vmlinux, objects, v, (*o, s)) != Some(false))
        };
        let first = by_first
            .get(vmlinux.symbols[rest[0]].name.as_str())
            .map_or(&[][..], Vec::as_slice);
        let fitting: Vec<usize> = first.iter().copied().filter(fits).collect();
        let longest = fitting.iter().map(|&o| lists[o].len()).max();
        let best: Vec<usize> = fitting
            .into_iter()
            .filter(|&o| Some(lists[o].len()) == longest)
            .collect();
        let here: Vec<usize> = best.iter().copied().filter(lies_here).collect();
        // Should none lie here, any answer will do: the distance check of `decide` reports its symbols.
        let Some(&o) = here.first().or(best.first()) else {
            at += 1;
            continue;
        };
        if here
            .iter()
            .any(|&other| objects[other].modules != objects[o].modules)
        {
            alike += lists[o]
                .iter()
                .filter(|&&s| objects[o].elf.symbols[s].is_named())
                .count();
        }
        used[o] = true;
        for (&s, &v) in lists[o].iter().zip(rest) {
            owners[v] = Some((o, s));
        }
        at += lists[o].len();
    }
    (owners, alike)
}

/// The indices of an ELF file's local symbols that a link keeps, with the file names between them.
fn local_list(elf: &Elf) -> Vec<usize> {
    let kept = |s: &Symbol| {
        takes_part(s)
            && !elf
                .section(s)
                .is_some_and(|section| is_discarded(&section.name))
    };
    elf.symbols
        .iter()
        .enumerate()
        .filter(|(_, s)| kept(s))
        .map(|(i, _)| i)
        .collect()
}

fn same(a: &Symbol, b: &Symbol) -> bool {
    (&a.name, a.lasting_size(), a.kind) == (&b.name, b.lasting_size(), b.kind)
}

/// Local symbols and the file names between them.
fn takes_part(symbol: &Symbol) -> bool {
    (symbol.is_file() || symbol.is_named()) && symbol.is_local() && !symbol.undefined
}

/// Sections that include/asm-generic/vmlinux.lds.h puts into /DISCARD/.
fn is_discarded(section: &str) -> bool {
    let exact = [".discard", ".export_symbol", ".modinfo", ".exitcall.exit"];
    exact.contains(&section) || section.starts_with(".discard.")
}

/// How far each section of each object moved in the link, as the symbols found by name tell.
struct Bases(HashMap<(usize, usize), u64>);

impl Bases {
    fn new(
        vmlinux: &Elf,
        objects: &[Object],
        named: impl Iterator<Item = (usize, Place)>,
    ) -> Bases {
        let mut bases = Bases(HashMap::new());
        for (index, place) in named {
            if let Some((section, distance)) = bases.distance(vmlinux, objects, index, place) {
                bases.0.entry(section).or_insert(distance);
            }
        }
        bases
    }

    /// Whether a symbol of vmlinux lies where its place in an object says; `None` if no symbol found by name tells.
    fn allow(&self, vmlinux: &Elf, objects: &[Object], index: usize, place: Place) -> Option<bool> {
        let (section, distance) = self.distance(vmlinux, objects, index, place)?;
        self.0.get(&section).map(|&base| base == distance)
    }

    fn distance(
        &self,
        vmlinux: &Elf,
        objects: &[Object],
        index: usize,
        (o, s): Place,
    ) -> Option<((usize, usize), u64)> {
        let symbol = &objects[o].elf.symbols[s];
        let section = symbol.section?;
        // The linker takes sections of constants and strings apart to share equal ones.
        let merged = objects[o].elf.sections[section].flags & u64::from(elf::SHF_MERGE) != 0;
        (!merged && !symbol.relaxes).then(|| {
            (
                (o, section),
                vmlinux.symbols[index].value.wrapping_sub(symbol.value),
            )
        })
    }
}
