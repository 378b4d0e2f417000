# SPDX-License-Identifier: Apache-2.0
"""Memory held in every way but the plain one: limit memory holds it all the same.

Each case holds far more than the limit and then waits; its control holds the same below
a limit that allows it. With a cgroup the kernel counts (memory.events proves it);
without one the watchdog does, or there is no such way.
"""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import lib
from held import BEGIN, MIB, WAIT, modes

LIMIT, HELD, ROOM = 48, 160, 1024

WAYS = {
    "a thread whose leader has ended": """
def work():
    while open("/proc/self/stat").read().rsplit(")", 1)[1].split()[0] != "Z":
        time.sleep(0.001)
    m = touched()
    held()
threading.Thread(target=work).start()
libc.syscall({exit}, 0)
""",
    "page tables": """
n = SIZE // 4096
m = mmap.mmap(-1, n << 21, prot=mmap.PROT_READ,
              flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x4000)  # MAP_NORESERVE
x = m[::1 << 21]
held()
""",
    "files of memory and memory": """
m = touched(SIZE // 5)  # within the limit, as what comes now is alone
with open("/tmp/f", "wb") as f:
    for i in range(SIZE // 5 >> 20):
        f.write(b"x" * (1 << 20))
held()
""",
    "a file that has no name any more": """
f = os.open("/dev/shm/f", os.O_RDWR | os.O_CREAT)
os.unlink("/dev/shm/f")
for i in range(SIZE >> 20):
    os.write(f, b"x" * (1 << 20))
held()
""",
    "a mapped file of memory": """
f = os.open("/dev/shm/f", os.O_RDWR | os.O_CREAT)
os.ftruncate(f, SIZE)
m = mmap.mmap(f, SIZE)
os.close(f)
m[::4096] = b"1" * (SIZE // 4096)
m.madvise(mmap.MADV_DONTNEED)
held()
""",
    "shared memory that is looked away from": """
for again in range(1 + int(sys.argv[2]) // 2):
    m = mmap.mmap(-1, 2 * SIZE)
    for start in range(0, 2 * SIZE, 4 << 20):  # never much of it at a time
        m[start:start + (4 << 20):4096] = b"1" * 1024
        m.madvise(mmap.MADV_DONTNEED, start, 4 << 20)
    time.sleep(1 if sys.argv[2] != "0" else 0)
held()
""",
    "who is not dumpable": """
libc.prctl(4, 0)
m = touched()
held()
""",
    "children that nobody waits for": """
import signal
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
r, w = os.pipe()
for i in range(4):
    if os.fork() == 0:
        m = touched(SIZE // 4)
        os.write(w, b"x")
        time.sleep(600)
for i in range(4):
    os.read(r, 1)
held()
""",
    "TCP buffers": """
for again in range(1 + int(sys.argv[2]) // 2):
    listener = socket.create_server(("127.0.0.1", 0))
    ends = []
    sent = 0
    while sent < SIZE:
        a = socket.create_connection(listener.getsockname())
        b, _ = listener.accept()
        a.setblocking(False)
        try:
            for k in range(1000):
                sent += a.send(b"x" * 65536)
        except BlockingIOError:
            pass
        ends += [a, b]
    time.sleep(1 if sys.argv[2] != "0" else 0)
held()
""",
    # Unread, and the connection is over: in no table of the kernel's.
    "TCP connections that are over": """
for again in range(1 + int(sys.argv[2]) // 2):
    listener = socket.create_server(("127.0.0.1", 0))
    ends = []
    for i in range(2 * SIZE // (128 << 10)):
        a = socket.create_connection(listener.getsockname())
        b, _ = listener.accept()
        a.send(b"x" * 60000)  # all of it is taken, and of a second one nothing would be
        a.close()
        b.shutdown(socket.SHUT_WR)
        ends.append(b)
    while ends[-1].getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1) != b"\\7":  # TCP_CLOSE
        time.sleep(0.001)
    time.sleep(1 if sys.argv[2] != "0" else 0)
held()
""",
    "sockets": """
for again in range(1 + int(sys.argv[2]) // 2):
    ends = []
    for i in range(SIZE // (100 << 10)):
        a, b = socket.socketpair()
        a.setblocking(False)
        try:
            while a.send(b"x" * 32768):
                pass
        except BlockingIOError:
            pass
        ends += [a, b]
    time.sleep(1 if sys.argv[2] != "0" else 0)
held()
""",
    "sockets whose senders are gone": """
for again in range(1 + int(sys.argv[2]) // 2):
    ends = []
    for i in range(SIZE // (100 << 10)):
        a, b = socket.socketpair()
        a.setblocking(False)
        try:
            while a.send(b"x"):  # of each byte there is much more
                pass
        except BlockingIOError:
            pass
        ends.append(b)
    time.sleep(1 if sys.argv[2] != "0" else 0)
held()
""",
    # As long as a tick the kernel has no time of this: it is asked for what there is.
    "sockets filled between the ticks": """
import gc
gc.disable()
ticks, now = time.clock_gettime_ns, time.monotonic_ns
ends = [socket.socketpair() for i in range(SIZE // (100 << 10))]
at = 0
while at < len(ends):
    tick = ticks(6)  # CLOCK_MONOTONIC_COARSE: it changes at a tick
    while ticks(6) == tick:
        pass
    end = now() + 500000
    while at < len(ends) and now() < end:
        ends[at][0].setblocking(False)
        try:
            while ends[at][0].send(b"x" * 32768):
                pass
        except BlockingIOError:
            pass
        at += 1
held()
""",
    # Seldom again: a way that is seen once in a hundred times is not held.
    "shared memory filled by children that nobody waits for": """
import gc, signal
gc.disable()
def nobody_waits(how):
    if how == "ignored":
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    else:  # SA_NOCLDWAIT: struct sigaction of glibc and musl
        libc.sigaction(17, bytes(136) + (2).to_bytes(8, "little") + bytes(8), None)
for again in range(2 if sys.argv[2] != "0" else 1):
    nobody_waits(("ignored", "flag")[again % 2])
    m = mmap.mmap(-1, 4 * SIZE)
    ones = b"1" * 64
    for start in range(0, 4 * SIZE, 1 << 18):
        if os.fork() == 0:
            m[start:start + (1 << 18):4096] = ones
            os._exit(0)
        try:
            os.wait()
        except ChildProcessError:
            pass
held()
""",
    "shared memory filled between the ticks": """
import gc
gc.disable()
ticks, now = time.clock_gettime_ns, time.monotonic_ns
def fill(m, at, size):
    while at < size:
        tick = ticks(6)  # CLOCK_MONOTONIC_COARSE: it changes at a tick
        while ticks(6) == tick:
            pass
        end = now() + 500000
        start = at
        while at < size and now() < end:
            m[at] = 1
            at += 4096
        m.madvise(mmap.MADV_DONTNEED, start, at - start)
for again in range(2 if sys.argv[2] != "0" else 1):
    m = mmap.mmap(-1, 2 * SIZE)
    fill(m, 0, 2 * SIZE)
held()
""",
    "sockets filled by children that nobody waits for": """
import signal
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
for again in range(1 + int(sys.argv[2]) // 2):
    ends = [socket.socketpair() for i in range(SIZE // (100 << 10))]
    for start in range(0, len(ends), 4):
        if os.fork() == 0:
            for a, b in ends[start:start + 4]:
                a.setblocking(False)
                try:
                    while a.send(b"x" * 32768):
                        pass
                except BlockingIOError:
                    pass
            os._exit(0)
        try:
            os.wait()
        except ChildProcessError:
            pass
    time.sleep(1 if sys.argv[2] != "0" else 0)
held()
""",
    "shared memory of which a page stays mapped": """
libc.mmap.restype = ctypes.c_void_p
libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t] + 3 * [ctypes.c_int] + [ctypes.c_long]
pages = []
for again in range(1 + int(sys.argv[2]) // 2):
    while pages:
        libc.munmap(pages.pop(), 4096)
    for i in range(2 * SIZE // (16 << 20)):
        p = libc.mmap(None, 16 << 20, 3, 0x21, -1, 0)  # MAP_SHARED | MAP_ANONYMOUS
        ctypes.memset(p, 1, 16 << 20)
        libc.munmap(p + 4096, (16 << 20) - 4096)
        pages.append(p)
    time.sleep(1 if sys.argv[2] != "0" else 0)
held()
""",
}


