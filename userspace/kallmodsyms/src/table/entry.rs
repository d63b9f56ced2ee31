// SPDX-License-Identifier: Apache-2.0 OR MIT

//! A symbol of a table, and sequences of them.

use core::fmt;
use core::iter::FusedIterator;
use core::ops::Range;

use super::SymbolTable;
use super::name::fold;
use crate::{Binding, Group, Kind, Modules, Section, Symbol};

/// A symbol of a [`SymbolTable`]: a reference to the table and a rank. Nothing is copied until asked for.
///
/// ```
/// use kallmodsyms::{Binding, Group, Kind, Section, SymbolTable};
///
/// let table = SymbolTable::from_bytes(b"ffffffff8b014280 13a t rapl_pmu_event_init\t[intel_rapl_perf]\n\
///                                       ffffffff8c000000 0 B _end\n")?;
/// let symbol = table.get(0).unwrap();
/// assert_eq!(symbol.index(), 0);
/// assert_eq!(symbol.address(), 0xffff_ffff_8b01_4280);
/// assert_eq!((symbol.size(), symbol.end()), (Some(0x13a), 0xffff_ffff_8b01_43ba));
/// assert_eq!((symbol.letter(), symbol.binding(), symbol.kind()), (b't', Binding::Unknown, Kind::Function));
/// assert_eq!((symbol.section(), symbol.group()), (Section::Text, Group::BuiltIn));
/// assert_eq!(symbol.name(), b"rapl_pmu_event_init");
/// # Ok::<(), kallmodsyms::Error>(())
/// ```
#[derive(Clone, Copy)]
pub struct Entry<'t> {
    table: &'t SymbolTable,
    index: usize,
}

impl<'t> Entry<'t> {
    pub(super) const fn new(table: &'t SymbolTable, index: usize) -> Self {
        Self { table, index }
    }

    /// The rank in address order, for [`SymbolTable::get`].
    #[must_use]
    pub const fn index(&self) -> usize {
        self.index
    }

    /// Where the symbol starts.
    #[must_use]
    pub fn address(&self) -> u64 {
        self.table.addresses.get(self.index)
    }

    /// How many bytes the symbol takes, where the source says so.
    #[must_use]
    pub fn size(&self) -> Option<u64> {
        self.table.known_size(self.index)
    }

    /// The first address after the symbol, as [`SymbolTable::containing`] sees it. Stops at `u64::MAX`.
    #[must_use]
    pub fn end(&self) -> u64 {
        self.table.end(self.index)
    }

    /// The letter that `nm` would print.
    #[must_use]
    pub fn letter(&self) -> u8 {
        self.table.letters[self.index]
    }

    /// How the symbol binds, as far as the letter tells.
    #[must_use]
    pub fn binding(&self) -> Binding {
        Binding::of_letter(self.letter())
    }

    /// What the symbol names, as far as the letter tells.
    #[must_use]
    pub fn kind(&self) -> Kind {
        Kind::of_letter(self.letter())
    }

    /// The kind of section, as far as the letter tells.
    #[must_use]
    pub fn section(&self) -> Section {
        Section::of_letter(self.letter())
    }

    /// Whether the symbol is of code: a function, weak or not, or a label.
    ///
    /// ```
    /// # use kallmodsyms::SymbolTable;
    /// let table = SymbolTable::from_bytes(b"ffffffff81000000 4 W f\nffffffff81000010 4 V v\n")?;
    /// assert!(table.get(0).unwrap().is_code() && !table.get(1).unwrap().is_code());
    /// # Ok::<(), kallmodsyms::Error>(())
    /// ```
    #[must_use]
    pub fn is_code(&self) -> bool {
        self.section() == Section::Text
    }

    /// A place in the symbol as the kernel prints it: `name+0x10/0x20 [module]`, without the size where that is not known.
    /// What a terminal could obey in a name is escaped.
    ///
    /// ```
    /// # use kallmodsyms::SymbolTable;
    /// let table = SymbolTable::from_bytes(b"ffffffff81000000 40 T f\t[ext4] [jbd2]\nffffffff82000000 0 B _end\n")?;
    /// let (symbol, offset) = table.lookup(0xffff_ffff_8100_0010).inside().unwrap();
    /// assert_eq!(symbol.plus(offset).to_string(), "f+0x10/0x40 [ext4] [jbd2]");
    /// # Ok::<(), kallmodsyms::Error>(())
    /// ```
    #[must_use]
    pub const fn plus(self, offset: u64) -> Plus<'t> {
        Plus {
            symbol: self,
            offset,
        }
    }

    /// The name, which need not be UTF-8.
    #[must_use]
    pub fn name(&self) -> &'t [u8] {
        self.table.names.get(self.index)
    }

    /// The name without what clang appended to it, by which [`SymbolTable::named_folded`] finds it.
    ///
    /// ```
    /// # use kallmodsyms::SymbolTable;
    /// let table = SymbolTable::from_bytes(b"ffffffff81000000 4 t probe.llvm.1234.cfi\n")?;
    /// assert_eq!(table.get(0).unwrap().folded_name(), b"probe");
    /// # Ok::<(), kallmodsyms::Error>(())
    /// ```
    #[must_use]
    pub fn folded_name(&self) -> &'t [u8] {
        fold(self.name())
    }

    /// The modules that the symbol belongs to. Logarithmic in the number of runs of symbols of the same modules.
    #[must_use]
    pub fn modules(&self) -> Modules<'t> {
        self.table.owners.of(self.index).modules()
    }

    /// The object file, in the dialect that has one.
    #[must_use]
    pub fn object(&self) -> Option<&'t [u8]> {
        self.table.owners.of(self.index).object()
    }

    /// Where the kernel keeps the symbol: in its image, in a loaded module, or as BPF, ftrace or kprobes.
    #[must_use]
    pub fn group(&self) -> Group {
        self.table.owners.of(self.index).group()
    }

    /// All symbols with the same address and size, this one among them.
    ///
    /// ```
    /// # use kallmodsyms::SymbolTable;
    /// let table = SymbolTable::from_bytes(b"ffffffff81000000 4 T a\nffffffff81000000 4 T b\n")?;
    /// assert_eq!(table.get(0).unwrap().aliases().len(), 2);
    /// # Ok::<(), kallmodsyms::Error>(())
    /// ```
    #[must_use]
    pub fn aliases(&self) -> Entries<'t> {
        Entries::new(self.table, self.table.alias_range(self.index))
    }

    /// The symbol as a line would give it.
    ///
    /// ```
    /// # use kallmodsyms::{SymbolTable, Width};
    /// let line = b"ffffffff81000000 4 T a\n";
    /// let table = SymbolTable::from_bytes(line)?;
    /// let mut copy = Vec::new();
    /// table.get(0).unwrap().symbol().write_line(Width::Bits64, &mut copy);
    /// assert_eq!(copy, line);
    /// # Ok::<(), kallmodsyms::Error>(())
    /// ```
    #[must_use]
    pub fn symbol(&self) -> Symbol<'t> {
        let owner = self.table.owners.of(self.index);
        Symbol {
            address: self.address(),
            size: self.size(),
            kind: self.letter(),
            name: self.name(),
            modules: owner.modules(),
            object: owner.object(),
        }
    }
}

