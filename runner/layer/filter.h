/* SPDX-License-Identifier: Apache-2.0 */
/*
 * filter: the one seccomp program of a run: the guard's blocks that stand, and the
 * policy behind them, or nothing behind them (--without seccomp).
 *
 * Each block and the policy are rows of their own; whichever comes first loads it
 * for all. One program, because a call is asked about once, by one listener, and the
 * rows' own set-up must be done when any of it binds.
 */
#ifndef RUNNER_LAYER_FILTER_H
#define RUNNER_LAYER_FILTER_H

#include "child.h"
#include "plan.h"

/** Put it together, once it is known which rows are entered. */
int filter_plan(struct plan *plan, struct err *e);

/** The rows' `enter`. */
int filter_enter(struct child *c);

/**
 * Which row a verdict of the plan's program comes from. What no rule says (a call of a
 * foreign architecture) is the policy's, or without one the first row's that is there.
 */
int filter_layer(const struct plan *plan, uint32_t verdict);

#endif
