// SPDX-License-Identifier: Apache-2.0 OR MIT

//! All symbols of a kernel, indexed by address and by name.
//!
//! A table is a few flat arrays in address order: address, size, end of the name, letter, each as narrow as it goes,
//! with what does not fit kept aside. On a kernel of 139,609 symbols that is 11.9 bytes a symbol besides the names. The
//! index of names is made on the first look-up that needs it, and takes another 7.8.

#![allow(
    clippy::cast_possible_truncation,
    reason = "ranks fit 32 bits: `Builder::finish` refuses tables that are larger"
)]

mod address;
mod bucket;
mod build;
mod directory;
mod entry;
mod join;
mod live;
mod mapping;
mod module;
mod name;
mod owner;
mod reach;
mod run;
mod size;

use alloc::vec::Vec;
use core::fmt;
use core::ops::{Range, RangeBounds};

use once_cell::race::OnceBox;

use crate::{Dialect, Error, Format, Kind, Query, Symbols, Width};
#[cfg(feature = "std")]
use crate::{ReadError, Reader};
use address::Addresses;
use mapping::Mapping;
use name::{NameIndex, Names};
use owner::Owners;
use reach::Reach;
use size::Sizes;

pub use build::Builder;
pub use entry::{Containing, Entries, Entry, Plus};
pub use join::NoSize;
pub use live::{Dynamic, LiveNamed, LiveTable};
pub use mapping::is_mapping_symbol;
pub use module::{Module, Totals};
pub use name::Named;

/// What a source says of its symbols besides address, letter and name.
///
/// ```
/// use kallmodsyms::{Format, Width, table::Facts};
///
/// let facts = Facts::of(Format::default());
/// assert_eq!(facts, Facts { sizes: true, built_in_modules: true, width: Width::Bits64 });
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_structs)]
pub struct Facts {
    /// How long each symbol is.
    pub sizes: bool,
    /// The modules of built-in code. Without them a bracket stands for a loaded module.
    pub built_in_modules: bool,
    /// How wide addresses are printed. Addresses themselves do not tell: a kernel of 64 bits may lie below 4 GiB.
    pub width: Width,
}

impl Facts {
    /// What files of this format say.
    ///
    /// ```
    /// use kallmodsyms::{Dialect, Format, table::Facts};
    ///
    /// let kallsyms = Format { dialect: Dialect::Kallsyms, ..Format::default() };
    /// assert_eq!(Facts::of(kallsyms), Facts::default());
    /// ```
    #[must_use]
    pub const fn of(format: Format) -> Self {
        Self {
            sizes: format.dialect.has_sizes(),
            built_in_modules: !matches!(format.dialect, Dialect::Kallsyms),
            width: format.width,
        }
    }
}

/// All symbols of a kernel, by address and by name.
///
/// Sorted by address; of symbols at one address, those of no size come first, then the larger before the smaller, then
/// in the order of the source. Never changes once built, unless another source [adds](Self::add_sizes) what it knows;
/// `Send` and `Sync`. Look-ups allocate nothing, but for the first by name, which makes the index of names.
///
/// ```
/// use kallmodsyms::SymbolTable;
///
/// let table = SymbolTable::from_bytes(
///     b"ffffffff8b014130 11f T intel_pt_interrupt\n\
///       ffffffff8b014280 13a t rapl_pmu_event_init\t[intel_rapl_perf]\n\
///       ffffffff8c000000 0 B _end\n",
/// )?;
/// let (symbol, offset) = table.lookup(0xffff_ffff_8b01_4290).inside().unwrap();
/// assert_eq!((symbol.name(), offset), (b"rapl_pmu_event_init".as_slice(), 0x10));
/// assert!(symbol.modules().contains(b"intel_rapl_perf"));
///
/// let symbol = table.named(b"intel_pt_interrupt").next().unwrap();
/// assert_eq!(symbol.size(), Some(0x11f));
/// # Ok::<(), kallmodsyms::Error>(())
/// ```
pub struct SymbolTable {
    facts: Facts,
    addresses: Addresses,
    /// Empty where the source has no sizes, as is `reach`.
    sizes: Sizes,
    reach: Reach,
    mapping: Mapping,
    /// Whether `sizes` has only how far a symbol reaches, for what is not part of the image.
    image_sizes_only: bool,
    letters: Vec<u8>,
    names: Names,
    owners: Owners,
    name_index: OnceBox<NameIndex>,
}

