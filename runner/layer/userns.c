/* SPDX-License-Identifier: Apache-2.0 */
/*
 * userns: who the payload is, and over what it could ever have capabilities
 * (user_namespaces(7)).
 *
 * As root ("privileged"): all other namespaces are made by the initial user
 * namespace, and the payload gets its own user namespace last, with one id
 * mapped to a host id that nobody owns. Even every capability in it means
 * nothing to the mounts or the network namespace, which belong to its parent.
 *
 * Rootless: the kernel gives the other namespaces only below a user namespace of
 * our own, so that one is made first, with the caller's id as its single id.
 *
 * Two rows: user_ns (take the ids, early) and userns_limit (no further user
 * namespace, a second wall behind seccomp). Between them identity.c drops to the ids.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/raw.h"
#include "layer/layer.h"
#include "layer/ns.h"
#include "layer/userns.h"

/*
 * Host ids from 0x70000000 to 0x7fffffff are nobody's: systemd's table of id
 * ranges (UIDS-GIDS) leaves them unused. The low 22 bits are our pid, which no
 * concurrent run in this pid namespace shares; five random bits keep apart runs
 * with the same pid in pid namespaces that share this user namespace. One bit
 * tells init from the payload.
 */
static uint32_t unowned_id(const struct host *host, bool of_init)
{
	return 0x70000000u | (of_init ? 1u << 27 : 0) | (uint32_t)(host->spread & 0x1f) << 22 |
	       (host->pid & 0x3fffff);
}

static const char unprivileged_userns_remedy[] =
	"allow user namespaces: sysctl user.max_user_namespaces=15000; on Ubuntu also an "
	"AppArmor profile for runner with 'userns,' (or sysctl "
	"kernel.apparmor_restrict_unprivileged_userns=0); in a container, one whose "
	"seccomp profile allows unshare; or run as root";

static int read_sysctl(const char *path)
{
	char text[24];

	if (fd_read_text(AT_FDCWD, path, text, sizeof(text)) < 0)
		return -1;
	return text[0] > '0' && text[0] <= '9' ? 1 : 0;
}

static void probe_user(const struct host *host, struct finding *ret)
{
	ns_probe(HOST_NS_USER, ret);
	if (ret->state != FINDING_OK)
		return;
	if (!host->privileged && read_sysctl("/proc/sys/kernel/unprivileged_userns_clone") == 0) {
		ret->state = FINDING_MISSING;
		snprintf(ret->detail, sizeof(ret->detail), "kernel.unprivileged_userns_clone is 0");
		snprintf(ret->remedy, sizeof(ret->remedy),
			 "sysctl kernel.unprivileged_userns_clone=1, or run as root");
		return;
	} else if (!host->privileged &&
		   read_sysctl("/proc/sys/kernel/apparmor_restrict_unprivileged_userns") == 1) {
		ret->state = FINDING_WEAK;
		snprintf(ret->detail, sizeof(ret->detail),
			 "AppArmor restricts user namespaces to programs with a profile");
	} else {
		snprintf(ret->detail, sizeof(ret->detail), "%s",
			 host->privileged ? "root: a host id nobody owns, per run"
					  : host->unprivileged_because);
		return;
	}
	snprintf(ret->remedy, sizeof(ret->remedy), "%s", unprivileged_userns_remedy);
}

void userns_choose_ids(struct plan *plan)
{
	const struct spec *spec = plan->spec;
	const struct host *host = plan->host;

	plan->host_uid = host->privileged ? unowned_id(host, false) : host->uid;
	plan->init_id = host->privileged ? unowned_id(host, true) : host->uid;
	plan->host_gid = host->privileged ? plan->host_uid : host->gid;
	snprintf(plan->uid_map, sizeof(plan->uid_map), "%u %u 1\n", spec->uid, plan->host_uid);
	snprintf(plan->gid_map, sizeof(plan->gid_map), "%u %u 1\n", spec->gid, plan->host_gid);
}

static int plan_user(struct plan *plan, struct err *e)
{
	(void)e;
	if (!plan->host->privileged)
		plan->clone_flags |= CLONE_NEWUSER;
	return 0;
}

/* By name: when the ids are the same on both sides, nothing else shows it. */
IN_CHILD static int prove_by_name(struct child *c)
{
	char host[HOST_NS_NAME] = "";
	char own[HOST_NS_NAME] = "";
	int i = 0;

	/* The supervisor sends it before anything else. */
	raw3(SYS_read, c->sock, host, sizeof(host));
	raw4(SYS_readlinkat, c->proc_fd, "self/ns/user", own, sizeof(own) - 1);
	while (own[i] && own[i] == host[i])
		i++;
	return child_check(c, LAYER_USER_NS, own[0] && host[0] && own[i] != host[i],
			   "the namespace is still the host's");
}

