// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Reads each kind of file, and adds what one knows to what another does.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use super::{Error, Hidden};
use crate::ranges::Ranges;
use crate::table::{Builder, Facts};
use crate::{ErrorKind, ReadError, Reader, Slide, SymbolTable};

/// Reads a file of lines, which is never in memory as a whole. Whether hidden addresses are the kernel's doing, the
/// caller knows.
pub(super) fn table(path: &Path) -> Result<SymbolTable, Error> {
    let mut reader = Reader::new(open(path)?);
    let mut builder = Builder::new();
    let malformed = |error, line: &[u8]| Error::Malformed {
        path: path.into(),
        error,
        line: line.into(),
    };
    loop {
        match reader.next() {
            Ok(Some(symbol)) => builder.push(&symbol),
            Ok(None) => break,
            Err(ReadError::Io(error)) => return Err(unreadable(path, error)),
            Err(ReadError::Symbol(error)) => return Err(malformed(error, reader.line())),
        }
    }
    let format = reader.format().unwrap_or_default();
    let finished = builder.finish(Facts::of(format));
    finished.map_err(|kind| malformed(crate::Error::of_file(kind), b""))
}

/// Reads a file that the kernel below a directory writes for this process alone.
pub(super) fn live(root: &Path, file: &str) -> Result<SymbolTable, Error> {
    table(&root.join(file)).map_err(|error| match error {
        Error::Malformed { path, error, .. } if error.kind == ErrorKind::HiddenAddresses => {
            Error::Hidden {
                path,
                hidden: Hidden::read(root),
            }
        }
        error => error,
    })
}

/// Reads a file that someone made of one that the kernel wrote, or of an image.
pub(super) fn saved(path: &Path) -> Result<SymbolTable, Error> {
    table(path).map_err(|error| match error {
        Error::Malformed { path, error, .. } if error.kind == ErrorKind::HiddenAddresses => {
            Error::HiddenCopy { path }
        }
        error => error,
    })
}

pub(super) fn system_map(path: &Path) -> Result<SymbolTable, Error> {
    saved(path).map_err(|error| match error {
        // What Debian installs in its place: "ffffffffffffffff B The real System.map is in the ... package".
        Error::Malformed { path, line, .. }
            if line.windows(15).any(|part| part == b"real System.map") =>
        {
            Error::Placeholder { path }
        }
        error => error,
    })
}

/// Moves the table of a file to where the kernel runs.
pub(super) fn moved(
    linked: SymbolTable,
    path: &Path,
    running: &SymbolTable,
) -> Result<SymbolTable, Error> {
    let slide = Slide::between(&linked, running).map_err(|error| Error::Slide {
        path: path.into(),
        error,
    })?;
    Ok(slide.move_table(linked))
}

pub(super) fn ranges(path: &Path) -> Result<Ranges, Error> {
    let mut source = std::vec::Vec::new();
    open(path)?
        .read_to_end(&mut source)
        .map_err(|error| unreadable(path, error))?;
    Ranges::parse(&source).map_err(|error| Error::Ranges {
        path: path.into(),
        error,
    })
}

/// Adds the sizes of an image, if it is that of the running kernel.
#[cfg(feature = "elf")]
pub(super) fn add_sizes(
    table: &mut SymbolTable,
    path: &Path,
    running: Option<&crate::elf::BuildId>,
) -> Result<(), Error> {
    let image = vmlinux(path, running)?;
    let image = moved(image, path, table)?;
    table.add_sizes(&image).map_err(|error| Error::NoSize {
        path: path.into(),
        error,
    })
}

/// Reads the symbols of an image, and of the rest no more than the headers. Where both build IDs are known, they have
/// to be the same.
#[cfg(feature = "elf")]
pub(super) fn vmlinux(
    path: &Path,
    running: Option<&crate::elf::BuildId>,
) -> Result<SymbolTable, Error> {
    use crate::elf;

    let cache = object::read::ReadCache::new(open(path)?);
    let left = core::cell::Cell::new(IMAGE_MAX);
    let file = Budget {
        cache: &cache,
        left: &left,
    };
    let bad = |error| bad_image(path, error);
    if let Some(running) = running {
        let found = elf::build_id_of(file).map_err(bad)?;
        if let Some(found) = found.filter(|found| found != running) {
            return Err(Error::OtherBuild {
                path: path.into(),
                found,
                running: running.clone(),
            });
        }
    }
    elf::symbols_of(file).map_err(bad)
}

/// Reads the build ID of an image, and no more.
#[cfg(feature = "elf")]
pub(super) fn build_id(path: &Path) -> Result<Option<crate::elf::BuildId>, Error> {
    let cache = object::read::ReadCache::new(open(path)?);
    let file = Budget {
        cache: &cache,
        left: &core::cell::Cell::new(IMAGE_MAX),
    };
    crate::elf::build_id_of(file).map_err(|error| bad_image(path, error))
}

#[cfg(feature = "elf")]
fn bad_image(path: &Path, error: crate::elf::Error) -> Error {
    Error::Elf {
        path: path.into(),
        error,
    }
}

/// How much of an image is read at most: headers, notes and symbols take some tens of megabytes.
#[cfg(feature = "elf")]
const IMAGE_MAX: u64 = 1 << 30;

/// Reads as much as is allowed and no more: a file may claim that its symbols are terabytes, and have no bytes for them.
#[cfg(feature = "elf")]
#[derive(Clone, Copy)]
struct Budget<'a> {
    cache: &'a object::read::ReadCache<File>,
    left: &'a core::cell::Cell<u64>,
}

#[cfg(feature = "elf")]
impl<'a> object::read::ReadRef<'a> for Budget<'a> {
    fn len(self) -> Result<u64, ()> {
        self.cache.len()
    }

    fn read_bytes_at(self, offset: u64, size: u64) -> Result<&'a [u8], ()> {
        self.left.set(self.left.get().checked_sub(size).ok_or(())?);
        self.cache.read_bytes_at(offset, size)
    }

    fn read_bytes_at_until(
        self,
        range: core::ops::Range<u64>,
        delimiter: u8,
    ) -> Result<&'a [u8], ()> {
        self.cache.read_bytes_at_until(range, delimiter)
    }
}

/// Opens a file to read. A directory can be opened as well, so it is asked about.
fn open(path: &Path) -> Result<File, Error> {
    let file = File::open(path).map_err(|error| unreadable(path, error))?;
    if fs::metadata(path).is_ok_and(|data| data.is_dir()) {
        let error = std::io::ErrorKind::IsADirectory.into();
        return Err(unreadable(path, error));
    }
    Ok(file)
}

fn unreadable(path: &Path, error: std::io::Error) -> Error {
    Error::Io {
        path: PathBuf::from(path),
        error,
    }
}
