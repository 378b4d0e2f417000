/* SPDX-License-Identifier: Apache-2.0 */
/*
 * limits: the one table of limits: names, units, fields.
 *
 * The profile parser, the command line, --dry-run and `profile show` are loops
 * over it.
 */
#ifndef RUNNER_LIMITS_H
#define RUNNER_LIMITS_H

#include <stddef.h>

#include "spec.h"

enum limit_unit { LIMIT_MS, LIMIT_BYTES, LIMIT_COUNT, LIMIT_MILLI_CPUS };

struct limit {
	const char *name; /* key in a profile's "limits" */
	enum limit_unit unit;
	size_t offset; /* of a uint64_t in struct spec_limits */
	uint64_t min;
	uint64_t max;
	const char *why; /* the range, in words */
	bool bounded;	 /* UNLIMITED is not within */
};

enum { LIMITS = 11 };
extern const struct limit limit_table[LIMITS];

/** Read a value in the limit's unit, or "unlimited". 0, -EINVAL or -ERANGE. */
int limit_parse(const struct limit *l, const char *text, uint64_t *ret);

/** What a value of this unit looks like, for error messages. */
const char *limit_example(const struct limit *l);

static inline uint64_t *limit_field(struct spec_limits *limits, const struct limit *l)
{
	return (uint64_t *)(void *)((char *)limits + l->offset);
}

static inline uint64_t limit_value(const struct spec_limits *limits, const struct limit *l)
{
	return *(const uint64_t *)(const void *)((const char *)limits + l->offset);
}

#endif
