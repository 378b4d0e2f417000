/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "launch.h"

#include <errno.h>
#include <sched.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/raw.h"
#include "layer/layer.h"
#include "pstdio.h"
#include "remedy.h"
#include "supervise.h"

#ifndef CLONE_INTO_CGROUP
#define CLONE_INTO_CGROUP 0x200000000ull
#endif
#ifndef CLONE_PIDFD
#define CLONE_PIDFD 0x1000
#endif

/* Which layer's namespace it was, and what to do. */
static int clone_error(const struct plan *plan, bool in_cgroup, int error, struct err *e)
{
	int layer = remedy_refused_layer(plan, in_cgroup);

	if (layer < 0)
		err_set(e, error, "cannot make the sandbox's first process: %s", strerror(error));
	else
		err_set(e, error, "layer '%s' cannot be set up: %s", layer_table[layer]->name,
			strerror(error));
	if (!remedy_find(plan->host, layer, error, e->hint, sizeof(e->hint)))
		err_hint(e, "runner needs clone3(2) and its namespaces: Linux 5.12 or later");
	return -error;
}

static int clone_init(const struct plan *plan, const struct network_early *network,
		      const struct stdio *s, int child_sock, struct running *run, struct err *e)
{
	struct raw_clone_args args = { .flags = CLONE_PIDFD | (plan->clone_flags & ~network->flags),
				       .pidfd = (uint64_t)(uintptr_t)&run->init_fd,
				       .exit_signal = SIGCHLD };
	long pid;

	if (run->cgroup.fd >= 0) {
		args.flags |= CLONE_INTO_CGROUP;
		args.cgroup = (uint64_t)run->cgroup.fd;
	}
	run->child = (struct child){ .plan = plan,
				     .visible = visible_original(),
				     .cgroup_name = run->cgroup.fd >= 0 ? run->cgroup.name : NULL,
				     .sock = child_sock,
				     .stdio = { s->fd[0], s->fd[1], s->fd[2] },
				     .item = -1,
				     .root_fd = -1,
				     .proc_fd = -1,
				     .host_proc_fd = -1,
				     .network = network,
				     .network_fd = -1,
				     .memfd_fd = -1,
				     .listener_fd = -1,
				     .payload_fd = -1 };
	run->started_at_ms = (int64_t)(raw_clock_ns(CLOCK_REALTIME) / 1000000);
	run->started_ns = raw_clock_ns(CLOCK_MONOTONIC);
	pid = raw2(SYS_clone3, &args, sizeof(args));
	if (pid == 0) {
		raw1(SYS_close, run->sock);
		child_init(&run->child);
	}
	if (pid < 0)
		return clone_error(plan, run->cgroup.fd >= 0, (int)-pid, e);
	run->init = (pid_t)pid;
	return 0;
}

/*
 * For the proof, if only its name tells the caller's user namespace from the new
 * one. Looked up while init builds the root; the first that init gets.
 */
static void send_user_ns(const struct plan *plan, const struct running *run)
{
	char name[HOST_NS_NAME] = "";

	if (plan->host_uid != plan->spec->uid)
		return;
	host_ns_name(HOST_NS_USER, name);
	(void)send(run->sock, name, sizeof(name), MSG_NOSIGNAL | MSG_DONTWAIT);
}

/*
 * Init is queued behind us on this CPU: let it run. What is left to do here can wait
 * until it sleeps, or has started the payload.
 */
static void wait_a_moment(const struct running *run)
{
	struct pollfd p[] = { { .fd = run->sock, .events = POLLIN },
			      { .fd = run->init_fd, .events = POLLIN },
			      { .fd = run->signals, .events = POLLIN } };

	(void)poll(p, 3, 20);
}

void running_init(struct running *ret)
{
	*ret = (struct running){ .cgroup = { .base_fd = -1, .fd = -1 },
				 .init_fd = -1,
				 .sock = -1,
				 .caller = -1,
				 .signals = -1,
				 .in = -1,
				 .in_from = -1,
				 .out = -1,
				 .err = -1 };
}

/*
 * Numbers above the limit are not to be had once it is set, and the proof of the layers
 * and the filter's listener need some. Ours and the caller's hold the low ones, until
 * exec closes them. The task beside us (layer/network.c) shares our table and opens and
 * closes its own meanwhile, and on a crowded machine there is none: what is advised
 * must do for the next run too, whatever that one's is doing then.
 */
static int check_open_files(const struct plan *plan, int newest, struct err *e)
{
	enum { NEEDED = 16, BESIDE = 3 };
	uint64_t limit = plan->spec->limits.open_files;

	if (!plan_has(plan, LAYER_RLIMITS) || limit >= (uint64_t)newest + NEEDED)
		return 0;
	err_set(e, EMFILE,
		"limit open_files %llu is too low: %d descriptors are open here, and setting up "
		"takes %d more",
		(unsigned long long)limit, newest, NEEDED);
	return err_hint(e,
			newest > 20 ? "close what the caller has left open, or --open-files %d"
				    : "--open-files %d",
			newest + NEEDED + BESIDE);
}

int launch(const struct plan *plan, const struct network_early *network, struct running *run,
	   struct err *e)
{
	struct stdio s = { { -1, -1, -1 } };
	sigset_t signals;
	int pair[2] = { -1, -1 };
	int r;

	r = stdio_open(plan, &s, run, e);
	if (r == 0 && socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		r = err_set(e, errno, "socketpair: %s", strerror(errno));
	run->sock = pair[0];
	if (r == 0) {
		supervise_signals(&signals);
		run->signals = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
		if (run->signals < 0)
			r = err_set(e, errno, "signalfd: %s", strerror(errno));
	}
	if (r == 0 && plan_has(plan, LAYER_CGROUP))
		r = cgroup_make(&plan->host->cgroup, &plan->spec->limits, &run->cgroup, e);
	if (r == 0)
		r = check_open_files(plan, run->signals, e);
	if (r == 0)
		r = clone_init(plan, network, &s, pair[1], run, e);
	if (r < 0 && !e->hint[0])
		(void)remedy_find(plan->host, -1, -r, e->hint, sizeof(e->hint));
	if (r == 0) {
		send_user_ns(plan, run);
		wait_a_moment(run);
	}
	stdio_close(&s);
	fd_close(&pair[1]);
	return r;
}

void running_clear(struct running *r)
{
	cgroup_remove(&r->cgroup);
	fd_close(&r->init_fd);
	fd_close(&r->sock);
	fd_close(&r->signals);
	fd_close(&r->caller);
	fd_close(&r->in);
	fd_close(&r->in_from);
	fd_close(&r->out);
	fd_close(&r->err);
}
