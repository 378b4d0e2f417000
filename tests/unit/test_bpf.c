/* SPDX-License-Identifier: Apache-2.0 */
#include "../../seccomp/bpf.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "suites.h"

static struct bpf_table table;
static struct sock_filter program[BPF_MAX_INSNS];

static uint64_t random_corner(const struct bpf_rule *r)
{
	uint64_t v = r->n_args ? r->args[rand() % (int)r->n_args].value : 0;
	uint64_t d = r->n_args ? r->args[rand() % (int)r->n_args].datum : 0;

	switch (rand() % 10) {
	case 0: return v;
	case 1: return v + 1;
	case 2: return v - 1;
	case 3: return v ^ (1ull << (rand() % 64));
	case 4: return d;
	case 5: return d | ~v;
	case 6: return v | 1ull << 32;
	case 7: return 0;
	case 8: return UINT64_MAX;
	default: return (uint64_t)rand() << 32 | (uint64_t)rand();
	}
}

static uint32_t answer(uint32_t (*map)(uint32_t), const struct seccomp_data *data)
{
	uint32_t a = bpf_table_answer(&table, data);

	return map ? map(a) : a;
}

/* The program and the table must agree on every number and on argument corners. */
static void compare(uint32_t (*map)(uint32_t), int rounds)
{
	struct err e = { 0 };
	int n = bpf_compile(&table, map, program, &e);
	int wrong = 0;

	CU_ASSERT_TRUE_FATAL(n > 0);
	for (int nr = -2; nr < BPF_MAX_SYSCALL + 2; nr++) {
		struct seccomp_data data = { .nr = nr, .arch = BPF_NATIVE_ARCH };
		int first = nr >= 0 && nr < BPF_MAX_SYSCALL ? table.first[nr] : -1;

		for (int round = 0; round < (first < 0 ? 1 : rounds); round++) {
			for (int i = 0; i < 6 && first >= 0; i++)
				data.args[i] = random_corner(&table.rules[first]);
			wrong += bpf_run(program, (unsigned int)n, &data) != answer(map, &data);
		}
	}
	CU_ASSERT_EQUAL(wrong, 0);
}

/* Two answers become one, as denials do that are asked about. */
static uint32_t one_less(uint32_t action)
{
	return action == (SECCOMP_RET_ERRNO | 1) ? SECCOMP_RET_ERRNO | 2 : action;
}

static void random_tables(void)
{
	struct err e = { 0 };

	srand(3);
	for (int round = 0; round < 60; round++) {
		bpf_table_init(&table, SECCOMP_RET_ERRNO | ENOSYS);
		for (int i = 0; i < 300; i++) {
			struct bpf_rule r = {
				.action = rand() % 2 ? SECCOMP_RET_ALLOW
						     : SECCOMP_RET_ERRNO |
							       (unsigned int)(rand() % 3 + 1)
			};

			r.n_args = (unsigned int)(rand() % 3 == 0 ? rand() % 3 : 0);
			for (unsigned int k = 0; k < r.n_args; k++)
				r.args[k] = (struct bpf_arg){
					.index = (unsigned int)(rand() % 6),
					.op = (enum bpf_op)(rand() % 8),
					.value = (uint64_t)rand() >> (rand() % 31) |
						 (rand() % 3 == 0 ? 1ull << 40 : 0),
					.datum = (uint64_t)rand() >> (rand() % 31),
				};
			CU_ASSERT_EQUAL(bpf_table_add(&table, (unsigned int)(rand() % 400), &r, &e),
					0);
		}
		compare(NULL, 20);
	}
}

/* Few calls, values and answers, so that many rules begin or end alike, or ask twice. */
static void tables_of_near_twins(void)
{
	static const enum bpf_op ops[] = { BPF_OP_MASKED_EQ, BPF_OP_ANY_BITS, BPF_OP_EQ, BPF_OP_NE,
					   BPF_OP_GT };
	struct err e = { 0 };

	srand(4);
	for (int round = 0; round < 400; round++) {
		bpf_table_init(&table, SECCOMP_RET_ERRNO | ENOSYS);
		for (int i = 0; i < 60; i++) {
			struct bpf_rule r = { .action = SECCOMP_RET_ERRNO |
							(unsigned int)(rand() % 3) };

			r.n_args = (unsigned int)(rand() % (round % 2 ? 3 : 5));
			for (unsigned int k = 0; k < r.n_args; k++)
				r.args[k] =
					(struct bpf_arg){ .index = (unsigned int)(rand() % 2),
							  .op = ops[rand() % (round % 2 ? 2 : 5)],
							  .value = (uint64_t)(rand() % 4),
							  .datum = (uint64_t)(rand() % 3) };
			CU_ASSERT_EQUAL(bpf_table_add(&table, (unsigned int)(rand() % 24), &r, &e),
					0);
		}
		compare(round % 3 ? one_less : NULL, 40);
	}
}

