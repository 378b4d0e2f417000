/* SPDX-License-Identifier: Apache-2.0 */
/*
 * userns: the ids other rows plan with.
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
 * Init, when its last row is entered: as root, become an id that is neither root's nor
 * the payload's. It keeps what the payload needs to become the payload.
 */
int userns_become_init(struct child *c);

/**
 * Init, when the payload has been started: keep no capability that means anything.
 * Rootless it keeps one that means nothing, because the kernel refuses to change the
 * priority, the scheduling or the memory of a process that has more than oneself.
 */
int userns_disarm_init(const struct plan *plan);

#endif
