// SPDX-License-Identifier: Apache-2.0 OR MIT

//! `modules.builtin.ranges`: bad lines, ranges found in a kernel, and the modules of a real kernel's symbols, against
//! those that the kernel itself prints.

use std::collections::BTreeMap;

use kallmodsyms::ranges::{ErrorKind, PlaceError, Ranges};
use kallmodsyms::table::{Entry, Facts};
use kallmodsyms::{Group, Modules, Query, SymbolTable};
use kallmodsyms_captures::Capture;

fn table(file: &str) -> SymbolTable {
    SymbolTable::from_bytes(file.as_bytes()).unwrap()
}

/// The modules of each symbol in address order.
fn modules(table: &SymbolTable) -> Vec<String> {
    let text = |modules: Modules<'_>| String::from_utf8_lossy(modules.as_bytes()).into_owned();
    table.iter().map(|symbol| text(symbol.modules())).collect()
}

/// Lines, the column of the error, and the error.
const BAD: &[(&str, usize, ErrorKind)] = &[
    ("\n", 1, ErrorKind::EmptyLine),
    (
        ".text 00000060-00000070 rapl\r\n",
        29,
        ErrorKind::CarriageReturn,
    ),
    (
        ".text\t00000060-00000070 rapl\n",
        6,
        ErrorKind::ControlByte(b'\t'),
    ),
    (
        ".text 00000060-00000070 ra\0pl\n",
        27,
        ErrorKind::ControlByte(0),
    ),
    (" .text 00000060-00000070 rapl\n", 1, ErrorKind::StrayBlank),
    (".text  00000060-00000070 rapl\n", 7, ErrorKind::StrayBlank),
    (".text 00000060-00000070 rapl \n", 29, ErrorKind::StrayBlank),
    (".text\n", 6, ErrorKind::MissingFields(1)),
    (".text 00000060-00000070\n", 24, ErrorKind::MissingFields(2)),
    (".text 00000060 00000070 rapl\n", 15, ErrorKind::MissingDash),
    (
        ".text 0000060-00000070 rapl\n",
        7,
        ErrorKind::OffsetLength(7),
    ),
    (".text 00000060- rapl\n", 16, ErrorKind::OffsetLength(0)),
    (
        ".text 00000060-11111111111111111 rapl\n",
        16,
        ErrorKind::OffsetLength(17),
    ),
    (
        ".text 00000060-000000070 rapl\n",
        16,
        ErrorKind::OffsetLeadingZero,
    ),
    (
        ".text 0000006A-00000070 rapl\n",
        14,
        ErrorKind::OffsetDigit(b'A'),
    ),
    (
        ".text 00000060-0x000070 rapl\n",
        17,
        ErrorKind::OffsetDigit(b'x'),
    ),
    (
        ".text 00000060-00000070-00000080 rapl\n",
        16,
        ErrorKind::OffsetLength(17),
    ),
    (
        ".text 00000060-0000-070 rapl\n",
        20,
        ErrorKind::OffsetDigit(b'-'),
    ),
    (
        ".data 00000060-00000070 = _data\n",
        7,
        ErrorKind::AnchorOffsets,
    ),
    (".data 00000060-00000060 =\n", 26, ErrorKind::MissingSymbol),
    (
        ".data 00000060-00000060 = _data more\n",
        33,
        ErrorKind::AfterSymbol,
    ),
    (
        ".text 00000060-00000060 = _stext\n",
        25,
        ErrorKind::SecondAnchor,
    ),
    (
        ".text 00000060-00000070 intel-rapl\n",
        30,
        ErrorKind::ModuleByte(b'-'),
    ),
    (
        ".text 00000060-00000070 rapl [msr]\n",
        30,
        ErrorKind::ModuleByte(b'['),
    ),
    (
        ".text 00000060-00000070 rapl = x\n",
        30,
        ErrorKind::ModuleByte(b'='),
    ),
    (
        ".text 00000060-00000070 r\u{e9}\n",
        26,
        ErrorKind::ModuleByte(0xc3),
    ),
    (
        ".text 00000060-00000070 rapl",
        29,
        ErrorKind::MissingNewline,
    ),
];