IN_CHILD static int write_file(int dir_fd, const char *path, const char *text)
{
	long fd = raw4(SYS_openat, dir_fd, path, O_WRONLY | O_CLOEXEC, 0);
	long r;

	if (fd < 0)
		return (int)fd;
	r = raw3(SYS_write, fd, text, raw_strlen(text));
	raw1(SYS_close, fd);
	return r < 0 ? (int)r : 0;
}

/*
 * Map the one id. The caller maps only itself, so no privilege in the parent
 * namespace is needed; the price is that setgroups(2) must be denied first.
 * /proc/self belongs to us only while we are dumpable, which no other process
 * of this id can use: as root there is none, rootless it is the caller.
 */
IN_CHILD int userns_write_maps(struct child *c, int proc_fd)
{
	int r;

	raw5(SYS_prctl, PR_SET_DUMPABLE, 1, 0, 0, 0);
	r = write_file(proc_fd, "self/setgroups", "deny");
	if (r == 0)
		r = write_file(proc_fd, "self/gid_map", c->plan->gid_map);
	if (r == 0)
		r = write_file(proc_fd, "self/uid_map", c->plan->uid_map);
	raw5(SYS_prctl, PR_SET_DUMPABLE, 0, 0, 0, 0);
	return r;
}

IN_CHILD static int enter_user(struct child *c)
{
	return c->plan->host->privileged ? 0 : userns_write_maps(c, c->host_proc_fd);
}

/*
 * The id we see is not the host's: only a map can do that. Where they happen to be
 * the same number, the namespace's inode tells.
 */
IN_CHILD static int prove_user(struct child *c)
{
	const struct plan *p = c->plan;

	if (p->spec->uid == p->host_uid)
		return prove_by_name(c);
	return child_check(c, LAYER_USER_NS, raw0(SYS_getuid) == p->spec->uid,
			   "the user id is not mapped");
}

static void describe_user(const struct plan *plan, struct jout *j)
{
	jout_bool(j, "rootless", !plan->host->privileged);
	if (!plan->host->privileged)
		jout_string(j, "because", plan->host->unprivileged_because);
}

const struct layer layer_user_ns = {
	.name = "user_ns",
	.summary = "one id, mapped to a host id that owns nothing (rootless: the caller's)",
	.why_here = "rootless it must come first, for the other namespaces to belong to it",
	.actor = BY_INIT,
	.probe = probe_user,
	.plan = plan_user,
	.enter = enter_user,
	.prove = prove_user,
	.describe = describe_user,
};

/* -- userns_limit ---------------------------------------------------------- */

static int plan_limit(struct plan *plan, struct err *e)
{
	(void)e;
	/* The limit is a property of the user namespace the payload lives in. */
	if (!plan_has(plan, LAYER_USER_NS))
		plan->layers &= ~LAYER_BIT(LAYER_USERNS_LIMIT);
	return 0;
}

IN_CHILD static int enter_limit(struct child *c)
{
	return write_file(c->host_proc_fd, "sys/user/max_user_namespaces", "0");
}

IN_CHILD static int prove_limit(struct child *c)
{
	long r = raw1(SYS_unshare, CLONE_NEWUSER);

	return child_check(c, LAYER_USERNS_LIMIT, r == -ENOSPC,
			   "unshare(CLONE_NEWUSER) was not stopped by the limit");
}

static void probe_limit(const struct host *host, struct finding *ret)
{
	(void)host;
	if (read_sysctl("/proc/sys/user/max_user_namespaces") >= 0)
		return;
	ret->state = FINDING_MISSING;
	snprintf(ret->detail, sizeof(ret->detail),
		 "/proc/sys/user/max_user_namespaces cannot be read");
	snprintf(ret->remedy, sizeof(ret->remedy),
		 "mount /proc writable for runner, or use --without userns_limit");
}

const struct layer layer_userns_limit = {
	.name = "userns_limit",
	.summary = "user.max_user_namespaces=0 inside: no further user namespace",
	.why_here = "needs capabilities in the new user namespace, so before they are emptied",
	.actor = BY_PAYLOAD,
	.probe = probe_limit,
	.plan = plan_limit,
	.enter = enter_limit,
	.prove = prove_limit,
};
