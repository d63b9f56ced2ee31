// SPDX-License-Identifier: Apache-2.0 OR MIT

//! What holds for every file of symbols that the command reads, whichever subcommand reads it: said once on the command
//! line, and so kept once.

use std::io::{self, Read};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::Args;

use crate::number;

/// The options.
#[derive(Args, Clone, Copy)]
#[command(next_help_heading = "Files of symbols")]
pub(crate) struct Policy {
    /// Exit with 1 if a line was not used
    #[arg(long, global = true)]
    strict: bool,
    /// Read at most this much of a file, counted as unpacked: 4096, 512M or 4G
    #[arg(long, global = true, value_name = "BYTES", value_parser = number::bytes, default_value = "1G")]
    max_input: u64,
}

static POLICY: OnceLock<Policy> = OnceLock::new();
static LEFT_OUT: AtomicBool = AtomicBool::new(false);

impl Policy {
    pub(crate) fn install(self) {
        // Only `main` calls it.
        let _ = POLICY.set(self);
    }

    /// Whether lines were left out that are to be missed.
    pub(crate) fn is_broken() -> bool {
        LEFT_OUT.load(Ordering::Relaxed) && POLICY.get().is_some_and(|policy| policy.strict)
    }
}

/// Notes that lines of a file were not used.
pub(super) fn note_left_out() {
    LEFT_OUT.store(true, Ordering::Relaxed);
}

/// Ends with an error what is longer than is allowed.
pub(super) fn limited(reader: impl Read) -> impl Read {
    let max = POLICY.get().map_or(u64::MAX, |policy| policy.max_input);
    Limited {
        reader,
        max,
        left: max,
    }
}

struct Limited<R> {
    reader: R,
    max: u64,
    left: u64,
}

impl<R: Read> Read for Limited<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let wanted = usize::try_from(self.left).map_or(buffer.len(), |left| left.min(buffer.len()));
        if wanted > 0 || buffer.is_empty() {
            let count = self.reader.read(&mut buffer[..wanted])?;
            self.left -= count as u64;
            return Ok(count);
        }
        // As much as is allowed was read. That may have been all.
        if self.reader.read(&mut [0])? == 0 {
            return Ok(0);
        }
        Err(io::Error::other(format!(
            "expected at most {}, found more: is it a file of symbols? --max-input reads more of it",
            number::human(self.max)
        )))
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::Limited;

    #[test]
    fn the_limit_is_the_last_that_passes() {
        for (length, max, passes) in [
            (0, 0, true),
            (1, 0, false),
            (99, 100, true),
            (100, 100, true),
            (101, 100, false),
        ] {
            let mut limited = Limited {
                reader: std::io::repeat(b'x').take(length),
                max,
                left: max,
            };
            let mut bytes = Vec::new();
            let read = limited.read_to_end(&mut bytes);
            assert_eq!(read.is_ok(), passes, "{length} of {max}");
            assert_eq!(bytes.len() as u64, length.min(max));
        }
    }
}
