/* SPDX-License-Identifier: Apache-2.0 */
/*
 * launch: clone init with the plan.
 *
 *     runner ── socket, pipes ── clone3 ──► init ──► payload
 *
 * The socket is the life line (its end of file tells init that runner is gone),
 * brings the board, the sandbox's /proc and the seccomp listener up, and takes
 * signals down.
 *
 * Owns: the descriptors in struct running; running_clear() releases them. It does
 * not kill: supervise() ends the tree first.
 */
#ifndef RUNNER_LAUNCH_H
#define RUNNER_LAUNCH_H

#include <sys/types.h>

#include "cgroup.h"
#include "child.h"
#include "layer/network.h"
#include "plan.h"

struct running {
	pid_t init;
	int init_fd; /* pidfd; readable when init has ended */
	int sock;
	struct cgroup cgroup;
	int caller;	     /* pidfd of the process that started us; -1: its end is none of ours */
	int signals;	     /* signalfd: what is passed on or ends the run */
	struct board board;  /* as init last sent it */
	struct child child;  /* what init starts with; init keeps its own copy */
	uint64_t started_ns; /* CLOCK_MONOTONIC, at clone */
	int64_t started_at_ms; /* CLOCK_REALTIME */
	/* our ends of the payload's streams; see pstdio.h */
	int in;	     /* we write ... */
	int in_from; /* ... what we read here: the caller's stdin, or --stdin */
	int out;     /* we read */
	int err;     /* we read */
};

/** Nothing runs yet. */
void running_init(struct running *ret);

/**
 * Make the streams and clone init. On failure nothing runs; running_clear() is due
 * all the same. All signals must be blocked by the caller; the payload starts with
 * none.
 */
int launch(const struct plan *plan, const struct network_early *network, struct running *run,
	   struct err *e);

/** Close what it holds. */
void running_clear(struct running *r);

#endif
