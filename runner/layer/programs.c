/* SPDX-License-Identifier: Apache-2.0 */
/*
 * programs: only the named programs may be executed.
 *
 * execve(2) is Landlock's to refuse: its rules then name files, not directories.
 * But a program is also what the dynamic loader maps (ld.so /usr/bin/bash), and the
 * loader must be executable or nothing is. So here the system's mounts become
 * noexec, which refuses the mapping too, except for the directories of libraries
 * and for the named files, which are bound over themselves.
 *
 * Not held: what lies among the libraries can still be mapped by the loader.
 */
#define _GNU_SOURCE
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/raw.h"
#include "command.h"
#include "layer/mounting.h"

enum { RO = RAW_MOUNT_ATTR_RDONLY | RAW_MOUNT_ATTR_NOSUID | RAW_MOUNT_ATTR_NODEV };

/* -- plan: where a path inside really is ----------------------------------- */

struct found {
	int fd; /* O_PATH */
	char source[PATH_MAX];
	const char *inside; /* in `source`, behind the root: "/usr/bin/python3.11" */
	struct stat st;
};

static ssize_t name_of(int fd, char ret[PATH_MAX])
{
	char link[32];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, ret, PATH_MAX - 1);
	ret[n < 0 ? 0 : n] = '\0';
	return n;
}

/*
 * Does the path begin with something that is there inside? A link of the host's that
 * is not could lead anywhere, and anybody may make one in /tmp.
 */
static bool begins_inside(const struct plan *plan, const char *path)
{
	if (path[0] != '/')
		return false;
	for (unsigned int i = 0; i < plan->n_view; i++)
		if (text_path_below(path + 1, plan->view[i].target))
			return true;
	for (unsigned int i = 0; i < plan->n_nodes; i++)
		if (plan->nodes[i].kind == PLAN_NODE_LINK &&
		    text_path_below(path + 1, plan->nodes[i].path))
			return true;
	return false;
}

enum { MOST_TRIES = 1000 };

/* Links are followed as they will be inside. 0 or -errno. */
static int find(const struct plan *plan, const char *path, struct found *ret)
{
	struct raw_open_how how = { .flags = O_PATH | O_CLOEXEC,
				    .resolve = RAW_RESOLVE_IN_ROOT | RAW_RESOLVE_NO_MAGICLINKS };
	const char *root = plan->spec->rootfs ? plan->spec->rootfs : "/";
	cleanup_fd int root_fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	char root_name[PATH_MAX];
	size_t length;

	if (!begins_inside(plan, path))
		return -ENOENT;
	if (root_fd < 0 || name_of(root_fd, root_name) < 0)
		return -errno;
	/* A ".." asks for a moment without any rename or mount on the host: openat2(2). */
	for (int i = 0; i < MOST_TRIES; i++) {
		ret->fd = (int)raw4(SYS_openat2, root_fd, path, &how, sizeof(how));
		if (ret->fd != -EAGAIN)
			break;
	}
	if (ret->fd < 0)
		return ret->fd;
	length = strcmp(root_name, "/") == 0 ? 0 : strlen(root_name);
	if (name_of(ret->fd, ret->source) <= (ssize_t)length || fstat(ret->fd, &ret->st) < 0) {
		fd_close(&ret->fd);
		return -ENOENT;
	}
	ret->inside = ret->source + length;
	return 0;
}

static bool is_in_view(const struct plan *plan, const char *inside)
{
	for (unsigned int i = 0; i < plan->n_view; i++)
		if (plan->view[i].exec && text_path_below(inside + 1, plan->view[i].target))
			return true;
	return false;
}

static int add_exec(struct plan *plan, const struct found *f, bool rule, struct err *e)
{
	struct plan_bind b = { .dev = f->st.st_dev,
			       .ino = f->st.st_ino,
			       .attributes = RO,
			       .exec = rule,
			       .directory = S_ISDIR(f->st.st_mode),
			       .idmap_fd = -1 };

	b.source = plan_printf(plan, e, "%s", f->source);
	if (!b.source)
		return -ENOMEM;
	b.target = b.source + (f->inside - f->source) + 1;
	for (unsigned int i = 0; i < plan->n_programs; i++)
		if (strcmp(plan->programs[i].target, b.target) == 0) {
			plan->programs[i].exec |= rule;
			return 0;
		}
	if (plan->n_programs == PLAN_MAX_PROGRAMS)
		return err_set(e, E2BIG, "more than %d programs", PLAN_MAX_PROGRAMS);
	plan->programs[plan->n_programs++] = b;
	return 0;
}

/* -- plan: what a program needs -------------------------------------------- */

/*
 * A program names its loader itself, and what is handed in was written by somebody
 * who may name /usr/bin/bash: only these are taken for one (their ABIs fix the paths).
 */
