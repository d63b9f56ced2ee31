// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `e2e check`: compares what a guest read from `/proc/kallmodsyms` with the files of the kernel build.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use kallmodsyms::ranges::Ranges;
use kallmodsyms::validate::{Report, Rule, Severity, Validation};
use kallmodsyms::{Dialect, SymbolTable};
use object::elf;

use crate::elf::{Elf, Symbol};
use crate::kbuild::{Builtin, Modules, Object, read_bytes, read_objects, read_text};
use crate::listing::{self, Boot, Line, brackets, group};
use crate::report::{self, Findings, Outcome};
use crate::truth::{self, Method, Truth};

#[cfg(test)]
mod tests;

/// The kernels that differ in what they must reach.
#[derive(Clone, Copy, Debug, Default, clap::ValueEnum)]
pub enum Kind {
    /// That of qemu/config/standard.config
    #[default]
    Standard,
    /// That of qemu/config/variant.config
    Variant,
    /// That of qemu/config/small.config, with whatever a lane adds to it
    Small,
}

impl Kind {
    pub fn limits(self) -> Limits {
        match self {
            Kind::Standard => STANDARD,
            Kind::Variant => VARIANT,
            Kind::Small => SMALL,
        }
    }
}

/// What a kernel must reach.
pub struct Limits {
    /// Objects that several modules share, with the brackets that every symbol of theirs must carry.
    pub shared_objects: &'static [(&'static str, &'static str)],
    pub core_symbols: usize,
    pub builtin_modules: usize,
    pub size_bytes_per_symbol: f64,
    pub module_bytes: u64,
    /// Symbols whose object may stay unknown, or rest on link order alone.
    pub undecided: usize,
    /// Constants that lld merges and then lists under no object: their modules cannot be known from its map.
    pub merged_constants: usize,
    /// Whether the guest loads modules.
    pub loads_modules: bool,
}

/// Shared under COMPILE_TEST; no other object of 6.12 on x86-64 is.
#[rustfmt::skip]
const SHARED_OBJECTS: &[(&str, &str)] = &[
    ("drivers/net/ethernet/ti/davinci_cpdma.o", "[ti_cpsw] [ti_cpsw_new] [ti_davinci_emac]"),
    ("drivers/net/ethernet/ti/cpsw_ale.o", "[ti_cpsw] [ti_cpsw_new]"),
    ("drivers/net/ethernet/ti/cpsw_priv.o", "[ti_cpsw] [ti_cpsw_new]"),
    ("drivers/net/ethernet/ti/cpsw_sl.o", "[ti_cpsw] [ti_cpsw_new]"),
    ("drivers/net/ethernet/ti/cpsw_ethtool.o", "[ti_cpsw] [ti_cpsw_new]"),
    ("drivers/net/ethernet/freescale/dpaa2/dpaa2-mac.o", "[fsl_dpaa2_eth] [fsl_dpaa2_switch]"),
    ("drivers/net/ethernet/freescale/dpaa2/dpmac.o", "[fsl_dpaa2_eth] [fsl_dpaa2_switch]"),
];

const STANDARD: Limits = Limits {
    shared_objects: SHARED_OBJECTS,
    core_symbols: 135_000,
    builtin_modules: 200,
    size_bytes_per_symbol: 0.62,
    module_bytes: 24 * 1024,
    undecided: 0,
    merged_constants: 0,
    loads_modules: true,
};

/// The small kernel of qemu/config/variant.config, made by clang and lld, in which objects of a `=y` module are
/// shared with one that is `=m`: they belong to the former alone.
const VARIANT: Limits = Limits {
    shared_objects: VARIANT_SHARED_OBJECTS,
    core_symbols: 10_000,
    builtin_modules: 1,
    merged_constants: 2,
    loads_modules: false,
    ..STANDARD
};

/// The kernels of the lanes, too small for anything but that what they have is right.
const SMALL: Limits = Limits {
    shared_objects: &[],
    core_symbols: 10_000,
    builtin_modules: 10,
    size_bytes_per_symbol: 0.8,
    ..STANDARD
};

#[rustfmt::skip]
const VARIANT_SHARED_OBJECTS: &[(&str, &str)] = &[
    ("drivers/net/ethernet/ti/davinci_cpdma.o", "[ti_cpsw]"),
    ("drivers/net/ethernet/ti/cpsw_ale.o", "[ti_cpsw]"),
    ("drivers/net/ethernet/ti/cpsw_priv.o", "[ti_cpsw]"),
    ("drivers/net/ethernet/ti/cpsw_sl.o", "[ti_cpsw]"),
    ("drivers/net/ethernet/ti/cpsw_ethtool.o", "[ti_cpsw]"),
];

