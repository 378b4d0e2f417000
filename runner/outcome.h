/* SPDX-License-Identifier: Apache-2.0 */
/*
 * outcome: how a run ended, as evidence. report.c only words it.
 *
 * A cause is decided from what the kernel says (wait status, resource usage,
 * seccomp notifications) and from what the supervisor itself did, never from
 * anything the guest controls (its text, its exit code).
 */
#ifndef RUNNER_OUTCOME_H
#define RUNNER_OUTCOME_H

#include "cgroup.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum reason {
	REASON_EXITED,	     /* the payload ended by itself */
	REASON_SIGNALED,     /* a signal ended it, and runner did not send that */
	REASON_WALL_TIME,    /* runner ended it: limits.wall_time */
	REASON_CPU_TIME,     /* limits.cpu_time: by runner, or by RLIMIT_CPU */
	REASON_MEMORY,	     /* limits.memory: by the kernel (memory.events), or the watchdog */
	REASON_OUTPUT,	     /* runner ended it: limits.output with on_output kill */
	REASON_SECCOMP,	     /* runner ended it: a call the policy answers with a kill */
	REASON_REJECTED,     /* runner refused to start it */
	REASON_SETUP_FAILED, /* a layer could not be entered or proved; it never started */
	REASON_CANCELED,     /* runner was told to stop */
	REASON_INTERNAL,     /* none of these; init died of something else */
	REASON_COUNT,
};
extern const char *const reason_names[REASON_COUNT];

enum { OUTCOME_MAX_CAUSES = 4 };

/* One kind of refused call; `first` values are of the first one seen. */
struct denial {
	int nr;
	int layer; /* of layer_table: whose rule refused it */
	int error; /* errno it got; 0: the policy answers it with a kill */
	uint32_t arch;
	bool varied;	  /* later ones had other arguments */
	uint64_t args[6]; /* first */
	uint64_t count;
	pid_t pid;     /* first; on the host */
	char comm[16]; /* first */
};

/*
 * Room for one kind of every call, and for more kinds of some: what a payload tries
 * in a hundred variations takes no other call's place. A number that is no call we
 * know shares one share with the others of that sort.
 */
enum {
	DENIAL_CALLS = 512,
	DENIAL_OTHER = DENIAL_CALLS, /* the share of all unknown numbers */
	DENIAL_MORE_KINDS = 64,
	DENIAL_MAX_KINDS = 16, /* of one call */
};
struct denials {
	unsigned int n;
	unsigned int n_more;  /* of those, rows beyond the first of a call */
	uint64_t dropped;     /* calls that found no row */
	struct denial ending; /* the first that the policy answers with a kill; count 0: none */
	uint8_t kinds[DENIAL_CALLS + 1]; /* rows of each call */
	struct denial row[DENIAL_CALLS + DENIAL_MORE_KINDS];
};

struct stream_usage {
	uint64_t bytes;	  /* written by the payload */
	uint64_t passed;  /* handed on */
	uint64_t pending; /* within the limit, and not handed on */
	int error;	  /* errno that ended the handing on, or 0 */
	bool truncated;
};

/* What a number that nobody counted rests on. */
enum {
	HELD_HOST = 1,	 /* memory of the kernel's, measured on the whole host */
	HELD_HIDDEN = 2, /* processes that did not let us look exactly */
	HELD_LARGE = 4,	 /* too many mappings to look at */
};

/* What the supervisor saw of limits where no cgroup counts: samples, each the most. */
struct held {
	bool looked;
	unsigned int rests_on; /* HELD_* */
	uint64_t memory;       /* bytes, the tree's with its files of memory; 0: never seen */
	uint64_t tasks;	       /* threads; 0: never seen */
	uint64_t data;	       /* bytes that one process had reserved */

	/* also with a cgroup */
	uint64_t tmpfs;		    /* bytes */
	uint64_t tmpfs_part;	    /* thousandths of the fullest one ... */
	unsigned int tmpfs_fullest; /* ... its index in the plan */
	uint64_t tmpfs_full;	    /* bit i: there was no room left on it */
};

struct outcome {
	enum reason reason;
	int exit_code;	 /* of runner; see runner(1), EXIT STATUS */
	int status_exit; /* the payload's own exit status, or -1 */
	int signal;	 /* that ended the payload, or 0 */
	char message[1024];
	char hint[768];

	int64_t started_at_ms; /* CLOCK_REALTIME */
	uint64_t wall_ns;      /* from clone to the end of the last process */
	uint64_t setup_ns;     /* from clone to exec; 0: it was not reached */
	uint64_t prove_ns;
	uint64_t user_us, system_us; /* the whole tree */
	uint64_t maxrss_bytes;	     /* of its largest process */

	struct cgroup_usage cgroup; /* valid: the kernel counted the whole tree */
	struct held held;
	bool cgroup_left; /* it could not be removed */

	/* every cause there is evidence of, the first one first */
	enum reason causes[OUTCOME_MAX_CAUSES];
	unsigned int n_causes;

	struct stream_usage out, err;
	int stdin_error; /* errno that ended the reading of stdin, or 0 */

	int survivors;	  /* processes counted in the sandbox afterwards; -1: not countable */
	bool init_ended;  /* and with it, by the kernel's word, every process inside */
	char unended[12]; /* the states of survivors, a letter each; proc_pid_stat(5) */
	pid_t init_pid;	  /* on the host */
	bool started;	  /* the payload was executed */

	struct denials denials;
};

#endif
