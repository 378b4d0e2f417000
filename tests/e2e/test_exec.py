# SPDX-License-Identifier: Apache-2.0
"""runner exec, seen by a person at a shell: what runs, what it sees, what it says."""
import json
import os
import resource
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import lib


class Commands(lib.PerActor):
    def script(self, name, text, mode, actor):
        return lib.write(os.path.join(lib.room(actor), name), text, mode, actor)

    def test_a_python_script_runs_with_the_interpreter(self):
        def check(actor):
            s = self.script("a.py", "import sys; print(sys.argv)", 0o644, actor)
            self.ok(lib.sandbox([], [s, "x", "--y"], actor), "['/app/a.py', 'x', '--y']\n")
        self.each(check)

    def test_a_script_only_its_owner_may_read_still_runs(self):
        def check(actor):
            s = self.script("a.py", "print(open(__file__).read())", 0o600, actor)
            r = self.ok(lib.sandbox([], [s], actor))
            self.assertIn("open(__file__)", r.out)
        self.each(check)

    def test_a_script_with_an_interpreter_line_runs_itself(self):
        def check(actor):
            s = self.script("go", "#!/bin/sh\necho $0 $1\n", 0o755, actor)
            self.ok(lib.sandbox([], [s, "x"], actor), "/app/go x\n")
        self.each(check)

    def test_a_program_runs_itself(self):
        self.each(lambda actor: self.ok(lib.sandbox([], [lib.TRUE], actor)))

    def test_a_command_is_found_on_the_sandboxes_own_path(self):
        def check(actor):
            shim = lib.room(actor)
            lib.write(os.path.join(shim, "true"), "#!/bin/sh\necho shim\n", 0o755)
            env = dict(os.environ, PATH=shim + ":" + os.environ["PATH"])
            self.ok(lib.sandbox([], ["--", "true"], actor, env=env), "")
        self.each(check)

    def test_the_scripts_directory_is_not_exposed(self):
        def check(actor):
            s = self.script("a.py", "import os; print(os.listdir('/app'))", 0o644, actor)
            lib.write(os.path.join(os.path.dirname(s), "secret"), "s")
            self.ok(lib.sandbox([], [s], actor), "['a.py']\n")
        self.each(check)

    def test_the_script_cannot_be_changed(self):
        def check(actor):
            s = self.script("a.py", "import os; os.unlink(__file__)", 0o666, actor)
            r = lib.sandbox([], [s], actor)
            self.assertIn("Read-only file system", r.err, repr(r))
        self.each(check)

    def test_a_large_program(self):
        def check(actor):
            for mode in (0o755, 0o700):
                s = os.path.join(lib.room(actor), "big")
                subprocess.run(["cp", lib.TRUE, s], check=True)
                os.chmod(s, mode)
                lib.give(s, actor)
                self.ok(lib.sandbox([], [s], actor))
        self.each(check)

    def test_ten_thousand_arguments(self):
        def check(actor):
            words = ["w%d" % i for i in range(10000)]
            r = self.ok(lib.sandbox([], ["--", "sh", "-c", "echo $#", "sh"] + words, actor))
            self.assertEqual(r.out, "10000\n")
            self.assertTrue(r.report["command_truncated"])
        self.each(check)

    def test_exit_status_and_signal(self):
        def check(actor):
            r = lib.sandbox([], ["--", "sh", "-c", "exit 42"], actor)
            self.assertEqual((r.status, r.report["reason"], r.report["exit_status"]),
                             (42, "exited", 42))
            r = lib.sandbox([], ["--", "sh", "-c", "kill -SEGV $$"], actor)
            self.assertEqual((r.status, r.report["reason"], r.report["signal"]),
                             (139, "signaled", 11))
        self.each(check)

    def test_a_forged_ending_is_seen_through(self):
        def check(actor):
            r = lib.sandbox([], ["--", "sh", "-c", "exit 137"], actor)
            self.assertEqual(r.report["reason"], "exited", repr(r))
            r = lib.sandbox([], ["--", "sh", "-c", "kill -9 $$"], actor)
            self.assertEqual((r.report["reason"], r.report["signal"]), ("signaled", 9))
            r = lib.sandbox([], ["--", "sh", "-c", "exit 124"], actor)
            self.assertEqual((r.status, r.report["reason"]), (124, "exited"))
        self.each(check)


