/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "reach.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/raw.h"
#include "reach_trees.h"

struct reach {
	const struct plan *plan;
	const struct mountinfo *mounts;
	struct trees writable;
};

static void reach_clear(struct reach *x)
{
	trees_clear(&x->writable);
}

static bool is_writable(const struct plan_bind *b)
{
	return !(b->attributes & RAW_MOUNT_ATTR_RDONLY);
}

/* -- what meets ---------------------------------------------------------------- */

/* What is seen at this path inside: the last mount above it. */
static const void *seen_at(const struct plan *plan, const char *path)
{
	const void *seen = NULL;
	size_t longest = 0;

	for (unsigned int i = 0; i < plan->n_view; i++)
		if (text_path_below(path, plan->view[i].target) &&
		    strlen(plan->view[i].target) >= longest) {
			seen = &plan->view[i];
			longest = strlen(plan->view[i].target);
		}
	for (unsigned int i = 0; i < plan->n_tmpfs; i++)
		if (text_path_below(path, plan->tmpfs[i].target) &&
		    strlen(plan->tmpfs[i].target) >= longest) {
			seen = &plan->tmpfs[i];
			longest = strlen(plan->tmpfs[i].target);
		}
	for (unsigned int i = 0; i < plan->n_binds; i++)
		if (text_path_below(path, plan->binds[i].target) &&
		    strlen(plan->binds[i].target) >= longest) {
			seen = &plan->binds[i];
			longest = strlen(plan->binds[i].target);
		}
	return seen;
}

static bool is_seen(const struct plan *plan, const struct tree *t, const char *below)
{
	cleanup_free char *path = NULL;

	if (!t->inside)
		return true;
	/* Out of memory: as if it were. */
	return asprintf(&path, "%s%s", t->inside, below) < 0 || seen_at(plan, path) == t->bind;
}

/*
 * In a chroot that is no mount point, the mount it lies on is not listed, and what leads to
 * the chroot nobody tells us. A listed one of that file system can only lie below a place
 * whose path ends the way into it, or be all of it.
 */
static bool could_meet(const struct tree *listed, const struct tree *unlisted)
{
	size_t n = strlen(unlisted->within);

	if (strcmp(listed->within, "/") == 0 || n == 1)
		return true;
	for (const char *p = listed->within; (p = strstr(p, unlisted->within)) != NULL; p++)
		if (p[n] == '/' || p[n] == '\0')
			return true;
	return false;
}

/* Where a tree meets one that can be written: the deeper of the two, seen in both. */
static const struct plan_bind *meets(const struct reach *x, const struct tree *a,
				     bool (*counts)(const struct plan_bind *w))
{
	for (size_t i = 0; i < x->writable.n; i++) {
		const struct tree *w = &x->writable.list[i];
		const char *in_w = tree_behind(a->within, w->within);
		/* What lies below a place that is not seen inside does not change it. */
		const char *in_a = a->inside ? tree_behind(w->within, a->within) : NULL;

		if (w->bind == a->bind || strcmp(w->device, a->device) != 0 ||
		    (counts && !counts(w->bind)))
			continue;
		if (w->mount != a->mount && could_meet(w->mount ? a : w, w->mount ? w : a))
			return w->bind;
		if (w->mount != a->mount)
			continue;
		if (!in_w && !in_a)
			continue;
		if (is_seen(x->plan, w, in_w ? in_w : "") && is_seen(x->plan, a, in_w ? "" : in_a))
			return w->bind;
	}
	return NULL;
}

/* -1: *e says why; 0: no; 1: *ret_by can. */
static int is_reached(const struct reach *x, const struct plan_bind *b,
		      bool (*counts)(const struct plan_bind *w), const struct plan_bind **ret_by,
		      struct err *e)
{
	struct trees t = { 0 };
	int r = trees_add_bind(x->mounts, &t, b, false, e);

	*ret_by = NULL;
	for (size_t i = 0; r == 0 && i < t.n && !*ret_by; i++)
		*ret_by = meets(x, &t.list[i], counts);
	trees_clear(&t);
	return r < 0 ? r : *ret_by != NULL;
}

/* *mounts is read unless it was; the caller clears it. */
static int reach_open(struct reach *x, const struct plan *plan, struct mountinfo *mounts,
		      struct err *e)
{
	int r = mounts->n ? 0 : mountinfo_read(mounts, e);

