// SPDX-License-Identifier: GPL-2.0

//! `/proc/kallmodsyms`: the symbols of `/proc/kallsyms` with their sizes, and with the modules
//! that symbols of built-in code are from.
//!
//! ```text
//! ffffffff8b014280 13a t rapl_pmu_event_init      [intel_rapl_perf]
//! ```
//!
//! [`symbols`] decodes what the link of vmlinux left in its tables; the symbols of modules, BPF,
//! ftrace and kprobes come from a walk over their lists. Lines are formatted right into the buffer
//! of the `seq_file`, and copied from there alone.
//!
//! A record is not a line but as many of them as it takes to fill 4 KiB. So what happens between
//! records, such as finding the way back to a module's symbols, is paid once for some 90 lines, and
//! a read of one page still does no more than it has to.
//!
//! Modules, BPF programs, trampolines, pages of kprobe slots and ftrace's copies of init functions
//! may come and go meanwhile:
//!
//! - Each symbol of one that stays is listed exactly once. A place in vmlinux is one in tables that
//!   never change. A [`Cursor`] has the number that an entry of a list got when it was added, with
//!   the lock of the list held, and that no other ever gets; in a module it counts the symbols
//!   that stay when the init functions go.
//! - No name is read from memory that was freed: a line is made in the RCU read-side critical
//!   section in which its symbol was found, and a symbol that goes is freed a grace period later.
//! - No line is torn, and none is about two symbols: it is made by one call, in a buffer that only
//!   the holder of the open file's lock gets at.
//!
//! An RCU section is as long as a record, and ends before anything is copied to user space. What is
//! held longer is the lock of the open file's own `seq_file`, for the length of a read, with what
//! that copies. The price is that each record has to find its way back, along the list of modules
//! say, from the head.
//!
//! The texts that lines are put together from, 6 KiB, are made once. An open file has a [`Reader`],
//! which its opener is charged for, and from its first read on a buffer of 64 KiB, which whoever
//! reads first is charged for.

#![forbid(unsafe_code)]

mod symbols;

use core::mem::forget;
use kernel::{
    c_str,
    cred::Credential,
    init::init_array_from_fn,
    kallmodsyms_entry_points,
    kallsyms::{self, Cursor, Tables},
    prelude::*,
    proc_fs::ProcFile,
    seq_file::{Record, SeqOperations},
};
use symbols::{
    line::Line,
    modules::Modules,
    names::{Names, Pieces, TOKENS},
    sizes::Sizes,
    Addresses, Symbols,
};

kallmodsyms_entry_points! {
    init: init,
    symbol_size: symbol_size,
    symbol_modules: symbol_modules,
    module_list: module_list,
}

/// Creates the file, which stays for the life of the kernel, as do the pieces of its lines.
fn init() -> Result {
    let names = vmlinux().names;
    let first = init_array_from_fn::<_, TOKENS, _, Error>(|token| names.first_piece(token));
    let later = init_array_from_fn::<_, TOKENS, _, Error>(|token| names.later_piece(token));
    let pieces = KBox::try_init(
        try_init!(Pieces { first <- first, later <- later }),
        GFP_KERNEL,
    )?;
    let file = ProcFile::new::<Reader>(c_str!("kallmodsyms"), KBox::leak(pieces))?;
    forget(file);
    Ok(())
}

/// Returns the size of symbol number `index` of vmlinux, or 0 if it has none.
fn symbol_size(index: usize) -> usize {
    vmlinux().size(index).unwrap_or(0)
}

/// Returns the list of the modules of symbol number `index` of vmlinux.
fn symbol_modules(index: usize) -> Option<&'static CStr> {
    CStr::from_bytes_with_nul(vmlinux().modules.of(index)?).ok()
}

/// Returns the list at an offset in the table of lists, of which there is one for each combination
/// of modules.
fn module_list(offset: usize) -> Option<&'static CStr> {
    CStr::from_bytes_with_nul(vmlinux().modules.list(offset)?).ok()
}

/// Returns the symbols of vmlinux.
fn vmlinux() -> Symbols<'static> {
    let tables = Tables::get();

    Symbols {
        addresses: Addresses {
            offsets: tables.offsets,
            relative_base: tables.relative_base,
            absolute_percpu: cfg!(CONFIG_KALLSYMS_ABSOLUTE_PERCPU),
        },
        names: Names {
            names: tables.names,
            token_table: tables.token_table,
            token_index: tables.token_index,
        },
        sizes: Sizes {
            codes: tables.sizes,
            markers: tables.size_markers,
        },
        modules: Modules {
            runs: tables.module_runs,
            lists: tables.module_lists,
        },
    }
}

