/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd: one file per verb. Each gets argv with its verb first and the caller's
 * environment, prints what it has to say, and returns runner's exit status.
 */
#ifndef RUNNER_CMD_H
#define RUNNER_CMD_H

#include "base/err.h"

int cmd_exec(char **argv, char **envp);
int cmd_doctor(char **argv, char **envp);
int cmd_selftest(char **argv, char **envp);
int cmd_profile(char **argv, char **envp);

/** Is the caller's limit of the stack enough to go on at all? 0 or -errno. */
int cmd_check_stack(struct err *e);

/** Print "runner: words" and the hint; returns the exit status of the error. */
int cmd_fail(const struct err *e);

/** Flush stdout. The status, or that of an error, which is printed, where output was lost. */
int cmd_printed(int status);

#endif
