/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "socket_use.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/raw.h"
#include "layer/layer.h"

enum {
	HELPER_NS = 2000000000,
	CHEAP_NS = 500000,
	SHARE = 20,		 /* what is dear takes at most this part of the time */
	SOCKET_BYTES = 1 << 20,	 /* SO_SNDBUF and SO_RCVBUF are refused: the default, four times */
	STREAM_BYTES = 16 << 20, /* tcp(7): buffers grow by themselves */
	SOCKET_ITSELF = 4096,	 /* with its inode and file */
	DATAGRAMS = 11, /* net.unix.max_dgram_qlen is 10 in a new namespace, and one more */
};

void socket_use_init(struct socket_use *u, const struct plan *plan)
{
	*u = (struct socket_use){ .own_ns = plan_has(plan, LAYER_NETWORK_NS),
				  .own_uid = plan->host->privileged,
				  .uid = plan->host_uid,
				  .helper = HELPER_NONE,
				  .fd = -1 };
}

/* A helper that still works may yet write to that number: it stays taken. */
void socket_use_clear(struct socket_use *u)
{
	if (u->helper.pid_fd >= 0)
		u->fd = -1;
	helper_end(&u->helper);
	fd_close(&u->fd);
}

/* In .bss: touched only when there are sockets. */
static char answer[32768] __attribute__((aligned(8)));

/* Is there one? While it is being made and where it cannot be, there is none. */
static bool is_open(struct socket_use *u, int proc_fd)
{
	uint64_t now = raw_clock_ns(CLOCK_MONOTONIC);
	struct socket_place place;

	if (!u->tried) {
		u->tried = true;
		u->fd = u->own_ns ? eventfd(0, EFD_CLOEXEC) : socket_diag_open();
		place = (struct socket_place){ proc_fd, u->fd };
		if (u->own_ns && u->fd >= 0 &&
		    helper_start(&u->helper, "sockets", CLONE_FILES, 1, socket_diag_open_inside,
				 &place, now + HELPER_NS) < 0)
			fd_close(&u->fd);
	}
	if (u->helper.pid_fd < 0)
		return u->fd >= 0;
	switch (helper_check(&u->helper, now)) {
	case HELPER_WORKS: return false;
	case HELPER_FAILED: u->fd = -1; break; /* as socket_use_clear() */
	case HELPER_DONE: break;
	}
	helper_end(&u->helper);
	return u->fd >= 0;
}

/* -- what it says ------------------------------------------------------------- */

/* The data of one attribute, if it has that many bytes. */
static const void *attribute(const struct nlmsghdr *m, size_t at, int type, size_t size)
{
	const char *base = (const char *)m;

	for (at = NLMSG_ALIGN(NLMSG_HDRLEN + at); at + sizeof(struct nlattr) <= m->nlmsg_len;) {
		const struct nlattr *a = (const void *)(base + at);

		if (a->nla_len < sizeof(*a) || at + a->nla_len > m->nlmsg_len)
			return NULL;
		if (a->nla_type == type)
			return a->nla_len >= sizeof(*a) + size ? a + 1 : NULL;
		at += NLA_ALIGN(a->nla_len);
	}
	return NULL;
}

/* What is there with the socket's own count. A stream's queue is counted, too, when sent. */
static uint64_t meminfo_bytes(const uint32_t *i)
{
	uint64_t sent = i[SK_MEMINFO_WMEM_ALLOC];

	if (i[SK_MEMINFO_WMEM_QUEUED] > sent)
		sent = i[SK_MEMINFO_WMEM_QUEUED];
	return SOCKET_ITSELF + sent + i[SK_MEMINFO_RMEM_ALLOC] + i[SK_MEMINFO_OPTMEM] +
	       i[SK_MEMINFO_BACKLOG];
}

/*
 * A message of AF_UNIX is on its sender's account. When that is closed, nobody has it: what
 * is to be read is there, and what it takes is no more than the sender had room for.
 */
