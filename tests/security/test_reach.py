# SPDX-License-Identifier: Apache-2.0
"""A writable bind gives away files, not a path: what of runner's own lies among them?

Each place is tried by every way that leads there, and once where none does.
"""
import os
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import lib


class Reach(lib.Scripts):
    def runner(self, options, actor, command=("true",), prepare=None, **kwargs):
        argv = lib.as_actor(actor, [lib.RUNNER, "exec"] + options + ["--"] + list(command))
        if prepare:
            argv = ["unshare", "-m", "sh", "-ec", prepare + '\nexec "$@"', "sh"] + argv
        return lib.run(argv, "root", **kwargs)

    def refused(self, options, words, actor, **kwargs):
        r = self.runner(options, actor, ("echo", "ran"), **kwargs)
        self.assertEqual((r.status, r.out), (125, ""), "%s: %r" % (options, r))
        for word in words:
            self.assertIn(word, r.err)

    def allowed(self, options, actor, **kwargs):
        self.ok(self.runner(options, actor, ("echo", "ran"), **kwargs), "ran\n")

    def tree(self, actor):
        w = lib.room(actor)
        for d in ("out", "out/deep", "sub", "data"):
            os.mkdir(os.path.join(w, d))
            lib.give(os.path.join(w, d), actor)
        shutil.copy(lib.TRUE, w + "/sub/p")
        return w


