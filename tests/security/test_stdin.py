# SPDX-License-Identifier: Apache-2.0
"""What the caller has as stdin gives the payload no more than its bytes."""
import json
import os
import pty
import socket
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import lib

PYTHON = "/usr/bin/python3"
ROOT = os.geteuid() == 0

# What stdin is, as the one who has it sees it, and what he can do to it.
LOOK = r"""
import errno, fcntl, json, os, stat, struct, sys, termios
def attempt(act):
    try:
        act()
        return "worked"
    except OSError as e:
        return errno.errorcode[e.errno]
s = os.fstat(0)
flags = fcntl.fcntl(0, fcntl.F_GETFL)
print(json.dumps({
    "inode": [s.st_dev, s.st_ino],
    "kind": stat.S_IFMT(s.st_mode),
    "lock": attempt(lambda: fcntl.flock(0, fcntl.LOCK_EX | fcntl.LOCK_NB)),
    "mode": attempt(lambda: os.fchmod(0, 0o777)),
    "times": attempt(lambda: os.utime(0, (1, 1))),
    "seek": attempt(lambda: os.lseek(0, 0, 0)),
    "write": attempt(lambda: os.write(0, b"x")),
    "again": attempt(lambda: os.open("/proc/self/fd/0", os.O_WRONLY | os.O_NONBLOCK)),
    "size": attempt(lambda: fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 9, 9, 9, 9))),
}))
"""


def inode(fd):
    s = os.fstat(fd)
    return [s.st_dev, s.st_ino]


