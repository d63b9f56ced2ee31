// SPDX-License-Identifier: Apache-2.0 OR MIT

//! `kallmodsyms validate`: the rules of the library over one file, or two, for people and for programs.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::PathBuf;

use anyhow::ensure;
use clap::Args;
use clap::builder::PossibleValuesParser;
use clap::builder::TypedValueParser;
use kallmodsyms::Dialect;
use kallmodsyms::validate::{Report, Rule, Severity, Validation};
use serde::Serialize;

use crate::input::{self, Source};
use crate::number::count;
use crate::output::{Output, Role};
use crate::{Status, help};

const EXAMPLES: &str = "\
  kallmodsyms validate                                    # the running kernel
  kallmodsyms validate --against /proc/kallsyms           # the same, and that the two files agree
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
    /// Also compare with this copy of /proc/kallsyms of the same boot, read by the same user
    #[arg(long, value_name = "KALLSYMS")]
    against: Option<PathBuf>,
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
    PossibleValuesParser::new(Dialect::ALL.map(Dialect::name)).map(|name| {
        let found = Dialect::ALL
            .into_iter()
            .find(|dialect| dialect.name() == name);
        found.expect("clap lets only the names of dialects through")
    })
}

impl Arguments {
    pub(crate) fn run(&self, out: &mut Output) -> anyhow::Result<Status> {
        let path = self.file.as_deref().unwrap_or(input::running_kernel());
        ensure!(
            self.against.as_deref() != Some(path),
            "--against names the same file, {}: name a copy of /proc/kallsyms",
            input::name(path),
        );
        let source = Source::read(path)?;
        ensure!(
            !source.is_elf(),
            "expected lines of symbols in {}, found an ELF file: name a copy of /proc/kallmodsyms",
            source.name,
        );
        let Source { name, bytes } = source;
        let kallsyms = self.against.as_deref().map(Source::read).transpose()?;

        let mut validation = Validation::new(&bytes).keep(self.limit);
        if let Some(kallsyms) = &kallsyms {
            validation = validation.against(&kallsyms.bytes);
        }
        if let Some(dialect) = self.dialect {
            validation = validation.dialect(dialect);
        }
        let report = validation.run();

        if self.json {
            out.pretty_json(&Json::new(&name, &report))?;
        } else {
            print(out, &name, &bytes, &report)?;
        }
        Ok(Status::good_if(report.is_valid()))
    }
}

/// The findings, the summary, and the verdict as the last line.
fn print(out: &mut Output, name: &str, source: &[u8], report: &Report) -> io::Result<()> {
    for finding in &report.findings {
        writeln!(out, "{}", finding.diagnostic(name, source))?;
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
  summary         what the file holds: lines, hidden (whether addresses are), core, built_in, built_in_modules, loaded,
                  loaded_modules, pseudo, shared, sized, zero_size, size_sum, overlaps
  rules           how often each rule was broken, by its name
  findings        a list of what was found, of each rule --limit at most: rule, severity, line and column from 1,
                  offset in bytes from 0, message";

#[derive(Serialize)]
struct Json<'r> {
    file: &'r str,
    valid: bool,
    errors: usize,
    warnings: usize,
    dialect: Option<&'static str>,
    address_digits: Option<usize>,
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
