/* SPDX-License-Identifier: Apache-2.0 */
#include "watchdog.h"

#include <time.h>
#include <unistd.h>

#include "base/raw.h"

enum {
	BYTES_PER_US = 4096, /* what a CPU can touch: 4 GiB/s; with huge pages more */
	SOONEST_US = 2000,
	LATEST_US = 250000,
	TURN_NS = 20000000,
	SHARE = 20,		/* a look takes at most this part of the time */
	MOST_MISSES = 4,	/* 1 << 4 is about SHARE */
	LONGEST_NS = 500000000, /* at a tree of many mappings */
	MANY_MAPPINGS = 20000,	/* fewer than that are looked at however long it takes */
	CONFIRM_NS = 5000000,
	TASK_BYTES = 24 * 1024, /* a kernel stack, and what describes a thread */
	MAPPING_BYTES = 256,
	MOST_LOCKED = 4,      /* looks in a row that a process put off */
	WAITING_NS = 2000000, /* for an inventory */
};

static uint64_t until_full_us(const struct watchdog *w, uint64_t used)
{
	uint64_t left = w->limit > used ? w->limit - used : 0;
	uint64_t us = left / (w->cpus * BYTES_PER_US);

	return us < SOONEST_US ? SOONEST_US : us > LATEST_US ? LATEST_US : us;
}

void watchdog_start(struct watchdog *w, const struct plan *plan, pid_t init,
		    struct tmpfs_use *tmpfs, const struct shared_sizes *sizes, uint64_t now)
{
	uint64_t limit = plan->spec->limits.memory;
	unsigned int cpus = plan->host->cpus;

	*w = (struct watchdog){ .limit = limit, .cpus = cpus ? cpus : 1, .tmpfs = tmpfs };
	survey_helper_init(&w->helper);
	nameless_start(&w->nameless, plan, init, limit, sizes, now);
	survey_begin(&w->survey, SURVEY_GLANCE);
	w->glanced_at = now;
	w->next = now + until_full_us(w, 0) * 1000;
}

void watchdog_end(struct watchdog *w)
{
	survey_end(&w->survey);
	survey_helper_end(&w->helper);
	nameless_end(&w->nameless);
}

/* When to look again, after one exact look that took so long. */
static uint64_t pause_after(uint64_t cost, uint64_t times)
{
	uint64_t most = cost * 2 > LATEST_US * 1000ull ? cost * 2 : LATEST_US * 1000ull;

	return cost * times < most ? cost * times : most;
}

/* Everything together. */
static uint64_t sum_up(struct watchdog *w)
{
	const struct survey_sums *s = &w->survey.sums;
	uint64_t named = s->tables + s->tasks * TASK_BYTES + s->mappings * MAPPING_BYTES;
	uint64_t files = tmpfs_use_look(w->tmpfs);
	uint64_t nameless = nameless_sum(&w->nameless, s, named, files, w->looking);

	w->rests_on &= ~(unsigned int)HELD_HOST;
	if (w->nameless.from_host)
		w->rests_on |= HELD_HOST;
	if (s->unread)
		w->rests_on |= HELD_HIDDEN;
	return s->own + s->shared + named + files + nameless;
}

static void remember(struct watchdog *w, uint64_t used)
{
	const struct survey_sums *s = &w->survey.sums;

	w->used = used;
	if (used > w->most)
		w->most = used;
	if (s->tasks > w->most_tasks)
		w->most_tasks = s->tasks;
	if (s->data > w->most_data)
		w->most_data = s->data;
}

/*
 * What the tree can have by now. Fresh pages lift the glance. A page that fork
 * shared and that was written to does not, but it took a fault.
 */
static uint64_t estimate(const struct watchdog *w, uint64_t glance)
{
	uint64_t grown = glance > w->glance ? glance - w->glance : 0;
	uint64_t faults = w->survey.sums.faults;
	uint64_t copied =
		faults > w->faults ? (faults - w->faults) * (uint64_t)sysconf(_SC_PAGESIZE) : 0;

	return w->exact + (copied > grown ? copied : grown);
}

/* Init and one more, and nothing that could be counted twice: a glance is exact. */
static bool glance_is_exact(const struct watchdog *w)
{
	return w->survey.sums.processes <= 2 && w->survey.sums.shared == 0 &&
	       w->nameless.bytes == 0;
}

static void begin_glance(struct watchdog *w)
{
	survey_begin(&w->survey, SURVEY_GLANCE);
	w->looking = false;
	w->cost = 0;
}

static void begin_exact(struct watchdog *w, uint64_t now)
{
	survey_helper_begin(&w->helper, w->proc_fd, now);
	w->looking = true;
	w->begun = now;
	w->cost = 0;
	w->next = now + TURN_NS;
}

/* The look is done: the next one comes after `wait`, and never sooner than it is worth. */
static void rest(struct watchdog *w, uint64_t wait)
{
	uint64_t least = pause_after(w->cost, SHARE);

	begin_glance(w);
	if (wait > WAITING_NS && nameless_waits(&w->nameless))
		wait = WAITING_NS;
	w->next = raw_clock_ns(CLOCK_MONOTONIC) + (wait > least ? wait : least);
}

/*
 * Two processes that share their memory as threads do (vfork(2) until exec) are each
 * said to have all of it. That passes within moments: so where one process less would
 * be within the limit, what is seen must be seen again, and often while one of them
 * waits in the kernel as the caller of vfork does. What one has alone is no such thing.
 */
