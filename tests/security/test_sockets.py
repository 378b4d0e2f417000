# SPDX-License-Identifier: Apache-2.0
"""A bind of a directory gives away no service of the host's whose socket lies in it.

Each way to reach one is tried in a bind as it is, and with the word `sockets`, where the
very same attempts reach the servers: that is their control. What stops them differs: as
root, in a read-only bind, the mount's id map (the payload keeps sockets of its own), and
else the row unix_sockets of the filter. What the kernel says is EACCES both times."""
import errno
import json
import os
import shutil
import socket
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import lib

KINDS = {"stream": socket.SOCK_STREAM, "packets": socket.SOCK_SEQPACKET,
         "datagrams": socket.SOCK_DGRAM}
ALLOW = lib.write(os.path.join(lib.ROOM, "allow.json"),
                  json.dumps({"defaultAction": "SCMP_ACT_ALLOW"}))
WITHOUT = ["--without", "unix_sockets"]

# Each line: what it tries on DIR/NAME, and what came of it. Waits for a line before NEW.
ASK = """
import errno, os, socket, sys
def name(call, *args):
    try:
        call(*args)
        return "done"
    except OSError as e:
        return errno.errorcode[e.errno]
def connect(kind, path):
    with socket.socket(socket.AF_UNIX, kind) as s:
        s.connect(path)
        s.send(b"connect")
def connect_by_descriptor(path):
    fd = os.open(path, os.O_PATH)
    connect(socket.SOCK_STREAM, "/proc/self/fd/%d" % fd)
def send(path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
        s.sendto(b"sendto", path)
def send_from_pair(kind, path):
    a, b = socket.socketpair(socket.AF_UNIX, kind)
    with a, b:
        a.sendmsg([b"pair"], [], 0, path)
def connect_pair(kind, path):
    a, b = socket.socketpair(socket.AF_UNIX, kind)
    with a, b:
        a.connect(path)
        a.send(b"reconnected")
d = sys.argv[1]
def all_on(which):
    s, p, g = (d + "/" + which + "." + k for k in ("stream", "packets", "datagrams"))
    yield name(connect, socket.SOCK_STREAM, s)
    yield name(connect_by_descriptor, s)
    yield name(connect, socket.SOCK_SEQPACKET, p)
    yield name(connect, socket.SOCK_DGRAM, g)
    yield name(send, g)
    yield name(send_from_pair, socket.SOCK_DGRAM, g)
    yield name(connect_pair, socket.SOCK_DGRAM, g)
    yield name(send_from_pair, socket.SOCK_RAW, g)
for which in sys.argv[2:]:
    if which == "late":
        print("ready", flush=True)
        sys.stdin.readline()
    print(*all_on(which), flush=True)
# A pair of streams or packets is connected for good, whatever it is asked; a name given with
# a packet counts for nothing.
print(name(connect_pair, socket.SOCK_STREAM, d + "/open.stream"),
      name(send_from_pair, socket.SOCK_STREAM, d + "/open.stream"),
      name(connect_pair, socket.SOCK_SEQPACKET, d + "/open.packets"),
      name(send_from_pair, socket.SOCK_SEQPACKET, d + "/open.packets"))
"""
WAYS = 8
PAIRS = ["EISCONN", "EISCONN", "EISCONN", "done"]


def planned(options, actor):
    """The rows of the plan, by name."""
    r = lib.sandbox(options + ["--dry-run"], ["--", "true"], actor)
    assert r.status == 0, repr(r)
    return {x["name"]: x for x in json.loads(r.out)["layers"]}


class Servers:
    """Some that belong to the actor, with a socket of each kind."""

    def __init__(self, case, directory, actor):
        self.case, self.directory, self.actor, self.all = case, directory, actor, []

    def serve(self, name, mode):
        for kind, number in KINDS.items():
            path = os.path.join(self.directory, name + "." + kind)
            s = socket.socket(socket.AF_UNIX, number)
            self.case.addCleanup(s.close)
            s.setblocking(False)
            s.bind(path)
            if number != socket.SOCK_DGRAM:
                s.listen(64)
            lib.give(path, self.actor)
            os.chmod(path, mode)
            self.all.append(s)

    def reached(self):
        """How often, since the last time anybody asked."""
        n = 0
        for s in self.all:
            try:
                while True:
                    if s.type == socket.SOCK_DGRAM:
                        s.recv(64)
                    else:
                        s.accept()[0].close()
                    n += 1
            except BlockingIOError:
                pass
        return n


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
    OWN = ("import socket\ns = socket.socket(socket.AF_UNIX)\ns.bind('/tmp/s')\ns.listen()\n"
           "c = socket.socket(socket.AF_UNIX)\nc.connect('/tmp/s')\nc.send(b'own')\n"
           "print(s.accept()[0].recv(3))\n")
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
                self.assertEqual(self.state(options, actor, self.OWN), "not_needed", options)
            # The control; and what only begins like a place of the system's.
            other = lib.room(actor, 0o750)
            r = self.run_script(["--bind", other + ":/w"], self.OWN, actor)
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
            self.state(["--bind", lib.room(actor) + ":/w:sockets"], actor, self.OWN),
            "not_needed"))


