/* SPDX-License-Identifier: Apache-2.0 */
#include "options.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "suites.h"

static struct spec spec;
static struct err err;

/* The spec borrows the words, so they must outlive the call's own array. */
static int parse(const char *const *list)
{
	static const char *words[32];
	unsigned int n = 0;

	do {
		words[n] = list[n];
	} while (list[n++]);
	spec_clear(&spec);
	memset(&err, 0, sizeof(err));
	return options_parse(&spec, (char *const *)(uintptr_t)words, NULL, &err);
}

#define PARSE(...) parse((const char *const[]){ "exec", __VA_ARGS__, NULL })

static void a_file_or_a_command(void)
{
	CU_ASSERT_EQUAL(PARSE("a.py", "--timeout", "x"), OPTIONS_RUN);
	CU_ASSERT_EQUAL(spec.command, SPEC_COMMAND_FILE);
	CU_ASSERT_STRING_EQUAL(spec.argv[0], "a.py");
	CU_ASSERT_STRING_EQUAL(spec.argv[1], "--timeout");
	CU_ASSERT_EQUAL(PARSE("--", "a.py"), OPTIONS_RUN);
	CU_ASSERT_EQUAL(spec.command, SPEC_COMMAND_INSIDE);
	CU_ASSERT_EQUAL(PARSE("--timeout", "1", "--", "--", "x"), OPTIONS_RUN);
	CU_ASSERT_STRING_EQUAL(spec.argv[0], "--");
}

static void both_ways_to_write_a_value(void)
{
	CU_ASSERT_EQUAL(PARSE("--timeout=3", "--pids", "9", "a"), OPTIONS_RUN);
	CU_ASSERT_EQUAL(spec.limits.wall_ms, 3000);
	CU_ASSERT_EQUAL(spec.limits.pids, 9);
}

static void the_profile_comes_first_wherever_it_stands(void)
{
	CU_ASSERT_EQUAL(PARSE("--pids", "9", "--profile", "strategy", "a"), OPTIONS_RUN);
	CU_ASSERT_EQUAL(spec.limits.pids, 9);
	CU_ASSERT_STRING_EQUAL(spec.seccomp, "no-fork");
}

static void no_abbreviations(void)
{
	CU_ASSERT_EQUAL(PARSE("--time", "3", "a"), -EINVAL);
	CU_ASSERT_STRING_EQUAL(err.text, "unknown option '--time'");
	CU_ASSERT_EQUAL(PARSE("--timeuot", "3", "a"), -EINVAL);
	CU_ASSERT_STRING_EQUAL(err.hint, "did you mean --timeout?");
	CU_ASSERT_EQUAL(PARSE("-t", "3", "a"), -EINVAL);
}

static void nothing_to_run(void)
{
	CU_ASSERT_EQUAL(PARSE("--timeout", "3"), -EINVAL);
	CU_ASSERT_STRING_EQUAL(err.text, "there is nothing to run");
	CU_ASSERT_EQUAL(PARSE("--timeout"), -EINVAL);
	CU_ASSERT_STRING_EQUAL(err.text, "--timeout needs a value: TIME");
	CU_ASSERT_EQUAL(PARSE("--help"), OPTIONS_HELP);
	CU_ASSERT_EQUAL(PARSE("--pids", "5", "-h"), OPTIONS_HELP);
	CU_ASSERT_EQUAL(PARSE("a", "--help"), OPTIONS_RUN);
}

static void mounts(void)
{
	const struct spec_mount *m;

	CU_ASSERT_EQUAL(PARSE("--bind", "/usr:/w", "--ro-bind", "/usr:/r", "--bind", "/usr:/x:exec",
			      "--tmpfs", "/t:1m:exec", "a"),
			OPTIONS_RUN);
	m = &spec.mounts[spec.n_mounts - 4];
	CU_ASSERT_STRING_EQUAL(m[0].source, "/usr");
	CU_ASSERT_STRING_EQUAL(m[0].destination, "/w");
	CU_ASSERT_FALSE(m[0].read_only);
	CU_ASSERT_FALSE(m[0].exec);
	CU_ASSERT_TRUE(m[1].read_only);
	CU_ASSERT_TRUE(m[1].exec);
	CU_ASSERT_STRING_EQUAL(m[2].destination, "/x");
	CU_ASSERT_TRUE(m[2].exec);
	CU_ASSERT_EQUAL(m[3].size, 1 << 20);
	CU_ASSERT_TRUE(m[3].exec);
	CU_ASSERT_EQUAL(PARSE("--bind", ":/w", "a"), -EINVAL);
	CU_ASSERT_STRING_EQUAL(err.text, "--bind ':/w': no source is named");
	CU_ASSERT_EQUAL(PARSE("--tmpfs", "/t:0", "a"), -EINVAL);
}

