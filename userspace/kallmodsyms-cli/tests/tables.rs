// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Tables as people have them: of every width, moved, with mapping symbols, without sizes, and not clean.

mod common;

use common::Files;

/// What a command prints of a file that is called `table`, and what it says besides.
fn run(table: impl AsRef<[u8]>, arguments: &[&str]) -> (i32, String, String) {
    let files = Files::new(&[("table", table)]);
    files.run(&[arguments, &["-i", "table"]].concat(), "")
}

/// The output of a command that has nothing to say besides.
fn good(table: impl AsRef<[u8]>, arguments: &[&str]) -> String {
    let (status, out, err) = run(table, arguments);
    assert_eq!((status, err.as_str()), (0, ""), "{arguments:?}");
    out
}

/// The output of a command that has something to say, and that.
fn noted(table: impl AsRef<[u8]>, arguments: &[&str]) -> (String, String) {
    let (status, out, err) = run(table, arguments);
    assert_eq!(status, 0, "{arguments:?}: {err}");
    (out, err)
}

/// Kernels of s390 and of some MIPS lie below 4 GiB, and have addresses of 64 bits.
#[test]
fn the_width_is_that_of_the_file() {
    let low = "0000000000100000 T _stext\n0000000000101000 t do_sys\n0000000000102000 B _end\n";
    assert_eq!(
        good(low, &["lookup", "101008", "do_sys+0x10"]),
        "0000000000101008 do_sys+0x8\n0000000000101010 do_sys+0x10\n"
    );
    assert_eq!(
        good(low, &["find", "do_sys"]),
        "0000000000101000 t do_sys\n"
    );
    for sort in ["file", "address", "name", "size"] {
        assert_eq!(
            good(low, &["dump", "--sort", sort, "--type", "t"]),
            "0000000000101000 t do_sys\n"
        );
    }
    let gap = "0000000000100000 10 T _stext\n0000000000101000 10 t f\n";
    assert_eq!(
        good(gap, &["gaps", "--min-size", "1"]),
        "0000000000100010 ff0 after _stext, before f\n1 gap, 4,080 bytes\n"
    );
    let narrow = "80000000 T _text\n80001000 t f\n";
    assert_eq!(good(narrow, &["lookup", "f"]), "80001000 f+0x0\n");
}

/// Per-CPU data counts from 0 in kernels of x86-64 before 6.15. KASLR moves the image, and not that.
#[test]
fn what_counts_from_zero_does_not_move() {
    let map = "0000000000000000 D __per_cpu_start\n0000000000002000 D gdt_page\nffffffff81000000 T _text\n\
               ffffffff81000080 T do_fork\nffffffff81002000 B _end\n";
    for (slide, query, expected) in [
        (
            "0x1c000000",
            "gdt_page+0x10",
            "0000000000002010 gdt_page+0x10",
        ),
        ("0x1c000000", "2010", "0000000000002010 gdt_page+0x10"),
        ("0x1c000000", "do_fork+4", "ffffffff9d000084 do_fork+0x4"),
        (
            "0x1c000000",
            "ffffffff9d000084",
            "ffffffff9d000084 do_fork+0x4",
        ),
        (
            "-0x1000000",
            "ffffffff80000084",
            "ffffffff80000084 do_fork+0x4",
        ),
        ("-16M", "do_fork", "ffffffff80000080 do_fork+0x0"),
        ("-0x1000000", "2010", "0000000000002010 gdt_page+0x10"),
    ] {
        assert_eq!(
            good(map, &["lookup", "--slide", slide, query]),
            format!("{expected}\n"),
            "{slide} {query}"
        );
    }
    // What was there before is no longer.
    let (status, out, _) = run(
        map,
        &["lookup", "--slide", "0x1c000000", "ffffffff81000084"],
    );
    assert_eq!((status, out.contains("in no symbol")), (1, true), "{out}");
    let (status, _, err) = run(map, &["lookup", "--slide", "-x", "2010"]);
    assert_eq!(status, 2);
    assert!(
        err.contains("expected a distance in bytes, such as 0x1e000000 or -2M, found `-x`"),
        "{err}"
    );
}