type Check = fn(&Inputs) -> Result<Outcome>;

const CHECKS: &[(&str, Check)] = &[
    ("listing", check_listing),
    ("rules", check_rules),
    ("linked", check_linked),
    ("sizes", check_sizes),
    ("modules", check_modules),
    ("shared-objects", check_shared_objects),
    ("scale", check_scale),
    ("tables", check_tables),
    ("loaded-modules", check_loaded_modules),
    ("addresses-without-kaslr", check_addresses),
    ("kaslr-slide", check_slide),
    ("no-panics", check_no_panics),
    ("no-exports", check_no_exports),
];

/// A kernel build, with the owner of each of its symbols.
pub struct Kernel {
    dir: PathBuf,
    builtin: Builtin,
    objects: Vec<Object>,
    vmlinux: Elf,
    truth: Truth,
}

pub struct Inputs {
    kernel: Kernel,
    run: PathBuf,
    boot: Boot,
    nokaslr: Option<Boot>,
    limits: Limits,
}

/// Runs all checks and prints them as KTAP; true if none failed.
pub fn run(build: &Path, run: &Path, nokaslr: Option<&Path>, limits: Limits) -> bool {
    println!("KTAP version 1\n1..{}", CHECKS.len());
    let inputs = match Inputs::read(build, run, nokaslr, limits) {
        Ok(inputs) => inputs,
        Err(error) => {
            println!("Bail out! {}", format!("{error:#}").replace('\n', " "));
            return false;
        }
    };
    let mut passed = true;
    for (index, (name, check)) in CHECKS.iter().enumerate() {
        passed &= report::print(index + 1, name, &check(&inputs));
    }
    passed
}

/// Prints the core part of `/proc/kallmodsyms` as the ELF file and the objects call for, without a slide.
pub fn expect(build: &Path) -> Result<()> {
    for line in Kernel::read(build)?.expected()? {
        println!("{line}");
    }
    Ok(())
}

impl Kernel {
    pub fn read(dir: &Path) -> Result<Kernel> {
        let builtin = Builtin::read(dir)?;
        let vmlinux = Elf::read(&dir.join("vmlinux"))?;
        let objects = read_objects(dir, &builtin, &vmlinux)?;
        let truth = truth::decide(&vmlinux, &objects);
        Ok(Kernel {
            dir: dir.to_owned(),
            builtin,
            objects,
            vmlinux,
            truth,
        })
    }

    fn has_option(&self, name: &str) -> Result<bool> {
        let config = read_text(&self.dir.join(".config"))?;
        let line = format!("CONFIG_{name}=y");
        Ok(config.lines().any(|l| l == line))
    }

    fn modules(&self, owner: Option<usize>) -> Modules {
        owner.map_or_else(|| Modules::from([]), |o| self.objects[o].modules.clone())
    }

    /// The range of addresses that kallsyms shows as offsets into the per-CPU area, unmoved by KASLR: where
    /// that area is linked at 0 (x86-64).
    fn per_cpu(&self) -> Option<std::ops::RangeInclusive<u64>> {
        let find = |name| {
            self.vmlinux
                .symbols
                .iter()
                .find(|s| s.name == name)
                .map(|s| s.value)
        };
        match (find("__per_cpu_start"), find("__per_cpu_end")) {
            (Some(0), Some(end)) => Some(0..=end),
            _ => None,
        }
    }

