// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Makes a table from symbols in any order.

use alloc::vec;
use alloc::vec::Vec;
use core::cmp::Reverse;

use once_cell::race::OnceBox;

use super::address::Addresses;
use super::mapping::{Mapping, is_mapping_symbol};
use super::name::Names;
use super::owner::Gathered;
use super::reach::Reach;
use super::size::Sizes;
use super::{Facts, SymbolTable};
use crate::{ErrorKind, Group, Symbol};

/// Takes symbols one by one, in the order of their source, and makes a [`SymbolTable`] of them.
///
/// ```
/// use kallmodsyms::{Symbols, table::{Builder, Facts}};
///
/// let mut builder = Builder::new();
/// for symbol in Symbols::new(b"ffffffff81000000 4 T start\n") {
///     builder.push(&symbol?);
/// }
/// let table = builder.finish(Facts { sizes: true, built_in_modules: true, ..Facts::default() }).unwrap();
/// assert_eq!(table.len(), 1);
/// # Ok::<(), kallmodsyms::Error>(())
/// ```
#[derive(Default)]
pub struct Builder {
    addresses: Vec<u64>,
    sizes: Sizes,
    letters: Vec<u8>,
    names: Names,
    owners: Gathered,
    has_mapping: bool,
}

/// How many bytes of a file tell how long its lines are.
const SAMPLE: usize = 1 << 18;

impl Builder {
    /// A builder that has seen nothing.
    ///
    /// ```
    /// # use kallmodsyms::{ErrorKind, table::{Builder, Facts}};
    /// assert_eq!(Builder::new().finish(Facts::default()).unwrap_err(), ErrorKind::NoSymbols);
    /// ```
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A builder with room for about all lines of a file, so that little is moved while it grows.
    pub(super) fn for_source(source: &[u8]) -> Self {
        // What the first lines are like, the others are: to count all of them takes a fifth of the time to parse them.
        let sample = &source[..source.len().min(SAMPLE)];
        let lines = memchr::memchr_iter(b'\n', sample).count() + 1;
        let lines = source.len() / sample.len().max(1) * lines * 9 / 8;
        // Address, type, blanks and line feed; the rest is mostly names.
        let names = source.len().saturating_sub(lines * 20);
        Self {
            addresses: Vec::with_capacity(lines),
            sizes: Sizes::with_capacity(lines),
            letters: Vec::with_capacity(lines),
            names: Names::with_capacity(lines, names),
            owners: Gathered::default(),
            has_mapping: false,
        }
    }

    /// Takes the next symbol. A size that is not known counts as zero; whether sizes are known is for
    /// [`finish`](Self::finish) to say.
    ///
    /// Where the kernel keeps it is concluded from the order, as in the kernel's own files: what has no modules is part of
    /// the image, and so is each list of modules that comes before the last symbol without any. Lists that come later are
    /// of what is loaded, or of BPF, ftrace and kprobes by their names. [`push_in`](Self::push_in) concludes nothing.
    ///
    /// ```
    /// # use kallmodsyms::{Symbols, table::Builder};
    /// let mut builder = Builder::new();
    /// builder.push(&Symbols::new(b"ffffffff81000000 4 T start\n").next().unwrap()?);
    /// # Ok::<(), kallmodsyms::Error>(())
    /// ```
    #[inline]
    pub fn push(&mut self, symbol: &Symbol<'_>) {
        let index = self.push_symbol(symbol);
        self.owners.push(index, symbol.modules, symbol.object);
    }

    /// Adds a symbol of which is known where the kernel keeps it: nothing is concluded from the order then. A table's own
    /// symbols, pushed with [their groups](super::Entry::group), make the same table again.
    ///
    /// ```
    /// use kallmodsyms::{Group, Symbol, SymbolTable, grammar, table::{Builder, Facts}};
    ///
    /// // On arm64 modules lie below the image.
    /// let mut builder = Builder::new();
    /// let f = Symbol::new(0xffff_8000_0100_0000, b't', b"f").with_modules(grammar::modules(b"[nfs]")?);
    /// builder.push_in(&f, Group::Loaded);
    /// builder.push_in(&Symbol::new(0xffff_8000_8000_0000, b'T', b"_text"), Group::Core);
    /// let table = builder.finish(Facts { built_in_modules: true, ..Facts::default() }).unwrap();
    /// assert_eq!(table.get(0).unwrap().group(), Group::Loaded);
    /// # Ok::<(), kallmodsyms::grammar::Fault>(())
    /// ```
    pub fn push_in(&mut self, symbol: &Symbol<'_>, group: Group) {
        let index = self.push_symbol(symbol);
        self.owners
            .push_in(index, symbol.modules, symbol.object, group);
    }

    #[inline]
    fn push_symbol(&mut self, symbol: &Symbol<'_>) -> u32 {
        let index = u32::try_from(self.letters.len()).unwrap_or(u32::MAX);
        self.addresses.push(symbol.address);
        self.sizes.push(symbol.size.unwrap_or(0));
        self.letters.push(symbol.kind);
        self.names.push(symbol.name);
        self.has_mapping |= is_mapping_symbol(symbol.name);
        index
    }

