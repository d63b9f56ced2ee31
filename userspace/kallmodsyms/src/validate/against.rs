// SPDX-License-Identifier: Apache-2.0 OR MIT

//! The file beside what the kernel's build left: the linker's table of symbols, and the ranges of built-in modules.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::cmp::Reverse;

use super::{Report, Rule, START};
use crate::diff::{Change, Diff, Pair};
use crate::ranges::Placed;
use crate::read::{Line, Lines};
use crate::table::{Builder, Entry, Facts};
use crate::{Dialect, Error, Format, Position, Section, Slide, SlideError, SymbolTable};

/// The well-formed lines of the file as a table, each symbol with its line.
struct Listing<'a> {
    source: &'a [u8],
    table: SymbolTable,
    /// Where each line starts, and its number, by rank.
    places: Vec<(usize, usize)>,
    end: Position,
    format: Format,
}

impl<'a> Listing<'a> {
    fn new(source: &'a [u8], format: Format) -> Result<Self, Error> {
        let mut builder = Builder::new();
        let mut places = Vec::new();
        let mut end = START;
        for line in Lines::new(source) {
            end = Position {
                line: line.number + 1,
                column: 1,
                offset: source.len(),
            };
            if let Ok(symbol) = line.symbol(format) {
                builder.push(&symbol);
                let place = (line.offset, line.number);
                places.push((symbol.address, symbol.size.unwrap_or(0), place));
            }
        }
        let table = builder.finish(Facts::of(format)).map_err(Error::of_file)?;
        // The order of the table.
        places.sort_by_key(|&(address, size, _)| (address, Reverse(size.wrapping_sub(1))));
        Ok(Self {
            source,
            table,
            places: places.into_iter().map(|(_, _, place)| place).collect(),
            end,
            format,
        })
    }

    /// The line of this rank.
    fn line(&self, rank: usize) -> Option<Line<'a>> {
        let &(offset, number) = self.places.get(rank)?;
        Line::first(&self.source[offset..], number, offset)
    }

    /// The place of a field on the line of a symbol.
    fn position(&self, entry: Entry<'_>, field: Field) -> Position {
        let Some(line) = self.line(entry.index()) else {
            return self.end;
        };
        let skipped = match field {
            Field::Address => 0,
            Field::Size => 1,
            Field::Type => self.format.dialect.fields() - 2,
            Field::Name => self.format.dialect.fields() - 1,
        };
        let blanks = memchr::memchr_iter(b' ', line.bytes);
        let before = skipped
            .checked_sub(1)
            .and_then(|last| blanks.clone().nth(last));
        line.position(before.map_or(0, |blank| blank + 1))
    }

    /// The place of the modules, or where they would be.
    fn modules_position(&self, entry: Entry<'_>) -> Position {
        let Some(line) = self.line(entry.index()) else {
            return self.end;
        };
        let tab = memchr::memchr(b'\t', line.bytes);
        line.position(tab.map_or(line.bytes.len(), |tab| tab + 1))
    }

    /// Before which line a symbol of this address belongs.
    fn place_of(&self, address: u64) -> Position {
        let rank = self.table.range(..address).len();
        let line = self.line(rank);
        line.map_or(self.end, |line| line.position(0))
    }
}

#[derive(Clone, Copy)]
enum Field {
    Address,
    Size,
    Type,
    Name,
}

/// Compares with the linker's table of the same kernel and with the ranges of its built-in modules.
pub(super) fn check(
    report: &mut Report,
    source: &[u8],
    linked: Option<&SymbolTable>,
    ranges: Option<&Placed<'_>>,
) {
    if linked.is_none() && ranges.is_none() {
        return;
    }
    let format = report.format.unwrap_or_default();
    let listing = match Listing::new(source, format) {
        Ok(listing) => listing,
        Err(error) => {
            let rules = [
                linked.map(|_| Rule::Linked),
                ranges.map(|_| Rule::RangesModules),
            ];
            for rule in rules.into_iter().flatten() {
                report.add(rule, START, || {
                    format!("{}, so nothing can be compared", error.kind)
                });
            }
            return;
        }
    };
    if let Some(linked) = linked {
        check_linked(report, &listing, linked);
    }
    if let Some(ranges) = ranges {
        check_ranges(report, &listing, ranges);
    }
}

fn check_linked(report: &mut Report, listing: &Listing<'_>, linked: &SymbolTable) {
    let (slide, error) = match Slide::of_most(linked, &listing.table) {
        Ok((slide, error)) => (Some(slide), error),
        Err(error) => (None, Some(error)),
    };
    if let Some(error) = error.filter(is_another_kernel) {
        // One finding tells it; those that follow would be as many as symbols.
        report.add(Rule::Linked, START, || {
            format!("expected the kernel that was linked: {error}")
        });
        return;
    }
    let Some(slide) = slide else { return };
    report.slide = Some(slide);
    let lists = Lists::new(linked, &listing.table);
    for change in Diff::new(linked, &listing.table).changes() {
        match *change {
            Change::Went(old) if lists.has(old) => missing(report, listing, &slide, old),
            Change::Changed(pair) if !pair.new.group().is_image() && lists.has(pair.old) => {
                missing(report, listing, &slide, pair.old);
            }
            Change::Came(new) if new.group().is_image() => {
                let position = listing.position(new, Field::Name);
                report.add(Rule::LinkedUnknown, position, || {
                    let name = new.name().escape_ascii();
                    format!("expected a symbol that the linker knows, found `{name}`")
                });
            }
            Change::Changed(pair) if pair.new.group().is_image() => {
                compare(report, listing, &slide, &lists, &pair);
            }
            _ => {}
        }
    }
}

