// SPDX-License-Identifier: Apache-2.0 OR MIT
/*
 * What it costs to read a symbol file, or to write to a file that looks up symbols, in
 * instructions:
 *
 *	symbol_cost reads FILE SIZE PASSES	each read() of a pass to the end
 *	symbol_cost first FILE PASSES		open() and the first 4 KiB
 *	symbol_cost marked FILE SIZE		nothing but marks for profile.c around it all
 *	symbol_cost memory FILE COUNT		kernel memory of COUNT open files
 *	symbol_cost write FILE TEXT PASSES	open(), write() of the text as a line and close()
 *
 * Made for a guest whose time stamp counter counts instructions (ACCEL=counting of
 * qemu/boot.sh); it refuses to run on another. Every pass does the same, so what is more in
 * one than in another is the timer's interrupt: the least of some passes is what counts.
 */
#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>
#include <x86intrin.h>

#define MAX_PASSES 16
#define MAX_READS 65536

struct one_read {
	size_t offset, bytes, lines;
	unsigned long long cost[MAX_PASSES];
};

static struct one_read all[MAX_READS];
static char buf[1 << 20];

static void fail(const char *what)
{
	fprintf(stderr, "symbol_cost: ");
	perror(what);
	exit(1);
}

static unsigned long number(const char *text, unsigned long most)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (*end || !n || n > most) {
		fprintf(stderr, "symbol_cost: %s: expected a number from 1 to %lu\n", text, most);
		exit(2);
	}
	return n;
}

static int open_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		fail(path);
	return fd;
}

static ssize_t read_file(int fd, size_t size)
{
	ssize_t got = read(fd, buf, size);

	if (got < 0)
		fail("read");
	return got;
}

static size_t lines_in(size_t bytes)
{
	const char *at = buf;
	size_t lines = 0;

	while ((at = memchr(at, '\n', buf + bytes - at))) {
		lines++;
		at++;
	}
	return lines;
}

/* A million turns of two instructions each have to take two million. */
static void check_clock(void)
{
	unsigned long long start = __rdtsc(), took;
	unsigned long turns = 1000000;

	asm volatile("1: dec %0; jnz 1b" : "+r"(turns));
	took = __rdtsc() - start;
	if (took < 2000000 || took > 2100000) {
		fprintf(stderr, "symbol_cost: 2000000 instructions took %llu of the clock: boot with ACCEL=counting\n",
			took);
		exit(1);
	}
}

/* Nothing else is to run meanwhile. */
static void be_alone(void)
{
	struct sched_param param = { .sched_priority = 50 };
	FILE *limit = fopen("/proc/sys/kernel/sched_rt_runtime_us", "w");

	if (!limit || fputs("-1", limit) < 0 || fclose(limit))
		fail("sched_rt_runtime_us");
	if (sched_setscheduler(0, SCHED_FIFO, &param))
		fail("sched_setscheduler");
	if (mlockall(MCL_CURRENT | MCL_FUTURE))
		fail("mlockall");
}

static void cost_of_reads(const char *path, size_t size, int passes)
{
	size_t offset, reads = 0, i;
	unsigned long long start;
	ssize_t got;
	int pass, fd;

	for (pass = 0; pass < passes; pass++) {
		fd = open_file(path);
		for (offset = 0, i = 0; ; offset += got, i++) {
			if (i == MAX_READS) {
				fprintf(stderr, "symbol_cost: %s takes more than %d reads\n", path, MAX_READS);
				exit(1);
			}
			start = __rdtsc();
			got = read_file(fd, size);
			all[i].cost[pass] = __rdtsc() - start;
			if (pass && (i >= reads || (size_t)got != all[i].bytes)) {
				fprintf(stderr, "symbol_cost: %s: pass %d reads something else than the first, at %zu\n",
					path, pass + 1, offset);
				exit(1);
			}
			all[i].offset = offset;
			all[i].bytes = got;
			all[i].lines = lines_in(got);
			if (!got)
				break;
		}
		close(fd);
		reads = i + 1;
	}
	for (i = 0; i < reads; i++) {
		printf("%zu %zu %zu", all[i].offset, all[i].bytes, all[i].lines);
		for (pass = 0; pass < passes; pass++)
			printf(" %llu", all[i].cost[pass]);
		printf("\n");
	}
}

