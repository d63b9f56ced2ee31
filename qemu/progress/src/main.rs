// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Runs a kernel build with all its output in a log file, and says how far it is:
//! a bar on a terminal, a plain line every 15 seconds elsewhere.
//!
//! kbuild prints one line per target (`  CC      kernel/fork.o`), but cannot say how
//! many there will be. The caller can: it knows how many the last whole build printed,
//! and from the `.cmd` files that each target leaves, which share is there already.
//!
//! The build writes to the log itself, with no pipe in between: when Ctrl-C reaches the
//! whole process group, make removes its half-made targets whatever becomes of us.

use std::fs::File;
use std::io::{IsTerminal, Read};
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};

#[derive(Parser)]
#[command(about)]
struct Args {
    /// What is built, as the reader knows it
    #[arg(long)]
    label: String,
    /// File that takes the build's whole output
    #[arg(long)]
    log: PathBuf,
    /// Targets that a whole build makes; 0 when nobody knows
    #[arg(long, default_value_t = 0)]
    expect: u64,
    /// Targets that an earlier build has made already
    #[arg(long, default_value_t = 0)]
    done: u64,
    /// The command and its arguments
    #[arg(last = true, required = true)]
    command: Vec<String>,
}

const POLL: Duration = Duration::from_millis(200);
const PLAIN_EVERY: Duration = Duration::from_secs(15);

/// Counts the targets in kbuild's output, which arrives in pieces of any size.
#[derive(Default)]
struct Counter {
    rest: Vec<u8>,
    targets: u64,
    last: String,
}

impl Counter {
    fn feed(&mut self, bytes: &[u8]) {
        self.rest.extend_from_slice(bytes);
        while let Some(end) = self.rest.iter().position(|&b| b == b'\n') {
            let line: Vec<u8> = self.rest.drain(..=end).collect();
            let line = String::from_utf8_lossy(&line);
            if let Some(target) = target(&line) {
                self.targets += 1;
                self.last = target;
            }
        }
    }
}

/// `"  CC [M]  net/foo.o"` makes `"CC net/foo.o"`; any other line is no target.
fn target(line: &str) -> Option<String> {
    let line = line.strip_prefix("  ")?;
    if !line.starts_with(|c: char| c.is_ascii_uppercase()) {
        return None;
    }
    let mut words = line.split_whitespace();
    let verb = words.next()?;
    let name = words.last()?;
    Some(format!("{verb} {name}"))
}

fn minutes(time: Duration) -> String {
    format!("{}:{:02}", time.as_secs() / 60, time.as_secs() % 60)
}

/// How much is left: targets of all, when the caller's count can be true. It cannot when
/// (nearly) all were there at the start: then an unknown few are made again.
struct Goal {
    done: u64,
    expect: Option<u64>,
}

impl Goal {
    fn new(done: u64, expect: u64) -> Self {
        Goal {
            done,
            expect: (expect > 0 && done < expect / 20 * 19).then_some(expect),
        }
    }

    /// The targets made so far; the last one is not done before the build has ended.
    fn position(&self, made: u64) -> u64 {
        match self.expect {
            Some(all) => (self.done + made).min(all - 1),
            None => made,
        }
    }

    fn plain(&self, label: &str, counter: &Counter, elapsed: Duration) -> String {
        let position = self.position(counter.targets);
        let time = minutes(elapsed);
        let last = &counter.last;
        let Some(all) = self.expect else {
            return format!("{label}: {time} so far, {position} targets made ({last})");
        };
        let mut left = String::new();
        if counter.targets > 20 {
            let seconds = elapsed.as_secs_f64() / counter.targets as f64 * (all - position) as f64;
            left = format!(", about {} left", minutes(Duration::from_secs_f64(seconds)));
        }
        let percent = position * 100 / all;
        format!("{label}: {time} so far, {position} of {all} targets, {percent}%{left} ({last})")
    }
}

