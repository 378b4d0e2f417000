/* SPDX-License-Identifier: Apache-2.0 */
/* display [--json]: each line of stdin as the program shows text that others chose. */
#include <stdio.h>
#include <string.h>

#include "base/display.h"
#include "base/jout.h"

int main(int argc, char **argv)
{
	static char line[65536];
	static char shown[4 * sizeof(line)];
	int json = argc > 1 && strcmp(argv[1], "--json") == 0;

	while (fgets(line, sizeof(line), stdin)) {
		struct jout j = { 0 };

		line[strcspn(line, "\n")] = '\0';
		if (!json) {
			puts(display(line, shown, sizeof(shown)));
			continue;
		}
		jout_string(&j, NULL, line);
		if (jout_finish(&j) < 0)
			return 1;
		fputs(j.text, stdout);
		jout_clear(&j);
	}
	return 0;
}
