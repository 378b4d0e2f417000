/* SPDX-License-Identifier: Apache-2.0 */
#include "bpf.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* x32 calls come with the x86_64 architecture and this bit. */
#define X32_BIT 0x40000000u

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

/* -- the table's own answer ------------------------------------------------ */

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

	if (data->arch != t->arch || (t->arch == AUDIT_ARCH_X86_64 && nr >= X32_BIT))
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

/* -- compiling ------------------------------------------------------------- */

struct emitter {
	struct sock_filter *out;
	unsigned int n;
	uint32_t (*map)(uint32_t);
	bool overflow;
};

static void emit(struct emitter *m, uint16_t code, uint32_t k, unsigned int jt, unsigned int jf)
{
	if (m->n >= BPF_MAX_INSNS || jt > 255 || jf > 255) {
		m->overflow = true;
		return;
	}
	m->out[m->n++] = (struct sock_filter){ code, (uint8_t)jt, (uint8_t)jf, k };
}

static void emit_return(struct emitter *m, uint32_t action)
{
	emit(m, BPF_RET | BPF_K, m->map ? m->map(action) : action, 0, 0);
}

static void emit_load(struct emitter *m, uint32_t offset)
{
	emit(m, BPF_LD | BPF_W | BPF_ABS, offset, 0, 0);
}

/* Both architectures are little-endian: the low word comes first. */
#define ARG_LOW(i) ((uint32_t)(offsetof(struct seccomp_data, args) + 8 * (i)))
#define ARG_HIGH(i) (ARG_LOW(i) + 4)

/*
 * Jump placeholders inside one rule: a comparison that fails must leave the rule.
 * The distance is known only when the rule is complete.
 */
enum { TO_NEXT = 0xff };

/* Equality of both halves, each under its mask. */
static void emit_equal(struct emitter *m, const struct bpf_arg *a, uint64_t mask, uint64_t value)
{
	const struct {
		uint32_t offset, mask, value;
	} halves[2] = {
		{ ARG_HIGH(a->index), (uint32_t)(mask >> 32), (uint32_t)(value >> 32) },
		{ ARG_LOW(a->index), (uint32_t)mask, (uint32_t)value },
	};

	for (int i = 0; i < 2; i++) {
		if (halves[i].mask == 0) {
			/* Nothing of this half counts; a value in it can never match. */
			if (halves[i].value != 0)
				emit(m, BPF_JMP | BPF_JA, TO_NEXT, 0, 0);
			continue;
		}
		emit_load(m, halves[i].offset);
		if (halves[i].value == 0 && halves[i].mask != 0xffffffffu) {
			emit(m, BPF_JMP | BPF_JSET | BPF_K, halves[i].mask, TO_NEXT, 0);
			continue;
		}
		if (halves[i].mask != 0xffffffffu)
			emit(m, BPF_ALU | BPF_AND | BPF_K, halves[i].mask, 0, 0);
		emit(m, BPF_JMP | BPF_JEQ | BPF_K, halves[i].value, 0, TO_NEXT);
	}
}

/* An order: decided by the high half unless it is equal. `strict`: > rather than >=. */
static void emit_order(struct emitter *m, const struct bpf_arg *a, bool greater, bool strict)
{
	uint32_t high = (uint32_t)(a->value >> 32);
	uint32_t low = (uint32_t)a->value;

	emit_load(m, ARG_HIGH(a->index));
	if (greater) {
		emit(m, BPF_JMP | BPF_JGT | BPF_K, high, 3, 0);
		emit(m, BPF_JMP | BPF_JEQ | BPF_K, high, 0, TO_NEXT);
		emit_load(m, ARG_LOW(a->index));
		emit(m, (uint16_t)(BPF_JMP | BPF_K | (strict ? BPF_JGT : BPF_JGE)), low, 0,
		     TO_NEXT);
	} else {
		/* v < value is not (v >= value); v <= value is not (v > value) */
		emit(m, BPF_JMP | BPF_JGT | BPF_K, high, TO_NEXT, 0);
		emit(m, BPF_JMP | BPF_JEQ | BPF_K, high, 0, 2);
		emit_load(m, ARG_LOW(a->index));
		emit(m, (uint16_t)(BPF_JMP | BPF_K | (strict ? BPF_JGE : BPF_JGT)), low, TO_NEXT,
		     0);
	}
}

