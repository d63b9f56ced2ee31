// SPDX-License-Identifier: GPL-2.0
/*
 * The tracing files take the names of built-in modules: ":mod:ext4" selects the
 * functions whose lines in /proc/kallmodsyms have [ext4], and "ext4:function"
 * is the function of that module.
 */
#include <linux/perf_event.h>
#include <sys/mount.h>

#include "probes.h"

#define DEBUGFS "/sys/kernel/debug"
#define KPROBES DEBUGFS "/kprobes/list"
#define INSTANCE "instances/kallmodsyms_tracer"
#define GROUP "kms_tracer"

/* As ftrace calls a function that is none. */
#define INVALID "__ftrace_invalid_address__"

/* Of how many modules the functions are selected, unless KALLMODSYMS_MODULES= says. */
#define MODULES_TRIED 20

/* A symbol of vmlinux that has a size; functions that ftrace knows have a record. */
struct symbol {
	unsigned long addr, size;
	struct span name, modules;
	bool is_function;
};

struct record {
	/* As ftrace prints it. */
	struct span name;
	const struct symbol *symbol;
};

/* What of the kernel is known to all tests. */
static struct symbol *symbols, **by_name;
static size_t nr_symbols;
static struct text functions;
static struct record *records;
static size_t nr_records;
static const char *why_not;

static bool has_module(struct span modules, struct span module)
{
	const char *end = modules.at + modules.len, *at = modules.at;

	while (at < end && (at = memmem(at, end - at, module.at, module.len))) {
		if (at[-1] == '[' && at[module.len] == ']')
			return true;
		at++;
	}
	return false;
}

static const struct symbol *symbol_at(unsigned long addr)
{
	size_t low = 0, high = nr_symbols;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (symbols[middle].addr <= addr)
			low = middle + 1;
		else
			high = middle;
	}
	if (!low || addr - symbols[low - 1].addr >= symbols[low - 1].size)
		return NULL;
	return &symbols[low - 1];
}

static int compare_spans(struct span a, struct span b)
{
	int order = memcmp(a.at, b.at, a.len < b.len ? a.len : b.len);

	return order ?: (a.len > b.len) - (a.len < b.len);
}

static int compare_names(const void *a, const void *b)
{
	return compare_spans((*(struct symbol *const *)a)->name,
			     (*(struct symbol *const *)b)->name);
}

/* Those of vmlinux come first, and have no brackets in kallsyms. */
static void find_symbols(void)
{
	size_t pos = 0, plain_pos = 0, room = 0;
	struct line line, plain;

	while (each_line(&kallmodsyms, &pos, true, &line) &&
	       each_line(&kallsyms, &plain_pos, false, &plain) &&
	       !plain.modules.len) {
		if (!line.addr.len || !span_hex(line.size))
			continue;
		if (nr_symbols == room) {
			room = 2 * room + 4096;
			symbols = realloc(symbols, room * sizeof(*symbols));
		}
		symbols[nr_symbols++] = (struct symbol){
			.addr = span_hex(line.addr),
			.size = span_hex(line.size),
			.name = line.name,
			.modules = line.modules,
			.is_function = strchr("tTwW", *line.type.at),
		};
	}
	by_name = calloc(nr_symbols, sizeof(*by_name));
	for (pos = 0; pos < nr_symbols; pos++)
		by_name[pos] = &symbols[pos];
	qsort(by_name, nr_symbols, sizeof(*by_name), compare_names);
}

/* "ffffffff81000004 name" or "ffffffffc0000004 name [module]" a line */
static const char *find_records(void)
{
	struct span line, addr;
	char path[64];
	size_t pos;

	if (!tracefs())
		return "no tracefs at /sys/kernel/tracing: mount it";
	snprintf(path, sizeof(path), "%s/available_filter_functions_addrs", tracefs());
	if (!text_load(&functions, path))
		return "no available_filter_functions_addrs: not root, or no CONFIG_DYNAMIC_FTRACE";
	if (!is_visible(&kallmodsyms))
		return "addresses are hidden";
	find_symbols();
	records = calloc(functions.len / 18 + 1, sizeof(*records));
	for (pos = 0; pos < functions.len; pos += line.len + 1) {
		struct span rest = line = line_around(&functions, pos);

		addr = cut(&rest, " ");
		/* What is left of weak functions that were overridden is not traced. */
		if (skip(&rest, ' ') && (rest.len < strlen(INVALID) ||
					 memcmp(rest.at, INVALID, strlen(INVALID))))
			records[nr_records++] = (struct record){
				.name = rest,
				.symbol = symbol_at(span_hex(addr)),
			};
	}
	return nr_records ? NULL : "ftrace has no function";
}

