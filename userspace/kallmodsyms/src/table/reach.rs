// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Symbols that reach past the start of the next one, to find what encloses an address without a look at each.
//!
//! Nearly none do: on a kernel of 139,609 symbols 18. If the last symbol that starts below an address does not contain
//! it, only one of these can.

use alloc::vec::Vec;
use core::ops::Range;

const BLOCK: usize = 32;

/// The symbols that reach past the next one's start, and the furthest end among each 32 of them, among each 32 of
/// those, and so on, for tables that nest on purpose.
#[derive(Default)]
pub(super) struct Reach {
    ranks: Vec<u32>,
    levels: Vec<Vec<u64>>,
}

impl Reach {
    /// Takes the start and the size of each symbol, in table order.
    ///
    /// One that has the same extent as the next is left out: where it is the answer, so is the next.
    pub(super) fn new(starts: &[u64], size: impl Fn(usize) -> u64) -> Self {
        let end = |index: usize| starts[index].saturating_add(size(index));
        let mut ranks = Vec::new();
        for (index, pair) in starts.windows(2).enumerate() {
            let same_extent = || pair[0] == pair[1] && size(index) == size(index + 1);
            if end(index) > pair[1] && !same_extent() {
                ranks.push(index as u32);
            }
        }
        ranks.shrink_to_fit();
        let mut levels = Vec::new();
        let mut level = maxima(ranks.iter().map(|&rank| end(rank as usize)));
        while level.len() > 1 {
            let next = maxima(level.iter().copied());
            levels.push(level);
            level = next;
        }
        levels.push(level);
        Self { ranks, levels }
    }

    /// The last symbol before this rank that reaches past the next one's start, and beyond the address. `end` is where
    /// a symbol ends.
    ///
    /// Climbs from the symbols to blocks of them until one reaches, and down again: at most 32 looks on each level.
    pub(super) fn last_before(
        &self,
        rank: usize,
        address: u64,
        end: impl Fn(usize) -> u64,
    ) -> Option<usize> {
        // Level 0 is the symbols.
        let end_of = |level: usize, place: usize| match level.checked_sub(1) {
            Some(above) => self.levels[above][place],
            None => end(self.ranks[place] as usize),
        };
        let last_in = |level: usize, mut places: Range<usize>| {
            places.rfind(|&place| end_of(level, place) > address)
        };
        let mut level = 0;
        let mut before = self.ranks.partition_point(|&other| (other as usize) < rank);
        let mut found = loop {
            let block = before / BLOCK;
            if let Some(found) = last_in(level, block * BLOCK..before) {
                break found;
            }
            if level == self.levels.len() || block == 0 {
                return None;
            }
            (before, level) = (block, level + 1);
        };
        while level > 0 {
            // All of this block is before the rank, and a part of it reaches.
            level -= 1;
            found = last_in(level, found * BLOCK..(found + 1) * BLOCK)?;
        }
        Some(self.ranks[found] as usize)
    }

    pub(super) fn heap_size(&self) -> usize {
        let levels = self.levels.iter();
        let levels = levels.map(|level| size_of_val(level) + level.capacity() * size_of::<u64>());
        self.ranks.capacity() * size_of::<u32>() + levels.sum::<usize>()
    }
}

/// The largest of each 32 numbers.
fn maxima(numbers: impl ExactSizeIterator<Item = u64>) -> Vec<u64> {
    let mut maxima = Vec::with_capacity(numbers.len().div_ceil(BLOCK));
    for (index, number) in numbers.enumerate() {
        match maxima.last_mut() {
            Some(last) if index % BLOCK != 0 => *last = number.max(*last),
            _ => maxima.push(number),
        }
    }
    maxima
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::Reach;

    #[test]
    fn the_last_that_reaches_is_found() {
        // Each reaches a little past the next one's start, and one reaches far.
        for count in [1_u64, 2, 31, 32, 33, 34, 1024, 1025, 1026, 33_000] {
            for far in [0, 1, 31, 32, 1000, 1023, 1024, 32_768, 32_998] {
                let starts: Vec<u64> = (0..count).map(|index| index * 10).collect();
                let size = |index| if index == far { 1_000_000 } else { 15 };
                let size = |index: usize| size(index as u64);
                let end = |index: usize| starts[index] + size(index);
                let reach = Reach::new(&starts, size);
                let last = |before: u64, address| {
                    let found = reach.last_before(before as usize, address, end);
                    found.map(|rank| rank as u64)
                };
                let beyond = count * 10 + 15;
                // The last symbol has none to reach past.
                let expected = (far + 1 < count).then_some(far);
                assert_eq!(last(count, beyond), expected, "{far} of {count}");
                assert_eq!(last(far.min(count), beyond), None);
                // One byte before the end of the last symbol but one.
                let last_but_one = count.checked_sub(2);
                let address = last_but_one.unwrap_or(0) * 10 + 14;
                assert_eq!(last(count, address), last_but_one);
            }
        }
    }
}
