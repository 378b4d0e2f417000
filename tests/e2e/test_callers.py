# SPDX-License-Identifier: Apache-2.0
"""Many at once, from threads, and what becomes of a run when its caller ends."""
import os
import signal
import struct
import subprocess
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import lib


class Many(lib.Scripts):
    def test_sixty_four_at_once(self):
        def check(actor):
            running = [subprocess.Popen(
                lib.as_actor(actor, [lib.RUNNER, "exec", "--", "sh", "-c",
                                     "echo %d; exit %d" % (i, i)]),
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                text=True) for i in range(64)]
            for i, p in enumerate(running):
                out, err = p.communicate(timeout=300)
                self.assertEqual((p.returncode, out), (i, "%d\n" % i), err)
            if lib.has_cgroup(actor):
                self.assertEqual(lib.cgroups(actor), [])
        self.each(check)

    def test_sleepers_run_side_by_side(self):
        def check(actor):
            argv = lib.as_actor(actor, [lib.RUNNER, "exec", "--", "sh", "-c",
                                        "echo ready; read line; echo $line"])
            running = [subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True) for _ in range(5)]
            # None can end before all of them have begun.
            for p in running:
                self.assertEqual(p.stdout.readline(), "ready\n")
            for p in running:
                self.assertEqual(p.communicate("go\n", timeout=300)[0], "go\n")
        self.each(check)

    def test_from_threads(self):
        def check(actor):
            results = []

            def one(i):
                results.append((i, lib.sandbox([], ["--", "sh", "-c", "exit %d" % i], actor).status))
            threads = [threading.Thread(target=one, args=(i,)) for i in range(8)]
            for t in threads:
                t.start()
            for t in threads:
                t.join()
            self.assertEqual(sorted(results), [(i, i) for i in range(8)])
        self.each(check)


class Caller(lib.Scripts):
    """Who started it: when that process ends, the run does; a thread may end."""
    STARTER = """
import os, signal, subprocess, sys, threading, time
# Whoever runs the tests may have been started by nohup.
signal.signal(signal.SIGHUP, signal.SIG_IGN if sys.argv[1] == "alone" else signal.SIG_DFL)
def start():
    global p
    p = subprocess.Popen(sys.argv[2:], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                         stderr=subprocess.DEVNULL, text=True)
    assert p.stdout.readline() == "ready\\n"
t = threading.Thread(target=start)
t.start()
t.join()
print(p.pid, flush=True)
if sys.argv[1] == "thread":
    time.sleep(1)
    print(p.poll(), flush=True)
    p.kill()
"""

    def starter(self, how, actor):
        path = self.script(self.STARTER)
        argv = [sys.executable, path, how, lib.RUNNER, "exec", "--", "sh", "-c",
                               "echo ready; sleep 300"]
        return lib.run(argv, actor)

    def test_the_process_ends(self):
        def check(actor):
            r = self.starter("process", actor)
            self.assertTrue(lib.wait_until(lambda: not lib.alive(int(r.out)), 20), repr(r))
        self.each(check)

    def test_a_thread_ends(self):
        def check(actor):
            r = self.starter("thread", actor)
            self.assertEqual(r.out.splitlines()[1], "None", repr(r))
        self.each(check)

    def test_nohup_means_to_go_on(self):
        def check(actor):
            r = self.starter("alone", actor)
            pid = int(r.out)
            self.assertFalse(lib.wait_until(lambda: not lib.alive(pid), 0.5), repr(r))
            os.kill(pid, signal.SIGKILL)
        self.each(check)


