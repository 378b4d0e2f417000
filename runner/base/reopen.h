/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reopen: the inode that was looked at (O_PATH) and judged, for reading.
 *
 * The exact way leads through /proc/self/fd, whose first use makes the kernel build this
 * process's directory there: the time of fifteen opens. So a regular file in a directory
 * where only root and the caller can change names is opened by its name, and compared.
 * Where anyone else can, it could be a device by then, and some act when opened.
 */
#ifndef RUNNER_BASE_REOPEN_H
#define RUNNER_BASE_REOPEN_H

#include <sys/stat.h>

/** A descriptor or -errno; -ESTALE: another inode has its name. `st` is of what was looked at. */
long reopen(int looked_at, const char *path, const struct stat *st);

#endif
