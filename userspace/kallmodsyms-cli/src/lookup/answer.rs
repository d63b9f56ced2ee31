// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Prints what is at an address, or why nothing is.

use std::borrow::Cow;
use std::cell::Cell;
use std::io::{self, Write};

use anyhow::bail;
use kallmodsyms::table::{Entry, Location};
use kallmodsyms::{Section, SymbolTable};
use serde::Serialize;

use super::Arguments;
use super::meaning::{Meaning, Reading};
use super::misfit::misfit;
use crate::json::{self, Found, Hex};
use crate::output::{Output, Role};
use crate::reference::Place;
use crate::{names, number, say, show, suggest};

/// For how many names to say what may have been meant: each time all names are compared.
const SUGGESTIONS: u32 = 16;

/// Answers one text after the other.
pub(super) struct Answers<'t> {
    arguments: &'t Arguments,
    table: &'t SymbolTable,
    reading: Reading<'t>,
    digits: usize,
    suggestions: Cell<u32>,
}

#[derive(Serialize)]
struct Answer<'q, 't> {
    query: &'q str,
    address: Option<Hex>,
    symbols: Vec<Found<'t>>,
    before: Option<json::Symbol<'t>>,
    after: Option<json::Symbol<'t>>,
}

type Neighbours<'t> = (Option<Entry<'t>>, Option<Entry<'t>>);

impl<'t> Answers<'t> {
    pub(super) fn new(arguments: &'t Arguments, table: &'t SymbolTable) -> Self {
        Self {
            arguments,
            table,
            reading: Reading::new(table),
            digits: show::width_of(table).digits(),
            suggestions: Cell::new(SUGGESTIONS),
        }
    }

    /// Prints the answer to a text. Whether there is a symbol.
    pub(super) fn answer(&self, out: &mut Output, text: &str) -> anyhow::Result<bool> {
        match self.reading.meaning(text) {
            Meaning::Address(address) => Ok(self.address(out, text, address, None)?),
            Meaning::Symbols(symbols, place) => Ok(self.symbols(out, text, &symbols, place)?),
            Meaning::Unknown(place) => {
                self.unknown(out, text, place)?;
                Ok(false)
            }
            Meaning::Other(other) => {
                let text = shortened(text);
                bail!("{text}: {}", other.message(&text))
            }
            Meaning::Nothing => bail!(
                "expected an address such as ffffffff81000000, or a name such as vfs_read+0x10, found `{}`",
                shortened(text)
            ),
        }
    }

