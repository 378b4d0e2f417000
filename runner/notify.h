/* SPDX-License-Identifier: Apache-2.0 */
/*
 * notify: answer the system calls the filter asks about, and record them.
 *
 * The answer comes from the policy and the call's registers alone. The caller's
 * memory is never read: it could change between our look and the kernel's.
 */
#ifndef RUNNER_NOTIFY_H
#define RUNNER_NOTIFY_H

#include <stdbool.h>

#include "outcome.h"
#include "plan.h"
#include "shared_sizes.h"

/**
 * Receive and answer one notification. What is not refused is only noted in *sizes. True when the
 * policy answers this call with a kill: the caller must end the run.
 */
bool notify_answer(int listener, const struct plan *plan, struct shared_sizes *sizes,
		   struct outcome *o);

#endif
