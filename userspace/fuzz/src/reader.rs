// SPDX-License-Identifier: Apache-2.0 OR MIT

//! A file in pieces.

use std::io::{self, Read};

use kallmodsyms::{Error, ErrorKind, ReadError, Reader, Symbols};

use crate::naive;

/// Reads what follows the first line, in pieces as long as the bytes of that line say; some of them stand for a source
/// that fails. Every item, its line, and how an error is shown are those of the file read whole. With a limit, lines
/// that are longer are errors, and no others are because of it.
///
/// # Panics
///
/// If one of these does not hold.
pub fn reader(input: &[u8]) {
    let Some(end) = input.iter().position(|&byte| byte == b'\n') else {
        return;
    };
    let (pieces, file) = (&input[..end], &input[end + 1..]);
    if !pieces.is_empty() && pieces.iter().all(|piece| FAILURES.contains(piece)) {
        return;
    }
    let source = || Pieces {
        file,
        pieces: pieces.iter().cycle(),
    };

    let mut reader = Reader::new(source());
    let mut symbols = Symbols::new(file);
    for line in naive::lines(file) {
        match (symbols.next().unwrap(), next(&mut reader)) {
            (Ok(symbol), Ok(true)) => {
                assert_eq!(reader.line(), line.strip_suffix(b"\n").unwrap());
                let mut printed = Vec::new();
                symbol.write_line(symbols.format().unwrap().width, &mut printed);
                assert_eq!(printed, line);
            }
            (Err(expected), Err(error)) => {
                assert_eq!(error, expected);
                assert_eq!(reader.line(), line.strip_suffix(b"\n").unwrap_or(line));
                let shown = error.line_diagnostic("file", reader.line()).to_string();
                assert_eq!(shown, expected.diagnostic("file", file).to_string());
            }
            (symbol, next) => panic!("{symbol:?} whole, {next:?} in pieces"),
        }
        assert_eq!(reader.format(), symbols.format());
    }
    assert_eq!(next(&mut reader), Ok(false));
    assert_eq!(next(&mut reader), Ok(false));
    assert_eq!(reader.position().offset, file.len());

    let max = usize::from(pieces.first().copied().unwrap_or(0)) % 64;
    let mut reader = Reader::new(source()).line_max(max);
    for line in naive::lines(file) {
        let found = next(&mut reader).err().map(|error| error.kind);
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let is_too_long = found == Some(ErrorKind::LineTooLong { max });
        assert_eq!(is_too_long, line.len() > max, "{}", line.escape_ascii());
        assert_eq!(reader.line(), &line[..line.len().min(max)]);
    }
    assert_eq!(next(&mut reader), Ok(false));
}

/// Whether there is another symbol. Goes on where the source has failed.
fn next(reader: &mut Reader<Pieces<'_>>) -> Result<bool, Error> {
    loop {
        match reader.next() {
            Ok(symbol) => return Ok(symbol.is_some()),
            Err(ReadError::Symbol(error)) => return Err(error),
            Err(ReadError::Io(error)) => assert_eq!(error.kind(), io::ErrorKind::WouldBlock),
            Err(error) => unreachable!("{error}"),
        }
    }
}

/// What stands for a source that fails.
const FAILURES: &[u8] = b"!?";

struct Pieces<'a> {
    file: &'a [u8],
    /// How long the next one is.
    pieces: std::iter::Cycle<std::slice::Iter<'a, u8>>,
}

impl Read for Pieces<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let piece = match self.pieces.next() {
            Some(b'!') => return Err(io::ErrorKind::Interrupted.into()),
            Some(b'?') => return Err(io::ErrorKind::WouldBlock.into()),
            // So that `1` is a byte.
            Some(&length) => usize::from(length.wrapping_sub(b'0')).max(1),
            None => buffer.len(),
        };
        let length = piece.min(buffer.len());
        self.file.read(&mut buffer[..length])
    }
}
