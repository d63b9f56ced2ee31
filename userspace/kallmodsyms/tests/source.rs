// SPDX-License-Identifier: Apache-2.0 OR MIT

//! The running kernel and files as sources, in directories made for each test: what is taken, what is missing, and why.

#![cfg(all(feature = "std", feature = "elf"))]

mod image;

use std::fs;
use std::path::Path;

use image::{DATA, FUNC, GLOBAL, Image, LOCAL, NONE, OBJECT, TEXT};
use kallmodsyms::source::{
    Cause, Error, Kallmodsyms, Kallsyms, Kernel, Lack, Options, Outcome, Part, Saved, Source,
    SystemMap, Vmlinux,
};
use kallmodsyms::table::Facts;
use kallmodsyms::{Group, SymbolTable};
use kallmodsyms_captures::Capture;
use tempfile::TempDir;

/// What a machine has below `/`.
struct Root {
    directory: TempDir,
}

const LINKED: u64 = 0xffff_ffff_8100_0000;

const KALLSYMS: &str = "\
0000000000001000 A tlb_state
ffffffff8b000000 T _text
ffffffff8b000000 T start
ffffffff8b000040 t rapl_init
ffffffff8b000100 D _sdata
ffffffff8b000108 d rapl_data
ffffffffc0200000 t nfs_lookup\t[nfs]
";

const RANGES: &str = "\
.text 00000000-00000000 = _text
.text 00000040-00000050 rapl
.data 00000000-00000000 = _sdata
.data 00000008-00000010 rapl
";

const RAPL_INIT: u64 = 0xffff_ffff_8b00_0040;

/// The image that the kernel of `KALLSYMS` runs.
fn image() -> Image {
    Image::new()
        .symbol("tlb_state", 0x1000, 8, LOCAL | OBJECT, DATA)
        .symbol("_text", LINKED, 0, GLOBAL | NONE, TEXT)
        .symbol("start", LINKED, 0x20, GLOBAL | FUNC, TEXT)
        .symbol("rapl_init", LINKED + 0x40, 0x10, LOCAL | FUNC, TEXT)
        .symbol("_sdata", LINKED + 0x100, 0, GLOBAL | NONE, DATA)
        .symbol("rapl_data", LINKED + 0x108, 8, LOCAL | OBJECT, DATA)
}

/// `/sys/kernel/notes` with this build ID.
fn notes(id: [u8; 3]) -> Vec<u8> {
    [&b"\x04\0\0\0\x03\0\0\0\x03\0\0\0GNU\0"[..], &id, b"\0"].concat()
}

impl Root {
    /// A machine whose kernel has `/proc/kallsyms`.
    fn new() -> Self {
        let root = Self {
            directory: tempfile::tempdir().unwrap(),
        };
        root.put("proc/sys/kernel/osrelease", "6.12.1\n")
            .put("proc/kallsyms", KALLSYMS)
    }

    fn put(self, path: &str, content: impl AsRef<[u8]>) -> Self {
        let path = self.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
        self
    }

    fn path(&self) -> &Path {
        self.directory.path()
    }

    fn open(&self) -> Kernel {
        Kernel::open_at(self.path()).unwrap()
    }

    /// A text with the root as `/`.
    fn show(&self, text: &dyn ToString) -> String {
        text.to_string()
            .replace(&format!("{}/", self.path().display()), "/")
    }

    /// What was looked at, for what, and what came of it.
    fn attempts(&self, kernel: &Kernel) -> Vec<(&'static str, String, &'static str)> {
        let attempts = kernel.report().attempts().iter();
        attempts
            .map(|attempt| {
                (
                    attempt.part.name(),
                    self.show(&attempt.path.display()),
                    attempt.outcome.name(),
                )
            })
            .collect()
    }

    /// The message of what failed.
    fn failure(&self, kernel: &Kernel, part: Part) -> String {
        let attempts = kernel
            .report()
            .attempts()
            .iter()
            .filter(|attempt| attempt.part == part);
        let failures: Vec<_> = attempts
            .filter(|attempt| attempt.outcome.name() == "failed")
            .collect();
        assert_eq!(failures.len(), 1, "{failures:?}");
        self.show(&failures[0])
    }
}

