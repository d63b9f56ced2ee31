// SPDX-License-Identifier: Apache-2.0 OR MIT

//! What of a text is an address or a frame, and of which symbol.

use std::cell::Cell;
use std::io;
use std::ops::Range;

use kallmodsyms::table::{Entries, Entry};
use kallmodsyms::{Section, SymbolTable};

use super::around::{
    is_of_device, is_of_section, is_of_user_space, with_brackets, without_annotation,
};
use super::build_id::BuildId;
use super::code::Code;
use super::frame::Frame;
use super::module::Bracket;
use super::naming::Naming;
use super::offset::{self, Told};
use super::word::{behind_escape, words};
use crate::demangle::demangled;
use crate::{extent, number, show};

/// What is found in a line.
#[derive(Debug)]
pub(super) enum Item<'t> {
    Address(Address<'t>),
    Named(Named<'t>),
    Told(Told),
    BuildId(BuildId),
}

/// An address, and whether it is in a symbol or the text names it.
#[derive(Debug)]
pub(super) struct Address<'t> {
    pub(super) digits: Range<usize>,
    /// With the brackets around it.
    pub(super) whole: Range<usize>,
    pub(super) value: u64,
    /// The symbol there, and how far into it.
    pub(super) symbol: Option<(Entry<'t>, u64)>,
    pub(super) naming: Naming,
}

/// A frame: a symbol that the text names with an offset.
#[derive(Debug)]
pub(super) struct Named<'t> {
    pub(super) frame: Frame,
    pub(super) bracket: Option<Bracket>,
    pub(super) of: Of<'t>,
}

