// SPDX-License-Identifier: Apache-2.0 OR MIT

//! A table in two parts gives the answers that one has, and changes without the image.

use kallmodsyms::table::{Entry, LiveTable, Location};
use kallmodsyms::{Group, Symbol, SymbolTable, grammar};
use kallmodsyms_captures::Capture;

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
        let dynamic = live.dynamic().expect("modules and programs");
        assert_eq!(live.image().len() + dynamic.len(), table.len());
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
        SymbolTable::from_bytes(b"ffffffff81000000 40 T f\nffffffffc0000000 40 t g\t[nfs]\n");
    // Without a symbol behind it that has no module, [nfs] is loaded.
    let mut live = LiveTable::new(&table.expect("a table")).expect("an image");
    let before = live.clone();
    live.insert([
        bpf(0xffff_ffff_c000_1000, b"p"),
        bpf(0xffff_ffff_c000_2000, b"q"),
    ])
    .expect("two programs");
    // The same again is one symbol.
    live.insert([bpf(0xffff_ffff_c000_1000, b"p")])
        .expect("one again");
    assert_eq!(live.dynamic().expect("a part").len(), 3);
    assert_eq!(live.named(b"p").count(), 1);
    assert_eq!(before.named(b"p").count(), 0);
    assert!(
        core::ptr::eq(live.image(), before.image()),
        "one image for all"
    );

    live.remove(|entry| entry.modules().contains(b"nfs"))
        .expect("a module");
    assert_eq!(live.named(b"g").count(), 0);
    assert_eq!(before.named(b"g").count(), 1);
    live.remove(|entry| entry.group() == Group::Bpf)
        .expect("all programs");
    assert!(live.dynamic().is_none());
    assert_eq!(
        live.lookup(0xffff_ffff_8100_0004)
            .inside()
            .map(|(_, offset)| offset),
        Some(4)
    );
    live.set_dynamic(before.dynamic().expect("a part"))
        .expect("what was there");
    assert_eq!(live.named(b"g").count(), 1);
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
