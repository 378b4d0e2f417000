/* SPDX-License-Identifier: Apache-2.0 */
/*
 * guard: what stands in front of every policy (seccomp/guard.json): no policy of the
 * user's, and no --without seccomp, opens it again.
 *
 * Rows: coredump, special_files, init_guard, filter_attach, uncounted, and unix_sockets in
 * a file of its own: one for each block of rules, so that each can be left out by its own
 * name. Which of the rows are entered decides which blocks filter.c puts into the program.
 */
#define _GNU_SOURCE
#include "layer/guard.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "../seccomp/bpf.h"
#include "base/fd.h"
#include "base/raw.h"
#include "layer/filter.h"
#include "layer/layer.h"

#ifndef SYS_fchmodat2
#define SYS_fchmodat2 452
#endif
#ifndef PR_FUTEX_HASH
#define PR_FUTEX_HASH 78
#endif

IN_CHILD int guard_ask(struct child *c, int layer, const struct guard_question *q, unsigned int n)
{
	const struct sock_fprog *f = &c->plan->filter;
	int r = 0;

	for (unsigned int i = 0; r == 0 && i < n; i++) {
		struct seccomp_data d = { .nr = q[i].nr, .arch = BPF_NATIVE_ARCH };

		for (int k = 0; k < 6; k++)
			d.args[k] = q[i].args[k];
		r = child_check(c, layer, bpf_run(f->filter, f->len, &d) == SECCOMP_RET_USER_NOTIF,
				q[i].what);
	}
	return r;
}

/* -- coredump --------------------------------------------------------------- */

/*
 * core(5): a limit of 1 stops a core dump that goes to a pipe as well; 0 would still
 * start the host's handler. A socket ('@', Linux 6.16) is never held back by a limit.
 */
static int plan_coredump(struct plan *plan, struct err *e)
{
	const struct host *host = plan->host;

	if (host->core_pattern == '@') {
		err_set(e, EPERM,
			"coredump: core_pattern sends every crash to a socket of the "
			"host ('@'), and no limit holds that back");
		return err_hint(e, "change it (sysctl kernel.core_pattern=core), or let crashes "
				   "out: --without coredump");
	}
	if (host->core == 0 && host->core_pattern == '|') {
		err_set(e, EPERM,
			"coredump: RLIMIT_CORE cannot be raised to 1, and core_pattern "
			"starts a program of the host");
		return err_hint(e, "start runner with a hard core limit of at least 1 byte");
	}
	plan->core_limit = host->core ? 1 : 0;
	return 0;
}

/* The first of the filter's rows: once the filter stands, the limit cannot be set. */
IN_CHILD static int enter_coredump(struct child *c)
{
	uint64_t limit[2] = { c->plan->core_limit, c->plan->core_limit };
	long r = raw4(SYS_prlimit64, 0, RLIMIT_CORE, limit, NULL);

	return r < 0 ? (int)r : filter_enter(c);
}

IN_CHILD static int prove_coredump(struct child *c)
{
	static const struct guard_question questions[] = {
		{ SYS_prlimit64, { 0, RLIMIT_CORE, 1, 1 }, "RLIMIT_CORE could be set" },
		{ SYS_prlimit64, { 2, RLIMIT_CORE, 1, 0 }, "another's RLIMIT_CORE could be set" },
	};
	uint64_t now[2] = { UNLIMITED, UNLIMITED };
	int r;

	raw4(SYS_prlimit64, 0, RLIMIT_CORE, NULL, now);
	r = child_check(c, LAYER_COREDUMP,
			now[0] == c->plan->core_limit && now[1] == c->plan->core_limit,
			"RLIMIT_CORE is not what was planned");
	/* The kernel would look at the limit (EFAULT). */
	if (r == 0)
		r = child_check(c, LAYER_COREDUMP,
				raw4(SYS_prlimit64, 0, RLIMIT_CORE, 1, NULL) == 0,
				"prlimit(2) on RLIMIT_CORE was not answered by the filter");
	return r < 0 ? r : GUARD_ASK(c, LAYER_COREDUMP, questions);
}

static void describe_coredump(const struct plan *plan, struct jout *j)
{
	jout_uint(j, "rlimit_core", plan->core_limit);
}

static void probe_coredump(const struct host *host, struct finding *ret)
{
	char pattern[2] = "";

	/* Where a run need not know it, doctor says it all the same. */
	fd_read_text(AT_FDCWD, "/proc/sys/kernel/core_pattern", pattern, sizeof(pattern));
	if (pattern[0] == '|')
		snprintf(ret->detail, sizeof(ret->detail),
			 "core_pattern starts a program of the host: RLIMIT_CORE is 1, which keeps "
			 "it "
			 "from starting, and cannot be lowered");
	if (host->core_pattern == '@') {
		ret->state = FINDING_MISSING;
		snprintf(ret->detail, sizeof(ret->detail),
			 "core_pattern sends every crash to a socket of the host");
		snprintf(ret->remedy, sizeof(ret->remedy), "sysctl kernel.core_pattern=core");
	} else if (host->core_pattern == '|' && host->core == 0) {
		ret->state = FINDING_MISSING;
		snprintf(ret->detail, sizeof(ret->detail),
			 "the hard core limit is 0 and core_pattern starts a program of the host");
		snprintf(ret->remedy, sizeof(ret->remedy),
			 "start runner with a hard core limit of at least 1 byte (limits.conf(5))");
	}
}

