// SPDX-License-Identifier: GPL-2.0
/*
 * What the kernel itself finds at an address: "function+offset/size" has the
 * size that /proc/kallmodsyms has, and no marker is named where a symbol starts
 * that has a size.  What asks how far a function reaches, as kprobes do, gets
 * the distance to the next symbol.
 */
#include <dirent.h>
#include <sys/mount.h>

#include "loading.h"

#define DEBUGFS "/sys/kernel/debug"
#define BLACKLIST DEBUGFS "/kprobes/blacklist"

struct frame {
	char name[512];
	unsigned long size;
	bool known, right;
};

/* Adds what is new in one stack: "[<0>] schedule+0x1d/0xa0 [module]" a line. */
static size_t add_frames(struct frame *frames, size_t count, size_t most,
			 char *stack)
{
	struct frame frame;
	char *text;
	size_t i;

	for (text = strtok(stack, "\n"); text; text = strtok(NULL, "\n")) {
		frame = (struct frame){};
		if (sscanf(text, "[<%*[^>]>] %511[^+]+%*x/%lx", frame.name,
			   &frame.size) != 2)
			continue;
		for (i = 0; i < count; i++)
			if (!strcmp(frames[i].name, frame.name) &&
			    frames[i].size == frame.size)
				break;
		if (i == count && count < most)
			frames[count++] = frame;
	}
	return count;
}

TEST(stack_traces_have_the_recorded_sizes)
{
	static struct frame frames[256];
	size_t count = 0, odd = 0, i, pos = 0;
	char path[64], stack[8192];
	struct dirent *entry;
	struct line line;
	DIR *proc;

	if (!read_file("/proc/self/stack", stack, sizeof(stack)))
		SKIP(return, "no /proc/self/stack: not root, or CONFIG_STACKTRACE is off");
	if (!is_visible(&kallmodsyms))
		SKIP(return, "sizes are hidden");

	proc = opendir("/proc");
	ASSERT_NE(NULL, proc);
	while ((entry = readdir(proc))) {
		snprintf(path, sizeof(path), "/proc/%.20s/stack", entry->d_name);
		/* A task can be gone by now. */
		if (isdigit(*entry->d_name) && read_file(path, stack, sizeof(stack)))
			count = add_frames(frames, count, ARRAY_SIZE(frames), stack);
	}
	closedir(proc);

	while (each_line(&kallmodsyms, &pos, true, &line)) {
		for (i = 0; i < count; i++) {
			if (!span_is(line.name, frames[i].name) || !span_hex(line.size))
				continue;
			frames[i].known = true;
			frames[i].right |= span_hex(line.size) == frames[i].size;
		}
	}
	for (i = 0; i < count; i++) {
		if (frames[i].known && !frames[i].right)
			TH_LOG("%s is said to have 0x%lx bytes", frames[i].name,
			       frames[i].size);
		EXPECT_EQ(frames[i].known, frames[i].right);
		odd += frames[i].right && frames[i].size % 16;
	}
	TH_LOG("%zu functions, %zu of them not a multiple of 16 bytes", count, odd);
	/* Distances from one function to the next are multiples of 16. */
	EXPECT_LT(10, odd);
}

/* Addresses, and what "%pS" should make of each */
struct question {
	unsigned long addr;
	char answer[600];
};

static size_t add_question(struct question *questions, size_t count,
			   const struct line *line, unsigned long offset,
			   unsigned long size)
{
	struct question *question = &questions[count];

	question->addr = span_hex(line->addr) + offset;
	snprintf(question->answer, sizeof(question->answer), "%.*s+0x%lx/0x%lx",
		 (int)line->name.len, line->name.at, offset, size);
	return count + 1;
}

static bool is_function(const struct line *line)
{
	return line->type.len == 1 && strchr("tTwW", *line->type.at);
}

/*
 * Asks for the first and the last byte of functions and for the first byte of
 * the padding behind them: of every @nth of those that have padding, then a
 * function, and no address in common with another symbol.
 */
