// SPDX-License-Identifier: Apache-2.0 OR MIT

//! `kallmodsyms symbolize`: names the addresses in a text, and leaves all else of it as it is, byte for byte.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};

use anyhow::{anyhow, ensure};
use clap::Args;
use kallmodsyms::table::Entry;
use kallmodsyms::{Modules, SymbolTable};
use memchr::memchr;
use serde::Serialize;

use crate::demangle::Demangle;
use crate::input::{self, Input};
use crate::json::{Found, Hex};
use crate::output::{Output, Role};
use crate::progress::Progress;
use crate::unpack::unpacked;
use crate::{Status, help, json, number, show};

const EXAMPLES: &str = "\
  dmesg | kallmodsyms symbolize             # name the addresses in what the kernel said
  dmesg -w | kallmodsyms symbolize          # the same as it is said
  kallmodsyms symbolize --modules oops.txt  # also say which built-in module each frame is of
  kallmodsyms symbolize -i System.map --slide 0x1e000000 oops.txt    # of another machine";

const STATUS: &str = "0, 2 for wrong usage or an unreadable file";

const JSON: &str = "a line for each address that is in a symbol.
  line     of the text, from 1
  column   of the line, in bytes, from 1
  address  text, hexadecimal with 0x, as it stands in the text
  symbol   the symbol; its fields:
  offset      how far into the symbol the address is, in bytes";

/// Name the addresses in a text, such as an oops or a stack trace
///
/// Addresses are 16 hexadecimal digits (8 on a 32-bit kernel), as they are or in `[<` and `>]`, and what starts with
/// 0x. The symbol follows in parentheses: `ffffffff81234567 (vfs_read+0x17/0x2b0)`. All else stays as it is. Addresses
/// below the kernel's code, and those whose symbol the text names itself, are left alone.
#[derive(Args)]
#[command(
    after_help = help::text(EXAMPLES, STATUS),
    after_long_help = help::with_json(EXAMPLES, STATUS, &format!("{JSON}\n{}", json::SYMBOL)),
)]
pub(crate) struct Arguments {
    #[command(flatten)]
    input: Input,
    /// The text
    #[arg(value_name = "TEXT", default_value = "-", hide_default_value = true)]
    text: PathBuf,
    /// Also put the built-in module behind `symbol+0x10/0x20`
    #[arg(short, long)]
    modules: bool,
    /// How far the kernel was moved from where the symbols say: `Kernel Offset` in its messages
    #[arg(long, value_name = "BYTES", value_parser = number::bytes, default_value = "0", hide_default_value = true)]
    slide: u64,
    #[command(flatten)]
    demangle: Demangle,
    /// Print, in place of the text, a JSON object for each address that is in a symbol
    #[arg(long)]
    json: bool,
}

/// A line that is longer is looked at in pieces: what has no lines shall not be held in memory as a whole.
const LONGEST: u64 = 1 << 20;

impl Arguments {
    pub(crate) fn run(&self, out: &mut Output) -> anyhow::Result<Status> {
        self.demangle.apply(out);
        let stdin = Path::new("-");
        ensure!(
            self.text != stdin || self.input.file() != Some(stdin),
            "both the symbols and the text are to come from standard input: name a file for one of them"
        );
        let table = self.input.table()?;
        let finder = Finder::new(&table, self.slide);

        let name = input::name(&self.text);
        let (file, length) = input::open(&self.text, &name)?;
        let fail = |error: io::Error| anyhow!("cannot read {name}: {error}");
        // Standard input is not looked at for packing: that would wait for eight bytes where a line may have two.
        let file: Box<dyn Read> = if self.text == stdin {
            file
        } else {
            unpacked(Progress::new(file, &name, length)).map_err(fail)?
        };
        let mut text = BufReader::with_capacity(1 << 16, file);
        let mut piece = Vec::new();
        let mut line = 1_usize;
        while text
            .by_ref()
            .take(LONGEST)
            .read_until(b'\n', &mut piece)
            .map_err(fail)?
            > 0
        {
            self.piece(out, &finder, line, &piece)?;
            line += usize::from(piece.ends_with(b"\n"));
            piece.clear();
            // Nothing is kept back while waiting for more.
            if memchr(b'\n', text.buffer()).is_none() {
                out.flush()?;
            }
        }
        Ok(Status::Good)
    }

