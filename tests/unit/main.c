/* SPDX-License-Identifier: Apache-2.0 */
/* unit [--golden] TESTS-DIRECTORY */
#include <CUnit/Basic.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "suites.h"

const char *tests_dir = "tests";
int update_golden;

int main(int argc, char **argv)
{
	CU_SuiteInfo suites[] = {
		{ "text", NULL, NULL, NULL, NULL, text_tests },
		{ "jout", NULL, NULL, NULL, NULL, jout_tests },
		{ "spec", NULL, NULL, NULL, NULL, spec_tests },
		{ "profile", NULL, NULL, NULL, NULL, profile_tests },
		{ "bpf", NULL, NULL, NULL, NULL, bpf_tests },
		{ "policy", NULL, NULL, NULL, NULL, policy_tests },
		{ "pinned", NULL, NULL, NULL, NULL, pinned_tests },
		{ "options", NULL, NULL, NULL, NULL, options_tests },
		{ "layer", NULL, NULL, NULL, NULL, layer_tests },
		{ "plan", NULL, NULL, NULL, NULL, plan_tests },
		{ "verdict", NULL, NULL, NULL, NULL, verdict_tests },
		{ "stranger", NULL, NULL, NULL, NULL, stranger_tests },
		{ "reopen", NULL, NULL, NULL, NULL, reopen_tests },
		{ "relay", NULL, NULL, NULL, NULL, relay_tests },
		{ "denial", NULL, NULL, NULL, NULL, denial_tests },
		{ "denials", NULL, NULL, NULL, NULL, denials_tests },
		{ "cgroup", NULL, NULL, NULL, NULL, cgroup_tests },
		{ "message", NULL, NULL, NULL, NULL, message_tests },
		{ "ending", NULL, NULL, NULL, NULL, ending_tests },
		{ "nameless", NULL, NULL, NULL, NULL, nameless_tests },
		{ "inventory", NULL, NULL, NULL, NULL, inventory_tests },
		{ "survey", NULL, NULL, NULL, NULL, survey_tests },
		{ "servers", NULL, NULL, NULL, NULL, servers_tests },
		{ "visible", NULL, NULL, NULL, NULL, visible_tests },
		CU_SUITE_INFO_NULL,
	};
	unsigned int failed;

	signal(SIGPIPE, SIG_IGN); /* as runner has it blocked */

	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], "--golden") == 0)
			update_golden = 1;
		else
			tests_dir = argv[i];
	if (CU_initialize_registry() != CUE_SUCCESS || CU_register_suites(suites) != CUE_SUCCESS) {
		fprintf(stderr, "unit: %s\n", CU_get_error_msg());
		return 2;
	}
	CU_basic_set_mode(CU_BRM_NORMAL);
	CU_basic_run_tests();
	failed = CU_get_number_of_tests_failed();
	printf("%u passed, %u failed\n", CU_get_number_of_tests_run() - failed, failed);
	CU_cleanup_registry();
	return failed ? 1 : 0;
}
