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
mod rule;
mod summary;

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

pub use rule::{Rule, Severity};
pub use summary::Summary;

use crate::ranges::Placed;
use crate::read::{Line, Lines};
use crate::{Diagnostic, Dialect, Format, Group, Modules, Position, Slide, Symbol, SymbolTable};
use memchr::memchr;
use summary::Counter;

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

    /// Looks at every line twice. Allocates for the findings that are kept and for the set of modules, not for lines.
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
        let found = Format::detect(self.source);
        let format = found.unwrap_or_default();
        let mut report = Report {
            format: found,
            slide: None,
            summary: Summary::default(),
            findings: Vec::new(),
            counts: [0; Rule::ALL.len()],
            keep: self.keep,
        };
        let survey = Survey::of(self.source, format);
        let mut check = Check::new(self.kallsyms, format, &survey, &mut report);
        if let Some(expected) = self.dialect.filter(|_| found.is_some()) {
            check.dialect(expected);
        }
        check.whole(&survey);
        for line in Lines::new(self.source) {
            check.line(&line);
        }
        check.end(self.source.len());
        against::check(&mut report, self.source, self.linked, self.ranges);
        report
            .findings
            .sort_by_key(|finding| finding.position.offset);
        report
    }
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
    counts: [usize; Rule::ALL.len()],
    keep: usize,
}

impl Report {
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
            });
        }
    }
}

/// What must be known of the whole file before any line can be judged.
struct Survey {
    /// The number of the last line that names no module.
    last_bare: usize,
    any_address: bool,
    any_size: bool,
    any_symbol: bool,
}

impl Survey {
    fn of(source: &[u8], format: Format) -> Self {
        let mut survey = Self {
            last_bare: 0,
            any_address: false,
            any_size: false,
            any_symbol: false,
        };
        for line in Lines::new(source) {
            let Ok(symbol) = line.symbol(format) else {
                continue;
            };
            survey.any_symbol = true;
            survey.any_address |= symbol.address != 0;
            survey.any_size |= symbol.size.is_some_and(|size| size != 0);
            if symbol.modules.is_empty() {
                survey.last_bare = line.number;
            }
        }
        survey
    }

    /// Whether the kernel hid the addresses from the reader.
    const fn hidden(&self) -> bool {
        self.any_symbol && !self.any_address
    }
}

/// `/proc/kallsyms` of the same boot.
struct Kallsyms<'a> {
    lines: Lines<'a>,
    /// How many lines come before the first that names a module.
    image: usize,
}

/// The rules at work: what is known from the lines before.
struct Check<'a, 'r> {
    report: &'r mut Report,
    format: Format,
    kallsyms: Option<Kallsyms<'a>>,
    /// How many lines the kernel image takes.
    image: usize,
    counter: Counter<'a>,
    /// The line before, with its symbol and group, if it was well formed.
    last: Option<(&'a [u8], Symbol<'a>, Group)>,
    /// The line that kallsyms should have: one buffer for all lines.
    text: Vec<u8>,
}

impl<'a, 'r> Check<'a, 'r> {
    fn new(
        kallsyms: Option<&'a [u8]>,
        format: Format,
        survey: &Survey,
        report: &'r mut Report,
    ) -> Self {
        let mut counter = Counter::default();
        counter.summary.hidden = survey.hidden();
        let mut check = Self {
            report,
            format,
            kallsyms: None,
            image: survey.last_bare,
            counter,
            last: None,
            text: Vec::new(),
        };
        check.kallsyms = kallsyms.and_then(|source| check.open_kallsyms(source));
        if let Some(kallsyms) = &check.kallsyms {
            check.image = kallsyms.image;
        }
        check
    }

