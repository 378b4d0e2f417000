/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The search tree ends each path in rules and a return of its own. Paths that end
 * alike can end as one, as far as a conditional jump reaches; what is loaded already
 * need not be loaded again; what is then never reached is left out. A shorter program is verified
 * and translated faster at every start.
 */
#include <stdbool.h>
#include <string.h>

#include "bpf.h"

enum { REACH = 255 };

static bool is_return(const struct sock_filter *f)
{
	return f->code == (BPF_RET | BPF_K);
}

static bool is_conditional(const struct sock_filter *f)
{
	return BPF_CLASS(f->code) == BPF_JMP && BPF_OP(f->code) != BPF_JA;
}

/* A jump of i, taken or not, leads here. */
static unsigned int target(const struct sock_filter *p, unsigned int i, bool taken)
{
	if (is_conditional(&p[i]))
		return i + 1 + (taken ? p[i].jt : p[i].jf);
	return i + 1 + (BPF_CLASS(p[i].code) == BPF_JMP ? p[i].k : 0);
}

enum { BUCKETS = 2 * BPF_MAX_INSNS };

struct kinds {
	unsigned int of[BPF_MAX_INSNS]; /* the first one found that does the same */
	unsigned int bucket[BUCKETS];	/* such a first one, plus 1; 0: free */
};

static bool alike(const struct sock_filter *p, const struct kinds *k, unsigned int a,
		  unsigned int b)
{
	if (p[a].code != p[b].code || p[a].k != p[b].k)
		return false;
	return is_return(&p[a]) || (k->of[target(p, a, true)] == k->of[target(p, b, true)] &&
				    k->of[target(p, a, false)] == k->of[target(p, b, false)]);
}

/*
 * Two places are of one kind when all that follows is the same. Jumps lead forward, so
 * from the end each one's followers are known already; a plain jump is what it leads to.
 */
static void sort(const struct sock_filter *p, unsigned int n, struct kinds *k)
{
	memset(k->bucket, 0, sizeof(k->bucket));
	for (unsigned int i = n; i-- > 0;) {
		unsigned int at;

		if (!is_return(&p[i]) && !is_conditional(&p[i]) &&
		    BPF_CLASS(p[i].code) == BPF_JMP) {
			k->of[i] = k->of[target(p, i, true)];
			continue;
		}
		at = (p[i].code * 31u + p[i].k) * 2654435761u % BUCKETS;
		if (!is_return(&p[i]))
			at = (at + k->of[target(p, i, true)] * 17u + k->of[target(p, i, false)]) %
			     BUCKETS;
		while (k->bucket[at] && !alike(p, k, k->bucket[at] - 1, i))
			at = (at + 1) % BUCKETS;
		if (!k->bucket[at])
			k->bucket[at] = i + 1;
		k->of[i] = k->bucket[at] - 1;
	}
}

/* The last place of the same kind that a jump at `from` reaches. */
static unsigned int farthest(const struct kinds *k, unsigned int n, unsigned int from,
			     unsigned int to)
{
	unsigned int end = from + 1 + REACH < n - 1 ? from + 1 + REACH : n - 1;

	for (unsigned int i = end; i > to; i--)
		if (k->of[i] == k->of[to])
			return i;
	return to;
}

/* What the accumulator holds at each place: an offset of the data, or nothing known. */
enum { NEVER = -2, UNKNOWN = -1 };

static void meet(int *held, int offset)
{
	*held = *held == NEVER || *held == offset ? offset : UNKNOWN;
}

/* A jump to a load of what is loaded already goes behind it. */
static void skip_loads(struct sock_filter *p, unsigned int n)
{
	static int held[BPF_MAX_INSNS];

	for (unsigned int i = 0; i < n; i++)
		held[i] = i == 0 ? UNKNOWN : NEVER;
	for (unsigned int i = 0; i < n; i++) {
		int after = held[i];

		if (is_return(&p[i]) || held[i] == NEVER)
			continue;
		if (p[i].code == (BPF_LD | BPF_W | BPF_ABS))
			after = (int)p[i].k;
		else if (BPF_CLASS(p[i].code) != BPF_JMP)
			after = UNKNOWN;
		if (is_conditional(&p[i])) {
			const struct sock_filter *yes = &p[i + 1 + p[i].jt];
			const struct sock_filter *no = &p[i + 1 + p[i].jf];
			const struct sock_filter same = { BPF_LD | BPF_W | BPF_ABS, 0, 0,
							  (unsigned int)after };

			if (after >= 0 && p[i].jt < REACH && yes->code == same.code &&
			    yes->k == same.k)
				p[i].jt++;
			if (after >= 0 && p[i].jf < REACH && no->code == same.code &&
			    no->k == same.k)
				p[i].jf++;
		}
		meet(&held[target(p, i, true)], after);
		meet(&held[target(p, i, false)], after);
	}
}

static void mark(const struct sock_filter *p, unsigned int at, bool *reached)
{
	while (!reached[at]) {
		reached[at] = true;
		if (is_return(&p[at]))
			return;
		if (is_conditional(&p[at])) {
			mark(p, at + 1 + p[at].jt, reached);
			at += 1 + p[at].jf;
		} else {
			at += 1 + (BPF_CLASS(p[at].code) == BPF_JMP ? p[at].k : 0);
		}
	}
}

/* Drop what is not reached; distances only become shorter. */
static unsigned int compact(struct sock_filter *p, unsigned int n, const bool *reached)
{
	static unsigned int at[BPF_MAX_INSNS + 1];
	unsigned int kept = 0;

	for (unsigned int i = 0; i < n; i++) {
		at[i] = kept;
		kept += reached[i];
	}
	for (unsigned int i = 0; i < n; i++) {
		struct sock_filter f = p[i];

		if (!reached[i])
			continue;
		if (is_conditional(&f)) {
			f.jt = (unsigned char)(at[i + 1 + f.jt] - at[i] - 1);
			f.jf = (unsigned char)(at[i + 1 + f.jf] - at[i] - 1);
		} else if (BPF_CLASS(f.code) == BPF_JMP) {
			f.k = at[i + 1 + f.k] - at[i] - 1;
		}
		p[at[i]] = f;
	}
	return kept;
}

unsigned int bpf_shrink(struct sock_filter *p, unsigned int n)
{
	static bool reached[BPF_MAX_INSNS];
	static struct kinds kinds;
	unsigned int before;

	do {
		before = n;
		skip_loads(p, n);
		sort(p, n, &kinds);
		for (unsigned int i = 0; i < n; i++) {
			if (!is_conditional(&p[i]))
				continue;
			p[i].jt = (unsigned char)(farthest(&kinds, n, i, i + 1 + p[i].jt) - i - 1);
			p[i].jf = (unsigned char)(farthest(&kinds, n, i, i + 1 + p[i].jf) - i - 1);
		}
		memset(reached, 0, sizeof(reached));
		mark(p, 0, reached);
		n = compact(p, n, reached);
	} while (n < before);
	return n;
}
