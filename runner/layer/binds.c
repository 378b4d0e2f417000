/* SPDX-License-Identifier: Apache-2.0 */
/*
 * binds: directories and files of the user's.
 *
 * A bind's mount point is made only on a file system of ours; inside a user's
 * directory it must exist, so that no run leaves an empty directory behind.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/raw.h"
#include "bind_source.h"
#include "idmap.h"
#include "layer/chain.h"
#include "layer/mounting.h"
#include "layer/place.h"
#include "reach.h"

/* A mount point on the root's tmpfs, or on one of ours mounted there. */
static int add_point(struct plan *plan, const struct plan_bind *b, enum place place, struct err *e)
{
	struct plan_node n = {
		.kind = PLAN_NODE_FILE, .mode = 0444, .path = b->target, .text = "", .fd = -1
	};
	char parent[PATH_MAX];
	char *slash;

	snprintf(parent, sizeof(parent), "%s", b->target);
	slash = strrchr(parent, '/');
	if (place == ON_ROOT && b->directory)
		return plan_add_dir(plan, b->target, 0755, e);
	if (place == ON_ROOT) {
		const char *dir;

		if (!slash)
			return plan_add_node(plan, &n, e);
		*slash = '\0';
		dir = plan_printf(plan, e, "%s", parent);
		if (!dir || plan_add_dir(plan, dir, 0755, e) < 0)
			return -e->code;
		return plan_add_node(plan, &n, e);
	}
	for (char *p = parent; (p = strchr(p + 1, '/')) != NULL;) {
		struct plan_node d = { .kind = PLAN_NODE_DIR, .mode = 0755, .fd = -1 };

		d.path = plan_printf(plan, e, "%.*s", (int)(p - parent), parent);
		if (!d.path)
			return -ENOMEM;
		if (plan->n_points >= PLAN_MAX_POINTS - 1)
			return err_set(e, E2BIG, "too many mount points");
		plan->points[plan->n_points++] = d;
	}
	if (b->directory) {
		n.kind = PLAN_NODE_DIR;
		n.mode = 0755;
	}
	plan->points[plan->n_points++] = n;
	return 0;
}

/* The map of a bind with the same owner, made once; it closes with that bind. */
static int known_map(const struct plan *plan, uint32_t owner, uint32_t group)
{
	for (unsigned int i = 0; i < plan->n_binds; i++)
		if (plan->binds[i].idmap_fd >= 0 && plan->binds[i].owner == owner &&
		    plan->binds[i].group == group)
			return plan->binds[i].idmap_fd;
	return -1;
}

/* Not every file system can (overlayfs, FUSE before 6.12). */
static bool can_be_mapped(const char *source, int idmap_fd)
{
	struct raw_mount_attr idmap = { .attr_set = RAW_MOUNT_ATTR_IDMAP,
					.userns_fd = (uint64_t)idmap_fd };
	long tree =
		raw3(SYS_open_tree, AT_FDCWD, source, RAW_OPEN_TREE_CLONE | RAW_OPEN_TREE_CLOEXEC);
	bool can = tree >= 0 &&
		   raw5(SYS_mount_setattr, tree, "", AT_EMPTY_PATH, &idmap, sizeof(idmap)) == 0;

	if (tree >= 0)
		close((int)tree);
	return can;
}

/* May the group of it read more than everybody? */
static bool group_counts(const struct stat *st)
{
	return st->st_mode >> 3 & 5 & ~st->st_mode;
}

/*
 * As root: who owns the source is the payload inside. So files that are made there
 * belong to the owner, not to an unowned id, and what the owner may read is read, also
 * read-only: to read, nobody needs to grant writing. Read-only, what cannot be mapped is
 * shown as it is: then less can be read.
 *
 * A read-only mount does not stop who connects to a socket, or opens a FIFO to write.
 * A map without the group does: the kernel refuses every write to an inode one of whose
 * ids is not mapped (inode_permission(), HAS_UNMAPPED_ID), whatever its mode is, and the
 * owner reads all the same. A mount below may be of a file system that has no such maps,
 * so none is shown. Where there are some, where the group is needed to read, and where it
 * could not be proved because the whole file system is read-only, the filter's row
 * unix_sockets stands in.
 */
