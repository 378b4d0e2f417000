# SPDX-License-Identifier: Apache-2.0
"""What a process has without asking: each value of it, read from inside, against a table
written by hand. Where a value is the caller's own, the table says so."""
import ctypes
import json
import os
import resource
import signal
import socket
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import lib

# In the sandbox, by system calls and /proc: one JSON object.
READ = r"""import ctypes, json, os, resource, sys
libc = ctypes.CDLL(None, use_errno=True)
libc.prctl.argtypes = [ctypes.c_int] + [ctypes.c_ulong] * 4
libc.syscall.restype = ctypes.c_long
prctl = lambda n: libc.prctl(n, 0, 0, 0, 0)
read = lambda path: open(path).read()
status = lambda pid: {l.split(":")[0]: l.split(":", 1)[1].strip()
                      for l in read("/proc/%s/status" % pid).splitlines()}
umask = os.umask(0)
os.umask(umask)
domain = ctypes.create_string_buffer(65)
libc.getdomainname(domain, 65)
key = ctypes.create_string_buffer(256)
describe = libc.syscall(250, 6, ctypes.c_long(-3), key, 256, 0)
held = libc.syscall(250, 11, ctypes.c_long(-3), None, 0, 0)
print(json.dumps({
    "status": status("self"), "init": status(1),
    "limits": {n: resource.getrlimit(getattr(resource, n))
               for n in dir(resource) if n.startswith("RLIMIT_")},
    "umask": umask, "securebits": prctl(27), "dumpable": prctl(3), "keepcaps": prctl(7),
    "timerslack": prctl(30), "subreaper": None, "personality": libc.personality(0xffffffff),
    "nice": os.getpriority(os.PRIO_PROCESS, 0), "policy": os.sched_getscheduler(0),
    "oom_score_adj": int(read("/proc/self/oom_score_adj")),
    "stat": read("/proc/self/stat").rsplit(")", 1)[1].split(),
    "uid_map": read("/proc/self/uid_map").split(), "gid_map": read("/proc/self/gid_map").split(),
    "setgroups": read("/proc/self/setgroups").strip(),
    "pid": os.getpid(), "ppid": os.getppid(), "pgrp": os.getpgrp(), "sid": os.getsid(0),
    "uids": os.getresuid(), "gids": os.getresgid(), "groups": os.getgroups(),
    "host": os.uname().nodename, "domain": domain.value.decode(),
    "env": dict(os.environ), "argv": sys.argv, "cwd": os.getcwd(),
    "fds": {n: os.readlink("/proc/self/fd/" + n) for n in os.listdir("/proc/self/fd")
            if os.path.islink("/proc/self/fd/" + n)},
    "ns": {n: os.readlink("/proc/self/ns/" + n) for n in os.listdir("/proc/self/ns")},
    "cpus": sorted(os.sched_getaffinity(0)),
    "key": key.value.decode() if describe > 0 else None, "keys": held}))
"""
UNLIMITED = resource.RLIM_INFINITY
CAPS = ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")
# capabilities(7): NOROOT, NO_SETUID_FIXUP, NO_CAP_AMBIENT_RAISE, each locked; KEEP_CAPS locked.
SECUREBITS = 0b11101111
OWN = ("cgroup", "ipc", "mnt", "net", "pid", "pid_for_children", "user", "uts")
SHARED = ("time", "time_for_children")  # a clock's offset hides nothing


