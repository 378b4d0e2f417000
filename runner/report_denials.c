/* SPDX-License-Identifier: Apache-2.0 */
/* What was refused: see report_parts.h. */
#include <string.h>

#include "denial.h"
#include "layer/layer.h"
#include "report_parts.h"

void report_denials(struct jout *j, const struct spec *spec, const struct outcome *o)
{
	jout_array(j, "denials");
	for (unsigned int i = 0; i < o->n_denials; i++) {
		const struct denial *d = &o->denials[i];
		char room[24];
		char target[160];

		denial_target(d, target, sizeof(target));
		jout_object(j, NULL);
		jout_string(j, "layer", layer_table[d->layer]->name);
		jout_string(j, "operation", denial_name(d->nr, room));
		jout_string(j, "target", target[0] ? target : NULL);
		jout_int(j, "errno", d->error);
		jout_string(j, "error", d->error ? strerror(d->error) : "the run was ended");
		jout_int(j, "pid", d->pid);
		jout_string(j, "comm", d->comm);
		jout_uint(j, "count", d->count);
		jout_string(j, "remedy", denial_remedy(d, spec->seccomp));
		jout_end_object(j);
	}
	jout_end_array(j);
	jout_uint(j, "denials_dropped", o->denials_dropped);
}
