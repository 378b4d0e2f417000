/* SPDX-License-Identifier: Apache-2.0 */
#include "builtin.h"

#include <stddef.h>
#include <string.h>

const struct builtin_profile *builtin_profile(const char *name)
{
	for (const struct builtin_profile *p = builtin_profiles; p->name; p++)
		if (strcmp(p->name, name) == 0)
			return p;
	return NULL;
}

const struct builtin_policy *builtin_policy(const char *name)
{
	for (const struct builtin_policy *p = builtin_policies; p->name; p++)
		if (strcmp(p->name, name) == 0)
			return p;
	return NULL;
}

const struct builtin_program *builtin_program(const char *policy, unsigned int blocks)
{
	for (const struct builtin_program *p = builtin_programs; p->policy; p++)
		if (p->blocks == blocks && strcmp(p->policy, policy) == 0)
			return p;
	return NULL;
}

const char *builtin_policy_text(const char *name)
{
	const struct builtin_policy *p = builtin_policy(name);

	return p ? p->text : NULL;
}
