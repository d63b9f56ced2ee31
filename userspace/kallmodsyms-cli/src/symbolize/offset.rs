// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Where a text says that its kernel ran, and from where to where in the text that holds.
//!
//! A kernel says so in its last words: what the line is about stands before it. So a text that can be read twice is, and
//! the first time for these lines alone.

use std::borrow::Cow;
use std::io::{self, Read};
use std::ops::Range;

use kallmodsyms::SymbolTable;
use memchr::memchr;
use memchr::memmem::Finder;

use super::text::Text;
use super::word::{escape, words};
use crate::number;

/// What a line says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// How far the kernel is from where it was linked, and where that was if the line says so.
    Offset { bytes: u64, from: Option<u64> },
    /// Where it starts.
    Start(u64),
    /// That a kernel begins to run.
    Boot,
}

/// How long what a line says is at most, from its last word on: `: 0x... from 0x... (relocation range: 0x...-0x...)`.
pub(super) const LENGTH: usize = 128;

/// The kernel draws a slide in steps of this, or smaller ones, and its first symbol may stand a little behind the
/// address that it calls the start (arm64 before Linux 5.8).
const STEP: u64 = 2 << 20;

impl Told {
    /// What a line says at one of its words.
    ///
    /// x86, arm64, powerpc, riscv, s390: `Kernel Offset: 0x600000 from 0xffffffff81000000`, or `disabled`; mips and
    /// loongarch: ` .text @ 0x9000000003710000`; crash: `kernel relocated [202MB]`; vmcoreinfo: `KERNELOFFSET=1e000000`.
    #[inline]
    pub(super) fn at(line: &[u8], word: &Range<usize>) -> Option<Self> {
        match &line[word.clone()] {
            b"Offset" | b"offset" | b"text" | b"relocated" | b"version" | b"KERNELOFFSET" => {
                // Any word may be one of these: no look at the whole line for each.
                let before = &line[word.start.saturating_sub(LENGTH)..word.start];
                let rest = &line[word.end..line.len().min(word.end + LENGTH)];
                Self::of(&plain(before), &line[word.clone()], &plain(rest))
            }
            _ => None,
        }
    }

    #[cold]
    fn of(before: &[u8], word: &[u8], rest: &[u8]) -> Option<Self> {
        let is_behind = |lead: &[u8]| {
            let place = before.len().checked_sub(lead.len());
            place.is_some_and(|place| before[place..].eq_ignore_ascii_case(lead))
        };
        match word {
            b"KERNELOFFSET" => {
                let bytes = hex_behind(rest, b"=")?.0;
                Some(Self::Offset { bytes, from: None })
            }
            b"version" => {
                let has_number = matches!(rest, [b' ', b'0'..=b'9', ..]);
                (has_number && is_behind(b"Linux ")).then_some(Self::Boot)
            }
            b"text" => {
                let start = hex_behind(rest, b" @ 0x")
                    .filter(|_| before.ends_with(b"."))?
                    .0;
                Some(Self::Start(start)).filter(|_| start != 0)
            }
            b"relocated" => {
                let rest = rest.strip_prefix(b" [").filter(|_| is_behind(b"kernel "))?;
                let length = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
                let megabytes: u64 = std::str::from_utf8(&rest[..length]).ok()?.parse().ok()?;
                let bytes = megabytes.checked_mul(1 << 20)?;
                rest[length..]
                    .starts_with(b"MB]")
                    .then_some(Self::Offset { bytes, from: None })
            }
            _ if !is_behind(b"kernel ") => None,
            _ if rest.starts_with(b": disabled") => Some(Self::Offset {
                bytes: 0,
                from: None,
            }),
            _ => {
                let (bytes, rest) = hex_behind(rest, b": 0x")?;
                let from = hex_behind(rest, b" from 0x").map(|(from, _)| from);
                Some(Self::Offset { bytes, from })
            }
        }
    }

    /// How far that is from where the symbols are. None where the line or the table does not tell.
    pub(super) fn slide(self, table: &SymbolTable) -> Option<u64> {
        let text = ["_text", "_stext", "stext", "_start"]
            .iter()
            .find_map(|name| {
                let mut symbols = table.named(name.as_bytes());
                symbols
                    .find(|symbol| symbol.group().is_image())
                    .map(|symbol| symbol.address())
            });
        match (self, text) {
            (Self::Boot, _) | (Self::Start(_), None) => None,
            (Self::Start(start), Some(text)) => Some(start.wrapping_sub(text)),
            (
                Self::Offset {
                    bytes,
                    from: Some(from),
                },
                Some(text),
            ) => {
                // The symbols may be of a running kernel, of this boot or another.
                let moved = text.wrapping_sub(from);
                if moved < STEP {
                    Some(bytes)
                } else if moved.wrapping_sub(bytes) < STEP {
                    Some(0)
                } else {
                    Some(bytes.wrapping_sub(moved))
                }
            }
            (Self::Offset { bytes, .. }, _) => Some(bytes),
        }
    }
}

