/* SPDX-License-Identifier: Apache-2.0 */
/*
 * err: an error code with the words that belong to it.
 *
 * One return rule in the whole program: 0 (or a value >= 0) on success, a
 * negative errno on failure. A function that can add words takes a
 * `struct err *` last. Only main() and the cmd_* files print.
 *
 * Owns: nothing; plain memory on the caller's stack.
 */
#ifndef RUNNER_BASE_ERR_H
#define RUNNER_BASE_ERR_H

/* What the failure means for runner's own exit status (see runner(1)). */
enum err_exit {
	ERR_EXIT_RUNNER = 125,	  /* runner could not do it */
	ERR_EXIT_NOT_EXEC = 126,  /* found, but cannot be executed */
	ERR_EXIT_NOT_FOUND = 127, /* not found */
};

/* What leads to these is not what most runs do: the compiler puts it elsewhere. */
#define ERR_WORDS(format_at) __attribute__((cold, format(printf, format_at, format_at + 1)))

struct err {
	int code;	      /* positive errno; 0 while all is well */
	enum err_exit status; /* exit status to end with; 0 means ERR_EXIT_RUNNER */
	char text[768];	      /* what went wrong: the thing and the place */
	char hint[768];	      /* how to mend it; may be empty */
};

/** Replace the words. Returns -code, so that failing is one line. */
int err_set(struct err *e, int code, const char *fmt, ...) ERR_WORDS(3);

/** Prefix the words with context: "context: words". Returns -e->code. */
int err_wrap(struct err *e, const char *fmt, ...) ERR_WORDS(2);

/** Add the remedy, shown on a line of its own. Returns -e->code. */
int err_hint(struct err *e, const char *fmt, ...) ERR_WORDS(2);

/** Choose the exit status this error ends runner with. Returns -e->code. */
int err_exit_with(struct err *e, enum err_exit status) __attribute__((cold));

#endif
