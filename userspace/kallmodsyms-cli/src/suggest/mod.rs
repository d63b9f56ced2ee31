// SPDX-License-Identifier: Apache-2.0 OR MIT

//! What was meant by a name that no symbol has.

mod kin;

use kallmodsyms::table::Entry;
use kallmodsyms::{Query, SymbolTable};
use kin::Kin;
use strsim::osa_distance;

use crate::names;

/// A name that is longer was not typed. So the work is linear in the names of the table.
const LONGEST: usize = 64;

/// How many to offer.
const MOST: usize = 3;

/// Which symbols may have been meant by a name that none has; in a module if one is named, which is said with each.
pub(crate) fn symbol(table: &SymbolTable, module: Option<&str>, name: &str) -> Option<String> {
    let module = module.map(names::module);
    let wanted = |symbol: &Entry<'_>| {
        let module = module.as_deref().map(str::as_bytes);
        Query::exact(module, symbol.name()).matches(*symbol)
    };
    let names = || table.iter().filter(wanted).map(|symbol| symbol.name());
    let kin = kin(names(), name);
    let found = if kin.is_empty() {
        similar(names(), name)
    } else {
        kin
    };
    let Some(module) = &module else {
        return question(&found);
    };
    let found: Vec<_> = found
        .iter()
        .map(|name| format!("{module}`{name}"))
        .collect();
    question(&found.iter().map(String::as_str).collect::<Vec<_>>())
}

/// The names of the same function, the nearest first.
fn kin<'n>(names: impl Iterator<Item = &'n [u8]>, name: &str) -> Vec<&'n str> {
    let names = names.filter_map(|candidate| std::str::from_utf8(candidate).ok());
    let kin = Kin::of(name);
    let found = names.filter_map(|candidate| Some((kin.distance(candidate)?, candidate)));
    best(found.collect())
}

/// What is wrong with a module, if no symbol is of it. A pattern may be of many.
pub(crate) fn module(table: &SymbolTable, name: &str) -> Option<String> {
    let name = names::module(name);
    let is_known = name == "vmlinux" || table.module(name.as_bytes()).is_some();
    if is_known || name.contains(['*', '?', '[']) {
        return None;
    }
    if !table.facts().built_in_modules {
        return Some(format!(
            "no module {name} is loaded, and those of built-in code are not known: `kallmodsyms sources` says why"
        ));
    }
    let question = question(&similar(table.modules().map(|module| module.name()), &name));
    let question = question.map_or(String::new(), |question| format!(", {question}"));
    Some(format!("there is no module {name}{question}"))
}

/// The names that differ least from this one, the nearest first, if few letters are wrong, missing, swapped or too
/// many. Upper and lower case are the same here.
fn similar<'n>(names: impl Iterator<Item = &'n [u8]>, name: &str) -> Vec<&'n str> {
    if name.len() > LONGEST {
        return Vec::new();
    }
    let name = name.to_ascii_lowercase();
    let limit = (name.len() / 4).clamp(1, 3);
    let near = names
        .filter(|candidate| candidate.len().abs_diff(name.len()) <= limit)
        .filter_map(|candidate| std::str::from_utf8(candidate).ok())
        .map(|candidate| {
            (
                osa_distance(&name, &candidate.to_ascii_lowercase()),
                candidate,
            )
        })
        .filter(|&(distance, _)| distance <= limit);
    best(near.collect())
}

fn best(mut found: Vec<(usize, &str)>) -> Vec<&str> {
    found.sort_unstable();
    found.dedup();
    found.truncate(MOST);
    found.into_iter().map(|(_, name)| name).collect()
}

/// `did you mean vfs_read or vfs_readv?`
fn question(names: &[&str]) -> Option<String> {
    let (last, others) = names.split_last()?;
    Some(match others {
        [] => format!("did you mean {last}?"),
        _ => format!("did you mean {} or {last}?", others.join(", ")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names_are_found() {
        let table = SymbolTable::from_bytes(
            b"ffffffff81000000 T vfs_read\nffffffff81000010 T vfs_readv\nffffffff81000020 t vfs_write\n\
              ffffffff81000030 t vfs_read\nffffffff81000040 t caf\xe9\n",
        )
        .unwrap();
        let similar = |name: &str| similar(table.iter().map(|symbol| symbol.name()), name);
        for (name, expected) in [
            ("vfs_raed", &["vfs_read", "vfs_readv"][..]),
            ("VFS_READV", &["vfs_readv", "vfs_read"]),
            ("vfswrite", &["vfs_write"]),
            ("vfs_wriet", &["vfs_write"]),
            ("vfs_open_by_name", &[]),
            ("x", &[]),
            ("", &[]),
        ] {
            assert_eq!(similar(name), expected, "{name}");
        }
        assert_eq!(similar(&"vfs_read".repeat(9)), [""; 0]);
    }

    #[test]
    fn near_names_in_a_module() {
        let table = SymbolTable::from_bytes(
            b"ffffffff81000000 4 t probe\t[ext4]\nffffffff81000010 4 t probes\t[nfs]\n\
              ffffffff81001000 0 B _end\n",
        )
        .unwrap();
        for (module, expected) in [
            (Some("ext4"), "did you mean ext4`probe?"),
            (None, "did you mean probe or probes?"),
        ] {
            let question = symbol(&table, module, "probe_");
            assert_eq!(question.as_deref(), Some(expected));
        }
    }

    #[test]
    fn modules() {
        let kernel = |bracket: &str| {
            let lines = format!("ffffffff81000000 4 t f{bracket}\nffffffff81001000 0 B _end\n");
            SymbolTable::from_bytes(lines.as_bytes()).unwrap()
        };
        let table = kernel("\t[ext4]");
        for known in ["ext4", "vmlinux", "ext*"] {
            assert_eq!(module(&table, known), None, "{known}");
        }
        assert_eq!(
            module(&table, "ext5").as_deref(),
            Some("there is no module ext5, did you mean ext4?")
        );
        assert_eq!(
            module(&table, "nfs").as_deref(),
            Some("there is no module nfs")
        );
        let unknown = SymbolTable::from_bytes(b"ffffffff81000000 t f\n").unwrap();
        let text = module(&unknown, "nfs").unwrap();
        assert!(text.starts_with("no module nfs is loaded, and "), "{text}");
    }

    #[test]
    fn questions() {
        assert_eq!(question(&[]), None);
        assert_eq!(question(&["a"]).as_deref(), Some("did you mean a?"));
        let three = question(&["a", "b", "c"]);
        assert_eq!(three.as_deref(), Some("did you mean a, b or c?"));
    }
}
