# SPDX-License-Identifier: Apache-2.0
"""Real programs run unchanged."""
import os
import shutil
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import lib

PYTHON = "/usr/bin/python3"
NUMPY = """
import numpy as np, pandas as pd
a = np.arange(90000.0).reshape(300, 300)
print((a @ a).shape, int(pd.DataFrame({"x": [1, 2]}).x.sum()))
"""
POOL = """
import multiprocessing
def square(x): return x * x
if __name__ == "__main__":
    with multiprocessing.Pool(4) as p: print(p.map(square, range(5)))
"""
ASYNC = """
import asyncio
async def main():
    p = await asyncio.create_subprocess_exec("echo", "hi", stdout=asyncio.subprocess.PIPE)
    print(await p.communicate())
asyncio.run(main())
"""
SQLITE = """
import sqlite3
c = sqlite3.connect("/tmp/x.db")
c.execute("create table t(a)"); c.execute("insert into t values (7)"); c.commit()
print(c.execute("select a from t").fetchall())
"""
THREADS = """
import threading, queue
q = queue.Queue()
t = [threading.Thread(target=q.put, args=(i,)) for i in range(8)]
[x.start() for x in t]; [x.join() for x in t]
print(sorted(q.get() for _ in t))
"""
REFUSED = """
import os, subprocess
for what in (os.fork, lambda: subprocess.run(["true"]), lambda: os.execv("/bin/true", ["true"]),
             lambda: os.posix_spawn("/bin/true", ["true"], {})):
    try: what(); print("worked")
    except OSError as e: print(e.errno)
"""
GIT = ("cd /tmp && git init -q r && cd r && echo a > a && git add a && "
       "git -c user.name=n -c user.email=e@x commit -qm m && git log --format=%s")
GCC = "printf 'int main(void){return 7;}' > a.c && gcc a.c -o a; ./a || echo $?"


class Programs(lib.Case):
    def script(self, text, out, options=()):
        path = lib.write(os.path.join(lib.room(), "s.py"), text)
        for actor in lib.ACTORS:
            with self.subTest(actor=actor):
                self.ok(lib.sandbox(list(options), [path], actor), out)

    def shell(self, text, out, options=(), needs=None):
        if needs and not shutil.which(needs, path="/usr/local/bin:/usr/bin:/bin"):
            self.skipTest(needs + " is not installed")
        for actor in lib.ACTORS:
            with self.subTest(actor=actor):
                self.ok(lib.sandbox(list(options), ["--", "sh", "-ec", text], actor), out)

    def test_numpy_and_pandas(self):
        if lib.run([PYTHON, "-c", "import numpy, pandas"]).status != 0:
            self.skipTest("numpy and pandas are not installed")
        for profile in ("default", "strategy"):
            self.script(NUMPY, "(300, 300) 3\n", ["--profile", profile])

    def test_a_pool_of_processes(self):
        self.script(POOL, "[0, 1, 4, 9, 16]\n")

    def test_asyncio_subprocess(self):
        self.script(ASYNC, "(b'hi\\n', None)\n")

    def test_sqlite(self):
        self.script(SQLITE, "[(7,)]\n")

    def test_threads_under_no_fork(self):
        self.script(THREADS, "[0, 1, 2, 3, 4, 5, 6, 7]\n", ["--profile", "strategy"])

    def test_what_no_fork_refuses(self):
        self.script(REFUSED, "1\n1\n1\n1\n", ["--profile", "strategy"])
        self.script(REFUSED.split("for what")[0] + "os.execv('/bin/echo', ['echo', 'other'])",
                    "other\n")

    def test_git(self):
        self.shell(GIT, "m\n", needs="git")

    def test_node(self):
        self.shell("node -e 'console.log(1 + 1)'", "2\n", needs="node")

    def test_gcc_and_what_it_made(self):
        self.shell(GCC, "7\n", ["--profile", "agent"], needs="gcc")

    def test_what_was_compiled_in_tmp_does_not_run_by_default(self):
        if not shutil.which("gcc", path="/usr/bin"):
            self.skipTest("gcc is not installed")
        for actor in lib.ACTORS:
            r = lib.sandbox([], ["--", "sh", "-c", GCC], actor)
            self.assertEqual(r.out, "126\n", repr(r))


if __name__ == "__main__":
    lib.main()
