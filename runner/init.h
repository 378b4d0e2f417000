/* SPDX-License-Identifier: Apache-2.0 */
/*
 * init: pid 1 of the sandbox once the payload runs.
 *
 * It reaps, passes the supervisor's signals on, and its presence in the mount
 * namespace keeps the payload from ever being the last trusted task there. It
 * holds no privilege, no file and no memory of interest; when it ends, the
 * kernel ends everything inside.
 */
#ifndef RUNNER_INIT_H
#define RUNNER_INIT_H

#include "child.h"

/** Hand the descriptors over and wait for the payload's end. Never returns. */
void init_run(struct child *c, long payload_pid) __attribute__((noreturn));

#endif
