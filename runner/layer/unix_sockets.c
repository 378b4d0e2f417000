/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unix_sockets: a bind of a directory is no way to the servers whose sockets lie in it.
 *
 * connect(2) needs the right to write on the socket's inode and nothing of the mount: a
 * read-only one does not stop it, nor noexec, nor Landlock before ABI 9. And a filter
 * sees no path. So where a bind may hold a server's socket, now or later, there is no
 * socket that could be connected to one: none of AF_UNIX, and no pair of datagram
 * sockets, each end of which may be sent from to any path. Pairs of streams stay.
 *
 * Not needed where nothing of the caller's is shown; where the mount itself refuses
 * (layer/binds.c, `closed`); for what every host has in /usr and /etc; and where the
 * bind has the word sockets. That word is one bind's: where another one would be opened
 * by it as well, it must be said there, too.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sys/socket.h>

#include "base/raw.h"
#include "layer/filter.h"
#include "layer/guard.h"
#include "layer/layer.h"

/* The first bind in which sockets may lie that are not granted. */
static const struct plan_bind *open_bind(const struct plan *plan)
{
	for (unsigned int i = 0; i < plan->n_binds; i++)
		if (plan->binds[i].servers && !plan->binds[i].sockets)
			return &plan->binds[i];
	return NULL;
}

/* That, or where else they may lie; NULL: nowhere. */
static const char *open_place(const struct plan *plan)
{
	const struct plan_bind *b = open_bind(plan);

	if (b)
		return b->source;
	/* The host's own, with /dev/log in it. */
	if (!plan_has(plan, LAYER_DEVICES))
		return "/dev";
	return plan->spec->rootfs;
}

static const char *granted_place(const struct plan *plan)
{
	for (unsigned int i = 0; i < plan->n_binds; i++)
		if (plan->binds[i].sockets)
			return plan->binds[i].source;
	return NULL;
}

static int plan_unix_sockets(struct plan *plan, struct err *e)
{
	const char *open = open_place(plan);
	const char *granted = granted_place(plan);

	if (open && granted) {
		err_set(e, EACCES,
			"bind '%s' grants sockets, and with them the payload could use those in "
			"'%s' as well",
			granted, open);
		return err_hint(
			e,
			"if it may, say %s; if not, bind less of it, or bind it read-only as root",
			open_bind(plan) ? "sockets there, too" : "--without unix_sockets");
	}
	if (open)
		return 0;
	plan->layers &= ~LAYER_BIT(LAYER_UNIX_SOCKETS);
	plan->not_needed |= LAYER_BIT(LAYER_UNIX_SOCKETS);
	return 0;
}

IN_CHILD static int prove_unix_sockets(struct child *c)
{
	static const struct guard_question questions[] = {
		{ SYS_socket, { AF_UNIX, SOCK_STREAM }, "a stream socket could be made" },
		{ SYS_socket, { AF_UNIX, SOCK_DGRAM }, "a datagram socket could be made" },
		{ SYS_socket, { AF_UNIX, SOCK_SEQPACKET }, "a packet socket could be made" },
		{ SYS_socketpair, { AF_UNIX, SOCK_DGRAM }, "a pair of datagram sockets could be" },
		{ SYS_socketpair, { AF_UNIX, SOCK_RAW }, "a pair of datagram sockets could be" },
	};
	int r = child_check(c, LAYER_UNIX_SOCKETS, raw2(SYS_io_uring_setup, 0, NULL) == -ENOSYS,
			    "io_uring_setup(2) was not answered by the filter");

	return r < 0 ? r : GUARD_ASK(c, LAYER_UNIX_SOCKETS, questions);
}

static void describe_unix_sockets(const struct plan *plan, struct jout *j)
{
	jout_string(j, "because_of", open_place(plan));
}

const struct layer layer_unix_sockets = {
	.name = "unix_sockets",
	.summary = "where a bind may hold servers' sockets: none that connects to them",
	.why_here = "with the filter",
	.actor = BY_PAYLOAD,
	.plan = plan_unix_sockets,
	.enter = filter_enter,
	.prove = prove_unix_sockets,
	.describe = describe_unix_sockets,
};
