// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Reading, indexing and looking up, beside every peer, on the same files.
//!
//! A bench is called `CAPTURE-WORK/WHO`; `kallmodsyms-figures` makes a table of ratios from what criterion keeps. What
//! a machine cannot run is skipped aloud, and named in the file `skipped` where criterion keeps its results.

mod input;
mod peer;

use std::collections::HashMap;
use std::env;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use criterion::measurement::WallTime;
use criterion::{BatchSize, BenchmarkGroup, Criterion, SamplingMode, Throughput};
use kallmodsyms::table::LiveTable;
use kallmodsyms::{Group, Query, Symbol, SymbolTable, Symbols, grammar};

use crate::input::{Input, Random};
use crate::peer::{Bcc, Blazesym, Perf};

/// Many short samples rather than a few long ones: on a shared machine, some are not disturbed.
const SAMPLES: usize = 100;

/// Where each takes long to begin: of libbcc, which reads the file anew, and of the running kernel.
const RUNS: usize = 20;

/// Enough that the symbols looked up do not stay in the first-level cache.
const LOOK_UPS: usize = 10_000;

fn main() -> ExitCode {
    let mut criterion = Criterion::default()
        .sample_size(SAMPLES)
        .nresamples(10_000)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_millis(1500))
        .configure_from_args();
    match run(&mut criterion) {
        Ok(()) => {
            criterion.final_summary();
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("symbols: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(criterion: &mut Criterion) -> Result<()> {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let mut skips = Skips::default();
    for input in Input::all(directory)? {
        parse(criterion, &input, &mut skips)?;
        load(criterion, &input)?;
        address(criterion, &input, directory, &mut skips)?;
        name(criterion, &input)?;
        change(criterion, &input)?;
    }
    live(criterion, &mut skips)?;
    skips.keep()
}

/// What could not be measured here, and why.
#[derive(Default)]
struct Skips(String);

impl Skips {
    fn add(&mut self, bench: &str, reason: &anyhow::Error) {
        eprintln!("SKIP {bench}: {reason:#}\n");
        let reason = format!("{reason:#}").replace('\n', " ");
        let _ = writeln!(self.0, "{bench}\t{reason}");
    }

    fn keep(&self) -> Result<()> {
        if let Some(home) = env::var_os("CRITERION_HOME") {
            let path = PathBuf::from(home).join("skipped");
            fs::write(&path, &self.0)
                .with_context(|| format!("cannot write {}", path.display()))?;
        }
        Ok(())
    }
}

fn group<'a>(
    criterion: &'a mut Criterion,
    input: &str,
    work: &str,
) -> BenchmarkGroup<'a, WallTime> {
    let mut group = criterion.benchmark_group(format!("{input}-{work}"));
    group.sampling_mode(SamplingMode::Flat);
    group
}

fn bytes(file: &[u8]) -> Throughput {
    Throughput::Bytes(file.len() as u64)
}

/// Every field of every line, from memory; and from a file, as the peers do it.
fn parse(criterion: &mut Criterion, input: &Input, skips: &mut Skips) -> Result<()> {
    let mut group = group(criterion, &input.name, "parse");
    for (who, file) in [
        ("ours-sized", &input.kallmodsyms),
        ("ours", &input.kallsyms),
    ] {
        let lines = file.split_inclusive(|&byte| byte == b'\n').count();
        ensure!(
            all_fields(file)?.0 == lines,
            "{}: a line is missing",
            input.name
        );
        group.throughput(bytes(file));
        group.bench_function(who, |b| b.iter(|| all_fields(black_box(file))));
    }
    group.bench_function("ours-file", |b| {
        b.iter(|| must(read(&input.kallsyms_path).and_then(|file| all_fields(&file))));
    });
    match Perf::new(&input.kallsyms_path) {
        Ok(perf) => {
            group.bench_function("perf", |b| b.iter_custom(|times| must(perf.parse(times))));
        }
        Err(reason) => skips.add(&format!("{}-parse/perf", input.name), &reason),
    }
    group.finish();
    Ok(())
}

