# SPDX-License-Identifier: Apache-2.0
"""Where a report goes: to its reader, whole, of this run, and by nobody else."""
import json
import os
import pty
import shutil
import signal
import stat
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import lib

OLD = json.dumps({"reason": "exited", "exit_code": 0})


def reason(path):
    with open(path, encoding="utf-8") as f:
        return json.load(f)["reason"]


class Places(lib.PerActor):
    def runner(self, where, actor, command=("true",), options=(), **kwargs):
        return lib.run([lib.RUNNER, "exec", "--report", where] + list(options) + ["--"]
                       + list(command), actor, **kwargs)

    def refused(self, where, words, actor, **kwargs):
        r = self.runner(where, actor, ("echo", "ran"), **kwargs)
        self.assertEqual(r.status, 125, repr(r))
        self.assertNotIn("ran", r.out)
        for word in words:
            self.assertIn(word, r.err)
        return r

    def test_a_file(self):
        def check(actor):
            d = lib.room(actor)
            os.umask(0o027)
            try:
                self.ok(self.runner(d + "/r.json", actor))
            finally:
                os.umask(0o022)
            self.assertEqual(reason(d + "/r.json"), "exited")
            self.assertEqual(stat.S_IMODE(os.stat(d + "/r.json").st_mode), 0o640)
            self.assertEqual(os.listdir(d), ["r.json"])
            before = os.stat(d + "/r.json").st_ino
            self.runner(d + "/r.json", actor, ("false",))
            # Another file: who has the old one open reads it to its end.
            self.assertNotEqual(os.stat(d + "/r.json").st_ino, before)
            self.assertEqual(os.listdir(d), ["r.json"])
        self.each(check)

    def test_names_that_are_none(self):
        def check(actor):
            d = lib.room(actor)
            for where in (d, d + "/", d + "/.", d + "/..", "/"):
                self.refused(where, ["directory"], actor)
            self.refused(d + "/none/r.json", [d + "/none", "No such file"], actor)
            self.refused(lib.TRUE + "/r.json", ["Not a directory"], actor)
            self.assertEqual(os.listdir(d), [])
        self.each(check)

    def test_no_link_is_followed_at_the_last_name(self):
        def check(actor):
            d = lib.room(actor)
            kept = lib.write(d + "/kept", "kept", 0o666, actor)
            for target, words in ((kept, "name what it points to: " + kept),
                                  (d + "/not-yet", "it points nowhere"),
                                  ("/dev/null", "name what it points to: /dev/null")):
                os.symlink(target, d + "/link")
                self.refused(d + "/link", ["symbolic link", words], actor)
                os.unlink(d + "/link")
            self.assertEqual(os.listdir(d), ["kept"])
            with open(kept, encoding="utf-8") as f:
                self.assertEqual(f.read(), "kept")
            # By its own name each of them is a place.
            self.ok(self.runner(kept, actor))
            self.ok(self.runner("/dev/null", actor))
        self.each(check)

    def test_a_pipe_and_a_socket(self):
        def check(actor):
            d = lib.room(actor)
            os.mkfifo(d + "/pipe")
            lib.give(d + "/pipe", actor)
            self.refused(d + "/pipe", ["a pipe that nobody reads"], actor)
            reader = os.open(d + "/pipe", os.O_RDONLY | os.O_NONBLOCK)
            self.ok(self.runner(d + "/pipe", actor))
            text = b""
            while True:
                more = os.read(reader, 65536)
                text += more
                if not more:
                    break
            os.close(reader)
            self.assertEqual(json.loads(text)["reason"], "exited")
            import socket
            s = socket.socket(socket.AF_UNIX)
            s.bind(d + "/socket")
            self.refused(d + "/socket", ["a socket", "fd:N"], actor)
            s.close()
        self.each(check)

    def test_a_pipe_that_another_planted(self):
        """Who reads from it here would read from its maker what the run's report is not."""
        if os.geteuid() != 0:
            self.skipTest("needs a second user's pipe")
        def check(actor):
            theirs = lib.NOBODY.pw_uid if actor != "user" else 0x7001
            for mode, owner, ok in ((0o1777, 0, False), (0o755, theirs, True)):
                d = lib.room()
                os.mkfifo(d + "/r.json")
                os.chmod(d + "/r.json", 0o666)
                os.chown(d + "/r.json", theirs, theirs)
                os.chown(d, owner, owner)
                os.chmod(d, mode)
                reader = os.open(d + "/r.json", os.O_RDONLY | os.O_NONBLOCK)
                if ok:
                    self.ok(self.runner(d + "/r.json", actor))
                else:
                    self.refused(d + "/r.json", ["a pipe that another user made"], actor)
                    self.assertEqual(os.read(reader, 10), b"")
                os.close(reader)
        self.each(check)

    def test_a_file_system_without_unnamed_files(self):
        lib.needs_strace(self)
        d = lib.room()
        inject = ["strace", "-f", "-o", lib.ROOM + "/trace", "-P", d, "-e", "trace=openat,renameat",
                  "-e", "inject=openat:error=EOPNOTSUPP:when=1"]
        r = lib.run(inject + [lib.RUNNER, "exec", "--report", d + "/r.json", "--", "true"])
        self.ok(r)
        self.assertEqual((os.listdir(d), reason(d + "/r.json")), (["r.json"], "exited"))
        self.assertEqual(stat.S_IMODE(os.stat(d + "/r.json").st_mode), 0o644)
        with open(lib.ROOM + "/trace", encoding="utf-8") as f:
            self.assertRegex(f.read(), r'"\.runner-[0-9a-f]{32}", [A-Z_|]*O_CREAT\|O_EXCL[A-Z_|]*O_NOFOLLOW')

    # -- with what the payload prints

    def test_it_shares_no_stream_with_the_payload(self):
        forged = ("echo", OLD)
        shared = "the payload's output goes"

        def check(actor):
            for where, extra in (("fd:1", {}), ("/dev/stdout", {}), ("fd:2", {}),
                                 ("/dev/fd/2", {}), ("/proc/self/fd/2", {})):
                self.refused(where, [shared], actor)
            argv = [lib.RUNNER, "exec", "--report", "-", "--"] + list(forged)
            both = subprocess.run(lib.as_actor(actor, argv), stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True)
            self.assertEqual(both.returncode, 125, both.stdout)
            self.assertIn(shared, both.stdout)
            self.assertNotIn('"exit_code": 0', both.stdout)
            # Apart, the report is all there is.
            r = self.ok(lib.run(argv, actor))
            self.assertEqual(json.loads(r.out)["exit_code"], 0)
            self.assertIn(OLD, r.err)
            # /dev/null is nobody's.
            self.ok(lib.run(["sh", "-c", "%s exec --report - -- true >/dev/null 2>&1" % lib.RUNNER],
                            actor))
        self.each(check)

    def test_a_terminal_is_one_stream(self):
        def check(actor):
            master, slave = pty.openpty()
            if actor == "user" and os.geteuid() == 0:
                os.fchmod(slave, 0o666)
            argv = lib.as_actor(actor, [lib.RUNNER, "exec", "--report", "-", "--", "echo", "ran"])
            p = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=slave, stderr=slave)
            shown = os.read(master, 4096).decode()
            self.assertEqual(p.returncode, 125, shown)
            self.assertNotIn("ran", shown)
            p = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=slave,
                               stderr=subprocess.PIPE)
            self.assertEqual((p.returncode, p.stderr), (0, b"ran\n"))
            os.close(master)
            os.close(slave)
        self.each(check)

    def test_a_descriptor_of_its_own(self):
        def check(actor):
            ours, theirs = os.pipe()
            r = lib.run([lib.RUNNER, "exec", "--report", "fd:%d" % theirs, "--", "echo", "x"], actor,
                        pass_fds=[theirs])
            os.close(theirs)
            self.ok(r, "x\n")
            with os.fdopen(ours) as f:
                self.assertEqual(json.load(f)["reason"], "exited")
        self.each(check)

    def test_the_file_of_its_own_output_is_refused(self):
        def check(actor):
            d = lib.room(actor)
            for redirect in (">", "2>", ">>"):
                script = "cd %s && %s exec --report x -- echo ran %sx" % (d, lib.RUNNER, redirect)
                r = lib.run(["sh", "-c", script], actor)
                self.assertEqual(r.status, 125, repr(r))
                with open(d + "/x", encoding="utf-8") as f:
                    self.assertNotIn("ran\n", f.read())
            self.ok(lib.run(["sh", "-c", script.replace(">>x", ">>y")], actor))
        self.each(check)

    # -- of this run

    def test_a_refused_command_line_leaves_no_verdict_of_another_run(self):
        def check(actor):
            d = lib.room(actor)
            where = d + "/r.json"
            for argv in (["--tmieout", "3", "--report", where, "--", "true"],
                         ["--report", where, "--nonsense", "--", "true"],
                         ["--report=" + where, "--memory", "lots", "--", "true"],
                         ["--memory", "lots", "--report", where, "--", "true"],
                         ["--report", where, "--profile", "defualt", "--", "true"],
                         ["--report", where], ["--report", where, "--timeout"],
                         ["--report", where, "--bind", "/none", "--", "true"],
                         ["--report", where, "--bind", "/none:/x", "--", "true"]):
                lib.write(where, OLD, 0o644, actor)
                r = lib.run([lib.RUNNER, "exec"] + argv, actor)
                self.assertEqual((r.status, r.out), (125, ""), repr(r))
                with open(where, encoding="utf-8") as f:
                    report = json.load(f)
                self.assertEqual((report["reason"], report["exit_code"]), ("rejected", 125), argv)
                self.assertIn(report["message"], r.err)
                self.fits(report, "report.schema.json")
        self.each(check)

    def test_arguments_of_the_payload_are_not_ours(self):
        def check(actor):
            d = lib.room(actor)
            kept = lib.write(d + "/kept", "kept", 0o644, actor)
            for argv in (["--memory", "lots", "s.py", "--report", kept],
                         ["--memory", "lots", "--", "x", "--report", kept],
                         ["--nonsense", "s.py", "--report", kept]):
                self.assertEqual(lib.run([lib.RUNNER, "exec"] + argv, actor).status, 125)
                with open(kept, encoding="utf-8") as f:
                    self.assertEqual(f.read(), "kept")
        self.each(check)

    def start(self, where, actor):
        """A run that lasts until its stdin is closed, and has begun."""
        argv = lib.as_actor(actor, [lib.RUNNER, "exec", "--report", where, "--", "sh", "-c",
                                    "echo up; cat"])
        p = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, text=True)
        self.assertEqual(p.stdout.readline(), "up\n")
        return p

    def test_an_old_one_is_gone_while_the_run_lasts(self):
        def check(actor):
            d = lib.room(actor)
            lib.write(d + "/r.json", OLD, 0o644, actor)
            p = self.start(d + "/r.json", actor)
            self.assertEqual(os.listdir(d), [])
            p.send_signal(signal.SIGKILL)
            p.communicate()
            self.assertEqual(os.listdir(d), [])
            p = self.start(d + "/r.json", actor)
            p.communicate()
            self.assertEqual((p.returncode, reason(d + "/r.json")), (0, "exited"))
        self.each(check)

    def test_a_dry_run_changes_nothing(self):
        def check(actor):
            d = lib.room(actor)
            lib.write(d + "/r.json", OLD, 0o644, actor)
            self.ok(self.runner(d + "/r.json", actor, options=["--dry-run"]))
            self.assertEqual(reason(d + "/r.json"), "exited")
        self.each(check)

    def test_a_place_that_was_moved_meanwhile(self):
        def check(actor):
            top = lib.room(actor)
            for forged in (None, OLD):
                os.mkdir(top + "/d")
                lib.give(top + "/d", actor)
                p = self.start(top + "/d/r.json", actor)
                os.rename(top + "/d", top + "/moved")
                if forged:
                    os.mkdir(top + "/d")
                    lib.write(top + "/d/r.json", forged)
                _, err = p.communicate()
                self.assertEqual(p.returncode, 125, err)
                self.assertIn("moved or replaced", err)
                self.assertEqual(os.listdir(top + "/moved"), [])
                for d in ("d", "moved"):
                    shutil.rmtree(os.path.join(top, d), ignore_errors=True)
        self.each(check)


if __name__ == "__main__":
    lib.main()
