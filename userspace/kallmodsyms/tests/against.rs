// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Validation against what the kernel's build left: small files with one change for each rule, every change of a byte
//! there can be, and the files of real boots.

use kallmodsyms::ranges::{Placed, Ranges};
use kallmodsyms::table::{Builder, Facts};
use kallmodsyms::validate::{Finding, Report, Rule, Severity, Validation};
use kallmodsyms::{Slide, SymbolTable, Symbols};
use kallmodsyms_captures::Capture;

/// As the linker left it: what `nm -n -S vmlinux` says, in the form of a table.
const VMLINUX: &str = "\
0000000000000000 0 D __per_cpu_start
0000000000000000 1000 D fixed_percpu_data
0000000000001000 8 d tlb_state
0000000000002000 0 D __per_cpu_end
0000000000123456 0 a a_number
ffffffff81000000 0 T _stext
ffffffff81000000 0 T _text
ffffffff81000000 40 T startup_64
ffffffff81000000 20 t inner
ffffffff81000040 11f T cpsw_ale_flush
ffffffff81000160 13a t rapl_pmu_event_init
ffffffff8100029a 10 t probe
ffffffff810002b0 10 t probe
ffffffff81000300 0 T _etext
ffffffff81001000 0 b __key.0
ffffffff81001000 8 b rapl_pmus
ffffffff81001008 0 b __key.0
ffffffff81002000 0 B _end
";

/// The boot of that kernel, 0x100000 further up.
const KALLMODSYMS: &str = "\
0000000000000000 0 A __per_cpu_start
0000000000000000 1000 A fixed_percpu_data
0000000000001000 8 A tlb_state\t[m]
0000000000002000 0 A __per_cpu_end
ffffffff81100000 0 T _stext
ffffffff81100000 0 T _text
ffffffff81100000 40 T startup_64
ffffffff81100000 20 t inner
ffffffff81100040 11f T cpsw_ale_flush\t[ti_cpsw] [ti_cpsw_new]
ffffffff81100160 13a t rapl_pmu_event_init\t[intel_rapl_perf]
ffffffff8110029a 10 t probe\t[intel_rapl_perf]
ffffffff811002b0 10 t probe
ffffffff81100300 0 T _etext
ffffffff81101000 0 b __key.0\t[ti_cpsw]
ffffffff81101000 8 b rapl_pmus\t[intel_rapl_perf]
ffffffff81101008 0 b __key.0\t[intel_rapl_perf]
ffffffff81102000 0 B _end
ffffffffc0200000 d2 t nfs_lookup\t[nfs]
ffffffffc0300000 3c t bpf_prog_6deef7357e7b4530\t[bpf]
";

const KALLSYMS: &str = "\
0000000000000000 A __per_cpu_start
0000000000000000 A fixed_percpu_data
0000000000001000 A tlb_state
0000000000002000 A __per_cpu_end
ffffffff81100000 T _stext
ffffffff81100000 T _text
ffffffff81100000 T startup_64
ffffffff81100000 t inner
ffffffff81100040 T cpsw_ale_flush
ffffffff81100160 t rapl_pmu_event_init
ffffffff8110029a t probe
ffffffff811002b0 t probe
ffffffff81100300 T _etext
ffffffff81101000 b __key.0
ffffffff81101000 b rapl_pmus
ffffffff81101008 b __key.0
ffffffff81102000 B _end
ffffffffc0200000 t nfs_lookup\t[nfs]
ffffffffc0300000 t bpf_prog_6deef7357e7b4530\t[bpf]
";

const RANGES: &str = "\
.text 00000000-00000000 = _text
.text 00000040-0000015f ti_cpsw ti_cpsw_new
.text 00000160-000002aa intel_rapl_perf
.bss 00000000-00000000 = rapl_pmus
.bss 00000000-00000008 intel_rapl_perf
";

/// What is broken as the file stands: the key at the border of two objects, the key behind the last range, per-CPU
/// data.
const KNOWN: [(Rule, usize); 2] = [(Rule::RangesBorder, 1), (Rule::RangesIncomplete, 2)];

fn table(file: &str) -> SymbolTable {
    SymbolTable::from_bytes(file.as_bytes()).expect("the file is well formed")
}

/// The linker's table, which knows sizes and no modules.
fn vmlinux(file: &str) -> SymbolTable {
    let mut builder = Builder::new();
    for symbol in Symbols::new(file.as_bytes()) {
        builder.push(&symbol.expect("the file is well formed"));
    }
    let facts = Facts {
        sizes: true,
        built_in_modules: false,
        ..Facts::default()
    };
    builder.finish(facts).expect("there are addresses")
}

