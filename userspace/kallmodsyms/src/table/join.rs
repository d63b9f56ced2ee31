// SPDX-License-Identifier: Apache-2.0 OR MIT

//! What another source knows of the same symbols.

use alloc::vec::Vec;
use core::cmp::Reverse;

use once_cell::race::OnceBox;

use super::SymbolTable;
use super::address::Addresses;
use super::entry::Entry;
use super::mapping::Mapping;
use super::reach::Reach;
use super::size::Sizes;
use crate::ranges::Placed;

impl SymbolTable {
    /// Gives the symbols of built-in code their modules. A table that [has them](super::Facts::built_in_modules) stays
    /// as it is.
    ///
    /// Linear, with one binary search for each symbol of the image. What ranges do not tell:
    /// [`ranges`](crate::ranges).
    ///
    /// ```
    /// use kallmodsyms::{Group, SymbolTable, ranges::Ranges};
    ///
    /// let ranges = Ranges::parse(b".text 00000000-00000000 = _text\n.text 00000040-00000050 ext4\n")?;
    /// let mut table = SymbolTable::from_bytes(
    ///     b"ffffffff8b000000 T _text\nffffffff8b000040 t ext4_init\nffffffffc0000000 t f\t[nfs]\n",
    /// )?;
    /// let placed = ranges.place(&table, None)?;
    /// table.add_built_in_modules(&placed);
    /// let groups: Vec<_> = table.iter().map(|symbol| symbol.group()).collect();
    /// assert_eq!(groups, [Group::Core, Group::BuiltIn, Group::Loaded]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn add_built_in_modules(&mut self, ranges: &Placed<'_>) {
        if self.facts.built_in_modules {
            return;
        }
        let Self {
            addresses, owners, ..
        } = self;
        owners.add_built_in(self.letters.len(), |index| {
            ranges.modules_at(addresses.get(index))
        });
        self.facts.built_in_modules = true;
    }

    /// Gives the symbols of the kernel image the sizes that another table has for them: that of a `vmlinux`,
    /// [moved](crate::Slide::move_table) to where the kernel runs. A table that [has sizes](super::Facts::sizes) stays
    /// as it is, and one without has none to give.
    ///
    /// No image knows the sizes of what is loaded. Such symbols keep none, and reach as far as in a table without
    /// sizes.
    ///
    /// Linear, but for a sort of the symbols of one address. The index of names is made anew.
    ///
    /// # Errors
    ///
    /// If a symbol is not in the other table, at the same address. Nothing is changed then.
    ///
    /// ```
    /// use kallmodsyms::SymbolTable;
    ///
    /// let vmlinux = SymbolTable::from_bytes(b"ffffffff8b000000 10 T _text\nffffffff8b000040 8 t f\n")?;
    /// let mut table = SymbolTable::from_bytes(b"ffffffff8b000000 T _text\nffffffffc0000000 t g\t[nfs]\n")?;
    /// table.add_sizes(&vmlinux)?;
    /// let sizes: Vec<_> = table.iter().map(|symbol| symbol.size()).collect();
    /// assert_eq!(sizes, [Some(0x10), None]);
    /// assert!(table.lookup(0xffff_ffff_c000_0004).inside().is_some());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn add_sizes(&mut self, image: &Self) -> Result<(), NoSize> {
        if self.facts.sizes || !image.facts.sizes {
            return Ok(());
        }
        let sizes = self.sizes_in(image)?;
        let starts: Vec<u64> = self.iter().map(|symbol| symbol.address()).collect();
        self.image_sizes_only = self.iter().any(|symbol| !symbol.group().is_image());
        self.facts.sizes = true;
        self.arrange(&starts, &sizes);
        Ok(())
    }

    /// The size of each symbol: in the image, that of the symbol of its name and address in another table; elsewhere how
    /// far it reaches.
    fn sizes_in(&self, image: &Self) -> Result<Vec<u64>, NoSize> {
        let mut sizes = Vec::with_capacity(self.len());
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        while let Some(first) = self.get(sizes.len()) {
            // Of symbols at one address, the first of a name here is the first there: static variables of one name may
            // share an address, where all but one have size zero.
            let here = self.at(first.address());
            sizes.extend(here.clone().map(|symbol| match symbol.group() {
                group if group.is_image() => 0,
                _ => symbol.end().saturating_sub(symbol.address()),
            }));
            by_name(here.filter(|symbol| symbol.group().is_image()), &mut ours);
            by_name(image.at(first.address()), &mut theirs);
            let mut theirs = theirs.iter();
            for symbol in &ours {
                let other = theirs.find(|other| other.name() >= symbol.name());
                let other = other.filter(|other| other.name() == symbol.name());
                let size = other.and_then(Entry::size).ok_or_else(|| NoSize {
                    name: symbol.name().into(),
                    address: symbol.address(),
                })?;
                sizes[symbol.index()] = size;
            }
        }
        Ok(sizes)
    }

    /// Puts the image elsewhere.
    pub(crate) fn with_image_moved(mut self, to: impl Fn(u64) -> u64) -> Self {
        let move_one = |symbol: Entry<'_>| match symbol.address() {
            address if symbol.group().is_image() => to(address),
            address => address,
        };
        let starts: Vec<u64> = self.iter().map(move_one).collect();
        let size = |index| {
            if self.facts.sizes {
                self.sizes.get(index)
            } else {
                0
            }
        };
        let sizes: Vec<u64> = (0..self.len()).map(size).collect();
        self.arrange(&starts, &sizes);
        self
    }

    /// Takes new addresses and sizes, and puts the symbols in order.
    fn arrange(&mut self, starts: &[u64], sizes: &[u64]) {
        let mut order: Vec<u32> = (0..self.len() as u32).collect();
        // As the builder sorts; in this order already, but for symbols at one address.
        order.sort_by_key(|&rank| {
            let rank = rank as usize;
            (starts[rank], Reverse(sizes[rank].wrapping_sub(1)))
        });
        let order = || order.iter().map(|&rank| rank as usize);
        let starts: Vec<u64> = order().map(|rank| starts[rank]).collect();
        self.addresses = Addresses::new(&starts);
        self.names.reorder(0, order());
        if !self.mapping.is_empty() {
            self.mapping = Mapping::of(&self.names);
        }
        (self.sizes, self.reach) = Default::default();
        if self.facts.sizes {
            self.sizes = Sizes::with_capacity(starts.len());
            order().for_each(|rank| self.sizes.push(sizes[rank]));
            self.reach = Reach::new(&starts, |rank| self.mapping.size(&self.sizes, rank));
        }
        self.letters = order().map(|rank| self.letters[rank]).collect();
        self.owners.reorder(order());
        self.name_index = OnceBox::new();
    }
}

/// Sorts symbols by name, those of one name in table order.
fn by_name<'t>(symbols: impl Iterator<Item = Entry<'t>>, sorted: &mut Vec<Entry<'t>>) {
    sorted.clear();
    sorted.extend(symbols);
    sorted.sort_by_key(Entry::name);
}

/// A symbol that another table has no size for, from [`SymbolTable::add_sizes`].
///
/// ```
/// use kallmodsyms::SymbolTable;
///
/// let mut table = SymbolTable::from_bytes(b"ffffffff8b000000 T _text\n")?;
/// let vmlinux = SymbolTable::from_bytes(b"ffffffff8b000000 10 T _stext\n")?;
/// let error = table.add_sizes(&vmlinux).unwrap_err();
/// assert_eq!(error.to_string(), "of another kernel: there is no _text at 0xffffffff8b000000");
/// # Ok::<(), kallmodsyms::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("of another kernel: there is no {} at {address:#x}", name.escape_ascii())]
#[non_exhaustive]
pub struct NoSize {
    /// The symbol's name.
    pub name: Vec<u8>,
    /// Its address.
    pub address: u64,
}
