// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A reader of KTAP, the kernel's test format (Documentation/dev-tools/ktap.rst).
//!
//! Only tests without subtests count; a parent repeats what its subtests said. Stricter than the document in
//! one point, for a verdict must not rest on half an output: the outermost results need a plan.

use crate::tally::Tally;

/// Results under one version line.
struct Level {
    indent: usize,
    plan: Option<usize>,
    count: usize,
    /// Failures already recorded when the level began.
    failures_before: usize,
}

struct Parser {
    levels: Vec<Level>,
    tally: Tally,
    documents: usize,
}

/// Adds up the results in `output`. Several documents may follow one another.
pub fn parse(output: &str) -> Tally {
    let mut parser = Parser {
        levels: Vec::new(),
        tally: Tally::default(),
        documents: 0,
    };
    for (index, line) in output.lines().enumerate() {
        parser.line(index + 1, line);
    }
    while parser.levels.len() > 1 {
        parser.close_orphan("the end");
    }
    parser.close_document();
    if parser.documents == 0 && parser.tally.failures.is_empty() {
        parser
            .tally
            .failures
            .push("no KTAP version line: nothing ran".to_owned());
    }
    parser.tally
}

/// `ok 3 - name # SKIP why`, taken apart.
#[derive(Debug, PartialEq, Eq)]
struct TestLine<'a> {
    ok: bool,
    number: usize,
    name: &'a str,
    directive: &'a str,
    reason: &'a str,
}

fn test_line(text: &str) -> Option<TestLine<'_>> {
    let (ok, rest) = match text.strip_prefix("not ok ") {
        Some(rest) => (false, rest),
        None => (true, text.strip_prefix("ok ")?),
    };
    let (number, rest) = rest.split_once(' ').unwrap_or((rest, ""));
    let number = number.parse().ok()?;
    let (name, comment) = rest.split_once('#').unwrap_or((rest, ""));
    let name = name.trim();
    let (directive, reason) = comment
        .trim()
        .split_once(' ')
        .unwrap_or((comment.trim(), ""));
    Some(TestLine {
        ok,
        number,
        name: name.strip_prefix("- ").unwrap_or(name),
        directive,
        reason: reason.trim(),
    })
}

fn is_version(text: &str) -> bool {
    let number = text
        .strip_prefix("KTAP version ")
        .or_else(|| text.strip_prefix("TAP version "));
    number.is_some_and(|n| n.trim_end().parse::<u32>().is_ok())
}

/// `1..N`, and whether `# SKIP` follows with its reason.
fn plan_line(text: &str) -> Option<(usize, Option<&str>)> {
    let (count, comment) = text
        .strip_prefix("1..")?
        .split_once('#')
        .map_or((&text[3..], None), |(n, c)| (n, Some(c)));
    let skip = comment
        .and_then(|c| c.trim().strip_prefix("SKIP"))
        .map(str::trim);
    Some((count.trim().parse().ok()?, skip))
}

impl Parser {
    fn line(&mut self, number: usize, line: &str) {
        let text = line.trim_start_matches(' ');
        let indent = line.len() - text.len();
        if is_version(text) {
            self.version(number, indent);
        } else if let Some((count, skip)) = plan_line(text) {
            self.plan(number, indent, count, skip);
        } else if let Some(test) = test_line(text) {
            self.test(number, indent, &test);
        } else if let Some(why) = text.strip_prefix("Bail out!") {
            self.tally
                .failures
                .push(format!("line {number}: bailed out:{why}"));
        }
        // Everything else is a diagnostic or unknown line, which the format allows anywhere.
    }

    fn version(&mut self, number: usize, indent: usize) {
        // Results at this depth or deeper were not closed by the line of their parent.
        while self.levels.len() > 1 && self.levels.last().is_some_and(|l| l.indent >= indent) {
            self.close_orphan(&format!("line {number}"));
        }
        if self.levels.first().is_some_and(|l| l.indent >= indent) {
            self.close_document();
        }
        if self.levels.is_empty() {
            self.documents += 1;
        }
        let failures_before = self.tally.failures.len();
        self.levels.push(Level {
            indent,
            plan: None,
            count: 0,
            failures_before,
        });
    }

    fn plan(&mut self, number: usize, indent: usize, count: usize, skip: Option<&str>) {
        let Some(level) = self.levels.last_mut().filter(|l| l.indent == indent) else {
            return;
        };
        if level.plan.replace(count).is_some() {
            self.tally
                .failures
                .push(format!("line {number}: a second plan"));
            return;
        }
        match (count, skip) {
            (0, Some(why)) => {
                self.tally.skipped.push(format!("all tests: {why}"));
            }
            (0, None) => self
                .tally
                .failures
                .push(format!("line {number}: a plan of no tests")),
            _ => {}
        }
    }

