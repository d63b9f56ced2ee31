// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Checks a whole file, alone or against other sources: `/proc/kallsyms` of the same boot, the linker's table of the
//! same kernel (`vmlinux` or `System.map`), its `modules.builtin.ranges`.
//!
//! A line that the [grammar](crate::grammar) does not allow is a finding. So is a line that breaks one of the format's
//! guarantees: each is a [`Rule`] with a name and a [`Severity`].
//!
//! What is *not* a finding, because every kernel has it: the file as a whole is not in address order (only the kernel
//! image is), many symbols share an address, thousands have the size zero, a few overlap.
//!
//! # Which symbols are built in
//!
//! A bracket does not say whether its module is loaded. `/proc/kallsyms` of the same boot does: there only symbols
//! outside the kernel image have one. Without it, the kernel image ends with the last line that has no bracket: the
//! linker script puts markers such as `_end` last, and they belong to no module, while all that follows has a bracket.
//! This holds for whole files alone, and so does validation.
//!
//! ```
//! use kallmodsyms::validate::{Rule, Validation};
//!
//! let kallmodsyms = b"ffffffff8b014280 13a t rapl_pmu_event_init\t[intel_rapl_perf]\n\
//!                     ffffffff8c000000 0 B _end\n\
//!                     ffffffffc0200000 d2 t nfs_lookup\t[nfs]\n";
//! let kallsyms = b"ffffffff8b014280 t rapl_pmu_event_init\n\
//!                  ffffffff8c000000 B _end\n\
//!                  ffffffffc0200000 t nfs_lookup\t[nfs]\n";
//! let report = Validation::new(kallmodsyms).against(kallsyms).run();
//! assert!(report.is_valid());
//! assert_eq!((report.summary.built_in, report.summary.loaded), (1, 1));
//!
//! let other_boot = b"ffffffff8b014280 t rapl_pmu_event_init\n";
//! let report = Validation::new(kallmodsyms).against(other_boot).run();
//! assert_eq!(report.count(Rule::Projection), 1);
//! ```

mod against;
mod check;
mod rule;
mod summary;
mod tally;

use alloc::string::String;
use alloc::vec::Vec;

pub use rule::{Rule, Severity};
pub use summary::Summary;

use crate::ranges::Placed;
use crate::read::Progress;
use crate::{Diagnostic, Dialect, Format, Position, Slide, SymbolTable};
use check::{Check, START};

/// What to check, and against what.
///
/// ```
/// use kallmodsyms::{Dialect, validate::Validation};
///
/// let kallsyms = b"ffffffff81000000 T _stext\n";
/// assert!(Validation::new(kallsyms).run().is_valid());
/// assert!(!Validation::new(kallsyms).dialect(Dialect::Sized).run().is_valid());
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Validation<'a> {
    source: &'a [u8],
    kallsyms: Option<&'a [u8]>,
    linked: Option<&'a SymbolTable>,
    ranges: Option<&'a Placed<'a>>,
    dialect: Option<Dialect>,
    keep: usize,
}

impl<'a> Validation<'a> {
    /// Checks a whole file, whatever its dialect.
    ///
    /// ```
    /// assert!(!kallmodsyms::validate::Validation::new(b"").run().is_valid());
    /// ```
    #[must_use]
    pub const fn new(source: &'a [u8]) -> Self {
        Self {
            source,
            kallsyms: None,
            linked: None,
            ranges: None,
            dialect: None,
            keep: 10,
        }
    }

    /// Also compares with `/proc/kallsyms` of the same boot ([`Rule::Projection`]), read by the same user.
    ///
    /// ```
    /// use kallmodsyms::validate::Validation;
    ///
    /// let validation = Validation::new(b"ffffffff81000000 8 T _stext\n");
    /// assert!(validation.against(b"ffffffff81000000 T _stext\n").run().is_valid());
    /// assert!(!validation.against(b"ffffffff81000000 T _text\n").run().is_valid());
    /// ```
    #[must_use]
    pub const fn against(self, kallsyms: &'a [u8]) -> Self {
        Self {
            kallsyms: Some(kallsyms),
            ..self
        }
    }