/* How many symbols have the name of one, in all or of a module. */
static size_t namesakes(const struct symbol *symbol, struct span module)
{
	size_t low = 0, high = nr_symbols, count = 0;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (compare_spans(by_name[middle]->name, symbol->name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < nr_symbols && span_same(by_name[low]->name, symbol->name); low++)
		count += !module.at || has_module(by_name[low]->modules, module);
	return count;
}

/* The names of functions that are of @module, or that are not, as ftrace lists them. */
static struct text expected(struct span module, bool is_of)
{
	struct text text = {};
	size_t room = 0, i;

	for (i = 0; i < nr_records; i++) {
		const struct symbol *symbol = records[i].symbol;

		if ((symbol && has_module(symbol->modules, module)) != is_of)
			continue;
		text_add(&text, &room, records[i].name);
		text_add(&text, &room, LITERAL("\n"));
	}
	return text;
}

/*
 * The same of those that begin with four characters, and are of a module whose name
 * is any character and @rest.
 */
static struct text expected_of(const char *function, const char *rest)
{
	size_t room = 0, len = strlen(rest), i;
	struct text text = {};

	for (i = 0; i < nr_records; i++) {
		const struct symbol *symbol = records[i].symbol;
		struct span modules = symbol ? symbol->modules : (struct span){};
		bool is_of = false;

		while (skip(&modules, '[')) {
			struct span module = cut(&modules, "]");

			is_of |= module.len == len + 1 && !memcmp(module.at + 1, rest, len);
			skip(&modules, ']');
			skip(&modules, ' ');
		}
		if (!is_of || strncmp(records[i].name.at, function, 4))
			continue;
		text_add(&text, &room, records[i].name);
		text_add(&text, &room, LITERAL("\n"));
	}
	return text;
}

/* The modules that have a function, each once. */
static size_t find_modules(struct span **modules)
{
	size_t count = 0, i, j;

	*modules = NULL;
	for (i = 0; i < nr_records; i++) {
		struct span rest = records[i].symbol ? records[i].symbol->modules :
						       (struct span){};

		while (skip(&rest, '[')) {
			struct span module = cut(&rest, "]");

			for (j = 0; j < count; j++)
				if (span_same((*modules)[j], module))
					break;
			if (j == count) {
				*modules = realloc(*modules, (count + 1) * sizeof(**modules));
				(*modules)[count++] = module;
			}
			skip(&rest, ']');
			skip(&rest, ' ');
		}
	}
	return count;
}

/* Whether one function can be left out, and another one stays. */
static bool has_two_functions(struct span module)
{
	struct text names = expected(module, true);
	struct span first = line_around(&names, 0);
	bool found = false;
	struct span line;
	size_t pos;

	for (pos = 0; pos < names.len && !found; pos += line.len + 1) {
		line = line_around(&names, pos);
		found = !span_same(first, line);
	}
	text_free(&names);
	return found;
}

FIXTURE(tracer)
{
	struct span *modules;
	size_t nr_modules;
	/* The one that most of the tests are made with. */
	struct span module;
	char name[64];
};

/* A filter is looked at when its line ends, and errors are reported then. */
static bool write_filter(const char *file, const char *filter, int flags)
{
	char path[128], line[2100];

	snprintf(path, sizeof(path), "%s/" INSTANCE "/%s", tracefs(), file);
	snprintf(line, sizeof(line), "%s\n", filter);
	return write_file(path, line, flags);
}

static bool read_filter(const char *file, struct text *text)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/" INSTANCE "/%s", tracefs(), file);
	return text_load(text, path);
}

static bool write_events(const char *command)
{
	char path[64];

	snprintf(path, sizeof(path), "%s/kprobe_events", tracefs());
	return write_file(path, command, O_APPEND);
}

