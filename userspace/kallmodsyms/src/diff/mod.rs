// SPDX-License-Identifier: Apache-2.0 OR MIT

//! What differs between two tables: of two kernels, two boots, or one kernel before and after a module was loaded.
//!
//! Addresses do not tell which symbol is which, since they change with every boot. A symbol is known by its modules and
//! its name:
//!
//! 1. Where both occur once on each side, those are the same symbol.
//! 2. Thousands of names repeat (`__key.0`, `probe`). Of those, the ones of the same size and letter are the same that
//!    stand at the same distance from the next lower symbol of step 1; then by the next higher one; then those of the
//!    same size and letter, in address order; then the rest, in address order.
//! 3. Of what is left, symbols of one name are the same with other modules, if the name is global on both sides, or if
//!    both are part of the kernel image and either belongs to no module, or they share one. Again those of the same
//!    size and letter first, then one that is left with one that is left.
//!
//! All addresses of the kernel image change by one [`Slide`] from boot to boot (KASLR), and those of each loaded module
//! by others: each kind of section of it has a place of its own. The most common distance of such a part is its slide;
//! of two that are equally common, the smaller one, and none if they differ in sign alone. In the image it has to be
//! that of more than half of the symbols; in a kernel that was built anew there may be no such, and the slide is that
//! of `_text`. A symbol has moved if it moved by another distance than its part. Absolute symbols (on x86-64 all of
//! per-CPU data) do not slide.
//!
//! What only one of the tables knows is no difference: sizes, or the modules of built-in code.
//!
//! ```
//! use kallmodsyms::SymbolTable;
//! use kallmodsyms::diff::{Change, Diff};
//!
//! let old = SymbolTable::from_bytes(b"ffffffff81000000 20 T vfs_read\n\
//!                                     ffffffff81000020 20 T vfs_write\n\
//!                                     ffffffff81000040 10 t probe\n\
//!                                     ffffffff81001000 0 B _end\n")?;
//! let new = SymbolTable::from_bytes(b"ffffffff9c000000 20 T vfs_read\n\
//!                                     ffffffff9c000020 28 T vfs_write\n\
//!                                     ffffffff9c001000 0 B _end\n")?;
//! let diff = Diff::new(&old, &new);
//! assert_eq!(diff.slides()[0].distance, 0x1b00_0000);
//! let [Change::Changed(pair), Change::Went(gone)] = diff.changes() else { panic!() };
//! assert_eq!((pair.new.name(), pair.resized, pair.moved), (b"vfs_write".as_slice(), true, None));
//! assert_eq!(gone.name(), b"probe");
//! # Ok::<(), kallmodsyms::Error>(())
//! ```

mod matching;
mod slide;

use alloc::vec::Vec;

use crate::SymbolTable;
use crate::table::Entry;
use matching::{Matching, same_size};
use slide::Slides;

pub use slide::Slide;

/// The differences between two tables.
///
/// ```
/// use kallmodsyms::{SymbolTable, diff::Diff};
///
/// let table = SymbolTable::from_bytes(b"ffffffff81000000 T _text\n")?;
/// assert!(Diff::new(&table, &table).is_empty());
/// # Ok::<(), kallmodsyms::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Diff<'t> {
    changes: Vec<Change<'t>>,
    slides: Vec<Slide<'t>>,
    counts: Counts,
}

impl<'t> Diff<'t> {
    /// Compares two tables.
    ///
    /// Linear, but for a sort of the symbols whose names repeat and of the changes. Makes the index of names of both
    /// tables; allocates 16 bytes a symbol while it works, and what it returns.
    ///
    /// ```
    /// use kallmodsyms::{SymbolTable, diff::Diff};
    ///
    /// let old = SymbolTable::from_bytes(b"ffffffff81000000 T _text\n")?;
    /// let new = SymbolTable::from_bytes(b"ffffffff81000000 T _text\nffffffff81001000 T start\n")?;
    /// assert_eq!(Diff::new(&old, &new).counts().came, 1);
    /// # Ok::<(), kallmodsyms::Error>(())
    /// ```
    #[must_use]
    pub fn new(old: &'t SymbolTable, new: &'t SymbolTable) -> Self {
        let matching = Matching::new(old, new);
        let slides = Slides::new(matching.pairs());
        let mut counts = Counts::default();
        let mut changes = Vec::new();
        for entry in old {
            let Some(partner) = matching.new_of(entry) else {
                counts.went += 1;
                changes.push(Change::Went(entry));
                continue;
            };
            let moved = slides.beyond(entry, partner);
            let pair = Pair {
                old: entry,
                new: partner,
                moved: (moved != 0).then_some(moved),
                resized: !same_size(entry, partner),
                relettered: entry.letter() != partner.letter(),
                changed_modules: !matching.same_modules(entry, partner),
            };
            if counts.add(&pair) {
                changes.push(Change::Changed(pair));
            }
        }
        let came = new.iter().filter(|&entry| !matching.has_old(entry));
        let before = changes.len();
        changes.extend(came.map(Change::Came));
        counts.came = changes.len() - before;
        Self {
            changes,
            slides: slides.into_list(),
            counts,
        }
    }

    /// The changes: what changed or went, in the order of the old table, then what came, in the order of the new one.
    ///
    /// ```
    /// use kallmodsyms::{SymbolTable, diff::{Change, Diff}};
    ///
    /// let old = SymbolTable::from_bytes(b"ffffffff81000000 4 T a\nffffffff81000004 4 T b\n")?;
    /// let new = SymbolTable::from_bytes(b"ffffffff81000000 4 T a\nffffffff81000004 4 T c\n")?;
    /// assert!(matches!(Diff::new(&old, &new).changes(), [Change::Went(_), Change::Came(_)]));
    /// # Ok::<(), kallmodsyms::Error>(())
    /// ```
    #[must_use]
    pub fn changes(&self) -> &[Change<'t>] {
        &self.changes
    }

