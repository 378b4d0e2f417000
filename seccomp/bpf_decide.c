/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rules of a call ask for each of their conditions as if nothing were known. But
 * whoever comes by this path has answered some questions already: a jump to one that
 * is settled may go on to where its answer leads, and a jump to a load of what is
 * loaded already, behind it.
 *
 * All jumps lead forward, so one pass in order sees every way to a place before it.
 */
#include <string.h>

#include "bpf_flow.h"

enum { NOTHING = -1, ALL = 0xffffffff, MOST_FACTS = 12 };

/* What the accumulator holds: a word of the data under a mask. */
struct held {
	int offset; /* or NOTHING that is known */
	uint32_t mask;
};

/* The word at `offset` is, under the mask, this value, or another. */
struct fact {
	struct held word;
	uint32_t value;
	bool equal;
};

struct state {
	bool reached;
	struct held held;
	unsigned int n;
	struct fact facts[MOST_FACTS];
};

static bool same_word(struct held a, struct held b)
{
	return a.offset != NOTHING && a.offset == b.offset && a.mask == b.mask;
}

static bool same_fact(const struct fact *a, const struct fact *b)
{
	return same_word(a->word, b->word) && a->value == b->value && a->equal == b->equal;
}

static bool knows(const struct state *s, const struct fact *f)
{
	for (unsigned int i = 0; i < s->n; i++)
		if (same_fact(&s->facts[i], f))
			return true;
	return false;
}

/* One more way leads here: what holds on all of them is known. */
static void meet(struct state *to, const struct state *from)
{
	unsigned int kept = 0;

	if (!to->reached) {
		*to = *from;
		return;
	}
	if (!same_word(to->held, from->held))
		to->held.offset = NOTHING;
	for (unsigned int i = 0; i < to->n; i++)
		if (knows(from, &to->facts[i]))
			to->facts[kept++] = to->facts[i];
	to->n = kept;
}

static void learn(struct state *s, uint32_t mask, uint32_t value, bool equal)
{
	const struct fact f = { { s->held.offset, mask }, value, equal };

	/* Forgetting one only leaves a question in. */
	if (s->n < MOST_FACTS && !knows(s, &f))
		s->facts[s->n++] = f;
}

static void answered(struct state *s, const struct sock_filter *f, bool holds)
{
	if (s->held.offset == NOTHING)
		return;
	switch (BPF_OP(f->code)) {
	case BPF_JEQ: learn(s, s->held.mask, f->k, holds); break;
	case BPF_JSET: learn(s, s->held.mask & f->k, 0, !holds); break;
	case BPF_JGT:
		if (f->k == 0)
			learn(s, s->held.mask, 0, !holds);
		break;
	}
}

/* The bits that are known of what is held. */
static uint32_t known_bits(const struct state *s, struct held h, uint32_t *ret_value)
{
	uint32_t known = 0;

	*ret_value = 0;
	for (unsigned int i = 0; i < s->n; i++) {
		const struct fact *f = &s->facts[i];

		if (f->word.offset != h.offset || !f->equal)
			continue;
		known |= f->word.mask & h.mask;
		*ret_value |= f->value & h.mask;
	}
	return known;
}

/* Is it known to differ from this value, under the mask? */
static bool differs(const struct state *s, int offset, uint32_t mask, uint32_t value)
{
	for (unsigned int i = 0; i < s->n; i++) {
		const struct fact *f = &s->facts[i];

		if (f->word.offset == offset && !f->equal && (f->word.mask & ~mask) == 0 &&
		    (value & f->word.mask) == f->value)
			return true;
	}
	return false;
}

enum answer { UNKNOWN, HOLDS, FAILS };

static enum answer decide(const struct state *s, struct held h, const struct sock_filter *f)
{
	uint32_t value;
	uint32_t known;
	uint32_t mask;

	if (h.offset == NOTHING)
		return UNKNOWN;
	known = known_bits(s, h, &value);
	switch (BPF_OP(f->code)) {
	case BPF_JEQ:
		if ((f->k & ~h.mask) || ((value ^ f->k) & known) ||
		    differs(s, h.offset, h.mask, f->k))
			return FAILS;
		return known == h.mask ? HOLDS : UNKNOWN;
	case BPF_JSET:
		mask = h.mask & f->k;
		if ((value & known & mask) || differs(s, h.offset, mask, 0))
			return HOLDS;
		return (mask & ~known) == 0 ? FAILS : UNKNOWN;
	}
	return UNKNOWN;
}

/* Where a jump from `from` to `to` may lead as well, as far on as it reaches. */
static unsigned int thread(const struct sock_filter *p, const struct state *s, unsigned int from,
			   unsigned int to)
{
	struct held h = s->held; /* as it were, had we gone through what is left out */
	unsigned int best = to;
	unsigned int at = to;

	while (at - from - 1 <= BPF_REACH) {
		const struct sock_filter *f = &p[at];
		enum answer a;

		/* Here we may land: nothing is held that counts, or what would be. */
		if (bpf_is_return(f) || bpf_is_load(f) || same_word(h, s->held))
			best = at;
		if (bpf_is_load(f)) {
			h = (struct held){ (int)f->k, ALL };
			at++;
		} else if (f->code == (BPF_ALU | BPF_AND | BPF_K)) {
			h.mask &= f->k;
			at++;
		} else if (bpf_is_plain_jump(f)) {
			at += 1 + f->k;
		} else if (bpf_is_conditional(f)) {
			a = decide(s, h, f);
			if (a == UNKNOWN)
				break;
			at = bpf_follower(p, at, a == HOLDS);
		} else {
			break;
		}
	}
	return best;
}

static void decide_branch(struct sock_filter *p, unsigned int i, const struct state *here,
			  struct state *states, bool holds)
{
	struct state s = *here;
	unsigned int to;

	answered(&s, &p[i], holds);
	to = thread(p, &s, i, bpf_follower(p, i, holds));
	if (holds)
		p[i].jt = (uint8_t)(to - i - 1);
	else
		p[i].jf = (uint8_t)(to - i - 1);
	meet(&states[to], &s);
}

void bpf_decide(struct sock_filter *p, unsigned int n)
{
	static struct state states[BPF_MAX_INSNS];

	memset(states, 0, n * sizeof(states[0]));
	states[0] = (struct state){ .reached = true, .held = { .offset = NOTHING } };
	for (unsigned int i = 0; i < n; i++) {
		struct state s = states[i];

		if (!s.reached || bpf_is_return(&p[i]))
			continue;
		if (bpf_is_conditional(&p[i])) {
			decide_branch(p, i, &s, states, true);
			decide_branch(p, i, &s, states, false);
			continue;
		}
		if (bpf_is_load(&p[i]))
			s.held = (struct held){ (int)p[i].k, ALL };
		else if (p[i].code == (BPF_ALU | BPF_AND | BPF_K))
			s.held.mask &= p[i].k;
		else if (!bpf_is_plain_jump(&p[i]))
			s.held.offset = NOTHING;
		meet(&states[bpf_follower(p, i, true)], &s);
	}
}
