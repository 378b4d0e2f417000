/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "message.h"

#include <string.h>
#include <sys/socket.h>

bool message_receive(int sock, struct message *ret)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(2 * sizeof(int))];
	} control;
	struct iovec data = { &ret->board, sizeof(ret->board) };
	struct msghdr message = { .msg_iov = &data,
				  .msg_iovlen = 1,
				  .msg_control = &control,
				  .msg_controllen = sizeof(control) };
	struct cmsghdr *header;
	int fds[2] = { -1, -1 };

	if (recvmsg(sock, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT) != sizeof(ret->board))
		return false;
	header = CMSG_FIRSTHDR(&message);
	if (header && header->cmsg_type == SCM_RIGHTS)
		memcpy(fds, CMSG_DATA(header),
		       header->cmsg_len - CMSG_LEN(0) <= sizeof(fds)
			       ? header->cmsg_len - CMSG_LEN(0)
			       : sizeof(fds));
	ret->proc_fd = fds[0];
	ret->listener_fd = fds[1];
	return true;
}
