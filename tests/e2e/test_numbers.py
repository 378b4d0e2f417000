# SPDX-License-Identifier: Apache-2.0
"""Every number of a report against somebody else's measurement of the same thing.

The payload measures itself with getrusage(2), times(2) and clock_gettime(2), this file
measures runner from outside. Bounds are as wide as the meaning allows: what runner
measures lies around what the payload saw and within what was seen from outside, on a
busy host and under emulation too.
"""
import datetime
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import lib

USAGE = """
import os, resource, sys, time
first = time.monotonic()
def used():
    u = resource.getrusage(resource.RUSAGE_SELF)
    c = resource.getrusage(resource.RUSAGE_CHILDREN)
    return u.ru_utime + c.ru_utime, u.ru_stime + c.ru_stime, max(u.ru_maxrss, c.ru_maxrss)
def burn(user, system):
    "At least so many seconds more of each."
    begin = used()
    while used()[0] - begin[0] < user:
        for i in range(100000):
            pass
    while used()[1] - begin[1] < system:
        f = open("/dev/zero", "rb", buffering=0)
        for i in range(20):
            f.read(1 << 20)
def tell():
    print(*used(), first, time.monotonic(), flush=True)
"""
# The clock of the kernel's accounting: a tick of 10 ms at HZ=100, and what splits it.
TICK_MS = 25


def ms(stamp):
    """RFC 3339 to ms of the epoch, by datetime."""
    return datetime.datetime.fromisoformat(stamp.replace("Z", "+00:00")).timestamp() * 1000


class Numbers(lib.Scripts):
    def measured(self, options, text, actor):
        """(the result, [user, system, maxrss, first, last] as the payload saw them)"""
        r = self.ok(self.run_script(options, USAGE + text, actor))
        return r, [float(w) for w in r.out.split()[-5:]]


