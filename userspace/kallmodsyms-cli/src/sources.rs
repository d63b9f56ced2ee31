// SPDX-License-Identifier: Apache-2.0 OR MIT

//! `kallmodsyms sources`: where the symbols of the running kernel come from, what is missing, and why.

use std::io::Write;

use clap::Args;
use kallmodsyms::source::{Attempt, Lack, Outcome};
use serde::Serialize;

use crate::input::Choice;
use crate::output::{Output, Role};
use crate::{Status, help, number};

const EXAMPLES: &str = "\
  kallmodsyms sources                       # which files were used, and what would help
  kallmodsyms sources --root /host          # from a container that sees its host there
  kallmodsyms sources --json";

const STATUS: &str =
    "0 if nothing is missing, 1 if something is, 2 for wrong usage or if there are no symbols";

const JSON: &str = "one object.
  release   of the kernel, as uname -r prints it, or null
  symbols   how many there are
  missing   a list: what (modules, left-out, sections, sizes, loaded-sizes), text
  files     a list of files that were looked at: part (what for: symbols, modules, anchors,
            sizes), path, outcome (used, no-help, absent, failed), text";

/// Print where the symbols of the running kernel, or of an installed one, come from, what is missing, and why
#[derive(Args)]
#[command(
    after_help = help::text(EXAMPLES, STATUS),
    after_long_help = help::with_json(EXAMPLES, STATUS, JSON),
)]
pub(crate) struct Arguments {
    #[command(flatten)]
    kernel: Choice,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Json<'r> {
    release: Option<&'r str>,
    symbols: usize,
    missing: Vec<Missing>,
    files: Vec<Looked>,
}

#[derive(Serialize)]
struct Missing {
    what: &'static str,
    text: String,
}

impl From<&Lack> for Missing {
    fn from(lack: &Lack) -> Self {
        Self {
            what: lack.name(),
            text: lack.to_string(),
        }
    }
}

#[derive(Serialize)]
struct Looked {
    part: &'static str,
    path: String,
    outcome: &'static str,
    text: String,
}

impl From<&Attempt> for Looked {
    fn from(attempt: &Attempt) -> Self {
        Self {
            part: attempt.part.name(),
            path: attempt.path.to_string_lossy().into_owned(),
            outcome: attempt.outcome.name(),
            text: attempt.to_string().trim_end().into(),
        }
    }
}

impl Arguments {
    pub(crate) fn run(&self, out: &mut Output) -> anyhow::Result<Status> {
        let kernel = self.kernel.kernel()?;
        let report = kernel.report();
        if self.json {
            out.pretty_json(&Json {
                release: report.release(),
                symbols: kernel.table().len(),
                missing: report.lacks().iter().map(Into::into).collect(),
                files: report.attempts().iter().map(Into::into).collect(),
            })?;
            return Ok(Status::good_if(report.lacks().is_empty()));
        }

        let release = report.release().unwrap_or("of unknown release");
        let symbols = number::count(kernel.table().len(), "symbol");
        writeln!(out, "Linux {release}: {symbols}")?;
        for lack in report.lacks() {
            out.painted(Role::Bad, b"missing")?;
            writeln!(out, ": {lack}")?;
        }
        for attempt in report.attempts() {
            let (role, word) = match attempt.outcome {
                Outcome::Used => (Role::Good, "used"),
                _ => (Role::Address, "not used"),
            };
            out.painted(role, word.as_bytes())?;
            writeln!(out, ": {}", attempt.to_string().trim_end())?;
        }
        Ok(Status::good_if(report.lacks().is_empty()))
    }
}
