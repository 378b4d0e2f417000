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
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "base/raw.h"
#include "layer/layer.h"
#include "layer/ns.h"

static int plan_network(struct plan *plan, struct err *e)
{
	(void)e;
	if (plan->spec->network == SPEC_NETWORK_HOST) {
		plan->layers &= ~(1u << LAYER_NETWORK_NS);
		return 0;
	}
	plan->clone_flags |= CLONE_NEWNET;
	plan->loopback_up = plan->spec->network == SPEC_NETWORK_LOOPBACK;
	return 0;
}

IN_CHILD static int enter_network(struct child *c)
{
	struct ifreq request = { .ifr_name = "lo" };
	long fd;
	long r;

	if (!c->plan->loopback_up)
		return 0;
	fd = raw3(SYS_socket, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return (int)fd;
	request.ifr_flags = IFF_UP;
	r = raw3(SYS_ioctl, fd, SIOCSIFFLAGS, &request);
	raw1(SYS_close, fd);
	return (int)r;
}

IN_CHILD static int prove_network(struct child *c)
{
	/* 192.0.2.1 is TEST-NET-1 (RFC 5737): nobody's address. */
	struct sockaddr_in sin = { .sin_family = AF_INET,
				   .sin_port = 0x0900,
				   .sin_addr = { .s_addr = 0x010200c0 } };
	int r = ns_prove(c, LAYER_NETWORK_NS, HOST_NS_NET);
	long fd;

	if (r < 0)
		return r;
	fd = raw3(SYS_socket, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return child_check(c, LAYER_NETWORK_NS, true, "");
	r = (int)raw3(SYS_connect, fd, &sin, sizeof(sin));
	raw1(SYS_close, fd);
	return child_check(c, LAYER_NETWORK_NS, r == -ENETUNREACH,
			   "there is a route to the outside");
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
	.why_here = "while init still may bring the loopback device up",
	.actor = BY_INIT,
	.probe = probe_network,
	.plan = plan_network,
	.enter = enter_network,
	.prove = prove_network,
	.describe = describe_network,
};
