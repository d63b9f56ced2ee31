// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Which symbol of one table is which of the other. The module above says by what rules.
//!
//! Every step treats both tables alike, so that a comparison the other way round finds the same pairs.

use alloc::vec;
use alloc::vec::Vec;
use core::cmp::Ordering;

use crate::SymbolTable;
use crate::table::{Entry, Facts};

/// Of a name that repeats, so many pairs are compared at most: those whose modules may have changed.
const MOST_COMPARED: usize = 1 << 20;

/// What a symbol looks like: size, if both tables know sizes, and letter.
type Looks = (Option<u64>, u8);

/// Which symbol of the old table is which of the new one.
pub(super) struct Matching<'t> {
    old: &'t SymbolTable,
    new: &'t SymbolTable,
    /// The rank of each old symbol's partner, and the reverse.
    new_of: Vec<Option<u32>>,
    old_of: Vec<Option<u32>>,
    /// What both know.
    known: Facts,
    /// Whether both know sizes of what is not in the image. A table that has them of a `vmlinux` does not.
    loaded_sizes: bool,
}

impl<'t> Matching<'t> {
    pub(super) fn new(old: &'t SymbolTable, new: &'t SymbolTable) -> Self {
        let mut matching = Self {
            old,
            new,
            new_of: vec![None; old.len()],
            old_of: vec![None; new.len()],
            known: Facts {
                sizes: old.facts().sizes && new.facts().sizes,
                built_in_modules: old.facts().built_in_modules && new.facts().built_in_modules,
                ..new.facts()
            },
            loaded_sizes: knows_loaded_sizes(old) && knows_loaded_sizes(new),
        };
        let left = matching.pair_unique();
        let anchors = Anchors::new(matching.pairs());
        for name in left {
            matching.pair_repeated(name, &anchors);
            matching.pair_across_modules(name);
        }
        matching
    }

    /// All pairs, in the order of the old table.
    pub(super) fn pairs(&self) -> impl Iterator<Item = (Entry<'t>, Entry<'t>)> {
        let old = self.old.iter();
        old.filter_map(|entry| Some((entry, self.new_of(entry)?)))
    }

    pub(super) fn new_of(&self, old: Entry<'t>) -> Option<Entry<'t>> {
        let rank = self.new_of.get(old.index()).copied().flatten()?;
        self.new.get(rank as usize)
    }

    pub(super) fn has_old(&self, new: Entry<'t>) -> bool {
        self.old_of[new.index()].is_some()
    }

    pub(super) fn same_modules(&self, old: Entry<'t>, new: Entry<'t>) -> bool {
        owner(self.known, old) == owner(self.known, new)
            && old.group().is_image() == new.group().is_image()
    }

    fn pair(&mut self, old: Entry<'t>, new: Entry<'t>) {
        // Ranks fit: a table is no larger.
        self.new_of[old.index()] = u32::try_from(new.index()).ok();
        self.old_of[new.index()] = u32::try_from(old.index()).ok();
    }

    /// The symbols of a name that have no partner.
    fn left(&self, name: &[u8]) -> (Vec<Entry<'t>>, Vec<Entry<'t>>) {
        let old = self.old.named(name);
        let new = self.new.named(name);
        (
            old.filter(|entry| self.new_of[entry.index()].is_none())
                .collect(),
            new.filter(|entry| self.old_of[entry.index()].is_none())
                .collect(),
        )
    }

    /// Pairs symbols of the same modules and name where that is one on each side. Returns the names that both tables
    /// have and that have more symbols.
    fn pair_unique(&mut self) -> Vec<&'t [u8]> {
        let mut left = Vec::new();
        for entry in self.old {
            let name = entry.name();
            let mut old = self.old.named(name);
            if old.next() != Some(entry) {
                // Has been looked at.
                continue;
            }
            let mut new = self.new.named(name);
            match (old.next(), new.next(), new.next()) {
                (_, None, _) => {}
                (None, Some(partner), None)
                    if owner(self.known, entry) == owner(self.known, partner) =>
                {
                    self.pair(entry, partner);
                }
                _ => {
                    left.push(name);
                    self.each_owner(name, |matching, old, new| {
                        if let ([old], [new]) = (old, new) {
                            matching.pair(*old, *new);
                        }
                    });
                }
            }
        }
        left
    }

