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

/** False: nothing is known of it, and `ret` is untouched. `layer` -1: before all layers. */
bool remedy_find(const struct host *host, int layer, int error, char *ret, size_t size);

/**
 * clone3(2) refused the namespaces of this plan: which layer's? They are tried one by
 * one. -1: each alone is made.
 */
int remedy_refused_namespace(const struct plan *plan);

#endif
