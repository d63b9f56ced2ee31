// SPDX-License-Identifier: Apache-2.0 OR MIT

//! A table of which a part changes.
//!
//! The image is one table. The rest is many small ones, of some hundred symbols next to one another: a change makes one
//! of them anew and takes the others as they are. They are cut where no symbol reaches over, so that each answers for
//! its addresses alone.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::iter::FusedIterator;
use core::ops::Range;
use core::slice;

use super::build::Builder;
use super::entry::{Entries, Entry};
use super::name::Named;
use super::{Facts, Location, SymbolTable};
use crate::{ErrorKind, Group, Symbol};

/// How many symbols a part has at least, but for the last one. On a kernel with 63,000 symbols outside its image, a
/// change takes about as long to make one part anew as to go over all parts.
const PART: usize = 256;

/// The symbols of a running kernel in two parts: those of its image, which stay for the whole boot, and those of modules,
/// BPF, ftrace and kprobes, which come and go.
///
/// A clone shares all symbols, and keeps what it has while another one is changed: give clones to the threads that look
/// symbols up. A change takes as long as to make a table of what changes and some hundred symbols around it, and a step for
/// each 256 others; where sizes are not known, a module is changed as a whole.
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
/// live.remove_range(0xffff_ffff_c000_1000..0xffff_ffff_c000_1080);
/// assert_eq!(place(&live, 0xffff_ffff_c000_1010), None);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct LiveTable {
    image: Arc<SymbolTable>,
    /// What the rest says of its symbols.
    facts: Facts,
    /// The rest, by address.
    parts: Arc<Vec<Arc<Part>>>,
}

/// Symbols next to one another.
#[derive(Debug)]
struct Part {
    table: SymbolTable,
    /// The furthest end of any.
    end: u64,
}

impl LiveTable {
    /// Takes the symbols of a table. Linear, but for a sort of what is not of the image.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NoSymbols`] if no symbol is of an image, and as [`Builder::finish`].
    pub fn new(table: &SymbolTable) -> Result<Self, ErrorKind> {
        let mut image = Builder::new();
        for entry in table.iter().filter(|entry| entry.group().is_image()) {
            image.push_in(&entry.symbol(), entry.group());
        }
        let facts = table.facts();
        let mut live = Self {
            image: Arc::new(image.finish(facts)?),
            facts: Facts {
                sizes: facts.sizes && !table.image_sizes_only,
                ..facts
            },
            parts: Arc::default(),
        };
        live.replace(table)?;
        Ok(live)
    }

    /// The part that stays.
    #[must_use]
    pub fn image(&self) -> &SymbolTable {
        &self.image
    }

