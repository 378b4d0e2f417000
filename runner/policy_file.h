/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_file: a seccomp policy that a user brings.
 */
#ifndef RUNNER_POLICY_FILE_H
#define RUNNER_POLICY_FILE_H

#include <linux/filter.h>

#include "base/err.h"

/** Read and compile; the programs' instructions are malloc'ed. 0 or -errno. */
int policy_file_load(const char *path, struct sock_fprog *filter, struct sock_fprog *verdict,
		     struct err *e);

#endif
