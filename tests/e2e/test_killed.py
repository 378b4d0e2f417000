# SPDX-License-Identifier: Apache-2.0
"""SIGKILL to runner at each named step of a run: no process, mount, cgroup or file is left."""
import json
import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import lib

KILLAT = os.path.join(lib.BUILD, "t/killat")

# A call of runner, of a helper, of init or of the payload, and which one of that name.
STEPS = """
    prctl:1 prctl:2 prctl:3 prctl:4 prctl:5 prctl:6 prctl:30 prctl:60 prctl:90
    clone3:1 clone3:2 ppoll:1 ppoll:2 wait4:1 wait4:2
    pipe2:1 socketpair:1 signalfd4:1 mount:1 fsopen:1 fsconfig:4 fsmount:1 fsmount:2
    open_tree:1 open_tree:5 move_mount:1 move_mount:4 move_mount:8 mount_setattr:1
    mount_setattr:6 pivot_root:1 umount2:1 setresuid:1 setresgid:1 clone:1 unshare:1
    keyctl:1 capset:1 capset:2 landlock_create_ruleset:2 landlock_restrict_self:1 setsid:1
    prlimit64:10 setpriority:1 close_range:1 seccomp:1 seccomp:2 recvmsg:1 sendmsg:1
    signalfd4:2 capset:3 exit_group:1 exit_group:2 linkat:1
    renameat:1
""".split()


def killat(step, command):
    """What it says. Not by a pipe: a process that is left would hold it open."""
    with tempfile.TemporaryFile(mode="w+", encoding="utf-8") as f:
        subprocess.run([KILLAT, step] + command, stdin=subprocess.DEVNULL, stdout=f,
                       stderr=subprocess.STDOUT, timeout=120, check=False)
        f.seek(0)
        return f.read()


def left(name):
    """Every process that carries the name in its command line, as helpers and init do."""
    return [p for p in lib.run(["pgrep", "-f", name], "root").out.split() if lib.alive(int(p))]


class Killed(lib.PerActor):
    def test_at_each_named_step(self):
        if os.geteuid() != 0:
            self.skipTest("only root may trace the set-up")

        def check(actor):
            name = "runner-named-%s-%d" % (actor, os.getpid())
            here = lib.room(actor)
            there = lib.room(actor)
            report = os.path.join(there, "r.json")
            path = os.path.join(lib.room(actor), name)
            os.link(lib.TRUE, path)
            # A directory of the caller's is id-mapped (as root, and for that a helper lives).
            command = lib.as_actor(actor, [lib.RUNNER, "exec", "--network", "loopback",
                                           "--bind", here + ":/work", "--report",
                                           report, path])
            with open("/proc/self/mountinfo", encoding="utf-8") as f:
                mounts = f.read()
            not_there = []
            for step in STEPS:
                said = killat(step, command)
                self.assertRegex(said, r"(?m)^(killed|ended \d+)$", step)
                if "killed\n" not in said:
                    not_there.append(step)
                # The report is there as a whole or not at all.
                if os.path.exists(report):
                    with open(report, encoding="utf-8") as f:
                        self.assertEqual(json.load(f)["reason"], "exited", step)
                    os.unlink(report)
                self.assertEqual(os.listdir(here) + os.listdir(there), [], step)
                self.assertTrue(lib.wait_until(lambda: not left(name), 60),
                                "%s: %s" % (step, left(name)))
            # Which calls there are depends on the host and on how busy it is; most are there.
            self.assertLessEqual(len(not_there), len(STEPS) // 5, not_there)
            with open("/proc/self/mountinfo", encoding="utf-8") as f:
                self.assertEqual(f.read(), mounts)
            if lib.has_cgroup(actor):
                def swept():
                    self.ok(lib.sandbox([], ["--", "true"], actor))
                    return not lib.cgroups(actor)
                self.assertTrue(lib.wait_until(swept, 60), lib.cgroups(actor))
        self.each(check)


if __name__ == "__main__":
    lib.main()