/// The smallest page of any architecture.
const PAGE: u64 = 4096;

/// How many symbols of size zero at one address are looked at for code.
const ALIASES: usize = 64;

impl SymbolTable {
    /// Reads a whole file of any [`Dialect`]. The first line that is none refuses the file.
    ///
    /// Linear, plus a sort of what the file does not have in address order (loaded modules).
    ///
    /// # Errors
    ///
    /// The first malformed line, or [`ErrorKind::NoSymbols`](crate::ErrorKind::NoSymbols),
    /// [`HiddenAddresses`](crate::ErrorKind::HiddenAddresses), [`TooLarge`](crate::ErrorKind::TooLarge) of the file as
    /// a whole.
    ///
    /// ```
    /// use kallmodsyms::{ErrorKind, SymbolTable};
    ///
    /// let hidden = b"0000000000000000 0 T _text\n0000000000000000 0 T start\n";
    /// assert_eq!(SymbolTable::from_bytes(hidden).unwrap_err().kind, ErrorKind::HiddenAddresses);
    /// ```
    pub fn from_bytes(source: &[u8]) -> Result<Self, Error> {
        let mut builder = Builder::for_source(source);
        let mut symbols = Symbols::new(source);
        for symbol in &mut symbols {
            builder.push(&symbol?);
        }
        builder
            .finish(Facts::of(symbols.format().unwrap_or_default()))
            .map_err(Error::of_file)
    }

    /// Reads a whole stream of any [`Dialect`], a file for instance, which is never in memory as a whole: while
    /// building, the heap holds 1.3 times the file at most, and three quarters of it afterwards. Reads 64 KiB at a
    /// time; a buffered reader gains nothing.
    ///
    /// # Errors
    ///
    /// As [`from_bytes`](Self::from_bytes), and whatever the source fails with.
    ///
    /// ```
    /// use kallmodsyms::{ReadError, SymbolTable};
    ///
    /// let table = SymbolTable::read(b"ffffffff81000000 8 T _stext\n".as_slice())?;
    /// assert_eq!(table.len(), 1);
    /// assert!(matches!(SymbolTable::read(std::io::empty()), Err(ReadError::Symbol(_))));
    /// # Ok::<(), ReadError>(())
    /// ```
    #[cfg(feature = "std")]
    pub fn read(source: impl std::io::Read) -> Result<Self, ReadError> {
        let mut reader = Reader::new(source);
        let mut builder = Builder::new();
        while let Some(symbol) = reader.next()? {
            builder.push(&symbol);
        }
        let format = reader.format().unwrap_or_default();
        let table = builder.finish(Facts::of(format)).map_err(Error::of_file)?;
        Ok(table)
    }

    /// What the source said of its symbols.
    ///
    /// ```
    /// # use kallmodsyms::SymbolTable;
    /// let table = SymbolTable::from_bytes(b"ffffffff81000000 T _stext\n")?;
    /// assert!(!table.facts().sizes);
    /// # Ok::<(), kallmodsyms::Error>(())
    /// ```
    #[must_use]
    pub const fn facts(&self) -> Facts {
        self.facts
    }

    /// How many symbols there are: at least one.
    ///
    /// ```
    /// # use kallmodsyms::SymbolTable;
    /// assert_eq!(SymbolTable::from_bytes(b"ffffffff81000000 T _stext\n")?.len(), 1);
    /// # Ok::<(), kallmodsyms::Error>(())
    /// ```
    #[must_use]
    #[allow(clippy::len_without_is_empty)]
    pub fn len(&self) -> usize {
        self.letters.len()
    }