class AsRoot(lib.Scripts):
    """The id map without the group: what is written to is refused, what the owner may read
    is read."""

    def setUp(self):
        if os.geteuid() != 0:
            self.skipTest("needs root: an ordinary user's binds are not mapped")

    def layers(self, options):
        found = planned(options, "root")
        return found["unix_sockets"]["entered"], found["binds"]["detail"]["mounts"]

    def mapped_room(self, mode=0o755):
        d = lib.room("root", mode)
        if not self.layers(["--ro-bind", d + ":/d:sockets"])[1][0]["id_mapped"]:
            self.skipTest("the file system of %s has no id-mapped mounts" % d)
        return d

    def test_it_keeps_its_own_sockets_and_reads_what_the_owner_may(self):
        d = self.mapped_room(0o700)
        lib.write(d + "/secret", "text", 0o600)
        r = self.run_script(["--ro-bind", d + ":/d"], Kept.OWN + "print(open('/d/secret').read())",
                            "root")
        self.ok(r, "b'own'\ntext\n")
        self.assertEqual(r.report["denials"], [])

    def test_where_the_group_is_needed_the_filter_stands_in(self):
        for mode, entered in ((0o755, False), (0o700, False), (0o775, False), (0o750, True),
                              (0o2770, True), (0o740, True), (0o710, True)):
            d = self.mapped_room()
            os.chmod(d, mode)
            os.chown(d, 1234, 77)
            os.chmod(d, mode)
            os.chown(lib.write(d + "/team", "text", 0o640), 1235, 77)
            options = ["--ro-bind", d + ":/d"]
            self.assertEqual(self.layers(options)[0], entered, oct(mode))
            r = lib.sandbox(options, ["--", "cat", "/d/team"])
            self.assertEqual(r.out, "text" if entered else "", repr(r))

    def test_what_is_mounted_below_is_shown_and_the_filter_stands_in(self):
        d = self.mapped_room()
        os.mkdir(d + "/sub")
        inside = ("mount -t tmpfs none {0}/sub; echo text >{0}/sub/f; exec {1} exec --ro-bind "
                  "{0}:/d -- sh -c 'cat /d/sub/f; python3 -c \"import socket as s; "
                  "s.socket(s.AF_UNIX)\"'".format(d, lib.RUNNER))
        r = lib.run(["unshare", "-m", "sh", "-ec", inside])
        self.assertEqual((r.status, r.out), (1, "text\n"), repr(r))
        self.assertIn("PermissionError", r.err)

    def test_a_mount_point_is_no_mount_below(self):
        d = self.mapped_room()
        inside = ("mount -t tmpfs -o mode=755 none {0}; exec {1} exec --dry-run --ro-bind {0}:/d -- "
                  "true".format(d, lib.RUNNER))
        r = self.ok(lib.run(["unshare", "-m", "sh", "-ec", inside]))
        rows = {x["name"]: x for x in json.loads(r.out)["layers"]}
        # Closed by its map, where tmpfs has maps (Linux 6.3).
        self.assertEqual(rows["unix_sockets"]["entered"],
                         not rows["binds"]["detail"]["mounts"][0]["id_mapped"])

    def test_a_read_only_file_system_is_left_to_the_filter(self):
        """There the proof could not tell who refused."""
        d = self.mapped_room()
        inside = ("mount -t tmpfs none {0}; mount -o remount,ro {0}; exec {1} exec --ro-bind "
                  "{0}:/d -- python3 -c 'import socket as s; s.socket(s.AF_UNIX)'"
                  .format(d, lib.RUNNER))
        r = lib.run(["unshare", "-m", "sh", "-ec", inside])
        self.assertEqual(r.status, 1, repr(r))
        self.assertIn("PermissionError", r.err)

    def test_a_file_system_without_maps(self):
        d = lib.room()
        inside = ("mount -t ramfs none {0}; chmod 755 {0}; exec {1} exec --ro-bind {0}:/d -- "
                  "python3 -c 'import socket as s; s.socket(s.AF_UNIX)'".format(d, lib.RUNNER))
        r = lib.run(["unshare", "-m", "sh", "-ec", inside])
        self.assertEqual(r.status, 1, repr(r))
        self.assertIn("PermissionError", r.err)

    def test_one_is_granted_and_the_other_stays_closed(self):
        d, other = self.mapped_room(), self.mapped_room()
        for where in d, other:
            s = socket.socket(socket.AF_UNIX)
            self.addCleanup(s.close)
            s.bind(where + "/s")
            s.listen()
            os.chmod(where + "/s", 0o666)
        script = ("import socket as s\ns.socket(s.AF_UNIX).connect('/d/s')\nprint('granted')\n"
                  "s.socket(s.AF_UNIX).connect('/o/s')\n")
        r = self.run_script(["--bind", d + ":/d:sockets", "--ro-bind", other + ":/o"], script,
                            "root")
        self.assertEqual((r.status, r.out), (1, "granted\n"), repr(r))
        self.assertIn("PermissionError", r.err)
        # The control: with the word there, too.
        self.ok(self.run_script(["--bind", d + ":/d:sockets", "--ro-bind", other + ":/o:sockets"],
                                script, "root"), "granted\n")

    def test_pipes_as_well(self):
        """To open one for writing is no write on the mount either."""
        d = self.mapped_room()
        os.mkfifo(d + "/pipe", 0o600)
        os.chmod(d + "/pipe", 0o666)
        reader = os.open(d + "/pipe", os.O_RDONLY | os.O_NONBLOCK)
        self.addCleanup(os.close, reader)
        script = "import os\nos.open('/d/pipe', os.O_WRONLY | os.O_NONBLOCK)\nprint('opened')\n"
        bind = ["--ro-bind", d + ":/d", "--without", "landlock"]
        r = self.run_script(bind, script, "root")
        self.assertEqual((r.status, r.out), (1, ""), repr(r))
        self.assertIn("PermissionError", r.err)
        self.ok(self.run_script(bind + WITHOUT, script, "root"), "opened\n")


