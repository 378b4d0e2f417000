/* SPDX-License-Identifier: Apache-2.0 */
/*
 * root: what the payload sees of the file system, and nothing else.
 *
 * The new root is a small tmpfs of our own. Its directories and links are made
 * by us; the system comes in as read-only binds of a few directories. With
 * --rootfs it is the same: the entries of that directory are bound one by one,
 * so no mount point is ever made in it and a link planted there as /dev or /proc
 * leads nowhere. What is not granted does not exist (ENOENT).
 *
 * Rows: root (skeleton and system view) and pivot_root (seal it, drop the old).
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/kernel_fs.h"
#include "base/raw.h"
#include "command.h"
#include "layer/chroot.h"
#include "layer/mounting.h"

enum {
	RO = RAW_MOUNT_ATTR_RDONLY | RAW_MOUNT_ATTR_NOSUID | RAW_MOUNT_ATTR_NODEV,
	RO_NOEXEC = RO | RAW_MOUNT_ATTR_NOEXEC,
};

/* -- plan: the host's /usr ------------------------------------------------- */

static int add_bind(struct plan *plan, const char *prefix, const char *path, uint64_t attributes,
		    bool exec, struct err *e)
{
	struct plan_bind b = { .target = path,
			       .attributes = attributes,
			       .exec = exec,
			       .optional = true,
			       .directory = true,
			       .idmap_fd = -1 };

	b.source = plan_printf(plan, e, "%s/%s", prefix, path);
	return b.source ? plan_add_view(plan, &b, e) : -ENOMEM;
}

/* A file of /etc needs a mount point of its own kind. */
static int add_etc_entry(struct plan *plan, const struct host_etc *entry, struct err *e)
{
	struct plan_node point = {
		.kind = PLAN_NODE_FILE, .path = entry->path + 1, .mode = 0444, .text = "", .fd = -1
	};
	struct plan_bind b = { .source = entry->path,
			       .target = entry->path + 1,
			       .attributes = RO_NOEXEC,
			       .optional = true,
			       .directory = entry->is_directory,
			       .idmap_fd = -1 };
	int r;

	if (!entry->exists || (entry->with_network && plan->spec->network != SPEC_NETWORK_HOST))
		return 0;
	if (b.directory)
		r = plan_add_dir(plan, b.target, 0755, e);
	else
		r = plan_add_node(plan, &point, e);
	return r < 0 ? r : plan_add_view(plan, &b, e);
}

static int add_text(struct plan *plan, const char *path, const char *text, struct err *e)
{
	struct plan_node n = {
		.kind = PLAN_NODE_FILE, .mode = 0444, .path = path, .text = text, .fd = -1
	};

	if (!text)
		return -ENOMEM;
	n.length = strlen(text);
	return plan_add_node(plan, &n, e);
}

/*
 * Enough for getpwuid(3) and localhost; nothing of the host's own users. No
 * nsswitch.conf: what the C libraries do without one is what it would say.
 */
static int add_etc_made(struct plan *plan, struct err *e)
{
	const struct spec *s = plan->spec;
	int r = add_text(plan, "etc/passwd",
			 plan_printf(plan, e,
				     "root:x:0:0:root:/root:/usr/sbin/nologin\n"
				     "user:x:%u:%u:user:/tmp:/bin/sh\n"
				     "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n",
				     s->uid, s->gid),
			 e);

	if (r == 0)
		r = add_text(
			plan, "etc/group",
			plan_printf(plan, e, "root:x:0:\nuser:x:%u:\nnogroup:x:65534:\n", s->gid),
			e);
	if (r == 0)
		r = add_text(plan, "etc/hosts",
			     plan_printf(plan, e, "127.0.0.1 localhost %s\n::1 localhost\n",
					 s->hostname),
			     e);
	return r;
}

static int plan_host_view(struct plan *plan, struct err *e)
{
	int r = plan_add_dir(plan, "usr", 0755, e);

	if (r == 0)
		r = add_bind(plan, "", "usr", RO, true, e);
	for (int i = 0; r == 0 && i < HOST_LINKS; i++) {
		const struct host_link *l = &plan->host->links[i];
		struct plan_node n = {
			.kind = PLAN_NODE_LINK, .path = l->name, .text = l->target, .fd = -1
		};

		if (l->target[0]) {
			r = plan_add_node(plan, &n, e);
		} else if (l->is_directory) {
			r = plan_add_dir(plan, l->name, 0755, e);
			if (r == 0)
				r = add_bind(plan, "", l->name, RO, true, e);
		}
	}
	if (r == 0)
		r = plan_add_dir(plan, "etc", 0755, e);
	if (r == 0)
		r = add_etc_made(plan, e);
	for (int i = 0; r == 0 && i < HOST_ETC; i++)
		r = add_etc_entry(plan, &plan->host->etc[i], e);
	return r;
}

/* -- plan: a root file system of the user's -------------------------------- */

/* Ours, whatever the root file system has there. */
static bool is_ours(const char *name)
{
	static const char *const ours[] = { ".", "..", "dev", "proc", "sys", "tmp", "run", "app" };

	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
		if (strcmp(name, ours[i]) == 0)
			return true;
	return false;
}

