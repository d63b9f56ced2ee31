// SPDX-License-Identifier: Apache-2.0 OR MIT

//! A file that is open, of which the first bytes are read: they tell what it is.
//!
//! Nothing is reserved for what a file says of its own length, and what is read line by line is not kept.

use std::fs::File;
use std::io::{self, Cursor, IsTerminal, Read};
use std::ops::ControlFlow;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

use anyhow::{anyhow, bail};
use kallmodsyms::elf::BuildId;
use kallmodsyms::lenient::LenientReader;
use kallmodsyms::source::{self, Source as _, Vmlinux};
use kallmodsyms::table::Facts;
use kallmodsyms::validate::{self, Report};
use kallmodsyms::{Dialect, Error, ErrorKind, ReadError, Symbol, SymbolTable, elf};
use memchr::{memchr, memrchr};

use super::{LIVE, kind, policy};
use crate::progress::Progress;
use crate::{number, say, unpack};

const ELF: &[u8] = b"\x7fELF";

/// How much is read to tell what a file is: as much as the longest line takes. So what has no line feed in it has no
/// lines.
const HEAD: u64 = 1 << 16;

/// A file of symbols, or one that was taken for one.
pub(crate) struct Opened {
    path: PathBuf,
    name: String,
    /// What it is packed with.
    tool: Option<&'static str>,
    head: Vec<u8>,
    rest: Box<dyn Read>,
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

impl Opened {
    pub(crate) fn open(path: &Path) -> anyhow::Result<Self> {
        let name = name(path);
        let (file, length) = open(path, &name)?;
        let fail = |error: io::Error| anyhow!("cannot read {name}: {error}");
        let unpacked = unpack::open(Progress::new(file, &name, length)).map_err(fail)?;
        let mut rest: Box<dyn Read> = Box::new(policy::limited(unpacked.reader));
        let mut head = Vec::new();
        rest.by_ref()
            .take(HEAD)
            .read_to_end(&mut head)
            .map_err(fail)?;
        Ok(Self {
            path: path.into(),
            tool: unpacked.tool,
            head,
            rest,
            name,
        })
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn is_elf(&self) -> bool {
        self.head.starts_with(ELF)
    }

    /// Whether there are symbols among the first lines.
    pub(crate) fn has_symbols(&self) -> bool {
        let mut reader = self.first_lines();
        let first = reader.try_for_each(|_| ControlFlow::Break(()));
        matches!(first, Ok(ControlFlow::Break(())))
    }

    /// What the first lines say of all, for who cannot wait for the last.
    pub(crate) fn first_facts(&self) -> Facts {
        let mut reader = self.first_lines();
        let _ = reader.try_for_each(|_| ControlFlow::<()>::Continue(()));
        reader.facts()
    }

    fn first_lines(&self) -> LenientReader<&[u8]> {
        let whole = memrchr(b'\n', &self.head).map_or(0, |end| end + 1);
        LenientReader::new(&self.head[..whole])
    }

    /// All of it.
    pub(crate) fn bytes(self) -> anyhow::Result<(String, Vec<u8>)> {
        let Self {
            name,
            mut head,
            mut rest,
            ..
        } = self;
        if head.starts_with(ELF) || memchr(b'\n', &head).is_some() {
            rest.read_to_end(&mut head)
                .map_err(|error| anyhow!("cannot read {name}: {error}"))?;
        }
        Ok((name, head))
    }

    /// Its symbols by address and by name. Says how many lines were not used.
    pub(crate) fn table(self) -> anyhow::Result<SymbolTable> {
        if self.is_elf() {
            return self.image();
        }
        let (about, mut reader) = self.reader()?;
        let table = reader.table();
        about.end(&reader, table)
    }

    /// Hands each symbol to `each`, in the order of the file, until that says that it has enough. Says how many lines
    /// were not used, and returns what the lines say besides.
    pub(crate) fn for_each(
        self,
        mut each: impl FnMut(&Symbol<'_>) -> anyhow::Result<bool>,
    ) -> anyhow::Result<Facts> {
        let head = self.head.clone();
        let (about, mut reader) = self.reader()?;
        if (head.len() as u64) < HEAD {
            // It is known as a whole: nothing of it is handed out if it is no table.
            let mut whole = LenientReader::new(&head[..]);
            if let Err(error) = whole.try_for_each(|_| ControlFlow::<()>::Continue(())) {
                about.end::<_, ()>(&whole, Err(error))?;
            }
        }
        let flow = reader.try_for_each(|symbol| match each(symbol) {
            Ok(true) => ControlFlow::Continue(()),
            Ok(false) => ControlFlow::Break(None),
            Err(error) => ControlFlow::Break(Some(error)),
        });
        match about.end(&reader, flow)? {
            ControlFlow::Break(Some(error)) => Err(error),
            _ if reader.lines() == 0 => Err(about.empty()),
            _ => Ok(reader.facts()),
        }
    }

    /// What is wrong with it, as strictly as the format has it. Nothing of it is kept.
    pub(crate) fn validate(self, dialect: Option<Dialect>, limit: usize) -> anyhow::Result<Report> {
        let Self {
            name, head, rest, ..
        } = self;
        validate::stream(Cursor::new(head).chain(rest), dialect, limit)
            .map_err(|error| anyhow!("cannot read {name}: {error}"))
    }

    fn reader(self) -> anyhow::Result<(About, LenientReader<impl Read>)> {
        let Self {
            path,
            name,
            tool,
            head,
            rest,
        } = self;
        let shown = path.display().to_string();
        // It is asked for before the lines are gone, and shown only if they are no symbols.
        let about = About {
            kind: kind::of(&head, &shown),
            name,
            tool,
        };
        if memchr(b'\n', &head).is_none() && !head.is_empty() {
            let kind = about.kind.as_deref().unwrap_or(
                "text without lines: name a copy of /proc/kallmodsyms or /proc/kallsyms, or a System.map",
            );
            if head.len() as u64 == HEAD || about.kind.is_some() {
                bail!("{}: expected lines of symbols, found {kind}", about.name);
            }
        }
        Ok((about, LenientReader::new(Cursor::new(head).chain(rest))))
    }

    /// What names the image that it is.
    pub(crate) fn build_id(self) -> Option<BuildId> {
        if self.tool.is_none() {
            return Vmlinux::new(&self.path).build_id().ok()?;
        }
        elf::build_id(&self.bytes().ok()?.1).ok()?
    }

    /// The symbols of an image. Of a file that is not packed, no more is read than where they are.
    fn image(self) -> anyhow::Result<SymbolTable> {
        let name = self.name.clone();
        let advice = |error: &elf::Error| match error {
            elf::Error::NotLinked => ": name the vmlinux of the kernel",
            elf::Error::NoSymbols => {
                ": name the System.map beside it, or the image with debugging symbols"
            }
            _ => "",
        };
        let fail = |error: &elf::Error| anyhow!("cannot use {name}: {error}{}", advice(error));
        if self.tool.is_none() && self.path.is_file() {
            return Vmlinux::new(&self.path)
                .load()
                .map_err(|error| match error {
                    source::Error::Elf { error, .. } => fail(&error),
                    error => anyhow!("{error}"),
                });
        }
        let (_, bytes) = self.bytes()?;
        elf::symbols(&bytes).map_err(|error| fail(&error))
    }
}

/// What is known of a file once its lines are being read.
struct About {
    name: String,
    tool: Option<&'static str>,
    kind: Option<String>,
}

impl About {
    /// Says what was not used of a table, and what the file is where it is none.
    fn end<R: Read, T>(
        &self,
        reader: &LenientReader<R>,
        read: Result<T, ReadError>,
    ) -> anyhow::Result<T> {
        let name = &self.name;
        let left_out = reader.left_out();
        match read {
            Ok(value) => {
                if let Some(first) = left_out.first {
                    policy::note_left_out();
                    let help = match first.kind {
                        // There is nothing to be done, nor to be missed.
                        ErrorKind::Undefined => String::new(),
                        kind => format!(": {}", kind.rule().help()),
                    };
                    say(&format!(
                        "note: {name}: {} of {} not used; the first is line {}, column {}: {}{help}",
                        number::grouped(left_out.lines as u64),
                        number::count(reader.lines(), "line"),
                        first.position.line,
                        first.position.column,
                        first.kind,
                    ));
                }
                Ok(value)
            }
            Err(ReadError::Symbol(error)) => Err(self.explain(&error, reader)),
            Err(error) => Err(anyhow!("cannot read {name}: {error}")),
        }
    }

    fn empty(&self) -> anyhow::Error {
        let name = &self.name;
        match self.tool {
            Some(tool) => anyhow!(
                "{name}: expected symbols, found a file that is packed with {tool} and empty: pack the copy again"
            ),
            None => anyhow!(
                "{name}: expected symbols, found an empty file: copy files of /proc with cat, as their size reads 0"
            ),
        }
    }

    /// What a line is none for, with the line; or what the file is, where it has no line of symbols.
    fn explain<R: Read>(&self, error: &Error, reader: &LenientReader<R>) -> anyhow::Error {
        let name = &self.name;
        match (error.kind, &self.kind) {
            (ErrorKind::NoSymbols, _) => self.empty(),
            (ErrorKind::HiddenAddresses, _) => anyhow!(
                "{name}: expected addresses, found them hidden (all are zero): its reader lacks CAP_SYSLOG, or \
                 kernel.kptr_restrict is 2; as root, sysctl kernel.kptr_restrict=1, then read it again"
            ),
            (_, Some(kind)) => anyhow!("{name}: expected lines of symbols, found {kind}"),
            (_, None) => {
                let left_out = reader.left_out();
                let symbols = number::grouped((reader.lines() - left_out.lines) as u64);
                let lines = number::count(reader.lines(), "line");
                let diagnostic = error.line_diagnostic(name, &left_out.text).to_string();
                anyhow!(
                    "expected symbols in {name}, found {symbols} in {lines}\n{}",
                    diagnostic.trim_end()
                )
            }
        }
    }
}
