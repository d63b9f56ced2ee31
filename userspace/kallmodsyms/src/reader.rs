// SPDX-License-Identifier: Apache-2.0 OR MIT

//! A file as a stream, in constant memory.

use alloc::vec;
use alloc::vec::Vec;
use core::ops::Range;
use std::io::{self, Read};

use memchr::{memchr, memrchr};

use crate::read::{Progress, ReadLine};
use crate::{Error, ErrorKind, Format, Position, Symbol};

/// The longest line that a [`Reader`] takes unless told otherwise, in bytes without the line feed.
///
/// The grammar sets no limit to the list of modules. All that comes before it takes at most 547 bytes, and a module at
/// most 58, since the kernel limits its name to 55: so this is room for 1,120 modules on one line, where kernels of
/// today have at most some ten. With its line feed, the longest line fills 64 KiB.
pub const LINE_MAX: usize = (1 << 16) - 1;

/// How large the buffer is, unless lines are limited to less.
const BUFFER: usize = 1 << 16;

/// The symbols of a stream, one by one, each borrowed from the reader until the next.
///
/// Yields what [`Symbols`](crate::Symbols) does of the same bytes in memory, however the source cuts them to pieces,
/// and needs one buffer of 64 KiB. It grows only where longer lines than [`LINE_MAX`] are allowed, and then to the
/// longest.
///
/// No `Iterator`, since a symbol lives in the buffer that the next one overwrites. A source that is in memory anyway
/// is better read with [`Symbols`](crate::Symbols), whose symbols stay.
///
/// ```
/// use kallmodsyms::{ReadError, Reader};
///
/// let mut reader = Reader::new(b"ffffffff81000000 8 T _stext\nbad\n".as_slice());
/// while let Some(symbol) = reader.next().transpose() {
///     match symbol {
///         Ok(symbol) => assert_eq!(symbol.name, b"_stext"),
///         Err(ReadError::Symbol(error)) => {
///             let shown = error.line_diagnostic("stdin", reader.line()).to_string();
///             assert!(shown.starts_with("error[fields]: expected 4 fields before the tab, found 1\n"));
///             assert!(shown.contains(" --> stdin:2:4\n"));
///         }
///         Err(error) => return Err(error),
///     }
/// }
/// # Ok::<(), ReadError>(())
/// ```
#[derive(Debug)]
pub struct Reader<R> {
    source: R,
    buffer: Vec<u8>,
    /// Where in the buffer the line starts that was read last. It ends where `unread` starts.
    line: usize,
    /// What was read of the source and not yet as symbols: whole lines, up to `whole`, and the start of another.
    unread: Range<usize>,
    whole: usize,
    /// Where in the file the buffer starts, and where in the file `whole` is.
    base: usize,
    whole_offset: usize,
    line_max: usize,
    progress: Progress,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// At the start of a line.
    Reading,
    /// Within a line that is too long.
    Skipping,
    /// The source has ended.
    Ended,
}

/// Why a [`Reader`] did not yield a symbol.
///
/// ```
/// use kallmodsyms::{ErrorKind, ReadError, Reader};
///
/// let error = Reader::new(b"\n".as_slice()).next().unwrap_err();
/// assert!(matches!(error, ReadError::Symbol(error) if error.kind == ErrorKind::EmptyLine));
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The source failed. What was read so far is not lost: the next call tries to go on.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// A line is none that a kernel prints. The next call goes on with the line after it.
    #[error(transparent)]
    Symbol(#[from] Error),
}

impl<R: Read> Reader<R> {
    /// Reads a file of any format, which it finds as [`Symbols::new`](crate::Symbols::new) does.
    ///
    /// Allocates its buffer, so `source` need not have one.
    ///
    /// ```
    /// use kallmodsyms::Reader;
    ///
    /// assert_eq!(Reader::new(b"c0008000 T _text\n".as_slice()).next()?.unwrap().address, 0xc000_8000);
    /// # Ok::<(), kallmodsyms::ReadError>(())
    /// ```
    #[must_use]
    pub fn new(source: R) -> Self {
        Self::with_progress(source, Progress::new())
    }

