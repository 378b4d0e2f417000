/* SPDX-License-Identifier: Apache-2.0 */
#include "spec.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "limits.h"

const char *const spec_network_names[] = { "none", "loopback", "host", NULL };

struct spec_owned {
	struct spec_owned *next;
	union {
		const char *align;
		char bytes[1];
	} room;
};

static void *owned(struct spec *s, size_t size)
{
	struct spec_owned *o = calloc(1, sizeof(*o) + size);

	if (!o)
		return NULL;
	o->next = s->owned;
	s->owned = o;
	return &o->room;
}

const char *spec_strndup(struct spec *s, const char *text, size_t n)
{
	char *copy = owned(s, n + 1);

	if (copy)
		memcpy(copy, text, n);
	return copy;
}

const char **spec_list(struct spec *s, size_t n)
{
	return owned(s, (n + 1) * sizeof(const char *));
}

const char *spec_strdup(struct spec *s, const char *text)
{
	return spec_strndup(s, text, strlen(text));
}

void spec_clear(struct spec *s)
{
	while (s->owned) {
		struct spec_owned *next = s->owned->next;

		free(s->owned);
		s->owned = next;
	}
	*s = (struct spec){ 0 };
}

int spec_add_mount(struct spec *s, const struct spec_mount *m, struct err *e)
{
	unsigned int i;

	if (m->destination[0] != '/') {
		err_set(e, EINVAL, "mount destination '%s' is not absolute", m->destination);
		return err_hint(e, "inside there is no directory to begin from: '/%s'",
				m->destination);
	}
	if (!text_path_is_plain(m->destination))
		return err_set(e, EINVAL,
			       "mount destination '%s' must be an absolute path without "
			       "'.', '..' or a trailing slash",
			       m->destination);
	for (i = 0; i < s->n_mounts; i++)
		if (strcmp(s->mounts[i].destination, m->destination) == 0)
			break;
	if (i == SPEC_MAX_MOUNTS)
		return err_set(e, E2BIG, "more than %d mounts", SPEC_MAX_MOUNTS);
	s->mounts[i] = *m;
	if (i == s->n_mounts)
		s->n_mounts++;
	return 0;
}

int spec_add_env(struct spec *s, const char *name, const char *value, struct err *e)
{
	unsigned int i;

	if (name[0] == '\0' || strchr(name, '='))
		return err_set(e, EINVAL, "'%s' cannot be the name of a variable", name);
	for (i = 0; i < s->n_env; i++)
		if (strcmp(s->env[i].name, name) == 0)
			break;
	if (i == SPEC_MAX_ENV)
		return err_set(e, E2BIG, "more than %d environment variables", SPEC_MAX_ENV);
	s->env[i] = (struct spec_env){ name, value };
	if (i == s->n_env)
		s->n_env++;
	return 0;
}

int spec_add_without(struct spec *s, const char *layer, struct err *e)
{
	for (unsigned int i = 0; i < s->n_without; i++)
		if (strcmp(s->without[i], layer) == 0)
			return 0;
	if (s->n_without == SPEC_MAX_WITHOUT)
		return err_set(e, E2BIG, "more than %d layers left out", SPEC_MAX_WITHOUT);
	s->without[s->n_without++] = layer;
	return 0;
}

int spec_add_program(struct spec *s, const char *program, struct err *e)
{
	if (program[0] == '\0')
		return err_set(e, EINVAL, "a program's name must not be empty");
	if (s->n_programs == SPEC_MAX_PROGRAMS)
		return err_set(e, E2BIG, "more than %d programs", SPEC_MAX_PROGRAMS);
	s->only_programs = true;
	s->programs[s->n_programs++] = program;
	return 0;
}

const char *spec_caller_env(const struct spec *s, const char *name)
{
	size_t n = strlen(name);

	for (const char *const *p = s->caller_env; p && *p; p++)
		if (strncmp(*p, name, n) == 0 && (*p)[n] == '=')
			return *p + n + 1;
	return NULL;
}

/* To allow a few programs, and whatever the payload writes, is no allow list. */
static int check_programs(const struct spec *s, struct err *e)
{
	for (unsigned int i = 0; s->only_programs && i < s->n_mounts; i++) {
		const struct spec_mount *m = &s->mounts[i];

		if (!m->exec || (m->type == SPEC_MOUNT_BIND && m->read_only))
			continue;
		err_set(e, EINVAL,
			"programs are named, but mount '%s' is writable and lets all it holds be "
			"executed",
			m->destination);
		return err_hint(e, "leave its option exec out, or name no programs%s", "");
	}
	return 0;
}

static bool leaves_out(const struct spec *s, const char *layer)
{
	for (unsigned int i = 0; i < s->n_without; i++)
		if (strcmp(s->without[i], layer) == 0)
			return true;
	return false;
}

int spec_check(const struct spec *s, struct err *e)
{
	for (int i = 0; i < LIMITS; i++) {
		const struct limit *l = &limit_table[i];
		uint64_t v = limit_value(&s->limits, l);

		if (v == UNLIMITED ? l->bounded : v < l->min || v > l->max)
			return err_set(e, ERANGE, "limit %s is out of range: %s", l->name, l->why);
	}
	if (s->limits.memory_high != UNLIMITED && s->limits.memory_high > s->limits.memory)
		return err_set(
			e, EINVAL,
			"limit memory_high is above limit memory: it would never be reached");
	if (s->require_cgroup && leaves_out(s, "cgroup")) {
		err_set(e, EINVAL, "a cgroup is both required and left out");
		return err_hint(e, "either --require cgroup (or 'require' of the profile) or "
				   "--without cgroup");
	}
	if (s->seccomp_asked && leaves_out(s, "seccomp")) {
		err_set(e, EINVAL,
			"seccomp policy '%.200s' is asked for, and layer seccomp left out",
			s->seccomp);
		return err_hint(e, "either --seccomp or --without seccomp (or 'without' of the "
				   "profile)");
	}
	if (s->uid == UINT32_MAX || s->gid == UINT32_MAX)
		return err_set(e, ERANGE, "4294967295 is no user or group id");
	if (!text_path_is_plain(s->cwd))
		return err_set(e, EINVAL, "cwd '%s' must be an absolute path without '.' or '..'",
			       s->cwd);
	/* Only the kernel's own magic links could lead out of the root. */
	if (text_path_below(s->cwd, "/proc"))
		return err_set(e, EINVAL, "cwd '%s' must not lie in /proc", s->cwd);
	if (s->hostname[0] == '\0' || strlen(s->hostname) > 64)
		return err_set(e, EINVAL, "hostname '%.70s' must have 1 to 64 characters",
			       s->hostname);
	return check_programs(s, e);
}
