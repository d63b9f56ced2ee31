// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Findings that may turn out to be none.

use alloc::string::String;
use alloc::vec::Vec;
use core::mem;

use super::{Finding, Report, Rule};
use crate::Position;

/// On what a finding depends.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Claim {
    /// On nothing.
    Sure,
    /// That the kernel hides addresses from who read the file.
    IfHidden,
    /// That it shows them.
    IfShown,
}

/// How often each rule was broken, and the first findings of each.
struct Part {
    counts: [usize; Rule::ALL.len()],
    findings: Vec<Finding>,
    is_empty: bool,
}

impl Default for Part {
    fn default() -> Self {
        Self {
            counts: [0; Rule::ALL.len()],
            findings: Vec::new(),
            is_empty: true,
        }
    }
}

impl Part {
    fn merge(&mut self, other: &mut Self, keep: usize) {
        if other.is_empty {
            return;
        }
        let other = mem::take(other);
        self.is_empty = false;
        let mut seen = self.counts;
        for finding in other.findings {
            let seen = &mut seen[finding.rule as usize];
            if *seen < keep {
                self.findings.push(finding);
            }
            *seen += 1;
        }
        for (count, more) in self.counts.iter_mut().zip(other.counts) {
            *count += more;
        }
    }
}

pub(super) struct Tally {
    keep: usize,
    sure: Part,
    if_hidden: Part,
    if_shown: Part,
}

impl Tally {
    pub(super) fn new(keep: usize) -> Self {
        Self {
            keep,
            sure: Part::default(),
            if_hidden: Part::default(),
            if_shown: Part::default(),
        }
    }

    /// Counts a finding, and keeps it unless there are enough of its rule. The message is made only if it is kept.
    pub(super) fn add(
        &mut self,
        claim: Claim,
        rule: Rule,
        position: Position,
        line: &[u8],
        message: impl FnOnce() -> String,
    ) {
        let part = match claim {
            Claim::Sure => &mut self.sure,
            Claim::IfHidden => &mut self.if_hidden,
            Claim::IfShown => &mut self.if_shown,
        };
        part.is_empty = false;
        let count = &mut part.counts[rule as usize];
        *count += 1;
        if *count <= self.keep {
            part.findings.push(Finding {
                rule,
                position,
                message: message(),
                line: line.into(),
            });
        }
    }

    pub(super) fn clear(&mut self) {
        for part in [&mut self.sure, &mut self.if_hidden, &mut self.if_shown] {
            if !part.is_empty {
                *part = Part::default();
            }
        }
    }

    /// Takes over what turned out to hold.
    pub(super) fn merge(&mut self, other: &mut Self) {
        self.sure.merge(&mut other.sure, self.keep);
        self.if_hidden.merge(&mut other.if_hidden, self.keep);
        self.if_shown.merge(&mut other.if_shown, self.keep);
    }

    /// Addresses are shown.
    pub(super) fn shown(&mut self) {
        self.if_hidden = Part::default();
        self.sure.merge(&mut self.if_shown, self.keep);
    }

    /// Addresses are hidden.
    pub(super) fn hidden(&mut self) {
        self.if_shown = Part::default();
        self.sure.merge(&mut self.if_hidden, self.keep);
    }

    pub(super) fn into_report(self, report: &mut Report) {
        report.counts = self.sure.counts;
        report.findings = self.sure.findings;
    }
}
