// SPDX-License-Identifier: Apache-2.0 OR MIT

//! What people paste from kernels, debuggers and tracers, and what they are told where it is no question.

mod common;

use common::Files;
use insta::assert_snapshot;

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
        ("vfs_read + 0x4", vfs_read),
        ("vfs_read +0x4", vfs_read),
        ("vfs_read+ 0x4", vfs_read),
        ("RIP: 0010:vfs_read + 0x4/0x40", vfs_read),
        ("vfs_read + 4 in section .text", vfs_read),
        ("0xffffffff81000000 + 0x4", vfs_read),
        ("0xffffffff81000004UL", vfs_read),
        ("<4>vfs_read+0x4/0x40", vfs_read),
        ("@[vfs_read+4]: 5", vfs_read),
        ("swapper;inside+0x1;vfs_read+0x4 12", vfs_read),
        ("$vfs_read+4", vfs_read),
        ("call_site=vfs_read+0x4", vfs_read),
        ("call_site=ffffffff81000004", vfs_read),
        ("func=vfs_read", "ffffffff81000000 vfs_read+0x0/0x40\n"),
        ("kernel`vfs_read+4", vfs_read),
        ("fs/read_write.c:vfs_read+4", vfs_read),
        ("[ext4]probe+0x4", probe),
        ("ext4.ko:probe+0x4", probe),
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
        assert_eq!(files.good(&["lookup", "--", text]), expected, "{text}");
    }
}

/// What a title says, and not what its prose or its bad pointer could be.
#[test]
fn pasted_titles() {
    let table = [common::KERNEL, b"ffffffff81000080 10 t pointer\n"].concat();
    let files = Files::new(&[("kernel", &table)]);
    for title in [
        "BUG: KASAN: null pointer dereference in vfs_read",
        "BUG: kernel NULL pointer dereference, address: 0000000000000010 in vfs_read",
    ] {
        let answer = files.good(&["lookup", "--", title]);
        assert_eq!(answer, "ffffffff81000000 vfs_read+0x0/0x40\n", "{title}");
    }
    let answer = files.good(&["lookup", "--", "in pointer at 0000000000000010"]);
    assert_eq!(answer, "ffffffff81000080 pointer+0x0/0x10\n");
    let answer = files.good(&["lookup", "--", "at 0000000000000010 of nothing"]);
    assert_eq!(answer, "0000000000000010 per_cpu_data+0x10/0x30\n");
}

/// Of a range the start is looked up.
#[test]
fn pasted_ranges() {
    let files = Files::new(&[("kernel", common::KERNEL)]);
    for (text, expected) in [
        ("0xffffffff81000004..0xffffffff81000008", "+0x4"),
        ("ffffffff81000004-ffffffff81000008", "+0x4"),
        ("[mem 0xffffffff81000004-0xffffffff81000008]", "+0x4"),
        ("vfs_read..probe", "+0x0"),
    ] {
        let out = files.good(&["lookup", text]);
        assert!(
            out.ends_with(&format!(" vfs_read{expected}/0x40\n")),
            "{text}: {out}"
        );
    }
}

