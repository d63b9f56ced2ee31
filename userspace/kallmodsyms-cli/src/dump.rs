// SPDX-License-Identifier: Apache-2.0 OR MIT

//! `kallmodsyms dump`: the symbols, or some of them, as the kernel prints them.

mod held;

use std::cmp::Reverse;
use std::io;

use clap::{Args, ValueEnum};
use kallmodsyms::table::{Entry, Facts};
use kallmodsyms::{Group, Symbol, SymbolTable, Width, glob_match};

use crate::group::GroupName;
use crate::input::{Input, Loaded, Opened};
use crate::output::Output;
use crate::{Status, help, json, names, number, say, show};
use held::Held;

const EXAMPLES: &str = "\
  kallmodsyms dump                                # all of the running kernel
  kallmodsyms dump -i saved.xz > saved            # unpack a copy, and check each line
  kallmodsyms dump --module ext4 --type tT        # the code of ext4
  kallmodsyms dump --group built-in --json        # what is built in, for a program
  kallmodsyms dump --module vmlinux --sort size --limit 10    # the largest of no module";

const STATUS: &str = "0, 1 if no symbol is left, 2 for wrong usage or an unreadable file";

/// Print symbols as the kernel does, all or some
#[derive(Args)]
#[command(
    after_help = help::text(EXAMPLES, STATUS),
    after_long_help = help::with_json(EXAMPLES, STATUS, &format!("a line for each symbol.\n{}", json::SYMBOL)),
)]
pub(crate) struct Arguments {
    #[command(flatten)]
    input: Input,
    /// Only symbols of these modules: a name or a pattern, `vmlinux` for code of no module; may be repeated
    #[arg(short, long, value_name = "GLOB", value_parser = |text: &str| Ok::<_, String>(names::module(text).into_owned()))]
    module: Vec<String>,
    /// Only symbols of these types: the letters that nm prints
    #[arg(short, long = "type", value_name = "LETTERS")]
    types: Option<String>,
    /// Only symbols that the kernel keeps there; may be repeated
    #[arg(short, long, value_name = "GROUP")]
    group: Vec<GroupName>,
    /// Only symbols of at least this many bytes: 4096, 0x1000 or 4K
    #[arg(long, value_name = "BYTES", value_parser = number::bytes)]
    min_size: Option<u64>,
    /// The order: as in the file, by address, the largest first, or by name
    #[arg(short, long, value_name = "KEY", default_value = "file")]
    sort: Sort,
    /// Turn the order round
    #[arg(long)]
    reverse: bool,
    /// Print at most this many
    #[arg(short = 'n', long, value_name = "N")]
    limit: Option<usize>,
    /// Print a JSON object for each symbol
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Sort {
    File,
    Address,
    Size,
    Name,
}

/// What was seen, for what is said in the end.
#[derive(Default)]
struct Seen {
    symbols: usize,
    printed: usize,
    any_address: bool,
}

impl Seen {
    fn add(&mut self, symbol: &Symbol<'_>) {
        self.symbols += 1;
        self.any_address |= symbol.address != 0;
    }
}

impl Arguments {
    pub(crate) fn run(&self, out: &mut Output) -> anyhow::Result<Status> {
        let seen = match self.input.load()? {
            // What can be printed as it comes is not kept.
            Loaded::Lines(file) if self.is_as_it_comes() => self.stream(out, file)?,
            Loaded::Lines(file) => self.hold(out, file)?,
            Loaded::Table(table) => self.table(out, &table)?,
        };
        if seen.printed == 0 && self.limit != Some(0) {
            let symbols = number::count(seen.symbols, "symbol");
            say(&format!("none of {symbols} is as asked for"));
        }
        // With a limit not all were looked at.
        if seen.printed > 0 && !seen.any_address && self.limit.is_none() {
            say(&format!(
                "note: all addresses in {} are zero: its reader may not see them (see sysctl kernel.kptr_restrict)",
                self.input.name()
            ));
        }
        Ok(Status::good_if(seen.printed > 0))
    }

    /// Whether no symbol has to wait for one that comes later: for its place, or to know its group.
    fn is_as_it_comes(&self) -> bool {
        self.sort == Sort::File && !self.reverse && !self.json && self.group.is_empty()
    }

