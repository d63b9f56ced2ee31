// SPDX-License-Identifier: GPL-2.0
/*
 * Readers of four kinds while modules, ftrace's copies of their init functions,
 * ftrace trampolines, BPF programs and pages of kprobe slots come and go.
 * Whatever they read is checked: vmlinux is there byte for byte; a module, its
 * init functions, trampolines, BPF programs and pages that stay are there once
 * and in order; and no line is torn or mixes two modules.
 *
 *	KALLMODSYMS_CYCLES=2000 ./stress_test
 *
 * A cycle is the loading and unloading of one module.
 */
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

#include "probes.h"

#define CYCLES "KALLMODSYMS_CYCLES"
#define MODULES_MAX 8
#define PROGRAMS 10
/* One more of them comes and goes. */
#define TRACERS 3
/* On x86 they take some 160 pages, which fill two records. */
#define EVENTS 180
#define GROUP "kallmodsyms_stress"
#define LONGEST_TEST 7200

/* What the processes tell each other. */
struct progress {
	bool stop;
	unsigned int module_cycles, programs, probes, events, trampolines;
	unsigned int selections;
	unsigned int passes[4], passes_with_others, passes_with_pages;
};

/* The first module stays. */
struct scene {
	struct progress *progress;
	struct module modules[MODULES_MAX];
	struct text module_lines[MODULES_MAX];
	size_t n_modules;
	bool has_programs, has_probes, has_pages, has_tracers;
	/* A built-in module that has functions which ftrace knows, if there is any. */
	char built_in[64];
	/* The file up to the symbols of modules, and the lines after that which stay. */
	struct text vmlinux, stays;
	/* Of those, trampolines and pages, which have no names of their own. */
	struct text nameless;
	struct probes probes;
};

FIXTURE(stress)
{
	struct scene scene;
	char jit_kallsyms[16], expedited[16];
};

FIXTURE_SETUP(stress)
{
	struct scene *scene = &self->scene;

	if (geteuid())
		SKIP(return, "needs root to load modules");
	while (scene->n_modules < MODULES_MAX &&
	       named_module(&scene->modules[scene->n_modules], scene->n_modules))
		scene->n_modules++;
	if (scene->n_modules < 2)
		SKIP(return, "no " MODULES ": none was built for this kernel");
	scene->progress = mmap(NULL, sizeof(*scene->progress),
			       PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			       -1, 0);
	ASSERT_NE(MAP_FAILED, scene->progress);
	if (read_file(EXPEDITED, self->expedited, sizeof(self->expedited)))
		ASSERT_TRUE(write_file(EXPEDITED, "1", 0));
	scene->has_programs = read_file(BPF_JIT_KALLSYMS, self->jit_kallsyms,
					sizeof(self->jit_kallsyms));
	if (scene->has_programs)
		ASSERT_TRUE(write_file(BPF_JIT_KALLSYMS, "1", 0));
}

/* What a failed test left behind. */
FIXTURE_TEARDOWN_PARENT(stress)
{
	size_t i;

	if (self->scene.has_programs)
		write_file(BPF_JIT_KALLSYMS, self->jit_kallsyms, 0);
	for (i = 0; i < self->scene.n_modules; i++)
		unload(&self->scene.modules[i]);
	remove_events(GROUP);
	for (i = 0; i <= TRACERS; i++)
		remove_tracer(GROUP, i);
	write_file(EXPEDITED, self->expedited, 0);
}

static bool is_nameless(struct line line)
{
	return span_is(line.modules, "[__builtin__ftrace]") ||
	       span_is(line.modules, KPROBES_MODULE);
}

/*
 * Is it a line of what stays?  Init functions have the module's brackets, and
 * what has no name can be told by its address.
 */
static bool is_to_stay(const struct scene *scene, struct line line)
{
	return span_is(line.modules, scene->modules[0].bracket) ||
	       (span_is(line.modules, "[bpf]") &&
		memmem(line.name.at, line.name.len, "_kms_stays", 10)) ||
	       (is_nameless(line) &&
		memmem(scene->nameless.buf, scene->nameless.len,
		       line.whole.at, line.whole.len));
}

/*
 * Checks what was read after vmlinux: all of it if @whole, otherwise it may end
 * anywhere.
 */
