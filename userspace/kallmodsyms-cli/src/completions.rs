// SPDX-License-Identifier: Apache-2.0 OR MIT

//! `kallmodsyms completions`: what a shell must know to complete the arguments.

use std::io::Write;

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use crate::output::Output;
use crate::{Status, help};

const EXAMPLES: &str = "\
  kallmodsyms completions bash > kallmodsyms.bash    # then source it
  kallmodsyms completions zsh > _kallmodsyms         # into a folder of $fpath";

/// Print what a shell needs to complete the arguments of this command
#[derive(Args)]
#[command(after_help = help::text(EXAMPLES, "0, 2 for wrong usage"))]
pub(crate) struct Arguments {
    shell: Shell,
}

impl Arguments {
    pub(crate) fn run(&self, out: &mut Output) -> anyhow::Result<Status> {
        // Into memory first: the generator panics where writing fails, as it does when a pipe closes.
        let mut script = Vec::new();
        clap_complete::generate(
            self.shell,
            &mut crate::Arguments::command(),
            "kallmodsyms",
            &mut script,
        );
        out.write_all(&script)?;
        Ok(Status::Good)
    }
}
