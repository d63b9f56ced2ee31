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

/// The output of a command that finds what it looks for, with visible tabs.
fn good(files: &Files, arguments: &[&str]) -> String {
    let (status, out, err) = files.run(
        &[&arguments[..1], &["-i", "kernel"], &arguments[1..]].concat(),
        "",
    );
    assert_eq!((status, err.as_str()), (0, ""), "{arguments:?}");
    out.replace('\t', "\\t")
}

#[test]
fn names_of_rust_are_printed_as_in_its_source() {
    let files = kernel();
    assert_snapshot!(good(&files, &["lookup", "ffffffff81000084", "ffffffff810000c0", "ffffffffc0000001", "--demangle"]), @r"
    ffffffff81000084 <kernel::seq_file::OperationsVTable<kallmodsyms::Reader>>::next_callback+0x4/0x40
    ffffffff810000c0 <core::cell::BorrowError as core::fmt::Display>::fmt+0x0/0x40
    ffffffffc0000001 rust_m::init+0x1/0x20 [rust_m]
    ");
    assert_snapshot!(good(&files, &["find", "--demangle=always", "_RNvC*"]), @r"ffffffffc0000000 20 t rust_m::init\t[rust_m]");
    assert_snapshot!(good(&files, &["gaps", "--demangle", "--min-size", "1"]), @r"
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
            good(&files, &arguments),
            "ffffffffc0000001 _RNvCs1234_6rust_m4init+0x1/0x20 [rust_m]\n"
        );
    }
    assert_eq!(good(&files, &["dump"]), KERNEL.replace('\t', "\\t"));
    let (status, _, err) = files.run(&["dump", "-i", "kernel", "--demangle"], "");
    assert!(
        status == 2 && err.contains("unexpected argument '--demangle'"),
        "{err}"
    );
}

