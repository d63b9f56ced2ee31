// SPDX-License-Identifier: Apache-2.0 OR MIT
/*
 * A QEMU plugin that counts how often each instruction of the guest is executed, between
 * the two marks that symbol_cost sets: -plugin profile.so,out=FILE
 *
 * FILE gets a line with address and count for each. Debian has QEMU with plugins and
 * not the header, so what is used of that is declared here, as of version 1 of the
 * interface (docs/devel/tcg-plugins.rst of QEMU).
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef uint64_t qemu_plugin_id_t;
struct qemu_plugin_tb;
struct qemu_plugin_insn;

typedef struct qemu_info_t {
	const char *target_name;
	struct {
		int min, cur;
	} version;
	bool system_emulation;
	struct {
		int smp_vcpus, max_vcpus;
	} system;
} qemu_info_t;

enum qemu_plugin_cb_flags { QEMU_PLUGIN_CB_NO_REGS };

typedef void (*exec_cb)(unsigned int vcpu, void *data);

void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id,
					   void (*cb)(qemu_plugin_id_t id, struct qemu_plugin_tb *tb));
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *tb, exec_cb cb,
					  enum qemu_plugin_cb_flags flags, void *data);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn, exec_cb cb,
					    enum qemu_plugin_cb_flags flags, void *data);
void qemu_plugin_register_atexit_cb(qemu_plugin_id_t id, void (*cb)(qemu_plugin_id_t id, void *data),
				    void *data);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t n);
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *insn);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *insn);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *insn);

__attribute__((visibility("default"))) int qemu_plugin_version = 1;
__attribute__((visibility("default"))) int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info,
								 int argc, char **argv);

/* A run of instructions without a jump into it, as often as QEMU translated it. */
struct block {
	struct block *next;
	uint64_t count;
	size_t insns;
	uint64_t address[];
};

static struct block *blocks;
static bool counting;
static const char *out;

/* xchg %rbx,%rbx and xchg %rcx,%rcx: no compiler writes them. */
static const uint8_t start_mark[] = { 0x48, 0x87, 0xdb };
static const uint8_t stop_mark[] = { 0x48, 0x87, 0xc9 };

static void start(unsigned int vcpu, void *data)
{
	(void)vcpu, (void)data;
	counting = true;
}

static void stop(unsigned int vcpu, void *data)
{
	(void)vcpu, (void)data;
	counting = false;
}

static void executed(unsigned int vcpu, void *data)
{
	struct block *block = data;

	(void)vcpu;
	if (counting)
		block->count++;
}

static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
	size_t insns = qemu_plugin_tb_n_insns(tb), i;
	struct block *block = calloc(1, sizeof(*block) + insns * sizeof(block->address[0]));

	(void)id;
	if (!block)
		abort();
	block->insns = insns;
	block->next = blocks;
	blocks = block;
	qemu_plugin_register_vcpu_tb_exec_cb(tb, executed, QEMU_PLUGIN_CB_NO_REGS, block);
	for (i = 0; i < insns; i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);

		block->address[i] = qemu_plugin_insn_vaddr(insn);
		if (qemu_plugin_insn_size(insn) != sizeof(start_mark))
			continue;
		if (!memcmp(qemu_plugin_insn_data(insn), start_mark, sizeof(start_mark)))
			qemu_plugin_register_vcpu_insn_exec_cb(insn, start, QEMU_PLUGIN_CB_NO_REGS, NULL);
		if (!memcmp(qemu_plugin_insn_data(insn), stop_mark, sizeof(stop_mark)))
			qemu_plugin_register_vcpu_insn_exec_cb(insn, stop, QEMU_PLUGIN_CB_NO_REGS, NULL);
	}
}

static void write_counts(qemu_plugin_id_t id, void *data)
{
	FILE *file = fopen(out, "w");
	struct block *block;
	size_t i;

	(void)id, (void)data;
	for (block = blocks; file && block; block = block->next)
		for (i = 0; block->count && i < block->insns; i++)
			fprintf(file, "%016llx %llu\n", (unsigned long long)block->address[i],
				(unsigned long long)block->count);
	if (!file || fclose(file))
		perror(out);
}

int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc, char **argv)
{
	(void)info;
	if (argc != 1 || strncmp(argv[0], "out=", 4)) {
		fprintf(stderr, "profile: expected out=FILE\n");
		return -1;
	}
	out = strdup(argv[0] + 4);
	qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
	qemu_plugin_register_atexit_cb(id, write_counts, NULL);
	return 0;
}
