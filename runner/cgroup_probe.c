/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cgroup_probe: where may a run's cgroup be made?
 *
 * The kernel lets a cgroup hand controllers down only when no process is in it
 * (the root excepted), so the caller's own cgroup will do in three cases: it is
 * the root; runner is alone in it; or it is a leaf whose parent was delegated.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/fd.h"
#include "cgroup.h"

/* In the order they are asked for; without the first two there is no limit to set. */
static const char *const controllers[] = { "memory", "pids", "cpu", "io" };
enum { NEEDED = 2, CONTROLLERS = 4 };

static bool read_file(const char *dir, const char *name, char *ret, size_t size)
{
	char path[320];

	ret[0] = '\0';
	if ((size_t)snprintf(path, sizeof(path), "%s/%s", dir, name) >= sizeof(path))
		return false;
	return fd_read_text(AT_FDCWD, path, ret, size) >= 0;
}

static bool has_word(const char *text, const char *word)
{
	size_t n = strlen(word);

	for (const char *p = text; (p = strstr(p, word)) != NULL; p += n)
		if ((p == text || p[-1] == ' ') && (p[n] == ' ' || p[n] == '\n' || !p[n]))
			return true;
	return false;
}

static bool has_needed(const char *text)
{
	for (int i = 0; i < NEEDED; i++)
		if (!has_word(text, controllers[i]))
			return false;
	return true;
}

/* Where the tree is mounted, and which controllers it has; NULL: nowhere. */
static const char *find_tree(char *has, size_t size)
{
	static const char *const places[] = { "/sys/fs/cgroup", "/sys/fs/cgroup/unified" };
	/* Of v1's memory controller; each controller is in one tree (cgroups(7)). */
	static const char *const bound = "/sys/fs/cgroup/memory/memory.limit_in_bytes";

	has[0] = '\0';
	for (int i = 0; i < 2; i++) {
		char path[64];
		struct statfs fs;
		cleanup_fd int fd = -1;

		/* Then the one beside it cannot be used, and to read that costs ten times this. */
		if (i == 1 && access(bound, F_OK) == 0)
			return places[i];
		snprintf(path, sizeof(path), "%s/cgroup.controllers", places[i]);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd >= 0 && fstatfs(fd, &fs) == 0 && fs.f_type == CGROUP2_SUPER_MAGIC) {
			ssize_t n = read(fd, has, size - 1);

			has[n < 0 ? 0 : n] = '\0';
			return places[i];
		}
	}
	return NULL;
}

/* "0::/user.slice/session-1.scope": the path of our own cgroup, cgroups(7). */
static bool own_path(char *ret, size_t size)
{
	static char text[4096]; /* not on the stack: seldom needed, but its page always */
	char *line;
	char *end;

	if (!read_file("/proc/self", "cgroup", text, sizeof(text)))
		return false;
	line = strncmp(text, "0::", 3) == 0 ? text : strstr(text, "\n0::");
	if (!line)
		return false;
	line = strchr(line, '/');
	end = line ? strchr(line, '\n') : NULL;
	if (!end || (size_t)(end - line) >= size)
		return false;
	*end = '\0';
	/* Outside of our cgroup namespace: it has no path for us. */
	if (strncmp(line, "/..", 3) == 0)
		return false;
	snprintf(ret, size, "%s", strcmp(line, "/") == 0 ? "" : line);
	return true;
}

static bool may_write(const char *dir, const char *name)
{
	char path[320];

	if ((size_t)snprintf(path, sizeof(path), "%s%s%s", dir, name[0] ? "/" : "", name) >=
	    sizeof(path))
		return false;
	return faccessat(AT_FDCWD, path, W_OK, AT_EACCESS) == 0;
}

static bool is_writable(const char *dir)
{
	return may_write(dir, "") && may_write(dir, "cgroup.procs") &&
	       may_write(dir, "cgroup.subtree_control");
}

/* A manager says so; root may write everywhere, so for it that is the only word. */
static bool is_delegated(const char *dir, bool privileged)
{
	static const char *const names[] = { "trusted.delegate", "user.delegate" };
	char value[4];

	if (!is_writable(dir))
		return false;
	if (!privileged)
		return true;
	for (int i = 0; i < 2; i++)
		if (getxattr(dir, names[i], value, sizeof(value)) == 1 && value[0] == '1')
			return true;
	return false;
}

