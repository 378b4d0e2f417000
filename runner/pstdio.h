/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pstdio: the payload's ends of the standard streams.
 *
 * The payload holds no descriptor of the caller's: with one it could lock, truncate or
 * change the mode of the caller's file, set his terminal, seek where his shell reads
 * on, or open it anew through /proc/self/fd. So each stream is a pair of our own, and
 * the supervisor passes on what goes through it.
 */
#ifndef RUNNER_PSTDIO_H
#define RUNNER_PSTDIO_H

#include "launch.h"

struct stdio {
	int fd[3]; /* the payload's ends; fd[0] == -1: the sandbox's own /dev/null */
};

/** Make them; our ends are put into *run. stdio_close() is due in any case. */
int stdio_open(const struct plan *plan, struct stdio *s, struct running *run, struct err *e);
void stdio_close(struct stdio *s);

#endif