fn counts(report: &Report) -> Vec<(Rule, usize)> {
    let counts = Rule::ALL.iter().map(|&rule| (rule, report.count(rule)));
    counts.filter(|&(_, count)| count > 0).collect()
}

/// Validates a file against the linker's table alone.
fn against_linked(file: &str, linked: &SymbolTable) -> Report {
    Validation::new(file.as_bytes())
        .against_linked(linked)
        .run()
}

/// Validates a file against all else there is.
fn against_all(file: &[u8], linked: &SymbolTable, placed: &Placed<'_>) -> Report {
    let validation = Validation::new(file).against(KALLSYMS.as_bytes());
    validation
        .against_linked(linked)
        .against_ranges(placed)
        .run()
}

/// Makes the one change, and tells what the linker's table and the ranges say beyond what they said before, with the
/// line of the first finding and its message.
fn change(from: &str, to: &str) -> (Vec<(Rule, usize)>, usize, String) {
    assert_eq!(
        KALLMODSYMS.matches(from).count(),
        1,
        "not one place: {from:?}"
    );
    let changed = KALLMODSYMS.replace(from, to);
    let linked = vmlinux(VMLINUX);
    let ranges = Ranges::parse(RANGES.as_bytes()).expect("the ranges are well formed");
    let good = table(KALLMODSYMS);
    let placed = ranges
        .place(&good, None)
        .expect("the ranges are of this kernel");
    let validation = Validation::new(changed.as_bytes());
    let report = validation
        .against_linked(&linked)
        .against_ranges(&placed)
        .run();
    let mut broken = counts(&report);
    for (rule, known) in KNOWN {
        for broken in broken.iter_mut().filter(|broken| broken.0 == rule) {
            broken.1 = broken.1.saturating_sub(known);
        }
    }
    broken.retain(|&(_, count)| count > 0);
    let good = Validation::new(KALLMODSYMS.as_bytes())
        .against_ranges(&placed)
        .run();
    let known = |finding: &&Finding| {
        good.findings
            .iter()
            .any(|known| known.message == finding.message)
    };
    let first = report.findings.iter().find(|finding| !known(finding));
    let first = first.expect("something is found");
    (
        broken,
        first.position.line,
        format!("{}: {}", first.position.column, first.message),
    )
}

fn one(rule: Rule, line: usize, message: &str) -> (Vec<(Rule, usize)>, usize, String) {
    (vec![(rule, 1)], line, message.into())
}

#[test]
fn a_good_file_keeps_all_rules() {
    let linked = vmlinux(VMLINUX);
    let ranges = Ranges::parse(RANGES.as_bytes()).expect("the ranges are well formed");
    let good = table(KALLMODSYMS);
    let placed = ranges
        .place(&good, None)
        .expect("the ranges are of this kernel");
    let report = against_all(KALLMODSYMS.as_bytes(), &linked, &placed);
    assert_eq!(counts(&report), KNOWN, "{:?}", report.findings);
    assert!(report.is_valid());
    assert_eq!(
        report.slide.expect("the slide was found").bytes(),
        0x10_0000
    );
    // Nothing that is loaded concerns the linker.
    let kallsyms = against_linked(KALLSYMS, &linked);
    assert_eq!(counts(&kallsyms), []);
    // Nor does it have to know sizes.
    let map = VMLINUX.lines().map(|line| {
        let (address, rest) = line.split_once(' ').expect("a size follows");
        let (_, rest) = rest.split_once(' ').expect("a type follows");
        format!("{address} {rest}\n")
    });
    let map = table(&map.collect::<String>());
    let report = against_linked(KALLMODSYMS, &map);
    assert_eq!(counts(&report), []);
}

