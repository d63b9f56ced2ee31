// SPDX-License-Identifier: Apache-2.0 OR MIT

//! The symbols of a `vmlinux`: what the linker knows, sizes among it.
//!
//! An image that is not stripped has every symbol that `/proc/kallsyms` lists, and others. [`symbols`] lists those
//! that the kernel's build takes (`scripts/mksysmap` and `scripts/kallsyms.c` drop the rest), with the letters of `nm`
//! and in the order of `/proc/kallmodsyms`, so that but for the modules the two agree line by line once the image is
//! [moved](crate::Slide) to where the kernel runs.
//!
//! Any architecture, 32 bits and 64, either byte order. Files that were split off for debuggers, without code and data,
//! will do. Nothing is decompressed.

use alloc::vec::Vec;
use core::cmp::Reverse;
use core::fmt;

use object::Endianness;
use object::elf::{self, FileHeader32, FileHeader64};
use object::read::elf::{
    FileHeader, NoteIterator, ProgramHeader, SectionHeader, SectionTable, Sym,
};
use object::read::{ReadRef, StringTable};

use crate::grammar::NAME_MAX;
use crate::table::{Builder, Facts};
use crate::{ErrorKind, Modules, Symbol, SymbolTable, Width};

/// Lists the symbols of an image as the kernel does, at the linker's addresses.
///
/// Sorts them: linear but for that.
///
/// # Errors
///
/// If the file is no linked ELF image with symbols, or damaged.
///
/// ```
/// use kallmodsyms::elf;
///
/// let error = elf::symbols(b"\x7fELF\x02\x01").unwrap_err();
/// assert!(matches!(error, elf::Error::Damaged(_)), "{error}");
/// assert_eq!(elf::symbols(b"\x1f\x8b\x08").unwrap_err(), elf::Error::NotElf);
/// ```
pub fn symbols(file: &[u8]) -> Result<SymbolTable, Error> {
    symbols_of(file)
}

/// The build ID of an image, which tells it from every other; none if it was linked without.
///
/// # Errors
///
/// If the file is no ELF image, or damaged.
///
/// ```
/// use kallmodsyms::elf;
///
/// assert_eq!(elf::build_id(b"#!/bin/sh\n").unwrap_err(), elf::Error::NotElf);
/// ```
pub fn build_id(file: &[u8]) -> Result<Option<BuildId>, Error> {
    build_id_of(file)
}

/// What names a linked image: a hash over what is in it.
///
/// ```
/// use kallmodsyms::elf::BuildId;
///
/// // As /sys/kernel/notes of a little-endian kernel has it.
/// let notes = b"\x04\0\0\0\x04\0\0\0\x03\0\0\0GNU\0\x79\x91\x66\x35";
/// assert_eq!(BuildId::from_notes(notes).unwrap().to_string(), "79916635");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct BuildId(Vec<u8>);

impl BuildId {
    /// Finds the build ID among the notes of a kernel, in either byte order: `/sys/kernel/notes`.
    ///
    /// ```
    /// assert_eq!(kallmodsyms::elf::BuildId::from_notes(b""), None);
    /// ```
    #[must_use]
    pub fn from_notes(notes: &[u8]) -> Option<Self> {
        let orders = [Endianness::Little, Endianness::Big];
        orders.into_iter().find_map(|endian| {
            NoteIterator::<FileHeader64<Endianness>>::new(endian, 4, notes)
                .ok()
                .and_then(|notes| Self::among(endian, notes))
        })
    }

    /// The hash's bytes.
    ///
    /// ```
    /// # use kallmodsyms::elf::BuildId;
    /// let notes = b"\0\0\0\x04\0\0\0\x02\0\0\0\x03GNU\0\x79\x91";
    /// assert_eq!(BuildId::from_notes(notes).unwrap().as_bytes(), [0x79, 0x91]);
    /// ```
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Notes after a damaged one are not looked at.
    fn among<Elf: FileHeader>(endian: Elf::Endian, notes: NoteIterator<'_, Elf>) -> Option<Self> {
        let mut notes = notes.map_while(Result::ok);
        let is_id = |note: &object::read::elf::Note<'_, Elf>| {
            note.name() == elf::ELF_NOTE_GNU && note.n_type(endian) == elf::NT_GNU_BUILD_ID
        };
        let desc = notes.find(is_id)?.desc();
        (!desc.is_empty()).then(|| Self(desc.into()))
    }
}

