# SPDX-License-Identifier: Apache-2.0
"""What others named is shown, never acted on: in every message, and in JSON."""
import json
import os
import re
import subprocess
import sys
import unicodedata

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import lib

DISPLAY = os.path.join(lib.BUILD, "t", "display")

# Unicode's default ignorable characters that are in none of the categories below:
# DerivedCoreProperties.txt; Python does not have that property.
IGNORABLE = {0x34f, 0x115f, 0x1160, 0x17b4, 0x17b5, 0x2065, 0x3164, 0xffa0,
             *range(0x180b, 0x1810), *range(0xfe00, 0xfe10), *range(0xfff0, 0xfff9),
             *range(0xe0000, 0xe1000)}
ACTING = ("Cc", "Cf", "Zl", "Zp")


def acts(character):
    """Would it act on a terminal, or hide, or turn what is around it? By Python's tables."""
    return unicodedata.category(character) in ACTING


ALL = [chr(c) for c in range(1, 0x110000) if not 0xd800 <= c < 0xe000 and c != 0x0a]
HOSTILE = [c for c in map(chr, range(1, 0x110000)) if acts(c)]


def filtered(argv, lines):
    data = "".join(line + "\n" for line in lines).encode("utf-8", "surrogateescape")
    r = subprocess.run([DISPLAY] + argv, input=data, stdout=subprocess.PIPE, check=True)
    return r.stdout.decode().split("\n")[:-1]


class Characters(lib.Case):
    """Character by character, all of Unicode."""

    def test_what_acts_is_escaped_and_nothing_else(self):
        self.assertGreater(len(HOSTILE), 200)
        lines = [c + "|" for c in ALL]
        for argv, escape in (([], lambda c: "\\x%02x" % c if c < 0x100 else
                              "\\u%04x" % c if c < 0x10000 else "\\U%08x" % c),
                             (["--json"], lambda c: json.dumps(chr(c))[1:-1])):
            shown = filtered(argv, lines)
            self.assertEqual(len(shown), len(ALL))
            for c, line in zip(ALL, shown):
                text = line.strip('"')[:-1] if argv and c != '"' else line[:-1]
                if argv and c in '"\\':
                    self.assertEqual(line, '"\\%s|"' % c)
                elif acts(c) or ord(c) in IGNORABLE:
                    # "\n" and "\t" may be written either way in JSON
                    self.assertIn(text, (escape(ord(c)), "\\u%04x" % ord(c)), ascii(c))
                elif unicodedata.category(c) == "Cn":
                    # a later Unicode may have made it one of either kind
                    self.assertIn(text, (c, escape(ord(c))), ascii(c))
                else:
                    self.assertEqual(text, c, ascii(c))
                if argv:
                    self.assertEqual(json.loads(line), c + "|")

    def test_what_is_no_utf8_is_shown_byte_by_byte(self):
        for data in (b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xed\xbf\xbf", b"\xf4\x90\x80\x80",
                     b"\xe2\x82", b"\x80", b"\xf0\x9f\x98", b"\xe0\x9f\xbf", b"\xf0\x8f\xbf\xbf",
                     b"\xc2", b"\xf5\x80\x80\x80", b"\xfe\xfe"):
            text = data.decode("utf-8", "surrogateescape")
            self.assertEqual(filtered([], ["a%sz" % text]),
                             ["a%sz" % "".join("\\x%02x" % b for b in data)])
            self.assertEqual(filtered(["--json"], ["a%sz" % text]),
                             ['"a%sz"' % ("\ufffd" * len(data))])
        # control: the edges of what is UTF-8
        for c in ("\ud7ff", "\ue000", "\U0010ffff", "\U00010000", "\u0800", "\xa0", "\uffff"):
            self.assertEqual(filtered([], [c]), [c])


