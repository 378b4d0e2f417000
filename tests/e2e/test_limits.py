# SPDX-License-Identifier: Apache-2.0
"""Limits hold, and the verdict knows why. With a cgroup and without."""
import json
import os
import signal
import subprocess
import sys
import threading
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import lib

MIB = 1 << 20

TOUCH = """
import mmap, sys
size = int(sys.argv[1]) << 20
m = mmap.mmap(-1, size)
for i in range(0, size, 4096):
    m[i] = 1
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
print("survived")
"""

SHARED = """
import os, time
b = bytearray(200 << 20)
for k in range(0, len(b), 4096):
    b[k] = 1
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

FORKS = """
import errno, os, signal
pids = []
why = 0
while len(pids) < 500:
    try:
        pid = os.fork()
    except OSError as e:
        why = e.errno
        break
    if pid == 0:
        signal.pause()
        os._exit(0)
    pids.append(pid)
print(len(pids) + 1, why == errno.EAGAIN)
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

BOMBS = {
    "fork": "import os\nwhile True:\n    try: os.fork()\n    except OSError: pass\n",
    "double fork and setsid": """
import os
while True:
    try:
        if os.fork() == 0:
            os.setsid()
            if os.fork() != 0:
                os._exit(0)
    except OSError:
        pass
""",
    "threads": """
import threading, time
while True:
    try: threading.Thread(target=time.sleep, args=(600,)).start()
    except RuntimeError: pass
""",
    "exec chain": """
import os, sys
try:
    os.fork()
except OSError:
    pass
os.execv(sys.executable, [sys.executable] + sys.argv)
""",
}


def doctor(actor):
    text = lib.run([lib.RUNNER, "doctor", "--json"], actor).out
    return json.loads(text)["layers"]["cgroup"]


def has_cgroup(actor):
    return doctor(actor)["state"] == "ok"


def base_of(actor):
    return doctor(actor)["detail"].split(" below ")[1]


def cgroups(actor):
    return [n for n in os.listdir(base_of(actor)) if n.startswith("runner-")]


def processes():
    return sum(1 for n in os.listdir("/proc") if n.isdigit())


class Limits(lib.PerActor):
    def script(self, text):
        return lib.write(os.path.join(lib.room("root", 0o755), "s.py"), text)

    def run_script(self, options, text, actor, *args):
        return lib.sandbox(options, [self.script(text)] + list(args), actor)


