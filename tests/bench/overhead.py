#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the sandbox costs a program that only computes: under 1 %.

Each program times its own loop, so that starting it is not counted. Inside and
outside take turns; a machine's pace changes, so each is compared with its neighbour
in time, and the ratio is the median of those.
"""
import os
import statistics
import subprocess
import sys
import tempfile
import time

BUILD = os.environ.get("BUILD", "build")
ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 100
LOOP = """
import time
before = time.monotonic_ns()
x = 1
for i in range(1000000):
    x = (x * 6364136223846793005 + 1) & 0xffffffff
print(time.monotonic_ns() - before)
"""


ends = []  # ms from the payload's last word to the end of runner, as its caller sees it


def measure(argv):
    words = subprocess.run(argv, stdout=subprocess.PIPE, check=True).stdout.split()
    if len(words) > 1 and argv[0].endswith("runner"):
        ends.append((time.monotonic_ns() - int(words[1])) / 1e6)
    return int(words[0])


def compare(name, inside, outside):
    times = {"inside": [], "outside": []}
    for turn in range(ROUNDS):
        order = [("inside", inside), ("outside", outside)]
        for where, argv in order if turn % 2 else reversed(order):
            times[where].append(measure(argv) / 1e6)
    middle = {where: statistics.median(t) for where, t in times.items()}
    ratios = [i / o for i, o in zip(times["inside"], times["outside"])]
    print("%-12s inside %.1f ms, outside %.1f ms, ratio %.4f; of the fastest %.4f"
          % (name, middle["inside"], middle["outside"], statistics.median(ratios),
             min(times["inside"]) / min(times["outside"])))


def main():
    runner = os.path.join(BUILD, "runner")
    spin = os.path.join(BUILD, "t/spin")
    with tempfile.TemporaryDirectory() as d:
        script = os.path.join(d, "loop.py")
        with open(script, "w", encoding="utf-8") as f:
            f.write(LOOP)
        compare("C loop", [runner, "exec", spin], [spin])
        print("%-12s median %.2f ms, slowest %.2f ms" % ("clean-up", statistics.median(ends),
                                                         max(ends)))
        compare("Python loop", [runner, "exec", script], ["/usr/bin/python3", script])


if __name__ == "__main__":
    main()
