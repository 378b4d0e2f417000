# SPDX-License-Identifier: Apache-2.0
"""A refusal names its cause and what to write instead; and what it says to write works."""
import json
import os
import re
import shlex
import signal
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import lib


class Hints(lib.PerActor):
    def hint(self, r):
        [line] = re.findall(r"^runner: hint: (.*)$", r.err, re.M)
        self.assertEqual(r.report["hint"] if r.report else line, line)
        return line

    def refused(self, r, reason, status, words):
        self.assertEqual((r.status, r.out), (status, ""), repr(r))
        self.assertEqual(r.report["reason"], reason, repr(r))
        for word in words:
            self.assertIn(word, r.err)


class Limits(Hints):
    def test_the_option_that_allows_more(self):
        def check(actor):
            spin = ["--", "sh", "-c", "while :; do :; done"]
            r = lib.sandbox(["--cpu-time", "100ms"], spin, actor)
            self.refused(r, "cpu_time", 124, [])
            self.assertEqual(self.hint(r), "--cpu-time gives it more")
            big = ["--", "dd", "if=/dev/zero", "of=/tmp/x", "bs=64k", "count=32", "status=none"]
            r = lib.sandbox(["--file-size", "1m"], big, actor)
            self.refused(r, "signaled", 128 + signal.SIGXFSZ, [])
            self.assertIn("--file-size", self.hint(r))
            self.ok(lib.sandbox(["--file-size", "2m"], big, actor))
            # A signal that no limit of ours has sent says nothing of one.
            r = lib.sandbox([], ["--", "sh", "-c", "kill -XFSZ $$"], actor)
            self.refused(r, "signaled", 128 + signal.SIGXFSZ, [])
            self.assertIsNone(r.report["hint"])
        self.each(check)

    def test_the_output_limit_is_told_once(self):
        def check(actor):
            both = ["--", "sh", "-c", "echo 12345; echo 12345 >&2"]
            for command, cut in ((both[:3] + ["echo 12345"], "stdout was"),
                                 (both, "stdout and stderr were")):
                r = lib.sandbox(["--output-limit", "3"], command, actor)
                self.assertEqual((r.status, r.out), (0, "123"), repr(r))
                self.assertIn("runner: %s cut at limit output; --output-limit allows more\n"
                              % cut, r.err)
            r = lib.sandbox(["--output-limit", "3", "--on-output", "kill"],
                            ["--", "sh", "-c", "echo 12345; sleep 60"], actor)
            self.assertEqual((r.status, r.report["reason"]), (137, "output"))
            self.assertEqual(r.err.count("--output-limit"), 1, r.err)
        self.each(check)

    def test_a_reader_that_leaves_is_no_news(self):
        def check(actor):
            for name, said in (("PIPE", ""), ("USR1", "runner: signaled: the payload died of "
                                                      "signal 10 (User defined signal 1)\n")):
                r = lib.sandbox([], ["--", "sh", "-c", "kill -%s $$" % name], actor)
                self.assertEqual((r.report["reason"], r.err), ("signaled", said))
        self.each(check)


