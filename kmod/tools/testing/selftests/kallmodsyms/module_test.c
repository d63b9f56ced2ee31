// SPDX-License-Identifier: GPL-2.0
/*
 * Modules that come and go. KALLMODSYMS_MODULES names the files of one or two
 * modules that are not loaded and depend on none that is missing:
 *
 *	KALLMODSYMS_MODULES="a.ko b.ko" ./module_test
 */
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>

#include "symbols.h"

#define MODULES "KALLMODSYMS_MODULES"

struct module {
	char path[PATH_MAX];
	char name[NAME_MAX];
	char bracket[NAME_MAX + 2];
};

static bool named_module(struct module *module, size_t index)
{
	const char *list = getenv(MODULES) ?: "";
	const char *base;
	size_t i, len;

	for (;; list += len) {
		list += strspn(list, " ");
		len = strcspn(list, " ");
		if (!len || !index--)
			break;
	}
	if (!len || len >= sizeof(module->path))
		return false;
	snprintf(module->path, sizeof(module->path), "%.*s", (int)len, list);
	base = strrchr(module->path, '/') ?: module->path - 1;
	len = strcspn(base + 1, ".");
	snprintf(module->name, sizeof(module->name) - 2, "%.*s", (int)len, base + 1);
	for (i = 0; module->name[i]; i++)
		if (module->name[i] == '-')
			module->name[i] = '_';
	snprintf(module->bracket, sizeof(module->bracket), "[%s]", module->name);
	return true;
}

static int load(const struct module *module)
{
	int fd = open(module->path, O_RDONLY | O_CLOEXEC);
	int failed;

	if (fd < 0)
		return -1;
	failed = syscall(SYS_finit_module, fd, "", 0);
	close(fd);
	return failed;
}

static int unload(const struct module *module)
{
	return syscall(SYS_delete_module, module->name, O_NONBLOCK);
}

FIXTURE(module)
{
	struct module first, second;
};

FIXTURE_SETUP(module)
{
	struct line line;

	if (!named_module(&self->first, 0))
		SKIP(return, MODULES " names no module");
	if (geteuid())
		SKIP(return, "needs root to load a module");
	named_module(&self->second, 1);
	ASSERT_FALSE(find_symbol(&kallsyms, false, NULL, self->first.bracket, &line))
		TH_LOG("%s is loaded already: unload it first", self->first.name);
}

/* What a failed test left loaded; nothing else. */
FIXTURE_TEARDOWN_PARENT(module)
{
	unload(&self->first);
	if (self->second.path[0])
		unload(&self->second);
}

/* The lines of one module, with no address: a module loads where it likes. */
static struct text lines_of(const struct text *text, const char *bracket)
{
	size_t pos = 0, room = 0;
	struct text lines = {};
	struct line line;

	while (each_line(text, &pos, true, &line)) {
		struct span rest = line.size;

		if (!span_is(line.modules, bracket))
			continue;
		rest.len = line.whole.at + line.whole.len - rest.at;
		text_add(&lines, &room, rest);
		text_add(&lines, &room, LITERAL("\n"));
	}
	return lines;
}

TEST_F_TIMEOUT(module, comes_and_goes, SLOW_TEST)
{
	struct text sized, plain;
	size_t pos = 0, lines = 0, with_size = 0;
	struct line line;

	ASSERT_EQ(0, load(&self->first))
		TH_LOG("cannot load %s: %s", self->first.path, strerror(errno));
	load_both(_metadata, &sized, &plain);
	expect_projection(_metadata, &sized, &plain);
	while (each_line(&sized, &pos, true, &line)) {
		if (!span_is(line.modules, self->first.bracket))
			continue;
		lines++;
		with_size += !span_is(line.size, "0");
	}
	TH_LOG("%s: %zu lines, %zu with a size", self->first.bracket, lines,
	       with_size);
	EXPECT_LT(0, with_size);

	ASSERT_EQ(0, unload(&self->first));
	text_free(&sized);
	text_free(&plain);
	load_both(_metadata, &sized, &plain);
	expect_projection(_metadata, &sized, &plain);
	EXPECT_FALSE(find_symbol(&sized, true, NULL, self->first.bracket, &line))
		TH_LOG("still there: \"%.*s\"", (int)line.whole.len, line.whole.at);
}

/*
 * No line of @part, all of one module, may be one of the module with lines
 * @other. Its own lines are not compared with those that it has when loaded:
 * while a module initialises, its init symbols are listed, too.
 */
static bool none_mixed(struct __test_metadata *_metadata, const struct text *part,
		       const struct text *own, const struct text *other)
{
	struct span line, symbol;
	size_t at;

	for (at = 0; at < part->len; at += line.len + 1) {
		line = line_around(part, at);
		symbol = line;
		symbol.len = (char *)memchr(line.at, '\t', line.len) + 1 - line.at;
		if (memmem(other->buf, other->len, symbol.at, symbol.len) &&
		    !memmem(own->buf, own->len, symbol.at, symbol.len)) {
			TH_LOG("a symbol of the other module: \"%.*s\"",
			       (int)line.len, line.at);
			return false;
		}
	}
	return true;
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

	if (!self->second.path[0])
		SKIP(return, MODULES " names one module, this test takes two");
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
