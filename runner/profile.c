/* SPDX-License-Identifier: Apache-2.0 */
#include "profile.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "profile_read.h"

struct key {
	const char *name;
	int (*read)(struct spec *s, json_t *value, struct place *p, struct err *e);
};

int profile_bad(struct err *e, const struct place *p, const char *what)
{
	return err_set(e, EINVAL, "profile '%s': %s: %s", p->where, p->path, what);
}

static const char *kind(const json_t *v)
{
	static const char *const names[] = { "an object", "an array", "a string", "an integer",
					     "a number",  "true",     "false",	  "null" };

	return names[json_typeof(v)];
}

int profile_wrong_type(struct err *e, const struct place *p, const char *wanted, const json_t *v)
{
	return err_set(e, EINVAL, "profile '%s': %s: must be %s, not %s", p->where, p->path, wanted,
		       kind(v));
}

size_t profile_go_down(struct place *p, const char *name, size_t index)
{
	size_t length = strlen(p->path);
	size_t room = sizeof(p->path) - length;

	if (name)
		snprintf(p->path + length, room, "%s%s", length ? "." : "", name);
	else
		snprintf(p->path + length, room, "[%zu]", index);
	return length;
}

/* Call the reader of each member; a member without one is an error. */
static int read_object(struct spec *s, json_t *object, const struct key *keys, struct place *p,
		       struct err *e)
{
	const char *name;
	json_t *value;

	if (!json_is_object(object))
		return profile_wrong_type(e, p, "an object", object);
	json_object_foreach(object, name, value)
	{
		const struct key *k = keys;
		size_t length = profile_go_down(p, name, 0);
		int r;

		while (k->name && strcmp(k->name, name) != 0)
			k++;
		if (!k->name) {
			const char *names[24] = { NULL };
			const char *near;

			for (unsigned int i = 0; i < 23 && keys[i].name; i++)
				names[i] = keys[i].name;
			near = text_nearest(name, names);
			profile_bad(e, p, "unknown key");
			return near ? err_hint(e, "did you mean '%s'?", near) : -EINVAL;
		}
		r = k->read(s, value, p, e);
		if (r < 0)
			return r;
		p->path[length] = '\0';
	}
	return 0;
}

int profile_read_text(struct spec *s, json_t *v, const char **field, struct place *p, struct err *e)
{
	if (!json_is_string(v))
		return profile_wrong_type(e, p, "a string", v);
	*field = spec_strdup(s, json_string_value(v));
	return *field ? 0 : err_set(e, ENOMEM, "out of memory");
}

/* -- the simple keys ------------------------------------------------------- */

#define TEXT_KEY(name) \
	static int read_##name(struct spec *s, json_t *v, struct place *p, struct err *e) \
	{ \
		return profile_read_text(s, v, &s->name, p, e); \
	}

TEXT_KEY(description)
TEXT_KEY(hostname)
TEXT_KEY(cwd)
TEXT_KEY(rootfs)
TEXT_KEY(seccomp)

/* Applied before all other keys; see profile_apply(). */
static int read_extends(struct spec *s, json_t *v, struct place *p, struct err *e)
{
	(void)s;
	return json_is_string(v) ? 0 : profile_wrong_type(e, p, "a string", v);
}

static int read_id(json_t *v, uint32_t *field, struct place *p, struct err *e)
{
	if (!json_is_integer(v))
		return profile_wrong_type(e, p, "an integer", v);
	if (json_integer_value(v) < 0 || json_integer_value(v) >= UINT32_MAX)
		return profile_bad(e, p, "must be 0 to 4294967294");
	*field = (uint32_t)json_integer_value(v);
	return 0;
}

static int read_uid(struct spec *s, json_t *v, struct place *p, struct err *e)
{
	return read_id(v, &s->uid, p, e);
}

static int read_gid(struct spec *s, json_t *v, struct place *p, struct err *e)
{
	return read_id(v, &s->gid, p, e);
}

