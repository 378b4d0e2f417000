/* SPDX-License-Identifier: Apache-2.0 */
/* A directory of plain files stands in for a cgroup: no privilege, no controller. */
#define _GNU_SOURCE
#include "cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "suites.h"

static char dir[64];

static void put(const char *name, const char *text)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "w");
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	fputs(text, f);
	fclose(f);
}

static struct cgroup open_dir(void)
{
	struct cgroup c = { .base_fd = -1, .name = "x" };

	snprintf(dir, sizeof(dir), "/tmp/runner-unit-XXXXXX");
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(dir));
	c.fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return c;
}

static void close_dir(struct cgroup *c)
{
	static const char *const names[] = { "memory.peak", "memory.events", "pids.events",
					     "cpu.stat",    "io.stat",	     "cpu.pressure" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		unlinkat(c->fd, names[i], 0);
	close(c->fd);
	CU_ASSERT_EQUAL(rmdir(dir), 0);
}

static void the_evidence_is_read(void)
{
	struct cgroup c = open_dir();
	struct cgroup_usage u = { 0 };

	put("memory.peak", "4096\n");
	/* "max" must not be taken from "max_usage", nor "oom" for "oom_kill" */
	put("memory.events",
	    "low 0\nhigh 7\nmax_usage 99\nmax 5\noom 2\noom_kill 1\noom_group_kill 1\n");
	put("pids.events", "max 3\n");
	put("cpu.stat", "usage_usec 30\nuser_usec 10\nsystem_usec 20\nnr_periods 9\n"
			"nr_throttled 4\nthrottled_usec 77\n");
	put("io.stat", "8:0 rbytes=1 wbytes=2 rios=1\n8:16 rbytes=10 wbytes=20 rios=1\n");
	put("cpu.pressure", "some avg10=0.00 total=12\nfull avg10=0.00 total=99\n");
	cgroup_read(&c, &u);
	CU_ASSERT_TRUE(u.valid);
	CU_ASSERT_EQUAL(u.memory_peak, 4096);
	CU_ASSERT_EQUAL(u.memory_high, 7);
	CU_ASSERT_EQUAL(u.memory_max, 5);
	CU_ASSERT_EQUAL(u.oom, 2);
	CU_ASSERT_EQUAL(u.oom_kill, 1);
	CU_ASSERT_EQUAL(u.pids_max, 3);
	CU_ASSERT_EQUAL(u.user_us, 10);
	CU_ASSERT_EQUAL(u.system_us, 20);
	CU_ASSERT_EQUAL(u.throttled, 4);
	CU_ASSERT_EQUAL(u.throttled_us, 77);
	CU_ASSERT_EQUAL(u.read_bytes, 11);
	CU_ASSERT_EQUAL(u.written_bytes, 22);
	CU_ASSERT_EQUAL(u.cpu_stall_us, 12);
	CU_ASSERT_EQUAL(cgroup_oom_kills(&c), 1);
	CU_ASSERT_EQUAL(cgroup_cpu_us(&c), 30);
	/* This kernel has no such files. */
	CU_ASSERT_EQUAL(u.pids_peak, UNLIMITED);
	CU_ASSERT_EQUAL(u.memory_stall_us, UNLIMITED);
	close_dir(&c);
}

static void nothing_there_is_no_evidence(void)
{
	struct cgroup c = open_dir();
	struct cgroup_usage u = { 0 };

	cgroup_read(&c, &u);
	CU_ASSERT_EQUAL(u.oom_kill, UNLIMITED);
	CU_ASSERT_EQUAL(u.memory_peak, UNLIMITED);
	CU_ASSERT_EQUAL(cgroup_oom_kills(&c), 0);
	CU_ASSERT_EQUAL(cgroup_cpu_us(&c), 0);
	close_dir(&c);
}

/* A limit that cannot be set refuses, names the file, and leaves no directory. */
static void a_limit_that_cannot_be_set_refuses(void)
{
	static struct host_cgroup host;
	struct spec_limits limits = { .memory = 1 << 20, .memory_high = UNLIMITED };
	struct cgroup c = open_dir();
	struct cgroup made;
	struct err e = { 0 };

	snprintf(host.base, sizeof(host.base), "%s", dir);
	CU_ASSERT_EQUAL(cgroup_make(&host, &limits, &made, &e), -ENOENT);
	CU_ASSERT_PTR_NOT_NULL(strstr(e.text, "'1048576' to memory.max"));
	CU_ASSERT_EQUAL(made.fd, -1);
	close_dir(&c);
	snprintf(host.base, sizeof(host.base), "/does/not/exist");
	memset(&e, 0, sizeof(e));
	CU_ASSERT_EQUAL(cgroup_make(&host, &limits, &made, &e), -ENOENT);
	CU_ASSERT_PTR_NOT_NULL(strstr(e.text, "/does/not/exist"));
}

CU_TestInfo cgroup_tests[] = {
	{ "the evidence is read", the_evidence_is_read },
	{ "nothing there is no evidence", nothing_there_is_no_evidence },
	{ "a limit that cannot be set refuses", a_limit_that_cannot_be_set_refuses },
	CU_TEST_INFO_NULL,
};