    /// Reads a file of a known format. A line of another format is an error.
    ///
    /// ```
    /// use kallmodsyms::{Format, Reader};
    ///
    /// let kallsyms = b"ffffffff81000000 T _stext\n".as_slice();
    /// assert!(Reader::with_format(kallsyms, Format::default()).next().is_err());
    /// ```
    #[must_use]
    pub fn with_format(source: R, format: Format) -> Self {
        Self::with_progress(source, Progress::with_format(format))
    }

    fn with_progress(source: R, progress: Progress) -> Self {
        Self {
            source,
            buffer: vec![0; BUFFER],
            line: 0,
            unread: 0..0,
            whole: 0,
            base: 0,
            whole_offset: 0,
            line_max: LINE_MAX,
            progress,
            state: State::Reading,
        }
    }

    /// Takes lines of at most this many bytes, line feed not counted. Longer ones are errors, and skipped without being
    /// kept. [`LINE_MAX`] unless told otherwise.
    ///
    /// ```
    /// use kallmodsyms::{ErrorKind, ReadError, Reader};
    ///
    /// let file = b"ffffffff81000000 T _stext\nffffffff81000008 T next\n".as_slice();
    /// let mut reader = Reader::new(file).line_max(23);
    /// let error = reader.next().unwrap_err();
    /// assert_eq!(error.to_string(), "line 1, column 24: expected a line of at most 23 bytes, found a longer one");
    /// assert_eq!(reader.line(), b"ffffffff81000000 T _ste");
    /// assert_eq!(reader.next()?.unwrap().name, b"next");
    /// # Ok::<(), ReadError>(())
    /// ```
    #[must_use]
    pub fn line_max(mut self, bytes: usize) -> Self {
        self.line_max = bytes;
        self
    }