    /// What identifies a symbol in both worlds: address in vmlinux, the letter kallsyms shows, name.
    fn keys(&self) -> HashMap<Key<'_>, Vec<usize>> {
        let per_cpu = self.per_cpu();
        let symbols = &self.vmlinux.symbols;
        let listed = (0..symbols.len()).filter(|&i| symbols[i].is_named() && !symbols[i].undefined);
        group(listed, |&i| {
            let letter = match &per_cpu {
                Some(range) if range.contains(&symbols[i].value) => 'A',
                _ => self.vmlinux.letter(&symbols[i]),
            };
            (symbols[i].value, letter, symbols[i].name.as_str())
        })
    }

    /// System.map less the absolute symbols that scripts/kallsyms.c leaves out, as keys.
    fn system_map(&self) -> Result<Vec<(u64, char, String)>> {
        let path = self.dir.join("System.map");
        let per_cpu = self.per_cpu();
        let mut keys = Vec::new();
        // The format is that of /proc/kallsyms without brackets.
        for line in listing::read(&path, Dialect::Kallsyms)? {
            let letter = match (&per_cpu, line.letter) {
                (_, 'a' | 'A' | 'u' | 'n' | 'N') => continue,
                (Some(range), _) if range.contains(&line.address) => 'A',
                (_, letter) => letter,
            };
            keys.push((line.address, letter, line.name));
        }
        Ok(keys)
    }

    fn expected(&self) -> Result<Vec<Line>> {
        let map = self.system_map()?;
        let mut keys = self.keys();
        let mut lines = Vec::new();
        for &(address, letter, ref name) in &map {
            let Some(found) = keys.get_mut(&(address, letter, name.as_str())) else {
                bail!(
                    "System.map lists {address:016x} {letter} {name}, which vmlinux does not have"
                );
            };
            let Some(index) = found.pop() else {
                bail!("System.map lists {name} too often")
            };
            let owner = match &self.truth.decisions[index] {
                Some(Ok((owner, _))) => *owner,
                Some(Err(why)) => bail!("no object found for {name}: {why}"),
                None => None,
            };
            let size = self.vmlinux.symbols[index].size;
            let (name, modules) = (name.clone(), self.modules(owner).to_vec());
            lines.push(Line {
                address,
                size,
                letter,
                name,
                modules,
            });
        }
        lines.sort_by_key(order_key);
        Ok(lines)
    }
}

type Key<'a> = (u64, char, &'a str);

/// Zero-size symbols first at one address, then larger before smaller.
fn order_key(line: &Line) -> (u64, bool, std::cmp::Reverse<u64>) {
    (line.address, line.size != 0, std::cmp::Reverse(line.size))
}

impl Inputs {
    pub fn read(
        build: &Path,
        run: &Path,
        nokaslr: Option<&Path>,
        limits: Limits,
    ) -> Result<Inputs> {
        Ok(Inputs {
            boot: Boot::read(run)?,
            nokaslr: nokaslr.map(Boot::read).transpose()?,
            kernel: Kernel::read(build)?,
            run: run.to_owned(),
            limits,
        })
    }

    /// The boot, and the one without KASLR if there is one.
    fn boots(&self) -> impl Iterator<Item = &Boot> {
        [&self.boot].into_iter().chain(&self.nokaslr)
    }

    /// How far KASLR moved the kernel of a boot.
    fn slide(&self, boot: &Boot) -> Result<u64> {
        let text = boot
            .core()
            .iter()
            .find(|l| l.name == "_text")
            .context("kallmodsyms has no line for _text")?;
        let linked = self
            .kernel
            .vmlinux
            .symbols
            .iter()
            .find(|s| s.name == "_text");
        Ok(text
            .address
            .wrapping_sub(linked.context("vmlinux has no symbol _text")?.value))
    }

    /// The core lines of the boot by key.
    fn core(&self) -> Result<Vec<(Key<'_>, &Line)>> {
        let slide = self.slide(&self.boot)?;
        let unslid = |l: &Line| {
            if l.letter == 'A' {
                l.address
            } else {
                l.address.wrapping_sub(slide)
            }
        };
        Ok(self
            .boot
            .core()
            .iter()
            .map(|l| ((unslid(l), l.letter, l.name.as_str()), l))
            .collect())
    }
}

fn finish(findings: Findings) -> Result<Outcome> {
    Ok(Outcome::Ran(findings))
}

/// kallmodsyms lists exactly the symbols of System.map that kallsyms keeps.
fn check_listing(inputs: &Inputs) -> Result<Outcome> {
    let mut findings = Findings::default();
    let mut map = inputs.kernel.system_map()?;
    if !inputs.kernel.has_option("KALLSYMS_ALL")? {
        let all = map.len();
        map = functions(map);
        findings.note(format!(
            "CONFIG_KALLSYMS_ALL is off: {} of {all} symbols",
            map.len()
        ));
    }
    let mut counts: BTreeMap<(u64, char, String), i64> = BTreeMap::new();
    for key in map {
        *counts.entry(key).or_default() += 1;
    }
    for ((address, letter, name), _) in inputs.core()? {
        *counts
            .entry((address, letter, name.to_owned()))
            .or_default() -= 1;
    }
    for ((address, letter, name), count) in counts {
        let more = if count > 0 {
            "System.map"
        } else {
            "kallmodsyms"
        };
        findings.expect(
            count == 0,
            format!("only {more} has {address:016x} {letter} {name}"),
        );
    }
    finish(findings)
}

