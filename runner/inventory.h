/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inventory: what the processes of a run have mapped and open, looked through one by one.
 *
 * It says two things that no count of a process says: what is in shared memory that
 * nobody looks at, and how much the kernel can hold for the run at most. It is dear, and
 * a payload can make parts of it wait, so a helper does it.
 */
#ifndef RUNNER_INVENTORY_H
#define RUNNER_INVENTORY_H

#include <stdbool.h>
#include <stdint.h>

#include "closed_sockets.h"
#include "socket_use.h"

struct inventory {
	bool mapped;   /* every process let us see its mappings, and there was room for all */
	bool complete; /* and its descriptors */

	/* Shared memory that has no name, each counted once, however it is mapped. */
	uint64_t objects; /* how many there are */
	bool exact;	  /* `shared` is what is in them (map_files, as root); else it is 0 */
	uint64_t shared;  /* bytes */

	uint64_t processes, mappings, descriptors;
	uint64_t pipes;	  /* each once */
	uint64_t sockets; /* likewise */
	uint64_t private; /* sockets that only a thread has, in a table of its own */
	struct closed_sockets closed;
	uint64_t watches; /* of epoll(7) */
	uint64_t sent;	  /* descriptors under way in sockets that are open ... */
	bool says_sent;	  /* ... which the kernel has said (Linux 5.15) */
	uint64_t locks;	  /* of fcntl(2) and flock(2), its own or of nobody we know */
};

/** Takes long. Called in a helper. `init` is its number on the host. */
void inventory_take(int proc_fd, pid_t init, struct inventory *ret);

/**
 * What the kernel can hold for a run at most besides what has been counted, in bytes;
 * UINT64_MAX: it cannot be said.
 */
uint64_t inventory_bound(const struct inventory *i, const struct socket_sums *sockets);

#endif
