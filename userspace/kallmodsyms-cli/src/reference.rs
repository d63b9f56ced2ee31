// SPDX-License-Identifier: Apache-2.0 OR MIT

//! What people paste: addresses, names and places in symbols, with what kernels and tools put around them.

use std::borrow::Cow;

use crate::number;

/// What a word speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reference<'q> {
    Address(u64),
    Place(Place<'q>),
}

/// A name, and what may stand with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place<'q> {
    /// Before the name.
    pub(crate) module: Option<&'q str>,
    pub(crate) name: &'q str,
    /// How far into the symbol, modulo 2^64, if that is said.
    pub(crate) offset: Option<u64>,
    /// How long the symbol is.
    pub(crate) size: Option<u64>,
    /// In brackets behind it.
    pub(crate) bracket: Option<&'q str>,
}

impl<'q> Place<'q> {
    /// A name alone.
    pub(crate) const fn named(name: &'q str) -> Self {
        Self {
            module: None,
            name,
            offset: None,
            size: None,
            bracket: None,
        }
    }
}

/// A text as one name, with or without more: `vfs_read`, ``ext4`ext4_probe+0x4/0x40 [ext4]``, `<A as B>::c+0x10`.
pub(crate) fn place(text: &str) -> Place<'_> {
    let text = text.trim();
    let (mut text, mut bracket) = (text, None);
    while let Some((front, module)) = text
        .strip_suffix(']')
        .and_then(|text| text.rsplit_once(" ["))
    {
        (text, bracket) = (front.trim_end(), Some(module));
    }
    let (front, offset, size) = match offset_and_size(text) {
        Some((front, offset, size)) => (front, Some(offset), size),
        None => (text, None, None),
    };
    let (module, name) = module_and_name(front);
    Place {
        module,
        name,
        offset,
        size,
        bracket,
    }
}

/// A module, or a pattern of several, as the kernel has it: with underscores, where modprobe takes hyphens too.
pub(crate) fn module(text: &str) -> String {
    if text.contains('[') {
        text.into()
    } else {
        text.replace('-', "_")
    }
}

/// A place with blanks around its plus as one word: `vfs_read + 0x10`.
pub(crate) fn joined(text: &str) -> Cow<'_, str> {
    let mut joined = String::new();
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('+') {
        let offset = behind.trim_start();
        let is_spread = before.ends_with(' ') || behind.len() != offset.len();
        if is_spread && offset.starts_with(|first: char| first.is_ascii_digit()) {
            joined.push_str(before.trim_end());
            joined.push('+');
            rest = offset;
        } else {
            joined.push_str(before);
            joined.push('+');
            rest = behind;
        }
    }
    if joined.is_empty() {
        return text.into();
    }
    joined.push_str(rest);
    joined.into()
}

/// What stands between references: blanks, the semicolons of folded stacks, the dots of a range.
fn parts(text: &str) -> impl Iterator<Item = &str> {
    let words = text.split(|c: char| c.is_whitespace() || c == ';');
    words
        .flat_map(|word| word.split(".."))
        .filter(|word| !word.is_empty())
}

/// The references in a text, in its order: what starts with 0x or has the digits of an address, and names with an
/// offset. A name alone is none: any word could be one.
pub(crate) fn references(text: &str) -> impl Iterator<Item = Reference<'_>> {
    let mut words = parts(text).peekable();
    std::iter::from_fn(move || {
        loop {
            let word = words.next()?;
            let bracket = words.peek().and_then(|next| in_brackets(next));
            if let Some(address) = address_of_many_digits(word) {
                return Some(Reference::Address(address));
            }
            let place = place(bare(word));
            if place.offset.is_some() && !place.name.is_empty() {
                return Some(Reference::Place(Place { bracket, ..place }));
            }
        }
    })
}

/// The names in a text that stand alone, and the modules in brackets behind them.
pub(crate) fn names(text: &str) -> impl Iterator<Item = (&str, Option<&str>)> {
    let mut words = parts(text).peekable();
    std::iter::from_fn(move || {
        loop {
            let name = bare(words.next()?);
            if !name.is_empty() && !name.contains('=') {
                return Some((name, words.peek().and_then(|next| in_brackets(next))));
            }
        }
    })
}