static int map_ids(const struct plan *plan, struct plan_bind *b, const struct spec_mount *m,
		   const struct bind_source *source, struct err *e)
{
	const struct stat *st = &source->st;
	bool shared;

	/* A file that all others may read and execute as its owner may. */
	if (m->read_only && S_ISREG(st->st_mode) && !(st->st_mode >> 6 & 5 & ~st->st_mode))
		return 0;
	b->closed = plan_has(plan, LAYER_UNIX_SOCKETS) && !m->sockets && m->read_only &&
		    b->directory && !source->mounts_below && !source->read_only &&
		    !group_counts(st);
	b->owner = st->st_uid;
	b->group = b->closed ? plan->host_gid : st->st_gid;
	b->idmap_fd = known_map(plan, b->owner, b->group);
	shared = b->idmap_fd >= 0;
	if (!shared)
		b->idmap_fd = idmap_open(b->owner, b->group, plan->host_uid, plan->host_gid, e);
	if (b->idmap_fd < 0)
		return b->idmap_fd;
	if (m->read_only && !can_be_mapped(m->source, b->idmap_fd)) {
		if (!shared)
			close(b->idmap_fd);
		b->idmap_fd = -1;
		b->closed = false;
	}
	return 0;
}

static int plan_one_bind(struct plan *plan, const struct spec_mount *m, struct mountinfo *mounts,
			 struct err *e)
{
	struct plan_bind b = { .source = m->source,
			       .target = m->destination + 1,
			       .exec = m->exec,
			       .sockets = m->sockets,
			       .idmap_fd = -1 };
	enum place place = place_of(plan, b.target);
	struct bind_source source;
	int r = bind_source_look(m, mounts, &source, e);

	if (r == -ENOENT && m->optional) {
		*e = (struct err){ 0 };
		return 0;
	}
	if (r < 0)
		return r;
	b.dev = source.st.st_dev;
	b.ino = source.st.st_ino;
	b.directory = S_ISDIR(source.st.st_mode);
	b.attributes = RAW_MOUNT_ATTR_NOSUID | RAW_MOUNT_ATTR_NODEV;
	if (plan->spec->only_programs) {
		b.exec = false;
		b.attributes |= RAW_MOUNT_ATTR_NOEXEC;
	}
	if (m->read_only)
		b.attributes |= RAW_MOUNT_ATTR_RDONLY;
	if (plan_has(plan, LAYER_NOEXEC) && !m->exec)
		b.attributes |= RAW_MOUNT_ATTR_NOEXEC;
	if (place != ON_BIND && add_point(plan, &b, place, e) < 0)
		return -e->code;
	if (chain_plan(plan, b.target, &b.holds, e) < 0)
		return -e->code;
	if (plan->host->privileged && map_ids(plan, &b, m, &source, e) < 0)
		return err_wrap(e, "bind source '%s'", m->source);
	b.servers = b.directory && !b.closed && !(m->read_only && source.system);
	place_cover(plan, b.target);
	plan->binds[plan->n_binds++] = b;
	return 0;
}

/* A parent is mounted before what lies in it. */
static int by_depth(const void *a, const void *b)
{
	const struct spec_mount *const *x = a;
	const struct spec_mount *const *y = b;

	return strcmp((*x)->destination, (*y)->destination);
}

