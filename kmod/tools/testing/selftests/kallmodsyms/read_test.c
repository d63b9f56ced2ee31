// SPDX-License-Identifier: GPL-2.0
/*
 * Reading /proc/kallmodsyms: any mixture of reads, seeks and readers gives the
 * bytes of one sequential read, and nobody can write.
 */
#include <sys/stat.h>
#include <time.h>

#include "symbols.h"

#define NOBODY 65534

static int open_kallmodsyms(struct __test_metadata *_metadata)
{
	int fd = open(kallmodsyms_path(), O_RDONLY | O_CLOEXEC);

	ASSERT_LE(0, fd);
	return fd;
}

/* Compares the @len bytes that were read at @at with the sequential read. */
static bool same_bytes(struct __test_metadata *_metadata, const char *buf,
		       size_t at, ssize_t len)
{
	struct span line;

	if (len >= 0 && at + len <= kallmodsyms.len &&
	    !memcmp(kallmodsyms.buf + at, buf, len))
		return true;
	line = line_around(&kallmodsyms, at);
	TH_LOG("%zd bytes at %zu: \"%.*s\"", len, at,
	       len < 0 ? 0 : len < 100 ? (int)len : 100, buf);
	TH_LOG("  there is \"%.*s\", of %zu bytes in all", (int)line.len,
	       line.at, kallmodsyms.len);
	return false;
}

FIXTURE(chunks)
{
};

FIXTURE_VARIANT(chunks)
{
	size_t bytes;
};

FIXTURE_VARIANT_ADD(chunks, of_333_bytes) { .bytes = 333 };
FIXTURE_VARIANT_ADD(chunks, of_4096_bytes) { .bytes = 4096 };
FIXTURE_VARIANT_ADD(chunks, of_65536_bytes) { .bytes = 65536 };

FIXTURE_SETUP(chunks)
{
}

FIXTURE_TEARDOWN(chunks)
{
}

TEST_F_TIMEOUT(chunks, give_the_same_bytes, SLOW_TEST)
{
	struct text text;

	ASSERT_TRUE(text_read(&text, open_kallmodsyms(_metadata), variant->bytes));
	EXPECT_TRUE(text_same(_metadata, "kallmodsyms", &text, &kallmodsyms));
}

FIXTURE(reading)
{
	int fd;
};

FIXTURE_SETUP(reading)
{
	self->fd = open_kallmodsyms(_metadata);
}

FIXTURE_TEARDOWN(reading)
{
	close(self->fd);
}

/* Reads byte by byte from @from; returns how many came right. */
static size_t read_bytes(struct __test_metadata *_metadata, int fd, size_t from,
			 size_t limit, int seconds)
{
	time_t end = time(NULL) + seconds;
	size_t done = 0;
	ssize_t got;
	char c;

	ASSERT_EQ(from, lseek(fd, from, SEEK_SET));
	while (done < limit && (done % 1024 || time(NULL) < end)) {
		got = read(fd, &c, 1);
		if (!got && from + done == kallmodsyms.len)
			break;
		ASSERT_TRUE(got == 1 &&
			    same_bytes(_metadata, &c, from + done, got));
		done++;
	}
	return done;
}

/*
 * A whole read takes as many calls as the file has bytes, a minute and more
 * under emulation: the front as far as 20 s go, and the end.
 */
TEST_F_TIMEOUT(reading, one_byte_at_a_time, SLOW_TEST)
{
	size_t tail = kallmodsyms.len < 65536 ? kallmodsyms.len : 65536;
	size_t done;

	done = read_bytes(_metadata, self->fd, 0, kallmodsyms.len, 20);
	TH_LOG("%zu of %zu bytes in 20 s", done, kallmodsyms.len);
	EXPECT_LT(0, done);
	done = read_bytes(_metadata, self->fd, kallmodsyms.len - tail, tail + 1,
			  60);
	EXPECT_EQ(tail, done);
}

/*
 * Sequential reads of random sizes with a pread, a SEEK_SET or a SEEK_CUR to
 * somewhere else now and then. A pread must not move the position.
 */
TEST_F_TIMEOUT(reading, random_pread_and_lseek, SLOW_TEST)
{
	static char buf[20000];
	const unsigned int seed = 20261;
	time_t end = time(NULL) + 30;
	size_t at = 0, there, len;
	int i, moves = 0;
	ssize_t got;

	srandom(seed);
	for (i = 0; i < 400 && (i < 40 || time(NULL) < end); i++) {
		len = 1 + random() % sizeof(buf);
		there = random() % (kallmodsyms.len + 2 * sizeof(buf));
		switch (random() % 8) {
		case 0:
			got = pread(self->fd, buf, len, there);
			ASSERT_TRUE(there >= kallmodsyms.len ? !got :
				    got > 0 && same_bytes(_metadata, buf, there, got))
				TH_LOG("pread(%zu, %zu) gave %zd", len, there, got);
			moves++;
			break;
		case 1:
			ASSERT_EQ(there, lseek(self->fd, there, SEEK_SET));
			at = there;
			moves++;
			break;
		case 2:
			ASSERT_EQ(there, lseek(self->fd, (off_t)there - (off_t)at,
					       SEEK_CUR));
			at = there;
			moves++;
			break;
		}
		got = read(self->fd, buf, len);
		ASSERT_TRUE(at >= kallmodsyms.len ? !got :
			    got > 0 && same_bytes(_metadata, buf, at, got))
			TH_LOG("read(%zu) at %zu gave %zd", len, at, got);
		at += got;
		ASSERT_EQ(at, lseek(self->fd, 0, SEEK_CUR));
	}
	TH_LOG("%d reads, %d of them after a jump, seed %u", i, moves, seed);
	EXPECT_LT(4, moves);
}

