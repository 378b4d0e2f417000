# SPDX-License-Identifier: Apache-2.0
"""The guard and the policies: how they are put together, and every rule of theirs."""
import json
import re

PINNED = ["unit every row of the table"]
GUARD = "tests/security/test_guard.py"
SHRUNK = ["unit shrunk programs answer as before"]
AF_UNIX = '"errnoRet": 13,\n          "args": [{"index": 0, "op": "SCMP_CMP%s}]'

MUTATIONS = [
    ("guard: not in front of a user's policy", "runner/policy_file.c",
     "builtin_policy_text, &guard,", "builtin_policy_text, name ? NULL : &guard,",
     [GUARD + " SpecialFiles.test_none_is_left_on_the_host"]),
    ("guard: gone with the policy", "runner/layer/filter.c", "if (!name && !blocks)", "if (!name)",
     [GUARD + " SpecialFiles.test_none_is_left_on_the_host"]),
    ("guard: behind the policy", "seccomp/policy.c",
     "int r = guard ? add_guard(guard, t, e) : 0;\n\n\tif (r == 0)\n"
     "\t\tr = add_rules(where, root, 0, t, e);",
     "int r = add_rules(where, root, 0, t, e);\n\n\tif (r == 0 && guard)\n"
     "\t\tr = add_guard(guard, t, e);", PINNED),
    ("guard: denials under the policy's name", "runner/layer/filter.c",
     "return LAYER_GUARD + (int)block - 1;", "return LAYER_SECCOMP;",
     ["unit the guard's blocks are the rows"]),
    ("guard: what is answered is asked about", "seccomp/policy.c",
     "error == ENOSYS || error == 0", "error == ENOSYS",
     ["unit only what deserves a record is asked"]),
    ("coredump: the limit is 0", "runner/layer/guard.c",
     "plan->core_limit = host->core ? 1 : 0;", "plan->core_limit = 0;",
     ["unit no crash reaches the host"]),
    ("coredump: a socket is as good as a file", "runner/layer/guard.c",
     "if (host->core_pattern == '@') {\n\t\terr_set", "if (host->core_pattern == '#') {\n\t\terr_set",
     ["unit no crash reaches the host"]),
    ("coredump: the limit is not set", "runner/layer/guard.c",
     "long r = raw4(SYS_prlimit64, 0, RLIMIT_CORE, limit, NULL);", "long r = 0; (void)limit;",
     ["tests/security/test_coredump.py Limit.test_it_stays_what_it_is"]),
    ("bpf: one of the bits is all of them", "seccomp/bpf.c",
     "emit(m, BPF_JMP | BPF_JSET | BPF_K, (uint32_t)a->value, 0, TO_NEXT);",
     "emit(m, BPF_JMP | BPF_JGE | BPF_K, (uint32_t)a->value, 0, TO_NEXT);",
     ["unit random tables"]),
    ("bpf: a masked value counts as loaded", "seccomp/bpf_decide.c",
     "\t\t\ts.held.mask &= p[i].k;", "\t\t\ts.held.mask &= ALL;",
     ["unit tables of near twins"]),
    ("bpf: what one way knows, all do", "seccomp/bpf_decide.c",
     "if (knows(from, &to->facts[i]))", "if (1)", ["unit tables of near twins"]),
    ("bpf: a jump lands where another word is held", "seccomp/bpf_decide.c",
     "|| same_word(h, s->held))\n", "|| 1)\n", ["unit tables of near twins"]),
    ("bpf: a value that differs in part is another", "seccomp/bpf_decide.c",
     "(f->word.mask & ~mask) == 0 &&\n\t\t    (value & f->word.mask) == f->value)",
     "(value & f->word.mask) == f->value)", ["unit tables of near twins"]),
    ("bpf: some of the bits are all of them", "seccomp/bpf_decide.c",
     "return known == h.mask ? HOLDS : UNKNOWN;", "return known ? HOLDS : UNKNOWN;",
     ["unit tables of near twins"]),
    ("bpf: a word that is looked at is not loaded", "seccomp/bpf_shrink.c",
     "return bpf_is_return(&p[next]) || bpf_is_load(&p[next]);", "return true;",
     ["unit tables of near twins"]),
    ("bpf: a call with conditions counts as one without", "seccomp/bpf.c",
     "return mapped(m, t->otherwise) == *ret;", "return true;", ["unit random tables"]),
    ("bpf: there are no calls of x32", "seccomp/bpf.c",
     "{ BPF_X32_BIT, -1, mapped(m, t->foreign) };", "{ BPF_X32_BIT, -1, mapped(m, t->otherwise) };",
     ["unit foreign architectures are foreign"]),
    ("bpf: places are alike that lead elsewhere",
     [("seccomp/bpf_shrink.c",
       "k->of[bpf_follower(p, a, false)] == k->of[bpf_follower(p, b, false)]", "1"),
      ("seccomp/bpf_shrink.c", "\t\t\t      k->of[bpf_follower(p, i, false)]) %", "\t\t\t      0) %")],
     ["unit tables of near twins"]),
    ("bpf: what one way holds, all hold", "seccomp/bpf_decide.c",
     "		to->held.offset = NOTHING;\n	for", "		;\n	for", SHRUNK),
    ("bpf: settled ways go on farther than a jump reaches", "seccomp/bpf_decide.c",
     "while (at - from - 1 <= BPF_REACH) {", "while (at - from - 1 <= BPF_REACH + 1) {", SHRUNK),
    ("bpf: what differs of one word differs of another", "seccomp/bpf_decide.c",
     "f->word.offset == offset && !f->equal", "!f->equal", SHRUNK),
    ("guard: a ring that came from elsewhere makes sockets", "seccomp/guard.json",
     '"comment": "A ring makes and connects sockets.",\n          "names": ["io_uring_setup", '
     '"io_uring_enter", "io_uring_register"],',
     '"comment": "A ring makes and connects sockets.",\n          "names": ["io_uring_setup"],',
     ["tests/security/test_sockets.py Sockets.test_no_ring_makes_one"]),
    ("guard: pairs of datagrams", "seccomp/guard.json", '"op": "ANY_BITS", "value": 10}',
     '"op": "ANY_BITS", "value": 8}', ["proof unix_sockets --bind /var/tmp:/d"]),
    ("guard: streams of AF_UNIX", "seccomp/guard.json", AF_UNIX % '_MASKED_EQ", "value": 4294967295, "valueTwo": 1',
     AF_UNIX % '_MASKED_EQ", "value": 4294967295, "valueTwo": 2',
     ["proof unix_sockets --bind /var/tmp:/d"]),
    ("guard: all the bits of the family", "seccomp/guard.json",
     AF_UNIX % '_MASKED_EQ", "value": 4294967295, "valueTwo": 1', AF_UNIX % '_EQ", "value": 1', PINNED),
]


