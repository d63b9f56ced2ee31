// SPDX-License-Identifier: Apache-2.0 OR MIT

//! What a text asks for: an address, or a place in the symbols of a name.

use kallmodsyms::table::Entry;
use kallmodsyms::{Section, SymbolTable};

use crate::extent;
use crate::names::{self, Names};
use crate::number;
use crate::reference::{self, Other, Place, Reference};

/// What a text asks for.
pub(super) enum Meaning<'q, 't> {
    Address(u64),
    /// A place in each of these.
    Symbols(Vec<Entry<'t>>, Place<'q>),
    /// A name that no symbol has.
    Unknown(Place<'q>),
    /// Something of which no symbol is asked.
    Other(Other<'q>),
    /// None of these.
    Nothing,
}

/// How many words of a line may be the name that is meant: each of them may be that of many symbols.
const WORDS: usize = 64;

/// Finds out what texts ask for.
pub(super) struct Reading<'t> {
    table: &'t SymbolTable,
    names: Names<'t>,
    /// How many digits the longest name has that is a number.
    longest_number: usize,
    /// Where the image starts.
    lowest: u64,
}

impl<'t> Reading<'t> {
    pub(super) fn new(table: &'t SymbolTable) -> Self {
        let numbers = table
            .iter()
            .filter(|symbol| number::hex(symbol.name()).is_some());
        Self {
            table,
            names: Names::new(table),
            longest_number: numbers.map(|symbol| symbol.name().len()).max().unwrap_or(0),
            lowest: table.image_start(),
        }
    }

    /// The symbols of a name in whatever module.
    pub(super) fn named(&self, name: &str) -> Vec<Entry<'t>> {
        self.names.exactly(None, name)
    }

    pub(super) fn meaning<'q>(&self, text: &'q str) -> Meaning<'q, 't> {
        let text = text.trim();
        if let Some(address) = number::address(text) {
            // A file of addresses is told without a look at names.
            if text.len() > self.longest_number || self.named(text).is_empty() {
                return Meaning::Address(address);
            }
        }
        let text = reference::without_level(text);
        // Where the whole is a name, signs in it are part of that.
        let found = self.named(text);
        if !found.is_empty() {
            return Meaning::Symbols(found, Place::named(text));
        }
        if let Some(other) = Other::of(text) {
            return Meaning::Other(other);
        }
        if let Some(start) = reference::start_of_range(text) {
            return self.meaning(start);
        }
        let place = reference::place(text);
        let found = self.symbols(place);
        if !found.is_empty() {
            return Meaning::Symbols(found, place);
        }
        if let Some(address) = reference::address(text) {
            return Meaning::Address(address);
        }
        if let (Some(offset), Some(address)) = (place.offset, reference::address(place.name)) {
            return Meaning::Address(address.wrapping_add(offset));
        }
        // A field of an event: `call_site=vfs_read+0x10`.
        if let Some((_, value)) = text.rsplit_once('=') {
            if !value.is_empty() && !text.contains(char::is_whitespace) {
                return self.meaning(value);
            }
        }
        self.meaning_of_line(text)
            .unwrap_or_else(|| meaning_of_word(place))
    }

    /// The first reference in a line that is in a symbol, else an address, else the best name that stands alone, else a
    /// name with an offset that no symbol has.
    fn meaning_of_line<'q>(&self, line: &'q str) -> Option<Meaning<'q, 't>> {
        let mut first = None;
        for reference in reference::references(line) {
            let missed = match reference {
                Reference::Address(address) => {
                    // Per-CPU data is counted from 0.
                    let inside = self.table.lookup(address).inside();
                    let is_placed =
                        |symbol: Entry<'_>| address >= self.lowest || !symbol.group().is_image();
                    if inside.is_some_and(|(symbol, _)| is_placed(symbol)) {
                        return Some(Meaning::Address(address));
                    }
                    Meaning::Address(address)
                }
                Reference::Place(place) => {
                    let found = self.symbols(place);
                    if !found.is_empty() {
                        return Some(Meaning::Symbols(found, place));
                    }
                    Meaning::Unknown(place)
                }
            };
            first.get_or_insert(missed);
        }
        // What a pointer had that led nowhere is none of the kernel's addresses: `NULL pointer dereference, address: 10`.
        if matches!(first, Some(Meaning::Address(address)) if address >= self.lowest) {
            return first;
        }
        reference::names(line)
            .take(WORDS)
            .map(|place| (self.symbols(place), place))
            .filter(|(found, _)| !found.is_empty())
            // Prose has no `_`: `NULL pointer dereference in vfs_read`.
            .min_by_key(|(found, place)| (likelihood(found, *place), !place.name.contains('_')))
            .map(|(found, place)| Meaning::Symbols(found, place))
            .or(first)
    }

    /// Whether a symbol can be the one that a text speaks of, as far as sizes tell.
    pub(super) fn fits(&self, symbol: Entry<'_>, place: Place<'_>) -> bool {
        let offset = place.offset.unwrap_or(0);
        // A debugger counts from above: `vfs_read-4`.
        let is_above = offset >= 1 << 63;
        is_above
            || extent::fits(self.table, symbol, offset, place.size)
            || extent::may_fit(self.table, symbol, offset, place.size)
    }

    /// The symbols of a name, of the module and the size that stand with it if any are.
    fn symbols(&self, place: Place<'_>) -> Vec<Entry<'t>> {
        let mut found = self.names.exactly(place.module, place.name);
        if let Some(module) = place.bracket {
            prefer(&mut found, |symbol| is_of(*symbol, module));
        }
        prefer(&mut found, |symbol| self.fits(*symbol, place));
        found
    }
}

/// How likely it is that a line is about the symbols of a name in it: 0 is the most. Words such as `events` are names
/// of data too.
fn likelihood(symbols: &[Entry<'_>], place: Place<'_>) -> u8 {
    let any = |such: &dyn Fn(Entry<'_>) -> bool| symbols.iter().any(|symbol| such(*symbol));
    let is_code = any(&|symbol| symbol.section() == Section::Text);
    match place.bracket.filter(|bracket| is_module(bracket)) {
        Some(module) if any(&|symbol| is_of(symbol, module)) => 0,
        Some(_) if is_code => 1,
        _ if is_code => 2,
        _ => 3,
    }
}

fn is_of(symbol: Entry<'_>, module: &str) -> bool {
    symbol.modules().contains(names::module(module).as_bytes())
}

/// Whether what stands in brackets can be a module: the number of a processor is none.
fn is_module(bracket: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
    bracket.bytes().all(is_part) && bracket.bytes().any(|byte| byte.is_ascii_alphabetic())
}

/// Keeps those that are such, if any is: a table may not know what the text does.
fn prefer<'t>(symbols: &mut Vec<Entry<'t>>, such: impl Fn(&Entry<'t>) -> bool) {
    if symbols.iter().any(&such) {
        symbols.retain(such);
    }
}

fn meaning_of_word<'t>(place: Place<'_>) -> Meaning<'_, 't> {
    let is_of_rust = place.name.contains("::");
    let is_line = place.name.contains(char::is_whitespace) && !is_of_rust;
    let has_bad_offset = place.offset.is_none() && place.name.contains('+') && !is_of_rust;
    let bare = reference::bare(place.name);
    let name = if is_of_rust { place.name } else { bare };
    if is_line || has_bad_offset || name.is_empty() {
        return Meaning::Nothing;
    }
    Meaning::Unknown(Place { name, ..place })
}
