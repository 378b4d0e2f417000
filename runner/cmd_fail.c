/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "cmd.h"

int cmd_fail(const struct err *e)
{
	fprintf(stderr, "runner: %s\n", e->text);
	if (e->hint[0])
		fprintf(stderr, "runner: hint: %s\n", e->hint);
	return e->status ? (int)e->status : ERR_EXIT_RUNNER;
}
