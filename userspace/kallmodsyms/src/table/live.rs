// SPDX-License-Identifier: Apache-2.0 OR MIT

//! A table of which a part changes.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::cmp::Reverse;
use core::iter::FusedIterator;

use super::build::Builder;
use super::entry::Entry;
use super::name::Named;
use super::{Facts, Location, SymbolTable};
use crate::{ErrorKind, Group, Symbol};

/// The symbols of a running kernel in two parts: those of its image, which stay for the whole boot, and those of modules,
/// BPF, ftrace and kprobes, which come and go.
///
/// A clone shares both parts, and keeps what it has while another one is changed: give clones to the threads that look
/// symbols up. A change takes the time and memory of the part that changes, n log n in its symbols, whatever the image.
///
/// ```
/// use kallmodsyms::{Group, Symbol, SymbolTable, grammar, table::LiveTable};
///
/// let table = SymbolTable::from_bytes(b"ffffffff81000000 40 T vfs_read\n")?;
/// let mut live = LiveTable::new(&table)?;
/// let before = live.clone();
///
/// // As PERF_RECORD_KSYMBOL tells of a BPF program.
/// let program = Symbol::new(0xffff_ffff_c000_1000, b't', b"bpf_prog_1").with_size(0x80);
/// live.insert([(program.with_modules(grammar::modules(b"[bpf]").unwrap()), Group::Bpf)])?;
/// let place = |live: &LiveTable, address| {
///     let (symbol, offset) = live.lookup(address).inside()?;
///     Some(symbol.plus(offset).to_string())
/// };
/// assert_eq!(place(&live, 0xffff_ffff_c000_1010).unwrap(), "bpf_prog_1+0x10/0x80 [bpf]");
/// assert_eq!(place(&live, 0xffff_ffff_8100_0004).unwrap(), "vfs_read+0x4/0x40");
/// assert_eq!(place(&before, 0xffff_ffff_c000_1010), None);
///
/// live.remove(|symbol| symbol.address() == 0xffff_ffff_c000_1000)?;
/// assert_eq!(place(&live, 0xffff_ffff_c000_1010), None);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct LiveTable {
    facts: Facts,
    image: Arc<SymbolTable>,
    dynamic: Option<Arc<SymbolTable>>,
}

impl LiveTable {
    /// Splits a table. Linear, but for a sort of what is not of the image.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NoSymbols`] if no symbol is of an image, and as [`Builder::finish`].
    pub fn new(table: &SymbolTable) -> Result<Self, ErrorKind> {
        let mut image = Builder::new();
        let image_symbols = table.iter().filter(|entry| entry.group().is_image());
        image_symbols.for_each(|entry| image.push_in(&entry.symbol(), entry.group()));
        let mut live = Self {
            facts: table.facts(),
            image: Arc::new(image.finish(table.facts())?),
            dynamic: None,
        };
        live.set_dynamic(table)?;
        Ok(live)
    }

    /// The part that stays.
    #[must_use]
    pub fn image(&self) -> &SymbolTable {
        &self.image
    }

    /// The part that changes, if it has symbols.
    #[must_use]
    pub fn dynamic(&self) -> Option<&SymbolTable> {
        self.dynamic.as_deref()
    }

