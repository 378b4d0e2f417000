/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "tree.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/raw.h"

/* Call `each` for every process. Returns how many there were, or -1. */
static int for_each(int proc_fd, void (*each)(int proc_fd, const char *pid, void *arg), void *arg)
{
	char entries[4096] __attribute__((aligned(8)));
	int count = 0;
	long n;

	if (raw3(SYS_lseek, proc_fd, 0, SEEK_SET) < 0)
		return -1;
	while ((n = raw3(SYS_getdents64, proc_fd, entries, sizeof(entries))) > 0)
		for (long at = 0; at < n;) {
			/* struct linux_dirent64: ino 8, off 8, reclen 2, type 1, name */
			const char *name = entries + at + 19;

			if (name[0] >= '1' && name[0] <= '9') {
				count++;
				if (each)
					each(proc_fd, name, arg);
			}
			at += *(const uint16_t *)(const void *)(entries + at + 16);
		}
	return n < 0 ? -1 : count;
}

int tree_count(int proc_fd)
{
	return for_each(proc_fd, NULL, NULL);
}

/* proc_pid_stat(5): fields 14 to 17 are utime, stime, cutime, cstime in ticks. */
static void add_ticks(int proc_fd, const char *pid, void *arg)
{
	uint64_t *ticks = arg; /* user, system */
	char path[32];
	char text[1024];
	const char *p;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "%s/stat", pid);
	fd = openat(proc_fd, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return; /* it has just ended; its parent counts it now */
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	/* The name may hold anything, also parentheses: the last one ends it. */
	p = strrchr(text, ')');
	for (int field = 2; p && field < 14; field++)
		p = strchr(p + 1, ' ');
	for (int i = 0; p && i < 4; i++) {
		char *end;

		ticks[i % 2] += strtoul(p, &end, 10);
		p = end;
	}
}

struct tree_cpu tree_cpu(int proc_fd)
{
	uint64_t tick_ns = 1000000000u / (uint64_t)sysconf(_SC_CLK_TCK);
	uint64_t ticks[2] = { 0, 0 };

	for_each(proc_fd, add_ticks, ticks);
	return (struct tree_cpu){ ticks[0] * tick_ns, ticks[1] * tick_ns };
}
