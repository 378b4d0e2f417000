# SPDX-License-Identifier: Apache-2.0
"""What the report says of refused calls: which, whose, how often, and which one ended it."""
import errno
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import lib

# Numbers by name from the kernel's own table as libseccomp has it, inside through ctypes.
PRELUDE = """
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long
def call(nr, *args):
    "0, or the errno"
    r = libc.syscall(ctypes.c_long(nr), *[ctypes.c_ulong(a & (1 << 64) - 1) for a in args])
    return 0 if r >= 0 else ctypes.get_errno()
"""


def numbers():
    """Of the running architecture, by libseccomp's resolver: not by our own table."""
    import ctypes
    lib_ = ctypes.CDLL("libseccomp.so.2")
    return lambda name: lib_.seccomp_syscall_resolve_name(name.encode())


NR = numbers()
with open(os.path.join(lib.HERE, "..", "seccomp", "default.json"), encoding="utf-8") as f:
    POLICY = json.load(f)
# With every argument 0 these are refused, and the supervisor is asked.
REFUSED = {name for rule in POLICY["syscalls"] if rule.get("errnoRet", 38) != 38 and
           rule["action"] == "SCMP_ACT_ERRNO" and not rule.get("args") for name in rule["names"]
           } - {"clone"}
X86 = os.uname().machine == "x86_64"

