// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Lines that have to wait: for their place in another order, or until it is known whether their module is built in.
//!
//! Kept as text, since that is the smallest they get: their bytes, and where each starts.

use std::cmp::Ordering;

use kallmodsyms::{Group, Symbol, Width, lenient};
use memchr::{memchr, memchr_iter, memchr2};

use super::Sort;
use crate::number::hex;

pub(super) struct Held {
    width: Width,
    sized: bool,
    text: Vec<u8>,
    /// Where each line starts.
    lines: Vec<usize>,
    /// Where in the text the kernel image ends: with the last symbol without a module.
    image: usize,
}

impl Held {
    pub(super) const fn new(width: Width, sized: bool) -> Self {
        Self {
            width,
            sized,
            text: Vec::new(),
            lines: Vec::new(),
            image: 0,
        }
    }

    /// Takes the next symbol of the file, and keeps it if it is wanted.
    pub(super) fn push(&mut self, symbol: &Symbol<'_>, wanted: bool) {
        if wanted {
            self.lines.push(self.text.len());
            symbol.write_line(self.width, &mut self.text);
        }
        if symbol.modules.is_empty() {
            self.image = self.text.len();
        }
    }

    /// Puts the lines in order. Those that are equal in it stay as they are in the file.
    pub(super) fn sort(&mut self, sort: Sort, reverse: bool) {
        let text = Text {
            bytes: &self.text,
            sized: self.sized,
        };
        let order = |one: usize, other: usize| match sort {
            Sort::File => Ordering::Equal,
            Sort::Address => text.address(one).cmp(&text.address(other)),
            // The largest first.
            Sort::Size => text.size(other).cmp(&text.size(one)),
            Sort::Name => text.name(one).cmp(text.name(other)),
        };
        // In place, where a sort that keeps what is equal in order would take half as much again.
        self.lines
            .sort_unstable_by(|&one, &other| order(one, other).then(one.cmp(&other)));
        if reverse {
            self.lines.reverse();
        }
    }

    /// The symbols in this order. `built_in` says whether the file names the modules of built-in code.
    pub(super) fn symbols(&self, built_in: bool) -> impl Iterator<Item = (Symbol<'_>, Group)> {
        self.lines.iter().filter_map(move |&start| {
            let rest = &self.text[start..];
            let line = &rest[..memchr(b'\n', rest)?];
            let symbol = lenient::symbol(line, Some(self.sized))?;
            Some((symbol, group(&symbol, built_in && start < self.image)))
        })
    }
}

/// The fields of lines, as they were written.
#[derive(Clone, Copy)]
struct Text<'t> {
    bytes: &'t [u8],
    sized: bool,
}

impl<'t> Text<'t> {
    fn address(self, line: usize) -> u64 {
        number(&self.bytes[line..])
    }

    fn size(self, line: usize) -> u64 {
        let rest = &self.bytes[line..];
        memchr(b' ', rest)
            .filter(|_| self.sized)
            .map_or(0, |blank| number(&rest[blank + 1..]))
    }

    /// Behind two blanks, or three if there is a size.
    fn name(self, line: usize) -> &'t [u8] {
        let rest = &self.bytes[line..];
        let blank = memchr_iter(b' ', rest).nth(if self.sized { 2 } else { 1 });
        let name = blank.map_or(rest, |blank| &rest[blank + 1..]);
        &name[..memchr2(b'\t', b'\n', name).unwrap_or(name.len())]
    }
}

/// The number in the digits before a blank.
fn number(text: &[u8]) -> u64 {
    let end = memchr(b' ', text).unwrap_or(text.len());
    hex(&text[..end]).unwrap_or(0)
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