/// Which symbol a frame is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Of<'t> {
    /// The table has no symbol of this name, or none in the module that the text names, or too many.
    Unknown,
    One(Entry<'t>),
    /// Several fit, of which this is one; and whether all are of the same modules.
    Several(Entry<'t>, bool),
    /// None has this size; this one has the name.
    WrongSize(Entry<'t>),
    /// The text has its start here, and the table this symbol of the name elsewhere.
    WrongPlace(Entry<'t>, u64),
    /// The table has no symbol of this name, and at its address in the image this one.
    WrongName(Entry<'t>),
}

/// Addresses below this are none of code, whatever symbols there are: vectors of 32-bit Arm, per-CPU data that is
/// counted from 0.
const LOWEST_CODE: u64 = 64 << 10;

/// The smallest page of any architecture.
const PAGE: u64 = 4096;

/// Symbols of one name, or at one address, that are looked at: a name that more have, tells nothing.
const NAMESAKES: usize = 64;

pub(super) struct Finder<'t> {
    table: &'t SymbolTable,
    /// How far the kernel of the text is from where the symbols are. A line of the text may say so.
    pub(super) slide: Cell<u64>,
    /// How many digits an address has that does not start with 0x.
    digits: usize,
    /// Where the first page of the image is. Below are numbers, and user space.
    lowest: u64,
    code: Code,
}

impl<'t> Finder<'t> {
    pub(super) fn new(table: &'t SymbolTable) -> Self {
        let code = |symbol: &Entry<'_>| {
            symbol.letter().eq_ignore_ascii_case(&b't') && symbol.group().is_image()
        };
        let mut symbols = table.range(LOWEST_CODE..).filter(code);
        let lowest = symbols.next().or_else(|| table.iter().find(code));
        Self {
            table,
            slide: Cell::new(0),
            digits: show::width_of(table).digits(),
            lowest: lowest.map_or(0, |symbol| symbol.address() & !(PAGE - 1)),
            code: Code::default(),
        }
    }

    pub(super) const fn table(&self) -> &'t SymbolTable {
        self.table
    }

    /// Finds what there is in a line, in its order.
    pub(super) fn items(
        &mut self,
        line: &[u8],
        mut found: impl FnMut(&Self, Item<'t>) -> io::Result<()>,
    ) -> io::Result<()> {
        // No word of machine code is as long as an address of 64 bits.
        let is_short = self.digits == 8;
        if is_short {
            self.code.begin(line);
        }
        // The last frame, and the address that belongs to the next one.
        let mut frame: Option<Frame> = None;
        let mut named: Option<(usize, u64)> = None;
        // Where the line goes on with where the kernel was: those are no addresses of code.
        let mut told_until = 0;
        for word in words(line) {
            let before = word.start.checked_sub(1).map(|before| line[before]);
            if before == Some(b'+') {
                let word = without_annotation(line, word);
                let Some(new) = Frame::with_offset(line, &word) else {
                    continue;
                };
                let address = named.filter(|&(name, _)| name == new.name.start);
                let item = self.named(line, new, address.map(|(_, address)| address));
                frame = Some(item.frame.clone());
                found(self, Item::Named(item))?;
            } else if let Some((digits, address)) = self.address(line, &word) {
                if word.start < told_until {
                    continue;
                }
                let Some(item) = self.placed(line, digits, address, frame.as_ref()) else {
                    continue;
                };
                if let Naming::Behind(next) = &item.naming {
                    named = Some((next.name.start, address));
                }
                found(self, Item::Address(item))?;
            } else if let Some(told) = Told::at(line, &word) {
                told_until = word.end + offset::LENGTH;
                found(self, Item::Told(told))?;
            } else if let Some(id) = BuildId::at(line, &word) {
                found(self, Item::BuildId(id))?;
            } else if is_short {
                self.code.see(line, &word);
            }
        }
        Ok(())
    }

    /// The digits and the value of an address, if a word can be one.
    fn address(&self, line: &[u8], word: &Range<usize>) -> Option<(Range<usize>, u64)> {
        let mut word = word.clone();
        let value = match self.value(&line[word.clone()]) {
            Some(value) => {
                let before = word.start.checked_sub(1).map(|before| line[before]);
                // An offset into a symbol, a part of a name; but `A..B` are two.
                if matches!(before, Some(b'/' | b'.' | b'$'))
                    && !line[..word.start].ends_with(b"..")
                {
                    return None;
                }
                value
            }
            None if word.len() > self.digits => {
                word = without_annotation(line, word);
                if let Some(start) = behind_escape(line, &word) {
                    word.start = start;
                }
                self.value(&line[word.clone()])?
            }
            None => return None,
        };
        let is_bare = word.len() == self.digits && !matches!(line[word.start + 1], b'x' | b'X');
        if self.digits == 8 && is_bare && (self.code.has(line, &word) || is_of_device(line, &word))
        {
            return None;
        }
        Some((word, value))
    }

    fn value(&self, word: &[u8]) -> Option<u64> {
        match word {
            [b'0', b'x' | b'X', digits @ ..] => number::hex(digits),
            digits if digits.len() == self.digits => number::hex(digits),
            _ => None,
        }
    }

    /// What there is at an address, if that is worth a word.
    fn placed(
        &self,
        line: &[u8],
        digits: Range<usize>,
        address: u64,
        before: Option<&Frame>,
    ) -> Option<Address<'t>> {
        let symbol = self.at(address);
        if symbol.is_none() && address < self.lowest || is_of_section(&line[..digits.start]) {
            return None;
        }
        let mut found = Address {
            whole: with_brackets(line, &digits),
            digits,
            value: address,
            symbol,
            naming: Naming::None,
        };
        found.naming = Naming::of(self, line, &found, before);
        let rest = &line[found.whole.end..];
        if found.naming == Naming::None
            && symbol.is_some_and(|(symbol, _)| is_demangled(symbol, rest))
        {
            found.naming = Naming::Name;
        }
        Some(found)
    }

    /// The symbol at an address of the text.
    fn at(&self, address: u64) -> Option<(Entry<'t>, u64)> {
        let slide = self.slide.get();
        let linked = address.wrapping_sub(slide);
        let inside = self.table.lookup(linked).inside();
        // Modules are not moved with the image, and may lie below it.
        let is_image = |symbol: &Entry<'_>| symbol.group().is_image();
        if slide == 0 {
            return inside.filter(|(symbol, _)| linked >= self.lowest || !is_image(symbol));
        }
        inside
            .filter(|(symbol, _)| linked >= self.lowest && is_image(symbol))
            .or_else(|| {
                let inside = self.table.lookup(address).inside();
                inside.filter(|(symbol, _)| !is_image(symbol))
            })
    }

    /// Whether an address of the text is in a symbol of the image.
    pub(super) fn is_in_image(&self, address: u64) -> bool {
        let symbol = self.at(address);
        symbol.is_some_and(|(symbol, _)| symbol.group().is_image())
    }

    /// Where the text has a symbol.
    pub(super) fn start_of(&self, symbol: Entry<'_>) -> u64 {
        let slide = self.slide.get();
        if slide != 0 && symbol.group().is_image() {
            symbol.address().wrapping_add(slide)
        } else {
            symbol.address()
        }
    }

    /// Whether a number of the text can be an address.
    pub(super) fn may_be_address(&self, word: &[u8]) -> Option<u64> {
        self.value(word).filter(|&value| value >= self.lowest)
    }

    /// The symbols of a name in a line: exactly this one, or what compilers made of it. With them where the name begins.
    fn namesakes(&self, line: &[u8], name: &Range<usize>) -> Option<(usize, Vec<Entry<'t>>)> {
        let (start, symbols) = starts(line, name).find_map(|start| {
            let mut symbols = self.table.named_folded(&line[start..name.end]).peekable();
            symbols.peek()?;
            Some((start, symbols.take(NAMESAKES + 1).collect::<Vec<_>>()))
        })?;
        (symbols.len() <= NAMESAKES).then_some((start, symbols))
    }

    /// Whether the image has a symbol of this name.
    pub(super) fn has_in_image(&self, line: &[u8], name: &Range<usize>) -> bool {
        let symbols = self.namesakes(line, name);
        let is_image = |symbol: &Entry<'_>| symbol.group().is_image();
        symbols.is_some_and(|(_, symbols)| symbols.iter().any(is_image))
    }

    /// Whether the symbol at an address, or one like it, has this name.
    pub(super) fn is_of(&self, line: &[u8], name: &Range<usize>, address: &Address<'t>) -> bool {
        let Some((symbol, offset)) = address.symbol else {
            return false;
        };
        if has_name(&symbol.aliases(), line, name) {
            return true;
        }
        // Markers that have no size may start there.
        let place = symbol.address() + offset;
        let last = self.table.range(..=place).next_back();
        let is_start = last.is_some_and(|last| last.address() == place);
        is_start && has_name(&self.table.at(place), line, name)
    }

    /// Whether a symbol of the frame's name has its start where the text has it.
    pub(super) fn starts_at(&self, line: &[u8], frame: &Frame, address: u64) -> bool {
        self.places(address.wrapping_sub(frame.offset))
            .any(|place| has_name(&self.table.at(place), line, &frame.name))
    }

    /// Where an address is in the table, in the image or outside it.
    fn places(&self, address: u64) -> impl Iterator<Item = u64> {
        let slide = self.slide.get();
        let outside = (slide != 0).then_some(address);
        std::iter::once(address.wrapping_sub(slide)).chain(outside)
    }

    fn named(&self, line: &[u8], mut frame: Frame, address: Option<u64>) -> Named<'t> {
        if behind_escape(line, &frame.name).is_some() {
            let symbols = self.namesakes(line, &frame.name);
            frame.name.start = symbols.map_or(frame.name.start, |(start, _)| start);
        }
        if is_of_user_space(&line[frame.end..]) {
            return Named {
                frame,
                bracket: None,
                of: Of::Unknown,
            };
        }
        let bracket = Bracket::at(line, frame.end);
        let module = bracket
            .as_ref()
            .map(|bracket| &line[bracket.module.clone()]);
        let of = self.of(line, &frame, module, address);
        Named { frame, bracket, of }
    }

    /// Which symbol a frame is of, if the text has it in this module and at this address.
    pub(super) fn of(
        &self,
        line: &[u8],
        frame: &Frame,
        module: Option<&[u8]>,
        address: Option<u64>,
    ) -> Of<'t> {
        let Some((_, mut symbols)) = self.namesakes(line, &frame.name) else {
            let there = address.and_then(|address| self.at(address));
            let there = there.filter(|(symbol, _)| symbol.group().is_image());
            return there.map_or(Of::Unknown, |(symbol, _)| Of::WrongName(symbol));
        };
        if frame.size.is_none() {
            // Of data, `table+256` in any text may be something else.
            symbols.retain(|symbol| symbol.section() == Section::Text);
        }
        if let Some(module) = module {
            symbols.retain(|symbol| symbol.modules().contains(module));
        }
        let Some(&first) = symbols.first() else {
            return Of::Unknown;
        };
        if let Some(address) = address {
            let start = address.wrapping_sub(frame.offset);
            let image = symbols
                .iter()
                .find(|symbol| symbol.group().is_image())
                .copied();
            symbols.retain(|&symbol| self.start_of(symbol) == start);
            match image {
                Some(image) if symbols.is_empty() => return Of::WrongPlace(image, start),
                // A module is loaded elsewhere at each boot.
                None if symbols.is_empty() => return Of::Unknown,
                _ => {}
            }
        }
        let first = *symbols.first().unwrap_or(&first);
        let all = symbols.clone();
        symbols.retain(|&symbol| extent::fits(self.table, symbol, frame.offset, frame.size));
        if symbols.is_empty() {
            symbols = all;
            symbols.retain(|&symbol| extent::may_fit(self.table, symbol, frame.offset, frame.size));
        }
        match &symbols[..] {
            [] if frame.size.is_none() => Of::Unknown,
            [] => Of::WrongSize(first),
            [one] => Of::One(*one),
            [one, others @ ..] => {
                let alike = others.iter().all(|other| other.modules() == one.modules());
                Of::Several(*one, alike)
            }
        }
    }
}