# call, arguments, errno, layer, what the report must show
DECODED = [
    ("clone", [0x10000000 | 17, 0, 0, 0, 0], errno.EPERM, "seccomp", "flags=CLONE_NEWUSER|0x11"),
    ("unshare", [0x10020000], errno.EPERM, "seccomp", "flags=CLONE_NEWNS|CLONE_NEWUSER"),
    ("setns", [0, 0x40000000], errno.EPERM, "seccomp", "type=CLONE_NEWNET"),
    ("socket", [16, 3, 15], errno.EPERM, "seccomp",
     "domain=AF_NETLINK type=SOCK_RAW protocol=0xf"),
    ("socket", [16, 2, 0], errno.EAFNOSUPPORT, "seccomp",
     "domain=AF_NETLINK type=SOCK_DGRAM protocol=0x0"),
    ("socket", [2, 1, 262], errno.EPROTONOSUPPORT, "seccomp",
     "domain=AF_INET type=SOCK_STREAM protocol=IPPROTO_MPTCP"),
    ("socketpair", [16, 2, 0, 0], errno.EAFNOSUPPORT, "seccomp",
     "domain=AF_NETLINK type=SOCK_DGRAM"),
    ("ioctl", [0, 0x5412, 0], errno.EPERM, "seccomp", "request=TIOCSTI"),
    ("ioctl", [0, 0x5423, 0], errno.EPERM, "seccomp", "request=TIOCSETD"),
    ("memfd_create", [0, 0x10], errno.EACCES, "seccomp", "flags=MFD_EXEC"),
    ("personality", [0x400000], errno.EPERM, "seccomp", "persona=READ_IMPLIES_EXEC"),
    ("ptrace", [16, 1, 0, 0], errno.EPERM, "seccomp", "request=PTRACE_ATTACH"),
    ("keyctl", [11, 0, 0, 0], errno.EPERM, "seccomp", "operation=KEYCTL_READ"),
    ("mount", [0, 0, 0, 0x1000, 0], errno.EPERM, "seccomp", "flags=MS_BIND"),
    ("clock_settime", [0, 0], errno.EPERM, "seccomp", "clock=CLOCK_REALTIME"),
    ("clock_adjtime", [0, 0], errno.EPERM, "seccomp", "clock=CLOCK_REALTIME"),
    ("syslog", [3, 0, 0], errno.EPERM, "seccomp", "type=SYSLOG_ACTION_READ_ALL"),
    ("reboot", [0xfee1dead, 672274793, 0], errno.EPERM, "seccomp", None),
    ("prlimit64", [77, 7, 1, 0], errno.EPERM, "seccomp", "pid=77 resource=RLIMIT_NOFILE"),
    ("prlimit64", [1, 4, 1, 1], errno.EPERM, "coredump", "pid=1 resource=RLIMIT_CORE"),
    ("mknodat", [-100, 0, 0o020666, 259], errno.EPERM, "special_files", "mode=S_IFCHR|0666"),
    ("mkdirat", [-100, 0, 0o2755], errno.EPERM, "special_files", "mode=S_ISGID|0755"),
    ("openat", [-100, 0, 0o101, 0o4755], errno.EPERM, "special_files", "mode=S_ISUID|0755"),
    ("fchmod", [0, 0o6755], errno.EPERM, "special_files", "mode=S_ISUID|S_ISGID|0755"),
    ("fchmodat", [-100, 0, 0o2755], errno.EPERM, "special_files", "mode=S_ISGID|0755"),
    ("renameat2", [-100, 0, -100, 0, 4], errno.EPERM, "special_files", "flags=RENAME_WHITEOUT"),
    ("prlimit64", [1, 0, 1, 0], errno.EPERM, "init_guard", "pid=1 resource=RLIMIT_CPU"),
    ("setpriority", [2, 0, 19], errno.EPERM, "init_guard", "which=PRIO_USER who=0"),
    ("setpriority", [0, 1, 19], errno.EPERM, "init_guard", "which=PRIO_PROCESS who=1"),
    ("ioprio_set", [1, 1, 0x6000], errno.EPERM, "init_guard", "which=IOPRIO_WHO_PROCESS who=1"),
    ("sched_setscheduler", [1, 5, 0], errno.EPERM, "init_guard", "pid=1 policy=SCHED_IDLE"),
    ("sched_setparam", [1, 0], errno.EPERM, "init_guard", "pid=1"),
    ("sched_setattr", [1, 0, 0], errno.EPERM, "init_guard", "pid=1"),
    ("sched_setaffinity", [1, 8, 0], errno.EPERM, "init_guard", "pid=1"),
    ("bpf", [5, 0, 0], errno.EPERM, "filter_attach", "cmd=BPF_PROG_LOAD"),
    ("setsockopt", [0, 1, 26, 0, 0], errno.EPERM, "filter_attach", "option=SO_ATTACH_FILTER"),
    ("seccomp", [1, 0, 0], errno.EINVAL, "filter_attach", "operation=SECCOMP_SET_MODE_FILTER"),
    ("prctl", [22, 2, 0], errno.EINVAL, "filter_attach", "option=PR_SET_SECCOMP"),
] + ([
    ("mknod", [0, 0o060666, 259], errno.EPERM, "special_files", "mode=S_IFBLK|0666"),
    ("mkdir", [0, 0o2755], errno.EPERM, "special_files", "mode=S_ISGID|0755"),
    ("open", [0, 0o101, 0o4755], errno.EPERM, "special_files", "mode=S_ISUID|0755"),
    ("creat", [0, 0o4755], errno.EPERM, "special_files", "mode=S_ISUID|0755"),
    ("chmod", [0, 0o4755], errno.EPERM, "special_files", "mode=S_ISUID|0755"),
] if X86 else [])


class Report(lib.Scripts):
    def exact(self, report, calls):
        """Each refused call is in one row or among the dropped."""
        self.assertEqual(sum(d["count"] for d in report["denials"]) + report["denials_dropped"],
                         calls)

    def killing(self, *names):
        """The default policy, but these calls end the run."""
        rule = {"names": list(names), "action": "SCMP_ACT_KILL_PROCESS"}
        return lib.write(os.path.join(lib.room(), "policy.json"),
                         json.dumps({"extends": "default", "syscalls": [rule]}))

    def ended_by(self, r, operation, target):
        """By that call, and the report says it of exactly one."""
        self.assertEqual(r.report["reason"], "seccomp", repr(r))
        self.assertIn("(%s)" % operation, r.report["message"])
        self.assertIn("(%s)" % operation, r.err)
        [d] = [d for d in r.report["denials"] if d["ended_run"]]
        self.assertEqual((d["operation"], d["target"], d["errno"], d["count"]),
                         (operation, target, 0, 1))
        self.assertEqual(r.report["denials"][-1], d)
        self.fits(r.report, "report.schema.json")
        return d


