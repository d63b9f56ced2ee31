// SPDX-License-Identifier: Apache-2.0 OR MIT

//! What differs between two tables: against the rules applied without haste, with edits that are known, and on files of
//! real boots.

use std::collections::{BTreeMap, BTreeSet};

use kallmodsyms::diff::{Change, Diff, Pair};
use kallmodsyms::table::{Builder, Entry, Facts};
use kallmodsyms::{Section, SymbolTable, Symbols, Width};
use kallmodsyms_captures::Capture;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

fn table(source: &str) -> SymbolTable {
    SymbolTable::from_bytes(source.as_bytes()).expect("the file is well formed")
}

/// A difference by ranks: old, new, moved, resized, another letter, other modules.
type Plain = (Option<usize>, Option<usize>, i64, bool, bool, bool);

fn plain(diff: &Diff<'_>) -> Vec<Plain> {
    let changes = diff.changes().iter().map(|change| match *change {
        Change::Came(new) => (None, Some(new.index()), 0, false, false, false),
        Change::Went(old) => (Some(old.index()), None, 0, false, false, false),
        Change::Changed(Pair {
            old,
            new,
            moved,
            resized,
            relettered,
            changed_modules,
            ..
        }) => (
            Some(old.index()),
            Some(new.index()),
            moved.unwrap_or(0),
            resized,
            relettered,
            changed_modules,
        ),
    });
    changes.collect()
}

/// A slide: module, distance, symbols.
type PlainSlide = (Vec<u8>, i64, usize);

fn slides(diff: &Diff<'_>) -> Vec<PlainSlide> {
    let slides = diff.slides().iter();
    let slides = slides.map(|slide| {
        (
            slide.modules.as_bytes().to_vec(),
            slide.distance,
            slide.symbols,
        )
    });
    slides.collect()
}

/// The rules as the documentation has them, with a look at all pairs.
struct Model<'t> {
    old: Vec<Entry<'t>>,
    new: Vec<Entry<'t>>,
    sizes: bool,
    built_in: bool,
    pairs: Vec<(usize, usize)>,
}

impl<'t> Model<'t> {
    fn new(old: &'t SymbolTable, new: &'t SymbolTable) -> Self {
        let mut model = Self {
            old: old.iter().collect(),
            new: new.iter().collect(),
            sizes: old.facts().sizes && new.facts().sizes,
            built_in: old.facts().built_in_modules && new.facts().built_in_modules,
            pairs: vec![],
        };
        // 1. One on each side.
        for old in 0..model.old.len() {
            let twins = model
                .old
                .iter()
                .filter(|&&other| model.known(other) == model.known(model.old[old]));
            let same = |&new: &usize| model.known(model.old[old]) == model.known(model.new[new]);
            let partners: Vec<usize> = (0..model.new.len()).filter(same).collect();
            if let (1, [new]) = (twins.count(), partners.as_slice()) {
                model.pairs.push((old, *new));
            }
        }
        // 2. Several: in the same place, of the same looks, in order.
        let landmarks = model.pairs.clone();
        for above in [false, true] {
            model.pair_first(|model, old, new| {
                model.known(old) == model.known(new)
                    && model.looks(old) == model.looks(new)
                    && model.stays(&landmarks, above, old, new)
            });
        }
        model.pair_first(|model, old, new| {
            model.known(old) == model.known(new) && model.looks(old) == model.looks(new)
        });
        model.pair_first(|model, old, new| model.known(old) == model.known(new));
        // 3. With other modules.
        let related = |old: Entry<'_>, new: Entry<'_>| {
            let global = old.letter().is_ascii_uppercase() && new.letter().is_ascii_uppercase();
            let image = old.group().is_image() && new.group().is_image();
            let (from, to) = (old.modules(), new.modules());
            let common = from.iter().any(|module| to.contains(module));
            old.name() == new.name()
                && (global || (image && (from.is_empty() || to.is_empty() || common)))
        };
        model.pair_first(|model, old, new| {
            related(old, new) && model.looks(old) == model.looks(new)
        });
        let left = model.left();
        for &(old, new) in &left {
            let name = model.old[old].name();
            let alone = left
                .iter()
                .filter(|&&(other, _)| model.old[other].name() == name)
                .count()
                == 1;
            if alone && related(model.old[old], model.new[new]) {
                model.pairs.push((old, new));
            }
        }
        model
    }

