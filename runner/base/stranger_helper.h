/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stranger_helper: a process that waits on a stranger's descriptor in our place.
 */
#ifndef RUNNER_BASE_STRANGER_HELPER_H
#define RUNNER_BASE_STRANGER_HELPER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/stranger.h"

enum { STRANGER_PIECE = 4096 }; /* a page: splice(2) moves it whole or not at all */

/* In a page that the helper shares with us. */
struct stranger_share {
	size_t done; /* bytes written */
	int error;
};

/** A pipe of ours, and a process that waits at its other end. 0 or -errno. */
int stranger_helper_make(struct stranger *s, bool writing);
/** Kill it, without waiting for it, and release what it shared; none: nothing. */
void stranger_helper_end(struct stranger *s);

#endif
