# SPDX-License-Identifier: Apache-2.0
"""Init's identity, the descriptors before exec, and the end of a run."""

WHO = ["tests/security/test_init.py Init.test_who_it_is"]
REACH = ["tests/security/test_init.py Init.test_nothing_reaches_it"]
ENDINGS = "tests/e2e/test_endings.py "
KILLED = ["tests/e2e/test_killed.py Killed.test_at_each_named_step"]

MUTATIONS = [
    ("init stays root", "runner/layer/userns.c",
     "r = raw3(SYS_setresuid, p->init_id, p->init_id, p->init_id);", "r = 0;", WHO),
    ("init has the payload's id", "runner/layer/userns.c",
     "unowned_id(host, true)", "unowned_id(host, false)", REACH),
    ("init keeps every capability", "runner/layer/userns.c",
     "return (int)set_capabilities(0, mark, false);", "return (void)mark, 0;", WHO),
    ("rootless, init has nothing that the payload has not", "runner/layer/userns.c",
     "plan->host->privileged ? 0 : 1u << (CAP_WAKE_ALARM - 32)", "0 * plan->host->privileged",
     REACH),
    ("what init said last is lost", "runner/message.c",
     "(errno == ECONNRESET || errno == EINTR)", "errno == EINTR", ["unit"]),
    ("the payload sends past its filter", "runner/message.c",
     "== SECCOMP_RET_ALLOW;", "!= SECCOMP_RET_KILL_PROCESS;", ["unit"]),
    ("the supervisor waits for init", "runner/child.c",
     "	r = message_send_descriptors(c);", "	return 0;",
     [ENDINGS + "Init.test_the_supervisor_needs_no_init"]),
    ("nobody hands up what a policy forbids to send", "runner/init.c",
     "(!c->handed_up && hand_up(c) < 0)", "(c->handed_up && hand_up(c) < 0)",
     [ENDINGS + "Init.test_a_policy_without_sendmsg"]),
    ("init hands up under the caller's own limit", "runner/init.c",
     "	limit[0] = limit[1];\n", "", [ENDINGS + "Init.test_descriptors_under_way"]),
    ("no process is killed by itself", "runner/ending.c",
     "	raw4(SYS_pidfd_send_signal, fd, SIGKILL, NULL, 0);\n	close(fd);", "	close(fd);",
     [ENDINGS + "Init.test_each_process_is_killed_by_itself"]),
    ("it never gives up", "runner/ending.c",
     "	if (now >= ending->give_up)\n		return false;", "", ["unit"]),
    ("it gives up what is still ending", "runner/ending.c",
     "if (count < ending->fewest) {", "if (count > ending->fewest) {", ["unit"]),
    ("there are never survivors", "runner/ending.c", "	o->survivors++;\n", "", ["unit"]),
    ("survivors are no matter", "runner/verdict.c",
     "	if (!all_ended(o))\n		not_ended(o);\n	add_cause(o, o->reason);\n	if (a->killed)",
     "	add_cause(o, o->reason);\n	if (a->killed)", ["unit"]),
    ("our own SIGKILL is the payload's end", "runner/verdict.c",
     "!(a->killed && WIFSIGNALED", "!(0 && WIFSIGNALED", ["unit"]),
    ("SIGHUP is not passed on", "runner/supervise.c", "	sigaddset(ret, SIGHUP);\n", "",
     [ENDINGS + "Signals.test_each_one_reaches_the_payload"]),
    ("SIGQUIT is not passed on", "runner/supervise.c", "	sigaddset(ret, SIGQUIT);\n", "",
     [ENDINGS + "Signals.test_each_one_reaches_the_payload"]),
    ("nohup is not heeded", "runner/supervise.c",
     "	if (info.ssi_signo == SIGHUP && ignores_hangup())\n		return;\n", "",
     [ENDINGS + "Signals.test_nohup_is_heeded"]),
    ("the holder of an id map lives on", "runner/idmap.c",
     "while (raw_die_with(parent))", "while (parent)", KILLED),
]
