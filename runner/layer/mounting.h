/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mounting: the few acts that all rows which build the root are made of.
 *
 * All of it runs in init, on descriptors: a path of the host or of a user is
 * opened once, its inode compared with the one the plan was made for, and the
 * mount made from the descriptor. A target is resolved inside the new root
 * (RESOLVE_IN_ROOT) and may not lead through a symbolic link.
 */
#ifndef RUNNER_LAYER_MOUNTING_H
#define RUNNER_LAYER_MOUNTING_H

#include "layer/layer.h"

/** Make a directory, link or file on the root's own tmpfs. 0 or -errno. */
int mounting_make_node(struct child *c, const struct plan_node *n);

/**
 * Bind b->source to b->target. 0, or 1 when an optional source does not exist, or
 * -errno; -ESTALE: it is another inode now.
 */
int mounting_bind(struct child *c, const struct plan_bind *b);

/** Mount `fs_fd` (from fsopen, configured and created) at target. Closes it. */
int mounting_place(struct child *c, int fs_fd, uint64_t attributes, const char *target);

/** The same, but returns the mount's descriptor, for fstatfs(2). */
int mounting_place_kept(struct child *c, int fs_fd, uint64_t attributes, const char *target);

/** Mount a directory of the root's own tmpfs on itself, with attributes of its own. */
int mounting_own(struct child *c, const char *target, uint64_t attributes);

/** Mount a directory on itself, with what is mounted below it: it cannot be renamed. */
int mounting_hold(struct child *c, const char *target);

/** For prove rows: does what is mounted at `target` have these attributes? */
int mounting_prove(struct child *c, int layer, const char *target, uint64_t attributes);

/**
 * Make the mount of root_fd, which is attached below the present root, the root of
 * the mount namespace, and take the old one away with everything mounted in it.
 */
int mounting_pivot(int root_fd);

/** fsopen a tmpfs with these options (NULL: the kernel's default). fd or -errno. */
int mounting_tmpfs(const char *size, const char *inodes, const char *mode);

#endif