class Stdin(lib.Scripts):
    """Each kind of thing a caller may have as stdin."""

    def look(self, fd, actor, options=()):
        """What the payload sees of it."""
        r = self.ok(lib.sandbox(list(options), ["--", "python3", "-c", LOOK], actor, stdin=fd))
        return json.loads(r.out)

    def outside(self, fd, actor):
        """The control: the same look without a sandbox."""
        return json.loads(self.ok(lib.run([PYTHON, "-c", LOOK], actor, stdin=fd)).out)

    def not_the_callers(self, fd, actor, kind="pair"):
        """The payload has a pair of ours: nothing it does reaches what was handed in."""
        seen = self.look(fd, actor)
        self.assertNotEqual(seen["inode"], inode(fd))
        if kind == "null":
            return seen
        self.assertEqual(seen["seek"], "ESPIPE")
        self.assertNotEqual(seen["write"], "worked")
        # As root it may be opened by name, for reading; rootless not at all.
        self.assertIn(seen["again"], ("EACCES",) if self.is_root(actor) else ("ENXIO",))
        self.assertEqual(seen["size"], "ENOTTY")
        return seen

    @staticmethod
    def is_root(actor):
        return actor == "root"

    def refused(self, fd, actor, words, **kwargs):
        r = lib.sandbox([], ["--", "echo", "ran"], actor, stdin=fd, **kwargs)
        self.assertEqual((r.status, r.out), (125, ""), repr(r))
        for word in ("stdin", "--stdin null") + words:
            self.assertIn(word, r.err)
        self.assertEqual(r.report["reason"], "rejected")

    def file(self, actor, text="line\n" * 3, mode=0o644):
        return lib.write(os.path.join(lib.room(actor), "in"), text, mode, actor)

    def echo(self, fd, actor, text):
        self.ok(lib.sandbox([], ["--", "cat"], actor, stdin=fd), text)

    def test_a_regular_file(self):
        def check(actor):
            path = self.file(actor)
            with open(path, "rb") as f:
                control = self.outside(f, actor)
                self.assertEqual((control["inode"], control["lock"], control["seek"]),
                                 (inode(f.fileno()), "worked", "worked"))
                self.not_the_callers(f.fileno(), actor)
            os.chmod(path, 0o644)
            with open(path, "rb") as f:
                self.echo(f, actor, "line\n" * 3)
            with open(path, "r+b") as f:
                self.not_the_callers(f.fileno(), actor)
            self.assertEqual(os.stat(path).st_mode & 0o777, 0o644)
        self.each(check)

    def test_its_offset_only_goes_forward(self):
        """Where the caller's shell reads on is not for the payload to choose."""
        def check(actor):
            path = self.file(actor, "rm -rf x\n" * 10)
            back = "import os\ntry:\n    os.lseek(0, 0, 0)\nexcept OSError:\n    pass\n"
            with open(path, "rb", buffering=0) as f:
                f.seek(45)
                lib.run([PYTHON, "-c", back], actor, stdin=f)
                self.assertEqual(f.tell(), 0)
                f.seek(45)
                self.ok(lib.sandbox([], ["--", "python3", "-c", back], actor, stdin=f))
                self.assertGreaterEqual(f.tell(), 45)
        self.each(check)

    def test_a_program_on_stdin_is_not_executed(self):
        """The same file as stdin was a way round noexec."""
        run = ("import errno, os\ntry:\n    os.execve('/proc/self/fd/0', ['x'], {})\n"
               "except OSError as e:\n    print(errno.errorcode[e.errno])\n")

        def check(actor):
            path = os.path.join(lib.room(actor), "true")
            subprocess.run(["cp", lib.TRUE, path], check=True)
            lib.give(path, actor)
            os.chmod(path, 0o755)
            with open(path, "rb") as f:
                self.ok(lib.run([PYTHON, "-c", run], actor, stdin=f), "")
                r = self.ok(lib.sandbox([], ["--", "python3", "-c", run], actor, stdin=f))
            self.assertIn(r.out, ("EACCES\n", "ENXIO\n"))
        self.each(check)

    def test_a_directory(self):
        def check(actor):
            fd = os.open(lib.room(actor), os.O_RDONLY)
            self.addCleanup(os.close, fd)
            # The control: it leads to what it holds.
            os.close(os.open("here", os.O_CREAT | os.O_WRONLY, 0o644, dir_fd=fd))
            self.ok(lib.run(["ls", "/proc/self/fd/0/"], actor, stdin=fd), "here\n")
            self.refused(fd, actor, ("a directory",))
            opath = os.open(lib.room(actor), os.O_PATH)
            self.addCleanup(os.close, opath)
            self.refused(opath, actor, ("a directory",))
        self.each(check)

    def test_a_block_device(self):
        if not ROOT:
            self.skipTest("needs root to make one")
        path = os.path.join(tempfile.mkdtemp(dir="/dev"), "block")
        self.addCleanup(lambda: (os.unlink(path), os.rmdir(os.path.dirname(path))))
        os.mknod(path, 0o660 | 0o60000, os.makedev(7, 0))
        try:
            fd = os.open(path, os.O_RDONLY)
        except OSError as e:
            self.skipTest("no loop device here: %s" % e)
        self.addCleanup(os.close, fd)
        self.refused(fd, "root", ("a block device",))
        r = lib.sandbox(["--stdin", path], ["--", "echo", "ran"])
        self.assertEqual((r.status, r.out), (125, ""), repr(r))
        self.assertIn("a block device", r.err)

    def test_devices_of_the_kernel(self):
        if not ROOT:
            self.skipTest("needs root to open them")
        for name in ("/dev/kmsg", "/dev/mem", "/dev/port", "/dev/loop-control", "/dev/fuse",
                     "/dev/net/tun"):
            try:
                fd = os.open(name, os.O_RDONLY | os.O_NONBLOCK)
            except OSError:
                continue
            with self.subTest(name):
                self.refused(fd, "root", ("a device",))
                r = lib.sandbox(["--stdin", name], ["--", "echo", "ran"])
                self.assertEqual((r.status, r.out), (125, ""), repr(r))
            os.close(fd)
        self.refused(os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK), "root", ("a device",))

    def test_dev_null_is_the_sandboxes_own(self):
        def check(actor):
            for flags in (os.O_RDONLY, os.O_WRONLY, os.O_RDWR):
                fd = os.open("/dev/null", flags)
                self.addCleanup(os.close, fd)
                self.echo(fd, actor, "")
                if self.is_root(actor):
                    self.assertEqual(self.outside(fd, actor)["inode"], inode(fd))
                    self.not_the_callers(fd, actor, "null")
        self.each(check)

    def test_zero_is_passed_on(self):
        def check(actor):
            with open("/dev/zero", "rb") as f:
                r = self.ok(lib.sandbox([], ["--", "sh", "-c", "head -c 100000 | wc -c"], actor,
                                        stdin=f))
                self.assertEqual(r.out.strip(), "100000")
                self.not_the_callers(f.fileno(), actor)
        self.each(check)

    def test_a_terminal_to_read_from(self):
        def check(actor):
            for flags in (os.O_RDONLY, os.O_RDWR):
                master, slave = pty.openpty()
                name = os.ttyname(slave)
                lib.give(name, actor)
                fd = os.open(name, flags | os.O_NOCTTY)
                os.write(master, b"typed\n\x04")
                self.echo(fd, actor, "typed\n")
                self.assertEqual(self.outside(fd, actor)["size"], "worked")
                os.write(master, b"\x04")
                self.not_the_callers(fd, actor)
                for f in (fd, slave, master):
                    os.close(f)
        self.each(check)

    def test_the_other_side_of_a_terminal(self):
        def check(actor):
            master, slave = pty.openpty()
            os.write(slave, b"shown\n")
            r = self.ok(lib.sandbox([], ["--", "sh", "-c", "read x; echo $x"], actor, stdin=master))
            self.assertEqual(r.out.strip(), "shown")
            os.close(slave)
            self.not_the_callers(master, actor)
            os.close(master)
        self.each(check)

    def test_pipes_and_sockets(self):
        def check(actor):
            def fifo():
                path = os.path.join(lib.room(actor), "fifo")
                os.mkfifo(path)
                lib.give(path, actor)
                r = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
                return r, os.open(path, os.O_WRONLY)

            def pair():
                a, b = socket.socketpair()
                return a.detach(), b.detach()
            for make in (os.pipe, fifo, pair):
                with self.subTest(make):
                    r, w = make()
                    os.write(w, b"text")
                    os.close(w)
                    self.echo(r, actor, "text")
                    self.not_the_callers(r, actor)
                    os.close(r)
        self.each(check)

    def test_a_pipe_is_not_opened_for_writing(self):
        """Rootless a pipe of the caller's could be, through /proc/self/fd/0."""
        def check(actor):
            r, w = os.pipe()
            for f in (r, w):
                if actor == "user" and ROOT:
                    os.fchown(f, lib.NOBODY.pw_uid, lib.NOBODY.pw_gid)
            self.assertEqual(self.outside(r, actor)["again"], "worked")
            os.close(w)
            self.not_the_callers(r, actor)
            os.close(r)
        self.each(check)

    def test_what_cannot_be_read_is_refused(self):
        def check(actor):
            with socket.create_server(("127.0.0.1", 0)) as server:
                self.refused(server.fileno(), actor, ("waits for connections",))
            opath = os.open(self.file(actor), os.O_PATH)
            self.refused(opath, actor, ("not open for reading",))
            os.close(opath)
            with open(self.file(actor), "wb") as f:
                self.refused(f.fileno(), actor, ("not open for reading",))
        self.each(check)

    def test_files_of_the_kernels(self):
        def check(actor):
            for name, fs in (("/proc/self/environ", "proc"), ("/proc/version", "proc"),
                             ("/sys/kernel/mm/transparent_hugepage/enabled", "sysfs"),
                             ("/proc/self/ns/net", "nsfs")):
                if not os.path.exists(name):
                    continue
                with open(name, "rb") as f:
                    self.refused(f.fileno(), actor, ("a file of the kernel's (%s)" % fs,))
        self.each(check)

    def test_a_file_of_memory(self):
        def check(actor):
            fd = os.memfd_create("x")
            os.write(fd, b"memory")
            os.lseek(fd, 0, 0)
            self.echo(fd, actor, "memory")
            self.not_the_callers(fd, actor)
            os.close(fd)
        self.each(check)

    def test_a_closed_one(self):
        def check(actor):
            r = lib.run(["sh", "-c", "exec %s exec -- sh -c 'cat; echo end' <&-" % lib.RUNNER],
                        actor)
            self.ok(r, "end\n")
        self.each(check)


if __name__ == "__main__":
    lib.main()
