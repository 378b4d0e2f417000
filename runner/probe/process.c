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
#include <sys/resource.h>
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

/* -- privileges ------------------------------------------------------------ */

static int p_setuid0(void)
{
	CALL(SYS_setresuid, 0, 0, 0);
}
static int p_setgroups(void)
{
	CALL(SYS_setgroups, 0, NULL);
}
static int p_setgid0(void)
{
	CALL(SYS_setresgid, 0, 0, 0);
}
static int p_securebits(void)
{
	CALL(SYS_prctl, PR_SET_SECUREBITS, 1 /* SECBIT_NOROOT */, 0, 0, 0);
}
/* As many open files as anybody outside may have. */
static int p_raise_files(void)
{
	unsigned long limit[2] = { 4096, 4096 };

	CALL(SYS_prlimit64, 0, RLIMIT_NOFILE, limit, NULL);
}
static int p_sethostname(void)
{
	CALL(SYS_sethostname, "probe", 5);
}
/* Inheritable first, which is empty where one became root by a namespace. */
static int p_ambient(void)
{
	struct __user_cap_header_struct h = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct d[2] = { { 1, 1, 1 }, { 0, 0, 0 } };

	(void)!syscall(SYS_capset, &h, d);
	CALL(SYS_prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_CHOWN, 0, 0);
}

static int p_capset(void)
{
	struct __user_cap_header_struct h = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct d[2] = { { 1, 1, 1 }, { 0, 0, 0 } };

	CALL(SYS_capset, &h, d);
}

/* A bounding set that still holds a capability is what an attack would need. */
static int p_bounding(void)
{
	for (int cap = 0; cap < 64; cap++)
		if (prctl(PR_CAPBSET_READ, cap, 0, 0, 0) == 1)
			return 0;
	return EPERM;
}

static int p_new_privs(void)
{
	return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? EPERM : 0;
}

/* -- inheritance ----------------------------------------------------------- */

static int p_environment(void)
{
	return getenv(probe_arg) ? 0 : ENOENT;
}
static int p_fd(void)
{
	return result(fcntl(atoi(probe_arg), F_GETFD));
}
static int p_tiocsti(void)
{
	char c = 'x';
	CALL(SYS_ioctl, 0, strtoul(probe_arg, NULL, 0), &c);
}
/* Into a terminal of its own, where it can make one; else into its stdin. */
static int p_type(void)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		int master = open("/dev/ptmx", O_RDWR | O_NOCTTY);
		int tty = 0;
		char c = 'x';

		setsid();
		if (master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0)
			tty = open(ptsname(master), O_RDWR);
		_exit(result(syscall(SYS_ioctl, tty, 0x5412 /* TIOCSTI */, &c)));
	}
	waitpid(pid, &status, 0);
	/* dev.tty.legacy_tiocsti is 0: this kernel has none (Linux 6.2). */
	return WEXITSTATUS(status) == EIO ? ENOSYS : WEXITSTATUS(status);
}

static int p_shm(void)
{
	return result(shmget((key_t)atoi(probe_arg), 0, 0));
}

/* Does the session belong to somebody outside? */
static int p_session(void)
{
	return getsid(0) == 0 || tcgetpgrp(0) >= 0 ? 0 : EPERM;
}

static int p_session_keyring(void)
{
	/* A key that the caller left in its session keyring. */
	CALL(SYS_keyctl, 10 /* SEARCH */, -3 /* session */, "user", probe_arg, 0);
}

/* -- resources: print what was got, not 0 or an errno ---------------------- */

static int p_count_forks(void)
{
	int n = 0;

	while (n < 400) {
		pid_t pid = fork();

		if (pid < 0)
			break;
		if (pid == 0)
			for (;;)
				pause();
		n++;
	}
	printf("%d\n", n);
	fflush(stdout);
	_exit(0);
}

static int p_touch_memory(void)
{
	size_t mib = (size_t)atoi(probe_arg);

	for (size_t i = 0; i < mib; i++) {
		char *p = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			       -1, 0);

		if (p == MAP_FAILED)
			return errno;
		for (size_t k = 0; k < 1 << 20; k += 4096)
			p[k] = 1;
	}
	return 0;
}

static int p_fill_tmp(void)
{
	static char block[65536];
	int fd = open("/tmp/fill", O_WRONLY | O_CREAT, 0600);

	for (long left = atol(probe_arg) << 20; left > 0; left -= (long)sizeof(block))
		if (write(fd, block, sizeof(block)) < 0)
			return errno;
	return 0;
}

static int p_fill_inodes(void)
{
	for (int i = 0; i < atoi(probe_arg); i++) {
		char path[40];
		int fd;

		snprintf(path, sizeof(path), "/tmp/f%d", i);
		fd = open(path, O_WRONLY | O_CREAT, 0600);
		if (fd < 0)
			return errno;
		close(fd);
	}
	return 0;
}

/* The CPU limit of a process, as it is where that can be read. */
static int p_limit_init(void)
{
	unsigned long limit[2] = { RLIM_INFINITY, RLIM_INFINITY };
	long pid = atol(probe_arg);

	(void)!syscall(SYS_prlimit64, pid, RLIMIT_CPU, NULL, limit);
	CALL(SYS_prlimit64, pid, RLIMIT_CPU, limit, NULL);
}

const struct probe probes_process[] = {
	P(setuid0),	    P(setgroups),   P(setgid0),	     P(securebits),
	P(raise_files),	    P(sethostname), P(ambient),	     P(capset),
	P(bounding),	    P(new_privs),   P(environment),  P(fd),
	P(tiocsti),	    P(type),	    P(shm),	     P(session),
	P(session_keyring), P(count_forks), P(touch_memory), P(fill_tmp),
	P(fill_inodes),	    P(limit_init),  { NULL, NULL },
};