static bool check_loaded(struct __test_metadata *_metadata,
			 struct scene *scene, const struct text *text,
			 bool whole)
{
	struct text stays = {}, part;
	size_t pos = 0, room = 0, i, j;
	bool right = true, others = false, pages = false;
	const char *wanted;
	struct line line;

	while (right && pos < text->len) {
		wanted = next_line(text, &pos, true, &line);
		if (wanted && !whole && pos == text->len &&
		    text->buf[text->len - 1] != '\n')
			break;
		if (wanted)
			TH_LOG("wanted %s in \"%.*s\"", wanted,
			       (int)line.whole.len, line.whole.at);
		right &= !wanted;
		if (!wanted && is_to_stay(scene, line)) {
			text_add(&stays, &room, line.whole);
			text_add(&stays, &room, LITERAL("\n"));
		} else {
			pages |= span_is(line.modules, KPROBES_MODULE);
		}
	}
	part = scene->stays;
	if (!whole && stays.len < part.len)
		part.len = stays.len;
	right = right && text_same(_metadata, "what stays", &stays, &part);
	text_free(&stays);

	for (i = 1; right && i < scene->n_modules; i++) {
		part = lines_of(text, scene->modules[i].bracket);
		others |= part.len > 0;
		for (j = 0; j < scene->n_modules; j++)
			right &= j == i ||
				 none_mixed(_metadata, &part, &scene->module_lines[i],
					    &scene->module_lines[j]);
		text_free(&part);
	}
	__atomic_add_fetch(&scene->progress->passes_with_others, others,
			   __ATOMIC_RELAXED);
	__atomic_add_fetch(&scene->progress->passes_with_pages, pages,
			   __ATOMIC_RELAXED);
	return right;
}

/* Checks @len bytes that were read at @at, as far as vmlinux goes. */
static bool check_vmlinux(struct __test_metadata *_metadata,
			  const struct scene *scene, const char *buf,
			  size_t at, size_t len)
{
	const struct text *vmlinux = &scene->vmlinux;
	struct span line;

	if (at >= vmlinux->len)
		return true;
	if (len > vmlinux->len - at)
		len = vmlinux->len - at;
	if (!memcmp(vmlinux->buf + at, buf, len))
		return true;
	line = line_around(vmlinux, at);
	TH_LOG("%zu bytes at %zu are not those of \"%.*s\" and so on", len, at,
	       (int)line.len, line.at);
	return false;
}

/* Large reads of the whole file. */
static bool read_large(struct __test_metadata *_metadata, struct scene *scene)
{
	struct text text = {}, rest;
	bool right;

	if (!text_load(&text, kallmodsyms_path()) ||
	    text.len < scene->vmlinux.len) {
		TH_LOG("%zu bytes: %s", text.len, strerror(errno));
		return false;
	}
	rest = (struct text){ text.buf + scene->vmlinux.len,
			      text.len - scene->vmlinux.len };
	right = check_vmlinux(_metadata, scene, text.buf, 0, text.len) &&
		check_loaded(_metadata, scene, &rest, true);
	text_free(&text);
	return right;
}

/* What comes after vmlinux, up to @most bytes at a time. */
static bool read_loaded(struct __test_metadata *_metadata,
			struct scene *scene, int fd, size_t most)
{
	static char buf[1 << 16];
	struct text text = {};
	size_t room = 0;
	ssize_t got;
	bool right;

	if (lseek(fd, scene->vmlinux.len, SEEK_SET) < 0) {
		TH_LOG("lseek: %s", strerror(errno));
		return false;
	}
	while ((got = read(fd, buf, 1 + random() % most)) > 0) {
		text_add(&text, &room, (struct span){ buf, got });
		if (most < 1024)
			sched_yield();
	}
	if (got)
		TH_LOG("read: %s", strerror(errno));
	right = !got && check_loaded(_metadata, scene, &text, true);
	text_free(&text);
	return right;
}

/* Tiny reads: many modules come and go on the way. */
static bool read_tiny(struct __test_metadata *_metadata, struct scene *scene)
{
	int fd = open(kallmodsyms_path(), O_RDONLY | O_CLOEXEC);
	bool right = read_loaded(_metadata, scene, fd, 200);

	close(fd);
	return right;
}

