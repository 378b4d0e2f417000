/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "layer/mounting.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/raw.h"

enum {
	CLONE_MOUNT = RAW_OPEN_TREE_CLONE | RAW_OPEN_TREE_CLOEXEC,
	CLONE_TREE = CLONE_MOUNT | RAW_AT_RECURSIVE,
};

/*
 * A detached copy of the source's mounts. The system's own paths are root's alone
 * to change. What a user named is opened once and must be what the plan saw; links
 * may lead to the program that is handed in (those that base/open.h follows), not to
 * a bind.
 */
IN_CHILD static long clone_tree(const struct plan_bind *b)
{
	struct raw_open_how how = { .flags = O_PATH | O_CLOEXEC,
				    .resolve = b->follow ? RAW_RESOLVE_NO_MAGICLINKS
							 : RAW_RESOLVE_NO_SYMLINKS };
	struct stat st;
	long source;
	long r;

	if (b->ino == 0)
		return raw3(SYS_open_tree, AT_FDCWD, b->source, CLONE_TREE);
	source = raw4(SYS_openat2, AT_FDCWD, b->source, &how, sizeof(how));
	if (source < 0)
		return source;
	r = raw4(SYS_newfstatat, source, "", &st, AT_EMPTY_PATH);
	if (r == 0 && (st.st_ino != b->ino || st.st_dev != b->dev))
		r = -ESTALE;
	if (r == 0)
		r = raw3(SYS_open_tree, source, "",
			 AT_EMPTY_PATH | (b->closed ? CLONE_MOUNT : CLONE_TREE));
	raw1(SYS_close, source);
	return r;
}

IN_CHILD static long open_target(struct child *c, const char *path)
{
	struct raw_open_how how = { .flags = O_PATH | O_CLOEXEC,
				    .resolve = RAW_RESOLVE_IN_ROOT | RAW_RESOLVE_NO_SYMLINKS |
					       RAW_RESOLVE_NO_MAGICLINKS };

	return raw4(SYS_openat2, c->root_fd, path, &how, sizeof(how));
}

IN_CHILD static int make_file(struct child *c, const struct plan_node *n)
{
	long fd = raw4(SYS_openat, c->root_fd, n->path,
		       O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, n->mode);
	int64_t offset = 0;
	long r = 0;

	if (fd < 0)
		return (int)fd;
	if (n->kind == PLAN_NODE_FILE)
		r = raw3(SYS_write, fd, n->text, n->length);
	while (n->kind == PLAN_NODE_COPY && offset < (int64_t)n->length) {
		r = raw4(SYS_sendfile, fd, n->fd, &offset, n->length - (size_t)offset);
		/* Shorter than when the plan was made: someone is writing to it. */
		if (r <= 0) {
			r = r < 0 ? r : -ESTALE;
			break;
		}
	}
	raw1(SYS_close, fd);
	return r < 0 ? (int)r : 0;
}

/*
 * Every parent is a node of its own and comes first. So if each is known to be a
 * directory, no path of a node leads through a link.
 */
IN_CHILD static int check_directory(struct child *c, const char *path)
{
	struct stat st;
	long r = raw4(SYS_newfstatat, c->root_fd, path, &st, AT_SYMLINK_NOFOLLOW);

	if (r < 0)
		return (int)r;
	return S_ISDIR(st.st_mode) ? 0 : S_ISLNK(st.st_mode) ? -ELOOP : -ENOTDIR;
}

IN_CHILD int mounting_make_node(struct child *c, const struct plan_node *n)
{
	long r;

	switch (n->kind) {
	case PLAN_NODE_DIR:
		r = raw3(SYS_mkdirat, c->root_fd, n->path, n->mode);
		return r == -EEXIST ? check_directory(c, n->path) : (int)r;
	case PLAN_NODE_LINK: return (int)raw3(SYS_symlinkat, n->text, c->root_fd, n->path);
	case PLAN_NODE_FILE:
		/* Empty, to mount something on: half of what opening it costs. */
		if (n->length == 0)
			return (int)raw4(SYS_mknodat, c->root_fd, n->path, S_IFREG | n->mode, 0);
		return make_file(c, n);
	case PLAN_NODE_COPY: return make_file(c, n);
	case PLAN_NODE_DEVICE:
		return (int)raw4(SYS_mknodat, c->root_fd, n->path, S_IFCHR | n->mode, n->device);
	}
	return -EINVAL;
}

/* Attach a detached mount at target. */
IN_CHILD static int attach_kept(struct child *c, long mount_fd, const char *target)
{
	long at = open_target(c, target);
	long r = at;

	if (at >= 0) {
		r = raw5(SYS_move_mount, mount_fd, "", at, "",
			 RAW_MOVE_MOUNT_F_EMPTY_PATH | RAW_MOVE_MOUNT_T_EMPTY_PATH);
		raw1(SYS_close, at);
	}
	return (int)r;
}

/* The same, and close it. */
IN_CHILD static int attach(struct child *c, long mount_fd, const char *target)
{
	int r = attach_kept(c, mount_fd, target);

	raw1(SYS_close, mount_fd);
	return r;
}

