# SPDX-License-Identifier: Apache-2.0
"""A crash inside reaches neither a handler of the host nor a directory of the host's."""
import contextlib
import errno
import json
import os
import resource
import signal
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import lib

PATTERN = "/proc/sys/kernel/core_pattern"
ALLOW = lib.write(os.path.join(lib.ROOM, "allow.json"),
                  json.dumps({"defaultAction": "SCMP_ACT_ALLOW"}))
POLICIES = ([], ["--seccomp", ALLOW], ["--without", "seccomp", "--without", "memfd"])
# How a process lowers its limit: two are answered as if done, two refused.
WAYS = {"prlimit": errno.EPERM, "old": errno.EPERM, "pid": errno.EPERM}
if os.uname().machine == "x86_64":
    WAYS["setrlimit"] = errno.EPERM


def pattern():
    with open(PATTERN, encoding="utf-8", errors="replace") as f:
        return f.read().strip()


def unlimited():
    resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


class Limit(lib.PerActor):
    def test_it_stays_what_it_is(self):
        if resource.getrlimit(resource.RLIMIT_CORE)[1] == 0:
            self.skipTest("the hard limit of core files is 0: nothing to lower")
        def check(actor):
            for policy in POLICIES:
                for way, answer in WAYS.items():
                    probe = [lib.PROBE, "core_limit", way]
                    r = self.ok(lib.sandbox(policy, probe, actor))
                    self.assertEqual(int(r.out), answer, (way, repr(r)))
                    told = {(d["layer"], d["operation"]) for d in r.report["denials"]}
                    self.assertEqual(told, {("coredump", "prlimit64")} if way in ("old", "pid")
                                     else set())
                    r = lib.sandbox(policy + ["--without", "coredump"], probe, actor)
                    if policy == [] and way == "pid":
                        continue # of the policy's: limits of others
                    self.assertEqual(int(r.out), 0, (way, repr(r)))
        self.each(check)

    def test_programs_that_want_no_core_go_on(self):
        """gpg(1) and the like give up when setrlimit(2) fails."""
        script = ("import resource as r; r.setrlimit(r.RLIMIT_CORE, (0, 0))\n"
                  "print(r.getrlimit(r.RLIMIT_CORE)[1])")
        def check(actor):
            r = self.ok(lib.sandbox([], ["--", "python3", "-c", script], actor))
            self.assertIn(r.out, ("1\n", "0\n"))
            self.ok(lib.sandbox([], ["--", "sh", "-ec", "ulimit -c 0; true"], actor))
        self.each(check)


class File(lib.PerActor):
    def crash(self, actor, options):
        """Crash in a directory of the host's; what lies there afterwards."""
        d = lib.room(actor, 0o700)
        r = lib.sandbox(["--bind", d + ":/w", "--cwd", "/w"] + options, [lib.PROBE, "crash", ""],
                        actor, preexec_fn=unlimited)
        self.assertEqual((r.report["reason"], r.report["signal"]), ("signaled", signal.SIGSEGV))
        return os.listdir(d)

    def test_no_file_is_left(self):
        if pattern()[:1] in "|@/" or "/" in pattern():
            self.skipTest("core_pattern '%s' names no file in the working directory" % pattern())
        if os.geteuid() != 0 and resource.getrlimit(resource.RLIMIT_CORE)[1] == 0:
            self.skipTest("the hard limit of core files is 0")
        def check(actor):
            for policy in POLICIES:
                self.assertEqual(self.crash(actor, policy), [])
                self.assertEqual(len(self.crash(actor, policy + ["--without", "coredump"])), 1)
        self.each(check)


@contextlib.contextmanager
def core_pattern(text):
    before = pattern()
    with open(PATTERN, "w", encoding="utf-8") as f:
        f.write(text)
    try:
        yield
    finally:
        with open(PATTERN, "w", encoding="utf-8") as f:
            f.write(before)


class Handler(lib.PerActor):
    """With a program of the host's that the kernel starts as root on every crash."""

    def setUp(self):
        if not os.environ.get("RUNNER_VM") or os.geteuid() != 0:
            self.skipTest("sets kernel.core_pattern: only in a machine made for it (check-vm)")
        self.room = lib.room()
        self.marks = os.path.join(self.room, "marks")
        self.handler = lib.write(os.path.join(self.room, "handler"),
                                 "#!/bin/sh\ncat >/dev/null\necho $1 $(id -u) >>%s\n" % self.marks,
                                 0o755)
        lib.write(self.marks, "")

    def marked(self):
        with open(self.marks, encoding="utf-8") as f:
            return f.read().split("\n")[:-1]

    def barrier(self):
        """A crash outside, and its mark: by then an earlier one would have left its own."""
        before = len(self.marked())
        subprocess.run(["sh", "-c", "kill -SEGV $$"], preexec_fn=unlimited, check=False)
        self.assertTrue(lib.wait_until(lambda: len(self.marked()) > before, 120))
        return self.marked()[before:]

    def test_a_piped_handler_is_not_started(self):
        with core_pattern("|%s %%P" % self.handler):
            def check(actor):
                for policy in POLICIES:
                    for way in [""] + list(WAYS):
                        r = lib.sandbox(policy, [lib.PROBE, "crash", way], actor)
                        self.assertEqual(r.report["reason"], "signaled", repr(r))
                        self.assertEqual(len(self.barrier()), 1, (way, policy, actor))
                    # The very same, with the limit that the payload may lower.
                    before = len(self.marked())
                    lib.sandbox(policy + ["--without", "coredump"],
                                [lib.PROBE, "crash", "prlimit"], actor)
                    self.assertTrue(lib.wait_until(lambda: len(self.marked()) > before, 120),
                                    "the control started no handler")
                    self.assertEqual(self.marked()[-1].split()[1], "0")
            self.each(check)

    def test_no_room_for_the_limit_is_refused(self):
        """A hard limit of 0 cannot be raised to 1; root can always."""
        with core_pattern("|%s %%P" % self.handler):
            r = lib.sandbox([], ["--", "true"], "user",
                            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CORE, (0, 0)))
            self.assertEqual(r.status, 125, repr(r))
            self.assertIn("starts a program of the host", r.err)

    def test_a_socket_is_refused(self):
        major, minor = (int(n) for n in os.uname().release.split(".")[:2])
        if (major, minor) < (6, 16):
            self.skipTest("core_pattern knows sockets since Linux 6.16")
        with core_pattern("@%s/socket" % self.room):
            r = lib.sandbox([], ["--", "true"])
            self.assertEqual(r.status, 125, repr(r))
            self.assertIn("a socket of the host", r.err)
            self.assertEqual(lib.doctor("root", "coredump")["state"], "missing")
            self.ok(lib.sandbox(["--without", "coredump"], ["--", "true"]))


if __name__ == "__main__":
    lib.main()
