# SPDX-License-Identifier: Apache-2.0
"""tests/golden/policy.tsv asked of the running kernel: each call with those arguments,
raw. (tests/unit/test_pinned.c asks the compiled program.)"""
import ctypes
import errno
import functools
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import lib

# Calls that would not come back, or not to the same place.
NOT_LIVE = {"exit", "exit_group", "pause", "rt_sigreturn", "vfork", "clone"}
# Strict mode: nobody who has a filter can take it.
STRICT = {("seccomp", "0"), ("prctl", "22")}
ANY = ["-1"] * 6
CHUNK = 24 # rows of one run: a report has room for them all


class Pin:
    def __init__(self, line):
        self.policy, self.call, args, self.answer, self.layer = line.split("\t")
        self.args = ANY if args == "-" else args.split(",")

    def word(self, numbers):
        return "/".join([str(numbers[self.call])] + self.args)

    def __repr__(self):
        return "%s(%s)" % (self.call, ", ".join(self.args))


@functools.cache
def table():
    with open(os.path.join(lib.HERE, "golden", "policy.tsv"), encoding="utf-8") as f:
        return [Pin(line.rstrip("\n")) for line in f if not line.startswith("#")]


@functools.cache
def numbers():
    """Of the kernel's own headers, where they are; else libseccomp's."""
    found = {}
    for path in ("/usr/include/x86_64-linux-gnu/asm/unistd_64.h",
                 "/usr/include/asm-generic/unistd.h"):
        if os.path.exists(path) and (os.uname().machine == "x86_64") == ("x86_64" in path):
            with open(path, encoding="ascii") as f:
                for line in f:
                    words = line.split()
                    if len(words) == 3 and words[1].startswith("__NR_") and words[2].isdigit():
                        found[words[1][5:]] = int(words[2])
    if found:
        return found
    try:
        resolve = ctypes.CDLL("libseccomp.so.2").seccomp_syscall_resolve_name
    except OSError:
        return {}
    return {p.call: resolve(p.call.encode()) for p in table() if resolve(p.call.encode()) >= 0}


def chunks(rows):
    return (rows[i:i + CHUNK] for i in range(0, len(rows), CHUNK))


class Live(lib.PerActor):
    def ask(self, rows, options, actor):
        argument = ",".join(pin.word(numbers()) for pin in rows)
        r = self.ok(lib.sandbox(options, [lib.PROBE, "raw", argument], actor))
        answers = [int(w) for w in r.out.split()[:-1]]
        self.assertEqual(len(answers), len(rows), repr(r))
        return answers, r.report

    def rows(self, policy, wanted):
        if not numbers():
            self.skipTest("neither linux-libc-dev nor libseccomp is installed")
        return [p for p in table() if p.policy == policy and wanted(p) and p.call in numbers()]

    def without_memfds(self, rows, actor):
        """Where the sysctl cannot be had, the layer memfd answers first."""
        by = self.ok(lib.sandbox([], ["--", "true"], actor)).report["layers"]["memfd"]["detail"]
        return [p for p in rows if p.call != "memfd_create" or by["by"] != "seccomp"]

    def refusals(self, policy, options):
        rows = self.rows(policy, lambda p: p.answer.startswith("E"))
        self.assertGreater(len(rows), 10)
        def check(actor):
            mine = self.without_memfds(rows, actor)
            for some in chunks(mine):
                answers, report = self.ask(some, options, actor)
                told = {(d["operation"], d["errno"], d["layer"]) for d in report["denials"]}
                for pin, answer in zip(some, answers):
                    error = getattr(errno, pin.answer)
                    self.assertEqual(answer, error, pin)
                    if pin.layer != "-":
                        self.assertIn((pin.call, error, pin.layer), told, pin)
                self.assertEqual({t[0] for t in told},
                                 {p.call for p in some if p.layer != "-"})
        self.each(check)

    def test_what_is_refused(self):
        self.refusals("default", lib.COUNTED)

    def test_what_is_answered(self):
        """Without the layer the kernel looks at the new limit, and finds no memory there."""
        rows = self.rows("default", lambda p: p.answer == "done")
        self.assertGreater(len(rows), 3)
        def check(actor):
            answers, report = self.ask(rows, lib.COUNTED, actor)
            self.assertEqual(set(answers), {0})
            self.assertEqual(report["denials"], [])
            answers, _ = self.ask(rows, lib.NO_FILTER, actor)
            self.assertEqual(set(answers), {errno.EFAULT})
        self.each(check)

    def test_what_is_allowed_gets_the_kernels_own_answer(self):
        """The same as without any filter."""
        rows = self.rows("default", lambda p: p.answer == "allow" and p.call not in NOT_LIVE
                         and (p.call, p.args[0]) not in STRICT)
        self.assertGreater(len(rows), 400)
        def check(actor):
            mine = self.without_memfds(rows, actor)
            for start in range(0, len(mine), 120):
                some = mine[start:start + 120]
                answers, report = self.ask(some, lib.COUNTED, actor)
                self.assertEqual(report["denials"], [])
                kernel, _ = self.ask(some, lib.NO_FILTER, actor)
                for pin, answer, own in zip(some, answers, kernel):
                    self.assertEqual(answer, own, pin)
        self.each(check)

    def test_processes_and_threads_are_made(self):
        """What the rows of clone(2) say, by those who call it."""
        script = ("import os, threading as t, subprocess as s\n"
                  "x = t.Thread(target=lambda: None); x.start(); x.join()\n"
                  "assert os.fork() == 0 or os.wait()\n"
                  "s.run(['true'], check=True)")
        def check(actor):
            r = self.ok(lib.sandbox([], ["--", "python3", "-c", script], actor))
            self.assertEqual(r.report["denials"], [])
        self.each(check)


