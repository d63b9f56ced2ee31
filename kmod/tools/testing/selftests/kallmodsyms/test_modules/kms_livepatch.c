// SPDX-License-Identifier: GPL-2.0
/*
 * Patches two functions that end with a call which does not return, of vmlinux
 * and of a module.
 */
#include <linux/livepatch.h>
#include <linux/module.h>
#include <linux/ptrace.h>
#include <linux/sched.h>

#ifdef CONFIG_X86_64
/* A thread that exits meanwhile tries again: C libraries do that in a loop. */
static long kms_livepatch_sys_exit(const struct pt_regs *unused)
{
	schedule_timeout_interruptible(HZ / 10);
	return 0;
}

static struct klp_func vmlinux_funcs[] = {
	{
		.old_name = "__x64_sys_exit",
		.new_func = kms_livepatch_sys_exit,
	},
	{ }
};
#else
static struct klp_func vmlinux_funcs[] = {
	{ }
};
#endif

static int kms_livepatch_patched_caller(void *unused)
{
	return 0;
}

static struct klp_func target_funcs[] = {
	{
		.old_name = "kms_livepatch_caller",
		.new_func = kms_livepatch_patched_caller,
	},
	{ }
};

static struct klp_object objs[] = {
	{
		.funcs = vmlinux_funcs,
	},
	{
		.name = "kms_livepatch_target",
		.funcs = target_funcs,
	},
	{ }
};

static struct klp_patch patch = {
	.mod = THIS_MODULE,
	.objs = objs,
};

static int __init kms_livepatch_init(void)
{
	return klp_enable_patch(&patch);
}

static void __exit kms_livepatch_exit(void)
{
}

module_init(kms_livepatch_init);
module_exit(kms_livepatch_exit);
MODULE_DESCRIPTION("A patch for a selftest of /proc/kallmodsyms");
MODULE_LICENSE("GPL");
MODULE_INFO(livepatch, "Y");
