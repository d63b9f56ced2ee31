// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Unpacks gzip, xz and zstd, known by their first bytes: the name of a file promises nothing, and a pipe has none.
//!
//! Streams that were written one after the other are read so, as the tools of these formats do. All three check sums.

use std::cell::Cell;
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::rc::Rc;

use flate2::bufread::MultiGzDecoder;
use lzma_rust2::XzReader;
use ruzstd::decoding::FrameDecoder;
use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};

const GZIP: &[u8] = b"\x1f\x8b";
const XZ: &[u8] = b"\xfd7zXZ\0";
const ZSTD: &[u8] = b"\x28\xb5\x2f\xfd";
const BZIP2: &[u8] = b"BZh";
const LZ4: &[u8] = b"\x04\x22\x4d\x18";

/// Longer than each of them.
const HEAD: u64 = 8;

/// Reads what is packed, or the bytes themselves if they are not.
pub(crate) fn unpacked<'r>(mut packed: impl Read + 'r) -> io::Result<Box<dyn Read + 'r>> {
    let mut head = Vec::new();
    packed.by_ref().take(HEAD).read_to_end(&mut head)?;
    let unknown = |tool: &str| {
        let message =
            format!("packed with {tool}, which this command does not unpack: run {tool} -d first");
        Err(io::Error::new(io::ErrorKind::Unsupported, message))
    };
    match &head[..] {
        head if head.starts_with(BZIP2) => return unknown("bzip2"),
        head if head.starts_with(LZ4) => return unknown("lz4"),
        _ => {}
    }
    let is = |magic| head.starts_with(magic);
    let (gzip, xz, zstd) = (is(GZIP), is(XZ), is(ZSTD));
    let whole = Cursor::new(head).chain(packed);
    if !(gzip || xz || zstd) {
        // No buffer between: reading to the end goes straight into the vector.
        return Ok(Box::new(whole));
    }
    let ended = Rc::new(Cell::new(false));
    let whole = Ending {
        packed: whole,
        ended: ended.clone(),
    };
    let whole = BufReader::with_capacity(1 << 16, whole);
    let (tool, unpacked): (_, Box<dyn Read>) = if gzip {
        ("gzip", Box::new(MultiGzDecoder::new(whole)))
    } else if xz {
        ("xz", Box::new(XzReader::new(whole, true)))
    } else {
        ("zstd", Box::new(Zstd::new(whole)))
    };
    Ok(Box::new(Explained {
        unpacked,
        tool,
        ended,
    }))
}

/// Notes that more was asked for than there is.
struct Ending<R> {
    packed: R,
    ended: Rc<Cell<bool>>,
}

impl<R: Read> Read for Ending<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.packed.read(buffer)?;
        if count == 0 && !buffer.is_empty() {
            self.ended.set(true);
        }
        Ok(count)
    }
}

/// Says what errors of unpacking mean: the decoders each say something else of a file that was cut short.
struct Explained<'r> {
    unpacked: Box<dyn Read + 'r>,
    tool: &'static str,
    ended: Rc<Cell<bool>>,
}

impl Read for Explained<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let tool = self.tool;
        self.unpacked.read(buffer).map_err(|error| {
            if error.raw_os_error().is_some() || error.kind() == io::ErrorKind::Interrupted {
                // Of the file, not of what is in it.
                return error;
            }
            let message = if self.ended.get() {
                format!("the {tool} data were cut short: copy the file again")
            } else {
                format!("the {tool} data are damaged ({error}): copy the file again")
            };
            io::Error::new(io::ErrorKind::InvalidData, message)
        })
    }
}

/// Frames of zstd, one after the other.
struct Zstd<R> {
    packed: R,
    decoder: FrameDecoder,
    /// Whether a frame was begun.
    within: bool,
}

impl<R: BufRead> Zstd<R> {
    fn new(packed: R) -> Self {
        Self {
            packed,
            decoder: FrameDecoder::new(),
            within: false,
        }
    }

    /// Starts the next frame. False at the end.
    fn next_frame(&mut self) -> io::Result<bool> {
        while !self.packed.fill_buf()?.is_empty() {
            match self.decoder.reset(&mut self.packed) {
                Ok(()) => return Ok(true),
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame {
                    length,
                    ..
                })) => {
                    let mut skipped = self.packed.by_ref().take(length.into());
                    io::copy(&mut skipped, &mut io::sink())?;
                }
                Err(error) => return Err(io::Error::new(io::ErrorKind::InvalidData, error)),
            }
        }
        Ok(false)
    }

    fn check_sum(&self) -> io::Result<()> {
        let expected = self.decoder.get_checksum_from_data();
        if expected.is_some() && expected != self.decoder.get_calculated_checksum() {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "the check sum is wrong",
            ));
        }
        Ok(())
    }
}

impl<R: BufRead> Read for Zstd<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        use ruzstd::decoding::BlockDecodingStrategy::UptoBytes;
        loop {
            if self.within {
                while self.decoder.can_collect() < buffer.len() && !self.decoder.is_finished() {
                    let wanted = buffer.len() - self.decoder.can_collect();
                    self.decoder
                        .decode_blocks(&mut self.packed, UptoBytes(wanted))
                        .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
                }
                let count = self.decoder.read(buffer)?;
                if count > 0 || buffer.is_empty() {
                    return Ok(count);
                }
                self.check_sum()?;
            }
            self.within = self.next_frame()?;
            if !self.within {
                return Ok(0);
            }
        }
    }
}