# A title, an erased line, a reversed word, a line of its own, and a byte that is no text.
EVIL = "x\x1b]0;owned\x07\x1b[2K\x9b31m\u202egnp.\u2066\u200b\u2028\nrunner: fake\udcff\U000e0041"
SHOWN = (r"x\x1b]0;owned\x07\x1b[2K\x9b31m\u202egnp.\u2066\u200b\u2028\x0arunner: fake\xff"
         r"\U000e0041")


class Messages(lib.PerActor):
    """Every kind of message that can carry a name, and the report beside it."""

    def clean(self, r, raw_report=None):
        for text in (r.err, raw_report or ""):
            for c in text:
                self.assertTrue(c in "\n" or not acts(c) and not "\udc80" <= c <= "\udcff",
                                "%s in %r" % (ascii(c), text))
        for line in r.err.splitlines():
            self.assertTrue(line.startswith("runner: "), repr(r))
            self.assertFalse(line.startswith("runner: fake"), repr(r))

    def exec(self, argv, actor, **kwargs):
        """(result, the report's text)"""
        path = os.path.join(lib.room(actor), "r.json")
        r = lib.run([lib.RUNNER, "exec", "--report", path] + argv, actor, **kwargs)
        text = None
        if os.path.exists(path):
            with open(path, encoding="utf-8", errors="surrogateescape", newline="") as f:
                text = f.read()
        return r, text

    def test_names_in_messages(self):
        def check(actor):
            d = lib.room(actor)
            os.makedirs(d + "/" + EVIL)
            lib.write(d + "/data" + EVIL, "x", 0o644, actor)
            lib.write(d + "/odd" + EVIL, "no program", 0o755, actor)
            lib.write(d + "/profile" + EVIL, '{"%s": 1}' % "\\u001b[31m\\u202e", 0o644, actor)
            lib.write(d + "/raw.json", '{"a\x1b[31m": 1}', 0o644, actor)
            lib.write(d + "/policy" + EVIL, "{]", 0o644, actor)
            os.symlink("/etc", d + "/link" + EVIL)
            for argv in (
                    [d + "/none" + EVIL], [d + "/" + EVIL], [d + "/data" + EVIL],
                    [d + "/odd" + EVIL], ["--", EVIL], ["--", "/" + EVIL],
                    ["--profile", EVIL, "--", "true"], ["--profile", "/" + EVIL, "--", "true"],
                    ["--profile", d + "/profile" + EVIL, "--", "true"],
                    ["--seccomp", EVIL, "--", "true"], ["--seccomp", "/" + EVIL, "--", "true"],
                    ["--seccomp", d + "/policy" + EVIL, "--", "true"],
                    ["--" + EVIL, "--", "true"], ["--timeout", EVIL, "--", "true"],
                    ["--memory", EVIL, "--", "true"], ["--uid", EVIL, "--", "true"],
                    ["--cpus", EVIL, "--", "true"],
                    ["--without", EVIL, "--", "true"], ["--require", EVIL, "--", "true"],
                    ["--network", EVIL, "--", "true"], ["--env", "=" + EVIL, "--", "true"],
                    ["--cwd", EVIL, "--", "true"], ["--cwd", "/" + EVIL, "--", "true"],
                    ["--bind", "/" + EVIL + ":/x", "--", "true"],
                    ["--bind", d + "/link" + EVIL + ":/x", "--", "true"],
                    ["--bind", d + ":" + EVIL, "--", "true"],
                    ["--bind", d + ":/proc/" + EVIL, "--", "true"],
                    ["--tmpfs", "/x:" + EVIL, "--", "true"],
                    ["--tmpfs", "/proc/" + EVIL, "--", "true"],
                    ["--rootfs", "/" + EVIL, "--", "true"],
                    ["--stdin", "/" + EVIL, "--", "true"],
                    ["--program", EVIL, "--", "true"], ["--program", "/" + EVIL, "--", "true"],
            ):
                with self.subTest(argv=[ascii(a) for a in argv]):
                    r, report = self.exec(argv, actor)
                    self.assertIn(r.status, (125, 126, 127), repr(r))
                    self.clean(r, report)
            # controls: the name does come through, in the shape it is shown in
            r, report = self.exec([d + "/none" + EVIL], actor)
            self.assertIn(SHOWN, r.err)
            self.assertEqual(json.loads(report)["command"][0],
                             (d + "/none" + EVIL).replace("\udcff", "\ufffd"))
            r, report = self.exec(["--report", "/none/" + EVIL, "--", "true"], actor)
            self.assertIn(SHOWN, r.err)
            self.clean(r)
        self.each(check)

    def test_other_verbs(self):
        d = lib.room()
        lib.write(d + "/ok" + EVIL, '{"extends": "default"}')
        for argv in (["profile", "show", EVIL], ["profile", "check", "/" + EVIL],
                     ["profile", EVIL], ["doctor", EVIL], [EVIL], ["selftest", EVIL]):
            r = lib.run([lib.RUNNER] + argv)
            self.assertNotEqual(r.status, 0, repr(r))
            self.clean(r)
        r = self.ok(lib.run([lib.RUNNER, "profile", "check", d + "/ok" + EVIL]))
        self.assertEqual(r.out, "%s/ok%s: ok\n" % (d, SHOWN))
        r = self.ok(lib.run([lib.RUNNER, "profile", "show", d + "/ok" + EVIL]))
        self.assertEqual([c for c in r.out if acts(c) and c != "\n"], [])

    def test_every_acting_character_in_a_report(self):
        """Through both doors: with a profile of one's own the program takes the long way."""
        profile = lib.write(os.path.join(lib.room(), "p.json"), '{"extends": "default"}')
        words = ["".join(HOSTILE[i:i + 8]) for i in range(0, len(HOSTILE), 8)]
        self.assertLess(len(words), 60)
        for options in ([], ["--profile", profile]):
            r, report = self.exec(options + ["--", "true"] + words, "root")
            self.assertEqual(r.status, 0, repr(r))
            self.assertEqual(json.loads(report)["command"], ["true"] + words)
            self.clean(r, report)

    def test_a_process_that_names_itself(self):
        """comm of a denial is the payload's choice."""
        code = ("import ctypes, os\n"
                "libc = ctypes.CDLL(None, use_errno=True)\n"
                "libc.prctl(15, b'\\x1b[2K\\xe2\\x80\\xaex\\xff\\n\\x9b', 0, 0, 0)\n"
                "print(libc.unshare(0x10000000), ctypes.get_errno())\n")

        def check(actor):
            s = lib.write(os.path.join(lib.room(actor), "s.py"), code, 0o644, actor)
            r, report = self.exec([s], actor)
            self.assertEqual(r.out, "-1 1\n", repr(r))
            self.clean(r, report)
            # The kernel itself escapes "\n" in comm; what follows a line feed is kept.
            [comm] = [d["comm"] for d in json.loads(report)["denials"]
                      if d["operation"] == "unshare"]
            self.assertTrue(comm.startswith("\x1b[2K\u202ex\ufffd"), ascii(comm))
        self.each(check)


class Sources(lib.Case):
    def test_nothing_else_writes_to_stderr(self):
        """display_line() is the only door; the selftest's counter holds numbers only."""
        found = []
        top = os.path.join(lib.HERE, "..", "runner")
        for directory, _, names in os.walk(top):
            for name in names:
                if not name.endswith(".c") or directory.endswith("/probe"):
                    continue
                with open(os.path.join(directory, name), encoding="utf-8") as f:
                    text = f.read()
                found += [name for _ in re.findall(
                    r"\b(?:fprintf|fputs|fwrite|fputc|dprintf|perror|vfprintf)\([^;]*\bstderr\b|"
                    r"\bperror\(|\bdprintf\(", text)]
        self.assertEqual(sorted(set(found)), ["selftest_run.c"])


if __name__ == "__main__":
    lib.main()
