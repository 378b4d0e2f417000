/* SPDX-License-Identifier: Apache-2.0 */
/* How near the run came to its limits, and by whose word: see report_parts.h. */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>

#include "layer/layer.h"
#include "report_parts.h"

uint64_t report_tasks(const struct outcome *o)
{
	const struct cgroup_usage *c = &o->cgroup;

	/* Init is one, too; the limit is the payload's. */
	if (c->valid)
		return c->pids_peak != UNLIMITED && c->pids_peak ? c->pids_peak - 1 : UNLIMITED;
	return o->held.tasks > 1 ? o->held.tasks - 1 : UNLIMITED;
}

uint64_t report_memory_peak(const struct outcome *o, const char **ret_of)
{
	*ret_of = NULL;
	if (!report_measured(o))
		return UNLIMITED;
	*ret_of = "tree";
	if (o->cgroup.valid && o->cgroup.memory_peak != UNLIMITED)
		return o->cgroup.memory_peak;
	*ret_of = o->held.memory > o->maxrss_bytes ? "tree, sampled" : "largest process";
	return o->held.memory > o->maxrss_bytes ? o->held.memory : o->maxrss_bytes;
}

static bool by_rlimits(const struct plan *plan, const struct outcome *o)
{
	return plan && !o->cgroup.valid && plan_has(plan, LAYER_RLIMITS);
}

/* -- which one it came nearest to --------------------------------------------- */

static void write_nearest(struct jout *j, const struct spec_limits *l, const struct plan *plan,
			  const struct outcome *o)
{
	const char *of;
	uint64_t peak = report_memory_peak(o, &of);
	uint64_t tasks = report_tasks(o);
	const struct {
		const char *name;
		uint64_t used;
		uint64_t limit;
		const char *evidence;
	} rows[] = {
		{ "wall_time", o->wall_ns / 1000000, l->wall_ms, "clock" },
		{ "cpu_time", (o->user_us + o->system_us) / 1000, l->cpu_ms,
		  o->cgroup.valid ? "cpu.stat" : "processes' own times" },
		{ "memory", peak, l->memory,
		  o->cgroup.valid	   ? "memory.peak"
		  : o->held.memory == peak ? "watchdog"
					   : "rusage" },
		{ "memory", by_rlimits(plan, o) ? o->held.data : 0, l->memory, "RLIMIT_DATA" },
		{ "pids", tasks == UNLIMITED ? 0 : tasks, l->pids,
		  o->cgroup.valid ? "pids.peak" : "watchdog" },
		{ "output", o->out.bytes > o->err.bytes ? o->out.bytes : o->err.bytes, l->output,
		  "supervisor" },
		{ "tmpfs", o->held.tmpfs_part, 1000, "statfs" },
	};
	const char *name = NULL;
	const char *evidence = NULL;
	double most = -1;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		double part = (double)rows[i].used / (double)(rows[i].limit ? rows[i].limit : 1);

		if (!report_measured(o) || rows[i].limit == UNLIMITED || part <= most)
			continue;
		most = part;
		name = rows[i].name;
		evidence = rows[i].evidence;
	}
	if (!name) {
		jout_null(j, "nearest_limit");
		return;
	}
	jout_object(j, "nearest_limit");
	jout_string(j, "name", name);
	jout_milli(j, "used_fraction", (uint64_t)(most * 1000));
	jout_string(j, "evidence", evidence);
	jout_end_object(j);
}

/* -- which ones it met ---------------------------------------------------------- */

static void hit(struct jout *j, const char *name, const char *evidence)
{
	jout_object(j, NULL);
	jout_string(j, "name", name);
	jout_string(j, "evidence", evidence);
	jout_end_object(j);
}

