# SPDX-License-Identifier: Apache-2.0
"""Memory and CPU time that are held where nobody looks."""

import os
import re

HELD = "tests/security/test_held.py "
LOCKED = "tests/security/test_locked.py Locked."
WATCHDOG = "tests/security/test_watchdog.py "
UNCOUNTED = "tests/security/test_uncounted.py "
NEIGHBOURS = "tests/security/test_neighbours.py "
EVIDENCE = "tests/e2e/test_evidence.py "



def way(name):
    """Its test: they are numbered."""
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", HELD.strip()[6:]),
              encoding="utf-8") as f:
        ways = re.findall(r'^    "([^"]+)": """$', f.read(), re.M)
    return "Held.test_%d_%s" % (ways.index(name), name.replace(" ", "_"))


MUTATIONS = [
    ("memory of a process whose leader has ended does not count", "runner/survey_status.c",
     "if (f.who[0])\n\t\tmemcpy(who, f.who, SURVEY_WHO);", "f.who[0] = 0;",
     [HELD + way("a thread whose leader has ended")]),
    ("tmpfs has a budget of its own", "runner/watchdog.c",
     "+ named + files + nameless;", "+ named + nameless;",
     [HELD + way("a file that has no name any more")]),
    ("sockets do not count", "runner/nameless.c",
     "return n->bytes + n->sockets.sums.bytes;", "return n->bytes;",
     [HELD + way("sockets")]),
    ("sockets that children fill do not count", "runner/socket_use.c",
     "if (!info || ", "if (!info || local || ",
     [HELD + way("sockets filled by children that nobody waits for")]),
    ("sockets of TCP do not count", "runner/socket_use.c",
     "uint64_t sent = i[SK_MEMINFO_WMEM_ALLOC];\n\n\tif (i[SK_MEMINFO_WMEM_QUEUED] > sent)",
     "uint64_t sent = i[SK_MEMINFO_WMEM_ALLOC];\n\n\tif (0)", [HELD + way("TCP buffers")]),
    ("the queue of a connection that is over does not count", "runner/closed_sockets.c",
     "info.tcpi_state == TCP_CLOSE", "info.tcpi_state == TCP_LISTEN",
     [HELD + way("TCP connections that are over")]),
    ("what a sender that is gone has sent does not count", "runner/socket_use.c",
     "sums->may += (uint64_t)info[SK_MEMINFO_SNDBUF] *", "sums->may += 0 *",
     [HELD + way("sockets whose senders are gone")]),
    ("the netlink socket is of the supervisor's namespace", "runner/socket_use.c",
     "*entered = net >= 0 && enter(net, user);", "*entered = net >= 0 || enter(net, user);",
     [HELD + way("sockets filled between the ticks")]),
    ("shared memory that is hidden does not count", "runner/nameless.c",
     "n->bytes += hidden_part(n, s, files, now, exactly);",
     "if (0)\n\t\tn->bytes += hidden_part(n, s, files, now, exactly);",
     [HELD + way("shared memory that is looked away from")]),
    ("a page that stays mapped hides the rest of its memory", "runner/inventory.c",
     "o->size = (uint64_t)st.st_blocks * 512;", "o->size = end - start;",
     [HELD + way("shared memory of which a page stays mapped")]),
    ("shared memory is as large as what is mapped of it", "runner/notify.c",
     "shared_sizes_add(sizes, n->data.args[1]);", "shared_sizes_add(sizes, 4096);",
     [HELD + way("shared memory of which a page stays mapped")]),
    ("nobody is told of shared memory", "runner/layer/filter.c",
     "BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF)", "BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)",
     [HELD + way("shared memory of which a page stays mapped")]),
    ("the kernel's memory is the run's, whatever it has", "runner/nameless.c",
     "if (most <= n->least)", "if (0)", [NEIGHBOURS + "Hostile.test_innocent_runs"]),
    ("shared memory of the host is the run's, whatever it has", "runner/nameless.c",
     "most = n->sizes && n->last.mapped ?", "most = 0 ?",
     [NEIGHBOURS + "Hostile.test_innocent_runs"]),
    ("a process in vfork puts the end off", "runner/watchdog.c",
     " || s->largest > w->limit", "",
     [WATCHDOG + "Watchdog.test_a_process_in_vfork_delays_nothing"]),
    # Two notice it: who reads, by the sum of short waits, and who watches him, by a long one.
    ("a process whose mappings are locked is read to its end",
     [("runner/survey_smaps.c", "while ((r = read_mappings(s)) > 0 && !s->locked)",
       "while (s->locked = 0, (r = read_mappings(s)) > 0)"),
      ("runner/survey_helper.c", "now - h->heard > survey_patience(s) && !h->killed",
       "0 && !h->killed")],
     [WATCHDOG + "Watchdog.test_a_process_that_keeps_its_mappings_locked"]),
    ("a tree too large is looked at for ever", "runner/watchdog.c",
     "now - w->begun < LONGEST_NS ||", "1 ||",
     [WATCHDOG + "Watchdog.test_a_tree_too_large_to_look_at"]),
    ("an exact look is the supervisor's own", "runner/survey_helper.c",
     "	if (!reap(h) || make(h, proc_fd, now) < 0)\n		go_on_alone(h);", "	h->alone = true;",
     [LOCKED + "test_runner_goes_on"]),
    ("a helper that waits is waited for", "runner/survey_helper.c",
     "now - h->heard > survey_patience(s) && !h->killed", "0 && !h->killed",
     [LOCKED + "test_a_helper_that_does_not_answer"]),
    ("a look whose helper is gone is over", "runner/survey_helper.c",
     "		go_on(h, proc_fd, now);\n", "		r = -ESRCH + 0 * (int)(uintptr_t)go_on;\n",
     [LOCKED + "test_a_helper_that_does_not_answer"]),
    ("a helper of a look outlives runner", "runner/survey_helper.c",
     "	if (!raw_die_with(parent))", "	if (raw0(SYS_getppid) != parent)",
     [LOCKED + "test_a_helper_holds_nothing_and_dies_with_runner"]),
    ("a helper of a look keeps runner's descriptors", "runner/survey_helper.c",
     "	raw3(SYS_close_range, 1, ~0u, 0);\n", "",
     [LOCKED + "test_a_helper_holds_nothing_and_dies_with_runner"]),
    ("uncounted is never entered", "runner/layer/guard.c",
     "if (!plan_has(plan, LAYER_CGROUP) && plan->spec->limits.memory != UNLIMITED)",
     "if (0)", [UNCOUNTED + "Uncounted.test_what_nobody_could_count_is_not_there"]),
    ("access lists may be as long as the kernel has them", "seccomp/default.json",
     '"op": "SCMP_CMP_GT", "value": 512', '"op": "SCMP_CMP_GT", "value": 65536',
     [UNCOUNTED + "Unaccounted.test_access_lists"]),
    ("a full tmpfs is not told", "runner/tmpfs_use.c",
     "u->was_full |= 1ull << i;", "u->was_full |= 0;",
     [EVIDENCE + "Evidence.test_a_full_tmpfs"]),
    ("a neighbour's kernel memory is the run's", "runner/nameless.c",
     "return n->known ? cut(n, part, inventory_bound(&n->last, &n->sockets.sums)) : 0;",
     "return part;", [NEIGHBOURS + "Neighbours.test_what_a_neighbour_fills_is_not_the_runs"]),
    ("threads at the limit are not told", "runner/hold.c",
     "held->tasks = w->most_tasks;", "held->tasks = 0;",
     [EVIDENCE + "Evidence.test_threads"]),
    ("reserved memory is not told", "runner/hold.c",
     "held->data = w->most_data;", "held->data = 0;",
     [EVIDENCE + "Evidence.test_memory_that_was_refused"]),
    ("time of children nobody waits for is lost", "runner/hold.c",
     "seen.user_ns + seen.system_ns > cpu.user_ns + cpu.system_ns ? seen : cpu",
     "seen.user_ns == 1 ? seen : cpu",
     [EVIDENCE + "CpuTime.test_children_that_nobody_waits_for"]),
]
