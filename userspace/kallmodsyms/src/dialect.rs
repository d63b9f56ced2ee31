// SPDX-License-Identifier: Apache-2.0 OR MIT

//! What the lines of a file look like: a property of the file, found once.

use core::fmt;

use memchr::memmem;

use crate::grammar;
use crate::read::Lines;

/// The four formats that kernels and patches print.
///
/// The number of fields before the tab tells whether there is a size. Nothing else can: the size `d` of a 13-byte
/// symbol looks like the type of a data symbol, and a symbol may be named `t`. Among the formats without sizes, whether
/// a file names object files or several modules decides; the three are one grammar otherwise.
///
/// ```
/// use kallmodsyms::Dialect;
///
/// assert_eq!(Dialect::Sized.fields(), 4);
/// assert_eq!(Dialect::Kallsyms.to_string(), "kallsyms");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Dialect {
    /// `addr size type name[\t[m]...]`: `/proc/kallmodsyms` of this project, of the series of 2021, of Oracle UEK.
    #[default]
    Sized,
    /// `addr type name[\t[m]...]`: the series of 2021 without its last patch, version 8 of 2022.
    Unsized,
    /// `addr type name[\t[m]... {file.o}]`: versions 9 and 10 of 2022.
    Object,
    /// `addr type name[\t[m]]`: `/proc/kallsyms` of every kernel.
    Kallsyms,
}

impl Dialect {
    /// Every dialect.
    ///
    /// ```
    /// assert!(kallmodsyms::Dialect::ALL.iter().all(|dialect| dialect.fields() >= 3));
    /// ```
    pub const ALL: &'static [Self] = &[Self::Sized, Self::Unsized, Self::Object, Self::Kallsyms];

    /// How many fields stand before the tab.
    ///
    /// ```
    /// assert_eq!(kallmodsyms::Dialect::Object.fields(), 3);
    /// ```
    #[must_use]
    pub const fn fields(self) -> usize {
        if self.has_sizes() { 4 } else { 3 }
    }

    /// Whether lines have a size.
    ///
    /// ```
    /// assert!(!kallmodsyms::Dialect::Kallsyms.has_sizes());
    /// ```
    #[must_use]
    pub const fn has_sizes(self) -> bool {
        matches!(self, Self::Sized)
    }

    /// The name in lower case, as the command line takes it.
    ///
    /// ```
    /// assert_eq!(kallmodsyms::Dialect::Sized.name(), "sized");
    /// ```
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sized => "sized",
            Self::Unsized => "unsized",
            Self::Object => "object",
            Self::Kallsyms => "kallsyms",
        }
    }

    /// The dialect to which a line belongs that has a size where this dialect has none, or the reverse.
    pub(crate) const fn other_shape(self) -> Self {
        if self.has_sizes() {
            // Takes every line without a size.
            Self::Object
        } else {
            Self::Sized
        }
    }
}

impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How wide an address is printed: the width of a pointer in the kernel that wrote the file.
///
/// ```
/// use kallmodsyms::Width;
///
/// assert_eq!(Width::Bits64.digits(), 16);
/// assert_eq!(Width::Bits32.max(), 0xffff_ffff);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Width {
    /// Eight hex digits.
    Bits32,
    /// Sixteen hex digits.
    #[default]
    Bits64,
}

impl Width {
    /// How many hex digits an address has.
    ///
    /// ```
    /// assert_eq!(kallmodsyms::Width::Bits32.digits(), 8);
    /// ```
    #[must_use]
    pub const fn digits(self) -> usize {
        match self {
            Self::Bits32 => 8,
            Self::Bits64 => 16,
        }
    }

    /// The highest address.
    ///
    /// ```
    /// assert_eq!(kallmodsyms::Width::Bits64.max(), u64::MAX);
    /// ```
    #[must_use]
    pub const fn max(self) -> u64 {
        match self {
            Self::Bits32 => 0xffff_ffff,
            Self::Bits64 => u64::MAX,
        }
    }
}

/// Everything one must know of a file to read any of its lines. The default is what a 64-bit kernel of this project
/// prints.
///
/// ```
/// use kallmodsyms::{Dialect, Format, Width};
///
/// let format = Format::default();
/// assert_eq!((format.dialect, format.width), (Dialect::Sized, Width::Bits64));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Format {
    /// What stands on a line.
    pub dialect: Dialect,
    /// How wide addresses are.
    pub width: Width,
}

impl Format {
    /// Finds the format of a file: from its first well-formed line whether there are sizes and how wide addresses are,
    /// and where there are no sizes, from the whole file whether it names object files or several modules.
    /// `None` when no line is well formed in any dialect.
    ///
    /// Usually looks at one line of a sized file, and searches once through a file without sizes.
    ///
    /// ```
    /// use kallmodsyms::{Dialect, Format};
    ///
    /// let dialect = |file| Format::detect(file).map(|format| format.dialect);
    /// assert_eq!(dialect(b"ffffffff8b014130 d t t\n"), Some(Dialect::Sized));
    /// assert_eq!(dialect(b"ffffffff8b014130 d t\n"), Some(Dialect::Kallsyms));
    /// assert_eq!(dialect(b"ffffffff8b014130 T f\t[a] [b]\n"), Some(Dialect::Unsized));
    /// assert_eq!(dialect(b"ffffffff8b014130 T f\t[a] {f.o}\n"), Some(Dialect::Object));
    /// assert_eq!(dialect(b"no symbols here\n"), None);
    /// ```
    #[must_use]
    pub fn detect(source: &[u8]) -> Option<Self> {
        let first = Lines::new(source).find_map(|line| Self::of_line(line.bytes))?;
        if first.dialect.has_sizes() {
            return Some(first);
        }
        let dialect = if names_objects(source) {
            Dialect::Object
        } else if memmem::find(source, b"] [").is_some() {
            Dialect::Unsized
        } else {
            Dialect::Kallsyms
        };
        Some(Self { dialect, ..first })
    }

    /// The format of a well-formed line, as far as one line tells: without a size, the dialect that has all such lines.
    pub(crate) fn of_line(line: &[u8]) -> Option<Self> {
        [Dialect::Sized, Dialect::Object]
            .iter()
            .flat_map(|&dialect| Self::of_any_width(dialect))
            .find(|&format| grammar::symbol(format, line).is_ok())
    }

    /// The format that a bad line was most likely meant to have. If its first field is as long as an address, that
    /// tells the width, and the number of fields whether there are sizes.
    pub(crate) fn meant_by(line: &[u8]) -> Self {
        let head = line.split(|&byte| byte == b'\t').next().unwrap_or(line);
        let mut fields = head.split(|&byte| byte == b' ');
        let width = match fields.next().map(<[u8]>::len) {
            Some(8) => Width::Bits32,
            Some(16) => Width::Bits64,
            _ => return Self::default(),
        };
        let dialect = match fields.count() {
            2 => Dialect::Object,
            _ => Dialect::Sized,
        };
        Self { dialect, width }
    }

    fn of_any_width(dialect: Dialect) -> [Self; 2] {
        [Width::Bits64, Width::Bits32].map(|width| Self { dialect, width })
    }
}

/// Whether some line ends in `{file.o}`. A name may have a brace too, but none follows a tab or another bracket there.
fn names_objects(source: &[u8]) -> bool {
    memmem::find(source, b"\t{").is_some() || memmem::find(source, b"] {").is_some()
}
