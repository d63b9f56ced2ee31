// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Names the addresses of samples while modules and BPF programs come and go, as a profiler does that reads
//! `PERF_RECORD_KSYMBOL` and module events. A line of standard input is an event or a sample:
//!
//! ```text
//! ksym ADDRESS LENGTH NAME     a BPF program is there
//! unksym ADDRESS LENGTH        it is gone
//! unload MODULE                a module is gone
//! sample ADDRESS...            a stack, innermost first
//! ```
//!
//! ```text
//! cargo run --release --example profiler /proc/kallmodsyms <events
//! ```

use std::error::Error;
use std::io::{self, BufRead, Write};
use std::{env, fs};

use kallmodsyms::table::LiveTable;
use kallmodsyms::{Group, Symbol, SymbolTable, grammar};

fn main() -> Result<(), Box<dyn Error>> {
    let path = env::args()
        .nth(1)
        .ok_or("usage: profiler SYMBOLS <EVENTS")?;
    let file = fs::File::open(&path).map_err(|error| format!("{path}: {error}"))?;
    let mut symbols = LiveTable::new(&SymbolTable::read(file)?)?;
    run(&mut symbols, io::stdin().lock(), &mut io::stdout().lock())
}

fn run(
    symbols: &mut LiveTable,
    events: impl BufRead,
    out: &mut impl Write,
) -> Result<(), Box<dyn Error>> {
    let hex = |word: &str| u64::from_str_radix(word.trim_start_matches("0x"), 16);
    let bpf = grammar::modules(b"[bpf]")?;
    for (number, line) in events.lines().enumerate() {
        let line = line?;
        let words: Vec<&str> = line.split_whitespace().collect();
        match words[..] {
            ["ksym", address, length, name] => {
                let symbol = Symbol::new(hex(address)?, b't', name.as_bytes())
                    .with_size(hex(length)?)
                    .with_modules(bpf);
                symbols.insert([(symbol, Group::Bpf)])?;
            }
            ["unksym", address, length] => {
                let address = hex(address)?;
                symbols.remove_range(address..address.saturating_add(hex(length)?));
            }
            ["unload", module] => symbols.remove_module(module.as_bytes()),
            ["sample", ref addresses @ ..] => {
                for address in addresses {
                    let place = symbols.lookup(hex(address)?).inside();
                    let place = place.map_or("[unknown]".into(), |(symbol, offset)| {
                        symbol.plus(offset).to_string()
                    });
                    writeln!(out, "{address} {place}")?;
                }
            }
            _ => return Err(format!("line {}: no event: {line}", number + 1).into()),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_and_go() {
        let table = b"ffffffff81000000 40 T vfs_read\nffffffff82000000 0 B _end\n\
                      ffffffffc0000000 20 t nfs_read\t[nfs]\n";
        let table = SymbolTable::from_bytes(table).unwrap();
        let mut symbols = LiveTable::new(&table).unwrap();
        let events = "sample ffffffffc0000008 ffffffff81000010\nunload nfs\nksym ffffffffc0000000 80 bpf_prog_1\n\
                      sample ffffffffc0000008\nunksym ffffffffc0000000 80\nsample 0xffffffffc0000008\n";
        let mut out = Vec::new();
        run(&mut symbols, events.as_bytes(), &mut out).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "ffffffffc0000008 nfs_read+0x8/0x20 [nfs]\nffffffff81000010 vfs_read+0x10/0x40\n\
             ffffffffc0000008 bpf_prog_1+0x8/0x80 [bpf]\n0xffffffffc0000008 [unknown]\n"
        );
        assert!(run(&mut symbols, b"what".as_slice(), &mut Vec::new()).is_err());
    }
}
