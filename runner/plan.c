/* SPDX-License-Identifier: Apache-2.0 */
#include "plan.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "layer/filter.h"
#include "layer/layer.h"
#include "layer/place.h"
#include "layer/userns.h"

/* Zeroed, aligned for pointers. */
static void *take_room(struct plan *plan, size_t size, struct err *e)
{
	struct plan_text *t;
	void *here = plan->room + plan->room_used;

	size = (size + 7) & ~(size_t)7;
	if (size <= sizeof(plan->room) - plan->room_used) {
		plan->room_used += size;
		return memset(here, 0, size);
	}
	t = calloc(1, sizeof(*t) + size);
	if (!t) {
		err_set(e, ENOMEM, "out of memory");
		return NULL;
	}
	t->next = plan->texts;
	plan->texts = t;
	return t->text;
}

const char *plan_printf(struct plan *plan, struct err *e, const char *fmt, ...)
{
	char *text = plan->room + plan->room_used;
	size_t space = sizeof(plan->room) - plan->room_used;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(text, space, fmt, ap);
	va_end(ap);
	if ((size_t)n < space) {
		plan->room_used += ((size_t)n + 8) & ~(size_t)7;
		return text;
	}
	text = take_room(plan, (size_t)n + 1, e);
	if (!text)
		return NULL;
	va_start(ap, fmt);
	vsnprintf(text, (size_t)n + 1, fmt, ap);
	va_end(ap);
	return text;
}

const char **plan_list(struct plan *plan, size_t n, struct err *e)
{
	return take_room(plan, (n + 1) * sizeof(const char *), e);
}

static const struct plan_node *find_node(const struct plan *plan, const char *path, size_t length)
{
	for (unsigned int i = 0; i < plan->n_nodes; i++)
		if (strlen(plan->nodes[i].path) == length &&
		    memcmp(plan->nodes[i].path, path, length) == 0)
			return &plan->nodes[i];
	return NULL;
}

/*
 * Something else has this name: a link of the root file system, most likely. What
 * would be made through it would be made where it leads, which is on the host.
 */
static int refuse_node(const struct plan_node *there, struct err *e)
{
	if (there->kind != PLAN_NODE_LINK)
		return err_set(e, EEXIST, "'/%s' inside is something else already", there->path);
	err_set(e, ELOOP, "'/%s' inside is a symbolic link: nothing is mounted on it or below it",
		there->path);
	return err_hint(e, "name the place itself (the link says '%s')", there->text);
}

int plan_add_node(struct plan *plan, const struct plan_node *node, struct err *e)
{
	const struct plan_node *there = find_node(plan, node->path, strlen(node->path));

	/* One of the files we make is as good a mount point as a new one. */
	if (there && there->kind == PLAN_NODE_FILE && node->kind == PLAN_NODE_FILE && !node->length)
		return 0;
	if (there)
		return refuse_node(there, e);
	if (plan->n_nodes == PLAN_MAX_NODES)
		return err_set(e, E2BIG, "more than %d files and directories to make",
			       PLAN_MAX_NODES);
	plan->nodes[plan->n_nodes++] = *node;
	return 0;
}

int plan_add_dir(struct plan *plan, const char *path, mode_t mode, struct err *e)
{
	size_t length = strlen(path);

	for (size_t i = 1; i <= length; i++) {
		struct plan_node n = {
			.kind = PLAN_NODE_DIR, .mode = mode, .path = path, .fd = -1
		};
		const struct plan_node *there;

		if (path[i] != '/' && path[i] != '\0')
			continue;
		there = find_node(plan, path, i);
		if (there && there->kind != PLAN_NODE_DIR)
			return refuse_node(there, e);
		if (there)
			continue;
		if (i < length)
			n.path = plan_printf(plan, e, "%.*s", (int)i, path);
		if (!n.path || plan_add_node(plan, &n, e) < 0)
			return -e->code;
	}
	return 0;
}

int plan_add_view(struct plan *plan, const struct plan_bind *bind, struct err *e)
{
	if (plan->n_view == PLAN_MAX_BINDS)
		return err_set(e, E2BIG, "more than %d entries in the root", PLAN_MAX_BINDS);
	plan->view[plan->n_view++] = *bind;
	return 0;
}

int plan_add_rule(struct plan *plan, const char *path, uint64_t access, bool optional,
		  struct err *e)
{
	if (plan->n_rules == PLAN_MAX_RULES)
		return err_set(e, E2BIG, "more than %d Landlock rules", PLAN_MAX_RULES);
	plan->rules[plan->n_rules++] = (struct plan_rule){ path, access, optional };
	return 0;
}