/// Whether a line goes on with the name as Rust's source code has it.
fn is_demangled(symbol: Entry<'_>, rest: &[u8]) -> bool {
    let rest = rest.trim_ascii_start();
    demangled(symbol.name()).is_some_and(|name| {
        let inside = rest.strip_prefix(b"<").or_else(|| rest.strip_prefix(b"("));
        rest.starts_with(name.as_bytes())
            || inside.is_some_and(|inside| inside.starts_with(name.as_bytes()))
    })
}

/// Where the name of a symbol may begin: at the start, behind an escape, or behind the dots of a sentence.
fn starts(line: &[u8], name: &Range<usize>) -> impl Iterator<Item = usize> {
    let dots = line[name.clone()].iter().take_while(|&&byte| byte == b'.');
    let dots = Some(dots.count()).filter(|&dots| dots > 0 && dots < name.len());
    let others = [
        behind_escape(line, name),
        dots.map(|dots| name.start + dots),
    ];
    std::iter::once(name.start).chain(others.into_iter().flatten())
}

/// Whether one of these symbols has this name, or one that compilers made of it.
fn has_name(symbols: &Entries<'_>, line: &[u8], name: &Range<usize>) -> bool {
    starts(line, name).any(|start| {
        let name = &line[start..name.end];
        symbols.clone().take(NAMESAKES).any(|symbol| {
            let rest = symbol.name().strip_prefix(name);
            rest.is_some_and(|rest| matches!(rest, [] | [b'.' | b'$', ..]))
        })
    })
}
