// SPDX-License-Identifier: Apache-2.0 OR MIT

//! `kallmodsyms gaps`: the bytes of which no symbol speaks.

use std::cmp::Reverse;
use std::io::{self, Write};

use clap::{Args, ValueEnum};
use kallmodsyms::table::Gap;
use serde::Serialize;

use crate::demangle::Demangle;
use crate::estimate::Estimate;
use crate::input::Input;
use crate::json::Hex;
use crate::output::{Output, Role};
use crate::{Status, help, json, number, say, show};

const EXAMPLES: &str = "\
  kallmodsyms gaps                          # of at least a page
  kallmodsyms gaps --min-size 64 --sort size --limit 20
  kallmodsyms gaps --json -i saved.xz";

const STATUS: &str =
    "0, 1 if there is no gap, 2 for wrong usage, an unreadable file, or one without sizes";

const JSON: &str = "a line for each gap.
  start   its first address, as text, hexadecimal with 0x
  end     the first address after it
  size    bytes
  before  the symbol that ends where the gap starts
  after   the first symbol after it
The fields of a symbol:";

/// Print the stretches between symbols that belong to none
///
/// Padding between functions, code whose symbols were stripped, memory that the linker script set aside. Address space
/// between areas (the kernel image, each loaded module) is no gap, nor is anything of 1 GiB or more.
#[derive(Args)]
#[command(
    after_help = help::text(EXAMPLES, STATUS),
    after_long_help = help::with_json(EXAMPLES, STATUS, &format!("{JSON}\n{}", json::SYMBOL)),
)]
pub(crate) struct Arguments {
    #[command(flatten)]
    input: Input,
    /// Leave out what is shorter: 4096, 0x1000 or 4K
    #[arg(long, value_name = "BYTES", value_parser = number::bytes, default_value = "4K")]
    min_size: u64,
    /// The order: by address, or the largest first
    #[arg(short, long, value_name = "KEY", default_value = "address")]
    sort: Sort,
    /// Print at most this many; the last line counts all
    #[arg(short = 'n', long, value_name = "N")]
    limit: Option<usize>,
    #[command(flatten)]
    estimate: Estimate,
    #[command(flatten)]
    demangle: Demangle,
    /// Print a JSON object for each gap
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Sort {
    Address,
    Size,
}

#[derive(Serialize)]
struct Row<'t> {
    start: Hex,
    end: Hex,
    size: u64,
    before: json::Symbol<'t>,
    after: json::Symbol<'t>,
}

/// On x86-64 the image has an area of per-CPU data at address 0, far from the rest.
const LONGEST: u64 = 1 << 30;

/// Whether both neighbours are of the kernel image, or of one loaded module.
fn is_within_area(gap: &Gap<'_>) -> bool {
    let (before, after) = (gap.before, gap.after);
    let in_image = [before, after].map(|symbol| symbol.group().is_image());
    in_image == [true; 2] || (in_image == [false; 2] && before.modules() == after.modules())
}

const fn size(gap: &Gap<'_>) -> u64 {
    gap.end - gap.start
}

impl Arguments {
    pub(crate) fn run(&self, out: &mut Output) -> anyhow::Result<Status> {
        self.demangle.apply(out);
        let table = self.input.table()?;
        let is_estimated = self.estimate.is_needed(&table);
        let table = self.estimate.sized(table)?;
        let wanted = self.min_size..LONGEST;
        let mut gaps: Vec<_> = table
            .gaps()
            .filter(|gap| wanted.contains(&size(gap)) && is_within_area(gap))
            .collect();
        if self.sort == Sort::Size {
            gaps.sort_by_key(|gap| Reverse(size(gap)));
        }
        if is_estimated && gaps.is_empty() {
            say("note: so each symbol ends where the next begins, and no gap is left between them");
        }
        let width = show::width_of(&table).digits();
        for gap in gaps.iter().take(self.limit.unwrap_or(usize::MAX)) {
            if self.json {
                out.json(&Row {
                    start: Hex(gap.start),
                    end: Hex(gap.end),
                    size: size(gap),
                    before: gap.before.into(),
                    after: gap.after.into(),
                })?;
            } else {
                print(out, gap, width)?;
            }
        }
        if !self.json {
            let bytes: u64 = gaps.iter().map(size).sum();
            writeln!(
                out,
                "{}, {} bytes",
                number::count(gaps.len(), "gap"),
                number::grouped(bytes)
            )?;
        }
        Ok(Status::good_if(!gaps.is_empty()))
    }
}

/// Address and size as the kernel prints them, and the neighbours.
fn print(out: &mut Output, gap: &Gap<'_>, digits: usize) -> io::Result<()> {
    let address = format!("{:0digits$x}", gap.start);
    out.painted(Role::Address, address.as_bytes())?;
    write!(out, " {:x} after ", size(gap))?;
    show::name(out, gap.before)?;
    write!(out, ", before ")?;
    show::name(out, gap.after)?;
    writeln!(out)
}
