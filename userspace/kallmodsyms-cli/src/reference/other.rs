// SPDX-License-Identifier: Apache-2.0 OR MIT

//! What looks like a place in a symbol and is none.

use memchr::{memchr, memchr2};

use super::word::{address_of_many_digits, is_number, is_segment, is_source_file};

/// A text of which no symbol is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Other<'q> {
    /// `fs/read_write.c:450`, as compilers and debuggers print it.
    SourceLine,
    /// `vfs_read:5`, as perf probe counts, with the name of the function.
    LineOf(&'q str),
}

impl<'q> Other<'q> {
    pub(crate) fn of(text: &'q str) -> Option<Self> {
        // Most texts have no colon.
        memchr(b':', text.as_bytes()).and_then(|_| line(text))
    }

    /// What it is, and whom to ask.
    pub(crate) fn message(self, text: &str) -> String {
        match self {
            Self::SourceLine => format!(
                "expected an address or a name, found a line of source: symbols have none, a debugger knows: `gdb \
                 -batch -ex 'info line {text}' vmlinux`"
            ),
            Self::LineOf(name) => format!(
                "expected an address or a name, found a line of the function {name}: symbols have no lines, `perf probe \
                 -L {name}` prints them; try {name} or {name}+0x10"
            ),
        }
    }
}

/// The start of a range: `ffffffff81000000-ffffffff81000fff`, `vfs_read..vfs_write`.
pub(crate) fn start_of_range(text: &str) -> Option<&str> {
    // Most texts have neither sign.
    memchr2(b'.', b'-', text.as_bytes())?;
    let ends = |sign| {
        let (start, end) = text.split_once(sign)?;
        Some((start.trim(), end.trim()))
    };
    let is_address = |text: &str| address_of_many_digits(text).is_some();
    // An offset is shorter than an address.
    let is_of_addresses = |start: &str, end: &str| {
        is_address(start) && is_address(end) && end.len() >= start.len().max(8)
    };
    let is_name = |text: &str| {
        let is_part = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        // Dots are in names of C++ and of Rust.
        !text.is_empty() && !text.starts_with("_Z") && text.bytes().all(is_part)
    };
    if let Some((start, end)) = ends("..") {
        let end = end.trim_start_matches(['=', '.']);
        let is_range = is_of_addresses(start, end) || (is_name(start) && is_name(end));
        return is_range.then_some(start);
    }
    let (start, end) = ends("-")?;
    is_of_addresses(start, end).then_some(start)
}

fn line(text: &str) -> Option<Other<'_>> {
    let text = text.trim_start_matches(['(', '[', '"', '\'']);
    let text = text.trim_end_matches([')', ']', '"', '\'', ',', ':', ';']);
    let (lead, last) = text.rsplit_once(':')?;
    // `450`, and `450-460` as perf probe has it.
    let is_line = last.split('-').all(is_number);
    if !is_line || text.contains(char::is_whitespace) {
        return None;
    }
    // A column may stand behind the line.
    let front = lead.rsplit_once(':').filter(|(_, line)| is_number(line));
    let file = front.map_or(lead, |(file, _)| file);
    if is_source_file(file) {
        return Some(Other::SourceLine);
    }
    let is_name = !file.is_empty() && !is_number(file) && !is_segment(file) && !file.contains(':');
    is_name.then_some(Other::LineOf(file))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_source() {
        for (text, expected) in [
            ("fs/read_write.c:450", Some(Other::SourceLine)),
            ("(fs/read_write.c:450)", Some(Other::SourceLine)),
            ("fs/read_write.c:450:6", Some(Other::SourceLine)),
            ("arch/x86/entry/entry_64.S:12", Some(Other::SourceLine)),
            ("vfs_read@fs/read_write.c:450", Some(Other::SourceLine)),
            ("vfs_read:5", Some(Other::LineOf("vfs_read"))),
            ("vfs_read:5-7", Some(Other::LineOf("vfs_read"))),
            ("fs/read_write.c:vfs_read", None),
            ("ext4:probe", None),
            ("0010:81000000", None),
            ("12:34:56", None),
            ("a::b", None),
            ("@[vfs_read]: 5", None),
            ("", None),
        ] {
            assert_eq!(Other::of(text), expected, "{text}");
        }
    }

    #[test]
    fn ranges() {
        for (text, expected) in [
            ("81000000-81000fff", Some("81000000")),
            (
                "0xffffffff81000000 - 0xffffffff81000100",
                Some("0xffffffff81000000"),
            ),
            ("vfs_read..vfs_write", Some("vfs_read")),
            (
                "ffffffff81000000..=ffffffff81000100",
                Some("ffffffff81000000"),
            ),
            ("0xffffffff81000010-0x10", None),
            ("vfs_read-0x10", None),
            ("_ZN4core3fmt..x", None),
            ("", None),
        ] {
            assert_eq!(start_of_range(text), expected, "{text}");
        }
    }
}
