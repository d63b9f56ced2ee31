// SPDX-License-Identifier: GPL-2.0
/*
 * An area without kprobes that begins amid a symbol: what comes first in it has
 * no name, and so belongs to the last function before it.
 */
#include <linux/init.h>
#include <linux/module.h>

asm(".pushsection .noinstr.text, \"ax\"\n\t"
	".skip 64, 0x90\n\t"
	".popsection");

static noinstr int kms_area_inside(int x)
{
	return x + 1;
}

static noinline __used int kms_area_before(int x)
{
	return x * kms_area_inside(x);
}

static int __init kms_area_init(void)
{
	return 0;
}

static void __exit kms_area_exit(void)
{
}

module_init(kms_area_init);
module_exit(kms_area_exit);
MODULE_DESCRIPTION("An area without kprobes for a selftest of /proc/kallmodsyms");
MODULE_LICENSE("GPL");
