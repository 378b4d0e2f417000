/* SPDX-License-Identifier: Apache-2.0 */
/* Values: include/uapi of Linux 6.18. */
#define _GNU_SOURCE
#include "denial_words.h"

#include <sys/syscall.h>

#define END \
	{ \
		0, NULL \
	}

static const struct denial_word clone_flags[] = {
	{ 0x20000, "CLONE_NEWNS" },
	{ 0x2000000, "CLONE_NEWCGROUP" },
	{ 0x4000000, "CLONE_NEWUTS" },
	{ 0x8000000, "CLONE_NEWIPC" },
	{ 0x10000000, "CLONE_NEWUSER" },
	{ 0x20000000, "CLONE_NEWPID" },
	{ 0x40000000, "CLONE_NEWNET" },
	{ 0x10000, "CLONE_THREAD" },
	{ 0x4000, "CLONE_VFORK" },
	{ 0x100, "CLONE_VM" },
	END,
};
/* unshare(2) and setns(2) know one more; in clone(2) the bit is part of the exit signal. */
static const struct denial_word namespace_flags[] = {
	{ 0x80, "CLONE_NEWTIME" },
	{ 0x20000, "CLONE_NEWNS" },
	{ 0x2000000, "CLONE_NEWCGROUP" },
	{ 0x4000000, "CLONE_NEWUTS" },
	{ 0x8000000, "CLONE_NEWIPC" },
	{ 0x10000000, "CLONE_NEWUSER" },
	{ 0x20000000, "CLONE_NEWPID" },
	{ 0x40000000, "CLONE_NEWNET" },
	END,
};
static const struct denial_word families[] = {
	{ 1, "AF_UNIX" },     { 2, "AF_INET" },
	{ 10, "AF_INET6" },   { 15, "AF_KEY" },
	{ 16, "AF_NETLINK" }, { 17, "AF_PACKET" },
	{ 21, "AF_RDS" },     { 29, "AF_CAN" },
	{ 30, "AF_TIPC" },    { 31, "AF_BLUETOOTH" },
	{ 38, "AF_ALG" },     { 40, "AF_VSOCK" },
	{ 44, "AF_XDP" },     END,
};
static const struct denial_word socket_types[] = {
	{ 1, "SOCK_STREAM" },
	{ 2, "SOCK_DGRAM" },
	{ 3, "SOCK_RAW" },
	{ 4, "SOCK_RDM" },
	{ 5, "SOCK_SEQPACKET" },
	{ 10, "SOCK_PACKET" },
	END,
};
static const struct denial_word protocols[] = { { 262, "IPPROTO_MPTCP" }, END };
static const struct denial_word requests[] = {
	{ 0x5412, "TIOCSTI" },
	{ 0x541c, "TIOCLINUX" },
	{ 0x5423, "TIOCSETD" },
	END,
};
static const struct denial_word memfd_flags[] = {
	{ 0x1, "MFD_CLOEXEC" },	    { 0x2, "MFD_ALLOW_SEALING" }, { 0x4, "MFD_HUGETLB" },
	{ 0x8, "MFD_NOEXEC_SEAL" }, { 0x10, "MFD_EXEC" },	  END,
};
static const struct denial_word modes[] = {
	{ 0020000, "S_IFCHR" },
	{ 0060000, "S_IFBLK" },
	{ 0010000, "S_IFIFO" },
	{ 0140000, "S_IFSOCK" },
	{ 04000, "S_ISUID" },
	{ 02000, "S_ISGID" },
	END,
};
static const struct denial_word rename_flags[] = {
	{ 1, "RENAME_NOREPLACE" },
	{ 2, "RENAME_EXCHANGE" },
	{ 4, "RENAME_WHITEOUT" },
	END,
};
/* Of SOL_IPV6, and of SOL_SOCKET; only these are refused, and no two have one number. */
static const struct denial_word socket_options[] = {
	{ 20, "IPV6_ADD_MEMBERSHIP" },
	{ 42, "MCAST_JOIN_GROUP" },
	{ 46, "MCAST_JOIN_SOURCE_GROUP" },
	{ 26, "SO_ATTACH_FILTER" },
	{ 50, "SO_ATTACH_BPF" },
	{ 51, "SO_ATTACH_REUSEPORT_CBPF" },
	{ 52, "SO_ATTACH_REUSEPORT_EBPF" },
	END,
};
static const struct denial_word process_options[] = { { 22, "PR_SET_SECCOMP" }, END };
static const struct denial_word filter_operations[] = {
	{ 0, "SECCOMP_SET_MODE_STRICT" },
	{ 1, "SECCOMP_SET_MODE_FILTER" },
	END,
};
static const struct denial_word priority_of[] = {
	{ 0, "PRIO_PROCESS" },
	{ 1, "PRIO_PGRP" },
	{ 2, "PRIO_USER" },
	END,
};
/* linux/ioprio.h */
static const struct denial_word io_priority_of[] = {
	{ 1, "IOPRIO_WHO_PROCESS" },
	{ 2, "IOPRIO_WHO_PGRP" },
	{ 3, "IOPRIO_WHO_USER" },
	END,
};
static const struct denial_word policies[] = {
	{ 0, "SCHED_OTHER" }, { 1, "SCHED_FIFO" }, { 2, "SCHED_RR" },
	{ 3, "SCHED_BATCH" }, { 5, "SCHED_IDLE" }, END,
};
static const struct denial_word personas[] = {
	{ 0x40000, "ADDR_NO_RANDOMIZE" },
	{ 0x100000, "MMAP_PAGE_ZERO" },
	{ 0x400000, "READ_IMPLIES_EXEC" },
	{ 0x8, "PER_LINUX32" },
	END,
};
static const struct denial_word traces[] = {
	{ 0, "PTRACE_TRACEME" },	{ 1, "PTRACE_PEEKTEXT" },   { 2, "PTRACE_PEEKDATA" },
	{ 4, "PTRACE_POKETEXT" },	{ 5, "PTRACE_POKEDATA" },   { 12, "PTRACE_GETREGS" },
	{ 13, "PTRACE_SETREGS" },	{ 16, "PTRACE_ATTACH" },    { 0x4204, "PTRACE_GETREGSET" },
	{ 0x4205, "PTRACE_SETREGSET" }, { 0x4206, "PTRACE_SEIZE" }, END,
};
static const struct denial_word bpf_commands[] = {
	{ 0, "BPF_MAP_CREATE" },
	{ 1, "BPF_MAP_LOOKUP_ELEM" },
	{ 2, "BPF_MAP_UPDATE_ELEM" },
	{ 5, "BPF_PROG_LOAD" },
	{ 6, "BPF_OBJ_PIN" },
	{ 7, "BPF_OBJ_GET" },
	{ 8, "BPF_PROG_ATTACH" },
	{ 17, "BPF_RAW_TRACEPOINT_OPEN" },
	{ 18, "BPF_BTF_LOAD" },
	{ 28, "BPF_LINK_CREATE" },
	END,
};
static const struct denial_word key_operations[] = {
	{ 0, "KEYCTL_GET_KEYRING_ID" },
	{ 1, "KEYCTL_JOIN_SESSION_KEYRING" },
	{ 2, "KEYCTL_UPDATE" },
	{ 3, "KEYCTL_REVOKE" },
	{ 5, "KEYCTL_SETPERM" },
	{ 6, "KEYCTL_DESCRIBE" },
	{ 8, "KEYCTL_LINK" },
	{ 10, "KEYCTL_SEARCH" },
	{ 11, "KEYCTL_READ" },
	{ 18, "KEYCTL_SESSION_TO_PARENT" },
	END,
};
static const struct denial_word resources[] = {
	{ 0, "RLIMIT_CPU" },	{ 1, "RLIMIT_FSIZE" }, { 2, "RLIMIT_DATA" },
	{ 3, "RLIMIT_STACK" },	{ 4, "RLIMIT_CORE" },  { 6, "RLIMIT_NPROC" },
	{ 7, "RLIMIT_NOFILE" }, { 9, "RLIMIT_AS" },    END,
};
static const struct denial_word mount_flags[] = {
	{ 0x1, "MS_RDONLY" },	   { 0x20, "MS_REMOUNT" },
	{ 0x1000, "MS_BIND" },	   { 0x2000, "MS_MOVE" },
	{ 0x4000, "MS_REC" },	   { 0x20000, "MS_UNBINDABLE" },
	{ 0x40000, "MS_PRIVATE" }, { 0x80000, "MS_SLAVE" },
	{ 0x100000, "MS_SHARED" }, END,
};
static const struct denial_word clocks[] = {
	{ 0, "CLOCK_REALTIME" },
	{ 1, "CLOCK_MONOTONIC" },
	{ 11, "CLOCK_TAI" },
	END,
};
static const struct denial_word log_actions[] = {
	{ 2, "SYSLOG_ACTION_READ" },
	{ 3, "SYSLOG_ACTION_READ_ALL" },
	{ 5, "SYSLOG_ACTION_CLEAR" },
	{ 10, "SYSLOG_ACTION_SIZE_BUFFER" },
	END,
};

