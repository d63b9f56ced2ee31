// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Reads and checks `/proc/kallmodsyms` and `/proc/kallsyms`: what the Linux kernel says of its own symbols.
//!
//! `/proc/kallmodsyms` prints one symbol a line: where it is, how long it is, what kind of symbol it is, its name, and
//! the kernel modules its code belongs to, whether those are loaded or built in:
//!
//! ```text
//! ffffffff8b014130 11f T intel_pt_interrupt
//! ffffffff8b014280 13a t rapl_pmu_event_init<TAB>[intel_rapl_perf]
//! ```
//!
//! Kernels and patches print four [dialects](Dialect) of this. The crate has layers, each usable alone:
//!
//! - [`grammar`]: one line in, one borrowed [`Symbol`] out;
//! - [`Symbols`]: an iterator over a whole file, which finds the dialect by itself; `Reader` does the same for a
//!   stream;
//! - [`SymbolTable`]: all symbols, by address and by name; [`table::LiveTable`]: while modules and BPF programs come and
//!   go; [`diff`]: what differs between two tables;
//! - [`ranges`], `elf`, [`Slide`]: what other files of the same kernel add: modules, sizes, symbols as linked;
//! - `lenient`: what can be read of a file that is not clean, and how much cannot;
//! - `source`: files and the running kernel, and `source::Kernel::open`, which takes the best there is;
//! - [`validate`]: named rules over a whole file, or over two files of the same boot.
//!
//! Symbols borrow from the bytes of the file, tables own what they hold. Names are bytes: the kernel does not promise
//! UTF-8. Reading is strict: whatever the grammar does not allow is an [`Error`] with a position, never a guess. Only
//! `source` opens files, and only that, `Reader` and `lenient` need the standard library: without the default feature
//! `std` the crate is `no_std` and needs `alloc` only. The feature `elf`, on by default as well, reads images.
//!
//! ```
//! use kallmodsyms::Symbols;
//!
//! let file = b"ffffffff8b014130 11f T intel_pt_interrupt\n\
//!              ffffffff8b014280 13a t rapl_pmu_event_init\t[intel_rapl_perf]\n";
//! for symbol in Symbols::new(file) {
//!     let symbol = symbol?;
//!     if symbol.modules.contains(b"intel_rapl_perf") {
//!         assert_eq!(symbol.name, b"rapl_pmu_event_init");
//!         assert_eq!(symbol.size, Some(0x13a));
//!     }
//! }
//! # Ok::<(), kallmodsyms::Error>(())
//! ```

#![no_std]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

mod diagnostic;
mod dialect;
pub mod diff;
#[cfg(feature = "elf")]
pub mod elf;
mod error;
mod glob;
pub mod grammar;
mod group;
mod kind;
#[cfg(feature = "std")]
pub mod lenient;
mod query;
pub mod ranges;
mod read;
#[cfg(feature = "std")]
mod reader;
mod slide;
#[cfg(feature = "std")]
pub mod source;
mod symbol;
pub mod table;
pub mod validate;

pub use diagnostic::{Diagnostic, Position};
pub use dialect::{Dialect, Format, Width};
pub use error::{Error, ErrorKind};
pub use glob::glob_match;
pub use group::Group;
pub use kind::{Binding, Kind, Section};
pub use query::Query;
use query::VMLINUX;
pub use read::Symbols;
#[cfg(feature = "std")]
pub use reader::{LINE_MAX, ReadError, Reader};
pub use slide::{Slide, SlideError};
pub use symbol::{ModuleList, ModuleNames, Modules, Symbol};
pub use table::{SymbolTable, is_mapping_symbol};
