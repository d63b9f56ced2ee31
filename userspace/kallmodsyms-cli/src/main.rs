// SPDX-License-Identifier: Apache-2.0 OR MIT

//! The `kallmodsyms` command: what a kernel says of its own symbols, checked.
//!
//! Exit status: 0 if all is well, 1 if problems were found, 2 for wrong usage or a file that cannot be read.

mod input;
mod validate;

use std::io;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Read and check /proc/kallmodsyms, the kernel's table of its own symbols.
#[derive(Parser)]
#[command(name = "kallmodsyms", version, after_help = STATUS)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Validate(validate::Arguments),
}

const STATUS: &str = "Exit status: 0 if all is well, 1 if problems were found, 2 for wrong usage or an unreadable file.";

/// The exit status for wrong usage (which clap uses too) and for files that cannot be read.
const UNREADABLE: u8 = 2;

fn main() -> ExitCode {
    let result = match Arguments::parse().command {
        Command::Validate(arguments) => arguments.run(),
    };
    result.unwrap_or_else(|error| {
        // A reader such as `head` that has seen enough is no error of ours.
        let is_closed_pipe = error
            .downcast_ref::<io::Error>()
            .is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe);
        if !is_closed_pipe {
            eprintln!("kallmodsyms: {error:#}");
        }
        ExitCode::from(UNREADABLE)
    })
}
