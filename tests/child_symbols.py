# SPDX-License-Identifier: Apache-2.0
"""Nothing but system calls between clone and exec.

Reads the relocations of the section .text.in_child in the objects given: what it
refers to must lie in the same section of some object, be data, or be one of the
few functions below, which touch nothing but their arguments.
"""
import re
import subprocess
import sys

ALLOWED = {
    "memcpy", "memset",   # the compiler's own, for copying structures
    "__stack_chk_fail",   # ends the process
    "bpf_run",            # an interpreter over const data, see seccomp/bpf_run.c
}
SECTION = ".text.in_child"


def tool(*argv):
    return subprocess.run(argv, stdout=subprocess.PIPE, text=True, check=True).stdout


def main(objects):
    functions = {}  # symbol -> section it is defined in
    for o in objects:
        for line in tool("objdump", "-t", o).splitlines():
            m = re.match(r"[0-9a-f]+ (.{7}) (\S+)\t[0-9a-f]+ (?:\.hidden )?(\S+)$", line)
            if m and m[2] != "*UND*":
                functions.setdefault(m[3], m[2])
    bad = []
    seen = 0
    for o in objects:
        inside = False
        for line in tool("objdump", "-r", o).splitlines():
            if line.startswith("RELOCATION RECORDS FOR"):
                inside = "[%s]" % SECTION in line
            m = inside and re.match(r"[0-9a-f]+ R_\S+\s+(\S+)", line)
            if not m:
                continue
            seen += 1
            name = re.sub(r"[-+]0x[0-9a-f]+$", "", m[1])
            section = name if name.startswith(".") else functions.get(name)
            if name in ALLOWED or section == SECTION:
                continue
            if section and not section.startswith(".text"):
                continue
            bad.append("%s: refers to %s" % (o, name))
    if seen < 100:
        bad.append("only %d references were read: is the section still named %s?" % (seen, SECTION))
    for line in sorted(set(bad)):
        print(line)
    print("%d passed, %d failed" % (seen - len(bad) if not bad else 0, len(set(bad))))
    return 1 if bad else 0


sys.exit(main([a for a in sys.argv[1:] if a.endswith(".o")]))
