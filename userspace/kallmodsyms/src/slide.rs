// SPDX-License-Identifier: Apache-2.0 OR MIT

//! By how much KASLR has moved a kernel.

use alloc::vec::Vec;
use core::fmt;

use crate::table::Entry;
use crate::{Kind, SymbolTable};

/// By how much the image of a running kernel is moved from where it was linked: what lies between a `System.map` or a
/// `vmlinux` and `/proc/kallsyms`.
///
/// Found by the code symbols whose names are unique in both, and only if *all* of them agree: a file of another kernel
/// is an error, however alike.
///
/// ```
/// use kallmodsyms::{Slide, SymbolTable};
///
/// let map = b"0000000000001000 D tlb_state\nffffffff81000000 T _text\nffffffff81000040 T f\n";
/// let live = b"0000000000001000 A tlb_state\nffffffffa2000000 T _text\nffffffffa2000040 T f\n";
/// let (map, live) = (SymbolTable::from_bytes(map)?, SymbolTable::from_bytes(live)?);
/// let slide = Slide::between(&map, &live)?;
/// assert_eq!((slide.bytes(), slide.witnesses()), (0x2100_0000, 2));
/// assert_eq!(slide.move_address(0xffff_ffff_8100_0010), 0xffff_ffff_a200_0010);
/// // Per-CPU data counted from 0 does not move.
/// assert_eq!(slide.move_address(0x1000), 0x1000);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slide {
    /// What is added, modulo 2^64.
    bytes: u64,
    /// The lowest address that moves.
    from: u64,
    witnesses: usize,
}

impl Slide {
    /// Finds the slide from `linked`, a table with the addresses of the linker, to `running`, one of a boot of the same
    /// kernel.
    ///
    /// Linear, with two look-ups by name for each code symbol.
    ///
    /// # Errors
    ///
    /// If the tables share no code symbol with a unique name, or if such symbols disagree.
    ///
    /// ```
    /// use kallmodsyms::{Slide, SlideError, SymbolTable};
    ///
    /// let one = SymbolTable::from_bytes(b"ffffffff81000000 T _text\nffffffff81000040 T f\n")?;
    /// let other = SymbolTable::from_bytes(b"ffffffff81000000 T _text\nffffffff81000050 T f\n")?;
    /// assert!(matches!(Slide::between(&one, &other), Err(SlideError::OtherKernel { disagree: 1, .. })));
    /// # Ok::<(), kallmodsyms::Error>(())
    /// ```
    pub fn between(linked: &SymbolTable, running: &SymbolTable) -> Result<Self, SlideError> {
        let (slide, stray) = Self::of_most(linked, running)?;
        stray.map_or(Ok(slide), Err)
    }

    /// A slide that is known, as an oops says it (`Kernel Offset`). Added modulo 2^64, so that one down is as good.
    ///
    /// ```
    /// use kallmodsyms::{Slide, SymbolTable};
    ///
    /// let map = SymbolTable::from_bytes(b"0000000000001000 D tlb_state\nffffffff81000000 T _text\n")?;
    /// let slide = Slide::by(0x2100_0000, &map);
    /// assert_eq!(slide.move_address(0xffff_ffff_8100_0010), 0xffff_ffff_a200_0010);
    /// assert_eq!(slide.linked_address(0xffff_ffff_a200_0010), 0xffff_ffff_8100_0010);
    /// assert_eq!((slide.move_address(0x1008), slide.linked_address(0x1008)), (0x1008, 0x1008));
    /// # Ok::<(), kallmodsyms::Error>(())
    /// ```
    #[must_use]
    pub fn by(bytes: u64, linked: &SymbolTable) -> Self {
        Self {
            bytes,
            from: linked.image_start(),
            witnesses: 0,
        }
    }

    /// Finds the slide that most symbols agree on, and with it why it may be none: those that do not agree.
    pub(crate) fn of_most(
        linked: &SymbolTable,
        running: &SymbolTable,
    ) -> Result<(Self, Option<SlideError>), SlideError> {
        // The slide that most symbols so far agree on, by majority vote: if there is a majority, it wins.
        let (mut winner, mut lead) = (0, 0_usize);
        let mut pairs = Vec::new();
        for symbol in linked.iter().filter(|&symbol| is_code(symbol)) {
            let Some(twin) = twin(symbol, linked, running) else {
                continue;
            };
            let bytes = twin.address().wrapping_sub(symbol.address());
            match lead {
                0 => (winner, lead) = (bytes, 1),
                _ if winner == bytes => lead += 1,
                _ => lead -= 1,
            }
            pairs.push((symbol, twin.address()));
        }
        if pairs.is_empty() {
            return Err(SlideError::NothingInCommon);
        }
        let expected = |symbol: Entry<'_>| symbol.address().wrapping_add(winner);
        let mut strays = pairs
            .iter()
            .filter(|&&(symbol, found)| found != expected(symbol));
        let first = strays.next();
        let disagree = strays.count() + usize::from(first.is_some());
        let agree = pairs.len() - disagree;
        let stray = first.map(|&(symbol, found)| SlideError::OtherKernel {
            agree,
            disagree,
            name: symbol.name().into(),
            expected: expected(symbol),
            found,
        });
        let slide = Self {
            bytes: winner,
            from: linked.image_start(),
            witnesses: agree,
        };
        Ok((slide, stray))
    }

