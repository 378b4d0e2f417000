/* SPDX-License-Identifier: Apache-2.0 */
#include "ending.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "suites.h"

static void add_process(int dir, const char *pid, const char *stat)
{
	char path[32];
	int fd;

	CU_ASSERT_EQUAL(mkdirat(dir, pid, 0700), 0);
	snprintf(path, sizeof(path), "%s/stat", pid);
	fd = openat(dir, path, O_WRONLY | O_CREAT, 0600);
	CU_ASSERT_EQUAL(write(fd, stat, strlen(stat)), (ssize_t)strlen(stat));
	close(fd);
}

static void remove_process(int dir, const char *pid)
{
	char path[32];

	snprintf(path, sizeof(path), "%s/stat", pid);
	CU_ASSERT_EQUAL(unlinkat(dir, path, 0), 0);
	CU_ASSERT_EQUAL(unlinkat(dir, pid, AT_REMOVEDIR), 0);
}

/* In a directory that looks as /proc does. */
static void what_is_left_is_counted(void)
{
	char name[] = "/tmp/runner-unit-XXXXXX";
	struct outcome o;
	int dir;

	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(name));
	dir = open(name, O_RDONLY | O_DIRECTORY);
	CU_ASSERT_EQUAL(mkdirat(dir, "self", 0700), 0);
	ending_count(true, dir, &o);
	CU_ASSERT_TRUE(o.init_ended);
	CU_ASSERT_EQUAL(o.survivors, 0);
	add_process(dir, "1", "1 (init) S 0 1 1");
	add_process(dir, "27", "27 (a) Z b) D 1 1 1");
	add_process(dir, "28", "28 (c) D 1 1 1");
	ending_count(false, dir, &o);
	CU_ASSERT_FALSE(o.init_ended);
	CU_ASSERT_EQUAL(o.survivors, 3);
	CU_ASSERT_EQUAL(strlen(o.unended), 2);
	CU_ASSERT_PTR_NOT_NULL(strchr(o.unended, 'S'));
	CU_ASSERT_PTR_NOT_NULL(strchr(o.unended, 'D'));
	ending_count(true, -1, &o);
	CU_ASSERT_EQUAL(o.survivors, -1);
	remove_process(dir, "1");
	remove_process(dir, "27");
	remove_process(dir, "28");
	unlinkat(dir, "self", AT_REMOVEDIR);
	close(dir);
	CU_ASSERT_EQUAL(rmdir(name), 0);
}

/* With nothing to kill: the time that is given. */
static void giving_up_comes(void)
{
	struct running run;
	struct ending e;

	running_init(&run);
	ending_init(&e);
	CU_ASSERT_TRUE(ending_step(&e, &run, -1, UINT64_MAX - 1));
	ending_expect(&e);
	CU_ASSERT_TRUE(e.next < e.give_up);
	CU_ASSERT_TRUE(ending_step(&e, &run, -1, e.next - 1));
	CU_ASSERT_FALSE(e.killed);
	CU_ASSERT_TRUE(ending_step(&e, &run, -1, e.next));
	CU_ASSERT_TRUE(e.killed);
	CU_ASSERT_TRUE(e.next < e.give_up);
	CU_ASSERT_FALSE(ending_step(&e, &run, -1, e.give_up));
}

/* A tree that gets smaller is ending, however long it takes. */
static void a_large_tree_gets_its_time(void)
{
	char name[] = "/tmp/runner-unit-XXXXXX";
	struct running run;
	struct ending e;
	uint64_t give_up;
	int dir;

	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(name));
	dir = open(name, O_RDONLY | O_DIRECTORY);
	add_process(dir, "1", "1 (init) S 0 1 1");
	add_process(dir, "2", "2 (a) S 0 1 1");
	running_init(&run);
	ending_init(&e);
	ending_kill(&e, &run, dir);
	give_up = e.give_up;
	CU_ASSERT_TRUE(ending_step(&e, &run, dir, e.next));
	CU_ASSERT_EQUAL(e.give_up, give_up);
	remove_process(dir, "2");
	CU_ASSERT_TRUE(ending_step(&e, &run, dir, e.next));
	CU_ASSERT_TRUE(e.give_up > give_up);
	remove_process(dir, "1");
	close(dir);
	CU_ASSERT_EQUAL(rmdir(name), 0);
}

CU_TestInfo ending_tests[] = {
	{ "a large tree gets its time", a_large_tree_gets_its_time },
	{ "what is left is counted", what_is_left_is_counted },
	{ "giving up comes", giving_up_comes },
	CU_TEST_INFO_NULL,
};
