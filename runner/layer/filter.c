/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The filter comes ready-made in the plan. Its denials wake the supervisor, who
 * answers with the policy's errno and so knows who tried what; nothing is ever
 * decided from the caller's memory. When the supervisor is gone, such calls fail.
 *
 * A policy that refuses execve(2) but allows execveat(2) on descriptor
 * SECCOMP_EXEC_FD runs the payload through that descriptor: it lies above
 * RLIMIT_NOFILE and is closed by the exec, so no second program can be started.
 */
#define _GNU_SOURCE
#include "layer/filter.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#include "../seccomp/policy.h"
#include "base/raw.h"
#include "builtin.h"
#include "layer/layer.h"
#include "policy_file.h"
#include "shared_sizes.h"

enum { SECCOMP_EXEC_FD = 4095 };

#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)
#endif

static bool allows(const struct plan *plan, int nr, uint64_t arg0, uint64_t arg4)
{
	struct seccomp_data data = { .nr = nr,
				     .arch = BPF_NATIVE_ARCH,
				     .args = { arg0, 0, 0, 0, arg4 } };

	return bpf_run(plan->filter.filter, plan->filter.len, &data) == SECCOMP_RET_ALLOW;
}

/* The program must start, and a failed start must be able to end. */
static int check_startable(struct plan *plan, struct err *e)
{
	const char *name = plan->spec->seccomp;

	plan->exec_fd = -1;
	if (!allows(plan, SYS_exit_group, 0, 0))
		return err_set(e, EINVAL, "seccomp policy '%s' must allow exit_group", name);
	if (allows(plan, SYS_execve, 0, 0))
		return 0;
	if (!allows(plan, SYS_execveat, SECCOMP_EXEC_FD, AT_EMPTY_PATH)) {
		err_set(e, EINVAL, "seccomp policy '%s' does not let any program start", name);
		return err_hint(e,
				"allow execve, or execveat with args[0] = %d and args[4] = %d "
				"for the first program only",
				SECCOMP_EXEC_FD, AT_EMPTY_PATH);
	}
	if (plan->host->open_files <= SECCOMP_EXEC_FD) {
		err_set(e, EMFILE,
			"seccomp policy '%s' needs descriptor %d, but the hard limit of "
			"open files is %llu",
			name, SECCOMP_EXEC_FD, (unsigned long long)plan->host->open_files);
		return err_hint(e, "raise it: ulimit -Hn 8192 (as root, or in limits.conf(5))");
	}
	if (plan->spec->limits.open_files > SECCOMP_EXEC_FD)
		return err_set(e, EINVAL,
			       "seccomp policy '%s' needs limits.open_files of at most %d", name,
			       SECCOMP_EXEC_FD);
	if (!plan_has(plan, LAYER_RLIMITS))
		return err_set(e, EINVAL, "seccomp policy '%s' rests on the layer 'rlimits'", name);
	plan->exec_fd = SECCOMP_EXEC_FD;
	return 0;
}

static bool passes(uint32_t answer)
{
	return answer == SECCOMP_RET_ALLOW || answer == SECCOMP_RET_LOG;
}

static bool stays_out(uint32_t answer)
{
	return !passes(answer);
}

/* With any arguments: threads have numbers of their own, and a mask has any size. */
static bool lets_affinity(const struct plan *plan)
{
	return !plan->verdict.len || !bpf_answers_are(plan->verdict.filter, plan->verdict.len,
						      SYS_sched_setaffinity, stays_out);
}

/*
 * Where a mask of CPUs stands in for the limit, the payload must not set it. A policy that
 * lets it contradicts the limit; without a policy nobody holds it, which the report says.
 */
static int check_affinity(struct plan *plan, const char *policy, struct err *e)
{
	if (!plan->cpu_mask_set || !lets_affinity(plan))
		return 0;
	plan->cpu_mask_loose = true;
	if (!policy)
		return 0;
	err_set(e, EINVAL,
		"limit cpus rests on CPU affinity here (there is no cgroup), and seccomp policy "
		"'%.200s' lets the payload set that",
		policy);
	return err_hint(e, "refuse sched_setaffinity in it, or leave the limit out: --cpus "
			   "unlimited; a cgroup holds it, see 'runner doctor'");
}

enum { MEMFD_BLOCK = LAYER_SECCOMP - LAYER_GUARD };

/*
 * The guard's blocks are rows that follow each other, in the order of guard.json, and
 * the last one is for memfd, which stands elsewhere and is a sysctl where it can be.
 */
static unsigned int guard_blocks(const struct plan *plan)
{
	unsigned int blocks = 0;

	for (int i = LAYER_GUARD; i < LAYER_SECCOMP; i++)
		if (plan_has(plan, (unsigned int)i))
			blocks |= POLICY_BLOCK(i - LAYER_GUARD);
	if (plan->memfd_filter && plan_has(plan, LAYER_MEMFD))
		blocks |= POLICY_BLOCK(MEMFD_BLOCK);
	return blocks;
}

