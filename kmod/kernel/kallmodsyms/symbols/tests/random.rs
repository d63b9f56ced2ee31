// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Symbols and bytes to test with, the same ones for the same seed.

use super::encode::{Symbol, TEXTS};
use std::{iter::repeat_with, ops::Range};

/// A generator of numbers (xorshift64*).
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        // Any state but zero will do; neighbours are to differ from the first number on.
        Random((seed + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    /// Any number.
    pub(crate) fn any(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        // The low bits are the weakest.
        let product = u128::from(self.0) * 0x2545_f491_4f6c_dd1d;
        (product >> 32) as u64
    }

    /// A number of `range`.
    pub(crate) fn in_range(&mut self, range: Range<usize>) -> usize {
        range.start + (self.any() % (range.end - range.start) as u64) as usize
    }

    /// Whether something happens that does once in `times`.
    pub(crate) fn once_in(&mut self, times: usize) -> bool {
        self.in_range(0..times) == 0
    }

    /// One of `choices`.
    pub(crate) fn one_of<T: Clone>(&mut self, choices: &[T]) -> T {
        choices[self.in_range(0..choices.len())].clone()
    }

    /// As many as `len` says of what `make` makes.
    pub(crate) fn list<T>(
        &mut self,
        len: Range<usize>,
        mut make: impl FnMut(&mut Self) -> T,
    ) -> Vec<T> {
        let len = self.in_range(len);
        repeat_with(|| make(self)).take(len).collect()
    }

    /// A type letter and a name.
    fn name(&mut self) -> (u8, Vec<u8>) {
        // One in 50 is long enough for a length of two bytes, and for a line that is not short.
        let parts = if self.once_in(50) { 60..300 } else { 1..9 };
        let parts = self.list(parts, |random| match random.in_range(0..10) {
            0 | 1 => {
                let text = random.one_of(&TEXTS);
                text.strip_prefix(b"T").unwrap_or(text).to_vec()
            }
            2 => [random.in_range(0x80..0xf1) as u8].to_vec(),
            _ => [random.one_of(b"abcdefghijklmnopqrstuvwxyz_")].to_vec(),
        });
        (self.one_of(b"TtTtADdrRwW"), parts.concat())
    }

    /// Some symbols, with all kinds of slack, overlap, aliases and lists of modules.
    pub(crate) fn symbols(&mut self) -> Vec<Symbol> {
        let mut address = 0;
        self.list(0..300, |random| {
            let ranges = [0..1, 1..16, 16..300, 300..100_000];
            let distance = random.one_of(&ranges);
            let distance = random.in_range(distance);
            let size = match random.in_range(0..10) {
                // As most symbols do, end where the next one begins.
                0..=4 => distance,
                5 => 0,
                6 => random.in_range(1..16),
                7 => random.in_range(16..512),
                8 => random.in_range(512..100_000),
                _ => random.any() as usize,
            };
            // A tab, the newline and these are as long as an end of 16 or 64 bytes allows, and
            // longer.
            let len = random.in_range(12..15);
            let longer = random.in_range(60..63);
            let modules = random.one_of(&[
                String::new(),
                String::from("[a] [b_c]"),
                format!("[{:x<len$}]", ""),
                format!("[{:x<longer$}]", ""),
            ]);
            let (kind, name) = random.name();
            let here = address;
            address += distance as u32;
            Symbol {
                address: here,
                size,
                kind,
                name,
                modules,
            }
        })
    }
}
