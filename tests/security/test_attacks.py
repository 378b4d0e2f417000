# SPDX-License-Identifier: Apache-2.0
"""Each attack of attacks.py: contained inside, and working in its control."""
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import lib
from attacks import ATTACKS

LAB = ["unshare", "--user", "--map-root-user", "--mount", "--uts", "--ipc", "--net", "--pid",
       "--fork"]


def number(result):
    """What the probe printed, or None when it did not get that far."""
    try:
        return int(result.out.split()[-1])
    except (IndexError, ValueError):
        return None


def in_lab(preparation, probe):
    script = preparation + '\nexec "$@"'
    return lib.run(LAB + ["sh", "-ec", script, "lab", lib.PROBE] + probe, "root")


def control(kind, probe, options, actor):
    """Run the probe where it must succeed. None: not possible for this caller."""
    if kind.startswith("without:"):
        more = [w for layer in kind[8:].split(",") for w in ("--without", layer)]
        return lib.sandbox(more, [lib.PROBE] + probe, actor)
    if kind.startswith("with:"):
        return lib.sandbox(kind[5:].split(), [lib.PROBE] + probe, actor)
    if kind == "bare":
        return lib.run([lib.PROBE] + probe, "user")
    if kind.startswith("root") and os.geteuid() != 0:
        return None
    if kind == "root":
        return lib.run([lib.PROBE] + probe, "root")
    if kind == "root-room":
        return lib.run([lib.PROBE, probe[0], os.path.join(lib.room(), "node")], "root")
    return {
        "lab": lambda: in_lab("", probe),
        "lab-uts": lambda: in_lab("", probe),
        "lab-usr": lambda: in_lab("mount -t tmpfs none /usr", probe),
        "lab-root": lambda: in_lab("d=$(mktemp -d); mount -t tmpfs none $d; cp %s $d; cd $d; "
                                   "exec chroot . /probe create /probe" % lib.PROBE, probe),
        "lab-route": lambda: in_lab("ip link set lo up; ip addr add 192.0.2.7/24 dev lo", probe),
        "lab-ambient": lambda: in_lab("exec setpriv --inh-caps +chown --ambient-caps +chown %s "
                                      "ambient" % lib.PROBE, probe),
    }[kind]()


class Attacks(lib.Case):
    def attack(self, a, actor):
        r = lib.sandbox(a["options"], [lib.PROBE] + a["probe"], actor)
        expected = a["expect"] if isinstance(a["expect"], tuple) else (a["expect"],)
        self.assertIn(number(r), expected, "%s: %r" % (os.strerror(expected[0]), r))
        if a["denied"]:
            names = [d["operation"] for d in r.report["denials"]]
            layers = {d["layer"] for d in r.report["denials"]}
            self.assertEqual(layers, {a["denied"]}, repr(r))
            if a["operation"]:
                self.assertEqual(names, [a["operation"]], repr(r))

    def vacuous(self, a, actor):
        r = control(a["control"], a["control_probe"], a["options"], actor)
        if r is not None:
            if a["maybe_absent"] and number(r) == a["expect"]:
                self.skipTest("this kernel lacks it")
            self.assertEqual(number(r), 0, "the control fails too: %r" % r)


def add(a, actor):
    def test(self):
        if a["needs"] and not os.path.exists(a["needs"]):
            self.skipTest("this kernel has no " + a["needs"])
        self.attack(a, actor)
        self.vacuous(a, actor)
    name = "test_%s_%s" % (a["name"].replace(" ", "_").replace("/", "_").replace(",", ""), actor)
    assert not hasattr(Attacks, name), name
    setattr(Attacks, name, test)


for attack in ATTACKS:
    for who in attack["actors"]:
        if who in lib.ACTORS:
            add(attack, who)

if __name__ == "__main__":
    lib.main()
