/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The search tree ends each path in rules and a return of its own. Paths that end
 * alike can end as one, as far as a conditional jump reaches; what is settled is not
 * asked, and what is not asked about not loaded; what is then never reached is left
 * out. A shorter program is verified and translated faster at every start.
 */
#include <string.h>

#include "bpf_flow.h"

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
	return bpf_is_return(&p[a]) ||
	       (k->of[bpf_follower(p, a, true)] == k->of[bpf_follower(p, b, true)] &&
		k->of[bpf_follower(p, a, false)] == k->of[bpf_follower(p, b, false)]);
}

/*
 * Does it make no difference? A plain jump, a question whose answers lead to the same,
 * and a word that is not looked at.
 */
static bool is_idle(const struct sock_filter *p, const struct kinds *k, unsigned int i)
{
	unsigned int next = k->of[bpf_follower(p, i, true)];

	if (BPF_CLASS(p[i].code) == BPF_JMP)
		return next == k->of[bpf_follower(p, i, false)];
	return bpf_is_return(&p[next]) || bpf_is_load(&p[next]);
}

/*
 * Two places are of one kind when all that follows is the same. Jumps lead forward, so
 * from the end each one's followers are known already; what is idle is what it leads to.
 */
static void sort(const struct sock_filter *p, unsigned int n, struct kinds *k)
{
	memset(k->bucket, 0, sizeof(k->bucket));
	for (unsigned int i = n; i-- > 0;) {
		unsigned int at;

		if (!bpf_is_return(&p[i]) && is_idle(p, k, i)) {
			k->of[i] = k->of[bpf_follower(p, i, true)];
			continue;
		}
		at = (p[i].code * 31u + p[i].k) * 2654435761u % BUCKETS;
		if (!bpf_is_return(&p[i]))
			at = (at + k->of[bpf_follower(p, i, true)] * 17u +
			      k->of[bpf_follower(p, i, false)]) %
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
	unsigned int end = from + 1 + BPF_REACH < n - 1 ? from + 1 + BPF_REACH : n - 1;

	for (unsigned int i = end; i > to; i--)
		if (k->of[i] == k->of[to])
			return i;
	return to;
}

static void mark(const struct sock_filter *p, unsigned int at, bool *reached)
{
	while (!reached[at]) {
		reached[at] = true;
		if (bpf_is_return(&p[at]))
			return;
		if (bpf_is_conditional(&p[at])) {
			mark(p, at + 1 + p[at].jt, reached);
			at += 1 + p[at].jf;
		} else {
			at += 1 + (bpf_is_plain_jump(&p[at]) ? p[at].k : 0);
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
		if (bpf_is_conditional(&f)) {
			f.jt = (unsigned char)(at[i + 1 + f.jt] - at[i] - 1);
			f.jf = (unsigned char)(at[i + 1 + f.jf] - at[i] - 1);
		} else if (bpf_is_plain_jump(&f)) {
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
		bpf_decide(p, n);
		sort(p, n, &kinds);
		for (unsigned int i = 0; i < n; i++) {
			if (!bpf_is_conditional(&p[i]))
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
