# SPDX-License-Identifier: Apache-2.0
"""A mount inside a writable one stays where it was told to be.

rename(2) takes a directory with the mounts below it elsewhere, and its old name can be
made anew, on the host as well: a .git that was read-only is then the payload's.
"""
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import lib

# try FROM TO: each way to move or remove FROM, and what came of it
TRY = """
import ctypes, errno, os, sys
libc = ctypes.CDLL(None, use_errno=True)
def exchange(a, b):
    if libc.renameat2(-100, a.encode(), -100, b.encode(), 2) < 0:
        raise OSError(ctypes.get_errno(), "")
def name(call, *args):
    try:
        call(*args)
        return "done"
    except OSError as e:
        return errno.errorcode[e.errno]
def write(path):
    open(path, "a").write("x")
"""


class Displaced(lib.Scripts):
    def tree(self, actor):
        """w/a/b/.git/config, w/a/c/f and w/other: all the actor's own."""
        top = lib.room(actor)
        for d in ("a", "a/b", "a/b/.git", "a/c", "other"):
            os.mkdir(os.path.join(top, d))
            lib.give(os.path.join(top, d), actor)
        for f in ("a/b/.git/config", "a/c/f"):
            lib.write(os.path.join(top, f), "kept", 0o644, actor)
        return top

    def attempts(self, options, lines, actor):
        """What each of the lines answers, in their order."""
        text = TRY + "".join("print(name(%s))\n" % line for line in lines)
        r = self.ok(self.run_script(options, text, actor))
        return r.out.split(), r

    MOVES = ["os.rename, '/w/a', '/w/z'", "os.rename, '/w/a/b', '/w/a/z'",
             "os.rename, '/w/a/b', '/w/z'", "exchange, '/w/a', '/w/other'",
             "exchange, '/w/other', '/w/a'", "os.rename, '/w/a/b/.git', '/w/a/b/z'",
             "os.rename, '/w/other', '/w/a/b'", "os.rmdir, '/w/a/b/.git'"]

    def test_a_nested_read_only_bind_is_not_displaced(self):
        def check(actor):
            w = self.tree(actor)
            options = ["--bind", w + ":/w", "--ro-bind", w + "/a/b/.git:/w/a/b/.git"]
            # As it was below the first level: moved within one file system.
            words, r = self.attempts(options, self.MOVES + [
                "write, '/w/a/b/.git/config'", "os.mkdir, '/w/a/b/.git/new'"], actor)
            self.assertEqual(words[:2], ["EBUSY"] * 2, repr(r))
            self.assertIn(words[2], ("EBUSY", "EXDEV"))
            self.assertEqual(words[3:6], ["EBUSY"] * 3)
            self.assertIn(words[6], ("EBUSY", "EXDEV"))
            # Where the bind is id-mapped the inode answers first, not the mount.
            self.assertIn(words[8], ("EACCES", "EROFS"))
            self.assertEqual([words[7], words[9]], ["EBUSY", "EROFS"], repr(r))
            with open(os.path.join(w, "a/b/.git/config"), encoding="utf-8") as f:
                self.assertEqual(f.read(), "kept")
            self.assertEqual(sorted(os.listdir(w)), ["a", "other"])
            self.assertEqual(os.listdir(os.path.join(w, "a/b/.git")), ["config"])
            # Beside it everything is as writable as it was.
            words, r = self.attempts(options, [
                "os.rename, '/w/other', '/w/z'", "write, '/w/a/new'",
                "os.rename, '/w/a/c', '/w/a/d'", "os.rename, '/w/a/d/f', '/w/a/new'",
                "write, '/w/a/b/new'"], actor)
            self.assertEqual(words, ["done"] * 5, repr(r))
        self.each(check)

    def test_without_the_nested_one_all_of_it_works(self):
        """The control: the very same calls, where nothing is to be kept."""
        def check(actor):
            for move in self.MOVES:
                w = self.tree(actor)
                words, r = self.attempts(["--bind", w + ":/w"], [move], actor)
                wanted = {"os.rename, '/w/other', '/w/a/b'": "ENOTEMPTY",
                          "os.rmdir, '/w/a/b/.git'": "ENOTEMPTY"}.get(move, "done")
                self.assertEqual(words, [wanted], "%s: %r" % (move, r))
        self.each(check)

    def test_several_share_their_parents(self):
        def check(actor):
            w = self.tree(actor)
            options = ["--bind", w + ":/w", "--ro-bind", w + "/a/b/.git:/w/a/b/.git",
                       "--ro-bind", w + "/a/c/f:/w/a/c/f"]
            words, r = self.attempts(options, [
                "os.rename, '/w/a', '/w/z'", "os.rename, '/w/a/b', '/w/a/z'",
                "os.rename, '/w/a/c', '/w/a/z'", "os.unlink, '/w/a/c/f'",
                "write, '/w/a/c/f'"], actor)
            self.assertEqual(words[:4], ["EBUSY"] * 4, repr(r))
            # A file that all may read is not id-mapped: then its mode answers first.
            self.assertEqual(words[4], "EACCES" if actor == "root" else "EROFS", repr(r))
            held = [layer for layer in self.plan(options, actor) if layer["name"] == "binds"]
            self.assertEqual(held[0]["detail"]["held"], ["w/a", "w/a/b", "w/a/c"])
        self.each(check)

    def plan(self, options, actor):
        return json.loads(self.ok(lib.sandbox(options + ["--dry-run"], ["--", "true"],
                                              actor)).out)["layers"]

    def test_a_bind_in_a_tmpfs_is_not_displaced(self):
        """Its directories are made by init, and rootless they are the payload's."""
        def check(actor):
            w = self.tree(actor)
            options = ["--tmpfs", "/s", "--ro-bind", w + "/a:/s/x/y"]
            words, r = self.attempts(options, [
                "os.rename, '/s/x', '/s/z'", "os.rename, '/s/x/y', '/s/z'",
                "write, '/s/x/y/b/.git/config'", "os.mkdir, '/s/own'",
                "os.rename, '/s/own', '/s/z'"], actor)
            self.assertIn(words[0], ("EBUSY", "EPERM"), repr(r))
            self.assertIn(words[1], ("EBUSY", "EXDEV", "EACCES"), repr(r))
            self.assertIn(words[2], ("EACCES", "EROFS"))
            self.assertEqual(words[3:], ["done", "done"], repr(r))
            if actor == "user":
                self.assertEqual(words[0], "EBUSY", repr(r))
        self.each(check)

    def test_a_writable_one_in_a_writable_one_is_held_as_well(self):
        def check(actor):
            w, other = self.tree(actor), self.tree(actor)
            options = ["--bind", w + ":/w", "--bind", other + ":/w/a/b/.git"]
            words, r = self.attempts(options, ["os.rename, '/w/a', '/w/z'",
                                               "write, '/w/a/b/.git/a/c/f'"], actor)
            self.assertEqual(words, ["EBUSY", "done"], repr(r))
        self.each(check)

    def test_below_a_read_only_one_nothing_needs_to_be_held(self):
        def check(actor):
            w = self.tree(actor)
            options = ["--ro-bind", w + ":/w", "--ro-bind", w + "/other:/w/a/b/.git"]
            words, r = self.attempts(options, ["os.rename, '/w/a', '/w/z'"], actor)
            self.assertEqual(words, ["EROFS"], repr(r))
            binds = [layer for layer in self.plan(options, actor) if layer["name"] == "binds"]
            self.assertEqual(binds[0]["detail"]["held"], [])
        self.each(check)

    def test_more_than_can_be_held_is_refused(self):
        def check(actor):
            w = lib.room(actor)
            deep = w + "/d" * 70
            os.makedirs(deep)
            r = lib.sandbox(["--bind", w + ":/w", "--ro-bind", deep + ":/w" + "/d" * 70],
                            ["--", "true"], actor)
            self.assertEqual((r.status, r.out), (125, ""), repr(r))
            self.assertIn("would have to be held", r.err)
        self.each(check)


if __name__ == "__main__":
    lib.main()
