/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "base/open.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/kernel_fs.h"
#include "base/raw.h"
#include "base/reopen.h"

enum { MAX_LINKS = 40 }; /* as many as the kernel follows: path_resolution(7) */

/* What an error is about. */
struct thing {
	const char *what;
	const char *path; /* NULL: a descriptor that was handed in */
};

static const char *name(const struct thing *t, char room[320])
{
	if (!t->path)
		return t->what;
	snprintf(room, 320, "%s%s'%.250s'", t->what, t->what[0] ? " " : "", t->path);
	return room;
}

/* -- what it is -------------------------------------------------------------- */

static bool is_memory_device(const struct stat *st, unsigned int number)
{
	return major(st->st_rdev) == 1 && minor(st->st_rdev) == number;
}

/* Devices that may be read without setting anything off: admin-guide/devices.txt. */
static bool is_terminal(const struct stat *st)
{
	switch (major(st->st_rdev)) {
	case 4:	  /* /dev/ttyN, /dev/ttySN */
	case 166: /* ttyACM */
	case 188: /* ttyUSB */
	case 204: /* ttyAMA and its kin */
	case 229: /* hvc */ return true;
	case 5: return minor(st->st_rdev) != 2; /* /dev/tty, /dev/console; not ptmx */
	}
	return major(st->st_rdev) >= 136 && major(st->st_rdev) <= 143; /* /dev/pts/N */
}

static bool is_endless(const struct stat *st)
{
	return is_memory_device(st, 5) || is_memory_device(st, 7) || is_memory_device(st, 8) ||
	       is_memory_device(st, 9);
}

static int refuse(const struct thing *t, int code, const char *words, const char *remedy,
		  struct err *e)
{
	char room[320];

	err_set(e, code, "%s is %s, not a regular file", name(t, room), words);
	if (!remedy)
		remedy = t->path ? "name a regular file, or copy what it holds into one"
				 : "redirect it from a file or a pipe, or give --stdin null";
	return err_hint(e, "%s", remedy);
}

static int judge(const struct thing *t, int fd, const struct stat *st, enum open_type *ret,
		 struct err *e)
{
	char words[64];
	const char *fs;

	switch (st->st_mode & S_IFMT) {
	case S_IFREG:
		fs = kernel_fs_name(fd);
		if (fs) {
			snprintf(words, sizeof(words), "a file of the kernel's (%s)", fs);
			return refuse(t, EACCES, words, NULL, e);
		}
		*ret = OPEN_REGULAR;
		return 0;
	case S_IFIFO: *ret = OPEN_STREAM; return 0;
	case S_IFSOCK:
		if (t->path)
			return refuse(t, ENXIO, "a socket",
				      "a socket cannot be opened: connect to it, and hand the "
				      "connection in as stdin",
				      e);
		*ret = OPEN_STREAM;
		return 0;
	case S_IFCHR:
		*ret = is_memory_device(st, 3) ? OPEN_NULL : OPEN_STREAM;
		if (is_memory_device(st, 3) || is_endless(st) || is_terminal(st) ||
		    (!t->path && isatty(fd)))
			return 0;
		return refuse(t, EACCES, "a device", NULL, e);
	case S_IFDIR: return refuse(t, EISDIR, "a directory", NULL, e);
	case S_IFBLK: return refuse(t, EACCES, "a block device", NULL, e);
	}
	return refuse(t, EACCES, "an object of the kernel's", NULL, e);
}

/* -- finding it -------------------------------------------------------------- */

static long look(int dir, const char *path, uint64_t flags, uint64_t resolve)
{
	struct raw_open_how how = { .flags = O_PATH | O_CLOEXEC | flags, .resolve = resolve };

	return raw4(SYS_openat2, dir, path, &how, sizeof(how));
}