#[test]
fn a_bad_line_is_an_error_with_its_place() {
    // What stands before is good.
    let good = ".text 00000000-00000000 = _text\n.text 00000040-00000050 amd_uncore\n";
    for &(line, column, kind) in BAD {
        let file = format!("{good}{line}.text 00000080-00000090 msr\n");
        let file = if line.ends_with('\n') {
            file
        } else {
            format!("{good}{line}")
        };
        let error = Ranges::parse(file.as_bytes()).expect_err(line);
        assert_eq!(
            (error.kind, error.position.column),
            (kind, column),
            "{line:?}"
        );
        assert_eq!(
            (error.position.line, error.position.offset),
            (3, good.len() + column - 1),
            "{line:?}"
        );
    }
    for empty in ["", ".text 00000000-00000000 = _text\n"] {
        let error = Ranges::parse(empty.as_bytes()).unwrap_err();
        assert_eq!(error.kind, ErrorKind::NoRanges);
    }
}

#[test]
fn messages_say_what_was_expected_and_found() {
    let message = |line: &str| Ranges::parse(line.as_bytes()).unwrap_err().to_string();
    insta::assert_snapshot!(message(".text 00000060\n"), @"line 1, column 15: expected two offsets with `-` between, found one");
    insta::assert_snapshot!(message(".text\n"), @"line 1, column 6: expected a section, its offsets and modules, found 1 fields");
    insta::assert_snapshot!(message("\x7f\n"), @"line 1, column 1: expected text, found byte 0x7f");
    insta::assert_snapshot!(message("a 00000060-00000070 x-y\n"), @"line 1, column 22: expected the name of a module as lsmod prints it, found `-`");
    insta::assert_snapshot!(message("a 00000060-00000061 = x\n"), @"line 1, column 3: expected the anchor's offset twice, found two offsets");
    insta::assert_snapshot!(message(""), @"line 1, column 1: expected ranges, found none");
}

#[test]
fn modules_are_sorted_and_listed_once() {
    let ranges =
        Ranges::parse(b".text 00000000-00000010 b a b\n.text 123456789-123456790 a b\n").unwrap();
    let texts: Vec<_> = ranges
        .iter()
        .map(|range| range.modules.as_bytes())
        .collect();
    assert_eq!(texts, [b"[a] [b]", b"[a] [b]"]);
    assert_eq!(ranges.iter().nth(1).unwrap().start, 0x1_2345_6789);
}

/// An anchor away from the start of its section, ranges before it, per-CPU data from 0, loaded modules below the image
/// as on arm64.
#[test]
fn each_section_is_placed_by_its_anchor() {
    let ranges = "\
        .text 00000000-00000000 = _text\n\
        .text 00000040-00000050 rapl\n\
        .exit.text 00000020-00000020 = exit_amd\n\
        .exit.text 00000000-00000008 rapl\n\
        .exit.text 00000030-00000028 ext4\n\
        .data..percpu 00000000-00000000 = __per_cpu_start\n\
        .data..percpu 00001000-00001008 ext4 jbd2\n\
        .altinstr_aux 00000000-00000008 rapl\n";
    let mut table = table(
        "0000000000000000 A __per_cpu_start\n\
         0000000000001000 A ext4_count\n\
         0000000000001008 A after\n\
         ffff800081000000 T _text\n\
         ffff800081000040 t rapl_init\n\
         ffff80008100004f t rapl_last\n\
         ffff80008100004f t bpf_prog\t[bpf]\n\
         ffff800081000050 t core\n\
         ffff800082000000 t rapl_exit\n\
         ffff800082000020 t exit_amd\n\
         ffff800082000030 t ext4_exit\n\
         ffff800010000000 t loaded\t[nfs]\n\
         ffff800010000040 t rapl_like\t[bpf]\n",
    );
    let ranges = Ranges::parse(ranges.as_bytes()).unwrap();
    let placed = ranges.place(&table, None).unwrap();
    let unplaced: Vec<_> = placed.unplaced().iter().map(ToString::to_string).collect();
    assert_eq!(unplaced, ["section .altinstr_aux has no anchor"]);
    table.add_built_in_modules(&placed);
    assert_eq!(
        table.facts(),
        Facts {
            sizes: false,
            built_in_modules: true,
            ..Facts::default()
        }
    );
    assert_eq!(
        modules(&table),
        [
            "",
            "[ext4] [jbd2]",
            "",
            "[nfs]",
            "[bpf]",
            "",
            "[rapl]",
            "[rapl]",
            "[bpf]",
            "",
            "[rapl]",
            "",
            ""
        ]
    );
    let groups: Vec<_> = table
        .modules()
        .map(|module| (module.name().to_vec(), module.group()))
        .collect();
    let expected = [
        ("bpf", Group::Bpf),
        ("ext4", Group::BuiltIn),
        ("jbd2", Group::BuiltIn),
        ("nfs", Group::Loaded),
        ("rapl", Group::BuiltIn),
    ];
    assert_eq!(
        groups,
        expected.map(|(name, group)| (name.as_bytes().to_vec(), group))
    );
    let (module, totals) = table.totals().pop().unwrap();
    assert_eq!((module, totals.symbols()), (None, 6));
    let found = |query: &[u8]| table.find(Query::parse(query)).count();
    assert_eq!((found(b"rapl`rapl_init"), found(b"rapl`*")), (1, 3));
    assert_eq!((found(b"vmlinux`rapl_init"), found(b"vmlinux`*")), (0, 6));
}