static int plan_rootfs_entry(struct plan *plan, int dir_fd, const char *name, struct err *e)
{
	struct plan_node n = { .mode = 0444, .text = "", .fd = -1 };
	struct plan_bind b = { .attributes = RO, .exec = true, .idmap_fd = -1 };
	char target[PATH_MAX];
	struct stat st;
	ssize_t length;
	int r;

	n.path = plan_printf(plan, e, "%s", name);
	if (!n.path)
		return -ENOMEM;
	if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return err_set(e, errno, "rootfs '%s': %s: %s", plan->spec->rootfs, name,
			       strerror(errno));
	if (S_ISLNK(st.st_mode)) {
		length = readlinkat(dir_fd, name, target, sizeof(target) - 1);
		if (length < 0)
			return err_set(e, errno, "rootfs '%s': %s: cannot read the link",
				       plan->spec->rootfs, name);
		target[length] = '\0';
		n.kind = PLAN_NODE_LINK;
		n.text = plan_printf(plan, e, "%s", target);
		return n.text ? plan_add_node(plan, &n, e) : -ENOMEM;
	}
	if (!S_ISDIR(st.st_mode) && !S_ISREG(st.st_mode))
		return 0; /* sockets, pipes and devices of a rootfs are not for the payload */
	b.directory = S_ISDIR(st.st_mode);
	b.target = n.path;
	b.dev = st.st_dev;
	b.ino = st.st_ino;
	b.source = plan_printf(plan, e, "%s/%s", plan->spec->rootfs, name);
	if (!b.source)
		return -ENOMEM;
	n.kind = PLAN_NODE_FILE;
	r = b.directory ? plan_add_dir(plan, n.path, 0755, e) : plan_add_node(plan, &n, e);
	return r < 0 ? r : plan_add_view(plan, &b, e);
}

static int plan_rootfs_view(struct plan *plan, struct err *e)
{
	struct raw_open_how how = { .flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC,
				    .resolve = RAW_RESOLVE_NO_SYMLINKS };
	const char *path = plan->spec->rootfs;
	long fd = raw4(SYS_openat2, AT_FDCWD, path, &how, sizeof(how));
	const char *kernels;
	struct dirent *entry;
	int r = 0;
	DIR *dir;

	if (fd < 0) {
		err_set(e, (int)-fd, "rootfs '%s': %s", path, strerror((int)-fd));
		if (fd == -ELOOP)
			err_hint(e, "it leads through a symbolic link: name the directory itself");
		return (int)fd;
	}
	kernels = kernel_fs_name((int)fd);
	if (kernels) {
		close((int)fd);
		return err_set(e, EACCES, "rootfs '%s' is on a file system of the kernel's (%s)",
			       path, kernels);
	}
	dir = fdopendir((int)fd);
	if (!dir) {
		close((int)fd);
		return err_set(e, ENOMEM, "rootfs '%s': out of memory", path);
	}
	while (r == 0 && (entry = readdir(dir)) != NULL)
		if (!is_ours(entry->d_name))
			r = plan_rootfs_entry(plan, dirfd(dir), entry->d_name, e);
	closedir(dir);
	return r;
}

/* -- row: root ------------------------------------------------------------- */

static int plan_root(struct plan *plan, struct err *e)
{
	static const char *const dirs[] = { "proc", "dev", "app" };
	int r = 0;

	/* A script is data: only a program that is handed in runs from there. */
	plan->root_noexec = plan_has(plan, LAYER_NOEXEC) && !command_delivers_program(plan->spec);
	for (size_t i = 0; r == 0 && i < sizeof(dirs) / sizeof(dirs[0]); i++)
		r = plan_add_dir(plan, dirs[i], 0755, e);
	/* Left out on purpose: then the host's devices are what there is. */
	if (r == 0 && !plan_has(plan, LAYER_DEVICES))
		r = add_bind(plan, "", "dev", RAW_MOUNT_ATTR_NOSUID, false, e);
	if (r < 0)
		return r;
	return plan->spec->rootfs ? plan_rootfs_view(plan, e) : plan_host_view(plan, e);
}

IN_CHILD static int enter_root(struct child *c)
{
	const struct plan *p = c->plan;
	int fs = mounting_tmpfs(p->root_size, p->root_inodes, "0755");
	long r;

	if (fs < 0)
		return fs;
	/* Not nodev: as root, /dev's nodes are made right here. Sealed later. */
	c->root_fd = (int)raw3(SYS_fsmount, fs, RAW_FSMOUNT_CLOEXEC, RAW_MOUNT_ATTR_NOSUID);
	raw1(SYS_close, fs);
	if (c->root_fd < 0)
		return c->root_fd;
	/* Paths keep resolving below it: "/" of this process stays the old root. */
	r = raw5(SYS_move_mount, c->root_fd, "", AT_FDCWD, "/", RAW_MOVE_MOUNT_F_EMPTY_PATH);
	for (unsigned int i = 0; r == 0 && i < p->n_nodes; i++) {
		c->item = (int)i;
		r = mounting_make_node(c, &p->nodes[i]);
	}
	for (unsigned int i = 0; r == 0 && i < p->n_view; i++) {
		c->item = (int)(PLAN_MAX_NODES + i);
		r = mounting_bind(c, &p->view[i]);
		if (r == 1) {
			c->absent |= 1ull << i;
			r = 0;
		}
	}
	return (int)r;
}

