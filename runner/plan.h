/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plan: everything the child will do, decided before the child exists.
 *
 * plan_build() turns what was asked for (spec) and what this kernel offers
 * (host) into kernel-ready values: relative paths, mount flags, descriptors,
 * BPF, argv. After it returns nothing is parsed, looked up or allocated again;
 * the child only reads.
 *
 * Each layer fills its own part through its `plan` row (see layer/layer.h).
 *
 * Owns: every array, made string and descriptor in it; plan_clear() releases
 * them, also of a half-built plan. Strings of the spec are borrowed.
 */
#ifndef RUNNER_PLAN_H
#define RUNNER_PLAN_H

#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "host.h"
#include "spec.h"

enum {
	PLAN_MAX_NODES = 128,
	PLAN_MAX_BINDS = 64, /* as many as struct child's `absent` has bits */
	PLAN_MAX_TMPFS = SPEC_MAX_MOUNTS,
	PLAN_MAX_POINTS = 64,
	PLAN_MAX_HOLDS = 64,
	PLAN_MAX_RLIMITS = 16,
	PLAN_MAX_RULES = 64,
	PLAN_MAX_CANDIDATES = 32,
	PLAN_MAX_LAYERS = 64, /* as many as a layer_set has bits */
	PLAN_MAX_PROGRAMS = 2 * SPEC_MAX_PROGRAMS,
};

/* Bit i: row i of layer_table. */
typedef uint64_t layer_set;
#define LAYER_BIT(layer) ((layer_set)1 << (layer))

/* Something we make on a file system of our own (never on a user's). */
enum plan_node_kind {
	PLAN_NODE_DIR,
	PLAN_NODE_LINK,	  /* text is the target */
	PLAN_NODE_FILE,	  /* text is the content */
	PLAN_NODE_COPY,	  /* the content is read from fd */
	PLAN_NODE_DEVICE, /* a character device; rootless: a bind of the host's */
};

struct plan_node {
	enum plan_node_kind kind;
	mode_t mode;
	const char *path; /* relative to the new root */
	const char *text;
	size_t length; /* of text, or of what fd gives */
	int fd;	       /* PLAN_NODE_COPY */
	dev_t device;  /* PLAN_NODE_DEVICE */
};

/* Mount attributes are RAW_MOUNT_ATTR_*: nosuid and nodev are always set. */
struct plan_bind {
	const char *source; /* host path; the child opens it once more ... */
	dev_t dev;	    /* ... and refuses it unless it is this very inode; */
	ino_t ino;	    /* 0: a system path, not checked */
	const char *target; /* relative to the new root */
	uint64_t attributes;
	bool follow;   /* links may lead to the source: `ino` says if it is the file */
	bool optional; /* a source that does not exist is skipped */
	bool covered;  /* something of the user's is mounted over it */
	bool exec;     /* Landlock lets programs be executed from here */
	bool library;  /* it may be mapped as code even where programs are named */
	bool directory;
	bool sockets; /* the services of sockets that lie there are granted */
	bool servers; /* sockets of the host's may lie there, and nothing of the mount's stops us */
	bool closed;  /* to write is refused by its id map, whatever it is; no mount below is shown
		       */
	uint8_t holds; /* the next so many directories of the plan's are mounted before it */
	uint32_t owner, group; /* of the source, when it is id-mapped */
	int idmap_fd;	       /* user namespace for an id-mapped mount, or -1 */
};

struct plan_tmpfs {
	const char *target;
	/*
	 * The first one, where its directory is there for nothing else, is that directory
	 * of the root's own tmpfs, mounted on itself; that tmpfs is larger by its size.
	 */
	bool on_root;
	uint64_t size; /* bytes */
	uint64_t inodes;
	char size_text[24];
	char inodes_text[24];
	uint64_t attributes;
	bool exec;
};

struct plan_rlimit {
	const char *name;
	int resource;
	uint64_t value; /* soft and hard */
};

struct plan_rule {
	const char *path; /* absolute, inside */
	uint64_t access;  /* LANDLOCK_ACCESS_FS_* the running ABI knows */
	bool optional;	  /* the path may not be there */
};

struct plan_text {
	struct plan_text *next;
	char text[] __attribute__((aligned(8)));
};

struct plan {
	const struct spec *spec;
	const struct host *host;
	struct plan_text *texts; /* strings and lists that found no place in `room` */
	size_t room_used;

	layer_set layers;      /* entered */
	layer_set not_needed;  /* not entered, because the spec has no use for them */
	layer_set unavailable; /* not entered, because this host has nothing for them */
	uint64_t clone_flags;  /* CLONE_NEW* */

