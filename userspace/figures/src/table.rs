// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Rows of what was measured, beside what is wanted.

use std::collections::BTreeSet;
use std::fmt::Write as _;

/// How a number is read, and from where on it is good enough.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Target {
    /// At least.
    Least(f64),
    /// At most.
    Most(f64),
    /// Nothing is asked; the number tells.
    Any,
}

/// What a row comes to.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// A number that is compared with a target, and how it and the target are shown.
    Figure(f64, Target, fn(f64) -> String),
    /// It could not be measured, for this reason.
    Skipped(String),
}

/// One line of the table.
#[derive(Clone, Debug)]
pub struct Row {
    /// What was done.
    pub work: String,
    /// What it took us.
    pub ours: String,
    /// Who else did it, and what it took them; empty where the target is a number of its own.
    pub peer: String,
    /// The number that counts.
    pub outcome: Outcome,
}

const TITLES: [&str; 6] = ["work", "ours", "peer", "figure", "target", "result"];

impl Row {
    fn cells(&self) -> [String; 6] {
        let (figure, target, result) = match &self.outcome {
            Outcome::Skipped(_) => (String::new(), String::new(), "SKIP".into()),
            &Outcome::Figure(figure, target, show) => {
                let (wanted, result) = match target {
                    Target::Least(least) => (
                        format!("at least {}", show(least)),
                        verdict(figure >= least),
                    ),
                    Target::Most(most) => {
                        (format!("at most {}", show(most)), verdict(figure <= most))
                    }
                    Target::Any => (String::new(), ""),
                };
                (show(figure), wanted, result.into())
            }
        };
        [
            self.work.clone(),
            self.ours.clone(),
            self.peer.clone(),
            figure,
            target,
            result,
        ]
    }
}

fn verdict(good: bool) -> &'static str {
    if good { "met" } else { "MISSED" }
}

/// Rows as a table that reads well as it is and as Markdown.
#[must_use]
pub fn render(rows: &[Row]) -> String {
    let mut lines = vec![TITLES.map(ToOwned::to_owned)];
    lines.extend(rows.iter().map(Row::cells));
    let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max();
    let widths: [usize; 6] = std::array::from_fn(|column| width(column).unwrap_or(0));
    let mut text = String::new();
    for (index, line) in lines.iter().enumerate() {
        for (cell, width) in line.iter().zip(widths) {
            let _ = write!(text, "| {cell:width$} ");
        }
        text += "|\n";
        if index == 0 {
            for width in widths {
                let _ = write!(text, "|{}", "-".repeat(width + 2));
            }
            text += "|\n";
        }
    }
    text
}

/// Why rows were skipped, each reason once.
#[must_use]
pub fn reasons(rows: &[Row]) -> BTreeSet<String> {
    let reason = |row: &Row| match &row.outcome {
        Outcome::Skipped(reason) => Some(format!("SKIP: {reason}")),
        Outcome::Figure(..) => None,
    };
    rows.iter().filter_map(reason).collect()
}

/// How many rows met their target, missed it and were skipped.
#[must_use]
pub fn count(rows: &[Row]) -> String {
    let of = |start: &str| {
        let results = rows.iter().map(|row| row.cells()[5].clone());
        results.filter(|result| result.starts_with(start)).count()
    };
    format!(
        "{} met, {} missed, {} skipped",
        of("met"),
        of("MISSED"),
        of("SKIP")
    )
}

/// Nanoseconds, in the unit that fits them.
#[must_use]
pub fn time(nanoseconds: f64) -> String {
    match nanoseconds {
        ..1e3 => format!("{nanoseconds:.1} ns"),
        ..1e6 => format!("{:.2} µs", nanoseconds / 1e3),
        _ => format!("{:.2} ms", nanoseconds / 1e6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(figure: f64) -> String {
        format!("{figure:.1}x")
    }

    fn row(outcome: Outcome) -> Row {
        Row {
            work: "parse".into(),
            ours: "2 ms".into(),
            peer: String::new(),
            outcome,
        }
    }

    #[test]
    fn figures_are_judged() {
        let result =
            |figure, target| row(Outcome::Figure(figure, target, times)).cells()[5].clone();
        assert_eq!(result(7.0, Target::Least(7.0)), "met");
        assert_eq!(result(6.9, Target::Least(7.0)), "MISSED");
        assert_eq!(result(1.2, Target::Most(1.1)), "MISSED");
        assert_eq!(result(1.1, Target::Most(1.1)), "met");
        assert_eq!(result(1.2, Target::Any), "");
    }

    #[test]
    fn a_table() {
        let rows = [
            row(Outcome::Figure(3.0, Target::Least(2.5), times)),
            row(Outcome::Skipped("no perf".into())),
        ];
        assert_eq!(
            render(&rows),
            "| work  | ours | peer | figure | target        | result |\n\
             |-------|------|------|--------|---------------|--------|\n\
             | parse | 2 ms |      | 3.0x   | at least 2.5x | met    |\n\
             | parse | 2 ms |      |        |               | SKIP   |\n"
        );
        assert!(reasons(&rows).into_iter().eq(["SKIP: no perf"]));
        assert_eq!(count(&rows), "1 met, 0 missed, 1 skipped");
    }

    #[test]
    fn times_have_fitting_units() {
        assert_eq!(time(38.04), "38.0 ns");
        assert_eq!(time(12_000.0), "12.00 µs");
        assert_eq!(time(2_510_000.0), "2.51 ms");
    }
}
