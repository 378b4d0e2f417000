/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stddef.h>

#include "selftest.h"

/* By what an attacker wants. The suite in tests/security has more, which need preparation. */
const struct attack selftest_attacks[] = {
	/* new namespaces, in which one would be root */
	{ "new user namespace", "unshare_user", "", EPERM, CONTROL_BARE },
	{ "user namespace by clone", "clone_user", "", EPERM, CONTROL_BARE },
	{ "user namespace by clone3", "clone3_user", "", ENOSYS, CONTROL_BARE },
	{ "new mount namespace", "unshare_mnt", "", EPERM, CONTROL_LAB },
	{ "new network namespace", "unshare_net", "", EPERM, CONTROL_LAB },
	{ "new pid namespace", "unshare_pid", "", EPERM, CONTROL_LAB },
	/* mounts and roots */
	{ "mount", "mount", "", EPERM, CONTROL_LAB },
	{ "chroot", "chroot", "", EPERM, CONTROL_LAB },
	{ "open_tree", "open_tree", "", EPERM, CONTROL_LAB },
	{ "fsopen", "fsopen", "", EPERM, CONTROL_LAB },
	{ "setns", "setns", "", EPERM, CONTROL_LAB },
	/* other processes */
	{ "trace a process", "ptrace", "", EPERM, CONTROL_BARE },
	{ "read another's memory", "process_vm_readv", "", EPERM, CONTROL_BARE },
	{ "take another's descriptor", "pidfd_getfd", "", EPERM, CONTROL_BARE },
	{ "compare kernel objects", "kcmp", "", EPERM, CONTROL_BARE },
	{ "limit init", "limit_init", "1", EPERM, CONTROL_ABLATED },
	/* kernel interfaces with a history */
	{ "keyctl", "keyctl", "", EPERM, CONTROL_BARE },
	{ "io_uring", "io_uring", "", ENOSYS, CONTROL_BARE },
	{ "name_to_handle_at", "name_to_handle", "", EPERM, CONTROL_BARE },
	{ "sched_setaffinity", "affinity", "", EPERM, CONTROL_BARE },
	{ "personality", "personality", "", EPERM, CONTROL_BARE },
	{ "set_mempolicy", "mbind", "", EPERM, CONTROL_BARE },
	{ "modify_ldt", "modify_ldt", "", EPERM, CONTROL_BARE },
	/* sockets */
	{ "AF_NETLINK socket", "netlink", "", EAFNOSUPPORT, CONTROL_BARE },
	{ "AF_PACKET socket", "packet", "", EAFNOSUPPORT, CONTROL_LAB },
	{ "AF_ALG socket", "alg", "", EAFNOSUPPORT, CONTROL_BARE },
	{ "AF_VSOCK socket", "vsock", "", EAFNOSUPPORT, CONTROL_BARE },
	{ "raw socket", "raw", "", EPERM, CONTROL_LAB },
	{ "MPTCP socket", "mptcp", "", EPROTONOSUPPORT, CONTROL_BARE },
	{ "reach the loopback device", "udp", "127.0.0.1", ENETUNREACH, CONTROL_ABLATED },
	/* programs from where they must not come */
	{ "run what it wrote", "exec_tmp", "", EACCES, CONTROL_ABLATED },
	{ "map what it wrote as code", "mmap_exec", "", EPERM, CONTROL_ABLATED },
	{ "run a program from memory", "memfd_plain", "", EACCES, CONTROL_BARE },
	/* what is not there */
	{ "see the caller's home", "stat", "/root", ENOENT, CONTROL_BARE },
	{ "see /sys", "stat", "/sys/kernel", ENOENT, CONTROL_BARE },
	{ "see /var", "stat", "/var", ENOENT, CONTROL_BARE },
	{ "read /etc/shadow", "stat", "/etc/shadow", ENOENT, CONTROL_BARE },
	{ "read the kernel's settings", "open_read", "/proc/sys/kernel/osrelease", ENOENT,
	  CONTROL_BARE },
	{ "read /proc/kallsyms", "open_read", "/proc/kallsyms", ENOENT, CONTROL_BARE },
	{ "read /proc/keys", "open_read", "/proc/keys", ENOENT, CONTROL_BARE },
	{ "read /proc/meminfo", "open_read", "/proc/meminfo", ENOENT, CONTROL_BARE },
	{ "open the kernel's log", "stat", "/dev/kmsg", ENOENT, CONTROL_BARE },
	{ "open a terminal", "stat", "/dev/tty", ENOENT, CONTROL_BARE },
	/* privileges */
	{ "become uid 0", "setuid0", "", EINVAL, CONTROL_LAB },
	{ "raise a capability", "capset", "", EPERM, CONTROL_LAB },
	{ "capabilities left to gain", "bounding", "", EPERM, CONTROL_BARE },
	{ "privileges from exec", "new_privs", "", EPERM, CONTROL_BARE },
	{ "set the host name", "sethostname", "", EPERM, CONTROL_LAB },
	/* what it inherits */
	{ "a variable of the caller's", "environment", "RUNNER_SELFTEST", ENOENT, CONTROL_BARE },
	{ "a session of the caller's", "session", "", EPERM, CONTROL_ABLATED },
	{ NULL, NULL, NULL, 0, CONTROL_BARE },
};
