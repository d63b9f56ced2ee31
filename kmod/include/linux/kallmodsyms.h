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
 * @source: the list, in the order of /proc/kallsyms
 * @order: kallsyms_order of the entry of the list at the place or before it
 * @address: address of the BPF symbol with this order, by which it is found
 * @index: symbols before the place in the table of the module
 * @core_index: those of them that stay when it is initialised
 *
 * All zeroes is the beginning.  A cursor holds no reference: it stays valid,
 * and keeps its place, however many entries come and go.
 */
struct kallmodsyms_cursor {
	unsigned int source;
	u64 order;
	unsigned long address;
	unsigned int index;
	unsigned int core_index;
};

/*
 * Called with a symbol in an RCU read-side critical section.  Returns false
 * when it did not take the symbol and wants no other.
 */
typedef bool (*kallmodsyms_visit_t)(void *data,
				    const struct kallmodsyms_symbol *symbol);

/*
 * Each of these visits the symbols of one list from the cursor on, in the order
 * of /proc/kallsyms, and leaves the cursor at the symbol that was not taken.
 * Returns true when all were.
 *
 * Every entry has a number, kallsyms_order, that it got when it was added, under
 * the lock of the list, and that no other entry ever gets.  They ascend from the
 * head of the list to its end: where entries are added at the head, they are
 * counted down.  So the walk goes on with the first entry whose number is not
 * below that of the cursor, whatever has become of the entry that had it: those
 * that stay are met exactly once.  That first entry is looked for from the head,
 * but among BPF symbols only where the one at the cursor is gone.
 */
bool module_kallmodsyms_walk(struct kallmodsyms_cursor *cursor,
			     kallmodsyms_visit_t visit, void *data);
bool ftrace_mod_kallmodsyms_walk(struct kallmodsyms_cursor *cursor,
				 kallmodsyms_visit_t visit, void *data);
bool ftrace_trampoline_kallmodsyms_walk(struct kallmodsyms_cursor *cursor,
					kallmodsyms_visit_t visit, void *data);
bool bpf_kallmodsyms_walk(struct kallmodsyms_cursor *cursor,
			  kallmodsyms_visit_t visit, void *data);
bool kprobe_insn_kallmodsyms_walk(struct kallmodsyms_cursor *cursor,
				  kallmodsyms_visit_t visit, void *data);
bool kprobe_optinsn_kallmodsyms_walk(struct kallmodsyms_cursor *cursor,
				     kallmodsyms_visit_t visit, void *data);

/**
 * kallmodsyms_walk() - visit the symbols that are not in vmlinux
 * @cursor: where to begin; left at the symbol that was not taken
 * @visit: called with each symbol
 * @data: first argument of @visit
 *
 * It takes no lock.  Beside the symbols that it visits, it takes time for the
 * entries before the cursor in the list at the cursor: see above.
 *
 * Return: true when all symbols were taken.
 */
bool kallmodsyms_walk(struct kallmodsyms_cursor *cursor,
		      kallmodsyms_visit_t visit, void *data);

/* Symbols of vmlinux by the built-in modules that they are of: kernel/kallsyms.c */
#ifdef CONFIG_KALLMODSYMS
bool kallsyms_is_builtin_module(const char *name);
int kallsyms_on_each_builtin_symbol(int (*fn)(void *, unsigned long),
				    const char *module, const char *name,
				    void *data);
const char *kallsyms_builtin_modules(unsigned long addr);
const char *kallsyms_next_builtin_module(const char *modules, char *name);
#else
static inline bool kallsyms_is_builtin_module(const char *name)
{
	return false;
}

static inline int kallsyms_on_each_builtin_symbol(int (*fn)(void *, unsigned long),
						  const char *module,
						  const char *name, void *data)
{
	return 0;
}

static inline const char *kallsyms_builtin_modules(unsigned long addr)
{
	return NULL;
}

static inline const char *kallsyms_next_builtin_module(const char *modules,
						       char *name)
{
	return NULL;
}
#endif /* CONFIG_KALLMODSYMS */

/*
 * Written in Rust, in kernel/kallmodsyms/.  All but the first may be called in
 * any context: they take no lock and allocate nothing.
 */
int kallmodsyms_init(void);
/* The recorded size of a symbol of vmlinux, or 0. */
unsigned long kallmodsyms_symbol_size(unsigned long pos);
/* The modules of symbol number @pos of vmlinux, "[ext4] [jbd2]". */
const char *kallmodsyms_symbol_modules(unsigned long pos);
/* The list of modules at an offset in the table of them, or NULL beyond the last. */
const char *kallmodsyms_module_list(unsigned long offset);

#endif /* _LINUX_KALLMODSYMS_H */
