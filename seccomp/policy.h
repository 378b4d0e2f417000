/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy: a seccomp policy in the OCI format (linux.seccomp of the runtime
 * spec), as Docker, Podman and containerd write it, to a table and to BPF.
 *
 * Names are resolved by libseccomp. The rules' order is their meaning: the first
 * that matches decides (libseccomp itself has no order, see
 * docs/architecture.md). One key is ours: "extends" names a built-in policy whose
 * rules follow the file's own, and whose default holds where the file gives none. One comparison is
 * ours: "ANY_BITS", one or more of the value's bits are set.
 *
 * In front of every policy stands the guard (seccomp/guard.json): blocks of rules,
 * each of them a layer, whatever the policy behind them says. An answer of block n
 * carries n above its errno, so that the record names that layer.
 *
 * Two programs come out. `verdict` gives the policy's own answers. `filter` is
 * what is loaded: denials that are worth a record (any errno but ENOSYS and 0, and
 * kills) are sent to the supervisor, which answers them from `verdict`.
 */
#ifndef RUNNER_SECCOMP_POLICY_H
#define RUNNER_SECCOMP_POLICY_H

#include "bpf.h"

enum {
	POLICY_ERRNO = 0xfff,	 /* of a verdict's SECCOMP_RET_DATA */
	POLICY_BLOCK_SHIFT = 12, /* what is above: the guard's block, or 0 for the policy */
	POLICY_MAX_BLOCKS = 15,
};
#define POLICY_BLOCK(i) (1u << (i)) /* of a set of blocks: the i-th of the file, from 0 */

/** Which block of the guard a verdict comes from, counted from 1; 0: none. */
static inline unsigned int policy_block(uint32_t verdict)
{
	return (verdict & SECCOMP_RET_DATA) >> POLICY_BLOCK_SHIFT;
}

struct policy_guard {
	const char *text;
	unsigned int blocks; /* the ones that stand; see POLICY_BLOCK */
};

struct policy {
	struct sock_filter *filter; /* malloc'ed */
	unsigned int filter_length;
	struct sock_filter *verdict; /* malloc'ed */
	unsigned int verdict_length;
};

/** Give the text of a built-in policy, or NULL. */
typedef const char *(*policy_builtin)(const char *name);

/**
 * Compile `text` behind the guard (NULL: none). `where` names it in error messages.
 * 0 or -errno.
 */
int policy_compile(const char *where, const char *text, policy_builtin builtin,
		   const struct policy_guard *guard, struct policy *ret, struct err *e);

/** Read the text into a table (which policy_compile does first). */
int policy_table(const char *where, const char *text, policy_builtin builtin,
		 const struct policy_guard *guard, struct bpf_table *t, struct err *e);

/** The guard's blocks: all of them, and those that only some runs need. */
int policy_guard_read(const char *text, unsigned int *ret_all, unsigned int *ret_optional,
		      struct err *e);

/** The name of a call that libseccomp 2.5 is too old to know, or NULL. */
const char *policy_newer_call(unsigned int nr);

void policy_clear(struct policy *p);

/** The answer to give to the kernel for a policy's action: notify or as it is. */
uint32_t policy_notify(uint32_t action);

#endif