class NotExecutable(Hints):
    def file(self, actor, mode=0o755, text="#!/bin/sh\necho ran\n"):
        d = lib.room(actor, 0o755)
        lib.write(d + "/x", text, mode, actor)
        return d

    def test_a_mount_without_programs(self):
        """The option it names is the one that was given, with one word more; that one works."""
        def check(actor):
            d = self.file(actor)
            outer = lib.room(actor)
            os.mkdir(outer + "/sub")
            lib.give(outer + "/sub", actor)
            for options, command in (
                    (["--bind", d + ":/w"], ["/w/x"]),
                    (["--bind", d + ":/w", "--cwd", "/w"], ["./x"]),
                    (["--bind", d + ":/w", "--cwd", "/w"], ["../w/x"]),
                    (["--ro-bind", d + ":/w:noexec"], ["/w/x"]),
                    (["--bind", outer + ":/w", "--bind", d + ":/w/sub"], ["/w/sub/x"])):
                r = lib.sandbox(options, ["--"] + command, actor)
                self.refused(r, "setup_failed", 126, ["Permission denied", "(noexec)"])
                if command == ["../w/x"]:
                    continue  # a path that is not plain: the mount's name is not looked for
                add = re.search(r"to allow them: (--(?:ro-)?bind \S+)$", self.hint(r))[1]
                self.assertTrue(add.endswith(":exec"), add)
                more = shlex.split(add)
                kept = [o for i in range(0, len(options), 2) for o in options[i:i + 2]
                        if not more[1].startswith(options[i + 1].replace(":noexec", ""))]
                self.ok(lib.sandbox(kept + more, ["--"] + command, actor), "ran\n")
        self.each(check)

    def test_a_tmpfs(self):
        def check(actor):
            d = self.file(actor)
            # A file bound into the tmpfs is a mount of its own; one of the tmpfs itself
            # cannot be there before the program is. Only a directory can.
            r = lib.sandbox(["--bind", d + "/x:/tmp/x"], ["--", "/tmp/x"], actor)
            self.refused(r, "setup_failed", 126, ["%s/x:/tmp/x:exec" % d])
            r = lib.sandbox([], ["--", "/tmp"], actor)
            self.refused(r, "setup_failed", 126, ["Permission denied", "no regular file"])
        self.each(check)

    def test_a_file_system_that_cannot_be_mapped(self):
        if "root" not in lib.ACTORS:
            self.skipTest("needs root: an ordinary user's binds are not mapped")
        d = lib.room()

        def inside(option):
            return lib.run(["unshare", "-m", "sh", "-ec", "mount -t ramfs none {0}; exec {1} exec "
                            "{2} {0}:/r -- true".format(d, lib.RUNNER, option)])
        r = inside("--bind")
        self.assertEqual((r.status, r.out), (125, ""), repr(r))
        self.assertIn(d + ": Invalid argument", r.err)
        self.assertIn("id-mapped", self.hint(r))
        self.ok(inside("--ro-bind"))

    def test_no_x_bit(self):
        def check(actor):
            d = self.file(actor, 0o644)
            r = lib.sandbox(["--bind", d + ":/w:exec"], ["--", "/w/x"], actor)
            self.refused(r, "setup_failed", 126, ["Permission denied"])
            self.assertIn("chmod +x", self.hint(r))
            self.assertNotIn("noexec", r.err)
            os.chmod(d + "/x", 0o755)  # control
            self.ok(lib.sandbox(["--bind", d + ":/w:exec"], ["--", "/w/x"], actor), "ran\n")
        self.each(check)

    def test_no_x_bit_on_a_script(self):
        """What is typed instead works from where the caller stands."""
        def check(actor):
            d = self.file(actor, 0o644)
            r = lib.sandbox([], ["x"], actor, cwd=d)
            self.refused(r, "rejected", 126, ["'x' is not executable"])
            command = re.search(r"runner (exec -- sh -s <x)$", self.hint(r))[1]
            again = lib.run(["sh", "-c", "%s %s" % (lib.RUNNER, command)], actor, cwd=d)
            self.assertEqual((again.status, again.out), (0, "ran\n"), repr(again))
        self.each(check)

    def test_the_line_ends_of_another_system(self):
        """Said before it runs; where it is found inside, by who looks for it there."""
        def check(actor):
            d = self.file(actor)
            for line in ("#!/bin/sh", "#! /usr/bin/env sh", "#!/usr/bin/env -S sh -u"):
                lib.write(d + "/x", "", 0o755, actor)
                with open(d + "/x", "wb") as f:
                    f.write(b"%s\r\necho ran\n" % line.encode())
                r = lib.sandbox([], ["./x"], actor, cwd=d)
                self.refused(r, "rejected", 126, ["#! line ends with CR LF"])
                if line == "#!/bin/sh":
                    r = lib.sandbox(["--ro-bind", d + ":/d"], ["--", "/d/x"], actor)
                    self.refused(r, "setup_failed", 127, ["#! line ends with CR LF"])
                    self.assertIn("sed -i 's/\\r$//' FILE", self.hint(r))
                    r = lib.sandbox([], ["./x"], actor, cwd=d)
                self.ok(lib.run(["sh", "-c", re.search("sed .*", self.hint(r))[0]], cwd=d))
                self.ok(lib.sandbox([], ["./x"], actor, cwd=d), "ran\n")
            # Not where it belongs to an option, or to no such line at all.
            for name, text in (("p", b"#!/usr/bin/perl -w\r\nprint qq(ran\\n);\n"),
                               ("s.py", b"#!/usr/bin/env python3\r\nprint('ran')\r\n"),
                               ("e", b"#!/bin/echo r\na\rn")):
                lib.write(d + "/" + name, "", 0o755, actor)
                with open(d + "/" + name, "wb") as f:
                    f.write(text)
                r = lib.sandbox([], [name], actor, cwd=d)
                self.assertEqual((r.status, r.out[0]), (0, "r"), repr(r))
        self.each(check)

    def test_an_interpreter_that_is_not_there(self):
        def check(actor):
            d = self.file(actor, text="#!/no/such\n")
            for options, command, name in (
                    ([], [d + "/x"], "/app/x"), (["--ro-bind", d + ":/d"], ["--", "/d/x"], "/d/x"),
                    (["--ro-bind", d + ":/d", "--env", "PATH=/usr/bin:/d:/bin"], ["--", "x"],
                     "/d/x")):
                r = lib.sandbox(options, command, actor)
                self.refused(r, "setup_failed", 127, [
                    "'%s' cannot be executed: its interpreter is not found inside" % name])
            r = lib.sandbox(["--ro-bind", d + ":/d"], ["--", "/d/y"], actor)
            self.refused(r, "setup_failed", 127, ["'/d/y': not found inside the sandbox"])
        self.each(check)

    def test_what_the_policy_does_not_let_it_ask(self):
        """By then the filter is loaded. Nobody is killed for looking why it failed."""
        def check(actor):
            d = self.file(actor, text="#!/no/such\r\n")
            for call, words in (("getpid", "its #! line ends with CR LF"),
                                ("read", "its interpreter is not found inside"),
                                ("openat", "its interpreter is not found inside"),
                                ("newfstatat", "'/d/x': not found inside the sandbox")):
                policy = lib.write("%s/%s.json" % (d, call), json.dumps({
                    "extends": "default",
                    "syscalls": [{"names": [call], "action": "SCMP_ACT_KILL_PROCESS"}]}), 0o644)
                r = lib.sandbox(["--ro-bind", d + ":/d", "--seccomp", policy], ["--", "/d/x"],
                                actor)
                self.refused(r, "setup_failed", 127, [words])
        self.each(check)

    def test_the_interpreter_before_the_script(self):
        """What is typed instead works, with the words that follow; from where the caller is."""
        def check(actor):
            d = lib.room(actor)
            os.mkdir(d + "/sub")
            lib.give(d + "/sub", actor)
            for name, text in (("s.py", "import sys\nprint(sys.argv[1:])\n"),
                               ("sub/s.py", "import sys\nprint(sys.argv[1:])\n"),
                               ("s.sh", "echo \"['$1', '$2']\"\n"),
                               ("noend", "import sys\nprint(sys.argv[1:])\n")):
                lib.write("%s/%s" % (d, name), text, 0o644, actor)
                interpreter = "sh" if name.endswith(".sh") else "python3"
                r = lib.sandbox([], [interpreter, name, "a", "--b=1"], actor, cwd=d)
                self.refused(r, "rejected", 127, ["'%s': no such file" % interpreter])
                command = re.search(r"runner (exec .*)$", self.hint(r))[1]
                again = lib.run(["sh", "-c", "%s %s" % (lib.RUNNER, command)], actor, cwd=d)
                self.assertEqual((again.status, again.out), (0, "['a', '--b=1']\n"), repr(again))
            # It is the interpreter that was asked for, whatever the file is called.
            r = lib.sandbox([], ["sh", "s.py"], actor, cwd=d)
            self.assertTrue(self.hint(r).endswith(" -- sh /run/s.py"), r.err)
            # What would have to be quoted, or is no file, is not typed for anybody.
            for words in (["s.py", "a b"], ["-c", "print(1)"], ["none.py"], []):
                r = lib.sandbox([], ["python3"] + words, actor, cwd=d)
                self.assertTrue(self.hint(r).endswith("runner exec -- python3"), r.err)
        self.each(check)

    def test_standard_input_as_the_script(self):
        r = lib.sandbox([], ["-"])
        self.refused(r, "rejected", 127, ["'-': no such file"])
        self.assertIn("runner exec -- python3 -", self.hint(r))

    def test_a_program_that_is_not_named(self):
        def check(actor):
            r = lib.sandbox(["--program", "sh"], ["--", "ls"], actor)
            self.refused(r, "setup_failed", 126, ["Permission denied", "--program ls"])
        self.each(check)

    def test_a_policy_that_may_not_be_asked_only_costs_the_hint(self):
        """What the filter refuses is not tried: the run ends for what it failed for."""
        policy = lib.write(os.path.join(lib.room(), "p.json"), """{"extends": "default",
            "syscalls": [{"names": ["statfs"], "action": "SCMP_ACT_KILL_PROCESS"}]}""")

        def check(actor):
            d = self.file(actor)
            r = lib.sandbox(["--bind", d + ":/w", "--seccomp", policy], ["--", "/w/x"], actor)
            self.refused(r, "setup_failed", 126, ["Permission denied"])
            self.assertEqual(r.report["denials"], [])
        self.each(check)

    def test_a_script_where_one_program_may_start(self):
        def check(actor):
            d = self.file(actor)
            r = lib.sandbox(["--profile", "strategy"], [d + "/x"], actor)
            self.refused(r, "setup_failed", 126, ["#!", "no-fork", "one program"])
            self.assertIn("-- sh", self.hint(r))
            self.assertIn("--profile default", self.hint(r))
            # controls: both that it says
            self.ok(lib.sandbox(["--profile", "strategy", "--ro-bind", d + "/x:/run/x"],
                                ["--", "sh", "/run/x"], actor), "ran\n")
            self.ok(lib.sandbox(["--profile", "default"], [d + "/x"], actor), "ran\n")
        self.each(check)