/// What kallsyms lists without CONFIG_KALLSYMS_ALL: what is in .text and .init.text, less what else is at their ends, and
/// the markers of sections.
fn functions(map: Vec<(u64, char, String)>) -> Vec<(u64, char, String)> {
    let ranges: Vec<_> = [("_stext", "_etext"), ("_sinittext", "_einittext")]
        .into_iter()
        .filter_map(|(start, end)| {
            let at = |name| map.iter().find(|(_, _, n)| n == name).map(|s| s.0);
            Some((at(start)?, at(end)?, end))
        })
        .collect();
    let listed = |address: u64, name: &str| {
        name.starts_with("__start_")
            || name.starts_with("__stop_")
            || ranges.iter().any(|&(from, to, end)| {
                (from..to).contains(&address) || (address == to && name == end)
            })
    };
    map.into_iter()
        .filter(|(address, _, name)| listed(*address, name))
        .collect()
}

/// The userspace crate finds no fault with a boot's files: the order of lines and of modules, one reader's view.
fn check_rules(inputs: &Inputs) -> Result<Outcome> {
    let mut findings = Findings::default();
    for boot in inputs.boots() {
        expect_valid(&mut findings, &boot.report, |_| true);
        findings.note(format!("{} lines", boot.report.summary.lines));
    }
    finish(findings)
}

/// The userspace crate, by readers and rules of its own, agrees that the boot is one of this build: with vmlinux, with
/// System.map, and with modules.builtin.ranges where the kernel's own generator made one.
fn check_linked(inputs: &Inputs) -> Result<Outcome> {
    let mut findings = Findings::default();
    let file = |name| read_bytes(&inputs.kernel.dir.join(name));
    let vmlinux = kallmodsyms::elf::symbols(&file("vmlinux")?).context("vmlinux")?;
    let map = SymbolTable::from_bytes(&file("System.map")?).context("System.map")?;
    let name = "modules.builtin.ranges";
    let ranges = match inputs.kernel.dir.join(name).exists() {
        true => Some(Ranges::parse(&file(name)?).context(name)?),
        false => None,
    };
    // The others are those of `check_rules`.
    let compares = |rule| rule >= Rule::Linked;
    for boot in inputs.boots() {
        for linked in [&vmlinux, &map] {
            let report = Validation::new(&boot.source).against_linked(linked).run();
            expect_valid(&mut findings, &report, compares);
            if let Some(slide) = report.slide {
                let witnesses = slide.witnesses();
                findings.note(format!("{witnesses} code symbols slid by {slide}"));
            }
        }
        let Some(ranges) = &ranges else {
            findings.note(format!("this build made no {name}"));
            continue;
        };
        let table = SymbolTable::from_bytes(&boot.source)?;
        let placed = ranges.place(&table, None).context(name)?;
        let report = Validation::new(&boot.source).against_ranges(&placed).run();
        expect_valid(&mut findings, &report, compares);
    }
    finish(findings)
}

/// Every error by one of these rules is a difference. Warnings are counted.
fn expect_valid(findings: &mut Findings, report: &Report, rules: fn(Rule) -> bool) {
    let mut warnings: BTreeMap<Rule, usize> = BTreeMap::new();
    for finding in report.findings.iter().filter(|finding| rules(finding.rule)) {
        let (rule, line) = (finding.rule, finding.position.line);
        match rule.severity() {
            Severity::Error => {
                findings.differs(format!("line {line}: {rule}: {}", finding.message));
            }
            Severity::Warning => *warnings.entry(rule).or_default() = report.count(rule),
        }
    }
    for (rule, count) in warnings {
        findings.note(format!("{count} warnings of {rule}"));
    }
}

/// Calls `compare` with the lines and the symbols of each key; a key without symbols is a difference.
fn each_key(
    inputs: &Inputs,
    findings: &mut Findings,
    mut compare: impl FnMut(&mut Findings, &[&Line], &[usize]),
) -> Result<()> {
    let symbols = inputs.kernel.keys();
    let lines = group(inputs.core()?, |(key, _)| *key);
    let mut keys: Vec<_> = lines.keys().collect();
    keys.sort();
    for key in keys {
        let lines: Vec<&Line> = lines[key].iter().map(|(_, line)| *line).collect();
        match symbols.get(key) {
            Some(found) if found.len() == lines.len() => compare(findings, &lines, found),
            found => {
                let found = found.map_or(0, Vec::len);
                findings.differs(format!(
                    "`{}`: {} such lines, {found} such symbols in vmlinux",
                    lines[0],
                    lines.len()
                ));
            }
        }
    }
    Ok(())
}

