// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The checks on a small kernel made by gcc and ld: a good boot passes them all, and each kind of damage
//! fails the check that is there for it, and no other.

use std::fs;
use std::process::Command;

use tempfile::TempDir;

use super::*;

/// Objects in link order, what their .cmd file says, and their source. `dup` is static, of one size and one type
/// in all of them, so only its place tells whose it is.
const SOURCES: &[(&str, &str, &str)] = &[
    (
        "kernel/core.c",
        r#"-DKBUILD_MODFILE='"kernel/core"'"#,
        "static int __attribute__((noinline,used)) dup(void) { return 1; }
         int used(void);
         int start(void) { return dup() + used(); }
         int __attribute__((weak)) hook(void) { return 0; }
         int __attribute__((section(\".data..percpu\"))) core_counter;",
    ),
    (
        "drivers/one.c",
        r#"-DKBUILD_MODFILE='"drivers/one"'"#,
        "static int __attribute__((noinline,used)) dup(void) { return 2; }
         static int __attribute__((used,section(\".discard.x\"))) dropped;
         static const char __attribute__((used)) only_one[] = \"1\";
         int one(void) { return dup(); }",
    ),
    // The same name, the same list of local symbols, another module. GNU ld takes the second first, for it
    // has something for the first output section.
    (
        "drivers/x/same.c",
        r#"-DKBUILD_MODFILE='"drivers/one"'"#,
        "static int __attribute__((noinline,used)) dup(void) { return 3; } int same_x(void) { return dup(); }",
    ),
    (
        "drivers/y/same.c",
        r#"-DKBUILD_MODFILE='"drivers/two-b"'"#,
        "static int __attribute__((noinline,used)) dup(void) { return 4; } int same_y(void) { return dup(); }
         int __attribute__((section(\".data..percpu\"))) y_counter;",
    ),
    (
        "drivers/two.c",
        r#"-DKBUILD_MODFILE='"drivers/two-b"'"#,
        "static int __attribute__((noinline,used)) dup(void) { return 5; }
         int hook(void) { return dup(); }
         int __attribute__((visibility(\"hidden\"))) hidden_two(void) { return 6; }
         static int __attribute__((used,section(\".data..percpu\"))) two_counter;",
    ),
    // Assembly: no file symbol, and a zero-size symbol on its border.
    (
        "drivers/asm.S",
        r#"-DKBUILD_MODFILE='"drivers/two-b"'"#,
        ".text\nasm_two: .byte 0x90\n.type dup, @function\n.size dup, 6\ndup: .skip 6, 0x90\nasm_end:\n",
    ),
    (
        "drivers/shared.c",
        r#"-DKBUILD_MODFILE='"drivers/two-b drivers/one"'"#,
        "static int __attribute__((noinline,used)) dup(void) { return 7; } int shared(void) { return dup(); }",
    ),
    // Shared with a module that is not built in.
    (
        "drivers/half.c",
        r#"-DMODULE -DKBUILD_MODNAME='"absent:one"'"#,
        "static int __attribute__((noinline,used)) dup(void) { return 8; } int half(void) { return dup(); }",
    ),
    (
        "kernel/kallmodsyms/kallmodsyms.c",
        "",
        "int kallmodsyms_open(void) { return 0; }",
    ),
    (
        "tables.S",
        "",
        ".section .rodata\n.globl kallsyms_sizes\nkallsyms_sizes: .skip 8\n.globl kallsyms_size_markers\nkallsyms_size_markers: \
         .skip 4\n.globl kallsyms_module_runs\nkallsyms_module_runs: .skip 40\n.globl kallsyms_module_lists\n\
         kallsyms_module_lists: .skip 20\n.globl after\nafter: .byte 0\n",
    ),
];

/// Members of lib/lib.a, of which the linker takes the first.
const LIBRARY: &[(&str, &str, &str)] = &[
    (
        "lib/used.c",
        "",
        "static int __attribute__((noinline,used)) dup(void) { return 9; } int used(void) { return dup(); }",
    ),
    (
        "lib/unused.c",
        "",
        "static int __attribute__((noinline,used)) dup(void) { return 10; } int unused(void) { return dup(); }",
    ),
];

const SCRIPT: &str = "SECTIONS {
    .data..percpu 0 : { __per_cpu_start = .; *(.data..percpu) __per_cpu_end = .; }
    . = 0xffffffff81000000;
    .text : { _text = .; *(.text) _etext = .; }
    .rodata : { *(.rodata) }
    .data : { *(.data) }
    .bss : { *(.bss) }
    /DISCARD/ : { *(.discard*) *(.comment) *(.note*) *(.eh_frame) }
}";

const LIMITS: Limits = Limits {
    shared_objects: &[
        ("drivers/shared.o", "[one] [two_b]"),
        ("drivers/half.o", "[one]"),
    ],
    core_symbols: 20,
    builtin_modules: 2,
    size_bytes_per_symbol: 1.0,
    module_bytes: 60,
    undecided: 0,
    merged_constants: 0,
    loads_modules: true,
};

const SLIDE: u64 = 0x1200_0000;

/// How vmlinux comes out of its objects.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Link {
    /// From vmlinux.a (IBT off).
    Direct,
    /// From a relocatable vmlinux.o (IBT or LTO).
    Twice,
    /// From vmlinux.a, by lld.
    Lld,
}

struct Fixture(TempDir);

impl Fixture {
    fn new(link: Link) -> Fixture {
        let fixture = Fixture(tempfile::tempdir().unwrap());
        fixture.archive("vmlinux.a", SOURCES);
        fixture.archive("lib/lib.a", LIBRARY);
        fixture.write(
            ".vmlinux.o.cmd",
            "savedcmd_vmlinux.o := ld -r vmlinux.a --start-group lib/lib.a --end-group \n",
        );
        fixture.write("lds", SCRIPT);
        let last = ["-T", "lds", "-o", "vmlinux", "--no-warn-rwx-segments"];
        let all = [
            "--whole-archive",
            "vmlinux.a",
            "--no-whole-archive",
            "lib/lib.a",
        ];
        match link {
            Link::Direct => fixture.tool("ld.bfd", &[&last[..], &all].concat()),
            Link::Lld => fixture.tool("ld.lld", &[&last[..4], &all].concat()),
            Link::Twice => {
                fixture.tool("ld.bfd", &[&["-r", "-o", "vmlinux.o"], &all[..]].concat());
                fixture.tool("ld.bfd", &[&last[..], &["vmlinux.o"]].concat())
            }
        };
        let map = fixture.tool("nm", &["-n", "vmlinux"]);
        let kept =
            |l: &&str| !matches!(l.as_bytes()[17], b'a' | b'N' | b'U' | b'w') && !l.contains(" .L");
        fixture.write(
            "System.map",
            &map.lines()
                .filter(kept)
                .map(|l| format!("{l}\n"))
                .collect::<String>(),
        );
        fixture.write(".config", "CONFIG_KALLSYMS_ALL=y\nCONFIG_MODULES=y\n");
        fixture.write(
            "modules.builtin",
            "kernel/drivers/one.ko\nkernel/drivers/two-b.ko\n",
        );
        let vmlinux = Elf::read(&fixture.path("vmlinux")).unwrap();
        let symbol = |name: &str| vmlinux.symbols.iter().find(|s| s.name == name).unwrap();
        let one = symbol("one");
        let start = one.value - symbol("_text").value;
        fixture.write(
            "modules.builtin.ranges",
            &format!(
                ".text 00000000-00000000 = _text\n.text {start:08x}-{:08x} one\n",
                start + one.size
            ),
        );
        fixture.write(
            "mod.c",
            "static int v = 1; static int f(void) { return v; } int g(void) { return f() + v++; }",
        );
        fixture.tool(
            "gcc",
            &[CFLAGS, &["-fno-inline", "-c", "mod.c", "-o", "mod.ko"]].concat(),
        );
        fixture
    }

    /// Compiles objects and makes a thin archive of them.
    fn archive(&self, archive: &str, sources: &[(&str, &str, &str)]) {
        let mut arguments = vec!["cDPrsT".to_owned(), archive.to_owned()];
        for &(source, command, text) in sources {
            let object = format!("{}.o", &source[..source.len() - 2]);
            self.write(source, text);
            self.tool("gcc", &[CFLAGS, &["-c", source, "-o", &object]].concat());
            let (dir, name) = object.rsplit_once('/').unwrap_or((".", &object));
            self.write(
                &format!("{dir}/.{name}.cmd"),
                &format!("savedcmd_{object} := gcc {command} -c {source}\n"),
            );
            arguments.push(object);
        }
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        self.tool("ar", &arguments);
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    fn tool(&self, tool: &str, arguments: &[&str]) -> String {
        let output = Command::new(tool)
            .args(arguments)
            .current_dir(self.0.path())
            .output();
        let output =
            output.unwrap_or_else(|e| panic!("cannot run {tool}, which these tests need: {e}"));
        assert!(
            output.status.success(),
            "{tool} {arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap()
    }

    /// Two good boots with a loaded module.
    fn boot(&self) {
        let core = Kernel::read(self.0.path()).unwrap().expected().unwrap();
        let ko = Elf::read(&self.path("mod.ko")).unwrap();
        let loaded = ko.symbols.iter().filter(|s| s.is_named()).map(|s| Line {
            address: 0xffff_ffff_c000_0000 + 0x1000 * s.section.unwrap() as u64 + s.value,
            size: s.size,
            letter: ko.letter(s).to_ascii_lowercase(),
            name: s.name.clone(),
            modules: vec!["mod".to_owned()],
        });
        let bpf = Line {
            address: 0xffff_ffff_d000_0000,
            size: 9,
            letter: 't',
            name: "bpf_prog_1".into(),
            modules: vec!["bpf".into()],
        };
        let rest: Vec<Line> = loaded.chain([bpf]).collect();
        let slid = |l: &Line| {
            if l.letter == 'A' {
                l.address
            } else {
                l.address + SLIDE
            }
        };
        let moved: Vec<Line> = core
            .iter()
            .map(|l| Line {
                address: slid(l),
                ..l.clone()
            })
            .collect();
        self.write("run/modules.txt", "mod mod.ko\n");
        self.write("run/before", &text(&moved));
        self.write("run/after-rmmod", &text(&moved));
        self.leave("run", &[moved, rest.clone()].concat(), core.len());
        self.leave("nokaslr", &[core.clone(), rest].concat(), core.len());
    }

    /// Writes what one boot leaves; kallsyms has neither sizes nor the brackets of the first `core` lines.
    fn leave(&self, dir: &str, lines: &[Line], core: usize) {
        self.write(&format!("{dir}/kallmodsyms"), &text(lines));
        let plain = |(i, l): (usize, &Line)| {
            let modules = if i < core { &[][..] } else { &l.modules };
            format!(
                "{:016x} {} {}{}\n",
                l.address,
                l.letter,
                l.name,
                brackets(modules)
            )
        };
        self.write(
            &format!("{dir}/kallsyms"),
            &lines.iter().enumerate().map(plain).collect::<String>(),
        );
    }

    /// Changes the lines of one boot, in both of its files.
    fn damage(&self, dir: &str, change: impl Fn(&mut Vec<Line>)) {
        let boot = Boot::read(&self.path(dir)).unwrap();
        let (mut lines, before) = (boot.lines.clone(), boot.lines.len());
        change(&mut lines);
        self.leave(dir, &lines, boot.core + lines.len() - before);
    }

    /// Names of the checks that fail or cannot be run.
    fn failing(&self, limits: Limits) -> Vec<&'static str> {
        let inputs = Inputs::read(
            self.0.path(),
            &self.path("run"),
            Some(&self.path("nokaslr")),
            limits,
        )
        .unwrap();
        let fails = |check: &Check| match check(&inputs) {
            Ok(Outcome::Ran(findings)) => findings.failed(),
            Ok(Outcome::Skipped(why)) => panic!("skipped: {why}"),
            Err(_) => true,
        };
        CHECKS
            .iter()
            .filter(|(_, check)| fails(check))
            .map(|(name, _)| *name)
            .collect()
    }
}

const CFLAGS: &[&str] = &[
    "-Os",
    "-mcmodel=kernel",
    "-fno-pic",
    "-fcf-protection=none",
    "-fno-asynchronous-unwind-tables",
];

fn text(lines: &[Line]) -> String {
    lines.iter().map(|l| format!("{l}\n")).collect()
}

fn line<'a>(lines: &'a mut [Line], name: &str) -> &'a mut Line {
    lines.iter_mut().find(|l| l.name == name).unwrap()
}

#[test]
fn owners_are_found_however_the_kernel_is_linked() {
    for link in [Link::Direct, Link::Twice, Link::Lld] {
        let fixture = Fixture::new(link);
        let lines = Kernel::read(fixture.0.path()).unwrap().expected().unwrap();
        let modules = |name: &str| {
            let mut found: Vec<String> = lines
                .iter()
                .filter(|l| l.name == name)
                .map(|l| brackets(&l.modules).trim().to_owned())
                .collect();
            found.sort();
            found
        };
        for (name, expected) in [
            ("start", ""),
            ("used", ""),
            ("one", "[one]"),
            ("only_one", "[one]"),
            // The weak definition is in no module, the strong one is.
            ("hook", "[two_b]"),
            ("hidden_two", "[two_b]"),
            ("two_counter", "[two_b]"),
            ("core_counter", ""),
            ("asm_two", "[two_b]"),
            ("asm_end", "[two_b]"),
            ("shared", "[one] [two_b]"),
            ("half", "[one]"),
            ("_text", ""),
            ("_etext", ""),
        ] {
            assert_eq!(modules(name), [expected], "{name}, {link:?}");
        }
        let dups = [
            "",
            "",
            "[one] [two_b]",
            "[one]",
            "[one]",
            "[one]",
            "[two_b]",
            "[two_b]",
            "[two_b]",
        ];
        let mut dups = dups.map(str::to_owned);
        dups.sort();
        assert_eq!(modules("dup"), dups, "{link:?}");
        // Each dup lies just before or after a function of its object, whose module it must have.
        for (index, line) in lines.iter().enumerate().filter(|(_, l)| l.name == "dup") {
            let neighbours = [&lines[index - 1], &lines[index + 1]];
            assert!(
                neighbours.iter().any(|n| n.modules == line.modules),
                "{line}, {link:?}"
            );
        }
        assert!(modules("dropped").is_empty());
    }
}

#[test]
fn a_good_boot_passes_every_check() {
    for link in [Link::Direct, Link::Twice, Link::Lld] {
        let fixture = Fixture::new(link);
        fixture.boot();
        assert_eq!(fixture.failing(LIMITS), [""; 0], "{link:?}");
    }
}

#[test]
fn damage_fails_the_check_that_is_there_for_it() {
    let fixture = Fixture::new(Link::Twice);
    let check = |what: &str, dir: &str, change: &dyn Fn(&mut Vec<Line>), expected: &[&str]| {
        fixture.boot();
        fixture.damage(dir, change);
        assert_eq!(fixture.failing(LIMITS), expected, "{what}");
    };
    let first_dup = |lines: &mut Vec<Line>, module: &str| {
        lines
            .iter()
            .position(|l| l.name == "dup" && l.modules == [module])
            .unwrap()
    };
    check(
        "a size",
        "run",
        &|l| line(l, "one").size += 1,
        &["linked", "sizes", "kaslr-slide"],
    );
    check(
        "a size of a zero-size symbol",
        "run",
        &|l| line(l, "_etext").size += 1,
        &["rules", "linked", "sizes", "kaslr-slide"],
    );
    check(
        "a module lost",
        "run",
        &|l| line(l, "one").modules.clear(),
        &["linked", "modules", "kaslr-slide"],
    );
    check(
        "a module too many",
        "run",
        &|l| line(l, "start").modules = vec!["one".into()],
        &["modules", "kaslr-slide"],
    );
    check(
        "a bracket on a marker",
        "run",
        &|l| line(l, "_etext").modules = vec!["one".into()],
        &["modules", "kaslr-slide"],
    );
    check(
        "a per-CPU symbol's module",
        "run",
        &|l| line(l, "two_counter").modules.clear(),
        &["modules", "kaslr-slide"],
    );
    check(
        "modules not sorted",
        "run",
        &|l| line(l, "shared").modules.reverse(),
        &["rules", "modules", "shared-objects", "kaslr-slide"],
    );
    check(
        "a module twice",
        "run",
        &|l| line(l, "half").modules.push("one".into()),
        &["rules", "modules", "shared-objects", "kaslr-slide"],
    );
    let swap_modules = |l: &mut Vec<Line>| {
        let (one, two) = (first_dup(l, "one"), first_dup(l, "two_b"));
        l[one].modules = vec!["two_b".into()];
        l[two].modules = vec!["one".into()];
    };
    check(
        "modules of two statics swapped",
        "run",
        &swap_modules,
        &["modules", "kaslr-slide"],
    );
    let swap_lines = |l: &mut Vec<Line>| {
        let index = l.iter().position(|l| l.name == "one").unwrap();
        l.swap(index, index + 1);
    };
    check("the order", "run", &swap_lines, &["rules", "kaslr-slide"]);
    let zero_last = |l: &mut Vec<Line>| {
        let index = l.iter().position(|l| l.name == "_text").unwrap();
        l.swap(index, index + 1);
    };
    check(
        "the order at one address",
        "run",
        &zero_last,
        &["rules", "kaslr-slide"],
    );
    let lose = |l: &mut Vec<Line>| l.retain(|l| l.name != "start");
    check(
        "a line lost",
        "run",
        &lose,
        &["listing", "linked", "kaslr-slide"],
    );
    let rename = |l: &mut Vec<Line>| line(l, "start").name = "stort".into();
    check(
        "a name",
        "run",
        &rename,
        &["listing", "linked", "sizes", "modules", "kaslr-slide"],
    );
    check(
        "an address without KASLR",
        "nokaslr",
        &|l| line(l, "after").address += 1,
        &["linked", "addresses-without-kaslr", "kaslr-slide"],
    );
    check(
        "a slid per-CPU symbol",
        "run",
        &|l| line(l, "two_counter").address += SLIDE,
        &[
            "listing",
            "rules",
            "linked",
            "sizes",
            "modules",
            "kaslr-slide",
        ],
    );
    check(
        "a size of the loaded module",
        "run",
        &|l| line(l, "g").size += 1,
        &["loaded-modules"],
    );
    check(
        "a symbol of the loaded module lost",
        "run",
        &|l| l.retain(|l| l.name != "f"),
        &["loaded-modules"],
    );
    let unbracketed = |l: &mut Vec<Line>| l.retain(|l| l.modules != ["mod"]);
    check(
        "the loaded module lost",
        "run",
        &unbracketed,
        &["loaded-modules"],
    );
}

#[test]
fn lines_of_a_module_that_is_not_there_fail() {
    let fixture = Fixture::new(Link::Direct);
    for file in ["run/before", "run/after-rmmod"] {
        fixture.boot();
        fixture.write(file, &fixture.read("run/kallmodsyms"));
        assert_eq!(fixture.failing(LIMITS), ["loaded-modules"], "{file}");
    }
    fixture.boot();
    fixture.write("run/modules.txt", "");
    assert_eq!(fixture.failing(LIMITS), ["loaded-modules"]);
}

#[test]
fn limits_are_limits() {
    let fixture = Fixture::new(Link::Direct);
    fixture.boot();
    assert_eq!(
        fixture.failing(Limits {
            core_symbols: 1000,
            ..LIMITS
        }),
        ["scale"]
    );
    assert_eq!(
        fixture.failing(Limits {
            builtin_modules: 3,
            ..LIMITS
        }),
        ["scale"]
    );
    assert_eq!(
        fixture.failing(Limits {
            size_bytes_per_symbol: 0.3,
            ..LIMITS
        }),
        ["tables"]
    );
    assert_eq!(
        fixture.failing(Limits {
            module_bytes: 59,
            ..LIMITS
        }),
        ["tables"]
    );
    assert_eq!(
        fixture.failing(Limits {
            shared_objects: &[("drivers/one.o", "[two_b]")],
            ..LIMITS
        }),
        ["shared-objects"]
    );
}

#[test]
fn a_component_that_can_panic_fails() {
    let fixture = Fixture::new(Link::Direct);
    fixture.boot();
    let source = "int _RNvNtCs_4core9panicking5panic(void); int kallmodsyms_open(void) { return _RNvNtCs_4core9panicking5panic(); }";
    fixture.write("kernel/kallmodsyms/kallmodsyms.c", source);
    let object = "kernel/kallmodsyms/kallmodsyms.o";
    fixture.tool(
        "gcc",
        &[
            CFLAGS,
            &["-c", "kernel/kallmodsyms/kallmodsyms.c", "-o", object],
        ]
        .concat(),
    );
    // The object is now larger than the one in vmlinux, which must not pass either.
    assert_eq!(fixture.failing(LIMITS), ["modules", "no-panics"]);
}

#[test]
fn tables_that_modules_can_ask_for_fail() {
    let fixture = Fixture::new(Link::Direct);
    fixture.boot();
    let source = "int __ksymtab__RNv8kallsyms3get; int kallmodsyms_open(void) { return 0; }";
    fixture.write("kernel/kallmodsyms/kallmodsyms.c", source);
    let object = "kernel/kallmodsyms/kallmodsyms.o";
    fixture.tool(
        "gcc",
        &[
            CFLAGS,
            &["-c", "kernel/kallmodsyms/kallmodsyms.c", "-o", object],
        ]
        .concat(),
    );
    assert_eq!(fixture.failing(LIMITS), ["no-exports"]);
}

#[test]
fn symbols_without_an_owner_fail() {
    let fixture = Fixture::new(Link::Direct);
    fixture.boot();
    // An object that is not the one linked in: its dup has another size.
    fixture.write("drivers/one.c", "static int __attribute__((noinline,used)) dup(int a) { return a * 77 + 123456; } int one(int a) { return dup(a); }");
    fixture.tool(
        "gcc",
        &[CFLAGS, &["-c", "drivers/one.c", "-o", "drivers/one.o"]].concat(),
    );
    assert_eq!(fixture.failing(LIMITS), ["modules"]);

    // The same symbols, but dup lies elsewhere than the one linked in.
    let fixture = Fixture::new(Link::Direct);
    fixture.boot();
    let (_, _, asm) = SOURCES
        .iter()
        .find(|(path, _, _)| *path == "drivers/asm.S")
        .unwrap();
    fixture.write("drivers/asm.S", &asm.replace("dup: ", ".byte 0x90\ndup: "));
    fixture.tool("gcc", &["-c", "drivers/asm.S", "-o", "drivers/asm.o"]);
    assert_eq!(fixture.failing(LIMITS), ["modules"]);
}

#[test]
fn unusable_inputs_are_named() {
    let fixture = Fixture::new(Link::Direct);
    fixture.boot();
    let error = |fixture: &Fixture| {
        let inputs = Inputs::read(fixture.0.path(), &fixture.path("run"), None, LIMITS);
        format!("{:#}", inputs.err().expect("an error"))
    };
    let kallsyms = fixture.read("run/kallsyms");
    let last = kallsyms.trim_end().rfind('\n').unwrap() + 1;
    fixture.write("run/kallsyms", &kallsyms[..last]);
    assert!(
        error(&fixture).contains("kallsyms ends after line"),
        "{}",
        error(&fixture)
    );
    fixture.write("run/kallsyms", "0000000000000000 t x\n");
    assert!(error(&fixture).contains("hides"), "{}", error(&fixture));
    fixture.boot();
    fixture.write(
        "run/kallmodsyms",
        &fixture
            .read("run/kallmodsyms")
            .replace(" T start", " T stort"),
    );
    assert!(error(&fixture).contains("stort"), "{}", error(&fixture));
    fixture.boot();
    fs::remove_file(fixture.path("drivers/.one.o.cmd")).unwrap();
    assert!(
        error(&fixture).contains("drivers/one.o"),
        "{}",
        error(&fixture)
    );
    fixture.write("drivers/.one.o.cmd", "");
    fs::remove_file(fixture.path("vmlinux.a")).unwrap();
    assert!(
        error(&fixture).contains("finished kernel build"),
        "{}",
        error(&fixture)
    );
}

#[test]
fn without_all_symbols_only_functions_and_section_markers_are_listed() {
    let map = |names: &[(u64, &str)]| {
        let symbol = |&(address, name): &(u64, &str)| (address, 'T', name.to_owned());
        names.iter().map(symbol).collect::<Vec<_>>()
    };
    let listed = [
        (0x10, "_stext"),
        (0x11, "f"),
        (0x20, "_etext"),
        (0x40, "_sinittext"),
        (0x41, "g"),
        (0x50, "_einittext"),
        (0x60, "__start_x"),
        (0x61, "__stop_x"),
    ];
    let mut all = map(&listed);
    all.extend(map(&[
        (0xf, "before"),
        (0x20, "at_the_end"),
        (0x30, "data"),
        (0x50, "at_the_other_end"),
        (0x62, "starting"),
    ]));
    assert_eq!(functions(all), map(&listed));
}