class Memory(Hints):
    SMALL = "kept = []\nwhile True:\n    kept.append(bytearray(1000))\n"

    def test_small_allocations_up_to_the_limit(self):
        """The payload's own MemoryError (or abort): its end is its own, the cause gets a line."""
        def check(actor):
            script = lib.write(os.path.join(lib.room(actor), "s.py"), self.SMALL, 0o644, actor)
            r = lib.sandbox(["--memory", "64m"], [script], actor)
            self.assertNotEqual(r.status, 0, repr(r))
            self.assertIn("--memory allows more", self.hint(r))
            if lib.has_cgroup(actor):
                self.assertEqual(r.report["reason"], "memory", repr(r))
            else:
                self.assertIn(r.report["reason"], ("exited", "signaled", "memory"), repr(r))
                self.assertIn("MiB of limit memory" if r.report["reason"] != "memory" else "MiB",
                              r.err)
        self.each(check)

    def test_a_failure_far_from_it_says_nothing(self):
        def check(actor):
            for text in ("raise MemoryError", "b = bytearray(40 << 20)\nraise SystemExit(3)"):
                script = lib.write(os.path.join(lib.room(actor), "s.py"), text, 0o644, actor)
                r = lib.sandbox(["--memory", "512m"], [script], actor)
                self.assertIsNone(r.report["hint"])
                self.assertNotIn("runner: ", r.err)
            # nor one that went well, however much it took
            script = lib.write(os.path.join(lib.room(actor), "s.py"), self.SMALL.replace(
                "True", "len(kept) < 40000").replace("1000", "1024"), 0o644, actor)
            r = self.ok(lib.sandbox(["--memory", "64m"], [script], actor))
            self.assertIsNone(r.report["hint"])
        self.each(check)