class Report(Reach):
    """Its directory, or one above it: whoever writes there writes the report."""

    def test_in_a_bind(self):
        def check(actor):
            w, other = self.tree(actor), lib.room(actor)
            for where in ("/r.json", "/out/r.json", "/out/deep/r.json"):
                self.refused(["--report", w + where, "--bind", w + ":/w"],
                             ["report '%s%s'" % (w, where), "bind '%s'" % w, "no bind leads"],
                             actor)
            self.allowed(["--report", w + "/r.json", "--ro-bind", w + ":/w"], actor)
            self.allowed(["--report", w + "/r.json", "--bind", w + "/data:/w"], actor)
            self.allowed(["--report", other + "/r.json", "--bind", w + ":/w"], actor)
        self.each(check)

    def test_what_it_would_cost(self):
        """The control: inside, its directory can be moved and made anew."""
        code = ("import os\nos.rename('/w/out', '/w/z')\nos.mkdir('/w/out')\n"
                "open('/w/out/r.json', 'w').write('forged')\n")

        def check(actor):
            w = self.tree(actor)
            self.ok(self.run_script(["--bind", w + ":/w"], code, actor))
            with open(w + "/out/r.json", encoding="utf-8") as f:
                self.assertEqual(f.read(), "forged")
        self.each(check)

    def test_a_refused_run_says_so_in_that_very_report(self):
        def check(actor):
            w = self.tree(actor)
            r = lib.sandbox(["--bind", w + ":/w", "--report", w + "/r.json"], ["--", "true"], actor)
            self.assertEqual(r.status, 125)
            with open(w + "/r.json", encoding="utf-8") as f:
                self.assertIn('"rejected"', f.read())
        self.each(check)

    def test_a_nested_read_only_bind_keeps_it(self):
        """It covers the place, and is held there: see test_displaced.py."""
        def check(actor):
            w = self.tree(actor)
            self.allowed(["--report", w + "/out/r.json", "--bind", w + ":/w",
                          "--ro-bind", w + "/out:/w/out"], actor)
            # At another path it covers nothing.
            self.refused(["--report", w + "/out/r.json", "--bind", w + ":/w",
                          "--ro-bind", w + "/out:/out"], ["report"], actor)
        self.each(check)

    def test_a_descriptor(self):
        def check(actor):
            w = self.tree(actor)
            for path, refuse in ((w + "/r", True), (lib.room(actor) + "/r", False)):
                lib.write(path, "", 0o666, actor)
                fd = os.open(path, os.O_WRONLY)
                try:
                    r = self.runner(["--report", "fd:%d" % fd, "--bind", w + ":/w"], actor,
                                    pass_fds=[fd])
                    self.assertEqual(r.status, 125 if refuse else 0, repr(r))
                    self.assertEqual("bind '%s'" % w in r.err, refuse, repr(r))
                finally:
                    os.close(fd)
            os.mkfifo(w + "/pipe")
            lib.give(w + "/pipe", actor)
            reader = os.open(w + "/pipe", os.O_RDONLY | os.O_NONBLOCK)
            self.refused(["--report", w + "/pipe", "--bind", w + ":/w"], ["bind '%s'" % w], actor)
            os.close(reader)
        self.each(check)

    def test_the_same_directory_by_another_mount(self):
        if os.geteuid() != 0:
            self.skipTest("needs root to mount")

        def check(actor):
            w, mnt = self.tree(actor), lib.room(actor)
            for prepare, bind, report in [
                    ("mount --bind {0}/out {1}", w, mnt + "/r"),
                    ("mount --bind {0}/out {1}", w, mnt + "/deep/r"),
                    ("mount --bind {0} {1}", mnt, w + "/out/r"),
                    ("mount --bind {0} {1}", mnt + "/out", w + "/out/deep/r"),
                    # Another file system, mounted somewhere below what is bound.
                    ("mount -t tmpfs -o mode=777 none {0}/sub", w, w + "/sub/r"),
                    ("mount -t tmpfs -o mode=777 none {0}/sub; mount --bind {0}/sub {1}", w,
                     mnt + "/r")]:
                prepare = prepare.format(w, mnt)
                self.refused(["--report", report, "--bind", bind + ":/w"], ["report '%s'" % report],
                             actor, prepare=prepare)
            # What is mounted over it is another place.
            self.allowed(["--report", w + "/sub/r", "--bind", w + "/data:/w"], actor,
                         prepare="mount -t tmpfs -o mode=777 none %s/sub" % w)
            self.allowed(["--report", mnt + "/r", "--bind", w + "/data:/w"], actor,
                         prepare="mount --bind %s/out %s" % (w, mnt))
        self.each(check)

    def test_the_layers_of_an_overlay(self):
        if os.geteuid() != 0:
            self.skipTest("needs root to mount")
        d = lib.room("root")
        # Not on a tmpfs: before Linux 6.3 root cannot bind what lies on one.
        prepare = ("cd {0}; mkdir -p l/in u w m; mount -t overlay -o lowerdir={0}/l,upperdir={0}/u,"
                   "workdir={0}/w none m || exit 9; mkdir -p m/out; cd /").format(d)
        if self.runner([], "root", prepare=prepare).status == 9:
            self.skipTest("no overlay can be made here")
        for bind, report, reached in (("/u", "/m/r", True), ("/u", "/m/out/r", True),
                                      ("/u/out", "/m/out/r", True), ("/l", "/m/in/r", True),
                                      ("/u/out", "/m/r", False), ("/l/in", "/m/out/r", False)):
            options = ["--report", d + report, "--bind", d + bind + ":/w"]
            if reached:
                self.refused(options, ["report '%s%s'" % (d, report)], "root", prepare=prepare)
            else:
                self.allowed(options, "root", prepare=prepare)

    def test_in_a_chroot_that_is_no_mount_point(self):
        """There the mount all lies on is in no table."""
        if os.geteuid() != 0:
            self.skipTest("needs root")
        tree = lib.room()
        prepare = ("cd {0}; mkdir usr proc dev tmp tmp/w tmp/w/sub tmp/other {1}; "
                   "for l in bin lib lib64 sbin; do ln -s usr/$l $l; done; mount --rbind /usr usr; "
                   "mount --rbind /proc proc; mount --rbind /dev dev; mount --bind {2} .{2}; "
                   "mount --bind tmp/w/sub tmp/other\nexec chroot {0} {3} exec"
                   ).format(tree, "-p ." + lib.ROOM, lib.ROOM, lib.RUNNER)
        for report, status in (("/tmp/w/r", 125), ("/tmp/w/sub/r", 125), ("/tmp/other/r", 125),
                               ("/tmp/r", 0)):
            r = lib.run(["unshare", "-m", "sh", "-ec", prepare + ' "$@"', "sh", "--report", report,
                         "--bind", "/tmp/w:/w", "--", "echo", "ran"])
            self.assertEqual((r.status, r.out), (status, "" if status else "ran\n"), repr(r))
            if status:
                self.assertIn("report '%s': the payload can write it" % report, r.err)
            lib.run(["rm", "-rf", "--one-file-system"] + [os.path.join(tree, n)
                                                          for n in os.listdir(tree)])

    def test_a_mount_table_that_cannot_be_read_refuses(self):
        lib.needs_strace(self)
        w, other = self.tree("root"), lib.room("root")
        argv = ["strace", "-f", "-o", "/dev/null", "-P", "/proc/self/mountinfo",
                "-e", "inject=openat,open:error=EACCES", lib.RUNNER, "exec",
                "--report", other + "/r", "--bind", w + ":/w", "--", "echo", "ran"]
        r = lib.run(argv)
        self.assertEqual((r.status, r.out), (125, ""), repr(r))
        self.assertIn("/proc/self/mountinfo: Permission denied", r.err)
        argv[argv.index("--bind")] = "--ro-bind"
        r = lib.run(argv)
        self.assertEqual((r.status, r.out), (125, ""), repr(r))
        self.assertIn("it says what a bind gives away", r.err)
        # Of one file that cannot be written nothing is asked.
        argv[argv.index(w + ":/w")] = w + "/f:/w"
        lib.write(w + "/f", "text")
        self.ok(lib.run(argv), "ran\n")


