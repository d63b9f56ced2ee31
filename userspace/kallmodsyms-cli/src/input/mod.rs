// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Where symbols come from: files as the command line names them, or the running kernel.

mod kind;
mod opened;
mod policy;

use std::fmt::Display;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{anyhow, ensure};
use clap::Args;
use kallmodsyms::ranges::Ranges;
use kallmodsyms::source::{self, Kernel, Options};
use kallmodsyms::{Slide, SymbolTable};

pub(crate) use opened::{Opened, name, open};
pub(crate) use policy::Policy;

/// Names the input of all commands that are not told of another.
pub(crate) const VARIABLE: &str = "KALLMODSYMS_INPUT";

/// Where the kernel prints its symbols, below the root; the best first.
const LIVE: [&str; 2] = ["proc/kallmodsyms", "proc/kallsyms"];

/// Names the root of all commands that are not told of another.
const ROOT_VARIABLE: &str = "KALLMODSYMS_ROOT";

/// Where the running kernel is.
#[derive(Args, Clone, Default)]
pub(crate) struct Root {
    /// Take as the running kernel the one whose /proc, /sys, /lib and /boot are below DIR
    #[arg(long, value_name = "DIR", env = ROOT_VARIABLE, hide_env_values = true)]
    root: Option<PathBuf>,
}

impl Root {
    pub(crate) fn path(&self) -> &Path {
        self.root.as_deref().unwrap_or(Path::new("/"))
    }

    /// The file that the kernel prints, for a command that reads lines and no more.
    pub(crate) fn lines(&self) -> PathBuf {
        let paths = LIVE.map(|file| self.path().join(file));
        paths
            .iter()
            .find(|path| path.exists())
            .unwrap_or(&paths[0])
            .clone()
    }
}

/// Which kernel, where no file is named: the running one, or another that is installed.
#[derive(Args, Clone, Default)]
pub(crate) struct Choice {
    #[command(flatten)]
    root: Root,
    /// Use the symbols of another installed kernel: what `uname -r` prints when it runs
    ///
    /// They are where the linker put them, from the vmlinux of that kernel or its System.map.
    #[arg(short, long, value_name = "RELEASE", value_parser = release)]
    release: Option<String>,
}

impl Choice {
    pub(crate) fn root(&self) -> &Path {
        self.root.path()
    }

    pub(crate) fn release(&self) -> Option<&str> {
        self.release.as_deref()
    }

    /// The kernel, with an account of where its symbols are from.
    pub(crate) fn kernel(&self) -> anyhow::Result<Kernel> {
        self.options().open().map_err(|error| self.explain(&error))
    }

    /// Its symbols. Old kernels print some that are not strict: those are read without what other files know of them.
    fn table(&self) -> anyhow::Result<SymbolTable> {
        let lines = self.root.lines();
        match self.options().open() {
            Ok(kernel) => Ok(kernel.into_table()),
            Err(source::Error::NoList { .. }) if self.release.is_none() && lines.exists() => {
                Opened::open(&lines)?.table()
            }
            Err(error) => Err(self.explain(&error)),
        }
    }

    fn options(&self) -> Options {
        let options = Options::new().root(self.root());
        match &self.release {
            Some(release) => options.release(release),
            None => options,
        }
    }

    fn explain(&self, error: &source::Error) -> anyhow::Error {
        match error.diagnostic() {
            Some(diagnostic) => anyhow!(
                "expected symbols in {}\n{}",
                self.name(),
                diagnostic.trim_end()
            ),
            // As text: an `io::Error` among its causes is none of writing.
            None => anyhow!("{}", error.to_string().trim_end()),
        }
    }

    fn name(&self) -> String {
        let root = self.root.root.as_ref();
        let place = root.map_or(String::new(), |root| format!(" of {}", root.display()));
        match (&self.release, root) {
            (Some(release), _) => format!("Linux {release}{place}"),
            (None, Some(_)) => format!("the kernel{place}"),
            (None, None) => "the running kernel".into(),
        }
    }
}

/// A release is part of the names of files and folders, and must not lead elsewhere.
fn release(text: &str) -> Result<String, String> {
    if text.contains('/') || text.contains("..") || matches!(text, "" | ".") {
        return Err("expected a release, such as 6.12.1-amd64: `ls /lib/modules`".into());
    }
    Ok(text.into())
}