/// The text with each line changed.
fn map_lines(text: &str, change: impl Fn(&str) -> String) -> String {
    let lines: Vec<String> = text.lines().map(change).collect();
    lines.join("\n") + "\n"
}

fn size(table: &SymbolTable, name: &str) -> Option<u64> {
    table.named(name.as_bytes()).next().unwrap().size()
}

fn modules(table: &SymbolTable, name: &str) -> String {
    let symbol = table.named(name.as_bytes()).next().unwrap();
    String::from_utf8(symbol.modules().as_bytes().into()).unwrap()
}

#[test]
fn a_kernel_with_kallmodsyms_needs_no_other_file() {
    let root = Root::new()
        .put(
            "proc/kallmodsyms",
            "ffffffff8b000000 8 T _text\t[a]\nffffffff8b000008 0 B _end\n",
        )
        .put("lib/modules/6.12.1/modules.builtin.ranges", RANGES)
        .put("boot/vmlinux-6.12.1", image().build());
    let kernel = root.open();
    assert_eq!(
        kernel.table().facts(),
        Facts {
            sizes: true,
            built_in_modules: true,
            ..Facts::default()
        }
    );
    assert_eq!(kernel.report().lacks(), []);
    assert_eq!(kernel.report().release(), Some("6.12.1"));
    assert_eq!(
        root.attempts(&kernel),
        [("symbols", "/proc/kallmodsyms".into(), "used")]
    );
    assert_eq!(
        root.show(&kernel.report()),
        "symbols from /proc/kallmodsyms\n"
    );
}

