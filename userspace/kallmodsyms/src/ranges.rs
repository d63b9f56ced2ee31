// SPDX-License-Identifier: Apache-2.0 OR MIT

//! `modules.builtin.ranges`: which parts of the kernel image belong to which built-in modules.
//!
//! Linux 6.12 and later installs the file beside `modules.builtin` when `CONFIG_BUILTIN_MODULE_RANGES` is set. With it,
//! `/proc/kallsyms` of any such kernel tells the modules of built-in code.
//!
//! ```text
//! .text 00000000-00000000 = _text
//! .text 0000baf0-0000cb10 amd_uncore
//! .text 008148b0-00815a67 fsl_dpaa2_eth fsl_dpaa2_switch
//! ```
//!
//! Offsets count from the start of a section. The line with `=` is the section's *anchor*: a symbol at a known offset,
//! by whose address the section is found in a kernel that KASLR has moved. [`Ranges::parse`] reads the file,
//! [`Ranges::place`] finds the sections in a kernel, [`SymbolTable::add_built_in_modules`] gives symbols their modules.
//!
//! What the file does not say (`scripts/generate_builtin_ranges.awk` of 6.12, unchanged in 7.3): per-CPU data and
//! sections whose name has no leading dot, such as `__param`, are left out; a section without a symbol has no anchor; a
//! range that ends where the linker changes from one input section to the next may end before it starts, and then
//! covers nothing. In the kernel of this project's tests, with 31,083 symbols of built-in modules, 215 symbols are
//! without the right module for these reasons, or because a symbol of size zero stands on the border of two objects.

use alloc::borrow::ToOwned;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use core::fmt;

use crate::error::Byte;
use crate::read::Lines;
use crate::{Modules, Position, SymbolTable};

/// A line that the kernel's build does not write, and where in the file it stands.
///
/// ```
/// use kallmodsyms::ranges::{ErrorKind, Ranges};
///
/// let error = Ranges::parse(b".text 00000000-00000000 = _text\n.text baf0-cb10 amd_uncore\n").unwrap_err();
/// assert_eq!(error.kind, ErrorKind::OffsetLength(4));
/// assert_eq!(error.to_string(), "line 2, column 7: expected an offset of 8 to 16 digits, found 4");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {}, column {}: {kind}", position.line, position.column)]
#[non_exhaustive]
pub struct Error {
    /// What is wrong.
    pub kind: ErrorKind,
    /// Where it is.
    pub position: Position,
}

/// Everything that can be wrong with one line.
///
/// ```
/// use kallmodsyms::ranges::ErrorKind;
///
/// assert_eq!(ErrorKind::OffsetDigit(b'G').to_string(), "expected a lower-case hex digit in the offset, found `G`");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The file has no range.
    #[error("expected ranges, found none")]
    NoRanges,
    /// Nothing stands on the line.
    #[error("expected a section, found an empty line")]
    EmptyLine,
    /// The line ends in CR LF.
    #[error("expected the line to end in LF alone, found CR LF")]
    CarriageReturn,
    /// A tab, a NUL or the like.
    #[error("expected text, found {}", Byte(*.0))]
    ControlByte(u8),
    /// A blank at either end of the line, or two in a row.
    #[error("expected a field, found a blank")]
    StrayBlank,
    /// Too few fields.
    #[error("expected a section, its offsets and modules, found {0} fields")]
    MissingFields(usize),
    /// No `-` in the second field.
    #[error("expected two offsets with `-` between, found one")]
    MissingDash,
    /// An offset with too few or too many digits.
    #[error("expected an offset of 8 to 16 digits, found {0}")]
    OffsetLength(usize),
    /// Something else than a lower-case hex digit in an offset.
    #[error("expected a lower-case hex digit in the offset, found {}", Byte(*.0))]
    OffsetDigit(u8),
    /// More than 8 digits of which the first is 0.
    #[error("expected an offset padded to 8 digits, found more zeros")]
    OffsetLeadingZero,
    /// An anchor with two offsets.
    #[error("expected the anchor's offset twice, found two offsets")]
    AnchorOffsets,
    /// An anchor without a symbol.
    #[error("expected a symbol after `=`, found the end of the line")]
    MissingSymbol,
    /// Something after the anchor's symbol.
    #[error("expected the end of the line after the anchor's symbol, found a field")]
    AfterSymbol,
    /// A section with an anchor already.
    #[error("expected one anchor for the section, found another")]
    SecondAnchor,
    /// A byte that no module's name has.
    #[error("expected the name of a module as lsmod prints it, found {}", Byte(*.0))]
    ModuleByte(u8),
    /// The file ends within a line.
    #[error("expected a line feed, found the end of the file")]
    MissingNewline,
}

