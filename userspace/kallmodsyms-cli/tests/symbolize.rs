// SPDX-License-Identifier: Apache-2.0 OR MIT

//! What `symbolize` makes of texts as kernels and tools print them, line by line.

mod common;

use std::io::{Read, Write};

use common::{Files, capture};

const KERNEL: &str = "\
0000000000000000 30 A per_cpu_data
ffffffff81000000 0 T _text
ffffffff81000000 31 T vfs_open
ffffffff81000040 20 t probe\t[ext4]
ffffffff81000060 10 T cpdma_start\t[ti_cpsw] [ti_cpsw_new]
ffffffff81000080 40 t probe\t[nfs]
ffffffff810000c0 40 T __do_sys_open
ffffffff810000c0 40 T __x64_sys_open
ffffffff81000100 40 t btrfs_get.llvm.1234567890\t[btrfs]
ffffffff81000140 40 t _RNvCs1234_7mycrate3foo\t[mycrate]
ffffffff81000180 38 T ext4_sync\t[ext4]
ffffffff81000800 200 d table\t[tab]
ffffffff81001000 0 B _end
ffffffffc0000000 80 t nf_hook\t[nf_x]
";

const ARM: &str = "\
00000000 t __vectors_start
00001004 t vector_rst
c0008000 T _text
c0100000 T _stext
c0100040 T vfs_open
c0200000 B _end
bf000000 t nf_hook\t[nf_x]
";

const MIPS: &str = "80100000 T _text\n80100040 T vfs_open\n80900000 T _etext\n80a00000 B _end\n";

const POWERPC: &str = "\
c000000000000000 40 T _stext
c000000000000040 40 T .vfs_open
c000000000000080 40 t .probe\t[ext4]
c000000000100000 18 D vfs_open
c000000000110000 0 B _end
d000000002c5ef70 40 t .asswarn\t[xfs]
";

const S390: &str = "\
0000000000100000 T _stext
000000000010e560 T vfs_open
0000000000200000 B _end
000003ff80000000 t nf_hook	[nf_x]
";

/// Runs the command once on all texts, and compares each with what is expected of it.
#[track_caller]
fn check(kernel: &str, arguments: &[&str], lines: &[(&str, &str)]) {
    let files = Files::new(&[("kernel", kernel)]);
    let joined = |lines: Vec<&str>| lines.join("\n") + "\n";
    let text = joined(lines.iter().map(|(line, _)| *line).collect());
    let arguments = [&["symbolize", "-i", "kernel"], arguments].concat();
    let (status, out, err) = files.run(&arguments, text);
    let expected = joined(lines.iter().map(|(_, line)| *line).collect());
    pretty(&out, &expected);
    assert_eq!((status, err.as_str()), (0, ""), "{arguments:?}");
}

#[track_caller]
fn pretty(found: &str, expected: &str) {
    for (found, expected) in found.lines().zip(expected.lines()) {
        assert_eq!(found, expected);
    }
    assert_eq!(found, expected);
}

/// All of these stay as they are.
#[track_caller]
fn check_stays(kernel: &str, arguments: &[&str], lines: &[&str]) {
    let lines: Vec<_> = lines.iter().map(|&line| (line, line)).collect();
    check(kernel, arguments, &lines);
}

#[test]
fn addresses_are_named() {
    check(
        KERNEL,
        &[],
        &[
            ("ffffffff81000010", "ffffffff81000010 (vfs_open+0x10/0x31)"),
            (
                "RIP: 0010:[<ffffffff81000010>] x",
                "RIP: 0010:[<ffffffff81000010>] (vfs_open+0x10/0x31) x",
            ),
            (
                "RIP: 0010:ffffffff81000010",
                "RIP: 0010:ffffffff81000010 (vfs_open+0x10/0x31)",
            ),
            (
                "(0xFFFFFFFF81000044)",
                "(0xFFFFFFFF81000044 (probe+0x4/0x20 [ext4]))",
            ),
            (
                "RAX: ffffffff81000000 RBX: ffffffff81000044\r",
                "RAX: ffffffff81000000 (vfs_open+0x0/0x31) RBX: ffffffff81000044 (probe+0x4/0x20 [ext4])\r",
            ),
            (
                "ffffffff81000010-ffffffff81000020",
                "ffffffff81000010 (vfs_open+0x10/0x31)-ffffffff81000020 (vfs_open+0x20/0x31)",
            ),
            (
                "0xffffffff81000010+0x4",
                "0xffffffff81000010 (vfs_open+0x10/0x31)+0x4",
            ),
            (
                "<ffffffff81000010>",
                "<ffffffff81000010> (vfs_open+0x10/0x31)",
            ),
            (
                "[ffffffff81000010]",
                "[ffffffff81000010] (vfs_open+0x10/0x31)",
            ),
            (
                "<ffffffff81000010 x>",
                "<ffffffff81000010 (vfs_open+0x10/0x31) x>",
            ),
            (
                "ffffffffc0000010",
                "ffffffffc0000010 (nf_hook+0x10/0x80 [nf_x])",
            ),
            (
                "old ffffffff81000010 new_name ffffffff81000018",
                "old ffffffff81000010 (vfs_open+0x10/0x31) new_name ffffffff81000018 (vfs_open+0x18/0x31)",
            ),
            (
                "RDX: ffffffff81000010 ORIG_RAX: 0 next=ffffffff81000010 prev_state=1",
                "RDX: ffffffff81000010 (vfs_open+0x10/0x31) ORIG_RAX: 0 next=ffffffff81000010 (vfs_open+0x10/0x31) prev_state=1",
            ),
            (
                "{ call_site: ffffffff81000010 } hitcount: 1",
                "{ call_site: ffffffff81000010 (vfs_open+0x10/0x31) } hitcount: 1",
            ),
            (
                "ffffffff81000010 at probe+0x1/0x20",
                "ffffffff81000010 (vfs_open+0x10/0x31) at probe+0x1/0x20",
            ),
            (
                "from vfs_open to ffffffff81000010",
                "from vfs_open to ffffffff81000010 (vfs_open+0x10/0x31)",
            ),
        ],
    );
}