/// What is not found goes to standard error, with what may have been meant.
#[test]
fn what_lookup_does_not_find() {
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
            "loaded+0x10: no symbol has the name loaded (it is a module, and 0x10 from its first function, probe, is 0xffffffffc0000010; `kallmodsyms find 'loaded`*'` prints its symbols)",
        ),
        (
            "[loaded]+0x10",
            "[loaded]+0x10: no symbol has the name loaded (it is a module, and 0x10 from its first function, probe, is 0xffffffffc0000010; `kallmodsyms find 'loaded`*'` prints its symbols)",
        ),
        // Built in, it lies in many places.
        (
            "ext4+0x10",
            "ext4+0x10: no symbol has the name ext4 (it is a module: its first function is probe at 0xffffffff81000040; `kallmodsyms find 'ext4`*'` prints its symbols)",
        ),
        (
            "ti-cpsw",
            "ti-cpsw: no symbol has the name ti-cpsw (it is a module: its first function is cpdma_start at 0xffffffff81000060; `kallmodsyms find 'ti_cpsw`*'` prints its symbols)",
        ),
        // As another compiler has it.
        (
            "vfs_read.isra.3+0x4",
            "vfs_read.isra.3+0x4: no symbol has the name vfs_read.isra.3 (did you mean vfs_read?)",
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
            "nothing_like_it",
            "nothing_like_it: no symbol has the name nothing_like_it",
        ),
    ] {
        let (status, out, err) = files.run(&["lookup", "-i", "kernel", text], "");
        assert_eq!((status, out.as_str()), (1, ""), "{text}");
        assert_eq!(err, format!("kallmodsyms: {expected}\n"));
    }
}