class Memory(Limits):
    def test_page_by_page(self):
        def check(actor):
            r = self.run_script(["--memory", "512m", "--timeout", "5m"], TOUCH, actor, "600")
            m = r.report["memory"]
            self.assertEqual((r.report["reason"], r.report["causes"], r.status),
                             ("memory", ["memory"], 137), repr(r))
            self.assertEqual(r.report["nearest_limit"]["name"], "memory")
            self.assertEqual(r.report["survivors"], 0)
            if has_cgroup(actor):
                self.assertEqual((m["enforced_by"], m["peak_of"]), ("cgroup", "tree"))
                self.assertLess(abs(m["peak_bytes"] - 512 * MIB), 512 * MIB * 0.05)
                self.assertGreater(m["oom_kills"], 0)
            else:
                self.assertEqual(m["enforced_by"], "rlimit_data and watchdog")
                self.assertGreater(m["peak_bytes"], 512 * MIB)
            r = self.run_script(["--memory", "800m", "--timeout", "5m"], TOUCH, actor, "600")
            self.assertEqual((r.report["reason"], r.out), ("exited", "survived\n"), repr(r))
        self.each(check)

    def test_a_tree_dies_as_one(self):
        def check(actor):
            r = self.run_script(["--memory", "512m", "--timeout", "5m"], TREE, actor, "100")
            self.assertEqual((r.report["reason"], r.out), ("memory", ""), repr(r))
            self.assertEqual(r.report["survivors"], 0)
            r = self.run_script(["--memory", "512m", "--timeout", "5m"], TREE, actor, "40")
            self.assertEqual((r.report["reason"], r.out), ("exited", "survived\n"), repr(r))
        self.each(check)

    def test_what_fork_shares_is_counted_once(self):
        self.each(lambda actor: self.assertEqual(
            self.run_script(["--memory", "512m"], SHARED, actor).out, "survived\n"))

    def test_what_the_kernel_holds_counts(self):
        def check(actor):
            if not has_cgroup(actor):
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
            if not has_cgroup(actor):
                self.skipTest("without a cgroup the kernel does not count it")
            room = lib.room(actor, 0o777)
            fs = subprocess.run(["stat", "-f", "-c", "%T", room], stdout=subprocess.PIPE,
                                text=True).stdout.strip()
            r = lib.sandbox(["--memory", "64m", "--bind", room + ":/work"],
                            ["--", "sh", "-c", "head -c 200m /dev/zero >/work/f && echo survived"],
                            actor)
            if fs == "tmpfs":
                self.assertEqual(r.report["reason"], "memory", repr(r))
            else:
                self.assertEqual(r.out, "survived\n", repr(r))
            self.assertGreater(r.report["memory"]["peak_bytes"], 60 * MIB)
        self.each(check)

    def test_a_memfd_is_seen_by_the_watchdog(self):
        def check(actor):
            if has_cgroup(actor):
                self.skipTest("the cgroup counts it")
            text = HELD["memfd"].replace("survived", "there") + "import time\ntime.sleep(60)\n"
            r = self.run_script(["--memory", "64m"], text, actor)
            if "there" in r.out or r.report["reason"] == "memory":
                self.assertEqual(r.report["reason"], "memory", repr(r))
            r = self.run_script(["--memory", "512m"], HELD["memfd"], actor)
            self.assertEqual(r.out, "survived\n", repr(r))
        self.each(check)

    def test_memory_high_slows_down(self):
        def check(actor):
            options = ["--memory", "256m", "--memory-high", "32m", "--timeout", "20s"]
            r = self.run_script(options, TOUCH, actor, "48")
            if has_cgroup(actor):
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


class Forged(Limits):
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


