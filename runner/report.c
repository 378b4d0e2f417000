/* SPDX-License-Identifier: Apache-2.0 */
#include "report.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/display.h"
#include "base/jout.h"
#include "layer/layer.h"
#include "report_parts.h"
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

/* 0: it was not reached. */
static void write_known_ms(struct jout *j, const char *name, uint64_t ns)
{
	if (ns == 0)
		jout_null(j, name);
	else
		jout_milli(j, name, ns / 1000);
}

static void write_output(struct jout *j, const struct spec *spec, const struct outcome *o)
{
	jout_object(j, "output");
	if (report_measured(o)) {
		jout_uint(j, "stdout_bytes", o->out.bytes);
		jout_uint(j, "stderr_bytes", o->err.bytes);
	} else {
		jout_null(j, "stdout_bytes");
		jout_null(j, "stderr_bytes");
	}
	jout_bool(j, "stdout_truncated", o->out.truncated);
	jout_bool(j, "stderr_truncated", o->err.truncated);
	jout_uint(j, "stdout_pending", o->out.pending);
	jout_uint(j, "stderr_pending", o->err.pending);
	jout_string(j, "stdout_error", o->out.error ? strerror(o->out.error) : NULL);
	jout_string(j, "stderr_error", o->err.error ? strerror(o->err.error) : NULL);
	jout_string(j, "stdin_error", o->stdin_error ? strerror(o->stdin_error) : NULL);
	jout_limit(j, "limit_bytes", spec->limits.output);
	jout_end_object(j);
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
	report_usage(j, spec, plan, o);
	write_known_ms(j, "setup_ms", o->setup_ns);
	write_known_ms(j, "proof_ms", o->prove_ns);
	write_output(j, spec, o);
	report_denials(j, spec, o);
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

static void say_what_was_lost(const char *name, const struct stream_usage *u)
{
	if (u->error)
		display_line(stderr, "runner: %s could not be handed on: %s", name,
			     strerror(u->error));
	else if (u->pending)
		display_line(stderr,
			     "runner: %s: %llu bytes were lost, because nobody read them in time; "
			     "--drain waits longer",
			     name, (unsigned long long)u->pending);
}

void report_human(const struct outcome *o, const struct spec *spec)
{
	for (unsigned int i = 0; i < spec->n_without; i++)
		display_line(stderr, "runner: warning: ran without layer '%s'", spec->without[i]);
	/* Where that ended the run, its reason says it. */
	if ((o->out.truncated || o->err.truncated) && o->reason != REASON_OUTPUT)
		display_line(stderr,
			     "runner: %s cut at limit output; --output-limit allows more",
			     !o->err.truncated	 ? "stdout was"
			     : !o->out.truncated ? "stderr was"
						 : "stdout and stderr were");
	say_what_was_lost("stdout", &o->out);
	say_what_was_lost("stderr", &o->err);
	if (o->stdin_error)
		display_line(stderr, "runner: stdin could not be read to its end: %s",
			     strerror(o->stdin_error));
	/* A reader that leaves is no news: no shell tells of SIGPIPE, either. */
	if (o->reason != REASON_EXITED &&
	    (o->reason != REASON_SIGNALED || o->signal != SIGPIPE))
		display_line(stderr, "runner: %s: %s", reason_names[o->reason], o->message);
	if (o->hint[0])
		display_line(stderr, "runner: hint: %s", o->hint);
}
