// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Runs a kernel build with all its output in a log file, and says how far it is:
//! a bar on a terminal, a plain line every 15 seconds elsewhere.
//!
//! kbuild prints one line per target (`  CC      kernel/fork.o`), but cannot say how
//! many there will be. The caller can: it knows how many the last whole build printed,
//! and from the `.cmd` files that each target leaves, which share is there already.
//!
//! A target of one part of the kernel takes several times as long as one of another, so
//! the time that is left comes from the pace of a build that was measured: the share
//! of the time that had passed at each share of the targets. How fast this machine is, the
//! build's own last minutes say; in the first there is the number of processors alone.
//!
//! The build writes to the log itself, with no pipe in between: when Ctrl-C reaches the
//! whole process group, make removes its half-made targets whatever becomes of us.

use std::fs::File;
use std::io::{IsTerminal, Read};
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};
use std::str::FromStr;
use std::time::{Duration, Instant};

use anyhow::{ensure, Context, Result};
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
    /// Minutes that a whole build takes on one processor; 0 when nobody knows
    #[arg(long, default_value_t = 0)]
    minutes: u32,
    /// How many processors it has
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    processors: u32,
    /// What share of the time has passed at what share of the targets, "TARGETS:TIME ..." in percent, where not the same
    #[arg(long, default_value = "")]
    pace: Pace,
    /// The command and its arguments
    #[arg(last = true, required = true)]
    command: Vec<String>,
}

const POLL: Duration = Duration::from_millis(200);
const PLAIN_EVERY: Duration = Duration::from_secs(15);
/// What counts as of late, or half of the time so far if that is more.
const LATE: Duration = Duration::from_secs(180);
/// What a build has to run, and what share of its time that has to be, before it says how fast the machine is.
const TRIAL: (Duration, f64) = (Duration::from_secs(60), 0.05);

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

fn clock(time: Duration) -> String {
    format!("{}:{:02}", time.as_secs() / 60, time.as_secs() % 60)
}

/// No estimate is exact to the second.
fn about(time: Duration) -> String {
    match (time.as_secs() + 30) / 60 {
        0 => "less than a minute".to_owned(),
        1 => "about a minute".to_owned(),
        n => format!("about {n} minutes"),
    }
}

/// The share of the time that has passed at each share of the targets: points between which it grows evenly.
#[derive(Clone, Debug, PartialEq)]
struct Pace(Vec<(f64, f64)>);

impl FromStr for Pace {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        let percent = |number: &str| -> Result<f64> { Ok(number.parse::<f64>()? / 100.0) };
        let point = |word: &str| -> Result<(f64, f64)> {
            let (targets, time) = word.split_once(':').context("no colon")?;
            Ok((percent(targets)?, percent(time)?))
        };
        let mut points = vec![(0.0, 0.0)];
        for word in text.split_whitespace() {
            points.push(
                point(word).with_context(|| format!("expected TARGETS:TIME, found {word:?}"))?,
            );
        }
        points.push((1.0, 1.0));
        let grows = points
            .windows(2)
            .all(|p| p[0].0 < p[1].0 && p[0].1 <= p[1].1);
        ensure!(
            grows,
            "expected shares of 0 to 100 that grow, found {text:?}"
        );
        Ok(Pace(points))
    }
}

impl Pace {
    fn time(&self, targets: f64) -> f64 {
        let upper = self
            .0
            .partition_point(|p| p.0 < targets)
            .clamp(1, self.0.len() - 1);
        let ((from, begin), (to, end)) = (self.0[upper - 1], self.0[upper]);
        begin + (targets - from) / (to - from) * (end - begin)
    }
}

/// How much is left: targets of all, when the caller's count can be true. It cannot when
/// (nearly) all were there at the start: then an unknown few are made again.
struct Goal {
    done: u64,
    expect: Option<u64>,
    pace: Pace,
}

impl Goal {
    fn new(done: u64, expect: u64, pace: Pace) -> Self {
        Goal {
            done,
            expect: (expect > 0 && done < expect / 20 * 19).then_some(expect),
            pace,
        }
    }

    /// The targets made so far; the last one is not done before the build has ended.
    fn position(&self, made: u64) -> u64 {
        match self.expect {
            Some(all) => (self.done + made).min(all - 1),
            None => made,
        }
    }

    /// The share of a whole build's time that is behind it.
    fn passed(&self, made: u64) -> Option<f64> {
        let all = self.expect?;
        Some(self.pace.time(self.position(made) as f64 / all as f64))
    }

    /// What the build will take, as far as that can be said before it has begun.
    fn whole(&self, minutes: u32, processors: u32) -> Option<Duration> {
        let seconds = f64::from(minutes * 60) / f64::from(processors) * (1.0 - self.passed(0)?);
        (minutes > 0).then(|| Duration::from_secs_f64(seconds))
    }