class Executed(Reach):
    """What the sandbox executes must not be what the payload writes."""

    def test_a_program_it_wrote(self):
        def check(actor):
            w = self.tree(actor)
            script = "cp /bin/true /s/q && /r/sub/q; echo $?"
            nested = ["--ro-bind", w + ":/r", "--bind", w + "/sub:/s"]
            # Nobody said exec: it is not executable then ...
            r = self.ok(self.runner(nested, actor, ("sh", "-c", script)))
            self.assertEqual(r.out, "126\n", repr(r))
            self.assertIn("Permission denied", r.err)
            # ... as it is where nothing is written.
            self.ok(self.runner(nested[:2], actor, ("/r/sub/p",)))
            # Said for one of them, it is refused; said where it is written, it is meant.
            self.refused(["--ro-bind", w + ":/r:exec", "--bind", w + "/sub:/s"],
                         ["'%s'" % w, "say exec where it is written"], actor)
            self.ok(self.runner(["--ro-bind", w + ":/r:exec", "--bind", w + "/sub:/s:exec"], actor,
                                ("sh", "-c", script)), "0\n")
        self.each(check)

    def test_a_nested_one_is_covered(self):
        def check(actor):
            w = self.tree(actor)
            self.ok(self.runner(["--bind", w + ":/w", "--ro-bind", w + "/sub:/w/sub"], actor,
                                ("/w/sub/p",)))
            r = self.runner(["--bind", w + ":/w", "--ro-bind", w + "/sub:/s"], actor, ("/s/p",))
            self.assertEqual(r.status, 126, repr(r))
        self.each(check)

    def test_a_nested_read_only_one_that_is_written_elsewhere(self):
        def check(actor):
            w = self.tree(actor)
            nested = ["--bind", w + ":/w", "--ro-bind", w + "/sub:/w/sub"]
            self.allowed(nested, actor)
            for other in (w, w + "/sub"):
                self.refused(nested + ["--bind", other + ":/v"], ["read-only inside", "at '/v'"],
                             actor)
            self.allowed(nested + ["--bind", w + "/data:/v"], actor)
        self.each(check)

    def test_the_system(self):
        def check(actor):
            for source in ("/usr", "/usr/bin", "/usr/share"):
                self.refused(["--bind", source + ":/w"], ["bind '%s'" % source, "'/usr'"], actor)
            self.allowed(["--ro-bind", "/usr/share:/w"], actor)
            # Over that very place it covers what would be executed.
            self.allowed(["--bind", "/usr/share:/usr/share"], actor)
            self.allowed(["--bind", "/usr/share:/w:exec"], actor)
            self.refused(["--program", "echo", "--bind", "/usr/share:/w"], ["'/usr'"], actor)
        self.each(check)

    def test_a_root_file_system(self):
        def check(actor):
            root = lib.room(actor)
            for d in ("bin", "data"):
                os.mkdir(os.path.join(root, d))
                lib.give(os.path.join(root, d), actor)
            subprocess.run(["cp", lib.PROBE, root + "/bin/probe"], check=True)

            def run(options):
                return self.runner(["--rootfs", root] + options, actor, ("/bin/probe", "stat", "/"))
            for source, target in ((root, "/w"), (root + "/bin", "/w"),
                                   (os.path.dirname(root), "/w")):
                r = run(["--bind", source + ":" + target])
                self.assertEqual((r.status, r.out), (125, ""), "%s: %r" % (source, r))
                self.assertIn("what it executes at '/", r.err)
            self.ok(run([]))
            self.ok(run(["--bind", root + "/data:/data"]))
            self.ok(run(["--bind", lib.room(actor) + ":/w"]))
            r = run(["--program", "/bin/probe", "--bind", root + "/data:/w"])
            self.assertEqual(r.status, 125, repr(r))
        self.each(check)

    def test_by_another_mount_of_the_hosts(self):
        if os.geteuid() != 0:
            self.skipTest("needs root to mount")

        def check(actor):
            w, mnt = self.tree(actor), lib.room(actor)
            prepare = "mount --bind %s/sub %s" % (w, mnt)
            options = ["--ro-bind", w + ":/r:exec", "--bind", mnt + ":/s"]
            self.refused(options, ["'%s'" % w, "'%s'" % mnt], actor, prepare=prepare)
            self.allowed(options, actor)  # without that mount they have nothing in common
        self.each(check)

    def test_a_program_that_is_handed_in_is_a_copy(self):
        code = ("#!/bin/sh\n#%s\necho forged >/w/s.sh; cat /app/s.sh | tail -n 1\n"
                % ("x" * 200000))

        def check(actor):
            w = lib.room(actor)
            s = lib.write(w + "/s.sh", code + "# the end\n", 0o755, actor)
            r = self.ok(lib.sandbox(["--bind", w + ":/w"], [s], actor), "# the end\n")
            with open(s, encoding="utf-8") as f:
                self.assertEqual(f.read(), "forged\n", repr(r))
        self.each(check)


if __name__ == "__main__":
    lib.main()
