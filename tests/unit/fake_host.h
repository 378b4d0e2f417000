/* SPDX-License-Identifier: Apache-2.0 */
/* A machine that never changes: plans made for it are the same everywhere. */
#ifndef TESTS_UNIT_FAKE_HOST_H
#define TESTS_UNIT_FAKE_HOST_H

#include "host.h"

static inline struct host fake_host(bool privileged)
{
	return (struct host){
		.uid = privileged ? 0 : 4711,
		.gid = privileged ? 0 : 4712,
		.pid = 12345,
		.privileged = privileged,
		.may_join = privileged,
		.unprivileged_because = privileged ? NULL : "not root",
		.landlock_abi = 7,
		.memfd_noexec = true,
		.cpus = 4,
		.cpu_mask = { 0xf },
		.open_files = 65536,
		.core = UINT64_MAX,
		.core_pattern = 'c',
		.spread = 42,
		/* one of each: with a cgroup as root, without as a user */
		.cgroup = { .usable = privileged,
			    .why = privileged ? NULL : "the test says so",
			    .remedy = "none",
			    .base = "/sys/fs/cgroup/test" },
		.links = { { "bin", "usr/bin", false },
			   { "sbin", "usr/sbin", false },
			   { "lib", "usr/lib", false },
			   { "lib64", "usr/lib64", false } },
		.etc = { { "/etc/alternatives", false, true, true },
			 { "/etc/ld.so.cache", false, true, false } },
	};
}

#endif
