/* SPDX-License-Identifier: Apache-2.0 */
#include "policy_file.h"

#include <errno.h>
#include <string.h>

#include "../seccomp/policy.h"
#include "base/fd.h"
#include "base/open.h"
#include "builtin.h"

int policy_file_load(const char *path, struct sock_fprog *filter, struct sock_fprog *verdict,
		     struct err *e)
{
	struct stat st;
	cleanup_fd int fd = open_regular("seccomp policy", path, &st, e);
	cleanup_free char *text = NULL;
	struct policy policy;
	size_t length;
	int r;

	if (fd < 0)
		return fd;
	r = fd_read_all(fd, 1 << 20, &text, &length);
	if (r < 0)
		return err_set(e, -r, "seccomp policy '%s': %s", path, strerror(-r));
	if (strlen(text) != length)
		return err_set(e, EINVAL, "seccomp policy '%s': holds a NUL byte", path);
	r = policy_compile(path, text, builtin_policy_text, &policy, e);
	if (r < 0)
		return r;
	*filter = (struct sock_fprog){ (unsigned short)policy.filter_length, policy.filter };
	*verdict = (struct sock_fprog){ (unsigned short)policy.verdict_length, policy.verdict };
	return 0;
}
