/* SPDX-License-Identifier: Apache-2.0 */
/* The profiles of profiles/, compiled in, and those a user brings. */
#include "profile.h"

#include <errno.h>
#include <sha2.h>
#include <string.h>

#include "base/fd.h"
#include "base/open.h"
#include "builtin.h"

static const char *builtin_text(const char *name)
{
	const struct builtin_profile *p = builtin_profile(name);

	return p ? p->text : NULL;
}

int profile_read_file(const char *path, char **ret, struct err *e)
{
	struct stat st;
	cleanup_fd int fd = open_regular("profile", path, &st, e);
	size_t length;
	char *text;
	int r;

	if (fd < 0)
		return fd;
	r = fd_read_all(fd, PROFILE_MAX_BYTES, &text, &length);
	if (r == -EFBIG)
		return err_set(e, EFBIG, "profile '%s': larger than %d bytes", path,
			       PROFILE_MAX_BYTES);
	if (r < 0)
		return err_set(e, -r, "profile '%s': %s", path, strerror(-r));
	if (strlen(text) != length) {
		free(text);
		return err_set(e, EINVAL, "profile '%s': holds a NUL byte", path);
	}
	*ret = text;
	return 0;
}

int profile_load_file(struct spec *s, const char *path, struct err *e)
{
	cleanup_free char *text = NULL;
	int r = profile_read_file(path, &text, e);

	return r < 0 ? r : profile_load_text(s, path, text, e);
}

int profile_load_text(struct spec *s, const char *path, const char *text, struct err *e)
{
	char hex[SHA256_DIGEST_STRING_LENGTH];
	int r;

	profile_defaults(s);
	r = profile_apply(s, path, text, builtin_text, e);
	if (r < 0) {
		spec_clear(s);
		return r;
	}
	SHA256Data((const uint8_t *)text, strlen(text), hex);
	s->profile = path;
	s->profile_sha256 = spec_strdup(s, hex);
	return s->profile_sha256 ? 0 : err_set(e, ENOMEM, "out of memory");
}
