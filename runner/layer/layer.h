/* SPDX-License-Identifier: Apache-2.0 */
/*
 * layer: one row per mechanism that confines the payload.
 *
 * layer_table lists the rows in the order they are entered. The order is the
 * security argument, and each row says why it stands where it does. doctor,
 * --dry-run, exec, the proof, the report and the ablation of the test suite are
 * loops over this table. To add a restriction: one file, one row, one field in
 * the profile, its attacks in the suite.
 *
 * `enter` and `prove` run between clone and exec: they are marked IN_CHILD and
 * may only make raw system calls on the plan (see base/raw.h); a test reads the
 * section's relocations and fails on anything else.
 */
#ifndef RUNNER_LAYER_LAYER_H
#define RUNNER_LAYER_LAYER_H

#include "base/jout.h"
#include "child.h"
#include "plan.h"

#define IN_CHILD __attribute__((section(".text.in_child")))

enum finding_state {
	FINDING_OK,	 /* available */
	FINDING_WEAK,	 /* available in part; `detail` says what is lost */
	FINDING_MISSING, /* a run refuses unless --without names it */
};

/* What doctor says about a layer on this host. */
struct finding {
	enum finding_state state;
	char detail[1024];
	char remedy[1024]; /* exact; empty when there is nothing to mend */
};

/* Which process enters the row. */
enum actor {
	BY_INIT,    /* pid 1, before it starts the payload; inherited by it */
	BY_PAYLOAD, /* the payload, right before exec */
};

struct layer {
	const char *name;	  /* as the report, doctor, --without and the tests call it */
	const char *summary;	  /* what it does, for doctor and the documents */
	const char *why_here;	  /* why it is entered at this point of the order */
	const char *kept_because; /* why --without cannot name it; NULL: it can */
	enum actor actor;
	/* parent */
	void (*probe)(const struct host *host, struct finding *ret);
	int (*plan)(struct plan *plan, struct err *e);
	/*
	 * child, before the first row: set something long under way that `enter`
	 * waits for (the kernel takes longer for a network namespace than we for
	 * everything else).
	 */
	int (*begin)(struct child *c);
	/* child: 0 or -errno; c->item names what was being done */
	int (*enter)(struct child *c);
	int (*prove)(struct child *c);
	/* parent: members of the layer's object in --dry-run and the report */
	void (*describe)(const struct plan *plan, struct jout *j);
	/* parent: words for c->item; NULL when there is nothing to name */
	const char *(*item)(const struct plan *plan, int item);
};

/* Indices into layer_table: the order of entry. */
enum layer_id {
	LAYER_CGROUP,
	LAYER_USER_NS,
	LAYER_PID_NS,
	LAYER_MOUNT_NS,
	LAYER_IPC_NS,
	LAYER_UTS_NS,
	LAYER_CGROUP_NS,
	LAYER_MEMFD,
	LAYER_ROOT,
	LAYER_DEVICES,
	LAYER_PROC,
	LAYER_PROC_SUBSET,
	LAYER_TMPFS,
	LAYER_NOEXEC,
	LAYER_BINDS,
	LAYER_PROGRAMS,
	LAYER_PIVOT_ROOT,
	LAYER_NETWORK_NS,
	LAYER_NO_NEW_PRIVS,
	LAYER_IDENTITY,
	LAYER_USERNS_LIMIT,
	LAYER_KEYRING,
	LAYER_CAPABILITIES,
	LAYER_LANDLOCK,
	LAYER_SESSION,
	LAYER_RLIMITS,
	LAYER_ENVIRONMENT,
	LAYER_FDS,
	/* The guard's: one for each block of seccomp/guard.json, in its order. */
	LAYER_GUARD,
	LAYER_COREDUMP = LAYER_GUARD,
	LAYER_SPECIAL_FILES,
	LAYER_INIT_GUARD,
	LAYER_FILTER_ATTACH,
	LAYER_UNIX_SOCKETS,
	LAYER_UNCOUNTED,
	LAYER_SECCOMP,
	LAYER_COUNT,
};

extern const struct layer *const layer_table[LAYER_COUNT];

/** Index of a layer by name, or -1. */
int layer_find(const char *name);

/** All names, NULL-terminated, for text_nearest(). */
extern const char *const layer_names[LAYER_COUNT + 1];

/* The rows, one file each (namespaces.c and root.c hold close kin). */
extern const struct layer layer_cgroup, layer_user_ns, layer_pid_ns, layer_mount_ns, layer_ipc_ns,
	layer_uts_ns, layer_cgroup_ns, layer_network_ns, layer_memfd, layer_root, layer_devices,
	layer_proc, layer_proc_subset, layer_tmpfs, layer_noexec, layer_binds, layer_programs,
	layer_pivot_root, layer_identity, layer_userns_limit, layer_keyring, layer_capabilities,
	layer_no_new_privs, layer_landlock, layer_session, layer_rlimits, layer_environment,
	layer_fds, layer_coredump, layer_special_files, layer_init_guard, layer_filter_attach,
	layer_unix_sockets, layer_uncounted, layer_seccomp;

#endif
