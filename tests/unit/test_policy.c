/* SPDX-License-Identifier: Apache-2.0 */
#include "../../seccomp/policy.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include "builtin.h"
#include "layer/filter.h"
#include "layer/layer.h"
#include "suites.h"

static struct bpf_table table;

/* Of the policy, or of the guard in front of it. */
static uint32_t answer(const struct builtin_program *p, int nr, uint64_t a0, uint64_t a1,
		       uint64_t a4)
{
	struct seccomp_data d = { .nr = nr, .arch = BPF_NATIVE_ARCH, .args = { a0, a1, 0, 0, a4 } };

	return bpf_run(p->verdict, p->verdict_length, &d);
}

/* Behind what every run has in front of it. */
static const struct builtin_program *program(const char *policy)
{
	const struct builtin_program *p = builtin_programs;

	while (p->policy && strcmp(p->policy, policy) != 0)
		p++;
	CU_ASSERT_PTR_NOT_NULL_FATAL(p->policy);
	return p;
}

/* The compiled-in programs say what the JSON says, over numbers and corners. */
static void builtin_programs_are_their_text(void)
{
	for (const struct builtin_program *p = builtin_programs; p->policy; p++) {
		struct policy_guard guard = { builtin_guard, p->blocks };
		struct err e = { 0 };
		int wrong = 0;

		CU_ASSERT_EQUAL(policy_table(p->policy, builtin_policy_text(p->policy),
					     builtin_policy_text, &guard, &table, &e),
				0);
		srand(5);
		for (int nr = 0; nr < BPF_MAX_SYSCALL; nr++)
			for (int round = 0; round < 200; round++) {
				static const uint64_t corners[] = {
					0,	 1,	     2,	       3,	   8,
					10,	 16,	     17,       38,	   40,
					262,	 0x5412,     0x541c,   0x5423,	   0x100005412,
					0x2000,	 0x6000,     0x8000,   4095,	   4096,
					0x10000, 0x10010000, 0x3d0f00, UINT32_MAX, UINT64_MAX
				};
				struct seccomp_data d = { .nr = nr, .arch = BPF_NATIVE_ARCH };
				uint32_t want;

				for (int i = 0; i < 6; i++)
					d.args[i] = corners[(size_t)rand() %
							    (sizeof(corners) / sizeof(corners[0]))];
				want = bpf_table_answer(&table, &d);
				wrong += bpf_run(p->verdict, p->verdict_length, &d) != want;
				wrong += bpf_run(p->filter, p->filter_length, &d) !=
					 policy_notify(want);
				if (round > 2 && table.first[nr] < 0)
					break;
			}
		CU_ASSERT_EQUAL(wrong, 0);
	}
}

static void the_kernel_looks_at_32_bits_of_an_ioctl(void)
{
	const struct builtin_program *p = program("default");

	CU_ASSERT_EQUAL(answer(p, SYS_ioctl, 0, 0x5412, 0), SECCOMP_RET_ERRNO | EPERM);
	CU_ASSERT_EQUAL(answer(p, SYS_ioctl, 0, 0x100005412, 0), SECCOMP_RET_ERRNO | EPERM);
	CU_ASSERT_EQUAL(answer(p, SYS_ioctl, 0, 0x5401, 0), SECCOMP_RET_ALLOW);
}

static void unknown_numbers_do_not_exist(void)
{
	const struct builtin_program *p = program("default");

	for (int nr = 470; nr < 1100; nr++)
		CU_ASSERT_EQUAL(answer(p, nr, 0, 0, 0), SECCOMP_RET_ERRNO | ENOSYS);
}

static void no_fork_lets_threads_and_the_first_program_pass(void)
{
	const struct builtin_program *p = program("no-fork");

	CU_ASSERT_EQUAL(answer(p, SYS_clone, 0x3d0f00, 0, 0), SECCOMP_RET_ALLOW);
	CU_ASSERT_EQUAL(answer(p, SYS_clone, 17, 0, 0), SECCOMP_RET_ERRNO | EPERM);
	CU_ASSERT_EQUAL(answer(p, SYS_clone, 0x10010000, 0, 0), SECCOMP_RET_ERRNO | EPERM);
	CU_ASSERT_EQUAL(answer(p, SYS_execve, 0, 0, 0), SECCOMP_RET_ERRNO | EPERM);
	CU_ASSERT_EQUAL(answer(p, SYS_execveat, 4095, 0, 4096), SECCOMP_RET_ALLOW);
	CU_ASSERT_EQUAL(answer(p, SYS_execveat, 4095, 0, 0), SECCOMP_RET_ERRNO | EPERM);
	CU_ASSERT_EQUAL(answer(p, SYS_execveat, 4094, 0, 4096), SECCOMP_RET_ERRNO | EPERM);
}

