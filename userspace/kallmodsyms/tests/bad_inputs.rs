// SPDX-License-Identifier: Apache-2.0 OR MIT

//! What no kernel prints, each with the message that a user gets, in `bad_inputs/NAME.snap`; and what looks bad and is
//! not, each with what is read, in `odd_inputs/NAME.snap`.

use std::collections::BTreeSet;
use std::path::Path;
use std::{fs, iter};

use kallmodsyms::validate::Validation;
use kallmodsyms::{Dialect, ErrorKind, Format, SymbolTable, Symbols};

#[rustfmt::skip]
const BAD: &[(&str, &[u8])] = &[
    // Files as a whole.
    ("empty", b""),
    ("one_line_feed", b"\n"),
    ("blank", b" \n"),
    ("zero_bytes", b"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"),
    ("hidden", b"0000000000000000 0 T _text\n0000000000000000 0 T _stext\n"),
    ("hidden_kallsyms", b"0000000000000000 T _text\n0000000000000000 T _stext\n"),
    ("hidden_32_bits", b"00000000 T _text\n"),
    ("not_text", b"\x7fELF\x02\x01\x01\n"),
    ("gzip", b"\x1f\x8b\x08\0\0\0\0\0\0\x03K\x03\x82\n"),
    ("html", b"<html><body>404 Not Found</body></html>\n"),
    ("byte_order_mark", b"\xef\xbb\xbfffffffff81000000 8 T _stext\n"),
    ("utf_16", b"\xff\xfef\0f\0f\0f\0 \0T\0 \0a\0\n\0"),
    // Line ends.
    ("crlf", b"ffffffff81000000 8 T _stext\r\n"),
    ("crlf_throughout", b"ffffffff81000000 T _stext\r\nffffffff81000008 T next\r\n"),
    ("carriage_returns_alone", b"ffffffff81000000 T _stext\rffffffff81000008 T next\r"),
    ("no_last_newline", b"ffffffff81000000 8 T _stext\nffffffff81000008 8 T nex"),
    ("no_newline_at_all", b"ffffffff81000000 8 T _stext"),
    ("empty_line", b"ffffffff81000000 8 T _stext\n\n"),
    ("empty_first_line", b"\nffffffff81000000 8 T _stext\n"),
    ("empty_lines_last", b"ffffffff81000000 8 T _stext\n\n\n"),
    // Lines cut short.
    ("cut_in_address", b"ffffffff81000000 8 T _stext\nffffffff8100"),
    ("cut_after_address", b"ffffffff81000000 8 T _stext\nffffffff81000008\n"),
    ("cut_after_size", b"ffffffff81000000 8 T _stext\nffffffff81000008 8\n"),
    ("cut_in_size", b"ffffffff81000000 8 T _stext\nffffffff81000008 1"),
    ("cut_after_type", b"ffffffff81000000 8 T _stext\nffffffff81000008 8 T\n"),
    ("cut_after_type_in_kallsyms", b"ffffffff81000000 T _stext\nffffffff81000008 T\n"),
    ("cut_after_tab", b"ffffffff81000000 8 T _stext\nffffffff81000008 8 T next\t"),
    ("cut_in_module", b"ffffffff81000000 8 T _stext\nffffffff81000008 8 T next\t[ex"),
    ("cut_between_modules", b"ffffffff81000000 8 T _stext\nffffffff81000008 8 T next\t[a] "),
    ("head_of_line_lost", b"81000000 8 T _stext\nffffffff81000000 8 T next\n"),
    // Blanks.
    ("trailing_blank", b"ffffffff81000000 8 T _stext \n"),
    ("trailing_tab", b"ffffffff81000000 8 T _stext\t\n"),
    ("leading_blank", b"ffffffff81000000 8 T _stext\n ffffffff81000008 8 T next\n"),
    ("leading_tab", b"ffffffff81000000 8 T _stext\n\tffffffff81000008 8 T next\n"),
    ("two_blanks", b"ffffffff81000000 8 T _stext\nffffffff81000008  8 T next\n"),
    ("two_blanks_for_a_size", b"ffffffff81000000 8 T _stext\nffffffff81000008  T next\n"),
    ("tab_for_a_blank", b"ffffffff81000000 8 T _stext\nffffffff81000008\t8 T next\n"),
    ("all_tabs", b"ffffffff81000000\t8\tT\t_stext\n"),
    ("no_name", b"ffffffff81000000 8 T _stext\nffffffff81000008 8 T \t[ext4]\n"),
    ("blank_in_name", b"ffffffff81000000 8 T _stext\nffffffff81000008 8 T two words\n"),
    ("name_form_feed", b"ffffffff81000000 8 T _stext\nffffffff81000008 8 T na\x0cme\n"),
    ("name_vertical_tab", b"ffffffff81000000 8 T _stext\nffffffff81000008 8 T na\x0bme\n"),
    ("name_carriage_return", b"ffffffff81000000 8 T _stext\nffffffff81000008 8 T na\rme\n"),
    // NUL.
    ("nul", b"ffffffff81000000 8 T _stext\nffffffff81000008 8 T na\0me\n"),
    ("nul_in_address", b"ffffffff81000000 8 T _stext\nffffffff8100000\0 8 T next\n"),
    ("nul_in_module", b"ffffffff81000000 8 T _stext\nffffffff81000008 8 T next\t[ex\0t4]\n"),
    ("nul_in_object", b"ffffffff81000000 T _stext\nffffffff81000008 T next\t{a\0.o}\n"),
    ("nul_last", b"ffffffff81000000 8 T _stext\n\0"),
    // Dialects put together.
    ("size_missing", b"ffffffff81000000 8 T _stext\nffffffff81000008 T next\n"),
    ("size_missing_hex_type", b"ffffffff81000000 8 T _stext\nffffffff81000008 d next\n"),
    ("size_missing_named_t", b"ffffffff81000000 8 T _stext\nffffffff81000008 d t\n"),
    ("size_added", b"ffffffff81000000 T _stext\nffffffff81000008 d t t\n"),
    ("object_after_sized", b"ffffffff81000000 8 T _stext\nffffffff81000008 T next\t{a.o}\n"),
    ("unsized_after_sized", b"ffffffff81000000 8 T _stext\nffffffff81000008 T next\t[a] [b]\n"),
    ("sized_after_object", b"ffffffff81000000 T _stext\t{a.o}\nffffffff81000008 8 T next\t[a]\n"),
    ("sized_twice", b"ffffffff81000000 8 T _stext\nffffffff81000008 8 8 T next\n"),
    // Before any line is well formed, a line is judged by the format that it looks like.
    ("first_line_of_kallsyms", b"ffffffff8100000x T _stext\nffffffff81000008 T next\n"),
    ("first_line_of_32_bits", b"c000800x 8 T _text\nc0008008 8 T next\n"),
    // Addresses.
    ("address_17_digits", b"ffffffff81000000 8 T _stext\nffffffff810000080 8 T next\n"),
    ("address_15_digits", b"ffffffff81000000 8 T _stext\nfffffff81000008 8 T next\n"),
    ("address_32_bits", b"ffffffff81000000 8 T _stext\nc0008000 8 T next\n"),
    ("address_64_bits", b"c0008000 T _text\nffffffff81000000 T _stext\n"),
    ("address_upper_case", b"ffffffff81000000 8 T _stext\nffffffff8100000A 8 T next\n"),
    ("address_prefix", b"ffffffff81000000 8 T _stext\n0xffff8100000008 8 T next\n"),
    ("address_9_digits", b"c0008000 T _text\nc00080000 T next\n"),
    ("address_upper_case_32_bits", b"c0008000 T _text\nC0008040 T next\n"),
    ("address_with_sign", b"ffffffff81000000 8 T _stext\n+fffffff81000008 8 T next\n"),
    ("address_not_hex", b"ffffffff81000000 8 T _stext\nfffffffg81000008 8 T next\n"),
    ("address_not_ascii", b"ffffffff81000000 8 T _stext\nffffffff8100000\xe9 8 T next\n"),
    // Sizes.
    ("size_upper_case", b"ffffffff81000000 8 T _stext\nffffffff81000008 1F T next\n"),
    ("size_leading_zero", b"ffffffff81000000 8 T _stext\nffffffff81000008 01f T next\n"),
    ("size_two_zeros", b"ffffffff81000000 8 T _stext\nffffffff81000008 00 T next\n"),
    ("size_17_digits", b"ffffffff81000000 8 T _stext\nffffffff81000008 11111111111111111 T next\n"),
    ("size_9_digits_32_bits", b"c0008000 8 T _text\nc0008008 111111111 T next\n"),
    ("size_padded", b"ffffffff81000000 8 T _stext\nffffffff81000008 0000000000000008 T next\n"),
    ("size_prefix", b"ffffffff81000000 8 T _stext\nffffffff81000008 0x8 T next\n"),
    ("size_negative", b"ffffffff81000000 8 T _stext\nffffffff81000008 -8 T next\n"),
    ("size_nil", b"ffffffff81000000 8 T _stext\nffffffff81000008 (nil) T next\n"),
    // Types.
    ("type_digit", b"ffffffff81000000 8 T _stext\nffffffff81000008 8 8 next\n"),
    ("type_two_letters", b"ffffffff81000000 8 T _stext\nffffffff81000008 8 Tt next\n"),
    ("type_not_ascii", b"ffffffff81000000 8 T _stext\nffffffff81000008 8 \xe9 next\n"),
    ("type_missing", b"ffffffff81000000 8 T _stext\nffffffff81000008 8 next\n"),
    ("type_dash", b"ffffffff81000000 8 T _stext\nffffffff81000008 8 - next\n"),
    // Modules.
    ("module_bare", b"ffffffff81000000 8 T _stext\nffffffff81000008 8 T next\text4\n"),
    ("module_after_blank", b"ffffffff81000000 8 T _stext\nffffffff81000008 8 T next [ext4]\n"),
    ("module_two_tabs", b"ffffffff81000000 8 T _stext\nffffffff81000008 8 T next\t\t[ext4]\n"),
    ("module_empty", b"ffffffff81000000 8 T _stext\nffffffff81000008 8 T next\t[]\n"),
    ("module_empty_second", b"ffffffff81000000 8 T _stext\nffffffff81000008 8 T next\t[a] []\n"),
    ("module_not_closed", b"ffffffff81000000 8 T _stext\nffffffff81000008 8 T next\t[ext4\n"),
    ("module_not_opened", b"ffffffff81000000 8 T _stext\nffffffff81000008 8 T next\text4]\n"),
    ("module_opened_twice", b"ffffffff81000000 8 T _stext\nffffffff81000008 8 T next\t[[ext4]\n"),
    ("module_closed_twice", b"ffffffff81000000 8 T _stext\nffffffff81000008 8 T next\t[ext4]]\n"),
    ("module_parentheses", b"ffffffff81000000 8 T _stext\nffffffff81000008 8 T next\t(ext4)\n"),
    ("module_hyphen", b"ffffffff81000000 8 T _stext\nffffffff81000008 8 T next\t[snd-hda-intel]\n"),
    ("module_path", b"ffffffff81000000 8 T _stext\nffffffff81000008 8 T next\t[fs/ext4]\n"),
    ("module_nested", b"ffffffff81000000 8 T _stext\nffffffff81000008 8 T next\t[a[b]]\n"),
    ("module_blank_inside", b"ffffffff81000000 8 T _stext\nffffffff81000008 8 T next\t[a b]\n"),
    ("module_not_ascii", b"ffffffff81000000 8 T _stext\nffffffff81000008 8 T next\t[caf\xe9]\n"),
    ("module_then_text", b"ffffffff81000000 8 T _stext\nffffffff81000008 8 T next\t[a]b\n"),
    ("modules_without_blank", b"ffffffff81000000 8 T _stext\nffffffff81000008 8 T next\t[a][b]\n"),
    ("modules_two_blanks", b"ffffffff81000000 8 T _stext\nffffffff81000008 8 T next\t[a]  [b]\n"),
    ("modules_tab_between", b"ffffffff81000000 8 T _stext\nffffffff81000008 8 T next\t[a]\t[b]\n"),
    ("modules_comma", b"ffffffff81000000 8 T _stext\nffffffff81000008 8 T next\t[a, b]\n"),
    ("modules_blank_last", b"ffffffff81000000 8 T _stext\nffffffff81000008 8 T next\t[a] \n"),
    // Object files.
    ("object_in_sized", b"ffffffff81000000 8 T _stext\nffffffff81000008 8 T next\t[a] {a.o}\n"),
    ("object_not_closed", b"ffffffff81000000 T _stext\nffffffff81000008 T next\t{a.o\n"),
    ("object_not_opened", b"ffffffff81000000 T _stext\t{a.o}\nffffffff81000008 T next\t[a] a.o}\n"),
    ("object_empty", b"ffffffff81000000 T _stext\nffffffff81000008 T next\t{}\n"),
    ("object_no_suffix", b"ffffffff81000000 T _stext\nffffffff81000008 T next\t{a.c}\n"),
    ("object_suffix_alone", b"ffffffff81000000 T _stext\nffffffff81000008 T next\t{.o}\n"),
    ("object_blank_inside", b"ffffffff81000000 T _stext\nffffffff81000008 T next\t{a b.o}\n"),
    ("object_twice", b"ffffffff81000000 T _stext\nffffffff81000008 T next\t{a.o} {b.o}\n"),
    ("object_not_last", b"ffffffff81000000 T _stext\nffffffff81000008 T next\t{a.o} [a]\n"),
    // Lines that are good, and not beside each other.
    ("modules_unsorted", b"ffffffff81000000 8 T _stext\nffffffff81000008 8 T f\t[b] [a]\nffffffff82000000 0 B _end\n"),
    ("module_twice", b"ffffffff81000000 8 T _stext\nffffffff81000008 8 T f\t[a] [a]\nffffffff82000000 0 B _end\n"),
    ("size_wraps", b"ffffffff81000000 ffffffffffffffff T _stext\n"),
    ("half_hidden", b"ffffffff81000000 8 T _stext\n0000000000000000 8 T next\n"),
    ("sizes_shown_alone", b"0000000000000000 8 T _stext\n0000000000000000 8 T next\n"),
    ("addresses_descend", b"ffffffff81000000 8 T _stext\nffffffff80000000 8 T next\n"),
    ("alias_after_smaller", b"ffffffff81000000 8 T _stext\nffffffff81000000 10 T next\n"),
    ("line_twice", b"ffffffff81000000 8 T _stext\nffffffff81000000 8 T _stext\n"),
    ("loaded_module_of_two", b"ffffffff81000000 8 T _stext\nffffffffc0000000 8 t f\t[a] [b]\n"),
    ("bpf_before_modules", b"ffffffff81000000 8 T _stext\nffffffffc0000000 8 t f\t[bpf]\nffffffffc0001000 8 t g\t[nfs]\n"),
];