#[test]
fn names_of_rust_are_a_field_of_their_own() {
    assert_snapshot!(good(&kernel(), &["lookup", "--json", "ffffffffc0000001"]), @r#"{"query":"ffffffffc0000001","address":"0xffffffffc0000001","symbols":[{"offset":1,"address":"0xffffffffc0000000","size":32,"type":"t","name":"_RNvCs1234_6rust_m4init","demangled":"rust_m::init","modules":["rust_m"],"group":"loaded"}],"before":null,"after":null}"#);
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
        assert_eq!(good(&files, &["find", query]), expected, "{query}");
    }
    for (option, query) in [
        ("--ignore-case", "RUST_M::INIT"),
        ("--ignore-case", "RUST_M`*INIT"),
        ("--ignore-case", "_rnvCs1234_6rust_m4init"),
    ] {
        assert_eq!(
            good(&files, &["find", option, query]),
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
            good(&files, &["lookup", text]),
            "ffffffffc0000001 _RNvCs1234_6rust_m4init+0x1/0x20 [rust_m]\n",
            "{text}"
        );
    }
    let place = "<core::cell::BorrowError as core::fmt::Display>::fmt+0x4/0x40";
    assert_eq!(
        good(&files, &["lookup", "--demangle", place]),
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
        assert_eq!(good(&files, &["lookup", text]), expected, "{text}");
    }
    for (name, count) in [
        ("vfs_read", 2),
        ("set_attr", 2),
        ("vfs_write", 1),
        ("ovl_*", 1),
        ("*_attr", 2),
    ] {
        let out = good(&files, &["find", "--fold-llvm", name]);
        assert_eq!(out.lines().count(), count, "{out}");
        if !out.contains(" vfs_write\n") && name != "ovl_*" {
            let (status, _, err) = files.run(&["find", "-i", "kernel", name], "");
            assert_eq!(status, 1);
            assert!(err.ends_with("(with --fold-llvm some are)\n"), "{err}");
        }
    }
    assert_eq!(
        good(
            &files,
            &["find", "--fold-llvm", "--ignore-case", "VFS_Read"]
        )
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
        assert_eq!(good(&files, &["lookup", text]), expected, "{text}");
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

/// What may be pasted, in all the forms of kernels and tools.
#[test]
fn pasted_places() {
    let files = Files::new(&[("kernel", common::KERNEL)]);
    let vfs_read = "ffffffff81000004 vfs_read+0x4/0x40\n";
    let probe = "ffffffff81000044 probe+0x4/0x20 [ext4]\n";
    for (text, expected) in [
        ("[<ffffffff81000004>]", vfs_read),
        ("0xffffffff81000004,", vfs_read),
        ("0XFFFFFFFF81000004", vfs_read),
        ("ffffffff`81000004", vfs_read),
        ("*0xffffffff81000004", vfs_read),
        ("ffffffff81000004:", vfs_read),
        ("0xffffffff81000000+0x4", vfs_read),
        ("0xffffffff81000004L", vfs_read),
        ("0xffffffff81000004..0xffffffff81000008", vfs_read),
        ("vfs_read + 0x4", vfs_read),
        ("vfs_read +0x4/0x40", vfs_read),
        ("vfs_read+ 4", vfs_read),
        ("@[vfs_read+4]: 17", vfs_read),
        ("swapper;start;vfs_read+0x4 12", vfs_read),
        ("<4>vfs_read+0x4/0x40", vfs_read),
        ("$vfs_read+4", vfs_read),
        ("? vfs_read+0x4/0x40", vfs_read),
        ("RIP: 0010:vfs_read+0x4/0x40", vfs_read),
        ("0010:vfs_read+0x4/0x40", vfs_read),
        ("EIP: vfs_read+0x4/0x40", vfs_read),
        (
            "RIP: 0010:[<ffffffff81000004>]  [<ffffffff81000004>] vfs_read+0x4/0x40",
            vfs_read,
        ),
        ("pc : vfs_read+0x4/0x40", vfs_read),
        ("PC is at vfs_read+0x4/0x40", vfs_read),
        ("NIP [ffffffff81000004] .vfs_read+0x4/0x40", vfs_read),
        (
            "[c0000000fe123a10] [ffffffff81000004] .vfs_read+0x4/0x40 (unreliable)",
            vfs_read,
        ),
        (".vfs_read+0x4/0x40", vfs_read),
        (
            "Krnl PSW : 0704c00180000000 ffffffff81000004 (vfs_read+0x4/0x40)",
            vfs_read,
        ),
        ("[    1.234567]  vfs_read+0x4/0x40", vfs_read),
        ("vfs_read+4", vfs_read),
        ("<vfs_read+4>", vfs_read),
        ("b'vfs_read+0x4'", vfs_read),
        ("vfs_read+0x4 [kernel]", vfs_read),
        ("kernel.kallsyms!vfs_read+0x4", vfs_read),
        ("vmlinux!vfs_read+0x4", vfs_read),
        ("kprobe:vfs_read+4", vfs_read),
        ("inside-0xc", vfs_read),
        (
            "ffffffff81000004 vfs_read+0x4 ([kernel.kallsyms])",
            vfs_read,
        ),
        ("call   ffffffff81000004 <vfs_read+0x4>", vfs_read),
        ("=> 0xffffffff81000004 <vfs_read+4>:", vfs_read),
        (
            "#1  0xffffffff81000004 in vfs_read (file=0x0) at fs/read_write.c:450",
            vfs_read,
        ),
        (
            " #1 [ffffc90000157e20] vfs_read at ffffffff81000004",
            vfs_read,
        ),
        ("0xffffffff81000004 (vfs_read+0x4/0x40)", vfs_read),
        ("vfs_read()", "ffffffff81000000 vfs_read+0x0/0x40\n"),
        ("vfs_read,", "ffffffff81000000 vfs_read+0x0/0x40\n"),
        (
            "#0  vfs_read (file=0x0) at fs/read_write.c:450",
            "ffffffff81000000 vfs_read+0x0/0x40\n",
        ),
        (
            "cat-1234 [000] d..2 1.234567: vfs_read <-ksys_read",
            "ffffffff81000000 vfs_read+0x0/0x40\n",
        ),
        ("ext4:probe+0x4", probe),
        ("ext4!probe+0x4", probe),
        ("ext4`probe+0x4", probe),
        ("fentry:ext4:probe+0x4", probe),
        ("probe+0x4/0x20 [ext4]", probe),
        ("probe+0x4 [ext4]", probe),
        ("[    1.234567]  probe+0x4/0x20 [ext4]", probe),
        (
            "ti-cpsw`cpdma_start",
            "ffffffff81000060 cpdma_start+0x0/0x10 [ti_cpsw] [ti_cpsw_new]\n",
        ),
    ] {
        assert_eq!(good(&files, &["lookup", "--", text]), expected, "{text}");
    }
}

/// What is not found goes to standard error, with what may have been meant.
#[test]
fn what_is_not_found() {
    let files = Files::new(&[("kernel", common::KERNEL)]);
    for (text, expected) in [
        (
            "vfs_raed",
            "vfs_raed: no symbol has the name vfs_raed (did you mean vfs_read?)",
        ),
        (
            "VFS_READ",
            "VFS_READ: no symbol has the name VFS_READ (did you mean vfs_read?)",
        ),
        (
            "RIP: 0010:vfs_reed+0x4/0x40",
            "RIP: 0010:vfs_reed+0x4/0x40: no symbol has the name vfs_reed (did you mean vfs_read?)",
        ),
        (
            "ext4`vfs_read",
            "ext4`vfs_read: no symbol has the name ext4`vfs_read (without the module some have it: try vfs_read)",
        ),
        (
            "loaded+0x10",
            "loaded+0x10: no symbol has the name loaded (it is a module: `kallmodsyms find 'loaded`*'` has its symbols, and 0x10 \
             from its first function is 0xffffffffc0000010)",
        ),
        (
            "[loaded]+0x10",
            "[loaded]+0x10: no symbol has the name loaded (it is a module: `kallmodsyms find 'loaded`*'` has its symbols, and 0x10 \
             from its first function is 0xffffffffc0000010)",
        ),
        (
            "vfs_*",
            "vfs_*: no symbol has the name vfs_* (for patterns there is `kallmodsyms find 'vfs_*'`)",
        ),
        (
            "ext3`probe+0x4",
            "ext3`probe+0x4: no symbol has the name ext3`probe (without the module some have it: try probe)",
        ),
        (
            "ext3!prob",
            "ext3!prob: no symbol has the name ext3`prob (there is no module ext3, did you mean ext4?)",
        ),
        (
            "vfs_read.cold",
            "vfs_read.cold: no symbol has the name vfs_read.cold (did you mean vfs_read?)",
        ),
        (
            "fs/read_write.c:450",
            "fs/read_write.c:450: no symbol has the name fs/read_write.c`450 (that is a line of a source file, and here are \
             symbols alone)",
        ),
        (
            "nothing_like_it",
            "nothing_like_it: no symbol has the name nothing_like_it",
        ),
    ] {
        let (status, out, err) = files.run(&["lookup", "-i", "kernel", text], "");
        assert_eq!((status, out.as_str()), (1, ""), "{text}");
        assert_eq!(err, format!("kallmodsyms: {expected}\n"));
    }
    for text in ["hello world", "vfs_read+x", "+0x10", "??"] {
        let (status, out, err) = files.run(&["lookup", "-i", "kernel", text], "");
        assert_eq!((status, out.as_str()), (2, ""), "{text}");
        assert!(err.contains("expected an address such as "), "{err}");
    }
}

#[test]
fn what_find_does_not_find() {
    let files = Files::new(&[("kernel", common::KERNEL)]);
    for (text, expected) in [
        (
            "ext4:probe+4",
            "for addresses and places in symbols there is `kallmodsyms lookup 'ext4:probe+4'`",
        ),
        (
            "ffffffff81000004",
            "for addresses and places in symbols there is `kallmodsyms lookup 'ffffffff81000004'`",
        ),
        ("ext4", "it is a module: its symbols are 'ext4`*'"),
        ("[ext4]", "it is a module: its symbols are 'ext4`*'"),
        ("ext4`", "it is a module: its symbols are 'ext4`*'"),
        (
            "`",
            "before a backquote stands a module, and behind it a name: 'ext4`ext4_*'",
        ),
        (
            "vfs_read,probe",
            "several names are several arguments, each in quotes where it has signs",
        ),
        ("ext4`prob", "did you mean probe?"),
        ("VFS_READ", "with --ignore-case some are"),
        ("ext3`pro*", "there is no module ext3, did you mean ext4?"),
        ("VFS_R*", "with --ignore-case some are"),
        ("/^vfs_.*/", "patterns are those of a shell: try 'vfs_*'"),
        (
            "^vfs_rea.$",
            "patterns are those of a shell: try 'vfs_rea?'",
        ),
        ("vfs_raed", "did you mean vfs_read?"),
    ] {
        let (status, out, err) = files.run(&["find", "-i", "kernel", text], "");
        assert_eq!((status, out.as_str()), (1, ""), "{text}");
        assert_eq!(
            err,
            format!("kallmodsyms: no symbol is called {text} ({expected})\n")
        );
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
        // What is in it is more exact.
        ("vfs_read_alias+0x12", "ffffffff81000012 inside+0x2/0x8\n"),
    ] {
        assert_eq!(good(&files, &["lookup", text]), expected, "{text}");
    }
    let all = good(&files, &["lookup", "--all", "vfs_read_alias"]);
    let first = all.lines().next();
    assert_eq!(first, Some("ffffffff81000000 vfs_read_alias+0x0/0x40"));
    assert_eq!(all.lines().count(), 3, "{all}");
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
        assert_eq!(good(&files, &["lookup", text]), expected, "{text}");
    }
    for (text, note) in [
        (
            "next+0x4/0x99",
            "no next has 0x99 bytes here, but 0x8 (0xfb0 to the next symbol): is that of another kernel?",
        ),
        (
            "next+0xff0",
            "0xff0 is past the end of next, which has 0x8 (0xfb0 to the next symbol) here: is that of another kernel?",
        ),
        (
            "next+0x9/0x8",
            "0x9 is past the end of next, which is said to have 0x8 bytes",
        ),
    ] {
        let (_, out, err) = files.run(&["lookup", "-i", "kernel", text], "");
        assert!(out.starts_with("ffffffff810"), "{out}");
        assert_eq!(err, format!("kallmodsyms: note: {note}\n"));
    }
}

/// Any word of a line may be the name of a variable.
#[test]
fn of_a_line_functions_are_meant() {
    let files = Files::new(&[(
        "kernel",
        "ffffffff81000000 40 T run\nffffffff81000040 40 t probe\t[ext4]\nffffffff81000100 8 d events\n\
         ffffffff81001000 0 B _end\n",
    )]);
    for (text, expected) in [
        (
            "Workqueue: events probe [ext4]",
            "ffffffff81000040 probe+0x0/0x40 [ext4]\n",
        ),
        ("in run of events", "ffffffff81000000 run+0x0/0x40\n"),
        ("of events", "ffffffff81000100 events+0x0/0x8\n"),
    ] {
        assert_eq!(good(&files, &["lookup", text]), expected, "{text}");
    }
}

/// What cannot be meant is said, and the others are answered.
#[test]
fn one_bad_argument() {
    let files = Files::new(&[("kernel", common::KERNEL)]);
    let arguments = [
        "lookup",
        "-i",
        "kernel",
        "a b",
        "vfs_read",
        "??",
        "ext4`probe",
    ];
    let (status, out, err) = files.run(&arguments, "");
    assert_eq!(
        (status, out.lines().count(), err.lines().count()),
        (2, 2, 2)
    );
    assert!(
        err.contains("found `a b`") && err.contains("found `??`"),
        "{err}"
    );
}

#[test]
fn names_as_other_tools_write_them() {
    let files = Files::new(&[("kernel", common::KERNEL)]);
    let probe = "ffffffff81000040 20 t probe\\t[ext4]\n";
    for (text, expected) in [
        ("vfs_read()", "ffffffff81000000 40 T vfs_read\n"),
        ("kprobe:vfs_read", "ffffffff81000000 40 T vfs_read\n"),
        ("ext4:probe", probe),
        ("ext4!pro*", probe),
        ("probe [ext4]", probe),
    ] {
        assert_eq!(good(&files, &["find", text]), expected, "{text}");
    }
}

/// Without a subcommand the right one is named.
#[test]
fn a_name_without_a_subcommand() {
    let files = Files::new(&[("kernel", common::KERNEL)]);
    for word in ["vfs_read", "ffffffff81000004", "vfs_read+0x4"] {
        let (status, out, err) = files.run(&[word], "");
        assert_eq!((status, out.as_str()), (2, ""), "{word}");
        assert!(
            err.contains(&format!("kallmodsyms lookup '{word}'")),
            "{err}"
        );
    }
    // A slip of the fingers is told first.
    let (_, _, err) = files.run(&["symbolise"], "");
    assert!(err.contains("'symbolize'"), "{err}");
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
    let picture = good(&files, &["treemap"]);
    assert!(picture.contains("rust_m::init [rust_m]"), "{picture}");
    assert!(!picture.contains("_RNv"), "{picture}");
    let tree = good(&files, &["treemap", "--json"]);
    let node = "\"name\":\"_RNvCs1234_6rust_m4init\",\"bytes\":32,\"symbols\":1,\
                \"address\":\"0xffffffffc0000000\",\"demangled\":\"rust_m::init\"";
    assert!(tree.contains(node), "{tree}");
}
