// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Words of a text, and what may stand right before them without a blank.

use std::ops::Range;

const ESCAPE: u8 = 0x1b;

/// Which bytes make up words: letters, digits and `_`.
const WORD: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0_u8;
    while byte.is_ascii() {
        table[byte as usize] = byte.is_ascii_alphanumeric() || byte == b'_';
        byte += 1;
    }
    table
};

/// Whether a byte may be part of the name of a symbol: `vfs_read.isra.0`, `.vfs_read`, `f$part`.
pub(super) fn is_name(byte: u8) -> bool {
    WORD[usize::from(byte)] || matches!(byte, b'.' | b'$')
}

/// Where the words of a line are. Escape sequences of a terminal are no part of any.
pub(super) fn words(line: &[u8]) -> impl Iterator<Item = Range<usize>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let is_word = |&byte: &u8| WORD[usize::from(byte)];
        let mut start = at;
        loop {
            let rest = &line[start..];
            start += rest
                .iter()
                .position(|byte| is_word(byte) || *byte == ESCAPE)?;
            if line[start] != ESCAPE {
                break;
            }
            start += sequence(&line[start..]);
        }
        let rest = &line[start..];
        let length = rest.iter().position(|byte| !is_word(byte));
        at = start + length.unwrap_or(rest.len());
        Some(start..at)
    })
}

/// How long the escape sequence is that a text begins with (ECMA-48: `ESC [`, parameters, what is between, one that
/// ends it; and `ESC (`, which has a set of characters behind it).
fn sequence(text: &[u8]) -> usize {
    match text.get(1) {
        Some(b'[') => {
            let is_inside = |byte: &&u8| matches!(byte, 0x20..=0x3f);
            2 + text[2..].iter().take_while(is_inside).count() + 1
        }
        Some(b'(' | b')') => 3,
        _ => 1,
    }
    .min(text.len())
}

/// How the escape character is spelt in JSON, the kernel's log, rsyslog and C.
const SPELT: [&[u8]; 6] = [b"\\u001b", b"\\u001B", b"\\x1b", b"#033", b"\\033", b"\\e"];

/// How long the escape sequence is that a text begins with, as it is or spelt out; 0 if there is none.
pub(super) fn escape(text: &[u8]) -> usize {
    match text.first() {
        Some(&ESCAPE) => sequence(text),
        Some(b'\\' | b'#') => {
            let spelt = SPELT.iter().find(|spelt| text.starts_with(spelt));
            spelt.map_or(0, |spelt| {
                // One byte of it stands for the character.
                spelt.len() - 1 + sequence(&text[spelt.len() - 1..])
            })
        }
        _ => 0,
    }
}

/// The longest escape sequence that is looked for backwards, spelt out: `\u001b[38;5;196m`.
const ESCAPE_LONGEST: usize = 24;

/// Where a part of a line ends without the escape sequences at its end.
pub(super) fn without_escapes(line: &[u8], mut end: usize) -> usize {
    loop {
        let last = line[..end].last();
        if !last.is_some_and(|last| matches!(last, b'm' | b'K' | b'B')) {
            return end;
        }
        let mut starts = (end.saturating_sub(ESCAPE_LONGEST)..end).rev();
        let start = starts.find(|&start| {
            let length = escape(&line[start..end]);
            length > 1 && start + length == end
        });
        match start {
            Some(start) => end = start,
            None => return end,
        }
    }
}