#[test]
fn numbers_are_none() {
    check_stays(
        KERNEL,
        &[],
        &[
            "0000000000000000 0x0 0x10 0000000000000010 0xfff",
            "nothing+0xffffffff81000010 x/0xffffffff81000010",
            "ffffffff810000100 fffffffff81000010 fffffff81000010 ffffffff8100001g",
            "x.ffffffff81000010 _ffffffff81000010 ffffffff81000010_",
            "ffffffff81000200 0xffffffff81000200",
            "0x 0xg 0x12345678901234567",
            "",
        ],
    );
    // Vectors of 32-bit Arm are mapped at 0, and modules are below the image.
    check(
        ARM,
        &[],
        &[
            ("virtual address 00000009", "virtual address 00000009"),
            (
                "r3 : 00000010  r2 : 00001024",
                "r3 : 00000010  r2 : 00001024",
            ),
            ("size 0x10 of 0x1010", "size 0x10 of 0x1010"),
            (
                "r1 : b6f01625  r0 : 00000000",
                "r1 : b6f01625  r0 : 00000000",
            ),
            ("c0100000.serial: ttyS0", "c0100000.serial: ttyS0"),
            ("/soc/serial@c0100000/clock", "/soc/serial@c0100000/clock"),
            (
                "UUID=c0100054-0000-4000-8000-000000000000",
                "UUID=c0100054-0000-4000-8000-000000000000",
            ),
            ("lr : bf000010.", "lr : bf000010 (nf_hook+0x10 [nf_x])."),
            (
                "pc : [<c0100054>]    lr : [<c0100044>]    psr: 80070113",
                "pc : [<c0100054>] (vfs_open+0x14)    lr : [<c0100044>] (vfs_open+0x4)    psr: 80070113",
            ),
        ],
    );
    check(
        S390,
        &[],
        &[
            (
                "Krnl PSW : 0704c00180000000 000000000010e5ba",
                "Krnl PSW : 0704c00180000000 000000000010e5ba (vfs_open+0x5a)",
            ),
            (
                "([<000000000010e5ba>] 0x10e5ba)",
                "([<000000000010e5ba>] (vfs_open+0x5a) 0x10e5ba (vfs_open+0x5a))",
            ),
            (
                "Krnl GPRS: 0000000000000001 00000000000ffff8",
                "Krnl GPRS: 0000000000000001 00000000000ffff8",
            ),
        ],
    );
}

#[test]
fn machine_code_is_none() {
    check_stays(
        MIPS,
        &[],
        &[
            "Code: 00801021  8c420000  24030001 <80100044> ac430000",
            "Instruction dump:",
            "80100044 7c0803a6 4e800020",
            "XXXXXXXX 80100044 <80100048> 4e800020",
            "",
            "[   12.626537] Instruction DUMP:",
            "[   12.626567]  80100044",
            "[   12.626690] <80100044>",
            "Nov 26 host kernel: [   12.7] 80100044",
            "Oops",
            "vim[1234]: code: 80100044 7c0803a6 (80100044)",
        ],
    );
    check(
        MIPS,
        &[],
        &[
            ("Code: 80100044", "Code: 80100044"),
            ("Call Trace:", "Call Trace:"),
            (
                "80100054:\t80100044 \tlb\tv1,4(v0)",
                "80100054 (vfs_open+0x14):\t80100044 \tlb\tv1,4(v0)",
            ),
            (
                "80100044 80100048",
                "80100044 (vfs_open+0x4) 80100048 (vfs_open+0x8)",
            ),
            ("Code: 80100044", "Code: 80100044"),
            ("80100044 at", "80100044 (vfs_open+0x4) at"),
            ("80100044", "80100044 (vfs_open+0x4)"),
            ("Error Code 80100044", "Error Code 80100044 (vfs_open+0x4)"),
            (
                "0x80100044:  80100048 00000000",
                "0x80100044 (vfs_open+0x4):  80100048 (vfs_open+0x8) 00000000",
            ),
        ],
    );
    // No word of code is as long as these.
    check(
        KERNEL,
        &[],
        &[
            (
                "Code: Unable to access opcode bytes at 0xffffffff81000010.",
                "Code: Unable to access opcode bytes at 0xffffffff81000010 (vfs_open+0x10/0x31).",
            ),
            (
                "Krnl Code: ffffffff81000010: e310f0980024 lg %r1,152(%r15)",
                "Krnl Code: ffffffff81000010 (vfs_open+0x10/0x31): e310f0980024 lg %r1,152(%r15)",
            ),
        ],
    );
}

/// Escapes may stand right before an address or a name.
#[test]
fn escapes() {
    check(
        KERNEL,
        &["--modules"],
        &[
            (
                "\x1b[33mRIP: \x1b[0m\x1b[1mffffffff81000010\x1b[0m",
                "\x1b[33mRIP: \x1b[0m\x1b[1mffffffff81000010 (vfs_open+0x10/0x31)\x1b[0m",
            ),
            (
                r#"{"message":"RIP:\nffffffff81000010\n\tprobe+0x4/0x20\u001b[0mprobe+0x4/0x40\n"}"#,
                r#"{"message":"RIP:\nffffffff81000010 (vfs_open+0x10/0x31)\n\tprobe+0x4/0x20 [ext4]\u001b[0mprobe+0x4/0x40 [nfs]\n"}"#,
            ),
            (
                r"\u000affffffff81000010 \x0affffffff81000010 \\nffffffff81000010",
                r"\u000affffffff81000010 (vfs_open+0x10/0x31) \x0affffffff81000010 (vfs_open+0x10/0x31) \\nffffffff81000010 (vfs_open+0x10/0x31)",
            ),
            (
                "kernel: x#012ffffffff81000010#012probe+0x4/0x20#033[0mffffffff81000010",
                "kernel: x#012ffffffff81000010 (vfs_open+0x10/0x31)#012probe+0x4/0x20 [ext4]#033[0mffffffff81000010 (vfs_open+0x10/0x31)",
            ),
            (
                "::error::x%0Affffffff81000010",
                "::error::x%0Affffffff81000010 (vfs_open+0x10/0x31)",
            ),
            (
                "[0mffffffff81000010",
                "[0mffffffff81000010 (vfs_open+0x10/0x31)",
            ),
            (
                "\x1b(Bprobe+0x4/0x20\x1b[m",
                "\x1b(Bprobe+0x4/0x20 [ext4]\x1b[m",
            ),
        ],
    );
}