/* Pieces of vmlinux from anywhere. */
static bool read_pieces(struct __test_metadata *_metadata,
			const struct scene *scene, int fd, bool seeks)
{
	static char buf[20000];
	size_t at, len;
	ssize_t got;
	int i;

	for (i = 0; i < 5; i++) {
		at = random() % scene->vmlinux.len;
		len = 1 + random() % sizeof(buf);
		if (!seeks)
			got = pread(fd, buf, len, at);
		else if (lseek(fd, at, SEEK_SET) == at)
			got = read(fd, buf, len);
		else
			got = -1;
		if (got <= 0) {
			TH_LOG("%zu bytes at %zu: %s", len, at,
			       got ? strerror(errno) : "nothing there");
			return false;
		}
		if (!check_vmlinux(_metadata, scene, buf, at, got))
			return false;
	}
	return true;
}

/* Seeks to and fro, in a file that stays open. */
static bool read_seeking(struct __test_metadata *_metadata, struct scene *scene)
{
	static int fd = -1;

	if (fd < 0)
		fd = open(kallmodsyms_path(), O_RDONLY | O_CLOEXEC);
	return read_pieces(_metadata, scene, fd, true) &&
	       read_loaded(_metadata, scene, fd, 5000);
}

/* Reads at a place, without moving to it. */
static bool read_at(struct __test_metadata *_metadata, struct scene *scene)
{
	static char buf[1 << 20];
	static int fd = -1;
	struct text text = { buf };
	ssize_t got;

	if (fd < 0)
		fd = open(kallmodsyms_path(), O_RDONLY | O_CLOEXEC);
	if (!read_pieces(_metadata, scene, fd, false))
		return false;
	got = pread(fd, buf, sizeof(buf), scene->vmlinux.len);
	if (got <= 0) {
		TH_LOG("pread: %s", got ? strerror(errno) : "nothing there");
		return false;
	}
	text.len = got;
	return check_loaded(_metadata, scene, &text, false);
}

static bool stopped(const struct scene *scene)
{
	return __atomic_load_n(&scene->progress->stop, __ATOMIC_RELAXED);
}

static void count(unsigned int *what)
{
	__atomic_add_fetch(what, 1, __ATOMIC_RELAXED);
}

static bool come_and_go(struct __test_metadata *_metadata,
			struct scene *scene, const struct module *module)
{
	int tries = 0;

	if (load(module)) {
		TH_LOG("cannot load %s: %s", module->name, strerror(errno));
		return false;
	}
	usleep(random() % 2000);
	while (unload(module)) {
		if (errno != EAGAIN || tries++ == 1000) {
			TH_LOG("cannot unload %s: %s", module->name,
			       strerror(errno));
			return false;
		}
		usleep(1000);
	}
	count(&scene->progress->module_cycles);
	usleep(random() % 2000);
	return true;
}

static bool change_programs(struct __test_metadata *_metadata,
			    struct scene *scene)
{
	int fd[PROGRAMS], i, n = 0;

	while (n < PROGRAMS) {
		fd[n] = load_program("kms_goes", 1 + random() % 200);
		if (fd[n] < 0)
			break;
		count(&scene->progress->programs);
		n++;
	}
	if (n < PROGRAMS)
		TH_LOG("cannot load a BPF program: %s", strerror(errno));
	for (i = 0; i < n; i++)
		close(fd[i]);
	usleep(random() % 20000);
	return n == PROGRAMS;
}

/* Makes pages of slots for probes that nobody enables. */
static bool change_pages(struct __test_metadata *_metadata,
			 struct scene *scene)
{
	struct probes probes = scene->probes;

	if (add_event(&probes) && add_event(&probes) &&
	    remove_oldest_event(&probes) && remove_oldest_event(&probes)) {
		count(&scene->progress->events);
		count(&scene->progress->events);
		return true;
	}
	TH_LOG("cannot make or remove probes: %s", strerror(errno));
	return false;
}

/* What a tracer that stays is not to trace. */
static bool leave_out(const char *module)
{
	char filter[80];

	snprintf(filter, sizeof(filter), ":mod:%s\n", module);
	return write_tracer(GROUP, 0, "set_ftrace_notrace", filter);
}

static void find_built_in(struct scene *scene)
{
	struct line line = {}, plain;
	size_t pos = 0, plain_pos = 0;
	struct span last = {};

	while (each_line(&kallmodsyms, &pos, true, &line) &&
	       each_line(&kallsyms, &plain_pos, false, &plain) &&
	       !plain.modules.len) {
		struct span rest = line.modules;

		if (!rest.len || (last.len && span_same(last, rest)))
			continue;
		last = rest;
		skip(&rest, '[');
		rest = cut(&rest, "]");
		snprintf(scene->built_in, sizeof(scene->built_in), "%.*s",
			 (int)rest.len, rest.at);
		if (leave_out(scene->built_in))
			return;
	}
	*scene->built_in = '\0';
}

