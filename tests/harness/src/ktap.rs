// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Reads KTAP, as `Documentation/dev-tools/ktap.rst` has it, and TAP 13, which kselftests print.
//!
//! Tests nest by indentation: the results of a test's own subtests stand, indented, before its result.
//!
//! ```text
//! KTAP version 1
//! 1..2
//! ok 1 load
//!   1..2
//!   ok 1 read
//!   not ok 2 seek
//! not ok 2 kselftest
//! # exit 1
//! ```

/// The results in one KTAP text.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Tests without subtests that passed.
    pub passed: usize,
    /// The same that failed.
    pub failed: usize,
    /// The same that were skipped.
    pub skipped: usize,
    /// What is wrong: every failure, and every way in which the text is not whole.
    pub complaints: Vec<String>,
    /// The number in the line `# exit N`, which must be the last.
    pub exit: Option<u32>,
}

/// The tests at one indentation between two results of the level above.
#[derive(Default)]
struct Level {
    indent: usize,
    planned: Option<usize>,
    seen: usize,
}

impl Level {
    fn check(&self, report: &mut Report) {
        match self.planned {
            None => report.complaints.push(format!("{} results and no plan (a line 1..N)", self.seen)),
            Some(n) if n != self.seen => report.complaints.push(format!("plan of {n} tests, {} results", self.seen)),
            Some(_) => {}
        }
    }
}

/// Splits `ok 3 - name # SKIP why` behind its `ok` into number, name and directive.
fn split_result(rest: &str) -> (Option<usize>, &str, Option<&str>) {
    let (text, directive) = match rest.split_once('#') {
        Some((text, directive)) => (text, Some(directive.trim())),
        None => (rest, None),
    };
    let text = text.trim();
    let (number, name) = text.split_once(' ').unwrap_or((text, ""));
    (number.parse().ok(), name.trim_start_matches("- ").trim(), directive)
}

/// Reads a whole text.
#[must_use]
pub fn read(text: &str) -> Report {
    let mut report = Report::default();
    let mut levels: Vec<Level> = Vec::new();

    for line in text.lines() {
        let body = line.trim_start_matches(' ');
        let indent = line.len() - body.len();
        if !body.is_empty() {
            report.exit = line.strip_prefix("# exit ").and_then(|n| n.parse().ok());
        }
        let (ok, rest) = if let Some(rest) = body.strip_prefix("ok ") {
            (true, rest)
        } else if let Some(rest) = body.strip_prefix("not ok ") {
            (false, rest)
        } else if let Some(plan) = body.strip_prefix("1..") {
            let number = plan.split_whitespace().next().and_then(|n| n.parse().ok());
            if number.is_none() {
                report.complaints.push(format!("\"{body}\" is no plan"));
            }
            // A second plan at one level is another subtest's, whose parent's result never came.
            let level = level_at(&mut levels, indent, &mut report);
            if level.planned.is_some() {
                report.complaints.push(format!("a second plan, \"{body}\""));
            }
            level_at(&mut levels, indent, &mut report).planned = number;
            continue;
        } else {
            if body.starts_with("Bail out!") {
                report.complaints.push(body.to_owned());
            }
            continue;
        };

        let parent = levels.last().is_some_and(|level| level.indent > indent);
        let level = level_at(&mut levels, indent, &mut report);
        level.seen += 1;
        let seen = level.seen;
        let (number, name, directive) = split_result(rest);
        if number != Some(seen) {
            report.complaints.push(format!("\"{body}\" where result {seen} was due"));
        }
        let skipped = directive.is_some_and(|d| d.get(..4).is_some_and(|d| d.eq_ignore_ascii_case("skip")));
        if !ok {
            report.complaints.push(format!("failed: {name}"));
        }
        if !parent {
            let count = match (ok, skipped) {
                (false, _) => &mut report.failed,
                (true, true) => &mut report.skipped,
                (true, false) => &mut report.passed,
            };
            *count += 1;
        }
    }
    if levels.is_empty() {
        report.complaints.push("no test".to_owned());
    }
    while let Some(level) = levels.pop() {
        if level.indent > 0 {
            report.complaints.push("subtests whose parent has no result".to_owned());
        }
        level.check(&mut report);
    }
    report
}

