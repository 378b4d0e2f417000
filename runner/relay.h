/* SPDX-License-Identifier: Apache-2.0 */
/*
 * relay: pass a stream on, count it, cut it at a limit and keep draining.
 *
 * One relay per stream; supervise() polls them with everything else. A slow
 * reader never stops the supervisor: see base/stranger.h.
 */
#ifndef RUNNER_RELAY_H
#define RUNNER_RELAY_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/stranger.h"

enum { RELAY_BUFFER = 64 * 1024 };

struct relay {
	struct stranger from; /* fd -1: nothing to read any more */
	struct stranger to;
	uint64_t limit;	 /* bytes handed on at most; UNLIMITED */
	uint64_t bytes;	 /* read so far */
	uint64_t passed; /* taken so far */
	bool truncated;
	bool refused;	   /* the reader left, or cannot take it: nobody wants the rest */
	int error;	   /* errno that ended it; 0 when it was the end of either side */
	size_t start, end; /* of what the buffer holds */
	char *buffer;	   /* RELAY_BUFFER bytes */
};

void relay_init(struct relay *r, struct stranger from, struct stranger to, uint64_t limit,
		char *buffer);

/** What to poll for now. fd is -1 when there is nothing to wait for. */
struct pollfd relay_poll(struct relay *r);

/** Do what the poll's answer allows. True when the limit was passed just now. */
bool relay_step(struct relay *r, short revents);

/** Nothing to read, nothing to hand on. */
static inline bool relay_is_over(const struct relay *r)
{
	return r->from.fd < 0 && r->end == r->start;
}

/** The writers are dead: read what is left and hand on what is taken without waiting. */
void relay_flush(struct relay *r);

/** Has a helper failed by now? What it was given is not its own to lose. */
void relay_ask_helper(struct relay *r);

/** Bytes of the stream that were not handed on, and that somebody may still want. */
uint64_t relay_pending(const struct relay *r);

/** Bytes of the stream that are still to be read. */
uint64_t relay_unread(const struct relay *r);

#endif
