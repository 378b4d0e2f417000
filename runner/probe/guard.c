/* SPDX-License-Identifier: Apache-2.0 */
/* What the guard refuses whatever the policy says. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "probe/probe.h"

#ifndef SYS_fchmodat2
#define SYS_fchmodat2 452
#endif

/* -- files that are more than their bytes ------------------------------------ */

enum { SETUID = 04755, SETGID = 02755, BOTH = 06755 };

static int fresh(const char *path, unsigned int mode)
{
	int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CREAT | O_TRUNC, mode);

	return fd;
}

/* A file of ours, and the mode it is given afterwards. */
static int change(const char *path, int call, unsigned int mode)
{
	int fd = fresh(path, 0644);

	if (fd < 0)
		return errno;
	switch (call) {
#ifdef SYS_chmod
	case SYS_chmod: CALL(SYS_chmod, path, mode);
#endif
	case SYS_fchmod: CALL(SYS_fchmod, fd, mode);
	case SYS_fchmodat: CALL(SYS_fchmodat, AT_FDCWD, path, mode);
	default: CALL(SYS_fchmodat2, AT_FDCWD, path, mode, 0);
	}
}

static int make(const char *path, unsigned int flags, unsigned int mode)
{
	CALL(SYS_openat, AT_FDCWD, path, flags, mode);
}

static int by_openat2(const char *path, unsigned int mode)
{
	struct {
		uint64_t flags, mode, resolve;
	} how = { O_CREAT | O_WRONLY, mode, 0 };

	CALL(SYS_openat2, AT_FDCWD, path, &how, sizeof(how));
}

static int node(const char *path, unsigned int mode)
{
	CALL(SYS_mknodat, AT_FDCWD, path, mode, 0);
}

static int whiteout(const char *path)
{
	char to[4096];

	if (fresh(path, 0644) < 0)
		return errno;
	snprintf(to, sizeof(to), "%s.away", path);
	CALL(SYS_renameat2, AT_FDCWD, path, AT_FDCWD, to, 4 /* RENAME_WHITEOUT */);
}

#define WAY(name, expression) \
	static int w_##name(const char *path) \
	{ \
		return expression; \
	}
#define RESULT(...) result(syscall(__VA_ARGS__))

#ifdef SYS_chmod
WAY(chmod_uid, change(path, SYS_chmod, SETUID))
WAY(chmod_gid, change(path, SYS_chmod, SETGID))
WAY(open_uid, RESULT(SYS_open, path, O_CREAT | O_WRONLY, SETUID))
WAY(open_gid, RESULT(SYS_open, path, O_CREAT | O_EXCL | O_RDONLY, SETGID))
WAY(creat_uid, RESULT(SYS_creat, path, SETUID))
WAY(creat_both, RESULT(SYS_creat, path, BOTH))
WAY(mkdir_gid, RESULT(SYS_mkdir, path, SETGID))
WAY(mknod_uid, RESULT(SYS_mknod, path, S_IFREG | SETUID, 0))
WAY(mknod_fifo_uid, RESULT(SYS_mknod, path, S_IFIFO | SETUID, 0))
WAY(mknod_whiteout, RESULT(SYS_mknod, path, S_IFCHR | 0644, 0))
#endif
WAY(fchmod_uid, change(path, SYS_fchmod, SETUID))
WAY(fchmod_gid, change(path, SYS_fchmod, 02000))
WAY(fchmodat_uid, change(path, SYS_fchmodat, 04000))
WAY(fchmodat_both, change(path, SYS_fchmodat, BOTH))
WAY(fchmodat2_uid, change(path, SYS_fchmodat2, SETUID))
WAY(fchmodat2_gid, change(path, SYS_fchmodat2, SETGID))
WAY(openat_uid, make(path, O_CREAT | O_WRONLY, SETUID))
WAY(openat_gid, make(path, O_CREAT | O_RDWR | O_TRUNC, SETGID))
WAY(openat2_uid, by_openat2(path, SETUID))
WAY(mkdirat_gid, RESULT(SYS_mkdirat, AT_FDCWD, path, SETGID))
WAY(mknodat_uid, node(path, S_IFREG | SETUID))
WAY(mknodat_untyped_gid, node(path, SETGID))
WAY(mknodat_socket_uid, node(path, S_IFSOCK | SETUID))
WAY(mknodat_whiteout, node(path, S_IFCHR))
WAY(rename_whiteout, whiteout(path))

