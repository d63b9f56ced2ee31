// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `e2e suite`: runs the suites, one beside the others where that is sooner, and adds up what they say.

use std::fmt;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use harness::ktap;

use crate::kbuild::read_text;
use crate::suites::CRATES;
use crate::tally::{Tally, cargo_test};

/// How a suite's output is read.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    Ktap,
    Cargo,
    /// One test; it passes if the command exits with 0.
    Plain,
}

/// A shell command, run at the top of the repository with the variables of `make -s where` set.
#[derive(Clone, Copy, Debug)]
pub struct Suite {
    pub name: &'static str,
    kind: Kind,
    command: &'static str,
    /// A shell test and what it means that it fails: the suite is skipped for this reason.
    needs: Option<(&'static str, &'static str)>,
    company: Company,
}

/// What runs at the same time. Most suites do one thing for a part of their time (link, download, run one test, boot), so
/// two processors have done two of them sooner than one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Company {
    /// One of those that are beside, if any.
    Any,
    /// Such suites run one after another, in their order, beside all others.
    Beside,
    /// None from here on: these measure time.
    Alone,
}

pub const fn ktap(name: &'static str, command: &'static str) -> Suite {
    Suite {
        name,
        kind: Kind::Ktap,
        command,
        needs: None,
        company: Company::Any,
    }
}

pub const fn cargo(name: &'static str, command: &'static str) -> Suite {
    Suite {
        name,
        kind: Kind::Cargo,
        command,
        needs: None,
        company: Company::Any,
    }
}

pub const fn plain(name: &'static str, command: &'static str) -> Suite {
    Suite {
        name,
        kind: Kind::Plain,
        command,
        needs: None,
        company: Company::Any,
    }
}

impl Suite {
    pub const fn needs(self, test: &'static str, otherwise: &'static str) -> Suite {
        Suite {
            needs: Some((test, otherwise)),
            ..self
        }
    }

    pub const fn beside(self) -> Suite {
        Suite {
            company: Company::Beside,
            ..self
        }
    }

    /// This suite and those after it.
    pub const fn alone(self) -> Suite {
        Suite {
            company: Company::Alone,
            ..self
        }
    }
}

/// Suites, most over one kernel. Their commands see `name` as LANE, and have it before theirs in the table.
#[derive(Clone, Copy, Debug)]
pub struct Lane {
    pub name: &'static str,
    pub suites: &'static [Suite],
}

/// No suite may take longer, the build of a kernel on a slow machine included. A guest that hangs is ended
/// earlier by qemu/boot.sh.
const LIMIT_SECONDS: u32 = 75 * 60;

/// Lines of its log that a failing suite shows.
const LINES_SHOWN: usize = 15;

/// Runs the suites whose names are in `only`, or all; true if nothing failed.
pub fn run(suites: &[Suite], root: &Path, only: &[String]) -> Result<bool> {
    let mut runner = Runner::new(root)?;
    let (beside, others): (Vec<&Suite>, Vec<&Suite>) = chosen(suites, |s| s.name, "suite", only)?
        .into_iter()
        .partition(|suite| suite.company == Company::Beside);
    // Of all, not of those that are chosen: a guest boots alone whether or not its kernel was asked for.
    let first = suites.iter().position(|s| s.company == Company::Alone);
    let last = &suites[first.unwrap_or(suites.len())..];
    let (alone, with): (Vec<&Suite>, Vec<&Suite>) = others
        .into_iter()
        .partition(|suite| last.iter().any(|s| s.name == suite.name));
    runner.run_beside(&beside, &with)?;
    for suite in alone {
        runner.run(suite, None)?;
    }
    Ok(runner.end())
}

/// The same with lanes.
pub fn run_lanes(lanes: &[Lane], root: &Path, only: &[String]) -> Result<bool> {
    let mut runner = Runner::new(root)?;
    for lane in chosen(lanes, |l| l.name, "lane", only)? {
        for suite in lane.suites {
            runner.run(suite, Some(lane.name))?;
        }
    }
    Ok(runner.end())
}

/// Those of `all` whose names are in `only`, or all.
fn chosen<'a, T>(
    all: &'a [T],
    name: impl Fn(&T) -> &str,
    what: &str,
    only: &[String],
) -> Result<Vec<&'a T>> {
    if let Some(unknown) = only.iter().find(|n| !all.iter().any(|t| name(t) == **n)) {
        let names: Vec<&str> = all.iter().map(name).collect();
        bail!(
            "no {what} is called {unknown}; there are {}",
            names.join(", ")
        );
    }
    let wanted = |t: &&T| only.is_empty() || only.iter().any(|n| n == name(t));
    Ok(all.iter().filter(wanted).collect())
}