class Pins(lib.Scripts):
    def inside(self, actor, *options, **kwargs):
        r = lib.sandbox(list(options), [self.script(READ)], actor, **kwargs)
        self.assertEqual(r.status, 0, repr(r))
        return json.loads(r.out), r.report

    @staticmethod
    def generous():
        """A caller with more than the payload may get."""
        for name, value in ("MSGQUEUE", 4 << 20), ("RTPRIO", 5), ("NICE", 5), ("MEMLOCK", 1 << 30):
            try:
                resource.setrlimit(getattr(resource, "RLIMIT_" + name), (value, value))
            except (ValueError, OSError):
                pass # without CAP_SYS_RESOURCE; then the plan says what it would be

    def test_limits(self):
        """Each of getrlimit(2): what is set, and what is left as the caller has it."""
        def check(actor):
            tree = lib.has_cgroup(actor)
            # Rootless, init is counted with the payload's own.
            more = 0 if actor == "root" else 1
            for options, pids, data, files, cpu, size in (
                    ([], 64, 512 << 20, 1024, None, None),
                    (["--pids", "7", "--memory", "64m", "--open-files", "99", "--cpu-time", "300s",
                      "--file-size", "1m"], 7, 64 << 20, 99, 302, 1 << 20)):
                d, report = self.inside(actor, *options, preexec_fn=self.generous)
                wanted = {n: list(resource.getrlimit(getattr(resource, n)))
                          for n in dir(resource) if n.startswith("RLIMIT_")}
                wanted.update({
                    "RLIMIT_CORE": [1, 1], "RLIMIT_NOFILE": [files] * 2,
                    "RLIMIT_MEMLOCK": [65536] * 2, "RLIMIT_MSGQUEUE": [819200] * 2,
                    "RLIMIT_SIGPENDING": [1024] * 2, "RLIMIT_NICE": [0, 0],
                    "RLIMIT_RTPRIO": [0, 0]})
                if "RLIMIT_OFILE" in wanted:
                    wanted["RLIMIT_OFILE"] = wanted["RLIMIT_NOFILE"]
                if cpu:
                    wanted["RLIMIT_CPU"] = [cpu] * 2
                if size:
                    wanted["RLIMIT_FSIZE"] = [size] * 2
                if not tree:
                    wanted["RLIMIT_NPROC"] = [pids + more] * 2
                    wanted["RLIMIT_DATA"] = [data] * 2
                self.assertEqual(d["limits"], wanted)
                planned = {"nofile": files, "memlock": 65536, "msgqueue": 819200,
                           "sigpending": 1024, "rtprio": 0, "nice": 0}
                planned.update({"cpu": cpu} if cpu else {}, **({"fsize": size} if size else {}))
                planned.update({} if tree else {"nproc": pids + more, "data": data})
                self.assertEqual(report["layers"]["rlimits"]["detail"]["limits"], planned)
        self.each(check)

    def test_cpus(self):
        def check(actor):
            d, _ = self.inside(actor)
            self.assertEqual(d["cpus"], sorted(os.sched_getaffinity(0)))
            if not lib.has_cgroup(actor):
                d, _ = self.inside(actor, "--cpus", "0.5")
                self.assertEqual(len(d["cpus"]), 1)
                self.assertLessEqual(set(d["cpus"]), os.sched_getaffinity(0))
        self.each(check)

    def test_privileges(self):
        def check(actor):
            d, _ = self.inside(actor)
            for cap in CAPS:
                self.assertEqual(int(d["status"][cap], 16), 0, cap)
            # Of init's, rootless, one is a mark that the payload lacks: CAP_WAKE_ALARM (35).
            for cap in "CapInh", "CapEff", "CapAmb":
                self.assertEqual(int(d["init"][cap], 16), 0, cap)
            self.assertEqual(int(d["init"]["CapPrm"], 16), 0 if actor == "root" else 1 << 35)
            for who in "status", "init":
                self.assertEqual(d[who]["NoNewPrivs"], "1", who)
                self.assertEqual(d[who]["Seccomp"], "2", who)
                self.assertEqual(d[who]["TracerPid"], "0", who)
            if "Seccomp_filters" in d["status"]:
                self.assertEqual(int(d["status"]["Seccomp_filters"]), 1)
            self.assertEqual(d["securebits"], SECUREBITS)
            self.assertEqual((d["dumpable"], d["keepcaps"]), (1, 0))
        self.each(check)

    def test_identity(self):
        def check(actor):
            d, report = self.inside(actor)
            self.assertEqual((d["uids"], d["gids"]), ([1000] * 3, [1000] * 3))
            self.assertEqual(d["status"]["Uid"].split(), ["1000"] * 4)
            self.assertEqual(d["status"]["Gid"].split(), ["1000"] * 4)
            self.assertEqual(d["setgroups"], "deny")
            detail = report["layers"]["identity"]["detail"]
            for name, kind in ("uid_map", "uid"), ("gid_map", "gid"):
                first, host, count = d[name]
                self.assertEqual((first, count), ("1000", "1"), name)
                self.assertEqual(int(host), detail["host_" + kind], name)
                if actor == "root":
                    # Nobody's (systemd's table of id ranges).
                    self.assertTrue(0x70000000 <= int(host) <= 0x7fffffff, host)
                    self.assertEqual(d["groups"], [])
                else:
                    mine = lib.NOBODY.pw_uid if kind == "uid" else lib.NOBODY.pw_gid
                    if os.geteuid() != 0:
                        mine = os.geteuid() if kind == "uid" else os.getegid()
                    self.assertEqual(int(host), mine, name)
            d, _ = self.inside(actor, "--uid", "7", "--gid", "8")
            self.assertEqual((d["uids"], d["gids"]), ([7] * 3, [8] * 3))
            self.assertEqual((d["uid_map"][0], d["gid_map"][0]), ("7", "8"))
        self.each(check)

    def test_session(self):
        def check(actor):
            d, _ = self.inside(actor)
            self.assertEqual((d["pgrp"], d["sid"], d["ppid"]), (d["pid"], d["pid"], 1))
            # proc_pid_stat(5): fields 7 and 8, less the two before the closing parenthesis
            self.assertEqual(d["stat"][4:6], ["0", "-1"], "a controlling terminal")
            self.assertLessEqual(d["pid"], 3)
            self.assertEqual(d["argv"], ["/app/s.py"])
            self.assertEqual(d["cwd"], "/tmp")
        self.each(check)

    def test_as_the_caller_has_it(self):
        """How it is scheduled, and how soon the kernel would choose it to be killed."""
        def check(actor):
            d, _ = self.inside(actor)
            with open("/proc/self/oom_score_adj", encoding="ascii") as f:
                score = int(f.read())
            self.assertEqual(d["oom_score_adj"], score)
            self.assertEqual(d["nice"], os.getpriority(os.PRIO_PROCESS, 0))
            self.assertEqual(d["policy"], os.sched_getscheduler(0))
            self.assertEqual(d["personality"], 0)
            self.assertEqual(d["timerslack"], 50000)
        self.each(check)

    def test_what_a_careless_caller_leaves(self):
        """A mask of files and of signals, ignored signals, open files, a bad environment."""
        def dirty():
            os.umask(0o177)
            for s in signal.SIGUSR1, signal.SIGCHLD, signal.SIGQUIT, signal.SIGTSTP, signal.SIGRTMAX:
                signal.signal(s, signal.SIG_IGN)
            signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR2, signal.SIGTERM])
            os.dup2(1, 77, inheritable=True)

        def check(actor):
            env = dict(os.environ, SECRET="x", LD_LIBRARY_PATH="", PYTHONPATH="/x", TERM="dumb")
            d, _ = self.inside(actor, env=env, preexec_fn=dirty, close_fds=False)
            self.assertEqual(d["umask"], 0o022)
            self.assertEqual(d["status"]["Umask"], "0022")
            self.assertEqual(int(d["status"]["SigBlk"], 16), 0)
            # Python's own: it ignores SIGPIPE (13) and SIGXFSZ (25).
            self.assertEqual(int(d["status"]["SigIgn"], 16), 1 << 12 | 1 << 24)
            self.assertEqual(d["env"], {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": "/tmp",
                                        "USER": "user", "LANG": "C.UTF-8", "TERM": "dumb"})
            self.assertEqual(set(d["fds"]), {"0", "1", "2"})
            self.assertEqual(d["fds"]["0"], "/dev/null")
            for n in "1", "2":
                self.assertRegex(d["fds"][n], r"^pipe:\[\d+\]$")
        self.each(check)

    def test_namespaces(self):
        def check(actor):
            d, _ = self.inside(actor)
            outside = {n: os.readlink("/proc/self/ns/" + n) for n in os.listdir("/proc/self/ns")}
            self.assertEqual(set(d["ns"]), set(outside))
            for n in OWN:
                self.assertNotEqual(d["ns"][n], outside[n], n)
            for n in set(SHARED) & set(outside):
                self.assertEqual(d["ns"][n], outside[n], n)
            self.assertEqual(set(outside) - set(OWN) - set(SHARED), set())
            # The payload lives where init lives: nothing is made after it.
            self.assertEqual(d["ns"]["pid"], d["ns"]["pid_for_children"])
        self.each(check)

    def test_names(self):
        def check(actor):
            d, _ = self.inside(actor)
            self.assertEqual((d["host"], d["domain"]), ("runner", "(none)"))
            d, _ = self.inside(actor, "--hostname", "box")
            self.assertEqual((d["host"], d["domain"]), ("box", "(none)"))
            self.assertNotEqual(socket.gethostname(), "box")
        self.each(check)

    def test_the_hosts_domain_name(self):
        """Of NIS; in a UTS namespace of the test's own it may be set."""
        if os.geteuid() != 0:
            self.skipTest("setting it takes root")
        libc = ctypes.CDLL(None, use_errno=True)

        def named():
            if libc.unshare(0x4000000) != 0 or libc.setdomainname(b"secret.example", 14) != 0:
                os._exit(9)

        def check(actor):
            r = lib.run(["/usr/bin/python3", "-c", READ], actor, preexec_fn=named)
            self.assertEqual(json.loads(r.out)["domain"], "secret.example")
            d, _ = self.inside(actor, preexec_fn=named)
            self.assertEqual(d["domain"], "(none)")
        self.each(check)

    def test_keyring(self):
        """A session keyring of its own, with nothing in it; without the filter one may ask."""
        def check(actor):
            d, report = self.inside(actor, *lib.NO_FILTER)
            kind, uid, gid, _, name = d["key"].split(";")
            self.assertEqual((kind, uid, gid, name), ("keyring", "1000", "1000", "_ses"))
            self.assertEqual(d["keys"], 0)
            # With the filter there is no answer at all.
            self.assertIsNone(self.inside(actor)[0]["key"])
        self.each(check)


if __name__ == "__main__":
    lib.main()
