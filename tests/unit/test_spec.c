/* SPDX-License-Identifier: Apache-2.0 */
#include "spec.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "profile.h"
#include "suites.h"

static void the_same_destination_is_replaced(void)
{
	struct spec s;
	struct err e = { 0 };
	struct spec_mount m = { .type = SPEC_MOUNT_TMPFS, .destination = "/x", .size = 1 };

	profile_defaults(&s);
	CU_ASSERT_EQUAL(spec_add_mount(&s, &m, &e), 0);
	m.size = 2;
	CU_ASSERT_EQUAL(spec_add_mount(&s, &m, &e), 0);
	CU_ASSERT_EQUAL(s.n_mounts, 1);
	CU_ASSERT_EQUAL(s.mounts[0].size, 2);
	m.destination = "/x/../y";
	CU_ASSERT_EQUAL(spec_add_mount(&s, &m, &e), -EINVAL);
	CU_ASSERT_EQUAL(s.n_mounts, 1);
	spec_clear(&s);
}

static void lists_are_bounded(void)
{
	struct spec s;
	struct err e = { 0 };
	int r = 0;

	profile_defaults(&s);
	for (int i = 0; r == 0 && i < 1000; i++) {
		char name[16];

		snprintf(name, sizeof(name), "V%d", i);
		r = spec_add_env(&s, spec_strdup(&s, name), "x", &e);
	}
	CU_ASSERT_EQUAL(r, -E2BIG);
	CU_ASSERT_EQUAL(s.n_env, SPEC_MAX_ENV);
	spec_clear(&s);
	CU_ASSERT_EQUAL(s.n_env, 0);
	spec_clear(&s); /* an empty one is fine */
}

static void limits_have_ranges(void)
{
	struct spec s;
	struct err e = { 0 };

	profile_defaults(&s);
	CU_ASSERT_EQUAL(spec_check(&s, &e), 0);
	s.limits.pids = 0;
	CU_ASSERT_EQUAL(spec_check(&s, &e), -ERANGE);
	CU_ASSERT_PTR_NOT_NULL(strstr(e.text, "pids"));
	s.limits.pids = UNLIMITED;
	s.limits.memory = 4096;
	CU_ASSERT_EQUAL(spec_check(&s, &e), -ERANGE);
	spec_clear(&s);
}

static void the_callers_environment_is_searched_by_whole_names(void)
{
	static const char *const environment[] = { "AB=1", "A=2", NULL };
	struct spec s;

	profile_defaults(&s);
	s.caller_env = environment;
	CU_ASSERT_STRING_EQUAL(spec_caller_env(&s, "A"), "2");
	CU_ASSERT_PTR_NULL(spec_caller_env(&s, "B"));
	spec_clear(&s);
}

CU_TestInfo spec_tests[] = {
	{ "the same destination is replaced", the_same_destination_is_replaced },
	{ "lists are bounded", lists_are_bounded },
	{ "limits have ranges", limits_have_ranges },
	{ "the caller's environment is searched by whole names",
	  the_callers_environment_is_searched_by_whole_names },
	CU_TEST_INFO_NULL,
};
