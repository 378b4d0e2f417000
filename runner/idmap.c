/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "idmap.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/raw.h"
#include "layer/chroot.h"

static int write_map(int proc_fd, const char *name, uint32_t inside, uint32_t outside)
{
	char line[48];
	cleanup_fd int fd = openat(proc_fd, name, O_WRONLY | O_CLOEXEC);

	snprintf(line, sizeof(line), "%u %u 1\n", inside, outside);
	return fd < 0 ? -errno : fd_write_all(fd, line, strlen(line));
}

/* The child only has to exist while its namespace is opened. */
static int open_of(long pid, uint32_t fs_uid, uint32_t fs_gid, uint32_t host_uid, uint32_t host_gid)
{
	char path[32];
	cleanup_fd int proc_fd = -1;
	int r;
	int fd;

	/* Our unreaped child: its number cannot be another process's. */
	snprintf(path, sizeof(path), "/proc/%ld", pid);
	proc_fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (proc_fd < 0)
		return -errno;
	r = write_map(proc_fd, "uid_map", fs_uid, host_uid);
	if (r == 0)
		r = write_map(proc_fd, "gid_map", fs_gid, host_gid);
	if (r < 0)
		return r;
	fd = openat(proc_fd, "ns/user", O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/*
 * In a chroot no user namespace is made (user_namespaces(7)): leave it for that
 * moment. A failure to come back ends the run, for our paths would mean others.
 */
static long clone_outside(struct raw_clone_args *args)
{
	cleanup_fd int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	cleanup_fd int cwd = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	long pid;

	if (root < 0 || cwd < 0 || chroot_leave() < 0)
		return -EPERM;
	pid = raw2(SYS_clone3, args, sizeof(*args));
	if (pid == 0)
		return 0;
	if (fchdir(root) < 0 || chroot(".") < 0 || fchdir(cwd) < 0)
		_exit(ERR_EXIT_RUNNER);
	return pid;
}

int idmap_open(uint32_t fs_uid, uint32_t fs_gid, uint32_t host_uid, uint32_t host_gid,
	       struct err *e)
{
	struct raw_clone_args args = { .flags = CLONE_NEWUSER, .exit_signal = SIGCHLD };
	long parent = raw0(SYS_getpid);
	long pid = raw2(SYS_clone3, &args, sizeof(args));
	int fd;

	if (pid == -EPERM)
		pid = clone_outside(&args);
	/* Who kills us must not find a process that waits for ever. */
	if (pid == 0)
		while (raw_die_with(parent))
			raw4(SYS_ppoll, NULL, 0, NULL, NULL);
	if (pid == 0)
		raw_exit_group(0);
	if (pid < 0)
		return err_set(e, (int)-pid, "cannot make a user namespace for its id map: %s",
			       strerror((int)-pid));
	fd = open_of(pid, fs_uid, fs_gid, host_uid, host_gid);
	kill((pid_t)pid, SIGKILL);
	waitpid((pid_t)pid, NULL, 0);
	if (fd < 0)
		return err_set(e, -fd, "cannot write its id map: %s", strerror(-fd));
	return fd;
}
