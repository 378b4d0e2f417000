/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "init.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "../seccomp/bpf.h"
#include "base/raw.h"
#include "layer/layer.h"
#include "layer/identity.h"
#include "message.h"

#define ALLOW(name) \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_##name, 0, 1), \
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)

/* What the loop below does, and nothing else. */
static const struct sock_filter init_filter[] = {
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, BPF_NATIVE_ARCH, 1, 0),
	BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
	ALLOW(ppoll),
	ALLOW(read),
	ALLOW(write),
	ALLOW(wait4),
	ALLOW(exit_group),
	BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
};
static const struct sock_fprog init_program = {
	sizeof(init_filter) / sizeof(init_filter[0]),
	(struct sock_filter *)(uintptr_t)init_filter,
};

/*
 * Nothing but the socket and the standard streams stays open. With the streams
 * the supervisor sees their end when init ends, not a moment before, when init
 * needs the CPU more.
 */
IN_CHILD static void close_all_but(int sock, int signals)
{
	int low = sock < signals ? sock : signals;
	int high = sock < signals ? signals : sock;

	if (low > 3)
		raw3(SYS_close_range, 3, low - 1, 0);
	if (high > low + 1)
		raw3(SYS_close_range, low + 1, high - 1, 0);
	raw3(SYS_close_range, high + 1, ~0u, 0);
}

/* Returns when the payload has ended. */
IN_CHILD static void reap(struct child *c, long payload_pid)
{
	struct board_rusage usage;
	int status;
	long pid;

	while ((pid = raw4(SYS_wait4, -1, &status, WNOHANG, &usage)) > 0) {
		if (pid != payload_pid)
			continue;
		c->board.payload_status = status;
		c->board.payload_usage = usage;
		c->board.payload_ended = 1;
		child_send_board(c);
		raw_exit_group(0);
	}
}

/*
 * For a payload that could not. Descriptors under way count for the user, against the
 * limit of who sends more (unix(7), ETOOMANYREFS); ours may be raised.
 */
IN_CHILD static int hand_up(struct child *c)
{
	uint64_t limit[2];
	int r = message_send_descriptors(c);

	if (r != -ETOOMANYREFS || raw4(SYS_prlimit64, 0, RLIMIT_NOFILE, NULL, limit) < 0)
		return r;
	limit[0] = limit[1];
	raw4(SYS_prlimit64, 0, RLIMIT_NOFILE, limit, NULL);
	return message_send_descriptors(c);
}

/*
 * No message of the supervisor's is read: what would be left unread when we end makes
 * its next recvmsg(2) fail before it sees what we sent (unix(7), ECONNRESET).
 */
IN_CHILD void init_run(struct child *c, long payload_pid)
{
	uint64_t child_signal = 1ull << (SIGCHLD - 1);
	struct pollfd p[2];
	int signals;

	if (identity_disarm_init(c->plan) < 0)
		raw_exit_group(1);
	/* Every signal stays blocked, as the launcher left it. */
	signals = (int)raw4(SYS_signalfd4, -1, &child_signal, 8, 02000000 | 04000);
	if (signals < 0 || (!c->handed_up && hand_up(c) < 0))
		raw_exit_group(1);
	close_all_but(c->sock, signals);
	if (plan_has(c->plan, LAYER_SECCOMP) &&
	    raw3(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &init_program) < 0)
		raw_exit_group(1);
	p[0] = (struct pollfd){ .fd = signals, .events = POLLIN };
	p[1] = (struct pollfd){ .fd = c->sock };
	for (;;) {
		char info[128]; /* struct signalfd_siginfo; only its arrival matters */

		reap(c, payload_pid);
		if (raw5(SYS_ppoll, p, 2, NULL, NULL, 8) < 0)
			continue;
		if (p[0].revents & POLLIN)
			raw3(SYS_read, signals, info, sizeof(info));
		if (p[1].revents & (POLLHUP | POLLERR))
			raw_exit_group(1);
	}
}
