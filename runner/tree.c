/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "tree.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
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

/* proc_pid_stat(5): fields 14 to 17 are utime, stime, cutime, cstime in ticks. */
static void add_ticks(int proc_fd, const char *pid, void *arg)
{
	uint64_t *ticks = arg; /* user, system */
	char text[1024];
	const char *p;

	if (read_of(proc_fd, pid, "stat", text, sizeof(text)) <= 0)
		return; /* it has just ended; its parent counts it now */
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

/* -- memory ------------------------------------------------------------------ */

/*
 * proc_pid_statm(5): size, resident, shared, ... in pages. Pages shared by several
 * processes are counted for each: never too little of what is mapped.
 */
static void add_resident(int proc_fd, const char *pid, void *arg)
{
	char text[128];
	const char *p;

	if (read_of(proc_fd, pid, "statm", text, sizeof(text)) <= 0)
		return;
	p = strchr(text, ' ');
	if (p)
		*(uint64_t *)arg += strtoull(p, NULL, 10) * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* A process's part of what it shares; only memory that is no file's. */
static void add_proportional(int proc_fd, const char *pid, void *arg)
{
	static const char *const keys[] = { "\nPss_Anon:", "\nPss_Shmem:" };
	uint64_t *sums = arg;
	char text[2048];

	if (read_of(proc_fd, pid, "smaps_rollup", text, sizeof(text)) <= 0) {
		/* It made itself undumpable, and we are not root: all of it is its own. */
		add_resident(proc_fd, pid, &sums[0]);
		return;
	}
	for (int i = 0; i < 2; i++) {
		const char *p = strstr(text, keys[i]);

		if (p)
			sums[i] += strtoull(p + strlen(keys[i]), NULL, 10) * 1024;
	}
}

/* Files of memfd_create(2): what is written to them is nobody's mapping. */
struct memfds {
	dev_t dev;
	ino_t seen[512];
	unsigned int n;
	uint64_t bytes;
};

static void add_memfd(int fd_dir, const char *name, void *arg)
{
	struct memfds *m = arg;
	unsigned int i = 0;
	struct stat st;

	if (fstatat(fd_dir, name, &st, 0) < 0 || st.st_dev != m->dev || !S_ISREG(st.st_mode))
		return;
	while (i < m->n && m->seen[i] != st.st_ino)
		i++;
	if (i < m->n || m->n == sizeof(m->seen) / sizeof(m->seen[0]))
		return;
	m->seen[m->n++] = st.st_ino;
	m->bytes += (uint64_t)st.st_blocks * 512;
}

static void add_memfds(int proc_fd, const char *pid, void *arg)
{
	char path[48];
	int fd;

	snprintf(path, sizeof(path), "%s/fd", pid);
	fd = openat(proc_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return;
	fd_each_entry(fd, add_memfd, arg);
	close(fd);
}

static dev_t memfd_device(void)
{
	struct stat st = { .st_dev = 0 };
	int fd = memfd_create("runner", MFD_CLOEXEC | 8 /* MFD_NOEXEC_SEAL: Linux 6.3 */);

	if (fd < 0)
		fd = memfd_create("runner", MFD_CLOEXEC);
	if (fd >= 0) {
		fstat(fd, &st);
		close(fd);
	}
	return st.st_dev;
}

uint64_t tree_memory(int proc_fd, uint64_t enough, bool files)
{
	static struct memfds memfds;
	uint64_t sums[2] = { 0, 0 };
	uint64_t most = 0;

	if (files) {
		if (!memfds.dev)
			memfds.dev = memfd_device();
		memfds.n = 0;
		memfds.bytes = 0;
		for_each(proc_fd, add_memfds, &memfds);
	}
	for_each(proc_fd, add_resident, &most);
	if (most + memfds.bytes <= enough)
		return most + memfds.bytes;
	for_each(proc_fd, add_proportional, sums);
	/* A mapped memfd is in both; too little is better than what is not there. */
	return sums[0] + (sums[1] > memfds.bytes ? sums[1] : memfds.bytes);
}