#[test]
fn each_rule_of_the_linker() {
    assert_eq!(
        change(
            "ffffffff81100160 13a t rapl_pmu_event_init\t[intel_rapl_perf]\n",
            ""
        ),
        one(
            Rule::LinkedMissing,
            10,
            "1: expected `rapl_pmu_event_init` at 0xffffffff81100160, where the linker put it, found no such symbol"
        ),
    );
    assert_eq!(
        change("ffffffff811002b0 10 t probe\n", ""),
        one(
            Rule::LinkedMissing,
            12,
            "1: expected `probe` at 0xffffffff811002b0, where the linker put it, found no such symbol"
        ),
    );
    assert_eq!(
        change("ffffffff81100000 0 T _stext\n", ""),
        one(
            Rule::LinkedMissing,
            5,
            "1: expected `_stext` at 0xffffffff81100000, where the linker put it, found no such symbol"
        ),
    );
    let twice = "ffffffff81100160 13a t rapl_pmu_event_init\t[intel_rapl_perf]\n";
    let more = "ffffffff81100170 4 t more\t[intel_rapl_perf]\n";
    assert_eq!(
        change(twice, &[twice, more].concat()),
        one(
            Rule::LinkedUnknown,
            11,
            "22: expected a symbol that the linker knows, found `more`"
        ),
    );
    assert_eq!(
        change("ffffffff811002b0 10 t probe", "ffffffff811002b8 10 t probe"),
        one(
            Rule::LinkedAddress,
            12,
            "1: expected the address 0xffffffff811002b0, where the linker put it, found 0xffffffff811002b8"
        ),
    );
    // Per-CPU data does not move.
    assert_eq!(
        change(
            "0000000000002000 0 A __per_cpu_end",
            "0000000000102000 0 A __per_cpu_end"
        ),
        one(
            Rule::LinkedAddress,
            4,
            "1: expected the address 0x2000, where the linker put it, found 0x102000"
        ),
    );
    assert_eq!(
        change(" 11f T", " 120 T"),
        one(
            Rule::LinkedSize,
            9,
            "18: expected the size 0x11f that the linker recorded, found 0x120"
        ),
    );
    assert_eq!(
        change(" 0 T _etext", " 10 T _etext"),
        one(
            Rule::LinkedSize,
            13,
            "18: expected the size 0x0 that the linker recorded, found 0x10"
        ),
    );
    assert_eq!(
        change("13a t rapl", "13a d rapl"),
        one(Rule::LinkedType, 10, "22: expected the type `t`, found `d`"),
    );
    assert_eq!(
        change("8 A tlb_state", "8 d tlb_state"),
        one(Rule::LinkedType, 3, "20: expected the type `A`, found `d`"),
    );
    // A name that changed is one that is missing and one too many.
    let (rules, ..) = change("T cpsw_ale_flush", "T cpsw_ale_fluss");
    assert_eq!(rules, [(Rule::LinkedMissing, 1), (Rule::LinkedUnknown, 1)]);
}

#[test]
fn lines_are_named_whatever_their_order() {
    let sizes = KALLMODSYMS.replace(" 13a t rapl", " 13b t rapl");
    let mut lines: Vec<&str> = sizes.lines().collect();
    lines.swap(8, 9);
    lines.swap(5, 15);
    let file: Vec<String> = lines.iter().map(|line| format!("{line}\n")).collect();
    let report = Validation::new(file.concat().as_bytes())
        .against_linked(&vmlinux(VMLINUX))
        .run();
    let size = report
        .findings
        .iter()
        .find(|finding| finding.rule == Rule::LinkedSize);
    assert_eq!(report.count(Rule::LinkedSize), 1);
    assert_eq!(size.expect("it is kept").position.line, 9);
    // Among those of other rules.
    assert!(report.count(Rule::AddressOrder) > 0);
    let places = report
        .findings
        .iter()
        .map(|finding| finding.position.offset);
    assert!(places.is_sorted(), "{:?}", report.findings);
}

#[test]
fn what_is_loaded_does_not_stand_for_what_is_linked() {
    let line = "ffffffff81100040 11f T cpsw_ale_flush\t[ti_cpsw] [ti_cpsw_new]\n";
    let file = KALLMODSYMS
        .replace(line, "")
        .replace("d2 t nfs_lookup", "11f T cpsw_ale_flush");
    let report = against_linked(&file, &vmlinux(VMLINUX));
    assert_eq!(counts(&report), [(Rule::LinkedMissing, 1)]);
}

#[test]
fn each_rule_of_ranges() {
    assert_eq!(
        change("\t[ti_cpsw] [ti_cpsw_new]", "\t[ti_cpsw]"),
        one(
            Rule::RangesModules,
            9,
            "39: expected `[ti_cpsw] [ti_cpsw_new]`, as modules.builtin.ranges has it, found `[ti_cpsw]`"
        ),
    );
    assert_eq!(
        change(
            "13a t rapl_pmu_event_init\t[intel_rapl_perf]",
            "13a t rapl_pmu_event_init"
        ),
        one(
            Rule::RangesModules,
            10,
            "43: expected `[intel_rapl_perf]`, as modules.builtin.ranges has it, found no module"
        ),
    );
    assert_eq!(
        change("probe\n", "probe\t[n]\n"),
        one(
            Rule::RangesIncomplete,
            12,
            "29: expected a range of `[n]` in modules.builtin.ranges, found none"
        ),
    );
}