/// Every core symbol's size is the `st_size` of vmlinux.
fn check_sizes(inputs: &Inputs) -> Result<Outcome> {
    let mut findings = Findings::default();
    let (mut symbols, mut empty) = (0, 0);
    each_key(inputs, &mut findings, |findings, lines, found| {
        let mut expected: Vec<u64> = found
            .iter()
            .map(|&i| inputs.kernel.vmlinux.symbols[i].size)
            .collect();
        let mut sizes: Vec<u64> = lines.iter().map(|l| l.size).collect();
        expected.sort();
        sizes.sort();
        symbols += sizes.len();
        empty += expected.iter().filter(|&&size| size == 0).count();
        findings.expect(
            sizes == expected,
            format!(
                "`{}`: expected size {:x?}, found {:x?}",
                lines[0], expected, sizes
            ),
        );
    })?;
    findings.note(format!(
        "{symbols} symbols compared, {empty} of them of size zero"
    ));
    finish(findings)
}

/// Every core symbol's modules are those of the object that defines it.
fn check_modules(inputs: &Inputs) -> Result<Outcome> {
    let kernel = &inputs.kernel;
    let mut findings = Findings::default();
    let mut methods: BTreeMap<Method, usize> = BTreeMap::new();
    let mut undecided = Vec::new();
    let (mut bracketed, mut several, mut named) = (0, 0, BTreeSet::new());
    let mut merged = Vec::new();
    each_key(inputs, &mut findings, |findings, lines, found| {
        let mut expected = Vec::new();
        let mut why = Vec::new();
        for &index in found {
            match &kernel.truth.decisions[index] {
                Some(Ok((owner, method))) => {
                    *methods.entry(*method).or_default() += 1;
                    expected.push(kernel.modules(*owner).to_vec());
                    why.push(format!(
                        "{} by {method}",
                        owner.map_or("-", |o| &kernel.objects[o].path)
                    ));
                }
                Some(Err(error)) => undecided.push(format!("{}: {error}", lines[0].name)),
                None => undecided.push(format!("{}: kallsyms should not list it", lines[0].name)),
            }
        }
        if expected.len() != lines.len() {
            return;
        }
        let mut actual: Vec<Vec<String>> = lines.iter().map(|l| l.modules.clone()).collect();
        bracketed += actual.iter().filter(|m| !m.is_empty()).count();
        several += actual.iter().filter(|m| m.len() > 1).count();
        named.extend(actual.iter().flatten().cloned());
        actual.sort();
        expected.sort();
        let is_merged = |index: &usize| match &kernel.truth.decisions[*index] {
            Some(Ok((Some(owner), _))) => kernel.objects[*owner].elf.has_merged(&lines[0].name),
            _ => false,
        };
        if actual != expected && actual.iter().all(Vec::is_empty) && found.iter().all(is_merged) {
            merged.push(lines[0].to_string());
            return;
        }
        findings.expect(actual == expected, {
            let list: Vec<String> = expected
                .iter()
                .map(|m| brackets(m).trim_start().to_owned())
                .collect();
            format!(
                "`{}`: expected modules `{}` ({})",
                lines[0],
                list.join("` or `"),
                why.join(", ")
            )
        });
    })?;
    for (method, count) in &methods {
        findings.note(format!("{count} symbols decided by {method}"));
    }
    for line in &merged {
        findings.note(format!(
            "{line}: a constant that the linker merged carries no module"
        ));
    }
    let most = inputs.limits.merged_constants;
    findings.expect(
        merged.len() <= most,
        format!(
            "expected at most {most} merged constants without their modules, found {}",
            merged.len()
        ),
    );
    let truth = &kernel.truth;
    findings.note(format!(
        "{} of those decided by order lie where a symbol decided by name says",
        truth.confirmed
    ));
    findings.note(format!(
        "{bracketed} symbols carry modules, {several} several; {} modules named",
        named.len()
    ));
    let unsure = undecided.len() + truth.alike;
    findings.note(format!(
        "{} symbols undecided, {} rest on link order alone",
        undecided.len(),
        truth.alike
    ));
    if unsure > inputs.limits.undecided {
        findings.differs(format!(
            "{unsure} symbols without a certain object, at most {} allowed",
            inputs.limits.undecided
        ));
        undecided.iter().for_each(|u| findings.differs(u));
    }
    finish(findings)
}