FIXTURE_SETUP(tracer)
{
	char path[128];
	size_t i;

	if (why_not)
		SKIP(return, "%s", why_not);
	self->nr_modules = find_modules(&self->modules);
	if (!self->nr_modules)
		SKIP(return, "no function of a built-in module");
	for (i = 0; i < self->nr_modules; i++) {
		self->module = self->modules[(self->nr_modules / 2 + i) % self->nr_modules];
		if (has_two_functions(self->module))
			break;
	}
	snprintf(self->name, sizeof(self->name), "%.*s", (int)self->module.len,
		 self->module.at);
	snprintf(path, sizeof(path), "%s/" INSTANCE, tracefs());
	ASSERT_TRUE(!mkdir(path, 0700) || errno == EEXIST);
}

FIXTURE_TEARDOWN_PARENT(tracer)
{
	char path[128];

	if (!tracefs())
		return;
	snprintf(path, sizeof(path), "%s/" INSTANCE, tracefs());
	forget_modules(path);
	rmdir(path);
	write_events("-:" GROUP "/");
}

static void expect_selected(struct __test_metadata *_metadata, const char *file,
			    const char *filter, struct text want)
{
	struct text got;

	EXPECT_TRUE(write_filter(file, filter, O_TRUNC))
		TH_LOG("%s: %s: %s", file, filter, strerror(errno));
	ASSERT_TRUE(read_filter(file, &got));
	EXPECT_TRUE(text_same(_metadata, filter, &got, &want));
	text_free(&got);
	text_free(&want);
}

/* Whether a function of a module shares its name. */
static bool has_namesakes(struct span module)
{
	size_t i;

	for (i = 0; i < nr_records; i++)
		if (records[i].symbol && has_module(records[i].symbol->modules, module) &&
		    namesakes(records[i].symbol, (struct span){}) > 1)
			return true;
	return false;
}

/*
 * Names repeat, and files of filters have no addresses.  But they have the order
 * of addresses: where names repeat, a function that is taken for its namesake is
 * out of order in one of two lists, that of the module or that of all others.
 */
TEST_F_TIMEOUT(tracer, selects_the_functions_of_a_module, 4 * SLOW_TEST)
{
	const char *all = getenv("KALLMODSYMS_MODULES");
	size_t tried = all ? strtoul(all, NULL, 0) : MODULES_TRIED, repeated = 0, i;
	char filter[128];

	if (tried > self->nr_modules)
		tried = self->nr_modules;
	for (i = 0; i < tried; i++) {
		struct span module = self->modules[i * self->nr_modules / tried];

		snprintf(filter, sizeof(filter), ":mod:%.*s", (int)module.len, module.at);
		expect_selected(_metadata, "set_ftrace_filter", filter,
				expected(module, true));
		if (!has_namesakes(module))
			continue;
		repeated++;
		snprintf(filter, sizeof(filter), "*:mod:!%.*s", (int)module.len, module.at);
		expect_selected(_metadata, "set_ftrace_filter", filter,
				expected(module, false));
	}
	TH_LOG("%zu of %zu modules, %zu of which have names that repeat", tried,
	       self->nr_modules, repeated);
}

