/* SPDX-License-Identifier: Apache-2.0 */
/*
 * guard: how the rows of the guard are proved.
 *
 * The proof cannot make a call that wakes the supervisor, who has no listener before
 * the exec. So each row makes one that the filter answers by itself, which shows that
 * this very program is in force, and asks the program what it says of the others.
 */
#ifndef RUNNER_LAYER_GUARD_H
#define RUNNER_LAYER_GUARD_H

#include <stdint.h>

#include "child.h"

struct guard_question {
	int nr;
	uint64_t args[6];
	const char *what; /* when it passes */
};

/** Does the program that was loaded refuse all of them, and tell? */
int guard_ask(struct child *c, int layer, const struct guard_question *q, unsigned int n);

#define GUARD_ASK(c, layer, questions) \
	guard_ask(c, layer, questions, sizeof(questions) / sizeof((questions)[0]))

#endif
