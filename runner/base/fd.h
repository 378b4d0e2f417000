/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fd: file descriptors with one owner, and whole reads and writes.
 *
 * Every descriptor is born CLOEXEC. `cleanup_fd int fd = -1;` closes at the end
 * of the scope; steal_fd() hands the descriptor over. Parent side only.
 */
#ifndef RUNNER_BASE_FD_H
#define RUNNER_BASE_FD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/types.h>
#include <unistd.h>

static inline void fd_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static inline void free_ptr(void *p)
{
	free(*(void **)p);
}

#define cleanup_fd __attribute__((cleanup(fd_close)))
#define cleanup_free __attribute__((cleanup(free_ptr)))

static inline int steal_fd(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

/** Write all of it, whatever it takes. Returns 0 or -errno. */
int fd_write_all(int fd, const void *data, size_t length);

/**
 * Read a whole file that must not be larger than `limit` bytes. On success
 * *ret is a NUL-terminated buffer for free() and *ret_length its length
 * without the NUL. Returns 0 or -errno; -EFBIG when the file is larger.
 */
int fd_read_all(int fd, size_t limit, char **ret, size_t *ret_length);

/**
 * A file of the kernel's (procfs, sysfs, cgroupfs): one read of at most size - 1
 * bytes, NUL-terminated. Returns their number or -errno; *ret is "" then.
 */
ssize_t fd_read_text(int dir_fd, const char *path, char *ret, size_t size);

/** Write a word to such a file, in one write. Returns 0 or -errno. */
int fd_write_text(int dir_fd, const char *path, const char *text);

/**
 * Call `each` for every entry of a directory from its start, "." and ".." left out.
 * The descriptor can be used again, which readdir(3) would not let us. Returns how
 * many there were, or -errno.
 */
int fd_each_entry(int dir_fd, void (*each)(int dir_fd, const char *name, void *arg), void *arg);

/**
 * Call `each` for every line of a file of the kernel's, while it wants more; lines longer
 * than 8 KiB are left out. False: it could not be read (errno).
 */
bool fd_each_line(int dir_fd, const char *path, bool (*each)(const char *line, void *arg),
		  void *arg);

#endif
