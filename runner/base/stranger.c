/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "base/stranger.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/raw.h"
#include "base/stranger_helper.h"

#ifndef RWF_NOWAIT
#define RWF_NOWAIT 0x8
#endif

struct stranger stranger(int fd)
{
	return (struct stranger){ .fd = fd, .own = { -1, -1 }, .pid_fd = -1 };
}

struct stranger stranger_ours(int fd)
{
	struct stranger s = stranger(fd);

	s.kind = STRANGER_DIRECT;
	return s;
}

/* -- what it is -------------------------------------------------------------- */

/* Where a file's server is somebody else, and may not answer. */
static bool may_wait(int fd)
{
	static const uint32_t remote[] = {
		0x65735546 /* FUSE */,
		0x00006969 /* NFS */,
		0xff534d42 /* CIFS */,
		0xfe534d42 /* SMB2 */,
		0x01021997 /* 9P */,
		0x00c36400 /* Ceph */,
		0x5346414f /* AFS */,
		0x73757245 /* Coda */,
		0x7461636f /* OCFS2 */,
		0x01161970 /* GFS2 */,
		0x0bd00bd0 /* Lustre */
	};
	struct statfs fs;

	if (fstatfs(fd, &fs) < 0)
		return false;
	for (size_t i = 0; i < sizeof(remote) / sizeof(remote[0]); i++)
		if (remote[i] == (uint32_t)fs.f_type)
			return true;
	return false;
}

static enum stranger_kind look_at_device(struct stranger *s, const struct stat *st, bool writing)
{
	int flags = O_NONBLOCK | O_NOCTTY | O_CLOEXEC | (writing ? O_WRONLY : O_RDONLY);
	unsigned int number = minor(st->st_rdev);
	char path[40];

	if (major(st->st_rdev) == 1 && (number == 3 || number == 5 || (number >= 7 && number <= 9)))
		return number == 3 && writing && (fcntl(s->fd, F_GETFL) & O_ACCMODE) == O_RDONLY
			       ? STRANGER_CLOSED
			       : STRANGER_DIRECT;
	/* To open /dev/ptmx anew makes another terminal. */
	if ((major(st->st_rdev) == 5 && number == 2) || !isatty(s->fd))
		return STRANGER_HELPER;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", s->fd);
	s->own[0] = open(path, flags);
	return s->own[0] >= 0 ? STRANGER_DIRECT : STRANGER_HELPER;
}

static int look_at(struct stranger *s, bool writing)
{
	struct stat st;
	int r;

	if (s->kind != STRANGER_UNKNOWN)
		return 0;
	if (fstat(s->fd, &st) < 0)
		return -errno;
	switch (st.st_mode & S_IFMT) {
	case S_IFIFO: s->kind = STRANGER_PIPE; break;
	case S_IFSOCK: s->kind = STRANGER_SOCKET; break;
	case S_IFCHR: s->kind = look_at_device(s, &st, writing); break;
	case S_IFREG: s->kind = may_wait(s->fd) ? STRANGER_HELPER : STRANGER_DIRECT; break;
	default: s->kind = STRANGER_HELPER; break;
	}
	r = s->kind == STRANGER_HELPER ? stranger_helper_make(s, writing) : 0;
	if (r < 0)
		s->kind = STRANGER_UNKNOWN;
	return r;
}

/* Where RWF_NOWAIT is not for pipes, or not for this one: a pipe of our own. */
static int make_stage(struct stranger *s)
{
	if (pipe2(s->own, O_CLOEXEC | O_NONBLOCK) < 0)
		return -errno;
	s->kind = STRANGER_STAGED;
	return 0;
}

static bool lacks_nowait(long r)
{
	return r == -EOPNOTSUPP || r == -EINVAL || r == -ENOSYS;
}

/* -- reading ----------------------------------------------------------------- */

ssize_t stranger_read(struct stranger *s, void *data, size_t n)
{
	struct iovec piece = { data, n };
	long r = look_at(s, false);

	if (r < 0)
		return r;
	switch (s->kind) {
	case STRANGER_PIPE:
		r = raw6(SYS_preadv2, s->fd, RAW_ARG(&piece), 1, -1, -1, RWF_NOWAIT);
		if (!lacks_nowait(r))
			return r;
		r = make_stage(s);
		return r < 0 ? r : stranger_read(s, data, n);
	case STRANGER_STAGED:
		r = raw6(SYS_splice, s->fd, 0, s->own[1], 0, (long)n,
			 SPLICE_F_NONBLOCK | SPLICE_F_MOVE);
		return r <= 0 ? r : raw3(SYS_read, s->own[0], data, n);
	case STRANGER_SOCKET:
		return raw6(SYS_recvfrom, s->fd, RAW_ARG(data), (long)n, MSG_DONTWAIT, 0, 0);
	case STRANGER_HELPER:
		r = raw3(SYS_read, s->own[0], data, n);
		return r == 0 && s->share->error ? -s->share->error : r;
	default: return raw3(SYS_read, s->own[0] >= 0 ? s->own[0] : s->fd, data, n);
	}
}

/* -- writing ----------------------------------------------------------------- */

/* Onto the stage, and from there; what did not move is taken off again. */
static long write_staged(struct stranger *s, const void *data, size_t n)
{
	char rest[STRANGER_PIECE];
	long moved;
	long r = raw3(SYS_write, s->own[1], data, n < STRANGER_PIECE ? n : STRANGER_PIECE);

	if (r < 0)
		return r;
	moved = raw6(SYS_splice, s->own[0], 0, s->fd, 0, r, SPLICE_F_NONBLOCK | SPLICE_F_MOVE);
	if (moved != r)
		(void)raw3(SYS_read, s->own[0], rest, sizeof(rest));
	return moved;
}

