/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/raw.h"

#define PREFIX "runner-"
/* Set on ours: nobody's cgroup is killed for its name. */
#define MARK "user.runner"
/* Where runner itself goes when it was alone in the cgroup it hands down from. */
#define OWN_LEAF "runner.self"

/* The file's text, or "" when this kernel has no such file. */
static const char *read_file(int dir_fd, const char *name, char *ret, size_t size)
{
	fd_read_text(dir_fd, name, ret, size);
	return ret;
}

/* -- making ---------------------------------------------------------------- */

struct setting {
	const char *file;
	size_t limit;	   /* offset in struct spec_limits; or ... */
	const char *value; /* ... always this */
	bool optional;	   /* not every kernel has it */
};

#define LIMIT(f) offsetof(struct spec_limits, f)

static const struct setting settings[] = {
	{ "memory.max", LIMIT(memory), NULL, false },
	{ "memory.high", LIMIT(memory_high), NULL, false },
	/* Memory that can be swapped out is no limit; no file: no swap. */
	{ "memory.swap.max", LIMIT(memory), "0", true },
	{ "memory.zswap.max", LIMIT(memory), "0", true },
	/* A tree without one of its processes is no tree worth having. */
	{ "memory.oom.group", LIMIT(memory), "1", false },
	{ "pids.max", LIMIT(pids), NULL, false },
	{ "cpu.max", LIMIT(cpus_milli), NULL, false },
};

static void format_setting(const struct setting *s, uint64_t limit, char *ret, size_t size)
{
	if (s->value)
		snprintf(ret, size, "%s", s->value);
	else if (s->limit == LIMIT(cpus_milli)) /* us per period of 100 ms */
		/* The kernel takes no quota below 1 ms: then of a whole second. */
		snprintf(ret, size, "%" PRIu64 " %d", limit < 10 ? limit * 1000 : limit * 100,
			 limit < 10 ? 1000000 : 100000);
	else if (s->limit == LIMIT(pids)) /* init is one, too */
		snprintf(ret, size, "%" PRIu64, limit + 1);
	else
		snprintf(ret, size, "%" PRIu64, limit);
}

static int set_limits(int fd, const struct spec_limits *limits, struct err *e)
{
	for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
		const struct setting *s = &settings[i];
		uint64_t limit;
		char text[48];
		int r;

		memcpy(&limit, (const char *)limits + s->limit, sizeof(limit));
		if (limit == UNLIMITED)
			continue;
		format_setting(s, limit, text, sizeof(text));
		r = fd_write_text(fd, s->file, text);
		if (r == -ENOENT && s->optional)
			continue;
		if (r < 0) {
			err_set(e, -r, "layer 'cgroup' cannot be set up: '%s' to %s: %s", text,
				s->file, strerror(-r));
			return r == -ENOENT ? err_hint(e, "its controller was not handed down; see "
							  "'runner doctor'")
					    : r;
		}
	}
	return 0;
}

/* The caller's umask is not for cgroups: ours must be able to enter its own. */
static int make_dir(int base_fd, const char *name)
{
	mode_t old = umask(022);
	int r = mkdirat(base_fd, name, 0755) < 0 ? -errno : 0;

	umask(old);
	return r;
}

