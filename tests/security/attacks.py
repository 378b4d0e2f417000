# SPDX-License-Identifier: Apache-2.0
"""The table of attacks: what is tried, what must answer, and the control.

Each row: name, the probe's words, the errno it must get inside (or a tuple of
them), and where the very same probe must succeed, so that a denial means
something:

    bare         outside, as an ordinary user
    root         outside, as root (only probes that harm nothing)
    lab          outside, as root of a disposable user, mount and pid namespace
    without:A,B  inside, with those layers left out
    with:OPTIONS inside, with those options

`denied` names the layer that the report's denial record must show. `control_probe`
is the same attempt on the control's own ground, where the path differs.
`maybe_absent`: a kernel may lack the thing altogether; its control then says so
and the row is skipped, never passed.
"""
from errno import (EACCES, EAFNOSUPPORT, ECONNREFUSED, EINVAL, ENETUNREACH, ENOENT, ENOSPC,
                   ENOSYS, EPERM, EPROTONOSUPPORT, EROFS, ESRCH, EBADF, ENOMEM, ENODEV)

SECCOMP = "seccomp"


MEMFD_NOEXEC = "/proc/sys/vm/memfd_noexec"  # Linux 6.3


def row(name, probe, expect, control, denied=None, options=(), actors=("root", "user"),
        operation=None, control_probe=None, maybe_absent=False, needs=None):
    return dict(name=name, probe=probe, expect=expect, control=control, denied=denied,
                options=list(options), actors=actors, operation=operation,
                control_probe=control_probe or probe, maybe_absent=maybe_absent, needs=needs)


