/* SPDX-License-Identifier: Apache-2.0 */
#include "bpf.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

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

static uint32_t mapped(const struct emitter *m, uint32_t action)
{
	return m->map ? m->map(action) : action;
}

static void emit_return(struct emitter *m, uint32_t action)
{
	emit(m, BPF_RET | BPF_K, mapped(m, action), 0, 0);
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
	int first;	 /* of a call with conditions; -1: all of the range gets `action` */
	uint32_t action; /* mapped */
};

/* Does the call get the same answer whatever its arguments? */
static bool is_constant(const struct emitter *m, const struct bpf_table *t, int first,
			uint32_t *ret)
{
	*ret = mapped(m, first >= 0 ? t->rules[first].action : t->otherwise);
	for (int i = first; i >= 0; i = t->rules[i].next) {
		if (mapped(m, t->rules[i].action) != *ret)
			return false;
		if (t->rules[i].n_args == 0)
			return true;
	}
	return mapped(m, t->otherwise) == *ret;
}

static unsigned int make_ranges(const struct emitter *m, const struct bpf_table *t,
				struct range *ranges)
{
	unsigned int n = 0;

	for (unsigned int nr = 0; nr <= BPF_MAX_SYSCALL; nr++) {
		int first = nr < BPF_MAX_SYSCALL ? t->first[nr] : -1;
		struct range r = { nr, -1, 0 };

		if (!is_constant(m, t, first, &r.action))
			r.first = first;
		if (n > 0 && r.first < 0 && ranges[n - 1].first < 0 &&
		    ranges[n - 1].action == r.action)
			continue;
		ranges[n++] = r;
	}
	if (t->arch == AUDIT_ARCH_X86_64)
		ranges[n++] = (struct range){ BPF_X32_BIT, -1, mapped(m, t->foreign) };
	return n;
}

/*
 * What the search ends at: a range, or several of one action with single calls between
 * them. Such a call is one comparison, as a range of its own it were two.
 */
struct leaf {
	const struct range *from;
	unsigned int singles; /* from[1], from[3], ... */
	unsigned int below;   /* how many calls of the kernel's have smaller numbers */
};

enum { MOST_SINGLES = 4 };

/* And one more, that tells how many calls there are. */
static unsigned int make_leaves(const struct bpf_table *t, const struct range *ranges,
				unsigned int n, struct leaf *leaves)
{
	unsigned int calls = BPF_MAX_SYSCALL;
	unsigned int count = 0;

	while (calls > 0 && t->first[calls - 1] < 0)
		calls--;
	for (unsigned int i = 0; i < n;) {
		struct leaf l = { &ranges[i], 0,
				  ranges[i].start < calls ? ranges[i].start : calls };
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
	leaves[count].below = calls;
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
		emit(m, BPF_RET | BPF_K, r->action, 0, 0);
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

/*
 * The kernel asks the program about each call's number when it is loaded. So half of
 * the numbers go each way, not half of the leaves.
 */
static unsigned int half_way(const struct leaf *leaves, unsigned int low, unsigned int high)
{
	unsigned int end = high + 1;
	unsigned int middle = low + 1;

	while (middle < high &&
	       leaves[middle].below - leaves[low].below < leaves[end].below - leaves[middle].below)
		middle++;
	return middle;
}

/* The upper half follows the jump directly, the lower half behind it. */
static void emit_search(struct emitter *m, const struct bpf_table *t, const struct leaf *leaves,
			unsigned int low, unsigned int high)
{
	unsigned int middle;
	unsigned int jump;

	if (m->overflow)
		return;
	if (low == high) {
		emit_leaf(m, t, &leaves[low]);
		return;
	}
	middle = half_way(leaves, low, high);
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
	static struct range ranges[BPF_MAX_SYSCALL + 2];
	static struct leaf leaves[BPF_MAX_SYSCALL + 3];
	unsigned int n = make_leaves(t, ranges, make_ranges(&m, t, ranges), leaves);

	emit_load(&m, offsetof(struct seccomp_data, arch));
	emit(&m, BPF_JMP | BPF_JEQ | BPF_K, t->arch, 1, 0);
	emit_return(&m, t->foreign);
	emit_load(&m, offsetof(struct seccomp_data, nr));
	emit_search(&m, t, leaves, 0, n - 1);
	if (m.overflow)
		return err_set(e, E2BIG, "the filter is longer than the kernel's %d instructions",
			       BPF_MAX_INSNS);
	return (int)bpf_shrink(out, m.n);
}
