/* SPDX-License-Identifier: Apache-2.0 */
#include "policy_file.h"

#include <errno.h>
#include <string.h>

#include "../seccomp/policy.h"
#include "base/fd.h"
#include "base/open.h"
#include "builtin.h"

/* Only the guard stands. */
static const char allow_all[] = "{\"defaultAction\": \"SCMP_ACT_ALLOW\"}";

static int read_file(const char *path, char **ret_text, struct err *e)
{
	struct stat st;
	cleanup_fd int fd = open_regular("seccomp policy", path, &st, e);
	size_t length;
	int r;

	if (fd < 0)
		return fd;
	r = fd_read_all(fd, 1 << 20, ret_text, &length);
	if (r < 0)
		return err_set(e, -r, "seccomp policy '%s': %s", path, strerror(-r));
	if (strlen(*ret_text) != length)
		return err_set(e, EINVAL, "seccomp policy '%s': holds a NUL byte", path);
	return 0;
}

int policy_load(const char *name, unsigned int blocks, struct sock_fprog *filter,
		struct sock_fprog *verdict, struct err *e)
{
	struct policy_guard guard = { builtin_guard, blocks };
	cleanup_free char *file = NULL;
	const char *text = allow_all;
	struct policy policy;
	int r = 0;

	if (name && strchr(name, '/')) {
		r = read_file(name, &file, e);
		text = file;
	} else if (name) {
		text = builtin_policy_text(name);
	}
	if (r == 0)
		r = policy_compile(name ? name : "no policy", text, builtin_policy_text, &guard,
				   &policy, e);
	if (r < 0)
		return r;
	*filter = (struct sock_fprog){ (unsigned short)policy.filter_length, policy.filter };
	*verdict = (struct sock_fprog){ (unsigned short)policy.verdict_length, policy.verdict };
	return 0;
}
