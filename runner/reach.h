/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reach: what a writable bind lets the payload write, under whatever other name.
 *
 * A bind is granted by its path, but the files are what matters: the directory of the
 * report, a root file system or a program that the sandbox executes may lie in it, or
 * be the same directory by another mount (its own, a bind mount of the host's, the upper
 * directory of an overlay). All is compared as device and path within the file system;
 * what is covered inside by another mount is not reached that way.
 *
 * Not seen: a hard link into a bind, and file systems that show another's files by means
 * of their own (FUSE, a network); in a chroot that is no mount point, what a mount of the
 * directory that holds the chroot leads to.
 */
#ifndef RUNNER_REACH_H
#define RUNNER_REACH_H

#include "mountinfo.h"
#include "plan.h"

/**
 * For the row binds, when all binds are planned: what is executed, and what is nested
 * to be read only, must not be written by another way. A bind that is executable only
 * because nobody said otherwise becomes noexec; anything else is refused. *mounts is read
 * when it is needed and was not; the caller clears it.
 */
int reach_check_binds(struct plan *plan, struct mountinfo *mounts, struct err *e);

/** May the payload write what this descriptor is? 1, 0, or -errno. `e` says by what. */
int reach_of(const struct plan *plan, int fd, struct err *e);

#endif
