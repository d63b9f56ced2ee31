// SPDX-License-Identifier: GPL-2.0
/*
 * Code that the kernel makes while it runs: BPF programs, ftrace trampolines
 * and the pages of kprobe slots are listed with their true sizes, and once
 * each while others come and go.
 */
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>

#include "probes.h"

#define FTRACE "[__builtin__ftrace]"

/*
 * Waits until no more than @left such lines are there, since some code is freed
 * a grace period later.
 */
static bool goes_away(const char *name, const char *modules, size_t left)
{
	time_t end = time(NULL) + 30;
	struct text text;
	size_t there;

	do {
		if (!text_load(&text, kallmodsyms_path()))
			return false;
		there = count_of(&text, name, modules);
		text_free(&text);
	} while (there > left && time(NULL) < end);
	return there <= left;
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
		EXPECT_TRUE(goes_away(symbol[i], "[bpf]", 0));
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

/*
 * The ops of an instance are allocated, and such ops get a trampoline each.
 * Whatever else is traced has one, too.
 */
TEST_F_TIMEOUT(trace, trampoline_has_its_size, SLOW_TEST)
{
	struct text sized, plain;
	size_t pos = 0, before;
	char path[128];
	struct line line;

	if (mkdir(self->instance, 0700))
		SKIP(return, "cannot make %s: %s", self->instance, strerror(errno));
	snprintf(path, sizeof(path), "%s/set_ftrace_filter", self->instance);
	if (access(path, F_OK))
		SKIP(return, "no %s: CONFIG_DYNAMIC_FTRACE is off", path);
	ASSERT_TRUE(write_file(path, "kernel_clone", 0));
	ASSERT_TRUE(text_load(&sized, kallmodsyms_path()));
	before = count_of(&sized, NULL, FTRACE);
	text_free(&sized);
	snprintf(path, sizeof(path), "%s/current_tracer", self->instance);
	if (!write_file(path, "function", 0))
		SKIP(return, "no function tracer: %s", strerror(errno));

	load_both(_metadata, &sized, &plain);
	if (!find_symbol(&plain, false, NULL, FTRACE, &line))
		SKIP(return, "this architecture makes no ftrace trampolines");
	expect_projection(_metadata, &sized, &plain);
	EXPECT_EQ(before + 1, count_of(&sized, NULL, FTRACE));
	while (each_line(&sized, &pos, true, &line)) {
		if (!span_is(line.modules, FTRACE))
			continue;
		TH_LOG("\"%.*s\"", (int)line.whole.len, line.whole.at);
		EXPECT_TRUE(is_trampoline_size(span_hex(line.size)));
	}

	ASSERT_TRUE(write_file(path, "nop", 0));
	EXPECT_TRUE(goes_away(NULL, FTRACE, before));
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
	if (!find_symbol(&plain, false, NULL, KPROBES_MODULE, &line))
		SKIP(return, "this architecture lists no kprobe pages");
	expect_projection(_metadata, &sized, &plain);
	while (each_line(&sized, &pos, true, &line)) {
		if (!span_is(line.modules, KPROBES_MODULE))
			continue;
		pages++;
		TH_LOG("\"%.*s\"", (int)line.whole.len, line.whole.at);
		EXPECT_EQ(sysconf(_SC_PAGESIZE), span_hex(line.size));
	}
	EXPECT_LT(0, pages);
}

/* A list of symbols that grows and shrinks during a read. */
struct list {
	/* Says why there is no such list, or returns NULL. */
	const char *(*begin)(struct list *list);
	bool (*add)(struct list *list);
	bool (*remove)(struct list *list);
	void (*end)(struct list *list);
	bool (*has)(const struct line *line);
	/* How many to begin with, and lines that a removal may take at most. */
	size_t many, gone;

	size_t n;
	struct probes probes;
	struct module modules[4];
	int programs[64];
};

#define GROUP "kallmodsyms_once"

/* A page may have room left. */
static bool add_page(struct list *list)
{
	return add_event(&list->probes) && add_event(&list->probes);
}

static const char *begin_pages(struct list *list)
{
	const char *why;
	struct text text;
	bool fill;

	list->probes.group = GROUP;
	why = find_functions(&list->probes);
	if (why)
		return why;
	fill = add_page(list) && add_page(list) &&
	       text_load(&text, kallmodsyms_path()) && fill_pages(&text, 4);
	if (fill)
		return NULL;
	remove_events(GROUP);
	return "120 kprobes do not fill four pages of slots on this architecture";
}

/* Slots are collected when more than a page of them is unused. */
static bool remove_pages(struct list *list)
{
	int i;

	for (i = 0; i < 4; i++)
		if (!remove_newest_event(&list->probes))
			return false;
	return true;
}

static void end_pages(struct list *list)
{
	remove_events(GROUP);
}

static bool is_page(const struct line *line)
{
	return span_is(line->modules, KPROBES_MODULE);
}

static const char *begin_tracers(struct list *list)
{
	bool traces, there;
	struct text text = {};
	struct line line;

	if (!tracefs())
		return "no tracefs at /sys/kernel/tracing: mount it";
	traces = add_tracer(GROUP, 0) && text_load(&text, kallmodsyms_path());
	there = traces && find_symbol(&text, true, NULL, "[__builtin__ftrace]", &line);
	text_free(&text);
	remove_tracer(GROUP, 0);
	return there ? NULL : traces ? "this architecture makes no ftrace trampolines" :
		"no function tracer";
}

static bool add_list_tracer(struct list *list)
{
	return add_tracer(GROUP, list->n++);
}

static bool remove_list_tracer(struct list *list)
{
	return remove_tracer(GROUP, --list->n);
}

static void end_tracers(struct list *list)
{
	size_t i;

	for (i = 0; i < 64; i++)
		remove_tracer(GROUP, i);
}

static bool is_trampoline(const struct line *line)
{
	return span_is(line->modules, "[__builtin__ftrace]");
}

static const char *begin_modules(struct list *list)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(list->modules); i++)
		if (!named_module(&list->modules[i], i))
			return "no modules that were built for this kernel";
	return NULL;
}

