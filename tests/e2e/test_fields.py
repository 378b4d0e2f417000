# SPDX-License-Identifier: Apache-2.0
"""No field of a profile is lost on its way: read, embedded, shown, read again.

A lost field makes a sandbox wider without a word (one lost `programs`). So the fields
are read from spec.h itself: who adds one adds a file to tests/fields, or says here why
no profile has it. t/runner-fields is a runner with these files built in.
"""
import json
import os
import re
import shutil
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import lib

SOURCES = os.path.join(lib.HERE, "..")
FILES = os.path.join(lib.HERE, "fields")

LIST = "counts the list beside it"
ASKED = "of the command line: what to run, and where things go"
LOADED = "said by the loader, of the profile itself"

# field -> the file of tests/fields that gives it a value of its own, or why there is none
COVERED = {
    "spec.profile": LOADED, "spec.profile_sha256": LOADED, "spec.owned": LOADED,
    "spec.command": ASKED, "spec.argv": ASKED, "spec.caller_env": ASKED,
    "spec.seccomp_asked": ASKED, "spec.stdin_path": ASKED, "spec.report": ASKED, "spec.dry_run": ASKED,
    "spec.n_mounts": LIST, "spec.n_env": LIST, "spec.n_without": LIST, "spec.n_programs": LIST,
    "spec.description": "description.json", "spec.interpreter": "interpreter.json",
    "spec.rootfs": "rootfs.json", "spec.mounts": "bind.json", "spec.env": "env.json",
    "spec.cwd": "cwd.json", "spec.hostname": "hostname.json", "spec.uid": "user.json",
    "spec.gid": "user.json", "spec.network": "network.json", "spec.limits": "limits.json",
    "spec.seccomp": "seccomp.json", "spec.without": "without.json",
    "spec.only_programs": "programs-none.json", "spec.programs": "programs.json",
    "spec.require_cgroup": "require.json",
    "spec_mount.type": "tmpfs.json", "spec_mount.read_only": "bind.json",
    "spec_mount.exec_implied": ASKED, "spec_mount.exec": "tmpfs.json", "spec_mount.optional": "bind.json",
    "spec_mount.sockets": "sockets.json", "spec_mount.kernel": "sockets.json",
    "spec_mount.source": "bind.json", "spec_mount.destination": "bind.json",
    "spec_mount.size": "tmpfs.json", "spec_mount.inodes": "tmpfs.json",
    "spec_env.name": "env.json", "spec_env.value": "env.json",
    "spec_limits.wall_ms": "limits.json", "spec_limits.cpu_ms": "limits.json",
    "spec_limits.memory": "limits.json", "spec_limits.memory_high": "memory-high.json",
    "spec_limits.pids": "limits.json", "spec_limits.cpus_milli": "limits.json",
    "spec_limits.output": "limits.json", "spec_limits.open_files": "limits.json",
    "spec_limits.file_size": "limits.json", "spec_limits.output_kills": "on-output.json",
    "spec_limits.grace_ms": "limits.json", "spec_limits.drain_ms": "limits.json",
}

# file -> the options that say the same
OPTIONS = {
    "user": ["--uid", "7", "--gid", "8"], "hostname": ["--hostname", "other"],
    "cwd": ["--cwd", "/usr"], "rootfs": ["--rootfs", "/usr"],
    "env": ["--env", "A=b \"c\" \\ \n\t€", "--env", "PATH", "--env", "NOT_THERE"],
    "network": ["--network", "loopback"], "seccomp": ["--seccomp", "no-fork"],
    "limits": ["--timeout", "3s", "--cpu-time", "4s", "--memory", "77m", "--pids", "5",
               "--cpus", "0.5", "--output-limit", "9k", "--open-files", "99",
               "--file-size", "8k", "--grace", "1500ms", "--drain", "700ms"],
    "memory-high": ["--memory", "60m", "--memory-high", "50m"],
    "on-output": ["--on-output", "kill"], "require": ["--require", "cgroup"],
    "programs": ["--program", "sh", "--program", "/usr/bin/env"],
    "without": ["--without", "landlock", "--without", "keyring"],
}