/// What a text names itself stays, whoever wrote it.
#[test]
fn what_is_named_stays() {
    check_stays(
        KERNEL,
        &[],
        &[
            // The kernel.
            "[<ffffffff81000010>] vfs_open+0x10/0x40",
            "[<ffffffff81000010>] ? vfs_open+0x10/0x31",
            "RIP: 0010:[<ffffffff81000010>]  [<ffffffff81000010>] vfs_open+0x10/0x40",
            "[<ffffffff810000d0>] __do_sys_open+0x10/0x40",
            "[<ffffffff810000d0>] __x64_sys_open+0x10/0x40",
            "([<ffffffff81000010>] vfs_open+0x10/0x40)",
            "[<ffffffff81000010>] (vfs_open) from [<ffffffff81000044>] (probe+0x4/0x20)",
            "[<ffffffff81000010>] (vfs_open+0x10/0x40) from [<ffffffff81000044>] (probe+0x4/0x20)",
            "epc : ffffffff81000010 vfs_open+0x10/0x40",
            "#0:  (rcu_read_lock){....}-{1:2}, at: [<ffffffff81000010>] vfs_open+0x10/0x40",
            "<ffffffff81000010>{vfs_open+16} <ffffffff81000044>{:ext4:probe+4}",
            "[<ffffffff81000010>] :ext4:vfs_open+0x10/0x40",
            "Caller[ffffffff81000010]: vfs_open+0x10/0x40",
            "&mm->mmap_lock          1          [<ffffffff81000010>] vfs_open+0x10/0x40",
            // Painted, or with what is left of that.
            "\x1b[31m[<ffffffff81000010>]\x1b[0m \x1b[1mvfs_open\x1b[m\x1b[K+0x10/0x40",
            r"[<ffffffff81000010>] \u001b[1mvfs_open\u001b[0m+0x10/0x40",
            "=> vfs_open+0x10/0x40 \x1b[2m<ffffffff81000010>\x1b[0m",
            // bcc under Python 3.
            "ffffffff81000010 b'vfs_open+0x10'",
        ],
    );
}

#[test]
fn what_tools_name_stays() {
    check_stays(
        KERNEL,
        &[],
        &[
            // gdb, objdump, nm, readelf, crash.
            "#1 0xffffffff81000010 in vfs_open () at fs/open.c:450",
            " .data @ 0xffffffff81000810",
            " .bss  @ 0xffffffff81000810",
            "   0xffffffff81000010 <vfs_open+16>:\tcall   0xffffffff81000040 <probe>",
            "=> 0xffffffff81000010 <+16>:\tret",
            "$1 = {int (struct file *)} 0xffffffff81000000 <vfs_open>",
            "ffffffff81000000 <vfs_open>:",
            "ffffffff81000000 T vfs_open",
            "ffffffff81000040 20 t probe\t[ext4]",
            "ffffffff81000000 g     F .text\t0000000000000031 vfs_open",
            "  1: ffffffff81000000    49 FUNC    GLOBAL DEFAULT    1 vfs_open",
            " #3 [ffffc90000a3be50] vfs_open at ffffffff81000010",
            "ffffffff81000010 (T) vfs_open+16 /usr/src/linux/fs/open.c: 940",
            "vfs_open+16 is at 0xffffffff81000010",
            "(ffffffff81000010) vfs_open",
            // ftrace, kprobes, perf, trace-cmd.
            " => vfs_open+0x10/0x40 <ffffffff81000010>",
            " => vfs_open (ffffffff81000010)",
            " bash-12 [000] d..1 12.3: vfs_open+0x0/0x40 <ffffffff81000000> <-probe+0x10/0x20 <ffffffff81000050>",
            " bash-12 [000] d..1 12.3: vfs_open <ffffffff81000000> <-probe <ffffffff81000050>",
            "ffffffff81000000  k  vfs_open+0x0    [FTRACE]",
            "ffffffff81000040  r  probe+0x0    [DISABLED][FTRACE]",
            "ffffffffc0000000  k  nf_hook+0x0  nf_x [DISABLED]",
            "        ffffffff81000010 vfs_open+0x10 ([kernel.kallsyms])",
            "        ffffffffc0000010 nf_hook+0x10 ([nf_x])",
            "ffffffff81000110 btrfs_get.llvm.1234567890+0x10/0x40",
            "ffffffff81000110 btrfs_get+0x10/0x40",
            "ffffffff81000110 <btrfs_get>",
            "        ffffffff81000144 mycrate::foo+0x4 ([kernel.kallsyms])",
            "0xffffffff81000144 <mycrate::foo+4>",
            // drgn, bpftrace.
            "#1  vfs_open+0x10/0x40 at 0xffffffff81000010",
            "vfs_open=0xffffffff81000000",
        ],
    );
    check_stays(
        POWERPC,
        &[],
        &[
            "NIP [c000000000000050] .vfs_open+0x10/0x40",
            "LR [c000000000000090] .probe+0x10/0x40",
            "[c00000017848b390] [d000000002c5ef9c] .asswarn+0x2c/0x40 [xfs](unreliable)",
            "[c00000017848b400] [c000000000000054] .vfs_open+0x14/0x40",
        ],
    );
    // Names that these symbols have not, or elsewhere.
    let text = "\
ffffffff81000040 <sys_getppid>:
  jmpq   ffffffff81000049 <sys_getppid+0x9>
function = 0xffffffff81000042 <timer>,
{ call_site: [ffffffff81000042] syslog_print_all       } hitcount: 1
ffffffff81000040 t perf_event_nmi_handler
lld: ffffffff810000c4   2a859a4        0     1           btf_ksym_iter_id
";
    assert_eq!(run(KERNEL, &[], text).1, text);
    // A name is of the address right beside it alone.
    check(
        KERNEL,
        &[],
        &[
            (
                "0xffffffff81000010 <vfs_open+16>:\t0xffffffff81000020\t0xffffffff81000030",
                "0xffffffff81000010 <vfs_open+16>:\t0xffffffff81000020 (vfs_open+0x20/0x31)\t0xffffffff81000030 (vfs_open+0x30/0x31)",
            ),
            (
                "ffffffff81000010:\te8 6b 00 00 00       \tcall   ffffffff81000040 <probe>",
                "ffffffff81000010 (vfs_open+0x10/0x31):\te8 6b 00 00 00       \tcall   ffffffff81000040 <probe>",
            ),
            (
                "0xffffffff81000000..0xffffffff81000040",
                "0xffffffff81000000 (vfs_open+0x0/0x31)..0xffffffff81000040 (probe+0x0/0x20 [ext4])",
            ),
            (
                "dd;vfs_open;0xffffffff81000010 3",
                "dd;vfs_open;0xffffffff81000010 (vfs_open+0x10/0x31) 3",
            ),
            (
                "@[ffffffff81000010, vfs_open]: 3",
                "@[ffffffff81000010 (vfs_open+0x10/0x31), vfs_open]: 3",
            ),
        ],
    );
}

