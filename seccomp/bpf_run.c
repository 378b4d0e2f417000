/* SPDX-License-Identifier: Apache-2.0 */
/* Apart from the compiler: of the two, a run needs this one alone. */
#include <stdbool.h>
#include <string.h>

#include "bpf.h"

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
