/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "pstdio.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/open.h"

void stdio_close(struct stdio *s)
{
	for (int i = 0; i < 3; i++)
		fd_close(&s->fd[i]);
}

/* Our end never blocks us; the payload's blocks as any pipe does. */
static int ours_and_theirs(int ours, int theirs, int *ret_ours, int *ret_theirs)
{
	*ret_ours = ours;
	*ret_theirs = theirs;
	return fcntl(ours, F_SETFL, O_NONBLOCK) < 0 ? -errno : 0;
}

/*
 * A pair the payload can only read from. As root a pipe of root's: it can be opened by
 * name (/dev/stdin), for reading. Rootless the payload would own the pipe and could
 * open it for writing as well; a socket cannot be opened at all.
 */
static int make_input(const struct plan *plan, struct stdio *s, struct running *run)
{
	int p[2];

	if (plan->host->privileged) {
		if (pipe2(p, O_CLOEXEC) < 0)
			return -errno;
		if (fchmod(p[0], 0444) < 0) {
			close(p[0]);
			close(p[1]);
			return -errno;
		}
		return ours_and_theirs(p[1], p[0], &run->in, &s->fd[0]);
	}
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, p) < 0)
		return -errno;
	shutdown(p[1], SHUT_RD);
	return ours_and_theirs(p[1], p[0], &run->in, &s->fd[0]);
}

static int open_input(const struct plan *plan, struct stdio *s, struct running *run, struct err *e)
{
	const char *path = plan->spec->stdin_path;
	enum open_type type;
	int r;

	if (path && strcmp(path, "null") == 0)
		return 0;
	if (path) {
		run->in_from = open_source("stdin", path, &type, e);
		if (run->in_from < 0)
			return run->in_from;
	} else {
		r = open_inherited("stdin", 0, &type, e);
		if (r < 0)
			return r;
	}
	/* The caller's inode is his, even of /dev/null: it has locks, times, a mode. */
	if (type == OPEN_NULL) {
		fd_close(&run->in_from);
		return 0;
	}
	if (!path)
		run->in_from = fcntl(0, F_DUPFD_CLOEXEC, 3);
	r = run->in_from < 0 ? -errno : make_input(plan, s, run);
	return r < 0 ? err_set(e, -r, "stdin: %s", strerror(-r)) : 0;
}

/* The payload's end belongs to it: programs open /dev/stdout by name. */
static int make_output(const struct plan *plan, int *ret_ours, int *ret_theirs)
{
	int p[2];

	if (pipe2(p, O_CLOEXEC) < 0)
		return -errno;
	if (plan->host->privileged && fchown(p[0], plan->host_uid, plan->host_gid) < 0) {
		close(p[0]);
		close(p[1]);
		return -errno;
	}
	return ours_and_theirs(p[0], p[1], ret_ours, ret_theirs);
}

int stdio_open(const struct plan *plan, struct stdio *s, struct running *run, struct err *e)
{
	int r = open_input(plan, s, run, e);

	if (r < 0)
		return r;
	r = make_output(plan, &run->out, &s->fd[1]);
	if (r < 0)
		return err_set(e, -r, "pipe for stdout: %s", strerror(-r));
	r = make_output(plan, &run->err, &s->fd[2]);
	return r < 0 ? err_set(e, -r, "pipe for stderr: %s", strerror(-r)) : 0;
}