const struct layer layer_coredump = {
	.name = "coredump",
	.summary = "a crash starts no program of the host and leaves no file (core(5))",
	.why_here = "first of the filter's: it sets the limit that the filter then holds",
	.actor = BY_PAYLOAD,
	.probe = probe_coredump,
	.plan = plan_coredump,
	.enter = enter_coredump,
	.prove = prove_coredump,
	.describe = describe_coredump,
};

/* -- special_files ----------------------------------------------------------- */

IN_CHILD static int prove_special_files(struct child *c)
{
	static const struct guard_question questions[] = {
		{ SYS_fchmod, { 0, S_ISUID }, "fchmod(2) would set S_ISUID" },
		{ SYS_fchmodat, { 0, 0, S_ISGID }, "fchmodat(2) would set S_ISGID" },
		{ SYS_fchmodat2, { 0, 0, S_ISUID }, "fchmodat2(2) would set S_ISUID" },
		{ SYS_openat, { 0, 0, O_CREAT, S_ISUID }, "openat(2) would set S_ISUID" },
		{ SYS_mkdirat, { 0, 0, S_ISGID }, "mkdirat(2) would set S_ISGID" },
		{ SYS_mknodat, { 0, 0, S_IFREG | S_ISUID }, "mknodat(2) would set S_ISUID" },
		{ SYS_mknodat, { 0, 0, S_IFCHR }, "mknodat(2) would make a device" },
		{ SYS_renameat2, { 0, 0, 0, 0, 4 }, "renameat2(2) would leave a whiteout" },
#ifdef SYS_open
		{ SYS_chmod, { 0, S_ISUID }, "chmod(2) would set S_ISUID" },
		{ SYS_open, { 0, O_CREAT, S_ISUID }, "open(2) would set S_ISUID" },
		{ SYS_creat, { 0, S_ISGID }, "creat(2) would set S_ISGID" },
		{ SYS_mkdir, { 0, S_ISGID }, "mkdir(2) would set S_ISGID" },
		{ SYS_mknod, { 0, S_IFREG | S_ISUID }, "mknod(2) would set S_ISUID" },
		{ SYS_mknod, { 0, S_IFBLK }, "mknod(2) would make a device" },
#endif
	};
	/* The kernel would say EINVAL. */
	int r = child_check(c, LAYER_SPECIAL_FILES, raw4(SYS_openat2, -1, NULL, NULL, 0) == -ENOSYS,
			    "openat2(2) was not answered by the filter");

	return r < 0 ? r : GUARD_ASK(c, LAYER_SPECIAL_FILES, questions);
}

const struct layer layer_special_files = {
	.name = "special_files",
	.summary = "no set-user-ID or set-group-ID file, no device, whatever is writable",
	.why_here = "with the filter: what it refuses, no row sets up",
	.actor = BY_PAYLOAD,
	.enter = filter_enter,
	.prove = prove_special_files,
};

/* -- init_guard -------------------------------------------------------------- */

IN_CHILD static int prove_init_guard(struct child *c)
{
	static const struct guard_question questions[] = {
		{ SYS_setpriority, { PRIO_PROCESS, 1 }, "init's priority could be set" },
		{ SYS_setpriority, { PRIO_USER, 0 }, "the user's priority could be set" },
		{ SYS_setpriority, { PRIO_PGRP, 1 }, "a group's priority could be set" },
		{ SYS_ioprio_set, { 1, 1 }, "init's I/O priority could be set" },
		{ SYS_ioprio_set, { 3, 0 }, "the user's I/O priority could be set" },
		{ SYS_sched_setscheduler, { 1 }, "init's scheduling could be set" },
		{ SYS_sched_setparam, { 1 }, "init's scheduling could be set" },
		{ SYS_sched_setattr, { 1 }, "init's scheduling could be set" },
		{ SYS_sched_setaffinity, { 1 }, "init's CPUs could be set" },
		{ SYS_prlimit64, { 1, RLIMIT_CPU, 1 }, "init's limits could be set" },
	};

	return GUARD_ASK(c, LAYER_INIT_GUARD, questions);
}

const struct layer layer_init_guard = {
	.name = "init_guard",
	.summary = "how init is scheduled and limited is not the payload's to set",
	.why_here = "with the filter",
	.actor = BY_PAYLOAD,
	.enter = filter_enter,
	.prove = prove_init_guard,
};

/* -- filter_attach ----------------------------------------------------------- */

