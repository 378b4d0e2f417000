# SPDX-License-Identifier: Apache-2.0
"""Rows that come from lists in the source: each flag, limit, namespace, set, bit, row."""
import json
import re

TABLE = "tests/security/test_mount_table.py Table."
PINS = "tests/security/test_pins.py Pins."
NO_PROOF = ("runner/layer/mounting.c", "uint64_t wanted = attributes & (",
            "uint64_t wanted = 0 & attributes & (")


def place(text, start, end):
    """The lines around it that are there once, and where it lies in them."""
    first = text.rfind("\n", 0, start) + 1
    last = text.find("\n", end)
    while text.count(text[first:last]) > 1:
        first = text.rfind("\n", 0, first - 1) + 1
    return text[first:last], start - first, end - first


def change(read, path, start, end, new):
    """The edit that puts `new` where text[start:end] stands."""
    old, a, b = place(read(path), start, end)
    return path, old, old[:a] + new + old[b:]


# -- mounts: each attribute, where it is decided, and not by the proof ---------------

# file, what the line holds, the test that reads that mount
ATTRIBUTES = [
    ("runner/layer/root.c", r"\bRO = .*", TABLE + "test_default"),
    ("runner/layer/root.c", r"RO_NOEXEC = .*", TABLE + "test_default"),
    ("runner/layer/root.c", r"raw3\(SYS_fsmount, fs, .*", TABLE + "test_default"),
    ("runner/layer/root.c", r'add_bind\(plan, "", "dev", .*', TABLE + "test_the_hosts_devices"),
    ("runner/layer/root.c", r"seal = .*", TABLE + "test_default"),
    ("runner/layer/tmpfs.c", r"t->attributes = .*", TABLE + "test_binds"),
    ("runner/layer/tmpfs.c", r"t->attributes \|= RAW_MOUNT_ATTR_NOEXEC", TABLE + "test_default"),
    ("runner/layer/tmpfs.c", r"t->attributes \|= RAW_MOUNT_ATTR_RDONLY", TABLE + "test_probe"),
    ("runner/layer/binds.c", r"b\.attributes = .*", TABLE + "test_binds"),
    ("runner/layer/binds.c", r"b\.attributes \|= RAW_MOUNT_ATTR_RDONLY", TABLE + "test_binds"),
    ("runner/layer/devices.c", r"b\.attributes = .*", TABLE + "test_default"),
    ("runner/layer/proc.c", r"RAW_MOUNT_ATTR_NOSUID \|.*", TABLE + "test_default"),
    ("runner/layer/programs.c", r"enum \{ RO = .*", TABLE + "test_programs"),
]


def mounts(read):
    number = 0
    for path, line, test in ATTRIBUTES:
        text = read(path)
        found = list(re.finditer(line, text))
        if not found:
            yield "nothing in %s is like %s" % (path, line), [(path, line, "")], [test]
        for m in found:
            for flag in re.finditer(r"RAW_MOUNT_ATTR_(\w+)", m.group()):
                number += 1
                at = m.start() + flag.start()
                edits = [change(read, path, at, at + len(flag.group()), "0"), NO_PROOF]
                if "seal" in line:
                    edits += [("runner/layer/root.c", 'r == -EROFS, "a directory could be',
                               'true, "a directory could be'),
                              ("runner/layer/root.c", "fs[10] & RAW_MOUNT_ATTR_NOEXEC", "true")]
                yield ("mount %d: no %s in %s" % (number, flag.group(1).lower(), path), edits,
                       [test])


# -- devices ---------------------------------------------------------------------------

def devices(read):
    path = "runner/layer/devices.c"
    text = read(path)
    for m in re.finditer(r'\{ "(dev/\w+)", (\d+) \}', text):
        edits = [change(read, path, m.start(2), m.end(2), str(int(m.group(2)) + 1))]
        if m.group(1) == "dev/null":
            edits.append((path, "st.st_rdev == makedev(1, 3)", "st.st_rdev"))
        yield ("device: %s is another one" % m.group(1), edits,
               ["tests/security/test_mount_table.py Devices.test_each"])


# -- limits ------------------------------------------------------------------------------

def limits(read):
    path = "runner/layer/process.c"
    text = read(path)
    for m in re.finditer(r'add_rlimit\(plan, "(\w+)", (RLIMIT_\w+),\s*([^;]*)\);', text):
        name, value = m.group(1), m.group(3)
        yield ("limit: %s is not set" % name, [change(read, path, m.start(), m.end(), "(void)0;")],
               [PINS + "test_limits"])
        yield ("limit: %s is one more" % name,
               [change(read, path, m.start(3), m.end(3), "(%s) + 1" % value)],
               [PINS + "test_limits"])


# -- namespaces, ids ---------------------------------------------------------------------

def namespaces(read):
    path = "runner/layer/namespaces.c"
    for m in re.finditer(r"plan->clone_flags \|= (CLONE_NEW(\w+));", read(path)):
        # Of the mount and the pid namespace all else depends.
        if m.group(2) in ("NS", "PID", "CGROUP", "IPC"):
            continue
        yield ("namespace: no new %s" % m.group(2).lower(),
               [change(read, path, m.start(1), m.end(1), "0")], [PINS + "test_namespaces"])


