// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Sizes, of which nearly all fit two bytes: on a kernel of 139,609 symbols all but 8.

use alloc::vec::Vec;

/// Stands for a size that is kept aside.
const ASIDE: u16 = u16::MAX;

/// The sizes of all symbols.
#[derive(Default)]
pub(super) struct Sizes {
    small: Vec<u16>,
    /// What does not fit, sorted by rank.
    aside: Vec<(u32, u64)>,
}

impl Sizes {
    pub(super) fn new(sizes: &[u64]) -> Self {
        let mut aside = Vec::new();
        let narrow = |(rank, &size)| match u16::try_from(size) {
            Ok(size) if size != ASIDE => size,
            _ => {
                aside.push((rank, size));
                ASIDE
            }
        };
        let small = (0..).zip(sizes).map(narrow).collect();
        aside.shrink_to_fit();
        Self { small, aside }
    }

    #[inline]
    pub(super) fn get(&self, index: usize) -> u64 {
        match self.small[index] {
            ASIDE => self.aside(index),
            small => small.into(),
        }
    }

    #[cold]
    fn aside(&self, index: usize) -> u64 {
        let before = |&(rank, _): &(u32, u64)| (rank as usize) < index;
        self.aside[self.aside.partition_point(before)].1
    }

    pub(super) fn heap_size(&self) -> usize {
        self.small.capacity() * size_of::<u16>() + self.aside.capacity() * size_of::<(u32, u64)>()
    }
}

#[cfg(test)]
mod tests {
    use super::Sizes;

    #[test]
    fn sizes_come_back() {
        let all = [0, 1, 65_534, 65_535, 65_536, u64::MAX, 7];
        let sizes = Sizes::new(&all);
        for (index, size) in all.into_iter().enumerate() {
            assert_eq!(sizes.get(index), size);
        }
        assert_eq!(sizes.aside.len(), 3);
    }
}
