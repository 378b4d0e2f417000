/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "base/display.h"
#include "cmd.h"

int cmd_fail(const struct err *e)
{
	display_line(stderr, "runner: %s", e->text);
	if (e->hint[0])
		display_line(stderr, "runner: hint: %s", e->hint);
	return e->status ? (int)e->status : ERR_EXIT_RUNNER;
}
