/* SPDX-License-Identifier: Apache-2.0 */
/*
 * host: what this kernel and this user can do.
 *
 * Filled once by host_probe() and passed down; nothing below looks the machine
 * up again. Tests pass a made-up one, so that everything left of launch is
 * tested without privileges and gives the same answer everywhere.
 *
 * host_probe() is on the path from start to exec: it asks only what plan_build()
 * needs. What only `runner doctor` wants to know, the layers' probes ask.
 */
#ifndef RUNNER_HOST_H
#define RUNNER_HOST_H

#include <stdbool.h>
#include <stdint.h>

#include "cgroup.h"

enum host_ns {
	HOST_NS_USER,
	HOST_NS_PID,
	HOST_NS_MNT,
	HOST_NS_NET,
	HOST_NS_IPC,
	HOST_NS_UTS,
	HOST_NS_CGROUP,
	HOST_NS_COUNT,
};
extern const char *const host_ns_names[HOST_NS_COUNT]; /* as in /proc/self/ns */

enum { HOST_NS_NAME = 32 };

/* A top-level directory of the host that a merged-/usr system keeps as a link. */
struct host_link {
	const char *name; /* "bin" */
	char target[64];  /* "usr/bin"; empty: not a link */
	bool is_directory;
};

/* Something of /etc that programs read. */
struct host_etc {
	const char *path;  /* "/etc/ld.so.cache" */
	bool with_network; /* of use only then */
	bool exists;
	bool is_directory;
};

enum { HOST_LINKS = 4, HOST_ETC = 5 };

struct host {
	uint32_t uid; /* effective */
	uint32_t gid;
	uint32_t pid;
	int32_t caller; /* who started us; 0 or 1: nobody to speak of */
	/*
	 * Root of the initial user namespace with the capabilities the set-up
	 * needs. False: rootless, everything is done below an own user namespace.
	 */
	bool privileged;
	char core_pattern; /* its first character; 0: it cannot matter, and was not read */
	bool may_join;	   /* the namespaces of a task of ours by its pidfd (CAP_SYS_PTRACE) */
	const char *unprivileged_because; /* when !privileged */
	int landlock_abi;		  /* 0: the kernel has no Landlock, or it is off */
	bool memfd_noexec;		  /* privileged, and vm.memfd_noexec exists (Linux 6.3) */
	unsigned int cpus;		  /* CPUs this process may run on */
	uint64_t cpu_mask[16];		  /* which ones */
	uint64_t open_files;		  /* hard limit */
	uint64_t core;			  /* hard limit */
	uint8_t spread;			  /* a random number of this process */
	struct host_cgroup cgroup;	  /* by cgroup_probe(), when somebody needs it */
	struct host_link links[HOST_LINKS];
	struct host_etc etc[HOST_ETC];
};

void host_probe(struct host *h);

/**
 * Which namespace of a kind we are in, as the kernel names it: "user:[4026531837]".
 * Empty when this kernel has no such kind. Read from the link: to stat(2) it would
 * make the kernel build an inode for it first.
 */
void host_ns_name(enum host_ns ns, char ret[HOST_NS_NAME]);

#endif