/// What a compiler puts before functions is none.
#[test]
fn the_first_function_of_a_module() {
    let files = Files::new(&[(
        "kernel",
        "0000000000002810 10 d counter\t[ext4]\nffffffff81000000 10 t __pfx_probe\t[ext4]\n\
         ffffffff81000010 10 t probe\t[ext4]\nffffffff81001000 0 B _end\n",
    )]);
    let (_, _, err) = files.run(&["lookup", "-i", "kernel", "ext4+0x10"], "");
    assert!(
        err.contains("its first function is probe at 0xffffffff81000010"),
        "{err}"
    );
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
        ("VFS_READ", "with --ignore-case some are"),
        ("ext3`pro*", "there is no module ext3, did you mean ext4?"),
        ("VFS_R*", "with --ignore-case some are"),
        ("/^vfs_.*/", "patterns are those of a shell: try 'vfs_*'"),
        (
            "^vfs_rea.$",
            "patterns are those of a shell: try 'vfs_rea?'",
        ),
        ("vfs_raed", "did you mean vfs_read?"),
        ("'vfs_raed'", "did you mean vfs_read?"),
        (
            "@[vfs_read]: 5",
            "for pasted lines there is `kallmodsyms lookup '@[vfs_read]: 5'`",
        ),
        ("vfs_read.cold", "did you mean vfs_read?"),
        ("ext4`", "it is a module: its symbols are 'ext4`*'"),
        (
            "`",
            "expected a name or a pattern, such as 'ext4`*' for all symbols of a module",
        ),
        ("ext4`nope", "the symbols of ext4 are 'ext4`*'"),
        ("ext4`prob", "did you mean ext4`probe?"),
        ("ext5`", "there is no module ext5, did you mean ext4?"),
        ("ti-cpsw.ko", "it is a module: its symbols are 'ti_cpsw`*'"),
        (
            "vfs_read:5",
            "expected an address or a name, found a line of the function vfs_read: symbols have no lines, `perf probe -L vfs_read` prints them; try vfs_read or vfs_read+0x10",
        ),
    ] {
        let (status, out, err) = files.run(&["find", "-i", "kernel", text], "");
        assert_eq!((status, out.as_str()), (1, ""), "{text}");
        assert_eq!(
            err,
            format!("kallmodsyms: no symbol is called {text} ({expected})\n")
        );
    }
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
        ("'probe' [ext4]", probe),
        ("ext4.ko:probe", probe),
        ("ffffffff81234560 t probe\t[ext4]", probe),
        ("kernel`vfs_read", "ffffffff81000000 40 T vfs_read\n"),
        ("'vfs_read',", "ffffffff81000000 40 T vfs_read\n"),
        ("<vfs_read>:", "ffffffff81000000 40 T vfs_read\n"),
        ("=> vfs_read", "ffffffff81000000 40 T vfs_read\n"),
        (
            "vfs_read(struct file *)",
            "ffffffff81000000 40 T vfs_read\n",
        ),
        (
            "{vfs_read,inside}",
            "ffffffff81000000 40 T vfs_read\nffffffff81000010 8 t inside\n",
        ),
        (
            "ti-cpsw`*",
            "ffffffff81000060 10 T cpdma_start\\t[ti_cpsw] [ti_cpsw_new]\n",
        ),
    ] {
        assert_eq!(files.good(&["find", text]), expected, "{text}");
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

/// Words of a line may be names of data; a module behind one, or code, is what the line is about.
#[test]
fn names_that_stand_alone_in_a_line() {
    let files = Files::new(&[(
        "kernel",
        "ffffffff81000000 10 T vfs_read\nffffffff81000010 10 t ext4_read\t[ext4]\nffffffff81000020 10 T do_idle\n\
         ffffffff81000800 10 d events\nffffffff81000810 10 D init\nffffffff81001000 0 B _end\n",
    )]);
    let [vfs_read, ext4_read, idle, events] = [
        "ffffffff81000000 vfs_read+0x0/0x10\n",
        "ffffffff81000010 ext4_read+0x0/0x10 [ext4]\n",
        "ffffffff81000020 do_idle+0x0/0x10\n",
        "ffffffff81000800 events+0x0/0x10\n",
    ];
    for (text, expected) in [
        ("Workqueue: events ext4_read [ext4]", ext4_read),
        ("Workqueue: events vfs_read ext4_read [ext4]", ext4_read),
        ("Workqueue: events vfs_read", vfs_read),
        ("Workqueue: events", events),
        ("init-1 [000] d..2 1.234567: vfs_read <-do_idle", vfs_read),
        (
            "init-1 [000] d..2 1.234567: vfs_read <-do_idle+0x4/0x10",
            vfs_read,
        ),
        ("  1.2%  init  [kernel.kallsyms]  [k] do_idle", idle),
        ("init;do_idle;vfs_read 12", vfs_read),
        ("@[vfs_read]: 5", vfs_read),
        (
            " 0)   1.234 us    |  vfs_read() { /* <-do_idle+0x5/0x10 */",
            vfs_read,
        ),
        ("vfs_read (fs/read_write.c:450)", vfs_read),
    ] {
        assert_eq!(files.good(&["lookup", text]), expected, "{text}");
    }
}

/// One argument that asks for nothing is no reason to leave the others.
#[test]
fn an_argument_that_is_no_question() {
    let files = Files::new(&[("kernel", common::KERNEL)]);
    let arguments = [
        "lookup",
        "-i",
        "kernel",
        "fs/read_write.c:450",
        "vfs_read",
        "+0x10",
        "inside",
        "nope_nope",
    ];
    let (status, out, err) = files.run(&arguments, "");
    assert_eq!(status, 2);
    assert_eq!(
        out,
        "ffffffff81000000 vfs_read+0x0/0x40\nffffffff81000010 inside+0x0/0x8\n"
    );
    assert_snapshot!(err, @r"
    kallmodsyms: fs/read_write.c:450: expected an address or a name, found a line of source: symbols have none, a debugger knows: `gdb -batch -ex 'info line fs/read_write.c:450' vmlinux`
    kallmodsyms: expected an address such as ffffffff81000000, or a name such as vfs_read+0x10, found `+0x10`
    kallmodsyms: nope_nope: no symbol has the name nope_nope
    ");
    for (text, what) in [
        ("vfs_read:5", "perf probe -L vfs_read"),
        ("vfs_read + x", "expected an address such as "),
        ("hello world", "expected an address such as "),
        ("vfs_read+x", "expected an address such as "),
        ("+0x10", "expected an address such as "),
        ("??", "expected an address such as "),
    ] {
        let (status, out, err) = files.run(&["lookup", "-i", "kernel", text], "");
        assert_eq!((status, out.as_str()), (2, ""), "{text}");
        assert!(err.contains(text) && err.contains(what), "{err}");
    }
}
