// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Reads KTAP, as `Documentation/dev-tools/ktap.rst` has it, and TAP 13, which kselftests print.
//!
//! Tests nest by indentation: the results of a test's own subtests stand, indented, before its result. Only tests without
//! subtests are counted, for a parent repeats what its subtests said.
//!
//! ```text
//! KTAP version 1
//! 1..2
//! ok 1 load
//!   TAP version 13
//!   1..2
//!   ok 1 read
//!   not ok 2 seek
//! not ok 2 kselftest
//! # exit 1
//! ```
//!
//! Stricter than the document in one point, because no verdict may rest on half a text: results need a plan, the `1..2`.
//! In return the version line may be missing.

use std::{fmt, mem};

/// What one KTAP text says. Several documents may follow one another in it.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// How many tests passed.
    pub passed: usize,
    /// The tests that were skipped, with the reasons.
    pub skipped: Vec<String>,
    /// What is wrong, in the order of the text.
    pub complaints: Vec<Complaint>,
    /// The number in the line `# exit N`, which must be the last.
    pub exit: Option<u32>,
}

/// A failure, or a way in which the text is not whole.
#[derive(Debug, PartialEq, Eq)]
pub enum Complaint {
    /// A test failed; what its line says behind a `#` is how.
    Failed { name: String, how: String },
    /// A test failed because of what other complaints say: its subtests failed, or the results around it have no plan.
    AlsoFailed { name: String },
    /// Lines are missing, or not what they should be.
    Broken(String),
}

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed { name, .. } | Self::AlsoFailed { name } => write!(f, "failed: {name}"),
            Self::Broken(text) => f.write_str(text),
        }
    }
}

impl Report {
    /// How many tests failed.
    #[must_use]
    pub fn failed(&self) -> usize {
        self.complaints.iter().filter(|complaint| matches!(complaint, Complaint::Failed { .. })).count()
    }

    /// Everything that a count of failures has to contain, each once. What is missing counts like a test that failed.
    #[must_use]
    pub fn failures(&self) -> Vec<String> {
        let text = |complaint: &Complaint| match complaint {
            Complaint::Failed { name, how } => Some(with_comment(name, how)),
            Complaint::AlsoFailed { .. } => None,
            Complaint::Broken(text) => Some(text.clone()),
        };
        self.complaints.iter().filter_map(text).collect()
    }
}

/// Reads a whole text.
#[must_use]
pub fn read(text: &str) -> Report {
    let mut reader = Reader::default();
    for line in text.lines() {
        reader.line(line);
    }
    if reader.levels.is_empty() {
        reader.complain("no test".to_owned());
    }
    reader.end_from(0);
    reader.report
}

/// `ok 3 - name # SKIP why`, taken apart.
#[derive(Debug, PartialEq, Eq)]
struct TestLine<'a> {
    ok: bool,
    number: usize,
    name: &'a str,
    comment: &'a str,
}

impl TestLine<'_> {
    fn parse(body: &str) -> Option<TestLine<'_>> {
        let (ok, rest) = match body.strip_prefix("not ok ") {
            Some(rest) => (false, rest),
            None => (true, body.strip_prefix("ok ")?),
        };
        let (rest, comment) = split_comment(rest);
        let (number, name) = rest.split_once(' ').unwrap_or((rest, ""));
        let name = name.trim_start();
        Some(TestLine { ok, number: number.parse().ok()?, name: name.strip_prefix("- ").unwrap_or(name), comment })
    }

    fn name(&self) -> String {
        if self.name.is_empty() { format!("test {}", self.number) } else { self.name.to_owned() }
    }

    /// Such a result says nothing, whether it is "ok" or "not ok".
    fn skipped(&self) -> bool {
        let (directive, _) = split_word(self.comment);
        ["SKIP", "TODO", "XFAIL"].iter().any(|word| directive.eq_ignore_ascii_case(word))
    }
}

fn split_comment(text: &str) -> (&str, &str) {
    let (text, comment) = text.split_once('#').unwrap_or((text, ""));
    (text.trim(), comment.trim())
}

fn split_word(text: &str) -> (&str, &str) {
    let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
    (word, rest.trim())
}

fn with_comment(name: &str, comment: &str) -> String {
    if comment.is_empty() { name.to_owned() } else { format!("{name}: {comment}") }
}

fn is_version(body: &str) -> bool {
    let number = body.strip_prefix("KTAP version ").or_else(|| body.strip_prefix("TAP version "));
    number.is_some_and(|n| n.trim_end().parse::<u32>().is_ok())
}

