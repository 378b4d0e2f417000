# SPDX-License-Identifier: Apache-2.0
"""Every mount inside, flag by flag, against a table written by hand; /dev; propagation."""
import errno
import os
import stat
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import lib
import mounts

CAT = ["--", "cat", "/proc/self/mountinfo"]
BASE = {"nosuid", "relatime"}
ROOT = BASE | {"ro", "noexec"}  # not nodev: as root, /dev's nodes lie on it
SYSTEM = BASE | {"ro", "nodev"}
ETC = SYSTEM | {"noexec"}
DATA = BASE | {"rw", "nodev", "noexec"}
NODE = BASE | {"rw", "noexec"}
NODES = {"null": (1, 3), "zero": (1, 5), "full": (1, 7), "random": (1, 8), "urandom": (1, 9)}
# What a mount of the host's keeps from where it comes: its owner's affair, not ours.
ATIME = {"relatime", "noatime", "nodiratime", "strictatime", "idmapped"}


def system(actor):
    """What there is whatever the profile says: target, flags, type (None: the host's)."""
    found = {"/": (ROOT, "tmpfs"), "/usr": (SYSTEM, None),
             "/proc": (DATA, "proc")}
    for name in "bin", "sbin", "lib", "lib32", "lib64", "libx32":
        if os.path.isdir("/" + name) and not os.path.islink("/" + name):
            found["/" + name] = (SYSTEM, None)
    for name in ("alternatives", "ld.so.cache", "ld.so.conf", "ld.so.conf.d", "localtime", "ssl",
                 "ca-certificates", "mime.types", "magic", "terminfo", "python3"):
        if os.path.exists("/etc/" + name):
            found["/etc/" + name] = (ETC, None)
    if actor == "user":
        for name in NODES:
            found["/dev/" + name] = (NODE, None)
    return found


def kib(text):
    return int(text[:-1]) if text.endswith("k") else int(text)


