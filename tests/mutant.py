# SPDX-License-Identifier: Apache-2.0
"""One broken runner: made in a copy of the tree, built, and tried by a named check.

A check is one of
    tests/DIR/test_x.py Class.test_y   that test fails; with the word "hangs" behind it a
                                       command of the test's that never ends counts, too
    unit [NAME]                        that unit test fails
    selftest ATTACK                    `runner selftest` says that this attack FAILED
    proof LAYER [OPTIONS]              the proof before exec says that the layer does not hold
    setup LAYER [OPTIONS]              the kernel refuses the layer's set-up
    child                              tests/child_symbols.py finds more than system calls
    docs                               tests/docs.py fails
    build                              the compiler refuses it
A run that takes too long decides nothing: it is an error of the check, as is a check
that is skipped here.
"""
import json
import os
import re
import shutil
import subprocess

TREE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PYTHON = "/usr/bin/python3" if os.path.exists("/usr/bin/python3") else "python3"
LONG = 900  # seconds; only bounds what hangs
# A broken runner runs as it is. What it could break must not be the host's, and what it
# leaves must end with it: vm.memfd_noexec belongs to the pid namespace.
APART = ["unshare", "--uts", "--mount", "--ipc", "--pid", "--fork", "--kill-child", "--mount-proc"]

NOTICED, MISSED, BROKEN = "noticed", "missed", "error"


class Broken(Exception):
    """The row or its check is wrong; it says nothing about what is tested."""


class Skipped(Broken):
    """The check does not run here."""


def run(argv, apart=False, **kwargs):
    if apart and os.geteuid() == 0:
        argv = APART + argv
    try:
        kwargs.setdefault("stderr", subprocess.STDOUT)
        return subprocess.run(argv, stdout=subprocess.PIPE, text=True,
                              errors="replace", stdin=subprocess.DEVNULL, timeout=LONG, **kwargs)
    except subprocess.TimeoutExpired:
        raise Broken("%s: more than %d s, which decides nothing" % (" ".join(argv[-2:]), LONG))


class Tree:
    """A copy of the tree with its build, which is put back after each row."""

    def __init__(self, path, like=None):
        """From the tree as it is, or like another one, which saves building it again."""
        self.path = path
        self.build = os.path.join(path, "build")
        self.pristine = like.pristine if like else path + "-build"
        shutil.copytree(like.path if like else TREE, path, symlinks=True,
                        ignore=shutil.ignore_patterns("build", "build-*", ".git", "__pycache__"))
        if like:
            shutil.copytree(self.pristine, self.build)
        else:
            r = self.make("build/runner", "build/unit", "probes")
            if r.returncode != 0:
                raise Broken("the unbroken tree does not build:\n" + r.stdout[-2000:])
            shutil.copytree(self.build, self.pristine)
        self.times = {f: os.stat(f).st_mtime_ns for f in self.built()}

    def make(self, *targets):
        # Without the second copy of the code: the first is enough to break. Nor are
        # warnings errors here, as they may be for the make that started this.
        env = {k: v for k, v in os.environ.items()
               if k not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "BUILD", "SANITIZE")}
        return run(["make", "-C", self.path, "-j2", "EXPRESS=", "DEV=", "CFLAGS=-O1"] +
                   list(targets), env=env)

    def built(self):
        for room, _, names in os.walk(self.build):
            for name in names:
                yield os.path.join(room, name)

    def put_back(self):
        for f in list(self.built()):
            if os.stat(f).st_mtime_ns != self.times.get(f):
                kept = os.path.join(self.pristine, os.path.relpath(f, self.build))
                if os.path.exists(kept):
                    shutil.copy2(kept, f)
                    self.times[f] = os.stat(f).st_mtime_ns
                else:
                    os.unlink(f)

    def file(self, path):
        return os.path.join(self.path, path)

    def edit(self, edits):
        """Each place must be there, and once; {path: (text, times)} of what was there."""
        kept = {}
        for path, old, new in edits:
            full = self.file(path)
            if not os.path.exists(full):
                self.restore(kept)
                raise Broken("there is no %s" % path)
            with open(full, encoding="utf-8", newline="") as f:
                text = f.read()
            if text.count(old) != 1 or old == new:
                self.restore(kept)
                raise Broken("the place is in %s %d times: %r" % (path, text.count(old), old[:60]))
            st = os.stat(full)
            kept.setdefault(path, (text, (st.st_atime_ns, st.st_mtime_ns)))
            with open(full, "w", encoding="utf-8", newline="") as f:
                f.write(text.replace(old, new))
        return kept

    def restore(self, kept):
        for path, (text, times) in kept.items():
            with open(self.file(path), "w", encoding="utf-8", newline="") as f:
                f.write(text)
            os.utime(self.file(path), ns=times)


