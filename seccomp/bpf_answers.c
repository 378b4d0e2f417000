/* SPDX-License-Identifier: Apache-2.0 */
/* What a program can say of a call at all, rather than what it says of one. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "bpf.h"

/* What is known of the accumulator where an instruction is reached. */
enum known { UNREACHED, ONE_VALUE, ANY_VALUE };

struct place {
	enum known known;
	uint32_t a;
};

static void reach(struct place *to, const struct place *from)
{
	if (to->known == UNREACHED)
		*to = *from;
	else if (from->known == ANY_VALUE || to->a != from->a)
		to->known = ANY_VALUE;
}

/* Only the architecture and the number are known; the rest is the caller's to choose. */
static struct place load(uint32_t at, unsigned int nr)
{
	if (at == offsetof(struct seccomp_data, nr))
		return (struct place){ ONE_VALUE, nr };
	if (at == offsetof(struct seccomp_data, arch))
		return (struct place){ ONE_VALUE, BPF_NATIVE_ARCH };
	return (struct place){ ANY_VALUE, 0 };
}

static bool holds(const struct sock_filter *f, uint32_t a)
{
	switch (BPF_OP(f->code)) {
	case BPF_JEQ: return a == f->k;
	case BPF_JGT: return a > f->k;
	case BPF_JGE: return a >= f->k;
	default: return (a & f->k) != 0; /* BPF_JSET */
	}
}

/* Jumps go forward only, so that once through is enough. */
bool bpf_answers_are(const struct sock_filter *program, unsigned int length, unsigned int nr,
		     bool (*fits)(uint32_t answer))
{
	enum { BEYOND = 256 }; /* where a broken program's jumps end */
	struct place at[BPF_MAX_INSNS + BEYOND] = { 0 };

	if (length == 0 || length > BPF_MAX_INSNS)
		return false;
	at[0] = (struct place){ ONE_VALUE, 0 };
	for (unsigned int pc = 0; pc < length; pc++) {
		const struct sock_filter *f = &program[pc];
		struct place now = at[pc];

		if (now.known == UNREACHED)
			continue;
		switch (f->code) {
		case BPF_RET | BPF_K:
			if (!fits(f->k))
				return false;
			continue;
		case BPF_LD | BPF_W | BPF_ABS: now = load(f->k, nr); break;
		case BPF_ALU | BPF_AND | BPF_K: now.a &= f->k; break;
		case BPF_JMP | BPF_JA:
			if (f->k >= length - pc)
				return false;
			reach(&at[pc + 1 + f->k], &now);
			continue;
		case BPF_JMP | BPF_JEQ | BPF_K:
		case BPF_JMP | BPF_JGT | BPF_K:
		case BPF_JMP | BPF_JGE | BPF_K:
		case BPF_JMP | BPF_JSET | BPF_K:
			if (now.known == ANY_VALUE || holds(f, now.a))
				reach(&at[pc + 1 + f->jt], &now);
			if (now.known == ANY_VALUE || !holds(f, now.a))
				reach(&at[pc + 1 + f->jf], &now);
			continue;
		default: return false; /* none of the compiler's */
		}
		reach(&at[pc + 1], &now);
	}
	for (unsigned int pc = length; pc < length + BEYOND; pc++)
		if (at[pc].known != UNREACHED)
			return false;
	return true;
}
