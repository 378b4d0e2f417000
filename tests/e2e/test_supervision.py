# SPDX-License-Identifier: Apache-2.0
"""How a run ends, and that nothing is left when it has."""
import json
import os
import random
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import lib


def descendants(pid):
    """Every process below pid, from the host's /proc."""
    children = {}
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            with open("/proc/%s/stat" % entry, encoding="utf-8", errors="replace") as f:
                parent = int(f.read().rsplit(")", 1)[1].split()[1])
        except OSError:
            continue
        children.setdefault(parent, []).append(int(entry))
    found = []
    todo = [pid]
    while todo:
        more = children.get(todo.pop(), [])
        found += more
        todo += more
    return found


def gone(pids):
    return not any(lib.alive(p) for p in pids)


class Runs(lib.PerActor):
    def start(self, actor, options, command):
        """A run whose payload has said "ready"."""
        p = subprocess.Popen(lib.as_actor(actor, [lib.RUNNER, "exec"] + options + command),
                             stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, text=True)
        line = p.stdout.readline()
        self.assertEqual(line, "ready\n", line or p.stderr.read())
        return p


class Time(Runs):
    def test_wall_time(self):
        def check(actor):
            r = lib.sandbox(["--timeout", "200ms"], ["--", "sleep", "60"], actor)
            self.assertEqual((r.status, r.report["reason"]), (124, "wall_time"), repr(r))
            self.assertGreaterEqual(r.report["wall_ms"], 200)
            self.assertEqual(r.report["survivors"], 0)
        self.each(check)

    def test_cpu_time_of_the_whole_tree(self):
        def check(actor):
            spin = "while :; do :; done & while :; do :; done"
            r = lib.sandbox(["--cpu-time", "300ms", "--timeout", "50s"], ["--", "sh", "-c", spin],
                            actor)
            self.assertEqual((r.status, r.report["reason"]), (124, "cpu_time"), repr(r))
            used = r.report["cpu"]["user_ms"] + r.report["cpu"]["system_ms"]
            self.assertGreaterEqual(used, 290)
            self.assertLess(used, 1500)
        self.each(check)

    def test_sleeping_takes_no_cpu_time(self):
        slow = 10 if lib.PATIENCE > 1 else 1  # to start sleep takes time, too
        self.each(lambda actor: self.ok(
            lib.sandbox(["--cpu-time", "%dms" % (200 * slow)],
                        ["--", "sleep", str(0.5 * slow)], actor)))

    def test_a_stopped_payload_ends_at_the_wall_limit(self):
        def check(actor):
            r = lib.sandbox(["--timeout", "200ms"], ["--", "sh", "-c", "kill -STOP $$"], actor)
            self.assertEqual(r.report["reason"], "wall_time", repr(r))
        self.each(check)


