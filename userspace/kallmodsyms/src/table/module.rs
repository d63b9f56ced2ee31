// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Modules, and what they take.

use alloc::vec;
use alloc::vec::Vec;
use core::fmt;

use super::SymbolTable;
use crate::{Group, Section};

/// A module that symbols belong to, or what stands in the place of one.
///
/// ```
/// use kallmodsyms::{Group, SymbolTable};
///
/// let table = SymbolTable::from_bytes(b"ffffffffc0000000 9 t bpf_prog_12\t[bpf]\n")?;
/// let module = table.modules().next().unwrap();
/// assert_eq!((module.name(), module.group()), (b"bpf".as_slice(), Group::Bpf));
/// # Ok::<(), kallmodsyms::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Module<'t> {
    name: &'t [u8],
    group: Group,
}

impl<'t> Module<'t> {
    pub(super) const fn new(name: &'t [u8], group: Group) -> Self {
        Self { name, group }
    }

    /// The name as lsmod prints it.
    ///
    /// ```
    /// # use kallmodsyms::SymbolTable;
    /// let table = SymbolTable::from_bytes(b"ffffffffc0000000 9 t f\t[nfs]\n")?;
    /// assert_eq!(table.modules().next().unwrap().name(), b"nfs");
    /// # Ok::<(), kallmodsyms::Error>(())
    /// ```
    #[must_use]
    pub const fn name(&self) -> &'t [u8] {
        self.name
    }

    /// Whether it is loaded, built in, or no module but BPF, ftrace or kprobes.
    ///
    /// ```
    /// # use kallmodsyms::{Group, SymbolTable};
    /// let table = SymbolTable::from_bytes(b"ffffffffc0000000 9 t f\t[nfs]\n")?;
    /// assert_eq!(table.modules().next().unwrap().group(), Group::Loaded);
    /// # Ok::<(), kallmodsyms::Error>(())
    /// ```
    #[must_use]
    pub const fn group(&self) -> Group {
        self.group
    }
}

impl fmt::Debug for Module<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.name.escape_ascii(), self.group.name())
    }
}

/// How many symbols something has, and how many bytes they take in each kind of section.
///
/// ```
/// # use kallmodsyms::{Section, table::Totals};
/// assert_eq!(Totals::default().bytes(Section::Text), 0);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    symbols: usize,
    bytes: [u64; Section::ALL.len()],
    /// Up to where bytes have been counted.
    counted: u64,
}

impl Totals {
    /// How many symbols, aliases and markers among them.
    ///
    /// ```
    /// assert_eq!(kallmodsyms::table::Totals::default().symbols(), 0);
    /// ```
    #[must_use]
    pub const fn symbols(&self) -> usize {
        self.symbols
    }

    /// How many bytes lie in symbols of such sections. A byte counts once, however many symbols it lies in. 0 where the
    /// source has no sizes.
    ///
    /// ```
    /// # use kallmodsyms::{Section, SymbolTable};
    /// let table = SymbolTable::from_bytes(b"ffffffffc0000000 9 t f\t[a]\nffffffffc0000000 9 t g\t[a]\n")?;
    /// assert_eq!(table.totals()[0].1.bytes(Section::Text), 9);
    /// # Ok::<(), kallmodsyms::Error>(())
    /// ```
    #[must_use]
    pub const fn bytes(&self, section: Section) -> u64 {
        self.bytes[section as usize]
    }

    /// The bytes of all sections.
    ///
    /// ```
    /// assert_eq!(kallmodsyms::table::Totals::default().all_bytes(), 0);
    /// ```
    #[must_use]
    pub fn all_bytes(&self) -> u64 {
        self.bytes.iter().sum()
    }

    fn add(&mut self, section: Section, start: u64, end: u64) {
        self.symbols += 1;
        self.bytes[section as usize] += end.saturating_sub(start.max(self.counted));
        self.counted = self.counted.max(end);
    }
}

pub(super) fn totals(table: &SymbolTable) -> Vec<(Option<Module<'_>>, Totals)> {
    let modules = table.modules().map(Some).chain([None]);
    let mut all: Vec<_> = modules.zip(core::iter::repeat(Totals::default())).collect();
    let core = vec![all.len() as u32 - 1];
    for index in 0..table.len() {
        let start = table.addresses.get(index);
        let end = start.saturating_add(table.known_size(index).unwrap_or(0));
        let section = Section::of_letter(table.letters[index]);
        let ids = table.owners.of(index).ids();
        for &id in if ids.is_empty() { &core } else { ids } {
            all[id as usize].1.add(section, start, end);
        }
    }
    all
}
