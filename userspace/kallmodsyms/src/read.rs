// SPDX-License-Identifier: Apache-2.0 OR MIT

//! A file as a sequence of lines, and as a sequence of symbols.

use core::iter::FusedIterator;

use memchr::memchr;

use crate::grammar::{self, usual};
use crate::{Dialect, Error, ErrorKind, Format, Position, Symbol, Width};

type Item<'a> = Result<Symbol<'a>, Error>;

/// The symbols of a file, one by one, each borrowed from the file.
///
/// Every line yields one item: a symbol, or the error that tells why the line is none. Iteration goes on after an
/// error, so that a caller chooses: `?` or `collect::<Result<_, _>>()` stops at the first bad line, `filter_map` skips
/// bad lines. No line is left out in silence. Allocates nothing.
///
/// [`Reader`](crate::Reader) does the same for what is not in memory.
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
    rest: &'a [u8],
    end: usize,
    progress: Progress,
}

impl<'a> Symbols<'a> {
    /// Reads a file of any format. The first well-formed line decides whether there are sizes and how wide addresses
    /// are; a line of the other shape is an error from then on. A bad line before that is judged by the format that its
    /// number of fields and the width of its first field suggest.
    ///
    /// ```
    /// use kallmodsyms::Symbols;
    ///
    /// assert_eq!(Symbols::new(b"c0008000 T _text\n").next().unwrap()?.address, 0xc000_8000);
    /// # Ok::<(), kallmodsyms::Error>(())
    /// ```
    #[must_use]
    pub const fn new(source: &'a [u8]) -> Self {
        Self {
            rest: source,
            end: source.len(),
            progress: Progress::new(),
        }
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
            rest: source,
            end: source.len(),
            progress: Progress::with_format(format),
        }
    }

    /// The format, as far as the lines read tell: the narrowest that has them all, `None` as long as none was well
    /// formed. In a file without sizes the dialect widens with the first line that has several modules, and again with
    /// the first that has an object file. A format given beforehand stays.
    ///
    /// ```
    /// use kallmodsyms::{Dialect, Symbols};
    ///
    /// let mut symbols = Symbols::new(b"ffffffff81000000 T f\t[a]\nffffffff81000008 T g\t[a] [b]\n");
    /// assert_eq!(symbols.format(), None);
    /// symbols.next();
    /// assert_eq!(symbols.format().unwrap().dialect, Dialect::Kallsyms);
    /// symbols.next();
    /// assert_eq!(symbols.format().unwrap().dialect, Dialect::Unsized);
    /// ```
    #[must_use]
    pub const fn format(&self) -> Option<Format> {
        self.progress.format()
    }
}

impl<'a> Iterator for Symbols<'a> {
    type Item = Item<'a>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        self.progress.next(&mut self.rest, self.end)
    }
}

impl FusedIterator for Symbols<'_> {}

/// What is carried from line to line.
#[derive(Clone, Debug)]
pub(crate) struct Progress {
    /// What lines are read by, once one was well formed. Without sizes and unless told otherwise, the object dialect:
    /// its grammar has the lines of the others.
    grammar: Option<Format>,
    /// The narrowest dialect that has all lines so far.
    dialect: Dialect,
    /// How many lines were read.
    count: usize,
}

impl Progress {
    pub(crate) const fn new() -> Self {
        Self {
            grammar: None,
            dialect: Dialect::Kallsyms,
            count: 0,
        }
    }

    pub(crate) const fn with_format(format: Format) -> Self {
        Self {
            grammar: Some(format),
            dialect: format.dialect,
            count: 0,
        }
    }

    pub(crate) const fn format(&self) -> Option<Format> {
        match self.grammar {
            Some(Format { width, .. }) => Some(Format {
                dialect: self.dialect,
                width,
            }),
            None => None,
        }
    }

