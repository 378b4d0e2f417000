/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a report goes: see report.h.
 *
 * Its reader must be able to rely on it: nobody but us has written it, and it is of this
 * run. So the directory is opened once, no link is followed at the last name, the file
 * has no name (or one that nobody guesses) until it is complete, and when it has its own
 * the path must still lead to it. Where the payload could write, none of that would hold.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/open.h"
#include "base/stranger.h"
#include "base/text.h"
#include "reach.h"
#include "report.h"

enum { ROOM = 64 * 1024 }; /* more than a report of 140 denials takes */

static int fail(struct report *r, int code, struct err *e)
{
	report_close(r);
	return err_set(e, code, "report '%s': %s", r->target, strerror(code));
}

static int refuse(struct report *r, int code, const char *what, struct err *e)
{
	report_close(r);
	return err_set(e, code, "report '%s': it is %s", r->target, what);
}

static bool same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* -- a descriptor --------------------------------------------------------------- */

static bool is_null_device(const struct stat *st)
{
	return S_ISCHR(st->st_mode) && st->st_rdev == makedev(1, 3);
}

/* Two names of one terminal: /dev/tty is whichever it is. */
static bool same_stream(const struct stat *a, int fd, int other)
{
	struct stat b;

	if (is_null_device(a) || fstat(other, &b) < 0)
		return false;
	if (same_file(a, &b))
		return true;
	if (!S_ISCHR(a->st_mode) || !S_ISCHR(b.st_mode) || !isatty(fd) || !isatty(other))
		return false;
	return a->st_rdev == b.st_rdev || a->st_rdev == makedev(5, 0) || b.st_rdev == makedev(5, 0);
}

/*
 * What the payload prints goes to our standard output and error; with the report on
 * standard output, all of it to standard error. A report that goes there as well comes
 * after what the payload wrote, which may look just like one.
 */
static int check_shared(struct report *r, struct err *e)
{
	bool on_stdout = strcmp(r->target, "-") == 0;
	struct stat st;

	if (fstat(r->fd, &st) < 0)
		return fail(r, errno, e);
	if (!(on_stdout ? same_stream(&st, r->fd, 2)
			: same_stream(&st, r->fd, 1) || same_stream(&st, r->fd, 2)))
		return 0;
	refuse(r, EINVAL, "where the payload's output goes, which could be taken for it", e);
	return err_hint(e,
			on_stdout ? "give it a file, or send standard error elsewhere%s"
				  : "give it a file, or a descriptor of its own: --report fd:3 "
				    "3>FILE%s",
			"");
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
	return check_shared(r, e);
}

/* "-", fd:N and the names that shells have for the same: their number, or NULL. */
static const char *number_of(const char *where)
{
	static const struct {
		const char *name;
		const char *number; /* NULL: what follows */
	} names[] = {
		{ "-", "1" },	 { "/dev/stdout", "1" }, { "/dev/stderr", "2" },
		{ "fd:", NULL }, { "/dev/fd/", NULL },	 { "/proc/self/fd/", NULL },
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (names[i].number && strcmp(where, names[i].name) == 0)
			return names[i].number;
		if (!names[i].number && text_after(where, names[i].name))
			return text_after(where, names[i].name);
	}
	return NULL;
}

/* -- a path ------------------------------------------------------------------------ */

/*
 * In a directory that many may write (/tmp), somebody else can have put a pipe under the
 * name in advance: he would read the report, and say what he likes to who reads it there.
 * (In a directory of his own he can do so in any case.)
 */
static bool is_planted(const struct report *r, const struct stat *pipe)
{
	struct stat dir;

	return pipe->st_uid != 0 && pipe->st_uid != geteuid() &&
	       (fstat(r->dir_fd, &dir) < 0 || dir.st_uid != pipe->st_uid);
}