/* What one seek does, and how much the next read gives: none, some or an error. */
static void seek(char *said, size_t room, int fd, off_t by, int whence,
		 size_t len)
{
	off_t at = lseek(fd, by, whence);
	int seek_errno = at < 0 ? errno : 0;
	ssize_t got;
	char c;

	got = read(fd, &c, 1);
	snprintf(said, room, "lseek %s%s, then read gives %s",
		 seek_errno ? strerror(seek_errno) :
		 at < len ? "inside" : at == len ? "at the end" : "past the end",
		 at == 0 ? " (at 0)" : "",
		 got < 0 ? strerror(errno) : got ? "a byte" : "nothing");
}

TEST_F_TIMEOUT(reading, seeks_behave_as_in_kallsyms, SLOW_TEST)
{
	static const struct {
		const char *what;
		bool from_end;
		off_t by;
		int whence;
	} seeks[] = {
		{ "SEEK_SET 0", false, 0, SEEK_SET },
		{ "SEEK_SET 1000", false, 1000, SEEK_SET },
		{ "SEEK_SET -1", false, -1, SEEK_SET },
		{ "SEEK_CUR 100", false, 100, SEEK_CUR },
		{ "SEEK_CUR -1000000000", false, -1000000000, SEEK_CUR },
		{ "SEEK_END 0", false, 0, SEEK_END },
		{ "SEEK_END -1", false, -1, SEEK_END },
		{ "SEEK_DATA 0", false, 0, SEEK_DATA },
		{ "whence 99", false, 0, 99 },
		{ "SEEK_SET to the last byte", true, -1, SEEK_SET },
		{ "SEEK_SET to the end", true, 0, SEEK_SET },
		{ "SEEK_SET past the end", true, 10000, SEEK_SET },
		{ "SEEK_SET 0 again", false, 0, SEEK_SET },
	};
	char got[256], want[256];
	size_t i;
	int fd;

	fd = open(kallsyms_path(), O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, fd);
	for (i = 0; i < ARRAY_SIZE(seeks); i++) {
		off_t by = seeks[i].by;

		seek(got, sizeof(got), self->fd,
		     by + (seeks[i].from_end ? kallmodsyms.len : 0),
		     seeks[i].whence, kallmodsyms.len);
		seek(want, sizeof(want), fd,
		     by + (seeks[i].from_end ? kallsyms.len : 0),
		     seeks[i].whence, kallsyms.len);
		EXPECT_STREQ(want, got)
			TH_LOG("after %s", seeks[i].what);
	}
}

TEST_F_TIMEOUT(reading, two_descriptors_interleaved, SLOW_TEST)
{
	static char buf[5000];
	size_t at[2] = {};
	ssize_t got[2];
	int fd[2] = { self->fd, open_kallmodsyms(_metadata) };
	const size_t len[2] = { 4096, 1777 };
	int i;

	do {
		for (i = 0; i < 2; i++) {
			got[i] = read(fd[i], buf, len[i]);
			ASSERT_TRUE(same_bytes(_metadata, buf, at[i], got[i]))
				TH_LOG("in descriptor %d", i);
			at[i] += got[i];
		}
	} while (got[0] || got[1]);
	EXPECT_EQ(kallmodsyms.len, at[0]);
	EXPECT_EQ(kallmodsyms.len, at[1]);
}

TEST_F_TIMEOUT(reading, two_processes_at_once, SLOW_TEST)
{
	struct text text;
	int status;
	pid_t pid;

	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		if (!text_read(&text, open_kallmodsyms(_metadata), 333))
			_exit(2);
		_exit(!text_same(_metadata, "the child", &text, &kallmodsyms));
	}
	ASSERT_TRUE(text_read(&text, self->fd, 4096));
	EXPECT_TRUE(text_same(_metadata, "the parent", &text, &kallmodsyms));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
}

TEST(mode_is_0444)
{
	struct stat st;

	ASSERT_EQ(0, stat(kallmodsyms_path(), &st));
	EXPECT_EQ(S_IFREG | 0444, st.st_mode);
	EXPECT_EQ(0, st.st_uid);
	EXPECT_EQ(0, st.st_gid);
}

/* Returns 0 or the errno with which a write failed. */
static int write_errno(const char *path)
{
	return write_file(path, "x", 0) ? 0 : errno;
}

TEST(writes_are_refused_as_in_kallsyms)
{
	if (geteuid())
		SKIP(return, "needs root, whom no mode stops");
	EXPECT_NE(0, write_errno(kallmodsyms_path()));
	EXPECT_EQ(write_errno(kallsyms_path()), write_errno(kallmodsyms_path()));
	ASSERT_EQ(0, seteuid(NOBODY));
	EXPECT_EQ(EACCES, write_errno(kallmodsyms_path()));
	ASSERT_EQ(0, seteuid(0));
}

int main(int argc, char **argv)
{
	return run_tests(argc, argv);
}