/* Nobody but root and the caller could have put this link into this directory. */
static bool is_ours(const struct stat *link, int dir)
{
	uid_t caller = getuid();
	struct stat st;

	if ((link->st_uid != 0 && link->st_uid != caller) || fstat(dir, &st) < 0)
		return false;
	/* Where it is sticky, others cannot move what is not theirs. */
	return (st.st_uid == 0 || st.st_uid == caller) &&
	       (!(st.st_mode & 022) || (st.st_mode & S_ISVTX));
}

/* The rest of a path, and where we are. */
struct walk {
	int at;
	int links;
	char rest[2 * PATH_MAX];
};

/* A link at the next step: what it says goes before the rest. */
static long follow(const struct thing *t, struct walk *w, int link, const struct stat *st,
		   const char *part, size_t length, struct err *e)
{
	char target[PATH_MAX];
	const char *fs = kernel_fs_name(link);
	char room[320];
	ssize_t n;

	if (fs && strcmp(fs, "proc") == 0) {
		err_set(e, ELOOP, "%s leads through a link of /proc, '%.*s'", name(t, room),
			(int)length, part);
		return err_hint(e, "name the file itself");
	}
	if (!is_ours(st, w->at)) {
		err_set(e, ELOOP,
			"%s leads through a symbolic link that another user could have "
			"planted: '%.*s' (its owner is %u)",
			name(t, room), (int)length, part, st->st_uid);
		return err_hint(e, "look where it leads (realpath(1)), and name the file itself");
	}
	n = readlinkat(link, "", target, sizeof(target));
	if (n <= 0 || n == sizeof(target) || ++w->links > MAX_LINKS ||
	    (size_t)n + strlen(part + length) >= sizeof(w->rest))
		return err_set(e, ELOOP, "%s: %s", name(t, room), strerror(ELOOP));
	memmove(w->rest + n, part + length, strlen(part + length) + 1);
	memcpy(w->rest, target, (size_t)n);
	if (target[0] == '/') {
		close(w->at);
		w->at = (int)look(AT_FDCWD, "/", O_DIRECTORY, 0);
	}
	return w->at < 0 ? err_set(e, -w->at, "%s: /: %s", name(t, room), strerror(-w->at)) : 0;
}

static long step(const struct thing *t, struct walk *w, struct err *e)
{
	const char *part = w->rest + strspn(w->rest, "/");
	size_t length = strcspn(part, "/");
	char room[NAME_MAX + 1];
	char words[320];
	struct stat st;
	long fd;
	long r;

	if (length > NAME_MAX)
		return err_set(e, ENAMETOOLONG, "%s: %s", name(t, words), strerror(ENAMETOOLONG));
	memcpy(room, part, length);
	room[length] = '\0';
	fd = look(w->at, room, O_NOFOLLOW, RAW_RESOLVE_NO_MAGICLINKS);
	if (fd < 0)
		return err_set(e, (int)-fd, "%s: %s", name(t, words), strerror((int)-fd));
	if (fstat((int)fd, &st) < 0)
		r = err_set(e, errno, "%s: %s", name(t, words), strerror(errno));
	else if (S_ISLNK(st.st_mode))
		r = follow(t, w, (int)fd, &st, part, length, e);
	else {
		int before = w->at;

		w->at = (int)fd;
		memmove(w->rest, part + length, strlen(part + length) + 1);
		close(before);
		return 0;
	}
	close((int)fd);
	return r;
}

/* As root: link by link, each judged. */
static long walk(const struct thing *t, struct err *e)
{
	struct walk w = { .at = -1 };
	char room[320];

	if (strlen(t->path) >= PATH_MAX)
		return err_set(e, ENAMETOOLONG, "%s: %s", name(t, room), strerror(ENAMETOOLONG));
	memcpy(w.rest, t->path, strlen(t->path) + 1);
	w.at = (int)look(AT_FDCWD, t->path[0] == '/' ? "/" : ".", O_DIRECTORY, 0);
	if (w.at < 0)
		return err_set(e, -w.at, "%s: %s", name(t, room), strerror(-w.at));
	while (w.rest[strspn(w.rest, "/")]) {
		long r = step(t, &w, e);

		if (r < 0) {
			fd_close(&w.at);
			return r;
		}
	}
	return w.at;
}

