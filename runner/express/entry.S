/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The program's entry point when it is built with the express door: see
 * express.c. The stack still is as the kernel made it: argc, argv, envp, auxv.
 */
	.section .note.GNU-stack, "", %progbits
	.text
	.globl	express_start
	.type	express_start, %function
express_start:
#if defined(__x86_64__)
	xor	%ebp, %ebp
	mov	%rsp, %rbx		/* kept across the call */
	mov	%rsp, %rdi
	and	$-16, %rsp
	call	express_main
	mov	%rbx, %rsp		/* it returned: the long way, as if we had not been here */
	xor	%edx, %edx		/* no function for atexit (System V ABI, 3.4.1) */
	jmp	_start
#elif defined(__aarch64__)
	mov	x29, #0
	mov	x30, #0
	mov	x19, sp
	mov	x0, sp
	bl	express_main
	mov	sp, x19
	mov	x0, #0
	b	_start
#endif
	.size	express_start, . - express_start
