// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Asks drgn what the crate is asked, of every symbol of every capture, and compares. Prints KTAP.
//!
//! drgn has its own parser and its own indexes. It reads `/proc/kallsyms` alone, where it takes the distance to the
//! next line for the size of a symbol; sized symbols it is handed one by one, and finds them with an index for symbols
//! that overlap. So with sizes the answers have to be the same. Without, they differ where guessed sizes do, and every
//! difference has to be one of those in [`Reason`].

mod drgn;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::process::ExitCode;
use std::{env, fmt, str};

use drgn::{Question, Symbol, ask};
use kallmodsyms::table::Entry;
use kallmodsyms::{Binding, Kind, SymbolTable};
use kallmodsyms_captures::Capture;

fn main() -> ExitCode {
    let Some(python) = env::args().nth(1) else {
        eprintln!("usage: kallmodsyms-second-opinion PYTHON (one that has drgn)");
        return ExitCode::from(2);
    };
    let captures = match Capture::all() {
        Ok(captures) => captures,
        Err(error) => {
            eprintln!("error: {error}");
            return ExitCode::from(2);
        }
    };
    let mut results = vec![("letters".to_string(), letters(&python))];
    for capture in captures {
        let mut add = |what, result| results.push((format!("{capture} {what}"), result));
        match Tables::load(&capture) {
            Ok(tables) => {
                add("symbols", symbols(&python, &tables));
                add("names", names(&python, &tables));
                add(
                    "addresses with sizes",
                    addresses_with_sizes(&python, &tables),
                );
                add(
                    "addresses without sizes",
                    addresses_without_sizes(&python, &tables),
                );
            }
            Err(error) => add("capture", Err(error)),
        }
    }
    println!("KTAP version 1\n1..{}", results.len());
    let mut failed = false;
    for (number, (name, result)) in results.iter().enumerate() {
        let (ok, text) = match result {
            Ok(text) => ("ok", text),
            Err(text) => ("not ok", text),
        };
        failed |= result.is_err();
        for line in text.lines() {
            println!("# {line}");
        }
        println!("{ok} {} {name}", number + 1);
    }
    ExitCode::from(u8::from(failed))
}

/// What a comparison found, or what was different.
type Outcome = Result<String, String>;

/// Both files of a boot, and our tables of them.
struct Tables {
    kallsyms: Vec<u8>,
    kallmodsyms: Vec<u8>,
    without_sizes: SymbolTable,
    with_sizes: SymbolTable,
}

impl Tables {
    fn load(capture: &Capture) -> Result<Self, String> {
        let read = |file| capture.read(file).map_err(|error| error.to_string());
        let table =
            |bytes: &[u8]| SymbolTable::from_bytes(bytes).map_err(|error| error.to_string());
        let (kallsyms, kallmodsyms) = (read("kallsyms")?, read("kallmodsyms")?);
        Ok(Self {
            without_sizes: table(&kallsyms)?,
            with_sizes: table(&kallmodsyms)?,
            kallsyms,
            kallmodsyms,
        })
    }
}

/// drgn's name for a binding.
fn binding(letter: u8) -> &'static str {
    match Binding::of_letter(letter) {
        Binding::Global => "GLOBAL",
        Binding::Weak => "WEAK",
        Binding::Unique => "UNIQUE",
        _ => "UNKNOWN",
    }
}

/// drgn's name for a kind.
fn kind(letter: u8) -> &'static str {
    match Kind::of_letter(letter) {
        Kind::Function => "FUNC",
        Kind::Object => "OBJECT",
        _ => "UNKNOWN",
    }
}

/// Every letter there is means the same to both.
fn letters(python: &str) -> Outcome {
    let letters = || (b'A'..=b'Z').chain(b'a'..=b'z').chain([b'?']);
    let line = |letter| format!("ffffffff81000000 {0} letter_{0}\n", char::from(letter));
    let file: String = letters().map(line).collect();
    let answers = ask(python, file.as_bytes(), &[Question::All])?;
    let found: BTreeSet<(&str, &str, &str)> = answers[0]
        .iter()
        .map(|symbol| (&*symbol.name, &*symbol.binding, &*symbol.kind))
        .collect();
    let names: Vec<String> = letters()
        .map(|letter| format!("letter_{}", char::from(letter)))
        .collect();
    let expected = letters().zip(&names);
    let expected = expected.map(|(letter, name)| (name.as_str(), binding(letter), kind(letter)));
    same(&expected.collect(), &found)?;
    Ok(format!("{} letters", found.len()))
}

