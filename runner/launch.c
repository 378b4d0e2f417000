/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "launch.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/raw.h"
#include "layer/layer.h"
#include "supervise.h"

#ifndef CLONE_INTO_CGROUP
#define CLONE_INTO_CGROUP 0x200000000ull
#endif
#ifndef CLONE_PIDFD
#define CLONE_PIDFD 0x1000
#endif

/* The payload's ends of the streams; they close when launch() returns. */
struct stdio {
	int fd[3];
};

static void close_stdio(struct stdio *s)
{
	for (int i = 0; i < 3; i++)
		fd_close(&s->fd[i]);
}

static int own_copy(int fd)
{
	return fcntl(fd, F_DUPFD_CLOEXEC, 3);
}

/*
 * A pipe, the payload's end owned by the payload: programs open /dev/stdout by
 * name. It is ours; nothing the caller passed in is ever changed.
 */
static int make_pipe(const struct plan *plan, int *ours, int *theirs, bool we_write)
{
	int p[2];

	if (pipe2(p, O_CLOEXEC) < 0)
		return -errno;
	if (plan->host->privileged && fchown(p[0], plan->host_uid, plan->host_gid) < 0) {
		close(p[0]);
		close(p[1]);
		return -errno;
	}
	*ours = p[we_write ? 1 : 0];
	*theirs = p[we_write ? 0 : 1];
	fcntl(*ours, F_SETFL, O_NONBLOCK);
	return 0;
}

/*
 * May the payload have this very file? Not when it could be written as well (a
 * terminal, a socket): that would be a way around the output limit and to the
 * terminal. Nor, rootless, when it is a file of the caller's: its owner may
 * fchmod(2) what it can only read.
 */
static bool is_harmless(const struct plan *plan, int fd)
{
	int flags = fcntl(fd, F_GETFL);
	struct stat st;

	if (flags < 0 || (flags & O_ACCMODE) != O_RDONLY || (flags & O_PATH))
		return false;
	return fstat(fd, &st) == 0 && (!S_ISREG(st.st_mode) || st.st_uid != plan->host_uid);
}

/* The stream itself, if it is harmless; else a pipe, and the relay fills it. */
static int open_stdin(const struct plan *plan, struct stdio *s, struct running *run, struct err *e)
{
	const char *path = plan->spec->stdin_path;
	cleanup_fd int fd = -1;

	if (path)
		fd = open(strcmp(path, "null") == 0 ? "/dev/null" : path,
			  O_RDONLY | O_CLOEXEC | O_NOCTTY);
	else
		fd = own_copy(0);
	if (fd < 0)
		return err_set(e, errno, "stdin '%s': %s", path ? path : "", strerror(errno));
	if (is_harmless(plan, fd)) {
		s->fd[0] = steal_fd(&fd);
		return 0;
	}
	if (make_pipe(plan, &run->in, &s->fd[0], true) < 0)
		return err_set(e, errno, "pipe for stdin: %s", strerror(errno));
	run->in_from = steal_fd(&fd);
	return 0;
}

static int open_output(const struct plan *plan, int stream, struct stdio *s, int *ret_ours,
		       struct err *e)
{
	/* The report owns stdout when it goes there. */
	bool to_stderr = stream == 1 && plan->spec->report && strcmp(plan->spec->report, "-") == 0;
	int r;

	if (plan->spec->limits.output == UNLIMITED) {
		s->fd[stream] = own_copy(to_stderr ? 2 : stream);
		r = s->fd[stream] < 0 ? -errno : 0;
	} else {
		r = make_pipe(plan, ret_ours, &s->fd[stream], false);
	}
	return r < 0 ? err_set(e, -r, "%s: %s", stream == 1 ? "stdout" : "stderr", strerror(-r))
		     : 0;
}

/* What a failing clone3(2) most likely means, and what to do. */
static int clone_error(const struct plan *plan, int error, struct err *e)
{
	err_set(e, error, "cannot make the namespaces: %s", strerror(error));
	switch (error) {
	case EPERM:
	case EACCES:
		return err_hint(e,
				plan->host->privileged
					? "a container or a security module forbids namespaces; "
					  "see 'runner doctor'"
					: "this host may not allow user namespaces to ordinary "
					  "users; 'runner doctor' names the setting%s",
				"");
	case ENOSPC:
	case EUSERS:
		return err_hint(e, "a limit under /proc/sys/user is reached, or 32 user "
				   "namespaces are nested");
	case EAGAIN:
		return err_hint(e, "the limit of processes (RLIMIT_NPROC or pids.max) is reached");
	case EINVAL:
		return err_hint(e, "this kernel lacks a kind of namespace; see 'runner doctor'");
	case ENOSYS:
		return err_hint(e, "clone3(2) is missing or filtered: Linux 5.3, and a container "
				   "whose seccomp profile allows it");
	}
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
		return clone_error(plan, (int)-pid, e);
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

int launch(const struct plan *plan, const struct network_early *network, struct running *run,
	   struct err *e)
{
	struct stdio s = { { -1, -1, -1 } };
	sigset_t signals;
	int pair[2] = { -1, -1 };
	int r;

	r = open_stdin(plan, &s, run, e);
	if (r == 0)
		r = open_output(plan, 1, &s, &run->out, e);
	if (r == 0)
		r = open_output(plan, 2, &s, &run->err, e);
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
		r = clone_init(plan, network, &s, pair[1], run, e);
	if (r == 0) {
		send_user_ns(plan, run);
		wait_a_moment(run);
	}
	close_stdio(&s);
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