IN_CHILD int mounting_bind(struct child *c, const struct plan_bind *b)
{
	struct raw_mount_attr attr = { .attr_set = b->attributes };
	unsigned int flags = AT_EMPTY_PATH | RAW_AT_RECURSIVE;
	long tree = clone_tree(b);
	long r;

	if (tree == -ENOENT && b->optional)
		return 1;
	if (tree < 0)
		return (int)tree;
	if (b->idmap_fd >= 0) {
		/* Only the mount itself: what is mounted below may not support it. */
		struct raw_mount_attr idmap = { .attr_set = RAW_MOUNT_ATTR_IDMAP,
						.userns_fd = (uint64_t)b->idmap_fd };

		r = raw5(SYS_mount_setattr, tree, "", AT_EMPTY_PATH, &idmap, sizeof(idmap));
		if (r < 0) {
			raw1(SYS_close, tree);
			return (int)r;
		}
	}
	r = raw5(SYS_mount_setattr, tree, "", flags, &attr, sizeof(attr));
	if (r < 0) {
		raw1(SYS_close, tree);
		return (int)r;
	}
	return attach(c, tree, b->target);
}

IN_CHILD int mounting_place_kept(struct child *c, int fs_fd, uint64_t attributes,
				 const char *target)
{
	long mount = raw3(SYS_fsmount, fs_fd, RAW_FSMOUNT_CLOEXEC, attributes);
	int r;

	raw1(SYS_close, fs_fd);
	if (mount < 0)
		return (int)mount;
	r = attach_kept(c, mount, target);
	if (r == 0)
		return (int)mount;
	raw1(SYS_close, mount);
	return r;
}

IN_CHILD int mounting_place(struct child *c, int fs_fd, uint64_t attributes, const char *target)
{
	int mount = mounting_place_kept(c, fs_fd, attributes, target);

	if (mount < 0)
		return mount;
	raw1(SYS_close, mount);
	return 0;
}

IN_CHILD int mounting_own(struct child *c, const char *target, uint64_t attributes)
{
	struct raw_mount_attr attr = { .attr_set = attributes };
	long at = open_target(c, target);
	long tree;
	long r;

	if (at < 0)
		return (int)at;
	tree = raw3(SYS_open_tree, at, "", AT_EMPTY_PATH | CLONE_MOUNT);
	raw1(SYS_close, at);
	if (tree < 0)
		return (int)tree;
	r = raw5(SYS_mount_setattr, tree, "", AT_EMPTY_PATH, &attr, sizeof(attr));
	if (r == 0)
		return attach(c, tree, target);
	raw1(SYS_close, tree);
	return (int)r;
}

IN_CHILD int mounting_hold(struct child *c, const char *target)
{
	long at = open_target(c, target);
	long tree = at < 0 ? at : raw3(SYS_open_tree, at, "", AT_EMPTY_PATH | CLONE_TREE);

	if (at >= 0)
		raw1(SYS_close, at);
	return tree < 0 ? (int)tree : attach(c, tree, target);
}

IN_CHILD int mounting_pivot(int root_fd)
{
	long r = raw1(SYS_fchdir, root_fd);

	/* pivot_root(2), NOTES: "." twice stacks the old root over the new one ... */
	if (r == 0)
		r = raw2(SYS_pivot_root, ".", ".");
	/* ... from where it is taken away, with everything mounted in it. */
	if (r == 0)
		r = raw2(SYS_umount2, ".", MNT_DETACH);
	if (r == 0)
		r = raw1(SYS_chdir, "/");
	return (int)r;
}

IN_CHILD int mounting_tmpfs(const char *size, const char *inodes, const char *mode)
{
	long fd = raw2(SYS_fsopen, "tmpfs", RAW_FSOPEN_CLOEXEC);
	long r = 0;

	if (fd < 0)
		return (int)fd;
	if (size)
		r = raw5(SYS_fsconfig, fd, RAW_FSCONFIG_SET_STRING, "size", size, 0);
	if (r == 0 && inodes)
		r = raw5(SYS_fsconfig, fd, RAW_FSCONFIG_SET_STRING, "nr_inodes", inodes, 0);
	if (r == 0)
		r = raw5(SYS_fsconfig, fd, RAW_FSCONFIG_SET_STRING, "mode", mode, 0);
	if (r == 0)
		r = raw5(SYS_fsconfig, fd, RAW_FSCONFIG_CMD_CREATE, NULL, NULL, 0);
	if (r < 0) {
		raw1(SYS_close, fd);
		return (int)r;
	}
	return (int)fd;
}

IN_CHILD int mounting_prove(struct child *c, int layer, const char *target, uint64_t attributes)
{
	/* statfs(2): f_flags is word 10; ST_RDONLY to ST_NOEXEC are the bits of mount_setattr(2).
	 */
	uint64_t wanted = attributes & (RAW_MOUNT_ATTR_RDONLY | RAW_MOUNT_ATTR_NOSUID |
					RAW_MOUNT_ATTR_NODEV | RAW_MOUNT_ATTR_NOEXEC);
	long fs[16] = { 0 };
	long fd = open_target(c, target);

	if (fd < 0)
		return child_check(c, layer, fd == -EACCES, "a mount is not there");
	raw2(SYS_fstatfs, fd, fs);
	raw1(SYS_close, fd);
	return child_check(c, layer, ((uint64_t)fs[10] & wanted) == wanted,
			   "a mount lacks its read-only, nosuid, nodev or noexec");
}