/// Both read the same symbols from kallsyms, with the same meaning of the letters.
fn symbols(python: &str, tables: &Tables) -> Outcome {
    let answers = ask(python, &tables.kallsyms, &[Question::All])?;
    let mut found: Vec<_> = answers[0]
        .iter()
        .map(|symbol| {
            (
                symbol.address,
                &*symbol.name,
                &*symbol.binding,
                &*symbol.kind,
            )
        })
        .collect();
    let ours = tables.without_sizes.iter().map(|entry| {
        let letter = entry.letter();
        (entry.address(), text(entry), binding(letter), kind(letter))
    });
    let mut ours: Vec<_> = ours.collect();
    ours.sort_unstable();
    found.sort_unstable();
    same(&ours, &found)?;
    Ok(format!("{} symbols", ours.len()))
}

/// Each name there is finds the same symbols, and names that are nearly one find none.
fn names(python: &str, tables: &Tables) -> Outcome {
    let table = &tables.with_sizes;
    let names: BTreeSet<&str> = table.iter().map(text).collect();
    let wrong = names
        .iter()
        .flat_map(|name| [format!("{name}_"), name[1..].to_string()]);
    let wrong: Vec<String> = wrong
        .filter(|name| !name.is_empty() && !names.contains(name.as_str()))
        .collect();
    let asked = || {
        names
            .iter()
            .copied()
            .chain(wrong.iter().map(String::as_str))
    };
    let questions: Vec<_> = asked().map(Question::Name).collect();
    let answers = ask(python, &tables.kallmodsyms, &questions)?;
    let mut symbols = 0;
    for (name, found) in asked().zip(&answers) {
        let ours = sorted(table.named(name.as_bytes()));
        same(&ours, &extents(found)).map_err(|error| format!("{name}: {error}"))?;
        symbols += ours.len();
    }
    if symbols != table.len() {
        return Err(format!("{symbols} symbols found, of {}", table.len()));
    }
    let (names, wrong) = (names.len(), wrong.len());
    Ok(format!(
        "{names} names have {symbols} symbols, {wrong} that are nearly one have none"
    ))
}

/// Where symbols have sizes, the same ones contain an address.
fn addresses_with_sizes(python: &str, tables: &Tables) -> Outcome {
    let table = &tables.with_sizes;
    let addresses = addresses(table);
    let questions: Vec<_> = addresses.iter().copied().map(Question::Address).collect();
    let answers = ask(python, &tables.kallmodsyms, &questions)?;
    let (mut inside, mut nested) = (0, 0);
    for (&address, found) in addresses.iter().zip(&answers) {
        let ours = sorted(table.containing(address));
        same(&ours, &extents(found)).map_err(|error| format!("{address:#x}: {error}"))?;
        // The innermost starts last; of those that start there it is the smallest.
        let innermost = table.lookup(address).inside();
        let innermost = innermost.map(|(symbol, _)| (symbol.address(), symbol.size()));
        let starts_last = ours
            .iter()
            .max_by_key(|(start, size, _)| (start, Reverse(size)));
        same(
            &[innermost],
            &[starts_last.map(|&(start, size, _)| (start, Some(size)))],
        )
        .map_err(|error| format!("{address:#x}: {error}"))?;
        inside += usize::from(!ours.is_empty());
        nested += usize::from(ours.len() > 1);
    }
    let count = addresses.len();
    Ok(format!(
        "{count} addresses, {inside} of them in a symbol, {nested} in several: all the same"
    ))
}

/// Why drgn may find another symbol at an address than we do, where sizes are not known.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Reason {
    /// Of several symbols at one address, which we all name, drgn names the last one of the file.
    Aliases,
    /// The next symbol is 64 KiB or more away, and drgn takes such a symbol for an empty one.
    Long,
    /// The next symbol is of another module, or there is none. drgn makes the symbol empty, we end it with its page.
    LastOfModule,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Aliases => "drgn names one of several symbols at one address",
            Self::Long => "drgn keeps no size of 64 KiB or more",
            Self::LastOfModule => "drgn gives no size to the last line of a module",
        })
    }
}

