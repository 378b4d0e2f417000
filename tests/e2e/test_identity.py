# SPDX-License-Identifier: Apache-2.0
"""Who ran, and what as: against hashlib, /proc and the kernel's own answers."""
import hashlib
import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import lib

PROFILES = os.path.join(lib.HERE, "..", "profiles")


class Identity(lib.Scripts):
    def test_sha256_of_the_profile(self):
        """Of the file's bytes, by hashlib."""
        def check(actor):
            own = lib.write(os.path.join(lib.room(), "own.json"),
                            '{"extends": "default",\n "hostname": "h"}\n')
            for name, path in (("default", None), ("strategy", None), ("agent", None), (own, own)):
                with open(path or os.path.join(PROFILES, name + ".json"), "rb") as f:
                    digest = hashlib.sha256(f.read()).hexdigest()
                r = self.ok(lib.sandbox(["--profile", name], ["--", "true"], actor))
                self.assertEqual(r.report["profile"], {"name": name, "sha256": digest})
                shown = json.loads(lib.run([lib.RUNNER, "profile", "show", name], actor).out)
                self.assertEqual(shown["sha256"], digest)
        self.each(check)

    def test_umask(self):
        def check(actor):
            old = os.umask(0o077)
            try:
                r = self.ok(self.run_script([], """
import os, re
os.mkdir("/tmp/d")
open("/tmp/f", "w").close()
print(re.search(r"Umask:\\s+(\\d+)", open("/proc/self/status").read())[1],
      *[oct(os.stat(p).st_mode & 0o777) for p in ("/tmp/d", "/tmp/f")])
""", actor, ), "0022 0o755 0o644\n")
            finally:
                os.umask(old)
            self.assertEqual(r.report["reason"], "exited")
        self.each(check)

    def test_id_maps_are_the_same_from_both_sides(self):
        """uid_map and gid_map of user_namespaces(7), and what a file made inside belongs to."""
        def check(actor):
            d = lib.room(actor, 0o700)
            argv = [lib.RUNNER, "exec", "--uid", "1001", "--gid", "1002",
                    "--bind", d + ":/d", "--", "python3", "-c",
                    "import os\n"
                    "open('/d/f', 'w').close()\n"
                    "s = os.stat('/d/f')\n"
                    "print(os.getuid(), os.getgid(), s.st_uid, s.st_gid, os.getgroups(),\n"
                    "      open('/proc/self/uid_map').read().split(),\n"
                    "      open('/proc/self/gid_map').read().split(), sep='|', flush=True)\n"
                    "input()"]
            p = subprocess.Popen(lib.as_actor(actor, argv), stdin=subprocess.PIPE,
                                 stdout=subprocess.PIPE, text=True)
            try:
                line = p.stdout.readline().strip().split("|")
                outside = self.maps_of_payload()
            finally:
                p.communicate("\n")
            uid, gid = line[:2]
            self.assertEqual((uid, gid), ("1001", "1002"))
            self.assertEqual(line[2:4], [uid, gid])
            st = os.stat(d + "/f")
            mine = os.stat(d)
            # The file is the directory's owner's, as a grant to write means.
            self.assertEqual((st.st_uid, st.st_gid), (mine.st_uid, mine.st_gid))
            for inside, out, own in ((line[5], outside[0], uid), (line[6], outside[1], gid)):
                inside = eval(inside)
                # Read from the initial namespace and from inside it is one map, one id wide
                # for the payload's; the host's side of it is no id of root's.
                self.assertIn(own, inside[0::3])
                at = inside.index(own)
                self.assertEqual(inside[at + 2], "1")
                self.assertEqual(out, inside)
                self.assertNotEqual(inside[at + 1], "0")
        self.each(check)

    def test_the_group_is_the_callers_own(self):
        """Rootless, of a caller whose numbers differ; as root, of nobody else."""
        if os.geteuid() != 0:
            self.skipTest("needs root to be somebody else")
        r = lib.run(["setpriv", "--reuid", "65534", "--regid", "100", "--clear-groups", "--",
                     lib.RUNNER, "exec", "--gid", "1002", "--", "cat", "/proc/self/uid_map",
                     "/proc/self/gid_map"])
        self.assertEqual(r.out.split(), ["1000", "65534", "1", "1002", "100", "1"], repr(r))

    def maps_of_payload(self):
        for name in os.listdir("/proc"):
            try:
                with open("/proc/%s/cmdline" % name, encoding="utf-8", errors="replace") as f:
                    line = f.read()
                if not line.startswith("python3\0-c\0import os\nopen('/d/f'"):
                    continue
                maps = []
                for kind in ("uid_map", "gid_map"):
                    with open("/proc/%s/%s" % (name, kind), encoding="utf-8") as f:
                        maps.append(f.read().split())
                return maps
            except OSError:
                continue
        self.fail("the payload is not there")


if __name__ == "__main__":
    lib.main()
