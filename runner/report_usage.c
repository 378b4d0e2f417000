/* SPDX-License-Identifier: Apache-2.0 */
/* What a run used, and which limit held it: see report_parts.h. */
#include "layer/layer.h"
#include "report_parts.h"

/* UNLIMITED: this kernel does not say. */
static void known(struct jout *j, const char *name, uint64_t value)
{
	if (value == UNLIMITED)
		jout_null(j, name);
	else
		jout_uint(j, name, value);
}

static void known_ms(struct jout *j, const char *name, uint64_t us)
{
	if (us == UNLIMITED)
		jout_null(j, name);
	else
		jout_milli(j, name, us);
}

static void write_cpu(struct jout *j, const struct spec_limits *l, const struct outcome *o)
{
	jout_object(j, "cpu");
	known_ms(j, "user_ms", report_measured(o) ? o->user_us : UNLIMITED);
	known_ms(j, "system_ms", report_measured(o) ? o->system_us : UNLIMITED);
	jout_limit(j, "limit_ms", l->cpu_ms);
	jout_string(j, "enforced_by", l->cpu_ms == UNLIMITED ? NULL : "supervisor");
	jout_end_object(j);
}

static void write_memory(struct jout *j, const struct spec_limits *l, const struct plan *plan,
			 const struct outcome *o)
{
	const struct cgroup_usage *c = &o->cgroup;
	const char *of;

	jout_object(j, "memory");
	known(j, "peak_bytes", report_memory_peak(o, &of));
	jout_string(j, "peak_of", of);
	jout_limit(j, "limit_bytes", l->memory);
	jout_string(j, "enforced_by",
		    l->memory == UNLIMITED	    ? NULL
		    : !plan			    ? "nothing"
		    : c->valid			    ? "cgroup"
		    : plan_has(plan, LAYER_RLIMITS) ? "rlimit_data and watchdog"
						    : "watchdog");
	jout_limit(j, "high_bytes", l->memory_high);
	known(j, "oom_kills", c->valid ? c->oom_kill : UNLIMITED);
	known(j, "limit_reached", c->valid ? c->memory_max : UNLIMITED);
	known(j, "high_reached", c->valid ? c->memory_high : UNLIMITED);
	jout_end_object(j);
}

static void write_pids(struct jout *j, const struct spec_limits *l, bool rlimits,
		       const struct outcome *o)
{
	const struct cgroup_usage *c = &o->cgroup;

	jout_object(j, "pids");
	known(j, "peak", report_tasks(o));
	jout_limit(j, "limit", l->pids);
	jout_string(j, "enforced_by",
		    l->pids == UNLIMITED ? NULL
		    : c->valid		 ? "cgroup"
		    : rlimits		 ? "rlimit_nproc"
					 : "nothing");
	if (c->valid && c->pids_max != UNLIMITED)
		jout_bool(j, "limit_hit", c->pids_max > 0);
	else if (!c->valid && rlimits && report_tasks(o) != UNLIMITED && report_tasks(o) >= l->pids)
		jout_bool(j, "limit_hit", true);
	else
		jout_null(j, "limit_hit");
	jout_end_object(j);
}

static void write_cpu_limit(struct jout *j, const struct spec_limits *l, const struct plan *plan,
			    const struct outcome *o)
{
	const struct cgroup_usage *c = &o->cgroup;
	bool affinity = plan && plan->cpu_mask_set;

	jout_object(j, "cpu_limit");
	if (l->cpus_milli == UNLIMITED)
		jout_null(j, "cpus");
	else
		jout_milli(j, "cpus", l->cpus_milli);
	if (affinity)
		jout_uint(j, "effective_cpus", (l->cpus_milli + 999) / 1000);
	jout_string(j, "enforced_by",
		    l->cpus_milli == UNLIMITED		? NULL
		    : c->valid				? "cgroup"
		    : affinity && !plan->cpu_mask_loose ? "affinity"
							: "nothing");
	known(j, "throttled_periods", c->valid ? c->throttled : UNLIMITED);
	known_ms(j, "throttled_ms", c->valid ? c->throttled_us : UNLIMITED);
	jout_end_object(j);
}

static void write_pressure(struct jout *j, const struct cgroup_usage *c)
{
	if (!c->valid) {
		jout_null(j, "io"); /* nobody counts what is written to a bind */
		return;
	}
	jout_object(j, "io");
	jout_uint(j, "read_bytes", c->read_bytes);
	jout_uint(j, "written_bytes", c->written_bytes);
	jout_end_object(j);
	jout_object(j, "pressure");
	known_ms(j, "cpu_ms", c->cpu_stall_us);
	known_ms(j, "memory_ms", c->memory_stall_us);
	known_ms(j, "io_ms", c->io_stall_us);
	jout_end_object(j);
}

void report_usage(struct jout *j, const struct spec *spec, const struct plan *plan,
		  const struct outcome *o)
{
	const struct spec_limits *l = &spec->limits;
	bool rlimits = plan && plan_has(plan, LAYER_RLIMITS);

	known_ms(j, "wall_ms", report_measured(o) ? o->wall_ns / 1000 : UNLIMITED);
	write_cpu(j, l, o);
	write_memory(j, l, plan, o);
	write_pids(j, l, rlimits, o);
	write_cpu_limit(j, l, plan, o);
	jout_object(j, "wall_limit");
	jout_limit(j, "limit_ms", l->wall_ms);
	jout_string(j, "enforced_by", l->wall_ms == UNLIMITED ? NULL : "supervisor");
	jout_end_object(j);
	write_pressure(j, &o->cgroup);
	report_limits(j, spec, plan, o);
}
