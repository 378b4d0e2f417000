# SPDX-License-Identifier: Apache-2.0
"""A limit that was met is in the report, and whose word that is."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import lib

FILLS = """
import os, sys
f = os.open("/full/f", os.O_WRONLY | os.O_CREAT)
try:
    for i in range(int(sys.argv[1])):
        os.write(f, b"x" * 4096)
except OSError as e:
    print(e.errno)
"""

# The watchdog looks every 250 ms at least, and later where the machine is busy.
THREADS = """
import sys, threading, time
for i in range(int(sys.argv[1])):
    try:
        threading.Thread(target=time.sleep, args=(600,), daemon=True).start()
    except RuntimeError:
        print("refused")
        time.sleep(5)
        break
"""

RESERVES = """
import mmap, sys, time
held = []
try:
    for i in range(int(sys.argv[1])):
        held.append(mmap.mmap(-1, 1 << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS))
except OSError as e:
    print(e.errno)
    time.sleep(5)
"""

# Children that burn a fifth of a second each, and whose time is nobody's.
UNWAITED = """
import os, signal, sys, time
if sys.argv[1] == "ignored":
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
for i in range(int(sys.argv[2])):
    if os.fork() == 0:
        while time.process_time() < 0.2:
            pass
        os._exit(0)
    try:
        os.waitpid(-1, 0)
    except ChildProcessError:
        pass
print("done")
"""

ALONE = ["--without", "cgroup"]


def hits(r):
    return {h["name"]: h["evidence"] for h in r.report["limit_hit"]}


class Evidence(lib.Scripts):
    def modes(self, actor):
        return [ALONE] + ([[]] if lib.has_cgroup(actor) else [])

    def test_a_full_tmpfs(self):
        def check(actor):
            for mode in self.modes(actor):
                options = mode + ["--tmpfs", "/full:1m"]
                r = self.run_script(options, FILLS, actor, "1000")
                self.assertEqual((r.out, r.report["reason"]), ("28\n", "exited"), repr(r))
                self.assertEqual(hits(r), {"tmpfs": "statfs: nothing free on /full"})
                self.assertEqual(r.report["nearest_limit"]["name"], "tmpfs")
                self.fits(r.report, "report.schema.json")
                r = self.run_script(options, FILLS, actor, "100")
                self.assertEqual((r.out, hits(r)), ("", {}), repr(r))
        self.each(check)

    def test_threads(self):
        def check(actor):
            for mode in self.modes(actor):
                r = self.run_script(mode + ["--pids", "16"], THREADS, actor, "10000")
                self.assertEqual(r.out, "refused\n", repr(r))
                self.assertIn("pids", hits(r), repr(r.report["limit_hit"]))
                self.assertTrue(r.report["pids"]["limit_hit"])
                self.assertIn(r.report["pids"]["peak"], (None, 16))
                r = self.run_script(mode + ["--pids", "16"], THREADS, actor, "10")
                self.assertEqual((r.out, hits(r)), ("", {}), repr(r))
        self.each(check)

    def test_memory_that_was_refused(self):
        def check(actor):
            r = self.run_script(ALONE + ["--memory", "64m"], RESERVES, actor, "1000")
            self.assertEqual((r.out, r.report["reason"]), ("12\n", "exited"), repr(r))
            self.assertIn("RLIMIT_DATA", hits(r)["memory"])
            self.assertEqual(r.report["nearest_limit"]["evidence"], "RLIMIT_DATA")
            r = self.run_script(ALONE + ["--memory", "64m"], RESERVES, actor, "10")
            self.assertEqual((r.out, hits(r)), ("", {}), repr(r))
        self.each(check)

    def test_what_is_approximate_is_said(self):
        def check(actor):
            r = lib.sandbox(ALONE, ["--", "sleep", "1"], actor)
            self.assertIn("memory: sampled", r.report["approximate"])
            self.assertIn("pids: sampled", r.report["approximate"])
            self.assertIsNone(r.report["io"])
            self.fits(r.report, "report.schema.json")
            if lib.has_cgroup(actor):
                r = lib.sandbox([], ["--", "sleep", "1"], actor)
                self.assertEqual(r.report["approximate"], [])
                self.assertIsNotNone(r.report["io"])
        self.each(check)


class CpuTime(lib.Scripts):
    def test_children_that_nobody_waits_for(self):
        def check(actor):
            for how in "ignored", "waited":
                options = ALONE + ["--cpu-time", "2s", "--timeout", "100s"]
                r = self.run_script(options, UNWAITED, actor, how, "400")
                self.assertEqual((r.report["reason"], r.out), ("cpu_time", ""), (how, r))
                self.assertIn("cpu_time", hits(r))
                r = self.run_script(options, UNWAITED, actor, how, "2")
                self.assertEqual((r.report["reason"], r.out), ("exited", "done\n"), (how, r))
        self.each(check)


if __name__ == "__main__":
    lib.main()