static int read_user(struct spec *s, json_t *v, struct place *p, struct err *e)
{
	static const struct key keys[] = { { "uid", read_uid }, { "gid", read_gid }, { 0 } };

	return read_object(s, v, keys, p, e);
}

static int read_network(struct spec *s, json_t *v, struct place *p, struct err *e)
{
	const char *text = json_string_value(v);

	if (!text)
		return profile_wrong_type(e, p, "a string", v);
	for (int i = 0; spec_network_names[i]; i++)
		if (strcmp(spec_network_names[i], text) == 0) {
			s->network = (enum spec_network)i;
			return 0;
		}
	return profile_bad(e, p, "must be none, loopback or host");
}

static int read_interpreter(struct spec *s, json_t *v, struct place *p, struct err *e)
{
	const char **list;
	size_t n = json_array_size(v);

	if (!json_is_array(v))
		return profile_wrong_type(e, p, "an array of strings", v);
	if (n < 1 || n > SPEC_MAX_INTERPRETER)
		return profile_bad(e, p, "must have 1 to 8 words");
	list = spec_list(s, n);
	if (!list)
		return err_set(e, ENOMEM, "out of memory");
	for (size_t i = 0; i < n; i++) {
		size_t length = profile_go_down(p, NULL, i);

		if (profile_read_text(s, json_array_get(v, i), &list[i], p, e) < 0)
			return -e->code;
		if (list[i][0] == '\0')
			return profile_bad(e, p, "must not be empty");
		p->path[length] = '\0';
	}
	s->interpreter = list;
	return 0;
}

/* -- environment ----------------------------------------------------------- */

static int read_env_set(struct spec *s, json_t *v, struct place *p, struct err *e)
{
	const char *name;
	json_t *value;

	if (!json_is_object(v))
		return profile_wrong_type(e, p, "an object", v);
	json_object_foreach(v, name, value)
	{
		size_t length = profile_go_down(p, name, 0);
		const char *key = spec_strdup(s, name);
		const char *text = NULL;

		if (profile_read_text(s, value, &text, p, e) < 0)
			return -e->code;
		if (!key || spec_add_env(s, key, text, e) < 0)
			return profile_bad(e, p, "cannot be the name of a variable");
		p->path[length] = '\0';
	}
	return 0;
}

static int read_names(struct spec *s, json_t *v, struct place *p, struct err *e,
		      int (*add)(struct spec *s, const char *name, struct err *e))
{
	size_t i;
	json_t *item;

	if (!json_is_array(v))
		return profile_wrong_type(e, p, "an array of strings", v);
	json_array_foreach(v, i, item)
	{
		size_t length = profile_go_down(p, NULL, i);
		const char *text = NULL;

		if (profile_read_text(s, item, &text, p, e) < 0)
			return -e->code;
		if (add(s, text, e) < 0)
			return err_wrap(e, "profile '%s': %s", p->where, p->path);
		p->path[length] = '\0';
	}
	return 0;
}

static int add_pass(struct spec *s, const char *name, struct err *e)
{
	return spec_add_env(s, name, NULL, e);
}

static int read_env_pass(struct spec *s, json_t *v, struct place *p, struct err *e)
{
	return read_names(s, v, p, e, add_pass);
}

static int read_env(struct spec *s, json_t *v, struct place *p, struct err *e)
{
	static const struct key keys[] = { { "set", read_env_set },
					   { "pass", read_env_pass },
					   { 0 } };

	return read_object(s, v, keys, p, e);
}

static int add_require(struct spec *s, const char *name, struct err *e)
{
	if (strcmp(name, "cgroup") != 0)
		return err_set(e, EINVAL, "'%.60s' cannot be required; only cgroup can", name);
	s->require_cgroup = true;
	return 0;
}

static int read_require(struct spec *s, json_t *v, struct place *p, struct err *e)
{
	return read_names(s, v, p, e, add_require);
}

/* An empty list is one, too: then only what is delivered is executed. */
static int read_programs(struct spec *s, json_t *v, struct place *p, struct err *e)
{
	s->only_programs = true;
	return read_names(s, v, p, e, spec_add_program);
}