#[test]
fn modules_that_the_kernel_tells_are_kept() {
    let ranges =
        Ranges::parse(b".text 00000000-00000000 = _text\n.text 00000000-00000080 rapl\n").unwrap();
    let mut table = table(
        "ffffffff81000000 8 T _text\nffffffff81000040 8 t f\t[msr]\nffffffff81000080 0 T _end\n",
    );
    let placed = ranges.place(&table, None).unwrap();
    assert!(placed.modules_at(0xffff_ffff_8100_0000).contains(b"rapl"));
    table.add_built_in_modules(&placed);
    assert_eq!(modules(&table), ["", "[msr]", ""]);
}

#[test]
fn an_anchor_with_a_common_name_is_the_one_that_fits() {
    let ranges = Ranges::parse(
        b".exit.text 00000010-00000010 = cleanup\n.exit.text 00000040-00000050 a\n.exit.text 00000080-00000090 b\n",
    )
    .unwrap();
    let table = table(
        "ffffffff81000010 t cleanup\n\
         ffffffff81000090 t x\n\
         ffffffff81010010 t cleanup\n\
         ffffffff81010040 t a_exit\n\
         ffffffff81010080 t b_exit\n\
         ffffffffc0000010 t cleanup\t[c]\n\
         ffffffffc0000040 t x\t[c]\n\
         ffffffffc0000080 t y\t[c]\n\
         ffffffffc0000090 t z\t[c]\n",
    );
    let placed = ranges.place(&table, None).unwrap();
    assert!(placed.modules_at(0xffff_ffff_8101_0040).contains(b"a"));
    assert!(placed.modules_at(0xffff_ffff_8100_0040).is_empty());
    // What is loaded is no anchor, however well it fits.
    assert!(placed.modules_at(0xffff_ffff_c000_0040).is_empty());
}

#[test]
fn sections_that_overlap_are_of_another_kernel() {
    let place = |data: &str| {
        let ranges = format!(
            ".text 00000000-00000000 = _text\n.text 00000040-00000080 a\n.text 00000100-00000140 b\n\
             .data 00000000-00000000 = _data\n.data {data} c\n"
        );
        let table = table("ffffffff81000000 T _text\nffffffff81000060 D _data\n");
        Ranges::parse(ranges.as_bytes())
            .unwrap()
            .place(&table, None)
            .map(|_| ())
    };
    let overlap = |section: &str, other: &str| {
        Err(PlaceError::Overlap {
            section: section.into(),
            other: other.into(),
        })
    };
    assert_eq!(place("00000000-00000010"), overlap(".text", ".data"));
    // Between two ranges of the other section.
    assert_eq!(place("00000030-00000040"), overlap(".data", ".text"));
    assert_eq!(place("00000200-00000210"), Ok(()));
}

#[test]
fn an_offset_beyond_the_address_space_covers_nothing() {
    let ranges = Ranges::parse(
        b".text 00000000-00000000 = _text\n.text fffffffffffffff0-ffffffffffffffff a\n.text 00000040-ffffffffffffffff b\n",
    )
    .unwrap();
    let high = table("ffffffff81000000 T _text\n");
    let placed = ranges.place(&high, None).unwrap();
    assert!(placed.modules_at(u64::MAX).is_empty());
    let ranges =
        Ranges::parse(b".text 00001000-00001000 = _text\n.text 00000040-00000050 b\n").unwrap();
    let low = table("0000000000000010 T _text\n");
    assert_eq!(
        ranges.place(&low, None).unwrap_err(),
        PlaceError::NoAnchor { anchors: 1 }
    );
}

