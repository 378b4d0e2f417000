/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mountinfo: which file system a place lies on, and where in it (proc(5),
 * /proc/self/mountinfo). Two paths that lead to one directory, by whatever mounts, are
 * the same device and the same path within it.
 */
#ifndef RUNNER_MOUNTINFO_H
#define RUNNER_MOUNTINFO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* One line. The strings are its own, unescaped in place; valid until the text is freed. */
struct mountinfo_line {
	uint64_t id;
	char *device; /* "8:1" */
	char *root;   /* what of the file system is mounted there */
	char *point;
	bool read_only; /* the mount, not the file system */
	char *type;
	char *options; /* of the file system, still escaped */
};

struct mountinfo {
	char *text;
	struct mountinfo_line *lines;
	size_t n;
};

/* Where something lies. */
struct mountinfo_place {
	uint64_t mount;			   /* id */
	const struct mountinfo_line *line; /* NULL: of a mount above a chroot, not listed */
	char *here;			   /* its path as this process sees it */
	char *within; /* in its file system; of a mount that is not listed: as `here` */
};

/** Read it all. 0 or -errno, with *e set: what cannot be read is not guessed. */
int mountinfo_read(struct mountinfo *m, struct err *e);
void mountinfo_clear(struct mountinfo *m);

/** Where an open file lies. 0 or -errno. place_clear() is due when it is 0. */
int mountinfo_find(const struct mountinfo *m, int fd, struct mountinfo_place *ret, struct err *e);
void mountinfo_place_clear(struct mountinfo_place *p);

/** Space, tab, newline and backslash are \040, \011, \012 and \134. In place. */
void mountinfo_unescape(char *s);

#endif
