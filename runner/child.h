/* SPDX-License-Identifier: Apache-2.0 */
/*
 * child: what runs between clone and exec.
 *
 *     runner ── clone3 ──► init (pid 1 inside)      enters the rows BY_INIT
 *                            └─ vfork ──► payload   enters the rows BY_PAYLOAD,
 *                                                   proves all of them, execs
 *
 * Both only carry out the const plan. They write on the board, which is sent to the
 * supervisor: by the payload as its last act before exec, by init when the payload
 * has ended, and when the set-up failed. The payload loses it at exec, because exec
 * gives it a new address space. No message is formatted and nothing allocated here.
 */
#ifndef RUNNER_CHILD_H
#define RUNNER_CHILD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/visible.h"
#include "layer/network.h"
#include "plan.h"

enum board_stage {
	BOARD_START, /* the launcher's own part of the child */
	BOARD_ENTER,
	BOARD_PROVE,
	BOARD_EXEC,
};

/* What BOARD_START was doing, in `item`. */
enum board_start {
	BOARD_START_PROC,    /* opening the host's /proc */
	BOARD_START_PAYLOAD, /* making the payload's process */
	BOARD_START_STDIO,   /* giving it stdin, stdout and stderr */
	BOARD_START_CWD,     /* entering its working directory */
	BOARD_START_PROGRAM, /* opening its program */
	BOARD_START_HAND_UP, /* sending the supervisor what it needs */
	BOARD_START_INIT,    /* becoming init: another id, no capabilities */
	BOARD_START_TURN,    /* taking its turn with all others */
};

/* Why execve(2) said EACCES or ENOENT, as far as it can be seen, in `because`. */
enum board_not {
	BOARD_NOT_KNOWN,
	BOARD_NOT_NOEXEC, /* the file lies on a mount without programs */
	BOARD_NOT_MODE,	  /* it has no x bit */
	BOARD_NOT_FILE,	  /* it is a directory or the like */
	BOARD_NOT_THERE,  /* it is there: what would have to run it is not (ENOENT) */
	BOARD_NOT_CR,	  /* as that, and the first line ends with CR LF */
};

/* The kernel's struct rusage as wait4(2) fills it. */
struct board_rusage {
	int64_t user_s, user_us;
	int64_t system_s, system_us;
	int64_t maxrss_kib;
	int64_t rest[13];
};

/* One writer at a time: init, or the payload while init is suspended in vfork. */
struct board {
	/* why the set-up failed; error == 0: it did not */
	int32_t error; /* positive errno */
	int32_t stage;
	int32_t layer;
	int32_t item;
	int32_t because; /* BOARD_EXEC: enum board_not */
	char what[112];	 /* BOARD_PROVE: the operation that should have failed */

	/* the proof: how many checks each layer made */
	uint16_t proofs[PLAN_MAX_LAYERS];
	uint64_t prove_ns;
	uint64_t exec_ns; /* CLOCK_MONOTONIC just before execve */

	/* the payload, as init saw it end */
	int32_t payload_ended;
	int32_t payload_status; /* wait status */
	struct board_rusage payload_usage;
};

struct child {
	const struct plan *plan;
	struct visible visible; /* the command line that init overwrites */
	struct board board;
	int sock;		       /* to the supervisor; its end means: die */
	int stdio[3];		       /* what the payload gets as 0, 1, 2 */
	int item;		       /* what the current row is doing, for the error */
	uint64_t absent;	       /* bit i: the plan's view[i] is optional and not there */
	int tmpfs_fds[PLAN_MAX_TMPFS]; /* as many as the plan has */
	int root_fd;		       /* the new root's mount */
	int proc_fd;		       /* the sandbox's own /proc */
	int host_proc_fd;	       /* the host's /proc, until the rows that need it are done */
	const char *cgroup_name;       /* of the run's own; NULL: it has none */
	const struct network_early *network;
	long network_maker; /* the task that makes the network namespace */
	int network_fd;	    /* that namespace, or -errno */
	int memfd_fd;	    /* vm.memfd_noexec, for the proof; -1 */
	int listener_fd;    /* seccomp user notification, or -1 */
	int payload_fd;	    /* the payload's pidfd */
	bool no_huge_pages; /* what PR_GET_THP_DISABLE said, while it could be asked */
	bool handed_up;	    /* the supervisor has /proc, listener and pidfd */
};

/** In the payload: become its program. Returns -errno, and what is known in the board. */
int execute(struct child *c);

/** pid 1 of the sandbox. Never returns. */
void child_init(struct child *c) __attribute__((noreturn));

/*
 * For prove rows: count one check; when it does not hold, name it and fail.
 * `what` is a literal: "mount(2) succeeded".
 */
int child_check(struct child *c, int layer, bool holds, const char *what);

/** Send the board to the supervisor; what is lost is lost with it. */
void child_send_board(struct child *c);

/** Has the supervisor closed its end of the socket? */
bool child_supervisor_is_gone(int sock);

#endif
