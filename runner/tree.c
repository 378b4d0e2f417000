/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "tree.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/raw.h"

/* Call `each` for every process; the sum of what it returns, or -1. */
static int64_t for_each(int proc_fd, int64_t (*each)(int proc_fd, const char *pid))
{
	char entries[4096] __attribute__((aligned(8)));
	int64_t sum = 0;
	long n;

	if (raw3(SYS_lseek, proc_fd, 0, SEEK_SET) < 0)
		return -1;
	while ((n = raw3(SYS_getdents64, proc_fd, entries, sizeof(entries))) > 0)
		for (long at = 0; at < n;) {
			/* struct linux_dirent64: ino 8, off 8, reclen 2, type 1, name */
			const char *name = entries + at + 19;

			if (name[0] >= '1' && name[0] <= '9')
				sum += each(proc_fd, name);
			at += *(const uint16_t *)(const void *)(entries + at + 16);
		}
	return n < 0 ? -1 : sum;
}

static int64_t one(int proc_fd, const char *pid)
{
	(void)proc_fd;
	(void)pid;
	return 1;
}

/* proc_pid_stat(5): fields 14 to 17 are utime, stime, cutime, cstime in ticks. */
static int64_t ticks(int proc_fd, const char *pid)
{
	char path[32];
	char text[1024];
	const char *p;
	long sum = 0;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "%s/stat", pid);
	fd = openat(proc_fd, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0; /* it has just ended; its parent counts it now */
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	/* The name may hold anything, also parentheses: the last one ends it. */
	p = strrchr(text, ')');
	for (int field = 2; p && field < 14; field++)
		p = strchr(p + 1, ' ');
	for (int field = 14; p && field <= 17; field++) {
		char *end;

		sum += strtol(p, &end, 10);
		p = end;
	}
	return sum;
}

int tree_count(int proc_fd)
{
	return (int)for_each(proc_fd, one);
}

uint64_t tree_cpu_ns(int proc_fd)
{
	int64_t sum = for_each(proc_fd, ticks);

	return sum > 0 ? (uint64_t)sum * (1000000000u / (uint64_t)sysconf(_SC_CLK_TCK)) : 0;
}