/* A probe that is enabled and a function tracer make the kernel change code. */
static bool change_code(struct __test_metadata *_metadata, struct scene *scene)
{
	unsigned int cycles = scene->progress->module_cycles;
	char path[128];

	if (scene->has_probes &&
	    write_probe("p:" GROUP "/slot kernel_clone+%d", scene->probes.offset)) {
		snprintf(path, sizeof(path), "%s/events/" GROUP "/slot/enable",
			 tracefs());
		if (write_file(path, "1", 0) && write_file(path, "0", 0))
			count(&scene->progress->probes);
		write_probe("-:" GROUP "/slot");
	}
	if (scene->has_tracers) {
		if (!add_tracer(GROUP, TRACERS) || !remove_tracer(GROUP, TRACERS)) {
			TH_LOG("no function tracer: %s", strerror(errno));
			return false;
		}
		count(&scene->progress->trampolines);
		/* One that is built in, and one that may be loaded or is waited for. */
		if (*scene->built_in && !leave_out(scene->built_in)) {
			TH_LOG(":mod:%s: %s", scene->built_in, strerror(errno));
			return false;
		}
		leave_out(scene->modules[1].name);
		count(&scene->progress->selections);
	}

	/*
	 * Modules wait with ftrace for all tasks to schedule, which takes most
	 * of a second.  So once in 10 module cycles is enough.
	 */
	while (!stopped(scene) &&
	       __atomic_load_n(&scene->progress->module_cycles,
			       __ATOMIC_RELAXED) < cycles + 10)
		usleep(1000);
	return true;
}

/*
 * Makes what stays of probes and tracers.  While one traces, ftrace copies the
 * init functions of modules that are loaded.
 */
static void begin_probes(struct __test_metadata *_metadata,
			 struct scene *scene)
{
	struct probes *probes = &scene->probes;
	const char *why;
	size_t i;

	probes->group = GROUP;
	why = find_functions(probes);
	scene->has_probes = !why;
	if (why)
		TH_LOG("no kprobes: %s", why);
	for (i = 0; scene->has_probes && i < EVENTS; i++)
		ASSERT_TRUE(add_event(probes))
			TH_LOG("event %zu of kprobes: %s", i, strerror(errno));
	probes->first = probes->next;

	scene->has_tracers = tracefs() && add_tracer(GROUP, 0);
	if (!scene->has_tracers)
		TH_LOG("no function tracer: no init functions and no trampolines");
	for (i = 1; scene->has_tracers && i < TRACERS; i++)
		ASSERT_TRUE(add_tracer(GROUP, i));
	if (scene->has_tracers)
		find_built_in(scene);
}

/* Loads what stays, and remembers what is to be read of it. */
static void begin(struct __test_metadata *_metadata, struct scene *scene)
{
	size_t i, pos, room = 0, nameless_room = 0, lines = 0, nameless = 0;
	struct text text;
	struct line line;
	char name[16];

	begin_probes(_metadata, scene);
	for (i = scene->n_modules; i-- > 0;) {
		ASSERT_FALSE(find_symbol(&kallsyms, false, NULL,
					 scene->modules[i].bracket, &line))
			TH_LOG("%s is loaded already", scene->modules[i].name);
		ASSERT_EQ(0, load(&scene->modules[i]))
			TH_LOG("cannot load %s: %s", scene->modules[i].path,
			       strerror(errno));
		ASSERT_TRUE(text_load(&text, kallmodsyms_path()));
		scene->module_lines[i] = lines_of(&text, scene->modules[i].bracket);
		ASSERT_LT(0, scene->module_lines[i].len);
		text_free(&text);
		if (i)
			ASSERT_EQ(0, unload(&scene->modules[i]));
	}
	for (i = 0; scene->has_programs && i < PROGRAMS; i++) {
		snprintf(name, sizeof(name), "kms_stays_%zu", i);
		ASSERT_LE(0, load_program(name, 1 + 11 * i))
			TH_LOG("cannot load a BPF program: %s", strerror(errno));
	}

	ASSERT_TRUE(text_load(&text, kallmodsyms_path()));
	/* The newest module comes first, and that is the one that stays. */
	ASSERT_TRUE(find_symbol(&text, true, NULL, scene->modules[0].bracket, &line));
	scene->vmlinux = (struct text){ text.buf, line.whole.at - text.buf };
	pos = scene->vmlinux.len;
	while (each_line(&text, &pos, true, &line)) {
		if (is_nameless(line)) {
			text_add(&scene->nameless, &nameless_room, line.whole);
			text_add(&scene->nameless, &nameless_room, LITERAL("\n"));
			nameless++;
		}
		if (!is_to_stay(scene, line))
			continue;
		text_add(&scene->stays, &room, line.whole);
		text_add(&scene->stays, &room, LITERAL("\n"));
		lines++;
	}
	scene->has_pages = scene->has_probes && fill_pages(&text, EVENTS);
	if (scene->has_probes && !scene->has_pages)
		TH_LOG("no pages of kprobes that go: a page takes more than an event");
	TH_LOG("%zu lines are to stay, %zu of them trampolines and pages of kprobes",
	       lines, nameless);
}

