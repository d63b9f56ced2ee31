// SPDX-License-Identifier: GPL-2.0
/*
 * Who pays for open files: the memory control group of the task that opens or
 * first reads one, for all of it, and no other group; and a file that nobody
 * reads costs no more than one of /proc/kallsyms.
 *
 * The opener is a child in a group of its own. What an open takes in all is what
 * the slab caches say that grow with it; what the group paid is its
 * memory.current. That is charged in batches of up to 64 pages for each
 * processor, so there are many opens.
 */
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "symbols.h"

#define CGROUPS "/sys/fs/cgroup/"
#define TOP CGROUPS "kallmodsyms_test/"
#define OPENER TOP "opener/"
#define OTHER TOP "other/"

/* 256 KiB a processor, for a few of them. */
#define SLACK (2L << 20)

#define OPENED 20000
#define READ 400
#define MOST_CACHES 1024

/* More than any read gives. */
#define ONE_READ 131072

/* A buffer of 64 KiB, and what else an open file takes. */
#define MOST (65536 + 8192)

/* Objects of @size bytes in a slab cache. */
struct cache {
	char name[32];
	long objects, size;
};

struct caches {
	struct cache all[MOST_CACHES];
	int count;
};

static bool read_caches(struct caches *caches)
{
	FILE *file = fopen("/proc/slabinfo", "re");
	struct cache *cache = caches->all;
	char line[512];

	if (!file)
		return false;
	while (cache < caches->all + MOST_CACHES &&
	       fgets(line, sizeof(line), file))
		if (sscanf(line, "%31s %ld %*d %ld", cache->name,
			   &cache->objects, &cache->size) == 3)
			cache++;
	fclose(file);
	caches->count = cache - caches->all;
	return caches->count > 0;
}

/*
 * Bytes of an object that each of @opens took, from all caches together. Of
 * these, @uncharged are kmemleak's notes of the others, which nobody pays for.
 */
static long slab_bytes(struct __test_metadata *_metadata, long opens,
		       const struct caches *before, const struct caches *after,
		       long *uncharged)
{
	long bytes = 0;
	int i, j;

	for (i = 0; i < after->count; i++)
		for (j = 0; j < before->count; j++) {
			const struct cache *now = &after->all[i];
			const struct cache *then = &before->all[j];
			long more = now->objects - then->objects;

			if (strcmp(now->name, then->name) || more < opens / 2)
				continue;
			TH_LOG("%s: %ld objects of %ld bytes", now->name, more,
			       now->size);
			bytes += more * now->size;
			if (!strcmp(now->name, "kmemleak_object"))
				*uncharged += more * now->size;
		}
	return bytes;
}

static long number_in(const char *path)
{
	char text[32];

	return read_file(path, text, sizeof(text)) ? atol(text) : -1;
}