def ids(read):
    path = "runner/layer/userns.c"
    text = read(path)
    for kind in "uid", "gid":
        m = re.search(r'snprintf\(plan->%s_map.*"(%%u %%u 1)\\n", (spec->%s), (plan->host_%s)\)'
                      % (kind, kind, kind), text)
        yield ("map of the %s: another one inside" % kind,
               [change(read, path, m.start(2), m.end(2), m.group(2) + " + 1")],
               [PINS + "test_identity"])
        yield ("map of the %s: another one outside" % kind,
               [change(read, path, m.start(3), m.end(3), m.group(3) + " + 1")],
               [PINS + "test_identity"])
        yield ("map of the %s: two of them" % kind,
               [change(read, path, m.start(1), m.end(1), "%u %u 2")], [PINS + "test_identity"])
    yield ("setgroups stays allowed", [(path, '"self/setgroups", "deny"', '"self/setgroups", "allow"')],
           [PINS + "test_identity"])


# -- capabilities -----------------------------------------------------------------------

def capabilities(read):
    path = "runner/layer/privileges.c"
    text = read(path)
    m = re.search(r"SECUREBITS = ([^;]*?),\n\}", text)
    for bit in re.finditer(r"SECBIT_\w+", m.group(1)):
        at = m.start(1) + bit.start()
        yield ("securebits: no %s" % bit.group(),
               [change(read, path, at, at + len(bit.group()), "0")], [PINS + "test_privileges"])


# -- proofs -------------------------------------------------------------------------------

# The layer left out in the child, and who notices when its proof says yes to all.
ENTER = {
    "landlock": ("runner/layer/landlock.c",
                 "r = (int)raw2(SYS_landlock_restrict_self, ruleset, 0);", "r = 0;",
                 ["prove_landlock"], ["tests/security/test_attacks.py Attacks."
                                      "test_exec_from__tmp_Landlock_alone_root"]),
    "keyring": ("runner/layer/privileges.c",
                "long r = raw2(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL);", "long r = 0;",
                ["prove_keyring"], [PINS + "test_keyring"]),
    "session": ("runner/layer/process.c", "long r = raw0(SYS_setsid);", "long r = 0;",
                ["prove_session"], ["selftest its session"]),
    "rlimits": ("runner/layer/process.c",
                "r = raw4(SYS_prlimit64, 0, p->rlimits[i].resource, limit, NULL);\n\t\tif (r == "
                "-EPERM)", "r = 0;\n\t\tif (r == -EPERM)", ["prove_rlimits"],
                [PINS + "test_limits"]),
    "fds": ("runner/layer/process.c",
            "return (int)raw3(SYS_close_range, 3, ~0u, RAW_CLOSE_RANGE_CLOEXEC);",
            "return (int)raw3(SYS_dup3, 0, 20, 0) * 0;", ["prove_fds"],
            [PINS + "test_what_a_careless_caller_leaves"]),
    "proc_subset": ("runner/layer/proc.c", '"subset", "pid", 0);', '"hidepid", "0", 0);',
                    ["prove_subset"], [TABLE + "test_default"]),
    "memfd": ("runner/layer/memfd.c", 'raw3(SYS_write, fd, "2", 1)', 'raw3(SYS_write, fd, "1", 1)',
              ["prove_memfd"], ["tests/security/test_attacks.py Attacks."
                                "test_memfd_sysctl_alone_root"]),
    "userns_limit": ("runner/layer/userns.c", '"sys/user/max_user_namespaces", "0")',
                     '"sys/user/max_user_namespaces", "9")', ["prove_limit"],
                     ["tests/security/test_attacks.py Attacks."
                      "test_user_namespace_second_wall_root"]),
    "capabilities": ("runner/layer/privileges.c", "\treturn set_capabilities_empty();",
                     "\treturn 0;", ["prove_capabilities"], [PINS + "test_privileges"]),
    "uts_ns": ("runner/layer/namespaces.c",
               "long r = raw2(SYS_sethostname, name, raw_strlen(name));", "long r = 0;",
               ["prove_uts"], [PINS + "test_names"]),
    "pivot_root": ("runner/layer/root.c", ".attr_set = RAW_MOUNT_ATTR_RDONLY | noexec };",
                   ".attr_set = noexec };", ["prove_pivot"], [TABLE + "test_default"]),
}


def believing(read, path, name):
    """That function says that all is well."""
    m = re.search(r"IN_CHILD static int %s\(struct child \*c\)\n\{\n" % name, read(path))
    return change(read, path, m.start(), m.end(), m.group() + "\tif (c)\n\t\treturn 0;\n")


def proofs(read):
    for layer, (path, old, new, names, tests) in ENTER.items():
        edits = [(path, old, new)]
        # The enter alone is for the proof, the enter without the proof for an attack.
        yield "proof: %s" % layer, edits, ["proof " + layer]
        for name in names:
            edits = edits + [believing(read, path, name)]
        yield "no proof: %s" % layer, edits, tests


def generate(read):
    for rows in mounts, devices, limits, namespaces, ids, capabilities, proofs:
        yield from rows(read)
