/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "bind_source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/kernel_fs.h"
#include "base/raw.h"
#include "base/text.h"

static int open_source(const char *path, struct err *e)
{
	struct raw_open_how how = { .flags = O_PATH | O_CLOEXEC,
				    .resolve = RAW_RESOLVE_NO_SYMLINKS };
	long fd = raw4(SYS_openat2, AT_FDCWD, path, &how, sizeof(how));
	char *real;

	if (fd == -ELOOP) {
		real = realpath(path, NULL);
		err_set(e, ELOOP, "bind source '%s' leads through a symbolic link", path);
		err_hint(e, "name what it points to: %s", real ? real : "(it points nowhere)");
		free(real);
		return -ELOOP;
	}
	if (fd < 0)
		return err_set(e, (int)-fd, "bind source '%s': %s", path, strerror((int)-fd));
	return (int)fd;
}

static int check_type(const struct spec_mount *m, const struct stat *st, struct err *e)
{
	if (S_ISDIR(st->st_mode) || S_ISREG(st->st_mode) || (S_ISSOCK(st->st_mode) && m->sockets))
		return 0;
	if (S_ISSOCK(st->st_mode)) {
		err_set(e, EACCES, "bind source '%s' is a socket", m->source);
		return err_hint(
			e, "if the payload may use the service behind it, say so: %s:%s:sockets",
			m->source, m->destination);
	}
	return err_set(e, EINVAL, "bind source '%s' is neither a directory nor a regular file",
		       m->source);
}

/* `of` is what lies there: the source itself, or where something is mounted in it. */
static int check_kernels(const struct spec_mount *m, const char *of, const char *type,
			 struct err *e)
{
	bool itself = strcmp(of, m->source) == 0;

	if (!type || (m->kernel && m->read_only))
		return 0;
	err_set(e, EACCES, "bind source '%s' %s%s%s a file system of the kernel's (%s)", m->source,
		itself ? "is on" : "holds '", itself ? "" : of, itself ? "" : "',", type);
	return err_hint(e,
			m->read_only ? "copy or bind what is needed of it; to show all of it, say "
				       "kernel: %s:%s:kernel"
				     : "its files are switches and processes: no bind makes them "
				       "writable. Read-only: %s:%s:ro,kernel",
			m->source, m->destination);
}

/* In the way of the host's layout, and not of a mount that somebody put there. */
static bool is_system(const struct mountinfo_place *p)
{
	if (!text_path_below(p->here, "/usr") && !text_path_below(p->here, "/etc"))
		return false;
	return p->line &&
	       (strcmp(p->line->point, "/") == 0 || strcmp(p->line->point, "/usr") == 0 ||
		strcmp(p->line->point, "/etc") == 0);
}

/* An automount point is no state of the kernel's: what is mounted there decides. */
static bool is_kernels(const struct mountinfo_line *line)
{
	return kernel_fs_is(line->type) && strcmp(line->type, "autofs") != 0;
}

static int look_below(const struct spec_mount *m, const struct mountinfo *mounts, int fd,
		      struct bind_source *ret, struct err *e)
{
	struct mountinfo_place p;
	int r = mountinfo_find(mounts, fd, &p, e);

	if (r < 0)
		return err_wrap(e, "bind source '%s'", m->source);
	for (size_t i = 0; r == 0 && i < mounts->n; i++) {
		const struct mountinfo_line *line = &mounts->lines[i];

		if (strcmp(line->point, p.here) == 0 || !text_path_below(line->point, p.here))
			continue;
		ret->mounts_below = true;
		if (is_kernels(line))
			r = check_kernels(m, line->point, line->type, e);
	}
	ret->read_only = !p.line || (strncmp(p.line->options, "ro", 2) == 0 &&
				     (p.line->options[2] == ',' || !p.line->options[2]));
	ret->system = is_system(&p) && !ret->mounts_below;
	mountinfo_place_clear(&p);
	return r;
}

int bind_source_look(const struct spec_mount *m, struct mountinfo *mounts, struct bind_source *ret,
		     struct err *e)
{
	cleanup_fd int fd = open_source(m->source, e);
	int r;

	*ret = (struct bind_source){ 0 };
	if (fd < 0)
		return fd;
	if (fstat(fd, &ret->st) < 0)
		return err_set(e, errno, "bind source '%s': %s", m->source, strerror(errno));
	r = check_type(m, &ret->st, e);
	if (r == 0)
		r = check_kernels(m, m->source, kernel_fs_name(fd), e);
	if (r < 0 || !S_ISDIR(ret->st.st_mode))
		return r;
	if (!mounts->lines)
		r = mountinfo_read(mounts, e);
	return r < 0 ? r : look_below(m, mounts, fd, ret, e);
}
