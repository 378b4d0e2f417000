#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a test machine boots from: a kernel, an initramfs, a root file system.

    prepare.py CACHE KERNEL

KERNEL is 6.1 or 6.12 (Debian's cloud kernels, from its packages, not installed)
or the path of a vmlinuz whose modules are in /lib/modules or built in. All of it
is kept in CACHE and made once. Prints the paths of the three.
"""
import glob
import lzma
import os
import shutil
import subprocess
import sys

PACKAGES = {"6.1": "linux-image-cloud-amd64", "6.12": "linux-image-6.12-cloud-amd64"}
# What the first program needs to reach the root file system.
MODULES = ["virtio_pci", "virtio_blk", "ext4", "crc32c_generic"]
ROOT_PACKAGES = ["python3", "python3-jsonschema", "procps", "util-linux", "strace", "mount",
                 "iproute2", "git"]

INIT = """#!/bin/busybox sh
/bin/busybox mount -t proc none /proc
/bin/busybox mount -t devtmpfs none /dev
for m in $(/bin/busybox cat /modules); do /bin/busybox insmod /lib/$m; done
n=0
until [ -b /dev/vda ] || [ $n -ge 50 ]; do /bin/busybox sleep 0.1; n=$((n + 1)); done
/bin/busybox mount -t ext4 /dev/vda /root || /bin/busybox reboot -f
/bin/busybox umount /proc
exec /bin/busybox switch_root /root /sbin/vm-init
"""

# The tree under test comes on the second disk; what it says goes to the second port.
VM_INIT = """#!/bin/sh
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev 2>/dev/null
mkdir -p /dev/pts /dev/shm
mount -t devpts devpts /dev/pts
mount -t tmpfs -o mode=1777 tmpfs /dev/shm
mount -t tmpfs tmpfs /run
chmod 1777 /tmp
mount -t cgroup2 cgroup2 /sys/fs/cgroup
ip link set lo up 2>/dev/null
mkdir -p /work && tar -C /work -xf /dev/vdb
cd /work
sh tests/vm/inside.sh >/dev/ttyS1 2>&1
echo "vm-exit $?" >/dev/ttyS1
sync
echo o >/proc/sysrq-trigger
sleep 60
"""


def say(text):
    print("vm: " + text, file=sys.stderr, flush=True)


def fail(text):
    print("vm: " + text, file=sys.stderr)
    sys.exit(3)


def run(argv, cwd=None):
    r = subprocess.run(argv, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if r.returncode != 0:
        fail("'%s' failed:\n%s" % (" ".join(argv), r.stdout[-2000:]))
    return r.stdout


def depends_on(package):
    """The versioned package that a kernel's meta package stands for."""
    r = subprocess.run(["apt-cache", "depends", package], stdout=subprocess.PIPE,
                       stderr=subprocess.STDOUT, text=True, check=False)
    found = [l.split()[-1] for l in r.stdout.splitlines() if "Depends: linux-image-" in l]
    if not found:
        fail("apt knows no kernel package '%s' (6.12 is in bookworm-security): add what is "
             "missing to the sources, apt-get update; or give KERNEL=/path/to/vmlinuz" % package)
    return found[0]


def unpack(package, target):
    """Download a package and unpack it, without installing it."""
    part = target + ".part"
    shutil.rmtree(part, ignore_errors=True)
    os.makedirs(part)
    os.chmod(part, 0o755)
    say("downloading %s" % package)
    run(["apt-get", "download", package], cwd=part)
    deb = glob.glob(os.path.join(part, "*.deb"))[0]
    run(["dpkg", "-x", deb, part])
    os.unlink(deb)
    os.rename(part, target)


def kernel(cache, name):
    """(vmlinuz, directory of its modules or None)"""
    if os.path.sep in name:
        if not os.path.exists(name):
            fail("there is no kernel '%s'" % name)
        version = os.path.basename(name).replace("vmlinuz-", "")
        modules = os.path.join("/lib/modules", version)
        return name, modules if os.path.isdir(modules) else None
    if name not in PACKAGES:
        fail("KERNEL is '%s'; it can be %s or the path of a vmlinuz"
             % (name, ", ".join(sorted(PACKAGES))))
    target = os.path.join(cache, "kernel-" + name)
    if not os.path.isdir(target):
        unpack(depends_on(PACKAGES[name]), target)
    image = glob.glob(os.path.join(target, "boot", "vmlinuz-*"))[0]
    modules = (glob.glob(os.path.join(target, "lib/modules/*")) +
               glob.glob(os.path.join(target, "usr/lib/modules/*")))[0]
    return image, modules


def module_files(directory):
    """Paths of MODULES and what they need, in the order to load them."""
    found = {}
    for root, _, files in os.walk(directory):
        for f in files:
            if ".ko" in f:
                found[f.split(".ko")[0].replace("-", "_")] = os.path.join(root, f)
    order = []

    def add(name):
        path = found.get(name)
        if not path or path in order:
            return
        for need in requires(path):
            add(need)
        order.append(path)
    for m in MODULES:
        add(m)
    return order


def content(path):
    with open(path, "rb") as f:
        data = f.read()
    return lzma.decompress(data) if path.endswith(".xz") else data


def requires(path):
    """A module's own word (.modinfo), so that no depmod is needed."""
    data = content(path)
    at = data.find(b"\0depends=")
    if at < 0:
        return []
    text = data[at + 9:data.index(b"\0", at + 9)].decode()
    return [n.replace("-", "_") for n in text.split(",") if n]


def cpio(entries):
    """newc; entries are (name, mode, bytes)"""
    out = b""
    for number, (name, mode, data) in enumerate(entries + [("TRAILER!!!", 0, b"")], 1):
        raw = name.encode() + b"\0"
        head = "070701" + "".join("%08x" % v for v in (
            number, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(raw), 0))
        out += head.encode() + raw
        out += b"\0" * (-len(out) % 4)
        out += data
        out += b"\0" * (-len(out) % 4)
    return out


def initramfs(cache, name, modules):
    label = name.replace(os.path.sep, "_")
    path = os.path.join(cache, "initramfs-%s.cpio" % label)
    busybox = os.path.join(cache, "busybox")
    if not os.path.isdir(busybox):
        unpack("busybox-static", busybox)
    programs = glob.glob(os.path.join(busybox, "bin", "busybox")) + \
        glob.glob(os.path.join(busybox, "usr", "bin", "busybox"))
    files = module_files(modules) if modules else []
    entries = [(d, 0o40755, b"") for d in ("bin", "dev", "lib", "proc", "root", "sys")]
    entries.append(("bin/busybox", 0o100755, content(programs[0])))
    names = []
    for f in files:
        names.append(os.path.basename(f).split(".ko")[0] + ".ko")
        entries.append(("lib/" + names[-1], 0o100644, content(f)))
    entries.append(("modules", 0o100644, "\n".join(names).encode() + b"\n"))
    entries.append(("init", 0o100755, INIT.encode()))
    with open(path, "wb") as f:
        f.write(cpio(entries))
    return path


def root_image(cache):
    path = os.path.join(cache, "root.ext4")
    recipe = " ".join(ROOT_PACKAGES) + VM_INIT
    stamp = os.path.join(cache, "root.recipe")
    if os.path.exists(path) and os.path.exists(stamp):
        with open(stamp, encoding="utf-8") as f:
            if f.read() == recipe:
                return path
    if not shutil.which("mmdebstrap"):
        fail("mmdebstrap is missing: apt-get install mmdebstrap")
    as_root = [] if os.geteuid() == 0 else ["fakeroot"]
    if as_root and not (shutil.which("fakeroot") and shutil.which("fakechroot")):
        fail("an ordinary user makes it with fakeroot and fakechroot, which are missing: "
             "apt-get install fakeroot fakechroot")
    say("making the root file system (once; about a minute)")
    folder = os.path.join(cache, "root")
    shutil.rmtree(folder, ignore_errors=True)
    tar = os.path.join(cache, "root.tar")
    run(["mmdebstrap", "--variant=minbase", "--include=" + ",".join(ROOT_PACKAGES),
         "--dpkgopt=path-exclude=/usr/share/doc/*", "--dpkgopt=path-exclude=/usr/share/man/*",
         "--dpkgopt=path-exclude=/usr/share/locale/*", "bookworm", tar])
    os.makedirs(folder)
    init = os.path.join(cache, "vm-init")
    with open(init, "w", encoding="utf-8") as f:
        f.write(VM_INIT)
    # In one go: an ordinary user's files are root's only as long as fakeroot(1) lives.
    run(as_root + ["sh", "-ec", 'tar -C "$1" -xpf "$2" --exclude=./dev/*; '
                   'cp "$3" "$1/sbin/vm-init"; chmod 755 "$1/sbin/vm-init"; '
                   '/sbin/mke2fs -q -t ext4 -d "$1" "$4" 900m', "sh", folder, tar, init, path])
    os.unlink(tar)
    os.unlink(init)
    shutil.rmtree(folder, ignore_errors=True)
    with open(stamp, "w", encoding="utf-8") as f:
        f.write(recipe)
    return path


def main():
    cache, name = sys.argv[1], sys.argv[2]
    os.makedirs(cache, exist_ok=True)
    image, modules = kernel(cache, name)
    print(image)
    print(initramfs(cache, name, modules))
    print(root_image(cache))


if __name__ == "__main__":
    main()
