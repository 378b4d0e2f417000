/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/raw.h"

int fd_write_all(int fd, const void *data, size_t length)
{
	const char *p = data;

	while (length > 0) {
		ssize_t n = write(fd, p, length);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		p += n;
		length -= (size_t)n;
	}
	return 0;
}

int fd_read_all(int fd, size_t limit, char **ret, size_t *ret_length)
{
	size_t size = 4096;
	size_t length = 0;
	cleanup_free char *buffer = malloc(size + 1);

	if (!buffer)
		return -ENOMEM;
	for (;;) {
		ssize_t n;

		if (length == size) {
			char *larger = realloc(buffer, size * 2 + 1);

			if (!larger)
				return -ENOMEM;
			buffer = larger;
			size *= 2;
		}
		n = read(fd, buffer + length, size - length);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		length += (size_t)n;
		if (length > limit)
			return -EFBIG;
	}
	buffer[length] = '\0';
	*ret = buffer;
	buffer = NULL;
	*ret_length = length;
	return 0;
}

ssize_t fd_read_text(int dir_fd, const char *path, char *ret, size_t size)
{
	cleanup_fd int fd = openat(dir_fd, path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -errno : read(fd, ret, size - 1);

	if (fd >= 0 && n < 0)
		n = -errno;
	ret[n > 0 ? n : 0] = '\0';
	return n;
}

int fd_write_text(int dir_fd, const char *path, const char *text)
{
	cleanup_fd int fd = openat(dir_fd, path, O_WRONLY | O_CLOEXEC);

	return fd < 0 || write(fd, text, strlen(text)) < 0 ? -errno : 0;
}

int fd_each_entry(int dir_fd, void (*each)(int dir_fd, const char *name, void *arg), void *arg)
{
	char entries[1024] __attribute__((aligned(8))); /* a name is at most 255 long */
	int count = 0;
	long n;

	if (lseek(dir_fd, 0, SEEK_SET) < 0)
		return -errno;
	while ((n = raw3(SYS_getdents64, dir_fd, entries, sizeof(entries))) > 0)
		for (long at = 0; at < n;) {
			/* struct linux_dirent64: ino 8, off 8, reclen 2, type 1, name */
			const char *name = entries + at + 19;

			at += *(const uint16_t *)(const void *)(entries + at + 16);
			if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
				continue;
			count++;
			each(dir_fd, name, arg);
		}
	return n < 0 ? (int)n : count;
}

enum { LINE = 8192 };

bool fd_each_line(int dir_fd, const char *path, bool (*each)(const char *line, void *arg),
		  void *arg)
{
	char text[LINE + 1];
	size_t kept = 0;
	ssize_t n;
	cleanup_fd int fd = openat(dir_fd, path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return false;
	while ((n = read(fd, text + kept, LINE - kept)) > 0) {
		char *line = text, *end;

		text[kept + (size_t)n] = '\0';
		for (; (end = strchr(line, '\n')) != NULL; line = end + 1) {
			*end = '\0';
			if (!each(line, arg))
				return true;
		}
		kept = strlen(line);
		if (kept >= LINE - 1)
			kept = 0; /* no line that matters is that long */
		memmove(text, line, kept);
	}
	return n == 0;
}
