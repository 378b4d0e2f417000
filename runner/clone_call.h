/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clone_call: clone(2) that calls a function on another stack, as glibc's clone(3)
 * does, but without the C library.
 */
#ifndef RUNNER_CLONE_CALL_H
#define RUNNER_CLONE_CALL_H

#include "base/raw.h"

/*
 * The child calls fn(arg), which never returns. The parent gets its pid or -errno;
 * *pidfd is written for CLONE_PIDFD only.
 */
#if defined(__x86_64__)
static inline __attribute__((always_inline)) long clone_call(unsigned long flags, void *stack,
							     int *pidfd, void (*fn)(void *),
							     void *arg)
{
	register void *fn_ __asm__("r12") = (void *)fn;
	register void *arg_ __asm__("r13") = arg;
	register long r10 __asm__("r10") = 0;
	register long r8 __asm__("r8") = 0;
	long ret;

	__asm__ volatile("syscall\n\t"
			 "test %%rax, %%rax\n\t"
			 "jnz 1f\n\t"
			 "xor %%ebp, %%ebp\n\t"
			 "mov %%r13, %%rdi\n\t"
			 "call *%%r12\n\t"
			 "ud2\n"
			 "1:"
			 : "=a"(ret)
			 : "a"(SYS_clone), "D"(flags), "S"(stack), "d"(pidfd), "r"(r10), "r"(r8),
			   "r"(fn_), "r"(arg_)
			 : "rcx", "r11", "memory");
	return ret;
}
#else
static inline __attribute__((always_inline)) long clone_call(unsigned long flags, void *stack,
							     int *pidfd, void (*fn)(void *),
							     void *arg)
{
	register long x8 __asm__("x8") = SYS_clone;
	register unsigned long x0 __asm__("x0") = flags;
	register void *x1 __asm__("x1") = stack;
	register int *x2 __asm__("x2") = pidfd;
	register long x3 __asm__("x3") = 0;
	register long x4 __asm__("x4") = 0;
	register void *x19 __asm__("x19") = (void *)fn;
	register void *x20 __asm__("x20") = arg;

	__asm__ volatile("svc 0\n\t"
			 "cbnz x0, 1f\n\t"
			 "mov x0, x20\n\t"
			 "blr x19\n\t"
			 "brk 0\n"
			 "1:"
			 : "+r"(x0)
			 : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x19), "r"(x20)
			 : "memory", "cc");
	return (long)x0;
}
#endif

#endif