# -- the checks --------------------------------------------------------------------

def verdict(fails, words):
    return (NOTICED, words) if fails else (MISSED, words)


def by_test(tree, words):
    # Where the break is that something never ends, only that can be seen.
    hangs = words[2:] == ["hangs"]
    words = words[:2]
    env = dict(os.environ, BUILD="build", PYTHONDONTWRITEBYTECODE="1")
    for name in "RUNNER_SWEEP", "RUNNER_TABLE":
        env.pop(name, None)
    r = run([PYTHON, "-W", "ignore"] + words, apart=True, cwd=tree.path, env=env)
    m = re.search(r"^(-?\d+) passed, (\d+) failed, (\d+) skipped$", r.stdout, re.M)
    if not m:
        raise Broken("%s: did not get to its end:\n%s" % (" ".join(words), r.stdout[-800:]))
    passed, failed, skipped = map(int, m.groups())
    if "TimeoutExpired" in r.stdout and not hangs:
        raise Broken("%s: a command took too long, which decides nothing" % " ".join(words))
    if not failed and passed < 1 and skipped:
        raise Skipped("%s: is skipped here" % " ".join(words))
    if not failed and passed < 1:
        raise Broken("%s: there is no such test" % " ".join(words))
    lines = [l for l in r.stdout.splitlines() if re.match(r"\w*(Error|Exception)\b", l)]
    return verdict(failed, (lines or [""])[0][:90])


def by_unit(tree, words):
    name = " ".join(words)
    r = run([tree.file("build/unit"), tree.file("tests")], apart=True, cwd=tree.path)
    failed = unit_failures(r)
    if r.returncode not in (0, 1):
        return verdict(True, "it died (%d)" % r.returncode)
    if name and r.returncode == 0 and not unit_has(tree, name):
        raise Broken("there is no unit test '%s'" % name)
    return verdict(name in failed if name else failed, (failed or [""])[0])


def unit_failures(r):
    return re.findall(r"^Suite \S+, Test (.*) had failures", r.stdout, re.M)


def unit_has(tree, name):
    where = tree.file("tests/unit")
    for f in os.listdir(where):
        if f.endswith(".c"):
            with open(os.path.join(where, f), encoding="utf-8") as text:
                if '"%s"' % name in text.read():
                    return True
    return False


def by_selftest(tree, words):
    name = " ".join(words)
    r = run([tree.file("build/runner"), "selftest", "--report", "-"], apart=True)
    try:
        d = json.loads(r.stdout)
    except ValueError:
        raise Broken("selftest: %s" % r.stdout[-300:])
    attacks = {a["attack"]: a for a in d["attacks"]}
    if name == "every system call":
        return verdict(d["system_calls"]["wrong"], "%d wrong" % d["system_calls"]["wrong"])
    if name not in attacks:
        raise Broken("selftest has no attack '%s'" % name)
    a = attacks[name]
    if a["state"] == "absent":
        raise Skipped("selftest '%s': this kernel lacks what it needs" % name)
    # Its own exit status must say the same.
    return verdict(a["state"] == "failed" and r.returncode == 1, a["inside"])


def message(tree, options):
    r = run([tree.file("build/runner"), "exec", "--report", "-"] + options + ["--", "true"],
            apart=True, stderr=subprocess.PIPE)
    start = r.stdout.find("{\n")
    try:
        d = json.JSONDecoder().raw_decode(r.stdout[start:])[0] if start >= 0 else None
    except ValueError:
        d = None
    if d is None:
        raise Broken("runner exec: no report: %s" % (r.stderr or r.stdout)[-300:])
    return d["reason"], d["message"] or ""


