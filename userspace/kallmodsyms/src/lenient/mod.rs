// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Tables that are not clean: what `nm` printed, what an editor or a mail rewrote, a copy that was cut short.
//!
//! All else in this crate refuses a file for its first line that no kernel prints, and that is right where a file is
//! checked, or was written by the kernel just now. Who looks up one address in what somebody sent would rather have the
//! lines that can be read, and know how many could not. [`LenientReader`] does that: it takes what can have one meaning
//! only, and counts what it leaves out. It never guesses.

mod line;

use alloc::vec::Vec;
use core::ops::ControlFlow;
use std::io::Read;

pub use line::symbol;

use crate::table::{Builder, Facts};
use crate::{Dialect, Error, ErrorKind, Format, ReadError, Reader, Symbol, SymbolTable, Width};

/// The symbols of a stream that need not be clean, and an account of what was left out.
///
/// Takes every line that [`Reader`] does, and besides, of each with what tells that it was meant so:
///
/// | line | from |
/// |---|---|
/// | addresses `(null)` | kernels before 4.15, and some to this day, for those at 0 |
/// | any number of blanks or tabs between fields, and before and behind them | copies through editors, terminals, mails |
/// | CR LF, a byte order mark | Windows |
/// | upper-case digits, `0x` | tools |
/// | names over 511 bytes, modules with hyphens, dots and slashes | `System.map`, lists of files |
/// | `address size type name` among lines without sizes, the size as wide as an address | `nm -S` |
///
/// Undefined symbols have no address and are left out; so is a last line without a line feed, since it may have been cut
/// anywhere. Constant memory, as the strict reader; what a line costs does not depend on the lines before.
///
/// ```
/// use std::ops::ControlFlow;
/// use kallmodsyms::lenient::LenientReader;
///
/// let copy = b"ffffffff81000000 T _text\r\nffffffff81000040  t  probe   [ext4]\nffffffff8100";
/// let mut reader = LenientReader::new(copy.as_slice());
/// let mut names = Vec::new();
/// let _ = reader.try_for_each(|symbol| {
///     names.push(symbol.name.to_vec());
///     ControlFlow::<()>::Continue(())
/// })?;
/// assert_eq!(names, [b"_text".as_slice(), b"probe"]);
/// assert_eq!((reader.left_out().lines, reader.lines()), (1, 3));
/// # Ok::<(), kallmodsyms::ReadError>(())
/// ```
#[derive(Debug)]
pub struct LenientReader<R> {
    reader: Reader<R>,
    left_out: LeftOut,
    /// Lines that are symbols, undefined ones among them.
    symbols: usize,
    /// What lines said that the strict reader does not take.
    loose: Loose,
}

/// What a [`LenientReader`] has not used.
///
/// ```
/// use kallmodsyms::lenient::LenientReader;
///
/// let mut reader = LenientReader::new(b"ffffffff81000000 T _text\nnonsense\n".as_slice());
/// let table = reader.table()?;
/// assert_eq!(table.len(), 1);
/// assert_eq!(reader.left_out().lines, 1);
/// assert_eq!(reader.left_out().first.unwrap().position.line, 2);
/// # Ok::<(), kallmodsyms::ReadError>(())
/// ```
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct LeftOut {
    /// How many lines.
    pub lines: usize,
    /// The first of them: where it is, and why it is no symbol.
    pub first: Option<Error>,
    /// Its text, without the line feed.
    pub text: Vec<u8>,
}

/// The format as the lines tell it that are not strict.
#[derive(Clone, Copy, Debug, Default)]
struct Loose {
    /// Of the first line; nothing if there was none.
    shape: Option<(bool, Width)>,
    /// Whether a line had a size among others without, as `nm -S` prints it.
    has_size: bool,
    has_object: bool,
    has_several_modules: bool,
}

/// How many lines may be left out before it is asked whether they are most of all. A file that is no table is given up
/// then, however long it is.
const MANY: usize = 1 << 16;

impl<R: Read> LenientReader<R> {
    /// Reads a file of any format. Allocates its buffer, so `source` need not have one.
    ///
    /// ```
    /// let reader = kallmodsyms::lenient::LenientReader::new(b"".as_slice());
    /// assert_eq!(reader.lines(), 0);
    /// ```
    #[must_use]
    pub fn new(source: R) -> Self {
        Self {
            reader: Reader::new(source),
            left_out: LeftOut::default(),
            symbols: 0,
            loose: Loose::default(),
        }
    }

