/* SPDX-License-Identifier: Apache-2.0 */
/* Apart from the compiler: of the two, a run needs this one alone. */
#include <stdbool.h>
#include <string.h>

#include "bpf.h"

uint32_t bpf_run(const struct sock_filter *program, unsigned int length,
		 const struct seccomp_data *data)
{
	uint32_t a = 0;

	for (unsigned int pc = 0; pc < length; pc++) {
		const struct sock_filter *f = &program[pc];
		bool holds;

		/* The proof asks some forty questions at every start; most steps are these. */
		if (f->code == (BPF_JMP | BPF_JGE | BPF_K)) {
			holds = a >= f->k;
		} else if (f->code == (BPF_JMP | BPF_JEQ | BPF_K)) {
			holds = a == f->k;
		} else if (f->code == (BPF_LD | BPF_W | BPF_ABS)) {
			if (f->k > sizeof(*data) - sizeof(a))
				return SECCOMP_RET_KILL_PROCESS;
			memcpy(&a, (const char *)data + f->k, sizeof(a));
			continue;
		} else if (f->code == (BPF_JMP | BPF_JSET | BPF_K)) {
			holds = (a & f->k) != 0;
		} else if (f->code == (BPF_RET | BPF_K)) {
			return f->k;
		} else if (f->code == (BPF_JMP | BPF_JGT | BPF_K)) {
			holds = a > f->k;
		} else if (f->code == (BPF_ALU | BPF_AND | BPF_K)) {
			a &= f->k;
			continue;
		} else if (f->code == (BPF_JMP | BPF_JA)) {
			pc += f->k;
			continue;
		} else {
			return SECCOMP_RET_KILL_PROCESS;
		}
		pc += holds ? f->jt : f->jf;
	}
	return SECCOMP_RET_KILL_PROCESS;
}
