# SPDX-License-Identifier: Apache-2.0
"""Memory and CPU time that are held where nobody looks."""

HELD = "tests/security/test_held.py "
EVIDENCE = "tests/e2e/test_evidence.py "

MUTATIONS = [
    ("memory of a process whose leader has ended does not count", "runner/survey.c",
     "if (f.who[0])\n\t\tmemcpy(who, f.who, WHO);", "f.who[0] = 0;",
     [HELD + "Held.test_0_a_thread_whose_leader_has_ended"]),
    ("page tables do not count", "runner/survey.c",
     "s->sums.tables += value_of", "s->sums.tables += 0 * value_of",
     [HELD + "Held.test_1_page_tables"]),
    ("tmpfs has a budget of its own", "runner/watchdog.c",
     "+ named + files + w->nameless", "+ named + w->nameless",
     [HELD + "Held.test_3_a_file_that_has_no_name_any_more"]),
    ("what the kernel holds does not count", "runner/watchdog.c",
     "nameless(w, &w->host.kernel, named) + hidden", "0 * named + hidden",
     [HELD + "Held.test_9_sockets"]),
    ("a tree too large is looked at for ever", "runner/watchdog.c",
     "w->turns < MOST_TURNS ||", "1 ||",
     [HELD + "Watchdog.test_a_tree_too_large_to_look_at"]),
    ("uncounted is never entered", "runner/layer/guard.c",
     "if (!plan_has(plan, LAYER_CGROUP) && plan->spec->limits.memory != UNLIMITED)",
     "if (0)", [HELD + "Uncounted.test_what_nobody_could_count_is_not_there"]),
    ("a full tmpfs is not told", "runner/tmpfs_use.c",
     "u->was_full |= 1ull << i;", "u->was_full |= 0;",
     [EVIDENCE + "Evidence.test_a_full_tmpfs"]),
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