TEST_F_TIMEOUT(tracer, all_that_the_command_takes, SLOW_TEST)
{
	static const char * const loaded[] = { ":mod:*", ":mod:" };
	struct text want = expected(self->module, true), got;
	char filter[700], first[512];
	const char *newline;
	struct span line;
	size_t i, pos;

	snprintf(filter, sizeof(filter), "*:mod:%s", self->name);
	expect_selected(_metadata, "set_ftrace_notrace", filter,
			expected(self->module, true));

	/* One function less. */
	newline = memchr(want.buf, '\n', want.len);
	snprintf(first, sizeof(first), "%.*s", (int)(newline - want.buf), want.buf);
	EXPECT_TRUE(write_filter("set_ftrace_filter", filter, O_TRUNC));
	snprintf(filter, sizeof(filter), "!%s:mod:%s", first, self->name);
	EXPECT_TRUE(write_filter("set_ftrace_filter", filter, O_APPEND));
	ASSERT_TRUE(read_filter("set_ftrace_filter", &got));
	EXPECT_GT(want.len, got.len);
	EXPECT_FALSE(got.len >= strlen(first) && got.buf[strlen(first)] == '\n' &&
		     !memcmp(got.buf, first, strlen(first)));
	text_free(&got);
	text_free(&want);

	/* Patterns of functions and of modules. */
	snprintf(filter, sizeof(filter), "%.4s*:mod:?%s", first, self->name + 1);
	expect_selected(_metadata, "set_ftrace_filter", filter,
			expected_of(first, self->name + 1));

	/* Those are the names of what is loaded: "name [module]", if there is any. */
	for (i = 0; i < ARRAY_SIZE(loaded); i++) {
		write_filter("set_ftrace_filter", loaded[i], O_TRUNC);
		ASSERT_TRUE(read_filter("set_ftrace_filter", &got));
		for (pos = 0; pos < got.len; pos += line.len + 1) {
			line = line_around(&got, pos);
			if (!line.len || memchr(line.at, '[', line.len) ||
			    *line.at == '#' || memchr(line.at, ':', line.len))
				continue;
			EXPECT_EQ(0, line.len)
				TH_LOG("%s selects %.*s", loaded[i], (int)line.len, line.at);
			break;
		}
		text_free(&got);
	}
}

static bool is_kept(const char *module)
{
	struct text text;
	bool found;

	if (!read_filter("set_ftrace_filter", &text))
		return false;
	found = memmem(text.buf, text.len, module, strlen(module));
	text_free(&text);
	return found;
}

TEST_F_TIMEOUT(tracer, refuses_what_selects_nothing, SLOW_TEST)
{
	char filter[2048], name[1001];

	snprintf(filter, sizeof(filter), "kms_nonsense:mod:%s", self->name);
	EXPECT_FALSE(write_filter("set_ftrace_filter", filter, O_TRUNC));
	EXPECT_FALSE(is_kept(self->name));

	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	snprintf(filter, sizeof(filter), ":mod:%s", name);
	EXPECT_FALSE(write_filter("set_ftrace_filter", filter, O_TRUNC));
	EXPECT_FALSE(is_kept("xxxx"));

	/* It may be loaded later. */
	EXPECT_TRUE(write_filter("set_ftrace_filter", ":mod:kms_nonsense", O_TRUNC));
	EXPECT_TRUE(is_kept("kms_nonsense"));
	EXPECT_TRUE(write_filter("set_ftrace_filter", "!*:mod:kms_nonsense", O_APPEND));
	EXPECT_FALSE(is_kept("kms_nonsense"));
}

/*
 * A function that ftrace knows of a module that has no other of this name, and
 * whose name several symbols of the kernel have, or is the only one.
 */
static const struct record *find_function(bool is_ambiguous, struct span *module)
{
	size_t i;

	for (i = 0; i < nr_records; i++) {
		const struct symbol *symbol = records[i].symbol;
		struct span rest = symbol ? symbol->modules : (struct span){};

		/* What the compiler has split is listed by ftrace as well. */
		if (!skip(&rest, '[') || !symbol->is_function || symbol->name.len > 60 ||
		    memchr(symbol->name.at, '.', symbol->name.len) ||
		    !span_same(symbol->name, records[i].name))
			continue;
		*module = cut(&rest, "]");
		if ((namesakes(symbol, (struct span){}) > 1) == is_ambiguous &&
		    namesakes(symbol, *module) == 1)
			return &records[i];
	}
	return NULL;
}

/* "ffffffff81000004  k  name+0x4    [DISABLED]" a line */
static bool is_probed(const struct symbol *symbol, unsigned long offset)
{
	unsigned long addr;
	struct span line;
	struct text list;
	bool found = false;
	size_t pos;

	if (access(KPROBES, F_OK))
		mount("debugfs", DEBUGFS, "debugfs", 0, NULL);
	if (!text_load(&list, KPROBES))
		return false;
	for (pos = 0; pos < list.len; pos += line.len + 1) {
		line = line_around(&list, pos);
		addr = line.len ? strtoul(line.at, NULL, 16) : 0;
		/* A probe at the start stands where ftrace has its call. */
		found |= offset ? addr == symbol->addr + offset :
				  addr - symbol->addr <= 16;
	}
	text_free(&list);
	return found;
}