def entries(text):
    """The rules' own text."""
    for m in re.finditer(r'^( +)\{\n(?:(?!\1\}).*\n)*?\1\}', text, re.M):
        if '"names"' in m[0] and '"syscalls"' not in m[0]:
            yield m[0]
    # guard.json: inside the blocks
    for m in re.finditer(r'^        \{\n(?:(?!        \}).*\n)*?        \}', text, re.M):
        if '"names"' in m[0]:
            yield m[0]


def notices(path, rule):
    """Who sees it where another wall stands in front or behind."""
    if "connects" in rule.get("comment", ""):
        return ["tests/security/test_sockets.py Sockets.test_no_ring_makes_one"]
    if "io_uring_setup" in rule["names"]:
        return [GUARD + " SpecialFiles.test_io_uring_is_no_way_round"]
    if path.endswith("default.json") and rule["names"][0] in ("mknod", "mknodat"):
        return [GUARD + " SpecialFiles.test_without_the_layer_they_are_all_left"]
    return PINNED


# Behind the guard they show only without it.
BEHIND = {("default", "bpf"): [GUARD + " FilterAttach.test_bpf"],
          ("default", "openat2"): [GUARD + " SpecialFiles.test_without_the_layer_they_are_all_left"]}


def broken(rule):
    """(what is broken, the rule as it then is)"""
    errno = rule.get("errnoRet")
    if errno is None:
        yield "refused", dict(rule, action="SCMP_ACT_ERRNO")
    else:
        yield "allowed", dict(rule, action="SCMP_ACT_ALLOW", errnoRet=1)
        yield "another errno", dict(rule, errnoRet=5)
    args = rule.get("args", [])
    for i in range(len(args)):
        yield "argument %d not looked at" % args[i]["index"], dict(rule,
                                                                   args=args[:i] + args[i + 1:])
    for name in rule["names"]:
        rest = [n for n in rule["names"] if n != name]
        # An unknown call gets ENOSYS as well.
        if rest and errno != 38:
            yield "forgets " + name, dict(rule, names=rest)


def generate(read):
    for policy in ("guard", "default", "no-fork"):
        path = "seccomp/%s.json" % policy
        seen = set()
        for old in entries(read(path)):
            rule = json.loads(old)
            if old in seen:
                continue
            seen.add(old)
            for what, new in broken(rule):
                where = ", ".join(str(a["index"]) + ":" + str(a["value"]) + "/" +
                                  str(a.get("valueTwo", "")) for a in rule.get("args", []))
                yield ("%s: %s(%s) #%d: %s" % (policy, rule["names"][0], where, len(seen), what),
                       path, old, json.dumps(new),
                       BEHIND.get((policy, what[len("forgets "):]), notices(path, rule)))
