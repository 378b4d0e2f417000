# SPDX-License-Identifier: Apache-2.0
"""A bind of a directory gives away no service of the host's whose socket lies in it.

Each way to reach one is tried in a bind as it is, and with the word `sockets`, where the
very same attempts reach the servers: that is their control. What stops them differs: as
root, in a read-only bind, the mount's id map (the payload keeps sockets of its own), and
else the row unix_sockets of the filter. What the kernel says is EACCES both times."""
import errno
import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import lib
from servers import ALLOW, ASK, KINDS, OWN, PAIRS, Servers, WAYS, WITHOUT, planned


class Sockets(lib.Scripts):
    def setting(self, actor):
        """A directory of the actor's: servers' sockets for its owner, for all, and for all by
        a link and under another name."""
        d = lib.room(actor, 0o755)
        servers = Servers(self, d, actor)
        elsewhere = Servers(self, lib.room(actor, 0o700), actor)
        servers.serve("own", 0o600)
        servers.serve("open", 0o666)
        servers.serve("before", 0o666)
        elsewhere.serve("linked", 0o666)
        for kind in KINDS:
            os.rename("%s/before.%s" % (d, kind), "%s/renamed.%s" % (d, kind))
            os.link("%s/linked.%s" % (elsewhere.directory, kind), "%s/linked.%s" % (d, kind))
        servers.all += elsewhere.all
        return d, servers

    NAMES = ["own", "open", "renamed", "linked", "late"]

    def attempts(self, options, servers, actor):
        """What each of them answers; {} as report where there is none."""
        report = os.path.join(lib.room(actor, 0o777), "report.json")
        argv = lib.as_actor(actor, [lib.RUNNER, "exec", "--timeout", "%ds" % (60 * lib.PATIENCE),
                                    "--report", report] + options +
                            [self.script(ASK), "/d"] + self.NAMES)
        with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True) as p:
            lines = [p.stdout.readline().split() for _ in self.NAMES]
            self.assertEqual(lines[4], ["ready"], p.stderr.read() if not lines[4] else "")
            for s in [s for s in servers.all if "/late." in s.getsockname()]:
                os.unlink(s.getsockname())
            servers.serve("late", 0o666)
            out, err = p.communicate("\n")
            self.assertEqual(p.returncode, 0, err)
        more = [line.split() for line in out.splitlines()]
        with open(report, encoding="utf-8") as f:
            return lines[:4] + more[:1], more[1], json.load(f)

    def is_mapped(self, d):
        """Can this file system be id-mapped?"""
        binds = planned(["--ro-bind", d + ":/d:sockets"], "root")["binds"]
        return binds["detail"]["mounts"][0]["id_mapped"]

    def nothing_is_reached(self, options, wall, actor):
        d, servers = self.setting(actor)
        answers, pairs, report = self.attempts([o.replace("%s", d) for o in options], servers,
                                               actor)
        self.assertEqual(answers, [["EACCES"] * WAYS] * len(self.NAMES))
        self.assertEqual(servers.reached(), 0)
        row = report["layers"]["unix_sockets"]
        if wall == "mount" and self.is_mapped(d):
            # The path is looked at first, then whether the socket is connected already.
            self.assertEqual(pairs, ["EACCES", "EISCONN", "EACCES", "done"])
            self.assertEqual((row["state"], report["denials"]), ("not_needed", []))
            return
        self.assertEqual(pairs, PAIRS)
        self.assertEqual(row["state"], "on")
        self.assertEqual(row["detail"]["because_of"], d)
        self.assertEqual({(x["layer"], x["operation"], x["errno"]) for x in report["denials"]},
                         {("unix_sockets", "socket", errno.EACCES),
                          ("unix_sockets", "socketpair", errno.EACCES)})
        self.assertEqual({x["target"].split()[1] for x in report["denials"]
                          if x["operation"] == "socketpair"}, {"type=SOCK_DGRAM", "type=SOCK_RAW"})
        for x in report["denials"]:
            self.assertIn("SRC:DST:sockets", x["remedy"])

    def all_are_reached(self, options, actor, but=()):
        d, servers = self.setting(actor)
        answers, pairs, report = self.attempts([o.replace("%s", d) for o in options], servers,
                                               actor)
        for which, line in zip(self.NAMES, answers):
            self.assertEqual(line, ["EACCES" if which in but else "done"] * WAYS, which)
        self.assertEqual(pairs, PAIRS)
        self.assertEqual(servers.reached(), WAYS * (len(self.NAMES) - len(but)))
        self.assertNotEqual(report["layers"]["unix_sockets"]["state"], "on")
        self.assertEqual([x for x in report["denials"] if x["layer"] == "unix_sockets"], [])

    def test_in_a_read_only_bind(self):
        self.each(lambda actor: self.nothing_is_reached(
            ["--ro-bind", "%s:/d"], "mount" if actor == "root" else "filter", actor))

    def test_in_a_writable_bind(self):
        self.each(lambda actor: self.nothing_is_reached(["--bind", "%s:/d"], "filter", actor))

    def test_whatever_the_policy(self):
        for policy in (["--seccomp", ALLOW],
                       ["--without", "seccomp", "--without", "memfd", "--without", "landlock"]):
            self.each(lambda actor, more=policy: self.nothing_is_reached(
                ["--bind", "%s:/d"] + more, "filter", actor))
            self.each(lambda actor, more=policy: self.nothing_is_reached(
                ["--ro-bind", "%s:/d"] + more, "mount" if actor == "root" else "filter", actor))

    def test_with_the_word_all_are_reached(self):
        def check(actor):
            for option in "--ro-bind", "--bind":
                self.all_are_reached([option, "%s:/d:sockets"], actor)
        self.each(check)

    def test_without_the_layer_all_are_reached(self):
        def check(actor):
            for option in "--ro-bind", "--bind":
                self.all_are_reached([option, "%s:/d"] + WITHOUT, actor)
        self.each(check)

    def test_no_ring_makes_one(self):
        """io_uring has a socket(2) and a connect(2) of its own: without the rows that refuse
        it for other reasons."""
        def check(actor):
            d = lib.room(actor)
            others = ["--seccomp", ALLOW, "--without", "special_files", "--without",
                      "filter_attach"]
            r = lib.sandbox(["--bind", d + ":/d"] + others, [lib.PROBE, "io_uring"], actor)
            self.assertEqual(int(r.out.split()[-1]), errno.ENOSYS, repr(r))
            control = lib.sandbox(others, [lib.PROBE, "io_uring"], actor)
            self.assertIn(int(control.out.split()[-1]), (0, errno.EPERM), repr(control))
            # Nor is one used that came from elsewhere: io_uring_enter(2), io_uring_register(2).
            ask = ("import ctypes\nlibc = ctypes.CDLL(None, use_errno=True)\n"
                   "for nr in 426, 427:\n    libc.syscall(nr, -1, 0, 0, 0, 0)\n"
                   "    print(ctypes.get_errno())\n")
            r = self.run_script(["--bind", d + ":/d"] + others, ask, actor)
            self.assertEqual(r.out.split(), [str(errno.ENOSYS)] * 2, repr(r))
            control = self.run_script(others, ask, actor)
            self.assertNotIn(str(errno.ENOSYS), control.out.split(), repr(control))
            self.assertEqual(len(control.out.split()), 2, repr(control))
        self.each(check)


