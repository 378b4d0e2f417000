/* SPDX-License-Identifier: Apache-2.0 */
/* Where a report goes: see report.h. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/text.h"
#include "report.h"

enum { ROOM = 64 * 1024 }; /* more than a report of 140 denials takes */

static int fail(struct report *r, int code, struct err *e)
{
	report_close(r);
	return err_set(e, code, "report '%s': %s", r->target, strerror(code));
}

static int open_number(struct report *r, const char *digits, struct err *e)
{
	uint64_t n;

	if (text_number(digits, 0, 1 << 20, &n) < 0)
		return err_set(e, EINVAL, "report '%s': must be fd: and a number", r->target);
	r->fd = fcntl((int)n, F_DUPFD_CLOEXEC, 3);
	if (r->fd < 0)
		return fail(r, errno, e);
	if ((fcntl(r->fd, F_GETFL) & O_ACCMODE) == O_RDONLY)
		return fail(r, EBADF, e);
	return 0;
}

/* Unnamed until it is complete: a killed runner leaves nothing behind. */
static int open_unnamed(struct report *r, const char *path, struct err *e)
{
	const char *name = text_basename(path);
	cleanup_free char *dir = strndup(path, (size_t)(name - path));

	if (!dir)
		return fail(r, ENOMEM, e);
	r->dir_fd = open(dir[0] ? dir : ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (r->dir_fd < 0)
		return fail(r, errno, e);
	r->name = name;
	r->fd = openat(r->dir_fd, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0644);
	if (r->fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR)) {
		/* A file system without unnamed files (overlayfs over some, NFS). */
		fd_close(&r->dir_fd);
		r->fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY, 0644);
	}
	if (r->fd < 0)
		return fail(r, errno, e);
	return 0;
}

int report_open(struct report *r, const char *where, struct err *e)
{
	const char *digits;
	struct stat st;
	int error;

	*r = (struct report){ .fd = -1, .dir_fd = -1, .target = where };
	if (!where)
		return 0;
	if (strcmp(where, "-") == 0)
		return open_number(r, "1", e);
	digits = text_after(where, "fd:");
	if (digits)
		return open_number(r, digits, e);
	if (where[0] == '\0')
		return err_set(e, EINVAL, "report: the file's name is empty");
	if (stat(where, &st) == 0 && !S_ISREG(st.st_mode)) {
		if (S_ISDIR(st.st_mode))
			return fail(r, EISDIR, e);
		/* A pipe or device: nothing to reserve, nothing to replace. */
		r->fd = open(where, O_WRONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
		return r->fd < 0 ? fail(r, errno, e) : 0;
	}
	if (open_unnamed(r, where, e) < 0)
		return -e->code;
	error = posix_fallocate(r->fd, 0, ROOM);
	/* Some file systems cannot reserve; then a full disk shows at the end. */
	if (error == ENOSPC || error == EDQUOT || error == EFBIG)
		return fail(r, error, e);
	return 0;
}

/* linkat(2) replaces nothing, so the name is given by way of a temporary one. */
static int give_name(struct report *r)
{
	char link[32];
	char temporary[64];

	if (r->dir_fd < 0)
		return 0;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", r->fd);
	snprintf(temporary, sizeof(temporary), ".runner-report-%d", (int)getpid());
	if (linkat(AT_FDCWD, link, r->dir_fd, temporary, AT_SYMLINK_FOLLOW) < 0)
		return -errno;
	if (renameat(r->dir_fd, temporary, r->dir_fd, r->name) < 0) {
		int error = errno;

		unlinkat(r->dir_fd, temporary, 0);
		return -error;
	}
	return 0;
}

int report_put(struct report *r, const char *text, size_t length, struct err *e)
{
	struct stat st;
	int error = fd_write_all(r->fd, text, length);

	if (error == 0 && fstat(r->fd, &st) == 0 && S_ISREG(st.st_mode) && strcmp(r->target, "-") &&
	    !text_after(r->target, "fd:") && ftruncate(r->fd, (off_t)length) < 0)
		error = -errno;
	if (error == 0)
		error = give_name(r);
	if (error < 0)
		return fail(r, -error, e);
	report_close(r);
	return 0;
}

void report_close(struct report *r)
{
	fd_close(&r->fd);
	fd_close(&r->dir_fd);
}