const MAPPED: &str = "\
ffffffc080000000 T _text
ffffffc080001000 B _end
ffffffc079000000 t $x\t[dm_x]
ffffffc079000000 t dm_map\t[dm_x]
ffffffc079000010 t $d\t[dm_x]
ffffffc079000018 t $x.1\t[dm_x]
ffffffc079000030 t __pi_$x\t[dm_x]
ffffffc079000030 t .L12\t[dm_x]
ffffffc079000040 t dm_end\t[dm_x]
ffffffc079000040 t L0\u{1}\t[dm_x]
";

/// Of arm, arm64, riscv, loongarch: as many as there are, none is an answer, and none ends another.
#[test]
fn mapping_symbols_never_win() {
    let sized = |line: &str| {
        let (address, rest) = line.split_once(' ').unwrap();
        let size = if rest.contains("dm_map") { "40" } else { "0" };
        format!("{address} {size} {rest}\n")
    };
    let with_sizes: String = MAPPED.lines().map(sized).collect();
    for (table, size) in [(MAPPED.to_owned(), ""), (with_sizes, "/0x40")] {
        for offset in [0, 0x10, 0x18, 0x2f, 0x30, 0x3f] {
            let address = format!("{:x}", 0xffff_ffc0_7900_0000_u64 + offset);
            let expected = format!("{address} dm_map+{offset:#x}{size} [dm_x]\n");
            assert_eq!(good(&table, &["lookup", &address]), expected);
            assert_eq!(
                good(&table, &["lookup", "--all", &address]).lines().next(),
                expected.lines().next()
            );
        }
        assert_eq!(
            good(&table, &["lookup", "ffffffc079000040"]),
            "ffffffc079000040 dm_end+0x0 [dm_x]\n"
        );
        // They are part of the file all the same.
        assert!(good(&table, &["find", "$x.1"]).contains(" $x.1"));
        assert_eq!(good(&table, &["dump"]), table);
    }
    let files = Files::new(&[("table", MAPPED)]);
    let text = "pc : [<ffffffc079000018>] lr : [<ffffffc079000030>]\n";
    let (_, out, _) = files.run(&["symbolize", "-i", "table"], text);
    let named = "pc : [<ffffffc079000018>] (dm_map+0x18 [dm_x]) lr : [<ffffffc079000030>] (dm_map+0x30 [dm_x])\n";
    assert_eq!(out, named);
}

/// Where no symbol has a size, none is known.
#[test]
fn all_sizes_zero() {
    let zero =
        "ffffffff81000000 0 T _text\nffffffff81000040 0 t f\t[a] [b]\nffffffff81001000 0 B _end\n";
    assert_eq!(
        good(zero, &["lookup", "ffffffff81000044"]),
        "ffffffff81000044 f+0x4 [a] [b]\n"
    );
    // `dump` gives back what is there.
    assert_eq!(good(zero, &["dump"]), zero);
    let (status, _, err) = run(zero, &["gaps"]);
    assert!(
        status == 2 && err.contains("expected symbols with sizes"),
        "{err}"
    );
}