/// Only what the kernel prints of a module: `[<` leads to an address.
fn in_brackets(word: &str) -> Option<&str> {
    let (module, _) = word.strip_prefix('[')?.split_once(']')?;
    Some(module)
}

/// An address in what is printed around it: `[<ffffffff81000044>]`, `*0xffffffff81000044`, `ffffffff81000044:`. As
/// Windows' debuggers have it, a backquote may stand in its middle.
pub(crate) fn address(text: &str) -> Option<u64> {
    let text = bare(text);
    // Kernels before 4.10 print `0010:[<ffffffff81000044>]`.
    let text = match text.split_once(':') {
        Some((segment, rest)) if is_segment(segment) => bare(rest),
        _ => text,
    };
    match text.split_once('`') {
        Some((high, low)) => {
            let halves = number::address(high).zip(number::hex(low.as_bytes()));
            let is_split = low.len() == 8 && halves.is_some_and(|(high, _)| high >> 32 == 0);
            halves
                .filter(|_| is_split)
                .map(|(high, low)| (high << 32) | low)
        }
        // Python and C may have put a letter behind it.
        None if text.starts_with("0x") => {
            number::address(text.trim_end_matches(['L', 'l', 'U', 'u']))
        }
        None => number::address(text),
    }
}

/// The same where a number of few digits, or a word such as `add`, is none.
fn address_of_many_digits(word: &str) -> Option<u64> {
    let word = bare(word);
    let has_lead = word.starts_with("0x") || word.starts_with("0X");
    (has_lead || word.len() >= 8)
        .then(|| address(word))
        .flatten()
}

/// What may stand before a name or an address.
const OPENING: [char; 13] = [
    '[', '<', '(', '{', '*', '&', '"', '\'', '?', '=', '>', '@', '$',
];

/// A word without brackets, quotes and commas around it, and without a call's parentheses behind it.
pub(crate) fn bare(word: &str) -> &str {
    let word = word.trim();
    let word = word.strip_prefix("b'").unwrap_or(word);
    // In folded stacks the kernel's functions are marked.
    let word = word.strip_suffix("_[k]").unwrap_or(word);
    // The level of a message.
    let level = word.strip_prefix('<').and_then(|rest| rest.split_once('>'));
    let level =
        level.filter(|(level, _)| level.len() == 1 && number::hex(level.as_bytes()).is_some());
    let word = level.map_or(word, |(_, rest)| rest);
    let word = word.trim_start_matches(OPENING);
    let word = word.split('(').next().unwrap_or_default();
    // What opens here does not close behind the name: `[nf_x]+0x10`.
    word.trim_end_matches([']', '>', ')', '}', '"', '\'', ',', ';', ':', '.'])
}

/// Splits `name+0x10/0x20` and `name-0x4`.
fn offset_and_size(text: &str) -> Option<(&str, u64, Option<u64>)> {
    let sign = text.rfind(['+', '-'])?;
    let (name, rest) = (&text[..sign], &text[sign + 1..]);
    let (offset, size) = match rest.split_once('/') {
        Some((offset, size)) => (offset, Some(number::c_like(size)?)),
        None => (rest, None),
    };
    let offset = number::c_like(offset)?;
    let offset = if text[sign..].starts_with('-') {
        offset.wrapping_neg()
    } else {
        offset
    };
    (!name.is_empty()).then_some((name, offset, size))
}

/// What may stand before a colon and is no module: the probes of bpftrace and of the kernel's own tracer.
const PROBES: [&str; 9] = [
    "kprobe",
    "kretprobe",
    "fentry",
    "fexit",
    "kfunc",
    "kretfunc",
    "k",
    "p",
    "r",
];

/// What stands for the kernel as a whole, built-in modules included.
const KERNEL: [&str; 4] = [
    "kernel",
    "kernel.kallsyms",
    "guest.kernel.kallsyms",
    "vmlinux",
];

/// `0010` and the like, the code segment of x86.
fn is_segment(text: &str) -> bool {
    text.len() == 4 && number::hex(text.as_bytes()).is_some()
}

