// SPDX-License-Identifier: Apache-2.0 OR MIT

//! One line through the grammar.

use kallmodsyms::grammar;

use crate::naive;

/// Reads one line in every format. A line is taken exactly if the description of the format allows it, and printed as it
/// was read; where it is refused, the fault lies in the line.
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
