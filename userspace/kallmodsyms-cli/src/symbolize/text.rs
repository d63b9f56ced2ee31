// SPDX-License-Identifier: Apache-2.0 OR MIT

//! A text, as many whole lines at a time as have come.

use std::io::{self, Read};

use memchr::memrchr;

use super::word::is_name;

/// A line that is longer comes in pieces: what has no lines shall not be held in memory as a whole.
const LONGEST: usize = 1 << 20;
const CHUNK: usize = 1 << 16;

pub(super) struct Text<R> {
    reader: R,
    buffer: Vec<u8>,
    /// How much of the buffer was read into, and how much of that was handed out.
    filled: usize,
    taken: usize,
}

impl<R: Read> Text<R> {
    pub(super) fn new(reader: R) -> Self {
        Self {
            reader,
            buffer: vec![0; CHUNK],
            filled: 0,
            taken: 0,
        }
    }

    /// Whole lines, or what there is at the end of the text or of a line that is too long.
    pub(super) fn next(&mut self) -> io::Result<Option<&[u8]>> {
        self.buffer.copy_within(self.taken..self.filled, 0);
        self.filled -= self.taken;
        self.taken = 0;
        let mut searched = 0;
        while self.taken == 0 {
            let new = searched..self.filled;
            if let Some(last) = memrchr(b'\n', &self.buffer[new.clone()]) {
                self.taken = new.start + last + 1;
            } else if self.filled == LONGEST {
                // Names and addresses are not cut if they are no longer than such things are.
                let end = self.buffer[LONGEST - CHUNK..]
                    .iter()
                    .rposition(|&byte| !is_name(byte));
                self.taken = end.map_or(LONGEST, |end| LONGEST - CHUNK + end + 1);
            } else {
                searched = self.filled;
                if !self.fill()? {
                    self.taken = self.filled;
                    break;
                }
            }
        }
        let lines = &self.buffer[..self.taken];
        Ok((!lines.is_empty()).then_some(lines))
    }

    /// Whether there was more.
    fn fill(&mut self) -> io::Result<bool> {
        if self.filled == self.buffer.len() {
            self.buffer.resize(self.filled * 2, 0);
        }
        loop {
            match self.reader.read(&mut self.buffer[self.filled..]) {
                Ok(count) => {
                    self.filled += count;
                    return Ok(count > 0);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{self, Read};

    use super::{CHUNK, LONGEST, Text};

    /// Hands out a few bytes at a time.
    struct Slow<'t>(&'t [u8], usize);

    impl Read for Slow<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let count = self.1.min(buffer.len());
            (&mut self.0).take(count as u64).read(buffer)
        }
    }

    fn pieces(text: &[u8], step: usize) -> Vec<Vec<u8>> {
        let mut text = Text::new(Slow(text, step));
        let mut pieces = Vec::new();
        while let Some(piece) = text.next().unwrap() {
            pieces.push(piece.to_vec());
        }
        pieces
    }

    #[test]
    fn whole_lines() {
        assert!(pieces(b"", 1).is_empty());
        assert_eq!(pieces(b"a\nb\nc", 100), [&b"a\nb\n"[..], b"c"]);
        assert_eq!(pieces(b"a\n\nbc\n", 1), [&b"a\n"[..], b"\n", b"bc\n"]);
    }

    #[test]
    fn long_lines() {
        let name = [&vec![b'-'; LONGEST - 5][..], b"name", b"s+0x1\nnext\n"].concat();
        for step in [1000, CHUNK, LONGEST] {
            let pieces = pieces(&name, step);
            assert_eq!(pieces.concat(), name);
            assert_eq!(pieces[0].len(), LONGEST - 5, "{step}");
        }
        let endless = vec![b'f'; LONGEST * 2 + 1];
        let lengths: Vec<usize> = pieces(&endless, CHUNK).iter().map(Vec::len).collect();
        assert_eq!(lengths, [LONGEST, LONGEST, 1]);
    }
}
