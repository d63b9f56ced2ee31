// SPDX-License-Identifier: Apache-2.0 OR MIT

//! The modules of a table, by name, and between which symbols the symbols of each are.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::vec;
use core::ops::Range;

use super::bucket::Buckets;
use super::module::Module;
use crate::{Group, VMLINUX};

/// All modules, sorted by name.
pub(super) struct Directory {
    modules: Box<[(Box<[u8]>, Group)]>,
    spans: Box<[Span]>,
    /// What stands for the kernel itself, and symbols of a module that has its name, were there one.
    vmlinux: Found,
    by_name: Buckets,
}

/// The ranks from the first symbol of something to the one after its last. What is loaded stands together but for its
/// per-CPU data: of the symbols of one name in 300 modules, there are hardly two in the span of one.
#[derive(Clone, Copy)]
pub(super) struct Span {
    start: u32,
    end: u32,
}

impl Span {
    const EMPTY: Self = Self {
        start: u32::MAX,
        end: 0,
    };

    fn add(&mut self, other: Self) {
        self.start = self.start.min(other.start);
        self.end = self.end.max(other.end);
    }

    pub(super) fn range(self) -> Range<usize> {
        self.start.min(self.end) as usize..self.end as usize
    }
}

/// What a name stands for before a backquote.
#[derive(Clone, Copy)]
pub(super) struct Found {
    /// The module's number.
    pub(super) id: Option<u32>,
    /// Whether it stands for symbols of no module as well.
    pub(super) core: bool,
    pub(super) span: Span,
}

impl Directory {
    /// Numbers the modules. Where brackets of two groups have a name, the first decides.
    pub(super) fn new<'m>(names: impl Iterator<Item = (&'m [u8], Group)>) -> Self {
        let mut modules: BTreeMap<Box<[u8]>, Group> = BTreeMap::new();
        for (name, group) in names {
            if !modules.contains_key(name) {
                modules.insert(name.into(), group);
            }
        }
        let modules: Box<[_]> = modules.into_iter().collect();
        Self {
            spans: vec![Span::EMPTY; modules.len()].into(),
            vmlinux: Found {
                id: None,
                core: true,
                span: Span::EMPTY,
            },
            by_name: Buckets::new(modules.len(), |id| &modules[id].0),
            modules,
        }
    }

    /// Takes all runs of symbols of the same modules: the ranks and the numbers of the modules.
    pub(super) fn set_spans<'r>(&mut self, runs: impl Iterator<Item = (Range<u32>, &'r [u32])>) {
        self.spans.fill(Span::EMPTY);
        let mut core = Span::EMPTY;
        for (Range { start, end }, ids) in runs {
            let span = Span { start, end };
            for &id in ids {
                self.spans[id as usize].add(span);
            }
            if ids.is_empty() {
                core.add(span);
            }
        }
        let id = self.id(VMLINUX);
        if let Some(id) = id {
            core.add(self.spans[id as usize]);
        }
        self.vmlinux = Found {
            id,
            core: true,
            span: core,
        };
    }

    /// The number of the module of this name.
    #[inline]
    pub(super) fn id(&self, name: &[u8]) -> Option<u32> {
        let is_it = |&&id: &&u32| *self.modules[id as usize].0 == *name;
        let of = |id: usize| &*self.modules[id].0;
        let mut candidates = self.by_name.candidates(name, of).iter();
        candidates.find(is_it).copied()
    }

    /// What a name stands for before a backquote.
    #[inline]
    pub(super) fn find(&self, name: &[u8]) -> Found {
        if name == VMLINUX {
            return self.vmlinux;
        }
        let id = self.id(name);
        Found {
            id,
            core: false,
            span: id.map_or(Span::EMPTY, |id| self.spans[id as usize]),
        }
    }

    pub(super) fn module(&self, name: &[u8]) -> Option<Module<'_>> {
        let (name, group) = &self.modules[self.id(name)? as usize];
        Some(Module::new(name, *group))
    }

    pub(super) fn iter(&self) -> impl ExactSizeIterator<Item = Module<'_>> {
        let modules = self.modules.iter();
        modules.map(|(name, group)| Module::new(name, *group))
    }

    pub(super) fn heap_size(&self) -> usize {
        let modules = self.modules.iter();
        let modules = modules.map(|module| size_of_val(module) + module.0.len());
        modules.sum::<usize>() + size_of_val(&*self.spans) + self.by_name.heap_size()
    }
}
