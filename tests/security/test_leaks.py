# SPDX-License-Identifier: Apache-2.0
"""What the payload can learn of the caller and the host: a word is planted, and looked for.

Each place a secret may come from holds a word of its own, which a program of the caller's
passes in. Inside, everything in /proc that can be read is read. Controls: the words are on
runner's own command line outside, and the search finds one that was given on purpose.
"""
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import lib

# Reads all of /proc once, as a program would that looks for WORD: names, links and contents.
SEARCH = r"""
import os, re, sys
pattern = re.compile(rb"wOrD[a-z]+")
found = {}
def look(path, data):
    for word in pattern.findall(data):
        place = re.sub(r"^/proc/(self|thread-self|\d+)", lambda m: "/proc/1" if m[1] == "1"
                       else "/proc/self", re.sub(r"/(task|fd|fdinfo)/\d+", r"/\1/N", path))
        found.setdefault(word.decode(), set()).add(place.replace("/task/N", ""))
files = 0
for top, names, leaves in os.walk("/proc"):
    if re.search("/(map_files|ns)$", top):
        names[:] = []
    for name in names + leaves:
        path = os.path.join(top, name)
        look(path, os.fsencode(name))
        try:
            if os.path.islink(path):
                look(path, os.fsencode(os.readlink(path)))
                continue
            if name in ("clear_refs", "kmsg", "pagemap", "mem") or not os.path.isfile(path):
                continue
            fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
            files += 1
            try:
                while True:
                    data = os.read(fd, 1 << 16)
                    if not data:
                        break
                    look(path, data)
            finally:
                os.close(fd)
        except OSError:
            pass
look("argv", " ".join(sys.argv).encode())
look("environ", " ".join("%s=%s" % e for e in os.environ.items()).encode())
look("uname", " ".join(os.uname()).encode())
print(files > 50)
for word in sorted(found):
    print(word, *sorted(found[word]))
"""

LINE = "runner init\0"
# One that reads init's line at once, as its first instruction nearly.
FIRST = "import sys; sys.stdout.write(open('/proc/1/cmdline').read())"


