# SPDX-License-Identifier: Apache-2.0
"""What --bind and --ro-bind grant: what their words say, and no more."""
import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import lib

WRITE = ["--", "sh", "-c", "echo x >%s/new 2>/dev/null && echo written || echo refused"]


class Words(lib.PerActor):
    def written(self, bind, actor, where="/w"):
        command = [w.replace("%s", where) for w in WRITE]
        return self.ok(lib.sandbox(["--bind", bind], command, actor)).out.strip()

    def test_ro_and_rw_mean_what_they_say(self):
        def check(actor):
            d = lib.room(actor)
            self.assertEqual(self.written(d + ":/w:ro", actor), "refused")
            self.assertEqual(os.listdir(d), [])
            self.assertEqual(self.written(d + ":/w:rw", actor), "written")
            os.unlink(d + "/new")
            self.assertEqual(self.written(d + ":ro", actor, d), "refused")
            self.assertEqual(self.written(d, actor, d), "written")
        self.each(check)

    def test_an_unknown_word_is_refused_and_named(self):
        def check(actor):
            d = lib.room(actor)
            for bind, words in [(":/w:readonly", "'readonly' is not one of ro, rw, exec"),
                                (":/w:exce", "did you mean 'exec'?"),
                                (":/w:ro,z", "'z' is not one of"), (":w", "'w' is not one of"),
                                (":/w:", "'' is not one of"),
                                (":/w:/x", "a colon that belongs to a path is written \\:"),
                                (":w/x", "a place inside begins with a slash"),
                                (":w/x", ": '/w/x'")]:
                for option in ("--bind", "--ro-bind"):
                    r = lib.sandbox([option, d + bind], ["--", "echo", "ran"], actor)
                    self.assertEqual((r.status, r.out), (125, ""), repr(r))
                    self.assertIn(words, r.err)
            r = lib.sandbox(["--ro-bind", d + ":/w:rw"], ["--", "echo", "ran"], actor)
            self.assertEqual((r.status, r.out), (125, ""), repr(r))
            self.assertIn("say --bind", r.err)
        self.each(check)

    def test_the_profile_has_the_same_words(self):
        def check(actor):
            d = lib.room(actor)
            for words, wanted in [(["rw"], "written"), (["ro"], "refused"), ([], "refused"),
                                  (["rw", "ro"], "refused")]:
                path = lib.write(os.path.join(lib.ROOM, "p.json"), json.dumps({
                    "extends": "default", "mounts": [{"source": d, "destination": "/w",
                                                      "options": words}]}))
                command = [w.replace("%s", "/w") for w in WRITE]
                r = self.ok(lib.sandbox(["--profile", path], command, actor))
                self.assertEqual(r.out.strip(), wanted, "%s: %r" % (words, r))
            lib.write(path, json.dumps({"mounts": [{"source": d, "destination": "/w",
                                                    "options": ["readonly"]}]}))
            r = lib.sandbox(["--profile", path], ["--", "true"], actor)
            self.assertEqual(r.status, 125)
            self.assertIn("mounts[0].options[0]: must be ro, rw, exec", r.err)
        self.each(check)

    def test_a_path_with_a_colon(self):
        def check(actor):
            d = os.path.join(lib.room(actor), "a:ro\\b")
            os.mkdir(d)
            os.chmod(d, 0o777)
            bind = d.replace("\\", "\\\\").replace(":", "\\:") + ":/w\\:ro"
            self.assertEqual(self.written(bind, actor, "/w:ro"), "written")
            self.assertEqual(os.listdir(d), ["new"])
        self.each(check)

    def test_an_optional_one_may_be_missing(self):
        def check(actor):
            for bind in ("/none:/w:optional", "/none:optional"):
                self.ok(lib.sandbox(["--bind", bind], ["--", "true"], actor))
                r = lib.sandbox(["--bind", bind.replace(":optional", "")], ["--", "true"], actor)
                self.assertEqual(r.status, 125, repr(r))
        self.each(check)

    def test_exec_is_the_default_only_of_what_cannot_be_written(self):
        def check(actor):
            for words, ran in (("ro", True), ("rw", False), ("rw,exec", True), ("ro:noexec", False)):
                d = lib.room(actor)
                os.system("cp %s %s/p" % (lib.TRUE, d))
                r = lib.sandbox(["--bind", d + ":/w:" + words], ["--", "/w/p"], actor)
                self.assertEqual(r.status == 0, ran, "%s: %r" % (words, r))
                if not ran:
                    self.assertEqual(r.status, 126, repr(r))
        self.each(check)