    /// Takes the first line off `rest` as [`next`](Self::next) does, with its text and place.
    pub(crate) fn next_line<'a>(
        &mut self,
        rest: &mut &'a [u8],
        end: usize,
    ) -> Option<ReadLine<'a>> {
        let before = *rest;
        let symbol = self.next(rest, end)?;
        let text = &before[..before.len() - rest.len()];
        Some(ReadLine {
            text: text.strip_suffix(b"\n").unwrap_or(text),
            number: self.count,
            offset: end - before.len(),
            width: self.format().unwrap_or_default().width,
            symbol,
        })
    }

    /// How many lines were read.
    #[cfg(feature = "std")]
    pub(crate) const fn count(&self) -> usize {
        self.count
    }

    /// Counts a line that was not looked at. Returns its number.
    #[cfg(feature = "std")]
    pub(crate) const fn skip(&mut self) -> usize {
        self.count += 1;
        self.count
    }

    /// Takes the first line off `rest`, which ends at the byte `end` of the file. `None` at the end.
    #[expect(clippy::inline_always, reason = "as for the usual line")]
    #[inline(always)]
    pub(crate) fn next<'a>(&mut self, rest: &mut &'a [u8], end: usize) -> Option<Item<'a>> {
        if let Some(format) = self.grammar {
            if let Ok((after, symbol)) = usual::line(format, rest) {
                *rest = after;
                self.count += 1;
                if self.dialect != format.dialect {
                    self.widen(&symbol);
                }
                return Some(Ok(symbol));
            }
        }
        // Taken apart and put together again so that the compiler keeps the fields of the usual symbol in registers.
        // Where both share the place of what a call returns, every line is copied twice: 25 % slower.
        match self.unusual(rest, end)? {
            Ok(symbol) => Some(Ok(symbol)),
            Err(error) => Some(Err(error)),
        }
    }

    /// Reads any line: a bad one, a long one, the first or one of the last.
    #[inline(never)]
    fn unusual<'a>(&mut self, rest: &mut &'a [u8], end: usize) -> Option<Item<'a>> {
        let line = Line::first(rest, self.count + 1, end.saturating_sub(rest.len()))?;
        self.count += 1;
        *rest = &rest[line.length()..];
        if self.grammar.is_none() {
            if let Some(format) = Format::of_line(line.bytes) {
                self.grammar = Some(format);
                if format.dialect.has_sizes() {
                    self.dialect = format.dialect;
                }
            }
        }
        let format = self.grammar.unwrap_or_else(|| Format::meant_by(line.bytes));
        let item = line.symbol(format);
        if let (Ok(symbol), true) = (&item, self.dialect != format.dialect) {
            self.widen(symbol);
        }
        Some(item)
    }

    /// Takes note of what only some dialects without sizes have.
    #[inline]
    fn widen(&mut self, symbol: &Symbol<'_>) {
        if symbol.object.is_some() {
            self.dialect = Dialect::Object;
        } else if self.dialect == Dialect::Kallsyms && symbol.modules.len() > 1 {
            self.dialect = Dialect::Unsized;
        }
    }
}

/// A line with what it says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ReadLine<'a> {
    /// Without its line feed.
    pub(crate) text: &'a [u8],
    /// From 1.
    pub(crate) number: usize,
    /// Where in the file it starts.
    pub(crate) offset: usize,
    /// How wide addresses are, as far as the lines so far tell.
    pub(crate) width: Width,
    pub(crate) symbol: Item<'a>,
}

impl ReadLine<'_> {
    /// The place of the line's byte `at`.
    pub(crate) const fn position(&self, at: usize) -> Position {
        Position {
            line: self.number,
            column: at + 1,
            offset: self.offset + at,
        }
    }
}

/// The lines of a file with their places.
#[derive(Clone, Debug)]
pub(crate) struct Lines<'a> {
    rest: &'a [u8],
    /// Where the next line starts.
    offset: usize,
    /// How many lines were handed out.
    count: usize,
}

/// A line without its line feed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Line<'a> {
    pub(crate) bytes: &'a [u8],
    /// The line and all that follows.
    source: &'a [u8],
    /// From 1.
    pub(crate) number: usize,
    pub(crate) offset: usize,
    /// Whether a line feed follows. Only the last line can lack it.
    pub(crate) terminated: bool,
}

impl<'a> Lines<'a> {
    pub(crate) const fn new(source: &'a [u8]) -> Self {
        Self {
            rest: source,
            offset: 0,
            count: 0,
        }
    }
}

impl<'a> Iterator for Lines<'a> {
    type Item = Line<'a>;

    #[inline]
    fn next(&mut self) -> Option<Line<'a>> {
        let line = Line::first(self.rest, self.count + 1, self.offset)?;
        self.rest = &self.rest[line.length()..];
        self.offset += line.length();
        self.count += 1;
        Some(line)
    }
}

impl<'a> Line<'a> {
    /// The line that `source` starts with. `None` at the end.
    #[inline]
    pub(crate) fn first(source: &'a [u8], number: usize, offset: usize) -> Option<Self> {
        let end = memchr(b'\n', source).unwrap_or(source.len());
        let bytes = &source[..end];
        let terminated = end < source.len();
        (!source.is_empty()).then_some(Self {
            bytes,
            source,
            number,
            offset,
            terminated,
        })
    }

    /// How many bytes the line takes, with its line feed.
    #[inline]
    fn length(&self) -> usize {
        self.bytes.len() + usize::from(self.terminated)
    }

    /// The symbol that the line speaks of. A line without a line feed is none, since its last field may have been cut
    /// short where nothing shows it.
    #[inline]
    pub(crate) fn symbol(&self, format: Format) -> Result<Symbol<'a>, Error> {
        if let Ok((_, symbol)) = usual::line(format, self.source) {
            return Ok(symbol);
        }
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
