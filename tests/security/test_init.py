# SPDX-License-Identifier: Apache-2.0
"""What the payload can do to pid 1: nothing, by its identity and by the filter.

Whoever stops or starves init keeps the sandbox from ending. Each attempt has its control,
the same one on a child of the payload's; and init is looked at from outside afterwards.
"""
import errno
import os
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import lib

REACH = shutil.copy(os.path.join(lib.BUILD, "t/reach"), lib.ROOM)
FILTERS = ["seccomp", "init_guard", "coredump", "special_files", "filter_attach", "uncounted",
           "memfd"]
NO_FILTER = [word for layer in FILTERS for word in ("--without", layer)]
SIGNALS = {"kill", "tkill", "tgkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo",
           "pidfd_send_signal"}
# What the default policy leaves a payload to do to its own processes.
GRANTED = SIGNALS | {"sched_setscheduler", "sched_setparam", "sched_setattr", "setpriority",
                     "ioprio_set", "setpgid"}
WORDS = 38  # attempts there are


def init_of(pid):
    """Runner's only child that lives."""
    with open("/proc/%d/task/%d/children" % (pid, pid), encoding="ascii") as f:
        child, = [int(c) for c in f.read().split() if lib.alive(int(c))]
    return child


def looks(pid):
    """How it is scheduled and limited, as the host sees it."""
    with open("/proc/%d/stat" % pid, encoding="utf-8") as f:
        stat = f.read().rsplit(")", 1)[1].split()
    with open("/proc/%d/limits" % pid, encoding="utf-8") as f:
        limits = f.read()
    # proc_pid_stat(5), from field 3 on: priority, nice, policy
    return {"priority": stat[15], "nice": stat[16], "policy": stat[38],
            "state": stat[0], "group": stat[2], "session": stat[3],
            "affinity": sorted(os.sched_getaffinity(pid)), "limits": limits}


class Init(lib.PerActor):
    def reach(self, actor, options, target):
        """{attempt: errno}, and how init looks then."""
        p = subprocess.Popen(lib.as_actor(actor, [lib.RUNNER, "exec"] + options +
                                          [REACH, target]), stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        got = []
        for line in p.stdout:
            if line == "done\n":
                break
            got.append(line.split())
        # It has run by now: every state but the first one is that of ppoll(2).
        init = init_of(p.pid)
        self.assertTrue(lib.wait_until(lambda: looks(init)["state"] == "S", 30))
        after = looks(init)
        p.terminate()
        _, err = p.communicate(timeout=60)
        self.assertEqual(p.returncode, 143, err)
        return [(name, int(number)) for name, number in got], after

    def untouched(self, actor):
        """Init of a run whose payload leaves it alone."""
        _, after = self.reach(actor, [], "thread")
        own = str(os.getpriority(os.PRIO_PROCESS, 0))  # as under nice(1)
        self.assertEqual((after["nice"], after["policy"]), (own, "0"))
        return after

    def expected(self, actor, name, filtered):
        if name == "setpgid":
            return (errno.ESRCH,)  # it is no child of the caller's
        if name.startswith("/"):
            return (errno.EACCES,)
        if actor == "root" or filtered and name not in SIGNALS:
            return (errno.EPERM,)
        # Rootless, these ask for the same id only.
        if name == "prlimit64":
            return (0,)
        if name in SIGNALS:
            abi = lib.doctor(actor, "landlock")["detail"]
            return (errno.EPERM,) if int(abi.split()[1].rstrip(":")) >= 6 else (0,)
        return (errno.EPERM,)

    def test_nothing_reaches_it(self):
        def check(actor):
            before = self.untouched(actor)
            for options in [], NO_FILTER:
                got, after = self.reach(actor, options, "1")
                self.assertEqual(len(got), WORDS)
                for name, number in got:
                    with self.subTest(actor=actor, options=options, name=name):
                        self.assertIn(number, self.expected(actor, name, not options))
                self.assertEqual(after, before)
        self.each(check)

    def test_the_controls_reach_a_child(self):
        def check(actor):
            got, _ = self.reach(actor, NO_FILTER, "child")
            self.assertEqual(len(got), WORDS)
            self.assertEqual([(name, number) for name, number in got if number], [])
            got, _ = self.reach(actor, [], "child")
            refused = {name for name, number in got if number}
            self.assertEqual(refused & GRANTED, set())
        self.each(check)

    def test_its_own_threads_are_its_own(self):
        def check(actor):
            got, _ = self.reach(actor, [], "thread")
            # Once for itself, once for a thread.
            self.assertEqual([name for name, number in got if number],
                             ["sched_setaffinity"] * 2)
            self.assertEqual([name for name, number in got if not number],
                             ["sched_setscheduler", "sched_setparam", "sched_setattr",
                              "setpriority", "ioprio_set"] * 2)
        self.each(check)

    def test_who_it_is(self):
        """As root another id than the payload's, in another namespace; rootless a capability more."""
        def check(actor):
            p = subprocess.Popen(lib.as_actor(actor, [lib.RUNNER, "exec", REACH, "thread"]),
                                 stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE, text=True)
            while p.stdout.readline() != "done\n":
                pass
            init = init_of(p.pid)
            self.assertTrue(lib.wait_until(lambda: looks(init)["state"] == "S", 30))
            payload = [int(c) for c in
                       open("/proc/%d/task/%d/children" % (init, init), encoding="ascii")
                       .read().split()]
            self.assertEqual(len(payload), 1)
            status = [dict(line.rstrip("\n").split(":\t", 1)
                           for line in open("/proc/%d/status" % pid, encoding="utf-8")
                           if ":\t" in line) for pid in (init, payload[0])]
            uids = [set(s["Uid"].split()) for s in status]
            self.assertEqual([len(u) for u in uids], [1, 1])
            if actor == "root":
                self.assertNotEqual(uids[0], uids[1])
                for (uid,) in uids:
                    self.assertTrue(0x70000000 <= int(uid) <= 0x7fffffff, uid)
                self.assertEqual(os.readlink("/proc/%d/ns/user" % init),
                                 os.readlink("/proc/self/ns/user"))
                self.assertNotEqual(os.readlink("/proc/%d/ns/user" % payload[0]),
                                    os.readlink("/proc/self/ns/user"))
            for s, cap in zip(status, ("0" * 16, "0" * 16) if actor == "root"
                              else ("%016x" % (1 << 35), "0" * 16)):
                self.assertEqual(s["CapPrm"], cap)
                self.assertEqual((s["CapEff"], s["CapInh"], s["CapAmb"]), ("0" * 16,) * 3)
                self.assertEqual((s["NoNewPrivs"], s["Seccomp"]), ("1", "2"))
            p.terminate()
            p.communicate(timeout=60)
        self.each(check)

    def test_a_starved_sandbox_ends_in_time(self):
        """The payload puts itself and what it can below everybody, and both CPUs are busy."""
        def check(actor):
            r = lib.sandbox(["--timeout", "1s"], [REACH, "1"], actor)
            self.assertEqual((r.status, r.report["reason"]), (124, "wall_time"), repr(r))
            self.assertEqual(r.report["survivors"], 0)
        busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"])
                for _ in range(os.cpu_count())]
        try:
            self.each(check)
        finally:
            for b in busy:
                b.kill()
                b.wait()


if __name__ == "__main__":
    lib.main()