static bool is_loader(const char *path)
{
	static const char *const loaders[] = {
		"/lib64/ld-linux-x86-64.so.2",
		"/lib/ld-musl-x86_64.so.1",
		"/lib/ld-linux-aarch64.so.1",
		"/lib/ld-musl-aarch64.so.1",
	};

	for (size_t i = 0; i < sizeof(loaders) / sizeof(loaders[0]); i++)
		if (strcmp(loaders[i], path) == 0)
			return true;
	return false;
}

/* PT_INTERP, or "" when there is none. */
static void read_loader(int fd, char ret[256])
{
	Elf64_Ehdr header;
	Elf64_Phdr p;

	ret[0] = '\0';
	if (pread(fd, &header, sizeof(header), 0) != sizeof(header) ||
	    header.e_phentsize != sizeof(p))
		return;
	for (unsigned int i = 0; i < header.e_phnum && i < 64; i++) {
		ssize_t n;

		if (pread(fd, &p, sizeof(p), (off_t)(header.e_phoff + i * sizeof(p))) != sizeof(p))
			return;
		if (p.p_type != PT_INTERP || p.p_filesz == 0 || p.p_filesz > 255)
			continue;
		n = pread(fd, ret, p.p_filesz, (off_t)p.p_offset);
		ret[n < 0 ? 0 : n] = '\0';
		return;
	}
}

static bool is_named(const struct plan *plan, const struct found *f)
{
	for (unsigned int i = 0; i < plan->n_programs; i++)
		if (plan->programs[i].exec && plan->programs[i].ino == f->st.st_ino &&
		    plan->programs[i].dev == f->st.st_dev)
			return true;
	return false;
}

/* The loader of a program, or of nothing; the interpreter of a script must be named. */
static int plan_needs(struct plan *plan, int fd, const char *path, struct err *e)
{
	struct found f = { .fd = -1 };
	char start[256] = "";
	char loader[256] = "";
	bool script;
	int r;

	/* What we cannot read, the payload could not map either. */
	if (fd < 0 || pread(fd, start, sizeof(start) - 1, 0) < 4)
		return 0;
	script = strncmp(start, "#!", 2) == 0;
	if (script)
		sscanf(start + 2, " %255[^ \t\n]", loader);
	else if (memcmp(start, ELFMAG, SELFMAG) == 0)
		read_loader(fd, loader);
	else
		return 0;
	if (!loader[0])
		return 0;
	if (!script && !is_loader(loader))
		return err_set(e, EACCES,
			       "program '%s' names '%.200s' as its loader, which is none", path,
			       loader);
	r = find(plan, loader, &f);
	if (r < 0 || !is_in_view(plan, f.inside) || !S_ISREG(f.st.st_mode)) {
		fd_close(&f.fd);
		return err_set(e, ENOENT, "program '%s' needs '%.200s', which is not inside", path,
			       loader);
	}
	if (script && !is_named(plan, &f)) {
		err_set(e, EACCES, "program '%s' is a script, and its interpreter is not named",
			path);
		r = err_hint(e, "add --program %s", loader);
	} else if (!script) {
		r = add_exec(plan, &f, true, e);
	}
	fd_close(&f.fd);
	return r;
}

