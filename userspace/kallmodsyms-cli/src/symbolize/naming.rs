// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Whether a text says itself of which symbol an address is.
//!
//! Tools do so before the address or behind it, with all sorts of things between:
//!
//! | who | how |
//! |---|---|
//! | the kernel | `[<ffffffff81000050>] ? f+0x10/0x80`, `[<c0100054>] (f) from [<c01000a0>] (g+0x64/0x90)` |
//! | powerpc, mips, s390 | `[c0000000001d5e00] .f+0x10/0x40`, `epc : 80100054 f+0x14/0x72c`, `([<...>] f+0x10/0x20)` |
//! | gdb, objdump | `0xffffffff81000050 <f+16>`, `ffffffff81000040 <f>:`, `#1 0xffffffff81000050 in f () at f.c:1` |
//! | histograms of ftrace | `call_site: [ffffffff81000050] f` |
//! | nm, readelf, objdump -t | `ffffffff81000040 T f`, `1: ffffffff81000040 128 FUNC GLOBAL DEFAULT 1 f` |
//! | crash | `f at ffffffff81000050`, `ffffffff81000050 (t) f+16` |
//! | ftrace | `=> f+0x10/0x80 <ffffffff81000050>`, `f <ffffffff81000040> <-g <ffffffff81000050>` |
//! | kprobes, perf | `ffffffff81000040  k  f+0x0`, `ffffffff81000050 f+0x10 ([kernel.kallsyms])` |
//! | Linux 2.6 | `<ffffffff81000050>{f+16}`, `{:ext4:f+16}` |

use std::ops::Range;

use super::finder::{Address, Finder};
use super::frame::{Frame, NAME_LONGEST, name_before};
use super::word::{escape, is_name, without_escapes};

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Naming {
    /// Not at all.
    None,
    /// By its name, before or behind the address.
    Name,
    /// By a name behind it that no symbol there has.
    Other(Range<usize>),
    /// By a frame before it, of whatever symbol.
    Before(Frame),
    /// By a frame behind it, of whatever symbol.
    Behind(Frame),
}

/// How many words may stand between an address and its name: as many as readelf has.
const BETWEEN: usize = 8;

impl Naming {
    /// Looks behind the address, then before it.
    pub(super) fn of<'t>(
        finder: &Finder<'t>,
        line: &[u8],
        address: &Address<'t>,
        before: Option<&Frame>,
    ) -> Self {
        match Self::behind(finder, line, address) {
            Self::None => Self::before(finder, &line[..address.digits.start], address, before),
            naming => naming,
        }
    }

    fn behind<'t>(finder: &Finder<'t>, line: &[u8], address: &Address<'t>) -> Self {
        let is_bracketed = address.whole.end > address.digits.end;
        let mut at = address.whole.end;
        // Whether a frame here is that of the address by what stands between, whatever it says.
        let mut is_tight = true;
        for between in 0..BETWEEN {
            at = skip(line, at, &mut is_tight);
            let length = line[at..]
                .iter()
                .take(NAME_LONGEST)
                .take_while(|&&byte| is_name(byte));
            let word = at..at + length.count();
            let (bytes, behind) = (&line[word.clone()], &line[word.end..]);
            if bytes.is_empty() {
                // gdb within a function: `0xffffffff81000050 <+16>`.
                let is_offset = line[..at].ends_with(b"<") && behind.starts_with(b"+");
                return if is_offset { Self::Name } else { Self::None };
            }
            if let Some(frame) = Frame::with_name(line, &word) {
                return if is_tight || finder.starts_at(line, &frame, address.value) {
                    Self::Behind(frame)
                } else {
                    Self::None
                };
            }
            // `{:ext4:f+16}`, `ext4:f`
            if let [b':' | b'!' | b'`', next, ..] = behind {
                if is_name(*next) {
                    at = word.end + 1;
                    continue;
                }
            }
            match finder.may_be_address(bytes) {
                // `RIP: 0010:[<ffffffff81000050>]  [<ffffffff81000050>] f+0x10/0x80`
                Some(other) if other == address.value => {
                    let close = behind.iter().take_while(|byte| matches!(byte, b'>' | b']'));
                    at = word.end + close.count();
                    continue;
                }
                Some(_) => return Self::None,
                None => {}
            }
            // gdb: `#1 0xffffffff81000050 in f () at f.c:1`.
            if bytes == b"in" && between == 0 {
                at = word.end;
                continue;
            }
            let is_number = bytes[0].is_ascii_digit();
            // A letter is that of a list of symbols, unless it is the last word.
            let is_letter = bytes.len() == 1 && !matches!(behind, [] | [b'\n' | b'\r' | b'\t', ..]);
            if !is_number && !is_letter && finder.is_of(line, &word, address) {
                return Self::Name;
            }
            let may_be_name = is_tight && (is_bracketed || between > 0);
            if is_in_angles(line, &word) || (may_be_name && is_identifier(bytes, behind)) {
                return Self::Other(word);
            }
            if !is_number && !is_of_symbol_list(bytes) {
                return Self::None;
            }
            at = word.end;
        }
        Self::None
    }

    fn before<'t>(
        finder: &Finder<'t>,
        line: &[u8],
        address: &Address<'t>,
        frame: Option<&Frame>,
    ) -> Self {
        let Some((mut end, mut is_tight)) = trimmed(line) else {
            return Self::None;
        };
        for lead in [b" at", b" is"] {
            if line[..end].ends_with(lead) {
                // With the blank before it.
                let start = end - 2;
                end = trimmed(&line[..start]).map_or(start, |(end, _)| end);
                is_tight = true;
            }
        }
        // A module between.
        if line[..end].ends_with(b"]") {
            let name = name_before(line, end - 1);
            if let Some(name) = name.filter(|name| line[..name.start].ends_with(b"[")) {
                end = trimmed(&line[..name.start]).map_or(name.start, |(end, _)| end);
            }
        }
        if let Some(frame) = frame.filter(|frame| frame.end == end) {
            return if is_tight || finder.starts_at(line, frame, address.value) {
                Self::Before(frame.clone())
            } else {
                Self::None
            };
        }
        match name_before(line, end) {
            Some(name) if finder.is_of(line, &name, address) => Self::Name,
            _ => Self::None,
        }
    }
}

