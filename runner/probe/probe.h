/* SPDX-License-Identifier: Apache-2.0 */
/*
 * probe: forbidden things to try, one table of attempts per file. An attempt
 * returns 0 when it succeeded, or the errno it got. Raw system calls throughout: no
 * library comes between the attempt and its answer.
 *
 * `runner selftest` runs them inside the sandbox and where they must succeed; the
 * test suite has them as a program of their own.
 */
#ifndef RUNNER_PROBE_PROBE_H
#define RUNNER_PROBE_PROBE_H

#include <errno.h>

struct probe {
	const char *name;
	int (*run)(void);
};

/* Each ends with a row whose name is NULL. */
extern const struct probe probes_kernel[], probes_network[], probes_files[], probes_process[],
	probes_guard[];

/* The probe's argument; "" when there is none. */
extern const char *probe_arg;

/** argv: anything, NAME, [ARGUMENT]. Prints "0", or the errno as a number. */
int probe_main(int argc, char **argv);

/* As argv[0] it makes runner run a probe: for copies of itself that it executes. */
#define PROBE_SELF "runner-probe"

static inline int result(long r)
{
	return r < 0 ? errno : 0;
}

#define CALL(...) return result(syscall(__VA_ARGS__))
#define P(name) \
	{ \
#name, p_##name \
	}

#endif
