# SPDX-License-Identifier: Apache-2.0
"""What holds memory that nobody counts is not there, and has no larger size."""
import json
import os
import signal
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import lib
from held import BEGIN

# Ways that there are only where somebody counts: (calls, errno without a cgroup).
REFUSED = {
    "memfd_create": "libc.memfd_create(b'x', 1 | 8)",
    "memfd_secret": "libc.syscall(447, 0)",
    "shmget": "libc.shmget(0, 4096, 0o1600)",
    "semget": "libc.semget(0, 1, 0o1600)",
    "msgget": "libc.msgget(0, 0o1600)",
    "splice": "libc.splice(r, None, w2, None, 1, 2)",
    "tee": "os.write(w, b'x') and libc.tee(r, w2, 1, 2)",
    "vmsplice": "libc.vmsplice(w, ctypes.byref((ctypes.c_size_t * 2)()), 1, 0)",
    "landlock_create_ruleset": "libc.syscall(444, 0, 0, 1)",
}
REFUSALS = BEGIN.replace("SIZE = int(sys.argv[1]) << 20", "SIZE = 4096") + """
r, w = os.pipe()
r2, w2 = os.pipe()
os.write(w, b"x")
for line in sys.argv[1:]:
    ctypes.set_errno(0)
    print(eval(line) < 0 and ctypes.get_errno())
"""

BUFFERS = """
import fcntl, os, socket
r, w = os.pipe()
before = fcntl.fcntl(w, 1032)
try:
    fcntl.fcntl(w, 1031, 4 * before)
    error = 0
except OSError as e:
    error = e.errno
print("pipe", fcntl.fcntl(w, 1032) // before, error)
a, b = socket.socketpair()
for option in socket.SO_SNDBUF, socket.SO_RCVBUF:
    before = a.getsockopt(socket.SOL_SOCKET, option)
    a.setsockopt(socket.SOL_SOCKET, option, before // 4)
    print("socket", a.getsockopt(socket.SOL_SOCKET, option) < before)
"""


# A copy by who tries sendfile(2) first, and that call by itself. A table of futexes of 16
# (PR_FUTEX_HASH_SET_SLOTS), and how many there are: what the kernel says of its own (0: shared).
COPY = """
import os, shutil
open("/tmp/a", "wb").write(b"x" * 100000)
shutil.copyfile("/tmp/a", "/tmp/b")
print(open("/tmp/b", "rb").read() == b"x" * 100000)
r, w = os.pipe()
try:
    print(os.sendfile(w, os.open("/tmp/a", os.O_RDONLY), 0, 10))
except OSError as e:
    print(e.errno)
"""
FUTEXES = """
import ctypes, errno
libc = ctypes.CDLL(None, use_errno=True)
for args in (1, 16, 0), (2, 0, 0):
    n = libc.prctl(78, *(ctypes.c_ulong(a) for a in args), ctypes.c_ulong(0))
    print(errno.errorcode[ctypes.get_errno()] if n < 0 else n)
"""

# Huge pages of who asks for some, as the kernel counts them; what MADV_COLLAPSE (25) says; and
# what a program says that is started after it all.
HUGE = """
import ctypes, errno, subprocess, sys
libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = ctypes.c_void_p
SIZE, HUGE = 16 << 20, 2 << 20
def answer(n):
    return errno.errorcode[ctypes.get_errno()] if n < 0 else n
def prctl(*args):
    return answer(libc.prctl(*(ctypes.c_ulong(a) for a in args)))
def region(advice):
    at = (libc.mmap(None, ctypes.c_size_t(SIZE + HUGE), 3, 0x22, -1, ctypes.c_long(0)) + HUGE - 1) // HUGE * HUGE
    if advice is not None:
        assert libc.madvise(ctypes.c_void_p(at), ctypes.c_size_t(SIZE), advice) == 0
    ctypes.memset(at, 1, SIZE)
    return ctypes.c_void_p(at)
if len(sys.argv) > 1:
    sys.exit(print(prctl(42, 0, 0, 0, 0)))
region(14)
print(sum(int(l.split()[1]) for l in open("/proc/self/smaps") if l.startswith("AnonHugePages:")) > 0)
print(answer(libc.madvise(region(None), ctypes.c_size_t(HUGE), 25)))
print(prctl(42, 0, 0, 0, 0), prctl(41, 0, 0, 0, 0), prctl(41, 1, 2, 0, 0), prctl(41, 1, 0, 0, 0), flush=True)
subprocess.run([sys.executable, __file__, "x"])
"""


