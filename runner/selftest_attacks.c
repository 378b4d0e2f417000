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
#define LEFT "what it would leave behind"

/* By what an attacker wants. The suite in tests/security has more, which need preparation. */
const struct attack selftest_attacks[] = {
	{ NAMES, "user namespace", "unshare", "0x10000000", NULL, EPERM, 0, BARE },
	{ NAMES, "user namespace by clone", "clone_user", "", NULL, EPERM, 0, BARE },
	{ NAMES, "user namespace by clone3", "clone3_user", "", NULL, ENOSYS, 0, BARE },
	{ NAMES, "mount namespace", "unshare", "0x20000", NULL, EPERM, 0, LAB },
	{ NAMES, "network namespace", "unshare", "0x40000000", NULL, EPERM, 0, LAB },
	{ NAMES, "pid namespace", "unshare", "0x20000000", NULL, EPERM, 0, LAB },
	{ NAMES, "UTS namespace", "unshare", "0x4000000", NULL, EPERM, 0, LAB },
	{ NAMES, "IPC namespace", "unshare", "0x8000000", NULL, EPERM, 0, LAB },
	{ NAMES, "cgroup namespace", "unshare", "0x2000000", NULL, EPERM, 0, LAB },
	{ NAMES, "time namespace", "unshare", "0x80", NULL, EPERM, 0, LAB },
	{ NAMES, "join a namespace", "setns", "", NULL, EPERM, 0, LAB },
	{ NAMES, "mount", "mount", "", NULL, EPERM, 0, LAB },
	{ NAMES, "unmount", "umount", "", NULL, EPERM, 0, LAB },
	{ NAMES, "remount", "remount", "", NULL, EPERM, 0, LAB },
	{ NAMES, "change a mount's attributes", "mount_setattr", "", NULL, EPERM, 0, LAB },
	{ NAMES, "copy a mount (open_tree)", "open_tree", "", NULL, EPERM, 0, LAB },
	{ NAMES, "move a mount", "move_mount", "", NULL, EPERM, 0, LAB },
	{ NAMES, "new file system (fsopen)", "fsopen", "", NULL, EPERM, 0, LAB },
	{ NAMES, "chroot", "chroot", "", NULL, EPERM, 0, LAB },
	{ NAMES, "pivot_root", "pivot_root", "", NULL, EPERM, 0, LAB },

	{ OTHERS, "trace a process", "ptrace", "", NULL, EPERM, 0, BARE },
	{ OTHERS, "read another's memory", "process_vm_readv", "", NULL, EPERM, 0, BARE },
	{ OTHERS, "write another's memory", "process_vm_writev", "", NULL, EPERM, 0, BARE },
	{ OTHERS, "take another's descriptor", "pidfd_getfd", "", NULL, EPERM, 0, BARE },
	{ OTHERS, "compare kernel objects", "kcmp", "", NULL, EPERM, 0, BARE },
	{ OTHERS, "limit init", "limit_init", "1", "0", EPERM, 0, BARE },
	{ OTHERS, "init's priority", "set_priority", "0,1", "0,0", EPERM, 0, BARE },
	{ OTHERS, "init's I/O priority", "set_ioprio", "1,1", "1,0", EPERM, 0, BARE },
	{ OTHERS, "init's scheduling", "set_scheduler", "scheduler,1", "scheduler,0", EPERM, 0,
	  BARE },
	{ OTHERS, "init's command line", "command_line", "/proc/1/cmdline", "/proc/self/cmdline",
	  ENODATA, 0, BARE },
	{ OTHERS, "init's environment", "open_read", "/proc/1/environ", "/proc/self/environ",
	  EACCES, 0, BARE },
	{ OTHERS, "init's memory", "open_read", "/proc/1/mem", "/proc/self/mem", EACCES, 0, BARE },
	{ OTHERS, "init's descriptors", "open_read", "/proc/1/fd", "/proc/self/fd", EACCES, 0,
	  BARE },
	{ OTHERS, "signal the caller", "kill", "@pid", NULL, ESRCH, 0, BARE },

	{ KERNEL, "keyctl", "keyctl", "", NULL, EPERM, 0, BARE },
	{ KERNEL, "add_key", "add_key", "", NULL, EPERM, 0, BARE },
	{ KERNEL, "io_uring", "io_uring", "", NULL, ENOSYS, 0, BARE },
	{ KERNEL, "userfaultfd", "userfaultfd", "", NULL, EPERM, 0, BARE },
	{ KERNEL, "fanotify", "fanotify_user", "", NULL, EPERM, 0, BARE },
	{ KERNEL, "a second seccomp listener", "listener", "", NULL, EINVAL, 0, BARE },
	{ KERNEL, "a socket filter", "attach", "26", NULL, EPERM, 0, BARE },
	{ KERNEL, "a filter for a group of sockets", "attach", "51", NULL, EPERM, 0, BARE },
	{ KERNEL, "a seccomp filter", "filter", "seccomp", NULL, EINVAL, 0, BARE },
	{ KERNEL, "a seccomp filter by prctl", "filter", "prctl", NULL, EINVAL, 0, BARE },
	{ KERNEL, "name_to_handle_at", "name_to_handle", "", NULL, EPERM, 0, BARE },
	{ KERNEL, "sched_setaffinity", "affinity", "", NULL, EPERM, 0, BARE },
	{ KERNEL, "personality", "personality", "", NULL, EPERM, 0, BARE },
	{ KERNEL, "no random addresses", "no_randomize", "", NULL, EPERM, 0, BARE },
	{ KERNEL, "set_mempolicy", "mbind", "", NULL, EPERM, 0, BARE },
	{ KERNEL, "modify_ldt", "modify_ldt", "", NULL, EPERM, 0, BARE },
	{ KERNEL, "type into a terminal", "type", "", NULL, EPERM, 0, BARE },

	{ NET, "AF_NETLINK socket", "socket", "16,2,0", NULL, EAFNOSUPPORT, 0, BARE },
	{ NET, "AF_PACKET socket", "socket", "17,2,0", NULL, EAFNOSUPPORT, 0, LAB },
	{ NET, "AF_ALG socket", "socket", "38,5,0", NULL, EAFNOSUPPORT, 0, BARE },
	{ NET, "AF_VSOCK socket", "socket", "40,1,0", NULL, EAFNOSUPPORT, 0, BARE },
	{ NET, "AF_XDP socket", "socket", "44,3,0", NULL, EPERM, 0, LAB },
	{ NET, "AF_TIPC socket", "socket", "30,5,0", NULL, EAFNOSUPPORT, 0, BARE },
	{ NET, "AF_BLUETOOTH socket", "socket", "31,3,1", NULL, EPERM, 0, LAB },
	{ NET, "AF_RDS socket", "socket", "21,5,0", NULL, EAFNOSUPPORT, 0, BARE },
	{ NET, "AF_KEY socket", "socket", "15,3,2", NULL, EPERM, 0, LAB },
	{ NET, "raw socket", "socket", "2,3,1", NULL, EPERM, 0, LAB },
	{ NET, "raw IPv6 socket", "socket", "10,3,58", NULL, EPERM, 0, LAB },
	{ NET, "MPTCP socket", "socket", "2,1,262", NULL, EPROTONOSUPPORT, 0, BARE },
	{ NET, "SCTP socket", "socket", "2,1,132", NULL, EPROTONOSUPPORT, 0, BARE },
	{ NET, "reach the loopback device", "udp", "127.0.0.1", NULL, ENETUNREACH, 0, ABLATED },
	{ NET, "a TCP server of the host", "tcp", "@tcp", NULL, EACCES, ENETUNREACH, BARE },
	{ NET, "an abstract socket of the host", "unix", "@abstract", NULL, ECONNREFUSED, 0, BARE },

	{ CODE, "run what it wrote", "exec_tmp", "", NULL, EACCES, 0, ABLATED },
	{ CODE, "map what it wrote as code", "mmap_exec", "", NULL, EPERM, 0, ABLATED },
	{ CODE, "run a program from memory", "memfd_plain", "", NULL, EACCES, ENOSYS, BARE },
	{ CODE, "from executable memory", "memfd_exec", "", NULL, EACCES, ENOSYS, BARE },

	{ ABSENT, "homes", "open_read", "/home", NULL, ENOENT, 0, BARE },
	{ ABSENT, "/sys", "open_read", "/sys/kernel", NULL, ENOENT, 0, BARE },
	{ ABSENT, "/var", "open_read", "/var", NULL, ENOENT, 0, BARE },
	{ ABSENT, "/etc/shadow", "stat", "/etc/shadow", NULL, ENOENT, 0, BARE },
	{ ABSENT, "/etc/machine-id", "stat", "/etc/machine-id", NULL, ENOENT, 0, BARE },
	{ ABSENT, "the kernel's settings", "open_read", "/proc/sys/kernel/osrelease", NULL, ENOENT,
	  0, BARE },
	{ ABSENT, "/proc/kallsyms", "open_read", "/proc/kallsyms", NULL, ENOENT, 0, BARE },
	{ ABSENT, "/proc/keys", "open_read", "/proc/keys", NULL, ENOENT, 0, BARE },
	{ ABSENT, "/proc/meminfo", "open_read", "/proc/meminfo", NULL, ENOENT, 0, BARE },
	{ ABSENT, "/proc/mounts", "open_read", "/proc/self/../mounts", NULL, ENOENT, 0, BARE },
	{ ABSENT, "/proc/cmdline", "open_read", "/proc/cmdline", NULL, ENOENT, 0, BARE },
	{ ABSENT, "/proc/loadavg", "open_read", "/proc/loadavg", NULL, ENOENT, 0, BARE },
	{ ABSENT, "the kernel's log", "stat", "/dev/kmsg", NULL, ENOENT, 0, BARE },
	{ ABSENT, "a pseudo terminal", "open_read", "/dev/ptmx", NULL, ENOENT, 0, BARE },
	{ ABSENT, "a writable /usr", "write_usr", "", NULL, EROFS, 0, LAB },

	{ RIGHTS, "uid 0", "setuid0", "", NULL, EINVAL, 0, LAB },
	{ RIGHTS, "gid 0", "setgid0", "", NULL, EINVAL, 0, LAB },
	{ RIGHTS, "raise a capability", "capset", "", NULL, EPERM, 0, LAB },
	{ RIGHTS, "an ambient capability", "ambient", "", NULL, EPERM, 0, LAB },
	{ RIGHTS, "capabilities left to gain", "bounding", "", NULL, EPERM, 0, BARE },
	{ RIGHTS, "change the securebits", "securebits", "", NULL, EPERM, 0, LAB },
	{ RIGHTS, "privileges from exec", "new_privs", "", NULL, EPERM, 0, BARE },
	{ RIGHTS, "raise its own limits", "raise_files", "", NULL, EPERM, 0, BARE },
	{ RIGHTS, "set the host name", "sethostname", "", NULL, EPERM, 0, LAB },

	{ CALLER, "its environment", "environment", "RUNNER_SELFTEST", NULL, ENOENT, 0, BARE },
	{ CALLER, "its session", "session", "", NULL, EPERM, 0, ABLATED },
	{ CALLER, "its open files", "fd", "@fd", NULL, EBADF, 0, BARE },
	{ CALLER, "its keys", "session_keyring", "@key", NULL, EPERM, 0, BARE },

	{ LEFT, "a set-user-ID file", "special_file", "fchmodat_uid", NULL, EPERM, 0, ABLATED },
	{ LEFT, "set-user-ID by fchmodat2", "special_file", "fchmodat2_uid", NULL, EPERM, 0,
	  ABLATED },
	{ LEFT, "a file made set-user-ID", "special_file", "openat_uid", NULL, EPERM, 0, ABLATED },
	{ LEFT, "by openat2", "special_file", "openat2_uid", NULL, ENOSYS, 0, ABLATED },
	{ LEFT, "a nameless one, then named", "special_file", "tmpfile_uid", NULL, EPERM, 0,
	  ABLATED },
	{ LEFT, "a node made set-group-ID", "special_file", "mknodat_untyped_gid", NULL, EPERM, 0,
	  ABLATED },
	{ LEFT, "a set-group-ID directory", "special_file", "mkdirat_gid", NULL, EPERM, 0,
	  ABLATED },
	{ LEFT, "a whiteout by rename", "special_file", "rename_whiteout", NULL, EPERM, 0,
	  ABLATED },
	{ LEFT, "a whiteout by mknod", "special_file", "mknodat_whiteout", NULL, EPERM, 0,
	  ABLATED },
	{ LEFT, "a core dump to a handler", "core_limit", "old", NULL, EPERM, ENODEV, BARE },
	{ NULL, NULL, NULL, NULL, NULL, 0, 0, BARE },
};
