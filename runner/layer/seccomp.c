/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seccomp: which system calls exist for the payload (seccomp(2)).
 *
 * The filter comes ready-made in the plan. Its denials wake the supervisor, who
 * answers with the policy's errno and so knows who tried what; nothing is ever
 * decided from the caller's memory. When the supervisor is gone, such calls fail.
 *
 * A policy that refuses execve(2) but allows execveat(2) on descriptor
 * SECCOMP_EXEC_FD runs the payload through that descriptor: it lies above
 * RLIMIT_NOFILE and is closed by the exec, so no second program can be started.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "../seccomp/bpf.h"
#include "base/raw.h"
#include "builtin.h"
#include "layer/layer.h"
#include "policy_file.h"

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

static int plan_seccomp(struct plan *plan, struct err *e)
{
	const char *name = plan->spec->seccomp;
	const struct builtin_policy *p;

	if (strchr(name, '/')) {
		if (policy_file_load(name, &plan->filter, &plan->verdict, e) < 0)
			return -e->code;
		plan->filter_owned = true;
		return check_startable(plan, e);
	}
	p = builtin_policy(name);
	if (!p) {
		err_set(e, ENOENT, "there is no built-in seccomp policy '%s'", name);
		return err_hint(e, "built-in: default, no-fork; a file is named with a slash, "
				   "as in ./policy.json");
	}
	/* struct sock_fprog is not const, the program behind it is. */
	plan->filter = (struct sock_fprog){ (unsigned short)p->filter_length,
					    (struct sock_filter *)(uintptr_t)p->filter };
	plan->verdict = (struct sock_fprog){ (unsigned short)p->verdict_length,
					     (struct sock_filter *)(uintptr_t)p->verdict };
	return check_startable(plan, e);
}

/* memfd_create without MFD_NOEXEC_SEAL (8): EACCES, as the sysctl would say. */
static const struct sock_filter memfd_filter[] = {
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_memfd_create, 0, 3),
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[1])),
	BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 8, 1, 0),
	BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EACCES),
	BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
};
static const struct sock_fprog memfd_program = {
	sizeof(memfd_filter) / sizeof(memfd_filter[0]),
	(struct sock_filter *)(uintptr_t)memfd_filter,
};

IN_CHILD static int enter_seccomp(struct child *c)
{
	unsigned long flags =
		SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
	long r = 0;

	if (c->plan->memfd_filter && plan_has(c->plan, LAYER_MEMFD))
		r = raw3(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &memfd_program);
	if (r < 0)
		return (int)r;
	r = raw3(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &c->plan->filter);
	if (r < 0)
		return (int)r;
	c->listener_fd = (int)r;
	return 0;
}

/*
 * Calls that fail differently when nothing filters them, and that no policy asks
 * the supervisor about at this point (it has no listener yet).
 */
static const struct {
	int nr;
	const char *what;
} probes[] = {
	{ SYS_clone3, "clone3(2) was not answered by the filter" },
	{ SYS_io_uring_setup, "io_uring_setup(2) was not answered by the filter" },
	{ SYS_io_uring_register, "io_uring_register(2) was not answered by the filter" },
};

IN_CHILD static int prove_seccomp(struct child *c)
{
	const struct sock_fprog *f = &c->plan->filter;
	int r;

	for (unsigned int i = 0; i < sizeof(probes) / sizeof(probes[0]); i++) {
		struct seccomp_data data = { .nr = probes[i].nr, .arch = BPF_NATIVE_ARCH };
		uint32_t answer = bpf_run(f->filter, f->len, &data);

		if (answer != (SECCOMP_RET_ERRNO | ENOSYS))
			continue;
		r = child_check(c, LAYER_SECCOMP, raw0(probes[i].nr) == -ENOSYS, probes[i].what);
		if (r < 0)
			return r;
	}
	if (!c->plan->memfd_filter || !plan_has(c->plan, LAYER_MEMFD))
		return 0;
	return child_check(c, LAYER_MEMFD, raw2(SYS_memfd_create, "proof", 1) == -EACCES,
			   "an executable memfd could be made");
}

static void describe_seccomp(const struct plan *plan, struct jout *j)
{
	jout_string(j, "policy", plan->spec->seccomp);
	jout_uint(j, "instructions", plan->filter.len);
	jout_bool(j, "first_exec_only", plan->exec_fd >= 0);
}

static void probe_seccomp(const struct host *host, struct finding *ret)
{
	uint32_t notify = SECCOMP_RET_USER_NOTIF;

	(void)host;
	if (raw3(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &notify) == 0)
		return;
	ret->state = FINDING_MISSING;
	snprintf(ret->detail, sizeof(ret->detail), "no seccomp filter with user notification");
	snprintf(ret->remedy, sizeof(ret->remedy),
		 "use a kernel with CONFIG_SECCOMP_FILTER, Linux 5.19 or later");
}

const struct layer layer_seccomp = {
	.name = "seccomp",
	.summary = "an allow list of system calls; denials are recorded",
	.why_here = "last: no filter needs to allow what the set-up does",
	.actor = BY_PAYLOAD,
	.probe = probe_seccomp,
	.plan = plan_seccomp,
	.enter = enter_seccomp,
	.prove = prove_seccomp,
	.describe = describe_seccomp,
};
