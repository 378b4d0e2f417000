/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jout: write JSON.
 *
 * The report is written on every run, so it must not wait for a parser library
 * to be loaded; this writes into one growing buffer and nothing else. Bytes
 * that are not UTF-8 become U+FFFD, so the output is valid JSON whatever a
 * guest chose as a file name; and what would act on a terminal or reorder the
 * line (base/display.h) is escaped, so that it may be looked at, too.
 *
 * Owns: the buffer; jout_clear() frees it. Running out of memory is remembered
 * in `failed` and told by jout_finish(), so calls in between need no check.
 */
#ifndef RUNNER_BASE_JOUT_H
#define RUNNER_BASE_JOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct jout {
	char *text;
	size_t length;
	size_t size;
	int depth;
	bool first; /* no comma before the next member */
	bool failed;
	bool lent; /* `text` is the caller's; see jout_lend() */
};

/** Begin in this buffer instead of one of its own; it moves when more is needed. */
void jout_lend(struct jout *j, char *buffer, size_t size);

/* `key` is NULL inside an array and at the top. */
void jout_object(struct jout *j, const char *key);
void jout_array(struct jout *j, const char *key);
void jout_end_object(struct jout *j);
void jout_end_array(struct jout *j);
void jout_string(struct jout *j, const char *key, const char *value); /* NULL: null */
void jout_string_n(struct jout *j, const char *key, const char *value, size_t length);
void jout_uint(struct jout *j, const char *key, uint64_t value);
void jout_int(struct jout *j, const char *key, int64_t value);
void jout_milli(struct jout *j, const char *key, uint64_t thousandths);
void jout_bool(struct jout *j, const char *key, bool value);
void jout_null(struct jout *j, const char *key);
/** A limit: a number, or null for UNLIMITED. */
void jout_limit(struct jout *j, const char *key, uint64_t value);

/** End the document with a newline. Returns 0, or -ENOMEM if anything was lost. */
int jout_finish(struct jout *j);
void jout_clear(struct jout *j);

#endif
