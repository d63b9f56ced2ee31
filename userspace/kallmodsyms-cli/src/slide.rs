// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Where the kernel was: `--slide` of the commands that look addresses up.

use clap::Args;
use kallmodsyms::{Slide, SymbolTable};

use crate::number;

#[derive(Args)]
pub(crate) struct SlideArgument {
    /// How far the kernel was moved from where the symbols say: `Kernel Offset` in its messages; may be negative
    #[arg(long = "slide", value_name = "BYTES", value_parser = number::distance, allow_hyphen_values = true, default_value = "0", hide_default_value = true)]
    bytes: u64,
}

impl SlideArgument {
    /// The symbols where the kernel had them. Per-CPU data that is counted from 0 does not move, nor do modules, which
    /// each boot puts elsewhere.
    pub(crate) fn apply(&self, table: SymbolTable) -> SymbolTable {
        Slide::by(self.bytes, &table).move_table(table)
    }
}