/* Which rows are entered: all but the ones left out by name. */
static int choose_layers(struct plan *plan, struct err *e)
{
	const struct spec *s = plan->spec;

	plan->layers = LAYER_BIT(LAYER_COUNT) - 1;
	for (unsigned int i = 0; i < s->n_without; i++) {
		int layer = layer_find(s->without[i]);
		const char *near;

		if (layer < 0) {
			near = text_nearest(s->without[i], layer_names);
			err_set(e, EINVAL, "there is no layer '%s'", s->without[i]);
			return err_hint(e, near ? "did you mean '%s'?" : "see 'runner doctor'%s",
					near ? near : "");
		}
		if (layer_table[layer]->kept_because)
			return err_set(e, EINVAL, "layer '%s' cannot be left out: %s",
				       s->without[i], layer_table[layer]->kept_because);
		plan->layers &= ~LAYER_BIT(layer);
	}
	return 0;
}

/* Room for what we make on it, to the page and the file, and for the /tmp on it. */
static void size_root(struct plan *plan)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	uint64_t size = 0;
	uint64_t inodes = 1 + plan->n_nodes + plan->n_devices;

	for (unsigned int i = 0; i < plan->n_nodes; i++) {
		const struct plan_node *n = &plan->nodes[i];

		size += (n->length + page - 1) / page * page;
		/* A link takes a page as well, unless it is short (128 bytes, mm/shmem.c). */
		if (n->kind == PLAN_NODE_LINK && strlen(n->text) >= 100)
			size += page;
	}
	for (unsigned int i = 0; i < plan->n_tmpfs; i++)
		if (plan->tmpfs[i].on_root) {
			size += plan->tmpfs[i].size;
			inodes += plan->tmpfs[i].inodes - 1; /* its root is a node */
		}
	snprintf(plan->root_size, sizeof(plan->root_size), "%" PRIu64,
		 size ? size : page); /* 0 were no limit */
	snprintf(plan->root_inodes, sizeof(plan->root_inodes), "%" PRIu64, inodes);
}

static int build(struct plan *plan, struct err *e)
{
	int r = spec_check(plan->spec, e);

	if (r == 0)
		r = choose_layers(plan, e);
	if (r == 0)
		r = command_open(plan, e);
	if (r == 0)
		userns_choose_ids(plan);
	for (int i = 0; r == 0 && i < LAYER_COUNT; i++)
		if (layer_table[i]->plan && plan_has(plan, (unsigned int)i))
			r = layer_table[i]->plan(plan, e);
	if (r == 0)
		r = filter_plan(plan, e);
	if (r == 0)
		r = command_plan(plan, e);
	if (r == 0)
		size_root(plan);
	return r;
}

int plan_check(const struct spec *spec, struct err *e)
{
	/* What a host may lack is not the profile's fault. */
	static const struct host host = { .open_files = UNLIMITED };
	static struct plan plan;
	int r = spec_check(spec, e);

	plan.spec = spec;
	plan.host = &host;
	plan.script_fd = plan.exec_fd = -1;
	if (r == 0)
		r = choose_layers(&plan, e);
	for (unsigned int i = 0; r == 0 && i < spec->n_mounts; i++)
		r = place_check(&spec->mounts[i], e);
	if (r == 0)
		r = filter_plan(&plan, e);
	plan_clear(&plan);
	return r;
}

int plan_build(const struct spec *spec, const struct host *host, struct plan *plan, struct err *e)
{
	int r;

	/* Large: set the fields, do not copy the whole. */
	plan->spec = spec;
	plan->host = host;
	plan->script_fd = -1;
	plan->exec_fd = -1;
	plan->cwd = spec->cwd;
	r = build(plan, e);
	if (r < 0)
		plan_clear(plan);
	return r;
}

void plan_clear(struct plan *plan)
{
	while (plan->texts) {
		struct plan_text *next = plan->texts->next;

		free(plan->texts);
		plan->texts = next;
	}
	/* Binds of one owner share one. */
	for (unsigned int i = 0; i < plan->n_binds; i++) {
		int fd = plan->binds[i].idmap_fd;

		for (unsigned int k = i; k < plan->n_binds; k++)
			if (plan->binds[k].idmap_fd == fd)
				plan->binds[k].idmap_fd = -1;
		if (fd >= 0)
			close(fd);
	}
	if (plan->script_fd >= 0)
		close(plan->script_fd);
	free(plan->observer);
	if (plan->filter_owned) {
		if (!plan->observer)
			free(plan->filter.filter);
		free(plan->verdict.filter);
	}
	memset(plan, 0, offsetof(struct plan, rlimits));
	plan->script_fd = plan->exec_fd = -1;
}
