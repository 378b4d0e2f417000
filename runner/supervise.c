/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "supervise.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/raw.h"
#include "ending.h"
#include "hold.h"
#include "message.h"
#include "notify.h"
#include "tree.h"
#include "verdict.h"

enum {
	ON_INIT,
	ON_SOCK,
	ON_LISTENER,
	ON_SIGNALS,
	ON_CALLER,
	ON_LOOK,
	ON_STREAMS,
	ON_COUNT = ON_STREAMS + STREAMS
};

struct watch {
	const struct plan *plan;
	struct running *run;
	struct outcome *o;
	int proc_fd;	/* the sandbox's /proc; -1 until init sent it */
	int payload_fd; /* likewise */
	int listener;
	bool listener_done;
	int signals;
	struct streams *streams;
	struct acts acts;	/* what we did, for the verdict */
	uint64_t wall_deadline; /* ns; UINT64_MAX: none */
	uint64_t grace_deadline;
	uint64_t cpu_check;
	struct hold hold;
	uint64_t caller_at; /* when to begin to watch it: a short run need not */
	bool init_ends;	    /* it said so, or is gone */
	struct ending ending;
};

#define CALLER_AFTER_NS (50 * 1000000ull)
#define SAMPLE_NS (20 * 1000000ull)

void supervise_signals(sigset_t *ret)
{
	sigemptyset(ret);
	sigaddset(ret, SIGINT);
	sigaddset(ret, SIGTERM);
	sigaddset(ret, SIGHUP);
	sigaddset(ret, SIGQUIT);
}

/* End the whole tree. */
static void kill_tree(struct watch *w, enum reason why)
{
	if (!w->acts.killed) {
		w->acts.killed = true;
		w->acts.kill_reason = why;
		w->acts.oom_before =
			w->run->cgroup.fd >= 0 && cgroup_oom_kills(&w->run->cgroup) > 0;
	}
	ending_kill(&w->ending, w->run, w->proc_fd);
	hold_stop(&w->hold);
}

/*
 * To the payload itself, by pidfd: init may not signal it, and need not run for it. One
 * that has ended cannot be signaled; init says how it ended.
 */
static void pass_on(struct watch *w, int sig)
{
	long r = raw4(SYS_pidfd_send_signal, w->payload_fd, sig, NULL, 0);

	if (r < 0 && r != -ESRCH)
		kill_tree(w, REASON_CANCELED);
}

/* One message, and the descriptors when the payload is about to start. False: none. */
static bool receive(struct watch *w)
{
	struct message m;

	if (!message_receive(w->run->sock, w->plan->n_tmpfs, &m))
		return false;
	w->run->board = m.board;
	if (m.cut)
		kill_tree(w, REASON_INTERNAL);
	if (m.proc_fd < 0)
		return true;
	w->proc_fd = m.proc_fd;
	w->payload_fd = m.payload_fd;
	memcpy(w->hold.tmpfs.fds, m.tmpfs_fds, w->plan->n_tmpfs * sizeof(m.tmpfs_fds[0]));
	w->listener = m.listener_fd;
	w->o->started = true;
	/* It came when there was nobody yet to pass it on to. */
	if (w->acts.cancel_signal)
		pass_on(w, w->acts.cancel_signal);
	return true;
}

static bool ignores_hangup(void)
{
	uint64_t action[4] = { 0 }; /* struct sigaction of the kernel */

	raw4(SYS_rt_sigaction, SIGHUP, NULL, action, 8);
	return action[0] == (uint64_t)(uintptr_t)SIG_IGN;
}

/* The first signal is passed on and starts the grace; the next one ends the run. */
static void handle_signal(struct watch *w)
{
	struct signalfd_siginfo info;

	if (read(w->signals, &info, sizeof(info)) != sizeof(info))
		return;
	/* Blocked, it is queued although our caller had it ignored: nohup(1). */
	if (info.ssi_signo == SIGHUP && ignores_hangup())
		return;
	if (w->acts.cancel_signal) {
		kill_tree(w, REASON_CANCELED);
		return;
	}
	w->acts.cancel_signal = (int)info.ssi_signo;
	if (w->payload_fd >= 0)
		pass_on(w, w->acts.cancel_signal);
	w->grace_deadline =
		raw_clock_ns(CLOCK_MONOTONIC) + w->plan->spec->limits.grace_ms * 1000000u;
}

static uint64_t cpu_used(struct watch *w)
{

	if (w->run->cgroup.fd >= 0)
		return cgroup_cpu_us(&w->run->cgroup) * 1000;
	w->ending.cpu = hold_cpu(w->proc_fd);
	return w->ending.cpu.user_ns + w->ending.cpu.system_ns;
}