    fn known(&self, entry: Entry<'t>) -> (&'t [u8], &'t [u8]) {
        let hidden = !self.built_in && entry.group().is_image();
        let modules = if hidden {
            &[]
        } else {
            entry.modules().as_bytes()
        };
        (entry.name(), modules)
    }

    fn looks(&self, entry: Entry<'_>) -> (Option<u64>, u8) {
        (entry.size().filter(|_| self.sizes), entry.letter())
    }

    /// All pairs of symbols of one name without a partner.
    fn left(&self) -> Vec<(usize, usize)> {
        let mut left = Vec::new();
        for old in 0..self.old.len() {
            for new in 0..self.new.len() {
                let taken = self
                    .pairs
                    .iter()
                    .any(|&(one, other)| one == old || other == new);
                if !taken && self.old[old].name() == self.new[new].name() {
                    left.push((old, new));
                }
            }
        }
        left
    }

    /// Pairs the first old symbol with the first new one that fits, and so on.
    fn pair_first(&mut self, fits: impl Fn(&Self, Entry<'t>, Entry<'t>) -> bool) {
        for (old, new) in self.left() {
            let taken = self
                .pairs
                .iter()
                .any(|&(one, other)| one == old || other == new);
            if !taken && fits(self, self.old[old], self.new[new]) {
                self.pairs.push((old, new));
            }
        }
    }

    /// Whether both stand at the same distance from their landmarks above, or at or below them.
    fn stays(
        &self,
        landmarks: &[(usize, usize)],
        above: bool,
        old: Entry<'_>,
        new: Entry<'_>,
    ) -> bool {
        let landmarks = landmarks
            .iter()
            .map(|&(old, new)| (self.old[old].address(), self.new[new].address()));
        let forth: Vec<(u64, u64)> = landmarks.collect();
        let back: Vec<(u64, u64)> = forth.iter().map(|&(old, new)| (new, old)).collect();
        let shift = |landmarks: &[(u64, u64)], address: u64| {
            // Where those at one address went apart, they tell nothing.
            let shifts = |here: u64| {
                let places = landmarks.iter().filter(move |place| place.0 == here);
                places
                    .map(|&(here, there)| there.wrapping_sub(here))
                    .collect::<BTreeSet<u64>>()
            };
            let places: BTreeSet<u64> = landmarks.iter().map(|&(here, _)| here).collect();
            let places: Vec<u64> = places
                .into_iter()
                .filter(|&here| shifts(here).len() == 1)
                .collect();
            let below = places
                .iter()
                .rfind(|&&here| here <= address)
                .or(places.first());
            let higher = places
                .iter()
                .find(|&&here| here > address)
                .or(places.last());
            let place = if above { higher } else { below };
            place.map_or(0, |&here| shifts(here).into_iter().next().unwrap_or(0))
        };
        let distance = new.address().wrapping_sub(old.address());
        distance == shift(&forth, old.address())
            && distance.wrapping_neg() == shift(&back, new.address())
    }

