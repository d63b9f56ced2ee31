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
//! of the `seq_file`: no line is copied, no symbol looked up twice.
//!
//! A record is not a line but as many of them as it takes to fill 4 KiB. So what happens between
//! records, such as finding the way back to a module's symbols, is paid once for some 90 lines, and
//! a read of one page still does no more than it has to.
//!
//! Nothing is locked or referenced between records. A place in vmlinux is one in tables that never
//! change, and a [`Cursor`] keeps its place while modules come and go; each line is made while RCU
//! keeps its symbol from going away.

#![forbid(unsafe_code)]

mod symbols;

use kernel::{
    c_str,
    cred::Credential,
    kallmodsyms_entry_points,
    kallsyms::{self, Cursor, Tables},
    prelude::*,
    proc_fs,
    seq_file::{SeqFile, SeqOperations},
};
use symbols::{
    line::Buffer,
    modules::Modules,
    names::{Names, TokenLengths},
    sizes::Sizes,
    Addresses, Symbols,
};

kallmodsyms_entry_points! {
    init: init,
    symbol_size: symbol_size,
}

/// Creates the file.
fn init() -> Result {
    proc_fs::create_seq::<Reader>(c_str!("kallmodsyms"))
}

/// Returns the size of symbol number `index` of vmlinux, or 0 if it has none.
fn symbol_size(index: usize) -> usize {
    vmlinux().size(index).unwrap_or(0)
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
    vmlinux: Symbols<'static>,
    token_lengths: TokenLengths,
    /// Whether the opener may see addresses, and with them sizes. Decided once, like that of
    /// `/proc/kallsyms`: what counts is who opened the file, not who reads it.
    show_values: bool,
    /// Number of the current record.
    pos: u64,
    /// Where it begins.
    here: Place,
    /// Where it ended when it was last shown.
    next: Place,
}

/// Bytes after which a record ends.
const RECORD_SIZE: usize = 4096;

/// Room for a record and its last line, unless that has a very long list of modules.
const RECORD_ROOM: usize = 2 * RECORD_SIZE;

impl Reader {
    /// Whether a record of `out` is long enough.
    fn is_full(out: &Buffer<'_>) -> bool {
        out.finished() >= RECORD_SIZE
    }

    /// Writes the lines from `place` on and returns where they end: when the record is long
    /// enough, when `out` has no room for another, or at the end.
    ///
    /// Tables that make no sense are an error. They do not just end early.
    fn write(&self, mut place: Place, out: &mut Buffer<'_>) -> Result<Place> {
        if let Place::Vmlinux(at) = &mut place {
            while let Some((symbol, next)) = self.vmlinux.get(*at) {
                if Self::is_full(out) {
                    return Ok(place);
                }
                let written =
                    self.vmlinux
                        .write(&self.token_lengths, &symbol, self.show_values, out);
                if written.is_none() {
                    return Ok(place);
                }
                *at = next;
            }
            if !self.vmlinux.is_end(*at) {
                return Err(EIO);
            }
            place = Place::Loaded(Cursor::default());
        }

        if let Place::Loaded(cursor) = &mut place {
            let done = cursor
                .walk(|symbol| !Self::is_full(out) && self.write_loaded(symbol, out).is_some());
            if done {
                place = Place::End;
            }
        }

        Ok(place)
    }

    /// Writes the line of a symbol that is not in vmlinux.
    fn write_loaded(&self, symbol: &kallsyms::Symbol<'_>, out: &mut Buffer<'_>) -> Option<()> {
        let (address, size) = if self.show_values {
            (symbol.address, symbol.size)
        } else {
            (0, 0)
        };
        let name = symbol
            .name
            .get(..kallsyms::NAME_LEN_MAX)
            .unwrap_or(symbol.name);

        out.line(|out| {
            out.push_address(address)?;
            out.push_size(size)?;
            out.push(&[symbol.kind, b' '])?;
            out.push(name)?;
            out.push(b"\t[")?;
            out.push(symbol.module)?;
            out.push(b"]")
        })
    }
}

impl SeqOperations for Reader {
    /// A read of 64 KiB is worth one system call.
    const BUFFER_SIZE: usize = 64 * 1024;

    fn open(opener: &Credential) -> Result<Self> {
        let vmlinux = vmlinux();

        Ok(Reader {
            vmlinux,
            token_lengths: TokenLengths::new(&vmlinux.names),
            show_values: kallsyms::show_value(opener),
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

    fn show(&mut self, m: &mut SeqFile) -> Result {
        for most in [RECORD_ROOM, usize::MAX] {
            let shown = m.fill(most, |room| {
                let mut out = Buffer::new(room);
                self.next = self.write(self.here, &mut out)?;

                // A record without lines is a sign of the end, or of too little room.
                Ok(match (out.finished(), self.next) {
                    (0, Place::Vmlinux(_) | Place::Loaded(_)) => None,
                    (len, _) => Some(len),
                })
            })?;
            if shown {
                return Ok(());
            }
        }
        m.set_overflow();
        Ok(())
    }
}
