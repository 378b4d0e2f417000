/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "relay.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "suites.h"

static char buffer[RELAY_BUFFER];

static void the_limit_cuts_and_draining_goes_on(void)
{
	char text[300];
	char got[300];
	struct relay r;
	int in[2];
	int out[2];

	CU_ASSERT_EQUAL_FATAL(pipe2(in, O_NONBLOCK), 0);
	CU_ASSERT_EQUAL_FATAL(pipe2(out, 0), 0);
	memset(text, 'x', sizeof(text));
	relay_init(&r, stranger_ours(in[0]), stranger(out[1]), 250, buffer);
	CU_ASSERT_EQUAL(write(in[1], text, 200), 200);
	CU_ASSERT_FALSE(relay_step(&r, POLLIN));
	CU_ASSERT_EQUAL(write(in[1], text, 200), 200);
	CU_ASSERT_TRUE(relay_step(&r, POLLIN)); /* passed the limit just now */
	CU_ASSERT_EQUAL(write(in[1], text, 200), 200);
	CU_ASSERT_FALSE(relay_step(&r, POLLIN)); /* only told once */
	close(in[1]);
	relay_flush(&r);
	CU_ASSERT_EQUAL(r.bytes, 600);
	CU_ASSERT_EQUAL(r.passed, 250);
	CU_ASSERT_TRUE(r.truncated);
	CU_ASSERT_EQUAL(read(out[0], got, sizeof(got)), 250);
	close(in[0]);
	close(out[0]);
	close(out[1]);
}

static void exactly_the_limit_is_not_cut(void)
{
	struct relay r;
	int in[2];
	int out[2];

	CU_ASSERT_EQUAL_FATAL(pipe2(in, O_NONBLOCK), 0);
	CU_ASSERT_EQUAL_FATAL(pipe2(out, 0), 0);
	relay_init(&r, stranger_ours(in[0]), stranger(out[1]), 4, buffer);
	CU_ASSERT_EQUAL(write(in[1], "abcd", 4), 4);
	close(in[1]);
	relay_flush(&r);
	CU_ASSERT_FALSE(r.truncated);
	CU_ASSERT_EQUAL(r.passed, 4);
	close(in[0]);
	close(out[0]);
	close(out[1]);
}

static void a_full_reader_is_waited_for_by_poll(void)
{
	static char much[RELAY_BUFFER];
	struct relay r;
	int in[2];
	int out[2];

	CU_ASSERT_EQUAL_FATAL(pipe2(in, O_NONBLOCK), 0);
	CU_ASSERT_EQUAL_FATAL(pipe2(out, 0), 0);
	fill_pipe(out[1]);
	relay_init(&r, stranger_ours(in[0]), stranger(out[1]), UNLIMITED, buffer);
	CU_ASSERT_EQUAL(relay_poll(&r).fd, in[0]);
	CU_ASSERT_EQUAL(write(in[1], "x", 1), 1);
	relay_step(&r, POLLIN);
	CU_ASSERT_EQUAL(r.passed, 0);
	CU_ASSERT_EQUAL(relay_poll(&r).fd, out[1]);
	CU_ASSERT_EQUAL(relay_poll(&r).events, POLLOUT);
	CU_ASSERT_TRUE(read(out[0], much, sizeof(much)) > 0);
	relay_step(&r, POLLOUT);
	CU_ASSERT_EQUAL(r.passed, 1);
	close(in[0]);
	close(in[1]);
	close(out[0]);
	close(out[1]);
}

static void an_error_is_kept_and_a_reader_that_left_is_none(void)
{
	struct relay r;
	int in[2];
	int out[2];
	int full = open("/dev/full", O_WRONLY);

	CU_ASSERT_EQUAL_FATAL(pipe2(in, O_NONBLOCK), 0);
	relay_init(&r, stranger_ours(in[0]), stranger(full), UNLIMITED, buffer);
	CU_ASSERT_EQUAL(write(in[1], "abcd", 4), 4);
	relay_step(&r, POLLIN);
	CU_ASSERT_EQUAL(r.error, ENOSPC);
	CU_ASSERT_TRUE(relay_is_over(&r));
	CU_ASSERT_EQUAL(relay_pending(&r), 4);
	close(full);
	CU_ASSERT_EQUAL_FATAL(pipe(out), 0);
	close(out[0]);
	relay_init(&r, stranger_ours(in[0]), stranger(out[1]), UNLIMITED, buffer);
	CU_ASSERT_EQUAL(write(in[1], "abcd", 4), 4);
	relay_step(&r, POLLIN);
	CU_ASSERT_EQUAL(r.error, 0);
	CU_ASSERT_TRUE(relay_is_over(&r));
	CU_ASSERT_EQUAL(relay_pending(&r), 0);
	close(in[0]);
	close(in[1]);
	close(out[1]);
}

/* What is still in the pipe counts; what is above the limit does not. */
static void pending_is_what_somebody_may_still_want(void)
{
	struct relay r;
	int in[2];
	int out[2];

	CU_ASSERT_EQUAL_FATAL(pipe2(in, O_NONBLOCK), 0);
	CU_ASSERT_EQUAL_FATAL(pipe(out), 0);
	fill_pipe(out[1]);
	relay_init(&r, stranger_ours(in[0]), stranger(out[1]), 6, buffer);
	CU_ASSERT_EQUAL(write(in[1], "abcd", 4), 4);
	relay_step(&r, POLLIN);
	CU_ASSERT_EQUAL(write(in[1], "efgh", 4), 4);
	CU_ASSERT_EQUAL(relay_unread(&r), 4);
	CU_ASSERT_EQUAL(relay_pending(&r), 6);
	close(in[0]);
	close(in[1]);
	close(out[0]);
	close(out[1]);
}

CU_TestInfo relay_tests[] = {
	{ "an error is kept, a reader that left is none",
	  an_error_is_kept_and_a_reader_that_left_is_none },
	{ "pending is what somebody may still want", pending_is_what_somebody_may_still_want },
	{ "the limit cuts and draining goes on", the_limit_cuts_and_draining_goes_on },
	{ "exactly the limit is not cut", exactly_the_limit_is_not_cut },
	{ "a full reader is waited for by poll", a_full_reader_is_waited_for_by_poll },
	CU_TEST_INFO_NULL,
};