    /// The innermost symbol at an address, or between which symbols it lies, as [`SymbolTable::lookup`] has it. Logarithmic.
    #[must_use]
    pub fn lookup(&self, address: u64) -> Location<'_> {
        let image = self.image.lookup(address);
        let Some(dynamic) = self.dynamic() else {
            return image;
        };
        match (image, dynamic.lookup(address)) {
            (
                Location::Inside { symbol, offset },
                Location::Inside {
                    symbol: other,
                    offset: from_other,
                },
            ) => {
                // No kernel has such. The one that starts last and ends first is the inner one.
                let key = |entry: Entry<'_>| (entry.address(), Reverse(entry.end()));
                if key(other) > key(symbol) {
                    Location::Inside {
                        symbol: other,
                        offset: from_other,
                    }
                } else {
                    Location::Inside { symbol, offset }
                }
            }
            (inside @ Location::Inside { .. }, _) | (_, inside @ Location::Inside { .. }) => inside,
            (
                Location::Outside { before, after },
                Location::Outside {
                    before: other_before,
                    after: other_after,
                },
            ) => Location::Outside {
                before: [before, other_before]
                    .into_iter()
                    .flatten()
                    .max_by_key(Entry::address),
                after: [after, other_after]
                    .into_iter()
                    .flatten()
                    .min_by_key(Entry::address),
            },
        }
    }

    /// All symbols of exactly this name, those of the image first. As [`SymbolTable::named`]: the first call after a change
    /// makes the index of names of the part that changed.
    #[must_use]
    pub fn named(&self, name: &[u8]) -> LiveNamed<'_> {
        LiveNamed {
            image: self.image.named(name),
            dynamic: self.dynamic().map(|dynamic| dynamic.named(name)),
        }
    }

    /// Adds symbols and where the kernel keeps them. One that is there already, at the same address and of the same name,
    /// is replaced.
    ///
    /// # Errors
    ///
    /// As [`Builder::finish`]. Nothing is changed then.
    pub fn insert<'a>(
        &mut self,
        symbols: impl IntoIterator<Item = (Symbol<'a>, Group)>,
    ) -> Result<(), ErrorKind> {
        let symbols: Vec<(Symbol<'a>, Group)> = symbols.into_iter().collect();
        let mut keys: Vec<_> = symbols
            .iter()
            .map(|(symbol, _)| (symbol.address, symbol.name))
            .collect();
        keys.sort_unstable();
        let stays = |entry: &Entry<'_>| {
            let key = (entry.address(), entry.name());
            keys.binary_search(&key).is_err()
        };
        self.rebuild(stays, &symbols)
    }

    /// Removes the symbols of which `gone` is true, of all that are not of the image.
    ///
    /// # Errors
    ///
    /// As [`Builder::finish`]. Nothing is changed then.
    pub fn remove(&mut self, mut gone: impl FnMut(&Entry<'_>) -> bool) -> Result<(), ErrorKind> {
        self.rebuild(|entry| !gone(entry), &[])
    }

    /// Takes all that is not of the image from another table, as one that was read again has it.
    ///
    /// # Errors
    ///
    /// As [`Builder::finish`]. Nothing is changed then.
    pub fn set_dynamic(&mut self, table: &SymbolTable) -> Result<(), ErrorKind> {
        let entries = table.iter().filter(|entry| !entry.group().is_image());
        let symbols = entries.map(|entry| (entry.symbol(), entry.group()));
        self.dynamic = built(self.facts, symbols)?;
        Ok(())
    }

    fn rebuild(
        &mut self,
        mut stays: impl FnMut(&Entry<'_>) -> bool,
        more: &[(Symbol<'_>, Group)],
    ) -> Result<(), ErrorKind> {
        let entries = self.dynamic.iter().flat_map(|dynamic| dynamic.iter());
        let kept = entries.filter(|entry| stays(entry));
        let kept = kept.map(|entry| (entry.symbol(), entry.group()));
        self.dynamic = built(self.facts, kept.chain(more.iter().copied()))?;
        Ok(())
    }
}

/// A table of these symbols, if there are any.
fn built<'a>(
    facts: Facts,
    symbols: impl Iterator<Item = (Symbol<'a>, Group)>,
) -> Result<Option<Arc<SymbolTable>>, ErrorKind> {
    let mut symbols = symbols.peekable();
    if symbols.peek().is_none() {
        return Ok(None);
    }
    let mut builder = Builder::new();
    symbols.for_each(|(symbol, group)| builder.push_in(&symbol, group));
    builder.finish(facts).map(|table| Some(Arc::new(table)))
}

/// The symbols of one name, from [`LiveTable::named`].
#[derive(Clone, Debug)]
pub struct LiveNamed<'t> {
    image: Named<'t>,
    dynamic: Option<Named<'t>>,
}

impl<'t> Iterator for LiveNamed<'t> {
    type Item = Entry<'t>;

    fn next(&mut self) -> Option<Entry<'t>> {
        let dynamic = &mut self.dynamic;
        self.image.next().or_else(|| dynamic.as_mut()?.next())
    }
}

impl FusedIterator for LiveNamed<'_> {}
