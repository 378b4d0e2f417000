/* SPDX-License-Identifier: Apache-2.0 */
#include "profile.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "builtin.h"
#include "suites.h"

static const char *find(const char *name)
{
	const struct builtin_profile *p = builtin_profile(name);

	return p ? p->text : NULL;
}

static char *slurp(const char *path)
{
	cleanup_fd int fd = open(path, O_RDONLY);
	char *text = NULL;
	size_t n;

	if (fd < 0 || fd_read_all(fd, 1 << 20, &text, &n) < 0)
		return NULL;
	while (n > 0 && text[n - 1] == '\n')
		text[--n] = '\0';
	return text;
}

/* tests/bad-profiles/x.json and the exact words for it in x.err. */
static void bad_profiles_get_their_words(void)
{
	char dir_path[512];
	struct dirent *entry;
	int seen = 0;
	DIR *dir;

	snprintf(dir_path, sizeof(dir_path), "%s/bad-profiles", tests_dir);
	dir = opendir(dir_path);
	CU_ASSERT_PTR_NOT_NULL_FATAL(dir);
	while ((entry = readdir(dir)) != NULL) {
		char path[1024];
		char words[2048];
		char *dot = strstr(entry->d_name, ".json");
		struct spec s = { 0 };
		struct err e = { 0 };
		cleanup_free char *text = NULL;
		cleanup_free char *expected = NULL;

		if (!dot)
			continue;
		seen++;
		snprintf(path, sizeof(path), "%s/%s", dir_path, entry->d_name);
		text = slurp(path);
		snprintf(path, sizeof(path), "%s/%.*s.err", dir_path, (int)(dot - entry->d_name),
			 entry->d_name);
		expected = slurp(path);
		CU_ASSERT_PTR_NOT_NULL_FATAL(text);
		profile_defaults(&s);
		CU_ASSERT_TRUE(profile_apply(&s, entry->d_name, text, find, &e) < 0);
		snprintf(words, sizeof(words), "%s%s%s", e.text, e.hint[0] ? "\n" : "", e.hint);
		if (!expected || strcmp(words, expected) != 0)
			fprintf(stderr, "%s says:\n%s\n", entry->d_name, words);
		CU_ASSERT_PTR_NOT_NULL(expected);
		CU_ASSERT_TRUE(expected && strcmp(words, expected) == 0);
		spec_clear(&s);
	}
	closedir(dir);
	CU_ASSERT_TRUE(seen >= 20);
}

static void extends_comes_first(void)
{
	struct spec s;
	struct err e = { 0 };

	profile_defaults(&s);
	CU_ASSERT_EQUAL(profile_apply(&s, "t",
				      "{\"limits\": {\"pids\": 7}, \"extends\": \"default\"}", find,
				      &e),
			0);
	CU_ASSERT_EQUAL(s.limits.pids, 7);
	CU_ASSERT_EQUAL(s.limits.memory, 512ull << 20);
	spec_clear(&s);
}

/* What is compiled in is what the same text means when it is read. */
static void builtin_profiles_are_as_parsed(void)
{
	for (const struct builtin_profile *p = builtin_profiles; p->name; p++) {
		struct spec s;
		struct err e = { 0 };

		profile_defaults(&s);
		CU_ASSERT_EQUAL(profile_apply(&s, p->name, p->text, find, &e), 0);
		CU_ASSERT_EQUAL(memcmp(&s.limits, &p->spec->limits, sizeof(s.limits)), 0);
		CU_ASSERT_EQUAL(s.uid, p->spec->uid);
		CU_ASSERT_EQUAL(s.gid, p->spec->gid);
		CU_ASSERT_EQUAL(s.network, p->spec->network);
		CU_ASSERT_STRING_EQUAL(s.seccomp, p->spec->seccomp);
		CU_ASSERT_STRING_EQUAL(s.cwd, p->spec->cwd);
		CU_ASSERT_EQUAL_FATAL(s.n_mounts, p->spec->n_mounts);
		for (unsigned int i = 0; i < s.n_mounts; i++) {
			CU_ASSERT_STRING_EQUAL(s.mounts[i].destination,
					       p->spec->mounts[i].destination);
			CU_ASSERT_EQUAL(s.mounts[i].size, p->spec->mounts[i].size);
			CU_ASSERT_EQUAL(s.mounts[i].exec, p->spec->mounts[i].exec);
			CU_ASSERT_EQUAL(s.mounts[i].read_only, p->spec->mounts[i].read_only);
		}
		CU_ASSERT_EQUAL(s.n_env, p->spec->n_env);
		spec_clear(&s);
	}
}

static void a_file_has_the_checksum_of_its_text(void)
{
	const struct builtin_profile *p = builtin_profile("default");
	char path[] = "/tmp/runner-unit-XXXXXX.json";
	int fd = mkstemps(path, 5);
	struct spec s = { 0 };
	struct err e = { 0 };

	CU_ASSERT_TRUE_FATAL(fd >= 0);
	CU_ASSERT_EQUAL(fd_write_all(fd, p->text, strlen(p->text)), 0);
	close(fd);
	CU_ASSERT_EQUAL(profile_load(&s, path, &e), 0);
	CU_ASSERT_STRING_EQUAL(s.profile_sha256, p->sha256);
	spec_clear(&s);
	unlink(path);
	CU_ASSERT_EQUAL(profile_load(&s, path, &e), -ENOENT);
}

CU_TestInfo profile_tests[] = {
	{ "bad profiles get their words", bad_profiles_get_their_words },
	{ "extends comes first", extends_comes_first },
	{ "built-in profiles are as parsed", builtin_profiles_are_as_parsed },
	{ "a file has the checksum of its text", a_file_has_the_checksum_of_its_text },
	CU_TEST_INFO_NULL,
};