/// A file of ranges, read.
///
/// ```
/// use kallmodsyms::{SymbolTable, ranges::Ranges};
///
/// let ranges = Ranges::parse(b".text 00000000-00000000 = _text\n.text 00000040-00000050 amd_uncore\n")?;
/// let kallsyms = b"ffffffff8b000000 T _text\nffffffff8b000040 t uncore_init\nffffffff8b000050 t other\n";
/// let mut table = SymbolTable::from_bytes(kallsyms)?;
/// let placed = ranges.place(&table, None)?;
/// table.add_built_in_modules(&placed);
/// assert!(table.named(b"uncore_init").next().unwrap().modules().contains(b"amd_uncore"));
/// assert!(table.named(b"other").next().unwrap().modules().is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Ranges {
    /// In the order of the file.
    sections: Vec<Section>,
    stretches: Vec<Stretch>,
    /// `[a] [b]`: each list of modules once.
    lists: Vec<Vec<u8>>,
}

#[derive(Clone)]
struct Section {
    name: Vec<u8>,
    anchor: Option<(u64, Vec<u8>)>,
}

/// A part of a section, or once placed, of the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Stretch {
    start: u64,
    end: u64,
    section: usize,
    list: usize,
}

impl Ranges {
    /// Reads a file. The first line that the kernel's build would not write refuses it.
    ///
    /// Linear, but for one search in a map per line.
    ///
    /// # Errors
    ///
    /// The first malformed line, or [`ErrorKind::NoRanges`] of the file as a whole.
    ///
    /// ```
    /// use kallmodsyms::ranges::{ErrorKind, Ranges};
    ///
    /// assert_eq!(Ranges::parse(b"").unwrap_err().kind, ErrorKind::NoRanges);
    /// ```
    pub fn parse(source: &[u8]) -> Result<Self, Error> {
        let mut parser = Parser::default();
        for line in Lines::new(source) {
            let fault = |(kind, at)| Error {
                kind,
                position: line.position(at),
            };
            parser.line(line.bytes).map_err(fault)?;
            if !line.terminated {
                return Err(fault((ErrorKind::MissingNewline, line.bytes.len())));
            }
        }
        parser.finish().ok_or(Error {
            kind: ErrorKind::NoRanges,
            position: Position {
                line: 1,
                column: 1,
                offset: 0,
            },
        })
    }

    /// How many ranges there are: at least one. Anchors are none.
    ///
    /// ```
    /// # use kallmodsyms::ranges::Ranges;
    /// assert_eq!(Ranges::parse(b".text 00000000-00000000 = _text\n.text 00000040-00000050 a\n")?.len(), 1);
    /// # Ok::<(), kallmodsyms::ranges::Error>(())
    /// ```
    #[must_use]
    #[allow(clippy::len_without_is_empty)]
    pub fn len(&self) -> usize {
        self.stretches.len()
    }