    fn plain(
        &self,
        label: &str,
        counter: &Counter,
        elapsed: Duration,
        left: Option<Duration>,
    ) -> String {
        let position = self.position(counter.targets);
        let time = clock(elapsed);
        let last = &counter.last;
        let Some(all) = self.expect else {
            return format!("{label}: {time} so far, {position} targets made ({last})");
        };
        let percent = position * 100 / all;
        let left = match left {
            Some(left) => format!(", {} left", about(left)),
            None => String::new(),
        };
        format!("{label}: {time} so far, {position} of {all} targets, {percent}%{left} ({last})")
    }
}

/// What share of a whole build's time had passed when.
struct Speed(Vec<(Duration, f64)>);

impl Speed {
    fn new(begin: f64) -> Self {
        Speed(vec![(Duration::ZERO, begin)])
    }

    fn note(&mut self, elapsed: Duration, passed: f64) {
        self.0.push((elapsed, passed));
    }

    /// What is left at the speed of late: the machine may have had other work, and have it no more.
    fn left(&self) -> Option<Duration> {
        let ((_, begin), (now, passed)) = (*self.0.first()?, *self.0.last()?);
        if now < TRIAL.0 || passed - begin < TRIAL.1 {
            return None;
        }
        let since = now.saturating_sub(LATE.max(now / 2));
        let (then, before) = *self.0.iter().rfind(|mark| mark.0 <= since)?;
        (passed > before).then(|| (now - then).mul_f64((1.0 - passed) / (passed - before)))
    }
}

fn bar(args: &Args, goal: &Goal) -> Result<ProgressBar> {
    if !std::io::stderr().is_terminal() {
        return Ok(ProgressBar::hidden());
    }
    let (bar, template) = match goal.expect {
        Some(all) => (
            ProgressBar::new(all),
            "{prefix} [{elapsed_precise}] {bar:30} {pos}/{len}  {wide_msg}",
        ),
        None => (
            ProgressBar::new_spinner(),
            "{prefix} [{elapsed_precise}] {spinner} {pos} targets  {wide_msg}",
        ),
    };
    bar.set_style(ProgressStyle::with_template(template)?);
    bar.set_prefix(args.label.clone());
    bar.set_position(goal.position(0));
    Ok(bar)
}

