// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Prints what the benches measured beside what is wanted, and what memory the table takes, which it measures itself.
//!
//!     ratios CRITERION_HOME MARKDOWN
//!
//! The second is a file to which the same is written.

use std::env;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};
use kallmodsyms::SymbolTable;
use kallmodsyms_captures::Capture;
use kallmodsyms_figures::samples::{Samples, Time};
use kallmodsyms_figures::table::Target::{self, Any, Least, Most};
use kallmodsyms_figures::table::{self, Outcome, Row};
use peak_alloc::PeakAlloc;

#[global_allocator]
static HEAP: PeakAlloc = PeakAlloc;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("ratios: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [home, markdown] = arguments.as_slice() else {
        bail!("usage: ratios CRITERION_HOME MARKDOWN");
    };
    let samples = Samples::open(Path::new(home))?;
    let mut text = String::new();
    let mut all = Vec::new();
    for name in samples.captures()? {
        let capture = Capture::all()?
            .into_iter()
            .find(|capture| capture.to_string() == name);
        let capture = capture.with_context(|| format!("no capture {name}"))?;
        let runs = Runs {
            samples: &samples,
            input: &name,
        };
        let mut rows = of_capture(&runs)?;
        rows.extend(memory(&capture)?);
        let size = |bench| anyhow::Ok(samples.bytes(&format!("{name}-parse/{bench}"))? / 1e6);
        let _ = writeln!(
            text,
            "Capture `{name}`: kallmodsyms of {:.2} MB, kallsyms of {:.2} MB\n\n{}",
            size("ours-sized")?,
            size("ours")?,
            table::render(&rows)
        );
        all.append(&mut rows);
    }
    let row = of_live(&Runs {
        samples: &samples,
        input: "live",
    })?;
    let _ = writeln!(
        text,
        "The running kernel\n\n{}",
        table::render(std::slice::from_ref(&row))
    );
    all.push(row);
    let _ = writeln!(
        text,
        "{}; the fastest sample of each bench, all of one run.",
        machine()?
    );
    for reason in table::reasons(&all) {
        let _ = writeln!(text, "\n{reason}");
    }
    print!("{text}\n{}\n", table::count(&all));
    fs::write(markdown, text).with_context(|| format!("cannot write {markdown}"))
}

const BLAZESYM: &str = "blazesym 0.2.7";
const PERF: &str = "perf kallsyms-parse, from the file";

/// How figures are shown.
type Show = fn(f64) -> String;
const TIMES: Show = |ratio| format!("{ratio:.2}x");
const RATE: Show = |rate| format!("{rate:.2} GB/s");

fn of_capture(runs: &Runs) -> Result<Vec<Row>> {
    Ok(vec![
        runs.rate(
            "strict parse of kallmodsyms",
            "parse/ours-sized",
            Least(2.5),
        )?,
        runs.rate("strict parse of kallsyms", "parse/ours", Any)?,
        runs.faster(
            "",
            "parse/ours",
            "load/blazesym",
            "blazesym 0.2.7, load from the file",
            Least(7.0),
        )?,
        runs.faster("", "parse/ours", "parse/perf", PERF, Least(2.5))?,
        runs.faster(
            "the same from the file",
            "parse/ours-file",
            "parse/perf",
            PERF,
            Any,
        )?,
        runs.rate("index of kallmodsyms", "load/ours-sized", Least(1.2))?,
        runs.rate("index of kallsyms", "load/ours", Any)?,
        runs.faster(
            "the same from the file",
            "load/ours-file",
            "load/blazesym",
            BLAZESYM,
            Least(3.0),
        )?,
        runs.faster(
            "",
            "load/ours-file",
            "load/stackpulse",
            "stackpulse 0.12.3",
            Any,
        )?,
        runs.rate("index of names, at first use", "name/ours-index", Any)?,
        runs.faster(
            "a BPF program comes",
            "change/ours",
            "load/ours-sized",
            "the table made anew",
            Least(80.0),
        )?,
        runs.each("address look-up in kallmodsyms", "address/ours-sized", 40.0)?,
        runs.faster(
            "address look-up in kallsyms",
            "address/ours",
            "address/blazesym",
            BLAZESYM,
            Least(8.0),
        )?,
        runs.faster("", "address/ours", "address/bcc", "libbcc", Any)?,
        runs.each("name look-up", "name/ours", 150.0)?,
        runs.faster("", "name/ours", "name/hashmap", "HashMap of strings", Any)?,
        runs.each("module`name look-up", "name/ours-qualified", 150.0)?,
    ])
}

/// The running kernel: how long it takes to get its bytes at all is no matter of ours.
fn of_live(runs: &Runs) -> Result<Row> {
    let slower = |ours: f64, cat: f64| ours / cat;
    runs.beside(
        "live load",
        ("load/ours", "load/cat"),
        "cat to a pipe",
        slower,
        Most(1.1),
    )
}

/// The benches of one input.
struct Runs<'a> {
    samples: &'a Samples,
    input: &'a str,
}

