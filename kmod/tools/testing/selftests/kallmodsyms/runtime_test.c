// SPDX-License-Identifier: GPL-2.0
/*
 * Code that the kernel makes while it runs: BPF programs, ftrace trampolines
 * and the pages of kprobe slots are listed with their true sizes.
 */
#include <time.h>

#include "loading.h"

/* Waits for a line to go, since some code is freed a grace period later. */
static bool goes_away(const char *name, const char *modules)
{
	time_t end = time(NULL) + 30;
	struct text text;
	struct line line;
	bool there;

	do {
		if (!text_load(&text, kallmodsyms_path()))
			return false;
		there = find_symbol(&text, true, name, modules, &line);
		text_free(&text);
	} while (there && time(NULL) < end);
	return !there;
}

FIXTURE(bpf)
{
	char jit_kallsyms[16];
};

FIXTURE_SETUP(bpf)
{
	if (geteuid())
		SKIP(return, "needs root to load a BPF program");
	if (!read_file(BPF_JIT_KALLSYMS, self->jit_kallsyms,
		       sizeof(self->jit_kallsyms)))
		SKIP(return, "no " BPF_JIT_KALLSYMS ": CONFIG_BPF_JIT is off");
	ASSERT_TRUE(write_file(BPF_JIT_KALLSYMS, "1", 0));
}

FIXTURE_TEARDOWN_PARENT(bpf)
{
	EXPECT_TRUE(write_file(BPF_JIT_KALLSYMS, self->jit_kallsyms, 0));
}

/* What the bpf system call tells of a program, and its name in kallsyms. */
static void describe(struct __test_metadata *_metadata, int fd,
		     struct bpf_prog_info *info, __u64 *start, char *symbol)
{
	union bpf_attr attr = {};
	size_t i;

	*info = (struct bpf_prog_info){
		.nr_jited_ksyms = 1,
		.jited_ksyms = (unsigned long)start,
	};
	attr.info.bpf_fd = fd;
	attr.info.info = (unsigned long)info;
	attr.info.info_len = sizeof(*info);
	ASSERT_EQ(0, syscall(SYS_bpf, BPF_OBJ_GET_INFO_BY_FD, &attr, sizeof(attr)));
	symbol += sprintf(symbol, "bpf_prog_");
	for (i = 0; i < sizeof(info->tag); i++)
		symbol += sprintf(symbol, "%02x", info->tag[i]);
	sprintf(symbol, "_%s", info->name);
}

/* Two programs, so that a size left over from the other line shows. */
TEST_F_TIMEOUT(bpf, programs_have_their_length, SLOW_TEST)
{
	static const size_t moves[2] = { 3, 200 };
	static const char * const names[2] = { "kms_short", "kms_long" };
	struct bpf_prog_info info[2];
	struct text sized, plain;
	struct line line;
	char symbol[2][64];
	__u64 start[2] = {};
	int fd[2], i;

	for (i = 0; i < 2; i++) {
		fd[i] = load_program(names[i], moves[i]);
		if (fd[i] < 0 && errno == EPERM)
			SKIP(return, "cannot load a BPF program: %s",
			     strerror(errno));
		ASSERT_LE(0, fd[i])
			TH_LOG("cannot load a BPF program: %s", strerror(errno));
		describe(_metadata, fd[i], &info[i], &start[i], symbol[i]);
	}
	if (!info[0].jited_prog_len)
		SKIP(return, "the program was not compiled: net.core.bpf_jit_enable is 0");
	load_both(_metadata, &sized, &plain);
	if (!find_symbol(&plain, false, symbol[0], "[bpf]", &line))
		SKIP(return, "kallsyms does not list BPF programs: see net.core.bpf_jit_harden");
	expect_projection(_metadata, &sized, &plain);
	for (i = 0; i < 2; i++) {
		ASSERT_TRUE(find_symbol(&sized, true, symbol[i], "[bpf]", &line));
		TH_LOG("\"%.*s\"", (int)line.whole.len, line.whole.at);
		EXPECT_EQ(info[i].jited_prog_len, span_hex(line.size));
		EXPECT_EQ(start[i], span_hex(line.addr));
	}
	EXPECT_NE(info[0].jited_prog_len, info[1].jited_prog_len);
	for (i = 0; i < 2; i++) {
		close(fd[i]);
		EXPECT_TRUE(goes_away(symbol[i], "[bpf]"));
	}
}

FIXTURE(trace)
{
	char instance[64], events[64];
};

FIXTURE_SETUP(trace)
{
	if (geteuid())
		SKIP(return, "needs root to trace");
	if (!tracefs())
		SKIP(return, "no tracefs at /sys/kernel/tracing: mount it");
	snprintf(self->instance, sizeof(self->instance),
		 "%s/instances/kallmodsyms_test", tracefs());
	snprintf(self->events, sizeof(self->events), "%s/kprobe_events",
		 tracefs());
}

