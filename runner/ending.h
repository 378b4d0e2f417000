/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ending: end every process of a run.
 */
#ifndef RUNNER_ENDING_H
#define RUNNER_ENDING_H

#include "launch.h"
#include "tree.h"

struct ending {
	bool begun;
	uint64_t give_up;    /* CLOCK_MONOTONIC: when even SIGKILL did not end it */
	struct tree_cpu cpu; /* what the tree had used when it was killed, without a cgroup */
};

/** Kill all of it; proc_fd is the sandbox's /proc, or -1. Once more does no harm. */
void ending_kill(struct ending *ending, const struct running *run, int proc_fd);

#endif