/* A pipe or a device: nothing to reserve, nothing to replace. */
static int open_special(struct report *r, const struct stat *there, struct err *e)
{
	struct stat st;

	if (S_ISFIFO(there->st_mode) && is_planted(r, there)) {
		refuse(r, EACCES, "a pipe that another user made, in a directory not theirs", e);
		return err_hint(e, "remove it, or name a place that only you can write");
	}
	r->fd = openat(r->dir_fd, r->name,
		       O_WRONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | O_NOFOLLOW);
	if (r->fd < 0 && errno == ENXIO && S_ISFIFO(there->st_mode))
		return refuse(r, ENXIO, "a pipe that nobody reads", e);
	if (r->fd < 0)
		return fail(r, errno, e);
	if (fstat(r->fd, &st) < 0 || !same_file(&st, there))
		return fail(r, ESTALE, e);
	fd_close(&r->dir_fd);
	return check_shared(r, e);
}

static int refuse_link(struct report *r, struct err *e)
{
	cleanup_free char *real = realpath(r->target, NULL);

	refuse(r, ELOOP, "a symbolic link, and a report follows none", e);
	if (real)
		return err_hint(e, "name what it points to: %s", real);
	return err_hint(e, "it points nowhere: remove it, or name another file");
}

/* 128 random bits: nobody plants a link there in time. */
static int make_temporary(struct report *r)
{
	unsigned char random[16];
	char hex[33];

	if (getrandom(random, sizeof(random), 0) != sizeof(random))
		return -EIO;
	for (int i = 0; i < 16; i++)
		snprintf(hex + 2 * i, 3, "%02x", random[i]);
	snprintf(r->temporary, sizeof(r->temporary), ".runner-%s", hex);
	return 0;
}

/* Unnamed until it is complete: a killed runner leaves nothing behind. */
static int open_file(struct report *r, struct err *e)
{
	int error;

	r->fd = openat(r->dir_fd, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0644);
	if (r->fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL)) {
		/* A file system without unnamed files (overlayfs over some, NFS). */
		mode_t mask = umask(0);

		umask(mask);
		r->mode = 0644 & ~mask;
		if (make_temporary(r) < 0)
			return fail(r, EIO, e);
		r->fd = openat(r->dir_fd, r->temporary,
			       O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
		if (r->fd < 0)
			r->temporary[0] = '\0';
	}
	if (r->fd < 0)
		return fail(r, errno, e);
	error = posix_fallocate(r->fd, 0, ROOM);
	/* Some file systems cannot reserve; then a full disk shows at the end. */
	if (error == ENOSPC || error == EDQUOT || error == EFBIG)
		return fail(r, error, e);
	return 0;
}