static int plan_binds(struct plan *plan, struct err *e)
{
	const struct spec *s = plan->spec;
	const struct spec_mount *binds[SPEC_MAX_MOUNTS] = { NULL };
	struct mountinfo mounts = { 0 };
	unsigned int n = 0;
	int r = 0;

	for (unsigned int i = 0; i < s->n_mounts; i++)
		if (s->mounts[i].type == SPEC_MOUNT_BIND)
			binds[n++] = &s->mounts[i];
	if (n == 0)
		return 0;
	qsort(binds, n, sizeof(binds[0]), by_depth);
	for (unsigned int i = 0; r == 0 && i < n; i++) {
		r = place_check(binds[i], e);
		for (unsigned int k = 0; r == 0 && k < plan->n_tmpfs; k++)
			if (text_path_below(plan->tmpfs[k].target, binds[i]->destination + 1))
				r = err_set(e, EINVAL, "bind '%s' would hide the tmpfs '/%s'",
					    binds[i]->destination, plan->tmpfs[k].target);
		if (r == 0)
			r = plan_one_bind(plan, binds[i], &mounts, e);
	}
	if (r == 0)
		r = reach_check_binds(plan, &mounts, e);
	mountinfo_clear(&mounts);
	return r;
}

IN_CHILD static int enter_binds(struct child *c)
{
	const struct plan *p = c->plan;
	unsigned int held = 0;
	int r = 0;

	for (unsigned int i = 0; r == 0 && i < p->n_points; i++) {
		c->item = -1;
		r = mounting_make_node(c, &p->points[i]);
	}
	for (unsigned int i = 0; r == 0 && i < p->n_binds; i++) {
		c->item = (int)i;
		r = chain_enter(c, &held, p->binds[i].holds);
		if (r == 0)
			r = mounting_bind(c, &p->binds[i]);
	}
	return r;
}

/* EROFS would be the mount's word, when the inode's had been that its owner may. */
IN_CHILD static int prove_closed(struct child *c, const char *target)
{
	long r = raw3(SYS_faccessat, c->root_fd, target, W_OK);

	/* EPERM: immutable. */
	return child_check(c, LAYER_BINDS, r == -EACCES || r == -EPERM,
			   "what may be written in a read-only bind is left to the mount");
}

IN_CHILD static int prove_binds(struct child *c)
{
	const struct plan *p = c->plan;
	int r = chain_prove(c);

	for (unsigned int i = 0; r == 0 && i < p->n_binds; i++) {
		c->item = (int)i;
		r = mounting_prove(c, LAYER_BINDS, p->binds[i].target, p->binds[i].attributes);
		if (r == 0 && p->binds[i].closed)
			r = prove_closed(c, p->binds[i].target);
	}
	return r;
}

static const char *item_binds(const struct plan *plan, int item)
{
	return item >= 0 && (unsigned int)item < plan->n_binds ? plan->binds[item].source : NULL;
}

static void describe_binds(const struct plan *plan, struct jout *j)
{
	jout_array(j, "mounts");
	for (unsigned int i = 0; i < plan->n_binds; i++) {
		jout_object(j, NULL);
		jout_string(j, "source", plan->binds[i].source);
		jout_string(j, "target", plan->binds[i].target);
		jout_bool(j, "read_only", plan->binds[i].attributes & RAW_MOUNT_ATTR_RDONLY);
		jout_bool(j, "exec", plan->binds[i].exec);
		jout_bool(j, "id_mapped", plan->binds[i].idmap_fd >= 0);
		jout_bool(j, "sockets", plan->binds[i].sockets);
		jout_end_object(j);
	}
	jout_end_array(j);
	jout_array(j, "held");
	for (unsigned int i = 0; i < plan->n_holds; i++)
		jout_string(j, NULL, plan->holds[i]);
	jout_end_array(j);
}

const struct layer layer_binds = {
	.name = "binds",
	.summary = "directories the user grants, nosuid and nodev, read-only unless asked",
	.why_here = "last of the mounts: they may lie inside the ones before",
	.kept_because = "it only adds what was asked for",
	.actor = BY_INIT,
	.plan = plan_binds,
	.enter = enter_binds,
	.prove = prove_binds,
	.describe = describe_binds,
	.item = item_binds,
};
