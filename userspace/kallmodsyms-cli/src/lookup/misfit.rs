// SPDX-License-Identifier: Apache-2.0 OR MIT

//! What of a place does not fit the symbols of its name.

use kallmodsyms::SymbolTable;
use kallmodsyms::table::Entry;

use crate::extent;
use crate::reference::Place;

/// Says what does not fit, of a place that fits none of some symbols.
pub(super) fn misfit(table: &SymbolTable, symbols: &[Entry<'_>], place: Place<'_>) -> String {
    let offset = place.offset.unwrap_or(0);
    let name = place.name;
    let any = |offset, size| {
        let mut symbols = symbols.iter();
        symbols.any(|symbol| extent::fits(table, *symbol, offset, size))
    };
    let wrong_size = place.size.filter(|size| !any(0, Some(*size)));
    let beyond_size = place.size.filter(|size| offset > *size);
    let is_beyond = !any(offset, None);
    let lengths = symbols.iter().take(3);
    let lengths: Vec<_> = lengths
        .map(|symbol| extent::shown(table, *symbol))
        .collect();
    let lengths = lengths.join(", ");
    let what = match (wrong_size, beyond_size) {
        (Some(size), Some(_)) => format!(
            "{offset:#x} is past the end of {name}, which is said to have {size:#x} bytes and has {lengths} here"
        ),
        (Some(size), None) if is_beyond => format!(
            "no {name} has {size:#x} bytes here, but {lengths}, and {offset:#x} is past its end"
        ),
        (Some(size), None) => format!("no {name} has {size:#x} bytes here, but {lengths}"),
        (None, _) => {
            format!("{offset:#x} is past the end of {name}, which has {lengths} here")
        }
    };
    format!("note: {what}: is that of another kernel?")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reference;

    #[test]
    fn what_does_not_fit() {
        let table = SymbolTable::from_bytes(
            b"ffffffff81000000 100 T even\nffffffff81000100 11 t twice\nffffffff81000120 11 t twice\n\
              ffffffff81000140 31 t odd\nffffffff81000180 0 t asm\nffffffff810001a0 0 T end\n",
        )
        .unwrap();
        for (text, expected) in [
            (
                "even+0x110/0x100",
                "0x110 is past the end of even, which has 0x100 here",
            ),
            (
                "even+0x110",
                "0x110 is past the end of even, which has 0x100 here",
            ),
            ("even+0x10/0x99", "no even has 0x99 bytes here, but 0x100"),
            (
                "even+0x110/0x200",
                "no even has 0x200 bytes here, but 0x100, and 0x110 is past its end",
            ),
            (
                "even+0x110/0x99",
                "0x110 is past the end of even, which is said to have 0x99 bytes and has 0x100 here",
            ),
            (
                "odd+0x50",
                "0x50 is past the end of odd, which has 0x31 (0x40 to the next symbol) here",
            ),
            (
                "asm+0x30",
                "0x30 is past the end of asm, which has 0x0 (0x20 to the next symbol) here",
            ),
            (
                "twice+0x4/0x99",
                "no twice has 0x99 bytes here, but 0x11 (0x20 to the next symbol), 0x11 (0x20 to the next symbol)",
            ),
        ] {
            let place = reference::place(text);
            let symbols: Vec<_> = table.named(place.name.as_bytes()).collect();
            assert_eq!(
                misfit(&table, &symbols, place),
                format!("note: {expected}: is that of another kernel?"),
                "{text}"
            );
        }
    }
}
