# SPDX-License-Identifier: Apache-2.0
"""What the caller names gives the payload no more than its bytes."""
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import lib

ROOT = os.geteuid() == 0


class Closed(lib.PerActor):
    def test_no_descriptor_of_ours_becomes_the_report(self):
        def check(actor):
            for closing, report in (("<&-", "fd:0"), (">&-", "fd:1"), ("2>&-", "fd:2"),
                                    (">&-", "-")):
                mark = lib.room(actor, 0o777)
                r = lib.run(["sh", "-c", "exec %s exec --bind %s:/m --report %s -- touch /m/ran %s" %
                             (lib.RUNNER, mark, report, closing)], actor)
                self.assertEqual(r.status, 125, repr(r))
                if closing != "2>&-":
                    self.assertIn("Bad file descriptor", r.err)
                self.assertEqual(os.listdir(mark), [])
            # The control: open, it is where the report goes.
            self.ok(lib.run(["sh", "-c", "exec %s exec --report fd:0 -- true 0>/dev/null" %
                             lib.RUNNER], actor))
        self.each(check)


class Links(lib.Scripts):
    """What is named: a script, an input, a profile, a policy."""

    def give_link(self, target, planter):
        """A directory of the planter's, with a link of his."""
        d = lib.room(planter)
        path = os.path.join(d, "x.json")
        os.symlink(target, path)
        if planter == "user" and ROOT:
            os.lchown(path, lib.NOBODY.pw_uid, lib.NOBODY.pw_gid)
        return path

    def uses(self, path):
        """Every option that reads a file: (name, argv, exit status of a refusal)."""
        script = path[:-4] + "py"
        os.rename(path, script)
        os.symlink(os.readlink(script), path)
        if os.lstat(script).st_uid != os.lstat(path).st_uid:
            os.lchown(path, os.lstat(script).st_uid, os.lstat(script).st_gid)
        return [("script", [script], 126),
                ("stdin", ["--stdin", path, "--", "cat"], 125),
                ("profile", ["--profile", path, "--", "true"], 125),
                ("policy", ["--seccomp", path, "--", "true"], 125)]

    def test_one_that_another_user_planted(self):
        if not ROOT:
            self.skipTest("needs root, who could read what the planter cannot")
        secret = lib.write(os.path.join(lib.room(), "secret"), "print('secret')", 0o600)
        path = self.give_link(secret, "user")
        for what, argv, status in self.uses(path):
            with self.subTest(what):
                r = lib.sandbox(argv[:-1] if what == "script" else argv,
                                argv[-1:] if what == "script" else [], "root")
                self.assertEqual((r.status, r.out), (status, ""), repr(r))
                self.assertIn("another user could have planted", r.err)
                self.assertNotIn("secret", r.out)

    def test_one_that_root_made(self):
        """The control: the same link, made by the caller, is followed."""
        def check(actor):
            text = lib.write(os.path.join(lib.room(actor), "t"), "print('text')", 0o644, actor)
            path = self.give_link(text, actor)
            uses = self.uses(path)
            self.ok(lib.sandbox([], uses[0][1], actor), "text\n")
            self.ok(lib.sandbox(["--stdin", path], ["--", "cat"], actor), "print('text')")
            # A policy or a profile: it is read, and is none.
            r = lib.sandbox(["--profile", path], ["--", "true"], actor)
            self.assertIn("line 1", r.err, repr(r))
        self.each(check)

    def test_a_directory_on_the_way(self):
        if not ROOT:
            self.skipTest("needs root, who could read what the planter cannot")
        inner = lib.room()
        lib.write(os.path.join(inner, "s.py"), "print('inner')", 0o600)
        for planter, status in (("user", 126), ("root", 0)):
            d = lib.room(planter)
            os.symlink(inner, os.path.join(d, "way"))
            if planter == "user":
                os.lchown(os.path.join(d, "way"), lib.NOBODY.pw_uid, lib.NOBODY.pw_gid)
            r = lib.sandbox([], [os.path.join(d, "way", "s.py")])
            self.assertEqual(r.status, status, repr(r))
        # A link of root's in a directory where another user may move it.
        d = lib.room("root", 0o777)
        os.symlink(inner, os.path.join(d, "way"))
        r = lib.sandbox([], [os.path.join(d, "way", "s.py")])
        self.assertEqual(r.status, 126, repr(r))
        os.chmod(d, 0o1777)
        self.ok(lib.sandbox([], [os.path.join(d, "way", "..", os.path.basename(inner), "s.py")]),
                "inner\n")

    def test_links_of_proc(self):
        def check(actor):
            path = lib.write(os.path.join(lib.room(actor), "in"), "x", 0o644, actor)
            with open(path, "rb") as f:
                name = "/proc/self/fd/%d" % f.fileno()
                r = lib.sandbox(["--stdin", name], ["--", "cat"], actor, pass_fds=[f.fileno()])
                self.assertEqual((r.status, r.out), (125, ""), repr(r))
                self.assertIn("name the file itself", r.err)
                self.ok(lib.run(["cat", name], actor, pass_fds=[f.fileno()]), "x")
        self.each(check)

    def test_what_they_lead_to_is_judged(self):
        """Nothing blocks, and nothing of the kernel's is a file."""
        def check(actor):
            fifo = os.path.join(lib.room(actor), "f")
            os.mkfifo(fifo, 0o666)
            lib.give(fifo, actor)
            for target, words in ((fifo, "a pipe"), ("/dev/zero", "a device"),
                                  ("/proc/version", "the kernel's"), ("/etc", "a directory")):
                for what, argv, status in self.uses(self.give_link(target, actor)):
                    if what == "stdin" and target in (fifo, "/dev/zero"):
                        continue
                    with self.subTest(what=what, target=target):
                        r = lib.sandbox(argv[:-1] if what == "script" else argv,
                                        argv[-1:] if what == "script" else [], actor, timeout=60)
                        self.assertEqual((r.status, r.out), (status, ""), repr(r))
                        self.assertIn(words, r.err)
        self.each(check)

    def test_a_fifo_as_stdin_waits_for_its_writer(self):
        def check(actor):
            fifo = os.path.join(lib.room(actor), "f")
            os.mkfifo(fifo, 0o666)
            lib.give(fifo, actor)
            p = subprocess.Popen(lib.as_actor(actor, [lib.RUNNER, "exec", "--stdin", fifo, "--",
                                                      "sh", "-c", "echo ready >&2; cat"]),
                                 stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE, text=True)
            self.assertEqual(p.stderr.readline(), "ready\n")
            with open(fifo, "w", encoding="utf-8") as f:
                f.write("late")
            self.assertEqual(p.communicate(timeout=60)[0], "late")
            self.assertEqual(p.returncode, 0)
        self.each(check)


