// SPDX-License-Identifier: Apache-2.0 OR MIT

//! The usual line, fast: four times as fast as the grammar with its reasons, which also needs the line's end
//! beforehand.
//!
//! Nearly every line is well formed, has a size of at most three digits and no object file. Such a line is recognized
//! here without a search for its end: where the name or the list ends, the line does. Every other line, well formed or
//! not, is [`Unusual`] and left to the [grammar](super), which alone says why a line is none. What is accepted here it
//! accepts too, and takes for the same.
//!
//! What counts is first mispredicted branches, then instructions: about 0.4 and 220 a line, with a caller that looks at
//! every field (callgrind, on `standard.kallmodsyms` of the captures).

#![expect(
    clippy::inline_always,
    reason = "a caller that reads files in two places calls otherwise, for 30 % more time a line"
)]

use nom::{Err, IResult};

use super::word::{hex8, hex16, low_byte, low_or_high_byte};
use super::{NAME_MAX, is_in_module, is_kind};
use crate::{Dialect, Format, Modules, Symbol, Width};

/// Not decided here.
type Unusual = ();

type Parsed<'a, T> = IResult<&'a [u8], T, Unusual>;

const UNUSUAL: Err<Unusual> = Err::Error(());

/// Reads the line that `input` starts with, line feed included.
#[inline(always)]
pub(crate) fn line(format: Format, input: &[u8]) -> Parsed<'_, Symbol<'_>> {
    let Format { dialect, width } = format;
    // One look at what is left of the file, for the longest fields before the name and the part of the name that
    // `name` looks at. The last lines of a file are thus unusual.
    let head: &[u8; 64] = input.first_chunk().ok_or(UNUSUAL)?;
    let (rest, address) = address(width, head)?;
    let (rest, size) = if dialect.has_sizes() {
        let (rest, size) = size(rest)?;
        (rest, Some(size))
    } else {
        (rest, None)
    };
    let (rest, kind) = kind(rest)?;
    let (rest, name) = name(&input[head.len() - rest.len()..])?;
    let (rest, modules) = list(dialect, rest)?;
    let symbol = Symbol {
        address,
        size,
        kind,
        name,
        modules,
        object: None,
    };
    Ok((rest, symbol))
}

/// An address and the blank after it.
#[inline(always)]
fn address(width: Width, input: &[u8]) -> Parsed<'_, u64> {
    let (address, rest) = match width {
        Width::Bits64 => {
            let (digits, rest) = input.split_first_chunk().ok_or(UNUSUAL)?;
            (hex16(digits), rest)
        }
        Width::Bits32 => {
            let (digits, rest) = input.split_first_chunk().ok_or(UNUSUAL)?;
            (hex8(*digits), rest)
        }
    };
    match (address, rest) {
        (Some(address), [b' ', rest @ ..]) => Ok((rest, address)),
        _ => Err(UNUSUAL),
    }
}

/// A size of one to three digits and the blank after it.
///
/// Of all sizes of a kernel, 99.8 % are that short, and 72 % have two digits. A branch for each length is right so
/// often that it beats a computation: that must end before the next field can be looked at.
#[inline(always)]
fn size(input: &[u8]) -> Parsed<'_, u64> {
    let digit = |byte: u8| HEX[usize::from(byte)];
    let (size, rest) = match *input {
        [a, b, b' ', ref rest @ ..] if a != b'0' => (digit(a) << 4 | digit(b), rest),
        [a, b' ', ref rest @ ..] => (digit(a), rest),
        [a, b, c, b' ', ref rest @ ..] if a != b'0' => {
            (digit(a) << 8 | digit(b) << 4 | digit(c), rest)
        }
        _ => return Err(UNUSUAL),
    };
    if size >= NO_DIGIT {
        return Err(UNUSUAL);
    }
    Ok((rest, size.into()))
}

/// More than three digits make.
const NO_DIGIT: u32 = 0x1000;

/// The values of hex digits.
const HEX: [u32; 256] = {
    let mut table = [NO_DIGIT; 256];
    let mut value = 0;
    while value < 16 {
        table[b"0123456789abcdef"[value as usize] as usize] = value;
        value += 1;
    }
    table
};

/// A type and the blank after it.
#[inline(always)]
fn kind(input: &[u8]) -> Parsed<'_, u8> {
    match *input {
        [kind, b' ', ref rest @ ..] if is_kind(kind) => Ok((rest, kind)),
        _ => Err(UNUSUAL),
    }
}