/// The objects that several modules share: each symbol that the object's own table lists has a line with
/// its size and exactly the expected brackets.
fn check_shared_objects(inputs: &Inputs) -> Result<Outcome> {
    let mut findings = Findings::default();
    let lines = group(inputs.boot.core(), |l| l.name.as_str());
    for (path, expected) in inputs.limits.shared_objects {
        let object = Elf::read(&inputs.kernel.dir.join(path))?;
        let symbols = object.symbols.iter().filter(|s| is_listed(&object, s));
        let wanted = group(symbols, |s| (s.name.as_str(), s.size));
        let mut count = 0;
        for (&(name, size), symbols) in &wanted {
            let tail = format!("{size:x} {name}\t{expected}");
            let named = lines.get(name).map_or(&[][..], Vec::as_slice);
            let right =
                |l: &&&Line| format!("{:x} {}{}", l.size, l.name, brackets(&l.modules)) == tail;
            let found = named.iter().filter(right).count();
            count += found;
            let others: Vec<String> = named.iter().map(|l| format!("`{l}`")).collect();
            findings.expect(
                found >= symbols.len(),
                format!(
                    "{path}: expected {} lines `{tail}`, found {found} among {}",
                    symbols.len(),
                    others.join(", ")
                ),
            );
            // A global name is this object's alone.
            if symbols.iter().any(|s| !s.is_local()) {
                findings.expect(
                    named.len() == 1,
                    format!(
                        "{path}: expected one line for {name}, found {}",
                        named.len()
                    ),
                );
            }
        }
        findings.expect(count > 0, format!("{path}: no line of it"));
        findings.note(format!("{path}: {count} lines {expected}"));
    }
    finish(findings)
}

/// Whether kallsyms lists a symbol of an object: in a section that stays, and not one of those whose name
/// scripts/mksysmap leaves out.
fn is_listed(object: &Elf, symbol: &Symbol) -> bool {
    let kept = [
        ".text",
        ".init.text",
        ".exit.text",
        ".data",
        ".init.data",
        ".rodata",
        ".bss",
    ];
    let dropped = ["__kstrtab_", "__kstrtabns_", "__crc_", "$"];
    let in_section = object
        .section(symbol)
        .is_some_and(|s| kept.iter().any(|k| s.name.starts_with(k)));
    symbol.is_named() && in_section && !dropped.iter().any(|d| symbol.name.starts_with(d))
}

fn check_scale(inputs: &Inputs) -> Result<Outcome> {
    let mut findings = Findings::default();
    let (core, builtin) = (inputs.boot.core().len(), inputs.kernel.builtin.len());
    findings.note(format!(
        "{core} core symbols, {builtin} built-in modules, {} objects",
        inputs.kernel.objects.len()
    ));
    let limits = &inputs.limits;
    findings.expect(
        core >= limits.core_symbols,
        format!("expected at least {} core symbols", limits.core_symbols),
    );
    findings.expect(
        builtin >= limits.builtin_modules,
        format!("expected at least {} modules", limits.builtin_modules),
    );
    finish(findings)
}

/// The tables' cost, each label's extent reaching to the next symbol.
fn check_tables(inputs: &Inputs) -> Result<Outcome> {
    let mut findings = Findings::default();
    let vmlinux = &inputs.kernel.vmlinux;
    // scripts/kallsyms emits labels without a type; functions with such names do not count.
    let labels: BTreeMap<&str, u64> = vmlinux
        .symbols
        .iter()
        .filter(|s| s.kind == elf::STT_NOTYPE && !s.undefined && s.is_named())
        .filter(|s| s.name.starts_with("kallsyms_size") || s.name.starts_with("kallsyms_module"))
        .map(|s| (s.name.as_str(), s.value))
        .collect();
    for label in [
        "kallsyms_sizes",
        "kallsyms_size_markers",
        "kallsyms_module_runs",
        "kallsyms_module_lists",
    ] {
        findings.expect(
            labels.contains_key(label),
            format!("vmlinux has no label {label}; is CONFIG_KALLMODSYMS on?"),
        );
    }
    let addresses: BTreeSet<u64> = vmlinux
        .symbols
        .iter()
        .filter(|s| s.section.is_some())
        .map(|s| s.value)
        .collect();
    let (mut sizes, mut modules) = (0, 0);
    for (label, start) in labels {
        let end = addresses
            .range(start + 1..)
            .next()
            .with_context(|| format!("no symbol after {label}"))?;
        // The lengths are 32-bit; what follows the last of them may be far away.
        let size = if label.ends_with("_len") {
            4
        } else {
            end - start
        };
        findings.note(format!("{label}: {size} bytes"));
        *(if label.starts_with("kallsyms_size") {
            &mut sizes
        } else {
            &mut modules
        }) += size;
    }
    let per_symbol = sizes as f64 / inputs.boot.core().len() as f64;
    findings.note(format!(
        "sizes cost {per_symbol:.4} bytes a symbol, modules {modules} bytes in all"
    ));
    let limits = &inputs.limits;
    let most = limits.size_bytes_per_symbol;
    findings.expect(
        per_symbol <= most,
        format!("sizes: expected at most {most} bytes a symbol, found {per_symbol:.4}"),
    );
    let most = limits.module_bytes;
    findings.expect(
        modules <= most,
        format!("modules: expected at most {most} bytes, found {modules}"),
    );
    finish(findings)
}

