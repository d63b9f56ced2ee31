/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A module with a symbol of each kind that a module can have. Who includes this
 * defines KMS(what), which makes names, and KMS_WORDS, the size of all data, so
 * that no two modules have a line of /proc/kallmodsyms in common.
 */
#include <linux/init.h>
#include <linux/module.h>
#include <linux/percpu.h>

int KMS(data)[KMS_WORDS] = { 1 };
static int KMS(static_data)[KMS_WORDS] = { 2 };
int KMS(bss)[KMS_WORDS];
static int KMS(static_bss)[KMS_WORDS];
const int KMS(rodata)[KMS_WORDS] = { 3 };
static int KMS(after_init)[KMS_WORDS] __ro_after_init;
static int KMS(init_data)[KMS_WORDS] __initdata = { 4 };
static DEFINE_PER_CPU(int [KMS_WORDS], KMS(percpu));
int KMS(code)(int x);

/* A symbol that has no size, as what assembly defines often has none. */
asm(".pushsection .data; " __stringify(KMS(marker)) ": .popsection");

static noinline int KMS(static_code)(int x)
{
	WRITE_ONCE(KMS(static_data)[0], x);
	return READ_ONCE(KMS(static_bss)[0]) + READ_ONCE(KMS(rodata)[0]);
}

noinline int KMS(code)(int x)
{
	WRITE_ONCE(KMS(static_bss)[0], x);
	return KMS(static_code)(READ_ONCE(KMS(data)[0])) + READ_ONCE(KMS(bss)[0]);
}
EXPORT_SYMBOL(KMS(code));

/*
 * Functions that are gone when the module is there, and that the function
 * tracer then lists itself, if it has traced them.
 */
#define KMS_INIT(n) \
static noinline int __init KMS(init_##n)(int x) \
{ \
	return KMS(code)(x + READ_ONCE(KMS(init_data)[0])) ^ (n); \
}

KMS_INIT(1)
KMS_INIT(2)
KMS_INIT(3)
KMS_INIT(4)

static int __init kms_init(void)
{
	int x = KMS(init_1)(READ_ONCE(KMS(static_data)[0]));

	x = KMS(init_4)(KMS(init_3)(KMS(init_2)(x)));
	WRITE_ONCE(KMS(after_init)[0], x);
	raw_cpu_write(KMS(percpu)[0], x);
	return 0;
}

static void __exit kms_exit(void)
{
	KMS(code)(READ_ONCE(KMS(after_init)[0]));
}

module_init(kms_init);
module_exit(kms_exit);
MODULE_DESCRIPTION("A module for the selftests of /proc/kallmodsyms");
MODULE_LICENSE("GPL");
