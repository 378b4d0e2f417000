/* SPDX-License-Identifier: Apache-2.0 */
/* Any text as a profile: read, or refused with words; never half applied. */
#include "fuzz.h"
#include "builtin.h"
#include "profile.h"

static const char *find(const char *name)
{
	const struct builtin_profile *p = builtin_profile(name);

	return p ? p->text : NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size);
	struct err e = { 0 };
	struct spec s;
	int r;

	profile_defaults(&s);
	r = profile_apply(&s, "fuzz", text, find, &e);
	MUST(r == 0 ? spec_check(&s, &e) == 0 : r < 0 && e.text[0] != '\0');
	spec_clear(&s);
	free(text);
	return 0;
}