/// Files that a kernel prints, though they look as if none did.
#[rustfmt::skip]
const ODD: &[(&str, &[u8])] = &[
    ("named_t", b"ffffffff81000000 d t\n"),
    ("size_like_a_type", b"ffffffff81000000 d t t\n"),
    ("name_like_a_size", b"ffffffff81000000 T 10\n"),
    ("size_of_16_digits", b"0000000000000000 ffffffffffffffff A all\nffffffff81000000 0 T _stext\n"),
    ("type_unknown", b"ffffffff81000000 4 ? mark\n"),
    ("name_not_utf8", b"ffffffff81000000 8 T caf\xe9\xff\x80\n"),
    ("name_with_brackets", b"ffffffff81000000 8 T a[b]{c.o}\n"),
    ("name_with_control_characters", b"ffffffff81000000 8 T \x01\x1b[31m\x7f\n"),
    ("bits_32", b"c0008000 T _text\nbf000000 t f\t[ext4]\n"),
    ("bits_32_sized", b"c0008000 fff T _text\nbf000000 0 t f\t[ext4]\n"),
    ("object_alone", b"ffffffff81000000 t f\t{drivers/a.o}\n"),
    ("object_after_modules", b"ffffffff81000000 t f\t[a] [b] {a-b.o}\nffffffff82000000 B _end\n"),
    ("pseudo_modules", b"ffffffff81000000 8 T f\nffffffffc0000000 8 t g\t[bpf]\nffffffffc0001000 8 t h\t[__builtin__kprobes]\n"),
    ("one_of_many_hidden", b"0000000000000000 8 A cpu_data\nffffffff81000000 8 T _stext\n"),
];

