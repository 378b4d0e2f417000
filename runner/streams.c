/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "streams.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/fd.h"
#include "base/raw.h"

/* Buffers in .bss: a page is only touched when there is something to pass on. */
static char buffers[STREAMS][RELAY_BUFFER];

void streams_init(struct streams *s, const struct plan *plan, const struct running *run)
{
	const struct spec *spec = plan->spec;
	bool report_on_stdout = spec->report && strcmp(spec->report, "-") == 0;

	relay_init(&s->in, stranger(run->in_from), stranger_ours(run->in), UNLIMITED, buffers[0]);
	relay_init(&s->out, stranger_ours(run->out), stranger(report_on_stdout ? 2 : 1),
		   spec->limits.output, buffers[1]);
	relay_init(&s->err, stranger_ours(run->err), stranger(2), spec->limits.output, buffers[2]);
}

void streams_poll(struct streams *s, const struct running *run, struct pollfd p[STREAMS])
{
	p[0] = run->in >= 0 ? relay_poll(&s->in) : (struct pollfd){ .fd = -1 };
	p[1] = run->out >= 0 ? relay_poll(&s->out) : (struct pollfd){ .fd = -1 };
	p[2] = run->err >= 0 ? relay_poll(&s->err) : (struct pollfd){ .fd = -1 };
}

/* Its end came, or its reader left: closing our end tells the payload. */
static bool step(struct relay *r, int *fd, short revents)
{
	bool cut = *fd >= 0 && revents && relay_step(r, revents);

	if (relay_is_over(r))
		fd_close(fd);
	return cut;
}

bool streams_step(struct streams *s, struct running *run, const struct pollfd p[STREAMS])
{
	bool cut;

	step(&s->in, &run->in, p[0].revents);
	cut = step(&s->out, &run->out, p[1].revents);
	return step(&s->err, &run->err, p[2].revents) || cut;
}

static void count(struct relay *r, struct stream_usage *ret)
{
	relay_flush(r);
	relay_ask_helper(r);
	ret->bytes = r->bytes + relay_unread(r);
	ret->truncated = r->truncated || ret->bytes > r->limit;
	ret->passed = r->passed - stranger_waiting(&r->to);
	ret->pending = relay_pending(r);
	ret->error = r->error;
}

void streams_flush(struct streams *s, struct outcome *o)
{
	count(&s->out, &o->out);
	count(&s->err, &o->err);
	o->stdin_error = s->in.refused ? 0 : s->in.error;
}

/* What the payload itself said of its end does not count when its words were lost. */
static bool may_overrule(const struct outcome *o)
{
	return o->reason == REASON_EXITED || (o->reason == REASON_SIGNALED && o->signal == SIGPIPE);
}

static void lost(struct outcome *o, const char *name, const struct stream_usage *u)
{
	if (!u->error || !may_overrule(o))
		return;
	o->exit_code = 125;
	snprintf(o->message, sizeof(o->message), "%s could not be handed on: %s", name,
		 strerror(u->error));
	snprintf(o->hint, sizeof(o->hint),
		 "output was lost, so the exit status is not the payload's own");
}

void streams_verdict(struct outcome *o)
{
	lost(o, "stderr", &o->err);
	lost(o, "stdout", &o->out);
}

/* -- the drain --------------------------------------------------------------- */

static struct pollfd still_to_do(struct relay *r)
{
	return relay_is_over(r) ? stranger_finish(&r->to) : relay_poll(r);
}

void streams_drain(struct streams *s, const struct running *run, uint64_t ms, struct outcome *o)
{
	bool was_lost = o->out.error || o->err.error;
	uint64_t now = raw_clock_ns(CLOCK_MONOTONIC);
	uint64_t end = ms > (UINT64_MAX - now) / 1000000u ? UINT64_MAX : now + ms * 1000000u;

	while (o->out.pending || o->err.pending) {
		struct pollfd p[4] = { still_to_do(&s->out),
				       still_to_do(&s->err),
				       { .fd = run->signals, .events = POLLIN },
				       { .fd = run->caller, .events = POLLIN } };
		uint64_t left = end > now ? (end - now + 999999u) / 1000000u : 0;

		/* The last helper came to its end since it was looked at: nothing is lost. */
		if (p[0].fd < 0 && p[1].fd < 0) {
			count(&s->out, &o->out);
			count(&s->err, &o->err);
			break;
		}
		if (poll(p, 4, left > 3600000 ? 3600000 : (int)left) < 0)
			continue;
		count(&s->out, &o->out);
		count(&s->err, &o->err);
		now = raw_clock_ns(CLOCK_MONOTONIC);
		if (p[2].revents || p[3].revents || now >= end)
			break;
	}
	stranger_close(&s->in.from);
	stranger_close(&s->out.to);
	stranger_close(&s->err.to);
	if (!was_lost)
		streams_verdict(o);
	if ((o->out.pending || o->err.pending) && o->reason == REASON_EXITED)
		o->exit_code = 125;
}