class Table(lib.PerActor):
    def mounts(self, options, actor, **kwargs):
        r = self.ok(lib.sandbox(options, CAT, actor, **kwargs))
        return mounts.table(r.out)

    def compare(self, found, actor, more, optional=()):
        """Each mount that is there is in the table, each of the table is there, once."""
        wanted = system(actor)
        wanted.update(more)
        names = [m.target for m in found]
        self.assertEqual(len(names), len(set(names)), names)
        missing = set(wanted) - set(names) - set(optional)
        # Which files of /etc there are is the host's affair; what is there, is in the table.
        self.assertEqual({n for n in missing if not n.startswith("/etc/")}, set())
        for m in found:
            self.assertIn(m.target, wanted, names)
            flags, kind = wanted[m.target]
            have = m.flags if kind else m.flags - ATIME
            self.assertEqual(have, flags if kind else flags - ATIME, m.target)
            if kind:
                self.assertEqual(m.type, kind, m.target)
            self.assertEqual(m.propagation, "private", m.target)
        return {m.target: m for m in found}

    def size(self, mount, size, inodes):
        self.assertEqual((kib(mount.options["size"]), int(mount.options["nr_inodes"])),
                         (size >> 10, inodes), mount.target)

    def own_size(self, found, size):
        """The first tmpfs lies on the root's, which is that large and its own few files."""
        kept = kib(found["/"].options["size"]) - (size >> 10)
        self.assertTrue(0 <= kept < 1024, kept)
        self.assertEqual(found["/tmp"].options["size"], found["/"].options["size"])
        self.assertEqual(found["/"].options["mode"], "755")
        self.assertEqual(found["/tmp"].root, "/tmp")

    def test_default(self):
        def check(actor):
            found = self.compare(self.mounts([], actor), actor,
                                 {"/tmp": (DATA, "tmpfs"), "/dev/shm": (DATA, "tmpfs")})
            self.own_size(found, 256 << 20)
            self.size(found["/dev/shm"], 64 << 20, 4096)
            self.assertEqual(found["/proc"].options.get("subset"), "pid")
        self.each(check)

    def test_strategy(self):
        def check(actor):
            found = self.compare(self.mounts(["--profile", "strategy"], actor), actor,
                                 {"/tmp": (DATA, "tmpfs"), "/dev/shm": (DATA, "tmpfs"),
                                  "/etc/fonts": (ETC, None), "/etc/matplotlibrc": (ETC, None)})
            self.own_size(found, 1 << 30)
        self.each(check)

    def test_agent(self):
        def check(actor):
            found = self.compare(self.mounts(["--profile", "agent"], actor), actor,
                                 {"/tmp": (DATA, "tmpfs"), "/dev/shm": (DATA, "tmpfs"),
                                  "/workspace": (DATA - {"noexec"}, "tmpfs"),
                                  "/etc/fonts": (ETC, None), "/etc/matplotlibrc": (ETC, None)})
            self.own_size(found, 2 << 30)
            self.size(found["/workspace"], 2 << 30, 262144)
        self.each(check)

    def test_probe(self):
        """Nothing writable at all."""
        def check(actor):
            read_only = DATA - {"rw"} | {"ro"}
            found = self.compare(self.mounts(["--profile", "probe"], actor), actor,
                                 {"/tmp": (read_only, "tmpfs"), "/dev/shm": (read_only, "tmpfs")})
            writable = {t for t, m in found.items() if "rw" in m.flags}
            self.assertEqual(writable - {"/dev/" + n for n in NODES}, {"/proc"})
        self.each(check)

    def test_binds(self):
        """Each word of a bind, and of a tmpfs."""
        def check(actor):
            d, w = lib.room(actor), lib.room(actor)
            file, other = (lib.write(os.path.join(x, "file"), "x", actor=actor) for x in (d, w))
            options = ["--ro-bind", d + ":/ro", "--bind", w + ":/rw", "--bind", w + ":/rx:exec",
                       "--bind", d + ":/br:ro", "--bind", d + ":/be:ro,exec",
                       "--bind", other + ":/rf", "--ro-bind", file + ":/f", "--ro-bind", w + ":/wr",
                       "--ro-bind", d + ":/rn:noexec",
                       "--ro-bind", "/does/not/exist:/none:optional",
                       "--tmpfs", "/one:1m", "--tmpfs", "/two:2m:exec", "--tmpfs", "/three:3m:ro"]
            found = self.compare(self.mounts(options, actor), actor, {
                "/tmp": (DATA, "tmpfs"), "/dev/shm": (DATA, "tmpfs"),
                "/ro": (SYSTEM, None), "/br": (SYSTEM, None), "/be": (SYSTEM, None), "/f": (SYSTEM, None),
                "/rn": (ETC, None), "/wr": (ETC, None), # what is writable elsewhere is not executed here
                "/rw": (DATA, None), "/rf": (DATA, None), "/rx": (DATA - {"noexec"}, None),
                "/one": (DATA, "tmpfs"), "/two": (DATA - {"noexec"}, "tmpfs"),
                "/three": (DATA - {"rw"} | {"ro"}, "tmpfs")})
            for name, size in ("/one", 1), ("/two", 2), ("/three", 3):
                self.assertEqual(kib(found[name].options["size"]), size << 10)
            self.assertNotIn("/none", found)
        self.each(check)

    def test_programs(self):
        """Only what is named lies on mounts where something may be executed."""
        def check(actor):
            found = {m.target: m for m in self.mounts(["--program", "cat"], actor)}
            self.assertEqual(found["/usr"].flags - ATIME, ETC - ATIME)
            shown = {t for t, m in found.items() if t.startswith("/usr/")}
            self.assertIn("/usr/bin/cat", shown)
            for target in shown:
                self.assertEqual(found[target].flags - ATIME, SYSTEM - ATIME, target)
            executable = {t for t, m in found.items() if "noexec" not in m.flags}
            self.assertEqual(executable, shown)
        self.each(check)

    def test_the_hosts_devices(self):
        def check(actor):
            found = {m.target: m for m in self.mounts(["--without", "devices"], actor)}
            self.assertIn("nosuid", found["/dev"].flags)
        self.each(check)

    def test_what_is_left_out_is_seen_here(self):
        """The control: this table would show a missing flag."""
        def check(actor):
            found = {m.target: m for m in self.mounts(["--without", "noexec"], actor)}
            self.assertNotIn("noexec", found["/tmp"].flags)
            self.assertEqual(found["/tmp"].flags, DATA - {"noexec"})
            found = {m.target: m for m in self.mounts(["--without", "proc_subset"], actor)}
            self.assertNotIn("subset", found["/proc"].options)
        self.each(check)

    def test_a_root_file_system(self):
        def check(actor):
            d = lib.room(actor)
            script = os.path.join(lib.HERE, "..", "rootfs-scripts", "from-programs.sh")
            made = lib.run(["sh", script, os.path.join(d, "root"), "cat"], "root")
            self.assertEqual(made.status, 0, repr(made))
            names = [n for n in os.listdir(os.path.join(d, "root"))
                     if n not in ("dev", "proc", "sys", "tmp", "run", "app")
                     and not os.path.islink(os.path.join(d, "root", n))]
            found = self.mounts(["--rootfs", os.path.join(d, "root")], actor)
            self.assertEqual({"/" + n for n in names} - {m.target for m in found}, set())
            for m in found:
                if m.target[1:] in names:
                    self.assertEqual(m.flags - ATIME, SYSTEM - ATIME, m.target)
                self.assertEqual(m.propagation, "private")
            root = {m.target: m for m in found}["/"]
            self.assertEqual((root.flags, root.type), (ROOT, "tmpfs"))
        self.each(check)


