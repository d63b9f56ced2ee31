// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Symbols by every form of their names: the kernel's own, those before a compiler renamed them, those of Rust's source.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::hash::{DefaultHasher, Hash, Hasher};

use kallmodsyms::table::Entry;
use kallmodsyms::{Query, SymbolTable, glob_match};

use crate::demangle::{demangled, with_hashes};

/// The name of a module as the kernel has it: modprobe and files have hyphens too, lsmod has none. In a pattern's
/// brackets a hyphen has a meaning of its own.
pub(crate) fn module(text: &str) -> Cow<'_, str> {
    let file = text.rsplit('/').next().unwrap_or(text);
    let name = file.find(".ko").map_or(file, |end| &file[..end]);
    if !name.contains('-') {
        return name.into();
    }
    let mut is_in_brackets = false;
    let underscored = name.chars().map(|letter| {
        is_in_brackets = (is_in_brackets || letter == '[') && letter != ']';
        if letter == '-' && !is_in_brackets {
            '_'
        } else {
            letter
        }
    });
    underscored.collect::<String>().into()
}

/// How names are looked for.
#[derive(Clone, Copy)]
pub(crate) struct Search {
    pub(crate) ignore_case: bool,
    /// Whether, where no name is exactly as asked for, what a compiler appended is left out.
    pub(crate) fold: bool,
}

impl Search {
    /// The symbols of a name or a pattern, possibly of a module, as [`Query`] has it, in address order.
    pub(crate) fn symbols<'t>(self, table: &'t SymbolTable, text: &str) -> Vec<Entry<'t>> {
        let text = self.cased(text.as_bytes());
        let query = Query::parse(&text);
        let mut found = self.by_name(table, query);
        if query.name_is_pattern() || (found.is_empty() && may_be_rust(query.name())) {
            let wanted = |name: &[u8]| matches(query.name(), &self.cased(name));
            let rust = table.iter().filter(|symbol| {
                has_form_of_rust(symbol.name(), wanted) && self.is_of_module(query, *symbol)
            });
            found.extend(rust);
            found.sort_by_key(Entry::index);
            found.dedup();
        }
        found
    }

    fn by_name<'t>(self, table: &'t SymbolTable, query: Query<'_>) -> Vec<Entry<'t>> {
        if !self.ignore_case {
            return if self.fold {
                table.find_folded(query).collect()
            } else {
                table.find(query).collect()
            };
        }
        let by = |name: fn(&Entry<'t>) -> &'t [u8]| -> Vec<Entry<'t>> {
            let symbols = table.iter().filter(|symbol| {
                matches(query.name(), &self.cased(name(symbol)))
                    && self.is_of_module(query, *symbol)
            });
            symbols.collect()
        };
        let exact = by(Entry::name);
        if exact.is_empty() && self.fold {
            by(Entry::folded_name)
        } else {
            exact
        }
    }

    fn is_of_module(self, query: Query<'_>, symbol: Entry<'_>) -> bool {
        let Some(module) = query.module() else {
            return true;
        };
        let modules = symbol.modules();
        if modules.is_empty() {
            return matches(module, b"vmlinux");
        }
        modules
            .iter()
            .any(|name| matches(module, &self.cased(name)))
    }

    fn cased(self, text: &[u8]) -> Cow<'_, [u8]> {
        if self.ignore_case {
            text.to_ascii_lowercase().into()
        } else {
            text.into()
        }
    }
}

/// Finds one name after the other.
pub(crate) struct Names<'t> {
    table: &'t SymbolTable,
    /// The hash of each form of a name of Rust, sorted, with the rank of its symbol. Not the forms themselves: each may
    /// be much longer than what is in the table.
    rust: OnceCell<Vec<(u64, usize)>>,
}

impl<'t> Names<'t> {
    pub(crate) const fn new(table: &'t SymbolTable) -> Self {
        Self {
            table,
            rust: OnceCell::new(),
        }
    }

    /// The symbols of one name, or where there are none, those that a compiler renamed from it, or those that Rust's
    /// source calls so; in a module if one is named. No byte makes a pattern.
    pub(crate) fn exactly(&self, module: Option<&str>, name: &str) -> Vec<Entry<'t>> {
        let module = module.map(self::module);
        let module = module.as_deref().map(str::as_bytes);
        let find = |name: &str| -> Vec<_> {
            let query = Query::exact(module, name.as_bytes());
            self.table.find_folded(query).collect()
        };
        let found = find(name);
        if !found.is_empty() {
            return found;
        }
        if may_be_rust(name.as_bytes()) {
            let is_of_module =
                |symbol: &Entry<'_>| Query::exact(module, symbol.name()).matches(*symbol);
            return self.of_rust(name).filter(is_of_module).collect();
        }
        // The first ABI of 64-bit powerpc has a dot before what is the code of a function.
        name.strip_prefix('.').map(find).unwrap_or_default()
    }

    fn of_rust(&self, name: &str) -> impl Iterator<Item = Entry<'t>> {
        let hashes = self.rust.get_or_init(|| {
            let mut hashes = Vec::new();
            for symbol in self.table {
                has_form_of_rust(symbol.name(), |form| {
                    hashes.push((hash(form), symbol.index()));
                    false
                });
            }
            hashes.sort_unstable();
            hashes.dedup();
            hashes
        });
        let wanted = hash(name.as_bytes());
        let first = hashes.partition_point(|&(hash, _)| hash < wanted);
        let same = hashes[first..]
            .iter()
            .take_while(move |(hash, _)| *hash == wanted);
        same.filter_map(|&(_, rank)| self.table.get(rank))
            .filter(|symbol| has_form_of_rust(symbol.name(), |form| form == name.as_bytes()))
    }
}

fn hash(text: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

/// Rust's names have two colons, and no other name has.
fn may_be_rust(name: &[u8]) -> bool {
    name.windows(2).any(|pair| pair == b"::")
}

/// Whether a form of the name is wanted, without the hashes of Rust's compiler or with them.
fn has_form_of_rust(name: &[u8], mut wanted: impl FnMut(&[u8]) -> bool) -> bool {
    [demangled, with_hashes]
        .iter()
        .any(|form| form(name).is_some_and(|text| wanted(text.as_bytes())))
}

/// Rust's names have brackets and stars, so what looks like a pattern may be none.
fn matches(pattern: &[u8], name: &[u8]) -> bool {
    pattern == name || glob_match(pattern, name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_as_people_write_them() {
        for (text, expected) in [
            ("ext4", "ext4"),
            ("snd-hda-intel", "snd_hda_intel"),
            ("snd-hda-*", "snd_hda_*"),
            ("[a-c]*-x", "[a-c]*_x"),
            ("ext4.ko", "ext4"),
            ("/lib/modules/6.12/kernel/fs/ext4/ext4.ko.xz", "ext4"),
            ("snd-hda-intel.ko.zst", "snd_hda_intel"),
            ("", ""),
        ] {
            assert_eq!(module(text), expected, "{text}");
        }
    }
}