static bool add_module(struct list *list)
{
	return list->n < ARRAY_SIZE(list->modules) &&
	       !load(&list->modules[list->n++]);
}

static bool remove_module(struct list *list)
{
	return !unload(&list->modules[--list->n]);
}

static void end_modules(struct list *list)
{
	size_t i;

	for (i = ARRAY_SIZE(list->modules); i-- > 0;)
		if (list->modules[i].path[0])
			unload(&list->modules[i]);
}

static bool is_init_function(const struct line *line)
{
	return span_is(line->type, "T") &&
	       memmem(line->name.at, line->name.len, "init", 4) &&
	       memmem(line->modules.at, line->modules.len, "[kms_", 5);
}

static bool is_of_module(const struct line *line)
{
	return memmem(line->modules.at, line->modules.len, "[kms_", 5) &&
	       !span_is(line->modules, "[kms_waits]") && !is_init_function(line);
}

/* ftrace keeps the init functions of modules that come while it traces. */
static const char *begin_init_functions(struct list *list)
{
	const char *why = begin_modules(list);

	if (why)
		return why;
	if (!tracefs())
		return "no tracefs at /sys/kernel/tracing: mount it";
	return add_tracer(GROUP, 0) ? NULL : "no function tracer";
}

static void end_init_functions(struct list *list)
{
	end_modules(list);
	remove_tracer(GROUP, 0);
}

static const char *begin_programs(struct list *list)
{
	int fd = load_program("kms_once", 1);
	char compiles[16];

	if (fd < 0)
		return "cannot load a BPF program";
	close(fd);
	if (read_file(BPF_JIT_ENABLE, compiles, sizeof(compiles)) && *compiles == '0')
		return "programs are not compiled: net.core.bpf_jit_enable is 0";
	return write_file(BPF_JIT_KALLSYMS, "1", 0) ? NULL :
		"no " BPF_JIT_KALLSYMS ": CONFIG_BPF_JIT is off";
}

static bool add_program(struct list *list)
{
	int fd = load_program("kms_once", 1 + list->n);

	list->programs[list->n++] = fd;
	return fd >= 0;
}

