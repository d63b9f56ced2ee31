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

/// What is known, and left to its own tool.
const OTHERS: [(&[u8], &str); 7] = [
    (b"BZh", "bzip2"),
    (b"\x04\x22\x4d\x18", "lz4"),
    // As the kernel's build packs images.
    (b"\x02\x21\x4c\x18", "lz4"),
    (b"\x89LZO", "lzop"),
    // The settings that lzma writes, and the start of a size of the dictionary that is a power of two.
    (b"\x5d\0\0", "lzma"),
    (b"LZIP", "lzip"),
    (b"\x1f\x9d", "gzip"),
];

/// Longer than each of them.
const HEAD: u64 = 8;

/// How much memory a file may ask for to be unpacked, in KiB: sixteen times as much as `xz -9` takes.
const XZ_MEMORY: u32 = 1 << 20;

/// What is in a file.
pub(crate) struct Unpacked<'r> {
    /// What it was packed with.
    pub(crate) tool: Option<&'static str>,
    pub(crate) reader: Box<dyn Read + 'r>,
}

/// Reads what is packed, or the bytes themselves if they are not.
pub(crate) fn unpacked<'r>(packed: impl Read + 'r) -> io::Result<Box<dyn Read + 'r>> {
    Ok(open(packed)?.reader)
}

/// The same with what it was packed with.
pub(crate) fn open<'r>(mut packed: impl Read + 'r) -> io::Result<Unpacked<'r>> {
    let mut head = Vec::new();
    packed.by_ref().take(HEAD).read_to_end(&mut head)?;
    if let Some((_, tool)) = OTHERS.iter().find(|(magic, _)| head.starts_with(magic)) {
        let message =
            format!("packed with {tool}, which this command does not unpack: run {tool} -d first");
        return Err(io::Error::new(io::ErrorKind::Unsupported, message));
    }
    let is = |magic| head.starts_with(magic);
    let (gzip, xz, zstd) = (is(GZIP), is(XZ), is(ZSTD));
    let whole = Cursor::new(head).chain(packed);
    if !(gzip || xz || zstd) {
        // No buffer between: reading to the end goes straight into the vector.
        return Ok(Unpacked {
            tool: None,
            reader: Box::new(whole),
        });
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
        let reader = XzReader::new_mem_limit(whole, true, XZ_MEMORY);
        ("xz", Box::new(reader))
    } else {
        ("zstd", Box::new(Zstd::new(whole)))
    };
    Ok(Unpacked {
        tool: Some(tool),
        reader: Box::new(Explained {
            unpacked,
            tool,
            ended,
        }),
    })
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
