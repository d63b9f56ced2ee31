/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the tests share that load something: modules, BPF programs, probes.
 */
#ifndef KALLMODSYMS_LOADING_H
#define KALLMODSYMS_LOADING_H

#include <linux/bpf.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "symbols.h"

/* Where the modules are that are built with the tests: beside the programs. */
#define MODULES "test_modules"

struct module {
	char path[PATH_MAX];
	char name[NAME_MAX];
	char bracket[NAME_MAX + 2];
};

/* Is false if no module was built. */
static inline bool find_module(struct module *module, const char *name)
{
	char self[PATH_MAX - NAME_MAX - sizeof("/" MODULES "/.ko")];
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self));
	char *end = len > 0 ? memrchr(self, '/', len) : NULL;

	*module = (struct module){};
	if (!end || len == sizeof(self))
		return false;
	*end = '\0';
	snprintf(module->path, sizeof(module->path), "%s/" MODULES, self);
	if (access(module->path, F_OK))
		return false;
	snprintf(module->path, sizeof(module->path), "%s/" MODULES "/%s.ko",
		 self, name);
	snprintf(module->name, sizeof(module->name), "%s", name);
	snprintf(module->bracket, sizeof(module->bracket), "[%s]", name);
	return true;
}

/* The modules of which some stay and some go; false after the last. */
static inline bool named_module(struct module *module, size_t index)
{
	static const char * const names[] = {
		"kms_stays", "kms_goes_1", "kms_goes_2", "kms_goes_3",
	};

	return index < ARRAY_SIZE(names) && find_module(module, names[index]);
}

static inline int load(const struct module *module)
{
	int fd = open(module->path, O_RDONLY | O_CLOEXEC);
	int failed;

	if (fd < 0)
		return -1;
	failed = syscall(SYS_finit_module, fd, "", 0);
	close(fd);
	return failed;
}

static inline int unload(const struct module *module)
{
	return syscall(SYS_delete_module, module->name, O_NONBLOCK);
}

/* The lines of one module, with no address: a module loads where it likes. */
static inline struct text lines_of(const struct text *text, const char *bracket)
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

/*
 * No line of @part, all of one module, may be one of the module with lines
 * @other. Its own lines are not compared with those that it has when loaded:
 * while a module initialises, its init symbols are listed, too.
 */
static inline bool none_mixed(struct __test_metadata *_metadata,
			      const struct text *part, const struct text *own,
			      const struct text *other)
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

#define BPF_JIT_KALLSYMS "/proc/sys/net/core/bpf_jit_kallsyms"
#define BPF_JIT_ENABLE "/proc/sys/net/core/bpf_jit_enable"

/* Loads a program of @moves moves and an exit. */
static inline int load_program(const char *name, size_t moves)
{
	struct bpf_insn insns[256] = {};
	union bpf_attr attr = {};
	size_t i;

	for (i = 0; i < moves; i++) {
		insns[i].code = BPF_ALU64 | BPF_MOV | BPF_K;
		insns[i].imm = i;
	}
	insns[i].code = BPF_JMP | BPF_EXIT;
	attr.prog_type = BPF_PROG_TYPE_SOCKET_FILTER;
	attr.insns = (unsigned long)insns;
	attr.insn_cnt = moves + 1;
	attr.license = (unsigned long)"GPL";
	snprintf(attr.prog_name, sizeof(attr.prog_name), "%s", name);
	return syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr));
}

static inline const char *tracefs(void)
{
	static const char * const places[] = {
		"/sys/kernel/tracing", "/sys/kernel/debug/tracing",
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(places); i++) {
		char path[64];

		snprintf(path, sizeof(path), "%s/trace", places[i]);
		if (!access(path, F_OK))
			return places[i];
	}
	return NULL;
}

#endif
