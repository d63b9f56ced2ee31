// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Decoding of symbol sizes.
//!
//! Most symbols end where the next one begins, so `scripts/kallsyms.c` records how much is lacking
//! from that: the slack. Of the 139,437 symbols of an x86_64 kernel with `CONFIG_KALLSYMS_ALL`,
//! half have none, 9 % are markers of size zero, 102 have 64 bytes or more and 18 overlap the next.
//! So a size takes 4 bits for most symbols and 0.585 bytes on average, markers included, where an
//! array of `unsigned long` takes 8.
//!
//! | first nibble | meaning | nibbles that follow |
//! |---|---|---|
//! | 0 to 11 | this slack | none |
//! | 12 | slack of 12 to 27 | one: slack - 12 |
//! | 13 | slack of 28 to 283 | two: slack - 28, high one first |
//! | 14 | size zero | none |
//! | 15 | the size itself | groups of three bits, low ones first, bit 3 set in all but the last |
//!
//! The low half of a byte comes first. The slack counts from the end of the symbol to the next
//! higher address that has a symbol.

/// Symbols per marker.
const BLOCK: usize = 256;

/// The table of sizes.
///
/// Any bytes will do: a table that makes no sense gives `None`, never a panic.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sizes<'a> {
    /// The codes, two in a byte.
    pub(crate) codes: &'a [u8],
    /// Index of the first nibble of every 256th symbol.
    pub(crate) markers: &'a [u32],
}

/// What the table says of one symbol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Code {
    /// The size is this much less than the distance to the next symbol.
    Slack(u16),
    /// The size is zero.
    Zero,
    /// The size itself.
    Explicit(usize),
}

impl Code {
    /// Returns the size in bytes of a symbol.
    ///
    /// `distance` returns how far it is to the next higher address of a symbol, if there is one;
    /// it is only called when the size depends on it. `None` if the table contradicts addresses.
    #[inline]
    pub(crate) fn size(self, distance: impl FnOnce() -> Option<usize>) -> Option<usize> {
        match self {
            Code::Zero => Some(0),
            Code::Explicit(size) => Some(size),
            Code::Slack(slack) => distance()?.checked_sub(slack.into()),
        }
    }
}

impl<'a> Sizes<'a> {
    /// Returns the nibble at index `at`.
    #[inline]
    fn nibble(&self, at: usize) -> Option<u8> {
        let byte = self.codes.get(at >> 1)?;
        Some((byte >> ((at & 1) * 4)) & 15)
    }

    /// Returns the code that begins at nibble `at`, and the index of the nibble after it.
    #[inline]
    pub(crate) fn decode(&self, at: usize) -> Option<(Code, usize)> {
        let next = at.wrapping_add(1);
        match self.nibble(at)? {
            slack @ 0..=11 => Some((Code::Slack(slack.into()), next)),
            14 => Some((Code::Zero, next)),
            first => self.decode_long(first, next),
        }
    }

    /// Returns the code that begins with `first` and goes on at nibble `at`, and the index of the
    /// nibble after it.
    #[inline(never)]
    fn decode_long(&self, first: u8, at: usize) -> Option<(Code, usize)> {
        let mut at = at;
        let mut take = || {
            let nibble = self.nibble(at)?;
            at = at.wrapping_add(1);
            Some(nibble)
        };

        let code = match first {
            12 => Code::Slack(u16::from(take()?).wrapping_add(12)),
            13 => {
                let high = u16::from(take()?);
                Code::Slack((high << 4 | u16::from(take()?)).wrapping_add(28))
            }
            _ => {
                let mut size: usize = 0;
                let mut shift: u32 = 0;
                loop {
                    let nibble = take()?;
                    let group = usize::from(nibble & 7);
                    let shifted = group.checked_shl(shift)?;
                    // Bits that fall off the end are an error, not a smaller size.
                    if shifted >> shift != group {
                        return None;
                    }
                    size |= shifted;
                    shift = shift.wrapping_add(3);
                    if nibble & 8 == 0 {
                        break Code::Explicit(size);
                    }
                }
            }
        };
        Some((code, at))
    }

    /// Returns the index of the nibble after `count` codes from nibble `at` on.
    fn skip(&self, at: usize, count: usize) -> Option<usize> {
        let mut at = at;
        let mut count = count;
        while count > 0 {
            // Most codes are one nibble, so most bytes are two codes.
            if at & 1 == 0 && count > 1 {
                let byte = *self.codes.get(at >> 1)?;
                if is_single(byte & 15) && is_single(byte >> 4) {
                    at = at.wrapping_add(2);
                    count = count.wrapping_sub(2);
                    continue;
                }
            }
            let first = self.nibble(at)?;
            at = if is_single(first) {
                at.wrapping_add(1)
            } else {
                self.decode_long(first, at.wrapping_add(1))?.1
            };
            count = count.wrapping_sub(1);
        }
        Some(at)
    }

    /// Returns the code of symbol number `index`, in at most 255 steps from a marker.
    pub(crate) fn get(&self, index: usize) -> Option<Code> {
        let marker = usize::try_from(*self.markers.get(index / BLOCK)?).ok()?;
        let at = self.skip(marker, index % BLOCK)?;
        Some(self.decode(at)?.0)
    }
}

/// Whether a code that begins with this nibble has no other.
#[inline]
fn is_single(nibble: u8) -> bool {
    matches!(nibble, 0..=11 | 14)
}
