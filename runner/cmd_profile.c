/* SPDX-License-Identifier: Apache-2.0 */
/* runner profile list|show|check */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/display.h"
#include "base/jout.h"
#include "builtin.h"
#include "cmd.h"
#include "limits.h"
#include "plan.h"
#include "profile.h"

static int list(char *const *names)
{
	(void)names;
	for (const struct builtin_profile *p = builtin_profiles; p->name; p++)
		printf("%-10s %s\n", p->name, p->spec->description);
	return 0;
}

/* -- where each value came from -------------------------------------------- */

struct source {
	const char *name;
	json_t *root;
};

/* The profile itself first, then what it extends. */
static int load_chain(const char *name, struct source *chain, int room, struct err *e)
{
	const char *next = name;
	int n = 0;

	while (next && n < room) {
		cleanup_free char *read = NULL;
		const struct builtin_profile *p = builtin_profile(next);

		if (n == 0 && text_is_path(next) && profile_read_file(next, &read, e) < 0)
			return -e->code;
		chain[n].name = next;
		chain[n].root = json_loads(read ? read : p ? p->text : "{}", 0, NULL);
		next = json_string_value(json_object_get(chain[n++].root, "extends"));
	}
	return n;
}

static const char *origin(const struct source *chain, int n, const char *group, const char *key)
{
	for (int i = 0; i < n; i++) {
		json_t *o = group ? json_object_get(chain[i].root, group) : chain[i].root;

		if (json_object_get(o, key))
			return chain[i].name;
	}
	return "default of runner";
}

/* -- show ------------------------------------------------------------------ */

static void print_mounts(struct jout *j, const struct spec *s)
{
	jout_array(j, "mounts");
	for (unsigned int i = 0; i < s->n_mounts; i++) {
		const struct spec_mount *m = &s->mounts[i];

		jout_object(j, NULL);
		jout_string(j, "type", m->type == SPEC_MOUNT_BIND ? "bind" : "tmpfs");
		if (m->source)
			jout_string(j, "source", m->source);
		jout_string(j, "destination", m->destination);
		if (m->type == SPEC_MOUNT_TMPFS) {
			jout_uint(j, "size", m->size);
			jout_uint(j, "inodes", m->inodes);
		}
		jout_array(j, "options");
		jout_string(j, NULL, m->read_only ? "ro" : "rw");
		jout_string(j, NULL, m->exec ? "exec" : "noexec");
		if (m->optional)
			jout_string(j, NULL, "optional");
		if (m->sockets)
			jout_string(j, NULL, "sockets");
		if (m->kernel)
			jout_string(j, NULL, "kernel");
		jout_end_array(j);
		jout_end_object(j);
	}
	jout_end_array(j);
}

static void print_env(struct jout *j, const struct spec *s)
{
	jout_object(j, "env");
	jout_object(j, "set");
	for (unsigned int i = 0; i < s->n_env; i++)
		if (s->env[i].value)
			jout_string(j, s->env[i].name, s->env[i].value);
	jout_end_object(j);
	jout_array(j, "pass");
	for (unsigned int i = 0; i < s->n_env; i++)
		if (!s->env[i].value)
			jout_string(j, NULL, s->env[i].name);
	jout_end_array(j);
	jout_end_object(j);
}

/* A limit the way a profile writes it, so that what is shown can be loaded. */
static void print_limit(struct jout *j, const struct limit *l, uint64_t v)
{
	char text[32];

	if (v == UNLIMITED) {
		jout_string(j, l->name, "unlimited");
	} else if (l->unit == LIMIT_MS) {
		snprintf(text, sizeof(text), "%llums", (unsigned long long)v);
		jout_string(j, l->name, text);
	} else if (l->unit == LIMIT_MILLI_CPUS) {
		jout_milli(j, l->name, v);
	} else {
		jout_uint(j, l->name, v);
	}
}

static void print_names(struct jout *j, const char *key, const char *const *names, unsigned int n)
{
	jout_array(j, key);
	for (unsigned int i = 0; i < n; i++)
		jout_string(j, NULL, names[i]);
	jout_end_array(j);
}

static void print_profile(struct jout *j, const struct spec *s)
{
	if (s->description)
		jout_string(j, "description", s->description);
	jout_array(j, "interpreter");
	for (const char *const *w = s->interpreter; *w; w++)
		jout_string(j, NULL, *w);
	jout_end_array(j);
	jout_object(j, "user");
	jout_uint(j, "uid", s->uid);
	jout_uint(j, "gid", s->gid);
	jout_end_object(j);
	jout_string(j, "hostname", s->hostname);
	jout_string(j, "cwd", s->cwd);
	print_env(j, s);
	if (s->rootfs)
		jout_string(j, "rootfs", s->rootfs);
	print_mounts(j, s);
	jout_string(j, "network", spec_network_names[s->network]);
	jout_object(j, "limits");
	for (int i = 0; i < LIMITS; i++)
		print_limit(j, &limit_table[i], limit_value(&s->limits, &limit_table[i]));
	jout_string(j, "on_output", s->limits.output_kills ? "kill" : "truncate");
	jout_end_object(j);
	jout_string(j, "seccomp", s->seccomp);
	/* An empty list lets nothing be executed; none at all, everything. */
	if (s->only_programs)
		print_names(j, "programs", s->programs, s->n_programs);
	jout_array(j, "require");
	if (s->require_cgroup)
		jout_string(j, NULL, "cgroup");
	jout_end_array(j);
	print_names(j, "without", s->without, s->n_without);
}

