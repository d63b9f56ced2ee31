/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the tests of /proc/kallmodsyms share: a symbol file as one text in
 * memory, a line of it taken apart by the file's grammar, and comparisons that
 * show the first line that differs.
 *
 * main() reads both files before the first test. Each test runs in a child of
 * that process and so has the two texts for nothing: a read takes seconds on
 * an emulated machine.
 */
#ifndef KALLMODSYMS_SYMBOLS_H
#define KALLMODSYMS_SYMBOLS_H

#include <fcntl.h>
#include <limits.h>

#include "kselftest_harness.h"

/* Enough for several reads of 150,000 symbols on an emulated, busy machine. */
#define SLOW_TEST 240

struct text {
	char *buf;
	size_t len;
};

struct span {
	const char *at;
	size_t len;
};

/* A line without its newline; size is empty in kallsyms, modules may be. */
struct line {
	struct span whole, addr, size, type, name, modules;
};

/* Both files as the first process of the program saw them. */
static struct text kallmodsyms, kallsyms;

/* The two paths can be replaced to see how the tests take a wrong file. */
static inline const char *kallmodsyms_path(void)
{
	return getenv("KALLMODSYMS_FILE") ?: "/proc/kallmodsyms";
}

static inline const char *kallsyms_path(void)
{
	return getenv("KALLSYMS_FILE") ?: "/proc/kallsyms";
}

static inline void text_reserve(struct text *text, size_t *room, size_t more)
{
	if (*room - text->len >= more)
		return;
	*room = 2 * *room + more + (1 << 20);
	text->buf = realloc(text->buf, *room);
	if (!text->buf) {
		perror("# realloc");
		abort();
	}
}

/* Reads @fd from where it is to its end, @chunk bytes at a time. */
static inline bool text_read(struct text *text, int fd, size_t chunk)
{
	size_t room = 0;
	ssize_t got;

	*text = (struct text){};
	do {
		text_reserve(text, &room, chunk);
		got = read(fd, text->buf + text->len, chunk);
		if (got > 0)
			text->len += got;
	} while (got > 0 || (got < 0 && errno == EINTR));
	return got == 0;
}

static inline bool text_load(struct text *text, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool ok;

	if (fd < 0)
		return false;
	ok = text_read(text, fd, 1 << 16);
	close(fd);
	return ok;
}

static inline void text_free(struct text *text)
{
	free(text->buf);
	*text = (struct text){};
}

static inline void text_add(struct text *text, size_t *room, struct span span)
{
	text_reserve(text, room, span.len);
	memcpy(text->buf + text->len, span.at, span.len);
	text->len += span.len;
}

#define LITERAL(s) ((struct span){ s, sizeof(s) - 1 })

static inline bool span_is(struct span span, const char *s)
{
	return span.len == strlen(s) && !memcmp(span.at, s, span.len);
}

static inline bool span_same(struct span a, struct span b)
{
	return a.len == b.len && !memcmp(a.at, b.at, a.len);
}

static inline unsigned long span_hex(struct span span)
{
	return strtoul(span.at, NULL, 16);
}

/* Cuts what stands before the first of @ends off the front of @rest. */
static inline struct span cut(struct span *rest, const char *ends)
{
	struct span head = { rest->at, 0 };

	while (head.len < rest->len && !strchr(ends, head.at[head.len]))
		head.len++;
	rest->at += head.len;
	rest->len -= head.len;
	return head;
}

static inline bool skip(struct span *rest, char c)
{
	if (!rest->len || *rest->at != c)
		return false;
	rest->at++;
	rest->len--;
	return true;
}

static inline bool is_lower_hex(struct span span)
{
	size_t i;

	for (i = 0; i < span.len; i++)
		if (!strchr("0123456789abcdef", span.at[i]))
			return false;
	return span.len > 0;
}

/* Checks "[a] [b]": names as lsmod prints them, in byte order, each once. */
static inline const char *check_modules(struct span rest)
{
	struct span last = {}, name;
	int order;

	do {
		if (!skip(&rest, '['))
			return "a '[' that opens a module";
		name = cut(&rest, "[]/- \t");
		if (!name.len || !skip(&rest, ']'))
			return "a module name and ']'";
		if (last.at) {
			order = memcmp(last.at, name.at,
				       last.len < name.len ? last.len : name.len);
			if (order > 0 || (!order && last.len >= name.len))
				return "modules in byte order, each once";
		}
		last = name;
	} while (skip(&rest, ' '));
	return rest.len ? "the end of the line after the last ']'" : NULL;
}

