// SPDX-License-Identifier: GPL-2.0
/*
 * A kernel thread that sleeps below a call which does not return.  Nothing
 * follows such a call in its function, so the return address is that of the
 * first byte behind kms_livepatch_caller().
 */
#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/module.h>

static DECLARE_COMPLETION(gone);

static bool asleep = true;
module_param(asleep, bool, 0644);
MODULE_PARM_DESC(asleep, "whether the thread goes on to sleep");

static noinline void __noreturn kms_livepatch_sleeper(void)
{
	while (READ_ONCE(asleep))
		msleep_interruptible(100);
	kthread_complete_and_exit(&gone, 0);
}

static int kms_livepatch_caller(void *unused)
{
	kms_livepatch_sleeper();
}

static int __init kms_livepatch_target_init(void)
{
	return PTR_ERR_OR_ZERO(kthread_run(kms_livepatch_caller, NULL,
					   "kms_livepatch"));
}

static void __exit kms_livepatch_target_exit(void)
{
	WRITE_ONCE(asleep, false);
	wait_for_completion(&gone);
}

module_init(kms_livepatch_target_init);
module_exit(kms_livepatch_target_exit);
MODULE_DESCRIPTION("What is patched in a selftest of /proc/kallmodsyms");
MODULE_LICENSE("GPL");