/* Any program: jumps as far as they reach, questions about whatever is held. */
static void random_program(unsigned int n)
{
	static const uint16_t ops[] = { BPF_JEQ, BPF_JEQ, BPF_JSET, BPF_JGT, BPF_JGE };
	static const unsigned int words = offsetof(struct seccomp_data, args);

	for (unsigned int i = 0; i < n; i++) {
		unsigned int left = n - 1 - i; /* the last it may jump to is so far on, less one */
		struct sock_filter *f = &program[i];
		unsigned int far[2];

		for (int k = 0; k < 2 && left; k++)
			far[k] = (unsigned int)rand() % (rand() % 4 ? 4 : 256) % left;
		/* Many lead to one place, from which few more differ. */
		if (left > 64 && rand() % 2)
			far[0] = 63 - i % 64;
		if (left < 4 || rand() % 50 == 0)
			*f = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, (unsigned int)rand() % 4);
		else if (rand() % 4 == 0)
			*f = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
							  words + 8 * ((unsigned int)rand() % 4));
		else if (rand() % 8 == 0)
			*f = (struct sock_filter)BPF_STMT(BPF_ALU | BPF_AND | BPF_K,
							  (unsigned int)rand() % 4);
		else if (rand() % 20 == 0)
			*f = (struct sock_filter)BPF_STMT(BPF_JMP | BPF_JA, far[0]);
		else
			*f = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_K | ops[rand() % 5],
							  (unsigned int)rand() % 4,
							  (uint8_t)far[0], (uint8_t)far[1]);
	}
}

/* Shorter, it answers as before, whatever made it. */
static void shrunk_programs_answer_as_before(void)
{
	static struct sock_filter whole[BPF_MAX_INSNS];
	int wrong = 0;

	srand(5);
	for (int round = 0; round < 600; round++) {
		unsigned int n = round % 3 ? 10 + (unsigned int)rand() % 50
					   : 500 + (unsigned int)rand() % 1500;
		unsigned int shrunk;

		random_program(n);
		memcpy(whole, program, sizeof(whole));
		shrunk = bpf_shrink(program, n);
		CU_ASSERT_TRUE(shrunk <= n);
		for (int i = 0; i < 100; i++) {
			struct seccomp_data data = { 0 };

			for (int k = 0; k < 4; k++)
				data.args[k] = (unsigned int)rand() % 4;
			wrong += bpf_run(whole, n, &data) != bpf_run(program, shrunk, &data);
		}
	}
	CU_ASSERT_EQUAL(wrong, 0);
}

/* More answers on one way than are remembered: what is forgotten is asked again. */
static void more_facts_than_there_is_room_for(void)
{
	enum { QUESTIONS = 60 };
	struct sock_filter whole[QUESTIONS + 3];
	unsigned int n = QUESTIONS + 3;
	unsigned int shrunk;

	program[0] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
						  offsetof(struct seccomp_data, args));
	for (unsigned int i = 1; i <= QUESTIONS; i++)
		program[i] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, i,
							  (uint8_t)(n - 2 - i), 0);
	program[n - 2] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, 1);
	program[n - 1] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, 2);
	memcpy(whole, program, sizeof(whole));
	shrunk = bpf_shrink(program, n);
	for (unsigned int v = 0; v < QUESTIONS + 10; v++) {
		struct seccomp_data data = { .args = { v } };

		CU_ASSERT_EQUAL(bpf_run(whole, n, &data), v >= 1 && v <= QUESTIONS ? 2 : 1);
		CU_ASSERT_EQUAL(bpf_run(program, shrunk, &data), bpf_run(whole, n, &data));
	}
}

static void foreign_architectures_are_foreign(void)
{
	struct err e = { 0 };
	struct bpf_rule allow = { .action = SECCOMP_RET_ALLOW };
	struct seccomp_data data = { .nr = 1, .arch = AUDIT_ARCH_I386 };
	int n;

	bpf_table_init(&table, SECCOMP_RET_ERRNO | ENOSYS);
	bpf_table_add(&table, 1, &allow, &e);
	n = bpf_compile(&table, NULL, program, &e);
	CU_ASSERT_EQUAL(bpf_run(program, (unsigned int)n, &data), SECCOMP_RET_KILL_PROCESS);
	data.arch = BPF_NATIVE_ARCH;
	CU_ASSERT_EQUAL(bpf_run(program, (unsigned int)n, &data), SECCOMP_RET_ALLOW);
	if (BPF_NATIVE_ARCH == AUDIT_ARCH_X86_64) {
		data.nr = 0x40000001;
		CU_ASSERT_EQUAL(bpf_run(program, (unsigned int)n, &data), SECCOMP_RET_KILL_PROCESS);
	}
}

