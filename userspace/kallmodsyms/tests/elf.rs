// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Symbols and build IDs of images: which symbols are listed, with which letters, in which order, and damaged files.
//! That they are those of `nm` on a whole kernel, the end-to-end tests show.

#![cfg(feature = "elf")]

mod image;

use image::{
    ABSOLUTE, BSS, COMMENT, COMMON, DATA, EXTENDED, FILE, FUNC, GLOBAL, IFUNC, Image, LOCAL, NONE,
    NOSAVE, NOTES, OBJECT, RODATA, SDATA, SECTION, TEXT, UNDEFINED, UNIQUE, WEAK,
};
use kallmodsyms::elf::{self, BuildId, Error};
use kallmodsyms::table::Facts;
use kallmodsyms::{SymbolTable, Width};
use proptest::prelude::*;

const BASE: u64 = 0xffff_ffff_8100_0000;

/// The table as the kernel would print it.
fn lines(table: &SymbolTable) -> String {
    let mut lines = Vec::new();
    for symbol in table {
        symbol.symbol().write_line(Width::Bits64, &mut lines);
    }
    String::from_utf8(lines).unwrap()
}

/// The letter of the one symbol of an image.
fn letter(image: &Image) -> Option<char> {
    let table = elf::symbols(&image.build()).ok()?;
    Some(char::from(table.get(0).unwrap().letter()))
}

#[test]
fn letters_are_those_of_nm() {
    let letter = |info, section| letter(&Image::new().symbol("x", BASE, 4, info, section));
    let all = [
        (LOCAL | FUNC, TEXT, Some('t')),
        (GLOBAL | FUNC, TEXT, Some('T')),
        (LOCAL | NONE, TEXT, Some('t')),
        (WEAK | FUNC, TEXT, Some('W')),
        (WEAK | OBJECT, DATA, Some('V')),
        (GLOBAL | OBJECT, RODATA, Some('R')),
        (LOCAL | OBJECT, DATA, Some('d')),
        (GLOBAL | OBJECT, BSS, Some('B')),
        (LOCAL | OBJECT, EXTENDED, Some('d')),
        (GLOBAL | OBJECT, COMMON, Some('C')),
        (GLOBAL | IFUNC, TEXT, Some('i')),
        (GLOBAL | OBJECT, NOTES, Some('R')),
        (GLOBAL | OBJECT, SDATA, Some('D')),
        (GLOBAL | OBJECT, NOSAVE, Some('?')),
        // What is not listed.
        (GLOBAL | FUNC, UNDEFINED, None),
        (WEAK | FUNC, UNDEFINED, None),
        (LOCAL | SECTION, TEXT, None),
        (LOCAL | FILE, ABSOLUTE, None),
        (LOCAL | FILE, TEXT, None),
        (GLOBAL | NONE, ABSOLUTE, None),
        (LOCAL | NONE, ABSOLUTE, None),
        (UNIQUE | OBJECT, DATA, None),
        (LOCAL | OBJECT, COMMENT, None),
        (LOCAL | OBJECT, 99, None),
    ];
    for (info, section, expected) in all {
        assert_eq!(letter(info, section), expected, "{info:#x} in {section}");
    }
    let mips = Image {
        machine: 8,
        is_big: true,
        ..Image::new()
    };
    let small = mips.symbol("x", BASE, 4, LOCAL | OBJECT, SDATA);
    assert_eq!(self::letter(&small), Some('g'));
}

#[test]
fn sections_left_empty_for_debuggers_keep_their_letters() {
    let letter = |section| {
        let image = Image {
            debug_only: true,
            ..Image::new()
        };
        letter(&image.symbol("x", BASE, 4, LOCAL | NONE, section))
    };
    let letters = [TEXT, RODATA, DATA, BSS].map(letter);
    assert_eq!(letters, [Some('t'), Some('r'), Some('d'), Some('b')]);
}

