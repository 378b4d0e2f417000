/* SPDX-License-Identifier: Apache-2.0 */
/* A /proc of files, in which every process is what it is said to be. */
#define _GNU_SOURCE
#include "inventory.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "memory_device.h"
#include "suites.h"

enum { OTHERS = 100 };

static char proc[64];
static struct inventory i;

static const char *at(const char *name)
{
	static char path[2][256];
	static int turn;

	turn = !turn;
	snprintf(path[turn], sizeof(path[turn]), "%s/%s", proc, name);
	return path[turn];
}

static void make_dirs(const char *const *names)
{
	for (; *names; names++)
		CU_ASSERT_EQUAL_FATAL(mkdir(at(*names), 0700), 0);
}

static void put(const char *name, const char *text)
{
	FILE *f = fopen(at(name), "w");

	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	fputs(text, f);
	fclose(f);
}

static void lead(const char *name, const char *to)
{
	CU_ASSERT_EQUAL_FATAL(symlink(to, at(name)), 0);
}

/* A line of maps, of the memory that has no name, or of something else. */
static void map(FILE *f, unsigned long start, bool memory, unsigned long inode)
{
	dev_t dev = memory ? memory_device() : memory_device() + 1;

	fprintf(f, "%lx-%lx rw-s 00000000 %02x:%02x %lu /dev/zero (deleted)\n", start,
		start + 0x1000, major(dev), minor(dev), inode);
}

/* What root is shown of a mapping: a file of so many pages. */
static void map_file(const char *name, int pages)
{
	static const char page[4096] = { 1 };
	int fd = open(at(name), O_WRONLY | O_CREAT, 0600);

	CU_ASSERT_TRUE_FATAL(fd >= 0);
	for (int k = 0; k < pages; k++)
		CU_ASSERT_EQUAL(write(fd, page, sizeof(page)), sizeof(page));
	CU_ASSERT_EQUAL(fsync(fd), 0);
	close(fd);
}

static void take(void)
{
	int fd = open(proc, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	CU_ASSERT_TRUE_FATAL(fd >= 0);
	inventory_take(fd, 0, &i); /* init has no number, so nobody is asked for sockets */
	close(fd);
}

/* Two processes and init; of the second one the first thread has ended. */
static void begin(void)
{
	static const char *const dirs[] = { "1", "1/task", "10", "10/task", "10/task/10",
					    "10/task/10/fd", "10/task/10/fdinfo", "10/map_files",
					    "20", "20/task", "20/task/20", "20/task/20/fd",
					    "20/task/21", "20/task/21/fd", "20/task/21/fdinfo",
					    "21", "21/map_files", NULL };
	FILE *f;

	/* On a file system that has blocks for what is in a file. */
	snprintf(proc, sizeof(proc), "/dev/shm/inventory-XXXXXX");
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(proc));
	make_dirs(dirs);
	f = fopen(at("10/maps"), "w");
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	map(f, 0x1000, true, 7);
	map(f, 0x2000, true, 7); /* the same again */
	map(f, 0x3000, true, 8);
	map(f, 0x4000, false, 9); /* a file's */
	map(f, 0x5000, true, 0);  /* nobody's */
	for (unsigned long k = 0; k < OTHERS; k++)
		map(f, 0x100000 + k * 0x1000, true, 1000 + k); /* gone before it is looked into */
	map(f, 0x6000, true, 7); /* and again, far from the first */
	fclose(f);
	map_file("10/map_files/1000-2000", 3);
	map_file("10/map_files/2000-3000", 3);
	map_file("10/map_files/3000-4000", 5);
	map_file("10/map_files/4000-5000", 90);
	map_file("10/map_files/6000-7000", 3);
	put("20/maps", "");
	f = fopen(at("21/maps"), "w");
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	map(f, 0x1000, true, 7); /* shared with the other process */
	fclose(f);
	map_file("21/map_files/1000-2000", 3);
	put("10/task/10/status", "Name:\tx\nVmSize:\t 1 kB\n");
	put("20/task/20/status", "Name:\tx\n");
	put("20/task/21/status", "Name:\tx\nVmSize:\t 1 kB\n");
	lead("10/task/10/fd/0", "pipe:[100]");
	lead("10/task/10/fd/1", "pipe:[100]");
	lead("10/task/10/fd/2", "pipe:[101]");
	lead("10/task/10/fd/3", "socket:[200]");
	lead("10/task/10/fd/4", "anon_inode:[eventpoll]");
	lead("10/task/10/fd/5", "anon_inode:[eventfd]");
	put("10/task/10/fdinfo/3", "pos:\t0\nscm_fds: 0\n");
	put("10/task/10/fdinfo/4", "pos:\t0\ntfd:        0\ntfd:        1\n");
	lead("20/task/21/fd/0", "pipe:[101]");
	lead("20/task/21/fd/1", "socket:[200]");
	lead("20/task/21/fd/2", "socket:[201]");
	put("20/task/21/fdinfo/1", "pos:\t0\n");
	put("20/task/21/fdinfo/2", "pos:\t0\n");
}