class Delivered(lib.Scripts):
    """The script or program: a copy, unless it is large and nothing can be written."""

    def large(self, actor, name, text):
        """More than what is always copied."""
        d = lib.room(actor, 0o777)
        path = lib.write(os.path.join(d, name), text + "\n#" + "x" * 200000, 0o777, actor)
        return d, path

    def test_a_writable_bind_is_no_way_to_it(self):
        """Its directory is bound: what the payload writes there must not run as /app/NAME."""
        def check(actor):
            d, path = self.large(actor, "s.sh", "#!/bin/sh\nprintf '#!/bin/sh\\necho changed\\n' "
                                 "> /w/s.sh && if [ $# = 0 ]; then exec /app/s.sh again; fi; "
                                 "echo kept")
            r = lib.sandbox(["--bind", d + ":/w"], [path], actor)
            self.assertEqual((r.status, r.out), (0, "kept\n"), repr(r))
            with open(path, encoding="utf-8") as f:
                self.assertEqual(f.read(), "#!/bin/sh\necho changed\n")
        self.each(check)

    # Which inode it is, how it is mounted, how the root is; what writes it.
    WHICH = ("#!/bin/sh\nstat -c %i /app/s.sh\n"
             "sed -n 's,^[^ ]* [^ ]* [^ ]* [^ ]* /app/s.sh \\([^ ]*\\) .*,\\1,p' "
             "/proc/self/mountinfo\necho end\n"
             "sed -n 's,^[^ ]* [^ ]* [^ ]* [^ ]* / \\([^ ]*\\) .*,\\1,p' /proc/self/mountinfo\n"
             "chmod 777 /app/s.sh 2>&1 | sed 's/.*: //'\n"
             "(echo forged >>/app/s.sh) 2>&1 | sed 's/.*: //'\n")

    def which(self, path, actor, options=()):
        r = self.ok(lib.sandbox(list(options), [path], actor))
        lines = r.out.splitlines()
        self.assertIn("Read-only file system", lines[-2], repr(r))
        self.assertIn(lines[-1], ("Permission denied", "Read-only file system"), repr(r))
        mounts = lines[1:lines.index("end")]
        root = lines[lines.index("end") + 1].split(",")
        self.assertIn("ro", root)
        if not mounts:
            self.assertNotEqual(lines[0], str(os.stat(path).st_ino), repr(r))
            self.assertNotIn("noexec", root)
            return "copied"
        # The judged inode, and the root need not let anything be executed.
        self.assertEqual((len(mounts), lines[0]), (1, str(os.stat(path).st_ino)), repr(r))
        for flag in "ro", "nosuid", "nodev":
            self.assertIn(flag, mounts[0].split(","))
        self.assertNotIn("noexec", mounts[0].split(","))
        self.assertIn("noexec", root)
        return "bound"

    def test_bound_where_nothing_can_be_written(self):
        def check(actor):
            d, path = self.large(actor, "s.sh", self.WHICH)
            os.chmod(path, 0o755)
            self.assertEqual(self.which(path, actor), "bound")
            self.assertEqual(self.which(path, actor, ["--ro-bind", d + ":/r"]), "bound")
            # As root the payload is another one, who could not search this.
            os.chmod(d, 0o700)
            self.assertEqual(self.which(path, actor), "bound")
            os.symlink(d, d + "/way")
            lib.give(d + "/way", actor)
            if actor == "user" and ROOT:
                os.lchown(d + "/way", lib.NOBODY.pw_uid, lib.NOBODY.pw_gid)
            self.assertEqual(self.which(d + "/way/s.sh", actor), "bound")
        self.each(check)

    def test_copied_where_anything_can_be_written(self):
        """Also where it does not lie: no rule about names is as sure as that."""
        def check(actor):
            d, path = self.large(actor, "s.sh", self.WHICH)
            os.chmod(path, 0o755)
            for options in (["--bind", d + ":/w"], ["--bind", lib.room(actor) + ":/w"],
                            ["--ro-bind", d + ":/r", "--bind", lib.room(actor) + ":/w"],
                            ["--without", "devices"]):
                with self.subTest(options=options):
                    self.assertEqual(self.which(path, actor, options), "copied")
            # What the payload could not read or execute itself.
            os.chmod(path, 0o700)
            self.assertEqual(self.which(path, actor), "copied" if actor == "root" else "bound")
            small = lib.write(os.path.join(lib.room(actor), "s.sh"), self.WHICH, 0o755, actor)
            self.assertEqual(self.which(small, actor), "copied")
        self.each(check)

    def test_a_python_script_is_no_program(self):
        """Neither executed nor mapped as code: it lies on a noexec file system."""
        text = ("import errno, mmap, os\n"
                "def attempt(act):\n    try:\n        act()\n        return 'worked'\n"
                "    except OSError as e:\n        return errno.errorcode[e.errno]\n"
                "fd = os.open(__file__, os.O_RDONLY)\n"
                "code = mmap.PROT_READ | mmap.PROT_EXEC\n"
                "print(attempt(lambda: mmap.mmap(fd, 4096, prot=code, flags=mmap.MAP_PRIVATE)),\n"
                "      attempt(lambda: os.execv(__file__, ['x'])))\n")

        def check(actor):
            _, path = self.large(actor, "s.py", text)
            self.ok(lib.sandbox([], [path], actor), "EPERM EACCES\n")
            r = self.ok(lib.sandbox(["--without", "noexec"], [path], actor))
            self.assertEqual(r.out, "worked EACCES\n")
        self.each(check)

    def test_too_large_is_said(self):
        def check(actor):
            path = os.path.join(lib.room(actor), "big.py")
            for size, options, words in ((300 << 20, ["--memory", "unlimited"], "256 MiB"),
                                         (8 << 20, ["--memory", "4m"], "limit memory")):
                with open(path, "wb") as f:
                    f.truncate(size)
                os.chmod(path, 0o644)
                r = lib.sandbox(options, [path], actor)
                self.assertEqual((r.status, r.report["reason"]), (126, "rejected"), repr(r))
                self.assertIn(words, r.err)
                self.assertIn("hint", r.err)
        self.each(check)


if __name__ == "__main__":
    lib.main()
