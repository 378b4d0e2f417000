/* SPDX-License-Identifier: Apache-2.0 */
/* What was refused: see report_parts.h. */
#include <string.h>

#include "denial.h"
#include "layer/layer.h"
#include "report_parts.h"

static void write_one(struct jout *j, const struct spec *spec, const struct denial *d, bool ended)
{
	char target[DENIAL_TARGET];
	char room[24];

	denial_target(d, target);
	jout_object(j, NULL);
	jout_string(j, "layer", layer_table[d->layer]->name);
	jout_string(j, "operation", denial_name(d->nr, d->arch, room));
	jout_string(j, "target", target[0] ? target : NULL);
	jout_int(j, "errno", d->error);
	jout_string(j, "error",
		    d->error ? strerror(d->error)
		    : ended  ? "the run was ended"
			     : "the policy answers it with a kill");
	jout_int(j, "pid", d->pid);
	jout_string(j, "comm", d->comm);
	jout_uint(j, "count", d->count);
	jout_string(j, "remedy", denial_remedy(d, spec->seccomp));
	jout_bool(j, "ended_run", ended);
	jout_end_object(j);
}

void report_denials(struct jout *j, const struct spec *spec, const struct outcome *o)
{
	const struct denials *d = &o->denials;

	jout_array(j, "denials");
	for (unsigned int i = 0; i < d->n; i++)
		write_one(j, spec, &d->row[i], false);
	if (d->ending.count > 0)
		write_one(j, spec, &d->ending, o->reason == REASON_SECCOMP);
	jout_end_array(j);
	jout_uint(j, "denials_dropped", d->dropped);
}
