/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "helper.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "base/fd.h"
#include "base/raw.h"

#define MOST_NS 4000000000ull /* what it gets besides, where it only wants a CPU */

long helper_clone(const char *name, uint64_t flags, int *ret_pid_fd)
{
	struct raw_clone_args args = { .flags = flags | 0x1000 /* CLONE_PIDFD */,
				       .pidfd = (uint64_t)(uintptr_t)ret_pid_fd,
				       .exit_signal = SIGCHLD };
	char own[16] = "";
	long pid;

	raw5(SYS_prctl, PR_GET_NAME, own, 0, 0, 0);
	raw5(SYS_prctl, PR_SET_NAME, name, 0, 0, 0);
	pid = raw2(SYS_clone3, &args, sizeof(args));
	if (pid != 0)
		raw5(SYS_prctl, PR_SET_NAME, own, 0, 0, 0);
	if (pid < 0)
		*ret_pid_fd = -1;
	return pid;
}

int helper_start(struct helper *h, const char *name, uint64_t flags, size_t size,
		 int (*work)(void *share, void *arg), void *arg, uint64_t deadline)
{
	long parent = raw0(SYS_getpid);
	long pid;

	helper_end(h);
	h->share = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (h->share == MAP_FAILED) {
		h->share = NULL;
		return -errno;
	}
	h->size = size;
	h->deadline = deadline;
	pid = helper_clone(name, flags, &h->pid_fd);
	if (pid == 0)
		raw_exit_group(raw_die_with(parent) && work(h->share, arg) == 0 ? 0 : 1);
	h->pid = (pid_t)pid;
	if (pid > 0)
		return 0;
	helper_end(h);
	return (int)pid;
}

bool helper_is_running(pid_t pid)
{
	char path[32];
	char text[512];
	const char *p;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	if (fd_read_text(AT_FDCWD, path, text, sizeof(text)) <= 0)
		return false;
	p = strrchr(text, ')');
	return p && p[1] == ' ' && p[2] == 'R';
}

enum helper_state helper_check(struct helper *h, uint64_t now)
{
	siginfo_t info = { .si_pid = 0 };
	long r;

	if (h->pid_fd < 0)
		return HELPER_FAILED;
	r = raw5(SYS_waitid, P_PIDFD, h->pid_fd, &info, WEXITED | WNOHANG, NULL);
	if (r == 0 && info.si_pid == 0) {
		if (now < h->deadline || (now < h->deadline + MOST_NS && helper_is_running(h->pid)))
			return HELPER_WORKS;
		raw4(SYS_pidfd_send_signal, h->pid_fd, SIGKILL, NULL, 0);
	}
	fd_close(&h->pid_fd);
	return r == 0 && info.si_code == CLD_EXITED && info.si_status == 0 ? HELPER_DONE
									   : HELPER_FAILED;
}

void helper_end(struct helper *h)
{
	siginfo_t info;

	if (h->pid_fd >= 0) {
		raw4(SYS_pidfd_send_signal, h->pid_fd, SIGKILL, NULL, 0);
		/* One that hangs in the kernel is left to it. */
		raw5(SYS_waitid, P_PIDFD, h->pid_fd, &info, WEXITED | WNOHANG, NULL);
		fd_close(&h->pid_fd);
	}
	if (h->share)
		munmap(h->share, h->size);
	h->share = NULL;
}