static void check_memory(struct watch *w, uint64_t now)
{
	enum reason why = hold_look(&w->hold, w->proc_fd, now, &w->acts);

	if (why != REASON_COUNT)
		kill_tree(w, why);
}

/*
 * The tree's CPU time can grow by as many seconds per second as there are CPUs,
 * so the next look need not come before the rest could have been used up.
 */
static void check_cpu(struct watch *w, uint64_t now)
{
	uint64_t limit = w->plan->spec->limits.cpu_ms * 1000000u;
	uint64_t used = cpu_used(w);
	uint64_t cpus = w->plan->host->cpus ? w->plan->host->cpus : 1;

	if (used >= limit) {
		w->acts.cpu_used_ns = used;
		kill_tree(w, REASON_CPU_TIME);
		w->cpu_check = UINT64_MAX;
		return;
	}
	/* The kernel counts in ticks of at least 1 ms. */
	w->cpu_check = now + (limit - used) / cpus + 1000000u;
	/* Who is not waited for is only counted when seen. */
	if (w->run->cgroup.fd < 0 && w->cpu_check > now + SAMPLE_NS)
		w->cpu_check = now + SAMPLE_NS;
}

/*
 * When the process that started us ends, the run does: nobody is left to want its
 * result. A pidfd, because PR_SET_PDEATHSIG fires when the caller's thread ends.
 * Who started us with nohup(1) (SIGHUP is ignored) or as a service means otherwise.
 */
static void watch_caller(struct watch *w)
{
	const struct host *host = w->plan->host;
	struct running *run = w->run;

	if (host->caller <= 1 || ignores_hangup())
		return;
	run->caller = (int)raw2(SYS_pidfd_open, host->caller, 0);
	/* Between the two it may have ended, and the number have become another's. */
	if (raw0(SYS_getppid) == host->caller)
		return;
	fd_close(&run->caller);
	w->acts.caller_gone = true;
	kill_tree(w, REASON_CANCELED);
}

/* In ms; -1: it is time to give up. */
static int next_timeout(struct watch *w)
{
	uint64_t now = raw_clock_ns(CLOCK_MONOTONIC);
	uint64_t next;

	if (now >= w->caller_at) {
		w->caller_at = UINT64_MAX;
		watch_caller(w);
	}
	if (!ending_step(&w->ending, w->run, w->proc_fd, now))
		return -1;
	if (!w->acts.killed) {
		if (now >= w->wall_deadline)
			kill_tree(w, REASON_WALL_TIME);
		else if (now >= w->grace_deadline)
			kill_tree(w, REASON_CANCELED);
		if (!w->acts.killed && now >= w->cpu_check && w->proc_fd >= 0)
			check_cpu(w, now);
		if (!w->acts.killed && now >= w->hold.watchdog.next && w->proc_fd >= 0)
			check_memory(w, now);
	}
	next = w->wall_deadline < w->grace_deadline ? w->wall_deadline : w->grace_deadline;
	if (w->caller_at < next)
		next = w->caller_at;
	if (w->cpu_check < next)
		next = w->cpu_check;
	if (w->hold.watchdog.next < next)
		next = w->hold.watchdog.next;
	if (w->acts.killed)
		next = UINT64_MAX;
	if (w->ending.next < next)
		next = w->ending.next;
	/* Not before the sandbox's /proc is there to look into. */
	next = next > now ? (next - now) / 1000000u + 1 : 1;
	return next > 3600000 ? 3600000 : (int)next;
}

/*
 * When the payload has ended, init follows at once: a short run need not hear of it
 * twice. Where it takes longer, something inside does not end.
 */
static bool hears_init(const struct watch *w)
{
	return !w->init_ends && (!w->o->started || w->caller_at == UINT64_MAX);
}

