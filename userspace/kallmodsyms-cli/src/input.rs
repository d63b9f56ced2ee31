// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Where symbols come from: files as the command line names them, or the running kernel.

use std::fmt::Display;
use std::fs::{self, File};
use std::io::{self, IsTerminal, Read};
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

use anyhow::{anyhow, bail, ensure};
use clap::Args;
use kallmodsyms::ranges::Ranges;
use kallmodsyms::source::{Kernel, Options};
use kallmodsyms::table::Facts;
use kallmodsyms::{Error, ErrorKind, Format, Group, Slide, Symbol, SymbolTable, Symbols, elf};
use memchr::{memchr, memchr_iter};

use crate::progress::Progress;
use crate::unpack::unpacked;

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
        let mut options = Options::new().root(self.root());
        if let Some(release) = &self.release {
            options = options.release(release);
        }
        options.open().map_err(|error| match error.diagnostic() {
            Some(diagnostic) => anyhow!(
                "expected symbols in {}\n{}",
                self.name(),
                diagnostic.trim_end()
            ),
            // As text: an `io::Error` among its causes is none of writing.
            None => anyhow!("{}", error.to_string().trim_end()),
        })
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
            let source = Source::read(path)?;
            if source.bytes.is_empty() {
                // Where no symbol is left, there was one.
                source.table()?;
            }
            if !source.is_elf() {
                return Ok(Loaded::Lines(source));
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
            Some(path) => Source::read(path)?.table()?,
            None => self.kernel.kernel()?.into_table(),
        };
        self.join(table)
    }

    fn join(&self, mut table: SymbolTable) -> anyhow::Result<SymbolTable> {
        let (mut ranges, mut map) = (Vec::new(), None);
        for path in &self.with {
            let other = Source::read(path)?;
            if !other.is_elf() && Format::detect(&other.bytes).is_none() {
                ranges.push(other);
                continue;
            }
            let linked = other.table()?;
            let wrong = |error: &dyn Display| {
                anyhow!("{} does not fit {}: {error}", other.name, self.name())
            };
            let slide = Slide::between(&linked, &table).map_err(|error| wrong(&error))?;
            let moved = slide.move_table(linked);
            table.add_sizes(&moved).map_err(|error| wrong(&error))?;
            map = Some(moved);
        }
        for file in ranges {
            let ranges =
                Ranges::parse(&file.bytes).map_err(|error| anyhow!("{}: {error}", file.name))?;
            let placed = ranges
                .place(&table, map.as_ref())
                .map_err(|error| anyhow!("{} does not fit {}: {error}", file.name, self.name()))?;
            table.add_built_in_modules(&placed);
        }
        Ok(table)
    }
}

/// Symbols, as lines or as a table.
pub(crate) enum Loaded {
    /// In the order of the file, and up to the first bad line.
    Lines(Source),
    /// In the order of addresses.
    Table(Box<SymbolTable>),
}

/// A file, unpacked.
pub(crate) struct Source {
    /// As messages show it.
    pub(crate) name: String,
    pub(crate) bytes: Vec<u8>,
}

impl Source {
    pub(crate) fn read(path: &Path) -> anyhow::Result<Self> {
        let name = name(path);
        let bytes = read(path, &name)?;
        Ok(Self { name, bytes })
    }

    /// How its lines look.
    pub(crate) fn format(&self) -> Format {
        Format::detect(&self.bytes).unwrap_or_default()
    }

    pub(crate) fn is_elf(&self) -> bool {
        self.bytes.starts_with(ELF)
    }

    /// Its symbols by address and by name.
    pub(crate) fn table(&self) -> anyhow::Result<SymbolTable> {
        if self.is_elf() {
            return elf::symbols(&self.bytes)
                .map_err(|error| anyhow!("cannot use {}: {error}", self.name));
        }
        SymbolTable::from_bytes(&self.bytes).map_err(|error| self.explain(&error))
    }

    /// Its symbols in the order of its lines, up to the first line that is none.
    pub(crate) fn symbols(&self) -> impl Iterator<Item = anyhow::Result<(Symbol<'_>, Group)>> {
        let symbols = Symbols::new(&self.bytes);
        let dialect = self.format().dialect;
        let names_built_in = Facts::of(dialect).built_in_modules;
        let image = if names_built_in {
            lines_of_image(&self.bytes)
        } else {
            0
        };
        symbols.enumerate().map(move |(line, symbol)| {
            let symbol = symbol.map_err(|error| self.explain(&error))?;
            Ok((symbol, group(&symbol, line < image)))
        })
    }

