/* SPDX-License-Identifier: Apache-2.0 */
#include "plan_print.h"

#include "layer/layer.h"
#include "limits.h"

static void print_strings(struct jout *j, const char *key, const char *const *list)
{
	jout_array(j, key);
	for (; list && *list; list++)
		jout_string(j, NULL, *list);
	jout_end_array(j);
}

static void print_limits(struct jout *j, const struct spec_limits *limits)
{
	jout_object(j, "limits");
	for (int i = 0; i < LIMITS; i++) {
		uint64_t v = limit_value(limits, &limit_table[i]);

		if (limit_table[i].unit == LIMIT_MILLI_CPUS && v != UNLIMITED)
			jout_milli(j, limit_table[i].name, v);
		else
			jout_limit(j, limit_table[i].name, v);
	}
	jout_string(j, "on_output", limits->output_kills ? "kill" : "truncate");
	jout_end_object(j);
}

void plan_print(const struct plan *plan, struct jout *j)
{
	const struct spec *s = plan->spec;

	jout_object(j, NULL);
	jout_string(j, "profile", s->profile);
	print_strings(j, "argv", plan->argv);
	jout_array(j, "programs");
	for (unsigned int i = 0; i < plan->n_candidates; i++)
		jout_string(j, NULL, plan->candidates[i]);
	jout_end_array(j);
	jout_string(j, "cwd", plan->cwd);
	print_limits(j, &s->limits);
	/* In the order in which they are entered. */
	jout_array(j, "layers");
	for (int i = 0; i < LAYER_COUNT; i++) {
		const struct layer *l = layer_table[i];

		jout_object(j, NULL);
		jout_string(j, "name", l->name);
		jout_bool(j, "entered", plan_has(plan, (unsigned int)i));
		if (plan->unavailable & LAYER_BIT(i))
			jout_string(j, "because", plan->host->cgroup.why);
		jout_string(j, "by", l->actor == BY_INIT ? "init" : "payload");
		jout_string(j, "why_here", l->why_here);
		if (plan_has(plan, (unsigned int)i) && l->describe) {
			jout_object(j, "detail");
			l->describe(plan, j);
			jout_end_object(j);
		}
		jout_end_object(j);
	}
	jout_end_array(j);
	jout_end_object(j);
}