class Real(lib.PerActor):
    """The policy takes nothing away that these live on."""
    COMMANDS = (("sh", "cd /tmp && echo a > b && cp -p b c && mv c d && tail -n 1 d && ln -s d e"),
                ("python3", "import asyncio, multiprocessing as m, socket, tempfile, sqlite3\n"
                            "a, b = socket.socketpair(); a.send(b'x'); b.recv(1)\n"
                            "asyncio.run(asyncio.sleep(0))\n"
                            "with m.Pool(2) as p: print(sum(p.map(abs, [-1, 2])))\n"
                            "tempfile.TemporaryFile().write(b'x')\n"
                            "sqlite3.connect('/tmp/db').execute('create table t (a)')"))

    def test_denials_stay_away(self):
        def check(actor):
            for program, script in self.COMMANDS:
                r = self.ok(lib.sandbox([], ["--", program, "-c", script], actor))
                self.assertEqual(r.report["denials"], [], repr(r))
        self.each(check)

    def test_who_would_watch_files_polls_instead(self):
        """inotify: told as a denial, and tail(1) goes on."""
        script = "echo first > /tmp/f; (sleep 0.2; echo second >> /tmp/f) & timeout 5 tail -f /tmp/f | head -n 2"
        def check(actor):
            r = lib.sandbox([], ["--", "sh", "-c", script], actor)
            self.assertEqual(r.out, "first\nsecond\n", repr(r))
            self.assertEqual({(d["operation"], d["layer"]) for d in r.report["denials"]},
                             {("inotify_init", "seccomp")}, repr(r))
        self.each(check)

    def test_a_policy_of_ones_own_grants_it_again(self):
        policy = lib.write(os.path.join(lib.ROOM, "watch.json"), """{"extends": "default",
            "syscalls": [{"names": ["inotify_init", "inotify_init1", "inotify_add_watch",
                "inotify_rm_watch"], "action": "SCMP_ACT_ALLOW"}]}""")
        script = ("import ctypes, os\n"
                  "c = ctypes.CDLL(None)\n"
                  "fd = c.inotify_init()\n"
                  "assert c.inotify_add_watch(fd, b'/usr/bin', 0x20) > 0, 'no watch'\n"
                  "print(fd >= 0, flush=True)\n"
                  "print(len(os.read(fd, 4096)) > 0)")
        def check(actor):
            r = lib.sandbox([], ["--", "python3", "-c", script], actor)
            self.assertEqual(r.out, "", repr(r))
            # The channel itself: the host opens a file below /usr/bin, and inside it is seen.
            argv = lib.as_actor(actor, [lib.RUNNER, "exec", "--seccomp", policy, "--", "python3",
                                        "-c", script])
            with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as p:
                self.assertEqual(p.stdout.readline(), "True\n")
                with open("/usr/bin/env", "rb"):
                    pass
                self.assertEqual(p.stdout.readline(), "True\n")
            self.assertEqual(p.returncode, 0)
        self.each(check)


class NoFork(Live):
    test_what_is_refused = None
    test_what_is_answered = None
    test_what_is_allowed_gets_the_kernels_own_answer = None
    test_processes_and_threads_are_made = None

    def test_what_needs_no_process_of_its_own(self):
        """The probe forks, so of no-fork only the program is asked; here, that it refuses."""
        def check(actor):
            r = lib.sandbox(["--seccomp", "no-fork"], [lib.PROBE, "fork"], actor)
            self.assertEqual(r.out, "%d\n" % errno.EPERM, repr(r))
        self.each(check)


if __name__ == "__main__":
    lib.main()