class Kept(lib.Scripts):
    """What goes on working."""
    NET = ("import asyncio, socket\na, b = socket.socketpair()\na.send(b'x')\nb.recv(1)\n"
           "socket.socket().close()\nsocket.socket(socket.AF_INET, socket.SOCK_DGRAM).close()\n"
           "asyncio.run(asyncio.sleep(0))\nprint('fine')\n")

    def state(self, options, actor, script=None):
        r = self.ok(self.run_script(options, script or self.NET, actor))
        self.assertEqual(r.report["denials"], [], repr(r))
        return r.report["layers"]["unix_sockets"]["state"]

    def test_where_nothing_of_the_callers_is_shown(self):
        def check(actor):
            f = lib.write(os.path.join(lib.room(actor), "f"), "text", 0o644, actor)
            for options in ([], ["--ro-bind", f + ":/f"], ["--bind", f + ":/f"],
                            ["--profile", "agent"], ["--profile", "strategy"],
                            ["--ro-bind", "/usr/share:/s"]):
                self.assertEqual(self.state(options, actor, OWN), "not_needed", options)
            # The control; and what only begins like a place of the system's.
            other = lib.room(actor, 0o750)
            r = self.run_script(["--bind", other + ":/w"], OWN, actor)
            self.assertEqual(r.status, 1, repr(r))
            self.assertIn("PermissionError", r.err)
            for option, source, entered in (
                    ("--ro-bind", other, True), ("--ro-bind", "/usr/.." + other, True),
                    ("--ro-bind", "/usr/local/../share", False), ("--bind", "/etc", True)):
                self.assertEqual(entered, planned([option, source + ":/s"], actor)
                                 ["unix_sockets"]["entered"], source)
        self.each(check)

    def test_what_somebody_mounted_in_usr(self):
        """Every host has /usr/share; what is mounted there, or below, is not every host's."""
        if os.geteuid() != 0:
            self.skipTest("needs root to mount something there")

        def check(actor):
            argv = " ".join(lib.as_actor(actor, [lib.RUNNER, "exec", "--dry-run", "--ro-bind",
                                                 "/usr/share:/s", "--", "true"]))
            for mount, entered in (
                    ("true", False),
                    # (As root, what the group reads as well is left to the filter.)
                    ("mount -t tmpfs -o mode=%s none /usr/share" %
                     ("750" if actor == "root" else "755"), True),
                    ("mount -t tmpfs none /usr/share/doc", True)):
                r = self.ok(lib.run(["unshare", "-m", "sh", "-ec", mount + "; exec " + argv]))
                rows = {x["name"]: x["entered"] for x in json.loads(r.out)["layers"]}
                self.assertEqual(rows["unix_sockets"], entered, mount)
        self.each(check)

    def test_pairs_and_networks(self):
        def check(actor):
            for option in "--ro-bind", "--bind":
                for network in "none", "loopback":
                    self.state([option, lib.room(actor) + ":/w", "--network", network], actor)
        self.each(check)

    def test_own_sockets_beside_a_granted_bind(self):
        self.each(lambda actor: self.assertEqual(
            self.state(["--bind", lib.room(actor) + ":/w:sockets"], actor, OWN),
            "not_needed"))


if __name__ == "__main__":
    lib.main()
