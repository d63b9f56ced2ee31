// SPDX-License-Identifier: Apache-2.0 OR MIT

//! `kallmodsyms treemap`: a picture of what takes how much of the kernel.

mod layout;
mod svg;
mod tree;

use std::cmp::Reverse;
use std::fs;
use std::io::Write;
use std::path::PathBuf;

use anyhow::ensure;
use clap::Args;
use serde::Serialize;

use crate::demangle::demangled;
use crate::estimate::Estimate;
use crate::input::{self, Input};
use crate::json::Hex;
use crate::output::Output;
use crate::{Status, help};
use svg::Picture;
use tree::{Branch, Leaf, Part, Tree};

const EXAMPLES: &str = "\
  kallmodsyms treemap -o kernel.svg         # open it in a browser; names and sizes show on hovering
  kallmodsyms treemap -i saved.xz -o kernel.svg --title 'my kernel' --width 2400 --height 1350
  kallmodsyms treemap --json > kernel.json  # the tree, for another program to draw";

const STATUS: &str = "0, 2 for wrong usage, an unreadable file, or one without sizes";

const JSON: &str = "one object, a tree. Each node has
  name       of the picture, the module (vmlinux for code of none), the section, in vmlinux what
             names start with (acpi_*), the symbol
  bytes      how many it stands for; each byte counts once in the whole tree
  symbols    how many it stands for
  group      of a module: core, built-in, loaded, ftrace, bpf or kprobes
  address    of a symbol, as text, hexadecimal with 0x
  demangled  the name of a symbol as Rust's source code has it, where it is one of Rust
  children   the nodes below, the largest first; a symbol has none";

/// Draw bytes by module, section and symbol: an SVG picture that opens in a browser
#[derive(Args)]
#[command(
    after_help = help::text(EXAMPLES, STATUS),
    after_long_help = help::with_json(EXAMPLES, STATUS, JSON),
)]
pub(crate) struct Arguments {
    #[command(flatten)]
    input: Input,
    /// Where to write the picture; standard output, if that is no terminal
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// What stands above the picture
    #[arg(long, value_name = "TEXT")]
    title: Option<String>,
    /// Pixels from left to right
    #[arg(long, value_name = "PIXELS", default_value_t = 1600, value_parser = clap::value_parser!(u32).range(320..=16384))]
    width: u32,
    /// Pixels from top to bottom
    #[arg(long, value_name = "PIXELS", default_value_t = 900, value_parser = clap::value_parser!(u32).range(240..=16384))]
    height: u32,
    /// Give at most this many symbols a rectangle of their own; smaller ones share one in each section of a module
    #[arg(short = 'n', long, value_name = "N", default_value_t = 5000)]
    limit: usize,
    #[command(flatten)]
    estimate: Estimate,
    /// Write the tree as JSON
    #[arg(long)]
    json: bool,
}

impl Arguments {
    pub(crate) fn run(&self, out: &mut Output) -> anyhow::Result<Status> {
        ensure!(
            self.output.is_some() || self.json || !out.is_terminal(),
            "a picture is nothing for a terminal: name a file, such as -o kernel.svg"
        );
        let table = self.input.table()?;
        let estimated = self.estimate.is_needed(&table);
        let table = self.estimate.sized(table)?;
        let tree = Tree::new(&table, self.limit);
        let title = self.title.clone().unwrap_or_else(|| self.default_title());

        let mut bytes = Vec::new();
        if self.json {
            serde_json::to_writer(&mut bytes, &Node::of_tree(title, &tree))?;
            bytes.push(b'\n');
        } else {
            let picture = Picture {
                title: &title,
                estimated,
                width: self.width,
                height: self.height,
            };
            bytes.extend_from_slice(picture.draw(&tree).as_bytes());
        }
        match &self.output {
            Some(path) => input::write(path, &bytes)?,
            None => out.write_all(&bytes)?,
        }
        Ok(Status::Good)
    }

    fn default_title(&self) -> String {
        if self.input.file().is_none() {
            let kernel = self.input.kernel();
            let running =
                || fs::read_to_string(kernel.root().join("proc/sys/kernel/osrelease")).ok();
            let release = kernel.release().map(Into::into).or_else(running);
            if let Some(release) = release {
                return format!("Linux {}", release.trim());
            }
        }
        self.input.name()
    }
}

#[derive(Serialize)]
struct Node {
    name: String,
    bytes: u64,
    symbols: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    group: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<Hex>,
    #[serde(skip_serializing_if = "Option::is_none")]
    demangled: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    children: Vec<Node>,
}

impl Node {
    fn new(name: String, bytes: u64, symbols: usize, children: Vec<Self>) -> Self {
        Self {
            name,
            bytes,
            symbols,
            group: None,
            address: None,
            demangled: None,
            children,
        }
    }

    fn of_tree(title: String, tree: &Tree<'_>) -> Self {
        let modules = tree.modules.iter().map(Self::of_module).collect();
        Self::new(title, tree.bytes, tree.symbols, modules)
    }

    fn of_module(module: &Branch<'_>) -> Self {
        let sections = module.sections.iter().map(Self::of_section).collect();
        Self {
            group: Some(module.group.name()),
            ..Self::new(module.name.clone(), module.bytes, module.symbols, sections)
        }
    }

    fn of_section(part: &Part<'_>) -> Self {
        let mut children = Vec::new();
        for family in &part.families {
            let mut symbols: Vec<_> = family.leaves.iter().map(Self::of_symbol).collect();
            let (rest, bytes) = family.rest;
            if rest > 0 {
                symbols.push(Self::new(family.rest_name(), bytes, rest, Vec::new()));
            }
            match &family.name {
                Some(name) => {
                    symbols.sort_by_key(|node| Reverse(node.bytes));
                    children.push(Self::new(
                        name.clone(),
                        family.bytes,
                        family.symbols(),
                        symbols,
                    ));
                }
                None => children.extend(symbols),
            }
        }
        children.sort_by_key(|node| Reverse(node.bytes));
        Self::new(
            part.section.name().into(),
            part.bytes,
            part.symbols,
            children,
        )
    }

    fn of_symbol(leaf: &Leaf<'_>) -> Self {
        let name = String::from_utf8_lossy(leaf.symbol.name()).into_owned();
        Self {
            address: Some(Hex(leaf.symbol.address())),
            demangled: demangled(leaf.symbol.name()),
            ..Self::new(name, leaf.bytes, 1, Vec::new())
        }
    }
}
