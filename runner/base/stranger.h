/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stranger: a descriptor that others hold as well, read and written without waiting.
 *
 * The reader of our output, the writer of our input, a terminal that was stopped: any
 * of them may pause for ever, and a supervisor that waits for one is stopped as well.
 * O_NONBLOCK cannot be set, because it would be set for everybody who shares the open
 * file; and poll(2) promises less than it seems to: a pipe that two streams go to has
 * room when asked and none when written to, and of the input another reader may have
 * been quicker. So each kind is asked in its own way:
 *
 *     pipe            preadv2, pwritev2 with RWF_NOWAIT (Linux 6.4)
 *     pipe, FIFO      splice(2) with SPLICE_F_NONBLOCK, by way of a pipe of our own
 *     socket          MSG_DONTWAIT
 *     terminal        opened anew with O_NONBLOCK, where that is allowed
 *     file, /dev/null as it is: they do not wait for anybody
 *     all others      a helper process, made when the first byte is there, waits in our
 *                     place (the other side of a terminal, a network file system)
 *
 * A helper dies with us and holds nothing but its two descriptors.
 */
#ifndef RUNNER_BASE_STRANGER_H
#define RUNNER_BASE_STRANGER_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum stranger_kind {
	STRANGER_UNKNOWN, /* looked at when it is first used */
	STRANGER_DIRECT,
	STRANGER_PIPE,
	STRANGER_STAGED,
	STRANGER_SOCKET,
	STRANGER_HELPER,
	STRANGER_CLOSED, /* the caller closed it: what is written is forgotten */
};

struct stranger_share; /* what a helper tells */

struct stranger {
	int fd; /* as it was handed in, not ours to close; -1: none */
	enum stranger_kind kind;
	int own[2];   /* ours: the terminal opened anew; or a pipe, [0] to read from */
	int pid_fd;   /* of the helper */
	size_t given; /* bytes the helper was given to write */
	struct stranger_share *share;
};

/** Somebody else's; nothing is asked of the kernel before it is used. */
struct stranger stranger(int fd);
/** One we opened non-blocking ourselves. */
struct stranger stranger_ours(int fd);

/** Bytes read, 0 at the end, or -errno; -EAGAIN: poll for it. */
ssize_t stranger_read(struct stranger *s, void *data, size_t n);
/** Bytes taken, or -errno; -EAGAIN: poll for it. SIGPIPE must be blocked or ignored. */
ssize_t stranger_write(struct stranger *s, const void *data, size_t n);
/** What to poll to read (POLLIN) or write (POLLOUT). */
struct pollfd stranger_poll(struct stranger *s, short events);

/** Bytes that were taken and have not arrived: only a helper has any. */
size_t stranger_waiting(const struct stranger *s);
/** No more is written: what to poll (POLLIN) until nothing waits; fd is -1 when so. */
struct pollfd stranger_finish(struct stranger *s);
/** The errno that ended a helper, or 0. */
int stranger_error(const struct stranger *s);
/** End the helper, release what is ours. */
void stranger_close(struct stranger *s);

/**
 * Write all of it, waiting for at most ms. 0 or -errno; -ETIMEDOUT, or -ECANCELED when
 * `wake` (-1: none) became readable.
 */
int stranger_put(int fd, const void *data, size_t n, uint64_t ms, int wake);

#endif
