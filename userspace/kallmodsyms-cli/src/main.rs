// SPDX-License-Identifier: Apache-2.0 OR MIT

//! The `kallmodsyms` command: what a kernel says of its own symbols, for people and for programs.
//!
//! A file for each subcommand: its arguments with their help, and `run`. What they share is in [`input`] (where symbols
//! come from), [`output`] (standard output, colours, JSON), [`show`] and [`json`] (a symbol as text and as JSON).
//!
//! Exit status: 0 if all is well, 1 if problems were found, or nothing where something was looked for, 2 for wrong
//! usage or a file that cannot be read.

mod columns;
mod completions;
mod demangle;
mod diff;
mod dump;
mod escape;
mod estimate;
mod extent;
mod find;
mod gaps;
mod group;
mod help;
mod input;
mod json;
mod lookup;
mod man;
mod modules;
mod names;
mod number;
mod output;
mod progress;
mod reference;
mod show;
mod slide;
mod sources;
mod suggest;
mod symbolize;
mod treemap;
mod unpack;
mod validate;

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue};
use clap::{ColorChoice, Parser, Subcommand};

use input::Policy;
use output::Output;

/// Look up, list, check, compare and picture the symbols of a kernel: /proc/kallmodsyms, /proc/kallsyms and saved
/// copies
///
/// Without an input the symbols are those of the running kernel, from the best source it has. An input is a file of any
/// dialect of /proc/kallmodsyms, a copy of /proc/kallsyms, a System.map, or a vmlinux; each may be packed with gzip, xz
/// or zstd.
#[derive(Parser)]
#[command(name = "kallmodsyms", version, after_help = help::text(EXAMPLES, STATUS))]
struct Arguments {
    #[command(subcommand)]
    command: Command,
    #[arg(
        long,
        global = true,
        value_name = "WHEN",
        default_value = "auto",
        help = "When to use colours; auto means on a terminal, unless NO_COLOR is set"
    )]
    color: ColorChoice,
    /// Print on a terminal what is in the symbols as it is; without, control characters in it are shown and not sent
    #[arg(long, global = true)]
    raw: bool,
    #[command(flatten)]
    policy: Policy,
}

const EXAMPLES: &str = "\
  kallmodsyms lookup vfs_read+0x10          # where that is, in which module, how large
  dmesg | kallmodsyms symbolize             # name the addresses in an oops
  kallmodsyms modules                       # what each module takes, built in or loaded
  kallmodsyms treemap -o kernel.svg         # the same as a picture
  kallmodsyms help find                     # more of one of them";

const STATUS: &str = "\
0 if all is well, 1 if problems were found, or nothing where something was looked for, 2 for wrong usage or an \
unreadable file";

#[derive(Subcommand)]
enum Command {
    Dump(dump::Arguments),
    Lookup(lookup::Arguments),
    Find(find::Arguments),
    Symbolize(symbolize::Arguments),
    Validate(validate::Arguments),
    Modules(modules::Arguments),
    Diff(diff::Arguments),
    Gaps(gaps::Arguments),
    Treemap(treemap::Arguments),
    Sources(sources::Arguments),
    Completions(completions::Arguments),
    Man(man::Arguments),
}

/// How a command that did its work ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Status {
    Good,
    /// Problems were found, or nothing was.
    Bad,
    /// Some of what was asked is no question.
    Wrong,
}

impl Status {
    const fn good_if(good: bool) -> Self {
        if good { Self::Good } else { Self::Bad }
    }
}

/// The exit status for wrong usage (which clap uses too) and for files that cannot be read.
const WRONG: u8 = 2;
/// What a shell reports of a command that a closed pipe ended. A reader such as `head` that has seen enough is no
/// error.
const CLOSED_PIPE: u8 = 128 + 13;

fn main() -> ExitCode {
    let arguments = Arguments::try_parse().unwrap_or_else(|error| with_lookup(error).exit());
    arguments.policy.install();
    let mut out = Output::new(arguments.color, arguments.raw);
    let result = match arguments.command {
        Command::Dump(arguments) => arguments.run(&mut out),
        Command::Lookup(arguments) => arguments.run(&mut out),
        Command::Find(arguments) => arguments.run(&mut out),
        Command::Symbolize(arguments) => arguments.run(&mut out),
        Command::Validate(arguments) => arguments.run(&mut out),
        Command::Modules(arguments) => arguments.run(&mut out),
        Command::Diff(arguments) => arguments.run(&mut out),
        Command::Gaps(arguments) => arguments.run(&mut out),
        Command::Treemap(arguments) => arguments.run(&mut out),
        Command::Sources(arguments) => arguments.run(&mut out),
        Command::Completions(arguments) => arguments.run(&mut out),
        Command::Man(arguments) => arguments.run(&mut out),
    };
    // What was found before an error is printed before it.
    let flushed = out.flush().map_err(anyhow::Error::from);
    match result.and_then(|status| flushed.map(|()| status)) {
        Ok(Status::Wrong) => ExitCode::from(WRONG),
        Ok(_) if Policy::is_broken() => ExitCode::FAILURE,
        Ok(Status::Good) => ExitCode::SUCCESS,
        Ok(Status::Bad) => ExitCode::FAILURE,
        Err(error) => report(&error),
    }
}

/// Names the subcommand for what stands where one is missing: an address or a name, most likely.
fn with_lookup(mut error: clap::Error) -> clap::Error {
    if let Some(ContextValue::String(word)) = error.get(ContextKind::InvalidSubcommand) {
        let tip = format!("to look up an address or a name, use `kallmodsyms lookup '{word}'`");
        error.insert(
            ContextKind::Suggested,
            ContextValue::StyledStrs(vec![tip.into()]),
        );
    }
    error
}

/// Says what went wrong. Errors of reading carry their own words; a bare `io::Error` is one of writing.
fn report(error: &anyhow::Error) -> ExitCode {
    match error.downcast_ref::<io::Error>() {
        Some(error) if error.kind() == io::ErrorKind::BrokenPipe => {
            return ExitCode::from(CLOSED_PIPE);
        }
        Some(error) => say(&format!("cannot write to standard output: {error}")),
        None => say(&format!("{error:#}")),
    }
    ExitCode::from(WRONG)
}

/// Tells the user something that is no result. There is nobody to tell if that fails.
fn say(message: &str) {
    let mut err = io::stderr().lock();
    let colour =
        err.is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let style = if colour {
        anstyle::Style::new().bold()
    } else {
        anstyle::Style::new()
    };
    let message = if err.is_terminal() {
        escape::escaped(message.as_bytes())
    } else {
        message.as_bytes().to_vec()
    };
    let _ = write!(err, "{style}kallmodsyms:{style:#} ");
    let _ = err.write_all(&[&message[..], b"\n"].concat());
}
