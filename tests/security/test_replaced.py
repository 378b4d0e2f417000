# SPDX-License-Identifier: Apache-2.0
"""The published suites of the four systems that runner replaces, as groups of their own.

Theirs often could not fail: a write refused by file modes, a fork bomb that was a
syntax error, memory that nobody touched. Here each names the errno and has a twin
that shows the same act succeeding. The fourth, shell denial, is test_shell_denial.py.
"""
import errno
import json
import os
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import lib
from test_attacks import in_lab, number

PYTHON = "/usr/bin/python3"


class Group(lib.Scripts):
    profile = "default"

    def inside(self, command, actor, options=(), **kwargs):
        return lib.sandbox(["--profile", self.profile] + list(options), command, actor, **kwargs)

    def shell(self, text, actor, options=(), **kwargs):
        return self.inside(["--", "sh", "-c", text], actor, options, **kwargs)

    def python(self, text, actor, options=(), *args):
        return self.run_script(["--profile", self.profile] + list(options), text, actor, *args)


class Container(Group):
    """Container security: file system, user, limits, capabilities, run time."""

    profile = "agent"

    # -- file system
    def test_the_system_cannot_be_written(self):
        for path in ("/etc/probe", "/usr/probe"):
            tmpfs = "mount -t tmpfs none " + os.path.dirname(path)
            self.assertEqual(number(in_lab(tmpfs, ["create", path])), 0)
            for actor in lib.ACTORS:
                r = self.inside([lib.PROBE, "create", path], actor)
                self.assertEqual(number(r), errno.EROFS, "%s: %r" % (path, r))

    def test_var_is_not_there(self):
        self.assertEqual(number(lib.run([lib.PROBE, "open_read", "/var"], "user")), 0)
        for actor in lib.ACTORS:
            self.assertEqual(number(self.inside([lib.PROBE, "open_read", "/var"], actor)),
                             errno.ENOENT)

    def test_tmp_is_for_data_and_not_for_programs(self):
        script = ("echo data >/tmp/a && cat /tmp/a; printf '#!/bin/sh\\necho ran\\n' >/tmp/s; "
                  "chmod +x /tmp/s; /tmp/s; echo $?; sh /tmp/s")
        for actor in lib.ACTORS:
            # An interpreter may read it: that is data, and named as such.
            r = self.shell(script, actor)
            self.assertEqual(r.out, "data\n126\nran\n", repr(r))
            self.assertIn("Permission denied", r.err)
            r = self.shell(script, actor, ["--tmpfs", "/tmp:64m:exec"])
            self.assertEqual(r.out, "data\nran\n0\nran\n", repr(r))

    def test_home_is_writable(self):
        for actor in lib.ACTORS:
            r = self.ok(self.shell("echo x >$HOME/f && cat $HOME/f && cd && pwd", actor))
            self.assertEqual(r.out, "x\n/workspace\n")

    # -- user
    def test_the_user(self):
        for actor in lib.ACTORS:
            self.assertEqual(self.ok(self.shell("id -u; id -g; id -G", actor)).out.split()[:2],
                             ["1000", "100"])
            self.assertEqual(number(self.inside([lib.PROBE, "setuid0"], actor)), errno.EINVAL)
        self.assertEqual(number(in_lab("", ["setuid0"])), 0)

    def test_no_program_makes_root(self):
        for actor in lib.ACTORS:
            for name in ("sudo", "su", "pkexec"):
                r = self.shell("command -v %s >/dev/null && %s -n true" % (name, name), actor)
                self.assertNotEqual(r.status, 0, repr(r))
            r = self.shell("grep NoNewPrivs /proc/self/status", actor)
            self.assertEqual(r.out.split(), ["NoNewPrivs:", "1"])
        r = lib.run(["grep", "NoNewPrivs", "/proc/self/status"], "user")
        self.assertEqual(r.out.split(), ["NoNewPrivs:", "0"])

    PORTS = """
import errno, socket
for port in 80, 8080:
    s = socket.socket()
    try:
        s.bind(("127.0.0.1", port))
        print(port, "bound")
    except OSError as e:
        print(port, errno.errorcode[e.errno])
"""

    def test_ports(self):
        for actor in lib.ACTORS:
            r = self.python(self.PORTS, actor)
            self.assertEqual(r.out, "80 EACCES\n8080 bound\n", repr(r))
        r = lib.run(["unshare", "--user", "--map-root-user", "--net", "sh", "-c",
                     "ip link set lo up; exec %s %s" % (PYTHON, self.script(self.PORTS))], "root")
        self.assertEqual(r.out, "80 bound\n8080 bound\n", repr(r))

    # -- limits
    SLEEPERS = """
import errno, os, time
n = 0
try:
    while n < 150:
        if os.fork() == 0:
            time.sleep(60)
        n += 1
    print(n)
except OSError as e:
    print(n, errno.errorcode[e.errno])
"""

    def test_150_sleepers_of_100(self):
        for actor in lib.ACTORS:
            r = self.python(self.SLEEPERS, actor)
            n, why = r.out.split()
            self.assertEqual(why, "EAGAIN", repr(r))
            self.assertLess(int(n), 100)
            self.assertGreater(int(n), 90)
            self.assertEqual((r.report["pids"]["limit"], r.report["survivors"]), (100, 0))
            r = self.python(self.SLEEPERS, actor, ["--pids", "300"])
            self.assertEqual(r.out, "150\n", repr(r))

    def test_memory(self):
        """Theirs was 3 GiB of 2; the limit is the profile's, the amount is not."""
        hog = ("import mmap, time\nm = mmap.mmap(-1, 100 << 20)\n"
               "m[::4096] = b'x' * (len(m) // 4096)\ntime.sleep(%d)\nprint('survived')\n")
        for actor in lib.ACTORS:
            r = self.python(hog % 0, actor)
            self.assertEqual((r.out, r.report["memory"]["limit_bytes"]), ("survived\n", 2 << 30))
            # Without a cgroup somebody looks from time to time: it holds what it has.
            r = self.python(hog % 20, actor, ["--memory", "60m"])
            self.assertEqual((r.out, r.report["reason"]), ("", "memory"), repr(r))

    def test_cpus(self):
        for actor in lib.ACTORS:
            limit = self.shell("true", actor).report["cpu_limit"]
            self.assertEqual(limit["cpus"], 2, limit)

    # -- capabilities
    def test_no_capabilities(self):
        for actor in lib.ACTORS:
            r = self.shell("grep ^Cap /proc/self/status", actor)
            self.assertEqual(set(r.out.split()[1::2]), {"0" * 16}, repr(r))
        r = lib.run(["grep", "^CapBnd", "/proc/self/status"])
        self.assertNotEqual(r.out.split()[1], "0" * 16)

    LINK = """
import errno, fcntl, socket, struct
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
try:
    fcntl.ioctl(s, 0x8914, struct.pack("16sh14x", b"lo", 0))  # SIOCSIFFLAGS: down
    print("down")
except OSError as e:
    print(errno.errorcode[e.errno])
"""

    def test_the_network_is_not_its_to_change(self):
        for actor in lib.ACTORS:
            self.assertEqual(self.python(self.LINK, actor).out, "EPERM\n")
        r = lib.run(["unshare", "--user", "--map-root-user", "--net", PYTHON,
                     self.script(self.LINK)], "root")
        self.assertEqual(r.out, "down\n", repr(r))

    # -- run time
    def test_tools(self):
        asked = 0
        for tool in (["python3", "-c", "print(1)"], ["node", "-e", "console.log(1)"],
                     ["git", "--version"]):
            if not os.path.exists("/usr/bin/" + tool[0]):
                continue
            asked += 1
            for actor in lib.ACTORS:
                r = self.ok(self.inside(["--"] + tool, actor))
                self.assertEqual(r.report["reason"], "exited")
        self.assertGreater(asked, 0)

    def test_no_secrets_in_the_environment(self):
        env = dict(os.environ, OPENAI_API_KEY="leak", DB_PASSWORD="leak", AWS_SECRET="leak")
        for actor in lib.ACTORS:
            r = self.ok(self.shell("env", actor, env=env))
            self.assertNotIn("leak", r.out)
            r = self.shell("env", actor, ["--without", "environment"], env=env)
            self.assertEqual(r.out.count("leak"), 3, repr(r))