/* This list grows at its end: what goes is to stand before the place. */
static bool remove_oldest_program(struct list *list)
{
	int i = 0;

	while (list->programs[i] < 0)
		i++;
	close(list->programs[i]);
	list->programs[i] = -1;
	/* It goes a grace period later. */
	usleep(500000);
	return true;
}

static void end_programs(struct list *list)
{
}

static bool is_program(const struct line *line)
{
	return span_is(line->modules, "[bpf]") &&
	       memmem(line->name.at, line->name.len, "_kms_once", 9);
}

FIXTURE(once)
{
	struct list list;
	struct module other;
	char expedited[16], jit_kallsyms[16];
};

FIXTURE_VARIANT(once)
{
	struct list list;
};

FIXTURE_VARIANT_ADD(once, kprobe_pages)
{
	.list = { begin_pages, add_page, remove_pages, end_pages, is_page, 6, 4 },
};

FIXTURE_VARIANT_ADD(once, trampolines)
{
	.list = { begin_tracers, add_list_tracer, remove_list_tracer, end_tracers,
		  is_trampoline, 6, 1 },
};

FIXTURE_VARIANT_ADD(once, init_functions)
{
	.list = { begin_init_functions, add_module, remove_module,
		  end_init_functions, is_init_function, 3, SIZE_MAX },
};

FIXTURE_VARIANT_ADD(once, modules)
{
	.list = { begin_modules, add_module, remove_module, end_modules,
		  is_of_module, 3, SIZE_MAX },
};

FIXTURE_VARIANT_ADD(once, programs)
{
	.list = { begin_programs, add_program, remove_oldest_program,
		  end_programs, is_program, 12, 1 },
};

FIXTURE_SETUP(once)
{
	const char *why;
	bool found;
	size_t i;

	if (geteuid())
		SKIP(return, "needs root to load and to trace");
	self->list = variant->list;
	/*
	 * Some symbols before the list, or amid the modules: in the last 1 KiB
	 * of a buffer no symbol of vmlinux is followed by another.  Trampolines
	 * stand right behind vmlinux where there are no modules, so they fill
	 * that room themselves (60 bytes a line).
	 */
	found = find_module(&self->other, "kms_waits");
	if (!found && self->list.has == is_trampoline)
		self->list.many += 1024 / 60;
	read_file(BPF_JIT_KALLSYMS, self->jit_kallsyms, sizeof(self->jit_kallsyms));
	why = self->list.begin(&self->list);
	if (why)
		SKIP(return, "%s", why);
	if (read_file(EXPEDITED, self->expedited, sizeof(self->expedited)))
		write_file(EXPEDITED, "1", 0);
	for (i = 0; i < self->list.many; i++)
		ASSERT_TRUE(self->list.add(&self->list))
			TH_LOG("number %zu: %s", i, strerror(errno));
	/* The newest module comes first.  What is skipped leaves nothing loaded. */
	if (found)
		ASSERT_EQ(0, load(&self->other));
}

FIXTURE_TEARDOWN_PARENT(once)
{
	variant->list.end(&self->list);
	unload(&self->other);
	write_file(BPF_JIT_KALLSYMS, self->jit_kallsyms, 0);
	write_file(EXPEDITED, self->expedited, 0);
}

static struct text lines_in(const struct text *text,
			    bool (*has)(const struct line *line))
{
	size_t pos = 0, room = 0;
	struct text lines = {};
	struct line line;

	while (each_line(text, &pos, true, &line)) {
		if (!has(&line))
			continue;
		text_add(&lines, &room, line.whole);
		text_add(&lines, &room, LITERAL("\n"));
	}
	return lines;
}

static size_t count_line(const struct text *text, struct span wanted)
{
	size_t at, n = 0;
	struct span line;

	for (at = 0; at < text->len; at += line.len + 1) {
		line = line_around(text, at);
		n += span_same(line, wanted);
	}
	return n;
}

/*
 * Reads up to a place among the lines that @has has, behind @skip of them and
 * before the last @leave.  What comes after it is then not decided yet, since a
 * read that returns less than there is room for, and not the last, has emptied
 * the buffer of the file.  Where that happens depends on where a file is read
 * from and how, so this tries many ways.  Returns -1 if none ends there.
 */
