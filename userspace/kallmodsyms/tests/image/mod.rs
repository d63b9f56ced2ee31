// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Small ELF images, written by hand so that any field can be wrong.

#![allow(dead_code, reason = "each test takes what it needs")]

pub(crate) const LOCAL: u8 = 0 << 4;
pub(crate) const GLOBAL: u8 = 1 << 4;
pub(crate) const WEAK: u8 = 2 << 4;
pub(crate) const UNIQUE: u8 = 10 << 4;

pub(crate) const NONE: u8 = 0;
pub(crate) const OBJECT: u8 = 1;
pub(crate) const FUNC: u8 = 2;
pub(crate) const SECTION: u8 = 3;
pub(crate) const FILE: u8 = 4;
pub(crate) const IFUNC: u8 = 10;

pub(crate) const UNDEFINED: u16 = 0;
pub(crate) const TEXT: u16 = 1;
pub(crate) const RODATA: u16 = 2;
pub(crate) const DATA: u16 = 3;
pub(crate) const BSS: u16 = 4;
pub(crate) const COMMENT: u16 = 5;
pub(crate) const SDATA: u16 = 6;
pub(crate) const NOTES: u16 = 7;
pub(crate) const NOSAVE: u16 = 12;
pub(crate) const ABSOLUTE: u16 = 0xfff1;
pub(crate) const COMMON: u16 = 0xfff2;
pub(crate) const EXTENDED: u16 = 0xffff;

const PROGBITS: u32 = 1;
const SYMTAB: u32 = 2;
const STRTAB: u32 = 3;
const NOTE: u32 = 7;
const NOBITS: u32 = 8;
const SHNDX: u32 = 18;

/// Name, type, flags, link, entry size, content.
type Section<'s> = (&'s str, u32, u64, u32, u64, &'s [u8]);

/// What a file is made of.
#[derive(Clone)]
pub(crate) struct Image {
    pub(crate) is_64: bool,
    pub(crate) is_big: bool,
    pub(crate) machine: u16,
    /// 1: object file, 2: executable, 3: position-independent.
    pub(crate) kind: u16,
    pub(crate) build_id: Vec<u8>,
    /// Without code and data, as split off for debuggers.
    pub(crate) debug_only: bool,
    pub(crate) symbols: Vec<(Vec<u8>, u64, u64, u8, u16)>,
}

impl Image {
    /// x86-64, with a build ID.
    pub(crate) fn new() -> Self {
        Self {
            is_64: true,
            is_big: false,
            machine: 62,
            kind: 2,
            build_id: vec![0xab, 0xcd, 0xef],
            debug_only: false,
            symbols: Vec::new(),
        }
    }

    pub(crate) fn symbol(
        mut self,
        name: &str,
        address: u64,
        size: u64,
        info: u8,
        section: u16,
    ) -> Self {
        self.symbols
            .push((name.into(), address, size, info, section));
        self
    }

    /// The file.
    pub(crate) fn build(&self) -> Vec<u8> {
        let (symbols, strings, extended) = self.symbol_table();
        let notes = self.notes();
        let code = if self.debug_only { NOBITS } else { PROGBITS };
        let sections: [Section<'_>; 13] = [
            ("", 0, 0, 0, 0, &[]),
            (".text", code, 6, 0, 0, &[0x90; 16]),
            (".rodata", code, 2, 0, 0, b"constant"),
            (".data", code, 3, 0, 0, b"variable"),
            (".bss", NOBITS, 3, 0, 0, &[]),
            (".comment", PROGBITS, 0x30, 0, 1, b"GCC\0"),
            // SHF_MIPS_GPREL
            (".sdata", code, 0x1000_0003, 0, 0, b"small"),
            (".notes", NOTE, 2, 0, 0, &notes),
            (
                ".symtab",
                SYMTAB,
                0,
                9,
                if self.is_64 { 24 } else { 16 },
                &symbols,
            ),
            (".strtab", STRTAB, 0, 0, 0, &strings),
            (".symtab_shndx", SHNDX, 0, 8, 4, &extended),
            (".shstrtab", STRTAB, 0, 0, 0, &[]),
            (".data_nosave", PROGBITS, 1, 0, 0, b"twin"),
        ];
        let mut names = Vec::new();
        let name_places = sections.map(|section| {
            names.extend_from_slice(section.0.as_bytes());
            names.push(0);
            names.len() - section.0.len() - 1
        });
        let word = if self.is_64 { 8 } else { 4 };
        let header_size = self.header_size();
        let mut content = vec![0; header_size];
        let mut table = Vec::new();
        for ((name, kind, flags, link, entry, data), name_place) in
            sections.into_iter().zip(name_places)
        {
            content.resize(content.len().next_multiple_of(8), 0);
            let data = if name == ".shstrtab" { &names } else { data };
            self.put(&mut table, 4, name_place as u64);
            self.put(&mut table, 4, u64::from(kind));
            self.put(&mut table, word, flags);
            self.put(&mut table, word, 0);
            self.put(&mut table, word, content.len() as u64);
            self.put(&mut table, word, data.len() as u64);
            self.put(&mut table, 4, u64::from(link));
            self.put(&mut table, 4, 0);
            self.put(&mut table, word, 4);
            self.put(&mut table, word, entry);
            if kind != NOBITS {
                content.extend_from_slice(data);
            }
        }
        content.resize(content.len().next_multiple_of(8), 0);

        let header = self.header(content.len());
        content[..header_size].copy_from_slice(&header);
        content.extend(table);
        content
    }