class Adversarial(Group):
    """Five fixtures that attack: of theirs, three of five never did."""

    def test_fork_bomb(self):
        """A shell function with a name that every shell accepts."""
        word = "bomb-%d" % os.getpid()
        bomb = "b() { b | b & }; b; sleep 60 # " + word
        for actor in lib.ACTORS:
            r = self.shell(bomb, actor, ["--timeout", "1s"])
            self.assertIn(r.report["reason"], ("wall_time", "exited"), repr(r))
            # It did fork, until it could not.
            self.assertIn("fork", r.err)
            self.assertEqual(r.report["survivors"], 0)
            self.assertTrue(lib.wait_until(lambda: lib.processes(word) == 0, 30))
            r = self.inside([lib.PROBE, "count_forks"], actor)
            self.assertLess(int(r.out), 64)
        # Outside, where nothing counts them: all that the probe asks for.
        self.assertEqual(number(in_lab("", ["count_forks"])), 400)

    def test_infinite_loop(self):
        loop = "while True:\n    print('.' * 60)\n"
        for actor in lib.ACTORS:
            r = self.python(loop, actor, ["--timeout", "1s", "--output-limit", "1m"])
            self.assertEqual((r.report["reason"], r.status), ("wall_time", 124), repr(r)[-300:])
            self.assertLess(r.report["wall_ms"], 20000)
            self.assertEqual(len(r.out), 1 << 20)
        with self.assertRaises(subprocess.TimeoutExpired):
            subprocess.run([PYTHON, self.script(loop)], stdout=subprocess.DEVNULL, timeout=1.5)

    def test_network_touch(self):
        import socket
        server = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(server.close)
        touch = ("import errno, socket, sys\ntry:\n"
                 "    socket.create_connection(('127.0.0.1', int(sys.argv[1])))\n"
                 "    print('touched')\nexcept OSError as e:\n"
                 "    print(errno.errorcode[e.errno])\n")
        port = str(server.getsockname()[1])
        for actor in lib.ACTORS:
            r = self.python(touch, actor, [], port)
            self.assertIn(r.out, ("EACCES\n", "ENETUNREACH\n"), repr(r))
        r = lib.run([PYTHON, self.script(touch), port], "user")
        self.assertEqual(r.out, "touched\n", repr(r))

    def test_cap_chown(self):
        """To another owner: to the same one needs no capability."""
        chown = ("import errno, os, sys\nopen(sys.argv[1], 'w')\ntry:\n"
                 "    os.chown(sys.argv[1], 12345, 12345)\n    print('given away')\n"
                 "except OSError as e:\n    print(errno.errorcode[e.errno])\n")
        for actor in lib.ACTORS:
            # An id that is not mapped here is no id at all.
            self.assertEqual(self.python(chown, actor, [], "/tmp/f").out, "EINVAL\n")
        if os.geteuid() == 0:
            r = self.python(chown, "root", ["--without", "user_ns"], "/tmp/f")
            self.assertEqual(r.out, "EPERM\n", repr(r))
            r = lib.run([PYTHON, self.script(chown), os.path.join(lib.room(), "f")])
            self.assertEqual(r.out, "given away\n", repr(r))

    def test_setuid(self):
        """A program of its own that says who it is; a shell would give the id back."""
        if os.geteuid() != 0:
            self.skipTest("only root can make one")
        path = os.path.join(lib.room(), "suid")
        shutil.copy(lib.PROBE, path)
        os.chmod(path, 0o4755)
        self.assertEqual(number(lib.run([lib.PROBE, "setuid_program", path], "user")), 0)
        for actor in lib.ACTORS:
            r = self.inside([lib.PROBE, "setuid_program", "/x/suid"], actor,
                            ["--ro-bind", os.path.dirname(path) + ":/x"])
            self.assertEqual(number(r), errno.EPERM, repr(r))