/// What is near a word, without escape sequences: dmesg paints what stands before the colon.
fn plain(text: &[u8]) -> Cow<'_, [u8]> {
    if memchr(0x1b, text).is_none() {
        return text.into();
    }
    let mut kept = Vec::new();
    let mut at = 0;
    while at < text.len() {
        match escape(&text[at..]) {
            0 => {
                kept.push(text[at]);
                at += 1;
            }
            length => at += length,
        }
    }
    kept.into()
}

/// The hexadecimal number behind a lead, and what follows.
fn hex_behind<'l>(text: &'l [u8], lead: &[u8]) -> Option<(u64, &'l [u8])> {
    let digits = text.strip_prefix(lead)?;
    let length = digits.iter().take_while(|byte| byte.is_ascii_hexdigit());
    let (digits, rest) = digits.split_at(length.count());
    Some((number::hex(digits)?, rest))
}

/// By how much the kernel is moved in each part of a text: where the part ends, and the slide.
///
/// What a line says holds for all before it and behind it in the same boot, and where a boot has several such lines, for
/// what is before each.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Stretches {
    list: Vec<(u64, u64)>,
    /// What was said since the boot began.
    said: Option<u64>,
}

impl Stretches {
    /// Reads a text for these lines alone. Takes 16 bytes for each of them that says something new.
    pub(super) fn read(text: impl Read, table: &SymbolTable) -> io::Result<Self> {
        let needles = [
            "ernel Offset",
            "ernel offset",
            "KERNELOFFSET=",
            ".text @ 0x",
            "relocated [",
            "Linux version ",
        ];
        let needles = needles.map(Finder::new);
        let mut stretches = Self::default();
        let mut text = Text::new(text);
        let mut start = 0;
        while let Some(lines) = text.next()? {
            // Most text has none: no look at lines.
            if needles.iter().all(|needle| needle.find(lines).is_none()) {
                start += lines.len() as u64;
                continue;
            }
            for line in lines.split_inclusive(|&byte| byte == b'\n') {
                let end = start + line.len() as u64;
                for told in words(line).filter_map(|word| Told::at(line, &word)) {
                    stretches.add(told, start..end, table);
                }
                start = end;
            }
        }
        let last = stretches.said.unwrap_or(0);
        stretches.push(u64::MAX, last);
        Ok(stretches)
    }

    fn add(&mut self, told: Told, line: Range<u64>, table: &SymbolTable) {
        if told == Told::Boot {
            let before = self.said.take().unwrap_or(0);
            self.push(line.start, before);
        } else if let Some(slide) = told.slide(table) {
            self.push(line.end, slide);
            self.said = Some(slide);
        }
    }

    fn push(&mut self, end: u64, slide: u64) {
        match self.list.last_mut() {
            Some(last) if last.1 == slide => last.0 = end,
            _ => self.list.push((end, slide)),
        }
    }

    /// The slide of each place, if asked for in the order of the text.
    pub(super) fn slides(&self) -> impl FnMut(u64) -> u64 + use<'_> {
        let mut rest = &self.list[..];
        move |place| {
            while let [(end, _), more @ ..] = rest {
                if place < *end || more.is_empty() {
                    break;
                }
                rest = more;
            }
            rest.first().map_or(0, |&(_, slide)| slide)
        }
    }
}

#[cfg(test)]
mod tests {
    use kallmodsyms::SymbolTable;

    use super::{Stretches, Told};
    use crate::symbolize::word::words;

    fn told(line: &str) -> Vec<Told> {
        let line = line.as_bytes();
        words(line)
            .filter_map(|word| Told::at(line, &word))
            .collect()
    }