static int read_up_to(struct __test_metadata *_metadata,
		      bool (*has)(const struct line *line), size_t skip,
		      size_t leave, const struct text *all, struct text *head)
{
	size_t start = 0, end = 0, pos = 0, from, room, n = 0, lines = 0, size;
	int fd, way, large, small;
	static char buf[1 << 20];
	struct line line;
	ssize_t got;

	while (each_line(all, &pos, true, &line))
		lines += has(&line);
	for (pos = 0; each_line(all, &pos, true, &line);) {
		if (!has(&line))
			continue;
		if (n == skip)
			start = line.whole.at - all->buf;
		if (n + leave == lines)
			end = line.whole.at - all->buf;
		n++;
	}
	ASSERT_LT(1, start)
		TH_LOG("%zu lines of the list, of which %zu are to be skipped", lines, skip);
	for (way = 0; way < 500; way++) {
		large = 1 + random() % 20;
		small = random() % 4;
		/* Such a read fills a buffer of 64 KiB, but for a line's room. */
		from = large * 64500 + small * 5000 + random() % 5000;
		from = from < start ? start - from : random() % (start / 2);
		fd = open(kallmodsyms_path(), O_RDONLY | O_CLOEXEC);
		ASSERT_EQ(from, lseek(fd, from, SEEK_SET));
		*head = (struct text){};
		room = 0;
		do {
			size = sizeof(buf);
			if (small && random() % (large + 1) == 0) {
				size = 5000;
				small--;
			}
			got = read(fd, buf, size);
			ASSERT_LT(0, got);
			ASSERT_GT(sizeof(buf), got);
			text_add(head, &room, (struct span){ buf, got });
		} while (from + head->len < start);
		if (size == sizeof(buf) && from + head->len <= end)
			return fd;
		text_free(head);
		close(fd);
	}
	TH_LOG("no read ends behind %zu of %zu lines, in %zu bytes", skip, lines,
	       end - start);
	return -1;
}

/* Reads on, and looks for what was in the list before and is now. */
static void expect_once(struct __test_metadata *_metadata, int fd,
			bool (*has)(const struct line *line),
			const struct text *before, struct text *head)
{
	struct text rest, all, after, stays = lines_in(before, has);
	size_t at, n, right = 0, room = head->len, gone = 0;
	struct span line;

	ASSERT_TRUE(text_read(&rest, fd, 1 << 16));
	text_add(head, &room, (struct span){ rest.buf, rest.len });
	ASSERT_TRUE(text_load(&all, kallmodsyms_path()));
	after = lines_in(&all, has);
	for (at = 0; at < stays.len; at += line.len + 1) {
		line = line_around(&stays, at);
		if (!count_line(&after, line)) {
			gone++;
			continue;
		}
		n = count_line(head, line);
		right += n == 1;
		EXPECT_EQ(1, n)
			TH_LOG("\"%.*s\"", (int)line.len, line.at);
	}
	n = 0;
	for (at = 0; at < after.len; at += line.len + 1) {
		line = line_around(&after, at);
		n += !count_line(&stays, line);
	}
	TH_LOG("%zu lines stayed and were there once, %zu came, %zu went",
	       right, n, gone);
	EXPECT_LT(0, right);
	EXPECT_LT(0, n + gone);
}

/* Makes the list longer until a read ends in it, which is mostly at once. */
static int stop_in_list(struct __test_metadata *_metadata, struct list *list,
			size_t skip, struct text *before, struct text *head)
{
	int tries, fd = -1;
	struct line line, first;
	size_t same, pos;

	for (tries = 0; fd < 0 && tries < 8; tries++) {
		if (tries)
			ASSERT_TRUE(list->add(list));
		ASSERT_TRUE(text_load(before, kallmodsyms_path()));
		/* What goes is the newest module. */
		for (pos = same = 0; each_line(before, &pos, true, &line);) {
			if (!list->has(&line))
				continue;
			if (!same)
				first = line;
			if (!span_same(line.modules, first.modules))
				break;
			same++;
		}
		fd = read_up_to(_metadata, list->has, skip < same ? skip : same, 1,
				before, head);
	}
	return fd;
}

