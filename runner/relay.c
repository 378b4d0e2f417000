/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "relay.h"

#include <errno.h>
#include <sys/ioctl.h>

void relay_init(struct relay *r, struct stranger from, struct stranger to, uint64_t limit,
		char *buffer)
{
	*r = (struct relay){ .from = from, .to = to, .limit = limit, .buffer = buffer };
}

struct pollfd relay_poll(struct relay *r)
{
	if (r->end > r->start)
		return stranger_poll(&r->to, POLLOUT);
	return r->from.fd >= 0 ? stranger_poll(&r->from, POLLIN) : (struct pollfd){ .fd = -1 };
}

/* Nobody wants it any more: a writer then gets SIGPIPE, as without us. */
static void stop(struct relay *r, int error)
{
	r->start = r->end = 0;
	r->from.fd = -1;
	r->refused = true;
	/* A reader that left is no error of ours: that ends any program's output. */
	r->error = error == EPIPE || error == ECONNRESET ? 0 : error;
}

void relay_ask_helper(struct relay *r)
{
	int error = stranger_error(&r->to);

	if (error && !r->refused)
		stop(r, error);
}

static bool can_wait(ssize_t r)
{
	return r == -EAGAIN || r == -EINTR;
}

/* True when something was taken. */
static bool write_some(struct relay *r)
{
	ssize_t done = stranger_write(&r->to, r->buffer + r->start, r->end - r->start);

	if (can_wait(done))
		return false;
	if (done < 0) {
		stop(r, (int)-done);
		return false;
	}
	r->start += (size_t)done;
	r->passed += (uint64_t)done;
	return true;
}

/* Fill the buffer and cut what exceeds the limit. True when it just did. */
static bool read_some(struct relay *r)
{
	bool was_truncated = r->truncated;
	ssize_t n = stranger_read(&r->from, r->buffer, RELAY_BUFFER);
	uint64_t room;

	if (can_wait(n))
		return false;
	if (n <= 0) {
		r->from.fd = -1;
		r->error = n < 0 && n != -ECONNRESET ? (int)-n : 0;
		return false;
	}
	room = r->limit > r->bytes ? r->limit - r->bytes : 0;
	r->bytes += (uint64_t)n;
	r->start = 0;
	r->end = (uint64_t)n < room ? (size_t)n : (size_t)room;
	r->truncated |= (uint64_t)n > room;
	return r->truncated && !was_truncated;
}

bool relay_step(struct relay *r, short revents)
{
	bool cut = false;

	if (r->end > r->start) {
		if (revents & (POLLOUT | POLLERR | POLLHUP))
			write_some(r);
		return false;
	}
	if (revents & (POLLIN | POLLHUP | POLLERR))
		cut = read_some(r);
	/* Most readers are ready: spare them the next round of poll. */
	if (r->end > r->start)
		write_some(r);
	return cut;
}

void relay_flush(struct relay *r)
{
	while (!relay_is_over(r)) {
		uint64_t before = r->bytes;

		if (r->end > r->start) {
			if (!write_some(r) && !relay_is_over(r))
				return;
			continue;
		}
		read_some(r);
		/* Somebody outside still holds the pipe. Not our wait. */
		if (r->from.fd >= 0 && r->bytes == before)
			return;
	}
}

uint64_t relay_unread(const struct relay *r)
{
	int n = 0;

	if (r->from.fd < 0 || ioctl(r->from.fd, FIONREAD, &n) < 0 || n < 0)
		return 0;
	return (uint64_t)n;
}

uint64_t relay_pending(const struct relay *r)
{
	uint64_t wanted = r->bytes + relay_unread(r);

	if (wanted > r->limit)
		wanted = r->limit;
	if (r->refused && !r->error)
		return 0;
	return wanted - r->passed + stranger_waiting(&r->to);
}
