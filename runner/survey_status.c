/* SPDX-License-Identifier: Apache-2.0 */
/* One process at a glance: /proc/PID/status and stat. */
#define _GNU_SOURCE
#include "survey_parts.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"

static ssize_t read_of(int proc_fd, const char *who, const char *name, char *ret, size_t size)
{
	char path[SURVEY_WHO + 16];

	snprintf(path, sizeof(path), "%s/%s", who, name);
	return fd_read_text(proc_fd, path, ret, size);
}

/* "\nKey:  12 kB" */
static uint64_t value_of(const char *text, const char *key)
{
	const char *p = strstr(text, key);

	return p ? strtoull(p + strlen(key), NULL, 10) : 0;
}

struct first_thread {
	const char *process;
	char *text;
	size_t size;
	char who[SURVEY_WHO];
	int error;
};

static void try_thread(int task_fd, const char *name, void *arg)
{
	struct first_thread *f = arg;
	ssize_t n;

	if (f->who[0] || f->error)
		return;
	n = read_of(task_fd, name, "status", f->text, f->size);
	if (n < 0 && !survey_is_gone(n))
		f->error = (int)n;
	else if (n > 0 && strstr(f->text, "\nVmRSS:"))
		snprintf(f->who, sizeof(f->who), "%.12s/task/%.12s", f->process, name);
}

/*
 * The status of a process, or of a thread that still has its memory. Returns 1, 0 (it
 * has none) or -errno; *who is whose it was.
 */
static int read_status(int proc_fd, const char *process, char who[SURVEY_WHO], char *ret,
		       size_t size)
{
	struct first_thread f = { .process = process, .text = ret, .size = size };
	ssize_t n = read_of(proc_fd, process, "status", ret, size);
	char path[SURVEY_WHO];
	int fd;

	if (n <= 0)
		return survey_is_gone(n) ? 0 : (int)n;
	/* A long list of groups stands before the lines that matter. */
	if ((size_t)n == size - 1)
		return -EFBIG;
	snprintf(who, SURVEY_WHO, "%.12s", process);
	if (strstr(ret, "\nVmRSS:"))
		return 1;
	snprintf(path, sizeof(path), "%.12s/task", process);
	fd = openat(proc_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return survey_is_gone(-errno) ? 0 : -errno;
	n = fd_each_entry(fd, try_thread, &f);
	close(fd);
	if (f.error)
		return f.error;
	if (f.who[0])
		memcpy(who, f.who, SURVEY_WHO);
	return n < 0 && !survey_is_gone(n) ? (int)n : f.who[0] != '\0';
}

/* proc_pid_stat(5): these fields, summed. What c* says is of children waited for. */
static int add_stat(struct survey *s, int proc_fd, const char *process)
{
	enum { MINFLT = 10, CMINFLT, MAJFLT, CMAJFLT, UTIME, STIME, CUTIME, CSTIME, END };
	uint64_t field[END] = { 0 };
	char text[1024];
	ssize_t n = read_of(proc_fd, process, "stat", text, sizeof(text));
	char *p;

	if (n <= 0)
		return survey_is_gone(n) ? 0 : (int)n;
	/* The name may hold anything, also parentheses: the last one ends it. */
	p = strrchr(text, ')');
	for (int i = 2; p && i < MINFLT; i++)
		p = strchr(p + 1, ' ');
	for (int i = MINFLT; p && i < END; i++)
		field[i] = strtoull(p, &p, 10);
	s->sums.faults += field[MINFLT] + field[CMINFLT];
	s->sums.system += field[STIME] + field[CSTIME];
	return 0;
}

/* "\nSigIgn:\t0000000000000000": SA_NOCLDWAIT, which does the same, is nowhere to be seen. */
static bool ignores_children(const char *text)
{
	const char *p = strstr(text, "\nSigIgn:");

	return p && (strtoull(p + 8, NULL, 16) >> (SIGCHLD - 1) & 1);
}

/* Adds what does not depend on the kind; what does stays in s->own and s->shared. */
int survey_glance_at(struct survey *s, int proc_fd, const char *process, char who[SURVEY_WHO])
{
	char text[16384];
	uint64_t data;
	int r = read_status(proc_fd, process, who, text, sizeof(text));

	s->own = s->shared = 0;
	if (r <= 0)
		return r < 0 ? survey_fail(s, "status", r) : 0;
	s->own = (value_of(text, "\nRssAnon:") + value_of(text, "\nVmSwap:") +
		  value_of(text, "\nHugetlbPages:")) *
		 1024;
	s->shared = value_of(text, "\nRssShmem:") * 1024;
	s->sums.processes++;
	s->sums.unwaited |= ignores_children(text);
	s->sums.waiting += strstr(text, "\nState:\tD") != NULL;
	s->sums.tables += value_of(text, "\nVmPTE:") * 1024;
	s->sums.tasks += value_of(text, "\nThreads:");
	data = value_of(text, "\nVmData:") * 1024;
	if (data > s->sums.data)
		s->sums.data = data;
	r = add_stat(s, proc_fd, process);
	return r < 0 ? survey_fail(s, "stat", r) : 1;
}
