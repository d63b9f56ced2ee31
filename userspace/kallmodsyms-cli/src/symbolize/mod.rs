// SPDX-License-Identifier: Apache-2.0 OR MIT

//! `kallmodsyms symbolize`: names the addresses in a text, and leaves all else of it as it is, byte for byte.

mod around;
mod build_id;
mod code;
mod evidence;
mod finder;
mod frame;
mod module;
mod naming;
mod offset;
mod seen;
mod text;
mod word;
mod write;

use std::fs::File;
use std::io::{self, IsTerminal, Read, Seek, SeekFrom, Write};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use anyhow::{anyhow, ensure};
use clap::Args;
use kallmodsyms::SymbolTable;
use memchr::memchr;

use crate::demangle::Demangle;
use crate::input::{self, Input};
use crate::output::Output;
use crate::progress::Progress;
use crate::unpack::unpacked;
use crate::{Status, help, json, number, say};
use finder::Finder;
use offset::Stretches;
use seen::Seen;
use text::Text;
use write::Writer;

const EXAMPLES: &str = "\
  dmesg | kallmodsyms symbolize             # name the addresses in what the kernel said
  dmesg -w | kallmodsyms symbolize          # the same as it is said
  kallmodsyms symbolize --modules oops.txt  # also say which built-in module each frame is of
  kallmodsyms symbolize -i System.map oops.txt    # of another machine, as KASLR moved it
  kallmodsyms symbolize --names-only stacks.txt | flamegraph.pl > k.svg";

const STATUS: &str = "0; 1 if the text said only behind addresses where its kernel was, or that it is another; \
                      2 for wrong usage or an unreadable file";

const JSON: &str = "a line for each address that is in a symbol, and for each frame.
  line     of the text, from 1
  column   of the line, in bytes, from 1
  text     the address or the frame, as it stands in the text
  address  text, hexadecimal with 0x; of a frame, null if that does not tell one symbol
  symbol   the symbol, or null likewise; its fields:
  offset      how far into the symbol the address is, in bytes";

/// Name the addresses in a text, such as an oops or a stack trace
///
/// Addresses are 16 hexadecimal digits (8 on a 32-bit kernel), as they are or in `[<` and `>]`, and what starts with
/// 0x. The symbol follows in parentheses: `ffffffff81234567 (vfs_read+0x17/0x2b0)`. All else stays as it is. Addresses
/// below the kernel's code, words of machine code, and addresses that the text names itself are left alone.
///
/// A text says at its end where KASLR put the kernel (`Kernel Offset: 0x1e000000 from 0xffffffff81000000`). In a file
/// that is used from the start; in a pipe from there on, and what was named before may be wrong, which is said, as is
/// what shows that the text is of another kernel: frames (`vfs_read+0x17/0x2b0`) whose symbol has another size or is
/// elsewhere, or a build id.
#[derive(Args)]
#[command(
    after_help = help::text(EXAMPLES, STATUS),
    after_long_help = help::with_json(EXAMPLES, STATUS, &format!("{JSON}\n{}", json::SYMBOL)),
)]
pub(crate) struct Arguments {
    #[command(flatten)]
    input: Input,
    /// The text
    #[arg(value_name = "TEXT", default_value = "-", hide_default_value = true)]
    text: PathBuf,
    /// Also put the built-in module behind `symbol+0x10/0x20`, where the line does not name it
    #[arg(short, long)]
    modules: bool,
    /// Put the name in place of the address, without offset, as folded stacks have it
    ///
    /// What frames with a symbol's name have behind it goes as well, so that those of one function are alike:
    /// `dd;vfs_read+0x10;0xffffffff810000d0 12` becomes `dd;vfs_read;ext4_probe 12`, which flamegraph.pl reads.
    #[arg(long, conflicts_with = "json")]
    names_only: bool,
    /// How far the kernel was moved from where the symbols say, if the text does not: `Kernel Offset` in its messages
    #[arg(long, value_name = "BYTES", value_parser = number::distance, allow_hyphen_values = true)]
    slide: Option<u64>,
    #[command(flatten)]
    demangle: Demangle,
    /// Print, in place of the text, a JSON object for each address that is in a symbol and for each frame
    #[arg(long)]
    json: bool,
}