class Grants(lib.Scripts):
    CONNECT = "import socket\nsocket.socket(socket.AF_UNIX).connect('%s')\nprint('connected')\n"

    def server(self, actor, where=None):
        path = os.path.join(where or lib.room(actor, 0o700), "s")
        s = socket.socket(socket.AF_UNIX)
        self.addCleanup(s.close)
        s.bind(path)
        s.listen()
        os.chmod(path, 0o600)
        lib.give(path, actor)
        return path

    def test_a_socket_itself(self):
        def check(actor):
            path = self.server(actor)
            for option in "--ro-bind", "--bind":
                r = lib.sandbox([option, path + ":/s"], ["--", "true"], actor)
                self.assertEqual((r.status, r.out), (125, ""), repr(r))
                self.assertIn("'%s' is a socket" % path, r.err)
                self.assertIn(path + ":/s:sockets", r.err)
                self.ok(self.run_script([option, path + ":/s:sockets"], self.CONNECT % "/s",
                                        actor), "connected\n")
        self.each(check)

    def test_what_is_granted_in_one_is_not_granted_in_another(self):
        def check(actor):
            path, other = self.server(actor), lib.room(actor)
            for more in (["--bind", other + ":/o"], ["--ro-bind", "/:/o:kernel"]):
                r = lib.sandbox(["--ro-bind", path + ":/s:sockets"] + more, ["--", "true"], actor)
                self.assertEqual((r.status, r.out), (125, ""), repr(r))
                self.assertIn("bind '%s' grants sockets" % path, r.err)
                self.assertIn("say sockets there, too", r.err)
                more[1] += ",sockets" if "kernel" in more[1] else ":sockets"
                self.ok(self.run_script(["--ro-bind", path + ":/s:sockets"] + more,
                                        self.CONNECT % "/s", actor), "connected\n")
        self.each(check)

    def test_in_a_root_file_system(self):
        def check(actor):
            root = lib.room(actor)
            os.makedirs(root + "/srv")
            lib.give(root + "/srv", actor)
            shutil.copy(lib.PROBE, root + "/srv/probe")
            path = self.server(actor, root + "/srv")
            os.chmod(path, 0o666)
            options = ["--rootfs", root, "--without", "landlock"]
            r = lib.sandbox(options, ["--", "/srv/probe", "unix", "/srv/s"], actor)
            self.assertEqual(r.out.split()[-1], str(errno.EACCES), repr(r))
            self.assertEqual([(x["layer"], x["operation"]) for x in r.report["denials"]],
                             [("unix_sockets", "socket")])
            r = lib.sandbox(options + WITHOUT, ["--", "/srv/probe", "unix", "/srv/s"], actor)
            self.assertEqual(r.out.split()[-1], "0", repr(r))
            # A word of a bind cannot grant what lies in the root.
            r = lib.sandbox(["--rootfs", root, "--ro-bind", path + ":/s:sockets"],
                            ["--", "/srv/probe", "unix", "/s"], actor)
            self.assertEqual(r.status, 125, repr(r))
            self.assertIn("say --without unix_sockets", r.err)
        self.each(check)


if __name__ == "__main__":
    lib.main()
