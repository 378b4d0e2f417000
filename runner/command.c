/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "command.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/open.h"
#include "base/raw.h"
#include "layer/layer.h"

enum {
	/* Up to here copying into memory costs less than one more mount. */
	COPY_UP_TO = 128 * 1024,
	COPY_AT_MOST = 256 * 1024 * 1024,
};

bool command_is_python(const char *name)
{
	size_t n = strlen(name);

	return n > 3 && strcmp(name + n - 3, ".py") == 0;
}

bool command_delivers_program(const struct spec *s)
{
	return s->command == SPEC_COMMAND_FILE && s->argv && s->argv[0] &&
	       !command_is_python(s->argv[0]);
}

/* -- candidates ------------------------------------------------------------ */

const char *command_path(const struct plan *plan)
{
	const struct spec *s = plan->spec;
	const char *path = NULL;

	for (unsigned int i = 0; i < s->n_env; i++)
		if (strcmp(s->env[i].name, "PATH") == 0)
			path = s->env[i].value ? s->env[i].value : spec_caller_env(s, "PATH");
	return path ? path : "/usr/local/bin:/usr/bin:/bin";
}

/* Where `name` may be found inside; the child tries them in turn. */
static int add_candidates(struct plan *plan, const char *name, struct err *e)
{
	const char *path = command_path(plan);

	if (strchr(name, '/')) {
		plan->candidates[plan->n_candidates++] = name;
		return 0;
	}
	while (*path) {
		int n = (int)strcspn(path, ":");

		if (n > 0 && path[0] == '/') {
			const char *c = plan_printf(plan, e, "%.*s/%s", n, path, name);

			if (!c)
				return -ENOMEM;
			if (plan->n_candidates == PLAN_MAX_CANDIDATES)
				return err_set(e, E2BIG, "PATH has more than %d directories",
					       PLAN_MAX_CANDIDATES);
			plan->candidates[plan->n_candidates++] = c;
		}
		path += n;
		path += *path == ':';
	}
	return 0;
}

/* argv = interpreter..., first, rest... */
static int make_argv(struct plan *plan, const char *const *interpreter, const char *first,
		     struct err *e)
{
	const char *const *args = plan->spec->argv + 1;
	const char **argv;
	size_t n = 0;
	size_t at = 0;

	while (interpreter && interpreter[n])
		n++;
	for (const char *const *a = args; *a; a++)
		n++;
	argv = plan_list(plan, n + 1, e);
	if (!argv)
		return -ENOMEM;
	for (; interpreter && *interpreter; interpreter++)
		argv[at++] = *interpreter;
	argv[at++] = first;
	while (*args)
		argv[at++] = *args++;
	plan->argv = argv;
	return 0;
}

/* -- a file of the caller's ------------------------------------------------ */

/* Words as they can be typed again: "" where one would have to be quoted. */
static const char *typed(const char *const *words, char ret[256])
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789_-+=./,@%";
	size_t at = 0;

	ret[0] = '\0';
	for (; *words; words++) {
		size_t n = strlen(*words);

		if (n == 0 || strspn(*words, plain) != n || at + n + 2 > 256)
			return "";
		at += (size_t)snprintf(ret + at, 256 - at, "%s%s", at ? " " : "", *words);
	}
	return ret;
}

/*
 * `runner exec python3 hello.py`: the file is the second word, and would not be there
 * inside. What is said to type instead is what works.
 */
static int hint_interpreter(const char *const *argv, struct err *e)
{
	const char *file = argv[1];
	char words[256];
	struct stat st;

	if (!file || stat(file, &st) < 0 || !S_ISREG(st.st_mode) || !*typed(argv, words))
		return err_hint(e,
				"to run a command found on the sandbox's PATH: runner exec -- %s",
				argv[0]);
	if (command_is_python(file) && strncmp(argv[0], "python", 6) == 0)
		return err_hint(e, "a .py file brings its interpreter: runner exec %s",
				typed(argv + 1, words));
	return err_hint(
		e,
		"to run a command found on the sandbox's PATH, with a file of yours: runner "
		"exec --ro-bind %s:/run/%s -- %s /run/%s%s%s",
		file, text_basename(file), argv[0], text_basename(file), argv[2] ? " " : "",
		typed(argv + 2, words));
}