class Options(Hints):
    def test_required_and_left_out(self):
        profile = lib.write(os.path.join(lib.room(), "p.json"),
                            '{"extends": "default", "require": ["cgroup"]}')

        def check(actor):
            for options in (["--require", "cgroup", "--without", "cgroup"],
                            ["--without", "cgroup", "--require", "cgroup"],
                            ["--profile", profile, "--without", "cgroup"]):
                r = lib.sandbox(options, ["--", "echo", "ran"], actor)
                self.assertEqual((r.status, r.out), (125, ""), repr(r))
                self.assertIn("both required and left out", r.err)
            self.ok(lib.sandbox(["--without", "cgroup"], ["--", "echo", "ran"], actor), "ran\n")
        self.each(check)

    def test_a_policy_asked_for_and_left_out(self):
        room = lib.room()
        without = lib.write(room + "/w.json", '{"extends": "default", "without": ["seccomp"]}')
        policy = lib.write(room + "/p.json", '{"extends": "default"}')

        def check(actor):
            for options in (["--seccomp", "no-fork", "--without", "seccomp"],
                            ["--without", "seccomp", "--seccomp", policy],
                            ["--profile", without, "--seccomp", "default"]):
                r = lib.sandbox(options, ["--", "echo", "ran"], actor)
                self.assertEqual((r.status, r.out), (125, ""), repr(r))
                self.assertIn("is asked for, and layer seccomp left out", r.err)
                self.assertIn("--without seccomp", self.hint(r))
            # controls: either; a policy that a profile happens to have asks for nothing
            for options in (["--seccomp", policy], ["--profile", without],
                            ["--profile", "probe", "--without", "seccomp"]):
                self.ok(lib.sandbox(options, ["--", "echo", "ran"], actor), "ran\n")
        self.each(check)

    def test_a_file_that_extends_a_file(self):
        room = lib.room()
        lib.write(room + "/base.json", '{"extends": "default"}')
        for name, options, words in (
                ("profile", ["--profile"], "extends: a file cannot be extended"),
                ("policy", ["--seccomp"], "extends: a file ('./base.json') cannot be extended")):
            more = lib.write("%s/%s.json" % (room, name), '{"extends": "./base.json"}')
            r = lib.sandbox(options + [more], ["--", "echo", "ran"], cwd=room)
            self.assertEqual((r.status, r.out), (125, ""), repr(r))
            self.assertIn(words, r.err)
            self.ok(lib.sandbox(options + [room + "/base.json"], ["--", "echo", "ran"]), "ran\n")

    def test_a_destination_without_a_slash(self):
        for option, value in (("--tmpfs", "tmp"), ("--tmpfs", "tmp:4m")):
            r = lib.sandbox([option, value], ["--", "echo", "ran"])
            self.assertEqual((r.status, r.out), (125, ""), repr(r))
            self.assertIn("is not absolute", r.err)
            self.assertIn("'/%s'" % value.split(":")[0], r.err)

    def test_too_few_open_files(self):
        """Said as what it is, with a number that does; also where the caller left many open."""
        def check(actor):
            for n in (8, 12, 16):
                r = lib.sandbox(["--open-files", str(n)], ["--", "echo", "ran"], actor)
                self.refused(r, "rejected", 125, ["limit open_files %d is too low" % n])
                enough = re.search(r"--open-files (\d+)", self.hint(r))[1]
                self.assertLess(int(enough), 64)
                self.ok(lib.sandbox(["--open-files", enough], ["--", "echo", "ran"], actor),
                        "ran\n")
            d = lib.room(actor)
            script = lib.write(d + "/s.py", "print('ran')", 0o644, actor)
            for options, command in (([], ["--", "echo", "ran"]), ([], [script]),
                                     (["--bind", d + ":/a", "--tmpfs", "/c:1m", "--ro-bind",
                                       d + ":/e"], ["--", "echo", "ran"]),
                                     (["--program", "echo"], ["--", "echo", "ran"]),
                                     (["--network", "loopback"], ["--", "echo", "ran"])):
                # The number that it names is enough, whatever else it opens for this run.
                r = lib.sandbox(options + ["--open-files", "12"], command, actor)
                n = re.search(r"--open-files (\d+)", self.hint(r))[1]
                self.ok(lib.sandbox(options + ["--open-files", n], command, actor), "ran\n")
        self.each(check)

    def test_many_descriptors_of_the_callers(self):
        def check(actor):
            code = ("import os, subprocess, sys\n"
                    "for i in range(200):\n"
                    "    os.set_inheritable(os.open('/dev/null', os.O_RDONLY), True)\n"
                    "sys.exit(subprocess.run(sys.argv[1:], close_fds=False).returncode)\n")
            for n, status in ((64, 125), (1024, 0)):
                r = lib.run([sys.executable, "-c", code, lib.RUNNER, "exec", "--open-files",
                             str(n), "--", "echo", "ran"], actor)
                self.assertEqual((r.status, r.out), (status, "" if status else "ran\n"), repr(r))
                if status:
                    self.assertIn("limit open_files 64 is too low", r.err)
                    self.assertIn("what the caller has left open", r.err)
        self.each(check)


if __name__ == "__main__":
    lib.main()
