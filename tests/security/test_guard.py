# SPDX-License-Identifier: Apache-2.0
"""The guard: what no policy of the user's and no --without seccomp opens.

Each attempt runs behind each kind of policy, and its control is the very same run
without the one layer that refuses it."""
import errno
import json
import os
import stat
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import lib

ALLOW = lib.write(os.path.join(lib.ROOM, "allow.json"),
                  json.dumps({"defaultAction": "SCMP_ACT_ALLOW"}))
BARE = ["--without", "seccomp", "--without", "memfd"]
POLICIES = {"default": [], "allow.json": ["--seccomp", ALLOW], "none": BARE}

S_SPECIAL = stat.S_ISUID | stat.S_ISGID


def without(*layers):
    return [w for layer in layers for w in ("--without", layer)]


def answers(result):
    """"NAME:ERRNO ..." and the probe's own 0."""
    return {name: int(error) for name, error in
            (pair.split(":") for pair in result.out.split()[:-1])}


def number(result):
    try:
        return int(result.out.split()[-1])
    except (IndexError, ValueError):
        return None


class PerPolicy(lib.PerActor):
    def each_policy(self, check):
        for actor in lib.ACTORS:
            for name, options in POLICIES.items():
                with self.subTest(actor=actor, policy=name):
                    check(actor, options)

    def refused(self, result, layer, operations):
        """Told, under the right name."""
        self.assertEqual({d["layer"] for d in result.report["denials"]}, {layer}, repr(result))
        self.assertEqual({d["operation"] for d in result.report["denials"]}, set(operations))
        for d in result.report["denials"]:
            self.assertTrue(d["remedy"])
            self.assertNotIn("--seccomp", d["remedy"])


class SpecialFiles(PerPolicy):
    """In a directory of the host's that is bound writable."""

    def attempt(self, actor, options):
        workspace = lib.room(actor, 0o700)
        r = lib.sandbox(["--bind", workspace + ":/w"] + options,
                        [lib.PROBE, "special_files", "/w"], actor)
        found = {name: os.lstat(os.path.join(workspace, name)) for name in os.listdir(workspace)}
        return r, answers(r), found

    def test_none_is_left_on_the_host(self):
        def check(actor, options):
            r, said, found = self.attempt(actor, options)
            bad = {n: e for n, e in said.items() if not n.startswith("harmless")}
            self.assertGreater(len(bad), 14)
            for name, error in bad.items():
                self.assertEqual(error, errno.ENOSYS if "openat2" in name else errno.EPERM, name)
            self.assertEqual({e for n, e in said.items() if n.startswith("harmless")}, {0}, said)
            for name, st in found.items():
                self.assertEqual(st.st_mode & S_SPECIAL, 0, name)
                self.assertFalse(stat.S_ISCHR(st.st_mode) or stat.S_ISBLK(st.st_mode), name)
            self.assertIn("harmless_fifo", found)
            operations = {"fchmod", "fchmodat", "fchmodat2", "openat", "mkdirat", "mknodat",
                          "renameat2"}
            if os.uname().machine == "x86_64":
                operations |= {"chmod", "open", "creat", "mkdir", "mknod"}
            self.refused(r, "special_files", operations)
            modes = {d["target"] for d in r.report["denials"] if d["operation"] == "fchmodat"}
            self.assertEqual(modes, {"mode=S_ISUID", "mode=S_ISUID|S_ISGID|0755"})
        self.each_policy(check)

    def test_without_the_layer_they_are_all_left(self):
        """The control: with root's as the owner where root ran it."""
        def check(actor, options):
            # Devices meet Landlock as well, and the default policy.
            more = without("special_files", "landlock") if options else without("special_files")
            r, said, found = self.attempt(actor, more + options)
            devices = set() if options else {n for n in said if n.startswith("mknod")
                                             and n.endswith("whiteout")}
            # Linux 6.6 has fchmodat2.
            lacking = {n for n, e in said.items() if e == errno.ENOSYS and "fchmodat2" in n}
            for name, error in said.items():
                if name in lacking:
                    continue
                self.assertEqual(error, errno.EPERM if name in devices else 0, (name, repr(r)))
                if name in devices:
                    continue
                st = found[name]
                if "whiteout" in name:
                    self.assertTrue(stat.S_ISCHR(st.st_mode), name)
                elif "harmless" not in name and "mkdir" not in name:
                    # The kernel itself drops them from a mkdir.
                    self.assertNotEqual(st.st_mode & S_SPECIAL, 0, name)
                    self.assertEqual(st.st_uid, 0 if actor == "root" else
                                     os.stat(lib.room(actor)).st_uid, name)
        self.each_policy(check)

    def test_io_uring_is_no_way_round(self):
        """It would open files with modes that no filter sees."""
        for actor in lib.ACTORS:
            for options in (POLICIES["allow.json"], POLICIES["none"]):
                for layer in "special_files", "filter_attach":
                    r = lib.sandbox(options + without(layer), [lib.PROBE, "io_uring"], actor)
                    self.assertEqual(number(r), errno.ENOSYS, repr(r))
                r = lib.sandbox(options + without("special_files", "filter_attach"),
                                [lib.PROBE, "io_uring"], actor)
                self.assertIn(number(r), (0, errno.EPERM if self.io_uring_is_off() else 0), repr(r))

    def io_uring_is_off(self):
        path = "/proc/sys/kernel/io_uring_disabled"
        return os.path.exists(path) and open(path, encoding="ascii").read().strip() != "0"

    def test_what_lies_outside_cannot_be_brought_in(self):
        """A set-user-ID program of the host's: no link leads out of its mount, and a copy
        that keeps its mode is a chmod."""
        program = next((p for p in ("/usr/bin/su", "/usr/bin/passwd", "/usr/bin/mount")
                        if os.path.exists(p) and os.stat(p).st_mode & stat.S_ISUID), None)
        if not program:
            self.skipTest("no set-user-ID program here")
        def check(actor, options):
            workspace = lib.room(actor, 0o700)
            script = ("ln %s /w/linked; mv %s /w/moved; cp -p %s /w/copied; true"
                      % (program, program, program))
            self.ok(lib.sandbox(["--bind", workspace + ":/w"] + options,
                                ["--", "sh", "-c", script], actor))
            for name in os.listdir(workspace):
                self.assertEqual(os.lstat(os.path.join(workspace, name)).st_mode & S_SPECIAL, 0)
            self.assertNotIn("linked", os.listdir(workspace))
        self.each_policy(check)

    def test_one_that_was_there_loses_its_bits_when_written(self):
        for actor in lib.ACTORS:
            workspace = lib.room(actor, 0o700)
            path = lib.write(os.path.join(workspace, "there"), "old", 0o755, actor)
            os.chmod(path, 0o4755)
            self.ok(lib.sandbox(["--bind", workspace + ":/w"],
                                ["--", "sh", "-c", "echo new > /w/there"], actor))
            self.assertEqual(os.stat(path).st_mode & S_SPECIAL, 0)


