/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "survey.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/raw.h"
#include "survey_parts.h"

static int begin_process(struct survey *s, int proc_fd, const char *process)
{
	uint64_t number = strtoull(process, NULL, 10);
	char who[SURVEY_WHO] = "";
	int r = survey_glance_at(s, proc_fd, process, who);

	if (number > s->sums.newest)
		s->sums.newest = number;
	if (r <= 0)
		return r;
	if (s->kind == SURVEY_EXACT)
		return survey_open_mappings(s, proc_fd, who);
	s->sums.own += s->own;
	s->sums.shared += s->shared;
	s->sums.unread += s->given_up;
	s->sums.locked += s->given_up ? s->own + s->shared : 0;
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
			r = survey_step_mappings(s, deadline);
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
	if (!s->inside)
		return;
	survey_take_glance(s);
	s->sums.locked += s->own + s->shared;
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
	int r = s->smaps >= 0 ? survey_step_mappings(s, deadline) : 0;

	while (r == 0) {
		long n;

		/* By position, because the descriptor is not ours alone and nothing is kept. */
		if (lseek(proc_fd, s->position, SEEK_SET) < 0)
			return survey_fail(s, "list of processes", -errno);
		n = raw3(SYS_getdents64, proc_fd, entries, sizeof(entries));
		if (n < 0)
			return survey_fail(s, "list of processes", (int)n);
		if (n == 0)
			return 0;
		r = step_entries(s, proc_fd, entries, n, deadline);
	}
	if (r < 0)
		survey_end(s);
	return r;
}