    fn test(&mut self, number: usize, indent: usize, test: &TestLine) {
        let mut failed_below = None;
        while self.levels.len() > 1 && self.levels.last().is_some_and(|l| l.indent > indent) {
            let parent = &self.levels[self.levels.len() - 2];
            if parent.indent < indent {
                break;
            }
            if parent.indent == indent {
                failed_below = Some(self.close_subtests(test.name));
            } else {
                self.close_orphan(&format!("line {number}"));
            }
        }
        let Some(level) = self.levels.last_mut().filter(|l| l.indent == indent) else {
            self.tally.failures.push(format!(
                "line {number}: result `{}` without a version line above",
                test.name
            ));
            return;
        };
        level.count += 1;
        if test.number != level.count {
            self.tally.failures.push(format!(
                "line {number}: expected test {}, found {}",
                level.count, test.number
            ));
            level.count = test.number.max(level.count);
        }
        let name = || {
            if test.name.is_empty() {
                format!("test {}", test.number)
            } else {
                test.name.to_owned()
            }
        };
        match (test.directive.to_ascii_uppercase().as_str(), failed_below) {
            // What failed below counts already.
            (_, Some(true)) => {}
            ("SKIP" | "TODO" | "XFAIL", None) => {
                self.tally.skipped.push(
                    format!("{}: {} {}", name(), test.directive, test.reason)
                        .trim_end()
                        .to_owned(),
                );
            }
            ("SKIP" | "TODO" | "XFAIL", Some(false)) => {}
            _ if !test.ok => {
                let why = format!("{}: {} {}", name(), test.directive, test.reason);
                self.tally
                    .failures
                    .push(why.trim_end().trim_end_matches(':').to_owned());
            }
            (_, None) => self.tally.passed += 1,
            (_, Some(false)) => {}
        }
    }

    /// Ends the innermost results at the line of their parent; true if any of them failed.
    fn close_subtests(&mut self, parent: &str) -> bool {
        let Some(level) = self.levels.pop() else {
            return false;
        };
        if let Some(plan) = level.plan.filter(|&plan| plan != level.count) {
            self.tally.failures.push(format!(
                "{parent}: {} subtests, the plan was {plan}",
                level.count
            ));
        }
        self.tally.failures.len() > level.failures_before
    }

    /// Ends results whose parent never reported.
    fn close_orphan(&mut self, at: &str) {
        if let Some(level) = self.levels.pop() {
            self.tally.failures.push(format!(
                "{at}: {} subtests without the result of their parent",
                level.count
            ));
        }
    }

