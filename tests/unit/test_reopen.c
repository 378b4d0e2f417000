/* SPDX-License-Identifier: Apache-2.0 */
/* What was looked at is what is opened, also when something else has its name by then. */
#define _GNU_SOURCE
#include "base/reopen.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "suites.h"

static char dir[64];

static const char *in_dir(const char *name)
{
	static char path[2][128];
	static int turn;

	turn = !turn;
	snprintf(path[turn], sizeof(path[turn]), "%s/%s", dir, name);
	return path[turn];
}

static void put(const char *name, const char *text)
{
	FILE *f = fopen(in_dir(name), "w");

	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	fputs(text, f);
	fclose(f);
}

static int look(const char *path, struct stat *ret)
{
	int fd = open(path, O_PATH | O_CLOEXEC);

	CU_ASSERT_TRUE_FATAL(fd >= 0 && fstat(fd, ret) == 0);
	return fd;
}

static void is(long fd, const char *text)
{
	char got[8] = "";

	CU_ASSERT_TRUE_FATAL(fd >= 0);
	CU_ASSERT_TRUE(read((int)fd, got, sizeof(got) - 1) >= 0);
	CU_ASSERT_STRING_EQUAL(got, text);
	close((int)fd);
}

static void begin(mode_t mode)
{
	snprintf(dir, sizeof(dir), "/tmp/reopen-XXXXXX");
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(dir));
	CU_ASSERT_EQUAL(chmod(dir, mode), 0);
	put("x", "first");
	put("y", "other");
}

static void end(void)
{
	unlink(in_dir("x"));
	unlink(in_dir("y"));
	CU_ASSERT_EQUAL(rmdir(dir), 0);
}

/* The file in whose place x then stands; was that one opened meanwhile? */
static bool other_is_opened(void)
{
	char events[256];
	char path[128];
	struct stat st;
	int fd;
	int watch = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	bool opened;

	snprintf(path, sizeof(path), "%s", in_dir("x"));
	fd = look(path, &st);
	CU_ASSERT_EQUAL(rename(in_dir("y"), in_dir("x")), 0);
	CU_ASSERT_TRUE_FATAL(inotify_add_watch(watch, in_dir("x"), IN_OPEN) >= 0);
	is(reopen(fd, path, &st), "first");
	opened = read(watch, events, sizeof(events)) > 0;
	close(watch);
	close(fd);
	return opened;
}

static void where_only_the_caller_writes(void)
{
	begin(0755);
	/* By its name, and then not taken. (Also what shows that the watch sees it.) */
	CU_ASSERT_TRUE(other_is_opened());
	end();
}

static void where_others_write(void)
{
	static const mode_t modes[] = { 0757, 0775, 01777 };

	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		begin(modes[i]);
		CU_ASSERT_FALSE(other_is_opened());
		end();
	}
}

/* Who owns it can put anything there. */
static void where_another_owns_it(void)
{
	enum { SOMEBODY = 12345 };

	if (getuid() != 0)
		return;
	begin(0755);
	CU_ASSERT_EQUAL_FATAL(chown(dir, SOMEBODY, SOMEBODY), 0);
	CU_ASSERT_FALSE(other_is_opened());
	end();
}

/* Somebody moved the directory away and left a link in its place, to one that is settled. */
static void where_a_link_leads(void)
{
	char link[72];
	char path[80];
	char events[256];
	struct stat st;
	int fd;
	int watch = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);

	begin(0755);
	snprintf(link, sizeof(link), "%s-link", dir);
	snprintf(path, sizeof(path), "%s/y", link);
	fd = look(in_dir("x"), &st);
	CU_ASSERT_EQUAL_FATAL(symlink(dir, link), 0);
	CU_ASSERT_TRUE_FATAL(inotify_add_watch(watch, in_dir("y"), IN_OPEN) >= 0);
	/* y lies there under the name of what was looked at: it is not even opened. */
	is(reopen(fd, path, &st), "first");
	CU_ASSERT_TRUE(read(watch, events, sizeof(events)) < 0);
	/* The control: by the directory's own name it is, and not taken. */
	is(reopen(fd, in_dir("y"), &st), "first");
	CU_ASSERT_TRUE(read(watch, events, sizeof(events)) > 0);
	close(fd);
	close(watch);
	unlink(link);
	end();
}

/* Without a slash. */
static void from_the_working_directory(void)
{
	struct stat st;
	char before[256];
	int fd;

	begin(0755);
	CU_ASSERT_PTR_NOT_NULL_FATAL(getcwd(before, sizeof(before)));
	CU_ASSERT_EQUAL_FATAL(chdir(dir), 0);
	fd = look("x", &st);
	is(reopen(fd, "x", &st), "first");
	close(fd);
	CU_ASSERT_EQUAL_FATAL(chdir(before), 0);
	end();
}

CU_TestInfo reopen_tests[] = {
	{ "where only the caller writes", where_only_the_caller_writes },
	{ "where others write", where_others_write },
	{ "where another owns it", where_another_owns_it },
	{ "where a link leads", where_a_link_leads },
	{ "from the working directory", from_the_working_directory },
	CU_TEST_INFO_NULL,
};