/// The number of symbols, and a sum to which each field of each adds.
fn all_fields(file: &[u8]) -> Result<(usize, u64)> {
    let mut count = 0;
    let mut sum = 0_u64;
    for symbol in Symbols::new(file) {
        let symbol = symbol?;
        count += 1;
        let lengths = symbol.name.len() + symbol.modules.as_bytes().len();
        sum = sum
            .wrapping_add(symbol.address)
            .wrapping_add(symbol.size.unwrap_or(0))
            .wrapping_add(u64::from(symbol.kind))
            .wrapping_add(lengths as u64);
    }
    Ok((count, sum))
}

/// The whole index but for that of names, from memory; and from a file to the answer to one look-up, as the peers do
/// it.
fn load(criterion: &mut Criterion, input: &Input) -> Result<()> {
    let mut group = group(criterion, &input.name, "load");
    for (who, file) in [
        ("ours-sized", &input.kallmodsyms),
        ("ours", &input.kallsyms),
    ] {
        SymbolTable::from_bytes(file)?;
        group.throughput(bytes(file));
        group.bench_function(who, |b| b.iter(|| SymbolTable::from_bytes(black_box(file))));
    }
    let path = &input.kallsyms_path;
    let one = [input.addresses(1)?[0].0];
    group.bench_function("ours-file", |b| {
        b.iter(|| must(read_table(path)).lookup(one[0]).inside().is_some());
    });
    ensure!(
        Blazesym::new(path).symbolize(&one)? == 1,
        "blazesym finds nothing"
    );
    group.bench_function("blazesym", |b| {
        b.iter(|| must(Blazesym::new(path).symbolize(&one)));
    });
    group.bench_function("stackpulse", |b| b.iter(|| must(peer::stackpulse(path))));
    group.finish();
    Ok(())
}

/// A BPF program comes, and a reader keeps the table of before.
fn change(criterion: &mut Criterion, input: &Input) -> Result<()> {
    let mut group = group(criterion, &input.name, "change");
    let live = LiveTable::new(&SymbolTable::from_bytes(&input.kallmodsyms)?)?;
    let program = Symbol::new(0xffff_ffff_c0ff_e000, b't', b"bpf_prog_6deef7357e7b4530")
        .with_size(0x40)
        .with_modules(grammar::modules(b"[bpf]")?);
    group.bench_function("ours", |b| {
        b.iter(|| {
            let mut live = live.clone();
            live.insert([(black_box(program), Group::Bpf)])
                .map(|()| live)
        });
    });
    group.finish();
    Ok(())
}

/// A file as a table.
fn read_table(path: &Path) -> Result<SymbolTable> {
    let file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
    Ok(SymbolTable::read(file)?)
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}

/// One warm look-up of an address within a function. All answer with the same symbols, or it would be no comparison.
fn address(
    criterion: &mut Criterion,
    input: &Input,
    directory: &Path,
    skips: &mut Skips,
) -> Result<()> {
    let mut group = group(criterion, &input.name, "address");
    group.throughput(Throughput::Elements(LOOK_UPS as u64));
    let (addresses, starts): (Vec<u64>, Vec<u64>) = input.addresses(LOOK_UPS)?.into_iter().unzip();
    let path = &input.kallsyms_path;

    for (who, file) in [
        ("ours-sized", &input.kallmodsyms),
        ("ours", &input.kallsyms),
    ] {
        let table = SymbolTable::from_bytes(file)?;
        let start = |&address: &u64| {
            let found = table.lookup(address).inside();
            found.map_or(0, |(symbol, _)| symbol.address())
        };
        let found: Vec<u64> = addresses.iter().map(start).collect();
        agree("kallmodsyms", &found, &starts)?;
        group.bench_function(who, |b| {
            b.iter(|| {
                let found = addresses.iter().filter_map(|&at| table.lookup(at).inside());
                // What blazesym and libbcc answer with.
                found.for_each(|(symbol, offset)| {
                    black_box((symbol.name(), symbol.address(), offset));
                });
            });
        });
    }
    let blazesym = Blazesym::new(path);
    agree("blazesym", &blazesym.starts(&addresses)?, &starts)?;
    group.bench_function("blazesym", |b| {
        b.iter(|| must(blazesym.symbolize(&addresses)));
    });
    match Bcc::new(path, directory, &addresses) {
        Ok(bcc) => {
            agree("libbcc", &bcc.starts()?, &starts)?;
            group.sample_size(RUNS);
            group.bench_function("bcc", |b| b.iter_custom(|times| must(bcc.look_up(times))));
        }
        Err(reason) => skips.add(&format!("{}-address/bcc", input.name), &reason),
    }
    group.finish();
    Ok(())
}