class Uncounted(lib.Scripts):
    def test_no_huge_pages(self):
        with open("/sys/kernel/mm/transparent_hugepage/enabled") as f:
            if "[never]" in f.read():
                self.skipTest("the host has no huge pages")

        def check(actor):
            r = self.run_script(["--without", "cgroup"], HUGE, actor)
            self.assertEqual(r.out.split(), ["False", "EINVAL", "1", "EPERM", "EPERM", "0", "1"],
                             repr(r))
            self.assertEqual({(d["operation"], d["layer"]) for d in r.report["denials"]},
                             {("prctl", "uncounted")}, repr(r))
            r = self.run_script(["--without", "cgroup", "--without", "uncounted"], HUGE, actor)
            # MADV_COLLAPSE came with Linux 6.1, the flags with 6.18.
            out = r.out.split()
            self.assertEqual(out[:1] + out[2:4] + out[5:], ["True", "0", "0", "0", "1"], repr(r))
            release = tuple(int(n) for n in os.uname().release.split(".")[:2])
            self.assertEqual(out[1], "0" if release >= (6, 1) else "EINVAL", repr(r))
            self.assertIn(out[4], ("0", "EINVAL"), repr(r))
        self.each(check)

    def test_pages_do_not_go_by_sendfile(self):
        def check(actor):
            r = self.run_script(["--without", "cgroup"], COPY, actor)
            self.assertEqual(r.out.split(), ["True", "22"], repr(r))
            self.assertEqual({(d["operation"], d["layer"]) for d in r.report["denials"]},
                             {("sendfile", "uncounted")})
            r = self.run_script(["--without", "cgroup", "--without", "uncounted"], COPY, actor)
            self.assertEqual(r.out.split(), ["True", "10"], repr(r))
            self.assertEqual(r.report["denials"], [])
        self.each(check)

    def test_no_table_of_futexes(self):
        def check(actor):
            r = self.run_script(["--without", "cgroup"], FUTEXES, actor)
            self.assertEqual(r.out.split(), ["EINVAL"] * 2, repr(r))
            refused = [(d["operation"], d["layer"]) for d in r.report["denials"]]
            self.assertEqual(set(refused), {("prctl", "uncounted")}, repr(r))
            r = self.run_script(["--without", "cgroup", "--without", "uncounted"], FUTEXES, actor)
            self.assertEqual(r.report["denials"], [])
            if r.out.split() == ["EINVAL"] * 2:
                self.skipTest("the kernel has no PR_FUTEX_HASH")
            self.assertEqual(r.out.split(), ["0", "16"], repr(r))
        self.each(check)

    def test_what_nobody_could_count_is_not_there(self):
        def check(actor):
            r = self.run_script(["--without", "cgroup"], REFUSALS, actor, *REFUSED.values())
            self.assertEqual(r.out.split(), ["38"] * len(REFUSED), repr(r))
            self.assertEqual(r.report["layers"]["uncounted"]["state"], "on")
            # Without the layer the kernel answers: most are done; secret memory and Landlock
            # may not be built in (ENOSYS, EOPNOTSUPP), memfds not be allowed (EACCES, EINVAL).
            r = self.run_script(["--without", "cgroup", "--without", "uncounted"], REFUSALS, actor,
                                *REFUSED.values())
            answers = dict(zip(REFUSED, r.out.split()))
            for name in ("shmget", "semget", "msgget", "splice", "tee"):
                self.assertEqual(answers[name], "False", repr(r))
            self.assertIn(answers["memfd_create"], ("False", "13", "22"), repr(r))
            self.assertEqual(r.report["layers"]["uncounted"]["state"], "left_out")
        self.each(check)

    def test_with_a_cgroup_it_is_not_needed(self):
        def check(actor):
            if not lib.has_cgroup(actor):
                self.skipTest("there is no cgroup here")
            r = lib.sandbox([], ["--", "true"], actor)
            self.assertEqual(r.report["layers"]["uncounted"]["state"], "not_needed")
        self.each(check)

    def test_buffers_keep_their_size(self):
        def check(actor):
            r = self.run_script(["--without", "cgroup"], BUFFERS, actor)
            self.assertEqual(r.out, "pipe 1 1\nsocket False\nsocket False\n", repr(r))
            r = self.run_script(["--without", "cgroup", "--without", "uncounted"], BUFFERS, actor)
            self.assertEqual(r.out, "pipe 4 0\nsocket True\nsocket True\n", repr(r))
        self.each(check)


