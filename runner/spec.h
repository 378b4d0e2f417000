/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spec: what was asked for, after defaults. It says nothing of this kernel.
 *
 * Every front door (command line, profile file; later OCI bundles, scenario
 * files, warm slots) fills the same struct; plan_build() turns it into
 * kernel-ready values. That is why a new front door is cheap.
 *
 * Units: bytes, milliseconds, thousandths of a CPU. UNLIMITED means no limit.
 *
 * Owns: the strings made by spec_strdup(); spec_clear() frees them. All other
 * strings are borrowed (argv, or the built-in profiles) and must outlive it.
 */
#ifndef RUNNER_SPEC_H
#define RUNNER_SPEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/text.h"

enum {
	SPEC_MAX_MOUNTS = 32,
	SPEC_MAX_ENV = 96,
	SPEC_MAX_WITHOUT = 64,
	SPEC_MAX_INTERPRETER = 8,
	SPEC_MAX_PROGRAMS = 32,
};

enum spec_network { SPEC_NETWORK_NONE, SPEC_NETWORK_LOOPBACK, SPEC_NETWORK_HOST };
extern const char *const spec_network_names[]; /* indexed by the enum, NULL at the end */

enum spec_mount_type { SPEC_MOUNT_BIND, SPEC_MOUNT_TMPFS };

struct spec_mount {
	enum spec_mount_type type;
	bool read_only;
	bool exec;		 /* programs may be executed from it */
	bool exec_implied;	 /* nobody said so: not where the payload can write them */
	bool optional;		 /* bind: no error when the source does not exist */
	bool sockets;		 /* bind: the services of sockets that lie there may be used */
	bool kernel;		 /* bind: may show a file system of the kernel's, read-only */
	const char *source;	 /* host path; NULL for tmpfs */
	const char *destination; /* absolute and plain, inside */
	uint64_t size;		 /* tmpfs: bytes */
	uint64_t inodes;	 /* tmpfs: files */
};

/* value == NULL: pass the caller's value on, if there is one. */
struct spec_env {
	const char *name;
	const char *value;
};

struct spec_limits {
	uint64_t wall_ms;
	uint64_t cpu_ms; /* user + system, the whole tree */
	uint64_t memory;
	uint64_t memory_high; /* from here on the tree is slowed down; needs a cgroup */
	uint64_t pids;	      /* tasks: processes and threads */
	uint64_t cpus_milli;
	uint64_t output; /* bytes of stdout and of stderr, each */
	uint64_t open_files;
	uint64_t file_size;
	bool output_kills; /* reaching `output` ends the run */
	uint64_t grace_ms; /* from a forwarded SIGTERM to SIGKILL */
	uint64_t drain_ms; /* for readers that have not taken all output when it ends */
};

/* How the command is found. */
enum spec_command {
	SPEC_COMMAND_FILE,   /* argv[0] is a file of the caller's: deliver it to /app */
	SPEC_COMMAND_INSIDE, /* argv[0] is looked up inside the sandbox */
};

struct spec {
	/* who and how */
	const char *profile;	    /* name or path, for the report */
	const char *profile_sha256; /* of its text, hex */
	const char *description;
	enum spec_command command;
	const char *const *argv;	/* NULL-terminated */
	const char *const *interpreter; /* for .py; NULL-terminated */
	const char *const *caller_env;	/* the caller's environ */

	/* what it sees */
	const char *rootfs; /* NULL: the host's /usr and a few /etc files */
	struct spec_mount mounts[SPEC_MAX_MOUNTS];
	unsigned int n_mounts;
	struct spec_env env[SPEC_MAX_ENV];
	unsigned int n_env;
	const char *cwd;
	const char *hostname;
	uint32_t uid;
	uint32_t gid;
	enum spec_network network;

	/* what holds it */
	struct spec_limits limits;
	const char *seccomp; /* name of a built-in policy, or a path with a slash */
	bool seccomp_asked;  /* by an option: a run without it is not what was meant */
	const char *without[SPEC_MAX_WITHOUT];
	unsigned int n_without;
	bool only_programs; /* nothing but these, and what is delivered, is executed */
	const char *programs[SPEC_MAX_PROGRAMS]; /* names, or paths inside */
	unsigned int n_programs;
	bool require_cgroup; /* refuse where rlimits would have to stand in */

	/* where things go */
	const char *stdin_path; /* NULL: the caller's; "null": /dev/null; else a file */
	const char *report;	/* NULL, "-", "fd:N" or a path */
	bool dry_run;

	struct spec_owned *owned;
};

/** A copy that lives as long as the spec. NULL when out of memory. */
const char *spec_strdup(struct spec *s, const char *text);
/** As spec_strdup(), of the first n bytes. */
const char *spec_strndup(struct spec *s, const char *text, size_t n);
/** Room for n strings and a NULL, all NULL, that lives as long as the spec. */
const char **spec_list(struct spec *s, size_t n);
void spec_clear(struct spec *s);

/** Add a mount; one with the same destination is replaced. -E2BIG when full. */
int spec_add_mount(struct spec *s, const struct spec_mount *m, struct err *e);
/** Set or pass a variable; the same name is replaced. -EINVAL on a bad name. */
int spec_add_env(struct spec *s, const char *name, const char *value, struct err *e);
/** Leave a layer out. The name is checked by plan_build(). */
int spec_add_without(struct spec *s, const char *layer, struct err *e);

/** Let this program be executed, and no other that is not named either. */
int spec_add_program(struct spec *s, const char *program, struct err *e);

/** The value of `name` in the caller's environment, or NULL. */
const char *spec_caller_env(const struct spec *s, const char *name);

/** What no front door may ask for: contradictions and values out of range. */
int spec_check(const struct spec *s, struct err *e);

#endif