    fn piece(
        &self,
        out: &mut Output,
        finder: &Finder<'_>,
        line: usize,
        text: &[u8],
    ) -> io::Result<()> {
        if self.json {
            for hit in finder.addresses(text) {
                out.json(&Report {
                    line,
                    column: hit.at.start + 1,
                    address: Hex(hit.address),
                    symbol: Found::new(hit.symbol, hit.offset),
                })?;
            }
            return Ok(());
        }

        let mut done = 0;
        for note in finder.notes(text, self.modules) {
            let place = note.place();
            out.write_all(&text[done..place])?;
            match note {
                Note::Address(hit) => {
                    out.write_all(b" (")?;
                    show::place(out, hit.symbol, hit.offset)?;
                    out.write_all(b")")?;
                }
                Note::Modules(_, modules) => {
                    out.write_all(b" ")?;
                    out.painted(Role::Module, modules.as_bytes())?;
                }
            }
            done = place;
        }
        out.write_all(&text[done..])
    }
}

#[derive(Serialize)]
struct Report<'t> {
    line: usize,
    column: usize,
    address: Hex,
    symbol: Found<'t>,
}

/// What is to be put into a text.
enum Note<'t> {
    Address(Hit<'t>),
    /// Behind a frame that names its symbol.
    Modules(usize, Modules<'t>),
}

impl Note<'_> {
    fn place(&self) -> usize {
        match self {
            Self::Address(hit) => hit.end,
            Self::Modules(place, _) => *place,
        }
    }
}

/// An address in a text.
struct Hit<'t> {
    /// Where its digits are.
    at: Range<usize>,
    /// Where it ends, with what is around it.
    end: usize,
    address: u64,
    symbol: Entry<'t>,
    offset: u64,
}

/// Finds what can be named in a text.
struct Finder<'t> {
    table: &'t SymbolTable,
    slide: u64,
    /// How many digits an address has that does not start with 0x.
    digits: usize,
    /// Where code starts. Below are numbers, user space, and on x86-64 the offsets of per-CPU data.
    lowest: u64,
}

impl<'t> Finder<'t> {
    fn new(table: &'t SymbolTable, slide: u64) -> Self {
        let mut code = table
            .iter()
            .filter(|symbol| matches!(symbol.letter(), b't' | b'T'));
        Self {
            table,
            slide,
            digits: show::width_of(table).digits(),
            lowest: code.next().map_or(0, |symbol| symbol.address()),
        }
    }

