// SPDX-License-Identifier: Apache-2.0 OR MIT

//! `kallmodsyms diff`: what differs between two kernels, two boots, or before and after a module was loaded.

use std::cmp::Reverse;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::ensure;
use clap::{Args, ValueEnum};
use kallmodsyms::diff::{Change, Counts, Diff, Pair};
use kallmodsyms::table::Entry;
use kallmodsyms::{Modules, Width};
use serde::Serialize;

use crate::demangle::Demangle;
use crate::input::{self, Choice, Input};
use crate::output::{Output, Role};
use crate::{Status, help, json, number, show};

const EXAMPLES: &str = "\
  kallmodsyms diff before.xz after.xz       # two saved copies
  kallmodsyms diff before.xz                # a saved copy and the running kernel
  kallmodsyms diff before.xz after.xz --sort size --limit 20    # what grew and shrank most
  kallmodsyms diff before.xz after.xz --only came --json        # for a program";

const STATUS: &str =
    "0 if nothing differs, 1 if something does, 2 for wrong usage or an unreadable file";

const JSON: &str = "one object.
  old      the name of the first file
  new      the name of the second
  slides   a list: part (vmlinux or a module), distance (bytes by which it was put
           elsewhere), symbols (how many; parts of a module may slide apart)
  counts   symbols: same, changed (in any way), moved, resized, type (changed), modules
           (changed), came, went
  changes  a list of what --only says, by default all but what only moved:
    change   came, went or changed
    old      the symbol as it was, or null
    new      the symbol as it is, or null
    moved    by how many bytes beyond its part's slide, or null
    ways     a list of moved, resized, type, modules
The fields of a symbol:";

/// Print which symbols came, went, moved, or changed size, type or modules
///
/// A symbol is known by its modules and its name, not by its address: KASLR moves the kernel with every boot. `+` is a
/// symbol of the second file alone, `-` one of the first alone, `~` one of both that changed. What only moved, as
/// nearly all does in a new build, is counted and not printed unless --only asks for it.
#[derive(Args)]
#[command(
    after_help = help::text(EXAMPLES, STATUS),
    after_long_help = help::with_json(EXAMPLES, STATUS, &format!("{JSON}\n{}", json::SYMBOL)),
)]
pub(crate) struct Arguments {
    /// The first file, `-` for standard input
    #[arg(value_name = "OLD")]
    old: PathBuf,
    /// The second file; that of the running kernel, if none is named
    #[arg(value_name = "NEW", env = input::VARIABLE, hide_env_values = true)]
    new: Option<PathBuf>,
    #[command(flatten)]
    kernel: Choice,
    /// Print only these changes; may be repeated, or several with commas
    #[arg(long, value_name = "CHANGE", value_delimiter = ',')]
    only: Vec<Way>,
    /// The order: as in the files, or by how many bytes more or less
    #[arg(short, long, value_name = "KEY", default_value = "address")]
    sort: Sort,
    /// Print at most this many; the last lines count all
    #[arg(short = 'n', long, value_name = "N")]
    limit: Option<usize>,
    #[command(flatten)]
    demangle: Demangle,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
enum Way {
    Came,
    Went,
    Moved,
    Resized,
    Type,
    Modules,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Sort {
    Address,
    Size,
}

impl Arguments {
    pub(crate) fn run(&self, out: &mut Output) -> anyhow::Result<Status> {
        self.demangle.apply(out);
        let stdin = Path::new("-");
        ensure!(
            self.old != stdin || self.new.as_deref() != Some(stdin),
            "both files are to come from standard input: name one of them"
        );
        let [old_input, new_input] = [Some(self.old.as_path()), self.new.as_deref()]
            .map(|file| Input::of(file, &self.kernel));
        let (old_name, new_name) = (old_input.name(), new_input.name());
        let (old, new) = (old_input.table()?, new_input.table()?);
        let diff = Diff::new(&old, &new);

        let mut changes: Vec<Change<'_>> = diff
            .changes()
            .iter()
            .copied()
            .filter(|change| self.wants(change))
            .collect();
        let growth = Growth::of(&changes);
        if self.sort == Sort::Size {
            changes.sort_by_key(|change| Reverse(bytes(change).unsigned_abs()));
        }
        changes.truncate(self.limit.unwrap_or(usize::MAX));

        if self.json {
            out.json(&Json {
                old: &old_name,
                new: &new_name,
                slides: slides(&diff),
                counts: CountsJson::from(diff.counts()),
                changes: changes.iter().map(ChangeJson::new).collect(),
            })?;
        } else {
            let widths = (show::width_of(&old), show::width_of(&new));
            for change in &changes {
                print(out, change, widths)?;
            }
            self.summary(out, &diff, &growth)?;
        }
        Ok(Status::good_if(diff.is_empty()))
    }