static void print_origins(struct jout *j, const struct source *chain, int n)
{
	static const char *const keys[] = { "interpreter", "user",     "hostname", "cwd",
					    "env",	   "rootfs",   "mounts",   "network",
					    "seccomp",	   "programs", "require",  "without" };

	jout_object(j, "from");
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		jout_string(j, keys[i], origin(chain, n, NULL, keys[i]));
	for (int i = 0; i < LIMITS; i++) {
		char key[40];

		snprintf(key, sizeof(key), "limits.%s", limit_table[i].name);
		jout_string(j, key, origin(chain, n, "limits", limit_table[i].name));
	}
	jout_end_object(j);
}

static int show(char *const *names)
{
	struct source chain[PROFILE_MAX_EXTENDS + 1];
	struct spec s = { 0 };
	struct jout j = { 0 };
	struct err e = { 0 };
	int n;

	if (!names[0] || names[1]) {
		err_set(&e, EINVAL, "profile show: name one profile");
		return cmd_fail(&e);
	}
	if (profile_load(&s, names[0], &e) < 0)
		return cmd_fail(&e);
	n = load_chain(names[0], chain, PROFILE_MAX_EXTENDS + 1, &e);
	if (n < 0)
		return cmd_fail(&e);
	jout_object(&j, NULL);
	jout_string(&j, "name", s.profile);
	jout_string(&j, "sha256", s.profile_sha256);
	jout_object(&j, "profile");
	print_profile(&j, &s);
	jout_end_object(&j);
	print_origins(&j, chain, n);
	jout_end_object(&j);
	if (jout_finish(&j) == 0)
		fwrite(j.text, 1, j.length, stdout);
	while (n > 0)
		json_decref(chain[--n].root);
	jout_clear(&j);
	spec_clear(&s);
	return 0;
}

/* "-" is standard input: what `runner profile show` prints, for instance. */
static int load_for_check(struct spec *s, const char *name, struct err *e)
{
	cleanup_free char *text = NULL;
	size_t length;
	int r;

	if (strcmp(name, "-") != 0)
		return profile_load(s, name, e);
	r = fd_read_all(0, PROFILE_MAX_BYTES, &text, &length);
	if (r < 0)
		return err_set(e, -r, "profile '-': %s", strerror(-r));
	if (strlen(text) != length)
		return err_set(e, EINVAL, "profile '-': holds a NUL byte");
	return profile_load_text(s, name, text, e);
}

static int check(char *const *names)
{
	int status = 0;

	if (!names[0]) {
		struct err e = { 0 };

		err_set(&e, EINVAL, "profile check: name at least one profile");
		return cmd_fail(&e);
	}
	for (; *names; names++) {
		struct spec s = { 0 };
		struct err e = { 0 };

		if (load_for_check(&s, *names, &e) < 0)
			status = cmd_fail(&e);
		else if (plan_check(&s, &e) < 0) {
			err_wrap(&e, "profile '%s'", *names);
			status = cmd_fail(&e);
		} else
			display_line(stdout, "%s: ok", *names);
		spec_clear(&s);
	}
	return status;
}

static const struct {
	const char *name;
	const char *help;
	int (*run)(char *const *names);
} verbs[] = {
	{ "list", "list                the built-in profiles", list },
	{ "show", "show NAME|FILE      the effective values, and where each came from", show },
	{ "check", "check NAME|FILE|-...  is it a valid profile? 0 yes, 125 no; - is stdin",
	  check },
};

int cmd_profile(char **argv, char **envp)
{
	struct err e = { 0 };

	(void)envp;
	if (argv[1] && strcmp(argv[1], "--help") == 0) {
		puts("Usage: runner profile VERB\n");
		for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
			printf("  %s\n", verbs[i].help);
		return 0;
	}
	for (size_t i = 0; argv[1] && i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (strcmp(verbs[i].name, argv[1]) == 0)
			return verbs[i].run(argv + 2);
	err_set(&e, EINVAL, "profile: '%.60s' is not list, show or check", argv[1] ? argv[1] : "");
	err_hint(&e, "try 'runner profile --help'");
	return cmd_fail(&e);
}