    /// Sorts and indexes the symbols. Where all of them have the size zero, sizes are not known, whatever the source says.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NoSymbols`] if there are none, [`ErrorKind::HiddenAddresses`] if all stand at 0,
    /// [`ErrorKind::TooLarge`] over 4 GiB of names or 65,536 different lists of modules.
    ///
    /// ```
    /// # use kallmodsyms::{ErrorKind, Symbols, table::{Builder, Facts}};
    /// let mut builder = Builder::new();
    /// builder.push(&Symbols::new(b"0000000000000000 T start\n").next().unwrap()?);
    /// assert_eq!(builder.finish(Facts::default()).unwrap_err(), ErrorKind::HiddenAddresses);
    /// # Ok::<(), kallmodsyms::Error>(())
    /// ```
    pub fn finish(self, mut facts: Facts) -> Result<SymbolTable, ErrorKind> {
        if self.addresses.is_empty() {
            return Err(ErrorKind::NoSymbols);
        }
        if self.addresses.iter().all(|&address| address == 0) {
            return Err(ErrorKind::HiddenAddresses);
        }
        // As tools write it that know of none: an image made of a kernel's memory, for instance.
        facts.sizes &= self.sizes.any();
        self.assemble(facts)
    }

    /// Does so whatever the symbols say of themselves: they may be a part of all. There is one at least.
    pub(super) fn assemble(mut self, facts: Facts) -> Result<SymbolTable, ErrorKind> {
        if self.names.is_full() || self.owners.is_full() {
            return Err(ErrorKind::TooLarge);
        }
        self.sort();

        let Self {
            addresses: starts,
            mut sizes,
            mut letters,
            mut names,
            owners,
            has_mapping,
        } = self;
        let count = starts.len();
        let mut mapping = Mapping::default();
        if has_mapping {
            mapping = Mapping::of(&names);
        }
        let mut reach = Reach::default();
        if facts.sizes {
            reach = Reach::new(&starts, |index| mapping.size(&sizes, index));
            sizes.shrink_to_fit();
        } else {
            sizes = Sizes::default();
        }
        let addresses = Addresses::new(&starts);
        drop(starts);
        letters.shrink_to_fit();
        names.shrink_to_fit();
        Ok(SymbolTable {
            facts,
            addresses,
            sizes,
            reach,
            mapping,
            image_sizes_only: false,
            letters,
            names,
            owners: owners.finish(count, facts.built_in_modules),
            name_index: OnceBox::new(),
        })
    }

    /// Sorts what is not in order: of a kernel's file, what comes after the kernel image.
    fn sort(&mut self) {
        // Markers of no size first: what is last at an address is innermost.
        let key = |index: usize| {
            let size = self.sizes.get(index).wrapping_sub(1);
            (self.addresses[index], Reverse(size))
        };
        let count = self.addresses.len();
        // Compared by address as a rule.
        let out_of_order = self
            .addresses
            .windows(2)
            .enumerate()
            .position(|(index, pair)| {
                pair[1] < pair[0] || (pair[1] == pair[0] && key(index + 1) < key(index))
            });
        let in_order = out_of_order.map_or(count, |index| index + 1);
        let Some(least) = (in_order..count).map(key).min() else {
            return;
        };
        // Where the least of the rest belongs, the part that stays ends.
        let (mut start, mut end) = (0, in_order);
        while start < end {
            let middle = usize::midpoint(start, end);
            if key(middle) <= least {
                start = middle + 1;
            } else {
                end = middle;
            }
        }

        let list = self.order(start, least.0);
        let order = || list.iter().map(|&index| index as usize);
        permute(&mut self.addresses, start, &list);
        self.sizes.reorder(start, &list);
        permute(&mut self.letters, start, &list);
        self.names.reorder(start, order());
        self.owners.reorder(start, count, order());
    }

    /// The symbols from `start` on, none of them below `base`, in table order.
    fn order(&self, start: usize, base: u64) -> Vec<u32> {
        let size = |index: u32| Reverse(self.sizes.get(index as usize).wrapping_sub(1));
        let indices = start as u32..self.addresses.len() as u32;
        let rest = &self.addresses[start..];
        let span = rest
            .iter()
            .fold(0, |span, address| span.max(address - base));
        // Where all has to be sorted, memory counts more than time.
        let is_much = rest.len() > self.addresses.len() / 2;
        if is_much || u32::try_from(span).is_err() {
            let mut order: Vec<u32> = indices.collect();
            order.sort_unstable_by_key(|&index| {
                (self.addresses[index as usize], size(index), index)
            });
            return order;
        }
        // Modules lie within 4 GiB of one another. One number for address and rank sorts three times as fast as all of
        // the key, of which ties alone need the rest.
        let packed = indices.zip(rest);
        let mut packed: Vec<u64> = packed
            .map(|(index, address)| (address - base) << 32 | u64::from(index))
            .collect();
        packed.sort_unstable();
        for ties in packed.chunk_by_mut(|one, other| one >> 32 == other >> 32) {
            ties.sort_by_key(|&packed| size(packed as u32));
        }
        packed.into_iter().map(|packed| packed as u32).collect()
    }
}

/// Puts the values from `start` on into this order, in place but for a bit for each: a copy of all would take as much
/// memory as the values.
pub(super) fn permute<T: Copy>(values: &mut [T], start: usize, order: &[u32]) {
    // A few are copied, which takes less time.
    if order.len() < values.len() / 2 {
        let moved: Vec<T> = order.iter().map(|&index| values[index as usize]).collect();
        values[start..].copy_from_slice(&moved);
        return;
    }
    let values = &mut values[start..];
    let mut done = vec![0_u64; values.len().div_ceil(64)];
    for first in 0..values.len() {
        if done[first / 64] >> (first % 64) & 1 == 1 {
            continue;
        }
        // Round the circle of places, each of which takes the value of the next.
        let (value, mut place) = (values[first], first);
        loop {
            done[place / 64] |= 1 << (place % 64);
            let next = order[place] as usize - start;
            if next == first {
                values[place] = value;
                break;
            }
            values[place] = values[next];
            place = next;
        }
    }
}

impl core::fmt::Debug for Builder {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Builder")
            .field("symbols", &self.letters.len())
            .finish_non_exhaustive()
    }
}