static void emit_any(struct emitter *m, const struct bpf_arg *a)
{
	uint32_t high = (uint32_t)(a->value >> 32);

	if (high) {
		emit_load(m, ARG_HIGH(a->index));
		emit(m, BPF_JMP | BPF_JSET | BPF_K, high, 2, 0);
	}
	emit_load(m, ARG_LOW(a->index));
	emit(m, BPF_JMP | BPF_JSET | BPF_K, (uint32_t)a->value, 0, TO_NEXT);
}

static void emit_arg(struct emitter *m, const struct bpf_arg *a)
{
	switch (a->op) {
	case BPF_OP_EQ: emit_equal(m, a, UINT64_MAX, a->value); break;
	case BPF_OP_MASKED_EQ: emit_equal(m, a, a->value, a->datum); break;
	case BPF_OP_NE:
		/* Differs in the high half, or in the low one. */
		emit_load(m, ARG_HIGH(a->index));
		emit(m, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)(a->value >> 32), 0, 2);
		emit_load(m, ARG_LOW(a->index));
		emit(m, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)a->value, TO_NEXT, 0);
		break;
	case BPF_OP_LT: emit_order(m, a, false, true); break;
	case BPF_OP_LE: emit_order(m, a, false, false); break;
	case BPF_OP_GT: emit_order(m, a, true, true); break;
	case BPF_OP_GE: emit_order(m, a, true, false); break;
	case BPF_OP_ANY_BITS: emit_any(m, a); break;
	}
}

/* Point the placeholders of the rule that began at `from` to its end. */
static void settle(struct emitter *m, unsigned int from)
{
	for (unsigned int i = from; i < m->n; i++) {
		struct sock_filter *f = &m->out[i];
		unsigned int distance = m->n - i - 1;

		if (BPF_CLASS(f->code) != BPF_JMP)
			continue;
		if (distance >= TO_NEXT)
			m->overflow = true;
		if (BPF_OP(f->code) == BPF_JA && f->k == TO_NEXT)
			f->k = distance;
		if (f->jt == TO_NEXT)
			f->jt = (uint8_t)distance;
		if (f->jf == TO_NEXT)
			f->jf = (uint8_t)distance;
	}
}

/* The rules of one call, in order, and the default behind them. */
static void emit_rules(struct emitter *m, const struct bpf_table *t, int first)
{
	for (int i = first; i >= 0; i = t->rules[i].next) {
		const struct bpf_rule *r = &t->rules[i];
		unsigned int from = m->n;

		for (unsigned int k = 0; k < r->n_args; k++)
			emit_arg(m, &r->args[k]);
		emit_return(m, r->action);
		settle(m, from);
		if (r->n_args == 0)
			return;
	}
	emit_return(m, t->otherwise);
}

struct range {
	unsigned int start;
	int first; /* of a call with conditions; -1: all of the range gets `action` */
	uint32_t action;
};

static unsigned int make_ranges(const struct bpf_table *t, struct range *ranges)
{
	unsigned int n = 0;

	for (unsigned int nr = 0; nr <= BPF_MAX_SYSCALL; nr++) {
		int first = nr < BPF_MAX_SYSCALL ? t->first[nr] : -1;
		struct range r = { nr, -1, t->otherwise };

		if (first >= 0 && t->rules[first].n_args == 0)
			r.action = t->rules[first].action;
		else
			r.first = first;
		if (n > 0 && r.first < 0 && ranges[n - 1].first < 0 &&
		    ranges[n - 1].action == r.action)
			continue;
		ranges[n++] = r;
	}
	return n;
}

/*
 * What the search ends at: a range, or several of one action with single calls between
 * them. Such a call is one comparison, as a range of its own it were two.
 */
struct leaf {
	const struct range *from;
	unsigned int singles; /* from[1], from[3], ... */
};

enum { MOST_SINGLES = 4 };

static unsigned int make_leaves(const struct range *ranges, unsigned int n, struct leaf *leaves)
{
	unsigned int count = 0;

	for (unsigned int i = 0; i < n;) {
		struct leaf l = { &ranges[i], 0 };
		unsigned int last = i;

		while (l.singles < MOST_SINGLES && last + 2 < n && l.from->first < 0 &&
		       ranges[last + 2].first < 0 && ranges[last + 2].action == l.from->action &&
		       ranges[last + 2].start == ranges[last + 1].start + 1) {
			l.singles++;
			last += 2;
		}
		leaves[count++] = l;
		i = last + 1;
	}
	return count;
}

/*
 * Two instructions, the second of which is to lead over all that follows until now: a
 * conditional jump reaches 255 instructions, a longer way goes through it.
 */
