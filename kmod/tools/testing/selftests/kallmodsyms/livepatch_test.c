// SPDX-License-Identifier: GPL-2.0
/*
 * A livepatch takes effect when no task sleeps in a function that it patches.
 * The stack says where tasks sleep, and its return addresses are compared with
 * the sizes that kallsyms_lookup_size_offset() gives.  Below a call that does
 * not return, such an address is that of the first byte behind the function: it
 * is in the padding, and so within the distance to the next symbol, but not
 * within the size that is recorded.
 */
#include <dirent.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include "loading.h"

#define PATCH "/sys/kernel/livepatch/kms_livepatch"
#define ASLEEP "/sys/module/kms_livepatch_target/parameters/asleep"

/* Patience, in tenths of a second: a transition makes a try each second. */
#define LONG 600
#define SOME_TRIES 35

/* What /proc/PID/patch_state says during a transition */
#define NOT_YET 0
#define SWITCHED 1

/* Who sleeps in a function of the module and in one of vmlinux; 0 if none does */
struct sleepers {
	pid_t in_module, in_vmlinux;
};

FIXTURE(livepatch)
{
	struct module target, patch;
	struct sleepers sleepers;
};

static void tenth_of_a_second(void)
{
	usleep(100000);
}

static bool file_says(const char *path, const char *what)
{
	char value[64];

	return read_file(path, value, sizeof(value)) && !strcmp(value, what);
}

static bool in_transition(void)
{
	return file_says(PATCH "/transition", "1\n");
}

static int state_of(pid_t pid)
{
	char path[64], value[16];

	snprintf(path, sizeof(path), "/proc/%d/patch_state", pid);
	return read_file(path, value, sizeof(value)) ? atoi(value) : -1;
}

/* Calls @is with every task until it returns false. */
static bool for_all_tasks(bool (*is)(void *data, pid_t pid), void *data)
{
	DIR *proc = opendir("/proc"), *threads;
	struct dirent *entry, *thread;
	char path[64];
	bool all = true;

	while (all && proc && (entry = readdir(proc))) {
		if (!isdigit(*entry->d_name))
			continue;
		snprintf(path, sizeof(path), "/proc/%.20s/task", entry->d_name);
		threads = opendir(path);
		while (all && threads && (thread = readdir(threads)))
			if (isdigit(*thread->d_name))
				all = is(data, atoi(thread->d_name));
		if (threads)
			closedir(threads);
	}
	if (proc)
		closedir(proc);
	return all;
}

static bool is_no_sleeper(void *data, pid_t pid)
{
	struct sleepers *sleepers = data;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	if (file_says(path, "kms_livepatch\n"))
		sleepers->in_module = pid;
	return !sleepers->in_module;
}

static bool is_switched_or_asleep(void *data, pid_t pid)
{
	const struct sleepers *sleepers = data;

	return pid == sleepers->in_module || pid == sleepers->in_vmlinux ||
	       state_of(pid) == SWITCHED;
}

/* Is false if the task does not sleep in function @name. */
static bool find_frame(pid_t pid, const char *name, unsigned long *offset,
		       unsigned long *size)
{
	char path[64], stack[8192], frame[512], *line;

	snprintf(path, sizeof(path), "/proc/%d/stack", pid);
	if (!read_file(path, stack, sizeof(stack)))
		return false;
	for (line = strtok(stack, "\n"); line; line = strtok(NULL, "\n"))
		if (sscanf(line, "[<%*[^>]>] %511[^+]+%lx/%lx", frame, offset,
			   size) == 3 && !strcmp(frame, name))
			return true;
	return false;
}

/*
 * A process that stops while it exits, by the system call for a single thread:
 * no function that is patched is one by which whole processes exit.
 */
static pid_t stop_in_exit(void)
{
	int go[2], status;
	char byte;
	pid_t pid;

	if (pipe(go))
		return 0;
	pid = fork();
	if (!pid) {
		if (read(go[0], &byte, 1) == 1)
			syscall(SYS_exit, 0);
		_exit(1);
	}
	if (pid < 0 ||
	    ptrace(PTRACE_SEIZE, pid, 0, PTRACE_O_TRACEEXIT | PTRACE_O_EXITKILL) ||
	    write(go[1], "x", 1) != 1 || waitpid(pid, &status, 0) != pid ||
	    status >> 8 != (SIGTRAP | PTRACE_EVENT_EXIT << 8))
		return 0;
	close(go[0]);
	close(go[1]);
	return pid;
}

