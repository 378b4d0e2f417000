/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel_bound.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/text.h"
#include "suites.h"

#define MIB (1ull << 20)

static const char protocols[] =
	"protocol  size sockets  memory press maxhdr  slab module     cl co di ac io in\n"
	"UNIX-STREAM 1152     10      -1   NI       0   yes  kernel      y  n  n  n  n  n\n"
	"UDP       1344      2       0   NI       0   yes  kernel      y  y  y  n  y  y\n"
	"MPTCP     1936      1     305   no       0   yes  kernel      y  y  y  n  y  y\n"
	"TCP       2304      3     305   no     192   yes  kernel      y  y  y  y  y  y\n";

static void sockets_by_kind(void)
{
	CU_ASSERT_EQUAL(kernel_bound_sockets(protocols), 12 * MIB + 4 * 16 * MIB);
	CU_ASSERT_EQUAL(kernel_bound_sockets("protocol  size sockets\n"), 0);
	CU_ASSERT_EQUAL(kernel_bound_sockets(""), 0);
}

/* A made-up /proc with one file in it. */
static uint64_t bound(const char *text, const struct survey_sums *s, uint64_t open_files)
{
	char dir[] = "/tmp/runner-unit-XXXXXX";
	uint64_t r;
	int fd, file;

	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(dir));
	fd = open(dir, O_RDONLY | O_DIRECTORY);
	mkdirat(fd, "1", 0700);
	mkdirat(fd, "1/net", 0700);
	file = openat(fd, "1/net/protocols", O_WRONLY | O_CREAT, 0600);
	CU_ASSERT_EQUAL(fd_write_all(file, text, strlen(text)), 0);
	r = kernel_bound(fd, s, open_files);
	unlinkat(fd, "1/net/protocols", 0);
	unlinkat(fd, "1/net", AT_REMOVEDIR);
	unlinkat(fd, "1", AT_REMOVEDIR);
	rmdir(dir);
	close(fd);
	close(file);
	return r;
}

static bool near(uint64_t a, uint64_t b)
{
	return a < b ? b - a < MIB : a - b < MIB;
}

static void by_what_it_has(void)
{
	struct survey_sums s = {
		.processes = 2, .fds = 128, .fds_cubed = 2 * 64 * 64 * 64, .may_map = 1000
	};
	uint64_t few = bound("protocol\n", &s, 256);
	uint64_t least = 8 * MIB + 1000 * (400 + 2 * 2 * 64) + 2 * 64 * 64 * 64 * 5;

	/* Besides, the host's locks: some, and not the same from one moment to the next. */
	CU_ASSERT_TRUE(few >= least && few < least + MIB);
	/* With a socket, descriptors can be under way. */
	CU_ASSERT_TRUE(near(bound(protocols, &s, 256), few + 76 * MIB + 16 * MIB));
	/* Each thread may have descriptors of its own. */
	s.threads = 4;
	CU_ASSERT_TRUE(near(bound("protocol\n", &s, 256), few + 64 * MIB + 4 * 80 * MIB));
	/* Without the layer that keeps buffers small nothing is known; nor without the file. */
	CU_ASSERT_EQUAL(bound("protocol\n", &s, UNLIMITED), UINT64_MAX);
	CU_ASSERT_EQUAL(kernel_bound(-1, &s, 256), UINT64_MAX);
	CU_ASSERT_EQUAL(bound("", &s, 256), UINT64_MAX);
}

CU_TestInfo kernel_bound_tests[] = {
	{ "what sockets can buffer, by their kind", sockets_by_kind },
	{ "by descriptors, threads and mappings", by_what_it_has },
	CU_TEST_INFO_NULL,
};
