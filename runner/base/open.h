/* SPDX-License-Identifier: Apache-2.0 */
/*
 * open: the one way to open what the caller names, or hands in.
 *
 * A name is looked up without opening (O_PATH), judged by its type and its file
 * system, and that very inode is then opened for reading: a FIFO does not block us,
 * a device is not set off by being opened, a file of the kernel's is not handed out.
 *
 * The kernel's magic links (/proc/PID/fd/N, exe, cwd) are never followed. As an
 * ordinary user any other link gives nothing the caller could not open himself. As
 * root it does: a link that another user planted would have root read what that user
 * may not. So root follows a link only where root made it and nobody else could have
 * put it there.
 */
#ifndef RUNNER_BASE_OPEN_H
#define RUNNER_BASE_OPEN_H

#include <sys/stat.h>

#include "base/err.h"

enum open_type {
	OPEN_REGULAR, /* on a file system that holds files, not the kernel's state */
	OPEN_NULL,    /* /dev/null, whoever's */
	OPEN_STREAM,  /* a pipe, a socket, a terminal, /dev/zero and its kin */
};

/**
 * Open a regular file for reading; anything else is refused. `what` ("profile") and
 * the path name it in errors; `what` may be "". The descriptor, or -errno.
 */
int open_regular(const char *what, const char *path, struct stat *ret_st, struct err *e);

/** A directory to look things up in: O_PATH. */
int open_directory(const char *what, const char *path, struct err *e);

/** Open a file or stream to read from, non-blocking. The descriptor, or -errno. */
int open_source(const char *what, const char *path, enum open_type *ret, struct err *e);

/** May we read from this descriptor of the caller's, and what is it? 0 or -errno. */
int open_inherited(const char *what, int fd, enum open_type *ret, struct err *e);

#endif
