// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Formatting of lines.
//!
//! A [`Line`] is any line. Nearly all of vmlinux are shorter than 256 bytes and made of pieces of a
//! few bytes. For those there is [`ShortLine`], which takes a fifth of the instructions.

use core::mem::size_of;

/// Hexadecimal digits of an address.
const DIGITS: usize = 2 * size_of::<usize>();

/// A line that is being written, of any length.
#[derive(Debug)]
pub(crate) struct Line<'a> {
    room: &'a mut [u8],
    len: usize,
}

impl<'a> Line<'a> {
    /// Writes one line with `f`, and the newline after it, to the start of `room`.
    ///
    /// Returns its length, or `None` if `f` did, for lack of room say.
    pub(crate) fn write(
        room: &'a mut [u8],
        f: impl FnOnce(&mut Self) -> Option<()>,
    ) -> Option<usize> {
        let mut line = Line { room, len: 0 };
        f(&mut line)?;
        line.push(b"\n")?;
        Some(line.len)
    }

    /// Appends `text`, or returns `None` if it does not fit.
    pub(crate) fn push(&mut self, text: &[u8]) -> Option<()> {
        let end = self.len.checked_add(text.len())?;
        let room = self.room.get_mut(self.len..end)?;
        for (to, from) in room.iter_mut().zip(text) {
            *to = *from;
        }
        self.len = end;
        Some(())
    }

    /// Appends the 16 digits of `address` (8 on a 32-bit machine) and a blank.
    pub(crate) fn push_address(&mut self, address: usize) -> Option<()> {
        self.push(&digits(address))?;
        self.push(b" ")
    }

    /// Appends the digits of `size`, none of them a leading zero, and a blank.
    pub(crate) fn push_size(&mut self, size: usize) -> Option<()> {
        let zeros = DIGITS.wrapping_sub(digits_in(size));
        self.push(digits(size).get(zeros..)?)?;
        self.push(b" ")
    }

    /// Appends a tab and the modules `list`, unless that is empty.
    pub(crate) fn push_modules(&mut self, list: &[u8]) -> Option<()> {
        if list.is_empty() {
            return Some(());
        }
        self.push(b"\t")?;
        self.push(list)
    }
}

/// Length of the longest line that is short.
const SHORT: usize = 255;

/// Length of the longest piece of a short line.
const PIECE: usize = 64;

/// Bytes that there have to be for any short line: for the line, for four pieces that say to be
/// longer than that, and for what is copied of another.
pub(crate) const ROOM: usize = 4 * (SHORT + 1) + PIECE;

/// A line that is being written, and found out at its end to be short or not.
///
/// It is made of pieces of constant sizes, so that a move or two copy each; how much of one is
/// part of the line is told apart from that, and the rest is overwritten by the next.
///
/// There is so much room that it need not be looked at for each piece. A piece goes to where the
/// low byte of the length says: a line that is too long makes a mess of its own beginning, and
/// is thrown away in the end. As the compiler sees that no length leads out of the room, it
/// makes no checks either.
#[derive(Debug)]
pub(crate) struct ShortLine<'a> {
    room: &'a mut [u8; ROOM],
    len: usize,
}

impl<'a> ShortLine<'a> {
    /// Writes one line with `f`, which also ends it, to the start of `room`.
    ///
    /// Returns its length. `None` if it is not short, or there is less than [`ROOM`].
    #[inline]
    pub(crate) fn write(
        room: &'a mut [u8],
        f: impl FnOnce(&mut Self) -> Option<()>,
    ) -> Option<usize> {
        let mut line = ShortLine {
            room: room.first_chunk_mut()?,
            len: 0,
        };
        f(&mut line)?;
        Some(line.len).filter(|&len| len <= SHORT)
    }

    /// Puts `piece` some bytes after the end of the line.
    #[inline]
    fn put<const N: usize>(&mut self, after: usize, piece: &[u8; N]) {
        let at = usize::from(self.len as u8).wrapping_add(after);
        if let Some(room) = self.room.get_mut(at..at.wrapping_add(N)) {
            room.copy_from_slice(piece);
        }
    }

    /// Makes the next `len` bytes part of the line.
    #[inline]
    fn keep(&mut self, len: usize) {
        self.len = self.len.wrapping_add(len);
    }

    /// Begins the line: with address and size, and a blank after each.
    #[inline]
    pub(crate) fn begin(&mut self, text: &AddressText, address: usize, size: usize) {
        let len = digits_in(size);
        let end = len.wrapping_add(DIGITS + 1);

        // Leading zeroes of the size end up where the address goes next.
        if let Ok(size) = u16::try_from(size) {
            let [high, low] = size.to_be_bytes();
            self.put(end.wrapping_sub(4), pair(high));
            self.put(end.wrapping_sub(2), pair(low));
        } else {
            self.put(end.wrapping_sub(DIGITS), &digits(size));
        }
        self.put(end, b" ");

        self.put(0, &text.digits);
        self.put(DIGITS - 4, pair((address >> 8) as u8));
        self.put(DIGITS - 2, pair(address as u8));
        self.put(DIGITS, b" ");

        self.keep(end.wrapping_add(1));
    }

