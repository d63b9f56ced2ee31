// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Names in all the forms in which people have them: of a compiler, of Rust's source code, with what tools put around.

mod common;

use common::Files;
use insta::assert_snapshot;

/// Code of clang and of Rust, built in and loaded.
const KERNEL: &str = "\
ffffffff81000000 0 T _stext
ffffffff81000000 40 T vfs_read
ffffffff81000040 40 t ovl_create.llvm.10133695243223489424\t[overlay]
ffffffff81000080 40 t _RNvMs_NtCsl7L7n58I0Vr_6kernel8seq_fileINtB4_16OperationsVTableNtCsgGVmUSM6vPM_11kallmodsyms6ReaderE13next_callbackB10_
ffffffff810000c0 40 t _ZN62_$LT$core..cell..BorrowError$u20$as$u20$core..fmt..Display$GT$3fmt17h0123456789abcdefE
ffffffff81001000 0 B _end
ffffffffc0000000 20 t _RNvCs1234_6rust_m4init\t[rust_m]
";

fn kernel() -> Files {
    Files::new(&[("kernel", KERNEL)])
}

#[test]
fn names_of_rust_are_printed_as_in_its_source() {
    let files = kernel();
    assert_snapshot!(files.good(&["lookup", "ffffffff81000084", "ffffffff810000c0", "ffffffffc0000001", "--demangle"]), @r"
    ffffffff81000084 <kernel::seq_file::OperationsVTable<kallmodsyms::Reader>>::next_callback+0x4/0x40
    ffffffff810000c0 <core::cell::BorrowError as core::fmt::Display>::fmt+0x0/0x40
    ffffffffc0000001 rust_m::init+0x1/0x20 [rust_m]
    ");
    assert_snapshot!(files.good(&["find", "--demangle=always", "_RNvC*"]), @r"ffffffffc0000000 20 t rust_m::init\t[rust_m]");
    assert_snapshot!(files.good(&["gaps", "--demangle", "--min-size", "1"]), @r"
    ffffffff81000100 f00 after <core::cell::BorrowError as core::fmt::Display>::fmt, before _end
    1 gap, 3,840 bytes
    ");
    let (_, out, _) = files.run(
        &["symbolize", "-i", "kernel", "--demangle"],
        "ffffffffc0000001\n",
    );
    assert_eq!(out, "ffffffffc0000001 (rust_m::init+0x1/0x20 [rust_m])\n");
    files.write("old", b"ffffffff81000000 0 T _stext\n");
    let (_, out, _) = files.run(&["diff", "old", "kernel", "--demangle"], "");
    assert!(
        out.contains("+ ffffffffc0000000 20 t rust_m::init\t[rust_m]\n"),
        "{out}"
    );
}

/// A pipe is no terminal, and what the kernel is to read never has them.
#[test]
fn names_of_rust_stay_where_programs_read_them() {
    let files = kernel();
    for option in [&[][..], &["--demangle=auto"], &["--demangle=never"]] {
        let arguments = [&["lookup", "ffffffffc0000001"], option].concat();
        assert_eq!(
            files.good(&arguments),
            "ffffffffc0000001 _RNvCs1234_6rust_m4init+0x1/0x20 [rust_m]\n"
        );
    }
    assert_eq!(files.good(&["dump"]), KERNEL.replace('\t', "\\t"));
    let (status, _, err) = files.run(&["dump", "-i", "kernel", "--demangle"], "");
    assert!(
        status == 2 && err.contains("unexpected argument '--demangle'"),
        "{err}"
    );
}

#[test]
fn names_of_rust_are_a_field_of_their_own() {
    assert_snapshot!(kernel().good(&["lookup", "--json", "ffffffffc0000001"]), @r#"{"query":"ffffffffc0000001","address":"0xffffffffc0000001","symbols":[{"offset":1,"address":"0xffffffffc0000000","size":32,"type":"t","name":"_RNvCs1234_6rust_m4init","demangled":"rust_m::init","modules":["rust_m"],"group":"loaded"}],"before":null,"after":null}"#);
}

#[test]
fn names_of_rust_are_found() {
    let files = kernel();
    let callback = "ffffffff81000080 40 t _RNvMs_NtCsl7L7n58I0Vr_6kernel8seq_fileINtB4_16OperationsVTableNtCsgGVmUSM6vPM_11kallmodsyms6ReaderE13next_callbackB10_\n";
    let fmt = "ffffffff810000c0 40 t _ZN62_$LT$core..cell..BorrowError$u20$as$u20$core..fmt..Display$GT$3fmt17h0123456789abcdefE\n";
    for (query, expected) in [
        (
            "<kernel::seq_file::OperationsVTable<kallmodsyms::Reader>>::next_callback",
            callback,
        ),
        ("*seq_file::*next_callback", callback),
        ("*seq_file*", callback),
        ("_RNvMs_*", callback),
        ("<core::cell::BorrowError as core::fmt::Display>::fmt", fmt),
        // With the hash, and one of its letters as a pattern.
        (
            "<core::cell::BorrowError as core::fmt::Display>::fmt::h0123456789abcdef",
            fmt,
        ),
        (
            "<core::cell::BorrowError as core::fmt::Display>::fm[t]",
            fmt,
        ),
        (
            "rust_m`rust_m::init",
            "ffffffffc0000000 20 t _RNvCs1234_6rust_m4init\\t[rust_m]\n",
        ),
        (
            "rust_m::init",
            "ffffffffc0000000 20 t _RNvCs1234_6rust_m4init\\t[rust_m]\n",
        ),
    ] {
        assert_eq!(files.good(&["find", query]), expected, "{query}");
    }
    for (option, query) in [
        ("--ignore-case", "RUST_M::INIT"),
        ("--ignore-case", "RUST_M`*INIT"),
        ("--ignore-case", "_rnvCs1234_6rust_m4init"),
    ] {
        assert_eq!(
            files.good(&["find", option, query]),
            "ffffffffc0000000 20 t _RNvCs1234_6rust_m4init\\t[rust_m]\n"
        );
    }
    assert_eq!(
        files
            .run(&["find", "-i", "kernel", "overlay`rust_m::init"], "")
            .0,
        1
    );

    // As they are printed.
    for text in [
        "rust_m::init+0x1/0x20 [rust_m]",
        "rust_m::init+0x1",
        "rust_m`rust_m::init+1",
    ] {
        assert_eq!(
            files.good(&["lookup", text]),
            "ffffffffc0000001 _RNvCs1234_6rust_m4init+0x1/0x20 [rust_m]\n",
            "{text}"
        );
    }
    let place = "<core::cell::BorrowError as core::fmt::Display>::fmt+0x4/0x40";
    assert_eq!(
        files.good(&["lookup", "--demangle", place]),
        format!("ffffffff810000c4 {place}\n")
    );
}

/// A kernel whose compiler checks calls through pointers and takes functions out of the scope of their files.
const RENAMED: &str = "\
ffffffc008000000 T _stext
ffffffc008000040 t set_attr.c6d0a1f2e3b4c6d0a1f2e3b4c6d0a1f2
ffffffc008000060 t set_attr.c6d0a1f2e3b4c6d0a1f2e3b4c6d0a1f2.cfi_jt
ffffffc008000068 t vfs_read.cfi_jt
ffffffc008000090 T vfs_read.cfi
ffffffc0080000a0 t __cfi_vfs_write
ffffffc0080000b0 T vfs_write
ffffffc0080000c0 t vfs_write.llvm.1
ffffffc0080000d0 t ovl_create.llvm.10133695243223489424
ffffffc008001000 B _end
";

#[test]
fn what_a_compiler_renamed_is_found() {
    let files = Files::new(&[("kernel", RENAMED)]);
    for (text, expected) in [
        (
            "vfs_read+0x4",
            "ffffffc00800006c vfs_read.cfi_jt+0x4\nffffffc008000094 vfs_read.cfi+0x4\n",
        ),
        (
            "ovl_create+0x2",
            "ffffffc0080000d2 ovl_create.llvm.10133695243223489424+0x2\n",
        ),
        ("vfs_read.cfi", "ffffffc008000090 vfs_read.cfi+0x0\n"),
        ("vfs_write", "ffffffc0080000b0 vfs_write+0x0\n"),
    ] {
        assert_eq!(files.good(&["lookup", text]), expected, "{text}");
    }
    for (name, count) in [
        ("vfs_read", 2),
        ("set_attr", 2),
        ("vfs_write", 1),
        ("ovl_*", 1),
        ("*_attr", 2),
    ] {
        let out = files.good(&["find", "--fold-llvm", name]);
        assert_eq!(out.lines().count(), count, "{out}");
        if !out.contains(" vfs_write\n") && name != "ovl_*" {
            let (status, _, err) = files.run(&["find", "-i", "kernel", name], "");
            assert_eq!(status, 1);
            assert!(err.ends_with("(with --fold-llvm some are)\n"), "{err}");
        }
    }
    assert_eq!(
        files
            .good(&["find", "--fold-llvm", "--ignore-case", "VFS_Read"])
            .lines()
            .count(),
        2
    );
}

/// A name goes before a number, a number with 0x is none.
#[test]
fn names_that_are_numbers() {
    let files = Files::new(&[(
        "kernel",
        "ffffffff81000000 T _text\nffffffff81e820a0 D e820\nffffffff81f00000 t cd\nffffffff82000000 B _end\n",
    )]);
    for (text, expected) in [
        ("e820", "ffffffff81e820a0 e820+0x0\n"),
        ("cd+0x4", "ffffffff81f00004 cd+0x4\n"),
        ("ffffffff81f00004", "ffffffff81f00004 cd+0x4\n"),
    ] {
        assert_eq!(files.good(&["lookup", text]), expected, "{text}");
    }
    for (text, start) in [
        ("820", "0000000000000820 in no symbol: "),
        ("0xe820", "000000000000e820 in no symbol: "),
    ] {
        let (status, out, err) = files.run(&["lookup", "-i", "kernel", text], "");
        assert_eq!((status, err.as_str()), (1, ""));
        assert!(out.starts_with(start), "{out}");
    }
}

/// Of the names of one function the one that was asked for is printed; of an address the one that the kernel prefers.
#[test]
fn the_name_that_was_asked_for() {
    let files = Files::new(&[("kernel", common::KERNEL)]);
    for (text, expected) in [
        (
            "vfs_read_alias+0x4",
            "ffffffff81000004 vfs_read_alias+0x4/0x40\n",
        ),
        ("vfs_read+0x4", "ffffffff81000004 vfs_read+0x4/0x40\n"),
        ("ffffffff81000004", "ffffffff81000004 vfs_read+0x4/0x40\n"),
        // Where it is itself, it is printed, whatever else is there.
        (
            "vfs_read_alias",
            "ffffffff81000000 vfs_read_alias+0x0/0x40\n",
        ),
        ("_stext", "ffffffff81000000 _stext+0x0\n"),
        ("_stext+0x4", "ffffffff81000004 vfs_read+0x4/0x40\n"),
        ("_end", "ffffffff81005000 _end+0x0\n"),
        // What is in it is more exact.
        ("vfs_read_alias+0x12", "ffffffff81000012 inside+0x2/0x8\n"),
    ] {
        assert_eq!(files.good(&["lookup", text]), expected, "{text}");
    }
    let all = files.good(&["lookup", "--all", "vfs_read_alias"]);
    let first = all.lines().next();
    assert_eq!(first, Some("ffffffff81000000 vfs_read_alias+0x0/0x40"));
    assert_eq!(all.lines().count(), 3, "{all}");
    let json = files.good(&["lookup", "--json", "_stext"]);
    assert!(json.contains(r#""name":"_stext""#), "{json}");
}

/// Both names of a module's last function, with sizes and without, of unequal sizes, in several modules.
#[test]
fn the_alias_that_was_asked_for() {
    let lines = "\
ffffffffc0000000 20 t a_exit\t[a]
ffffffffc0000000 20 t cleanup_module\t[a]
ffffffffc0001000 20 t cleanup_module\t[b]
ffffffffc0001000 10 t b_exit\t[b]
";
    let unsized_lines = lines.replace(" 20 t", " t").replace(" 10 t", " t");
    let kernel = "ffffffff81000000 0 T _text\nffffffff81001000 0 B _end\n";
    let files = Files::new(&[
        ("kernel", [kernel, lines].concat()),
        (
            "plain",
            [&kernel.replace(" 0 ", " "), &unsized_lines[..]].concat(),
        ),
    ]);
    let both = "ffffffffc0000004 cleanup_module+0x4/0x20 [a]\nffffffffc0001004 cleanup_module+0x4/0x20 [b]\n";
    for (text, expected) in [
        ("cleanup_module+0x4", both),
        ("a:cleanup_module+0x4", &both[..both.len() / 2]),
        ("cleanup_module+0x4 [b]", &both[both.len() / 2..]),
        ("b:b_exit", "ffffffffc0001000 b_exit+0x0/0x10 [b]\n"),
    ] {
        assert_eq!(files.good(&["lookup", text]), expected, "{text}");
        let (status, out, err) = files.run(&["lookup", "-i", "plain", text], "");
        assert_eq!((status, err.as_str()), (0, ""), "{text}");
        assert_eq!(out, expected.replace("/0x20", "").replace("/0x10", ""));
    }
}

/// The kernel prints how far it is to the next symbol, other tools the size; what is neither is of another kernel.
#[test]
fn sizes_tell_symbols_apart() {
    let files = Files::new(&[(
        "kernel",
        "ffffffff81000000 11 t probe\t[a]\nffffffff81000020 11 t probe\t[b]\nffffffff81000050 8 T next\n\
         ffffffff81001000 0 B _end\n",
    )]);
    for (text, expected) in [
        ("probe+0x1/0x20", "ffffffff81000001 probe+0x1/0x11 [a]\n"),
        ("probe+0x1/0x30", "ffffffff81000021 probe+0x1/0x11 [b]\n"),
        (
            "probe+0x1/0x11",
            "ffffffff81000001 probe+0x1/0x11 [a]\nffffffff81000021 probe+0x1/0x11 [b]\n",
        ),
        (
            "probe+0x1/0x11 [b]",
            "ffffffff81000021 probe+0x1/0x11 [b]\n",
        ),
    ] {
        assert_eq!(files.good(&["lookup", text]), expected, "{text}");
    }
    for (text, note) in [
        (
            "next+0x4/0x99",
            "no next has 0x99 bytes here, but 0x8 (0xfb0 to the next symbol)",
        ),
        (
            "next+0xff0",
            "0xff0 is past the end of next, which has 0x8 (0xfb0 to the next symbol) here",
        ),
        (
            "next+0x9/0x8",
            "0x9 is past the end of next, which has 0x8 (0xfb0 to the next symbol) here",
        ),
    ] {
        let (_, out, err) = files.run(&["lookup", "-i", "kernel", text], "");
        assert!(out.starts_with("ffffffff810"), "{out}");
        assert_eq!(
            err,
            format!("kallmodsyms: note: {note}: is that of another kernel?\n")
        );
    }
}

#[test]
fn addresses_from_standard_input() {
    let files = Files::new(&[("kernel", common::KERNEL)]);
    let bytes = b"ffffffff81000004\n\n  0xffffffff81000044\r\nvfs_read+0x4/0x40\nffffffff81002000\nvfs_raed\nhello world\n\xff\nffffffff81000012";
    let (status, out, err) = files.run_bytes(&["lookup", "-i", "kernel"], bytes);
    assert_eq!(status, 0);
    assert_snapshot!(String::from_utf8_lossy(&out), @r"
    ffffffff81000004 vfs_read+0x4/0x40
    ffffffff81000044 probe+0x4/0x20 [ext4]
    ffffffff81000004 vfs_read+0x4/0x40
    ffffffff81002000 in no symbol: 0x1f80 after the end of probe.llvm.1234 [nfs], 0x1000 before table
    ffffffff81000012 inside+0x2/0x8
    ");
    assert_snapshot!(String::from_utf8_lossy(&err), @r"
    kallmodsyms: vfs_raed: no symbol has the name vfs_raed (did you mean vfs_read?)
    kallmodsyms: line 7: expected an address such as ffffffff81000000, or a name such as vfs_read+0x10, found `hello world`
    kallmodsyms: line 8: expected text, found bytes that are not UTF-8
    ");
    assert_eq!(
        files.run_bytes(&["lookup", "-i", "kernel", "-"], bytes).1,
        out
    );
    let (status, out, _) = files.run(&["lookup", "-i", "kernel", "--json"], "inside\nvfs_raed\n");
    assert_eq!(status, 0);
    assert_snapshot!(out, @r#"
    {"query":"inside","address":"0xffffffff81000010","symbols":[{"offset":0,"address":"0xffffffff81000010","size":8,"type":"t","name":"inside","modules":[],"group":"core"}],"before":null,"after":null}
    {"query":"vfs_raed","address":null,"symbols":[],"before":null,"after":null}
    "#);
    assert_eq!(files.run(&["lookup", "-i", "kernel"], "").0, 1);
    let (status, _, err) = files.run(&["lookup", "-i", "-"], common::KERNEL);
    assert_eq!(status, 2);
    assert!(
        err.contains("both the symbols and the addresses are to come from standard input"),
        "{err}"
    );
}

/// What may have been meant is said of so many names, as each takes a look at all symbols.
#[test]
fn suggestions_end() {
    let files = Files::new(&[("kernel", common::KERNEL)]);
    let (_, _, err) = files.run(&["lookup", "-i", "kernel"], "vfs_raed\n".repeat(40));
    assert_eq!(err.lines().count(), 40);
    assert_eq!(err.matches("did you mean").count(), 16);
    let arguments = [&["find", "-i", "kernel"][..], &["vfs_raed"; 40]].concat();
    let (_, _, err) = files.run(&arguments, "");
    assert_eq!(err.lines().count(), 40);
    assert_eq!(err.matches("did you mean").count(), 16);
}

/// An answer comes before the next question is asked.
#[test]
fn answers_come_at_once() {
    use std::io::{BufRead, BufReader, Write};

    let files = Files::new(&[("kernel", common::KERNEL)]);
    let mut child = files
        .command(&["lookup"])
        .spawn()
        .expect("to run the command");
    let mut questions = child.stdin.take().expect("a pipe");
    let mut answers = BufReader::new(child.stdout.take().expect("a pipe"));
    for _ in 0..3 {
        questions.write_all(b"inside\n").expect("to ask");
        let mut line = String::new();
        answers.read_line(&mut line).expect("an answer");
        assert_eq!(line, "ffffffff81000010 inside+0x0/0x8\n");
    }
    drop(questions);
    assert!(child.wait().expect("the command to end").success());
}

#[test]
fn another_installed_kernel() {
    let files = Files::new(&[("kernel", common::KERNEL)]);
    std::fs::create_dir_all(files.path().join("root/boot")).unwrap();
    files.write(
        "root/boot/System.map-6.1.0-rc1+",
        b"ffffffff81000000 T _text\nffffffff81000040 t f\nffffffff81001000 B _end\n",
    );
    let run = |arguments: &[&str]| files.run(&[arguments, &["--root", "root"]].concat(), "");
    let (status, out, err) = run(&["lookup", "-r", "6.1.0-rc1+", "f+4"]);
    assert_eq!(
        (status, out.as_str(), err.as_str()),
        (0, "ffffffff81000044 f+0x4\n", "")
    );
    let (_, out, _) = run(&["sources", "--release", "6.1.0-rc1+"]);
    assert!(
        out.starts_with("Linux 6.1.0-rc1+: 3 symbols\nmissing: "),
        "{out}"
    );
    let (_, out, _) = run(&["treemap", "-r", "6.1.0-rc1+", "--estimate", "--json"]);
    assert!(out.starts_with("{\"name\":\"Linux 6.1.0-rc1+\""), "{out}");
    let (status, out, _) = run(&["diff", "kernel", "-r", "6.1.0-rc1+", "--json"]);
    assert!(
        status == 1 && out.contains("\"new\":\"Linux 6.1.0-rc1+ of root\""),
        "{out}"
    );

    let (status, _, err) = run(&["lookup", "-r", "6.2", "f"]);
    assert_eq!(status, 2);
    assert_snapshot!(err, @r"kallmodsyms: no symbols of Linux 6.2 are installed: expected its vmlinux or its System.map; `ls /lib/modules` says which releases there may be");
    for release in ["../6.1", "..", ".", "a/b", ""] {
        let (status, _, err) = run(&["lookup", "-r", release, "f"]);
        assert!(
            status == 2 && err.contains("expected a release"),
            "{release:?}: {err}"
        );
    }
    let (status, _, err) = run(&["lookup", "-i", "kernel", "-r", "6.1.0-rc1+", "f"]);
    assert!(
        status == 2 && err.contains("leave one of them out"),
        "{err}"
    );
}

/// A picture is for people; in the tree the name of Rust's source is a field of its own.
#[test]
fn names_of_rust_in_pictures() {
    let files = kernel();
    let picture = files.good(&["treemap"]);
    assert!(picture.contains("rust_m::init [rust_m]"), "{picture}");
    assert!(!picture.contains("_RNv"), "{picture}");
    let tree = files.good(&["treemap", "--json"]);
    let node = "\"name\":\"_RNvCs1234_6rust_m4init\",\"bytes\":32,\"symbols\":1,\
                \"address\":\"0xffffffffc0000000\",\"demangled\":\"rust_m::init\"";
    assert!(tree.contains(node), "{tree}");
}
