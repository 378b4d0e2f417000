/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "survey.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/raw.h"

/* One read of smaps gives a page, or one mapping if its path is longer than that. */
enum { WHO = 32, READ = 8192, LINE = 8192 };

enum { MOST_MAPPINGS = 65536 }; /* vm.max_map_count, unless the host allows more */

/* In .bss: touched only when there is something to look at exactly. */
static char smaps_text[LINE + READ + 1];

/* That it has ended is no error: whoever waited for it counts its time now. */
static bool is_gone(long r)
{
	return r == -ENOENT || r == -ESRCH;
}

static int fail(struct survey *s, const char *what, int r)
{
	s->what = what;
	return r;
}

static ssize_t read_of(int proc_fd, const char *who, const char *name, char *ret, size_t size)
{
	char path[WHO + 16];

	snprintf(path, sizeof(path), "%s/%s", who, name);
	return fd_read_text(proc_fd, path, ret, size);
}

/* -- one process at a glance --------------------------------------------------- */

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
	char who[WHO];
	int error;
};

static void try_thread(int task_fd, const char *name, void *arg)
{
	struct first_thread *f = arg;
	ssize_t n;

	if (f->who[0] || f->error)
		return;
	n = read_of(task_fd, name, "status", f->text, f->size);
	if (n < 0 && !is_gone(n))
		f->error = (int)n;
	else if (n > 0 && strstr(f->text, "\nVmRSS:"))
		snprintf(f->who, sizeof(f->who), "%.12s/task/%.12s", f->process, name);
}

/*
 * The status of a process, or of a thread that still has its memory. Returns 1, 0 (it
 * has none) or -errno; *who is whose it was.
 */
