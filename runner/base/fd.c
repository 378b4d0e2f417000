/* SPDX-License-Identifier: Apache-2.0 */
#include "base/fd.h"

#include <errno.h>

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