static int plan_named_needs(struct plan *plan, const char *source, struct err *e)
{
	cleanup_fd int fd = open(source, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	return plan_needs(plan, fd, source, e);
}

/* -- plan ------------------------------------------------------------------ */

static int find_on_path(const struct plan *plan, const char *name, struct found *ret)
{
	const char *path = command_path(plan);
	char full[PATH_MAX];
	int r = -ENOENT;

	if (strchr(name, '/'))
		return find(plan, name, ret);
	for (; *path && r < 0; path += *path == ':') {
		int n = (int)strcspn(path, ":");

		if (n > 0 && snprintf(full, sizeof(full), "%.*s/%s", n, path, name) < PATH_MAX)
			r = find(plan, full, ret);
		path += n;
	}
	return r;
}

static int add_program(struct plan *plan, const char *name, struct err *e)
{
	struct found f = { .fd = -1 };
	int r = find_on_path(plan, name, &f);

	if (r < 0)
		return err_set(e, -r, "program '%s': %s", name,
			       r == -ENOENT ? "not found inside" : strerror(-r));
	if (!is_in_view(plan, f.inside)) {
		err_set(e, EINVAL, "program '%s' is '%s', which is not a part of the system inside",
			name, f.inside);
		r = err_hint(e, "programs lie below /usr, or in --rootfs%s", "");
	} else if (!S_ISREG(f.st.st_mode) || !(f.st.st_mode & 0111)) {
		r = err_set(e, EACCES, "program '%s' is '%s', which is not executable", name,
			    f.inside);
	} else {
		r = add_exec(plan, &f, true, e);
	}
	fd_close(&f.fd);
	return r;
}

/* Is it a mount already? Then it only stays what it is. */
static bool mark_library(struct plan *plan, const char *inside)
{
	for (unsigned int i = 0; i < plan->n_view; i++)
		if (strcmp(plan->view[i].target, inside + 1) == 0)
			return plan->view[i].library = true;
	return false;
}

/* Libraries must be mapped as code, wherever they are. */
static int add_libraries(struct plan *plan, struct err *e)
{
	static const char *const names[] = { "lib", "lib64", "lib32", "libx32", "local/lib" };
	int r = 0;

	for (int usr = 0; usr < 2; usr++)
		for (size_t i = 0; r == 0 && i < sizeof(names) / sizeof(names[0]); i++) {
			struct found f = { .fd = -1 };
			char path[32];

			snprintf(path, sizeof(path), "%s/%s", usr ? "/usr" : "", names[i]);
			/* A link to another of them is that one. */
			if (find(plan, path, &f) == 0 && strcmp(f.inside, path) == 0 &&
			    S_ISDIR(f.st.st_mode) && is_in_view(plan, f.inside) &&
			    !mark_library(plan, f.inside))
				r = add_exec(plan, &f, false, e);
			fd_close(&f.fd);
		}
	return r;
}

static int plan_programs(struct plan *plan, struct err *e)
{
	const struct spec *s = plan->spec;
	unsigned int named;
	int r = 0;

	if (!s->only_programs) {
		plan->layers &= ~LAYER_BIT(LAYER_PROGRAMS);
		plan->not_needed |= LAYER_BIT(LAYER_PROGRAMS);
		return 0;
	}
	/* Parents before what lies in them. */
	r = add_libraries(plan, e);
	for (unsigned int i = 0; r == 0 && i < s->n_programs; i++)
		r = add_program(plan, s->programs[i], e);
	named = plan->n_programs;
	for (unsigned int i = 0; r == 0 && i < named; i++)
		if (plan->programs[i].exec)
			r = plan_named_needs(plan, plan->programs[i].source, e);
	/* What is handed in may always be executed; a script in Python is only read. */
	if (r == 0 && plan->script_fd >= 0 && !command_is_python(s->argv[0]))
		r = plan_needs(plan, plan->script_fd, s->argv[0], e);
	return r;
}

/* -- child ----------------------------------------------------------------- */

IN_CHILD static bool is_system(const struct plan_bind *b)
{
	return b->exec && !b->covered && !b->library;
}

IN_CHILD static int enter_programs(struct child *c)
{
	const struct plan *p = c->plan;
	struct raw_mount_attr noexec = { .attr_set = RAW_MOUNT_ATTR_NOEXEC };
	long r = 0;

	for (unsigned int i = 0; r == 0 && i < p->n_view; i++)
		if (is_system(&p->view[i]) && !(c->absent >> i & 1)) {
			c->item = PLAN_MAX_PROGRAMS + (int)i;
			r = raw5(SYS_mount_setattr, c->root_fd, p->view[i].target, RAW_AT_RECURSIVE,
				 &noexec, sizeof(noexec));
		}
	for (unsigned int i = 0; r == 0 && i < p->n_programs; i++) {
		c->item = (int)i;
		r = mounting_bind(c, &p->programs[i]);
	}
	return (int)r;
}

IN_CHILD static int prove_programs(struct child *c)
{
	const struct plan *p = c->plan;
	int r = 0;

	for (unsigned int i = 0; r == 0 && i < p->n_view; i++)
		if (is_system(&p->view[i]) && !(c->absent >> i & 1))
			r = mounting_prove(c, LAYER_PROGRAMS, p->view[i].target,
					   RO | RAW_MOUNT_ATTR_NOEXEC);
	for (unsigned int i = 0; r == 0 && i < p->n_programs; i++)
		r = mounting_prove(c, LAYER_PROGRAMS, p->programs[i].target, RO);
	return r;
}

static const char *item_programs(const struct plan *plan, int item)
{
	if (item >= PLAN_MAX_PROGRAMS)
		return plan->view[item - PLAN_MAX_PROGRAMS].target;
	return item >= 0 && (unsigned int)item < plan->n_programs ? plan->programs[item].source
								  : NULL;
}

static void describe_programs(const struct plan *plan, struct jout *j)
{
	jout_array(j, "executable");
	for (unsigned int i = 0; i < plan->n_programs; i++)
		if (plan->programs[i].exec)
			jout_string(j, NULL, plan->programs[i].target);
	jout_end_array(j);
}

const struct layer layer_programs = {
	.name = "programs",
	.summary = "only the named programs may be executed, and none mapped by the loader",
	.why_here = "over the system's mounts and the user's, while they can still be changed",
	.actor = BY_INIT,
	.plan = plan_programs,
	.enter = enter_programs,
	.prove = prove_programs,
	.describe = describe_programs,
	.item = item_programs,
};