/// Hand-written code that nothing covers has a name, as the kernel prints it; what is covered, or no code, has not.
#[test]
fn code_of_size_zero() {
    let table = "\
c0008000 0 T _text
c0008000 0 T __memzero
c0008100 40 T vfs_read
c0008110 0 t inner
c0008140 0 D table
c0008200 0 T fiqs
c0008200 0 D fiq_data
c0009000 0 B _end
c0009000 0 T last
";
    for (query, expected) in [
        ("c0008000", "c0008000 __memzero+0x0"),
        ("c00080ff", "c00080ff __memzero+0xff"),
        ("c0008118", "c0008118 vfs_read+0x18/0x40"),
        ("c0008210", "c0008210 fiqs+0x10"),
        ("c0009010", "c0009010 last+0x10"),
        ("__memzero+0x20", "c0008020 __memzero+0x20"),
    ] {
        assert_eq!(good(table, &["lookup", query]), format!("{expected}\n"));
        assert!(
            good(table, &["lookup", "--all", query]).starts_with(expected),
            "{query}"
        );
    }
    for outside in ["c0008150", "c000a000"] {
        let (status, out, _) = run(table, &["lookup", outside]);
        assert_eq!((status, out.contains("in no symbol")), (1, true), "{out}");
    }
}

/// Kernels before 4.15 print the address 0 so.
#[test]
fn null_addresses() {
    let old = "          (null) A per_cpu_first\n0000000000005000 A per_cpu_next\nffffffff81000000 T _text\n\
               ffffffff81000080 T do_fork\nffffffff81002000 B _end\n";
    assert_eq!(
        good(old, &["lookup", "ffffffff81000084"]),
        "ffffffff81000084 do_fork+0x4\n"
    );
    assert_eq!(
        good(old, &["find", "per_cpu_first"]),
        "0000000000000000 A per_cpu_first\n"
    );
    assert!(good(old, &["dump"]).starts_with("0000000000000000 A per_cpu_first\n"));
    for hidden in ["(null)", "(____ptrval____)", "        (ptrval)"] {
        let table = format!("{hidden} T _text\n{hidden} t f\t[m]\n");
        let (status, out, err) = run(&table, &["lookup", "ffffffff81000084"]);
        assert_eq!((status, out.as_str()), (2, ""));
        assert!(
            err.contains("found them hidden (all are zero)") && err.contains("kptr_restrict"),
            "{err}"
        );
    }
}

#[test]
fn what_editors_and_mails_leave() {
    let clean =
        "ffffffff81000000 T _text\nffffffff81001000 B _end\nffffffffc0000000 t probe\t[nf_x]\n";
    for dirty in [
        clean.replace('\t', " "),
        clean.replace('\t', "        "),
        clean.replace('\n', "\r\n"),
        clean.replace(' ', "\t"),
        clean.replace(' ', "  "),
        clean.replace("ffffffff", "FFFFFFFF"),
        clean.replace("ffffffff", "0xffffffff"),
        format!(
            "    {}",
            clean.replace('\n', " \n    ").trim_end_matches(' ')
        ),
        format!("\u{feff}{clean}"),
    ] {
        assert_eq!(
            good(&dirty, &["lookup", "ffffffffc0000004"]),
            "ffffffffc0000004 probe+0x4 [nf_x]\n",
            "{dirty:?}"
        );
        assert_eq!(good(&dirty, &["dump"]), clean, "{dirty:?}");
        assert_eq!(
            run(&dirty, &["dump", "--strict"]).0,
            0,
            "all lines were used: {dirty:?}"
        );
    }
    let hyphens = "ffffffff81000000 T _text\nffffffff81001000 B _end\nffffffffc0000000 t f\t[snd-hda-codec]\n";
    assert_eq!(
        good(hyphens, &["lookup", "ffffffffc0000004"]),
        "ffffffffc0000004 f+0x4 [snd-hda-codec]\n"
    );
}

/// `System.map` keeps names that the kernel's own table is too narrow for.
#[test]
fn names_over_511_bytes() {
    let long = "_RNv".repeat(200);
    let map =
        format!("ffffffff81000000 T _text\nffffffff81000040 t {long}\nffffffff81000080 T f\n");
    assert_eq!(
        good(&map, &["lookup", "ffffffff81000084"]),
        "ffffffff81000084 f+0x4\n"
    );
    assert_eq!(
        good(&map, &["find", &long]),
        format!("ffffffff81000040 t {long}\n")
    );
}

