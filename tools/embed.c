/* SPDX-License-Identifier: Apache-2.0 */
/*
 * embed: write profiles/ and seccomp/ as C tables (see runner/builtin.h).
 *
 *     embed profiles/a.json ... -- seccomp/b.json ... > builtin.c
 *
 * Runs at build time. It uses the parsers of runner itself, so what is compiled
 * in is exactly what the same file would mean at run time.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sha2.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../runner/base/fd.h"
#include "../runner/profile.h"
#include "../seccomp/policy.h"

enum { MAX = 64 };

#define GUARD "guard" /* seccomp/guard.json: no policy, but what stands in front of each */

struct source {
	char name[64];
	char *text;
};

static struct source profiles[MAX];
static struct source policies[MAX];

static void die(const char *what, const char *why)
{
	fprintf(stderr, "embed: %s: %s\n", what, why);
	exit(1);
}

static void load(struct source *list, const char *path)
{
	const char *base = text_basename(path);
	cleanup_fd int fd = open(path, O_RDONLY);
	size_t length;
	int i = 0;

	while (i < MAX && list[i].text)
		i++;
	if (i == MAX)
		die(path, "too many files");
	if (fd < 0 || fd_read_all(fd, 1 << 20, &list[i].text, &length) < 0)
		die(path, strerror(errno));
	snprintf(list[i].name, sizeof(list[i].name), "%.*s", (int)strcspn(base, "."), base);
}

static const char *find(const struct source *list, const char *name)
{
	for (int i = 0; i < MAX && list[i].text; i++)
		if (strcmp(list[i].name, name) == 0)
			return list[i].text;
	return NULL;
}

static const char *find_profile(const char *name)
{
	return find(profiles, name);
}

static const char *find_policy(const char *name)
{
	return find(policies, name);
}

/* A C string literal, or NULL. */
static void quote(const char *s)
{
	if (!s) {
		printf("NULL");
		return;
	}
	putchar('"');
	for (; *s; s++)
		if (*s == '\n')
			printf("\\n\"\n\t\"");
		else if (*s == '"' || *s == '\\' || !isprint((unsigned char)*s))
			printf("\\%03o", (unsigned char)*s);
		else
			putchar(*s);
	putchar('"');
}

static void field(const char *name, const char *value)
{
	printf("\t.%s = ", name);
	quote(value);
	printf(",\n");
}

static void number(const char *name, uint64_t value)
{
	printf("\t.%s = %" PRIu64 "u,\n", name, value);
}

static void write_mounts(const struct spec *s)
{
	printf("\t.mounts = {\n");
	for (unsigned int i = 0; i < s->n_mounts; i++) {
		const struct spec_mount *m = &s->mounts[i];

		printf("\t\t{ .type = %d, .read_only = %d, .exec = %d, .optional = %d, "
		       ".sockets = %d, .kernel = %d, .source = ",
		       (int)m->type, m->read_only, m->exec, m->optional, m->sockets, m->kernel);
		quote(m->source);
		printf(", .destination = ");
		quote(m->destination);
		printf(", .size = %" PRIu64 "u, .inodes = %" PRIu64 "u },\n", m->size, m->inodes);
	}
	printf("\t},\n\t.n_mounts = %u,\n\t.env = {\n", s->n_mounts);
	for (unsigned int i = 0; i < s->n_env; i++) {
		printf("\t\t{ ");
		quote(s->env[i].name);
		printf(", ");
		quote(s->env[i].value);
		printf(" },\n");
	}
	printf("\t},\n\t.n_env = %u,\n", s->n_env);
}

static void write_limits(const struct spec_limits *l)
{
	printf("\t.limits = {\n");
	number("wall_ms", l->wall_ms);
	number("cpu_ms", l->cpu_ms);
	number("memory", l->memory);
	number("memory_high", l->memory_high);
	number("pids", l->pids);
	number("cpus_milli", l->cpus_milli);
	number("output", l->output);
	number("open_files", l->open_files);
	number("file_size", l->file_size);
	number("output_kills", l->output_kills);
	number("grace_ms", l->grace_ms);
	number("drain_ms", l->drain_ms);
	printf("\t},\n");
}

static void write_names(const char *name, const char *const *names, unsigned int n)
{
	printf("\t.%s = { ", name);
	for (unsigned int i = 0; i < n; i++) {
		quote(names[i]);
		printf(", ");
	}
	printf("NULL },\n\t.n_%s = %u,\n", name, n);
}

/* The name as a part of an identifier; express.ld knows the one of what most runs use. */
static const char *identifier(const char *name)
{
	static char room[64];
	size_t n = 0;

	for (; name[n] && n < sizeof(room) - 1; n++)
		room[n] = isalnum((unsigned char)name[n]) ? name[n] : '_';
	room[n] = '\0';
	return room;
}

