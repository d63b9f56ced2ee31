// SPDX-License-Identifier: Apache-2.0 OR MIT

//! `kallmodsyms validate`: the rules of the library over one file, or two, for people and for programs.

use std::io::{self, BufWriter, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::ensure;
use clap::Args;
use clap::builder::PossibleValuesParser;
use clap::builder::TypedValueParser;
use kallmodsyms::Dialect;
use kallmodsyms::validate::{Report, Rule, Severity, Validation};
use serde_json::{Map, Value, json};

use crate::input;

const EXAMPLES: &str = "\
Examples:
  kallmodsyms validate                                    the running kernel
  kallmodsyms validate --against /proc/kallsyms           the same, and that the two files agree
  kallmodsyms validate saved --dialect sized --json       a saved copy, for a program

Exit status: 0 if there is no error, 1 if there is one, 2 for wrong usage or an unreadable file.";

/// Check a whole file against the format's grammar and guarantees
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// The file to check, `-` for standard input
    #[arg(default_value = input::LIVE)]
    file: PathBuf,
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
    pub(crate) fn run(&self) -> anyhow::Result<ExitCode> {
        ensure!(
            self.against.as_ref() != Some(&self.file),
            "--against names the same file, {}: name a copy of /proc/kallsyms",
            input::name(&self.file),
        );
        let source = input::read(&self.file)?;
        let kallsyms = self.against.as_deref().map(input::read).transpose()?;

        let mut validation = Validation::new(&source).keep(self.limit);
        if let Some(kallsyms) = &kallsyms {
            validation = validation.against(kallsyms);
        }
        if let Some(dialect) = self.dialect {
            validation = validation.dialect(dialect);
        }
        let report = validation.run();

        let name = input::name(&self.file);
        let mut out = BufWriter::new(io::stdout().lock());
        if self.json {
            serde_json::to_writer_pretty(&mut out, &as_json(&name, &report))
                .map_err(io::Error::from)?;
            writeln!(out)?;
        } else {
            print(&mut out, &name, &source, &report)?;
        }
        out.flush()?;
        Ok(ExitCode::from(u8::from(!report.is_valid())))
    }
}

/// The findings, the summary, and the verdict as the last line.
fn print(out: &mut impl Write, name: &str, source: &[u8], report: &Report) -> io::Result<()> {
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
    let verdict = if report.is_valid() { "valid" } else { &errors };
    writeln!(out, "{verdict}{warnings}")
}

/// A number of things.
fn count(count: usize, thing: &str) -> String {
    format!("{count} {thing}{}", if count == 1 { "" } else { "s" })
}

fn as_json(name: &str, report: &Report) -> Value {
    let summary = &report.summary;
    let counts: Map<String, Value> = Rule::ALL
        .iter()
        .filter(|&&rule| report.count(rule) > 0)
        .map(|&rule| (rule.name().into(), report.count(rule).into()))
        .collect();
    let findings: Vec<Value> = report
        .findings
        .iter()
        .map(|finding| {
            json!({
                "rule": finding.rule.name(),
                "severity": finding.rule.severity().name(),
                "line": finding.position.line,
                "column": finding.position.column,
                "offset": finding.position.offset,
                "message": finding.message,
            })
        })
        .collect();
    json!({
        "file": name,
        "valid": report.is_valid(),
        "errors": report.total(Severity::Error),
        "warnings": report.total(Severity::Warning),
        "dialect": report.format.map(|format| format.dialect.name()),
        "address_digits": report.format.map(|format| format.width.digits()),
        "summary": {
            "lines": summary.lines,
            "hidden": summary.hidden,
            "core": summary.core,
            "built_in": summary.built_in,
            "built_in_modules": summary.built_in_modules,
            "loaded": summary.loaded,
            "loaded_modules": summary.loaded_modules,
            "pseudo": summary.pseudo,
            "shared": summary.shared,
            "sized": summary.sized,
            "zero_size": summary.zero_size,
            "size_sum": summary.size_sum,
            "overlaps": summary.overlaps,
        },
        "rules": counts,
        "findings": findings,
    })
}