/// Those that are too long for a literal, too.
fn bad_inputs() -> Vec<(&'static str, Vec<u8>)> {
    let n = |count| "n".repeat(count);
    let long = [
        (
            "name_512_bytes",
            format!("ffffffff81000000 8 T {}\n", n(512)),
        ),
        (
            "name_endless",
            format!("ffffffff81000000 8 T {}\n", n(5000)),
        ),
        (
            "module_after_a_long_name",
            format!("ffffffff81000000 8 T {}\t[a-b]\n", n(300)),
        ),
        (
            "line_1000",
            format!(
                "{}ffffffff81000000 8 T\n",
                "ffffffff81000000 8 T f\n".repeat(999)
            ),
        ),
    ];
    let short = BAD.iter().map(|&(name, file)| (name, file.to_vec()));
    short
        .chain(long.map(|(name, file)| (name, file.into_bytes())))
        .collect()
}

fn odd_inputs() -> Vec<(&'static str, Vec<u8>)> {
    let long = format!("ffffffff81000000 8 T {}\n", "n".repeat(511));
    let short = ODD.iter().map(|&(name, file)| (name, file.to_vec()));
    short
        .chain([("name_511_bytes", long.into_bytes())])
        .collect()
}

/// The first bad line; where all are good, why there is no table of them; and where there is one, what rule is broken.
fn message(file: &[u8]) -> Option<String> {
    let bad_line = Symbols::new(file).find_map(Result::err);
    let no_table = || SymbolTable::from_bytes(file).err();
    if let Some(error) = bad_line.or_else(no_table) {
        return Some(error.diagnostic("bad", file).to_string());
    }
    let report = Validation::new(file).run();
    let finding = report.findings.first()?;
    Some(finding.diagnostic("bad", file).to_string())
}

