// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Instruction counts beside those that were accepted.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// How far a count may be from the accepted one, in percent.
pub const TOLERANCE: f64 = 3.0;

/// Counts by bench, and the compiler that they hold for: another one makes other code of the same source.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counts {
    /// What `rustc --version` prints.
    pub rustc: String,
    /// `FUNCTION.ID` and how many instructions it takes.
    pub instructions: BTreeMap<String, u64>,
}

impl Counts {
    /// Reads what gungraun prints with `--output-format=json`: an object a line.
    ///
    /// # Errors
    ///
    /// If it is something else.
    pub fn from_gungraun(rustc: &str, output: &str) -> Result<Self> {
        let count = |line: &str| {
            let value: Value = serde_json::from_str(line)?;
            let name = |field: &str| value[field].as_str().with_context(|| format!("no {field}"));
            let new = value.pointer("/profiles/0/data/total/metrics/Ir/values/new");
            let new = new.and_then(Value::as_u64).context("no count")?;
            anyhow::Ok((format!("{}.{}", name("function_name")?, name("id")?), new))
        };
        let instructions = output
            .lines()
            .map(|line| count(line).with_context(|| format!("gungraun printed {line:.80}")))
            .collect::<Result<_>>()?;
        Ok(Self {
            rustc: rustc.into(),
            instructions,
        })
    }

    /// These counts beside those that were accepted, as KTAP, and whether all are close enough.
    ///
    /// Fewer instructions than accepted are no pass either: what was won is to be accepted, or it can be lost unseen.
    #[must_use]
    pub fn compare(&self, accepted: &Self, accept: &str) -> (String, bool) {
        let names: Vec<&String> = {
            let mut names: Vec<_> = self.instructions.keys().collect();
            let gone = accepted.instructions.keys();
            names.extend(gone.filter(|&name| !self.instructions.contains_key(name)));
            names
        };
        let mut text = format!("KTAP version 1\n1..{}\n", names.len());
        let mut all = true;
        for (index, name) in names.into_iter().enumerate() {
            let counts = [self, accepted].map(|counts| counts.instructions.get(name).copied());
            let (good, said) = match counts {
                [Some(now), Some(before)] => {
                    let change = percent(now, before);
                    let said = format!("{now} instructions, {change:+.2} % from {before}");
                    (change.abs() <= TOLERANCE, said)
                }
                [Some(now), None] => (false, format!("{now} instructions, none accepted yet")),
                [None, before] => (
                    false,
                    format!("was not run; {} accepted", before.unwrap_or(0)),
                ),
            };
            let result = if good { "ok" } else { "not ok" };
            let _ = writeln!(text, "{result} {} {name}: {said}", index + 1);
            all &= good;
        }
        if !all {
            let _ = writeln!(
                text,
                "# over {TOLERANCE} %; if that is as it should be: {accept}"
            );
        }
        (text, all)
    }
}

/// The change from one count to another.
#[expect(
    clippy::cast_precision_loss,
    reason = "counts are far below 2^52, and two digits are shown"
)]
fn percent(now: u64, before: u64) -> f64 {
    (now as f64 - before as f64) / before as f64 * 100.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(counts: &[(&str, u64)]) -> Counts {
        Counts {
            rustc: "rustc 1.2.3".into(),
            instructions: counts
                .iter()
                .map(|&(name, count)| (name.into(), count))
                .collect(),
        }
    }

    fn is_good(now: u64, before: u64) -> bool {
        let (_, good) =
            counts(&[("parse.sized", now)]).compare(&counts(&[("parse.sized", before)]), "x");
        good
    }

    #[test]
    fn three_percent_either_way_pass_and_no_more() {
        assert!(is_good(1000, 1000) && is_good(1030, 1000) && is_good(970, 1000));
        assert!(!is_good(1031, 1000) && !is_good(969, 1000));
        assert!(!is_good(1, 0), "nothing is no baseline");
    }

    #[test]
    fn both_numbers_and_the_way_out_are_shown() {
        let (text, good) = counts(&[("a", 100), ("b", 110)])
            .compare(&counts(&[("a", 100), ("b", 100)]), "accept it");
        assert!(!good);
        assert_eq!(
            text,
            "KTAP version 1\n1..2\n\
             ok 1 a: 100 instructions, +0.00 % from 100\n\
             not ok 2 b: 110 instructions, +10.00 % from 100\n\
             # over 3 %; if that is as it should be: accept it\n"
        );
    }

    #[test]
    fn benches_that_came_or_went_fail() {
        let (text, good) = counts(&[("new", 1)]).compare(&counts(&[("old", 2)]), "x");
        assert!(
            !good && text.contains("1..2") && text.matches("not ok").count() == 2,
            "{text}"
        );
    }

    #[test]
    fn what_gungraun_prints_is_read() {
        let line = r#"{"function_name":"parse","id":"sized","profiles":[{"data":{"total":{"metrics":{"Ir":{"values":{"new":7}}}}}}]}"#;
        let read = Counts::from_gungraun("rustc 1.2.3", &format!("{line}\n")).unwrap();
        assert_eq!(read, counts(&[("parse.sized", 7)]));
        let error = Counts::from_gungraun("", &line.replace("Ir", "Dr")).unwrap_err();
        assert!(format!("{error:#}").ends_with("no count"), "{error:#}");
        assert!(Counts::from_gungraun("", "error: no valgrind").is_err());
    }
}
