/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Kprobes that take pages of slots, and function tracers that take trampolines.
 */
#ifndef KALLMODSYMS_PROBES_H
#define KALLMODSYMS_PROBES_H

#include "loading.h"

/*
 * A probe that could be optimized takes a slot of some 140 bytes besides one of
 * 16, and this many fill a page.  They are never enabled: no code is patched.
 */
#define PROBES_OF_EVENT 30

/* Events whose names are numbers from @first up to @next, of @group. */
struct probes {
	const char *group;
	unsigned int first, next;
	/* Functions, one a line, and where the next one is that has no probe. */
	struct text functions;
	size_t pos;
	/* Of the first instruction that ftrace does not have to itself. */
	int offset;
};

static inline bool write_probe(const char *format, ...)
{
	char path[64], probe[256];
	va_list args;

	va_start(args, format);
	vsnprintf(probe, sizeof(probe), format, args);
	va_end(args);
	snprintf(path, sizeof(path), "%s/kprobe_events", tracefs());
	return write_file(path, probe, O_APPEND);
}

/*
 * Where ftrace has its call in kernel_clone(): it takes the probes there, which
 * need no slot then.  Behind the ENDBR of a kernel with IBT that is not 0.
 */
static inline int ftrace_offset(void)
{
	struct span line, address;
	struct text functions;
	struct line symbol;
	int offset = 0;
	char path[64];
	size_t pos;

	snprintf(path, sizeof(path), "%s/available_filter_functions_addrs",
		 tracefs());
	if (!find_symbol(&kallsyms, false, "kernel_clone", NULL, &symbol) ||
	    !text_load(&functions, path))
		return 0;
	for (pos = 0; pos < functions.len; pos += line.len + 1) {
		struct span rest = line = line_around(&functions, pos);

		address = cut(&rest, " ");
		if (skip(&rest, ' ') && span_is(rest, "kernel_clone"))
			offset = span_hex(address) - span_hex(symbol.addr);
	}
	text_free(&functions);
	return offset;
}

/*
 * Says why there can be no probes, or returns NULL.  Where instructions begin
 * only the kernel knows; those of ftrace are as long in one function as in any.
 */
static inline const char *find_functions(struct probes *probes)
{
	char path[64];

	if (!tracefs())
		return "no tracefs at /sys/kernel/tracing: mount it";
	snprintf(path, sizeof(path), "%s/kprobe_events", tracefs());
	if (access(path, F_OK))
		return "no kprobe_events: CONFIG_KPROBE_EVENTS is off";
	snprintf(path, sizeof(path), "%s/available_filter_functions", tracefs());
	if (!text_load(&probes->functions, path))
		return "no available_filter_functions: CONFIG_DYNAMIC_FTRACE is off";
	for (probes->offset = ftrace_offset() + 1; probes->offset < 64; probes->offset++)
		if (write_probe("p:%s/first kernel_clone+%d", probes->group,
				probes->offset))
			break;
	return write_probe("-:%s/first", probes->group) ? NULL :
		"no probe in kernel_clone";
}

static inline size_t count_of(const struct text *text, const char *name,
			      const char *modules)
{
	size_t pos = 0, count = 0;
	struct line line;

	while (each_line(text, &pos, true, &line))
		count += (!name || span_is(line.name, name)) &&
			 span_is(line.modules, modules);
	return count;
}

#define KPROBES_MODULE "[__builtin__kprobes]"

/*
 * Whether each of some events has a page of slots, so that pages come and go
 * with events.  Where nothing is optimized a page has room for hundreds of slots.
 */
static inline bool fill_pages(const struct text *text, size_t events)
{
	return count_of(text, NULL, KPROBES_MODULE) >= events;
}

/* Adds an event with probes in functions that have none.  */
static inline bool add_event(struct probes *probes)
{
	struct span line, name;
	int made = 0;

	while (made < PROBES_OF_EVENT && probes->pos < probes->functions.len) {
		line = line_around(&probes->functions, probes->pos);
		probes->pos += line.len + 1;
		name = cut(&line, " \t");
		/* Those of modules go with their modules. */
		if (!line.len)
			made += write_probe("p:%s/e%u %.*s+%d", probes->group,
					    probes->next, (int)name.len, name.at,
					    probes->offset);
	}
	probes->next += made > 0;
	return made == PROBES_OF_EVENT;
}

static inline bool remove_oldest_event(struct probes *probes)
{
	return probes->first < probes->next &&
	       write_probe("-:%s/e%u", probes->group, probes->first++);
}

static inline bool remove_newest_event(struct probes *probes)
{
	return probes->first < probes->next &&
	       write_probe("-:%s/e%u", probes->group, --probes->next);
}

static inline void remove_events(const char *group)
{
	write_probe("-:%s/", group);
}

/*
 * An instance of the function tracer, which gets a trampoline of its own, as
 * the instance is allocated.  It traces what hardly ever runs.
 */
static inline bool write_tracer(const char *name, size_t number,
				const char *file, const char *value)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/instances/%s_%zu/%s", tracefs(), name,
		 number, file);
	return write_file(path, value, 0);
}

static inline bool add_tracer(const char *name, size_t number)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/instances/%s_%zu", tracefs(), name, number);
	/* A buffer has megabytes if nobody says otherwise. */
	return !mkdir(path, 0700) &&
	       write_tracer(name, number, "buffer_size_kb", "4") &&
	       write_tracer(name, number, "set_ftrace_filter", "kernel_clone") &&
	       write_tracer(name, number, "current_tracer", "function");
}

/*
 * Linux 6.12 does not free the names of modules that an instance waits for when
 * the instance goes: they have to go first.
 */
static inline void forget_modules(const char *instance)
{
	static const char *const files[] = { "set_ftrace_filter", "set_ftrace_notrace" };
	char path[192];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(files); i++) {
		snprintf(path, sizeof(path), "%s/%s", instance, files[i]);
		write_file(path, "", O_TRUNC);
	}
}

static inline bool remove_tracer(const char *name, size_t number)
{
	char path[128];

	write_tracer(name, number, "current_tracer", "nop");
	snprintf(path, sizeof(path), "%s/instances/%s_%zu", tracefs(), name, number);
	forget_modules(path);
	return !rmdir(path);
}

/*
 * Grace periods that do not wait: each probe that is removed has one, and there
 * are hundreds of them.
 */
#define EXPEDITED "/sys/kernel/rcu_expedited"

#endif
