/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bpf: compile a system call table to classic BPF for seccomp(2), and run such a
 * program.
 *
 * The input says for each call number what to do, perhaps depending on its
 * arguments. Numbers with the same answer form ranges, and the program is a
 * binary search over the ranges: a third of the instructions of a list of
 * comparisons, and it loads in a fifth of the time, since the kernel runs it
 * once per call number when it is loaded. bpf_shrink() then takes out what paths
 * have in common and what they have settled (bpf_decide.c).
 *
 * bpf_run() interprets a program on one call. The supervisor asks it which errno
 * a notified call gets; the tests and the fuzzers compare it with the table.
 */
#ifndef RUNNER_SECCOMP_BPF_H
#define RUNNER_SECCOMP_BPF_H

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

/* The architecture runner is built for; all others are foreign to a filter. */
#if defined(__x86_64__)
#define BPF_NATIVE_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define BPF_NATIVE_ARCH AUDIT_ARCH_AARCH64
#endif

/* x32 calls come with the x86_64 architecture and this bit. */
#define BPF_X32_BIT 0x40000000u

enum {
	BPF_MAX_SYSCALL = 1024, /* numbers from here on get the default */
	BPF_MAX_RULES = 1024,
	BPF_MAX_INSNS = 4096, /* the kernel's BPF_MAXINSNS */
};

/* How an argument is compared; names as in the OCI runtime spec. */
enum bpf_op {
	BPF_OP_EQ,
	BPF_OP_NE,
	BPF_OP_LT,
	BPF_OP_LE,
	BPF_OP_GT,
	BPF_OP_GE,
	BPF_OP_MASKED_EQ,
	BPF_OP_ANY_BITS, /* ours: one of the value's bits, or more, is set */
};

struct bpf_arg {
	unsigned int index; /* 0 to 5 */
	enum bpf_op op;
	uint64_t value; /* MASKED_EQ: the mask */
	uint64_t datum; /* MASKED_EQ: what is left under the mask */
};

/* One rule of one call: all arguments must match. */
struct bpf_rule {
	uint32_t action; /* SECCOMP_RET_* with its data */
	unsigned int n_args;
	struct bpf_arg args[6];
	int next; /* index of the call's next rule, or -1 */
};

/* First match wins; a call without a matching rule gets `otherwise`. */
struct bpf_table {
	uint32_t arch; /* AUDIT_ARCH_*: all others are `foreign` */
	uint32_t foreign;
	uint32_t otherwise;
	int first[BPF_MAX_SYSCALL]; /* index of its first rule, or -1 */
	struct bpf_rule rules[BPF_MAX_RULES];
	unsigned int n_rules;
};

/** An empty table for the architecture runner is built for. */
void bpf_table_init(struct bpf_table *t, uint32_t otherwise);

/** Add a rule after the call's others. -E2BIG when the table is full. */
int bpf_table_add(struct bpf_table *t, unsigned int nr, const struct bpf_rule *rule, struct err *e);

/**
 * Compile. `out` has room for BPF_MAX_INSNS. `map` is applied to each action on
 * its way out (NULL: unchanged). Returns the number of instructions or -E2BIG.
 */
int bpf_compile(const struct bpf_table *t, uint32_t (*map)(uint32_t action),
		struct sock_filter *out, struct err *e);

/** The same program with fewer instructions; returns their number. In place. */
unsigned int bpf_shrink(struct sock_filter *program, unsigned int length);

/** What the program says of this call: SECCOMP_RET_*. KILL on a broken program. */
uint32_t bpf_run(const struct sock_filter *program, unsigned int length,
		 const struct seccomp_data *data);

/**
 * Does every answer that the program can give to this call fit, whatever its arguments are?
 * In doubt not: `fits` may be asked of more answers than there are, never of fewer.
 */
bool bpf_answers_are(const struct sock_filter *program, unsigned int length, unsigned int nr,
		     bool (*fits)(uint32_t answer));

/** The answer of the table itself, without compiling: the tests' oracle. */
uint32_t bpf_table_answer(const struct bpf_table *t, const struct seccomp_data *data);

#endif