FIXTURE_SETUP(livepatch)
{
	unsigned long offset, size;
	int i;

	if (access("/sys/kernel/livepatch", F_OK))
		SKIP(return, "no /sys/kernel/livepatch: CONFIG_LIVEPATCH is off");
	if (geteuid())
		SKIP(return, "needs root to load a module");
	if (!find_module(&self->target, "kms_livepatch_target") ||
	    !find_module(&self->patch, "kms_livepatch") ||
	    access(self->patch.path, R_OK))
		SKIP(return, "no " MODULES "/kms_livepatch.ko: not built for this kernel");
	ASSERT_EQ(0, load(&self->target))
		TH_LOG("cannot load %s: %s", self->target.path, strerror(errno));
	for_all_tasks(is_no_sleeper, &self->sleepers);
	ASSERT_NE(0, self->sleepers.in_module);
	for (i = 0; !find_frame(self->sleepers.in_module, "kms_livepatch_caller", &offset,
				&size); i++) {
		ASSERT_LT(i, LONG);
		tenth_of_a_second();
	}
	/* The call itself is in the function, so its recorded size is shown. */
	if (offset != size)
		SKIP(return, "the call is not the end of its function with this compiler");

	self->sleepers.in_vmlinux = stop_in_exit();
	ASSERT_NE(0, self->sleepers.in_vmlinux);
	if (!find_frame(self->sleepers.in_vmlinux, "__x64_sys_exit", &offset, &size) ||
	    offset != size) {
		TH_LOG("only shown for a module: __x64_sys_exit does not end with a call");
		ASSERT_EQ(0, ptrace(PTRACE_CONT, self->sleepers.in_vmlinux, 0, 0));
		self->sleepers.in_vmlinux = 0;
	}
}

static bool is_disabled(void)
{
	int i;

	write_file(PATCH "/enabled", "0", 0);
	for (i = 0; i < LONG && !access(PATCH, F_OK); i++)
		tenth_of_a_second();
	return access(PATCH, F_OK);
}

static bool is_unloaded(const struct module *module)
{
	int i;

	/* What is disabled still has its module for a moment. */
	for (i = 0; i < LONG && unload(module); i++)
		tenth_of_a_second();
	return i < LONG;
}

FIXTURE_TEARDOWN_PARENT(livepatch)
{
	write_file(ASLEEP, "0", 0);
	if (!access(PATCH, F_OK))
		is_disabled();
	if (!access("/sys/module/kms_livepatch", F_OK))
		is_unloaded(&self->patch);
	if (!access("/sys/module/kms_livepatch_target", F_OK))
		is_unloaded(&self->target);
}

static bool ends_within(int tenths)
{
	while (in_transition() && tenths--)
		tenth_of_a_second();
	return !in_transition();
}

TEST_F_TIMEOUT(livepatch, waits_below_a_call_that_does_not_return, SLOW_TEST)
{
	int i;

	ASSERT_EQ(0, load(&self->patch))
		TH_LOG("cannot load %s: %s", self->patch.path, strerror(errno));
	for (i = 0; i < LONG && in_transition(); i++) {
		if (for_all_tasks(is_switched_or_asleep, &self->sleepers))
			break;
		tenth_of_a_second();
	}
	/* Now nothing but the two is in the way, and the next tries find it so. */
	EXPECT_FALSE(ends_within(SOME_TRIES))
		TH_LOG("patched while a task sleeps in the function");
	EXPECT_EQ(NOT_YET, state_of(self->sleepers.in_module));
	if (self->sleepers.in_vmlinux) {
		EXPECT_EQ(NOT_YET, state_of(self->sleepers.in_vmlinux));
		ASSERT_EQ(0, ptrace(PTRACE_CONT, self->sleepers.in_vmlinux, 0, 0));
		ASSERT_EQ(self->sleepers.in_vmlinux, waitpid(self->sleepers.in_vmlinux, NULL, 0));
		EXPECT_FALSE(ends_within(SOME_TRIES));
	}

	ASSERT_TRUE(write_file(ASLEEP, "0", 0));
	EXPECT_TRUE(ends_within(LONG))
		TH_LOG("not patched though no task sleeps in the function");
	EXPECT_TRUE(file_says(PATCH "/enabled", "1\n"));

	EXPECT_TRUE(is_disabled());
	EXPECT_TRUE(is_unloaded(&self->patch));
	EXPECT_TRUE(is_unloaded(&self->target));
}

int main(int argc, char **argv)
{
	return run_tests(argc, argv);
}
