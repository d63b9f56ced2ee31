// SPDX-License-Identifier: GPL-2.0
/*
 * Modules that come and go.
 */
#include <signal.h>
#include <sys/prctl.h>
#include <time.h>

#include "loading.h"

FIXTURE(module)
{
	struct module first, second;
};

FIXTURE_SETUP(module)
{
	struct line line;

	if (!named_module(&self->first, 0) || !named_module(&self->second, 1))
		SKIP(return, "no " MODULES ": none was built for this kernel");
	if (geteuid())
		SKIP(return, "needs root to load a module");
	ASSERT_FALSE(find_symbol(&kallsyms, false, NULL, self->first.bracket, &line))
		TH_LOG("%s is loaded already: unload it first", self->first.name);
}

/* What a failed test left loaded; nothing else. */
FIXTURE_TEARDOWN_PARENT(module)
{
	unload(&self->first);
	unload(&self->second);
}

/*
 * What test_modules/kms_symbols.h defines, whose KMS_WORDS are 3 in kms_stays.
 * The letter is that of /proc/kallsyms: a capital for what is exported to all.
 */
#define SOME_SIZE ~0UL
static const struct {
	const char *name, *type;
	unsigned long size;
} symbols[] = {
	{ "kms_stays_code", "T", SOME_SIZE },
	{ "kms_stays_static_code", "t", SOME_SIZE },
	{ "kms_stays_data", "d", 3 * sizeof(int) },
	{ "kms_stays_static_data", "d", 3 * sizeof(int) },
	{ "kms_stays_marker", "d", 0 },
	{ "kms_stays_after_init", "d", 3 * sizeof(int) },
	{ "kms_stays_percpu", "a", 3 * sizeof(int) },
	{ "kms_stays_rodata", "r", 3 * sizeof(int) },
	{ "kms_stays_bss", "b", 3 * sizeof(int) },
	{ "kms_stays_static_bss", "b", 3 * sizeof(int) },
};

/* KASAN puts a zone behind each variable, which is part of it: 32 bytes at least. */
static bool is_size(unsigned long size, unsigned long wanted)
{
	struct line line;

	return size == wanted ||
	       (wanted && size >= 32 && size % 32 == 0 &&
		find_symbol(&kallsyms, false, "__asan_register_globals", NULL, &line));
}

/* Without CONFIG_KALLSYMS_ALL there is code alone. */
static void expect_symbols(struct __test_metadata *_metadata,
			   const struct text *sized, const char *bracket)
{
	size_t i, code = 0, data = 0;
	struct line line;

	for (i = 0; i < ARRAY_SIZE(symbols); i++) {
		if (!find_symbol(sized, true, symbols[i].name, bracket, &line))
			continue;
		if (symbols[i].size == SOME_SIZE) {
			code++;
			EXPECT_LT(0, span_hex(line.size));
		} else {
			data++;
			EXPECT_TRUE(is_size(span_hex(line.size), symbols[i].size))
				TH_LOG("%lu bytes wanted: \"%.*s\"", symbols[i].size,
				       (int)line.whole.len, line.whole.at);
		}
		EXPECT_TRUE(span_is(line.type, symbols[i].type))
			TH_LOG("\"%.*s\"", (int)line.whole.len, line.whole.at);
	}
	EXPECT_EQ(2, code);
	EXPECT_TRUE(data == 0 || data == ARRAY_SIZE(symbols) - code)
		TH_LOG("%zu symbols of data", data);
}

TEST_F_TIMEOUT(module, comes_and_goes, SLOW_TEST)
{
	struct text sized, plain;
	struct line line;

	ASSERT_EQ(0, load(&self->first))
		TH_LOG("cannot load %s: %s", self->first.path, strerror(errno));
	load_both(_metadata, &sized, &plain);
	expect_projection(_metadata, &sized, &plain);
	expect_symbols(_metadata, &sized, self->first.bracket);

	ASSERT_EQ(0, unload(&self->first));
	text_free(&sized);
	text_free(&plain);
	load_both(_metadata, &sized, &plain);
	expect_projection(_metadata, &sized, &plain);
	EXPECT_FALSE(find_symbol(&sized, true, NULL, self->first.bracket, &line))
		TH_LOG("still there: \"%.*s\"", (int)line.whole.len, line.whole.at);
}

/* Loads and unloads the module until killed, a byte to @fd for each round. */
static void load_again_and_again(const struct module *module, int fd)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (!unload(module) && !load(module) && write(fd, "x", 1) == 1)
		;
	fprintf(stderr, "# cannot load or unload %s: %s\n", module->name,
		strerror(errno));
	_exit(1);
}

/* Reads to the end so slowly that modules change on the way. */
static struct text read_slowly(struct __test_metadata *_metadata, size_t from)
{
	int fd = open(kallmodsyms_path(), O_RDONLY | O_CLOEXEC);
	struct text text = {};
	char buf[512];
	size_t room = 0;
	ssize_t got;

	ASSERT_LE(0, fd);
	ASSERT_EQ(from, lseek(fd, from, SEEK_SET));
	while ((got = read(fd, buf, sizeof(buf))) > 0) {
		text_add(&text, &room, (struct span){ buf, got });
		usleep(2000 + 1000 * (random() % 8));
	}
	ASSERT_EQ(0, got);
	close(fd);
	return text;
}

/*
 * One module stays while another comes and goes. The other, loaded later,
 * stands before it in the list, so that a reader who counts positions would
 * miss lines of the one that stays or see them twice.
 */
TEST_F_TIMEOUT(module, another_that_comes_and_goes_shifts_no_line, SLOW_TEST)
{
	struct text all, stays, goes, tail, part;
	size_t seen = 0, loads = 0, from;
	bool right = true;
	int passes, pipes[2], status;
	struct line line;
	time_t end;
	pid_t pid;
	char c;

	ASSERT_EQ(0, load(&self->first))
		TH_LOG("cannot load %s: %s", self->first.path, strerror(errno));
	ASSERT_EQ(0, load(&self->second))
		TH_LOG("cannot load %s: %s", self->second.path, strerror(errno));
	ASSERT_TRUE(text_load(&all, kallmodsyms_path()));
	stays = lines_of(&all, self->first.bracket);
	goes = lines_of(&all, self->second.bracket);
	ASSERT_LT(0, stays.len);
	ASSERT_TRUE(find_symbol(&all, true, NULL, self->second.bracket, &line));
	from = line.whole.at - all.buf;

	ASSERT_EQ(0, pipe(pipes));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid)
		load_again_and_again(&self->second, pipes[1]);
	fcntl(pipes[0], F_SETFL, O_NONBLOCK);

	end = time(NULL) + 30;
	for (passes = 0; right && passes < 200 && time(NULL) < end; passes++) {
		tail = read_slowly(_metadata, from);
		part = lines_of(&tail, self->first.bracket);
		right = text_same(_metadata, self->first.bracket, &part, &stays);
		text_free(&part);
		part = lines_of(&tail, self->second.bracket);
		right &= none_mixed(_metadata, &part, &goes, &stays);
		seen += part.len > 0;
		text_free(&part);
		text_free(&tail);
	}
	EXPECT_TRUE(right);
	while (read(pipes[0], &c, 1) == 1)
		loads++;
	kill(pid, SIGKILL);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_TRUE(WIFSIGNALED(status))
		TH_LOG("the loader gave up");
	TH_LOG("%d reads during %zu loads; %zu reads saw %s", passes, loads, seen,
	       self->second.bracket);
	EXPECT_LT(0, loads);
}

int main(int argc, char **argv)
{
	return run_tests(argc, argv);
}
