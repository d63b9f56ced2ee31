// SPDX-License-Identifier: Apache-2.0 OR MIT

//! The kernel's own documentation and scripts, with the stack traces of two decades in all sorts of shapes: nothing of
//! them changes but for what is added.

mod common;

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use common::{Files, capture};

/// All files below a folder, in one order.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in
            fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        {
            let entry = entry.expect("an entry");
            match entry.file_type().expect("its type") {
                kind if kind.is_dir() => folders.push(entry.path()),
                kind if kind.is_file() => all.push(entry.path()),
                _ => {}
            }
        }
    }
    all.sort();
    all
}

/// How long what `symbolize` adds is, if a text begins with it: ` (vfs_read+0x10/0x80 [ext4])` or ` [ext4]`.
fn addition(text: &[u8]) -> Option<usize> {
    let all = |text: &[u8], and: &[u8]| {
        !text.is_empty()
            && text
                .iter()
                .all(|byte| byte.is_ascii_alphanumeric() || and.contains(byte))
    };
    let (open, close) = match text {
        [b' ', b'(', ..] => (2, b')'),
        [b' ', b'[', ..] => (2, b']'),
        _ => return None,
    };
    let inside = &text[open..];
    let length = inside.iter().position(|&byte| byte == close)?;
    let mut words = inside[..length].split(|&byte| byte == b' ');
    let first = words.next()?;
    let is_place = || {
        let plus = first.iter().position(|&byte| byte == b'+')?;
        let mut modules = words.map(|word| word.strip_prefix(b"[")?.strip_suffix(b"]"));
        let modules = modules.all(|module| module.is_some_and(|module| all(module, b"_")));
        Some(all(&first[..plus], b"_.$") && first[plus..].starts_with(b"+0x") && modules)
    };
    let is_one = if close == b')' {
        is_place() == Some(true)
    } else {
        length == first.len() && all(first, b"_")
    };
    is_one.then_some(open + length + 1)
}

/// How many additions a line got, if nothing else was done to it.
fn additions(before: &[u8], after: &[u8], failed: &mut HashSet<(usize, usize)>) -> Option<usize> {
    let common = before
        .iter()
        .zip(after)
        .take_while(|(one, other)| one == other)
        .count();
    if common == before.len() && common == after.len() {
        return Some(0);
    }
    // What is added may begin as what follows it does.
    (0..=common).rev().find_map(|place| {
        let (before, after) = (&before[place..], &after[place..]);
        let length = addition(after)?;
        let key = (before.len(), after.len());
        if failed.contains(&key) {
            return None;
        }
        let more = additions(before, &after[length..], failed);
        if more.is_none() {
            failed.insert(key);
        }
        Some(more? + 1)
    })
}

#[test]
fn additions_are_told_from_changes() {
    let count = |before: &str, after: &str| {
        additions(before.as_bytes(), after.as_bytes(), &mut HashSet::new())
    };
    assert_eq!(count("a", "a"), Some(0));
    assert_eq!(count("a b", "a (f+0x1/0x2 [m] [n]) b [ext4]"), Some(2));
    assert_eq!(count("a (f+0x1)", "a (f+0x1) (f+0x1)"), Some(1));
    assert_eq!(count("a [m]", "a [m] [m]"), Some(1));
    assert_eq!(count("ab", "a"), None);
    assert_eq!(count("a", "ab"), None);
    assert_eq!(count("a b", "a (f) b"), None);
    assert_eq!(count("a b", "a (f+0x1) c"), None);
}

#[test]
#[ignore = "needs the sources of a kernel in KERNEL_TREE"]
fn nothing_but_additions() {
    let tree = std::env::var_os("KERNEL_TREE").expect("KERNEL_TREE");
    let mut text = Vec::new();
    for folder in ["Documentation", "scripts", "tools/perf/Documentation"] {
        for file in files(&Path::new(&tree).join(folder)) {
            text.extend(
                fs::read(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display())),
            );
        }
    }
    let inputs = Files::new(&[
        ("System.map", capture("System.map")),
        ("kallmodsyms", capture("kallmodsyms")),
        ("text", text.clone()),
    ]);
    let mut count = 0;
    for kernel in ["System.map", "kallmodsyms"] {
        let (_, out, _) = inputs.run_bytes(&["symbolize", "--modules", "-i", kernel, "text"], "");
        let lines = |text: &[u8]| text.split(|&byte| byte == b'\n').count();
        assert_eq!(lines(&out), lines(&text), "{kernel}");
        let pairs = text
            .split(|&byte| byte == b'\n')
            .zip(out.split(|&byte| byte == b'\n'));
        for (before, after) in pairs.filter(|(before, after)| before != after) {
            println!("{}", after.escape_ascii());
            let added = additions(before, after, &mut HashSet::new());
            count += added.unwrap_or_else(|| panic!("{}", before.escape_ascii()));
        }
    }
    println!("{count} additions to {} bytes", text.len());
    assert!(count >= 20, "{count}");
}
