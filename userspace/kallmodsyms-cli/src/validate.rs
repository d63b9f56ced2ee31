// SPDX-License-Identifier: Apache-2.0 OR MIT

//! `kallmodsyms validate`: the rules of the library over one file, or two, for people and for programs.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{anyhow, bail, ensure};
use clap::Args;
use clap::builder::PossibleValuesParser;
use clap::builder::TypedValueParser;
use kallmodsyms::ranges::{Placed, Ranges};
use kallmodsyms::validate::{Report, Rule, Severity, Validation};
use kallmodsyms::{Dialect, Format, Slide, SymbolTable, elf};
use memchr::memchr;
use serde::Serialize;

use crate::input::{self, Opened, Root};
use crate::json::Hex;
use crate::number::count;
use crate::output::{Output, Role};
use crate::{Status, help};

const EXAMPLES: &str = "\
  kallmodsyms validate                                    # the running kernel
  kallmodsyms validate --against /proc/kallsyms           # the same, and that the two files agree
  kallmodsyms validate saved.xz --against System.map --against modules.builtin.ranges
  kallmodsyms validate saved.xz --dialect sized --json    # a saved copy, for a program";

const STATUS: &str =
    "0 if there is no error, 1 if there is one, 2 for wrong usage or an unreadable file";

/// Check a whole file against the format's grammar and guarantees
#[derive(Args)]
#[command(after_help = help::text(EXAMPLES, STATUS), after_long_help = help::with_json(EXAMPLES, STATUS, JSON))]
pub(crate) struct Arguments {
    /// The file to check, `-` for standard input; that of the running kernel, if none is named
    #[arg(env = input::VARIABLE, hide_env_values = true)]
    file: Option<PathBuf>,
    #[command(flatten)]
    root: Root,
    /// Also compare with FILE of the same kernel; may be repeated, once for each kind
    ///
    /// A copy of /proc/kallsyms of the same boot, read by the same user: but for sizes and built-in modules the same,
    /// line by line. A vmlinux or a System.map: the same symbols, types, and sizes if there are, at one distance. A
    /// modules.builtin.ranges: the same built-in modules. Lines without a single bracket are taken for a System.map,
    /// those of /proc/kallsyms excepted.
    #[arg(long, value_name = "FILE")]
    against: Vec<PathBuf>,
    /// Take a file of any other dialect for an error
    #[arg(long, value_parser = dialects())]
    dialect: Option<Dialect>,
    /// Print at most this many findings of each rule; all are counted
    #[arg(long, value_name = "N", default_value_t = 10)]
    limit: usize,
    /// Print the result as one JSON object
    #[arg(long)]
    json: bool,
}

fn dialects() -> impl TypedValueParser<Value = Dialect> {
    let names = Dialect::ALL.iter().map(|dialect| dialect.name());
    PossibleValuesParser::new(names).map(|name| {
        let mut all = Dialect::ALL.iter().copied();
        let found = all.find(|dialect| dialect.name() == name);
        found.expect("clap lets only the names of dialects through")
    })
}

impl Arguments {
    pub(crate) fn run(&self, out: &mut Output) -> anyhow::Result<Status> {
        let path = &*self.file.clone().unwrap_or_else(|| self.root.lines());
        ensure!(
            self.against.iter().all(|against| against != path),
            "--against names the same file, {}: name a copy of /proc/kallsyms, a vmlinux, a System.map or a \
             modules.builtin.ranges",
            input::name(path),
        );
        let file = Opened::open(path)?;
        ensure!(
            !file.is_elf(),
            "expected lines of symbols in {}, found an ELF file: name a copy of /proc/kallmodsyms",
            file.name(),
        );
        let name = file.name().to_owned();
        let report = if self.against.is_empty() {
            file.validate(self.dialect, self.limit)?
        } else {
            self.compare(file)?
        };
        if self.json {
            out.pretty_json(&Json::new(&name, &report))?;
        } else {
            print(out, &name, &report)?;
        }
        Ok(Status::good_if(report.is_valid()))
    }

    /// Checks the file beside others. For that all of them have to be in memory.
    fn compare(&self, file: Opened) -> anyhow::Result<Report> {
        let (name, bytes) = file.bytes()?;
        let against = Against::read(&self.against)?;
        // Where the sections of a ranges file are takes the addresses of the file that is checked.
        let file = against
            .ranges
            .is_some()
            .then(|| SymbolTable::from_bytes(&bytes));
        let placed = match (&against.ranges, &file) {
            (Some(ranges), Some(Ok(file))) => Some(against.place(ranges, file, &name)?),
            _ => None,
        };

        let mut validation = Validation::new(&bytes).keep(self.limit);
        if let Some(kallsyms) = &against.kallsyms {
            validation = validation.against(&kallsyms.bytes);
        }
        if let Some((_, linked)) = &against.linked {
            validation = validation.against_linked(linked);
        }
        if let Some(placed) = &placed {
            validation = validation.against_ranges(placed);
        }
        if let Some(dialect) = self.dialect {
            validation = validation.dialect(dialect);
        }
        let report = validation.run();
        if let (Some(Err(error)), true) = (&file, report.is_valid()) {
            bail!(
                "cannot compare {name} with modules.builtin.ranges: {}",
                error.kind
            );
        }
        Ok(report)
    }
}

