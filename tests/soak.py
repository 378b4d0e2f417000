#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Many runs, one after the other: what does the host hold afterwards?

    soak.py [RUNS]

Prints each figure before and after, and fails when one grew by more than noise.
The first runs only warm the kernel's caches.
"""
import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import lib

WARM = 500
# name: what may be added by chance
NOISE = {"processes": 8, "zombies": 0, "mounts": 0, "cgroups": 0, "keys": 2, "open files": 300,
         "slab KiB": 12288, "runner's temp files": 0}


def lines(path):
    try:
        with open(path, encoding="utf-8", errors="replace") as f:
            return f.read().splitlines()
    except OSError:
        return []


def figures():
    states = []
    for pid in os.listdir("/proc"):
        text = lines("/proc/%s/stat" % pid) if pid.isdigit() else []
        if text:
            states.append(text[0].rsplit(")", 1)[1].split()[0])
    slab = sum(int(l.split()[1]) for l in lines("/proc/meminfo") if l.startswith("Slab:"))
    return {
        "processes": len(states),
        "zombies": states.count("Z"),
        "mounts": len(lines("/proc/self/mountinfo")),
        "cgroups": sum(int(l.split()[2]) for l in lines("/proc/cgroups") if l[0] != "#"),
        "keys": len(lines("/proc/keys")),
        "open files": int(lines("/proc/sys/fs/file-nr")[0].split()[0]),
        "slab KiB": slab,
        "runner's temp files": len([n for n in os.listdir("/tmp") if n.startswith("runner.")]),
    }


def runs(n):
    for i in range(n):
        subprocess.run([lib.RUNNER, "exec", lib.TRUE], check=True, stdin=subprocess.DEVNULL)
        if sys.stderr.isatty() and i % 100 == 0:
            print("\r%d of %d " % (i, n), end="", file=sys.stderr, flush=True)


def settled():
    """Namespaces and their inodes are freed a moment later: take the lowest of 3 s."""
    best = figures()
    for _ in range(30):
        time.sleep(0.1)
        now = figures()
        best = {k: min(best[k], now[k]) for k in best}
    return best


def main():
    # Other people's processes and mounts come and go; in namespaces of our own there are none.
    if os.geteuid() == 0 and not os.environ.get("RUNNER_SOAK_APART"):
        os.environ["RUNNER_SOAK_APART"] = "1"
        os.execvp("unshare", ["unshare", "--mount", "--pid", "--fork", "--kill-child",
                              "--mount-proc", sys.executable] + sys.argv)
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 10000
    runs(WARM)
    before = settled()
    start = time.monotonic()
    runs(n)
    took = time.monotonic() - start
    after = settled()
    grown = [k for k in before if after[k] - before[k] > NOISE[k]]
    for k in before:
        print("%-20s %9d -> %9d" % (k, before[k], after[k]))
    print("%d runs in %.1f s: %.2f ms each; grown: %s" % (n, took, took * 1000 / n,
                                                        ", ".join(grown) or "nothing"))
    sys.exit(1 if grown else 0)


if __name__ == "__main__":
    main()