class Policies(lib.Scripts):
    """Rootless, mmap(2) of much that is shared is told; the policy's answer stays what it is."""
    MAP = "import mmap; print(len(mmap.mmap(-1, 4 << 20)) >> 20, flush=True)"
    LARGE = [{"index": 1, "op": "SCMP_CMP_EQ", "value": 4 << 20}]

    def check(self, rule, out, status, denials):
        def check(actor):
            policy = lib.write(os.path.join(lib.room(), "mmap.json"), json.dumps({
                "defaultAction": "SCMP_ACT_ALLOW", "syscalls": [dict(rule, names=["mmap"])]}))
            for options in [], ["--without", "uncounted"]:
                r = self.run_script(["--without", "cgroup", "--cpus", "unlimited", "--seccomp",
                                     policy] + options, self.MAP, actor)
                self.assertEqual((r.out, r.status), (out, status), repr(r))
                self.assertEqual([d["operation"] for d in r.report["denials"]], denials, repr(r))
                self.assertEqual("[Errno 7]" in r.err, "errnoRet" in rule, repr(r))
        self.each(check)

    def test_log(self):
        self.check({"action": "SCMP_ACT_LOG"}, "4\n", 0, [])

    def test_log_of_some(self):
        self.check({"action": "SCMP_ACT_LOG", "args": self.LARGE}, "4\n", 0, [])

    def test_trap(self):
        self.check({"action": "SCMP_ACT_TRAP", "args": self.LARGE}, "", 128 + signal.SIGSYS, [])

    def test_errno(self):
        self.check({"action": "SCMP_ACT_ERRNO", "errnoRet": 7, "args": self.LARGE}, "", 1, ["mmap"])


# An access list of so many entries, on a directory of the sandbox's own: what the kernel says.
LISTS = """
import os, struct, sys
os.mkdir("/tmp/d")
for n in sys.argv[1:]:
    entry = [(1, 7, -1)] + [(2, 7, os.getuid())] * (int(n) - 4) + [(4, 7, -1), (16, 7, -1), (32, 7, -1)]
    text = struct.pack("<I", 2) + b"".join(struct.pack("<HHi", *e) for e in entry)
    for name in "system.posix_acl_access", "system.posix_acl_default":
        try:
            os.setxattr("/tmp/d", name, text)
            print(0)
        except OSError as e:
            print(e.errno)
"""


class Unaccounted(lib.Scripts):
    """What the kernel charges to no cgroup either."""
    def test_access_lists(self):
        def check(actor):
            small, large = "63", "8191"
            r = self.run_script([], LISTS, actor, small, large)
            self.assertIn(r.out.split(), (["0", "0", "28", "28"], ["95", "95", "28", "28"]), repr(r))
            self.assertEqual([(d["operation"], d["count"]) for d in r.report["denials"]],
                             [("setxattr", 2)])
            r = self.run_script(["--without", "seccomp"], LISTS, actor, small, large)
            self.assertIn(r.out.split(), (["0"] * 4, ["95"] * 4), repr(r))
        self.each(check)


if __name__ == "__main__":
    lib.main()
