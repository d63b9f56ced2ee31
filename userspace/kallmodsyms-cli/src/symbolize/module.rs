// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Whether a line says of which module a frame is.

use std::ops::Range;

use kallmodsyms::Modules;
use memchr::memmem;

use super::frame::{Frame, name_before};

/// A module in brackets behind a frame, and its build id if the kernel prints such: `[ext4]`, `[ext4 0123abcd...]`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Bracket {
    pub(super) module: Range<usize>,
    pub(super) build_id: Option<Range<usize>>,
}

impl Bracket {
    /// The one that begins here or behind a blank.
    pub(super) fn at(line: &[u8], place: usize) -> Option<Self> {
        let start = place + usize::from(line.get(place) == Some(&b' '));
        let inside = line.get(start..)?.strip_prefix(b"[")?;
        let is_module = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        let length = inside.iter().take_while(|&byte| is_module(byte)).count();
        // The number of a processor stands in such brackets, and kprobes' `[FTRACE]`.
        if !inside[..length].iter().any(u8::is_ascii_lowercase) {
            return None;
        }
        // Of folded stacks and of reports: the kernel itself.
        if matches!(&inside[..length], b"k" | b"kernel") {
            return None;
        }
        let module = start + 1..start + 1 + length;
        let build_id = match inside.get(length)? {
            b']' => None,
            b' ' => {
                let digits = inside[length + 1..].iter();
                let digits = digits.take_while(|byte| byte.is_ascii_hexdigit()).count();
                let id = module.end + 1..module.end + 1 + digits;
                Some(id).filter(|id| line.get(id.end) == Some(&b']') && digits > 0)
            }
            _ => return None,
        };
        Some(Self { module, build_id })
    }
}

/// How far behind a frame its module is looked for.
const WINDOW: usize = 256;

/// Whether one of these modules is named before a frame (`ext4:`) or behind it: `(ext4)`, `([ext4])`, `  ext4 `,
/// `(/lib/modules/6.1.0/kernel/fs/ext4/ext4.ko)`. A source file may be in a folder of that name: `fs/ext4/dir.c:1`.
pub(super) fn is_named(line: &[u8], frame: &Frame, modules: Modules<'_>) -> bool {
    let before = frame.name.start.checked_sub(1);
    let before = before.filter(|&colon| matches!(line[colon], b':' | b'!' | b'`'));
    let before = before.and_then(|colon| name_before(line, colon));
    let before = before.map_or(&[][..], |before| &line[before]);

    let behind = &line[frame.end..line.len().min(frame.end + WINDOW)];
    // Up to the next frame.
    let is_end = |byte: &u8| matches!(byte, b';' | b',' | b'+' | b'\n');
    let end = behind.iter().position(is_end).unwrap_or(behind.len());
    let behind = with_underscores(&behind[..end]);
    modules.iter().any(|module| {
        let module = with_underscores(module);
        with_underscores(before) == module || has_module(&behind, &module)
    })
}

fn has_module(text: &[u8], module: &[u8]) -> bool {
    memmem::find_iter(text, module).any(|start| {
        let before = text[..start].last();
        let behind = &text[start + module.len()..];
        let is_alone = matches!(before, Some(b' ' | b'\t' | b'[' | b'('))
            && matches!(behind, [] | [b' ' | b'\t' | b'\r' | b']' | b')', ..]);
        let is_file = matches!(before, Some(b' ' | b'(' | b'/')) && behind.starts_with(b".ko");
        is_alone || is_file
    })
}

/// Files of modules have hyphens, and the kernel has underscores.
fn with_underscores(name: &[u8]) -> Vec<u8> {
    name.iter()
        .map(|&byte| if byte == b'-' { b'_' } else { byte })
        .collect()
}

#[cfg(test)]
mod tests {
    use kallmodsyms::SymbolTable;

    use super::{Bracket, is_named};
    use crate::symbolize::frame::Frame;
    use crate::symbolize::word::words;

    #[test]
    fn brackets() {
        for (line, expected) in [
            (" [ext4]", Some(("ext4", None))),
            ("[snd-hda_intel](unreliable)", Some(("snd-hda_intel", None))),
            (" [ext4 0123abcd]", Some(("ext4", Some("0123abcd")))),
            (" [9p]", Some(("9p", None))),
            (" [ext4 no id]", Some(("ext4", None))),
            ("  [ext4]", None),
            (" [FTRACE]", None),
            (" [003]", None),
            (" [<0>]", None),
            (" [kernel]", None),
            (" [k]", None),
            (" [ext4", None),
            (" []", None),
            ("", None),
        ] {
            let found = Bracket::at(line.as_bytes(), 0);
            let found = found.map(|it| (&line[it.module], it.build_id.map(|id| &line[id])));
            assert_eq!(found, expected, "{line}");
        }
    }

    #[test]
    fn modules_on_a_line() {
        let table = SymbolTable::from_bytes(
            b"ffffffff81000000 10 t f\t[nf_x] [other]\nffffffff81001000 0 B _end\n",
        );
        let table = table.unwrap();
        let modules = table.get(0).unwrap().modules();
        let named = |line: &[u8]| {
            let frame = words(line)
                .find_map(|word| Frame::with_offset(line, &word))
                .unwrap();
            is_named(line, &frame, modules)
        };
        for line in [
            "f+0x1/0x10 (nf_x)",
            "f+0x1 ([nf_x])",
            "f+0x1  nf_x [DISABLED]",
            "f+0x1 (/lib/modules/6.1.0/kernel/net/nf-x.ko.xz)",
            "{:nf_x:f+1}",
            "nf_x!f+0x1",
            "nf_x`f+0x1",
            "f+0x1 at nf_x",
            "f+0x1/0x10 [other]",
        ] {
            assert!(named(line.as_bytes()), "{line}");
        }
        for line in [
            "f+0x1",
            "nf_x f+0x1",
            "f+0x1 (nf_xy) nf_",
            "f+0x1 <-g+0x2 [nf_x]",
            "f+0x1;g nf_x",
            "f+0x1\nnf_x",
            "f+0x1 net/nf_x/core.c:1",
            "f+0x1 at nf_x/core.c:1",
            "f+0x1 net/nf_x.c:1 [inline]",
            "f+0x1 nf_x=1",
        ] {
            assert!(!named(line.as_bytes()), "{line}");
        }
    }
}
