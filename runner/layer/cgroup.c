/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cgroup: the run's own cgroup, in which the kernel counts and limits the tree.
 *
 * Init is born in it (CLONE_INTO_CGROUP), so nothing of the sandbox ever runs
 * outside. The limits are set before that, by the supervisor: runner/cgroup.c.
 * Where there is no cgroup to be had the run goes on with what stands in for it
 * (rlimits, CPU affinity, the watchdog), and says so; --require cgroup refuses.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "base/raw.h"
#include "layer/layer.h"

static int plan_cgroup_layer(struct plan *plan, struct err *e)
{
	const struct host_cgroup *h = &plan->host->cgroup;

	if (h->usable)
		return 0;
	plan->layers &= ~LAYER_BIT(LAYER_CGROUP);
	plan->unavailable |= LAYER_BIT(LAYER_CGROUP);
	if (plan->spec->require_cgroup) {
		err_set(e, ENOTSUP, "a cgroup is required and there is none to be had: %s", h->why);
		return err_hint(e, "%s", h->remedy);
	}
	if (plan->spec->limits.memory_high != UNLIMITED) {
		err_set(e, ENOTSUP, "limit memory_high needs a cgroup and there is none: %s",
			h->why);
		return err_hint(e, "%s", h->remedy);
	}
	return 0;
}

/* The kernel's own word: the v2 line of /proc/self/cgroup ends with our name. */
IN_CHILD static int enter_cgroup(struct child *c)
{
	long fd = raw4(SYS_openat, c->host_proc_fd, "self/cgroup", O_RDONLY | O_CLOEXEC, 0);
	const char *name = c->cgroup_name;
	long length = (long)raw_strlen(name);
	char text[4096];
	bool inside = false;
	long start = 0;
	long n;

	if (fd < 0)
		return (int)fd;
	n = raw3(SYS_read, fd, text, sizeof(text));
	raw1(SYS_close, fd);
	for (long i = 0; i < n; i++) {
		long k = 1;

		if (text[i] != '\n')
			continue;
		while (k <= length && i - k > start && text[i - k] == name[length - k])
			k++;
		inside |= text[start] == '0' && text[start + 1] == ':' && k > length &&
			  text[i - k] == '/';
		start = i + 1;
	}
	return child_check(c, LAYER_CGROUP, inside, "init was not born in the run's cgroup") < 0
		       ? -ENOTRECOVERABLE
		       : 0;
}

static void describe_cgroup(const struct plan *plan, struct jout *j)
{
	jout_string(j, "below", plan->host->cgroup.base);
}

static void probe_cgroup_layer(const struct host *host, struct finding *ret)
{
	if (host->cgroup.usable) {
		snprintf(ret->detail, sizeof(ret->detail), "runs get theirs below %.200s",
			 host->cgroup.base);
		return;
	}
	ret->state = FINDING_WEAK;
	snprintf(ret->detail, sizeof(ret->detail),
		 "%s; rlimits and a watchdog stand in. For hostile code ask for one: "
		 "--require cgroup",
		 host->cgroup.why);
	snprintf(ret->remedy, sizeof(ret->remedy), "%s", host->cgroup.remedy);
}

const struct layer layer_cgroup = {
	.name = "cgroup",
	.summary = "the tree's memory, processes and CPU time, counted and limited by the kernel",
	.why_here = "init is born in it: nothing of the sandbox ever ran outside",
	.actor = BY_INIT,
	.probe = probe_cgroup_layer,
	.plan = plan_cgroup_layer,
	.enter = enter_cgroup,
	.describe = describe_cgroup,
};