static int open_file(const char *const *argv, struct err *e)
{
	const char *path = argv[0];
	struct stat st;
	int fd = open_regular("", path, &st, e);

	if (fd != -ENOENT && fd != -ENOTDIR)
		return fd < 0 ? err_exit_with(e, ERR_EXIT_NOT_EXEC) : fd;
	err_set(e, -fd, "'%s': no such file", path);
	if (strcmp(path, "-") == 0)
		err_hint(e, "to run what standard input holds: runner exec -- python3 - (or sh)");
	else if (!strchr(path, '/') && !command_is_python(path))
		hint_interpreter(argv, e);
	return err_exit_with(e, ERR_EXIT_NOT_FOUND);
}

/*
 * Were the file itself mounted here, the payload could change it by way of a writable
 * bind of its directory (or of another name of it), and would have a file it wrote and
 * may execute. So where anything of the host's can be written, it is copied; the copy
 * lies on the sealed root.
 */
static bool payload_writes_none(const struct plan *plan)
{
	uint64_t all = RAW_MOUNT_ATTR_RDONLY;

	for (unsigned int i = 0; i < plan->n_binds; i++)
		all &= plan->binds[i].attributes;
	for (unsigned int i = 0; i < plan->n_view; i++)
		all &= plan->view[i].attributes;
	return all;
}

/*
 * Does the payload read and execute the file itself as it would the copy? As root it is
 * neither owner nor group, and init opens it as one who may search every directory;
 * a file system of another machine, or of a process, may see that differently.
 */
static bool is_as_good_as_a_copy(const struct plan *plan, const struct stat *st)
{
	static const uint32_t local[] = {
		0x0000ef53 /* ext4 */,	0x58465342 /* xfs */,  0x9123683e /* btrfs */,
		0x01021994 /* tmpfs */, 0xf2f52010 /* f2fs */, 0x794c7630 /* overlay */,
	};
	const mode_t needed = S_IROTH | S_IXOTH;
	struct statfs fs;

	if (plan->host->privileged && (st->st_mode & needed) != needed)
		return false;
	if (fstatfs(plan->script_fd, &fs) < 0 || (fs.f_flags & RAW_MOUNT_ATTR_NOEXEC))
		return false;
	for (size_t i = 0; i < sizeof(local) / sizeof(local[0]); i++)
		if (local[i] == (uint32_t)fs.f_type)
			return true;
	return false;
}

/* A program: the inode that was opened and judged, read-only. Then the root is noexec. */
static int bring_bind(struct plan *plan, const char *target, const struct stat *st, struct err *e)
{
	struct plan_node point = {
		.kind = PLAN_NODE_FILE, .mode = 0444, .path = target, .text = "", .fd = -1
	};
	struct plan_bind b = { .source = plan->spec->argv[0],
			       .follow = true,
			       .dev = st->st_dev,
			       .ino = st->st_ino,
			       .target = target,
			       .idmap_fd = -1,
			       .attributes = RAW_MOUNT_ATTR_RDONLY | RAW_MOUNT_ATTR_NOSUID |
					     RAW_MOUNT_ATTR_NODEV };

	plan->root_noexec = plan_has(plan, LAYER_NOEXEC);
	if (plan_add_node(plan, &point, e) < 0)
		return -e->code;
	return plan_add_view(plan, &b, e);
}

static int bring_copy(struct plan *plan, const char *target, const struct stat *st, mode_t mode,
		      struct err *e)
{
	struct plan_node n = { .kind = PLAN_NODE_COPY,
			       .mode = mode,
			       .path = target,
			       .length = (size_t)st->st_size,
			       .fd = plan->script_fd };
	const char *path = plan->spec->argv[0];

	if (st->st_size > COPY_AT_MOST) {
		err_set(e, EFBIG, "'%s' is larger than %d MiB: it is handed in as a copy in memory",
			path, COPY_AT_MOST >> 20);
		err_hint(e, "bind its directory (--ro-bind) and name it after --");
		return err_exit_with(e, ERR_EXIT_NOT_EXEC);
	}
	if ((uint64_t)st->st_size > plan->spec->limits.memory) {
		err_set(e, EFBIG, "'%s' is larger than limit memory: it is handed in as a copy",
			path);
		err_hint(e,
			 "raise --memory, or bind its directory (--ro-bind) and name it after --");
		return err_exit_with(e, ERR_EXIT_NOT_EXEC);
	}
	return plan_add_node(plan, &n, e);
}

