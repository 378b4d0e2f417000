/* SPDX-License-Identifier: Apache-2.0 */
/* One process exactly: /proc/PID/smaps. */
#define _GNU_SOURCE
#include "survey_parts.h"

#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/raw.h"
#include "memory_device.h"

/* One read gives a page, or one mapping if its path is longer than that. */
enum { READ = 8192, LINE = 8192 };

/* In .bss: touched only when there is something to look at exactly. */
static char smaps_text[LINE + READ + 1];

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
		return survey_is_gone(-errno) ? 0 : -errno;
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
void survey_take_glance(struct survey *s)
{
	s->waited += s->waits;
	s->mapping = false;
	s->sums.own = s->before_own + s->own;
	s->sums.shared = s->before_shared + s->shared;
	s->sums.unread++;
	s->inside = false;
}

/* Go on with the process it is at. Returns as survey_step(). */
int survey_step_mappings(struct survey *s, uint64_t deadline)
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
		survey_take_glance(s);
		s->sums.locked += s->own + s->shared;
		return 0;
	}
	s->inside = false;
	all = s->sums.own - s->before_own + s->sums.shared - s->before_shared;
	if (all > s->sums.largest)
		s->sums.largest = all;
	return r < 0 ? survey_fail(s, "smaps", r) : 0;
}

/* It made itself undumpable, and we are not root. */
static bool is_hidden(int r)
{
	return r == -EACCES || r == -EPERM;
}

int survey_open_mappings(struct survey *s, int proc_fd, const char *who)
{
	char path[SURVEY_WHO + 16];
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
	s->inside = !survey_is_gone(r);
	if (!s->inside)
		return 0;
	if (!is_hidden(r))
		return survey_fail(s, "smaps", r);
	survey_take_glance(s);
	return 0;
}
