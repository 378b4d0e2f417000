/* SPDX-License-Identifier: Apache-2.0 */
/*
 * socket_use: what the sockets of a run hold, by the kernel's own count (sock_diag(7)).
 *
 * A netlink socket tells of the network namespace it was made in. So a helper enters that
 * of the run, once, and only when the run has sockets; neither the run nor init ever holds
 * it. Every socket is asked for, whoever has a descriptor of it and also if nobody has: in
 * a message under way, not accepted yet, closed and not yet done.
 *
 * With the host's network the sockets are told apart by their owner. Where the kernel does
 * not tell (no sock_diag, or not of that protocol) there is no evidence, only what they
 * can hold at most.
 */
#ifndef RUNNER_SOCKET_USE_H
#define RUNNER_SOCKET_USE_H

#include <stdbool.h>
#include <stdint.h>

#include "helper.h"
#include "plan.h"
#include "socket_diag.h"

struct socket_sums {
	uint64_t bytes;	 /* that they hold */
	uint64_t may;	 /* that they can hold besides, at most, where nobody tells */
	uint64_t told;	 /* how many they are */
	uint64_t untold; /* that there are besides, in no table */
	bool queued;	 /* something is under way in sockets of AF_UNIX: perhaps descriptors */
};

struct socket_use {
	bool own_ns;  /* the run has a network namespace of its own ... */
	bool own_uid; /* ... or nobody else has its user */
	uint32_t uid; /* on the host */
	struct helper helper;
	bool tried;
	int fd; /* netlink, or what becomes it when the helper is done; -1 */

	/* where it is */
	bool begun, asked;
	uint64_t cost, due; /* what it took, and when it is worth that again */
	unsigned int kind;
	uint64_t used; /* how many there are in the namespace; UINT64_MAX: not known */
	uint64_t counts[SOCKET_KINDS];
	struct socket_sums next;

	struct socket_sums sums; /* when it was last done */
	bool fresh;		 /* which was in this look */
};

void socket_use_init(struct socket_use *u, const struct plan *plan);

/**
 * Go on until `deadline` (CLOCK_MONOTONIC, ns). 1: there is more to do. 0: u->sums is there;
 * it is not new each time, where many sockets make that dear.
 */
int socket_use_step(struct socket_use *u, int proc_fd, uint64_t deadline);

void socket_use_clear(struct socket_use *u);

/* For the tests: the answers of the kernel. */

/** From /proc/PID/net/protocols, how many by kind; what has no kind goes to `may`. */
void socket_use_count(const char *protocols, uint64_t counts[SOCKET_KINDS], uint64_t *may);

/** A message of netlink(7) that tells of one socket. */
struct nlmsghdr;
void socket_use_take(const struct socket_use *u, const struct nlmsghdr *m,
		     struct socket_sums *sums);

#endif
