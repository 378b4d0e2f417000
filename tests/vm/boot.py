#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Run the tests in a virtual machine, on another kernel.

    boot.py [--cache DIR] [--log FILE] [--limit SECONDS] KERNEL [COMMAND]

KERNEL: 6.1, 6.12 or the path of a vmlinuz. COMMAND (default: the tests, as
tests/vm/inside.sh has them) runs as root in a copy of this tree, at /work.
KVM is used where a kernel runs under it, and emulation where not; CACHE remembers
which (the file "accelerator", until the next boot). Exit status: the
command's; 3 when the machine cannot be made; 124 when it was silent for SECONDS.
"""
import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TREE = os.path.dirname(os.path.dirname(HERE))
QEMU = "qemu-system-x86_64"
# Seconds in which a kernel under KVM has said its first word, also on a crowded host.
KVM_PATIENCE = 30


def fail(text):
    print("vm: " + text, file=sys.stderr)
    sys.exit(3)


def text_of(path):
    with open(path, encoding="utf-8", errors="replace") as f:
        return f.read()


def kvm_runs(image):
    """Does a kernel start under KVM? A device that opens may still run nothing."""
    try:
        os.close(os.open("/dev/kvm", os.O_RDWR))
    except OSError:
        return False
    room = tempfile.mkdtemp(prefix="runner-kvm-")
    said = os.path.join(room, "console")
    # It finds no root file system and ends by its panic; what counts is that it spoke.
    vm = subprocess.Popen([QEMU, "-accel", "kvm", "-cpu", "host", "-m", "256", "-nodefaults",
                           "-display", "none", "-no-reboot", "-kernel", image,
                           "-append", "console=ttyS0 panic=-1", "-serial", "file:" + said],
                          stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL)
    try:
        end = time.monotonic() + KVM_PATIENCE
        while time.monotonic() < end:
            ended = vm.poll() is not None
            if os.path.exists(said) and "Linux version" in text_of(said):
                return True
            if ended:
                return False
            time.sleep(0.1)
        return False
    finally:
        vm.kill()
        vm.wait()
        shutil.rmtree(room, ignore_errors=True)


def accelerator(cache, image):
    """kvm or tcg; what was found out is kept until the host boots again."""
    with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as f:
        boot_id = f.read().strip()
    path = os.path.join(cache, "accelerator")
    if os.path.exists(path):
        words = text_of(path).split()
        if len(words) == 2 and words[0] == boot_id and words[1] in ("kvm", "tcg"):
            return words[1]
    found = "kvm" if kvm_runs(image) else "tcg"
    with open(path, "w", encoding="ascii") as f:
        f.write("%s %s\n" % (boot_id, found))
    return found


def pack(path, build, command):
    """The tree's own files, the programs built from it, and the command."""
    listed = subprocess.run(["git", "-C", TREE, "ls-files", "-z", "--cached", "--others",
                             "--exclude-standard"], stdout=subprocess.PIPE, check=True)
    names = [n for n in listed.stdout.decode().split("\0") if n]
    names = [n for n in names if os.path.exists(os.path.join(TREE, n))]
    extra = tempfile.mkdtemp()
    try:
        shutil.copytree(os.path.join(TREE, build, "t"), os.path.join(extra, "build/t"))
        shutil.copy2(os.path.join(TREE, build, "runner"), os.path.join(extra, "build/runner"))
        with open(os.path.join(extra, "vm-command"), "w", encoding="utf-8") as f:
            f.write(command + "\n")
        subprocess.run(["tar", "-cf", path, "--owner=0", "--group=0", "-C", TREE, "--null", "-T",
                        "-"], input="\0".join(names).encode(), check=True)
        subprocess.run(["tar", "-rf", path, "--owner=0", "--group=0", "-C", extra, "."],
                       check=True)
    finally:
        shutil.rmtree(extra)
    # A disk is a whole number of sectors.
    size = os.path.getsize(path)
    os.truncate(path, (size + 1048575) // 1048576 * 1048576)


def machine(image, initrd, root, tree, log, accel):
    cpus = str(min(2, os.cpu_count() or 1))
    return [QEMU, "-accel", accel, "-cpu", "host" if accel == "kvm" else "max", "-smp", cpus,
            "-m", "2048", "-nodefaults", "-display", "none", "-no-reboot",
            "-kernel", image, "-initrd", initrd,
            "-append", "console=ttyS0 quiet panic=-1 mitigations=off random.trust_cpu=on",
            "-drive", "file=%s,if=virtio,format=raw,snapshot=on" % root,
            "-drive", "file=%s,if=virtio,format=raw,readonly=on" % tree,
            "-serial", "file:%s.console" % log, "-serial", "file:%s" % log]


class Follow:
    """Shows the guest's log as it grows; remembers its exit line."""

    def __init__(self, path):
        self.path = path
        self.at = 0
        self.status = None
        self.rest = ""

    def step(self):
        try:
            with open(self.path, "rb") as f:
                f.seek(self.at)
                data = f.read()
        except OSError:
            return False
        self.at += len(data)
        lines = (self.rest + data.decode(errors="replace").replace("\r", "")).split("\n")
        self.rest = lines.pop()
        for line in lines:
            if line.startswith("vm-exit "):
                self.status = int(line.split()[1])
            else:
                print(line, flush=True)
        return bool(data)


def boot(a, image, initrd, root, tree, log, accel):
    """The guest's exit status; None when it ended without one."""
    open(log, "w", encoding="utf-8").close()
    follow = Follow(log)
    began = heard = time.monotonic()
    vm = subprocess.Popen(machine(image, initrd, root, tree, log, accel), stdin=subprocess.DEVNULL)
    try:
        while vm.poll() is None:
            time.sleep(0.2)
            if follow.step():
                heard = time.monotonic()
            if time.monotonic() - heard > a.limit:
                print("vm: silent for more than %d s: ended" % a.limit, file=sys.stderr)
                return 124
    finally:
        vm.kill()
        vm.wait()
    follow.step()
    print("vm: %.0f s" % (time.monotonic() - began), file=sys.stderr)
    return follow.status


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--cache", default=os.path.expanduser("~/.cache/runner-vm"))
    p.add_argument("--build", default=os.environ.get("BUILD", "build"))
    p.add_argument("--log")
    p.add_argument("--limit", type=int, default=3600)
    p.add_argument("kernel")
    p.add_argument("command", nargs="?", default="sh tests/vm/tests.sh")
    a = p.parse_args()
    if not shutil.which(QEMU):
        fail("%s is missing: apt-get install --no-install-recommends qemu-system-x86" % QEMU)
    made = subprocess.run([sys.executable, os.path.join(HERE, "prepare.py"), a.cache, a.kernel],
                          stdout=subprocess.PIPE, text=True)
    if made.returncode != 0:
        sys.exit(3)
    image, initrd, root = made.stdout.split()
    work = tempfile.mkdtemp(prefix="runner-vm-")
    try:
        tree = os.path.join(work, "tree.tar")
        pack(tree, a.build, a.command)
        log = a.log or os.path.join(work, "log")
        accel = accelerator(a.cache, image)
        print("vm: %s under %s" % (os.path.basename(image), accel), file=sys.stderr, flush=True)
        status = boot(a, image, initrd, root, tree, log, accel)
        if status is None and accel == "tcg" and "Oops: int3" in text_of(log + ".console"):
            # Emulated CPUs may run into a breakpoint that the kernel, patching its own
            # code, has already taken back. That says nothing about what is tested.
            print("vm: the emulator stumbled over patched code: once more", file=sys.stderr)
            status = boot(a, image, initrd, root, tree, log, accel)
        if status is None:
            sys.stderr.write(text_of(log + ".console")[-3000:])
            fail("the machine ended before the command did")
        sys.exit(status)
    finally:
        shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    main()