/// Where a range and kallmodsyms differ on a symbol, why they do.
fn reason(symbol: Entry<'_>, ranges: &Ranges) -> &'static str {
    // A symbol of size zero on the border of two objects has the address of either.
    if symbol.letter() == b'A' {
        "per-CPU data, which the generator leaves out"
    } else if symbol.name().starts_with(b"__param") || symbol.name() == b"__modver_attr" {
        "a section whose name has no leading dot"
    } else if ranges
        .iter()
        .any(|range| range.start > range.end && range.modules == symbol.modules())
    {
        "a range that ends before it starts"
    } else if symbol.size() == Some(0) {
        "a symbol of size zero on the border of two objects"
    } else {
        "unexplained"
    }
}

#[test]
fn a_real_kernel_and_its_ranges_agree() {
    let capture = Capture::standard();
    let kernel = SymbolTable::from_bytes(&capture.read("kallmodsyms").unwrap()).unwrap();
    let mut joined = SymbolTable::from_bytes(&capture.read("kallsyms").unwrap()).unwrap();
    let ranges = Ranges::parse(&capture.read("modules.builtin.ranges").unwrap()).unwrap();
    let placed = ranges.place(&joined, None).unwrap();
    let unplaced: Vec<_> = placed.unplaced().iter().map(ToString::to_string).collect();
    assert_eq!(
        unplaced,
        [
            "section .altinstr_aux has no anchor",
            "section .altinstr_replacement has no anchor"
        ]
    );
    joined.add_built_in_modules(&placed);

    assert_eq!(kernel.len(), joined.len());
    let mut differences = BTreeMap::new();
    let mut named = 0;
    // kallmodsyms sorts markers first at an address, kallsyms does not: by name, then.
    for symbol in &kernel {
        named += usize::from(symbol.group() == Group::BuiltIn);
        let twins = |table: &SymbolTable| {
            let here = table
                .at(symbol.address())
                .filter(|twin| twin.name() == symbol.name());
            here.map(|twin| (twin.modules().as_bytes().to_vec(), twin.group()))
                .collect::<Vec<_>>()
        };
        let (mut ours, mut theirs) = (twins(&joined), twins(&kernel));
        ours.sort();
        theirs.sort();
        assert_eq!(ours.len(), theirs.len());
        let agrees = if theirs.len() == 1 {
            ours == theirs
        } else {
            let modules = symbol.modules().as_bytes().to_vec();
            ours.contains(&(modules, symbol.group()))
        };
        if !agrees {
            let reason = reason(symbol, &ranges);
            assert_ne!(reason, "unexplained", "{symbol:?}: {ours:?}");
            *differences.entry(reason).or_insert(0) += 1;
        }
    }
    assert_eq!(named, 31_083);
    assert_eq!(
        differences,
        BTreeMap::from([
            ("a range that ends before it starts", 3),
            ("a section whose name has no leading dot", 176),
            ("a symbol of size zero on the border of two objects", 26),
            ("per-CPU data, which the generator leaves out", 10),
        ])
    );
}

/// Ranges of a kernel that differs in one function: what follows lies 64 bytes further on.
#[test]
fn ranges_of_another_build_are_found_out() {
    let capture = Capture::standard();
    let table = SymbolTable::from_bytes(&capture.read("kallsyms").unwrap()).unwrap();
    let file = String::from_utf8(capture.read("modules.builtin.ranges").unwrap()).unwrap();
    let moved = |line: &str| {
        let (Some(rest), false) = (line.strip_prefix(".text "), line.contains('=')) else {
            return format!("{line}\n");
        };
        let (start, rest) = rest.split_once('-').unwrap();
        let (end, modules) = rest.split_once(' ').unwrap();
        let moved = |digits| u64::from_str_radix(digits, 16).unwrap() + 0x40;
        format!(".text {:08x}-{:08x} {modules}\n", moved(start), moved(end))
    };
    let other: String = file.lines().map(moved).collect();
    let place = |file: &str| {
        Ranges::parse(file.as_bytes())
            .unwrap()
            .place(&table, None)
            .map(|_| ())
    };
    assert_eq!(place(&file), Ok(()));
    let Err(PlaceError::OtherKernel { ranges, at_symbols }) = place(&other) else {
        panic!("taken for the same kernel");
    };
    assert_eq!(ranges, 498);
    assert!(at_symbols * 4 < ranges * 3, "{at_symbols}");
}