/// Runs suites and keeps what came of them.
struct Runner<'a> {
    root: &'a Path,
    variables: Vec<(String, String)>,
    logs: PathBuf,
    results: Vec<Ran>,
}

/// A suite that ran.
struct Ran {
    name: String,
    tally: Tally,
    seconds: f64,
    /// The end of its log if it failed: where only the end of our output is kept, as in CI, it has to do.
    shown: String,
}

impl Ran {
    fn new(name: String, tally: Tally, seconds: f64, output: &str) -> Ran {
        let shown = match &tally.failures[..] {
            [] => String::new(),
            _ => end_of(output),
        };
        Ran {
            name,
            tally,
            seconds,
            shown,
        }
    }
}

impl fmt::Display for Ran {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<7} {:7.1} s", state(&self.tally), self.seconds)
    }
}

impl Runner<'_> {
    fn new(root: &Path) -> Result<Runner<'_>> {
        let mut variables = locations(root)?;
        let program = std::env::current_exe().context("cannot find this program")?;
        variables.push(("E2E".to_owned(), program.display().to_string()));
        variables.push(("CRATES".to_owned(), CRATES.to_owned()));
        let logs = root.join("build/test");
        fs::create_dir_all(&logs).with_context(|| format!("cannot make {}", logs.display()))?;
        Ok(Runner {
            root,
            variables,
            logs,
            results: Vec::new(),
        })
    }

    /// Runs `others`, and beside them those of `beside`, one after another. What became of those is printed at the end.
    fn run_beside(&mut self, beside: &[&Suite], others: &[&Suite]) -> Result<()> {
        let (root, logs, variables) = (self.root, self.logs.clone(), self.variables.clone());
        let (sender, results) = mpsc::channel();
        thread::scope(|scope| {
            scope.spawn(move || {
                for suite in beside {
                    let ran = ran(suite, suite.name, root, &logs, &variables);
                    // Nobody listens any more where another suite could not be run at all.
                    if sender.send(ran).is_err() {
                        break;
                    }
                }
            });
            for suite in others {
                self.run(suite, None)?;
            }
            for suite in beside {
                print!("{:<28} ", suite.name);
                std::io::stdout().flush()?;
                let ran = results.recv().expect("a suite fails and does not panic")?;
                println!("{ran}");
                self.results.push(ran);
            }
            Ok(())
        })
    }

    fn run(&mut self, suite: &Suite, lane: Option<&str>) -> Result<()> {
        let name = match lane {
            Some(lane) => format!("{lane}-{}", suite.name),
            None => suite.name.to_owned(),
        };
        print!("{name:<28} ");
        std::io::stdout().flush()?;
        let lane = lane.map(|lane| ("LANE".to_owned(), lane.to_owned()));
        let variables: Vec<_> = self.variables.iter().cloned().chain(lane).collect();
        let ran = ran(suite, &name, self.root, &self.logs, &variables)?;
        println!("{ran}");
        self.results.push(ran);
        Ok(())
    }

    /// Prints the summary; true if nothing failed.
    fn end(&self) -> bool {
        print!("{}", summary(&self.results));
        self.results.iter().all(|ran| ran.tally.failures.is_empty())
    }
}

