/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "denial.h"

#include <linux/bpf.h>
#include <linux/keyctl.h>
#include <linux/ioprio.h>
#include <linux/memfd.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <asm/termbits.h>
#include <asm/ioctls.h>
#include <netinet/in.h>
#include <time.h>

#include "../seccomp/bpf.h"
#include "denial_words.h"
#include "suites.h"

/* Newer than the headers of Debian 12; include/uapi of Linux 6.18. */
#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif
#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U
#endif
#ifndef SYS_fchmodat2
#define SYS_fchmodat2 452
#endif
/* In no header but the kernel's own, or glibc's klogctl(3) by number only; syslog(2). */
#define SYSLOG_ACTION_READ 2
#define SYSLOG_ACTION_READ_ALL 3
#define SYSLOG_ACTION_CLEAR 5
#define SYSLOG_ACTION_SIZE_BUFFER 10

static const char *target_of(int nr, const uint64_t a[5])
{
	static char text[DENIAL_TARGET];
	struct denial d = { .nr = nr,
			    .arch = BPF_NATIVE_ARCH,
			    .args = { a[0], a[1], a[2], a[3], a[4] } };

	denial_target(&d, text);
	return text;
}

static const char *target(int nr, uint64_t a0, uint64_t a1, uint64_t a2, uint64_t a3)
{
	return target_of(nr, (uint64_t[5]){ a0, a1, a2, a3 });
}

static void arguments_are_decoded(void)
{
	CU_ASSERT_STRING_EQUAL(target(SYS_unshare, 0x10020000, 0, 0, 0),
			       "flags=CLONE_NEWNS|CLONE_NEWUSER");
	CU_ASSERT_STRING_EQUAL(target(SYS_clone, 17, 0, 0, 0), "flags=0x11");
	CU_ASSERT_STRING_EQUAL(target(SYS_socket, 16, 3 | 02000000, 15, 0),
			       "domain=AF_NETLINK type=SOCK_RAW protocol=0xf");
	CU_ASSERT_STRING_EQUAL(target(SYS_socket, 99, 0, 262, 0),
			       "domain=0x63 type=0x0 protocol=IPPROTO_MPTCP");
	CU_ASSERT_STRING_EQUAL(target(SYS_ioctl, 0, 0x100005412, 0, 0), "request=TIOCSTI");
	CU_ASSERT_STRING_EQUAL(target(SYS_prlimit64, 0xffffffffffffffff, 0, 0, 0),
			       "pid=-1 resource=RLIMIT_CPU");
	CU_ASSERT_STRING_EQUAL(target(SYS_sched_setaffinity, 7, 0, 0, 0), "pid=7");
	CU_ASSERT_STRING_EQUAL(target(SYS_mknodat, 0, 0, 0026666, 0),
			       "mode=S_IFCHR|S_ISUID|S_ISGID|0666");
	CU_ASSERT_STRING_EQUAL(target(SYS_mknodat, 0, 0, 0060000, 0), "mode=S_IFBLK");
	CU_ASSERT_STRING_EQUAL(target(SYS_fchmod, 0, 04755, 0, 0), "mode=S_ISUID|0755");
	CU_ASSERT_STRING_EQUAL(target(SYS_fchmod, 0, 0755, 0, 0), "mode=0755");
	CU_ASSERT_STRING_EQUAL(target(SYS_setpriority, 2, 0, 0, 0), "which=PRIO_USER who=0");
	CU_ASSERT_STRING_EQUAL(target(SYS_reboot, 1, 2, 3, 4), "");
	/* Every flag at once still fits. */
	CU_ASSERT_TRUE(strlen(target(SYS_unshare, UINT64_MAX, 0, 0, 0)) < DENIAL_TARGET - 1);
	CU_ASSERT_TRUE(strlen(target(SYS_mount, 0, 0, 0, UINT64_MAX)) < DENIAL_TARGET - 1);
}

/* The headers' value for each name of our tables: name, call, argument. */
#define W(nr, arg, name) \
	{ \
		SYS_##nr, arg, (uint64_t)(name), #name \
	}
#define MODES(nr, arg) \
	W(nr, arg, S_IFCHR), W(nr, arg, S_IFBLK), W(nr, arg, S_IFIFO), W(nr, arg, S_IFSOCK), \
		W(nr, arg, S_ISUID), W(nr, arg, S_ISGID)
