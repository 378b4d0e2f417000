/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy: a seccomp policy in the OCI format (linux.seccomp of the runtime
 * spec), as Docker, Podman and containerd write it, to a table and to BPF.
 *
 * Names are resolved by libseccomp. The rules' order is their meaning: the first
 * that matches decides (libseccomp itself has no order, see
 * docs/architecture.md). One key is ours: "extends" names a built-in policy whose
 * rules follow the file's own.
 *
 * Two programs come out. `verdict` gives the policy's own answers. `filter` is
 * what is loaded: denials that are worth a record (any errno but ENOSYS, and
 * kills) are sent to the supervisor, which answers them from `verdict`.
 */
#ifndef RUNNER_SECCOMP_POLICY_H
#define RUNNER_SECCOMP_POLICY_H

#include "bpf.h"

struct policy {
	struct sock_filter *filter; /* malloc'ed */
	unsigned int filter_length;
	struct sock_filter *verdict; /* malloc'ed */
	unsigned int verdict_length;
};

/** Give the text of a built-in policy, or NULL. */
typedef const char *(*policy_builtin)(const char *name);

/** Compile `text`. `where` names it in error messages. 0 or -errno. */
int policy_compile(const char *where, const char *text, policy_builtin builtin, struct policy *ret,
		   struct err *e);

/** Read the text into a table (which policy_compile does first). */
int policy_table(const char *where, const char *text, policy_builtin builtin, struct bpf_table *t,
		 struct err *e);

/** The name of a call that libseccomp 2.5 is too old to know, or NULL. */
const char *policy_newer_call(unsigned int nr);

void policy_clear(struct policy *p);

/** The answer to give to the kernel for a policy's action: notify or as it is. */
uint32_t policy_notify(uint32_t action);

#endif
