// SPDX-License-Identifier: Apache-2.0 OR MIT

//! What each subcommand prints of a small kernel, and its exit status; and of a real one.

mod common;

use common::{Files, KERNEL, capture};
use insta::assert_snapshot;

/// Runs a command on the small kernel: its output, in which tabs are visible, and what is not UTF-8.
fn run(arguments: &[&str]) -> (i32, String, String) {
    let (status, out, err) =
        Files::kernel().run_bytes(&[arguments, &["-i", "kernel"]].concat(), "");
    let show = |bytes: Vec<u8>| {
        let lines = bytes.split_inclusive(|&byte| byte == b'\n');
        let text: String = lines
            .map(|line| line.trim_ascii_end().escape_ascii().to_string() + "\n")
            .collect();
        text.replace("\\\"", "\"")
            .replace("\\\\", "\\")
            .replace("\\'", "'")
    };
    (status, show(out), show(err))
}

/// Takes out what is between an escape and an `m`.
fn without_colours(bytes: &[u8]) -> Vec<u8> {
    let mut pieces = bytes.split(|&byte| byte == 0x1b);
    let mut plain = pieces.next().unwrap_or_default().to_vec();
    for piece in pieces {
        let end = piece
            .iter()
            .position(|&byte| byte == b'm')
            .expect("a whole escape sequence");
        plain.extend_from_slice(&piece[end + 1..]);
    }
    plain
}

/// The output of a command that finds what it looks for.
fn good(arguments: &[&str]) -> String {
    let (status, out, err) = run(arguments);
    assert_eq!((status, err.as_str()), (0, ""), "{arguments:?}");
    out
}

#[test]
fn dump_is_the_file() {
    let files = Files::kernel();
    assert_eq!(
        files.run_bytes(&["dump", "-i", "kernel"], ""),
        (0, KERNEL.to_vec(), Vec::new())
    );
    assert_eq!(
        files.run_bytes(&["dump", "-i", "-"], KERNEL),
        (0, KERNEL.to_vec(), Vec::new())
    );
    // Colours are all that differs.
    let (_, coloured, _) = files.run_bytes(&["dump", "-i", "kernel", "--color", "always"], "");
    assert_ne!(coloured, KERNEL);
    assert_eq!(without_colours(&coloured), KERNEL);
}

#[test]
fn dump_of_a_real_kernel_is_the_file() {
    for file in ["kallmodsyms", "kallsyms", "System.map"] {
        let bytes = capture(file);
        let files = Files::new(&[(file, &bytes)]);
        let (status, out, err) = files.run_bytes(&["dump", "-i", file], "");
        assert_eq!(
            (status, err.escape_ascii().to_string().as_str()),
            (0, ""),
            "{file}"
        );
        assert!(out == bytes, "{file} is another");
    }
}