    /// How far the kernel image and each loaded module slid, where they did: the image first, then by the names of
    /// modules, then by distance.
    ///
    /// ```
    /// use kallmodsyms::{SymbolTable, diff::Diff};
    ///
    /// let old = SymbolTable::from_bytes(b"ffffffff81000000 T _text\n")?;
    /// let new = SymbolTable::from_bytes(b"ffffffff80000000 T _text\n")?;
    /// let diff = Diff::new(&old, &new);
    /// assert!(diff.is_empty());
    /// assert_eq!(diff.slides()[0].distance, -0x100_0000);
    /// # Ok::<(), kallmodsyms::Error>(())
    /// ```
    #[must_use]
    pub fn slides(&self) -> &[Slide<'t>] {
        &self.slides
    }

    /// The changes, counted.
    ///
    /// ```
    /// use kallmodsyms::{SymbolTable, diff::Diff};
    ///
    /// let table = SymbolTable::from_bytes(b"ffffffff81000000 T _text\n")?;
    /// assert_eq!(Diff::new(&table, &table).counts().same, 1);
    /// # Ok::<(), kallmodsyms::Error>(())
    /// ```
    #[must_use]
    pub const fn counts(&self) -> Counts {
        self.counts
    }

    /// Whether there is no change. A slide is none.
    ///
    /// ```
    /// use kallmodsyms::{SymbolTable, diff::Diff};
    ///
    /// let old = SymbolTable::from_bytes(b"ffffffff81000000 4 T _text\n")?;
    /// let new = SymbolTable::from_bytes(b"ffffffff81000000 8 T _text\n")?;
    /// assert!(!Diff::new(&old, &new).is_empty());
    /// # Ok::<(), kallmodsyms::Error>(())
    /// ```
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }
}

/// One symbol that differs.
///
/// ```
/// use kallmodsyms::{SymbolTable, diff::{Change, Diff}};
///
/// let old = SymbolTable::from_bytes(b"ffffffff81000000 4 T a\n")?;
/// let new = SymbolTable::from_bytes(b"ffffffff81000000 4 D a\n")?;
/// let Change::Changed(pair) = Diff::new(&old, &new).changes()[0] else { panic!() };
/// assert!(pair.relettered && !pair.resized);
/// # Ok::<(), kallmodsyms::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums)]
pub enum Change<'t> {
    /// A symbol of the new table alone.
    Came(Entry<'t>),
    /// A symbol of the old table alone.
    Went(Entry<'t>),
    /// A symbol of both tables that is not the same in both.
    Changed(Pair<'t>),
}

/// A symbol of both tables, and what changed. At least one thing did.
///
/// ```
/// use kallmodsyms::{SymbolTable, diff::{Change, Diff}};
///
/// let old = SymbolTable::from_bytes(b"ffffffff81000000 4 t f\t[a]\nffffffff81000010 0 B _end\n")?;
/// let new = SymbolTable::from_bytes(b"ffffffff81000000 4 t f\t[a] [b]\nffffffff81000010 0 B _end\n")?;
/// let Change::Changed(pair) = Diff::new(&old, &new).changes()[0] else { panic!() };
/// assert!(pair.changed_modules);
/// # Ok::<(), kallmodsyms::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Pair<'t> {
    /// The symbol in the old table.
    pub old: Entry<'t>,
    /// The symbol in the new table.
    pub new: Entry<'t>,
    /// How far it moved beyond its part's [`Slide`], if it did.
    pub moved: Option<i64>,
    /// Whether its size changed.
    pub resized: bool,
    /// Whether its letter changed.
    pub relettered: bool,
    /// Whether its modules changed, or whether they are built in or loaded.
    pub changed_modules: bool,
}

/// How many symbols differ, and how. One that changed in two ways counts under both.
///
/// ```
/// use kallmodsyms::{SymbolTable, diff::Diff};
///
/// let old = SymbolTable::from_bytes(b"ffffffff81000000 4 T a\nffffffff81000004 4 T b\n")?;
/// let new = SymbolTable::from_bytes(b"ffffffff81000000 4 T a\n")?;
/// let counts = Diff::new(&old, &new).counts();
/// assert_eq!(counts.same + counts.changed + counts.went, old.len());
/// assert_eq!(counts.same + counts.changed + counts.came, new.len());
/// # Ok::<(), kallmodsyms::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counts {
    /// Symbols that are the same in both tables.
    pub same: usize,
    /// Symbols of both tables that are not the same.
    pub changed: usize,
    /// Of these, those that moved beyond their slide.
    pub moved: usize,
    /// Those of another size.
    pub resized: usize,
    /// Those of another letter.
    pub relettered: usize,
    /// Those of other modules.
    pub changed_modules: usize,
    /// Symbols of the new table alone.
    pub came: usize,
    /// Symbols of the old table alone.
    pub went: usize,
}

impl Counts {
    /// Counts a pair; true if it differs.
    fn add(&mut self, pair: &Pair<'_>) -> bool {
        let ways = [
            (pair.moved.is_some(), &mut self.moved),
            (pair.resized, &mut self.resized),
            (pair.relettered, &mut self.relettered),
            (pair.changed_modules, &mut self.changed_modules),
        ];
        let mut differs = false;
        for (way, count) in ways {
            *count += usize::from(way);
            differs |= way;
        }
        *(if differs {
            &mut self.changed
        } else {
            &mut self.same
        }) += 1;
        differs
    }
}
