/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reach_trees: what is seen or written through a bind, with the mounts below it, as
 * places on file systems. For reach.c.
 */
#ifndef RUNNER_REACH_TREES_H
#define RUNNER_REACH_TREES_H

#include "mountinfo.h"
#include "plan.h"

/* A directory with all below it, on one file system, and where it is seen inside. */
struct tree {
	char device[24]; /* "8:1" */
	uint64_t mount;	 /* of a mount that is not listed: then `within` is our path */
	char *within;
	char *inside; /* relative, as a target; NULL: it is not seen */
	const struct plan_bind *bind;
};

struct trees {
	struct tree *list;
	size_t n;
};

/** The part of `path` behind `dir`, "" or "/..."; NULL: it does not lie in it. */
const char *tree_behind(const char *path, const char *dir);

/**
 * Add all that is below an open directory (or file), with the mounts in it. `writable`:
 * what can be written that way; otherwise what is seen. `bind` may be NULL: then it is a
 * place that is not seen inside, by itself.
 */
int trees_add(const struct mountinfo *mounts, struct trees *t, int fd, const struct plan_bind *bind,
	      bool writable, struct err *e);

/** The same for the source of a bind. */
int trees_add_bind(const struct mountinfo *mounts, struct trees *t, const struct plan_bind *b,
		   bool writable, struct err *e);

void trees_clear(struct trees *t);

#endif
