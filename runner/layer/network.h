/* SPDX-License-Identifier: Apache-2.0 */
/*
 * network: the parent-side half of the row network_ns.
 *
 * The kernel takes longer for a network namespace than runner for all the rest,
 * so it is made by a task of its own, as early as possible. As root that is
 * before the plan is built, beside the supervisor; rootless only init may make
 * one (it belongs to init's user namespace), so there init begins it.
 */
#ifndef RUNNER_LAYER_NETWORK_H
#define RUNNER_LAYER_NETWORK_H

#include "host.h"
#include "spec.h"

enum network_how {
	NETWORK_IN_INIT,  /* not by the supervisor: rootless, or not asked for */
	NETWORK_BY_TASK,  /* by a task of its own, handed to init */
	NETWORK_IN_PLACE, /* by the supervisor itself: every CPU has work, a task more is overhead
			   */
};

struct network_early {
	enum network_how how;
	long maker; /* NETWORK_BY_TASK: the task's pid until it is waited for */
	int fd;	    /* the namespace, or -errno; valid when the maker has ended */
	bool loopback_up;
};

/**
 * Start the maker, if this run needs one. It shares the caller's memory and
 * descriptors and ends by itself; *n must stay where it is until then.
 */
void network_start(struct network_early *n, const struct spec *spec, const struct host *host);

/** Wait for it, or make it now, and send the namespace or its errno to init. */
void network_hand_over(struct network_early *n, int sock);

/** Wait for it and drop what it made; for a run that does not come to be. */
void network_cancel(struct network_early *n);

#endif
