/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_file: a seccomp policy that is compiled for this run: one that a user
 * brings, or a built-in one behind another guard than usual.
 */
#ifndef RUNNER_POLICY_FILE_H
#define RUNNER_POLICY_FILE_H

#include <linux/filter.h>

#include "base/err.h"

/**
 * Compile the built-in policy `name`, the file `name` (it has a slash), or one that
 * allows everything (NULL), behind those blocks of the guard. The programs'
 * instructions are malloc'ed. 0 or -errno.
 */
int policy_load(const char *name, unsigned int blocks, struct sock_fprog *filter,
		struct sock_fprog *verdict, struct err *e);

#endif
