/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../../seccomp/bpf.h"
#include "fake_host.h"
#include "inventory.h"
#include "layer/layer.h"
#include "plan.h"
#include "profile.h"
#include "shared_sizes.h"
#include "socket_use.h"
#include "suites.h"

#define MIB (1ull << 20)

/* -- sockets --------------------------------------------------------------------- */

static void sockets_by_kind(void)
{
	static const char protocols[] =
		"protocol  size sockets  memory press maxhdr  slab module     cl co di ac io in\n"
		"UNIX-STREAM 1152     10      -1   NI       0   yes  kernel      y  n  n  n  n\n"
		"UNIX      1152      4      -1   NI       0   yes  kernel      y  n  n  n  n  n\n"
		"UDP       1344      2       0   NI       0   yes  kernel      y  y  y  n  y  y\n"
		"MPTCP     1936      1     305   no       0   yes  kernel      y  y  y  n  y  y\n"
		"PING       960      3      -1   NI       0   yes  kernel      y  y  y  n  n  y\n"
		"TCPv6     2304      5     305   no     192   yes  kernel      y  y  y  y  y  y\n"
		"TCP       2304      3     305   no     192   yes  kernel      y  y  y  y  y  y\n";
	uint64_t counts[SOCKET_KINDS], may;

	socket_use_count(protocols, counts, &may);
	CU_ASSERT_EQUAL(counts[0], 14);
	CU_ASSERT_EQUAL(counts[1], 3);
	CU_ASSERT_EQUAL(counts[2], 5);
	CU_ASSERT_EQUAL(counts[3], 2);
	CU_ASSERT_EQUAL(may, (16 + 3) * MIB);
	socket_use_count("", counts, &may);
	CU_ASSERT_EQUAL(counts[0] + may, 0);
}

/* A message as the kernel makes it: a head, then attributes. */
struct made {
	union {
		struct nlmsghdr head;
		char room[512];
	};
};

static void begin(struct made *m, const void *data, size_t size)
{
	memset(m, 0, sizeof(*m));
	m->head.nlmsg_len = (uint32_t)NLMSG_LENGTH(size);
	memcpy(NLMSG_DATA(&m->head), data, size);
}

static void add(struct made *m, int type, const void *data, size_t size)
{
	size_t at = NLMSG_ALIGN(m->head.nlmsg_len);
	struct nlattr a = { .nla_len = (uint16_t)(sizeof(a) + size), .nla_type = (uint16_t)type };

	memcpy(m->room + at, &a, sizeof(a));
	memcpy(m->room + at + sizeof(a), data, size);
	m->head.nlmsg_len = (uint32_t)(at + NLA_ALIGN(sizeof(a) + size));
}

static void add_meminfo(struct made *m, int type)
{
	uint32_t info[SK_MEMINFO_VARS] = { 0 };

	info[SK_MEMINFO_RMEM_ALLOC] = 1000000;
	info[SK_MEMINFO_WMEM_QUEUED] = 200000;
	info[SK_MEMINFO_WMEM_ALLOC] = 100000;
	info[SK_MEMINFO_OPTMEM] = 30000;
	info[SK_MEMINFO_BACKLOG] = 4000;
	info[SK_MEMINFO_SNDBUF] = 212992;
	add(m, type, info, sizeof(info));
}

static void tcp_sockets(void)
{
	struct inet_diag_msg d = { .idiag_family = AF_INET, .idiag_inode = 5, .idiag_uid = 1000 };
	struct socket_use u = { .own_ns = true, .uid = 1000 };
	struct socket_sums sums = { 0 };
	struct made m;

	begin(&m, &d, sizeof(d));
	socket_use_take(&u, &m.head, &sums);
	CU_ASSERT_EQUAL(sums.bytes + sums.told, 0); /* no count: TIME_WAIT, for instance */
	add(&m, INET_DIAG_TOS, "x", 1);
	add_meminfo(&m, INET_DIAG_SKMEMINFO);
	socket_use_take(&u, &m.head, &sums);
	CU_ASSERT_EQUAL(sums.bytes, 1234000 + 4096);
	CU_ASSERT_EQUAL(sums.told, 1);
	CU_ASSERT_EQUAL(sums.may, 0);
	/* On the host's network: the run's own user, the caller's user, another's. */
	u = (struct socket_use){ .own_uid = true, .uid = 1000 };
	sums = (struct socket_sums){ 0 };
	socket_use_take(&u, &m.head, &sums);
	CU_ASSERT_EQUAL(sums.bytes, 1234000 + 4096);
	u.own_uid = false;
	socket_use_take(&u, &m.head, &sums);
	CU_ASSERT_EQUAL(sums.may, 1234000 + 4096);
	u.uid = 1001;
	socket_use_take(&u, &m.head, &sums);
	CU_ASSERT_EQUAL(sums.bytes + sums.may, 2 * (1234000 + 4096));
	/* Cut short anywhere, it is not read beyond its end. */
	for (u.own_ns = true; m.head.nlmsg_len > 0; m.head.nlmsg_len--)
		socket_use_take(&u, &m.head, &sums);
}

