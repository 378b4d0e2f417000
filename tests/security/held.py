# SPDX-License-Identifier: Apache-2.0
"""What the tests of held memory share: how a script begins that holds some, and waits."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import lib

MIB = 1 << 20
# How long who must be ended holds it: enough to be seen, and the end of a test that fails.
WAIT = 16 * lib.PATIENCE

BEGIN = """
import ctypes, mmap, os, socket, sys, threading, time
libc = ctypes.CDLL(None, use_errno=True)
SIZE = int(sys.argv[1]) << 20
def touched(size=SIZE):
    m = mmap.mmap(-1, size)  # shared: RLIMIT_DATA does not count it
    m[::4096] = b"1" * (size // 4096)
    return m
def held():
    print("held", flush=True)
    time.sleep(float(sys.argv[2]))
    os._exit(0)
"""


def modes(actor):
    """With the kernel's count where there is one, and without."""
    return [["--without", "cgroup"]] + ([[]] if lib.has_cgroup(actor) else [])
