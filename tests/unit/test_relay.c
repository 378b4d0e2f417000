/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "relay.h"

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
	CU_ASSERT_EQUAL_FATAL(pipe2(out, O_NONBLOCK), 0);
	memset(text, 'x', sizeof(text));
	relay_init(&r, in[0], out[1], 250, buffer);
	CU_ASSERT_EQUAL(write(in[1], text, 200), 200);
	CU_ASSERT_FALSE(relay_step(&r, POLLIN));
	CU_ASSERT_EQUAL(write(in[1], text, 200), 200);
	CU_ASSERT_TRUE(relay_step(&r, POLLIN)); /* passed the limit just now */
	CU_ASSERT_EQUAL(write(in[1], text, 200), 200);
	CU_ASSERT_FALSE(relay_step(&r, POLLIN)); /* only told once */
	close(in[1]);
	relay_drain(&r);
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
	CU_ASSERT_EQUAL_FATAL(pipe2(out, O_NONBLOCK), 0);
	relay_init(&r, in[0], out[1], 4, buffer);
	CU_ASSERT_EQUAL(write(in[1], "abcd", 4), 4);
	close(in[1]);
	relay_drain(&r);
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
	CU_ASSERT_EQUAL_FATAL(pipe2(out, O_NONBLOCK), 0);
	while (write(out[1], much, 4096) > 0)
		;
	relay_init(&r, in[0], out[1], UNLIMITED, buffer);
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

CU_TestInfo relay_tests[] = {
	{ "the limit cuts and draining goes on", the_limit_cuts_and_draining_goes_on },
	{ "exactly the limit is not cut", exactly_the_limit_is_not_cut },
	{ "a full reader is waited for by poll", a_full_reader_is_waited_for_by_poll },
	CU_TEST_INFO_NULL,
};
