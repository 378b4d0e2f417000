/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>

#include "base/raw.h"
#include "clone_call.h"
#include "init.h"
#include "layer/layer.h"
#include "layer/identity.h"
#include "message.h"

#ifndef CLONE_PIDFD
#define CLONE_PIDFD 0x1000
#endif

/* -- reporting ------------------------------------------------------------- */

IN_CHILD static void fail(struct child *c, int stage, int layer, int item, int error)
{
	c->board.stage = stage;
	c->board.layer = layer;
	c->board.item = item;
	c->board.error = error;
}

IN_CHILD int child_check(struct child *c, int layer, bool holds, const char *what)
{
	unsigned int i;

	c->board.proofs[layer]++;
	if (holds)
		return 0;
	for (i = 0; i < sizeof(c->board.what) - 1 && what[i]; i++)
		c->board.what[i] = what[i];
	c->board.what[i] = '\0';
	return -EACCES;
}

IN_CHILD void child_send_board(struct child *c)
{
	raw3(SYS_write, c->sock, &c->board, sizeof(c->board));
}

/* For init; the payload leaves the board to it. */
IN_CHILD static void __attribute__((noreturn)) give_up(struct child *c)
{
	child_send_board(c);
	raw_exit_group(1);
}

IN_CHILD bool child_supervisor_is_gone(int sock)
{
	struct pollfd p = { .fd = sock, .events = POLLIN };
	struct timespec now = { 0, 0 };

	return raw5(SYS_ppoll, &p, 1, &now, NULL, 8) > 0 && (p.revents & (POLLHUP | POLLERR));
}

/* -- rows ------------------------------------------------------------------ */

IN_CHILD static int begin_rows(struct child *c)
{
	for (int i = 0; i < LAYER_COUNT; i++) {
		const struct layer *l = layer_table[i];
		int r;

		if (!l->begin || !plan_has(c->plan, (unsigned int)i))
			continue;
		r = l->begin(c);
		if (r < 0) {
			fail(c, BOARD_ENTER, i, -1, -r);
			return r;
		}
	}
	return 0;
}

IN_CHILD static int enter_rows(struct child *c, enum actor actor, int first, int end)
{
	for (int i = first; i < end; i++) {
		const struct layer *l = layer_table[i];
		int r;

		if (l->actor != actor || !l->enter || !plan_has(c->plan, (unsigned int)i))
			continue;
		c->item = -1;
		r = l->enter(c);
		if (r < 0) {
			fail(c, BOARD_ENTER, i, c->item, -r);
			return r;
		}
	}
	return 0;
}

IN_CHILD static int prove_rows(struct child *c, int first, int end)
{
	for (int i = first; i < end; i++) {
		const struct layer *l = layer_table[i];
		int r;

		if (!l->prove || !plan_has(c->plan, (unsigned int)i))
			continue;
		c->board.what[0] = '\0';
		c->item = -1;
		r = l->prove(c);
		if (r < 0) {
			fail(c, BOARD_PROVE, i, c->item, -r);
			return r;
		}
	}
	return 0;
}

/* -- the payload ----------------------------------------------------------- */

/*
 * Without the fds row these would still point at what runner holds. No stdin is the
 * sandbox's own /dev/null, not the caller's.
 */
IN_CHILD static int take_stdio(struct child *c)
{
	if (c->stdio[0] < 0) {
		c->stdio[0] = (int)raw4(SYS_openat, AT_FDCWD, "/dev/null", O_RDONLY | O_CLOEXEC, 0);
		if (c->stdio[0] < 0)
			return c->stdio[0];
	}
	for (int i = 0; i < 3; i++) {
		long r = c->stdio[i] == i ? raw3(SYS_fcntl, i, F_SETFD, 0)
					  : raw3(SYS_dup3, c->stdio[i], i, 0);

		if (r < 0)
			return (int)r;
	}
	return 0;
}

