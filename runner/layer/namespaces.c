/* SPDX-License-Identifier: Apache-2.0 */
/*
 * namespaces: the rows that are one clone flag each.
 *
 * All namespaces are made by the one clone3(2) that makes init; what is left to
 * enter is what a fresh namespace lacks. See namespaces(7).
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mount.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#include "base/fd.h"
#include "base/raw.h"
#include "layer/chroot.h"
#include "layer/layer.h"
#include "layer/ns.h"

#ifndef CLONE_NEWCGROUP
#define CLONE_NEWCGROUP 0x02000000
#endif

/* -- shared ---------------------------------------------------------------- */

void ns_probe(enum host_ns ns, struct finding *ret)
{
	char path[48];
	struct stat st;

	char limit[16] = "";

	snprintf(path, sizeof(path), "/proc/sys/user/max_%s_namespaces", host_ns_names[ns]);
	if (fd_read_text(AT_FDCWD, path, limit, sizeof(limit)) >= 0 && limit[0] == '0') {
		ret->state = FINDING_MISSING;
		snprintf(ret->detail, sizeof(ret->detail), "user.max_%s_namespaces is 0",
			 host_ns_names[ns]);
		snprintf(ret->remedy, sizeof(ret->remedy), "sysctl user.max_%s_namespaces=15000",
			 host_ns_names[ns]);
		return;
	}
	snprintf(path, sizeof(path), "/proc/self/ns/%s", host_ns_names[ns]);
	if (stat(path, &st) == 0)
		return;
	ret->state = FINDING_MISSING;
	snprintf(ret->detail, sizeof(ret->detail), "%s does not exist", path);
	if (stat("/proc/self/ns", &st) < 0) {
		snprintf(ret->remedy, sizeof(ret->remedy), "mount -t proc proc /proc");
		return;
	}
	snprintf(ret->remedy, sizeof(ret->remedy),
		 "use a kernel built with this namespace (CONFIG_NAMESPACES and its options)");
}

/* -- pid ------------------------------------------------------------------- */

static int plan_pid(struct plan *plan, struct err *e)
{
	(void)e;
	plan->clone_flags |= CLONE_NEWPID;
	return 0;
}

IN_CHILD static int prove_pid(struct child *c)
{
	/* Only in a pid namespace of our own can our parent be process 1. */
	return child_check(c, LAYER_PID_NS, raw0(SYS_getppid) == 1,
			   "the payload's parent is not process 1");
}

static void probe_pid(const struct host *host, struct finding *ret)
{
	(void)host;
	ns_probe(HOST_NS_PID, ret);
}

const struct layer layer_pid_ns = {
	.name = "pid_ns",
	.summary = "own process numbers: the host's processes cannot be named or signalled",
	.why_here = "made by clone: when init ends, the kernel ends everything inside",
	.kept_because = "the end of the whole tree and the count of survivors rest on it",
	.actor = BY_INIT,
	.probe = probe_pid,
	.plan = plan_pid,
	.prove = prove_pid,
};

/* -- mount ----------------------------------------------------------------- */

static int plan_mount(struct plan *plan, struct err *e)
{
	(void)e;
	plan->clone_flags |= CLONE_NEWNS;
	return 0;
}

IN_CHILD static int enter_mount(struct child *c)
{
	long r = raw5(SYS_mount, NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);

	(void)c;
	/* The root is no mount point: a chroot. */
	return r == -EINVAL ? chroot_become_root() : (int)r;
}

/* The root is the tmpfs we made, so the mounts are not the host's. */
IN_CHILD static int prove_mount(struct child *c)
{
	struct stat ours;
	struct stat root;

	raw4(SYS_newfstatat, c->root_fd, "", &ours, AT_EMPTY_PATH);
	raw4(SYS_newfstatat, AT_FDCWD, "/", &root, 0);
	return child_check(c, LAYER_MOUNT_NS,
			   ours.st_dev == root.st_dev && ours.st_ino == root.st_ino,
			   "the root is not the one that was made");
}

static void probe_mount(const struct host *host, struct finding *ret)
{
	(void)host;
	ns_probe(HOST_NS_MNT, ret);
	if (ret->state == FINDING_OK && raw5(SYS_mount_setattr, -1, "", 0, NULL, 0) == -38) {
		ret->state = FINDING_MISSING;
		snprintf(ret->detail, sizeof(ret->detail), "mount_setattr(2) is missing");
		snprintf(ret->remedy, sizeof(ret->remedy), "use Linux 5.12 or later");
	}
}

const struct layer layer_mount_ns = {
	.name = "mount_ns",
	.summary = "own mounts: nothing mounted here reaches the host",
	.why_here = "first of the mount rows: from here on nothing we mount can propagate",
	.kept_because = "the new root is built in it; without it the host's mounts would change",
	.actor = BY_INIT,
	.probe = probe_mount,
	.plan = plan_mount,
	.enter = enter_mount,
	.prove = prove_mount,
};

/* -- ipc ------------------------------------------------------------------- */

static int plan_ipc(struct plan *plan, struct err *e)
{
	(void)e;
	plan->clone_flags |= CLONE_NEWIPC;
	return 0;
}