class Owners(lib.Case):
    """As root: who owns the source is the payload inside, read-only as well."""

    def setUp(self):
        if os.geteuid() != 0:
            self.skipTest("needs root, and files of several owners")

    def tree(self, owner):
        d = lib.room()
        # One group for all: who owns it is what counts.
        for name, uid in (("own", owner), ("other", owner + 7)):
            os.chown(lib.write(os.path.join(d, name), name, 0o600), uid, 77)
        os.chown(d, owner, 77)
        os.chmod(d, 0o700)
        return d

    def test_read_only_reads_what_writable_reads(self):
        script = "cat /w/own; cat /w/other; echo x >/w/own; chmod 0777 /w/own"
        for owner in (0, 1234, 100000):
            d = self.tree(owner)
            r = lib.sandbox(["--ro-bind", d + ":/w"], ["--", "sh", "-c", script])
            self.assertEqual(r.out, "own", repr(r))
            self.assertIn("/w/other: Permission denied", r.err)
            self.assertEqual(r.err.count("Read-only file system"), 2, repr(r))
            r = lib.sandbox(["--bind", d + ":/w"], ["--", "sh", "-c", script])
            self.assertEqual((r.status, r.out), (0, "own"), repr(r))
            self.assertIn("/w/other: Permission denied", r.err)

    def test_a_file_by_itself(self):
        for owner in (0, 1234):
            f = os.path.join(self.tree(owner), "own")
            self.ok(lib.sandbox(["--ro-bind", f + ":/f"], ["--", "cat", "/f"]), "own")

    def test_owners_do_not_mix(self):
        """One map for each: who shares one reads no more by it."""
        trees = [self.tree(owner) for owner in (0, 1234, 0, 1234)]
        options = []
        for i, d in enumerate(trees):
            options += ["--ro-bind", "%s:/w%d" % (d, i)]
        r = lib.sandbox(options, ["--", "sh", "-c", "cat /w?/own; cat /w?/other"])
        self.assertEqual(r.out, "own" * 4, repr(r))
        self.assertEqual(r.err.count("Permission denied"), 4, repr(r))
        maps = lib.run(["strace", "-f", "-o", lib.ROOM + "/trace", "-e", "trace=openat",
                        lib.RUNNER, "exec"] + options + ["--", "true"])
        if maps.status == 0:
            with open(lib.ROOM + "/trace", encoding="utf-8") as f:
                self.assertEqual(f.read().count('"ns/user"'), 2)

    def test_a_file_system_that_cannot_be_mapped_is_shown_as_it_is(self):
        d = lib.room()
        script = ("mkdir {0}/l {0}/u {0}/w {0}/m; echo lower >{0}/l/f; "
                  "mount -t overlay -o lowerdir={0}/l,upperdir={0}/u,workdir={0}/w none {0}/m || exit 9; "
                  "exec {1} exec --ro-bind {0}/m:/m -- cat /m/f")
        r = lib.run(["unshare", "-m", "sh", "-c",
                     "mount -t tmpfs none {0} && {1}".format(d, script.format(d, lib.RUNNER))])
        if r.status == 9:
            self.skipTest("this kernel has no overlayfs")
        self.ok(r, "lower\n")


class Submounts(lib.PerActor):
    """The attributes of a bind hold for what is mounted below it as well."""

    SCRIPT = """
import errno, os, sys
def name(call, *args):
    try:
        call(*args)
        return "done"
    except OSError as e:
        return errno.errorcode[e.errno]
print(name(open, "/w/sub/f", "w"), name(open, "/w/sub/null"), flush=True)
print(name(os.execv, "/w/sub/p", ["p"]))
"""

    def test_a_submount(self):
        if os.geteuid() != 0:
            self.skipTest("needs root to mount one")

        def check(actor):
            d, s = lib.room(actor), lib.write(os.path.join(lib.room(), "s.py"), self.SCRIPT)
            os.mkdir(d + "/sub")
            prepare = ("mount -t tmpfs -o mode=777 none {0}/sub; mknod -m 666 {0}/sub/null c 1 3; "
                       "cp {1} {0}/sub/p; chmod 755 {0}/sub/p; exec ".format(d, lib.TRUE))

            def inside(bind):
                argv = lib.as_actor(actor, [lib.RUNNER, "exec", "--bind", d + bind, s])
                return lib.run(["unshare", "-m", "sh", "-ec", prepare + " ".join(argv)])
            # Outside all three work: to write, to open a device, to execute.
            outside = " ".join(lib.as_actor(actor, [
                "sh", "-ec", "'echo x >{0}/sub/f; cat {0}/sub/null; exec {0}/sub/p'".format(d)]))
            self.ok(lib.run(["unshare", "-m", "sh", "-ec", prepare + outside]), "")
            self.assertEqual(inside(":/w:ro,noexec").out.split(), ["EROFS", "EACCES", "EACCES"])
            words = inside(":/w:rw,exec").out.split()
            self.assertEqual(words, ["done", "EACCES"], "the last has no words: it ran")
        self.each(check)


