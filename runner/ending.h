/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ending: end every process of a run, and say what cannot be ended.
 *
 * Three ways at once, because each has its gap: SIGKILL to init ends its pid namespace,
 * but only when init gets to run; cgroup.kill ends the cgroup, where there is one; and
 * each process found in the sandbox's /proc is killed by itself, again and again until
 * none is left. Only init's end is the end: the kernel lets it go when all others in
 * its namespace are gone.
 */
#ifndef RUNNER_ENDING_H
#define RUNNER_ENDING_H

#include "launch.h"
#include "outcome.h"
#include "tree.h"

/* Times are of CLOCK_MONOTONIC in ns; UINT64_MAX: never. */
struct ending {
	bool killed;
	uint64_t next;	     /* look after it then */
	uint64_t give_up;    /* when none of it has ended for so long, it never will */
	uint64_t pause;	     /* before the next round */
	int fewest;	     /* processes there were at the least */
	struct tree_cpu cpu; /* what the tree had used when it was killed, without a cgroup */
};

void ending_init(struct ending *ret);

/** The payload has ended, or init has: the rest must follow soon. */
void ending_expect(struct ending *ending);

/** Kill all of it; proc_fd is the sandbox's /proc, or -1. Once more does no harm. */
void ending_kill(struct ending *ending, const struct running *run, int proc_fd);

/** At `next`: kill what is still there. False: it is time to give up. */
bool ending_step(struct ending *ending, const struct running *run, int proc_fd, uint64_t now);

/**
 * Count what is left: 0 when init has been waited for. Otherwise it did not end, and
 * ret->unended says what state its processes are in (proc_pid_stat(5)).
 */
void ending_count(bool init_ended, int proc_fd, struct outcome *ret);

#endif