    /// The symbol of this rank in address order, from 0.
    ///
    /// ```
    /// # use kallmodsyms::SymbolTable;
    /// let table = SymbolTable::from_bytes(b"ffffffff81000000 T _stext\n")?;
    /// assert_eq!(table.get(0).unwrap().name(), b"_stext");
    /// assert!(table.get(1).is_none());
    /// # Ok::<(), kallmodsyms::Error>(())
    /// ```
    #[must_use]
    pub fn get(&self, index: usize) -> Option<Entry<'_>> {
        (index < self.len()).then(|| Entry::new(self, index))
    }

    /// All symbols, in address order.
    ///
    /// ```
    /// # use kallmodsyms::SymbolTable;
    /// let table = SymbolTable::from_bytes(b"ffffffff81000040 T b\nffffffff81000000 T a\n")?;
    /// assert!(table.iter().map(|symbol| symbol.name()).eq([b"a", b"b"]));
    /// # Ok::<(), kallmodsyms::Error>(())
    /// ```
    #[must_use]
    pub fn iter(&self) -> Entries<'_> {
        Entries::new(self, 0..self.len())
    }

    /// The innermost symbol at an address, or between which symbols the address lies.
    ///
    /// A symbol reaches as far as its size says; one of size zero contains nothing. Where the source has no sizes, a
    /// symbol reaches to the next higher address of a symbol, as the kernel's own look-up has it, but not into another
    /// module and not over more than 4 GiB: there it ends with its page. Of several symbols with the same extent the
    /// first is the answer: the one that the kernel prefers; [`Entry::aliases`] has them all.
    ///
    /// Hand-written code often has the size zero. Where no symbol contains the address and the last one at or below it
    /// is such code, that is the answer, as far as it would reach without sizes: so `%pS` of the kernel names it too. The
    /// offset is then not less than the size. [Mapping symbols](is_mapping_symbol) are never the answer, and end nothing.
    ///
    /// Logarithmic; a few more steps where symbols nest.
    ///
    /// ```
    /// use kallmodsyms::{SymbolTable, table::Location};
    ///
    /// let table = SymbolTable::from_bytes(
    ///     b"ffffffff81000000 40 T outer\nffffffff81000010 8 t inner\nffffffff81000080 8 T next\n",
    /// )?;
    /// let name = |address| table.lookup(address).inside().map(|(symbol, _)| symbol.name());
    /// assert_eq!(name(0xffff_ffff_8100_0014), Some(b"inner".as_slice()));
    /// assert_eq!(name(0xffff_ffff_8100_0018), Some(b"outer".as_slice()));
    /// let Location::Outside { before, after } = table.lookup(0xffff_ffff_8100_0044) else { panic!() };
    /// assert_eq!(before.unwrap().name(), b"inner");
    /// assert_eq!(after.unwrap().name(), b"next");
    /// # Ok::<(), kallmodsyms::Error>(())
    /// ```
    #[must_use]
    pub fn lookup(&self, address: u64) -> Location<'_> {
        let after = self.addresses.upper(address);
        if let Some(index) = self.innermost(after, address) {
            let offset = address - self.addresses.get(index);
            let symbol = Entry::new(self, self.mapping.forward(self.first_alias(index)));
            return Location::Inside { symbol, offset };
        }
        if let Some(index) = self.code_without_size(after, address) {
            let offset = address - self.addresses.get(index);
            let symbol = Entry::new(self, index);
            return Location::Inside { symbol, offset };
        }
        Location::Outside {
            before: after.checked_sub(1).map(|index| Entry::new(self, index)),
            after: self.get(after),
        }
    }

    /// Where the kernel image starts: the page of `_text`, `_stext` or `stext`; without them, of the first code. Numbers
    /// below are no addresses of the image: sizes, error codes, per-CPU data that is counted from 0, exception vectors
    /// that run elsewhere.
    ///
    /// One pass over the table up to there.
    ///
    /// ```
    /// # use kallmodsyms::SymbolTable;
    /// let table = SymbolTable::from_bytes(b"00000020 t vector_irq\nc0008040 T _text\nc0008080 T start\n")?;
    /// assert_eq!(table.image_start(), 0xc000_8000);
    /// # Ok::<(), kallmodsyms::Error>(())
    /// ```
    #[must_use]
    pub fn image_start(&self) -> u64 {
        let is_code = |symbol: &Entry<'_>| {
            // What is in the first page is in no kernel's image: some put markers there.
            let above = symbol.address() >= PAGE;
            above && symbol.kind() == Kind::Function && symbol.group().is_image()
        };
        let mut code = self.iter().filter(is_code);
        let Some(first) = code.next() else {
            return 0;
        };
        let is_start =
            |symbol: &Entry<'_>| matches!(symbol.name(), b"_text" | b"_stext" | b"stext");
        let mut all = core::iter::once(first).chain(code);
        all.find(is_start).unwrap_or(first).address() & !(PAGE - 1)
    }

    /// All symbols that contain an address, the innermost first; of symbols with the same extent, in table order. Mapping
    /// symbols and code of size zero are not among them.
    ///
    /// ```
    /// # use kallmodsyms::SymbolTable;
    /// let table = SymbolTable::from_bytes(
    ///     b"ffffffff81000000 40 T outer\nffffffff81000010 8 t inner\nffffffff81000010 8 t alias\n",
    /// )?;
    /// let names: Vec<_> = table.containing(0xffff_ffff_8100_0010).map(|symbol| symbol.name()).collect();
    /// assert_eq!(names, [b"inner".as_slice(), b"alias", b"outer"]);
    /// # Ok::<(), kallmodsyms::Error>(())
    /// ```
    #[must_use]
    pub fn containing(&self, address: u64) -> Containing<'_> {
        Containing::new(self, address)
    }

    /// All symbols that start at an address, markers of size zero among them.
    ///
    /// ```
    /// # use kallmodsyms::SymbolTable;
    /// let table = SymbolTable::from_bytes(b"ffffffff81000000 0 T _text\nffffffff81000000 4 T start\n")?;
    /// assert_eq!(table.at(0xffff_ffff_8100_0000).len(), 2);
    /// # Ok::<(), kallmodsyms::Error>(())
    /// ```
    #[must_use]
    pub fn at(&self, address: u64) -> Entries<'_> {
        self.range(address..=address)
    }

    /// All symbols that start within a range of addresses.
    ///
    /// ```
    /// # use kallmodsyms::SymbolTable;
    /// let table = SymbolTable::from_bytes(b"ffffffff81000000 4 T a\nffffffff81000010 4 T b\n")?;
    /// assert_eq!(table.range(..0xffff_ffff_8100_0010).len(), 1);
    /// # Ok::<(), kallmodsyms::Error>(())
    /// ```
    #[must_use]
    pub fn range(&self, range: impl RangeBounds<u64>) -> Entries<'_> {
        use core::ops::Bound;
        let below = |address: u64| {
            let last = address.checked_sub(1);
            last.map_or(0, |last| self.addresses.upper(last))
        };
        let start = match range.start_bound() {
            Bound::Unbounded => 0,
            Bound::Included(&address) => below(address),
            Bound::Excluded(&address) => self.addresses.upper(address),
        };
        let end = match range.end_bound() {
            Bound::Unbounded => self.len(),
            Bound::Included(&address) => self.addresses.upper(address),
            Bound::Excluded(&address) => below(address),
        };
        Entries::new(self, start..end.max(start))
    }

    /// All symbols of exactly this name, in address order. Constant time for each but for the first call on this table,
    /// which makes the index of names (linear).
    ///
    /// ```
    /// # use kallmodsyms::SymbolTable;
    /// let table = SymbolTable::from_bytes(b"ffffffff81000000 4 t probe\nffffffff81000010 4 t probe\n")?;
    /// assert_eq!(table.named(b"probe").count(), 2);
    /// assert_eq!(table.named(b"prob").count(), 0);
    /// # Ok::<(), kallmodsyms::Error>(())
    /// ```
    #[must_use]
    pub fn named<'t>(&'t self, name: &[u8]) -> Named<'t> {
        self.name_index().exact(self, name)
    }

    /// The symbols of exactly this name, or where there are none, those that clang renamed from it: by `.llvm.<hash>`,
    /// `.__uniq.<hash>` or a bare hash of at least 12 digits when it made a local symbol global, by `.cfi` and `.cfi_jt`
    /// when it made calls of it checked. Other suffixes (`.cold`, `.isra.0`) stand for other code and are never dropped.
    ///
    /// Constant time, as [`named`](Self::named).
    ///
    /// ```
    /// # use kallmodsyms::SymbolTable;
    /// let table = SymbolTable::from_bytes(b"ffffffff81000000 4 t probe.llvm.1234\n")?;
    /// assert_eq!(table.named(b"probe").count(), 0);
    /// assert_eq!(table.named_folded(b"probe").count(), 1);
    /// # Ok::<(), kallmodsyms::Error>(())
    /// ```
    #[must_use]
    pub fn named_folded<'t>(&'t self, name: &[u8]) -> Named<'t> {
        self.name_index().folded(self, name)
    }

    /// All symbols that a query asks for, in address order.
    ///
    /// Constant time for a name, linear for a pattern: in the table, or in the part of it where the symbols of the
    /// module are.
    ///
    /// ```
    /// use kallmodsyms::{Query, SymbolTable};
    ///
    /// let table = SymbolTable::from_bytes(
    ///     b"ffffffff81000000 4 t init\t[a]\nffffffff81000010 4 t init\nffffffff81000020 0 B _end\n",
    /// )?;
    /// let count = |query| table.find(Query::parse(query)).count();
    /// assert_eq!((count(b"init"), count(b"a`init"), count(b"vmlinux`init"), count(b"vmlinux`*")), (2, 1, 1, 2));
    /// # Ok::<(), kallmodsyms::Error>(())
    /// ```
    pub fn find<'t>(&'t self, query: Query<'_>) -> impl Iterator<Item = Entry<'t>> {
        self.search(query, false)
    }

    /// The symbols that a query asks for, or where there are none, those that it would ask for had clang not renamed
    /// them, as [`named_folded`](Self::named_folded) has it.
    ///
    /// Takes as long as [`find`](Self::find), or twice.
    ///
    /// ```
    /// use kallmodsyms::{Query, SymbolTable};
    ///
    /// let table = SymbolTable::from_bytes(b"ffffffffc0000000 t probe.llvm.1234\t[a]\nffffffffc0000010 t probe\t[b]\n")?;
    /// let address = |query| table.find_folded(Query::parse(query)).next().unwrap().address();
    /// assert_eq!(address(b"probe"), 0xffff_ffff_c000_0010);
    /// assert_eq!(address(b"a`probe"), 0xffff_ffff_c000_0000);
    /// # Ok::<(), kallmodsyms::Error>(())
    /// ```
    pub fn find_folded<'t>(&'t self, query: Query<'_>) -> impl Iterator<Item = Entry<'t>> {
        let has_exact = self.find(query).next().is_some();
        self.search(query, !has_exact)
    }

    /// `folding`: whether names are compared without what a compiler appended.
    fn search<'t>(&'t self, query: Query<'_>, folding: bool) -> impl Iterator<Item = Entry<'t>> {
        // Known by number, a module is told without a look at names, and most symbols by where they stand.
        let module = query.exact_module();
        let module = module.map(|name| self.owners.modules().find(name));
        let span = module.map_or(0..self.len(), |module| module.span.range());
        let (candidates, all) = if query.name_is_pattern() {
            (&[][..], span)
        } else {
            let folded = if folding {
                query.name()
            } else {
                name::fold(query.name())
            };
            let candidates = self.name_index().candidates(&self.names, folded);
            let below = |limit: usize| candidates.partition_point(|&rank| (rank as usize) < limit);
            (&candidates[below(span.start)..below(span.end)], 0..0)
        };
        let belongs = move |symbol: Entry<'_>| match module {
            Some(module) => self.owners.is_of(symbol.index(), module),
            None => query.matches_module(symbol),
        };
        candidates
            .iter()
            .map(|&rank| Entry::new(self, rank as usize))
            .chain(Entries::new(self, all))
            .filter(move |&symbol| {
                let name = symbol.name();
                let name = if folding { name::fold(name) } else { name };
                belongs(symbol) && query.matches_name(name)
            })
    }

    /// The modules that symbols belong to, sorted by name, pseudo modules among them.
    ///
    /// ```
    /// use kallmodsyms::{Group, SymbolTable};
    ///
    /// let table = SymbolTable::from_bytes(
    ///     b"ffffffff81000000 4 t f\t[a]\nffffffff81000020 0 B _end\nffffffffc0000000 9 t g\t[b]\n",
    /// )?;
    /// let modules: Vec<_> = table.modules().map(|module| (module.name(), module.group())).collect();
    /// assert_eq!(modules, [(b"a".as_slice(), Group::BuiltIn), (b"b".as_slice(), Group::Loaded)]);
    /// # Ok::<(), kallmodsyms::Error>(())
    /// ```
    pub fn modules(&self) -> impl ExactSizeIterator<Item = Module<'_>> {
        self.owners.modules().iter()
    }

    /// The module of this name. Constant time.
    ///
    /// ```
    /// # use kallmodsyms::SymbolTable;
    /// let table = SymbolTable::from_bytes(b"ffffffffc0000000 t g\t[nfs]\n")?;
    /// assert!(table.module(b"nfs").is_some() && table.module(b"ext4").is_none());
    /// # Ok::<(), kallmodsyms::Error>(())
    /// ```
    #[must_use]
    pub fn module(&self, name: &[u8]) -> Option<Module<'_>> {
        self.owners.modules().module(name)
    }

    /// Symbols and bytes of each module, in the order of [`modules`](Self::modules), and of core code last, under
    /// `None`. A symbol of several modules counts under each of them.
    ///
    /// One pass over the table.
    ///
    /// ```
    /// use kallmodsyms::{Section, SymbolTable};
    ///
    /// let table = SymbolTable::from_bytes(
    ///     b"ffffffff81000000 40 t f\t[a]\nffffffff81000010 8 t inside_f\t[a]\nffffffff81000040 0 B _end\n",
    /// )?;
    /// let (module, totals) = table.totals().remove(0);
    /// assert_eq!(module.unwrap().name(), b"a");
    /// assert_eq!((totals.symbols(), totals.bytes(Section::Text)), (2, 0x40));
    /// # Ok::<(), kallmodsyms::Error>(())
    /// ```
    #[must_use]
    pub fn totals(&self) -> Vec<(Option<Module<'_>>, Totals)> {
        module::totals(self)
    }

    /// The stretches between the first and the last symbol that belong to no symbol by its size, in address order. None
    /// where the source has no sizes. A marker of size zero cuts a gap in two.
    ///
    /// ```
    /// # use kallmodsyms::SymbolTable;
    /// let table = SymbolTable::from_bytes(b"ffffffff81000000 c T a\nffffffff81000010 4 T b\n")?;
    /// let gap = table.gaps().next().unwrap();
    /// assert_eq!((gap.start, gap.end), (0xffff_ffff_8100_000c, 0xffff_ffff_8100_0010));
    /// assert_eq!((gap.before.name(), gap.after.name()), (b"a".as_slice(), b"b".as_slice()));
    /// # Ok::<(), kallmodsyms::Error>(())
    /// ```
    pub fn gaps(&self) -> impl Iterator<Item = Gap<'_>> {
        let sized = self.facts.sizes;
        // The symbol that reaches furthest so far.
        let mut furthest: Option<Entry<'_>> = None;
        self.iter().filter_map(move |symbol| {
            let before = *furthest.get_or_insert(symbol);
            if symbol.end() > before.end() || symbol.address() >= before.end() {
                furthest = Some(symbol);
            }
            let (start, end) = (before.end(), symbol.address());
            (sized && start < end).then_some(Gap {
                start,
                end,
                before,
                after: symbol,
            })
        })
    }

    /// The heap that the table takes, in bytes, with the names and without the index of names.
    ///
    /// ```
    /// # use kallmodsyms::SymbolTable;
    /// let table = SymbolTable::from_bytes(b"ffffffff81000000 c T a\n")?;
    /// assert!(table.heap_size() > 0);
    /// # Ok::<(), kallmodsyms::Error>(())
    /// ```
    #[must_use]
    pub fn heap_size(&self) -> usize {
        self.addresses.heap_size()
            + self.sizes.heap_size()
            + self.reach.heap_size()
            + self.mapping.heap_size()
            + self.letters.capacity()
            + self.names.heap_size()
            + self.owners.heap_size()
    }

    /// Makes the index of names now, if it is not there yet, and returns the heap that it takes, in bytes.
    ///
    /// ```
    /// # use kallmodsyms::SymbolTable;
    /// let table = SymbolTable::from_bytes(b"ffffffff81000000 c T a\n")?;
    /// assert!(table.index_names() > 0);
    /// # Ok::<(), kallmodsyms::Error>(())
    /// ```
    pub fn index_names(&self) -> usize {
        self.name_index().heap_size()
    }

    fn name_index(&self) -> &NameIndex {
        self.name_index
            .get_or_init(|| NameIndex::new(&self.names).into())
    }

    /// The last of the first `after` symbols, all of which start at or below the address, that reaches beyond it.
    #[inline]
    fn innermost(&self, after: usize, address: u64) -> Option<usize> {
        let last = self.mapping.back(after.checked_sub(1)?)?;
        if address < self.end_before(last, self.mapping.forward(after)) {
            return Some(last);
        }
        if !self.facts.sizes {
            // Without sizes symbols do not nest.
            return None;
        }
        self.reach
            .last_before(last, address, |index| self.end(index))
    }

    /// The code of size zero that is the last of the first `after` symbols, if it reaches beyond the address.
    #[cold]
    fn code_without_size(&self, after: usize, address: u64) -> Option<usize> {
        let last = self.mapping.back(after.checked_sub(1)?)?;
        if !self.facts.sizes || self.sizes.get(last) != 0 {
            return None;
        }
        // Markers of the linker script come before what they mark.
        let here = self.first_alias(last)..=last;
        let is_code = |&index: &usize| {
            let code = matches!(self.letters[index], b't' | b'T' | b'w' | b'W');
            code && !self.mapping.has(index)
        };
        let index = here.rev().take(ALIASES).find(is_code)?;
        (address < self.reach_of(last, self.mapping.forward(after))).then_some(index)
    }

    /// Where a symbol ends: the first byte that is not its own.
    fn end(&self, index: usize) -> u64 {
        if self.mapping.has(index) {
            return self.addresses.get(index);
        }
        if self.facts.sizes {
            return self.end_before(index, index + 1);
        }
        // Of symbols at one address the last decides for all, as in a look-up: they are one extent.
        let next = self.addresses.upper(self.addresses.get(index));
        let last = self.mapping.back(next - 1).unwrap_or(index);
        self.end_before(last, self.mapping.forward(next))
    }

    /// Where a symbol ends, if `next` is the first one at a higher address.
    #[inline]
    fn end_before(&self, index: usize, next: usize) -> u64 {
        if self.facts.sizes {
            return self
                .addresses
                .get(index)
                .saturating_add(self.sizes.get(index));
        }
        self.reach_of(index, next)
    }

    /// How far a symbol reaches whose size is not known, if `next` is the first one at a higher address.
    #[inline]
    fn reach_of(&self, index: usize, next: usize) -> u64 {
        let start = self.addresses.get(index);
        let page_end = (start | (PAGE - 1)).saturating_add(1);
        if next == self.len() {
            return page_end;
        }
        let next_start = self.addresses.get(next);
        // The next page is reached by few, and only of them has the owner to be known.
        if next_start <= page_end {
            return next_start;
        }
        let (here, there) = (self.owners.of(index), self.owners.of(next));
        let same = here.is(there) || (here.group().is_image() && there.group().is_image());
        if same && u32::try_from(next_start - start).is_ok() {
            next_start
        } else {
            page_end
        }
    }

    #[inline]
    fn size(&self, index: usize) -> Option<u64> {
        self.facts.sizes.then(|| self.sizes.get(index))
    }

    /// The size, where it is more than how far the symbol reaches.
    fn known_size(&self, index: usize) -> Option<u64> {
        let known = !self.image_sizes_only || self.owners.of(index).group().is_image();
        self.size(index).filter(|_| known)
    }

    /// Whether two symbols start at one address and have one size.
    #[inline]
    fn same_extent(&self, one: usize, other: usize) -> bool {
        self.addresses.same(one, other) && self.size(one) == self.size(other)
    }

    /// The first symbol with the same extent as this one.
    #[inline]
    fn first_alias(&self, index: usize) -> usize {
        index - steps(index, |step| self.same_extent(index - step, index))
    }

    /// The symbols with the same extent as this one.
    fn alias_range(&self, index: usize) -> Range<usize> {
        let last = self.len() - 1;
        let after = steps(last - index, |step| self.same_extent(index + step, index));
        self.first_alias(index)..index + after + 1
    }
}

