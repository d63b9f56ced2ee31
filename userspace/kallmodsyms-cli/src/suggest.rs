// SPDX-License-Identifier: Apache-2.0 OR MIT

//! What was meant by a name that no symbol has.

use kallmodsyms::SymbolTable;
use strsim::osa_distance;

/// A name that is longer was not typed. So the work is linear in the names of the table.
const LONGEST: usize = 64;

/// How many to offer.
const MOST: usize = 3;

/// Which symbols may have been meant by a name that none has.
pub(crate) fn symbol(table: &SymbolTable, name: &str) -> Option<String> {
    let names = || table.iter().map(|symbol| symbol.name());
    let other_form = other_forms(names(), name);
    question(&other_form).or_else(|| question(&similar(names(), name)))
}

/// The same of a module.
pub(crate) fn symbol_of(table: &SymbolTable, module: &[u8], name: &str) -> Option<String> {
    let symbols = table.iter();
    let names = symbols.filter(|symbol| symbol.modules().contains(module));
    question(&similar(names.map(|symbol| symbol.name()), name))
}

/// What another compiler or architecture calls the same function: what is split off it (`.cold`, `.isra.0`), and system
/// calls (`sys_read`, `__x64_sys_read`).
fn other_forms<'n>(names: impl Iterator<Item = &'n [u8]>, name: &str) -> Vec<&'n str> {
    let stem = name.split('.').next().unwrap_or(name).as_bytes();
    let call = ["_sys_", "sys_", "SyS_"].iter().find_map(|lead| {
        let (_, call) = name.split_once(lead)?;
        Some(["_sys_", call].concat().into_bytes())
    });
    let is_other = |candidate: &[u8]| {
        let rest = candidate.strip_prefix(stem);
        let is_split = !stem.is_empty()
            && rest.is_some_and(|rest| matches!(rest, [] | [b'.', ..]))
            && candidate != name.as_bytes();
        is_split
            || call.as_deref().is_some_and(|call| {
                // The one that user space enters: `__x64_`, `__arm64_`, `__se_`, `__riscv_`.
                candidate.starts_with(b"__") && candidate.ends_with(call)
            })
    };
    let mut found: Vec<_> = names
        .filter(|candidate| is_other(candidate))
        .filter_map(|candidate| std::str::from_utf8(candidate).ok())
        .filter(|candidate| !candidate.starts_with("__pfx_"))
        .collect();
    found.sort_unstable_by_key(|candidate| (candidate.len(), *candidate));
    found.dedup();
    found.truncate(MOST);
    found
}

/// What is wrong with a module, if no symbol is of it. A pattern may be of many.
pub(crate) fn module(table: &SymbolTable, name: &str) -> Option<String> {
    let name = name.replace('-', "_");
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
    let mut found: Vec<(usize, &str)> = names
        .filter(|candidate| candidate.len().abs_diff(name.len()) <= limit)
        .filter_map(|candidate| std::str::from_utf8(candidate).ok())
        .map(|candidate| {
            (
                osa_distance(&name, &candidate.to_ascii_lowercase()),
                candidate,
            )
        })
        .filter(|&(distance, _)| distance <= limit)
        .collect();
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
    fn other_forms_of_a_name() {
        let names = [
            "f",
            "f.isra.0",
            "fg",
            "__x64_sys_read",
            "__pfx___x64_sys_read",
            "ksys_read",
        ];
        let forms = |name| other_forms(names.iter().map(|name| name.as_bytes()), name);
        for (name, expected) in [
            ("f.cold", &["f", "f.isra.0"][..]),
            ("f.isra.1", &["f", "f.isra.0"]),
            ("sys_read", &["__x64_sys_read"]),
            ("SyS_read", &["__x64_sys_read"]),
            ("__arm64_sys_read", &["__x64_sys_read"]),
            ("sys_rea", &[]),
            ("g", &[]),
            (".f", &[]),
        ] {
            assert_eq!(forms(name), expected, "{name}");
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