/// A file to compare with, unpacked. It is read as strictly as the one that is checked.
struct Source {
    name: String,
    bytes: Vec<u8>,
}

impl Source {
    fn is_elf(&self) -> bool {
        self.bytes.starts_with(b"\x7fELF")
    }

    fn table(&self) -> anyhow::Result<SymbolTable> {
        let Self { name, bytes } = self;
        if self.is_elf() {
            return elf::symbols(bytes).map_err(|error| anyhow!("cannot use {name}: {error}"));
        }
        SymbolTable::from_bytes(bytes).map_err(|error| {
            let diagnostic = error.diagnostic(name, bytes).to_string();
            anyhow!("expected symbols in {name}\n{}", diagnostic.trim_end())
        })
    }
}

/// What to compare with, by kind.
#[derive(Default)]
struct Against {
    kallsyms: Option<Source>,
    linked: Option<(Source, SymbolTable)>,
    ranges: Option<(String, Ranges)>,
}

impl Against {
    fn read(paths: &[PathBuf]) -> anyhow::Result<Self> {
        let mut against = Self::default();
        for path in paths {
            let (name, bytes) = Opened::open(path)?.bytes()?;
            let source = Source { name, bytes };
            let is_lines = Format::detect(&source.bytes).is_some();
            let is_second = if source.is_elf() || (is_lines && !is_kallsyms(path, &source.bytes)) {
                let table = source.table()?;
                against.linked.replace((source, table)).is_some()
            } else if is_lines {
                against.kallsyms.replace(source).is_some()
            } else {
                let Source { name, bytes } = source;
                let ranges = Ranges::parse(&bytes).map_err(|error| anyhow!("{name}: {error}"))?;
                against.ranges.replace((name, ranges)).is_some()
            };
            ensure!(
                !is_second,
                "--against has two files of the kind of {}: name one",
                input::name(path)
            );
        }
        Ok(against)
    }

    fn place<'r>(
        &self,
        (ranges_name, ranges): &'r (String, Ranges),
        file: &SymbolTable,
        name: &str,
    ) -> anyhow::Result<Placed<'r>> {
        let unfit = |error: &dyn Display| anyhow!("{ranges_name} does not fit {name}: {error}");
        let map = match &self.linked {
            Some((source, linked)) => {
                let slide = Slide::between(linked, file).map_err(|error| unfit(&error))?;
                // Moving takes a table, and validation needs it where it was.
                Some(slide.move_table(source.table()?))
            }
            None => None,
        };
        ranges
            .place(file, map.as_ref())
            .map_err(|error| unfit(&error))
    }
}

/// Whether lines are those of /proc/kallsyms, and not of a System.map: loaded modules, or nothing but zeroes, are not
/// in a map.
fn is_kallsyms(path: &Path, bytes: &[u8]) -> bool {
    path.starts_with("/proc")
        || memchr(b'\t', bytes).is_some()
        || SymbolTable::from_bytes(bytes).is_err()
}

