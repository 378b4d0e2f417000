/* SPDX-License-Identifier: Apache-2.0 */
/*
 * command: what is executed, and how a file of the caller's gets inside.
 *
 * A script is handed in as bytes, under its own name, in /app: its directory is
 * not exposed, and a file that only its owner may read still runs. A large program is
 * mounted there where no payload could write it.
 */
#ifndef RUNNER_COMMAND_H
#define RUNNER_COMMAND_H

#include "plan.h"

/**
 * Open what is handed in, once, as plan->script_fd: what is looked into and
 * copied is one file. Errors as below.
 */
int command_open(struct plan *plan, struct err *e);

/**
 * Fill in argv, the candidates for exec and, for SPEC_COMMAND_FILE, the node or
 * bind that brings the file in. Errors carry the exit status 126 or 127.
 */
int command_plan(struct plan *plan, struct err *e);

/** Is it run by the profile's interpreter? */
bool command_is_python(const char *name);

/** Is a file handed in that is to be executed itself, out of /app? */
bool command_delivers_program(const struct spec *s);

/** The PATH that names are looked up on, inside. */
const char *command_path(const struct plan *plan);

#endif