static long find(const struct thing *t, struct err *e)
{
	bool root = geteuid() == 0;
	char room[320];
	long fd;

	if (!t->path[0])
		return err_set(e, ENOENT, "%s: the name is empty", name(t, room));
	fd = look(AT_FDCWD, t->path, 0, root ? RAW_RESOLVE_NO_SYMLINKS : RAW_RESOLVE_NO_MAGICLINKS);
	if (fd >= 0)
		return fd;
	if (fd == -ELOOP && root)
		return walk(t, e);
	err_set(e, (int)-fd, "%s: %s", name(t, room), strerror((int)-fd));
	return fd == -ELOOP ? err_hint(e, "links of /proc are not followed; name the file itself")
			    : fd;
}

static int open_judged(const struct thing *t, int looked_at, const struct stat *st, struct err *e)
{
	long fd = reopen(looked_at, t->path, st);
	char room[320];

	if (fd < 0)
		return err_set(e, (int)-fd, "%s cannot be read: %s", name(t, room),
			       strerror((int)-fd));
	return (int)fd;
}

static int open_thing(const struct thing *t, bool regular, enum open_type *ret, struct stat *ret_st,
		      struct err *e)
{
	cleanup_fd int fd = (int)find(t, e);
	int r;

	if (fd < 0)
		return fd;
	if (fstat(fd, ret_st) < 0)
		return err_set(e, errno, "%s '%.250s': %s", t->what, t->path, strerror(errno));
	r = judge(t, fd, ret_st, ret, e);
	if (r == 0 && regular && *ret != OPEN_REGULAR)
		r = refuse(t, EACCES, S_ISFIFO(ret_st->st_mode) ? "a pipe" : "a device", NULL, e);
	return r < 0 ? r : open_judged(t, fd, ret_st, e);
}

int open_regular(const char *what, const char *path, struct stat *ret_st, struct err *e)
{
	const struct thing t = { what, path };
	enum open_type type;

	return open_thing(&t, true, &type, ret_st, e);
}

int open_directory(const char *what, const char *path, struct err *e)
{
	const struct thing t = { what, path };
	char room[320];
	struct stat st;
	int fd = (int)find(&t, e);

	if (fd >= 0 && (fstat(fd, &st) < 0 || !S_ISDIR(st.st_mode))) {
		close(fd);
		return err_set(e, ENOTDIR, "%s: %s", name(&t, room), strerror(ENOTDIR));
	}
	return fd;
}

int open_source(const char *what, const char *path, enum open_type *ret, struct err *e)
{
	const struct thing t = { what, path };
	struct stat st;

	return open_thing(&t, false, ret, &st, e);
}

int open_inherited(const char *what, int fd, enum open_type *ret, struct err *e)
{
	const struct thing t = { what, NULL };
	int listening = 0;
	socklen_t size = sizeof(listening);
	struct stat st;
	int flags;
	int r;

	if (fstat(fd, &st) < 0)
		return err_set(e, errno, "%s: %s", what, strerror(errno));
	r = judge(&t, fd, &st, ret, e);
	/* Of /dev/null nothing is asked; nohup(1) gives one that can only be written. */
	if (r < 0 || *ret == OPEN_NULL)
		return r;
	flags = fcntl(fd, F_GETFL);
	if (flags < 0 || (flags & O_PATH) || (flags & O_ACCMODE) == O_WRONLY) {
		err_set(e, EBADF, "%s is not open for reading", what);
		return err_hint(e, "redirect it from a file or a pipe, or give --stdin null");
	}
	if (S_ISSOCK(st.st_mode) &&
	    getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) == 0 && listening)
		return refuse(&t, EINVAL, "a socket that waits for connections", NULL, e);
	return 0;
}
