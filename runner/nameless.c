/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "nameless.h"

#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/raw.h"
#include "layer/layer.h"

enum {
	HOST_AT_LEAST = 64 << 20,
	SHARE = 20, /* an inventory takes at most this part of the time of one CPU */
	PAUSE_NS = 100000000,
	GOOD_NS = 250000000, /* for so long, or until there is a newer one */
	DEADLINE_NS = 1000000000,
	REGULAR_NS = 2000000000,
};

void nameless_start(struct nameless *n, const struct plan *plan, pid_t init, uint64_t limit,
		    const struct shared_sizes *sizes, uint64_t now)
{
	*n = (struct nameless){
		.least = limit / 2 > HOST_AT_LEAST ? limit / 2 : HOST_AT_LEAST,
		.init = init,
		.sizes = plan->observer ? sizes : NULL,
		.looks_inside = plan->host->privileged,
		.bounded = plan_has(plan, LAYER_UNCOUNTED),
		.host = { .fd = -1 },
		.helper = HELPER_NONE,
		.regular = now + REGULAR_NS,
	};
	socket_use_init(&n->sockets, plan);
}

void nameless_end(struct nameless *n)
{
	helper_end(&n->helper);
	socket_use_clear(&n->sockets);
	host_memory_end(&n->host);
}

int nameless_step(struct nameless *n, int proc_fd, uint64_t deadline)
{
	n->proc_fd = proc_fd;
	return socket_use_step(&n->sockets, proc_fd, deadline);
}

/* -- the inventory -------------------------------------------------------------- */

struct answer {
	struct inventory inventory;
	uint64_t took;
};

/* In the helper, which needs one descriptor of ours and all the others' numbers. */
static int take(void *share, void *arg)
{
	const struct nameless *n = arg;
	struct answer *a = share;
	uint64_t begun = raw_clock_ns(CLOCK_MONOTONIC);

	if (raw3(SYS_dup3, n->proc_fd, 0, 0) < 0 && n->proc_fd != 0)
		return 1;
	raw3(SYS_close_range, 1, ~0u, 0);
	inventory_take(0, n->init, &a->inventory);
	a->took = raw_clock_ns(CLOCK_MONOTONIC) - begun;
	return 0;
}

/* Ask for one, if it is time. */
static void want(struct nameless *n, uint64_t now)
{
	if (n->helper.pid_fd >= 0 || now < n->due)
		return;
	n->asked = now;
	n->due = now + PAUSE_NS;
	n->regular = now + REGULAR_NS;
	if (helper_start(&n->helper, "inventory", 0, sizeof(struct answer), take, n,
			 now + DEADLINE_NS) == 0)
		return;
	n->taken++;
	n->known = true;
	n->last = (struct inventory){ .mapped = false };
}

/* Is there an answer? Who gave none let us know nothing. */
static void hear(struct nameless *n, uint64_t now)
{
	const struct answer *a = n->helper.share;
	enum helper_state state;

	if (n->helper.pid_fd >= 0 && (state = helper_check(&n->helper, now)) != HELPER_WORKS) {
		n->last =
			state == HELPER_DONE ? a->inventory : (struct inventory){ .mapped = false };
		n->due = n->asked + SHARE * (state == HELPER_DONE ? a->took : now - n->asked);
		if (n->due < now + PAUSE_NS)
			n->due = now + PAUSE_NS;
		n->known = true;
		n->taken++;
		helper_end(&n->helper);
	}
	if (n->helper.pid_fd < 0 && n->asked + GOOD_NS < now && n->due + GOOD_NS < now)
		n->known = false;
}

bool nameless_waits(const struct nameless *n)
{
	return n->helper.pid_fd >= 0;
}

void nameless_again(struct nameless *n)
{
	n->sockets.due = 0;
	n->due = 0;
	if (n->bytes)
		want(n, raw_clock_ns(CLOCK_MONOTONIC));
}

/* -- what is laid to the run ---------------------------------------------------- */

/* Only if it is much, because every host has its ups and downs. */
static uint64_t laid(const struct nameless *n, const struct host_part *p, uint64_t counted)
{
	return p->laid > counted + n->least ? p->laid - counted : 0;
}

/* And only if the run can have much. */
static uint64_t cut(const struct nameless *n, uint64_t part, uint64_t most)
{
	if (most <= n->least)
		return 0;
	return part < most ? part : most;
}

/* Sockets in no table, if there are so many that it matters. */
static uint64_t closed_part(struct nameless *n, uint64_t now)
{
	enum { STREAM_BYTES = 16 << 20 };

	if (n->sockets.sums.untold * STREAM_BYTES > n->least)
		want(n, now);
	return n->known ? n->last.closed.bytes : 0;
}

/* Buffers and what else has no name. */
static uint64_t kernel_part(struct nameless *n, uint64_t named, uint64_t now)
{
	uint64_t part = laid(n, &n->host.kernel, named + n->sockets.sums.bytes);

	if (part == 0 || !n->bounded)
		return part;
	want(n, now);
	return n->known ? cut(n, part, inventory_bound(&n->last, &n->sockets.sums)) : 0;
}

/* The last inventory found much, or the host has that much more, or it is time to look. */
static bool may_hide(const struct nameless *n, const struct survey_sums *s, uint64_t now)
{
	return (n->known && n->last.shared > s->shared + n->least / 4) ||
	       n->host.shared.last > n->host.shared.first + n->least || now >= n->regular;
}

/*
 * Shared memory that nobody looks at. Some of it is mapped, but how much says nothing: one
 * page that is left keeps the whole of it. As root the inventory has looked into it.
 */
static uint64_t hidden_part(struct nameless *n, const struct survey_sums *s, uint64_t files,
			    uint64_t now, bool exactly)
{
	uint64_t part = laid(n, &n->host.shared, files + s->shared);
	uint64_t most;

	if (!n->bounded) {
		n->from_host |= part > 0;
		return exactly && !s->shared_mappings && !s->unread ? 0 : part;
	}
	if (part || (n->looks_inside && may_hide(n, s, now)))
		want(n, now);
	if (!n->known || (n->last.mapped && !n->last.objects))
		return 0;
	if (n->last.exact)
		return n->last.shared > s->shared ? n->last.shared - s->shared : 0;
	most = n->sizes && n->last.mapped ? shared_sizes_most(n->sizes, n->last.objects)
					  : UINT64_MAX;
	part = cut(n, part, most);
	n->from_host |= part > 0;
	return part;
}

uint64_t nameless_sum(struct nameless *n, const struct survey_sums *s, uint64_t named,
		      uint64_t files, bool exactly)
{
	uint64_t now = raw_clock_ns(CLOCK_MONOTONIC);
	uint64_t closed;

	hear(n, now);
	closed = closed_part(n, now);
	n->bytes = kernel_part(n, named + closed, now);
	n->from_host = n->bytes > 0;
	n->bytes += closed + hidden_part(n, s, files, now, exactly);
	return n->bytes + n->sockets.sums.bytes;
}
