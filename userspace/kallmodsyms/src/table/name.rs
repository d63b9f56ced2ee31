// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Names in a row, and the index that finds them.

use alloc::vec;
use alloc::vec::Vec;
use core::hash::BuildHasher;
use core::iter::FusedIterator;
use core::ops::Range;

use foldhash::fast::FixedState;

use super::SymbolTable;
use super::entry::Entry;

/// The names of all symbols, one after the other.
#[derive(Default)]
pub(super) struct Names {
    bytes: Vec<u8>,
    /// Where each name ends; it starts where the one before ends.
    ends: Vec<u32>,
}

impl Names {
    pub(super) fn with_capacity(names: usize, bytes: usize) -> Self {
        Self {
            bytes: Vec::with_capacity(bytes),
            ends: Vec::with_capacity(names),
        }
    }

    /// Once the names take over 4 GiB, ends stay what they are: `is_full` tells.
    #[inline]
    pub(super) fn push(&mut self, name: &[u8]) {
        self.bytes.extend_from_slice(name);
        self.ends
            .push(u32::try_from(self.bytes.len()).unwrap_or(u32::MAX));
    }

    /// Whether there are more names, or more bytes of them, than can be told apart.
    pub(super) fn is_full(&self) -> bool {
        self.bytes.len().max(self.ends.len()) >= u32::MAX as usize
    }

    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    #[inline]
    pub(super) fn get(&self, index: usize) -> &[u8] {
        &self.bytes[self.range(index)]
    }

    fn range(&self, index: usize) -> Range<usize> {
        let start = index.checked_sub(1).map_or(0, |before| self.ends[before]);
        start as usize..self.ends[index] as usize
    }

    /// Puts the names from `start` on into this order.
    pub(super) fn reorder(&mut self, start: usize, order: impl ExactSizeIterator<Item = usize>) {
        let kept = start.checked_sub(1).map_or(0, |before| self.ends[before]) as usize;
        let mut moved = Self::with_capacity(order.len(), self.bytes.len() - kept);
        for index in order {
            moved.push(self.get(index));
        }
        self.bytes.truncate(kept);
        self.bytes.append(&mut moved.bytes);
        self.ends.truncate(start);
        self.ends
            .extend(moved.ends.iter().map(|&end| end + kept as u32));
    }

    pub(super) fn shrink_to_fit(&mut self) {
        self.bytes.shrink_to_fit();
        self.ends.shrink_to_fit();
    }

    pub(super) fn heap_size(&self) -> usize {
        self.bytes.capacity() + self.ends.capacity() * size_of::<u32>()
    }
}

/// Finds symbols by name: a hash table without empty places.
///
/// Symbols are sorted by bucket, and by address within one; a second array says where each bucket starts. With
/// about as many buckets as symbols that is one look at each array, and symbols of one name stand together.
pub(super) struct NameIndex {
    /// Where each bucket starts in `symbols`, and where the last one ends. A power of two and one.
    starts: Vec<u32>,
    symbols: Vec<u32>,
}

impl NameIndex {
    pub(super) fn new(names: &Names) -> Self {
        // Between one and two symbols a bucket.
        let buckets = (names.len() / 2 + 1).next_power_of_two();
        let bucket_of: Vec<u32> = (0..names.len())
            .map(|index| bucket(fold(names.get(index)), buckets) as u32)
            .collect();
        // Counted, summed up, and filled from behind: a counting sort, which keeps address order within a bucket.
        let mut starts = vec![0_u32; buckets + 1];
        for &bucket in &bucket_of {
            starts[bucket as usize] += 1;
        }
        let mut sum = 0;
        for start in &mut starts {
            sum += *start;
            *start = sum;
        }
        let mut symbols = vec![0; names.len()];
        for (index, &bucket) in bucket_of.iter().enumerate().rev() {
            let start = &mut starts[bucket as usize];
            *start -= 1;
            symbols[*start as usize] = index as u32;
        }
        Self { starts, symbols }
    }