class Pids(Limits):
    def test_one_more_than_allowed(self):
        def check(actor):
            for limit in (20, 100):
                r = self.run_script(["--pids", str(limit)], FORKS, actor)
                self.assertEqual(r.out, "%d True\n" % limit, repr(r))
                if has_cgroup(actor):
                    self.assertEqual((r.report["pids"]["enforced_by"],
                                      r.report["pids"]["limit_hit"]), ("cgroup", True))
                    self.assertIn(r.report["pids"]["peak"], (None, limit))
            r = lib.sandbox(["--pids", "20"], ["--", "true"], actor)
            self.assertIn(r.report["pids"]["limit_hit"], (None, False))
        self.each(check)

    def test_fork_bombs(self):
        def check(actor):
            before = processes()
            for name, text in BOMBS.items():
                path = self.script(text)
                started = time.monotonic()
                p = subprocess.Popen(
                    lib.as_actor(actor, [lib.RUNNER, "exec", "--timeout", "2s", "--pids", "64",
                                         "--report", "fd:1", path]),
                    stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
                # The host can still fork meanwhile.
                while p.poll() is None and time.monotonic() - started < 2:
                    subprocess.run(["true"], check=True)
                out, _ = p.communicate(timeout=60)
                report = json.loads(out[out.index(b"{\n"):])
                self.assertEqual((report["reason"], report["survivors"]), ("wall_time", 0), name)
                self.assertLess(report["wall_ms"], 3000, name)
            self.assertLess(abs(processes() - before), 6)
        self.each(check)


class Cpus(Limits):
    BURN = """
import os, time
for i in range(int(os.environ["N"]) - 1):
    if os.fork() == 0:
        break
end = time.monotonic() + float(os.environ["S"])
while time.monotonic() < end:
    pass
"""

    def test_parts_of_a_cpu(self):
        def check(actor):
            if not has_cgroup(actor):
                r = lib.sandbox(["--cpus", "0.5"], ["--", "true"], actor)
                self.assertEqual(r.report["cpu_limit"]["enforced_by"], "affinity")
                self.assertEqual(r.report["cpu_limit"]["effective_cpus"], 1)
                return
            r = self.run_script(["--cpus", "0.5", "--env", "N=2", "--env", "S=5"], self.BURN, actor)
            used = r.report["cpu"]["user_ms"] + r.report["cpu"]["system_ms"]
            part = used / r.report["wall_ms"]
            self.assertLess(abs(part - 0.5), 0.05, repr(r.report))
            self.assertEqual(r.report["cpu_limit"]["enforced_by"], "cgroup")
            self.assertGreater(r.report["cpu_limit"]["throttled_periods"], 0)
        self.each(check)

    def test_a_whole_cpu(self):
        def check(actor):
            if os.cpu_count() < 2:
                self.skipTest("there is only one")
            r = self.run_script(["--cpus", "1", "--env", "N=2", "--env", "S=2"], self.BURN, actor)
            used = r.report["cpu"]["user_ms"] + r.report["cpu"]["system_ms"]
            self.assertLess(used / r.report["wall_ms"], 1.1, repr(r.report))
        self.each(check)


class Cgroup(Limits):
    def test_require(self):
        def check(actor):
            r = lib.sandbox(["--require", "cgroup"], ["--", "echo", "ran"], actor)
            if has_cgroup(actor):
                self.assertEqual((r.status, r.out), (0, "ran\n"), repr(r))
                self.assertEqual(r.report["layers"]["cgroup"]["state"], "on")
            else:
                self.assertEqual((r.status, r.out, r.report["reason"]), (125, "", "rejected"))
                self.assertIn("a cgroup is required and there is none to be had", r.err)
                self.assertIn("hint: ", r.err)
                self.assertEqual(doctor(actor)["state"], "weak")
                self.assertTrue(doctor(actor)["remedy"])
                r = lib.sandbox([], ["--", "true"], actor)
                self.assertEqual(r.report["layers"]["cgroup"]["state"], "unavailable")
                self.assertTrue(r.report["layers"]["cgroup"]["because"])
        self.each(check)

    def test_its_paths_do_not_show(self):
        def check(actor):
            r = lib.sandbox([], ["--", "cat", "/proc/self/cgroup"], actor)
            self.assertNotIn("runner-", r.out)
            for line in r.out.splitlines():
                self.assertTrue(line.endswith(":/"), line)
        self.each(check)

    def test_none_is_left(self):
        def check(actor):
            if not has_cgroup(actor):
                self.skipTest("no cgroup here")
            for command in ("true", "exit 3", "kill -9 $$", "sleep 60 & exit 0"):
                lib.sandbox([], ["--", "sh", "-c", command], actor)
            lib.sandbox(["--timeout", "100ms"], ["--", "sleep", "60"], actor)
            lib.sandbox([], ["--", "/does/not/exist"], actor)
            self.assertEqual(cgroups(actor), [])
        self.each(check)

    def test_what_a_killed_runner_left_is_swept(self):
        def check(actor):
            if not has_cgroup(actor):
                self.skipTest("no cgroup here")
            base = base_of(actor)
            foreign = os.path.join(base, "runner-1-not-ours")
            os.mkdir(foreign)
            holder = subprocess.Popen(["sleep", "300"])
            try:
                with open(os.path.join(foreign, "cgroup.procs"), "w", encoding="utf-8") as f:
                    f.write(str(holder.pid))
                p = subprocess.Popen(lib.as_actor(actor, [lib.RUNNER, "exec", "--", "sh", "-c",
                                                          "echo ready; sleep 300"]),
                                     stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                     stderr=subprocess.DEVNULL)
                p.stdout.readline()
                mine = [n for n in cgroups(actor) if n != "runner-1-not-ours"]
                self.assertEqual(len(mine), 1)
                # Another run in between leaves the living one alone.
                self.ok(lib.sandbox([], ["--", "true"], actor))
                self.assertIn(mine[0], cgroups(actor))
                p.kill()
                p.communicate()
                end = time.monotonic() + 20
                while mine[0] in cgroups(actor) and time.monotonic() < end:
                    self.ok(lib.sandbox([], ["--", "true"], actor))
                self.assertEqual(cgroups(actor), ["runner-1-not-ours"])
                self.assertIsNone(holder.poll())
            finally:
                holder.kill()
                holder.wait()
                for _ in range(1000):
                    try:
                        os.rmdir(foreign)
                        break
                    except FileNotFoundError:
                        break
                    except OSError:
                        time.sleep(0.002)
        self.each(check)


class Many(Limits):
    def test_sixty_four_at_once(self):
        def check(actor):
            running = [subprocess.Popen(
                lib.as_actor(actor, [lib.RUNNER, "exec", "--", "sh", "-c",
                                     "echo %d; exit %d" % (i, i)]),
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                text=True) for i in range(64)]
            for i, p in enumerate(running):
                out, err = p.communicate(timeout=300)
                self.assertEqual((p.returncode, out), (i, "%d\n" % i), err)
            if has_cgroup(actor):
                self.assertEqual(cgroups(actor), [])
        self.each(check)

    def test_sleepers_run_side_by_side(self):
        def check(actor):
            argv = lib.as_actor(actor, [lib.RUNNER, "exec", "--", "sleep", "1"])
            before = time.monotonic()
            for p in [subprocess.Popen(argv) for _ in range(5)]:
                p.wait()
            self.assertLess(time.monotonic() - before, 2.5)
        self.each(check)

    def test_from_threads(self):
        def check(actor):
            results = []

            def one(i):
                results.append((i, lib.sandbox([], ["--", "sh", "-c", "exit %d" % i], actor).status))
            threads = [threading.Thread(target=one, args=(i,)) for i in range(8)]
            for t in threads:
                t.start()
            for t in threads:
                t.join()
            self.assertEqual(sorted(results), [(i, i) for i in range(8)])
        self.each(check)


class Caller(Limits):
    """Who started it: when that process ends, the run does; a thread may end."""
    STARTER = """
import os, signal, subprocess, sys, threading, time
# Whoever runs the tests may have been started by nohup.
signal.signal(signal.SIGHUP, signal.SIG_IGN if sys.argv[1] == "alone" else signal.SIG_DFL)
def start():
    global p
    p = subprocess.Popen(sys.argv[2:], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                         stderr=subprocess.DEVNULL, text=True)
    assert p.stdout.readline() == "ready\\n"
t = threading.Thread(target=start)
t.start()
t.join()
print(p.pid, flush=True)
if sys.argv[1] == "thread":
    time.sleep(1)
    print(p.poll(), flush=True)
    p.kill()
"""

    def starter(self, how, actor):
        path = self.script(self.STARTER)
        argv = [sys.executable, path, how, lib.RUNNER, "exec", "--", "sh", "-c",
                               "echo ready; sleep 300"]
        return lib.run(argv, actor)

    def gone(self, pid, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                with open("/proc/%d/stat" % pid, encoding="utf-8") as f:
                    if f.read().rsplit(")", 1)[1].split()[0] in "ZX":
                        return True
            except OSError:
                return True
            time.sleep(0.005)
        return False

    def test_the_process_ends(self):
        def check(actor):
            r = self.starter("process", actor)
            self.assertTrue(self.gone(int(r.out), 20), repr(r))
        self.each(check)

    def test_a_thread_ends(self):
        def check(actor):
            r = self.starter("thread", actor)
            self.assertEqual(r.out.splitlines()[1], "None", repr(r))
        self.each(check)

    def test_nohup_means_to_go_on(self):
        def check(actor):
            r = self.starter("alone", actor)
            pid = int(r.out)
            self.assertFalse(self.gone(pid, 0.5), repr(r))
            os.kill(pid, signal.SIGKILL)
        self.each(check)


if __name__ == "__main__":
    lib.main()
