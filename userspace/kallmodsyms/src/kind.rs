// SPDX-License-Identifier: Apache-2.0 OR MIT

//! What the letter of a symbol says: the kernel prints the letters of `nm`.
//!
//! Binding and kind follow drgn's reading of kallsyms, so that tools built on either agree. The letter is all that
//! kallsyms keeps of the ELF symbol: `W` may be a weak function or a weak marker, a local letter may be a global symbol
//! that the linker made local.

/// How a symbol binds.
///
/// ```
/// use kallmodsyms::Binding;
///
/// assert_eq!(Binding::of_letter(b'T'), Binding::Global);
/// assert_eq!(Binding::of_letter(b't'), Binding::Unknown);
/// assert_eq!(Binding::of_letter(b'w'), Binding::Weak);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Binding {
    /// An upper-case letter.
    Global,
    /// `v` and `w` in either case.
    Weak,
    /// `u`: `STB_GNU_UNIQUE`.
    Unique,
    /// Another lower-case letter: local as a rule, but a linker may have made it so.
    Unknown,
}

impl Binding {
    /// The binding that the letter stands for.
    ///
    /// ```
    /// assert_eq!(kallmodsyms::Binding::of_letter(b'V'), kallmodsyms::Binding::Weak);
    /// ```
    #[must_use]
    pub const fn of_letter(letter: u8) -> Self {
        match letter {
            b'u' => Self::Unique,
            b'v' | b'V' | b'w' | b'W' => Self::Weak,
            b'A'..=b'Z' => Self::Global,
            _ => Self::Unknown,
        }
    }
}

/// What a symbol names.
///
/// ```
/// use kallmodsyms::Kind;
///
/// assert_eq!(Kind::of_letter(b'T'), Kind::Function);
/// assert_eq!(Kind::of_letter(b'r'), Kind::Object);
/// assert_eq!(Kind::of_letter(b'V'), Kind::Object);
/// assert_eq!(Kind::of_letter(b'W'), Kind::Unknown);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// Code.
    Function,
    /// Data of any sort.
    Object,
    /// The letter does not tell.
    Unknown,
}

impl Kind {
    /// The kind that the letter stands for, in either case.
    ///
    /// ```
    /// assert_eq!(kallmodsyms::Kind::of_letter(b'B'), kallmodsyms::Kind::Object);
    /// ```
    #[must_use]
    pub const fn of_letter(letter: u8) -> Self {
        match letter.to_ascii_lowercase() {
            b't' => Self::Function,
            b'b' | b'c' | b'd' | b'g' | b'r' | b'v' => Self::Object,
            _ => Self::Unknown,
        }
    }
}

/// The kind of section that a symbol lies in.
///
/// ```
/// use kallmodsyms::Section;
///
/// assert_eq!(Section::of_letter(b'R'), Section::ReadOnly);
/// assert_eq!(Section::ReadOnly.name(), "rodata");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Section {
    /// Code: `t`, and `w`, since `nm` prints `v` for what is known to be weak data.
    Text,
    /// Read-only data: `r`.
    ReadOnly,
    /// Initialized data: `d`, `g`.
    Data,
    /// Zero-initialized data: `b`, `c`, `s`.
    Bss,
    /// Everything else: absolute symbols (on x86-64 all of per-CPU data), weak data, `?`.
    Other,
}

impl Section {
    /// Every kind of section.
    ///
    /// ```
    /// assert_eq!(kallmodsyms::Section::ALL.len(), 5);
    /// ```
    pub const ALL: [Self; 5] = [
        Self::Text,
        Self::ReadOnly,
        Self::Data,
        Self::Bss,
        Self::Other,
    ];

    /// The kind of section that the letter stands for, in either case.
    ///
    /// ```
    /// assert_eq!(kallmodsyms::Section::of_letter(b'A'), kallmodsyms::Section::Other);
    /// ```
    #[must_use]
    pub const fn of_letter(letter: u8) -> Self {
        match letter.to_ascii_lowercase() {
            b't' | b'w' => Self::Text,
            b'r' => Self::ReadOnly,
            b'd' | b'g' => Self::Data,
            b'b' | b'c' | b's' => Self::Bss,
            _ => Self::Other,
        }
    }

    /// The usual short name.
    ///
    /// ```
    /// assert_eq!(kallmodsyms::Section::Text.name(), "text");
    /// ```
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::ReadOnly => "rodata",
            Self::Data => "data",
            Self::Bss => "bss",
            Self::Other => "other",
        }
    }
}
