/* SPDX-License-Identifier: Apache-2.0 */
/* How the parts of selftest run a probe: inside, in a lab, or bare. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/raw.h"
#include "layer/chroot.h"
#include "selftest.h"

extern char **environ;

static char self[4096];

int selftest_find_self(struct err *e)
{
	ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (length < 0)
		return err_set(e, errno, "/proc/self/exe: %s", strerror(errno));
	self[length] = '\0';
	return 0;
}

/* All it says, and its end. */
static void finish(pid_t pid, int fd, char *ret, size_t size)
{
	size_t n = 0;
	ssize_t r;

	while (n < size - 1 && (r = read(fd, ret + n, size - 1 - n)) > 0)
		n += (size_t)r;
	ret[n] = '\0';
	close(fd);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

/*
 * A child with its words on a pipe, that dies with us; what it says else is nobody's
 * concern. Returns 0 in the child, else as fork(2).
 */
static pid_t start(int *ret_fd)
{
	pid_t parent = getpid();
	pid_t pid;
	int p[2];

	if (pipe2(p, O_CLOEXEC) < 0)
		return -1;
	pid = fork();
	if (pid == 0) {
		int null = open("/dev/null", O_RDWR | O_CLOEXEC);

		dup2(null, 0);
		dup2(p[1], 1);
		dup2(null, 2);
		if (!raw_die_with(parent))
			_exit(1);
		return 0;
	}
	close(p[1]);
	if (pid < 0)
		close(p[0]);
	*ret_fd = p[0];
	return pid;
}

static void spawn(const char *const *argv, char *ret, size_t size)
{
	int fd = -1;
	pid_t pid = start(&fd);

	ret[0] = '\0';
	if (pid == 0) {
		execve(self, (char *const *)(uintptr_t)argv, environ);
		_exit(1);
	}
	if (pid > 0)
		finish(pid, fd, ret, size);
}

enum { MAX_WORDS = 2 * LAYER_COUNT + 16 };

/* runner exec [--report -] --without ... SELF __probe NAME ARGUMENT */
static void make_words(const char **argv, const char *probe, const char *arg, layer_set without,
		       bool report)
{
	int n = 0;

	argv[n++] = "runner";
	argv[n++] = "exec";
	argv[n++] = "--timeout";
	argv[n++] = "10s";
	if (report) {
		argv[n++] = "--report";
		argv[n++] = "-";
	}
	for (int i = 0; i < LAYER_COUNT; i++)
		if (without & LAYER_BIT(i)) {
			argv[n++] = "--without";
			argv[n++] = layer_table[i]->name;
		}
	argv[n++] = self;
	argv[n++] = "__probe";
	argv[n++] = probe;
	argv[n++] = arg;
	argv[n] = NULL;
}

void selftest_inside(const char *probe, const char *arg, layer_set without, bool report, char *ret,
		     size_t size)
{
	const char *argv[MAX_WORDS];

	make_words(argv, probe, arg, without, report);
	spawn(argv, ret, size);
}

void selftest_bare(const char *probe, const char *arg, char *ret, size_t size)
{
	const char *const argv[] = { "runner", "__probe", probe, arg, NULL };

	spawn(argv, ret, size);
}

/* As root of fresh namespaces, where nothing can be broken but these. */
void selftest_in_lab(const char *probe, const char *arg, char *ret, size_t size)
{
	pid_t parent = getpid();
	char uid_map[32];
	char gid_map[32];
	int fd = -1;
	pid_t pid;

	snprintf(uid_map, sizeof(uid_map), "0 %u 1\n", geteuid());
	snprintf(gid_map, sizeof(gid_map), "0 %u 1\n", getegid());
	ret[0] = '\0';
	pid = start(&fd);
	if (pid == 0) {
		/* The new namespace's capabilities take the wish to die with us back. */
		if (unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC |
			    CLONE_NEWNET) == 0 &&
		    raw_die_with(parent) &&
		    fd_write_text(AT_FDCWD, "/proc/self/setgroups", "deny") == 0 &&
		    fd_write_text(AT_FDCWD, "/proc/self/gid_map", gid_map) == 0 &&
		    fd_write_text(AT_FDCWD, "/proc/self/uid_map", uid_map) == 0)
			execl(self, "runner", "__probe", probe, arg, (char *)NULL);
		_exit(1);
	}
	if (pid > 0)
		finish(pid, fd, ret, size);
}