/* Locked before anybody can take it for left behind. 1: somebody did; try again. */
static int make_locked(struct cgroup *c)
{
	uint64_t chance = 0;
	struct stat opened;
	struct stat named;
	int r;

	if (getrandom(&chance, sizeof(chance), GRND_NONBLOCK) < 0)
		chance = raw_clock_ns(CLOCK_MONOTONIC);
	snprintf(c->name, sizeof(c->name), PREFIX "%d-%016" PRIx64, getpid(), chance);
	r = make_dir(c->base_fd, c->name);
	if (r < 0)
		return r == -EEXIST ? 1 : r;
	c->fd = openat(c->base_fd, c->name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (c->fd < 0) {
		r = errno == ENOENT ? 1 : -errno;
		unlinkat(c->base_fd, c->name, AT_REMOVEDIR);
		return r;
	}
	if (flock(c->fd, LOCK_EX | LOCK_NB) == 0 && fstat(c->fd, &opened) == 0 &&
	    fstatat(c->base_fd, c->name, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
	    opened.st_ino == named.st_ino) {
		fsetxattr(c->fd, MARK, "1", 1, 0); /* else it is only removed when empty */
		return 0;
	}
	unlinkat(c->base_fd, c->name, AT_REMOVEDIR); /* unless a sweeper was faster */
	fd_close(&c->fd);
	return 1;
}

static int prepare_base(const struct host_cgroup *host, int base_fd, struct err *e)
{
	const char *word = host->children;
	int r = 0;

	if (host->step_down) {
		r = make_dir(base_fd, OWN_LEAF);
		if (r < 0 && r != -EEXIST)
			return err_set(e, -r, "cgroup '%s/" OWN_LEAF "': %s", host->base,
				       strerror(-r));
		r = fd_write_text(base_fd, OWN_LEAF "/cgroup.procs", "0");
		if (r < 0)
			return err_set(e, -r, "cgroup '%s/" OWN_LEAF "' cannot be entered: %s",
				       host->base, strerror(-r));
	}
	if (*word)
		r = fd_write_text(base_fd, "cgroup.subtree_control", word);
	if (r < 0)
		return err_set(e, -r, "cgroup '%s' cannot hand down '%s': %s", host->base, word,
			       strerror(-r));
	return 0;
}

int cgroup_make(const struct host_cgroup *host, const struct spec_limits *limits,
		struct cgroup *ret, struct err *e)
{
	int r;

	*ret = (struct cgroup){ .fd = -1 };
	ret->base_fd = open(host->base, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (ret->base_fd < 0)
		return err_set(e, errno, "cgroup '%s': %s", host->base, strerror(errno));
	r = prepare_base(host, ret->base_fd, e);
	if (r == 0) {
		for (int tries = 0; tries < 8 && (r = make_locked(ret)) == 1; tries++)
			;
		if (r != 0)
			err_set(e, r < 0 ? -r : EBUSY, "cannot make a cgroup in '%s': %s",
				host->base, strerror(r < 0 ? -r : EBUSY));
	}
	if (r == 0)
		r = set_limits(ret->fd, limits, e);
	if (r == 0)
		return 0;
	if (ret->fd >= 0)
		unlinkat(ret->base_fd, ret->name, AT_REMOVEDIR);
	fd_close(&ret->fd);
	fd_close(&ret->base_fd);
	return -e->code;
}

/* -- reading --------------------------------------------------------------- */

/* "name 12\n" in a flat keyed file; UNLIMITED when it is not there. */
static uint64_t value_of(const char *text, const char *key)
{
	size_t n = strlen(key);

	for (const char *p = text; p && *p; p = strchr(p, '\n'), p = p ? p + 1 : NULL)
		if (strncmp(p, key, n) == 0 && p[n] == ' ')
			return strtoull(p + n + 1, NULL, 10);
	return UNLIMITED;
}

/* The sum over all devices of "8:0 rbytes=1 wbytes=2 ...". */
static uint64_t sum_of(const char *text, const char *key)
{
	uint64_t sum = 0;

	for (const char *p = text; (p = strstr(p, key)) != NULL;) {
		p += strlen(key);
		sum += strtoull(p, NULL, 10);
	}
	return sum;
}

static uint64_t number_in(int fd, const char *file)
{
	char text[64];

	read_file(fd, file, text, sizeof(text));
	return text[0] >= '0' && text[0] <= '9' ? strtoull(text, NULL, 10) : UNLIMITED;
}

/* "some avg10=0.00 avg60=0.00 avg300=0.00 total=0" */
static uint64_t stall_in(int fd, const char *file)
{
	char text[256];

	read_file(fd, file, text, sizeof(text));
	text[strcspn(text, "\n")] = '\0';
	return text[0] ? sum_of(text, "total=") : UNLIMITED;
}

uint64_t cgroup_oom_kills(const struct cgroup *c)
{
	char text[512];
	uint64_t n = value_of(read_file(c->fd, "memory.events", text, sizeof(text)), "oom_kill");

	return n == UNLIMITED ? 0 : n;
}

uint64_t cgroup_cpu_us(const struct cgroup *c)
{
	char text[1024];
	uint64_t us = value_of(read_file(c->fd, "cpu.stat", text, sizeof(text)), "usage_usec");

	return us == UNLIMITED ? 0 : us;
}

void cgroup_read(const struct cgroup *c, struct cgroup_usage *ret)
{
	char text[4096];

	ret->valid = true;
	ret->memory_peak = number_in(c->fd, "memory.peak");
	ret->pids_peak = number_in(c->fd, "pids.peak");
	read_file(c->fd, "memory.events", text, sizeof(text));
	ret->memory_high = value_of(text, "high");
	ret->memory_max = value_of(text, "max");
	ret->oom = value_of(text, "oom");
	ret->oom_kill = value_of(text, "oom_kill");
	ret->pids_max = value_of(read_file(c->fd, "pids.events", text, sizeof(text)), "max");
	read_file(c->fd, "cpu.stat", text, sizeof(text));
	ret->user_us = value_of(text, "user_usec");
	ret->system_us = value_of(text, "system_usec");
	ret->throttled = value_of(text, "nr_throttled");
	ret->throttled_us = value_of(text, "throttled_usec");
	read_file(c->fd, "io.stat", text, sizeof(text));
	ret->read_bytes = sum_of(text, "rbytes=");
	ret->written_bytes = sum_of(text, "wbytes=");
	ret->cpu_stall_us = stall_in(c->fd, "cpu.pressure");
	ret->memory_stall_us = stall_in(c->fd, "memory.pressure");
	ret->io_stall_us = stall_in(c->fd, "io.pressure");
}

/* -- ending ---------------------------------------------------------------- */

void cgroup_kill(const struct cgroup *c)
{
	/* Linux 5.14; before that the end of init's pid namespace does it. */
	(void)fd_write_text(c->fd, "cgroup.kill", "1");
}

/* The dead leave a moment after they are reaped. */
static bool remove_within(int base_fd, const char *name, int ms)
{
	const struct timespec moment = { 0, 1000 * 1000 };

	for (int waited = 0;; waited++) {
		if (unlinkat(base_fd, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
			return true;
		if (errno != EBUSY || waited >= ms)
			return false;
		nanosleep(&moment, NULL);
	}
}

bool cgroup_remove(struct cgroup *c)
{
	bool removed = true;

	if (c->fd >= 0)
		removed = remove_within(c->base_fd, c->name, 2000);
	fd_close(&c->fd);
	fd_close(&c->base_fd);
	return removed;
}

static void sweep_one(int base_fd, const char *name, void *arg)
{
	const struct cgroup *own = arg;
	cleanup_fd int fd = -1;

	if (strncmp(name, PREFIX, strlen(PREFIX)) != 0 || strcmp(name, own->name) == 0)
		return;
	fd = openat(base_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0)
		return;
	if (fgetxattr(fd, MARK, NULL, 0) >= 0 && fd_write_text(fd, "cgroup.kill", "1") == 0)
		remove_within(base_fd, name, 50);
	else
		unlinkat(base_fd, name, AT_REMOVEDIR); /* only if nobody is in it */
}

void cgroup_sweep(struct cgroup *c)
{
	fd_each_entry(c->base_fd, sweep_one, c);
}