/// Where a word begins that has the rest of an escape before it: `\nffff`, `\u001bffff`, `#012ffff`, `[0mffff`.
///
/// JSON, the kernel's log (`\x0a`), rsyslog (`#012`), GitHub's (`%0A`), and sequences for terminals that have lost their
/// escape character or have it spelt out.
pub(super) fn behind_escape(line: &[u8], word: &Range<usize>) -> Option<usize> {
    let rest = &line[word.clone()];
    let all =
        |count: usize, is: fn(&u8) -> bool| rest.len() > count && rest[..count].iter().all(is);
    let is_octal = |byte: &u8| matches!(byte, b'0'..=b'7');
    let length = match (line[..word.start].last()?, rest.first()?) {
        (b'\\', b'x') => 3,
        (b'\\' | b'#', b'0'..=b'7') if all(3, is_octal) => 3,
        (b'\\', b'u') => 5,
        (b'\\', b'a' | b'b' | b'e' | b'f' | b'n' | b'r' | b't' | b'v' | b'0') => 1,
        (b'(', _) if line[..word.start - 1].ends_with(&[ESCAPE]) => 1,
        (b'%', _) if all(2, u8::is_ascii_hexdigit) => 2,
        (b'[' | b';', _) => {
            let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
            rest.get(digits).filter(|end| matches!(end, b'm' | b'K'))?;
            digits + 1
        }
        _ => return None,
    };
    (length < rest.len()).then_some(word.start + length)
}

#[cfg(test)]
mod tests {
    use super::{behind_escape, escape, without_escapes, words};

    fn of(line: &[u8]) -> Vec<&[u8]> {
        words(line).map(|word| &line[word]).collect()
    }

    #[test]
    fn words_of_a_line() {
        assert_eq!(of(b""), [b""; 0]);
        assert_eq!(of(b" +-\xff\n"), [b""; 0]);
        assert_eq!(of(b"a b_1.c\n"), [&b"a"[..], b"b_1", b"c"]);
        assert_eq!(of(b"\x1b[0mab\x1b[1;32mc\x1b"), [&b"ab"[..], b"c"]);
        assert_eq!(of(b"\x1b(Bab\x1b[m\x1b[Kc\x1b["), [&b"ab"[..], b"c"]);
        assert_eq!(of(b"\x1b[0\x1bab \x1b("), [&b"ab"[..]]);
    }

    #[test]
    fn escapes_behind_a_word() {
        for text in [
            &b"f\x1b[0m"[..],
            b"f\x1b[m\x1b[K",
            b"f\x1b(B\x1b[m",
            br"f\u001b[0m",
            br"f\x1b[1;31m",
            b"f#033[0m",
            b"f",
        ] {
            assert_eq!(
                without_escapes(text, text.len()),
                1,
                "{}",
                text.escape_ascii()
            );
            let mut at = 1;
            while at < text.len() {
                let length = escape(&text[at..]);
                assert_ne!(length, 0, "{}", text.escape_ascii());
                at += length;
            }
        }
        for text in [&b"f[0m"[..], b"from", b"f0m", b"", b"#0m", br"\m"] {
            assert_eq!(without_escapes(text, text.len()), text.len());
        }
    }

    #[test]
    fn escapes_before_a_word() {
        for (line, expected) in [
            (&br"\nabc"[..], Some("abc")),
            (br"\u000aabc", Some("abc")),
            (br"\x0aabc", Some("abc")),
            (br"\012abc", Some("abc")),
            (b"#012abc", Some("abc")),
            (b"%0Aabc", Some("abc")),
            (b"[0mabc", Some("abc")),
            (b"[mabc", Some("abc")),
            (b"[1;32mabc", Some("abc")),
            (br"\qabc", None),
            (br"\n", None),
            (b"#1abc", None),
            (b"#012", None),
            (b"[abc", None),
            (b"[0m", None),
            (b"abc", None),
            (b"(0mabc", None),
            (b"(abc", None),
        ] {
            let word = words(line).last().unwrap();
            let found = behind_escape(line, &word).map(|start| &line[start..word.end]);
            assert_eq!(
                found,
                expected.map(str::as_bytes),
                "{}",
                line.escape_ascii()
            );
        }
        // Words begin behind it, names of symbols are looked for backwards.
        assert_eq!(behind_escape(b"\x1b(Babc", &(2..6)), Some(3));
    }
}
