/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "builtin.h"
#include "profile.h"

int profile_load(struct spec *s, const char *name, struct err *e)
{
	const struct builtin_profile *p;
	const char *names[32] = { NULL };
	const char *near;

	if (text_is_path(name))
		return profile_load_file(s, name, e);
	p = builtin_profile(name);
	if (p) {
		/* Parsed at build time; only copied here. */
		*s = *p->spec;
		s->profile = p->name;
		s->profile_sha256 = p->sha256;
		return 0;
	}
	for (unsigned int i = 0; i < 31 && builtin_profiles[i].name; i++)
		names[i] = builtin_profiles[i].name;
	near = text_nearest(name, names);
	err_set(e, ENOENT, "there is no profile '%s'", name);
	if (near)
		return err_hint(e, "did you mean '%s'?", near);
	return err_hint(e, "see 'runner profile list'; a file is named with a slash, as in "
			   "./profile.json");
}