class CommandLine(lib.PerActor):
    def places(self, actor):
        """(options with a word in each, the words)"""
        d = lib.room(actor, 0o755)
        for name in ("wOrDbind", "wOrDro"):
            os.mkdir(os.path.join(d, name))
            lib.give(os.path.join(d, name), actor)
        report = os.path.join(d, "wOrDreport.json")
        script = lib.write(os.path.join(d, "wOrDscript.py"), SEARCH, 0o644, actor)
        return script, ["--report", report, "--env", "GIVEN=wOrDgiven", "--env", "X=wOrDvalue",
                        "--bind", d + "/wOrDbind:/b", "--ro-bind", d + "/wOrDro:/r"]

    def test_nothing_of_runners_command_line_is_inside(self):
        """But what the payload was given, and a bind's path where the kernel shows mounts."""
        def check(actor):
            script, options = self.places(actor)
            r = lib.sandbox(options, [script, "wOrDargument"], actor, report=False,
                            env=dict(os.environ, SECRET="wOrDsecret"))
            lines = r.out.splitlines()
            self.assertEqual(lines[:1], ["True"], repr(r))
            found = {line.split()[0]: set(line.split()[1:]) for line in lines[1:]}
            mounts = {"/proc/%s/%s" % (p, f) for p in ("1", "self")
                      for f in ("mountinfo", "mounts", "mountstats")}
            own = {"/proc/self/cmdline", "argv"}
            # Controls: what is given is found, so the search does find.
            self.assertIn("environ", found.pop("wOrDgiven"))
            self.assertIn("environ", found.pop("wOrDvalue"))
            self.assertIn("argv", found.pop("wOrDargument"))
            # As docs/threat-model.md says: the root of a bind's mount, and nothing else.
            for word in ("wOrDbind", "wOrDro"):
                self.assertTrue(found.get(word), repr(r))
                self.assertLessEqual(found.pop(word), mounts, word)
            # The script's name is its own first argument, without the directory.
            self.assertLessEqual(found.pop("wOrDscript", set()), own | {"/proc/self/mountinfo"})
            self.assertEqual(found, {}, repr(r))
        self.each(check)

    def test_the_words_are_there_outside(self):
        """Control: runner's own process has them, its init on the host does not."""
        def check(actor):
            p = subprocess.Popen(
                lib.as_actor(actor, [lib.RUNNER, "exec", "--env", "X=wOrDvalue", "--", "cat"]),
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
            try:
                p.stdin.write(b"started\n")
                p.stdin.flush()
                self.assertEqual(p.stdout.readline(), b"started\n")
                runner = descendants(p.pid, lambda line: "wOrDvalue" in line and "exec" in line)
                self.assertTrue(runner)
                inits = [q for q in descendants(p.pid, lambda line: line.startswith("runner init"))]
                self.assertEqual(len(inits), 1)
                with open("/proc/%d/cmdline" % inits[0], encoding="utf-8") as f:
                    self.assertEqual(f.read(), LINE)
            finally:
                p.communicate()
        self.each(check)

    def test_inits_line_at_the_first_moment(self):
        """Before the payload can look it is as it stays: over and over, on busy CPUs too."""
        def check(actor):
            for n in range(20):
                r = lib.sandbox([], ["--", "cat", "/proc/1/cmdline"], actor, report=False)
                self.assertEqual(r.out, LINE, repr(r))
        self.each(check)

    def test_arguments_short_and_long(self):
        """Shorter than init's line, and past what is copied into a buffer of its own."""
        d = lib.room()
        script = "#!/bin/sh\ncat /proc/1/cmdline\necho \"$0 $#$1\"\n"
        lib.write(d + "/s", script, 0o755)
        for env in ({}, {"A": "b"}, {"A": "b" * 100000}):
            r = subprocess.run([lib.RUNNER, "exec", "./s"], executable=lib.RUNNER, cwd=d, env=env,
                               stdout=subprocess.PIPE, text=True)
            self.assertEqual(r.stdout, LINE + "/app/s 0\n")
            r = subprocess.run(["r", "exec", "s"], executable=lib.RUNNER, cwd=d, env=env,
                               stdout=subprocess.PIPE, text=True)
            # As much of it as there was room for; never a word of what was there.
            room = len("r\0exec\0s\0") + sum(len(k) + len(v) + 2 for k, v in env.items())
            self.assertEqual(r.stdout, LINE[:min(room, len(LINE)) - 1] + "\0/app/s 0\n")
            word = "x" * 100000
            r = subprocess.run([lib.RUNNER, "exec", "./s", word], cwd=d, env=env,
                               stdout=subprocess.PIPE, text=True)
            self.assertEqual(r.stdout, LINE + "/app/s 1%s\n" % word)

    def test_the_payload_keeps_its_arguments_and_environment(self):
        """They lay in the very strings that init overwrites."""
        def check(actor):
            profile = lib.write(os.path.join(lib.room(), "p.json"),
                                '{"extends": "default", "env": {"pass": ["KEPT"]}}')
            for options in ([], ["--profile", profile]):
                r = lib.sandbox(options + ["--env", "SET=a=b c"],
                                ["--", "sh", "-c", 'echo "$0|$1|$SET|$KEPT"', "zero", "one"],
                                actor, env=dict(os.environ, KEPT="kept"))
                self.ok(r, "zero|one|a=b c|%s\n" % ("kept" if options else ""))
        self.each(check)


def descendants(pid, wanted):
    found = []
    todo = [pid]
    while todo:
        p = todo.pop()
        try:
            with open("/proc/%d/cmdline" % p, encoding="utf-8", errors="replace") as f:
                line = f.read()
            for task in os.listdir("/proc/%d/task" % p):
                with open("/proc/%d/task/%s/children" % (p, task), encoding="utf-8") as f:
                    todo += [int(c) for c in f.read().split()]
        except OSError:
            continue
        if wanted(line):
            found.append(p)
    return found


class Init(lib.PerActor):
    """What of pid 1 can be read inside; controls: the same files of one's own."""

    CLOSED = ("environ", "exe", "maps", "smaps", "stack", "auxv", "syscall", "mem", "fd", "ns/mnt",
              "cwd", "root", "io", "personality", "numa_maps", "map_files")

    def test_what_is_closed(self):
        code = """
import errno, os
for name in %r:
    row = []
    for pid in ("1", "self"):
        path = "/proc/%%s/%%s" %% (pid, name)
        try:
            if os.path.isdir(path) and not os.path.islink(path):
                os.listdir(path)
            elif name in ("exe", "cwd", "root", "ns/mnt"):
                os.readlink(path)
            else:
                with open(path, "rb") as f:
                    f.read(0 if name == "mem" else -1)
            row.append("ok")
        except OSError as e:
            row.append(errno.errorcode[e.errno])
    print(name, *row)
""" % (self.CLOSED,)

        def check(actor):
            s = lib.write(os.path.join(lib.room(actor), "s.py"), code, 0o644, actor)
            r = self.ok(lib.sandbox([], [s], actor))
            for name, init, own in [line.split() for line in r.out.splitlines()]:
                self.assertIn(init, ("EACCES", "EPERM", "ENOENT"), name)
                if init == "ENOENT":
                    self.assertEqual(own, "ENOENT", name)  # this kernel has no such file
                elif name != "stack":  # needs CAP_SYS_ADMIN of its owner, too
                    self.assertEqual(own, "ok", name)
        self.each(check)

    def test_its_name(self):
        for actor in lib.ACTORS:
            r = lib.sandbox([], ["--", "cat", "/proc/1/comm"], actor)
            self.assertEqual(r.out, "runner\n")


class Host(lib.PerActor):
    """Names and numbers of the machine and of the caller."""

    def inside(self, actor, *command):
        return self.ok(lib.sandbox([], ["--"] + list(command), actor)).out

    def test_names_of_the_host(self):
        def check(actor):
            host = os.uname().nodename
            self.assertNotEqual(self.inside(actor, "uname", "-n").strip(), host)
            for path in ("/etc/hostname", "/etc/machine-id", "/proc/sys/kernel/random/boot_id",
                         "/proc/sys/kernel/hostname", "/var/lib/dbus/machine-id", "/sys/class/dmi",
                         "/proc/cmdline", "/proc/version", "/proc/stat", "/proc/uptime"):
                r = lib.sandbox([], ["--", "cat", path], actor)
                self.assertNotEqual(r.status, 0, path)
                self.assertIn("No such file", r.err)
        self.each(check)

    def test_numbers_of_the_hosts_processes(self):
        """Only the sandbox's own numbers: in NSpid, in locks, in what a child is called."""
        def check(actor):
            out = self.inside(actor, "sh", "-c",
                              "grep -h ^NS /proc/self/status /proc/1/status; ls -d /proc/[0-9]*")
            for line in out.splitlines():
                m = re.match(r"NS\w+:\s+(.*)$", line)
                if m:
                    self.assertEqual(len(m[1].split()), 1, out)  # one namespace deep: ours
                    self.assertLess(int(m[1]), 100)
                else:
                    self.assertLess(int(line.rsplit("/", 1)[1]), 100)
        self.each(check)

    def test_ids_and_groups_of_the_caller(self):
        def check(actor):
            for name in ("loginuid", "sessionid"):
                outside = "/proc/self/" + name
                if not os.path.exists(outside):
                    continue
                value = self.inside(actor, "cat", outside)
                self.assertIn(int(value), (4294967295, 65534), "%s %s" % (name, value))
            self.assertEqual(self.inside(actor, "id", "-u").strip(), "1000")
        self.each(check)


if __name__ == "__main__":
    lib.main()