/* An open file without a name, which is then given one. */
static int w_tmpfile_uid(const char *path)
{
	char name[64];
	char dir[4096];
	int fd;

	snprintf(dir, sizeof(dir), "%s", path);
	*strrchr(dir, '/') = '\0';
	fd = (int)syscall(SYS_openat, AT_FDCWD, dir, O_TMPFILE | O_WRONLY, SETUID);
	if (fd < 0)
		return errno;
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	return result(linkat(AT_FDCWD, name, AT_FDCWD, path, AT_SYMLINK_FOLLOW));
}

/* What looks like it and is not: it must pass. */
WAY(harmless_open, (fresh(path, 0644), RESULT(SYS_openat, AT_FDCWD, path, O_RDONLY, 07777)))
WAY(harmless_create, RESULT(SYS_openat, AT_FDCWD, path, O_CREAT | O_WRONLY, 01777))
WAY(harmless_chmod, change(path, SYS_fchmodat, 01777))
WAY(harmless_mkdir, RESULT(SYS_mkdirat, AT_FDCWD, path, 01777))
WAY(harmless_fifo, node(path, S_IFIFO | 0666))
WAY(harmless_socket, node(path, S_IFSOCK | 0777))
WAY(harmless_node, node(path, S_IFREG | 01644))

#define W(name) \
	{ \
#name, w_##name \
	}
static const struct way {
	const char *name;
	int (*run)(const char *path);
} ways[] = {
#ifdef SYS_chmod
	W(chmod_uid),	       W(chmod_gid),	    W(open_uid),	W(open_gid),
	W(creat_uid),	       W(creat_both),	    W(mkdir_gid),	W(mknod_uid),
	W(mknod_fifo_uid),     W(mknod_whiteout),
#endif
	W(fchmod_uid),	       W(fchmod_gid),	    W(fchmodat_uid),	W(fchmodat_both),
	W(fchmodat2_uid),      W(fchmodat2_gid),    W(openat_uid),	W(openat_gid),
	W(openat2_uid),	       W(mkdirat_gid),	    W(mknodat_uid),	W(mknodat_untyped_gid),
	W(mknodat_socket_uid), W(mknodat_whiteout), W(rename_whiteout), W(tmpfile_uid),
	W(harmless_open),      W(harmless_create),  W(harmless_chmod),	W(harmless_mkdir),
	W(harmless_fifo),      W(harmless_socket),  W(harmless_node),
};

/* In the directory of the argument: each way with a name of its own. "NAME:ERRNO ". */
static int p_special_files(void)
{
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		char path[4096];

		snprintf(path, sizeof(path), "%s/%s", probe_arg, ways[i].name);
		printf("%s:%d ", ways[i].name, ways[i].run(path));
	}
	return 0;
}

/* One of them, in /tmp: "0" only where the file is there with what was asked for. */
static int p_special_file(void)
{
	char path[256];
	struct stat st;
	int r = ENOENT;

	snprintf(path, sizeof(path), "/tmp/%s", probe_arg);
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
		if (strcmp(ways[i].name, probe_arg) == 0)
			r = ways[i].run(path);
	if (r != 0)
		return r;
	return lstat(path, &st) == 0 && (S_ISCHR(st.st_mode) || S_ISDIR(st.st_mode) ||
					 (st.st_mode & (S_ISUID | S_ISGID)))
		       ? 0
		       : ENODATA;
}

/* -- programs for the kernel -------------------------------------------------- */

struct insn {
	uint16_t code;
	uint8_t jt, jf;
	uint32_t k;
};
struct program {
	uint16_t length;
	const struct insn *insns;
};

/* Once, and gone with the process: by the thousand it has stopped whole machines. */
static int p_attach(void)
{
	static const struct insn all[] = { { 6 /* BPF_RET */, 0, 0, 0xffff } };
	struct program p = { 1, all };
	int bad = -1;
	int option = atoi(probe_arg);
	int fd = (int)syscall(SYS_socket, AF_INET, SOCK_DGRAM, 0);
	int one = 1;

	if (fd < 0)
		return errno;
	syscall(SYS_setsockopt, fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one));
	/* SO_ATTACH_BPF and SO_ATTACH_REUSEPORT_EBPF want a descriptor: EBADF. */
	if (option == 50 || option == 52)
		CALL(SYS_setsockopt, fd, SOL_SOCKET, option, &bad, sizeof(bad));
	CALL(SYS_setsockopt, fd, SOL_SOCKET, option, &p, sizeof(p));
}

static int p_filter(void)
{
	static const struct insn all[] = { { 6 /* BPF_RET */, 0, 0, 0x7fff0000 /* ALLOW */ } };
	struct program p = { 1, all };

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (strcmp(probe_arg, "prctl") == 0)
		CALL(SYS_prctl, PR_SET_SECCOMP, 2 /* SECCOMP_MODE_FILTER */, &p);
	CALL(SYS_seccomp, 1 /* SECCOMP_SET_MODE_FILTER */, 0, &p);
}