fn main() -> Result<ExitCode> {
    let args = Args::parse();
    let goal = Goal::new(args.done, args.expect, args.pace.clone());
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
    if let Some(whole) = goal.whole(args.minutes, args.processors) {
        let (label, processors) = (&args.label, args.processors);
        eprintln!(
            "{label}: {} with {processors} at once; better known in a minute",
            about(whole)
        );
    }
    let bar = bar(&args, &goal)?;
    let mut counter = Counter::default();
    let mut speed = Speed::new(goal.passed(0).unwrap_or(0.0));
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
        let elapsed = start.elapsed();
        if let Some(passed) = goal.passed(counter.targets) {
            speed.note(elapsed, passed);
        }
        let left = speed.left();
        bar.set_message(match left {
            Some(left) => format!("{} left  {}", about(left), counter.last),
            None => counter.last.clone(),
        });
        if bar.is_hidden() && said.elapsed() >= PLAIN_EVERY {
            eprintln!("{}", goal.plain(&args.label, &counter, elapsed, left));
            said = Instant::now();
        }
        std::thread::sleep(POLL);
    };
    bar.finish_and_clear();
    let end = if status.success() { "done" } else { "failed" };
    eprintln!(
        "{}: {end} after {}, {} targets made",
        args.label,
        clock(start.elapsed()),
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

    /// Seconds at which a build of qemu/config/standard.config had made each percent of its targets:
    /// two processors of a machine that did nothing else.
    const MEASURED: [u32; 101] = [
        0, 0, 1, 3, 5, 26, 29, 37, 45, 46, 53, 60, 67, 73, 80, 88, 95, 103, 113, 121, 127, 132,
        143, 153, 163, 172, 178, 186, 193, 200, 207, 215, 223, 233, 241, 249, 255, 263, 269, 274,
        280, 284, 290, 296, 298, 301, 305, 306, 310, 316, 325, 331, 336, 341, 347, 352, 357, 362,
        370, 377, 385, 389, 392, 398, 399, 407, 414, 421, 428, 438, 447, 449, 457, 466, 473, 479,
        488, 498, 509, 514, 519, 524, 528, 535, 542, 549, 551, 551, 552, 552, 559, 564, 572, 576,
        580, 582, 586, 592, 598, 604, 608,
    ];

    fn standard() -> Goal {
        let config = include_str!("../../config/standard.config");
        let pace = config.lines().find_map(|l| l.strip_prefix("#: pace "));
        Goal::new(0, 10_000, pace.unwrap().parse().unwrap())
    }

    /// What the whole build takes, as it is estimated at each of the times measured, beside what it took, on a
    /// machine that is `slower` than the one measured by a factor that depends on the time measured.
    fn estimates(goal: &Goal, slower: impl Fn(u32) -> f64) -> Vec<(Duration, f64)> {
        let mut times = vec![Duration::ZERO];
        for i in 1..MEASURED.len() {
            let step = f64::from(MEASURED[i] - MEASURED[i - 1]) * slower(MEASURED[i]);
            times.push(times[i - 1] + Duration::from_secs_f64(step));
        }
        let mut speed = Speed::new(0.0);
        let mut estimates = Vec::new();
        for (percent, &elapsed) in (0..100).zip(&times) {
            speed.note(elapsed, goal.passed(percent * 100).unwrap());
            if let Some(left) = speed.left() {
                let share = (elapsed + left).as_secs_f64() / times[100].as_secs_f64();
                estimates.push((elapsed, share));
            }
        }
        estimates
    }

    fn within_a_fifth(share: f64) -> bool {
        (0.8..1.2).contains(&share)
    }

    #[test]
    fn after_a_minute_the_estimate_is_right_within_a_fifth() {
        for slower in [0.5, 1.0, 1.7, 3.0, 5.0] {
            let estimates = estimates(&standard(), |_| slower);
            let (first, _) = estimates[0];
            let late = Duration::from_secs_f64(40.0 * slower).max(TRIAL.0 + TRIAL.0 / 4);
            assert!(first >= TRIAL.0 && first < late, "{slower}: {first:?}");
            for (elapsed, share) in estimates {
                assert!(within_a_fifth(share), "{slower}: {share} after {elapsed:?}");
            }
        }
    }

    #[test]
    fn other_work_at_the_start_is_soon_forgotten() {
        // Three times as slow for what takes a minute alone: three minutes.
        let estimates = estimates(&standard(), |time| if time < 60 { 3.0 } else { 1.0 });
        assert!(estimates.iter().any(|&(_, share)| share > 1.5));
        for (elapsed, share) in estimates {
            assert!(
                elapsed < Duration::from_secs(330) || within_a_fifth(share),
                "{share} after {elapsed:?}"
            );
        }
    }

    #[test]
    fn before_a_build_there_are_the_processors_alone() {
        let goal = standard();
        assert_eq!(goal.whole(24, 2), Some(Duration::from_secs(12 * 60)));
        assert_eq!(goal.whole(24, 8), Some(Duration::from_secs(3 * 60)));
        assert_eq!(goal.whole(0, 2), None);
        let mut speed = Speed::new(0.0);
        speed.note(TRIAL.0 / 2, 0.5);
        assert_eq!(speed.left(), None, "too early to say");
        let half = Goal {
            done: 5_000,
            pace: "50:75".parse().unwrap(),
            ..standard()
        };
        assert_eq!(half.whole(24, 2), Some(Duration::from_secs(3 * 60)));
    }

    #[test]
    fn a_pace_is_points_that_grow() {
        let pace: Pace = "20:10 60:90".parse().unwrap();
        let close = |targets, time: f64| (pace.time(targets) - time).abs() < 1e-9;
        assert!(close(0.0, 0.0) && close(0.1, 0.05) && close(0.2, 0.1) && close(0.4, 0.5));
        assert!(close(0.8, 0.95) && close(1.0, 1.0));
        for bad in ["20", "20:x", "60:90 20:10", "20:110", "20:90 60:10", "0:10"] {
            assert!(bad.parse::<Pace>().is_err(), "{bad}");
        }
    }

    #[test]
    fn estimates_are_rounded() {
        let said = [0, 29, 30, 89, 90, 700].map(|s| about(Duration::from_secs(s)));
        let wanted = [
            "less than a minute",
            "less than a minute",
            "about a minute",
            "about a minute",
            "about 2 minutes",
            "about 12 minutes",
        ];
        assert_eq!(said, wanted);
    }

    #[test]
    fn a_resumed_build_starts_where_the_last_one_stopped() {
        let goal = Goal::new(1500, 3000, "".parse().unwrap());
        let counter = Counter {
            targets: 600,
            last: "CC x.o".into(),
            ..Counter::default()
        };
        let mut speed = Speed::new(goal.passed(0).unwrap());
        speed.note(Duration::from_secs(60), goal.passed(600).unwrap());
        let left = speed.left();
        let line = goal.plain("kernel", &counter, Duration::from_secs(60), left);
        assert_eq!(
            line,
            "kernel: 1:00 so far, 2100 of 3000 targets, 70%, about 2 minutes left (CC x.o)"
        );
        assert_eq!(goal.position(9999), 2999);
    }

    #[test]
    fn an_incremental_build_promises_nothing() {
        let goal = Goal::new(2990, 3000, "".parse().unwrap());
        assert!(goal.expect.is_none());
        let line = goal.plain("kernel", &Counter::default(), Duration::from_secs(15), None);
        assert_eq!(line, "kernel: 0:15 so far, 0 targets made ()");
    }
}
