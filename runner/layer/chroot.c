/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chroot: what the set-up does when runner itself was started in a chroot(2).
 *
 * There the root directory of the process is not that of its mount namespace. So
 * the propagation of the mounts above cannot be changed, pivot_root(2) fails where
 * the root is no mount point or hangs below a shared one, and user_namespaces(7)
 * are made for nobody. Init, in a mount namespace of its own, has a way out that
 * asks for nothing inside: setns(2) to the namespace it is in already leads to that
 * namespace's root. There it puts the directory, with all that is mounted below it,
 * in the place of the root. From then on nothing is special, and nothing of what
 * lies outside the chroot is left in the namespace.
 *
 * Only root may do that. An ordinary user in a chroot gets no user namespace, so
 * there is nothing to begin with (see launch.c).
 */
#define _GNU_SOURCE
#include "layer/chroot.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/limits.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include "base/raw.h"
#include "layer/mounting.h"

IN_CHILD int chroot_leave(void)
{
	long self = raw2(SYS_pidfd_open, raw0(SYS_getpid), 0);
	long r = self;

	if (self >= 0) {
		r = raw2(SYS_setns, self, CLONE_NEWNS);
		raw1(SYS_close, self);
	}
	return (int)r;
}

/* In a mount namespace of our own: out of the chroot, and nothing propagates. */
IN_CHILD static int go_to_the_top(void)
{
	long r = chroot_leave();

	if (r == 0)
		r = raw5(SYS_mount, NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
	return (int)r;
}

IN_CHILD int chroot_become_root(void)
{
	struct raw_mount_attr apart = { .propagation = MS_PRIVATE };
	char cwd[PATH_MAX];
	long cwd_length = raw2(SYS_getcwd, cwd, sizeof(cwd));
	/* Before we leave: from above, nobody says where it was. */
	long here = raw3(SYS_open_tree, AT_FDCWD, "/",
			 RAW_OPEN_TREE_CLONE | RAW_OPEN_TREE_CLOEXEC | RAW_AT_RECURSIVE);
	long r = here;

	if (here < 0)
		return (int)here;
	r = raw5(SYS_mount_setattr, here, "", AT_EMPTY_PATH | RAW_AT_RECURSIVE, &apart,
		 sizeof(apart));
	if (r == 0)
		r = go_to_the_top();
	if (r == 0)
		r = raw5(SYS_move_mount, here, "", AT_FDCWD, "/", RAW_MOVE_MOUNT_F_EMPTY_PATH);
	if (r == 0)
		r = mounting_pivot((int)here);
	raw1(SYS_close, here);
	/* A bind's source may be a relative path. Where this fails, so will that. */
	if (r == 0 && cwd_length > 0)
		raw1(SYS_chdir, cwd);
	return (int)r;
}

IN_CHILD int chroot_pivot(int root_fd)
{
	int r = go_to_the_top();

	return r < 0 ? r : mounting_pivot(root_fd);
}
