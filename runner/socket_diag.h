/* SPDX-License-Identifier: Apache-2.0 */
/*
 * socket_diag: the netlink socket that tells of sockets (sock_diag(7)), in whose network
 * namespace it was made.
 */
#ifndef RUNNER_SOCKET_DIAG_H
#define RUNNER_SOCKET_DIAG_H

#include <stdbool.h>
#include <stdint.h>

enum { SOCKET_KINDS = 9 };

/* As /proc/net/protocols names them. Both of AF_UNIX are told of together. */
struct socket_kind {
	const char *name;
	uint8_t family, protocol;
};
extern const struct socket_kind socket_kinds[SOCKET_KINDS];

/** Of our own namespace. Returns it, or -1. */
int socket_diag_open(void);

struct socket_place {
	int proc_fd; /* the sandbox's /proc */
	int fd;	     /* what the socket is to become, in the table that both share */
};

/** For a helper with CLONE_FILES: of the namespace of those in it. `arg` is a socket_place. */
int socket_diag_open_inside(void *share, void *arg);

/** Ask for all sockets of a kind; the answer is there to be received. */
bool socket_diag_ask(int fd, const struct socket_kind *k);

#endif
