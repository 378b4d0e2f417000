/* SPDX-License-Identifier: Apache-2.0 */
/*
 * streams: what is handed on between the caller and the payload, to the very end.
 *
 * While the payload runs its streams are sources in the supervisor's loop. When every
 * process of it is dead, what the readers take at once is handed on, the report is
 * written with what is still pending, and then the rest has until --drain: no reader
 * can hold runner longer, and a report that is waited for before the output is read
 * does come. It is not written again; what is lost in the end is said on stderr and by
 * the exit status.
 */
#ifndef RUNNER_STREAMS_H
#define RUNNER_STREAMS_H

#include <poll.h>

#include "launch.h"
#include "outcome.h"
#include "relay.h"

enum { STREAMS = 3 };

struct streams {
	struct relay in, out, err;
};

void streams_init(struct streams *s, const struct plan *plan, const struct running *run);
void streams_poll(struct streams *s, const struct running *run, struct pollfd p[STREAMS]);

/** True when a stream passed its limit just now. Closes our ends of those that ended. */
bool streams_step(struct streams *s, struct running *run, const struct pollfd p[STREAMS]);

/** The payload is dead: hand on what is taken at once, and count. */
void streams_flush(struct streams *s, struct outcome *o);

/** Output that was lost to an error is no success. After the verdict. */
void streams_verdict(struct outcome *o);

/**
 * Hand on what is pending; for at most `ms`, and no longer than until a signal comes or
 * the caller ends. What was lost is in the outcome then.
 */
void streams_drain(struct streams *s, const struct running *run, uint64_t ms, struct outcome *o);

#endif