class Held(lib.Scripts):
    options = ["--network", "loopback", "--timeout", "%ds" % (5 * WAIT), "--open-files", "4096", "--tmpfs", "/tmp:512m",
               "--tmpfs", "/dev/shm:512m"]

    def hold(self, actor, mode, limit, text, wait):
        text = text.replace("{exit}", "60" if os.uname().machine == "x86_64" else "93")
        return self.run_script(mode + self.options + ["--memory", "%dm" % limit], BEGIN + text,
                               actor, str(HELD), str(wait))

    def one_way(self, name):
        def check(actor):
            for mode in modes(actor):
                with self.subTest(mode=mode):
                    r = self.hold(actor, mode, LIMIT, WAYS[name], WAIT)
                    self.assertEqual(r.report["reason"], "memory", repr(r))
                    self.assertGreater(r.report["memory"]["peak_bytes"], LIMIT * MIB * 0.9)
                    r = self.hold(actor, mode, ROOM, WAYS[name], 0)
                    self.assertEqual((r.report["reason"], r.out), ("exited", "held\n"), repr(r))
        self.each(check)


for number, way in enumerate(WAYS):
    setattr(Held, "test_%d_%s" % (number, way.replace(" ", "_")),
            lambda self, way=way: self.one_way(way))


if __name__ == "__main__":
    lib.main()
