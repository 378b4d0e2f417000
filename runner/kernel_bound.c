/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel_bound.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/text.h"

enum {
	PIPE_BYTES = 64 << 10,	 /* F_SETPIPE_SZ is refused */
	SOCKET_BYTES = 1 << 20,	 /* SO_SNDBUF and SO_RCVBUF are; the default twice, twice counted */
	STREAM_BYTES = 16 << 20, /* tcp(7): buffers grow by themselves */
	MAPPING_BYTES = 400,	 /* vm_area_struct, anon_vma, and their place in the tree */
	LINK_BYTES = 64,	 /* of a mapping to an ancestor it shares pages with */
	/*
	 * epoll(7) remembers a file under each number it had: with n descriptors a third
	 * of them can be instances, a third files, under as many numbers; 128 bytes each.
	 */
	WATCH_BYTES_CUBED = 5,
	MANY_LOCKS = 1 << 20,
	LOCK_BYTES = 4, /* in memory, for each of a line in /proc/locks */
};

/* "TCP 2304 3 ...": the third word counts them, those under way in messages too. */
uint64_t kernel_bound_sockets(const char *text)
{
	uint64_t sum = 0;

	for (const char *line = strchr(text, '\n'); line && line[1];
	     line = strchr(line + 1, '\n')) {
		const char *name = line + 1;
		const char *size = name + strcspn(name, " \n");
		char *end;

		strtoull(size, &end, 10);
		sum += strtoull(end, NULL, 10) *
		       (strncmp(name, "TCP", 3) == 0 || strncmp(name, "MPTCP", 5) == 0
				? STREAM_BYTES
				: SOCKET_BYTES);
	}
	return sum;
}

/* Of fcntl(2) and flock(2), the whole host's: nobody limits them. */
static uint64_t lock_bytes(void)
{
	char text[16384];
	uint64_t sum = 0;
	ssize_t n = -1;
	cleanup_fd int fd = open("/proc/locks", O_RDONLY | O_CLOEXEC);

	while (fd >= 0 && sum < MANY_LOCKS && (n = read(fd, text, sizeof(text))) > 0)
		sum += (uint64_t)n * LOCK_BYTES;
	return n == 0 ? sum : UINT64_MAX;
}

uint64_t kernel_bound(int proc_fd, const struct survey_sums *s, uint64_t open_files)
{
	uint64_t locks = lock_bytes();
	char text[16384];
	ssize_t n = fd_read_text(proc_fd, "1/net/protocols", text, sizeof(text));
	uint64_t sockets;

	if (open_files == UNLIMITED || locks == UINT64_MAX || n <= 0 ||
	    (size_t)n == sizeof(text) - 1)
		return UINT64_MAX;
	sockets = kernel_bound_sockets(text);
	/* As many descriptors as a process may have can be under way besides (unix(7)). */
	return sockets + (s->fds + (s->threads + (sockets ? 1 : 0)) * open_files) * PIPE_BYTES +
	       s->may_map * (MAPPING_BYTES + 2ull * s->processes * LINK_BYTES) +
	       (s->fds_cubed + s->threads * open_files * open_files * open_files) *
		       WATCH_BYTES_CUBED +
	       locks;
}
