# SPDX-License-Identifier: Apache-2.0
"""Attackers beside the sandbox: a racer, a neighbour, the program's own file, a flood."""
import errno
import hashlib
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import lib

PYTHON = "/usr/bin/python3"

# Exchanges the directory with a link to the outside, for ever (renameat2, RENAME_EXCHANGE).
RACER = """
import ctypes, os, sys
libc = ctypes.CDLL(None)
a, b = (os.path.join(sys.argv[1], n).encode() for n in ("shown", "link"))
print("ready", flush=True)
while True:
    libc.renameat2(-100, a, -100, b, 2)
"""

# What runner must not do: look at a path, and then use it.
NAIVE = """
import os, sys, time
path, seen, end = os.path.join(sys.argv[1], "shown"), 0, time.monotonic() + 60
while not seen and time.monotonic() < end:
    if not os.path.islink(path):
        try:
            seen += "secret" in os.listdir(path)
        except OSError:
            pass
print(seen)
"""


class Racer(lib.PerActor):
    RUNS = 60

    def test_a_path_exchanged_while_it_is_mounted(self):
        def check(actor):
            outside = lib.room(actor)
            lib.write(os.path.join(outside, "secret"), "s", 0o644, actor)
            workspace = lib.room(actor)
            shown = os.path.join(workspace, "shown")
            os.mkdir(shown)
            lib.give(shown, actor)
            lib.write(os.path.join(shown, "mine"), "m", 0o644, actor)
            os.symlink(outside, os.path.join(workspace, "link"))
            racer = subprocess.Popen(lib.as_actor(actor, [PYTHON, "-c", RACER, workspace]),
                                     stdout=subprocess.PIPE, text=True)
            self.addCleanup(racer.stdout.close)
            self.addCleanup(racer.kill)
            self.assertEqual(racer.stdout.readline(), "ready\n")
            shown_right = refused = 0
            for n in range(20 * self.RUNS):
                if n >= self.RUNS and shown_right and refused:
                    break
                r = lib.sandbox(["--bind", shown + ":/w"],
                                ["--", "sh", "-c", "ls /w; echo x >/w/new"], actor, report=False)
                self.assertNotIn("secret", r.out)
                if r.status == 0:
                    self.assertIn("mine", r.out, repr(r))
                    shown_right += 1
                else:
                    # By the plan, which saw the link; or by the child, who saw another inode.
                    self.assertEqual(r.status, 125, repr(r))
                    self.assertRegex(r.err, "symbolic link|became a link|was replaced")
                    refused += 1
            naive = lib.run([PYTHON, "-c", NAIVE, workspace], actor)
            racer.kill()
            racer.wait()
            self.assertEqual(os.listdir(outside), ["secret"])
            # The race was one: both were met, and who looks first and uses then loses it.
            self.assertGreater(shown_right, 0)
            self.assertGreater(refused, 0)
            self.assertGreater(int(naive.out), 0)
        self.each(check)


# What one run leaves where another might look; it ends when its stdin does.
LEAVE = """
import ctypes, os, socket, sys
open("/tmp/left", "w").write("x")
open("/dev/shm/left", "w").write("x")
s = socket.socket(socket.AF_UNIX)
s.bind("\\0runner-left")
s.listen()
libc = ctypes.CDLL(None)
libc.shmget(0x52554e31, 4096, 0o1666)
libc.msgget(0x52554e31, 0o1666)
print("ready", flush=True)
if len(sys.argv) > 1:
    os.execv(sys.executable, ["python3", "-c", sys.argv[1]])
sys.stdin.read()
"""

LOOK = """
import ctypes, os, socket
def connects():
    s = socket.socket(socket.AF_UNIX)
    try:
        s.connect("\\0runner-left")
        return True
    except OSError:
        return False
libc = ctypes.CDLL(None)
print(os.path.exists("/tmp/left"), os.path.exists("/dev/shm/left"), connects(),
      libc.shmget(0x52554e31, 4096, 0) >= 0, libc.msgget(0x52554e31, 0) >= 0)
"""


