// SPDX-License-Identifier: GPL-2.0
/*
 * What it costs to look up an address, in instructions: a kernel module that prints, for
 * addresses from all over vmlinux and from all over itself, what a call takes of
 * sprint_symbol(), which prints "function+offset/size", and of kallsyms_lookup_size_offset().
 * That is exported to nobody, so its address is a parameter, as are the ends of vmlinux' text.
 *
 * Made for a guest whose time stamp counter counts instructions (ACCEL=counting of
 * qemu/boot.sh); it refuses to load on another.
 */
#include <linux/irqflags.h>
#include <linux/kallsyms.h>
#include <linux/module.h>
#include <linux/timex.h>

#define CALLS 4096

static unsigned long size_offset, text_start, text_end;
module_param(size_offset, ulong, 0);
module_param(text_start, ulong, 0);
module_param(text_end, ulong, 0);

/* Makes 100 functions of it, and with what kbuild adds 200 symbols or more. */
#define FUNCTION(n) static noinline __used int function_##n(int x) { return x * (1##n - 42); }
#define TEN(n) FUNCTION(n##0) FUNCTION(n##1) FUNCTION(n##2) FUNCTION(n##3) FUNCTION(n##4) \
	       FUNCTION(n##5) FUNCTION(n##6) FUNCTION(n##7) FUNCTION(n##8) FUNCTION(n##9)
TEN(0) TEN(1) TEN(2) TEN(3) TEN(4) TEN(5) TEN(6) TEN(7) TEN(8) TEN(9)

static void print(unsigned long address)
{
	static char text[KSYM_SYMBOL_LEN];

	sprint_symbol(text, address);
}

static void measure(unsigned long address)
{
	int (*look_up)(unsigned long, unsigned long *, unsigned long *) = (void *)size_offset;
	unsigned long size, offset;

	look_up(address, &size, &offset);
}

static void report(const char *what, const char *where, void (*look_up)(unsigned long),
		   unsigned long start, unsigned long end)
{
	unsigned long flags, i;
	cycles_t cost;

	local_irq_save(flags);
	cost = get_cycles();
	for (i = 0; i < CALLS; i++)
		look_up(start + (end - start) * i / CALLS);
	cost = get_cycles() - cost;
	local_irq_restore(flags);
	pr_info("lookup_cost: %s %s %llu\n", what, where, (u64)cost / CALLS);
}

/* A million turns of two instructions each have to take two million. */
static bool counts_instructions(void)
{
	unsigned long turns = 1000000, flags;
	cycles_t took;

	local_irq_save(flags);
	took = get_cycles();
	asm volatile("1: dec %0; jnz 1b" : "+r" (turns));
	took = get_cycles() - took;
	local_irq_restore(flags);
	return took >= 2000000 && took < 2100000;
}

static int __init lookup_cost_init(void)
{
	unsigned long start = (unsigned long)THIS_MODULE->mem[MOD_TEXT].base;
	unsigned long end = start + THIS_MODULE->mem[MOD_TEXT].size;

	if (!size_offset || !text_start || text_end <= text_start) {
		pr_err("lookup_cost: size_offset=, text_start= and text_end= are needed\n");
		return -EINVAL;
	}
	if (!counts_instructions()) {
		pr_err("lookup_cost: the clock does not count instructions: boot with ACCEL=counting\n");
		return -EINVAL;
	}
	report("sprint_symbol", "vmlinux", print, text_start, text_end);
	report("kallsyms_lookup_size_offset", "vmlinux", measure, text_start, text_end);
	report("sprint_symbol", "module", print, start, end);
	report("kallsyms_lookup_size_offset", "module", measure, start, end);
	return 0;
}

static void __exit lookup_cost_exit(void)
{
}

module_init(lookup_cost_init);
module_exit(lookup_cost_exit);
MODULE_DESCRIPTION("Counts what it takes to look up an address");
MODULE_LICENSE("GPL");