    /// Calls `each` with every symbol that is left, until it breaks.
    ///
    /// # Errors
    ///
    /// If the source fails, or if fewer than half of the lines are symbols: then the file is no table, and the error is
    /// that of the first line that is none. It comes at the end, or once 65,536 lines were left out.
    ///
    /// ```
    /// use std::ops::ControlFlow;
    /// use kallmodsyms::lenient::LenientReader;
    ///
    /// let letter = b"Dear reader,\nffffffff81000000 T _text\nis where it is.\n".as_slice();
    /// let error = LenientReader::new(letter).try_for_each(|_| ControlFlow::<()>::Continue(())).unwrap_err();
    /// assert!(error.to_string().starts_with("line 1, "));
    /// ```
    pub fn try_for_each<B>(
        &mut self,
        mut each: impl FnMut(&Symbol<'_>) -> ControlFlow<B>,
    ) -> Result<ControlFlow<B>, ReadError> {
        loop {
            let error = match self.reader.next() {
                Ok(Some(symbol)) => {
                    self.symbols += 1;
                    if let ControlFlow::Break(value) = each(&symbol) {
                        return Ok(ControlFlow::Break(value));
                    }
                    continue;
                }
                Ok(None) => break,
                Err(ReadError::Symbol(error)) => error,
                Err(error) => return Err(error),
            };
            match self.second_look(error) {
                Ok(symbol) => {
                    let flow = each(&symbol);
                    self.symbols += 1;
                    if let ControlFlow::Break(value) = flow {
                        return Ok(ControlFlow::Break(value));
                    }
                }
                Err(error) => self.leave_out(error),
            }
            if self.left_out.lines >= MANY {
                self.ask_for_half()?;
            }
        }
        self.ask_for_half()?;
        Ok(ControlFlow::Continue(()))
    }

    /// The symbols as a table.
    ///
    /// # Errors
    ///
    /// As [`try_for_each`](Self::try_for_each), and as [`SymbolTable::read`] of the file as a whole.
    ///
    /// ```
    /// use kallmodsyms::lenient::LenientReader;
    ///
    /// let nm = b"                 U missing\nffffffff81000000 T _text\nffffffff81000040 0000000000000080 T f\n";
    /// let table = LenientReader::new(nm.as_slice()).table()?;
    /// assert_eq!(table.named(b"f").next().unwrap().size(), Some(0x80));
    /// # Ok::<(), kallmodsyms::ReadError>(())
    /// ```
    pub fn table(&mut self) -> Result<SymbolTable, ReadError> {
        let mut builder = Builder::new();
        let _ = self.try_for_each(|symbol| {
            builder.push(symbol);
            ControlFlow::<()>::Continue(())
        })?;
        Ok(builder.finish(self.facts()).map_err(Error::of_file)?)
    }

    /// What was not used so far.
    ///
    /// ```
    /// let reader = kallmodsyms::lenient::LenientReader::new(b"".as_slice());
    /// assert!(reader.left_out().first.is_none());
    /// ```
    #[must_use]
    pub const fn left_out(&self) -> &LeftOut {
        &self.left_out
    }

    /// How many lines were read so far.
    ///
    /// ```
    /// let mut reader = kallmodsyms::lenient::LenientReader::new(b"ffffffff81000000 T _text\n".as_slice());
    /// reader.table()?;
    /// assert_eq!(reader.lines(), 1);
    /// # Ok::<(), kallmodsyms::ReadError>(())
    /// ```
    #[must_use]
    pub const fn lines(&self) -> usize {
        self.reader.position().line - 1
    }

    /// What the lines so far say besides symbols. A file of `nm -S` has sizes, and nothing to tell of modules.
    ///
    /// ```
    /// use kallmodsyms::{Width, lenient::LenientReader};
    ///
    /// let mut reader = LenientReader::new(b"C0008000 T _text\n".as_slice());
    /// reader.table()?;
    /// assert_eq!(reader.facts().width, Width::Bits32);
    /// # Ok::<(), kallmodsyms::ReadError>(())
    /// ```
    #[must_use]
    pub fn facts(&self) -> Facts {
        let Loose {
            shape,
            has_size,
            has_object,
            has_several_modules,
        } = self.loose;
        let (sized, width) = shape.unwrap_or_default();
        let dialect = match (sized, has_object, has_several_modules) {
            (true, ..) => Dialect::Sized,
            (_, true, _) => Dialect::Object,
            (.., true) => Dialect::Unsized,
            _ => Dialect::Kallsyms,
        };
        let loose = Facts::of(Format { dialect, width });
        let strict = self.reader.format().map_or(loose, Facts::of);
        Facts {
            sizes: strict.sizes || loose.sizes || has_size,
            built_in_modules: strict.built_in_modules || loose.built_in_modules,
            width: strict.width,
        }
    }

    /// The symbol that the line was meant to be on which the strict reader failed, or why it is none.
    fn second_look(&mut self, error: Error) -> Result<Symbol<'_>, Error> {
        let line = self.reader.line();
        if !self.reader.is_whole_line() {
            let length = line.len();
            let mut error = error;
            if !matches!(error.kind, ErrorKind::LineTooLong { .. }) {
                error.kind = ErrorKind::MissingNewline;
                error.position.offset += length + 1 - error.position.column;
                error.position.column = length + 1;
            }
            return Err(error);
        }
        let strict = self.reader.format();
        let strict = strict.map(|format| (format.dialect.has_sizes(), format.width));
        let shape = strict.or(self.loose.shape);
        match line::read(line, shape) {
            Some(line) => {
                self.loose.add(&line);
                Ok(line.symbol)
            }
            None if line::is_undefined(line) => {
                self.symbols += 1;
                Err(Error {
                    kind: ErrorKind::Undefined,
                    ..error
                })
            }
            None => Err(error),
        }
    }

    #[cold]
    fn leave_out(&mut self, error: Error) {
        self.left_out.lines += 1;
        if self.left_out.first.is_none() {
            self.left_out.first = Some(error);
            self.left_out.text = self.reader.line().into();
        }
    }

    /// Whether the file is a table, as far as it was read.
    fn ask_for_half(&self) -> Result<(), Error> {
        match self.left_out.first {
            Some(first) if self.symbols < self.lines().div_ceil(2) => Err(first),
            _ => Ok(()),
        }
    }
}

impl Loose {
    fn add(&mut self, line: &line::Line<'_>) {
        let symbol = &line.symbol;
        let sized = symbol.size.is_some() && !line.is_nm;
        if let (None, Some(width)) = (self.shape, line.width) {
            self.shape = Some((sized, width));
        }
        self.has_size |= line.is_nm;
        self.has_object |= symbol.object.is_some();
        self.has_several_modules |= symbol.modules.len() > 1;
    }
}
