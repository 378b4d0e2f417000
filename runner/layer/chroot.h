/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chroot: the ways out for an init whose root directory is not its mount
 * namespace's (see chroot.c); for root only. Each is taken only after the ordinary way
 * has failed, so a run outside a chroot pays nothing. 0 or -errno.
 */
#ifndef RUNNER_LAYER_CHROOT_H
#define RUNNER_LAYER_CHROOT_H

/** Root directory and cwd become the root of the mount namespace we are in. */
int chroot_leave(void);

/** Make what is "/" now the root of the mount namespace; the rest of it is gone. */
int chroot_become_root(void);

/** mounting_pivot() where the root that is to go lies below the namespace's own. */
int chroot_pivot(int root_fd);

#endif