    /// Makes ready to compare, unless one look tells that the files cannot be of one reader and boot.
    fn open_kallsyms(&mut self, source: &'a [u8]) -> Option<Kallsyms<'a>> {
        let format = Format::detect(source);
        let survey = Survey::of(source, format.unwrap_or_default());
        let hides = |hidden| if hidden { "hides" } else { "shows" };
        let problem = match format {
            None => {
                "expected /proc/kallsyms to compare with, found a file without any symbol".into()
            }
            Some(Format { dialect, .. }) if dialect != Dialect::Kallsyms => {
                format!(
                    "expected /proc/kallsyms to compare with, found a file of the {dialect} dialect"
                )
            }
            Some(_) if survey.hidden() != self.hidden() => format!(
                "expected both files to show addresses or both to hide them, but this {} and kallsyms {} them",
                hides(self.hidden()),
                hides(survey.hidden()),
            ),
            Some(_) if source.last() != Some(&b'\n') => {
                "expected /proc/kallsyms to compare with, found a copy cut short in its last line"
                    .into()
            }
            Some(_) => {
                let is_bare = |line: &Line<'_>| !line.bytes.contains(&b'\t');
                return Some(Kallsyms {
                    lines: Lines::new(source),
                    image: Lines::new(source).take_while(is_bare).count(),
                });
            }
        };
        self.report.add(Rule::Projection, START, || problem);
        None
    }

    const fn hidden(&self) -> bool {
        self.counter.summary.hidden
    }

    fn dialect(&mut self, expected: Dialect) {
        let found = self.format.dialect;
        if found != expected {
            self.report.add(Rule::Dialect, START, || {
                format!("expected the {expected} dialect, found the {found} dialect")
            });
        }
    }

    /// What concerns no line more than another.
    fn whole(&mut self, survey: &Survey) {
        let has_sizes = self.format.dialect.has_sizes();
        if has_sizes && survey.any_address && !survey.any_size {
            self.report.add(Rule::Hidden, START, || {
                "expected sizes as addresses are shown, found all of them zero".into()
            });
        }
    }

    fn line(&mut self, line: &Line<'a>) {
        self.counter.summary.lines += 1;
        let symbol = match line.symbol(self.format) {
            Ok(symbol) => symbol,
            Err(error) => {
                self.report
                    .add(error.kind.rule(), error.position, || error.kind.to_string());
                self.last = None;
                if let Some(kallsyms) = &mut self.kallsyms {
                    kallsyms.lines.next();
                }
                return;
            }
        };
        let group = if line.number > self.image {
            Group::outside(symbol.modules)
        } else if symbol.modules.is_empty() {
            Group::Core
        } else {
            Group::BuiltIn
        };
        self.counter.add(&symbol, group);
        self.modules(line, &symbol, group);
        self.size(line, &symbol);
        self.order(line, &symbol, group);
        self.projection(line, &symbol);
        self.last = Some((line.bytes, symbol, group));
    }

    fn modules(&mut self, line: &Line<'a>, symbol: &Symbol<'a>, group: Group) {
        if symbol.modules.is_empty() {
            return;
        }
        if !group.is_image() && symbol.modules.len() > 1 {
            self.report.add(Rule::ModuleCount, line.position(0), || {
                let count = symbol.modules.len();
                format!("expected one module for a symbol outside the kernel image, found {count}")
            });
        }
        if !group.is_image() {
            return;
        }
        let mut at = memchr(b'\t', line.bytes).map_or(0, |tab| tab + 1);
        let mut last: Option<&[u8]> = None;
        for name in symbol.modules {
            if Group::of_pseudo_module(name).is_some() {
                self.report.add(Rule::GroupOrder, line.position(at), || {
                    let name = name.escape_ascii();
                    format!("expected `[{name}]` after the kernel image, found it within")
                });
            }
            if let Some(last) = last.filter(|&last| last >= name) {
                self.report.add(Rule::ModuleOrder, line.position(at), || {
                    let (last, name) = (last.escape_ascii(), name.escape_ascii());
                    format!("expected modules in ascending order, found `{name}` after `{last}`")
                });
            }
            last = Some(name);
            at += b"[] ".len() + name.len();
        }
    }

    fn size(&mut self, line: &Line<'a>, symbol: &Symbol<'a>) {
        let Some(size @ 1..) = symbol.size else {
            return;
        };
        let position = || line.position(self.format.width.digits() + 1);
        if self.hidden() {
            self.report.add(Rule::Hidden, position(), || {
                format!("expected the size 0 as addresses are hidden, found {size:#x}")
            });
        } else if symbol.address > self.format.width.max() - (size - 1) {
            self.report.add(Rule::SizeRange, position(), || {
                format!(
                    "expected a symbol at {:#x} to end by {:#x}, found {size:#x} bytes",
                    symbol.address,
                    self.format.width.max(),
                )
            });
        }
    }

    fn order(&mut self, line: &Line<'a>, symbol: &Symbol<'a>, group: Group) {
        let Some((bytes, last, last_group)) = self.last else {
            return;
        };
        if !group.is_image() && group < last_group {
            self.report.add(Rule::GroupOrder, line.position(0), || {
                format!("expected no symbol of {group} after those of {last_group}, found one")
            });
        }
        if self.hidden() {
            return;
        }
        if line.bytes == bytes && symbol.size.is_some_and(|size| size != 0) {
            self.report.add(Rule::Duplicate, line.position(0), || {
                "expected another symbol, found the line before again".into()
            });
        }
        if !group.is_image() || !last_group.is_image() {
            return;
        }
        if symbol.address < last.address {
            self.report.add(Rule::AddressOrder, line.position(0), || {
                format!(
                    "expected an address of at least {:#x}, found a lower one",
                    last.address
                )
            });
        }
        if let (true, Some(before), Some(size)) =
            (symbol.address == last.address, last.size, symbol.size)
        {
            // No size sorts first; a larger size before a smaller.
            let key = |size: u64| (size != 0, !size);
            if key(before) > key(size) {
                let position = line.position(self.format.width.digits() + 1);
                self.report.add(Rule::AliasOrder, position, || {
                    format!("expected no symbol of the size {size:#x} after one of {before:#x} at the same address")
                });
            }
        }
    }

    fn projection(&mut self, line: &Line<'a>, symbol: &Symbol<'a>) {
        let Some(kallsyms) = &mut self.kallsyms else {
            return;
        };
        let position = line.position(0);
        let Some(other) = kallsyms.lines.next() else {
            self.report.add(Rule::Projection, position, || {
                let lines = position.line - 1;
                format!(
                    "expected the end, as kallsyms ends after line {lines}, found another symbol"
                )
            });
            // One finding tells it; the lines that follow would tell the same.
            self.kallsyms = None;
            return;
        };
        // Whether the bracket is that of a loaded module, kallsyms alone can say.
        let mut projected = *symbol;
        projected.size = None;
        projected.object = None;
        if !other.bytes.contains(&b'\t') {
            projected.modules = Modules::default();
        }
        let text = &mut self.text;
        text.clear();
        projected.write_line(self.format.width, text);
        text.pop();
        if *text != other.bytes {
            self.report.add(Rule::Projection, position, || {
                let (expected, found) = (other.bytes.escape_ascii(), text.escape_ascii());
                format!("expected kallsyms' line `{expected}`, found `{found}` but for size and built-in modules")
            });
        }
    }

    fn end(mut self, length: usize) {
        let lines = self.counter.summary.lines;
        let end = Position {
            line: lines + 1,
            column: 1,
            offset: length,
        };
        if let Some(mut kallsyms) = self.kallsyms.take() {
            if let Some(next) = kallsyms.lines.next() {
                let missing = 1 + kallsyms.lines.count();
                self.report.add(Rule::Projection, end, || {
                    let next = next.bytes.escape_ascii();
                    format!(
                        "expected as many lines as kallsyms has, {missing} more from `{next}` on, found the end"
                    )
                });
            }
        }
        if lines == 0 {
            self.report.add(Rule::Empty, START, || {
                "expected symbols, found an empty file".into()
            });
        }
        self.report.summary = self.counter.finish();
    }
}

const START: Position = Position {
    line: 1,
    column: 1,
    offset: 0,
};
