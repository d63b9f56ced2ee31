// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Tables in which very many symbols share what tells symbols apart as a rule.

use kallmodsyms::{SymbolTable, diff::Diff};

const MANY: usize = 3000;

fn table(line: impl Fn(usize) -> String) -> SymbolTable {
    let text: String = (0..MANY).map(line).collect();
    SymbolTable::from_bytes(text.as_bytes()).expect("a table")
}

fn address(number: usize) -> u64 {
    0xffff_ffff_8100_0000 + 16 * number as u64
}

/// What clang renames from one name is found by each, and all by the name they come from.
#[test]
fn one_folded_name() {
    let name = |number: usize| format!("f.llvm.{}", number % (MANY - 10));
    let table = table(|number| format!("{:x} 10 t {}\n", address(number), name(number)));
    for number in 0..MANY {
        let found = table.named(name(number).as_bytes());
        let found: Vec<u64> = found.map(|symbol| symbol.address()).collect();
        let twin = number % (MANY - 10);
        let expected = [twin, twin + MANY - 10];
        let expected = expected.iter().filter(|&&place| place < MANY);
        let expected: Vec<u64> = expected.map(|&place| address(place)).collect();
        assert_eq!(found, expected, "{number}");
    }
    let all = table.named_folded(b"f").map(|symbol| symbol.address());
    assert!(all.eq((0..MANY).map(address)));
    assert_eq!(table.named(b"f").count(), 0);
    assert_eq!(table.named(b"f.llvm.99999").count(), 0);
    assert!(Diff::new(&table, &table).is_empty());
}

/// Symbols at one address take sizes of those of their names, the first that of the first.
#[test]
fn one_address() {
    let name = |number: usize| ["f", "g", "h"][number % 3];
    let image = table(|number| format!("ffffffff81000000 {number:x} t {}\n", name(number)));
    let mut running = table(|number| format!("ffffffff81000000 t {}\n", name(number)));
    running.add_sizes(&image).expect("the same symbols");
    for name in [b"f", b"g", b"h"] {
        let sizes = |table: &SymbolTable| {
            let symbols = table.named(name).map(|symbol| symbol.size());
            symbols.collect::<Vec<_>>()
        };
        assert_eq!(sizes(&running).len(), MANY / 3);
        assert_eq!(sizes(&running), sizes(&image));
    }

    // One too many of a name, which the image has no size for.
    let mut other = table(|number| format!("ffffffff81000000 t {}\n", ["f", "g"][number % 2]));
    let error = other.add_sizes(&image).unwrap_err();
    assert_eq!(error.name, b"f");
}

/// Where all have one extent, the answer is the first, and all are its aliases.
#[test]
fn one_extent() {
    let table = table(|number| format!("ffffffff81000000 10 t f{number}\n"));
    let (first, offset) = table.lookup(address(0) + 4).inside().expect("a symbol");
    assert_eq!((first.name(), offset), (b"f0".as_slice(), 4));
    assert_eq!(table.containing(address(0) + 4).count(), MANY);
    for rank in [0, 1, MANY / 2, MANY - 1] {
        let entry = table.get(rank).expect("a symbol");
        assert_eq!(entry.aliases().len(), MANY);
    }
}