class Rows(Report):
    def test_each_call_is_decoded(self):
        """What was tried, the errno the payload got, and what would grant it."""
        code = PRELUDE + "".join(
            "print(call(%d, *%r))\n" % (NR(name), args)
            for name, args, _, _, _ in DECODED)

        def check(actor):
            r = self.run_script(lib.COUNTED, code, actor)
            self.assertEqual([int(line) for line in r.out.split()], [e for _, _, e, _, _ in DECODED],
                             repr(r))
            rows = {(d["operation"], d["target"], d["errno"], d["layer"]): d for d in r.report["denials"]}
            filtered = r.report["layers"]["memfd"]["detail"]["by"] == "seccomp"
            for name, _, error, layer, target in DECODED:
                if name == "memfd_create" and filtered:
                    layer = "memfd"  # its block stands in front of the policy
                d = rows.pop((name, target, error, layer), None)
                self.assertIsNotNone(d, "%s %s: not in %s" % (name, target, sorted(map(str, rows))))
                self.assertEqual(d["count"], 1)
                self.assertEqual(d["error"], os.strerror(error))
                self.assertTrue(d["remedy"])
                self.assertFalse(d["ended_run"])
            self.assertEqual(rows, {})
            self.assertEqual(r.report["denials_dropped"], 0)
            self.fits(r.report, "report.schema.json")
        self.each(check)

    def test_memfds_are_told_where_a_rule_refuses_them(self):
        """A plain one as well; sealed ones pass. Where the sysctl refuses, nobody is asked."""
        code = PRELUDE + "buffer = ctypes.create_string_buffer(b'm')\n" + "".join(
            "print(call(%d, ctypes.addressof(buffer), %d))\n" % (NR("memfd_create"), flags)
            for flags in (0, 1, 8, 9))

        # MFD_NOEXEC_SEAL came with Linux 6.3; before, it is no flag.
        kernel = lib.run([sys.executable, "-c", code]).out.split()
        self.assertIn(kernel, (["0"] * 4, ["0", "0", "22", "22"]))

        def check(actor):
            r = self.ok(self.run_script(lib.COUNTED, code, actor))
            rows = [(d["layer"], d["target"], d["errno"], d["count"])
                    for d in r.report["denials"]]
            if r.report["layers"]["memfd"]["detail"]["by"] == "seccomp":
                self.assertEqual(r.out.split(), [str(errno.EACCES)] * 2 + kernel[2:])
                self.assertEqual(rows, [("memfd", "flags=0x0", errno.EACCES, 1),
                                        ("memfd", "flags=MFD_CLOEXEC", errno.EACCES, 1)])
            else:  # made, and sealed by the kernel
                self.assertEqual(r.out.split(), kernel)
                self.assertEqual(rows, [])
            r = self.ok(self.run_script(lib.COUNTED + ["--without", "memfd"], code, actor))
            self.assertEqual(r.out.split(), kernel)  # control
        self.each(check)

    def test_values_without_a_name_are_one_kind(self):
        code = PRELUDE + """
for family in range(1000, 2000):
    call(%d, family, 1, 0)
call(%d, 16, 1, 0)
""" % (NR("socket"), NR("socket"))

        def check(actor):
            r = self.run_script([], code, actor)
            self.assertEqual([(d["target"], d["count"]) for d in r.report["denials"]],
                             [("domain=0x3e8 type=SOCK_STREAM protocol=0x0 and others", 1000),
                              ("domain=AF_NETLINK type=SOCK_STREAM protocol=0x0", 1)])
            self.exact(r.report, 1001)
        self.each(check)

    def test_what_others_refuse_is_not_told(self):
        """As the manual says: a mount's flags, Landlock, what is not there, and ENOSYS."""
        code = PRELUDE + """
def attempt(act):
    try:
        act()
        return 0
    except OSError as e:
        return e.errno
open("/tmp/x", "w").write("#!/bin/sh\\n")
os.chmod("/tmp/x", 0o755)
print(attempt(lambda: open("/usr/x", "w")), attempt(lambda: os.execv("/tmp/x", ["x"])),
      attempt(lambda: os.stat("/etc/shadow")), attempt(lambda: os.setuid(0)), call(%d, 0, 0))
""" % NR("clone3")

        def check(actor):
            r = self.ok(self.run_script([], code, actor), "%d %d %d %d %d\n" % (
                errno.EROFS, errno.EACCES, errno.ENOENT, errno.EINVAL, errno.ENOSYS))
            self.assertEqual((r.report["denials"], r.report["denials_dropped"]), ([], 0))
        self.each(check)

    def test_nothing_refused_nothing_told(self):
        def check(actor):
            r = self.ok(lib.sandbox([], ["--", "true"], actor))
            self.assertEqual((r.report["denials"], r.report["denials_dropped"]), ([], 0))
        self.each(check)


