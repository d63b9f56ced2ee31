// SPDX-License-Identifier: GPL-2.0
/*
 * Memory that runs out: an open or a read that gets none says ENOMEM, or does
 * without, and what was read is never a part of the file that looks whole.
 *
 * Needs CONFIG_FAULT_INJECTION with FAILSLAB or FAIL_PAGE_ALLOC. What is lost
 * on the way is for kmemleak to find.
 */
#include <sys/mman.h>

#include "symbols.h"

#define DEBUGFS "/sys/kernel/debug/"
#define FAIL_NTH "/proc/thread-self/fail-nth"
#define MAKE_IT_FAIL "/proc/thread-self/make-it-fail"
#define FAIL_SLAB DEBUGFS "failslab/"
#define FAIL_PAGES DEBUGFS "fail_page_alloc/"

/* More allocations than any one system call here makes. */
#define MANY 1000

/* All kinds of allocations are to fail, and not to say so on the console. */
static const struct {
	const char *path, *value;
} knobs[] = {
	{ FAIL_SLAB "probability", "0" },
	{ FAIL_SLAB "verbose", "0" },
	{ FAIL_SLAB "ignore-gfp-wait", "N" },
	{ FAIL_SLAB "task-filter", "Y" },
	{ FAIL_SLAB "times", "-1" },
	{ FAIL_PAGES "probability", "0" },
	{ FAIL_PAGES "verbose", "0" },
	{ FAIL_PAGES "ignore-gfp-wait", "N" },
	{ FAIL_PAGES "ignore-gfp-highmem", "N" },
	{ FAIL_PAGES "min-order", "0" },
	{ FAIL_PAGES "task-filter", "Y" },
	{ FAIL_PAGES "times", "-1" },
};

FIXTURE(faults)
{
	char saved[ARRAY_SIZE(knobs)][16];
	struct text got;
	int fail_nth;
};

FIXTURE_SETUP(faults)
{
	size_t i;

	if (access(FAIL_NTH, W_OK) || (access(FAIL_SLAB "times", W_OK) &&
				       access(FAIL_PAGES "times", W_OK)))
		SKIP(return, "needs root, debugfs and CONFIG_FAULT_INJECTION");
	for (i = 0; i < ARRAY_SIZE(knobs); i++)
		if (read_file(knobs[i].path, self->saved[i], sizeof(self->saved[i])))
			ASSERT_TRUE(write_file(knobs[i].path, knobs[i].value, 0))
				TH_LOG("cannot write knob %zu", i);
	self->fail_nth = open(FAIL_NTH, O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, self->fail_nth);

	/* A page that is missing here would take an allocation in the kernel. */
	self->got.buf = malloc(kallmodsyms.len + 1);
	ASSERT_NE(NULL, self->got.buf);
	memset(self->got.buf, 0, kallmodsyms.len + 1);
	ASSERT_EQ(0, mlockall(MCL_CURRENT));
}

FIXTURE_TEARDOWN(faults)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(knobs); i++)
		if (self->saved[i][0])
			EXPECT_TRUE(write_file(knobs[i].path, self->saved[i], 0));
}

/* The next call's allocation number @nth fails; 0 for none. */
static void arm(int fd, int nth)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%d", nth);

	if (pwrite(fd, text, len, 0) != len) {
		perror("# " FAIL_NTH);
		abort();
	}
}

/* Has the allocation failed that should, or were there fewer than that? */
static bool disarm(int fd)
{
	char text[16] = {};

	if (pread(fd, text, sizeof(text) - 1, 0) < 1) {
		perror("# " FAIL_NTH);
		abort();
	}
	arm(fd, 0);
	return atoi(text) == 0;
}

/* The whole file without another fault. */
static bool is_whole(struct __test_metadata *_metadata, int fd, struct text *got)
{
	ssize_t n;

	got->len = 0;
	do {
		n = read(fd, got->buf + got->len, kallmodsyms.len + 1 - got->len);
		got->len += n > 0 ? n : 0;
	} while (n > 0);
	return n == 0 && text_same(_metadata, "after a fault", got, &kallmodsyms);
}

