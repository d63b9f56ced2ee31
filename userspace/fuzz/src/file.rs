// SPDX-License-Identifier: Apache-2.0 OR MIT

//! A whole file: read, validated, made into a table.

use kallmodsyms::validate::{Severity, Validation};
use kallmodsyms::{Dialect, Error, ErrorKind, Format, Symbol, SymbolTable, Symbols};

use crate::{naive, split, table};

/// Reads a file of any dialect. Every line yields one item, a symbol exactly if the description of the format allows
/// the line; each error has its place and can be shown; validation and the table say the same of the file.
///
/// # Panics
///
/// If one of these does not hold.
pub fn file(input: &[u8]) {
    let (file, kallsyms) = split(input);
    let mut symbols = Symbols::new(file);
    let items: Vec<_> = symbols.by_ref().collect();
    let format = symbols.format().unwrap_or_default();
    check_items(file, format, &items);
    check_validation(file, kallsyms, &items);
    check_table(file, format.dialect, &items);
}

fn check_items(file: &[u8], format: Format, items: &[Result<Symbol<'_>, Error>]) {
    let any_is_good = naive::lines(file).any(|line| {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        naive::formats().any(|format| naive::is_line(format, line))
    });
    assert_eq!(Format::detect(file).is_some(), any_is_good);
    assert_eq!(naive::lines(file).count(), items.len());
    // Object files and several modules may come late in a file, after lines that plain kallsyms could have as well.
    let shape = Format {
        dialect: if format.dialect.has_sizes() {
            Dialect::Sized
        } else {
            Dialect::Object
        },
        ..format
    };
    let mut offset = 0;
    for (number, (line, item)) in naive::lines(file).zip(items).enumerate() {
        let bare = line.strip_suffix(b"\n");
        let is_good = bare.is_some_and(|line| naive::is_line(shape, line));
        assert_eq!(item.is_ok(), is_good, "{item:?}: {}", line.escape_ascii());
        match item {
            Ok(symbol) => {
                let mut printed = Vec::new();
                symbol.write_line(format.width, &mut printed);
                assert_eq!(printed, line);
            }
            Err(error) => {
                let position = error.position;
                assert_eq!(position.line, number + 1);
                assert_eq!(position.offset, offset + position.column - 1);
                assert!(position.column <= line.len() + 1);
                let shown = error.diagnostic("file", file).to_string();
                assert!(shown.contains(&format!("\n{} | ", number + 1)), "{shown}");
            }
        }
        offset += line.len();
    }
}

fn check_validation(file: &[u8], kallsyms: Option<&[u8]>, items: &[Result<Symbol<'_>, Error>]) {
    let mut validation = Validation::new(file).keep(usize::MAX);
    if let Some(kallsyms) = kallsyms {
        validation = validation.against(kallsyms);
    }
    let report = validation.run();
    let summary = report.summary;
    let errors = items.iter().filter_map(|item| item.as_ref().err());
    assert_eq!(summary.lines, items.len());
    let symbols = summary.core + summary.built_in + summary.loaded + summary.pseudo;
    assert_eq!(symbols, items.len() - errors.clone().count());
    // Who reads in one pass does not know the format by which validation judges: none before the first good line, and
    // without sizes not whether a line to come has an object file.
    let first_good = items.iter().position(Result::is_ok).unwrap_or(items.len());
    let has_all = |format: Format| matches!(format.dialect, Dialect::Sized | Dialect::Object);
    let is_known = report.format.is_some_and(has_all);
    for error in errors {
        let rule = error.kind.rule();
        let of_error = |found: &&kallmodsyms::validate::Finding| {
            if !is_known || error.position.line <= first_good {
                return found.position.line == error.position.line;
            }
            (found.rule, found.position) == (rule, error.position)
                && found.message == error.kind.to_string()
        };
        assert!(
            report.findings.iter().any(|found| of_error(&found)),
            "{error}"
        );
    }
    let total = report.total(Severity::Error) + report.total(Severity::Warning);
    assert_eq!(total, report.findings.len());
    for finding in &report.findings {
        assert!(finding.position.offset <= file.len());
        assert!(finding.diagnostic("file", file).to_string().ends_with('\n'));
    }
}

fn check_table(file: &[u8], dialect: Dialect, items: &[Result<Symbol<'_>, Error>]) {
    let made = SymbolTable::from_bytes(file);
    let symbols: Vec<Symbol<'_>> = match items.iter().copied().collect() {
        Ok(symbols) => symbols,
        Err(error) => return assert_eq!(made.unwrap_err(), error),
    };
    if symbols.iter().all(|symbol| symbol.address == 0) {
        let kind = made.unwrap_err().kind;
        let kinds = [ErrorKind::NoSymbols, ErrorKind::HiddenAddresses];
        return assert_eq!(kind, kinds[usize::from(!symbols.is_empty())]);
    }
    let made = made.unwrap();
    // The model is quadratic and worse.
    if symbols.len() <= 60 {
        table::agree(&made, &naive::Model::new(&symbols, dialect));
    }
}
