/* SPDX-License-Identifier: Apache-2.0 */
/*
 * identity: who init is.
 */
#ifndef RUNNER_LAYER_IDENTITY_H
#define RUNNER_LAYER_IDENTITY_H

struct child;
struct plan;

/**
 * Init, when its last row is entered: as root, become an id that is neither root's nor
 * the payload's. It keeps what the payload needs to become the payload.
 */
int identity_become_init(struct child *c);

/**
 * Init, when the payload has been started: keep no capability that means anything.
 * Rootless it keeps one that means nothing, because the kernel refuses to change the
 * priority, the scheduling or the memory of a process that has more than oneself.
 */
int identity_disarm_init(const struct plan *plan);

#endif