    /// Reads the next symbol. `None` at the end.
    ///
    /// # Errors
    ///
    /// If the source fails, other than by being interrupted, or if the line is none. Reading goes on after either.
    ///
    /// ```
    /// use kallmodsyms::Reader;
    ///
    /// let mut reader = Reader::new(b"ffffffff81000000 T _stext\n".as_slice());
    /// assert_eq!(reader.next()?.unwrap().name, b"_stext");
    /// assert_eq!(reader.next()?, None);
    /// # Ok::<(), kallmodsyms::ReadError>(())
    /// ```
    #[inline]
    #[expect(clippy::should_implement_trait, reason = "a lending iterator cannot")]
    pub fn next(&mut self) -> Result<Option<Symbol<'_>>, ReadError> {
        if self.unread.start == self.whole && !self.fill()? {
            return Ok(None);
        }
        self.line = self.unread.start;
        let mut rest = &self.buffer[self.line..self.whole];
        let symbol = self.progress.next(&mut rest, self.whole_offset);
        self.unread.start = self.whole - rest.len();
        match symbol {
            Some(Ok(symbol)) => Ok(Some(symbol)),
            Some(Err(error)) => Err(error.into()),
            None => Ok(None),
        }
    }

    /// Reads the next line, whatever it is.
    pub(crate) fn next_line(&mut self) -> io::Result<Option<ReadLine<'_>>> {
        if self.unread.start == self.whole {
            match self.fill() {
                Ok(true) => {}
                Ok(false) => return Ok(None),
                Err(ReadError::Io(error)) => return Err(error),
                Err(ReadError::Symbol(error)) => {
                    return Ok(Some(ReadLine {
                        text: self.line(),
                        number: error.position.line,
                        offset: error.position.offset - (error.position.column - 1),
                        width: self.format().unwrap_or_default().width,
                        symbol: Err(error),
                    }));
                }
            }
        }
        self.line = self.unread.start;
        let mut rest = &self.buffer[self.line..self.whole];
        let line = self.progress.next_line(&mut rest, self.whole_offset);
        self.unread.start = self.whole - rest.len();
        Ok(line)
    }

    /// Calls `each` with every symbol that is left.
    ///
    /// # Errors
    ///
    /// Stops at the first error of [`next`](Self::next).
    ///
    /// ```
    /// use kallmodsyms::Reader;
    ///
    /// let mut bytes = 0;
    /// let file = b"ffffffff81000000 8 T _stext\nffffffff81000008 4 T next\n".as_slice();
    /// Reader::new(file).for_each(|symbol| bytes += symbol.size.unwrap_or(0))?;
    /// assert_eq!(bytes, 12);
    /// # Ok::<(), kallmodsyms::ReadError>(())
    /// ```
    pub fn for_each(&mut self, mut each: impl FnMut(Symbol<'_>)) -> Result<(), ReadError> {
        while let Some(symbol) = self.next()? {
            each(symbol);
        }
        Ok(())
    }

    /// The format, as far as the lines read tell. See [`Symbols::format`](crate::Symbols::format).
    ///
    /// ```
    /// use kallmodsyms::{Dialect, Reader};
    ///
    /// let mut reader = Reader::new(b"ffffffff81000000 T _stext\n".as_slice());
    /// reader.next()?;
    /// assert_eq!(reader.format().unwrap().dialect, Dialect::Kallsyms);
    /// # Ok::<(), kallmodsyms::ReadError>(())
    /// ```
    #[must_use]
    pub const fn format(&self) -> Option<Format> {
        self.progress.format()
    }

    /// The line that was read last, without its line feed, whether it was a symbol or not; of a line that was too long,
    /// as much as is allowed. Empty before the first line, after the last, and after the source has failed.
    ///
    /// ```
    /// use kallmodsyms::Reader;
    ///
    /// let mut reader = Reader::new(b"ffffffff81000000 T _stext\n".as_slice());
    /// reader.next()?;
    /// assert_eq!(reader.line(), b"ffffffff81000000 T _stext");
    /// # Ok::<(), kallmodsyms::ReadError>(())
    /// ```
    #[must_use]
    pub fn line(&self) -> &[u8] {
        let line = &self.buffer[self.line..self.unread.start];
        if self.state == State::Skipping {
            return &line[..self.line_max.min(line.len())];
        }
        line.strip_suffix(b"\n").unwrap_or(line)
    }

    /// Whether the line that was read last has its line feed, and was not too long.
    pub(crate) fn is_whole_line(&self) -> bool {
        self.state != State::Skipping && self.buffer[self.line..self.unread.start].ends_with(b"\n")
    }

    /// Where reading goes on: the start of the next line, or a place within a line that was too long.
    ///
    /// ```
    /// use kallmodsyms::Reader;
    ///
    /// let mut reader = Reader::new(b"ffffffff81000000 T _stext\n".as_slice());
    /// reader.next()?;
    /// assert_eq!((reader.position().line, reader.position().offset), (2, 26));
    /// # Ok::<(), kallmodsyms::ReadError>(())
    /// ```
    #[must_use]
    pub const fn position(&self) -> Position {
        Position {
            line: self.progress.count() + 1,
            column: 1,
            offset: self.base.saturating_add(self.unread.start),
        }
    }

    /// The source, from which more than the lines so far may have been read.
    ///
    /// ```
    /// let reader = kallmodsyms::Reader::new(b"".as_slice());
    /// assert_eq!(reader.get_ref(), b"");
    /// ```
    #[must_use]
    pub const fn get_ref(&self) -> &R {
        &self.source
    }

    /// Reads until the buffer has a whole line, or the last one without its line feed. False if nothing is left.
    #[cold]
    fn fill(&mut self) -> Result<bool, ReadError> {
        self.line = self.unread.start;
        while self.state != State::Ended {
            // The start of a line moves to the front: some tens of bytes in general.
            if self.unread.start > 0 {
                self.buffer.copy_within(self.unread.clone(), 0);
                self.base = self.base.saturating_add(self.unread.start);
                self.unread = 0..self.unread.len();
                self.whole = 0;
                self.line = 0;
            }
            if self.unread.end > self.line_max {
                return Err(self.too_long().into());
            }
            // With room for the longest line and no more, no line that is too long is ever read as one.
            let longest = self.line_max.saturating_add(1);
            if self.unread.end == self.buffer.len() {
                let len = self.buffer.len().saturating_mul(2).min(longest);
                self.buffer.resize(len, 0);
            }
            self.buffer.truncate(longest);
            let room = &mut self.buffer[self.unread.end..];
            let count = match self.source.read(room) {
                // A source that claims more than it was asked for is broken; to believe it would be a panic.
                Ok(count) => count.min(room.len()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error.into()),
            };
            let new = &room[..count];
            let start = self.unread.end;
            self.unread.end += count;
            if count == 0 {
                self.state = State::Ended;
                self.set_whole(self.unread.end);
                return Ok(self.unread.start < self.whole);
            }
            if self.state == State::Skipping {
                let end = memchr(b'\n', new).map(|at| start + at + 1);
                self.unread.start = end.unwrap_or(self.unread.end);
                if end.is_none() {
                    continue;
                }
                self.state = State::Reading;
            }
            if let Some(at) = memrchr(b'\n', new) {
                self.set_whole(start + at + 1);
                if self.unread.start < self.whole {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    fn set_whole(&mut self, whole: usize) {
        self.whole = whole;
        self.whole_offset = self.base.saturating_add(whole);
    }

    /// Gives up a line of which the buffer has more than is allowed, and no end.
    fn too_long(&mut self) -> Error {
        self.line = 0;
        self.unread.start = self.unread.end;
        self.whole = self.unread.end;
        self.state = State::Skipping;
        let position = Position {
            line: self.progress.skip(),
            column: self.line_max.saturating_add(1),
            offset: self.base.saturating_add(self.line_max),
        };
        let kind = ErrorKind::LineTooLong { max: self.line_max };
        Error { kind, position }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::{String, ToString};

    /// A line of this length, line feed not counted.
    fn line(length: usize) -> String {
        let mut line = String::from("ffffffff81000000 8 T f\t[module]");
        while line.len() + " [module]".len() <= length {
            line += " [module]";
        }
        let missing = length - line.len();
        line.replace(" f\t", &std::format!(" f{}\t", "f".repeat(missing)))
    }

    #[test]
    fn a_line_may_be_as_long_as_the_limit() {
        for max in [100, 5000, LINE_MAX, LINE_MAX + 1, 3 * BUFFER] {
            for length in [max - 1, max, max + 1, max + 2, 2 * max] {
                let file = [&line(length), "\n", &line(50), "\n"].concat();
                let mut reader = Reader::new(file.as_bytes()).line_max(max);
                let first = reader
                    .next()
                    .map(|symbol| symbol.map(|symbol| symbol.modules.len()));
                if length <= max {
                    assert!(first.unwrap().is_some());
                    assert_eq!(reader.line(), line(length).as_bytes());
                } else {
                    let expected = std::format!(
                        "line 1, column {}: {}",
                        max + 1,
                        ErrorKind::LineTooLong { max }
                    );
                    assert_eq!(first.unwrap_err().to_string(), expected);
                    assert_eq!(reader.line(), &line(length).as_bytes()[..max]);
                }
                assert!(reader.next().unwrap().is_some());
                assert_eq!(reader.line(), line(50).as_bytes());
                assert_eq!(reader.next().unwrap(), None);
                assert_eq!(
                    (reader.position().line, reader.position().offset),
                    (3, file.len())
                );
            }
        }
    }

    /// Neither an endless line nor a long file makes it grow.
    #[test]
    fn memory_is_constant() {
        let endless = io::repeat(b'x').take(10_000_000);
        let file = "ffffffff81000000 8 T f\n".repeat(100_000);
        let mut reader = Reader::new(endless.chain(&b"\n"[..]).chain(file.as_bytes()));
        assert!(reader.next().is_err());
        let mut count = 0;
        reader.for_each(|_| count += 1).unwrap();
        assert_eq!(count, 100_000);
        assert_eq!(reader.buffer.capacity(), BUFFER);
    }

    /// Its claim is not believed.
    #[test]
    fn a_source_that_lies_makes_no_panic() {
        struct Liar;
        impl Read for Liar {
            fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
                buffer.fill(b'\n');
                Ok(usize::MAX)
            }
        }
        let mut reader = Reader::new(Liar);
        for _ in 0..3 * BUFFER {
            assert!(matches!(reader.next(), Err(ReadError::Symbol(_))));
        }
    }

    /// A limit may be lowered while lines over it are in the buffer.
    #[test]
    fn the_limit_can_change() {
        let file = [&line(200), "\n", &line(300), "\n"].concat().repeat(1000);
        let mut reader = Reader::new(file.as_bytes());
        assert!(reader.next().unwrap().is_some());
        reader = reader.line_max(60);
        let errors = (1..2000).filter(|_| reader.next().is_err()).count();
        assert!(errors > 1000);
        assert_eq!(reader.next().unwrap(), None);
    }
}
