// SPDX-License-Identifier: GPL-2.0
/*
 * A module that initialises until it is told to go on, with many symbols that
 * stay and as many that do not, the ones between the others.
 */
#include <linux/delay.h>
#include <linux/init.h>
#include <linux/module.h>
#include <linux/sched/signal.h>

static bool hold;
module_param(hold, bool, 0600);
MODULE_PARM_DESC(hold, "Whether to wait in the init function");

#define PAIR(n) \
static int __used kms_waits_code_##n(int x) { return x + __COUNTER__; } \
static int __used __init kms_waits_init_##n(int x) { return x - __COUNTER__; }

PAIR(10) PAIR(11) PAIR(12) PAIR(13) PAIR(14)
PAIR(15) PAIR(16) PAIR(17) PAIR(18) PAIR(19)
PAIR(20) PAIR(21) PAIR(22) PAIR(23) PAIR(24)
PAIR(25) PAIR(26) PAIR(27) PAIR(28) PAIR(29)
PAIR(30) PAIR(31) PAIR(32) PAIR(33) PAIR(34)
PAIR(35) PAIR(36) PAIR(37) PAIR(38) PAIR(39)
PAIR(40) PAIR(41) PAIR(42) PAIR(43) PAIR(44)
PAIR(45) PAIR(46) PAIR(47) PAIR(48) PAIR(49)

static int __init kms_waits_init(void)
{
	while (READ_ONCE(hold) && !fatal_signal_pending(current))
		msleep(20);
	return READ_ONCE(hold) ? -EINTR : 0;
}

static void __exit kms_waits_exit(void)
{
}

module_init(kms_waits_init);
module_exit(kms_waits_exit);
MODULE_DESCRIPTION("A module for the selftests of /proc/kallmodsyms");
MODULE_LICENSE("GPL");