/*
 * Saved with the line ends of another system: the kernel takes the CR for a part of the
 * interpreter's name, and env(1) for a part of the program's. (As part of an option there
 * are interpreters that do not mind.)
 */
static bool has_cr_in_interpreter(const char *line)
{
	const char *name = line + 2 + strspn(line + 2, " \t");
	size_t n = strcspn(name, " \t\r\n");
	size_t all = strcspn(line, "\n");

	if (strncmp(line, "#!", 2) != 0 || n == 0 || line[all] != '\n' || line[all - 1] != '\r')
		return false;
	return name + n == line + all - 1 || (n >= 4 && strncmp(name + n - 4, "/env", 4) == 0);
}

static int check_interpreter(struct plan *plan, const char *path, struct err *e)
{
	char line[257];
	ssize_t n = pread(plan->script_fd, line, sizeof(line) - 1, 0);

	line[n > 0 ? n : 0] = '\0';
	if (!has_cr_in_interpreter(line))
		return 0;
	err_set(e, ENOEXEC,
		"'%s': its #! line ends with CR LF, and the CR would belong to the "
		"interpreter's name",
		path);
	err_hint(e, "save it with plain line ends: sed -i 's/\\r$//' %s", path);
	return err_exit_with(e, ERR_EXIT_NOT_EXEC);
}

static int plan_file(struct plan *plan, struct err *e)
{
	const struct spec *s = plan->spec;
	const char *path = s->argv[0];
	const char *name;
	bool python = command_is_python(path);
	struct stat st;
	int r;

	if (fstat(plan->script_fd, &st) < 0)
		return err_set(e, errno, "'%s': %s", path, strerror(errno));
	if (!python && !(st.st_mode & 0111)) {
		err_set(e, EACCES, "'%s' is not executable", path);
		err_hint(e,
			 "chmod +x it, or give its interpreter the text: runner exec -- sh -s <%s",
			 path);
		return err_exit_with(e, ERR_EXIT_NOT_EXEC);
	}
	if (!python && check_interpreter(plan, path, e) < 0)
		return -e->code;
	if (!python && !s->rootfs && text_path_is_plain(path) && text_path_below(path, "/usr")) {
		plan->candidates[plan->n_candidates++] = path;
		return make_argv(plan, NULL, path, e);
	}
	name = text_basename(path);
	plan->delivered = plan_printf(plan, e, "/app/%s", name);
	if (!plan->delivered)
		return -ENOMEM;
	if (!python && st.st_size > COPY_UP_TO && payload_writes_none(plan) &&
	    is_as_good_as_a_copy(plan, &st))
		r = bring_bind(plan, plan->delivered + 1, &st, e);
	else
		r = bring_copy(plan, plan->delivered + 1, &st, python ? 0444 : 0555, e);
	if (r < 0)
		return r;
	if (!python) {
		plan->candidates[plan->n_candidates++] = plan->delivered;
		return make_argv(plan, NULL, plan->delivered, e);
	}
	r = add_candidates(plan, s->interpreter[0], e);
	return r < 0 ? r : make_argv(plan, s->interpreter, plan->delivered, e);
}

int command_open(struct plan *plan, struct err *e)
{
	const struct spec *s = plan->spec;

	if (!s->argv || !s->argv[0] || !s->argv[0][0])
		return err_set(e, EINVAL, "there is no command to run");
	if (s->command == SPEC_COMMAND_FILE)
		plan->script_fd = open_file(s->argv, e);
	return -e->code;
}

int command_plan(struct plan *plan, struct err *e)
{
	static const char *const nothing[] = { NULL };
	const struct spec *s = plan->spec;

	/* The whole environment is what is left when that layer is left out. */
	if (!plan->envp)
		plan->envp = s->caller_env ? s->caller_env : nothing;
	if (s->command == SPEC_COMMAND_FILE)
		return plan_file(plan, e);
	plan->argv = s->argv;
	return add_candidates(plan, s->argv[0], e);
}