    fn notes(&self, text: &[u8], modules: bool) -> impl Iterator<Item = Note<'t>> {
        words(text).filter_map(move |word| {
            if let Some(hit) = self.address(text, word.clone()) {
                return (!is_named(&text[hit.end..], hit.symbol.name()))
                    .then_some(Note::Address(hit));
            }
            let (end, modules) = self.frame(text, word).filter(|_| modules)?;
            Some(Note::Modules(end, modules))
        })
    }

    fn addresses(&self, text: &[u8]) -> impl Iterator<Item = Hit<'t>> {
        words(text).filter_map(|word| self.address(text, word))
    }

    /// The symbol, if a word is an address in one.
    fn address(&self, text: &[u8], word: Range<usize>) -> Option<Hit<'t>> {
        let bytes = &text[word.clone()];
        let digits = match bytes {
            [b'0', b'x' | b'X', digits @ ..] => digits,
            digits if digits.len() == self.digits => digits,
            _ => return None,
        };
        // An offset into a symbol, a part of a name.
        let before = word.start.checked_sub(1).map(|before| text[before]);
        if matches!(before, Some(b'+' | b'/' | b'.' | b'$')) {
            return None;
        }
        let address = hex(digits)?;
        let there = address.wrapping_sub(self.slide);
        if there < self.lowest {
            return None;
        }
        let (symbol, offset) = self.table.lookup(there).inside()?;
        let in_brackets =
            text[..word.start].ends_with(b"[<") && text[word.end..].starts_with(b">]");
        let end = word.end + if in_brackets { 2 } else { 0 };
        Some(Hit {
            at: word,
            end,
            address,
            symbol,
            offset,
        })
    }

    /// The built-in modules of `symbol+0x10/0x20`, and where that ends. The word is the 0x10.
    fn frame(&self, text: &[u8], word: Range<usize>) -> Option<(usize, Modules<'t>)> {
        let name_end = word
            .start
            .checked_sub(1)
            .filter(|&plus| text[plus] == b'+')?;
        let is_name =
            |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'$');
        let length = text[..name_end]
            .iter()
            .rev()
            .take_while(|byte| is_name(byte))
            .count();
        let name = &text[name_end - length..name_end];
        let offset = hex(text[word.clone()].strip_prefix(b"0x")?)?;
        let rest = &text[word.end..];
        let (end, size) = match rest.strip_prefix(b"/0x") {
            Some(digits) => {
                let length = digits
                    .iter()
                    .take_while(|byte| byte.is_ascii_hexdigit())
                    .count();
                (word.end + 3 + length, Some(hex(&digits[..length])?))
            }
            None => (word.end, None),
        };
        // A loaded module stands there already.
        if text[end..].starts_with(b" [") && !text[end..].starts_with(b" [<") {
            return None;
        }
        let fits = |symbol: &Entry<'t>| match (size, symbol.size()) {
            (Some(size), Some(known)) => size == known,
            (None, Some(known)) => offset <= known,
            _ => true,
        };
        // One symbol, or several of the same modules: the name alone tells no more.
        let mut modules = self
            .table
            .named(name)
            .filter(fits)
            .map(|symbol| symbol.modules());
        let first = modules.next().filter(|modules| !modules.is_empty())?;
        modules
            .all(|modules| modules == first)
            .then_some((end, first))
    }
}

/// Whether a text goes on with this name: `vfs_read+0x17`, `? vfs_read`, `(vfs_read`.
fn is_named(rest: &[u8], name: &[u8]) -> bool {
    let mut rest = rest.trim_ascii_start();
    for lead in [&b"? "[..], b"("] {
        rest = rest.strip_prefix(lead).unwrap_or(rest);
    }
    let after = rest.strip_prefix(name).map(|after| after.first());
    after.is_some_and(|next| {
        next.is_none_or(|byte| !byte.is_ascii_alphanumeric() && !matches!(byte, b'_' | b'.'))
    })
}

/// Runs of letters, digits and `_`.
fn words(text: &[u8]) -> impl Iterator<Item = Range<usize>> {
    let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    let mut at = 0;
    std::iter::from_fn(move || {
        let start = at + text[at..].iter().position(is_word)?;
        let length = text[start..]
            .iter()
            .take_while(|byte| is_word(byte))
            .count();
        at = start + length;
        Some(start..at)
    })
}