#[test]
fn ranges_and_an_image_complete_kallsyms() {
    let root = Root::new()
        .put("lib/modules/6.12.1/modules.builtin.ranges", RANGES)
        .put("usr/lib/debug/boot/vmlinux-6.12.1", image().build())
        .put("sys/kernel/notes", notes([0xab, 0xcd, 0xef]));
    let kernel = root.open();
    let table = kernel.table();
    assert_eq!(
        table.facts(),
        Facts {
            sizes: true,
            built_in_modules: true,
            ..Facts::default()
        }
    );
    assert_eq!(
        (
            modules(table, "rapl_init"),
            modules(table, "rapl_data"),
            modules(table, "start")
        ),
        ("[rapl]".into(), "[rapl]".into(), String::new())
    );
    assert_eq!(table.module(b"rapl").unwrap().group(), Group::BuiltIn);
    assert_eq!(table.module(b"nfs").unwrap().group(), Group::Loaded);
    let sizes =
        ["tlb_state", "_text", "start", "rapl_init", "nfs_lookup"].map(|name| size(table, name));
    assert_eq!(sizes, [Some(8), Some(0), Some(0x20), Some(0x10), None]);
    assert!(table.lookup(RAPL_INIT + 0x10).inside().is_none());
    insta::assert_snapshot!(root.show(&kernel.report()), @r"
    symbols from /proc/kallsyms
    modules of built-in code from /lib/modules/6.12.1/modules.builtin.ranges
    sizes of the kernel image's symbols from /usr/lib/debug/boot/vmlinux-6.12.1
    missing: modules of built-in per-CPU data and module parameters, which modules.builtin.ranges leaves out
    missing: sizes of what is loaded: modules, BPF programs, trampolines
    not used: cannot read /proc/kallmodsyms: No such file or directory (os error 2); does this kernel have CONFIG_KALLMODSYMS?
    not used: cannot read /boot/vmlinux-6.12.1: No such file or directory (os error 2)
    ");
    assert_eq!(kernel.report().lacks(), [Lack::LeftOut, Lack::LoadedSizes]);
    assert_eq!(
        kernel
            .report()
            .used(Part::Sizes)
            .map(|path| root.show(&path.display())),
        Some("/usr/lib/debug/boot/vmlinux-6.12.1".into())
    );
}

#[test]
fn plain_kallsyms_says_where_it_looked() {
    let root = Root::new();
    let kernel = root.open();
    assert_eq!(kernel.table().facts(), Facts::default());
    assert_eq!(kernel.report().lacks(), [Lack::Modules, Lack::Sizes]);
    let expected = [
        ("symbols", "/proc/kallmodsyms", "absent"),
        ("symbols", "/proc/kallsyms", "used"),
        (
            "modules",
            "/lib/modules/6.12.1/modules.builtin.ranges",
            "absent",
        ),
        ("sizes", "/boot/vmlinux-6.12.1", "absent"),
        ("sizes", "/usr/lib/debug/boot/vmlinux-6.12.1", "absent"),
        (
            "sizes",
            "/usr/lib/debug/boot/vmlinux-6.12.1.debug",
            "absent",
        ),
        (
            "sizes",
            "/usr/lib/debug/lib/modules/6.12.1/vmlinux",
            "absent",
        ),
        (
            "sizes",
            "/usr/lib/debug/lib/modules/6.12.1/vmlinux.debug",
            "absent",
        ),
        ("sizes", "/lib/modules/6.12.1/build/vmlinux", "absent"),
    ];
    assert_eq!(
        root.attempts(&kernel),
        expected.map(|(part, path, outcome)| (part, path.to_string(), outcome))
    );

    // What is not asked for is not looked for.
    let kernel = Options::new()
        .root(root.path())
        .modules(false)
        .sizes(false)
        .open()
        .unwrap();
    assert_eq!(kernel.report().attempts().len(), 2);
    assert_eq!(kernel.report().lacks(), [Lack::Modules, Lack::Sizes]);
    // Without a release there is no knowing which files are this kernel's.
    for release in ["", "../6.12.1\n"] {
        let root = Root::new().put("proc/sys/kernel/osrelease", release);
        let kernel = root.open();
        assert_eq!(
            (kernel.report().attempts().len(), kernel.report().release()),
            (2, None)
        );
    }
}

#[test]
fn an_image_of_another_kernel_is_not_used() {
    let other = Image {
        build_id: vec![1, 2, 3],
        ..image()
    };
    let root = Root::new()
        .put("boot/vmlinux-6.12.1", other.build())
        .put("lib/modules/6.12.1/build/vmlinux", image().build())
        .put("sys/kernel/notes", notes([0xab, 0xcd, 0xef]));
    let kernel = root.open();
    insta::assert_snapshot!(root.failure(&kernel, Part::Sizes), @"/boot/vmlinux-6.12.1: of another kernel: its build ID is 010203, that of the running kernel abcdef");
    assert_eq!(
        kernel
            .report()
            .used(Part::Sizes)
            .map(|path| root.show(&path.display())),
        Some("/lib/modules/6.12.1/build/vmlinux".into())
    );

    // Where one of the two has no build ID, addresses decide.
    let without = Image {
        build_id: Vec::new(),
        ..image()
    };
    let root = Root::new()
        .put("boot/vmlinux-6.12.1", without.build())
        .put("sys/kernel/notes", notes([1, 2, 3]));
    assert_eq!(size(root.open().table(), "rapl_init"), Some(0x10));
    let root = Root::new().put("boot/vmlinux-6.12.1", image().build());
    assert_eq!(size(root.open().table(), "rapl_init"), Some(0x10));

    let mut moved = image();
    moved.symbols[3].1 += 4;
    let root = Root::new().put("boot/vmlinux-6.12.1", moved.build());
    let kernel = root.open();
    assert_eq!(kernel.report().lacks(), [Lack::Modules, Lack::Sizes]);
    insta::assert_snapshot!(root.failure(&kernel, Part::Sizes), @"/boot/vmlinux-6.12.1: of another kernel: 2 of 3 code symbols agree where it is; rapl_init is at 0xffffffff8b000040, not 0xffffffff8b000044");

    let mut fewer = image();
    fewer.symbols.pop();
    let root = Root::new().put("boot/vmlinux-6.12.1", fewer.build());
    insta::assert_snapshot!(root.failure(&root.open(), Part::Sizes), @"/boot/vmlinux-6.12.1: of another kernel: there is no rapl_data at 0xffffffff8b000108");
}

#[test]
fn what_is_no_image_is_not_used() {
    let failure = |content: &[u8]| {
        let root = Root::new().put("boot/vmlinux-6.12.1", content);
        root.failure(&root.open(), Part::Sizes)
    };
    insta::assert_snapshot!(failure(b"\x1f\x8b\x08\0\0\0\0\0"), @"/boot/vmlinux-6.12.1: expected an ELF file, found something else");
    insta::assert_snapshot!(failure(&image().build()[..100]), @"/boot/vmlinux-6.12.1: damaged ELF file: Invalid ELF section header offset/size/alignment");
    insta::assert_snapshot!(failure(&Image::new().build()), @"/boot/vmlinux-6.12.1: the image has no symbols: it is stripped");
    let root = Root::new();
    fs::create_dir_all(root.path().join("boot/vmlinux-6.12.1")).unwrap();
    insta::assert_snapshot!(root.failure(&root.open(), Part::Sizes), @"cannot read /boot/vmlinux-6.12.1: is a directory");
}

#[test]
fn bad_ranges_are_not_used() {
    let failure = |content: &str| {
        let root = Root::new().put("lib/modules/6.12.1/modules.builtin.ranges", content);
        let kernel = root.open();
        assert_eq!(kernel.report().lacks()[0], Lack::Modules);
        assert!(!kernel.table().facts().built_in_modules);
        root.failure(&kernel, Part::Modules)
    };
    insta::assert_snapshot!(failure(".text 00000000-00000000 = _text\n.text 40-50 rapl\n"), @"/lib/modules/6.12.1/modules.builtin.ranges: line 2, column 7: expected an offset of 8 to 16 digits, found 2");
    insta::assert_snapshot!(failure(".text 00000000-00000000 = _TEXT\n.text 00000040-00000050 rapl\n"), @"/lib/modules/6.12.1/modules.builtin.ranges: the kernel lists none of the 1 symbols from which the ranges count");
    insta::assert_snapshot!(failure(&RANGES.replace("00000040-00000050", "00000040-00000150")), @"/lib/modules/6.12.1/modules.builtin.ranges: the ranges are of another kernel: section .text would overlap .data");
}

#[test]
fn a_system_map_says_where_sections_start_that_kallsyms_does_not() {
    let without_sdata = KALLSYMS.replace("ffffffff8b000100 D _sdata\n", "");
    let map = KALLSYMS
        .replace("8b0000", "810000")
        .replace("8b0001", "810001")
        .replace("ffffffffc0200000 t nfs_lookup\t[nfs]\n", "");
    let root = Root::new()
        .put("proc/kallsyms", &without_sdata)
        .put("lib/modules/6.12.1/modules.builtin.ranges", RANGES)
        .put(
            "boot/System.map-6.12.1",
            "ffffffffffffffff B The real System.map is in the linux-image-6.12.1-dbg package\n",
        )
        .put(
            "lib/modules/6.12.1/System.map",
            map.replace("ffffffff81000040 t", "ffffffff81000041 t"),
        )
        .put(
            "lib/modules/6.12.1/build/System.map",
            map.replace("_sdata", "_edata"),
        )
        .put("usr/lib/debug/boot/System.map-6.12.1", &map);
    let kernel = root.open();
    assert_eq!(modules(kernel.table(), "rapl_data"), "[rapl]");
    assert_eq!(kernel.report().lacks(), [Lack::LeftOut, Lack::Sizes]);
    let report = root.show(&kernel.report());
    let anchors: Vec<_> = report
        .lines()
        .filter(|line| line.contains("System.map"))
        .collect();
    insta::assert_snapshot!(anchors.join("\n"), @r"
    starts of sections from /usr/lib/debug/boot/System.map-6.12.1
    not used: /boot/System.map-6.12.1: no symbols but a note that they are in the package with debugging symbols; install that
    not used: /lib/modules/6.12.1/System.map: of another kernel: 2 of 3 code symbols agree where it is; rapl_init is at 0xffffffff8b000040, not 0xffffffff8b000041
    not used: /lib/modules/6.12.1/build/System.map: lists no symbol that was looked for
    ");

    // Without one, the rest is used.
    let root = Root::new()
        .put("proc/kallsyms", without_sdata)
        .put("lib/modules/6.12.1/modules.builtin.ranges", RANGES);
    let kernel = root.open();
    assert_eq!(
        (
            modules(kernel.table(), "rapl_init"),
            modules(kernel.table(), "rapl_data")
        ),
        ("[rapl]".into(), String::new())
    );
    assert_eq!(
        kernel.report().lacks()[1],
        Lack::Sections(vec![".data".into()])
    );
    // With all anchors listed, none is looked at.
    let root = Root::new()
        .put("boot/System.map-6.12.1", map)
        .put("lib/modules/6.12.1/modules.builtin.ranges", RANGES);
    assert!(root.open().report().used(Part::Anchors).is_none());
}

#[test]
fn a_bad_kallmodsyms_is_told_of_and_not_used() {
    let root = Root::new().put(
        "proc/kallmodsyms",
        "ffffffff8b000000 8 T _text\nffffffff8b000008 0x8 T x\n",
    );
    let kernel = root.open();
    assert_eq!(kernel.table().len(), 7);
    insta::assert_snapshot!(root.failure(&kernel, Part::Symbols), @"/proc/kallmodsyms: line 2, column 19: expected a lower-case hex digit in the size, found `x`");
    let Outcome::Failed(error) = &kernel.report().attempts()[0].outcome else {
        panic!()
    };
    assert!(
        error
            .diagnostic()
            .unwrap()
            .contains("2 | ffffffff8b000008 0x8 T x\n")
    );
}

#[test]
fn kallmodsyms_of_2021_without_sizes_gets_them_from_an_image() {
    let unsized_dialect = KALLSYMS.replace(" rapl_init\n", " rapl_init\t[rapl] [rapl_too]\n");
    let root = Root::new()
        .put("proc/kallmodsyms", unsized_dialect)
        .put("boot/vmlinux-6.12.1", image().build());
    let kernel = root.open();
    assert_eq!(
        kernel.table().facts(),
        Facts {
            sizes: true,
            built_in_modules: true,
            ..Facts::default()
        }
    );
    assert_eq!(modules(kernel.table(), "rapl_init"), "[rapl] [rapl_too]");
    assert_eq!(
        kernel.table().module(b"rapl_too").unwrap().group(),
        Group::BuiltIn
    );
    assert_eq!(kernel.report().lacks(), [Lack::LoadedSizes]);
}

#[test]
fn every_opening_reads_anew() {
    let root = Root::new();
    assert!(root.open().table().module(b"nfs").is_some());
    let root = root.put("proc/kallsyms", KALLSYMS.replace("[nfs]", "[xfs]"));
    assert!(root.open().table().module(b"nfs").is_none());
}

/// A kernel that is installed and does not run: where it was linked, with what its files say.
#[test]
fn an_installed_kernel() {
    let map = "ffffffff81000000 T _text\nffffffff81000040 t rapl_init\nffffffff81000100 D _sdata\n";
    let root = Root::new()
        .put("boot/System.map-6.13.0", map)
        .put("lib/modules/6.13.0/modules.builtin.ranges", RANGES);
    let open = |options: Options| options.root(root.path()).release("6.13.0").open();
    let kernel = open(Options::new()).unwrap();
    let report = kernel.report();
    assert_eq!(report.release(), Some("6.13.0"));
    assert!(
        report
            .used(Part::Symbols)
            .unwrap()
            .ends_with("boot/System.map-6.13.0")
    );
    assert_eq!(modules(kernel.table(), "rapl_init"), "[rapl]");
    let address = kernel.table().named(b"rapl_init").next().unwrap().address();
    assert_eq!(address, LINKED + 0x40, "not where another kernel runs");
    assert!(report.lacks().contains(&Lack::Sizes));

    // An image has sizes as well, and is not looked for twice.
    let root = root.put("usr/lib/debug/boot/vmlinux-6.13.0", image().build());
    let open = |options: Options| options.root(root.path()).release("6.13.0").open();
    let kernel = open(Options::new()).unwrap();
    assert_eq!(size(kernel.table(), "rapl_init"), Some(0x10));
    let images = kernel.report().attempts().iter();
    let images = images.filter(|attempt| attempt.path.ends_with("boot/vmlinux-6.13.0"));
    assert_eq!(
        images.count(),
        2,
        "one in /boot, one in /usr/lib/debug/boot"
    );
    // Who needs no sizes gets what is smaller.
    let kernel = open(Options::new().sizes(false)).unwrap();
    assert!(
        kernel
            .report()
            .used(Part::Symbols)
            .unwrap()
            .ends_with("boot/System.map-6.13.0")
    );

    for release in ["6.14.0", "", ".", "..", "../6.13.0", "a/../6.13.0"] {
        let options = Options::new().root(root.path()).release(release);
        let error = options.open().unwrap_err();
        assert!(
            matches!(error, Error::NotInstalled { .. }),
            "{release}: {error}"
        );
    }
    let root = root.put(
        "boot/System.map-6.15.0",
        "ffffffffffffffff B The real System.map is elsewhere\n",
    );
    let error = Options::new()
        .root(root.path())
        .release("6.15.0")
        .open()
        .unwrap_err();
    let text = error.to_string();
    assert!(
        text.contains("System.map-6.15.0: no symbols but a note"),
        "{text}"
    );
}

#[test]
fn no_list_at_all_is_an_error() {
    let directory = tempfile::tempdir().unwrap();
    let root = Root { directory };
    let error = Kernel::open_at(root.path()).unwrap_err();
    insta::assert_snapshot!(root.show(&error), @"the kernel lists no symbols: cannot read /proc/kallmodsyms: No such file or directory (os error 2); does this kernel have CONFIG_KALLMODSYMS?; cannot read /proc/kallsyms: No such file or directory (os error 2); is /proc mounted, and does this kernel have CONFIG_KALLSYMS?");
    let root = root.put("proc/kallsyms", "");
    let error = Kernel::open_at(root.path()).unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("/proc/kallsyms: line 1, column 1: expected symbols, found none"),
        "{error}"
    );
}

/// Settings, whether the process has `CAP_SYSLOG`, and whether in the first user namespace.
fn hidden(
    kptr_restrict: &str,
    paranoid: Option<&str>,
    capable: bool,
    initial: bool,
) -> (Cause, String) {
    let hidden = map_lines(KALLSYMS, |line| format!("0000000000000000{}", &line[16..]));
    let status = format!(
        "Name:\ta\nCapPrm:\t000001ffffffffff\nCapEff:\t{:016x}\n",
        if capable {
            0x4_0000_0000_u64
        } else {
            0x3_ffff_ffff
        }
    );
    let mut root = Root::new()
        .put("proc/kallsyms", hidden)
        .put("proc/sys/kernel/kptr_restrict", kptr_restrict)
        .put("proc/self/status", status)
        .put(
            "proc/self/uid_map",
            if initial {
                "         0          0 4294967295\n"
            } else {
                "0 1000 1\n"
            },
        );
    if let Some(paranoid) = paranoid {
        root = root.put("proc/sys/kernel/perf_event_paranoid", paranoid);
    }
    let error = Kernel::open_at(root.path()).unwrap_err();
    let text = root.show(&error);
    let Error::Hidden { path, hidden } = error else {
        panic!("{text}")
    };
    assert!(path.ends_with("proc/kallsyms"));
    let rest = text
        .strip_prefix("/proc/kallsyms: the kernel hides the addresses: ")
        .unwrap();
    (hidden.cause(), rest.into())
}

#[test]
fn hidden_addresses_are_an_error_that_says_why() {
    let (cause, text) = hidden("2\n", Some("1\n"), true, true);
    assert_eq!(cause, Cause::KptrRestrict);
    insta::assert_snapshot!(text, @"kernel.kptr_restrict is 2, which hides them from everyone; as root: sysctl kernel.kptr_restrict=1");
    let (cause, text) = hidden("1\n", Some("1\n"), false, true);
    assert_eq!(cause, Cause::Capability);
    insta::assert_snapshot!(text, @"kernel.kptr_restrict is 1 and this process lacks CAP_SYSLOG; run as root, or give the program the capability, as root: setcap cap_syslog+ep PROGRAM");
    let (cause, text) = hidden("0\n", Some("2\n"), false, true);
    assert_eq!(cause, Cause::PerfEventParanoid);
    insta::assert_snapshot!(text, @"kernel.perf_event_paranoid is 2 and this process lacks CAP_SYSLOG; run as root, or as root: sysctl kernel.perf_event_paranoid=1");
    let (cause, text) = hidden("1\n", Some("4\n"), true, false);
    assert_eq!(cause, Cause::UserNamespace);
    insta::assert_snapshot!(text, @"CAP_SYSLOG counts in the initial user namespace alone; run outside of the container");
    let (cause, text) = hidden("0\n", None, false, true);
    assert_eq!(cause, Cause::Capability);
    assert!(
        text.starts_with("kernel.kptr_restrict is 0 and this process lacks CAP_SYSLOG"),
        "{text}"
    );
    let (cause, text) = hidden("0\n", Some("1\n"), false, true);
    assert_eq!(cause, Cause::Unknown);
    insta::assert_snapshot!(text, @"kernel.kptr_restrict is 0, kernel.perf_event_paranoid is 1, and this process lacks CAP_SYSLOG; run as root");
    let (cause, text) = hidden("1\n", Some("-1\n"), true, true);
    assert_eq!(cause, Cause::Unknown);
    insta::assert_snapshot!(text, @"kernel.kptr_restrict is 1, kernel.perf_event_paranoid is -1, and this process has CAP_SYSLOG, which should do; was the file read by another?");
    let (cause, text) = hidden("what\n", None, false, true);
    assert_eq!(cause, Cause::Unknown);
    insta::assert_snapshot!(text, @"kernel.kptr_restrict is not to be read, kernel.perf_event_paranoid is not to be read, and this process lacks CAP_SYSLOG; run as root");
}

#[test]
fn hidden_kallmodsyms_is_no_reason_to_read_kallsyms() {
    let root = Root::new()
        .put("proc/kallmodsyms", "0000000000000000 0 T _text\n")
        .put("proc/sys/kernel/kptr_restrict", "2");
    let error = Kernel::open_at(root.path()).unwrap_err();
    assert!(
        matches!(&error, Error::Hidden { path, .. } if path.ends_with("proc/kallmodsyms")),
        "{error}"
    );
    let error = Kallmodsyms::at(root.path()).load().unwrap_err();
    assert!(matches!(error, Error::Hidden { hidden, .. } if hidden.kptr_restrict == Some(2)));
}

#[test]
fn each_source_by_itself() {
    let root = Root::new()
        .put("ranges", RANGES)
        .put("vmlinux", image().build())
        .put(
            "map",
            "ffffffff81000000 T _text\nffffffff81000100 D _sdata\n",
        )
        .put("hidden", "0000000000000000 T _text\n");
    let path = |name: &str| root.path().join(name);
    let joined = Kallsyms::at(root.path())
        .ranges(path("ranges"))
        .system_map(path("map"))
        .vmlinux(path("vmlinux"));
    assert_eq!(
        root.show(&joined.describe()),
        "/proc/kallsyms with /ranges with /map with /vmlinux"
    );
    let table = joined.load().unwrap();
    assert_eq!(
        (modules(&table, "rapl_init"), size(&table, "rapl_init")),
        ("[rapl]".into(), Some(0x10))
    );

    let linked = Vmlinux::new(path("vmlinux")).load().unwrap();
    assert_eq!(linked.named(b"start").next().unwrap().address(), LINKED);
    let running = Vmlinux::new(path("vmlinux")).moved_to(Kallsyms::at(root.path()));
    assert_eq!(
        running
            .load()
            .unwrap()
            .named(b"rapl_init")
            .next()
            .unwrap()
            .address(),
        RAPL_INIT
    );
    let map = SystemMap::new(path("map")).moved_to(Saved::new(path("proc/kallsyms")));
    assert_eq!(
        map.load()
            .unwrap()
            .named(b"_sdata")
            .next()
            .unwrap()
            .address(),
        0xffff_ffff_8b00_0100
    );
    assert_eq!(
        root.show(&format!("{map:?}")),
        "SystemMap(/map moved to where /proc/kallsyms has it)"
    );

    let message = |source: &dyn Source| root.show(&source.load().unwrap_err());
    insta::assert_snapshot!(message(&Saved::new(path("hidden"))), @"/hidden: a copy without addresses, all are zero; copy the original again as root");
    insta::assert_snapshot!(message(&Kallsyms::at(root.path()).ranges(path("none/modules.builtin.ranges"))), @"cannot read /none/modules.builtin.ranges: No such file or directory (os error 2); kernels from 6.12 on have it if built with CONFIG_BUILTIN_MODULE_RANGES");
    insta::assert_snapshot!(message(&Kallsyms::at(root.path()).vmlinux(path("ranges"))), @"/ranges: expected an ELF file, found something else");
    insta::assert_snapshot!(message(&Vmlinux::new(path("vmlinux")).moved_to(Saved::new(path("none")))), @"cannot read /none: No such file or directory (os error 2)");
    insta::assert_snapshot!(message(&SystemMap::new(path("ranges"))), @"/ranges: line 1, column 1: expected an address of 16 digits, found 5");
}

/// The whole way, on all symbols of a real boot: image, KASLR, build ID, ranges.
#[test]
fn a_real_kernel_is_put_together() {
    let capture = Capture::standard();
    let sized = SymbolTable::from_bytes(&capture.read("kallmodsyms").unwrap()).unwrap();
    let mut image = Image::new();
    for symbol in sized.iter().filter(|symbol| symbol.group().is_image()) {
        let is_code = matches!(symbol.letter(), b't' | b'T');
        let (kind, section) = if is_code {
            (FUNC, TEXT)
        } else {
            (OBJECT, DATA)
        };
        let binding = if symbol.letter().is_ascii_uppercase() {
            GLOBAL
        } else {
            LOCAL
        };
        // As linked: elsewhere.
        let address = if symbol.letter() == b'A' {
            symbol.address()
        } else {
            symbol.address() - 0x20_0000
        };
        let name = std::str::from_utf8(symbol.name()).unwrap();
        image = image.symbol(
            name,
            address,
            symbol.size().unwrap(),
            binding | kind,
            section,
        );
    }
    let root = Root::new()
        .put("proc/kallsyms", capture.read("kallsyms").unwrap())
        .put(
            "lib/modules/6.12.1/modules.builtin.ranges",
            capture.read("modules.builtin.ranges").unwrap(),
        )
        .put("boot/vmlinux-6.12.1", image.build())
        .put("sys/kernel/notes", notes([0xab, 0xcd, 0xef]));
    let kernel = root.open();
    assert_eq!(kernel.report().lacks(), [Lack::LeftOut, Lack::LoadedSizes]);
    let mut same_modules = 0;
    for (ours, theirs) in kernel.table().iter().zip(&sized) {
        let expected = theirs.group().is_image().then_some(theirs.size()).flatten();
        assert_eq!(
            (ours.address(), ours.size()),
            (theirs.address(), expected),
            "{ours:?} {theirs:?}"
        );
        same_modules += usize::from(ours.modules() == theirs.modules());
    }
    // tests/ranges.rs has the reasons for the others.
    assert!(
        sized.len() - same_modules < 250,
        "{same_modules} of {}",
        sized.len()
    );
}