/// Splits ``ext4`ext4_probe``, `ext4!ext4_probe`, `kprobe:ext4:ext4_probe` and the `0010:` of a code segment.
fn module_and_name(text: &str) -> (Option<&str>, &str) {
    if let Some((module, name)) = text.split_once('`') {
        return (Some(module), name);
    }
    // Two colons are part of a name of Rust.
    let split = text
        .rsplit_once('!')
        .or_else(|| text.rsplit_once(':').filter(|_| !text.contains("::")));
    let Some((lead, name)) = split else {
        return (None, text.trim_end_matches(']'));
    };
    let module = bare(lead.rsplit(':').next().unwrap_or(lead));
    let is_none = is_segment(module) || PROBES.contains(&module) || KERNEL.contains(&module);
    (Some(module).filter(|_| !is_none), name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_module<'q>(module: Option<&'q str>, name: &'q str) -> Place<'q> {
        Place {
            module,
            ..Place::named(name)
        }
    }

    #[test]
    fn places() {
        for (text, expected) in [
            ("vfs_read", of_module(None, "vfs_read")),
            (" vfs_read ", of_module(None, "vfs_read")),
            (
                "vfs_read+0x10",
                Place {
                    offset: Some(16),
                    ..of_module(None, "vfs_read")
                },
            ),
            (
                "vfs_read+16",
                Place {
                    offset: Some(16),
                    ..of_module(None, "vfs_read")
                },
            ),
            (
                "vfs_read-0x4",
                Place {
                    offset: Some(4_u64.wrapping_neg()),
                    ..of_module(None, "vfs_read")
                },
            ),
            (
                "ext4`f+0x10/0x20 [ext4]",
                Place {
                    offset: Some(16),
                    size: Some(32),
                    bracket: Some("ext4"),
                    ..of_module(Some("ext4"), "f")
                },
            ),
            (
                "f+0x10/0x20 [a] [b]",
                Place {
                    offset: Some(16),
                    size: Some(32),
                    bracket: Some("a"),
                    ..of_module(None, "f")
                },
            ),
            (
                "<A as B>::f+0x10/0x20",
                Place {
                    offset: Some(16),
                    size: Some(32),
                    ..of_module(None, "<A as B>::f")
                },
            ),
            (
                "0010:vfs_read+0x1",
                Place {
                    offset: Some(1),
                    ..of_module(None, "vfs_read")
                },
            ),
            ("ext4:ext4_probe", of_module(Some("ext4"), "ext4_probe")),
            ("ext4!ext4_probe", of_module(Some("ext4"), "ext4_probe")),
            ("kernel.kallsyms!vfs_read", of_module(None, "vfs_read")),
            ("[kernel.kallsyms]!vfs_read", of_module(None, "vfs_read")),
            ("kprobe:vfs_read", of_module(None, "vfs_read")),
            ("fentry:vmlinux:vfs_read", of_module(None, "vfs_read")),
            (
                "fentry:ext4:ext4_probe",
                of_module(Some("ext4"), "ext4_probe"),
            ),
            ("vmlinux`vfs_read", of_module(Some("vmlinux"), "vfs_read")),
            ("a::b", of_module(None, "a::b")),
            // No offset.
            ("vfs_read+", of_module(None, "vfs_read+")),
            ("vfs_read+0xg", of_module(None, "vfs_read+0xg")),
            ("+0x10", of_module(None, "+0x10")),
            ("", of_module(None, "")),
        ] {
            assert_eq!(place(text), expected, "{text:?}");
        }
    }

    #[test]
    fn addresses_with_what_is_around_them() {
        for text in [
            "ffffffff81000044",
            "0xffffffff81000044",
            "0XFFFFFFFF81000044",
            "[<ffffffff81000044>]",
            "<ffffffff81000044>",
            "[0xffffffff81000044]",
            "(ffffffff81000044)",
            "*0xffffffff81000044",
            "0xffffffff81000044,",
            "ffffffff81000044:",
            "ffffffff`81000044",
            "0010:[<ffffffff81000044>]",
        ] {
            assert_eq!(address(text), Some(0xffff_ffff_8100_0044), "{text}");
        }
        for text in ["", "0x", "vfs_read", "0x12345678901234567", "ffffffff`8100"] {
            assert_eq!(address(text), None, "{text}");
        }
    }

    /// Lines as kernels, debuggers and tracers print them, of each the first place in code.
    #[test]
    fn references_in_lines() {
        let address = Reference::Address;
        let name = |name, offset, size, bracket| {
            Reference::Place(Place {
                module: None,
                name,
                offset: Some(offset),
                size,
                bracket,
            })
        };
        for (line, expected) in [
            ("? vfs_read+0x4/0x80", name("vfs_read", 4, Some(0x80), None)),
            (
                "[   12.345678]  ext4_probe+0x4/0x40 [ext4]",
                name("ext4_probe", 4, Some(0x40), Some("ext4")),
            ),
            (
                "RIP: 0010:vfs_read+0x4/0x80",
                name("vfs_read", 4, Some(0x80), None),
            ),
            (
                "RIP: 0010:[<ffffffff81000044>]  [<ffffffff81000044>] f+0x4/0x80",
                address(0xffff_ffff_8100_0044),
            ),
            (
                "EIP: 0060:[<c0100044>]    Not tainted",
                address(0xc010_0044),
            ),
            (
                "EIP: vfs_read+0x4/0x80",
                name("vfs_read", 4, Some(0x80), None),
            ),
            (
                "pc : vfs_read+0x4/0x80",
                name("vfs_read", 4, Some(0x80), None),
            ),
            (
                "PC is at vfs_read+0x4/0x80",
                name("vfs_read", 4, Some(0x80), None),
            ),
            (
                "[<c0100044>] (vfs_read) from [<c0100084>] (f+0x4/0x40)",
                address(0xc010_0044),
            ),
            (
                "NIP [c000000000100044] .vfs_read+0x4/0x80",
                address(0xc000_0000_0010_0044),
            ),
            ("epc   : 80100044 vfs_read+0x4/0x80", address(0x8010_0044)),
            (
                "[<9000000000201234>] vfs_read+0x4/0x80",
                address(0x9000_0000_0020_1234),
            ),
            (
                "#1  0xffffffff81000044 in vfs_read (file=0x0) at fs/read_write.c:450",
                address(0xffff_ffff_8100_0044),
            ),
            (
                "ffffffff81000040 <vfs_read>:",
                address(0xffff_ffff_8100_0040),
            ),
            (
                "call   ffffffff81000044 <vfs_read+0x4>",
                address(0xffff_ffff_8100_0044),
            ),
            (
                "   0xffffffff81000044 <+4>:\tadd    $0x8,%rsp",
                address(0xffff_ffff_8100_0044),
            ),
            (
                "=> 0xffffffff81000044 <vfs_read+4>:",
                address(0xffff_ffff_8100_0044),
            ),
            ("vfs_read+4", name("vfs_read", 4, None, None)),
            ("b'vfs_read+0x4'", name("vfs_read", 4, None, None)),
            ("p:probe vfs_read+0x4", name("vfs_read", 4, None, None)),
            (
                "(vfs_read+0x4/0x80),",
                name("vfs_read", 4, Some(0x80), None),
            ),
            ("[nf_x]+0x10", name("nf_x", 16, None, None)),
        ] {
            assert_eq!(references(line).next(), Some(expected), "{line}");
        }
        for line in ["", "vfs_read", "add", "Code: 48 89 e5", "in at is"] {
            assert_eq!(references(line).next(), None, "{line}");
        }
    }

    #[test]
    fn names_in_lines() {
        for (line, expected) in [
            ("vfs_read()", &["vfs_read"][..]),
            ("=> vfs_read", &["vfs_read"]),
            ("#0  vfs_read (file=0x0)", &["#0", "vfs_read"]),
            ("vfs_read,", &["vfs_read"]),
            ("vfs_read_[k]", &["vfs_read"]),
            ("vfs_read [ext4]", &["vfs_read", "ext4"]),
        ] {
            let found: Vec<_> = names(line).map(|(name, _)| name).collect();
            assert_eq!(found, expected, "{line}");
        }
    }
}
