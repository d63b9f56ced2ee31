// SPDX-License-Identifier: Apache-2.0 OR MIT

//! `kallmodsyms find`: from names to symbols.

use clap::Args;
use clap::builder::NonEmptyStringValueParser;
use kallmodsyms::{Query, SymbolTable};

use crate::demangle::Demangle;
use crate::input::Input;
use crate::names::Search;
use crate::output::Output;
use crate::{Status, help, json, number, reference, say, show, suggest};

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
        let width = show::width_of(&table);
        let search = Search {
            ignore_case: self.ignore_case,
            fold: self.fold_llvm,
        };
        let mut found = false;
        for name in &self.names {
            let mut symbols = search.symbols(&table, name);
            if symbols.is_empty() {
                symbols = search.symbols(&table, &as_query(name));
            }
            if symbols.is_empty() {
                let hint = hint(&table, name, search);
                let hint = hint.map_or(String::new(), |hint| format!(" ({hint})"));
                say(&format!("no symbol is called {name}{hint}"));
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
}

/// What other tools write, as a query: `vfs_read()`, `ext4:ext4_*`, `ext4!ext4_probe`, `ext4_probe [ext4]`, a line of
/// /proc/kallsyms.
fn as_query(text: &str) -> String {
    let text = text.trim().replace('\t', " ");
    let text = without_address(&text).unwrap_or(&text);
    // The stars of a list of parameters are no pattern.
    let before = text.split('(').next().unwrap_or(text);
    let is_pattern = before.contains(['*', '?', '[']) && !text.contains(" [");
    // A list of parameters goes with its parenthesis.
    let name = match text.split_once(" [") {
        _ if is_pattern || text.contains("::") => text.strip_suffix("()").unwrap_or(text).into(),
        Some((name, bracket)) => format!("{} [{bracket}", reference::bare(name)),
        None => reference::bare(text).to_string(),
    };
    let place = reference::place(&name);
    let module = place.module.or(place.bracket);
    let module = module.map(|module| module.strip_suffix(".ko").unwrap_or(module));
    match module {
        // DTrace calls so whatever is built in.
        Some("kernel") => place.name.into(),
        Some(module) if place.offset.is_none() => {
            format!("{}`{}", reference::module(module), place.name)
        }
        _ if place.offset.is_none() => place.name.into(),
        _ => text.into(),
    }
}

/// A line of a symbol file without address, size and type.
fn without_address(line: &str) -> Option<&str> {
    let is_type = |word: &str| matches!(word.as_bytes(), [letter] if letter.is_ascii_alphabetic());
    let is_number = |word: &str| number::hex(word.as_bytes()).is_some();
    let (address, rest) = line.split_once(' ')?;
    if address.len() < 8 || !is_number(address) {
        return None;
    }
    let (first, rest) = rest.split_once(' ')?;
    // A size such as `a` may look like a type.
    match rest.split_once(' ') {
        Some((second, name)) if is_number(first) && is_type(second) && !name.starts_with('[') => {
            Some(name)
        }
        _ => is_type(first).then_some(rest),
    }
}

/// What the user may have meant.
fn hint(table: &SymbolTable, name: &str, search: Search) -> Option<String> {
    let is_address = name.len() >= 8 && reference::address(name).is_some();
    if is_address || reference::references(name).next().is_some() {
        return Some(format!(
            "for addresses and places in symbols there is `kallmodsyms lookup '{name}'`"
        ));
    }
    if name.contains([',', '|', '{']) {
        return Some(
            "several names are several arguments, each in quotes where it has signs".into(),
        );
    }
    let word = reference::bare(name);
    let word = word.strip_suffix('`').unwrap_or(word);
    if table.module(word.as_bytes()).is_some() {
        return Some(format!("it is a module: its symbols are '{word}`*'"));
    }
    if word.is_empty() || name.starts_with('`') {
        return Some(
            "before a backquote stands a module, and behind it a name: 'ext4`ext4_*'".into(),
        );
    }
    let query = Query::parse(name.as_bytes());
    let module = query.module().map(String::from_utf8_lossy);
    if let Some(wrong) = module.and_then(|module| suggest::module(table, &module)) {
        return Some(wrong);
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
    if let Some(pattern) = as_shell_pattern(name).filter(|pattern| some(search, pattern)) {
        return Some(format!("patterns are those of a shell: try '{pattern}'"));
    }
    if query.name_is_pattern() {
        return None;
    }
    let alone = String::from_utf8_lossy(query.name());
    if query.module().is_some() && some(search, &alone) {
        return Some(format!("without the module some are: try {alone}"));
    }
    let question = match query.module() {
        Some(module) => suggest::symbol_of(table, module, &alone),
        None => suggest::symbol(table, &alone),
    };
    if question.is_some() {
        return question;
    }
    let module = query.module().map(String::from_utf8_lossy);
    let module = module.map_or(String::new(), |module| format!("{module}`"));
    let part = format!("{module}*{alone}*");
    match search.symbols(table, &part).len() {
        0 => None,
        some => Some(format!(
            "{} with this in the name: try '{part}'",
            number::count(some, "symbol")
        )),
    }
}

/// A regular expression of the simplest kind, as a pattern: `/^ext4_.*$/`.
fn as_shell_pattern(expression: &str) -> Option<String> {
    let is_expression = expression.contains(".*")
        || expression.starts_with(['/', '^'])
        || expression.ends_with('$');
    if !is_expression {
        return None;
    }
    let inner = expression
        .strip_prefix('/')
        .and_then(|inner| inner.strip_suffix('/'));
    let inner = inner.unwrap_or(expression);
    let (start, inner) = match inner.strip_prefix('^') {
        Some(rest) => ("", rest),
        None => ("*", inner),
    };
    let (inner, end) = match inner.strip_suffix('$') {
        Some(rest) => (rest, ""),
        None => (inner, "*"),
    };
    let pattern = [start, &inner.replace(".*", "*").replace('.', "?"), end].concat();
    // Two stars are one.
    Some(pattern.replace("**", "*"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_ways_to_write_a_query() {
        for (text, expected) in [
            ("vfs_read()", "vfs_read"),
            ("ext4:ext4_*", "ext4`ext4_*"),
            ("ext4!ext4_probe", "ext4`ext4_probe"),
            ("ext4_probe [ext4]", "ext4`ext4_probe"),
            ("kprobe:vfs_read", "vfs_read"),
            ("ext4`f", "ext4`f"),
            ("ti-cpsw`f", "ti_cpsw`f"),
            ("[a-c]*`f", "[a-c]*`f"),
            ("*f*", "*f*"),
            ("a::b", "a::b"),
            ("vfs_read+0x10", "vfs_read+0x10"),
            ("'vfs_read'", "vfs_read"),
            ("b'vfs_read'", "vfs_read"),
            ("<vfs_read>", "vfs_read"),
            ("&vfs_read;", "vfs_read"),
            ("vfs_read(struct file *, size_t)", "vfs_read"),
            ("ext4.ko:ext4_probe", "ext4`ext4_probe"),
            ("kernel`vfs_read", "vfs_read"),
            ("ffffffff81000000 T vfs_read", "vfs_read"),
            (
                "ffffffff81000000 1a t ext4_probe\t[ext4]",
                "ext4`ext4_probe",
            ),
            ("ffffffff81000000 a t f [ext4]", "ext4`f"),
        ] {
            assert_eq!(as_query(text), expected, "{text}");
        }
    }

    #[test]
    fn regular_expressions() {
        for (text, expected) in [
            ("/ext4_.*/", "*ext4_*"),
            ("^ext4_.*", "ext4_*"),
            ("^vfs_rea.$", "vfs_rea?"),
            (".*_init$", "*_init"),
        ] {
            assert_eq!(as_shell_pattern(text).as_deref(), Some(expected), "{text}");
        }
    }
}
