# SPDX-License-Identifier: Apache-2.0 OR MIT
"""Answers questions about a symbol file with drgn.

usage: answers.py FILE QUESTIONS

FILE is /proc/kallsyms, which drgn reads by itself, or /proc/kallmodsyms, whose symbols it is given with their sizes.
QUESTIONS has one a line: `all`, `address HEX` or `name NAME`. One line answers each: the symbols found, as
ADDRESS:SIZE:BINDING:KIND:NAME, in no particular order.
"""
import sys

import drgn
from _drgn import _linux_helper_load_proc_kallsyms as load_proc_kallsyms


def load_sized(file):
    binding, kind = drgn.SymbolBinding.UNKNOWN, drgn.SymbolKind.UNKNOWN
    with open(file, encoding="utf-8", errors="surrogateescape") as lines:
        fields = (line.split() for line in lines)
        return drgn.SymbolIndex(
            [drgn.Symbol(f[3], int(f[0], 16), int(f[1], 16), binding, kind) for f in fields]
        )


def has_sizes(file):
    with open(file, "rb") as lines:
        return len(lines.readline().split(b"\t")[0].split(b" ")) == 4


file, questions = sys.argv[1:]
index = load_sized(file) if has_sizes(file) else load_proc_kallsyms(filename=file, modules=True)
prog = drgn.Program()
prog.register_symbol_finder("file", index, enable_index=0)
for question in open(questions, encoding="utf-8", errors="surrogateescape"):
    what, _, value = question.rstrip("\n").partition(" ")
    if what == "address":
        found = prog.symbols(int(value, 16))
    elif what == "name":
        found = prog.symbols(value)
    else:
        found = prog.symbols()
    print(*(f"{s.address:x}:{s.size:x}:{s.binding.name}:{s.kind.name}:{s.name}" for s in found))
