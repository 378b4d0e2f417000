# SPDX-License-Identifier: Apache-2.0
"""What others do with their memory ends no run, however much it is."""
import os
import resource
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import lib

ALONE = ["--without", "cgroup"]

# Sockets, each full: some 300 MiB of the kernel's.
SOCKETS = """
import socket, sys, time
held = []
for i in range(700):
    a, b = socket.socketpair()
    for s in a, b:
        s.setblocking(False)
        try:
            while True:
                s.send(b"x" * 65536)
        except BlockingIOError:
            pass
    held += [a, b]
print("filled", flush=True)
if len(sys.argv) > 1:
    time.sleep(float(sys.argv[1]))
sys.stdin.read()
"""

# In the kernel all the while, by children whose time is nobody's; it holds nothing.
BUSY = """
import os, signal, sys, time
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
print("ready", flush=True)
end = time.monotonic() + float(sys.argv[1])
while time.monotonic() < end:
    try:
        if os.fork() == 0:
            os._exit(0)
    except BlockingIOError:
        pass  # on a busy machine they are slow to go
    for i in range(1000):
        os.getppid()
"""


class Neighbours(lib.Scripts):
    def test_what_a_neighbour_fills_is_not_the_runs(self):
        """Who has nothing to hold it with is not ended for it; who fills the same is."""
        def check(actor):
            options = ALONE + ["--timeout", "100s", "--memory", "128m"]
            files = ["--open-files", "4096"]
            # The control: it is enough to be ended for.
            r = self.run_script(options + files, SOCKETS, actor, str(16 * lib.PATIENCE))
            self.assertEqual(r.report["reason"], "memory", repr(r))
            seconds = 3 * lib.PATIENCE
            busy = subprocess.Popen(
                lib.as_actor(actor, [lib.RUNNER, "exec"] + options + [self.script(BUSY), str(seconds)]),
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            self.assertEqual(busy.stdout.readline(), "ready\n")
            other = subprocess.Popen([sys.executable, "-c", SOCKETS], stdin=subprocess.PIPE,
                                     stdout=subprocess.PIPE, text=True,
                                     preexec_fn=lambda: resource.setrlimit(
                                         resource.RLIMIT_NOFILE, (4096, 4096)))
            try:
                self.assertEqual(other.stdout.readline(), "filled\n")
                _, err = busy.communicate(timeout=100)
                self.assertEqual(busy.returncode, 0, err)
            finally:
                other.communicate("")
        self.each(check)


# A run as many are: some processes that come and go, some sockets, pipes, files, locks and
# shared memory, most of it in use, all of it together little.
INNOCENT = """
import fcntl, mmap, os, select, signal, socket, sys, time
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
listener = socket.create_server(("127.0.0.1", 0))
held = [(socket.create_connection(listener.getsockname()), listener.accept()[0]) for i in range(15)]
held += [socket.socketpair() for i in range(10)]
for a, b in held:
    a.send(b"x" * 5000)
pipes = [os.pipe() for i in range(30)]
for r, w in pipes:
    os.write(w, b"x" * 1000)
files = [open("/tmp/%d" % i, "w") for i in range(60)]
for f in files:
    f.write("x" * 1000)
    fcntl.lockf(f, fcntl.LOCK_EX)
watch = select.epoll()
for a, b in held:
    watch.register(b.fileno(), select.EPOLLIN)
shared = [mmap.mmap(-1, 4 << 20) for i in range(4)]
for i in range(4):
    if os.fork() == 0:
        time.sleep(600)
print("ready", flush=True)
rounds = 0
while not select.select([0], [], [], 0)[0]:
    m = shared[rounds % 4]
    rounds += 1
    m[::4096] = b"1" * (len(m) // 4096)
    if rounds % 3 == 0:
        m.madvise(mmap.MADV_DONTNEED)
    try:
        if os.fork() == 0:
            for k in range(1000):
                os.getppid()
            os._exit(0)
    except BlockingIOError:
        pass  # on a busy machine they are slow to go
    b = bytearray(2 << 20)
    b[::4096] = b"1" * 512
    for a, b in held:
        b.recv(65536)
        a.send(b"x" * 5000)
print("held", flush=True)
"""


def much():
    """1.5 GiB, or what such a machine has."""
    with open("/proc/meminfo", encoding="ascii") as f:
        available = [int(line.split()[1]) for line in f if line.startswith("MemAvailable")][0]
    return min(1536, available // 4 >> 10)


class Hostile(lib.Scripts):
    """Beside a neighbour that fills and frees far more than the limits, in every way."""
    LIMITS = "128m", "512m"
    ROUNDS = 1

    def start(self, actor, limit):
        command = [lib.RUNNER, "exec"] + ALONE + [
            "--network", "loopback", "--memory", limit, "--timeout", "%ds" % (150 * lib.PATIENCE),
            "--tmpfs", "/tmp:16m", self.script(INNOCENT)]
        return subprocess.Popen(lib.as_actor(actor, command), stdin=subprocess.PIPE,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def beside(self, runs, directories):
        other = subprocess.Popen(
            [sys.executable, os.path.join(lib.HERE, "security/neighbour.py"), str(much()),
             str(100 * lib.PATIENCE)] + directories,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        try:
            for run in runs:
                self.assertEqual(run.stdout.readline(), "ready\n")
            self.assertEqual(other.stdout.readline(), "begins\n")
            # What was filled before all were ready is not meant.
            for i in range(1 + self.ROUNDS):
                self.assertEqual(other.stdout.readline(), "filled\n")
            return [run.communicate("", timeout=50 * lib.PATIENCE) + (run.returncode,) for run in runs]
        finally:
            for run in runs:
                run.kill()
            other.communicate("")

    def test_innocent_runs(self):
        kinds = [(actor, limit) for actor in lib.ACTORS for limit in self.LIMITS]
        with tempfile.TemporaryDirectory(dir="/dev/shm") as shm, \
                tempfile.TemporaryDirectory() as tmp:
            ends = self.beside([self.start(*kind) for kind in kinds], [shm, tmp])
        for kind, (out, err, status) in zip(kinds, ends):
            with self.subTest(kind=kind):
                self.assertEqual((status, out), (0, "held\n"), err)


if __name__ == "__main__":
    lib.main()
