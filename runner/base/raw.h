/* SPDX-License-Identifier: Apache-2.0 */
/*
 * raw: system calls without a C library between us and the kernel.
 *
 * Everything that runs between clone and exec uses these: they touch neither
 * errno nor any lock nor thread cache of the C library, and they return the
 * kernel's answer as it is (a value >= 0, or a negative errno). The libc's own
 * set*id wrappers would signal other threads; these do not.
 *
 * Also here: the few kernel constants that Debian 12's headers (6.1) are too
 * old to know. Sources: include/uapi of Linux 6.18.
 */
#ifndef RUNNER_BASE_RAW_H
#define RUNNER_BASE_RAW_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#if defined(__x86_64__)

static inline __attribute__((always_inline)) long raw6(long nr, long a, long b, long c, long d,
						       long e, long f)
{
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;
	long ret;

	__asm__ volatile("syscall"
			 : "=a"(ret)
			 : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return ret;
}

#elif defined(__aarch64__)

static inline __attribute__((always_inline)) long raw6(long nr, long a, long b, long c, long d,
						       long e, long f)
{
	register long x8 __asm__("x8") = nr;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c;
	register long x3 __asm__("x3") = d;
	register long x4 __asm__("x4") = e;
	register long x5 __asm__("x5") = f;

	__asm__ volatile("svc 0"
			 : "+r"(x0)
			 : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
			 : "memory");
	return x0;
}

#else
#error "runner knows the system call convention of x86_64 and aarch64 only"
#endif

#define RAW_ARG(x) ((long)(x))
#define raw0(nr) raw6(nr, 0, 0, 0, 0, 0, 0)
#define raw1(nr, a) raw6(nr, RAW_ARG(a), 0, 0, 0, 0, 0)
#define raw2(nr, a, b) raw6(nr, RAW_ARG(a), RAW_ARG(b), 0, 0, 0, 0)
#define raw3(nr, a, b, c) raw6(nr, RAW_ARG(a), RAW_ARG(b), RAW_ARG(c), 0, 0, 0)
#define raw4(nr, a, b, c, d) raw6(nr, RAW_ARG(a), RAW_ARG(b), RAW_ARG(c), RAW_ARG(d), 0, 0)
#define raw5(nr, a, b, c, d, e) \
	raw6(nr, RAW_ARG(a), RAW_ARG(b), RAW_ARG(c), RAW_ARG(d), RAW_ARG(e), 0)

/* strlen(3); the barrier keeps the compiler from making a call of it. */
static inline __attribute__((always_inline)) long raw_strlen(const char *s)
{
	const char *p = s;

	while (*p) {
		p++;
		__asm__("" : "+r"(p));
	}
	return p - s;
}

/* exit_group(2), for those who must not return. */
static inline __attribute__((always_inline, noreturn)) void raw_exit_group(int status)
{
	for (;;)
		raw1(SYS_exit_group, status);
}

/*
 * Die when the thread that made us ends (prctl(2)). False: it is gone already. Asked
 * for anew after each change of id, which takes it back.
 */
static inline __attribute__((always_inline)) bool raw_die_with(long parent)
{
	raw5(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	return raw0(SYS_getppid) == parent;
}

/* clock_gettime(2) in ns; not through the vDSO: to find that costs more than a call. */
static inline __attribute__((always_inline)) uint64_t raw_clock_ns(int clock)
{
	int64_t t[2] = { 0, 0 }; /* struct timespec of 64-bit kernels */

	raw2(SYS_clock_gettime, clock, t);
	return (uint64_t)t[0] * 1000000000u + (uint64_t)t[1];
}

/* New mount API, mount_setattr(2), openat2(2), close_range(2), clone3(2). */
#ifndef SYS_mount_setattr
#define SYS_mount_setattr 442
#endif

struct raw_mount_attr {
	uint64_t attr_set;
	uint64_t attr_clr;
	uint64_t propagation;
	uint64_t userns_fd;
};

struct raw_open_how {
	uint64_t flags;
	uint64_t mode;
	uint64_t resolve;
};

struct raw_clone_args {
	uint64_t flags;
	uint64_t pidfd;
	uint64_t child_tid;
	uint64_t parent_tid;
	uint64_t exit_signal;
	uint64_t stack;
	uint64_t stack_size;
	uint64_t tls;
	uint64_t set_tid;
	uint64_t set_tid_size;
	uint64_t cgroup;
};

enum {
	RAW_MOUNT_ATTR_RDONLY = 0x1,
	RAW_MOUNT_ATTR_NOSUID = 0x2,
	RAW_MOUNT_ATTR_NODEV = 0x4,
	RAW_MOUNT_ATTR_NOEXEC = 0x8,
	RAW_MOUNT_ATTR_IDMAP = 0x100000,

	RAW_OPEN_TREE_CLONE = 0x1,
	RAW_OPEN_TREE_CLOEXEC = 02000000,
	RAW_MOVE_MOUNT_F_EMPTY_PATH = 0x4,
	RAW_MOVE_MOUNT_T_EMPTY_PATH = 0x40,
	RAW_FSOPEN_CLOEXEC = 0x1,
	RAW_FSMOUNT_CLOEXEC = 0x1,
	RAW_FSCONFIG_SET_FLAG = 0,
	RAW_FSCONFIG_SET_STRING = 1,
	RAW_FSCONFIG_CMD_CREATE = 6,
	RAW_AT_RECURSIVE = 0x8000,

	RAW_RESOLVE_NO_MAGICLINKS = 0x02,
	RAW_RESOLVE_NO_SYMLINKS = 0x04,
	RAW_RESOLVE_IN_ROOT = 0x10,

	RAW_CLOSE_RANGE_CLOEXEC = 0x4,
};

#endif
