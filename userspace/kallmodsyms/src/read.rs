// SPDX-License-Identifier: Apache-2.0 OR MIT

//! A file as a sequence of lines, and as a sequence of symbols.

use core::iter::FusedIterator;

use memchr::memchr;

use crate::{Error, ErrorKind, Format, Position, Symbol, grammar};

/// The symbols of a file, one by one, each borrowed from the file.
///
/// Every line yields one item: a symbol, or the error that tells why the line is none. Iteration goes on after an
/// error, so that a caller chooses: `?` or `collect::<Result<_, _>>()` stops at the first bad line, `filter_map` skips
/// bad lines. No line is left out in silence. Allocates nothing.
///
/// ```
/// use kallmodsyms::Symbols;
///
/// let file = b"ffffffff81000000 T _stext\nnot a symbol\nffffffff81000040 T next\n";
/// assert_eq!(Symbols::new(file).filter_map(Result::ok).count(), 2);
/// let error = Symbols::new(file).collect::<Result<Vec<_>, _>>().unwrap_err();
/// assert_eq!(error.position.line, 2);
/// ```
#[derive(Clone, Debug)]
pub struct Symbols<'a> {
    lines: Lines<'a>,
    format: Format,
}

impl<'a> Symbols<'a> {
    /// Reads a file whose format [`Format::detect`] finds. Where no line is well formed, every line is an error
    /// against the default format.
    ///
    /// ```
    /// use kallmodsyms::Symbols;
    ///
    /// assert_eq!(Symbols::new(b"c0008000 T _text\n").next().unwrap()?.address, 0xc000_8000);
    /// # Ok::<(), kallmodsyms::Error>(())
    /// ```
    #[must_use]
    pub fn new(source: &'a [u8]) -> Self {
        Self::with_format(source, Format::detect(source).unwrap_or_default())
    }

    /// Reads a file of a known format. A line of another format is an error.
    ///
    /// ```
    /// use kallmodsyms::{Dialect, ErrorKind, Format, Symbols};
    ///
    /// let format = Format { dialect: Dialect::Kallsyms, ..Format::default() };
    /// let file = b"ffffffff81000000 0 T _stext\n";
    /// let error = Symbols::with_format(file, format).next().unwrap().unwrap_err();
    /// assert_eq!(error.kind, ErrorKind::DialectChanged { expected: 3, found: 4 });
    /// ```
    #[must_use]
    pub const fn with_format(source: &'a [u8], format: Format) -> Self {
        Self {
            lines: Lines::new(source),
            format,
        }
    }

    /// The format in which the lines are read.
    ///
    /// ```
    /// use kallmodsyms::{Dialect, Symbols};
    ///
    /// let symbols = Symbols::new(b"ffffffff81000000 T _stext\n");
    /// assert_eq!(symbols.format().dialect, Dialect::Kallsyms);
    /// ```
    #[must_use]
    pub const fn format(&self) -> Format {
        self.format
    }
}

impl<'a> Iterator for Symbols<'a> {
    type Item = Result<Symbol<'a>, Error>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        self.lines.next().map(|line| line.symbol(self.format))
    }
}

impl FusedIterator for Symbols<'_> {}

/// The lines of a file with their places.
#[derive(Clone, Debug)]
pub(crate) struct Lines<'a> {
    source: &'a [u8],
    /// Where the next line starts.
    offset: usize,
    /// How many lines were handed out.
    count: usize,
}

/// A line without its line feed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Line<'a> {
    pub(crate) bytes: &'a [u8],
    /// From 1.
    pub(crate) number: usize,
    pub(crate) offset: usize,
    /// Whether a line feed follows. Only the last line can lack it.
    pub(crate) terminated: bool,
}

impl<'a> Lines<'a> {
    pub(crate) const fn new(source: &'a [u8]) -> Self {
        Self {
            source,
            offset: 0,
            count: 0,
        }
    }
}

impl<'a> Iterator for Lines<'a> {
    type Item = Line<'a>;

    #[inline]
    fn next(&mut self) -> Option<Line<'a>> {
        let offset = self.offset;
        let rest = self.source.get(offset..).filter(|rest| !rest.is_empty())?;
        let end = memchr(b'\n', rest);
        let bytes = &rest[..end.unwrap_or(rest.len())];
        self.offset += bytes.len() + 1;
        self.count += 1;
        Some(Line {
            bytes,
            number: self.count,
            offset,
            terminated: end.is_some(),
        })
    }
}

impl<'a> Line<'a> {
    /// The symbol that the line speaks of. A line without a line feed is none, since its last field may have been cut
    /// short where nothing shows it.
    #[inline]
    pub(crate) fn symbol(&self, format: Format) -> Result<Symbol<'a>, Error> {
        let symbol = grammar::symbol(format, self.bytes)
            .map_err(|fault| self.error(fault.kind, fault.at))?;
        if self.terminated {
            Ok(symbol)
        } else {
            Err(self.error(ErrorKind::MissingNewline, self.bytes.len()))
        }
    }

    #[cold]
    fn error(&self, kind: ErrorKind, at: usize) -> Error {
        Error {
            kind,
            position: self.position(at),
        }
    }

    /// The place of the line's byte `at`.
    pub(crate) const fn position(&self, at: usize) -> Position {
        Position {
            line: self.number,
            column: at + 1,
            offset: self.offset + at,
        }
    }
}
