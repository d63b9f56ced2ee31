// SPDX-License-Identifier: Apache-2.0 OR MIT

//! The slide of KASLR, and sizes taken from another table: on small tables, and on all symbols of a real boot.

use kallmodsyms::table::{Entry, Facts};
use kallmodsyms::{Group, Query, Section, Slide, SlideError, SymbolTable};
use kallmodsyms_captures::Capture;

fn table(file: &str) -> SymbolTable {
    SymbolTable::from_bytes(file.as_bytes()).unwrap()
}

fn addresses(table: &SymbolTable) -> Vec<(&str, u64)> {
    let name =
        |symbol: Entry<'_>| std::str::from_utf8(table.get(symbol.index()).unwrap().name()).unwrap();
    table
        .iter()
        .map(|symbol| (name(symbol), symbol.address()))
        .collect()
}

#[test]
fn names_that_are_not_unique_are_no_witnesses() {
    let linked = table(
        "ffffffff81000000 T _text\nffffffff81000010 t probe\nffffffff81000020 t probe\nffffffff81000030 t init\n\
         ffffffff81000040 t gone\nffffffff81000050 D data\nffffffff81000060 t code\n",
    );
    // One `probe` is gone, `init` has a twin, a loaded module has another `_text`, data moved by itself, and what was
    // code is data now.
    let running = table(
        "ffffffff91000000 T _text\nffffffff91000099 t probe\nffffffff91000030 t init\nffffffff91000031 t init\n\
         ffffffff91000051 D data\nffffffff91000061 D code\nffffffffc0000000 T _text\t[m]\n",
    );
    let slide = Slide::between(&linked, &running).unwrap();
    assert_eq!((slide.bytes(), slide.witnesses()), (0x1000_0000, 1));
    assert_eq!(slide.to_string(), "+0x10000000");
    let back = Slide::between(&running, &linked).unwrap();
    assert_eq!(
        (back.bytes().wrapping_neg(), back.to_string().as_str()),
        (0x1000_0000, "-0x10000000")
    );
}

#[test]
fn one_symbol_elsewhere_is_another_kernel() {
    let file = |odd: usize, by: u64, slide: u64| {
        let line = |index: usize| {
            let moved = slide + if index == odd { by } else { 0 };
            format!(
                "{:016x} T f{index}\n",
                0xffff_ffff_8100_0000 + 0x40 * index as u64 + moved
            )
        };
        table(&(0..100).map(line).collect::<String>())
    };
    let linked = file(0, 0, 0);
    assert_eq!(
        Slide::between(&linked, &file(0, 0, 0x20_0000))
            .unwrap()
            .witnesses(),
        100
    );
    // Wherever it stands: the majority is found all the same.
    for odd in [0, 1, 50, 99] {
        let error = Slide::between(&linked, &file(odd, 1, 0x20_0000)).unwrap_err();
        let address = 0xffff_ffff_8120_0000 + 0x40 * odd as u64;
        assert_eq!(
            error,
            SlideError::OtherKernel {
                agree: 99,
                disagree: 1,
                name: format!("f{odd}").into_bytes(),
                expected: address,
                found: address + 1,
            }
        );
    }
    let error = Slide::between(&linked, &file(7, 1, 0)).unwrap_err();
    insta::assert_snapshot!(error, @"of another kernel: 99 of 100 code symbols agree where it is; f7 is at 0xffffffff810001c1, not 0xffffffff810001c0");
    let strange = table("ffffffff81000000 T start\n");
    assert_eq!(
        Slide::between(&linked, &strange),
        Err(SlideError::NothingInCommon)
    );
}

