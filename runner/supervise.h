/* SPDX-License-Identifier: Apache-2.0 */
/*
 * supervise: watch a run to its end and say how it ended.
 *
 * One poll loop over init's pidfd, the seccomp listener, the streams, our own
 * signals and the clock. Whatever happens, it returns only when the kernel has
 * reaped every process of the sandbox.
 */
#ifndef RUNNER_SUPERVISE_H
#define RUNNER_SUPERVISE_H

#include <signal.h>

#include "launch.h"
#include "outcome.h"
#include "streams.h"

/** Signals runner passes on or acts on; all must be blocked. For signalfd(2). */
void supervise_signals(sigset_t *ret);

/**
 * Never fails: what goes wrong is in the outcome. What readers have not taken by then
 * is left to streams_drain().
 */
void supervise(const struct plan *plan, struct running *run, struct streams *streams,
	       struct outcome *ret);

#endif
