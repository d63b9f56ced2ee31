// SPDX-License-Identifier: Apache-2.0 OR MIT

//! A file that need not be clean.

use std::cell::Cell;
use std::io::{self, Read};
use std::ops::ControlFlow;

use kallmodsyms::lenient::{self, LenientReader};
use kallmodsyms::{ReadError, Symbols};

use crate::naive;

/// Reads a file leniently. What the strict reader takes is taken for the same; every line is a symbol or left out, and
/// counted so; what is taken can be printed and read back; most of the lines are symbols, or the file is no table. Each
/// byte is asked for once.
///
/// # Panics
///
/// If one of these does not hold.
pub fn lenient(input: &[u8]) {
    let strict: Vec<_> = Symbols::new(input).collect();
    let asked = Cell::new(0);
    let mut reader = LenientReader::new(Counted {
        file: input,
        asked: &asked,
    });
    let mut taken = Vec::new();
    let read = reader.try_for_each(|symbol| {
        let mut line = Vec::new();
        symbol.write_line(kallmodsyms::Width::Bits64, &mut line);
        let printed = line.strip_suffix(b"\n").expect("a line feed");
        let again = lenient::symbol(printed, Some(symbol.size.is_some()));
        assert_eq!(again.as_ref(), Some(symbol), "{}", printed.escape_ascii());
        taken.push(line);
        ControlFlow::<()>::Continue(())
    });
    let lines = naive::lines(input).count();
    assert_eq!(reader.lines(), lines);
    assert_eq!(taken.len() + reader.left_out().lines, lines);
    assert_eq!(
        reader.left_out().first.is_some(),
        reader.left_out().lines > 0
    );
    // A read for each 64 KiB, and one that finds the end.
    assert!(
        asked.get() <= input.len() / (1 << 16) + 2,
        "{} reads",
        asked.get()
    );

    let mut rest = taken.iter();
    for symbol in strict.iter().flatten() {
        let mut line = Vec::new();
        symbol.write_line(kallmodsyms::Width::Bits64, &mut line);
        assert!(rest.any(|taken| *taken == line), "{}", line.escape_ascii());
    }
    match read {
        Ok(flow) => {
            assert_eq!(flow, ControlFlow::Continue(()));
            assert!(undefined(input) + taken.len() >= lines.div_ceil(2));
        }
        Err(ReadError::Symbol(error)) => {
            assert_eq!(Some(error), reader.left_out().first);
            assert!(taken.len() < lines.div_ceil(2));
        }
        Err(error) => unreachable!("{error}"),
    }
}

/// How many lines may be symbols of `nm` that are not defined.
fn undefined(input: &[u8]) -> usize {
    naive::lines(input)
        .filter(|line| line.starts_with(b" "))
        .count()
}

/// Counts how often it is read.
struct Counted<'a> {
    file: &'a [u8],
    asked: &'a Cell<usize>,
}

impl Read for Counted<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.asked.set(self.asked.get() + 1);
        self.file.read(buffer)
    }
}
