/* SPDX-License-Identifier: Apache-2.0 */
/*
 * landlock: the mounts' rules once more, by another part of the kernel
 * (landlock(7)).
 *
 * One ruleset that handles every right the running ABI knows; what no rule
 * grants is denied with EACCES. Reading is granted below "/", which holds only
 * what the mounts put there; executing below /usr and /app; writing in the
 * granted places. TCP is denied altogether where the network is "none", and
 * abstract sockets and signals end at the sandbox.
 *
 * The path descriptors are opened by init in the same breath as the ruleset: a
 * path that cannot be opened stops the run, it never drops out of the rules.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/raw.h"
#include "command.h"
#include "layer/layer.h"

#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_add_rule 445
#define SYS_landlock_restrict_self 446
#endif

/* LANDLOCK_ACCESS_FS_*, include/uapi/linux/landlock.h of Linux 7.1. */
enum {
	FS_EXECUTE = 1 << 0,
	FS_WRITE_FILE = 1 << 1,
	FS_READ_FILE = 1 << 2,
	FS_READ_DIR = 1 << 3,
	FS_MAKE_CHAR = 1 << 6,
	FS_MAKE_BLOCK = 1 << 11,
	FS_REFER = 1 << 13,
	FS_TRUNCATE = 1 << 14,
	FS_IOCTL_DEV = 1 << 15,
	/* To connect to a socket by its path, unless it was made in this very domain. */
	FS_RESOLVE_UNIX = 1 << 16,

	/* Rights a rule on a file may carry; the others are about directories. */
	FS_OF_FILES = FS_EXECUTE | FS_WRITE_FILE | FS_READ_FILE | FS_TRUNCATE | FS_IOCTL_DEV |
		      FS_RESOLVE_UNIX,
};

/* What each ABI added (landlock(7), "Landlock ABI versions"). */
static const struct {
	int abi;
	uint64_t fs;
	uint64_t net;	/* LANDLOCK_ACCESS_NET_BIND_TCP, _CONNECT_TCP */
	uint64_t scope; /* LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET, _SIGNAL */
} abis[] = {
	{ 1, 0x1fff, 0, 0 },	      { 2, FS_REFER, 0, 0 },
	{ 3, FS_TRUNCATE, 0, 0 },     { 4, 0, 0x3, 0 },
	{ 5, FS_IOCTL_DEV, 0, 0 },    { 6, 0, 0, 0x3 },
	{ 9, FS_RESOLVE_UNIX, 0, 0 },
};

struct ruleset_attr {
	uint64_t handled_access_fs;
	uint64_t handled_access_net;
	uint64_t scoped;
};

struct path_beneath_attr {
	uint64_t allowed_access;
	int32_t parent_fd;
} __attribute__((packed));

static int add_mount_rules(struct plan *plan, uint64_t write, struct err *e)
{
	int r = 0;

	for (unsigned int i = 0; r == 0 && i < plan->n_view; i++) {
		const struct plan_bind *b = &plan->view[i];
		uint64_t access;
		const char *path;

		if (!b->exec)
			continue;
		path = plan_printf(plan, e, "/%s", b->target);
		/* Reading is granted at "/" as well; here the kernel need not look further up. */
		access = FS_READ_FILE | FS_READ_DIR | (plan->spec->only_programs ? 0 : FS_EXECUTE);
		/* A root file system may have files at its top: /.dockerenv, /init. */
		if (!b->directory)
			access &= FS_OF_FILES;
		r = path ? plan_add_rule(plan, path, access, b->optional, e) : -ENOMEM;
	}
	for (unsigned int i = 0; r == 0 && i < plan->n_programs; i++) {
		const char *path = plan_printf(plan, e, "/%s", plan->programs[i].target);

		if (plan->programs[i].exec)
			r = path ? plan_add_rule(plan, path, FS_EXECUTE | FS_READ_FILE, false, e)
				 : -ENOMEM;
	}
	for (unsigned int i = 0; r == 0 && i < plan->n_tmpfs; i++) {
		const struct plan_tmpfs *t = &plan->tmpfs[i];
		const char *path = plan_printf(plan, e, "/%s", t->target);
		uint64_t access = t->exec ? FS_EXECUTE : 0;

		if (!(t->attributes & RAW_MOUNT_ATTR_RDONLY))
			access |= write;
		if (access)
			r = path ? plan_add_rule(plan, path, access, false, e) : -ENOMEM;
	}
	for (unsigned int i = 0; r == 0 && i < plan->n_binds; i++) {
		const struct plan_bind *b = &plan->binds[i];
		const char *path = plan_printf(plan, e, "/%s", b->target);
		uint64_t access = b->exec ? FS_EXECUTE : 0;

		if (!(b->attributes & RAW_MOUNT_ATTR_RDONLY))
			access |= write;
		if (b->sockets)
			access |= FS_RESOLVE_UNIX & plan->landlock_fs;
		if (!b->directory)
			access &= FS_OF_FILES;
		if (access)
			r = path ? plan_add_rule(plan, path, access, false, e) : -ENOMEM;
	}
	return r;
}

