// SPDX-License-Identifier: Apache-2.0 OR MIT

//! What stands right around an address or a frame, and says what it is.

use std::ops::Range;

use memchr::memmem;

/// Takes off what tools for folded stacks put behind a frame: `_[k]`.
pub(super) fn without_annotation(line: &[u8], mut word: Range<usize>) -> Range<usize> {
    if line[word.clone()].ends_with(b"_") && line[word.end..].starts_with(b"[") {
        word.end -= 1;
    }
    word
}

/// An address with its brackets: `[<` and `>]`, `[` and `]`, `<` and `>`.
pub(super) fn with_brackets(line: &[u8], digits: &Range<usize>) -> Range<usize> {
    let (before, behind) = (&line[..digits.start], &line[digits.end..]);
    let pairs: [(&[u8], &[u8]); 3] = [(b"[<", b">]"), (b"[", b"]"), (b"<", b">")];
    let pair = pairs
        .iter()
        .find(|(open, close)| before.ends_with(open) && behind.starts_with(close));
    let length = pair.map_or(0, |(open, _)| open.len());
    digits.start - length..digits.end + length
}

/// mips and loongarch say of each section where it is: ` .data @ 0x9000000003710000`.
pub(super) fn is_of_section(before: &[u8]) -> bool {
    before.strip_suffix(b" @ ").is_some_and(|before| {
        let before = before.trim_ascii_end();
        before.ends_with(b".data") || before.ends_with(b".bss")
    })
}

/// How much of a path is looked at.
const PATH_LONGEST: usize = 1024;

/// Whether perf has another file behind a frame than one of the kernel: `(/usr/bin/cat)`, `([vdso])`.
pub(super) fn is_of_user_space(behind: &[u8]) -> bool {
    let Some(inside) = behind.strip_prefix(b" (") else {
        return false;
    };
    let inside = &inside[..inside.len().min(PATH_LONGEST)];
    let end = inside
        .iter()
        .position(|&byte| byte == b')' || byte == b'\n');
    let file = &inside[..end.unwrap_or(inside.len())];
    let is_of_kernel = |name: &[u8]| memmem::find(file, name).is_some();
    match file {
        [b'/', ..] => ![&b"vmlinu"[..], b".ko", b"/kcore", b"kallsyms"]
            .into_iter()
            .any(is_of_kernel),
        [b'[', ..] => [&b"[vdso"[..], b"[vsyscall", b"[heap]", b"[stack"]
            .into_iter()
            .any(|lead| file.starts_with(lead)),
        _ => false,
    }
}

/// Whether eight digits are of the name of a device or of an identifier: `c0100000.serial`, `serial@c0100000`,
/// `c0100000-0000-...`; or are half of an address of 64 bits: `ffffffff:c0100000`.
pub(super) fn is_of_device(line: &[u8], word: &Range<usize>) -> bool {
    let (before, behind) = (&line[..word.start], &line[word.end..]);
    let is_group = |group: &[u8]| group.len() == 4 && group.iter().all(u8::is_ascii_hexdigit);
    let is_half = |half: &[u8]| half.len() == 8 && half.iter().all(u8::is_ascii_hexdigit);
    if let [.., b':'] = before {
        let start = before.len().saturating_sub(9);
        if is_half(&before[start..before.len() - 1]) {
            return true;
        }
    }
    match behind {
        [b':', half @ ..] if half.len() >= 8 && is_half(&half[..8]) => true,
        [b'.', next, ..] if next.is_ascii_alphabetic() => true,
        [b'-', group @ ..] if group.len() > 4 && group[4] == b'-' => is_group(&group[..4]),
        _ => matches!(before, [.., name, b'@'] if name.is_ascii_alphanumeric()),
    }
}
