# SPDX-License-Identifier: Apache-2.0
"""A mount table as libmount reads it: nothing of ours takes part in the reading."""
import ctypes
import os
import tempfile

# mount(2)'s flags, as libmount tells them; a slave that is no peer it calls private, too.
PROPAGATION = {1 << 20: "shared", 1 << 19: "slave", 1 << 17: "unbindable"}


def library():
    lib = ctypes.CDLL("libmount.so.1")
    for name, kind in (("mnt_new_table_from_file", ctypes.c_void_p),
                       ("mnt_new_iter", ctypes.c_void_p),
                       ("mnt_fs_get_target", ctypes.c_char_p), ("mnt_fs_get_root", ctypes.c_char_p),
                       ("mnt_fs_get_fstype", ctypes.c_char_p),
                       ("mnt_fs_get_vfs_options", ctypes.c_char_p),
                       ("mnt_fs_get_fs_options", ctypes.c_char_p)):
        getattr(lib, name).restype = kind
    return lib


class Mount:
    def __init__(self, lib, fs):
        def text(name):
            return (getattr(lib, name)(fs) or b"").decode()
        flags = ctypes.c_ulong(0)
        lib.mnt_fs_get_propagation(fs, ctypes.byref(flags))
        self.target = text("mnt_fs_get_target")
        self.root = text("mnt_fs_get_root")
        self.type = text("mnt_fs_get_fstype")
        self.flags = set(text("mnt_fs_get_vfs_options").split(","))
        self.options = dict(o.partition("=")[::2]
                            for o in text("mnt_fs_get_fs_options").split(","))
        kinds = [word for flag, word in PROPAGATION.items() if flags.value & flag]
        self.propagation = ",".join(kinds) or "private"


def table(text):
    """The mounts of a mountinfo, in its order."""
    lib = library()
    with tempfile.NamedTemporaryFile("w", suffix=".mountinfo") as f:
        f.write(text)
        f.flush()
        found = lib.mnt_new_table_from_file(os.fsencode(f.name))
    if not found:
        raise ValueError("libmount does not read it: %.200r" % text)
    found, step = ctypes.c_void_p(found), ctypes.c_void_p(lib.mnt_new_iter(0))
    fs, mounts = ctypes.c_void_p(), []
    while lib.mnt_table_next_fs(found, step, ctypes.byref(fs)) == 0:
        mounts.append(Mount(lib, fs))
    lib.mnt_free_iter(step)
    lib.mnt_unref_table(found)
    return mounts
