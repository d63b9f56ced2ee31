// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Frames: `vfs_read+0x10/0x80` in a text, as the kernel, gdb, perf, bpftrace and their kind print them.

use std::ops::Range;

use super::word::{escape, is_name, without_escapes};
use crate::number;

/// The longest name that is looked at: a kernel's has 511 bytes at most, and one may stand behind an escape.
pub(super) const NAME_LONGEST: usize = 1024;

/// Where a text says that a symbol with an offset is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) name: Range<usize>,
    pub(super) offset: u64,
    /// What stands behind the `/`: in the kernel's own words the distance to the next symbol.
    pub(super) size: Option<u64>,
    pub(super) end: usize,
}

impl Frame {
    /// The frame that has this word as its offset.
    pub(super) fn with_offset(line: &[u8], word: &Range<usize>) -> Option<Self> {
        let plus = word.start.checked_sub(1)?;
        if line[plus] != b'+' {
            return None;
        }
        let name = name_before(line, without_escapes(line, plus))?;
        let offset = amount(&line[word.clone()])?;
        let size = line[word.end..].strip_prefix(b"/").and_then(|rest| {
            let length = rest.iter().take_while(|byte| byte.is_ascii_alphanumeric());
            let digits = &rest[..length.count()];
            Some((amount(digits)?, word.end + 1 + digits.len()))
        });
        Some(Self {
            name,
            offset,
            size: size.map(|(size, _)| size),
            end: size.map_or(word.end, |(_, end)| end),
        })
    }

    /// The frame whose name this is.
    pub(super) fn with_name(line: &[u8], name: &Range<usize>) -> Option<Self> {
        let mut plus = name.end;
        while let length @ 1.. = escape(&line[plus..]) {
            plus += length;
        }
        let rest = line[plus..].strip_prefix(b"+")?;
        let length = rest.iter().take_while(|byte| byte.is_ascii_alphanumeric());
        let start = plus + 1;
        let frame = Self::with_offset(line, &(start..start + length.count()))?;
        (frame.name == *name).then_some(frame)
    }
}

/// The name that ends where a part of a line does.
pub(super) fn name_before(line: &[u8], end: usize) -> Option<Range<usize>> {
    let bytes = line[..end].iter().rev().take(NAME_LONGEST);
    let length = bytes.take_while(|&&byte| is_name(byte)).count();
    (length > 0).then(|| end - length..end)
}

/// Hexadecimal with 0x, or decimal.
fn amount(digits: &[u8]) -> Option<u64> {
    match digits {
        [b'0', b'x' | b'X', digits @ ..] => number::hex(digits),
        _ => std::str::from_utf8(digits).ok()?.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::Frame;
    use crate::symbolize::word::words;

    /// Name, offset, size and what is left of each frame.
    fn frames(line: &str) -> Vec<(&str, u64, Option<u64>, &str)> {
        let found = words(line.as_bytes())
            .filter_map(|word| Frame::with_offset(line.as_bytes(), &word))
            .inspect(|frame| {
                let by_name = Frame::with_name(line.as_bytes(), &frame.name);
                assert_eq!(by_name.as_ref(), Some(frame), "{line}");
            });
        found
            .map(|frame| {
                (
                    &line[frame.name],
                    frame.offset,
                    frame.size,
                    &line[frame.end..],
                )
            })
            .collect()
    }

    #[test]
    fn frames_of_a_line() {
        for (line, expected) in [
            ("? f+0x10/0x40 [m]", ("f", 16, Some(0x40), " [m]")),
            ("f+16", ("f", 16, None, "")),
            ("f+16/64;", ("f", 16, Some(64), ";")),
            ("<f+0>:", ("f", 0, None, ">:")),
            ("RIP: 0010:f.isra.0+0X1F/0x2", ("f.isra.0", 31, Some(2), "")),
            (".f$a+0x1/0x2[", (".f$a", 1, Some(2), "[")),
            ("f+0x10/g", ("f", 16, None, "/g")),
            ("f\x1b[m\x1b[K+0x10/0x40", ("f", 16, Some(0x40), "")),
            (r"f\u001b[0m+0x10", ("f", 16, None, "")),
            ("f+0x10/", ("f", 16, None, "/")),
        ] {
            assert_eq!(frames(line), [expected], "{line}");
        }
        assert_eq!(
            frames("f+0x1 <-g+0x2/0x3"),
            [("f", 1, None, " <-g+0x2/0x3"), ("g", 2, Some(3), "")]
        );
        for line in [
            "",
            "+0x10",
            "f +0x10",
            "f+",
            "f+x",
            "f+0x",
            "f+1f",
            "f-0x10",
            "f+0x10000000000000000",
        ] {
            assert_eq!(frames(line), [], "{line}");
        }
    }
}
