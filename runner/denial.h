/* SPDX-License-Identifier: Apache-2.0 */
/*
 * denial: words for a refused system call: what it was, and how it could be
 * granted.
 */
#ifndef RUNNER_DENIAL_H
#define RUNNER_DENIAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "outcome.h"

/* system call names by number, written by tools/embed.c; NULL: unknown */
extern const char *const builtin_syscall_names[];
extern const unsigned int builtin_syscall_count;

/**
 * The call's name, or "syscall N", as it is for all numbers of a foreign architecture.
 * `room` is for the latter.
 */
const char *denial_name(int nr, uint32_t arch, char room[24]);

/** Do two calls of this number belong in one row (see denial_words.h)? */
bool denial_same_kind(int nr, const uint64_t *x, const uint64_t *y);

/** Do they even agree in every argument that is shown? */
bool denial_same_values(int nr, const uint64_t *x, const uint64_t *y);

enum { DENIAL_TARGET = 256 };

/** "domain=AF_NETLINK type=SOCK_RAW": the arguments that matter, decoded. */
void denial_target(const struct denial *d, char ret[DENIAL_TARGET]);

/** How a user could grant it. Never empty. */
const char *denial_remedy(const struct denial *d, const char *policy);

#endif