static void a_broken_program_kills(void)
{
	static const struct sock_filter no_end[] = { BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0) };
	static const struct sock_filter outside[] = { BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 4096),
						      BPF_STMT(BPF_RET | BPF_K,
							       SECCOMP_RET_ALLOW) };
	struct seccomp_data data = { 0 };

	CU_ASSERT_EQUAL(bpf_run(no_end, 1, &data), SECCOMP_RET_KILL_PROCESS);
	CU_ASSERT_EQUAL(bpf_run(outside, 2, &data), SECCOMP_RET_KILL_PROCESS);
	CU_ASSERT_EQUAL(bpf_run(no_end, 0, &data), SECCOMP_RET_KILL_PROCESS);
}

static void tables_are_bounded(void)
{
	struct err e = { 0 };
	struct bpf_rule r = { .action = SECCOMP_RET_ALLOW };
	int result = 0;

	bpf_table_init(&table, 0);
	CU_ASSERT_EQUAL(bpf_table_add(&table, BPF_MAX_SYSCALL, &r, &e), -ERANGE);
	for (int i = 0; result == 0 && i < BPF_MAX_RULES + 1; i++)
		result = bpf_table_add(&table, 5, &r, &e);
	CU_ASSERT_EQUAL(result, -E2BIG);
}

static bool is_allow(uint32_t answer)
{
	return answer == SECCOMP_RET_ALLOW;
}

static bool is_no_allow(uint32_t answer)
{
	return answer != SECCOMP_RET_ALLOW;
}

/* Number 10: always; 11: of one argument; 12: of all but one; 13: behind who took all; 14: never.
 */
static void what_a_program_can_answer_at_all(void)
{
	static const bool always[] = { true, false, false, false, false };
	static const bool never[] = { false, false, false, true, true };
	struct bpf_rule allow = { .action = SECCOMP_RET_ALLOW };
	struct bpf_rule refuse = { .action = SECCOMP_RET_ERRNO | 1 };
	struct bpf_rule one = { .n_args = 1, .args = { { 5, BPF_OP_EQ, 1ull << 33, 0 } } };
	struct err e = { 0 };
	int n;

	bpf_table_init(&table, SECCOMP_RET_ERRNO | 38);
	bpf_table_add(&table, 10, &allow, &e);
	one.action = SECCOMP_RET_ALLOW;
	bpf_table_add(&table, 11, &one, &e);
	one.action = SECCOMP_RET_TRAP;
	bpf_table_add(&table, 12, &one, &e);
	bpf_table_add(&table, 12, &allow, &e);
	bpf_table_add(&table, 13, &refuse, &e);
	bpf_table_add(&table, 13, &allow, &e);
	n = bpf_compile(&table, NULL, program, &e);
	CU_ASSERT_TRUE_FATAL(n > 0);
	for (int shrunk = 0; shrunk < 2; shrunk++) {
		for (unsigned int i = 0; i < 5; i++) {
			CU_ASSERT_EQUAL(bpf_answers_are(program, (unsigned int)n, 10 + i, is_allow),
					always[i]);
			CU_ASSERT_EQUAL(
				bpf_answers_are(program, (unsigned int)n, 10 + i, is_no_allow),
				never[i]);
		}
		n = (int)bpf_shrink(program, (unsigned int)n);
	}
	/* In doubt not: without its end, without anything. */
	CU_ASSERT_FALSE(bpf_answers_are(program, 1, 10, is_allow));
	CU_ASSERT_FALSE(bpf_answers_are(program, 0, 10, is_allow));
}

CU_TestInfo bpf_tests[] = {
	{ "what a program can answer at all", what_a_program_can_answer_at_all },
	{ "random tables", random_tables },
	{ "tables of near twins", tables_of_near_twins },
	{ "shrunk programs answer as before", shrunk_programs_answer_as_before },
	{ "more facts than there is room for", more_facts_than_there_is_room_for },
	{ "foreign architectures are foreign", foreign_architectures_are_foreign },
	{ "a broken program kills", a_broken_program_kills },
	{ "tables are bounded", tables_are_bounded },
	CU_TEST_INFO_NULL,
};
