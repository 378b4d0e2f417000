# SPDX-License-Identifier: Apache-2.0
"""Attacks that need somebody or something outside: each with its control."""
import os
import signal
import socket
import subprocess
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import errno
import lib
from test_attacks import number


class Runs(lib.PerActor):
    def inside(self, probe, actor, options=(), **kwargs):
        return lib.sandbox(list(options), [lib.PROBE] + probe, actor, **kwargs)


class Neighbours(Runs):
    def test_a_process_outside_cannot_be_signalled(self):
        def check(actor):
            victim = subprocess.Popen(lib.as_actor(actor, ["sleep", "300"]))
            try:
                probe = ["kill", str(victim.pid)]
                self.assertEqual(number(self.inside(probe, actor)), errno.ESRCH)
                self.assertEqual(number(lib.run([lib.PROBE] + probe, actor)), 0)
            finally:
                victim.kill()
                victim.wait()
        self.each(check)

    def test_kill_all_reaches_nobody_outside(self):
        def check(actor):
            victim = subprocess.Popen(lib.as_actor(actor, ["sleep", "300"]))
            try:
                self.inside(["kill_all"], actor)
                self.assertIsNone(victim.poll())
            finally:
                victim.kill()
                victim.wait()
        self.each(check)

    def test_shared_memory_of_the_host_is_not_there(self):
        key = "%d" % (0x52554e00 + os.getpid() % 200)
        made = lib.run(["ipcmk", "-M", "4096"], "user")
        if made.status != 0:
            self.skipTest("ipcmk: " + made.err)
        ident = made.out.split()[-1]
        try:
            lines = lib.run(["ipcs", "-m"], "user").out.splitlines()
            key = [w.split()[0] for w in lines if len(w.split()) > 1 and w.split()[1] == ident][0]
            probe = ["shm", str(int(key, 16))]
            self.assertEqual(number(lib.run([lib.PROBE] + probe, "user")), 0)
            for actor in lib.ACTORS:
                self.assertEqual(number(self.inside(probe, actor, lib.COUNTED)), errno.ENOENT)
        finally:
            lib.run(["ipcrm", "-m", ident], "user")


class Sockets(Runs):
    def listen(self, name):
        server = socket.socket(socket.AF_UNIX)
        server.bind(name)
        server.listen(8)
        self.addCleanup(server.close)
        return server

    def test_abstract_socket_of_the_host(self):
        name = "runner-test-%d" % os.getpid()
        self.listen("\0" + name)
        probe = ["unix", "@" + name]
        self.assertEqual(number(lib.run([lib.PROBE] + probe, "user")), 0)
        for actor in lib.ACTORS:
            # Landlock's scope answers before the socket is looked for.
            r = self.inside(probe, actor)
            self.assertIn(number(r), (errno.ECONNREFUSED, errno.EPERM), repr(r))

    def test_abstract_socket_with_the_hosts_network(self):
        name = "runner-test-host-%d" % os.getpid()
        self.listen("\0" + name)
        for actor in lib.ACTORS:
            r = self.inside(["unix", "@" + name], actor, ["--network", "host"])
            if r.report["layers"]["landlock"]["detail"]["scoped"] == 0:
                self.skipTest("Landlock below ABI 6 has no scopes")
            self.assertEqual(number(r), errno.EPERM, repr(r))
            r = self.inside(["unix", "@" + name], actor,
                            ["--network", "host", "--without", "landlock"])
            self.assertEqual(number(r), 0, repr(r))

    def test_socket_file_of_the_host(self):
        path = os.path.join(lib.room(mode=0o777), "s")
        self.listen(path)
        os.chmod(path, 0o777)
        self.assertEqual(number(lib.run([lib.PROBE, "unix", path], "user")), 0)
        for actor in lib.ACTORS:
            r = self.inside(["unix", path], actor)
            self.assertEqual(number(r), errno.ENOENT, repr(r))

    def test_tcp_server_of_the_host(self):
        server = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(server.close)
        port = str(server.getsockname()[1])
        self.assertEqual(number(lib.run([lib.PROBE, "tcp", port], "user")), 0)
        for actor in lib.ACTORS:
            r = self.inside(["tcp", port], actor)
            self.assertIn(number(r), (errno.EACCES, errno.ENETUNREACH), repr(r))
            r = self.inside(["tcp", port], actor, ["--network", "loopback"])
            self.assertEqual(number(r), errno.ECONNREFUSED, repr(r))
            r = self.inside(["tcp", port], actor, ["--network", "host"])
            self.assertEqual(number(r), 0, repr(r))