/// Where symbols have no sizes, the same one contains an address, but for the differences that have a reason.
///
/// drgn ends a symbol where the next line says, if that stands higher, and the lines of loaded modules are in no order.
/// So it gets them sorted.
fn addresses_without_sizes(python: &str, tables: &Tables) -> Outcome {
    let table = &tables.without_sizes;
    let mut lines: Vec<&[u8]> = tables
        .kallsyms
        .split_inclusive(|&byte| byte == b'\n')
        .collect();
    lines.sort_by_key(|line| line.split(|&byte| byte == b' ').next());
    let addresses = addresses(table);
    let questions: Vec<_> = addresses.iter().copied().map(Question::Address).collect();
    let answers = ask(python, &lines.concat(), &questions)?;
    let mut reasons = BTreeMap::new();
    let mut agreed = 0;
    for (&address, found) in addresses.iter().zip(&answers) {
        let ours: Vec<_> = table.containing(address).collect();
        let named = ours.iter().map(|&entry| (entry.address(), text(entry)));
        let theirs = found.iter().map(|symbol| (symbol.address, &*symbol.name));
        let (named, theirs): (BTreeSet<Name<'_>>, BTreeSet<_>) =
            (named.collect(), theirs.collect());
        if named == theirs {
            agreed += 1;
        } else if let Some(reason) = reason(table, &ours, &named, &theirs) {
            *reasons.entry(reason).or_insert(0) += 1;
        } else {
            return Err(format!(
                "{address:#x}: we say {named:x?}, drgn says {theirs:x?}, for no reason that is known"
            ));
        }
    }
    let mut lines = vec![format!("{} addresses, {agreed} the same", addresses.len())];
    lines.extend(
        reasons
            .iter()
            .map(|(reason, count)| format!("{count}: {reason}")),
    );
    Ok(lines.join("\n"))
}

/// Which symbol, where several have one name.
type Name<'a> = (u64, &'a str);

/// `named` is the names of `ours`.
fn reason(
    table: &SymbolTable,
    ours: &[Entry<'_>],
    named: &BTreeSet<Name<'_>>,
    theirs: &BTreeSet<Name<'_>>,
) -> Option<Reason> {
    if theirs.len() == 1 && theirs.is_subset(named) {
        return Some(Reason::Aliases);
    }
    // Of symbols at one address the last decides how far they reach, for both.
    let symbol = ours.last().filter(|_| theirs.is_empty())?;
    let mut above = table.range((Bound::Excluded(symbol.address()), Bound::Unbounded));
    match above.next() {
        Some(next) if next.modules() == symbol.modules() => {
            (next.address() - symbol.address() >= 0x1_0000).then_some(Reason::Long)
        }
        _ => Some(Reason::LastOfModule),
    }
}

/// The start of every symbol, addresses inside it, its last byte and the one after, and the one before.
fn addresses(table: &SymbolTable) -> BTreeSet<u64> {
    let around = |entry: Entry<'_>| {
        let (start, end) = (entry.address(), entry.end());
        let middle = start.midpoint(end);
        [
            start.saturating_sub(1),
            start,
            middle,
            end.saturating_sub(1),
            end,
        ]
    };
    table.iter().flat_map(around).collect()
}

/// Where a symbol starts, how long it is, and its name.
type Extent<'a> = (u64, u64, &'a str);

fn extent(entry: Entry<'_>) -> Extent<'_> {
    (entry.address(), entry.size().unwrap_or(0), text(entry))
}

fn sorted<'a>(entries: impl Iterator<Item = Entry<'a>>) -> Vec<Extent<'a>> {
    let mut extents: Vec<_> = entries.map(extent).collect();
    extents.sort_unstable();
    extents
}

fn extents(symbols: &[Symbol]) -> Vec<Extent<'_>> {
    let extents = symbols.iter();
    let extents = extents.map(|symbol| (symbol.address, symbol.size, &*symbol.name));
    let mut extents: Vec<_> = extents.collect();
    extents.sort_unstable();
    extents
}

/// The captures have no name that is not text, and a made-up one is found nowhere.
fn text(entry: Entry<'_>) -> &str {
    str::from_utf8(entry.name()).unwrap_or("<not UTF-8>")
}

/// The first difference of two collections in the same order.
fn same<'a, C, T>(ours: &'a C, theirs: &'a C) -> Result<(), String>
where
    &'a C: IntoIterator<Item = &'a T>,
    T: PartialEq + fmt::Debug + 'a,
{
    let mut theirs = theirs.into_iter();
    for ours in ours {
        let next = theirs.next();
        if next != Some(ours) {
            return Err(format!("we say {ours:x?}, drgn says {next:x?}"));
        }
    }
    match theirs.next() {
        Some(next) => Err(format!("drgn alone says {next:x?}")),
        None => Ok(()),
    }
}
