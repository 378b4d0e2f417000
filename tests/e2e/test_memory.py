# SPDX-License-Identifier: Apache-2.0
"""The memory limit holds, with a cgroup and without, and the verdict knows why."""
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import lib

MIB = 1 << 20

TOUCH = """
import mmap, sys, time
size = int(sys.argv[1]) << 20
m = mmap.mmap(-1, size)
m[::4096] = b"1" * (size // 4096)
time.sleep(float(sys.argv[2]))
print("survived")
"""

TREE = """
import os, sys, time
def touch(size):
    b = bytearray(size)
    for k in range(0, size, 4096):
        b[k] = 1
    return b
r, w = os.pipe()
for i in range(8):
    if os.fork() == 0:
        b = touch(int(sys.argv[1]) << 20)
        os.write(w, b"x")
        time.sleep(60)
        os._exit(0)
for i in range(8):
    os.read(r, 1)
time.sleep(float(sys.argv[2]))
print("survived")
"""

SHARED = """
import os, time
b = bytearray(200 << 20)
b[::4096] = b"1" * (len(b) // 4096)
pids = []
for i in range(6):
    pid = os.fork()
    if pid == 0:
        time.sleep(1)
        os._exit(0)
    pids.append(pid)
for pid in pids:
    os.waitpid(pid, 0)
print("survived")
"""

# Shared by fork until every process writes to it: it is there once, then four times.
COPIED = """
import os, sys, time
b = bytearray(200 << 20)
b[::4096] = b"1" * (len(b) // 4096)
r, w = os.pipe()
for i in range(3):
    if os.fork() == 0:
        time.sleep(0.3)
        for k in range(0, len(b), 4096):
            b[k] = 2
        os.write(w, b"x")
        time.sleep(60)
for i in range(3):
    os.read(r, 1)
time.sleep(float(sys.argv[1]))
print("survived")
"""

# What the kernel counts besides a process's own pages.
HELD = {
    "tmpfs": """
with open("/tmp/f", "wb") as f:
    for i in range(200):
        f.write(b"x" * (1 << 20))
        f.flush()
print("survived")
""",
    "memfd": """
import ctypes, os
fd = ctypes.CDLL(None).memfd_create(b"x", 1 | 8)
if fd < 0:
    fd = ctypes.CDLL(None).memfd_create(b"x", 1)
if fd < 0:
    print("refused")
    raise SystemExit
for i in range(200):
    os.write(fd, b"x" * (1 << 20))
print("survived")
""",
    "pipes": """
import fcntl, os
ends = []
for i in range(60):
    r, w = os.pipe()
    fcntl.fcntl(w, 1031, 1 << 20)  # F_SETPIPE_SZ
    os.set_blocking(w, False)
    try:
        while os.write(w, b"x" * 65536):
            pass
    except BlockingIOError:
        pass
    ends += [r, w]
print("survived")
""",
    "sockets": """
import socket
ends = []
for i in range(400):
    a, b = socket.socketpair()
    a.setblocking(False)
    try:
        while a.send(b"x" * 32768):
            pass
    except BlockingIOError:
        pass
    ends += [a, b]
print("survived")
""",
}

