# SPDX-License-Identifier: Apache-2.0
"""The end of a run: every signal acts, no verdict is lost, and what does not end is said."""
import ctypes
import errno
import json
import os
import random
import resource
import signal
import subprocess
import sys
import time
import tty

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import lib

KILLAT = os.path.join(lib.BUILD, "t/killat")
FREEZER = "/sys/fs/cgroup/freezer"
IGNORES = ["--", "sh", "-c", "trap '' TERM INT; sleep 300 & echo ready; wait"]
# For a run that is held and traced, and only ends then.
LONG = "40s" if os.environ.get("RUNNER_SLOW") else "3s"
SENDER = """import socket
a, b = socket.socketpair()
try: print(socket.send_fds(a, [b"x"], [0]))
except OSError as e: print(e.errno)
"""
FILLER = """import resource, socket, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (4000, 4000))
pairs = []
try:
    while True:
        pairs.append(socket.socketpair())
        for _ in range(8): socket.send_fds(pairs[-1][0], [b"x"], [0] * 253)
except OSError as e:
    print("full" if e.errno == 109 else e, flush=True)
sys.stdin.read()
"""
LIBC = ctypes.CDLL(None, use_errno=True)


def descendants(pid):
    """All that are below pid, from the host's /proc: [(name, pid)]."""
    parents = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                with open("/proc/%s/stat" % entry, encoding="utf-8", errors="replace") as f:
                    text = f.read()
            except OSError:
                continue
            name = text[text.index("(") + 1:text.rindex(")")]
            parents[int(entry)] = (int(text.rsplit(")", 1)[1].split()[1]), name)
    found = []
    todo = [pid]
    while todo:
        here = todo.pop()
        below = [(name, child) for child, (parent, name) in parents.items() if parent == here]
        found += below
        todo += [child for _, child in below]
    return found


def sleeper(pid):
    """The run's process called sleep: one that has been forked is called so after its exec."""
    if not lib.wait_until(lambda: "sleep" in dict(descendants(pid)), 60):
        raise AssertionError(descendants(pid))
    return dict(descendants(pid))["sleep"]


def init_of(pid):
    """Runner's only child that lives; the maker of the network namespace has ended."""
    with open("/proc/%d/task/%d/children" % (pid, pid), encoding="ascii") as f:
        child, = [int(c) for c in f.read().split() if lib.alive(int(c))]
    return child


class Traced:
    """A process that we trace: when it dies, it stays until we let it go."""
    SEIZE, DETACH, EXIT = 0x4206, 17, 0x40

    def __init__(self, pid, options=0):
        self.pid = pid
        LIBC.ptrace.argtypes = [ctypes.c_long] * 4
        LIBC.ptrace.restype = ctypes.c_long
        if LIBC.ptrace(self.SEIZE, pid, 0, options) < 0:
            raise OSError(ctypes.get_errno(), "ptrace")

    def let_go(self):
        """Wait for its next stop, or its end."""
        _, status = os.waitpid(self.pid, 0x40000000)  # __WALL
        if os.WIFSTOPPED(status):
            LIBC.ptrace(self.DETACH, self.pid, 0, 0)


# More than the limit together, and each less; for as long as it takes to see it.
FOUR_HOLD = """
import os, time
for i in range(4):
    if os.fork() == 0:
        b = bytearray(35 << 20)
        b[::4096] = b"1" * (len(b) // 4096)
        time.sleep(300)
time.sleep(300)
"""


class Runs(lib.PerActor):
    def start(self, actor, options, command, **kwargs):
        """A run whose payload has said "ready"; .report is the path of its report."""
        report = os.path.join(lib.room(actor, 0o777), "r.json")
        p = subprocess.Popen(
            lib.as_actor(actor, [lib.RUNNER, "exec", "--report", report] + options + command),
            stdin=kwargs.pop("stdin", subprocess.DEVNULL), stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, **kwargs)
        p.report = report
        line = p.stdout.readline()
        self.assertEqual(line, "ready\n", line or p.stderr.read())
        return p

    def end(self, p):
        """The first signal is ignored, the second one ends it at once."""
        p.send_signal(signal.SIGTERM)
        p.send_signal(signal.SIGINT)

    def finish(self, p):
        """Its status, its report, and what it said last."""
        out, err = p.communicate(timeout=300)
        with open(p.report, encoding="utf-8") as f:
            return p.returncode, json.load(f), out + err


