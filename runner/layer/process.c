/* SPDX-License-Identifier: Apache-2.0 */
/*
 * process: what a process inherits without being asked: its session, its
 * limits, its environment, its descriptors.
 *
 * Rows: session, rlimits, environment, fds. All are entered by the payload
 * itself: init must not be bound by them.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/raw.h"
#include "layer/layer.h"

/* -- session --------------------------------------------------------------- */

IN_CHILD static int enter_session(struct child *c)
{
	long r = raw0(SYS_setsid);

	(void)c;
	return r < 0 ? (int)r : 0;
}

IN_CHILD static int prove_session(struct child *c)
{
	return child_check(c, LAYER_SESSION, raw1(SYS_getsid, 0) == raw0(SYS_getpid),
			   "the payload does not lead a session of its own");
}

const struct layer layer_session = {
	.name = "session",
	.summary = "a session of its own: no controlling terminal, no job of the caller's",
	.why_here = "any time before the terminal could be used",
	.actor = BY_PAYLOAD,
	.enter = enter_session,
	.prove = prove_session,
};

/* -- rlimits --------------------------------------------------------------- */

static void add_rlimit(struct plan *plan, const char *name, int resource, uint64_t value)
{
	if (value != UNLIMITED)
		plan->rlimits[plan->n_rlimits++] = (struct plan_rlimit){ name, resource, value };
}

/*
 * Without a cgroup: whole CPUs by affinity, rounded up.
 * Runs are spread by pid, or all of them would sit on the first CPU.
 */
static void plan_affinity(struct plan *plan)
{
	const struct host *host = plan->host;
	uint64_t wanted = (plan->spec->limits.cpus_milli + 999) / 1000;
	unsigned int skip;

	if (plan_has(plan, LAYER_CGROUP) || plan->spec->limits.cpus_milli == UNLIMITED ||
	    host->cpus == 0 || wanted >= host->cpus)
		return;
	skip = host->pid % host->cpus;
	for (unsigned int pass = 0; pass < 2 && wanted > 0; pass++)
		for (unsigned int cpu = 0; cpu < sizeof(host->cpu_mask) * 8 && wanted > 0; cpu++) {
			uint64_t bit = 1ull << (cpu % 64);

			if (!(host->cpu_mask[cpu / 64] & bit) || (plan->cpu_mask[cpu / 64] & bit))
				continue;
			if (pass == 0 && skip > 0) {
				skip--;
				continue;
			}
			plan->cpu_mask[cpu / 64] |= bit;
			wanted--;
		}
	plan->cpu_mask_set = true;
}

static int plan_rlimits(struct plan *plan, struct err *e)
{
	const struct spec_limits *l = &plan->spec->limits;
	uint64_t seconds = l->cpu_ms == UNLIMITED ? UNLIMITED : l->cpu_ms / 1000 + 2;
	uint64_t files = l->open_files;

	(void)e;
	/* Rootless, init has the same id and is counted as well. */
	if (!plan_has(plan, LAYER_CGROUP)) {
		add_rlimit(plan, "nproc", RLIMIT_NPROC,
			   l->pids == UNLIMITED	    ? UNLIMITED
			   : plan->host->privileged ? l->pids
						    : l->pids + 1);
		add_rlimit(plan, "data", RLIMIT_DATA, l->memory);
	}
	/* Behind the supervisor, who counts the whole tree; this is per process. */
	add_rlimit(plan, "cpu", RLIMIT_CPU, seconds);
	if (files != UNLIMITED && files > plan->host->open_files)
		files = plan->host->open_files;
	add_rlimit(plan, "nofile", RLIMIT_NOFILE, files);
	add_rlimit(plan, "fsize", RLIMIT_FSIZE, l->file_size);
	add_rlimit(plan, "memlock", RLIMIT_MEMLOCK, 64 * 1024);
	add_rlimit(plan, "msgqueue", RLIMIT_MSGQUEUE, 800 * 1024);
	add_rlimit(plan, "sigpending", RLIMIT_SIGPENDING, 1024);
	add_rlimit(plan, "rtprio", RLIMIT_RTPRIO, 0);
	add_rlimit(plan, "nice", RLIMIT_NICE, 0);
	plan_affinity(plan);
	return 0;
}

