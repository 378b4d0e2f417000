/* SPDX-License-Identifier: Apache-2.0 */
#include "report.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/display.h"
#include "base/jout.h"
#include "denial.h"
#include "layer/layer.h"
#include "version.h"

static void write_command(struct jout *j, const struct spec *spec)
{
	enum { WORDS = 64, BYTES = 4096 };
	size_t room = BYTES;
	unsigned int n = 0;
	bool cut = false;

	jout_array(j, "command");
	for (const char *const *a = spec->argv; a && *a; a++) {
		size_t length = strlen(*a);

		if (n++ == WORDS || length > room) {
			cut = true;
			break;
		}
		jout_string(j, NULL, *a);
		room -= length;
	}
	jout_end_array(j);
	if (cut)
		jout_bool(j, "command_truncated", true);
}

static void write_time(struct jout *j, int64_t ms)
{
	time_t s = (time_t)(ms / 1000);
	char text[96];
	struct tm tm;

	if (ms == 0 || !gmtime_r(&s, &tm)) {
		jout_null(j, "started_at");
		return;
	}
	/* RFC 3339, with milliseconds */
	snprintf(text, sizeof(text), "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", tm.tm_year + 1900,
		 tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, (int)(ms % 1000));
	jout_string(j, "started_at", text);
}

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
	jout_milli(j, "user_ms", o->user_us);
	jout_milli(j, "system_ms", o->system_us);
	jout_limit(j, "limit_ms", l->cpu_ms);
	jout_string(j, "enforced_by", l->cpu_ms == UNLIMITED ? NULL : "supervisor");
	jout_end_object(j);
}

/* The best evidence there is, and of what. */
static uint64_t memory_peak(const struct outcome *o, const char **ret_of)
{
	*ret_of = "tree";
	if (o->cgroup.valid && o->cgroup.memory_peak != UNLIMITED)
		return o->cgroup.memory_peak;
	*ret_of = o->tree_bytes > o->maxrss_bytes ? "tree, sampled" : "largest process";
	return o->tree_bytes > o->maxrss_bytes ? o->tree_bytes : o->maxrss_bytes;
}

static void write_memory(struct jout *j, const struct spec_limits *l, const struct plan *plan,
			 const struct outcome *o)
{
	const struct cgroup_usage *c = &o->cgroup;
	const char *of;

	jout_object(j, "memory");
	jout_uint(j, "peak_bytes", memory_peak(o, &of));
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
	/* Init is one, too; the limit is the payload's. */
	known(j, "peak", c->valid && c->pids_peak != UNLIMITED ? c->pids_peak - 1 : UNLIMITED);
	jout_limit(j, "limit", l->pids);
	jout_string(j, "enforced_by",
		    l->pids == UNLIMITED ? NULL
		    : c->valid		 ? "cgroup"
		    : rlimits		 ? "rlimit_nproc"
					 : "nothing");
	if (c->valid && c->pids_max != UNLIMITED)
		jout_bool(j, "limit_hit", c->pids_max > 0);
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
		    l->cpus_milli == UNLIMITED ? NULL
		    : c->valid		       ? "cgroup"
		    : affinity		       ? "affinity"
					       : "nothing");
	known(j, "throttled_periods", c->valid ? c->throttled : UNLIMITED);
	known_ms(j, "throttled_ms", c->valid ? c->throttled_us : UNLIMITED);
	jout_end_object(j);
}

static void write_pressure(struct jout *j, const struct cgroup_usage *c)
{
	if (!c->valid)
		return;
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

/* Which limit the run came nearest to: what to raise, or to lower. */
static void write_nearest(struct jout *j, const struct spec_limits *l, const struct outcome *o)
{
	const struct cgroup_usage *c = &o->cgroup;
	const char *of;
	const struct {
		const char *name;
		uint64_t used;
		uint64_t limit;
	} rows[] = {
		{ "wall_time", o->wall_ns / 1000000, l->wall_ms },
		{ "cpu_time", (o->user_us + o->system_us) / 1000, l->cpu_ms },
		{ "memory", memory_peak(o, &of), l->memory },
		{ "pids", c->valid && c->pids_peak != UNLIMITED ? c->pids_peak - 1 : 0, l->pids },
		{ "output", o->out.bytes > o->err.bytes ? o->out.bytes : o->err.bytes, l->output },
	};
	const char *name = NULL;
	double most = -1;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		double part = (double)rows[i].used / (double)(rows[i].limit ? rows[i].limit : 1);

		if (rows[i].limit == UNLIMITED || part <= most)
			continue;
		most = part;
		name = rows[i].name;
	}
	if (!name) {
		jout_null(j, "nearest_limit");
		return;
	}
	jout_object(j, "nearest_limit");
	jout_string(j, "name", name);
	jout_milli(j, "used_fraction", (uint64_t)(most * 1000));
	jout_end_object(j);
}

static void write_usage(struct jout *j, const struct spec *spec, const struct plan *plan,
			const struct outcome *o)
{
	const struct spec_limits *l = &spec->limits;
	bool rlimits = plan && plan_has(plan, LAYER_RLIMITS);

	jout_milli(j, "wall_ms", o->wall_ns / 1000);
	write_cpu(j, l, o);
	write_memory(j, l, plan, o);
	write_pids(j, l, rlimits, o);
	write_cpu_limit(j, l, plan, o);
	jout_object(j, "wall_limit");
	jout_limit(j, "limit_ms", l->wall_ms);
	jout_string(j, "enforced_by", l->wall_ms == UNLIMITED ? NULL : "supervisor");
	jout_end_object(j);
	write_pressure(j, &o->cgroup);
	write_nearest(j, l, o);
}

