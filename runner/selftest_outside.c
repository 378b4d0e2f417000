/* SPDX-License-Identifier: Apache-2.0 */
/* What is the caller's: a server, a socket, a key, a file. All of it ends with us. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "selftest.h"

enum { FD = 100 }; /* far from what is open anyway */

static char tcp[16], abstract[48], pid[16];

static void listen_tcp(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	socklen_t size = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd >= 0 && bind(fd, (struct sockaddr *)&a, size) == 0 && listen(fd, 128) == 0 &&
	    getsockname(fd, (struct sockaddr *)&a, &size) == 0)
		snprintf(tcp, sizeof(tcp), "%u", ntohs(a.sin_port));
}

static void listen_abstract(void)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int n = snprintf(abstract, sizeof(abstract), "@runner-selftest-%d", getpid());

	memcpy(a.sun_path, abstract, (size_t)n);
	a.sun_path[0] = '\0';
	if (fd >= 0 && bind(fd, (struct sockaddr *)&a,
			    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + (size_t)n)) == 0)
		listen(fd, 128);
}

static void leave_key(void)
{
	/* A session keyring without a name goes with its last process. */
	if (syscall(SYS_keyctl, 1 /* JOIN_SESSION_KEYRING */, NULL) > 0)
		syscall(SYS_add_key, "user", "runner-selftest", "x", 1, -3 /* session */);
}

/*
 * A process of the caller's with a number that nobody has inside: there, too, the
 * numbers begin at 1, and in a container we ourselves may be 1.
 */
static void leave_process(void)
{
	enum { INSIDE = 64 };
	pid_t parent = getpid();
	pid_t child;

	do {
		child = fork();
		if (child == 0 && getpid() > INSIDE) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			while (getppid() == parent)
				pause();
		}
		if (child == 0)
			_exit(0);
		if (child > 0 && child <= INSIDE)
			waitpid(child, NULL, 0);
	} while (child > 0 && child <= INSIDE);
	snprintf(pid, sizeof(pid), "%d", child);
}

void selftest_prepare_outside(void)
{
	int fd = open("/dev/null", O_RDONLY);

	listen_tcp();
	listen_abstract();
	leave_key();
	dup2(fd, FD); /* inherited on purpose */
	close(fd);
	leave_process();
	setenv("RUNNER_SELFTEST", "1", 1);
}

const char *selftest_outside(const char *name)
{
	static const struct {
		const char *name, *value;
	} list[] = { { "tcp", tcp },
		     { "abstract", abstract },
		     { "pid", pid },
		     { "fd", "100" },
		     { "key", "runner-selftest" } };

	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++)
		if (strcmp(list[i].name, name) == 0)
			return list[i].value;
	return "";
}