/// The modules that the guest loaded: `st_size` for each line, and no line before insmod or after rmmod.
fn check_loaded_modules(inputs: &Inputs) -> Result<Outcome> {
    if !inputs.limits.loads_modules {
        return Ok(Outcome::Skipped(
            "the guest of this kernel loads no module".to_owned(),
        ));
    }
    if !inputs.kernel.has_option("MODULES")? {
        return Ok(Outcome::Skipped(
            "this kernel has no loadable modules".to_owned(),
        ));
    }
    let mut findings = Findings::default();
    let path = inputs.run.join("modules.txt");
    let before = listing::read(&inputs.run.join("before"), Dialect::Sized)?;
    let after = listing::read(&inputs.run.join("after-rmmod"), Dialect::Sized)?;
    let mut loaded = 0;
    for (number, line) in read_text(&path)?.lines().enumerate() {
        let Some((name, ko)) = line.split_once(' ') else {
            bail!(
                "{}: line {}: expected `NAME PATH.ko`, found {line:?}",
                path.display(),
                number + 1
            );
        };
        let bracket = [name.to_owned()];
        let lines: Vec<&Line> = inputs
            .boot
            .rest()
            .iter()
            .filter(|l| l.modules == bracket)
            .collect();
        compare_module(
            &mut findings,
            name,
            &Elf::read(&inputs.kernel.dir.join(ko))?,
            &lines,
        );
        for (when, file) in [("before insmod", &before), ("after rmmod", &after)] {
            let left = file.iter().find(|l| l.modules == bracket);
            findings.expect(
                left.is_none(),
                format!(
                    "{name}: a line {when}: `{}`",
                    left.map_or(String::new(), Line::to_string)
                ),
            );
        }
        loaded += 1;
    }
    findings.expect(
        loaded > 0,
        format!("{}: the guest loaded no module", path.display()),
    );
    finish(findings)
}

/// All of a loaded module's symbols but those of `.init`, each once. Its init functions are listed by ftrace, if at all, and
/// then all of them.
fn compare_module(findings: &mut Findings, name: &str, ko: &Elf, lines: &[&Line]) {
    findings.note(format!("{name}: {} lines", lines.len()));
    findings.expect(
        !lines.is_empty(),
        format!("{name}: no line carries [{name}]"),
    );
    let defined = ko
        .symbols
        .iter()
        .filter(|s| !s.name.is_empty() && s.section.is_some());
    let symbols = group(defined, |s| s.name.as_str());

    // Symbols that occur once tell where each section was loaded; the others are found by their address.
    let mut bases: HashMap<usize, u64> = HashMap::new();
    for line in lines {
        let Some(&[symbol]) = symbols.get(line.name.as_str()).map(Vec::as_slice) else {
            continue;
        };
        let Some(section) = symbol.section else {
            continue;
        };
        let base = line.address.wrapping_sub(symbol.value);
        let first = *bases.entry(section).or_insert(base);
        let section = &ko.sections[section].name;
        findings.expect(
            first == base,
            format!("{name}: `{line}` does not lie where the rest of {section} does"),
        );
    }
    let section_name = |s: &Symbol| ko.section(s).map_or("", |section| section.name.as_str());
    // Each section of Arm has the mapping symbol $x, and that of .init.text may lie anywhere.
    let is_init_function = |s: &Symbol| s.kind == elf::STT_FUNC && section_name(s) == ".init.text";
    let (mut seen, mut init) = (BTreeSet::new(), BTreeSet::new());
    for line in lines {
        findings.expect(
            line.size == 0 || seen.insert((line.address, &line.name)),
            format!("{name}: `{line}` is there twice"),
        );
        let same_name = symbols
            .get(line.name.as_str())
            .map_or(&[][..], Vec::as_slice);
        // A section without a symbol that occurs once may lie anywhere.
        let lies_there = |s: &&&Symbol| {
            s.section.is_some_and(|section| {
                let base = bases.get(&section);
                base.is_none_or(|base| base.wrapping_add(s.value) == line.address)
            })
        };
        let candidates: Vec<&Symbol> = match same_name {
            [one] => vec![one],
            _ => same_name.iter().filter(lies_there).copied().collect(),
        };
        let of_init = candidates.iter().filter(|s| is_init_function(s));
        init.extend(of_init.map(|s| s.value));
        let sizes: Vec<u64> = candidates.iter().map(|s| s.size).collect();
        findings.expect(
            sizes.contains(&line.size),
            format!("{name}: `{line}`: expected size {sizes:x?}"),
        );
    }

    let functions = ko.symbols.iter().filter(|s| is_init_function(s));
    let all: BTreeSet<u64> = functions.map(|s| s.value).collect();
    findings.expect(
        init.is_empty() || init == all,
        format!("{name}: init functions at {all:x?}, lines for those at {init:x?}"),
    );

    let listed = group(lines.iter(), |l| l.name.as_str());
    for (symbol, same_name) in &symbols {
        let in_text = same_name
            .iter()
            .filter(|s| section_name(s) == ".text")
            .count();
        let found = listed.get(symbol).map_or(0, Vec::len);
        findings.expect(
            found >= in_text,
            format!("{name}: {in_text} symbols {symbol} in .text, {found} lines"),
        );
    }
}