/// A symbol's file, as nm and the kernel print it, names each of its addresses.
#[test]
fn lists_of_symbols_stay() {
    for file in ["kallmodsyms", "System.map"] {
        let bytes = capture(file);
        let files = Files::new(&[("kernel", &bytes)]);
        let (status, out, err) = files.run_bytes(&["symbolize", "-i", "kernel", "kernel"], "");
        assert_eq!((status, err.escape_ascii().to_string().as_str()), (0, ""));
        let lines = |bytes: &[u8]| bytes.split(|&byte| byte == b'\n').count();
        let changed = out
            .split(|&byte| byte == b'\n')
            .zip(bytes.split(|&byte| byte == b'\n'))
            .filter(|(one, other)| one != other)
            .count();
        assert_eq!(lines(&out), lines(&bytes), "{file}");
        assert_eq!(changed, 0, "{file}");
    }
}

/// Frames get the built-in module that the line does not name.
#[test]
fn modules_of_frames() {
    check(
        KERNEL,
        &["--modules"],
        &[
            // By the size, or the distance to the next symbol.
            (
                "RIP: 0010:probe+0x10/0x20",
                "RIP: 0010:probe+0x10/0x20 [ext4]",
            ),
            (" ? probe+0x10/0x40", " ? probe+0x10/0x40 [nfs]"),
            ("ext4_sync+0x10/0x38", "ext4_sync+0x10/0x38 [ext4]"),
            ("ext4_sync+0x10/0x680", "ext4_sync+0x10/0x680 [ext4]"),
            (
                "cpdma_start+0x10/0x20",
                "cpdma_start+0x10/0x20 [ti_cpsw] [ti_cpsw_new]",
            ),
            (
                "cpdma_start+0x1/0x10",
                "cpdma_start+0x1/0x10 [ti_cpsw] [ti_cpsw_new]",
            ),
            // By an offset that but one has, or an address.
            ("probe+0x30", "probe+0x30 [nfs]"),
            ("probe+0x10", "probe+0x10"),
            (
                "[<ffffffff81000050>] probe+0x10",
                "[<ffffffff81000050>] probe+0x10 [ext4]",
            ),
            // bpftrace, bcc, gdb, crash.
            ("    ext4_sync+16", "    ext4_sync+16 [ext4]"),
            ("    vfs_open+1", "    vfs_open+1"),
            (
                "    btrfs_get.llvm.1234567890+5",
                "    btrfs_get.llvm.1234567890+5 [btrfs]",
            ),
            ("    btrfs_get+0x5", "    btrfs_get+0x5 [btrfs]"),
            (
                "    0xffffffff81000190",
                "    0xffffffff81000190 (ext4_sync+0x10/0x38 [ext4])",
            ),
            ("@[ext4_sync, vfs_open]: 3", "@[ext4_sync, vfs_open]: 3"),
            (
                "0xffffffff81000190 <ext4_sync+16>:",
                "0xffffffff81000190 <ext4_sync+16 [ext4]>:",
            ),
            // /proc and tracefs.
            (
                "[<0>] ext4_sync+0x3c/0x680",
                "[<0>] ext4_sync+0x3c/0x680 [ext4]",
            ),
            (
                "0xffffc90000000000-0xffffc90000005000   20480 ext4_sync+0x30/0x680 pages=4 vmalloc",
                "0xffffc90000000000-0xffffc90000005000   20480 ext4_sync+0x30/0x680 [ext4] pages=4 vmalloc",
            ),
            (
                "    4 ext4_sync+0x10/0x680 age=1/2/3 pid=0-1 cpus=0",
                "    4 ext4_sync+0x10/0x680 [ext4] age=1/2/3 pid=0-1 cpus=0",
            ),
            (
                "  0)     2440      96   ext4_sync+0x10/0x680",
                "  0)     2440      96   ext4_sync+0x10/0x680 [ext4]",
            ),
            (
                " => ext4_sync+0x10/0x680 <ffffffff81000190>",
                " => ext4_sync+0x10/0x680 [ext4] <ffffffff81000190>",
            ),
            (
                "12.3: ext4_sync+0x0/0x680 <ffffffff81000180> <-ext4_sync+0x10/0x680 <ffffffff81000190>",
                "12.3: ext4_sync+0x0/0x680 [ext4] <ffffffff81000180> <-ext4_sync+0x10/0x680 [ext4] <ffffffff81000190>",
            ),
            ("12.3: ext4_sync <-vfs_open", "12.3: ext4_sync <-vfs_open"),
            (
                "ffffffff81000180  r  ext4_sync+0x0    [DISABLED][FTRACE]",
                "ffffffff81000180  r  ext4_sync+0x0 [ext4]    [DISABLED][FTRACE]",
            ),
            (
                "#0: (rcu){....}-{1:2}, at: ext4_sync+0x10/0x680",
                "#0: (rcu){....}-{1:2}, at: ext4_sync+0x10/0x680 [ext4]",
            ),
            ("probe+0x30 [<0>]", "probe+0x30 [nfs] [<0>]"),
        ],
    );
    check(
        POWERPC,
        &["--modules"],
        &[
            (
                "LR [c000000000000090] .probe+0x10/0x40",
                "LR [c000000000000090] .probe+0x10/0x40 [ext4]",
            ),
            ("...probe+0x10/0x40", "...probe+0x10/0x40"),
        ],
    );
}