TEST_F_TIMEOUT(once, when_one_comes, SLOW_TEST)
{
	struct text before, head;
	int fd;

	fd = stop_in_list(_metadata, &self->list, 1, &before, &head);
	ASSERT_LE(0, fd)
		TH_LOG("no read ends in the list");
	ASSERT_TRUE(self->list.add(&self->list))
		TH_LOG("%s", strerror(errno));
	expect_once(_metadata, fd, self->list.has, &before, &head);
}

TEST_F_TIMEOUT(once, when_one_goes, SLOW_TEST)
{
	struct text before, head;
	int fd;

	fd = stop_in_list(_metadata, &self->list, self->list.gone, &before, &head);
	ASSERT_LE(0, fd)
		TH_LOG("no read ends in the list");
	ASSERT_TRUE(self->list.remove(&self->list))
		TH_LOG("%s", strerror(errno));
	expect_once(_metadata, fd, self->list.has, &before, &head);
}

/* Each of the five, in both files, with nothing coming or going. */
TEST_F_TIMEOUT(trace, init_functions_of_a_module, SLOW_TEST)
{
	struct text sized, plain, lines;
	struct module module;
	size_t at, n = 0;
	struct span line;

	if (!named_module(&module, 0))
		SKIP(return, "no modules that were built for this kernel");
	if (!add_tracer(GROUP, 0))
		SKIP(return, "no function tracer");
	ASSERT_EQ(0, load(&module));
	load_both(_metadata, &sized, &plain);
	EXPECT_EQ(0, unload(&module));
	remove_tracer(GROUP, 0);

	expect_projection(_metadata, &sized, &plain);
	lines = lines_in(&sized, is_init_function);
	for (at = 0; at < lines.len; at += line.len + 1) {
		line = line_around(&lines, at);
		EXPECT_EQ(1, count_line(&lines, line))
			TH_LOG("\"%.*s\"", (int)line.len, line.at);
		n++;
	}
	EXPECT_EQ(5, n);
}

#define HOLD "/sys/module/kms_waits/parameters/hold"

FIXTURE(init)
{
	struct module module;
};

FIXTURE_SETUP(init)
{
	if (geteuid())
		SKIP(return, "needs root to load a module");
	if (!find_module(&self->module, "kms_waits"))
		SKIP(return, "no modules that were built for this kernel");
}

FIXTURE_TEARDOWN_PARENT(init)
{
	unload(&self->module);
}

static bool is_of_waits(const struct line *line)
{
	return span_is(line->modules, "[kms_waits]");
}

/*
 * A module has a symbol table for the time of its initialisation and another,
 * with a part of the symbols, for the time after.
 */
TEST_F_TIMEOUT(init, ends_between_two_records, SLOW_TEST)
{
	struct text before, head, lines;
	int fd, status, tries = 0;
	size_t at, n = 0;
	pid_t pid;

	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		fd = open(self->module.path, O_RDONLY | O_CLOEXEC);
		_exit(syscall(SYS_finit_module, fd, "hold=1", 0) ? errno : 0);
	}
	/* The file is there before the module initialises. */
	while (access(HOLD, F_OK) && !waitpid(pid, &status, WNOHANG) &&
	       tries++ < 10000)
		usleep(1000);
	ASSERT_EQ(0, access(HOLD, F_OK))
		TH_LOG("cannot load %s: status %d", self->module.path, status);
	usleep(100000);

	ASSERT_TRUE(text_load(&before, kallmodsyms_path()));
	lines = lines_in(&before, is_of_waits);
	for (at = 0; at < lines.len; at++)
		n += lines.buf[at] == '\n';
	fd = read_up_to(_metadata, is_of_waits, n / 4, n / 4, &before, &head);
	ASSERT_TRUE(write_file(HOLD, "0", 0));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	ASSERT_EQ(0, status);
	ASSERT_LE(0, fd)
		TH_LOG("no read ends in the module");
	expect_once(_metadata, fd, is_of_waits, &before, &head);
}

int main(int argc, char **argv)
{
	return run_tests(argc, argv);
}