    #[test]
    fn what_lines_say() {
        let offset = |bytes, from| Told::Offset { bytes, from };
        for (line, expected) in [
            (
                "[    0.1] Kernel Offset: 0x600000 from 0xffffffff81000000 (relocation range: 0xffffffff80000000-0xffffffffbfffffff)",
                offset(0x60_0000, Some(0xffff_ffff_8100_0000)),
            ),
            (
                "<0>[   17.8] Kernel Offset: 0x2bc49c400000 from 0xffff800008000000\r\n",
                offset(0x2bc4_9c40_0000, Some(0xffff_8000_0800_0000)),
            ),
            ("Kernel Offset: 0x10 (", offset(0x10, None)),
            ("kernel offset: 0x10", offset(0x10, None)),
            ("KERNELOFFSET=1e000000", offset(0x1e00_0000, None)),
            (
                "\x1b[32m[    0.1] \x1b[0m\x1b[33mKernel Offset\x1b[0m: 0x10 \x1b[mfrom 0x20",
                offset(0x10, Some(0x20)),
            ),
            ("[  168.6][   T52] Kernel Offset: disabled", offset(0, None)),
            (
                "[ 5.3]  .text @ 0x9000000002240000",
                Told::Start(0x9000_0000_0224_0000),
            ),
            (
                "WARNING: kernel relocated [202MB]: patching 50000 gdb minimal_symbol values",
                offset(202 << 20, None),
            ),
            ("[    0.000000] Linux version 6.12.117 (gcc)", Told::Boot),
        ] {
            assert_eq!(told(line), [expected], "{line}");
        }
        for line in [
            "Kernel Offset: 0x",
            "Kernel Offset: none",
            "Kernel Offset",
            "KERNELOFFSET=",
            "KERNELOFFSET: 10",
            "Offset: 0x10",
            "Colonel Offset",
            " .text @ 0x0",
            " .text @ ",
            " text @ 0x10",
            "kernel relocated [202]",
            "kernel relocated [99999999999999999MB]",
            "relocated [2MB]",
            "version 2",
            "this Linux version is",
        ] {
            assert_eq!(told(line), [], "{line}");
        }
    }

    #[test]
    fn slides_to_what_the_symbols_have() {
        let slide = |text: &str, line: &str| {
            let table = SymbolTable::from_bytes(text.as_bytes()).unwrap();
            told(line)[0].slide(&table)
        };
        let linked = "ffffffff81000000 T _text\n";
        let x86 = "Kernel Offset: 0x1e000000 from 0xffffffff81000000";
        assert_eq!(slide(linked, x86), Some(0x1e00_0000));
        assert_eq!(
            slide("ffffffff9f000000 T _stext\n", x86),
            Some(0),
            "of this boot"
        );
        assert_eq!(
            slide("ffffffffa0000000 T _text\n", x86),
            Some(0x100_0000_u64.wrapping_neg()),
            "of another boot"
        );
        assert_eq!(slide("ffffffff81000000 T f\n", x86), Some(0x1e00_0000));
        assert_eq!(
            slide("ffffffffc0000000 t _text\t[m]\n", x86),
            Some(0x1e00_0000)
        );
        let early_arm64 = "Kernel Offset: 0x120000 from 0xffff000010000000";
        assert_eq!(
            slide("ffff000010080000 t _text\n", early_arm64),
            Some(0x12_0000)
        );
        let loongarch = ".text @ 0x9000000003710000";
        assert_eq!(
            slide("9000000000200000 T _text\n", loongarch),
            Some(0x351_0000)
        );
        assert_eq!(slide("9000000000200000 T f\n", loongarch), None);
        assert_eq!(slide(linked, "Kernel Offset: disabled"), Some(0));
        assert_eq!(slide(linked, "Linux version 6"), None);
    }

    fn slides(text: &[u8], places: &[u64]) -> Vec<u64> {
        let table = SymbolTable::from_bytes(b"ffffffff81000000 T _text\n").unwrap();
        let stretches = Stretches::read(text, &table).unwrap();
        let mut slide = stretches.slides();
        places.iter().map(|&place| slide(place)).collect()
    }

    #[test]
    fn each_boot_has_its_own() {
        assert_eq!(slides(b"", &[0, 5]), [0, 0]);
        assert_eq!(
            slides(b"a\nKernel Offset: 0x10\nb", &[0, 3, 22, 50]),
            [0x10; 4]
        );
        // Without the line that a kernel begins with: what is before each is its own.
        let two = b"Kernel Offset: 0x10\na\nKernel Offset: 0x20\nb\n";
        assert_eq!(
            slides(two, &[0, 19, 20, 22, 42]),
            [0x10, 0x10, 0x20, 0x20, 0x20]
        );
        let boots = b"a\nKernel Offset: 0x10\nb\nLinux version 1\nc\nLinux version 2\nd\nKernel Offset: 0x20\ne\n";
        let place = |letter: u8| {
            boots
                .windows(2)
                .position(|pair| pair == [letter, b'\n'])
                .unwrap() as u64
        };
        let places = [b'a', b'b', b'c', b'd', b'e'].map(place);
        assert_eq!(slides(boots, &places), [0x10, 0x10, 0, 0x20, 0x20]);
    }
}
