/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tmpfs: memory file systems with a size and a number of inodes, and the row noexec
 * (nothing written there can be executed).
 */
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/raw.h"
#include "layer/mounting.h"
#include "layer/place.h"

/* -- row: tmpfs ------------------------------------------------------------ */

static int plan_one_tmpfs(struct plan *plan, const struct spec_mount *m, struct err *e)
{
	struct plan_tmpfs *t = &plan->tmpfs[plan->n_tmpfs];
	const char *target = m->destination + 1;
	unsigned int nodes = plan->n_nodes;
	struct plan_node *last;

	/* The host's own /dev (--without devices) has a shm to mount on. */
	if (place_of(plan, target) != ON_ROOT && strcmp(target, "dev/shm") != 0) {
		err_set(e, EINVAL, "tmpfs '%s' lies inside another mount", m->destination);
		return err_hint(e, "choose a destination outside, for example /scratch");
	}
	if (plan_add_dir(plan, target, 0755, e) < 0)
		return -e->code;
	last = plan->n_nodes ? &plan->nodes[plan->n_nodes - 1] : NULL;
	/* Only an empty directory that is there for nothing else. */
	t->on_root = plan->n_tmpfs == 0 && plan->n_nodes > nodes && last->path == target;
	if (t->on_root)
		last->mode = 01777;
	t->target = target;
	t->exec = m->exec;
	t->attributes = RAW_MOUNT_ATTR_NOSUID | RAW_MOUNT_ATTR_NODEV;
	if (plan_has(plan, LAYER_NOEXEC) && !m->exec)
		t->attributes |= RAW_MOUNT_ATTR_NOEXEC;
	if (m->read_only)
		t->attributes |= RAW_MOUNT_ATTR_RDONLY;
	place_cover(plan, target);
	t->size = m->size;
	t->inodes = m->inodes;
	snprintf(t->size_text, sizeof(t->size_text), "%" PRIu64, m->size);
	snprintf(t->inodes_text, sizeof(t->inodes_text), "%" PRIu64, m->inodes);
	plan->n_tmpfs++;
	return 0;
}

static int plan_tmpfs(struct plan *plan, struct err *e)
{
	const struct spec *s = plan->spec;
	int r = 0;

	for (unsigned int i = 0; r == 0 && i < s->n_mounts; i++) {
		if (s->mounts[i].type != SPEC_MOUNT_TMPFS)
			continue;
		r = place_check(&s->mounts[i], e);
		if (r == 0)
			r = plan_one_tmpfs(plan, &s->mounts[i], e);
	}
	return r;
}

IN_CHILD static int enter_tmpfs(struct child *c)
{
	const struct plan *p = c->plan;

	for (unsigned int i = 0; i < p->n_tmpfs; i++) {
		const struct plan_tmpfs *t = &p->tmpfs[i];
		int r;

		c->item = (int)i;
		if (t->on_root) {
			r = mounting_own(c, t->target, t->attributes);
		} else {
			r = mounting_tmpfs(t->size_text, t->inodes_text, "1777");
			if (r >= 0)
				r = mounting_place_kept(c, r, t->attributes, t->target);
		}
		if (r < 0)
			return r;
		/* For the supervisor, who counts what is on it. */
		c->tmpfs_fds[i] = t->on_root ? c->root_fd : r;
	}
	return 0;
}

IN_CHILD static int prove_attributes(struct child *c, int layer, uint64_t noexec)
{
	const struct plan *p = c->plan;
	int r = 0;

	for (unsigned int i = 0; r == 0 && i < p->n_tmpfs; i++) {
		c->item = (int)i;
		r = mounting_prove(c, layer, p->tmpfs[i].target,
				   p->tmpfs[i].attributes | (p->tmpfs[i].exec ? 0 : noexec));
	}
	return r;
}

/* The row noexec asks for all of it at once. */
IN_CHILD static int prove_tmpfs(struct child *c)
{
	return plan_has(c->plan, LAYER_NOEXEC) ? 0 : prove_attributes(c, LAYER_TMPFS, 0);
}

static const char *item_tmpfs(const struct plan *plan, int item)
{
	return item >= 0 && (unsigned int)item < plan->n_tmpfs ? plan->tmpfs[item].target : NULL;
}

static void describe_tmpfs(const struct plan *plan, struct jout *j)
{
	jout_array(j, "mounts");
	for (unsigned int i = 0; i < plan->n_tmpfs; i++) {
		jout_object(j, NULL);
		jout_string(j, "target", plan->tmpfs[i].target);
		jout_uint(j, "size", plan->tmpfs[i].size);
		jout_uint(j, "inodes", plan->tmpfs[i].inodes);
		jout_bool(j, "noexec", plan->tmpfs[i].attributes & RAW_MOUNT_ATTR_NOEXEC);
		jout_end_object(j);
	}
	jout_end_array(j);
}

const struct layer layer_tmpfs = {
	.name = "tmpfs",
	.summary = "writable memory with a size and a number of inodes, gone afterwards",
	.why_here = "needs the root's directories, and privileges to mount",
	.kept_because = "without it nothing in the sandbox could be written",
	.actor = BY_INIT,
	.plan = plan_tmpfs,
	.enter = enter_tmpfs,
	.prove = prove_tmpfs,
	.describe = describe_tmpfs,
	.item = item_tmpfs,
};

/* -- row: noexec ----------------------------------------------------------- */

IN_CHILD static int prove_noexec(struct child *c)
{
	return prove_attributes(c, LAYER_NOEXEC, RAW_MOUNT_ATTR_NOEXEC);
}

const struct layer layer_noexec = {
	.name = "noexec",
	.summary = "what the payload writes cannot be executed (unless a mount says exec)",
	.why_here = "an attribute of the mounts around it",
	.actor = BY_INIT,
	.prove = prove_noexec,
	.item = item_tmpfs,
};
