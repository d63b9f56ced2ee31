// SPDX-License-Identifier: Apache-2.0 OR MIT

//! `kallmodsyms modules`: what each module takes.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::io;

use clap::{Args, ValueEnum};
use kallmodsyms::table::Totals;
use kallmodsyms::{Group, Section, SymbolTable};
use serde::Serialize;

use crate::columns::Columns;
use crate::estimate::{Estimate, OFFER};
use crate::group::GroupName;
use crate::input::Input;
use crate::output::Output;
use crate::{Status, help, number, say};

const EXAMPLES: &str = "\
  kallmodsyms modules                       # the largest first
  kallmodsyms modules --human --limit 10    # with KiB and MiB
  kallmodsyms modules --sort name --group built-in
  kallmodsyms modules --json | grep '\"loaded\"'";

const STATUS: &str = "0, 1 if there is no module, 2 for wrong usage or an unreadable file";

const JSON: &str = "a line for each module, and one for the kernel itself.
  module   its name; vmlinux for code of no module
  group    core, built-in, loaded, ftrace, bpf or kprobes
  symbols  how many; a symbol of several modules counts for each
  text     bytes of code
  rodata   bytes of read-only data
  data     bytes of data
  bss      bytes of data that starts as zero
  other    bytes of what is none of these: per-CPU data on x86-64
  total    their sum. All bytes are null where the source has no sizes";

/// Print how many symbols and bytes each module has, loaded or built in
///
/// Bytes inside another symbol of the same module count once. What several modules share counts for each of them, and
/// once in the last line.
#[derive(Args)]
#[command(
    after_help = help::text(EXAMPLES, STATUS),
    after_long_help = help::with_json(EXAMPLES, STATUS, JSON),
)]
pub(crate) struct Arguments {
    #[command(flatten)]
    input: Input,
    /// The order: the largest first, names from A to Z
    #[arg(short, long, value_name = "KEY", default_value = "total")]
    sort: Sort,
    /// Turn the order round
    #[arg(long)]
    reverse: bool,
    /// Only modules that the kernel keeps there; may be repeated
    #[arg(short, long, value_name = "GROUP")]
    group: Vec<GroupName>,
    /// Print at most this many; the last line counts all
    #[arg(short = 'n', long, value_name = "N")]
    limit: Option<usize>,
    /// Print sizes in KiB and MiB
    #[arg(short = 'H', long)]
    human: bool,
    #[command(flatten)]
    estimate: Estimate,
    /// Print a JSON object for each module
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Sort {
    Total,
    Name,
    Symbols,
    Text,
    Rodata,
    Data,
    Bss,
    Other,
}

#[derive(Serialize)]
struct Row<'t> {
    module: Cow<'t, str>,
    group: &'static str,
    symbols: usize,
    text: Option<u64>,
    rodata: Option<u64>,
    data: Option<u64>,
    bss: Option<u64>,
    other: Option<u64>,
    total: Option<u64>,
}

impl<'t> Row<'t> {
    fn new(module: Cow<'t, str>, group: &'static str, totals: &Totals, sized: bool) -> Self {
        let bytes = |section| sized.then(|| totals.bytes(section));
        Self {
            module,
            group,
            symbols: totals.symbols(),
            text: bytes(Section::Text),
            rodata: bytes(Section::ReadOnly),
            data: bytes(Section::Data),
            bss: bytes(Section::Bss),
            other: bytes(Section::Other),
            total: sized.then(|| totals.all_bytes()),
        }
    }

    fn bytes(&self) -> [Option<u64>; 6] {
        [
            self.text,
            self.rodata,
            self.data,
            self.bss,
            self.other,
            self.total,
        ]
    }
}