    pub(super) fn exact<'t>(&'t self, table: &'t SymbolTable, name: &[u8]) -> Named<'t> {
        self.search(table, name, false)
    }

    pub(super) fn folded<'t>(&'t self, table: &'t SymbolTable, name: &[u8]) -> Named<'t> {
        let exact = self.exact(table, name);
        if exact.first.is_some() {
            return exact;
        }
        self.search(table, name, true)
    }

    #[inline]
    fn search<'t>(&'t self, table: &'t SymbolTable, name: &[u8], folding: bool) -> Named<'t> {
        // A name that is asked for folded is not folded itself: no `.llvm.<hash>` comes off twice.
        let folded = if folding { name } else { fold(name) };
        let mut named = Named {
            table,
            folding,
            first: None,
            rest: self.candidates(folded),
        };
        named.advance(name);
        named
    }

    /// The symbols of a folded name, beside a few others.
    #[inline]
    pub(super) fn candidates(&self, folded: &[u8]) -> &[u32] {
        let bucket = bucket(folded, self.starts.len() - 1);
        &self.symbols[self.starts[bucket] as usize..self.starts[bucket + 1] as usize]
    }

    pub(super) fn heap_size(&self) -> usize {
        (self.starts.capacity() + self.symbols.capacity()) * size_of::<u32>()
    }
}

/// The bucket of a folded name, so that names which differ by `.llvm.<hash>` alone share one.
#[inline]
fn bucket(folded: &[u8], buckets: usize) -> usize {
    // The same for all tables: what a kernel calls its functions is no attack.
    let hash = FixedState::default().hash_one(folded);
    // `buckets` is a power of two.
    hash as usize & (buckets - 1)
}

/// The name without `.llvm.<hash>`, which clang appends to what it takes out of its file's scope.
#[inline]
pub(super) fn fold(name: &[u8]) -> &[u8] {
    // The hash has up to 20 decimal digits; most names end in a letter.
    let digits = name.iter().rev().take_while(|byte| byte.is_ascii_digit());
    let digits = digits.count();
    if digits == 0 {
        return name;
    }
    let rest = &name[..name.len() - digits];
    match rest.strip_suffix(b".llvm.") {
        Some(base) if !base.is_empty() => base,
        _ => name,
    }
}

/// The symbols of one name in address order, from [`SymbolTable::named`].
///
/// ```
/// # use kallmodsyms::SymbolTable;
/// let table = SymbolTable::from_bytes(b"ffffffff81000000 4 t probe\n")?;
/// assert!(table.named(b"probe").all(|symbol| symbol.name() == b"probe"));
/// # Ok::<(), kallmodsyms::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Named<'t> {
    table: &'t SymbolTable,
    /// Whether names are compared without `.llvm.<hash>`.
    folding: bool,
    first: Option<u32>,
    /// What follows in the bucket: further symbols of this name, and others.
    rest: &'t [u32],
}

impl Named<'_> {
    /// Puts the next symbol in the bucket that has this name first.
    #[inline]
    fn advance(&mut self, name: &[u8]) {
        let has_name = |&symbol: &u32| {
            let found = self.table.names.get(symbol as usize);
            name == if self.folding { fold(found) } else { found }
        };
        (self.first, self.rest) = match self.rest.iter().position(has_name) {
            Some(place) => (Some(self.rest[place]), &self.rest[place + 1..]),
            None => (None, &[][..]),
        };
    }
}

impl<'t> Iterator for Named<'t> {
    type Item = Entry<'t>;

    fn next(&mut self) -> Option<Entry<'t>> {
        let this = self.first? as usize;
        let name = self.table.names.get(this);
        self.advance(if self.folding { fold(name) } else { name });
        Some(Entry::new(self.table, this))
    }
}

impl FusedIterator for Named<'_> {}
