/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "base/reopen.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <linux/limits.h>
#include <unistd.h>

#include "base/raw.h"

enum { FLAGS = O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK };

static long open_same(int dir, const char *path, uint64_t resolve, const struct stat *st)
{
	struct raw_open_how how = { .flags = FLAGS, .resolve = resolve };
	long fd = raw4(SYS_openat2, dir, path, &how, sizeof(how));
	struct stat now;

	if (fd < 0)
		return fd;
	if (fstat((int)fd, &now) == 0 && now.st_dev == st->st_dev && now.st_ino == st->st_ino)
		return fd;
	close((int)fd);
	return -ESTALE;
}

/* Nobody but root and the caller can put something else in a name's place here. */
static bool is_settled(int dir)
{
	struct stat st;

	return fstat(dir, &st) == 0 && (st.st_uid == 0 || st.st_uid == getuid()) &&
	       !(st.st_mode & 022);
}

static long open_in_directory(const char *path, const struct stat *st)
{
	struct raw_open_how how = { .flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
				    .resolve = RAW_RESOLVE_NO_SYMLINKS };
	const char *slash = strrchr(path, '/');
	size_t n = slash ? (size_t)(slash - path) + 1 : 0;
	char parent[256] = ".";
	long dir;
	long fd = -EAGAIN;

	if (n >= sizeof(parent) || !path[n])
		return -EAGAIN;
	memcpy(parent, path, n);
	if (n > 0)
		parent[n] = '\0';
	dir = raw4(SYS_openat2, AT_FDCWD, parent, &how, sizeof(how));
	if (dir < 0)
		return dir;
	if (is_settled((int)dir))
		fd = open_same((int)dir, path + n, RAW_RESOLVE_NO_SYMLINKS, st);
	close((int)dir);
	return fd;
}

long reopen(int looked_at, const char *path, const struct stat *st)
{
	long fd = S_ISREG(st->st_mode) ? open_in_directory(path, st) : -EAGAIN;
	char link[40];

	if (fd >= 0)
		return fd;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", looked_at);
	fd = raw4(SYS_openat, AT_FDCWD, link, FLAGS, 0);
	if (fd != -ENOENT && fd != -ENOTDIR)
		return fd;
	/* No /proc: by its name again, if that is still the same inode. */
	return open_same(AT_FDCWD, path, RAW_RESOLVE_NO_MAGICLINKS, st);
}
