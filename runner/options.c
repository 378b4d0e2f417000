/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "limits.h"
#include "mount_words.h"
#include "profile.h"

struct option {
	const char *name;
	const char *argument; /* NULL: takes none */
	const char *help;
	int (*set)(struct spec *s, const struct option *o, const char *value, struct err *e);
	const char *limit; /* the limit it sets */
};

/* -- setters --------------------------------------------------------------- */

static int bad_value(struct err *e, const struct option *o, const char *value, const char *wanted)
{
	return err_set(e, EINVAL, "--%s: '%.60s' is not %s", o->name, value, wanted);
}

static int set_limit(struct spec *s, const struct option *o, const char *value, struct err *e)
{
	for (int i = 0; i < LIMITS; i++) {
		const struct limit *l = &limit_table[i];
		uint64_t v;

		if (strcmp(l->name, o->limit) != 0)
			continue;
		switch (limit_parse(l, value, &v)) {
		case 0: *limit_field(&s->limits, l) = v; return 0;
		case -ERANGE:
			return err_set(e, ERANGE, "--%s: '%.60s' is out of range%s%s", o->name,
				       value, *l->why ? ": " : "", l->why);
		default: return bad_value(e, o, value, limit_example(l));
		}
	}
	return -EINVAL;
}

static int set_on_output(struct spec *s, const struct option *o, const char *value, struct err *e)
{
	if (strcmp(value, "kill") != 0 && strcmp(value, "truncate") != 0)
		return bad_value(e, o, value, "truncate or kill");
	s->limits.output_kills = strcmp(value, "kill") == 0;
	return 0;
}

static int set_id(struct spec *s, const struct option *o, const char *value, struct err *e)
{
	uint64_t id;

	if (text_number(value, 0, UINT32_MAX - 1, &id) < 0)
		return bad_value(e, o, value, "an id from 0 to 4294967294");
	if (strcmp(o->name, "uid") == 0)
		s->uid = (uint32_t)id;
	else
		s->gid = (uint32_t)id;
	return 0;
}

static int set_network(struct spec *s, const struct option *o, const char *value, struct err *e)
{
	for (int i = 0; spec_network_names[i]; i++)
		if (strcmp(spec_network_names[i], value) == 0) {
			s->network = (enum spec_network)i;
			return 0;
		}
	return bad_value(e, o, value, "none, loopback or host");
}

static int set_env(struct spec *s, const struct option *o, const char *value, struct err *e)
{
	const char *equals = strchr(value, '=');
	const char *name = equals ? spec_strndup(s, value, (size_t)(equals - value)) : value;

	if (!name)
		return err_set(e, ENOMEM, "out of memory");
	if (spec_add_env(s, name, equals ? equals + 1 : NULL, e) < 0)
		return err_wrap(e, "--%s", o->name);
	return 0;
}

static int set_without(struct spec *s, const struct option *o, const char *value, struct err *e)
{
	(void)o;
	return spec_add_without(s, value, e);
}

static int set_program(struct spec *s, const struct option *o, const char *value, struct err *e)
{
	return spec_add_program(s, value, e) < 0 ? err_wrap(e, "--%s", o->name) : 0;
}

/* SRC[:DST][:WORD...]; without DST the same path inside. */
static int set_bind(struct spec *s, const struct option *o, const char *value, struct err *e)
{
	struct spec_mount m = { .type = SPEC_MOUNT_BIND };
	bool ro_bind = strcmp(o->name, "ro-bind") == 0;
	char *real;

	m.read_only = ro_bind;
	m.exec_implied = true;
	if (mount_parse(s, &m, value, e) < 0)
		return err_wrap(e, "--%s '%.200s'", o->name, value);
	if (ro_bind && !m.read_only)
		return err_set(e, EINVAL, "--ro-bind '%.200s': to be writable, say --bind", value);
	/* What cannot be written is no way to bring in a program of one's own. */
	m.exec_implied &= m.read_only;
	m.exec |= m.exec_implied;
	if (!m.destination) {
		real = realpath(m.source, NULL);
		if (!real && errno == ENOENT && m.optional)
			real = strdup(m.source);
		if (!real)
			return err_set(e, errno, "--%s: bind source '%.200s': %s", o->name,
				       m.source, strerror(errno));
		m.destination = spec_strdup(s, real);
		free(real);
	}
	if (!m.destination || spec_add_mount(s, &m, e) < 0)
		return err_wrap(e, "--%s", o->name);
	return 0;
}

/* DST[:SIZE][:WORD...] */
static int set_tmpfs(struct spec *s, const struct option *o, const char *value, struct err *e)
{
	struct spec_mount m = { .type = SPEC_MOUNT_TMPFS, .size = 64 << 20, .inodes = 65536 };

	if (mount_parse(s, &m, value, e) < 0 || spec_add_mount(s, &m, e) < 0)
		return err_wrap(e, "--%s '%.200s'", o->name, value);
	return 0;
}

