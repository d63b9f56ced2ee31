/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _LINUX_KALLMODSYMS_H
#define _LINUX_KALLMODSYMS_H

#include <linux/types.h>

/**
 * struct kallmodsyms_tables - what scripts/kallsyms says of vmlinux
 * @names: length and tokens of each name, in the order of addresses
 * @names_len: bytes in @names
 * @markers: offset in @names of every 256th symbol
 * @token_table: NUL-terminated text of each token
 * @token_table_len: bytes in @token_table
 * @token_index: offset in @token_table of each of the 256 tokens
 * @offsets: address of each symbol, relative to @relative_base or absolute
 * @relative_base: what most @offsets are relative to
 * @num_syms: symbols in all
 * @sizes: 4-bit codes of the sizes
 * @sizes_len: bytes in @sizes
 * @size_markers: index of the first code of every 256th symbol
 * @module_runs: runs of symbols of the same modules
 * @module_runs_len: bytes in @module_runs
 * @module_lists: NUL-terminated lists of modules
 * @module_lists_len: bytes in @module_lists
 *
 * All of it is constant and stays for the life of the kernel.
 */
struct kallmodsyms_tables {
	const u8 *names;
	size_t names_len;
	const unsigned int *markers;
	const u8 *token_table;
	size_t token_table_len;
	const u16 *token_index;
	const int *offsets;
	unsigned long relative_base;
	size_t num_syms;
	const u8 *sizes;
	size_t sizes_len;
	const u32 *size_markers;
	const u8 *module_runs;
	size_t module_runs_len;
	const u8 *module_lists;
	size_t module_lists_len;
};

struct kallmodsyms_tables kallmodsyms_tables(void);

/**
 * struct kallmodsyms_symbol - a symbol that is not in the tables of vmlinux
 * @address: address of its first byte
 * @size: size in bytes, as its linker or allocator recorded it
 * @name: name, NUL-terminated and of any length
 * @module: module name as /proc/kallsyms puts it in brackets, NUL-terminated
 * @type: type letter as /proc/kallsyms shows it
 *
 * The strings are valid only while the symbol is being visited.
 */
struct kallmodsyms_symbol {
	unsigned long address;
	unsigned long size;
	const char *name;
	const char *module;
	char type;
};

/**
 * struct kallmodsyms_cursor - a place among those symbols
 * @order: &module.kallsyms_order or &bpf_ksym.kallsyms_order at the place or
 *	before it
 * @address: address of that BPF symbol, by which it is found
 * @source: modules, ftrace, BPF or kprobes
 * @index: symbols of the module, of ftrace or of kprobes before the place
 *
 * All zeroes is the beginning.  A cursor holds no reference: it stays valid,
 * and keeps its place, however many modules and BPF programs come and go.
 */
struct kallmodsyms_cursor {
	u64 order;
	unsigned long address;
	unsigned int source;
	unsigned int index;
};

/*
 * Called with a symbol in an RCU read-side critical section.  Returns false
 * when it did not take the symbol and wants no other.
 */
typedef bool (*kallmodsyms_visit_t)(void *data,
				    const struct kallmodsyms_symbol *symbol);

/*
 * Each of these visits its symbols from the cursor on, in the order of
 * /proc/kallsyms, and leaves the cursor at the symbol that was not taken.
 * Returns true when all were.
 */
#if defined(CONFIG_MODULES) && defined(CONFIG_KALLSYMS)
bool module_kallmodsyms_walk(struct kallmodsyms_cursor *cursor,
			     kallmodsyms_visit_t visit, void *data);
#else
static inline bool module_kallmodsyms_walk(struct kallmodsyms_cursor *cursor,
					   kallmodsyms_visit_t visit,
					   void *data)
{
	return true;
}
#endif

#if defined(CONFIG_FUNCTION_TRACER) && defined(CONFIG_DYNAMIC_FTRACE)
bool ftrace_kallmodsyms_walk(struct kallmodsyms_cursor *cursor,
			     kallmodsyms_visit_t visit, void *data);
#else
static inline bool ftrace_kallmodsyms_walk(struct kallmodsyms_cursor *cursor,
					   kallmodsyms_visit_t visit,
					   void *data)
{
	return true;
}
#endif

#ifdef CONFIG_BPF_JIT
bool bpf_kallmodsyms_walk(struct kallmodsyms_cursor *cursor,
			  kallmodsyms_visit_t visit, void *data);
#else
static inline bool bpf_kallmodsyms_walk(struct kallmodsyms_cursor *cursor,
					kallmodsyms_visit_t visit, void *data)
{
	return true;
}
#endif

#ifdef CONFIG_KPROBES
bool kprobe_kallmodsyms_walk(struct kallmodsyms_cursor *cursor,
			     kallmodsyms_visit_t visit, void *data);
#else
static inline bool kprobe_kallmodsyms_walk(struct kallmodsyms_cursor *cursor,
					   kallmodsyms_visit_t visit,
					   void *data)
{
	return true;
}
#endif

/**
 * kallmodsyms_walk() - visit the symbols that are not in vmlinux
 * @cursor: where to begin; left at the symbol that was not taken
 * @visit: called with each symbol
 * @data: first argument of @visit
 *
 * Return: true when all symbols were taken.
 */
bool kallmodsyms_walk(struct kallmodsyms_cursor *cursor,
		      kallmodsyms_visit_t visit, void *data);

/* Written in Rust, in kernel/kallmodsyms/ */
int kallmodsyms_init(void);
unsigned long kallmodsyms_symbol_size(unsigned long pos);

#endif /* _LINUX_KALLMODSYMS_H */
