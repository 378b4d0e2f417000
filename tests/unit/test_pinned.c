/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/golden/policy.tsv, row by row, against the compiled-in programs; and every
 * number without a row. tests/security/test_policy.py asks the running kernel.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../seccomp/policy.h"
#include "base/fd.h"
#include "builtin.h"
#include "denial.h"
#include "layer/filter.h"
#include "layer/layer.h"
#include "suites.h"

struct pin {
	char policy[24], call[32], args[64], answer[24], layer[24];
	int nr;
	unsigned int given; /* how many of `values` the row says */
	uint64_t values[6];
};

static const struct {
	const char *name;
	int error;
} errors[] = {
	{ "EPERM", EPERM },
	{ "EACCES", EACCES },
	{ "EINVAL", EINVAL },
	{ "ENOSYS", ENOSYS },
	{ "EPROTONOSUPPORT", EPROTONOSUPPORT },
	{ "EAFNOSUPPORT", EAFNOSUPPORT },
	{ "ENOSPC", ENOSPC },
	{ "EOPNOTSUPP", EOPNOTSUPP },
};

static int number(const char *call)
{
	for (unsigned int nr = 0; nr < builtin_syscall_count; nr++)
		if (builtin_syscall_names[nr] && strcmp(builtin_syscall_names[nr], call) == 0)
			return (int)nr;
	return -1;
}

static bool read_pin(const char *line, struct pin *ret)
{
	const char *p = ret->args;

	memset(ret, 0, sizeof(*ret));
	if (sscanf(line, "%23s %31s %63s %23s %23s", ret->policy, ret->call, ret->args, ret->answer,
		   ret->layer) != 5)
		return false;
	ret->nr = number(ret->call);
	while (*p && strcmp(ret->args, "-") != 0 && ret->given < 6) {
		char *end;

		/* Octal, decimal or hexadecimal; negative ones as the kernel sees them. */
		ret->values[ret->given++] =
			*p == '-' ? (uint64_t)strtoll(p, &end, 0) : strtoull(p, &end, 0);
		p = *end ? end + 1 : end;
	}
	return true;
}

/* The verdict the row asks for. */
static uint32_t wanted(const struct pin *pin)
{
	int layer = layer_find(pin->layer);
	uint32_t block = 0;

	if (layer == LAYER_MEMFD)
		block = LAYER_SECCOMP - LAYER_GUARD + 1;
	else if (layer >= LAYER_GUARD && layer < LAYER_SECCOMP)
		block = (uint32_t)(layer - LAYER_GUARD + 1);
	block <<= POLICY_BLOCK_SHIFT;

	if (strcmp(pin->answer, "allow") == 0)
		return SECCOMP_RET_ALLOW;
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		if (strcmp(pin->answer, errors[i].name) == 0)
			return SECCOMP_RET_ERRNO | block | (uint32_t)errors[i].error;
	return strcmp(pin->answer, "done") == 0 ? SECCOMP_RET_ERRNO : SECCOMP_RET_KILL_PROCESS;
}

static uint32_t comparable(uint32_t verdict)
{
	/* Of what nobody is asked about, the block does not show. */
	return policy_notify(verdict) == SECCOMP_RET_USER_NOTIF ? verdict : policy_notify(verdict);
}

/* "default", or "default/memfd" behind an optional block of the guard, too. */
static const struct builtin_program *program(const char *name)
{
	const char *slash = strchr(name, '/');
	int layer = slash ? layer_find(slash + 1) : -1;
	unsigned int length = (unsigned int)(slash ? slash - name : (long)strlen(name));
	unsigned int all, optional;
	struct err e = { 0 };
	char policy[16];

	CU_ASSERT_EQUAL_FATAL(policy_guard_read(builtin_guard, &all, &optional, &e), 0);
	snprintf(policy, sizeof(policy), "%.*s", (int)length, name);
	all &= ~optional;
	if (layer == LAYER_MEMFD)
		all |= POLICY_BLOCK(LAYER_SECCOMP - LAYER_GUARD);
	else if (slash)
		all |= POLICY_BLOCK(layer - LAYER_GUARD);
	return builtin_program(policy, all);
}

/* What the row does not say does not matter: nothing set, everything, and anything. */
static unsigned int disagreements(const struct builtin_program *p, const struct pin *pin)
{
	unsigned int wrong = 0;

	for (int round = 0; round < 40; round++) {
		struct seccomp_data d = { .nr = pin->nr, .arch = BPF_NATIVE_ARCH };
		uint32_t want = wanted(pin);

		for (unsigned int i = 0; i < 6; i++)
			d.args[i] = i < pin->given ? pin->values[i]
				    : round == 0   ? 0
				    : round == 1   ? UINT64_MAX
						   : (uint64_t)rand() >> (rand() % 31);
		wrong += comparable(bpf_run(p->verdict, p->verdict_length, &d)) != want;
		wrong += bpf_run(p->filter, p->filter_length, &d) != policy_notify(want);
	}
	return wrong;
}

static void every_row_of_the_table(void)
{
	static bool seen[BPF_MAX_SYSCALL];
	cleanup_free char *text = NULL;
	cleanup_fd int fd = -1;
	char path[1024];
	size_t length;
	unsigned int rows = 0;

	snprintf(path, sizeof(path), "%s/golden/policy.tsv", tests_dir);
	fd = open(path, O_RDONLY);
	CU_ASSERT_TRUE_FATAL(fd >= 0);
	CU_ASSERT_EQUAL_FATAL(fd_read_all(fd, 1 << 20, &text, &length), 0);
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
		const struct builtin_program *p;
		struct pin pin;

		if (line[0] == '#')
			continue;
		CU_ASSERT_TRUE_FATAL(read_pin(line, &pin));
		p = program(pin.policy);
		CU_ASSERT_PTR_NOT_NULL_FATAL(p);
		if (pin.nr < 0)
			continue; /* not of this architecture, or newer than libseccomp */
		if (strcmp(pin.policy, "default") == 0)
			seen[pin.nr] = true;
		if (disagreements(p, &pin) != 0) {
			fprintf(stderr, "policy.tsv: %s\n", line);
			CU_FAIL("a row is not what the policy says");
		}
		rows++;
	}
	CU_ASSERT_TRUE(rows > 900);
	for (int nr = 0; nr < BPF_MAX_SYSCALL; nr++) {
		struct pin pin = { .nr = nr, .answer = "ENOSYS", .layer = "-" };

		if (seen[nr])
			continue;
		if (disagreements(program("default"), &pin) != 0) {
			fprintf(stderr, "policy.tsv has no row for system call %d\n", nr);
			CU_FAIL("a call without a row");
		}
	}
}

CU_TestInfo pinned_tests[] = {
	{ "every row of the table", every_row_of_the_table },
	CU_TEST_INFO_NULL,
};