/// Whether so many symbols are elsewhere that it is not they that are wrong: more than one in a hundred.
fn is_another_kernel(error: &SlideError) -> bool {
    match *error {
        SlideError::OtherKernel {
            agree, disagree, ..
        } => disagree > agree / 100,
        SlideError::NothingInCommon => true,
    }
}

fn missing(report: &mut Report, listing: &Listing<'_>, slide: &Slide, symbol: Entry<'_>) {
    let address = slide.move_address(symbol.address());
    report.add(Rule::LinkedMissing, listing.place_of(address), || {
        let name = symbol.name().escape_ascii();
        format!("expected `{name}` at {address:#x}, where the linker put it, found no such symbol")
    });
}

fn compare(
    report: &mut Report,
    listing: &Listing<'_>,
    slide: &Slide,
    lists: &Lists,
    pair: &Pair<'_>,
) {
    let Pair { old, new, .. } = *pair;
    let expected = slide.move_address(old.address());
    if expected != new.address() {
        let position = listing.position(new, Field::Address);
        report.add(Rule::LinkedAddress, position, || {
            let found = new.address();
            format!("expected the address {expected:#x}, where the linker put it, found {found:#x}")
        });
    }
    if let (true, Some(expected), Some(found)) = (pair.resized, old.size(), new.size()) {
        report.add(Rule::LinkedSize, listing.position(new, Field::Size), || {
            format!("expected the size {expected:#x} that the linker recorded, found {found:#x}")
        });
    }
    let expected = lists.letter(old);
    if expected != new.letter() {
        report.add(Rule::LinkedType, listing.position(new, Field::Type), || {
            let (expected, found) = (char::from(expected), char::from(new.letter()));
            format!("expected the type `{expected}`, found `{found}`")
        });
    }
}

/// What of the linker's table a kernel lists, and how.
struct Lists {
    /// All of it, as with `CONFIG_KALLSYMS_ALL`: data as well as code.
    all: bool,
    /// Where code starts and ends, and the name of the symbol at its end. Nothing where the linker's table does not say.
    code: Vec<(u64, u64, &'static [u8])>,
    /// Where per-CPU data ends that is counted from 0.
    per_cpu: Option<u64>,
}

impl Lists {
    fn new(linked: &SymbolTable, listed: &SymbolTable) -> Self {
        let address = |name: &[u8]| Some(linked.named(name).next()?.address());
        let code = [
            (&b"_stext"[..], &b"_etext"[..]),
            (b"_sinittext", b"_einittext"),
        ]
        .into_iter();
        let code = code.filter_map(|(start, end)| Some((address(start)?, address(end)?, end)));
        let code: Vec<_> = code.collect();
        let is_data = |symbol: Entry<'_>| {
            let data = [Section::ReadOnly, Section::Data, Section::Bss];
            symbol.group().is_image() && data.contains(&symbol.section()) && !is_marker(symbol)
        };
        let per_cpu = address(b"__per_cpu_start").filter(|&start| start == 0);
        Self {
            all: listed.iter().any(is_data),
            code,
            per_cpu: per_cpu.and_then(|_| address(b"__per_cpu_end")),
        }
    }

    /// Whether `scripts/kallsyms` takes the symbol: not if it is absolute, nor if it is not of the image at all.
    fn has(&self, symbol: Entry<'_>) -> bool {
        let dropped = matches!(symbol.letter(), b'a' | b'A' | b'u' | b'n' | b'N');
        let address = symbol.address();
        // What else is at the end may be data.
        let within = |&(start, end, last): &(u64, u64, &[u8])| {
            (start..end).contains(&address) || (address == end && symbol.name() == last)
        };
        let is_code = match &self.code[..] {
            [] => symbol.section() == Section::Text,
            code => code.iter().any(within),
        };
        !dropped && (self.all || is_marker(symbol) || is_code)
    }

    /// The letter that the kernel prints: per-CPU data that is counted from 0 is absolute to it.
    fn letter(&self, symbol: Entry<'_>) -> u8 {
        match self.per_cpu {
            Some(end) if symbol.address() <= end => b'A',
            _ => symbol.letter(),
        }
    }
}

/// Whether it marks where a section starts or stops: those are always listed, data or not.
fn is_marker(symbol: Entry<'_>) -> bool {
    let name = symbol.name();
    name.starts_with(b"__start_") || name.starts_with(b"__stop_")
}

fn check_ranges(report: &mut Report, listing: &Listing<'_>, ranges: &Placed<'_>) {
    if listing.format.dialect == Dialect::Kallsyms {
        report.add(Rule::RangesModules, START, || {
            "expected a file that names the modules of built-in code, found the kallsyms dialect".into()
        });
        return;
    }
    for symbol in listing
        .table
        .iter()
        .filter(|symbol| symbol.group().is_image())
    {
        let (expected, found) = (ranges.modules_at(symbol.address()), symbol.modules());
        if expected == found {
            continue;
        }
        let rule = if expected.is_empty() {
            Rule::RangesIncomplete
        } else if symbol.size().is_none_or(|size| size == 0) {
            Rule::RangesBorder
        } else {
            Rule::RangesModules
        };
        report.add(rule, listing.modules_position(symbol), || {
            let list = |modules: &[u8]| -> String {
                match modules {
                    [] => "no module".into(),
                    modules => format!("`{}`", modules.escape_ascii()),
                }
            };
            let (expected, found) = (list(expected.as_bytes()), list(found.as_bytes()));
            if rule == Rule::RangesIncomplete {
                format!("expected a range of {found} in modules.builtin.ranges, found none")
            } else {
                format!("expected {expected}, as modules.builtin.ranges has it, found {found}")
            }
        });
    }
}