#[test]
fn a_table_is_moved_but_for_what_counts_from_zero() {
    let linked = table(
        "0000000000000010 D tlb\nffffffff81000000 T _text\nffffffff81000040 B bss\nffffffffc0000000 t f\t[m]\n",
    );
    let running = table("ffffffff80000000 T _text\n");
    let slide = Slide::between(&linked, &running).unwrap();
    let moved = slide.move_table(linked);
    let expected = [
        ("tlb", 0x10),
        ("_text", 0xffff_ffff_8000_0000),
        ("bss", 0xffff_ffff_8000_0040),
        ("f", 0xffff_ffff_c000_0000),
    ];
    assert_eq!(addresses(&moved), expected);
    assert_eq!(moved.named(b"f").next().unwrap().group(), Group::Loaded);
    assert_eq!(moved.named(b"bss").count(), 1);

    // Past the end of the address space, and so to the front of the table, with its modules.
    let high = table(
        "8000000000000000 4 T _text\nffffffffffffff00 4 t late\t[a]\nffffffffffffff08 4 t last\n\
         9000000000000000 4 t f\t[m]\n",
    );
    let low = table("8000000000000400 4 T _text\n");
    let moved = Slide::between(&high, &low).unwrap().move_table(high);
    assert_eq!(
        addresses(&moved),
        [
            ("late", 0x300),
            ("last", 0x308),
            ("_text", 0x8000_0000_0000_0400),
            ("f", 0x9000_0000_0000_0000)
        ]
    );
    let groups = moved.iter().map(|symbol| symbol.group());
    assert!(groups.eq([Group::BuiltIn, Group::Core, Group::Core, Group::Loaded]));
    assert_eq!(moved.lookup(0x302).inside().unwrap().0.name(), b"late");
    let found = |query: &[u8]| moved.find(Query::parse(query)).count();
    assert_eq!(
        [b"a`late", b"m`late"].map(|query| found(query)),
        [1, 0],
        "modules are where their symbols are"
    );
    assert_eq!((found(b"vmlinux`*"), found(b"m`*")), (2, 1));
}

#[test]
fn sizes_of_the_image_leave_the_rest_as_it_was() {
    let mut running = table(
        "ffffffff81000000 T a\nffffffff81000000 T marker\nffffffff81000010 t k\nffffffff81000010 t k\n\
         ffffffff81000020 T last\nffffffffc0000000 t f\t[m]\nffffffffc0000040 t g\t[m]\n",
    );
    running.index_names();
    let image = table(
        "ffffffff81000000 0 T marker\nffffffff81000000 10 T a\nffffffff81000008 4 t inner\nffffffff81000010 0 t k\n\
         ffffffff81000010 8 t k\nffffffff81000020 30000 T last\n",
    );
    assert_eq!(running.add_sizes(&image), Ok(()));
    assert_eq!(
        running.facts(),
        Facts {
            sizes: true,
            built_in_modules: false,
            ..Facts::default()
        }
    );
    let sizes: Vec<_> = running.iter().map(|symbol| symbol.size()).collect();
    // Markers first, as everywhere.
    assert_eq!(
        sizes,
        [
            Some(0),
            Some(0x10),
            Some(0),
            Some(8),
            Some(0x3_0000),
            None,
            None
        ]
    );
    assert_eq!(running.get(0).unwrap().name(), b"marker");
    let inside = |address| {
        running
            .lookup(address)
            .inside()
            .map(|(symbol, _)| symbol.name())
    };
    assert_eq!(inside(0xffff_ffff_8100_000f), Some(b"a".as_slice()));
    assert_eq!(inside(0xffff_ffff_8100_0018), None);
    assert_eq!(inside(0xffff_ffff_c000_003f), Some(b"f".as_slice()));
    assert_eq!(inside(0xffff_ffff_c000_0fff), Some(b"g".as_slice()));
    assert_eq!(running.named(b"marker").next().unwrap().index(), 0);
    let module = running.totals().remove(0).1;
    assert_eq!((module.symbols(), module.bytes(Section::Text)), (2, 0));

    // A table without sizes has none to give, and one with sizes needs none.
    let mut plain = table("ffffffff81000000 T a\n");
    assert_eq!(plain.add_sizes(&table("ffffffff81000000 T b\n")), Ok(()));
    assert!(!plain.facts().sizes);
    let mut has_sizes = table("ffffffff81000000 4 T a\n");
    assert_eq!(has_sizes.add_sizes(&image), Ok(()));
    assert_eq!(has_sizes.get(0).unwrap().size(), Some(4));
}

