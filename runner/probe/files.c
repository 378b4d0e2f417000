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

/* -- programs from where they must not come -------------------------------- */

static int copy_self(int to)
{
	char buffer[65536];
	int from = open("/proc/self/exe", O_RDONLY);
	ssize_t n;

	while ((n = read(from, buffer, sizeof(buffer))) > 0)
		if (write(to, buffer, (size_t)n) != n)
			return errno;
	close(from);
	return n < 0 ? errno : 0;
}

/* The copy prints "0" itself if it runs. */
static char self_name[] = PROBE_SELF;
static char succeed[] = "succeed";
static char *const success[] = { self_name, succeed, NULL };
static char *const empty[] = { NULL };

static int p_succeed(void)
{
	return 0;
}

static int p_exec_tmp(void)
{
	int fd = open("/tmp/copy", O_WRONLY | O_CREAT | O_TRUNC, 0755);
	int r = fd < 0 ? errno : copy_self(fd);

	if (r)
		return r;
	close(fd);
	return result(execve("/tmp/copy", success, empty));
}

static int memfd_exec(unsigned int flags)
{
	int fd = (int)syscall(SYS_memfd_create, "probe", flags);
	int r = fd < 0 ? errno : copy_self(fd);

	return r ? r : result(syscall(SYS_execveat, fd, "", success, empty, AT_EMPTY_PATH));
}

static int p_memfd_exec(void)
{
	int r = memfd_exec(0x10 /* MFD_EXEC */);

	return r == EINVAL ? ENOSYS : r; /* before Linux 6.3 there is no such flag */
}
static int p_memfd_plain(void)
{
	return memfd_exec(0);
}

static int p_mmap_exec(void)
{
	int fd = open("/tmp/map", O_RDWR | O_CREAT, 0755);

	if (fd < 0 || ftruncate(fd, 4096) < 0)
		return errno;
	return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0) == MAP_FAILED ? errno
											 : 0;
}

static int p_setuid_program(void)
{
	execl(probe_arg, "runner-probe", "euid", NULL);
	return errno;
}

/* Succeeds as an attack when it runs as root. */
static int p_euid(void)
{
	return geteuid() == 0 ? 0 : EPERM;
}

/* -- files ----------------------------------------------------------------- */

static int p_open_read(void)
{
	return result(open(probe_arg, O_RDONLY | O_NONBLOCK));
}
/* Does a command line (proc(5)) tell more than what init is? */
static int p_command_line(void)
{
	static const char title[] = "runner init";
	char line[64];
	int fd = open(probe_arg, O_RDONLY);
	ssize_t n = fd < 0 ? -1 : read(fd, line, sizeof(line));

	if (n < 0)
		return errno;
	return n == sizeof(title) && memcmp(line, title, sizeof(title)) == 0 ? ENODATA : 0;
}
static int p_open_write(void)
{
	return result(open(probe_arg, O_WRONLY));
}
static int p_truncate(void)
{
	return result(truncate(probe_arg, 0));
}
static int p_unlink(void)
{
	return result(unlink(probe_arg));
}
static int p_chmod(void)
{
	return result(chmod(probe_arg, 0777));
}
static int p_utimes(void)
{
	return result(utimes(probe_arg, NULL));
}
static int p_setxattr(void)
{
	return result(setxattr(probe_arg, "user.probe", "x", 1, 0));
}
static int p_stat(void)
{
	struct stat st;
	return result(stat(probe_arg, &st));
}

static int p_create(void)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s.new", probe_arg);
	return result(open(path, O_WRONLY | O_CREAT, 0600));
}

static int p_mkdir(void)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s.dir", probe_arg);
	return result(mkdir(path, 0700));
}

static int p_rename(void)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s.old", probe_arg);
	return result(rename(probe_arg, path));
}

static int p_link(void)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s.link", probe_arg);
	return result(link(probe_arg, path));
}

/* In a mount of its own, where it can have one: never in the host's /usr. */
static int p_write_usr(void)
{
	int own = (int)syscall(SYS_mount, "none", "/usr", "tmpfs", 0, NULL);

	(void)own;
	return result(open("/usr/probe", O_WRONLY | O_CREAT, 0600));
}

static int p_mknod(void)
{
	return result(mknod(probe_arg, S_IFCHR | 0600, makedev(1, 3)));
}

const struct probe probes_files[] = {
	P(succeed),	   P(exec_tmp),	 P(memfd_exec),	 P(memfd_plain),  P(mmap_exec),
	P(setuid_program), P(euid),	 P(open_read),	 P(command_line), P(open_write),
	P(truncate),	   P(unlink),	 P(chmod),	 P(utimes),	  P(setxattr),
	P(stat),	   P(create),	 P(mkdir),	 P(rename),	  P(link),
	P(mknod),	   P(write_usr), { NULL, NULL },
};