/* The cwd is resolved inside, and may not lead through the kernel's magic links. */
IN_CHILD static int take_cwd(struct child *c)
{
	struct raw_open_how how = { .flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
				    .resolve = RAW_RESOLVE_NO_MAGICLINKS };
	long fd = raw4(SYS_openat2, AT_FDCWD, c->plan->cwd, &how, sizeof(how));
	long r = fd;

	if (fd >= 0) {
		r = raw1(SYS_fchdir, fd);
		raw1(SYS_close, fd);
	}
	return (int)r;
}

/* What a parent ignores or blocks is inherited by exec: begin afresh. */
IN_CHILD static void reset_signals(void)
{
	/* struct sigaction of the kernel: handler, flags, restorer, mask. */
	uint64_t action[4] = { 0, 0, 0, 0 };
	uint64_t none = 0;

	/* All of them: who was started by glibc's posix_spawn(3) ignores 32 and 33. */
	for (int sig = 1; sig <= 64; sig++)
		if (sig != SIGKILL && sig != SIGSTOP)
			raw4(SYS_rt_sigaction, sig, action, NULL, 8);
	raw4(SYS_rt_sigprocmask, SIG_SETMASK, &none, NULL, 8);
}

/*
 * A caller in a real-time class hands it down, and there who computes keeps the CPU from
 * everybody: from the supervisor and from init as well, who could end nothing any more.
 * They stay in that class. Less than it has, everyone may take.
 */
IN_CHILD static int take_turns(void)
{
	int priority = 0;
	/* The highest bit: SCHED_RESET_ON_FORK. */
	long class = raw1(SYS_sched_getscheduler, 0);

	if (class < 0)
		return (int)class;
	class &= 0x3fffffff;
	if (class != SCHED_FIFO && class != SCHED_RR)
		return 0;
	return (int)raw3(SYS_sched_setscheduler, 0, SCHED_OTHER, &priority);
}

/*
 * Room for a descriptor above the payload's RLIMIT_NOFILE; see layer/filter.c.
 * While the table is ours alone: growing a shared one waits for an RCU grace
 * period, which takes 5 to 15 ms.
 */
IN_CHILD static int make_room_for_program(struct child *c)
{
	uint64_t limit[2];
	long fd;

	raw4(SYS_prlimit64, 0, RLIMIT_NOFILE, NULL, limit);
	limit[0] = limit[1];
	raw4(SYS_prlimit64, 0, RLIMIT_NOFILE, limit, NULL);
	fd = raw3(SYS_fcntl, c->sock, F_DUPFD_CLOEXEC, c->plan->exec_fd);
	if (fd >= 0)
		raw1(SYS_close, fd);
	return fd < 0 ? (int)fd : 0;
}

IN_CHILD static int open_program(struct child *c)
{
	const struct plan *p = c->plan;
	long r = -ENOENT;

	for (unsigned int i = 0; i < p->n_candidates; i++) {
		long fd = raw4(SYS_openat, AT_FDCWD, p->candidates[i], O_RDONLY | O_CLOEXEC, 0);

		c->item = (int)i;
		if (fd == -ENOENT)
			continue;
		if (fd < 0)
			return (int)fd;
		r = raw3(SYS_fcntl, fd, F_DUPFD_CLOEXEC, p->exec_fd);
		raw1(SYS_close, fd);
		break;
	}
	return r == p->exec_fd ? 0 : r < 0 ? (int)r : -EMFILE;
}

/*
 * The supervisor has them before the payload's first instruction, however long init
 * takes to run again. A policy may forbid sendmsg(2): then init hands them up.
 */
IN_CHILD static int hand_up(struct child *c)
{
	int r;

	if (c->listener_fd >= 0 && !message_may_send(c))
		return 0;
	r = message_send_descriptors(c);
	/* The user's other programs have too many under way: init may have a higher limit. */
	if (r == -ETOOMANYREFS)
		return 0;
	c->handed_up = r == 0;
	return r;
}

/*
 * Shares init's memory and descriptors until exec (vfork). The proof of every
 * layer comes before the filter, so that the filter cannot answer for them.
 */
