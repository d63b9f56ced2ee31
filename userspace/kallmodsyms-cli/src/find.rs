// SPDX-License-Identifier: Apache-2.0 OR MIT

//! `kallmodsyms find`: from names to symbols.

use clap::Args;
use clap::builder::NonEmptyStringValueParser;
use kallmodsyms::table::Entry;
use kallmodsyms::{Query, SymbolTable};

use crate::input::Input;
use crate::output::Output;
use crate::{Status, help, json, number, say, show};

const EXAMPLES: &str = "\
  kallmodsyms find vfs_read                 # by its exact name
  kallmodsyms find 'ext4`ext4_*'            # of a module, by a pattern
  kallmodsyms find 'vmlinux`*_init' --json  # of no module, for a program
  kallmodsyms find vfs_read vfs_write       # several";

const STATUS: &str =
    "0 if a symbol was found, 1 if none was, 2 for wrong usage or an unreadable file";

/// Print the symbols of a name, of a name in a module, or of a pattern, as the kernel prints them
#[derive(Args)]
#[command(
    after_help = help::text(EXAMPLES, STATUS),
    after_long_help = help::with_json(EXAMPLES, STATUS, &format!("a line for each symbol.\n{}", json::SYMBOL)),
)]
pub(crate) struct Arguments {
    #[command(flatten)]
    input: Input,
    /// Names, whole and exact; `*`, `?` and `[a-z]` make a pattern. Before a backquote stands a module, or `vmlinux`
    /// for code of no module
    #[arg(value_name = "NAME", required = true, value_parser = NonEmptyStringValueParser::new())]
    names: Vec<String>,
    /// Where no symbol has exactly the name, take those that a compiler renamed to NAME.llvm.HASH
    #[arg(long)]
    fold_llvm: bool,
    /// Print a JSON object for each symbol
    #[arg(long)]
    json: bool,
}

impl Arguments {
    pub(crate) fn run(&self, out: &mut Output) -> anyhow::Result<Status> {
        let table = self.input.table()?;
        let width = show::width_of(&table);
        let mut found = false;
        for name in &self.names {
            let symbols = self.symbols(&table, name);
            if symbols.is_empty() {
                say(&format!("no symbol is called {name}{}", hint(&table, name)));
            }
            for symbol in symbols {
                found = true;
                if self.json {
                    out.json(&json::Symbol::from(symbol))?;
                } else {
                    show::line(out, &symbol.symbol(), width)?;
                }
            }
        }
        Ok(Status::good_if(found))
    }

    fn symbols<'t>(&self, table: &'t SymbolTable, name: &'t str) -> Vec<Entry<'t>> {
        let query = Query::parse(name.as_bytes());
        let exact: Vec<_> = table.find(query).collect();
        if exact.is_empty() && self.fold_llvm {
            return folded(table, name);
        }
        exact
    }
}

/// The symbols that a compiler renamed from this name, in the module if one is named: an exact one in another module is
/// none of them, so [`SymbolTable::named_folded`] would not do.
fn folded<'t>(table: &'t SymbolTable, name: &str) -> Vec<Entry<'t>> {
    let renamed = format!("{name}.llvm.*");
    let query = Query::parse(renamed.as_bytes());
    let has_hash = |symbol: &Entry<'_>| {
        let hash = symbol.name().rsplit(|&byte| byte == b'.').next();
        hash.is_some_and(|hash| !hash.is_empty() && hash.iter().all(u8::is_ascii_digit))
    };
    table
        .iter()
        .filter(|&symbol| query.matches(symbol) && has_hash(&symbol))
        .collect()
}

/// What the user may have meant.
fn hint(table: &SymbolTable, name: &str) -> String {
    let query = Query::parse(name.as_bytes());
    if query.name_is_pattern() {
        return String::new();
    }
    if !folded(table, name).is_empty() {
        return " (with --fold-llvm some are)".into();
    }
    if table.named(query.name()).next().is_some() {
        return format!(
            " (without the module some are: try {})",
            query.name().escape_ascii()
        );
    }
    let part = [b"*", query.name(), b"*"].concat();
    match table.find(Query::parse(&part)).count() {
        0 => String::new(),
        some => format!(
            " ({} with this in the name: try '{}')",
            number::count(some, "symbol"),
            part.escape_ascii()
        ),
    }
}
