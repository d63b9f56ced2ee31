// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Which modules each symbol belongs to.
//!
//! Neighbours belong to the same modules as a rule. So a run's list is kept, not a symbol's: 0.2 bytes a symbol, where
//! two bytes each would be 2.

use alloc::borrow::ToOwned;
use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use super::directory::{Directory, Found};
use super::run::{self, Runs};
use crate::{Group, Modules};

/// The modules and the object file of a symbol, as a line names them.
#[derive(Clone, Copy)]
pub(super) struct Owner<'t> {
    owners: &'t Owners,
    list: u32,
}

impl<'t> Owner<'t> {
    pub(super) fn modules(self) -> Modules<'t> {
        Modules::from_grammar(&self.list().modules)
    }

    pub(super) fn object(self) -> Option<&'t [u8]> {
        self.list().object.as_deref()
    }

    pub(super) fn group(self) -> Group {
        self.list().group
    }

    /// The modules as places in the sorted list of all.
    pub(super) fn ids(self) -> &'t [u32] {
        &self.list().ids
    }

    /// Whether another symbol of the same table has the same modules and object file.
    pub(super) fn is(self, other: Self) -> bool {
        self.list == other.list
    }

    fn list(self) -> &'t List {
        &self.owners.lists[self.list as usize]
    }
}

struct List {
    /// `[a] [b]`
    modules: Box<[u8]>,
    object: Option<Box<[u8]>>,
    group: Group,
    ids: Box<[u32]>,
}

/// The owners of all symbols.
pub(super) struct Owners {
    lists: Vec<List>,
    /// The list of each symbol.
    runs: Runs,
    modules: Directory,
}

impl Owners {
    #[inline]
    pub(super) fn of(&self, index: usize) -> Owner<'_> {
        let list = self.runs.get(index);
        Owner { owners: self, list }
    }

    /// Numbers the modules of all lists, and takes the list of each of `count` symbols.
    fn new(mut lists: Vec<List>, runs: Vec<(u32, u32)>, count: usize) -> Self {
        let names = lists.iter().flat_map(|list| {
            let names = Modules::from_grammar(&list.modules);
            names.iter().map(|name| (name, list.group))
        });
        let modules = Directory::new(names);
        for list in &mut lists {
            let names = Modules::from_grammar(&list.modules);
            list.ids = names.iter().filter_map(|name| modules.id(name)).collect();
        }
        let mut owners = Self {
            lists,
            runs: Runs::new(runs, count),
            modules,
        };
        owners.find_spans(count);
        owners
    }

    fn find_spans(&mut self, count: usize) {
        let (lists, runs) = (&self.lists, &self.runs);
        let runs = runs.iter(count);
        let runs = runs.map(|(ranks, list)| (ranks, &*lists[list as usize].ids));
        self.modules.set_spans(runs);
    }

    pub(super) const fn modules(&self) -> &Directory {
        &self.modules
    }

    /// Whether a symbol belongs to what was found.
    #[inline]
    pub(super) fn is_of(&self, index: usize, found: Found) -> bool {
        let ids = self.of(index).ids();
        match ids {
            [] => found.core,
            _ => found.id.is_some_and(|id| ids.contains(&id)),
        }
    }

    /// Gives those of `count` symbols that belong to no module the modules that `find` has for them, as built-in ones.
    pub(super) fn add_built_in<'m>(&mut self, count: usize, find: impl Fn(usize) -> Modules<'m>) {
        // The place of each list made here, by that which it replaces and its modules.
        let mut places: BTreeMap<(u32, &'m [u8]), u32> = BTreeMap::new();
        let mut runs: Vec<(u32, u32)> = Vec::new();
        let mut lists = core::mem::take(&mut self.lists);
        for (ranks, list) in self.runs.iter(count) {
            if lists[list as usize].group != Group::Core {
                runs.push((ranks.start, list));
                continue;
            }
            for index in ranks {
                let modules = find(index as usize);
                let mut place = list;
                if !modules.is_empty() {
                    let key = (list, modules.as_bytes());
                    place = *places.entry(key).or_insert_with(|| {
                        lists.push(List {
                            modules: modules.as_bytes().into(),
                            object: lists[list as usize].object.clone(),
                            group: Group::BuiltIn,
                            ids: Box::default(),
                        });
                        lists.len() as u32 - 1
                    });
                }
                run::push(&mut runs, index, place);
            }
        }
        *self = Self::new(lists, runs, count);
    }

    /// Puts the symbols into this order.
    pub(super) fn reorder(&mut self, order: impl ExactSizeIterator<Item = usize>) {
        let count = order.len();
        self.runs = Runs::new(self.runs.reordered(0, order), count);
        self.find_spans(count);
    }

    pub(super) fn heap_size(&self) -> usize {
        let lists = self.lists.iter().map(|list| {
            size_of::<List>()
                + list.modules.len()
                + list.object.as_ref().map_or(0, |object| object.len())
                + size_of_val(&*list.ids)
        });
        lists.sum::<usize>() + self.modules.heap_size() + self.runs.heap_size()
    }
}