int filter_layer(const struct plan *plan, uint32_t verdict)
{
	unsigned int block = policy_block(verdict);

	if (block == MEMFD_BLOCK + 1)
		return LAYER_MEMFD;
	if (block)
		return LAYER_GUARD + (int)block - 1;
	if (!plan_has(plan, LAYER_SECCOMP))
		for (int i = LAYER_GUARD; i < LAYER_SECCOMP; i++)
			if (plan_has(plan, (unsigned int)i))
				return i;
	return LAYER_SECCOMP;
}

static int check_name(const char *name, struct err *e)
{
	if (strchr(name, '/') || builtin_policy(name))
		return 0;
	err_set(e, ENOENT, "there is no built-in seccomp policy '%s'", name);
	return err_hint(e, "built-in: default, no-fork; a file is named with a slash, "
			   "as in ./policy.json");
}

/*
 * mmap(2) that makes much memory shared is told to the supervisor, who lets it pass: see
 * shared_sizes.h. Only where nobody counts, and nobody may look either, and where the policy
 * lets every mmap(2) pass anyway: an answer that the supervisor cannot give (a signal) stays
 * the filter's.
 */
static int observe_mappings(struct plan *plan, struct err *e)
{
	enum { ARGS = offsetof(struct seccomp_data, args), LOW = 0, HIGH = 4 };
	static const struct sock_filter before[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, BPF_NATIVE_ARCH, 0, 9),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mmap, 0, 7),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, ARGS + 3 * 8 + LOW),
		/* MAP_SHARED_VALIDATE has this bit, too. */
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, MAP_SHARED, 0, 5),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, ARGS + 1 * 8 + HIGH),
		BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, 0, 2, 0),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, ARGS + 1 * 8 + LOW),
		BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, SHARED_SIZES_SMALL, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
	};
	const struct sock_fprog *f = &plan->filter;

	if (plan->host->privileged || !plan_has(plan, LAYER_UNCOUNTED) ||
	    !bpf_answers_are(plan->verdict.filter, plan->verdict.len, SYS_mmap, passes))
		return 0;
	plan->observer = malloc(sizeof(before) + f->len * sizeof(f->filter[0]));
	if (!plan->observer)
		return err_set(e, ENOMEM, "out of memory");
	memcpy(plan->observer, before, sizeof(before));
	memcpy((char *)plan->observer + sizeof(before), f->filter, f->len * sizeof(f->filter[0]));
	if (plan->filter_owned)
		free(f->filter);
	plan->filter.len += sizeof(before) / sizeof(before[0]);
	plan->filter.filter = plan->observer;
	return 0;
}

int filter_plan(struct plan *plan, struct err *e)
{
	unsigned int blocks = guard_blocks(plan);
	const char *name = plan_has(plan, LAYER_SECCOMP) ? plan->spec->seccomp : NULL;
	const struct builtin_program *p;

	if (!name && !blocks)
		return check_affinity(plan, NULL, e);
	if (name && check_name(name, e) < 0)
		return -e->code;
	p = name ? builtin_program(name, blocks) : NULL;
	if (p) {
		/* struct sock_fprog is not const, the program behind it is. */
		plan->filter = (struct sock_fprog){ (unsigned short)p->filter_length,
						    (struct sock_filter *)(uintptr_t)p->filter };
		plan->verdict = (struct sock_fprog){ (unsigned short)p->verdict_length,
						     (struct sock_filter *)(uintptr_t)p->verdict };
	} else {
		if (policy_load(name, blocks, &plan->filter, &plan->verdict, e) < 0)
			return -e->code;
		plan->filter_owned = true;
	}
	if (observe_mappings(plan, e) < 0 || check_affinity(plan, name, e) < 0)
		return -e->code;
	return name ? check_startable(plan, e) : 0;
}

/*
 * A huge page of which 4 KiB are left is held as a whole, and counts as these. execve(2) and
 * fork(2) keep the setting. Here and not in a row's own enter: the filter, whose block holds it,
 * comes with the first row that loads it, and a policy behind it may refuse prctl(2).
 */
IN_CHILD static int no_huge_pages(struct child *c)
{
	long r = raw5(SYS_prctl, PR_SET_THP_DISABLE, 1, 0, 0, 0);

	c->no_huge_pages = raw5(SYS_prctl, PR_GET_THP_DISABLE, 0, 0, 0, 0) == 1;
	return (int)r;
}

IN_CHILD int filter_enter(struct child *c)
{
	unsigned long flags =
		SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
	long r;

	if (c->listener_fd >= 0)
		return 0;
	r = plan_has(c->plan, LAYER_UNCOUNTED) ? no_huge_pages(c) : 0;
	if (r < 0)
		return (int)r;
	r = raw3(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &c->plan->filter);
	if (r < 0)
		return (int)r;
	c->listener_fd = (int)r;
	return 0;
}