/// What may be a name, if what follows it is one of the bytes that end names.
#[inline(always)]
fn name(input: &[u8]) -> Parsed<'_, &[u8]> {
    // 94 % of names are shorter than this.
    let head: &[u8; 40] = input.first_chunk().ok_or(UNUSUAL)?;
    let mut end = low_or_high_byte(head);
    if end >= head.len() {
        end = low_byte(input);
    }
    match input.split_at_checked(end) {
        Some((name, rest)) if (1..=NAME_MAX).contains(&end) => Ok((rest, name)),
        _ => Err(UNUSUAL),
    }
}

/// The modules, if there are any, and the line feed.
#[inline(always)]
fn list(dialect: Dialect, input: &[u8]) -> Parsed<'_, Modules<'_>> {
    let list = match input {
        [b'\n', rest @ ..] => return Ok((rest, Modules::default())),
        [b'\t', list @ ..] => list,
        _ => return Err(UNUSUAL),
    };
    let mut rest = list;
    loop {
        (rest, ()) = module(rest)?;
        match rest {
            [b'\n', after @ ..] => {
                let modules = Modules::from_grammar(&list[..list.len() - rest.len()]);
                return Ok((after, modules));
            }
            [b' ', after @ ..] if dialect != Dialect::Kallsyms => rest = after,
            _ => return Err(UNUSUAL),
        }
    }
}

/// `[name]`
#[inline(always)]
fn module(input: &[u8]) -> Parsed<'_, ()> {
    let [b'[', name @ ..] = input else {
        return Err(UNUSUAL);
    };
    let end = name.iter().position(|&byte| !is_in_module(byte));
    match end.and_then(|end| name.split_at_checked(end)) {
        Some(([_, ..], [b']', rest @ ..])) => Ok((rest, ())),
        _ => Err(UNUSUAL),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINES: [(Dialect, Width, &[u8]); 8] = [
        (
            Dialect::Sized,
            Width::Bits64,
            b"ffffffff8b014130 11f T start",
        ),
        (
            Dialect::Sized,
            Width::Bits64,
            b"000000000001a2d8 8 ? a_name_of_as_many_as_forty_bytes_of_all__",
        ),
        (
            Dialect::Sized,
            Width::Bits64,
            b"ffffffff8b014280 3a t f\t[intel_rapl_perf] [b]",
        ),
        (Dialect::Sized, Width::Bits32, b"c0008000 0 d t"),
        (
            Dialect::Unsized,
            Width::Bits64,
            b"fffffffffffffff0 W f\t[a] [b]",
        ),
        (
            Dialect::Object,
            Width::Bits64,
            b"ffffffff8b014280 t f\t[a] [b]",
        ),
        (
            Dialect::Kallsyms,
            Width::Bits64,
            b"ffffffff8b014280 t f\t[a]",
        ),
        (Dialect::Kallsyms, Width::Bits32, b"c0008000 T _text"),
    ];

    /// Whether the line is usual. If it is, the grammar takes it for the same.
    fn is_usual(format: Format, bytes: &[u8]) -> bool {
        let mut file = bytes.to_vec();
        file.push(b'\n');
        let next = file.len();
        file.extend([b'f'; 64]);
        let Ok((rest, symbol)) = line(format, &file) else {
            return false;
        };
        assert_eq!(rest, &file[next..]);
        assert_eq!(Ok(symbol), crate::grammar::symbol(format, bytes));
        true
    }

    #[test]
    fn what_is_usual_is_grammatical() {
        for (dialect, width, bytes) in LINES {
            let format = Format { dialect, width };
            assert!(is_usual(format, bytes));
            for &dialect in Dialect::ALL {
                is_usual(Format { dialect, width }, bytes);
            }
            for place in 0..bytes.len() {
                let (before, after) = bytes.split_at(place);
                is_usual(format, before);
                is_usual(format, &[before, &after[1..]].concat());
                for byte in (0..=u8::MAX).filter(|&byte| byte != b'\n') {
                    is_usual(format, &[before, &[byte], after].concat());
                    is_usual(format, &[before, &[byte], &after[1..]].concat());
                }
            }
        }
    }

    #[test]
    fn long_names_are_usual() {
        for length in 1..600 {
            let bytes = [
                b"ffffffff8b014130 11f T ".as_slice(),
                &[b'n'; 600][..length],
            ]
            .concat();
            assert_eq!(is_usual(Format::default(), &bytes), length <= NAME_MAX);
        }
    }
}