/// How many steps of at most this many are such, from the first on. In steps twice as long each, and then between the
/// last two: there may be as many as the table has symbols.
#[inline]
fn steps(most: usize, such: impl Fn(usize) -> bool) -> usize {
    let is_such = |step: usize| step <= most && such(step);
    let mut step = 1;
    while is_such(step) {
        step *= 2;
    }
    let (mut start, mut end) = (step / 2, step);
    while end - start > 1 {
        let middle = usize::midpoint(start, end);
        if is_such(middle) {
            start = middle;
        } else {
            end = middle;
        }
    }
    start
}

impl<'t> IntoIterator for &'t SymbolTable {
    type Item = Entry<'t>;
    type IntoIter = Entries<'t>;

    fn into_iter(self) -> Entries<'t> {
        self.iter()
    }
}

impl fmt::Debug for SymbolTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SymbolTable")
            .field("facts", &self.facts)
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}

/// Where an address lies, from [`SymbolTable::lookup`].
///
/// ```
/// # use kallmodsyms::{SymbolTable, table::Location};
/// let table = SymbolTable::from_bytes(b"ffffffff81000000 8 T start\n")?;
/// assert!(matches!(table.lookup(0xffff_ffff_8100_0004), Location::Inside { offset: 4, .. }));
/// # Ok::<(), kallmodsyms::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub enum Location<'t> {
    /// In a symbol.
    Inside {
        /// The innermost symbol that contains the address.
        symbol: Entry<'t>,
        /// How far into the symbol, in bytes.
        offset: u64,
    },
    /// In no symbol.
    Outside {
        /// The last symbol that starts at or below the address.
        before: Option<Entry<'t>>,
        /// The first symbol that starts above the address.
        after: Option<Entry<'t>>,
    },
}

