/* SPDX-License-Identifier: Apache-2.0 */
/*
 * probe: try one forbidden thing and say exactly how it ended.
 *
 *     probe NAME [ARGUMENT]
 *
 * Prints "0" when the attempt succeeded, or the errno as a number. The same
 * binary runs inside the sandbox and, as the control, where it must succeed.
 */
#include "probe/probe.h"

int main(int argc, char **argv)
{
	return probe_main(argc, argv);
}
