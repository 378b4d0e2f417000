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
#include <time.h>
#include <unistd.h>

#include "probe/probe.h"

/* -- namespaces and mounts ------------------------------------------------- */

/* The flag is the argument: CLONE_NEW*. */
static int p_unshare(void)
{
	CALL(SYS_unshare, strtoul(probe_arg, NULL, 0));
}
static int p_mount(void)
{
	CALL(SYS_mount, "none", "/tmp", "tmpfs", 0, NULL);
}
/* A mount of its own to try the others on, where it can have one. */
static void own_mount(void)
{
	(void)!syscall(SYS_mount, "none", "/tmp", "tmpfs", 0, NULL);
}

static int p_umount(void)
{
	own_mount();
	CALL(SYS_umount2, "/tmp", 2 /* MNT_DETACH */);
}
static int p_chroot(void)
{
	CALL(SYS_chroot, "/tmp");
}
static int p_open_tree(void)
{
	CALL(SYS_open_tree, AT_FDCWD, "/tmp", 1);
}
static int p_fsopen(void)
{
	CALL(SYS_fsopen, "tmpfs", 0);
}
static int p_remount(void)
{
	own_mount();
	CALL(SYS_mount, NULL, "/tmp", NULL, 0x20 /* MS_REMOUNT */ | 0x1000 /* MS_BIND */, NULL);
}

static int p_mount_setattr(void)
{
	uint64_t attr[4] = { 0 };

	own_mount();
	CALL(SYS_mount_setattr, AT_FDCWD, "/tmp", 0, attr, sizeof(attr));
}

/* The whole way of the new calls, so that the last one has what it needs. */
static int p_move_mount(void)
{
	int tree = (int)syscall(SYS_open_tree, AT_FDCWD, "/tmp", 1 /* OPEN_TREE_CLONE */);

	CALL(SYS_move_mount, tree, "", AT_FDCWD, "/tmp", 4 /* MOVE_MOUNT_F_EMPTY_PATH */);
}

static int p_pivot_root(void)
{
	own_mount();
	(void)!chdir("/tmp");
	CALL(SYS_pivot_root, ".", ".");
}

static int p_setns(void)
{
	int fd = open("/proc/self/ns/uts", O_RDONLY);

	return fd < 0 ? errno : result(syscall(SYS_setns, fd, 0));
}

static int child_of(long pid)
{
	if (pid == 0)
		_exit(0);
	if (pid > 0)
		waitpid((pid_t)pid, NULL, 0);
	return result(pid);
}

static int p_clone_user(void)
{
	return child_of(syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0));
}

static int p_clone3_user(void)
{
	struct {
		uint64_t v[11];
	} a = { { 0 } };

	a.v[0] = CLONE_NEWUSER;
	a.v[4] = SIGCHLD;
	return child_of(syscall(SYS_clone3, &a, sizeof(a)));
}

static int p_fork(void)
{
	return child_of(syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0));
}

/* -- other processes ------------------------------------------------------- */

static int p_ptrace(void)
{
	CALL(SYS_ptrace, PTRACE_TRACEME, 0, 0, 0);
}
static int p_kill(void)
{
	CALL(SYS_kill, atoi(probe_arg), 0);
}
static int p_kill_all(void)
{
	CALL(SYS_kill, -1, SIGCONT);
}
static int p_pidfd_getfd(void)
{
	int fd = (int)syscall(SYS_pidfd_open, getpid(), 0);

	return fd < 0 ? errno : result(syscall(SYS_pidfd_getfd, fd, 0, 0));
}

static int vm_copy(long call)
{
	char here = 'x';
	char there = 0;
	struct iovec l = { &here, 1 };
	struct iovec r = { &there, 1 };

	CALL(call, getpid(), &l, 1, &r, 1, 0);
}
static int p_process_vm_readv(void)
{
	return vm_copy(SYS_process_vm_readv);
}
static int p_process_vm_writev(void)
{
	return vm_copy(SYS_process_vm_writev);
}

static int p_kcmp(void)
{
	CALL(SYS_kcmp, getpid(), getpid(), 0, 0, 0);
}

/* -- kernel interfaces ----------------------------------------------------- */

static int p_bpf(void)
{
	union {
		uint32_t v[4];
		char room[128];
	} a = { .v = { 2 /* ARRAY */, 4, 4, 1 } };

	CALL(SYS_bpf, 0 /* MAP_CREATE */, &a, sizeof(a));
}

static int p_perf(void)
{
	struct {
		uint32_t type, size;
		uint64_t config;
		char room[112];
	} a = { 1, 128, 0, { 0 } };

	CALL(SYS_perf_event_open, &a, 0, -1, -1, 0);
}