#[test]
fn modules_of_frames_with_other_names_behind() {
    check(
        KERNEL,
        &["--modules"],
        &[
            // A folder of sources is no module, and neither is the kernel.
            (
                "ext4_sync+0x10/0x38 fs/ext4/fsync.c:1 [inline]",
                "ext4_sync+0x10/0x38 [ext4] fs/ext4/fsync.c:1 [inline]",
            ),
            ("dd;ext4_sync+0x10_[k] 3", "dd;ext4_sync+0x10_[k] [ext4] 3"),
            (
                "ext4_sync+0x10/0x38 [kernel]",
                "ext4_sync+0x10/0x38 [ext4] [kernel]",
            ),
            (
                "ffffffff81000190 ext4_sync+0x10 ([kernel.kallsyms])",
                "ffffffff81000190 ext4_sync+0x10 [ext4] ([kernel.kallsyms])",
            ),
            (
                "\x1b[1mext4_sync\x1b[0m+0x10/0x38",
                "\x1b[1mext4_sync\x1b[0m+0x10/0x38 [ext4]",
            ),
        ],
    );
}

#[test]
fn modules_of_other_frames() {
    check_stays(
        KERNEL,
        &["--modules"],
        &[
            // Of no built-in module, or of one that is named.
            "vfs_open+0x10/0x40",
            "nf_hook+0x10/0x80",
            "nf_hook+0x10/0x80 (nf_x)",
            "nf_hook+0x10 ([nf_x])",
            "ffffffffc0000000  k  nf_hook+0x0  nf_x [DISABLED]",
            "ext4_sync+0x10/0x38 [ext4]",
            "ext4_sync+0x10/0x38 (ext4)",
            "ext4_sync+0x10 ([ext4])",
            "ext4_sync+0x10 (/lib/modules/6.12.0/kernel/fs/ext4/ext4.ko)",
            "<ffffffff81000190>{:ext4:ext4_sync+16}",
            "ext4`ext4_sync+0x10",
            "probe+0x10/0x40 [loaded]",
            // Of programs.
            "    7f1234567890 ext4_sync+0x10 (/usr/bin/cat)",
            "          401190 ext4_sync+0x10 ([vdso])",
            // Of no symbol that there is.
            "myprobe+0x10/0x40",
            "+0x10 probe +0x10 probe+",
            "nothing+0x10/0x44",
            "the table and table+256 should",
        ],
    );
}

/// Folded stacks, for flamegraph.pl.
#[test]
fn names_only() {
    check(
        KERNEL,
        &["--names-only"],
        &[
            (
                "dd;entry;0xffffffff81000010;0xffffffff81000190 12",
                "dd;entry;vfs_open;ext4_sync 12",
            ),
            (
                "dd;entry;0xffffffff81000018;[unknown] 3",
                "dd;entry;vfs_open;[unknown] 3",
            ),
            (
                "dd;vfs_open+0x10;vfs_open+16/64;main+0x10 3",
                "dd;vfs_open;vfs_open;main+0x10 3",
            ),
            (
                "dd;0xffffffff81000018_[k];vfs_open+0x1_[k] 3",
                "dd;vfs_open_[k];vfs_open_[k] 3",
            ),
            ("[<ffffffff81000010>] at", "vfs_open at"),
        ],
    );
    check(
        KERNEL,
        &["--names-only", "--modules"],
        &[(
            "dd;0xffffffff81000190;ext4_sync+0x10;nf_hook+0x4 12",
            "dd;ext4_sync [ext4];ext4_sync [ext4];nf_hook 12",
        )],
    );
    check(
        KERNEL,
        &["--names-only", "--demangle=always"],
        &[(
            "0xffffffff81000144;_RNvCs1234_7mycrate3foo+0x1 1",
            "mycrate::foo;mycrate::foo 1",
        )],
    );
}

#[test]
fn names_of_rust() {
    check(
        KERNEL,
        &["--demangle=always", "--modules"],
        &[
            (
                "ffffffff81000144",
                "ffffffff81000144 (mycrate::foo+0x4/0x40 [mycrate])",
            ),
            (
                "_RNvCs1234_7mycrate3foo+0x4/0x40",
                "_RNvCs1234_7mycrate3foo+0x4/0x40 (mycrate::foo) [mycrate]",
            ),
            ("vfs_open+0x4/0x40", "vfs_open+0x4/0x40"),
        ],
    );
    check(
        KERNEL,
        &[],
        &[(
            "ffffffff81000144",
            "ffffffff81000144 (_RNvCs1234_7mycrate3foo+0x4/0x40 [mycrate])",
        )],
    );
}

