// SPDX-License-Identifier: GPL-2.0
/*
 * Who sees addresses and sizes: exactly those to whom /proc/kallsyms shows
 * addresses, decided when the file is opened. Names, types and modules stay.
 */
#include "symbols.h"

#define KPTR_RESTRICT "/proc/sys/kernel/kptr_restrict"
#define PARANOID "/proc/sys/kernel/perf_event_paranoid"

#define ROOT 0
#define NOBODY 65534

FIXTURE(hidden)
{
	char kptr_restrict[16], paranoid[16];
};

/* What kallsyms_show_value() makes of each setting. */
FIXTURE_VARIANT(hidden)
{
	const char *kptr_restrict, *paranoid;
	bool from_root, from_nobody;
};

FIXTURE_VARIANT_ADD(hidden, kptr_restrict_0)
{
	.kptr_restrict = "0", .paranoid = "2",
	.from_root = false, .from_nobody = true,
};

FIXTURE_VARIANT_ADD(hidden, kptr_restrict_0_not_paranoid)
{
	.kptr_restrict = "0", .paranoid = "1",
	.from_root = false, .from_nobody = false,
};

FIXTURE_VARIANT_ADD(hidden, kptr_restrict_1)
{
	.kptr_restrict = "1", .paranoid = "1",
	.from_root = false, .from_nobody = true,
};

FIXTURE_VARIANT_ADD(hidden, kptr_restrict_2)
{
	.kptr_restrict = "2", .paranoid = "1",
	.from_root = true, .from_nobody = true,
};

FIXTURE_SETUP(hidden)
{
	if (geteuid() != ROOT)
		SKIP(return, "needs root to set kptr_restrict");
	if (!is_visible(&kallsyms))
		SKIP(return, "kallsyms is hidden already: set kptr_restrict to 0 or 1");
	if (!read_file(PARANOID, self->paranoid, sizeof(self->paranoid)))
		SKIP(return, "no " PARANOID ": CONFIG_PERF_EVENTS is off");
	ASSERT_TRUE(read_file(KPTR_RESTRICT, self->kptr_restrict,
			      sizeof(self->kptr_restrict)));
	ASSERT_TRUE(write_file(PARANOID, variant->paranoid, 0));
	ASSERT_TRUE(write_file(KPTR_RESTRICT, variant->kptr_restrict, 0));
}

FIXTURE_TEARDOWN_PARENT(hidden)
{
	EXPECT_TRUE(write_file(KPTR_RESTRICT, self->kptr_restrict, 0));
	EXPECT_TRUE(write_file(PARANOID, self->paranoid, 0));
}

/*
 * Opens the file as one user and reads it as another. Leaving effective user 0
 * clears the effective capabilities, which are what the kernel asks.
 */
static struct text read_as(struct __test_metadata *_metadata, const char *path,
			   uid_t opener, uid_t reader)
{
	struct text text;
	bool whole;
	int fd;

	ASSERT_EQ(0, seteuid(opener));
	fd = open(path, O_RDONLY | O_CLOEXEC);
	ASSERT_EQ(0, seteuid(ROOT));
	ASSERT_LE(0, fd)
		TH_LOG("user %d cannot open %s", opener, path);
	ASSERT_EQ(0, seteuid(reader));
	whole = text_read(&text, fd, 1 << 16);
	ASSERT_EQ(0, seteuid(ROOT));
	ASSERT_TRUE(whole);
	close(fd);
	return text;
}

static void expect_hidden(struct __test_metadata *_metadata, bool hidden,
			  uid_t opener, uid_t reader)
{
	struct text plain = read_as(_metadata, kallsyms_path(), opener, reader);
	struct text sized = read_as(_metadata, kallmodsyms_path(), opener, reader);
	struct text want_plain = hidden ? hide(&kallsyms, false) : kallsyms;
	struct text want_sized = hidden ? hide(&kallmodsyms, true) : kallmodsyms;

	EXPECT_TRUE(text_same(_metadata, "kallsyms", &plain, &want_plain));
	EXPECT_TRUE(text_same(_metadata, "kallmodsyms", &sized, &want_sized));
}

TEST_F_TIMEOUT(hidden, from_root, SLOW_TEST)
{
	expect_hidden(_metadata, variant->from_root, ROOT, ROOT);
}

TEST_F_TIMEOUT(hidden, from_nobody, SLOW_TEST)
{
	expect_hidden(_metadata, variant->from_nobody, NOBODY, NOBODY);
}

TEST_F_TIMEOUT(hidden, opened_by_root_read_by_nobody, SLOW_TEST)
{
	expect_hidden(_metadata, variant->from_root, ROOT, NOBODY);
}

TEST_F_TIMEOUT(hidden, opened_by_nobody_read_by_root, SLOW_TEST)
{
	expect_hidden(_metadata, variant->from_nobody, NOBODY, ROOT);
}

int main(int argc, char **argv)
{
	return run_tests(argc, argv);
}
