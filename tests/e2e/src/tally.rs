// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What a suite's output adds up to.

use harness::ktap::Report;

/// Counts of single tests. Whatever keeps a result from being trusted (a plan not fulfilled, a crash) is a
/// failure too, named in `failures`.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub passed: usize,
    pub failures: Vec<String>,
    pub skipped: Vec<String>,
}

impl Tally {
    pub fn skipped(text: impl Into<String>) -> Tally {
        Tally {
            skipped: vec![text.into()],
            ..Tally::default()
        }
    }
}

impl From<Report> for Tally {
    fn from(report: Report) -> Tally {
        Tally {
            passed: report.passed,
            failures: report.failures(),
            skipped: report.skipped,
        }
    }
}

/// Reads what `cargo test` prints: a `test result:` line for each test binary.
pub fn cargo_test(output: &str) -> Tally {
    let mut tally = Tally::default();
    let (mut results, mut failed, mut ignored) = (0, 0, 0);
    for line in output.lines() {
        if let Some(counts) = line.trim_start().strip_prefix("test result: ") {
            let count = |what: &str| {
                let (before, _) = counts.split_once(what)?;
                before
                    .rsplit([' ', ';'])
                    .find(|w| !w.is_empty())?
                    .parse::<usize>()
                    .ok()
            };
            let (Some(passed), Some(bad), Some(left)) =
                (count(" passed"), count(" failed"), count(" ignored"))
            else {
                tally
                    .failures
                    .push(format!("cannot read the line `{line}`"));
                continue;
            };
            results += 1;
            tally.passed += passed;
            failed += bad;
            ignored += left;
        } else if let Some(rest) = line.strip_prefix("test ") {
            match rest.split_once(" ... ") {
                Some((name, "FAILED")) => tally.failures.push(name.to_owned()),
                Some((name, how)) if how.starts_with("ignored") => {
                    tally.skipped.push(format!("{name}: {how}"))
                }
                _ => {}
            }
        }
    }
    // Names come from other lines than counts; a test that prints may garble its name.
    let unnamed = |known: usize, count: usize, what: &str| {
        (known..count)
            .map(|_| format!("a test {what}, its name is garbled"))
            .collect::<Vec<_>>()
    };
    tally
        .failures
        .extend(unnamed(tally.failures.len(), failed, "failed"));
    tally
        .skipped
        .extend(unnamed(tally.skipped.len(), ignored, "was ignored"));
    if results == 0 {
        tally
            .failures
            .push("no `test result:` line: nothing ran".to_owned());
    }
    tally
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_over_test_binaries() {
        let output = "\
running 3 tests
test a::works ... ok
test a::breaks ... FAILED
test a::slow ... ignored, takes an hour

test result: FAILED. 1 passed; 1 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s

   Doc-tests x
test result: ok. 12 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s
";
        let tally = cargo_test(output);
        assert_eq!(tally.passed, 13);
        assert_eq!(tally.failures, ["a::breaks"]);
        assert_eq!(tally.skipped, ["a::slow: ignored, takes an hour"]);
    }

    #[test]
    fn a_count_without_a_name_still_counts() {
        let tally = cargo_test(
            "test result: FAILED. 0 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out\n",
        );
        assert_eq!(tally.failures.len(), 2);
    }

    #[test]
    fn nothing_ran_is_a_failure() {
        assert_eq!(
            cargo_test("error: could not compile `x`\n").failures.len(),
            1
        );
        assert_eq!(cargo_test("").failures.len(), 1);
        assert!(!cargo_test("test result: ok. what?\n").failures.is_empty());
    }
}