    /// The same place in each of some symbols.
    fn symbols(
        &self,
        out: &mut Output,
        query: &str,
        symbols: &[Entry<'t>],
        place: Place<'_>,
    ) -> io::Result<bool> {
        let offset = place.offset.unwrap_or(0);
        if !symbols
            .iter()
            .any(|symbol| self.reading.fits(*symbol, place))
        {
            tell(out, &misfit(self.table, symbols, place))?;
        }
        let mut found = false;
        for symbol in symbols {
            let address = symbol.address().wrapping_add(offset);
            found |= self.address(out, query, address, Some(*symbol))?;
        }
        Ok(found)
    }

    /// What is there. A symbol that was named is printed by its name, and not by another that the code has.
    fn address(
        &self,
        out: &mut Output,
        query: &str,
        address: u64,
        named: Option<Entry<'t>>,
    ) -> io::Result<bool> {
        let mut location = self.table.lookup(address);
        if let Some(symbol) = named {
            let offset = address.wrapping_sub(symbol.address());
            if offset == 0 || is_named_for(location, symbol, offset) {
                location = Location::Inside { symbol, offset };
            }
        }
        if self.arguments.json || self.arguments.all {
            return self.all(out, query, address, location);
        }
        self.start(out, address)?;
        match location {
            Location::Inside { symbol, offset } => {
                show::place(out, symbol, offset)?;
                writeln!(out)?;
            }
            Location::Outside { before, after } => outside(out, address, (before, after))?,
        }
        Ok(location.inside().is_some())
    }

    /// The same for several symbols, and for programs.
    fn all(
        &self,
        out: &mut Output,
        query: &str,
        address: u64,
        location: Location<'t>,
    ) -> io::Result<bool> {
        let found = location.inside().map(|(symbol, _)| symbol);
        let mut symbols: Vec<Entry<'_>> = found.into_iter().collect();
        if self.arguments.all {
            // Code of size zero contains nothing, and is what is found where nothing contains the address.
            let here = self.table.at(address);
            let markers = here.filter(|symbol| symbol.size() == Some(0));
            let others = self.table.containing(address).chain(markers);
            symbols.extend(others.filter(|other| found != Some(*other)));
        }
        // Of several with one extent the first is the kernel's choice, and `--all` says them in the same order.
        symbols.dedup();
        let neighbours = match location {
            Location::Outside { before, after } => (before, after),
            Location::Inside { .. } => (None, None),
        };
        if self.arguments.json {
            out.json(&Answer {
                query,
                address: Some(Hex(address)),
                symbols: symbols
                    .iter()
                    .map(|&symbol| Found::new(symbol, address - symbol.address()))
                    .collect(),
                before: neighbours.0.map(Into::into),
                after: neighbours.1.map(Into::into),
            })?;
            return Ok(!symbols.is_empty());
        }
        for &symbol in &symbols {
            self.start(out, address)?;
            show::place(out, symbol, address - symbol.address())?;
            writeln!(out)?;
        }
        if symbols.is_empty() {
            self.start(out, address)?;
            outside(out, address, neighbours)?;
        }
        Ok(!symbols.is_empty())
    }

    fn start(&self, out: &mut Output, address: u64) -> io::Result<()> {
        let mut buffer = [0; 16];
        let text = number::padded(address, self.digits, &mut buffer);
        out.painted(Role::Address, text)?;
        out.write_all(b" ")
    }

    fn unknown(&self, out: &mut Output, query: &str, place: Place<'_>) -> io::Result<()> {
        if self.arguments.json {
            out.json(&Answer {
                query,
                address: None,
                symbols: Vec::new(),
                before: None,
                after: None,
            })?;
        }
        let hint = match self.suggestions.get() {
            0 => None,
            left => {
                self.suggestions.set(left - 1);
                self.hint(place)
            }
        };
        let hint = hint.map_or(String::new(), |hint| format!(" ({hint})"));
        let module = place
            .module
            .map_or(String::new(), |module| format!("{module}`"));
        let query = shortened(query);
        tell(
            out,
            &format!(
                "{query}: no symbol has the name {module}{}{hint}",
                place.name
            ),
        )
    }

    /// What may have been meant.
    fn hint(&self, place: Place<'_>) -> Option<String> {
        let Place { module, name, .. } = place;
        if let Some(hint) = self.of_module(name, place.offset) {
            return Some(hint);
        }
        if name.contains(['*', '?']) {
            return Some(format!("for patterns there is `kallmodsyms find '{name}'`"));
        }
        if module.is_some() && !self.reading.named(name).is_empty() {
            return Some(format!("without the module some have it: try {name}"));
        }
        let wrong = module.and_then(|module| suggest::module(self.table, module));
        wrong.or_else(|| suggest::symbol(self.table, module, name))
    }

    /// What to do with a module, and an offset into it, if it is one. What is built in lies in many places.
    fn of_module(&self, name: &str, offset: Option<u64>) -> Option<String> {
        let name = names::module(name);
        let group = self.table.module(name.as_bytes())?.group();
        let mut symbols = self.table.iter();
        let first = symbols.find(|symbol| {
            let is_padding = symbol.name().starts_with(b"__pfx_");
            let is_code = symbol.section() == Section::Text && !is_padding;
            is_code && symbol.modules().contains(name.as_bytes())
        });
        let first = first.map_or("it is a module".into(), |first| {
            let function = String::from_utf8_lossy(first.name());
            let address = first.address();
            match offset {
                Some(offset) if !group.is_image() => format!(
                    "it is a module, and {offset:#x} from its first function, {function}, is {:#x}",
                    address.wrapping_add(offset)
                ),
                _ => format!("it is a module: its first function is {function} at {address:#x}"),
            }
        });
        Some(format!(
            "{first}; `kallmodsyms find '{name}`*'` prints its symbols"
        ))
    }
}

/// Whether what is at an address may go by the name of a symbol that starts there too.
fn is_named_for(location: Location<'_>, symbol: Entry<'_>, offset: u64) -> bool {
    let Some((inner, _)) = location.inside() else {
        return false;
    };
    let (address, size) = (symbol.address(), symbol.size());
    let contains = size.is_none_or(|size| offset < size);
    inner.address() == address && (contains || inner.size() == size)
}

/// Tells the user something that is no result, after the results before it.
fn tell(out: &mut Output, message: &str) -> io::Result<()> {
    out.flush()?;
    say(message);
    Ok(())
}

/// As much of a text as a message has room for.
fn shortened(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(100) {
        Some((end, _)) => format!("{}...", &text[..end]).into(),
        None => text.into(),
    }
}

/// Between which symbols an address lies that is in none.
fn outside(out: &mut Output, address: u64, neighbours: Neighbours<'_>) -> io::Result<()> {
    out.painted(Role::Bad, b"in no symbol")?;
    let mut lead = ":";
    if let Some(before) = neighbours.0 {
        write!(
            out,
            "{lead} {:#x} after the end of ",
            address.saturating_sub(before.end())
        )?;
        show::name(out, before)?;
        lead = ",";
    }
    if let Some(after) = neighbours.1 {
        write!(out, "{lead} {:#x} before ", after.address() - address)?;
        show::name(out, after)?;
    }
    writeln!(out)
}