/// Where peers answer otherwise, it is at labels within functions, which are few.
fn agree(who: &str, found: &[u64], expected: &[u64]) -> Result<()> {
    let same = found.iter().zip(expected).filter(|(a, b)| a == b).count();
    ensure!(
        found.len() == expected.len() && same * 100 >= expected.len() * 99,
        "{who} agrees on {same} of {} addresses",
        expected.len()
    );
    Ok(())
}

/// One warm look-up of a name that is there, with and without its module; and the index that it takes, which is made
/// once.
fn name(criterion: &mut Criterion, input: &Input) -> Result<()> {
    let mut group = group(criterion, &input.name, "name");
    let table = SymbolTable::from_bytes(&input.kallmodsyms)?;
    let mut random = Random::default();
    let (names, queries): (Vec<Vec<u8>>, Vec<Vec<u8>>) = (0..LOOK_UPS)
        .filter_map(|_| table.get(random.below(table.len())))
        .map(|symbol| {
            let module = symbol.modules().iter().next().unwrap_or(b"vmlinux");
            let query = [module, b"`", symbol.name()].concat();
            (symbol.name().to_vec(), query)
        })
        .unzip();

    let mut by_name: HashMap<Vec<u8>, Vec<u64>> = HashMap::new();
    for symbol in &table {
        let addresses = by_name.entry(symbol.name().to_vec()).or_default();
        addresses.push(symbol.address());
    }
    for name in &names {
        let found = table.named(name).map(|symbol| symbol.address());
        ensure!(
            found.eq(by_name[name].iter().copied()),
            "not the same symbols"
        );
    }
    let is_found = |query: &Vec<u8>| table.find(Query::parse(query)).next().is_some();
    ensure!(queries.iter().all(is_found), "a query finds nothing");

    group.throughput(Throughput::Elements(LOOK_UPS as u64));
    group.bench_function("ours", |b| {
        b.iter(|| {
            let first = names.iter().filter_map(|name| table.named(name).next());
            first.fold(0, |sum: u64, symbol| sum.wrapping_add(symbol.address()))
        });
    });
    group.bench_function("ours-qualified", |b| {
        b.iter(|| {
            let first = queries
                .iter()
                .filter_map(|query| table.find(Query::parse(query)).next());
            first.fold(0, |sum: u64, symbol| sum.wrapping_add(symbol.address()))
        });
    });
    group.bench_function("hashmap", |b| {
        b.iter(|| {
            let first = names.iter().filter_map(|name| by_name.get(name)?.first());
            first.fold(0, |sum: u64, &address| sum.wrapping_add(address))
        });
    });
    group.throughput(bytes(&input.kallmodsyms));
    group.bench_function("ours-index", |b| {
        let table = || SymbolTable::from_bytes(&input.kallmodsyms);
        let index = |table: Result<SymbolTable, _>| table.map(|table| table.index_names());
        b.iter_batched(table, index, BatchSize::PerIteration);
    });
    group.finish();
    Ok(())
}

/// The running kernel, beside what it takes to get its bytes at all.
fn live(criterion: &mut Criterion, skips: &mut Skips) -> Result<()> {
    let path = match input::live() {
        Ok(path) => path,
        Err(reason) => {
            for bench in ["live-load/ours", "live-load/cat"] {
                skips.add(bench, &reason);
            }
            return Ok(());
        }
    };
    let mut group = group(criterion, "live", "load");
    group.throughput(Throughput::Bytes(peer::cat(path)? as u64));
    read_table(path)?;
    group.sample_size(RUNS);
    group.bench_function("ours", |b| b.iter(|| must(read_table(path))));
    group.bench_function("cat", |b| b.iter(|| must(peer::cat(path))));
    group.finish();
    Ok(())
}

/// Within a measurement, an error cannot be passed on. Each measured call worked once before.
fn must<T>(result: Result<T>) -> T {
    result.unwrap_or_else(|error| panic!("{error:#}"))
}
