# SPDX-License-Identifier: Apache-2.0
"""Sockets in binds: what root's id map closes and keeps, and what the word `sockets` grants."""
import errno
import json
import os
import shutil
import socket
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import lib
from servers import OWN, WITHOUT, planned


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
        r = self.run_script(["--ro-bind", d + ":/d"], OWN + "print(open('/d/secret').read())",
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
