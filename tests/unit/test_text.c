/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"

#include <errno.h>

#include "suites.h"

static void sizes_have_units(void)
{
	uint64_t v = 42;

	CU_ASSERT_EQUAL(text_size("0", &v), 0);
	CU_ASSERT_EQUAL(v, 0);
	CU_ASSERT_EQUAL(text_size("512m", &v), 0);
	CU_ASSERT_EQUAL(v, 512ull << 20);
	CU_ASSERT_EQUAL(text_size("1G", &v), 0);
	CU_ASSERT_EQUAL(v, 1ull << 30);
}

static void wrong_sizes_leave_the_output(void)
{
	static const char *const bad[] = { "", "m", "1mm", "1 m", "-1", "0x10", "1.5g", "m1" };
	static const char *const large[] = { "8388608t", "18446744073709551616",
					     "9223372036854775808" };
	uint64_t v = 42;

	for (unsigned int i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CU_ASSERT_EQUAL(text_size(bad[i], &v), -EINVAL);
	for (unsigned int i = 0; i < sizeof(large) / sizeof(large[0]); i++)
		CU_ASSERT_EQUAL(text_size(large[i], &v), -ERANGE);
	CU_ASSERT_EQUAL(v, 42);
}

static void durations_are_milliseconds(void)
{
	uint64_t v = 0;

	CU_ASSERT_EQUAL(text_duration("3", &v), 0);
	CU_ASSERT_EQUAL(v, 3000);
	CU_ASSERT_EQUAL(text_duration("250ms", &v), 0);
	CU_ASSERT_EQUAL(v, 250);
	CU_ASSERT_EQUAL(text_duration("2m", &v), 0);
	CU_ASSERT_EQUAL(v, 120000);
	CU_ASSERT_EQUAL(text_duration("9999999h", &v), -ERANGE);
	CU_ASSERT_EQUAL(text_duration("1d", &v), -EINVAL);
}

static void cpus_are_thousandths(void)
{
	uint64_t v = 0;

	CU_ASSERT_EQUAL(text_cpus("0.5", &v), 0);
	CU_ASSERT_EQUAL(v, 500);
	CU_ASSERT_EQUAL(text_cpus("2", &v), 0);
	CU_ASSERT_EQUAL(v, 2000);
	CU_ASSERT_EQUAL(text_cpus("1.25", &v), 0);
	CU_ASSERT_EQUAL(v, 1250);
	CU_ASSERT_EQUAL(text_cpus("0", &v), -ERANGE);
	CU_ASSERT_EQUAL(text_cpus("5000", &v), -ERANGE);
	CU_ASSERT_EQUAL(text_cpus("1.", &v), -EINVAL);
	CU_ASSERT_EQUAL(text_cpus(".5", &v), -EINVAL);
	CU_ASSERT_EQUAL(text_cpus("0.0001", &v), -EINVAL);
}

static void numbers_have_a_range(void)
{
	uint64_t v = 7;

	CU_ASSERT_EQUAL(text_number("10", 1, 10, &v), 0);
	CU_ASSERT_EQUAL(v, 10);
	CU_ASSERT_EQUAL(text_number("11", 1, 10, &v), -ERANGE);
	CU_ASSERT_EQUAL(text_number("0", 1, 10, &v), -ERANGE);
	CU_ASSERT_EQUAL(text_number("+1", 1, 10, &v), -EINVAL);
	CU_ASSERT_EQUAL(v, 10);
}

static void the_nearest_name_is_near(void)
{
	static const char *const names[] = { "memory", "pids", "cpus", NULL };

	CU_ASSERT_STRING_EQUAL(text_nearest("memry", names), "memory");
	CU_ASSERT_STRING_EQUAL(text_nearest("pid", names), "pids");
	CU_ASSERT_PTR_NULL(text_nearest("network", names));
	CU_ASSERT_STRING_EQUAL(text_nearest("cpsu", names), "cpus");
	CU_ASSERT_PTR_NULL(text_nearest("pod", (const char *const[]){ "root", NULL }));
	CU_ASSERT_PTR_NULL(text_nearest("foo", (const char *const[]){ "root", NULL }));
	CU_ASSERT_PTR_NULL(text_nearest("", names));
}

static void plain_paths(void)
{
	static const char *const bad[] = { "", "a", "./a", "/a/", "/a//b", "/a/../b", "/.", "//" };

	CU_ASSERT_TRUE(text_path_is_plain("/"));
	CU_ASSERT_TRUE(text_path_is_plain("/a/b.c/..d"));
	for (unsigned int i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CU_ASSERT_FALSE(text_path_is_plain(bad[i]));
}

static void below_is_by_component(void)
{
	CU_ASSERT_TRUE(text_path_below("/a/b", "/a"));
	CU_ASSERT_TRUE(text_path_below("/a", "/a"));
	CU_ASSERT_TRUE(text_path_below("/a", "/"));
	CU_ASSERT_FALSE(text_path_below("/ab", "/a"));
	CU_ASSERT_FALSE(text_path_below("/", "/a"));
}

CU_TestInfo text_tests[] = {
	{ "sizes have units", sizes_have_units },
	{ "wrong sizes leave the output", wrong_sizes_leave_the_output },
	{ "durations are milliseconds", durations_are_milliseconds },
	{ "cpus are thousandths", cpus_are_thousandths },
	{ "numbers have a range", numbers_have_a_range },
	{ "the nearest name is near", the_nearest_name_is_near },
	{ "plain paths", plain_paths },
	{ "below is by component", below_is_by_component },
	CU_TEST_INFO_NULL,
};
