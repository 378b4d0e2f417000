/* SPDX-License-Identifier: Apache-2.0 */
/*
 * helper: a process of ours that does what may take long, or what we must not do ourselves.
 *
 * It is a copy of the supervisor, dies with it, and answers in a page that both see. The
 * supervisor never waits for it: it asks whether it is done, and ends it at its deadline.
 */
#ifndef RUNNER_HELPER_H
#define RUNNER_HELPER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct helper {
	int pid_fd; /* -1: there is none */
	pid_t pid;
	uint64_t deadline;
	void *share; /* what it writes, all zero before */
	size_t size;
};

/* Without one: nothing to end, nothing shared. */
#define HELPER_NONE ((struct helper){ .pid_fd = -1 })

enum helper_state { HELPER_WORKS, HELPER_DONE, HELPER_FAILED };

/**
 * Make one, which calls work(share, arg) and ends; 0 is success. `name` is what ps(1) shows,
 * `flags` are of clone(2): CLONE_FILES, or 0. Returns 0 or -errno.
 */
int helper_start(struct helper *h, const char *name, uint64_t flags, size_t size,
		 int (*work)(void *share, void *arg), void *arg, uint64_t deadline);

/**
 * Only the process: clone3(2) with a pidfd in *ret_pid_fd. It is born with its name, so who
 * looks never takes it for something else. Returns its pid, 0 in it, or -errno.
 */
long helper_clone(const char *name, uint64_t flags, int *ret_pid_fd);

/** Who is only not given a CPU waits for nobody. */
bool helper_is_running(pid_t pid);

/** Is it done? One that is late, and waits, is ended. The answer stays until helper_end(). */
enum helper_state helper_check(struct helper *h, uint64_t now);

/** End it, if it still works, and forget its answer. */
void helper_end(struct helper *h);

#endif