/// The symbols that a command works on.
#[derive(Args, Default)]
pub(crate) struct Input {
    /// Use the symbols in FILE, `-` for standard input, and not those of the running kernel
    ///
    /// A file of any dialect of /proc/kallmodsyms, a copy of /proc/kallsyms, a System.map, or a vmlinux; packed with
    /// gzip, xz or zstd, or not.
    #[arg(short = 'i', long = "input", value_name = "FILE", env = VARIABLE, hide_env_values = true)]
    file: Option<PathBuf>,
    #[command(flatten)]
    kernel: Choice,
    /// Add what FILE knows of the same kernel; may be repeated
    ///
    /// A modules.builtin.ranges gives the modules of built-in code, a vmlinux gives sizes, and helps to find the
    /// sections of the former, as a System.map does. Where KASLR moved the kernel is found out, and so is another
    /// kernel.
    #[arg(long, value_name = "FILE")]
    with: Vec<PathBuf>,
}

impl Input {
    /// A file, or without one the running kernel, as an argument of another name says.
    pub(crate) fn of(file: Option<&Path>, kernel: &Choice) -> Self {
        Self {
            file: file.map(Into::into),
            kernel: file.map_or_else(|| kernel.clone(), |_| Choice::default()),
            ..Self::default()
        }
    }

    /// The file, if one was named.
    pub(crate) fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    /// What is added to it.
    pub(crate) fn with(&self) -> &[PathBuf] {
        &self.with
    }

    pub(crate) const fn kernel(&self) -> &Choice {
        &self.kernel
    }

    /// What messages call it.
    pub(crate) fn name(&self) -> String {
        self.file().map_or_else(|| self.kernel.name(), name)
    }

    /// The symbols in the form that keeps most of where they come from.
    pub(crate) fn load(&self) -> anyhow::Result<Loaded> {
        // What this file prints needs nothing from elsewhere.
        let live = self.kernel.root().join(LIVE[0]);
        let is_live = self.kernel.release().is_none() && live.exists();
        let path = self.file().or(is_live.then_some(&*live));
        if let (Some(path), true) = (path, self.with.is_empty()) {
            let file = Opened::open(path)?;
            if !file.is_elf() {
                return Ok(Loaded::Lines(file));
            }
        }
        Ok(Loaded::Table(Box::new(self.table()?)))
    }

    pub(crate) fn table(&self) -> anyhow::Result<SymbolTable> {
        ensure!(
            self.file.is_none() || self.kernel.release().is_none(),
            "both a file (--input or {VARIABLE}) and --release say whose symbols to use: leave one of them out"
        );
        let table = match self.file() {
            Some(path) => Opened::open(path)?.table()?,
            None => self.kernel.table()?,
        };
        self.join(table)
    }

    fn join(&self, mut table: SymbolTable) -> anyhow::Result<SymbolTable> {
        let (mut ranges, mut map) = (Vec::new(), None);
        for path in &self.with {
            let other = Opened::open(path)?;
            if !other.is_elf() && !other.has_symbols() {
                ranges.push(other.bytes()?);
                continue;
            }
            let name = other.name().to_owned();
            let linked = other.table()?;
            let wrong =
                |error: &dyn Display| anyhow!("{name} does not fit {}: {error}", self.name());
            let slide = Slide::between(&linked, &table).map_err(|error| wrong(&error))?;
            let moved = slide.move_table(linked);
            table.add_sizes(&moved).map_err(|error| wrong(&error))?;
            map = Some(moved);
        }
        for (name, bytes) in ranges {
            let ranges = Ranges::parse(&bytes).map_err(|error| anyhow!("{name}: {error}"))?;
            let placed = ranges
                .place(&table, map.as_ref())
                .map_err(|error| anyhow!("{name} does not fit {}: {error}", self.name()))?;
            table.add_built_in_modules(&placed);
        }
        Ok(table)
    }
}

/// Symbols, as lines or as a table.
pub(crate) enum Loaded {
    /// In the order of the file.
    Lines(Opened),
    /// In the order of addresses.
    Table(Box<SymbolTable>),
}

/// Where to write a file that the user named.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    fs::write(path, bytes).map_err(|error| anyhow!("cannot write {}: {error}", path.display()))
}