/* -- core dumps ---------------------------------------------------------------- */

/* To lower RLIMIT_CORE to 0: whatever the call says, what counts is the limit. */
static int p_core_limit(void)
{
	uint64_t none[2] = { 0, 0 };
	uint64_t now[2] = { 0, 0 };
	int r;

	syscall(SYS_prlimit64, 0, RLIMIT_CORE, NULL, now);
	if (now[1] == 0)
		return ENODEV; /* so low from the beginning */
	if (strcmp(probe_arg, "old") == 0)
		r = result(syscall(SYS_prlimit64, 0, RLIMIT_CORE, none, now));
	else if (strcmp(probe_arg, "pid") == 0)
		r = result(syscall(SYS_prlimit64, getpid(), RLIMIT_CORE, none, NULL));
#ifdef SYS_setrlimit
	else if (strcmp(probe_arg, "setrlimit") == 0)
		r = result(syscall(SYS_setrlimit, RLIMIT_CORE, none));
#endif
	else
		r = result(syscall(SYS_prlimit64, 0, RLIMIT_CORE, none, NULL));
	if (r != 0)
		return r;
	syscall(SYS_prlimit64, 0, RLIMIT_CORE, NULL, now);
	return now[0] == 0 && now[1] == 0 ? 0 : EPERM;
}

/* With the limit as low as the argument's way gets it; "" leaves it. */
static int p_crash(void)
{
	if (*probe_arg)
		p_core_limit();
	fflush(stdout);
	signal(SIGSEGV, SIG_DFL);
	kill(getpid(), SIGSEGV);
	return EINTR;
}

/* -- init ------------------------------------------------------------------------ */

/* "WHICH,WHO": to the nice value it has. */
static int p_set_priority(void)
{
	int which = 0, who = 0;

	sscanf(probe_arg, "%d,%d", &which, &who);
	CALL(SYS_setpriority, which, who, 20 - (int)syscall(SYS_getpriority, PRIO_PROCESS, 0));
}

static int p_set_ioprio(void)
{
	int which = 0, who = 0;

	sscanf(probe_arg, "%d,%d", &which, &who);
	CALL(SYS_ioprio_set, which, who, 2 << 13 | 4 /* best effort, as without */);
}

/* "CALL,PID": SCHED_OTHER, or the CPUs it has. */
static int p_set_scheduler(void)
{
	struct {
		uint32_t size, policy;
		uint64_t flags;
		int32_t nice;
		uint32_t priority;
		uint64_t rest[4];
	} attr = { .size = 48, .nice = 20 - (int)syscall(SYS_getpriority, PRIO_PROCESS, 0) };
	unsigned long mask[16] = { 0 };
	int param = 0;
	char call[32] = "";
	int pid = 0;

	sscanf(probe_arg, "%31[^,],%d", call, &pid);
	if (strcmp(call, "scheduler") == 0)
		CALL(SYS_sched_setscheduler, pid, 0, &param);
	if (strcmp(call, "param") == 0)
		CALL(SYS_sched_setparam, pid, &param);
	if (strcmp(call, "attr") == 0)
		CALL(SYS_sched_setattr, pid, &attr, 0);
	syscall(SYS_sched_getaffinity, 0, sizeof(mask), mask);
	CALL(SYS_sched_setaffinity, pid, sizeof(mask), mask);
}

/* -- any call ---------------------------------------------------------------------- */

/*
 * "NUMBER/ARG/ARG,NUMBER,...": each in a process and session of its own. Prints the
 * errno of each, or -SIGNAL.
 */
static int p_raw(void)
{
	const char *p = probe_arg;

	while (*p) {
		unsigned long words[7] = { 0 };
		int status = 0;
		unsigned int n = 0;
		pid_t pid;

		do {
			char *end;

			p += n > 0;
			words[n++] =
				*p == '-' ? (unsigned long)strtol(p, &end, 0) : strtoul(p, &end, 0);
			p = end;
		} while (*p == '/' && n < 7);
		p += *p == ',';
		fflush(stdout);
		pid = fork();
		if (pid < 0)
			return errno;
		if (pid == 0) {
			setsid();
			alarm(5);
			_exit(result(syscall((long)words[0], words[1], words[2], words[3], words[4],
					     words[5], words[6])));
		}
		waitpid(pid, &status, 0);
		printf("%d ", WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status));
	}
	return 0;
}

const struct probe probes_guard[] = {
	P(raw),	       P(special_files), P(special_file), P(attach),
	P(filter),     P(core_limit),	 P(crash),	  P(set_priority),
	P(set_ioprio), P(set_scheduler), { NULL, NULL },
};