/// Compares with the file of this name, and all names with all files there are.
fn check(directory: &str, texts: &[(&str, String)]) {
    insta::with_settings!({
        prepend_module_to_snapshot => false, snapshot_path => directory, omit_expression => true,
    }, {
        for (name, text) in texts {
            insta::assert_snapshot!(*name, text);
        }
    });
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests")
        .join(directory);
    let files = fs::read_dir(path).unwrap();
    let files = files.map(|file| file.unwrap().file_name().into_string().unwrap());
    let names: BTreeSet<String> = texts
        .iter()
        .map(|(name, _)| format!("{name}.snap"))
        .collect();
    assert_eq!(names, files.collect());
    assert_eq!(names.len(), texts.len(), "a name is there twice");
}

#[test]
fn each_bad_input_has_its_message() {
    let texts = bad_inputs().into_iter().map(|(name, file)| {
        let message = message(&file);
        (
            name,
            message.unwrap_or_else(|| panic!("{name} should be bad")),
        )
    });
    check("bad_inputs", &texts.collect::<Vec<_>>());
}

#[test]
fn there_are_at_least_60_bad_inputs_and_no_two_are_the_same() {
    let inputs = bad_inputs();
    let files: BTreeSet<&[u8]> = inputs.iter().map(|(_, file)| file.as_slice()).collect();
    assert_eq!(files.len(), inputs.len());
    assert!(files.len() >= 60, "{} bad inputs", files.len());
}