#define SET_TEXT(field) \
	static int set_##field(struct spec *s, const struct option *o, const char *value, \
			       struct err *e) \
	{ \
		(void)o; \
		(void)e; \
		s->field = value; \
		return 0; \
	}

SET_TEXT(rootfs)
SET_TEXT(cwd)
SET_TEXT(hostname)
SET_TEXT(stdin_path)
SET_TEXT(report)

/* Asked for here, it is no value that a profile happens to have: see spec_check(). */
static int set_seccomp(struct spec *s, const struct option *o, const char *value, struct err *e)
{
	(void)o;
	(void)e;
	s->seccomp = value;
	s->seccomp_asked = true;
	return 0;
}

static int set_require(struct spec *s, const struct option *o, const char *value, struct err *e)
{
	if (strcmp(value, "cgroup") != 0)
		return bad_value(e, o, value, "cgroup");
	s->require_cgroup = true;
	return 0;
}

static int set_dry_run(struct spec *s, const struct option *o, const char *value, struct err *e)
{
	(void)o;
	(void)value;
	(void)e;
	s->dry_run = true;
	return 0;
}

/* Applied before the others; see options_parse(). */
static int set_profile(struct spec *s, const struct option *o, const char *value, struct err *e)
{
	(void)s;
	(void)o;
	(void)value;
	(void)e;
	return 0;
}

/* -- the table ------------------------------------------------------------- */

static const struct option options[] = {
	{ "profile", "NAME|FILE", "start from this profile (default: default)", set_profile, NULL },
	{ "rootfs", "DIR", "take the root file system from DIR, read-only", set_rootfs, NULL },
	{ "ro-bind", "SRC[:DST][:WORD]", "show SRC inside, read-only", set_bind, NULL },
	{ "bind", "SRC[:DST][:WORD]", "show SRC inside, writable; WORD: ro, exec, optional",
	  set_bind, NULL },
	{ "tmpfs", "DST[:SIZE][:WORD]", "writable memory at DST (64m); WORD: ro, exec", set_tmpfs,
	  NULL },
	{ "env", "NAME[=VALUE]", "set a variable, or pass the caller's on", set_env, NULL },
	{ "cwd", "DIR", "working directory inside", set_cwd, NULL },
	{ "uid", "N", "user id inside", set_id, NULL },
	{ "gid", "N", "group id inside", set_id, NULL },
	{ "hostname", "NAME", "host name inside", set_hostname, NULL },
	{ "stdin", "FILE|null", "read standard input from FILE, or from nothing", set_stdin_path,
	  NULL },
	{ "report", "FILE|fd:N|-", "write the JSON report there; with - stdout goes to stderr",
	  set_report, NULL },
	{ "timeout", "TIME", "end the run after this wall-clock time", set_limit, "wall_time" },
	{ "cpu-time", "TIME", "end the run after this CPU time of all its processes", set_limit,
	  "cpu_time" },
	{ "memory", "SIZE", "memory the tree may use", set_limit, "memory" },
	{ "memory-high", "SIZE", "slow the tree down from here on (needs a cgroup)", set_limit,
	  "memory_high" },
	{ "pids", "N", "processes and threads at a time", set_limit, "pids" },
	{ "cpus", "N", "CPUs it may use, such as 0.5 or 2", set_limit, "cpus" },
	{ "output-limit", "SIZE", "bytes of stdout, and of stderr, that are passed on", set_limit,
	  "output" },
	{ "on-output", "truncate|kill", "what happens at the output limit", set_on_output, NULL },
	{ "open-files", "N", "open files of a process", set_limit, "open_files" },
	{ "file-size", "SIZE", "largest file a process may write", set_limit, "file_size" },
	{ "grace", "TIME", "from a passed-on signal to the end of the tree", set_limit, "grace" },
	{ "drain", "TIME", "how long readers of its output are waited for at its end", set_limit,
	  "drain" },
	{ "network", "none|loopback|host", "what network there is", set_network, NULL },
	{ "seccomp", "NAME|FILE", "system call policy: default, no-fork, or an OCI file",
	  set_seccomp, NULL },
	{ "program", "NAME", "let this program be executed, and no other", set_program, NULL },
	{ "without", "LAYER", "leave a layer out; the report says so", set_without, NULL },
	{ "require", "cgroup", "refuse where there is no cgroup to hold the limits", set_require,
	  NULL },
	{ "dry-run", NULL, "print the plan as JSON and run nothing", set_dry_run, NULL },
};
enum { OPTIONS = sizeof(options) / sizeof(options[0]) };

