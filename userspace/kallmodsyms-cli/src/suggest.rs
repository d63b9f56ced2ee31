// SPDX-License-Identifier: Apache-2.0 OR MIT

//! What was meant by a name that no symbol has.

use kallmodsyms::SymbolTable;
use strsim::osa_distance;

/// A name that is longer was not typed. So the work is linear in the names of the table.
const LONGEST: usize = 64;

/// How many to offer.
const MOST: usize = 3;

/// The names that differ least from this one, the nearest first, if few letters are wrong, missing, swapped or too
/// many. Upper and lower case are the same here.
pub(crate) fn similar<'t>(table: &'t SymbolTable, name: &str) -> Vec<&'t str> {
    if name.len() > LONGEST {
        return Vec::new();
    }
    let name = name.to_ascii_lowercase();
    let limit = (name.len() / 4).clamp(1, 3);
    let mut found: Vec<(usize, &str)> = table
        .iter()
        .filter(|symbol| symbol.name().len().abs_diff(name.len()) <= limit)
        .filter_map(|symbol| std::str::from_utf8(symbol.name()).ok())
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
pub(crate) fn question(names: &[&str]) -> Option<String> {
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
        for (name, expected) in [
            ("vfs_raed", &["vfs_read", "vfs_readv"][..]),
            ("VFS_READV", &["vfs_readv", "vfs_read"]),
            ("vfswrite", &["vfs_write"]),
            ("vfs_wriet", &["vfs_write"]),
            ("vfs_open_by_name", &[]),
            ("x", &[]),
            ("", &[]),
        ] {
            assert_eq!(similar(&table, name), expected, "{name}");
        }
        assert_eq!(similar(&table, &"vfs_read".repeat(9)), [""; 0]);
    }

    #[test]
    fn questions() {
        assert_eq!(question(&[]), None);
        assert_eq!(question(&["a"]).as_deref(), Some("did you mean a?"));
        let three = question(&["a", "b", "c"]);
        assert_eq!(three.as_deref(), Some("did you mean a, b or c?"));
    }
}
