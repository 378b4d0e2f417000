/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verdict: from evidence to a reason.
 *
 * Pure: what the board says, what we did, what the kernel reported. Tested
 * without running anything.
 */
#ifndef RUNNER_VERDICT_H
#define RUNNER_VERDICT_H

#include "child.h"
#include "outcome.h"

/* runner's own exit status; see runner(1), EXIT STATUS. */
enum {
	EXIT_TIME = 124,
	EXIT_RUNNER = 125,
	EXIT_NOT_EXEC = 126,
	EXIT_NOT_FOUND = 127,
	EXIT_SIGNAL = 128,
};

/* What the supervisor did, and how init ended. */
struct acts {
	bool killed;		      /* we sent SIGKILL to the tree ... */
	enum reason kill_reason;      /* ... first for this reason */
	int cancel_signal;	      /* the first signal we were sent, or 0 */
	bool caller_gone;	      /* killed, because the process that started us ended */
	bool oom_before;	      /* the kernel had killed for memory when we killed first */
	uint64_t memory_used;	      /* what the tree had when we killed for it ... */
	unsigned int memory_rests_on; /* ... which rests on HELD_* */
	int blind_error;	      /* killed, because the tree could not be seen any more ... */
	const char *blind_at;	      /* ... at this file of a process */
	uint64_t cpu_used_ns;	      /* what the tree had used when we killed for it */
	int init_signal;	      /* the signal that ended init, or 0 */
};

/** Fill in reason, exit code, signal, message and hint. */
void verdict(const struct plan *plan, const struct board *b, const struct acts *a,
	     struct outcome *o);

/** Its part for a board with an error: the payload never started. */
void verdict_setup_failed(const struct plan *plan, const struct board *b, struct outcome *o);

#endif
