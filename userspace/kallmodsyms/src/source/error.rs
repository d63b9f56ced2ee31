// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Why a source has no symbols, and what to do next.

use core::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::string::{String, ToString};
use std::vec::Vec;

use super::{Attempt, Hidden};
#[cfg(feature = "elf")]
use crate::elf;
use crate::{SlideError, ranges, table};

/// Why a source has no symbols. Names the file.
///
/// ```
/// use kallmodsyms::source::{Saved, Source};
///
/// let error = Saved::new("/no/such/file").load().unwrap_err();
/// assert_eq!(error.path().unwrap().to_str(), Some("/no/such/file"));
/// assert!(error.to_string().starts_with("cannot read /no/such/file: "));
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file cannot be opened or read.
    #[error("cannot read {}: {error}{}", path.display(), hint(path, error))]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        error: io::Error,
    },
    /// A line that no kernel prints, or no symbols at all.
    #[error("{}: {error}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        #[source]
        error: crate::Error,
        /// The line, without its line feed.
        line: Vec<u8>,
    },
    /// The kernel hides addresses from this process.
    #[error("{}: the kernel hides the addresses: {hidden}", path.display())]
    Hidden {
        /// The file.
        path: PathBuf,
        /// Why.
        hidden: Hidden,
    },
    /// A copy was made by someone from whom the kernel hid addresses.
    #[error("{}: a copy without addresses, all are zero; copy the original again as root", path.display())]
    HiddenCopy {
        /// The file.
        path: PathBuf,
    },
    /// A System.map that stands for another one.
    #[error(
        "{}: no symbols but a note that they are in the package with debugging symbols; install that",
        path.display()
    )]
    Placeholder {
        /// The file.
        path: PathBuf,
    },
    /// A line that no build writes to `modules.builtin.ranges`.
    #[error("{}: {error}", path.display())]
    Ranges {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        #[source]
        error: ranges::Error,
    },
    /// Ranges cannot be found in this kernel.
    #[error("{}: {error}", path.display())]
    Place {
        /// The file of the ranges.
        path: PathBuf,
        /// Why.
        #[source]
        error: ranges::PlaceError,
    },
    /// No image with symbols.
    #[cfg(feature = "elf")]
    #[error("{}: {error}", path.display())]
    Elf {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        error: elf::Error,
    },
    /// An image of another build.
    #[cfg(feature = "elf")]
    #[error("{}: of another kernel: its build ID is {found}, that of the running kernel {running}", path.display())]
    OtherBuild {
        /// The image.
        path: PathBuf,
        /// Its build ID.
        found: elf::BuildId,
        /// That of the running kernel.
        running: elf::BuildId,
    },
    /// A System.map or an image of another kernel.
    #[error("{}: {error}", path.display())]
    Slide {
        /// The file.
        path: PathBuf,
        /// Where they differ.
        #[source]
        error: SlideError,
    },
    /// An image that lacks a symbol.
    #[error("{}: {error}", path.display())]
    NoSize {
        /// The image.
        path: PathBuf,
        /// Which symbol.
        #[source]
        error: table::NoSize,
    },
    /// There is no file with the symbols of an installed kernel.
    #[error(
        "no symbols of Linux {release} are installed: expected its vmlinux or its System.map{}; `ls /lib/modules` says \
         which releases there may be",
        Missed(.tried)
    )]
    NotInstalled {
        /// What `uname -r` would print.
        release: String,
        /// Where they were looked for. Nowhere, where the release is no name of a directory.
        tried: Vec<Attempt>,
    },
    /// The running kernel lists no symbols.
    #[error("the kernel lists no symbols: {}", Tried(.tried))]
    NoList {
        /// Where they were looked for.
        tried: Vec<Attempt>,
    },
}

impl Error {
    /// The file at fault.
    ///
    /// ```
    /// use kallmodsyms::source::Kernel;
    ///
    /// let error = Kernel::open_at("/no/such/root").unwrap_err();
    /// assert_eq!(error.path(), None);
    /// ```
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::Io { path, .. }
            | Self::Malformed { path, .. }
            | Self::Hidden { path, .. }
            | Self::HiddenCopy { path }
            | Self::Placeholder { path }
            | Self::Ranges { path, .. }
            | Self::Place { path, .. }
            | Self::Slide { path, .. }
            | Self::NoSize { path, .. } => Some(path),
            #[cfg(feature = "elf")]
            Self::Elf { path, .. } | Self::OtherBuild { path, .. } => Some(path),
            Self::NoList { .. } | Self::NotInstalled { .. } => None,
        }
    }

    /// Whether there is no such file.
    ///
    /// ```
    /// use kallmodsyms::source::{Saved, Source};
    ///
    /// assert!(Saved::new("/no/such/file").load().unwrap_err().is_absent());
    /// assert!(!Saved::new("/").load().unwrap_err().is_absent());
    /// ```
    #[must_use]
    pub fn is_absent(&self) -> bool {
        matches!(self, Self::Io { error, .. } if error.kind() == io::ErrorKind::NotFound)
    }

    /// The error with the bad line and a caret, where a line is bad.
    ///
    /// ```
    /// # let directory = tempfile::tempdir()?;
    /// # let path = directory.path().join("copy");
    /// use kallmodsyms::source::{Saved, Source};
    ///
    /// std::fs::write(&path, "ffffffff81000000 T _stext\nffffffff81000040\n")?;
    /// let shown = Saved::new(&path).load().unwrap_err().diagnostic().unwrap();
    /// assert!(shown.contains("2 | ffffffff81000040\n"));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[must_use]
    pub fn diagnostic(&self) -> Option<String> {
        match self {
            Self::Malformed { path, error, line } => {
                let file = path.to_string_lossy();
                Some(error.line_diagnostic(&file, line).to_string())
            }
            _ => None,
        }
    }
}

/// What to do next.
fn hint(path: &Path, error: &io::Error) -> &'static str {
    let name = path
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default();
    match (error.kind(), name) {
        (io::ErrorKind::NotFound, "kallmodsyms") => "; does this kernel have CONFIG_KALLMODSYMS?",
        (io::ErrorKind::NotFound, "kallsyms") => {
            "; is /proc mounted, and does this kernel have CONFIG_KALLSYMS?"
        }
        (io::ErrorKind::NotFound, "modules.builtin.ranges") => {
            "; kernels from 6.12 on have it if built with CONFIG_BUILTIN_MODULE_RANGES"
        }
        (io::ErrorKind::PermissionDenied, _) => "; run as root",
        _ => "",
    }
}

/// The files that were there and are not what they should be: of the others there is nothing to say.
struct Missed<'a>(&'a [Attempt]);

impl fmt::Display for Missed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bad = self
            .0
            .iter()
            .filter(|attempt| attempt.outcome.name() == "failed");
        bad.clone().try_for_each(|attempt| write!(f, "; {attempt}"))
    }
}

struct Tried<'a>(&'a [Attempt]);

impl fmt::Display for Tried<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, attempt) in self.0.iter().enumerate() {
            let lead = if place == 0 { "" } else { "; " };
            write!(f, "{lead}{attempt}")?;
        }
        Ok(())
    }
}