static void write_output(struct jout *j, const struct spec *spec, const struct outcome *o)
{
	bool counted = spec->limits.output != UNLIMITED;

	jout_object(j, "output");
	if (counted) {
		jout_uint(j, "stdout_bytes", o->out.bytes);
		jout_uint(j, "stderr_bytes", o->err.bytes);
	} else {
		/* The payload has the caller's own streams; nobody counts. */
		jout_null(j, "stdout_bytes");
		jout_null(j, "stderr_bytes");
	}
	jout_bool(j, "stdout_truncated", o->out.truncated);
	jout_bool(j, "stderr_truncated", o->err.truncated);
	jout_limit(j, "limit_bytes", spec->limits.output);
	jout_end_object(j);
}

static void write_denials(struct jout *j, const struct spec *spec, const struct outcome *o)
{
	jout_array(j, "denials");
	for (unsigned int i = 0; i < o->n_denials; i++) {
		const struct denial *d = &o->denials[i];
		char room[24];
		char target[160];

		denial_target(d, target, sizeof(target));
		jout_object(j, NULL);
		jout_string(j, "layer", "seccomp");
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

static void write_layers(struct jout *j, const struct plan *plan, const struct board *board,
			 const struct outcome *o)
{
	jout_object(j, "layers");
	for (int i = 0; plan && i < LAYER_COUNT; i++) {
		const struct layer *l = layer_table[i];
		bool on = plan_has(plan, (unsigned int)i);

		jout_object(j, l->name);
		jout_string(j, "state",
			    on				       ? o->started ? "on" : "planned"
			    : plan->not_needed & LAYER_BIT(i)  ? "not_needed"
			    : plan->unavailable & LAYER_BIT(i) ? "unavailable"
							       : "left_out");
		if (on && board)
			jout_uint(j, "proof", board->proofs[i]);
		if (plan->unavailable & LAYER_BIT(i))
			jout_string(j, "because", plan->host->cgroup.why);
		if (on && l->describe) {
			jout_object(j, "detail");
			l->describe(plan, j);
			jout_end_object(j);
		}
		jout_end_object(j);
	}
	jout_end_object(j);
}

static void write_json(struct jout *j, const struct spec *spec, const struct plan *plan,
		       const struct board *board, const struct outcome *o)
{
	jout_object(j, NULL);
	jout_string(j, "version", RUNNER_VERSION);
	jout_object(j, "profile");
	jout_string(j, "name", spec->profile);
	jout_string(j, "sha256", spec->profile_sha256);
	jout_end_object(j);
	write_command(j, spec);
	jout_string(j, "reason", reason_names[o->reason]);
	jout_array(j, "causes");
	for (unsigned int i = 0; i < o->n_causes; i++)
		jout_string(j, NULL, reason_names[o->causes[i]]);
	if (o->n_causes == 0)
		jout_string(j, NULL, reason_names[o->reason]);
	jout_end_array(j);
	jout_int(j, "exit_code", o->exit_code);
	if (o->status_exit >= 0)
		jout_int(j, "exit_status", o->status_exit);
	else
		jout_null(j, "exit_status");
	if (o->signal)
		jout_int(j, "signal", o->signal);
	else
		jout_null(j, "signal");
	jout_string(j, "message", o->message[0] ? o->message : NULL);
	jout_string(j, "hint", o->hint[0] ? o->hint : NULL);
	write_time(j, o->started_at_ms);
	write_usage(j, spec, plan, o);
	jout_milli(j, "setup_ms", o->setup_ns / 1000);
	jout_milli(j, "proof_ms", o->prove_ns / 1000);
	write_output(j, spec, o);
	write_denials(j, spec, o);
	if (o->survivors >= 0)
		jout_int(j, "survivors", o->survivors);
	else
		jout_null(j, "survivors");
	if (o->cgroup_left)
		jout_bool(j, "cgroup_left", true);
	write_layers(j, plan, board, o);
	jout_end_object(j);
}

int report_write(struct report *r, const struct spec *spec, const struct plan *plan,
		 const struct board *board, const struct outcome *o, struct err *e)
{
	static char room[16 * 1024]; /* enough for most; only what is used is touched */
	struct jout j;
	int result;

	if (r->fd < 0)
		return 0;
	jout_lend(&j, room, sizeof(room));
	write_json(&j, spec, plan, board, o);
	result = jout_finish(&j);
	if (result < 0)
		err_set(e, ENOMEM, "report '%s': out of memory", r->target);
	else
		result = report_put(r, j.text, j.length, e);
	jout_clear(&j);
	return result;
}

void report_human(const struct outcome *o, const struct spec *spec)
{
	for (unsigned int i = 0; i < spec->n_without; i++)
		display_line(stderr, "runner: warning: ran without layer '%s'", spec->without[i]);
	if (o->out.truncated || o->err.truncated)
		display_line(stderr,
			     "runner: %s was cut at limit output; --output-limit allows more",
			     o->out.truncated ? "stdout" : "stderr");
	if (o->reason == REASON_EXITED)
		return;
	display_line(stderr, "runner: %s: %s", reason_names[o->reason], o->message);
	if (o->hint[0])
		display_line(stderr, "runner: hint: %s", o->hint);
}