impl Arguments {
    pub(crate) fn run(&self, out: &mut Output) -> anyhow::Result<Status> {
        let stdin = Path::new("-");
        ensure!(
            self.text != stdin || self.input.file() != Some(stdin),
            "both the symbols and the text are to come from standard input: name a file for one of them"
        );
        self.demangle.apply(out);
        let table = self.input.table()?;

        let name = input::name(&self.text);
        let fail = |error: io::Error| anyhow!("cannot read {name}: {error}");
        let stretches = match self.slide {
            None => self.stretches(&table).map_err(fail)?,
            Some(_) => None,
        };
        let mut slides = stretches.as_ref().map(Stretches::slides);

        let (file, length) = input::open(&self.text, &name)?;
        if self.text == stdin && io::stdin().is_terminal() {
            say("reading the text from the terminal: Ctrl-D ends it");
        }
        // Standard input is not looked at for packing: that would wait for eight bytes where a line may have two.
        let file: Box<dyn Read> = if self.text == stdin {
            file
        } else {
            unpacked(Progress::new(file, &name, length)).map_err(fail)?
        };
        let mut finder = Finder::new(&table);
        finder.slide.set(self.slide.unwrap_or(0));
        let mut seen = Seen::new(slides.is_some());
        let mut text = Text::new(file);
        let (mut line, mut column, mut place) = (1, 1, 0);
        while let Some(lines) = text.next().map_err(fail)? {
            let mut rest = lines;
            while !rest.is_empty() {
                let end = memchr(b'\n', rest).map_or(rest.len(), |end| end + 1);
                let bytes;
                (bytes, rest) = rest.split_at(end);
                if let Some(slide_at) = &mut slides {
                    finder.slide.set(slide_at(place));
                }
                let part = Part {
                    line,
                    column,
                    bytes,
                };
                self.part(out, &mut finder, &mut seen, &part)?;
                place += bytes.len() as u64;
                (line, column) = part.end();
            }
            // Nothing is kept back while waiting for more.
            out.flush()?;
        }
        Ok(seen.status())
    }

    fn part(
        &self,
        out: &mut Output,
        finder: &mut Finder<'_>,
        seen: &mut Seen,
        part: &Part<'_>,
    ) -> io::Result<()> {
        let mut writer = Writer {
            arguments: self,
            out,
            part,
            done: 0,
        };
        finder.items(part.bytes, |finder, item| {
            seen.item(self, finder, part, &item);
            if self.json {
                writer.json(finder, &item)
            } else {
                writer.text(&item)
            }
        })?;
        writer.finish()
    }

    /// Where the text says that its kernel was, if it can be read twice.
    fn stretches(&self, table: &SymbolTable) -> io::Result<Option<Stretches>> {
        if self.text == Path::new("-") {
            let mut file = File::from(io::stdin().as_fd().try_clone_to_owned()?);
            if !file.metadata()?.is_file() {
                return Ok(None);
            }
            let start = file.stream_position()?;
            let stretches = Stretches::read(&file, table)?;
            file.seek(SeekFrom::Start(start))?;
            return Ok(Some(stretches));
        }
        // What is said of a file that cannot be read, is said where it is read in earnest.
        match input::open(&self.text, "") {
            Ok((file, Some(_))) => Ok(Some(Stretches::read(unpacked(file)?, table)?)),
            _ => Ok(None),
        }
    }
}

/// A line, or a piece of one that is too long.
struct Part<'l> {
    line: usize,
    /// Of its first byte.
    column: usize,
    bytes: &'l [u8],
}

impl Part<'_> {
    /// The line and the column where the next one begins.
    fn end(&self) -> (usize, usize) {
        if self.bytes.ends_with(b"\n") {
            (self.line + 1, 1)
        } else {
            (self.line, self.column + self.bytes.len())
        }
    }
}