TEST_F_TIMEOUT(faults, open_says_so, SLOW_TEST)
{
	int nth, fd, error, refused = 0, without = 0;
	bool failed = true;

	for (nth = 1; failed && nth < MANY; nth++) {
		arm(self->fail_nth, nth);
		fd = open(kallmodsyms_path(), O_RDONLY | O_CLOEXEC);
		error = errno;
		failed = disarm(self->fail_nth);
		if (fd < 0) {
			refused++;
			ASSERT_TRUE(failed)
				TH_LOG("allocation %d: no fault, and %s", nth,
				       strerror(error));
			ASSERT_EQ(ENOMEM, error)
				TH_LOG("allocation %d", nth);
			continue;
		}
		without += failed;
		ASSERT_TRUE(is_whole(_metadata, fd, &self->got))
			TH_LOG("allocation %d failed, open did not", nth);
		close(fd);
	}
	TH_LOG("open: %d allocations, %d failures refuse it, %d do not", nth - 2,
	       refused, without);
	EXPECT_FALSE(failed);
	/* The state and what seq_file has, at the least. */
	EXPECT_LE(2, refused);
}

/*
 * Each read of a pass through the file, of @chunk bytes, with a fault at each of
 * its allocations in turn. What a read that failed did not give the next one gives.
 */
static void read_with_faults(struct __test_metadata *_metadata, int fail_nth,
			     struct text *got, size_t chunk)
{
	int fd = open(kallmodsyms_path(), O_RDONLY | O_CLOEXEC);
	int nth, refused = 0, without = 0, reads = 0;
	size_t room = kallmodsyms.len + 1;
	bool failed;
	ssize_t n;

	ASSERT_LE(0, fd);
	got->len = 0;
	do {
		failed = true;
		n = -1;
		for (nth = 1; n < 0 && nth < MANY; nth++) {
			size_t most = room - got->len < chunk ? room - got->len : chunk;

			arm(fail_nth, nth);
			n = read(fd, got->buf + got->len, most);
			ASSERT_TRUE(n >= 0 || errno == ENOMEM);
			failed = disarm(fail_nth);
			refused += n < 0;
			without += failed && n >= 0;
		}
		ASSERT_LE(0, n);
		got->len += n;
		reads++;
	} while (n > 0);
	close(fd);
	TH_LOG("%d reads of %zu bytes: %d failures refuse one, %d do not", reads,
	       chunk, refused, without);
	EXPECT_TRUE(text_same(_metadata, "read with faults", got, &kallmodsyms));
}

TEST_F_TIMEOUT(faults, read_says_so, SLOW_TEST)
{
	read_with_faults(_metadata, self->fail_nth, &self->got, 1 << 16);
	/* The end of a record that is larger stays in the buffer. */
	read_with_faults(_metadata, self->fail_nth, &self->got, 1000);
}

/* Seeking back makes the C side walk through the file from its start. */
TEST_F_TIMEOUT(faults, seek_says_so, SLOW_TEST)
{
	int fd = open(kallmodsyms_path(), O_RDONLY | O_CLOEXEC);
	off_t target = kallmodsyms.len / 3;
	bool failed = true;
	char byte;
	int nth;

	ASSERT_LE(0, fd);
	for (nth = 1; failed && nth < MANY; nth++) {
		ssize_t n;

		ASSERT_EQ(0, lseek(fd, 0, SEEK_SET));
		arm(self->fail_nth, nth);
		n = pread(fd, &byte, 1, target);
		EXPECT_TRUE(n < 0 ? errno == ENOMEM :
				    n == 1 && byte == kallmodsyms.buf[target]);
		failed = disarm(self->fail_nth);
		EXPECT_TRUE(is_whole(_metadata, fd, &self->got));
	}
	EXPECT_FALSE(failed);
	close(fd);
}

