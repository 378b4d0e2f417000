/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chain: what lies between a bind and the writable mount it lies in.
 *
 * rename(2) moves a directory with everything mounted below it; only a mount point
 * itself stays where it is (EBUSY). So whoever may write /w could rename /w/a, and a
 * read-only /w/a/.git were gone from its place, free to be made anew, on the host as
 * well. Each directory in between becomes a mount of its own: itself, on itself.
 */
#ifndef RUNNER_LAYER_CHAIN_H
#define RUNNER_LAYER_CHAIN_H

#include "layer/layer.h"

/** Plan what holds the mount at `target`; *ret_count is how many were added. */
int chain_plan(struct plan *plan, const char *target, uint8_t *ret_count, struct err *e);

/** Child: make the next `count` of them, from *at on, which moves. */
int chain_enter(struct child *c, unsigned int *at, unsigned int count);

/** Child: is each a mount? */
int chain_prove(struct child *c);

#endif
