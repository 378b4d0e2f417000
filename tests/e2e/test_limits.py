# SPDX-License-Identifier: Apache-2.0
"""Processes, CPUs, and the run's own cgroup."""
import json
import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import lib

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


class Pids(lib.Scripts):
    def test_one_more_than_allowed(self):
        def check(actor):
            for limit in (20, 100):
                r = self.run_script(["--pids", str(limit)], FORKS, actor)
                self.assertEqual(r.out, "%d True\n" % limit, repr(r))
                if lib.has_cgroup(actor):
                    self.assertEqual((r.report["pids"]["enforced_by"],
                                      r.report["pids"]["limit_hit"]), ("cgroup", True))
                    self.assertIn(r.report["pids"]["peak"], (None, limit))
            r = lib.sandbox(["--pids", "20"], ["--", "true"], actor)
            self.assertIn(r.report["pids"]["limit_hit"], (None, False))
        self.each(check)

    def test_fork_bombs(self):
        def check(actor):
            for name, text in BOMBS.items():
                path = lib.write(os.path.join(lib.room("root", 0o755),
                                              "bomb-%d-%s.py" % (os.getpid(), actor)), text)
                started = time.monotonic()
                p = subprocess.Popen(
                    lib.as_actor(actor, [lib.RUNNER, "exec", "--timeout", "1s", "--pids", "64",
                                         "--report", "-", path]),
                    stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
                # The host can still fork meanwhile.
                most = 0
                while p.poll() is None and time.monotonic() - started < 1:
                    subprocess.run(["true"], check=True)
                    most = max(most, lib.processes(os.path.basename(path)))
                out, _ = p.communicate(timeout=60)
                report = json.loads(out[out.index(b"{\n"):])
                self.assertEqual((report["reason"], report["survivors"]), ("wall_time", 0), name)
                self.assertLess(report["wall_ms"], 30000, name)
                self.assertGreater(most, 1, name)  # control: they are seen
                self.assertEqual(lib.processes(os.path.basename(path)), 0, name)
        self.each(check)


class Cpus(lib.Scripts):
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
            if not lib.has_cgroup(actor):
                r = lib.sandbox(["--cpus", "0.5"], ["--", "true"], actor)
                self.assertEqual(r.report["cpu_limit"]["enforced_by"], "affinity")
                self.assertEqual(r.report["cpu_limit"]["effective_cpus"], 1)
                return
            r = self.run_script(["--cpus", "0.5", "--env", "N=2", "--env", "S=5"], self.BURN, actor)
            used = r.report["cpu"]["user_ms"] + r.report["cpu"]["system_ms"]
            part = used / r.report["wall_ms"]
            # On a crowded machine it gets less; that it was held back shows in the periods.
            self.assertLess(part, 0.55, repr(r.report))
            self.assertEqual(r.report["cpu_limit"]["enforced_by"], "cgroup")
            self.assertGreater(r.report["cpu_limit"]["throttled_periods"], 0)
        self.each(check)

    def test_an_affinity_that_the_payload_may_set(self):
        """Then it is no limit: refused, or, without any policy, not called one."""
        if len(os.sched_getaffinity(0)) < 2:
            self.skipTest("needs two CPUs")
        room = lib.room()

        def policy(*rules):
            return lib.write("%s/%d.json" % (room, len(rules) and hash(str(rules)) % 1000003),
                             json.dumps({"extends": "default", "syscalls": list(rules)}))
        rule = {"names": ["sched_setaffinity"], "action": "SCMP_ACT_ALLOW"}
        its_own = dict(rule, args=[{"index": 0, "op": "SCMP_CMP_EQ", "value": 0}])
        # Another thread is named by its number, and so may be the payload itself.
        by_number = dict(rule, args=[{"index": 0, "op": "SCMP_CMP_NE", "value": 0}])
        # The size of a mask: any that holds the CPUs will do.
        one_size = dict(rule, args=[{"index": 1, "op": "SCMP_CMP_EQ", "value": 128}])
        widen = "import os; os.sched_setaffinity(0, {0, 1}); print(len(os.sched_getaffinity(0)))"
        mask = ("import ctypes\n"
                "assert ctypes.CDLL(None).sched_setaffinity(0, 128, (ctypes.c_ulong * 16)(3)) == 0\n")
        otherwise = {policy(by_number): widen.replace("(0, {", "(os.getpid(), {"),
                     policy(one_size): mask + "import os; print(len(os.sched_getaffinity(0)))"}

        def check(actor):
            if lib.has_cgroup(actor):
                without = ["--without", "cgroup"]
            else:
                without = []
            for loose in (policy(rule), policy(its_own), policy(by_number), policy(one_size),
                          policy(dict(rule, action="SCMP_ACT_LOG"))):
                r = lib.sandbox(without + ["--cpus", "1", "--seccomp", loose], ["--", "true"], actor)
                self.assertEqual((r.status, r.report["reason"]), (125, "rejected"), repr(r))
                self.assertIn("limit cpus rests on CPU affinity", r.err)
                # control: without the limit it may
                self.ok(self.run_script(without + ["--cpus", "unlimited", "--seccomp", loose],
                                        otherwise.get(loose, widen), actor), "2\n")
            r = lib.sandbox(without + ["--cpus", "1", "--seccomp", policy()], ["--", "nproc"], actor)
            self.assertEqual((r.out, r.report["cpu_limit"]["enforced_by"]), ("1\n", "affinity"))
            r = self.run_script(without + ["--cpus", "1", "--without", "seccomp"], widen, actor)
            self.assertEqual((r.out, r.report["cpu_limit"]["enforced_by"]), ("2\n", "nothing"))
        self.each(check)

    def test_a_whole_cpu(self):
        def check(actor):
            if os.cpu_count() < 2:
                self.skipTest("there is only one")
            r = self.run_script(["--cpus", "1", "--env", "N=2", "--env", "S=2"], self.BURN, actor)
            used = r.report["cpu"]["user_ms"] + r.report["cpu"]["system_ms"]
            self.assertLess(used / r.report["wall_ms"], 1.1, repr(r.report))
        self.each(check)


class Cgroup(lib.Scripts):
    def test_require(self):
        def check(actor):
            r = lib.sandbox(["--require", "cgroup"], ["--", "echo", "ran"], actor)
            if lib.has_cgroup(actor):
                self.assertEqual((r.status, r.out), (0, "ran\n"), repr(r))
                self.assertEqual(r.report["layers"]["cgroup"]["state"], "on")
            else:
                self.assertEqual((r.status, r.out, r.report["reason"]), (125, "", "rejected"))
                self.assertIn("a cgroup is required and there is none to be had", r.err)
                self.assertIn("hint: ", r.err)
                self.assertEqual(lib.doctor(actor, "cgroup")["state"], "weak")
                self.assertTrue(lib.doctor(actor, "cgroup")["remedy"])
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
            if not lib.has_cgroup(actor):
                self.skipTest("no cgroup here")
            for command in ("true", "exit 3", "kill -9 $$", "sleep 60 & exit 0"):
                lib.sandbox([], ["--", "sh", "-c", command], actor)
            lib.sandbox(["--timeout", "100ms"], ["--", "sleep", "60"], actor)
            lib.sandbox([], ["--", "/does/not/exist"], actor)
            self.assertEqual(lib.cgroups(actor), [])
        self.each(check)

    def test_what_a_killed_runner_left_is_swept(self):
        def check(actor):
            if not lib.has_cgroup(actor):
                self.skipTest("no cgroup here")
            base = lib.cgroup_base(actor)
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
                mine = [n for n in lib.cgroups(actor) if n != "runner-1-not-ours"]
                self.assertEqual(len(mine), 1)
                # Another run in between leaves the living one alone.
                self.ok(lib.sandbox([], ["--", "true"], actor))
                self.assertIn(mine[0], lib.cgroups(actor))
                p.kill()
                p.communicate()
                end = time.monotonic() + 20
                while mine[0] in lib.cgroups(actor) and time.monotonic() < end:
                    self.ok(lib.sandbox([], ["--", "true"], actor))
                self.assertEqual(lib.cgroups(actor), ["runner-1-not-ours"])
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


if __name__ == "__main__":
    lib.main()