#[test]
fn names_that_the_kernel_drops_are_not_listed() {
    let dropped = [
        "$x",
        "$d.12",
        ".LBB0_1",
        "__efistub_memcpy",
        "__pi_$x",
        "__pi_.L1",
        "__kvm_nvhe_$d",
        "__kvm_nvhe_.L2",
        "__kcfi_typeid_f",
        "__kvm_nvhe___kcfi_typeid_f",
        "__pi___kcfi_typeid_f",
        "__crc_f",
        "__kstrtab_f",
        "__kstrtabns_f",
        "__memcpy_from_arm",
        "f_from_thumb",
        "f_veneer",
        "L0",
        "_SDA_BASE_",
        "_SDA2_BASE_",
        "x.long_branch.f",
        "x.plt_branch.f",
        "__AArch64ADRPThunk_f",
        "__Thunk_",
        "",
    ];
    let kept = [
        "x$x",
        "L00",
        "__pi_f",
        "__kvm_nvhe_f",
        "f_from_armor",
        "__Thunk",
        "__a_Thunk_f",
        "Thunk_f",
        "__crc",
        "_L",
        "__gp",
        "caf\u{e9}",
    ];
    let mut image = Image::new();
    for name in dropped.iter().chain(&kept) {
        image = image.symbol(name, BASE, 4, GLOBAL | FUNC, TEXT);
    }
    let table = elf::symbols(&image.build()).unwrap();
    let names: Vec<_> = table
        .iter()
        .map(|symbol| String::from_utf8(symbol.name().into()).unwrap())
        .collect();
    for name in kept {
        assert!(names.iter().any(|listed| listed == name), "{name}");
    }
    assert_eq!(names.len(), kept.len(), "{names:?}");

    // Longer than the kernel's buffers.
    for (length, count) in [(511, 2), (512, 1)] {
        let image = Image::new().symbol("x", BASE, 4, GLOBAL | FUNC, TEXT);
        let image = image.symbol(&"y".repeat(length), BASE, 4, GLOBAL | FUNC, TEXT);
        assert_eq!(elf::symbols(&image.build()).unwrap().len(), count);
    }
    // Absolute symbols are dropped but for four.
    let absolute = Image::new().symbol("__gp", BASE, 0, GLOBAL | NONE, ABSOLUTE);
    assert_eq!(letter(&absolute), Some('A'));
}