    fn limit(&self) -> usize {
        self.limit.unwrap_or(usize::MAX)
    }

    fn stream(&self, out: &mut Output, file: Opened) -> anyhow::Result<Seen> {
        let Facts { sizes, width, .. } = file.first_facts();
        let mut seen = Seen::default();
        file.for_each(|symbol| {
            seen.add(symbol);
            if seen.printed < self.limit() && self.wants(symbol) {
                seen.printed += 1;
                show::line(out, &with_size(symbol, sizes), width)?;
            }
            Ok(seen.printed < self.limit())
        })?;
        Ok(seen)
    }

    fn hold(&self, out: &mut Output, file: Opened) -> anyhow::Result<Seen> {
        let Facts { sizes, width, .. } = file.first_facts();
        let mut held = Held::new(width, sizes);
        let mut seen = Seen::default();
        let facts = file.for_each(|symbol| {
            seen.add(symbol);
            held.push(&with_size(symbol, sizes), self.wants(symbol));
            Ok(true)
        })?;
        held.sort(self.sort, self.reverse);
        for (symbol, group) in held.symbols(facts.built_in_modules) {
            if seen.printed == self.limit() {
                break;
            }
            if GroupName::any(&self.group, group) {
                seen.printed += 1;
                self.print(out, &symbol, group, width)?;
            }
        }
        Ok(seen)
    }

    fn table(&self, out: &mut Output, table: &SymbolTable) -> anyhow::Result<Seen> {
        let has_all_sizes = table.iter().all(|symbol| symbol.size().is_some());
        if table.facts().sizes && !has_all_sizes && !self.json {
            say(
                "note: sizes of loaded modules are not known: no line has one, as all or none must",
            );
        }
        let mut seen = Seen::default();
        let mut wanted: Vec<Entry<'_>> = Vec::new();
        for entry in table {
            let symbol = entry.symbol();
            seen.add(&symbol);
            if self.wants(&symbol) && GroupName::any(&self.group, entry.group()) {
                wanted.push(entry);
            }
        }
        // Symbols that are equal in this order stay in that of addresses.
        match self.sort {
            Sort::File | Sort::Address => {}
            Sort::Size => wanted.sort_by_key(|entry| Reverse(entry.size())),
            Sort::Name => wanted.sort_by_key(Entry::name),
        }
        if self.reverse {
            wanted.reverse();
        }
        for entry in wanted.into_iter().take(self.limit()) {
            let mut symbol = entry.symbol();
            symbol.size = symbol.size.filter(|_| has_all_sizes || self.json);
            seen.printed += 1;
            self.print(out, &symbol, entry.group(), show::width_of(table))?;
        }
        Ok(seen)
    }

    fn print(
        &self,
        out: &mut Output,
        symbol: &Symbol<'_>,
        group: Group,
        width: Width,
    ) -> io::Result<()> {
        if self.json {
            return out.json(&json::Symbol::new(symbol, group));
        }
        show::line(out, symbol, width)
    }

    /// Whether the symbol is asked for, but for its group: that may not be known yet.
    fn wants(&self, symbol: &Symbol<'_>) -> bool {
        let has_module = |pattern: &String| {
            let pattern = pattern.as_bytes();
            if symbol.modules.is_empty() {
                return glob_match(pattern, b"vmlinux");
            }
            symbol
                .modules
                .iter()
                .any(|module| glob_match(pattern, module))
        };
        (self.module.is_empty() || self.module.iter().any(has_module))
            && self
                .types
                .as_ref()
                .is_none_or(|types| types.as_bytes().contains(&symbol.kind))
            && self
                .min_size
                .is_none_or(|least| symbol.size.is_some_and(|size| size >= least))
    }
}

/// All lines of one file have a size or none: what one line lacks is zero, as `nm -S` has it.
fn with_size<'s>(symbol: &Symbol<'s>, sizes: bool) -> Symbol<'s> {
    let mut symbol = *symbol;
    symbol.size = sizes.then(|| symbol.size.unwrap_or(0));
    symbol
}