impl<'t> Location<'t> {
    /// The symbol and the offset into it, if the address is in one.
    ///
    /// ```
    /// # use kallmodsyms::SymbolTable;
    /// let table = SymbolTable::from_bytes(b"ffffffff81000000 8 T start\n")?;
    /// assert!(table.lookup(0xffff_ffff_8100_0008).inside().is_none());
    /// # Ok::<(), kallmodsyms::Error>(())
    /// ```
    #[must_use]
    pub const fn inside(self) -> Option<(Entry<'t>, u64)> {
        match self {
            Self::Inside { symbol, offset } => Some((symbol, offset)),
            Self::Outside { .. } => None,
        }
    }
}

/// A stretch of addresses that belongs to no symbol, from [`SymbolTable::gaps`].
///
/// ```
/// # use kallmodsyms::SymbolTable;
/// let table = SymbolTable::from_bytes(b"ffffffff81000000 c T a\nffffffff81000010 4 T b\n")?;
/// assert!(table.gaps().all(|gap| gap.end - gap.start == 4));
/// # Ok::<(), kallmodsyms::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Gap<'t> {
    /// The first byte of the gap.
    pub start: u64,
    /// The first byte after it.
    pub end: u64,
    /// The symbol that ends where the gap starts: the last that starts there too, else the first that ends there.
    pub before: Entry<'t>,
    /// The first symbol after the gap.
    pub after: Entry<'t>,
}
