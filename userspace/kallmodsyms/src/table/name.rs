// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Names in a row, and the index that finds them.

use alloc::vec::Vec;
use core::iter::FusedIterator;
use core::ops::Range;

use super::SymbolTable;
use super::bucket::{self, Buckets, FEW};
use super::entry::Entry;

/// The names of all symbols, one after the other.
#[derive(Default)]
pub(super) struct Names {
    bytes: Vec<u8>,
    /// Where each name ends; it starts where the one before ends.
    ends: Vec<u32>,
    /// The place of each name, where they are not in order and too many to be moved: to move them takes as much memory
    /// as they do. Empty where they are in order.
    places: Vec<u32>,
}

impl Names {
    pub(super) fn with_capacity(names: usize, bytes: usize) -> Self {
        Self {
            bytes: Vec::with_capacity(bytes),
            ends: Vec::with_capacity(names),
            places: Vec::new(),
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
        let place = self.places.get(index);
        &self.bytes[self.range(place.map_or(index, |&place| place as usize))]
    }

    fn range(&self, index: usize) -> Range<usize> {
        let start = index.checked_sub(1).map_or(0, |before| self.ends[before]);
        start as usize..self.ends[index] as usize
    }

    /// Puts the names from `start` on into this order.
    pub(super) fn reorder(
        &mut self,
        start: usize,
        order: impl ExactSizeIterator<Item = usize> + Clone,
    ) {
        if order.clone().eq(start..self.len()) {
            return;
        }
        let kept = start.checked_sub(1).map_or(0, |before| self.ends[before]) as usize;
        let is_much = self.bytes.len() - kept > self.bytes.len() / 4;
        if is_much || !self.places.is_empty() {
            let place = |index: usize| self.places.get(index).map_or(index as u32, |&place| place);
            self.places = (0..start).chain(order).map(place).collect();
            return;
        }
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
        self.places.shrink_to_fit();
    }

    pub(super) fn heap_size(&self) -> usize {
        self.bytes.capacity() + (self.ends.capacity() + self.places.capacity()) * size_of::<u32>()
    }
}

/// Finds symbols by folded name, so that names which differ only by what a compiler appends share a bucket.
pub(super) struct NameIndex {
    buckets: Buckets,
    /// The symbols of crowded buckets by whole name: as many as a table has may be one folded name.
    crowded: Vec<u32>,
}

impl NameIndex {
    pub(super) fn new(names: &Names) -> Self {
        let buckets = Buckets::new(names.len(), |index| fold(names.get(index)));
        let mut crowded: Vec<u32> = buckets.crowded().collect();
        crowded.sort_unstable_by_key(|&index| (names.get(index as usize), index));
        Self { buckets, crowded }
    }

    pub(super) fn exact<'t>(&'t self, table: &'t SymbolTable, name: &[u8]) -> Named<'t> {
        self.search(table, name, false)
    }

    pub(super) fn folded<'t>(&'t self, table: &'t SymbolTable, name: &[u8]) -> Named<'t> {
        let exact = self.exact(table, name);
        if exact.this.is_some() {
            return exact;
        }
        self.search(table, name, true)
    }

    #[inline]
    fn search<'t>(&'t self, table: &'t SymbolTable, name: &[u8], folding: bool) -> Named<'t> {
        // A name that is asked for folded is not folded itself: no suffix comes off twice.
        let folded = if folding { name } else { fold(name) };
        let mut rest = self.buckets.bucket(folded);
        if rest.len() > FEW {
            rest = if folding {
                self.candidates(&table.names, name)
            } else {
                bucket::named(&self.crowded, name, |index| table.names.get(index))
            };
        }
        let mut named = Named {
            table,
            folding,
            this: None,
            is_taken: false,
            rest,
        };
        named.advance(name);
        named
    }

    /// The symbols of a folded name, beside a few others, in address order.
    #[inline]
    pub(super) fn candidates(&self, names: &Names, folded: &[u8]) -> &[u32] {
        let name = |index: usize| fold(names.get(index));
        self.buckets.candidates(folded, name)
    }