static const struct {
	int nr;
	unsigned int arg;
	uint64_t value;
	const char *name;
} words[] = {
	W(clone, 0, CLONE_NEWNS),
	W(clone, 0, CLONE_NEWCGROUP),
	W(clone, 0, CLONE_NEWUTS),
	W(clone, 0, CLONE_NEWIPC),
	W(clone, 0, CLONE_NEWUSER),
	W(clone, 0, CLONE_NEWPID),
	W(clone, 0, CLONE_NEWNET),
	W(clone, 0, CLONE_THREAD),
	W(clone, 0, CLONE_VFORK),
	W(clone, 0, CLONE_VM),
	W(unshare, 0, CLONE_NEWTIME),
	W(unshare, 0, CLONE_NEWNS),
	W(unshare, 0, CLONE_NEWCGROUP),
	W(unshare, 0, CLONE_NEWUTS),
	W(unshare, 0, CLONE_NEWIPC),
	W(unshare, 0, CLONE_NEWUSER),
	W(unshare, 0, CLONE_NEWPID),
	W(unshare, 0, CLONE_NEWNET),
	W(setns, 1, CLONE_NEWTIME),
	W(setns, 1, CLONE_NEWNS),
	W(setns, 1, CLONE_NEWCGROUP),
	W(setns, 1, CLONE_NEWUTS),
	W(setns, 1, CLONE_NEWIPC),
	W(setns, 1, CLONE_NEWUSER),
	W(setns, 1, CLONE_NEWPID),
	W(setns, 1, CLONE_NEWNET),
	W(socket, 0, AF_UNIX),
	W(socket, 0, AF_INET),
	W(socket, 0, AF_INET6),
	W(socket, 0, AF_KEY),
	W(socket, 0, AF_NETLINK),
	W(socket, 0, AF_PACKET),
	W(socket, 0, AF_RDS),
	W(socket, 0, AF_CAN),
	W(socket, 0, AF_TIPC),
	W(socket, 0, AF_BLUETOOTH),
	W(socket, 0, AF_ALG),
	W(socket, 0, AF_VSOCK),
	W(socket, 0, AF_XDP),
	W(socketpair, 0, AF_UNIX),
	W(socketpair, 0, AF_INET),
	W(socketpair, 0, AF_INET6),
	W(socketpair, 0, AF_KEY),
	W(socketpair, 0, AF_NETLINK),
	W(socketpair, 0, AF_PACKET),
	W(socketpair, 0, AF_RDS),
	W(socketpair, 0, AF_CAN),
	W(socketpair, 0, AF_TIPC),
	W(socketpair, 0, AF_BLUETOOTH),
	W(socketpair, 0, AF_ALG),
	W(socketpair, 0, AF_VSOCK),
	W(socketpair, 0, AF_XDP),
	W(socketpair, 1, SOCK_STREAM),
	W(socketpair, 1, SOCK_DGRAM),
	W(socketpair, 1, SOCK_RAW),
	W(socketpair, 1, SOCK_RDM),
	W(socketpair, 1, SOCK_SEQPACKET),
	W(socketpair, 1, SOCK_PACKET),
	W(socket, 1, SOCK_STREAM),
	W(socket, 1, SOCK_DGRAM),
	W(socket, 1, SOCK_RAW),
	W(socket, 1, SOCK_RDM),
	W(socket, 1, SOCK_SEQPACKET),
	W(socket, 1, SOCK_PACKET),
	W(socket, 2, IPPROTO_MPTCP),
	W(ioctl, 1, TIOCSTI),
	W(ioctl, 1, TIOCLINUX),
	W(ioctl, 1, TIOCSETD),
	W(memfd_create, 1, MFD_CLOEXEC),
	W(memfd_create, 1, MFD_ALLOW_SEALING),
	W(memfd_create, 1, MFD_HUGETLB),
	W(memfd_create, 1, MFD_NOEXEC_SEAL),
	W(memfd_create, 1, MFD_EXEC),
	MODES(mknodat, 2),
	MODES(mkdirat, 2),
	MODES(openat, 3),
	MODES(fchmod, 1),
	MODES(fchmodat, 2),
	MODES(fchmodat2, 2),
#ifdef SYS_open
	MODES(mknod, 1),
	MODES(mkdir, 1),
	MODES(open, 2),
	MODES(creat, 1),
	MODES(chmod, 1),
#endif
	W(renameat2, 4, RENAME_NOREPLACE),
	W(renameat2, 4, RENAME_EXCHANGE),
	W(renameat2, 4, RENAME_WHITEOUT),
	{ SYS_setsockopt, 2, 20, "IPV6_ADD_MEMBERSHIP" },
	W(setsockopt, 2, MCAST_JOIN_GROUP),
	W(setsockopt, 2, MCAST_JOIN_SOURCE_GROUP),
	W(setsockopt, 2, SO_ATTACH_FILTER),
	W(setsockopt, 2, SO_ATTACH_BPF),
	W(setsockopt, 2, SO_ATTACH_REUSEPORT_CBPF),
	W(setsockopt, 2, SO_ATTACH_REUSEPORT_EBPF),
	W(prctl, 0, PR_SET_SECCOMP),
	W(seccomp, 0, SECCOMP_SET_MODE_STRICT),
	W(seccomp, 0, SECCOMP_SET_MODE_FILTER),
	W(setpriority, 0, PRIO_PROCESS),
	W(setpriority, 0, PRIO_PGRP),
	W(setpriority, 0, PRIO_USER),
	W(ioprio_set, 0, IOPRIO_WHO_PROCESS),
	W(ioprio_set, 0, IOPRIO_WHO_PGRP),
	W(ioprio_set, 0, IOPRIO_WHO_USER),
	W(sched_setscheduler, 1, SCHED_OTHER),
	W(sched_setscheduler, 1, SCHED_FIFO),
	W(sched_setscheduler, 1, SCHED_RR),
	W(sched_setscheduler, 1, SCHED_BATCH),
	W(sched_setscheduler, 1, SCHED_IDLE),
	W(prlimit64, 1, RLIMIT_CPU),
	W(prlimit64, 1, RLIMIT_FSIZE),
	W(prlimit64, 1, RLIMIT_DATA),
	W(prlimit64, 1, RLIMIT_STACK),
	W(prlimit64, 1, RLIMIT_CORE),
	W(prlimit64, 1, RLIMIT_NPROC),
	W(prlimit64, 1, RLIMIT_NOFILE),
	W(prlimit64, 1, RLIMIT_AS),
	W(personality, 0, ADDR_NO_RANDOMIZE),
	W(personality, 0, MMAP_PAGE_ZERO),
	W(personality, 0, READ_IMPLIES_EXEC),
	W(personality, 0, PER_LINUX32),
	W(ptrace, 0, PTRACE_TRACEME),
	W(ptrace, 0, PTRACE_PEEKTEXT),
	W(ptrace, 0, PTRACE_PEEKDATA),
	W(ptrace, 0, PTRACE_POKETEXT),
	W(ptrace, 0, PTRACE_POKEDATA),
#if defined(__x86_64__)
	W(ptrace, 0, PTRACE_GETREGS),
	W(ptrace, 0, PTRACE_SETREGS),
#endif
	W(ptrace, 0, PTRACE_ATTACH),
	W(ptrace, 0, PTRACE_GETREGSET),
	W(ptrace, 0, PTRACE_SETREGSET),
	W(ptrace, 0, PTRACE_SEIZE),
	W(bpf, 0, BPF_MAP_CREATE),
	W(bpf, 0, BPF_MAP_LOOKUP_ELEM),
	W(bpf, 0, BPF_MAP_UPDATE_ELEM),
	W(bpf, 0, BPF_PROG_LOAD),
	W(bpf, 0, BPF_OBJ_PIN),
	W(bpf, 0, BPF_OBJ_GET),
	W(bpf, 0, BPF_PROG_ATTACH),
	W(bpf, 0, BPF_RAW_TRACEPOINT_OPEN),
	W(bpf, 0, BPF_BTF_LOAD),
	W(bpf, 0, BPF_LINK_CREATE),
	W(keyctl, 0, KEYCTL_GET_KEYRING_ID),
	W(keyctl, 0, KEYCTL_JOIN_SESSION_KEYRING),
	W(keyctl, 0, KEYCTL_UPDATE),
	W(keyctl, 0, KEYCTL_REVOKE),
	W(keyctl, 0, KEYCTL_SETPERM),
	W(keyctl, 0, KEYCTL_DESCRIBE),
	W(keyctl, 0, KEYCTL_LINK),
	W(keyctl, 0, KEYCTL_SEARCH),
	W(keyctl, 0, KEYCTL_READ),
	W(keyctl, 0, KEYCTL_SESSION_TO_PARENT),
	W(mount, 3, MS_RDONLY),
	W(mount, 3, MS_REMOUNT),
	W(mount, 3, MS_BIND),
	W(mount, 3, MS_MOVE),
	W(mount, 3, MS_REC),
	W(mount, 3, MS_UNBINDABLE),
	W(mount, 3, MS_PRIVATE),
	W(mount, 3, MS_SLAVE),
	W(mount, 3, MS_SHARED),
	W(clock_settime, 0, CLOCK_REALTIME),
	W(clock_settime, 0, CLOCK_MONOTONIC),
	W(clock_settime, 0, CLOCK_TAI),
	W(clock_adjtime, 0, CLOCK_REALTIME),
	W(clock_adjtime, 0, CLOCK_MONOTONIC),
	W(clock_adjtime, 0, CLOCK_TAI),
	W(syslog, 0, SYSLOG_ACTION_READ),
	W(syslog, 0, SYSLOG_ACTION_READ_ALL),
	W(syslog, 0, SYSLOG_ACTION_CLEAR),
	W(syslog, 0, SYSLOG_ACTION_SIZE_BUFFER),
};