ATTACKS = [
    # namespaces, mounts, roots
    row("new user namespace", ["unshare", "0x10000000"], EPERM, "bare", SECCOMP, operation="unshare"),
    row("new user namespace by clone", ["clone_user"], EPERM, "bare", SECCOMP, operation="clone"),
    row("new user namespace by clone3", ["clone3_user"], ENOSYS, "bare"),
    row("user namespace, second wall", ["unshare", "0x10000000"], ENOSPC, "bare",
        options=["--without", "seccomp", "--without", "memfd"]),
    row("new mount namespace", ["unshare", "0x20000"], EPERM, "lab", SECCOMP, operation="unshare"),
    row("mount namespace, second wall", ["unshare", "0x20000"], EPERM, "lab",
        options=["--without", "seccomp", "--without", "memfd"]),
    row("new network namespace", ["unshare", "0x40000000"], EPERM, "lab", SECCOMP),
    row("new pid namespace", ["unshare", "0x20000000"], EPERM, "lab", SECCOMP),
    row("mount", ["mount"], EPERM, "lab", SECCOMP, operation="mount"),
    row("mount, second wall", ["mount"], EPERM, "lab",
        options=["--without", "seccomp", "--without", "memfd"]),
    row("umount", ["umount"], EPERM, "lab", SECCOMP),
    row("chroot", ["chroot"], EPERM, "lab", SECCOMP),
    row("open_tree", ["open_tree"], EPERM, "lab", SECCOMP),
    row("fsopen", ["fsopen"], EPERM, "lab", SECCOMP),
    row("setns", ["setns"], EPERM, "lab", SECCOMP),
    # other processes
    row("ptrace", ["ptrace"], EPERM, "bare", SECCOMP),
    row("process_vm_readv", ["process_vm_readv"], EPERM, "bare", SECCOMP),
    row("pidfd_getfd", ["pidfd_getfd"], EPERM, "bare", SECCOMP),
    row("kcmp", ["kcmp"], EPERM, "bare", SECCOMP),
    row("init's limits", ["limit_init", "1"], EPERM, "bare", "init_guard", operation="prlimit64",
        control_probe=["limit_init", "0"]),
    row("init's environment", ["open_read", "/proc/1/environ"], EACCES, "bare",
        control_probe=["open_read", "/proc/self/environ"]),
    # kernel interfaces
    row("bpf", ["bpf"], EPERM, "root", "filter_attach"),
    row("userfaultfd", ["userfaultfd"], EPERM, "root", SECCOMP),
    row("keyctl", ["keyctl"], EPERM, "bare", SECCOMP),
    row("add_key", ["add_key"], EPERM, "bare", SECCOMP),
    row("io_uring", ["io_uring"], ENOSYS, "bare"),
    row("name_to_handle_at", ["name_to_handle"], EPERM, "bare", SECCOMP),
    row("sched_setaffinity", ["affinity"], EPERM, "bare", SECCOMP),
    row("personality", ["personality"], EPERM, "bare", SECCOMP),
    row("syslog", ["syslog"], EPERM, "root", SECCOMP),
    row("set_mempolicy", ["mbind"], EPERM, "bare", SECCOMP),
    row("fanotify", ["fanotify"], EPERM, "root", SECCOMP),
    row("modify_ldt", ["modify_ldt"], EPERM, "bare", SECCOMP),
    # sockets
    row("AF_NETLINK", ["socket", "16,2,0"], EAFNOSUPPORT, "bare", SECCOMP, operation="socket"),
    row("AF_PACKET", ["socket", "17,2,0"], EAFNOSUPPORT, "root", SECCOMP),
    row("AF_ALG", ["socket", "38,5,0"], EAFNOSUPPORT, "bare", SECCOMP, maybe_absent=True),
    row("AF_VSOCK", ["socket", "40,1,0"], EAFNOSUPPORT, "bare", SECCOMP, maybe_absent=True),
    row("raw socket", ["socket", "2,3,1"], EPERM, "root", SECCOMP),
    row("MPTCP", ["socket", "2,1,262"], EPROTONOSUPPORT, "bare", SECCOMP, maybe_absent=True),
    row("UDP to the internet", ["udp", "192.0.2.1"], ENETUNREACH, "lab-route"),
    row("UDP to loopback", ["udp", "127.0.0.1"], ENETUNREACH, "with:--network loopback"),
    # programs
    row("exec from /tmp", ["exec_tmp"], EACCES, "without:noexec,landlock"),
    row("exec from /tmp, Landlock alone", ["exec_tmp"], EACCES, "without:noexec,landlock",
        options=["--without", "noexec"]),
    row("exec from /tmp, noexec alone", ["exec_tmp"], EACCES, "without:noexec,landlock",
        options=["--without", "landlock"]),
    row("map code from /tmp", ["mmap_exec"], EPERM, "without:noexec"),
    row("exec from an executable memfd", ["memfd_exec"], EACCES, "bare", needs=MEMFD_NOEXEC,
        options=["--without", "uncounted"]),
    row("exec from a plain memfd", ["memfd_plain"], EACCES, "bare",
        options=["--without", "uncounted"]),
    row("memfd, sysctl alone", ["memfd_exec"], EACCES, "bare", actors=("root",),
        options=["--without", "seccomp", "--without", "uncounted"], needs=MEMFD_NOEXEC),
    # what is not there
    row("read /etc/shadow", ["stat", "/etc/shadow"], ENOENT, "root"),
    row("see the caller's home", ["stat", "/root"], ENOENT, "root"),
    row("see /sys", ["stat", "/sys/kernel"], ENOENT, "bare"),
    row("see /var", ["stat", "/var"], ENOENT, "bare"),
    row("read kernel sysctls", ["open_read", "/proc/sys/kernel/osrelease"], ENOENT, "bare"),
    row("read /proc/kallsyms", ["open_read", "/proc/kallsyms"], ENOENT, "bare"),
    row("read /proc/keys", ["open_read", "/proc/keys"], ENOENT, "bare"),
    row("read /proc/kcore", ["stat", "/proc/kcore"], ENOENT, "bare", maybe_absent=True),
    row("read /proc/meminfo", ["open_read", "/proc/meminfo"], ENOENT, "without:proc_subset"),
    row("write core_pattern", ["stat", "/proc/sys/kernel/core_pattern"], ENOENT,
        "without:proc_subset"),
    row("trigger sysrq", ["stat", "/proc/sysrq-trigger"], ENOENT, "without:proc_subset",
        maybe_absent=True),
    row("open /dev/kmsg", ["open_read", "/dev/kmsg"], ENOENT, "root"),
    row("open /dev/mem", ["stat", "/dev/mem"], ENOENT, "root", maybe_absent=True),
    row("open a terminal", ["stat", "/dev/tty"], ENOENT, "bare"),
    # the root is sealed
    row("write in /usr", ["create", "/usr/probe"], EROFS, "lab-usr"),
    row("write in /", ["create", "/probe"], EROFS, "lab-root"),
    # privileges
    row("setuid 0", ["setuid0"], EINVAL, "root"),
    row("setgroups", ["setgroups"], EPERM, "root"),
    row("raise a capability", ["capset"], EPERM, "root"),
    row("ambient capability", ["ambient"], EPERM, "lab-ambient"),
    row("bounding set", ["bounding"], EPERM, "bare"),
    row("new privileges", ["new_privs"], EPERM, "bare"),
    row("set the host name", ["sethostname"], EPERM, "lab-uts", SECCOMP),
    row("make a device", ["mknod", "/tmp/null"], EPERM, "root-room", "special_files"),
    row("fork under no-fork", ["fork"], EPERM, "with:--profile default", SECCOMP,
        options=["--profile", "strategy"], operation="clone"),
]
