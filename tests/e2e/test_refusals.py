# SPDX-License-Identifier: Apache-2.0
"""What cannot be done is refused with its name, its place and a remedy."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import lib


class BadInput(lib.PerActor):
    """Each a clear error, nothing run, nothing left."""

    def refused(self, argv, status, words, actor, reason=None):
        marker = lib.room(actor, 0o777)
        r = lib.sandbox(["--bind", marker + ":/marker"] + argv[:-1] if argv else [],
                        argv[-1:], actor)
        self.assertEqual(r.status, status, repr(r))
        for word in words:
            self.assertIn(word, r.err, repr(r))
        self.assertEqual(r.out, "")
        self.assertEqual(os.listdir(marker), [])
        if reason and r.report:
            self.assertEqual(r.report["reason"], reason)
        return r

    def test_files(self):
        def check(actor):
            d = lib.room(actor)
            self.refused([d + "/none.py"], 127, ["none.py", "no such file"], actor, "rejected")
            self.refused([d], 126, ["is a directory"], actor, "rejected")
            os.mkfifo(d + "/pipe.py")
            self.refused([d + "/pipe.py"], 126, ["not a regular file"], actor, "rejected")
            lib.write(d + "/data", "x", 0o644, actor)
            self.refused([d + "/data"], 126, ["not executable", "hint: chmod +x"], actor)
            lib.write(d + "/odd", "no program", 0o755, actor)
            self.refused([d + "/odd"], 126, ["cannot be executed", "#!"], actor, "setup_failed")
            self.refused(["ls"], 127, ["no such file", "runner exec -- ls"], actor)
        self.each(check)

    def test_an_unreadable_file(self):
        if "user" not in lib.ACTORS or os.geteuid() != 0:
            self.skipTest("needs root to make a file the user may not read")
        s = lib.write(os.path.join(lib.room(), "s.py"), "print(1)", 0o600)
        self.refused([s], 126, ["cannot be read", "Permission denied"], "user", "rejected")

    def test_a_command_that_is_not_there(self):
        def check(actor):
            r = lib.sandbox([], ["--", "no-such-command"], actor)
            self.assertEqual((r.status, r.report["reason"]), (127, "setup_failed"), repr(r))
            self.assertIn("not found inside", r.err)
        self.each(check)

    def test_options(self):
        def check(actor):
            for argv, words in [
                    (["--tmieout", "3"], ["unknown option '--tmieout'", "--timeout"]),
                    (["--timeout", "soon"], ["--timeout", "'soon'", "30s"]),
                    (["--memory", "-1"], ["--memory"]),
                    (["--memory", "1"], ["memory", "out of range"]),
                    (["--memory", "99999999999999999999"], ["out of range"]),
                    (["--pids", "0"], ["pids", "out of range"]),
                    (["--grace", "unlimited"], ["grace", "out of range: 0 to 1h"]),
                    (["--drain", "unlimited"], ["drain", "out of range: 0 to 1h"]),
                    (["--grace", "61m"], ["grace", "out of range: 0 to 1h"]),
                    (["--drain", "61m"], ["drain", "out of range: 0 to 1h"]),
                    (["--cpus", "0"], ["'0' is out of range: 0.001 to 4096 CPUs"]),
                    (["--uid", "4294967295"], ["--uid"]),
                    (["--without", "secomp"], ["no layer 'secomp'", "'seccomp'"]),
                    (["--without", "pid_ns"], ["cannot be left out"]),
                    (["--profile", "defualt"], ["no profile 'defualt'", "'default'"]),
                    (["--seccomp", "nofork"], ["no built-in seccomp policy"]),
                    (["--network", "wifi"], ["none, loopback or host"]),
                    (["--env", "=x"], ["cannot be the name"]),
                    (["--cwd", "tmp"], ["absolute"]),
                    (["--cwd", "/proc/self/fd/7"], ["/proc"]),
                    (["--cwd", "/none"], ["cannot enter cwd '/none'"]),
                    (["--hostname", "x" * 65], ["hostname"]),
                    (["--bind", "/none:/x"], ["'/none'", "No such file"]),
                    (["--bind", "/dev/null:/x"], ["neither a directory nor a regular file"]),
                    (["--tmpfs", "/proc/x"], ["runner's own"]),
                    (["--tmpfs", "/x:lots"], ["'lots'"]),
                    (["--rootfs", "/none"], ["rootfs '/none'"]),
                    (["--stdin", "/none"], ["stdin '/none'"]),
                    (["--dry-run=1"], ["takes no value"]),
                    (["--timeout"], ["--timeout needs a value"]),
                    (["--program"], ["--program needs a value"]),
                    (["--env"], ["--env needs a value"]),
            ]:
                with self.subTest(argv=argv):
                    r = lib.sandbox(argv, ["--", "echo", "ran"], actor)
                    self.assertEqual((r.status, r.out), (125, ""), repr(r))
                    self.assertIn("runner: ", r.err)
                    for word in words:
                        self.assertIn(word, r.err)
        self.each(check)

    def test_a_profile_that_leaves_out_too_much_is_named(self):
        def check(actor):
            for layer, words in (("pid_ns", "layer 'pid_ns' cannot be left out"),
                                 ("landlok", "there is no layer 'landlok'")):
                path = lib.write(lib.room(actor) + "/p.json", '{"without": ["%s"]}' % layer)
                r = lib.run([lib.RUNNER, "profile", "check", path], actor)
                self.assertEqual((r.status, r.out), (125, ""))
                self.assertIn("runner: profile '%s': %s" % (path, words), r.err)
        self.each(check)

    def test_a_verb_that_is_nearly_one(self):
        for word, hint in (("exce", "did you mean 'exec'?"), ("help", "try 'runner --help'")):
            r = lib.run([lib.RUNNER, word])
            self.assertEqual(r.status, 125)
            self.assertIn(hint, r.err)

    def test_a_bind_source_that_is_a_link(self):
        def check(actor):
            d = lib.room(actor)
            os.symlink("/etc", d + "/a")
            for path in (d + "/a", d + "/a/apt"):
                r = lib.sandbox(["--bind", path + ":/x"], ["--", "true"], actor)
                self.assertEqual(r.status, 125, repr(r))
                self.assertIn("symbolic link", r.err)
                self.assertIn("/etc", r.err)
        self.each(check)

    def test_a_report_that_cannot_be_written(self):
        if os.geteuid() != 0:
            self.skipTest("needs root to mount a full disk")
        d = lib.room()
        mark = lib.room("user", 0o777)
        script = ("mount -t tmpfs -o size=16k,mode=777 none %s; head -c 16384 /dev/zero > %s/f; "
                  "%s exec --report %s/r.json --bind %s:/m -- touch /m/ran; echo $?; ls %s"
                  % (d, d, lib.RUNNER, d, mark, d))
        r = lib.run(["unshare", "--mount", "sh", "-c", script], "root")
        self.assertEqual(r.out, "125\nf\n", repr(r))
        self.assertIn("No space left on device", r.err)
        self.assertEqual(os.listdir(mark), [])
        for where, words in [("/none/r.json", "No such file"), ("fd:77", "Bad file"),
                             ("fd:x", "fd:"), (d, "directory"), ("", "empty")]:
            r = lib.run([lib.RUNNER, "exec", "--report", where, "--", "echo", "ran"], "root")
            self.assertEqual((r.status, r.out), (125, ""), repr(r))
            self.assertIn(words, r.err)


class Nested(lib.Case):
    """Where runner itself is in something already."""

    def setUp(self):
        if os.geteuid() != 0:
            self.skipTest("needs root")

    def test_root_of_a_nested_user_namespace(self):
        for wrap in (["unshare", "-Ur"], ["unshare", "-Urmp", "--fork", "--mount-proc"],
                     ["setpriv", "--bounding-set=-sys_admin"], ["setpriv", "--no-new-privs"]):
            r = self.ok(lib.run(wrap + [lib.RUNNER, "exec", "--", "id", "-u"]), "1000\n")
            self.assertEqual(r.err, "")


if __name__ == "__main__":
    lib.main()