static void marked(const char *path, size_t size)
{
	size_t bytes = 0, lines = 0;
	ssize_t got;
	int fd;

	asm volatile("xchg %rbx, %rbx");
	fd = open_file(path);
	asm volatile("xchg %rcx, %rcx");
	do {
		asm volatile("xchg %rbx, %rbx");
		got = read_file(fd, size);
		asm volatile("xchg %rcx, %rcx");
		bytes += got;
		lines += lines_in(got);
	} while (got);
	close(fd);
	printf("%zu bytes, %zu lines\n", bytes, lines);
}

static void cost_of_first(const char *path, int passes)
{
	unsigned long long start, cost;
	int pass, fd;

	for (pass = 0; pass < passes; pass++) {
		start = __rdtsc();
		fd = open_file(path);
		read_file(fd, 4096);
		cost = __rdtsc() - start;
		close(fd);
		printf("%llu\n", cost);
	}
}

static void cost_of_write(const char *path, const char *text, int passes)
{
	size_t len = snprintf(buf, sizeof(buf), "%s\n", text);
	unsigned long long start, cost;
	int pass, fd;

	for (pass = 0; pass < passes; pass++) {
		start = __rdtsc();
		fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
		if (fd < 0 || write(fd, buf, len) != (ssize_t)len || close(fd))
			fail(path);
		cost = __rdtsc() - start;
		printf("%llu\n", cost);
	}
}

static long free_kilobytes(void)
{
	static char text[4096];
	int fd = open_file("/proc/meminfo");
	ssize_t got = read(fd, text, sizeof(text) - 1);
	char *at;

	close(fd);
	if (got < 0)
		fail("/proc/meminfo");
	text[got] = '\0';
	at = strstr(text, "MemFree:");
	if (!at) {
		fprintf(stderr, "symbol_cost: /proc/meminfo has no MemFree\n");
		exit(1);
	}
	return atol(at + strlen("MemFree:"));
}

/*
 * The first round fills the allocators' own caches. The first file is read to its end, to see
 * what the buffer grows to; of the others, as much as fits in a buffer.
 */
static void memory(const char *path, size_t count)
{
	struct rlimit files = { count + 16, count + 16 };
	int *fds = calloc(count, sizeof(*fds));
	int round;
	size_t i;

	if (!fds || setrlimit(RLIMIT_NOFILE, &files))
		fail("cannot have so many files");
	for (round = 0; round < 3; round++) {
		long before = free_kilobytes(), open, closed;

		for (i = 0; i < count; i++) {
			fds[i] = open_file(path);
			do {
			} while (read_file(fds[i], 65536) > 0 && !i);
		}
		open = free_kilobytes();
		for (i = 0; i < count; i++)
			close(fds[i]);
		closed = free_kilobytes();
		printf("%zu %ld %ld\n", count, before - open, before - closed);
	}
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	if (!strcmp(what, "memory") && argc == 4) {
		memory(argv[2], number(argv[3], 100000));
	} else if (!strcmp(what, "first") && argc == 4) {
		be_alone();
		check_clock();
		cost_of_first(argv[2], number(argv[3], MAX_PASSES));
	} else if (!strcmp(what, "marked") && argc == 4) {
		be_alone();
		marked(argv[2], number(argv[3], sizeof(buf)));
	} else if (!strcmp(what, "reads") && argc == 5) {
		be_alone();
		check_clock();
		cost_of_reads(argv[2], number(argv[3], sizeof(buf)), number(argv[4], MAX_PASSES));
	} else if (!strcmp(what, "write") && argc == 5) {
		be_alone();
		check_clock();
		cost_of_write(argv[2], argv[3], number(argv[4], MAX_PASSES));
	} else {
		fprintf(stderr, "usage: symbol_cost reads FILE SIZE PASSES | first FILE PASSES | marked FILE SIZE | memory FILE COUNT | write FILE TEXT PASSES\n");
		return 2;
	}
	return 0;
}
