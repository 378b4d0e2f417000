/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "reach_trees.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/fd.h"

void trees_clear(struct trees *t)
{
	for (size_t i = 0; i < t->n; i++) {
		free(t->list[i].within);
		free(t->list[i].inside);
	}
	free(t->list);
	*t = (struct trees){ 0 };
}

const char *tree_behind(const char *path, const char *dir)
{
	if (!text_path_below(path, dir))
		return NULL;
	if (strcmp(dir, "/") == 0)
		return strcmp(path, "/") == 0 ? "" : path;
	return path + strlen(dir);
}

static int add(struct trees *t, const char *device, uint64_t mount, const char *dir,
	       const char *rest, const struct plan_bind *bind, const char *below, struct err *e)
{
	struct tree *larger = realloc(t->list, (t->n + 1) * sizeof(*larger));
	struct tree tree = { .bind = bind, .mount = mount };
	bool root = strcmp(dir, "/") == 0 && rest[0];

	if (!larger)
		return err_set(e, ENOMEM, "out of memory");
	t->list = larger;
	snprintf(tree.device, sizeof(tree.device), "%s", device);
	if (asprintf(&tree.within, "%s%s", root ? "" : dir, rest) < 0)
		return err_set(e, ENOMEM, "out of memory");
	if (bind && asprintf(&tree.inside, "%s%s", bind->target, below) < 0) {
		free(tree.within);
		return err_set(e, ENOMEM, "out of memory");
	}
	t->list[t->n++] = tree;
	return 0;
}

static int add_place(struct trees *t, const struct mountinfo_place *p, int fd, const char *rest,
		     const struct plan_bind *bind, const char *below, struct err *e)
{
	char device[24];
	struct stat st;

	if (p->line)
		return add(t, p->line->device, 0, p->within, rest, bind, below, e);
	if (fstat(fd, &st) < 0)
		return err_set(e, errno, "'%s': %s", p->here, strerror(errno));
	snprintf(device, sizeof(device), "%u:%u", major(st.st_dev), minor(st.st_dev));
	return add(t, device, p->mount, p->within, rest, bind, below, e);
}

/* One layer of an overlay, which is a directory of the host's: `rest` lies in it. */
static int add_layer(const struct mountinfo *mounts, struct trees *t, const char *path,
		     const char *rest, const struct plan_bind *bind, const char *below,
		     struct err *e)
{
	cleanup_fd int fd = path[0] == '/' ? open(path, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
	struct mountinfo_place p;
	int r;

	/* Of a mount namespace that is not ours: then no bind of ours leads there. */
	if (fd < 0)
		return 0;
	r = mountinfo_find(mounts, fd, &p, e);
	if (r < 0)
		return r;
	r = add_place(t, &p, fd, rest, bind, below, e);
	mountinfo_place_clear(&p);
	return r;
}

/*
 * What an overlay shows are files of its layers, and who writes one of those changes
 * what it shows. Through it only the upper one is written.
 */
static int add_layers(const struct mountinfo *mounts, struct trees *t,
		      const struct mountinfo_line *line, const char *rest,
		      const struct plan_bind *bind, const char *below, bool upper_only,
		      struct err *e)
{
	cleanup_free char *options = strdup(line->options);
	char *save = NULL;
	int r = 0;

	if (strcmp(line->type, "overlay") != 0)
		return 0;
	if (!options)
		return err_set(e, ENOMEM, "out of memory");
	for (char *o = strtok_r(options, ",", &save); r == 0 && o; o = strtok_r(NULL, ",", &save)) {
		bool upper = strncmp(o, "upperdir=", 9) == 0;
		bool lower = strncmp(o, "lowerdir", 8) == 0 && strchr(o, '=');
		char *inner = NULL;

		if (!upper && (!lower || upper_only))
			continue;
		o = strchr(o, '=') + 1;
		for (char *dir = strtok_r(o, ":", &inner); r == 0 && dir;
		     dir = strtok_r(NULL, ":", &inner)) {
			mountinfo_unescape(dir);
			r = add_layer(mounts, t, dir, rest, bind, below, e);
		}
	}
	return r;
}

int trees_add(const struct mountinfo *mounts, struct trees *t, int fd, const struct plan_bind *bind,
	      bool writable, struct err *e)
{
	struct mountinfo_place p;
	const char *rest;
	int r = mountinfo_find(mounts, fd, &p, e);

	if (r < 0)
		return r;
	r = add_place(t, &p, fd, "", bind, "", e);
	rest = p.line ? tree_behind(p.within, p.line->root) : NULL;
	if (r == 0 && rest)
		r = add_layers(mounts, t, p.line, rest, bind, "", writable, e);
	for (size_t i = 0; r == 0 && bind && i < mounts->n; i++) {
		const struct mountinfo_line *line = &mounts->lines[i];
		const char *below = tree_behind(line->point, p.here);

		if (!below || !below[0] || (writable && line->read_only))
			continue;
		r = add(t, line->device, 0, line->root, "", bind, below, e);
		if (r == 0)
			r = add_layers(mounts, t, line, "", bind, below, writable, e);
	}
	mountinfo_place_clear(&p);
	return r;
}

int trees_add_bind(const struct mountinfo *mounts, struct trees *t, const struct plan_bind *b,
		   bool writable, struct err *e)
{
	cleanup_fd int fd = open(b->source, O_PATH | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT && b->optional)
		return 0;
	if (fd < 0)
		return err_set(e, errno, "'%s': %s", b->source, strerror(errno));
	if (trees_add(mounts, t, fd, b, writable, e) < 0)
		return err_wrap(e, "'%s'", b->source);
	return 0;
}