static void land(struct emitter *m, unsigned int jump)
{
	if (m->overflow)
		return;
	if (m->n - jump - 1 <= 255) {
		/* Near enough for the conditional jump: drop the other one. */
		memmove(&m->out[jump + 1], &m->out[jump + 2],
			(m->n - jump - 2) * sizeof(m->out[0]));
		m->n--;
		m->out[jump].jt = 0;
		m->out[jump].jf = (uint8_t)(m->n - jump - 1);
	} else {
		m->out[jump + 1].k = m->n - jump - 2;
	}
}

static void emit_range(struct emitter *m, const struct bpf_table *t, const struct range *r)
{
	if (r->first >= 0)
		emit_rules(m, t, r->first);
	else
		emit_return(m, r->action);
}

static void emit_leaf(struct emitter *m, const struct bpf_table *t, const struct leaf *l)
{
	for (unsigned int i = 0; i < l->singles && !m->overflow; i++) {
		const struct range *single = &l->from[2 * i + 1];
		unsigned int jump = m->n;

		emit(m, BPF_JMP | BPF_JEQ | BPF_K, single->start, 1, 0);
		emit(m, BPF_JMP | BPF_JA, 0, 0, 0);
		emit_range(m, t, single);
		land(m, jump);
	}
	emit_range(m, t, l->from);
}

/* The upper half follows the jump directly, the lower half behind it. */
static void emit_search(struct emitter *m, const struct bpf_table *t, const struct leaf *leaves,
			unsigned int low, unsigned int high)
{
	unsigned int middle = (low + high + 1) / 2;
	unsigned int jump;

	if (m->overflow)
		return;
	if (low == high) {
		emit_leaf(m, t, &leaves[low]);
		return;
	}
	jump = m->n;
	emit(m, BPF_JMP | BPF_JGE | BPF_K, leaves[middle].from->start, 1, 0);
	emit(m, BPF_JMP | BPF_JA, 0, 0, 0);
	emit_search(m, t, leaves, middle, high);
	land(m, jump);
	emit_search(m, t, leaves, low, middle - 1);
}

int bpf_compile(const struct bpf_table *t, uint32_t (*map)(uint32_t), struct sock_filter *out,
		struct err *e)
{
	struct emitter m = { .out = out, .map = map };
	static struct range ranges[BPF_MAX_SYSCALL + 1];
	static struct leaf leaves[BPF_MAX_SYSCALL + 1];
	unsigned int n = make_leaves(ranges, make_ranges(t, ranges), leaves);

	emit_load(&m, offsetof(struct seccomp_data, arch));
	emit(&m, BPF_JMP | BPF_JEQ | BPF_K, t->arch, 1, 0);
	emit_return(&m, t->foreign);
	emit_load(&m, offsetof(struct seccomp_data, nr));
	if (t->arch == AUDIT_ARCH_X86_64) {
		emit(&m, BPF_JMP | BPF_JGE | BPF_K, X32_BIT, 0, 1);
		emit_return(&m, t->foreign);
	}
	emit_search(&m, t, leaves, 0, n - 1);
	if (m.overflow)
		return err_set(e, E2BIG, "the filter is longer than the kernel's %d instructions",
			       BPF_MAX_INSNS);
	return (int)bpf_shrink(out, m.n);
}

/* -- running --------------------------------------------------------------- */

static bool jumps(const struct sock_filter *f, uint32_t a)
{
	switch (BPF_OP(f->code)) {
	case BPF_JEQ: return a == f->k;
	case BPF_JGT: return a > f->k;
	case BPF_JGE: return a >= f->k;
	case BPF_JSET: return (a & f->k) != 0;
	}
	return false;
}

uint32_t bpf_run(const struct sock_filter *program, unsigned int length,
		 const struct seccomp_data *data)
{
	uint32_t a = 0;

	for (unsigned int pc = 0; pc < length; pc++) {
		const struct sock_filter *f = &program[pc];

		switch (f->code) {
		case BPF_LD | BPF_W | BPF_ABS:
			if (f->k > sizeof(*data) - sizeof(a))
				return SECCOMP_RET_KILL_PROCESS;
			memcpy(&a, (const char *)data + f->k, sizeof(a));
			break;
		case BPF_ALU | BPF_AND | BPF_K: a &= f->k; break;
		case BPF_JMP | BPF_JA: pc += f->k; break;
		case BPF_RET | BPF_K: return f->k;
		default:
			if (BPF_CLASS(f->code) != BPF_JMP)
				return SECCOMP_RET_KILL_PROCESS;
			pc += jumps(f, a) ? f->jt : f->jf;
			break;
		}
	}
	return SECCOMP_RET_KILL_PROCESS;
}
