// SPDX-License-Identifier: Apache-2.0 OR MIT

//! The files that are read, and what is looked up in them.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use kallmodsyms::Symbols;
use kallmodsyms_captures::Capture;

/// A capture, unpacked: for programs that take a path as files, too.
#[derive(Debug)]
pub(crate) struct Input {
    /// What the capture is called.
    pub(crate) name: String,
    /// `/proc/kallmodsyms`.
    pub(crate) kallmodsyms: Vec<u8>,
    /// `/proc/kallsyms` of the same boot, which is all that the peers can read.
    pub(crate) kallsyms: Vec<u8>,
    /// The same as a file.
    pub(crate) kallsyms_path: PathBuf,
}

impl Input {
    /// Every capture, with files in a directory that has to be there.
    pub(crate) fn all(directory: &Path) -> Result<Vec<Self>> {
        let unpack = |capture: Capture| {
            let name = capture.to_string();
            let kallsyms_path = directory.join(format!("{name}.kallsyms"));
            let kallsyms = capture.read("kallsyms")?;
            fs::write(&kallsyms_path, &kallsyms)
                .with_context(|| format!("cannot write {}", kallsyms_path.display()))?;
            Ok(Self {
                name,
                kallmodsyms: capture.read("kallmodsyms")?,
                kallsyms,
                kallsyms_path,
            })
        };
        Capture::all()?.into_iter().map(unpack).collect()
    }

    /// Addresses within functions, chosen at random, each with the start of its function.
    pub(crate) fn addresses(&self, count: usize) -> Result<Vec<(u64, u64)>> {
        let mut functions = Vec::new();
        for symbol in Symbols::new(&self.kallmodsyms) {
            let symbol = symbol?;
            if let (b't' | b'T', Some(size @ 1..)) = (symbol.kind, symbol.size) {
                functions.push((symbol.address, size));
            }
        }
        ensure!(!functions.is_empty(), "{}: no function", self.name);
        let mut random = Random::default();
        Ok((0..count)
            .map(|_| {
                let (start, size) = functions[random.below(functions.len())];
                let offset = random.number() % size;
                (start + offset, start)
            })
            .collect())
    }
}

/// The best table of the running kernel, if it shows addresses.
pub(crate) fn live() -> Result<&'static Path> {
    let paths = ["/proc/kallmodsyms", "/proc/kallsyms"].map(Path::new);
    let path = *paths
        .iter()
        .find(|path| path.exists())
        .context("no /proc/kallsyms")?;
    let file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
    // Per-CPU symbols, which come first, may be at zero.
    let shown = BufReader::new(file)
        .lines()
        .any(|line| line.is_ok_and(|line| !line.starts_with("00000000")));
    ensure!(shown, "{} hides addresses", path.display());
    Ok(path)
}

/// Numbers that are the same in every run: xorshift64*.
#[derive(Debug)]
pub(crate) struct Random(u64);

impl Default for Random {
    fn default() -> Self {
        Self(0x9e37_79b9_7f4a_7c15)
    }
}

impl Random {
    /// The next number.
    pub(crate) fn number(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// A number below `limit`, which is not 0.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.number() % limit as u64).unwrap_or(0)
    }
}