    /// Also compares the kernel image with the linker's table of the same kernel, from its `vmlinux` or `System.map`:
    /// every symbol that kallsyms keeps is there, moved by one slide, with the type and, if both tell, the size that
    /// the linker recorded ([`Rule::Linked`] and the rules whose names start so).
    ///
    /// ```
    /// use kallmodsyms::{SymbolTable, validate::{Rule, Validation}};
    ///
    /// let map = b"ffffffff81000000 T _text\nffffffff81000040 t f\nffffffff81001000 B _end\n";
    /// let map = SymbolTable::from_bytes(map)?;
    /// let file = b"ffffffffa2000000 0 T _text\nffffffffa2000040 8 t f\nffffffffa2001000 0 B _end\n";
    /// let report = Validation::new(file).against_linked(&map).run();
    /// assert!(report.is_valid());
    /// assert_eq!(report.slide.unwrap().bytes(), 0x2100_0000);
    ///
    /// let file = b"ffffffffa2000000 0 T _text\nffffffffa2001000 0 B _end\n";
    /// assert_eq!(Validation::new(file).against_linked(&map).run().count(Rule::LinkedMissing), 1);
    /// # Ok::<(), kallmodsyms::Error>(())
    /// ```
    #[must_use]
    pub const fn against_linked(self, linked: &'a SymbolTable) -> Self {
        Self {
            linked: Some(linked),
            ..self
        }
    }

    /// Also compares the modules of the kernel image with what `modules.builtin.ranges` says ([`Rule::RangesModules`]
    /// and the rules whose names start so). That file is known to be incomplete, so what only it lacks is a warning.
    ///
    /// ```
    /// use kallmodsyms::{SymbolTable, ranges::Ranges, validate::{Rule, Validation}};
    ///
    /// let ranges = Ranges::parse(b".text 00000000-00000000 = _text\n.text 00000040-00000050 ext4\n")?;
    /// let file = b"ffffffff81000000 0 T _text\nffffffff81000040 8 t f\t[ext3]\nffffffff81001000 0 B _end\n";
    /// let table = SymbolTable::from_bytes(file)?;
    /// let placed = ranges.place(&table, None)?;
    /// let report = Validation::new(file).against_ranges(&placed).run();
    /// assert_eq!(report.count(Rule::RangesModules), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub const fn against_ranges(self, ranges: &'a Placed<'a>) -> Self {
        Self {
            ranges: Some(ranges),
            ..self
        }
    }

    /// Takes a file of any other dialect for an error.
    ///
    /// ```
    /// use kallmodsyms::{Dialect, validate::{Rule, Validation}};
    ///
    /// let validation = Validation::new(b"ffffffff81000000 T _stext\n").dialect(Dialect::Sized);
    /// assert_eq!(validation.run().count(Rule::Dialect), 1);
    /// ```
    #[must_use]
    pub const fn dialect(self, dialect: Dialect) -> Self {
        Self {
            dialect: Some(dialect),
            ..self
        }
    }

    /// Keeps at most this many findings of each rule; all are counted. 10 unless said otherwise.
    ///
    /// ```
    /// use kallmodsyms::validate::{Rule, Validation};
    ///
    /// let report = Validation::new(b"bad\nbad\nbad\n").keep(1).run();
    /// assert_eq!((report.findings.len(), report.count(Rule::Fields)), (1, 3));
    /// ```
    #[must_use]
    pub const fn keep(self, keep: usize) -> Self {
        Self { keep, ..self }
    }

    /// Looks at every line once. Allocates for the findings that are kept and for the set of modules, not for lines.
    /// Against a linker's table or ranges, also makes a table of the file, and a [`Diff`](crate::diff::Diff) of both
    /// tables.
    ///
    /// ```
    /// use kallmodsyms::validate::{Rule, Validation};
    ///
    /// let report = Validation::new(b"ffffffff81000000 0 T f\t[b] [a]\nffffffff81000001 1 T _end\n").run();
    /// assert_eq!(report.findings[0].rule, Rule::ModuleOrder);
    /// ```
    #[must_use]
    pub fn run(&self) -> Report {
        let mut report = Report::new(self.keep);
        let mut check = Check::new(self.kallsyms, self.keep);
        let mut progress = Progress::new();
        let mut rest = self.source;
        while let Some(line) = progress.next_line(&mut rest, self.source.len()) {
            check.line(&line);
        }
        report.format = progress.format();
        check.end(&mut report, self.source.len(), self.dialect);
        against::check(&mut report, self.source, self.linked, self.ranges);
        report.add_lines(self.source);
        report.arrange();
        report
    }
}

