/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nameless: what a run holds beyond what its processes and files say, without a cgroup.
 *
 *     sockets          by the kernel's own count (socket_use.h)
 *     shared memory    as root by what is in it (inventory.h)
 *     all the rest     by the growth of the whole host's (host_memory.h)
 *
 * Only the last cannot tell a neighbour from the run. So it is never more than what the
 * run has can hold, by an inventory of its own, and nothing at all where that is little.
 * For an ordinary user shared memory that nobody looks at is among the rest: it is bound by
 * what there is of it, and how large it was made (shared_sizes.h).
 */
#ifndef RUNNER_NAMELESS_H
#define RUNNER_NAMELESS_H

#include <stdbool.h>
#include <stdint.h>

#include "helper.h"
#include "host_memory.h"
#include "inventory.h"
#include "plan.h"
#include "shared_sizes.h"
#include "socket_use.h"
#include "survey.h"

struct nameless {
	uint64_t least; /* less than this is the host's everyday */
	bool bounded;	/* the layer uncounted is there: nothing is larger than we know */
	const struct shared_sizes *sizes; /* NULL: not told */
	bool looks_inside;		  /* it may follow map_files */
	pid_t init;			  /* on the host */
	int proc_fd;			  /* the sandbox's, during a look */
	struct host_memory host;
	struct socket_use sockets;

	struct helper helper; /* takes the inventory */
	bool known;	      /* the last inventory is good ... */
	struct inventory last;
	uint64_t asked, due; /* ... when it was asked for, when the next may be ... */
	uint64_t regular;    /* ... and when one is, whatever the host says */
	unsigned int taken;  /* how many there were, good or not */

	uint64_t bytes; /* that rest on the inventory or the host ... */
	bool from_host; /* ... on the host, too */
};

void nameless_start(struct nameless *n, const struct plan *plan, pid_t init, uint64_t limit,
		    const struct shared_sizes *sizes, uint64_t now);

/** The sockets, until `deadline`. 1: there is more to do. 0: done. */
int nameless_step(struct nameless *n, int proc_fd, uint64_t deadline);

/**
 * All of it, in bytes, with the sockets. `named` are bytes of the kernel's, and `files` of
 * files of memory, that others count. `exactly`: the sums are of an exact look.
 */
uint64_t nameless_sum(struct nameless *n, const struct survey_sums *s, uint64_t named,
		      uint64_t files, bool exactly);

/** Is an answer to come that matters? */
bool nameless_waits(const struct nameless *n);

/** Look again at what it said last, which was not all of this moment. */
void nameless_again(struct nameless *n);

void nameless_end(struct nameless *n);

#endif
