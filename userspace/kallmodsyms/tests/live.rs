// SPDX-License-Identifier: Apache-2.0 OR MIT

//! A table in two parts gives the answers that one has, and changes without the image.

use kallmodsyms::table::{Builder, Entry, Facts, LiveTable, Location};
use kallmodsyms::{Group, Symbol, SymbolTable, grammar};
use kallmodsyms_captures::Capture;
use proptest::collection::vec;
use proptest::prelude::*;

fn bpf(address: u64, name: &[u8]) -> (Symbol<'_>, Group) {
    let modules = grammar::modules(b"[bpf]").expect("a module");
    let symbol = Symbol::new(address, b't', name).with_size(0x40);
    (symbol.with_modules(modules), Group::Bpf)
}

fn same(one: Entry<'_>, other: Entry<'_>) -> bool {
    one.symbol() == other.symbol() && one.group() == other.group()
}

/// Every border of a symbol, and the bytes beside it.
fn borders(table: &SymbolTable) -> impl Iterator<Item = u64> {
    table
        .iter()
        .flat_map(|entry| {
            let borders = [entry.address(), entry.end()];
            borders.map(|at| [at.saturating_sub(1), at, at.saturating_add(1)])
        })
        .flatten()
}

fn agree(table: &SymbolTable, live: &LiveTable) {
    for address in borders(table) {
        let as_one = table.lookup(address);
        let agrees = match (as_one, live.lookup(address)) {
            (
                Location::Inside { symbol, offset },
                Location::Inside {
                    symbol: other,
                    offset: from_other,
                },
            ) => same(symbol, other) && offset == from_other,
            (
                Location::Outside { before, after },
                Location::Outside {
                    before: other_before,
                    after: other_after,
                },
            ) => {
                // Of several symbols at one address either may be named.
                let at = |entry: Option<Entry<'_>>| entry.map(|entry| entry.address());
                at(before) == at(other_before) && at(after) == at(other_after)
            }
            _ => false,
        };
        assert!(
            agrees,
            "{address:#x}: {as_one:?}, {:?}",
            live.lookup(address)
        );
    }
}

#[test]
fn two_parts_answer_as_one() {
    let captures = Capture::all().expect("captures");
    for (capture, file) in captures
        .iter()
        .flat_map(|capture| ["kallmodsyms", "kallsyms"].map(|file| (capture, file)))
    {
        let bytes = capture.read(file).expect("a file");
        let table = SymbolTable::from_bytes(&bytes).expect("a capture");
        let live = LiveTable::new(&table).expect("an image");
        agree(&table, &live);
        assert_eq!(live.image().len() + live.dynamic().count(), table.len());
        assert!(live.image().iter().all(|entry| entry.group().is_image()));
        for entry in table.iter().step_by(101) {
            let names = |entry: &Entry<'_>| (entry.address(), entry.letter());
            let mut one: Vec<_> = table
                .named(entry.name())
                .map(|entry| names(&entry))
                .collect();
            let mut other: Vec<_> = live
                .named(entry.name())
                .map(|entry| names(&entry))
                .collect();
            one.sort_unstable();
            other.sort_unstable();
            assert_eq!(one, other);
        }
    }
}

/// What is loaded may lie below the image, and the image may have nothing behind it.
#[test]
fn modules_below_the_image() {
    let text = b"ffff800080000000 40 T _text\nffff800080000040 10 t f\t[ext4]\nffff800081000000 0 B _end\n\
                 ffff800001000000 40 t g\t[nfs]\nffff800001000100 40 t h\t[nfs]\n";
    let table = SymbolTable::from_bytes(text).expect("a table");
    let live = LiveTable::new(&table).expect("an image");
    agree(&table, &live);
    let plain = b"ffff800080000000 T _text\nffff800081000000 B _end\nffff800001000000 t g\t[nfs]\n";
    let table = SymbolTable::from_bytes(plain).expect("a table");
    agree(&table, &LiveTable::new(&table).expect("an image"));
}