/*
 * Takes the next line off @text at *@pos. Returns NULL, or what the grammar
 * wants where @line has something else:
 *
 *	address SP [ size SP ] type SP name [ TAB module *( SP module ) ] LF
 */
static inline const char *next_line(const struct text *text, size_t *pos,
				    bool sized, struct line *line)
{
	struct span rest = { text->buf + *pos, text->len - *pos };
	const char *end = memchr(rest.at, '\n', rest.len);

	*line = (struct line){};
	if (end)
		rest.len = end - rest.at;
	line->whole = rest;
	*pos += rest.len + !!end;
	if (!end)
		return "a newline at the end of the file";

	line->addr = cut(&rest, " ");
	if (!is_lower_hex(line->addr) ||
	    line->addr.len != 2 * sizeof(unsigned long))
		return "an address of full width in lower-case hex";
	if (!skip(&rest, ' '))
		return "a space after the address";
	if (sized) {
		line->size = cut(&rest, " ");
		if (!is_lower_hex(line->size) ||
		    line->size.len > 2 * sizeof(unsigned long) ||
		    (*line->size.at == '0' && line->size.len > 1))
			return "a size in lower-case hex, no leading zero";
		if (!skip(&rest, ' '))
			return "a space after the size";
	}
	line->type = cut(&rest, " ");
	/* '?': .modinfo of a module that initializes, or an empty section. */
	if (line->type.len != 1 ||
	    (!isalpha(*line->type.at) && *line->type.at != '?'))
		return "a type of one letter";
	if (!skip(&rest, ' '))
		return "a space after the type";
	line->name = cut(&rest, " \t");
	if (!line->name.len || line->name.len > 511)
		return "a name of 1 to 511 bytes";
	if (!rest.len)
		return NULL;
	if (!skip(&rest, '\t'))
		return "a tab or the end of the line after the name";
	line->modules = rest;
	return check_modules(rest);
}

/*
 * For texts whose grammar another test checks: of a line that does not fit,
 * all fields are empty.
 */
static inline bool each_line(const struct text *text, size_t *pos, bool sized,
			     struct line *line)
{
	struct span none;

	if (*pos >= text->len)
		return false;
	if (next_line(text, pos, sized, line)) {
		none = (struct span){ line->whole.at, 0 };
		*line = (struct line){ line->whole, none, none, none, none, none };
	}
	return true;
}

/* The same lines with no address and no size: what hiding should leave. */
static inline struct text hide(const struct text *text, bool sized)
{
	static const char zeros[] = "0000000000000000";
	struct text hidden = {};
	size_t pos = 0, room = 0;
	struct line line;

	while (each_line(text, &pos, sized, &line)) {
		struct span rest = line.type;

		rest.len = line.whole.at + line.whole.len - rest.at;
		text_add(&hidden, &room, (struct span){ zeros, line.addr.len });
		text_add(&hidden, &room, sized ? LITERAL(" 0 ") : LITERAL(" "));
		text_add(&hidden, &room, rest);
		text_add(&hidden, &room, LITERAL("\n"));
	}
	return hidden;
}

/*
 * What /proc/kallsyms should say: no sizes, and brackets only where @plain, a
 * kallsyms text, has some on the same line. The others belong to built-in code.
 */
static inline struct text project(const struct text *text,
				  const struct text *plain)
{
	size_t pos = 0, plain_pos = 0, room = 0;
	struct text projected = {};
	struct line line, other = {};

	while (each_line(text, &pos, true, &line)) {
		if (!each_line(plain, &plain_pos, false, &other))
			other = (struct line){};
		if (!line.addr.len) {
			text_add(&projected, &room, line.whole);
			text_add(&projected, &room, LITERAL("\n"));
			continue;
		}
		text_add(&projected, &room, line.addr);
		text_add(&projected, &room, LITERAL(" "));
		text_add(&projected, &room, line.type);
		text_add(&projected, &room, LITERAL(" "));
		text_add(&projected, &room, line.name);
		if (other.modules.len) {
			text_add(&projected, &room, LITERAL("\t"));
			text_add(&projected, &room, line.modules);
		}
		text_add(&projected, &room, LITERAL("\n"));
	}
	return projected;
}

