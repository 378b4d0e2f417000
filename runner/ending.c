/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "ending.h"

#include <signal.h>
#include <time.h>

#include "base/raw.h"

/* A process that the kernel cannot end (D state): say so rather than wait for ever. */
#define GIVE_UP_NS (10 * 1000000000ull)

/* The kernel kills what is in init's pid namespace. */
void ending_kill(struct ending *ending, const struct running *run, int proc_fd)
{
	bool counted = run->cgroup.fd >= 0;

	if (!ending->begun) {
		ending->begun = true;
		ending->give_up = raw_clock_ns(CLOCK_MONOTONIC) + GIVE_UP_NS;
		/* What is killed with its pid namespace is not added to init's usage. */
		if (!counted && proc_fd >= 0)
			ending->cpu = tree_cpu(proc_fd);
	}
	if (counted)
		cgroup_kill(&run->cgroup);
	raw4(SYS_pidfd_send_signal, run->init_fd, SIGKILL, NULL, 0);
}
