/* SPDX-License-Identifier: Apache-2.0 */
/*
 * profile_read: what the rooms of the profile parser share: where they are, and
 * the words for what is wrong there.
 */
#ifndef RUNNER_PROFILE_READ_H
#define RUNNER_PROFILE_READ_H

#include <jansson.h>

#include "limits.h"
#include "profile.h"

/* Where we are, for messages: the file and the path of keys. */
struct place {
	const char *where;
	char path[160];
};

/** A name (or, with name NULL, an index) below the place. Returns the old length. */
size_t profile_go_down(struct place *p, const char *name, size_t index);

/** "profile 'x.json': path: what". Returns -EINVAL. */
int profile_bad(struct err *e, const struct place *p, const char *what);
int profile_wrong_type(struct err *e, const struct place *p, const char *wanted, const json_t *v);

/** A string, copied into the spec. */
int profile_read_text(struct spec *s, json_t *v, const char **field, struct place *p,
		      struct err *e);

/** A number of this unit, or "unlimited": as a JSON number or as text. */
int profile_read_number(json_t *v, enum limit_unit unit, uint64_t *field, struct place *p,
			struct err *e);

/** The "limits" of a profile; profile_limits.c. */
int profile_read_limits(struct spec *s, json_t *object, struct place *p, struct err *e);

/** The "mounts" of a profile; profile_mounts.c. */
int profile_read_mounts(struct spec *s, json_t *v, struct place *p, struct err *e);

#endif