/// The level at `indent`; levels further in are over, and are checked.
fn level_at<'a>(levels: &'a mut Vec<Level>, indent: usize, report: &mut Report) -> &'a mut Level {
    while let Some(level) = levels.pop_if(|level| level.indent > indent) {
        level.check(report);
    }
    if levels.last().is_none_or(|level| level.indent < indent) {
        levels.push(Level { indent, ..Level::default() });
    }
    let last = levels.len() - 1;
    &mut levels[last]
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &str = "\
KTAP version 1
1..3
ok 1 load
# a note
  TAP version 13
  1..3
  ok 1 read
  ok 2 seek # SKIP no file
  # Totals: pass:1
  ok 3 write
ok 2 kselftest
ok 3 - done
# exit 0
";

    #[test]
    fn whole() {
        let want = Report { passed: 4, skipped: 1, exit: Some(0), ..Report::default() };
        assert_eq!(read(WHOLE), want);
    }

    /// Every line that matters is missed when it is missing.
    #[test]
    fn each_missing_line_is_noticed() {
        for gone in 0..WHOLE.lines().count() {
            let text: String =
                WHOLE.lines().enumerate().filter(|&(i, _)| i != gone).map(|(_, line)| format!("{line}\n")).collect();
            let line = WHOLE.lines().nth(gone).unwrap();
            let matters = ["ok", "1..", "# exit"].iter().any(|start| line.trim_start().starts_with(start));
            let report = read(&text);
            assert_eq!(matters, !report.complaints.is_empty() || report.exit.is_none(), "without {line:?}: {report:?}");
        }
    }

    /// A text cut short at any line is not whole.
    #[test]
    fn each_cut_is_noticed() {
        for lines in 0..WHOLE.lines().count() {
            let text: String = WHOLE.lines().take(lines).map(|line| format!("{line}\n")).collect();
            assert_eq!(read(&text).exit, None, "{text}");
        }
    }

    fn complaints(text: &str) -> Vec<String> {
        read(text).complaints
    }

    #[test]
    fn failures() {
        assert_eq!(complaints("1..1\nnot ok 1 seek # took 3 s\n"), ["failed: seek"]);
        let nested = read("1..1\n  1..1\n  not ok 1 deep\nok 1 top\n");
        assert_eq!((nested.failed, nested.passed), (1, 0));
        assert_eq!(nested.complaints, ["failed: deep"]);
        assert_eq!(complaints("1..1\nok 1 a\nBail out! no file\n"), ["Bail out! no file"]);
    }

    #[test]
    fn plans() {
        assert_eq!(complaints("1..3\nok 1 a\n"), ["plan of 3 tests, 1 results"]);
        assert_eq!(complaints("1..1\nok 1 a\nok 2 b\n"), ["plan of 1 tests, 2 results"]);
        assert_eq!(complaints("ok 1 a\n"), ["1 results and no plan (a line 1..N)"]);
        assert_eq!(complaints("1..2\nok 1 a\nok 3 c\n"), ["\"ok 3 c\" where result 2 was due"]);
        assert_eq!(complaints("1..x\n"), ["\"1..x\" is no plan", "0 results and no plan (a line 1..N)"]);
        assert_eq!(complaints("1..1\n1..1\nok 1 a\n"), ["a second plan, \"1..1\""]);
        assert_eq!(complaints(""), ["no test"]);
    }

    /// A kselftest that cannot run prints an empty plan, and its parent's result says why.
    #[test]
    fn skipped_as_a_whole() {
        let report = read("1..1\n  TAP version 13\n  1..0 # SKIP no file\nok 1 t # SKIP no file\n# exit 0\n");
        assert_eq!(report.complaints, [""; 0]);
        assert_eq!(report.exit, Some(0));
    }

    #[test]
    fn exit_must_come_last() {
        assert_eq!(read("1..1\nok 1 a\n# exit 0\n").exit, Some(0));
        assert_eq!(read("1..2\nok 1 a\n# exit 0\nok 2 b\n").exit, None);
        assert_eq!(read("1..1\nok 1 a\n# exit \n").exit, None);
    }
}