static void take_unix(const struct nlmsghdr *m, const uint32_t *info, struct socket_sums *sums)
{
	const struct unix_diag_msg *d = NLMSG_DATA(m);
	const uint32_t *peer = attribute(m, sizeof(*d), UNIX_DIAG_PEER, sizeof(*peer));
	const struct unix_diag_rqlen *q = attribute(m, sizeof(*d), UNIX_DIAG_RQLEN, sizeof(*q));
	bool datagrams = d->udiag_type == SOCK_DGRAM;

	sums->queued |= info[SK_MEMINFO_WMEM_ALLOC] > 0;
	if (!q || q->udiag_rqueue == 0 || d->udiag_state == TCP_LISTEN)
		return;
	sums->queued = true;
	if (!datagrams && peer && *peer != 0)
		return;
	sums->bytes += datagrams ? 0 : q->udiag_rqueue;
	sums->may += (uint64_t)info[SK_MEMINFO_SNDBUF] * (datagrams ? DATAGRAMS : 1);
}

void socket_use_take(const struct socket_use *u, const struct nlmsghdr *m, struct socket_sums *sums)
{
	const struct unix_diag_msg *d = NLMSG_DATA(m);
	const struct inet_diag_msg *i = NLMSG_DATA(m);
	bool local = m->nlmsg_len >= NLMSG_LENGTH(1) && d->udiag_family == AF_UNIX;
	size_t size = local ? sizeof(*d) : sizeof(*i);
	const uint32_t *info, *uid;
	uint64_t bytes;

	if (m->nlmsg_len < NLMSG_LENGTH(size))
		return;
	info = attribute(m, size, local ? UNIX_DIAG_MEMINFO : INET_DIAG_SKMEMINFO,
			 SK_MEMINFO_DROPS * sizeof(*info));
	uid = local ? attribute(m, size, UNIX_DIAG_UID, sizeof(*uid)) : &i->idiag_uid;
	/* Without the count it is the rest of a connection, or the beginning of one. */
	if (!info || (!u->own_ns && (!uid || *uid != u->uid)))
		return;
	sums->told++;
	bytes = meminfo_bytes(info);
	/* The user's other processes have sockets as well. */
	if (u->own_ns || u->own_uid)
		sums->bytes += bytes;
	else
		sums->may += bytes;
	if (local)
		take_unix(m, info, sums);
}

/* "TCP 2304 3 ...": the third word counts them, those under way in messages too. */
void socket_use_count(const char *protocols, uint64_t counts[SOCKET_KINDS], uint64_t *may)
{
	memset(counts, 0, SOCKET_KINDS * sizeof(counts[0]));
	*may = 0;
	for (const char *line = strchr(protocols, '\n'); line && line[1];
	     line = strchr(line + 1, '\n')) {
		const char *name = line + 1;
		size_t length = strcspn(name, " \n");
		unsigned int kind = 0;
		uint64_t n;
		char *end;

		strtoull(name + length, &end, 10);
		n = strtoull(end, NULL, 10);
		if (strncmp(name, "UNIX-", 5) == 0)
			length = 4;
		while (kind < SOCKET_KINDS && (strlen(socket_kinds[kind].name) != length ||
					       strncmp(socket_kinds[kind].name, name, length) != 0))
			kind++;
		if (kind < SOCKET_KINDS)
			counts[kind] += n;
		else
			*may += n * (strncmp(name, "MPTCP", 5) == 0 ? STREAM_BYTES : SOCKET_BYTES);
	}
}

static void add(uint64_t *sum, uint64_t n)
{
	*sum = n > UINT64_MAX - *sum ? UINT64_MAX : *sum + n;
}

/* Nobody tells of those of this kind. */
static void guess(struct socket_use *u)
{
	uint64_t n = u->counts[u->kind];

	add(&u->next.may,
	    n * (socket_kinds[u->kind].protocol == IPPROTO_TCP ? STREAM_BYTES : SOCKET_BYTES));
	add(&u->next.told, n);
	u->next.queued |= n && u->kind == 0;
}