class Inheritance(Runs):
    def test_environment(self):
        env = dict(os.environ, AWS_SECRET_ACCESS_KEY="x", LD_PRELOAD="")
        for actor in lib.ACTORS:
            probe = ["environment", "AWS_SECRET_ACCESS_KEY"]
            self.assertEqual(number(self.inside(probe, actor, env=env)), errno.ENOENT)
            r = self.inside(probe, actor, ["--without", "environment"], env=env)
            self.assertEqual(number(r), 0, repr(r))

    def test_descriptors(self):
        fd = os.open("/etc/passwd", os.O_RDONLY)
        self.addCleanup(os.close, fd)
        for actor in lib.ACTORS:
            probe = ["fd", str(fd)]
            self.assertEqual(number(self.inside(probe, actor, pass_fds=[fd])), errno.EBADF)
            r = self.inside(probe, actor, ["--without", "fds"], pass_fds=[fd])
            self.assertEqual(number(r), 0, repr(r))

    def test_a_file_on_stdin_is_not_the_payloads(self):
        """Rootless the payload is its owner: it could change its mode, or open it anew."""
        attack = "import os; os.fchmod(0, 0o666); open('/proc/self/fd/0', 'r+').write('x')"
        for actor in lib.ACTORS:
            path = lib.write(os.path.join(lib.room(actor), "in"), "kept", 0o644, actor)
            for options in ([], ["--stdin", path]):
                with open(path, encoding="utf-8") as stream:
                    lib.sandbox(options, ["--", "python3", "-c", attack], actor, stdin=stream)
                self.assertEqual(os.stat(path).st_mode & 0o777, 0o644)
                self.assertEqual(open(path, encoding="utf-8").read(), "kept")
            with open(path, encoding="utf-8") as stream:
                lib.run(["/usr/bin/python3", "-c", attack], actor, stdin=stream)
            self.assertEqual(os.stat(path).st_mode & 0o777, 0o666)
            self.assertEqual(open(path, encoding="utf-8").read(), "xept")

    def on_terminal(self, argv):
        """Run it as the leader of a session whose terminal is a fresh pty."""
        master, slave = os.openpty()

        def take():
            os.setsid()
            import fcntl
            import termios
            fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
        process = subprocess.Popen(argv, stdin=slave, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True, preexec_fn=take)
        out, err = process.communicate(timeout=60)
        path = os.ttyname(slave)
        os.close(slave)
        os.close(master)
        return out, err, path

    def test_words_in_the_terminals_mouth(self):
        for request in ("0x5412", "0x100005412"):
            out, err, _ = self.on_terminal([lib.PROBE, "tiocsti", request])
            if out.strip() == str(errno.EIO):
                self.skipTest("dev.tty.legacy_tiocsti is 0")
            self.assertEqual(out.strip(), "0", err)
        for request in ("0x5412", "0x100005412"):
            out, err, _ = self.on_terminal([lib.RUNNER, "exec", "--stdin", "/dev/tty", lib.PROBE,
                                            "tiocsti", request])
            self.assertEqual(out.strip(), str(errno.EPERM), err)

    def test_session(self):
        out, err, _ = self.on_terminal([lib.PROBE, "session"])
        self.assertEqual(out.strip(), "0", err)
        out, err, _ = self.on_terminal([lib.RUNNER, "exec", "--stdin", "/dev/tty", lib.PROBE,
                                        "session"])
        self.assertEqual(out.strip(), str(errno.EPERM), err)

    def test_a_setuid_program_in_a_bind(self):
        if os.geteuid() != 0:
            self.skipTest("only root can make one")
        path = os.path.join(lib.room(), "suid")
        subprocess.run(["cp", lib.PROBE, path], check=True)
        os.chmod(path, 0o4755)
        self.assertEqual(number(lib.run([lib.PROBE, "setuid_program", path], "user")), 0)
        for actor in lib.ACTORS:
            r = self.inside(["setuid_program", "/x/suid"], actor,
                            ["--ro-bind", os.path.dirname(path) + ":/x"])
            self.assertEqual(number(r), errno.EPERM, repr(r))


