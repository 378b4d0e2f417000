# SPDX-License-Identifier: Apache-2.0
"""Out of a chroot, for the tests.

In a chroot(2) the kernel makes user namespaces for nobody (user_namespaces(7)), so no
ordinary user can run anything, and neither can the controls of many tests. There root
takes a mount namespace of its own and makes the directory its root, as a container's
engine would: every path stays what it was, and what the tests find is a host. What runner
does in a chroot is told by test_hosts.py, which makes some.
"""
import ctypes
import os
import platform
import subprocess

CLONE_NEWNS = 0x20000
AT_FDCWD, AT_EMPTY_PATH, AT_RECURSIVE = -100, 0x1000, 0x8000
OPEN_TREE_CLONE, MOVE_MOUNT_F_EMPTY_PATH = 1, 4
MS_REC, MS_PRIVATE, MNT_DETACH = 0x4000, 0x40000, 2
OPEN_TREE, MOVE_MOUNT, PIDFD_OPEN, MOUNT_SETATTR = 428, 429, 434, 442
PIVOT_ROOT = 155 if platform.machine() == "x86_64" else 41

LIBC = ctypes.CDLL(None, use_errno=True)


def call(result, what):
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, "%s: %s" % (what, os.strerror(code)))
    return result


def has_user_namespaces():
    return subprocess.run(["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups",
                           "--", "unshare", "--user", "true"],
                          stderr=subprocess.DEVNULL).returncode == 0


def take():
    """From here on "/" is the root of a mount namespace of this process's own."""
    cwd = os.getcwd()
    private = (ctypes.c_uint64 * 4)(0, 0, MS_PRIVATE, 0)
    call(LIBC.unshare(CLONE_NEWNS), "unshare")
    tree = call(LIBC.syscall(OPEN_TREE, AT_FDCWD, b"/", OPEN_TREE_CLONE | AT_RECURSIVE),
                "open_tree")
    call(LIBC.syscall(MOUNT_SETATTR, tree, b"", AT_EMPTY_PATH | AT_RECURSIVE, private,
                      ctypes.c_size_t(32)), "mount_setattr")
    ourselves = call(LIBC.syscall(PIDFD_OPEN, os.getpid(), 0), "pidfd_open")
    # setns(2) to the namespace one is in leads to its root, out of any chroot.
    call(LIBC.setns(ourselves, CLONE_NEWNS), "setns")
    call(LIBC.mount(None, b"/", None, ctypes.c_ulong(MS_REC | MS_PRIVATE), None), "mount")
    call(LIBC.syscall(MOVE_MOUNT, tree, b"", AT_FDCWD, b"/", MOVE_MOUNT_F_EMPTY_PATH),
         "move_mount")
    os.fchdir(tree)
    call(LIBC.syscall(PIVOT_ROOT, b".", b"."), "pivot_root")
    call(LIBC.umount2(b".", MNT_DETACH), "umount2")
    os.close(tree)
    os.close(ourselves)
    os.chdir(cwd)


def take_if_needed():
    if os.geteuid() == 0 and not has_user_namespaces():
        take()
