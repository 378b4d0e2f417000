# SPDX-License-Identifier: Apache-2.0
"""What the end-to-end and security tests share.

The program under test is copied to a directory everyone may enter, so that the
same test runs as root and as an ordinary user. A test states one property; it
waits for events, never for time to pass.
"""
import atexit
import json
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

import own_root

HERE = os.path.dirname(os.path.abspath(__file__))
BUILD = os.environ.get("BUILD", os.path.join(os.path.dirname(HERE), "build"))
# An emulated machine is some thirty times slower; what hangs, hangs there, too.
PATIENCE = 30 if os.environ.get("RUNNER_SLOW") else 1
NOBODY = pwd.getpwnam("nobody")

own_root.take_if_needed()
ROOM = tempfile.mkdtemp(prefix="runner-test-")
atexit.register(shutil.rmtree, ROOM, ignore_errors=True)
os.chmod(ROOM, 0o755)
for name in ("runner", "t/probe", "t/true"):
    shutil.copy(os.path.join(BUILD, name), ROOM)
RUNNER = os.path.join(ROOM, "runner")
PROBE = os.path.join(ROOM, "probe")
TRUE = os.path.join(ROOM, "true")

# "root" and "user", as far as we may take their part.
ACTORS = ["root", "user"] if os.geteuid() == 0 else ["user"]

# What the filter is made of: the policy, and the guard that stands in front of it too.
# Where no cgroup counts, what cannot be counted is refused before any other row answers.
COUNTED = ["--without", "uncounted"]
GUARD = ["coredump", "special_files", "init_guard", "filter_attach", "unix_sockets",
         "uncounted"]
NO_FILTER = [w for layer in GUARD + ["seccomp", "memfd"] for w in ("--without", layer)]


def as_actor(actor, argv):
    """The command, run by that actor."""
    if actor == "user" and os.geteuid() == 0:
        return ["setpriv", "--reuid", str(NOBODY.pw_uid), "--regid", str(NOBODY.pw_gid),
                "--clear-groups", "--"] + argv
    return argv


class Result:
    def __init__(self, process, report):
        self.status = process.returncode
        self.out = process.stdout
        self.err = process.stderr
        self.report = report

    def __repr__(self):
        return "status %d\nstdout: %.2000r\nstderr: %.2000r\nreason: %s" % (
            self.status, self.out, self.err, (self.report or {}).get("reason"))


def run(argv, actor="root", timeout=120 * PATIENCE, stdin=subprocess.DEVNULL, **kwargs):
    """Run a command as that actor; text in and out."""
    process = subprocess.run(as_actor(actor, argv), stdin=stdin, stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, timeout=timeout, text=True,
                             errors="surrogateescape", **kwargs)
    return Result(process, None)


def sandbox(options, command, actor="root", report=True, **kwargs):
    """runner exec OPTIONS COMMAND; .report is the parsed report."""
    room = tempfile.mkdtemp(dir=ROOM)
    os.chmod(room, 0o777)
    path = os.path.join(room, "report.json")
    # The default wall time is meant to be long, and is not on an emulated CPU.
    if PATIENCE > 1 and not {"--timeout", "--profile"} & set(options):
        options = ["--timeout", "10m"] + options
    argv = [RUNNER, "exec"] + (["--report", path] if report else []) + options + command
    result = run(argv, actor, **kwargs)
    if os.path.exists(path):
        with open(path, encoding="utf-8") as f:
            result.report = json.load(f)
    shutil.rmtree(room, ignore_errors=True)
    return result


def doctor(actor, layer):
    """What doctor says of a layer, to that actor."""
    return json.loads(run([RUNNER, "doctor", "--json"], actor).out)["layers"][layer]


def has_cgroup(actor):
    return doctor(actor, "cgroup")["state"] == "ok"


def cgroup_base(actor):
    """The directory below which the actor's runs get their cgroups."""
    return doctor(actor, "cgroup")["detail"].split(" below ")[1]


def cgroups(actor):
    return [n for n in os.listdir(cgroup_base(actor)) if n.startswith("runner-")]


def needs_strace(case):
    """For errors that are put into a run; what is undumpable only root can trace so."""
    if os.geteuid() != 0 or not shutil.which("strace"):
        case.skipTest("needs root, and strace")
    if run(["strace", "-o", "/dev/null", "true"]).status != 0:
        case.skipTest("strace does not work here")


def wait_until(condition, seconds):
    """Poll for the event; the deadline only bounds a failure."""
    end = time.monotonic() + seconds * PATIENCE
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.002)
    return condition()


def alive(pid):
    """A zombie is dead; when its new parent notices is not ours to say."""
    try:
        with open("/proc/%d/stat" % pid, encoding="utf-8", errors="replace") as f:
            return f.read().rsplit(")", 1)[1].split()[0] not in "ZX"
    except OSError:
        return False


def processes(word):
    """Those with that word in their command line: others' come and go."""
    found = 0
    for n in os.listdir("/proc"):
        try:
            with open("/proc/%s/cmdline" % n, "rb") as f:
                found += n.isdigit() and word.encode() in f.read()
        except OSError:
            pass  # gone, or none
    return found


def room(actor="root", mode=0o755):
    """A fresh directory that belongs to the actor; removed at the end."""
    path = tempfile.mkdtemp(dir=ROOM)
    give(path, actor)
    os.chmod(path, mode)
    return path


def give(path, actor):
    """Make a file the actor's own; as an ordinary user it is that already."""
    if actor == "user" and os.geteuid() == 0:
        os.chown(path, NOBODY.pw_uid, NOBODY.pw_gid)


def write(path, text, mode=0o644, actor="root"):
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    os.chmod(path, mode)
    give(path, actor)
    return path


class Case(unittest.TestCase):
    """A test that shows the whole result when it fails."""

    def ok(self, result, out=None):
        self.assertEqual(result.status, 0, repr(result))
        if out is not None:
            self.assertEqual(result.out, out, repr(result))
        return result


    def fits(self, data, schema):
        """By a schema of docs/."""
        try:
            import jsonschema
        except ImportError:
            self.skipTest("python3-jsonschema is not installed")
        with open(os.path.join(HERE, "..", "docs", schema), encoding="utf-8") as f:
            jsonschema.validate(data, json.load(f))


class PerActor(Case):
    """Runs a check once for each actor we may be."""

    def each(self, check):
        for actor in ACTORS:
            with self.subTest(actor=actor):
                check(actor)


class Scripts(PerActor):
    def script(self, text):
        return write(os.path.join(room("root", 0o755), "s.py"), text)

    def run_script(self, options, text, actor, *args):
        return sandbox(options, [self.script(text)] + list(args), actor)


def main():
    """Run the tests of the calling file; end with the line CI counts."""
    program = unittest.main(exit=False, module="__main__", verbosity=1)
    r = program.result
    # Tests, not their parts: one may fail for each actor.
    ids = [{getattr(t, "test_case", t).id() for t, _ in found}
           for found in (r.failures + r.errors, r.skipped)]
    failed, skipped = len(ids[0]), len(ids[1] - ids[0])
    print("%d passed, %d failed, %d skipped" % (r.testsRun - failed - skipped, failed, skipped))
    for test, reason in r.skipped:
        print("skipped: %s: %s" % (test, reason))
    sys.exit(1 if failed else 0)
