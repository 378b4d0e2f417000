/* SPDX-License-Identifier: Apache-2.0 */
/*
 * survey_helper: an exact look by a process of its own, which may have to wait.
 *
 * To read a stranger's mappings the kernel takes the lock of its memory, and who maps or
 * faults all the time, or something large, holds that for seconds. So a helper reads, the
 * supervisor looks what has become of it, and one that waits too long is killed: the
 * process it was at counts as at a glance, and another helper goes on with the next.
 * There is never more than one. It dies with us and holds nothing but the sandbox's /proc.
 */
#ifndef RUNNER_SURVEY_HELPER_H
#define RUNNER_SURVEY_HELPER_H

#include <sys/types.h>

#include "survey.h"

struct survey_share; /* what both see */

struct survey_helper {
	struct survey_share *share; /* NULL: there has been none yet */
	int pid_fd;		    /* to poll: it is readable when the helper is done; -1: none */
	pid_t pid;
	uint64_t reads;	   /* how far it was ... */
	uint64_t heard;	   /* ... when it was last heard of */
	bool killed;	   /* it waited too long: another one goes on when it is gone */
	bool alone;	   /* there can be no other: the rest is looked at by ourselves */
	unsigned int made; /* helpers for this look */
	uint64_t cost;	   /* CPU time of all of them for this look, in ns */
};

void survey_helper_init(struct survey_helper *h);

/** Begin an exact look. What goes wrong is said by the first step. */
void survey_helper_begin(struct survey_helper *h, int proc_fd, uint64_t now);

/**
 * How far is it? 1: there is more to do, look again when pid_fd says so, or in some 20 ms.
 * 0: done. Or -errno, as of survey_step(). *ret is what there is of it by then.
 */
int survey_helper_step(struct survey_helper *h, int proc_fd, uint64_t now, uint64_t deadline,
		       struct survey *ret);

/** Between looks: one that is gone is not polled any more. */
void survey_helper_tidy(struct survey_helper *h);

/** Kill it, wherever it waits: nobody needs its answer any more, and it holds what it reads. */
void survey_helper_kill(struct survey_helper *h);

/** As that, and release what is ours. It is not waited for. */
void survey_helper_end(struct survey_helper *h);

#endif