class Signals(Runs):
    def test_each_one_reaches_the_payload(self):
        def check(actor):
            for sig in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM):
                trap = "trap 'echo trapped; exit 3' %s; " % sig.name[3:]
                for trap, said in ((trap, True), ("", False)):
                    p = self.start(actor, [], ["--", "sh", "-c", trap + "echo ready; "
                                               "while :; do sleep 0.05; done"])
                    p.send_signal(sig)
                    status, report, words = self.finish(p)
                    self.assertEqual((status, report["reason"]), (128 + sig, "canceled"), words)
                    self.assertEqual("trapped" in words, said, words)
                    self.assertIn("signal %d" % sig, report["message"])
                    self.assertEqual(report["survivors"], 0)
        self.each(check)

    def test_during_the_set_up(self):
        """There may be nobody yet to pass it on to; the payload gets it when there is."""
        def check(actor):
            random.seed(5)
            ends = []
            # From its start to past the payload's, however fast the machine is.
            before = time.monotonic()
            self.ok(lib.sandbox([], ["--", "true"], actor))
            span = max(0.012, time.monotonic() - before)
            for _ in range(40):
                p = subprocess.Popen(
                    lib.as_actor(actor, [lib.RUNNER, "exec", "--grace", "1h", "--timeout",
                                         "unlimited", "--", "sleep", "300"]),
                    stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL)
                end = time.monotonic() + random.random() * span
                while time.monotonic() < end:
                    pass
                p.send_signal(signal.SIGTERM)
                ended = lib.wait_until(lambda: p.poll() is not None, 60)
                p.kill()
                self.assertTrue(ended, "the signal was lost")
                ends.append(p.wait())
            # Before runner blocks signals, it is only a program that is ended.
            self.assertLessEqual(set(ends), {-signal.SIGTERM, 128 + signal.SIGTERM})
            self.assertIn(128 + signal.SIGTERM, ends)
        self.each(check)

    def test_nohup_is_heeded(self):
        def check(actor):
            p = self.start(actor, [], ["--", "sh", "-c", "echo ready; read x; exit 3"],
                           stdin=subprocess.PIPE,
                           preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
            p.send_signal(signal.SIGHUP)
            # Runner has read it when it has passed this on.
            p.stdin.write("on\n")
            status, report, words = self.finish(p)
            self.assertEqual((status, report["reason"]), (3, "exited"), words)
        self.each(check)

    def test_at_the_moment_of_the_end(self):
        """It comes a little earlier or later than the payload's end: never `internal`."""
        def check(actor):
            random.seed(9)
            reasons = set()
            for _ in range(60):
                p = self.start(actor, [], ["--", "sh", "-c", "echo ready; exit 3"])
                end = time.monotonic() + random.random() * 0.002
                while time.monotonic() < end:
                    pass
                p.send_signal(signal.SIGTERM)
                status, report, words = self.finish(p)
                self.assertIn((status, report["reason"]), ((3, "exited"), (143, "canceled")),
                              words)
                self.assertEqual(report["survivors"], 0)
                reasons.add(report["reason"])
            self.assertTrue(reasons)
        self.each(check)


class Init(Runs):
    def held(self, actor, options, command):
        """Init does not get beyond its first step after the payload's exec."""
        if os.geteuid() != 0:
            self.skipTest("only root may trace the set-up")
        report = os.path.join(lib.room(actor, 0o777), "r.json")
        argv = lib.as_actor(actor, [lib.RUNNER, "exec", "--report", report] + options + command)
        r = lib.run([KILLAT, "hold:signalfd4:1"] + argv)
        self.assertIn("held 1\n", r.err)
        with open(report, encoding="utf-8") as f:
            r.report = json.load(f)
        return r

    def test_the_supervisor_needs_no_init(self):
        """Listener, /proc and the payload's pidfd are its own before the first instruction."""
        def check(actor):
            r = self.held(actor, ["--timeout", LONG], [lib.PROBE, "process_vm_readv"])
            self.assertEqual((r.status, r.report["reason"]), (124, "wall_time"), repr(r))
            self.assertEqual(r.out, "1\n")
            self.assertEqual([d["operation"] for d in r.report["denials"]], ["process_vm_readv"])
            self.assertEqual(r.report["survivors"], 0)
            if not lib.has_cgroup(actor):
                r = self.held(actor, ["--timeout", "100s", "--memory", "64m"],
                              ["--", "python3", "-c", FOUR_HOLD])
                self.assertEqual(r.report["reason"], "memory", repr(r))
                self.assertEqual(r.report["survivors"], 0)
        self.each(check)

    def test_a_policy_without_sendmsg(self):
        """Then init hands them up."""
        def check(actor):
            with open(os.path.join(lib.HERE, "..", "seccomp/default.json"),
                      encoding="utf-8") as f:
                policy = json.load(f)
            policy["syscalls"].insert(0, {"names": ["sendmsg"], "action": "SCMP_ACT_ERRNO",
                                          "errnoRet": 1})
            path = lib.write(os.path.join(lib.room("root", 0o755), "p.json"), json.dumps(policy))
            r = lib.sandbox(["--seccomp", path], ["--", "python3", "-c", "import socket\n"
                            "a, b = socket.socketpair()\n"
                            "try: a.sendmsg([b'x'])\n"
                            "except OSError as e: print(e.errno)"], actor)
            self.ok(r, "1\n")
            self.assertEqual([d["operation"] for d in r.report["denials"]], ["sendmsg"])
            self.assertEqual(r.report["survivors"], 0)
        self.each(check)

    def test_descriptors_under_way(self):
        """Others of the same user have more of them under way than a payload may have open."""
        def as_other(argv):
            # An id of its own: what is under way counts for the whole user.
            return (["setpriv", "--reuid", "64911", "--regid", "64911", "--clear-groups", "--"]
                    if os.geteuid() == 0 else []) + argv
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        if hard < 8192:
            self.skipTest("a hard limit of %d open files" % hard)
        filler = subprocess.Popen(as_other([sys.executable, "-c", FILLER]), stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE, text=True)
        self.assertEqual(filler.stdout.readline(), "full\n")
        # The control: with a limit like the payload's, nobody of that user can send one.
        r = lib.run(as_other(["sh", "-c", "ulimit -n 1024; exec \"$@\"", "sh",
                               sys.executable, "-c", SENDER]))
        self.assertEqual(r.out, "%d\n" % errno.ETOOMANYREFS, repr(r))
        r = lib.run(as_other(["sh", "-c", "ulimit -Sn 1024; exec \"$@\"", "sh", lib.RUNNER, "exec",
                              "--", "echo", "on"]))
        self.ok(r, "on\n")
        filler.communicate()

    def test_each_process_is_killed_by_itself(self):
        """Init is stopped on its way out and ends nobody: the payload ends all the same."""
        if os.geteuid() != 0:
            self.skipTest("only root may trace init")

        def check(actor):
            p = self.start(actor, ["--timeout", "unlimited"],
                           ["--", "sh", "-c", "trap '' TERM INT; sleep 300 & setsid cat /dev/zero > /dev/null & echo ready; wait"])
            pids = dict((pid, name) for name, pid in descendants(p.pid) if lib.alive(pid))
            init = Traced(init_of(p.pid), Traced.EXIT)
            others = [pid for pid in pids if pid != init.pid]
            self.assertGreaterEqual(len(others), 2)
            self.end(p)
            # They are zombies: init, who would reap them, does not run.
            self.assertTrue(lib.wait_until(lambda: not any(map(lib.alive, others)), 60), pids)
            self.assertIsNone(p.poll())
            init.let_go()
            status, report, words = self.finish(p)
            self.assertIn((status, report["reason"]), ((143, "canceled"), (130, "canceled")),
                          words)
            self.assertEqual(report["survivors"], 0)
        self.each(check)


class Unending(Runs):
    """What does not die of SIGKILL is given up after ten seconds, and said."""

    def give_up(self, p, cause, state):
        status, report, words = self.finish(p)
        self.assertEqual((status, report["reason"]), (125, "internal"), words)
        self.assertEqual(report["causes"], ["internal", cause])
        self.assertIn("could not be ended", report["message"])
        self.assertIn(state, report["message"])
        self.assertIn("state " + state, report["hint"])
        # The zombie and init, which waits for it.
        self.assertGreaterEqual(report["survivors"], 2)

    def test_a_process_that_cannot_die(self):
        """Traced from outside, it stays a zombie; once after a kill, once after an exit."""
        runs = []
        for actor in lib.ACTORS:
            killed = self.start(actor, ["--timeout", "unlimited"], IGNORES)
            runs.append((actor, "canceled", killed))
            exits = self.start(actor, ["--timeout", "unlimited"],
                               ["--", "sh", "-c", "sleep 300 & echo ready; read x; exit 3"],
                               stdin=subprocess.PIPE)
            runs.append((actor, "exited", exits))
        inits = [init_of(p.pid) for _, _, p in runs]
        try:
            traced = [Traced(sleeper(p.pid)) for _, _, p in runs]
        except PermissionError:
            for _, _, p in runs:
                p.kill()
                p.communicate()
            self.skipTest("this host does not let us trace")
        for _, cause, p in runs:
            if cause == "exited":
                p.stdin.write("x\n")
                p.stdin.flush()
            else:
                self.end(p)
        for (actor, cause, p), init, t in zip(runs, inits, traced):
            with self.subTest(actor=actor, cause=cause):
                self.give_up(p, cause, "Z")
                self.assertTrue(os.path.exists("/proc/%d" % init))
                t.let_go()
                self.assertTrue(lib.wait_until(lambda: not lib.alive(init), 30))

    def test_a_frozen_process(self):
        if not os.access(FREEZER + "/cgroup.procs", os.W_OK):
            self.skipTest("no freezer of the first kind of cgroups here")
        room = "%s/runner-test-%d" % (FREEZER, os.getpid())
        runs = [(actor, self.start(actor, ["--timeout", "unlimited"], IGNORES))
                for actor in lib.ACTORS]
        frozen = [sleeper(p.pid) for _, p in runs]
        os.mkdir(room)
        try:
            for pid in frozen:
                lib.write(room + "/cgroup.procs", str(pid))
            lib.write(room + "/freezer.state", "FROZEN")
            for _, p in runs:
                self.end(p)
            for actor, p in runs:
                with self.subTest(actor=actor):
                    self.give_up(p, "canceled", "D")
        finally:
            lib.write(room + "/freezer.state", "THAWED")
            self.assertTrue(lib.wait_until(lambda: not any(map(lib.alive, frozen)), 30))
            os.rmdir(room)


class HandedOn(lib.PerActor):
    """What a process of runner's own writes, where a descriptor may make the writer wait."""

    def test_nothing_is_called_lost_that_arrived(self):
        """Its end can come between two looks at how far it is; so, many runs."""
        def check(actor):
            master, slave = os.openpty()
            tty.setraw(slave)
            for _ in range(40):
                p = subprocess.Popen(lib.as_actor(actor, [
                    lib.RUNNER, "exec", "--drain", "60s", "--",
                    "head", "-c", "20000", "/dev/zero"]), stdout=master, stderr=subprocess.PIPE)
                left = 20000
                while left:
                    left -= len(os.read(slave, 3000))
                self.assertEqual((p.wait(), p.stderr.read()), (0, b""))
                p.stderr.close()
            os.close(master)
            os.close(slave)
        self.each(check)


if __name__ == "__main__":
    lib.main()
