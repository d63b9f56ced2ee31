// SPDX-License-Identifier: Apache-2.0 OR MIT

//! `kallmodsyms dump`: the symbols, or some of them, as the kernel prints them.

use std::cell::Cell;
use std::cmp::Reverse;

use clap::{Args, ValueEnum};
use kallmodsyms::{Group, Symbol, Width, glob_match};

use crate::group::GroupName;
use crate::input::{Input, Loaded};
use crate::output::Output;
use crate::{Status, help, json, number, say, show};

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
    #[arg(short, long, value_name = "GLOB")]
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

impl Arguments {
    pub(crate) fn run(&self, out: &mut Output) -> anyhow::Result<Status> {
        match self.input.load()? {
            Loaded::Lines(source) => self.print(out, source.format().width, source.symbols()),
            Loaded::Table(table) => {
                let has_all_sizes = table.iter().all(|symbol| symbol.size().is_some());
                if table.facts().sizes && !has_all_sizes && !self.json {
                    say(
                        "note: sizes of loaded modules are not known: no line has one, as all or none must",
                    );
                }
                let symbols = table.iter().map(|entry| {
                    let mut symbol = entry.symbol();
                    symbol.size = symbol.size.filter(|_| has_all_sizes || self.json);
                    Ok((symbol, entry.group()))
                });
                self.print(out, show::width_of(&table), symbols)
            }
        }
    }

    fn print<'s>(
        &self,
        out: &mut Output,
        width: Width,
        symbols: impl Iterator<Item = anyhow::Result<(Symbol<'s>, Group)>>,
    ) -> anyhow::Result<Status> {
        let hidden = Cell::new(true);
        let seen = Cell::new(0);
        let wanted = symbols
            .inspect(|symbol| {
                if let Ok((symbol, _)) = symbol {
                    hidden.set(hidden.get() && symbol.address == 0);
                    seen.set(seen.get() + 1);
                }
            })
            .filter(|symbol| match symbol {
                Ok((symbol, group)) => self.wants(symbol, *group),
                Err(_) => true,
            });
        let ordered: Box<dyn Iterator<Item = _>> = if self.sort == Sort::File && !self.reverse {
            Box::new(wanted)
        } else {
            let mut symbols = wanted.collect::<Result<Vec<_>, _>>()?;
            self.sort(&mut symbols);
            Box::new(symbols.into_iter().map(Ok))
        };
        let mut printed = 0;
        for symbol in ordered.take(self.limit.unwrap_or(usize::MAX)) {
            let (symbol, group) = symbol?;
            if self.json {
                out.json(&json::Symbol::new(&symbol, group))?;
            } else {
                show::line(out, &symbol, width)?;
            }
            printed += 1;
        }
        if printed == 0 && self.limit != Some(0) {
            let seen = number::count(seen.get(), "symbol");
            say(&format!("none of {seen} is as asked for"));
        }
        // With a limit not all were looked at.
        if printed > 0 && hidden.get() && self.limit.is_none() {
            say(&format!(
                "note: all addresses in {} are zero: its reader may not see them (see sysctl kernel.kptr_restrict)",
                self.input.name()
            ));
        }
        Ok(Status::good_if(printed > 0))
    }

    fn wants(&self, symbol: &Symbol<'_>, group: Group) -> bool {
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
            && GroupName::any(&self.group, group)
            && self
                .types
                .as_ref()
                .is_none_or(|types| types.as_bytes().contains(&symbol.kind))
            && self
                .min_size
                .is_none_or(|least| symbol.size.is_some_and(|size| size >= least))
    }

    /// Symbols that are equal in this order stay as they are in the file.
    fn sort(&self, symbols: &mut [(Symbol<'_>, Group)]) {
        match self.sort {
            Sort::File => {}
            Sort::Address => symbols.sort_by_key(|(symbol, _)| symbol.address),
            Sort::Size => symbols.sort_by_key(|(symbol, _)| Reverse(symbol.size)),
            Sort::Name => symbols.sort_by_key(|(symbol, _)| symbol.name),
        }
        if self.reverse {
            symbols.reverse();
        }
    }
}
