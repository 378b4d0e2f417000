/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report: outcome to JSON (docs/report.schema.json), to an exit code, and to at
 * most a few lines for a human.
 *
 * The place is opened and, if it is a file, its room reserved before anything
 * runs: a report that cannot be written is an error at once, not a loss at the
 * end. A file appears only when it is complete.
 */
#ifndef RUNNER_REPORT_H
#define RUNNER_REPORT_H

#include "base/err.h"
#include "outcome.h"
#include "child.h"
#include "plan.h"

struct report {
	int fd;	    /* -1: no report was asked for */
	int dir_fd; /* >= 0: fd is a file that is to get `name` there */
	const char *name;
	const char *target; /* as the user wrote it */
	char temporary[48]; /* the name it has meanwhile; "": none */
	bool is_old;	    /* there is one of an earlier run */
	unsigned int mode;  /* that it gets with its name; 0: it has its mode */
	uint64_t wait_ms;   /* for a reader that pauses; until ... */
	int wake;	    /* ... this is readable; -1 */
};

/** `where`: NULL, "-", "fd:N" or a path. 0 or -errno. */
int report_open(struct report *r, const char *where, struct err *e);

/**
 * Before anything is started: a place that the payload can write is refused, and what an
 * earlier run left there is removed, so that nobody takes it for this one's.
 */
int report_check(const struct report *r, const struct plan *plan, struct err *e);
void report_remove_old(const struct report *r);

/**
 * Write it. `plan` may be NULL when there was none (a rejected run). Returns 0 or
 * -errno, in which case *e says what could not be written.
 */
int report_write(struct report *r, const struct spec *spec, const struct plan *plan,
		 const struct board *board, const struct outcome *o, struct err *e);

/** Put a finished text there and close it: the end of report_write(). */
int report_put(struct report *r, const char *text, size_t length, struct err *e);

/** Give up what is not written. An empty struct is fine. */
void report_close(struct report *r);

/** What a person should know, on stderr; nothing when all went well. */
void report_human(const struct outcome *o, const struct spec *spec);

#endif
