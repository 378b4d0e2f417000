/* SPDX-License-Identifier: Apache-2.0 */
/*
 * place: where a destination of a mount lies, and which there may be. Parent side.
 */
#ifndef RUNNER_LAYER_PLACE_H
#define RUNNER_LAYER_PLACE_H

#include "plan.h"

enum place {
	ON_ROOT,  /* on the root's own tmpfs */
	ON_TMPFS, /* on one that is mounted there */
	ON_BIND,  /* on the system's files or the user's */
};

enum place place_of(const struct plan *plan, const char *target);

/** Is it a destination that nobody but us uses? 0 or -EINVAL. */
int place_check(const struct spec_mount *m, struct err *e);

/** What is mounted there is no longer seen, so it is not proved either. */
void place_cover(struct plan *plan, const char *target);

#endif
