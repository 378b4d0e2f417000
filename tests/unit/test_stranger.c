/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "base/stranger.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "suites.h"

/* Until there is no room; the open file stays one that waits. */
void fill_pipe(int fd)
{
	static char much[4096];
	int flags = fcntl(fd, F_GETFL);

	fcntl(fd, F_SETFL, flags | O_NONBLOCK);
	while (write(fd, much, sizeof(much)) > 0)
		;
	while (write(fd, much, 1) > 0)
		;
	fcntl(fd, F_SETFL, flags);
}

/* Every kind that others hold as well, full: nothing waits, and later it arrives. */
static void check_full(int reader, int writer)
{
	static char much[65536];
	struct stranger s = stranger(writer);
	ssize_t n;

	fill_pipe(writer);
	for (int i = 0; i < 3; i++)
		CU_ASSERT_EQUAL(stranger_write(&s, "word", 4), -EAGAIN);
	CU_ASSERT_EQUAL(stranger_put(writer, "word", 4, 20, -1), -ETIMEDOUT);
	fcntl(reader, F_SETFL, O_NONBLOCK);
	while (read(reader, much, sizeof(much)) > 0)
		;
	CU_ASSERT_EQUAL(stranger_write(&s, "word", 4), 4);
	n = read(reader, much, sizeof(much));
	CU_ASSERT_EQUAL(n, 4);
	CU_ASSERT_EQUAL(memcmp(much, "word", 4), 0);
	close(reader);
	CU_ASSERT_EQUAL(stranger_write(&s, "word", 4), -EPIPE);
	stranger_close(&s);
	close(writer);
}

static void a_full_stranger_is_not_waited_for(void)
{
	char path[] = "/tmp/runner-unit-XXXXXX";
	int p[2];

	CU_ASSERT_EQUAL_FATAL(pipe(p), 0);
	check_full(p[0], p[1]);
	CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_STREAM, 0, p), 0);
	check_full(p[0], p[1]);
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(path));
	CU_ASSERT_EQUAL_FATAL(rmdir(path), 0);
	CU_ASSERT_EQUAL_FATAL(mkfifo(path, 0600), 0);
	p[0] = open(path, O_RDONLY | O_NONBLOCK);
	p[1] = open(path, O_WRONLY);
	unlink(path);
	check_full(p[0], p[1]);
}

/* Without RWF_NOWAIT for pipes (before Linux 6.4): by a pipe of our own. */
static void a_stage_takes_back_what_did_not_fit(void)
{
	struct stranger s;
	char got[8192];
	int p[2];

	CU_ASSERT_EQUAL_FATAL(pipe(p), 0);
	s = stranger(p[1]);
	s.kind = STRANGER_STAGED;
	CU_ASSERT_EQUAL_FATAL(pipe2(s.own, O_NONBLOCK), 0);
	fill_pipe(p[1]);
	CU_ASSERT_EQUAL(stranger_write(&s, "lost", 4), -EAGAIN);
	CU_ASSERT_EQUAL(read(p[0], got, sizeof(got)), 8192);
	CU_ASSERT_EQUAL(stranger_write(&s, "word", 4), 4);
	fcntl(p[0], F_SETFL, O_NONBLOCK);
	while (read(p[0], got, 4) == 4 && memcmp(got, "\0\0\0\0", 4) == 0)
		;
	CU_ASSERT_EQUAL(memcmp(got, "word", 4), 0);
	stranger_close(&s);
	close(p[0]);
	close(p[1]);
}

static void reading_does_not_wait_either(void)
{
	char got[8];
	int p[2];

	for (int kind = 0; kind < 3; kind++) {
		struct stranger s;

		CU_ASSERT_EQUAL_FATAL(kind == 2 ? socketpair(AF_UNIX, SOCK_STREAM, 0, p) : pipe(p),
				      0);
		s = stranger(p[0]);
		if (kind == 1) {
			s.kind = STRANGER_STAGED;
			CU_ASSERT_EQUAL_FATAL(pipe2(s.own, O_NONBLOCK), 0);
		}
		CU_ASSERT_EQUAL(stranger_read(&s, got, sizeof(got)), -EAGAIN);
		CU_ASSERT_EQUAL(write(p[1], "abc", 3), 3);
		CU_ASSERT_EQUAL(stranger_read(&s, got, sizeof(got)), 3);
		CU_ASSERT_EQUAL(memcmp(got, "abc", 3), 0);
		close(p[1]);
		CU_ASSERT_EQUAL(stranger_read(&s, got, sizeof(got)), 0);
		stranger_close(&s);
		close(p[0]);
	}
}

/* The master of a terminal can be opened anew by nobody: a process waits for us. */
static void a_helper_waits_in_our_place(void)
{
	char got[16];
	int master = posix_openpt(O_RDWR | O_NOCTTY);
	struct stranger s = stranger(master);
	struct pollfd p;
	int slave;

	CU_ASSERT_TRUE_FATAL(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0);
	slave = open(ptsname(master), O_RDWR | O_NOCTTY);
	CU_ASSERT_EQUAL(stranger_write(&s, "typed\n", 6), 6);
	CU_ASSERT_EQUAL(s.kind, STRANGER_HELPER);
	CU_ASSERT_EQUAL(read(slave, got, sizeof(got)), 6);
	for (p = stranger_finish(&s); p.fd >= 0; p = stranger_finish(&s))
		poll(&p, 1, 1000);
	CU_ASSERT_EQUAL(stranger_waiting(&s), 0);
	CU_ASSERT_EQUAL(stranger_error(&s), 0);
	stranger_close(&s);
	close(master);
	close(slave);
}

CU_TestInfo stranger_tests[] = {
	{ "a full stranger is not waited for", a_full_stranger_is_not_waited_for },
	{ "a stage takes back what did not fit", a_stage_takes_back_what_did_not_fit },
	{ "reading does not wait either", reading_does_not_wait_either },
	{ "a helper waits in our place", a_helper_waits_in_our_place },
	CU_TEST_INFO_NULL,
};
