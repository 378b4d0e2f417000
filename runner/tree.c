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

/* -- memory ------------------------------------------------------------------ */

static ssize_t read_at(int dir_fd, const char *pid, const char *name, char *ret, size_t size)
{
	char path[48];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", pid, name);
	fd = openat(dir_fd, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	n = read(fd, ret, size - 1);
	close(fd);
	ret[n > 0 ? n : 0] = '\0';
	return n;
}

/* proc_pid_statm(5): size, resident, shared, ... in pages. Pages shared by several
 * processes are counted for each: never too little of what is mapped. */
static void add_resident(int proc_fd, const char *pid, void *arg)
{
	char text[128];
	const char *p;

	if (read_at(proc_fd, pid, "statm", text, sizeof(text)) <= 0)
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

	if (read_at(proc_fd, pid, "smaps_rollup", text, sizeof(text)) <= 0) {
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

static void add_memfds(int proc_fd, const char *pid, void *arg)
{
	char entries[4096] __attribute__((aligned(8)));
	struct memfds *m = arg;
	char path[48];
	long n;
	int fd;

	snprintf(path, sizeof(path), "%s/fd", pid);
	fd = openat(proc_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return;
	while ((n = raw3(SYS_getdents64, fd, entries, sizeof(entries))) > 0)
		for (long at = 0; at < n;
		     at += *(const uint16_t *)(const void *)(entries + at + 16)) {
			const char *name = entries + at + 19;
			unsigned int i = 0;
			struct stat st;

			if (name[0] == '.' || fstatat(fd, name, &st, 0) < 0 ||
			    st.st_dev != m->dev || !S_ISREG(st.st_mode))
				continue;
			while (i < m->n && m->seen[i] != st.st_ino)
				i++;
			if (i < m->n || m->n == sizeof(m->seen) / sizeof(m->seen[0]))
				continue;
			m->seen[m->n++] = st.st_ino;
			m->bytes += (uint64_t)st.st_blocks * 512;
		}
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