class Output(Runs):
    def test_it_is_cut_and_drained(self):
        def check(actor):
            r = lib.sandbox(["--output-limit", "1000"],
                            ["--", "sh", "-c", "head -c 3000000 /dev/zero | tr '\\0' x; exit 5"],
                            actor)
            self.assertEqual((r.status, r.out), (5, "x" * 1000), repr(r))
            self.assertEqual(r.report["output"]["stdout_bytes"], 3000000)
            self.assertTrue(r.report["output"]["stdout_truncated"])
            self.assertFalse(r.report["output"]["stderr_truncated"])
        self.each(check)

    def test_it_may_end_the_run(self):
        def check(actor):
            r = lib.sandbox(["--output-limit", "1000", "--on-output", "kill"], ["--", "yes"], actor)
            self.assertEqual((r.status, r.report["reason"], len(r.out)), (137, "output", 1000))
        self.each(check)

    def test_exactly_the_limit_is_not_cut(self):
        def check(actor):
            r = self.ok(lib.sandbox(["--output-limit", "5"], ["--", "printf", "12345"], actor),
                        "12345")
            self.assertFalse(r.report["output"]["stdout_truncated"])
        self.each(check)

    def test_what_was_written_before_the_kill_arrives(self):
        def check(actor):
            r = lib.sandbox(["--timeout", "%dms" % (300 * lib.PATIENCE)],
                            ["--", "sh", "-c", "echo early; sleep 60"], actor)
            self.assertEqual((r.report["reason"], r.out), ("wall_time", "early\n"), repr(r))
        self.each(check)

    def test_an_orphan_that_holds_the_pipe_does_not_delay_the_end(self):
        def check(actor):
            before = time.monotonic()
            r = self.ok(lib.sandbox([], ["--", "sh", "-c", "setsid sleep 25 & echo done"], actor),
                        "done\n")
            self.assertLess(time.monotonic() - before, 20)
            self.assertEqual(r.report["survivors"], 0)
        self.each(check)

    def test_a_reader_that_leaves_ends_a_writer(self):
        def check(actor):
            p = subprocess.Popen(lib.as_actor(actor, [lib.RUNNER, "exec", "--", "yes"]),
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            p.stdout.read(10)
            p.stdout.close()
            self.assertEqual(p.wait(20), 128 + signal.SIGPIPE, p.stderr.read())
            p.stderr.close()
        self.each(check)

    def test_unlimited_output_is_counted_all_the_same(self):
        def check(actor):
            r = self.ok(lib.sandbox(["--output-limit", "unlimited"], ["--", "echo", "x"], actor),
                        "x\n")
            self.assertEqual(r.report["output"]["stdout_bytes"], 2)
        self.each(check)


class Signals(Runs):
    def test_a_signal_reaches_the_payload(self):
        def check(actor):
            for sig in (signal.SIGTERM, signal.SIGINT):
                p = self.start(actor, [], ["--", "sh", "-c", "trap 'echo got; exit 3' %s; echo ready; "
                                           "while :; do sleep 0.05; done" % sig.name[3:]])
                p.send_signal(sig)
                out, err = p.communicate(timeout=20)
                self.assertEqual((p.returncode, out), (128 + sig, "got\n"), err)
        self.each(check)

    def test_who_ignores_it_dies_after_the_grace(self):
        def check(actor):
            p = self.start(actor, ["--grace", "200ms"],
                           ["--", "sh", "-c", "trap '' TERM; echo ready; sleep 60 & wait; sleep 60"])
            tree = descendants(p.pid)
            p.send_signal(signal.SIGTERM)
            out, err = p.communicate(timeout=20)
            self.assertEqual(p.returncode, 128 + signal.SIGTERM, err)
            self.assertIn("canceled", err)
            self.assertTrue(gone(tree))
        self.each(check)

    def test_a_second_signal_does_not_wait(self):
        def check(actor):
            p = self.start(actor, ["--grace", "1h"],
                           ["--", "sh", "-c", "trap '' TERM; echo ready; while :; do sleep 1; done"])
            p.send_signal(signal.SIGTERM)
            p.send_signal(signal.SIGINT)
            p.communicate(timeout=20)
            # Both wait in the queue; the kernel hands out the lower number first.
            self.assertIn(p.returncode, (128 + signal.SIGTERM, 128 + signal.SIGINT))
        self.each(check)


class Leftovers(Runs):
    def test_kill_9_leaves_nothing(self):
        """While it runs: every process is gone, without anybody's doing."""
        def check(actor):
            p = self.start(actor, [], ["--", "sh", "-c", "sleep 300 & setsid sleep 300 & echo ready; wait"])
            tree = descendants(p.pid)
            self.assertGreaterEqual(len(tree), 4)
            p.kill()
            self.assertTrue(lib.wait_until(lambda: gone(tree), 60), tree)
            p.communicate()
        self.each(check)

    def test_kill_9_at_any_moment(self):
        """At random moments of the set-up: found again by its name, none is left."""
        def check(actor):
            name = "runner-sweep-%s-%d" % (actor, os.getpid())
            d = lib.room(actor)
            path = os.path.join(d, name)
            subprocess.run(["cp", "/bin/sleep", path], check=True)
            random.seed(7)
            for _ in range(200):
                p = subprocess.Popen(lib.as_actor(actor, [lib.RUNNER, "exec", path, "300"]),
                                     stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                     stderr=subprocess.DEVNULL)
                time.sleep(random.random() * 0.006)
                p.kill()
                p.wait()

            def left():
                found = lib.run(["pgrep", "-f", name], "root").out.split()
                return [f for f in found if lib.alive(int(f))]
            self.assertTrue(lib.wait_until(lambda: not left(), 2), left())
        self.each(check)

    def test_kill_9_at_each_step(self):
        """At system calls of the set-up, RUNNER_SWEEP apart; 1 leaves none out."""
        if os.geteuid() != 0:
            self.skipTest("only root may trace the set-up")

        def check(actor):
            name = "runner-step-%s-%d" % (actor, os.getpid())
            path = os.path.join(lib.room(actor), name)
            subprocess.run(["cp", lib.TRUE, path], check=True)
            command = lib.as_actor(actor, [lib.RUNNER, "exec", path])
            killat = os.path.join(lib.BUILD, "t/killat")
            with open("/proc/self/mountinfo", encoding="utf-8") as f:
                mounts = f.read()
            steps = int(lib.run([killat, "1000000"] + command).out.split()[-1])
            self.assertGreater(steps, 300)
            stride = int(os.environ.get("RUNNER_SWEEP", "17"))
            killed = 0
            for step in range(1 + random.randrange(stride), steps, stride):
                killed += lib.run([killat, str(step)] + command).out == "killed\n"

            def left():
                found = lib.run(["pgrep", "-f", name], "root").out.split()
                return [f for f in found if lib.alive(int(f))]
            self.assertTrue(lib.wait_until(lambda: not left(), 2), left())
            self.assertGreater(killed, steps // stride // 3)
            with open("/proc/self/mountinfo", encoding="utf-8") as f:
                self.assertEqual(f.read(), mounts)
            # A cgroup that is left goes with the next run.
            if lib.has_cgroup(actor):
                def swept():
                    self.ok(lib.sandbox([], ["--", "true"], actor))
                    return not lib.cgroups(actor)
                self.assertTrue(lib.wait_until(swept, 10), lib.cgroups(actor))
        self.each(check)

    def test_the_tree_is_real(self):
        """strace sees the payload's own execve."""
        if not any(os.access(os.path.join(p, "strace"), os.X_OK)
                   for p in os.environ["PATH"].split(":")):
            self.skipTest("strace is not installed")
        trace = os.path.join(lib.room(), "trace")
        r = lib.run(["strace", "-f", "-e", "trace=execve", "-o", trace, lib.RUNNER, "exec", "--",
                     "sh", "-c", "uname"])
        with open(trace, encoding="utf-8") as f:
            text = f.read()
        # The set-up is not dumpable: an ordinary tracer sees its calls, not its words.
        words = (r'"/usr/bin/sh", \["sh", "-c", "uname"\], ' if os.geteuid() == 0
                 else r"0x[0-9a-f]+, 0x[0-9a-f]+, ")
        self.assertRegex(text, r"execve\(%s0x[0-9a-f]+.*\) = 0" % words, repr(r))
        self.assertRegex(text, r'execve\("[^"]*/uname", \["uname"\]')

    def test_a_careless_caller(self):
        """Closed standard streams, an ignored SIGCHLD, an odd umask, few descriptors."""
        def check(actor):
            report = os.path.join(lib.room(actor, 0o777), "r.json")
            for prefix in ("exec 0<&-;", "exec 0<&- 1>&- 2>&-;", "trap '' CHLD PIPE;", "umask 777;",
                           "ulimit -n 24;"):
                r = lib.run(["sh", "-c", prefix + ' exec "$@"', "sh", lib.RUNNER, "exec",
                             "--report", report, "--", "sh", "-c", "umask; exit 7"], actor)
                self.assertEqual(r.status, 7, prefix + repr(r))
                if os.path.exists(report):
                    os.chmod(report, 0o644)
                    with open(report, encoding="utf-8") as f:
                        self.assertEqual(json.load(f)["reason"], "exited")
                    os.unlink(report)
        self.each(check)

    def test_many_at_once(self):
        def check(actor):
            many = [subprocess.Popen(lib.as_actor(actor, [lib.RUNNER, "exec", "--", "sh", "-c",
                                                          "echo %d; sleep 0.2" % i]),
                                     stdout=subprocess.PIPE, text=True) for i in range(24)]
            for i, p in enumerate(many):
                out, _ = p.communicate(timeout=60)
                self.assertEqual((p.returncode, out), (0, "%d\n" % i))
        self.each(check)


if __name__ == "__main__":
    lib.main()
