/* SPDX-License-Identifier: Apache-2.0 */
/*
 * watchdog: holds limit memory where no cgroup does, by looking at the tree.
 *
 * It is as good as its last look: between two, the tree can grow by what its CPUs
 * can touch. It looks the more often the nearer the limit is, and never for more
 * than a twentieth of the time.
 */
#ifndef RUNNER_WATCHDOG_H
#define RUNNER_WATCHDOG_H

#include <stdint.h>

struct watchdog {
	uint64_t next; /* when to look, CLOCK_MONOTONIC in ns; UINT64_MAX: it sleeps */
	uint64_t limit;
	uint64_t cpus;
	uint64_t files_next; /* when to look for memfds, too */
	uint64_t most;	     /* bytes; the most it has seen */
};

void watchdog_start(struct watchdog *w, uint64_t limit, unsigned int cpus, uint64_t now);

/** What the tree has, in bytes, if that is more than the limit; else 0. */
uint64_t watchdog_look(struct watchdog *w, int proc_fd, uint64_t now);

#endif
