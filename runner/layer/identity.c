/* SPDX-License-Identifier: Apache-2.0 */
/*
 * identity: from root to the ids that userns.c chose, init's and the payload's.
 *
 * Init stays outside the payload's user namespace. As root it has an unowned id of its
 * own in the initial one; rootless there is but one id, and what keeps the payload from
 * acting on init is one capability that init has and the payload has not.
 */
#define _GNU_SOURCE
#include "layer/identity.h"

#include <errno.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/raw.h"
#include "layer/chroot.h"
#include "layer/layer.h"
#include "layer/userns.h"

static int plan_identity(struct plan *plan, struct err *e)
{
	/* Rootless, the other namespaces need the user namespace's capabilities. */
	if (!plan->host->privileged && !plan_has(plan, LAYER_USER_NS)) {
		err_set(e, EINVAL, "layer 'user_ns' cannot be left out by an ordinary user (%s)",
			plan->host->unprivileged_because);
		return err_hint(e, "run as root, or keep the layer");
	}
	if (!plan_has(plan, LAYER_USER_NS) && !plan_has(plan, LAYER_CAPABILITIES))
		return err_set(e, EINVAL,
			       "layers 'user_ns' and 'capabilities' cannot both be left "
			       "out: the payload would have root's own capabilities");
	return 0;
}

IN_CHILD static long set_capabilities(uint32_t low, uint32_t high, bool effective)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2] = { { effective ? low : 0, low, 0 },
						  { effective ? high : 0, high, 0 } };

	return raw2(SYS_capset, &header, data);
}

IN_CHILD int identity_become_init(struct child *c)
{
	const struct plan *p = c->plan;
	long r;

	if (!p->host->privileged)
		return 0;
	r = raw5(SYS_prctl, PR_SET_KEEPCAPS, 1, 0, 0, 0);
	if (r == 0)
		r = raw2(SYS_setgroups, 0, NULL);
	if (r == 0)
		r = raw3(SYS_setresgid, p->init_id, p->init_id, p->init_id);
	if (r == 0)
		r = raw3(SYS_setresuid, p->init_id, p->init_id, p->init_id);
	return (int)r;
}

/* CAP_WAKE_ALARM is asked for in the initial user namespace only: here it is a word. */
IN_CHILD int identity_disarm_init(const struct plan *plan)
{
	uint32_t mark = plan->host->privileged ? 0 : 1u << (CAP_WAKE_ALARM - 32);

	return (int)set_capabilities(0, mark, false);
}

/* From init's id to the payload's, with what is left of root's capabilities. */
IN_CHILD static int enter_identity(struct child *c)
{
	const struct plan *p = c->plan;
	uint32_t needed = 1u << CAP_SETUID | 1u << CAP_SETGID | 1u << CAP_SETPCAP;
	long r;

	if (!p->host->privileged)
		return 0; /* the single mapped id is all there is */
	/*
	 * The two are for a chroot, below; root may lack CAP_SYS_CHROOT. In the new user
	 * namespace they are worth nothing outside.
	 */
	r = -EPERM;
	if (plan_has(p, LAYER_USER_NS))
		r = set_capabilities(needed | 1u << CAP_SYS_ADMIN | 1u << CAP_SYS_CHROOT, 0, true);
	if (r == -EPERM)
		r = set_capabilities(needed, 0, true);
	if (r == 0)
		r = raw3(SYS_setresgid, p->host_gid, p->host_gid, p->host_gid);
	if (r == 0)
		r = raw3(SYS_setresuid, p->host_uid, p->host_uid, p->host_uid);
	if (r == 0 && !plan_has(p, LAYER_USER_NS))
		/* A change of id sets it to fs.suid_dumpable; init shares this memory. */
		r = raw5(SYS_prctl, PR_SET_DUMPABLE, 0, 0, 0, 0);
	if (r < 0 || !plan_has(p, LAYER_USER_NS))
		return (int)r;
	r = raw1(SYS_unshare, CLONE_NEWUSER);
	/* The new root hangs below another one: a chroot, on a mount point of its own. */
	if (r == -EPERM && chroot_pivot(c->root_fd) == 0)
		r = raw1(SYS_unshare, CLONE_NEWUSER);
	return r < 0 ? (int)r : userns_write_maps(c, c->proc_fd);
}

/*
 * A process may change the priority of those of its own id, unless they have a
 * capability more than itself; the same two questions guard scheduling, placement and
 * memory.
 */
IN_CHILD static int prove_out_of_reach(struct child *c)
{
	long r;

	if (!c->plan->host->privileged && !plan_has(c->plan, LAYER_CAPABILITIES))
		return 0;
	r = raw3(SYS_setpriority, PRIO_PROCESS, 1, 19);
	return child_check(c, LAYER_IDENTITY, r == -EPERM, "init's priority could be changed");
}

IN_CHILD static int prove_identity(struct child *c)
{
	const struct plan *p = c->plan;
	bool mapped = plan_has(p, LAYER_USER_NS);
	uint32_t uid = mapped ? p->spec->uid : p->host_uid;
	uint32_t gid = mapped ? p->spec->gid : p->host_gid;
	uint32_t u[3] = { 0, 0, 0 };
	uint32_t g[3] = { 0, 0, 0 };
	int r;

	raw3(SYS_getresuid, &u[0], &u[1], &u[2]);
	raw3(SYS_getresgid, &g[0], &g[1], &g[2]);
	/* Rootless the caller's groups cannot be dropped (setgroups(2) is denied). */
	r = child_check(c, LAYER_IDENTITY,
			!p->host->privileged || raw2(SYS_getgroups, 0, NULL) == 0,
			"a supplementary group of root's is left");
	if (r < 0)
		return r;
	r = child_check(c, LAYER_IDENTITY, u[0] == uid && u[1] == uid && u[2] == uid,
			"the user id is another one");
	if (r < 0)
		return r;
	r = child_check(c, LAYER_IDENTITY, g[0] == gid && g[1] == gid && g[2] == gid,
			"the group id is another one");
	return r < 0 ? r : prove_out_of_reach(c);
}

static void describe_identity(const struct plan *plan, struct jout *j)
{
	jout_uint(j, "uid", plan->spec->uid);
	jout_uint(j, "gid", plan->spec->gid);
	jout_uint(j, "host_uid", plan->host_uid);
	jout_uint(j, "host_gid", plan->host_gid);
}

static void probe_identity(const struct host *host, struct finding *ret)
{
	if (host->privileged)
		return;
	ret->state = FINDING_WEAK;
	snprintf(ret->detail, sizeof(ret->detail),
		 "rootless (%s): files and signals outside know the payload as uid %u, and its "
		 "supplementary groups stay",
		 host->unprivileged_because, host->uid);
	snprintf(ret->remedy, sizeof(ret->remedy), "run as root for an id of its own per run");
}

const struct layer layer_identity = {
	.name = "identity",
	.summary = "not root inside: the profile's uid and gid",
	.why_here = "after the last act that needs root, and by the payload: init has another id",
	.kept_because = "with the caller's id the payload owns what the caller owns",
	.actor = BY_PAYLOAD,
	.probe = probe_identity,
	.plan = plan_identity,
	.enter = enter_identity,
	.prove = prove_identity,
	.describe = describe_identity,
};