def fields():
    """struct.member of each struct that holds what was asked for."""
    with open(os.path.join(SOURCES, "runner/spec.h"), encoding="utf-8") as f:
        text = re.sub(r"/\*.*?\*/", "", f.read(), flags=re.S)
    found = set()
    for struct, body in re.findall(r"struct (spec\w*) \{(.*?)\n\};", text, re.S):
        for line in body.split(";"):
            m = re.search(r"(\w+)(\[\w+\])?\s*$", line)
            if m:
                found.add("%s.%s" % (struct, m[1]))
    return found


class Fields(lib.Case):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.embedded = os.path.join(lib.ROOM, "runner-fields")
        shutil.copy(os.path.join(lib.BUILD, "t/runner-fields"), cls.embedded)
        # Without a key: what all are compared with.
        cls.plain = lib.write(os.path.join(lib.ROOM, "plain.json"), "{}")

    def shown(self, runner, profile):
        return json.loads(self.ok(lib.run([runner, "profile", "show", profile])).out)["profile"]

    def plan(self, runner, profile, options=()):
        """What the run would be, or why there would be none."""
        r = lib.run([runner, "exec", "--profile", profile, "--dry-run", *options, "--", "sh"],
                    env={"PATH": os.environ["PATH"]})
        # Each run has an unowned id of its own.
        out = re.sub(r'"host_[ug]id": \d+', "", r.out)
        return r.status, out.split("\n")[2:], r.err

    def files(self):
        names = sorted(n[:-5] for n in os.listdir(FILES))
        self.assertGreater(len(names), 15)
        return [(n, os.path.join(FILES, n + ".json")) for n in names]

    def test_every_field_is_covered(self):
        found = fields()
        self.assertGreater(len(found), 40)
        self.assertEqual(found, set(COVERED))
        names = {n + ".json" for n, _ in self.files()}
        for field, how in COVERED.items():
            self.assertTrue(how in names or how in (LIST, ASKED, LOADED), "%s: %s" % (field, how))
        keys = set()
        for _, path in self.files():
            with open(path, encoding="utf-8") as f:
                keys |= set(json.load(f))
        with open(os.path.join(SOURCES, "docs/profile.schema.json"), encoding="utf-8") as f:
            self.assertEqual(keys | {"extends"}, set(json.load(f)["properties"]))

    def test_each_makes_a_difference(self):
        """Or the comparisons below would compare nothing."""
        plain = self.shown(lib.RUNNER, self.plain), self.plan(lib.RUNNER, self.plain)
        for name, path in self.files():
            with self.subTest(name):
                mine = self.shown(lib.RUNNER, path), self.plan(lib.RUNNER, path)
                self.assertNotEqual(mine[0], plain[0])
                # Whom it is for changes no plan; what a host with a cgroup gives needs none.
                if name not in ("description", "require", "interpreter"):
                    self.assertNotEqual(mine[1], plain[1])

    def test_every_value_is_shown_as_it_was_written(self):
        """Against the file itself, not against what another reader made of it."""
        same = {"description", "interpreter", "hostname", "cwd", "rootfs", "network", "seccomp",
                "programs", "require", "without", "user", "env"}
        seen = set()
        for name, path in self.files():
            with open(path, encoding="utf-8") as f:
                written = json.load(f)
            shown = self.shown(lib.RUNNER, path)
            for key in set(written) & same:
                seen.add(key)
                with self.subTest(name, key=key):
                    self.assertEqual(shown[key], written[key])
        self.assertEqual(seen, same)
        shown = self.shown(lib.RUNNER, os.path.join(FILES, "tmpfs.json"))["mounts"]
        self.assertEqual(shown, [{"type": "tmpfs", "destination": "/scratch", "size": 3 << 20,
                                  "inodes": 77, "options": ["ro", "exec"]}])
        shown = self.shown(lib.RUNNER, os.path.join(FILES, "bind.json"))["mounts"]
        self.assertEqual([m["options"] for m in shown], [["rw", "exec"],
                                                        ["ro", "noexec", "optional"]])
        shown = self.shown(lib.RUNNER, os.path.join(FILES, "sockets.json"))["mounts"]
        self.assertEqual([m["options"] for m in shown], [["ro", "noexec", "sockets"],
                                                        ["ro", "noexec", "sockets", "kernel"]])
        shown = self.shown(lib.RUNNER, os.path.join(FILES, "limits.json"))["limits"]
        self.assertEqual(shown, {
            "wall_time": "3000ms", "cpu_time": "4000ms", "memory": 77 << 20,
            "memory_high": "unlimited", "pids": 5, "cpus": 0.5, "output": 9 << 10,
            "open_files": 99, "file_size": 8 << 10, "grace": "1500ms", "drain": "700ms",
            "on_output": "truncate"})

    def test_embedding_loses_nothing(self):
        for name, path in self.files():
            with self.subTest(name):
                self.assertEqual(self.shown(self.embedded, name), self.shown(lib.RUNNER, path))
                self.assertEqual(self.plan(self.embedded, name), self.plan(lib.RUNNER, path))

    def test_what_is_shown_is_the_same_profile(self):
        for name, path in self.files():
            with self.subTest(name):
                out = self.ok(lib.run([lib.RUNNER, "profile", "show", path])).out
                again = lib.write(os.path.join(lib.ROOM, "again.json"), out)
                self.ok(lib.run(["sh", "-c", "%s profile check - <%s" % (lib.RUNNER, again)]),
                        "-: ok\n")
                self.assertEqual(self.shown(lib.RUNNER, again), self.shown(lib.RUNNER, path))
                self.assertEqual(self.plan(lib.RUNNER, again), self.plan(lib.RUNNER, path))

    def test_an_option_says_the_same(self):
        for name, options in OPTIONS.items():
            with self.subTest(name):
                self.assertEqual(self.plan(lib.RUNNER, self.plain, options),
                                 self.plan(lib.RUNNER, os.path.join(FILES, name + ".json")))

    def test_a_wrapper_is_taken_for_one_only_when_it_is_whole(self):
        out = self.ok(lib.run([lib.RUNNER, "profile", "show", "default"])).out
        for change in (lambda o: o.pop("from"), lambda o: o.update(network="host"),
                       lambda o: o.update(profile=[])):
            shown = json.loads(out)
            change(shown)
            path = lib.write(os.path.join(lib.ROOM, "wrong.json"), json.dumps(shown))
            r = lib.run([lib.RUNNER, "profile", "check", path])
            self.assertEqual(r.status, 125, repr(r))