static void hit_memory(struct jout *j, const struct spec_limits *l, const struct plan *plan,
		       const struct outcome *o)
{
	const struct cgroup_usage *c = &o->cgroup;
	char text[160];

	if (c->valid && c->memory_max != UNLIMITED && c->memory_max > 0) {
		snprintf(text, sizeof(text), "memory.events: max %" PRIu64, c->memory_max);
		hit(j, "memory", text);
	} else if (!c->valid && o->reason == REASON_MEMORY) {
		hit(j, "memory", "the watchdog saw more in use");
	} else if (by_rlimits(plan, o) && o->held.data >= l->memory / 16 * 15) {
		/* The kernel refuses the next request as it is, so the rest is never used up. */
		snprintf(text, sizeof(text),
			 "RLIMIT_DATA: one process had reserved %" PRIu64 " of %" PRIu64 " bytes",
			 o->held.data, l->memory);
		hit(j, "memory", text);
	}
}

static void hit_pids(struct jout *j, const struct spec_limits *l, const struct plan *plan,
		     const struct outcome *o)
{
	const struct cgroup_usage *c = &o->cgroup;
	uint64_t tasks = report_tasks(o);
	char text[96];

	if (c->valid && c->pids_max != UNLIMITED && c->pids_max > 0) {
		snprintf(text, sizeof(text), "pids.events: max %" PRIu64, c->pids_max);
		hit(j, "pids", text);
	} else if (by_rlimits(plan, o) && tasks != UNLIMITED && tasks >= l->pids) {
		snprintf(text, sizeof(text), "RLIMIT_NPROC: %" PRIu64 " tasks were there at once",
			 tasks);
		hit(j, "pids", text);
	}
}

static void write_hits(struct jout *j, const struct spec_limits *l, const struct plan *plan,
		       const struct outcome *o)
{
	char text[160];

	jout_array(j, "limit_hit");
	if (o->reason == REASON_WALL_TIME)
		hit(j, "wall_time", "ended by the supervisor");
	if (o->reason == REASON_CPU_TIME)
		hit(j, "cpu_time", "ended for it");
	if (l->memory != UNLIMITED)
		hit_memory(j, l, plan, o);
	if (l->pids != UNLIMITED)
		hit_pids(j, l, plan, o);
	for (unsigned int i = 0; plan && i < plan->n_tmpfs; i++)
		if (o->held.tmpfs_full & (1ull << i)) {
			snprintf(text, sizeof(text), "statfs: nothing free on /%.120s",
				 plan->tmpfs[i].target);
			hit(j, "tmpfs", text);
		}
	if (o->out.truncated || o->err.truncated || o->reason == REASON_OUTPUT)
		hit(j, "output", "cut by the supervisor");
	if (o->signal == SIGXFSZ)
		hit(j, "file_size", "SIGXFSZ");
	jout_end_array(j);
}

/* -- what is only nearly so -------------------------------------------------------- */

static void write_approximate(struct jout *j, const struct plan *plan, const struct outcome *o)
{
	const struct held *h = &o->held;
	bool counts = !plan || o->cgroup.valid || !o->started;

	jout_array(j, "approximate");
	if (!counts)
		jout_string(j, NULL,
			    "cpu: of processes nobody waits for, as last seen, if they were seen");
	if (!counts)
		jout_string(j, NULL,
			    h->memory ? "memory: sampled" : "memory: of the largest process alone");
	if (h->rests_on & HELD_HOST)
		jout_string(j, NULL,
			    "memory: what the kernel holds, by the growth of the whole host's");
	if (h->rests_on & HELD_HIDDEN)
		jout_string(j, NULL, "memory: processes that cannot be looked at exactly");
	if (h->rests_on & HELD_LARGE)
		jout_string(j, NULL, "memory: more mappings than can be looked at exactly");
	if (!counts && h->memory && plan->layers && !plan_has(plan, LAYER_UNCOUNTED))
		jout_string(j, NULL,
			    "memory: without the layer uncounted, memfds and System V "
			    "segments by the growth of the whole host's");
	if (!counts && h->tasks)
		jout_string(j, NULL, "pids: sampled");
	jout_end_array(j);
}

void report_limits(struct jout *j, const struct spec *spec, const struct plan *plan,
		   const struct outcome *o)
{
	write_nearest(j, &spec->limits, plan, o);
	write_hits(j, &spec->limits, plan, o);
	write_approximate(j, plan, o);
}