/* One answer. 1: there is more; 0: it was the last; or -errno. */
static int take_answer(struct socket_use *u)
{
	ssize_t n = recv(u->fd, answer, sizeof(answer), MSG_DONTWAIT);
	const struct nlmsghdr *m = (const void *)answer;

	if (n < 0)
		return -errno;
	for (unsigned int left = (unsigned int)n; NLMSG_OK(m, left); m = NLMSG_NEXT(m, left)) {
		if (m->nlmsg_type == NLMSG_DONE)
			return 0;
		if (m->nlmsg_type == NLMSG_ERROR)
			return -EOPNOTSUPP;
		socket_use_take(u, m, &u->next);
	}
	return n > 0 ? 1 : -EIO;
}

/* -- all of them -------------------------------------------------------------- */

/* Of the namespace, whatever their kind: "sockets: used 3", and ours is not among it. */
static uint64_t used(const struct socket_use *u, int proc_fd)
{
	static const char key[] = "sockets: used ";
	bool ours = u->fd >= 0 && !u->helper.share;
	char text[1024];
	uint64_t n;

	if (!u->own_ns || fd_read_text(proc_fd, "1/net/sockstat", text, sizeof(text)) <= 0 ||
	    strncmp(text, key, sizeof(key) - 1) != 0)
		return UINT64_MAX;
	n = strtoull(text + sizeof(key) - 1, NULL, 10);
	return n > ours ? n - ours : 0;
}

static void begin(struct socket_use *u, int proc_fd)
{
	char text[16384];
	ssize_t n;

	u->begun = true;
	u->cost = 0;
	u->asked = false;
	u->kind = 0;
	u->next = (struct socket_sums){ 0 };
	u->used = used(u, proc_fd);
	if (u->used == 0) {
		u->kind = SOCKET_KINDS;
		return;
	}
	n = fd_read_text(proc_fd, "1/net/protocols", text, sizeof(text));
	socket_use_count(text, u->counts, &u->next.may);
	if (n <= 0 || (size_t)n == sizeof(text) - 1)
		u->next.may = UINT64_MAX;
}

static void next_kind(struct socket_use *u)
{
	u->kind++;
	u->asked = false;
}

static int step(struct socket_use *u, int proc_fd, uint64_t deadline)
{
	while (u->kind < SOCKET_KINDS) {
		int r = 0;

		if (u->counts[u->kind] == 0) {
			next_kind(u);
			continue;
		}
		if (!is_open(u, proc_fd)) {
			guess(u);
			next_kind(u);
			continue;
		}
		if (!u->asked)
			r = socket_diag_ask(u->fd, &socket_kinds[u->kind]) ? 0 : -EIO;
		u->asked = true;
		if (r == 0)
			r = take_answer(u);
		if (r < 0)
			guess(u);
		if (r <= 0)
			next_kind(u);
		if (raw_clock_ns(CLOCK_MONOTONIC) >= deadline)
			return 1;
	}
	return 0;
}

int socket_use_step(struct socket_use *u, int proc_fd, uint64_t deadline)
{
	uint64_t now = raw_clock_ns(CLOCK_MONOTONIC);
	int r;

	u->fresh = false;
	if (!u->begun && now < u->due)
		return 0;
	if (!u->begun)
		begin(u, proc_fd);
	r = step(u, proc_fd, deadline);
	u->cost += raw_clock_ns(CLOCK_MONOTONIC) - now;
	if (r)
		return 1;
	u->begun = false;
	u->fresh = true;
	if (u->used != UINT64_MAX && u->used > u->next.told)
		u->next.untold = u->used - u->next.told;
	u->sums = u->next;
	/* What is not dear is looked at each time. */
	u->due = u->cost < CHEAP_NS ? 0 : now + SHARE * u->cost;
	return 0;
}