class FilterAttach(PerPolicy):
    """One attempt each: more is what this layer is there against."""
    OPTIONS = {"SO_ATTACH_FILTER": (26, 0), "SO_ATTACH_BPF": (50, errno.EBADF),
               "SO_ATTACH_REUSEPORT_CBPF": (51, 0), "SO_ATTACH_REUSEPORT_EBPF": (52, errno.EBADF)}

    def test_socket_filters(self):
        def check(actor, options):
            for name, (option, unconfined) in self.OPTIONS.items():
                probe = [lib.PROBE, "attach", str(option)]
                r = lib.sandbox(options, probe, actor)
                self.assertEqual(number(r), errno.EPERM, repr(r))
                self.refused(r, "filter_attach", ["setsockopt"])
                self.assertEqual(r.report["denials"][0]["target"], "option=" + name)
                r = lib.sandbox(options + without("filter_attach"), probe, actor)
                self.assertEqual(number(r), unconfined, repr(r))
        self.each_policy(check)

    def test_bpf(self):
        def check(actor, options):
            r = lib.sandbox(options, [lib.PROBE, "bpf"], actor)
            self.assertEqual(number(r), errno.EPERM, repr(r))
            self.refused(r, "filter_attach", ["bpf"])
            # Without it the policy refuses, if there is one; else the kernel, whom it asks for.
            r = lib.sandbox(options + without("filter_attach"), [lib.PROBE, "bpf"], actor)
            told = [(d["layer"], d["operation"]) for d in r.report["denials"]]
            self.assertEqual(told, [] if options else [("seccomp", "bpf")], repr(r))
        self.each_policy(check)

    def test_other_options_pass(self):
        script = ("import socket as s; k = s.socket(s.AF_INET, s.SOCK_DGRAM)\n"
                  "k.setsockopt(s.SOL_SOCKET, s.SO_REUSEADDR, 1)\n"
                  "k.setsockopt(s.SOL_SOCKET, s.SO_RCVBUF, 4096)\n"
                  # 26 and 51 of another level
                  "k = s.socket(s.AF_INET6, s.SOCK_DGRAM)\n"
                  "k.setsockopt(s.IPPROTO_IPV6, s.IPV6_V6ONLY, 1)\n"
                  "k.setsockopt(s.IPPROTO_IPV6, s.IPV6_RECVHOPLIMIT, 1); print('fine')")
        for actor in lib.ACTORS:
            r = self.ok(lib.sandbox([], ["--", "python3", "-c", script], actor), "fine\n")
            self.assertEqual(r.report["denials"], [])

    def test_seccomp_filters(self):
        def check(actor, options):
            for way in "seccomp", "prctl":
                r = lib.sandbox(options, [lib.PROBE, "filter", way], actor)
                self.assertEqual(number(r), errno.EINVAL, repr(r))
                self.refused(r, "filter_attach", [way])
                r = lib.sandbox(options + without("filter_attach"), [lib.PROBE, "filter", way],
                                actor)
                self.assertEqual(number(r), 0, repr(r))
        self.each_policy(check)


