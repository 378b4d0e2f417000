/* SPDX-License-Identifier: Apache-2.0 */
/*
 * builtin: what profiles/ and seccomp/ hold, compiled into the binary.
 *
 * tools/embed.c writes the tables at build time with the very parsers that read
 * a user's files, so one file, copied to another machine, works, and starting
 * with a built-in profile parses nothing.
 */
#ifndef RUNNER_BUILTIN_H
#define RUNNER_BUILTIN_H

#include <linux/filter.h>

#include "spec.h"

struct builtin_profile {
	const char *name;
	const char *text;	 /* the JSON file */
	const char *sha256;	 /* of the text, hex */
	const struct spec *spec; /* what it asks for, with what it extends */
};

struct builtin_policy {
	const char *name;
	const char *text;
};

/* A built-in policy behind those blocks of the guard that the runs have together. */
struct builtin_program {
	const char *policy;
	unsigned int blocks; /* POLICY_BLOCK() */
	const struct sock_filter *filter;
	unsigned int filter_length;
	const struct sock_filter *verdict;
	unsigned int verdict_length;
};

/* Each ends with a row whose name is NULL. */
extern const struct builtin_profile builtin_profiles[];
extern const struct builtin_policy builtin_policies[];
extern const struct builtin_program builtin_programs[];
extern const char builtin_guard[]; /* the text of seccomp/guard.json */

const struct builtin_profile *builtin_profile(const char *name);
const struct builtin_policy *builtin_policy(const char *name);
/** NULL: this set of blocks is not compiled in. */
const struct builtin_program *builtin_program(const char *policy, unsigned int blocks);
/** For policy_compile(). */
const char *builtin_policy_text(const char *name);

#endif