void options_help(FILE *out)
{
	for (int i = 0; i < OPTIONS; i++) {
		char left[64];

		snprintf(left, sizeof(left), "--%s%s%s", options[i].name,
			 options[i].argument ? " " : "",
			 options[i].argument ? options[i].argument : "");
		fprintf(out, "  %-30s %s\n", left, options[i].help);
	}
}

/* -- parsing --------------------------------------------------------------- */

/* The option that was meant, or NULL. */
static const char *nearest(const char *word)
{
	const char *names[OPTIONS + 2] = { NULL };
	char name[64];

	for (int i = 0; i < OPTIONS; i++)
		names[i] = options[i].name;
	names[OPTIONS] = "help";
	snprintf(name, sizeof(name), "%.*s", (int)strcspn(word + 2, "="), word + 2);
	return word[1] == '-' ? text_nearest(name, names) : NULL;
}

static int unknown(struct err *e, const char *word)
{
	const char *near = nearest(word);

	err_set(e, EINVAL, "unknown option '%.100s'", word);
	return near ? err_hint(e, "did you mean --%s?", near)
		    : err_hint(e, "try 'runner exec --help'");
}

/*
 * The option at argv[*at]: *ret is its row and *value its value; *at moves to its
 * last word. Returns 1; 0 when argv[*at] is no option; or -errno.
 */
static int next_option(char *const *argv, int *at, const struct option **ret, const char **value,
		       struct err *e)
{
	const char *word = argv[*at];
	const char *name;
	size_t length;

	if (word[0] != '-' || word[1] == '\0')
		return 0;
	if (word[1] != '-')
		return unknown(e, word);
	name = word + 2;
	length = strcspn(name, "=");
	for (int i = 0; i < OPTIONS; i++) {
		const struct option *o = &options[i];

		if (strlen(o->name) != length || strncmp(o->name, name, length) != 0)
			continue;
		*ret = o;
		*value = name[length] == '=' ? name + length + 1 : NULL;
		if (!o->argument && *value)
			return err_set(e, EINVAL, "--%s takes no value", o->name);
		if (o->argument && !*value) {
			*value = argv[*at + 1];
			/* A file of that name can still be meant: --report=-- */
			if (!*value || strcmp(*value, "--") == 0)
				return err_set(e, EINVAL, "--%s needs a value: %s", o->name,
					       o->argument);
			*at += 1;
		}
		return 1;
	}
	return unknown(e, word);
}

int options_parse(struct spec *s, char *const *argv, const char *const *caller_env, struct err *e)
{
	const char *profile = "default";
	const struct option *o;
	const char *value;
	int at;
	int r;

	/* First look: the profile, and whether only help is wanted. */
	for (at = 1; argv[at] && strcmp(argv[at], "--") != 0; at++) {
		if (strcmp(argv[at], "--help") == 0 || strcmp(argv[at], "-h") == 0)
			return OPTIONS_HELP;
		r = next_option(argv, &at, &o, &value, e);
		if (r < 0)
			return r;
		if (r == 0)
			break;
		if (strcmp(o->name, "profile") == 0)
			profile = value;
	}
	r = profile_load(s, profile, e);
	if (r < 0)
		return r;
	s->caller_env = caller_env;
	for (at = 1; argv[at] && strcmp(argv[at], "--") != 0; at++) {
		r = next_option(argv, &at, &o, &value, e);
		if (r == 0)
			break;
		r = o->set(s, o, value, e);
		if (r < 0)
			return r;
	}
	s->command = SPEC_COMMAND_FILE;
	if (argv[at] && strcmp(argv[at], "--") == 0) {
		s->command = SPEC_COMMAND_INSIDE;
		at++;
	}
	s->argv = (const char *const *)&argv[at];
	if (!argv[at]) {
		err_set(e, EINVAL, "there is nothing to run");
		return err_hint(e, "runner exec [OPTIONS] SCRIPT|PROGRAM [ARGS...], or "
				   "runner exec [OPTIONS] -- COMMAND [ARGS...]");
	}
	return OPTIONS_RUN;
}

static bool takes_value(const char *name)
{
	for (int i = 0; name && i < OPTIONS; i++)
		if (strcmp(options[i].name, name) == 0)
			return options[i].argument != NULL;
	return false;
}

const char *options_report(char *const *argv)
{
	const char *report = NULL;
	struct err e = { 0 };

	for (int at = 1; argv[at] && strcmp(argv[at], "--") != 0; at++) {
		const struct option *o;
		const char *value;
		int r = next_option(argv, &at, &o, &value, &e);

		if (r > 0 && strcmp(o->name, "report") == 0)
			report = value;
		if (r == 0)
			break;
		if (r > 0 || strchr(argv[at], '=') || !argv[at + 1] || argv[at + 1][0] == '-')
			continue;
		/* Is the next word its value? As of the one that was meant, if there is one. */
		if (!takes_value(nearest(argv[at])))
			break;
		at++;
	}
	return report;
}
