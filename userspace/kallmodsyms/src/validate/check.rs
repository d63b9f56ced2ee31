// SPDX-License-Identifier: Apache-2.0 OR MIT

//! The rules at work, line by line.
//!
//! Two things are not known until the file ends: whether a symbol that names a module is part of the kernel image (it is
//! if a symbol without one follows), and whether addresses are hidden (they are if none is ever shown). So that no line
//! has to be kept, both answers are worked out at once, and the findings of the wrong one are dropped: those of the image
//! when the file ends, those of what comes after it when a symbol without a module follows.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use memchr::memchr;

use super::summary::Counter;
use super::tally::{Claim, Tally};
use super::{Finding, Report, Rule};
use crate::read::{Line, Lines, ReadLine};
use crate::{Dialect, Format, Group, Modules, Position, Symbol};

/// What is known from the lines before.
pub(super) struct Check<'a> {
    kallsyms: Option<Kallsyms<'a>>,
    /// What holds whatever comes.
    settled: Tally,
    /// What holds if the lines since the last one without a module are of the kernel image, and what if they are not.
    image: Tally,
    outside: Tally,
    /// What `/proc/kallsyms` is compared with.
    projection: Tally,
    counter: Counter,
    first_line: Vec<u8>,
    last: Option<Last>,
    /// The text of the line before: one buffer for all lines, as is the next.
    last_line: Vec<u8>,
    /// The line that kallsyms should have.
    text: Vec<u8>,
    any_address: bool,
    any_size: bool,
    any_symbol: bool,
}

/// The symbol before, if the line was well formed.
#[derive(Clone, Copy)]
struct Last {
    address: u64,
    size: Option<u64>,
    place: Place,
    /// The group that it has if it is outside of the kernel image.
    outside: Option<Group>,
}

/// Whether a symbol is part of the kernel image.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Place {
    #[default]
    Image,
    Outside,
    /// Nobody knows yet.
    Open,
}

/// `/proc/kallsyms` of the same boot.
struct Kallsyms<'a> {
    lines: Lines<'a>,
    /// How many lines come before the first that names a module.
    image: usize,
    hidden: bool,
    /// Whether all its lines were used up, and one finding has told so.
    is_over: bool,
}

pub(super) const START: Position = Position {
    line: 1,
    column: 1,
    offset: 0,
};

impl<'a> Check<'a> {
    pub(super) fn new(kallsyms: Option<&'a [u8]>, keep: usize) -> Self {
        let mut check = Self {
            kallsyms: None,
            settled: Tally::new(keep),
            image: Tally::new(keep),
            outside: Tally::new(keep),
            projection: Tally::new(keep),
            counter: Counter::default(),
            first_line: Vec::new(),
            last: None,
            last_line: Vec::new(),
            text: Vec::new(),
            any_address: false,
            any_size: false,
            any_symbol: false,
        };
        check.kallsyms = kallsyms.and_then(|source| check.open_kallsyms(source));
        check
    }

    pub(super) const fn any_symbol(&self) -> bool {
        self.any_symbol
    }

    pub(super) const fn lines(&self) -> usize {
        self.counter.summary.lines
    }