static int read_status(int proc_fd, const char *process, char who[WHO], char *ret, size_t size)
{
	struct first_thread f = { .process = process, .text = ret, .size = size };
	ssize_t n = read_of(proc_fd, process, "status", ret, size);
	char path[WHO];
	int fd;

	if (n <= 0)
		return is_gone(n) ? 0 : (int)n;
	/* A long list of groups stands before the lines that matter. */
	if ((size_t)n == size - 1)
		return -EFBIG;
	snprintf(who, WHO, "%.12s", process);
	if (strstr(ret, "\nVmRSS:"))
		return 1;
	snprintf(path, sizeof(path), "%.12s/task", process);
	fd = openat(proc_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return is_gone(-errno) ? 0 : -errno;
	n = fd_each_entry(fd, try_thread, &f);
	close(fd);
	if (f.error)
		return f.error;
	if (f.who[0])
		memcpy(who, f.who, WHO);
	return n < 0 && !is_gone(n) ? (int)n : f.who[0] != '\0';
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
		return is_gone(n) ? 0 : (int)n;
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
static int glance_at(struct survey *s, int proc_fd, const char *process, char who[WHO])
{
	char text[16384];
	uint64_t data, size, threads, fds;
	int r = read_status(proc_fd, process, who, text, sizeof(text));

	s->own = s->shared = 0;
	if (r <= 0)
		return r < 0 ? fail(s, "status", r) : 0;
	s->own = (value_of(text, "\nRssAnon:") + value_of(text, "\nVmSwap:") +
		  value_of(text, "\nHugetlbPages:")) *
		 1024;
	s->shared = value_of(text, "\nRssShmem:") * 1024;
	s->sums.processes++;
	s->sums.unwaited |= ignores_children(text);
	s->sums.waiting += strstr(text, "\nState:\tD") != NULL;
	s->sums.tables += value_of(text, "\nVmPTE:") * 1024;
	threads = value_of(text, "\nThreads:");
	s->sums.tasks += threads;
	s->sums.threads += threads > 1 ? threads : 0;
	fds = threads > 1 ? 0 : value_of(text, "\nFDSize:");
	s->sums.fds += fds;
	s->sums.fds_cubed += fds * fds * fds;
	size = value_of(text, "\nVmSize:") * 1024 / (uint64_t)sysconf(_SC_PAGESIZE);
	s->sums.may_map += size < MOST_MAPPINGS ? size : MOST_MAPPINGS;
	data = value_of(text, "\nVmData:") * 1024;
	if (data > s->sums.data)
		s->sums.data = data;
	r = add_stat(s, proc_fd, process);
	return r < 0 ? fail(s, "stat", r) : 1;
}

/* -- one process exactly --------------------------------------------------------- */

/* The device on which the kernel keeps shared anonymous memory, memfds and segments. */
static dev_t memory_device(void)
{
	static dev_t device;
	struct stat st;
	int fd;

	if (device)
		return device;
	fd = memfd_create("runner", MFD_CLOEXEC | 8 /* MFD_NOEXEC_SEAL: Linux 6.3 */);
	if (fd < 0)
		fd = memfd_create("runner", MFD_CLOEXEC);
	if (fd >= 0 && fstat(fd, &st) == 0)
		device = st.st_dev;
	if (fd >= 0)
		close(fd);
	return device;
}

/*
 * What a mapping is charged for: memory of nobody's file wholly, a file of memory
 * wholly, of every other file only what was written to privately.
 */
static void end_mapping(struct survey *s)
{
	if (!s->mapping)
		return;
	s->mapping = false;
	if (s->plain)
		s->sums.own += s->pss;
	else if (s->memory_file) {
		s->sums.shared += s->pss;
		s->sums.shared_mappings++;
	} else
		s->sums.own += s->anonymous < s->pss ? s->anonymous : s->pss;
	s->sums.own += s->huge;
}

/* "start-end perms offset major:minor inode path": is it the first line of a mapping? */
static bool begin_mapping(struct survey *s, const char *line)
{
	unsigned int major, minor;
	unsigned long inode;

	if (sscanf(line, "%*x-%*x %*s %*x %x:%x %lu", &major, &minor, &inode) != 3)
		return false;
	end_mapping(s);
	s->mapping = true;
	s->plain = inode == 0;
	s->memory_file = !s->plain && makedev(major, minor) == memory_device();
	s->pss = s->anonymous = s->huge = 0;
	s->sums.mappings++;
	return true;
}

static void take_line(struct survey *s, const char *line)
{
	static const struct {
		const char *key;
		size_t length;
		size_t field;
	} keys[] = {
		{ "Pss:", 4, offsetof(struct survey, pss) },
		{ "SwapPss:", 8, offsetof(struct survey, pss) },
		{ "Anonymous:", 10, offsetof(struct survey, anonymous) },
		{ "Private_Hugetlb:", 16, offsetof(struct survey, huge) },
		{ "Shared_Hugetlb:", 15, offsetof(struct survey, huge) },
	};

	if (line[0] < 'A' || line[0] > 'Z') {
		begin_mapping(s, line);
		return;
	}
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (strncmp(line, keys[i].key, keys[i].length) == 0) {
			uint64_t *field = (uint64_t *)(void *)((char *)s + keys[i].field);

			*field += strtoull(line + keys[i].length, NULL, 10) * 1024;
			return;
		}
}

/* How often we have slept. Who is only not given a CPU has not. */
static long sleeps(void)
{
	struct rusage usage;

	return getrusage(RUSAGE_SELF, &usage) == 0 ? usage.ru_nvcsw : 0;
}

/*
 * The list of mappings is locked while they are changed, and a process can be at that all
 * the time: then each read waits. A long read alone is no such thing.
 */
static ssize_t read_unlocked(struct survey *s)
{
	long slept = sleeps();
	uint64_t begun = raw_clock_ns(CLOCK_MONOTONIC);
	ssize_t n = read(s->smaps, smaps_text + s->kept, READ);

	s->reads++;
	if (sleeps() == slept)
		return n;
	s->waits += raw_clock_ns(CLOCK_MONOTONIC) - begun;
	s->locked = s->waits > survey_patience(s);
	return n;
}

/* Returns 1 when there is more of it, 0 at its end, or -errno. */
static int read_mappings(struct survey *s)
{
	ssize_t n = read_unlocked(s);
	char *line = smaps_text;
	char *end;

	if (n < 0)
		return is_gone(-errno) ? 0 : -errno;
	if (n == 0)
		return 0;
	smaps_text[s->kept + (size_t)n] = '\0';
	while ((end = strchr(line, '\n')) != NULL) {
		*end = '\0';
		take_line(s, line);
		line = end + 1;
	}
	s->kept = (unsigned int)strlen(line);
	if (s->kept >= LINE)
		s->kept = 0; /* no line is that long */
	memmove(smaps_text, line, s->kept);
	return 1;
}

/* The one it is at cannot be looked at: all it has is its own. */
static void take_glance(struct survey *s)
{
	s->waited += s->waits;
	s->mapping = false;
	s->sums.own = s->before_own + s->own;
	s->sums.shared = s->before_shared + s->shared;
	s->sums.unread++;
	s->inside = false;
}

/* Go on with the process it is at. Returns as survey_step(). */
static int step_mappings(struct survey *s, uint64_t deadline)
{
	uint64_t all;
	int r;

	while ((r = read_mappings(s)) > 0 && !s->locked)
		if (raw_clock_ns(CLOCK_MONOTONIC) >= deadline)
			return 1;
	end_mapping(s);
	fd_close(&s->smaps);
	s->kept = 0;
	s->locked = false;
	if (r > 0) {
		take_glance(s);
		return 0;
	}
	s->inside = false;
	all = s->sums.own - s->before_own + s->sums.shared - s->before_shared;
	if (all > s->sums.largest)
		s->sums.largest = all;
	return r < 0 ? fail(s, "smaps", r) : 0;
}

/* It made itself undumpable, and we are not root. */
static bool is_hidden(int r)
{
	return r == -EACCES || r == -EPERM;
}

static int open_mappings(struct survey *s, int proc_fd, const char *who)
{
	char path[WHO + 16];
	int r;

	s->before_own = s->sums.own;
	s->before_shared = s->sums.shared;
	s->inside = true;
	s->waits = 0;
	snprintf(path, sizeof(path), "%s/smaps", who);
	s->smaps = openat(proc_fd, path, O_RDONLY | O_CLOEXEC);
	if (s->smaps >= 0)
		return 0;
	r = -errno;
	s->inside = !is_gone(r);
	if (!s->inside)
		return 0;
	if (!is_hidden(r))
		return fail(s, "smaps", r);
	take_glance(s);
	return 0;
}

/* -- all of them ------------------------------------------------------------------- */

static int begin_process(struct survey *s, int proc_fd, const char *process)
{
	uint64_t number = strtoull(process, NULL, 10);
	char who[WHO] = "";
	int r = glance_at(s, proc_fd, process, who);

	if (number > s->sums.newest)
		s->sums.newest = number;
	if (r <= 0)
		return r;
	if (s->kind == SURVEY_EXACT)
		return open_mappings(s, proc_fd, who);
	s->sums.own += s->own;
	s->sums.shared += s->shared;
	s->sums.unread += s->given_up;
	return 0;
}

/* The processes of one buffer of the directory. Returns as survey_step(). */
static int step_entries(struct survey *s, int proc_fd, const char *entries, long n,
			uint64_t deadline)
{
	for (long at = 0; at < n;) {
		/* struct linux_dirent64: ino 8, off 8, reclen 2, type 1, name */
		const char *name = entries + at + 19;
		int r;

		memcpy(&s->position, entries + at + 8, sizeof(s->position));
		at += *(const uint16_t *)(const void *)(entries + at + 16);
		if (name[0] < '1' || name[0] > '9')
			continue;
		r = begin_process(s, proc_fd, name);
		if (r == 0 && s->smaps >= 0)
			r = step_mappings(s, deadline);
		if (r != 0)
			return r;
		if (raw_clock_ns(CLOCK_MONOTONIC) >= deadline)
			return 1;
	}
	return 0;
}

void survey_begin(struct survey *s, enum survey_kind kind)
{
	*s = (struct survey){ .kind = kind, .smaps = -1 };
}

void survey_skip(struct survey *s)
{
	s->smaps = -1;
	s->kept = 0;
	s->locked = false;
	if (s->inside)
		take_glance(s);
}

void survey_give_up(struct survey *s)
{
	s->kind = SURVEY_GLANCE;
	s->given_up = true;
}

void survey_end(struct survey *s)
{
	fd_close(&s->smaps);
}

int survey_step(struct survey *s, int proc_fd, uint64_t deadline)
{
	char entries[1024] __attribute__((aligned(8))); /* a name is at most 255 long */
	int r = s->smaps >= 0 ? step_mappings(s, deadline) : 0;

	while (r == 0) {
		long n;

		/* By position, because the descriptor is not ours alone and nothing is kept. */
		if (lseek(proc_fd, s->position, SEEK_SET) < 0)
			return fail(s, "list of processes", -errno);
		n = raw3(SYS_getdents64, proc_fd, entries, sizeof(entries));
		if (n < 0)
			return fail(s, "list of processes", (int)n);
		if (n == 0)
			return 0;
		r = step_entries(s, proc_fd, entries, n, deadline);
	}
	if (r < 0)
		survey_end(s);
	return r;
}
