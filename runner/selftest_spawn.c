/* SPDX-License-Identifier: Apache-2.0 */
/* How the parts of selftest run a probe: inside, in a lab, or bare. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
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

/* Run a command with its words on a pipe; what it says else is nobody's concern. */
static void spawn(const char *const *argv, char *ret, size_t size)
{
	posix_spawn_file_actions_t actions;
	int p[2];
	pid_t pid;
	int r;

	ret[0] = '\0';
	if (pipe2(p, O_CLOEXEC) < 0)
		return;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, p[1], 1);
	posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
	r = posix_spawn(&pid, self, &actions, NULL, (char *const *)(uintptr_t)argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	close(p[1]);
	if (r != 0)
		close(p[0]);
	else
		finish(pid, p[0], ret, size);
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
	char uid_map[32];
	char gid_map[32];
	int p[2];
	pid_t pid;

	snprintf(uid_map, sizeof(uid_map), "0 %u 1\n", geteuid());
	snprintf(gid_map, sizeof(gid_map), "0 %u 1\n", getegid());
	ret[0] = '\0';
	if (pipe2(p, O_CLOEXEC) < 0)
		return;
	pid = fork();
	if (pid == 0) {
		int null = open("/dev/null", O_RDWR);

		dup2(null, 0);
		dup2(p[1], 1);
		dup2(null, 2);
		int flags = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET;

		/* A chroot has no user namespaces; root can make it a root directory. */
		if ((unshare(flags) == 0 || (errno == EPERM && unshare(CLONE_NEWNS) == 0 &&
					     chroot_become_root() == 0 && unshare(flags) == 0)) &&
		    fd_write_text(AT_FDCWD, "/proc/self/setgroups", "deny") == 0 &&
		    fd_write_text(AT_FDCWD, "/proc/self/gid_map", gid_map) == 0 &&
		    fd_write_text(AT_FDCWD, "/proc/self/uid_map", uid_map) == 0)
			execl(self, "runner", "__probe", probe, arg, (char *)NULL);
		_exit(1);
	}
	close(p[1]);
	if (pid < 0) {
		close(p[0]);
		return;
	}
	finish(pid, p[0], ret, size);
}