TEST_F_TIMEOUT(stress, what_stays_is_read_once_and_whole, LONGEST_TEST)
{
	static bool (* const readers[])(struct __test_metadata *_metadata,
					struct scene *scene) = {
		read_large, read_tiny, read_seeking, read_at,
	};
	unsigned int wanted = atoi(getenv(CYCLES) ?: "100"), tenths = 1;
	struct scene *scene = &self->scene;
	struct progress *progress = scene->progress;
	size_t n_readers = ARRAY_SIZE(readers), n_children = 0, i;
	/* After the readers: one for each module that goes, and for the others. */
	size_t programs = n_readers + scene->n_modules - 1;
	size_t pages = programs + 1, code = pages + 1;
	bool right = true, enough;
	int status;
	pid_t pid;

	begin(_metadata, scene);
	for (i = 0; i <= code; i++) {
		if ((i == programs && !scene->has_programs) ||
		    (i == pages && !scene->has_probes) ||
		    (i == code && !scene->has_probes && !scene->has_tracers))
			continue;
		pid = fork();
		ASSERT_LE(0, pid);
		n_children++;
		if (pid)
			continue;

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		srandom(i);
		/*
		 * Most are always ready to run.  Modules wait for the kernel
		 * most of the time, and are what readers are to see.
		 */
		if (i >= n_readers && i < programs)
			setpriority(PRIO_PROCESS, 0, -20);
		while (right && !stopped(scene)) {
			if (i < n_readers) {
				right = readers[i](_metadata, scene);
				count(&progress->passes[i]);
			} else if (i < programs) {
				right = come_and_go(_metadata, scene,
						    &scene->modules[i - n_readers + 1]);
			} else if (i == programs) {
				right = change_programs(_metadata, scene);
			} else if (i == pages) {
				right = change_pages(_metadata, scene);
			} else {
				right = change_code(_metadata, scene);
			}
		}
		_exit(!right);
	}

	do {
		usleep(100000);
		enough = progress->module_cycles >= wanted;
		while (tenths <= 10 &&
		       progress->module_cycles >= wanted * tenths / 10) {
			TH_LOG("%u of %u module cycles", wanted * tenths / 10, wanted);
			tenths++;
		}
		for (i = 0; i < n_readers; i++)
			enough &= progress->passes[i] > 0;
		right = !waitpid(-1, &status, WNOHANG);
	} while (right && !enough);
	progress->stop = true;
	EXPECT_TRUE(right)
		TH_LOG("one of the processes found something wrong: see above");
	for (i = !right; i < n_children; i++) {
		EXPECT_LT(0, wait(&status));
		EXPECT_EQ(0, status);
	}
	TH_LOG("%u module cycles (%u wanted), %u BPF programs, %u trampolines",
	       progress->module_cycles, wanted, progress->programs,
	       progress->trampolines);
	TH_LOG("%u times functions were selected by their module",
	       progress->selections);
	TH_LOG("%u kprobes that were enabled, %u events of %u that were not",
	       progress->probes, progress->events, PROBES_OF_EVENT);
	TH_LOG("reads: %u large, %u tiny, %u seeking, %u pread",
	       progress->passes[0], progress->passes[1], progress->passes[2],
	       progress->passes[3]);
	TH_LOG("%u of them saw modules that go, %u pages of kprobes that go",
	       progress->passes_with_others, progress->passes_with_pages);
	EXPECT_LT(0, progress->passes_with_others);
	if (scene->has_pages)
		EXPECT_LT(0, progress->passes_with_pages);
	if (scene->has_tracers)
		EXPECT_LT(0, progress->trampolines);
}

int main(int argc, char **argv)
{
	return run_tests(argc, argv);
}
