/* SPDX-License-Identifier: Apache-2.0 */
/* Where the instructions of a seccomp program lead: between bpf_shrink and bpf_decide. */
#ifndef RUNNER_SECCOMP_BPF_FLOW_H
#define RUNNER_SECCOMP_BPF_FLOW_H

#include <stdbool.h>

#include "bpf.h"

enum { BPF_REACH = 255 }; /* of a conditional jump */

static inline bool bpf_is_return(const struct sock_filter *f)
{
	return f->code == (BPF_RET | BPF_K);
}

static inline bool bpf_is_load(const struct sock_filter *f)
{
	return f->code == (BPF_LD | BPF_W | BPF_ABS);
}

static inline bool bpf_is_plain_jump(const struct sock_filter *f)
{
	return f->code == (BPF_JMP | BPF_JA);
}

static inline bool bpf_is_conditional(const struct sock_filter *f)
{
	return BPF_CLASS(f->code) == BPF_JMP && !bpf_is_plain_jump(f);
}

/* What follows i, when its condition holds or not. */
static inline unsigned int bpf_follower(const struct sock_filter *p, unsigned int i, bool holds)
{
	if (bpf_is_conditional(&p[i]))
		return i + 1 + (holds ? p[i].jt : p[i].jf);
	return i + 1 + (bpf_is_plain_jump(&p[i]) ? p[i].k : 0);
}

/** Lead each jump past the questions whose answer is known by then. In place. */
void bpf_decide(struct sock_filter *program, unsigned int length);

#endif
