// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Eight bytes at a time, in one 64-bit word.
//!
//! The first byte is the lowest of the word, so that what a carry or a borrow disturbs is a later byte. The first byte
//! of some kind is thus found exactly, though those after it may not be.

#![expect(clippy::inline_always, reason = "as for the usual line")]

/// The value of 16 hex digits. `None` if a byte is none.
#[inline(always)]
pub(super) fn hex16(digits: &[u8; 16]) -> Option<u64> {
    let (high, low) = digits.split_first_chunk()?;
    // The upper half of every address of a kernel image on x86 and RISC-V: saves 30 of 220 instructions a line.
    let high = if high == b"ffffffff" {
        0xffff_ffff
    } else {
        hex8(*high)?
    };
    Some(high << 32 | hex8(*low.first_chunk()?)?)
}

/// The value of eight hex digits. `None` if a byte is none.
#[inline(always)]
pub(super) fn hex8(digits: [u8; 8]) -> Option<u64> {
    let word = u64::from_le_bytes(digits);
    // A letter has the bit 0x40, a digit has not. So each byte tells from what it counts: `a` or `0`.
    let letter = (word & each(0x40)) >> 6;
    let above = word.wrapping_sub(each(b'0') + letter * u64::from(b'a' - b'0'));
    // Now a digit is 0 to 9 and a letter 0 to 5. Anything else has its top bit set, or gets it from this.
    let limit = each(0x80 - 10) + letter * 4;
    if (above | above.wrapping_add(limit)) & each(0x80) != 0 {
        return None;
    }
    let nibbles = above + letter * 10;
    // Pairs of nibbles, then of bytes, then of halves. The multiplications shift and add.
    let pairs = (nibbles.wrapping_mul(1 << 12 | 1) >> 8) & 0x00ff_00ff_00ff_00ff;
    let bytes = (pairs.wrapping_mul(1 << 24 | 1) >> 16) & 0x0000_ffff_0000_ffff;
    Some(bytes.wrapping_mul(1 << 48 | 1) >> 32)
}

/// How many bytes come before the first that is a blank or a control character.
#[inline(never)]
pub(super) fn low_byte(input: &[u8]) -> usize {
    let mut at = 0;
    while let Some(chunk) = input[at..].first_chunk() {
        let word = u64::from_le_bytes(*chunk);
        // The top bit of a byte below 0x21 is set by the subtraction and was not set before.
        let low = word.wrapping_sub(each(0x21)) & !word & each(0x80);
        if low != 0 {
            return at + low.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    let is_low = |&byte: &u8| byte <= b' ';
    at + input[at..]
        .iter()
        .position(is_low)
        .unwrap_or(input.len() - at)
}

/// How many bytes come before the first that is a blank, a control character, or from 0xa1 on; at least as many as
/// there are if there is none.
///
/// Looks at all words and chooses without a branch. A loop that ends with the first hit executes as many instructions
/// on average, but nothing can predict the length of a name: of a wrong guess every other line, reading takes a quarter
/// longer.
#[inline(always)]
pub(super) fn low_or_high_byte(input: &[u8; 40]) -> usize {
    let mut words = [0; 5];
    for (word, bytes) in words.iter_mut().zip(input.chunks_exact(8)) {
        let bytes = bytes
            .first_chunk()
            .map_or(0, |&bytes| u64::from_le_bytes(bytes));
        *word = bytes.wrapping_sub(each(0x21)) & each(0x80);
    }
    let (mut base, mut first) = (32, words[4]);
    for (at, &word) in words.iter().enumerate().rev().skip(1) {
        if word != 0 {
            (base, first) = (8 * at, word);
        }
    }
    base + first.trailing_zeros() as usize / 8
}

const fn each(byte: u8) -> u64 {
    u64::from_ne_bytes([byte; 8])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one_by_one(digits: &[u8]) -> Option<u64> {
        digits.iter().try_fold(0, |value, digit| {
            let nibble = b"0123456789abcdef".iter().position(|of| of == digit)?;
            Some(value << 4 | nibble as u64)
        })
    }

    /// Every byte at every place.
    #[test]
    fn eight_digits_at_once_take_what_one_by_one_takes() {
        for place in 0..8 {
            for byte in 0..=u8::MAX {
                for other in *b"09af" {
                    let mut digits = [other; 8];
                    digits[place] = byte;
                    assert_eq!(
                        hex8(digits),
                        one_by_one(&digits),
                        "{}",
                        digits.escape_ascii()
                    );
                }
            }
        }
    }

    #[test]
    fn neighbours_do_not_disturb_each_other() {
        // A wrong byte whose carry or borrow could reach the byte beside it.
        for first in 0..=u8::MAX {
            for second in 0..=u8::MAX {
                let digits = [first, second, b'0', b'f', first, second, b'a', b'9'];
                assert_eq!(
                    hex8(digits),
                    one_by_one(&digits),
                    "{}",
                    digits.escape_ascii()
                );
            }
        }
    }

    #[test]
    fn both_halves_count() {
        for digits in [
            b"ffffffff8b014130",
            b"0123456789abcdef",
            b"fffffffe00000000",
        ] {
            assert_eq!(hex16(digits), one_by_one(digits));
        }
        for wrong in [
            b"fffffffg8b014130",
            b"ffffffff8b01413g",
            b"FFFFFFFF8b014130",
        ] {
            assert_eq!(hex16(wrong), None);
        }
    }

    #[test]
    fn the_first_low_byte_is_found() {
        for length in 0..20 {
            for place in 0..length {
                for low in 0..=b' ' {
                    for other in [b'!', 0x7f, 0x80, 0xa0, 0xff] {
                        let mut bytes = [other; 20];
                        bytes[place] = low;
                        assert_eq!(low_byte(&bytes[..length]), place);
                    }
                }
            }
            assert_eq!(low_byte(&[b'x'; 20][..length]), length);
        }
    }

    #[test]
    fn the_first_low_or_high_byte_is_found() {
        for place in 0..40 {
            for byte in (0..=b' ').chain(0xa1..=u8::MAX) {
                for before in [b'!', 0x7f, 0x80, 0xa0] {
                    for after in [0, b'!', 0xa0, 0xff] {
                        let mut bytes = [before; 40];
                        bytes[place..].fill(after);
                        bytes[place] = byte;
                        assert_eq!(low_or_high_byte(&bytes), place);
                    }
                }
            }
        }
        assert!(low_or_high_byte(&[b'!'; 40]) >= 40);
        assert!(low_or_high_byte(&[0xa0; 40]) >= 40);
    }
}
