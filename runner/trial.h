/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trial: does a run work here? The only honest answer is one: `runner exec` with no
 * option, on a program that does nothing (our own, as selftest uses it). What the
 * layers' probes say is a guess beside it; doctor's verdict is exec's.
 */
#ifndef RUNNER_TRIAL_H
#define RUNNER_TRIAL_H

#include <stdbool.h>

#include "host.h"

struct trial {
	bool works;
	int layer;	    /* that refused; -1: none, or none is named */
	char message[1024]; /* exec's own words; empty when it works */
	char hint[1024];
};

/** Run it. Never fails: a trial that cannot be started does not work. */
void trial_run(const struct host *host, struct trial *ret);

#endif