static void every_name_has_the_headers_value(void)
{
	size_t known = 0;

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		uint64_t a[5] = { 0 };
		char wanted[64];
		char text[DENIAL_TARGET];

		a[words[i].arg] = words[i].value;
		snprintf(wanted, sizeof(wanted), "=%s ", words[i].name);
		snprintf(text, sizeof(text), "%.200s ", target_of(words[i].nr, a));
		CU_ASSERT_PTR_NOT_NULL(strstr(text, wanted));
		if (!strstr(text, wanted))
			printf("    %s: %s\n", words[i].name, text);
	}
	/* and none of ours is missing above */
	for (size_t i = 0; i < denial_argument_count; i++)
		for (const struct denial_word *w = denial_arguments[i].words; w && w->name; w++)
			known++;
#if defined(__x86_64__)
	CU_ASSERT_EQUAL(known, sizeof(words) / sizeof(words[0]));
#endif
}

static void a_calls_arguments_stand_together(void)
{
	for (size_t i = 1; i < denial_argument_count; i++)
		for (size_t k = 0; k < i; k++)
			if (denial_arguments[k].nr == denial_arguments[i].nr)
				CU_ASSERT_EQUAL(denial_arguments[i - 1].nr, denial_arguments[i].nr);
}

static void kinds(void)
{
	uint64_t netlink[6] = { 16, 2 };
	uint64_t packet[6] = { 17, 2 };
	uint64_t netlink_raw[6] = { 16, 3 };
	uint64_t netlink_cloexec[6] = { 16, 2 | 02000000, 7 };
	uint64_t junk[6] = { 99, 2 };
	uint64_t more_junk[6] = { 100, 2 };

	CU_ASSERT_FALSE(denial_same_kind(SYS_socket, netlink, packet));
	CU_ASSERT_FALSE(denial_same_kind(SYS_socket, netlink, netlink_raw));
	CU_ASSERT_TRUE(denial_same_kind(SYS_socket, netlink, netlink_cloexec));
	CU_ASSERT_FALSE(denial_same_values(SYS_socket, netlink, netlink_cloexec));
	CU_ASSERT_TRUE(denial_same_kind(SYS_socket, junk, more_junk));
	CU_ASSERT_FALSE(denial_same_values(SYS_socket, junk, more_junk));
	CU_ASSERT_TRUE(denial_same_values(SYS_socket, junk, junk));
	CU_ASSERT_FALSE(denial_same_kind(SYS_socket, junk, netlink));
	CU_ASSERT_TRUE(denial_same_kind(SYS_reboot, netlink, packet));
	CU_ASSERT_TRUE(denial_same_values(SYS_reboot, netlink, packet));
	/* A value that is named 0 is not the same as one without a name. */
	CU_ASSERT_FALSE(denial_same_kind(SYS_ptrace, (uint64_t[6]){ 0 }, (uint64_t[6]){ 999 }));
}