    pub(super) fn heap_size(&self) -> usize {
        self.buckets.heap_size() + self.crowded.capacity() * size_of::<u32>()
    }
}

/// The name without what clang appends to the functions of a file: hashes where it takes them out of the file's scope,
/// `.cfi` and `.cfi_jt` where calls through pointers are checked.
#[inline]
pub(super) fn fold(mut name: &[u8]) -> &[u8] {
    while let Some(base) = base(name) {
        name = base;
    }
    name
}

/// The name without its last suffix of those, if it has one.
#[inline]
fn base(name: &[u8]) -> Option<&[u8]> {
    // The entry in a jump table stands for the function, as the function itself does.
    let marks: [&[u8]; 2] = [b".cfi_jt", b".cfi"];
    let base = match name.last()? {
        b'i' | b't' => marks.iter().find_map(|mark| name.strip_suffix(*mark))?,
        b'0'..=b'9' | b'a'..=b'f' => without_hash(name)?,
        // Most names end here, and this is done for all of them when the index is made.
        _ => return None,
    };
    (!base.is_empty()).then_some(base)
}

/// A hash without a mark before it has 32 digits; the numbers that compilers put behind static variables are short.
const BARE_HASH: usize = 12;

fn without_hash(name: &[u8]) -> Option<&[u8]> {
    let is_hex = |byte: &&u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    let digits = name.iter().rev().take_while(is_hex).count();
    let lead = &name[..name.len() - digits];
    // LLVM before 13 has a `$` in place of the dot.
    let (b'.' | b'$', base) = lead.split_last()? else {
        return None;
    };
    let marks: [&[u8]; 2] = [b".llvm", b".__uniq"];
    let marked = marks.iter().find_map(|mark| base.strip_suffix(*mark));
    marked.or_else(|| (digits >= BARE_HASH).then_some(base))
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
    /// Whether names are compared without what a compiler appended.
    folding: bool,
    /// The symbol to hand out next, or the last one that was: the search goes on only when the next is asked for.
    this: Option<u32>,
    is_taken: bool,
    /// What follows in the bucket: further symbols of this name, and others.
    rest: &'t [u32],
}

impl Named<'_> {
    /// Goes to the next symbol in the bucket that has this name.
    #[inline]
    fn advance(&mut self, name: &[u8]) {
        let has_name = |&symbol: &u32| {
            let found = self.table.names.get(symbol as usize);
            name == if self.folding { fold(found) } else { found }
        };
        (self.this, self.rest) = match self.rest.iter().position(has_name) {
            Some(place) => (Some(self.rest[place]), &self.rest[place + 1..]),
            None => (None, &[][..]),
        };
    }
}

impl<'t> Iterator for Named<'t> {
    type Item = Entry<'t>;

    #[inline]
    fn next(&mut self) -> Option<Entry<'t>> {
        if self.is_taken {
            let name = self.table.names.get(self.this? as usize);
            self.advance(if self.folding { fold(name) } else { name });
        }
        self.is_taken = true;
        Some(Entry::new(self.table, self.this? as usize))
    }
}

impl FusedIterator for Named<'_> {}

#[cfg(test)]
mod tests {
    use super::fold;

    #[test]
    fn what_clang_appends_comes_off() {
        for (name, expected) in [
            ("ovl_create.llvm.10133695243223489424", "ovl_create"),
            ("ovl_create.llvm.10133695243223489424.cfi", "ovl_create"),
            ("ovl_create.__uniq.1234567.llvm.89", "ovl_create"),
            ("vfs_read.cfi", "vfs_read"),
            ("vfs_read.cfi_jt", "vfs_read"),
            ("set_attr.0123456789abcdef0123456789abcdef", "set_attr"),
            (
                "set_attr$0123456789abcdef0123456789abcdef.cfi_jt",
                "set_attr",
            ),
            // Other code, or another variable.
            ("vfs_read.cold", "vfs_read.cold"),
            ("vfs_read.isra.0", "vfs_read.isra.0"),
            ("vfs_read.part.0.llvm.1", "vfs_read.part.0"),
            ("__key.12345678", "__key.12345678"),
            ("__cfi_vfs_read", "__cfi_vfs_read"),
            ("f.llvm.12x", "f.llvm.12x"),
            ("f.llvm.ABC", "f.llvm.ABC"),
            ("f.llvm.", "f.llvm."),
            ("xllvm.5", "xllvm.5"),
            ("f_cfi", "f_cfi"),
            // Nothing would be left.
            (".llvm.5", ".llvm.5"),
            (".cfi", ".cfi"),
            ("facade", "facade"),
            ("", ""),
        ] {
            let found = fold(name.as_bytes()).escape_ascii();
            assert_eq!(alloc::format!("{found}"), expected, "{name}");
        }
    }
}