    /// Calls a function with the symbols of one name and the same modules that have no partner, both lists in address
    /// order.
    fn each_owner(
        &mut self,
        name: &[u8],
        mut visit: impl FnMut(&mut Self, &[Entry<'t>], &[Entry<'t>]),
    ) {
        let (mut old, mut new) = self.left(name);
        let known = self.known;
        // Stable: within one owner the order stays.
        old.sort_by_key(|&entry| owner(known, entry));
        new.sort_by_key(|&entry| owner(known, entry));
        let mut new = new.as_slice();
        for old in old.chunk_by(|&one, &other| owner(known, one) == owner(known, other)) {
            let this = owner(known, old[0]);
            let start = new.partition_point(|&entry| owner(known, entry) < this);
            let end = new.partition_point(|&entry| owner(known, entry) <= this);
            visit(self, old, &new[start..end]);
            new = &new[end..];
        }
    }

    /// Pairs symbols of the same modules and name, of which there are several: those that stand where they stood, then
    /// those that look as they looked, then the rest.
    fn pair_repeated(&mut self, name: &[u8], anchors: &Anchors) {
        self.each_owner(name, |matching, old, new| {
            for side in [Side::Below, Side::Above] {
                matching.pair_equal(
                    old,
                    new,
                    |looks, entry| (anchors.of_old(entry.address(), side), looks),
                    |looks, entry| (anchors.of_new(entry.address(), side), looks),
                );
            }
            matching.pair_equal(old, new, |looks, _| looks, |looks, _| looks);
            matching.pair_equal(old, new, |_, _| (), |_, _| ());
        });
    }

