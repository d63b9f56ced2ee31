// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Sizes, of which nearly all fit two bytes: on a kernel of 139,609 symbols all but 8.

use alloc::vec::Vec;

use super::build::permute;

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
    pub(super) fn with_capacity(sizes: usize) -> Self {
        Self {
            small: Vec::with_capacity(sizes),
            aside: Vec::new(),
        }
    }

    #[inline]
    pub(super) fn push(&mut self, size: u64) {
        let small = match u16::try_from(size) {
            Ok(small) if small != ASIDE => small,
            _ => self.push_aside(size),
        };
        self.small.push(small);
    }

    #[cold]
    fn push_aside(&mut self, size: u64) -> u16 {
        self.aside.push((self.small.len() as u32, size));
        ASIDE
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

    /// Whether there is a size other than zero.
    pub(super) fn any(&self) -> bool {
        self.small.iter().any(|&small| small != 0)
    }

    /// Puts the sizes from `start` on into this order.
    pub(super) fn reorder(&mut self, start: usize, order: &[u32]) {
        if !self.aside.is_empty() {
            let before = |&(rank, _): &(u32, u64)| (rank as usize) < start;
            let mut aside = self.aside[..self.aside.partition_point(before)].to_vec();
            for (place, &index) in (start as u32..).zip(order) {
                if self.small[index as usize] == ASIDE {
                    aside.push((place, self.aside(index as usize)));
                }
            }
            self.aside = aside;
        }
        permute(&mut self.small, start, order);
    }

    pub(super) fn shrink_to_fit(&mut self) {
        self.small.shrink_to_fit();
        self.aside.shrink_to_fit();
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
        let mut sizes = Sizes::default();
        for size in all {
            sizes.push(size);
        }
        for (index, size) in all.into_iter().enumerate() {
            assert_eq!(sizes.get(index), size);
        }
        assert_eq!(sizes.aside.len(), 3);

        sizes.reorder(2, &[6, 5, 4, 3, 2]);
        for (index, size) in [0, 1, 7, u64::MAX, 65_536, 65_535, 65_534]
            .into_iter()
            .enumerate()
        {
            assert_eq!(sizes.get(index), size);
        }
    }
}