/* filter.c counts on it: block i is row LAYER_GUARD + i. */
static void the_guards_blocks_are_the_rows(void)
{
	json_t *root = json_loads(builtin_guard, 0, NULL);
	json_t *blocks = json_object_get(root, "blocks");
	static struct plan plan;

	plan.layers = LAYER_BIT(LAYER_SECCOMP) | LAYER_BIT(LAYER_INIT_GUARD);
	CU_ASSERT_EQUAL_FATAL(json_array_size(blocks), LAYER_SECCOMP - LAYER_GUARD + 1);
	for (int i = 0; i <= LAYER_SECCOMP - LAYER_GUARD; i++) {
		/* The last one is memfd's, whose row is elsewhere. */
		int row = LAYER_GUARD + i < LAYER_SECCOMP ? LAYER_GUARD + i : LAYER_MEMFD;
		json_t *layer = json_object_get(json_array_get(blocks, (size_t)i), "layer");

		CU_ASSERT_STRING_EQUAL(json_string_value(layer), layer_names[row]);
		CU_ASSERT_EQUAL(
			filter_layer(&plan, SECCOMP_RET_ERRNO | ((uint32_t)i + 1) << 12 | EPERM),
			row);
	}
	CU_ASSERT_EQUAL(filter_layer(&plan, SECCOMP_RET_ERRNO | EPERM), LAYER_SECCOMP);
	/* Nothing is said by a layer that was left out. */
	plan.layers = LAYER_BIT(LAYER_INIT_GUARD);
	CU_ASSERT_EQUAL(filter_layer(&plan, SECCOMP_RET_KILL_PROCESS), LAYER_INIT_GUARD);
	json_decref(root);
}

static void only_what_deserves_a_record_is_asked(void)
{
	CU_ASSERT_EQUAL(policy_notify(SECCOMP_RET_ALLOW), SECCOMP_RET_ALLOW);
	CU_ASSERT_EQUAL(policy_notify(SECCOMP_RET_ERRNO | ENOSYS), SECCOMP_RET_ERRNO | ENOSYS);
	CU_ASSERT_EQUAL(policy_notify(SECCOMP_RET_ERRNO | EPERM), SECCOMP_RET_USER_NOTIF);
	/* Of the guard: the block above the errno changes nothing. */
	CU_ASSERT_EQUAL(policy_notify(SECCOMP_RET_ERRNO | 2 << 12 | ENOSYS),
			SECCOMP_RET_ERRNO | ENOSYS);
	CU_ASSERT_EQUAL(policy_notify(SECCOMP_RET_ERRNO | 1 << 12), SECCOMP_RET_ERRNO);
	CU_ASSERT_EQUAL(policy_notify(SECCOMP_RET_ERRNO | 15 << 12 | EPERM),
			SECCOMP_RET_USER_NOTIF);
	CU_ASSERT_EQUAL(policy_notify(SECCOMP_RET_KILL_PROCESS), SECCOMP_RET_USER_NOTIF);
	CU_ASSERT_EQUAL(policy_notify(SECCOMP_RET_TRAP), SECCOMP_RET_TRAP);
}

static const struct {
	const char *text;
	const char *words;
} bad[] = {
	{ "[", "t:1:1" },
	{ "[]", "t: must be a JSON object" },
	{ "{}", "t.defaultAction: an action is required" },
	{ "{\"defaultAction\": \"ALLOW\"}", "t.defaultAction: unknown action 'ALLOW'" },
	{ "{\"defaultActoin\": 1}", "t: unknown key 'defaultActoin'" },
	{ "{\"extends\": \"x\"}", "t: extends: there is no built-in policy 'x'" },
	{ "{\"extends\": \"./x.json\"}",
	  "t: extends: a file ('./x.json') cannot be extended, only a built-in policy" },
	{ "{\"extends\": \"default\", \"defaultErrnoRet\": 1}",
	  "t.defaultAction: an action is required" },
	{ "{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"syscalls\": [{\"names\": [\"opne\"], "
	  "\"action\": \"SCMP_ACT_ALLOW\"}]}",
	  "t: syscalls[0].names[0]: unknown system call 'opne'" },
	{ "{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"syscalls\": [{\"names\": [\"open\"], "
	  "\"action\": \"SCMP_ACT_ALLOW\", \"args\": [{\"index\": 6, \"value\": 0, \"op\": "
	  "\"SCMP_CMP_EQ\"}]}]}",
	  "t: syscalls[0].args[0].index: must be 0 to 5" },
	{ "{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"defaultErrnoRet\": 0}",
	  "t.defaultErrnoRet: must be an errno from 1 to 4095" },
};