    fn wants(&self, change: &Change<'_>) -> bool {
        let ways = ways(change);
        if self.only.is_empty() {
            return ways != [Way::Moved];
        }
        ways.iter().any(|way| self.only.contains(way))
    }

    /// What is the same for many symbols, then all changes counted.
    fn summary(&self, out: &mut Output, diff: &Diff<'_>, growth: &Growth) -> io::Result<()> {
        for slide in slides(diff) {
            writeln!(
                out,
                "{} slid by {} ({})",
                slide.part,
                signed_hex(slide.distance),
                number::count(slide.symbols, "symbol")
            )?;
        }
        let counts = diff.counts();
        if diff.is_empty() {
            out.painted(Role::Good, b"no change")?;
            return writeln!(out, " in {}", number::count(counts.same, "symbol"));
        }
        writeln!(
            out,
            "{} came, {} went, {} changed ({} resized, {} of another type, {} of other modules, {} moved), {} the same",
            number::grouped(counts.came as u64),
            number::grouped(counts.went as u64),
            number::grouped(counts.changed as u64),
            number::grouped(counts.resized as u64),
            number::grouped(counts.relettered as u64),
            number::grouped(counts.changed_modules as u64),
            number::grouped(counts.moved as u64),
            number::grouped(counts.same as u64),
        )?;
        if growth.more > 0 || growth.less > 0 {
            let total = i128::from(growth.more) - i128::from(growth.less);
            writeln!(
                out,
                "{} bytes more, {} less: {total:+} in all",
                number::grouped(growth.more),
                number::grouped(growth.less),
            )?;
        }
        if self.only.is_empty() && diff.changes().iter().any(|change| !self.wants(change)) {
            writeln!(out, "(what only moved is not listed: --only moved does)")?;
        }
        Ok(())
    }
}

/// How many bytes the symbols that changed have more, and how many less.
#[derive(Default)]
struct Growth {
    more: u64,
    less: u64,
}

impl Growth {
    fn of(changes: &[Change<'_>]) -> Self {
        let mut growth = Self::default();
        for change in changes {
            let bytes = bytes(change);
            let count = if bytes > 0 {
                &mut growth.more
            } else {
                &mut growth.less
            };
            *count = count.saturating_add(bytes.unsigned_abs());
        }
        growth
    }
}

/// How many bytes more a change makes.
fn bytes(change: &Change<'_>) -> i64 {
    let size = |symbol: &Entry<'_>| i64::try_from(symbol.size().unwrap_or(0)).unwrap_or(i64::MAX);
    match change {
        Change::Came(new) => size(new),
        Change::Went(old) => -size(old),
        Change::Changed(pair) if pair.resized => size(&pair.new) - size(&pair.old),
        Change::Changed(_) => 0,
    }
}

fn ways(change: &Change<'_>) -> Vec<Way> {
    match change {
        Change::Came(_) => vec![Way::Came],
        Change::Went(_) => vec![Way::Went],
        Change::Changed(pair) => [
            (pair.resized, Way::Resized),
            (pair.relettered, Way::Type),
            (pair.changed_modules, Way::Modules),
            (pair.moved.is_some(), Way::Moved),
        ]
        .into_iter()
        .filter_map(|(is_so, way)| is_so.then_some(way))
        .collect(),
    }
}

/// `+` or `-` and the kernel's line, or `~`, the new line, and what it was.
fn print(out: &mut Output, change: &Change<'_>, (old, new): (Width, Width)) -> io::Result<()> {
    match change {
        Change::Came(symbol) => {
            out.painted(Role::Good, b"+ ")?;
            show::line(out, &symbol.symbol(), new)
        }
        Change::Went(symbol) => {
            out.painted(Role::Bad, b"- ")?;
            show::line(out, &symbol.symbol(), old)
        }
        Change::Changed(pair) => changed(out, pair, new),
    }
}

fn changed(out: &mut Output, pair: &Pair<'_>, width: Width) -> io::Result<()> {
    let Pair { old, new, .. } = pair;
    out.painted(Role::Heading, b"~")?;
    write!(out, " ")?;
    out.painted(
        Role::Address,
        format!("{:01$x}", new.address(), width.digits()).as_bytes(),
    )?;
    write!(out, " ")?;
    show::name(out, *new)?;
    let mut lead = ":";
    if let (true, Some(was), Some(is)) = (pair.resized, old.size(), new.size()) {
        write!(
            out,
            "{lead} size {was:x} to {is:x} ({:+})",
            i128::from(is) - i128::from(was)
        )?;
        lead = ",";
    }
    if pair.relettered {
        let letters = [old, new].map(|symbol| char::from(symbol.letter()));
        write!(out, "{lead} type {} to {}", letters[0], letters[1])?;
        lead = ",";
    }
    if pair.changed_modules {
        let text = |modules: Modules<'_>| {
            if modules.is_empty() {
                return "no module".to_owned();
            }
            String::from_utf8_lossy(modules.as_bytes()).into_owned()
        };
        // The same name, once built in and once loaded, is a change as well.
        let group = if old.modules() == new.modules() {
            format!(", {}", old.group().name())
        } else {
            String::new()
        };
        write!(out, "{lead} was of {}{group}", text(old.modules()))?;
        lead = ",";
    }
    if let Some(distance) = pair.moved {
        write!(out, "{lead} moved by {}", signed_hex(distance))?;
    }
    writeln!(out)
}

fn signed_hex(distance: i64) -> String {
    let sign = if distance < 0 { '-' } else { '+' };
    format!("{sign}{:#x}", distance.unsigned_abs())
}

#[derive(Serialize)]
struct Json<'t> {
    old: &'t str,
    new: &'t str,
    slides: Vec<SlideJson>,
    counts: CountsJson,
    changes: Vec<ChangeJson<'t>>,
}

#[derive(Serialize)]
struct SlideJson {
    part: String,
    distance: i64,
    symbols: usize,
}

fn slides(diff: &Diff<'_>) -> Vec<SlideJson> {
    diff.slides()
        .iter()
        .map(|slide| {
            // Sections of a loaded module are slides of their own, all under its name.
            let module = slide.modules.iter().next().unwrap_or(b"vmlinux");
            SlideJson {
                part: String::from_utf8_lossy(module).into_owned(),
                distance: slide.distance,
                symbols: slide.symbols,
            }
        })
        .collect()
}

#[derive(Serialize)]
struct CountsJson {
    same: usize,
    changed: usize,
    moved: usize,
    resized: usize,
    r#type: usize,
    modules: usize,
    came: usize,
    went: usize,
}

impl From<Counts> for CountsJson {
    fn from(counts: Counts) -> Self {
        Self {
            same: counts.same,
            changed: counts.changed,
            moved: counts.moved,
            resized: counts.resized,
            r#type: counts.relettered,
            modules: counts.changed_modules,
            came: counts.came,
            went: counts.went,
        }
    }
}

#[derive(Serialize)]
struct ChangeJson<'t> {
    change: &'static str,
    old: Option<json::Symbol<'t>>,
    new: Option<json::Symbol<'t>>,
    moved: Option<i64>,
    ways: Vec<Way>,
}

impl<'t> ChangeJson<'t> {
    fn new(change: &Change<'t>) -> Self {
        let (name, old, new, moved) = match *change {
            Change::Came(new) => ("came", None, Some(new), None),
            Change::Went(old) => ("went", Some(old), None, None),
            Change::Changed(pair) => ("changed", Some(pair.old), Some(pair.new), pair.moved),
        };
        let ways = ways(change)
            .into_iter()
            .filter(|way| !matches!(way, Way::Came | Way::Went));
        Self {
            change: name,
            old: old.map(Into::into),
            new: new.map(Into::into),
            moved,
            ways: ways.collect(),
        }
    }
}
