/* SPDX-License-Identifier: Apache-2.0 */
/*
 * denials: the table of refused calls.
 *
 * Every call is counted exactly once: in a row, or in `dropped`. The first kind of
 * each call always finds a row, and the call that ended the run has a place of its
 * own, so a flood of others hides neither.
 */
#ifndef RUNNER_DENIALS_H
#define RUNNER_DENIALS_H

#include "outcome.h"

/**
 * Count this call. Returns the row when it is a new one, for the caller to say whose
 * it was; else NULL. error == 0: the policy answers it with a kill.
 */
struct denial *denials_count(struct denials *d, int nr, uint32_t arch, const uint64_t args[6],
			     int error, int layer);

#endif