    /// The ranges, in the order of the file.
    ///
    /// ```
    /// # use kallmodsyms::ranges::Ranges;
    /// let ranges = Ranges::parse(b".text 00000040-00000050 b a\n")?;
    /// let range = ranges.iter().next().unwrap();
    /// assert_eq!((range.section, range.start, range.end), (b".text".as_slice(), 0x40, 0x50));
    /// assert_eq!(range.modules.as_bytes(), b"[a] [b]");
    /// # Ok::<(), kallmodsyms::ranges::Error>(())
    /// ```
    #[must_use]
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Range<'_>> {
        self.stretches.iter().map(|range| Range {
            section: &self.sections[range.section].name,
            start: range.start,
            end: range.end,
            modules: Modules::from_grammar(&self.lists[range.list]),
        })
    }

    /// The anchors of the sections that have one, in the order of the file.
    ///
    /// ```
    /// # use kallmodsyms::ranges::Ranges;
    /// let ranges = Ranges::parse(b".text 00000000-00000000 = _text\n.text 00000040-00000050 a\n")?;
    /// let anchor = ranges.anchors().next().unwrap();
    /// assert_eq!((anchor.section, anchor.offset, anchor.symbol), (b".text".as_slice(), 0, b"_text".as_slice()));
    /// # Ok::<(), kallmodsyms::ranges::Error>(())
    /// ```
    pub fn anchors(&self) -> impl Iterator<Item = Anchor<'_>> {
        self.sections.iter().filter_map(|section| {
            let (offset, symbol) = section.anchor.as_ref()?;
            Some(Anchor {
                section: &section.name,
                offset: *offset,
                symbol,
            })
        })
    }

    /// Finds the sections in a kernel by their anchors.
    ///
    /// `map` is where to look for an anchor that the kernel does not list (without `CONFIG_KALLSYMS_ALL` it lists
    /// little but code): the System.map of the same kernel, [moved](crate::Slide::move_table) to where the kernel runs.
    ///
    /// A file of another kernel is found out where that shows: sections overlap, or ranges of code do not start at
    /// symbols. Kernel packages are replaced under the same release, so this is not rare.
    ///
    /// # Errors
    ///
    /// If no anchor is found, or the file is of another kernel.
    ///
    /// ```
    /// use kallmodsyms::{SymbolTable, ranges::{PlaceError, Ranges}};
    ///
    /// let ranges = Ranges::parse(b".text 00000000-00000000 = _text\n.text 00000040-00000050 amd_uncore\n")?;
    /// let table = SymbolTable::from_bytes(b"ffffffff8b000000 T _stext\n")?;
    /// assert_eq!(ranges.place(&table, None).unwrap_err(), PlaceError::NoAnchor { anchors: 1 });
    ///
    /// let map = SymbolTable::from_bytes(b"ffffffff8b000000 T _stext\nffffffff8b000000 T _text\n")?;
    /// let placed = ranges.place(&table, Some(&map))?;
    /// assert!(placed.modules_at(0xffff_ffff_8b00_0040).contains(b"amd_uncore"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn place(
        &self,
        kernel: &SymbolTable,
        map: Option<&SymbolTable>,
    ) -> Result<Placed<'_>, PlaceError> {
        let mut unplaced = Vec::new();
        let bases: Vec<Option<u64>> = (0..self.sections.len())
            .map(|section| {
                let found = self.base(section, kernel, kernel);
                found.or_else(|| self.base(section, kernel, map?))
            })
            .collect();
        for (section, base) in self.sections.iter().zip(&bases) {
            if base.is_none() {
                unplaced.push(Unplaced {
                    section: &section.name,
                    anchor: section.anchor.as_ref().map(|(_, symbol)| symbol.as_slice()),
                });
            }
        }
        let anchors = self.anchors().count();
        if bases.iter().all(Option::is_none) {
            return Err(PlaceError::NoAnchor { anchors });
        }
        let mut spans: Vec<Stretch> = self
            .stretches
            .iter()
            .filter_map(|range| {
                let base = bases[range.section]?;
                let (start, end) = (base.checked_add(range.start)?, base.checked_add(range.end)?);
                (start < end).then_some(Stretch {
                    start,
                    end,
                    ..*range
                })
            })
            .collect();
        spans.sort_unstable();
        self.check_overlaps(&spans)?;
        self.check_starts(&spans, kernel)?;
        // As the generator does where one object's size is stated too large.
        for place in 1..spans.len() {
            let next = spans[place].start;
            let this = &mut spans[place - 1];
            this.end = this.end.min(next);
        }
        Ok(Placed {
            ranges: self,
            spans,
            unplaced,
        })
    }

    /// Where a section starts in the kernel, by its anchor's address in `anchors`.
    ///
    /// The anchor is the section's first symbol where the linker script defines none, and so may be a local one whose
    /// name others have too: then it is the one with which most ranges start at symbols.
    fn base(&self, section: usize, kernel: &SymbolTable, anchors: &SymbolTable) -> Option<u64> {
        let (offset, symbol) = self.sections[section].anchor.as_ref()?;
        let starts = |base: u64| {
            let ranges = self
                .stretches
                .iter()
                .filter(|range| range.section == section);
            let starts = ranges.filter_map(|range| base.checked_add(range.start));
            starts.filter(|&start| kernel.at(start).len() > 0).count()
        };
        let mut bases: Vec<u64> = anchors
            .named(symbol)
            .filter(|symbol| symbol.group().is_image())
            .filter_map(|symbol| symbol.address().checked_sub(*offset))
            .collect();
        bases.dedup();
        match bases[..] {
            [base] => Some(base),
            _ => bases.into_iter().max_by_key(|&base| starts(base)),
        }
    }

    /// Sections of one kernel do not overlap.
    fn check_overlaps(&self, spans: &[Stretch]) -> Result<(), PlaceError> {
        // The sections in the order in which they start, and where the last one of them ends.
        let mut seen = BTreeSet::new();
        let mut last: Option<(usize, u64)> = None;
        for span in spans {
            match last {
                Some((section, end)) if section == span.section => {
                    last = Some((section, end.max(span.end)));
                    continue;
                }
                // A section that goes on after another has begun, or begins before another has ended.
                Some((section, end)) if end > span.start || seen.contains(&span.section) => {
                    let name = |section: usize| self.sections[section].name.clone();
                    return Err(PlaceError::Overlap {
                        section: name(section),
                        other: name(span.section),
                    });
                }
                _ => {}
            }
            seen.insert(span.section);
            last = Some((span.section, span.end));
        }
        Ok(())
    }

    /// Code of an object starts with a symbol, so ranges of code do, or up to 16 bytes before one where the compiler
    /// leaves padding for the kernel to patch. All 498 of them do in the kernel of this project's tests; moved by 32
    /// bytes to 64 KiB, 80 to 267 do.
    fn check_starts(&self, spans: &[Stretch], kernel: &SymbolTable) -> Result<(), PlaceError> {
        let is_code = |span: &&Stretch| {
            matches!(
                &self.sections[span.section].name[..],
                b".text" | b".init.text"
            )
        };
        let (mut ranges, mut at_symbols) = (0, 0);
        for span in spans.iter().filter(is_code) {
            let first = span.start..=span.start.saturating_add(PADDING);
            ranges += 1;
            at_symbols += usize::from(kernel.range(first).len() > 0);
        }
        // Three quarters, of enough to tell.
        if ranges >= 16 && at_symbols * 4 < ranges * 3 {
            return Err(PlaceError::OtherKernel { ranges, at_symbols });
        }
        Ok(())
    }
}