/* What a failed test left behind. */
FIXTURE_TEARDOWN_PARENT(trace)
{
	rmdir(self->instance);
	write_file(self->events, "-:kallmodsyms_test/slot", O_APPEND);
}

static unsigned long address_of(const char *name)
{
	struct line line;

	return find_symbol(&kallsyms, false, name, NULL, &line) ?
		span_hex(line.addr) : 0;
}

/*
 * On x86 a trampoline is a copy of ftrace_caller or ftrace_regs_caller, a
 * return (1 to 5 bytes) and a pointer: see create_trampoline().
 */
static bool is_trampoline_size(unsigned long size)
{
	unsigned long plain = address_of("ftrace_caller_end") -
			      address_of("ftrace_caller");
	unsigned long regs = address_of("ftrace_regs_caller_end") -
			     address_of("ftrace_regs_caller");
	unsigned long more;

	if (!plain)
		return size && size <= 2 * sysconf(_SC_PAGESIZE);
	for (more = 1 + sizeof(void *); more <= 5 + sizeof(void *); more++)
		if (size == plain + more || size == regs + more)
			return true;
	return false;
}

/* The ops of an instance are allocated, and such ops get a trampoline each. */
TEST_F_TIMEOUT(trace, trampoline_has_its_size, SLOW_TEST)
{
	struct text sized, plain;
	char path[128];
	struct line line;

	if (mkdir(self->instance, 0700))
		SKIP(return, "cannot make %s: %s", self->instance, strerror(errno));
	snprintf(path, sizeof(path), "%s/set_ftrace_filter", self->instance);
	if (access(path, F_OK))
		SKIP(return, "no %s: CONFIG_DYNAMIC_FTRACE is off", path);
	ASSERT_TRUE(write_file(path, "kernel_clone", 0));
	snprintf(path, sizeof(path), "%s/current_tracer", self->instance);
	if (!write_file(path, "function", 0))
		SKIP(return, "no function tracer: %s", strerror(errno));

	load_both(_metadata, &sized, &plain);
	if (!find_symbol(&plain, false, NULL, "[__builtin__ftrace]", &line))
		SKIP(return, "this architecture makes no ftrace trampolines");
	expect_projection(_metadata, &sized, &plain);
	ASSERT_TRUE(find_symbol(&sized, true, NULL, "[__builtin__ftrace]", &line));
	TH_LOG("\"%.*s\"", (int)line.whole.len, line.whole.at);
	EXPECT_TRUE(is_trampoline_size(span_hex(line.size)));

	ASSERT_TRUE(write_file(path, "nop", 0));
	EXPECT_TRUE(goes_away(NULL, "[__builtin__ftrace]"));
	EXPECT_EQ(0, rmdir(self->instance));
}

/*
 * A probe on the first bytes of a function may become an ftrace hook, which
 * takes no slot: probe the first instruction boundary after those. Only the
 * kernel knows where that is. The page may outlive the probe.
 */
TEST_F_TIMEOUT(trace, kprobe_page_is_a_page, SLOW_TEST)
{
	struct text sized, plain;
	char probe[128];
	struct line line;
	size_t pos = 0, pages = 0;
	int offset;

	if (access(self->events, F_OK))
		SKIP(return, "no %s: CONFIG_KPROBE_EVENTS is off", self->events);
	for (offset = 9; offset < 64; offset++) {
		snprintf(probe, sizeof(probe),
			 "p:kallmodsyms_test/slot kernel_clone+%d", offset);
		if (write_file(self->events, probe, O_APPEND))
			break;
	}
	ASSERT_GT(64, offset)
		TH_LOG("no probe in kernel_clone: %s", strerror(errno));

	load_both(_metadata, &sized, &plain);
	ASSERT_TRUE(write_file(self->events, "-:kallmodsyms_test/slot", O_APPEND));
	if (!find_symbol(&plain, false, NULL, "[__builtin__kprobes]", &line))
		SKIP(return, "this architecture lists no kprobe pages");
	expect_projection(_metadata, &sized, &plain);
	while (each_line(&sized, &pos, true, &line)) {
		if (!span_is(line.modules, "[__builtin__kprobes]"))
			continue;
		pages++;
		TH_LOG("\"%.*s\"", (int)line.whole.len, line.whole.at);
		EXPECT_EQ(sysconf(_SC_PAGESIZE), span_hex(line.size));
	}
	EXPECT_LT(0, pages);
}

int main(int argc, char **argv)
{
	return run_tests(argc, argv);
}
