// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Every rule of validation: a small whole file that keeps all of them, and one change that breaks each.

use kallmodsyms::validate::{Rule, Severity, Validation};
use kallmodsyms::{Dialect, Width};

/// As a kernel of this project prints it: per-CPU symbols, the image with aliases, built-in modules and an end marker,
/// then loaded modules, newest first and so not in address order, and what is no module.
const KALLMODSYMS: &str = "\
0000000000000000 0 A __per_cpu_start
0000000000000000 1000 A fixed_percpu_data
0000000000001000 8 A tlb_state\t[m]
ffffffff81000000 0 T _stext
ffffffff81000000 0 T _text
ffffffff81000000 40 T startup_64
ffffffff81000000 20 t inner
ffffffff81000040 11f T cpsw_ale_flush\t[ti_cpsw] [ti_cpsw_new]
ffffffff81000160 13a t rapl_pmu_event_init\t[intel_rapl_perf]
ffffffff8100029a 0 t __key.0
ffffffff8100029a 0 t __key.0
ffffffff81001000 0 B _end
ffffffffc0200000 d2 t nfs_lookup\t[nfs]
ffffffffc0100000 d2 t xfs_lookup\t[xfs]
ffffffffc0300000 a7 t ftrace_trampoline\t[__builtin__ftrace]
ffffffffc0400000 3c t bpf_prog_6deef7357e7b4530\t[bpf]
ffffffffc0500000 1000 t kprobe_insn_page\t[__builtin__kprobes]
";

/// `/proc/kallsyms` of the same boot.
const KALLSYMS: &str = "\
0000000000000000 A __per_cpu_start
0000000000000000 A fixed_percpu_data
0000000000001000 A tlb_state
ffffffff81000000 T _stext
ffffffff81000000 T _text
ffffffff81000000 T startup_64
ffffffff81000000 t inner
ffffffff81000040 T cpsw_ale_flush
ffffffff81000160 t rapl_pmu_event_init
ffffffff8100029a t __key.0
ffffffff8100029a t __key.0
ffffffff81001000 B _end
ffffffffc0200000 t nfs_lookup\t[nfs]
ffffffffc0100000 t xfs_lookup\t[xfs]
ffffffffc0300000 t ftrace_trampoline\t[__builtin__ftrace]
ffffffffc0400000 t bpf_prog_6deef7357e7b4530\t[bpf]
ffffffffc0500000 t kprobe_insn_page\t[__builtin__kprobes]
";

/// The rules that a file breaks, with how often, and the line of the first finding.
fn broken(validation: &Validation<'_>) -> (Vec<(Rule, usize)>, usize) {
    let report = validation.run();
    let counts = Rule::ALL
        .iter()
        .map(|&rule| (rule, report.count(rule)))
        .filter(|&(_, count)| count > 0)
        .collect();
    let line = report
        .findings
        .first()
        .map_or(0, |first| first.position.line);
    (counts, line)
}

/// Makes the one change, and tells which rules it breaks.
fn change(from: &str, to: &str) -> (Vec<(Rule, usize)>, usize) {
    assert_eq!(
        KALLMODSYMS.matches(from).count(),
        1,
        "not one place: {from}"
    );
    let changed = KALLMODSYMS.replace(from, to);
    let alone = broken(&Validation::new(changed.as_bytes()));
    // A second file may find more, and hides nothing.
    let report = Validation::new(changed.as_bytes())
        .against(KALLSYMS.as_bytes())
        .run();
    for &(rule, _) in &alone.0 {
        assert!(report.count(rule) > 0, "{rule} is lost beside kallsyms");
    }
    alone
}

fn one(rule: Rule, line: usize) -> (Vec<(Rule, usize)>, usize) {
    (vec![(rule, 1)], line)
}

#[test]
fn a_good_file_breaks_none() {
    for validation in [
        Validation::new(KALLMODSYMS.as_bytes()).dialect(Dialect::Sized),
        Validation::new(KALLMODSYMS.as_bytes()).against(KALLSYMS.as_bytes()),
        Validation::new(KALLSYMS.as_bytes()).against(KALLSYMS.as_bytes()),
        Validation::new(KALLSYMS.as_bytes()).dialect(Dialect::Kallsyms),
    ] {
        assert_eq!(broken(&validation), (vec![], 0));
    }
}