    /// What is added to an address of the linker, modulo 2^64. 0 without KASLR.
    ///
    /// ```
    /// # use kallmodsyms::{Slide, SymbolTable};
    /// let table = SymbolTable::from_bytes(b"ffffffff81000000 T _text\n")?;
    /// assert_eq!(Slide::between(&table, &table)?.bytes(), 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// How many code symbols agree on it: at least one, unless it was [given](Self::by).
    ///
    /// ```
    /// # use kallmodsyms::{Slide, SymbolTable};
    /// let table = SymbolTable::from_bytes(b"ffffffff81000000 T _text\n")?;
    /// assert_eq!(Slide::between(&table, &table)?.witnesses(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub const fn witnesses(&self) -> usize {
        self.witnesses
    }

    /// Where the running kernel has what the linker put at an address.
    ///
    /// What lies below [the image](SymbolTable::image_start) does not move: per-CPU data that is counted from 0 (x86-64
    /// before Linux 6.15), and numbers that are no addresses.
    ///
    /// ```
    /// # use kallmodsyms::{Slide, SymbolTable};
    /// let table = SymbolTable::from_bytes(b"ffffffff81000000 T _text\n")?;
    /// assert_eq!(Slide::between(&table, &table)?.move_address(7), 7);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub const fn move_address(&self, address: u64) -> u64 {
        if address < self.from {
            address
        } else {
            address.wrapping_add(self.bytes)
        }
    }

    /// Where the linker put what the running kernel has at an address.
    ///
    /// What is not in the image has not moved.
    ///
    /// ```
    /// # use kallmodsyms::{Slide, SymbolTable};
    /// let table = SymbolTable::from_bytes(b"ffffffff81000000 T _text\n")?;
    /// let down = Slide::by(0x1000_u64.wrapping_neg(), &table);
    /// assert_eq!(down.linked_address(0xffff_ffff_80ff_f010), 0xffff_ffff_8100_0010);
    /// # Ok::<(), kallmodsyms::Error>(())
    /// ```
    #[must_use]
    pub const fn linked_address(&self, address: u64) -> u64 {
        let linked = address.wrapping_sub(self.bytes);
        // A slide is less than half of the address space, so what wraps round was not in the image.
        let wraps = (self.bytes <= u64::MAX / 2) != (linked <= address);
        if address < self.from && (linked < self.from || wraps) {
            address
        } else {
            linked
        }
    }

    /// A table of the linker's addresses, moved to where the kernel runs. What is not part of the image stays.
    ///
    /// ```
    /// # use kallmodsyms::{Slide, SymbolTable};
    /// let map = SymbolTable::from_bytes(b"ffffffff81000000 T _text\nffffffff81000040 D data\n")?;
    /// let live = SymbolTable::from_bytes(b"ffffffffa2000000 T _text\n")?;
    /// let moved = Slide::between(&map, &live)?.move_table(map);
    /// assert_eq!(moved.named(b"data").next().unwrap().address(), 0xffff_ffff_a200_0040);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn move_table(&self, table: SymbolTable) -> SymbolTable {
        if self.bytes == 0 {
            return table;
        }
        table.with_image_moved(|address| self.move_address(address))
    }
}

impl fmt::Display for Slide {
    /// `+0x21000000`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.bytes > u64::MAX / 2 {
            write!(f, "-{:#x}", self.bytes.wrapping_neg())
        } else {
            write!(f, "+{:#x}", self.bytes)
        }
    }
}

/// Whether the symbol is code of the image; `nm` and kallsyms agree on those.
fn is_code(symbol: Entry<'_>) -> bool {
    symbol.kind() == Kind::Function && symbol.group().is_image()
}

/// The code symbol of the same name in the other table, if the name is unique in both.
fn twin<'t>(
    symbol: Entry<'_>,
    linked: &SymbolTable,
    running: &'t SymbolTable,
) -> Option<Entry<'t>> {
    let image = |symbol: &Entry<'_>| symbol.group().is_image();
    if linked.named(symbol.name()).filter(image).nth(1).is_some() {
        return None;
    }
    let mut twins = running.named(symbol.name()).filter(image);
    let twin = twins.next()?;
    (twins.next().is_none() && is_code(twin)).then_some(twin)
}

/// Why there is no slide between two tables, from [`Slide::between`].
///
/// ```
/// let error = kallmodsyms::SlideError::NothingInCommon;
/// assert_eq!(error.to_string(), "the tables have no code symbol in common");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SlideError {
    /// No name is unique among the code of both.
    #[error("the tables have no code symbol in common")]
    NothingInCommon,
    /// Symbols are moved by different amounts.
    #[error(
        "of another kernel: {agree} of {} code symbols agree where it is; {} is at {found:#x}, not {expected:#x}",
        agree + disagree, name.escape_ascii()
    )]
    OtherKernel {
        /// How many symbols are moved by what most are moved by.
        agree: usize,
        /// How many are not.
        disagree: usize,
        /// One of those.
        name: Vec<u8>,
        /// Where the running kernel would have it.
        expected: u64,
        /// Where it has it.
        found: u64,
    },
}