IN_CHILD static int prove_filter_attach(struct child *c)
{
	static const struct guard_question questions[] = {
		{ SYS_setsockopt, { 0, SOL_SOCKET, SO_ATTACH_FILTER }, "SO_ATTACH_FILTER passes" },
		{ SYS_setsockopt, { 0, SOL_SOCKET, SO_ATTACH_BPF }, "SO_ATTACH_BPF passes" },
		{ SYS_setsockopt,
		  { 0, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF },
		  "SO_ATTACH_REUSEPORT_CBPF passes" },
		{ SYS_setsockopt,
		  { 0, SOL_SOCKET, SO_ATTACH_REUSEPORT_EBPF },
		  "SO_ATTACH_REUSEPORT_EBPF passes" },
		{ SYS_seccomp, { SECCOMP_SET_MODE_FILTER }, "a filter of its own could be set" },
		{ SYS_prctl, { PR_SET_SECCOMP, 2 }, "a filter of its own could be set" },
		{ SYS_bpf, { 0 }, "bpf(2) passes" },
	};
	int r = child_check(c, LAYER_FILTER_ATTACH, raw2(SYS_io_uring_setup, 0, NULL) == -ENOSYS,
			    "io_uring_setup(2) was not answered by the filter");

	return r < 0 ? r : GUARD_ASK(c, LAYER_FILTER_ATTACH, questions);
}

const struct layer layer_filter_attach = {
	.name = "filter_attach",
	.summary = "no program for the kernel to run: no socket filter, seccomp filter or BPF",
	.why_here = "with the filter, which is the last one there can be",
	.actor = BY_PAYLOAD,
	.enter = filter_enter,
	.prove = prove_filter_attach,
};

/* -- uncounted --------------------------------------------------------------- */

static int plan_uncounted(struct plan *plan, struct err *e)
{
	(void)e;
	/* The kernel counts it all in a cgroup; and without a limit nobody needs to. */
	if (!plan_has(plan, LAYER_CGROUP) && plan->spec->limits.memory != UNLIMITED)
		return 0;
	plan->layers &= ~LAYER_BIT(LAYER_UNCOUNTED);
	plan->not_needed |= LAYER_BIT(LAYER_UNCOUNTED);
	return 0;
}

IN_CHILD static int prove_uncounted(struct child *c)
{
	static const struct guard_question questions[] = {
		{ SYS_fcntl, { 0, F_SETPIPE_SZ, 1 }, "F_SETPIPE_SZ passes" },
		{ SYS_sendfile, { 0 }, "sendfile(2) passes" },
		{ SYS_prctl, { PR_FUTEX_HASH, 1, 1 << 24 }, "PR_FUTEX_HASH passes" },
		{ SYS_prctl, { PR_SET_THP_DISABLE, 0 }, "huge pages could be turned on" },
		{ SYS_prctl, { PR_SET_THP_DISABLE, 1, 2 }, "some huge pages could be turned on" },
	};
	/* Answered by the filter itself; the kernel would say EFAULT, EINVAL and EBADF. */
	static const struct {
		int nr;
		uint64_t args[3];
		long answer;
		const char *what;
	} calls[] = {
		{ SYS_memfd_create, { 0, 0xffff }, -ENOSYS, "memfd_create(2) passes" },
		{ SYS_shmget, { 0, 0, 0 }, -ENOSYS, "shmget(2) passes" },
		{ SYS_semget, { 0, 0, 0 }, -ENOSYS, "semget(2) passes" },
		{ SYS_msgget, { 0, 0 }, -ENOSYS, "msgget(2) passes" },
		{ SYS_splice, { (uint64_t)-1 }, -ENOSYS, "splice(2) passes" },
		{ SYS_vmsplice, { (uint64_t)-1 }, -ENOSYS, "vmsplice(2) passes" },
		{ SYS_landlock_create_ruleset, { 0, 1, 0 }, -ENOSYS, "Landlock is there" },
		{ SYS_setsockopt, { (uint64_t)-1, SOL_SOCKET, SO_SNDBUF }, 0, "SO_SNDBUF passes" },
		{ SYS_setsockopt, { (uint64_t)-1, SOL_SOCKET, SO_RCVBUF }, 0, "SO_RCVBUF passes" },
		{ SYS_setsockopt,
		  { (uint64_t)-1, SOL_SOCKET, SO_SNDBUFFORCE },
		  0,
		  "SO_SNDBUFFORCE passes" },
	};
	int r = child_check(c, LAYER_UNCOUNTED, c->no_huge_pages, "there are huge pages");

	for (unsigned int i = 0; r == 0 && i < sizeof(calls) / sizeof(calls[0]); i++)
		r = child_check(c, LAYER_UNCOUNTED,
				raw5(calls[i].nr, calls[i].args[0], calls[i].args[1],
				     calls[i].args[2], 0, 0) == calls[i].answer,
				calls[i].what);
	return r < 0 ? r : GUARD_ASK(c, LAYER_UNCOUNTED, questions);
}

const struct layer layer_uncounted = {
	.name = "uncounted",
	.summary = "without a cgroup: nothing that holds memory nobody can count",
	.why_here = "with the filter",
	.actor = BY_PAYLOAD,
	.plan = plan_uncounted,
	.enter = filter_enter,
	.prove = prove_uncounted,
};