/// A list as symbols name it, and its group where that is known.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Named {
    modules: Vec<u8>,
    object: Option<Vec<u8>>,
    group: Option<Group>,
}

/// Gathers the owners of symbols in the order of the source.
#[derive(Default)]
pub(super) struct Gathered {
    /// Each list once, and its place in the order of appearance.
    places: BTreeMap<Named, u32>,
    /// The list of the symbol before.
    last: Named,
    last_is_empty: bool,
    runs: Vec<(u32, u32)>,
    /// How many lists had been seen when a symbol without modules was last.
    in_image: u32,
    is_full: bool,
}

/// How many different lists of modules a table takes. The largest kernels have some thousands, each many times; where
/// each line had its own, a list would take ten times as much memory as its line.
const LISTS: usize = 1 << 16;

impl Gathered {
    /// Takes the owner of symbol number `index`, with its group.
    pub(super) fn push_in(
        &mut self,
        index: u32,
        modules: Modules<'_>,
        object: Option<&[u8]>,
        group: Group,
    ) {
        // What has no modules is no part of any, as a rule.
        if group == Group::Core && modules.is_empty() {
            self.push(index, modules, object);
            return;
        }
        let last = &self.last;
        let same = last.modules == modules.as_bytes()
            && last.object.as_deref() == object
            && last.group == Some(group);
        if !same || index == 0 {
            self.start_run(index, modules, object, Some(group));
        }
    }

    /// Takes the owner of symbol number `index`.
    #[inline]
    pub(super) fn push(&mut self, index: u32, modules: Modules<'_>, object: Option<&[u8]>) {
        if modules.is_empty() && object.is_none() && self.last_is_empty {
            // Most symbols. Not compared as bytes: glibc's memcmp() of nothing, at an address that is none, takes 80 ns
            // where the processor drops the faults of masked loads (AVX-512).
            self.in_image = self.places.len() as u32;
            return;
        }
        let last = &self.last;
        let same = last.modules == modules.as_bytes()
            && last.object.as_deref() == object
            && last.group.is_none();
        if !same || index == 0 {
            self.start_run(index, modules, object, None);
        }
        if modules.is_empty() {
            self.in_image = self.places.len() as u32;
        }
    }

    #[cold]
    fn start_run(
        &mut self,
        index: u32,
        modules: Modules<'_>,
        object: Option<&[u8]>,
        group: Option<Group>,
    ) {
        self.last = Named {
            modules: modules.as_bytes().to_owned(),
            object: object.map(<[u8]>::to_owned),
            group,
        };
        let next = self.places.len() as u32;
        if next as usize == LISTS {
            self.is_full = true;
            return;
        }
        let place = *self.places.entry(self.last.clone()).or_insert(next);
        self.last_is_empty = modules.is_empty() && object.is_none() && group.is_none();
        self.runs.push((index, place));
    }

    /// Whether there are more lists than are taken.
    pub(super) const fn is_full(&self) -> bool {
        self.is_full
    }

    /// Puts the symbols from `start` to `count` into this order.
    pub(super) fn reorder(
        &mut self,
        start: usize,
        count: usize,
        order: impl Iterator<Item = usize>,
    ) {
        let old = Runs::new(core::mem::take(&mut self.runs), count);
        self.runs = old.reordered(start, order);
    }

    /// `built_in`: whether brackets may stand for built-in modules.
    pub(super) fn finish(self, count: usize, built_in: bool) -> Owners {
        // What was seen before the last symbol without modules is part of the kernel image.
        let in_image = if built_in { self.in_image } else { 0 };
        let mut lists: Vec<_> = self
            .places
            .into_iter()
            .map(|(list, place)| (place, list))
            .collect();
        lists.sort_unstable_by_key(|&(place, _)| place);
        let lists = lists
            .into_iter()
            .map(|(place, named)| {
                let names = Modules::from_grammar(&named.modules);
                let group = if let Some(known) = named.group {
                    known
                } else if names.is_empty() {
                    Group::Core
                } else if place < in_image {
                    Group::BuiltIn
                } else {
                    Group::outside(names)
                };
                List {
                    modules: named.modules.into(),
                    object: named.object.map(Into::into),
                    group,
                    ids: Box::default(),
                }
            })
            .collect();
        Owners::new(lists, self.runs, count)
    }
}