    /// What a line is none for, with the line; or what the file is, where it has no line of symbols.
    pub(crate) fn explain(&self, error: &Error) -> anyhow::Error {
        let Self { name, bytes } = self;
        match error.kind {
            ErrorKind::NoSymbols => {
                anyhow!(
                    "{name}: expected symbols, found an empty file: copy files of /proc with cat, as their size reads 0"
                )
            }
            ErrorKind::HiddenAddresses => anyhow!(
                "{name}: expected addresses, found them hidden (all are zero): its reader lacks CAP_SYSLOG, or \
                 kernel.kptr_restrict is 2; as root, sysctl kernel.kptr_restrict=1, then read it again"
            ),
            _ => match looks_like(bytes) {
                Some(kind) if Format::detect(bytes).is_none() => {
                    anyhow!("{name}: expected lines of symbols, found {kind}")
                }
                _ => {
                    let diagnostic = error.diagnostic(name, bytes).to_string();
                    anyhow!("expected symbols in {name}\n{}", diagnostic.trim_end())
                }
            },
        }
    }
}

/// How many lines the kernel image has: it ends with the last line without a bracket.
fn lines_of_image(bytes: &[u8]) -> usize {
    let mut lines = bytes.split_inclusive(|&byte| byte == b'\n').rev();
    let loaded = lines
        .by_ref()
        .take_while(|line| memchr(b'\t', line).is_some())
        .count();
    memchr_iter(b'\n', bytes).count().saturating_sub(loaded)
}

fn group(symbol: &Symbol<'_>, in_image: bool) -> Group {
    match symbol.modules.iter().next() {
        None => Group::Core,
        Some(_) if in_image => Group::BuiltIn,
        Some(b"__builtin__ftrace") => Group::Ftrace,
        Some(b"bpf") => Group::Bpf,
        Some(b"__builtin__kprobes") => Group::Kprobes,
        Some(_) => Group::Loaded,
    }
}

/// What a file is that is no table of symbols, and what to do.
fn looks_like(bytes: &[u8]) -> Option<&'static str> {
    // Linux: Documentation/arch/x86/boot.rst.
    let is_boot_image = bytes.get(0x202..0x206) == Some(b"HdrS");
    let is_binary = memchr(0, &bytes[..bytes.len().min(4096)]).is_some();
    if bytes.starts_with(ELF) {
        Some("an ELF file")
    } else if is_boot_image {
        Some("a boot image (bzImage): name the System.map beside it, or the vmlinux it was made of")
    } else if is_binary {
        Some("binary data: name a copy of /proc/kallmodsyms or /proc/kallsyms, or a System.map")
    } else {
        None
    }
}

/// The name of a file as messages show it.
pub(crate) fn name(path: &Path) -> String {
    if path == Path::new("-") {
        "<stdin>".into()
    } else {
        path.display().to_string()
    }
}

/// Opens a file, or standard input if it is called `-`, and says how long it is, if that is known.
pub(crate) fn open(path: &Path, name: &str) -> anyhow::Result<(Box<dyn Read>, Option<u64>)> {
    if path == Path::new("-") {
        return Ok((Box::new(io::stdin().lock()), None));
    }
    // No `io::Error` is kept as a cause: a bare one is an error of writing.
    let fail = |error: io::Error| anyhow!("cannot read {name}: {error}{}", hint(path, &error));
    let file = File::open(path).map_err(fail)?;
    let metadata = file.metadata().map_err(fail)?;
    let kind = metadata.file_type();
    if kind.is_dir() {
        bail!("cannot read {name}: it is a directory: name a file");
    }
    // Of the others some never end.
    let is_harmless = file.is_terminal() || path == Path::new("/dev/null");
    if (kind.is_char_device() || kind.is_block_device()) && !is_harmless {
        bail!("cannot read {name}: it is a device: name a file");
    }
    // Files under /proc say 0.
    let length = Some(metadata.len()).filter(|&length| kind.is_file() && length > 0);
    Ok((Box::new(file), length))
}

fn hint(path: &Path, error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::NotFound if LIVE.iter().any(|file| path.ends_with(file)) => {
            ": is /proc mounted, and has this kernel CONFIG_KALLSYMS? name a saved copy to use that instead"
        }
        io::ErrorKind::PermissionDenied => ": try it as root",
        _ => "",
    }
}

const ELF: &[u8] = b"\x7fELF";

/// How much is read of a file without lines: all of a file that is small, and not all of one that never ends.
const HEAD: u64 = 1 << 16;

fn read(path: &Path, name: &str) -> anyhow::Result<Vec<u8>> {
    let (file, length) = open(path, name)?;
    let file = Progress::new(file, name, length);
    let capacity = length.and_then(|length| usize::try_from(length).ok());
    let mut bytes = Vec::with_capacity(capacity.unwrap_or(0) + 1);
    read_to_end(file, &mut bytes)
        .map_err(|error: io::Error| anyhow!("cannot read {name}: {error}"))?;
    Ok(bytes)
}

fn read_to_end(packed: impl Read, bytes: &mut Vec<u8>) -> io::Result<()> {
    let mut file = unpacked(packed)?;
    file.by_ref().take(HEAD).read_to_end(bytes)?;
    if memchr(b'\n', bytes).is_some() || bytes.starts_with(ELF) {
        file.read_to_end(bytes)?;
    }
    Ok(())
}

/// Where to write a file that the user named.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    fs::write(path, bytes).map_err(|error| anyhow!("cannot write {}: {error}", path.display()))
}