class Neighbours(lib.Scripts):
    def test_two_runs_share_nothing(self):
        def check(actor):
            one = subprocess.Popen(
                lib.as_actor(actor, [lib.RUNNER, "exec"] + lib.COUNTED + [self.script(LEAVE)]),
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            self.assertEqual(one.stdout.readline(), "ready\n")
            r = self.run_script(lib.COUNTED, LOOK, actor)
            self.assertEqual(r.out, "False False False False False\n", repr(r))
            one.communicate("")
            self.assertEqual(one.returncode, 0)
            # In the same run all but the listening socket, which the exec closed, is there.
            r = self.run_script(lib.COUNTED, LEAVE, actor, LOOK)
            self.assertEqual(r.out, "ready\nTrue True False True True\n", repr(r))
        self.each(check)


class OwnFile(lib.Scripts):
    """The file of runner itself, which a payload of its owner's could try to replace."""

    OPEN = """
import errno, os
for path in "/proc/self/exe", "/proc/1/exe":
    for flags in os.O_WRONLY, os.O_RDWR:
        try:
            os.open(path, flags)
            print(path, "opened")
        except OSError as e:
            print(path, errno.errorcode[e.errno])
"""

    def digest(self):
        with open(lib.RUNNER, "rb") as f:
            return hashlib.sha256(f.read()).hexdigest()

    def test_it_cannot_be_written(self):
        before = self.digest()

        def check(actor):
            r = self.run_script([], self.OPEN, actor)
            self.assertEqual(r.out, "/proc/self/exe EACCES\n" * 2 + "/proc/1/exe EACCES\n" * 2,
                             repr(r))
        self.each(check)
        self.assertEqual(self.digest(), before)
        if os.geteuid() == 0:
            # Outside the way is open; only that the program runs is in it.
            r = lib.run([PYTHON, self.script(self.OPEN)])
            self.assertTrue(r.out.startswith("/proc/self/exe ETXTBSY\n"), repr(r))

    def test_it_is_nobodys_interpreter(self):
        """A script that names /proc/self/exe: for a moment that is runner."""
        def check(actor):
            path = lib.write(os.path.join(lib.room(actor, 0o755), "s"),
                             "#!/proc/self/exe --version\n", 0o755, actor)
            r = lib.sandbox([], [path], actor)
            self.assertEqual(r.status, 126, repr(r))
            self.assertIn("Permission denied", r.err)
            self.assertEqual(r.out, "")
            r = lib.sandbox(["--without", "landlock"], [path], actor)
            self.assertNotIn("Permission denied", r.err, repr(r))
        self.each(check)


class Floods(lib.Scripts):
    def test_denied_calls(self):
        """As fast as they come: the report stays small, the run ends in time."""
        def check(actor):
            r = self.run_script(["--timeout", "1s"], """
import ctypes
call = ctypes.CDLL(None).ptrace
while True:
    call(0, 0, 0, 0)
""", actor)
            self.assertEqual(r.report["reason"], "wall_time", repr(r))
            self.assertLess(r.report["wall_ms"], 20000)
            self.assertEqual([d["operation"] for d in r.report["denials"]], ["ptrace"])
            self.assertGreater(r.report["denials"][0]["count"], 500)
        self.each(check)

    FILES = """
import errno, os
def attempt(act):
    try:
        return act()
    except OSError as e:
        return errno.errorcode[e.errno]
def sparse():
    os.truncate(os.open("/tmp/sparse", os.O_RDWR | os.O_CREAT), (1 << 63) - 1)
    return "made"
def deep():
    os.chdir("/tmp")
    for n in range(100000):
        os.mkdir("d")
        os.chdir("d")
    return "made"
def links():
    os.chdir("/tmp")
    os.symlink("l", "l")
    return open("l")
print(attempt(sparse), attempt(links), attempt(deep))
"""

    def test_odd_files(self):
        """8 EiB without a block, a link to itself, directories without end."""
        profile = lib.write(os.path.join(lib.ROOM, "deep.json"), """{"extends": "default",
            "mounts": [{"type": "tmpfs", "destination": "/tmp", "size": "4m", "inodes": 1000}]}""")

        def check(actor):
            options = ["--profile", profile]
            r = self.run_script(options, self.FILES, actor)
            self.assertEqual(r.out, "made ELOOP ENOSPC\n", repr(r))
            self.assertEqual(r.report["survivors"], 0)
            # RLIMIT_FSIZE: SIGXFSZ, which Python ignores.
            r = self.run_script(options + ["--file-size", "1m"], self.FILES, actor)
            self.assertEqual(r.out, "EFBIG ELOOP ENOSPC\n", repr(r))
        self.each(check)


if __name__ == "__main__":
    lib.main()
