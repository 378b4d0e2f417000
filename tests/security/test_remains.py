# SPDX-License-Identifier: Apache-2.0
"""What docs/threat-model.md says that remains, or that is refused lest it remain: measured."""
import fcntl
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import lib

LOCKS = """
import errno, fcntl, os
def tried(how, *args):
    try:
        how(*args)
        return "done"
    except OSError as e:
        return errno.errorcode[e.errno]
f = os.open("/d/f", os.O_RDONLY)
d = os.open("/d", os.O_RDONLY | os.O_DIRECTORY)
print(tried(fcntl.flock, f, fcntl.LOCK_EX | fcntl.LOCK_NB),
      tried(fcntl.flock, d, fcntl.LOCK_EX | fcntl.LOCK_NB),
      tried(fcntl.lockf, f, fcntl.LOCK_EX | fcntl.LOCK_NB),
      tried(fcntl.lockf, f, fcntl.LOCK_SH | fcntl.LOCK_NB),
      tried(fcntl.fcntl, f, fcntl.F_SETLEASE, fcntl.F_RDLCK), flush=True)
input()
"""

# On the loopback device, which every network namespace has: in each way to ask for it.
JOINS = """
import errno, socket, struct
def tried(s, level, option, value):
    try:
        s.setsockopt(level, option, value)
        return "done"
    except OSError as e:
        return errno.errorcode[e.errno]
six = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
four = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
def address(last):
    return struct.pack("=HHI", 10, 0, 0) + bytes([255, 2]) + bytes(13) + bytes([last]) + bytes(104)
print(tried(six, 41, 20, struct.pack("=16si", bytes([255, 2]) + bytes(13) + b"\\x09", 1)),
      tried(six, 41, 42, struct.pack("=i4x", 1) + address(8)),
      tried(six, 41, 46, struct.pack("=i4x", 1) + address(7) + address(6)),
      tried(four, 0, 35, struct.pack("=4s4si", bytes([224, 1, 1, 1]), bytes(4), 1)))
"""


class Locks(lib.PerActor):
    def test_on_what_can_only_be_read(self):
        d = lib.room()
        path = lib.write(os.path.join(d, "f"), "x")
        script = lib.write(os.path.join(d, "s.py"), LOCKS)

        def outside():
            with open(path, "rb+") as f:
                try:
                    fcntl.flock(f, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    return True
                except BlockingIOError:
                    return False

        def check(actor):
            p = subprocess.Popen(lib.as_actor(actor, [lib.RUNNER, "exec", "--ro-bind", d + ":/d",
                                                      script]),
                                 stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                 stderr=subprocess.DEVNULL, text=True)
            self.assertEqual(p.stdout.readline(), "done done EBADF done EPERM\n")
            self.assertFalse(outside())
            p.communicate("\n", timeout=60 * lib.PATIENCE)
            self.assertTrue(outside())  # it ends with the run
        self.each(check)


class Memberships(lib.Scripts):
    """Who leaves thousands of groups takes minutes in the kernel, killed or not."""

    def test_of_ipv6(self):
        def check(actor):
            r = self.run_script(["--network", "loopback"], JOINS, actor)
            self.assertEqual(r.out, "EPERM EPERM EPERM done\n", repr(r))
            self.assertEqual([(d["operation"], d["target"], d["layer"])
                              for d in r.report["denials"]],
                             [("setsockopt", "option=" + name, "seccomp") for name in (
                                 "IPV6_ADD_MEMBERSHIP", "MCAST_JOIN_GROUP",
                                 "MCAST_JOIN_SOURCE_GROUP")])
            r = self.run_script(["--network", "loopback", "--without", "seccomp"], JOINS, actor)
            self.assertEqual(r.out, "done done done done\n", repr(r))
        self.each(check)


if __name__ == "__main__":
    lib.main()