def by_proof(tree, words):
    reason, text = message(tree, words[1:])
    wanted = "layer '%s' does not hold: " % words[0]
    # Which is nothing without a word for what does not hold.
    return verdict(reason == "setup_failed" and text.startswith(wanted) and
                   not text.startswith(wanted + ";"), "%s: %s" % (reason, text[:90]))


def by_setup(tree, words):
    reason, text = message(tree, words[1:])
    return verdict(reason == "setup_failed" and text.startswith("layer '%s'" % words[0]) and
                   "does not hold" not in text, "%s: %s" % (reason, text[:90]))


def by_child(tree, words):
    r = tree.make("check-child")
    return verdict(r.returncode != 0, r.stdout[-90:].strip())


def by_docs(tree, words):
    r = tree.make("check-docs")
    return verdict(r.returncode != 0, r.stdout[-90:].strip())


KINDS = {"unit": (by_unit, ["build/unit"]), "selftest": (by_selftest, ["build/runner"]),
         "proof": (by_proof, ["build/runner"]), "setup": (by_setup, ["build/runner"]),
         "child": (by_child, []), "docs": (by_docs, []), "build": (None, ["build/runner"])}


def targets_of(tree, path):
    """What a file of tests needs: of the second runner only where it asks for it."""
    with open(tree.file(path), encoding="utf-8") as f:
        text = f.read()
    return ["build/runner"] + (["probes"] if "runner-fields" in text else [
        "build/t/" + n for n in sorted(os.listdir(os.path.join(tree.pristine, "t")))
        if n != "runner-fields"])


def check(tree, test):
    """(NOTICED or MISSED, words); Broken when the check itself is no check."""
    words = test.split()
    if words[0].endswith(".py"):
        if not os.path.exists(tree.file(words[0])) or words[2:] not in ([], ["hangs"]):
            raise Broken("'%s': not a file of tests and one Class.test" % test)
        how, targets = lambda t, w: by_test(t, words), targets_of(tree, words[0])
    elif words[0] in KINDS:
        how, targets = KINDS[words[0]]
    else:
        raise Broken("'%s': not a check" % test)
    r = tree.make(*targets) if targets else None
    if r and r.returncode != 0:
        if words[0] == "build":
            return NOTICED, "the compiler refuses it"
        raise Broken("it does not build:\n" + r.stdout[-800:])
    return how(tree, words[1:]) if how else (MISSED, "it builds")


def find(tree):
    """Who notices, asked of those that are quick: for the author of a row."""
    r = tree.make("build/runner", "build/unit")
    if r.returncode != 0:
        return MISSED, "build: " + r.stdout[-800:]
    said = []
    for options in [], ["--profile", "probe"]:
        reason, text = message(tree, options)
        if reason != "exited":
            said.append("%s: %s" % (reason, text[:100]))
    r = run([tree.file("build/unit"), tree.file("tests")], apart=True, cwd=tree.path)
    said += ["unit " + name for name in unit_failures(r)]
    r = run([tree.file("build/runner"), "selftest"], apart=True)
    said += ["selftest " + l[11:40].strip() for l in r.stdout.splitlines()
             if l.startswith("FAILED")]
    return (NOTICED if said else MISSED), "\n         ".join([""] + said)


def try_row(tree, edits, tests):
    """Break it, and ask the checks named in turn until one notices. No checks: who would?"""
    said = []
    try:
        kept = tree.edit(edits)
    except Broken as e:
        return BROKEN, str(e)
    try:
        if not tests:
            return find(tree)
        for test in tests:
            state, words = check(tree, test)
            if state == NOTICED:
                return NOTICED, test + (" (%s)" % words if words else "")
            said.append("%s (%s)" % (test, words))
        return MISSED, "; ".join(said)
    except Broken as e:
        return BROKEN, str(e)
    finally:
        tree.restore(kept)
        tree.put_back()