/// How many lines of a stream may be no symbol before the first is one.
#[cfg(feature = "std")]
const PATIENCE: usize = 1 << 16;

/// Checks a stream, which is never in memory as a whole, against no other source: what [`Validation`] finds of the same
/// bytes, with at most `keep` findings of each rule. A file of any other dialect than the one asked for is an error.
///
/// A stream without a single symbol in its first 65,536 lines is [given up](Report::given_up), however long it is. Lines
/// over [`LINE_MAX`](crate::LINE_MAX) bytes are errors.
///
/// # Errors
///
/// If the source fails.
///
/// ```
/// use kallmodsyms::validate;
///
/// let report = validate::stream(b"ffffffff81000000 T _text\nbad\n".as_slice(), None, 10)?;
/// assert_eq!(report.findings[0].position.line, 2);
/// # Ok::<(), std::io::Error>(())
/// ```
#[cfg(feature = "std")]
pub fn stream(
    source: impl std::io::Read,
    dialect: Option<Dialect>,
    keep: usize,
) -> std::io::Result<Report> {
    let mut report = Report::new(keep);
    let mut check = Check::new(None, keep);
    let mut reader = crate::Reader::new(source);
    while let Some(line) = reader.next_line()? {
        check.line(&line);
        if check.lines() >= PATIENCE && !check.any_symbol() {
            report.given_up = true;
            break;
        }
    }
    report.format = reader.format();
    check.end(&mut report, reader.position().offset, dialect);
    report.arrange();
    Ok(report)
}

/// Something that broke a rule.
///
/// ```
/// use kallmodsyms::validate::{Rule, Validation};
///
/// let finding = &Validation::new(b"").run().findings[0];
/// assert_eq!(finding.rule, Rule::Empty);
/// assert_eq!(finding.message, "expected symbols, found an empty file");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// The rule.
    pub rule: Rule,
    /// Where it was broken.
    pub position: Position,
    /// What was expected, and what was found.
    pub message: String,
    /// The line, without its line feed.
    pub line: Vec<u8>,
}

impl Finding {
    /// The finding with the line it speaks of and a caret under the place.
    ///
    /// ```
    /// use kallmodsyms::validate::Validation;
    ///
    /// let file = b"ffffffff81000000 0 T f\t[b] [a]\nffffffff81000001 1 T _end\n";
    /// let report = Validation::new(file).run();
    /// assert_eq!(
    ///     report.findings[0].diagnostic("saved", file).to_string(),
    ///     "\
    /// error[module-order]: expected modules in ascending order, found `a` after `b`
    ///  --> saved:1:28
    ///   |
    /// 1 | ffffffff81000000 0 T f\\t[b] [a]
    ///   |                             ^
    ///   = the kernel's module table lists modules sorted bytewise, each once
    /// "
    /// );
    /// ```
    #[must_use]
    pub const fn diagnostic<'a>(
        &'a self,
        file: &'a str,
        source: &'a [u8],
    ) -> Diagnostic<'a, String> {
        Diagnostic {
            rule: self.rule,
            message: &self.message,
            position: self.position,
            file,
            source,
        }
    }

    /// The same where the file is not in memory.
    ///
    /// ```
    /// use kallmodsyms::validate;
    ///
    /// let file = b"ffffffff81000000 T _text\nbad\n";
    /// let report = validate::stream(file.as_slice(), None, 10)?;
    /// let finding = &report.findings[0];
    /// assert_eq!(finding.line_diagnostic("saved").to_string(), finding.diagnostic("saved", file).to_string());
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[must_use]
    pub fn line_diagnostic<'a>(&'a self, file: &'a str) -> Diagnostic<'a, String> {
        // What is shown are line and column; the offset tells where in `source` they are.
        let position = Position {
            offset: self.position.column - 1,
            ..self.position
        };
        Diagnostic {
            position,
            ..self.diagnostic(file, &self.line)
        }
    }
}

