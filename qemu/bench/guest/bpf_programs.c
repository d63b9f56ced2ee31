// SPDX-License-Identifier: Apache-2.0 OR MIT
/*
 * Loads BPF programs, for a guest that has as many as a large server, and keeps them
 * until it is killed: bpf_programs COUNT
 *
 * Returns when all are loaded; what stays behind is a process that sleeps. Lengths and
 * names vary, and no two programs have the same tag.
 */
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

static const char *const verbs[] = { "count", "drop", "trace", "limit", "mark", "pass", "redirect", "sample" };
static const char *const objects[] = { "dns", "flow", "http", "icmp", "route", "sock", "syn", "vlan" };

static int load(unsigned int number)
{
	struct bpf_insn insns[128] = {};
	union bpf_attr attr = {};
	unsigned int moves = 1 + number * 37 % 120, i;

	for (i = 0; i < moves; i++) {
		insns[i].code = BPF_ALU64 | BPF_MOV | BPF_K;
		insns[i].imm = number + i;
	}
	insns[i].code = BPF_JMP | BPF_EXIT;
	attr.prog_type = BPF_PROG_TYPE_SOCKET_FILTER;
	attr.insns = (unsigned long)insns;
	attr.insn_cnt = moves + 1;
	attr.license = (unsigned long)"GPL";
	snprintf(attr.prog_name, sizeof(attr.prog_name), "%s_%s", verbs[number % 8], objects[number / 8 % 8]);
	return syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr));
}

int main(int argc, char **argv)
{
	unsigned int count = argc == 2 ? atoi(argv[1]) : 0, i;
	struct rlimit files = { count + 16, count + 16 };

	if (!count) {
		fprintf(stderr, "usage: bpf_programs COUNT\n");
		return 2;
	}
	if (setrlimit(RLIMIT_NOFILE, &files)) {
		perror("bpf_programs: RLIMIT_NOFILE");
		return 1;
	}
	for (i = 0; i < count; i++) {
		if (load(i) < 0) {
			fprintf(stderr, "bpf_programs: program %u of %u: ", i, count);
			perror("cannot load it");
			return 1;
		}
	}
	switch (fork()) {
	case -1:
		perror("bpf_programs: fork");
		return 1;
	case 0:
		/* Who waits for the output of the command must not wait for this. */
		close(STDOUT_FILENO);
		close(STDERR_FILENO);
		for (;;)
			pause();
	}
	printf("%u BPF programs\n", count);
	return 0;
}
