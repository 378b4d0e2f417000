/* SPDX-License-Identifier: Apache-2.0 */
/*
 * network: an empty network namespace (network_namespaces(7)).
 *
 * A fresh namespace holds only a loopback device that is down: there is no route
 * to anything, not even to oneself, and no abstract unix socket of the host.
 * "loopback" brings lo up. "host" makes no namespace at all, and the report says
 * so.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "base/raw.h"
#include "clone_call.h"
#include "layer/layer.h"
#include "layer/ns.h"

static int plan_network(struct plan *plan, struct err *e)
{
	(void)e;
	if (plan->spec->network == SPEC_NETWORK_HOST)
		plan->layers &= ~(1u << LAYER_NETWORK_NS);
	plan->loopback_up = plan->spec->network == SPEC_NETWORK_LOOPBACK;
	return 0;
}

IN_CHILD static int loopback_up(void)
{
	struct ifreq request = { .ifr_name = "lo" };
	long fd = raw3(SYS_socket, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	long r;

	if (fd < 0)
		return (int)fd;
	request.ifr_flags = IFF_UP;
	r = raw3(SYS_ioctl, fd, SIOCSIFFLAGS, &request);
	raw1(SYS_close, fd);
	return (int)r;
}

/*
 * A task of init's own memory and descriptors makes the namespace, and ends; on
 * another CPU that costs no time, while init builds the root.
 */
static char maker_stack[16 * 1024] __attribute__((aligned(16)));

IN_CHILD static void make_namespace(void *arg)
{
	struct child *c = arg;
	long r = raw1(SYS_unshare, CLONE_NEWNET);

	if (r == 0 && c->plan->loopback_up)
		r = loopback_up();
	if (r == 0)
		r = raw4(SYS_openat, c->host_proc_fd, "self/ns/net", O_RDONLY | O_CLOEXEC, 0);
	c->network_fd = (int)r;
	for (;;)
		raw1(SYS_exit, 0);
}

IN_CHILD static int begin_network(struct child *c)
{
	long pid;

	pid = clone_call(CLONE_VM | CLONE_FILES | SIGCHLD, maker_stack + sizeof(maker_stack),
			 make_namespace, c);
	c->network_maker = pid;
	return pid < 0 ? (int)pid : 0;
}

IN_CHILD static int enter_network(struct child *c)
{
	long r = raw4(SYS_wait4, c->network_maker, NULL, 0, NULL);

	if (r < 0)
		return (int)r;
	if (c->network_fd < 0)
		return c->network_fd;
	r = raw2(SYS_setns, c->network_fd, CLONE_NEWNET);
	raw1(SYS_close, c->network_fd);
	return (int)r;
}

/* Nothing leads anywhere: not outside and, if it is down, not to loopback. */
IN_CHILD static int prove_network(struct child *c)
{
	/* 192.0.2.1 is TEST-NET-1 (RFC 5737): nobody's address. */
	struct sockaddr_in sin = { .sin_family = AF_INET,
				   .sin_port = 0x0900,
				   .sin_addr = { .s_addr = 0x010200c0 } };
	struct ifreq second = { .ifr_ifindex = 2 };
	long fd = raw3(SYS_socket, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int out;
	int self;
	int more;
	int r;

	if (fd < 0)
		return child_check(c, LAYER_NETWORK_NS, true, "");
	out = (int)raw3(SYS_connect, fd, &sin, sizeof(sin));
	sin.sin_addr.s_addr = 0x0100007f; /* 127.0.0.1 */
	self = (int)raw3(SYS_connect, fd, &sin, sizeof(sin));
	/* Loopback is device 1 of every namespace; ours has no other. */
	more = (int)raw3(SYS_ioctl, fd, SIOCGIFNAME, &second);
	raw1(SYS_close, fd);
	r = child_check(c, LAYER_NETWORK_NS, out == -ENETUNREACH, "there is a route to the outside");
	if (r < 0)
		return r;
	r = child_check(c, LAYER_NETWORK_NS, self == -ENETUNREACH || c->plan->loopback_up,
			"the loopback device is up");
	if (r < 0)
		return r;
	return child_check(c, LAYER_NETWORK_NS, more == -ENODEV || c->plan->loopback_up,
			   "there is a second network device");
}

static void probe_network(const struct host *host, struct finding *ret)
{
	(void)host;
	ns_probe(HOST_NS_NET, ret);
}

static void describe_network(const struct plan *plan, struct jout *j)
{
	jout_string(j, "network", spec_network_names[plan->spec->network]);
}

const struct layer layer_network_ns = {
	.name = "network_ns",
	.summary = "no network; a loopback device only when asked for",
	.why_here = "made beside the other rows from the start; joined when the mounts stand",
	.actor = BY_INIT,
	.probe = probe_network,
	.plan = plan_network,
	.begin = begin_network,
	.enter = enter_network,
	.prove = prove_network,
	.describe = describe_network,
};