    /// All that is not of the image, in address order.
    #[must_use]
    pub fn dynamic(&self) -> Dynamic<'_> {
        Dynamic {
            entries: None,
            parts: self.parts.iter(),
        }
    }

    /// The innermost symbol at an address, or between which symbols it lies, as [`SymbolTable::lookup`] has it. Logarithmic.
    #[must_use]
    pub fn lookup(&self, address: u64) -> Location<'_> {
        let dynamic = self.lookup_dynamic(address);
        if dynamic.inside().is_some() {
            return dynamic;
        }
        match (self.image.lookup(address), dynamic) {
            (inside @ Location::Inside { .. }, _) | (_, inside @ Location::Inside { .. }) => inside,
            (
                Location::Outside { before, after },
                Location::Outside {
                    before: other_before,
                    after: other_after,
                },
            ) => {
                let before = [before, other_before].into_iter().flatten();
                let after = [after, other_after].into_iter().flatten();
                Location::Outside {
                    before: before.max_by_key(Entry::address),
                    after: after.min_by_key(Entry::address),
                }
            }
        }
    }

    fn lookup_dynamic(&self, address: u64) -> Location<'_> {
        let above = self.parts.partition_point(|part| part.start() <= address);
        let next = || self.parts.get(above).and_then(|part| part.table.get(0));
        let Some(here) = above.checked_sub(1) else {
            return Location::Outside {
                before: None,
                after: next(),
            };
        };
        match self.parts[here].table.lookup(address) {
            Location::Outside { before, after } => Location::Outside {
                before,
                after: after.or_else(next),
            },
            inside @ Location::Inside { .. } => inside,
        }
    }

    /// All symbols of exactly this name, those of the image first. A look-up in each of some hundred parts; where a part has
    /// changed, the first call makes its index of names.
    #[must_use]
    pub fn named<'t>(&'t self, name: &'t [u8]) -> LiveNamed<'t> {
        LiveNamed {
            name,
            named: self.image.named(name),
            parts: self.parts.iter(),
        }
    }

    /// Adds symbols and where the kernel keeps them. One that is there already, at the same address and of the same name,
    /// is replaced.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::TooLarge`] as [`Builder::finish`] has it. Nothing is changed then.
    pub fn insert<'a>(
        &mut self,
        symbols: impl IntoIterator<Item = (Symbol<'a>, Group)>,
    ) -> Result<(), ErrorKind> {
        let mut symbols: Vec<(Symbol<'_>, Group)> = symbols.into_iter().collect();
        symbols.sort_by_key(|(symbol, _)| (symbol.address, symbol.name));
        let mut new = Parts::new(self.facts, self.parts.len() + 1);
        let mut rest = symbols.as_slice();
        for (index, part) in self.parts.iter().enumerate() {
            let next = self.parts.get(index + 1).map(|part| part.start());
            let is_here =
                |(symbol, _): &(Symbol<'_>, Group)| next.is_none_or(|next| symbol.address < next);
            let here;
            (here, rest) = rest.split_at(rest.partition_point(is_here));
            if here.is_empty() {
                new.push(Arc::clone(part))?;
                continue;
            }
            let is_new = |entry: &Entry<'_>| {
                let key = (entry.address(), entry.name());
                let found =
                    here.binary_search_by_key(&key, |(symbol, _)| (symbol.address, symbol.name));
                found.is_err()
            };
            let kept = part.table.iter().filter(is_new).map(pair);
            new.build(kept.chain(here.iter().copied()).collect())?;
        }
        new.build(rest.to_vec())?;
        self.parts = new.finish();
        Ok(())
    }

    /// Removes the symbols that start within a range of addresses and are not of the image, as those of a BPF program do
    /// that is unloaded.
    pub fn remove_range(&mut self, range: Range<u64>) {
        self.remove(
            |part| part.start() < range.end && range.start <= part.last(),
            |entry| range.contains(&entry.address()),
        );
    }

    /// Removes the symbols of a module that is loaded.
    pub fn remove_module(&mut self, name: &[u8]) {
        self.remove(
            |part| part.table.module(name).is_some(),
            |entry| entry.modules().contains(name),
        );
    }

    /// Takes all that is not of the image from another table, as one that was read again has it.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::TooLarge`] as [`Builder::finish`] has it. Nothing is changed then.
    pub fn replace(&mut self, table: &SymbolTable) -> Result<(), ErrorKind> {
        let entries = table.iter().filter(|entry| !entry.group().is_image());
        let mut new = Parts::new(self.facts, 0);
        new.build(entries.map(pair).collect())?;
        self.parts = new.finish();
        Ok(())
    }

    /// Removes symbols from the parts that may have such.
    fn remove(&mut self, may_have: impl Fn(&Part) -> bool, gone: impl Fn(&Entry<'_>) -> bool) {
        let mut new = Parts::new(self.facts, self.parts.len());
        for part in self.parts.iter() {
            let added = if may_have(part) {
                let kept = part.table.iter().filter(|entry| !gone(entry));
                new.build(kept.map(pair).collect())
            } else {
                new.push(Arc::clone(part))
            };
            // Fewer symbols than there were are never too many.
            if added.is_err() {
                return;
            }
        }
        self.parts = new.finish();
    }
}

/// Whether parts may meet between two symbols, of which the first and all before it reach to `end`. Without sizes a
/// symbol reaches to the next one, unless that is of another module.
fn is_border(facts: Facts, end: u64, before: &Symbol<'_>, after: &Symbol<'_>) -> bool {
    let is_apart = if facts.sizes {
        end <= after.address
    } else {
        before.modules != after.modules
    };
    is_apart && before.address < after.address
}

fn pair(entry: Entry<'_>) -> (Symbol<'_>, Group) {
    (entry.symbol(), entry.group())
}

impl Part {
    fn start(&self) -> u64 {
        self.table.addresses.get(0)
    }

    fn last(&self) -> u64 {
        self.table.addresses.get(self.table.len() - 1)
    }

    /// Whether nothing here has to do with an address in the next part, or the reverse.
    fn is_apart(&self, next: &Self) -> bool {
        let last = Entry::new(&self.table, self.table.len() - 1);
        let first = Entry::new(&next.table, 0);
        is_border(self.table.facts, self.end, &last.symbol(), &first.symbol())
    }
}

/// Parts in the making, by address.
struct Parts {
    facts: Facts,
    parts: Vec<Arc<Part>>,
}

impl Parts {
    fn new(facts: Facts, count: usize) -> Self {
        Self {
            facts,
            parts: Vec::with_capacity(count),
        }
    }

    /// Adds a part, as one with that before it where they do not stand apart or are small.
    fn push(&mut self, part: Arc<Part>) -> Result<(), ErrorKind> {
        let Some(last) = self.parts.last() else {
            self.parts.push(part);
            return Ok(());
        };
        let is_small = last.table.len() + part.table.len() <= PART;
        if last.is_apart(&part) && !is_small {
            self.parts.push(part);
            return Ok(());
        }
        let last = Arc::clone(last);
        self.parts.pop();
        self.build(last.table.iter().chain(&part.table).map(pair).collect())
    }

    /// Makes parts of symbols, none of which comes before those that are there.
    fn build(&mut self, mut symbols: Vec<(Symbol<'_>, Group)>) -> Result<(), ErrorKind> {
        symbols.sort_by_key(|(symbol, _)| symbol.address);
        if !self.facts.sizes {
            for (symbol, _) in &mut symbols {
                symbol.size = None;
            }
        }
        let (mut start, mut end) = (0, 0);
        for index in 0..symbols.len() {
            let (symbol, _) = &symbols[index];
            let is_full = index - start >= PART;
            if is_full && is_border(self.facts, end, &symbols[index - 1].0, symbol) {
                self.make(&symbols[start..index], end)?;
                (start, end) = (index, 0);
            }
            end = end.max(symbol.address.saturating_add(symbol.size.unwrap_or(0)));
        }
        self.make(&symbols[start..], end)
    }

    fn make(&mut self, symbols: &[(Symbol<'_>, Group)], end: u64) -> Result<(), ErrorKind> {
        if symbols.is_empty() {
            return Ok(());
        }
        let mut builder = Builder::new();
        for (symbol, group) in symbols {
            builder.push_in(symbol, *group);
        }
        let table = builder.assemble(self.facts)?;
        self.push(Arc::new(Part { table, end }))
    }

    fn finish(self) -> Arc<Vec<Arc<Part>>> {
        Arc::new(self.parts)
    }
}

/// The symbols that are not of the image, from [`LiveTable::dynamic`].
#[derive(Clone, Debug)]
pub struct Dynamic<'t> {
    entries: Option<Entries<'t>>,
    parts: slice::Iter<'t, Arc<Part>>,
}

impl<'t> Iterator for Dynamic<'t> {
    type Item = Entry<'t>;

    fn next(&mut self) -> Option<Entry<'t>> {
        loop {
            let found = self.entries.as_mut().and_then(Iterator::next);
            if found.is_some() {
                return found;
            }
            self.entries = Some(self.parts.next()?.table.iter());
        }
    }
}

impl FusedIterator for Dynamic<'_> {}

/// The symbols of one name, from [`LiveTable::named`].
#[derive(Clone, Debug)]
pub struct LiveNamed<'t> {
    name: &'t [u8],
    named: Named<'t>,
    parts: slice::Iter<'t, Arc<Part>>,
}

impl<'t> Iterator for LiveNamed<'t> {
    type Item = Entry<'t>;

    fn next(&mut self) -> Option<Entry<'t>> {
        loop {
            let found = self.named.next();
            if found.is_some() {
                return found;
            }
            self.named = self.parts.next()?.table.named(self.name);
        }
    }
}

impl FusedIterator for LiveNamed<'_> {}