static bool has_kprobes(void)
{
	char path[64];

	snprintf(path, sizeof(path), "%s/kprobe_events", tracefs());
	return !access(path, F_OK);
}

static void expect_probe(struct __test_metadata *_metadata,
			 const struct symbol *symbol, struct span module)
{
	char command[700], path[64], *probe;
	unsigned long offset;
	struct text events;

	ASSERT_FALSE(is_probed(symbol, 0));
	snprintf(command, sizeof(command), "p:" GROUP "/start %.*s:%.*s",
		 (int)module.len, module.at, (int)symbol->name.len, symbol->name.at);
	probe = strchr(command, ' ') + 1;
	TH_LOG("%s", probe);
	EXPECT_TRUE(write_events(command))
		TH_LOG("%s: %s", command, strerror(errno));
	EXPECT_TRUE(is_probed(symbol, 0));

	snprintf(path, sizeof(path), "%s/kprobe_events", tracefs());
	ASSERT_TRUE(text_load(&events, path));
	EXPECT_NE(NULL, memmem(events.buf, events.len, command, strlen(command)));
	text_free(&events);
	EXPECT_TRUE(write_events("-:" GROUP "/start"));
	EXPECT_FALSE(is_probed(symbol, 0));

	*command = 'r';
	EXPECT_TRUE(write_events(command));
	EXPECT_TRUE(is_probed(symbol, 0));
	EXPECT_TRUE(write_events("-:" GROUP "/start"));

	/* Where instructions begin only the kernel knows. */
	*command = 'p';
	for (offset = 17; offset < symbol->size; offset++) {
		sprintf(strchr(probe, ':') + 1, "%.*s+%lu",
			(int)symbol->name.len, symbol->name.at, offset);
		if (write_events(command))
			break;
	}
	if (offset < symbol->size) {
		EXPECT_TRUE(is_probed(symbol, offset));
		EXPECT_TRUE(write_events("-:" GROUP "/start"));
	}
}

TEST_F_TIMEOUT(tracer, probes_a_function_by_its_module, SLOW_TEST)
{
	const struct record *record;
	struct span module;

	if (!has_kprobes())
		SKIP(return, "no kprobe_events: CONFIG_KPROBE_EVENTS is off");
	record = find_function(false, &module);
	ASSERT_NE(NULL, record);
	expect_probe(_metadata, record->symbol, module);
}

TEST_F_TIMEOUT(tracer, tells_functions_of_one_name_apart, SLOW_TEST)
{
	const struct record *record;
	struct span module;
	char command[700];

	if (!has_kprobes())
		SKIP(return, "no kprobe_events: CONFIG_KPROBE_EVENTS is off");
	record = find_function(true, &module);
	if (!record)
		SKIP(return, "no function of a built-in module shares its name");
	snprintf(command, sizeof(command), "p:" GROUP "/any %.*s",
		 (int)record->name.len, record->name.at);
	EXPECT_FALSE(write_events(command));
	expect_probe(_metadata, record->symbol, module);
}

/* "module:function" of which the module has several */
static bool find_several(char *name, size_t room)
{
	size_t i;

	for (i = 0; i < nr_symbols; i++) {
		struct span rest = symbols[i].modules;

		if (!symbols[i].is_function || !skip(&rest, '['))
			continue;
		rest = cut(&rest, "]");
		if (namesakes(&symbols[i], rest) < 2)
			continue;
		snprintf(name, room, "%.*s:%.*s", (int)rest.len, rest.at,
			 (int)symbols[i].name.len, symbols[i].name.at);
		return true;
	}
	return false;
}

