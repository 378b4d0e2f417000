/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kernel_fs: file systems that are the kernel's own state. What looks like a regular
 * file there is a table, a switch or another process.
 */
#ifndef RUNNER_BASE_KERNEL_FS_H
#define RUNNER_BASE_KERNEL_FS_H

#include <stdbool.h>

/** The one that an open file lies on ("proc"); NULL: a file system that holds files. */
const char *kernel_fs_name(int fd);

/** Is this type, as /proc/self/mountinfo has it, one of them? */
bool kernel_fs_is(const char *type);

#endif
