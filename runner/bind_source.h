/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bind_source: what a bind would show, and whether it may.
 *
 * A directory or a file. A socket only by the word `sockets`: to show one is to hand over
 * the service behind it. And what the kernel keeps on file systems of its own (/proc,
 * /sys, ...) only by the word `kernel`, and read-only: there a file is a switch or
 * another process, and a write, as the caller, acts on all the caller has.
 */
#ifndef RUNNER_BIND_SOURCE_H
#define RUNNER_BIND_SOURCE_H

#include <stdbool.h>
#include <sys/stat.h>

#include "mountinfo.h"
#include "spec.h"

struct bind_source {
	struct stat st;
	/* Of a directory: */
	bool mounts_below; /* others are mounted in it */
	bool read_only;	   /* its whole file system is */
	bool system;	   /* lies in /usr or /etc: what every host has there */
};

/**
 * Look at it. *mounts is read when it is needed and still empty; the caller clears it.
 * 0; -ENOENT, which an optional one may be; or -errno. *e says what and why.
 */
int bind_source_look(const struct spec_mount *m, struct mountinfo *mounts, struct bind_source *ret,
		     struct err *e);

#endif