class Floods(Report):
    # Every flag of unshare, setns and clone in every combination, every family and type:
    # more than a thousand kinds.
    JUNK = """
def junk():
    n = 0
    bits = [0x20000 << i for i in (0, 8, 9, 10, 11, 12)] + [0x40000000]
    for m in range(1, 128):
        flags = sum(b for i, b in enumerate(bits) if m >> i & 1)
        for nr, args in ((%(unshare)d, (flags,)), (%(setns)d, (0, flags)),
                         (%(clone)d, (flags, 0, 0, 0, 0)),
                         (%(mount)d, (0, 0, 0, m << 12, 0)),
                         (%(personality)d, (m << 16,)),
                         (%(keyctl)d, (m,)), (%(bpf)d, (m, 0, 0)), (%(ptrace)d, (m, 0, 0, 0)),
                         (%(socket)d, (16 + m, m, 0))):
            if call(nr, *args):
                n += 1
    return n
""" % {n: NR(n) for n in ("unshare", "setns", "clone", "mount", "personality", "keyctl",
                         "bpf", "ptrace", "socket")}

    def test_a_call_after_a_flood_of_kinds_has_its_row(self):
        code = PRELUDE + self.JUNK + """
n = junk()
n += call(%d, 1, 0, 0) > 0
print(n)
""" % NR("reboot")

        def check(actor):
            r = self.ok(self.run_script([], code, actor))
            self.assertGreater(int(r.out), 1000)
            self.assertEqual([(d["count"], d["errno"]) for d in r.report["denials"]
                              if d["operation"] == "reboot"], [(1, errno.EPERM)])
            self.assertGreater(r.report["denials_dropped"], 0)  # it was more than there is room for
            self.exact(r.report, int(r.out))
            self.fits(r.report, "report.schema.json")
        self.each(check)

    def test_the_call_that_ends_the_run_after_a_flood(self):
        code = PRELUDE + self.JUNK + """
print(junk(), flush=True)
call(%d, 0, 0, 0)
print("went on")
""" % NR("kcmp")

        def check(actor):
            r = self.run_script(["--seccomp", self.killing("kcmp")], code, actor)
            d = self.ended_by(r, "kcmp", None)
            self.assertEqual(d["comm"], "python3")
            self.assertEqual(len(r.out.split()), 1, repr(r))
            self.exact(r.report, int(r.out) + 1)
        self.each(check)

    def test_a_flood_from_several_processes(self):
        """At once, until the last has told how many it made: none is lost, none counted twice."""
        code = PRELUDE + self.JUNK + """
r, w = os.pipe()
for i in range(5):
    if os.fork() == 0:
        n = junk() + junk()
        os.write(w, b"%%d\\n" %% n)
        os._exit(0)
os.close(w)
total = sum(int(x) for x in os.fdopen(r).read().split())
call(%d, 16, 1, 0, 0)
print(total + 1)
""" % NR("process_madvise")

        def check(actor):
            r = self.ok(self.run_script([], code, actor))
            self.assertGreater(int(r.out), 10000)
            self.exact(r.report, int(r.out))
            self.assertEqual([d["count"] for d in r.report["denials"]
                              if d["operation"] == "process_madvise"], [1])
        self.each(check)

    def test_the_end_while_others_wait_for_an_answer(self):
        """The queue is full of calls when the killing one comes: it is still the one named."""
        code = PRELUDE + """
import threading
started = threading.Barrier(31)
def busy():
    started.wait()
    while True:
        call(%d, 16, 1, 0, 0)
for i in range(30):
    threading.Thread(target=busy, daemon=True).start()
started.wait()
for i in range(100):
    call(%d, 0, 0)
print("now", flush=True)
call(%d, 5, 0, 0)
print("went on", flush=True)
""" % (NR("ptrace"), NR("pivot_root"), NR("kcmp"))

        def check(actor):
            r = self.run_script(["--seccomp", self.killing("kcmp")], code, actor)
            self.assertEqual(r.out, "now\n", repr(r))
            self.ended_by(r, "kcmp", None)
            counts = {d["operation"]: d["count"] for d in r.report["denials"]}
            self.assertEqual(counts["pivot_root"], 100)
            self.assertGreater(counts["ptrace"], 0)
        self.each(check)

    def test_two_killing_calls_at_once(self):
        """One ended the run; the other, if it was seen, is told as what it is."""
        code = PRELUDE + """
import threading
started = threading.Barrier(9)
def end(nr):
    started.wait()
    call(nr, 0, 0, 0)
    print("went on", flush=True)
for i in range(8):
    threading.Thread(target=end, args=((%d, %d)[i & 1],), daemon=True).start()
started.wait()
threading.Event().wait()
""" % (NR("ptrace"), NR("kcmp"))

        def check(actor):
            r = self.run_script(["--seccomp", self.killing("ptrace", "kcmp")], code, actor)
            self.assertEqual(r.out, "", repr(r))
            [d] = [d for d in r.report["denials"] if d["ended_run"]]
            self.ended_by(r, d["operation"], d["target"])
            self.assertEqual({d["errno"] for d in r.report["denials"]}, {0})
        self.each(check)

    def test_numbers_that_are_no_calls(self):
        """A policy that answers the unknown with EPERM is asked about them, too."""
        policy = lib.write(os.path.join(lib.room(), "policy.json"),
                           json.dumps(dict(POLICY, defaultErrnoRet=1)))
        code = PRELUDE + """
n = 0
for nr in range(3000, 5000):
    n += call(nr) == 1
n += call(%d, 0, 0, 0) == 1
print(n)
""" % NR("kcmp")

        def check(actor):
            r = self.ok(self.run_script(["--seccomp", policy], code, actor))
            self.assertEqual(int(r.out), 2001)
            self.assertIn("kcmp", [d["operation"] for d in r.report["denials"]])
            self.assertIn("syscall 3000", [d["operation"] for d in r.report["denials"]])
            self.assertEqual(r.report["denials_dropped"] +
                             sum(d["count"] for d in r.report["denials"]
                                 if d["operation"].startswith("syscall ")), 2000)
            self.assertGreater(r.report["denials_dropped"], 1900)
        self.each(check)

    def test_a_report_of_the_most_rows_is_whole(self):
        """Every call that the policy refuses, in as many kinds as there is room for."""
        code = PRELUDE + self.JUNK + """
n = junk()
for nr in %r:
    n += call(nr, 0, 0, 0, 0, 0, 0) > 0
print(n)
""" % sorted(nr for nr in map(NR, REFUSED) if nr >= 0)

        def check(actor):
            r = self.ok(self.run_script([], code, actor))
            rows = r.report["denials"]
            self.assertGreater(len(rows), 64 + 40)
            self.exact(r.report, int(r.out))
            self.fits(r.report, "report.schema.json")
            self.assertEqual(len({(d["layer"], d["operation"], d["target"], d["errno"])
                                  for d in rows}),
                             len(rows))
            # As long as this holds, a full disk does not lose it (see report_place.c).
            self.assertLess(len(json.dumps(r.report, indent=2)), 64 * 1024)
        self.each(check)


if __name__ == "__main__":
    lib.main()