    /// The most common distance of each part of the kernel.
    fn slide(&self, part: &(Vec<u8>, Option<Section>)) -> (i64, usize) {
        let mut counts: BTreeMap<i64, usize> = BTreeMap::new();
        for &(old, new) in &self.pairs {
            let (old, new) = (self.old[old], self.new[new]);
            if part_of(old, new).as_ref() == Some(part) {
                *counts.entry(distance(old, new)).or_default() += 1;
            }
        }
        let most = counts.values().copied().max().unwrap_or(0);
        if part.1.is_none() && most * 2 <= counts.values().sum() {
            let text = self
                .pairs
                .iter()
                .map(|&(old, new)| (self.old[old], self.new[new]));
            let text = text.filter(|pair| {
                pair.0.name() == b"_text" && part_of(pair.0, pair.1).as_ref() == Some(part)
            });
            if let [(old, new)] = text.collect::<Vec<_>>()[..] {
                return (distance(old, new), counts[&distance(old, new)]);
            }
        }
        let mut common: Vec<i64> = counts
            .iter()
            .filter(|&(_, &count)| count == most)
            .map(|(&d, _)| d)
            .collect();
        common.sort_by_key(|distance| distance.unsigned_abs());
        match common[..] {
            [one, other, ..] if one.unsigned_abs() == other.unsigned_abs() => {
                (0, counts.get(&0).copied().unwrap_or(0))
            }
            [one, ..] => (one, most),
            [] => (0, 0),
        }
    }

    fn changes(&self) -> Vec<Plain> {
        let mut changes = Vec::new();
        for (rank, &old) in self.old.iter().enumerate() {
            let Some(&(_, partner)) = self.pairs.iter().find(|pair| pair.0 == rank) else {
                changes.push((Some(rank), None, 0, false, false, false));
                continue;
            };
            let new = self.new[partner];
            let slide = part_of(old, new).map_or(0, |part| self.slide(&part).0);
            let apart = old.group().is_image() != new.group().is_image();
            let moved = if apart {
                0
            } else {
                distance(old, new).wrapping_sub(slide)
            };
            let resized = self.looks(old).0 != self.looks(new).0;
            let relettered = old.letter() != new.letter();
            let modules = apart || self.known(old) != self.known(new);
            if moved != 0 || resized || relettered || modules {
                changes.push((
                    Some(rank),
                    Some(partner),
                    moved,
                    resized,
                    relettered,
                    modules,
                ));
            }
        }
        for rank in 0..self.new.len() {
            if self.pairs.iter().all(|pair| pair.1 != rank) {
                changes.push((None, Some(rank), 0, false, false, false));
            }
        }
        changes
    }

    fn slides(&self) -> Vec<PlainSlide> {
        let mut found: BTreeMap<(Vec<u8>, i64), usize> = BTreeMap::new();
        let parts = self
            .pairs
            .iter()
            .filter_map(|&(old, new)| part_of(self.old[old], self.new[new]));
        let parts: BTreeSet<_> = parts.collect();
        for part in parts {
            let (distance, symbols) = self.slide(&part);
            if distance != 0 {
                *found.entry((part.0, distance)).or_default() += symbols;
            }
        }
        let slides = found
            .into_iter()
            .map(|((name, distance), symbols)| (name, distance, symbols));
        slides.collect()
    }
}

#[allow(clippy::cast_possible_wrap)]
fn distance(old: Entry<'_>, new: Entry<'_>) -> i64 {
    new.address().wrapping_sub(old.address()) as i64
}

/// The image as a whole, the sections of loaded modules each by itself.
fn part_of(old: Entry<'_>, new: Entry<'_>) -> Option<(Vec<u8>, Option<Section>)> {
    let absolute = [old, new]
        .iter()
        .any(|entry| entry.letter().eq_ignore_ascii_case(&b'a'));
    if old.group().is_image() && new.group().is_image() {
        return (!absolute).then_some((vec![], None));
    }
    let outside =
        !old.group().is_image() && !new.group().is_image() && old.modules() == new.modules();
    outside.then(|| {
        (
            old.modules().as_bytes().to_vec(),
            Some(old.section().min(new.section())),
        )
    })
}

/// Lines of a small file in which names, sizes and addresses repeat.
fn lines() -> impl Strategy<Value = Vec<(u64, u64, char, &'static str, &'static str)>> {
    let name = select(
        &[
            "probe", "probe", "__key.0", "__key.0", "a", "b", "c", "d", "e", "f", "g", "_text",
        ][..],
    );
    let modules = select(&["", "", "", "[m]", "[m] [n]", "[n]"][..]);
    let letter = select(&['t', 't', 'T', 'd', 'D', 'A', 'r'][..]);
    let symbol = (0_u64..12, 0_u64..4, letter, name, modules);
    // Crowded or spread.
    (vec(symbol, 0..14), select(&[3, 12][..])).prop_map(|(mut lines, places)| {
        for line in &mut lines {
            line.0 %= places;
        }
        lines
    })
}

