#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""doctor's own: the trial it rests on, and its lines. Odd hosts are in test_hosts.py."""
import fcntl
import json
import os
import shutil
import struct
import subprocess
import sys
import termios

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import lib


class Trial(lib.PerActor):
    def test_a_runner_that_nobody_may_read(self):
        """It can be executed, and it runs things: doctor must not say otherwise."""
        def check(actor):
            path = os.path.join(lib.room("root", 0o755), "runner")
            shutil.copy(lib.RUNNER, path)
            os.chmod(path, 0o111)
            if actor == "user" and os.geteuid() != 0:
                self.assertFalse(os.access(path, os.R_OK))
            self.ok(lib.run([path, "exec", "--", "true"], actor))
            answer = json.loads(self.ok(lib.run([path, "doctor", "--json"], actor)).out)
            self.assertTrue(answer["usable"])
        self.each(check)


class Cgroup(lib.PerActor):
    def test_what_hostile_code_wants(self):
        def check(actor):
            found = lib.doctor(actor, "cgroup")
            said = "--require cgroup" in found["detail"]
            self.assertEqual(said, found["state"] != "ok", found)
            # It is what makes the difference.
            r = lib.run([lib.RUNNER, "exec", "--require", "cgroup", "--", "true"], actor)
            self.assertEqual(r.status, 125 if said else 0, repr(r))
        self.each(check)


class Lost(lib.PerActor):
    def test_what_cannot_be_printed_is_no_success(self):
        verbs = [["--help"], ["--version"], ["exec", "--help"], ["doctor"], ["doctor", "--json"],
                 ["profile", "list"], ["profile", "show", "default"],
                 ["profile", "check", "default"]]

        def status(actor, verb, out):
            return subprocess.run(lib.as_actor(actor, ["sh", "-c", 'exec "$0" "$@" >' + out,
                                                       lib.RUNNER] + verb),
                                  stderr=subprocess.PIPE, text=True, check=False)

        def check(actor):
            for verb in verbs:
                with self.subTest(verb=verb):
                    for out in ("/dev/null", "&-"):  # a closed one wants nothing
                        r = status(actor, verb, out)
                        self.assertEqual((r.returncode, r.stderr), (0, ""))
                    r = status(actor, verb, "/dev/full")
                    self.assertEqual(r.returncode, 125)
                    self.assertIn("runner: cannot write standard output", r.stderr)
        self.each(check)


class Terminal(lib.PerActor):
    """doctor's lines are folded there, and only there."""

    def on_terminal(self, actor, columns):
        ours, theirs = os.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        # What a terminal holds may be less than all of it.
        doctor = subprocess.Popen(lib.as_actor(actor, [lib.RUNNER, "doctor"]), stdout=theirs)
        os.close(theirs)
        said = b""
        while True:
            try:
                more = os.read(ours, 65536)
            except OSError:  # EIO: the last writer is gone
                more = b""
            if not more:
                break
            said += more
        os.close(ours)
        self.assertEqual(doctor.wait(), 0)
        return said.decode().replace("\r", "").splitlines()

    def test_lines_fit(self):
        def check(actor):
            whole = self.ok(lib.run([lib.RUNNER, "doctor"], actor)).out
            self.assertGreater(max(map(len, whole.splitlines())), 80)
            folded = self.on_terminal(actor, 80)
            self.assertLessEqual(max(map(len, folded)), 80, folded)
            self.assertEqual(" ".join(folded).split(), whole.split())
            # One that is too small, and one that is large enough: as they are.
            for columns in (10, 4000):
                self.assertEqual("\n".join(self.on_terminal(actor, columns)) + "\n", whole)
        self.each(check)


if __name__ == "__main__":
    lib.main()