/*
 * No descriptor is left for a stage: vmsplice(2) does not wait either. The pipe keeps the
 * page itself, so it is one that nobody writes to again.
 */
static long __attribute__((cold)) give_page(const struct stranger *s, const void *data, size_t n)
{
	size_t size = n < STRANGER_PIECE ? n : STRANGER_PIECE;
	void *page = mmap(NULL, STRANGER_PIECE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			  -1, 0);
	struct iovec piece = { page, size };
	long r;

	if (page == MAP_FAILED)
		return -errno;
	memcpy(page, data, size);
	r = raw4(SYS_vmsplice, s->fd, &piece, 1, SPLICE_F_NONBLOCK);
	munmap(page, STRANGER_PIECE);
	return r;
}

static long send_piece(struct stranger *s, const void *data, size_t n)
{
	long r = raw6(SYS_sendto, s->fd, RAW_ARG(data), (long)n, MSG_DONTWAIT | MSG_NOSIGNAL, 0, 0);

	/* A datagram has its largest size. */
	return r == -EMSGSIZE && n > 512 ? send_piece(s, data, n / 2) : r;
}

static long give_helper(struct stranger *s, const void *data, size_t n)
{
	long r = raw3(SYS_write, s->own[1], data, n);

	if (r > 0)
		s->given += (size_t)r;
	/* It has ended: for the reason it says. */
	return r == -EPIPE && s->share->error ? -s->share->error : r;
}

ssize_t stranger_write(struct stranger *s, const void *data, size_t n)
{
	struct iovec piece = { (void *)(uintptr_t)data, n };
	long r = look_at(s, true);

	if (r < 0)
		return r;
	switch (s->kind) {
	case STRANGER_PIPE:
		r = raw6(SYS_pwritev2, s->fd, RAW_ARG(&piece), 1, -1, -1, RWF_NOWAIT);
		if (!lacks_nowait(r))
			return r;
		r = make_stage(s);
		if (r == -EMFILE || r == -ENFILE)
			return give_page(s, data, n);
		return r < 0 ? r : stranger_write(s, data, n);
	case STRANGER_STAGED: return write_staged(s, data, n);
	case STRANGER_SOCKET: return send_piece(s, data, n);
	case STRANGER_HELPER: return give_helper(s, data, n);
	case STRANGER_CLOSED: return (ssize_t)n;
	default: return raw3(SYS_write, s->own[0] >= 0 ? s->own[0] : s->fd, data, n);
	}
}

struct pollfd stranger_poll(struct stranger *s, short events)
{
	struct pollfd p = { .fd = s->fd, .events = events };

	if (s->kind == STRANGER_UNKNOWN && s->fd >= 0)
		(void)look_at(s, events & POLLOUT);
	if (s->kind == STRANGER_HELPER)
		p.fd = s->own[events & POLLOUT ? 1 : 0];
	else if (s->kind == STRANGER_DIRECT && s->own[0] >= 0)
		p.fd = s->own[0];
	return p;
}

/* -- the end ----------------------------------------------------------------- */

size_t stranger_waiting(const struct stranger *s)
{
	return s->share ? s->given - __atomic_load_n(&s->share->done, __ATOMIC_ACQUIRE) : 0;
}

int stranger_error(const struct stranger *s)
{
	return s->share ? s->share->error : 0;
}

struct pollfd stranger_finish(struct stranger *s)
{
	bool waits = s->kind == STRANGER_HELPER && stranger_waiting(s) > 0 && !s->share->error;

	if (s->kind == STRANGER_HELPER)
		fd_close(&s->own[1]);
	return (struct pollfd){ .fd = waits ? s->pid_fd : -1, .events = POLLIN };
}

void stranger_close(struct stranger *s)
{
	stranger_helper_end(s);
	fd_close(&s->own[0]);
	fd_close(&s->own[1]);
	s->fd = -1;
}

/* Until it may go on. 0; or -errno: too late, or told to stop. */
static int wait_to_write(struct pollfd on, uint64_t deadline, int wake)
{
	uint64_t now = raw_clock_ns(CLOCK_MONOTONIC);
	struct pollfd p[2] = { on, { .fd = wake, .events = POLLIN } };

	if (now >= deadline)
		return -ETIMEDOUT;
	now = (deadline - now + 999999u) / 1000000u;
	(void)poll(p, 2, now > 3600000 ? 3600000 : (int)now);
	return p[1].revents ? -ECANCELED : 0;
}

int stranger_put(int fd, const void *data, size_t n, uint64_t ms, int wake)
{
	uint64_t now = raw_clock_ns(CLOCK_MONOTONIC);
	uint64_t deadline = ms > (UINT64_MAX - now) / 1000000u ? UINT64_MAX : now + ms * 1000000u;
	struct stranger s = stranger(fd);
	const char *at = data;
	struct pollfd left;
	int r = 0;

	while (r == 0 && n > 0) {
		ssize_t taken = stranger_write(&s, at, n);

		if (taken == -EAGAIN)
			r = wait_to_write(stranger_poll(&s, POLLOUT), deadline, wake);
		else if (taken < 0 && taken != -EINTR)
			r = (int)taken;
		else if (taken > 0) {
			at += taken;
			n -= (size_t)taken;
		}
	}
	for (left = stranger_finish(&s); r == 0 && left.fd >= 0; left = stranger_finish(&s))
		r = wait_to_write(left, deadline, wake);
	if (r == 0)
		r = -stranger_error(&s);
	stranger_close(&s);
	return r;
}
