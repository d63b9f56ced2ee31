// SPDX-License-Identifier: Apache-2.0 OR MIT

//! One line through the grammar.

use kallmodsyms::{Symbols, grammar};

use crate::naive;

/// Reads one line in every format, alone and in a file. A line is taken exactly if the description of the format allows
/// it, and printed as it was read; where it is refused, the fault lies in the line. In a file it is the same, whatever
/// follows.
///
/// # Panics
///
/// If one of these does not hold.
pub fn line(line: &[u8]) {
    for format in naive::formats() {
        let parsed = grammar::symbol(format, line);
        assert_eq!(
            parsed.is_ok(),
            naive::is_line(format, line),
            "{format:?} {parsed:?}: {}",
            line.escape_ascii()
        );
        // A file is read in words, past the end of a line.
        if !line.contains(&b'\n') {
            let file = [line, b"\n", line, b"\n\n"].concat();
            let mut items = Symbols::with_format(&file, format);
            for _ in 0..2 {
                let item = items.next().unwrap();
                let item = item.map_err(|error| (error.kind, error.position.column - 1));
                assert_eq!(item, parsed.map_err(|fault| (fault.kind, fault.at)));
            }
        }
        match parsed {
            Ok(symbol) => {
                let mut printed = Vec::new();
                symbol.write_line(format.width, &mut printed);
                assert_eq!(printed.pop(), Some(b'\n'));
                assert_eq!(printed, line, "{}", line.escape_ascii());
                let modules: Vec<&[u8]> = symbol.modules.iter().collect();
                assert_eq!(modules.len(), symbol.modules.len());
                assert!(modules.iter().all(|name| symbol.modules.contains(name)));
            }
            Err(fault) => {
                assert!(fault.at <= line.len(), "{fault:?}");
                assert!(fault.to_string().contains("expected"), "{fault}");
            }
        }
    }
}
