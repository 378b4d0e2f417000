#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Odd hosts: what doctor says of each is what exec does there, and a refusal says which
layer, why, and what mends it.

Each host is made in a mount and pid namespace of its own, and is gone with it; nothing is
done to the one the tests run on. The first host is that one: the control of the others.
"""
import json
import os
import shutil
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import lib

FILTER = os.path.join(lib.ROOM, "outer_filter")
shutil.copy(os.path.join(lib.BUILD, "t", "outer_filter"), FILTER)

# What debootstrap leaves, of this system's own /usr; then what one mounts in it.
TREE = """
mkdir -p {tree}/usr {tree}/proc {tree}/dev {tree}/etc {tree}/tmp {tree}{room}
chmod 1777 {tree}/tmp
for l in bin lib lib64 sbin; do [ ! -L /$l ] || ln -s usr/$l {tree}/$l; done
mount --rbind /usr {tree}/usr
cp /etc/passwd /etc/group {tree}/etc/
[ ! -e /etc/ld.so.cache ] || cp /etc/ld.so.cache {tree}/etc/
mount --rbind {room} {tree}{room}
"""
MOUNTED = """
mount -t proc proc {tree}/proc
mount --rbind /dev {tree}/dev
"""
ON_ITSELF = "mount --bind {tree} {tree}\n"
SHARED = "mount --make-rshared /\n"


def wrap(script):
    """Before the command: sh words, as the actor."""
    return ["sh", "-c", script + '; exec "$@"', "sh"]


def filtered(call, error):
    return Host(wrap=[FILTER, str(error), call], words=["seccomp filter", "--security-opt"])


class Host:
    """How to make one, and what a run comes to there."""

    def __init__(self, prepare="", enter=(), wrap=(), actors=("root", "user"), layer=None,
                 words=()):
        self.prepare = prepare    # sh, as root, in namespaces of its own
        self.enter = list(enter)  # before the command, still as root
        self.wrap = list(wrap)    # before the command, as the actor
        self.actors = actors
        self.layer = layer        # the one that refuses
        self.words = list(words)  # of the refusal; none: a run works

    def command(self, actor, command, tree):
        words = lib.as_actor(actor, self.wrap + command)
        if not self.prepare and not self.enter:
            return words
        return (["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "sh",
                 "-ec", self.prepare.format(tree=tree, room=lib.ROOM) + '\nexec "$@"', "sh"] +
                [word.format(tree=tree) for word in self.enter] + words)

    def run(self, actor, command):
        tree = lib.room()
        try:
            # As who we are; the actor is taken on inside.
            return lib.run(self.command(actor, command, tree), "root")
        finally:
            shutil.rmtree(tree)


# Several layers share the first call that fails.
ANY = "any"
CHROOT = ["chroot", "{tree}"]
ROOT = ["root"]
USER = ["user"]

HOSTS = {
    "this one": Host(),
    # chroots
    "a directory": Host(TREE + MOUNTED, CHROOT, actors=ROOT),
    "a mount point": Host(ON_ITSELF + TREE + MOUNTED, CHROOT, actors=ROOT),
    "a directory below a shared mount": Host(TREE + MOUNTED + SHARED, CHROOT, actors=ROOT),
    "a mount point below a shared mount": Host(ON_ITSELF + TREE + MOUNTED + SHARED, CHROOT,
                                               actors=ROOT),
    "a chroot in a chroot": Host(
        TREE + MOUNTED + "mkdir {tree}/tmp/in; mount --rbind {tree} {tree}/tmp/in\n",
        CHROOT + ["chroot", "/tmp/in"], actors=ROOT),
    "a user in a directory": Host(TREE + MOUNTED, CHROOT, actors=USER, layer="user_ns",
                                  words=["in a chroot", "as root", "pivot_root(2)"]),
    "a user in a mount point": Host(ON_ITSELF + TREE + MOUNTED, CHROOT, actors=USER,
                                    layer="user_ns", words=["chroot", "as root"]),
    # what is not mounted, or not whole
    "a chroot without /proc": Host(TREE, CHROOT, actors=ROOT, layer="userns_limit",
                                   words=["mount -t proc proc /proc"]),
    "no /proc, root": Host("mount -t tmpfs none /proc", actors=ROOT, layer="userns_limit",
                           words=["mount -t proc proc /proc"]),
    "no /proc, user": Host("mount -t tmpfs none /proc", actors=USER, layer="user_ns",
                           words=["mount -t proc proc /proc"]),
    "a masked /proc, root": Host("mount --bind /dev/null /proc/uptime", actors=ROOT),
    "a masked /proc, user": Host("mount --bind /dev/null /proc/uptime", actors=USER,
                                 layer="proc", words=["unmask", "real root"]),
    "a read-only /proc/sys, root": Host(
        "mount --bind /proc/sys /proc/sys; mount -o remount,bind,ro /proc/sys", actors=ROOT,
        **({"layer": "memfd", "words": ["/proc/sys is read-only", "--without memfd"]}
           if os.path.exists("/proc/sys/vm/memfd_noexec") else {})),
    "a read-only /sys": Host("mount -o remount,bind,ro /sys"),
    "no /sys": Host("mount -t tmpfs none /sys"),
    "no cgroup": Host("umount -l /sys/fs/cgroup"),
    "no /dev, root": Host("mount -t tmpfs none /dev", actors=ROOT),
    "no /dev, user": Host("mount -t tmpfs none /dev", actors=USER, layer="devices",
                          words=["dev/null", "mount a whole one"]),
    "a read-only root": Host("mount -o remount,bind,ro /"),
    "a time namespace": Host(enter=["unshare", "--time", "--monotonic", "100000",
                                    "--boottime", "100000", "--fork"]),
    # privileges
    "root without CAP_SYS_ADMIN": Host(wrap=["setpriv", "--bounding-set=-sys_admin"],
                                       actors=ROOT),
    "root without CAP_SYS_CHROOT": Host(wrap=["setpriv", "--bounding-set=-sys_chroot"],
                                        actors=ROOT),
    "root without any": Host(wrap=["setpriv", "--bounding-set=-all", "--inh-caps=-all"],
                             actors=ROOT, layer="user_ns", words=["CAP_SETFCAP"]),
    "no_new_privs": Host(wrap=["setpriv", "--no-new-privs"]),
    "root of a user namespace": Host(wrap=["unshare", "--user", "--map-root-user"]),
    # in somebody's sandbox
    "runner's own": Host(wrap=[lib.RUNNER, "exec"], words=["seccomp filter", "clone3(2)"]),
    "bwrap's": Host(wrap=["bwrap", "--dev-bind", "/", "/", "--proc", "/proc", "--unshare-pid"]),
    # the caller's limits
    "no process": Host(wrap=["prlimit", "--nproc=1"], words=["RLIMIT_NPROC"]),
    "8 files": Host(wrap=["prlimit", "--nofile=8"], words=["RLIMIT_NOFILE"]),
    "24 files": Host(wrap=["prlimit", "--nofile=24"]),
    "files of no byte": Host(wrap=["prlimit", "--fsize=0"], layer="root",
                             words=["RLIMIT_FSIZE"]),
    "no core": Host(wrap=["prlimit", "--core=0"]),
    "64 MiB of addresses": Host(wrap=["prlimit", "--as=67108864"]),
    "a small stack": Host(wrap=["prlimit", "--stack=131072"]),
    "no locked memory, queues or signals": Host(
        wrap=["prlimit", "--memlock=0", "--msgqueue=0", "--sigpending=0"]),
    # the caller's habits
    "every signal ignored": Host(wrap=["env", "--ignore-signal"]),
    "every signal blocked": Host(wrap=["env", "--block-signal"]),
    "umask 0777": Host(wrap=wrap("umask 0777")),
    "a cwd that is gone": Host(wrap=wrap("d=$(mktemp -d); cd $d; rmdir $d")),
    "a cwd nobody may read": Host(wrap=wrap("d=$(mktemp -d); cd $d; chmod 0 .; rmdir $d")),
    "no environment": Host(wrap=["env", "-i"]),
    "an odd TMPDIR and no HOME": Host(wrap=["env", "-u", "HOME", "TMPDIR=/nonexistent"]),
    "a megabyte of environment": Host(wrap=wrap(
        "v=$(head -c 100000 /dev/zero | tr '\\0' v); for i in 0 1 2 3 4 5 6 7 8 9; "
        "do export HUGE$i=$v; done")),
    # a container's filter; few, as each of them is one more that the kernel keeps
    "clone3 is not known": filtered("clone3", 38),
    "fsopen is refused": filtered("fsopen", 1),
    "mount is refused": filtered("mount", 1),
    "pivot_root is refused": filtered("pivot_root", 1),
    "seccomp is refused": filtered("seccomp", 1),
    "Landlock is not known": Host(wrap=[FILTER, "38", "landlock_create_ruleset"],
                                  layer="landlock", words=["lsm=landlock"]),
}
HOSTS["fsopen is refused"].layer = "root"
HOSTS["mount is refused"].layer = "mount_ns"
HOSTS["pivot_root is refused"].layer = "pivot_root"
HOSTS["seccomp is refused"].layer = ANY
HOSTS["seccomp is refused"].words += ["needs seccomp(2)"]
for kind, layer in (("user", "user_ns"), ("mnt", "mount_ns"), ("pid", "pid_ns"),
                    ("ipc", "ipc_ns"), ("uts", "uts_ns"), ("net", "network_ns"),
                    ("cgroup", "cgroup_ns")):
    setting = "user.max_%s_namespaces" % kind
    HOSTS["%s is 0" % setting] = Host(
        wrap=["unshare", "--user", "--map-root-user"] +
        wrap("echo 0 >/proc/sys/%s" % setting.replace(".", "/")), layer=layer,
        words=["sysctl " + setting])


class Agreement(lib.Case):
    def check(self, name, host, actor):
        if (host.prepare or host.enter) and os.geteuid() != 0:
            return False
        if host.wrap and host.wrap[0] == "bwrap" and not shutil.which("bwrap"):
            return False
        with self.subTest(host=name, actor=actor):
            said = host.run(actor, [lib.RUNNER, "doctor", "--json"])
            done = host.run(actor, [lib.RUNNER, "exec", "--", "true"])
            if host.wrap[:2] == [lib.RUNNER, "exec"]:
                # It knows itself by another path there.
                done = host.run(actor, [lib.RUNNER, "exec", "/app/runner"])
            both = "doctor: %r\nexec: %r" % (said, done)
            answer = json.loads(said.out)
            self.assertEqual(said.status, 0 if answer["usable"] else 1, both)
            self.assertEqual(answer["usable"], done.status == 0, both)
            missing = [n for n, l in answer["layers"].items() if l["state"] == "missing"]
            if not host.words:
                self.assertEqual((done.status, done.err, missing), (0, "", []), both)
                return True
            self.assertIn(done.status, (125, 126), both)
            for word in host.words:
                self.assertIn(word, done.err, both)
            # exec's words are doctor's, unless even the trial cannot be started.
            trial = answer["trial"]
            if "cannot be started" not in trial["message"]:
                self.assertIn(trial["message"], done.err, both)
            self.assertIn("hint: " + trial["hint"], done.err, both)
            if host.layer == ANY:
                host.layer = trial["layer"]
            self.assertEqual(trial["layer"], host.layer, both)
            if host.layer:
                self.assertIn("layer '%s'" % host.layer, done.err, both)
                self.assertIn(host.layer, missing, both)
                self.assertTrue(answer["layers"][host.layer]["remedy"], both)
        return True

    def test_doctor_says_what_exec_does(self):
        made = 0
        for name, host in HOSTS.items():
            for actor in host.actors:
                if actor in lib.ACTORS:
                    made += self.check(name, host, actor)
        self.assertGreater(made, 70 if os.geteuid() == 0 else 25)


class Chroot(lib.Case):
    def setUp(self):
        if os.geteuid() != 0:
            self.skipTest("needs root")

    def in_tree(self, prepare, script):
        """sh in the outer namespaces, $T the tree; what it prints."""
        tree = lib.room()
        try:
            return self.ok(lib.run(
                ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "sh",
                 "-ec", prepare.format(tree=tree, room=lib.ROOM) + "T=%s; R=%s\n%s" % (
                     tree, lib.RUNNER, script)]))
        finally:
            shutil.rmtree(tree)

    def each_kind(self, check):
        for name in ("a directory", "a mount point", "a directory below a shared mount",
                     "a mount point below a shared mount"):
            with self.subTest(kind=name):
                check(HOSTS[name].prepare)

    def test_what_is_mounted_outside_stays_as_it_was(self):
        """While the payload waits: where mounts are shared, a slip would show here."""
        def check(prepare):
            r = self.in_tree(prepare, """
                mkfifo $T/tmp/in $T/tmp/out; cut -d' ' -f4- /proc/self/mountinfo | sort >$T/tmp/before
                chroot $T $R exec -- sh -c 'echo there; read x; echo $x' <$T/tmp/in >$T/tmp/out &
                exec 5>$T/tmp/in 6<$T/tmp/out
                read word <&6; cut -d' ' -f4- /proc/self/mountinfo | sort >$T/tmp/during
                echo on >&5; read last <&6; wait $!
                cut -d' ' -f4- /proc/self/mountinfo | sort >$T/tmp/after
                cmp $T/tmp/before $T/tmp/during; cmp $T/tmp/before $T/tmp/after
                echo $word $last""")
            self.assertEqual(r.out, "there on\n", repr(r))
        self.each_kind(check)

    def test_nothing_of_the_outside_is_left(self):
        """By who enters init's mount namespace: that leads to its root."""
        def check(prepare):
            r = self.in_tree(prepare, """
                mkfifo $T/tmp/in $T/tmp/out
                chroot $T $R exec -- sh -c 'echo $(ls -A /); read x' <$T/tmp/in >$T/tmp/out &
                runner=$!
                exec 5>$T/tmp/in 6<$T/tmp/out
                read inside <&6
                for init in $(pgrep -P $runner); do
                    [ -e /proc/$init/ns/mnt ] || continue
                    echo $(nsenter --mount=/proc/$init/ns/mnt ls -A /)
                done
                echo $inside; echo >&5; wait $runner""")
            seen = r.out.splitlines()
            self.assertEqual(len(seen), 2, repr(r))
            self.assertEqual(seen[0], seen[1], repr(r))
            self.assertNotIn("var", seen[0].split())
        self.each_kind(check)

    def test_binds_id_maps_and_relative_paths(self):
        def check(prepare):
            # A mount of its own: of one that is not listed inside, runner cannot tell
            # whether it holds the tree's /usr, which is this host's.
            r = self.in_tree(prepare, """
                mkdir $T/tmp/w; mount --bind $T/tmp/w $T/tmp/w
                chroot $T sh -c 'cd /tmp/w; '$R' exec --bind .:/w --cwd /w -- sh -c "id -u >own; pwd"'
                stat -c '%u %n' $T/tmp/w/own; cat $T/tmp/w/own""")
            self.assertEqual(r.out.replace(r.out.split()[2], "F"), "/w\n0 F\n1000\n", repr(r))
        self.each_kind(check)