class Below(lib.PerActor):
    """Mounts of the caller's own, in a mount namespace made for the test."""

    def in_namespace(self, actor, script, *words, propagation="private"):
        """As root in a new mount namespace: runner's arguments follow as "$@"."""
        if os.geteuid() != 0:
            self.skipTest("mounting takes root")
        command = " ".join(lib.as_actor(actor, [])) or "command"
        return lib.run(["unshare", "--mount", "--propagation", propagation, "sh", "-ec",
                        script.replace("AS", command), "sh"] + list(words))

    def test_what_is_mounted_below_a_bind(self):
        """Attributes are recursive: a mount below a read-only bind is read-only, too."""
        def check(actor):
            d = lib.room(actor)
            os.mkdir(os.path.join(d, "sub"))
            script = ("mount -t tmpfs -o exec,suid,dev none $1/sub; mkdir $1/sub/deep; "
                      "mount -t tmpfs none $1/sub/deep; chmod 777 $1/sub $1/sub/deep; r=$2; d=$1; "
                      "shift 2; AS $r exec \"$@\" -- cat /proc/self/mountinfo")
            for option, flags in (("--ro-bind", SYSTEM), ("--bind", DATA)):
                r = self.ok(self.in_namespace(actor, script, d, lib.RUNNER, option, d + ":/b"))
                found = {m.target: m for m in mounts.table(r.out)}
                for target in "/b", "/b/sub", "/b/sub/deep":
                    self.assertEqual(found[target].flags - ATIME, flags - ATIME, target)
                    self.assertEqual(found[target].propagation, "private")
            # It is what would have been there: rw, and neither nosuid nor nodev.
            r = self.in_namespace(actor, script.replace("AS $r exec", "true").replace(
                "-- cat", "; cat"), d, lib.RUNNER)
            below = [m for m in mounts.table(r.out) if m.target == os.path.join(d, "sub")]
            self.assertEqual(below[0].flags, {"rw", "relatime"})
        self.each(check)

    def test_nothing_propagates(self):
        """From a shared tree: no mount inside is its peer or its slave, and none gets out."""
        def check(actor):
            script = ("cat /proc/self/mountinfo; echo ==; AS $1 exec -- cat /proc/self/mountinfo; "
                      "echo ==; cat /proc/self/mountinfo")
            r = self.ok(self.in_namespace(actor, script, lib.RUNNER, propagation="shared"))
            before, inside, after = (mounts.table(part) for part in r.out.split("==\n"))
            self.assertIn("shared", {m.propagation for m in before})
            self.assertEqual({m.propagation for m in inside}, {"private"})
            self.assertEqual([m.target for m in before], [m.target for m in after])
        self.each(check)

    def test_a_mount_point_is_not_reached_through_a_link(self):
        def check(actor):
            a, b = lib.room(actor), lib.room(actor)
            os.symlink("/etc", os.path.join(a, "link"))
            os.mkdir(os.path.join(a, "dir"))
            os.mkdir(os.path.join(a, "dir/alternatives"))
            for target in "/w/link", "/w/link/alternatives":
                r = lib.sandbox(["--bind", a + ":/w", "--bind", b + ":" + target], CAT, actor)
                self.assertEqual(r.status, 125, repr(r))
                self.assertIn("ymbolic link", r.err)
            r = self.ok(lib.sandbox(["--bind", a + ":/w", "--bind", b + ":/w/dir/alternatives"],
                                    CAT, actor))
            self.assertIn("/w/dir/alternatives", [m.target for m in mounts.table(r.out)])
        self.each(check)