impl fmt::Display for BuildId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Why a file is no image with symbols.
///
/// ```
/// use kallmodsyms::elf::Error;
///
/// assert_eq!(Error::NoSymbols.to_string(), "the image has no symbols: it is stripped");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Something else, compressed perhaps.
    #[error("expected an ELF file, found something else")]
    NotElf,
    /// An object file or a module, whose addresses are still to come.
    #[error("expected a linked image, found an object file or a core dump")]
    NotLinked,
    /// No symbol that the kernel would list.
    #[error("the image has no symbols: it is stripped")]
    NoSymbols,
    /// Part of the file is missing or points elsewhere.
    #[error("damaged ELF file: {0}")]
    Damaged(Damage),
    /// A name that no line of the kernel's list can have.
    #[error("damaged ELF file: the name of symbol {0} has a blank or a control character")]
    Name(usize),
    /// More than a [`SymbolTable`] holds.
    #[error("expected at most 4 GiB of names, found more")]
    TooLarge,
}

/// What is wrong with a damaged file.
///
/// ```
/// use kallmodsyms::elf::{self, Error};
///
/// let Err(Error::Damaged(damage)) = elf::symbols(b"\x7fELF\x02\x01") else { panic!() };
/// assert!(damage.to_string().contains("ELF header"));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Damage(object::read::Error);

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// An [`Error`] on the way out: that one is made of what another crate says, is nobody else's business.
struct Stop(Error);

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

impl From<object::read::Error> for Stop {
    fn from(error: object::read::Error) -> Self {
        Self(Error::Damaged(Damage(error)))
    }
}

/// Which of the two layouts of ELF a file has.
enum Class {
    Bits32,
    Bits64,
}

impl Class {
    fn of<'d>(data: impl ReadRef<'d>) -> Result<Self, Error> {
        let magic = data.read_bytes_at(0, 5).map_err(|()| Error::NotElf)?;
        match magic {
            [0x7f, b'E', b'L', b'F', 1] => Ok(Self::Bits32),
            [0x7f, b'E', b'L', b'F', 2] => Ok(Self::Bits64),
            _ => Err(Error::NotElf),
        }
    }
}

pub(crate) fn symbols_of<'d>(data: impl ReadRef<'d>) -> Result<SymbolTable, Error> {
    let symbols = match Class::of(data)? {
        Class::Bits32 => {
            Image::<FileHeader32<Endianness>, _>::open(data).and_then(|it| it.symbols())
        }
        Class::Bits64 => {
            Image::<FileHeader64<Endianness>, _>::open(data).and_then(|it| it.symbols())
        }
    };
    symbols.map_err(|Stop(error)| error)
}

pub(crate) fn build_id_of<'d>(data: impl ReadRef<'d>) -> Result<Option<BuildId>, Error> {
    let build_id = match Class::of(data)? {
        Class::Bits32 => {
            Image::<FileHeader32<Endianness>, _>::open(data).and_then(|it| it.build_id())
        }
        Class::Bits64 => {
            Image::<FileHeader64<Endianness>, _>::open(data).and_then(|it| it.build_id())
        }
    };
    build_id.map_err(|Stop(error)| error)
}

struct Image<'d, Elf: FileHeader, R: ReadRef<'d>> {
    data: R,
    header: &'d Elf,
    endian: Elf::Endian,
    sections: SectionTable<'d, Elf, R>,
}

/// A symbol to be listed.
struct Listed<'d> {
    address: u64,
    size: u64,
    letter: u8,
    name: &'d [u8],
}

