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
#include <linux/futex.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/raw.h"
#include "clone_call.h"
#include "layer/layer.h"
#include "layer/network.h"
#include "layer/ns.h"

static int plan_network(struct plan *plan, struct err *e)
{
	(void)e;
	if (plan->spec->network == SPEC_NETWORK_HOST) {
		plan->layers &= ~LAYER_BIT(LAYER_NETWORK_NS);
		plan->not_needed |= LAYER_BIT(LAYER_NETWORK_NS);
	}
	plan->loopback_up = plan->spec->network == SPEC_NETWORK_LOOPBACK;
	return 0;
}

/* -- making it ------------------------------------------------------------- */

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

/* A task makes the namespace and ends; on another CPU that costs no time. */
static char maker_stack[16 * 1024] __attribute__((aligned(16)));

IN_CHILD static int make_namespaces(unsigned long flags, bool loopback)
{
	long r = raw1(SYS_unshare, flags);

	if (r == 0 && loopback)
		r = loopback_up();
	return (int)r;
}

IN_CHILD static void wake(int32_t *word, int32_t value)
{
	__atomic_store_n(word, value, __ATOMIC_RELEASE);
	raw3(SYS_futex, word, FUTEX_WAKE, 1);
}

/*
 * sock >= 0: until the supervisor is gone, too. Its death signal does not reach an
 * init that had not asked for it yet, and the task dies with the supervisor.
 */
IN_CHILD static int32_t wait_for(int32_t *word, int sock)
{
	int32_t value;

	while ((value = __atomic_load_n(word, __ATOMIC_ACQUIRE)) == 0) {
		struct timespec moment = { 0, 20 * 1000 * 1000 };

		raw4(SYS_futex, word, FUTEX_WAIT, 0, sock < 0 ? NULL : &moment);
		if (sock >= 0 && child_supervisor_is_gone(sock))
			return -EPIPE;
	}
	return value;
}

IN_CHILD static void __attribute__((noreturn)) end_task(void)
{
	for (;;)
		raw1(SYS_exit, 0);
}

/* -- beside the supervisor (root) ------------------------------------------ */

IN_CHILD static void make_early(void *arg)
{
	struct network_early *n = arg;
	int r;

	/* It would otherwise wait for an init that is gone with the supervisor. */
	if (!raw_die_with(n->supervisor))
		end_task();
	r = make_namespaces(n->flags, n->loopback_up);
	wake(&n->words->made, r < 0 ? r : 1);
	if (r == 0)
		wait_for(&n->words->joined, -1);
	end_task();
}

static bool is_left_out(const struct spec *spec, const struct layer *layer)
{
	for (unsigned int i = 0; i < spec->n_without; i++)
		if (strcmp(spec->without[i], layer->name) == 0)
			return true;
	return false;
}

/*
 * A new task is queued behind its parent even where another CPU idles; there it
 * would only start when we have nothing left to do.
 */
static void send_to_another_cpu(long task, const struct host *host)
{
	uint64_t mask[16];
	unsigned int cpu = 0;

	if (host->cpus < 2 || raw3(SYS_getcpu, &cpu, NULL, NULL) < 0 || cpu >= sizeof(mask) * 8)
		return;
	memcpy(mask, host->cpu_mask, sizeof(mask));
	mask[cpu / 64] &= ~(1ull << (cpu % 64));
	raw3(SYS_sched_setaffinity, task, sizeof(mask), mask); /* no harm if it fails */
}

/* Is more running than there are CPUs? The fourth number of /proc/loadavg (proc(5)). */
static bool is_crowded(const struct host *host)
{
	char text[64];
	const char *p = text;
	unsigned int running = 0;

	fd_read_text(AT_FDCWD, "/proc/loadavg", text, sizeof(text));
	for (int spaces = 0; *p && spaces < 3; p++)
		spaces += *p == ' ';
	for (; *p >= '0' && *p <= '9'; p++)
		running = running * 10 + (unsigned int)(*p - '0');
	return running > host->cpus;
}

