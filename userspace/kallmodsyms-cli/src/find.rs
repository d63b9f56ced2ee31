// SPDX-License-Identifier: Apache-2.0 OR MIT

//! `kallmodsyms find`: from names to symbols.

mod pasted;

use std::cell::Cell;
use std::io::{self, Write};

use clap::Args;
use clap::builder::NonEmptyStringValueParser;
use kallmodsyms::{Query, SymbolTable, Width};

use crate::demangle::Demangle;
use crate::input::Input;
use crate::names::Search;
use crate::output::Output;
use crate::reference::{self, Other};
use crate::{Status, help, json, names, number, say, show, suggest};

const EXAMPLES: &str = "\
  kallmodsyms find vfs_read                 # by its exact name
  kallmodsyms find 'ext4`ext4_*'            # of a module, by a pattern
  kallmodsyms find 'vmlinux`*_init' --json  # of no module, for a program
  kallmodsyms find --ignore-case '*MUTEX_LOCK*'
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
    /// Names, whole and exact, also those of Rust's source; `*`, `?` and `[a-z]` make a pattern. Before a backquote
    /// stands a module, or `vmlinux` for code of no module
    ///
    /// What no symbol has as it stands is taken as pasted: quotes, `f(struct file *)`, `module:f`, `f [module]`, a line
    /// of kallsyms, several such as `a,b` and `vfs_{read,write}`.
    #[arg(value_name = "NAME", required = true, value_parser = NonEmptyStringValueParser::new())]
    names: Vec<String>,
    /// Where no symbol has exactly the name, take those that a compiler renamed to NAME.llvm.HASH, NAME.cfi and the
    /// like
    #[arg(long)]
    fold_llvm: bool,
    /// Take upper and lower case for the same
    #[arg(long)]
    ignore_case: bool,
    #[command(flatten)]
    demangle: Demangle,
    /// Print a JSON object for each symbol
    #[arg(long)]
    json: bool,
}

impl Arguments {
    pub(crate) fn run(&self, out: &mut Output) -> anyhow::Result<Status> {
        self.demangle.apply(out);
        let table = self.input.table()?;
        let finder = Finder {
            arguments: self,
            table: &table,
            width: show::width_of(&table),
            search: Search {
                ignore_case: self.ignore_case,
                fold: self.fold_llvm,
            },
            suggestions: Cell::new(SUGGESTIONS),
        };
        let mut found = false;
        for name in &self.names {
            found |= finder.print(out, name)?;
        }
        Ok(Status::good_if(found))
    }
}

/// For how many names to say what may have been meant: each time all names are compared.
const SUGGESTIONS: u32 = 16;

/// Prints the symbols of one name after the other.
struct Finder<'t> {
    arguments: &'t Arguments,
    table: &'t SymbolTable,
    width: Width,
    search: Search,
    suggestions: Cell<u32>,
}

impl Finder<'_> {
    /// Prints the symbols of a name, or of each that a text lists. Whether there are any.
    fn print(&self, out: &mut Output, text: &str) -> io::Result<bool> {
        if self.print_one(out, text)? || self.print_one(out, &pasted::query(text))? {
            return Ok(true);
        }
        let names = pasted::names(text);
        let is_list = names.len() > 1;
        let mut found = false;
        for name in &names {
            if self.print_one(out, &pasted::query(name))? {
                found = true;
            } else {
                self.miss(out, if is_list { name } else { text })?;
            }
        }
        Ok(found)
    }

    fn print_one(&self, out: &mut Output, query: &str) -> io::Result<bool> {
        let symbols = self.search.symbols(self.table, query);
        for &symbol in &symbols {
            if self.arguments.json {
                out.json(&json::Symbol::from(symbol))?;
            } else {
                show::line(out, &symbol.symbol(), self.width)?;
            }
        }
        Ok(!symbols.is_empty())
    }

    /// Tells the user that no symbol has a name, and what may have been meant.
    fn miss(&self, out: &mut Output, name: &str) -> io::Result<()> {
        let hint = match self.suggestions.get() {
            0 => None,
            left => {
                self.suggestions.set(left - 1);
                hint(self.table, name, self.search)
            }
        };
        let hint = hint.map_or(String::new(), |hint| format!(" ({hint})"));
        out.flush()?;
        say(&format!("no symbol is called {name}{hint}"));
        Ok(())
    }
}

/// What the user may have meant.
fn hint(table: &SymbolTable, name: &str, search: Search) -> Option<String> {
    if let Some(other) = Other::of(name) {
        return Some(other.message(name));
    }
    if pasted::is_place(name) {
        return Some(format!(
            "for addresses and places in symbols there is `kallmodsyms lookup '{name}'`"
        ));
    }
    let is_line = name.contains(char::is_whitespace) && reference::place(name).bracket.is_none();
    let mut words = reference::names(name);
    if is_line && words.any(|word| table.named(word.name.as_bytes()).next().is_some()) {
        return Some(format!(
            "for pasted lines there is `kallmodsyms lookup '{name}'`"
        ));
    }
    let word = names::module(reference::bare(name));
    if table.module(word.as_bytes()).is_some() {
        return Some(format!("it is a module: its symbols are '{word}`*'"));
    }
    let pattern = pasted::as_shell_pattern(name);
    let name = &pasted::query(name);
    let query = Query::parse(name.as_bytes());
    let module = query.module().map(String::from_utf8_lossy);
    let module = module.as_deref();
    if let Some(wrong) = module.and_then(|module| suggest::module(table, module)) {
        return Some(wrong);
    }
    if query.name().is_empty() {
        let module = module.unwrap_or("ext4");
        return Some(format!(
            "expected a name or a pattern, such as '{module}`*' for all symbols of a module"
        ));
    }
    let some = |search: Search, name: &str| !search.symbols(table, name).is_empty();
    let folding = Search {
        fold: true,
        ..search
    };
    if some(folding, name) {
        return Some("with --fold-llvm some are".into());
    }
    let ignoring = Search {
        ignore_case: true,
        ..search
    };
    if some(ignoring, name) {
        return Some("with --ignore-case some are".into());
    }
    if let Some(pattern) = pattern.filter(|pattern| some(search, pattern)) {
        return Some(format!("patterns are those of a shell: try '{pattern}'"));
    }
    if query.name_is_pattern() {
        return None;
    }
    let alone = String::from_utf8_lossy(query.name());
    if module.is_some() && some(search, &alone) {
        return Some(format!("without the module some are: try {alone}"));
    }
    if let Some(question) = suggest::symbol(table, module, &alone) {
        return Some(question);
    }
    let lead = module.map_or(String::new(), |module| format!("{module}`"));
    let part = format!("{lead}*{alone}*");
    match search.symbols(table, &part).len() {
        0 => module.map(|module| format!("the symbols of {module} are '{module}`*'")),
        some => Some(format!(
            "{} with this in the name: try '{part}'",
            number::count(some, "symbol")
        )),
    }
}
