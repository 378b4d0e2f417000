/* SPDX-License-Identifier: Apache-2.0 */
/*
 * userns: the ids other rows plan with, and their maps.
 */
#ifndef RUNNER_LAYER_USERNS_H
#define RUNNER_LAYER_USERNS_H

#include "plan.h"

/**
 * Decide who the payload is on the host, with or without a user namespace: as
 * root an id that nobody owns, rootless the caller's. Before any row's plan.
 */
void userns_choose_ids(struct plan *plan);

struct child;

/**
 * Map the one id; proc_fd: a /proc that knows us. 0 or -errno. Async-signal-safe.
 */
int userns_write_maps(struct child *c, int proc_fd);

#endif