class Binds(Runs):
    WRITES = ["open_write", "truncate", "unlink", "chmod", "utimes", "setxattr", "rename", "link",
              "create", "mkdir"]

    def test_every_way_to_write_through_a_read_only_bind(self):
        def check(actor):
            for write in self.WRITES:
                # Open to everyone: it must be the mount that refuses, or its id map.
                d = lib.room(actor, 0o777)
                lib.write(os.path.join(d, "f"), "x", 0o666, actor)
                r = self.inside([write, "/w/f"], actor, ["--ro-bind", d + ":/w"])
                allowed = {errno.EROFS, errno.EACCES if write in ("open_write", "truncate")
                           else errno.EROFS}
                self.assertIn(number(r), allowed, "%s: %r" % (write, r))
                self.assertEqual(os.listdir(d), ["f"])
                r = self.inside([write, "/w/f"], actor, ["--bind", d + ":/w"])
                self.assertEqual(number(r), 0, "%s, control: %r" % (write, r))
        self.each(check)

    def test_a_link_in_the_workspace_leads_nowhere_outside(self):
        def check(actor):
            d = lib.room(actor)
            target = lib.write(os.path.join(lib.ROOM, "secret-" + actor), "s", 0o644)
            os.symlink(target, os.path.join(d, "a"))
            r = self.inside(["open_read", "/w/a"], actor, ["--bind", d + ":/w"])
            self.assertEqual(number(r), errno.ENOENT, repr(r))
            self.assertEqual(number(lib.run([lib.PROBE, "open_read", d + "/a"], actor)), 0)
        self.each(check)

    def test_a_hostile_root_file_system(self):
        """Its /dev, /proc and /etc are links to the outside."""
        def check(actor):
            d = lib.room(actor)
            outside = lib.room(actor, 0o777)
            for name in ("dev", "proc", "etc", "tmp", "app"):
                os.symlink(outside, os.path.join(d, name))
            os.mkdir(os.path.join(d, "bin"))
            subprocess.run(["cp", lib.PROBE, os.path.join(d, "bin/probe")], check=True)
            r = lib.sandbox(["--rootfs", d], ["--", "/bin/probe", "stat", "/etc/."], actor)
            self.assertEqual(number(r), errno.ENOENT, repr(r))
            self.assertEqual(os.listdir(outside), [])
            self.assertEqual(sorted(os.listdir(d)), ["app", "bin", "dev", "etc", "proc", "tmp"])
        self.each(check)

    def test_a_link_of_the_root_is_no_way_to_a_mount_point(self):
        """What is made below it would be made on the host, by root."""
        def check(actor):
            d = lib.room(actor, 0o777)
            outside = lib.room(actor, 0o777)
            other = lib.room(actor, 0o777)
            source = lib.write(os.path.join(lib.ROOM, "source-" + actor), "s", 0o644)
            os.symlink(outside, os.path.join(d, "link"))
            os.symlink("link/deeper", os.path.join(d, "relative"))
            os.mkdir(os.path.join(d, "bin"))
            subprocess.run(["cp", lib.PROBE, os.path.join(d, "bin/probe")], check=True)
            os.mkdir(os.path.join(d, "link/made"))  # control: there it leads
            self.assertEqual(os.listdir(outside), ["made"])
            os.rmdir(os.path.join(d, "link/made"))
            for place in ("link", "relative"):
                for option in (["--tmpfs", "/%s"], ["--tmpfs", "/%s/a/b"], ["--bind", other + ":/%s"],
                               ["--bind", other + ":/%s/a/b"], ["--ro-bind", source + ":/%s"],
                               ["--ro-bind", source + ":/%s/a/b"]):
                    option = [option[0], option[1] % place]
                    r = lib.sandbox(["--rootfs", d] + option, ["--", "/bin/probe", "stat", "/"], actor)
                    self.assertEqual(r.status, 125, "%s: %r" % (option, r))
                    self.assertIn("'/%s' inside is a symbolic link" % place, r.err)
                    self.assertEqual(os.listdir(outside), [], "%s: %r" % (option, r))
                    option[1] = option[1].replace(place, "other")  # control: no link
                    r = lib.sandbox(["--rootfs", d] + option, ["--", "/bin/probe", "stat", "/"], actor)
                    self.assertEqual(r.status, 0, "%s: %r" % (option, r))
            self.assertEqual(sorted(os.listdir(d)), ["bin", "link", "relative"])
        self.each(check)


