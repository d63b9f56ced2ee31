// SPDX-License-Identifier: Apache-2.0 OR MIT

//! `kallmodsyms lookup`: from addresses to symbols.

use std::io::{self, Write};

use anyhow::bail;
use clap::Args;
use clap::builder::NonEmptyStringValueParser;
use kallmodsyms::table::{Entry, Location};
use kallmodsyms::{Query, SymbolTable};
use serde::Serialize;

use crate::input::Input;
use crate::json::{Found, Hex};
use crate::output::{Output, Role};
use crate::{Status, help, json, number, show};

const EXAMPLES: &str = "\
  kallmodsyms lookup vfs_read+0x10          # by name, as stack traces have it: which module is it?
  kallmodsyms lookup vfs_read --all         # other names of the same code, and markers there
  kallmodsyms lookup -i System.map ffffffff81000100 0xffffffff81000200
  kallmodsyms lookup -i System.map --slide 0x1e000000 ffffffff9f000100    # as KASLR moved it";

const STATUS: &str =
    "0 if a symbol was found, 1 if none was, 2 for wrong usage or an unreadable file";

const JSON: &str = "a line for each address.
  query    the argument
  address  text, hexadecimal with 0x; null for a name that no symbol has
  symbols  the symbol, with --all all of them, innermost first; empty if there is none
  before   where there is none, the last symbol that starts below, or null
  after    where there is none, the first symbol that starts above, or null
The fields of a symbol:
  offset      how far into the symbol the address is, in bytes";

/// Print the symbol at an address, how far into it that is, and its modules
#[derive(Args)]
#[command(
    after_help = help::text(EXAMPLES, STATUS),
    after_long_help = help::with_json(EXAMPLES, STATUS, &format!("{JSON}\n{}", json::SYMBOL)),
)]
pub(crate) struct Arguments {
    #[command(flatten)]
    input: Input,
    /// Addresses in hexadecimal, with 0x or without, or names: `name`, `name+0x10`, ``module`name+0x10``
    #[arg(value_name = "ADDRESS", required = true, value_parser = NonEmptyStringValueParser::new())]
    addresses: Vec<String>,
    /// Print all symbols that contain the address, the innermost first, and markers of no size there
    #[arg(short, long)]
    all: bool,
    /// How far the kernel was moved from where the symbols say: `Kernel Offset` in its messages
    #[arg(long, value_name = "BYTES", value_parser = number::bytes, default_value = "0", hide_default_value = true)]
    slide: u64,
    /// Print a JSON object for each address
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Answer<'t> {
    query: &'t str,
    address: Option<Hex>,
    symbols: Vec<Found<'t>>,
    before: Option<json::Symbol<'t>>,
    after: Option<json::Symbol<'t>>,
}

impl Arguments {
    pub(crate) fn run(&self, out: &mut Output) -> anyhow::Result<Status> {
        let table = self.input.table()?;
        let mut found = false;
        for query in &self.addresses {
            if let Some(address) = number::address(query) {
                found |= self.address(out, &table, query, address)?;
                continue;
            }
            let Some((name, offset)) = name_and_offset(query) else {
                bail!(
                    "expected an address such as ffffffff81000000, or a name such as vfs_read+0x10, found `{query}`"
                );
            };
            let mut none = true;
            for symbol in table.find(Query::parse(name.as_bytes())) {
                none = false;
                let address = symbol
                    .address()
                    .wrapping_add(offset)
                    .wrapping_add(self.slide);
                found |= self.address(out, &table, query, address)?;
            }
            if none {
                self.no_such_name(out, query, name)?;
            }
        }
        Ok(Status::good_if(found))
    }

    /// Whether there is a symbol.
    fn address(
        &self,
        out: &mut Output,
        table: &SymbolTable,
        query: &str,
        address: u64,
    ) -> io::Result<bool> {
        let there = address.wrapping_sub(self.slide);
        let mut symbols: Vec<Entry<'_>> = if self.all {
            let markers = table.at(there).filter(|symbol| symbol.size() == Some(0));
            table.containing(there).chain(markers).collect()
        } else {
            table
                .lookup(there)
                .inside()
                .map(|(symbol, _)| symbol)
                .into_iter()
                .collect()
        };
        // Of several with one extent the first is the kernel's choice, and `--all` says them in the same order.
        symbols.dedup();
        let neighbours = match table.lookup(there) {
            Location::Outside { before, after } => (before, after),
            Location::Inside { .. } => (None, None),
        };
        if self.json {
            out.json(&Answer {
                query,
                address: Some(Hex(address)),
                symbols: symbols
                    .iter()
                    .map(|&symbol| Found::new(symbol, there - symbol.address()))
                    .collect(),
                before: neighbours.0.map(Into::into),
                after: neighbours.1.map(Into::into),
            })?;
            return Ok(!symbols.is_empty());
        }

        let digits = show::width_of(table).digits();
        let start = |out: &mut Output| {
            out.painted(Role::Address, format!("{address:0digits$x}").as_bytes())?;
            out.write_all(b" ")
        };
        for &symbol in &symbols {
            start(out)?;
            show::place(out, symbol, there - symbol.address())?;
            writeln!(out)?;
        }
        if symbols.is_empty() {
            start(out)?;
            outside(out, there, neighbours)?;
        }
        Ok(!symbols.is_empty())
    }

    fn no_such_name(&self, out: &mut Output, query: &str, name: &str) -> io::Result<()> {
        if self.json {
            return out.json(&Answer {
                query,
                address: None,
                symbols: Vec::new(),
                before: None,
                after: None,
            });
        }
        writeln!(out, "{query}: no symbol has the name {name}")
    }
}

/// Between which symbols an address lies that is in none.
fn outside(
    out: &mut Output,
    address: u64,
    neighbours: (Option<Entry<'_>>, Option<Entry<'_>>),
) -> io::Result<()> {
    out.painted(Role::Bad, b"in no symbol")?;
    let mut lead = ":";
    if let Some(before) = neighbours.0 {
        write!(
            out,
            "{lead} {:#x} after the end of ",
            address.saturating_sub(before.end())
        )?;
        show::name(out, before)?;
        lead = ",";
    }
    if let Some(after) = neighbours.1 {
        write!(out, "{lead} {:#x} before ", after.address() - address)?;
        show::name(out, after)?;
    }
    writeln!(out)
}

/// Splits `name+0x10`, and takes the `/0x20` and `[module]` that a stack trace puts behind it.
fn name_and_offset(text: &str) -> Option<(&str, u64)> {
    let text = text.split([' ', '\t']).next()?;
    let Some((name, offset)) = text.rsplit_once('+') else {
        return (!text.is_empty()).then_some((text, 0));
    };
    let offset = offset.split_once('/').map_or(offset, |(offset, _)| offset);
    let offset = match offset.strip_prefix("0x") {
        Some(hex) => u64::from_str_radix(hex, 16),
        None => offset.parse(),
    };
    Some((name, offset.ok()?)).filter(|(name, _)| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::name_and_offset;

    #[test]
    fn names_with_offsets() {
        for (text, expected) in [
            ("vfs_read", Some(("vfs_read", 0))),
            ("vfs_read+0x10", Some(("vfs_read", 16))),
            ("vfs_read+16", Some(("vfs_read", 16))),
            ("ext4`f+0x10/0x20 [ext4]", Some(("ext4`f", 16))),
            ("vfs_read+", None),
            ("vfs_read+0xg", None),
            ("+0x10", None),
            ("", None),
        ] {
            assert_eq!(name_and_offset(text), expected, "{text:?}");
        }
    }
}
