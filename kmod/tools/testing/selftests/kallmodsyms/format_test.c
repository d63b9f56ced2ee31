// SPDX-License-Identifier: GPL-2.0
/*
 * What stands in /proc/kallmodsyms: the grammar of its lines, and that it is
 * /proc/kallsyms with sizes and the modules of built-in code added.
 */
#include "symbols.h"

TEST(every_line_fits_the_grammar)
{
	size_t pos = 0, number = 0, wrong = 0;
	const char *wanted;
	struct line line;

	while (pos < kallmodsyms.len) {
		wanted = next_line(&kallmodsyms, &pos, true, &line);
		number++;
		if (wanted && wrong++ < 10)
			TH_LOG("line %zu: \"%.*s\": expected %s", number,
			       (int)line.whole.len, line.whole.at, wanted);
	}
	EXPECT_EQ(0, wrong);
	EXPECT_LT(0, number);
}

TEST(projects_to_kallsyms)
{
	expect_projection(_metadata, &kallmodsyms, &kallsyms);
}

/* A bracket that kallsyms does not print names built-in code, never a module. */
TEST(built_in_brackets_name_no_loaded_module)
{
	size_t pos = 0, plain_pos = 0, built_in = 0, wrong = 0;
	struct text modules = {};
	struct line line, plain;
	char loaded[NAME_MAX + 3];
	struct span rest, name;

	if (!text_load(&modules, "/proc/modules"))
		TH_LOG("no /proc/modules: no module can be loaded");
	while (each_line(&kallmodsyms, &pos, true, &line) &&
	       each_line(&kallsyms, &plain_pos, false, &plain)) {
		if (!line.modules.len || plain.modules.len)
			continue;
		built_in++;
		for (rest = line.modules; skip(&rest, '['); skip(&rest, ' ')) {
			name = cut(&rest, "]");
			skip(&rest, ']');
			snprintf(loaded, sizeof(loaded), "\n%.*s ",
				 (int)name.len, name.at);
			if (span_is(name, "bpf") ||
			    !strncmp(name.at, "__builtin__", 11) ||
			    (modules.len &&
			     (!strncmp(modules.buf, loaded + 1, strlen(loaded + 1)) ||
			      memmem(modules.buf, modules.len, loaded, strlen(loaded))))) {
				if (wrong++ < 10)
					TH_LOG("\"%.*s\": this is no built-in module",
					       (int)line.whole.len, line.whole.at);
			}
		}
	}
	EXPECT_EQ(0, wrong);
	TH_LOG("%zu symbols of built-in modules", built_in);
	if (!built_in)
		SKIP(return, "this kernel has no symbol of a built-in module");
}

/* Almost every symbol has a size, so a file of zeros is a broken one. */
TEST(most_symbols_have_a_size)
{
	size_t pos = 0, lines = 0, zero = 0;
	struct line line;

	if (!is_visible(&kallmodsyms))
		SKIP(return, "hidden from this reader: run as root with kptr_restrict below 2");
	while (each_line(&kallmodsyms, &pos, true, &line)) {
		lines++;
		zero += span_is(line.size, "0");
	}
	TH_LOG("%zu lines, %zu of size zero", lines, zero);
	EXPECT_LT(zero, lines / 4);
}

int main(int argc, char **argv)
{
	return run_tests(argc, argv);
}