/// What a compiler may put before a function for the kernel to patch: `CONFIG_FUNCTION_PADDING_BYTES` on x86-64.
const PADDING: u64 = 16;

impl fmt::Debug for Ranges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ranges")
            .field("sections", &self.sections.len())
            .field("ranges", &self.stretches.len())
            .finish_non_exhaustive()
    }
}

/// Gathers lines.
#[derive(Default)]
struct Parser {
    sections: Vec<Section>,
    section_places: BTreeMap<Vec<u8>, usize>,
    ranges: Vec<Stretch>,
    lists: Vec<Vec<u8>>,
    list_places: BTreeMap<Vec<u8>, usize>,
}

/// What is wrong with a line, and which of its bytes.
type Fault = (ErrorKind, usize);

impl Parser {
    fn line(&mut self, line: &[u8]) -> Result<(), Fault> {
        if line.is_empty() {
            return Err((ErrorKind::EmptyLine, 0));
        }
        if let Some(at) = line.iter().position(u8::is_ascii_control) {
            let kind = match line[at] {
                b'\r' if at + 1 == line.len() => ErrorKind::CarriageReturn,
                byte => ErrorKind::ControlByte(byte),
            };
            return Err((kind, at));
        }
        let mut at = 0;
        let mut fields = Vec::new();
        for field in line.split(|&byte| byte == b' ') {
            if field.is_empty() {
                // A blank at the end of the line is the byte before this empty field.
                return Err((ErrorKind::StrayBlank, at.min(line.len() - 1)));
            }
            fields.push((at, field));
            at += field.len() + 1;
        }
        let [(_, section), offsets, what @ ..] = &fields[..] else {
            return Err((ErrorKind::MissingFields(fields.len()), line.len()));
        };
        let (start, end) = range(*offsets)?;
        let section = self.section(section);
        match what {
            [] => Err((ErrorKind::MissingFields(2), line.len())),
            [(_, b"=")] => Err((ErrorKind::MissingSymbol, line.len())),
            [(_, b"="), _, (at, _), ..] => Err((ErrorKind::AfterSymbol, *at)),
            [(_, b"="), _] if start != end => Err((ErrorKind::AnchorOffsets, offsets.0)),
            [(at, b"="), (_, symbol)] => {
                let anchor = &mut self.sections[section].anchor;
                if anchor.is_some() {
                    return Err((ErrorKind::SecondAnchor, *at));
                }
                *anchor = Some((start, (*symbol).to_owned()));
                Ok(())
            }
            modules => {
                let list = self.list(modules)?;
                self.ranges.push(Stretch {
                    start,
                    end,
                    section,
                    list,
                });
                Ok(())
            }
        }
    }

