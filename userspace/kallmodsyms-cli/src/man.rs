// SPDX-License-Identifier: Apache-2.0 OR MIT

//! `kallmodsyms man`: manual pages, made of the help texts.

use std::fs;
use std::io::Write;
use std::path::PathBuf;

use anyhow::anyhow;
use clap::{Args, Command, CommandFactory};
use clap_mangen::Man;

use crate::output::Output;
use crate::{Status, help, input};

const EXAMPLES: &str = "\
  kallmodsyms man | man -l -                # read the page
  kallmodsyms man man1                      # write a page for each subcommand into man1/";

/// Print the manual page, or write those of all subcommands
#[derive(Args)]
#[command(after_help = help::text(EXAMPLES, "0, 2 for wrong usage or a directory that cannot be written"))]
pub(crate) struct Arguments {
    /// Write all pages into this directory, made if need be
    directory: Option<PathBuf>,
}

impl Arguments {
    pub(crate) fn run(&self, out: &mut Output) -> anyhow::Result<Status> {
        let mut command = crate::Arguments::command();
        // Fills in the names of subcommands, so that a page is called kallmodsyms-lookup.
        command.build();
        let Some(directory) = &self.directory else {
            out.write_all(&page(command)?)?;
            return Ok(Status::Good);
        };
        fs::create_dir_all(directory)
            .map_err(|error| anyhow!("cannot make {}: {error}", directory.display()))?;
        let subcommands: Vec<Command> = command.get_subcommands().cloned().collect();
        for command in [command].into_iter().chain(subcommands) {
            let name = command
                .get_display_name()
                .unwrap_or_else(|| command.get_name())
                .to_owned();
            // Its own help is no page of interest.
            if name != "kallmodsyms-help" {
                input::write(&directory.join(format!("{name}.1")), &page(command)?)?;
            }
        }
        Ok(Status::Good)
    }
}

fn page(command: Command) -> anyhow::Result<Vec<u8>> {
    let mut page = Vec::new();
    Man::new(command)
        .render(&mut page)
        .map_err(|error| anyhow!("cannot make the manual page: {error}"))?;
    Ok(page)
}
