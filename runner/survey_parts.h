/* SPDX-License-Identifier: Apache-2.0 */
/*
 * survey_parts: what the files of survey.h share.
 */
#ifndef RUNNER_SURVEY_PARTS_H
#define RUNNER_SURVEY_PARTS_H

#include <errno.h>

#include "survey.h"

enum { SURVEY_WHO = 32 }; /* "1234/task/1235" */

/* That it has ended is no error: whoever waited for it counts its time now. */
static inline bool survey_is_gone(long r)
{
	return r == -ENOENT || r == -ESRCH;
}

static inline int survey_fail(struct survey *s, const char *what, int r)
{
	s->what = what;
	return r;
}

/**
 * Adds what does not depend on the kind; what does stays in s->own and s->shared. Returns
 * 1; 0: it has no memory; or -errno. *who is whose memory can be asked for.
 */
int survey_glance_at(struct survey *s, int proc_fd, const char *process, char who[SURVEY_WHO]);

/** The one it is at cannot be looked at: all it has is its own. */
void survey_take_glance(struct survey *s);

/** Begin with its mappings; then s->smaps is there, unless it may not be looked at. */
int survey_open_mappings(struct survey *s, int proc_fd, const char *who);

/** Go on with them. Returns as survey_step(). */
int survey_step_mappings(struct survey *s, uint64_t deadline);

#endif
