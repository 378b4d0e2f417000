# SPDX-License-Identifier: Apache-2.0
"""What a user with only the binary can prove, and that it would tell a failure."""
import errno
import functools
import json
import os
import struct
import sys
import time
import xml.etree.ElementTree

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import lib


@functools.cache
def report_of(actor):
    """One run of all attacks serves several tests."""
    r = lib.run([lib.RUNNER, "selftest", "--report", "-"], actor)
    return r.status, json.loads(r.out)


class Selftest(lib.PerActor):
    def run_it(self, actor, *options):
        return lib.run([lib.RUNNER, "selftest"] + list(options), actor)

    def test_every_attack_is_contained(self):
        def check(actor):
            status, d = report_of(actor)
            self.fits(d, "selftest.schema.json")
            self.assertEqual([a for a in d["attacks"] if a["state"] in ("failed", "vacuous")], [])
            self.assertEqual(status, 0)
            self.assertEqual((d["failed"], d["ablated"]), (0, False))
            self.assertGreaterEqual(d["contained"], 75)
            self.assertGreaterEqual(d["contained"] + d["absent"], 90)
            for a in d["attacks"]:
                self.assertIn(a["state"], ("contained", "absent"), a)
                if a["state"] == "contained":
                    self.assertEqual(a["inside"], a["expected"])
        self.each(check)

    def walls(self, actor):
        """The table of tests/golden, less what this kernel or this caller cannot have."""
        with open(os.path.join(lib.HERE, "golden", "walls.json"), encoding="utf-8") as f:
            walls = json.load(f)
        abi = json.loads(lib.run([lib.RUNNER, "doctor", "--json"], actor).out)["landlock_abi"]
        without = [("a TCP server of the host", "landlock", abi < 4),
                   ("type into a terminal", "landlock", abi < 5),
                   ("an abstract socket of the host", "landlock", abi < 6),
                   # A node of no device: 6.12 lets it pass, 6.18 asks for MAKE_CHAR.
                   ("a whiteout by mknod", "landlock", abi < 7)]
        for attack, layer, lacking in without:
            if lacking:
                walls[attack].remove(layer)
        # As root init has another id. Rootless, the same id is all that is asked for.
        # Of a filter's rows the record names the first one only.
        if actor == "root":
            walls["trace a process"].append("*")
            walls["limit init"] = ["init_guard", "*"]
        # Where a cgroup counts, this row is not there.
        if not lib.has_cgroup(actor):
            for attack in ("run a program from memory", "from executable memory",
                           "a second seccomp listener"):
                rest = [w for w in walls[attack] if w == "seccomp"]
                walls[attack] = [w for w in walls[attack] if w not in ("seccomp", "uncounted")]
                walls[attack] += ["uncounted"] + rest
        # Where the kernel itself refuses it to all but root (Linux 6.2).
        path = "/proc/sys/dev/tty/legacy_tiocsti"
        if os.path.exists(path) and open(path, encoding="ascii").read().strip() == "0":
            walls["type into a terminal"].append("*")
        return walls

    def test_ablation(self):
        if os.environ.get("RUNNER_SLOW") and not os.environ.get("RUNNER_ALL"):
            self.skipTest("five thousand runs: in an emulated machine with RUNNER_ALL only")
        for actor in lib.ACTORS[:1] if os.environ.get("RUNNER_SLOW") else lib.ACTORS:
            before = time.monotonic()
            room = lib.room(actor, 0o777)
            files = [os.path.join(room, n) for n in ("r.json", "j.xml", "p.html")]
            r = self.ok(self.run_it(actor, "--ablate", "--report", files[0], "--junit", files[1],
                                    "--html", files[2]))
            took = time.monotonic() - before
            if os.environ.get("RUNNER_TABLE"):
                lib.write(os.environ["RUNNER_TABLE"], r.out)
            with open(files[0], encoding="utf-8") as f:
                d = json.load(f)
            self.fits(d, "selftest.schema.json")
            # Each attack meets the walls it should, none less and none made up.
            expected = self.walls(actor)
            found = {a["attack"]: a["stopped_by"] + ["*"] * a["stopped_by_what_cannot_be_left_out"]
                     for a in d["attacks"]}
            self.assertEqual(set(found), set(expected))
            contained = [a for a in d["attacks"] if a["state"] == "contained"]
            self.assertEqual({a["attack"]: found[a["attack"]] for a in contained},
                             {a["attack"]: expected[a["attack"]] for a in contained})
            for a in contained:
                self.assertEqual(a["single_point_of_failure"], len(found[a["attack"]]) == 1)
            # Slow machines are no failure: the bound is per attempt.
            self.assertLess(took / (len(found) * 20), 0.5 * lib.PATIENCE)
            suite = xml.etree.ElementTree.parse(files[1]).getroot()
            self.assertEqual(int(suite.get("tests")), len(found) + 1)
            self.assertEqual(len(suite.findall("testcase")), len(found) + 1)
            with open(files[2], encoding="utf-8") as f:
                page = f.read()
            for name in found:
                self.assertIn(name.replace("'", "&#39;"), page)
            self.assertIn("(one wall)", r.out)

    def test_it_can_fail(self):
        """Of a runner whose filter gives wrong answers, which no proof can know."""
        with open(lib.RUNNER, "rb") as f:
            program = f.read()
        # BPF_RET | BPF_K with SECCOMP_RET_ERRNO | EPERM, and with EINVAL
        right, wrong = (struct.pack("=HBBI", 6, 0, 0, 0x50000 | e)
                        for e in (errno.EPERM, errno.EINVAL))
        self.assertIn(right, program)
        broken = os.path.join(lib.room(), "runner")
        with open(broken, "wb") as f:
            f.write(program.replace(right, wrong))
        os.chmod(broken, 0o755)

        def check(actor):
            files = [os.path.join(lib.room(actor, 0o777), n) for n in ("r.json", "j.xml")]
            r = lib.run([broken, "selftest", "--report", files[0], "--junit", files[1]], actor)
            self.assertEqual(r.status, 1, repr(r))
            with open(files[0], encoding="utf-8") as f:
                d = json.load(f)
            self.fits(d, "selftest.schema.json")
            states = {a["attack"]: (a["state"], a["inside"]) for a in d["attacks"]}
            for attack in "trace a process", "read another's memory", "personality":
                self.assertEqual(states[attack], ("failed", "EINVAL"))
                self.assertIn("FAILED     %-28s EINVAL; expected EPERM" % attack, r.out)
            # One wall is broken, not all.
            self.assertEqual(states["its open files"][0], "contained")
            self.assertEqual(states["/var"][0], "contained")
            self.assertGreater(d["failed"], 20)
            suite = xml.etree.ElementTree.parse(files[1]).getroot()
            self.assertEqual(int(suite.get("failures")), d["failed"] + d["vacuous"])
            self.assertEqual(len(suite.findall("testcase/failure")), d["failed"] + d["vacuous"])
        self.each(check)

    def test_wrong_usage(self):
        for options, words in ((["--frob"], "unknown option '--frob'"),
                               (["--html"], "--html needs a value")):
            r = self.run_it("user", *options)
            self.assertEqual(r.status, 125)
            self.assertIn(words, r.err)
        r = self.run_it("user", "--report", "/does/not/exist/r.json")
        self.assertEqual(r.status, 125)
        self.assertIn("/does/not/exist/r.json", r.err)


def answers(result):
    """"1:38 2:1 ..." and the probe's own 0."""
    return {int(nr): int(error) for nr, error in
            (pair.split(":") for pair in result.out.split()[:-1])}


def numbers(calls):
    return ",".join(str(c["number"]) for c in calls)


class Calls(lib.PerActor):
    """Every system call that the policy does not allow, one by one, by its number."""

    def sweep(self, actor):
        return report_of(actor)[1]["system_calls"]

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
                # Some meet the guard first; test_guard.py says which.
                self.assertLessEqual({d["layer"] for d in r.report["denials"]},
                                     {"seccomp"} | set(lib.GUARD))
                self.assertEqual({d["operation"] for d in r.report["denials"]},
                                 {c["name"] for c in some})
            r = lib.sandbox(lib.NO_FILTER, [lib.PROBE, "calls", numbers(calls)], actor)
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