impl<'d, Elf: FileHeader<Endian = Endianness>, R: ReadRef<'d>> Image<'d, Elf, R> {
    fn open(data: R) -> Result<Self, Stop> {
        let header = Elf::parse(data)?;
        let endian = header.endian()?;
        Ok(Self {
            data,
            header,
            endian,
            sections: header.sections(endian, data)?,
        })
    }

    fn build_id(&self) -> Result<Option<BuildId>, Stop> {
        // Segments as well: an image can do without sections. Their offsets are wrong where only symbols were kept.
        for section in self.sections.iter() {
            if let Some(notes) = section.notes(self.endian, self.data)? {
                if let Some(id) = BuildId::among(self.endian, notes) {
                    return Ok(Some(id));
                }
            }
        }
        let segments = self.header.program_headers(self.endian, self.data)?;
        let mut notes = segments
            .iter()
            .filter_map(|segment| segment.notes(self.endian, self.data).ok()?);
        Ok(notes.find_map(|notes| BuildId::among(self.endian, notes)))
    }

    fn symbols(&self) -> Result<SymbolTable, Stop> {
        if !matches!(self.header.e_type(self.endian), elf::ET_EXEC | elf::ET_DYN) {
            return Err(Error::NotLinked.into());
        }
        let mut listed = self.listed()?;
        make_per_cpu_absolute(&mut listed);
        listed.sort_by(|one, other| order(one).cmp(&order(other)));

        let mut builder = Builder::new();
        for symbol in &listed {
            builder.push(&Symbol {
                address: symbol.address,
                size: Some(symbol.size),
                kind: symbol.letter,
                name: symbol.name,
                modules: Modules::default(),
                object: None,
            });
        }
        let facts = Facts {
            sizes: true,
            built_in_modules: false,
            width: if self.header.is_class_64() {
                Width::Bits64
            } else {
                Width::Bits32
            },
        };
        let table = builder.finish(facts).map_err(|kind| match kind {
            ErrorKind::TooLarge => Error::TooLarge,
            // All at 0 is as good as none.
            _ => Error::NoSymbols,
        })?;
        Ok(table)
    }

    /// The symbols that the kernel lists, in the order of the file.
    fn listed(&self) -> Result<Vec<Listed<'d>>, Stop> {
        let (endian, sections) = (self.endian, &self.sections);
        let symbols = sections.symbols(endian, self.data, elf::SHT_SYMTAB)?;
        // Read at once: one by one takes a read of the file each.
        let strings = sections.section(symbols.string_section());
        let strings = strings.map_or(Ok(&[][..]), |strings| strings.data(endian, self.data))?;
        let strings = StringTable::new(strings, 0, strings.len() as u64);
        let letters = Letters::new(self.header.e_machine(endian), endian, sections)?;

        let mut listed = Vec::with_capacity(symbols.len());
        for (index, symbol) in symbols.enumerate() {
            let section = symbols.symbol_section(endian, symbol, index)?;
            let Some(letter) = letters.letter(symbol, section.map(|section| section.0)) else {
                continue;
            };
            let damaged = Error::Name(index.0);
            let name = strings.get(symbol.st_name(endian)).map_err(|()| damaged)?;
            if name.is_empty() || name.len() > NAME_MAX || is_left_out(letter, name) {
                continue;
            }
            if name.iter().any(|&byte| byte <= b' ') {
                return Err(damaged.into());
            }
            listed.push(Listed {
                address: letters.address(symbol),
                size: symbol.st_size(endian).into(),
                letter,
                name,
            });
        }
        Ok(listed)
    }
}

/// Finds the letters of `nm`, as binutils derives them from the flags of sections and not from their names.
struct Letters {
    machine: elf::Machine,
    endian: Endianness,
    /// The letter of local symbols of each section.
    sections: Vec<Option<u8>>,
}

impl Letters {
    fn new<'d, Elf: FileHeader<Endian = Endianness>, R: ReadRef<'d>>(
        machine: elf::Machine,
        endian: Endianness,
        sections: &SectionTable<'d, Elf, R>,
    ) -> Result<Self, Stop> {
        let is_empty = |section: &Elf::SectionHeader| section.sh_type(endian) == elf::SHT_NOBITS;
        let flags = |section: &Elf::SectionHeader| -> u64 { section.sh_flags(endian).0 };
        let has =
            |section: &Elf::SectionHeader, flag: elf::SectionFlags| flags(section) & flag.0 != 0;
        // Where the code is somewhere else, other sections are empty for the same reason.
        let debug_only = sections
            .iter()
            .any(|section| is_empty(section) && has(section, elf::SHF_EXECINSTR));
        let mut letters = Vec::with_capacity(sections.len());
        for section in sections.iter() {
            let is_bss = || -> Result<bool, Stop> {
                let name = sections.section_name(endian, section)?;
                Ok([&b".bss"[..], b".sbss", b".brk"]
                    .iter()
                    .any(|bss| name.starts_with(bss)))
            };
            // The same bit on both.
            let small = matches!(machine, elf::EM_MIPS | elf::EM_ALPHA)
                && has(section, elf::SHF_MIPS_GPREL);
            let (allocated, writable) =
                (has(section, elf::SHF_ALLOC), has(section, elf::SHF_WRITE));
            letters.push(if has(section, elf::SHF_EXECINSTR) {
                Some(b't')
            } else if is_empty(section) && (!debug_only || is_bss()?) {
                Some(if small { b's' } else { b'b' })
            } else {
                match (allocated, writable) {
                    (true, false) => Some(b'r'),
                    (true, true) => Some(if small { b'g' } else { b'd' }),
                    // As `.data_nosave` is in a kernel that cannot hibernate.
                    (false, true) => Some(b'?'),
                    // Debugging information, notes of compilers.
                    (false, false) => None,
                }
            });
        }
        Ok(Self {
            machine,
            endian,
            sections: letters,
        })
    }

