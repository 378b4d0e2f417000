/* SPDX-License-Identifier: Apache-2.0 */
/*
 * visible: what /proc/PID/cmdline says of a process.
 *
 * Init is a copy of runner, so inside the sandbox /proc/1/cmdline would be runner's
 * command line, with the host's paths and the values of --env in it; everybody may
 * read that file, also of a process that is not dumpable (proc(5)). The kernel reads
 * it out of the process's own memory, where the strings of execve(2) lie. So runner
 * first moves to a copy of those strings, and init overwrites the originals.
 */
#ifndef RUNNER_BASE_VISIBLE_H
#define RUNNER_BASE_VISIBLE_H

#include <stddef.h>

/* Where the strings lie: the arguments, and behind them the environment. */
struct visible {
	char *start;
	size_t arguments; /* bytes */
	size_t all;	  /* with the environment */
};

/**
 * Let argv and envp, as main() got them, point to a copy of their strings. Once, and
 * before anything keeps one of them. 0, or -ENOMEM.
 */
int visible_move(char **argv, char **envp);

/** What visible_move() left behind; nothing when it was not called. */
struct visible visible_original(void);

/** In init: be "runner init", and nothing else. Only writes memory. */
void visible_hide(const struct visible *v);

#endif
