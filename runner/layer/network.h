/* SPDX-License-Identifier: Apache-2.0 */
/*
 * network: the parent-side half of the row network_ns.
 *
 * The kernel takes longer for a network namespace than runner for all the rest,
 * so it is made as early as possible: as root before the plan is built, by a task
 * of its own on another CPU, and init joins it when its mounts stand. That task
 * makes the IPC namespace as well: it has the time. Where every CPU has work, the
 * supervisor makes the namespace itself and init is born in it. Rootless only init
 * may make one (it belongs to init's user namespace), so there init begins it.
 */
#ifndef RUNNER_LAYER_NETWORK_H
#define RUNNER_LAYER_NETWORK_H

#include <stdbool.h>
#include <stdint.h>

struct spec;
struct host;

enum network_how {
	NETWORK_IN_INIT,  /* not by the supervisor: rootless, or not asked for */
	NETWORK_BY_TASK,  /* by a task of its own, which init joins */
	NETWORK_IN_PLACE, /* by the supervisor, before init is born */
};

/* Words for futex(2), in a page shared with init. */
struct network_words {
	int32_t made;	/* 0: not yet; 1: made; -errno */
	int32_t joined; /* the task may end */
};

struct network_early {
	enum network_how how;
	struct network_words *words; /* NETWORK_BY_TASK */
	int error;		     /* NETWORK_IN_PLACE: 0 or -errno */
	uint32_t supervisor;	     /* pid */
	long maker;		     /* NETWORK_BY_TASK: the task's pid until it is waited for */
	int maker_fd;		     /* its pidfd; -1 */
	unsigned long flags;	     /* the namespaces it makes, of clone(2) */
	bool loopback_up;
};

/**
 * Begin what can be done before there is an init; in a dry run nothing. The task
 * shares the caller's memory, so *n must stay where it is until network_finish().
 */
void network_start(struct network_early *n, const struct spec *spec, const struct host *host);

/** Let the task end and wait for it; init has joined it, or never will. */
void network_finish(struct network_early *n);

#endif
