// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Lines that no kernel prints, each with the message that a user gets: the first error of the file.

use kallmodsyms::{Dialect, ErrorKind, Format, Symbols};

fn first_error(file: &[u8]) -> String {
    let error = Symbols::new(file).find_map(Result::err);
    let error = error.expect("the file should be bad");
    error.diagnostic("bad", file).to_string()
}

/// An empty line.
#[test]
fn empty_line() {
    let file = b"ffffffff81000000 8 T _stext\n\n";
    insta::assert_snapshot!(first_error(file), @r"
    error[fields]: expected a symbol, found an empty line
     --> bad:2:1
      |
    2 | 
      | ^
      = a line is: address, size if the file has sizes, type, name; then a tab and modules, if any
    ");
}

/// CR LF.
#[test]
fn crlf() {
    let file = b"ffffffff81000000 8 T _stext\r\n";
    insta::assert_snapshot!(first_error(file), @r"
    error[newline]: expected the line to end in LF alone, found CR LF
     --> bad:1:28
      |
    1 | ffffffff81000000 8 T _stext\r
      |                            ^
      = was the copy cut short (read it again), or did a tool rewrite line ends (undo with tr -d '\r')?
    ");
}

/// NUL, as in a sparse copy.
#[test]
fn nul() {
    let file = b"ffffffff81000000 8 T _stext\nffffffff81000008 8 T na\0me\n";
    insta::assert_snapshot!(first_error(file), @r"
    error[name]: expected text, found a NUL byte
     --> bad:2:24
      |
    2 | ffffffff81000008 8 T na\x00me
      |                        ^
      = names have 1 to 511 bytes, none of them a blank or NUL; is the file text, and whole?
    ");
}

/// A blank at the end.
#[test]
fn trailing_blank() {
    let file = b"ffffffff81000000 8 T _stext \n";
    insta::assert_snapshot!(first_error(file), @r"
    error[blanks]: expected the line to end after its last field, found a trailing blank
     --> bad:1:28
      |
    1 | ffffffff81000000 8 T _stext 
      |                            ^
      = fields are separated by exactly one blank: was the file edited?
    ");
}

/// A tab and nothing after it.
#[test]
fn trailing_tab() {
    let file = b"ffffffff81000000 8 T _stext\t\n";
    insta::assert_snapshot!(first_error(file), @r"
    error[blanks]: expected the line to end after its last field, found a trailing blank
     --> bad:1:28
      |
    1 | ffffffff81000000 8 T _stext\t
      |                            ^
      = fields are separated by exactly one blank: was the file edited?
    ");
}

/// A blank at the start.
#[test]
fn leading_blank() {
    let file = b"ffffffff81000000 8 T _stext\n ffffffff81000008 8 T next\n";
    insta::assert_snapshot!(first_error(file), @r"
    error[blanks]: expected a field, found a blank
     --> bad:2:1
      |
    2 |  ffffffff81000008 8 T next
      | ^
      = fields are separated by exactly one blank: was the file edited?
    ");
}

/// Two blanks.
#[test]
fn two_blanks() {
    let file = b"ffffffff81000000 8 T _stext\nffffffff81000008  8 T next\n";
    insta::assert_snapshot!(first_error(file), @r"
    error[blanks]: expected a field, found a blank
     --> bad:2:18
      |
    2 | ffffffff81000008  8 T next
      |                  ^
      = fields are separated by exactly one blank: was the file edited?
    ");
}

/// A blank where the size belongs.
#[test]
fn two_blanks_for_a_size() {
    let file = b"ffffffff81000000 8 T _stext\nffffffff81000008  T next\n";
    insta::assert_snapshot!(first_error(file), @r"
    error[blanks]: expected a field, found a blank
     --> bad:2:18
      |
    2 | ffffffff81000008  T next
      |                  ^
      = fields are separated by exactly one blank: was the file edited?
    ");
}

/// No name before the tab.
#[test]
fn no_name() {
    let file = b"ffffffff81000000 8 T _stext\nffffffff81000008 8 T \t[ext4]\n";
    insta::assert_snapshot!(first_error(file), @r"
    error[name]: expected a name before the tab, found none
     --> bad:2:22
      |
    2 | ffffffff81000008 8 T \t[ext4]
      |                      ^
      = names have 1 to 511 bytes, none of them a blank or NUL; is the file text, and whole?
    ");
}

/// A line cut after the address.
#[test]
fn cut_after_address() {
    let file = b"ffffffff81000000 8 T _stext\nffffffff81000008\n";
    insta::assert_snapshot!(first_error(file), @r"
    error[fields]: expected 4 fields before the tab, found 1
     --> bad:2:17
      |
    2 | ffffffff81000008
      |                 ^
      = a line is: address, size if the file has sizes, type, name; then a tab and modules, if any
    ");
}

/// A line cut after the type.
#[test]
fn cut_after_type() {
    let file = b"ffffffff81000000 8 T _stext\nffffffff81000008 8 T\n";
    insta::assert_snapshot!(first_error(file), @r"
    error[fields]: expected 4 fields before the tab, found 3
     --> bad:2:21
      |
    2 | ffffffff81000008 8 T
      |                     ^
      = a line is: address, size if the file has sizes, type, name; then a tab and modules, if any
    ");
}

/// A name with a blank.
#[test]
fn blank_in_name() {
    let file = b"ffffffff81000000 8 T _stext\nffffffff81000008 8 T two words\n";
    insta::assert_snapshot!(first_error(file), @r"
    error[fields]: expected 4 fields before the tab, found 5
     --> bad:2:26
      |
    2 | ffffffff81000008 8 T two words
      |                          ^
      = a line is: address, size if the file has sizes, type, name; then a tab and modules, if any
    ");
}

/// A line of kallsyms in a sized file.
#[test]
fn size_missing() {
    let file = b"ffffffff81000000 8 T _stext\nffffffff81000008 T next\n";
    insta::assert_snapshot!(first_error(file), @r"
    error[dialect]: expected 4 fields as on the lines before, found a line of 3
     --> bad:2:1
      |
    2 | ffffffff81000008 T next
      | ^
      = one file has one format: were two put together, lines edited, or the wrong file named?
    ");
}

/// The same where the type could be a size.
#[test]
fn size_missing_hex_type() {
    let file = b"ffffffff81000000 8 T _stext\nffffffff81000008 d next\n";
    insta::assert_snapshot!(first_error(file), @r"
    error[dialect]: expected 4 fields as on the lines before, found a line of 3
     --> bad:2:1
      |
    2 | ffffffff81000008 d next
      | ^
      = one file has one format: were two put together, lines edited, or the wrong file named?
    ");
}

/// The same where the name could be a type.
#[test]
fn size_missing_named_t() {
    let file = b"ffffffff81000000 8 T _stext\nffffffff81000008 d t\n";
    insta::assert_snapshot!(first_error(file), @r"
    error[dialect]: expected 4 fields as on the lines before, found a line of 3
     --> bad:2:1
      |
    2 | ffffffff81000008 d t
      | ^
      = one file has one format: were two put together, lines edited, or the wrong file named?
    ");
}

/// A sized line in kallsyms.
#[test]
fn size_added() {
    let file = b"ffffffff81000000 T _stext\nffffffff81000008 d t t\n";
    insta::assert_snapshot!(first_error(file), @r"
    error[dialect]: expected 3 fields as on the lines before, found a line of 4
     --> bad:2:1
      |
    2 | ffffffff81000008 d t t
      | ^
      = one file has one format: were two put together, lines edited, or the wrong file named?
    ");
}

/// 17 digits.
#[test]
fn address_17_digits() {
    let file = b"ffffffff81000000 8 T _stext\nffffffff810000080 8 T next\n";
    insta::assert_snapshot!(first_error(file), @r"
    error[address]: expected an address of 16 digits, found 17
     --> bad:2:1
      |
    2 | ffffffff810000080 8 T next
      | ^
      = addresses have 16 digits, 8 on a 32-bit kernel: zero-padded, lower case, no prefix
    ");
}

/// 15 digits.
#[test]
fn address_15_digits() {
    let file = b"ffffffff81000000 8 T _stext\nfffffff81000008 8 T next\n";
    insta::assert_snapshot!(first_error(file), @r"
    error[address]: expected an address of 16 digits, found 15
     --> bad:2:1
      |
    2 | fffffff81000008 8 T next
      | ^
      = addresses have 16 digits, 8 on a 32-bit kernel: zero-padded, lower case, no prefix
    ");
}

/// A 32-bit address in a 64-bit file.
#[test]
fn address_32_bits() {
    let file = b"ffffffff81000000 8 T _stext\nc0008000 8 T next\n";
    insta::assert_snapshot!(first_error(file), @r"
    error[address]: expected an address of 16 digits, found 8
     --> bad:2:1
      |
    2 | c0008000 8 T next
      | ^
      = addresses have 16 digits, 8 on a 32-bit kernel: zero-padded, lower case, no prefix
    ");
}

/// A 64-bit address in a 32-bit file.
#[test]
fn address_64_bits() {
    let file = b"c0008000 T _text\nffffffff81000000 T _stext\n";
    insta::assert_snapshot!(first_error(file), @r"
    error[address]: expected an address of 8 digits, found 16
     --> bad:2:1
      |
    2 | ffffffff81000000 T _stext
      | ^
      = addresses have 16 digits, 8 on a 32-bit kernel: zero-padded, lower case, no prefix
    ");
}

/// Upper-case hex in the address.
#[test]
fn address_upper_case() {
    let file = b"ffffffff81000000 8 T _stext\nffffffff8100000A 8 T next\n";
    insta::assert_snapshot!(first_error(file), @r"
    error[address]: expected a lower-case hex digit in the address, found `A`
     --> bad:2:16
      |
    2 | ffffffff8100000A 8 T next
      |                ^
      = addresses have 16 digits, 8 on a 32-bit kernel: zero-padded, lower case, no prefix
    ");
}

/// A prefix.
#[test]
fn address_prefix() {
    let file = b"ffffffff81000000 8 T _stext\n0xffff8100000008 8 T next\n";
    insta::assert_snapshot!(first_error(file), @r"
    error[address]: expected a lower-case hex digit in the address, found `x`
     --> bad:2:2
      |
    2 | 0xffff8100000008 8 T next
      |  ^
      = addresses have 16 digits, 8 on a 32-bit kernel: zero-padded, lower case, no prefix
    ");
}

/// Upper-case hex in the size.
#[test]
fn size_upper_case() {
    let file = b"ffffffff81000000 8 T _stext\nffffffff81000008 1F T next\n";
    insta::assert_snapshot!(first_error(file), @r"
    error[size]: expected a lower-case hex digit in the size, found `F`
     --> bad:2:19
      |
    2 | ffffffff81000008 1F T next
      |                   ^
      = sizes are printed with %lx: lower case, no prefix, no leading zero
    ");
}

/// A size with a leading zero.
#[test]
fn size_leading_zero() {
    let file = b"ffffffff81000000 8 T _stext\nffffffff81000008 01f T next\n";
    insta::assert_snapshot!(first_error(file), @r"
    error[size]: expected a size without leading zeros
     --> bad:2:18
      |
    2 | ffffffff81000008 01f T next
      |                  ^
      = sizes are printed with %lx: lower case, no prefix, no leading zero
    ");
}

/// Zero, printed twice.
#[test]
fn size_two_zeros() {
    let file = b"ffffffff81000000 8 T _stext\nffffffff81000008 00 T next\n";
    insta::assert_snapshot!(first_error(file), @r"
    error[size]: expected a size without leading zeros
     --> bad:2:18
      |
    2 | ffffffff81000008 00 T next
      |                  ^
      = sizes are printed with %lx: lower case, no prefix, no leading zero
    ");
}

/// A size of 17 digits.
#[test]
fn size_17_digits() {
    let file = b"ffffffff81000000 8 T _stext\nffffffff81000008 11111111111111111 T next\n";
    insta::assert_snapshot!(first_error(file), @r"
    error[size]: expected a size of at most 16 digits, found 17
     --> bad:2:18
      |
    2 | ffffffff81000008 11111111111111111 T next
      |                  ^
      = sizes are printed with %lx: lower case, no prefix, no leading zero
    ");
}

/// A size below zero.
#[test]
fn size_negative() {
    let file = b"ffffffff81000000 8 T _stext\nffffffff81000008 -8 T next\n";
    insta::assert_snapshot!(first_error(file), @r"
    error[size]: expected a lower-case hex digit in the size, found `-`
     --> bad:2:18
      |
    2 | ffffffff81000008 -8 T next
      |                  ^
      = sizes are printed with %lx: lower case, no prefix, no leading zero
    ");
}

/// A digit for the type.
#[test]
fn type_digit() {
    let file = b"ffffffff81000000 8 T _stext\nffffffff81000008 8 8 next\n";
    insta::assert_snapshot!(first_error(file), @r"
    error[type]: expected a letter or `?` for the type, found `8`
     --> bad:2:20
      |
    2 | ffffffff81000008 8 8 next
      |                    ^
      = the type is the letter that nm prints
    ");
}

/// Two letters for the type.
#[test]
fn type_two_letters() {
    let file = b"ffffffff81000000 8 T _stext\nffffffff81000008 8 Tt next\n";
    insta::assert_snapshot!(first_error(file), @r"
    error[type]: expected a type of one letter, found 2 bytes
     --> bad:2:20
      |
    2 | ffffffff81000008 8 Tt next
      |                    ^
      = the type is the letter that nm prints
    ");
}

/// A byte that is no letter for the type.
#[test]
fn type_not_ascii() {
    let file = b"ffffffff81000000 8 T _stext\nffffffff81000008 8 \xe9 next\n";
    insta::assert_snapshot!(first_error(file), @r"
    error[type]: expected a letter or `?` for the type, found byte 0xe9
     --> bad:2:20
      |
    2 | ffffffff81000008 8 \xe9 next
      |                    ^
      = the type is the letter that nm prints
    ");
}

/// What scanf takes for a blank.
#[test]
fn name_vertical_tab() {
    let file = b"ffffffff81000000 8 T _stext\nffffffff81000008 8 T na\x0bme\n";
    insta::assert_snapshot!(first_error(file), @r"
    error[name]: expected a name without blanks, found byte 0x0b
     --> bad:2:24
      |
    2 | ffffffff81000008 8 T na\x0bme
      |                        ^
      = names have 1 to 511 bytes, none of them a blank or NUL; is the file text, and whole?
    ");
}

/// A module without brackets.
#[test]
fn module_bare() {
    let file = b"ffffffff81000000 8 T _stext\nffffffff81000008 8 T next\text4\n";
    insta::assert_snapshot!(first_error(file), @r"
    error[modules]: expected `[` and a module, found `e`
     --> bad:2:27
      |
    2 | ffffffff81000008 8 T next\text4
      |                            ^
      = modules follow one tab, each in brackets, one blank between: [a] [b]
    ");
}

/// A module after a blank in place of the tab.
#[test]
fn module_after_blank() {
    let file = b"ffffffff81000000 8 T _stext\nffffffff81000008 8 T next [ext4]\n";
    insta::assert_snapshot!(first_error(file), @r"
    error[fields]: expected 4 fields before the tab, found 5
     --> bad:2:27
      |
    2 | ffffffff81000008 8 T next [ext4]
      |                           ^
      = a line is: address, size if the file has sizes, type, name; then a tab and modules, if any
    ");
}

/// Two tabs.
#[test]
fn module_two_tabs() {
    let file = b"ffffffff81000000 8 T _stext\nffffffff81000008 8 T next\t\t[ext4]\n";
    insta::assert_snapshot!(first_error(file), @r"
    error[modules]: expected `[` and a module, found a tab
     --> bad:2:27
      |
    2 | ffffffff81000008 8 T next\t\t[ext4]
      |                            ^
      = modules follow one tab, each in brackets, one blank between: [a] [b]
    ");
}

/// Brackets around nothing.
#[test]
fn module_empty() {
    let file = b"ffffffff81000000 8 T _stext\nffffffff81000008 8 T next\t[]\n";
    insta::assert_snapshot!(first_error(file), @r"
    error[modules]: expected a module's name between the brackets, found none
     --> bad:2:28
      |
    2 | ffffffff81000008 8 T next\t[]
      |                             ^
      = modules follow one tab, each in brackets, one blank between: [a] [b]
    ");
}

/// A bracket not closed.
#[test]
fn module_not_closed() {
    let file = b"ffffffff81000000 8 T _stext\nffffffff81000008 8 T next\t[ext4\n";
    insta::assert_snapshot!(first_error(file), @r"
    error[modules]: expected `]` after the module, found the end of the line
     --> bad:2:32
      |
    2 | ffffffff81000008 8 T next\t[ext4
      |                                 ^
      = modules follow one tab, each in brackets, one blank between: [a] [b]
    ");
}

/// A name as a file has it.
#[test]
fn module_hyphen() {
    let file = b"ffffffff81000000 8 T _stext\nffffffff81000008 8 T next\t[snd-hda-intel]\n";
    insta::assert_snapshot!(first_error(file), @r"
    error[modules]: expected the name of a module as lsmod prints it, found `-`
     --> bad:2:31
      |
    2 | ffffffff81000008 8 T next\t[snd-hda-intel]
      |                                ^
      = modules follow one tab, each in brackets, one blank between: [a] [b]
    ");
}

/// A path.
#[test]
fn module_path() {
    let file = b"ffffffff81000000 8 T _stext\nffffffff81000008 8 T next\t[fs/ext4]\n";
    insta::assert_snapshot!(first_error(file), @r"
    error[modules]: expected the name of a module as lsmod prints it, found `/`
     --> bad:2:30
      |
    2 | ffffffff81000008 8 T next\t[fs/ext4]
      |                               ^
      = modules follow one tab, each in brackets, one blank between: [a] [b]
    ");
}

/// Brackets within brackets.
#[test]
fn module_nested() {
    let file = b"ffffffff81000000 8 T _stext\nffffffff81000008 8 T next\t[a[b]]\n";
    insta::assert_snapshot!(first_error(file), @r"
    error[modules]: expected the name of a module as lsmod prints it, found `[`
     --> bad:2:29
      |
    2 | ffffffff81000008 8 T next\t[a[b]]
      |                              ^
      = modules follow one tab, each in brackets, one blank between: [a] [b]
    ");
}

/// No blank between modules.
#[test]
fn modules_without_blank() {
    let file = b"ffffffff81000000 8 T _stext\nffffffff81000008 8 T next\t[a][b]\n";
    insta::assert_snapshot!(first_error(file), @r"
    error[modules]: expected a blank or the end of the line after `]`, found `[`
     --> bad:2:30
      |
    2 | ffffffff81000008 8 T next\t[a][b]
      |                               ^
      = modules follow one tab, each in brackets, one blank between: [a] [b]
    ");
}

/// A comma between modules.
#[test]
fn modules_comma() {
    let file = b"ffffffff81000000 8 T _stext\nffffffff81000008 8 T next\t[a, b]\n";
    insta::assert_snapshot!(first_error(file), @r"
    error[modules]: expected the name of a module as lsmod prints it, found a blank
     --> bad:2:30
      |
    2 | ffffffff81000008 8 T next\t[a, b]
      |                               ^
      = modules follow one tab, each in brackets, one blank between: [a] [b]
    ");
}

/// An object file in a sized file.
#[test]
fn object_in_sized() {
    let file = b"ffffffff81000000 8 T _stext\nffffffff81000008 8 T next\t[a] {a.o}\n";
    insta::assert_snapshot!(first_error(file), @r"
    error[object]: expected no object file in the sized dialect, found one
     --> bad:2:31
      |
    2 | ffffffff81000008 8 T next\t[a] {a.o}
      |                                ^
      = an object file stands last, in braces, and ends in .o: {file.o}
    ");
}

/// A brace not closed.
#[test]
fn object_not_closed() {
    let file = b"ffffffff81000000 T _stext\nffffffff81000008 T next\t{a.o\n";
    insta::assert_snapshot!(first_error(file), @r"
    error[object]: expected `}` after the object file, found the end of the line
     --> bad:2:29
      |
    2 | ffffffff81000008 T next\t{a.o
      |                              ^
      = an object file stands last, in braces, and ends in .o: {file.o}
    ");
}

/// Braces around nothing.
#[test]
fn object_empty() {
    let file = b"ffffffff81000000 T _stext\nffffffff81000008 T next\t{}\n";
    insta::assert_snapshot!(first_error(file), @r"
    error[object]: expected an object file, `{file.o}`, found something else in braces
     --> bad:2:25
      |
    2 | ffffffff81000008 T next\t{}
      |                          ^
      = an object file stands last, in braces, and ends in .o: {file.o}
    ");
}

/// A file that is no object.
#[test]
fn object_no_suffix() {
    let file = b"ffffffff81000000 T _stext\nffffffff81000008 T next\t{a.c}\n";
    insta::assert_snapshot!(first_error(file), @r"
    error[object]: expected an object file, `{file.o}`, found something else in braces
     --> bad:2:25
      |
    2 | ffffffff81000008 T next\t{a.c}
      |                          ^
      = an object file stands last, in braces, and ends in .o: {file.o}
    ");
}

/// A module after the object file.
#[test]
fn object_not_last() {
    let file = b"ffffffff81000000 T _stext\nffffffff81000008 T next\t{a.o} [a]\n";
    insta::assert_snapshot!(first_error(file), @r"
    error[object]: expected the end of the line after `}`, found a blank
     --> bad:2:30
      |
    2 | ffffffff81000008 T next\t{a.o} [a]
      |                               ^
      = an object file stands last, in braces, and ends in .o: {file.o}
    ");
}

/// A copy cut short.
#[test]
fn no_last_newline() {
    let file = b"ffffffff81000000 8 T _stext\nffffffff81000008 8 T nex";
    insta::assert_snapshot!(first_error(file), @r"
    error[newline]: expected a line feed, found the end of the file
     --> bad:2:25
      |
    2 | ffffffff81000008 8 T nex
      |                         ^
      = was the copy cut short (read it again), or did a tool rewrite line ends (undo with tr -d '\r')?
    ");
}

/// Not text at all.
#[test]
fn not_text() {
    let file = b"\x7fELF\x02\x01\x01\n";
    insta::assert_snapshot!(first_error(file), @r"
    error[fields]: expected 4 fields before the tab, found 1
     --> bad:1:8
      |
    1 | \x7fELF\x02\x01\x01
      |                    ^
      = a line is: address, size if the file has sizes, type, name; then a tab and modules, if any
    ");
}

/// The longest name passes, one byte more does not. Only the part of the line around the place is shown.
#[test]
fn name_512_bytes() {
    let line = |length| format!("ffffffff81000000 8 T {}\n", "n".repeat(length));
    assert!(Symbols::new(line(511).as_bytes()).all(|symbol| symbol.is_ok()));
    insta::assert_snapshot!(first_error(line(512).as_bytes()), @r"
    error[name]: expected a name of at most 511 bytes, found 512
     --> bad:1:22
      |
    1 | ffffffff81000000 8 T nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn...
      |                      ^
      = names have 1 to 511 bytes, none of them a blank or NUL; is the file text, and whole?
    ");
}

/// An error far into a long line is shown with what stands around it.
#[test]
fn module_after_a_long_name() {
    let file = format!("ffffffff81000000 8 T {}\t[a-b]\n", "n".repeat(300));
    insta::assert_snapshot!(first_error(file.as_bytes()), @r"
    error[modules]: expected the name of a module as lsmod prints it, found `-`
     --> bad:1:325
      |
    1 | ...nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn\t[a-b]
      |                                                                 ^
      = modules follow one tab, each in brackets, one blank between: [a] [b]
    ");
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
