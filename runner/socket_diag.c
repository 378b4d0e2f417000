/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "socket_diag.h"

#include <fcntl.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/raw.h"

const struct socket_kind socket_kinds[SOCKET_KINDS] = {
	{ "UNIX", AF_UNIX, 0 },
	{ "TCP", AF_INET, IPPROTO_TCP },
	{ "TCPv6", AF_INET6, IPPROTO_TCP },
	{ "UDP", AF_INET, IPPROTO_UDP },
	{ "UDPv6", AF_INET6, IPPROTO_UDP },
	{ "UDP-Lite", AF_INET, IPPROTO_UDPLITE },
	{ "UDPLITEv6", AF_INET6, IPPROTO_UDPLITE },
	{ "RAW", AF_INET, IPPROTO_RAW },
	{ "RAWv6", AF_INET6, IPPROTO_RAW },
};

int socket_diag_open(void)
{
	return socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
}

bool socket_diag_ask(int fd, const struct socket_kind *k)
{
	struct {
		struct nlmsghdr head;
		union {
			struct inet_diag_req_v2 inet;
			struct unix_diag_req local;
		};
	} m = { .head = { .nlmsg_type = SOCK_DIAG_BY_FAMILY,
			  .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP } };

	if (k->family == AF_UNIX) {
		m.head.nlmsg_len = NLMSG_LENGTH(sizeof(m.local));
		m.local =
			(struct unix_diag_req){ .sdiag_family = AF_UNIX,
						.udiag_states = ~0u,
						.udiag_show = UDIAG_SHOW_PEER | UDIAG_SHOW_RQLEN |
							      UDIAG_SHOW_MEMINFO | UDIAG_SHOW_UID };
	} else {
		m.head.nlmsg_len = NLMSG_LENGTH(sizeof(m.inet));
		m.inet = (struct inet_diag_req_v2){ .sdiag_family = k->family,
						    .sdiag_protocol = k->protocol,
						    .idiag_ext = 1 << (INET_DIAG_SKMEMINFO - 1),
						    .idiag_states = ~(1u << TCP_TIME_WAIT) };
	}
	return send(fd, &m, m.head.nlmsg_len, MSG_DONTWAIT) == (ssize_t)m.head.nlmsg_len;
}

static bool enter(int net, int user)
{
	if (setns(net, CLONE_NEWNET) == 0)
		return true;
	/* Rootless we may by the rights we have over the run's user namespace. */
	return user >= 0 && setns(user, CLONE_NEWUSER) == 0 && setns(net, CLONE_NEWNET) == 0;
}

/* Of any thread that is there; init's own is not for the caller's user to see. */
static void try_thread(int task_fd, const char *name, void *arg)
{
	bool *entered = arg;
	char path[40];
	cleanup_fd int net = -1;
	cleanup_fd int user = -1;

	if (*entered)
		return;
	snprintf(path, sizeof(path), "%.12s/ns/net", name);
	net = openat(task_fd, path, O_RDONLY | O_CLOEXEC);
	snprintf(path, sizeof(path), "%.12s/ns/user", name);
	user = openat(task_fd, path, O_RDONLY | O_CLOEXEC);
	*entered = net >= 0 && enter(net, user);
}

static void try_process(int proc_fd, const char *name, void *arg)
{
	bool *entered = arg;
	char path[40];
	cleanup_fd int fd = -1;

	if (*entered || name[0] < '1' || name[0] > '9')
		return;
	snprintf(path, sizeof(path), "%.12s/task", name);
	fd = openat(proc_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0)
		fd_each_entry(fd, try_thread, entered);
}

/*
 * In the helper. What the kernel has as a module it loads when it is first asked for, and
 * that may take long: so ask once here.
 */
int socket_diag_open_inside(void *share, void *arg)
{
	const struct socket_place *p = arg;
	long parent = raw0(SYS_getppid);
	bool entered = false;
	char answer[4096];
	/* Its own position in the directory. */
	int proc_fd = openat(p->proc_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int fd;

	(void)share;
	fd_each_entry(proc_fd, try_process, &entered);
	close(proc_fd);
	/* Another identity takes the death signal back. */
	fd = entered && raw_die_with(parent) ? socket_diag_open() : -1;
	for (unsigned int i = 0; fd >= 0 && i < SOCKET_KINDS; i++) {
		int first = socket_diag_open();

		if (first >= 0 && socket_diag_ask(first, &socket_kinds[i]))
			recv(first, answer, sizeof(answer), MSG_DONTWAIT);
		close(first);
	}
	return fd < 0 || dup3(fd, p->fd, O_CLOEXEC) < 0;
}