/// Where what may stand between an address and its name ends.
fn skip(line: &[u8], mut at: usize, is_tight: &mut bool) -> usize {
    while let Some(&byte) = line.get(at) {
        match byte {
            b' ' | b'\t' | b'?' | b'!' | b'(' | b')' | b'{' => {}
            // `<-` is ftrace's, and the caller follows.
            b'<' if line.get(at + 1) != Some(&b'-') => {}
            b':' => *is_tight &= at.checked_sub(1).is_some_and(|before| line[before] == b'{'),
            b'[' | b'=' | b'*' => *is_tight = false,
            _ => match escape(&line[at..]) {
                0 => break,
                length => {
                    at += length;
                    continue;
                }
            },
        }
        at += 1;
    }
    // bcc under Python 3: `b'f+0x10'`.
    at + if line[at..].starts_with(b"b'") { 2 } else { 0 }
}

/// gdb and objdump: `ffffffff81000040 <f>:`.
fn is_in_angles(line: &[u8], word: &Range<usize>) -> bool {
    line[..word.start].ends_with(b" <") && line[word.end..].starts_with(b">")
}

/// Whether a word is the name of a symbol by its looks: `syslog_print_all`, but none that has a value.
fn is_identifier(word: &[u8], behind: &[u8]) -> bool {
    word.contains(&b'_') && !word[0].is_ascii_digit() && !matches!(behind, [b':' | b'=', ..])
}

/// What stands between an address and a name in lists of symbols: letters, sizes, `.text`, `FUNC`.
fn is_of_symbol_list(word: &[u8]) -> bool {
    word.len() == 1
        || word[0] == b'.'
        || word.iter().all(u8::is_ascii_hexdigit)
        || word.iter().all(u8::is_ascii_uppercase)
}

/// Where a line ends without blanks and what opens before an address, and whether something opens. None where there are
/// neither.
fn trimmed(line: &[u8]) -> Option<(usize, bool)> {
    let (mut end, mut is_any, mut is_tight) = (line.len(), false, false);
    loop {
        match line[..end].last() {
            Some(b' ' | b'\t') => is_any = true,
            Some(&byte) if is_open(byte) => (is_any, is_tight) = (true, true),
            _ => match without_escapes(line, end) {
                kept if kept < end => {
                    end = kept;
                    continue;
                }
                _ => return is_any.then_some((end, is_tight)),
            },
        }
        end -= 1;
    }
}

fn is_open(byte: u8) -> bool {
    matches!(byte, b'(' | b'<' | b'[' | b'{' | b'@' | b'=')
}