static bool is_confirmed(struct watchdog *w, uint64_t used)
{
	const struct survey_sums *s = &w->survey.sums;
	unsigned int needed = s->waiting ? 10 : 2;

	/* Who sets itself up, or a machine that is busy, lets nobody look for a moment, too. */
	if (s->locked && used - s->locked <= w->limit)
		return ++w->confirmed >= MOST_LOCKED;
	if (s->processes <= 2 || used - s->largest > w->limit || s->largest > w->limit)
		return true;
	return ++w->confirmed >= needed;
}

/*
 * What rests on an inventory rests on one moment, and the rest of the sum on another: what
 * is held is still held when the next one is taken.
 */
static bool is_seen_twice(struct watchdog *w, uint64_t used)
{
	const struct nameless *n = &w->nameless;
	unsigned int taken = n->taken + 1;
	uint64_t sockets = n->sockets.fresh ? 0 : n->sockets.sums.bytes;

	if (used - n->bytes - sockets > w->limit)
		return true;
	if (sockets) {
		nameless_again(&w->nameless);
		return false;
	}
	if (!w->inventory) {
		w->inventory = taken;
		nameless_again(&w->nameless);
	}
	return w->inventory != taken;
}

static enum watchdog_says seen_over(struct watchdog *w, uint64_t used)
{
	w->used = used;
	if (!is_confirmed(w, used) || !is_seen_twice(w, used)) {
		w->exact_soon = w->exact_due = 0;
		rest(w, CONFIRM_NS);
		return WATCHDOG_FINE;
	}
	remember(w, used);
	return WATCHDOG_OVER;
}

static void seen_within(struct watchdog *w, uint64_t used)
{
	w->confirmed = w->inventory = 0;
	remember(w, used);
	rest(w, until_full_us(w, used) * 1000);
}

/*
 * A payload can make the estimate wrong on purpose. So an exact look also comes in
 * its turn, and one that found less than was estimated puts off the next by twice as
 * much as the last did.
 */
static enum watchdog_says looked_exactly(struct watchdog *w)
{
	uint64_t now = raw_clock_ns(CLOCK_MONOTONIC);

	w->cost += w->helper.cost;
	w->exact = sum_up(w);
	w->faults = w->survey.sums.faults;
	if (w->due)
		w->misses = 0;
	else if (w->misses < MOST_MISSES)
		w->misses++;
	w->exact_soon = now + pause_after(w->cost, 1u << w->misses);
	w->exact_due = now + pause_after(w->cost, SHARE);
	if (w->exact > w->limit)
		return seen_over(w, w->exact);
	seen_within(w, w->exact);
	return WATCHDOG_FINE;
}

/*
 * Children that nobody waits for take their time with them, and live shorter than from
 * one glance to the next. Where there was one, or may have been, they can have been in
 * the kernel all the while.
 */
static uint64_t unseen(struct watchdog *w, uint64_t now)
{
	const struct survey_sums *s = &w->survey.sums;
	bool some = s->unwaited || (w->newest && s->newest != w->newest);
	uint64_t since = now - w->glanced_at;

	w->newest = s->newest;
	w->glanced_at = now;
	return some ? since * w->cpus : 0;
}

static enum watchdog_says glanced(struct watchdog *w)
{
	uint64_t now = raw_clock_ns(CLOCK_MONOTONIC);
	uint64_t glance, used;

	host_memory_look(&w->nameless.host, w->survey.sums.system, w->survey.sums.faults,
			 unseen(w, now));
	glance = sum_up(w);
	if (glance <= w->limit) {
		seen_within(w, glance);
		return WATCHDOG_FINE;
	}
	if (glance_is_exact(w))
		return seen_over(w, glance);
	used = estimate(w, glance);
	w->due = now >= w->exact_due;
	if (w->due || (used > w->limit && now >= w->exact_soon)) {
		w->glance = glance;
		begin_exact(w, now);
		return WATCHDOG_FINE;
	}
	rest(w, until_full_us(w, used < w->limit ? used : w->limit) * 1000);
	return WATCHDOG_FINE;
}

/* One turn of what is under way. Returns as survey_step(). */
static int take_turn(struct watchdog *w, uint64_t now)
{
	int r = w->looking
			? survey_helper_step(&w->helper, w->proc_fd, now, now + TURN_NS, &w->survey)
			: survey_step(&w->survey, w->proc_fd, now + TURN_NS);
	uint64_t after;

	if (r == 0 && !w->looking)
		r = nameless_step(&w->nameless, w->proc_fd, now + TURN_NS);
	after = raw_clock_ns(CLOCK_MONOTONIC);
	w->cost += after - now;
	/* With a helper it is time when it says so, or after one turn. */
	w->next = w->looking && !w->helper.alone ? after + TURN_NS : after;
	return r;
}

enum watchdog_says watchdog_look(struct watchdog *w, int proc_fd, uint64_t now)
{
	int r;

	w->proc_fd = proc_fd;
	if (!w->looking)
		survey_helper_tidy(&w->helper);
	r = take_turn(w, now);
	if (r < 0) {
		w->error = r;
		w->what = w->survey.what;
		return WATCHDOG_BLIND;
	}
	if (r == 0)
		return w->looking ? looked_exactly(w) : glanced(w);
	if (!w->looking || now - w->begun < LONGEST_NS || w->survey.sums.mappings < MANY_MAPPINGS)
		return WATCHDOG_FINE;
	w->rests_on |= HELD_LARGE;
	remember(w, w->glance);
	return WATCHDOG_OVER;
}