	/* identity: guest id -> host id */
	uint32_t host_uid;
	uint32_t host_gid;
	uint32_t init_id; /* init's own uid and gid on the host; rootless it has the caller's */
	char uid_map[48];
	char gid_map[48];

	char root_size[24]; /* bytes the root's tmpfs may hold; tmpfs(5) */
	char root_inodes[24];
	bool root_noexec; /* nothing is executed from the root's own tmpfs */
	bool proc_subset;
	bool loopback_up;
	const char *hostname;
	uint64_t cpu_mask[16]; /* sched_setaffinity(2) */
	bool cpu_mask_set;
	bool cpu_mask_loose; /* the payload may set another */

	/* Landlock */
	uint64_t landlock_fs;
	uint64_t landlock_net;
	uint64_t landlock_scope;

	uint64_t core_limit; /* RLIMIT_CORE */

	/* the guard and seccomp: `filter` is loaded; `verdict` says what the answer to a call is */
	struct sock_fprog filter;
	struct sock_fprog verdict;
	bool filter_owned; /* both were compiled for this run */
	struct sock_filter *observer; /* the filter, with something before it; or NULL */
	bool memfd_filter; /* it holds what no sysctl can: memfd_create(2) */

	/* the command */
	const char *const *argv;
	const char *const *envp;
	const char *cwd; /* inside */
	int script_fd;
	int exec_fd;	       /* >= 0: execveat(exec_fd) instead of execve; see seccomp */
	const char *delivered; /* "/app/NAME", or NULL */

	unsigned int n_nodes, n_view, n_devices, n_tmpfs, n_points, n_binds, n_rlimits, n_rules,
		n_candidates, n_programs, n_holds;

	/*
	 * From here on only what is counted above is valid; plan_clear() leaves the
	 * rest as it is, because to clear it would touch every page. A page costs a
	 * fault here and one in init, so what every run uses a little of stands
	 * together.
	 */
	struct plan_rlimit rlimits[PLAN_MAX_RLIMITS];
	const char *candidates[PLAN_MAX_CANDIDATES]; /* paths inside, tried in turn */
	struct plan_node devices[16];
	struct plan_bind view[PLAN_MAX_BINDS]; /* the system, read-only */
	struct plan_rule rules[PLAN_MAX_RULES];
	struct plan_tmpfs tmpfs[PLAN_MAX_TMPFS];
	char room[2048] __attribute__((aligned(8)));
	struct plan_node nodes[PLAN_MAX_NODES];	  /* on the root's own tmpfs, in order */
	struct plan_node points[PLAN_MAX_POINTS]; /* mount points on those tmpfs */
	struct plan_bind binds[SPEC_MAX_MOUNTS];  /* what the user asked for */
	const char *holds[PLAN_MAX_HOLDS]; /* directories mounted on themselves; layer/chain.h */
	/* directories of libraries, and files that may be executed (`exec`) */
	struct plan_bind programs[PLAN_MAX_PROGRAMS];
};

/**
 * Build it. *plan is all zero, or was cleared. On failure nothing is left behind
 * and *e says why.
 */
int plan_build(const struct spec *spec, const struct host *host, struct plan *plan, struct err *e);

/** What plan_build() would refuse on every host: for those who check a profile. */
int plan_check(const struct spec *spec, struct err *e);
void plan_clear(struct plan *plan);

/** Is this layer entered? `layer` is an index into layer_table. */
static inline bool plan_has(const struct plan *plan, unsigned int layer)
{
	return plan->layers & LAYER_BIT(layer);
}

/* For the layers' plan rows. */

/** printf into the plan's own memory; NULL (and *e set) when out of memory. */
const char *plan_printf(struct plan *plan, struct err *e, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/** Room for n strings and a NULL, all NULL; NULL (and *e set) when out of memory. */
const char **plan_list(struct plan *plan, size_t n, struct err *e);

/**
 * Make a directory for `path` (relative) and for each of its parents on the
 * root's own tmpfs, once. -E2BIG when there are too many; -ELOOP, -EEXIST as below.
 */
int plan_add_dir(struct plan *plan, const char *path, mode_t mode, struct err *e);
/**
 * -ELOOP, -EEXIST: something else has this name, for instance a link of the root file
 * system. An empty file where there is a file already is that file.
 */
int plan_add_node(struct plan *plan, const struct plan_node *node, struct err *e);
int plan_add_view(struct plan *plan, const struct plan_bind *bind, struct err *e);
int plan_add_rule(struct plan *plan, const char *path, uint64_t access, bool optional,
		  struct err *e);

#endif
