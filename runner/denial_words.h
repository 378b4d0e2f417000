/* SPDX-License-Identifier: Apache-2.0 */
/*
 * denial_words: which arguments of a refused call say what was tried, and the
 * kernel's names for their values.
 *
 * Registers only. What a pointer leads to could be another thing by the time anybody
 * looks, so it is neither decided from nor shown.
 */
#ifndef RUNNER_DENIAL_WORDS_H
#define RUNNER_DENIAL_WORDS_H

#include <stddef.h>
#include <stdint.h>

/* One value, or one flag; `name` is NULL after the last. */
struct denial_word {
	uint64_t value;
	const char *name;
};

enum denial_form {
	DENIAL_FLAGS,  /* names of the bits, and the rest in hex */
	DENIAL_WORD,   /* the name of the value, or hex */
	DENIAL_MODE,   /* a file's type and special bits, and the rest in octal */
	DENIAL_NUMBER, /* a signed decimal: a process, a user */
};
enum { DENIAL_FILE_TYPE = 0170000 };

/*
 * One argument of one call. Two calls are of one kind when these arguments have the
 * same names; values without a name are one kind together, so that nobody makes many
 * kinds out of one by counting through what means nothing.
 */
struct denial_argument {
	int nr;
	unsigned int arg;
	const char *label;
	enum denial_form form;
	uint64_t mask; /* what the kernel looks at */
	const struct denial_word *words;
};

/* By call: all rows of one call stand together. */
extern const struct denial_argument denial_arguments[];
extern const size_t denial_argument_count;

#endif