#[test]
fn what_nm_prints() {
    let nm = "                 w __gmon_start__\n                 U printk\nffffffff81000000 T _text\n\
              ffffffff81000040 T f\nffffffff81002000 B _end\n";
    let (out, err) = noted(nm, &["lookup", "ffffffff81000044"]);
    assert_eq!(out, "ffffffff81000044 f+0x4\n");
    assert_eq!(
        err,
        "kallmodsyms: note: table: 2 of 5 lines not used; the first is line 1, column 1: expected an address, found a \
         symbol that is not defined\n"
    );
    // With -S: symbols of no size stand without.
    let sizes = "0000000000000000 A __per_cpu_start\nffffffff81000000 T _text\nffffffff81000000 0000000000000040 T start\n\
                 ffffffff81000040 0000000000000100 T f\nffffffff81002000 B _end\n";
    assert_eq!(
        good(sizes, &["lookup", "ffffffff81000044", "ffffffff81000000"]),
        "ffffffff81000044 f+0x4/0x100\nffffffff81000000 start+0x0/0x40\n"
    );
    assert!(
        good(sizes, &["dump"]).contains("ffffffff81000040 100 T f\nffffffff81002000 0 B _end\n")
    );
    let narrow = "c0008000 T _text\nc0008000 00000040 T start\n         U gone\n";
    assert_eq!(
        noted(narrow, &["lookup", "c0008004"]).0,
        "c0008004 start+0x4/0x40\n"
    );
}

/// One note, whatever the command; and the exit status that it would have had.
#[test]
fn lines_that_are_not_used() {
    let cut = "ffffffff81000000 40 T _text\nffffffff81000040 40 T f\t[a]\nffffffff81001000 0 B _end\nffffffff8100";
    let note = "kallmodsyms: note: table: 1 of 4 lines not used; the first is line 4, column 13: expected a line feed, \
                found the end of the file: was the copy cut short (read it again), or did a tool rewrite line ends (undo \
                with tr -d '\\r')?\n";
    for (arguments, expected) in [
        (&["lookup", "ffffffff81000044"][..], 0),
        (&["lookup", "ffffffff91000044"], 1),
        (&["find", "f"], 0),
        (&["find", "none"], 1),
        (&["dump"], 0),
        (&["dump", "--sort", "name", "--json"], 0),
        (&["modules"], 0),
        (&["gaps", "--min-size", "1"], 0),
        (&["treemap", "--json"], 0),
        (&["symbolize", "table"], 0),
    ] {
        let (status, _, err) = run(cut, arguments);
        assert_eq!(status, expected, "{arguments:?}: {err}");
        assert_eq!(err.matches(note).count(), 1, "{arguments:?}: {err}");
        let (status, out, _) = run(cut, &[arguments, &["--strict"]].concat());
        assert_eq!(status, 1, "{arguments:?}");
        assert_eq!(
            out,
            run(cut, arguments).1,
            "{arguments:?}: the same is printed"
        );
    }
    let files = Files::new(&[("table", cut), ("clean", &cut[..cut.len() - 12])]);
    let (status, _, err) = files.run(&["diff", "table", "clean"], "");
    assert_eq!((status, err.as_str()), (0, note));
    // Strict all the same.
    let (status, out, err) = files.run(&["validate", "table"], "");
    assert!(
        status == 1 && out.contains("error[") && err.is_empty(),
        "{out}{err}"
    );
    let (out, _) = noted(cut, &["dump"]);
    assert_eq!(out, cut[..cut.len() - 12]);

    // A last line that is whole but for its line feed may have been longer.
    let unfinished = format!("{}ffffffff81002000 0 B _e", &cut[..cut.len() - 12]);
    let (out, _) = noted(&unfinished, &["dump"]);
    assert!(!out.contains("_e\n"), "{out}");
    let (out, err) = noted("bad\nffffffff81000000 T _text\n", &["lookup", "_text"]);
    assert_eq!(out, "ffffffff81000000 _text+0x0\n");
    assert!(
        err.contains("1 of 2 lines not used; the first is line 1, column 4: "),
        "{err}"
    );
}