class Times(Numbers):
    def test_cpu_time_is_what_the_payload_saw(self):
        """Each of the two by itself, of a run that makes much of one and of its opposite."""
        def check(actor):
            for user, system in ((0.4, 0.05), (0.05, 0.4)):
                r, (u, s, _, _, _) = self.measured([], "burn(%s, %s); tell()" % (user, system),
                                                   actor)
                cpu = r.report["cpu"]
                # Not below: it was used. Not above by more than starting and ending takes,
                # which the payload does not see of itself.
                self.assertGreaterEqual(cpu["user_ms"], u * 1000 - TICK_MS, repr(r))
                self.assertGreaterEqual(cpu["system_ms"], s * 1000 - TICK_MS, repr(r))
                self.assertLess(cpu["user_ms"] + cpu["system_ms"], (u + s) * 1000 * 2 + 1000)
                # The greater one is the same for both, where one is clearly greater.
                if abs(u - s) < 0.3 * (u + s):
                    continue
                self.assertEqual(cpu["user_ms"] > cpu["system_ms"], u > s, repr(r.report["cpu"]))
        self.each(check)

    def test_cpu_time_of_children_counts(self):
        def check(actor):
            r, (u, s, _, _, _) = self.measured([], """
for i in range(3):
    if os.fork() == 0:
        burn(0.15, 0.05)
        os._exit(0)
    os.wait()
tell()
""", actor)
            self.assertGreaterEqual(u, 0.4)
            self.assertGreaterEqual(r.report["cpu"]["user_ms"], u * 1000 - TICK_MS)
            self.assertGreaterEqual(r.report["cpu"]["system_ms"], s * 1000 - TICK_MS)
        self.each(check)

    def test_wall_time_lies_between_inside_and_outside(self):
        def check(actor):
            before = time.monotonic()
            r, (_, _, _, first, last) = self.measured([], "time.sleep(0.3); tell()", actor)
            after = time.monotonic()
            self.assertGreaterEqual(last - first, 0.3)
            self.assertGreaterEqual(r.report["wall_ms"], (last - first) * 1000)
            self.assertLessEqual(r.report["wall_ms"], (after - before) * 1000)
        self.each(check)

    def test_wall_time_has_the_setup_in_it(self):
        """A program of 64 MiB, which is copied in; it ends at its first instruction."""
        program = os.path.join(lib.room(), "true")
        shutil.copy(lib.TRUE, program)
        os.truncate(program, 64 << 20)
        os.chmod(program, 0o755)

        def check(actor):
            before = time.monotonic()
            r = self.ok(lib.sandbox([], [program], actor))
            after = time.monotonic()
            self.assertGreater(r.report["wall_ms"], r.report["setup_ms"])
            self.assertGreater((after - before) * 1000, r.report["wall_ms"])
        self.each(check)

    def test_setup_ends_before_the_payload_begins(self):
        """From clone to exec: proof within it, and all of it before the payload's first look."""
        def check(actor):
            before = time.monotonic()
            r, (_, _, _, first, last) = self.measured([], "time.sleep(0.05); tell()", actor)
            setup, proof = r.report["setup_ms"], r.report["proof_ms"]
            self.assertGreater(proof, 0)
            self.assertGreater(setup, proof)
            self.assertLess(setup, (first - before) * 1000)
            # set-up, then the payload, and nothing of either twice
            self.assertLessEqual(setup + (last - first) * 1000, r.report["wall_ms"])
        self.each(check)

    def test_setup_is_as_long_as_it_is(self):
        """The moment of exec, by runner's clock and by the kernel's of the payload's process."""
        def check(actor):
            offset = time.time() - time.monotonic()
            r = self.ok(self.run_script([], """
print(open("/proc/self/stat").read().rsplit(")", 1)[1].split()[19])
""", actor))
            ticks = os.sysconf("SC_CLK_TCK")
            # Since boot, when the process was made: shortly before exec, after the layers of init.
            made = int(r.out) / ticks
            since_boot = time.clock_gettime(time.CLOCK_BOOTTIME) - time.monotonic()
            started = ms(r.report["started_at"]) / 1000 - offset + since_boot
            # two clocks that are read in turn, one in whole ticks, the other in whole ms
            self.assertGreater(started + r.report["setup_ms"] / 1000, made - 1 / ticks - 0.01)
        self.each(check)

    def test_started_at_is_the_time_of_day(self):
        def check(actor):
            before = int(time.time() * 1000)
            r = self.ok(lib.sandbox([], ["--", "true"], actor))
            after = time.time() * 1000
            self.assertRegex(r.report["started_at"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
            self.assertGreaterEqual(ms(r.report["started_at"]), before)
            self.assertLessEqual(ms(r.report["started_at"]), after)
        self.each(check)

    def test_what_was_not_measured_is_null(self):
        """Nothing was started; and a set-up that did not reach exec has no length."""
        def check(actor):
            r = lib.sandbox([], ["/none.py"], actor)
            self.assertEqual(r.report["reason"], "rejected", repr(r))
            for path in ("started_at", "wall_ms", "setup_ms", "proof_ms", "survivors",
                         "nearest_limit", "cpu.user_ms", "cpu.system_ms", "memory.peak_bytes",
                         "memory.peak_of", "pids.peak", "output.stdout_bytes",
                         "output.stderr_bytes", "exit_status", "signal"):
                value = r.report
                for key in path.split("."):
                    value = value[key]
                self.assertIsNone(value, path)
            self.fits(r.report, "report.schema.json")
            r = lib.sandbox(["--cwd", "/none"], ["--", "true"], actor)
            self.assertEqual(r.report["reason"], "setup_failed", repr(r))
            self.assertIsNone(r.report["setup_ms"])
            self.assertIsNone(r.report["exit_status"])
            self.assertGreater(r.report["wall_ms"], 0)
            self.assertIn(r.report["survivors"], (0, None))
            self.fits(r.report, "report.schema.json")
            r = self.ok(lib.sandbox([], ["--", "true"], actor))
            self.assertEqual(r.report["survivors"], 0)
        self.each(check)


class Sizes(Numbers):
    def test_peak_memory(self):
        """96 MiB that are there and gone again; by VmHWM, or by the run's cgroup."""
        code = """
import re
block = bytearray(96 << 20)
for i in range(0, len(block), 4096):
    block[i] = 1
del block
hwm = int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1])
print(hwm, file=sys.stderr)
tell()
"""

        def check(actor):
            r, (_, _, maxrss, _, _) = self.measured(["--memory", "512m"], code, actor)
            memory = r.report["memory"]
            hwm = int(r.err) * 1024
            self.assertGreaterEqual(hwm, 96 << 20)
            # Per process the counters are exact to a batch of pages for each CPU (proc(5)).
            slack = (2 + os.cpu_count() // 4) << 20
            if memory["peak_of"] == "largest process":
                self.assertLess(abs(memory["peak_bytes"] - max(hwm, maxrss * 1024)), slack)
            else:
                # Of the tree: shared files count for who touched them first, so less or more.
                self.assertGreaterEqual(memory["peak_bytes"], (96 << 20) - slack)
                self.assertLess(memory["peak_bytes"], hwm + (64 << 20))
                self.assertEqual(memory["peak_of"], "tree" if lib.has_cgroup(actor)
                                 else "tree, sampled")
            self.assertEqual(memory["limit_bytes"], 512 << 20)
        self.each(check)

    def test_bytes_of_each_stream(self):
        def check(actor):
            r = self.ok(self.run_script([], """
import os
for fd, n in ((1, 123457), (2, 7654)):
    while n:
        n -= os.write(fd, b"x" * min(n, 1000))
""", actor))
            self.assertEqual((len(r.out), len(r.err)), (123457, 7654))
            out = r.report["output"]
            self.assertEqual((out["stdout_bytes"], out["stderr_bytes"]), (123457, 7654))
            self.assertEqual((out["stdout_truncated"], out["stderr_truncated"]), (False, False))
        self.each(check)

    def test_each_stream_has_a_limit_of_its_own(self):
        """One goes over it, the other does not; both ways round."""
        def check(actor):
            for over in (1, 2):
                r = self.run_script(["--output-limit", "1000"], """
import os
for fd in (1, 2):
    n = 5000 if fd == %d else 900
    while n:
        n -= os.write(fd, b"%%d" %% fd * min(n, 100))
""" % over, actor)
                self.assertEqual(r.status, 0, repr(r))
                sizes = {1: len(r.out), 2: len(re.sub("(?m)^runner: .*\n", "", r.err.replace(
                    "2runner: ", "2\nrunner: ")).replace("\n", ""))}
                self.assertEqual(sizes, {over: 1000, 3 - over: 900}, repr(r))
                out = r.report["output"]
                self.assertEqual((out["stdout_bytes"], out["stderr_bytes"]),
                                 (5000, 900) if over == 1 else (900, 5000))
                self.assertEqual((out["stdout_truncated"], out["stderr_truncated"]),
                                 (over == 1, over == 2))
                self.assertEqual(out["limit_bytes"], 1000)
                self.assertIn("%s was cut" % ("stdout" if over == 1 else "stderr"), r.err)
        self.each(check)

    def test_processes_at_once(self):
        """Of the payload, without init; without a cgroup as far as it was seen."""
        def check(actor):
            r = self.ok(self.run_script([], """
import os
r, w = os.pipe()
pids = []
for i in range(9):
    pid = os.fork()
    if pid == 0:
        os.close(w)
        os.read(r, 1)
        os._exit(0)
    pids.append(pid)
os.close(w)
for pid in pids:
    os.waitpid(pid, 0)
""", actor))
            pids = r.report["pids"]
            if pids["enforced_by"] != "cgroup":
                self.assertIn(pids["peak"], [None, *range(1, 11)])  # sampled
            elif pids["peak"] is not None:  # pids.peak: Linux 6.1
                self.assertEqual(pids["peak"], 10)
        self.each(check)


class Ends(Numbers):
    def test_every_exit_status(self):
        actor = lib.ACTORS[0]
        for status in list(range(0, 256, 5)) + [1, 2, 124, 126, 127, 128, 137, 254]:
            r = lib.sandbox([], ["--", "sh", "-c", "exit %d" % status], actor)
            self.assertEqual((r.status, r.report["exit_code"], r.report["exit_status"],
                              r.report["signal"], r.report["reason"]),
                             (status, status, status, None, "exited"))

    def test_every_signal_that_ends(self):
        """128 and the number, as a shell says; the number itself beside it."""
        actor = lib.ACTORS[-1]
        ignored = {signal.SIGCHLD, signal.SIGCONT, signal.SIGURG, signal.SIGWINCH}
        stops = {signal.SIGSTOP, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU}
        for number in sorted(set(range(1, 32)) - ignored - stops):
            r = lib.sandbox([], ["--", "sh", "-c", "kill -%d $$; exit 3" % number], actor)
            self.assertEqual((r.status, r.report["exit_code"], r.report["exit_status"],
                              r.report["signal"], r.report["reason"]),
                             (128 + number, 128 + number, None, number, "signaled"), repr(r))

    def test_the_pid_of_a_denial_is_the_hosts(self):
        """By NSpid (proc(5)) of the process that the pid names, looked at from outside."""
        def check(actor):
            path = os.path.join(lib.room(actor), "r.json")
            p = subprocess.Popen(
                lib.as_actor(actor, [lib.RUNNER, "exec", "--report", path, "--", "python3", "-c",
                                     "import ctypes, os\n"
                                     "ctypes.CDLL(None).unshare(0x10000000)\n"
                                     "print(os.getpid(), flush=True)\n"
                                     "input()"]),
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            inside = int(p.stdout.readline())
            seen = set()
            for name in os.listdir("/proc"):
                try:
                    with open("/proc/%s/status" % name, encoding="utf-8", errors="replace") as f:
                        status = f.read()
                    with open("/proc/%s/cmdline" % name, encoding="utf-8", errors="replace") as f:
                        line = f.read()
                except (OSError, ValueError):
                    continue
                ns = re.search(r"^NSpid:\s+(.*)$", status, re.M)
                if ns and len(ns[1].split()) > 1 and int(ns[1].split()[-1]) == inside and \
                        "unshare(0x10000000)" in line and name.isdigit():
                    seen.add(int(name))
            p.communicate("\n")
            with open(path, encoding="utf-8") as f:
                [d] = json.load(f)["denials"]
            self.assertIn(d["pid"], seen)
        self.each(check)


if __name__ == "__main__":
    lib.main()
