/* SPDX-License-Identifier: Apache-2.0 */
#include "probe/probe.h"

#include <stdio.h>
#include <string.h>

const char *probe_arg;

int probe_main(int argc, char **argv)
{
	static const struct probe *const tables[] = { probes_kernel, probes_network, probes_files,
						      probes_process, probes_guard };

	probe_arg = argc > 2 ? argv[2] : "";
	for (size_t i = 0; argc > 1 && i < sizeof(tables) / sizeof(tables[0]); i++)
		for (const struct probe *p = tables[i]; p->name; p++)
			if (strcmp(p->name, argv[1]) == 0) {
				printf("%d\n", p->run());
				return 0;
			}
	fprintf(stderr, "probe: no probe '%s'\n", argc > 1 ? argv[1] : "");
	return 2;
}