/// The results at one indentation, up to the result of their parent.
#[derive(Default)]
struct Level {
    indent: usize,
    /// A version line or a plan came before the results; without, they are strays.
    opened: bool,
    plan: Option<usize>,
    results: usize,
    /// The number in the last result.
    number: usize,
    /// Complaints there were when the level began.
    complaints_before: usize,
}

#[derive(Default)]
struct Reader {
    /// Those that are not over, the innermost last.
    levels: Vec<Level>,
    report: Report,
}

impl Reader {
    fn line(&mut self, line: &str) {
        let body = line.trim_start_matches(' ');
        let indent = line.len() - body.len();
        if !body.trim().is_empty() {
            self.report.exit = line.strip_prefix("# exit ").and_then(|n| n.parse().ok());
        }
        if is_version(body) {
            self.version(indent);
        } else if body.starts_with("1..") {
            self.plan(body, indent);
        } else if let Some(test) = TestLine::parse(body) {
            self.result(body, indent, &test);
        } else if body.starts_with("Bail out!") {
            self.complain(body.to_owned());
        }
        // Everything else is a diagnostic or unknown line, which the format allows anywhere.
    }

    fn version(&mut self, indent: usize) {
        self.end_from(indent);
        self.level_at(indent, true);
    }

    fn plan(&mut self, body: &str, indent: usize) {
        let (count, comment) = split_comment(&body["1..".len()..]);
        let count = count.parse().ok();
        if count.is_none() {
            // An unknown line like any other, unless the plan is due here.
            if self.levels.last().is_some_and(|level| level.indent != indent || level.plan.is_some()) {
                return;
            }
            self.complain(format!("\"{body}\" is no plan"));
        }
        self.end_from(indent + 1);
        if self.levels.last().is_some_and(|level| !level.opened) {
            self.end_from(indent);
        }
        // A second plan at one level is another subtest's, whose parent's result never came.
        if mem::replace(&mut self.level_at(indent, true).plan, count).is_some() {
            self.complain(format!("a second plan, \"{body}\""));
        } else if count == Some(0) {
            match split_word(comment) {
                (skip, why) if skip.eq_ignore_ascii_case("skip") => self.report.skipped.push(format!("all tests: {why}")),
                _ => self.complain(format!("\"{body}\" is a plan of no test")),
            }
        }
    }

    fn result(&mut self, body: &str, indent: usize, test: &TestLine<'_>) {
        let mut inner = self.take_from(indent + 1);
        let subtests = inner.next_back();
        inner.for_each(|level| self.end(&level));
        let trouble_below = subtests.and_then(|subtests| {
            self.check_plan(&subtests, &format!("{}: ", test.name()));
            subtests.opened.then_some(self.report.complaints.len() > subtests.complaints_before)
        });
        let level = self.level_at(indent, false);
        level.results += 1;
        let due = level.number.saturating_add(1);
        level.number = test.number;
        let stray = !level.opened;
        if !stray && test.number != due {
            self.complain(format!("\"{body}\" where result {due} was due"));
        }

        let failed = !test.ok && !test.skipped();
        if stray || trouble_below == Some(true) {
            if failed {
                self.report.complaints.push(Complaint::AlsoFailed { name: test.name() });
            }
        } else if failed {
            self.report.complaints.push(Complaint::Failed { name: test.name(), how: test.comment.to_owned() });
        } else if trouble_below.is_none() {
            if test.skipped() {
                self.report.skipped.push(with_comment(&test.name(), test.comment));
            } else {
                self.report.passed += 1;
            }
        }
    }

    fn complain(&mut self, text: String) {
        self.report.complaints.push(Complaint::Broken(text));
    }

    /// The innermost level, which is begun if none at `indent` goes on; those further in have ended.
    fn level_at(&mut self, indent: usize, opened: bool) -> &mut Level {
        if self.levels.last().is_none_or(|level| level.indent < indent) {
            let complaints_before = self.report.complaints.len();
            self.levels.push(Level { indent, opened, complaints_before, ..Level::default() });
        }
        let last = self.levels.len() - 1;
        &mut self.levels[last]
    }

    /// The levels at `indent` and further in, the innermost first.
    fn take_from(&mut self, indent: usize) -> impl DoubleEndedIterator<Item = Level> + use<> {
        self.levels.split_off(self.levels.partition_point(|level| level.indent < indent)).into_iter().rev()
    }

    fn end_from(&mut self, indent: usize) {
        for level in self.take_from(indent) {
            self.end(&level);
        }
    }

    /// Ends a level that no result of a parent ends.
    fn end(&mut self, level: &Level) {
        if level.indent > 0 {
            self.complain(format!("{} subtests whose parent has no result", level.results));
        } else {
            self.check_plan(level, "");
        }
    }

