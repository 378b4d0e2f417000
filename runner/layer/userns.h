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

#endif
