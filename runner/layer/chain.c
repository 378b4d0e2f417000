/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "layer/chain.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/raw.h"
#include "layer/mounting.h"

/* -- plan ------------------------------------------------------------------ */

/* The length of the outermost writable mount that `target` lies in; 0: in none. */
static size_t writable_part(const struct plan *plan, const char *target)
{
	size_t least = 0;

	for (unsigned int i = 0; i < plan->n_tmpfs; i++) {
		const struct plan_tmpfs *t = &plan->tmpfs[i];
		size_t n = strlen(t->target);

		if (text_path_below(target, t->target) && (!least || n < least) &&
		    !(t->attributes & RAW_MOUNT_ATTR_RDONLY))
			least = n;
	}
	for (unsigned int i = 0; i < plan->n_binds; i++) {
		const struct plan_bind *b = &plan->binds[i];
		size_t n = strlen(b->target);

		if (text_path_below(target, b->target) && (!least || n < least) &&
		    !(b->attributes & RAW_MOUNT_ATTR_RDONLY))
			least = n;
	}
	return least;
}

static bool same(const char *a, const char *b, size_t length)
{
	return strncmp(a, b, length) == 0 && a[length] == '\0';
}

static bool is_mount(const struct plan *plan, const char *path, size_t length)
{
	for (unsigned int i = 0; i < plan->n_binds; i++)
		if (same(plan->binds[i].target, path, length))
			return true;
	for (unsigned int i = 0; i < plan->n_holds; i++)
		if (same(plan->holds[i], path, length))
			return true;
	return false;
}

int chain_plan(struct plan *plan, const char *target, uint8_t *ret_count, struct err *e)
{
	size_t length = writable_part(plan, target);
	const char *slash = length ? target + length : NULL;
	uint8_t count = 0;

	while (slash && (slash = strchr(slash + 1, '/')) != NULL) {
		length = (size_t)(slash - target);
		if (is_mount(plan, target, length))
			continue;
		if (plan->n_holds == PLAN_MAX_HOLDS) {
			err_set(e, E2BIG,
				"bind '/%s': more than %d directories would have to be held",
				target, PLAN_MAX_HOLDS);
			return err_hint(e, "choose destinations outside of what can be written%s",
					"");
		}
		plan->holds[plan->n_holds] = plan_printf(plan, e, "%.*s", (int)length, target);
		if (!plan->holds[plan->n_holds])
			return -ENOMEM;
		plan->n_holds++;
		count++;
	}
	*ret_count = count;
	return 0;
}

/* -- child ----------------------------------------------------------------- */

IN_CHILD int chain_enter(struct child *c, unsigned int *at, unsigned int count)
{
	int r = 0;

	for (; r == 0 && count > 0; count--)
		r = mounting_hold(c, c->plan->holds[(*at)++]);
	return r;
}

IN_CHILD int chain_prove(struct child *c)
{
	/* struct statx of statx(2): stx_attributes is its second word. */
	enum { ATTRIBUTES = 1, MOUNT_ROOT = 0x2000 };
	uint64_t stx[32];
	int r = 0;

	for (unsigned int i = 0; r == 0 && i < c->plan->n_holds; i++) {
		long n =
			raw5(SYS_statx, c->root_fd, c->plan->holds[i], AT_SYMLINK_NOFOLLOW, 0, stx);

		r = child_check(c, LAYER_BINDS,
				n == -EACCES || (n == 0 && (stx[ATTRIBUTES] & MOUNT_ROOT)),
				"a directory above a bind is no mount and could be renamed");
	}
	return r;
}
