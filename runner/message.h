/* SPDX-License-Identifier: Apache-2.0 */
/*
 * message: what the sandbox says to the supervisor over the socket.
 *
 * Each message is the board as it stands; the first may bring descriptors along.
 */
#ifndef RUNNER_MESSAGE_H
#define RUNNER_MESSAGE_H

#include "child.h"

/* Descriptors are -1 where the message brought none; the receiver owns them. */
struct message {
	struct board board;
	int proc_fd;	 /* the sandbox's /proc */
	int listener_fd; /* of the payload's filter */
};

/** The next one, without waiting. False: there is none. */
bool message_receive(int sock, struct message *ret);

#endif