/// What a run says: exit status, standard output, standard error.
fn run(kernel: &str, arguments: &[&str], text: &str) -> (i32, String, String) {
    let files = Files::new(&[("kernel", kernel), ("text", text)]);
    let arguments = [&["symbolize", "-i", "kernel"], arguments].concat();
    files.run(
        &arguments,
        if arguments.contains(&"text") {
            ""
        } else {
            text
        },
    )
}

/// Frames that do not fit are counted, and said once.
#[test]
fn another_kernel() {
    let note = |text: &str| {
        let (status, out, err) = run(KERNEL, &["--modules"], text);
        assert_eq!((status, out.as_str()), (0, text));
        err
    };
    assert_eq!(
        note(
            "vfs_open+0x10/0x2b0\nRIP: 0010:[<ffffffff81000017>] vfs_open+0x17/0x2b0\next4_sync+0x1/0x38 [ext4]\n"
        ),
        "kallmodsyms: note: frames that do not fit the symbols: 2 of 3, the first in line 1: vfs_open of 0x2b0 bytes, which \
         has 0x31 (0x40 to the next symbol) here; the text may be of another kernel than the symbols: name those of that kernel\n"
    );
    assert_eq!(
        note(
            "a\n[<ffffffff81000190>] vfs_open+0x10/0x40\n[<ffffffff81000010>] tcp_sendmsg+0x10/0x80\n"
        ),
        "kallmodsyms: note: frames that do not fit the symbols: 2 of 2, the first in line 2: vfs_open at 0xffffffff81000180, \
         which is at 0xffffffff81000000 here; the text may be of another kernel than the symbols: name those of that \
         kernel\n"
    );
    assert_eq!(
        note("[<ffffffff81000010>] tcp_sendmsg+0x10/0x80\n"),
        "kallmodsyms: note: frames that do not fit the symbols: 1 of 1, the first in line 1: tcp_sendmsg where these have \
         vfs_open there; the text may be of another kernel than the symbols: name those of that kernel\n"
    );
    assert_eq!(
        note(" => vfs_open+0x10/0x40 <ffffffff81000190>\n"),
        "kallmodsyms: note: frames that do not fit the symbols: 1 of 1, the first in line 1: vfs_open at 0xffffffff81000180, \
         which is at 0xffffffff81000000 here; the text may be of another kernel than the symbols: name those of that \
         kernel\n"
    );
    assert_eq!(
        note("ffffffff81000190 <vfs_open>:\n"),
        "kallmodsyms: note: frames that do not fit the symbols: 1 of 1, the first in line 1: vfs_open where these have \
         ext4_sync there; the text may be of another kernel than the symbols: name those of that kernel\n"
    );
    // All moved alike: the same kernel, elsewhere.
    assert_eq!(
        note(
            "[<ffffffff9f000010>] vfs_open+0x10/0x40\n[<ffffffff9f000190>] ext4_sync+0x10/0x680 [ext4]\n"
        ),
        "kallmodsyms: note: frames that do not fit the symbols: 2 of 2, the first in line 1: vfs_open at 0xffffffff9f000000, \
         which is at 0xffffffff81000000 here; all are moved alike: try --slide 0x1e000000\n"
    );
    // The size is what the kernel or another tool makes of it, or it is past its end.
    assert!(
        note("ext4_sync+0x1/0x39\n")
            .contains("ext4_sync of 0x39 bytes, which has 0x38 (0x680 to the next symbol) here")
    );
    assert!(note("vfs_open+0x50/0x31\n").contains("vfs_open+0x50, which is past its 0x31 bytes"));
    // Where sizes are not known, only what is larger than there is room says something.
    let unsized_note = |text| run("ffffffff81000000 T f\nffffffff81000040 T g\n", &[], text).2;
    assert_eq!(unsized_note("f+0x1/0x31\n"), "");
    assert!(unsized_note("f+0x1/0x41\n").contains("f of 0x41 bytes, which has 0x40 here"));
    // A module that is loaded elsewhere, and one that this kernel has not, say nothing.
    assert_eq!(
        note("[<ffffffffc0100010>] nf_hook+0x10/0x80 [nf_x]\nvfs_open+0x1/0x9 [other]\n"),
        ""
    );
}

const MAP: &str = "\
0000000000001000 D per_cpu_data
ffffffff81000000 T _text
ffffffff81200040 T vfs_read
ffffffff81800040 T ksys_read
ffffffff81900000 T _etext
ffffffff82e00000 B _end
ffffffffc0000000 t nf_hook\t[nf_x]
";

const OOPS: &str = "\
RIP: 0010:[<ffffffff81800050>] RSP: 0000000000001008
 [<ffffffffc0000010>] 0xffffffff81000004
Kernel Offset: 0x600000 from 0xffffffff81000000 (relocation range: 0xffffffff80000000-0xffffffffbfffffff)
 [<ffffffff81800050>]
";

const MOVED: &str = "\
RIP: 0010:[<ffffffff81800050>] (vfs_read+0x10) RSP: 0000000000001008
 [<ffffffffc0000010>] (nf_hook+0x10 [nf_x]) 0xffffffff81000004
Kernel Offset: 0x600000 from 0xffffffff81000000 (relocation range: 0xffffffff80000000-0xffffffffbfffffff)
 [<ffffffff81800050>] (vfs_read+0x10)
";

