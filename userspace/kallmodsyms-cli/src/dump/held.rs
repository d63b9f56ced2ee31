// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Lines that have to wait: for their place in another order, or until it is known whether their module is built in.
//!
//! Kept as text, since that is the smallest they get: their bytes, and 16 more for each.

use kallmodsyms::{Group, Symbol, Width, lenient};
use memchr::{memchr, memchr2};

use super::Sort;

pub(super) struct Held {
    sort: Sort,
    width: Width,
    sized: bool,
    text: Vec<u8>,
    rows: Vec<Row>,
    /// Where in the text the kernel image ends: with the last symbol without a module.
    image: usize,
}

/// Where a line starts, and what it is sorted by: a number, or where its name starts.
struct Row {
    key: u64,
    line: usize,
}

impl Held {
    pub(super) const fn new(sort: Sort, width: Width, sized: bool) -> Self {
        Self {
            sort,
            width,
            sized,
            text: Vec::new(),
            rows: Vec::new(),
            image: 0,
        }
    }

    /// Takes the next symbol of the file, and keeps it if it is wanted.
    pub(super) fn push(&mut self, symbol: &Symbol<'_>, wanted: bool) {
        if wanted {
            let line = self.text.len();
            symbol.write_line(self.width, &mut self.text);
            let key = match self.sort {
                Sort::File => 0,
                Sort::Address => symbol.address,
                // The largest first.
                Sort::Size => !symbol.size.unwrap_or(0),
                Sort::Name => self.name_in(line),
            };
            self.rows.push(Row { key, line });
        }
        if symbol.modules.is_empty() {
            self.image = self.text.len();
        }
    }

    /// Where the name of a line starts: behind two blanks, or three if there is a size.
    fn name_in(&self, line: usize) -> u64 {
        let blanks = memchr::memchr_iter(b' ', &self.text[line..]);
        let last = blanks.take(if self.sized { 3 } else { 2 }).last();
        (line + last.map_or(0, |blank| blank + 1)) as u64
    }

    /// Puts the lines in order. Those that are equal in it stay as they are in the file.
    pub(super) fn sort(&mut self, reverse: bool) {
        let text = &self.text;
        match self.sort {
            Sort::File => {}
            Sort::Address | Sort::Size => self.rows.sort_by_key(|row| row.key),
            Sort::Name => {
                let name = |row: &Row| {
                    let rest = usize::try_from(row.key).map_or(&text[..0], |start| &text[start..]);
                    &rest[..memchr2(b'\t', b'\n', rest).unwrap_or(rest.len())]
                };
                self.rows.sort_by(|one, other| name(one).cmp(name(other)));
            }
        }
        if reverse {
            self.rows.reverse();
        }
    }

    /// The symbols in this order. `built_in` says whether the file names the modules of built-in code.
    pub(super) fn symbols(&self, built_in: bool) -> impl Iterator<Item = (Symbol<'_>, Group)> {
        self.rows.iter().filter_map(move |row| {
            let rest = &self.text[row.line..];
            let line = &rest[..memchr(b'\n', rest)?];
            let symbol = lenient::symbol(line, Some(self.sized))?;
            Some((symbol, group(&symbol, built_in && row.line < self.image)))
        })
    }
}

fn group(symbol: &Symbol<'_>, in_image: bool) -> Group {
    match symbol.modules.iter().next() {
        None => Group::Core,
        Some(_) if in_image => Group::BuiltIn,
        Some(b"__builtin__ftrace") => Group::Ftrace,
        Some(b"bpf") => Group::Bpf,
        Some(b"__builtin__kprobes") => Group::Kprobes,
        Some(_) => Group::Loaded,
    }
}