    /// The letter of a symbol, unless `nm` or the kernel's build leaves symbols of its kind out.
    fn letter<S: Sym<Endian = Endianness>>(
        &self,
        symbol: &S,
        section: Option<usize>,
    ) -> Option<u8> {
        let (kind, bind) = (symbol.st_type(), symbol.st_bind());
        if matches!(kind, elf::STT_SECTION | elf::STT_FILE) || symbol.is_undefined(self.endian) {
            return None;
        }
        if symbol.is_common(self.endian) {
            return Some(b'C');
        }
        if kind == elf::STT_GNU_IFUNC {
            return Some(b'i');
        }
        let letter = match section {
            Some(section) => self.sections.get(section).copied().flatten(),
            None if symbol.is_absolute(self.endian) => Some(b'a'),
            None => None,
        };
        match bind {
            elf::STB_WEAK if kind == elf::STT_OBJECT => Some(b'V'),
            elf::STB_WEAK => Some(b'W'),
            elf::STB_LOCAL => letter.filter(|&letter| letter != b'a'),
            elf::STB_GLOBAL => letter.map(|letter| letter.to_ascii_uppercase()),
            // Unique and others.
            _ => None,
        }
    }

    /// Where a symbol is. The lowest bit of a function's address says which instruction set it is in on ARM (Thumb) and
    /// MIPS (compressed), and `nm` shows the address without.
    fn address<S: Sym<Endian = Endianness>>(&self, symbol: &S) -> u64 {
        let address: u64 = symbol.st_value(self.endian).into();
        let tagged = matches!(self.machine, elf::EM_ARM | elf::EM_MIPS);
        if tagged && symbol.st_type() == elf::STT_FUNC {
            address & !1
        } else {
            address
        }
    }
}

/// Whether `scripts/mksysmap` drops a symbol for its name, or `scripts/kallsyms.c` drops it because it is absolute.
fn is_left_out(letter: u8, name: &[u8]) -> bool {
    const KEPT_ABSOLUTE: [&[u8]; 4] = [
        b"__kernel_syscall_via_break",
        b"__kernel_syscall_via_epc",
        b"__kernel_sigtramp",
        b"__gp",
    ];
    const PREFIXES: [&[u8]; 13] = [
        b"$",
        b".L",
        b"__efistub_",
        b"__pi_$",
        b"__pi_.L",
        b"__kvm_nvhe_$",
        b"__kvm_nvhe_.L",
        b"__kcfi_typeid_",
        b"__kvm_nvhe___kcfi_typeid_",
        b"__pi___kcfi_typeid_",
        b"__crc_",
        b"__kstrtab_",
        b"__kstrtabns_",
    ];
    const SUFFIXES: [&[u8]; 3] = [b"_from_arm", b"_from_thumb", b"_veneer"];
    const NAMES: [&[u8]; 3] = [b"L0", b"_SDA_BASE_", b"_SDA2_BASE_"];
    const PARTS: [&[u8]; 2] = [b".long_branch.", b".plt_branch."];

    (letter == b'A' && !KEPT_ABSOLUTE.contains(&name))
        || PREFIXES.iter().any(|prefix| name.starts_with(prefix))
        || SUFFIXES.iter().any(|suffix| name.ends_with(suffix))
        || NAMES.contains(&name)
        || PARTS
            .iter()
            .any(|part| memchr::memmem::find(name, part).is_some())
        || is_thunk(name)
}

/// `__[[:alnum:]]*Thunk_`: what lld puts in the way of a long jump.
fn is_thunk(name: &[u8]) -> bool {
    let Some(rest) = name.strip_prefix(b"__") else {
        return false;
    };
    let word = rest
        .iter()
        .take_while(|byte| byte.is_ascii_alphanumeric())
        .count();
    rest[..word].ends_with(b"Thunk") && rest.get(word) == Some(&b'_')
}

/// Where per-CPU data counts from 0 (x86-64 before Linux 6.15), kallsyms lists it as absolute.
fn make_per_cpu_absolute(listed: &mut [Listed<'_>]) {
    let address = |name: &[u8]| {
        let symbol = listed.iter().find(|symbol| symbol.name == name);
        symbol.map(|symbol| symbol.address)
    };
    if address(b"__per_cpu_start") != Some(0) {
        return;
    }
    let Some(end) = address(b"__per_cpu_end") else {
        return;
    };
    for symbol in listed.iter_mut().filter(|symbol| symbol.address <= end) {
        symbol.letter = b'A';
    }
}

/// The order of the kernel's list, in which the first symbol of an extent is the one that it prefers: no weak ones, no
/// markers of the linker script, few underscores, then by name.
fn order<'d>(symbol: &Listed<'d>) -> (u64, Reverse<u64>, bool, bool, usize, &'d [u8]) {
    let name = symbol.name;
    let is_marker = name.len() >= 8
        && name.starts_with(b"__")
        && ([&b"start_"[..], b"stop_", b"end_"]
            .iter()
            .any(|start| name[2..].starts_with(start))
            || name.ends_with(b"_start")
            || name.ends_with(b"_end"));
    (
        symbol.address,
        Reverse(symbol.size.wrapping_sub(1)),
        symbol.letter.eq_ignore_ascii_case(&b'w'),
        is_marker,
        name.iter().take_while(|&&byte| byte == b'_').count(),
        name,
    )
}
