/* SPDX-License-Identifier: Apache-2.0 */
/*
 * profile: JSON to spec, strictly (runner-profile(5)).
 *
 * An unknown key, a wrong type or a value out of range is an error that names
 * the file and the place: "profile 'web.json': mounts[2].destination: ...".
 * Nothing is half applied: on failure the spec must not be used.
 */
#ifndef RUNNER_PROFILE_H
#define RUNNER_PROFILE_H

#include "base/err.h"
#include "spec.h"

enum { PROFILE_MAX_BYTES = 1 << 20, PROFILE_MAX_EXTENDS = 8 };

/** What a spec is before any profile has spoken. */
void profile_defaults(struct spec *s);

/**
 * Apply the JSON in `text` to *s: first what it extends, then its own keys.
 * `where` names it in messages. `find` gives the text of a profile by name.
 */
typedef const char *(*profile_find)(const char *name);
int profile_apply(struct spec *s, const char *where, const char *text, profile_find find,
		  struct err *e);

/**
 * Load a profile by the name of a built-in one, or by a path (with a slash or
 * ending in .json). profile_file.c; the built-in ones are compiled in.
 */
int profile_load(struct spec *s, const char *name, struct err *e);
int profile_load_file(struct spec *s, const char *path, struct err *e);
/** As profile_load_file(), of a text that was read already; `path` names it. */
int profile_load_text(struct spec *s, const char *path, const char *text, struct err *e);

/** Read the text of a profile file for free(). 0 or -errno. */
int profile_read_file(const char *path, char **ret, struct err *e);

#endif
