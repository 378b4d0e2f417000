/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mount_words: the words that say how something is mounted, one table for the
 * command line and the profile.
 */
#ifndef RUNNER_MOUNT_WORDS_H
#define RUNNER_MOUNT_WORDS_H

#include "spec.h"

/** What to write for "one of these": "ro, rw, exec, ... or optional". */
extern const char mount_words_list[];

/**
 * Apply one word of `length` bytes. 0; or -ENOENT, *m untouched, when there is no such
 * word: *ret_near is then the one that was meant, or NULL.
 */
int mount_word(struct spec_mount *m, const char *word, size_t length, const char **ret_near);

/**
 * SRC[:DST][:WORD...], as --bind takes it, or with `type` tmpfs DST[:SIZE][:WORD...].
 * The words are separated by colons or commas; "\:" is a colon of a path. *m holds
 * what the option itself says; `source` and `destination` become the spec's. A bind
 * without DST has no destination afterwards.
 */
int mount_parse(struct spec *s, struct spec_mount *m, const char *text, struct err *e);

#endif
