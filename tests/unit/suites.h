/* SPDX-License-Identifier: Apache-2.0 */
/* One table per module; main.c runs them all. */
#ifndef TESTS_UNIT_SUITES_H
#define TESTS_UNIT_SUITES_H

#include <CUnit/CUnit.h>

/* Until there is no room; the open file stays one that waits. */
void fill_pipe(int fd);

extern CU_TestInfo text_tests[], jout_tests[], spec_tests[], profile_tests[], bpf_tests[],
	policy_tests[], pinned_tests[], options_tests[], plan_tests[], verdict_tests[], relay_tests[],
	stranger_tests[], layer_tests[], denial_tests[], denials_tests[], cgroup_tests[],
	message_tests[], ending_tests[], nameless_tests[], reopen_tests[],
	inventory_tests[], servers_tests[], visible_tests[], survey_tests[];

/* The repository's tests/ directory. */
extern const char *tests_dir;
/* Write golden files instead of comparing with them. */
extern int update_golden;

#endif
