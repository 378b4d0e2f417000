/* SPDX-License-Identifier: Apache-2.0 */
/*
 * proc: the sandbox's own /proc (proc(5)).
 *
 * With subset=pid it holds processes and nothing of the kernel or the host: no
 * /proc/sys, kcore, keys, kallsyms, meminfo, no host-wide sysctl to write. The
 * descriptor of its root goes to the supervisor, which counts the survivors in
 * it at the end.
 *
 * Rows: proc (the mount) and proc_subset (what it hides).
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sys/prctl.h>

#include "base/raw.h"
#include "layer/mounting.h"

IN_CHILD static int enter_proc(struct child *c)
{
	long fs = raw2(SYS_fsopen, "proc", RAW_FSOPEN_CLOEXEC);
	long r = fs;

	if (fs < 0)
		return (int)fs;
	if (c->plan->proc_subset)
		r = raw5(SYS_fsconfig, fs, RAW_FSCONFIG_SET_STRING, "subset", "pid", 0);
	if (r >= 0)
		r = raw5(SYS_fsconfig, fs, RAW_FSCONFIG_CMD_CREATE, NULL, NULL, 0);
	if (r < 0) {
		raw1(SYS_close, fs);
		return (int)r;
	}
	r = mounting_place(c, (int)fs,
			   RAW_MOUNT_ATTR_NOSUID | RAW_MOUNT_ATTR_NODEV | RAW_MOUNT_ATTR_NOEXEC,
			   "proc");
	if (r < 0)
		return (int)r;
	c->proc_fd =
		(int)raw4(SYS_openat, c->root_fd, "proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
	return c->proc_fd < 0 ? c->proc_fd : 0;
}

IN_CHILD static int prove_proc(struct child *c)
{
	/*
	 * Init's memory, environment and descriptors are closed by its not being
	 * dumpable. That belongs to its memory, which we share until exec; to open
	 * /proc/1/mem would succeed for that very reason.
	 */
	return child_check(c, LAYER_PROC, raw5(SYS_prctl, PR_GET_DUMPABLE, 0, 0, 0, 0) == 0,
			   "init is dumpable");
}

const struct layer layer_proc = {
	.name = "proc",
	.summary = "a /proc of this sandbox's processes only",
	.why_here = "in the new pid namespace, before the privileges to mount it go",
	.kept_because = "the id map, the proof and the count of survivors need it",
	.actor = BY_INIT,
	.enter = enter_proc,
	.prove = prove_proc,
};

static int plan_subset(struct plan *plan, struct err *e)
{
	(void)e;
	plan->proc_subset = true;
	return 0;
}

IN_CHILD static int prove_subset(struct child *c)
{
	long r = raw4(SYS_openat, AT_FDCWD, "/proc/sys", O_PATH | O_CLOEXEC, 0);

	return child_check(c, LAYER_PROC_SUBSET, r == -ENOENT, "/proc/sys exists inside");
}

const struct layer layer_proc_subset = {
	.name = "proc_subset",
	.summary = "/proc hides the host: no sys, kcore, keys, meminfo",
	.why_here = "an option of the mount before it",
	.actor = BY_INIT,
	.plan = plan_subset,
	.prove = prove_subset,
};
