/* SPDX-License-Identifier: Apache-2.0 */
#include "message.h"

#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/raw.h"
#include "suites.h"

static void make_pair(int pair[2])
{
	CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
}

/* unix(7): the end with something unread closes; ECONNRESET comes before what it sent. */
static struct plan none; /* has no tmpfs */

static void what_was_said_last_is_heard(void)
{
	struct board board = { .payload_ended = 1, .payload_status = 3 << 8 };
	struct message m;
	int pair[2];
	char byte;

	make_pair(pair);
	CU_ASSERT_EQUAL(send(pair[0], "x", 1, 0), 1);
	CU_ASSERT_EQUAL(send(pair[1], &board, sizeof(board), 0), (ssize_t)sizeof(board));
	close(pair[1]);
	CU_ASSERT_TRUE(message_receive(pair[0], none.n_tmpfs, &m));
	CU_ASSERT_EQUAL(m.board.payload_status, 3 << 8);
	CU_ASSERT_EQUAL(m.proc_fd, -1);
	CU_ASSERT_FALSE(message_receive(pair[0], none.n_tmpfs, &m));
	close(pair[0]);
	/* The control: it is told, and what was sent is still there. */
	make_pair(pair);
	CU_ASSERT_EQUAL(send(pair[0], "x", 1, 0), 1);
	CU_ASSERT_EQUAL(send(pair[1], "y", 1, 0), 1);
	close(pair[1]);
	CU_ASSERT_EQUAL(recv(pair[0], &byte, 1, 0), -1);
	CU_ASSERT_EQUAL(recv(pair[0], &byte, 1, 0), 1);
	close(pair[0]);
}

static void descriptors_come_along(void)
{
	static struct child c;
	struct message m;
	int pair[2];

	make_pair(pair);
	c = (struct child){ .plan = &none,
			    .sock = pair[1],
			    .proc_fd = pair[1],
			    .payload_fd = 0,
			    .listener_fd = -1 };
	c.board.exec_ns = 77;
	CU_ASSERT_EQUAL(message_send_descriptors(&c), 0);
	CU_ASSERT_TRUE(message_receive(pair[0], none.n_tmpfs, &m));
	CU_ASSERT_EQUAL(m.board.exec_ns, 77);
	CU_ASSERT_FALSE(m.cut);
	CU_ASSERT_TRUE(m.proc_fd > 2 && m.payload_fd > 2);
	CU_ASSERT_EQUAL(m.listener_fd, -1);
	CU_ASSERT_TRUE(fcntl(m.proc_fd, F_GETFD) & FD_CLOEXEC);
	close(m.proc_fd);
	close(m.payload_fd);
	c.listener_fd = 0;
	CU_ASSERT_EQUAL(message_send_descriptors(&c), 0);
	CU_ASSERT_TRUE(message_receive(pair[0], none.n_tmpfs, &m));
	CU_ASSERT_TRUE(m.listener_fd > 2);
	close(m.proc_fd);
	close(m.payload_fd);
	close(m.listener_fd);
	close(pair[0]);
	close(pair[1]);
}

static void another_size_is_no_message(void)
{
	struct message m;
	int pair[2];

	make_pair(pair);
	CU_ASSERT_FALSE(message_receive(pair[0], none.n_tmpfs, &m));
	CU_ASSERT_EQUAL(send(pair[1], "x", 1, 0), 1);
	CU_ASSERT_FALSE(message_receive(pair[0], none.n_tmpfs, &m));
	close(pair[0]);
	close(pair[1]);
}

/* Only where the filter lets it pass, whatever it looks at. */
static void the_payload_asks_its_filter(void)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_sendmsg, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | 1),
	};
	struct plan plan = { .filter = { 4, filter } };
	struct child c = { .plan = &plan, .sock = 5 };

	CU_ASSERT_TRUE(message_may_send(&c));
	filter[2].k = SECCOMP_RET_USER_NOTIF;
	CU_ASSERT_FALSE(message_may_send(&c));
	filter[2].k = SECCOMP_RET_ERRNO | 1;
	CU_ASSERT_FALSE(message_may_send(&c));
}

CU_TestInfo message_tests[] = {
	{ "what was said last is heard", what_was_said_last_is_heard },
	{ "descriptors come along", descriptors_come_along },
	{ "another size is no message", another_size_is_no_message },
	{ "the payload asks its filter", the_payload_asks_its_filter },
	CU_TEST_INFO_NULL,
};
