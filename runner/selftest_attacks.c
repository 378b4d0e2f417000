/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stddef.h>

#include "selftest.h"

#define BARE CONTROL_BARE
#define LAB CONTROL_LAB
#define ABLATED CONTROL_ABLATED
#define NAMES "new namespaces and mounts"
#define OTHERS "other processes"
#define KERNEL "kernel interfaces with a history"
#define NET "sockets and networks"
#define CODE "programs from where they must not come"
#define ABSENT "what is not there"
#define RIGHTS "privileges"
#define CALLER "what is the caller's"

/* By what an attacker wants. The suite in tests/security has more, which need preparation. */
const struct attack selftest_attacks[] = {
	{ NAMES, "user namespace", "unshare", "0x10000000", NULL, EPERM, BARE },
	{ NAMES, "user namespace by clone", "clone_user", "", NULL, EPERM, BARE },
	{ NAMES, "user namespace by clone3", "clone3_user", "", NULL, ENOSYS, BARE },
	{ NAMES, "mount namespace", "unshare", "0x20000", NULL, EPERM, LAB },
	{ NAMES, "network namespace", "unshare", "0x40000000", NULL, EPERM, LAB },
	{ NAMES, "pid namespace", "unshare", "0x20000000", NULL, EPERM, LAB },
	{ NAMES, "UTS namespace", "unshare", "0x4000000", NULL, EPERM, LAB },
	{ NAMES, "IPC namespace", "unshare", "0x8000000", NULL, EPERM, LAB },
	{ NAMES, "cgroup namespace", "unshare", "0x2000000", NULL, EPERM, LAB },
	{ NAMES, "time namespace", "unshare", "0x80", NULL, EPERM, LAB },
	{ NAMES, "join a namespace", "setns", "", NULL, EPERM, LAB },
	{ NAMES, "mount", "mount", "", NULL, EPERM, LAB },
	{ NAMES, "unmount", "umount", "", NULL, EPERM, LAB },
	{ NAMES, "remount", "remount", "", NULL, EPERM, LAB },
	{ NAMES, "change a mount's attributes", "mount_setattr", "", NULL, EPERM, LAB },
	{ NAMES, "copy a mount (open_tree)", "open_tree", "", NULL, EPERM, LAB },
	{ NAMES, "move a mount", "move_mount", "", NULL, EPERM, LAB },
	{ NAMES, "new file system (fsopen)", "fsopen", "", NULL, EPERM, LAB },
	{ NAMES, "chroot", "chroot", "", NULL, EPERM, LAB },
	{ NAMES, "pivot_root", "pivot_root", "", NULL, EPERM, LAB },

	{ OTHERS, "trace a process", "ptrace", "", NULL, EPERM, BARE },
	{ OTHERS, "read another's memory", "process_vm_readv", "", NULL, EPERM, BARE },
	{ OTHERS, "write another's memory", "process_vm_writev", "", NULL, EPERM, BARE },
	{ OTHERS, "advise on another's memory", "process_madvise", "", NULL, EPERM, BARE },
	{ OTHERS, "take another's descriptor", "pidfd_getfd", "", NULL, EPERM, BARE },
	{ OTHERS, "compare kernel objects", "kcmp", "", NULL, EPERM, BARE },
	{ OTHERS, "limit init", "limit_init", "1", NULL, EPERM, ABLATED },
	{ OTHERS, "init's environment", "open_read", "/proc/1/environ", "/proc/self/environ",
	  EACCES, BARE },
	{ OTHERS, "init's memory", "open_read", "/proc/1/mem", "/proc/self/mem", EACCES, BARE },
	{ OTHERS, "init's descriptors", "open_read", "/proc/1/fd", "/proc/self/fd", EACCES, BARE },
	{ OTHERS, "signal the caller", "kill", "@pid", NULL, ESRCH, BARE },

	{ KERNEL, "keyctl", "keyctl", "", NULL, EPERM, BARE },
	{ KERNEL, "add_key", "add_key", "", NULL, EPERM, BARE },
	{ KERNEL, "io_uring", "io_uring", "", NULL, ENOSYS, BARE },
	{ KERNEL, "userfaultfd", "userfaultfd", "", NULL, EPERM, BARE },
	{ KERNEL, "fanotify", "fanotify_user", "", NULL, EPERM, BARE },
	{ KERNEL, "a second seccomp listener", "listener", "", NULL, EBUSY, BARE },
	{ KERNEL, "name_to_handle_at", "name_to_handle", "", NULL, EPERM, BARE },
	{ KERNEL, "sched_setaffinity", "affinity", "", NULL, EPERM, BARE },
	{ KERNEL, "personality", "personality", "", NULL, EPERM, BARE },
	{ KERNEL, "no random addresses", "no_randomize", "", NULL, EPERM, BARE },
	{ KERNEL, "set_mempolicy", "mbind", "", NULL, EPERM, BARE },
	{ KERNEL, "modify_ldt", "modify_ldt", "", NULL, EPERM, BARE },
	{ KERNEL, "type into a terminal", "type", "", NULL, EPERM, BARE },

	{ NET, "AF_NETLINK socket", "socket", "16,2,0", NULL, EAFNOSUPPORT, BARE },
	{ NET, "AF_PACKET socket", "socket", "17,2,0", NULL, EAFNOSUPPORT, LAB },
	{ NET, "AF_ALG socket", "socket", "38,5,0", NULL, EAFNOSUPPORT, BARE },
	{ NET, "AF_VSOCK socket", "socket", "40,1,0", NULL, EAFNOSUPPORT, BARE },
	{ NET, "AF_XDP socket", "socket", "44,3,0", NULL, EPERM, LAB },
	{ NET, "AF_TIPC socket", "socket", "30,5,0", NULL, EAFNOSUPPORT, BARE },
	{ NET, "AF_BLUETOOTH socket", "socket", "31,3,1", NULL, EPERM, LAB },
	{ NET, "AF_RDS socket", "socket", "21,5,0", NULL, EAFNOSUPPORT, BARE },
	{ NET, "AF_KEY socket", "socket", "15,3,2", NULL, EPERM, LAB },
	{ NET, "raw socket", "socket", "2,3,1", NULL, EPERM, LAB },
	{ NET, "raw IPv6 socket", "socket", "10,3,58", NULL, EPERM, LAB },
	{ NET, "MPTCP socket", "socket", "2,1,262", NULL, EPROTONOSUPPORT, BARE },
	{ NET, "SCTP socket", "socket", "2,1,132", NULL, EPROTONOSUPPORT, BARE },
	{ NET, "reach the loopback device", "udp", "127.0.0.1", NULL, ENETUNREACH, ABLATED },
	{ NET, "a TCP server of the host", "tcp", "@tcp", NULL, EACCES, BARE },
	{ NET, "an abstract socket of the host", "unix", "@abstract", NULL, ECONNREFUSED, BARE },

	{ CODE, "run what it wrote", "exec_tmp", "", NULL, EACCES, ABLATED },
	{ CODE, "map what it wrote as code", "mmap_exec", "", NULL, EPERM, ABLATED },
	{ CODE, "run a program from memory", "memfd_plain", "", NULL, EACCES, BARE },
	{ CODE, "from executable memory", "memfd_exec", "", NULL, EACCES, BARE },

	{ ABSENT, "homes", "open_read", "/home", NULL, ENOENT, BARE },
	{ ABSENT, "/sys", "open_read", "/sys/kernel", NULL, ENOENT, BARE },
	{ ABSENT, "/var", "open_read", "/var", NULL, ENOENT, BARE },
	{ ABSENT, "/etc/shadow", "stat", "/etc/shadow", NULL, ENOENT, BARE },
	{ ABSENT, "/etc/machine-id", "stat", "/etc/machine-id", NULL, ENOENT, BARE },
	{ ABSENT, "the kernel's settings", "open_read", "/proc/sys/kernel/osrelease", NULL, ENOENT,
	  BARE },
	{ ABSENT, "/proc/kallsyms", "open_read", "/proc/kallsyms", NULL, ENOENT, BARE },
	{ ABSENT, "/proc/keys", "open_read", "/proc/keys", NULL, ENOENT, BARE },
	{ ABSENT, "/proc/meminfo", "open_read", "/proc/meminfo", NULL, ENOENT, BARE },
	{ ABSENT, "/proc/mounts", "open_read", "/proc/self/../mounts", NULL, ENOENT, BARE },
	{ ABSENT, "/proc/cmdline", "open_read", "/proc/cmdline", NULL, ENOENT, BARE },
	{ ABSENT, "/proc/loadavg", "open_read", "/proc/loadavg", NULL, ENOENT, BARE },
	{ ABSENT, "the kernel's log", "stat", "/dev/kmsg", NULL, ENOENT, BARE },
	{ ABSENT, "a pseudo terminal", "open_read", "/dev/ptmx", NULL, ENOENT, BARE },
	{ ABSENT, "a writable /usr", "write_usr", "", NULL, EROFS, LAB },

	{ RIGHTS, "uid 0", "setuid0", "", NULL, EINVAL, LAB },
	{ RIGHTS, "gid 0", "setgid0", "", NULL, EINVAL, LAB },
	{ RIGHTS, "raise a capability", "capset", "", NULL, EPERM, LAB },
	{ RIGHTS, "an ambient capability", "ambient", "", NULL, EPERM, LAB },
	{ RIGHTS, "capabilities left to gain", "bounding", "", NULL, EPERM, BARE },
	{ RIGHTS, "change the securebits", "securebits", "", NULL, EPERM, LAB },
	{ RIGHTS, "privileges from exec", "new_privs", "", NULL, EPERM, BARE },
	{ RIGHTS, "raise its own limits", "raise_files", "", NULL, EPERM, BARE },
	{ RIGHTS, "set the host name", "sethostname", "", NULL, EPERM, LAB },

	{ CALLER, "its environment", "environment", "RUNNER_SELFTEST", NULL, ENOENT, BARE },
	{ CALLER, "its session", "session", "", NULL, EPERM, ABLATED },
	{ CALLER, "its open files", "fd", "@fd", NULL, EBADF, BARE },
	{ CALLER, "its keys", "session_keyring", "@key", NULL, EPERM, BARE },
	{ NULL, NULL, NULL, NULL, NULL, 0, BARE },
};