impl Runs<'_> {
    fn time(&self, bench: &str) -> Result<Time> {
        self.samples.time(&format!("{}-{bench}", self.input))
    }

    /// How fast we go through a file.
    fn rate(&self, work: &str, ours: &str, target: Target) -> Result<Row> {
        let bytes = self.samples.bytes(&format!("{}-{ours}", self.input));
        let rate = |time| Ok(Outcome::Figure(bytes? / time, target, RATE));
        self.alone(work, ours, rate)
    }

    /// How long one of many takes us.
    fn each(&self, work: &str, ours: &str, most: f64) -> Result<Row> {
        self.alone(work, ours, |time| {
            Ok(Outcome::Figure(time, Most(most), table::time))
        })
    }

    fn alone(
        &self,
        work: &str,
        ours: &str,
        figure: impl FnOnce(f64) -> Result<Outcome>,
    ) -> Result<Row> {
        let (ours, outcome) = match self.time(ours)? {
            Time::Measured(time) => (table::time(time), figure(time)?),
            Time::Skipped(reason) => (String::new(), Outcome::Skipped(reason)),
        };
        let (work, peer) = (work.into(), String::new());
        Ok(Row {
            work,
            ours,
            peer,
            outcome,
        })
    }

    /// How many times as fast as a peer we are.
    fn faster(
        &self,
        work: &str,
        ours: &str,
        theirs: &str,
        peer: &str,
        target: Target,
    ) -> Result<Row> {
        self.beside(
            work,
            (ours, theirs),
            peer,
            |ours, theirs| theirs / ours,
            target,
        )
    }

    fn beside(
        &self,
        work: &str,
        (ours, theirs): (&str, &str),
        peer: &str,
        ratio: impl FnOnce(f64, f64) -> f64,
        target: Target,
    ) -> Result<Row> {
        let (ours, theirs) = (self.time(ours)?, self.time(theirs)?);
        let outcome = match (&ours, &theirs) {
            (&Time::Measured(ours), &Time::Measured(theirs)) => {
                Outcome::Figure(ratio(ours, theirs), target, TIMES)
            }
            (Time::Skipped(reason), _) | (_, Time::Skipped(reason)) => {
                Outcome::Skipped(reason.clone())
            }
        };
        let show = |time: &Time| match time {
            Time::Measured(time) => table::time(*time),
            Time::Skipped(_) => "-".into(),
        };
        Ok(Row {
            work: work.into(),
            ours: show(&ours),
            peer: format!("{peer}: {}", show(&theirs)),
            outcome,
        })
    }
}

/// What the table of a capture takes, by the bytes that the allocator handed out.
#[expect(clippy::cast_precision_loss, reason = "sizes are far below 2^52")]
fn memory(capture: &Capture) -> Result<Vec<Row>> {
    let before = HEAP.current_usage();
    let mut file = capture.read("kallmodsyms")?;
    file.shrink_to_fit();
    let length = file.len();
    HEAP.reset_peak_usage();
    drop(SymbolTable::from_bytes(&file)?);
    let peak_with_file = HEAP.peak_usage() - before;

    // As a file is read that is not in memory.
    let unread = HEAP.current_usage();
    HEAP.reset_peak_usage();
    let table = SymbolTable::read(file.as_slice())?;
    let peak = HEAP.peak_usage() - unread;
    drop(file);
    let taken = HEAP.current_usage() - before;
    let names: usize = table.iter().map(|symbol| symbol.name().len()).sum();
    table.index_names();
    let index = HEAP.current_usage() - before - taken;

    let row = |work: &str, bytes: usize, peer: &str, figure, target, show: Show| Row {
        work: work.into(),
        ours: megabytes(bytes),
        peer: peer.into(),
        outcome: Outcome::Figure(figure, target, show),
    };
    let each: Show = |bytes| format!("{bytes:.1} bytes a symbol");
    let symbols = table.len() as f64;
    let names_size = format!("names: {}", megabytes(names));
    let file_size = format!("file: {}", megabytes(length));
    Ok(vec![
        row(
            "memory but for names",
            taken.saturating_sub(names),
            &names_size,
            (taken as f64 - names as f64) / symbols,
            Most(12.0),
            each,
        ),
        row(
            "memory of the index of names",
            index,
            "",
            index as f64 / symbols,
            Any,
            each,
        ),
        row(
            "peak while building from a stream",
            peak,
            &file_size,
            peak as f64 / length as f64,
            Most(1.6),
            TIMES,
        ),
        row(
            "the same, from a file in memory and with it",
            peak_with_file,
            &file_size,
            peak_with_file as f64 / length as f64,
            Any,
            TIMES,
        ),
    ])
}

fn megabytes(bytes: usize) -> String {
    #[expect(clippy::cast_precision_loss, reason = "sizes are far below 2^52")]
    let megabytes = bytes as f64 / 1e6;
    format!("{megabytes:.2} MB")
}

/// What this was measured on.
fn machine() -> Result<String> {
    let read = |path| fs::read_to_string(path).with_context(|| format!("cannot read {path}"));
    let cpuinfo = read("/proc/cpuinfo")?;
    let model = cpuinfo
        .lines()
        .find_map(|line| line.strip_prefix("model name"));
    let model = model.map_or("unknown processor", |model| {
        model.trim_start_matches([' ', '\t', ':'])
    });
    let cores = std::thread::available_parallelism()?;
    let kernel = read("/proc/sys/kernel/osrelease")?;
    let rustc = Command::new("rustc")
        .arg("--version")
        .output()
        .context("cannot run rustc")?;
    let rustc = String::from_utf8_lossy(&rustc.stdout);
    let rustc = rustc.split(" (").next().unwrap_or_default();
    Ok(format!(
        "{model}, {cores} cores, Linux {}, {rustc}",
        kernel.trim()
    ))
}