#[test]
fn each_odd_input_is_read() {
    let texts = odd_inputs().into_iter().map(|(name, file)| {
        let mut source = Symbols::new(&file);
        let symbols: Vec<_> = source
            .by_ref()
            .map(|symbol| format!("{:?}", symbol.unwrap()))
            .collect();
        let dialect = source.format().unwrap().dialect;
        assert_eq!(message(&file), None, "{name}");
        (name, format!("{dialect}\n{}", symbols.join("\n")))
    });
    check("odd_inputs", &texts.collect::<Vec<_>>());
}

/// Wherever a copy ends, other than after a line, that is told of the last line.
#[test]
fn a_file_cut_anywhere_is_bad() {
    for file in [
        "ffffffff81000000 8 T _stext\nffffffff81000008 1f t next\t[a] [b]\nffffffff82000000 0 B _end\n",
        "ffffffff81000000 T _stext\nffffffff81000008 t next\t[a] [b] {c.o}\nffffffff82000000 B _end\n",
        "c0008000 T _text\nbf000000 t next\t[a]\n",
    ] {
        for length in 1..file.len() {
            let cut = &file.as_bytes()[..length];
            let errors: Vec<_> = Symbols::new(cut).filter_map(Result::err).collect();
            let is_whole = cut.ends_with(b"\n");
            assert_eq!(
                errors.len(),
                usize::from(!is_whole),
                "{}",
                cut.escape_ascii()
            );
            if let [error] = errors[..] {
                let lines = cut.split(|&byte| byte == b'\n').count();
                assert_eq!(error.position.line, lines, "{}", cut.escape_ascii());
            }
        }
    }
}

/// The longest line that a kernel of any dialect can print is read, one byte more in its name is not.
#[test]
fn names_of_every_length() {
    for length in 1..=600 {
        let name: String = iter::repeat_n('n', length).collect();
        let file = format!("ffffffff81000000 8 T {name}\t[ext4]\n");
        let read = Symbols::new(file.as_bytes()).next().unwrap();
        match read {
            Ok(symbol) => assert_eq!(symbol.name.len(), length),
            Err(error) => assert_eq!(error.kind, ErrorKind::NameLength(length)),
        }
        assert_eq!(read.is_ok(), length <= 511, "{length}");
    }
}

/// Two modules make a file without sizes one of another dialect, unless the reader knows that it is kallsyms.
#[test]
fn second_module_in_kallsyms() {
    let file = b"ffffffff81000000 T f\t[a] [b]\n";
    assert!(Symbols::new(file).all(|symbol| symbol.is_ok()));
    let format = Format {
        dialect: Dialect::Kallsyms,
        ..Format::default()
    };
    let error = Symbols::with_format(file, format).find_map(Result::err);
    let error = error.expect("kallsyms has one module a line");
    assert_eq!(error.kind, ErrorKind::SecondModule);
    assert_eq!(error.position.column, 26);
}