class InitGuard(PerPolicy):
    """That init has an identity of its own is another wall: see the controls."""
    # probe, argument, the call, what the kernel says of it
    ATTEMPTS = (("set_priority", "0,1", "setpriority"),
                ("set_priority", "1,0", "setpriority"),
                ("set_priority", "2,59999", "setpriority"),
                ("set_ioprio", "1,1", "ioprio_set"),
                ("set_ioprio", "2,0", "ioprio_set"),
                ("set_ioprio", "3,59999", "ioprio_set"),
                ("set_scheduler", "scheduler,1", "sched_setscheduler"),
                ("set_scheduler", "param,1", "sched_setparam"),
                ("set_scheduler", "attr,1", "sched_setattr"),
                ("set_scheduler", "affinity,1", "sched_setaffinity"),
                ("limit_init", "1", "prlimit64"))

    def test_init_a_group_or_a_user(self):
        def check(actor, options):
            for probe, arg, call in self.ATTEMPTS:
                r = lib.sandbox(options, [lib.PROBE, probe, arg], actor)
                self.assertEqual(number(r), errno.EPERM, (probe, arg, repr(r)))
                self.refused(r, "init_guard", [call])
                # Without it the kernel is asked: its answer is no denial of the filter's.
                r = lib.sandbox(options + without("init_guard"), [lib.PROBE, probe, arg], actor)
                if options:
                    self.assertEqual(r.report["denials"], [], (probe, arg, repr(r)))
        self.each_policy(check)

    def test_a_group_and_an_unknown_user_were_reached_without_it(self):
        """The control that shows the kernel does look: done, or nobody found."""
        for actor in lib.ACTORS:
            for probe, arg, answer in (("set_priority", "1,0", 0),
                                       ("set_priority", "2,59999", (errno.ESRCH, errno.EINVAL)),
                                       ("set_ioprio", "2,0", 0)):
                r = lib.sandbox(BARE + without("init_guard"), [lib.PROBE, probe, arg], actor)
                self.assertIn(number(r), answer if isinstance(answer, tuple) else (answer,),
                              (probe, arg, repr(r)))

    def test_its_own_passes(self):
        for actor in lib.ACTORS:
            for probe, arg in (("set_priority", "0,0"), ("set_ioprio", "1,0"),
                               ("set_scheduler", "scheduler,0"), ("set_scheduler", "param,0"),
                               ("set_scheduler", "attr,0"), ("limit_init", "0")):
                r = lib.sandbox([], [lib.PROBE, probe, arg], actor)
                self.assertEqual(number(r), 0, (probe, arg, repr(r)))
                self.assertEqual(r.report["denials"], [])


class Report(lib.PerActor):
    def test_each_row_is_on_and_proved_whatever_the_policy(self):
        def check(actor):
            for options in POLICIES.values():
                r = self.ok(lib.sandbox(options, ["--", "true"], actor))
                for layer in lib.GUARD:
                    row = r.report["layers"][layer]
                    if layer in ("uncounted", "unix_sockets"):
                        continue
                    self.assertEqual(row["state"], "on", layer)
                    self.assertGreater(row["proof"], 1, layer)
        self.each(check)

    def test_without_all_there_is_no_filter(self):
        def check(actor):
            r = self.ok(lib.sandbox(lib.NO_FILTER, ["--", "grep", "Seccomp:", "/proc/self/status"],
                                    actor))
            self.assertEqual(r.out.split(), ["Seccomp:", "0"])
            for layer in lib.GUARD:
                self.assertIn(r.report["layers"][layer]["state"], ("left_out", "not_needed"))
            for layer in "coredump", "special_files", "init_guard", "filter_attach":
                rest = [o for o in lib.NO_FILTER if o != layer]
                rest = [o for i, o in enumerate(rest) if o != "--without" or
                        (i + 1 < len(rest) and rest[i + 1] != "--without")]
                r = self.ok(lib.sandbox(rest, ["--", "grep", "Seccomp:", "/proc/self/status"],
                                        actor))
                self.assertEqual(r.out.split(), ["Seccomp:", "2"], layer)
        self.each(check)


if __name__ == "__main__":
    lib.main()
