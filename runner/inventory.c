/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "inventory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/raw.h"
#include "memory_device.h"

enum {
	MOST = 1 << 17, /* of each sort; .bss, touched as far as it is used */
};

struct object {
	uint64_t inode;
	uint64_t size; /* bytes that are in it */
};

/* What is there once, by its inode. */
struct once {
	unsigned int n;
	uint64_t inodes[MOST];
};

static struct object objects[MOST];
static unsigned int n_objects;
static struct once pipes, sockets, of_threads;

struct walk {
	struct inventory *i;
	int proc_fd;
	int dir_fd;  /* of the process it is at ... */
	bool mapped; /* ... whose mappings have been seen */
	dev_t pid_ns_dev;
	ino_t pid_ns;
	const char *first;     /* the number of its first thread ... */
	bool leads;	       /* ... which it is at */
	bool others;	       /* there are more */
	int error;	       /* that a thread's descriptors gave */
	uint64_t lines, until; /* of the list of locks */
};

static void see(struct inventory *i, struct once *o, uint64_t inode)
{
	if (o->n < MOST)
		o->inodes[o->n++] = inode;
	else
		i->complete = false;
}

static int by_number(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static uint64_t count_once(struct once *o)
{
	uint64_t n = 0;

	qsort(o->inodes, o->n, sizeof(o->inodes[0]), by_number);
	for (unsigned int k = 0; k < o->n; k++)
		n += k == 0 || o->inodes[k] != o->inodes[k - 1];
	return n;
}

/* Of these, how many are not among those, which are in order. */
static uint64_t count_missing(struct once *o, const struct once *among)
{
	uint64_t n = 0;

	qsort(o->inodes, o->n, sizeof(o->inodes[0]), by_number);
	for (unsigned int k = 0; k < o->n; k++)
		n += (k == 0 || o->inodes[k] != o->inodes[k - 1]) &&
		     !bsearch(&o->inodes[k], among->inodes, among->n, sizeof(among->inodes[0]),
			      by_number);
	return n;
}

/* That it has ended is no error. */
static bool is_gone(int error)
{
	return error == ENOENT || error == ESRCH;
}

/* An errno; 0 and less: there is none. */
static void note(struct walk *w, int error)
{
	if (error > 0 && !is_gone(error))
		w->error = error;
}

/* -- mappings ------------------------------------------------------------------- */

static struct object *object_of(uint64_t inode)
{
	/* Neighbours in the list are mostly the same. */
	for (unsigned int k = n_objects; k > 0 && n_objects - k < 64; k--)
		if (objects[k - 1].inode == inode)
			return &objects[k - 1];
	if (n_objects == MOST)
		return NULL;
	objects[n_objects] = (struct object){ .inode = inode };
	return &objects[n_objects++];
}

/* map_files names it without leading zeros, and only root may follow. */
static void look_inside(struct walk *w, struct object *o, unsigned long start, unsigned long end)
{
	char path[64];
	struct stat st;

	snprintf(path, sizeof(path), "map_files/%lx-%lx", start, end);
	if (!w->i->exact)
		return;
	if (fstatat(w->dir_fd, path, &st, 0) == 0)
		o->size = (uint64_t)st.st_blocks * 512;
	else if (!is_gone(errno))
		w->i->exact = false;
}

/* "start-end perms offset major:minor inode path" */
static bool take_mapping(const char *line, void *arg)
{
	struct walk *w = arg;
	unsigned long start, end, inode;
	unsigned int major, minor;
	struct object *o;

	if (sscanf(line, "%lx-%lx %*s %*x %x:%x %lu", &start, &end, &major, &minor, &inode) != 5)
		return true;
	w->i->mappings++;
	if (inode == 0 || makedev(major, minor) != memory_device())
		return true;
	o = object_of(inode);
	if (!o) {
		w->i->mapped = w->i->exact = false;
		return false;
	}
	if (o->size == 0)
		look_inside(w, o, start, end);
	return true;
}

static int by_inode(const void *a, const void *b)
{
	const struct object *x = a, *y = b;

	return x->inode < y->inode ? -1 : x->inode > y->inode;
}

static void sum_objects(struct inventory *i)
{
	qsort(objects, n_objects, sizeof(objects[0]), by_inode);
	for (unsigned int k = 0; k < n_objects; k++) {
		bool again = k > 0 && objects[k].inode == objects[k - 1].inode;
		uint64_t before = again ? objects[k - 1].size : 0;

		i->objects += !again;
		if (objects[k].size < before)
			objects[k].size = before;
		i->shared += objects[k].size - before;
	}
	if (!i->exact)
		i->shared = 0;
}

/* -- descriptors ---------------------------------------------------------------- */

static bool take_info(const char *line, void *arg)
{
	struct walk *w = arg;

	if (strncmp(line, "tfd:", 4) == 0)
		w->i->watches++;
	else if (strncmp(line, "scm_fds:", 8) == 0) {
		w->i->says_sent = true;
		w->i->sent += strtoull(line + 8, NULL, 10);
	}
	return true;
}

static void take_descriptor(int fd_dir, const char *name, void *arg)
{
	struct walk *w = arg;
	char to[64], path[40];
	ssize_t n = readlinkat(fd_dir, name, to, sizeof(to) - 1);

	w->i->descriptors++;
	if (n < 0) {
		note(w, errno);
		return;
	}
	to[n] = '\0';
	if (strncmp(to, "pipe:[", 6) == 0)
		see(w->i, &pipes, strtoull(to + 6, NULL, 10));
	else if (to[0] == '/') {
		struct stat st;

		/* A FIFO has a name; the inode of a file is not looked for among pipes. */
		if (fstatat(fd_dir, name, &st, 0) == 0 && S_ISFIFO(st.st_mode))
			see(w->i, &pipes, (uint64_t)st.st_ino | (uint64_t)st.st_dev << 40);
	} else if (strncmp(to, "socket:[", 8) == 0 || strcmp(to, "anon_inode:[eventpoll]") == 0) {
		if (to[0] == 's')
			see(w->i, w->leads ? &sockets : &of_threads, strtoull(to + 8, NULL, 10));
		snprintf(path, sizeof(path), "../fdinfo/%.12s", name);
		if (!fd_each_line(fd_dir, path, take_info, w))
			note(w, errno);
	}
}

/* One that is about to end has no memory any more, and is root's. */
static bool is_ending(int task_fd, const char *thread)
{
	char path[40], text[4096];

	snprintf(path, sizeof(path), "%.12s/status", thread);
	return fd_read_text(task_fd, path, text, sizeof(text)) <= 0 || !strstr(text, "\nVmSize:");
}

/* A thread can have descriptors of its own. */
static void take_thread(int task_fd, const char *name, void *arg)
{
	struct walk *w = arg;
	char path[40];
	cleanup_fd int fd = -1;

	w->error = 0;
	snprintf(path, sizeof(path), "%.12s/fd", name);
	fd = openat(task_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	note(w, fd < 0 ? errno : -fd_each_entry(fd, take_descriptor, w));
	if (w->error && !is_ending(task_fd, name))
		w->i->complete = false;
}

/* -- locks ------------------------------------------------------------------------ */

/* The list is the whole host's and may be long: so much time for what others have. */
enum { LOCKS_NS = 300000000 };

/* "1: POSIX  ADVISORY  WRITE 1234 08:01:42 0 EOF"; a waiting one has "->" before POSIX. */
static bool take_lock(const char *line, void *arg)
{
	struct walk *w = arg;
	const char *p = strstr(line, "ADVISORY");
	char path[48];
	struct stat st;
	long pid;

	if (sscanf(p ? p : line, "%*s %*s %ld", &pid) != 1)
		pid = -1;
	snprintf(path, sizeof(path), "/proc/%ld/ns/pid", pid);
	/* One that has ended, or is no process, may have been the run's. */
	if (pid <= 0 ||
	    (stat(path, &st) < 0 ? is_gone(errno)
				 : st.st_ino == w->pid_ns && st.st_dev == w->pid_ns_dev))
		w->i->locks++;
	w->lines++;
	if (raw_clock_ns(CLOCK_MONOTONIC) < w->until)
		return true;
	/* It is mostly others', or it is the run's and cannot be counted. */
	if (w->i->locks > w->lines / 8)
		w->i->complete = false;
	return false;
}

/* -- all of it --------------------------------------------------------------------- */

/* When the first thread has ended, the others are asked; by number, as if it were a process. */
static void take_mappings(int proc_fd, const char *name, void *arg)
{
	struct walk *w = arg;
	uint64_t before = w->i->mappings;
	cleanup_fd int fd = -1;

	if (w->mapped)
		return;
	fd = openat(proc_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	w->dir_fd = fd;
	if ((fd < 0 || !fd_each_line(fd, "maps", take_mapping, w)) && !is_gone(errno))
		w->i->mapped = false;
	w->mapped = w->i->mappings > before;
}

static void take_mappings_of_thread(int task_fd, const char *name, void *arg)
{
	struct walk *w = arg;

	(void)task_fd;
	take_mappings(w->proc_fd, name, w);
}

static void take_other(int task_fd, const char *name, void *arg)
{
	struct walk *w = arg;

	if (strcmp(name, w->first) == 0)
		return;
	w->others = true;
	take_thread(task_fd, name, w);
}

/* The first thread's twice: what it has opened meanwhile is no other's own. */
static void take_descriptors(struct walk *w, int task_fd, const char *process)
{
	w->first = process;
	w->leads = true;
	w->others = false;
	take_thread(task_fd, process, w);
	w->leads = false;
	fd_each_entry(task_fd, take_other, w);
	w->leads = true;
	if (w->others)
		take_thread(task_fd, process, w);
}

static void take_process(int proc_fd, const char *name, void *arg)
{
	struct walk *w = arg;
	char path[40];
	cleanup_fd int task_fd = -1;
	struct stat st;

	/* Init is ours. */
	if (name[0] < '1' || name[0] > '9' || strcmp(name, "1") == 0)
		return;
	snprintf(path, sizeof(path), "%.12s/task", name);
	task_fd = openat(proc_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (task_fd < 0) {
		w->i->mapped &= is_gone(errno);
		return;
	}
	w->i->processes++;
	snprintf(path, sizeof(path), "%.12s/ns/pid", name);
	if (fstatat(proc_fd, path, &st, 0) == 0) {
		w->pid_ns = st.st_ino;
		w->pid_ns_dev = st.st_dev;
	}
	w->proc_fd = proc_fd;
	w->mapped = false;
	take_mappings(proc_fd, name, w);
	fd_each_entry(task_fd, take_mappings_of_thread, w);
	take_descriptors(w, task_fd, name);
}

void inventory_take(int proc_fd, pid_t init, struct inventory *ret)
{
	struct walk w = { .i = ret };
	/* A position of its own in the directory. */
	int own = openat(proc_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	*ret = (struct inventory){ .mapped = true, .complete = true, .exact = true };
	n_objects = pipes.n = sockets.n = of_threads.n = 0;
	if (own < 0 || fd_each_entry(own, take_process, &w) < 0)
		ret->mapped = ret->complete = ret->exact = false;
	w.until = raw_clock_ns(CLOCK_MONOTONIC) + LOCKS_NS;
	if (!fd_each_line(AT_FDCWD, "/proc/locks", take_lock, &w))
		ret->complete = false;
	if (own >= 0)
		close(own);
	ret->pipes = count_once(&pipes);
	ret->sockets = count_once(&sockets);
	ret->private = count_missing(&of_threads, &sockets);
	sum_objects(ret);
	if (ret->sockets || ret->private)
		closed_sockets_take(init, &ret->closed);
}
