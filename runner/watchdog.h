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
 *
 * No look keeps the supervisor from its other work: it goes in turns of 20 ms, and where it
 * may have to wait a helper does. A tree made of so many mappings that an exact look does
 * not come to its end is ended.
 */
#ifndef RUNNER_WATCHDOG_H
#define RUNNER_WATCHDOG_H

#include <stdbool.h>
#include <stdint.h>

#include "nameless.h"
#include "outcome.h"
#include "survey.h"
#include "survey_helper.h"
#include "tmpfs_use.h"

enum watchdog_says {
	WATCHDOG_FINE,
	WATCHDOG_OVER,	/* w->used is more than the limit */
	WATCHDOG_BLIND, /* w->error: what is there cannot be seen any more */
};

struct watchdog {
	uint64_t next; /* when to look, CLOCK_MONOTONIC in ns; UINT64_MAX: it sleeps */
	uint64_t limit;
	uint64_t cpus;
	struct tmpfs_use *tmpfs;
	struct nameless nameless;
	int proc_fd; /* the sandbox's, during a look */

	struct survey survey;
	struct survey_helper helper; /* of an exact look: its pid_fd says that it is time */
	bool looking;		     /* it is in the middle of one ... */
	uint64_t begun;		     /* ... since then */
	uint64_t cost;		     /* and it took so long together */
	uint64_t used;		     /* bytes, as last seen */
	uint64_t exact;		     /* what the last exact look saw ... */
	uint64_t glance;	     /* ... and the glance before it */
	uint64_t faults;	     /* and the page faults until then */
	uint64_t glanced_at;	     /* when the last glance was ... */
	uint64_t newest;	     /* ... and the number of its newest process */
	uint64_t exact_due;	     /* when the next comes, whatever the glances say */
	uint64_t exact_soon;	     /* when it may come, if they say that the tree is over */
	bool due;		     /* this one comes because it is due */
	unsigned int misses;	     /* how often they were wrong since the last that was due */
	unsigned int confirmed;	     /* exact looks in a row that saw it over the limit */
	unsigned int inventory;	     /* how many had been taken when it was first seen so; or 0 */

	/* for the report */
	uint64_t most;	       /* bytes; the most it has seen */
	uint64_t most_tasks;   /* threads */
	uint64_t most_data;    /* bytes that one process had reserved */
	unsigned int rests_on; /* HELD_*, of outcome.h */
	int error;
	const char *what;
};

void watchdog_start(struct watchdog *w, const struct plan *plan, pid_t init,
		    struct tmpfs_use *tmpfs, const struct shared_sizes *sizes, uint64_t now);

enum watchdog_says watchdog_look(struct watchdog *w, int proc_fd, uint64_t now);

void watchdog_end(struct watchdog *w);

#endif
