/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "message.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../seccomp/bpf.h"
#include "base/fd.h"
#include "base/raw.h"
#include "layer/layer.h"

/* The sandbox's /proc, the payload, each tmpfs, and the listener if there is one. */
enum { FIRST_TMPFS = 2, DESCRIPTORS = FIRST_TMPFS + PLAN_MAX_TMPFS + 1 };

union control {
	struct cmsghdr header;
	char space[CMSG_SPACE(DESCRIPTORS * sizeof(int))];
};

IN_CHILD bool message_may_send(const struct child *c)
{
	const struct sock_fprog *f = &c->plan->filter;
	/* A policy that looks at the pointer means something else than us. */
	struct seccomp_data data = { .nr = SYS_sendmsg,
				     .arch = BPF_NATIVE_ARCH,
				     .args = { (uint64_t)c->sock, 0, MSG_NOSIGNAL } };

	return bpf_run(f->filter, f->len, &data) == SECCOMP_RET_ALLOW;
}

IN_CHILD int message_send_descriptors(const struct child *c)
{
	union control control = { 0 };
	unsigned int n_tmpfs = c->plan->n_tmpfs;
	unsigned int n = FIRST_TMPFS + n_tmpfs + (c->listener_fd >= 0);
	int *fds = (int *)(void *)CMSG_DATA(&control.header);
	struct iovec data = { (void *)(uintptr_t)&c->board, sizeof(c->board) };
	struct msghdr message = { .msg_iov = &data,
				  .msg_iovlen = 1,
				  .msg_control = &control,
				  .msg_controllen = CMSG_SPACE(n * sizeof(int)) };
	long r;

	control.header.cmsg_level = SOL_SOCKET;
	control.header.cmsg_type = SCM_RIGHTS;
	control.header.cmsg_len = CMSG_LEN(n * sizeof(int));
	fds[0] = c->proc_fd;
	fds[1] = c->payload_fd;
	for (unsigned int i = 0; i < n_tmpfs; i++)
		fds[FIRST_TMPFS + i] = c->tmpfs_fds[i];
	if (c->listener_fd >= 0)
		fds[n - 1] = c->listener_fd;
	r = raw3(SYS_sendmsg, c->sock, &message, MSG_NOSIGNAL);
	return r < 0 ? (int)r : 0;
}

bool message_receive(int sock, unsigned int n_tmpfs, struct message *ret)
{
	union control control;
	struct iovec data = { &ret->board, sizeof(ret->board) };
	int fds[DESCRIPTORS];
	struct cmsghdr *header;
	bool cut = false;
	ssize_t n;

	memset(fds, -1, sizeof(fds));
	/*
	 * ECONNRESET says that the other end was closed with something unread. It is told
	 * once, before what had been sent, which is still there.
	 */
	do {
		struct msghdr message = { .msg_iov = &data,
					  .msg_iovlen = 1,
					  .msg_control = &control,
					  .msg_controllen = sizeof(control) };

		n = recvmsg(sock, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
		header = n > 0 ? CMSG_FIRSTHDR(&message) : NULL;
		cut = n > 0 && (message.msg_flags & MSG_CTRUNC);
	} while (n < 0 && (errno == ECONNRESET || errno == EINTR));
	if (header && header->cmsg_type == SCM_RIGHTS && header->cmsg_len <= CMSG_LEN(sizeof(fds)))
		memcpy(fds, CMSG_DATA(header), header->cmsg_len - CMSG_LEN(0));
	for (int i = 0; i < DESCRIPTORS && (cut || n != sizeof(ret->board)); i++)
		fd_close(&fds[i]);
	if (n != sizeof(ret->board))
		return false;
	ret->cut = cut;
	ret->proc_fd = fds[0];
	ret->payload_fd = fds[1];
	memcpy(ret->tmpfs_fds, fds + FIRST_TMPFS, n_tmpfs * sizeof(fds[0]));
	ret->listener_fd = fds[FIRST_TMPFS + n_tmpfs];
	return true;
}