/* The number after @key in a file of keys and numbers, such as memory.events. */
static long number_of(const char *path, const char *key)
{
	size_t len = strlen(key);
	char text[4096], *line;

	if (!read_file(path, text, sizeof(text)))
		return -1;
	for (line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
		if (!strncmp(line, key, len) && line[len] == ' ')
			return atol(line + len);
	return -1;
}

/* What a worker says of an order. */
enum {
	DONE = '.',
	NO_MEMORY = 'm',
	FAILED = 'x',
	GONE = 0,	/* nothing: it was killed */
};

/* A child in a group of its own, that opens and reads. */
struct worker {
	pid_t pid;
	int orders, answers;
};

/* Files to open, or none to use those that the worker was started with. */
struct order {
	const char *path;
	int count;
	bool read;
};

static int inherited[READ];

/* The files stay open. Returns in @got how much the last read gave. */
static char work(const struct order *order, size_t *got)
{
	static char buf[ONE_READ];
	ssize_t n;
	int i, fd;

	*got = 0;
	for (i = 0; i < order->count; i++) {
		fd = order->path ? open(order->path, O_RDONLY | O_CLOEXEC) :
				   inherited[i];
		if (fd < 0)
			return errno == ENOMEM ? NO_MEMORY : FAILED;
		if (!order->read)
			continue;
		n = read(fd, buf, sizeof(buf));
		if (n <= 0)
			return n < 0 && errno == ENOMEM ? NO_MEMORY : FAILED;
		*got = n;
	}
	return DONE;
}

static void worker_main(const char *group, int orders, int answers)
{
	const struct rlimit files = { 2 * OPENED + 64, 2 * OPENED + 64 };
	char answer = FAILED, path[128];
	struct order order;
	size_t got = 0;

	/* The table of files has its full size before anything is measured. */
	snprintf(path, sizeof(path), "%scgroup.procs", group);
	if (write_file(path, "0", 0) && !setrlimit(RLIMIT_NOFILE, &files) &&
	    dup2(orders, files.rlim_cur - 1) >= 0)
		answer = DONE;
	while (write(answers, &answer, 1) == 1 &&
	       write(answers, &got, sizeof(got)) == sizeof(got) &&
	       read(orders, &order, sizeof(order)) == sizeof(order))
		answer = work(&order, &got);
	_exit(0);
}

static char answer_of(const struct worker *worker, size_t *got)
{
	char answer;

	if (read(worker->answers, &answer, 1) != 1 ||
	    read(worker->answers, got, sizeof(*got)) != sizeof(*got))
		return GONE;
	return answer;
}

/* The path of an order is a constant, which the worker has as well. */
static char tell(const struct worker *worker, struct order order, size_t *got)
{
	if (write(worker->orders, &order, sizeof(order)) != sizeof(order))
		return GONE;
	return answer_of(worker, got);
}

static bool worker_start(struct worker *worker, const char *group)
{
	int orders[2], answers[2];
	size_t got;

	if (pipe(orders) || pipe(answers))
		return false;
	worker->pid = fork();
	if (!worker->pid) {
		close(orders[1]);
		close(answers[0]);
		worker_main(group, orders[0], answers[1]);
	}
	close(orders[0]);
	close(answers[1]);
	worker->orders = orders[1];
	worker->answers = answers[0];
	return worker->pid > 0 && answer_of(worker, &got) == DONE;
}

static void worker_end(struct worker *worker)
{
	if (worker->pid <= 0)
		return;
	kill(worker->pid, SIGKILL);
	waitpid(worker->pid, NULL, 0);
	close(worker->orders);
	close(worker->answers);
	worker->pid = 0;
}

/* A group that has become empty may take a moment to be so. */
static bool remove_group(const char *path)
{
	int tries;

	for (tries = 0; tries < 100; tries++) {
		if (!rmdir(path) || errno == ENOENT)
			return true;
		usleep(100000);
	}
	return false;
}

FIXTURE(memory)
{
	struct worker opener, other;
	bool enabled;
};

FIXTURE_SETUP(memory)
{
	char types[256];

	if (geteuid())
		SKIP(return, "needs root to make control groups");
	if (!read_file(CGROUPS "cgroup.controllers", types, sizeof(types)))
		SKIP(return, "needs cgroup2 at " CGROUPS);
	if (!strstr(types, "memory"))
		SKIP(return, "needs CONFIG_MEMCG, and its controller in cgroup2");
	signal(SIGPIPE, SIG_IGN);

	ASSERT_TRUE(read_file(CGROUPS "cgroup.subtree_control", types,
			      sizeof(types)));
	if (!strstr(types, "memory")) {
		ASSERT_TRUE(write_file(CGROUPS "cgroup.subtree_control",
				       "+memory", 0));
		self->enabled = true;
	}
	ASSERT_EQ(0, mkdir(TOP, 0755));
	ASSERT_TRUE(write_file(TOP "cgroup.subtree_control", "+memory", 0));
	ASSERT_EQ(0, mkdir(OPENER, 0755));
	ASSERT_EQ(0, mkdir(OTHER, 0755));
	ASSERT_TRUE(write_file(OPENER "memory.oom.group", "0", 0));
	ASSERT_TRUE(worker_start(&self->opener, OPENER));
	ASSERT_TRUE(worker_start(&self->other, OTHER));
}

FIXTURE_TEARDOWN(memory)
{
	worker_end(&self->opener);
	worker_end(&self->other);
	EXPECT_TRUE(remove_group(OPENER));
	EXPECT_TRUE(remove_group(OTHER));
	EXPECT_TRUE(remove_group(TOP));
	if (self->enabled)
		EXPECT_TRUE(write_file(CGROUPS "cgroup.subtree_control",
				       "-memory", 0));
}

/* What the group of the opener pays more for, and no other one. */
static long charge(struct __test_metadata *_metadata,
		   const struct worker *opener, struct order order, size_t *got)
{
	long other = number_in(OTHER "memory.current");
	long paid = number_in(OPENER "memory.current");

	ASSERT_LT(0, paid);
	ASSERT_LT(0, other);
	ASSERT_EQ(DONE, tell(opener, order, got));
	paid = number_in(OPENER "memory.current") - paid;
	other = number_in(OTHER "memory.current") - other;
	EXPECT_GT(SLACK, other)
		TH_LOG("another group pays %ld bytes more", other);
	return paid;
}

/* The state, and what seq_file and procfs keep for each open file. */
TEST_F_TIMEOUT(memory, of_files_that_are_open, SLOW_TEST)
{
	static struct caches before, after;
	struct order order = { kallmodsyms_path(), OPENED, false };
	long taken, all, paid, plain, uncharged = 0;
	size_t got;

	if (!read_caches(&before))
		SKIP(return, "needs /proc/slabinfo");
	all = number_of("/proc/meminfo", "SUnreclaim:");
	paid = charge(_metadata, &self->opener, order, &got);
	all = (number_of("/proc/meminfo", "SUnreclaim:") - all) * 1024;
	ASSERT_TRUE(read_caches(&after));
	taken = slab_bytes(_metadata, OPENED, &before, &after, &uncharged);
	TH_LOG("%d files take %ld bytes, the group pays %ld", OPENED, taken, paid);
	EXPECT_LT(0, taken);
	EXPECT_LE((taken - uncharged) / 20 * 19, paid);

	/* What is too large for a slab counts here, and what slabs waste. */
	TH_LOG("there are %ld bytes less in the machine", all);
	EXPECT_GE(taken + taken / 4 + SLACK, all);

	order.path = kallsyms_path();
	plain = charge(_metadata, &self->opener, order, &got);
	TH_LOG("for as many of %s it pays %ld", kallsyms_path(), plain);
	EXPECT_GE(plain + SLACK, taken - uncharged);
	EXPECT_GE(plain + SLACK, paid);
}

/* The buffer, which holds at least what one read gives. */
TEST_F_TIMEOUT(memory, of_files_that_are_read, SLOW_TEST)
{
	const struct order order = { kallmodsyms_path(), READ, true };
	size_t got;
	long paid;

	paid = charge(_metadata, &self->opener, order, &got);
	TH_LOG("%d files, each of which gave %zu bytes: the group pays %ld", READ,
	       got, paid);
	EXPECT_LE((long)(READ * got), paid);
	EXPECT_GE((long)(READ * MOST) + SLACK, paid);
}

/* Who reads first pays for the buffer, even of a file that others opened. */
TEST_F_TIMEOUT(memory, of_files_of_others, SLOW_TEST)
{
	const struct order order = { NULL, READ, true };
	size_t got;
	long paid;
	int i;

	worker_end(&self->opener);
	for (i = 0; i < READ; i++) {
		inherited[i] = open(kallmodsyms_path(), O_RDONLY | O_CLOEXEC);
		ASSERT_LE(0, inherited[i]);
	}
	ASSERT_TRUE(worker_start(&self->opener, OPENER));
	paid = charge(_metadata, &self->opener, order, &got);
	TH_LOG("%d files, each of which gave %zu bytes: the group pays %ld", READ,
	       got, paid);
	EXPECT_LE((long)(READ * got), paid);
	EXPECT_GE((long)(READ * MOST) + SLACK, paid);
}

/*
 * More than the group may have. Its tasks are refused, or killed; what is in
 * another group goes on.
 */
static void exceed(struct __test_metadata *_metadata, struct worker *opener,
		   const struct worker *other, struct order order,
		   const char *limit)
{
	int status;
	char answer;
	size_t got;

	ASSERT_TRUE(write_file(OPENER "memory.max", limit, 0));
	answer = tell(opener, order, &got);
	TH_LOG("at the limit of %s: %s, %ld killed", limit,
	       answer == DONE ? "no refusal" :
	       answer == NO_MEMORY ? "ENOMEM" :
	       answer == GONE ? "no more answers" : "another error",
	       number_of(OPENER "memory.events", "oom_kill"));
	if (answer == GONE) {
		EXPECT_LE(1, number_of(OPENER "memory.events", "oom_kill"));
		ASSERT_EQ(opener->pid, waitpid(opener->pid, &status, 0));
		EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
		opener->pid = 0;
	} else {
		EXPECT_EQ(NO_MEMORY, answer);
	}

	EXPECT_EQ(0, number_of(OTHER "memory.events", "oom_kill"));
	order = (struct order){ kallmodsyms_path(), 10, true };
	EXPECT_EQ(DONE, tell(other, order, &got));
}

TEST_F_TIMEOUT(memory, of_open_files_has_a_limit, SLOW_TEST)
{
	const struct order order = { kallmodsyms_path(), OPENED, false };

	exceed(_metadata, &self->opener, &self->other, order, "4M");
}

TEST_F_TIMEOUT(memory, of_files_read_has_a_limit, SLOW_TEST)
{
	const struct order order = { kallmodsyms_path(), READ, true };

	exceed(_metadata, &self->opener, &self->other, order, "8M");
}

int main(int argc, char **argv)
{
	return run_tests(argc, argv);
}