impl Arguments {
    pub(crate) fn run(&self, out: &mut Output) -> anyhow::Result<Status> {
        let mut table = self.input.table()?;
        if self.estimate.is_needed(&table) {
            table = self.estimate.sized(table)?;
        } else if !table.facts().sizes {
            say(&format!("note: sizes are not known: {OFFER}"));
        }
        if !table.facts().built_in_modules {
            say(
                "note: the modules of built-in code are not known; `kallmodsyms sources` says where they could come from",
            );
        }
        let sized = table.facts().sizes;
        let totals = table.totals();
        let mut rows: Vec<Row<'_>> = totals
            .iter()
            .map(|(module, totals)| match module {
                Some(module) => (module.name(), module.group(), totals),
                None => (&b"vmlinux"[..], Group::Core, totals),
            })
            .filter(|&(_, group, totals)| {
                totals.symbols() > 0 && GroupName::any(&self.group, group)
            })
            .map(|(name, group, totals)| {
                Row::new(String::from_utf8_lossy(name), group.name(), totals, sized)
            })
            .collect();
        self.sort(&mut rows);
        let found = !rows.is_empty();
        let names = rows.len();
        rows.truncate(self.limit.unwrap_or(usize::MAX));

        if self.json {
            for row in &rows {
                out.json(row)?;
            }
        } else if found {
            let all = Whole::of(&table, |group| GroupName::any(&self.group, group));
            self.print(out, &rows, names, &all, sized)?;
        }
        if !found {
            let seen = number::count(table.modules().len(), "module");
            say(&format!("none of {seen} is as asked for"));
        }
        Ok(Status::good_if(found))
    }

    fn sort(&self, rows: &mut [Row<'_>]) {
        rows.sort_by(|a, b| {
            // The largest first; of equals, and where there are no sizes, by name.
            let key = |row: &Row<'_>| {
                Reverse(match self.sort {
                    Sort::Name => None,
                    Sort::Symbols => Some(row.symbols as u64),
                    Sort::Text => row.text,
                    Sort::Rodata => row.rodata,
                    Sort::Data => row.data,
                    Sort::Bss => row.bss,
                    Sort::Other => row.other,
                    Sort::Total => row.total,
                })
            };
            key(a).cmp(&key(b)).then_with(|| a.module.cmp(&b.module))
        });
        if self.reverse {
            rows.reverse();
        }
    }

    fn print(
        &self,
        out: &mut Output,
        rows: &[Row<'_>],
        names: usize,
        all: &Whole,
        sized: bool,
    ) -> io::Result<()> {
        let bytes = |bytes: Option<u64>| match bytes {
            None => "-".into(),
            Some(0) => "0".into(),
            Some(bytes) if self.human => number::human(bytes),
            Some(bytes) => bytes.to_string(),
        };
        let mut columns = Columns::new([
            "<MODULE", "<GROUP", "SYMBOLS", "TEXT", "RODATA", "DATA", "BSS", "OTHER", "TOTAL",
        ]);
        for row in rows {
            let [text, rodata, data, bss, other, total] = row.bytes().map(bytes);
            let (module, group) = (row.module.to_string(), row.group.to_string());
            columns.push([
                module,
                group,
                row.symbols.to_string(),
                text,
                rodata,
                data,
                bss,
                other,
                total,
            ]);
        }
        let sum = all.bytes.iter().sum();
        let [text, rodata, data, bss, other] = all.bytes.map(|count| bytes(sized.then_some(count)));
        let total = bytes(sized.then_some(sum));
        let label = number::count(names, "row");
        columns.push([
            label,
            "all".into(),
            all.symbols.to_string(),
            text,
            rodata,
            data,
            bss,
            other,
            total,
        ]);
        columns.print(out)
    }
}

/// What several modules have together: each symbol, and each byte, once.
struct Whole {
    symbols: usize,
    bytes: [u64; Section::ALL.len()],
}

impl Whole {
    fn of(table: &SymbolTable, wants: impl Fn(Group) -> bool) -> Self {
        let mut all = Self {
            symbols: 0,
            bytes: [0; Section::ALL.len()],
        };
        let mut counted = 0;
        for symbol in table.iter().filter(|symbol| wants(symbol.group())) {
            all.symbols += 1;
            let end = symbol.address().saturating_add(symbol.size().unwrap_or(0));
            all.bytes[symbol.section() as usize] +=
                end.saturating_sub(symbol.address().max(counted));
            counted = counted.max(end);
        }
        all
    }
}