class View(lib.PerActor):
    def out(self, actor, script, options=()):
        return self.ok(lib.sandbox(list(options), ["--", "sh", "-c", script], actor)).out

    def test_the_root_holds_only_what_is_granted(self):
        allowed = {"app", "bin", "dev", "etc", "lib", "lib64", "proc", "sbin", "tmp", "usr"}

        def check(actor):
            self.assertLessEqual(set(self.out(actor, "ls /").split()), allowed)
        self.each(check)

    def test_identity(self):
        self.each(lambda actor: self.assertEqual(
            self.out(actor, "id -u; id -g; id -un; hostname; pwd"),
            "1000\n1000\nuser\nrunner\n/tmp\n"))

    def test_identity_can_be_chosen(self):
        self.each(lambda actor: self.assertEqual(
            self.out(actor, "id -u; id -g; uname -n; pwd",
                     ["--uid", "7", "--gid", "8", "--hostname", "box", "--cwd", "/usr"]),
            "7\n8\nbox\n/usr\n"))

    def test_environment(self):
        options = ["--env", "A=1", "--env", "NOT_SET", "--env", "TERM=x"]
        self.each(lambda actor: self.assertEqual(
            sorted(self.out(actor, "env | cut -d= -f1", options).split()),
            ["A", "HOME", "LANG", "PATH", "PWD", "TERM", "USER"]))

    def test_a_variable_that_the_caller_has_not(self):
        """Passing it on is no error, and takes away what the profile says of it."""
        def check(actor):
            for given, lang in (({}, ""), ({"LANG": "xx"}, "xx")):
                r = self.ok(lib.sandbox(["--env", "LANG", "--env", "NOT_SET"],
                                        ["--", "sh", "-c", "echo ${LANG-}"], actor,
                                        env={"PATH": os.environ["PATH"], **given}))
                self.assertEqual(r.out, lang + "\n", repr(r))
            self.assertNotEqual(self.out(actor, "echo $LANG"), "\n")  # the profile's
        self.each(check)

    def test_a_bind_keeps_the_owner(self):
        def check(actor):
            d = lib.room(actor)
            self.out(actor, "echo hi > /w/new; stat -c %u /w /w/new",
                     ["--bind", d + ":/w"])
            st = os.stat(os.path.join(d, "new"))
            self.assertEqual(st.st_uid, os.stat(d).st_uid)
        self.each(check)

    def test_a_file_of_etc_is_replaced_by_a_bind(self):
        def check(actor):
            f = lib.write(os.path.join(lib.room(actor), "hosts"), "1.2.3.4 x\n", 0o644, actor)
            self.assertEqual(self.out(actor, "cat /etc/hosts", ["--ro-bind", f + ":/etc/hosts"]),
                             "1.2.3.4 x\n")
            self.assertIn("localhost", self.out(actor, "cat /etc/hosts", []))
            self.assertEqual(self.out(actor, "ls -A /etc", ["--tmpfs", "/etc"]), "")
            r = lib.sandbox(["--tmpfs", "/etc/hosts"], ["--", "true"], actor)
            self.assertEqual(r.status, 125, repr(r))
            self.assertIn("'/etc/hosts' inside is something else already", r.err)
        self.each(check)

    def test_no_mount_point_is_made_in_a_users_directory(self):
        def check(actor):
            d = lib.room(actor)
            e = lib.room(actor)
            r = lib.sandbox(["--bind", d + ":/w", "--ro-bind", e + ":/w/sub"], ["--", "true"],
                            actor)
            self.assertEqual((r.status, r.report["reason"]), (125, "setup_failed"), repr(r))
            self.assertIn("binds", r.err)
            self.assertEqual(os.listdir(d), [])
            os.mkdir(os.path.join(d, "sub"))
            lib.write(os.path.join(e, "x"), "")
            self.assertEqual(self.out(actor, "ls /w/sub", ["--bind", d + ":/w", "--ro-bind",
                                                           e + ":/w/sub"]), "x\n")
        self.each(check)

    def test_a_root_file_system_of_the_users(self):
        def check(actor):
            d = lib.room(actor)
            os.mkdir(os.path.join(d, "bin"))
            subprocess.run(["cp", lib.PROBE, os.path.join(d, "bin/probe")], check=True)
            self.ok(lib.sandbox(["--rootfs", d], ["--", "/bin/probe", "stat", "/usr"], actor),
                    "2\n")
            # A file at its top, as container images have, is there and is no obstacle.
            lib.write(os.path.join(d, ".dockerenv"), "here\n")
            self.ok(lib.sandbox(["--rootfs", d], ["--", "/bin/probe", "stat", "/.dockerenv"],
                                actor), "0\n")
            subprocess.run(["cp", lib.PROBE, os.path.join(d, "init")], check=True)
            self.ok(lib.sandbox(["--rootfs", d], ["--", "/init", "stat", "/usr"], actor), "2\n")
        self.each(check)

    def test_a_root_file_system_from_programs(self):
        script = os.path.join(lib.HERE, "..", "rootfs-scripts", "from-programs.sh")
        d = os.path.join(lib.room(), "root")
        self.ok(lib.run(["sh", script, d, "sh", "ls", "id"]))
        # A bind would bring the caller's own /usr: here there is none of it.
        for actor in lib.ACTORS:
            r = self.ok(lib.sandbox(["--rootfs", d], ["--", "sh", "-c", "id -un; ls /usr/bin"], actor))
            self.assertEqual(r.out.split(), ["user", "id", "ls", "sh"])
        r = lib.run(["sh", script, d, "sh"])
        self.assertIn("exists", r.err)
        r = lib.run(["sh", script, d + "2", "no-such-program"])
        self.assertIn("not found", r.err)
        self.assertFalse(os.path.exists(d + "2"))
        # Found where the PATH inside does not lead: it must be found there all the same.
        away = lib.room()
        shutil.copy("/bin/echo", away + "/away")
        lib.write(away + "/words", "#!/bin/sh\necho words\n", 0o755)
        r = self.ok(lib.run(["sh", script, d + "3", "sh", "away", "words"],
                            env=dict(os.environ, PATH="%s:%s" % (away, os.environ["PATH"]))))
        self.assertRegex(r.err, r"^from-programs.sh: '\S+/words' is a script: .*\n$")
        for actor in lib.ACTORS:
            r = lib.sandbox(["--rootfs", d + "3"], ["--", "sh", "-c", "away x; words"], actor)
            self.ok(r, "x\nwords\n")

    def test_no_core_dump_reaches_a_handler_of_the_host(self):
        """core(5): a limit of 1 is what stops a pipe to a program, too."""
        limits = "import resource as r; print(r.getrlimit(r.RLIMIT_CORE))"
        hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
        expected = "(1, 1)\n" if hard else "(0, 0)\n"

        def check(actor):
            self.ok(lib.sandbox([], ["--", "python3", "-c", limits], actor), expected)
            r = self.ok(lib.sandbox(["--without", "coredump"], ["--", "python3", "-c", limits], actor))
            self.assertNotEqual(r.out, "(1, 1)\n")
        self.each(check)

    def test_standard_streams_can_be_opened_by_name(self):
        self.each(lambda actor: self.assertEqual(
            self.out(actor, "echo a > /dev/stdout; echo b > /dev/stderr"), "a\n"))

    def test_stdin(self):
        def check(actor):
            f = lib.write(os.path.join(lib.room(actor), "in"), "file")
            self.assertEqual(self.out(actor, "cat", ["--stdin", f]), "file")
            self.assertEqual(self.out(actor, "cat", ["--stdin", "null"]), "")
            with open(f, encoding="utf-8") as stream:
                r = lib.sandbox([], ["--", "cat"], actor, stdin=stream)
            self.assertEqual(r.out, "file")
            # One that can be written as well is relayed.
            with open(f, "r+", encoding="utf-8") as stream:
                r = lib.sandbox([], ["--", "sh", "-c", "cat; echo x >&0"], actor, stdin=stream)
            self.assertEqual(r.out, "file", repr(r))
            self.assertEqual(open(f, encoding="utf-8").read(), "file")
        self.each(check)


