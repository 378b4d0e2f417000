/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_rule: one entry of a policy's "syscalls", to the table's rules. For
 * policy.c only.
 */
#ifndef RUNNER_SECCOMP_POLICY_RULE_H
#define RUNNER_SECCOMP_POLICY_RULE_H

#include <jansson.h>

#include "bpf.h"

/** Refuse keys that are not known; `known` ends with NULL. */
int policy_check_keys(const char *where, json_t *object, const char *const *known, struct err *e);

/**
 * The action of `rule`'s member `key`, with the errno of `errno_key`. `least`: the
 * smallest errno; 0 answers a call as if it had succeeded, which only the guard does.
 */
int policy_action(const char *where, json_t *rule, const char *key, const char *errno_key,
		  int least, uint32_t *ret, struct err *e);

/** Add the entry's rules; `block` is the guard's that it is of, or 0. */
int policy_add_rule(const char *where, json_t *item, unsigned int block, struct bpf_table *t,
		    struct err *e);

#endif