/* First what most payloads run into. */
const struct denial_argument denial_arguments[] = {
	{ SYS_clone, 0, "flags", DENIAL_FLAGS, UINT32_MAX, clone_flags },
	{ SYS_unshare, 0, "flags", DENIAL_FLAGS, UINT32_MAX, namespace_flags },
	{ SYS_setns, 1, "type", DENIAL_FLAGS, UINT32_MAX, namespace_flags },
	{ SYS_socket, 0, "domain", DENIAL_WORD, UINT32_MAX, families },
	{ SYS_socket, 1, "type", DENIAL_WORD, 0xf, socket_types },
	{ SYS_socket, 2, "protocol", DENIAL_WORD, UINT32_MAX, protocols },
	{ SYS_socketpair, 0, "domain", DENIAL_WORD, UINT32_MAX, families },
	{ SYS_socketpair, 1, "type", DENIAL_WORD, 0xf, socket_types },
	{ SYS_ioctl, 1, "request", DENIAL_WORD, UINT32_MAX, requests },
	{ SYS_memfd_create, 1, "flags", DENIAL_FLAGS, UINT32_MAX, memfd_flags },
	{ SYS_mknodat, 2, "mode", DENIAL_MODE, UINT16_MAX, modes },
	{ SYS_mkdirat, 2, "mode", DENIAL_MODE, UINT16_MAX, modes },
	{ SYS_openat, 3, "mode", DENIAL_MODE, UINT16_MAX, modes },
	{ SYS_fchmod, 1, "mode", DENIAL_MODE, UINT16_MAX, modes },
	{ SYS_fchmodat, 2, "mode", DENIAL_MODE, UINT16_MAX, modes },
	{ 452 /* fchmodat2 */, 2, "mode", DENIAL_MODE, UINT16_MAX, modes },
#ifdef SYS_open
	{ SYS_mknod, 1, "mode", DENIAL_MODE, UINT16_MAX, modes },
	{ SYS_mkdir, 1, "mode", DENIAL_MODE, UINT16_MAX, modes },
	{ SYS_open, 2, "mode", DENIAL_MODE, UINT16_MAX, modes },
	{ SYS_creat, 1, "mode", DENIAL_MODE, UINT16_MAX, modes },
	{ SYS_chmod, 1, "mode", DENIAL_MODE, UINT16_MAX, modes },
#endif
	{ SYS_renameat2, 4, "flags", DENIAL_FLAGS, UINT32_MAX, rename_flags },
	{ SYS_setsockopt, 2, "option", DENIAL_WORD, UINT32_MAX, socket_options },
	{ SYS_prctl, 0, "option", DENIAL_WORD, UINT32_MAX, process_options },
	{ SYS_seccomp, 0, "operation", DENIAL_WORD, UINT32_MAX, filter_operations },
	{ SYS_setpriority, 0, "which", DENIAL_WORD, UINT32_MAX, priority_of },
	{ SYS_setpriority, 1, "who", DENIAL_NUMBER, UINT32_MAX, NULL },
	{ SYS_ioprio_set, 0, "which", DENIAL_WORD, UINT32_MAX, io_priority_of },
	{ SYS_ioprio_set, 1, "who", DENIAL_NUMBER, UINT32_MAX, NULL },
	{ SYS_sched_setscheduler, 0, "pid", DENIAL_NUMBER, UINT32_MAX, NULL },
	{ SYS_sched_setscheduler, 1, "policy", DENIAL_WORD, UINT32_MAX, policies },
	{ SYS_sched_setparam, 0, "pid", DENIAL_NUMBER, UINT32_MAX, NULL },
	{ SYS_sched_setattr, 0, "pid", DENIAL_NUMBER, UINT32_MAX, NULL },
	{ SYS_prlimit64, 0, "pid", DENIAL_NUMBER, UINT32_MAX, NULL },
	{ SYS_prlimit64, 1, "resource", DENIAL_WORD, UINT32_MAX, resources },
	{ SYS_sched_setaffinity, 0, "pid", DENIAL_NUMBER, UINT32_MAX, NULL },
	{ SYS_personality, 0, "persona", DENIAL_FLAGS, UINT32_MAX, personas },
	{ SYS_ptrace, 0, "request", DENIAL_WORD, UINT64_MAX, traces },
	{ SYS_bpf, 0, "cmd", DENIAL_WORD, UINT32_MAX, bpf_commands },
	{ SYS_keyctl, 0, "operation", DENIAL_WORD, UINT32_MAX, key_operations },
	{ SYS_mount, 3, "flags", DENIAL_FLAGS, UINT64_MAX, mount_flags },
	{ SYS_clock_settime, 0, "clock", DENIAL_WORD, UINT32_MAX, clocks },
	{ SYS_clock_adjtime, 0, "clock", DENIAL_WORD, UINT32_MAX, clocks },
	{ SYS_syslog, 0, "type", DENIAL_WORD, UINT32_MAX, log_actions },
};
const size_t denial_argument_count = sizeof(denial_arguments) / sizeof(denial_arguments[0]);