class Report(lib.PerActor):
    def test_it_fits_the_schema(self):
        def check(actor):
            for command in (["--", "true"], ["--", "unshare", "-U", "true"], ["/none"],
                            ["--", "none"]):
                r = lib.sandbox(["--timeout", "20"], command, actor)
                self.fits(r.report, "report.schema.json")
        self.each(check)

    def test_what_never_ran_was_held_by_nothing(self):
        def check(actor):
            r = lib.sandbox([], ["/none"], actor)
            self.assertEqual((r.report["reason"], r.report["memory"]["enforced_by"],
                              r.report["pids"]["enforced_by"]), ("rejected", "nothing", "nothing"))
            r = self.ok(lib.sandbox([], ["--", "true"], actor))
            self.assertNotIn("nothing", (r.report["memory"]["enforced_by"],
                                         r.report["pids"]["enforced_by"]))
        self.each(check)

    def test_dash_keeps_stdout_for_the_report(self):
        def check(actor):
            r = lib.run([lib.RUNNER, "exec", "--report", "-", "--", "echo", "{}"], actor)
            self.assertEqual(json.loads(r.out)["reason"], "exited")
            self.assertEqual(r.err, "{}\n")
        self.each(check)

    def test_a_descriptor(self):
        read, write = os.pipe()
        r = lib.run([lib.RUNNER, "exec", "--report", "fd:%d" % write, "--", "true"],
                    pass_fds=[write])
        os.close(write)
        with os.fdopen(read) as f:
            self.assertEqual(json.load(f)["exit_code"], 0, repr(r))

    def test_it_replaces_a_file_whole(self):
        d = lib.room()
        path = lib.write(os.path.join(d, "r.json"), "old" * 100000)
        self.ok(lib.run([lib.RUNNER, "exec", "--report", path, "--", "true"]))
        with open(path, encoding="utf-8") as f:
            self.assertEqual(json.load(f)["exit_code"], 0)
        self.assertEqual(os.listdir(d), ["r.json"])

    def test_a_left_out_layer_is_loud(self):
        def check(actor):
            r = lib.sandbox(["--without", "landlock"], ["--", "true"], actor)
            self.assertEqual(r.report["layers"]["landlock"]["state"], "left_out")
            self.assertIn("without layer 'landlock'", r.err)
            self.assertEqual(r.report["layers"]["seccomp"]["state"], "on")
        self.each(check)

    def test_each_layer_can_be_left_out_alone(self):
        """Unless it says why not; the proof of the others does not lean on it."""
        def check(actor):
            doctor = json.loads(lib.run([lib.RUNNER, "doctor", "--json"], actor).out)
            left_out = 0
            for layer in doctor["layers"]:
                r = lib.sandbox(["--without", layer], ["--", "true"], actor)
                if r.status == 0:
                    self.assertEqual(r.report["layers"][layer]["state"], "left_out", repr(r))
                    left_out += 1
                else:
                    self.assertIn("cannot be left out" if layer != "seccomp" else "needs", r.err)
                    self.assertEqual(r.report["reason"], "rejected", repr(r))
            self.assertGreaterEqual(left_out, 15)
        self.each(check)

    def test_no_user_namespace_is_not_root(self):
        if "root" not in lib.ACTORS:
            self.skipTest("needs root")
        script = "id -u; grep CapEff /proc/self/status"
        r = self.ok(lib.sandbox(["--without", "user_ns"], ["--", "sh", "-c", script]))
        uid, _, caps = r.out.split()
        self.assertEqual(int(uid), r.report["layers"]["identity"]["detail"]["host_uid"])
        self.assertGreaterEqual(int(uid), 0x70000000)
        self.assertEqual(int(caps, 16), 0)
        r = lib.sandbox(["--without", "user_ns", "--without", "capabilities"], ["--", "true"])
        self.assertIn("cannot both be left out", r.err)

    def test_what_rests_on_a_left_out_layer_is_left_out(self):
        if "root" not in lib.ACTORS:
            self.skipTest("needs root")
        layers = self.ok(lib.sandbox(["--without", "user_ns"], ["--", "true"])).report["layers"]
        self.assertEqual(layers["userns_limit"]["state"], "left_out")
        layers = self.ok(lib.sandbox(["--network", "host"], ["--", "true"])).report["layers"]
        self.assertEqual(layers["network_ns"]["state"], "not_needed")

    def test_landlock_is_proved_where_nothing_can_be_written(self):
        def check(actor):
            r = self.ok(lib.sandbox(["--profile", "probe"], ["--", "true"], actor))
            self.assertGreaterEqual(r.report["layers"]["landlock"]["proof"], 1)
        self.each(check)

    def test_denials_are_counted_and_named(self):
        def check(actor):
            r = lib.sandbox([], ["--", "sh", "-c", "unshare -U true; unshare -U true; true"], actor)
            (d,) = r.report["denials"]
            self.assertEqual((d["layer"], d["operation"], d["target"], d["errno"], d["count"],
                              d["comm"]),
                             ("seccomp", "unshare", "flags=CLONE_NEWUSER", 1, 2, "unshare"))
            self.assertTrue(d["remedy"])
        self.each(check)

    def test_every_layer_that_is_on_was_proved(self):
        """Those without a state of their own to read back are known by name."""
        silent = {"environment", "binds", "tmpfs"}

        def check(actor):
            layers = lib.sandbox([], ["--", "true"], actor).report["layers"]
            unproved = {n for n, l in layers.items() if l["state"] == "on" and not l["proof"]}
            self.assertLessEqual(unproved, silent | ({"memfd"} if actor == "none" else set()))
        self.each(check)

    def test_dry_run_runs_nothing(self):
        def check(actor):
            d = lib.room(actor)
            r = self.ok(lib.sandbox(["--dry-run", "--bind", d + ":/w"], ["--", "touch", "/w/x"],
                                    actor))
            plan = json.loads(r.out)
            self.assertEqual(plan["argv"], ["touch", "/w/x"])
            self.assertEqual(os.listdir(d), [])
        self.each(check)


if __name__ == "__main__":
    lib.main()