#[test]
fn another_kernel_is_one_finding() {
    let other = vmlinux(&VMLINUX.replace("ffffffff81000040", "ffffffff81000050"));
    let report = against_linked(KALLMODSYMS, &other);
    assert_eq!(counts(&report), [(Rule::Linked, 1)]);
    assert_eq!(report.slide, None);
    let message = &report.findings[0].message;
    assert!(
        message.contains("cpsw_ale_flush is at 0xffffffff81100040, not 0xffffffff81100050"),
        "{message}"
    );

    let nothing = table("ffffffff81000000 T other_text\n");
    let report = against_linked(KALLMODSYMS, &nothing);
    assert_eq!(counts(&report), [(Rule::Linked, 1)]);
}

#[test]
fn what_cannot_be_compared_is_said() {
    let linked = vmlinux(VMLINUX);
    let ranges = Ranges::parse(RANGES.as_bytes()).expect("the ranges are well formed");
    let good = table(KALLMODSYMS);
    let placed = ranges
        .place(&good, None)
        .expect("the ranges are of this kernel");
    let run = |file: &str| {
        let validation = Validation::new(file.as_bytes());
        validation
            .against_linked(&linked)
            .against_ranges(&placed)
            .run()
    };
    let hidden: Vec<String> = KALLMODSYMS
        .lines()
        .map(|line| line.splitn(3, ' ').nth(2).expect("three fields"))
        .map(|rest| format!("0000000000000000 0 {rest}\n"))
        .collect();
    let report = run(&hidden.concat());
    assert_eq!(
        counts(&report),
        [(Rule::Linked, 1), (Rule::RangesModules, 1)],
        "{:?}",
        report.findings
    );
    assert!(
        report.findings[0]
            .message
            .contains("nothing can be compared"),
        "{:?}",
        report.findings
    );
    assert_eq!(
        counts(&run("")),
        [
            (Rule::Empty, 1),
            (Rule::Linked, 1),
            (Rule::RangesModules, 1)
        ]
    );
    // kallsyms has no modules to compare.
    let report = run(KALLSYMS);
    assert_eq!(counts(&report), [(Rule::RangesModules, 1)]);
    assert!(
        report.findings[0]
            .message
            .ends_with("found the kallsyms dialect"),
        "{:?}",
        report.findings
    );
}

#[test]
fn without_kallsyms_all_only_code_and_markers_are_listed() {
    let data = "8 b rapl_pmus";
    // A marker is listed wherever it is, other data is not even at the end of code.
    let more = "0 R __start_pci_fixups\nffffffff81000300 8 r sys_call_table\nffffffff81001000 8 b rapl_pmus";
    let linked = vmlinux(&VMLINUX.replace(data, more));
    let is_listed = |line: &&str| {
        [" T ", " t ", "__start_", "nfs_table"]
            .iter()
            .any(|part| line.contains(part))
    };
    // What is loaded has data all the same.
    let all = KALLMODSYMS
        .replace(
            &[data, "\t[intel_rapl_perf]"].concat(),
            "0 R __start_pci_fixups",
        )
        .replace("d2 t nfs_lookup", "8 d nfs_table");
    let code: Vec<String> = all
        .lines()
        .filter(is_listed)
        .map(|line| format!("{line}\n"))
        .collect();
    assert_eq!(code.len(), 12);
    let run = |file: &str| counts(&against_linked(file, &linked));
    assert_eq!(run(&code.concat()), []);
    // Each line of the image is missed.
    for left_out in 0..10 {
        let mut file = code.clone();
        file.remove(left_out);
        assert_eq!(
            run(&file.concat()),
            [(Rule::LinkedMissing, 1)],
            "without {}",
            code[left_out]
        );
    }
    // So it is where the linker's table does not bound the code.
    let unbounded = vmlinux(
        &VMLINUX
            .replace("0 T _stext", "0 T first")
            .replace("0 T _etext", "0 A last"),
    );
    let mut file = code.concat().replace("_stext", "first");
    for line in [
        "ffffffff81100300 0 T _etext\n",
        "ffffffff81101000 0 R __start_pci_fixups\n",
    ] {
        file = file.replace(line, "");
    }
    let report = against_linked(&file, &unbounded);
    assert_eq!(counts(&report), []);
    let line = "ffffffff81100160 13a t rapl_pmu_event_init\t[intel_rapl_perf]\n";
    let report = against_linked(&file.replace(line, ""), &unbounded);
    assert_eq!(counts(&report), [(Rule::LinkedMissing, 1)]);
    // Where any data is listed, all is.
    let file = KALLMODSYMS.replace("ffffffff81101000 8 b rapl_pmus\t[intel_rapl_perf]\n", "");
    let report = against_linked(&file, &vmlinux(VMLINUX));
    assert_eq!(counts(&report), [(Rule::LinkedMissing, 1)]);
}