/// Without KASLR each address is the one in vmlinux.
fn check_addresses(inputs: &Inputs) -> Result<Outcome> {
    let Some(boot) = &inputs.nokaslr else {
        return Ok(Outcome::Skipped("no --nokaslr-run was given".to_owned()));
    };
    let mut findings = Findings::default();
    let symbols = inputs.kernel.keys();
    for line in boot.core() {
        let found = symbols.contains_key(&(line.address, line.letter, line.name.as_str()));
        findings.expect(
            found,
            format!("`{line}`: vmlinux has no such symbol at this address"),
        );
    }
    findings.note(format!("{} addresses compared", boot.core().len()));
    finish(findings)
}

/// Two boots, with and without KASLR, differ by one slide, which per-CPU offsets do not take part in.
fn check_slide(inputs: &Inputs) -> Result<Outcome> {
    let Some(still) = &inputs.nokaslr else {
        return Ok(Outcome::Skipped("no --nokaslr-run was given".to_owned()));
    };
    let mut findings = Findings::default();
    let slide = inputs
        .slide(&inputs.boot)?
        .wrapping_sub(inputs.slide(still)?);
    let (moved, still) = (inputs.boot.core(), still.core());
    findings.note(format!("slide {slide:#x}"));
    findings.expect(
        moved.len() == still.len(),
        format!(
            "{} core lines with KASLR, {} without",
            moved.len(),
            still.len()
        ),
    );
    for (with, without) in moved.iter().zip(still) {
        let slide = if without.letter == 'A' { 0 } else { slide };
        let expected = Line {
            address: without.address.wrapping_add(slide),
            ..without.clone()
        };
        findings.expect(
            *with == expected,
            format!("expected `{expected}`, found `{with}`"),
        );
    }
    finish(findings)
}

/// No loadable module gets at the tables: rust/Makefile exports what is neither generic nor inline in the kernel crate.
fn check_no_exports(inputs: &Inputs) -> Result<Outcome> {
    let mut findings = Findings::default();
    // Those of all exports are in .vmlinux.export.o, which is one of the objects.
    let symbols = inputs.kernel.objects.iter().flat_map(|o| &o.elf.symbols);
    for name in symbols.filter_map(|s| s.name.strip_prefix("__ksymtab_")) {
        let ours = name.contains("kallmodsyms") || name.contains("8kallsyms");
        findings.expect(!ours, format!("{name} is exported to modules"));
    }
    finish(findings)
}

/// A panic in the component would be a BUG with a lock held, so it must not be able to call for one.
fn check_no_panics(inputs: &Inputs) -> Result<Outcome> {
    let mut findings = Findings::default();
    let ours = inputs
        .kernel
        .objects
        .iter()
        .filter(|o| o.path.starts_with("kernel/kallmodsyms/"));
    let mut count = 0;
    for object in ours {
        count += 1;
        for symbol in object.elf.symbols.iter().filter(|s| s.undefined) {
            let panics = symbol.name.contains("panick") || symbol.name.contains("panic_fmt");
            findings.expect(!panics, format!("{} calls {}", object.path, symbol.name));
        }
    }
    findings.expect(
        count > 0,
        "vmlinux.a lists no object in kernel/kallmodsyms/; is CONFIG_KALLMODSYMS on?",
    );
    finish(findings)
}