/// A file of an image and of what is loaded.
fn file(sized: bool) -> impl Strategy<Value = String> {
    (lines(), lines(), 0_u64..3).prop_map(move |(image, loaded, base)| {
        let line = |address: u64, size: u64, letter: char, name: &str, modules: &str| {
            let size = if sized {
                format!("{size:x} ")
            } else {
                String::new()
            };
            let tab = if modules.is_empty() { "" } else { "\t" };
            format!("{address:016x} {size}{letter} {name}{tab}{modules}\n")
        };
        let mut file = String::new();
        for (address, size, letter, name, modules) in image {
            let address = 0x10_0000 + base * 0x1000 + address * 4;
            file += &line(address, size * 4, letter, name, modules);
        }
        file += &line(0x20_0000 + base * 0x1000, 0, 'B', "_end", "");
        for (address, size, letter, name, modules) in loaded {
            let modules = if modules.is_empty() { "[bpf]" } else { modules };
            file += &line(0x30_0000 + address * 4, size * 4, letter, name, modules);
        }
        file
    })
}

fn any_file() -> impl Strategy<Value = String> {
    prop_oneof![4 => file(true), 1 => file(false)]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_table_does_not_differ_from_itself(file in any_file()) {
        let (one, other) = (table(&file), table(&file));
        let diff = Diff::new(&one, &other);
        prop_assert!(diff.is_empty(), "{:?}", diff.changes());
        prop_assert_eq!(diff.slides(), []);
        prop_assert_eq!(diff.counts().same, one.len());
    }

    #[test]
    fn the_rules_are_kept((old, new) in (any_file(), any_file())) {
        let (old, new) = (table(&old), table(&new));
        let model = Model::new(&old, &new);
        let diff = Diff::new(&old, &new);
        prop_assert_eq!(plain(&diff), model.changes());
        prop_assert_eq!(slides(&diff), model.slides());
    }

    #[test]
    fn the_other_way_round_is_the_same((old, new) in (any_file(), any_file())) {
        let (old, new) = (table(&old), table(&new));
        let (forth, back) = (Diff::new(&old, &new), Diff::new(&new, &old));
        let turn = |(old, new, moved, resized, letter, modules): Plain| {
            (new, old, moved.wrapping_neg(), resized, letter, modules)
        };
        let mut turned: Vec<Plain> = plain(&back).into_iter().map(turn).collect();
        let mut expected = plain(&forth);
        turned.sort_unstable();
        expected.sort_unstable();
        prop_assert_eq!(turned, expected);
        let mut turned: Vec<PlainSlide> = slides(&back).into_iter().map(|(name, d, n)| (name, d.wrapping_neg(), n)).collect();
        turned.sort();
        prop_assert_eq!(turned, slides(&forth));
    }

    #[test]
    fn counts_add_up((old, new) in (any_file(), any_file())) {
        let (old, new) = (table(&old), table(&new));
        let diff = Diff::new(&old, &new);
        let counts = diff.counts();
        prop_assert_eq!(counts.same + counts.changed + counts.went, old.len());
        prop_assert_eq!(counts.same + counts.changed + counts.came, new.len());
        prop_assert_eq!(counts.changed + counts.came + counts.went, diff.changes().len());
        let count = |such: fn(&Plain) -> bool| plain(&diff).iter().filter(|&change| such(change)).count();
        prop_assert_eq!(counts.moved, count(|change| change.2 != 0));
        prop_assert_eq!(counts.resized, count(|change| change.3));
        prop_assert_eq!(counts.relettered, count(|change| change.4));
        prop_assert_eq!(counts.changed_modules, count(|change| change.5));
        prop_assert_eq!(counts.came, count(|change| change.0.is_none()));
        prop_assert_eq!(counts.went, count(|change| change.1.is_none()));
    }
}

