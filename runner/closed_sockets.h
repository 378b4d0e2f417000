/* SPDX-License-Identifier: Apache-2.0 */
/*
 * closed_sockets: what sockets hold that are in no table of the kernel's.
 *
 * When a connection is over, its socket leaves the tables of sock_diag(7), and keeps what
 * has not been read until it is closed. Then only the socket itself tells: a descriptor of
 * it is taken from the process that has it, asked, and closed (pidfd_getfd(2)).
 */
#ifndef RUNNER_CLOSED_SOCKETS_H
#define RUNNER_CLOSED_SOCKETS_H

#include <stdint.h>
#include <sys/types.h>

struct closed_sockets {
	uint64_t bytes;
	uint64_t refused; /* how many could not be asked */
};

/** Of all processes below init, by its number on the host. Called in a helper. */
void closed_sockets_take(pid_t init, struct closed_sockets *ret);

#endif