class Types(lib.PerActor):
    def test_neither_a_directory_nor_a_file(self):
        """A FIFO and a device are not bound, whatever the word."""
        def check(actor):
            d = lib.room(actor)
            os.mkfifo(d + "/pipe")
            lib.give(d + "/pipe", actor)
            for source in d + "/pipe", "/dev/null":
                for option in "--bind", "--ro-bind":
                    for word in "", ":sockets", ":kernel":
                        r = lib.sandbox([option, source + ":/x" + word], ["--", "echo", "ran"],
                                        actor)
                        self.assertEqual((r.status, r.out), (125, ""), repr(r))
                        self.assertIn("'%s' is neither a directory nor a regular file" % source,
                                      r.err)
            lib.write(d + "/file", "text", 0o644, actor)
            self.ok(lib.sandbox(["--ro-bind", d + "/file:/x"], ["--", "cat", "/x"], actor), "text")
        self.each(check)


class KernelFiles(lib.Scripts):
    """File systems that are the kernel's state are shown by the word `kernel`, and never
    writable."""

    def refused(self, options, actor, *words):
        r = lib.sandbox(options, ["--", "echo", "ran"], actor)
        self.assertEqual((r.status, r.out, r.report["reason"]), (125, "", "rejected"), repr(r))
        for word in words:
            self.assertIn(word, r.err)

    def test_they_are_refused(self):
        def check(actor):
            for source, name in (("/proc", "proc"), ("/proc/cpuinfo", "proc"),
                                 ("/proc/%d" % os.getpid(), "proc"), ("/sys", "sysfs"),
                                 ("/sys/kernel", "sysfs")):
                words = "'%s' is on a file system of the kernel's (%s)" % (source, name)
                self.refused(["--ro-bind", source + ":/p"], actor, words, source + ":/p:kernel")
                for more in "", ":kernel":
                    self.refused(["--bind", source + ":/p" + more], actor, words,
                                 source + ":/p:ro,kernel")
        self.each(check)

    def test_as_a_root_file_system(self):
        def check(actor):
            for path in "/proc", "/sys":
                self.refused(["--rootfs", path], actor,
                             "rootfs '%s' is on a file system of the kernel's" % path)
        self.each(check)

    def test_so_is_what_holds_one(self):
        def check(actor):
            self.refused(["--ro-bind", "/:/p"], actor, "'/' holds '/", "/:/p:kernel")
            self.refused(["--bind", "/:/p:kernel"], actor, "'/' holds '/", "/:/p:ro,kernel")
            self.ok(lib.sandbox(["--ro-bind", "/:/p:kernel"], ["--", "true"], actor))
        self.each(check)

    def test_whatever_is_mounted_below(self):
        if os.geteuid() != 0:
            self.skipTest("needs root to mount them")

        def check(actor):
            for kind, there in (("proc", "version"), ("sysfs", "kernel"), ("mqueue", ""),
                                ("devpts", "ptmx"), ("tmpfs", "")):
                d = lib.room(actor)
                os.makedirs(d + "/a/b")
                argv = lib.as_actor(actor, [lib.RUNNER, "exec", "--ro-bind", d + ":/d", "--", "ls",
                                            "/d/a/b/" + there])
                r = lib.run(["unshare", "-m", "sh", "-ec", "mount -t %s none %s/a/b; exec %s"
                             % (kind, d, " ".join(argv))])
                if kind == "tmpfs":
                    self.ok(r)
                else:
                    self.assertEqual((r.status, r.out), (125, ""), repr(r))
                    self.assertIn("holds '%s/a/b', a file system of the kernel's (%s)" % (d, kind),
                                  r.err)
        self.each(check)

    KINDS = ("proc", "sysfs", "cgroup", "cgroup2", "mqueue", "devpts", "debugfs", "tracefs",
             "securityfs", "bpf", "pstore", "hugetlbfs", "configfs", "fusectl", "binfmt_misc",
             "efivarfs", "selinuxfs", "smackfs", "rpc_pipefs", "nfsd", "xenfs")
    ALWAYS = {"proc", "sysfs", "mqueue", "devpts"}

    def places(self):
        """Where the host has each, by /proc/self/mountinfo; None: it could be mounted."""
        found = {}
        with open("/proc/filesystems", encoding="ascii") as f:
            known = [line.split()[-1] for line in f]
        found.update((kind, None) for kind in self.KINDS if kind in known and kind != "cgroup")
        with open("/proc/self/mountinfo", encoding="utf-8") as f:
            for line in f:
                kind = line.split(" - ")[1].split()[0]
                point = line.split()[4]
                if kind in self.KINDS and "\\" not in point:
                    found[kind] = point
        return found

    def test_each_by_itself(self):
        """The kernel's number of each, and not only its name in the table of mounts."""
        if os.geteuid() != 0:
            self.skipTest("needs root to mount them")

        def check(actor):
            seen = set()
            for kind, point in [*self.places().items(), ("tmpfs", None), ("ramfs", None)]:
                d = point or lib.room(actor)
                argv = lib.as_actor(actor, [lib.RUNNER, "exec", "--ro-bind", d + ":/d", "--",
                                            "true"])
                mount = "" if point else "mount -t %s none %s 2>/dev/null || exit 77; " % (kind, d)
                r = lib.run(["unshare", "-m", "sh", "-c", mount + "exec " + " ".join(argv)])
                if r.status == 77:
                    continue
                seen.add(kind)
                if kind in ("tmpfs", "ramfs"):
                    self.ok(r)
                    continue
                self.assertEqual((r.status, r.out), (125, ""), "%s: %r" % (kind, r))
                self.assertIn("'%s' is on a file system of the kernel's (%s)" % (d, kind), r.err)
            self.assertGreaterEqual(seen, self.ALWAYS | {"tmpfs", "ramfs"})
        self.each(check)

    def test_an_automount_point_is_none(self):
        if os.geteuid() != 0 or "autofs" not in open("/proc/filesystems", encoding="ascii").read():
            self.skipTest("needs root, and a kernel with autofs")
        d = lib.room()
        os.mkdir(d + "/sub")
        inside = ("mount -t autofs -o fd=1,minproto=5,maxproto=5,indirect none {0}/sub; "
                  "grep -c ' - autofs ' /proc/self/mountinfo; exec {1} exec --ro-bind {0}:/d -- "
                  "echo ran".format(d, lib.RUNNER))
        r = lib.run(["unshare", "-m", "sh", "-ec", inside])
        self.assertEqual((r.status, r.out.split()[-1]), (0, "ran"), repr(r))
        self.assertGreaterEqual(int(r.out.split()[0]), 1)

    # What a bind of the host's /proc, as the word shows it, gives of a process of the caller's.
    ASK = """
import errno, os, sys
def name(call, *args):
    try:
        call(*args)
        return "done"
    except OSError as e:
        return errno.errorcode[e.errno]
def read(path):
    with open(path, "rb") as f:
        f.read(1)
def write(path):
    with open(path, "w") as f:
        f.write("500")
p = "/p/" + sys.argv[1]
print(name(read, p + "/environ"), name(read, p + "/mem"), name(os.listdir, p + "/root"),
      name(write, p + "/oom_score_adj"), name(read, p + "/cmdline"))
"""

    def test_what_the_word_shows(self):
        def check(actor):
            other = subprocess.Popen(lib.as_actor(actor, ["sleep", "600"]))
            self.addCleanup(other.wait)
            self.addCleanup(other.kill)
            def answers(*more):
                r = self.run_script(["--ro-bind", "/proc:/p:kernel"] + list(more), self.ASK,
                                    actor, str(other.pid))
                return self.ok(r).out.split()
            said = answers()
            self.assertEqual([x for x in said[:3] if x not in ("EACCES", "EPERM")], [], said)
            self.assertIn(said[3], ("EROFS", "EACCES"))
            self.assertEqual(said[4], "done")
            with open("/proc/%d/oom_score_adj" % other.pid, encoding="ascii") as f:
                self.assertNotEqual(f.read(), "500\n")
            # The control: outside, the very same user may.
            r = lib.run(["/usr/bin/python3", "-c", self.ASK.replace('"/p/"', '"/proc/"'),
                         str(other.pid)], actor)
            said = self.ok(r).out.split()
            self.assertEqual((said[0], said[2:]), ("done", ["done"] * 3), said)
            with open("/proc/%d/oom_score_adj" % other.pid, encoding="ascii") as f:
                self.assertEqual(f.read(), "500\n")
        self.each(check)


if __name__ == "__main__":
    lib.main()