/* Expects an event to be refused, with an error that points at @probe. */
static void expect_refused(struct __test_metadata *_metadata, const char *probe,
			   const char *error)
{
	char command[1200], caret[2600], path[64];
	struct text log;

	snprintf(command, sizeof(command), "p:" GROUP "/bad %s", probe);
	snprintf(path, sizeof(path), "%s/error_log", tracefs());
	write_file(path, "", O_TRUNC);
	EXPECT_FALSE(write_events(command))
		TH_LOG("%s is taken", command);
	ASSERT_TRUE(text_load(&log, path));
	EXPECT_NE(NULL, memmem(log.buf, log.len, error, strlen(error)))
		TH_LOG("%s: %.*s", probe, (int)log.len, log.buf);
	snprintf(caret, sizeof(caret), "  Command: %s\n%*s^\n", command,
		 (int)(strlen("  Command: ") + strlen(command) - strlen(probe)), "");
	EXPECT_NE(NULL, memmem(log.buf, log.len, caret, strlen(caret)))
		TH_LOG("%s: %.*s", probe, (int)log.len, log.buf);
	text_free(&log);
}

TEST_F_TIMEOUT(tracer, refuses_a_probe_that_never_comes, SLOW_TEST)
{
	const struct record *record;
	char probe[1100], module[1001];

	if (!has_kprobes())
		SKIP(return, "no kprobe_events: CONFIG_KPROBE_EVENTS is off");
	snprintf(probe, sizeof(probe), "%s:kms_nonsense", self->name);
	expect_refused(_metadata, probe, "Invalid probed address or symbol");
	snprintf(probe, sizeof(probe), "%s:", self->name);
	expect_refused(_metadata, probe, "Invalid probed address or symbol");
	snprintf(probe, sizeof(probe), "%s:a:b", self->name);
	expect_refused(_metadata, probe, "Invalid probed address or symbol");
	record = find_function(false, &(struct span){});
	ASSERT_NE(NULL, record);
	if (find_several(probe, sizeof(probe)))
		expect_refused(_metadata, probe, "not unique");

	memset(module, 'x', sizeof(module) - 1);
	module[sizeof(module) - 1] = '\0';
	snprintf(probe, sizeof(probe), "p:" GROUP "/bad vfs_read a=@%s:f", self->name);
	EXPECT_FALSE(write_events(probe));

	/* They may be loaded later; patterns are no names. */
	snprintf(probe, sizeof(probe), "p:" GROUP "/later %s:f", module);
	EXPECT_TRUE(write_events(probe));
	EXPECT_TRUE(write_events("-:" GROUP "/later"));
	EXPECT_TRUE(write_events("p:" GROUP "/later kms_nonsense:kms_nonsense"));
	EXPECT_TRUE(write_events("-:" GROUP "/later"));
	snprintf(probe, sizeof(probe), "p:" GROUP "/later %.2s*:%.*s", self->name,
		 (int)record->name.len, record->name.at);
	EXPECT_TRUE(write_events(probe));
	EXPECT_FALSE(is_probed(record->symbol, 0));
	EXPECT_TRUE(write_events("-:" GROUP "/later"));
}

static int open_kprobe(const char *function)
{
	struct perf_event_attr attr = {
		.size = sizeof(attr),
		.kprobe_func = (unsigned long)function,
		.disabled = 1,
	};
	char type[16];

	if (!read_file("/sys/bus/event_source/devices/kprobe/type", type, sizeof(type)))
		return -1;
	attr.type = strtoul(type, NULL, 10);
	return syscall(SYS_perf_event_open, &attr, -1, 0, -1, PERF_FLAG_FD_CLOEXEC);
}

TEST_F_TIMEOUT(tracer, perf_probes_a_function_by_its_module, SLOW_TEST)
{
	const struct record *record;
	struct span module;
	char name[700];
	int fd;

	if (access("/sys/bus/event_source/devices/kprobe/type", F_OK))
		SKIP(return, "no kprobe PMU: CONFIG_KPROBE_EVENTS or CONFIG_PERF_EVENTS is off");
	record = find_function(true, &module) ?: find_function(false, &module);
	ASSERT_NE(NULL, record);
	snprintf(name, sizeof(name), "%.*s:%.*s", (int)module.len, module.at,
		 (int)record->name.len, record->name.at);
	fd = open_kprobe(name);
	ASSERT_LE(0, fd)
		TH_LOG("%s: %s", name, strerror(errno));
	EXPECT_TRUE(is_probed(record->symbol, 0));
	close(fd);

	snprintf(name, sizeof(name), "%s:kms_nonsense", self->name);
	EXPECT_EQ(-1, open_kprobe(name));
	EXPECT_EQ(ENOENT, errno);
	if (find_several(name, sizeof(name))) {
		EXPECT_EQ(-1, open_kprobe(name));
		EXPECT_EQ(EADDRNOTAVAIL, errno);
	}
}