/* The task, and the page of the words it shares with init. */
static void start_maker(struct network_early *n, const struct host *host)
{
	void *page = mmap(NULL, sizeof(*n->words), PROT_READ | PROT_WRITE,
			  MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (page == MAP_FAILED)
		return;
	n->words = page;
	n->maker = clone_call(CLONE_VM | CLONE_FILES, maker_stack + sizeof(maker_stack), NULL,
			      make_early, n);
	if (n->maker > 0) {
		send_to_another_cpu(n->maker, host);
		n->maker_fd = (int)raw2(SYS_pidfd_open, n->maker, 0);
	}
}

void network_start(struct network_early *n, const struct spec *spec, const struct host *host)
{
	*n = (struct network_early){ .supervisor = host->pid,
				     .maker_fd = -1,
				     .flags = CLONE_NEWNET,
				     .loopback_up = spec->network == SPEC_NETWORK_LOOPBACK };
	if (!host->privileged || spec->network == SPEC_NETWORK_HOST || spec->dry_run ||
	    is_left_out(spec, &layer_network_ns))
		return;
	if (host->may_join && !is_crowded(host)) {
		n->how = NETWORK_BY_TASK;
		if (!is_left_out(spec, &layer_ipc_ns))
			n->flags |= CLONE_NEWIPC;
		start_maker(n, host);
		if (n->maker > 0)
			return;
		n->flags = CLONE_NEWNET;
	}
	/* The supervisor needs no network: it may as well live in the new one. */
	n->how = NETWORK_IN_PLACE;
	n->error = make_namespaces(n->flags, n->loopback_up);
}

void network_finish(struct network_early *n)
{
	if (n->maker > 0) {
		wake(&n->words->joined, 1);
		raw4(SYS_wait4, n->maker, NULL, __WALL, NULL);
	}
	n->maker = 0;
	fd_close(&n->maker_fd);
}

/* -- in init --------------------------------------------------------------- */

IN_CHILD static void make_in_init(void *arg)
{
	struct child *c = arg;

	long r = make_namespaces(CLONE_NEWNET, c->plan->loopback_up);

	if (r == 0)
		r = raw4(SYS_openat, AT_FDCWD, "/proc/self/ns/net", O_RDONLY | O_CLOEXEC, 0);
	c->network_fd = (int)r;
	end_task();
}

IN_CHILD static int begin_network(struct child *c)
{
	if (c->network->how != NETWORK_IN_INIT)
		return 0;
	c->network_maker = clone_call(CLONE_VM | CLONE_FILES | SIGCHLD,
				      maker_stack + sizeof(maker_stack), NULL, make_in_init, c);
	return c->network_maker < 0 ? (int)c->network_maker : 0;
}

IN_CHILD static int enter_network(struct child *c)
{
	const struct network_early *n = c->network;
	long r;

	switch (n->how) {
	case NETWORK_IN_PLACE: return n->error;
	case NETWORK_BY_TASK:
		r = wait_for(&n->words->made, c->sock);
		if (r > 0)
			r = raw2(SYS_setns, n->maker_fd, n->flags);
		wake(&n->words->joined, 1);
		return (int)r;
	case NETWORK_IN_INIT:
		r = raw4(SYS_wait4, c->network_maker, NULL, 0, NULL);
		if (r >= 0)
			r = c->network_fd;
		if (r >= 0)
			r = raw2(SYS_setns, c->network_fd, CLONE_NEWNET);
		raw1(SYS_close, c->network_fd);
		return (int)r;
	}
	return -EINVAL;
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

	if (fd == -EAFNOSUPPORT)
		return 0; /* a kernel without IPv4 has no such way out */
	if (fd < 0)
		return (int)fd;
	out = (int)raw3(SYS_connect, fd, &sin, sizeof(sin));
	sin.sin_addr.s_addr = 0x0100007f; /* 127.0.0.1 */
	self = (int)raw3(SYS_connect, fd, &sin, sizeof(sin));
	/* Loopback is device 1 of every namespace; ours has no other. */
	more = (int)raw3(SYS_ioctl, fd, SIOCGIFNAME, &second);
	raw1(SYS_close, fd);
	r = child_check(c, LAYER_NETWORK_NS, out == -ENETUNREACH,
			"there is a route to the outside");
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