class Memory(lib.Scripts):
    def test_page_by_page(self):
        def check(actor):
            r = self.run_script(["--memory", "512m", "--timeout", "5m"], TOUCH, actor, "600", "200")
            m = r.report["memory"]
            self.assertEqual((r.report["reason"], r.report["causes"], r.status),
                             ("memory", ["memory"], 137), repr(r))
            self.assertEqual(r.report["nearest_limit"]["name"], "memory")
            self.assertEqual(r.report["survivors"], 0)
            if lib.has_cgroup(actor):
                self.assertEqual((m["enforced_by"], m["peak_of"]), ("cgroup", "tree"))
                self.assertLess(abs(m["peak_bytes"] - 512 * MIB), 512 * MIB * 0.05)
                self.assertGreater(m["oom_kills"], 0)
            else:
                self.assertEqual(m["enforced_by"], "rlimit_data and watchdog")
                self.assertGreater(m["peak_bytes"], 512 * MIB)
            r = self.run_script(["--memory", "800m", "--timeout", "5m"], TOUCH, actor, "600", "0")
            self.assertEqual((r.report["reason"], r.out), ("exited", "survived\n"), repr(r))
        self.each(check)

    def test_a_tree_dies_as_one(self):
        def check(actor):
            r = self.run_script(["--memory", "512m", "--timeout", "5m"], TREE, actor, "100", "200")
            self.assertEqual((r.report["reason"], r.out), ("memory", ""), repr(r))
            self.assertEqual(r.report["survivors"], 0)
            r = self.run_script(["--memory", "512m", "--timeout", "5m"], TREE, actor, "40", "0")
            self.assertEqual((r.report["reason"], r.out), ("exited", "survived\n"), repr(r))
        self.each(check)

    def test_what_fork_shares_is_counted_once(self):
        self.each(lambda actor: self.assertEqual(
            self.run_script(["--memory", "512m"], SHARED, actor).out, "survived\n"))

    def test_what_fork_shared_counts_when_copied(self):
        def check(actor):
            r = self.run_script(["--memory", "512m", "--timeout", "5m"], COPIED, actor, "200")
            self.assertEqual((r.report["reason"], r.out), ("memory", ""), repr(r))
            r = self.run_script(["--memory", "1g"], COPIED, actor, "0")
            self.assertEqual((r.report["reason"], r.out), ("exited", "survived\n"), repr(r))
        self.each(check)

    def test_what_the_kernel_holds_counts(self):
        def check(actor):
            if not lib.has_cgroup(actor):
                self.skipTest("without a cgroup the kernel does not count it")
            for name, text in HELD.items():
                options = ["--open-files", "4096", "--tmpfs", "/tmp:512m"]
                r = self.run_script(options + ["--memory", "48m"], text, actor)
                if r.out == "refused\n":
                    continue # Linux before 6.3: a memfd cannot be sealed, so there is none
                self.assertEqual(r.report["reason"], "memory", (name, r))
                r = self.run_script(options + ["--memory", "512m"], text, actor)
                self.assertEqual(r.out, "survived\n", (name, r))
        self.each(check)

    def test_page_cache_counts_and_is_reclaimed(self):
        def check(actor):
            if not lib.has_cgroup(actor):
                self.skipTest("without a cgroup the kernel does not count it")
            room = lib.room(actor, 0o777)
            fs = subprocess.run(["stat", "-f", "-c", "%T", room], stdout=subprocess.PIPE,
                                text=True).stdout.strip()
            r = lib.sandbox(["--memory", "64m", "--bind", room + ":/data"],
                            ["--", "sh", "-c", "head -c 200m /dev/zero >/data/f && echo survived"],
                            actor)
            if fs == "tmpfs":
                self.assertEqual(r.report["reason"], "memory", repr(r))
            else:
                self.assertEqual(r.out, "survived\n", repr(r))
            self.assertGreater(r.report["memory"]["peak_bytes"], 60 * MIB)
        self.each(check)

    def test_memory_high_slows_down(self):
        def check(actor):
            options = ["--memory", "256m", "--memory-high", "32m", "--timeout", "3s"]
            r = self.run_script(options, TOUCH, actor, "48", "0")
            if lib.has_cgroup(actor):
                self.assertGreater(r.report["memory"]["high_reached"], 0, repr(r))
            else:
                self.assertEqual(r.status, 125)
                self.assertIn("limit memory_high needs a cgroup", r.err)
            r = lib.sandbox(["--memory", "64m", "--memory-high", "65m"], ["--", "true"], actor)
            self.assertEqual(r.status, 125)
            self.assertIn("memory_high is above limit memory", r.err)
        self.each(check)

    def test_a_refused_allocation_is_no_evidence(self):
        """A MemoryError is the program's own affair."""
        def check(actor):
            r = self.run_script([], "raise MemoryError", actor)
            self.assertEqual((r.report["reason"], r.report["causes"]), ("exited", ["exited"]))
        self.each(check)


class Forged(lib.Scripts):
    def test_endings(self):
        def check(actor):
            for command, reason, status in (
                    ("exit 137", "exited", 137),
                    ("kill -9 $$", "signaled", 137),
                    ("exit 124", "exited", 124),
                    ("echo '{\"reason\": \"memory\"}'; echo oom_kill 1; exit 1", "exited", 1)):
                r = lib.sandbox([], ["--", "sh", "-c", command], actor)
                self.assertEqual((r.report["reason"], r.report["causes"], r.status),
                                 (reason, [reason], status), repr(r))
        self.each(check)


if __name__ == "__main__":
    lib.main()