static int plan_landlock(struct plan *plan, struct err *e)
{
	uint64_t write;
	int r;

	if (plan->host->landlock_abi < 1) {
		err_set(e, ENOSYS, "layer 'landlock': this kernel has no Landlock, or it is off");
		return err_hint(e, "boot with lsm=landlock,... (Linux 5.13 or later), or give up "
				   "this layer with --without landlock");
	}
	for (size_t i = 0; i < sizeof(abis) / sizeof(abis[0]); i++) {
		if (abis[i].abi > plan->host->landlock_abi)
			break;
		plan->landlock_fs |= abis[i].fs;
		plan->landlock_net |= abis[i].net;
		plan->landlock_scope |= abis[i].scope;
	}
	if (plan->spec->network != SPEC_NETWORK_NONE)
		plan->landlock_net = 0;
	/* Left out, it is left out as a whole. (The row itself is planned later.) */
	if (!plan_has(plan, LAYER_UNIX_SOCKETS))
		plan->landlock_fs &= ~(uint64_t)FS_RESOLVE_UNIX;
	write = plan->landlock_fs & ~(uint64_t)(FS_EXECUTE | FS_MAKE_CHAR | FS_MAKE_BLOCK |
						FS_IOCTL_DEV | FS_RESOLVE_UNIX);
	r = plan_add_rule(plan, "/", FS_READ_FILE | FS_READ_DIR, false, e);
	if (r == 0 && command_delivers_program(plan->spec))
		r = plan_add_rule(plan, "/app", FS_EXECUTE, false, e);
	if (r == 0)
		r = plan_add_rule(plan, "/dev", FS_WRITE_FILE | FS_TRUNCATE, false, e);
	if (r == 0)
		r = plan_add_rule(plan, "/proc", FS_WRITE_FILE | FS_TRUNCATE, false, e);
	return r == 0 ? add_mount_rules(plan, write, e) : r;
}

IN_CHILD static int add_rule(long ruleset, const struct plan_rule *rule, uint64_t handled)
{
	struct path_beneath_attr attr = { .allowed_access = rule->access & handled };
	long fd = raw4(SYS_openat, AT_FDCWD, rule->path, O_PATH | O_CLOEXEC, 0);
	long r;

	if (fd == -ENOENT && rule->optional)
		return 0;
	if (fd < 0)
		return (int)fd;
	attr.parent_fd = (int32_t)fd;
	r = raw4(SYS_landlock_add_rule, ruleset, 1 /* LANDLOCK_RULE_PATH_BENEATH */, &attr, 0);
	raw1(SYS_close, fd);
	return (int)r;
}

/* What enter_landlock() does beside its rules. */
enum { ITEM_RULESET = 1 << 20, ITEM_RESTRICT };

