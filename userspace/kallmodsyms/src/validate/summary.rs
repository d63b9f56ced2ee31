// SPDX-License-Identifier: Apache-2.0 OR MIT

//! What a file holds, counted.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use core::hash::BuildHasher;

use foldhash::fast::FixedState;

use super::check::Place;
use crate::{Group, Symbol};

/// What a file holds. Lines that are no symbols count as lines alone.
///
/// ```
/// use kallmodsyms::validate::Validation;
///
/// let summary = Validation::new(b"ffffffff81000000 8 T _stext\n").run().summary;
/// assert_eq!((summary.core, summary.size_sum), (1, 8));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Summary {
    /// Lines, well formed or not.
    pub lines: usize,
    /// Whether the reader could not see addresses and sizes: all addresses are zero.
    pub hidden: bool,
    /// Symbols of the kernel image that belong to no module.
    pub core: usize,
    /// Symbols of built-in modules.
    pub built_in: usize,
    /// Symbols of loaded modules.
    pub loaded: usize,
    /// Symbols of BPF, ftrace and kprobes.
    pub pseudo: usize,
    /// Built-in modules that have a symbol.
    pub built_in_modules: usize,
    /// Loaded modules that have a symbol.
    pub loaded_modules: usize,
    /// Symbols that belong to more than one module.
    pub shared: usize,
    /// Symbols with a size other than zero.
    pub sized: usize,
    /// Symbols with the size zero.
    pub zero_size: usize,
    /// All sizes added up. Symbols inside others count again.
    pub size_sum: u64,
    /// Addresses of the kernel image where a symbol starts that reaches past the next symbol's start.
    pub overlaps: usize,
}

/// Counts symbols, line by line.
#[derive(Default)]
pub(super) struct Counter {
    pub(super) summary: Summary,
    built_in_modules: BTreeSet<u64>,
    loaded_modules: BTreeSet<u64>,
    open: Open,
    /// The modules of the symbol before: most symbols have the same, and need no search.
    last_modules: (Vec<u8>, Place, Option<Group>),
    /// Address of the symbol before, and the highest end of any symbol there.
    last: (u64, u64),
}

/// What counts for the kernel image or for what follows it: nobody knows yet.
#[derive(Default)]
struct Open {
    built_in: usize,
    loaded: usize,
    pseudo: usize,
    overlaps: usize,
    /// Each with whether it is loaded if it is outside of the image.
    modules: BTreeMap<u64, bool>,
}

/// A name as a number: who makes names on purpose that share one is told a lower count, and a file that has as many
/// modules as lines takes no more memory than its text.
fn number(name: &[u8]) -> u64 {
    FixedState::default().hash_one(name)
}

impl Counter {
    /// Takes a symbol, and the group that it has if it is outside of the kernel image.
    pub(super) fn add(&mut self, symbol: &Symbol<'_>, place: Place, outside: Option<Group>) {
        let is_loaded = outside == Some(Group::Loaded);
        let summary = &mut self.summary;
        match place {
            Place::Image if symbol.modules.is_empty() => summary.core += 1,
            Place::Image => summary.built_in += 1,
            Place::Outside if is_loaded => summary.loaded += 1,
            Place::Outside => summary.pseudo += 1,
            Place::Open => {
                self.open.built_in += 1;
                self.open.loaded += usize::from(is_loaded);
                self.open.pseudo += usize::from(!is_loaded);
            }
        }
        summary.shared += usize::from(symbol.modules.len() > 1);
        self.modules(symbol, place, outside, is_loaded);
        self.size(symbol, place);
    }

    fn modules(
        &mut self,
        symbol: &Symbol<'_>,
        place: Place,
        outside: Option<Group>,
        is_loaded: bool,
    ) {
        let (text, last_place, last_group) = &mut self.last_modules;
        if symbol.modules.is_empty()
            || (*text == symbol.modules.as_bytes()
                && (*last_place, *last_group) == (place, outside))
        {
            return;
        }
        text.clear();
        text.extend_from_slice(symbol.modules.as_bytes());
        (*last_place, *last_group) = (place, outside);
        for name in symbol.modules {
            match place {
                Place::Image => {
                    self.built_in_modules.insert(number(name));
                }
                Place::Outside => {
                    if is_loaded {
                        self.loaded_modules.insert(number(name));
                    }
                }
                Place::Open => *self.open.modules.entry(number(name)).or_default() |= is_loaded,
            }
        }
    }

    fn size(&mut self, symbol: &Symbol<'_>, place: Place) {
        let summary = &mut self.summary;
        let Some(size) = symbol.size else { return };
        *(if size == 0 {
            &mut summary.zero_size
        } else {
            &mut summary.sized
        }) += 1;
        summary.size_sum = summary.size_sum.saturating_add(size);
        let overlaps = match place {
            Place::Image => &mut summary.overlaps,
            Place::Open => &mut self.open.overlaps,
            Place::Outside => return,
        };
        let (address, end) = self.last;
        if symbol.address == address {
            self.last.1 = end.max(address.saturating_add(size));
        } else {
            *overlaps += usize::from(end > symbol.address);
            self.last = (symbol.address, symbol.address.saturating_add(size));
        }
    }

    /// What was open is of the kernel image.
    pub(super) fn settle(&mut self) {
        if self.open.built_in == 0 {
            return;
        }
        let open = core::mem::take(&mut self.open);
        self.summary.built_in += open.built_in;
        self.summary.overlaps += open.overlaps;
        self.built_in_modules.extend(open.modules.into_keys());
        // The next line may name the same modules, and nobody knows where again.
        self.last_modules.0.clear();
    }

    /// What is open is not of the kernel image.
    pub(super) fn finish(mut self) -> Summary {
        let loaded = self
            .open
            .modules
            .iter()
            .filter(|(_, is_loaded)| **is_loaded);
        self.loaded_modules.extend(loaded.map(|(&name, _)| name));
        Summary {
            loaded: self.summary.loaded + self.open.loaded,
            pseudo: self.summary.pseudo + self.open.pseudo,
            built_in_modules: self.built_in_modules.len(),
            loaded_modules: self.loaded_modules.len(),
            ..self.summary
        }
    }
}
