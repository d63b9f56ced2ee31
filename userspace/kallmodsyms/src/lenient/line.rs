// SPDX-License-Identifier: Apache-2.0 OR MIT

//! One line that need not be clean.

use memchr::memchr;

use crate::{Modules, Symbol, Width};

/// A line that is a symbol.
pub(super) struct Line<'a> {
    pub(super) symbol: Symbol<'a>,
    /// How wide the address is, where it is a number.
    pub(super) width: Option<Width>,
    /// Whether the size is as `nm -S` prints it: as wide as an address.
    pub(super) is_nm: bool,
}

/// The symbol that a line is, given without its line feed, or `None`. One line alone does not tell of all whether there
/// is a size: `sized` does, where the lines around are known.
///
/// ```
/// use kallmodsyms::lenient;
///
/// let symbol = lenient::symbol(b"  0xFFFFFFFFC0000000 t\tf  [snd-hda-intel]\r", None).unwrap();
/// assert_eq!((symbol.address, symbol.name), (0xffff_ffff_c000_0000, b"f".as_slice()));
/// assert!(symbol.modules.contains(b"snd-hda-intel"));
/// let symbol = |sized| lenient::symbol(b"ffffffffc0000000 d t [m]", Some(sized)).unwrap();
/// assert_eq!((symbol(true).name, symbol(false).name), (b"[m]".as_slice(), b"t".as_slice()));
/// ```
#[must_use]
pub fn symbol(line: &[u8], sized: Option<bool>) -> Option<Symbol<'_>> {
    either(line, sized, None).map(|line| line.symbol)
}

/// The same where the lines before say how wide addresses are.
pub(super) fn read(line: &[u8], shape: Option<(bool, Width)>) -> Option<Line<'_>> {
    either(line, shape.map(|shape| shape.0), shape.map(|shape| shape.1))
}

fn either(line: &[u8], sized: Option<bool>, width: Option<Width>) -> Option<Line<'_>> {
    let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
    let unsized_line = || fields(line, false, width);
    let sized_line = || fields(line, true, width);
    match sized {
        Some(true) => sized_line(),
        Some(false) => unsized_line().or_else(|| sized_line().filter(|line| line.is_nm)),
        // Only a line that can be nothing else has a size.
        None => unsized_line().or_else(sized_line),
    }
}

/// Whether a line of `nm` is that of a symbol which is not defined: a letter and a name, and blanks for the address.
pub(super) fn is_undefined(line: &[u8]) -> bool {
    let (kind, rest) = word(line);
    let (name, rest) = word(rest);
    line.starts_with(b" ")
        && matches!(kind, b"U" | b"w" | b"v")
        && is_name(name)
        && word(rest).0.is_empty()
}

/// Reads the fields of a line, with a size among them or without.
fn fields(line: &[u8], sized: bool, width: Option<Width>) -> Option<Line<'_>> {
    let (first, rest) = word(line);
    let (address, width) = address(first, width)?;
    let (size, is_nm, rest) = if sized {
        let (size, rest) = word(rest);
        let is_nm =
            size.len() > 1 && Some(size.len()) == width.map(Width::digits) && size[0] == b'0';
        (Some(hex(size)?), is_nm, rest)
    } else {
        (None, false, rest)
    };
    let (&[kind], rest) = word(rest) else {
        return None;
    };
    let (name, list) = word(rest);
    if !(kind.is_ascii_alphabetic() || kind == b'?') || !is_name(name) {
        return None;
    }
    let (modules, object) = list_of(trimmed(list))?;
    let symbol = Symbol {
        address,
        size,
        kind,
        name,
        modules,
        object,
    };
    Some(Line {
        symbol,
        width,
        is_nm,
    })
}

/// The first word, and what follows it.
fn word(text: &[u8]) -> (&[u8], &[u8]) {
    let start = text.iter().position(|&byte| !is_blank(byte));
    let text = &text[start.unwrap_or(text.len())..];
    let end = text.iter().position(|&byte| is_blank(byte));
    text.split_at(end.unwrap_or(text.len()))
}

const fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r')
}

fn trimmed(text: &[u8]) -> &[u8] {
    let Some(start) = text.iter().position(|&byte| !is_blank(byte)) else {
        return &[];
    };
    let end = text.iter().rposition(|&byte| !is_blank(byte));
    &text[start..end.map_or(start, |end| end + 1)]
}

/// An address as kernels and tools print it; those that hide it print a word.
fn address(word: &[u8], width: Option<Width>) -> Option<(u64, Option<Width>)> {
    if matches!(
        word,
        b"(null)" | b"(nil)" | b"(ptrval)" | b"(____ptrval____)"
    ) {
        return Some((0, width));
    }
    let digits = without_prefix(word);
    let found = match digits.len() {
        8 => Width::Bits32,
        16 => Width::Bits64,
        _ => return None,
    };
    let address = hex(digits).filter(|_| width.is_none_or(|width| width == found))?;
    Some((address, Some(found)))
}

fn without_prefix(word: &[u8]) -> &[u8] {
    let digits = word
        .strip_prefix(b"0x")
        .or_else(|| word.strip_prefix(b"0X"));
    digits.unwrap_or(word)
}

/// The value of 1 to 16 hex digits of either case.
fn hex(word: &[u8]) -> Option<u64> {
    let digits = without_prefix(word);
    let is_hex = (1..=16).contains(&digits.len()) && digits.iter().all(u8::is_ascii_hexdigit);
    let text = core::str::from_utf8(digits).ok().filter(|_| is_hex)?;
    u64::from_str_radix(text, 16).ok()
}