/* Only the root cgroup has no type. */
static bool is_root(const char *dir)
{
	char text[64];

	return !read_file(dir, "cgroup.type", text, sizeof(text));
}

static bool is_alone(const char *dir)
{
	char text[64];
	char *end;

	if (!read_file(dir, "cgroup.procs", text, sizeof(text)))
		return false;
	return strtol(text, &end, 10) == getpid() && strcmp(end, "\n") == 0;
}

/* What of our controllers it has and does not hand down yet: "+memory +pids". */
static bool plan_children(struct host_cgroup *ret, const char *dir)
{
	char has[256];
	char gives[256];
	size_t length = 0;

	if (!read_file(dir, "cgroup.controllers", has, sizeof(has)) || !has_needed(has) ||
	    !read_file(dir, "cgroup.subtree_control", gives, sizeof(gives)))
		return false;
	ret->children[0] = '\0';
	for (int i = 0; i < CONTROLLERS; i++)
		if (has_word(has, controllers[i]) && !has_word(gives, controllers[i]))
			length += (size_t)snprintf(ret->children + length,
						   sizeof(ret->children) - length, "%s+%s",
						   length ? " " : "", controllers[i]);
	return true;
}

static void not_usable(struct host_cgroup *ret, const char *why, const char *remedy)
{
	ret->usable = false;
	ret->why = why;
	snprintf(ret->remedy, sizeof(ret->remedy), "%s", remedy);
}

static void explain_busy(struct host_cgroup *ret, bool privileged)
{
	not_usable(ret,
		   "the cgroup runner was started in holds other processes and is no leaf "
		   "of a delegated subtree",
		   "");
	if (access("/run/systemd/system", F_OK) == 0)
		snprintf(ret->remedy, sizeof(ret->remedy),
			 "systemd-run %s--scope --quiet -p Delegate=yes -- runner exec ...",
			 privileged ? "" : "--user ");
	else
		snprintf(ret->remedy, sizeof(ret->remedy),
			 "give the caller a cgroup of its own (cgroups(7), delegation): below "
			 "/sys/fs/cgroup make agents and agents/caller%s, write +memory +pids +cpu "
			 "+io to agents/cgroup.subtree_control, start the caller in agents/caller",
			 privileged ? ", setfattr -n user.delegate -v 1 agents"
				    : ", chown both and their cgroup.* files");
}

void cgroup_probe(struct host_cgroup *ret, bool privileged)
{
	char path[sizeof(ret->base)];
	char has[256];
	const char *mount = find_tree(has, sizeof(has));
	char *slash;

	if (!mount) {
		not_usable(ret, "no cgroup v2 file system is mounted at /sys/fs/cgroup",
			   "mount -t cgroup2 cgroup2 /sys/fs/cgroup; systemd: boot with "
			   "systemd.unified_cgroup_hierarchy=1");
		return;
	}
	if (!has_needed(has)) {
		not_usable(ret,
			   "the cgroup v2 tree lacks the memory or pids controller: they are "
			   "bound to v1, or were not handed down",
			   "boot with systemd.unified_cgroup_hierarchy=1, or "
			   "cgroup_no_v1=memory,pids,cpu,io");
		return;
	}
	if (!own_path(path, sizeof(path)) ||
	    (size_t)snprintf(ret->base, sizeof(ret->base), "%s%s", mount, path) >=
		    sizeof(ret->base) ||
	    access(ret->base, F_OK) < 0) {
		not_usable(ret, "runner's own cgroup has no path below /sys/fs/cgroup",
			   "in a container: give it a cgroup namespace of its own");
		return;
	}
	ret->usable = true;
	if (is_writable(ret->base) && plan_children(ret, ret->base)) {
		if (!ret->children[0] || is_root(ret->base))
			return;
		ret->step_down = is_alone(ret->base);
		if (ret->step_down)
			return;
	}
	slash = strrchr(ret->base, '/');
	if (path[0]) {
		*slash = '\0';
		if (is_delegated(ret->base, privileged) && plan_children(ret, ret->base))
			return;
		*slash = '/';
	}
	explain_busy(ret, privileged);
}