/// Whichever byte of the image is changed, something is found: by the rules of the file alone, by kallsyms, by the
/// linker's table or by the ranges.
#[test]
fn no_change_of_a_byte_goes_unseen() {
    let linked = vmlinux(VMLINUX);
    let ranges = Ranges::parse(RANGES.as_bytes()).expect("the ranges are well formed");
    let good = table(KALLMODSYMS);
    let placed = ranges
        .place(&good, None)
        .expect("the ranges are of this kernel");
    let image = KALLMODSYMS
        .find("ffffffffc0200000")
        .expect("there is a loaded module");
    let mut tried = 0;
    let mut line = 0;
    for at in 0..image {
        let old = KALLMODSYMS.as_bytes()[at];
        let here = &KALLMODSYMS[line..at];
        let rest = &KALLMODSYMS[line..][..KALLMODSYMS[line..].find('\n').expect("a line ends")];
        if old == b'\n' {
            line = at + 1;
        }
        // Only of these nothing else knows the module.
        let unknown = ["tlb_state", "__key.0"]
            .iter()
            .any(|name| rest.contains(name));
        if unknown && here.contains('\t') {
            continue;
        }
        let bytes = [
            old ^ 1,
            old.wrapping_add(1),
            b' ',
            b'\t',
            b'\n',
            b'0',
            b'f',
            b'T',
            0xff,
        ];
        for new in bytes.into_iter().filter(|&new| new != old) {
            let mut file = KALLMODSYMS.as_bytes().to_vec();
            file[at] = new;
            let report = against_all(&file, &linked, &placed);
            let place = || format!("byte {at} of {rest:?} to {:?}", char::from(new));
            assert!(!report.is_valid(), "{}", place());
            for finding in &report.findings {
                assert!(finding.position.offset <= file.len(), "{}", place());
                let before = &file[..finding.position.offset];
                let line = before.split(|&byte| byte == b'\n').count();
                assert_eq!(finding.position.line, line, "{}: {finding:?}", place());
            }
            tried += 1;
        }
    }
    assert!(tried > 4000, "{tried}");
}

#[test]
fn real_boots() {
    let standard = Capture::standard();
    let read = |capture: &Capture, file: &str| capture.read(file).expect("the capture is there");
    let parse = |bytes: &[u8]| SymbolTable::from_bytes(bytes).expect("the capture is well formed");
    let map = parse(&read(&standard, "System.map"));
    let ranges = read(&standard, "modules.builtin.ranges");
    let ranges = Ranges::parse(&ranges).expect("the ranges are well formed");
    for capture in Capture::all().expect("the captures are there") {
        let file = read(&capture, "kallmodsyms");
        let table = parse(&file);
        let linked = parse(&read(&standard, "System.map"));
        let moved = Slide::between(&linked, &table)
            .expect("the same kernel")
            .move_table(linked);
        let placed = ranges.place(&table, Some(&moved)).expect("the same kernel");
        let validation = Validation::new(&file)
            .against_linked(&map)
            .against_ranges(&placed);
        let report = validation.run();
        assert_eq!(
            report.total(Severity::Error),
            0,
            "{capture}: {:?}",
            report.findings
        );
        // Static lock class keys take no room, so where two objects meet no range tells whose they are.
        assert_eq!(report.count(Rule::RangesBorder), 11, "{capture}");
        // Per-CPU data, `__param` and gaps.
        assert_eq!(report.count(Rule::RangesIncomplete), 204, "{capture}");
        if capture != standard {
            continue;
        }
        let mut text = String::from_utf8(file).expect("the capture is text");
        let changes = [
            (" T vfs_read\n", " t vfs_read\n", Rule::LinkedType),
            (" T vfs_write\n", " T vfs_wrote\n", Rule::LinkedUnknown),
            (
                " T ext4_mark_inode_used\t[ext4]\n",
                " T ext4_mark_inode_used\n",
                Rule::RangesModules,
            ),
            (
                "0 28 T vfs_llseek\n",
                "8 28 T vfs_llseek\n",
                Rule::LinkedAddress,
            ),
        ];
        for (from, to, _) in changes {
            assert_eq!(text.matches(from).count(), 1, "{from:?}");
            text = text.replace(from, to);
        }
        let report = Validation::new(text.as_bytes())
            .against_linked(&map)
            .against_ranges(&placed)
            .run();
        for (_, _, rule) in changes {
            assert_eq!(report.count(rule), 1, "{rule}");
        }
    }
}
