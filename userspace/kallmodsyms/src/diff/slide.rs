// SPDX-License-Identifier: Apache-2.0 OR MIT

//! How far the parts of a kernel slid as a whole.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use crate::table::Entry;
use crate::{Modules, Section};

/// How far the kernel image or a loaded module slid as a whole.
///
/// The sections of a loaded module may slide apart: then it has several, each with the symbols that it concerns.
///
/// ```
/// use kallmodsyms::{SymbolTable, diff::Diff};
///
/// let old = SymbolTable::from_bytes(b"ffffffffc0200000 d2 t nfs_lookup\t[nfs]\n")?;
/// let new = SymbolTable::from_bytes(b"ffffffffc0300000 d2 t nfs_lookup\t[nfs]\n")?;
/// let slide = Diff::new(&old, &new).slides()[0];
/// assert!(slide.modules.contains(b"nfs"));
/// assert_eq!((slide.distance, slide.symbols), (0x10_0000, 1));
/// # Ok::<(), kallmodsyms::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Slide<'t> {
    /// The loaded module; empty for the kernel image.
    pub modules: Modules<'t>,
    /// How far: the new address less the old one.
    pub distance: i64,
    /// How many symbols slid so far.
    pub symbols: usize,
}

/// What slides as a whole: the kernel image, which has no name here, or the sections of a kind of a loaded module.
type Part<'t> = (&'t [u8], Option<Section>);

const IMAGE: Part<'static> = (&[], None);

/// How far each part slid.
pub(super) struct Slides<'t> {
    parts: BTreeMap<Part<'t>, (i64, usize)>,
}

impl<'t> Slides<'t> {
    pub(super) fn new(pairs: impl Iterator<Item = (Entry<'t>, Entry<'t>)>) -> Self {
        let mut distances: BTreeMap<Part<'t>, BTreeMap<i64, usize>> = BTreeMap::new();
        let mut text = Vec::new();
        for (old, new) in pairs {
            if let Some(part) = part(old, new) {
                let distance = distance(old, new);
                if part == IMAGE && old.name() == b"_text" {
                    text.push(distance);
                }
                let counts = distances.entry(part).or_default();
                *counts.entry(distance).or_default() += 1;
            }
        }
        let parts = distances.into_iter().map(|(part, counts)| {
            let mut slide = most_common(&counts);
            // Of a kernel that was built anew, no distance is that of most symbols.
            if let (IMAGE, [text]) = (part, text.as_slice()) {
                if slide.1 <= counts.values().sum::<usize>() / 2 {
                    slide = (*text, counts.get(text).copied().unwrap_or(0));
                }
            }
            (part, slide)
        });
        Self {
            parts: parts.collect(),
        }
    }

    /// How far a symbol moved beyond its part.
    pub(super) fn beyond(&self, old: Entry<'t>, new: Entry<'t>) -> i64 {
        if old.group().is_image() != new.group().is_image() {
            // Built in here, loaded there: it is elsewhere in any case.
            return 0;
        }
        let slide = part(old, new).and_then(|part| self.parts.get(&part));
        distance(old, new).wrapping_sub(slide.map_or(0, |&(distance, _)| distance))
    }

    /// Those that are not zero, each distance of a module once.
    pub(super) fn into_list(self) -> Vec<Slide<'t>> {
        let mut merged: BTreeMap<(&'t [u8], i64), usize> = BTreeMap::new();
        for ((name, _), (distance, symbols)) in self.parts {
            if distance != 0 {
                *merged.entry((name, distance)).or_default() += symbols;
            }
        }
        let slides = merged
            .into_iter()
            .map(|((modules, distance), symbols)| Slide {
                modules: Modules::from_grammar(modules),
                distance,
                symbols,
            });
        slides.collect()
    }
}

/// What a pair slides with. Nothing does if it is absolute, or at two places that have nothing to do with each other.
fn part<'t>(old: Entry<'t>, new: Entry<'t>) -> Option<Part<'t>> {
    let is_absolute = |entry: Entry<'_>| entry.letter().eq_ignore_ascii_case(&b'a');
    match (old.group().is_image(), new.group().is_image()) {
        (true, true) => (!is_absolute(old) && !is_absolute(new)).then_some(IMAGE),
        (false, false) if old.modules() == new.modules() => Some((
            old.modules().as_bytes(),
            Some(old.section().min(new.section())),
        )),
        _ => None,
    }
}

/// From the old place to the new one. Wraps round: that is how kernels count, too.
#[allow(
    clippy::cast_possible_wrap,
    reason = "half of the distances are downwards"
)]
fn distance(old: Entry<'_>, new: Entry<'_>) -> i64 {
    new.address().wrapping_sub(old.address()) as i64
}

/// The most common distance and how often it occurs; of two the smaller one. The other way round, tables must give the
/// same with another sign, so where that alone tells two apart, neither is taken.
fn most_common(counts: &BTreeMap<i64, usize>) -> (i64, usize) {
    let most = counts.values().copied().max().unwrap_or(0);
    let common = counts.iter().filter(|&(_, &count)| count == most);
    let least = common
        .map(|(&distance, _)| distance)
        .min_by_key(|distance| distance.unsigned_abs());
    let distance = least.unwrap_or(0);
    let opposite = distance.checked_neg().filter(|&other| other != distance);
    if opposite.and_then(|opposite| counts.get(&opposite)) == Some(&most) {
        return (0, counts.get(&0).copied().unwrap_or(0));
    }
    (distance, most)
}