    fn check_plan(&mut self, level: &Level, whose: &str) {
        let results = level.results;
        match level.plan {
            None => self.complain(format!("{whose}{results} results and no plan (a line 1..N)")),
            Some(n) if n != results => self.complain(format!("{whose}plan of {n} tests, {results} results")),
            Some(_) => {}
        }
    }
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
        let want = Report { passed: 4, skipped: vec!["seek: SKIP no file".to_owned()], exit: Some(0), ..Report::default() };
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
        read(text).complaints.iter().map(Complaint::to_string).collect()
    }

    #[test]
    fn failures() {
        assert_eq!(complaints("1..1\nnot ok 1 seek # took 3 s\n"), ["failed: seek"]);
        let nested = read("1..1\n  1..1\n  not ok 1 deep\nok 1 top\n");
        assert_eq!((nested.failed(), nested.passed), (1, 0));
        assert_eq!(nested.failures(), ["deep"]);
        assert_eq!(complaints("1..1\n  1..1\n  not ok 1 deep\nnot ok 1 top\n"), ["failed: deep", "failed: top"]);
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
        assert_eq!(complaints("1..1\n  1..2\n  ok 1 a\nok 1 top\n"), ["top: plan of 2 tests, 1 results"]);
        assert_eq!(complaints("ok 1 a\n1..1\n"), ["1 results and no plan (a line 1..N)", "plan of 1 tests, 0 results"]);
    }

    /// Whose parents have no result is told once a level, from the inside out.
    #[test]
    fn orphans() {
        let orphan = "1 subtests whose parent has no result";
        let deep = "1..1\n  1..1\n    1..1\n    ok 1 a\n";
        assert_eq!(complaints(deep), [orphan, &orphan.replace('1', "0"), "plan of 1 tests, 0 results"]);
        assert_eq!(complaints(&format!("{deep}ok 1 top\n")), [orphan, "top: plan of 1 tests, 0 results"]);
        assert_eq!(complaints("1..1\n  1..1\n  ok 1 a\n1..1\nok 1 b\n"), [orphan, "a second plan, \"1..1\""]);
    }

    /// A kselftest that cannot run prints an empty plan, and its parent's result says why.
    #[test]
    fn skipped_as_a_whole() {
        let report = read("1..1\n  TAP version 13\n  1..0 # SKIP no file\nok 1 t # SKIP no file\n# exit 0\n");
        assert_eq!(report.complaints, []);
        assert_eq!(report.exit, Some(0));
    }

    #[test]
    fn exit_must_come_last() {
        assert_eq!(read("1..1\nok 1 a\n# exit 0\n").exit, Some(0));
        assert_eq!(read("1..2\nok 1 a\n# exit 0\nok 2 b\n").exit, None);
        assert_eq!(read("1..1\nok 1 a\n# exit \n").exit, None);
    }

    fn counts(output: &str) -> (usize, usize, usize) {
        let report = read(output);
        (report.passed, report.failures().len(), report.skipped.len())
    }

    #[test]
    fn flat_results() {
        let report = read("KTAP version 1\n1..3\nok 1 a\nnot ok 2 - b\nok 3 c # SKIP no such device\n");
        assert_eq!(report.passed, 1);
        assert_eq!(report.failures(), ["b"]);
        assert_eq!(report.skipped, ["c: SKIP no such device"]);
    }

    /// The long example of ktap.rst.
    #[test]
    fn the_documents_own_example() {
        let report = read(
            "KTAP version 1\n1..1\n  KTAP version 1\n  1..3\n    KTAP version 1\n    1..1\n    # test_1: initializing\n    \
             ok 1 test_1\n  ok 1 example_test_1\n    KTAP version 1\n    1..2\n    ok 1 test_1 # SKIP test_1 skipped\n    \
             ok 2 test_2\n  ok 2 example_test_2\n    KTAP version 1\n    1..3\n    ok 1 test_1\n    # test_2: FAIL\n    \
             not ok 2 test_2\n    ok 3 test_3 # SKIP test_3 skipped\n  not ok 3 example_test_3\nnot ok 1 main_test\n",
        );
        assert_eq!((report.passed, report.skipped.len()), (3, 2));
        assert_eq!(report.failures(), ["test_2"]);
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
        assert_eq!(counts("KTAP version 1\n  1..x\n1..1\nok 1 a\n"), (1, 0, 0));
    }

    #[test]
    fn half_an_output_fails() {
        assert_eq!(counts("KTAP version 1\n1..3\nok 1 a\nok 2 b\n"), (2, 1, 0));
        assert_eq!(counts("KTAP version 1\n1..1\nok 1 a\nok 2 b\n"), (2, 1, 0), "more than planned");
        assert_eq!(counts("KTAP version 1\n1..2\n"), (0, 1, 0));
        assert_eq!(counts("KTAP version 1\nok 1 a\n"), (1, 1, 0), "no plan");
        assert_eq!(counts("KTAP version 1\n"), (0, 1, 0));
        assert_eq!(counts(""), (0, 1, 0));
        assert_eq!(counts("Kernel panic - not syncing\n"), (0, 1, 0));
    }

    #[test]
    fn half_a_nested_output_fails() {
        let cut = "KTAP version 1\n1..1\n  KTAP version 1\n  1..2\n  ok 1 a\n";
        assert_eq!(counts(cut), (1, 2, 0), "subtests without parent, and the outer plan");
        let short = format!("{cut}ok 1 parent\n");
        assert_eq!(counts(&short), (1, 1, 0), "the nested plan");
    }

    #[test]
    fn wrong_numbers_fail() {
        assert_eq!(counts("KTAP version 1\n1..2\nok 1 a\nok 3 c\n"), (2, 1, 0));
        assert_eq!(counts("KTAP version 1\n1..4\nok 1 a\nok 3 c\nok 4 d\n"), (3, 2, 0), "the first, and the plan");
        assert_eq!(counts("KTAP version 1\n1..2\nok 1 a\nok 1 b\n"), (2, 1, 0));
    }

    #[test]
    fn results_without_a_version_line_fail() {
        assert_eq!(counts("ok 1 a\n"), (0, 1, 0));
        let stray = "KTAP version 1\n1..1\n    not ok 1 hidden\nok 1 a\n";
        assert_eq!(counts(stray), (1, 1, 0));
        assert_eq!(complaints(stray), ["failed: hidden", "a: 1 results and no plan (a line 1..N)"]);
    }

    #[test]
    fn a_parent_that_fails_alone_is_a_failure() {
        let output = "KTAP version 1\n1..1\n  KTAP version 1\n  1..1\n  ok 1 a\nnot ok 1 parent\n";
        assert_eq!(read(output).failures(), ["parent"]);
    }

    #[test]
    fn a_parent_cannot_hide_a_failure() {
        for parent in ["ok 1 parent", "ok 1 parent # SKIP really"] {
            let output = format!("KTAP version 1\n1..1\n  KTAP version 1\n  1..1\n  not ok 1 a\n{parent}\n");
            assert_eq!(read(&output).failures(), ["a"]);
        }
    }

    #[test]
    fn directives() {
        let output = "KTAP version 1\n1..6\nnot ok 1 a # SKIP\nnot ok 2 b # TODO later\nok 3 c # XFAIL known\n\
             not ok 4 d # TIMEOUT 30 seconds\nok 5 e # rcode=0\nnot ok 6 f # ERROR no memory\n";
        let report = read(output);
        assert_eq!(report.passed, 1);
        assert_eq!(report.skipped, ["a: SKIP", "b: TODO later", "c: XFAIL known"]);
        assert_eq!(report.failures(), ["d: TIMEOUT 30 seconds", "f: ERROR no memory"]);
    }

    #[test]
    fn plans_of_nothing() {
        assert_eq!(counts("TAP version 13\n1..0 # SKIP no /proc/kallmodsyms\n"), (0, 0, 1));
        assert_eq!(counts("TAP version 13\n1..0\n").1, 1);
        assert_eq!(counts("KTAP version 1\n1..1\n1..1\nok 1 a\n").1, 1, "a second plan");
    }

    #[test]
    fn several_documents() {
        let one = "KTAP version 1\n1..1\nok 1 a\n";
        assert_eq!(counts(&one.repeat(2)), (2, 0, 0));
        assert_eq!(counts(&format!("KTAP version 1\n1..2\nok 1 a\n{one}")), (2, 1, 0));
    }

    #[test]
    fn bail_out_fails() {
        assert_eq!(counts("KTAP version 1\n1..1\nok 1 a\nBail out! no vmlinux\n"), (1, 1, 0));
    }

    #[test]
    fn lines_are_taken_apart() {
        let line = TestLine::parse("not ok 12 - a name # TIMEOUT 30 s").unwrap();
        let expected = TestLine { ok: false, number: 12, name: "a name", comment: "TIMEOUT 30 s" };
        assert_eq!(line, expected);
        assert_eq!(TestLine::parse("ok 1").unwrap().name, "");
        assert_eq!(TestLine::parse("ok"), None);
        assert_eq!(TestLine::parse("okay 1"), None);
        assert_eq!(TestLine::parse("ok then 1"), None);
    }
}
