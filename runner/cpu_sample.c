/* SPDX-License-Identifier: Apache-2.0 */
#include "cpu_sample.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"

/* proc_pid_stat(5) */
enum { UTIME = 14, STIME = 15, STARTTIME = 22, END };

static struct cpu_sample_row *row_of(struct cpu_sample *s, unsigned long pid, uint64_t started)
{
	struct cpu_sample_row *free_row = NULL;

	/* By its number first: most are where they were. */
	for (unsigned int i = 0; i < CPU_SAMPLE_ROWS; i++) {
		struct cpu_sample_row *r = &s->rows[(pid + i) % CPU_SAMPLE_ROWS];

		if (r->pid == pid && r->started == started)
			return r;
		if (!r->pid && !free_row)
			free_row = r;
		if (!r->pid && i >= 16)
			break;
	}
	if (free_row)
		*free_row = (struct cpu_sample_row){ .pid = pid, .started = started };
	return free_row;
}

static void look_at(int proc_fd, const char *name, void *arg)
{
	struct cpu_sample_row *row;
	uint64_t field[END] = { 0 };
	char path[32], text[1024];
	char *p;

	if (name[0] < '1' || name[0] > '9')
		return;
	snprintf(path, sizeof(path), "%.12s/stat", name);
	if (fd_read_text(proc_fd, path, text, sizeof(text)) <= 0)
		return;
	/* The name may hold anything, also parentheses: the last one ends it; then a letter. */
	p = strrchr(text, ')');
	p = p ? strchr(p + 2, ' ') : NULL;
	for (int i = 4; p && i < END; i++)
		field[i] = strtoull(p, &p, 10);
	row = row_of(arg, strtoul(name, NULL, 10), field[STARTTIME]);
	if (!row)
		return;
	row->seen = true;
	row->user = field[UTIME];
	row->system = field[STIME];
}

struct tree_cpu cpu_sample_look(struct cpu_sample *s, int proc_fd)
{
	uint64_t tick_ns = 1000000000u / (uint64_t)sysconf(_SC_CLK_TCK);
	uint64_t user, system;

	for (unsigned int i = 0; i < CPU_SAMPLE_ROWS; i++)
		s->rows[i].seen = false;
	fd_each_entry(proc_fd, look_at, s);
	user = system = 0;
	for (unsigned int i = 0; i < CPU_SAMPLE_ROWS; i++) {
		struct cpu_sample_row *r = &s->rows[i];

		if (!r->pid)
			continue;
		if (r->seen) {
			user += r->user;
			system += r->system;
			continue;
		}
		s->gone_user += r->user;
		s->gone_system += r->system;
		r->pid = 0;
	}
	return (struct tree_cpu){ (user + s->gone_user) * tick_ns,
				  (system + s->gone_system) * tick_ns };
}