static void write_spec(const struct source *src)
{
	const char *id = identifier(src->name);
	struct spec s;
	struct err e = { 0 };

	profile_defaults(&s);
	if (profile_apply(&s, src->name, src->text, find_profile, &e) < 0)
		die(src->name, e.text);
	printf("static const char *const interpreter_%s[] = { ", id);
	for (const char *const *w = s.interpreter; *w; w++) {
		quote(*w);
		printf(", ");
	}
	printf("NULL };\nstatic const struct spec spec_%s = {\n", id);
	field("description", s.description);
	printf("\t.interpreter = interpreter_%s,\n", id);
	field("rootfs", s.rootfs);
	field("cwd", s.cwd);
	field("hostname", s.hostname);
	field("seccomp", s.seccomp);
	number("uid", s.uid);
	number("gid", s.gid);
	number("network", s.network);
	number("require_cgroup", s.require_cgroup);
	number("only_programs", s.only_programs);
	write_mounts(&s);
	write_limits(&s.limits);
	write_names("without", s.without, s.n_without);
	write_names("programs", s.programs, s.n_programs);
	printf("};\n\n");
	spec_clear(&s);
}

static void write_profiles(void)
{
	for (int i = 0; i < MAX && profiles[i].text; i++)
		write_spec(&profiles[i]);
	printf("const struct builtin_profile builtin_profiles[] = {\n");
	for (int i = 0; i < MAX && profiles[i].text; i++) {
		char hex[SHA256_DIGEST_STRING_LENGTH];

		SHA256Data((const uint8_t *)profiles[i].text, strlen(profiles[i].text), hex);
		printf("\t{ \"%s\",\n\t", profiles[i].name);
		quote(profiles[i].text);
		printf(",\n\t\"%s\", &spec_%s },\n", hex, identifier(profiles[i].name));
	}
	printf("\t{ NULL, NULL, NULL, NULL },\n};\n\n");
}

static void write_program(const char *name, const struct sock_filter *f, unsigned int n)
{
	printf("static const struct sock_filter %s[] = {\n", name);
	for (unsigned int i = 0; i < n; i++)
		printf("\t{ 0x%x, %u, %u, 0x%x },\n", f[i].code, f[i].jt, f[i].jf, f[i].k);
	printf("};\n");
}

/* The policy behind the blocks that every run has and `optional` ones: a list's end. */
static void write_compiled(const struct source *src, unsigned int blocks)
{
	static int n;
	static char rows[MAX * MAX][384];
	char filter[96];
	char verdict[96];
	struct policy_guard guard = { find(policies, GUARD), blocks };
	struct policy p;
	struct err e = { 0 };

	if (!src) {
		printf("const struct builtin_program builtin_programs[] = {\n");
		for (int i = 0; i < n; i++)
			printf("%s", rows[i]);
		printf("\t{ NULL, 0, NULL, 0, NULL, 0 },\n};\n\n");
		return;
	}
	if (policy_compile(src->name, src->text, find_policy, &guard, &p, &e) < 0)
		die(src->name, e.text);
	snprintf(filter, sizeof(filter), "filter_%s_%x", identifier(src->name), blocks);
	snprintf(verdict, sizeof(verdict), "verdict_%s_%x", identifier(src->name), blocks);
	write_program(filter, p.filter, p.filter_length);
	write_program(verdict, p.verdict, p.verdict_length);
	snprintf(rows[n], sizeof(rows[n]), "\t{ \"%s\", 0x%x, %s, %u, %s, %u },\n", src->name,
		 blocks, filter, p.filter_length, verdict, p.verdict_length);
	policy_clear(&p);
	n++;
}

static void write_policies(void)
{
	unsigned int all;
	unsigned int optional;
	unsigned int some = 0;
	struct err e = { 0 };

	if (policy_guard_read(find(policies, GUARD), &all, &optional, &e) < 0)
		die(GUARD, e.text);
	for (int i = 0; i < MAX && policies[i].text; i++) {
		if (strcmp(policies[i].name, GUARD) == 0)
			continue;
		/* Every subset of the optional ones. */
		do {
			write_compiled(&policies[i], (all & ~optional) | some);
			some = (some - optional) & optional;
		} while (some);
	}
	write_compiled(NULL, 0);
	printf("const struct builtin_policy builtin_policies[] = {\n");
	for (int i = 0; i < MAX && policies[i].text; i++) {
		if (strcmp(policies[i].name, GUARD) == 0)
			continue;
		printf("\t{ \"%s\",\n\t", policies[i].name);
		quote(policies[i].text);
		printf(" },\n");
	}
	printf("\t{ NULL, NULL },\n};\n\nconst char builtin_guard[] =\n\t");
	quote(find(policies, GUARD));
	printf(";\n\n");
}

static void write_syscall_names(void)
{
	enum { COUNT = 512 };

	printf("const char *const builtin_syscall_names[] = {\n");
	for (int nr = 0; nr < COUNT; nr++) {
		char *name = seccomp_syscall_resolve_num_arch(seccomp_arch_native(), nr);

		const char *known = name ? name : policy_newer_call((unsigned int)nr);

		if (known)
			printf("\t[%d] = \"%s\",\n", nr, known);
		free(name);
	}
	printf("\t[%d] = NULL,\n};\nconst unsigned int builtin_syscall_count = %d;\n", COUNT,
	       COUNT);
}

int main(int argc, char **argv)
{
	struct source *list = profiles;

	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], "--") == 0)
			list = policies;
		else
			load(list, argv[i]);
	printf("/* Written by tools/embed.c. */\n"
	       "#include \"builtin.h\"\n#include \"denial.h\"\n\n");
	write_profiles();
	write_policies();
	write_syscall_names();
	return fflush(stdout) == 0 ? 0 : 1;
}