/// The findings, the summary, and the verdict as the last line.
fn print(out: &mut Output, name: &str, report: &Report) -> io::Result<()> {
    for finding in &report.findings {
        writeln!(out, "{}", finding.line_diagnostic(name))?;
    }
    for &rule in Rule::ALL {
        let kept = report
            .findings
            .iter()
            .filter(|finding| finding.rule == rule);
        let more = report.count(rule) - kept.count();
        if more > 0 {
            writeln!(
                out,
                "{}[{rule}]: {more} more, see --limit\n",
                rule.severity()
            )?;
        }
    }

    let summary = &report.summary;
    let dialect = match report.format {
        Some(format) => format!("{} dialect", format.dialect),
        None => "no known dialect".into(),
    };
    let addresses = if summary.hidden { "hidden" } else { "shown" };
    writeln!(out, "{name}: {dialect}, addresses {addresses}")?;
    writeln!(out, "  lines            {:>8}", summary.lines)?;
    writeln!(out, "  core symbols     {:>8}", summary.core)?;
    writeln!(
        out,
        "  built-in symbols {:>8}  in {}; {} in more than one",
        summary.built_in,
        count(summary.built_in_modules, "module"),
        count(summary.shared, "symbol"),
    )?;
    writeln!(
        out,
        "  loaded symbols   {:>8}  in {}",
        summary.loaded,
        count(summary.loaded_modules, "module"),
    )?;
    writeln!(
        out,
        "  pseudo symbols   {:>8}  of bpf, ftrace and kprobes",
        summary.pseudo
    )?;
    if report
        .format
        .is_some_and(|format| format.dialect.has_sizes())
    {
        writeln!(
            out,
            "  sized symbols    {:>8}  {} bytes in all; {} where one reaches past the next",
            summary.sized,
            summary.size_sum,
            count(summary.overlaps, "place"),
        )?;
        writeln!(out, "  of size zero     {:>8}", summary.zero_size)?;
    }

    if let Some(slide) = report.slide {
        writeln!(
            out,
            "  moved by {:>#16x}  from where it was linked",
            slide.bytes()
        )?;
    }

    if report.given_up {
        writeln!(out, "  not read further, as no line was a symbol")?;
    }
    let errors = count(report.total(Severity::Error), "error");
    let warnings = match report.total(Severity::Warning) {
        0 => String::new(),
        warnings => format!(", {}", count(warnings, "warning")),
    };
    if report.is_valid() {
        out.painted(Role::Good, b"valid")?;
    } else {
        out.painted(Role::Bad, errors.as_bytes())?;
    }
    writeln!(out, "{warnings}")
}

const JSON: &str = "one object.
  file            its name
  valid           whether there is no error
  errors          how many
  warnings        how many
  dialect         sized, unsized, object or kallsyms; null where no line is well formed
  address_digits  8 or 16, or null
  given_up        whether the file was not read to its end, as no line was a symbol
  slide           by how much the kernel was moved from where a vmlinux or System.map has it, as
                  text, hexadecimal with 0x; null without one
  summary         what the file holds: lines, hidden (whether addresses are), core, built_in,
                  built_in_modules, loaded, loaded_modules, pseudo, shared, sized, zero_size,
                  size_sum, overlaps
  rules           how often each rule was broken, by its name
  findings        a list of what was found, of each rule --limit at most: rule, severity, line and
                  column from 1, offset in bytes from 0, message";

#[derive(Serialize)]
struct Json<'r> {
    file: &'r str,
    valid: bool,
    errors: usize,
    warnings: usize,
    dialect: Option<&'static str>,
    address_digits: Option<usize>,
    given_up: bool,
    slide: Option<Hex>,
    summary: SummaryJson,
    rules: BTreeMap<&'static str, usize>,
    findings: Vec<FindingJson<'r>>,
}

#[derive(Serialize)]
struct SummaryJson {
    lines: usize,
    hidden: bool,
    core: usize,
    built_in: usize,
    built_in_modules: usize,
    loaded: usize,
    loaded_modules: usize,
    pseudo: usize,
    shared: usize,
    sized: usize,
    zero_size: usize,
    size_sum: u64,
    overlaps: usize,
}

#[derive(Serialize)]
struct FindingJson<'r> {
    rule: &'static str,
    severity: &'static str,
    line: usize,
    column: usize,
    offset: usize,
    message: &'r str,
}

impl<'r> Json<'r> {
    fn new(file: &'r str, report: &'r Report) -> Self {
        let summary = &report.summary;
        let broken = Rule::ALL.iter().filter(|&&rule| report.count(rule) > 0);
        Self {
            file,
            valid: report.is_valid(),
            errors: report.total(Severity::Error),
            warnings: report.total(Severity::Warning),
            dialect: report.format.map(|format| format.dialect.name()),
            address_digits: report.format.map(|format| format.width.digits()),
            given_up: report.given_up,
            slide: report.slide.map(|slide| Hex(slide.bytes())),
            summary: SummaryJson {
                lines: summary.lines,
                hidden: summary.hidden,
                core: summary.core,
                built_in: summary.built_in,
                built_in_modules: summary.built_in_modules,
                loaded: summary.loaded,
                loaded_modules: summary.loaded_modules,
                pseudo: summary.pseudo,
                shared: summary.shared,
                sized: summary.sized,
                zero_size: summary.zero_size,
                size_sum: summary.size_sum,
                overlaps: summary.overlaps,
            },
            rules: broken
                .map(|&rule| (rule.name(), report.count(rule)))
                .collect(),
            findings: report
                .findings
                .iter()
                .map(|finding| FindingJson {
                    rule: finding.rule.name(),
                    severity: finding.rule.severity().name(),
                    line: finding.position.line,
                    column: finding.position.column,
                    offset: finding.position.offset,
                    message: &finding.message,
                })
                .collect(),
        }
    }
}