/// The line that says where the kernel was stands last, and counts from the start.
#[test]
fn kernel_offset_in_a_file() {
    assert_eq!(run(MAP, &["text"], OOPS), (0, MOVED.into(), String::new()));
    assert_eq!(
        run(MAP, &["--slide", "0x600000"], OOPS),
        (0, MOVED.into(), String::new())
    );

    // Standard input may be a file.
    let files = Files::new(&[("kernel", MAP), ("text", OOPS)]);
    let mut file = std::fs::File::open(files.path().join("text")).unwrap();
    let output = files
        .command(&["symbolize"])
        .stdin(file.try_clone().unwrap())
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), MOVED);
    let mut rest = String::new();
    file.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "", "all was read");

    // The symbols of the running kernel are where it was, those of another boot elsewhere.
    let running = MAP.replace("ffffffff81", "ffffffffa1");
    let oops = "[<ffffffff82800050>]\nKernel Offset: 0x1600000 from 0xffffffff81000000\n";
    let (_, out, _) = run(&running, &["text"], oops);
    assert!(
        out.starts_with("[<ffffffff82800050>] (vfs_read+0x10)\n"),
        "{out}"
    );
    let oops = "[<ffffffffa1200050>]\nKernel Offset: 0x20000000 from 0xffffffff81000000\n";
    let (_, out, _) = run(&running, &["text"], oops);
    assert!(
        out.starts_with("[<ffffffffa1200050>] (vfs_read+0x10)\n"),
        "{out}"
    );
}

/// In a pipe it comes too late, which is said once it comes.
#[test]
fn kernel_offset_in_a_pipe() {
    let (status, out, err) = run(MAP, &[], OOPS);
    assert_eq!(status, 1);
    assert_eq!(
        err,
        "kallmodsyms: note: only line 3 says that the kernel was moved by 0x600000: what was named before it (count: \
         3) is wrong; name the text as a file, or add --slide 0x600000\n"
    );
    assert!(
        out.ends_with(" [<ffffffff81800050>] (vfs_read+0x10)\n"),
        "{out}"
    );
    // Where nothing was named before, nothing is wrong.
    let late = OOPS.split_inclusive('\n').skip(2).collect::<String>();
    let (status, out, err) = run(MAP, &[], &late);
    assert_eq!((status, err.as_str()), (0, ""));
    assert!(
        out.ends_with(" [<ffffffff81800050>] (vfs_read+0x10)\n"),
        "{out}"
    );
    // What was in no symbol then would have been in one.
    let (status, _, err) = run(
        MAP,
        &[],
        "[<ffffffffa0200050>] [<ffff888100000000>]\nKernel Offset: 0x1f000000\n",
    );
    assert_eq!(
        (status, err.as_str()),
        (
            1,
            "kallmodsyms: note: only line 2 says that the kernel was moved by 0x1f000000: before it, addresses (count: 1) \
             were in no symbol; name the text as a file, or add --slide 0x1f000000\n"
        )
    );
    // A new boot is somewhere else.
    let (_, out, _) = run(
        MAP,
        &[],
        &format!("{late}Linux version 6.12\n[<ffffffff81800050>]\n"),
    );
    assert!(
        out.ends_with("\n[<ffffffff81800050>] (ksys_read+0x10)\n"),
        "{out}"
    );
}

#[test]
fn kernel_offset_and_slide() {
    let (status, _, err) = run(MAP, &["--slide", "0x100000", "text"], OOPS);
    assert_eq!(
        (status, err.as_str()),
        (
            0,
            "kallmodsyms: note: line 3 says that the kernel was moved by 0x600000, --slide says 0x100000\n"
        )
    );
}

/// Each boot of a log has its own.
#[test]
fn several_boots() {
    let text = "\
Linux version 6.12.0
[<ffffffff81200050>]
Kernel Offset: disabled
Linux version 6.12.0
[<ffffffff81800050>]
Kernel Offset: 0x600000 from 0xffffffff81000000
";
    let (status, out, err) = run(MAP, &["text"], text);
    assert_eq!((status, err.as_str()), (0, ""));
    let named: Vec<_> = out.lines().filter(|line| line.contains('(')).collect();
    assert_eq!(
        named,
        [
            "[<ffffffff81200050>] (vfs_read+0x10)",
            "[<ffffffff81800050>] (vfs_read+0x10)"
        ]
    );
}

/// A few bytes of an ELF file with a build id, and one symbol.
fn image() -> Vec<u8> {
    let mut notes = Vec::new();
    for word in [4_u32, 20, 3] {
        notes.extend(word.to_le_bytes());
    }
    notes.extend(b"GNU\0");
    notes.extend([0xab; 20]);
    notes
}

