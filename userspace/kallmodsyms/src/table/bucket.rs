// SPDX-License-Identifier: Apache-2.0 OR MIT

//! What finds numbered things by name.

use alloc::vec;
use alloc::vec::Vec;
use core::hash::BuildHasher;

use foldhash::fast::FixedState;

/// A hash table without empty places.
///
/// Items are sorted by bucket, and by number within one; a second array says where each bucket starts. With about as
/// many buckets as items that is one look at each array, and items of one name stand together.
pub(super) struct Buckets {
    /// Where each bucket starts in `items`, and where the last one ends. A power of two and one.
    starts: Vec<u32>,
    items: Vec<u32>,
}

impl Buckets {
    /// Takes how many items there are, at most as many as 32 bits count, and the name of each.
    pub(super) fn new<'n>(count: usize, name: impl Fn(usize) -> &'n [u8]) -> Self {
        // Between one and two items a bucket.
        let buckets = (count / 2 + 1).next_power_of_two();
        let bucket_of: Vec<u32> = (0..count)
            .map(|item| bucket(name(item), buckets) as u32)
            .collect();
        // Counted, summed up, and filled from behind: a counting sort, which keeps the order within a bucket.
        let mut starts = vec![0_u32; buckets + 1];
        for &bucket in &bucket_of {
            starts[bucket as usize] += 1;
        }
        let mut sum = 0;
        for start in &mut starts {
            sum += *start;
            *start = sum;
        }
        let mut items = vec![0; count];
        for (item, &bucket) in bucket_of.iter().enumerate().rev() {
            let start = &mut starts[bucket as usize];
            *start -= 1;
            items[*start as usize] = item as u32;
        }
        Self { starts, items }
    }

    /// The items of this name, beside a few others, in order.
    #[inline]
    pub(super) fn candidates(&self, name: &[u8]) -> &[u32] {
        let bucket = bucket(name, self.starts.len() - 1);
        &self.items[self.starts[bucket] as usize..self.starts[bucket + 1] as usize]
    }

    pub(super) fn heap_size(&self) -> usize {
        (self.starts.capacity() + self.items.capacity()) * size_of::<u32>()
    }
}

#[inline]
fn bucket(name: &[u8], buckets: usize) -> usize {
    // The same for all tables: what a kernel calls its functions is no attack.
    let hash = FixedState::default().hash_one(name);
    // `buckets` is a power of two.
    hash as usize & (buckets - 1)
}
