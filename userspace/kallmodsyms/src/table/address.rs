// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Addresses in order, and how far the symbols reach.
//!
//! Addresses are cut into blocks of 32, each with a base of eight bytes and offsets of four: 4.25 bytes a symbol, whatever
//! the architecture's layout. The few symbols over 4 GiB from the base of their block (at the seam between per-CPU data at 0 and
//! the kernel's text, say) are kept aside. A look-up searches the bases, which fit a first-level cache (35 KB for
//! 139,609 symbols), then counts in one block without branches.

use alloc::vec::Vec;

use super::narrow::{Narrow, Small};

const BLOCK: usize = 32;

pub(super) struct Addresses {
    /// The first address of each block.
    bases: Vec<u64>,
    /// Each address less the base of its block.
    offsets: Narrow<u32>,
    /// How far symbols reach, to find those that enclose an address without visiting all: the furthest end in each
    /// block, then in each 32 blocks, and so on. Empty where there are no sizes.
    reach: Vec<Vec<u64>>,
}

impl Addresses {
    /// Takes addresses in ascending order.
    pub(super) fn new(sorted: &[u64]) -> Self {
        let bases: Vec<u64> = sorted.iter().step_by(BLOCK).copied().collect();
        let offsets = sorted.iter().enumerate();
        let offsets = Narrow::new(offsets.map(|(index, address)| address - bases[index / BLOCK]));
        Self {
            bases,
            offsets,
            reach: Vec::new(),
        }
    }

    /// Takes where each symbol ends, so that [`last_reaching`](Self::last_reaching) works.
    pub(super) fn set_ends(&mut self, ends: impl Iterator<Item = u64>) {
        let mut level = maxima(ends, self.bases.len());
        while level.len() > 1 {
            let next = maxima(level.iter().copied(), level.len().div_ceil(BLOCK));
            self.reach.push(level);
            level = next;
        }
        self.reach.push(level);
    }

    #[inline]
    pub(super) fn get(&self, index: usize) -> u64 {
        self.bases[index / BLOCK] + self.offsets.get(index)
    }

    /// How many addresses are at most this one.
    #[inline]
    pub(super) fn upper(&self, address: u64) -> usize {
        let Some(block) = self
            .bases
            .partition_point(|&base| base <= address)
            .checked_sub(1)
        else {
            return 0;
        };
        let start = block * BLOCK;
        let offsets = self.offsets.small();
        let offsets = &offsets[start..offsets.len().min(start + BLOCK)];
        match u32::try_from(address - self.bases[block]) {
            // What is aside is further off than any offset.
            Ok(offset) if offset != u32::ASIDE => {
                start + offsets.iter().filter(|&&other| other <= offset).count()
            }
            _ => {
                let places = start..start + offsets.len();
                start + places.filter(|&place| self.get(place) <= address).count()
            }
        }
    }

    /// The last of the first `count` symbols that ends beyond the address. `end` is what
    /// [`set_ends`](Self::set_ends) was given.
    ///
    /// Looks at one symbol as a rule. Where none reaches, climbs from the block to blocks of blocks until one does, and
    /// down again: at most 32 looks on each level.
    #[inline]
    pub(super) fn last_reaching(
        &self,
        count: usize,
        address: u64,
        end: impl Fn(usize) -> u64,
    ) -> Option<usize> {
        let last = count.checked_sub(1)?;
        if end(last) > address {
            return Some(last);
        }
        self.last_reaching_before(last, address, end)
    }

    fn last_reaching_before(
        &self,
        count: usize,
        address: u64,
        end: impl Fn(usize) -> u64,
    ) -> Option<usize> {
        let last_in = |range: core::ops::Range<usize>, reaches: &dyn Fn(usize) -> bool| {
            range.rev().find(|&place| reaches(place))
        };
        let symbol_reaches = |place: usize| end(place) > address;
        // Up: what stands before `count` in its own block, on each level.
        let mut before = count;
        let mut level = 0;
        let mut found = loop {
            let block = before / BLOCK;
            let inside = block * BLOCK..before;
            let place = match level {
                0 => last_in(inside, &symbol_reaches),
                _ => last_in(inside, &|place| self.reach[level - 1][place] > address),
            };
            if let Some(place) = place {
                break place;
            }
            if level == self.reach.len() || block == 0 {
                return None;
            }
            before = block;
            level += 1;
        };
        // Down: a block that reaches has a part that does.
        while level > 0 {
            level -= 1;
            let start = found * BLOCK;
            found = if level == 0 {
                last_in(start..(start + BLOCK).min(count), &symbol_reaches)?
            } else {
                let reach = &self.reach[level - 1];
                let inside = start..(start + BLOCK).min(reach.len());
                last_in(inside, &|place| reach[place] > address)?
            };
        }
        Some(found)
    }

    pub(super) fn heap_size(&self) -> usize {
        let reach: usize = self.reach.iter().map(Vec::capacity).sum();
        (self.bases.capacity() + reach) * size_of::<u64>()
            + self.reach.capacity() * size_of::<Vec<u64>>()
            + self.offsets.heap_size()
    }
}

/// The largest of each 32 numbers, of which there are `blocks` times 32 or a few less.
fn maxima(numbers: impl Iterator<Item = u64>, blocks: usize) -> Vec<u64> {
    let mut maxima = Vec::with_capacity(blocks);
    for (index, number) in numbers.enumerate() {
        match maxima.last_mut() {
            Some(last) if index % BLOCK != 0 => *last = number.max(*last),
            _ => maxima.push(number),
        }
    }
    maxima
}
