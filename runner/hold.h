/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hold: limit memory, where no cgroup holds it, and what is seen on the way.
 *
 * The supervisor's side of it in one place: the watchdog, the memory file systems, and
 * the evidence for the report.
 */
#ifndef RUNNER_HOLD_H
#define RUNNER_HOLD_H

#include "cpu_sample.h"
#include "launch.h"
#include "outcome.h"
#include "shared_sizes.h"
#include "tmpfs_use.h"
#include "verdict.h"
#include "watchdog.h"

struct hold {
	struct watchdog watchdog;
	struct tmpfs_use tmpfs;
	struct shared_sizes sizes; /* as the filter's notifications tell */
};

/** Once the run has begun; `next` of the watchdog says when to call hold_look(). */
void hold_start(struct hold *h, const struct plan *plan, const struct running *run);

/** To poll: readable when hold_look() has something to do before its time; or -1. */
static inline int hold_helper(const struct hold *h)
{
	return h->watchdog.limit ? h->watchdog.helper.pid_fd : -1;
}

/** The run is ended: nobody looks any more. */
static inline void hold_stop(struct hold *h)
{
	if (h->watchdog.limit)
		survey_helper_kill(&h->watchdog.helper);
}

/** Returns why the run has to end, or REASON_COUNT. */
enum reason hold_look(struct hold *h, int proc_fd, uint64_t now, struct acts *acts);

/**
 * CPU time of the tree, without a cgroup: what the kernel says of those that live and
 * whom they waited for, or what was seen of all, whichever is more.
 */
struct tree_cpu hold_cpu(int proc_fd);

/** What was seen, for the report; when every process has ended. */
void hold_end(struct hold *h, struct outcome *o);

#endif