static int open_path(struct report *r, const char *path, struct err *e)
{
	const char *name = text_basename(path);
	cleanup_free char *dir = strndup(path, (size_t)(name - path));
	struct stat st;
	struct stat out;

	if (!dir)
		return fail(r, ENOMEM, e);
	if (!name[0] || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return fail(r, EISDIR, e);
	r->dir_fd = open_directory("", dir[0] ? dir : ".", e);
	if (r->dir_fd < 0)
		return err_wrap(e, "report '%s'", path);
	r->name = name;
	if (fstatat(r->dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? open_file(r, e) : fail(r, errno, e);
	switch (st.st_mode & S_IFMT) {
	case S_IFREG:
		for (int fd = 1; fd < 3; fd++)
			if (fstat(fd, &out) == 0 && same_file(&st, &out))
				return refuse(r, EINVAL,
					      "the file that the payload's output goes "
					      "to: the report would replace it",
					      e);
		r->is_old = true;
		return open_file(r, e);
	case S_IFIFO:
	case S_IFCHR: return open_special(r, &st, e);
	case S_IFLNK: return refuse_link(r, e);
	case S_IFDIR: return fail(r, EISDIR, e);
	case S_IFSOCK:
		refuse(r, ENXIO, "a socket, which cannot be opened", e);
		return err_hint(e, "connect to it, and hand the connection in: --report fd:N");
	}
	return refuse(r, EINVAL, "neither a file nor a pipe", e);
}

int report_open(struct report *r, const char *where, struct err *e)
{
	*r = (struct report){
		.fd = -1, .dir_fd = -1, .target = where, .wait_ms = 2000, .wake = -1
	};
	if (!where)
		return 0;
	if (where[0] == '\0')
		return err_set(e, EINVAL, "report: the file's name is empty");
	if (number_of(where))
		return open_number(r, number_of(where), e);
	return open_path(r, where, e);
}

/* -- may it be there? --------------------------------------------------------------- */

/* Has what is open a name that a bind could lead to? */
static bool has_a_name(int fd)
{
	char link[32];
	char path[2];
	struct stat st;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	return fstat(fd, &st) == 0 && st.st_nlink > 0 && readlink(link, path, sizeof(path)) > 0 &&
	       path[0] == '/';
}

int report_check(const struct report *r, const struct plan *plan, struct err *e)
{
	int fd = r->dir_fd >= 0 ? r->dir_fd : r->fd;
	int reached;

	if (r->fd < 0 || (r->dir_fd < 0 && !has_a_name(fd)))
		return 0;
	reached = reach_of(plan, fd, e);
	if (reached == 0)
		return 0;
	err_wrap(e, "report '%s'", r->target);
	if (reached > 0)
		err_hint(e, "put it where no bind leads, or hand it in as a pipe");
	return -e->code;
}

void report_remove_old(const struct report *r)
{
	if (r->dir_fd >= 0 && r->is_old)
		(void)unlinkat(r->dir_fd, r->name, 0); /* if it fails, rename will */
}

/* -- the end --------------------------------------------------------------------------- */

static int give_first_name(const struct report *r, const char *name)
{
	char link[32];
	int error;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", r->fd);
	error = linkat(AT_FDCWD, link, r->dir_fd, name, AT_SYMLINK_FOLLOW) < 0 ? -errno : 0;
	/* Without a /proc it takes a capability. */
	if (error == -ENOENT && linkat(r->fd, "", r->dir_fd, name, AT_EMPTY_PATH) == 0)
		error = 0;
	return error;
}

/*
 * In one step, so that whoever kills us leaves a report or nothing. linkat(2) replaces
 * nothing: over what is there all the same the way leads by a temporary name, which a kill
 * between the two leaves.
 */
static int give_name(struct report *r)
{
	int error = 0;

	if (!r->temporary[0]) {
		error = give_first_name(r, r->name);
		if (error != -EEXIST)
			return error;
		error = make_temporary(r);
		if (error == 0)
			error = give_first_name(r, r->temporary);
		if (error < 0)
			r->temporary[0] = '\0';
	}
	if (error == 0 && renameat(r->dir_fd, r->temporary, r->dir_fd, r->name) < 0)
		error = -errno;
	if (error == 0)
		r->temporary[0] = '\0';
	return error;
}

/* Does the path lead to what we wrote? If not, there shall be nothing of ours. */
static int look_again(struct report *r)
{
	struct stat mine;
	struct stat st;

	if (fstat(r->fd, &mine) < 0)
		return -errno;
	if (fstatat(AT_FDCWD, r->target, &st, AT_SYMLINK_NOFOLLOW) == 0 && same_file(&mine, &st))
		return 0;
	if (fstatat(r->dir_fd, r->name, &st, AT_SYMLINK_NOFOLLOW) == 0 && same_file(&mine, &st))
		(void)unlinkat(r->dir_fd, r->name, 0);
	return -ESTALE;
}

static int finish_file(struct report *r, size_t length)
{
	int error;

	if (r->dir_fd < 0)
		return 0;
	if (ftruncate(r->fd, (off_t)length) < 0 || (r->mode && fchmod(r->fd, r->mode) < 0))
		return -errno;
	error = give_name(r);
	return error < 0 ? error : look_again(r);
}

int report_put(struct report *r, const char *text, size_t length, struct err *e)
{
	int error = stranger_put(r->fd, text, length, r->wait_ms, r->wake);

	if (error == 0)
		error = finish_file(r, length);
	if (error == -ESTALE) {
		report_close(r);
		err_set(e, ESTALE, "report '%s': its place was moved or replaced meanwhile",
			r->target);
		return err_hint(e, "nothing was left there; do not trust what is");
	}
	if (error < 0)
		return fail(r, -error, e);
	report_close(r);
	return 0;
}

void report_close(struct report *r)
{
	if (r->temporary[0] && r->dir_fd >= 0)
		(void)unlinkat(r->dir_fd, r->temporary, 0);
	r->temporary[0] = '\0';
	fd_close(&r->fd);
	fd_close(&r->dir_fd);
}