    /// Pairs what has no partner and has the same key, the first with the first.
    fn pair_equal<K: Ord>(
        &mut self,
        old: &[Entry<'t>],
        new: &[Entry<'t>],
        old_key: impl Fn(Looks, Entry<'t>) -> K,
        new_key: impl Fn(Looks, Entry<'t>) -> K,
    ) {
        let old = old.iter().filter(|old| self.new_of[old.index()].is_none());
        let new = new.iter().filter(|new| self.old_of[new.index()].is_none());
        let mut old: Vec<_> = old
            .map(|&old| (old_key(self.looks(old), old), old))
            .collect();
        let mut new: Vec<_> = new
            .map(|&new| (new_key(self.looks(new), new), new))
            .collect();
        // Stable: of one key, the order stays.
        old.sort_by(|(one, _), (other, _)| one.cmp(other));
        new.sort_by(|(one, _), (other, _)| one.cmp(other));
        let (mut old, mut new) = (old.as_slice(), new.as_slice());
        while let ([(old_key, one), old_rest @ ..], [(new_key, other), new_rest @ ..]) = (old, new)
        {
            match old_key.cmp(new_key) {
                Ordering::Less => old = old_rest,
                Ordering::Greater => new = new_rest,
                Ordering::Equal => {
                    self.pair(*one, *other);
                    (old, new) = (old_rest, new_rest);
                }
            }
        }
    }

    fn looks(&self, entry: Entry<'t>) -> Looks {
        let known = self.known.sizes && (self.loaded_sizes || entry.group().is_image());
        (entry.size().filter(|_| known), entry.letter())
    }

    /// Pairs symbols of one name whose modules changed: those that look as they looked, then one with one.
    fn pair_across_modules(&mut self, name: &[u8]) {
        let (old, new) = self.left(name);
        if old.len().saturating_mul(new.len()) > MOST_COMPARED {
            return;
        }
        for &old in &old {
            let partner = new.iter().find(|&&new| {
                self.old_of[new.index()].is_none()
                    && self.looks(old) == self.looks(new)
                    && may_change_modules(old, new)
            });
            if let Some(&new) = partner {
                self.pair(old, new);
            }
        }
        let (old, new) = self.left(name);
        if let ([old], [new]) = (old.as_slice(), new.as_slice()) {
            if may_change_modules(*old, *new) {
                self.pair(*old, *new);
            }
        }
    }
}

/// Whether the sizes are the same, as far as both are known.
pub(super) fn same_size(old: Entry<'_>, new: Entry<'_>) -> bool {
    match (old.size(), new.size()) {
        (Some(old), Some(new)) => old == new,
        _ => true,
    }
}

fn knows_loaded_sizes(table: &SymbolTable) -> bool {
    // One symbol tells for all.
    let is_loaded = |entry: &Entry<'_>| !entry.group().is_image();
    let loaded = table.iter().rfind(is_loaded);
    loaded.is_none_or(|entry| entry.size().is_some())
}

/// The modules by which a symbol is known, as far as both tables know them.
fn owner(known: Facts, entry: Entry<'_>) -> &[u8] {
    if !known.built_in_modules && entry.group().is_image() {
        return &[];
    }
    entry.modules().as_bytes()
}

/// Whether symbols of one name may be the same though their modules differ.
fn may_change_modules(old: Entry<'_>, new: Entry<'_>) -> bool {
    let is_global = |entry: Entry<'_>| entry.letter().is_ascii_uppercase();
    let is_image = |entry: Entry<'_>| entry.group().is_image();
    let related = || {
        let (old, new) = (old.modules(), new.modules());
        old.is_empty() || new.is_empty() || old.iter().any(|module| new.contains(module))
    };
    (is_global(old) && is_global(new)) || (is_image(old) && is_image(new) && related())
}

/// Symbols that are certainly the same, as landmarks: what stands near one moved with it.
struct Anchors {
    /// By address in the old table, with the address in the new one.
    old: Vec<(u64, u64)>,
    /// The reverse.
    new: Vec<(u64, u64)>,
}

impl Anchors {
    fn new<'t>(pairs: impl Iterator<Item = (Entry<'t>, Entry<'t>)>) -> Self {
        let mut old: Vec<_> = pairs
            .map(|(old, new)| (old.address(), new.address()))
            .collect();
        let mut new: Vec<_> = old.iter().map(|&(old, new)| (new, old)).collect();
        for list in [&mut old, &mut new] {
            list.sort_unstable();
            list.dedup();
            // Where those at one address went apart, they tell nothing.
            let places = list.chunk_by(|one, other| one.0 == other.0);
            let places = places.filter(|places| places.len() == 1);
            *list = places.flatten().copied().collect();
        }
        Self { old, new }
    }

    /// The address in the old table, and what it is in the new one if it moved with its landmark.
    fn of_old(&self, address: u64, side: Side) -> (u64, u64) {
        (address, moved(&self.old, address, side))
    }

    /// What the address in the new table was in the old one, and the address.
    fn of_new(&self, address: u64, side: Side) -> (u64, u64) {
        (moved(&self.new, address, side), address)
    }
}

/// On which side of a symbol its landmark is.
#[derive(Clone, Copy)]
enum Side {
    /// At the same address or below.
    Below,
    /// Above.
    Above,
}

/// An address of one table in the other, by the nearest landmark on one side, or the last where there is none.
fn moved(anchors: &[(u64, u64)], address: u64, side: Side) -> u64 {
    let above = anchors.partition_point(|&(here, _)| here <= address);
    let place = match side {
        Side::Below => above.saturating_sub(1),
        Side::Above => above.min(anchors.len().saturating_sub(1)),
    };
    let anchor = anchors.get(place);
    anchor.map_or(address, |&(here, there)| {
        address.wrapping_sub(here).wrapping_add(there)
    })
}