class Limits(lib.PerActor):
    """Each limit of the caller's at tiny values: a run, or words that name it; never a crash."""
    HINTS = {"as": "-v", "data": "-d", "stack": "-s", "nofile": "-n", "nproc": "-u", "fsize": "-f"}
    VALUES = {
        "nofile": range(0, 26), "nproc": range(0, 6), "fsize": (0, 1, 100, 4096, 65536),
        "stack": (32 << 10, 64 << 10, 127 << 10, 128 << 10, 256 << 10),
        "memlock": (0, 4096), "sigpending": (0, 1), "msgqueue": (0, 1), "core": (0, 1, 4096),
        "rtprio": (0,), "nice": (0,), "cpu": (1, 2), "locks": (0, 1)}

    @staticmethod
    def needs():
        """Bytes that execve(2) maps of it: with less the kernel does not start a program at all."""
        with open(lib.RUNNER, "rb") as f:
            head = f.read(4096)
        at, size, count = struct.unpack_from("<Q", head, 32) + struct.unpack_from("<HH", head, 54)
        data = everything = 0
        for i in range(count):
            kind, flags, _, _, _, _, length, _ = struct.unpack_from("<IIQQQQQQ", head, at + i * size)
            if kind == 1:  # PT_LOAD
                everything += length + 8192
                data += length + 8192 if flags & 2 else 0
        return data, everything

    def test_each_at_tiny_values(self):
        room = lib.room()
        profile = lib.write(room + "/p.json", '{"extends": "default"}')
        runs = (["--", "echo", "ran"], ["--profile", profile, "--", "echo", "ran"],
                ["--seccomp", profile, "--", "echo", "ran"])
        data, everything = self.needs()
        values = dict(self.VALUES)
        # And what the C library takes before main, and for the stack.
        values["data"] = range(data + (192 << 10), data + (2 << 20), 128 << 10)
        values["as"] = range(everything + (512 << 10), everything + (4 << 20), 512 << 10)

        def check(actor):
            seen = set()
            for name, some in values.items():
                for value in some:
                    for command in runs:
                        r = lib.run(["prlimit", "--%s=%d:%d" % (name, value, value), lib.RUNNER,
                                     "exec"] + command, actor, timeout=60 * lib.PATIENCE)
                        if "failed to set" in r.err:
                            continue
                        case = "%s=%d %s: %r" % (name, value, command[0], r)
                        seen.add((name, r.status))
                        if r.status == 0:
                            self.assertEqual((r.out, r.err), ("ran\n", ""), case)
                            continue
                        self.assertEqual((r.status, r.out), (125, ""), case)
                        self.assertRegex(r.err, r"\Arunner: [^\n]+\nrunner: hint: [^\n]+\n\Z", case)
                        self.assertRegex(r.err, r"\(ulimit [^)]*%s" % self.HINTS[name], case)
            for name in self.HINTS:
                self.assertIn((name, 125), seen | {("as", 125)})
            for name in values:
                self.assertTrue({(name, 0)} & seen or name in ("nice", "rtprio", "nproc"), name)
        self.each(check)

    def test_the_words_for_none_left_reach_a_fifo(self):
        """To write there without waiting takes a pipe of runner's own, and there is none."""
        def check(actor):
            path = os.path.join(lib.room(actor), "f")
            os.mkfifo(path)
            lib.give(path, actor)
            reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
            writer = os.open(path, os.O_WRONLY)
            p = subprocess.Popen(lib.as_actor(actor, ["prlimit", "--nofile=0:0", lib.RUNNER,
                                                      "exec", "--", "true"]),
                                 stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=writer)
            os.close(writer)
            self.assertEqual(p.wait(60 * lib.PATIENCE), 125)
            self.assertIn("(ulimit -n)", os.read(reader, 4096).decode())
            os.close(reader)
        self.each(check)

    def test_the_other_verbs(self):
        for verb in (["doctor"], ["profile", "show", "default"], ["exec", "--help"]):
            for stack in (32, 64, 127):
                r = lib.run(["prlimit", "--stack=%d" % (stack << 10), lib.RUNNER] + verb)
                self.assertEqual((r.status, r.out), (125, ""), repr(r))
                self.assertIn("(ulimit -s 128)", r.err)
            self.assertIn(lib.run(["prlimit", "--stack=131072", lib.RUNNER] + verb).status, (0, 1))

    def test_what_is_deep(self):
        """It is not read level by level on a small stack."""
        room = lib.room()
        for depth, words in ((31, "must be an"), (32, "more than 32 levels deep"),
                             (200000, "more than 32 levels deep")):
            profile = lib.write(room + "/p.json", '{"env":' + "[" * depth + "]" * depth + "}")
            policy = lib.write(room + "/s.json", '{"syscalls":' + "[" * depth + "]" * depth + "}")
            for option, path in (("--profile", profile), ("--seccomp", policy)):
                r = lib.run(["prlimit", "--stack=131072", lib.RUNNER, "exec", option, path, "--",
                             "true"])
                self.assertEqual(r.status, 125, repr(r))
                self.assertIn(words if option == "--profile" or depth > 31 else "required", r.err)
        text = '{"extends": "default", "description": "' + "[" * 99 + '\\\\\\"' + "{" * 99 + '"}'
        r = lib.run([lib.RUNNER, "profile", "check", lib.write(room + "/t.json", text)])
        self.assertEqual(r.status, 0, repr(r))


class Scheduling(lib.Scripts):
    """A payload in its caller's real-time class would keep the CPUs from the supervisor."""
    TELL = "import os; print(os.sched_getscheduler(0), os.sched_getparam(0).sched_priority)"

    def test_a_real_time_class_is_not_handed_down(self):
        def check(actor):
            path = self.script(self.TELL)
            for how, policy in ("-f", os.SCHED_FIFO), ("-r", os.SCHED_RR):
                for options in [], ["--without", "rlimits", "--without", "session"]:
                    inside = lib.as_actor(actor, [lib.RUNNER, "exec"] + options + [path])
                    for argv, said in ((inside, "0 0"), ([sys.executable, path], "%d 10" % policy)):
                        r = subprocess.run(["chrt", how, "10"] + argv, stdin=subprocess.DEVNULL,
                                           stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
                        if "failed to set" in r.stderr:
                            self.skipTest("no real-time class here: " + r.stderr)
                        self.assertEqual((r.returncode, r.stdout), (0, said + "\n"), r.stderr)
        self.each(check)

    def test_a_lower_class_is(self):
        def check(actor):
            path = self.script(self.TELL)
            r = lib.run(["chrt", "-i", "0", lib.RUNNER, "exec", path], actor)
            self.assertEqual((r.status, r.out), (0, "%d 0\n" % os.SCHED_IDLE), repr(r))
        self.each(check)


if __name__ == "__main__":
    lib.main()
