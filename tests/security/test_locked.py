# SPDX-License-Identifier: Apache-2.0
"""A payload that keeps its mappings locked: who has to look at them waits, runner does not.

To read a process's mappings the kernel takes the lock of its memory, which mprotect(2) of
some gigabytes holds for a long time. A helper waits for it. That runner goes on meanwhile
is seen by how soon it hands on what a payload prints all the time.
"""
import json
import os
import signal
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import lib

MS = 1000000

# By glance the six have too much, exactly they have not: so they are looked at all the time.
PAYLOAD = """
import ctypes, mmap, os, signal, sys, threading, time
libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t] + 3 * [ctypes.c_int] + [ctypes.c_long]
libc.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
def say(word):
    os.write(1, b"%s %d\\n" % (word, time.monotonic_ns()))
r, w = os.pipe()
if os.fork() == 0:
    f = os.open("/large", os.O_RDONLY)
    piece, size = 16 << 20, 8 << 30
    base = libc.mmap(None, size, 0, 0x4022, -1, 0)  # MAP_NORESERVE
    for start in range(0, size if sys.argv[1] != "0" else 0, piece):
        libc.mmap(base + start, piece, 1, 0x8011, f, 0)  # MAP_SHARED | MAP_FIXED | MAP_POPULATE
    def change():
        while True:
            libc.mprotect(base, size, 0)
            libc.mprotect(base, size, 1)
    for i in range(int(sys.argv[1])):
        threading.Thread(target=change, daemon=True).start()
    os.write(w, b"x")
    time.sleep(600)
m = mmap.mmap(-1, 500 << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
m[::4096] = b"1" * (len(m) // 4096)
for i in range(6):
    if os.fork() == 0:
        time.sleep(600)
if os.fork() == 0:
    os.read(r, 1)
    while True:
        say(b"beat")
        time.sleep(0.005)
signal.signal(signal.SIGTERM, lambda *_: say(b"term"))
while True:
    time.sleep(600)
"""


def children(pid):
    try:
        with open("/proc/%d/task/%d/children" % (pid, pid), encoding="ascii") as f:
            return [int(n) for n in f.read().split()]
    except OSError:
        return []


def state(pid):
    try:
        with open("/proc/%d/stat" % pid, encoding="utf-8", errors="replace") as f:
            return f.read().rsplit(")", 1)[1].split()[0]
    except OSError:
        return "X"


def lookers(pid):
    """The helpers of exact looks, by the name they are born with."""
    found = []
    for child in children(pid):
        try:
            with open("/proc/%d/comm" % child, encoding="ascii") as f:
                if f.read() == "look\n":
                    found.append(child)
        except OSError:
            pass
    return found