/// A place in the file: the line that comes next.
#[derive(Clone, Copy)]
enum Place {
    /// A symbol of vmlinux.
    Vmlinux(symbols::Place),
    /// Any other symbol.
    Loaded(Cursor),
    /// The end.
    End,
}

impl Place {
    /// The first line.
    const START: Self = Place::Vmlinux(symbols::Place::START);
}

/// The state of an open file.
struct Reader {
    /// What the lines of vmlinux are made of.
    pieces: &'static Pieces,
    /// Whether the opener may see addresses, and with them sizes. Decided once, like that of
    /// `/proc/kallsyms`: what counts is who opened the file, not who reads it.
    ///
    /// All bits are set if so, and none if not.
    value_mask: usize,
    /// Number of the current record.
    pos: u64,
    /// Where it begins.
    here: Place,
    /// Where it ended when it was last shown.
    next: Place,
}

/// Room for the lines of a record, which ends when there is no more for any short line. So it has
/// at least 4 KiB.
const RECORD_ROOM: usize = 4096 + symbols::line::ROOM;

impl Reader {
    /// Writes the lines from `place` on to `room`, until there is too little room for another or
    /// the last one is written. Returns the place of the line that comes next, and the number of
    /// bytes written.
    ///
    /// Tables that make no sense are an error. They do not just end early.
    fn write(&self, place: Place, room: &mut [u8]) -> Result<(Place, usize)> {
        let mut place = place;
        let mut len = 0;

        if let Place::Vmlinux(from) = place {
            let vmlinux = vmlinux();
            let (next, written) = vmlinux
                .write(self.pieces, self.value_mask, from, room)
                .ok_or(EIO)?;
            if !vmlinux.is_end(next) {
                return Ok((Place::Vmlinux(next), written));
            }
            place = Place::Loaded(Cursor::default());
            len = written;
        }

        if let Place::Loaded(cursor) = &mut place {
            let done = cursor.walk(|symbol| {
                let room = room.get_mut(len..).unwrap_or_default();
                let written = self.write_loaded(symbol, room);
                len = len.saturating_add(written.unwrap_or(0));
                written.is_some()
            });
            if done {
                place = Place::End;
            }
        }

        Ok((place, len))
    }

    /// Writes the line of a symbol that is not in vmlinux.
    fn write_loaded(&self, symbol: &kallsyms::Symbol<'_>, room: &mut [u8]) -> Option<usize> {
        let name = symbol
            .name
            .get(..kallsyms::NAME_LEN_MAX)
            .unwrap_or(symbol.name);

        Line::write(room, |line| {
            line.push_address(symbol.address & self.value_mask)?;
            line.push_size(symbol.size & self.value_mask)?;
            line.push(&[symbol.kind, b' '])?;
            line.push(name)?;
            line.push(b"\t[")?;
            line.push(symbol.module)?;
            line.push(b"]")
        })
    }
}

impl SeqOperations for Reader {
    type Data = Pieces;

    /// A read of 64 KiB is worth one system call.
    const BUFFER_SIZE: usize = 64 * 1024;

    fn open(opener: &Credential, pieces: &'static Pieces) -> Result<Self> {
        Ok(Reader {
            pieces,
            value_mask: if kallsyms::show_value(opener) {
                usize::MAX
            } else {
                0
            },
            pos: 0,
            here: Place::START,
            next: Place::START,
        })
    }

    fn start(&mut self, pos: u64) -> Result<bool> {
        if pos == 0 {
            self.pos = 0;
            self.here = Place::START;
        } else if pos != self.pos {
            // Where a record ends depends on the buffer, so its number does not say where it is.
            // The C side only ever goes on or begins anew.
            return Err(ESPIPE);
        }
        Ok(!matches!(self.here, Place::End))
    }

    fn next(&mut self) -> Result<bool> {
        self.pos = self.pos.wrapping_add(1);
        self.here = self.next;
        Ok(!matches!(self.here, Place::End))
    }

    fn show(&mut self, record: &mut Record<'_>) -> Result {
        for most in [RECORD_ROOM, usize::MAX] {
            let shown = record.fill(most, |room| {
                let (next, len) = self.write(self.here, room)?;
                self.next = next;

                // A record without lines is a sign of the end, or of too little room.
                Ok(match (len, next) {
                    (0, Place::Vmlinux(_) | Place::Loaded(_)) => None,
                    _ => Some(len),
                })
            })?;
            if shown {
                return Ok(());
            }
        }
        record.set_overflow();
        Ok(())
    }
}