class Resources(Runs):
    def test_processes(self):
        def check(actor):
            r = self.inside(["count_forks"], actor, ["--pids", "40"])
            self.assertTrue(r.out.strip().isdigit(), repr(r))
            self.assertLessEqual(int(r.out), 39)
            self.assertGreaterEqual(int(r.out), 30)
            r = self.inside(["count_forks"], actor, ["--pids", "120"])
            self.assertGreater(int(r.out), 100, repr(r))
            self.assertEqual(r.report["survivors"], 0)
        self.each(check)

    def test_memory(self):
        def check(actor):
            r = self.inside(["touch_memory", "80"], actor, ["--memory", "64m"])
            if r.report["memory"]["enforced_by"] == "cgroup":
                self.assertEqual(r.report["reason"], "memory", repr(r))
            else:
                self.assertEqual(number(r), errno.ENOMEM, repr(r))
                self.assertEqual(r.report["memory"]["enforced_by"], "rlimit_data and watchdog")
            r = self.inside(["touch_memory", "80"], actor, ["--memory", "128m"])
            self.assertEqual(number(r), 0, repr(r))
        self.each(check)

    def test_bytes_of_tmp(self):
        def check(actor):
            r = self.inside(["fill_tmp", "8"], actor, ["--tmpfs", "/tmp:4m"])
            self.assertEqual(number(r), errno.ENOSPC, repr(r))
            r = self.inside(["fill_tmp", "8"], actor, ["--tmpfs", "/tmp:16m"])
            self.assertEqual(number(r), 0, repr(r))
        self.each(check)

    def test_tmp_lies_on_the_roots_file_system_but_has_all_it_was_given(self):
        """And the root stays as read-only as it is: a mount of its own says so."""
        code = ("import errno, os\n"
                "s = os.statvfs('/tmp')\n"
                "print(os.stat('/tmp').st_dev == os.stat('/').st_dev,\n"
                "      s.f_bavail * s.f_bsize, s.f_favail)\n"
                "open('/tmp/own', 'w').close()\n"
                "for call in (lambda: os.mkdir('/x'), lambda: os.chmod('/etc/hosts', 0o777),\n"
                "             lambda: os.link('/etc/hosts', '/tmp/hosts'),\n"
                "             lambda: os.rename('/tmp/own', '/etc/own'),\n"
                "             lambda: os.rename('/tmp', '/etc/tmp'),\n"
                "             lambda: os.link('/tmp/own', '/tmp/too')):\n"
                "    try:\n"
                "        print(call())\n"
                "    except OSError as e:\n"
                "        print(errno.errorcode[e.errno])\n")

        def check(actor):
            script = lib.write(os.path.join(lib.room(actor), "s.py"), code + "#" * 100000, 0o600,
                               actor)
            r = lib.sandbox(["--tmpfs", "/tmp:4m", "--without", "landlock"], [script], actor)
            words = r.out.split()
            # A tmpfs of its own counts its root among the 65536, too.
            self.assertEqual(words[:3], ["True", str(4 << 20), "65535"], repr(r))
            self.assertEqual(words[3:], ["EROFS", "EROFS", "EXDEV", "EXDEV", "EROFS", "None"],
                             repr(r))
        self.each(check)

    def test_files_of_tmp(self):
        profile = lib.write(os.path.join(lib.ROOM, "few.json"), """{"extends": "default",
            "mounts": [{"type": "tmpfs", "destination": "/tmp", "size": "4m", "inodes": 50}]}""")

        def check(actor):
            r = self.inside(["fill_inodes", "100"], actor, ["--profile", profile])
            self.assertEqual(number(r), errno.ENOSPC, repr(r))
            self.assertEqual(number(self.inside(["fill_inodes", "100"], actor)), 0)
        self.each(check)


class Architecture(Runs):
    def test_a_call_of_a_foreign_architecture_ends_the_run(self):
        if os.uname().machine != "x86_64":
            self.skipTest("int 0x80 is x86")
        if number(lib.run([lib.PROBE, "int80"], "user")) != 0:
            self.skipTest("this kernel has no 32-bit calls")
        for actor in lib.ACTORS:
            r = self.inside(["int80"], actor)
            self.assertEqual(r.report["reason"], "seccomp", repr(r))
            self.assertEqual(r.out, "", repr(r))
            # Nor behind the guard alone, which numbers of another table would pass.
            r = self.inside(["int80"], actor, ["--without", "seccomp", "--without", "memfd"])
            self.assertEqual(r.report["reason"], "seccomp", repr(r))
            self.assertEqual({d["layer"] for d in r.report["denials"]}, {"coredump"}, repr(r))
            self.assertEqual(r.out, "", repr(r))
            r = self.inside(["int80"], actor, lib.NO_FILTER)
            self.assertEqual(number(r), 0, repr(r))

    def test_a_guest_cannot_forge_that_end(self):
        for actor in lib.ACTORS:
            r = lib.sandbox([], ["--", "sh", "-c", "kill -SYS $$"], actor)
            self.assertEqual(r.report["reason"], "signaled", repr(r))
            self.assertEqual(r.report["signal"], signal.SIGSYS)

    def test_numbers_above_the_table(self):
        """Every number no policy knows: ENOSYS, whatever this kernel has there."""
        script = "for n in $(seq 470 64 1023) 1023; do %s syscall $n; done" % "/b/probe"
        for actor in lib.ACTORS:
            r = lib.sandbox(["--ro-bind", lib.ROOM + ":/b"], ["--", "sh", "-c", script], actor)
            self.assertEqual(set(r.out.split()), {str(errno.ENOSYS)}, repr(r))


if __name__ == "__main__":
    lib.main()