static int read_without(struct spec *s, json_t *v, struct place *p, struct err *e)
{
	return read_names(s, v, p, e, spec_add_without);
}

/* -- the whole ------------------------------------------------------------- */

static const struct key profile_keys[] = {
	{ "description", read_description },
	{ "extends", read_extends },
	{ "interpreter", read_interpreter },
	{ "user", read_user },
	{ "hostname", read_hostname },
	{ "cwd", read_cwd },
	{ "env", read_env },
	{ "rootfs", read_rootfs },
	{ "mounts", profile_read_mounts },
	{ "network", read_network },
	{ "limits", profile_read_limits },
	{ "seccomp", read_seccomp },
	{ "programs", read_programs },
	{ "require", read_require },
	{ "without", read_without },
	{ 0 },
};

void profile_defaults(struct spec *s)
{
	static const char *const python[] = { "python3", NULL };

	*s = (struct spec){
		.interpreter = python,
		.cwd = "/",
		.hostname = "runner",
		.uid = 1000,
		.gid = 1000,
		.seccomp = "default",
		.limits = { UNLIMITED, UNLIMITED, UNLIMITED, UNLIMITED, UNLIMITED, UNLIMITED,
			    UNLIMITED, 1024, UNLIMITED, false, 2000, 5000 },
	};
}

/*
 * `runner profile show` prints a profile with its name, its checksum and where each
 * value came from around it. To copy that and change a word must work.
 */
static void unwrap(json_t **root)
{
	static const char *const around[] = { "name", "sha256", "profile", "from" };
	json_t *profile = json_object_get(*root, "profile");

	for (size_t i = 0; i < sizeof(around) / sizeof(around[0]); i++)
		if (!json_object_get(*root, around[i]))
			return;
	if (json_object_size(*root) != sizeof(around) / sizeof(around[0]))
		return;
	json_incref(profile);
	json_decref(*root);
	*root = profile;
}

static int apply(struct spec *s, const char *where, const char *text, profile_find find, int depth,
		 struct err *e)
{
	struct place p = { .where = where };
	json_error_t error;
	bool deep = text_json_is_deep(text);
	json_t *root = deep ? NULL : json_loads(text, JSON_REJECT_DUPLICATES, &error);
	const char *extends;
	int r = 0;

	if (deep)
		return err_set(e, EINVAL, "profile '%s': more than 32 levels deep", where);
	if (!root && !error.text[0])
		return err_set(e, ENOMEM, "profile '%s': out of memory", where);
	if (!root)
		return err_set(e, EINVAL, "profile '%s': line %d, column %d: %s", where, error.line,
			       error.column, error.text);
	unwrap(&root);
	extends = json_string_value(json_object_get(root, "extends"));
	if (extends) {
		const char *base = find(extends);

		snprintf(p.path, sizeof(p.path), "extends");
		if (!base && text_is_path(extends)) {
			/* The report has the checksum of one text: it is to say all. */
			r = profile_bad(e, &p,
					"a file cannot be extended, only a built-in profile");
			err_hint(e,
				 "see 'runner profile list'; 'runner profile show FILE' prints a "
				 "file with what it extends, for a copy");
		} else if (!base)
			r = err_set(e, ENOENT, "profile '%s': extends: there is no profile '%s'",
				    where, extends);
		else if (depth == PROFILE_MAX_EXTENDS)
			r = profile_bad(e, &p, "more than 8 profiles deep");
		else
			r = apply(s, extends, base, find, depth + 1, e);
	}
	p.path[0] = '\0';
	if (r == 0 && !json_is_object(root))
		r = err_set(e, EINVAL, "profile '%s': must be a JSON object", where);
	if (r == 0)
		r = read_object(s, root, profile_keys, &p, e);
	json_decref(root);
	return r;
}

int profile_apply(struct spec *s, const char *where, const char *text, profile_find find,
		  struct err *e)
{
	int r = apply(s, where, text, find, 0, e);

	if (r == 0 && spec_check(s, e) < 0)
		return err_wrap(e, "profile '%s'", where);
	return r;
}
