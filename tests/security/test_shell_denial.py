# SPDX-License-Identifier: Apache-2.0
"""Shell denial, the suite of the fourth system that runner replaces: --program."""
import os
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import lib
from test_attacks import number
from test_replaced import Group


def run_by_python(*argv):
    """Python, which is allowed, executes that in its own place."""
    return ["python3", "-c", "import os, sys; os.execv(sys.argv[1], sys.argv[1:])"] + list(argv)


RENAME = """
import os, sys
os.chdir(sys.argv[1])
open("a", "w").close()
print("ready", flush=True)
while True:
    os.rename("a", "b")
    os.rename("b", "a")
"""


class ShellDenial(Group):
    """A few programs are allowed, and no shell: neither by name nor on any other way."""

    ALLOWED = ["python3", "git", "vim", "less"]
    LOADER = {"x86_64": "/lib64/ld-linux-x86-64.so.2",
              "aarch64": "/lib/ld-linux-aarch64.so.1"}.get(os.uname().machine)
    GOT = ["-c", "echo got"]
    COPY = ("import os, shutil\nshutil.copy('/usr/bin/bash', '/tmp/b')\n"
            "os.chmod('/tmp/b', 0o755)\nos.execv('/tmp/b', ['b', '-c', 'echo got'])")
    # name: the command, what stderr says when it is refused
    WAYS = {
        "by name": (run_by_python("/usr/bin/bash", *GOT), "Permission denied"),
        "by the loader": (run_by_python(LOADER, "/usr/bin/bash", *GOT), "failed to map segment"),
        "by another shell": (run_by_python("/bin/sh", *GOT), "Permission denied"),
        "by system(3)": (["python3", "-c", "import os; os.system('echo got')"], ""),
        "by subprocess": (["python3", "-c", "import subprocess as s; s.run(['bash', '-c', 'echo "
                           "got'], check=True)"], "Permission denied"),
        "by a hard link": (run_by_python("/linked/tool", *GOT), "Permission denied"),
        "by perl": (run_by_python("/usr/bin/perl", "-e", "print qq(got\\n)"),
                    "Permission denied"),
        "by git's alias": (["git", "-c", "alias.x=!echo got", "x"], "cannot exec"),
        "by git's editor": (["git", "-c", "core.editor=echo got #", "config", "--global",
                             "--edit"], "cannot exec"),
        "by vim": (["vim", "-es", "-u", "NONE", "-c", "!echo got", "-c", "qa!"], ""),
        "by less": (["less", "/etc/passwd"], ""),
    }

    def options(self, programs):
        bind = lib.room(mode=0o755)
        link = os.path.join(bind, "tool")
        try:
            os.link("/usr/bin/bash", link)
        except OSError:  # another file system, or protected_hardlinks
            shutil.copy("/usr/bin/bash", link)
        words = ["--ro-bind", bind + ":/linked", "--env", "LESSOPEN=||echo got %s", "--env",
                 "HOME=/tmp"]
        for program in programs:
            words += ["--program", program]
        return words

    def test_no_way_to_a_shell(self):
        tools = [p for p in self.ALLOWED if os.path.exists("/usr/bin/" + p)]
        for name, (command, refusal) in self.WAYS.items():
            if command[0] not in tools:
                continue
            for actor in lib.ACTORS:
                with self.subTest(way=name, actor=actor):
                    r = self.inside(["--"] + command, actor, self.options(tools))
                    self.assertNotIn("got", r.out, repr(r))
                    self.assertIn(refusal, r.err, repr(r))
                    self.assertEqual(r.report["layers"]["programs"]["state"], "on")
                    r = self.inside(["--"] + command, actor, self.options([]))
                    self.assertIn("got", r.out, repr(r))

    def test_what_it_wrote(self):
        """A copy, with the mount that lets it be executed left to it."""
        for actor in lib.ACTORS:
            command = ["--", "python3", "-c", self.COPY]
            r = self.inside(command, actor, ["--program", "python3", "--without", "noexec"])
            self.assertIn("Permission denied", r.err, repr(r))
            r = self.inside(command, actor, ["--tmpfs", "/tmp:64m:exec"])
            self.assertEqual(r.out, "got\n", repr(r))

    def test_either_wall_alone(self):
        """By name: the mounts without Landlock, and Landlock without the mounts' row."""
        for actor in lib.ACTORS:
            by_name = ["--"] + run_by_python("/usr/bin/bash", *self.GOT)
            for without in ("landlock", "programs"):
                r = self.inside(by_name, actor, ["--program", "python3", "--without", without])
                self.assertIn("Permission denied", r.err, repr(r))
            by_loader = ["--"] + run_by_python(self.LOADER, "/usr/bin/bash", *self.GOT)
            r = self.inside(by_loader, actor, ["--program", "python3", "--without", "programs",
                                               "--without", "landlock"])
            self.assertEqual(r.out, "got\n", repr(r))

    def test_what_is_named_works(self):
        for actor in lib.ACTORS:
            script = ("import json, sqlite3, ssl, subprocess\n"
                      "print(subprocess.run(['true']).returncode)\n")
            r = self.run_script(["--program", "python3", "--program", "true"], script, actor)
            self.assertEqual((r.out, r.status), ("0\n", 0), repr(r))
            # Only what is delivered.
            profile = lib.write(os.path.join(lib.room(), "p.json"),
                                '{"extends": "default", "programs": []}')
            r = lib.sandbox(["--profile", profile], [lib.TRUE], actor)
            self.assertEqual(r.status, 0, repr(r))
            # With its loader, or with its interpreter, which must be named.
            copy = os.path.join(lib.room(), "dynamic")
            shutil.copy("/usr/bin/true", copy)
            r = lib.sandbox(["--profile", profile], [copy], actor)
            self.assertEqual(r.status, 0, repr(r))
            script = lib.write(os.path.join(lib.room(), "s"), "#!/bin/sh\necho $0\n", 0o755)
            r = lib.sandbox(["--profile", profile], [script], actor)
            self.assertIn("interpreter is not named", r.err)
            r = lib.sandbox(["--profile", profile, "--program", "sh"], [script], actor)
            self.assertEqual(r.out, "/app/s\n", repr(r))
            r = lib.sandbox(["--profile", profile], ["--", "true"], actor)
            self.assertEqual(r.status, 126, repr(r))
            self.assertIn("--program true", r.report["hint"])

    def test_a_program_that_names_a_shell_as_its_loader(self):
        """What is handed in may be an ELF file whose PT_INTERP is /usr/bin/bash."""
        with open("/usr/bin/true", "rb") as f:
            program = f.read()
        self.assertEqual(program.count(self.LOADER.encode() + b"\0"), 1)
        path = os.path.join(lib.room(), "evil")
        for loader, status, words in ((b"/usr/bin/bash", 125, "as its loader, which is none"),
                                      (self.LOADER.encode(), 0, "")):
            old = self.LOADER.encode()
            with open(path, "wb") as f:
                f.write(program.replace(old + b"\0", loader.ljust(len(old) + 1, b"\0")))
            os.chmod(path, 0o755)
            for actor in lib.ACTORS:
                r = lib.sandbox(["--program", "sh"], [path], actor)
                self.assertEqual(r.status, status, repr(r))
                self.assertIn(words, r.err)

    def test_a_name_is_looked_up_inside(self):
        """Where PATH leads outside, a link of somebody else's may stand."""
        outside = lib.room(mode=0o755)
        os.symlink("/usr/bin/bash", os.path.join(outside, "git"))
        for actor in lib.ACTORS:
            options = ["--env", "PATH=%s:/usr/bin" % outside, "--program", "git"]
            r = lib.sandbox(options + ["--dry-run"], ["--", "git"], actor, report=False)
            self.assertNotIn("bash", r.out, repr(r))
            self.assertIn("/usr/bin/git", r.out)

    def test_a_root_file_system_with_links(self):
        """Named by a link inside; a link that leads outside leads nowhere."""
        for actor in lib.ACTORS:
            d = lib.room(actor)
            os.mkdir(os.path.join(d, "bin"))
            shutil.copy(lib.PROBE, os.path.join(d, "bin/real"))
            shutil.copy(lib.PROBE, os.path.join(d, "bin/other"))
            os.symlink("/bin/real", os.path.join(d, "bin/probe"))
            os.symlink("/../../../usr/bin/bash", os.path.join(d, "bin/out"))
            options = ["--rootfs", d, "--program", "/bin/probe"]
            r = lib.sandbox(options, ["--", "/bin/probe", "succeed"], actor)
            self.assertEqual(number(r), 0, repr(r))
            r = lib.sandbox(options, ["--", "/bin/other", "succeed"], actor)
            self.assertEqual(r.status, 126, repr(r))
            # Also while somebody on the host renames all the time: ".." is asked for again.
            busy = subprocess.Popen([sys.executable, "-c", RENAME, lib.room()],
                                    stdout=subprocess.PIPE)
            self.addCleanup(busy.stdout.close)
            self.addCleanup(busy.kill)
            self.assertEqual(busy.stdout.readline(), b"ready\n")
            for _ in range(20):
                r = lib.sandbox(["--rootfs", d, "--program", "/bin/out"], ["--", "/bin/out"],
                                actor)
                self.assertIn("program '/bin/out': not found inside", r.err)
            busy.kill()
            busy.wait()


if __name__ == "__main__":
    lib.main()