static void names_and_remedies(void)
{
	struct denial d = { .nr = SYS_clone, .arch = BPF_NATIVE_ARCH };
	char text[DENIAL_TARGET];
	char room[24];

	CU_ASSERT_STRING_EQUAL(denial_name(SYS_unshare, BPF_NATIVE_ARCH, room), "unshare");
	CU_ASSERT_STRING_EQUAL(denial_name(99999, BPF_NATIVE_ARCH, room), "syscall 99999");
	CU_ASSERT_STRING_EQUAL(denial_name(-1, BPF_NATIVE_ARCH, room), "syscall -1");
	CU_ASSERT_PTR_NOT_NULL(strstr(denial_remedy(&d, "no-fork"), "--profile default"));
	CU_ASSERT_PTR_NOT_NULL(strstr(denial_remedy(&d, "default"), "--seccomp"));
	/* Another architecture's numbers are not ours. */
	d.arch = BPF_NATIVE_ARCH ^ 1;
	denial_target(&d, text);
	CU_ASSERT_STRING_EQUAL(text, "");
	CU_ASSERT_STRING_EQUAL(denial_name(SYS_unshare, d.arch, room) == room ? "number" : room,
			       "number");
}

CU_TestInfo denial_tests[] = {
	{ "arguments are decoded", arguments_are_decoded },
	{ "every name has the headers' value", every_name_has_the_headers_value },
	{ "a call's arguments stand together", a_calls_arguments_stand_together },
	{ "kinds", kinds },
	{ "names and remedies", names_and_remedies },
	CU_TEST_INFO_NULL,
};