    fn close_document(&mut self) {
        let Some(level) = self.levels.pop() else {
            return;
        };
        match level.plan {
            None => self
                .tally
                .failures
                .push(format!("no plan, {} results", level.count)),
            Some(plan) if plan != level.count => {
                self.tally.failures.push(format!(
                    "plan not fulfilled: {} results of {plan}",
                    level.count
                ));
            }
            Some(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(output: &str) -> (usize, usize, usize) {
        let tally = parse(output);
        (tally.passed, tally.failures.len(), tally.skipped.len())
    }

    #[test]
    fn flat_results() {
        let tally =
            parse("KTAP version 1\n1..3\nok 1 a\nnot ok 2 - b\nok 3 c # SKIP no such device\n");
        assert_eq!(tally.passed, 1);
        assert_eq!(tally.failures, ["b"]);
        assert_eq!(tally.skipped, ["c: SKIP no such device"]);
    }

    /// The long example of ktap.rst.
    #[test]
    fn the_documents_own_example() {
        let tally = parse(
            "KTAP version 1\n1..1\n  KTAP version 1\n  1..3\n    KTAP version 1\n    1..1\n    # test_1: initializing\n    \
             ok 1 test_1\n  ok 1 example_test_1\n    KTAP version 1\n    1..2\n    ok 1 test_1 # SKIP test_1 skipped\n    \
             ok 2 test_2\n  ok 2 example_test_2\n    KTAP version 1\n    1..3\n    ok 1 test_1\n    # test_2: FAIL\n    \
             not ok 2 test_2\n    ok 3 test_3 # SKIP test_3 skipped\n  not ok 3 example_test_3\nnot ok 1 main_test\n",
        );
        assert_eq!((tally.passed, tally.skipped.len()), (3, 2));
        assert_eq!(tally.failures, ["test_2"]);
    }

    /// KUnit indents by four and puts a Subtest line between version and plan.
    #[test]
    fn kunit() {
        let output = "KTAP version 1\n1..1\n    KTAP version 1\n    # Subtest: rust_doctests_kernel\n    1..2\n    \
             # a.location: rust/kernel/a.rs:1\n    ok 1 a\n    ok 2 b\n# totals: pass:2\nok 1 rust_doctests_kernel\n";
        assert_eq!(counts(output), (2, 0, 0));
    }

    #[test]
    fn unknown_lines_change_nothing() {
        let output = "booting\nTAP version 13\nok, then\n1..2\n[ 1.0] not ok here\nok 1 a\n# not ok 2 comment\nok 2\n1..x\n";
        assert_eq!(counts(output), (2, 0, 0));
    }

    #[test]
    fn half_an_output_fails() {
        assert_eq!(counts("KTAP version 1\n1..3\nok 1 a\nok 2 b\n"), (2, 1, 0));
        assert_eq!(
            counts("KTAP version 1\n1..1\nok 1 a\nok 2 b\n"),
            (2, 1, 0),
            "more than planned"
        );
        assert_eq!(counts("KTAP version 1\n1..2\n"), (0, 1, 0));
        assert_eq!(counts("KTAP version 1\nok 1 a\n"), (1, 1, 0), "no plan");
        assert_eq!(counts("KTAP version 1\n"), (0, 1, 0));
        assert_eq!(counts(""), (0, 1, 0));
        assert_eq!(counts("Kernel panic - not syncing\n"), (0, 1, 0));
    }

    #[test]
    fn half_a_nested_output_fails() {
        let cut = "KTAP version 1\n1..1\n  KTAP version 1\n  1..2\n  ok 1 a\n";
        assert_eq!(
            counts(cut),
            (1, 2, 0),
            "subtests without parent, and the outer plan"
        );
        let short = format!("{cut}ok 1 parent\n");
        assert_eq!(counts(&short), (1, 1, 0), "the nested plan");
    }

    #[test]
    fn wrong_numbers_fail() {
        assert_eq!(
            counts("KTAP version 1\n1..2\nok 1 a\nok 3 c\n").1,
            2,
            "the number, and the plan"
        );
        assert_eq!(counts("KTAP version 1\n1..2\nok 1 a\nok 1 b\n"), (2, 1, 0));
    }

    #[test]
    fn results_without_a_version_line_fail() {
        assert_eq!(counts("ok 1 a\n"), (0, 1, 0));
        assert_eq!(
            counts("KTAP version 1\n1..1\n    not ok 1 hidden\nok 1 a\n"),
            (1, 1, 0)
        );
    }

    #[test]
    fn a_parent_that_fails_alone_is_a_failure() {
        let output = "KTAP version 1\n1..1\n  KTAP version 1\n  1..1\n  ok 1 a\nnot ok 1 parent\n";
        assert_eq!(parse(output).failures, ["parent"]);
    }

    #[test]
    fn a_parent_cannot_hide_a_failure() {
        for parent in ["ok 1 parent", "ok 1 parent # SKIP really"] {
            let output =
                format!("KTAP version 1\n1..1\n  KTAP version 1\n  1..1\n  not ok 1 a\n{parent}\n");
            assert_eq!(parse(&output).failures, ["a"]);
        }
    }

    #[test]
    fn directives() {
        let output = "KTAP version 1\n1..6\nnot ok 1 a # SKIP\nnot ok 2 b # TODO later\nok 3 c # XFAIL known\n\
             not ok 4 d # TIMEOUT 30 seconds\nok 5 e # rcode=0\nnot ok 6 f # ERROR no memory\n";
        let tally = parse(output);
        assert_eq!(tally.passed, 1);
        assert_eq!(
            tally.skipped,
            ["a: SKIP", "b: TODO later", "c: XFAIL known"]
        );
        assert_eq!(
            tally.failures,
            ["d: TIMEOUT 30 seconds", "f: ERROR no memory"]
        );
    }

    #[test]
    fn plans_of_nothing() {
        assert_eq!(
            counts("TAP version 13\n1..0 # SKIP no /proc/kallmodsyms\n"),
            (0, 0, 1)
        );
        assert_eq!(counts("TAP version 13\n1..0\n").1, 1);
        assert_eq!(
            counts("KTAP version 1\n1..1\n1..1\nok 1 a\n").1,
            1,
            "a second plan"
        );
    }

    #[test]
    fn several_documents() {
        let one = "KTAP version 1\n1..1\nok 1 a\n";
        assert_eq!(counts(&one.repeat(2)), (2, 0, 0));
        assert_eq!(
            counts(&format!("KTAP version 1\n1..2\nok 1 a\n{one}")),
            (2, 1, 0)
        );
    }

    #[test]
    fn bail_out_fails() {
        assert_eq!(
            counts("KTAP version 1\n1..1\nok 1 a\nBail out! no vmlinux\n"),
            (1, 1, 0)
        );
    }

    #[test]
    fn lines_are_taken_apart() {
        let line = test_line("not ok 12 - a name # TIMEOUT 30 s").unwrap();
        let expected = TestLine {
            ok: false,
            number: 12,
            name: "a name",
            directive: "TIMEOUT",
            reason: "30 s",
        };
        assert_eq!(line, expected);
        assert_eq!(test_line("ok 1").unwrap().name, "");
        assert_eq!(test_line("ok"), None);
        assert_eq!(test_line("okay 1"), None);
        assert_eq!(test_line("ok then 1"), None);
    }
}
