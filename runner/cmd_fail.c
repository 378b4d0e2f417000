/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "base/display.h"
#include "cmd.h"

/* Several times what is known to be used. */
enum { STACK = 128 * 1024 };

int cmd_check_stack(struct err *e)
{
	struct rlimit l;

	if (getrlimit(RLIMIT_STACK, &l) < 0 || l.rlim_cur >= STACK)
		return 0;
	err_set(e, ENOMEM, "the caller's RLIMIT_STACK is %llu bytes: too little to begin with",
		(unsigned long long)l.rlim_cur);
	return err_hint(e, "raise it (ulimit -s %d)", STACK / 1024);
}

int cmd_fail(const struct err *e)
{
	display_line(stderr, "runner: %s", e->text);
	if (e->hint[0])
		display_line(stderr, "runner: hint: %s", e->hint);
	return e->status ? (int)e->status : ERR_EXIT_RUNNER;
}

int cmd_printed(int status)
{
	struct err e = { 0 };
	bool before = ferror(stdout);
	int error = fflush(stdout) == 0 ? 0 : errno;

	clearerr(stdout); /* it is told once */
	/* A closed stdout wants nothing. It may be /dev/null, read-only, by now. */
	if ((!before && error == 0) || error == EBADF || fcntl(1, F_GETFD) < 0)
		return status;
	err_set(&e, error ? error : EIO, "cannot write standard output%s%s", error ? ": " : "",
		error ? strerror(error) : "");
	return cmd_fail(&e);
}
