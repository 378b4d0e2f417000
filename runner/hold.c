/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "hold.h"

#include <sys/resource.h>

#include "layer/layer.h"

/*
 * What the sandbox hands up and a look at it take descriptors, and to have none left is
 * to be blind. The payload has limits of its own.
 */
static void take_all_descriptors(void)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) < 0 || files.rlim_cur == files.rlim_max)
		return;
	files.rlim_cur = files.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &files); /* else a look says that it cannot */
}

void hold_start(struct hold *h, const struct plan *plan, const struct running *run)
{
	uint64_t limit = plan->spec->limits.memory;

	h->watchdog.next = UINT64_MAX;
	tmpfs_use_init(&h->tmpfs, plan);
	take_all_descriptors();
	if (run->cgroup.fd < 0 && limit != UNLIMITED)
		watchdog_start(&h->watchdog, plan, run->init, &h->tmpfs, &h->sizes,
			       run->started_ns);
}

enum reason hold_look(struct hold *h, int proc_fd, uint64_t now, struct acts *acts)
{
	struct watchdog *w = &h->watchdog;

	switch (watchdog_look(w, proc_fd, now)) {
	case WATCHDOG_FINE: return REASON_COUNT;
	case WATCHDOG_OVER:
		acts->memory_used = w->used;
		acts->memory_rests_on = w->rests_on;
		return REASON_MEMORY;
	case WATCHDOG_BLIND: break;
	}
	acts->blind_error = -w->error;
	acts->blind_at = w->what;
	return REASON_INTERNAL;
}

/* In .bss: touched only where there is a limit of CPU time, and no cgroup. */
static struct cpu_sample sample;

struct tree_cpu hold_cpu(int proc_fd)
{
	struct tree_cpu cpu = tree_cpu(proc_fd);
	struct tree_cpu seen = cpu_sample_look(&sample, proc_fd);

	return seen.user_ns + seen.system_ns > cpu.user_ns + cpu.system_ns ? seen : cpu;
}

void hold_end(struct hold *h, struct outcome *o)
{
	const struct watchdog *w = &h->watchdog;
	struct held *held = &o->held;

	tmpfs_use_look(&h->tmpfs);
	held->looked = w->limit != 0;
	held->rests_on = w->rests_on;
	held->memory = w->most;
	held->tasks = w->most_tasks;
	held->data = w->most_data;
	held->tmpfs = h->tmpfs.most;
	held->tmpfs_part = h->tmpfs.most_part;
	held->tmpfs_fullest = h->tmpfs.fullest;
	held->tmpfs_full = h->tmpfs.was_full;
	if (held->looked)
		watchdog_end(&h->watchdog);
	tmpfs_use_clear(&h->tmpfs);
}
