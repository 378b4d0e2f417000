#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Break runner on purpose, one place at a time: the check named with it must notice.

    mutate.py [--mode sample|by_hand|all] [--seed N] [--list] [--find] [NAME...]

The rows are in tests/mutations/*.py: MUTATIONS = [(name, file, old, new, [check...])] by
hand, or (name, [(file, old, new)...], [check...]) for several places at once, and
generate(read) for those that come from a list in the source. tests/mutant.py says what
a check is. Names choose the rows whose name or file (of tests/mutations) they are part
of. --find tells who of proof, set-up, unit tests and selftest notices, whatever is named.

First each check must pass on the tree as it is; so neither a busy machine nor a check
that always fails can be taken for a notice. Nothing is decided by time.
"""
import argparse
import concurrent.futures
import importlib.util
import os
import random
import shutil
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import mutant

SAMPLE = 50  # rows by hand, and as many generated ones: some minutes of two CPUs
# What a broken runner could change on the host, if it ran outside of all namespaces.
HOST = ["/proc/sys/kernel/hostname", "/proc/sys/user/max_user_namespaces",
        "/proc/sys/vm/memfd_noexec"]


class Row:
    def __init__(self, name, edits, tests, generated, source):
        self.name, self.edits, self.tests = name, edits, tests
        self.generated, self.source = generated, source


def normal(raw, generated, source):
    if len(raw) == 5:
        name, path, old, new, tests = raw
        edits = [(path, old, new)]
    else:
        name, edits, tests = raw
    tests = [tests] if isinstance(tests, str) else list(tests or [])
    return Row(name, list(edits), tests, generated, source)


def read(path):
    with open(os.path.join(mutant.TREE, path), encoding="utf-8", newline="") as f:
        return f.read()


def load():
    rows = []
    where = os.path.join(mutant.TREE, "tests/mutations")
    for file in sorted(os.listdir(where)):
        if not file.endswith(".py"):
            continue
        spec = importlib.util.spec_from_file_location("mutations_" + file[:-3],
                                                      os.path.join(where, file))
        module = importlib.util.module_from_spec(spec)
        sys.dont_write_bytecode = True
        spec.loader.exec_module(module)
        rows += [normal(m, False, file) for m in getattr(module, "MUTATIONS", [])]
        if hasattr(module, "generate"):
            rows += [normal(m, True, file) for m in module.generate(read)]
    names = [r.name for r in rows]
    for name in set(names):
        if names.count(name) > 1:
            sys.exit("mutate: two rows are called '%s'" % name)
    return rows


def choose(rows, a):
    """Names leave those that they are part of; then the mode chooses, if it was given."""
    for n in a.names:
        if not any(n in r.name or n + ".py" == r.source for r in rows):
            sys.exit("mutate: no row is called '%s'" % n)
    if a.names:
        rows = [r for r in rows if any(n in r.name or n + ".py" == r.source for n in a.names)]
    if a.mode == "all" or (a.names and a.mode == "sample"):
        return rows
    if a.mode == "by_hand":
        return [r for r in rows if not r.generated]
    chosen, chance = [], random.Random(a.seed)
    for generated in False, True:
        kind = [r for r in rows if r.generated == generated]
        chosen += chance.sample(kind, min(SAMPLE, len(kind)))
    print("%d of %d rows, chosen by --seed %d (the number of today)" % (
        len(chosen), len(rows), a.seed))
    return chosen


class Trees(threading.local):
    """Each worker's own copy."""
    made = []
    work = None

    def get(self):
        if not hasattr(self, "tree"):
            self.tree = Trees.made.pop()
        return self.tree


def host_state():
    state = {}
    for path in HOST:
        try:
            with open(path, encoding="utf-8") as f:
                state[path] = f.read()
        except OSError:
            pass
    with open("/proc/self/mountinfo", encoding="utf-8") as f:
        state["the number of mounts"] = str(len(f.readlines()))
    return state


def passes(trees, test):
    """The unbroken tree's answer: None, or what is wrong with the check."""
    try:
        state, words = mutant.check(trees.get(), test)
    except mutant.Skipped as e:
        return "skipped: %s" % e
    except mutant.Broken as e:
        return str(e)
    return None if state == mutant.MISSED else "it fails on the tree as it is: " + words


def work_off(pool, todo, done):
    futures = {pool.submit(f): key for key, f in todo}
    for f in concurrent.futures.as_completed(futures):
        done(futures[f], f.result())


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--mode", choices=("sample", "by_hand", "all"),
                   default=os.environ.get("MUTATE") or "sample")
    p.add_argument("--seed", type=int, default=int(time.time()) // 86400)
    p.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    p.add_argument("--list", action="store_true")
    p.add_argument("--find", action="store_true")
    p.add_argument("names", nargs="*")
    a = p.parse_args()
    # The mounts that are counted below are then nobody else's.
    if os.geteuid() == 0 and not os.environ.get("RUNNER_MUTATE_APART"):
        os.environ["RUNNER_MUTATE_APART"] = "1"
        os.execvp("unshare", ["unshare", "--mount", sys.executable] + sys.argv)
    rows = load()
    if a.list:
        for r in rows:
            print("%-16s %-60s %s" % (r.source, r.name, "; ".join(r.tests)))
        print("%d rows, %d by hand" % (len(rows), sum(not r.generated for r in rows)))
        return 0
    if os.geteuid() == 0:
        os.setgroups([4, 24])  # what a login gives root, and the payload must not have
    elif not a.names:
        print("not root: checks of what only root's runs pass are skipped")
    chosen = choose(rows, a)
    for r in chosen if a.find else []:
        r.tests = []
    before, began = host_state(), time.monotonic()
    Trees.work = tempfile.mkdtemp(prefix="runner-mutate-")
    trees, bad, skipped = Trees(), {}, []
    results = {mutant.NOTICED: 0, mutant.MISSED: [], mutant.BROKEN: []}
    try:
        Trees.made = [mutant.Tree(os.path.join(Trees.work, "tree"))]
        for n in range(1, a.jobs):
            Trees.made.append(mutant.Tree(os.path.join(Trees.work, "tree%d" % n), Trees.made[0]))
        with concurrent.futures.ThreadPoolExecutor(a.jobs) as pool:
            if not a.find:
                tests = sorted({t for r in chosen for t in r.tests})
                work_off(pool, [(t, lambda t=t: passes(trees, t)) for t in tests],
                         lambda t, words: bad.__setitem__(t, words) if words else None)
                for t, words in sorted(bad.items()):
                    print("ERROR    %s: %s" % (t, words), flush=True)

            def one(r):
                if not r.tests and not a.find:
                    return mutant.BROKEN, "no check is named"
                wrong = [t for t in r.tests if t in bad]
                if wrong:
                    return mutant.BROKEN, "its check is none here: " + bad[wrong[0]]
                return mutant.try_row(trees.get(), r.edits, r.tests)

            def done(r, result):
                state, words = result
                print("%-8s %-58s %s" % (
                    {mutant.NOTICED: "ok", mutant.MISSED: "MISSED", mutant.BROKEN: "ERROR"}[state],
                    r.name, words), flush=True)
                if state == mutant.NOTICED:
                    results[state] += 1
                # Root's own runs an ordinary user cannot try. For root there is no excuse.
                elif "skipped: " in words and state == mutant.BROKEN and os.geteuid() != 0:
                    skipped.append(r)
                else:
                    results[state].append(r)
                now = host_state()
                if now != before:
                    sys.exit("ERROR    %s: it changed the host: %s" % (r.name, ", ".join(
                        "%s was %s" % (k, v.strip()) for k, v in before.items() if now[k] != v)))
            work_off(pool, [(r, lambda r=r: one(r)) for r in chosen], done)
    finally:
        shutil.rmtree(Trees.work, ignore_errors=True)
    print("%d of %d noticed, %d missed, %d errors, %d skipped; %.0f s" % (
        results[mutant.NOTICED], len(chosen), len(results[mutant.MISSED]),
        len(results[mutant.BROKEN]), len(skipped), time.monotonic() - began))
    return 1 if results[mutant.MISSED] or results[mutant.BROKEN] else 0


if __name__ == "__main__":
    sys.exit(main())
