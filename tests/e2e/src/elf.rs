// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The symbol table of one ELF file, in the order of the file.
//!
//! The order matters as much as the contents: linkers copy the local symbols of their inputs in order, which
//! is what [`crate::truth`] goes by.

use std::path::Path;

use anyhow::{Context, Result, bail};
use object::elf;
use object::read::elf::{ElfFile64, FileHeader, SectionHeader, Sym as _};
use object::{LittleEndian, SectionIndex};

/// One entry of a symbol table.
///
/// Names need not be UTF-8. They are kept as text all the same, converted lossily and in the same way wherever
/// a name is read, so that comparing them stays exact for every name that occurs in practice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Symbol {
    pub name: String,
    pub value: u64,
    pub size: u64,
    /// `STT_*`.
    pub kind: u8,
    /// `STB_*`.
    pub bind: u8,
    /// `STV_HIDDEN` or `STV_INTERNAL`: the final link makes a local symbol of it.
    pub hidden: bool,
    /// Index of the section that defines it, or `None` for absolute and undefined ones.
    pub section: Option<usize>,
    pub undefined: bool,
    /// In code of RISC-V, which linkers relax: neither its size nor its distance from others need stay what it was.
    pub relaxes: bool,
}

impl Symbol {
    pub fn is_local(&self) -> bool {
        self.bind == elf::STB_LOCAL
    }

    /// Whether it is defined for all objects.
    pub fn is_global(&self) -> bool {
        !self.is_local() && !self.undefined && self.is_named()
    }

    pub fn is_file(&self) -> bool {
        self.kind == elf::STT_FILE
    }

    /// The size, where a link does not change it.
    pub fn lasting_size(&self) -> Option<u64> {
        (!self.relaxes).then_some(self.size)
    }

    /// Whether kallsyms could print it: not a section or file marker, nor an assembler's own `.L` label.
    pub fn is_named(&self) -> bool {
        let marker = self.kind == elf::STT_SECTION || self.is_file();
        !marker && !self.name.is_empty() && !self.name.starts_with(".L")
    }
}

/// One section header.
#[derive(Clone, Debug)]
pub struct Section {
    pub name: String,
    pub flags: u64,
    pub kind: u32,
}

impl Section {
    pub fn is_code(&self) -> bool {
        self.flags & u64::from(elf::SHF_EXECINSTR) != 0
    }

    pub fn is_alloc(&self) -> bool {
        self.flags & u64::from(elf::SHF_ALLOC) != 0
    }
}

/// What the checks need of an ELF file.
pub struct Elf {
    pub sections: Vec<Section>,
    pub symbols: Vec<Symbol>,
}

impl Elf {
    pub fn read(path: &Path) -> Result<Elf> {
        let data =
            std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        Elf::parse(&data)
            .with_context(|| format!("{} is not a 64-bit little-endian ELF file", path.display()))
            .map(|(sections, symbols)| Elf { sections, symbols })
    }

    fn parse(data: &[u8]) -> Result<(Vec<Section>, Vec<Symbol>)> {
        let file = ElfFile64::<LittleEndian>::parse(data)?;
        let endian = file.endian();
        let table = file.elf_section_table();
        let mut sections = Vec::with_capacity(table.len());
        for section in table.iter() {
            sections.push(Section {
                name: lossy(table.section_name(endian, section)?),
                flags: section.sh_flags(endian),
                kind: section.sh_type(endian),
            });
        }

        let symtab = table.symbols(endian, data, elf::SHT_SYMTAB)?;
        if symtab.is_empty() && file.elf_header().e_type(endian) != elf::ET_REL {
            bail!("it has no symbol table (stripped?)");
        }
        let mut symbols = Vec::with_capacity(symtab.len());
        let is_riscv = file.elf_header().e_machine(endian) == elf::EM_RISCV;
        // Entry 0 is the null symbol.
        for (index, symbol) in symtab.enumerate().skip(1) {
            let section = section_of(symtab.symbol_section(endian, symbol, index)?);
            let is_code = |index| sections.get(index).is_some_and(Section::is_code);
            symbols.push(Symbol {
                name: lossy(symtab.symbol_name(endian, symbol)?),
                value: symbol.st_value(endian),
                size: symbol.st_size(endian),
                kind: symbol.st_type(),
                bind: symbol.st_bind(),
                hidden: matches!(symbol.st_visibility(), elf::STV_HIDDEN | elf::STV_INTERNAL),
                section,
                undefined: symbol.is_undefined(endian),
                relaxes: is_riscv && section.is_some_and(is_code),
            });
        }
        Ok((sections, symbols))
    }

    /// Whether a symbol of that name is in a section whose contents linkers merge.
    pub fn has_merged(&self, name: &str) -> bool {
        self.symbols.iter().any(|symbol| {
            symbol.name == name
                && self
                    .section(symbol)
                    .is_some_and(|s| s.flags & u64::from(elf::SHF_MERGE) != 0)
        })
    }

    pub fn section(&self, symbol: &Symbol) -> Option<&Section> {
        self.sections.get(symbol.section?)
    }

    /// The letter nm prints for a defined symbol, by the rules of BFD's `bfd_decode_symclass()` for the kinds
    /// of symbols that a kernel has.
    pub fn letter(&self, symbol: &Symbol) -> char {
        if symbol.bind == elf::STB_WEAK {
            return if symbol.kind == elf::STT_OBJECT {
                'V'
            } else {
                'W'
            };
        }
        let lower = match self.section(symbol) {
            None => 'a',
            Some(s) if s.is_code() => 't',
            // An empty section that takes no memory, such as .data_nosave without hibernation.
            Some(s) if !s.is_alloc() && s.flags & u64::from(elf::SHF_WRITE) != 0 => return '?',
            Some(s) if !s.is_alloc() => 'n',
            Some(s) if s.kind == elf::SHT_NOBITS => 'b',
            Some(s) if s.flags & u64::from(elf::SHF_WRITE) == 0 => 'r',
            Some(_) => 'd',
        };
        if symbol.is_local() {
            lower
        } else {
            lower.to_ascii_uppercase()
        }
    }
}

fn section_of(index: Option<SectionIndex>) -> Option<usize> {
    index.map(|i| i.0)
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
