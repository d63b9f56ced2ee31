// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Runs of symbols that have something in common.

use alloc::vec::Vec;
use core::ops::Range;

const BLOCK: usize = 64;

/// A number for each symbol, kept once for each run of symbols with the same: 139,609 symbols make 2,300 runs of the
/// same modules, and of 64 neighbours all but the first few are one run. So where the first of each 64 symbols is says
/// where to look, in a step or two.
pub(super) struct Runs {
    /// Where each run starts, and its number. The first run starts with the first symbol.
    runs: Vec<(u32, u32)>,
    /// The run of each 64th symbol.
    hints: Vec<u32>,
}

impl Runs {
    /// Takes what each run starts with, in order, and how many symbols there are.
    pub(super) fn new(mut runs: Vec<(u32, u32)>, count: usize) -> Self {
        runs.shrink_to_fit();
        let mut run = 0;
        let hint = |index: usize| {
            while runs
                .get(run + 1)
                .is_some_and(|&(start, _)| start as usize <= index)
            {
                run += 1;
            }
            run as u32
        };
        let hints = (0..count).step_by(BLOCK).map(hint).collect();
        Self { runs, hints }
    }

    #[inline]
    pub(super) fn get(&self, index: usize) -> u32 {
        let first = self.hints[index / BLOCK] as usize;
        let next = self.runs[first + 1..].iter();
        let more = next
            .take_while(|&&(start, _)| start as usize <= index)
            .count();
        self.runs[first + more].1
    }

    /// The runs, if the symbols from `start` on were in this order.
    pub(super) fn reordered(
        &self,
        start: usize,
        order: impl Iterator<Item = usize>,
    ) -> Vec<(u32, u32)> {
        let before = |&(run_start, _): &(u32, u32)| (run_start as usize) < start;
        let kept = self.runs.partition_point(before);
        let mut runs = self.runs[..kept].to_vec();
        for (place, index) in (start as u32..).zip(order) {
            push(&mut runs, place, self.get(index));
        }
        runs
    }

    /// The ranks of each run, of `count` in all, and its number.
    pub(super) fn iter(&self, count: usize) -> impl Iterator<Item = (Range<u32>, u32)> {
        let ends = self.runs.iter().skip(1).map(|&(start, _)| start);
        let ends = ends.chain([count as u32]);
        let runs = self.runs.iter().zip(ends);
        runs.map(|(&(start, number), end)| (start..end, number))
    }

    pub(super) fn heap_size(&self) -> usize {
        self.runs.capacity() * size_of::<(u32, u32)>() + self.hints.capacity() * size_of::<u32>()
    }
}

/// Appends a symbol to runs.
pub(super) fn push(runs: &mut Vec<(u32, u32)>, index: u32, number: u32) {
    if runs.last().is_none_or(|&(_, last)| last != number) {
        runs.push((index, number));
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::{Runs, push};

    #[test]
    fn numbers_come_back() {
        // Runs of 1 to 200 symbols, and blocks of 64 with many runs in them.
        let numbers: Vec<u32> = (0..2000_u32)
            .map(|index| (index * index / 3000) % 7)
            .collect();
        let mut runs = Vec::new();
        for (index, &number) in (0..).zip(&numbers) {
            push(&mut runs, index, number);
        }
        let runs = Runs::new(runs, numbers.len());
        assert!((0..numbers.len()).all(|index| runs.get(index) == numbers[index]));
        assert!(runs.iter(numbers.len()).count() < numbers.len());

        let turned = Runs::new(
            runs.reordered(100, (100..numbers.len()).rev()),
            numbers.len(),
        );
        let expected = numbers[..100].iter().chain(numbers[100..].iter().rev());
        assert!(
            expected
                .enumerate()
                .all(|(index, &number)| turned.get(index) == number)
        );
    }
}
