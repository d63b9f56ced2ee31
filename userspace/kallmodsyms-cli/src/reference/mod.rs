// SPDX-License-Identifier: Apache-2.0 OR MIT

//! What people paste: addresses, names and places in symbols, with what kernels and tools put around them.

mod other;
mod word;

use crate::number;
pub(crate) use other::{Other, start_of_range};
pub(crate) use word::{address, bare, without_level};
use word::{address_of_many_digits, is_number, is_segment, is_source_file, words};

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
        .and_then(|text| text.rsplit_once('['))
        .filter(|(front, _)| front.ends_with(char::is_whitespace))
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
        bracket: bracket.filter(|module| !is_whole(module)),
    }
}

/// The references in a text, in its order: what starts with 0x or has the digits of an address, and names with an
/// offset. A name alone is none: any word could be one.
pub(crate) fn references(text: &str) -> impl Iterator<Item = Reference<'_>> {
    words(text).filter_map(|(word, bracket)| {
        let word = start_of_range(word).unwrap_or(word);
        if let Some(address) = address_of_many_digits(word) {
            return Some(Reference::Address(address));
        }
        // A field of an event. An address there is data as a rule.
        let value = word.rsplit_once('=').map_or(word, |(_, value)| value);
        let place = Place {
            bracket,
            ..place(bare(value))
        };
        // `cat-1234 [000]` is a task on a processor.
        let is_task = bracket.is_some_and(is_number);
        let is_one = place.offset.is_some() && !place.name.is_empty() && !is_task;
        (is_one && Other::of(word).is_none()).then_some(Reference::Place(place))
    })
}

/// The names in a text that stand alone.
pub(crate) fn names(text: &str) -> impl Iterator<Item = Place<'_>> {
    let may_be_name = |word: &str| {
        let is_letter = |byte: u8| byte.is_ascii_alphabetic() || byte == b'_';
        word.bytes().any(is_letter) && !word.contains('=') && Other::of(word).is_none()
    };
    let words = words(text).filter(move |(word, _)| may_be_name(word));
    words.filter_map(|(word, bracket)| {
        let place = Place {
            bracket,
            ..place(bare(word))
        };
        (place.offset.is_none() && !place.name.is_empty()).then_some(place)
    })
}

