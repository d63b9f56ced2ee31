// SPDX-License-Identifier: Apache-2.0 OR MIT

//! How long a symbol is in a stack trace.
//!
//! The kernel does not print the size of a symbol but the distance to the next one, with what the compiler put between;
//! other tools print the size. So a number is right if it is either.

use std::ops::Bound;

use kallmodsyms::SymbolTable;
use kallmodsyms::table::Entry;

/// The end of the last symbol of a module is the end of its memory, which is whole pages: no symbol says where.
const PAGE: u64 = 4096;

/// How many symbols that the kernel does not count may stand between two that it does.
const UNCOUNTED: usize = 64;

/// Whether `symbol+offset/size` can be of this symbol.
pub(crate) fn fits(table: &SymbolTable, symbol: Entry<'_>, offset: u64, size: Option<u64>) -> bool {
    let (start, recorded) = (symbol.address(), symbol.size());
    let next = next(table, symbol);
    let distance = next.map(|next| next.address() - start);
    let is_last = next.is_none_or(|next| !is_of_one(symbol, next));
    let Some(size) = size else {
        // Of a call that does not return, the address behind it is that of the end.
        return is_last || distance.max(recorded).is_some_and(|most| offset <= most);
    };
    let is_to_page_end = || {
        !symbol.group().is_image()
            && start.wrapping_add(size) % PAGE == 0
            && recorded.is_none_or(|least| least <= size)
            && distance.is_none_or(|most| size <= most)
    };
    let is_distance = distance == Some(size) && !is_last;
    offset <= size && (recorded == Some(size) || is_distance || is_to_page_end())
}

/// Whether it can be if there are symbols that the table does not have: where sizes are not known, the distance to the
/// next one is but the most that a symbol can have.
pub(crate) fn may_fit(
    table: &SymbolTable,
    symbol: Entry<'_>,
    offset: u64,
    size: Option<u64>,
) -> bool {
    let distance = next(table, symbol).map(|next| next.address() - symbol.address());
    let within = |size: u64| offset <= size && distance.is_none_or(|most| size <= most);
    symbol.size().is_none() && size.is_some_and(within)
}

/// How long a symbol is, for people: its size, and the distance to the next one where that is another.
pub(crate) fn shown(table: &SymbolTable, symbol: Entry<'_>) -> String {
    let distance = next(table, symbol)
        .filter(|next| is_of_one(symbol, *next))
        .map(|next| next.address() - symbol.address());
    match (symbol.size(), distance) {
        (Some(size), Some(distance)) if size != distance => {
            format!("{size:#x} ({distance:#x} to the next symbol)")
        }
        (size, distance) => {
            let length = size.or(distance);
            format!(
                "{:#x}",
                length.unwrap_or_else(|| symbol.end() - symbol.address())
            )
        }
    }
}

/// The next symbol at a higher address that the kernel counts.
fn next<'t>(table: &'t SymbolTable, symbol: Entry<'_>) -> Option<Entry<'t>> {
    let higher = table.range((Bound::Excluded(symbol.address()), Bound::Unbounded));
    higher.take(UNCOUNTED).find(|next| !is_mapping(next.name()))
}

/// Whether two symbols are of the image, or of one module.
fn is_of_one(one: Entry<'_>, other: Entry<'_>) -> bool {
    if one.group().is_image() {
        other.group().is_image()
    } else {
        one.modules() == other.modules()
    }
}

/// What an assembler puts among symbols to tell code from data: Linux has `is_mapping_symbol()`.
fn is_mapping(name: &[u8]) -> bool {
    name.starts_with(b"$") || name.starts_with(b".L") || name.starts_with(b"L0")
}

#[cfg(test)]
mod tests {
    use kallmodsyms::SymbolTable;

    use super::{fits, may_fit};

    const KERNEL: &[u8] = b"\
ffffffff81000000 0 T _text
ffffffff81000000 31 T f
ffffffff81000031 0 t $x
ffffffff81000040 0 t assembled
ffffffff81000060 8 t g\t[m]
ffffffff81001000 0 B _end
ffffffffc0000000 10 t first\t[loaded]
ffffffffc0000020 10 t last\t[loaded]
ffffffffc0002000 10 t other\t[elsewhere]
";

    #[test]
    fn sizes_and_distances() {
        let table = SymbolTable::from_bytes(KERNEL).unwrap();
        let sized = |name: &str, offset, size| {
            let symbol = table.named(name.as_bytes()).next().unwrap();
            fits(&table, symbol, offset, size)
        };
        for (name, sizes) in [
            ("f", &[0x31, 0x40][..]),
            ("assembled", &[0, 0x20]),
            ("g", &[8, 0xfa0]),
            ("first", &[0x10, 0x20]),
            // To the end of a page before the next module.
            ("last", &[0x10, 0xfe0, 0x1fe0]),
            ("other", &[0x10, 0x1000, 0x2000, 0x3000]),
        ] {
            let found: Vec<u64> = (0..0x4000)
                .filter(|&size| sized(name, 0, Some(size)))
                .collect();
            assert_eq!(found, sizes, "{name}");
        }
        assert!(sized("f", 0x40, Some(0x40)) && !sized("f", 0x41, Some(0x40)));
        assert!(sized("f", 0x40, None) && !sized("f", 0x41, None));
        assert!(
            sized("last", 0x10_0000, None),
            "nobody knows where its module ends"
        );
    }

    #[test]
    fn distances_alone() {
        let table =
            SymbolTable::from_bytes(b"ffffffff81000000 T f\nffffffff81000040 T g\n").unwrap();
        let symbol = table.named(b"f").next().unwrap();
        assert!(fits(&table, symbol, 4, Some(0x40)) && !fits(&table, symbol, 4, Some(0x31)));
        let sizes = [3, 0x31, 0x40, 0x41].map(|size| may_fit(&table, symbol, 4, Some(size)));
        assert_eq!(sizes, [false, true, true, false]);
    }
}