/// Fewer than half of the lines are symbols.
#[test]
fn what_is_no_table() {
    let log = "[    1.0] Oops: 0000 [#1] SMP\n[    1.0] RIP: 0010:vfs_read+0x10/0x80\nffffffff81000000 T _text\n";
    for arguments in [
        &["lookup", "ffffffff81000000"][..],
        &["dump"],
        &["find", "_text"],
        &["symbolize", "table"],
    ] {
        let (status, _, err) = run(log, arguments);
        assert_eq!(status, 2, "{arguments:?}");
        assert_eq!(
            err,
            "kallmodsyms: table: expected lines of symbols, found a kernel log: -i names symbols; the text comes behind \
             the command: kallmodsyms symbolize table\n"
        );
    }
    for (text, expected) in [
        (
            "ffffffff81000000 (T) _text\n",
            "what crash's sym -l prints: make a table of the vmlinux: nm -n vmlinux > System.map",
        ),
        (
            "SYMBOL TABLE:\nffffffff81000040 g     F .text\t0000000000000080 f\n",
            "what objdump -t prints: make a table",
        ),
        (
            "   Num:    Value          Size Type    Bind   Vis      Ndx Name\n     1: ffffffff81000040     8 FUNC GLOBAL DEFAULT 1 f\n",
            "what readelf -s prints: make a table",
        ),
        (
            "'Tf'                 0xffffffff81000040\n",
            "what kallsyms-finder prints: ",
        ),
        (
            ".text 00000000-00000000 = _text\n",
            "modules.builtin.ranges, which tells modules apart and has no symbols: give it with --with",
        ),
    ] {
        let (status, out, err) = run(text, &["find", "f"]);
        assert_eq!((status, out.as_str()), (2, ""), "{text:?}");
        assert!(
            err.starts_with(&format!(
                "kallmodsyms: table: expected lines of symbols, found {expected}"
            )),
            "{err}"
        );
    }
    for (head, expected) in [
        (&b"PK\x03\x04"[..], "a zip archive"),
        (b"MZ\0\x91", "an EFI program"),
        (b"PERFILE2", "a recording of perf"),
        (b"\x17\x08\x44tracing6", "a recording of trace-cmd"),
        (b"!<arch>\n", "an archive of ar"),
        (b"KDUMP   ", "a dump of memory"),
        (b"\xff\xfef\0f\0\n\0", "text in UTF-16"),
    ] {
        let (status, _, err) = run([head, &[0; 100]].concat(), &["find", "f"]);
        assert!(
            status == 2 && err.contains(&format!("expected lines of symbols, found {expected}")),
            "{err}"
        );
    }
    let (status, _, err) = run(
        b"\x5d\0\0\x80\0\xff\xff\xff\xff\xff\xff\xff\xff",
        &["find", "f"],
    );
    assert_eq!(
        (status, err.as_str()),
        (
            2,
            "kallmodsyms: cannot read table: packed with lzma, which this command does not unpack: run lzma -d first\n"
        )
    );
}

/// What a kernel of before 4.15 prints live is read like a copy of it.
#[test]
fn an_old_kernel_that_runs() {
    let files = Files::new::<&[u8]>(&[]);
    std::fs::create_dir_all(files.path().join("root/proc")).unwrap();
    files.write(
        "root/proc/kallsyms",
        b"          (null) A first\nffffffff81000000 T _text\nffffffff81000080 T f\n",
    );
    let (status, out, err) = files.run(&["lookup", "f+4", "--root", "root"], "");
    assert_eq!(
        (status, out.as_str(), err.as_str()),
        (0, "ffffffff81000084 f+0x4\n", "")
    );
}