IN_CHILD static int enter_rlimits(struct child *c)
{
	const struct plan *p = c->plan;

	for (unsigned int i = 0; i < p->n_rlimits; i++) {
		uint64_t limit[2] = { p->rlimits[i].value, p->rlimits[i].value };
		uint64_t old[2];
		long r;

		c->item = (int)i;
		r = raw4(SYS_prlimit64, 0, p->rlimits[i].resource, limit, NULL);
		if (r == -EPERM) {
			/* The caller's own hard limit is lower still: keep that one. */
			r = raw4(SYS_prlimit64, 0, p->rlimits[i].resource, NULL, old);
			limit[0] = limit[1] = old[1];
			if (r == 0)
				r = raw4(SYS_prlimit64, 0, p->rlimits[i].resource, limit, NULL);
		}
		if (r < 0)
			return (int)r;
	}
	if (p->cpu_mask_set) {
		long r = raw3(SYS_sched_setaffinity, 0, sizeof(p->cpu_mask), p->cpu_mask);

		c->item = (int)p->n_rlimits;
		return r < 0 ? (int)r : 0;
	}
	return 0;
}

IN_CHILD static int prove_rlimits(struct child *c)
{
	const struct plan *p = c->plan;

	for (unsigned int i = 0; i < p->n_rlimits; i++) {
		uint64_t now[2] = { UNLIMITED, UNLIMITED };
		int r;

		c->item = (int)i;
		raw4(SYS_prlimit64, 0, p->rlimits[i].resource, NULL, now);
		r = child_check(c, LAYER_RLIMITS,
				now[0] <= p->rlimits[i].value && now[1] <= p->rlimits[i].value,
				"a resource limit is higher than planned");
		if (r < 0)
			return r;
	}
	return 0;
}

static const char *item_rlimits(const struct plan *plan, int item)
{
	if (item == (int)plan->n_rlimits)
		return "sched_setaffinity(2)";
	return item >= 0 && item < (int)plan->n_rlimits ? plan->rlimits[item].name : NULL;
}

static void describe_rlimits(const struct plan *plan, struct jout *j)
{
	jout_object(j, "limits");
	for (unsigned int i = 0; i < plan->n_rlimits; i++)
		jout_uint(j, plan->rlimits[i].name, plan->rlimits[i].value);
	jout_end_object(j);
	jout_bool(j, "cpu_affinity", plan->cpu_mask_set);
}

const struct layer layer_rlimits = {
	.name = "rlimits",
	.summary = "limits per process and per user namespace (getrlimit(2))",
	.why_here = "set by the payload: init must neither starve nor be counted twice",
	.actor = BY_PAYLOAD,
	.plan = plan_rlimits,
	.enter = enter_rlimits,
	.prove = prove_rlimits,
	.describe = describe_rlimits,
	.item = item_rlimits,
};

/* -- environment ----------------------------------------------------------- */

static int plan_environment(struct plan *plan, struct err *e)
{
	const struct spec *s = plan->spec;
	const char **envp = plan_list(plan, s->n_env, e);
	unsigned int n = 0;

	if (!envp)
		return -ENOMEM;
	for (unsigned int i = 0; i < s->n_env; i++) {
		const char *value = s->env[i].value;

		if (!value)
			value = spec_caller_env(s, s->env[i].name);
		if (!value)
			continue;
		envp[n] = plan_printf(plan, e, "%s=%s", s->env[i].name, value);
		if (!envp[n++])
			return -ENOMEM;
	}
	plan->envp = envp;
	return 0;
}

static void describe_environment(const struct plan *plan, struct jout *j)
{
	/* Names only: a value may be a secret the user passes on purpose. */
	jout_array(j, "names");
	for (const char *const *p = plan->envp; p && *p; p++)
		jout_string_n(j, NULL, *p, strcspn(*p, "="));
	jout_end_array(j);
}

const struct layer layer_environment = {
	.name = "environment",
	.summary = "only the variables the profile names",
	.why_here = "takes effect at exec",
	.actor = BY_PAYLOAD,
	.plan = plan_environment,
	.describe = describe_environment,
};

/* -- fds ------------------------------------------------------------------- */

IN_CHILD static int enter_fds(struct child *c)
{
	(void)c;
	/* Marked, not closed: the error path and the filter's listener still live. */
	return (int)raw3(SYS_close_range, 3, ~0u, RAW_CLOSE_RANGE_CLOEXEC);
}

IN_CHILD static int prove_fds(struct child *c)
{
	bool closed = true;

	/* A sample: close_range(2) is one act for all numbers, or for none. */
	for (int fd = 3; fd < 24; fd++) {
		long flags = raw2(SYS_fcntl, fd, F_GETFD);

		if (flags >= 0 && !(flags & FD_CLOEXEC))
			closed = false;
	}
	return child_check(c, LAYER_FDS, closed, "an inherited descriptor would stay open");
}

const struct layer layer_fds = {
	.name = "fds",
	.summary = "no open file but stdin, stdout and stderr",
	.why_here = "last before the filter: no row after it opens anything",
	.actor = BY_PAYLOAD,
	.enter = enter_fds,
	.prove = prove_fds,
};