    fn section(&mut self, name: &[u8]) -> usize {
        if let Some(&place) = self.section_places.get(name) {
            return place;
        }
        let place = self.sections.len();
        self.section_places.insert(name.to_owned(), place);
        self.sections.push(Section {
            name: name.to_owned(),
            anchor: None,
        });
        place
    }

    /// Modules in the order in which the kernel prints them: sorted, each once.
    fn list(&mut self, modules: &[(usize, &[u8])]) -> Result<usize, Fault> {
        for (start, module) in modules {
            let is_wrong = |byte: &u8| !byte.is_ascii_graphic() || b"[]{}-/=".contains(byte);
            if let Some(at) = module.iter().position(is_wrong) {
                return Err((ErrorKind::ModuleByte(module[at]), start + at));
            }
        }
        let names: BTreeSet<&[u8]> = modules.iter().map(|(_, module)| *module).collect();
        let brackets: Vec<Vec<u8>> = names
            .iter()
            .map(|name| [b"[", *name, b"]"].concat())
            .collect();
        let text = brackets.join(&b' ');
        if let Some(&place) = self.list_places.get(&text) {
            return Ok(place);
        }
        let place = self.lists.len();
        self.list_places.insert(text.clone(), place);
        self.lists.push(text);
        Ok(place)
    }

    fn finish(self) -> Option<Ranges> {
        (!self.ranges.is_empty()).then_some(Ranges {
            sections: self.sections,
            stretches: self.ranges,
            lists: self.lists,
        })
    }
}

/// `0000baf0-0000cb10`. The end may lie before the start: see the module's documentation.
fn range((at, field): (usize, &[u8])) -> Result<(u64, u64), Fault> {
    let Some(dash) = memchr::memchr(b'-', field) else {
        return Err((ErrorKind::MissingDash, at + field.len()));
    };
    let start = offset((at, &field[..dash]))?;
    let end = offset((at + dash + 1, &field[dash + 1..]))?;
    Ok((start, end))
}

fn offset((at, field): (usize, &[u8])) -> Result<u64, Fault> {
    if !(8..=16).contains(&field.len()) {
        return Err((ErrorKind::OffsetLength(field.len()), at));
    }
    if field.len() > 8 && field[0] == b'0' {
        return Err((ErrorKind::OffsetLeadingZero, at));
    }
    let mut value = 0;
    for (place, &digit) in field.iter().enumerate() {
        let nibble = match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'f' => digit - b'a' + 10,
            _ => return Err((ErrorKind::OffsetDigit(digit), at + place)),
        };
        value = value << 4 | u64::from(nibble);
    }
    Ok(value)
}

/// A line of modules, from [`Ranges::iter`].
///
/// ```
/// # use kallmodsyms::ranges::Ranges;
/// let ranges = Ranges::parse(b".bss 00106c2c-00103d38 8250\n")?;
/// // As the generator writes it now and then: this covers nothing.
/// assert!(ranges.iter().all(|range| range.start > range.end));
/// # Ok::<(), kallmodsyms::ranges::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Range<'r> {
    /// The section of the kernel image.
    pub section: &'r [u8],
    /// The first byte, from the start of the section.
    pub start: u64,
    /// The first byte after it.
    pub end: u64,
    /// The modules, sorted by name.
    pub modules: Modules<'r>,
}

/// A symbol by which a section is found, from [`Ranges::anchors`].
///
/// ```
/// # use kallmodsyms::ranges::Ranges;
/// let ranges = Ranges::parse(b".bss 00000000-00000000 = __bss_start\n.bss 00000040-00000050 a\n")?;
/// assert_eq!(ranges.anchors().next().unwrap().symbol, b"__bss_start");
/// # Ok::<(), kallmodsyms::ranges::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Anchor<'r> {
    /// The section.
    pub section: &'r [u8],
    /// Where the symbol is, from the start of the section.
    pub offset: u64,
    /// The symbol's name.
    pub symbol: &'r [u8],
}

