// SPDX-License-Identifier: Apache-2.0 OR MIT

//! What a terminal would take for a command, made visible.
//!
//! Names of symbols, and the text of a log, come from whoever wrote them. Sent to a terminal as they are, they could move
//! the cursor, hide lines, change the title, or have text read backwards. In files and pipes nothing is changed.

use std::io::{self, Write};
use std::mem;

use memchr::memchr_iter;

/// Writes everything on, with what is not harmless made visible: control characters of ASCII and of ISO 8859 (which
/// terminals take for escape sequences in one byte), marks that change the direction of text, bytes that are not UTF-8.
/// Line feeds and tabs stay, and a CR before a line feed.
pub(crate) struct Escaping<W> {
    out: W,
    /// The start of a character, or a CR, of which the next write has the rest.
    held: Vec<u8>,
    /// Reused by each write.
    shown: Vec<u8>,
}

impl<W: Write> Escaping<W> {
    pub(crate) const fn new(out: W) -> Self {
        Self {
            out,
            held: Vec::new(),
            shown: Vec::new(),
        }
    }

    /// Where to write what is to be sent as it is.
    pub(crate) fn raw(&mut self) -> io::Result<&mut W> {
        self.write_held()?;
        Ok(&mut self.out)
    }

    /// What was held is all there is.
    fn write_held(&mut self) -> io::Result<()> {
        let held = mem::take(&mut self.held);
        if held.is_empty() {
            return Ok(());
        }
        self.out.write_all(&escaped(&held))
    }
}

impl<W: Write> Write for Escaping<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut text = mem::take(&mut self.held);
        let joined;
        let bytes_now = if text.is_empty() {
            bytes
        } else {
            text.extend_from_slice(bytes);
            joined = text;
            &joined[..]
        };
        let whole = bytes_now.len() - unfinished(bytes_now);
        self.shown.clear();
        escape(&bytes_now[..whole], &mut self.shown);
        self.held.extend_from_slice(&bytes_now[whole..]);
        self.out.write_all(&self.shown)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.write_held()?;
        self.out.flush()
    }
}

/// How many bytes at the end may go on in the next piece: a CR, or a character that is not whole.
fn unfinished(bytes: &[u8]) -> usize {
    if bytes.last() == Some(&b'\r') {
        return 1;
    }
    let tail = &bytes[bytes.len().saturating_sub(3)..];
    let start = tail.iter().rposition(|&byte| byte >= 0xc0);
    start.map_or(0, |start| {
        let character = &tail[start..];
        // What is only cut has no length of an error.
        match std::str::from_utf8(character) {
            Err(error) if error.error_len().is_none() => character.len(),
            _ => 0,
        }
    })
}

/// Splits a text into what is a colour, and what is not. A log may have colours, which do no harm.
pub(crate) fn colours(mut text: &[u8]) -> impl Iterator<Item = (bool, &[u8])> {
    std::iter::from_fn(move || {
        let length = colour(text);
        let is_colour = length > 0;
        let end = if is_colour {
            length
        } else {
            let starts = memchr_iter(0x1b, text).find(|&at| colour(&text[at..]) > 0);
            starts.unwrap_or(text.len())
        };
        let (piece, rest) = text.split_at(end);
        text = rest;
        (!piece.is_empty()).then_some((is_colour, piece))
    })
}

/// How long the sequence is that a text starts with and that sets a colour; 0 if it starts with none.
fn colour(text: &[u8]) -> usize {
    let Some(codes) = text.strip_prefix(b"\x1b[") else {
        return 0;
    };
    // No terminal has so many.
    let codes = &codes[..codes.len().min(32)];
    let end = codes
        .iter()
        .position(|byte| !byte.is_ascii_digit() && *byte != b';');
    match end {
        Some(end) if codes[end] == b'm' => end + b"\x1b[m".len(),
        _ => 0,
    }
}

/// The text as a terminal can take it.
pub(crate) fn escaped(text: &[u8]) -> Vec<u8> {
    let mut shown = Vec::with_capacity(text.len());
    escape(text, &mut shown);
    shown
}

