// SPDX-License-Identifier: Apache-2.0 OR MIT

//! What can be wrong with a line, and where.

use core::fmt;

use crate::diagnostic::{Diagnostic, Position};
use crate::{Dialect, Width};

/// A line that no kernel prints, and where in the file it stands.
///
/// ```
/// use kallmodsyms::{ErrorKind, Symbols};
///
/// let file = b"ffffffff8b014130 011f T intel_pt_interrupt\n";
/// let error = Symbols::new(file).next().unwrap().unwrap_err();
/// assert_eq!(error.kind, ErrorKind::SizeLeadingZero);
/// assert_eq!(error.to_string(), "line 1, column 18: expected a size without leading zeros");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {}, column {}: {kind}", position.line, position.column)]
#[non_exhaustive]
pub struct Error {
    /// What is wrong.
    pub kind: ErrorKind,
    /// Where it is.
    pub position: Position,
}

impl Error {
    /// An error of a file as a whole.
    pub(crate) const fn of_file(kind: ErrorKind) -> Self {
        let position = Position {
            line: 1,
            column: 1,
            offset: 0,
        };
        Self { kind, position }
    }

    /// The error with the line it speaks of and a caret under the place. `file` names the file, `source` is the bytes
    /// that the error came from.
    ///
    /// ```
    /// use kallmodsyms::Symbols;
    ///
    /// let file = b"ffffffff8b014130 11f T start\nffffffff8b014250 13A t next\n";
    /// let error = Symbols::new(file).nth(1).unwrap().unwrap_err();
    /// assert_eq!(
    ///     error.diagnostic("saved", file).to_string(),
    ///     "\
    /// error[size]: expected a lower-case hex digit in the size, found `A`
    ///  --> saved:2:20
    ///   |
    /// 2 | ffffffff8b014250 13A t next
    ///   |                    ^
    ///   = sizes are printed with %lx: lower case, no prefix, no leading zero
    /// "
    /// );
    /// ```
    #[must_use]
    pub const fn diagnostic<'a>(
        &'a self,
        file: &'a str,
        source: &'a [u8],
    ) -> Diagnostic<'a, ErrorKind> {
        Diagnostic {
            rule: self.kind.rule(),
            message: &self.kind,
            position: self.position,
            file,
            source,
        }
    }

    /// The same where no more than the line is in memory, as [`Reader::line`](crate::Reader::line) has it.
    ///
    /// ```
    /// use kallmodsyms::Symbols;
    ///
    /// let file = b"ffffffff8b014130 11f T start\nffffffff8b014250 13A t next\n";
    /// let error = Symbols::new(file).nth(1).unwrap().unwrap_err();
    /// let from_line = error.line_diagnostic("saved", b"ffffffff8b014250 13A t next");
    /// assert_eq!(from_line.to_string(), error.diagnostic("saved", file).to_string());
    /// ```
    #[must_use]
    pub const fn line_diagnostic<'a>(
        &'a self,
        file: &'a str,
        line: &'a [u8],
    ) -> Diagnostic<'a, ErrorKind> {
        // What is shown are line and column; the offset tells where in `source` they are.
        let position = Position {
            offset: self.position.column.saturating_sub(1),
            ..self.position
        };
        Diagnostic {
            position,
            ..self.diagnostic(file, line)
        }
    }
}

