/* SPDX-License-Identifier: Apache-2.0 */
#include "watchdog.h"

#include <time.h>

#include "base/raw.h"
#include "tree.h"

enum {
	BYTES_PER_US = 2048, /* a CPU cannot touch fresh pages faster than 2 GiB/s */
	SOONEST_US = 2000,
	LATEST_US = 250000,
	SHARE = 20,	   /* a look takes at most this part of the time ... */
	FILES_SHARE = 100, /* ... and one that looks for memfds this part */
};

static uint64_t until_full_us(const struct watchdog *w, uint64_t used)
{
	uint64_t us = (w->limit - used) / (w->cpus * BYTES_PER_US);

	return us < SOONEST_US ? SOONEST_US : us > LATEST_US ? LATEST_US : us;
}

void watchdog_start(struct watchdog *w, uint64_t limit, unsigned int cpus, uint64_t now)
{
	*w = (struct watchdog){ .limit = limit, .cpus = cpus ? cpus : 1 };
	w->next = now + until_full_us(w, 0) * 1000;
}

uint64_t watchdog_look(struct watchdog *w, int proc_fd, uint64_t now)
{
	bool files = now >= w->files_next;
	uint64_t used = tree_memory(proc_fd, w->limit, files);
	uint64_t after = raw_clock_ns(CLOCK_MONOTONIC);
	uint64_t wait;

	if (files)
		w->files_next = after + (after - now) * FILES_SHARE;
	if (used > w->most)
		w->most = used;
	if (used > w->limit)
		return used;
	wait = until_full_us(w, used) * 1000;
	if (wait < (after - now) * SHARE)
		wait = (after - now) * SHARE;
	w->next = after + wait;
	return 0;
}
