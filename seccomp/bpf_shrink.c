/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The search tree ends each path in a return of its own. All that return the same
 * can be one, as far as a conditional jump reaches; what is then never reached is
 * left out. A shorter program is verified and translated faster at every start.
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

/* The last return of the same value that a jump at `from` reaches. */
static unsigned int farthest(const struct sock_filter *p, unsigned int n, unsigned int from,
			     unsigned int target)
{
	unsigned int end = from + 1 + REACH < n - 1 ? from + 1 + REACH : n - 1;

	if (!is_return(&p[target]))
		return target;
	for (unsigned int i = end; i > target; i--)
		if (is_return(&p[i]) && p[i].k == p[target].k)
			return i;
	return target;
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
	unsigned int before;

	do {
		before = n;
		for (unsigned int i = 0; i < n; i++) {
			if (!is_conditional(&p[i]))
				continue;
			p[i].jt = (unsigned char)(farthest(p, n, i, i + 1 + p[i].jt) - i - 1);
			p[i].jf = (unsigned char)(farthest(p, n, i, i + 1 + p[i].jf) - i - 1);
		}
		memset(reached, 0, sizeof(reached));
		mark(p, 0, reached);
		n = compact(p, n, reached);
	} while (n < before);
	return n;
}
