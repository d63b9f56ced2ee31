// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Words of machine code, which on 32-bit kernels are as long as addresses and may have the value of one.

use std::ops::Range;

use super::word::words;

/// Where in a text machine code is: behind `Code:` and `Instruction dump:`, and on the lines that follow as long as they
/// have nothing else.
#[derive(Default)]
pub(super) struct Code {
    /// Whether what comes is code.
    is_on: bool,
}

impl Code {
    /// Begins a line.
    pub(super) fn begin(&mut self, line: &[u8]) {
        self.is_on = self.is_on && is_code_alone(line);
    }

    /// Takes a word that is no address.
    #[inline]
    pub(super) fn see(&mut self, line: &[u8], word: &Range<usize>) {
        match &line[word.clone()] {
            b"Code" | b"code" | b"CODE" => self.is_on = line[word.end..].starts_with(b":"),
            b"dump" | b"DUMP" => {
                let is_of_code = line[..word.start].ends_with(b"Instruction ");
                self.is_on |= is_of_code && line[word.end..].starts_with(b":");
            }
            _ => {}
        }
    }

    /// Whether this word is code: in such a place, or where objdump has it (`c0100054:<TAB>e24cb004`).
    pub(super) fn has(&self, line: &[u8], word: &Range<usize>) -> bool {
        self.is_on || line[..word.start].ends_with(b":\t")
    }
}

/// Whether behind the log's prefix there are but words of code, or what stands for code that cannot be read.
fn is_code_alone(line: &[u8]) -> bool {
    let prefixes = line
        .windows(2)
        .rposition(|pair| pair == b"] " || pair == b": ");
    let line = &line[prefixes.map_or(0, |place| place + 2)..];
    let is_code = |word: &[u8]| {
        word.len() == 8 && (word.iter().all(u8::is_ascii_hexdigit) || word == b"XXXXXXXX")
    };
    let mut words = words(line).map(|word| &line[word]).peekable();
    words.peek().is_some() && words.all(is_code)
}
