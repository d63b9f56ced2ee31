// SPDX-License-Identifier: Apache-2.0 OR MIT
//! End-to-end checks of `/proc/kallmodsyms` on the host, and the runner of all test suites.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

mod check;
mod elf;
mod kbuild;
mod listing;
mod report;
mod suite;
mod suites;
mod tally;
mod truth;

#[derive(Parser)]
#[command(about)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Check what a guest read against the ELF file and the object files; prints KTAP
    Check {
        /// The kernel's build directory (`make -s where`: KERNEL_BUILD)
        #[arg(long)]
        build: PathBuf,
        /// What the guest left (`make -s where`: RUN_DIR): kallmodsyms, kallsyms, before, after-rmmod, modules.txt
        #[arg(long)]
        run: PathBuf,
        /// The same of a boot with nokaslr: kallmodsyms, kallsyms
        #[arg(long)]
        nokaslr_run: Option<PathBuf>,
        /// What to ask of the kernel
        #[arg(long, value_enum, default_value_t)]
        kernel: check::Kind,
    },
    /// Run the test suites; the last line is `N passed, M failed, K skipped`
    Suite {
        /// Run only these
        #[arg(long, value_name = "NAME")]
        only: Vec<String>,
        /// The top of the repository
        #[arg(long, default_value = ".")]
        root: PathBuf,
    },
    /// Run lanes, each of which tests a kernel of its own; the last line is as of `suite`
    Lane {
        /// Run only these
        name: Vec<String>,
        /// The top of the repository
        #[arg(long, default_value = ".")]
        root: PathBuf,
    },
    /// Print the core lines that the ELF file and the object files call for, to compare by hand
    Expect {
        #[arg(long)]
        build: PathBuf,
    },
}

fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Check {
            build,
            run,
            nokaslr_run,
            kernel,
        } => Ok(check::run(
            &build,
            &run,
            nokaslr_run.as_deref(),
            kernel.limits(),
        )),
        Command::Suite { only, root } => suite::run(suites::SUITES, &root, &only),
        Command::Lane { name, root } => suite::run_lanes(suites::LANES, &root, &name),
        Command::Expect { build } => check::expect(&build).map(|()| true),
    };
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("e2e: {error:#}");
            ExitCode::from(2)
        }
    }
}
