# SPDX-License-Identifier: Apache-2.0
"""What stands in for a cgroup: looked at in time, whatever the payload does to be hard to look at."""
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import lib
from held import BEGIN, MIB, WAIT

LIMIT, HELD = 48, 160

# Mappings by the hundred thousand, and memory that fork shares: to look at it takes seconds.
MAPPINGS = BEGIN + """
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t] + 3 * [ctypes.c_int] + [ctypes.c_long]
m = mmap.mmap(-1, int(sys.argv[4]) << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
m[::4096] = b"1" * (len(m) // 4096)  # by the sum of the processes it is too much
r, w = os.pipe()
for i in range(8):
    if os.fork() == 0:
        for k in range(int(sys.argv[3])):
            libc.mmap(None, 4096, 1 + (k & 1) * 2, 0x22, -1, 0)
        os.write(w, b"x")
        time.sleep(600)
for i in range(8):
    os.read(r, 1)
held()
"""

# A caller of vfork(2) that never comes back, and another process that has all the memory.
VFORKED = BEGIN + """
pid = os.fork()
if pid == 0:
    libc.vfork() or libc.pause()
    os._exit(0)
while open("/proc/%d/stat" % pid).read().rsplit(")", 1)[1].split()[0] != "D":
    time.sleep(0.001)
m = touched()
held()
"""


# Threads that change mappings all the time keep the list of them locked: each read waits.
LOCKED = BEGIN + """
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t] + 3 * [ctypes.c_int] + [ctypes.c_long]
libc.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
size = 16 << 20
f = os.open("/tmp/f", os.O_RDWR | os.O_CREAT)
os.write(f, b"x" * size)
n = SIZE // size
base = libc.mmap(None, SIZE, 0, 0x4022, -1, 0)  # MAP_NORESERVE
for i in range(n):
    libc.mmap(base + i * size, size, 3, 0x8011, f, 0)  # MAP_SHARED | MAP_FIXED | MAP_POPULATE
for i in range(2):
    if os.fork() == 0:
        time.sleep(600)
def change():
    while True:
        libc.mprotect(base, SIZE, 1)
        libc.mprotect(base, SIZE, 3)
for i in range(int(sys.argv[3])):
    threading.Thread(target=change, daemon=True).start()
held()
"""


class Watchdog(lib.Scripts):
    def test_a_process_that_keeps_its_mappings_locked(self):
        def check(actor):
            options = ["--without", "cgroup", "--timeout", "40s", "--memory", "768m"]
            r = self.run_script(options, LOCKED, actor, str(25 << 10), str(WAIT), "8")
            self.assertEqual(r.report["reason"], "memory", repr(r))
            self.assertIn("let nobody look at it", r.report["message"])
            r = self.run_script(options, LOCKED, actor, str(25 << 10), "1", "0")
            self.assertEqual((r.report["reason"], r.out), ("exited", "held\n"), repr(r))
        self.each(check)

    def test_a_process_in_vfork_delays_nothing(self):
        """Seen over the limit ten times only then? By that time there is ten times as much."""
        def check(actor):
            options = ["--without", "cgroup", "--memory", "48m"]
            r = self.run_script(options, VFORKED, actor, "2000", "20")
            self.assertEqual(r.report["reason"], "memory", repr(r))
            self.assertLess(r.report["memory"]["peak_bytes"], 600 * MIB, repr(r))
            r = self.run_script(options[:2] + ["--memory", "256m"], VFORKED, actor, "40", "0")
            self.assertEqual((r.report["reason"], r.out), ("exited", "held\n"), repr(r))
        self.each(check)

    def test_a_tree_too_large_to_look_at(self):
        def check(actor):
            # With a limit that what the kernel holds for the mappings does not reach.
            options = ["--without", "cgroup", "--timeout", "100s", "--memory", "2g"]
            r = self.run_script(options, MAPPINGS, actor, "40", str(4 * WAIT), "50000", "300")
            self.assertEqual(r.report["reason"], "memory", repr(r))
            self.assertIn("memory: more mappings than can be looked at exactly",
                          r.report["approximate"], repr(r))
            r = self.run_script(options, MAPPINGS, actor, "40", "0", "100", "1")
            self.assertEqual((r.report["reason"], r.out), ("exited", "held\n"), repr(r))
        self.each(check)

    def test_short_of_descriptors(self):
        """Who can open nothing any more says so; the rest of the limit is taken for it."""
        def check(actor):
            mounts = ["--tmpfs", "/a:1m", "--tmpfs", "/b:1m", "--tmpfs", "/c:1m", "--tmpfs", "/d:1m"]
            options = ["--without", "cgroup", "--memory", "%dm" % LIMIT, "--report", "-"] + mounts
            path = self.script(BEGIN + "m = touched()\nheld()\n")
            for hard in (4096, 24, 22, 20, 18, 16, 14):
                r = lib.run(["prlimit", "--nofile=%d:%d" % (min(hard, 32), hard), lib.RUNNER, "exec"] + options +
                            [path, str(HELD), "20"], actor)
                report = json.loads(r.out) if r.out else {}
                if hard == 4096:
                    self.assertEqual(report["reason"], "memory", repr(r))
                # Fewer than are needed: refused, or ended, by a name; never unwatched.
                elif report.get("reason") != "memory":
                    self.assertEqual(r.status, 125, repr(r))
                    self.assertRegex(r.err, "open files|descriptors")
        self.each(check)


if __name__ == "__main__":
    lib.main()
