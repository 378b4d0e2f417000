/* SPDX-License-Identifier: Apache-2.0 */
/* Any command line: the words are separated by newlines. No file is opened. */
#include "fuzz.h"
#include "options.h"

enum { WORDS = 64 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const environment[] = { "HOME=/root", "PATH=/bin", NULL };
	char *text = fuzz_text(data, size);
	char *argv[WORDS + 2] = { (char *)(uintptr_t) "exec" };
	struct err e = { 0 };
	struct spec s = { 0 };
	int n = 1;
	int r;

	for (char *word = strtok(text, "\n"); word && n < WORDS; word = strtok(NULL, "\n")) {
		/* A profile's file is the other target's affair. */
		if (strncmp(word, "--profile", 9) == 0 && strchr(word, '/'))
			continue;
		argv[n++] = word;
	}
	r = options_parse(&s, argv, environment, &e);
	MUST(r == OPTIONS_RUN || r == OPTIONS_HELP || (r < 0 && e.text[0] != '\0'));
	MUST(r != OPTIONS_RUN || (s.argv && s.argv[0]));
	if (r == OPTIONS_RUN && spec_check(&s, &e) < 0)
		MUST(e.text[0] != '\0');
	spec_clear(&s);
	free(text);
	return 0;
}