#define INSN(c, d, s, o, i) \
	((struct bpf_insn){ .code = (c), .dst_reg = (d), .src_reg = (s), .off = (o), .imm = (i) })

/* What bpf_kallsyms_lookup_name() says of a name of at most 127 bytes. */
static int look_up(const char *name, __u64 *addr)
{
	struct bpf_insn insns[64];
	union bpf_attr attr = {};
	__u64 words[16] = {}, ctx = 0;
	size_t count = 0, i;
	int fd, failed;

	memcpy(words, name, strnlen(name, sizeof(words) - 1));
	insns[count++] = INSN(BPF_ALU64 | BPF_MOV | BPF_X, 6, 1, 0, 0);
	for (i = 0; i < ARRAY_SIZE(words); i++) {
		insns[count++] = INSN(BPF_LD | BPF_DW | BPF_IMM, 1, 0, 0, words[i]);
		insns[count++] = INSN(0, 0, 0, 0, words[i] >> 32);
		insns[count++] = INSN(BPF_STX | BPF_MEM | BPF_DW, 10, 1, -128 + 8 * i, 0);
	}
	insns[count++] = INSN(BPF_ST | BPF_MEM | BPF_DW, 10, 0, -136, 0);
	insns[count++] = INSN(BPF_ALU64 | BPF_MOV | BPF_X, 1, 10, 0, 0);
	insns[count++] = INSN(BPF_ALU64 | BPF_ADD | BPF_K, 1, 0, 0, -128);
	insns[count++] = INSN(BPF_ALU64 | BPF_MOV | BPF_K, 2, 0, 0, strlen(name) + 1);
	insns[count++] = INSN(BPF_ALU64 | BPF_MOV | BPF_K, 3, 0, 0, 0);
	insns[count++] = INSN(BPF_ALU64 | BPF_MOV | BPF_X, 4, 10, 0, 0);
	insns[count++] = INSN(BPF_ALU64 | BPF_ADD | BPF_K, 4, 0, 0, -136);
	insns[count++] = INSN(BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_kallsyms_lookup_name);
	insns[count++] = INSN(BPF_LDX | BPF_MEM | BPF_DW, 1, 10, -136, 0);
	insns[count++] = INSN(BPF_STX | BPF_MEM | BPF_DW, 6, 1, 0, 0);
	insns[count++] = INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0);

	attr.prog_type = BPF_PROG_TYPE_SYSCALL;
	attr.prog_flags = BPF_F_SLEEPABLE;
	attr.insns = (unsigned long)insns;
	attr.insn_cnt = count;
	attr.license = (unsigned long)"GPL";
	fd = syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr));
	if (fd < 0)
		return -1;
	attr = (union bpf_attr){};
	attr.test.prog_fd = fd;
	attr.test.ctx_in = (unsigned long)&ctx;
	attr.test.ctx_size_in = sizeof(ctx);
	failed = syscall(SYS_bpf, BPF_PROG_TEST_RUN, &attr, sizeof(attr));
	close(fd);
	*addr = ctx;
	return failed;
}

TEST_F_TIMEOUT(tracer, bpf_finds_a_symbol_by_its_module, SLOW_TEST)
{
	const struct record *record;
	struct span module;
	char name[128];
	__u64 addr;

	record = find_function(true, &module) ?: find_function(false, &module);
	ASSERT_NE(NULL, record);
	snprintf(name, sizeof(name), "%.*s:%.*s", (int)module.len, module.at,
		 (int)record->name.len, record->name.at);
	if (look_up(name, &addr))
		SKIP(return, "cannot run a BPF program: %s", strerror(errno));
	EXPECT_EQ(record->symbol->addr, addr);

	snprintf(name, sizeof(name), "%s:kms_nonsense", self->name);
	ASSERT_EQ(0, look_up(name, &addr));
	EXPECT_EQ(0, addr);
}

int main(int argc, char **argv)
{
	read_both();
	why_not = find_records();
	return test_harness_run(argc, argv);
}
