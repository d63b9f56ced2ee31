// SPDX-License-Identifier: Apache-2.0 OR MIT

//! The symbols of vmlinux, decoded from the tables that `scripts/kallsyms.c` made.
//!
//! Nothing here knows of the kernel, and nothing here can panic: a panic with the lock of a file
//! held would leave it locked for ever. So slices are read with `get`, and arithmetic wraps or is
//! checked. Its tests, with hostile tables too, run on the host: `make rusttest`.

pub(crate) mod line;
pub(crate) mod modules;
pub(crate) mod names;
pub(crate) mod sizes;
#[cfg(test)]
mod tests;

use line::{AddressText, Line, LineEnd, ShortLine, ROOM};
use modules::Modules;
use names::{Names, Pieces, Tokens};
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
        Some(self.at(*self.offsets.get(index)?))
    }

    /// Returns the address of a symbol by its offset.
    #[inline]
    fn at(&self, offset: i32) -> usize {
        if !self.absolute_percpu {
            self.relative_base.wrapping_add(offset as u32 as usize)
        } else if offset >= 0 {
            offset as usize
        } else {
            // The lowest address has offset -1, and each higher one a lower offset.
            self.relative_base.wrapping_add(!offset as usize)
        }
    }

    /// Returns how far it is from `address` to the first higher one of symbols at `offsets`.
    fn distance(&self, address: usize, offsets: &[i32]) -> Option<usize> {
        offsets
            .iter()
            .find_map(|&offset| self.at(offset).checked_sub(address).filter(|&far| far > 0))
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
struct Symbol<'a> {
    /// Address of its first byte.
    address: usize,
    /// Size in bytes.
    size: usize,
    /// Type letter and name.
    name: Tokens<'a>,
}

/// What of the tables is still to be decoded.
#[derive(Clone, Copy, Debug)]
struct Rest<'a> {
    offsets: &'a [i32],
    /// Address of the first symbol, if there is one.
    address: usize,
    names: &'a [u8],
    /// Nibble index of the first size.
    size: usize,
}

impl<'a> Symbols<'a> {
    /// Whether `place` is after the last symbol.
    pub(crate) fn is_end(&self, place: Place) -> bool {
        place.index >= self.addresses.offsets.len()
    }

    /// Returns the size of symbol number `index`, in at most 255 steps from a marker.
    pub(crate) fn size(&self, index: usize) -> Option<usize> {
        let (&offset, later) = self.addresses.offsets.get(index..)?.split_first()?;
        let address = self.addresses.at(offset);
        self.sizes
            .get(index)?
            .size(|| self.addresses.distance(address, later))
    }

    /// Returns the tables from `place` on.
    fn rest(&self, place: Place) -> Option<Rest<'a>> {
        Some(Rest {
            offsets: self.addresses.offsets.get(place.index..)?,
            address: self.addresses.get(place.index).unwrap_or(0),
            names: self.names.names.get(place.name..)?,
            size: place.size,
        })
    }

    /// Returns the number of the first symbol of `rest`.
    fn index(&self, rest: Rest<'_>) -> usize {
        let symbols = self.addresses.offsets.len();
        symbols.wrapping_sub(rest.offsets.len())
    }

    /// Returns the first symbol of `rest`, and the rest after it.
    #[inline]
    fn next(&self, rest: Rest<'a>) -> Option<(Symbol<'a>, Rest<'a>)> {
        let address = rest.address;
        let (_, offsets) = rest.offsets.split_first()?;
        let next = match offsets.first() {
            Some(&offset) => self.addresses.at(offset),
            // After the last symbol comes none that is higher.
            None => 0,
        };
        let (name, names) = Names::decode(rest.names)?;
        let (code, next_size) = self.sizes.decode(rest.size)?;
        let size = code.size(|| match next.checked_sub(address) {
            Some(distance @ 1..) => Some(distance),
            _ => self.addresses.distance(address, offsets),
        })?;

        let symbol = Symbol {
            address,
            size,
            name,
        };
        let rest = Rest {
            offsets,
            address: next,
            names,
            size: next_size,
        };
        Some((symbol, rest))
    }

    /// Writes lines from `place` on to `room`, until there is none for any short line or the last
    /// line is written.
    ///
    /// Returns the place of the line that comes next and the number of bytes written, or `None` if
    /// the tables make no sense. Of addresses and sizes, the bits of `value_mask` are shown.
    pub(crate) fn write(
        &self,
        pieces: &Pieces,
        value_mask: usize,
        place: Place,
        room: &mut [u8],
    ) -> Option<(Place, usize)> {
        let bytes = room.len();
        let mut room = room;
        let mut rest = self.rest(place)?;
        let mut text = AddressText::new();
        let mut run = self.modules.get(place.index, place.run);

        'runs: loop {
            let end = LineEnd::new(run.list);
            let left_after_run = self.addresses.offsets.len().saturating_sub(run.end);

            while rest.offsets.len() > left_after_run {
                if room.len() < ROOM {
                    break 'runs;
                }
                let (symbol, later) = self.next(rest)?;
                let address = symbol.address & value_mask;
                let size = symbol.size & value_mask;

                text.set(address);
                let short = ShortLine::write(room, |line| {
                    line.begin(&text, address, size);
                    pieces.write(symbol.name, line)?;
                    line.end(&end);
                    Some(())
                });
                let any = || self.write_any(address, size, symbol.name, run.list, room);
                let Some(len) = short.or_else(any) else {
                    // There is too little room, if this is a name.
                    self.names.check(symbol.name)?;
                    break 'runs;
                };
                room = room.get_mut(len..)?;
                rest = later;
            }
            if rest.offsets.is_empty() {
                break;
            }
            run = self.modules.get(self.index(rest), run.number);
        }

        let next = Place {
            index: self.index(rest),
            name: self.names.names.len().wrapping_sub(rest.names.len()),
            size: rest.size,
            run: run.number,
        };
        Some((next, bytes.wrapping_sub(room.len())))
    }

    /// Writes a line of any length to the start of `room`. Returns its length, or `None` if it does
    /// not fit.
    #[inline(never)]
    fn write_any(
        &self,
        address: usize,
        size: usize,
        name: Tokens<'_>,
        modules: &[u8],
        room: &mut [u8],
    ) -> Option<usize> {
        Line::write(room, |line| {
            line.push_address(address)?;
            line.push_size(size)?;
            self.names.write(name, line)?;
            line.push_modules(modules)
        })
    }
}