fn escape(text: &[u8], shown: &mut Vec<u8>) {
    // Nearly all text.
    if text
        .iter()
        .all(|byte| matches!(byte, b'\n' | b'\t' | b' '..=b'~'))
    {
        return shown.extend_from_slice(text);
    }
    for chunk in text.utf8_chunks() {
        let mut characters = chunk.valid().chars().peekable();
        while let Some(character) = characters.next() {
            let ends_line = character == '\r' && characters.peek() == Some(&'\n');
            if is_harmless(character) || ends_line {
                shown.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
            } else {
                // As JSON has it, so that JSON stays what it is.
                shown.extend_from_slice(format!("\\u{:04x}", u32::from(character)).as_bytes());
            }
        }
        for byte in chunk.invalid() {
            shown.extend_from_slice(format!("\\x{byte:02x}").as_bytes());
        }
    }
}

const fn is_harmless(character: char) -> bool {
    !matches!(
        character,
        '\0'..='\u{8}' | '\u{b}'..='\u{1f}' | '\u{7f}'..='\u{9f}'
        // Direction of text; what is a line feed to some.
        | '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
    )
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::{Escaping, colours, escaped};

    const TEXTS: [(&[u8], &[u8]); 12] = [
        (b"", b""),
        (b"vfs_read+0x10\t[ext4]\n", b"vfs_read+0x10\t[ext4]\n"),
        (
            "caf\u{e9} \u{4e2d}\u{1f980}".as_bytes(),
            "caf\u{e9} \u{4e2d}\u{1f980}".as_bytes(),
        ),
        (
            b"\x1b[31mred\x1b]0;title\x07",
            b"\\u001b[31mred\\u001b]0;title\\u0007",
        ),
        (b"a\r\nb\rc", b"a\r\nb\\u000dc"),
        (b"a\x08b\x7f\0", b"a\\u0008b\\u007f\\u0000"),
        ("\u{9b}31m".as_bytes(), b"\\u009b31m"),
        (b"caf\xe9 \x9b31m", b"caf\\xe9 \\x9b31m"),
        (
            "\u{202e}abc\u{2066}\u{200f}\u{61c}".as_bytes(),
            b"\\u202eabc\\u2066\\u200f\\u061c",
        ),
        ("a\u{2028}b".as_bytes(), b"a\\u2028b"),
        (b"\xf0\x9f\xa6", b"\\xf0\\x9f\\xa6"),
        (b"end\r", b"end\\u000d"),
    ];

    #[test]
    fn what_commands_a_terminal_is_shown() {
        for (text, expected) in TEXTS {
            assert_eq!(escaped(text), expected, "{}", text.escape_ascii());
        }
    }

    #[test]
    fn colours_are_told_apart() {
        let split = |text: &'static [u8]| colours(text).collect::<Vec<_>>();
        assert_eq!(split(b""), []);
        assert_eq!(split(b"plain\x1b[2J"), [(false, &b"plain\x1b[2J"[..])]);
        assert_eq!(
            split(b"\x1b[1;31mred\x1b[m\x1b["),
            [
                (true, &b"\x1b[1;31m"[..]),
                (false, b"red"),
                (true, b"\x1b[m"),
                (false, b"\x1b[")
            ]
        );
        assert_eq!(split(b"\x1b\x1b[0m").len(), 2);
    }

    /// Wherever it is cut.
    #[test]
    fn pieces_are_as_the_whole() {
        for (text, expected) in TEXTS {
            for first in 0..=text.len() {
                for second in first..=text.len() {
                    let mut escaping = Escaping::new(Vec::new());
                    for piece in [&text[..first], &text[first..second], &text[second..]] {
                        escaping.write_all(piece).unwrap();
                    }
                    escaping.flush().unwrap();
                    assert_eq!(
                        escaping.out,
                        expected,
                        "{} {first} {second}",
                        text.escape_ascii()
                    );
                }
            }
        }
    }
}