IN_CHILD static int enter_landlock(struct child *c)
{
	const struct plan *p = c->plan;
	struct ruleset_attr attr = { p->landlock_fs, p->landlock_net, p->landlock_scope };
	long ruleset = raw3(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);
	int r = 0;

	c->item = ITEM_RULESET;
	if (ruleset < 0)
		return (int)ruleset;
	for (unsigned int i = 0; r == 0 && i < p->n_rules; i++) {
		c->item = (int)i;
		r = add_rule(ruleset, &p->rules[i], p->landlock_fs);
	}
	if (r == 0) {
		c->item = ITEM_RESTRICT;
		r = (int)raw2(SYS_landlock_restrict_self, ruleset, 0);
	}
	raw1(SYS_close, ruleset);
	return r;
}

/*
 * Landlock answers mknod(2) before capabilities are looked at: EACCES is its word,
 * EPERM would be theirs. Where nothing can be written the mount answers first;
 * there, our own program is a file outside every rule that a link leads to.
 */
IN_CHILD static int prove_landlock(struct child *c)
{
	long r = raw4(SYS_mknodat, AT_FDCWD, "/tmp/.runner-proof-node", S_IFCHR | 0600,
		      makedev(1, 3));

	if (r != -EROFS && r != -ENOENT)
		return child_check(c, LAYER_LANDLOCK, r == -EACCES,
				   "mknod(2) was not answered by Landlock");
	r = raw4(SYS_openat, AT_FDCWD, "/proc/self/exe", O_RDONLY | O_CLOEXEC, 0);
	return child_check(c, LAYER_LANDLOCK, r == -EACCES,
			   "a file outside the rules could be opened");
}

static const char *item_landlock(const struct plan *plan, int item)
{
	if (item == ITEM_RULESET)
		return "landlock_create_ruleset(2)";
	if (item == ITEM_RESTRICT)
		return "landlock_restrict_self(2)";
	return item >= 0 && (unsigned int)item < plan->n_rules ? plan->rules[item].path : NULL;
}

static void describe_landlock(const struct plan *plan, struct jout *j)
{
	jout_int(j, "abi", plan->host->landlock_abi);
	jout_uint(j, "handled_fs", plan->landlock_fs);
	jout_uint(j, "handled_net", plan->landlock_net);
	jout_uint(j, "scoped", plan->landlock_scope);
	jout_array(j, "rules");
	for (unsigned int i = 0; i < plan->n_rules; i++) {
		jout_object(j, NULL);
		jout_string(j, "path", plan->rules[i].path);
		jout_uint(j, "access", plan->rules[i].access & plan->landlock_fs);
		jout_end_object(j);
	}
	jout_end_array(j);
}

static void probe_landlock(const struct host *host, struct finding *ret)
{
	if (host->landlock_abi < 1) {
		ret->state = FINDING_MISSING;
		snprintf(ret->detail, sizeof(ret->detail),
			 "the kernel has no Landlock, or it is off");
		snprintf(ret->remedy, sizeof(ret->remedy),
			 "boot with lsm=landlock,... (Linux 5.13 or later)");
		return;
	}
	snprintf(ret->detail, sizeof(ret->detail), "ABI %d", host->landlock_abi);
	if (host->landlock_abi >= 6)
		return;
	ret->state = FINDING_WEAK;
	snprintf(ret->detail, sizeof(ret->detail), "ABI %d: no %s%s%s%s", host->landlock_abi,
		 host->landlock_abi < 3 ? "truncate, " : "", host->landlock_abi < 4 ? "TCP, " : "",
		 host->landlock_abi < 5 ? "device ioctl, " : "",
		 "abstract socket and signal scopes");
	snprintf(ret->remedy, sizeof(ret->remedy), "Linux 6.12 or later has ABI 6");
}

const struct layer layer_landlock = {
	.name = "landlock",
	.summary = "file, device, TCP, socket and signal rights by a second mechanism",
	.why_here = "after the last mount and path of ours: from here on they are denied",
	.actor = BY_PAYLOAD,
	.probe = probe_landlock,
	.plan = plan_landlock,
	.enter = enter_landlock,
	.prove = prove_landlock,
	.describe = describe_landlock,
	.item = item_landlock,
};
