// SPDX-License-Identifier: Apache-2.0 OR MIT

//! `kallmodsyms lookup`: from addresses to symbols.

mod answer;
mod lines;
mod meaning;
mod misfit;

use std::io::{self, Write};
use std::path::Path;

use anyhow::ensure;
use clap::Args;
use clap::builder::NonEmptyStringValueParser;

use crate::demangle::Demangle;
use crate::input::Input;
use crate::output::Output;
use crate::slide::SlideArgument;
use crate::{Status, help, json, say};
use answer::Answers;

const EXAMPLES: &str = "\
  kallmodsyms lookup vfs_read+0x10          # by name, as stack traces have it: which module is it?
  kallmodsyms lookup 'RIP: 0010:vfs_read+0x10/0x374'    # as it is pasted
  kallmodsyms lookup vfs_read --all         # other names of the same code, and markers there
  grep -o 'ffffffff[0-9a-f]*' oops.txt | kallmodsyms lookup     # one a line
  kallmodsyms lookup -r 6.12.117 vfs_read   # of another installed kernel
  kallmodsyms lookup -i System.map ffffffff81000100 0xffffffff81000200
  kallmodsyms lookup -i System.map --slide 0x1e000000 ffffffff9f000100    # as KASLR moved it";

const STATUS: &str = "0 if a symbol was found, 1 if none was, 2 for wrong usage, an unreadable file, or an argument that is neither \
     address nor name: the others are answered";

const JSON: &str = "a line for each address.
  query    the argument, or the line
  address  text, hexadecimal with 0x; null for a name that no symbol has
  symbols  the symbol, with --all all of them, innermost first; empty if there is none
  before   where there is none, the last symbol that starts below, or null
  after    where there is none, the first symbol that starts above, or null
The fields of a symbol:
  offset      how far into the symbol the address is, in bytes";

/// Print the symbol at an address, how far into it that is, and its modules
///
/// An address in no symbol is printed with its neighbours. A name that no symbol has is told of on standard error, with
/// what may have been meant.
#[derive(Args)]
#[command(
    after_help = help::text(EXAMPLES, STATUS),
    after_long_help = help::with_json(EXAMPLES, STATUS, &format!("{JSON}\n{}", json::SYMBOL)),
)]
pub(crate) struct Arguments {
    #[command(flatten)]
    input: Input,
    /// Addresses in hexadecimal, with 0x or without, or names: `name`, `name+0x10`, ``module`name+0x10``; without any,
    /// lines of standard input
    ///
    /// What is pasted may have more: brackets, commas, `RIP: 0010:`, `?`, `module:name`, `module!name`. Of a line of a
    /// trace the first address or name with an offset is taken that is in a symbol, else a name with its module behind
    /// it, else that of a function, of a folded stack the innermost; of a range the start. A name goes before a number: `e820` is one,
    /// `0xe820` none. It may be one of Rust's source.
    #[arg(value_name = "ADDRESS", value_parser = NonEmptyStringValueParser::new())]
    addresses: Vec<String>,
    /// Print all symbols that contain the address, the innermost first, and markers of no size there
    #[arg(short, long)]
    all: bool,
    #[command(flatten)]
    slide: SlideArgument,
    #[command(flatten)]
    demangle: Demangle,
    /// Print a JSON object for each address
    #[arg(long)]
    json: bool,
}

impl Arguments {
    pub(crate) fn run(&self, out: &mut Output) -> anyhow::Result<Status> {
        self.demangle.apply(out);
        let is_from_stdin = self.addresses.is_empty() || self.addresses == ["-"];
        ensure!(
            !is_from_stdin || self.input.file() != Some(Path::new("-")),
            "both the symbols and the addresses are to come from standard input: name a file for the symbols, or the \
             addresses"
        );
        let table = self.slide.apply(self.input.table()?);
        let answers = Answers::new(self, &table);
        if is_from_stdin {
            return lines::run(&answers, out);
        }
        let (mut found, mut is_wrong) = (false, false);
        for text in &self.addresses {
            match answers.answer(out, text) {
                Ok(is_found) => found |= is_found,
                Err(error) if error.is::<io::Error>() => return Err(error),
                // One of them is no reason to leave the others.
                Err(error) => {
                    out.flush()?;
                    say(&format!("{error:#}"));
                    is_wrong = true;
                }
            }
        }
        Ok(if is_wrong {
            Status::Wrong
        } else {
            Status::good_if(found)
        })
    }
}