/* Finds a line by its name and its brackets; either may be NULL for any. */
static inline bool find_symbol(const struct text *text, bool sized,
			       const char *name, const char *modules,
			       struct line *line)
{
	size_t pos = 0;

	while (each_line(text, &pos, sized, line))
		if ((!name || span_is(line->name, name)) &&
		    (!modules || span_is(line->modules, modules)))
			return true;
	return false;
}

/* Is any address or size more than zero? (Per-CPU symbols start at zero.) */
static inline bool is_visible(const struct text *text)
{
	size_t pos = 0;
	struct line line;

	while (each_line(text, &pos, false, &line))
		if (span_hex(line.addr))
			return true;
	return false;
}

static inline struct span line_around(const struct text *text, size_t at)
{
	size_t start = at < text->len ? at : text->len, end = start;

	while (start && text->buf[start - 1] != '\n')
		start--;
	while (end < text->len && text->buf[end] != '\n')
		end++;
	return (struct span){ text->buf + start, end - start };
}

/* Compares byte for byte and shows the first line that differs. */
static inline bool text_same(struct __test_metadata *_metadata,
			     const char *what, const struct text *got,
			     const struct text *want)
{
	size_t shorter = got->len < want->len ? got->len : want->len;
	size_t at = 0, number = 1, i;
	struct span g, w;

	if (got->len == want->len && !memcmp(got->buf, want->buf, got->len))
		return true;
	while (at < shorter && got->buf[at] == want->buf[at])
		at++;
	for (i = 0; i < at; i++)
		number += got->buf[i] == '\n';
	g = line_around(got, at);
	w = line_around(want, at);
	TH_LOG("%s: %zu bytes, want %zu; first difference in line %zu",
	       what, got->len, want->len, number);
	TH_LOG("  got  \"%.*s\"", (int)g.len, g.at);
	TH_LOG("  want \"%.*s\"", (int)w.len, w.at);
	return false;
}

static inline void expect_projection(struct __test_metadata *_metadata,
				     const struct text *sized,
				     const struct text *plain)
{
	struct text projected = project(sized, plain);

	EXPECT_TRUE(text_same(_metadata, "kallmodsyms less sizes and built-in modules",
			      &projected, plain));
	text_free(&projected);
}

/* Both files as they are now, for tests that change what stands in them. */
static inline void load_both(struct __test_metadata *_metadata,
			     struct text *sized, struct text *plain)
{
	ASSERT_TRUE(text_load(sized, kallmodsyms_path()));
	ASSERT_TRUE(text_load(plain, kallsyms_path()));
}

/* A short file such as a sysctl; writes report errno and leave it to the caller. */
static inline bool write_file(const char *path, const char *value, int flags)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC | flags);
	int saved;
	bool ok;

	if (fd < 0)
		return false;
	ok = write(fd, value, strlen(value)) == strlen(value);
	saved = errno;
	close(fd);
	errno = saved;
	return ok;
}

static inline bool read_file(const char *path, char *value, size_t room)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got;

	if (fd < 0)
		return false;
	got = read(fd, value, room - 1);
	close(fd);
	if (got < 0)
		return false;
	value[got] = '\0';
	return true;
}

/* Reads both files, or skips all, before the first test. */
static inline void read_both(void)
{
	if (access(kallmodsyms_path(), F_OK)) {
		ksft_print_header();
		ksft_exit_skip("no %s: CONFIG_KALLMODSYMS is off\n",
			       kallmodsyms_path());
	}
	if (!text_load(&kallmodsyms, kallmodsyms_path()))
		ksft_exit_fail_perror(kallmodsyms_path());
	if (!text_load(&kallsyms, kallsyms_path()))
		ksft_exit_fail_perror(kallsyms_path());
}

/* The body of main(). */
static inline int run_tests(int argc, char **argv)
{
	read_both();
	return test_harness_run(argc, argv);
}

#endif