fn hex(digits: &[u8]) -> Option<u64> {
    let is_hex = (1..=16).contains(&digits.len()) && digits.iter().all(u8::is_ascii_hexdigit);
    let text = std::str::from_utf8(digits).ok().filter(|_| is_hex)?;
    u64::from_str_radix(text, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const KERNEL: &[u8] = b"\
0000000000000000 100 A per_cpu
ffffffff81000000 40 T start
ffffffff81000040 40 t probe\t[a] [b]
ffffffff81000080 20 t probe\t[c]
ffffffff81001000 0 B _end
";

    fn symbolized(text: &[u8], modules: bool) -> Vec<u8> {
        let table = SymbolTable::from_bytes(KERNEL).unwrap();
        let finder = Finder::new(&table, 0);
        let (mut copy, mut done) = (Vec::new(), 0);
        for note in finder.notes(text, modules) {
            let place = note.place();
            copy.extend_from_slice(&text[done..place]);
            match note {
                Note::Address(hit) => {
                    copy.extend_from_slice(b"{");
                    copy.extend_from_slice(hit.symbol.name());
                    copy.extend_from_slice(format!("+{:x}}}", hit.offset).as_bytes());
                }
                Note::Modules(_, modules) => copy.extend_from_slice(modules.as_bytes()),
            }
            done = place;
        }
        copy.extend_from_slice(&text[done..]);
        copy
    }

    #[test]
    fn addresses_are_named() {
        for (text, expected) in [
            ("ffffffff81000010", "ffffffff81000010{start+10}"),
            (
                "RIP: 0010:[<ffffffff81000010>] x",
                "RIP: 0010:[<ffffffff81000010>]{start+10} x",
            ),
            (
                "[<ffffffff81000010>] ? probe+0x1/0x2",
                "[<ffffffff81000010>]{start+10} ? probe+0x1/0x2",
            ),
            ("(0xFFFFFFFF81000040)", "(0xFFFFFFFF81000040{probe+0})"),
            (
                "RAX: ffffffff81000000 RBX: ffffffff81000044\r\n",
                "RAX: ffffffff81000000{start+0} RBX: ffffffff81000044{probe+4}\r\n",
            ),
            (
                "ffffffff81000010-ffffffff81000020",
                "ffffffff81000010{start+10}-ffffffff81000020{start+20}",
            ),
            ("0xffffffff81000010+0x4", "0xffffffff81000010{start+10}+0x4"),
        ] {
            let found = symbolized(text.as_bytes(), false);
            assert_eq!(
                found.escape_ascii().to_string(),
                expected.as_bytes().escape_ascii().to_string()
            );
        }
    }

    #[test]
    fn all_else_stays() {
        for text in [
            &b""[..],
            b"\n",
            b"0000000000000000 0x0 0x10",
            b"RIP: 0010:start+0x10/0x40",
            b"start+0xffffffff81000010/0xffffffff81000010",
            b"ffffffff810000100 fffffffff81000010 fffffff81000010 ffffffff8100001g",
            b"x.ffffffff81000010 _ffffffff81000010 ffffffff81000010_",
            b"ffffffff81000100",
            b"ffffffff81000010 start+0x10 ([kernel.kallsyms])",
            b"[<ffffffff81000010>] ? start+0x10/0x40",
            b"ffffffff81000010 (start)",
            b"\xff\xfe\0 0x 0xg 0x12345678901234567",
        ] {
            assert_eq!(symbolized(text, false), text, "{}", text.escape_ascii());
        }
        let longer = symbolized(b"ffffffff81000010 starter", false);
        assert_eq!(
            longer, b"ffffffff81000010{start+10} starter",
            "another name"
        );
    }

    #[test]
    fn frames_of_built_in_modules() {
        for (text, expected) in [
            ("? probe+0x10/0x40\n", "? probe+0x10/0x40[a] [b]\n"),
            ("RIP: 0010:probe+0x10/0x20", "RIP: 0010:probe+0x10/0x20[c]"),
            ("probe+0x30", "probe+0x30[a] [b]"),
            ("probe+0x30 [<0>]", "probe+0x30[a] [b] [<0>]"),
            ("probe+0x10", "probe+0x10"),
            ("probe+0x10/0x40 [loaded]", "probe+0x10/0x40 [loaded]"),
            ("probe+0x10/0x44", "probe+0x10/0x44"),
            ("start+0x10/0x40", "start+0x10/0x40"),
            ("myprobe+0x10/0x40", "myprobe+0x10/0x40"),
            ("+0x10", "+0x10"),
        ] {
            let found = symbolized(text.as_bytes(), true);
            assert_eq!(String::from_utf8(found).unwrap(), expected);
        }
    }
}