static const struct spec_mount *last_mount(void)
{
	return &spec.mounts[spec.n_mounts - 1];
}

static void mount_words(void)
{
	CU_ASSERT_EQUAL(PARSE("--bind", "/usr:/w:ro", "a"), OPTIONS_RUN);
	CU_ASSERT_STRING_EQUAL(last_mount()->destination, "/w");
	CU_ASSERT_TRUE(last_mount()->read_only);
	CU_ASSERT_TRUE(last_mount()->exec && last_mount()->exec_implied);
	CU_ASSERT_EQUAL(PARSE("--bind", "/usr:/w:rw,exec:optional", "a"), OPTIONS_RUN);
	CU_ASSERT_FALSE(last_mount()->read_only);
	CU_ASSERT_TRUE(last_mount()->exec && last_mount()->optional);
	CU_ASSERT_FALSE(last_mount()->exec_implied);
	CU_ASSERT_EQUAL(PARSE("--ro-bind", "/usr:/w:noexec,nodev", "a"), OPTIONS_RUN);
	CU_ASSERT_FALSE(last_mount()->exec);
	CU_ASSERT_EQUAL(PARSE("--ro-bind", "/usr:exec", "a"), OPTIONS_RUN);
	CU_ASSERT_STRING_EQUAL(last_mount()->destination, "/usr");
	CU_ASSERT_FALSE(last_mount()->exec_implied);
	CU_ASSERT_EQUAL(PARSE("--tmpfs", "/t:ro:1m", "a"), OPTIONS_RUN);
	CU_ASSERT_TRUE(last_mount()->read_only);
	CU_ASSERT_EQUAL(last_mount()->size, 1 << 20);

	CU_ASSERT_EQUAL(PARSE("--ro-bind", "/usr:/w:rw", "a"), -EINVAL);
	CU_ASSERT_EQUAL(PARSE("--bind", "/usr:/w:readonly", "a"), -EINVAL);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "'readonly' is not one of ro, rw, exec"));
	CU_ASSERT_EQUAL(PARSE("--bind", "/usr:/w:exce", "a"), -EINVAL);
	CU_ASSERT_STRING_EQUAL(err.hint, "did you mean 'exec'?");
	CU_ASSERT_EQUAL(PARSE("--bind", "/usr:/w:suid", "a"), -EINVAL);
	CU_ASSERT_STRING_EQUAL(err.hint, "a colon that belongs to a path is written \\:");
	CU_ASSERT_EQUAL(PARSE("--bind", "/usr:/w:", "a"), -EINVAL);
	CU_ASSERT_EQUAL(PARSE("--bind", "/usr:/w:/x", "a"), -EINVAL);
	CU_ASSERT_EQUAL(PARSE("--bind", "/usr:w", "a"), -EINVAL);
}

static void a_colon_of_a_path(void)
{
	CU_ASSERT_EQUAL(PARSE("--bind", "/a\\:b\\\\c\\d:/w\\:ro:ro", "a"), OPTIONS_RUN);
	CU_ASSERT_STRING_EQUAL(last_mount()->source, "/a:b\\c\\d");
	CU_ASSERT_STRING_EQUAL(last_mount()->destination, "/w:ro");
	CU_ASSERT_TRUE(last_mount()->read_only);
	CU_ASSERT_EQUAL(PARSE("--tmpfs", "/t\\:1m", "a"), OPTIONS_RUN);
	CU_ASSERT_STRING_EQUAL(last_mount()->destination, "/t:1m");
	spec_clear(&spec);
}

/* Each row of the help is an option that exists. */
static void help_lists_what_is_parsed(void)
{
	char text[8192];
	FILE *f = fmemopen(text, sizeof(text), "w");
	int rows = 0;

	options_help(f);
	fclose(f);
	for (char *p = text; (p = strstr(p, "\n  --")) != NULL; p++)
		rows++;
	CU_ASSERT_TRUE(rows >= 24);
	spec_clear(&spec);
}

CU_TestInfo options_tests[] = {
	{ "a file or a command", a_file_or_a_command },
	{ "both ways to write a value", both_ways_to_write_a_value },
	{ "the profile comes first wherever it stands",
	  the_profile_comes_first_wherever_it_stands },
	{ "no abbreviations", no_abbreviations },
	{ "nothing to run", nothing_to_run },
	{ "mounts", mounts },
	{ "words of a mount", mount_words },
	{ "a colon of a path", a_colon_of_a_path },
	{ "help lists what is parsed", help_lists_what_is_parsed },
	CU_TEST_INFO_NULL,
};
