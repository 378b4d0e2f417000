/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any text as a seccomp policy. What is accepted must mean the same as a table and
 * as the program the kernel gets: for every call, with arguments at and beside every
 * value that is compared.
 */
#include "fuzz.h"
#include "../../seccomp/policy.h"
#include "builtin.h"

static const char *find(const char *name)
{
	return builtin_policy_text(name);
}

static void compare(const struct bpf_table *t, const struct policy *p, unsigned int nr)
{
	struct seccomp_data d = { .nr = (int)nr, .arch = BPF_NATIVE_ARCH };

	MUST(bpf_run(p->verdict, p->verdict_length, &d) == bpf_table_answer(t, &d));
	for (int i = t->first[nr]; i >= 0; i = t->rules[i].next)
		for (unsigned int k = 0; k < t->rules[i].n_args; k++) {
			const struct bpf_arg *a = &t->rules[i].args[k];

			for (int step = -1; step <= 1; step++) {
				d.args[a->index] =
					(a->op == BPF_OP_MASKED_EQ ? a->datum : a->value) +
					(uint64_t)(int64_t)step;
				MUST(bpf_run(p->verdict, p->verdict_length, &d) ==
				     bpf_table_answer(t, &d));
				/* The low half alone decides nothing that the high half could. */
				d.args[a->index] ^= 1ull << 32;
				MUST(bpf_run(p->verdict, p->verdict_length, &d) ==
				     bpf_table_answer(t, &d));
				d.args[a->index] ^= 1ull << 32;
			}
		}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct bpf_table t;
	struct policy_guard guard = { builtin_guard, size % 32 };
	char *text = fuzz_text(data, size);
	struct policy p = { 0 };
	struct err e = { 0 };
	int r = policy_compile("fuzz", text, find, &guard, &p, &e);

	if (r < 0) {
		MUST(e.text[0] != '\0');
	} else {
		MUST(policy_table("fuzz", text, find, &guard, &t, &e) == 0);
		for (unsigned int nr = 0; nr < 512; nr++)
			compare(&t, &p, nr);
	}
	policy_clear(&p);
	free(text);
	return 0;
}
