/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kernel_bound: what the kernel can hold for a run at most.
 *
 * host_memory.h lays the growth of the whole host to a run; a neighbour's growth is not
 * told from it. So it is never laid to a run that has nothing to hold it with: without
 * sockets, with few descriptors and small address spaces, it is the neighbour's.
 */
#ifndef RUNNER_KERNEL_BOUND_H
#define RUNNER_KERNEL_BOUND_H

#include "survey.h"

/**
 * In bytes, and rather too much than too little; UINT64_MAX: it cannot be said.
 * `open_files`: the limit of descriptors, or UNLIMITED.
 */
uint64_t kernel_bound(int proc_fd, const struct survey_sums *s, uint64_t open_files);

/* What the text of /proc/PID/net/protocols says of sockets: what they all can buffer. */
uint64_t kernel_bound_sockets(const char *text);

#endif