static struct socket_sums unix_sums_in(int state, int type, uint32_t peer, uint32_t queued)
{
	struct unix_diag_msg d = { .udiag_family = AF_UNIX,
				   .udiag_type = (uint8_t)type,
				   .udiag_state = (uint8_t)state,
				   .udiag_ino = 7 };
	struct unix_diag_rqlen q = { .udiag_rqueue = queued };
	struct socket_use u = { .own_ns = true };
	struct socket_sums sums = { 0 };
	struct made m;

	begin(&m, &d, sizeof(d));
	add(&m, UNIX_DIAG_PEER, &peer, sizeof(peer));
	add(&m, UNIX_DIAG_RQLEN, &q, sizeof(q));
	add_meminfo(&m, UNIX_DIAG_MEMINFO);
	socket_use_take(&u, &m.head, &sums);
	return sums;
}

static struct socket_sums unix_sums(int type, uint32_t peer, uint32_t queued)
{
	return unix_sums_in(TCP_ESTABLISHED, type, peer, queued);
}

static void unix_sockets(void)
{
	struct socket_sums s = unix_sums(SOCK_STREAM, 8, 500);

	CU_ASSERT_EQUAL(s.bytes, 1234000 + 4096); /* the sender has it on its account */
	CU_ASSERT_EQUAL(s.may, 0);
	CU_ASSERT_TRUE(s.queued);
	s = unix_sums(SOCK_STREAM, 0, 500);
	CU_ASSERT_EQUAL(s.bytes, 1234000 + 4096 + 500);
	CU_ASSERT_EQUAL(s.may, 212992);
	CU_ASSERT_EQUAL(unix_sums(SOCK_STREAM, 0, 0).may, 0);
	CU_ASSERT_EQUAL(unix_sums(SOCK_DGRAM, 8, 500).may, 11 * 212992);
	/* Of one that listens the queue is of connections, which are told of themselves. */
	s = unix_sums_in(TCP_LISTEN, SOCK_STREAM, 0, 500);
	CU_ASSERT_EQUAL(s.bytes, 1234000 + 4096);
	CU_ASSERT_EQUAL(s.may, 0);
}

/* One look at so many sockets of TCP, where the kernel's answer is this message; or none. */
static struct socket_sums asked(const void *message, size_t size)
{
	struct socket_use u = {
		.own_ns = true, .tried = true, .begun = true, .kind = 1, .helper = HELPER_NONE
	};
	int ends[2];

	CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, ends), 0);
	if (size)
		CU_ASSERT_EQUAL(send(ends[1], message, size, 0), (ssize_t)size);
	u.fd = ends[0];
	u.used = UINT64_MAX;
	u.counts[1] = 5;
	CU_ASSERT_EQUAL(socket_use_step(&u, -1, UINT64_MAX), 0);
	CU_ASSERT_TRUE(u.fresh);
	socket_use_clear(&u);
	close(ends[1]);
	return u.sums;
}

/* Where nobody tells it is what they can hold; an error is no end of the list. */
static void where_nobody_tells(void)
{
	struct nlmsghdr m = { .nlmsg_len = sizeof(m), .nlmsg_type = NLMSG_ERROR };

	CU_ASSERT_EQUAL(asked(&m, sizeof(m)).may, 5 * 16 * MIB);
	CU_ASSERT_EQUAL(asked(NULL, 0).may, 5 * 16 * MIB);
	m.nlmsg_type = NLMSG_DONE;
	CU_ASSERT_EQUAL(asked(&m, sizeof(m)).may, 0);
}

