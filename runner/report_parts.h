/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report_parts: the report's members, one file for each group. They write into the
 * object that report.c has begun, and word what the outcome holds; nothing is
 * decided here.
 */
#ifndef RUNNER_REPORT_PARTS_H
#define RUNNER_REPORT_PARTS_H

#include "base/jout.h"
#include "outcome.h"
#include "plan.h"

/** Was anything started that could be measured? What was not is null, never 0. */
static inline bool report_measured(const struct outcome *o)
{
	return o->started_at_ms != 0;
}

/** wall_ms to approximate. `plan` is NULL when the run was refused before. */
void report_usage(struct jout *j, const struct spec *spec, const struct plan *plan,
		  const struct outcome *o);

/** Threads of the payload at most; UNLIMITED: nobody knows. */
uint64_t report_tasks(const struct outcome *o);

/** The best evidence there is, and of what (NULL: nothing was measured). */
uint64_t report_memory_peak(const struct outcome *o, const char **ret_of);

/** nearest_limit, limit_hit and approximate. */
void report_limits(struct jout *j, const struct spec *spec, const struct plan *plan,
		   const struct outcome *o);

/** denials and denials_dropped. */
void report_denials(struct jout *j, const struct spec *spec, const struct outcome *o);

#endif