static int drop(const char *path, const struct stat *st, int type, struct FTW *w)
{
	(void)st;
	(void)type;
	(void)w;
	return remove(path);
}

static void end(void)
{
	CU_ASSERT_EQUAL(nftw(proc, drop, 16, FTW_DEPTH | FTW_PHYS), 0);
}

static void each_thing_once(void)
{
	begin();
	take();
	CU_ASSERT_TRUE(i.mapped && i.complete && i.exact);
	CU_ASSERT_EQUAL(i.processes, 2);
	CU_ASSERT_EQUAL(i.mappings, 7 + OTHERS);
	CU_ASSERT_EQUAL(i.objects, 2 + OTHERS);
	CU_ASSERT_EQUAL(i.shared, (3 + 5) * 4096);
	CU_ASSERT_EQUAL(i.descriptors, 9);
	CU_ASSERT_EQUAL(i.pipes, 2);
	CU_ASSERT_EQUAL(i.sockets, 1);
	CU_ASSERT_EQUAL(i.private, 1); /* that only another thread has, in a table of its own */
	CU_ASSERT_EQUAL(i.watches, 2);
	CU_ASSERT_TRUE(i.says_sent);
	CU_ASSERT_EQUAL(i.sent, 0);
	end();
}

static void what_is_under_way(void)
{
	begin();
	put("20/task/21/fdinfo/2", "pos:\t0\nscm_fds: 3\n");
	put("10/task/10/fdinfo/3", "pos:\t0\nscm_fds: 4\n");
	CU_ASSERT_EQUAL(mkfifo(at("pipe"), 0600), 0);
	lead("10/task/10/fd/6", at("pipe"));
	take();
	CU_ASSERT_EQUAL(i.sent, 7);
	/* A FIFO's buffer is a pipe's; a file is none. */
	CU_ASSERT_EQUAL(i.pipes, 3);
	lead("10/task/10/fd/7", at("10/maps"));
	take();
	CU_ASSERT_EQUAL(i.pipes, 3);
	CU_ASSERT_EQUAL(i.descriptors, 11);
	CU_ASSERT_TRUE(i.mapped && i.complete && i.exact);
	end();
}

/* What could not be seen is said, and nothing is made of it. */
static void what_cannot_be_seen(void)
{
	begin();
	/* Descriptors: ENOTDIR is no end of a process. */
	CU_ASSERT_EQUAL(rmdir(at("20/task/20/fd")), 0);
	put("20/task/20/fd", "");
	take();
	CU_ASSERT_TRUE(i.complete); /* that thread is ending: it has no memory */
	put("20/task/20/status", "Name:\tx\nVmSize:\t 1 kB\n");
	take();
	CU_ASSERT_FALSE(i.complete);
	CU_ASSERT_TRUE(i.mapped && i.exact);
	end();
	/* A look into a mapping: a link that leads round in a circle is ELOOP. */
	begin();
	CU_ASSERT_EQUAL(unlink(at("10/map_files/3000-4000")), 0);
	take();
	CU_ASSERT_TRUE(i.exact); /* it was unmapped meanwhile */
	CU_ASSERT_EQUAL(i.shared, 3 * 4096);
	lead("10/map_files/3000-4000", "3000-4000");
	take();
	CU_ASSERT_FALSE(i.exact);
	CU_ASSERT_EQUAL(i.shared, 0);
	CU_ASSERT_EQUAL(i.objects, 2 + OTHERS);
	CU_ASSERT_TRUE(i.mapped && i.complete);
	end();
	/* The mappings themselves. */
	begin();
	CU_ASSERT_EQUAL(unlink(at("10/maps")), 0);
	take();
	CU_ASSERT_TRUE(i.mapped);
	lead("10/maps", "maps");
	take();
	CU_ASSERT_FALSE(i.mapped);
	end();
}

/* The list is the whole host's: those of a process of the run's, and no other's. */
static void locks_are_of_the_run(void)
{
	enum { LOCKS = 200 };
	int fds[LOCKS];
	uint64_t before;

	begin();
	CU_ASSERT_EQUAL(mkdir(at("10/ns"), 0700), 0);
	put("lock", "");
	for (int k = 0; k < LOCKS; k++) {
		fds[k] = open(at("lock"), O_RDONLY | O_CLOEXEC);
		CU_ASSERT_EQUAL(flock(fds[k], LOCK_SH), 0);
	}
	take();
	before = i.locks;
	/* We are one of them now. */
	lead("10/ns/pid", "/proc/self/ns/pid");
	take();
	/* (Others of the host come and go meanwhile.) */
	CU_ASSERT_TRUE(i.locks >= before + LOCKS / 2);
	for (int k = 0; k < LOCKS; k++)
		close(fds[k]);
	end();
}

CU_TestInfo inventory_tests[] = {
	{ "each thing once", each_thing_once },
	{ "what is under way", what_is_under_way },
	{ "what cannot be seen", what_cannot_be_seen },
	{ "locks are of the run", locks_are_of_the_run },
	CU_TEST_INFO_NULL,
};