/// What is done to one symbol.
#[derive(Clone, Copy, Debug)]
enum Edit {
    None,
    Remove,
    Resize,
    Move,
    Reletter,
    Rename,
    Modules,
}

/// A kernel whose symbols have names of their own, but for statics, of which one stands behind each; the names of
/// loaded symbols repeat those of the image.
fn kernel(edits: &[(Edit, bool)], slide: u64, module_slide: u64) -> (String, Vec<String>) {
    let mut lines = Vec::new();
    let mut expected = Vec::new();
    let count = edits.len() as u64;
    for (place, &(edit, add)) in (0_u64..).zip(edits) {
        let loaded = place >= count / 2;
        let (base, module) = if loaded {
            (0xffff_ffff_c000_0000 + module_slide, "\t[net]")
        } else {
            (
                0xffff_ffff_8000_0000 + slide,
                if place % 2 == 0 { "" } else { "\t[ext4]" },
            )
        };
        if place == count / 2 {
            lines.push(format!("{:016x} 0 B _end\n", 0xffff_ffff_b000_0000 + slide));
        }
        let mut address = base + place * 0x1000;
        let (mut size, mut letter, mut name, mut modules) = (
            0x80,
            't',
            format!("f{}", place % (count / 2).max(1)),
            module.to_owned(),
        );
        let unedited = name.clone();
        let known = format!("{unedited}{modules}");
        match edit {
            Edit::None => {}
            Edit::Remove => expected.push(format!("went {known}")),
            Edit::Resize => {
                size = 0x90;
                expected.push(format!("resized {known}"));
            }
            Edit::Move => {
                address += 0x200;
                expected.push(format!("moved 200 {known}"));
            }
            Edit::Reletter => {
                letter = 'W';
                expected.push(format!("relettered {known}"));
            }
            Edit::Rename => {
                name += "_renamed";
                expected.push(format!("went {known}"));
                expected.push(format!("came {name}{modules}"));
            }
            // Where a loaded module is concerned, a local symbol is another one.
            Edit::Modules if loaded => {
                modules = "\t[net2]".into();
                expected.push(format!("went {known}"));
                expected.push(format!("came {name}{modules}"));
            }
            Edit::Modules => {
                modules = if modules.is_empty() {
                    "\t[ext4]".into()
                } else {
                    "\t[ext4] [jbd2]".into()
                };
                expected.push(format!("modules {known}"));
            }
        }
        if !matches!(edit, Edit::Remove) {
            lines.push(format!(
                "{address:016x} {size:x} {letter} {name}{modules}\n"
            ));
        }
        // A static of a name that repeats; its landmark is before it, moved or not.
        let statics = |address: u64| format!("{address:016x} 8 d __key.0{module}\n");
        lines.push(statics(base + place * 0x1000 + 0x800));
        if add {
            lines.push(statics(base + place * 0x1000 + 0x900));
            expected.push(format!("came __key.0{module}"));
        }
    }
    (lines.concat(), expected)
}

