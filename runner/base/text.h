/* SPDX-License-Identifier: Apache-2.0 */
/*
 * text: strict readers for what people write, and one lookup for all tables.
 *
 * Every reader takes the whole string or refuses it, checks the range, leaves
 * *ret untouched on failure and returns 0 or -EINVAL/-ERANGE. No words here:
 * the caller knows the name of the option or key.
 */
#ifndef RUNNER_BASE_TEXT_H
#define RUNNER_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* "unlimited" wherever a limit is a uint64_t. */
#define UNLIMITED UINT64_MAX

/** A decimal number in [min, max]. */
int text_number(const char *s, uint64_t min, uint64_t max, uint64_t *ret);

/** Bytes: a number with an optional k, m, g or t (powers of 1024, any case). */
int text_size(const char *s, uint64_t *ret);

/** A duration in ms: a number with ms, s, m or h; a bare number is seconds. */
int text_duration(const char *s, uint64_t *ret_ms);

/** CPUs in thousandths: "0.5" is 500. At most three decimals, 0.001 to 4096. */
int text_cpus(const char *s, uint64_t *ret_milli);

/** Does it start with the prefix? Returns the rest, or NULL. */
const char *text_after(const char *s, const char *prefix);

/** Is it a path (with a slash, or ending in .json) rather than the name of a built-in? */
bool text_is_path(const char *s);

/** Do lists and objects lie deeper in each other than anything of ours means? */
bool text_json_is_deep(const char *json);

/** The last component of a path; the path itself when it has no slash. */
const char *text_basename(const char *path);

/**
 * The entry of `names` (NULL-terminated) that someone who wrote `word` most
 * likely meant: at most two edits away. NULL when none is near.
 */
const char *text_nearest(const char *word, const char *const *names);

/** Does /a/b lie at or below /a? Both absolute and without "." or "..". */
bool text_path_below(const char *path, const char *dir);

/**
 * Is it an absolute path in its plain form: no empty, "." or ".." component,
 * no trailing slash, shorter than PATH_MAX?
 */
bool text_path_is_plain(const char *path);

#endif
