/* SPDX-License-Identifier: Apache-2.0 */
/*
 * message: what the sandbox says to the supervisor over the socket.
 *
 * Each message is the board as it stands. One of them brings descriptors along: the
 * payload sends it right before exec, so that the supervisor can watch, signal and end
 * it even if init does not get to run.
 *
 * Nothing is sent the other way but the name of the host's user namespace, which the
 * proof reads (layer/userns.c): the socket's end is the life line.
 */
#ifndef RUNNER_MESSAGE_H
#define RUNNER_MESSAGE_H

#include "child.h"

/* Descriptors are -1 where the message brought none; the receiver owns them. */
struct message {
	struct board board;
	int proc_fd;	 /* the sandbox's /proc */
	int payload_fd;	 /* the payload's pidfd */
	int tmpfs_fds[PLAN_MAX_TMPFS]; /* of its memory file systems, as the plan lists them */
	int listener_fd; /* of the payload's filter */
	bool cut;	 /* there were some that we could not take */
};

/* In the child. */

/** Does the filter let the payload send them itself? */
bool message_may_send(const struct child *c);

/** The board with the descriptors. 0 or -errno. */
int message_send_descriptors(const struct child *c);

/* In the supervisor. */

/** The next one, without waiting; the plan has n_tmpfs. False: there is none. */
bool message_receive(int sock, unsigned int n_tmpfs, struct message *ret);

#endif
