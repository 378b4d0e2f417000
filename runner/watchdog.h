/* SPDX-License-Identifier: Apache-2.0 */
/*
 * watchdog: holds limit memory where no cgroup does, by looking at the tree.
 *
 * It is as good as its last look: between two, the tree can grow by what its CPUs
 * can touch. It looks the more often the nearer the limit is. A glance counts too
 * much (what fork shares); only an exact look, which is dear, ends the run. So each
 * exact look is the base for the glances after it: they and the page faults say by
 * how much the tree can have grown since. Looking takes a twentieth of the time of
 * one CPU, and up to a third where a tree shares so much that one look takes long.
 */
#ifndef RUNNER_WATCHDOG_H
#define RUNNER_WATCHDOG_H

#include <stdint.h>

struct watchdog {
	uint64_t next; /* when to look, CLOCK_MONOTONIC in ns; UINT64_MAX: it sleeps */
	uint64_t limit;
	uint64_t cpus;
	uint64_t memfds;     /* bytes in them when last looked for */
	uint64_t memfds_due; /* when to look for them again */
	uint64_t exact;	     /* what the last exact look saw ... */
	uint64_t glance;     /* ... and the glance before it */
	uint64_t faults;     /* and the page faults until then */
	uint64_t exact_due;  /* when the next comes, whatever the glances say */
	uint64_t exact_soon; /* when it may come, if they say that the tree is over */
	unsigned int misses; /* how often they were wrong since the last that was due */
	uint64_t most;	     /* bytes; the most it has seen */
};

void watchdog_start(struct watchdog *w, uint64_t limit, unsigned int cpus, uint64_t now);

/** What the tree has, in bytes, if that is more than the limit; else 0. */
uint64_t watchdog_look(struct watchdog *w, int proc_fd, uint64_t now);

#endif
