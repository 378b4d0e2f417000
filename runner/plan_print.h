/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plan_print: a plan as JSON, for --dry-run and for the golden tests.
 */
#ifndef RUNNER_PLAN_PRINT_H
#define RUNNER_PLAN_PRINT_H

#include "base/jout.h"
#include "plan.h"

void plan_print(const struct plan *plan, struct jout *j);

#endif
