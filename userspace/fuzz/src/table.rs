// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Look-ups in a table.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use kallmodsyms::table::{Entry, Location};
use kallmodsyms::{Query, SymbolTable, Symbols};

use crate::naive::Model;

/// Makes symbols of the input, eight bytes each, prints them as a file with or without sizes, and asks the table about
/// every symbol, and about addresses inside, at the ends of and around each, what it asks the model.
///
/// # Panics
///
/// If table and model disagree.
pub fn table(input: &[u8]) {
    let Some((&flags, symbols)) = input.split_first() else {
        return;
    };
    let has_sizes = flags & 1 != 0;
    let mut file = String::new();
    // Enough for several blocks of 32.
    for bytes in symbols.chunks_exact(8).take(70) {
        let &[base, high, low, size, scale, letter, byte_of_name, module] = bytes else {
            unreachable!("chunks of eight");
        };
        // At both ends of the address space, on both sides of 4 GiB, and in between.
        let base = match base % 8 {
            0 => 0,
            1 => 0xffff_ff80,
            2 => 0x1_0000_0000,
            3 => 0xffff_ffff_8100_0000,
            4 => 0xffff_ffff_8110_0000,
            5 => 0xffff_ffff_c000_0000,
            6 => 0xffff_ffff_ffff_ff00,
            _ => 0xffff_8000_0000_0000,
        };
        let address = u64::saturating_add(base, u64::from(u16::from_be_bytes([high, low])));
        let size = u64::from(size) << (scale % 64);
        let letter = char::from(b"tTdDrRbBwWA?"[usize::from(letter) % 12]);
        let name = [
            "a",
            "b",
            "a.llvm.17",
            "a.cold",
            "vmlinux",
            "c",
            "c.llvm.",
            ".llvm.1",
        ][usize::from(byte_of_name) % 8];
        let name = if byte_of_name >= 0xf0 { "$d" } else { name };
        let modules = [
            "",
            "\t[a]",
            "\t[b]",
            "\t[a] [b]",
            "",
            "\t[bpf]",
            "\t[__builtin__ftrace]",
            "\t[vmlinux]",
        ][usize::from(module) % 8];
        let sized = if has_sizes {
            format!("{size:x} ")
        } else {
            String::new()
        };
        writeln!(file, "{address:016x} {sized}{letter} {name}{modules}").unwrap();
    }
    let Ok(table) = SymbolTable::from_bytes(file.as_bytes()) else {
        return;
    };
    let mut source = Symbols::new(file.as_bytes());
    let symbols: Vec<_> = source.by_ref().map(Result::unwrap).collect();
    agree(
        &table,
        &Model::new(&symbols, source.format().unwrap_or_default().dialect),
    );
}

/// Asks both about everything.
pub(crate) fn agree(table: &SymbolTable, model: &Model<'_>) {
    let symbols = model.symbols();
    let ranks = |entries: Vec<Entry<'_>>| entries.iter().map(Entry::index).collect::<Vec<_>>();
    assert_eq!(table.len(), symbols.len());
    let mut addresses = BTreeSet::new();
    for (index, symbol) in symbols.iter().enumerate() {
        let entry = table.get(index).unwrap();
        assert_eq!(entry.symbol(), *symbol);
        assert_eq!(entry.end(), model.end(index), "{entry:?}");
        let named = table.named(symbol.name).collect();
        assert_eq!(ranks(named), model.named(symbol.name));
        let size = entry.end() - entry.address();
        let middle = entry.address() + size / 2;
        let around = |address: u64| [address.wrapping_sub(1), address, address.wrapping_add(1)];
        addresses.extend(
            [symbol.address, middle, entry.end()]
                .map(around)
                .as_flattened(),
        );
        for module in symbol.modules {
            let query = [module, b"`", symbol.name].concat();
            let found = table.find(Query::parse(&query)).collect();
            let expected = model.named(symbol.name).into_iter();
            let expected = expected.filter(|&other| {
                let modules = symbols[other].modules;
                modules.contains(module) || (module == b"vmlinux" && modules.is_empty())
            });
            // A name or a module with a star in it is a pattern, and a backquote ends the module.
            if !query.iter().any(|byte| b"*?[\\".contains(byte)) && !module.contains(&b'`') {
                assert_eq!(ranks(found), expected.collect::<Vec<_>>());
            }
        }
    }
    for address in addresses {
        agree_at(table, model, address);
    }
    let counted: usize = table
        .totals()
        .iter()
        .map(|(_, totals)| totals.symbols())
        .sum();
    let owned = symbols.iter().map(|symbol| symbol.modules.len().max(1));
    assert_eq!(counted, owned.sum::<usize>());
    for gap in table.gaps() {
        let (start, end) = (gap.start, gap.end);
        assert!(start < end && gap.before.end() == start && gap.after.address() == end);
        assert!(model.containing(start).is_empty() && model.containing(end - 1).is_empty());
    }
}

fn agree_at(table: &SymbolTable, model: &Model<'_>, address: u64) {
    let expected = model.containing(address);
    let containing = table.containing(address).map(|entry| entry.index());
    assert_eq!(containing.collect::<Vec<_>>(), expected, "{address:#x}");
    let symbols = model.symbols();
    let below = symbols.iter().filter(|other| other.address <= address);
    let (below, at) = (
        below.clone().count(),
        below.filter(|other| other.address == address).count(),
    );
    match table.lookup(address) {
        Location::Inside { symbol, offset } => {
            assert_eq!(Some(symbol.index()), model.lookup(address), "{address:#x}");
            assert_eq!(symbol.address() + offset, address);
        }
        Location::Outside { before, after } => {
            assert_eq!(model.lookup(address), None, "{address:#x}");
            assert_eq!(before.map(|entry| entry.index()), below.checked_sub(1));
            let next = Some(below).filter(|&next| next < symbols.len());
            assert_eq!(after.map(|entry| entry.index()), next);
        }
    }
    let starts = table.at(address).map(|entry| entry.index());
    assert!(starts.eq(below - at..below), "{address:#x}");
    assert_eq!(table.range(..address).len(), below - at);
    assert_eq!(table.range(address..).len(), symbols.len() - (below - at));
}