/* How many there are, by a /proc of files. */
static struct socket_sums looked_at(const char *sockstat, const char *protocols)
{
	struct socket_use u = { .own_ns = true, .tried = true, .helper = HELPER_NONE, .fd = -1 };
	char dir[] = "/tmp/sockets-XXXXXX";
	int fd;
	int file;

	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(dir));
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CU_ASSERT_TRUE_FATAL(mkdirat(fd, "1", 0700) == 0 && mkdirat(fd, "1/net", 0700) == 0);
	file = openat(fd, "1/net/sockstat", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	CU_ASSERT_EQUAL(write(file, sockstat, strlen(sockstat)), (ssize_t)strlen(sockstat));
	close(file);
	if (protocols) {
		file = openat(fd, "1/net/protocols", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
		CU_ASSERT_TRUE(write(file, protocols, strlen(protocols)) > 0);
		close(file);
	}
	CU_ASSERT_EQUAL(socket_use_step(&u, fd, UINT64_MAX), 0);
	unlinkat(fd, "1/net/protocols", 0);
	unlinkat(fd, "1/net/sockstat", 0);
	unlinkat(fd, "1/net", AT_REMOVEDIR);
	unlinkat(fd, "1", AT_REMOVEDIR);
	close(fd);
	CU_ASSERT_EQUAL(rmdir(dir), 0);
	return u.sums;
}

/* Without the list of protocols anything can be there, unless it is said that nothing is. */
static void how_many_there_are(void)
{
	static const char none[] = "protocol  size sockets\nTCP  2304  0\n";

	CU_ASSERT_EQUAL(looked_at("sockets: used 0\n", NULL).may, 0);
	CU_ASSERT_EQUAL(looked_at("sockets: used 1\n", NULL).may, UINT64_MAX);
	CU_ASSERT_EQUAL(looked_at("", NULL).may, UINT64_MAX);
	/* More than there are in any table: those are asked one by one. */
	CU_ASSERT_EQUAL(looked_at("sockets: used 9\n", none).untold, 9);
	CU_ASSERT_EQUAL(looked_at("sockets: used 9\n", none).may, 0);
	CU_ASSERT_EQUAL(looked_at("", none).untold, 0);
}

/* -- the inventory ---------------------------------------------------------------- */

static void bound_by_what_it_has(void)
{
	struct inventory i = { .mapped = true,
			       .complete = true,
			       .processes = 2,
			       .mappings = 100,
			       .descriptors = 20,
			       .pipes = 4,
			       .sockets = 3,
			       .watches = 5,
			       .locks = 6 };
	struct socket_sums s = { .may = 7 };
	uint64_t least = 7 + 4 * 65536 + 20 * 1024 + 5 * 256 + 6 * 256 + 100 * (400 + 2 * 2 * 64);

	CU_ASSERT_EQUAL(inventory_bound(&i, &s), least);
	/* Those that nobody could ask. */
	i.closed.refused = 1;
	i.private = 2;
	CU_ASSERT_EQUAL(inventory_bound(&i, &s), least + 3 * 16 * MIB);
	i.closed.refused = i.private = 0;
	i.sent = 1;
	CU_ASSERT_EQUAL(inventory_bound(&i, &s), UINT64_MAX);
	i.sent = 0;
	s.queued = true;
	CU_ASSERT_EQUAL(inventory_bound(&i, &s), UINT64_MAX);
	i.says_sent = true;
	CU_ASSERT_EQUAL(inventory_bound(&i, &s), least);
	s.may = UINT64_MAX;
	CU_ASSERT_EQUAL(inventory_bound(&i, &s), UINT64_MAX);
	s.may = 0;
	i.complete = false;
	CU_ASSERT_EQUAL(inventory_bound(&i, &s), UINT64_MAX);
	i.complete = true;
	i.mapped = false;
	CU_ASSERT_EQUAL(inventory_bound(&i, &s), UINT64_MAX);
}

static void sizes_of_the_largest(void)
{
	struct shared_sizes s = { 0 };

	CU_ASSERT_EQUAL(shared_sizes_most(&s, 0), 0);
	CU_ASSERT_EQUAL(shared_sizes_most(&s, 3), 3 * MIB);
	shared_sizes_add(&s, 4 * MIB);
	shared_sizes_add(&s, 9 * MIB);
	shared_sizes_add(&s, 2 * MIB);
	CU_ASSERT_EQUAL(shared_sizes_most(&s, 1), 9 * MIB);
	CU_ASSERT_EQUAL(shared_sizes_most(&s, 2), 13 * MIB);
	CU_ASSERT_EQUAL(shared_sizes_most(&s, 4), 16 * MIB);
	for (int i = 0; i < 100; i++)
		shared_sizes_add(&s, 8 * MIB);
	CU_ASSERT_EQUAL(shared_sizes_most(&s, 1), 9 * MIB);
	CU_ASSERT_EQUAL(shared_sizes_most(&s, 100), (9 + 99 * 8) * MIB);
	shared_sizes_add(&s, 10 * MIB);
	shared_sizes_add(&s, 1);
	CU_ASSERT_EQUAL(shared_sizes_most(&s, 3), (10 + 9 + 8) * MIB);
	shared_sizes_add(&s, UINT64_MAX);
	CU_ASSERT_EQUAL(shared_sizes_most(&s, 2), UINT64_MAX);
}

/* What the filter says of mmap(2) with this length and these flags. */
static uint32_t on_mmap(const struct plan *plan, uint64_t length, uint64_t flags)
{
	const struct seccomp_data data = { .nr = SYS_mmap,
					   .arch = BPF_NATIVE_ARCH,
					   .args = { 0, length, 3, flags, (uint64_t)-1 } };

	return bpf_run(plan->filter.filter, plan->filter.len, &data);
}

/* Where nobody counts, and nobody may look: the supervisor hears how large it is made. */
static void large_ones_are_told(void)
{
	enum { SHARED = 0x21, PRIVATE = 0x22, VALIDATED = 0x23 };
	static const struct {
		uint64_t length, flags;
		bool told;
	} rows[] = {
		{ SHARED_SIZES_SMALL, SHARED, false },
		{ SHARED_SIZES_SMALL + 1, SHARED, true },
		{ SHARED_SIZES_SMALL + 1, VALIDATED, true },
		{ SHARED_SIZES_SMALL + 1, PRIVATE, false },
		{ 1ull << 32, SHARED, true }, /* nothing of it in the lower half */
		{ 1ull << 32 | 4096, SHARED, true },
		{ 1ull << 32, PRIVATE, false },
	};
	static const char *const command[] = { "true", NULL };
	static struct plan plan;
	struct spec spec = { 0 };
	struct err e = { 0 };

	CU_ASSERT_EQUAL_FATAL(profile_load(&spec, "default", &e), 0);
	spec.command = SPEC_COMMAND_INSIDE;
	spec.argv = command;
	/* Where a cgroup counts, and as root, who looks, it is nobody's affair. */
	for (int counted = 0; counted < 2; counted++)
		for (int root = 0; root < 2; root++) {
			struct host host = fake_host(root);
			bool observed = !counted && !root;

			host.cgroup.usable = counted;
			host.cgroup.why = counted ? NULL : "the test says so";
			plan_clear(&plan);
			CU_ASSERT_EQUAL_FATAL(plan_build(&spec, &host, &plan, &e), 0);
			CU_ASSERT_EQUAL(plan_has(&plan, LAYER_UNCOUNTED), !counted);
			for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
				CU_ASSERT_EQUAL(on_mmap(&plan, rows[i].length, rows[i].flags),
						observed && rows[i].told ? SECCOMP_RET_USER_NOTIF
									 : SECCOMP_RET_ALLOW);
		}
	plan_clear(&plan);
	spec_clear(&spec);
}

CU_TestInfo nameless_tests[] = {
	{ "sockets, by their kind", sockets_by_kind },
	{ "sockets of TCP, by the kernel's count", tcp_sockets },
	{ "sockets of AF_UNIX, and whose sender is gone", unix_sockets },
	{ "sockets, where nobody tells", where_nobody_tells },
	{ "sockets, how many there are", how_many_there_are },
	{ "never more than what it has can hold", bound_by_what_it_has },
	{ "shared memory is as large as it was made", sizes_of_the_largest },
	{ "shared memory that is made large is told", large_ones_are_told },
	CU_TEST_INFO_NULL,
};