/* Reads from @fd while no allocation of 2^@order pages or more succeeds. */
static ssize_t read_without_pages(struct __test_metadata *_metadata, int fd,
				  struct text *got, const char *order)
{
	/* Opening this then might take a page. */
	int switch_fd = open(MAKE_IT_FAIL, O_WRONLY | O_CLOEXEC);
	ssize_t n;
	int error;

	ASSERT_LE(0, switch_fd);
	ASSERT_TRUE(write_file(FAIL_PAGES "min-order", order, 0));
	ASSERT_TRUE(write_file(FAIL_PAGES "probability", "100", 0));
	ASSERT_EQ(1, pwrite(switch_fd, "1", 1, 0));
	n = read(fd, got->buf, kallmodsyms.len);
	error = errno;
	ASSERT_EQ(1, pwrite(switch_fd, "0", 1, 0));
	ASSERT_TRUE(write_file(FAIL_PAGES "probability", "0", 0));
	close(switch_fd);
	errno = error;
	return n;
}

/*
 * The first read makes the buffer. One allocation that fails does not keep it
 * from that, as it is tried again with single pages.
 */
TEST_F_TIMEOUT(faults, buffer_of_no_pages_says_so, SLOW_TEST)
{
	ssize_t n;
	int fd;

	if (access(FAIL_PAGES, F_OK))
		SKIP(return, "needs CONFIG_FAIL_PAGE_ALLOC");
	fd = open(kallmodsyms_path(), O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, fd);
	n = read_without_pages(_metadata, fd, &self->got, "0");
	EXPECT_EQ(-1, n);
	EXPECT_EQ(ENOMEM, errno);

	n = read_without_pages(_metadata, fd, &self->got, "1");
	EXPECT_LT(0, n)
		TH_LOG("without large pages: %s", strerror(errno));
	EXPECT_EQ(0, lseek(fd, 0, SEEK_SET));
	EXPECT_TRUE(is_whole(_metadata, fd, &self->got));
	close(fd);
}

/* One allocation in ten fails, for a while. */
TEST_F_TIMEOUT(faults, now_and_then, SLOW_TEST)
{
	int i, fd, whole = 0, refused = 0, cut_short = 0, error;
	ssize_t n;

	write_file(FAIL_SLAB "probability", "10", 0);
	write_file(FAIL_PAGES "probability", "10", 0);
	for (i = 0; i < 200; i++) {
		ASSERT_TRUE(write_file(MAKE_IT_FAIL, "1", 0));
		fd = open(kallmodsyms_path(), O_RDONLY | O_CLOEXEC);
		self->got.len = 0;
		n = -1;
		while (fd >= 0) {
			n = read(fd, self->got.buf + self->got.len,
				 kallmodsyms.len + 1 - self->got.len);
			if (n <= 0)
				break;
			self->got.len += n;
		}
		error = errno;
		if (n < 0 && error != ENOMEM)
			break;
		while (!write_file(MAKE_IT_FAIL, "0", 0))
			ASSERT_EQ(ENOMEM, errno);
		refused += fd < 0;
		cut_short += fd >= 0 && n < 0;
		if (fd >= 0)
			close(fd);
		if (n < 0)
			continue;
		whole++;
		ASSERT_TRUE(text_same(_metadata, "a read to the end", &self->got,
				      &kallmodsyms));
	}
	write_file(FAIL_SLAB "probability", "0", 0);
	write_file(FAIL_PAGES "probability", "0", 0);
	TH_LOG("%d opens: %d refused, %d reads refused, %d whole", i, refused,
	       cut_short, whole);
	EXPECT_EQ(200, i)
		TH_LOG("expected ENOMEM, found %s", strerror(error));
	EXPECT_LT(0, refused);
	EXPECT_LT(0, whole);
}

int main(int argc, char **argv)
{
	return run_tests(argc, argv);
}