#[test]
fn a_good_file_is_counted() {
    let report = Validation::new(KALLMODSYMS.as_bytes()).run();
    let format = report.format.expect("the file is well formed");
    assert_eq!(
        (format.dialect, format.width),
        (Dialect::Sized, Width::Bits64)
    );
    let summary = report.summary;
    assert!(!summary.hidden);
    assert_eq!(summary.lines, 17);
    assert_eq!(
        (
            summary.core,
            summary.built_in,
            summary.loaded,
            summary.pseudo
        ),
        (9, 3, 2, 3)
    );
    assert_eq!(
        (
            summary.built_in_modules,
            summary.loaded_modules,
            summary.shared
        ),
        (4, 2, 1)
    );
    assert_eq!((summary.sized, summary.zero_size), (11, 6));
    let sum = 0x1000 + 8 + 0x40 + 0x20 + 0x11f + 0x13a + 0xd2 + 0xd2 + 0xa7 + 0x3c + 0x1000;
    assert_eq!(summary.size_sum, sum);
    assert_eq!(summary.overlaps, 0);
}

#[test]
fn kallsyms_tells_loaded_from_built_in() {
    // Cut before the marker: alone, the symbols of built-in modules at the end look loaded.
    let cut = |text: &str| text.split_inclusive('\n').take(9).collect::<String>();
    let (file, kallsyms) = (cut(KALLMODSYMS), cut(KALLSYMS));
    let validation = Validation::new(file.as_bytes());
    assert_eq!(broken(&validation), one(Rule::ModuleCount, 8));
    assert_eq!(
        broken(&validation.against(kallsyms.as_bytes())),
        (vec![], 0)
    );
}

#[test]
fn grammar() {
    assert_eq!(change(" 11f T cpsw", " 11f T a cpsw"), one(Rule::Fields, 8));
    assert_eq!(change(" 11f T cpsw", " T cpsw"), one(Rule::Dialect, 8));
    assert_eq!(
        change("ffffffff81000040", "ffffffff8100040"),
        one(Rule::Address, 8)
    );
    assert_eq!(change(" 11f ", " 11F "), one(Rule::Size, 8));
    assert_eq!(change(" 11f T", " 11f TT"), one(Rule::Type, 8));
    assert_eq!(change("cpsw_ale_flush", "cpsw\x0bale"), one(Rule::Name, 8));
    assert_eq!(change("[ti_cpsw]", "[ti-cpsw]"), one(Rule::Modules, 8));
    assert_eq!(
        change("[ti_cpsw_new]", "{cpsw_ale.o}"),
        one(Rule::Object, 8)
    );
    assert_eq!(
        change("[ti_cpsw_new]", "[ti_cpsw_new] "),
        one(Rule::Blanks, 8)
    );
    assert_eq!(
        change("[ti_cpsw_new]", "[ti_cpsw_new]\r"),
        one(Rule::Newline, 8)
    );
    assert_eq!(
        change("[__builtin__kprobes]\n", "[__builtin__kprobes]"),
        one(Rule::Newline, 17)
    );
    assert_eq!(broken(&Validation::new(b"")), one(Rule::Empty, 1));
}

#[test]
fn dialect_asked_for() {
    let kallsyms = Validation::new(KALLSYMS.as_bytes());
    assert_eq!(
        broken(&kallsyms.dialect(Dialect::Sized)),
        one(Rule::Dialect, 1)
    );
}

#[test]
fn modules() {
    assert_eq!(
        change("[ti_cpsw] [ti_cpsw_new]", "[ti_cpsw_new] [ti_cpsw]"),
        one(Rule::ModuleOrder, 8)
    );
    assert_eq!(
        change("[ti_cpsw] [ti_cpsw_new]", "[ti_cpsw] [ti_cpsw]"),
        one(Rule::ModuleOrder, 8)
    );
    assert_eq!(change("[xfs]", "[xfs] [xfs2]"), one(Rule::ModuleCount, 14));
    assert_eq!(change("[bpf]", "[bpf] [xfs]"), one(Rule::ModuleCount, 16));
}

#[test]
fn groups() {
    assert_eq!(change("[xfs]", "[bpf]"), one(Rule::GroupOrder, 15));
    assert_eq!(
        change("[intel_rapl_perf]", "[bpf]"),
        one(Rule::GroupOrder, 9)
    );
    assert_eq!(
        change("[__builtin__kprobes]", "[late]"),
        one(Rule::GroupOrder, 17)
    );
}

#[test]
fn order_in_the_image() {
    assert_eq!(
        change("ffffffff81000160", "ffffffff81000030"),
        one(Rule::AddressOrder, 9)
    );
    assert_eq!(
        change(" 20 t inner", " 41 t inner"),
        one(Rule::AliasOrder, 7)
    );
    assert_eq!(
        change(" 20 t inner", " 0 t inner"),
        one(Rule::AliasOrder, 7)
    );
    assert_eq!(change(" 20 t inner", " 40 t inner"), (vec![], 0));
}

