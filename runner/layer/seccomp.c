/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seccomp: which system calls exist for the payload (seccomp(2)): the policy. How it
 * is put together with the guard and loaded is filter.c's.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/seccomp.h>
#include <stdio.h>

#include "../seccomp/bpf.h"
#include "base/raw.h"
#include "layer/filter.h"
#include "layer/layer.h"

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
	return 0;
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
	.enter = filter_enter,
	.prove = prove_seccomp,
	.describe = describe_seccomp,
};
