/* SPDX-License-Identifier: Apache-2.0 */
#include "watchdog.h"

#include <stdbool.h>
#include <time.h>
#include <unistd.h>

#include "base/raw.h"
#include "tree.h"

enum {
	BYTES_PER_US = 4096, /* what a CPU can touch: 4 GiB/s; with huge pages more */
	SOONEST_US = 2000,
	LATEST_US = 250000,
	SHARE = 20,	    /* a look takes at most this part of the time ... */
	MEMFDS_SHARE = 100, /* ... and one for memfds this part */
	MOST_MISSES = 4,    /* 1 << 4 is about SHARE */
};

static uint64_t seen(struct watchdog *w, uint64_t used)
{
	if (used > w->most)
		w->most = used;
	return used;
}

static uint64_t until_full_us(const struct watchdog *w, uint64_t used)
{
	uint64_t left = w->limit > used ? w->limit - used : 0;
	uint64_t us = left / (w->cpus * BYTES_PER_US);

	return us < SOONEST_US ? SOONEST_US : us > LATEST_US ? LATEST_US : us;
}

void watchdog_start(struct watchdog *w, uint64_t limit, unsigned int cpus, uint64_t now)
{
	*w = (struct watchdog){ .limit = limit, .cpus = cpus ? cpus : 1 };
	w->next = now + until_full_us(w, 0) * 1000;
}

static uint64_t look_at_memfds(struct watchdog *w, int proc_fd, uint64_t now)
{
	uint64_t after;

	if (now < w->memfds_due)
		return now;
	w->memfds = tree_memfds(proc_fd);
	after = raw_clock_ns(CLOCK_MONOTONIC);
	w->memfds_due = after + (after - now) * MEMFDS_SHARE;
	return after;
}

/*
 * What the tree can have by now. Fresh pages lift the glance. A page that fork
 * shared and that was written to does not, but it took a fault.
 */
static uint64_t estimate(const struct watchdog *w, int proc_fd, uint64_t glance)
{
	uint64_t grown = glance > w->glance ? glance - w->glance : 0;
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	uint64_t faults, copied;

	if (w->exact + grown > w->limit)
		return w->exact + grown;
	faults = tree_faults(proc_fd);
	copied = faults > w->faults ? (faults - w->faults) * page : 0;
	return w->exact + (copied > grown ? copied : grown);
}

/* When to look again, after one exact look that took so long. */
static uint64_t pause_after(uint64_t cost, uint64_t times)
{
	uint64_t most = cost * 2 > LATEST_US * 1000ull ? cost * 2 : LATEST_US * 1000ull;

	return cost * times < most ? cost * times : most;
}

/*
 * A payload can make the estimate wrong on purpose. So an exact look also comes in
 * its turn, and one that found less than was estimated puts off the next by twice as
 * much as the last did.
 */
static uint64_t look_exactly(struct watchdog *w, int proc_fd, uint64_t glance, bool due)
{
	uint64_t began = raw_clock_ns(CLOCK_MONOTONIC);
	uint64_t now, cost;

	w->glance = glance;
	w->faults = tree_faults(proc_fd);
	w->exact = tree_memory(proc_fd, w->memfds);
	now = raw_clock_ns(CLOCK_MONOTONIC);
	cost = now - began;
	if (due)
		w->misses = 0;
	else if (w->misses < MOST_MISSES)
		w->misses++;
	w->exact_soon = now + pause_after(cost, 1u << w->misses);
	w->exact_due = now + pause_after(cost, SHARE);
	return seen(w, w->exact);
}

/* Returns what the tree has, as far as that is known: more than the limit only if seen. */
static uint64_t look(struct watchdog *w, int proc_fd, uint64_t glance, uint64_t now)
{
	uint64_t used;

	if (glance <= w->limit)
		return seen(w, glance);
	if (now >= w->exact_due)
		return look_exactly(w, proc_fd, glance, true);
	used = estimate(w, proc_fd, glance);
	if (used <= w->limit)
		return used;
	return now >= w->exact_soon ? look_exactly(w, proc_fd, glance, false) : w->limit;
}

uint64_t watchdog_look(struct watchdog *w, int proc_fd, uint64_t now)
{
	uint64_t began = look_at_memfds(w, proc_fd, now);
	uint64_t glance = tree_memory_at_most(proc_fd, w->memfds);
	uint64_t after = raw_clock_ns(CLOCK_MONOTONIC);
	uint64_t least = pause_after(after - began, SHARE);
	uint64_t used = look(w, proc_fd, glance, after);
	uint64_t wait = until_full_us(w, used) * 1000;

	w->next = raw_clock_ns(CLOCK_MONOTONIC) + (wait > least ? wait : least);
	return used > w->limit ? used : 0;
}
