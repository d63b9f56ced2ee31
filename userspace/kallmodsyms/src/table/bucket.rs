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
    /// The buckets that have many.
    crowded: Vec<u32>,
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
        let mut crowded = Vec::new();
        // Sixteen counts at a time: one that is large has a bit that none of the others has.
        for (block, counts) in starts.chunks(16).enumerate() {
            if counts.iter().fold(0, |all, count| all | count) as usize >= FEW {
                let buckets = (block * 16..).zip(counts);
                let many = buckets.filter(|&(_, &count)| count as usize > FEW);
                crowded.extend(many.map(|(bucket, _)| bucket as u32));
            }
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
        for &bucket in &crowded {
            let [start, end] = [starts[bucket as usize], starts[bucket as usize + 1]];
            let bucket = &mut items[start as usize..end as usize];
            bucket.sort_unstable_by_key(|&item| (name(item as usize), item));
        }
        Self {
            starts,
            items,
            crowded,
        }
    }

    /// The items of this name, beside a few others, in order. `name` is what the table was made with.
    #[inline]
    pub(super) fn candidates<'n>(&self, wanted: &[u8], name: impl Fn(usize) -> &'n [u8]) -> &[u32] {
        let items = self.bucket(wanted);
        if items.len() > FEW {
            named(items, wanted, name)
        } else {
            items
        }
    }

    /// All items of the bucket of a name: at most a few, or many that are sorted by name.
    #[inline]
    pub(super) fn bucket(&self, name: &[u8]) -> &[u32] {
        let bucket = bucket(name, self.starts.len() - 1);
        &self.items[self.starts[bucket] as usize..self.starts[bucket + 1] as usize]
    }

    /// The items of all buckets that have many, in no order.
    pub(super) fn crowded(&self) -> impl Iterator<Item = u32> {
        let range = |bucket: usize| self.starts[bucket] as usize..self.starts[bucket + 1] as usize;
        let buckets = self.crowded.iter();
        let items = buckets.flat_map(move |&bucket| &self.items[range(bucket as usize)]);
        items.copied()
    }

    pub(super) fn heap_size(&self) -> usize {
        (self.starts.capacity() + self.items.capacity() + self.crowded.capacity())
            * size_of::<u32>()
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
