// SPDX-License-Identifier: Apache-2.0 OR MIT

//! What a file holds, counted.

use alloc::collections::BTreeSet;

use crate::{Group, Symbol};

/// What a file holds. Lines that are no symbols count as lines alone.
///
/// ```
/// use kallmodsyms::validate::Validation;
///
/// let summary = Validation::new(b"ffffffff81000000 8 T _stext\n").run().summary;
/// assert_eq!((summary.core, summary.size_sum), (1, 8));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Summary {
    /// Lines, well formed or not.
    pub lines: usize,
    /// Whether the reader could not see addresses and sizes: all addresses are zero.
    pub hidden: bool,
    /// Symbols of the kernel image that belong to no module.
    pub core: usize,
    /// Symbols of built-in modules.
    pub built_in: usize,
    /// Symbols of loaded modules.
    pub loaded: usize,
    /// Symbols of BPF, ftrace and kprobes.
    pub pseudo: usize,
    /// Built-in modules that have a symbol.
    pub built_in_modules: usize,
    /// Loaded modules that have a symbol.
    pub loaded_modules: usize,
    /// Symbols that belong to more than one module.
    pub shared: usize,
    /// Symbols with a size other than zero.
    pub sized: usize,
    /// Symbols with the size zero.
    pub zero_size: usize,
    /// All sizes added up. Symbols inside others count again.
    pub size_sum: u64,
    /// Addresses of the kernel image where a symbol starts that reaches past the next symbol's start.
    pub overlaps: usize,
}

/// Counts symbols.
#[derive(Default)]
pub(super) struct Counter<'a> {
    pub(super) summary: Summary,
    built_in_modules: BTreeSet<&'a [u8]>,
    loaded_modules: BTreeSet<&'a [u8]>,
    /// The modules of the symbol before: most symbols have the same, and need no search.
    last_modules: (Option<Group>, &'a [u8]),
    /// Address of the symbol before, and the highest end of any symbol there.
    last: (u64, u64),
}

impl<'a> Counter<'a> {
    pub(super) fn add(&mut self, symbol: &Symbol<'a>, group: Group) {
        let summary = &mut self.summary;
        let (symbols, modules) = match group {
            Group::Core => (&mut summary.core, None),
            Group::BuiltIn => (&mut summary.built_in, Some(&mut self.built_in_modules)),
            Group::Loaded => (&mut summary.loaded, Some(&mut self.loaded_modules)),
            Group::Ftrace | Group::Bpf | Group::Kprobes => (&mut summary.pseudo, None),
        };
        *symbols += 1;
        let text = (Some(group), symbol.modules.as_bytes());
        if let Some(modules) = modules.filter(|_| text != self.last_modules) {
            modules.extend(symbol.modules);
        }
        self.last_modules = text;
        summary.shared += usize::from(symbol.modules.len() > 1);

        let Some(size) = symbol.size else { return };
        *(if size == 0 {
            &mut summary.zero_size
        } else {
            &mut summary.sized
        }) += 1;
        summary.size_sum = summary.size_sum.saturating_add(size);
        if group.is_image() && !summary.hidden {
            let (address, end) = self.last;
            if symbol.address == address {
                self.last.1 = end.max(address.saturating_add(size));
            } else {
                summary.overlaps += usize::from(end > symbol.address);
                self.last = (symbol.address, symbol.address.saturating_add(size));
            }
        }
    }

    pub(super) fn finish(self) -> Summary {
        Summary {
            built_in_modules: self.built_in_modules.len(),
            loaded_modules: self.loaded_modules.len(),
            ..self.summary
        }
    }
}
