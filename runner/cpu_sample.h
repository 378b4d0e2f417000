/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cpu_sample: CPU time of processes that nobody waits for.
 *
 * The kernel adds a process's time to that of whoever waited for it. Where SIGCHLD is
 * ignored nobody does, and its time is gone with it. So each process's own time is
 * remembered as last seen; what it used after that is not known.
 */
#ifndef RUNNER_CPU_SAMPLE_H
#define RUNNER_CPU_SAMPLE_H

#include "tree.h"

enum { CPU_SAMPLE_ROWS = 1024 };

struct cpu_sample {
	struct cpu_sample_row {
		unsigned long pid; /* in the sandbox; 0: the row is free */
		uint64_t started;  /* tells it from a later one of that number */
		uint64_t user, system;
		bool seen;
	} rows[CPU_SAMPLE_ROWS];
	uint64_t gone_user, gone_system; /* of those that have ended */
};

/** All that was seen so far, in ns: never more than was used. */
struct tree_cpu cpu_sample_look(struct cpu_sample *s, int proc_fd);

#endif