static int p_userfaultfd(void)
{
	CALL(SYS_userfaultfd, 1 /* UFFD_USER_MODE_ONLY: anybody may */);
}
static int p_keyctl(void)
{
	CALL(SYS_keyctl, 0, -4 /* user keyring */, 1);
}
static int p_add_key(void)
{
	CALL(SYS_add_key, "user", "runner-probe", "x", 1, -2 /* process */);
}
static int p_io_uring(void)
{
	struct timespec moment = { 0, 5 * 1000 * 1000 };
	char p[120] = { 0 };
	int r = ENOMEM;

	/* What the rings of processes that have ended hold counts a while for the user. */
	for (int i = 0; r == ENOMEM && i < 100; i++) {
		if (i > 0)
			nanosleep(&moment, NULL);
		r = result(syscall(SYS_io_uring_setup, 4, p));
	}
	return r;
}
static int p_name_to_handle(void)
{
	struct {
		unsigned int bytes;
		int type;
		char room[128];
	} h = { 128, 0, { 0 } };
	int id;

	CALL(SYS_name_to_handle_at, AT_FDCWD, "/usr", &h, &id, 0);
}
static int p_affinity(void)
{
	unsigned long mask[16] = { 0 };

	syscall(SYS_sched_getaffinity, 0, sizeof(mask), mask);
	CALL(SYS_sched_setaffinity, 0, sizeof(mask), mask);
}
static int p_personality(void)
{
	CALL(SYS_personality, 8 /* PER_LINUX32 */);
}
static int p_syslog(void)
{
	CALL(SYS_syslog, 10 /* SIZE_BUFFER */, 0, 0);
}
static int p_mbind(void)
{
	CALL(SYS_set_mempolicy, 0 /* DEFAULT */, 0, 0);
}
static int p_fanotify(void)
{
	CALL(SYS_fanotify_init, 0, 0);
}
/* As much of it as needs no privilege (Linux 5.13). */
static int p_fanotify_user(void)
{
	CALL(SYS_fanotify_init, 0x200 /* FAN_REPORT_FID */, 0);
}

/* An answer to what the supervisor asks: a listener of its own. */
static int p_listener(void)
{
	struct {
		uint16_t code;
		uint8_t jt, jf;
		uint32_t k;
	} allow = { 6 /* BPF_RET */, 0, 0, 0x7fff0000 /* SECCOMP_RET_ALLOW */ };
	struct {
		uint16_t length;
		void *program;
	} program = { 1, &allow };

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	CALL(SYS_seccomp, 1 /* SET_MODE_FILTER */, 8 /* NEW_LISTENER */, &program);
}

static int p_no_randomize(void)
{
	CALL(SYS_personality, 0x0040000 /* ADDR_NO_RANDOMIZE */);
}

static int p_modify_ldt(void)
{
	char ldt[16];
	CALL(SYS_modify_ldt, 0 /* read */, ldt, sizeof(ldt));
}
/* By number; arguments that are harmless where the call is allowed. */
static int p_syscall(void)
{
	CALL(atoi(probe_arg), -1L, -1L, -1L, -1L, -1L, -1L);
}

/*
 * Each number of the argument ("1,2,3") in a process and session of its own, with
 * arguments that no call can use: what refuses on the number alone answers EPERM or
 * ENOSYS, the kernel finds fault with an argument. Prints "NUMBER:ERRNO " for each.
 */
static int p_calls(void)
{
	const char *p = probe_arg;
	char *end;

	for (; *p; p = *end ? end + 1 : end) {
		long nr = strtol(p, &end, 10);
		int status = 0;
		pid_t pid;

		if (end == p)
			return EINVAL;
		pid = fork();
		if (pid < 0)
			return errno;
		if (pid == 0) {
			setsid();
			alarm(5);
			_exit(result(syscall(nr, -1L, -1L, -1L, -1L, -1L, -1L)));
		}
		waitpid(pid, &status, 0);
		printf("%ld:%d ", nr, WIFEXITED(status) ? WEXITSTATUS(status) : -1);
	}
	return 0;
}

static int p_int80(void)
{
#if defined(__x86_64__)
	long r;

	__asm__ volatile("int $0x80" : "=a"(r) : "a"(20 /* getpid of i386 */) : "memory");
	return r > 0 ? 0 : (int)-r;
#else
	return ENOSYS;
#endif
}

const struct probe probes_kernel[] = {
	P(unshare),
	P(mount),
	P(umount),
	P(chroot),
	P(open_tree),
	P(fsopen),
	P(remount),
	P(mount_setattr),
	P(move_mount),
	P(pivot_root),
	P(setns),
	P(clone_user),
	P(clone3_user),
	P(fork),
	P(ptrace),
	P(kill),
	P(kill_all),
	P(pidfd_getfd),
	P(process_vm_readv),
	P(kcmp),
	P(process_vm_writev),
	P(bpf),
	P(perf),
	P(userfaultfd),
	P(keyctl),
	P(add_key),
	P(io_uring),
	P(name_to_handle),
	P(affinity),
	P(personality),
	P(syslog),
	P(mbind),
	P(fanotify),
	P(fanotify_user),
	P(listener),
	P(no_randomize),
	P(modify_ldt),
	P(syscall),
	P(calls),
	P(int80),
	{ NULL, NULL },
};