#[test]
fn sizes() {
    assert_eq!(
        change(" 1000 t kprobe", " ffffffff t kprobe"),
        one(Rule::SizeRange, 17)
    );
    // Up to the last byte is well.
    assert_eq!(change(" 1000 t kprobe", " 3fb00000 t kprobe"), (vec![], 0));
    let line = "ffffffff81000160 13a t rapl_pmu_event_init\t[intel_rapl_perf]\n";
    assert_eq!(change(line, &line.repeat(2)), one(Rule::Duplicate, 10));

    let far = KALLMODSYMS.replace(" 11f T", " 121 T");
    assert_eq!(Validation::new(far.as_bytes()).run().summary.overlaps, 1);
}

/// What a reader without the right to see addresses gets.
fn hide(text: &str, sizes: bool) -> String {
    let hidden = text.lines().map(|line| {
        let mut fields: Vec<&str> = line.split(' ').collect();
        fields[0] = "0000000000000000";
        if sizes {
            fields[1] = "0";
        }
        fields.join(" ") + "\n"
    });
    hidden.collect()
}

#[test]
fn hidden() {
    let both = hide(KALLMODSYMS, true);
    let kallsyms = hide(KALLSYMS, false);
    let validation = Validation::new(both.as_bytes());
    assert_eq!(
        broken(&validation.against(kallsyms.as_bytes())),
        (vec![], 0)
    );
    let summary = validation.run().summary;
    assert!(summary.hidden);
    assert_eq!(
        (summary.sized, summary.zero_size, summary.built_in),
        (0, 17, 3)
    );

    // Sizes left to see.
    let addresses = hide(KALLMODSYMS, false);
    assert_eq!(
        broken(&Validation::new(addresses.as_bytes())),
        (vec![(Rule::Hidden, 11)], 2)
    );
    // Addresses left to see.
    let one_address = both.replacen("0000000000000000", "ffffffff81000000", 1);
    assert_eq!(
        Validation::new(one_address.as_bytes())
            .run()
            .count(Rule::Hidden),
        1
    );
    // Only one of the files hides.
    assert_eq!(
        broken(&validation.against(KALLSYMS.as_bytes())),
        one(Rule::Projection, 1)
    );
}

#[test]
fn projection() {
    let against = |kallsyms: &str| {
        broken(&Validation::new(KALLMODSYMS.as_bytes()).against(kallsyms.as_bytes()))
    };
    for (from, to) in [
        ("ffffffff81000160", "ffffffff81000170"),
        ("t rapl_pmu", "T rapl_pmu"),
        ("rapl_pmu", "rapl"),
        ("rapl_pmu_event_init", "rapl_pmu_event_init "),
    ] {
        assert_eq!(
            against(&KALLSYMS.replace(from, to)),
            one(Rule::Projection, 9),
            "{from}"
        );
    }
    assert_eq!(
        against(&KALLSYMS.replace("[xfs]", "[nfs]")),
        one(Rule::Projection, 14)
    );
    let bare = against(&KALLSYMS.replace("\t[__builtin__kprobes]", ""));
    assert!(
        bare.0.is_empty(),
        "a bracket only in kallmodsyms is a built-in module's: {bare:?}"
    );

    let last = KALLSYMS.lines().last().expect("a last line").len() + 1;
    assert_eq!(
        against(&KALLSYMS[..KALLSYMS.len() - last]),
        one(Rule::Projection, 17)
    );
    assert_eq!(
        against(&KALLSYMS[..KALLSYMS.len() - 1]),
        one(Rule::Projection, 1)
    );
    assert_eq!(
        against(&format!("{KALLSYMS}ffffffffc0600000 t f\t[bpf]\n")),
        one(Rule::Projection, 18)
    );
    assert_eq!(against(KALLMODSYMS), one(Rule::Projection, 1));
    assert_eq!(against(""), one(Rule::Projection, 1));

    // A bracket of a loaded module that kallmodsyms lacks.
    let (rules, line) = {
        let file = KALLMODSYMS.replace("\t[xfs]", "");
        broken(&Validation::new(file.as_bytes()).against(KALLSYMS.as_bytes()))
    };
    assert_eq!((rules, line), one(Rule::Projection, 14));
}

#[test]
fn findings_are_capped_and_counted() {
    let bad = "bad\n".repeat(25);
    let report = Validation::new(bad.as_bytes()).keep(3).run();
    assert_eq!(report.findings.len(), 3);
    assert_eq!(report.count(Rule::Fields), 25);
    assert_eq!(report.total(Severity::Error), 25);
    assert_eq!(report.format, None);
}

/// Every rule has a name of its own, and words for what to do.
#[test]
fn rules_are_told_apart() {
    for (at, rule) in Rule::ALL.iter().enumerate() {
        assert_eq!(*rule as usize, at);
        assert!(
            Rule::ALL[..at]
                .iter()
                .all(|other| other.name() != rule.name())
        );
        assert!(rule.help().len() > 20);
    }
}
