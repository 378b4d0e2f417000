# SPDX-License-Identifier: Apache-2.0
"""Landlock's rights, one by one: allowed where a rule grants them, EACCES where none does.

Below a read-only mount the mount answers first. So the test takes that wall away while the
payload waits: it enters the sandbox's mount namespace and makes the mount writable. What is
refused then, Landlock refuses; the control does the same without Landlock.
"""
import ctypes
import errno
import json
import os
import shutil
import socket
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import lib

# landlock(7): the bits, and the ABI that brought them where it is not the first.
RIGHTS = ["EXECUTE", "WRITE_FILE", "READ_FILE", "READ_DIR", "REMOVE_DIR", "REMOVE_FILE", "MAKE_CHAR",
          "MAKE_DIR", "MAKE_REG", "MAKE_SOCK", "MAKE_FIFO", "MAKE_BLOCK", "MAKE_SYM", "REFER",
          "TRUNCATE", "IOCTL_DEV"]
SINCE = {"REFER": 2, "TRUNCATE": 3, "IOCTL_DEV": 5}
READ = {"READ_FILE", "READ_DIR"}
# Where the payload may write: all but devices, and what nothing grants.
WRITE = set(RIGHTS) - READ - {"EXECUTE", "MAKE_CHAR", "MAKE_BLOCK", "IOCTL_DEV"}
OF_FILES = {"EXECUTE", "WRITE_FILE", "READ_FILE", "TRUNCATE", "IOCTL_DEV"}

ATTEMPTS = """
import errno, json, os, socket, stat, sys
D = sys.argv[1] + "/"
def execute():
    r, w = os.pipe()
    if os.fork() == 0:
        try:
            os.execv(D + "p", ["p"])
        except OSError as e:
            os.write(w, errno.errorcode[e.errno].encode())
        os._exit(0)
    os.close(w)
    os.wait()
    why = os.read(r, 32).decode()
    if why:
        raise OSError(getattr(errno, why), "")
def make_sock():
    socket.socket(socket.AF_UNIX).bind(D + "sock")
def ioctl_dev():
    import fcntl
    fcntl.ioctl(open("/dev/urandom"), 0x80045200, bytes(4))  # RNDGETENTCNT
attempts = {
    "EXECUTE": execute,
    "WRITE_FILE": lambda: os.open(D + "file", os.O_WRONLY),
    "READ_FILE": lambda: os.open(D + "file", os.O_RDONLY),
    "READ_DIR": lambda: os.listdir(D),
    "REMOVE_DIR": lambda: os.rmdir(D + "rmdir"),
    "REMOVE_FILE": lambda: os.unlink(D + "rmfile"),
    "MAKE_CHAR": lambda: os.mknod(D + "char", stat.S_IFCHR | 0o600, os.makedev(1, 3)),
    "MAKE_DIR": lambda: os.mkdir(D + "dir"),
    "MAKE_REG": lambda: os.mknod(D + "reg", stat.S_IFREG | 0o600),
    "MAKE_SOCK": make_sock,
    "MAKE_FIFO": lambda: os.mkfifo(D + "fifo"),
    "MAKE_BLOCK": lambda: os.mknod(D + "block", stat.S_IFBLK | 0o600, os.makedev(7, 0)),
    "MAKE_SYM": lambda: os.symlink("x", D + "sym"),
    "REFER": lambda: os.rename(D + "from/moved", D + "to/moved"),
    "TRUNCATE": lambda: os.truncate(D + "file", 1),
    "IOCTL_DEV": ioctl_dev,
}
def name(call):
    try:
        call()
        return "done"
    except OSError as e:
        return errno.errorcode[e.errno]
print("up", flush=True)
sys.stdin.readline()
print(json.dumps({right: name(call) for right, call in attempts.items()}))
"""


def abi():
    return json.loads(lib.run([lib.RUNNER, "doctor", "--json"]).out)["landlock_abi"]