/// A place in a symbol, from [`Entry::plus`].
///
/// ```
/// # use kallmodsyms::SymbolTable;
/// let table = SymbolTable::from_bytes(b"ffffffff81000000 T f\n")?;
/// assert_eq!(table.get(0).unwrap().plus(16).to_string(), "f+0x10");
/// # Ok::<(), kallmodsyms::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plus<'t> {
    symbol: Entry<'t>,
    offset: u64,
}

impl fmt::Display for Plus<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { symbol, offset } = self;
        write!(f, "{}+{offset:#x}", symbol.name().escape_ascii())?;
        if let Some(size) = symbol.size() {
            write!(f, "/{size:#x}")?;
        }
        for module in symbol.modules() {
            write!(f, " [{}]", module.escape_ascii())?;
        }
        Ok(())
    }
}

/// Whether both are the same symbol of the same table.
impl PartialEq for Entry<'_> {
    fn eq(&self, other: &Self) -> bool {
        core::ptr::eq(self.table, other.table) && self.index == other.index
    }
}

impl Eq for Entry<'_> {}

impl fmt::Debug for Entry<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.symbol().fmt(f)
    }
}

/// Symbols that stand together in a table, in address order.
///
/// ```
/// # use kallmodsyms::SymbolTable;
/// let table = SymbolTable::from_bytes(b"ffffffff81000000 4 T a\nffffffff81000010 4 T b\n")?;
/// let mut entries = table.iter();
/// assert_eq!(entries.next_back().unwrap().name(), b"b");
/// assert_eq!(entries.len(), 1);
/// # Ok::<(), kallmodsyms::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Entries<'t> {
    table: &'t SymbolTable,
    range: Range<usize>,
}

impl<'t> Entries<'t> {
    pub(super) const fn new(table: &'t SymbolTable, range: Range<usize>) -> Self {
        Self { table, range }
    }
}

impl<'t> Iterator for Entries<'t> {
    type Item = Entry<'t>;

    fn next(&mut self) -> Option<Entry<'t>> {
        let index = self.range.next()?;
        Some(Entry::new(self.table, index))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.range.size_hint()
    }
}

impl DoubleEndedIterator for Entries<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        let index = self.range.next_back()?;
        Some(Entry::new(self.table, index))
    }
}

impl ExactSizeIterator for Entries<'_> {}
impl FusedIterator for Entries<'_> {}

/// The symbols that contain an address, the innermost first, from [`SymbolTable::containing`].
///
/// ```
/// # use kallmodsyms::SymbolTable;
/// let table = SymbolTable::from_bytes(b"ffffffff81000000 4 T a\n")?;
/// assert!(table.containing(0xffff_ffff_8100_0004).next().is_none());
/// # Ok::<(), kallmodsyms::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Containing<'t> {
    address: u64,
    /// Symbols of one extent that are still to be handed out.
    aliases: Entries<'t>,
    /// How many symbols are left to search.
    before: usize,
}

impl<'t> Containing<'t> {
    pub(super) fn new(table: &'t SymbolTable, address: u64) -> Self {
        Self {
            address,
            aliases: Entries::new(table, 0..0),
            before: table.addresses.upper(address),
        }
    }
}

impl<'t> Iterator for Containing<'t> {
    type Item = Entry<'t>;

    fn next(&mut self) -> Option<Entry<'t>> {
        let table = self.aliases.table;
        if let Some(alias) = self.aliases.find(|alias| !table.mapping.has(alias.index())) {
            return Some(alias);
        }
        let found = table.innermost(self.before, self.address)?;
        let aliases = table.alias_range(found);
        // Without sizes symbols do not nest: each ends where the next begins.
        self.before = if table.facts.sizes { aliases.start } else { 0 };
        self.aliases = Entries::new(table, aliases);
        self.aliases.find(|alias| !table.mapping.has(alias.index()))
    }
}

impl FusedIterator for Containing<'_> {}
