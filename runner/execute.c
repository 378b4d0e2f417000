/* SPDX-License-Identifier: Apache-2.0 */
/* The payload's program: executed, or why not. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>

#include "../seccomp/bpf.h"
#include "base/raw.h"
#include "child.h"
#include "layer/layer.h"

/* Does the filter, which is loaded by now, let this very call pass? */
IN_CHILD static bool may_ask(const struct plan *p, int nr, long a, long b, long c)
{
	struct seccomp_data data = { .nr = nr, .arch = BPF_NATIVE_ARCH };

	data.args[0] = (uint64_t)a;
	data.args[1] = (uint64_t)b;
	data.args[2] = (uint64_t)c;
	return p->filter.len == 0 ||
	       bpf_run(p->filter.filter, p->filter.len, &data) == SECCOMP_RET_ALLOW;
}

/* EACCES has several causes; some can be seen, as the payload and at its place. */
IN_CHILD static int why_not(const struct plan *p, const char *path)
{
	struct statfs fs;
	struct stat st;

	if (!may_ask(p, SYS_newfstatat, AT_FDCWD, RAW_ARG(path), RAW_ARG(&st)) ||
	    !may_ask(p, SYS_statfs, RAW_ARG(path), RAW_ARG(&fs), 0) ||
	    raw4(SYS_newfstatat, AT_FDCWD, path, &st, 0) < 0 || raw2(SYS_statfs, path, &fs) < 0)
		return BOARD_NOT_KNOWN;
	if (!S_ISREG(st.st_mode))
		return BOARD_NOT_FILE;
	if (fs.f_flags & ST_NOEXEC)
		return BOARD_NOT_NOEXEC;
	return st.st_mode & 0111 ? BOARD_NOT_KNOWN : BOARD_NOT_MODE;
}

/* ENOENT is also what is said of a file whose interpreter is not there. */
IN_CHILD static int what_is_missing(const struct plan *p, const char *path)
{
	const long flags = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
	char line[256];
	struct stat st;
	long n = -1;
	long fd;

	if (!may_ask(p, SYS_newfstatat, AT_FDCWD, RAW_ARG(path), RAW_ARG(&st)) ||
	    raw4(SYS_newfstatat, AT_FDCWD, path, &st, 0) < 0 || !S_ISREG(st.st_mode))
		return BOARD_NOT_KNOWN;
	fd = may_ask(p, SYS_openat, AT_FDCWD, RAW_ARG(path), flags)
		     ? raw4(SYS_openat, AT_FDCWD, path, flags, 0)
		     : -EPERM;
	if (fd >= 0 && may_ask(p, SYS_read, fd, RAW_ARG(line), sizeof(line)))
		n = raw3(SYS_read, fd, line, sizeof(line));
	for (long i = 2; n > 2 && line[0] == '#' && line[1] == '!' && i < n; i++)
		if (line[i] == '\n')
			return line[i - 1] == '\r' ? BOARD_NOT_CR : BOARD_NOT_THERE;
	return BOARD_NOT_THERE;
}

/* Try each place in turn, as execvp(3) would; nothing is put together here. */
IN_CHILD int execute(struct child *c)
{
	const struct plan *p = c->plan;
	long result = -ENOENT;

	if (p->exec_fd >= 0)
		return (int)raw5(SYS_execveat, p->exec_fd, "", p->argv, p->envp, AT_EMPTY_PATH);
	for (unsigned int i = 0; i < p->n_candidates; i++) {
		long r = raw3(SYS_execve, p->candidates[i], p->argv, p->envp);

		if (r == -ENOENT || r == -ENOTDIR)
			continue;
		result = r;
		c->item = (int)i;
		if (r != -EACCES)
			break;
	}
	if (result == -EACCES)
		c->board.because = why_not(p, p->candidates[c->item]);
	for (unsigned int i = 0; result == -ENOENT && i < p->n_candidates; i++) {
		c->board.because = what_is_missing(p, p->candidates[i]);
		if (c->board.because != BOARD_NOT_KNOWN) {
			c->item = (int)i;
			break;
		}
	}
	return (int)result;
}
