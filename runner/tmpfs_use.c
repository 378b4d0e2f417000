/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "tmpfs_use.h"

#include <sys/vfs.h>

#include "base/fd.h"

/* An inode and its name, in memory of the kernel's (mm/shmem.c, fs/dcache.c). */
enum { INODE_BYTES = 1024 };

void tmpfs_use_init(struct tmpfs_use *u, const struct plan *plan)
{
	u->plan = plan;
	for (unsigned int i = 0; i < PLAN_MAX_TMPFS; i++)
		u->fds[i] = -1;
	u->most = u->most_part = u->was_full = 0;
	u->fullest = 0;
}

static uint64_t part_of(uint64_t free, uint64_t all)
{
	return all && free <= all ? (all - free) * 1000 / all : 0;
}

static uint64_t look_at(struct tmpfs_use *u, unsigned int i)
{
	struct statfs fs;
	uint64_t part, files;

	if (u->fds[i] < 0 || fstatfs(u->fds[i], &fs) < 0)
		return 0;
	part = part_of(fs.f_bfree, fs.f_blocks);
	files = part_of(fs.f_ffree, fs.f_files);
	if (files > part)
		part = files;
	if (part > u->most_part) {
		u->most_part = part;
		u->fullest = i;
	}
	if ((fs.f_blocks && fs.f_bfree == 0) || (fs.f_files && fs.f_ffree == 0))
		u->was_full |= 1ull << i;
	return (fs.f_blocks - fs.f_bfree) * (uint64_t)fs.f_bsize +
	       (fs.f_files - fs.f_ffree) * INODE_BYTES;
}

uint64_t tmpfs_use_look(struct tmpfs_use *u)
{
	uint64_t sum = 0;

	for (unsigned int i = 0; i < u->plan->n_tmpfs; i++)
		sum += look_at(u, i);
	if (sum > u->most)
		u->most = sum;
	return sum;
}

void tmpfs_use_clear(struct tmpfs_use *u)
{
	for (unsigned int i = 0; i < u->plan->n_tmpfs; i++)
		fd_close(&u->fds[i]);
}
