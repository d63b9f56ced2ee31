// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Numbers of which nearly all are small.

use alloc::vec::Vec;

/// An unsigned type narrower than `u64`, whose largest value stands for "look aside".
pub(super) trait Small: Copy + PartialEq + TryFrom<u64> + Into<u64> {
    const ASIDE: Self;
}

impl Small for u16 {
    const ASIDE: Self = Self::MAX;
}

impl Small for u32 {
    const ASIDE: Self = Self::MAX;
}

/// A list of numbers, each kept in a small type if it fits, or aside with its index if not.
pub(super) struct Narrow<T> {
    small: Vec<T>,
    /// Sorted by index.
    aside: Vec<(u32, u64)>,
}

impl<T> Default for Narrow<T> {
    fn default() -> Self {
        Self {
            small: Vec::new(),
            aside: Vec::new(),
        }
    }
}

impl<T: Small> Narrow<T> {
    /// At most `u32::MAX` numbers: the table's limit.
    pub(super) fn new(numbers: impl ExactSizeIterator<Item = u64>) -> Self {
        let mut small = Vec::with_capacity(numbers.len());
        let mut aside = Vec::new();
        for (index, number) in (0_u32..).zip(numbers) {
            match T::try_from(number) {
                Ok(value) if value != T::ASIDE => small.push(value),
                _ => {
                    small.push(T::ASIDE);
                    aside.push((index, number));
                }
            }
        }
        aside.shrink_to_fit();
        Self { small, aside }
    }

    /// The small parts, where `T::ASIDE` stands for a number that is at least as large.
    pub(super) fn small(&self) -> &[T] {
        &self.small
    }

    #[inline]
    pub(super) fn get(&self, index: usize) -> u64 {
        let small = self.small[index];
        if small == T::ASIDE {
            self.aside(index)
        } else {
            small.into()
        }
    }

    #[cold]
    fn aside(&self, index: usize) -> u64 {
        let place = self
            .aside
            .partition_point(|&(other, _)| (other as usize) < index);
        self.aside[place].1
    }

    pub(super) fn heap_size(&self) -> usize {
        self.small.capacity() * size_of::<T>() + self.aside.capacity() * size_of::<(u32, u64)>()
    }
}

#[cfg(test)]
mod tests {
    use super::Narrow;

    #[test]
    fn numbers_come_back() {
        let numbers = [0, 1, 65_534, 65_535, 65_536, u64::MAX, 7];
        let narrow = Narrow::<u16>::new(numbers.into_iter());
        for (index, number) in numbers.into_iter().enumerate() {
            assert_eq!(narrow.get(index), number);
        }
        assert_eq!(narrow.aside.len(), 3);
    }
}
