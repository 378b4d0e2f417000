/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shared_sizes: how large the memory is that a run has asked to share, call by call.
 *
 * A mapping does not say how large the memory behind it is, and only root may look
 * (inventory.h). But it was as large as it was made, and mmap(2) says that in registers:
 * the filter lets the supervisor see each call that makes much, and lets it pass. So what
 * there is now is no larger than as many of the largest that were made.
 */
#ifndef RUNNER_SHARED_SIZES_H
#define RUNNER_SHARED_SIZES_H

#include <stdint.h>

enum {
	SHARED_SIZES_MOST = 64,
	SHARED_SIZES_SMALL = 1 << 20, /* up to that nobody is asked */
};

struct shared_sizes {
	unsigned int n;
	uint64_t size[SHARED_SIZES_MOST]; /* the largest first */
};

void shared_sizes_add(struct shared_sizes *s, uint64_t size);

/** Of so many that are there, what they can hold at most together. */
uint64_t shared_sizes_most(const struct shared_sizes *s, uint64_t n);

#endif
