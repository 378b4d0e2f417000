/* SPDX-License-Identifier: Apache-2.0 */
/*
 * remedy: what about this host most likely made a layer fail, and what mends it.
 *
 * Asked only after a failure, so it may look at the machine: at the layer's own
 * probe, the chroot, the filter, the limits runner is under. The words go to exec's
 * hint, and from there to doctor.
 */
#ifndef RUNNER_REMEDY_H
#define RUNNER_REMEDY_H

#include <stdbool.h>
#include <stddef.h>

#include "plan.h"

/** A limit of the caller's that gives this errno, in words; or NULL. */
const char *remedy_of_limit(int error);

/** False: nothing is known of it, and `ret` is untouched. `layer` -1: before all layers. */
bool remedy_find(const struct host *host, int layer, int error, char *ret, size_t size);

/**
 * clone3(2) refused the first process of this plan: for which layer? The namespaces are
 * tried one by one; where each is made, it was the cgroup. -1: none of these.
 */
int remedy_refused_layer(const struct plan *plan, bool in_cgroup);

#endif