static void watch_until_init_ends(struct watch *w)
{
	struct pollfd p[ON_COUNT];

	for (;;) {
		int timeout = next_timeout(w);

		if (timeout < 0)
			return;
		p[ON_INIT] = (struct pollfd){ .fd = w->run->init_fd, .events = POLLIN };
		p[ON_SOCK] = (struct pollfd){ .fd = hears_init(w) ? w->run->sock : -1,
					      .events = POLLIN };
		p[ON_LISTENER] = (struct pollfd){ .fd = w->listener_done ? -1 : w->listener,
						  .events = POLLIN };
		p[ON_SIGNALS] = (struct pollfd){ .fd = w->signals, .events = POLLIN };
		p[ON_CALLER] = (struct pollfd){ .fd = w->run->caller, .events = POLLIN };
		p[ON_LOOK] = (struct pollfd){ .fd = w->acts.killed ? -1 : hold_helper(&w->hold),
					      .events = POLLIN };
		streams_poll(w->streams, w->run, &p[ON_STREAMS]);
		if (poll(p, ON_COUNT, timeout) < 0)
			continue;
		if (p[ON_SOCK].revents && (!receive(w) || w->run->board.payload_ended)) {
			w->init_ends = true;
			ending_expect(&w->ending);
		}
		if (p[ON_LISTENER].revents & POLLIN) {
			if (notify_answer(w->listener, w->plan, &w->hold.sizes, w->o))
				kill_tree(w, REASON_SECCOMP);
		} else if (p[ON_LISTENER].revents) {
			/* No filtered process is left. Init needs the CPU now: close it later. */
			w->listener_done = true;
		}
		if (p[ON_SIGNALS].revents & POLLIN)
			handle_signal(w);
		if (p[ON_CALLER].revents & POLLIN) {
			w->acts.caller_gone = true;
			fd_close(&w->run->caller);
			kill_tree(w, REASON_CANCELED);
		}
		if (p[ON_LOOK].revents)
			w->hold.watchdog.next = 0;
		if (streams_step(w->streams, w->run, &p[ON_STREAMS]) &&
		    w->plan->spec->limits.output_kills)
			kill_tree(w, REASON_OUTPUT);
		if (p[ON_INIT].revents & POLLIN)
			return;
	}
}

/* Init is gone, and with it every process inside: collect what is left to know. */
static void collect(struct watch *w)
{
	struct outcome *o = w->o;
	struct board_rusage usage;
	siginfo_t info = { .si_pid = 0 };
	uint64_t end;

	/* What it said last, and perhaps first. */
	while (receive(w))
		;
	/* Without hanging: only what the kernel could not end is still there. */
	if (raw5(SYS_waitid, P_PIDFD, w->run->init_fd, &info, WEXITED | WNOHANG, &usage) < 0)
		info.si_pid = 0;
	if (info.si_pid == 0)
		usage = (struct board_rusage){ 0 };
	end = raw_clock_ns(CLOCK_MONOTONIC);
	w->acts.init_signal = info.si_code == CLD_EXITED ? 0 : info.si_status;
	o->wall_ns = end - w->run->started_ns;
	if (w->run->board.exec_ns > w->run->started_ns)
		o->setup_ns = w->run->board.exec_ns - w->run->started_ns;
	o->user_us = (uint64_t)(usage.user_s * 1000000 + usage.user_us);
	o->system_us = (uint64_t)(usage.system_s * 1000000 + usage.system_us);
	if (w->ending.cpu.user_ns / 1000 > o->user_us)
		o->user_us = w->ending.cpu.user_ns / 1000;
	if (w->ending.cpu.system_ns / 1000 > o->system_us)
		o->system_us = w->ending.cpu.system_ns / 1000;
	o->maxrss_bytes = (uint64_t)usage.maxrss_kib * 1024;
	ending_count(info.si_pid != 0, w->proc_fd, o);
	if (w->run->cgroup.fd >= 0) {
		cgroup_read(&w->run->cgroup, &o->cgroup);
		if (o->cgroup.user_us != UNLIMITED && o->cgroup.system_us != UNLIMITED) {
			o->user_us = o->cgroup.user_us;
			o->system_us = o->cgroup.system_us;
		}
		o->cgroup_left = !cgroup_remove(&w->run->cgroup);
	}
	streams_flush(w->streams, o);
}

void supervise(const struct plan *plan, struct running *run, struct streams *streams,
	       struct outcome *ret)
{
	const struct spec_limits *l = &plan->spec->limits;
	struct watch w = { .plan = plan,
			   .run = run,
			   .o = ret,
			   .streams = streams,
			   .proc_fd = -1,
			   .payload_fd = -1,
			   .listener = -1,
			   .wall_deadline = UINT64_MAX,
			   .grace_deadline = UINT64_MAX,
			   .cpu_check = UINT64_MAX,
			   .caller_at = run->started_ns + CALLER_AFTER_NS };

	ret->started_at_ms = run->started_at_ms;
	ret->init_pid = run->init;
	w.signals = run->signals;
	streams_init(streams, plan, run);
	ending_init(&w.ending);
	if (l->wall_ms != UNLIMITED)
		w.wall_deadline = run->started_ns + l->wall_ms * 1000000u;
	if (l->cpu_ms != UNLIMITED)
		w.cpu_check = run->started_ns;
	if (run->cgroup.fd >= 0)
		cgroup_sweep(&run->cgroup);
	hold_start(&w.hold, plan, run);
	watch_until_init_ends(&w);
	collect(&w);
	hold_end(&w.hold, ret);
	verdict(plan, &run->board, &w.acts, ret);
	streams_verdict(ret);
	fd_close(&w.proc_fd);
	fd_close(&w.payload_fd);
	fd_close(&w.listener);
}
