// SPDX-License-Identifier: Apache-2.0 OR MIT

//! The line with what is added, or what is in it as JSON.

use std::borrow::Cow;
use std::io::{self, Write};
use std::ops::Range;

use kallmodsyms::table::Entry;
use kallmodsyms::{Group, Modules};
use serde::Serialize;

use super::finder::{Address, Finder, Item, Named, Of};
use super::naming::Naming;
use super::{Arguments, Part, module};
use crate::demangle::demangled;
use crate::json::{Found, Hex};
use crate::output::{Output, Role};
use crate::show;

pub(super) struct Writer<'a> {
    pub(super) arguments: &'a Arguments,
    pub(super) out: &'a mut Output,
    pub(super) part: &'a Part<'a>,
    /// How much of the line is written.
    pub(super) done: usize,
}

#[derive(Serialize)]
struct Report<'a> {
    line: usize,
    column: usize,
    text: Cow<'a, str>,
    address: Option<Hex>,
    symbol: Option<Found<'a>>,
}

impl Writer<'_> {
    pub(super) fn text(&mut self, item: &Item<'_>) -> io::Result<()> {
        match item {
            Item::Address(Address {
                whole,
                symbol: Some((symbol, offset)),
                naming: Naming::None,
                ..
            }) => self.address(whole, *symbol, *offset),
            Item::Named(named) => self.frame(named),
            _ => Ok(()),
        }
    }

    fn address(&mut self, whole: &Range<usize>, symbol: Entry<'_>, offset: u64) -> io::Result<()> {
        if self.arguments.names_only {
            self.up_to(whole.start)?;
            show::bare_name(self.out, symbol.name())?;
            self.done = whole.end;
            return if self.arguments.modules {
                self.modules(built_in(symbol))
            } else {
                Ok(())
            };
        }
        self.up_to(whole.end)?;
        self.out.write_all(b" (")?;
        show::place(self.out, symbol, offset)?;
        self.out.write_all(b")")
    }

    fn frame(&mut self, named: &Named<'_>) -> io::Result<()> {
        let Named { frame, bracket, of } = named;
        let name = &self.part.bytes[frame.name.clone()];
        if self.arguments.names_only {
            if matches!(of, Of::One(_) | Of::Several(..)) {
                self.up_to(frame.name.start)?;
                show::bare_name(self.out, name)?;
                self.done = frame.end;
            }
        } else if let Some(name) = demangled(name).filter(|_| self.out.is_demangling()) {
            self.up_to(frame.end)?;
            self.out.write_all(b" (")?;
            self.out.painted(Role::Symbol, name.as_bytes())?;
            self.out.write_all(b")")?;
        }
        let modules = match of {
            Of::One(symbol) | Of::Several(symbol, true) => built_in(*symbol),
            _ => Modules::default(),
        };
        let is_wanted = self.arguments.modules && bracket.is_none() && !modules.is_empty();
        if is_wanted && !module::is_named(self.part.bytes, frame, modules) {
            // Behind the mark of folded stacks, too.
            let is_marked = self.part.bytes[frame.end..].starts_with(b"_[k]");
            self.up_to(frame.end + if is_marked { 4 } else { 0 })?;
            self.modules(modules)?;
        }
        Ok(())
    }

    fn modules(&mut self, modules: Modules<'_>) -> io::Result<()> {
        if modules.is_empty() {
            return Ok(());
        }
        self.out.write_all(b" ")?;
        self.out.painted(Role::Module, modules.as_bytes())
    }

    fn up_to(&mut self, end: usize) -> io::Result<()> {
        if end > self.done {
            self.out.text(&self.part.bytes[self.done..end])?;
            self.done = end;
        }
        Ok(())
    }

    /// Writes what is left of a line of text.
    pub(super) fn finish(mut self) -> io::Result<()> {
        if self.arguments.json {
            return Ok(());
        }
        self.up_to(self.part.bytes.len())
    }

    pub(super) fn json(&mut self, finder: &Finder<'_>, item: &Item<'_>) -> io::Result<()> {
        let (at, symbol) = match item {
            Item::Address(Address {
                digits,
                symbol: Some((symbol, offset)),
                ..
            }) => (digits.clone(), Some((*symbol, *offset))),
            Item::Named(Named { frame, of, .. }) => {
                let symbol = match of {
                    Of::One(symbol) => Some((*symbol, frame.offset)),
                    Of::Unknown if frame.size.is_none() => return Ok(()),
                    _ => None,
                };
                (frame.name.start..frame.end, symbol)
            }
            _ => return Ok(()),
        };
        self.out.json(&Report {
            line: self.part.line,
            column: self.part.column + at.start,
            text: String::from_utf8_lossy(&self.part.bytes[at]),
            address: symbol
                .map(|(symbol, offset)| Hex(finder.start_of(symbol).wrapping_add(offset))),
            symbol: symbol.map(|(symbol, offset)| Found::new(symbol, offset)),
        })
    }
}

/// The modules of a symbol, if it is built in.
fn built_in(symbol: Entry<'_>) -> Modules<'_> {
    match symbol.group() {
        Group::BuiltIn => symbol.modules(),
        _ => Modules::default(),
    }
}
