// SPDX-License-Identifier: Apache-2.0 OR MIT

//! The symbols of vmlinux, decoded from the tables that `scripts/kallsyms.c` made.
//!
//! Nothing here knows of the kernel, and nothing here can panic: a panic with the lock of a file
//! held would leave it locked for ever. So slices are read with `get`, and arithmetic wraps or is
//! checked. It is tested on the host, with hostile tables too.

pub(crate) mod line;
pub(crate) mod modules;
pub(crate) mod names;
pub(crate) mod sizes;

use line::Buffer;
use modules::Modules;
use names::{Names, TokenLengths, Tokens};
use sizes::Sizes;

/// All tables of vmlinux.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Symbols<'a> {
    /// Where the symbols are.
    pub(crate) addresses: Addresses<'a>,
    /// What they are called.
    pub(crate) names: Names<'a>,
    /// How large they are.
    pub(crate) sizes: Sizes<'a>,
    /// What modules they are from.
    pub(crate) modules: Modules<'a>,
}

/// The table of addresses.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Addresses<'a> {
    /// One offset a symbol, in ascending order of the addresses.
    pub(crate) offsets: &'a [i32],
    /// What offsets are relative to.
    pub(crate) relative_base: usize,
    /// Whether an offset that is not negative is the address of a per-CPU variable instead.
    pub(crate) absolute_percpu: bool,
}

impl Addresses<'_> {
    /// Returns the address of symbol number `index`.
    pub(crate) fn get(&self, index: usize) -> Option<usize> {
        let offset = *self.offsets.get(index)?;
        Some(if !self.absolute_percpu {
            self.relative_base.wrapping_add(offset as u32 as usize)
        } else if offset >= 0 {
            offset as usize
        } else {
            // The lowest address has offset -1, and each higher one a lower offset.
            self.relative_base.wrapping_add(!offset as usize)
        })
    }

    /// Returns the number of the first symbol after number `index` that has a higher address.
    fn next(&self, index: usize) -> Option<usize> {
        let address = self.get(index)?;
        let mut next = index.wrapping_add(1);
        while self.get(next)? <= address {
            next = next.wrapping_add(1);
        }
        Some(next)
    }
}

/// A place in the tables: the symbol that comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// Number of the symbol.
    index: usize,
    /// Offset of its name.
    name: usize,
    /// Nibble index of its size.
    size: usize,
    /// Number of a run at or before that of its modules.
    run: usize,
}

impl Place {
    /// The first symbol.
    pub(crate) const START: Self = Place {
        index: 0,
        name: 0,
        size: 0,
        run: 0,
    };
}

/// A symbol of vmlinux.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Symbol<'a> {
    /// Address of its first byte.
    pub(crate) address: usize,
    /// Size in bytes.
    pub(crate) size: usize,
    /// Type letter and name.
    pub(crate) name: Tokens<'a>,
    /// Its modules, as they are shown; empty if there is none.
    pub(crate) modules: &'a [u8],
}

impl<'a> Symbols<'a> {
    /// Returns the symbol at `place`, and the place after it. `None` after the last one.
    pub(crate) fn get(&self, place: Place) -> Option<(Symbol<'a>, Place)> {
        let address = self.addresses.get(place.index)?;
        let (name, next_name) = self.names.decode(place.name)?;
        let (code, next_size) = self.sizes.decode(place.size)?;
        let size = code.size(address, || {
            self.addresses.get(self.addresses.next(place.index)?)
        })?;
        let (modules, run) = self.modules.get(place.index, place.run);

        let symbol = Symbol {
            address,
            size,
            name,
            modules,
        };
        let next = Place {
            index: place.index.wrapping_add(1),
            name: next_name,
            size: next_size,
            run,
        };
        Some((symbol, next))
    }

    /// Whether `place` is after the last symbol.
    pub(crate) fn is_end(&self, place: Place) -> bool {
        place.index >= self.addresses.offsets.len()
    }

    /// Returns the size of symbol number `index`, in at most 255 steps from a marker.
    pub(crate) fn size(&self, index: usize) -> Option<usize> {
        let address = self.addresses.get(index)?;
        self.sizes
            .get(index)?
            .size(address, || self.addresses.get(self.addresses.next(index)?))
    }

    /// Writes the line of `symbol`, with address and size of zero unless `show_values`.
    ///
    /// Returns `None` if it does not fit.
    pub(crate) fn write(
        &self,
        lengths: &TokenLengths,
        symbol: &Symbol<'_>,
        show_values: bool,
        out: &mut Buffer<'_>,
    ) -> Option<()> {
        out.line(|out| {
            out.push_address(if show_values { symbol.address } else { 0 })?;
            out.push_size(if show_values { symbol.size } else { 0 })?;
            self.names.write(lengths, symbol.name, out)?;
            if !symbol.modules.is_empty() {
                out.push(b"\t")?;
                out.push(symbol.modules)?;
            }
            Some(())
        })
    }
}
