/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "probe/probe.h"

/* -- sockets --------------------------------------------------------------- */

static int try_socket(int family, int type, int protocol)
{
	CALL(SYS_socket, family, type, protocol);
}
/* The argument is "FAMILY,TYPE,PROTOCOL", in numbers. */
static int p_socket(void)
{
	int family = 0, type = 0, protocol = 0;

	sscanf(probe_arg, "%d,%d,%d", &family, &type, &protocol);
	return try_socket(family, type, protocol);
}

static int p_tcp(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_port = htons((uint16_t)atoi(probe_arg)) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return fd < 0 ? errno : result(connect(fd, (struct sockaddr *)&a, sizeof(a)));
}

static int p_udp(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(9) };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	inet_pton(AF_INET, probe_arg, &a.sin_addr);
	return fd < 0 ? errno : result(sendto(fd, "x", 1, 0, (struct sockaddr *)&a, sizeof(a)));
}

static int p_unix(void)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	size_t n = strlen(probe_arg);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	memcpy(a.sun_path, probe_arg, n);
	if (probe_arg[0] == '@')
		a.sun_path[0] = '\0';
	return fd < 0 ? errno
		      : result(connect(fd, (struct sockaddr *)&a,
				       (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n)));
}

const struct probe probes_network[] = {
	P(socket), P(tcp), P(udp), P(unix), { NULL, NULL },
};