    /// Appends as many bytes of `piece` as its last one says.
    #[inline]
    pub(crate) fn push<const N: usize>(&mut self, piece: &[u8; N]) {
        self.put(0, piece);
        if let Some(&len) = piece.last() {
            self.keep(len.into());
        }
    }

    /// Appends four of the `pieces`, in fewer instructions than one by one: they go to where the
    /// length says.
    ///
    /// Returns `None` if the line is not short even without them. Otherwise there is room for four,
    /// of up to 255 bytes each.
    #[inline]
    pub(crate) fn push_four(&mut self, pieces: &[[u8; 8]; 256], four: &[u8; 4]) -> Option<()> {
        let mut len = self.len;
        if len > SHORT {
            return None;
        }
        for &number in four {
            let piece = &pieces[usize::from(number)];
            let room = self.room.get_mut(len..len.wrapping_add(8))?;
            room.copy_from_slice(piece);
            let [.., more] = *piece;
            len = len.wrapping_add(more.into());
        }
        self.len = len;
        Some(())
    }

    /// Ends the line.
    #[inline]
    pub(crate) fn end(&mut self, end: &LineEnd) {
        // Three out of four have no module, and most others a single one with a short name.
        const START: usize = 16;
        if let Some(start) = end.text.first_chunk::<START>() {
            self.put(0, start);
        }
        if end.len > START {
            self.put(0, &end.text);
        }
        self.keep(end.len);
    }
}

/// Makes a piece for [`ShortLine::push`] of a text. If that is too long, so is the line that it
/// is pushed to.
pub(crate) fn piece<'a, const N: usize>(text: impl Iterator<Item = &'a u8>) -> [u8; N] {
    let mut piece = [0; N];
    let mut len: u8 = 0;
    for byte in text {
        if let Some(to) = piece.get_mut(usize::from(len)) {
            *to = *byte;
        }
        len = len.saturating_add(1);
    }
    if let Some(last) = piece.last_mut() {
        *last = if usize::from(len) < N { len } else { u8::MAX };
    }
    piece
}

/// What the lines of a run of symbols end with: a tab, their modules, and the newline.
#[derive(Debug)]
pub(crate) struct LineEnd {
    text: [u8; PIECE],
    len: usize,
}

impl LineEnd {
    /// Makes the end of lines with the modules `list`, which may be empty.
    pub(crate) fn new(list: &[u8]) -> Self {
        let mut text = [0; PIECE];
        let len = Line::write(&mut text, |line| line.push_modules(list));
        LineEnd {
            text,
            // If that is too long, so is every line with this end.
            len: len.unwrap_or(SHORT + 1),
        }
    }
}

/// All but the last four digits of addresses that are near each other.
///
/// 99 % of symbols have them in common with the one before.
#[derive(Debug)]
pub(crate) struct AddressText {
    /// Which address this is the text of.
    address: usize,
    digits: [u8; DIGITS],
}

impl AddressText {
    /// Starts with the address zero.
    pub(crate) fn new() -> Self {
        AddressText {
            address: 0,
            digits: digits(0),
        }
    }

    /// Goes on to `address`.
    #[inline]
    pub(crate) fn set(&mut self, address: usize) {
        if (address ^ self.address) > 0xffff {
            self.address = address;
            self.digits = digits(address);
        }
    }
}

/// Returns all digits of `value`.
#[inline(never)]
fn digits(value: usize) -> [u8; DIGITS] {
    let mut text = [0; DIGITS];
    for (to, byte) in text.chunks_exact_mut(2).zip(value.to_be_bytes()) {
        to.copy_from_slice(pair(byte));
    }
    text
}

/// Returns how many digits `value` has without leading zeroes.
#[inline]
fn digits_in(value: usize) -> usize {
    let bits = usize::BITS.wrapping_sub((value | 1).leading_zeros());
    bits.div_ceil(4) as usize
}

/// Returns the two digits of `byte`.
#[inline]
fn pair(byte: u8) -> &'static [u8; 2] {
    &PAIRS[usize::from(byte)]
}

/// The digits of each byte.
static PAIRS: [[u8; 2]; 256] = {
    const DIGIT: &[u8; 16] = b"0123456789abcdef";
    let mut pairs = [[0; 2]; 256];
    let mut byte = 0;
    while byte < pairs.len() {
        pairs[byte] = [DIGIT[byte >> 4], DIGIT[byte & 15]];
        byte += 1;
    }
    pairs
};
