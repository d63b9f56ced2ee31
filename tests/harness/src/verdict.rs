// SPDX-License-Identifier: Apache-2.0 OR MIT
//! One word, and the reasons for it.

use std::fmt;

use crate::{ktap, splat};

/// What became of a guest, worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It died or hung before it had said all that it had to say.
    Lost,
    /// It said all, but its kernel complained on the console.
    Splat,
    /// A test failed, or not all tests that were planned gave a result.
    Failed,
    /// Everything is in order.
    Passed,
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Lost => "lost",
            Self::Splat => "splat",
            Self::Failed => "failed",
            Self::Passed => "passed",
        })
    }
}

/// The exit status of timeout(1) when the time was up.
const TIMED_OUT: i32 = 124;
/// The same when it had to use SIGKILL.
const KILLED: i32 = 137;

/// Judges a guest by its result, its console and the exit status of QEMU.
#[must_use]
pub fn judge(result: &str, console: &str, qemu: i32) -> (Status, Vec<String>) {
    let report = ktap::read(result);
    let mut complaints: Vec<String> = report.complaints.iter().map(ToString::to_string).collect();
    let trouble = splat::find(console);
    let counts = format!("{} passed, {} failed, {} skipped", report.passed, report.failed(), report.skipped.len());

    let lost = if qemu == TIMED_OUT || qemu == KILLED {
        Some("the guest hung: it was not done when its time was up")
    } else if qemu != 0 {
        Some("QEMU failed")
    } else if report.exit.is_none() {
        Some("the guest died: its result does not end in \"# exit N\"")
    } else {
        None
    };
    if let Some(why) = lost {
        let mut reasons = vec![format!("{why} ({counts} until then)")];
        reasons.extend(trouble.map(str::to_owned));
        let last = console.lines().rev().find(|line| !line.trim().is_empty());
        reasons.push(format!("last words: {}", last.map_or("none", str::trim)));
        return (Status::Lost, reasons);
    }
    if let Some(line) = trouble {
        let mut reasons = vec![format!("the kernel complained: {}", line.trim())];
        reasons.extend(complaints);
        return (Status::Splat, reasons);
    }
    if let Some(exit) = report.exit.filter(|&exit| exit != 0) {
        complaints.push(format!("the guest's exit status is {exit}"));
    }
    if complaints.is_empty() { (Status::Passed, vec![counts]) } else { (Status::Failed, complaints) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "KTAP version 1\n1..2\nok 1 a\nok 2 b # SKIP no file\n# exit 0\n";
    const QUIET: &str = "[    1.000000] Linux version 6.12\n[    9.000000] reboot: Power down\n";

    fn status(result: &str, console: &str, qemu: i32) -> Status {
        judge(result, console, qemu).0
    }

    #[test]
    fn passes() {
        assert_eq!(judge(GOOD, QUIET, 0), (Status::Passed, vec!["1 passed, 0 failed, 1 skipped".to_owned()]));
    }

    #[test]
    fn a_guest_without_an_exit_line_is_lost() {
        assert_eq!(status("", "", 0), Status::Lost);
        assert_eq!(status("1..2\nok 1 a\nok 2 b\n", QUIET, 0), Status::Lost);
        let (status, reasons) = judge("1..2\nok 1 a\n", "[ 1.0] Kernel panic - not syncing: x\n[ 1.1] end\n", 0);
        assert_eq!(status, Status::Lost);
        assert_eq!(reasons[1..], ["[ 1.0] Kernel panic - not syncing: x", "last words: [ 1.1] end"]);
    }

    #[test]
    fn a_guest_that_does_not_end_is_lost() {
        assert_eq!(status(GOOD, QUIET, TIMED_OUT), Status::Lost);
        assert_eq!(status(GOOD, QUIET, KILLED), Status::Lost);
        assert_eq!(status(GOOD, QUIET, 1), Status::Lost);
    }

    #[test]
    fn a_splat_spoils_a_good_result() {
        assert_eq!(status(GOOD, "[    1.000000] WARNING: CPU: 0 PID: 1 at x.c:1", 0), Status::Splat);
    }

    #[test]
    fn failures() {
        assert_eq!(status("1..2\nok 1 a\n# exit 0\n", QUIET, 0), Status::Failed);
        assert_eq!(status("1..1\nnot ok 1 a\n# exit 0\n", QUIET, 0), Status::Failed);
        assert_eq!(status("1..1\nok 1 a\n# exit 1\n", QUIET, 0), Status::Failed);
        assert_eq!(status("# exit 0\n", QUIET, 0), Status::Failed);
    }
}
