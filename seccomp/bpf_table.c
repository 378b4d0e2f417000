/* SPDX-License-Identifier: Apache-2.0 */
/* What a policy says of each call, before it is compiled. */
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "bpf.h"

void bpf_table_init(struct bpf_table *t, uint32_t otherwise)
{
	memset(t, 0, sizeof(*t));
	t->arch = BPF_NATIVE_ARCH;
	t->foreign = SECCOMP_RET_KILL_PROCESS;
	t->otherwise = otherwise;
	for (unsigned int i = 0; i < BPF_MAX_SYSCALL; i++)
		t->first[i] = -1;
}

int bpf_table_add(struct bpf_table *t, unsigned int nr, const struct bpf_rule *rule, struct err *e)
{
	int *link;

	if (nr >= BPF_MAX_SYSCALL)
		return err_set(e, ERANGE, "system call number %u is out of range", nr);
	if (t->n_rules == BPF_MAX_RULES)
		return err_set(e, E2BIG, "more than %d rules", BPF_MAX_RULES);
	for (link = &t->first[nr]; *link >= 0; link = &t->rules[*link].next)
		;
	*link = (int)t->n_rules;
	t->rules[t->n_rules] = *rule;
	t->rules[t->n_rules].next = -1;
	t->n_rules++;
	return 0;
}

static bool arg_matches(const struct bpf_arg *a, uint64_t v)
{
	switch (a->op) {
	case BPF_OP_EQ: return v == a->value;
	case BPF_OP_NE: return v != a->value;
	case BPF_OP_LT: return v < a->value;
	case BPF_OP_LE: return v <= a->value;
	case BPF_OP_GT: return v > a->value;
	case BPF_OP_GE: return v >= a->value;
	case BPF_OP_MASKED_EQ: return (v & a->value) == a->datum;
	case BPF_OP_ANY_BITS: return (v & a->value) != 0;
	}
	return false;
}

uint32_t bpf_table_answer(const struct bpf_table *t, const struct seccomp_data *data)
{
	unsigned int nr = (unsigned int)data->nr;

	if (data->arch != t->arch || (t->arch == AUDIT_ARCH_X86_64 && nr >= BPF_X32_BIT))
		return t->foreign;
	if (nr >= BPF_MAX_SYSCALL)
		return t->otherwise;
	for (int i = t->first[nr]; i >= 0; i = t->rules[i].next) {
		const struct bpf_rule *r = &t->rules[i];
		unsigned int n = 0;

		while (n < r->n_args && arg_matches(&r->args[n], data->args[r->args[n].index]))
			n++;
		if (n == r->n_args)
			return r->action;
	}
	return t->otherwise;
}