/// The assignments that `make -s where` prints.
fn locations(root: &Path) -> Result<Vec<(String, String)>> {
    let output = Command::new("make")
        .args(["-s", "where"])
        .current_dir(root)
        .output()
        .context("cannot run make")?;
    if !output.status.success() {
        bail!(
            "`make -s where` failed in {}: {}",
            root.display(),
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.split_whitespace()
        .map(|word| {
            let (name, value) = word
                .split_once('=')
                .with_context(|| format!("`make -s where` printed {word:?}"))?;
            Ok((name.to_owned(), value.trim_matches(['\'', '"']).to_owned()))
        })
        .collect()
}

/// Runs a suite as `name` and keeps what came of it.
fn ran(
    suite: &Suite,
    name: &str,
    root: &Path,
    logs: &Path,
    variables: &[(String, String)],
) -> Result<Ran> {
    let start = Instant::now();
    let (tally, output) = run_one(suite, root, variables, &logs.join(format!("{name}.log")))?;
    let seconds = start.elapsed().as_secs_f64();
    Ok(Ran::new(name.to_owned(), tally, seconds, &output))
}

/// Runs a suite and returns what came of it, and its output, which is in the log as well.
fn run_one(
    suite: &Suite,
    root: &Path,
    variables: &[(String, String)],
    log: &Path,
) -> Result<(Tally, String)> {
    let shell = |command: &str| {
        let mut shell = Command::new("timeout");
        shell.args([
            "--foreground",
            "--kill-after=10",
            &LIMIT_SECONDS.to_string(),
        ]);
        shell.args(["bash", "-euo", "pipefail", "-c", command]);
        shell
            .envs(variables.iter().cloned())
            .current_dir(root)
            .stdin(Stdio::null());
        shell
    };
    if let Some((test, otherwise)) = suite.needs {
        let status = shell(test)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()?;
        if !status.success() {
            fs::write(log, format!("skipped: {otherwise}\n"))?;
            return Ok((Tally::skipped(otherwise), String::new()));
        }
    }
    let file = File::create(log).with_context(|| format!("cannot write {}", log.display()))?;
    let status = shell(suite.command)
        .stdout(file.try_clone()?)
        .stderr(file)
        .status()
        .context("cannot run bash")?;
    let ended = match status.code() {
        Some(0) => Ok(()),
        Some(124) => Err(format!("took longer than {LIMIT_SECONDS} s")),
        Some(code) => Err(format!("exited with {code}")),
        None => Err(format!("died: {status}")),
    };
    let output = read_text(log)?;
    Ok((judge(suite.kind, &output, ended), output))
}

/// The output and the exit must both be good; a bad exit is a failure even where every line of the output is.
fn judge(kind: Kind, output: &str, ended: Result<(), String>) -> Tally {
    let mut tally = match kind {
        Kind::Ktap => ktap::read(output).into(),
        Kind::Cargo => cargo_test(output),
        Kind::Plain if ended.is_ok() => Tally {
            passed: 1,
            ..Tally::default()
        },
        Kind::Plain => Tally::default(),
    };
    match ended {
        Err(how) if tally.failures.is_empty() => tally.failures.push(how),
        _ => {}
    }
    tally
}

/// The last lines of a log, marked as such.
fn end_of(log: &str) -> String {
    let lines: Vec<&str> = log.lines().collect();
    let last = &lines[lines.len().saturating_sub(LINES_SHOWN)..];
    last.iter().map(|line| format!("  | {line}\n")).collect()
}

fn state(tally: &Tally) -> &'static str {
    match tally {
        t if !t.failures.is_empty() => "FAILED",
        t if t.passed == 0 => "skipped",
        _ => "passed",
    }
}

/// The table of what ran, the reasons of what was skipped, the failures and the counts, which come last.
fn summary(results: &[Ran]) -> String {
    let mut text = format!(
        "\n{:<28} {:>7} {:>7} {:>7} {:>9}\n",
        "suite", "passed", "failed", "skipped", "seconds"
    );
    for ran in results {
        let (failed, skipped) = (ran.tally.failures.len(), ran.tally.skipped.len());
        text += &format!(
            "{:<28} {:>7} {failed:>7} {skipped:>7} {:>9.1}\n",
            ran.name, ran.tally.passed, ran.seconds
        );
    }
    for Ran { name, tally, .. } in results {
        for skip in &tally.skipped {
            text += &format!("skipped {name}: {skip}\n");
        }
    }
    for Ran {
        name, tally, shown, ..
    } in results
    {
        for failure in &tally.failures {
            text += &format!("FAILED  {name}: {failure} (see build/test/{name}.log)\n");
        }
        text += shown;
    }
    let sum = |count: fn(&Tally) -> usize| results.iter().map(|r| count(&r.tally)).sum::<usize>();
    let (passed, failed, skipped) = (
        sum(|t| t.passed),
        sum(|t| t.failures.len()),
        sum(|t| t.skipped.len()),
    );
    text + &format!("{passed} passed, {failed} failed, {skipped} skipped\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "KTAP version 1\n1..1\nok 1 a\n";

    #[test]
    fn a_good_output_with_a_bad_exit_fails() {
        let tally = judge(Kind::Ktap, GOOD, Err("exited with 1".to_owned()));
        assert_eq!(
            (tally.passed, tally.failures),
            (1, vec!["exited with 1".to_owned()])
        );
        assert!(judge(Kind::Ktap, GOOD, Ok(())).failures.is_empty());
        assert_eq!(judge(Kind::Plain, GOOD, Ok(())).passed, 1);
        assert_eq!(
            judge(Kind::Plain, GOOD, Err(String::new())).failures.len(),
            1
        );
        assert_eq!(judge(Kind::Cargo, GOOD, Ok(())).failures.len(), 1);
    }

    /// A repository of one Makefile, and suites that end in every way.
    fn repository() -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        fs::write(
            dir.path().join("Makefile"),
            "where:\n\t@echo KERNEL_BUILD=/k; echo RUN_DIR='build/run'\n",
        )
        .unwrap();
        dir
    }

    fn one(suite: Suite) -> Tally {
        let dir = repository();
        let variables = locations(dir.path()).unwrap();
        let (tally, _) = run_one(&suite, dir.path(), &variables, &dir.path().join("log")).unwrap();
        tally
    }

    #[test]
    fn suites_end_in_every_way() {
        assert_eq!(
            one(plain(
                "x",
                "test $KERNEL_BUILD = /k && test $RUN_DIR = build/run"
            ))
            .passed,
            1
        );
        assert_eq!(one(plain("x", "false | true")).failures, ["exited with 1"]);
        assert_eq!(
            one(ktap("x", "echo KTAP version 1; echo 1..1; echo ok 1 a")).passed,
            1
        );
        assert_eq!(
            one(ktap(
                "x",
                "echo KTAP version 1; echo 1..2; echo ok 1 a; kill -9 $$"
            ))
            .failures
            .len(),
            1
        );
        assert_eq!(
            one(ktap(
                "x",
                "echo KTAP version 1; echo 1..1; echo ok 1 a; kill -9 $$"
            ))
            .failures
            .len(),
            1
        );
        let skipped = one(plain("x", "false").needs("false", "no such thing"));
        assert_eq!(
            (skipped.failures.len(), skipped.skipped),
            (0, vec!["no such thing".to_owned()])
        );
    }

    #[test]
    fn an_unknown_name_is_refused() {
        let error = run(
            &[plain("a", "true")],
            repository().path(),
            &["b".to_owned()],
        )
        .unwrap_err();
        assert!(error.to_string().contains('b'), "{error}");
    }

    #[test]
    fn everything_is_run_and_a_failure_is_one() {
        let dir = repository();
        let suites = [plain("bad", "echo oops; false"), plain("good", "touch ran")];
        assert!(!run(&suites, dir.path(), &[]).unwrap());
        assert!(
            dir.path().join("ran").exists(),
            "a failure does not end the run"
        );
        assert_eq!(
            fs::read_to_string(dir.path().join("build/test/bad.log")).unwrap(),
            "oops\n"
        );
        assert!(run(&suites, dir.path(), &["good".to_owned()]).unwrap());
    }

    #[test]
    fn one_beside_the_others_and_none_beside_those_alone() {
        const MEET: &str =
            "for i in $(seq 100); do test ! -f $OTHER || exit 0; sleep 0.1; done; false";
        let dir = repository();
        let meet = |mine: &str, other: &str, more: u32| -> &'static str {
            format!("touch {mine}; OTHER={other}; ({MEET}); touch {mine}-met; sleep {more}; touch {mine}-ended").leak()
        };
        let suites = [
            plain("a", meet("a", "b", 0)),
            plain("b", meet("b", "a", 2)).beside(),
            plain("c", "test -f b-ended && touch c-ended").beside(),
            plain("d", "test -f a-met -a -f b-met -a -f c-ended").alone(),
        ];
        assert!(run(&suites, dir.path(), &[]).unwrap());
        assert!(run(&suites, dir.path(), &["c".to_owned(), "d".to_owned()]).unwrap());
    }

    #[test]
    fn a_lane_is_suites_that_see_its_name() {
        let dir = repository();
        const SUITES: &[Suite] = &[plain("a", "echo $LANE >>ran"), plain("b", "test $LANE = x")];
        let lanes = ["x", "y"].map(|name| Lane {
            name,
            suites: SUITES,
        });
        assert!(!run_lanes(&lanes, dir.path(), &[]).unwrap(), "y fails");
        assert!(run_lanes(&lanes, dir.path(), &["x".to_owned()]).unwrap());
        assert_eq!(
            fs::read_to_string(dir.path().join("ran")).unwrap(),
            "x\ny\nx\n"
        );
        assert!(dir.path().join("build/test/y-b.log").exists());
        assert!(run_lanes(&lanes, dir.path(), &["z".to_owned()]).is_err());
    }

    #[test]
    fn the_end_of_a_log() {
        assert_eq!(end_of("a\nb\n"), "  | a\n  | b\n");
        assert_eq!(end_of(&"x\n".repeat(100)).lines().count(), LINES_SHOWN);
        assert_eq!(end_of(""), "");
    }

    #[test]
    fn the_counts_come_last() {
        let ran = |name: &str, tally| {
            Ran::new(name.to_owned(), tally, 1.0, &format!("the end of {name}\n"))
        };
        let results = [
            ran(
                "a",
                Tally {
                    passed: 3,
                    failures: vec!["x".into()],
                    skipped: vec!["y: no qemu".into()],
                },
            ),
            ran(
                "b",
                Tally {
                    passed: 4,
                    ..Tally::default()
                },
            ),
        ];
        let text = summary(&results);
        assert!(
            text.ends_with("\n7 passed, 1 failed, 1 skipped\n"),
            "{text}"
        );
        assert!(
            text.contains("FAILED  a: x") && text.contains("skipped a: y: no qemu"),
            "{text}"
        );
        assert!(text.contains("the end of a\n7 passed"), "{text}");
        assert!(!text.contains("the end of b"), "{text}");
    }
}
