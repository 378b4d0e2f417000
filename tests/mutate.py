#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Break runner on purpose, one place at a time: something must notice.

    mutate.py [NAME...]

Each mutation is made in a copy of the tree. It counts as caught by the set-up (the
kernel refused what followed), by the proof before exec, by the unit tests, by
`runner selftest`, or by a test named with it. One that nothing catches fails.
"""
import os
import shutil
import subprocess
import sys
import tempfile

TREE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

# name, file, what stands there, what is put there, a test that must notice (or None)
MUTATIONS = [
    ("Landlock is not entered", "runner/layer/landlock.c",
     "r = (int)raw2(SYS_landlock_restrict_self, ruleset, 0);", "r = 0;", None),
    ("Landlock handles one right only", "runner/layer/landlock.c",
     "{ p->landlock_fs, p->landlock_net,", "{ p->landlock_fs & 1, p->landlock_net,", None),
    ("the root is not sealed", "runner/layer/root.c",
     ".attr_set = RAW_MOUNT_ATTR_RDONLY };", ".attr_set = 0 };", None),
    ("the old root stays", "runner/layer/root.c",
     'r = raw2(SYS_umount2, ".", MNT_DETACH);', "r = 0;", None),
    ("binds stay writable", "runner/layer/mounting.c",
     'r = raw5(SYS_mount_setattr, tree, "", flags, &attr, sizeof(attr));',
     "r = 0; (void)attr;", None),
    ("/tmp is executable", "runner/layer/tmpfs.c",
     "t->attributes |= RAW_MOUNT_ATTR_NOEXEC;", "t->attributes |= 0;", None),
    ("programs: the loader may map the others", "runner/layer/programs.c",
     "r = raw5(SYS_mount_setattr, c->root_fd, p->view[i].target, RAW_AT_RECURSIVE,\n"
     "				 &noexec, sizeof(noexec));",
     "r = 0; (void)noexec;", ["tests/security/test_shell_denial.py"]),
    ("programs: Landlock still grants the directory", "runner/layer/landlock.c",
     "(plan->spec->only_programs ? 0 : FS_EXECUTE)", "FS_EXECUTE",
     ["tests/security/test_shell_denial.py"]),
    ("programs: any file is taken for a loader", "runner/layer/programs.c",
     "if (!script && !is_loader(loader))", "if (!script && !is_loader(loader) && fd < 0)",
     ["tests/security/test_shell_denial.py"]),
    ("programs: names are looked up on the host", "runner/layer/programs.c",
     "	if (!begins_inside(plan, path))", "	if (!begins_inside(plan, path) && root_fd < 0)",
     ["tests/security/test_shell_denial.py"]),
    ("programs: a bind of the user's is executable", "runner/layer/binds.c",
     "	if (plan->spec->only_programs) {", "	if (0) {",
     ["tests/security/test_shell_denial.py"]),
    ("a mount point is made through a link", "runner/plan.c",
     "		if (there && there->kind != PLAN_NODE_DIR)", "		if (0)",
     ["tests/security/test_surroundings.py"]),
    ("memfds may be executed", "runner/layer/memfd.c",
     'raw3(SYS_write, fd, "2", 1)', 'raw3(SYS_write, fd, "1", 1)', None),
    ("user namespaces stay allowed", "runner/layer/userns.c",
     '"sys/user/max_user_namespaces", "0")', '"sys/user/max_user_namespaces", "9")', None),
    ("the group id is kept", "runner/layer/userns.c",
     "r = raw3(SYS_setresgid, p->host_gid, p->host_gid, p->host_gid);", "r = 0;", None),
    ("root's groups are kept", "runner/layer/userns.c",
     "r = raw2(SYS_setgroups, 0, NULL);", "r = 0;", None),
    ("capabilities stay", "runner/layer/privileges.c",
     "	return set_capabilities_empty();", "	return 0;", None),
    ("the bounding set stays", "runner/layer/privileges.c",
     "raw5(SYS_prctl, PR_CAPBSET_DROP, cap, 0, 0, 0)", "(cap > 40 ? -EINVAL : 0)", None),
    ("no_new_privs is not set", "runner/layer/privileges.c",
     "return (int)raw5(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);", "return 0;", None),
    ("the keyring is the caller's", "runner/layer/privileges.c",
     "long r = raw2(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL);", "long r = 0;", None),
    ("the session is the caller's", "runner/layer/process.c",
     "long r = raw0(SYS_setsid);", "long r = 0;", None),
    ("descriptors are inherited", "runner/layer/process.c",
     "return (int)raw3(SYS_close_range, 3, ~0u, RAW_CLOSE_RANGE_CLOEXEC);",
     "return (int)raw3(SYS_dup3, 0, 9, 0) * 0;", None),
    ("limits are not set", "runner/layer/process.c",
     "r = raw4(SYS_prlimit64, 0, p->rlimits[i].resource, limit, NULL);\n		if (r == -EPERM)",
     "r = 0;\n		if (r == -EPERM)", None),
    ("the environment is the caller's", "runner/layer/process.c",
     "	plan->envp = envp;", "	plan->envp = s->caller_env;", None),
    ("/proc shows the kernel's files", "runner/layer/proc.c",
     '"subset", "pid", 0);', '"hidepid", "0", 0);', None),
    ("the network is the caller's", "runner/layer/network.c",
     "r = raw2(SYS_setns, n->maker_fd, n->flags);", "r = 0;", None),
    ("the host name is the caller's", "runner/layer/namespaces.c",
     "plan->clone_flags |= CLONE_NEWUTS;", "plan->clone_flags |= 0;",
     ["tests/e2e/test_exec.py"]),
    ("cgroup paths show", "runner/layer/namespaces.c",
     "		plan->clone_flags |= CLONE_NEWCGROUP;", "		plan->clone_flags |= 0;", None),
    ("the filter is another one", "runner/layer/seccomp.c",
     "SECCOMP_SET_MODE_FILTER, flags, &c->plan->filter);",
     "SECCOMP_SET_MODE_FILTER, flags, &memfd_program);", None),
    ("the filter is off by one", "seccomp/bpf.c",
     "emit(m, BPF_JMP | BPF_JGE | BPF_K, ranges[middle].start, 1, 0);",
     "emit(m, BPF_JMP | BPF_JGT | BPF_K, ranges[middle].start, 1, 0);", None),
    ("init can be traced", "runner/child.c",
     "	/* A change of credentials also sets dumpable to fs.suid_dumpable (proc(5)). */\n"
     "	raw5(SYS_prctl, PR_SET_DUMPABLE, 0, 0, 0, 0);",
     "	raw5(SYS_prctl, PR_SET_DUMPABLE, 1, 0, 0, 0);", None),
    ("Landlock's paths are opened after it is on", "runner/layer/landlock.c",
     "		r = add_rule(ruleset, &p->rules[i], p->landlock_fs);",
     "		r = i ? 0 : add_rule(ruleset, &p->rules[i], p->landlock_fs);", None),
    ("any exit is believed to be for memory", "runner/verdict.c",
     "o->cgroup.oom_kill > 0;", "true;", None),
    ("the tree is not killed", "runner/supervise.c",
     "	raw4(SYS_pidfd_send_signal, w->run->init_fd, SIGKILL, NULL, 0);", "",
     ["tests/e2e/test_supervision.py", "Time.test_wall_time"]),
]

# On the way that only root takes: an ordinary user's run does not pass there.
ROOTS_OWN = {"memfds may be executed", "the group id is kept", "root's groups are kept",
             "the network is the caller's"}


def run(argv, **kwargs):
    return subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          stdin=subprocess.DEVNULL, **kwargs)


def built(tree, *targets):
    # Without the second copy of the code: the first is enough to break.
    # Nor are warnings errors here, as they may be for the make that started this.
    env = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
    return run(["make", "-C", tree, "-j%d" % (os.cpu_count() or 1), "EXPRESS=", "DEV="] +
               list(targets), env=env)


def noticed_by(tree, test):
    """Who notices; None when nobody does."""
    runner = os.path.join(tree, "build/runner")
    for profile in ("default", "probe"):
        r = run([runner, "exec", "--profile", profile, "--", "true"], timeout=60)
        if "does not hold" in r.stdout:
            return "proof: " + r.stdout.split("layer ")[1].split(";")[0]
        if r.returncode != 0:
            return "set-up: " + r.stdout.splitlines()[0][8:90]
    r = built(tree, "build/unit")
    if r.returncode == 0:
        r = run([os.path.join(tree, "build/unit"), "tests"], cwd=tree, timeout=120)
        if r.returncode != 0:
            names = [l.strip() for l in r.stdout.splitlines() if "had failures" in l]
            return "unit tests: " + (names[0] if names else "")[:70]
    r = run([runner, "selftest"], timeout=120)
    if r.returncode != 0:
        failed = [l for l in r.stdout.splitlines() if l.startswith("FAILED")]
        return "selftest: " + (failed[0][11:80] if failed else r.stdout[:60])
    if test:
        built(tree, "build/t/probe", "build/t/true", "build/t/killat")
        try:
            r = run(["/usr/bin/python3", "-W", "ignore"] + test, cwd=tree, timeout=300)
        except subprocess.TimeoutExpired:
            return "test: %s (it hangs)" % " ".join(test)
        if r.returncode != 0:
            return "test: " + " ".join(test)
    return None


def main():
    # A broken runner is run as it is: what it could break must not be the host's.
    if os.geteuid() == 0 and not os.environ.get("RUNNER_MUTATE_APART"):
        os.environ["RUNNER_MUTATE_APART"] = "1"
        os.execvp("unshare", ["unshare", "--uts", "--mount", "--ipc", sys.executable] + sys.argv)
    if os.geteuid() == 0:
        os.setgroups([4, 24])  # what a login gives root, and the payload must not have
    chosen = [m for m in MUTATIONS if not sys.argv[1:] or m[0] in sys.argv[1:]]
    if os.geteuid() != 0:
        chosen = [m for m in chosen if m[0] not in ROOTS_OWN]
        print("not root: without the %d that only root's runs pass" % len(ROOTS_OWN))
    missed = []
    work = tempfile.mkdtemp(prefix="runner-mutate-")
    tree = os.path.join(work, "tree")
    try:
        shutil.copytree(TREE, tree, symlinks=True,
                        ignore=shutil.ignore_patterns("build*", ".git", "__pycache__"))
        r = built(tree, "build/runner", "build/unit")
        if r.returncode != 0:
            sys.exit("the unbroken tree does not build:\n" + r.stdout[-2000:])
        for name, path, old, new, test in chosen:
            path = os.path.join(tree, path)
            with open(path, encoding="utf-8") as f:
                text = f.read()
            if text.count(old) != 1:
                sys.exit("'%s': the place to break is %s %d times" % (name, path, text.count(old)))
            with open(path, "w", encoding="utf-8") as f:
                f.write(text.replace(old, new))
            r = built(tree, "build/runner")
            if r.returncode != 0:
                sys.exit("'%s' does not build:\n%s" % (name, r.stdout[-2000:]))
            who = noticed_by(tree, test)
            print("%-45s %s" % (name, who or "NOBODY NOTICED"), flush=True)
            if not who:
                missed.append(name)
            with open(path, "w", encoding="utf-8") as f:
                f.write(text)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    print("%d of %d noticed" % (len(chosen) - len(missed), len(chosen)))
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
