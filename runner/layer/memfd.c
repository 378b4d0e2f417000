/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memfd: no program from memory.
 *
 * A file made by memfd_create(2) lies on no mount, so noexec and Landlock's
 * EXECUTE never see it. As root, vm.memfd_noexec=2 in the sandbox's own pid
 * namespace refuses executable ones and seals the others (data still works).
 * Rootless, or before Linux 6.3, the sysctl cannot be had: a block of the filter
 * (seccomp/guard.json) then refuses every memfd without MFD_NOEXEC_SEAL.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "../seccomp/bpf.h"
#include "base/raw.h"
#include "layer/layer.h"

/* A row that loads the filter; uncounted may not be needed. */
#define LOADS \
	(LAYER_BIT(LAYER_COREDUMP) | LAYER_BIT(LAYER_SPECIAL_FILES) | \
	 LAYER_BIT(LAYER_INIT_GUARD) | LAYER_BIT(LAYER_FILTER_ATTACH) | LAYER_BIT(LAYER_SECCOMP))

static int plan_memfd(struct plan *plan, struct err *e)
{
	plan->memfd_filter = !(plan->host->privileged && plan->host->memfd_noexec);
	if (plan->memfd_filter && !(plan->layers & LOADS)) {
		err_set(e, EINVAL,
			"layer 'memfd' needs the sysctl vm.memfd_noexec (root, Linux 6.3) or "
			"a filter, and all layers that load it are left out");
		return err_hint(e, "leave it out too: --without memfd");
	}
	return 0;
}

IN_CHILD static int enter_memfd(struct child *c)
{
	long fd;
	long r;

	if (c->plan->memfd_filter)
		return 0;
	fd = raw4(SYS_openat, c->host_proc_fd, "sys/vm/memfd_noexec", O_RDWR | O_CLOEXEC, 0);
	if (fd < 0)
		return (int)fd;
	r = raw3(SYS_write, fd, "2", 1);
	c->memfd_fd = (int)fd;
	return r < 0 ? (int)r : 0;
}

/*
 * Read back, not tried out: a refused memfd makes the kernel print a line, which
 * takes more than a millisecond where the console is a serial line. The file
 * answers for the reader's own pid namespace.
 */
IN_CHILD static int prove_memfd(struct child *c)
{
	/* The filter is not loaded yet, and would wake the supervisor; see guard.c. */
	struct seccomp_data plain = { .nr = SYS_memfd_create, .arch = BPF_NATIVE_ARCH };
	const struct sock_fprog *f = &c->plan->filter;
	char value[4] = "";

	if (c->plan->memfd_filter) {
		uint32_t answer = bpf_run(f->filter, f->len, &plain);

		/* ENOSYS: the block `uncounted` stands before this one, and lets none be made. */
		return child_check(c, LAYER_MEMFD,
				   answer == SECCOMP_RET_USER_NOTIF ||
					   answer == (SECCOMP_RET_ERRNO | ENOSYS),
				   "an executable memfd could be made");
	}
	raw4(SYS_pread64, c->memfd_fd, value, sizeof(value), 0);
	return child_check(c, LAYER_MEMFD, value[0] == '2', "vm.memfd_noexec is not 2");
}

static void probe_memfd(const struct host *host, struct finding *ret)
{
	if (host->privileged && host->memfd_noexec)
		return;
	ret->state = FINDING_WEAK;
	snprintf(ret->detail, sizeof(ret->detail),
		 "%s: a seccomp filter refuses memfds without MFD_NOEXEC_SEAL instead",
		 host->privileged ? "no vm.memfd_noexec before Linux 6.3"
				  : host->unprivileged_because);
}

static void describe_memfd(const struct plan *plan, struct jout *j)
{
	jout_string(j, "by", plan->memfd_filter ? "seccomp" : "vm.memfd_noexec=2");
}

const struct layer layer_memfd = {
	.name = "memfd",
	.summary = "no program is executed from memory",
	.why_here = "needs the host's /proc and root, before the root is changed",
	.actor = BY_INIT,
	.probe = probe_memfd,
	.plan = plan_memfd,
	.enter = enter_memfd,
	.prove = prove_memfd,
	.describe = describe_memfd,
};
