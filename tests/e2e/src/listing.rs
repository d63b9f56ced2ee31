// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Lines of `/proc/kallmodsyms` and `/proc/kallsyms` as a guest left them.
//!
//! The userspace crate reads them: it is strict, and a line that it must not take fails here first. What the lines ought
//! to say never comes from it, but from the kernel's build, so the two cannot share a mistake.

use std::collections::HashMap;
use std::fmt;
use std::path::Path;

use anyhow::{Context, Result, bail};
use kallmodsyms::validate::{Report, Rule, Validation};
use kallmodsyms::{Dialect, Format, Symbol, Symbols};

use crate::kbuild::read_bytes;

/// One line, to keep and to change. `size` is 0 in `/proc/kallsyms`, which has none.
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

impl From<Symbol<'_>> for Line {
    fn from(symbol: Symbol) -> Line {
        let lossy = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Line {
            address: symbol.address,
            size: symbol.size.unwrap_or(0),
            letter: symbol.kind.into(),
            name: lossy(symbol.name),
            modules: symbol.modules.iter().map(lossy).collect(),
        }
    }
}

/// Reads a file of lines with ([`Dialect::Sized`]) or without ([`Dialect::Kallsyms`]) the size column.
pub fn read(path: &Path, dialect: Dialect) -> Result<Vec<Line>> {
    parse(&read_bytes(path)?, dialect).with_context(|| path.display().to_string())
}

pub fn parse(source: &[u8], dialect: Dialect) -> Result<Vec<Line>> {
    let format = Format {
        dialect,
        ..Format::default()
    };
    let lines: Result<Vec<Line>, _> = Symbols::with_format(source, format)
        .map(|symbol| symbol.map(Line::from))
        .collect();
    let lines = lines?;
    if lines.is_empty() {
        bail!("the file is empty");
    }
    Ok(lines)
}

/// What one boot left: `kallmodsyms` and its lines, how many of them belong to vmlinux, and what validation says of them.
pub struct Boot {
    pub source: Vec<u8>,
    pub lines: Vec<Line>,
    pub core: usize,
    pub report: Report,
}

impl Boot {
    /// `/proc/kallsyms` lists the symbols of vmlinux first and gives all others a bracket, so its first bracket
    /// ends the core part of both files.
    pub fn read(dir: &Path) -> Result<Boot> {
        let (path, plain) = (dir.join("kallmodsyms"), dir.join("kallsyms"));
        let source = read_bytes(&path)?;
        let report = Validation::new(&source)
            .dialect(Dialect::Sized)
            .against(&read_bytes(&plain)?)
            .run();
        let lines = parse(&source, Dialect::Sized).with_context(|| path.display().to_string())?;
        if let Some(finding) = report.findings.iter().find(|f| f.rule == Rule::Projection) {
            bail!(
                "{}: line {}: {}; both must be of one boot with no module coming or going",
                path.display(),
                finding.position.line,
                finding.message
            );
        }
        if report.summary.hidden {
            bail!(
                "{}: every address is zero; the guest must read as root with kptr_restrict 0 or 1",
                path.display()
            );
        }
        Ok(Boot {
            lines,
            core: report.summary.core + report.summary.built_in,
            source,
            report,
        })
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
        let lines = parse(text.as_bytes(), Dialect::Sized).unwrap();
        assert_eq!(lines[0].modules, ["liquidio", "liquidio_vf"]);
        assert_eq!((lines[0].size, lines[0].letter), (0xd2, 't'));
        assert_eq!(
            lines.iter().map(|l| format!("{l}\n")).collect::<String>(),
            text
        );
        let plain = parse(b"0000000000000001 t d\t[bpf]\n", Dialect::Kallsyms).unwrap();
        assert_eq!(plain[0].name, "d");
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
            let text = format!("0000000000000000 0 A ok\n{bad}\n");
            let error = parse(text.as_bytes(), Dialect::Sized).unwrap_err();
            assert!(error.to_string().contains("line 2"), "{error}");
        }
        assert!(parse(b"", Dialect::Sized).is_err());
    }
}