class Podman(lib.Case):
    """Root of a container: what its defaults lack is named, one after the other."""

    PODMAN = ["timeout", "120", "podman", "--root", lib.ROOM + "/podman",
              "--runroot", lib.ROOM + "/podman.run",
              "--storage-driver", "vfs", "--cgroup-manager", "cgroupfs", "run", "--rm",
              "--network", "none", "--cgroups", "disabled",
              "--ulimit", "nofile=1000:1000", "--ulimit", "nproc=2000:2000"]

    def test_what_it_takes(self):
        if os.geteuid() != 0:
            self.skipTest("needs root")
        if not shutil.which("podman"):
            self.skipTest("podman is not installed")
        free, whole = "seccomp=unconfined", "unmask=ALL"
        for options, layer, word in (([], None, "a seccomp filter"),
                                     ([free], "proc", whole), ([whole], None, "a seccomp filter"),
                                     ([free, whole], None, None)):
            words = [w for o in options for w in ("--security-opt", o)]
            with self.subTest(options=options):
                # It does not know the hybrid of both kinds of cgroups.
                host = Host(TREE + "umount /sys/fs/cgroup/unified 2>/dev/null || true\n",
                            enter=self.PODMAN + words + ["--rootfs", "{tree}"])
                said = host.run("root", [lib.RUNNER, "doctor", "--json"])
                done = host.run("root", [lib.RUNNER, "exec", "--", "true"])
                both = "doctor: %r\nexec: %r" % (said, done)
                answer = json.loads(said.out)
                self.assertEqual(answer["usable"], word is None, both)
                self.assertEqual(done.status, 125 if word else 0, both)
                self.assertIn(word or "", done.err, both)
                if layer:
                    self.assertEqual(answer["trial"]["layer"], layer, both)


