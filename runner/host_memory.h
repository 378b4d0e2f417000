/* SPDX-License-Identifier: Apache-2.0 */
/*
 * host_memory: what the kernel holds for a run without saying for whom.
 *
 * Buffers of pipes and sockets, mappings, locks, and whatever comes next are charged to
 * nobody where there is no cgroup; nor is shared memory that is mapped and not looked at
 * (MADV_DONTNEED). What can be seen is how much of it the whole host has: a run is taken
 * to have had a part in its growth while it was in the kernel itself, and no larger one
 * than it can have filled in that time. It is approximate, and said to be.
 */
#ifndef RUNNER_HOST_MEMORY_H
#define RUNNER_HOST_MEMORY_H

#include <stdbool.h>
#include <stdint.h>

struct host_part {
	uint64_t first; /* what the host had at the beginning, in bytes */
	uint64_t last;	/* what the host had when last looked, in bytes */
	uint64_t grown; /* of the last interval, and not laid to the run yet */
	uint64_t lost;
	uint64_t laid; /* what is laid to the run */
};

struct host_memory {
	bool begun;
	int fd;			 /* /proc/meminfo of the host, or -1: nothing is known */
	uint64_t system;	 /* the run's time in the kernel until the last look, in ticks */
	uint64_t faults;	 /* and its page faults */
	struct host_part kernel; /* nobody's page, and not given back when it is wanted */
	struct host_part shared; /* files of memory, mapped or not */
};

/**
 * The first look is what the others are compared with: a short run never pays for one.
 * `system`: the run's time in the kernel so far, in ticks, which who works between the
 * ticks does not have. `faults`: its page faults so far; each can have filled a page.
 * `unseen`: how long, in ns, processes of it can have been there that nobody counted.
 */
void host_memory_look(struct host_memory *h, uint64_t system, uint64_t faults, uint64_t unseen);

void host_memory_end(struct host_memory *h);

/** What of the growth of one part is the run's, which could have filled that much. */
void host_part_look(struct host_part *p, uint64_t now, uint64_t could);

/** From the text of /proc/meminfo. */
uint64_t host_memory_kernel(const char *text);

#endif
