// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Mapping symbols, which no look-up answers with.
//!
//! Compilers for ARM, RISC-V and others mark with `$x` and `$d` where code ends and data starts. They stand in the middle
//! of functions, mostly without a size, and are nothing that a person has named.

use alloc::vec::Vec;

use super::name::Names;
use super::size::Sizes;

/// Whether a symbol only marks what kind of bytes follow: what `is_mapping_symbol()` of Linux says, and the same behind
/// the prefixes that the kernel's build puts before the symbols of a hypervisor and of code that runs early.
///
/// ```
/// use kallmodsyms::is_mapping_symbol;
///
/// assert!(is_mapping_symbol(b"$x.3") && is_mapping_symbol(b".LC0") && is_mapping_symbol(b"__kvm_nvhe_$d"));
/// assert!(!is_mapping_symbol(b"__kvm_nvhe_memset") && !is_mapping_symbol(b"L1_cache"));
/// ```
#[inline]
#[must_use]
pub fn is_mapping_symbol(name: &[u8]) -> bool {
    match name {
        [b'$', ..] | [b'.', b'L', ..] | [b'L', b'0', ..] => true,
        [b'_', b'_', rest @ ..] => [&b"kvm_nvhe_"[..], b"pi_"].iter().any(|prefix| {
            let rest = rest.strip_prefix(*prefix);
            matches!(rest, Some([b'$', ..] | [b'.', b'L', ..]))
        }),
        _ => false,
    }
}

/// The ranks of all mapping symbols, of which most tables have none.
#[derive(Default)]
pub(super) struct Mapping {
    ranks: Vec<u32>,
}

impl Mapping {
    pub(super) fn of(names: &Names) -> Self {
        let ranks =
            (0..names.len() as u32).filter(|&rank| is_mapping_symbol(names.get(rank as usize)));
        Self {
            ranks: ranks.collect(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.ranks.is_empty()
    }

    #[inline]
    pub(super) fn has(&self, rank: usize) -> bool {
        !self.is_empty() && self.place(rank).is_some()
    }

    /// How far a symbol reaches for look-ups.
    #[inline]
    pub(super) fn size(&self, sizes: &Sizes, rank: usize) -> u64 {
        if self.has(rank) { 0 } else { sizes.get(rank) }
    }

    /// The last rank up to this one that is no mapping symbol.
    #[inline]
    pub(super) fn back(&self, rank: usize) -> Option<usize> {
        if self.is_empty() {
            return Some(rank);
        }
        match self.place(rank) {
            None => Some(rank),
            // In a row of them place and rank differ by the same: a search finds where the row starts, however long.
            Some(place) => {
                let start = self.ranks[..=place]
                    .partition_point_by(|before, other| rank - other > place - before);
                (rank - (place - start)).checked_sub(1)
            }
        }
    }

    /// The first rank from this one on that is no mapping symbol; it may be the end.
    #[inline]
    pub(super) fn forward(&self, rank: usize) -> usize {
        if self.is_empty() {
            return rank;
        }
        match self.place(rank) {
            None => rank,
            Some(place) => {
                let row = &self.ranks[place..];
                rank + row.partition_point_by(|after, other| other - rank == after)
            }
        }
    }

    fn place(&self, rank: usize) -> Option<usize> {
        self.ranks.binary_search(&(rank as u32)).ok()
    }

    pub(super) fn heap_size(&self) -> usize {
        self.ranks.capacity() * size_of::<u32>()
    }
}

/// [`partition_point`](slice::partition_point) where the place of a rank counts as well.
trait PartitionPointBy {
    fn partition_point_by(&self, is_before: impl Fn(usize, usize) -> bool) -> usize;
}

impl PartitionPointBy for [u32] {
    fn partition_point_by(&self, is_before: impl Fn(usize, usize) -> bool) -> usize {
        let (mut start, mut end) = (0, self.len());
        while start < end {
            let middle = usize::midpoint(start, end);
            if is_before(middle, self[middle] as usize) {
                start = middle + 1;
            } else {
                end = middle;
            }
        }
        start
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::{Mapping, is_mapping_symbol};

    #[test]
    fn rows_are_skipped() {
        for rows in [
            &[][..],
            &[0],
            &[0, 1, 2],
            &[3],
            &[1, 2, 5, 6, 7, 9],
            &[9],
            &[0, 9],
        ] {
            let mapping = Mapping {
                ranks: rows.to_vec(),
            };
            for rank in 0..10_usize {
                let is_other = |rank: &usize| !rows.contains(&(*rank as u32));
                assert_eq!(mapping.has(rank), !is_other(&rank));
                assert_eq!(
                    mapping.back(rank),
                    (0..=rank).rev().find(is_other),
                    "{rank} of {rows:?}"
                );
                assert_eq!(
                    mapping.forward(rank),
                    (rank..=10).find(is_other).unwrap(),
                    "{rank} of {rows:?}"
                );
            }
        }
    }

    /// As `include/linux/module_symbol.h` has it, and `scripts/mksysmap` for the prefixes.
    #[test]
    fn the_rule_of_the_kernel() {
        let yes = [
            "$",
            "$a",
            "$t.1",
            "$x",
            "$d.23",
            ".L",
            ".L1^B1",
            "L0",
            "L0\x01",
            "__kvm_nvhe_$x.1",
            "__kvm_nvhe_.L3",
            "__pi_$d",
            "__pi_.Lx",
        ];
        let no = [
            "",
            "a$",
            "L",
            "L1",
            "l0",
            "_$",
            "__$x",
            ".text",
            ".",
            "__kvm_nvhe_",
            "__kvm_nvhe_L0",
            "__pi_memcpy",
        ];
        let taken = |names: &[&str]| {
            names
                .iter()
                .map(|name| is_mapping_symbol(name.as_bytes()))
                .collect::<Vec<_>>()
        };
        assert_eq!(taken(&yes), [true; 13]);
        assert_eq!(taken(&no), [false; 12]);
    }
}