#[test]
fn a_symbol_without_a_size_changes_nothing() {
    let image = table("ffffffff81000000 10 T a\nffffffff81000020 8 T b\n");
    for running in [
        "ffffffff81000000 T a\nffffffff81000021 T b\n",
        "ffffffff81000000 T a\nffffffff81000000 T a\n",
    ] {
        let mut running = table(running);
        let error = running.add_sizes(&image).unwrap_err();
        assert_eq!(error.address, running.get(1).unwrap().address());
        assert!(!running.facts().sizes);
        assert!(running.iter().all(|symbol| symbol.size().is_none()));
    }
}

#[test]
fn the_system_map_of_a_real_boot_moves_to_where_kallsyms_has_it() {
    let capture = Capture::standard();
    let map = SymbolTable::from_bytes(&capture.read("System.map").unwrap()).unwrap();
    let running = SymbolTable::from_bytes(&capture.read("kallsyms").unwrap()).unwrap();
    let slide = Slide::between(&map, &running).unwrap();
    // Moved by 2 MiB steps on x86-64.
    assert_eq!(slide.bytes() % 0x20_0000, 0);
    assert!(slide.witnesses() > 80_000, "{}", slide.witnesses());
    let moved = slide.move_table(map);
    let count = |table: &SymbolTable, symbol: Entry<'_>| {
        table
            .at(symbol.address())
            .filter(|other| other.name() == symbol.name())
            .count()
    };
    for symbol in running.iter().filter(|symbol| symbol.group().is_image()) {
        assert_eq!(count(&moved, symbol), count(&running, symbol), "{symbol:?}");
    }
    // kallsyms leaves absolute symbols out.
    let absolute = moved
        .iter()
        .filter(|symbol| symbol.letter() == b'A')
        .count();
    let image = running
        .iter()
        .filter(|symbol| symbol.group().is_image())
        .count();
    assert_eq!(moved.len(), image + absolute);

    let other = Capture::standard().read("System.map").unwrap();
    let other =
        String::from_utf8(other)
            .unwrap()
            .replacen(" T vfs_read\n", " T vfs_write_too\n", 1);
    let other = other.replacen(" T vfs_write\n", " T vfs_read\n", 1);
    let error = Slide::between(&table(&other), &running).unwrap_err();
    assert!(
        matches!(&error, SlideError::OtherKernel { disagree: 1, name, .. } if name == b"vfs_read"),
        "{error}"
    );
}

#[test]
fn sizes_join_to_what_a_real_kernel_says() {
    let capture = Capture::standard();
    let kernel = SymbolTable::from_bytes(&capture.read("kallmodsyms").unwrap()).unwrap();
    let mut joined = SymbolTable::from_bytes(&capture.read("kallsyms").unwrap()).unwrap();
    joined.add_sizes(&kernel).unwrap();
    for (ours, theirs) in joined.iter().zip(&kernel) {
        let expected = if theirs.group().is_image() {
            theirs.size()
        } else {
            None
        };
        assert_eq!(
            (ours.address(), ours.size()),
            (theirs.address(), expected),
            "{ours:?}"
        );
        if theirs.group().is_image() {
            assert_eq!(ours.name(), theirs.name());
            assert_eq!(
                joined
                    .lookup(ours.address())
                    .inside()
                    .map(|(symbol, _)| symbol.name()),
                kernel
                    .lookup(ours.address())
                    .inside()
                    .map(|(symbol, _)| symbol.name())
            );
        }
    }
}
