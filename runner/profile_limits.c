/* SPDX-License-Identifier: Apache-2.0 */
/* The key "limits" of a profile: a loop over the table of limits. */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "limits.h"
#include "profile_read.h"

int profile_read_number(json_t *v, enum limit_unit unit, uint64_t *field, struct place *p,
			struct err *e)
{
	const struct limit l = { .unit = unit };
	char text[32];
	const char *s = json_string_value(v);

	if (json_is_integer(v) && json_integer_value(v) < 0)
		return profile_bad(e, p, "must not be negative");
	if (json_is_integer(v))
		snprintf(text, sizeof(text), "%lld", (long long)json_integer_value(v));
	else if (json_is_real(v) && unit == LIMIT_MILLI_CPUS)
		snprintf(text, sizeof(text), "%.3f", json_real_value(v));
	else if (!s)
		return profile_wrong_type(e, p, limit_example(&l), v);
	switch (limit_parse(&l, s ? s : text, field)) {
	case 0: return 0;
	case -ERANGE: return profile_bad(e, p, "is out of range");
	default:
		return err_set(e, EINVAL, "profile '%s': %s: '%.40s' is not %s", p->where, p->path,
			       s ? s : text, limit_example(&l));
	}
}

int profile_read_limits(struct spec *s, json_t *object, struct place *p, struct err *e)
{
	const char *names[LIMITS + 2] = { NULL };
	const char *name;
	json_t *v;

	if (!json_is_object(object))
		return profile_wrong_type(e, p, "an object", object);
	for (int i = 0; i < LIMITS; i++)
		names[i] = limit_table[i].name;
	names[LIMITS] = "on_output";
	json_object_foreach(object, name, v)
	{
		size_t length = profile_go_down(p, name, 0);
		const char *near;
		int i = 0;

		while (i < LIMITS && strcmp(limit_table[i].name, name) != 0)
			i++;
		if (i < LIMITS) {
			if (profile_read_number(v, limit_table[i].unit,
						limit_field(&s->limits, &limit_table[i]), p, e) < 0)
				return -e->code;
		} else if (strcmp(name, "on_output") == 0) {
			const char *text = json_string_value(v);

			if (!text || (strcmp(text, "truncate") != 0 && strcmp(text, "kill") != 0))
				return profile_bad(e, p, "must be truncate or kill");
			s->limits.output_kills = strcmp(text, "kill") == 0;
		} else {
			near = text_nearest(name, names);
			profile_bad(e, p, "unknown key");
			return near ? err_hint(e, "did you mean '%s'?", near) : -EINVAL;
		}
		p->path[length] = '\0';
	}
	return 0;
}
