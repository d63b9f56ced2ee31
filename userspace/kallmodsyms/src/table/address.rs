// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Addresses in order, and how to find one.
//!
//! A kernel has its symbols in a few clusters: per-CPU data from 0, the image, modules. Within a cluster an address is
//! an offset of four bytes from the first one, and symbols lie dense enough that the upper bits of the offset say where
//! in the table to look: a bucket of 8 to 16 symbols on the average. So a look-up is one step to the bucket and one
//! count over 32 offsets, without a branch that depends on data. Binary search took three times as long: 13 steps, each
//! of which waits for the one before. Where symbols crowd one bucket, it narrows that bucket down.

use alloc::vec::Vec;
use core::ops::Range;

/// Symbols further apart than this are of two clusters.
const SEAM: u64 = 16 << 20;

/// How many symbols a bucket has on the average, or up to half as many: its width is a power of two.
const PER_BUCKET: usize = 16;

/// How many offsets are counted at once.
const WINDOW: usize = 32;

/// Up to how many clusters are looked at one by one. A kernel has a handful; a file that is made to be slow, as many as
/// symbols.
const FEW: usize = 16;

/// A stretch of addresses without a seam.
#[derive(Clone, Copy)]
struct Cluster {
    /// The first address.
    base: u64,
    /// The rank of the first symbol.
    first: u32,
    /// The place of the first bucket.
    buckets: u32,
    /// How many bits of an offset are within a bucket.
    shift: u32,
}

/// Addresses in ascending order.
pub(super) struct Addresses {
    /// In ascending order; the last one is a mark behind all addresses.
    clusters: Vec<Cluster>,
    /// Each address less the base of its cluster, and a window more to count in.
    offsets: Vec<u32>,
    /// The rank of the first symbol in or after each bucket. The buckets of a cluster end with one that has the end of
    /// the cluster.
    buckets: Vec<u32>,
}

impl Addresses {
    /// Takes addresses in ascending order.
    pub(super) fn new(sorted: &[u64]) -> Self {
        let mut new = Self {
            clusters: Vec::new(),
            offsets: Vec::with_capacity(sorted.len() + WINDOW),
            buckets: Vec::new(),
        };
        let mut first = 0;
        while first < sorted.len() {
            let base = sorted[first];
            let rest = &sorted[first + 1..];
            let mut before = base;
            let seam = rest.iter().position(|&address| {
                let is_seam = address - before > SEAM || u32::try_from(address - base).is_err();
                before = address;
                is_seam
            });
            let end = first + 1 + seam.unwrap_or(rest.len());
            new.push_cluster(first, &sorted[first..end]);
            first = end;
        }
        new.offsets.extend([0; WINDOW]);
        new.buckets.shrink_to_fit();
        new.clusters.push(Cluster {
            base: u64::MAX,
            first: sorted.len() as u32,
            buckets: new.buckets.len() as u32,
            shift: 0,
        });
        new
    }

    fn push_cluster(&mut self, first: usize, addresses: &[u64]) {
        let (base, span) = (addresses[0], addresses[addresses.len() - 1] - addresses[0]);
        let per_bucket = span / (addresses.len() / PER_BUCKET + 1) as u64;
        let shift = per_bucket.max(1).ilog2();
        self.clusters.push(Cluster {
            base,
            first: first as u32,
            buckets: self.buckets.len() as u32,
            shift,
        });
        let offset = |address: u64| (address - base) as u32;
        self.offsets
            .extend(addresses.iter().map(|&address| offset(address)));
        // The bucket to come next.
        let mut bucket = 0;
        for (rank, &address) in (first as u32..).zip(addresses) {
            while offset(address) >> shift >= bucket {
                self.buckets.push(rank);
                bucket += 1;
            }
        }
        self.buckets.push((first + addresses.len()) as u32);
    }

    #[inline]
    pub(super) fn get(&self, index: usize) -> u64 {
        // The first whose successor starts later is the one.
        let place = leading(&self.clusters[1..], |next| next.first as usize <= index);
        self.clusters[place].base + u64::from(self.offsets[index])
    }

    /// Whether two symbols start at one address.
    #[inline]
    pub(super) fn same(&self, one: usize, other: usize) -> bool {
        self.offsets[one] == self.offsets[other] && self.get(one) == self.get(other)
    }

    /// How many addresses are at most this one.
    #[inline]
    pub(super) fn upper(&self, address: u64) -> usize {
        let after = leading(&self.clusters, |cluster| cluster.base <= address);
        let Some(place) = after.checked_sub(1) else {
            return 0;
        };
        let [cluster, next, ..] = &self.clusters[place..] else {
            // At the mark behind all: u64::MAX.
            return self.clusters[place].first as usize;
        };
        let offset = address - cluster.base;
        // No overflow: there are no more buckets before a cluster than addresses.
        let place = u64::from(cluster.buckets) + (offset >> cluster.shift);
        // The last bucket has the end of the cluster.
        if place >= u64::from(next.buckets) - 1 {
            return next.first as usize;
        }
        let place = place as usize;
        let range = self.buckets[place] as usize..self.buckets[place + 1] as usize;
        // The bucket is not the last one, so the offset is less than 4 GiB.
        self.count(range, offset as u32)
    }

    /// The rank of the first symbol in the range with an offset above this one, or the end of the range.
    #[inline]
    fn count(&self, mut range: Range<usize>, offset: u32) -> usize {
        while range.len() > WINDOW {
            let middle = usize::midpoint(range.start, range.end);
            if self.offsets[middle] <= offset {
                range.start = middle;
            } else {
                range.end = middle;
            }
        }
        let length = range.len() as u32;
        let Some(window) = self.offsets[range.start..].first_chunk::<WINDOW>() else {
            return range.start;
        };
        // All 32 whatever the length: that is eight vectors, and no branch.
        let counted = (0..).zip(window);
        let counted =
            counted.map(|(place, &other)| u32::from(place < length) & u32::from(other <= offset));
        range.start + counted.sum::<u32>() as usize
    }

    pub(super) fn heap_size(&self) -> usize {
        self.clusters.capacity() * size_of::<Cluster>()
            + (self.offsets.capacity() + self.buckets.capacity()) * size_of::<u32>()
    }
}

/// How many clusters at the start of the list are such.
#[inline]
fn leading(clusters: &[Cluster], such: impl Fn(&Cluster) -> bool) -> usize {
    let few = clusters.iter().take(FEW);
    let count = few.take_while(|&cluster| such(cluster)).count();
    if count < FEW {
        count
    } else {
        search(clusters, such)
    }
}

#[cold]
fn search(clusters: &[Cluster], such: impl Fn(&Cluster) -> bool) -> usize {
    clusters.partition_point(such)
}
