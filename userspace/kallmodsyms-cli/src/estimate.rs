// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Sizes where the source has none, on request: the distance to the next symbol.
//!
//! That is what readers of /proc/kallsyms do, and it is wrong where the distance holds padding, or code whose symbols
//! were stripped. So it is never done unasked, and what is printed of it says so.

use anyhow::{anyhow, ensure};
use clap::Args;
use kallmodsyms::SymbolTable;
use kallmodsyms::table::{Builder, Facts};

use crate::say;

/// What to do about sizes that are not known.
pub(crate) const OFFER: &str = "`kallmodsyms sources` says where they could come from; or let --estimate take the \
    distance to the next symbol";

#[derive(Args)]
pub(crate) struct Estimate {
    /// Where the source has no sizes, take the distance to the next symbol
    #[arg(long)]
    estimate: bool,
}

impl Estimate {
    /// Whether sizes will be such distances.
    pub(crate) fn is_needed(&self, table: &SymbolTable) -> bool {
        self.estimate && !table.facts().sizes
    }

    /// The table with sizes. Says so if they are such.
    pub(crate) fn sized(&self, table: SymbolTable) -> anyhow::Result<SymbolTable> {
        if table.facts().sizes {
            return Ok(table);
        }
        ensure!(
            self.estimate,
            "expected symbols with sizes, found none: {OFFER}"
        );
        say("note: sizes are estimated, as the distance to the next symbol");
        let mut builder = Builder::new();
        for entry in &table {
            let size = entry.end() - entry.address();
            builder.push_in(&entry.symbol().with_size(size), entry.group());
        }
        let facts = Facts {
            sizes: true,
            ..table.facts()
        };
        builder.finish(facts).map_err(|error| anyhow!("{error}"))
    }
}
