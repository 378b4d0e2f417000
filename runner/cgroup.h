/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cgroup: one cgroup (v2) per run: made, limited, read, killed, removed.
 *
 * The parent-side half of the layer of the same name. A run's cgroup lies below
 * the cgroup runner is in or, where that is a leaf of a delegated subtree, beside
 * it; never outside of what was given to the caller. See cgroups(7) and
 * Documentation/admin-guide/cgroup-v2.rst.
 *
 * Who owns a cgroup is proved by a lock (flock(2)) that its runner holds on it:
 * what is marked as ours and no longer locked, a killed runner left behind.
 */
#ifndef RUNNER_CGROUP_H
#define RUNNER_CGROUP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "spec.h"

enum { CGROUP_NAME = 48 };

/* What this host offers; filled by cgroup_probe(). */
struct host_cgroup {
	bool usable;
	const char *why; /* when !usable */
	char remedy[384];
	char base[256];	    /* directory below which runs get theirs */
	char children[160]; /* what to write to its cgroup.subtree_control; "": nothing */
	bool step_down;	    /* runner is alone in it and must move into a leaf first */
};

struct cgroup {
	int base_fd;
	int fd; /* its directory; locked; -1: there is none */
	char name[CGROUP_NAME];
};

/* UNLIMITED: this kernel does not say. */
struct cgroup_usage {
	bool valid;
	uint64_t memory_peak; /* bytes */
	uint64_t memory_high; /* times memory.high made it wait */
	uint64_t memory_max;  /* times memory.max was reached */
	uint64_t oom;	      /* times memory.max left no memory to give */
	uint64_t oom_kill;    /* processes the kernel killed, for this limit or one above */
	uint64_t pids_peak;
	uint64_t pids_max; /* times pids.max refused a new process */
	uint64_t user_us, system_us;
	uint64_t throttled; /* periods */
	uint64_t throttled_us;
	uint64_t read_bytes, written_bytes;		     /* of block devices */
	uint64_t cpu_stall_us, memory_stall_us, io_stall_us; /* some task waited */
};

/** Where runs could get a cgroup, and if nowhere, why and what would help. */
void cgroup_probe(struct host_cgroup *ret, bool privileged);

/**
 * Make one and set its limits. On failure nothing is left, and *e names the file
 * that could not be written.
 */
int cgroup_make(const struct host_cgroup *host, const struct spec_limits *limits,
		struct cgroup *ret, struct err *e);

/** End every process in it. */
void cgroup_kill(const struct cgroup *c);

/** Read the evidence; before cgroup_remove(). */
void cgroup_read(const struct cgroup *c, struct cgroup_usage *ret);

/** CPU time so far, user and system, in microseconds. */
uint64_t cgroup_cpu_us(const struct cgroup *c);

/** How often the kernel has killed for memory in it. */
uint64_t cgroup_oom_kills(const struct cgroup *c);

/** Remove it, waiting at most 2 s for the kernel to let go. False: it stayed. */
bool cgroup_remove(struct cgroup *c);

/** Remove what killed runners left beside it. */
void cgroup_sweep(struct cgroup *c);

#endif
