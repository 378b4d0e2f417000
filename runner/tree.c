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

/* proc_pid_stat(5): these fields, summed. What c* says is of children waited for. */
enum { MINFLT = 10, CMINFLT, MAJFLT, CMAJFLT, UTIME, STIME, CUTIME, CSTIME, END };

static void add_stat(int proc_fd, const char *pid, void *arg)
{
	uint64_t *sums = arg; /* by number of the field */
	char text[1024];
	const char *p;

	if (read_of(proc_fd, pid, "stat", text, sizeof(text)) <= 0)
		return; /* it has just ended; its parent counts it now */
	/* The name may hold anything, also parentheses: the last one ends it. */
	p = strrchr(text, ')');
	for (int field = 2; p && field < MINFLT; field++)
		p = strchr(p + 1, ' ');
	for (int field = MINFLT; p && field < END; field++) {
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

uint64_t tree_faults(int proc_fd)
{
	uint64_t sums[END] = { 0 };

	for_each(proc_fd, add_stat, sums);
	return sums[MINFLT] + sums[CMINFLT];
}

/* -- memory ------------------------------------------------------------------ */

/* Sum the lines of these two keys, in KiB, of a file of /proc/PID. False: unreadable. */
static bool add_keys(int proc_fd, const char *pid, const char *file, const char *const keys[2],
		     uint64_t sums[2])
{
	char text[4096];

	if (read_of(proc_fd, pid, file, text, sizeof(text)) <= 0)
		return false;
	for (int i = 0; i < 2; i++) {
		const char *p = strstr(text, keys[i]);

		if (p)
			sums[i] += strtoull(p + strlen(keys[i]), NULL, 10) * 1024;
	}
	return true;
}

/* Memory that is no file's. What is shared counts for each: never too little. */
static void add_mapped(int proc_fd, const char *pid, void *arg)
{
	static const char *const keys[] = { "\nRssAnon:", "\nRssShmem:" };

	add_keys(proc_fd, pid, "status", keys, arg);
}

/* The same, but a process's part only of what it shares. */
static void add_proportional(int proc_fd, const char *pid, void *arg)
{
	static const char *const keys[] = { "\nPss_Anon:", "\nPss_Shmem:" };

	/* When it made itself undumpable, and we are not root, all of it is its own. */
	if (!add_keys(proc_fd, pid, "smaps_rollup", keys, arg))
		add_mapped(proc_fd, pid, arg);
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

uint64_t tree_memfds(int proc_fd)
{
	static struct memfds memfds;

	if (!memfds.dev)
		memfds.dev = memfd_device();
	memfds.n = 0;
	memfds.bytes = 0;
	for_each(proc_fd, add_memfds, &memfds);
	return memfds.bytes;
}

/* A mapped memfd is in both; too little is better than what is not there. */
static uint64_t together(const uint64_t sums[2], uint64_t memfds)
{
	return sums[0] + (sums[1] > memfds ? sums[1] : memfds);
}

uint64_t tree_memory_at_most(int proc_fd, uint64_t memfds)
{
	uint64_t sums[2] = { 0, 0 };

	for_each(proc_fd, add_mapped, sums);
	return together(sums, memfds);
}

uint64_t tree_memory(int proc_fd, uint64_t memfds)
{
	uint64_t sums[2] = { 0, 0 };

	for_each(proc_fd, add_proportional, sums);
	return together(sums, memfds);
}