/// What validation found.
///
/// ```
/// use kallmodsyms::validate::Validation;
///
/// let report = Validation::new(b"ffffffff81000000 8 T _stext\n").run();
/// assert_eq!(report.findings, []);
/// assert_eq!(report.summary.lines, 1);
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Report {
    /// The format; `None` if no line is well formed in any.
    pub format: Option<Format>,
    /// How far the kernel slid from where it was linked, if the linker's table was compared and is of this kernel.
    pub slide: Option<Slide>,
    /// What the file holds.
    pub summary: Summary,
    /// The first findings of each rule, in the order of the file.
    pub findings: Vec<Finding>,
    /// Whether reading ended before the file did, for want of any symbol.
    pub given_up: bool,
    counts: [usize; Rule::ALL.len()],
    keep: usize,
}

impl Report {
    fn new(keep: usize) -> Self {
        Self {
            format: None,
            slide: None,
            summary: Summary::default(),
            findings: Vec::new(),
            given_up: false,
            counts: [0; Rule::ALL.len()],
            keep,
        }
    }

    /// How often a rule was broken, whether the findings were kept or not.
    ///
    /// ```
    /// use kallmodsyms::validate::{Rule, Validation};
    ///
    /// assert_eq!(Validation::new(b"x\nx\n").run().count(Rule::Fields), 2);
    /// ```
    #[must_use]
    pub const fn count(&self, rule: Rule) -> usize {
        self.counts[rule as usize]
    }

    /// How many findings there are of a severity.
    ///
    /// ```
    /// use kallmodsyms::validate::{Severity, Validation};
    ///
    /// let report = Validation::new(b"ffffffff81000000 1 T f\nffffffff81000000 1 T f\n").run();
    /// assert_eq!(report.total(Severity::Warning), 1);
    /// assert_eq!(report.total(Severity::Error), 0);
    /// ```
    #[must_use]
    pub fn total(&self, severity: Severity) -> usize {
        Rule::ALL
            .iter()
            .filter(|rule| rule.severity() == severity)
            .map(|&rule| self.count(rule))
            .sum()
    }

    /// Whether there is no error. Warnings do not count.
    ///
    /// ```
    /// use kallmodsyms::validate::Validation;
    ///
    /// assert!(Validation::new(b"ffffffff81000000 T f\n").run().is_valid());
    /// ```
    #[must_use]
    pub fn is_valid(&self) -> bool {
        self.total(Severity::Error) == 0
    }

    /// Counts a finding, and keeps it unless there are enough of its rule. The message is made only if it is kept.
    fn add(&mut self, rule: Rule, position: Position, message: impl FnOnce() -> String) {
        let count = &mut self.counts[rule as usize];
        *count += 1;
        if *count <= self.keep {
            self.findings.push(Finding {
                rule,
                position,
                message: message(),
                line: Vec::new(),
            });
        }
    }

    /// Gives each finding its line that has none yet.
    fn add_lines(&mut self, source: &[u8]) {
        let empty = self
            .findings
            .iter_mut()
            .filter(|finding| finding.line.is_empty());
        for finding in empty {
            let start = finding.position.offset - (finding.position.column - 1);
            let rest = source.get(start..).unwrap_or_default();
            let end = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
            finding.line = rest[..end].into();
        }
    }

    /// Puts the findings in the order of the file, and keeps as many of each rule as are wanted.
    fn arrange(&mut self) {
        self.findings.sort_by_key(|finding| finding.position.offset);
        let mut seen = [0; Rule::ALL.len()];
        let keep = self.keep;
        self.findings.retain(|finding| {
            let seen = &mut seen[finding.rule as usize];
            *seen += 1;
            *seen <= keep
        });
    }
}