/// The changes in the words that `kernel` uses.
fn words(diff: &Diff<'_>) -> Vec<String> {
    let mut words = Vec::new();
    for change in diff.changes() {
        let known = |entry: &Entry<'_>| {
            let name = String::from_utf8_lossy(entry.name());
            let modules = String::from_utf8_lossy(entry.modules().as_bytes());
            let tab = if modules.is_empty() { "" } else { "\t" };
            format!("{name}{tab}{modules}")
        };
        match change {
            Change::Came(new) => words.push(format!("came {}", known(new))),
            Change::Went(old) => words.push(format!("went {}", known(old))),
            Change::Changed(pair) => {
                if let Some(moved) = pair.moved {
                    words.push(format!("moved {moved:x} {}", known(&pair.old)));
                }
                let ways = [
                    (pair.resized, "resized"),
                    (pair.relettered, "relettered"),
                    (pair.changed_modules, "modules"),
                ];
                let ways = ways.iter().filter(|(such, _)| *such);
                words.extend(ways.map(|(_, word)| format!("{word} {}", known(&pair.old))));
            }
        }
    }
    words.sort();
    words
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    /// Every edit is found, nothing else is, wherever KASLR puts the kernel.
    #[test]
    fn edits_are_found(
        edits in vec((select(&[Edit::Remove, Edit::Resize, Edit::Move, Edit::Reletter, Edit::Rename, Edit::Modules][..]), any::<Index>()), 0..12),
        added in vec(any::<Index>(), 0..4),
        slide in 0_u64..0x100, module_slide in 0_u64..0x1000,
    ) {
        // Far more symbols than edits, so that slides are beyond doubt.
        let mut plan = vec![(Edit::None, false); 200];
        for (edit, place) in edits {
            // Where both landmarks of a static move, it cannot be told from one that came.
            let place = place.index(200);
            let place = if matches!(edit, Edit::Move) { place & !3 } else { place };
            plan[place].0 = edit;
        }
        for place in added {
            plan[place.index(200)].1 = true;
        }
        let (old, nothing) = kernel(&[(Edit::None, false); 200], 0, 0);
        prop_assert!(nothing.is_empty());
        let (new, mut expected) = kernel(&plan, slide << 20, module_slide << 12);
        expected.sort();
        let (old, new) = (table(&old), table(&new));
        let diff = Diff::new(&old, &new);
        prop_assert_eq!(words(&diff), expected);
        let distances: Vec<_> = slides(&diff).into_iter().map(|(name, distance, _)| (name, distance)).collect();
        let expected = [(&b""[..], slide << 20), (b"[net]", module_slide << 12)];
        let expected = expected.iter().filter(|(_, distance)| *distance != 0);
        let distance = |distance: u64| i64::try_from(distance).expect("a short way");
        let expected: Vec<_> = expected.map(|&(name, far)| (name.to_vec(), distance(far))).collect();
        prop_assert_eq!(distances, expected);
    }
}

