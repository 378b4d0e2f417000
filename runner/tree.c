/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "tree.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"

struct visit {
	void (*each)(int proc_fd, const char *pid, void *arg);
	void *arg;
	int count;
};

static void visit_entry(int proc_fd, const char *name, void *arg)
{
	struct visit *v = arg;

	if (name[0] < '1' || name[0] > '9')
		return;
	v->count++;
	if (v->each)
		v->each(proc_fd, name, v->arg);
}

/* Call `each` for every process. Returns how many there were, or -1. */
static int for_each(int proc_fd, void (*each)(int proc_fd, const char *pid, void *arg), void *arg)
{
	struct visit v = { each, arg, 0 };

	return fd_each_entry(proc_fd, visit_entry, &v) < 0 ? -1 : v.count;
}

int tree_count(int proc_fd)
{
	return for_each(proc_fd, NULL, NULL);
}

static ssize_t read_of(int proc_fd, const char *pid, const char *name, char *ret, size_t size)
{
	char path[48];

	snprintf(path, sizeof(path), "%s/%s", pid, name);
	return fd_read_text(proc_fd, path, ret, size);
}

/* proc_pid_stat(5): these fields, summed. What c* says is of children waited for. */
enum { UTIME = 14, STIME, CUTIME, CSTIME, END };

static void add_stat(int proc_fd, const char *pid, void *arg)
{
	uint64_t *sums = arg; /* by number of the field */
	char text[1024];
	const char *p;

	if (read_of(proc_fd, pid, "stat", text, sizeof(text)) <= 0)
		return; /* it has just ended; its parent counts it now */
	/* The name may hold anything, also parentheses: the last one ends it. */
	p = strrchr(text, ')');
	for (int field = 2; p && field < UTIME; field++)
		p = strchr(p + 1, ' ');
	for (int field = UTIME; p && field < END; field++) {
		char *end;

		sums[field] += strtoul(p, &end, 10);
		p = end;
	}
}

struct tree_cpu tree_cpu(int proc_fd)
{
	uint64_t tick_ns = 1000000000u / (uint64_t)sysconf(_SC_CLK_TCK);
	uint64_t sums[END] = { 0 };

	for_each(proc_fd, add_stat, sums);
	return (struct tree_cpu){ (sums[UTIME] + sums[CUTIME]) * tick_ns,
				  (sums[STIME] + sums[CSTIME]) * tick_ns };
}