class Run:
    """One of that payload: when each line came, and what processes runner had meanwhile."""

    def __init__(self, case, actor, threads, seconds, grace="1h"):
        self.room = lib.room(actor, 0o777)
        large = os.path.join(self.room, "large")
        with open(large, "wb") as f:
            f.write(os.urandom(1 << 20) * 16)
        script = lib.write(os.path.join(self.room, "s.py"), PAYLOAD, 0o644, actor)
        self.path = os.path.join(lib.room(actor), "report.json")
        self.begun = time.monotonic_ns()
        self.process = subprocess.Popen(lib.as_actor(actor, [
            lib.RUNNER, "exec", "--without", "cgroup", "--memory", "2g", "--timeout",
            "%ds" % seconds, "--grace", grace, "--ro-bind", large + ":/large", "--report",
            self.path, script, str(threads)]), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        case.addCleanup(self.process.stderr.close)
        self.beats, self.late, self.helpers, self.most = [], [], set(), 0
        self.sent = self.answered = None
        self.signals = seconds < 60
        self.over = threading.Event()
        case.addCleanup(self.process.wait)
        case.addCleanup(self.process.kill)
        self.watcher = threading.Thread(target=self.watch, daemon=True)
        self.watcher.start()

    def watch(self):
        while not self.over.wait(0.002):
            found = lookers(self.process.pid)
            self.helpers.update(found)
            self.most = max(self.most, len(found))

    def read(self, until=None):
        """Until the condition holds, or the end. A signal is sent after the first beats."""
        rest = b""
        while not (until and until()):
            data = os.read(self.process.stdout.fileno(), 65536)
            now = time.monotonic_ns()
            if not data:
                return False
            *lines, rest = (rest + data).split(b"\n")
            for word, stamp in (line.split() for line in lines):
                self.late.append(now - int(stamp))
                if word == b"term":
                    self.answered = int(stamp)
                    continue
                self.beats.append(int(stamp))
                if self.signals and len(self.beats) > 20 and not self.sent and self.helpers:
                    self.sent = time.monotonic_ns()
                    self.process.send_signal(signal.SIGTERM)
        return True

    def stop_a_helper(self):
        """The next one that is caught; it is somewhere in its look then."""
        seen = 0
        while self.read(until=lambda: len(self.beats) > seen):
            seen = len(self.beats)
            for pid in lookers(self.process.pid):
                try:
                    os.kill(pid, signal.SIGSTOP)
                except ProcessLookupError:
                    continue
                if lib.wait_until(lambda p=pid: state(p) in "TZX", 20) and state(pid) == "T":
                    return pid
        raise AssertionError("no helper was seen")

    def end(self):
        self.process.stdout.close()
        self.process.wait(60 * lib.PATIENCE)
        self.over.set()
        self.watcher.join()
        if os.path.exists(self.path):
            with open(self.path, encoding="utf-8") as f:
                return json.load(f)
        return None


class Locked(lib.PerActor):
    def test_runner_goes_on(self):
        if lib.PATIENCE > 1:
            self.skipTest("what is late is told by the clock, and this machine is emulated")

        def check(actor):
            for threads in (8, 0):
                with self.subTest(threads=threads):
                    r = Run(self, actor, threads, 12)
                    r.read()
                    report = r.end()
                    late = sum(n > 100 * MS for n in r.late) / max(1, len(r.late))
                    said = "%r, late %.3f of %d, at most %d ms, signal %d ms, end %d ms" % (
                        report["reason"], late, len(r.late), max(r.late, default=0) // MS,
                        ((r.answered or 0) - (r.sent or 0)) // MS, (r.beats[-1] - r.begun) // MS)
                    self.assertEqual(report["reason"], "wall_time", said)
                    self.assertGreater(len(r.beats), 100, said)
                    self.assertTrue(r.helpers, said)
                    self.assertEqual(r.most, 1, said)
                    # That it was locked, and only then. (As a user init cannot be looked at.)
                    if threads or actor == "root":
                        self.assertEqual("memory: processes that cannot be looked at exactly"
                                         in report["approximate"], threads > 0, said)
                    # Who waits for the lock is late a quarter of the time, and half a second.
                    self.assertLess(late, 0.1, said)
                    self.assertLess(r.answered - r.sent, 500 * MS, said)
                    # All die with init, at once: the last beat is when the limit acted.
                    self.assertLess(r.beats[-1] - r.begun, 12500 * MS, said)
                    self.assertGreater(r.beats[-1] - r.begun, 11500 * MS, said)
        self.each(check)

    def test_a_helper_that_does_not_answer(self):
        """It is killed, another goes on, and the run with it."""
        def check(actor):
            r = Run(self, actor, 0, 60)
            for i in range(3):
                pid = r.stop_a_helper()
                self.assertTrue(lib.wait_until(lambda p=pid: not lib.alive(p), 20))
            seen = len(r.beats)
            r.read(until=lambda: len(r.beats) > seen + 50)
            r.process.send_signal(signal.SIGTERM)
            r.read(until=lambda: r.answered)
            r.process.send_signal(signal.SIGTERM)
            r.read()
            report = r.end()
            self.assertEqual(report["reason"], "canceled")
        self.each(check)

    def test_a_helper_holds_nothing_and_dies_with_runner(self):
        def check(actor):
            r = Run(self, actor, 0, 60)
            # It may be caught before it has closed the rest: on a busy machine mostly.
            until = time.monotonic() + 30 * lib.PATIENCE
            while True:
                pid = r.stop_a_helper()
                held = os.listdir("/proc/%d/fd" % pid) if os.geteuid() == 0 else []
                if len(held) <= 3 or time.monotonic() > until:
                    break
                os.kill(pid, signal.SIGCONT)
            held = [os.readlink("/proc/%d/fd/%s" % (pid, n)) for n in held]
            self.assertEqual([n for n in held if n not in ("/", "/proc") and not n.endswith("/smaps")], [])
            r.process.kill()
            self.assertTrue(lib.wait_until(lambda: not lib.alive(pid), 20))
            r.read()
            r.end()
        self.each(check)

    def test_a_run_that_ends_in_the_middle_of_a_look(self):
        """What the helper has open is none of runner's: its own stderr has such a number."""
        def check(actor):
            for _ in range(3):
                r = Run(self, actor, 0, 600, "50ms")
                r.stop_a_helper()
                r.process.send_signal(signal.SIGTERM)
                err = r.process.stderr.read().decode()
                self.assertEqual(r.end()["reason"], "canceled", err)
                self.assertEqual(r.process.returncode, 128 + signal.SIGTERM)
                self.assertIn("runner: canceled: runner was sent signal 15", err)
        self.each(check)


if __name__ == "__main__":
    lib.main()
