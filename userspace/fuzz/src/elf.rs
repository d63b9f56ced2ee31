// SPDX-License-Identifier: Apache-2.0 OR MIT

//! A vmlinux.

use kallmodsyms::elf::{self, BuildId, Error};
use kallmodsyms::{Dialect, Symbols, Width};

use crate::{naive, table};

/// Reads an ELF file. Its symbols are such that kallmodsyms can print them, and read back they are the same; look-ups
/// among them are right. What does not start as an ELF file is none.
///
/// # Panics
///
/// If one of these does not hold.
pub fn elf(file: &[u8]) {
    let _ = (elf::build_id(file), BuildId::from_notes(file));
    let table = match elf::symbols(file) {
        Ok(table) => table,
        Err(error) => {
            if !file.starts_with(b"\x7fELF") {
                assert!(matches!(error, Error::NotElf), "{error}");
            }
            return assert!(!error.to_string().is_empty());
        }
    };
    let mut printed = Vec::new();
    for entry in &table {
        entry.symbol().write_line(Width::Bits64, &mut printed);
    }
    let symbols: Result<Vec<_>, _> = Symbols::new(&printed).collect();
    let symbols = symbols.unwrap();
    assert!(
        table
            .iter()
            .map(|entry| entry.symbol())
            .eq(symbols.iter().copied())
    );
    if symbols.len() <= 60 {
        table::agree(&table, &naive::Model::new(&symbols, Dialect::Sized));
    }
}