static void bad_policies_get_their_words(void)
{
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct err e = { 0 };
		struct policy p;

		CU_ASSERT_TRUE(policy_compile("t", bad[i].text, builtin_policy_text, NULL, &p, &e) <
			       0);
		if (strncmp(e.text, bad[i].words, strlen(bad[i].words)) != 0)
			fprintf(stderr, "%s\n  says: %s\n", bad[i].text, e.text);
		CU_ASSERT_EQUAL(strncmp(e.text, bad[i].words, strlen(bad[i].words)), 0);
	}
}

/* As Docker writes them: rules for capabilities and other machines are skipped. */
static void dockers_conditions(void)
{
	static const char text[] =
		"{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"architectures\": [\"SCMP_ARCH_X86_64\"],"
		"\"syscalls\": ["
		"{\"names\": [\"mount\"], \"action\": \"SCMP_ACT_ALLOW\", \"includes\": {\"caps\": "
		"[\"CAP_SYS_ADMIN\"]}},"
		"{\"names\": [\"read\"], \"action\": \"SCMP_ACT_ALLOW\", \"includes\": "
		"{\"minKernel\": \"2.6\"}},"
		"{\"names\": [\"write\"], \"action\": \"SCMP_ACT_ALLOW\", \"includes\": "
		"{\"minKernel\": \"99.0\"}},"
		"{\"names\": [\"close\"], \"action\": \"SCMP_ACT_ALLOW\", \"excludes\": {\"caps\": "
		"[\"CAP_SYS_ADMIN\"]}},"
		"{\"names\": [\"s390_runtime_instr\"], \"action\": \"SCMP_ACT_ALLOW\"}]}";
	struct err e = { 0 };

	CU_ASSERT_EQUAL_FATAL(policy_table("t", text, builtin_policy_text, NULL, &table, &e), 0);
	CU_ASSERT_TRUE(table.first[SYS_mount] < 0);
	CU_ASSERT_TRUE(table.first[SYS_read] >= 0);
	CU_ASSERT_TRUE(table.first[SYS_write] < 0);
	CU_ASSERT_TRUE(table.first[SYS_close] >= 0);
}

/* The rules of what is extended follow; its answer to all others only where there is none. */
static void a_default_of_its_own(void)
{
	static const struct {
		const char *own;
		uint32_t rule, other;
	} rows[] = {
		{ "", SECCOMP_RET_ERRNO | EPERM, SECCOMP_RET_ERRNO | ENOSYS },
		{ ", \"defaultAction\": \"SCMP_ACT_ALLOW\"", SECCOMP_RET_ERRNO | EPERM,
		  SECCOMP_RET_ALLOW },
		{ ", \"defaultAction\": \"SCMP_ACT_ERRNO\", \"defaultErrnoRet\": 13",
		  SECCOMP_RET_ERRNO | EPERM, SECCOMP_RET_ERRNO | EACCES },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct seccomp_data rule = { .nr = SYS_sched_setaffinity, .arch = BPF_NATIVE_ARCH };
		struct seccomp_data other = { .nr = 1000, .arch = BPF_NATIVE_ARCH };
		struct err e = { 0 };
		char text[256];

		snprintf(text, sizeof(text), "{\"extends\": \"default\"%s}", rows[i].own);
		CU_ASSERT_EQUAL_FATAL(
			policy_table("t", text, builtin_policy_text, NULL, &table, &e), 0);
		CU_ASSERT_EQUAL(bpf_table_answer(&table, &rule), rows[i].rule);
		CU_ASSERT_EQUAL(bpf_table_answer(&table, &other), rows[i].other);
	}
}

CU_TestInfo policy_tests[] = {
	{ "built-in programs are their text", builtin_programs_are_their_text },
	{ "the kernel looks at 32 bits of an ioctl", the_kernel_looks_at_32_bits_of_an_ioctl },
	{ "unknown numbers do not exist", unknown_numbers_do_not_exist },
	{ "no-fork lets threads and the first program pass",
	  no_fork_lets_threads_and_the_first_program_pass },
	{ "the guard's blocks are the rows", the_guards_blocks_are_the_rows },
	{ "only what deserves a record is asked", only_what_deserves_a_record_is_asked },
	{ "bad policies get their words", bad_policies_get_their_words },
	{ "Docker's conditions", dockers_conditions },
	{ "a default of its own", a_default_of_its_own },
	CU_TEST_INFO_NULL,
};