class Limits(lib.PerActor):
    """The caller's limits bind runner itself."""

    def test_a_report_is_whole_or_not_there(self):
        def check(actor):
            place = lib.room(actor)
            path = os.path.join(place, "r.json")
            for size, works in ((1 << 20, True), (2000, False), (4096, False)):
                r = lib.run(["prlimit", "--fsize=%d" % size, lib.RUNNER, "exec", "--report", path,
                             "--", "sh", "-c", "echo ran"], actor)
                if works:
                    self.ok(r, "ran\n")
                    with open(path, encoding="utf-8") as f:
                        self.assertEqual(json.load(f)["reason"], "exited")
                    os.unlink(path)
                    continue
                self.assertEqual(r.status, 125, repr(r))
                self.assertIn("File too large", r.err)
                self.assertEqual(os.listdir(place), [], repr(r))
        self.each(check)

    def test_a_full_stdout_does_not_end_the_supervisor(self):
        """SIGXFSZ would. What was said beyond it is lost, and said to be."""
        def check(actor):
            place = lib.room(actor)
            for size, status in ((300000, 3), (2000, 125)):
                r = lib.run(["prlimit", "--fsize=%d" % size, "sh", "-c",
                             '"$0" exec -- sh -c "head -c 300000 /dev/zero; exit 3" >%s/out' % place,
                             lib.RUNNER], actor)
                self.assertEqual(r.status, status, repr(r))
                self.assertEqual(os.path.getsize(os.path.join(place, "out")), size)
                self.assertEqual("stdout could not be handed on: File too large" in r.err,
                                 status == 125, repr(r))
        self.each(check)

    def test_closed_streams(self):
        def check(actor):
            for streams in ("<&-", ">&-", "2>&-", "<&- >&- 2>&-"):
                for verb in ("doctor", "exec -- true"):
                    r = lib.run(["sh", "-c", '"$0" %s %s' % (verb, streams), lib.RUNNER], actor)
                    self.assertEqual(r.status, 0, "%s %s: %r" % (verb, streams, r))
        self.each(check)


if __name__ == "__main__":
    lib.main()
