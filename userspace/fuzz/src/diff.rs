// SPDX-License-Identifier: Apache-2.0 OR MIT

//! What differs between two tables.

use std::collections::BTreeSet;

use kallmodsyms::SymbolTable;
use kallmodsyms::diff::{Change, Counts, Diff};

use crate::split;

/// Compares two files, both ways. A table does not differ from itself; each symbol is in one pair or none; a pair is
/// listed exactly if one look at it finds a difference; the other way round, the same symbols differ in the same ways.
///
/// # Panics
///
/// If one of these does not hold.
pub fn diff(input: &[u8]) {
    let (old, new) = split(input);
    let tables = [old, new.unwrap_or_default()].map(SymbolTable::from_bytes);
    for table in tables.iter().flatten() {
        let diff = Diff::new(table, table);
        assert_eq!(diff.changes(), []);
        assert_eq!(diff.slides(), []);
        assert_eq!(diff.counts().same, table.len());
    }
    let [Ok(old), Ok(new)] = tables else {
        return;
    };
    let there = Diff::new(&old, &new);
    let back = Diff::new(&new, &old);
    check(&old, &new, &there);
    let counts = back.counts();
    let mut turned = there.counts();
    (turned.came, turned.went) = (turned.went, turned.came);
    assert_eq!(counts, turned);

    let ways = |diff: &Diff<'_>, is_turned: bool| -> BTreeSet<_> {
        let change = |change: &Change<'_>| match *change {
            Change::Came(entry) => (!is_turned, Some(entry.index()), None, None),
            Change::Went(entry) => (is_turned, Some(entry.index()), None, None),
            Change::Changed(pair) => {
                let (old, new) = (pair.old.index(), pair.new.index());
                let (old, new) = if is_turned { (new, old) } else { (old, new) };
                let moved = |far: i64| if is_turned { far.wrapping_neg() } else { far };
                let how = (
                    pair.moved.map(moved),
                    pair.resized,
                    pair.relettered,
                    pair.changed_modules,
                );
                (false, Some(old), Some(new), Some(how))
            }
        };
        diff.changes().iter().map(change).collect()
    };
    assert_eq!(ways(&there, false), ways(&back, true));
    let slides = |diff: &Diff<'_>, is_turned: bool| -> BTreeSet<_> {
        let distance = |far: i64| if is_turned { far.wrapping_neg() } else { far };
        let slides = diff.slides().iter();
        let slides = slides.map(|slide| {
            let modules = slide.modules.as_bytes().to_vec();
            (modules, distance(slide.distance), slide.symbols)
        });
        slides.collect()
    };
    assert_eq!(slides(&there, false), slides(&back, true));
}

fn check(old: &SymbolTable, new: &SymbolTable, diff: &Diff<'_>) {
    let mut counts = Counts::default();
    let (mut of_old, mut of_new) = (BTreeSet::new(), BTreeSet::new());
    for change in diff.changes() {
        match *change {
            Change::Came(entry) => {
                counts.came += 1;
                assert_eq!(new.get(entry.index()), Some(entry));
                assert!(of_new.insert(entry.index()));
            }
            Change::Went(entry) => {
                counts.went += 1;
                assert_eq!(old.get(entry.index()), Some(entry));
                assert!(of_old.insert(entry.index()));
            }
            Change::Changed(pair) => {
                let (one, other) = (pair.old, pair.new);
                assert_eq!(old.get(one.index()), Some(one));
                assert_eq!(new.get(other.index()), Some(other));
                assert!(of_old.insert(one.index()) && of_new.insert(other.index()));
                assert_eq!(one.name(), other.name());
                assert_eq!(pair.relettered, one.letter() != other.letter());
                let sizes = one.size().zip(other.size());
                assert_eq!(pair.resized, sizes.is_some_and(|(one, other)| one != other));
                counts.changed += 1;
                counts.moved += usize::from(pair.moved.is_some());
                counts.resized += usize::from(pair.resized);
                counts.relettered += usize::from(pair.relettered);
                counts.changed_modules += usize::from(pair.changed_modules);
                let ways = [pair.resized, pair.relettered, pair.changed_modules];
                assert!(pair.moved.is_some() || ways.contains(&true));
            }
        }
    }
    counts.same = old.len() - of_old.len();
    assert_eq!(counts.same, new.len() - of_new.len());
    assert_eq!(diff.counts(), counts);
    assert_eq!(diff.is_empty(), diff.changes().is_empty());
}