static size_t ask(const struct text *text, const char *modules, size_t nth,
		  struct question *questions, size_t most)
{
	struct line before = {}, line, after;
	size_t pos = 0, count = 0, seen = 0;

	if (!each_line(text, &pos, true, &line))
		return 0;
	for (; count + 3 <= most && each_line(text, &pos, true, &after);
	     before = line, line = after) {
		unsigned long size = span_hex(line.size);
		unsigned long distance = span_hex(after.addr) - span_hex(line.addr);

		if (!is_function(&line) || !is_function(&after) ||
		    !span_is(line.modules, modules) || line.name.len > 60 ||
		    (before.addr.at && span_same(before.addr, line.addr)) ||
		    !size || size >= distance || seen++ % nth)
			continue;
		count = add_question(questions, count, &line, 0, size);
		count = add_question(questions, count, &line, size - 1, size);
		count = add_question(questions, count, &line, size, distance);
	}
	return count;
}

static int compare_lines(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/*
 * What the kernel passes over as it looks symbols of modules up, and lists all
 * the same: where code and data begin on Arm, and what assemblers leave.
 */
static bool is_passed_over(const struct line *line)
{
	const char *name = line->name.at;

	return *name == '$' || (line->name.len > 1 && (!memcmp(name, ".L", 2) ||
						       !memcmp(name, "L0", 2)));
}

/* The lines of a module, which has them in the order of its symbol table. */
static struct text sorted_lines_of(const struct text *text, const char *bracket)
{
	size_t pos = 0, count = 0, room = 0, i;
	struct text sorted = {};
	char **lines = NULL;
	struct line line;

	while (each_line(text, &pos, true, &line)) {
		if (!span_is(line.modules, bracket) || is_passed_over(&line))
			continue;
		lines = realloc(lines, (count + 1) * sizeof(*lines));
		lines[count++] = strndup(line.whole.at, line.whole.len);
	}
	qsort(lines, count, sizeof(*lines), compare_lines);
	for (i = 0; i < count; i++) {
		text_add(&sorted, &room, (struct span){ lines[i], strlen(lines[i]) });
		text_add(&sorted, &room, LITERAL("\n"));
		free(lines[i]);
	}
	free(lines);
	return sorted;
}

#define LOOK "kms/look"

/*
 * A kprobe of riscv runs as an NMI does, and there the ring buffer of Linux 6.12
 * takes nothing from one: it has no ARCH_HAVE_NMI_SAFE_CMPXCHG.
 */
#ifdef __riscv
static const bool writes_events;
#else
static const bool writes_events = true;
#endif

/*
 * Has an event print all of them: "... look: (...) a0=... a1=...", a text line.
 * The trace of an instance has nothing else, whatever is being traced.  Files of
 * /proc have seq_read() as a pointer: a compiler cannot inline it.
 */
static bool print_symbols(const char *tracing, const struct question *questions,
			  size_t count, struct text *trace)
{
	char command[4096], events[64], instance[64], path[128], value[64];
	size_t i, len;
	bool ok;

	len = snprintf(command, sizeof(command), "p:" LOOK " seq_read");
	for (i = 0; i < count; i++)
		len += snprintf(command + len, sizeof(command) - len,
				" a%zu=\\%#lx:symbol", i, questions[i].addr);
	if (len >= sizeof(command))
		return false;

	snprintf(events, sizeof(events), "%s/kprobe_events", tracing);
	if (!write_file(events, command, O_APPEND))
		return false;
	snprintf(instance, sizeof(instance), "%s/instances/kallmodsyms_lookup",
		 tracing);
	ok = !mkdir(instance, 0700) || errno == EEXIST;
	snprintf(path, sizeof(path), "%s/events/" LOOK "/enable", instance);
	ok = ok && write_file(path, "1", 0) &&
	     read_file("/proc/self/stat", value, sizeof(value)) &&
	     write_file(path, "0", 0);
	snprintf(path, sizeof(path), "%s/trace", instance);
	ok = ok && text_load(trace, path);
	rmdir(instance);
	return write_file(events, "-:" LOOK, O_APPEND) && ok;
}

static void expect_answers(struct __test_metadata *_metadata,
			   const char *tracing, const struct question *questions,
			   size_t count, const char *modules)
{
	struct text trace = {};
	char expected[700];
	size_t i;

	ASSERT_TRUE(print_symbols(tracing, questions, count, &trace))
		TH_LOG("no event: %s", strerror(errno));
	for (i = 0; i < count; i++) {
		snprintf(expected, sizeof(expected), " a%zu=%s%s%s%c", i,
			 questions[i].answer, *modules ? " " : "", modules,
			 i + 1 < count ? ' ' : '\n');
		EXPECT_NE(NULL, memmem(trace.buf, trace.len, expected, strlen(expected)))
			TH_LOG("no \"%s\" in %.*s", expected, (int)trace.len, trace.buf);
	}
	TH_LOG("%zu addresses, from %s to %s", count, questions[0].answer,
	       questions[count - 1].answer);
}

FIXTURE(printed)
{
	const char *tracing;
};

FIXTURE_SETUP(printed)
{
	self->tracing = tracefs();
	if (!self->tracing)
		SKIP(return, "no tracefs");
	if (!writes_events)
		SKIP(return, "kprobes write no events on this architecture");
	if (!is_visible(&kallmodsyms))
		SKIP(return, "sizes are hidden");
}

FIXTURE_TEARDOWN(printed)
{
}

/* Removing the event waits for every task, which takes time while one is busy. */
TEST_F_TIMEOUT(printed, with_the_recorded_size_but_in_the_padding, SLOW_TEST)
{
	struct question questions[45];
	size_t count, functions = 0, pos = 0;
	struct line line;

	/* From all over the kernel */
	while (each_line(&kallmodsyms, &pos, true, &line))
		functions += is_function(&line) && !line.modules.len;
	count = ask(&kallmodsyms, "", functions / 25 + 1, questions,
		    ARRAY_SIZE(questions));
	/* Where nothing is aligned few have padding. */
	if (count < ARRAY_SIZE(questions) / 2)
		count = ask(&kallmodsyms, "", 1, questions, ARRAY_SIZE(questions));
	ASSERT_LT(3, count);
	expect_answers(_metadata, self->tracing, questions, count, "");
}

struct area {
	unsigned long start, end, next;
	char name[512];
	bool marked, sized, named;
};

static int compare_areas(const void *a, const void *b)
{
	const struct area *left = a, *right = b;

	return (left->start > right->start) - (left->start < right->start);
}

/* Functions that take no probe: "0xffffffff82000000-0xffffffff82000010\tname" */
static struct area *read_areas(size_t *count)
{
	struct area *areas = NULL;
	struct text text;
	char *line;

	*count = 0;
	if (access(BLACKLIST, F_OK))
		mount("debugfs", DEBUGFS, "debugfs", 0, NULL);
	if (!text_load(&text, BLACKLIST))
		return NULL;
	text.buf = realloc(text.buf, text.len + 1);
	text.buf[text.len] = '\0';
	for (line = strtok(text.buf, "\n"); line; line = strtok(NULL, "\n")) {
		areas = realloc(areas, (*count + 1) * sizeof(*areas));
		areas[*count] = (struct area){};
		if (sscanf(line, "%lx-%lx %511s", &areas[*count].start,
			   &areas[*count].end, areas[*count].name) == 3)
			++*count;
	}
	text_free(&text);
	qsort(areas, *count, sizeof(*areas), compare_areas);
	return areas;
}

TEST(areas_without_kprobes_go_to_the_next_symbol)
{
	size_t count, i, pos = 0, compared = 0, marked = 0, padded = 0, wrong = 0;
	struct area *areas, *last = NULL, key;
	struct line line;

	if (!is_visible(&kallmodsyms))
		SKIP(return, "sizes are hidden");
	areas = read_areas(&count);
	if (!areas)
		SKIP(return, "no " BLACKLIST ": not root, or CONFIG_DEBUG_FS is off");

	while (each_line(&kallmodsyms, &pos, true, &line)) {
		struct area *area;

		key.start = span_hex(line.addr);
		if (last && last->start < key.start) {
			last->next = key.start;
			last = NULL;
		}
		area = bsearch(&key, areas, count, sizeof(*areas), compare_areas);
		if (!area || line.modules.len)
			continue;
		last = area;
		if (!span_hex(line.size)) {
			area->marked = true;
		} else if (!area->sized) {
			area->sized = true;
			area->named = span_is(line.name, area->name);
			padded += span_hex(line.size) < area->end - area->start;
		}
	}
	for (i = 0; i < count; i++) {
		if (!areas[i].sized || !areas[i].next)
			continue;
		compared++;
		marked += areas[i].marked;
		if (areas[i].named && areas[i].end == areas[i].next)
			continue;
		if (wrong++ < 5)
			TH_LOG("0x%lx-0x%lx %s: expected the symbol that starts there, up to 0x%lx",
			       areas[i].start, areas[i].end, areas[i].name,
			       areas[i].next);
	}
	TH_LOG("%zu functions, %zu of them with a marker at their start, %zu with padding",
	       compared, marked, padded);
	EXPECT_EQ(0, wrong);
	EXPECT_LT(0, marked);
	free(areas);
}

FIXTURE(area)
{
	struct module module;
};

FIXTURE_SETUP(area)
{
	if (!find_module(&self->module, "kms_area"))
		SKIP(return, "no " MODULES ": none was built for this kernel");
	if (geteuid())
		SKIP(return, "needs root to load a module");
	ASSERT_EQ(0, load(&self->module))
		TH_LOG("cannot load %s: %s", self->module.path, strerror(errno));
}

FIXTURE_TEARDOWN_PARENT(area)
{
	unload(&self->module);
}

TEST_F_TIMEOUT(area, symbols_of_a_module_as_well, SLOW_TEST)
{
	struct question questions[12];
	struct text sized, plain, own;
	size_t count;

	if (!tracefs())
		SKIP(return, "no tracefs");
	if (!writes_events)
		SKIP(return, "kprobes write no events on this architecture");
	load_both(_metadata, &sized, &plain);
	own = sorted_lines_of(&sized, self->module.bracket);
	count = ask(&own, self->module.bracket, 1, questions,
		    ARRAY_SIZE(questions));
	ASSERT_LT(0, count);
	expect_answers(_metadata, tracefs(), questions, count,
		       self->module.bracket);
}

TEST_F_TIMEOUT(area, begins_amid_a_symbol, SLOW_TEST)
{
	unsigned long start, next = ULONG_MAX, end = 0;
	struct text sized, plain;
	size_t count, i, pos = 0;
	struct area *areas;
	struct line line;
	char value[32];

	areas = read_areas(&count);
	if (!areas)
		SKIP(return, "no " BLACKLIST ": CONFIG_DEBUG_FS is off");
	ASSERT_TRUE(read_file("/sys/module/kms_area/sections/.noinstr.text",
			      value, sizeof(value)));
	start = strtoul(value, NULL, 16);
	load_both(_metadata, &sized, &plain);
	while (each_line(&sized, &pos, true, &line))
		if (span_is(line.modules, self->module.bracket) &&
		    !is_passed_over(&line) && span_hex(line.addr) >= start &&
		    span_hex(line.addr) < next)
			next = span_hex(line.addr);
	ASSERT_NE(start, next);
	for (i = 0; i < count; i++)
		if (areas[i].start == start)
			end = areas[i].end;
	EXPECT_EQ(next, end);
	free(areas);
}

int main(int argc, char **argv)
{
	return run_tests(argc, argv);
}
