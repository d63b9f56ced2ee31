// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Formatting of lines.

/// Hexadecimal digits of an address.
const DIGITS: usize = 2 * core::mem::size_of::<usize>();

/// A buffer that takes lines, whole or not at all.
#[derive(Debug)]
pub(crate) struct Buffer<'a> {
    bytes: &'a mut [u8],
    /// Bytes written, the unfinished line among them.
    len: usize,
    /// Bytes of finished lines.
    finished: usize,
}

impl<'a> Buffer<'a> {
    /// Makes an empty buffer of `bytes`.
    pub(crate) fn new(bytes: &'a mut [u8]) -> Self {
        Buffer {
            bytes,
            len: 0,
            finished: 0,
        }
    }

    /// Returns the number of bytes of finished lines.
    pub(crate) fn finished(&self) -> usize {
        self.finished
    }

    /// Writes one line with `f`.
    ///
    /// If `f` returns `None`, for lack of room say, the buffer is as it was before.
    pub(crate) fn line(&mut self, f: impl FnOnce(&mut Self) -> Option<()>) -> Option<()> {
        let done = f(self).and_then(|()| self.push(b"\n"));
        if done.is_some() {
            self.finished = self.len;
        } else {
            self.len = self.finished;
        }
        done
    }

    /// Appends `text`, or returns `None` if it does not fit.
    #[inline]
    pub(crate) fn push(&mut self, text: &[u8]) -> Option<()> {
        let end = self.len.checked_add(text.len())?;
        let room = self.bytes.get_mut(self.len..end)?;
        for (to, from) in room.iter_mut().zip(text) {
            *to = *from;
        }
        self.len = end;
        Some(())
    }

    /// Appends the 16 digits of `address` (8 on a 32-bit machine) and a blank.
    pub(crate) fn push_address(&mut self, address: usize) -> Option<()> {
        let mut text = [b' '; DIGITS + 1];
        let mut rest = address;
        for digit in text.iter_mut().rev().skip(1) {
            *digit = hex(rest);
            rest >>= 4;
        }
        self.push(&text)
    }

    /// Appends the digits of `size`, none of them a leading zero, and a blank.
    pub(crate) fn push_size(&mut self, size: usize) -> Option<()> {
        let mut text = [b' '; DIGITS + 1];
        let mut rest = size;
        let mut start = DIGITS;
        for digit in text.iter_mut().rev().skip(1) {
            *digit = hex(rest);
            start = start.wrapping_sub(1);
            rest >>= 4;
            if rest == 0 {
                break;
            }
        }
        self.push(text.get(start..)?)
    }
}

/// Returns the digit of the low four bits.
fn hex(value: usize) -> u8 {
    // The mask keeps both sums below 256.
    match (value & 15) as u8 {
        digit @ 0..=9 => digit | b'0',
        digit => digit.wrapping_add(b'a' - 10),
    }
}
