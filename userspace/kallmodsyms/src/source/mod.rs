// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Where symbols come from: the running kernel, and files.
//!
//! | source | sizes | modules of built-in code |
//! |---|---|---|
//! | [`Kallmodsyms`] | yes | yes |
//! | [`Kallsyms`] | of the image, with a vmlinux | with `modules.builtin.ranges` (Linux 6.12 and later) |
//! | [`Saved`]: a copy of either | as the original | as the original |
//! | [`SystemMap`] | no | no |
//! | [`Vmlinux`] | yes | no |
//!
//! [`Kernel::open`] takes the best there is of the running kernel, and says what it took, what is missing, and why.
//!
//! Nothing is kept between two loads: the modification time of a file in `/proc` never changes, so nothing tells
//! whether what was read before is still so.

mod error;
mod file;
mod hidden;
mod kernel;
mod read;
mod report;

use std::string::String;

pub use error::Error;
#[cfg(feature = "elf")]
pub use file::Vmlinux;
pub use file::{Kallmodsyms, Kallsyms, Saved, SystemMap};
pub use hidden::{Cause, Hidden};
pub use kernel::{Kernel, Options};
pub use report::{Attempt, Lack, Outcome, Part, Report};

use crate::SymbolTable;

/// Something that symbols can be loaded from.
///
/// ```
/// use kallmodsyms::source::{Saved, Source};
///
/// let sources: [Box<dyn Source>; 2] = [Box::new(Saved::new("/no/such/file")), Box::new(Saved::new("/"))];
/// for source in sources {
///     let error = source.load().unwrap_err();
///     assert!(error.to_string().contains("cannot read /"), "{}: {error}", source.describe());
/// }
/// ```
pub trait Source {
    /// What this is, for people: `/proc/kallsyms joined with /lib/modules/6.12.1/modules.builtin.ranges`.
    ///
    /// ```
    /// use kallmodsyms::source::{Saved, Source};
    ///
    /// assert_eq!(Saved::new("kallsyms.txt").describe(), "kallsyms.txt");
    /// ```
    fn describe(&self) -> String;

    /// Reads the symbols, anew each time.
    ///
    /// # Errors
    ///
    /// If files cannot be read or are not what they should be, or if addresses are hidden. The error names the file,
    /// and what to do next where that is known.
    ///
    /// ```
    /// use kallmodsyms::source::{Error, Saved, Source};
    ///
    /// assert!(matches!(Saved::new("/no/such/file").load(), Err(Error::Io { .. })));
    /// ```
    fn load(&self) -> Result<SymbolTable, Error>;
}