#[test]
fn the_order_is_that_of_the_kernel() {
    let image = Image::new()
        .symbol("zebra", BASE, 8, GLOBAL | FUNC, TEXT)
        .symbol("weak", BASE, 8, WEAK | FUNC, TEXT)
        .symbol("__start_all", BASE, 8, GLOBAL | NONE, TEXT)
        .symbol("__all_end", BASE, 8, GLOBAL | NONE, TEXT)
        .symbol("__under", BASE, 8, GLOBAL | FUNC, TEXT)
        .symbol("_under", BASE, 8, GLOBAL | FUNC, TEXT)
        .symbol("apple", BASE, 8, GLOBAL | FUNC, TEXT)
        .symbol("outer", BASE, 16, GLOBAL | FUNC, TEXT)
        .symbol("_stext", BASE, 0, GLOBAL | NONE, TEXT)
        .symbol("before", BASE - 16, 4, GLOBAL | FUNC, TEXT);
    insta::assert_snapshot!(lines(&elf::symbols(&image.build()).unwrap()), @r"
    ffffffff80fffff0 4 T before
    ffffffff81000000 0 T _stext
    ffffffff81000000 10 T outer
    ffffffff81000000 8 T apple
    ffffffff81000000 8 T zebra
    ffffffff81000000 8 T _under
    ffffffff81000000 8 T __under
    ffffffff81000000 8 T __all_end
    ffffffff81000000 8 T __start_all
    ffffffff81000000 8 W weak
    ");
}

#[test]
fn per_cpu_data_from_zero_is_absolute() {
    let image = |start| {
        Image::new()
            .symbol("__per_cpu_start", start, 0, GLOBAL | NONE, DATA)
            .symbol("tlb_state", start + 8, 8, LOCAL | OBJECT, DATA)
            .symbol("__per_cpu_end", start + 0x10, 0, GLOBAL | NONE, DATA)
            .symbol("jiffies", start + 0x18, 8, GLOBAL | OBJECT, DATA)
    };
    let letters = |image: Image| {
        let table = elf::symbols(&image.build()).unwrap();
        table
            .iter()
            .map(|symbol| char::from(symbol.letter()))
            .collect::<String>()
    };
    assert_eq!(letters(image(0)), "AAAD");
    assert_eq!(letters(image(BASE)), "DdDD");
}

#[test]
fn every_class_and_byte_order() {
    for (is_64, is_big) in [(false, false), (false, true), (true, false), (true, true)] {
        let image = Image {
            is_64,
            is_big,
            kind: 3,
            ..Image::new()
        }
        .symbol("_text", 0xc000_8000, 0, GLOBAL | NONE, TEXT)
        .symbol("far", 0xc010_8001, 0x1_0000, LOCAL | OBJECT, EXTENDED);
        let table = elf::symbols(&image.build()).unwrap();
        assert_eq!(
            lines(&table),
            "00000000c0008000 0 T _text\n00000000c0108001 10000 d far\n"
        );
        assert_eq!(
            table.facts(),
            Facts {
                sizes: true,
                built_in_modules: false,
                width: if is_64 { Width::Bits64 } else { Width::Bits32 },
            }
        );
        let id = elf::build_id(&image.build()).unwrap().unwrap();
        assert_eq!(
            (id.to_string().as_str(), id.as_bytes()),
            ("abcdef", &[0xab, 0xcd, 0xef][..])
        );
    }
}

#[test]
fn thumb_and_compressed_functions_lose_their_tag() {
    for (machine, expected) in [(40, 0xc000_8000), (8, 0xc000_8000), (62, 0xc000_8001)] {
        let image = Image {
            machine,
            is_64: false,
            ..Image::new()
        }
        .symbol("f", 0xc000_8001, 4, GLOBAL | FUNC, TEXT)
        .symbol("d", 0xc000_9001, 1, GLOBAL | OBJECT, DATA);
        let table = elf::symbols(&image.build()).unwrap();
        let addresses: Vec<_> = table.iter().map(|symbol| symbol.address()).collect();
        assert_eq!(addresses, [expected, 0xc000_9001], "machine {machine}");
    }
}

#[test]
fn build_ids_in_notes() {
    let without = Image {
        build_id: Vec::new(),
        ..Image::new()
    };
    assert_eq!(elf::build_id(&without.build()), Ok(None));
    assert_eq!(
        BuildId::from_notes(b"\x04\0\0\0\x04\0\0\0\x03\0\0\0GN"),
        None
    );
    assert_eq!(
        BuildId::from_notes(b"\x04\0\0\0\xff\xff\xff\xff\x03\0\0\0GNU\0abc"),
        None
    );
    // Type 1 is another note of the same owner.
    assert_eq!(
        BuildId::from_notes(b"\x04\0\0\0\x02\0\0\0\x01\0\0\0GNU\0ab\0\0"),
        None
    );
}

#[test]
fn what_is_no_image_with_symbols_is_an_error() {
    let good = Image::new().symbol("x", BASE, 4, GLOBAL | FUNC, TEXT);
    let error = |image: &Image| elf::symbols(&image.build()).unwrap_err();
    assert_eq!(
        error(&Image {
            kind: 1,
            ..good.clone()
        }),
        Error::NotLinked
    );
    assert_eq!(error(&Image::new()), Error::NoSymbols);
    assert_eq!(
        error(&Image::new().symbol("x", 0, 4, GLOBAL | FUNC, TEXT)),
        Error::NoSymbols
    );
    assert_eq!(
        error(&good.clone().symbol("a b", BASE, 4, GLOBAL | FUNC, TEXT)),
        Error::Name(2)
    );
    assert_eq!(
        error(&good.clone().symbol("a\nb", BASE, 4, GLOBAL | FUNC, TEXT)),
        Error::Name(2)
    );
    for other in [&b""[..], b"\x7fEL", b"\x7fELF\x03", b"MZ\x90\0\x03\0"] {
        assert_eq!(elf::symbols(other).unwrap_err(), Error::NotElf);
    }
    let message = |bytes: &[u8]| elf::symbols(bytes).unwrap_err().to_string();
    let file = good.build();
    insta::assert_snapshot!(message(&file[..40]), @"damaged ELF file: Invalid ELF header size or alignment");
    insta::assert_snapshot!(message(&file[..file.len() - 1]), @"damaged ELF file: Invalid ELF section header offset/size/alignment");
}

/// Every cut of a file is an error, since the section headers come last.
#[test]
fn a_file_cut_short_is_an_error() {
    let file = Image::new()
        .symbol("x", BASE, 4, GLOBAL | FUNC, TEXT)
        .build();
    assert!(elf::symbols(&file).is_ok());
    for length in 0..file.len() {
        assert!(elf::symbols(&file[..length]).is_err(), "{length}");
    }
}

proptest! {
    #[test]
    fn no_bytes_panic(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        is_64: bool,
        is_big: bool,
    ) {
        let image = Image { is_64, is_big, ..Image::new() }
            .symbol("x", 0xc000_8000, 4, GLOBAL | FUNC, TEXT)
            .symbol("y", 0xc000_8004, 4, LOCAL | OBJECT, EXTENDED);
        let mut file = image.build();
        for (place, byte) in changes {
            let place = place.index(file.len());
            file[place] = byte;
        }
        let _ = elf::symbols(&file);
        let _ = elf::build_id(&file);
        let _ = BuildId::from_notes(&file);
    }
}
