// SPDX-License-Identifier: Apache-2.0 OR MIT
//! KTAP output: what a check found, printed a line a check.

use std::fmt::Display;

use anyhow::Result;

/// How many differing symbols a failing check shows.
const SHOWN: usize = 10;

/// What one check has to say. It fails if it has any difference.
#[derive(Default)]
pub struct Findings {
    notes: Vec<String>,
    shown: Vec<String>,
    differences: usize,
}

impl Findings {
    /// A figure worth seeing in a passing run too.
    pub fn note(&mut self, text: impl Display) {
        self.notes.push(text.to_string());
    }

    pub fn differs(&mut self, text: impl Display) {
        self.differences += 1;
        if self.shown.len() < SHOWN {
            self.shown.push(text.to_string());
        }
    }

    pub fn expect(&mut self, holds: bool, text: impl Display) {
        if !holds {
            self.differs(text);
        }
    }

    #[cfg(test)]
    pub fn failed(&self) -> bool {
        self.differences > 0
    }
}

pub enum Outcome {
    Ran(Findings),
    Skipped(String),
}

/// Prints one test result; true unless it failed.
pub fn print(number: usize, name: &str, outcome: &Result<Outcome>) -> bool {
    let diagnostics = |f: &Findings| {
        for line in f.notes.iter().chain(&f.shown).flat_map(|text| text.lines()) {
            println!("# {name}: {line}");
        }
    };
    match outcome {
        Ok(Outcome::Skipped(why)) => println!("ok {number} {name} # SKIP {why}"),
        Ok(Outcome::Ran(f)) if f.differences == 0 => {
            diagnostics(f);
            println!("ok {number} {name}");
        }
        Ok(Outcome::Ran(f)) => {
            diagnostics(f);
            let more = f.differences - f.shown.len();
            if more > 0 {
                println!("# {name}: and {more} more");
            }
            println!("not ok {number} {name}");
        }
        Err(error) => {
            println!("# {name}: {}", format!("{error:#}").replace('\n', " "));
            println!("not ok {number} {name}");
        }
    }
    matches!(outcome, Ok(Outcome::Skipped(_)))
        || matches!(outcome, Ok(Outcome::Ran(f)) if f.differences == 0)
}
