/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "base/stranger_helper.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/raw.h"

static void wait_for(int fd, short events)
{
	struct pollfd p = { .fd = fd, .events = events };

	raw5(SYS_ppoll, &p, 1, NULL, NULL, 8);
}

/*
 * Descriptor 0 to descriptor 1, waiting as long as it takes. Whoever shares them may
 * have made them non-blocking: then poll.
 */
static void __attribute__((noreturn)) pass_on(struct stranger_share *share)
{
	static char piece[STRANGER_PIECE];

	for (;;) {
		long n = raw3(SYS_read, 0, piece, STRANGER_PIECE);
		long at = 0;

		if (n == -EAGAIN)
			wait_for(0, POLLIN);
		if (n == -EAGAIN || n == -EINTR)
			continue;
		if (n <= 0) {
			share->error = (int)-n;
			raw_exit_group(0);
		}
		while (at < n) {
			long r = raw3(SYS_write, 1, piece + at, n - at);

			if (r == -EAGAIN)
				wait_for(1, POLLOUT);
			if (r == -EAGAIN || r == -EINTR)
				continue;
			if (r < 0) {
				share->error = (int)-r;
				raw_exit_group(0);
			}
			at += r;
			__atomic_add_fetch(&share->done, (size_t)r, __ATOMIC_RELEASE);
		}
	}
}

static void __attribute__((noreturn))
help(pid_t parent, int from, int to, struct stranger_share *share)
{
	long a;
	long b;

	raw5(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	if (raw0(SYS_getppid) != parent)
		raw_exit_group(1);
	/* Out of the way of each other first. */
	a = raw3(SYS_fcntl, from, F_DUPFD, 3);
	b = raw3(SYS_fcntl, to, F_DUPFD, 3);
	raw3(SYS_dup3, a, 0, 0);
	raw3(SYS_dup3, b, 1, 0);
	raw3(SYS_close_range, 2, ~0u, 0);
	pass_on(share);
}

int stranger_helper_make(struct stranger *s, bool writing)
{
	struct raw_clone_args args = { .flags = 0x1000 /* CLONE_PIDFD */,
				       .pidfd = (uint64_t)(uintptr_t)&s->pid_fd,
				       .exit_signal = SIGCHLD };
	pid_t parent = getpid();
	int p[2];
	long pid;

	s->share = mmap(NULL, sizeof(*s->share), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			-1, 0);
	if (s->share == MAP_FAILED) {
		s->share = NULL;
		return -errno;
	}
	if (pipe2(p, O_CLOEXEC) < 0)
		return -errno;
	pid = raw2(SYS_clone3, &args, sizeof(args));
	if (pid == 0)
		help(parent, writing ? p[0] : s->fd, writing ? s->fd : p[1], s->share);
	close(p[writing ? 0 : 1]);
	s->own[writing ? 1 : 0] = p[writing ? 1 : 0];
	fcntl(p[writing ? 1 : 0], F_SETFL, O_NONBLOCK);
	if (pid < 0)
		return (int)pid;
	s->kind = STRANGER_HELPER;
	return 0;
}

void stranger_helper_end(struct stranger *s)
{
	siginfo_t info;

	if (s->pid_fd >= 0) {
		raw4(SYS_pidfd_send_signal, s->pid_fd, SIGKILL, NULL, 0);
		/* One that hangs in a file system is left to the kernel. */
		raw5(SYS_waitid, P_PIDFD, s->pid_fd, &info, WEXITED | WNOHANG, NULL);
		fd_close(&s->pid_fd);
	}
	if (s->share)
		munmap(s->share, sizeof(*s->share));
	s->share = NULL;
}