/// A build id of another kernel, or of another module, is said.
#[test]
fn build_ids() {
    let files = Files::new::<&[u8]>(&[]);
    for (path, bytes) in [
        ("root/proc/kallsyms", b"ffffffff81000000 T _text\nffffffff81000040 T f\nffffffff81001000 B _end\nffffffffc0000000 t g\t[nf_x]\n".to_vec()),
        ("root/proc/sys/kernel/osrelease", b"6.12.0\n".to_vec()),
        ("root/sys/kernel/notes", image()),
        ("root/sys/module/nf_x/notes/.note.gnu.build-id", image()),
    ] {
        let path = files.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
    let (known, other) = ("ab".repeat(20), "cd".repeat(20));
    let run = |text: &str| files.run(&["symbolize", "--root", "root"], text);
    let same = format!(
        "CPU: 0 PID: 1 Comm: sh Not tainted 6.12.0 #1 {known}\n g+0x1/0x1000 [nf_x {known}]\n g+0x1/0x1000 [none {other}]\n"
    );
    assert_eq!(run(&same), (0, same.clone(), String::new()));
    let text = format!("CPU: 0 PID: 1 Comm: sh Not tainted 6.12.0 #1 {other}\n");
    assert_eq!(
        run(&format!("\n{text}{text}")),
        (
            1,
            format!("\n{text}{text}"),
            format!(
                "kallmodsyms: note: line 2 has {other} as build id of the kernel, the symbols are of {known}: name \
                 those of that kernel\n"
            )
        )
    );
    let text = format!(" g+0x1/0x1000 [nf_x {other}]\n");
    let (status, _, err) = run(&text);
    assert!(
        status == 1 && err.contains("as build id of module nf_x"),
        "{err}"
    );
    // A name that leads elsewhere is none of a module.
    let text = format!(" g+0x1/0x1000 [../nf_x {other}]\n");
    assert_eq!(run(&text), (0, text.clone(), String::new()));
}

#[test]
fn frames_for_programs() {
    let text = "\
[<ffffffff81000050>] probe+0x10/0x20
probe+0x10
probe+0x1/0x999
unknown+0x1/0x2 unknown+0x1
";
    let files = Files::new(&[("kernel", KERNEL)]);
    let (status, out, _) = files.run(&["symbolize", "-i", "kernel", "--json"], text);
    assert_eq!(status, 0);
    insta::assert_snapshot!(out, @r#"
    {"line":1,"column":3,"text":"ffffffff81000050","address":"0xffffffff81000050","symbol":{"offset":16,"address":"0xffffffff81000040","size":32,"type":"t","name":"probe","modules":["ext4"],"group":"built-in"}}
    {"line":1,"column":22,"text":"probe+0x10/0x20","address":"0xffffffff81000050","symbol":{"offset":16,"address":"0xffffffff81000040","size":32,"type":"t","name":"probe","modules":["ext4"],"group":"built-in"}}
    {"line":2,"column":1,"text":"probe+0x10","address":null,"symbol":null}
    {"line":3,"column":1,"text":"probe+0x1/0x999","address":null,"symbol":null}
    {"line":4,"column":1,"text":"unknown+0x1/0x2","address":null,"symbol":null}
    "#);
}

/// A frame as the kernel prints it, for each built-in symbol of a real kernel: with the distance to the next symbol, and
/// with the size.
#[test]
fn frames_of_a_real_kernel() {
    let bytes = capture("kallmodsyms");
    let mut symbols: Vec<_> = kallmodsyms::Symbols::new(&bytes)
        .map(|symbol| symbol.expect("a good line"))
        .collect();
    // The image ends with the last line without a bracket.
    let image = symbols
        .iter()
        .rposition(|symbol| symbol.modules.is_empty())
        .unwrap();
    symbols.truncate(image + 1);
    // In the order of addresses, of those at one address in that of the file, of which the kernel names the first.
    symbols.sort_by_key(|symbol| symbol.address);
    let (mut text, mut expected) = (Vec::new(), Vec::new());
    let mut rest = &symbols[..];
    while let [first, ..] = rest {
        let same = rest
            .iter()
            .take_while(|symbol| symbol.address == first.address)
            .count();
        rest = &rest[same..];
        let is_code = matches!(first.kind, b't' | b'T' | b'w' | b'W');
        let Some(next) = rest
            .first()
            .filter(|_| is_code && !first.modules.is_empty())
        else {
            continue;
        };
        let distance = next.address - first.address;
        for size in [distance, first.size.unwrap_or(distance)] {
            let offset = 1.min(size);
            let name = first.name.escape_ascii();
            text.extend(format!(" ? {name}+{offset:#x}/{size:#x}\n").bytes());
            expected.push(first.modules.as_bytes());
        }
    }
    let files = Files::new(&[("kernel", &bytes[..]), ("text", &text)]);
    let (status, out, err) =
        files.run_bytes(&["symbolize", "-i", "kernel", "--modules", "text"], "");
    assert_eq!((status, err.escape_ascii().to_string().as_str()), (0, ""));
    let frames = text.split(|&byte| byte == b'\n');
    let got = out.split(|&byte| byte == b'\n').zip(frames).zip(&expected);
    let right = got.filter(|((out, frame), modules)| {
        out.strip_prefix(*frame)
            .and_then(|rest| rest.strip_prefix(b" "))
            == Some(modules)
    });
    let (right, all) = (right.count(), expected.len());
    let permille = right * 1000 / all;
    println!(
        "{right} of {all} frames of built-in modules get their modules: {}.{} %",
        permille / 10,
        permille % 10
    );
    assert!(all > 10_000 && permille >= 950, "{right} of {all}");
}

/// `lookup` takes a frame's size for the same two things.
#[test]
fn lookup_by_size_or_distance() {
    let files = Files::new(&[("kernel", KERNEL)]);
    let (status, out, err) = files.run(
        &[
            "lookup",
            "-i",
            "kernel",
            "probe+0x10/0x20",
            "probe+0x10/0x40",
            "ext4_sync+0x1/0x680",
        ],
        "",
    );
    assert_eq!((status, err.as_str()), (0, ""));
    let expected = "ffffffff81000050 probe+0x10/0x20 [ext4]\nffffffff81000090 probe+0x10/0x40 [nfs]\n\
                    ffffffff81000181 ext4_sync+0x1/0x38 [ext4]\n";
    assert_eq!(out, expected);
}

/// Who runs it without a text is told what it waits for.
#[test]
fn waiting_on_a_terminal() {
    let files = Files::new(&[("kernel", KERNEL)]);
    let program = common::program();
    let line = format!("{} symbolize -i kernel", program.display());
    // `script` gives it a terminal.
    let mut child = std::process::Command::new("script")
        .args(["--quiet", "--return", "--command", &line, "/dev/null"])
        .current_dir(files.path())
        .env_remove("KALLMODSYMS_INPUT")
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .expect("script, of util-linux");
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(b"ffffffff81000010\n\x04").unwrap();
    let output = child.wait_with_output().unwrap();
    drop(stdin);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}");
    assert!(
        said.contains("reading the text from the terminal: Ctrl-D ends it"),
        "{said}"
    );
    assert!(
        said.contains("ffffffff81000010 (") && said.contains("vfs_open"),
        "{said}"
    );
}