/// Why ranges could not be found in a kernel, from [`Ranges::place`].
///
/// ```
/// use kallmodsyms::ranges::PlaceError;
///
/// let error = PlaceError::OtherKernel { ranges: 400, at_symbols: 50 };
/// assert_eq!(error.to_string(), "the ranges are of another kernel: 50 of 400 ranges of code start at a symbol");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PlaceError {
    /// The kernel lists none of the anchors.
    #[error("the kernel lists none of the {anchors} symbols from which the ranges count")]
    NoAnchor {
        /// How many anchors the file has.
        anchors: usize,
    },
    /// Two sections would overlap.
    #[error(
        "the ranges are of another kernel: section {} would overlap {}",
        section.escape_ascii(), other.escape_ascii()
    )]
    Overlap {
        /// The section that starts first.
        section: Vec<u8>,
        /// The one in its way.
        other: Vec<u8>,
    },
    /// Too few ranges of code start where a symbol is.
    #[error(
        "the ranges are of another kernel: {at_symbols} of {ranges} ranges of code start at a symbol"
    )]
    OtherKernel {
        /// How many ranges of code there are.
        ranges: usize,
        /// How many of them start at a symbol.
        at_symbols: usize,
    },
}

/// Ranges at their addresses in a kernel, from [`Ranges::place`].
///
/// ```
/// # use kallmodsyms::{SymbolTable, ranges::Ranges};
/// let file = b".text 00000000-00000000 = _text\n.text 00000040-00000050 a\n.x 00000000-00000008 b\n";
/// let ranges = Ranges::parse(file)?;
/// let table = SymbolTable::from_bytes(b"ffffffff8b000000 T _text\n")?;
/// let placed = ranges.place(&table, None)?;
/// assert!(placed.modules_at(0xffff_ffff_8b00_004f).contains(b"a"));
/// assert!(placed.modules_at(0xffff_ffff_8b00_0050).is_empty());
/// assert_eq!(placed.unplaced()[0].section, b".x");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Placed<'r> {
    ranges: &'r Ranges,
    /// By address, without overlaps.
    spans: Vec<Stretch>,
    unplaced: Vec<Unplaced<'r>>,
}

impl<'r> Placed<'r> {
    /// The modules of what lies at an address; none for core code and for what the file does not cover.
    ///
    /// Logarithmic.
    ///
    /// ```
    /// # use kallmodsyms::{SymbolTable, ranges::Ranges};
    /// # let ranges = Ranges::parse(b".text 00000000-00000000 = _text\n.text 00000040-00000050 a\n")?;
    /// # let table = SymbolTable::from_bytes(b"ffffffff8b000000 T _text\n")?;
    /// assert!(ranges.place(&table, None)?.modules_at(0).is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn modules_at(&self, address: u64) -> Modules<'r> {
        let after = self.spans.partition_point(|span| span.start <= address);
        let span = after.checked_sub(1).map(|place| self.spans[place]);
        let Some(span) = span.filter(|span| address < span.end) else {
            return Modules::default();
        };
        Modules::from_grammar(&self.ranges.lists[span.list])
    }

    /// The sections that were not found.
    ///
    /// ```
    /// # use kallmodsyms::{SymbolTable, ranges::Ranges};
    /// # let ranges = Ranges::parse(b".text 00000000-00000000 = _text\n.text 00000040-00000050 a\n")?;
    /// # let table = SymbolTable::from_bytes(b"ffffffff8b000000 T _text\n")?;
    /// assert!(ranges.place(&table, None)?.unplaced().is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn unplaced(&self) -> &[Unplaced<'r>] {
        &self.unplaced
    }
}

/// A section whose place in the kernel is not known, from [`Placed::unplaced`].
///
/// ```
/// # use kallmodsyms::{SymbolTable, ranges::Ranges};
/// # let file = b".text 00000000-00000000 = _text\n.text 00000040-00000050 a\n.x 00000000-00000008 b\n";
/// # let ranges = Ranges::parse(file)?;
/// # let table = SymbolTable::from_bytes(b"ffffffff8b000000 T _text\n")?;
/// assert_eq!(ranges.place(&table, None)?.unplaced()[0].to_string(), "section .x has no anchor");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unplaced<'r> {
    /// The section's name.
    pub section: &'r [u8],
    /// The symbol that is not in the kernel's list; none where the file names none, since the section has no symbols.
    pub anchor: Option<&'r [u8]>,
}

impl fmt::Display for Unplaced<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "section {} has ", self.section.escape_ascii())?;
        match self.anchor {
            Some(symbol) => write!(
                f,
                "the anchor {}, which the kernel does not list",
                symbol.escape_ascii()
            ),
            None => f.write_str("no anchor"),
        }
    }
}