IN_CHILD static void payload(void *arg)
{
	struct child *c = arg;
	int doing = BOARD_START_STDIO;
	uint64_t before;
	int r;

	raw1(SYS_umask, 022);
	r = take_stdio(c);
	if (r == 0) {
		doing = BOARD_START_TURN;
		r = take_turns();
	}
	/* From here on by the payload's own rights, in its own namespace. */
	if (r == 0 && enter_rows(c, BY_PAYLOAD, 0, LAYER_SESSION) < 0)
		raw_exit_group(1);
	if (r == 0) {
		doing = BOARD_START_CWD;
		r = take_cwd(c);
	}
	if (r == 0 && c->plan->exec_fd >= 0) {
		doing = BOARD_START_PROGRAM;
		r = open_program(c);
	}
	if (r < 0) {
		fail(c, BOARD_START, 0, doing, -r);
		raw_exit_group(1);
	}
	reset_signals();
	if (enter_rows(c, BY_PAYLOAD, LAYER_SESSION, LAYER_GUARD) < 0)
		raw_exit_group(1);
	before = raw_clock_ns(CLOCK_MONOTONIC);
	if (prove_rows(c, 0, LAYER_GUARD) < 0)
		raw_exit_group(1);
	c->board.exec_ns = raw_clock_ns(CLOCK_MONOTONIC);
	c->board.prove_ns = c->board.exec_ns - before;
	if (enter_rows(c, BY_PAYLOAD, LAYER_GUARD, LAYER_COUNT) < 0 ||
	    prove_rows(c, LAYER_GUARD, LAYER_COUNT) < 0)
		raw_exit_group(1);
	r = hand_up(c);
	if (r < 0) {
		fail(c, BOARD_START, 0, BOARD_START_HAND_UP, -r);
		raw_exit_group(1);
	}
	r = execute(c);
	fail(c, BOARD_EXEC, 0, c->item, -r);
	raw_exit_group(1);
}

/* -- init ------------------------------------------------------------------ */

/*
 * The payload's stack until exec. Init is suspended meanwhile, and a run has one
 * payload, so one stack is enough.
 */
static char payload_stack[64 * 1024] __attribute__((aligned(16)));

IN_CHILD static long start_payload(struct child *c)
{
	unsigned long flags = CLONE_VM | CLONE_VFORK | CLONE_FILES | CLONE_PIDFD | SIGCHLD;

	return clone_call(flags, payload_stack + sizeof(payload_stack), &c->payload_fd, payload, c);
}

IN_CHILD void child_init(struct child *c)
{
	long pid;
	int r;

	visible_hide(&c->visible);
	/*
	 * Whatever ends the supervisor ends us. Set now for the set-up, and again
	 * below: a change of credentials clears it (prctl(2)).
	 */
	raw5(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	raw5(SYS_prctl, PR_SET_DUMPABLE, 0, 0, 0, 0);
	raw1(SYS_umask, 0);
	c->host_proc_fd = (int)raw4(SYS_openat, AT_FDCWD, "/proc", O_PATH | O_CLOEXEC, 0);
	if (c->host_proc_fd < 0) {
		fail(c, BOARD_START, 0, BOARD_START_PROC, -c->host_proc_fd);
		give_up(c);
	}
	if (c->plan->exec_fd >= 0) {
		r = make_room_for_program(c);
		if (r < 0) {
			fail(c, BOARD_START, 0, BOARD_START_PROGRAM, -r);
			give_up(c);
		}
	}
	if (begin_rows(c) < 0 || enter_rows(c, BY_INIT, 0, LAYER_COUNT) < 0)
		give_up(c);
	r = identity_become_init(c);
	if (r < 0) {
		fail(c, BOARD_START, 0, BOARD_START_INIT, -r);
		give_up(c);
	}
	/* A change of credentials also sets dumpable to fs.suid_dumpable (proc(5)). */
	raw5(SYS_prctl, PR_SET_DUMPABLE, 0, 0, 0, 0);
	raw5(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	if (child_supervisor_is_gone(c->sock))
		raw_exit_group(1);
	pid = start_payload(c);
	if (pid < 0)
		fail(c, BOARD_START, 0, BOARD_START_PAYLOAD, (int)-pid);
	if (c->board.error)
		give_up(c);
	init_run(c, pid);
}