/// A file with every address changed by a function of the symbol and of whether it is part of the image.
fn with_addresses(file: &[u8], change: impl Fn(&kallmodsyms::Symbol<'_>, bool) -> u64) -> Vec<u8> {
    let symbols: Result<Vec<_>, _> = Symbols::new(file).collect();
    let mut symbols = symbols.expect("the capture is well formed");
    let last_bare = symbols.iter().rposition(|symbol| symbol.modules.is_empty());
    let mut out = Vec::new();
    for (place, symbol) in symbols.iter_mut().enumerate() {
        symbol.address = change(symbol, Some(place) <= last_bare);
        symbol.write_line(Width::Bits64, &mut out);
    }
    out
}

#[test]
fn a_real_kernel_slides() {
    let file = Capture::standard()
        .read("kallmodsyms")
        .expect("the capture is there");
    let moved = with_addresses(&file, |symbol, image| match symbol.kind {
        _ if !image => symbol.address + if symbol.kind == b't' { 0x7000 } else { 0x3000 },
        b'A' => symbol.address,
        _ => symbol.address - 0x120_0000,
    });
    let old = SymbolTable::from_bytes(&file).expect("the capture is well formed");
    let new = SymbolTable::from_bytes(&moved).expect("so is what was moved");
    let diff = Diff::new(&old, &new);
    assert_eq!(diff.changes(), []);
    let image = &diff.slides()[0];
    assert_eq!(
        (image.modules.as_bytes(), image.distance),
        (&b""[..], -0x120_0000)
    );
    assert!(image.symbols > 130_000, "{}", image.symbols);
    // Three modules, two distances each.
    assert_eq!(diff.slides().len(), 7, "{:?}", diff.slides());

    // One static more or less, among a hundred of its name that no landmark tells apart but their places.
    let text = String::from_utf8(moved).expect("the capture is text");
    let statics: Vec<&str> = text
        .lines()
        .filter(|line| line.ends_with(" __func__.0"))
        .collect();
    assert!(statics.len() > 100);
    let line = format!("{}\n", statics[50]);
    for (text, what) in [
        (text.replacen(&line, "", 1), "went __func__.0"),
        (text.replacen(&line, &line.repeat(2), 1), "came __func__.0"),
    ] {
        let new = table(&text);
        assert_eq!(words(&Diff::new(&old, &new)), [what]);
    }
}

#[test]
fn sizes_and_modules_that_one_side_lacks_are_no_difference() {
    let capture = Capture::standard();
    let read = |file| {
        let bytes = capture.read(file).expect("the capture is there");
        SymbolTable::from_bytes(&bytes).expect("the capture is well formed")
    };
    let (kallmodsyms, kallsyms) = (read("kallmodsyms"), read("kallsyms"));
    for (old, new) in [(&kallmodsyms, &kallsyms), (&kallsyms, &kallmodsyms)] {
        let diff = Diff::new(old, new);
        assert_eq!(diff.changes(), []);
        assert_eq!(diff.slides(), []);
    }
}

#[test]
fn sizes_of_the_image_alone() {
    let capture = Capture::standard();
    let read = |file| capture.read(file).expect("the capture is there");
    let file = read("kallmodsyms");
    let kallmodsyms = SymbolTable::from_bytes(&file).expect("the capture is well formed");
    // What vmlinux says.
    let mut vmlinux = Builder::new();
    let symbols: Result<Vec<_>, _> = Symbols::new(&file).collect();
    let symbols = symbols.expect("the capture is well formed");
    let last_bare = symbols.iter().rposition(|symbol| symbol.modules.is_empty());
    for symbol in &symbols[..=last_bare.expect("there is an image")] {
        vmlinux.push(symbol);
    }
    let facts = Facts {
        sizes: true,
        built_in_modules: false,
        ..Facts::default()
    };
    let vmlinux = vmlinux.finish(facts).expect("there are addresses");
    let kallsyms = read("kallsyms");
    let mut joined = SymbolTable::from_bytes(&kallsyms).expect("the capture is well formed");
    joined
        .add_sizes(&vmlinux)
        .expect("all of the image is there");
    for (old, new) in [(&joined, &kallmodsyms), (&kallmodsyms, &joined)] {
        assert_eq!(Diff::new(old, new).changes(), []);
    }
    // But sizes of the image are compared.
    let text = String::from_utf8(file).expect("the capture is text");
    let line = text.lines().find(|line| line.ends_with(" T vfs_read"));
    let line = line.expect("every kernel has it");
    let size = line.split(' ').nth(1).expect("a size");
    let other = line.replacen(size, "1", 1);
    let new = table(&text.replacen(line, &other, 1));
    assert_eq!(words(&Diff::new(&joined, &new)), ["resized vfs_read"]);
}

#[test]
fn system_map_is_the_kernel_before_it_slid() {
    let capture = Capture::standard();
    let read = |file| {
        let bytes = capture.read(file).expect("the capture is there");
        SymbolTable::from_bytes(&bytes).expect("the capture is well formed")
    };
    let (map, kallmodsyms) = (read("System.map"), read("kallmodsyms"));
    let diff = Diff::new(&map, &kallmodsyms);
    // Per-CPU symbols have another letter, and what the linker made absolute is left out of the kernel's own table.
    let counts = diff.counts();
    assert_eq!(
        (counts.moved, counts.resized, counts.changed_modules),
        (0, 0, 0)
    );
    assert_eq!(diff.slides().len(), 1, "{:?}", diff.slides());
    let per_cpu = kallmodsyms.iter().filter(|entry| entry.letter() == b'A');
    assert!(
        counts.relettered > 250 && counts.relettered <= per_cpu.count(),
        "{counts:?}"
    );
    assert!(counts.went < 100, "{counts:?}");
    for change in diff.changes() {
        match change {
            Change::Came(new) => assert!(!new.group().is_image(), "{new:?}"),
            Change::Went(old) => assert!(old.letter().eq_ignore_ascii_case(&b'a'), "{old:?}"),
            Change::Changed(pair) => assert_eq!(pair.new.letter(), b'A', "{pair:?}"),
        }
    }
}

#[test]
fn an_object_that_becomes_a_module() {
    let old = table(
        "ffffffff81000000 20 T tun_get\nffffffff81000020 10 t probe\nffffffff81000030 10 t probe\t[nvme]\n\
         ffffffff81000040 8 d table\t[nvme]\nffffffff81001000 0 B _end\nffffffffc0000000 10 t probe\t[tap]\n",
    );
    // The core code is part of a module now; of the loaded module's code only what is exported is the same.
    let new = table(
        "ffffffff81000020 10 t probe\t[tun]\nffffffff81000030 10 t probe\t[nvme]\n\
         ffffffff81000040 8 d table\t[nvme] [nvme_tcp]\nffffffff81001000 0 B _end\n\
         ffffffffc0000000 20 T tun_get\t[tun2]\nffffffffc0000100 10 t probe\t[tun2]\n",
    );
    let diff = Diff::new(&old, &new);
    let expected = [
        "came probe\t[tun2]",
        "modules probe",
        "modules table\t[nvme]",
        "modules tun_get",
        "went probe\t[tap]",
    ];
    assert_eq!(words(&diff), expected);
}

#[test]
fn a_built_in_module_that_is_loaded_now() {
    let old = table("ffffffff81000000 20 t f\t[nfs]\nffffffff81001000 0 B _end\n");
    let new = table("ffffffff81001000 0 B _end\nffffffffc0000000 20 t f\t[nfs]\n");
    assert_eq!(words(&Diff::new(&old, &new)), ["modules f\t[nfs]"]);
    assert_eq!(words(&Diff::new(&new, &old)), ["modules f\t[nfs]"]);
}

#[test]
fn a_kernel_that_was_built_anew_slides_with_its_text() {
    let old = table(
        "ffffffff81000000 0 T _text\nffffffff81000000 20 t a\nffffffff81000020 20 t b\n\
         ffffffff81000040 20 t c\nffffffff81000060 20 t d\nffffffff81001000 0 B _end\n",
    );
    // Two moved by another distance than `_text`, which is more common, and two by others.
    let new = table(
        "ffffffff82000000 0 T _text\nffffffff82000010 20 t a\nffffffff82000030 20 t b\n\
         ffffffff82000060 20 t c\nffffffff82000090 20 t d\nffffffff82001000 0 B _end\n",
    );
    let diff = Diff::new(&old, &new);
    assert_eq!(
        words(&diff),
        ["moved 10 a", "moved 10 b", "moved 20 c", "moved 30 d"]
    );
    assert_eq!(slides(&diff), [(vec![], 0x100_0000, 2)]);
}

#[test]
fn real_boots_of_one_kernel() {
    let read = |capture: &Capture| {
        let bytes = capture.read("kallmodsyms").expect("the capture is there");
        SymbolTable::from_bytes(&bytes).expect("the capture is well formed")
    };
    let standard = Capture::standard();
    let captures = Capture::all().expect("the captures are there");
    let busy = captures
        .iter()
        .find(|capture| capture.to_string() == "busy")
        .expect("there is a second");
    let (old, new) = (read(&standard), read(busy));
    let diff = Diff::new(&old, &new);
    let counts = diff.counts();
    // Nothing of 139,609 symbols changed, and all that came is loaded.
    assert_eq!(
        (counts.same, counts.changed, counts.went),
        (old.len(), 0, 0),
        "{counts:?}"
    );
    assert_eq!(counts.came, new.len() - old.len());
    for change in diff.changes() {
        assert!(
            matches!(change, Change::Came(entry) if !entry.group().is_image()),
            "{change:?}"
        );
    }
    // The image and three modules.
    assert_eq!(diff.slides().len(), 4, "{:?}", diff.slides());
}
