/* SPDX-License-Identifier: Apache-2.0 */
/*
 * options: argv to spec, by one table that also prints --help.
 *
 * Options are written --name VALUE or --name=VALUE, in full: an abbreviation that
 * works today would be ambiguous with tomorrow's option. The profile is applied
 * first wherever it stands; the other options then override it.
 */
#ifndef RUNNER_OPTIONS_H
#define RUNNER_OPTIONS_H

#include <stdio.h>

#include "base/err.h"
#include "spec.h"

enum options_result { OPTIONS_RUN, OPTIONS_HELP };

/**
 * Fill *s from argv[1..] (argv[0] is the verb). Returns an options_result, or
 * -errno with *e set. The spec borrows argv and caller_env.
 */
int options_parse(struct spec *s, char *const *argv, const char *const *caller_env, struct err *e);

/**
 * Where a command line that was refused wanted its report: the value of the last
 * --report that is one beyond doubt, or NULL.
 */
const char *options_report(char *const *argv);

/** The option list of `runner exec --help`. */
void options_help(FILE *out);

#endif
