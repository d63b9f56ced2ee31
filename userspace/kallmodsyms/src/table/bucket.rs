// SPDX-License-Identifier: Apache-2.0 OR MIT

//! What finds numbered things by name.

use alloc::vec;
use alloc::vec::Vec;
use core::hash::BuildHasher;

use foldhash::fast::FixedState;

/// How many items of a bucket are looked at one by one.
pub(super) const FEW: usize = 32;

/// A hash table without empty places.
///
/// Items are sorted by bucket, and by number within one; a second array says where each bucket starts. With about as
/// many buckets as items that is one look at each array, and items of one name stand together. A bucket of many is
/// sorted by name first and searched in halves: the hash is the same for all tables, and names may be chosen to meet.
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
        for ends in starts.windows(2) {
            let bucket = &mut items[ends[0] as usize..ends[1] as usize];
            if bucket.len() > FEW {
                bucket.sort_unstable_by_key(|&item| (name(item as usize), item));
            }
        }
        Self { starts, items }
    }

    /// The items of this name, beside a few others, in order. `name` is what the table was made with.
    #[inline]
    pub(super) fn candidates<'n>(&self, wanted: &[u8], name: impl Fn(usize) -> &'n [u8]) -> &[u32] {
        let bucket = bucket(wanted, self.starts.len() - 1);
        let items = &self.items[self.starts[bucket] as usize..self.starts[bucket + 1] as usize];
        if items.len() > FEW {
            named(items, wanted, name)
        } else {
            items
        }
    }

    /// The items of all buckets that have many, in no order.
    pub(super) fn crowded(&self) -> impl Iterator<Item = u32> {
        let buckets = self.starts.windows(2);
        let buckets = buckets.map(|ends| &self.items[ends[0] as usize..ends[1] as usize]);
        buckets.filter(|items| items.len() > FEW).flatten().copied()
    }

    pub(super) fn heap_size(&self) -> usize {
        (self.starts.capacity() + self.items.capacity()) * size_of::<u32>()
    }
}

/// Those of one name among items that are sorted by name.
#[cold]
pub(super) fn named<'i, 'n>(
    items: &'i [u32],
    wanted: &[u8],
    name: impl Fn(usize) -> &'n [u8],
) -> &'i [u32] {
    let start = items.partition_point(|&item| name(item as usize) < wanted);
    let rest = &items[start..];
    &rest[..rest.partition_point(|&item| name(item as usize) == wanted)]
}

#[inline]
fn bucket(name: &[u8], buckets: usize) -> usize {
    // The same for all tables, so that a look-up takes as many instructions in each run.
    let hash = FixedState::default().hash_one(name);
    // `buckets` is a power of two.
    hash as usize & (buckets - 1)
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::string::String;
    use alloc::vec::Vec;
    use core::cell::Cell;

    use super::{Buckets, FEW, bucket};

    #[test]
    fn names_that_meet_are_found_in_few_steps() {
        const MORE: usize = 100;
        for count in [1, FEW, 1000] {
            let total = count + MORE;
            let buckets = (total / 2 + 1).next_power_of_two();
            let names = (0..).map(|number| format!("n{number:x}"));
            let meet = names.filter(|name| bucket(name.as_bytes(), buckets) == 7);
            let mut names: Vec<String> = meet.take(count).collect();
            // Many have the name of one.
            names.extend(core::iter::repeat_n(names[count / 2].clone(), MORE));
            let looked = Cell::new(0);
            let name = |item: usize| {
                looked.set(looked.get() + 1);
                names[item].as_bytes()
            };
            let table = Buckets::new(names.len(), name);
            for item in 0..count {
                let wanted = names[item].as_bytes();
                looked.set(0);
                let found: Vec<usize> = table
                    .candidates(wanted, name)
                    .iter()
                    .map(|&item| item as usize)
                    .filter(|&item| names[item].as_bytes() == wanted)
                    .collect();
                assert!(looked.get() <= 2 * (total.ilog2() + 2), "{looked:?}");
                let more = if item == count / 2 { count } else { total }..total;
                assert!(found.iter().copied().eq(core::iter::once(item).chain(more)));
            }
            assert_eq!(table.crowded().count(), total);
            assert!(table.candidates(b"none of them", name).len() <= FEW);
        }
    }
}