/* A fresh namespace holds nothing: no segment, queue or set of anybody's. */
IN_CHILD static int prove_ipc(struct child *c)
{
	struct shm_info shm = { .used_ids = -1 };
	struct msginfo msg = { .msgpool = -1 };
	struct seminfo sem = { .semusz = -1 };
	int r;

	raw3(SYS_shmctl, 0, SHM_INFO, &shm);
	r = child_check(c, LAYER_IPC_NS, shm.used_ids == 0, "there is shared memory of somebody's");
	if (r < 0)
		return r;
	raw3(SYS_msgctl, 0, MSG_INFO, &msg);
	r = child_check(c, LAYER_IPC_NS, msg.msgpool == 0,
			"there is a message queue of somebody's");
	if (r < 0)
		return r;
	raw4(SYS_semctl, 0, 0, SEM_INFO, &sem);
	return child_check(c, LAYER_IPC_NS, sem.semusz == 0, "there are semaphores of somebody's");
}

static void probe_ipc(const struct host *host, struct finding *ret)
{
	(void)host;
	ns_probe(HOST_NS_IPC, ret);
}

const struct layer layer_ipc_ns = {
	.name = "ipc_ns",
	.summary = "own System V IPC and POSIX message queues",
	.why_here = "made by clone",
	.actor = BY_INIT,
	.probe = probe_ipc,
	.plan = plan_ipc,
	.prove = prove_ipc,
};

/* -- uts ------------------------------------------------------------------- */

static int plan_uts(struct plan *plan, struct err *e)
{
	(void)e;
	plan->clone_flags |= CLONE_NEWUTS;
	plan->hostname = plan->spec->hostname;
	return 0;
}

/* What the kernel calls a host without one. */
static const char no_domain[] = "(none)";

IN_CHILD static int enter_uts(struct child *c)
{
	const char *name = c->plan->hostname;
	long r = raw2(SYS_sethostname, name, raw_strlen(name));

	/* A new namespace has a copy of the host's (uts_namespaces(7)). */
	if (r == 0)
		r = raw2(SYS_setdomainname, no_domain, sizeof(no_domain) - 1);
	return (int)r;
}

IN_CHILD static int prove_uts(struct child *c)
{
	const char *name = c->plan->hostname;
	struct utsname u = { .nodename = "" };
	long i = 0;
	int r;

	raw1(SYS_uname, &u);
	while (name[i] && u.nodename[i] == name[i])
		i++;
	r = child_check(c, LAYER_UTS_NS, name[i] == u.nodename[i], "the host name is not our own");
	if (r < 0)
		return r;
	for (i = 0; no_domain[i] && u.domainname[i] == no_domain[i];)
		i++;
	return child_check(c, LAYER_UTS_NS, no_domain[i] == u.domainname[i],
			   "the domain name is the host's");
}

static void probe_uts(const struct host *host, struct finding *ret)
{
	(void)host;
	ns_probe(HOST_NS_UTS, ret);
}

static void describe_uts(const struct plan *plan, struct jout *j)
{
	jout_string(j, "hostname", plan->hostname);
}

const struct layer layer_uts_ns = {
	.name = "uts_ns",
	.summary = "own host name, and no domain name",
	.why_here = "while init still may set it",
	.actor = BY_INIT,
	.probe = probe_uts,
	.plan = plan_uts,
	.enter = enter_uts,
	.prove = prove_uts,
	.describe = describe_uts,
};

/* -- cgroup ---------------------------------------------------------------- */

static int plan_cgroup(struct plan *plan, struct err *e)
{
	(void)e;
	/* Made by clone it would have the caller's cgroup as its root, not the run's. */
	if (!plan_has(plan, LAYER_CGROUP))
		plan->clone_flags |= CLONE_NEWCGROUP;
	return 0;
}

IN_CHILD static int enter_cgroup_ns(struct child *c)
{
	if (!plan_has(c->plan, LAYER_CGROUP))
		return 0;
	return (int)raw1(SYS_unshare, CLONE_NEWCGROUP);
}

/*
 * Lines of "8:pids:/path" (cgroups(7)); what shows of each path must be the root.
 * A line too long to fit has shown more than that before it is cut off. The paths
 * are as the reader's namespace shows them, so init's would do as well: but our own
 * directory is there since the id maps were written, for init's it had to make one.
 */
IN_CHILD static int prove_cgroup(struct child *c)
{
	long fd = raw4(SYS_openat, c->proc_fd, "self/cgroup", O_RDONLY | O_CLOEXEC, 0);
	char text[512];
	long n = fd < 0 ? fd : raw3(SYS_read, fd, text, sizeof(text));
	bool hidden = true;
	int colons = 0;
	bool any = false;

	if (fd >= 0)
		raw1(SYS_close, fd);
	for (long i = 0; i < n; i++) {
		if (text[i] == '\n')
			colons = 0;
		else if (colons == 2) {
			hidden &= text[i] == '/' && (i + 1 == n || text[i + 1] == '\n');
			any = true;
		}
		if (colons < 2 && text[i] == ':')
			colons++;
	}
	/* Where there is no path, nothing is shown to be hidden. */
	return child_check(c, LAYER_CGROUP_NS, hidden && any,
			   "a cgroup path of the host's is visible");
}

static void probe_cgroup(const struct host *host, struct finding *ret)
{
	(void)host;
	ns_probe(HOST_NS_CGROUP, ret);
}

const struct layer layer_cgroup_ns = {
	.name = "cgroup_ns",
	.summary = "the host's cgroup paths are not visible",
	.why_here = "its root is the cgroup init was born in",
	.actor = BY_INIT,
	.probe = probe_cgroup,
	.plan = plan_cgroup,
	.enter = enter_cgroup_ns,
	.prove = prove_cgroup,
};
