/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "closed_sockets.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/fd.h"
#include "base/raw.h"

#ifndef SYS_pidfd_getfd
#define SYS_pidfd_getfd 438
#endif

enum { MOST = 1 << 15 }; /* of each; .bss, touched as far as it is used */

static pid_t pids[MOST];
static uint64_t inodes[MOST];

struct walk {
	struct closed_sockets *ret;
	unsigned int n_pids, n_inodes;
	int pid_fd;
};

/* -- which processes ------------------------------------------------------------- */

/* Numbers between spaces. */
static void take_children(int task_fd, const char *name, void *arg)
{
	struct walk *w = arg;
	char path[40], text[4096];
	pid_t number = 0;
	ssize_t n;
	cleanup_fd int fd = -1;

	snprintf(path, sizeof(path), "%.12s/children", name);
	fd = openat(task_fd, path, O_RDONLY | O_CLOEXEC);
	while (fd >= 0 && (n = read(fd, text, sizeof(text))) > 0)
		for (ssize_t i = 0; i < n; i++) {
			if (text[i] >= '0' && text[i] <= '9')
				number = number * 10 + (text[i] - '0');
			else if (number && w->n_pids < MOST)
				pids[w->n_pids++] = number;
			if (text[i] < '0' || text[i] > '9')
				number = 0;
		}
}

static int open_of(pid_t pid, const char *name)
{
	char path[40];

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* -- one socket -------------------------------------------------------------------- */

static int option(int fd, int level, int name)
{
	int value = -1;
	socklen_t size = sizeof(value);

	return getsockopt(fd, level, name, &value, &size) == 0 ? value : -1;
}

/* Has the kernel no table that it is in? Of TCP by its state, of the rest by its port. */
static bool is_unlisted(int fd)
{
	struct sockaddr_in6 a = { .sin6_port = 1 };
	struct tcp_info info = { .tcpi_state = 0 };
	socklen_t size = sizeof(info);
	int domain = option(fd, SOL_SOCKET, SO_DOMAIN);

	if (domain != AF_INET && domain != AF_INET6)
		return false;
	if (option(fd, SOL_SOCKET, SO_TYPE) == SOCK_STREAM)
		return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) == 0 &&
		       info.tcpi_state == TCP_CLOSE;
	size = sizeof(a);
	/* At the same place for both families. */
	return getsockname(fd, (struct sockaddr *)&a, &size) == 0 && a.sin6_port == 0;
}

static void ask(struct walk *w, int number)
{
	uint32_t info[SK_MEMINFO_VARS] = { 0 };
	socklen_t size = sizeof(info);
	cleanup_fd int fd = (int)raw3(SYS_pidfd_getfd, w->pid_fd, number, 0);

	/* Closed meanwhile, or its process has ended. */
	if (fd == -EBADF || fd == -ESRCH)
		return;
	w->ret->refused += fd < 0;
	if (fd < 0 || !is_unlisted(fd) || getsockopt(fd, SOL_SOCKET, SO_MEMINFO, info, &size) < 0)
		return;
	w->ret->bytes += (uint64_t)info[SK_MEMINFO_RMEM_ALLOC] + info[SK_MEMINFO_WMEM_QUEUED] +
			 info[SK_MEMINFO_OPTMEM] + info[SK_MEMINFO_BACKLOG];
}

/* Processes share sockets: each is asked once. */
static bool is_new(struct walk *w, uint64_t inode)
{
	static uint32_t table[MOST * 2]; /* where in `inodes`, and one more */
	unsigned int at = (unsigned int)(inode * 0x9e3779b97f4a7c15u >> 48);

	for (; table[at]; at = (at + 1) % (MOST * 2))
		if (inodes[table[at] - 1] == inode)
			return false;
	if (w->n_inodes == MOST) {
		w->ret->refused++;
		return false;
	}
	inodes[w->n_inodes++] = inode;
	table[at] = w->n_inodes;
	return true;
}

static void take_descriptor(int fd_dir, const char *name, void *arg)
{
	struct walk *w = arg;
	char to[64];
	ssize_t n = readlinkat(fd_dir, name, to, sizeof(to) - 1);

	if (n <= 0)
		return;
	to[n] = '\0';
	if (strncmp(to, "socket:[", 8) == 0 && is_new(w, strtoull(to + 8, NULL, 10)))
		ask(w, atoi(name));
}

/* -- all of them -------------------------------------------------------------------- */

void closed_sockets_take(pid_t init, struct closed_sockets *ret)
{
	struct walk w = { .ret = ret, .n_pids = 1 };

	*ret = (struct closed_sockets){ 0 };
	pids[0] = init;
	/* Not every kernel says who is below init: CONFIG_PROC_CHILDREN. */
	if (access("/proc/thread-self/children", F_OK) < 0)
		ret->refused = MOST;
	for (unsigned int i = 0; i < w.n_pids; i++) {
		cleanup_fd int task_fd = open_of(pids[i], "task");
		cleanup_fd int fd_dir = i == 0 ? -1 : open_of(pids[i], "fd");
		cleanup_fd int pid_fd = fd_dir < 0 ? -1 : (int)raw2(SYS_pidfd_open, pids[i], 0);

		if (task_fd >= 0)
			fd_each_entry(task_fd, take_children, &w);
		w.pid_fd = pid_fd;
		if (pid_fd >= 0)
			fd_each_entry(fd_dir, take_descriptor, &w);
	}
}