class Devices(lib.Scripts):
    LIST = """import os, stat
for n in sorted(os.listdir("/dev")):
    st = os.lstat("/dev/" + n)
    print(n, stat.filemode(st.st_mode), os.major(st.st_rdev), os.minor(st.st_rdev),
          os.readlink("/dev/" + n) if stat.S_ISLNK(st.st_mode) else "")
"""

    def test_each(self):
        def check(actor):
            r = self.ok(self.run_script([], self.LIST, actor))
            found = dict(line.split(" ", 1) for line in r.out.splitlines())
            # Bound, they have the host's mode; made, one of ours.
            wanted = {n: "%s %d %d " % ((stat.filemode(os.stat("/dev/" + n).st_mode)
                                         if actor == "user" else "crw-rw-rw-",) + rdev)
                      for n, rdev in NODES.items()}
            wanted.update({"fd": "/proc/self/fd", "stdin": "/proc/self/fd/0",
                           "stdout": "/proc/self/fd/1", "stderr": "/proc/self/fd/2"})
            self.assertEqual(set(found), set(wanted) | {"shm"})
            for name, line in wanted.items():
                self.assertEqual(found[name], line if name in NODES else
                                 "lrwxrwxrwx 0 0 " + line, name)
            self.assertEqual(found["shm"], "drwxrwxrwt 0 0 ")
        self.each(check)

    def test_they_do_what_they_are_called(self):
        script = """
import errno
assert open("/dev/null", "rb").read() == b""
assert open("/dev/zero", "rb").read(8) == bytes(8)
try:
    open("/dev/full", "wb", buffering=0).write(b"x")
except OSError as e:
    print(e.errno)
for name in "random", "urandom":
    one, two = (open("/dev/" + name, "rb").read(16) for i in range(2))
    assert one != two and one != bytes(16)
"""
        self.each(lambda actor: self.ok(self.run_script([], script, actor),
                                        "%d\n" % errno.ENOSPC))

    def test_directories(self):
        """Who may do what in the root's own directories."""
        script = """import os
for d in "/", "/app", "/dev", "/dev/shm", "/etc", "/proc", "/tmp", "/app/s.py", "/etc/passwd":
    print(d, oct(os.stat(d).st_mode))
"""
        wanted = {"/": "0o40755", "/app": "0o40755", "/dev": "0o40755", "/dev/shm": "0o41777",
                  "/etc": "0o40755", "/proc": "0o40555", "/tmp": "0o41777",
                  "/etc/passwd": "0o100444"}

        def check(actor):
            r = self.ok(self.run_script([], script, actor))
            found = dict(line.split() for line in r.out.splitlines())
            # Nobody may write the script, on a mount where nobody could.
            self.assertEqual(int(found.pop("/app/s.py"), 8) & 0o7222, 0)
            self.assertEqual(found, wanted)
        self.each(check)

    def test_the_script_lies_where_nothing_can_be_written(self):
        script = """import os
for act in (lambda: os.open("/app/new", os.O_WRONLY | os.O_CREAT, 0o600),
            lambda: os.rename("/app/s.py", "/app/x"), lambda: os.unlink("/app/x"),
            lambda: os.mkdir("/app/d")):
    try:
        act()
        print("done")
    except OSError as e:
        print(e.errno)
"""
        def check(actor):
            self.ok(self.run_script([], script, actor), "30\n30\n30\n30\n")
            # Outside the same words work: it is not who it is.
            d = lib.room(actor)
            lib.write(os.path.join(d, "s.py"), "", actor=actor)
            r = lib.run(["/usr/bin/python3", "-c", script.replace("/app", d)], actor)
            self.assertEqual(r.out, "done\n" * 4, repr(r))
        self.each(check)


if __name__ == "__main__":
    lib.main()