/// A name of any length. Other control characters than these may stand in one.
fn is_name(word: &[u8]) -> bool {
    !word.is_empty()
        && !word
            .iter()
            .any(|byte| matches!(byte, 0 | b'\n' | 0x0b | 0x0c))
}

/// Modules in brackets with one blank between, and an object file in braces.
fn list_of(list: &[u8]) -> Option<(Modules<'_>, Option<&[u8]>)> {
    let mut rest = list;
    let mut taken = 0;
    while let [b'[', name @ ..] = rest {
        let close = memchr(b']', name).filter(|&close| is_module(&name[..close]))?;
        rest = &name[close + 1..];
        taken = list.len() - rest.len();
        match rest {
            [] => break,
            [b' ', after @ ..] => rest = after,
            _ => return None,
        }
    }
    let modules = Modules::from_grammar(&list[..taken]);
    match rest {
        [] => Some((modules, None)),
        [b'{', object @ .., b'}'] if is_object(object) => Some((modules, Some(object))),
        _ => None,
    }
}

fn is_module(name: &[u8]) -> bool {
    !name.is_empty()
        && name
            .iter()
            .all(|byte| byte.is_ascii_graphic() && !b"[]{}".contains(byte))
}

fn is_object(name: &[u8]) -> bool {
    name.len() > 2
        && name.ends_with(b".o")
        && !name
            .iter()
            .any(|byte| matches!(byte, 0 | b'\t'..=b'\r' | b' ' | b'{' | b'}'))
}

#[cfg(test)]
mod tests {
    use super::{is_undefined, symbol};

    #[test]
    fn what_can_mean_one_thing() {
        for (line, address, size, name, modules) in [
            (
                "          (null) A irq_stack_union",
                0,
                None,
                "irq_stack_union",
                "",
            ),
            ("(____ptrval____) T f\t[m]", 0, None, "f", "[m]"),
            ("C0008000 T f", 0xc000_8000, None, "f", ""),
            (
                "0xffffffff81000000 T f",
                0xffff_ffff_8100_0000,
                None,
                "f",
                "",
            ),
            (
                "ffffffff81000000\tT\tf",
                0xffff_ffff_8100_0000,
                None,
                "f",
                "",
            ),
            (
                "ffffffff81000000 T f \r",
                0xffff_ffff_8100_0000,
                None,
                "f",
                "",
            ),
            (
                "ffffffff81000000 t f      [a] [b]",
                0xffff_ffff_8100_0000,
                None,
                "f",
                "[a] [b]",
            ),
            (
                "ffffffff81000000 t f [kernel/x.ko]",
                0xffff_ffff_8100_0000,
                None,
                "f",
                "[kernel/x.ko]",
            ),
            (
                "ffffffff81000000 d t t",
                0xffff_ffff_8100_0000,
                Some(13),
                "t",
                "",
            ),
            (
                "ffffffff81000000 11F T f\t[m]",
                0xffff_ffff_8100_0000,
                Some(0x11f),
                "f",
                "[m]",
            ),
            (
                "ffffffff81000000 d t [m]",
                0xffff_ffff_8100_0000,
                None,
                "t",
                "[m]",
            ),
            (
                "\u{feff}ffffffff81000000 T f",
                0xffff_ffff_8100_0000,
                None,
                "f",
                "",
            ),
        ] {
            let found = symbol(line.as_bytes(), None).unwrap_or_else(|| panic!("{line:?}"));
            let expected = (address, size, name.as_bytes(), modules.as_bytes());
            assert_eq!(
                (
                    found.address,
                    found.size,
                    found.name,
                    found.modules.as_bytes()
                ),
                expected,
                "{line:?}"
            );
        }
        let long = [&b"ffffffff81000000 t "[..], &[b'n'; 600]].concat();
        assert_eq!(symbol(&long, None).unwrap().name.len(), 600);
        let object = symbol(b"ffffffff81000000 t f\t[a] {x/y.o}", None).unwrap();
        assert_eq!(object.object, Some(&b"x/y.o"[..]));
    }

    #[test]
    fn what_cannot() {
        for line in [
            "",
            " ",
            "ffffffff81000000",
            "ffffffff81000000 T",
            "ffffffff81000000 T two words",
            "ffffffff8100000 T f",
            "fffffffff81000000 T f",
            "ffffffff8100000g T f",
            "ffffffff81000000 TT f",
            "ffffffff81000000 7 f",
            "ffffffff81000000 (T) f",
            "ffffffff81000000 T f [",
            "ffffffff81000000 T f []",
            "ffffffff81000000 T f [a][b]",
            "ffffffff81000000 T f [a b]",
            "ffffffff81000000 T f [a] x",
            "ffffffff81000000 8 T",
            "0x T f",
            "(null) T",
            "ffffffff81000000 T a\0b",
            "[    1.0] RIP: 0010:f+0x1/0x2",
            "                 U f",
            "T f",
        ] {
            assert!(symbol(line.as_bytes(), None).is_none(), "{line:?}");
        }
        assert!(symbol(b"ffffffff81000000 T f", Some(true)).is_none());
        assert!(symbol(b"ffffffff81000000 80 T f", Some(false)).is_none());
        assert!(symbol(b"ffffffff81000000 0000000000000080 T f", Some(false)).is_some());
    }

    #[test]
    fn undefined_symbols() {
        for line in [
            "                 U f",
            "         w f",
            "                 v f\r",
        ] {
            assert!(is_undefined(line.as_bytes()), "{line:?}");
        }
        for line in [
            "U f",
            "                 T f",
            "                 U",
            "                 U f g",
            "",
        ] {
            assert!(!is_undefined(line.as_bytes()), "{line:?}");
        }
    }
}
