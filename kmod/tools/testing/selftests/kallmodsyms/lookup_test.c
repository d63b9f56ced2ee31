// SPDX-License-Identifier: GPL-2.0
/*
 * What the kernel itself finds at an address: "function+offset/size" in a stack
 * trace has the size that /proc/kallmodsyms has, and no marker is named where a
 * symbol starts that has a size.
 */
#include <dirent.h>
#include <sys/mount.h>

#include "symbols.h"

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

struct area {
	unsigned long start, end;
	char name[512];
	unsigned long size;
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

TEST(no_marker_is_named_where_a_symbol_starts)
{
	size_t count, i, pos = 0, compared = 0, marked = 0;
	struct area *areas, key;
	struct line line;

	if (access(BLACKLIST, F_OK))
		mount("debugfs", DEBUGFS, "debugfs", 0, NULL);
	if (access(BLACKLIST, R_OK))
		SKIP(return, "no " BLACKLIST ": not root, or CONFIG_DEBUG_FS is off");
	if (!is_visible(&kallmodsyms))
		SKIP(return, "sizes are hidden");

	areas = read_areas(&count);
	ASSERT_NE(NULL, areas);
	while (each_line(&kallmodsyms, &pos, true, &line)) {
		struct area *area;

		key.start = span_hex(line.addr);
		area = bsearch(&key, areas, count, sizeof(*areas), compare_areas);
		if (!area || line.modules.len)
			continue;
		if (!span_hex(line.size)) {
			area->marked = true;
		} else if (!area->sized) {
			area->sized = true;
			area->size = span_hex(line.size);
			area->named = span_is(line.name, area->name);
		}
	}
	for (i = 0; i < count; i++) {
		if (!areas[i].sized)
			continue;
		compared++;
		marked += areas[i].marked;
		if (!areas[i].named || areas[i].end - areas[i].start != areas[i].size)
			TH_LOG("0x%lx-0x%lx %s: expected the symbol of 0x%lx bytes there",
			       areas[i].start, areas[i].end, areas[i].name,
			       areas[i].size);
		EXPECT_TRUE(areas[i].named);
		EXPECT_EQ(areas[i].size, areas[i].end - areas[i].start);
	}
	TH_LOG("%zu functions, %zu of them with a marker at their start", compared,
	       marked);
	EXPECT_LT(0, marked);
	free(areas);
}

int main(int argc, char **argv)
{
	return run_tests(argc, argv);
}