#[test]
fn dump_of_some() {
    assert_snapshot!(good(&["dump", "--module", "ti_*", "--module", "nfs"]), @r"
    ffffffff81000060 10 T cpdma_start\t[ti_cpsw] [ti_cpsw_new]
    ffffffff81000070 10 t probe.llvm.1234\t[nfs]
    ");
    for module in ["ti-cpsw", "ti-*", "ti-cpsw.ko"] {
        let out = good(&["dump", "--module", module]);
        assert_eq!(out, good(&["dump", "--module", "ti_cpsw"]), "{module}");
    }
    assert_snapshot!(good(&["dump", "-m", "vmlinux", "--type", "tT", "--min-size", "0x10"]), @r"
    ffffffff81000000 40 T vfs_read
    ffffffff81000000 40 T vfs_read_alias
    ");
    assert_snapshot!(good(&["dump", "--group", "loaded", "-g", "bpf"]), @r"
    ffffffffc0000000 80 t probe\t[loaded]
    ffffffffc0001000 200 t bpf_prog_1234\t[bpf]
    ");
    assert_snapshot!(good(&["dump", "--sort", "size", "-n", "2"]), @r"
    ffffffff81003000 1000 R table
    ffffffffc0001000 200 t bpf_prog_1234\t[bpf]
    ");
    assert_snapshot!(good(&["dump", "--sort", "name", "--reverse", "-n", "2"]), @r"
    ffffffff81004010 100 b zeroes
    ffffffff81000000 40 T vfs_read_alias
    ");
    assert_snapshot!(good(&["dump", "--reverse", "-n", "1"]), @r"ffffffffc0001000 200 t bpf_prog_1234\t[bpf]");
    assert_snapshot!(good(&["dump", "--sort", "address", "-n", "1"]), @r"0000000000000000 0 A __per_cpu_start");
    assert_eq!(
        run(&["dump", "--module", "none"]),
        (
            1,
            String::new(),
            "kallmodsyms: none of 15 symbols is as asked for\n".into()
        )
    );
    assert_eq!(run(&["dump", "-n", "0"]), (1, String::new(), String::new()));
    assert_eq!(run(&["dump", "--group", "kprobes"]).0, 1);
}

#[test]
fn dump_for_programs() {
    assert_snapshot!(good(&["dump", "--json", "-m", "ext4"]), @r#"
    {"address":"0xffffffff81000040","size":32,"type":"t","name":"probe","modules":["ext4"],"group":"built-in"}
    {"address":"0xffffffff81004000","size":8,"type":"d","name":"caf\xef\xbf\xbd","name_bytes":"636166e9","modules":["ext4"],"group":"built-in"}
    "#);
    assert_snapshot!(good(&["dump", "--json", "-m", "ti_cpsw"]), @r#"{"address":"0xffffffff81000060","size":16,"type":"T","name":"cpdma_start","modules":["ti_cpsw","ti_cpsw_new"],"group":"built-in"}"#);
}

#[test]
fn lookup_of_addresses() {
    assert_snapshot!(good(&["lookup", "ffffffff81000044", "0xffffffff81000012", "FFFFFFFFC0000000"]), @r"
    ffffffff81000044 probe+0x4/0x20 [ext4]
    ffffffff81000012 inside+0x2/0x8
    ffffffffc0000000 probe+0x0/0x80 [loaded]
    ");
    assert_snapshot!(good(&["lookup", "--all", "ffffffff81000012", "ffffffff81000000"]), @r"
    ffffffff81000012 inside+0x2/0x8
    ffffffff81000012 vfs_read+0x12/0x40
    ffffffff81000012 vfs_read_alias+0x12/0x40
    ffffffff81000000 vfs_read+0x0/0x40
    ffffffff81000000 vfs_read_alias+0x0/0x40
    ffffffff81000000 _stext+0x0
    ");
    assert_snapshot!(good(&["lookup", "--slide", "0x1000000", "ffffffff82000044"]), @r"ffffffff82000044 probe+0x4/0x20 [ext4]");
    let (status, out, _) = run(&["lookup", "ffffffff81002000", "ffffffffffffffff", "1000"]);
    assert_eq!(status, 1);
    assert_snapshot!(out, @r"
    ffffffff81002000 in no symbol: 0x1f80 after the end of probe.llvm.1234 [nfs], 0x1000 before table
    ffffffffffffffff in no symbol: 0x3fffedff after the end of bpf_prog_1234 [bpf]
    0000000000001000 in no symbol: 0xfd0 after the end of per_cpu_data, 0xffffffff80fff000 before _stext
    ");
}

#[test]
fn lookup_of_names() {
    assert_snapshot!(good(&["lookup", "vfs_read+0x11", "inside+4", "ext4`probe+0x1/0x20 [ext4]"]), @r"
    ffffffff81000011 inside+0x1/0x8
    ffffffff81000014 inside+0x4/0x8
    ffffffff81000041 probe+0x1/0x20 [ext4]
    ");
    assert_snapshot!(good(&["lookup", "probe+8"]), @r"
    ffffffff81000048 probe+0x8/0x20 [ext4]
    ffffffffc0000008 probe+0x8/0x80 [loaded]
    ");
    let (status, out, err) = run(&["lookup", "vfs_rea+8"]);
    assert_eq!((status, out.as_str()), (1, ""));
    assert_snapshot!(err, @r"kallmodsyms: vfs_rea+8: no symbol has the name vfs_rea (did you mean vfs_read?)");
    let (status, out, err) = run(&["lookup", "vfs_read+x"]);
    assert_eq!((status, out.as_str()), (2, ""));
    assert_snapshot!(err, @r"kallmodsyms: expected an address such as ffffffff81000000, or a name such as vfs_read+0x10, found `vfs_read+x`");
}

#[test]
fn lookup_for_programs() {
    assert_snapshot!(good(&["lookup", "--json", "ffffffff81000044"]), @r#"{"query":"ffffffff81000044","address":"0xffffffff81000044","symbols":[{"offset":4,"address":"0xffffffff81000040","size":32,"type":"t","name":"probe","modules":["ext4"],"group":"built-in"}],"before":null,"after":null}"#);
    let (status, out, _) = run(&["lookup", "--json", "ffffffff81002000", "no_such"]);
    assert_eq!(status, 1);
    assert_snapshot!(out, @r#"
    {"query":"ffffffff81002000","address":"0xffffffff81002000","symbols":[],"before":{"address":"0xffffffff81000070","size":16,"type":"t","name":"probe.llvm.1234","modules":["nfs"],"group":"built-in"},"after":{"address":"0xffffffff81003000","size":4096,"type":"R","name":"table","modules":[],"group":"core"}}
    {"query":"no_such","address":null,"symbols":[],"before":null,"after":null}
    "#);
}

#[test]
fn lookup_without_sizes() {
    let files = Files::new(&[(
        "kallsyms",
        "ffffffff81000000 T a\nffffffff81000040 T b\t[m]\n",
    )]);
    let (status, out, _) = files.run(&["lookup", "-i", "kallsyms", "ffffffff81000010"], "");
    assert_eq!((status, out.as_str()), (0, "ffffffff81000010 a+0x10\n"));
}

#[test]
fn find_names() {
    assert_snapshot!(good(&["find", "probe"]), @r"
    ffffffff81000040 20 t probe\t[ext4]
    ffffffffc0000000 80 t probe\t[loaded]
    ");
    assert_snapshot!(good(&["find", "ext4`*", "vmlinux`vfs_*"]), @r"
    ffffffff81000040 20 t probe\t[ext4]
    ffffffff81004000 8 d caf\xe9\t[ext4]
    ffffffff81000000 40 T vfs_read
    ffffffff81000000 40 T vfs_read_alias
    ");
    assert_snapshot!(good(&["find", "ti_cpsw_new`cpdma_start", "nfs`probe", "--fold-llvm"]), @r"
    ffffffff81000060 10 T cpdma_start\t[ti_cpsw] [ti_cpsw_new]
    ffffffff81000070 10 t probe.llvm.1234\t[nfs]
    ");
    assert_snapshot!(good(&["find", "--json", "table"]), @r#"{"address":"0xffffffff81003000","size":4096,"type":"R","name":"table","modules":[],"group":"core"}"#);
}

#[test]
fn find_nothing() {
    for command in ["find", "lookup"] {
        let (status, out, err) = run(&[command, ""]);
        assert_eq!((status, out.as_str()), (2, ""), "{command}");
        assert!(err.contains("a value is required"), "{err}");
    }
    for (arguments, expected) in [
        (
            &["find", "vfs_rea"][..],
            "no symbol is called vfs_rea (did you mean vfs_read?)",
        ),
        (
            &["find", "s_read"],
            "no symbol is called s_read (2 symbols with this in the name: try '*s_read*')",
        ),
        (
            &["find", "ti_cpsw`probe"],
            "no symbol is called ti_cpsw`probe (without the module some are: try probe)",
        ),
        (
            &["find", "nfs`probe"],
            "no symbol is called nfs`probe (with --fold-llvm some are)",
        ),
        (
            &["find", "probe.llvm"],
            "no symbol is called probe.llvm (did you mean probe or probe.llvm.1234?)",
        ),
        (&["find", "zzz"], "no symbol is called zzz"),
        (&["find", "zzz*"], "no symbol is called zzz*"),
        (&["find", "zzz", "--fold-llvm"], "no symbol is called zzz"),
    ] {
        let (status, out, err) = run(arguments);
        assert_eq!((status, out.as_str()), (1, ""), "{arguments:?}");
        assert_eq!(err, format!("kallmodsyms: {expected}\n"), "{arguments:?}");
    }
    // One of several is enough.
    assert_eq!(run(&["find", "zzz", "probe"]).0, 0);

    let files = Files::new(&[("kernel", "ffffffff81000000 4 t f.llvm.12\n")]);
    let (status, _, err) = files.run(&["find", "-i", "kernel", "f"], "");
    assert_eq!(
        (status, err.as_str()),
        (
            1,
            "kallmodsyms: no symbol is called f (with --fold-llvm some are)\n"
        )
    );
}

#[test]
fn find_what_a_compiler_renamed() {
    let files = Files::new(&[(
        "kernel",
        "ffffffff81000000 4 t f.llvm.12\nffffffff81000010 4 t f.llvm.x\nffffffff81000020 4 t f.llvm.\n",
    )]);
    let (_, out, _) = files.run(&["find", "-i", "kernel", "f", "--fold-llvm"], "");
    assert_eq!(out, "ffffffff81000000 4 t f.llvm.12\n");
}

/// A name is looked up where the symbols have it, and printed where the kernel runs.
#[test]
fn lookup_of_a_name_with_a_slide() {
    assert_eq!(
        good(&["lookup", "--slide", "0x1000000", "ext4`probe+8"]),
        "ffffffff82000048 probe+0x8/0x20 [ext4]\n"
    );
}

/// On arm64 modules are loaded below the kernel: what is built in, addresses do not tell.
#[test]
fn modules_below_the_kernel() {
    let files = Files::new(&[(
        "unsized",
        "ffff800080000000 T _text\nffff800080000040 t f\t[a] [b]\nffff800080001000 B _end\n\
         ffff80007a000000 t g\t[m]\n",
    )]);
    let (_, out, _) = files.run(
        &["modules", "-i", "unsized", "--estimate", "--sort", "name"],
        "",
    );
    let groups: Vec<_> = out
        .lines()
        .map(|line| {
            line.split_whitespace()
                .take(2)
                .collect::<Vec<_>>()
                .join(" ")
        })
        .collect();
    assert_eq!(
        groups[1..5],
        ["a built-in", "b built-in", "m loaded", "vmlinux core"]
    );
}

#[test]
fn modules_as_a_table() {
    assert_snapshot!(good(&["modules"]), @r"
    MODULE       GROUP     SYMBOLS  TEXT  RODATA  DATA  BSS  OTHER  TOTAL
    vmlinux      core            9    64    4096     0  256     48   4464
    bpf          bpf             1   512       0     0    0      0    512
    loaded       loaded          1   128       0     0    0      0    128
    ext4         built-in        2    32       0     8    0      0     40
    nfs          built-in        1    16       0     0    0      0     16
    ti_cpsw      built-in        1    16       0     0    0      0     16
    ti_cpsw_new  built-in        1    16       0     0    0      0     16
    7 rows       all            15   768    4096     8  256     48   5176
    ");
    assert_snapshot!(good(&["modules", "--human", "--sort", "name", "-n", "1"]), @r"
    MODULE  GROUP  SYMBOLS   TEXT   RODATA  DATA    BSS  OTHER    TOTAL
    bpf     bpf          1  512 B        0     0      0      0    512 B
    7 rows  all         15  768 B  4.0 KiB   8 B  256 B   48 B  5.1 KiB
    ");
    assert_snapshot!(good(&["modules", "--group", "loaded", "--reverse"]), @r"
    MODULE  GROUP   SYMBOLS  TEXT  RODATA  DATA  BSS  OTHER  TOTAL
    loaded  loaded        1   128       0     0    0      0    128
    1 row   all           1   128       0     0    0      0    128
    ");
    assert_eq!(
        run(&["modules", "--group", "ftrace"]),
        (
            1,
            String::new(),
            "kallmodsyms: none of 6 modules is as asked for\n".into()
        )
    );
}

#[test]
fn modules_for_programs() {
    assert_snapshot!(good(&["modules", "--json", "--sort", "text", "-n", "2"]), @r#"
    {"module":"bpf","group":"bpf","symbols":1,"text":512,"rodata":0,"data":0,"bss":0,"other":0,"total":512}
    {"module":"loaded","group":"loaded","symbols":1,"text":128,"rodata":0,"data":0,"bss":0,"other":0,"total":128}
    "#);
}

#[test]
fn modules_without_sizes() {
    let files = Files::new(&[(
        "kallsyms",
        "ffffffff81000000 T a\nffffffff81000040 D b\nffffffffc0000000 t c\t[m]\n",
    )]);
    let (status, out, err) = files.run(&["modules", "-i", "kallsyms"], "");
    assert_eq!(status, 0);
    assert!(
        err.starts_with("kallmodsyms: note: sizes are not known: ") && err.contains("--estimate"),
        "{err}"
    );
    assert_snapshot!(out, @r"
    MODULE   GROUP   SYMBOLS  TEXT  RODATA  DATA  BSS  OTHER  TOTAL
    m        loaded        1     -       -     -    -      -      -
    vmlinux  core          2     -       -     -    -      -      -
    2 rows   all           3     -       -     -    -      -      -
    ");
    let (status, out, err) = files.run(&["modules", "-i", "kallsyms", "--estimate"], "");
    assert_eq!(
        (status, err.as_str()),
        (
            0,
            "kallmodsyms: note: sizes are estimated, as the distance to the next symbol\n\
             kallmodsyms: note: the modules of built-in code are not known; `kallmodsyms sources` says where they could \
             come from\n"
        )
    );
    assert_snapshot!(out, @r"
    MODULE   GROUP   SYMBOLS  TEXT  RODATA  DATA  BSS  OTHER  TOTAL
    m        loaded        1  4096       0     0    0      0   4096
    vmlinux  core          2    64       0  4032    0      0   4096
    2 rows   all           3  4160       0  4032    0      0   8192
    ");
}

#[test]
fn gaps_between_symbols() {
    assert_snapshot!(good(&["gaps"]), @r"
    ffffffff81000080 2f80 after probe.llvm.1234 [nfs], before table
    1 gap, 12,160 bytes
    ");
    assert_snapshot!(good(&["gaps", "--min-size", "1", "--sort", "size", "-n", "1"]), @r"
    ffffffff81000080 2f80 after probe.llvm.1234 [nfs], before table
    3 gaps, 15,992 bytes
    ");
    assert_snapshot!(good(&["gaps", "--json", "-n", "1"]), @r#"{"start":"0xffffffff81000080","end":"0xffffffff81003000","size":12160,"before":{"address":"0xffffffff81000070","size":16,"type":"t","name":"probe.llvm.1234","modules":["nfs"],"group":"built-in"},"after":{"address":"0xffffffff81003000","size":4096,"type":"R","name":"table","modules":[],"group":"core"}}"#);
    let (status, out, _) = run(&["gaps", "--min-size", "1M"]);
    assert_eq!((status, out.as_str()), (1, "0 gaps, 0 bytes\n"));

    let files = Files::new(&[("kallsyms", "ffffffff81000000 T a\n")]);
    let (status, out, err) = files.run(&["gaps", "-i", "kallsyms"], "");
    assert_eq!((status, out.as_str()), (2, ""));
    assert_snapshot!(err, @r"kallmodsyms: expected symbols with sizes, found none: `kallmodsyms sources` says where they could come from; or let --estimate take the distance to the next symbol");
    let (status, out, err) = files.run(&["gaps", "-i", "kallsyms", "--estimate"], "");
    assert_eq!((status, out.as_str()), (1, "0 gaps, 0 bytes\n"));
    assert_snapshot!(err, @r"
    kallmodsyms: note: sizes are estimated, as the distance to the next symbol
    kallmodsyms: note: so each symbol ends where the next begins, and no gap is left between them
    ");
}

#[test]
fn diff_of_two_kernels() {
    let mut text = String::from_utf8_lossy(KERNEL).replace("ffffffff81", "ffffffff9f");
    for (old, new) in [
        ("ffffffff9f004010 100 b", "ffffffff9f004010 180 D"),
        (" probe\t[ext4]", " probe\t[ext4] [jbd2]"),
        ("ffffffff9f003000", "ffffffff9f002000"),
        ("bpf_prog_1234", "bpf_prog_5678"),
    ] {
        assert!(text.contains(old), "{old}");
        text = text.replace(old, new);
    }
    let files = Files::new(&[
        ("old", String::from_utf8_lossy(KERNEL).into_owned()),
        ("new", text),
    ]);
    let diff = |arguments: &[&str]| {
        let (status, out, err) = files.run(&[&["diff", "old", "new"], arguments].concat(), "");
        assert_eq!((status, err.as_str()), (1, ""), "{arguments:?}");
        out.replace('\t', "\\t")
    };
    assert_snapshot!(diff(&[]), @r"
    ~ ffffffff9f000040 probe [ext4] [jbd2]: was of [ext4]
    ~ ffffffff9f004010 zeroes: size 100 to 180 (+128), type b to D
    - ffffffffc0001000 200 t bpf_prog_1234\t[bpf]
    + ffffffffc0001000 200 t bpf_prog_5678\t[bpf]
    vmlinux slid by +0x1e000000 (10 symbols)
    1 came, 1 went, 3 changed (1 resized, 1 of another type, 1 of other modules, 1 moved), 11 the same
    640 bytes more, 512 less: +128 in all
    (what only moved is not listed: --only moved does)
    ");
    assert_snapshot!(diff(&["--only", "moved,came", "-n", "1"]), @r"
    ~ ffffffff9f002000 table: moved by -0x1000
    vmlinux slid by +0x1e000000 (10 symbols)
    1 came, 1 went, 3 changed (1 resized, 1 of another type, 1 of other modules, 1 moved), 11 the same
    512 bytes more, 0 less: +512 in all
    ");
    assert_snapshot!(diff(&["--sort", "size", "--limit", "1"]), @r"
    - ffffffffc0001000 200 t bpf_prog_1234\t[bpf]
    vmlinux slid by +0x1e000000 (10 symbols)
    1 came, 1 went, 3 changed (1 resized, 1 of another type, 1 of other modules, 1 moved), 11 the same
    640 bytes more, 512 less: +128 in all
    (what only moved is not listed: --only moved does)
    ");
    assert_snapshot!(diff(&["--json", "--only", "resized"]), @r#"{"old":"old","new":"new","slides":[{"part":"vmlinux","distance":503316480,"symbols":10}],"counts":{"same":11,"changed":3,"moved":1,"resized":1,"type":1,"modules":1,"came":1,"went":1},"changes":[{"change":"changed","old":{"address":"0xffffffff81004010","size":256,"type":"b","name":"zeroes","modules":[],"group":"core"},"new":{"address":"0xffffffff9f004010","size":384,"type":"D","name":"zeroes","modules":[],"group":"core"},"moved":null,"ways":["resized","type"]}]}"#);

    let (status, out, _) = files.run(&["diff", "old", "old"], "");
    assert_eq!((status, out.as_str()), (0, "no change in 15 symbols\n"));
    let (status, _, err) = files.run(&["diff", "-", "-"], "");
    assert_eq!(status, 2);
    assert_snapshot!(err, @r"kallmodsyms: both files are to come from standard input: name one of them");
}

const OOPS: &[u8] = b"\
BUG: unable to handle page fault for address: 0000000000000030\r
RIP: 0010:probe+0x10/0x20\n\
Code: 0f 1f 44 00 00 \xff\xfe\n\
RAX: ffffffff81000012 RBX: 0000000000000000 RCX: ffff888012345678\n\
\x20[<ffffffff81000044>] ? probe+0x4/0x20\n\
\x20[<ffffffff81000064>] something\n\
\x200xffffffffc0000004 end without a line feed";

#[test]
fn symbolize_an_oops() {
    let files = Files::kernel();
    let run = |arguments: &[&str]| {
        let (status, out, err) =
            files.run_bytes(&[&["symbolize", "-i", "kernel"], arguments].concat(), OOPS);
        assert_eq!((status, err.len()), (0, 0), "{arguments:?}");
        out
    };
    assert_snapshot!(run(&[]).escape_ascii().to_string().replace("\\n", "\n"), @r"
    BUG: unable to handle page fault for address: 0000000000000030\r
    RIP: 0010:probe+0x10/0x20
    Code: 0f 1f 44 00 00 \xff\xfe
    RAX: ffffffff81000012 (inside+0x2/0x8) RBX: 0000000000000000 RCX: ffff888012345678
     [<ffffffff81000044>] ? probe+0x4/0x20
     [<ffffffff81000064>] (cpdma_start+0x4/0x10 [ti_cpsw] [ti_cpsw_new]) something
     0xffffffffc0000004 (probe+0x4/0x80 [loaded]) end without a line feed
    ");
    let modules = String::from_utf8_lossy(&run(&["--modules"])).into_owned();
    assert!(
        modules.contains("RIP: 0010:probe+0x10/0x20 [ext4]\n"),
        "{modules}"
    );
    assert!(modules.contains("? probe+0x4/0x20 [ext4]\n"), "{modules}");
    assert_snapshot!(String::from_utf8(run(&["--json"])).unwrap(), @r#"
    {"line":2,"column":11,"text":"probe+0x10/0x20","address":"0xffffffff81000050","symbol":{"offset":16,"address":"0xffffffff81000040","size":32,"type":"t","name":"probe","modules":["ext4"],"group":"built-in"}}
    {"line":4,"column":6,"text":"ffffffff81000012","address":"0xffffffff81000012","symbol":{"offset":2,"address":"0xffffffff81000010","size":8,"type":"t","name":"inside","modules":[],"group":"core"}}
    {"line":5,"column":4,"text":"ffffffff81000044","address":"0xffffffff81000044","symbol":{"offset":4,"address":"0xffffffff81000040","size":32,"type":"t","name":"probe","modules":["ext4"],"group":"built-in"}}
    {"line":5,"column":25,"text":"probe+0x4/0x20","address":"0xffffffff81000044","symbol":{"offset":4,"address":"0xffffffff81000040","size":32,"type":"t","name":"probe","modules":["ext4"],"group":"built-in"}}
    {"line":6,"column":4,"text":"ffffffff81000064","address":"0xffffffff81000064","symbol":{"offset":4,"address":"0xffffffff81000060","size":16,"type":"T","name":"cpdma_start","modules":["ti_cpsw","ti_cpsw_new"],"group":"built-in"}}
    {"line":7,"column":2,"text":"0xffffffffc0000004","address":"0xffffffffc0000004","symbol":{"offset":4,"address":"0xffffffffc0000000","size":128,"type":"t","name":"probe","modules":["loaded"],"group":"loaded"}}
    "#);
    let (_, moved, _) = files.run(
        &["symbolize", "-i", "kernel", "--json", "--slide", "0x52"],
        "ffffffff81000064",
    );
    assert_snapshot!(moved, @r#"{"line":1,"column":1,"text":"ffffffff81000064","address":"0xffffffff81000064","symbol":{"offset":2,"address":"0xffffffff81000010","size":8,"type":"t","name":"inside","modules":[],"group":"core"}}"#);

    files.write("oops", OOPS);
    let (_, from_file, _) = files.run_bytes(&["symbolize", "-i", "kernel", "oops"], "");
    assert_eq!(from_file, run(&[]));
    let (_, from_stdin, _) = files.run_bytes(&["symbolize", "-i", "-", "oops"], KERNEL);
    assert_eq!(from_stdin, run(&[]));
    let (status, _, err) = files.run(&["symbolize", "-i", "-"], KERNEL);
    assert_eq!(status, 2);
    assert_snapshot!(err, @r"kallmodsyms: both the symbols and the text are to come from standard input: name a file for one of them");
}

/// Text without addresses comes back as it is, with lines of any length.
#[test]
fn symbolize_leaves_bytes_alone() {
    let mut state = 1_u32;
    let mut noise: Vec<u8> = (0..300_000)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state.to_be_bytes()[0]
        })
        .collect();
    noise.extend(vec![b'f'; 2_500_000]);
    let (status, out, _) = Files::kernel().run_bytes(&["symbolize", "-i", "kernel"], noise.clone());
    assert_eq!(status, 0);
    assert!(out == noise);
}

/// Every symbol of a real kernel is found at its address, by itself or by one that shares the address.
#[test]
fn symbolize_a_real_kernel() {
    let bytes = capture("kallmodsyms");
    let lines = bytes.split(|&byte| byte == b'\n');
    let addresses: Vec<_> = lines.filter_map(|line| line.get(..16)).collect();
    let files = Files::new(&[("kernel", &bytes)]);
    let text = addresses.join(&b'\n');
    let (_, out, _) = files.run_bytes(&["symbolize", "-i", "kernel"], text);
    let changed = out
        .split(|&byte| byte == b'\n')
        .filter(|line| line.contains(&b'('));
    assert!(changed.count() > 120_000);
}

#[test]
fn treemap_as_a_tree() {
    assert_snapshot!(good(&["treemap", "--json", "-n", "3"]), @r#"{"name":"kernel","bytes":5176,"symbols":10,"children":[{"name":"vmlinux","bytes":4464,"symbols":4,"group":"core","children":[{"name":"rodata","bytes":4096,"symbols":1,"children":[{"name":"table","bytes":4096,"symbols":1,"address":"0xffffffff81003000"}]},{"name":"bss","bytes":256,"symbols":1,"children":[{"name":"zeroes","bytes":256,"symbols":1,"address":"0xffffffff81004010"}]},{"name":"text","bytes":64,"symbols":1,"children":[{"name":"vfs_read","bytes":64,"symbols":1,"address":"0xffffffff81000000"}]},{"name":"other","bytes":48,"symbols":1,"children":[{"name":"per_cpu_data","bytes":48,"symbols":1,"address":"0x0"}]}]},{"name":"bpf","bytes":512,"symbols":1,"group":"bpf","children":[{"name":"text","bytes":512,"symbols":1,"children":[{"name":"bpf_prog_1234","bytes":512,"symbols":1,"address":"0xffffffffc0001000"}]}]},{"name":"loaded","bytes":128,"symbols":1,"group":"loaded","children":[{"name":"text","bytes":128,"symbols":1,"children":[{"name":"probe","bytes":128,"symbols":1,"address":"0xffffffffc0000000"}]}]},{"name":"ext4","bytes":40,"symbols":2,"group":"built-in","children":[{"name":"text","bytes":32,"symbols":1,"children":[{"name":"probe","bytes":32,"symbols":1,"address":"0xffffffff81000040"}]},{"name":"data","bytes":8,"symbols":1,"children":[{"name":"caf\xef\xbf\xbd","bytes":8,"symbols":1,"address":"0xffffffff81004000"}]}]},{"name":"nfs","bytes":16,"symbols":1,"group":"built-in","children":[{"name":"text","bytes":16,"symbols":1,"children":[{"name":"probe.llvm.1234","bytes":16,"symbols":1,"address":"0xffffffff81000070"}]}]},{"name":"ti_cpsw + ti_cpsw_new","bytes":16,"symbols":1,"group":"built-in","children":[{"name":"text","bytes":16,"symbols":1,"children":[{"name":"cpdma_start","bytes":16,"symbols":1,"address":"0xffffffff81000060"}]}]}]}"#);
}

#[test]
fn treemap_of_a_real_kernel() {
    let bytes = capture("kallmodsyms");
    let files = Files::new(&[("saved", &bytes)]);
    let draw = |arguments: &[&str]| {
        let (status, out, err) = files.run(&[&["treemap", "-i", "saved"], arguments].concat(), "");
        assert_eq!((status, err.as_str()), (0, ""), "{arguments:?}");
        out
    };
    let picture = draw(&["-n", "1000"]);
    assert!(picture.starts_with("<?xml") && picture.ends_with("</svg>\n"));
    assert_eq!(
        picture,
        draw(&["-n", "1000"]),
        "the same input gives the same picture"
    );
    for name in ["saved", "vmlinux", "ext4", "[ext4]", "symbols"] {
        assert!(picture.contains(name), "{name}");
    }
    assert!(
        !draw(&["--title", "a < b & c"]).contains("a < b & c"),
        "titles are escaped"
    );

    // Each symbol counts once, in a leaf of its own or among `N more`.
    let tree: serde_json::Value = serde_json::from_str(&draw(&["--json", "-n", "1000"])).unwrap();
    let (mut own, mut symbols, mut sum) = (0, 0, 0);
    let mut nodes = vec![&tree];
    while let Some(node) = nodes.pop() {
        if let Some(children) = node["children"].as_array() {
            nodes.extend(children);
            continue;
        }
        own += i32::from(node["address"].is_string());
        symbols += node["symbols"].as_u64().unwrap();
        sum += node["bytes"].as_u64().unwrap();
    }
    assert_eq!(
        (Some(symbols), Some(sum)),
        (tree["symbols"].as_u64(), tree["bytes"].as_u64())
    );
    // A symbol that would be the only one of `1 more` has its own.
    assert!((900..1200).contains(&own), "{own}");
}

#[test]
fn treemap_without_sizes() {
    let files = Files::new(&[(
        "kallsyms",
        "ffffffff81000000 T a\nffffffff81000040 D b\nffffffffc0000000 t c\t[m]\n",
    )]);
    let (status, out, err) = files.run(&["treemap", "-i", "kallsyms"], "");
    assert_eq!((status, out.as_str()), (2, ""));
    assert_snapshot!(err, @r"kallmodsyms: expected symbols with sizes, found none: `kallmodsyms sources` says where they could come from; or let --estimate take the distance to the next symbol");
    let (status, out, err) = files.run(
        &["treemap", "-i", "kallsyms", "--estimate", "-o", "k.svg"],
        "",
    );
    assert_eq!((status, out.as_str()), (0, ""));
    assert_eq!(
        err,
        "kallmodsyms: note: sizes are estimated, as the distance to the next symbol\n"
    );
    assert!(
        String::from_utf8(files.read("k.svg"))
            .unwrap()
            .contains("sizes estimated")
    );
    let (status, _, err) = files.run(
        &[
            "treemap",
            "-i",
            "kallsyms",
            "--estimate",
            "-o",
            "no/such/k.svg",
        ],
        "",
    );
    assert_eq!(status, 2);
    assert_snapshot!(err, @r"
    kallmodsyms: note: sizes are estimated, as the distance to the next symbol
    kallmodsyms: cannot write no/such/k.svg: No such file or directory (os error 2)
    ");
}

#[test]
fn generated_texts() {
    let files = Files::kernel();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let (status, out, _) = files.run(&["completions", shell], "");
        assert!(status == 0 && out.contains("symbolize"), "{shell}");
    }
    let (status, out, _) = files.run(&["man"], "");
    assert!(status == 0 && out.contains(".TH kallmodsyms 1"), "{out}");
    assert_eq!(
        files.run(&["man", "pages"], ""),
        (0, String::new(), String::new())
    );
    let page = String::from_utf8(files.read("pages/kallmodsyms-lookup.1")).unwrap();
    assert!(
        page.contains(".TH kallmodsyms\\-lookup 1") || page.contains(".TH kallmodsyms-lookup 1"),
        "{page}"
    );
    assert!(!files.path().join("pages/kallmodsyms-help.1").exists());
    files.write("file", b"");
    assert_eq!(files.run(&["man", "file"], "").0, 2);
}

/// A kernel that has no file of ours: what is to be found elsewhere is joined.
fn kernel_without_kallmodsyms() -> Files {
    let files = Files::new::<&[u8]>(&[]);
    for (path, bytes) in [
        ("root/proc/kallsyms", &b"ffffffff8b000000 T _text\nffffffff8b000040 t ext4_init\nffffffff8b000060 B _end\nffffffffc0000000 t f\t[nfs]\n"[..]),
        ("root/proc/sys/kernel/osrelease", b"6.12.1\n"),
        ("root/lib/modules/6.12.1/modules.builtin.ranges", b".text 00000000-00000000 = _text\n.text 00000040-00000050 ext4\n"),
    ] {
        let path = files.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
    files
}

#[test]
fn the_running_kernel_joined() {
    let files = kernel_without_kallmodsyms();
    let run = |arguments: &[&str]| files.run(&[arguments, &["--root", "root"]].concat(), "");
    let (status, out, err) = run(&["lookup", "ext4_init"]);
    assert_eq!(
        (status, out.as_str(), err.as_str()),
        (0, "ffffffff8b000040 ext4_init+0x0 [ext4]\n", "")
    );
    let (_, out, _) = run(&["dump"]);
    assert_snapshot!(out.replace('\t', "\\t"), @r"
    ffffffff8b000000 T _text
    ffffffff8b000040 t ext4_init\t[ext4]
    ffffffff8b000060 B _end
    ffffffffc0000000 t f\t[nfs]
    ");
    let (status, out, _) = run(&["sources"]);
    assert_eq!(status, 1);
    assert_snapshot!(out, @r"
    Linux 6.12.1: 4 symbols
    missing: modules of built-in per-CPU data and module parameters, which modules.builtin.ranges leaves out
    missing: sizes
    not used: cannot read root/proc/kallmodsyms: No such file or directory (os error 2); does this kernel have CONFIG_KALLMODSYMS?
    used: symbols from root/proc/kallsyms
    used: modules of built-in code from root/lib/modules/6.12.1/modules.builtin.ranges
    not used: cannot read root/boot/vmlinux-6.12.1: No such file or directory (os error 2)
    not used: cannot read root/usr/lib/debug/boot/vmlinux-6.12.1: No such file or directory (os error 2)
    not used: cannot read root/usr/lib/debug/boot/vmlinux-6.12.1.debug: No such file or directory (os error 2)
    not used: cannot read root/usr/lib/debug/lib/modules/6.12.1/vmlinux: No such file or directory (os error 2)
    not used: cannot read root/usr/lib/debug/lib/modules/6.12.1/vmlinux.debug: No such file or directory (os error 2)
    not used: cannot read root/lib/modules/6.12.1/build/vmlinux: No such file or directory (os error 2)
    ");
    let (status, out, _) = run(&["sources", "--json"]);
    let json: serde_json::Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!((status, &json["missing"][1]["what"]), (1, &"sizes".into()));
    assert_eq!(json["files"][1]["outcome"], "used");

    files.write("root/proc/kallmodsyms", KERNEL);
    let (status, out, _) = run(&["sources"]);
    assert_eq!(
        (status, out.as_str()),
        (
            0,
            "Linux 6.12.1: 15 symbols\nused: symbols from root/proc/kallmodsyms\n"
        )
    );
    assert_eq!(files.run_bytes(&["dump", "--root", "root"], "").1, KERNEL);
}

#[test]
fn no_running_kernel() {
    let files = Files::kernel();
    for arguments in [
        &["lookup", "0"][..],
        &["dump"],
        &["sources"],
        &["diff", "kernel"],
    ] {
        let (status, out, err) = files.run(&[arguments, &["--root", "none"]].concat(), "");
        assert_eq!((status, out.as_str()), (2, ""), "{arguments:?}");
        assert!(
            err.starts_with("kallmodsyms: the kernel lists no symbols: "),
            "{arguments:?}: {err}"
        );
    }
    let hidden = kernel_without_kallmodsyms();
    hidden.write(
        "root/proc/kallsyms",
        b"0000000000000000 T _text\n0000000000000000 t f\n",
    );
    std::fs::write(
        hidden.path().join("root/proc/sys/kernel/kptr_restrict"),
        "2\n",
    )
    .unwrap();
    let (status, _, err) = hidden.run(&["lookup", "_text", "--root", "root"], "");
    assert!(status == 2 && err.contains("kptr_restrict"), "{err}");
}

/// A join that the user asks for, and what does not fit.
#[test]
fn joined_by_hand() {
    let files = Files::new(&[
        ("kallsyms", capture("kallsyms")),
        ("map", capture("System.map")),
        ("ranges", capture("modules.builtin.ranges")),
        ("other", b"ffffffff81000000 T other\n".to_vec()),
    ]);
    let (status, out, err) = files.run(
        &[
            "lookup",
            "-i",
            "kallsyms",
            "--with",
            "ranges",
            "--with",
            "map",
            "ext4_lookup+4",
        ],
        "",
    );
    assert_eq!(
        (status, out.as_str(), err.as_str()),
        (0, "ffffffffa24630f4 ext4_lookup+0x4 [ext4]\n", "")
    );
    let (status, _, err) = files.run(&["lookup", "-i", "kallsyms", "--with", "other", "0"], "");
    assert!(
        status == 2 && err.starts_with("kallmodsyms: other does not fit kallsyms: "),
        "{err}"
    );
    let (status, _, err) = files.run(&["lookup", "-i", "other", "--with", "ranges", "0"], "");
    assert!(
        status == 2 && err.starts_with("kallmodsyms: ranges does not fit other: "),
        "{err}"
    );
}
