/* SPDX-License-Identifier: Apache-2.0 */
/*
 * probe: one table of attempts per file. An attempt returns 0 when it succeeded,
 * or the errno it got.
 */
#ifndef TESTS_PROBES_PROBE_H
#define TESTS_PROBES_PROBE_H

#include <errno.h>

struct probe {
	const char *name;
	int (*run)(void);
};

/* Each ends with a row whose name is NULL. */
extern const struct probe probes_kernel[], probes_network[], probes_files[], probes_process[];

/* The probe's argument; "" when there is none. */
extern const char *arg;

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