/// Splits `name+0x10/0x20` and `name-0x4`, with blanks or without.
fn offset_and_size(text: &str) -> Option<(&str, u64, Option<u64>)> {
    let sign = text.rfind(['+', '-'])?;
    let (name, rest) = (text[..sign].trim_end(), &text[sign + 1..]);
    let (offset, size) = match rest.split_once('/') {
        Some((offset, size)) => (offset, Some(number::c_like(size.trim())?)),
        None => (rest, None),
    };
    let offset = number::c_like(offset.trim())?;
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

/// Before a backquote and in brackets `vmlinux` is what is in no module.
fn is_whole(module: &str) -> bool {
    KERNEL.contains(&module) && module != "vmlinux"
}

/// Splits ``ext4`ext4_probe``, `ext4!ext4_probe`, `kprobe:ext4:ext4_probe`, `[ext4]ext4_probe` and the `0010:` of a code
/// segment. A file of source, before the name or behind it, is no module.
fn module_and_name(text: &str) -> (Option<&str>, &str) {
    // Most names are alone.
    if !text.bytes().any(|byte| b"`!:]@/%".contains(&byte)) {
        return (None, text);
    }
    if let Some((module, name)) = text.split_once('`') {
        let is_none = module.is_empty() || is_whole(module);
        return (
            Some(module).filter(|_| !is_none),
            name.trim_end_matches('`'),
        );
    }
    // As perf probe has it.
    let text = text.strip_suffix("%return").unwrap_or(text);
    let text = match text.split_once('@') {
        Some((name, file)) if is_source_file(file) => name,
        _ => text,
    };
    // As libbpf names sections.
    let text = match text.split_once('/') {
        Some((probe, name)) if PROBES.contains(&probe) => name,
        _ => text,
    };
    // Two colons are part of a name of Rust.
    let split = text
        .rsplit_once('!')
        .or_else(|| text.rsplit_once(':').filter(|_| !text.contains("::")))
        // As the kernel's debugger has it.
        .or_else(|| text.rsplit_once(']').filter(|(_, name)| !name.is_empty()));
    let Some((lead, name)) = split else {
        return (None, text.trim_end_matches(']'));
    };
    let module = bare(lead.rsplit(':').next().unwrap_or(lead));
    let is_none = module.is_empty()
        || is_segment(module)
        || PROBES.contains(&module)
        || KERNEL.contains(&module)
        || is_source_file(module);
    (Some(module).filter(|_| !is_none), name.trim_start())
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
            ("kernel`vfs_read", of_module(None, "vfs_read")),
            ("`vfs_read`", of_module(None, "vfs_read")),
            ("[ext4]ext4_probe", of_module(Some("ext4"), "ext4_probe")),
            ("ext4]ext4_probe", of_module(Some("ext4"), "ext4_probe")),
            ("fentry/vfs_read", of_module(None, "vfs_read")),
            ("fs/read_write.c:vfs_read", of_module(None, "vfs_read")),
            ("vfs_read@fs/read_write.c", of_module(None, "vfs_read")),
            ("vfs_read%return", of_module(None, "vfs_read")),
            (
                "vfs_read + 0x10 / 0x20",
                Place {
                    offset: Some(16),
                    size: Some(32),
                    ..of_module(None, "vfs_read")
                },
            ),
            // No offset.
            ("vfs_read+", of_module(None, "vfs_read+")),
            ("vfs_read+0xg", of_module(None, "vfs_read+0xg")),
            ("+0x10", of_module(None, "+0x10")),
            ("", of_module(None, "")),
        ] {
            assert_eq!(place(text), expected, "{text:?}");
        }
    }

    fn name<'q>(
        name: &'q str,
        offset: u64,
        size: Option<u64>,
        bracket: Option<&'q str>,
    ) -> Reference<'q> {
        Reference::Place(Place {
            offset: Some(offset),
            size,
            bracket,
            ..Place::named(name)
        })
    }

    /// Lines as kernels, debuggers and tracers print them, of each the first place in code.
    #[test]
    fn references_in_lines() {
        let address = Reference::Address;
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
    }

    #[test]
    fn references_among_signs() {
        for (line, expected) in [
            (
                "vfs_read + 16 in section .text",
                name("vfs_read", 16, None, None),
            ),
            ("vfs_read +0x4/0x80", name("vfs_read", 4, Some(0x80), None)),
            (
                "kmalloc: call_site=vfs_read+0x4/0x80 ptr=ffff888001234567",
                name("vfs_read", 4, Some(0x80), None),
            ),
            ("@[vfs_read+1]: 5", name("vfs_read", 1, None, None)),
            (
                "swapper;do_idle+0x2;vfs_read+0x1 12",
                name("vfs_read", 1, None, None),
            ),
        ] {
            assert_eq!(references(line).next(), Some(expected), "{line}");
        }
        for line in [
            "",
            "vfs_read",
            "add",
            "Code: 48 89 e5",
            "in at is",
            "vfs_read(); /* <-ksys_read+0x5f/0xe0 */",
            "cat-1234 [000] d..2 1.234567: vfs_read",
        ] {
            assert_eq!(references(line).next(), None, "{line}");
        }
    }

    #[test]
    fn names_in_lines() {
        for (line, expected) in [
            ("vfs_read()", &["vfs_read"][..]),
            ("=> vfs_read", &["vfs_read"]),
            ("#0  vfs_read (file=0x0)", &["vfs_read"]),
            ("vfs_read,", &["vfs_read"]),
            ("vfs_read_[k]", &["vfs_read"]),
            ("vfs_read [ext4]", &["vfs_read", "ext4"]),
            ("vfs_read (fs/read_write.c:450)", &["vfs_read"]),
            ("a;b 12", &["b", "a"]),
        ] {
            let found: Vec<_> = names(line).map(|place| place.name).collect();
            assert_eq!(found, expected, "{line}");
        }
    }
}
