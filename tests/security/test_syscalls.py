# SPDX-License-Identifier: Apache-2.0
"""Every system call that the policy does not allow, one by one, by its number."""
import errno
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import lib


def answers(result):
    """"1:38 2:1 ..." and the probe's own 0."""
    return {int(nr): int(error) for nr, error in
            (pair.split(":") for pair in result.out.split()[:-1])}


def numbers(calls):
    return ",".join(str(c["number"]) for c in calls)


class Calls(lib.PerActor):
    sweeps = {}

    def sweep(self, actor):
        if actor not in self.sweeps:
            path = os.path.join(lib.room(actor), "r.json")
            self.ok(lib.run([lib.RUNNER, "selftest", "--report", path], actor))
            with open(path, encoding="utf-8") as f:
                self.sweeps[actor] = json.load(f)["system_calls"]
        return self.sweeps[actor]

    def test_every_number(self):
        def check(actor):
            sweep = self.sweep(actor)
            self.assertEqual(sweep["wrong"], 0, sweep)
            self.assertGreater(sweep["refused"], 60)
            # Nearly all numbers are asked: the policy allows fewer than 350.
            self.assertGreater(sweep["refused"] + sweep["unknown"], 1024 - 350)
            names = {c["name"]: c for c in sweep["calls"]}
            for name in ("ptrace", "bpf", "mount", "reboot", "kexec_load", "add_key"):
                self.assertEqual(names[name]["inside"], "EPERM")
            self.assertTrue(names["mount"]["shown"])
        self.each(check)

    def test_the_filter_is_what_refused_them(self):
        """By the supervisor's records, and by what the kernel answers without the filter."""
        def check(actor):
            calls = [c for c in self.sweep(actor)["calls"] if c["expected"] != "ENOSYS"]
            for some in calls[:40], calls[40:]: # a report has room for 64 kinds
                r = lib.sandbox([], [lib.PROBE, "calls", numbers(some)], actor)
                self.assertEqual(answers(r), {c["number"]: getattr(errno, c["expected"])
                                              for c in some}, repr(r))
                self.assertEqual({d["layer"] for d in r.report["denials"]}, {"seccomp"})
                self.assertEqual({d["operation"] for d in r.report["denials"]},
                                 {c["name"] for c in some})
            options = ["--without", "seccomp", "--without", "memfd"]
            r = lib.sandbox(options, [lib.PROBE, "calls", numbers(calls)], actor)
            self.assertEqual(r.report["denials"], [])
            others = [nr for nr, error in answers(r).items()
                      if error not in (errno.EPERM, errno.ENOSYS)]
            self.assertGreater(len(others), 20, repr(r))
        self.each(check)

    def test_none_is_refused_for_nothing(self):
        """What a namespace's root may not do, root may; or this kernel has no such call."""
        calls = [c for c in self.sweep("user")["calls"]
                 if c["expected"] != "ENOSYS" and not c["shown"]]
        if os.geteuid() != 0:
            self.skipTest("only root can show it")
        # No argument is one that a call could use, so nothing happens.
        r = lib.run([lib.PROBE, "calls", numbers(calls)])
        for c in calls:
            self.assertNotEqual(answers(r)[c["number"]], errno.EPERM, c["name"])


if __name__ == "__main__":
    lib.main()