class Check(lib.Case):
    """What exec refuses on every host, `profile check` does not call ok."""

    def test_check_and_exec_agree(self):
        for text, words in [
                ({"seccomp": "nofork"}, "there is no built-in seccomp policy 'nofork'"),
                ({"seccomp": "/none.json"}, "'/none.json': No such file"),
                ({"without": ["secomp"]}, "no layer 'secomp'"),
                ({"without": ["pid_ns"]}, "cannot be left out"),
                ({"seccomp": "no-fork", "limits": {"open_files": 5000}}, "at most 4095"),
                ({"mounts": [{"type": "bind", "source": "/usr", "destination": "/proc/x"}]},
                 "runner's own")]:
            path = lib.write(os.path.join(lib.ROOM, "p.json"), json.dumps(text))
            for argv in (["profile", "check", path], ["exec", "--profile", path, "--", "true"]):
                r = lib.run([lib.RUNNER] + argv)
                self.assertEqual((r.status, r.out), (125, ""), repr(r))
                self.assertIn(words, r.err)

    def test_a_good_one_is_ok(self):
        for name in ("default", "strategy", "agent", "probe"):
            self.ok(lib.run([lib.RUNNER, "profile", "check", name]), name + ": ok\n")


if __name__ == "__main__":
    lib.main()
