// SPDX-License-Identifier: Apache-2.0 OR MIT

//! How many instructions the work of the crate takes: on a shared machine, times say little of a small change, and
//! counts are the same in every run. `cargo run --bin gate` runs this and compares.
//!
//! Only the functions marked here are counted, not what prepares their input.

// What gungraun's macros make is public and not documented.
#![allow(missing_docs, unreachable_pub)]

use std::hint::black_box;

use gungraun::prelude::*;
use kallmodsyms::table::Entry;
use kallmodsyms::{Query, SymbolTable, Symbols};

/// The sample that the build script took; its number of lines is a prime.
fn sample(file: &str) -> Vec<u8> {
    let sample: &[u8] = match file {
        "kallmodsyms" => include_bytes!(concat!(env!("OUT_DIR"), "/kallmodsyms")),
        _ => include_bytes!(concat!(env!("OUT_DIR"), "/kallsyms")),
    };
    sample.to_vec()
}

fn table() -> SymbolTable {
    SymbolTable::from_bytes(&sample("kallmodsyms")).unwrap()
}

/// A tenth of the symbols, in an order without a pattern.
fn tenth(table: &SymbolTable) -> impl Iterator<Item = Entry<'_>> {
    let ranks = (0..table.len() / 10).map(|at| at * 3_331 % table.len());
    ranks.map(|rank| table.get(rank).unwrap())
}

fn addresses() -> (SymbolTable, Vec<u64>) {
    let table = table();
    let within = |symbol: Entry<'_>| symbol.address() + symbol.size().unwrap() / 2;
    let addresses = tenth(&table).map(within).collect();
    (table, addresses)
}

fn names() -> (SymbolTable, Vec<Vec<u8>>) {
    let table = table();
    let names = tenth(&table).map(|symbol| symbol.name().to_vec()).collect();
    table.index_names();
    (table, names)
}

fn queries() -> (SymbolTable, Vec<Vec<u8>>) {
    let table = table();
    let query = |symbol: Entry<'_>| {
        let module = symbol.modules().iter().next().unwrap_or(b"vmlinux");
        [module, b"`", symbol.name()].concat()
    };
    let queries = tenth(&table).map(query).collect();
    table.index_names();
    (table, queries)
}

#[library_benchmark]
#[bench::sized(args = ("kallmodsyms"), setup = sample)]
#[bench::kallsyms(args = ("kallsyms"), setup = sample)]
fn parse(file: Vec<u8>) -> usize {
    let symbols = Symbols::new(black_box(&file));
    symbols.filter(|symbol| black_box(symbol).is_ok()).count()
}

#[library_benchmark]
#[bench::sized(args = ("kallmodsyms"), setup = sample)]
#[bench::kallsyms(args = ("kallsyms"), setup = sample)]
fn build(file: Vec<u8>) -> SymbolTable {
    SymbolTable::from_bytes(black_box(&file)).unwrap()
}

#[library_benchmark]
#[bench::all(setup = table)]
fn index_names(table: SymbolTable) -> SymbolTable {
    table.index_names();
    table
}

#[library_benchmark]
#[bench::addresses(setup = addresses)]
fn look_up((table, addresses): (SymbolTable, Vec<u64>)) -> SymbolTable {
    let found = addresses.iter().filter_map(|&at| table.lookup(at).inside());
    found.for_each(|(symbol, offset)| {
        black_box((symbol.name(), offset));
    });
    table
}

#[library_benchmark]
#[bench::names(setup = names)]
fn named((table, names): (SymbolTable, Vec<Vec<u8>>)) -> SymbolTable {
    let found = names.iter().filter_map(|name| table.named(name).next());
    found.for_each(|symbol| {
        black_box(symbol.address());
    });
    table
}

#[library_benchmark]
#[bench::queries(setup = queries)]
fn find((table, queries): (SymbolTable, Vec<Vec<u8>>)) -> SymbolTable {
    let found = queries
        .iter()
        .filter_map(|query| table.find(Query::parse(query)).next());
    found.for_each(|symbol| {
        black_box(symbol.address());
    });
    table
}

library_benchmark_group!(
    name = instructions,
    benchmarks = [parse, build, index_names, look_up, named, find]
);

main!(library_benchmark_groups = instructions);
