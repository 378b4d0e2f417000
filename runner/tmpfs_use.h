/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tmpfs_use: what lies on the sandbox's own memory file systems (statfs(2)).
 *
 * Files there are memory as any other, mapped or not, open or not: together with the
 * processes' own they are held to limit memory. Init hands up a descriptor of each
 * file system; no path of the sandbox is ever followed from outside.
 */
#ifndef RUNNER_TMPFS_USE_H
#define RUNNER_TMPFS_USE_H

#include <stdbool.h>
#include <stdint.h>

#include "plan.h"

struct tmpfs_use {
	const struct plan *plan;
	int fds[PLAN_MAX_TMPFS]; /* in the plan's order, -1: none was handed up */
	uint64_t most;		 /* bytes, of all together */
	uint64_t most_part;	 /* thousandths of its size (or files), of the fullest ... */
	unsigned int fullest;	 /* ... which is this one */
	uint64_t was_full;	 /* bit i: there was no room left on it when it was looked at */
};

void tmpfs_use_init(struct tmpfs_use *u, const struct plan *plan);

/** Bytes on all of them now; what was seen stays in *u. */
uint64_t tmpfs_use_look(struct tmpfs_use *u);

void tmpfs_use_clear(struct tmpfs_use *u);

#endif