fn bar(args: &Args, goal: &Goal) -> Result<ProgressBar> {
    if !std::io::stderr().is_terminal() {
        return Ok(ProgressBar::hidden());
    }
    let (bar, template) = match goal.expect {
        Some(all) => (
            ProgressBar::new(all),
            "{prefix} [{elapsed_precise}] {bar:30} {pos}/{len}, {eta} left  {wide_msg}",
        ),
        None => (
            ProgressBar::new_spinner(),
            "{prefix} [{elapsed_precise}] {spinner} {pos} targets  {wide_msg}",
        ),
    };
    bar.set_style(ProgressStyle::with_template(template)?);
    bar.set_prefix(args.label.clone());
    bar.set_position(goal.position(0));
    bar.reset_eta();
    Ok(bar)
}

fn main() -> Result<ExitCode> {
    let args = Args::parse();
    let goal = Goal::new(args.done, args.expect);
    let name = args.log.display();
    let log = File::create(&args.log).with_context(|| format!("cannot write the log {name}"))?;
    let mut follow =
        File::open(&args.log).with_context(|| format!("cannot read the log {name}"))?;
    let mut child = Command::new(&args.command[0])
        .args(&args.command[1..])
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .spawn()
        .with_context(|| format!("cannot run {}", args.command[0]))?;

    let start = Instant::now();
    let bar = bar(&args, &goal)?;
    let mut counter = Counter::default();
    let mut said = start;
    let mut buffer = Vec::new();
    let status = loop {
        let status = child.try_wait()?;
        buffer.clear();
        follow.read_to_end(&mut buffer)?;
        counter.feed(&buffer);
        if let Some(status) = status {
            break status;
        }
        bar.set_position(goal.position(counter.targets));
        bar.set_message(counter.last.clone());
        if bar.is_hidden() && said.elapsed() >= PLAIN_EVERY {
            eprintln!("{}", goal.plain(&args.label, &counter, start.elapsed()));
            said = Instant::now();
        }
        std::thread::sleep(POLL);
    };
    bar.finish_and_clear();
    let end = if status.success() { "done" } else { "failed" };
    eprintln!(
        "{}: {end} after {}, {} targets made",
        args.label,
        minutes(start.elapsed()),
        counter.targets
    );
    // A build that a signal ended has no code of its own.
    Ok(ExitCode::from(
        u8::try_from(status.code().unwrap_or(130)).unwrap_or(1),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_kbuild_are_told_from_others() {
        assert_eq!(
            target("  CC      kernel/fork.o\n").unwrap(),
            "CC kernel/fork.o"
        );
        assert_eq!(target("  CC [M]  net/foo.o\n").unwrap(), "CC net/foo.o");
        assert_eq!(
            target("  RUSTC L rust/core.o\n").unwrap(),
            "RUSTC rust/core.o"
        );
        assert_eq!(target("make[1]: Entering directory '/x'\n"), None);
        assert_eq!(target("  warning: unused\n"), None);
        assert_eq!(target("  12 | int x;\n"), None);
        assert_eq!(target("  CC\n"), None);
    }

    #[test]
    fn output_in_pieces_counts_the_same() {
        let text = b"  CC      a.o\nnoise\n  LD      b.o\n  CC      c.o";
        for size in 1..text.len() {
            let mut counter = Counter::default();
            for piece in text.chunks(size) {
                counter.feed(piece);
            }
            assert_eq!((counter.targets, counter.last.as_str()), (2, "LD b.o"));
        }
    }

    #[test]
    fn a_resumed_build_starts_where_the_last_one_stopped() {
        let goal = Goal::new(1500, 3000);
        let counter = Counter {
            targets: 600,
            last: "CC x.o".into(),
            ..Counter::default()
        };
        let line = goal.plain("kernel", &counter, Duration::from_secs(60));
        assert_eq!(
            line,
            "kernel: 1:00 so far, 2100 of 3000 targets, 70%, about 1:30 left (CC x.o)"
        );
        assert_eq!(goal.position(9999), 2999);
    }

    #[test]
    fn an_incremental_build_promises_nothing() {
        let goal = Goal::new(2990, 3000);
        assert!(goal.expect.is_none());
        let line = goal.plain("kernel", &Counter::default(), Duration::from_secs(15));
        assert_eq!(line, "kernel: 0:15 so far, 0 targets made ()");
    }
}