#[test]
fn what_comes_and_goes() {
    let table =
        b"ffffffff81000000 40 T f\nffffffff82000000 0 B _end\nffffffffc0000000 40 t g\t[nfs]\n";
    let mut live =
        LiveTable::new(&SymbolTable::from_bytes(table).expect("a table")).expect("an image");
    let before = live.clone();
    live.insert([
        bpf(0xffff_ffff_c000_2000, b"q"),
        bpf(0xffff_ffff_c000_1000, b"p"),
    ])
    .expect("two programs");
    // The same again is one symbol.
    live.insert([bpf(0xffff_ffff_c000_1000, b"p")])
        .expect("one again");
    let names = |live: &LiveTable| {
        let names = live.dynamic().map(|entry| entry.name().to_vec());
        String::from_utf8(names.collect::<Vec<_>>().join(&b' ')).expect("names")
    };
    assert_eq!(names(&live), "g p q");
    assert_eq!(live.named(b"p").count(), 1);
    assert_eq!(names(&before), "g");
    assert!(
        core::ptr::eq(live.image(), before.image()),
        "one image for all"
    );

    live.remove_module(b"nfs");
    assert_eq!(names(&live), "p q");
    live.remove_range(0xffff_ffff_c000_1001..0xffff_ffff_c000_2000);
    assert_eq!(names(&live), "p q");
    live.remove_range(0xffff_ffff_c000_1000..0xffff_ffff_c000_2000);
    assert_eq!(names(&live), "q");
    live.remove_range(0..u64::MAX);
    assert_eq!(names(&live), "");
    let place = live.lookup(0xffff_ffff_8100_0004).inside();
    assert_eq!(place.map(|(_, offset)| offset), Some(4));
    assert_eq!(live.lookup(0xffff_ffff_c000_2004).inside(), None);
}

/// The table that one would make of all symbols there are.
fn as_one(live: &LiveTable, facts: Facts) -> SymbolTable {
    let mut builder = Builder::new();
    for entry in live.image().iter().chain(live.dynamic()) {
        builder.push_in(&entry.symbol(), entry.group());
    }
    builder.finish(facts).expect("a table")
}

/// Without sizes the last program below the module reaches to the first above it, once the module is gone.
#[test]
fn what_was_apart_meets() {
    let image = b"ffffffff81000000 T f\nffffffff82000000 B _end\n";
    let image = SymbolTable::from_bytes(image).expect("a table");
    let mut live = LiveTable::new(&image).expect("an image");
    for (place, module, group) in [
        (0, b"[bpf]", Group::Bpf),
        (1, b"[nfs]", Group::Loaded),
        (2, b"[bpf]", Group::Bpf),
    ] {
        let modules = grammar::modules(module).expect("a module");
        let address = |number: u64| 0xffff_ffff_c000_0000 + place * 0x10_0000 + number * 0x40;
        let symbol = |number| Symbol::new(address(number), b't', b"p").with_modules(modules);
        live.insert((0..300).map(|number| (symbol(number), group)))
            .expect("few");
    }
    let facts = Facts {
        built_in_modules: true,
        ..Facts::default()
    };
    agree(&as_one(&live, facts), &live);
    live.remove_module(b"nfs");
    assert_eq!(live.dynamic().count(), 600);
    agree(&as_one(&live, facts), &live);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    /// Symbols that overlap, share addresses and have no size, in few addresses and in many parts.
    #[test]
    fn changes_are_as_a_table_made_anew(
        steps in vec((0_u64..3000, vec((0_u64..40, 0_u64..60, 0_usize..4, 0_u8..3), 1..600), 0_u8..6), 1..8),
        sizes in any::<bool>(),
    ) {
        const BASE: u64 = 0xffff_ffff_c000_0000;
        let image = b"ffffffff81000000 40 T f\nffffffff82000000 0 B _end\n";
        let facts = Facts { sizes, built_in_modules: true, ..Facts::default() };
        let mut first = SymbolTable::from_bytes(image).expect("a table");
        if !sizes {
            first = SymbolTable::from_bytes(b"ffffffff81000000 T f\nffffffff82000000 B _end\n").expect("a table");
        }
        let mut live = LiveTable::new(&first).expect("an image");
        let lists: [&[u8]; 4] = [b"[nfs]", b"[ext4]", b"[bpf]", b"[bridge]"];
        for (start, symbols, kind) in steps {
            match kind {
                0 => live.remove_range(BASE + start..BASE + start + 500),
                1 => live.remove_module(b"ext4"),
                _ => {
                    let mut at = BASE + start;
                    let symbols: Vec<_> = symbols.iter().map(|&(gap, size, list, name)| {
                        at += gap;
                        let modules = grammar::modules(lists[list]).expect("a module");
                        let group = if list == 2 { Group::Bpf } else { Group::Loaded };
                        let name: &[u8] = [b"a", b"b", b"c"][usize::from(name)];
                        let symbol = Symbol::new(at, b't', name).with_modules(modules);
                        (if sizes { symbol.with_size(size) } else { symbol }, group)
                    }).collect();
                    live.insert(symbols).expect("few");
                }
            }
            let table = as_one(&live, facts);
            prop_assert_eq!(table.len(), live.image().len() + live.dynamic().count());
            agree(&table, &live);
        }
    }
}

#[test]
fn no_image_is_no_table() {
    let table = SymbolTable::from_bytes(b"ffffffffc0000000 40 t g\t[nfs]\n").expect("a table");
    assert!(LiveTable::new(&table).is_err());
}

#[test]
fn readers_share_it() {
    fn is_shared<T: Send + Sync + Clone + 'static>() {}
    is_shared::<LiveTable>();
}