IN_CHILD static int prove_root(struct child *c)
{
	const struct plan *p = c->plan;
	long r;

	/* The flags, not a try: the payload's id alone would make that fail. */
	for (unsigned int i = 0; i < p->n_view; i++) {
		const struct plan_bind *b = &p->view[i];

		if (b->covered || (c->absent >> i & 1))
			continue;
		c->item = (int)(PLAN_MAX_NODES + i);
		r = mounting_prove(c, LAYER_ROOT, b->target, b->attributes);
		if (r < 0)
			return (int)r;
	}
	c->item = -1;
	if (p->spec->rootfs)
		return 0; /* which may well have an /etc/shadow of its own */
	r = raw4(SYS_openat, AT_FDCWD, "/etc/shadow", O_PATH | O_CLOEXEC, 0);
	return child_check(c, LAYER_ROOT, r == -ENOENT, "/etc/shadow exists inside");
}

static const char *item_root(const struct plan *plan, int item)
{
	if (item < 0)
		return NULL;
	if (item < PLAN_MAX_NODES)
		return (unsigned int)item < plan->n_nodes ? plan->nodes[item].path : NULL;
	item -= PLAN_MAX_NODES;
	return (unsigned int)item < plan->n_view ? plan->view[item].source : NULL;
}

static void describe_root(const struct plan *plan, struct jout *j)
{
	jout_string(j, "rootfs", plan->spec->rootfs);
	jout_array(j, "read_only");
	for (unsigned int i = 0; i < plan->n_view; i++)
		jout_string(j, NULL, plan->view[i].target);
	jout_end_array(j);
}

static void probe_root(const struct host *host, struct finding *ret)
{
	(void)host;
	if (raw2(SYS_fsopen, "tmpfs", 0xffff) == -ENOSYS) {
		ret->state = FINDING_MISSING;
		snprintf(ret->detail, sizeof(ret->detail), "fsopen(2) is missing");
		snprintf(ret->remedy, sizeof(ret->remedy), "use Linux 5.12 or later");
	}
}

const struct layer layer_root = {
	.name = "root",
	.summary = "a root of our own: /usr and a few files of /etc, read-only",
	.why_here = "the ground on which the next rows place their mounts",
	.kept_because = "without it the payload would stand in the host's own file system",
	.actor = BY_INIT,
	.probe = probe_root,
	.plan = plan_root,
	.enter = enter_root,
	.prove = prove_root,
	.describe = describe_root,
	.item = item_root,
};

/* -- row: pivot_root ------------------------------------------------------- */

IN_CHILD static int enter_pivot(struct child *c)
{
	uint64_t noexec = c->plan->root_noexec ? RAW_MOUNT_ATTR_NOEXEC : 0;
	struct raw_mount_attr seal = { .attr_set = RAW_MOUNT_ATTR_RDONLY | noexec };
	long r = raw5(SYS_mount_setattr, c->root_fd, "", AT_EMPTY_PATH, &seal, sizeof(seal));

	if (r == 0)
		r = mounting_pivot(c->root_fd);
	/* The root we have hangs below a shared mount that we do not see: a chroot. */
	if (r == -EINVAL)
		r = chroot_pivot(c->root_fd);
	return (int)r;
}

IN_CHILD static int prove_pivot(struct child *c)
{
	struct stat root;
	struct stat above;
	long fs[16] = { 0 }; /* struct statfs; f_flags is word 10 */
	long r;
	int p;

	r = raw3(SYS_mkdirat, AT_FDCWD, "/.runner-proof", 0700);
	p = child_check(c, LAYER_PIVOT_ROOT, r == -EROFS, "a directory could be made in /");
	if (p < 0)
		return p;
	if (c->plan->root_noexec) {
		raw2(SYS_statfs, "/", fs);
		p = child_check(c, LAYER_PIVOT_ROOT, fs[10] & RAW_MOUNT_ATTR_NOEXEC,
				"the root lacks its noexec");
		if (p < 0)
			return p;
	}
	raw4(SYS_newfstatat, AT_FDCWD, "/", &root, 0);
	raw4(SYS_newfstatat, AT_FDCWD, "/..", &above, 0);
	return child_check(c, LAYER_PIVOT_ROOT,
			   root.st_dev == above.st_dev && root.st_ino == above.st_ino,
			   "/.. is not /");
}

const struct layer layer_pivot_root = {
	.name = "pivot_root",
	.summary = "the new root is sealed and the old one is gone",
	.why_here = "when the last mount stands; nothing after it needs a host path",
	.kept_because = "without it the payload would stand in the host's own file system",
	.actor = BY_INIT,
	.enter = enter_pivot,
	.prove = prove_pivot,
};