class FiveLayers(Group):
    """A trading strategy: network, files, processes, memory, and all at once."""

    profile = "strategy"
    SCRIPT = """
import errno, json, mmap, os, socket, sys
def attempt(act):
    try:
        act()
        return "worked"
    except OSError as e:
        return errno.errorcode[e.errno]
def connect():
    socket.socket().connect(("192.0.2.1", 80))
def fork():
    if os.fork() == 0:
        os._exit(0)
def code():
    with open("/tmp/code", "w+b") as f:
        f.write(b"x" * 4096)
        f.flush()
        mmap.mmap(f.fileno(), 4096, prot=mmap.PROT_READ | mmap.PROT_EXEC)
acts = {
    "network": connect,
    "root": lambda: open("/probe", "w"),
    "tmp": lambda: open("/tmp/probe", "w"),
    "code": code,
    "fork": fork,
    "exec": lambda: os.execv("/usr/bin/echo", ["echo", "another program"]),
}
print(json.dumps({name: attempt(acts[name]) for name in sys.argv[2:]}), flush=True)
m = mmap.mmap(-1, int(sys.argv[1]) << 20)
m[::4096] = b"x" * (len(m) // 4096)
print("survived")
"""

    def test_all_at_once(self):
        for actor in lib.ACTORS:
            limit = self.python("", actor).report["memory"]["limit_bytes"]
            self.assertEqual(limit, 512 << 20)
            r = self.python(self.SCRIPT, actor, ["--memory", "128m"], "400", "network", "root",
                            "tmp", "code", "fork", "exec")
            got = json.loads(r.out)
            # Landlock answers before the route is looked for, where it knows TCP.
            self.assertIn(got.pop("network"), ("EACCES", "ENETUNREACH"))
            self.assertEqual(got, {"root": "EROFS", "tmp": "worked", "code": "EPERM",
                                   "fork": "EPERM", "exec": "EPERM"})
            self.assertEqual(r.report["reason"], "memory", repr(r))
            self.assertEqual({d["operation"] for d in r.report["denials"]}, {"clone", "execve"})

    def test_each_works_where_it_may(self):
        for actor in lib.ACTORS:
            options = ["--without", "noexec", "--tmpfs", "/tmp:64m:exec"]
            r = self.run_script(options, self.SCRIPT, actor, "400", "code", "fork")
            self.assertEqual(r.out, '{"code": "worked", "fork": "worked"}\nsurvived\n', repr(r))
            r = self.run_script([], self.SCRIPT, actor, "1", "exec")
            self.assertEqual(r.out, "another program\n", repr(r))


if __name__ == "__main__":
    lib.main()
