# SPDX-License-Identifier: Apache-2.0
"""--help, the man pages, the schemas and the tables of the program agree."""
import glob
import json
import os
import re
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import lib

ROOT = os.path.join(lib.HERE, "..")


def read(*path):
    with open(os.path.join(ROOT, *path), encoding="utf-8") as f:
        return f.read()


def plain(man):
    """A man page's words without its marks."""
    text = re.sub(r"^\.[A-Z]+ ?", "", man, flags=re.M)
    text = re.sub(r"\\f[A-Z]", "", text)
    return text.replace("\\-", "-").replace('"', "")


RUNNER1 = plain(read("docs", "runner.1"))
PROFILE5 = plain(read("docs", "runner-profile.5"))


def help_of(*argv):
    return subprocess.run([lib.RUNNER, *argv, "--help"], stdout=subprocess.PIPE, text=True,
                          check=True).stdout


class Docs(lib.Case):
    def test_every_option_is_in_the_man_page_and_the_other_way_round(self):
        options = set()
        for verb in ("exec", "selftest"):
            options |= set(re.findall(r"^  (--[a-z-]+)", help_of(verb), re.M))
        self.assertGreater(len(options), 20)
        documented = set(re.findall(r"--[a-z]+(?:-[a-z]+)*", RUNNER1))
        documented -= {"--name", "--version", "--json"}
        self.assertEqual(options, documented)

    def test_every_verb_is_in_the_man_page(self):
        verbs = re.findall(r"^  ([a-z]+) ", help_of(), re.M)
        self.assertEqual(len(verbs), 4)
        for verb in verbs:
            self.assertIn("runner " + verb, RUNNER1)
            self.assertIn("Usage: runner " + verb, help_of(verb))

    def test_every_layer_is_in_the_man_page(self):
        doctor = subprocess.run([lib.RUNNER, "doctor", "--json"], stdout=subprocess.PIPE, text=True)
        layers = list(json.loads(doctor.stdout)["layers"])
        listed = re.search(r"Layers:\n(.*?)\. Some", RUNNER1, re.S)[1]
        self.assertEqual(re.split(r",\s+", listed), layers)
        for layer in layers:
            self.assertIn(layer, read("docs", "architecture.md"))

    def test_every_reason_is_in_the_man_page(self):
        schema = json.loads(read("docs", "report.schema.json"))
        report = RUNNER1[RUNNER1.index("REPORT"):]
        for reason in schema["properties"]["reason"]["enum"]:
            self.assertIn(reason, report)

    def test_every_key_of_a_profile_is_documented(self):
        schema = json.loads(read("docs", "profile.schema.json"))
        shown = subprocess.run([lib.RUNNER, "profile", "show", "default"], stdout=subprocess.PIPE,
                               text=True, check=True)
        profile = json.loads(shown.stdout)["profile"]
        for key in profile:
            self.assertIn(key, schema["properties"])
        self.assertEqual(set(profile["limits"]), set(schema["properties"]["limits"]["properties"]))
        for key in list(schema["properties"]) + list(profile["limits"]):
            self.assertRegex(PROFILE5, r"(?m)^%s$" % key)

    def test_profiles_fit_their_schema(self):
        try:
            import jsonschema
        except ImportError:
            self.skipTest("python3-jsonschema is not installed")
        schema = json.loads(read("docs", "profile.schema.json"))
        paths = glob.glob(os.path.join(ROOT, "profiles", "*.json"))
        self.assertGreaterEqual(len(paths), 4)
        for path in paths:
            with open(path, encoding="utf-8") as f:
                jsonschema.validate(json.load(f), schema)

    def test_what_profile_show_prints_can_be_loaded(self):
        listed = subprocess.run([lib.RUNNER, "profile", "list"], stdout=subprocess.PIPE, text=True,
                                check=True).stdout
        names = [line.split()[0] for line in listed.splitlines()]
        self.assertEqual(sorted(names), sorted(os.path.basename(p)[:-5] for p in
                                               glob.glob(os.path.join(ROOT, "profiles", "*.json"))))
        for name in names:
            shown = lib.run([lib.RUNNER, "profile", "show", name])
            profile = json.loads(shown.out)["profile"]
            path = lib.write(os.path.join(lib.ROOM, name + ".json"), json.dumps(profile))
            self.ok(lib.run([lib.RUNNER, "profile", "check", path]))
            again = json.loads(lib.run([lib.RUNNER, "profile", "show", path]).out)["profile"]
            self.assertEqual(again, profile)

    def test_the_manual_pages_are_well_formed(self):
        if not shutil.which("mandoc"):
            self.skipTest("mandoc is not installed")
        for page in ("runner.1", "runner-profile.5"):
            r = lib.run(["mandoc", "-T", "lint", "-W", "warning", os.path.join(ROOT, "docs", page)])
            self.assertEqual(r.out, "", r.out)

    def test_versions_agree(self):
        version = re.search(r'"(.*)"', read("runner", "version.h"))[1]
        out = lib.run([lib.RUNNER, "--version"]).out
        self.assertEqual(out, "runner %s\n" % version)
        for page in ("runner.1", "runner-profile.5"):
            self.assertIn("runner " + version, read("docs", page))


if __name__ == "__main__":
    lib.main()
