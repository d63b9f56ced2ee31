// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Why the kernel hides addresses from a reader.

use core::fmt;
use std::fs;
use std::path::Path;

/// What decides whether the kernel shows addresses to this process: `kallsyms_show_value()`.
///
/// | `kernel.kptr_restrict` | shown to |
/// |---|---|
/// | 0 | everyone where `kernel.perf_event_paranoid` is 1 or less, else to `CAP_SYSLOG` |
/// | 1 | `CAP_SYSLOG` in the initial user namespace |
/// | 2 and more | nobody |
///
/// ```
/// use kallmodsyms::source::{Cause, Hidden};
///
/// let mut hidden = Hidden::default();
/// hidden.kptr_restrict = Some(2);
/// assert_eq!(hidden.cause(), Cause::KptrRestrict);
/// assert_eq!(
///     hidden.to_string(),
///     "kernel.kptr_restrict is 2, which hides them from everyone; as root: sysctl kernel.kptr_restrict=1",
/// );
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Hidden {
    /// `kernel.kptr_restrict`, if it can be read.
    pub kptr_restrict: Option<i64>,
    /// `kernel.perf_event_paranoid`; none where the kernel has no perf events.
    pub perf_event_paranoid: Option<i64>,
    /// Whether this process has `CAP_SYSLOG` in effect.
    pub cap_syslog: Option<bool>,
    /// Whether this process is in the initial user namespace.
    pub initial_namespace: Option<bool>,
}

/// What hides addresses, from [`Hidden::cause`].
///
/// ```
/// assert_eq!(kallmodsyms::source::Hidden::default().cause().name(), "unknown");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Cause {
    /// `kernel.kptr_restrict` hides them from everyone.
    KptrRestrict,
    /// The capability is held in a user namespace where it does not count.
    UserNamespace,
    /// `kernel.kptr_restrict` asks for a capability that is missing.
    Capability,
    /// `kernel.perf_event_paranoid` asks for a capability that is missing.
    PerfEventParanoid,
    /// None of these.
    Unknown,
}

impl Cause {
    /// The name in lower case with hyphens, as JSON output has it.
    ///
    /// ```
    /// assert_eq!(kallmodsyms::source::Cause::KptrRestrict.name(), "kptr-restrict");
    /// ```
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::KptrRestrict => "kptr-restrict",
            Self::UserNamespace => "user-namespace",
            Self::Capability => "capability",
            Self::PerfEventParanoid => "perf-event-paranoid",
            Self::Unknown => "unknown",
        }
    }
}

/// The bit of `CAP_SYSLOG` in a set of capabilities.
const CAP_SYSLOG: u32 = 34;

impl Hidden {
    /// Reads the settings of the system below a directory: `/` is the running one.
    ///
    /// ```
    /// use kallmodsyms::source::Hidden;
    ///
    /// assert_eq!(Hidden::read("/no/such/directory".as_ref()), Hidden::default());
    /// ```
    #[must_use]
    pub fn read(root: &Path) -> Self {
        let text = |path: &str| fs::read_to_string(root.join(path)).ok();
        let number = |path| text(path)?.trim().parse().ok();
        let capabilities = || {
            let status = text("proc/self/status")?;
            let digits = status
                .lines()
                .find_map(|line| line.strip_prefix("CapEff:"))?;
            u64::from_str_radix(digits.trim(), 16).ok()
        };
        let is_initial =
            |map: std::string::String| map.split_whitespace().eq(["0", "0", "4294967295"]);
        Self {
            kptr_restrict: number("proc/sys/kernel/kptr_restrict"),
            perf_event_paranoid: number("proc/sys/kernel/perf_event_paranoid"),
            cap_syslog: capabilities().map(|set| set >> CAP_SYSLOG & 1 == 1),
            initial_namespace: text("proc/self/uid_map").map(is_initial),
        }
    }

    /// What hides the addresses.
    ///
    /// ```
    /// use kallmodsyms::source::{Cause, Hidden};
    ///
    /// let mut hidden = Hidden::default();
    /// (hidden.kptr_restrict, hidden.cap_syslog) = (Some(1), Some(false));
    /// assert_eq!(hidden.cause(), Cause::Capability);
    /// ```
    #[must_use]
    pub fn cause(&self) -> Cause {
        let held = self.cap_syslog == Some(true);
        match self.kptr_restrict {
            Some(2..) => Cause::KptrRestrict,
            _ if held && self.initial_namespace == Some(false) => Cause::UserNamespace,
            Some(1) if !held => Cause::Capability,
            Some(..=0) if !held => match self.perf_event_paranoid {
                Some(..=1) => Cause::Unknown,
                Some(_) => Cause::PerfEventParanoid,
                None => Cause::Capability,
            },
            _ => Cause::Unknown,
        }
    }
}

impl fmt::Display for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = |f: &mut fmt::Formatter<'_>, value: Option<i64>| match value {
            Some(value) => write!(f, "{value}"),
            None => f.write_str("not to be read"),
        };
        match self.cause() {
            Cause::KptrRestrict => {
                f.write_str("kernel.kptr_restrict is ")?;
                number(f, self.kptr_restrict)?;
                f.write_str(", which hides them from everyone; as root: sysctl kernel.kptr_restrict=1")
            }
            Cause::UserNamespace => f.write_str(
                "CAP_SYSLOG counts in the initial user namespace alone; run outside of the container",
            ),
            Cause::Capability => {
                f.write_str("kernel.kptr_restrict is ")?;
                number(f, self.kptr_restrict)?;
                f.write_str(
                    " and this process lacks CAP_SYSLOG; run as root, or give the program the capability, as root: \
                     setcap cap_syslog+ep PROGRAM",
                )
            }
            Cause::PerfEventParanoid => {
                f.write_str("kernel.perf_event_paranoid is ")?;
                number(f, self.perf_event_paranoid)?;
                f.write_str(
                    " and this process lacks CAP_SYSLOG; run as root, or as root: sysctl kernel.perf_event_paranoid=1",
                )
            }
            Cause::Unknown => {
                f.write_str("kernel.kptr_restrict is ")?;
                number(f, self.kptr_restrict)?;
                f.write_str(", kernel.perf_event_paranoid is ")?;
                number(f, self.perf_event_paranoid)?;
                f.write_str(match self.cap_syslog {
                    Some(true) => ", and this process has CAP_SYSLOG, which should do; was the file read by another?",
                    Some(false) => ", and this process lacks CAP_SYSLOG; run as root",
                    None => "; run as root",
                })
            }
        }
    }
}