    fn header(&self, sections_at: usize) -> Vec<u8> {
        let word = if self.is_64 { 8 } else { 4 };
        let header_size = self.header_size();
        let mut header = b"\x7fELF".to_vec();
        header.extend([
            if self.is_64 { 2 } else { 1 },
            if self.is_big { 2 } else { 1 },
            1,
        ]);
        header.resize(16, 0);
        self.put(&mut header, 2, u64::from(self.kind));
        self.put(&mut header, 2, u64::from(self.machine));
        self.put(&mut header, 4, 1);
        self.put(&mut header, word, 0);
        self.put(&mut header, word, 0);
        self.put(&mut header, word, sections_at as u64);
        self.put(&mut header, 4, 0);
        self.put(&mut header, 2, header_size as u64);
        self.put(&mut header, 2, if self.is_64 { 56 } else { 32 });
        self.put(&mut header, 2, 0);
        self.put(&mut header, 2, if self.is_64 { 64 } else { 40 });
        self.put(&mut header, 2, 13);
        self.put(&mut header, 2, 11);
        assert_eq!(header.len(), header_size);
        header
    }

    fn header_size(&self) -> usize {
        if self.is_64 { 64 } else { 52 }
    }

    /// Symbols, their names, the sections of those whose section number does not fit.
    fn symbol_table(&self) -> (Vec<u8>, Vec<u8>, Vec<u8>) {
        let mut strings = vec![0];
        let mut symbols = vec![0; if self.is_64 { 24 } else { 16 }];
        let mut extended = vec![0; 4];
        for (name, address, size, info, section) in &self.symbols {
            let name_at = strings.len();
            strings.extend_from_slice(name);
            strings.push(0);
            self.put(&mut symbols, 4, name_at as u64);
            if self.is_64 {
                symbols.extend([*info, 0]);
                self.put(&mut symbols, 2, u64::from(*section));
                self.put(&mut symbols, 8, *address);
                self.put(&mut symbols, 8, *size);
            } else {
                self.put(&mut symbols, 4, *address);
                self.put(&mut symbols, 4, *size);
                symbols.extend([*info, 0]);
                self.put(&mut symbols, 2, u64::from(*section));
            }
            self.put(
                &mut extended,
                4,
                u64::from(if *section == EXTENDED { DATA } else { 0 }),
            );
        }
        (symbols, strings, extended)
    }

    fn notes(&self) -> Vec<u8> {
        let mut notes = Vec::new();
        // One of another owner first.
        for (owner, kind, desc) in [(b"Xen\0", 3, &[1_u8, 2][..]), (b"GNU\0", 3, &self.build_id)] {
            self.put(&mut notes, 4, 4);
            self.put(&mut notes, 4, desc.len() as u64);
            self.put(&mut notes, 4, kind);
            notes.extend(owner);
            notes.extend(desc);
            notes.resize(notes.len().next_multiple_of(4), 0);
        }
        notes
    }

    fn put(&self, out: &mut Vec<u8>, width: usize, value: u64) {
        if self.is_big {
            out.extend_from_slice(&value.to_be_bytes()[8 - width..]);
        } else {
            out.extend_from_slice(&value.to_le_bytes()[..width]);
        }
    }
}