    /// Makes ready to compare, unless one look tells that the file is none to compare with.
    fn open_kallsyms(&mut self, source: &'a [u8]) -> Option<Kallsyms<'a>> {
        let problem = match Format::detect(source) {
            None => {
                "expected /proc/kallsyms to compare with, found a file without any symbol".into()
            }
            Some(Format { dialect, .. }) if dialect != Dialect::Kallsyms => {
                format!(
                    "expected /proc/kallsyms to compare with, found a file of the {dialect} dialect"
                )
            }
            Some(_) if source.last() != Some(&b'\n') => {
                "expected /proc/kallsyms to compare with, found a copy cut short in its last line"
                    .into()
            }
            Some(format) => {
                let is_bare = |line: &Line<'_>| !line.bytes.contains(&b'\t');
                let symbols = Lines::new(source).filter_map(|line| line.symbol(format).ok());
                return Some(Kallsyms {
                    lines: Lines::new(source),
                    image: Lines::new(source).take_while(is_bare).count(),
                    hidden: symbols.into_iter().all(|symbol| symbol.address == 0),
                    is_over: false,
                });
            }
        };
        self.projection
            .add(Claim::Sure, Rule::Projection, START, b"", || problem);
        None
    }

    /// Takes the next line.
    pub(super) fn line(&mut self, line: &ReadLine<'_>) {
        self.counter.summary.lines += 1;
        if self.first_line.is_empty() && line.number == 1 {
            self.first_line = line.text.into();
        }
        match line.symbol {
            Ok(symbol) => self.symbol(line, &symbol),
            Err(error) => {
                let message = || format!("{}", error.kind);
                let (rule, position) = (error.kind.rule(), error.position);
                self.settled
                    .add(Claim::Sure, rule, position, line.text, message);
                self.last = None;
                if let Some(kallsyms) = &mut self.kallsyms {
                    kallsyms.lines.next();
                }
            }
        }
    }

    fn symbol(&mut self, line: &ReadLine<'_>, symbol: &Symbol<'_>) {
        self.any_symbol = true;
        self.any_size |= symbol.size.is_some_and(|size| size != 0);
        if symbol.address != 0 && !self.any_address {
            self.any_address = true;
            for tally in [&mut self.settled, &mut self.image, &mut self.outside] {
                tally.shown();
            }
        }
        let place = self.place(line.number, symbol);
        let outside = (place != Place::Image).then(|| Group::outside(symbol.modules));
        self.counter.add(symbol, place, outside);
        self.modules(line, symbol, place);
        self.size(line, symbol);
        self.order(line, symbol, place, outside);
        self.projection(line, symbol);
        self.last = Some(Last {
            address: symbol.address,
            size: symbol.size,
            place,
            outside,
        });
        self.last_line.clear();
        self.last_line.extend_from_slice(line.text);
    }

    fn place(&mut self, number: usize, symbol: &Symbol<'_>) -> Place {
        if let Some(kallsyms) = &self.kallsyms {
            return if number > kallsyms.image {
                Place::Outside
            } else {
                Place::Image
            };
        }
        if !symbol.modules.is_empty() {
            return Place::Open;
        }
        // All before this one is of the image.
        self.settled.merge(&mut self.image);
        self.outside.clear();
        self.counter.settle();
        if let Some(last) = &mut self.last {
            (last.place, last.outside) = (Place::Image, None);
        }
        Place::Image
    }

    /// Where a finding of a symbol of the image goes.
    fn of_image(&mut self, place: Place) -> &mut Tally {
        match place {
            Place::Open => &mut self.image,
            _ => &mut self.settled,
        }
    }

    fn of_outside(&mut self, place: Place) -> &mut Tally {
        match place {
            Place::Open => &mut self.outside,
            _ => &mut self.settled,
        }
    }

    fn modules(&mut self, line: &ReadLine<'_>, symbol: &Symbol<'_>, place: Place) {
        if symbol.modules.is_empty() {
            return;
        }
        let text = line.text;
        if place != Place::Image && symbol.modules.len() > 1 {
            let position = line.position(0);
            self.of_outside(place)
                .add(Claim::Sure, Rule::ModuleCount, position, text, || {
                    let count = symbol.modules.len();
                    format!(
                        "expected one module for a symbol outside the kernel image, found {count}"
                    )
                });
        }
        if place == Place::Outside {
            return;
        }
        let mut at = memchr(b'\t', text).map_or(0, |tab| tab + 1);
        let mut last: Option<&[u8]> = None;
        for name in symbol.modules {
            let position = line.position(at);
            if Group::of_pseudo_module(name).is_some() {
                self.of_image(place)
                    .add(Claim::Sure, Rule::GroupOrder, position, text, || {
                        let name = name.escape_ascii();
                        format!("expected `[{name}]` after the kernel image, found it within")
                    });
            }
            if let Some(last) = last.filter(|&last| last >= name) {
                self.of_image(place)
                    .add(Claim::Sure, Rule::ModuleOrder, position, text, || {
                        let (last, name) = (last.escape_ascii(), name.escape_ascii());
                        format!(
                            "expected modules in ascending order, found `{name}` after `{last}`"
                        )
                    });
            }
            last = Some(name);
            at += b"[] ".len() + name.len();
        }
    }

    fn size(&mut self, line: &ReadLine<'_>, symbol: &Symbol<'_>) {
        let Some(size @ 1..) = symbol.size else {
            return;
        };
        let position = line.position(line.width.digits() + 1);
        if !self.any_address {
            self.settled
                .add(Claim::IfHidden, Rule::Hidden, position, line.text, || {
                    format!("expected the size 0 as addresses are hidden, found {size:#x}")
                });
        }
        let max = line.width.max();
        if symbol.address > max - (size - 1) {
            self.settled
                .add(Claim::Sure, Rule::SizeRange, position, line.text, || {
                    format!(
                        "expected a symbol at {:#x} to end by {max:#x}, found {size:#x} bytes",
                        symbol.address,
                    )
                });
        }
    }

    fn order(
        &mut self,
        line: &ReadLine<'_>,
        symbol: &Symbol<'_>,
        place: Place,
        outside: Option<Group>,
    ) {
        let Some(last) = self.last else {
            return;
        };
        let (text, position) = (line.text, line.position(0));
        if let (Some(group), Some(last_group)) = (outside, last.outside) {
            if group < last_group {
                self.of_outside(place)
                    .add(Claim::Sure, Rule::GroupOrder, position, text, || {
                        format!(
                            "expected no symbol of {group} after those of {last_group}, found one"
                        )
                    });
            }
        }
        // Only symbols that are shown have an order, and a twin.
        let claim = if self.any_address {
            Claim::Sure
        } else {
            Claim::IfShown
        };
        if text == self.last_line && symbol.size.is_some_and(|size| size != 0) {
            self.settled
                .add(claim, Rule::Duplicate, position, text, || {
                    "expected another symbol, found the line before again".into()
                });
        }
        if place == Place::Outside || last.place == Place::Outside {
            return;
        }
        if symbol.address < last.address {
            self.of_image(place)
                .add(Claim::Sure, Rule::AddressOrder, position, text, || {
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
                let position = line.position(line.width.digits() + 1);
                self.of_image(place)
                    .add(claim, Rule::AliasOrder, position, text, || {
                        format!("expected no symbol of the size {size:#x} after one of {before:#x} at the same address")
                    });
            }
        }
    }

    fn projection(&mut self, line: &ReadLine<'_>, symbol: &Symbol<'_>) {
        let Some(kallsyms) = self.kallsyms.as_mut().filter(|it| !it.is_over) else {
            return;
        };
        let position = line.position(0);
        let mut add = |message: &dyn Fn() -> String| {
            self.projection
                .add(Claim::Sure, Rule::Projection, position, line.text, message);
        };
        let Some(other) = kallsyms.lines.next() else {
            // The lines that follow would tell the same.
            kallsyms.is_over = true;
            let lines = position.line - 1;
            return add(&|| {
                format!(
                    "expected the end, as kallsyms ends after line {lines}, found another symbol"
                )
            });
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
        projected.write_line(line.width, text);
        text.pop();
        if *text != other.bytes {
            add(&|| {
                let (expected, found) = (other.bytes.escape_ascii(), text.escape_ascii());
                format!(
                    "expected kallsyms' line `{expected}`, found `{found}` but for size and built-in modules"
                )
            });
        }
    }

    /// Judges what only the whole file can tell. `length` is how long it is.
    pub(super) fn end(mut self, report: &mut Report, length: usize, dialect: Option<Dialect>) {
        let hidden = self.any_symbol && !self.any_address;
        // No symbol without a module came to make the last ones part of the image.
        self.settled.merge(&mut self.outside);
        if hidden {
            self.settled.hidden();
        } else {
            self.settled.shown();
        }
        let lines = self.counter.summary.lines;
        let end = Position {
            line: lines + 1,
            column: 1,
            offset: length,
        };
        self.compare_ends(hidden, end);
        self.settled.merge(&mut self.projection);

        let Self {
            settled,
            mut counter,
            first_line,
            ..
        } = self;
        counter.summary.hidden = hidden;
        report.summary = counter.finish();
        settled.into_report(report);
        let mut whole = |rule: Rule, message: String| {
            report.counts[rule as usize] += 1;
            report.findings.push(Finding {
                rule,
                position: START,
                message,
                line: first_line.clone(),
            });
        };
        let found = report.format.map(|format| format.dialect);
        if let (Some(expected), Some(found)) = (dialect, found) {
            if expected != found {
                whole(
                    Rule::Dialect,
                    format!("expected the {expected} dialect, found the {found} dialect"),
                );
            }
        }
        let has_sizes = found.is_some_and(Dialect::has_sizes);
        if has_sizes && self.any_address && !self.any_size {
            let message = "expected sizes as addresses are shown, found all of them zero";
            whole(Rule::Hidden, message.into());
        }
        if lines == 0 {
            whole(Rule::Empty, "expected symbols, found an empty file".into());
        }
    }

    fn compare_ends(&mut self, hidden: bool, end: Position) {
        let Some(mut kallsyms) = self.kallsyms.take() else {
            return;
        };
        if kallsyms.hidden != hidden {
            let hides = |hidden| if hidden { "hides" } else { "shows" };
            self.projection.clear();
            self.projection
                .add(Claim::Sure, Rule::Projection, START, &self.first_line, || {
                    format!(
                        "expected both files to show addresses or both to hide them, but this {} and kallsyms {} them",
                        hides(hidden),
                        hides(kallsyms.hidden),
                    )
                });
            return;
        }
        let Some(next) = kallsyms.lines.next() else {
            return;
        };
        let missing = 1 + kallsyms.lines.count();
        self.projection
            .add(Claim::Sure, Rule::Projection, end, b"", || {
                let next = next.bytes.escape_ascii();
                format!(
                    "expected as many lines as kallsyms has, {missing} more from `{next}` on, found the end"
                )
            });
    }
}
