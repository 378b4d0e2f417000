/* SPDX-License-Identifier: Apache-2.0 */
/*
 * relay: pass a stream on, count it, cut it at a limit and keep draining.
 *
 * One relay per stream; supervise() polls them with everything else. A slow
 * reader never stops the supervisor: data is written only when poll(2) says so,
 * and in pieces that cannot block.
 */
#ifndef RUNNER_RELAY_H
#define RUNNER_RELAY_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { RELAY_BUFFER = 64 * 1024 };

struct relay {
	int from;	 /* -1: nothing to read any more */
	int to;		 /* -1: nobody reads any more */
	bool to_is_file; /* a write never waits */
	uint64_t limit;	 /* bytes handed on at most; UNLIMITED */
	uint64_t bytes;	 /* read so far */
	uint64_t passed; /* written so far */
	bool truncated;
	size_t start, end; /* of what the buffer holds */
	char *buffer;	   /* RELAY_BUFFER bytes */
};

void relay_init(struct relay *r, int from, int to, uint64_t limit, char *buffer);

/** What to poll for now. fd is -1 when there is nothing to wait for. */
struct pollfd relay_poll(const struct relay *r);

/** Do what the poll's answer allows. True when the limit was passed just now. */
bool relay_step(struct relay *r, short revents);

/** The writers are dead: read what is left and hand it on. May wait for a reader. */
void relay_drain(struct relay *r);

#endif