	x->plan = plan;
	x->mounts = mounts;
	for (unsigned int i = 0; r == 0 && i < plan->n_binds; i++)
		if (is_writable(&plan->binds[i]))
			r = trees_add_bind(x->mounts, &x->writable, &plan->binds[i], true, e);
	if (r < 0)
		reach_clear(x);
	return r;
}

static bool any_writable(const struct plan *plan)
{
	for (unsigned int i = 0; i < plan->n_binds; i++)
		if (is_writable(&plan->binds[i]))
			return true;
	return false;
}

/* -- what must not be reached --------------------------------------------------- */

/* Who lets the payload execute what it writes there said so. */
static bool is_for_data(const struct plan_bind *w)
{
	return !w->exec;
}

static int check_view(const struct reach *x, struct err *e)
{
	const struct plan *plan = x->plan;
	const struct plan_bind *by;

	for (unsigned int i = 0; i < plan->n_view; i++) {
		const struct plan_bind *b = &plan->view[i];
		int r = b->exec ? is_reached(x, b, is_for_data, &by, e) : 0;

		if (r < 0)
			return r;
		if (r == 0)
			continue;
		err_set(e, EACCES,
			"bind '%s' lets the payload write what it executes at '/%s' ('%s')",
			by->source, b->target, b->source);
		return err_hint(e, "bind it to that very place, which covers it, or another one%s",
				plan->spec->only_programs
					? ""
					: "; or say exec: what is written there may be executed");
	}
	return 0;
}

static bool is_nested(const struct plan *plan, const struct plan_bind *b)
{
	for (unsigned int i = 0; i < plan->n_binds; i++) {
		const struct plan_bind *w = &plan->binds[i];

		if (w != b && is_writable(w) && text_path_below(b->target, w->target))
			return true;
	}
	return false;
}

static int check_read_only(const struct reach *x, struct plan_bind *b, bool implied, struct err *e)
{
	const struct plan_bind *by;
	int r = is_nested(x->plan, b) ? is_reached(x, b, NULL, &by, e) : 0;

	if (r > 0) {
		err_set(e, EACCES,
			"bind '%s' is read-only inside of a writable one, but bind '%s' lets the "
			"payload write it at '/%s'",
			b->source, by->source, by->target);
		return err_hint(e, "bind less, or do not expect it to stay as it is: bind it rw");
	}
	if (r < 0 || !b->exec)
		return r;
	r = is_reached(x, b, is_for_data, &by, e);
	if (r <= 0)
		return r;
	if (implied) {
		b->exec = false;
		b->attributes |= RAW_MOUNT_ATTR_NOEXEC;
		return 0;
	}
	err_set(e, EACCES,
		"bind '%s' is executed at '/%s', but bind '%s' lets the payload write it",
		b->source, b->target, by->source);
	return err_hint(e, "say exec where it is written, too: --bind %s:/%s:exec", by->source,
			by->target);
}

static bool is_implied(const struct plan *plan, const struct plan_bind *b)
{
	const struct spec *s = plan->spec;

	for (unsigned int i = 0; i < s->n_mounts; i++)
		if (strcmp(s->mounts[i].destination + 1, b->target) == 0)
			return s->mounts[i].exec_implied;
	return false;
}

int reach_check_binds(struct plan *plan, struct mountinfo *mounts, struct err *e)
{
	struct reach x = { 0 };
	int r;

	if (!any_writable(plan))
		return 0;
	r = reach_open(&x, plan, mounts, e);
	if (r == 0)
		r = check_view(&x, e);
	for (unsigned int i = 0; r == 0 && i < plan->n_binds; i++) {
		struct plan_bind *b = &plan->binds[i];

		if (!is_writable(b))
			r = check_read_only(&x, b, is_implied(plan, b), e);
	}
	reach_clear(&x);
	return r;
}

int reach_of(const struct plan *plan, int fd, struct err *e)
{
	struct mountinfo mounts = { 0 };
	struct reach x = { 0 };
	struct trees t = { 0 };
	const struct plan_bind *by = NULL;
	int r;

	if (!any_writable(plan))
		return 0;
	r = reach_open(&x, plan, &mounts, e);
	if (r == 0)
		r = trees_add(x.mounts, &t, fd, NULL, false, e);
	for (size_t i = 0; r == 0 && i < t.n && !by; i++)
		by = meets(&x, &t.list[i], NULL);
	trees_clear(&t);
	reach_clear(&x);
	mountinfo_clear(&mounts);
	if (r < 0)
		return r;
	if (!by)
		return 0;
	err_set(e, EACCES, "the payload can write it through bind '%s' (at /%s)", by->source,
		by->target);
	return 1;
}
