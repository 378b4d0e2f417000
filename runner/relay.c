/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "relay.h"

#include <errno.h>
#include <linux/limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void relay_init(struct relay *r, int from, int to, uint64_t limit, char *buffer)
{
	struct stat st;

	*r = (struct relay){ .from = from, .to = to, .limit = limit, .buffer = buffer };
	r->to_is_file = fstat(to, &st) == 0 && S_ISREG(st.st_mode);
}

struct pollfd relay_poll(const struct relay *r)
{
	if (r->end > r->start)
		return (struct pollfd){ .fd = r->to, .events = POLLOUT };
	return (struct pollfd){ .fd = r->from, .events = POLLIN };
}

/* Nobody wants it any more: a writer then gets SIGPIPE, as without us. */
static void stop(struct relay *r)
{
	r->start = r->end = 0;
	r->from = -1;
}

static void write_some(struct relay *r)
{
	size_t n = r->end - r->start;
	ssize_t done;

	/* POLLOUT on a pipe promises room for PIPE_BUF bytes, not for more. */
	if (!r->to_is_file && n > PIPE_BUF)
		n = PIPE_BUF;
	done = write(r->to, r->buffer + r->start, n);
	if (done < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (done < 0) {
		stop(r);
		return;
	}
	r->start += (size_t)done;
	r->passed += (uint64_t)done;
}

/* Fill the buffer and cut what exceeds the limit. True when it just did. */
static bool read_some(struct relay *r)
{
	bool was_truncated = r->truncated;
	ssize_t n = read(r->from, r->buffer, RELAY_BUFFER);
	uint64_t room;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (n <= 0) {
		r->from = -1;
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
	if (r->end > r->start) {
		struct pollfd p = { .fd = r->to, .events = POLLOUT };

		if (r->to_is_file || (poll(&p, 1, 0) > 0 && (p.revents & POLLOUT)))
			write_some(r);
	}
	return cut;
}

void relay_drain(struct relay *r)
{
	while (r->from >= 0 || r->end > r->start) {
		struct pollfd p = { .fd = r->to, .events = POLLOUT };

		if (r->end > r->start) {
			if (poll(&p, 1, -1) > 0)
				write_some(r);
			continue;
		}
		read_some(r);
		/* EAGAIN: somebody outside still holds the pipe. Not our wait. */
		if (r->from >= 0 && r->end == r->start && errno == EAGAIN)
			break;
	}
}