def make_writable(pid, path):
    """mount_setattr(2) there, in the mount namespace of `pid`: read-only no more."""
    libc = ctypes.CDLL(None, use_errno=True)
    child = os.fork()
    if child == 0:
        attr = (ctypes.c_uint64 * 4)(0, 1, 0, 0)  # attr_clr = MOUNT_ATTR_RDONLY
        fd = os.open("/proc/%d/ns/mnt" % pid, os.O_RDONLY)
        ok = (libc.setns(fd, 0x20000) == 0
              and libc.syscall(442, -100, path.encode(), 0, ctypes.byref(attr), 32) == 0)
        os._exit(0 if ok else ctypes.get_errno() or 1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def descendants(pid):
    """The processes below it, as the host counts them."""
    parents = {}
    for n in os.listdir("/proc"):
        try:
            with open("/proc/%s/stat" % n, encoding="utf-8", errors="replace") as f:
                parents[int(n)] = int(f.read().rsplit(")", 1)[1].split()[1])
        except (OSError, ValueError):
            pass
    found, more = set(), {pid}
    while more:
        found |= more
        more = {p for p, parent in parents.items() if parent in found} - found
    return found - {pid}


def payload_of(runner):
    """The one that executes Python."""
    for pid in descendants(runner):
        try:
            if os.path.basename(os.readlink("/proc/%d/exe" % pid)).startswith("python"):
                return pid
        except OSError:
            pass
    return None


class Rights(lib.Scripts):
    @classmethod
    def setUpClass(cls):
        cls.abi = abi()
        if cls.abi < 1:
            raise unittest.SkipTest("this kernel has no Landlock")
        cls.handled = {r for r in RIGHTS if SINCE.get(r, 1) <= cls.abi}

    def start(self, options, actor, script, *args):
        argv = lib.as_actor(actor, [lib.RUNNER, "exec"] + options + [self.script(script)]
                            + list(args))
        p = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, text=True)
        line = p.stdout.readline()
        if line != "up\n":
            self.fail("%r: %s" % (line, p.communicate()[1]))
        return p

    def finish(self, p, line="\n"):
        out, err = p.communicate(line)
        self.assertEqual(p.returncode, 0, err)
        return json.loads(out)

    def tree(self, actor):
        d = lib.room(actor)
        for n in ("from", "to", "rmdir"):
            os.mkdir(os.path.join(d, n))
            lib.give(os.path.join(d, n), actor)
        for n in ("file", "rmfile", "from/moved"):
            lib.write(os.path.join(d, n), "text", 0o644, actor)
        shutil.copy(lib.TRUE, d + "/p")
        lib.give(d + "/p", actor)
        return d

    # The filter refuses device nodes and noexec execution: not here, Landlock is to answer.
    ALONE = [w for layer in ("special_files", "unix_sockets", "seccomp", "memfd",
                                                "noexec")
             for w in ("--without", layer)]

    def expected(self, granted, landlock=True):
        """What each attempt answers where these rights are granted."""
        answers = {}
        for right in RIGHTS:
            if right in granted or not landlock or right not in self.handled:
                # A capability is asked for after Landlock: EPERM is its word.
                answers[right] = "EPERM" if right in ("MAKE_CHAR", "MAKE_BLOCK") else "done"
            else:
                answers[right] = "EACCES"
        if landlock and self.abi < 2:
            answers["REFER"] = "EXDEV"
        return answers

    def test_where_writing_is_granted(self):
        def check(actor):
            p = self.start(self.ALONE + ["--bind", self.tree(actor) + ":/w"], actor, ATTEMPTS, "/w")
            self.assertEqual(self.finish(p), self.expected(READ | WRITE))
        self.each(check)

    def test_in_a_tmpfs(self):
        make = ("import os\nfor n in 'from', 'to', 'rmdir': os.mkdir('/tmp/' + n)\n"
                "for n in 'file', 'rmfile', 'from/moved': open('/tmp/' + n, 'w').write('x')\n"
                "import shutil\nshutil.copy('/b/p', '/tmp/p')\n")

        def check(actor):
            p = self.start(self.ALONE + ["--ro-bind", self.tree(actor) + ":/b"], actor,
                           make + ATTEMPTS, "/tmp")
            self.assertEqual(self.finish(p), self.expected(READ | WRITE))
            p = self.start(self.ALONE + ["--ro-bind", self.tree(actor) + ":/b", "--tmpfs",
                                         "/tmp:exec"], actor, make + ATTEMPTS, "/tmp")
            self.assertEqual(self.finish(p), self.expected(READ | WRITE | {"EXECUTE"}))
        self.each(check)

    def in_a_read_only_bind(self, words, more, actor):
        """The answers there once the mount lets all of it through."""
        p = self.start(self.ALONE + more + ["--ro-bind", self.tree(actor) + ":/w" + words], actor,
                       ATTEMPTS, "/w")
        try:
            pid = payload_of(p.pid)
            self.assertEqual(make_writable(pid, "/w"), 0)
        except BaseException:
            p.kill()
            p.communicate()
            raise
        return self.finish(p)

    def test_in_a_read_only_bind_by_landlock_alone(self):
        if os.geteuid() != 0:
            self.skipTest("to enter the sandbox takes root")

        def check(actor):
            self.assertEqual(self.in_a_read_only_bind(":noexec", [], actor), self.expected(READ))
            self.assertEqual(self.in_a_read_only_bind("", [], actor),
                             self.expected(READ | {"EXECUTE"}))
            # Without Landlock, and with the mount made writable, nothing is in the way.
            self.assertEqual(self.in_a_read_only_bind(":noexec", ["--without", "landlock"], actor),
                             self.expected(set(), landlock=False))
        self.each(check)

    def test_as_it_is_the_mount_answers_first(self):
        def check(actor):
            p = self.start(self.ALONE + ["--ro-bind", self.tree(actor) + ":/w"], actor, ATTEMPTS,
                           "/w")
            answers = self.finish(p)
            for right in WRITE - {"MAKE_SOCK"}:
                self.assertEqual(answers[right], "EROFS", right)
            self.assertEqual({answers[r] for r in READ | {"EXECUTE"}}, {"done"})
        self.each(check)

    def test_a_pipe_in_a_read_only_bind(self):
        """To open one for writing is no write to the mount; Landlock refuses it all the same."""
        script = ("import errno, os\ntry:\n    os.open('/w/pipe', os.O_RDWR | os.O_NONBLOCK)\n"
                  "    print('done')\nexcept OSError as e:\n    print(errno.errorcode[e.errno])\n")

        def check(actor):
            d = self.tree(actor)
            os.mkfifo(d + "/pipe")
            os.chmod(d + "/pipe", 0o666)
            for options, wanted in ((["--ro-bind", d + ":/w"], "EACCES"),
                                    (["--bind", d + ":/w"], "done"),
                                    (["--ro-bind", d + ":/w", "--without", "landlock",
                                      "--without", "unix_sockets"], "done")):
                r = self.run_script(options, script, actor)
                self.assertEqual(r.out, wanted + "\n", "%s: %r" % (options, r))
        self.each(check)

    # -- the plan, right by right

    def bits(self, names):
        return sum(1 << RIGHTS.index(n) for n in names if n in self.handled)

    def rules(self, options, command, actor):
        out = self.ok(lib.sandbox(options + ["--dry-run"], command, actor)).out
        detail = [layer for layer in json.loads(out)["layers"]
                  if layer["name"] == "landlock"][0]["detail"]
        return detail["handled_fs"], {r["path"]: r["access"] for r in detail["rules"]}

    def test_the_rules_hold_no_more(self):
        def check(actor):
            d = lib.room(actor)
            file = lib.write(d + "/f", "", 0o644, actor)
            other = lib.write(lib.room(actor) + "/f", "", 0o644, actor)
            options = ["--bind", d + ":/rw", "--bind", d + ":/rx:exec", "--bind", file + ":/fw",
                       "--ro-bind", os.path.dirname(other) + ":/ro", "--ro-bind", other + ":/fr",
                       "--ro-bind", os.path.dirname(other) + ":/rn:noexec",
                       "--tmpfs", "/tx:exec", "--tmpfs", "/tr:ro"]
            handled, rules = self.rules(options, [lib.TRUE], actor)
            # Reading is granted at "/" as well.
            write = self.bits(READ | WRITE)
            execute = self.bits({"EXECUTE"})
            wanted = {"/": self.bits(READ), "/usr": self.bits(READ | {"EXECUTE"}), "/app": execute,
                      "/dev": self.bits({"WRITE_FILE", "TRUNCATE"}),
                      "/proc": self.bits({"WRITE_FILE", "TRUNCATE"}),
                      "/tmp": write, "/dev/shm": write, "/tx": write | execute,
                      "/rw": write, "/rx": write | execute, "/ro": execute, "/fr": execute,
                      "/fw": self.bits((READ | WRITE) & OF_FILES)}
            # Nothing is written there, and nothing executed.
            self.assertEqual({"/rn", "/tr"} & set(rules), set())
            for path, access in wanted.items():
                self.assertEqual(rules[path], access, path)
            self.assertEqual(handled, self.bits(RIGHTS))
            self.assertNotIn("/app", self.rules([], ["--", "true"], actor)[1])
            for path in set(rules) - set(wanted):
                self.assertIn(path, {"/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"})
                self.assertEqual(rules[path], self.bits(READ | {"EXECUTE"}))
        self.each(check)

    # -- TCP, abstract sockets, signals

    TCP = """
import errno, json, socket
def name(call):
    try:
        call()
        return "done"
    except OSError as e:
        return errno.errorcode[e.errno]
s, c = socket.socket(), socket.socket()
print(json.dumps([name(lambda: s.bind(("127.0.0.1", 0))),
                  name(lambda: c.connect(("127.0.0.1", 9)))]))
"""

    def test_tcp(self):
        def answers(options, actor):
            return json.loads(self.ok(self.run_script(options, self.TCP, actor)).out)

        def check(actor):
            without = answers(["--without", "landlock"], actor)
            self.assertEqual(without[0], "done")
            self.assertIn(without[1], ("ENETUNREACH", "ECONNREFUSED"))
            wanted = ["EACCES", "EACCES"] if self.abi >= 4 else without
            self.assertEqual(answers([], actor), wanted)
            self.assertEqual(answers(["--network", "loopback"], actor), ["done", "ECONNREFUSED"])
        self.each(check)

    ABSTRACT = ("import errno, socket, sys\ns = socket.socket(socket.AF_UNIX)\ntry:\n"
                "    s.connect('\\0' + sys.argv[1])\n    print('done')\n"
                "except OSError as e:\n    print(errno.errorcode[e.errno])\n")

    def test_an_abstract_socket_outside(self):
        def check(actor):
            name = "runner-rights-%d" % os.getpid()
            with socket.socket(socket.AF_UNIX) as s:
                s.bind("\0" + name)
                s.listen(8)
                options = ["--network", "host"]
                r = self.run_script(options, self.ABSTRACT, actor, name)
                self.assertEqual(r.out, "EPERM\n" if self.abi >= 6 else "done\n", repr(r))
                r = self.run_script(options + ["--without", "landlock"], self.ABSTRACT, actor, name)
                self.assertEqual(r.out, "done\n", repr(r))
        self.each(check)

    SIGNAL = """
import errno, json, os, signal, sys
print("up", flush=True)
pid = int(sys.stdin.readline())
try:
    os.kill(pid, signal.SIGTERM)
    print('"done"')
except OSError as e:
    print(json.dumps(errno.errorcode[e.errno]))
"""

    def signal(self, options, actor):
        """To a process that the payload can see and whose ids are its own, but not of ours."""
        p = self.start(options, actor, self.SIGNAL)
        pid = payload_of(p.pid)
        with open("/proc/%d/status" % pid, encoding="utf-8") as f:
            ids = {line.split(":")[0]: line.split()[1] for line in f if line[1:3] == "id"}
        target = subprocess.Popen(
            ["nsenter", "--pid=/proc/%d/ns/pid" % pid, "setpriv", "--reuid", ids["Uid"], "--regid",
             ids["Gid"], "--clear-groups", "sh", "-c", "echo up; exec sleep 1000"],
            stdout=subprocess.PIPE, text=True)
        self.assertEqual(target.stdout.readline(), "up\n")
        inside = None
        for n in descendants(target.pid):
            with open("/proc/%d/status" % n, encoding="utf-8") as f:
                inside = [line.split()[-1] for line in f if line.startswith("NSpid:")][0]
            sleeper = n
        answer = self.finish(p, inside + "\n")
        # With the payload its pid namespace ends, and the target in it: no need to look.
        target.wait()
        self.assertFalse(lib.alive(sleeper))
        target.stdout.close()
        return answer

    def test_a_signal_out_of_the_domain(self):
        if os.geteuid() != 0 or not shutil.which("nsenter"):
            self.skipTest("to enter the sandbox takes root, and nsenter")

        def check(actor):
            self.assertEqual(self.signal([], actor), "EPERM" if self.abi >= 6 else "done")
            self.assertEqual(self.signal(["--without", "landlock"], actor), "done")
        self.each(check)


if __name__ == "__main__":
    lib.main()
