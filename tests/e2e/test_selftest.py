# SPDX-License-Identifier: Apache-2.0
"""What a user with only the binary can prove, and that it would tell a failure."""
import json
import os
import sys
import time
import unittest
import xml.etree.ElementTree

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import lib


class Selftest(lib.PerActor):
    def run_it(self, actor, *options):
        return lib.run([lib.RUNNER, "selftest"] + list(options), actor)

    def test_every_attack_is_contained(self):
        def check(actor):
            r = self.ok(self.run_it(actor, "--report", "-"))
            d = json.loads(r.out)
            self.fits(d, "selftest.schema.json")
            self.assertEqual((d["failed"], d["ablated"]), (0, False))
            self.assertGreaterEqual(d["contained"], 75)
            self.assertGreaterEqual(d["contained"] + d["absent"], 90)
            for a in d["attacks"]:
                self.assertIn(a["state"], ("contained", "absent"), a)
                if a["state"] == "contained":
                    self.assertEqual(a["inside"], a["expected"])
        self.each(check)

    @unittest.skipIf(os.environ.get("RUNNER_SLOW"), "a thousand runs are too many here")
    def test_ablation(self):
        def check(actor):
            before = time.monotonic()
            room = lib.room(actor, 0o777)
            files = [os.path.join(room, n) for n in ("r.json", "j.xml", "p.html")]
            r = self.ok(self.run_it(actor, "--ablate", "--report", files[0], "--junit", files[1],
                                    "--html", files[2]))
            took = time.monotonic() - before
            with open(files[0], encoding="utf-8") as f:
                d = json.load(f)
            self.fits(d, "selftest.schema.json")
            walls = {a["attack"]: a for a in d["attacks"]}
            # A second wall where there is one, and none that the ablation made up.
            self.assertEqual(walls["run what it wrote"]["stopped_by"], ["noexec", "landlock"])
            self.assertEqual(walls["user namespace"]["stopped_by"], ["userns_limit", "seccomp"])
            self.assertTrue(walls["reach the loopback device"]["single_point_of_failure"])
            self.assertTrue(walls["/sys"]["stopped_by_what_cannot_be_left_out"])
            self.assertEqual(walls["/sys"]["stopped_by"], [])
            # Slow machines are no failure: the bound is per attempt.
            self.assertLess(took / (len(walls) * 20), 0.5)
            suite = xml.etree.ElementTree.parse(files[1]).getroot()
            self.assertEqual(int(suite.get("tests")), len(walls) + 1)
            self.assertEqual(len(suite.findall("testcase")), len(walls) + 1)
            with open(files[2], encoding="utf-8") as f:
                page = f.read()
            for name in walls:
                self.assertIn(name.replace("'", "&#39;"), page)
            self.assertIn("(one wall)", r.out)
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


if __name__ == "__main__":
    lib.main()
