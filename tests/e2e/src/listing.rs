// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Lines of `/proc/kallmodsyms` and `/proc/kallsyms` as a guest left them.
//!
//! This is a reader of its own, short and strict, on purpose: the checks must not share a mistake with the
//! parser of the userspace crate.

use std::collections::HashMap;
use std::fmt;
use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::kbuild::read_text;

/// One line. `size` is 0 in `/proc/kallsyms`, which has none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    pub address: u64,
    pub size: u64,
    pub letter: char,
    pub name: String,
    pub modules: Vec<String>,
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(
            f,
            "{:016x} {:x} {} {}",
            self.address, self.size, self.letter, self.name
        )?;
        f.write_str(&brackets(&self.modules))
    }
}

/// `<TAB>[a] [b]`, or nothing.
pub fn brackets(modules: &[String]) -> String {
    if modules.is_empty() {
        return String::new();
    }
    let list: Vec<String> = modules.iter().map(|m| format!("[{m}]")).collect();
    format!("\t{}", list.join(" "))
}

/// Reads a file of lines with (`kallmodsyms`) or without (`kallsyms`) the size column.
pub fn read(path: &Path, sized: bool) -> Result<Vec<Line>> {
    parse(&read_text(path)?, sized).with_context(|| path.display().to_string())
}

pub fn parse(text: &str, sized: bool) -> Result<Vec<Line>> {
    let mut lines = Vec::new();
    for (index, text) in text.lines().enumerate() {
        match parse_line(text, sized) {
            Some(line) => lines.push(line),
            None => bail!(
                "line {}: expected `address {}type name[<TAB>[module]...]`, found {text:?}",
                index + 1,
                if sized { "size " } else { "" }
            ),
        }
    }
    if lines.is_empty() {
        bail!("the file is empty");
    }
    Ok(lines)
}

fn parse_line(text: &str, sized: bool) -> Option<Line> {
    let (fields, list) = match text.split_once('\t') {
        Some((fields, list)) => (fields, Some(list)),
        None => (text, None),
    };
    let mut fields = fields.split(' ');
    let address = fields.next().filter(|a| a.len() == 16)?;
    let address = u64::from_str_radix(address, 16).ok()?;
    let size = match sized {
        true => u64::from_str_radix(fields.next()?, 16).ok()?,
        false => 0,
    };
    let mut letter = fields.next()?.chars();
    let (letter, None) = (letter.next()?, letter.next()) else {
        return None;
    };
    let name = fields.next()?.to_owned();
    if fields.next().is_some() {
        return None;
    }
    let modules = match list {
        None => Vec::new(),
        Some(list) => list
            .split(' ')
            .map(|m| Some(m.strip_prefix('[')?.strip_suffix(']')?.to_owned()))
            .collect::<Option<Vec<_>>>()?,
    };
    Some(Line {
        address,
        size,
        letter,
        name,
        modules,
    })
}

/// The lines one boot left: `kallmodsyms`, and how many of them belong to vmlinux.
pub struct Boot {
    pub lines: Vec<Line>,
    pub core: usize,
}

impl Boot {
    /// `/proc/kallsyms` lists the symbols of vmlinux first and gives all others a bracket, so its first bracket
    /// ends the core part of both files.
    pub fn read(dir: &Path) -> Result<Boot> {
        let lines = read(&dir.join("kallmodsyms"), true)?;
        let plain = read(&dir.join("kallsyms"), false)?;
        let core = plain
            .iter()
            .position(|l| !l.modules.is_empty())
            .unwrap_or(plain.len());
        if lines.len() != plain.len() {
            bail!(
                "{}: kallmodsyms has {} lines and kallsyms {}; both must be of one boot with no module coming or going",
                dir.display(),
                lines.len(),
                plain.len()
            );
        }
        for (number, (line, plain)) in lines.iter().zip(&plain).enumerate() {
            if (line.address, line.letter, &line.name) != (plain.address, plain.letter, &plain.name)
            {
                bail!(
                    "{}: line {}: kallmodsyms has `{line}`, kallsyms names {}",
                    dir.display(),
                    number + 1,
                    plain.name
                );
            }
        }
        if lines.iter().all(|l| l.address == 0) {
            bail!(
                "{}: every address is zero; the guest must read as root with kptr_restrict 0 or 1",
                dir.display()
            );
        }
        Ok(Boot { lines, core })
    }

    pub fn core(&self) -> &[Line] {
        &self.lines[..self.core]
    }

    /// What is not of vmlinux: modules, ftrace, BPF, kprobes.
    pub fn rest(&self) -> &[Line] {
        &self.lines[self.core..]
    }
}

/// Groups items under a key, keeping the order within a key.
pub fn group<T, K: std::hash::Hash + Eq>(
    items: impl IntoIterator<Item = T>,
    key: impl Fn(&T) -> K,
) -> HashMap<K, Vec<T>> {
    let mut map: HashMap<K, Vec<T>> = HashMap::new();
    for item in items {
        map.entry(key(&item)).or_default().push(item);
    }
    map
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_prints_both_forms() {
        let text = "ffffffffa22b9850 d2 t lio_ethtool_get_channels\t[liquidio] [liquidio_vf]\n0000000000000000 0 A x\n";
        let lines = parse(text, true).unwrap();
        assert_eq!(lines[0].modules, ["liquidio", "liquidio_vf"]);
        assert_eq!((lines[0].size, lines[0].letter), (0xd2, 't'));
        assert_eq!(
            lines.iter().map(|l| format!("{l}\n")).collect::<String>(),
            text
        );
        assert_eq!(
            parse("0000000000000001 t d\t[bpf]\n", false).unwrap()[0].name,
            "d"
        );
    }

    #[test]
    fn bad_lines_are_named() {
        for bad in [
            "ffffffff 0 t short_address",
            "ffffffffa22b9850 t no_size",
            "ffffffffa22b9850 0 tt two_letters",
            "ffffffffa22b9850 0 t two names",
            "ffffffffa22b9850 0 t x\t[a [b]",
            "ffffffffa22b9850 0 t x\t",
        ] {
            let error = parse(&format!("0000000000000000 0 A ok\n{bad}\n"), true)
                .unwrap_err()
                .to_string();
            assert!(error.contains("line 2"), "{error}");
        }
        assert!(parse("", true).is_err());
    }
}
