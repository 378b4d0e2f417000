/* SPDX-License-Identifier: Apache-2.0 */
/*
 * devices: a /dev of the few nodes programs cannot do without.
 *
 * As root the nodes are made (cheaper than binds, and no inode of the host's is
 * shared). Rootless the kernel forbids mknod(2), so the host's nodes are bound.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/raw.h"
#include "layer/mounting.h"

static const struct {
	const char *path;
	unsigned int minor; /* of major 1: Documentation/admin-guide/devices.txt */
} nodes[] = {
	{ "dev/null", 3 },   { "dev/zero", 5 },	   { "dev/full", 7 },
	{ "dev/random", 8 }, { "dev/urandom", 9 },
};

static const struct {
	const char *path;
	const char *target;
} links[] = {
	{ "dev/fd", "/proc/self/fd" },
	{ "dev/stdin", "/proc/self/fd/0" },
	{ "dev/stdout", "/proc/self/fd/1" },
	{ "dev/stderr", "/proc/self/fd/2" },
};

static int plan_devices(struct plan *plan, struct err *e)
{
	(void)e;
	for (size_t i = 0; i < sizeof(nodes) / sizeof(nodes[0]); i++)
		plan->devices[plan->n_devices++] = (struct plan_node){
			.kind = PLAN_NODE_DEVICE,
			.path = nodes[i].path,
			.mode = 0666,
			.device = makedev(1, nodes[i].minor),
			.fd = -1,
		};
	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++)
		plan->devices[plan->n_devices++] = (struct plan_node){
			.kind = PLAN_NODE_LINK,
			.path = links[i].path,
			.text = links[i].target,
			.fd = -1,
		};
	return 0;
}

/* A regular file as mount point, and the host's node on it. */
IN_CHILD static int bind_device(struct child *c, const struct plan_node *n)
{
	struct plan_node point = {
		.kind = PLAN_NODE_FILE, .path = n->path, .mode = 0444, .text = "", .fd = -1
	};
	struct plan_bind b = { .target = n->path, .idmap_fd = -1 };
	char source[32] = "/";
	int r = mounting_make_node(c, &point);

	if (r < 0)
		return r;
	for (unsigned int i = 0; i < sizeof(source) - 2 && n->path[i]; i++)
		source[i + 1] = n->path[i];
	b.source = source;
	/* nodev would close it; it is a node we chose. */
	b.attributes = RAW_MOUNT_ATTR_NOSUID | RAW_MOUNT_ATTR_NOEXEC;
	return mounting_bind(c, &b);
}

IN_CHILD static int enter_devices(struct child *c)
{
	const struct plan *p = c->plan;
	int r = 0;

	for (unsigned int i = 0; r == 0 && i < p->n_devices; i++) {
		const struct plan_node *n = &p->devices[i];

		c->item = (int)i;
		if (n->kind == PLAN_NODE_DEVICE && !p->host->privileged)
			r = bind_device(c, n);
		else
			r = mounting_make_node(c, n);
	}
	return r;
}

IN_CHILD static int prove_devices(struct child *c)
{
	struct stat st;
	long r = raw4(SYS_newfstatat, AT_FDCWD, "/dev/null", &st, AT_SYMLINK_NOFOLLOW);
	int p = child_check(c, LAYER_DEVICES,
			    r == 0 && S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3),
			    "/dev/null is not the null device");

	if (p < 0)
		return p;
	r = raw4(SYS_openat, AT_FDCWD, "/dev/kmsg", O_PATH | O_CLOEXEC, 0);
	return child_check(c, LAYER_DEVICES, r == -ENOENT, "/dev/kmsg exists inside");
}

static const char *item_devices(const struct plan *plan, int item)
{
	return item >= 0 && (unsigned int)item < plan->n_devices ? plan->devices[item].path : NULL;
}

static void describe_devices(const struct plan *plan, struct jout *j)
{
	jout_array(j, "nodes");
	for (unsigned int i = 0; i < plan->n_devices; i++)
		jout_string(j, NULL, plan->devices[i].path);
	jout_end_array(j);
}

const struct layer layer_devices = {
	.name = "devices",
	.summary = "a /dev of null, zero, full, random and urandom",
	.why_here = "while the root's own tmpfs can still be written",
	.actor = BY_INIT,
	.plan = plan_devices,
	.enter = enter_devices,
	.prove = prove_devices,
	.describe = describe_devices,
	.item = item_devices,
};
