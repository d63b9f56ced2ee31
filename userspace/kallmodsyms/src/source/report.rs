// SPDX-License-Identifier: Apache-2.0 OR MIT

//! What was taken from where, and what is missing.

use core::fmt;
use std::path::PathBuf;
use std::string::{String, ToString};
use std::vec::Vec;

use super::Error;

/// What a file is looked for.
///
/// ```
/// assert_eq!(kallmodsyms::source::Part::Sizes.name(), "sizes");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Part {
    /// Addresses and names, and all else that the file says.
    Symbols,
    /// The modules of built-in code.
    Modules,
    /// Where sections start that the ranges of modules count from.
    Anchors,
    /// The sizes of the image's symbols.
    Sizes,
}

impl Part {
    /// The name in lower case, as JSON output has it.
    ///
    /// ```
    /// assert_eq!(kallmodsyms::source::Part::Symbols.name(), "symbols");
    /// ```
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Symbols => "symbols",
            Self::Modules => "modules",
            Self::Anchors => "anchors",
            Self::Sizes => "sizes",
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Symbols => "symbols",
            Self::Modules => "modules of built-in code",
            Self::Anchors => "starts of sections",
            Self::Sizes => "sizes of the kernel image's symbols",
        })
    }
}

/// A file that was looked at, and what came of it.
///
/// ```
/// use kallmodsyms::source::{Error, Kernel};
///
/// let Err(Error::NoList { tried }) = Kernel::open_at("/no/such/root") else { panic!() };
/// assert_eq!(tried[0].path.to_str(), Some("/no/such/root/proc/kallmodsyms"));
/// assert_eq!(tried[0].outcome.name(), "absent");
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub struct Attempt {
    /// What it was looked at for.
    pub part: Part,
    /// The file.
    pub path: PathBuf,
    /// What came of it.
    pub outcome: Outcome,
}

impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.outcome {
            Outcome::Used => write!(f, "{} from {}", self.part, self.path.display()),
            Outcome::NoHelp => write!(
                f,
                "{}: lists no symbol that was looked for",
                self.path.display()
            ),
            Outcome::Failed(error) => error.fmt(f),
        }
    }
}

/// What came of a look at a file.
///
/// ```
/// assert_eq!(kallmodsyms::source::Outcome::Used.name(), "used");
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum Outcome {
    /// It was used.
    Used,
    /// It is good, and has nothing that was looked for.
    NoHelp,
    /// It is not there, or not to be read, or not what it should be.
    Failed(Error),
}

impl Outcome {
    /// One word, as JSON output has it: `used`, `no-help`, `absent`, `failed`.
    ///
    /// ```
    /// assert_eq!(kallmodsyms::source::Outcome::NoHelp.name(), "no-help");
    /// ```
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Used => "used",
            Self::NoHelp => "no-help",
            Self::Failed(error) if error.is_absent() => "absent",
            Self::Failed(_) => "failed",
        }
    }
}

/// What a table does not say.
///
/// ```
/// use kallmodsyms::source::Lack;
///
/// assert_eq!((Lack::Sizes.name(), Lack::Sizes.to_string().as_str()), ("sizes", "sizes"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Lack {
    /// The modules of built-in code.
    Modules,
    /// The modules of what `modules.builtin.ranges` leaves out: see [`ranges`](crate::ranges).
    LeftOut,
    /// The modules of what is in these sections, whose start was not found.
    Sections(Vec<String>),
    /// All sizes.
    Sizes,
    /// The sizes of loaded modules, BPF programs and trampolines.
    LoadedSizes,
}

impl Lack {
    /// The name in lower case with hyphens, as JSON output has it.
    ///
    /// ```
    /// assert_eq!(kallmodsyms::source::Lack::LoadedSizes.name(), "loaded-sizes");
    /// ```
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Modules => "modules",
            Self::LeftOut => "left-out",
            Self::Sections(_) => "sections",
            Self::Sizes => "sizes",
            Self::LoadedSizes => "loaded-sizes",
        }
    }
}

impl fmt::Display for Lack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Modules => f.write_str("modules of built-in code"),
            Self::LeftOut => f.write_str(
                "modules of built-in per-CPU data and module parameters, which modules.builtin.ranges leaves out",
            ),
            Self::Sections(names) => {
                write!(f, "modules of built-in code in {}", names.join(", "))
            }
            Self::Sizes => f.write_str("sizes"),
            Self::LoadedSizes => f.write_str("sizes of what is loaded: modules, BPF programs, trampolines"),
        }
    }
}

/// What was taken from where, what is missing, and why, from [`Kernel::report`](super::Kernel::report).
///
/// As text: what was used, then what is missing, then what was tried in vain.
///
/// ```
/// use kallmodsyms::source::{Kernel, Lack, Part};
///
/// # let directory = tempfile::tempdir()?;
/// # let root = directory.path();
/// # std::fs::create_dir_all(root.join("proc"))?;
/// std::fs::write(root.join("proc/kallsyms"), "ffffffff81000000 T _stext\n")?;
/// let kernel = Kernel::open_at(root)?;
/// let report = kernel.report();
/// assert_eq!(report.lacks(), [Lack::Modules, Lack::Sizes]);
/// let used = report.used(Part::Symbols).unwrap();
/// assert!(used.ends_with("proc/kallsyms"));
/// assert!(report.used(Part::Sizes).is_none());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Default)]
pub struct Report {
    pub(super) release: Option<String>,
    pub(super) attempts: Vec<Attempt>,
    pub(super) lacks: Vec<Lack>,
}

impl Report {
    /// The release of the kernel, as `uname -r` prints it.
    ///
    /// ```
    /// # use kallmodsyms::source::Report;
    /// assert_eq!(Report::default().release(), None);
    /// ```
    #[must_use]
    pub fn release(&self) -> Option<&str> {
        self.release.as_deref()
    }

    /// The files that were looked at, in this order.
    ///
    /// ```
    /// # use kallmodsyms::source::Report;
    /// assert!(Report::default().attempts().is_empty());
    /// ```
    #[must_use]
    pub fn attempts(&self) -> &[Attempt] {
        &self.attempts
    }

    /// What the table does not say.
    ///
    /// ```
    /// # use kallmodsyms::source::Report;
    /// assert!(Report::default().lacks().is_empty());
    /// ```
    #[must_use]
    pub fn lacks(&self) -> &[Lack] {
        &self.lacks
    }

    /// The file that was used for a part.
    ///
    /// ```
    /// # use kallmodsyms::source::{Part, Report};
    /// assert!(Report::default().used(Part::Symbols).is_none());
    /// ```
    #[must_use]
    pub fn used(&self, part: Part) -> Option<&std::path::Path> {
        let is_used =
            |attempt: &&Attempt| attempt.part == part && matches!(attempt.outcome, Outcome::Used);
        let used = self.attempts.iter().find(is_used)?;
        Some(&used.path)
    }

    pub(super) fn note(&mut self, part: Part, path: PathBuf, outcome: Outcome) {
        self.attempts.push(Attempt {
            part,
            path,
            outcome,
        });
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (used, rest): (Vec<_>, Vec<_>) = self
            .attempts
            .iter()
            .partition(|attempt| matches!(attempt.outcome, Outcome::Used));
        for attempt in used {
            writeln!(f, "{attempt}")?;
        }
        for lack in &self.lacks {
            writeln!(f, "missing: {lack}")?;
        }
        for attempt in rest {
            writeln!(f, "not used: {}", attempt.to_string().trim_end())?;
        }
        Ok(())
    }
}