/// Everything that can be wrong with one line.
///
/// ```
/// use kallmodsyms::ErrorKind;
///
/// assert_eq!(ErrorKind::SizeDigit(b'G').to_string(), "expected a lower-case hex digit in the size, found `G`");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Nothing stands on the line.
    #[error("expected a symbol, found an empty line")]
    EmptyLine,
    /// The line ends in CR LF.
    #[error("expected the line to end in LF alone, found CR LF")]
    CarriageReturn,
    /// A byte 0.
    #[error("expected text, found a NUL byte")]
    NulByte,
    /// Blanks before the line feed.
    #[error("expected the line to end after its last field, found a trailing blank")]
    TrailingBlank,
    /// Two blanks where one belongs, or one at the start of the line.
    #[error("expected a field, found a blank")]
    StrayBlank,
    /// Too few fields before the tab.
    #[error("expected {expected} fields before the tab, found {found}")]
    MissingFields {
        /// As many as the file's dialect has.
        expected: usize,
        /// As many as the line has.
        found: usize,
    },
    /// Too many fields before the tab.
    #[error("expected {expected} fields before the tab, found {found}")]
    ExtraFields {
        /// As many as the file's dialect has.
        expected: usize,
        /// As many as the line has.
        found: usize,
    },
    /// A well-formed line of another dialect than the lines before.
    #[error("expected {expected} fields as on the lines before, found a line of {found}")]
    DialectChanged {
        /// As many as the file's dialect has.
        expected: usize,
        /// As many as the line has.
        found: usize,
    },
    /// An address with too few or too many digits.
    #[error("expected an address of {expected} digits, found {found}")]
    AddressLength {
        /// As many as the addresses of this file have.
        expected: usize,
        /// As many as this address has.
        found: usize,
    },
    /// Something else than a lower-case hex digit in the address.
    #[error("expected a lower-case hex digit in the address, found {}", Byte(*.0))]
    AddressDigit(u8),
    /// A symbol that is not defined, as `nm` lists it.
    #[error("expected an address, found a symbol that is not defined")]
    Undefined,
    /// A size with more digits than an address.
    #[error("expected a size of at most {max} digits, found {found}")]
    SizeLength {
        /// As many as an address has.
        max: usize,
        /// As many as the size has.
        found: usize,
    },
    /// A size that starts with 0 and goes on.
    #[error("expected a size without leading zeros")]
    SizeLeadingZero,
    /// Something else than a lower-case hex digit in the size.
    #[error("expected a lower-case hex digit in the size, found {}", Byte(*.0))]
    SizeDigit(u8),
    /// A type of several letters.
    #[error("expected a type of one letter, found {0} bytes")]
    KindLength(usize),
    /// A type that is no letter.
    #[error("expected a letter or `?` for the type, found {}", Byte(*.0))]
    KindByte(u8),
    /// No name before the tab.
    #[error("expected a name before the tab, found none")]
    EmptyName,
    /// A name that does not fit the kernel's buffers.
    #[error("expected a name of at most {max} bytes, found {0}", max = crate::grammar::NAME_MAX)]
    NameLength(usize),
    /// A control character in a name that readers take for a blank.
    #[error("expected a name without blanks, found {}", Byte(*.0))]
    NameByte(u8),
    /// Something else than a bracket where modules are listed.
    #[error("expected `[` and a module, found {}", Byte(*.0))]
    ModuleStart(u8),
    /// A bracket without a name.
    #[error("expected a module's name between the brackets, found none")]
    EmptyModule,
    /// A byte that no module's name has.
    #[error("expected the name of a module as lsmod prints it, found {}", Byte(*.0))]
    ModuleByte(u8),
    /// A bracket that is not closed.
    #[error("expected `]` after the module, found the end of the line")]
    UnclosedModule,
    /// Something else than a blank or the end after a bracket.
    #[error("expected a blank or the end of the line after `]`, found {}", Byte(*.0))]
    AfterModule(u8),
    /// Several modules in the dialect that has at most one.
    #[error("expected at most one module, found another")]
    SecondModule,
    /// An object file in a dialect that has none.
    #[error("expected no object file in the {0} dialect, found one")]
    UnexpectedObject(Dialect),
    /// An object file that is not `{file.o}`.
    #[error("expected an object file, `{{file.o}}`, found something else in braces")]
    ObjectName,
    /// A brace that is not closed.
    #[error("expected `}}` after the object file, found the end of the line")]
    UnclosedObject,
    /// Something after the object file.
    #[error("expected the end of the line after `}}`, found {}", Byte(*.0))]
    AfterObject(u8),
    /// The file ends within a line.
    #[error("expected a line feed, found the end of the file")]
    MissingNewline,
    /// A line longer than a [`Reader`](crate::Reader) takes.
    #[error("expected a line of at most {max} bytes, found a longer one")]
    LineTooLong {
        /// How many bytes are allowed.
        max: usize,
    },
    /// The source has no symbol.
    #[error("expected symbols, found none")]
    NoSymbols,
    /// All addresses are zero.
    #[error("expected addresses, found them hidden: all are zero")]
    HiddenAddresses,
    /// More than a [`SymbolTable`](crate::SymbolTable) holds.
    #[error("expected at most 4 GiB of names and 65,536 lists of modules, found more")]
    TooLarge,
}

impl ErrorKind {
    /// The [rule](crate::validate::Rule) under which validation reports this.
    ///
    /// ```
    /// use kallmodsyms::{ErrorKind, validate::Rule};
    ///
    /// assert_eq!(ErrorKind::MissingNewline.rule(), Rule::Newline);
    /// ```
    #[must_use]
    pub const fn rule(self) -> crate::validate::Rule {
        use crate::validate::Rule;
        match self {
            Self::EmptyLine | Self::MissingFields { .. } | Self::ExtraFields { .. } => Rule::Fields,
            Self::CarriageReturn | Self::MissingNewline | Self::LineTooLong { .. } => Rule::Newline,
            Self::TrailingBlank | Self::StrayBlank => Rule::Blanks,
            Self::DialectChanged { .. } => Rule::Dialect,
            Self::NoSymbols => Rule::Empty,
            Self::HiddenAddresses => Rule::Hidden,
            Self::AddressLength { .. } | Self::AddressDigit(_) | Self::Undefined => Rule::Address,
            Self::SizeLength { .. } | Self::SizeLeadingZero | Self::SizeDigit(_) => Rule::Size,
            Self::KindLength(_) | Self::KindByte(_) => Rule::Type,
            Self::NulByte
            | Self::EmptyName
            | Self::NameLength(_)
            | Self::NameByte(_)
            | Self::TooLarge => Rule::Name,
            Self::ModuleStart(_)
            | Self::EmptyModule
            | Self::ModuleByte(_)
            | Self::UnclosedModule
            | Self::AfterModule(_)
            | Self::SecondModule => Rule::Modules,
            Self::UnexpectedObject(_)
            | Self::ObjectName
            | Self::UnclosedObject
            | Self::AfterObject(_) => Rule::Object,
        }
    }

    pub(crate) const fn address_length(width: Width, found: usize) -> Self {
        Self::AddressLength {
            expected: width.digits(),
            found,
        }
    }
}

/// A byte as an error shows it.
pub(crate) struct Byte(pub(crate) u8);

impl fmt::Display for Byte {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            b' ' => f.write_str("a blank"),
            b'\t' => f.write_str("a tab"),
            byte if byte.is_ascii_graphic() => write!(f, "`{}`", char::from(byte)),
            byte => write!(f, "byte {byte:#04x}"),
        }
    }
}
