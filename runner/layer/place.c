/* SPDX-License-Identifier: Apache-2.0 */
#include "layer/place.h"

#include <errno.h>
#include <string.h>

enum place place_of(const struct plan *plan, const char *target)
{
	enum place place = ON_ROOT;

	for (unsigned int i = 0; i < plan->n_view; i++)
		if (text_path_below(target, plan->view[i].target))
			place = ON_BIND;
	for (unsigned int i = 0; i < plan->n_tmpfs; i++)
		if (text_path_below(target, plan->tmpfs[i].target) &&
		    strcmp(target, plan->tmpfs[i].target) != 0)
			place = ON_TMPFS;
	for (unsigned int i = 0; i < plan->n_binds; i++)
		if (text_path_below(target, plan->binds[i].target))
			place = ON_BIND;
	return place;
}

int place_check(const struct spec_mount *m, struct err *e)
{
	const char *d = m->destination;

	if (strcmp(d, "/") == 0)
		err_set(e, EINVAL, "mount destination '/': the root itself is given by --rootfs");
	else if (text_path_below(d, "/proc") || text_path_below(d, "/app") ||
		 (text_path_below(d, "/dev") && strcmp(d, "/dev/shm") != 0))
		err_set(e, EINVAL, "mount destination '%s': /proc, /dev and /app are runner's own",
			d);
	return -e->code;
}

void place_cover(struct plan *plan, const char *target)
{
	for (unsigned int i = 0; i < plan->n_view; i++)
		plan->view[i].covered |= text_path_below(plan->view[i].target, target);
}
