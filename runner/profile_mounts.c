/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "mount_words.h"
#include "profile_read.h"

static int read_mount_options(json_t *v, struct spec_mount *m, struct place *p, struct err *e)
{
	size_t i;
	json_t *item;

	if (!json_is_array(v))
		return profile_wrong_type(e, p, "an array of strings", v);
	json_array_foreach(v, i, item)
	{
		const char *word = json_string_value(item);
		const char *near = NULL;
		char must[96];

		if (word && mount_word(m, word, strlen(word), &near) == 0)
			continue;
		profile_go_down(p, NULL, i);
		if (!word)
			return profile_wrong_type(e, p, "a string", item);
		snprintf(must, sizeof(must), "must be %s", mount_words_list);
		profile_bad(e, p, must);
		return near ? err_hint(e, "did you mean '%s'?", near) : -e->code;
	}
	return 0;
}

static int read_mount_key(struct spec *s, const char *name, json_t *v, struct spec_mount *m,
			  struct place *p, struct err *e)
{
	static const char *const keys[] = { "type",    "source", "destination",
					    "options", "size",	 "inodes",	NULL };
	const char *text = json_string_value(v);
	const char *near;

	if (strcmp(name, "type") == 0) {
		if (text && strcmp(text, "tmpfs") == 0)
			m->type = SPEC_MOUNT_TMPFS;
		else if (text && strcmp(text, "bind") == 0)
			m->type = SPEC_MOUNT_BIND;
		else
			return profile_bad(e, p, "must be bind or tmpfs");
		return 0;
	}
	if (strcmp(name, "source") == 0)
		return profile_read_text(s, v, &m->source, p, e);
	if (strcmp(name, "destination") == 0)
		return profile_read_text(s, v, &m->destination, p, e);
	if (strcmp(name, "options") == 0)
		return read_mount_options(v, m, p, e);
	if (strcmp(name, "size") == 0)
		return profile_read_number(v, LIMIT_BYTES, &m->size, p, e);
	if (strcmp(name, "inodes") == 0)
		return profile_read_number(v, LIMIT_COUNT, &m->inodes, p, e);
	near = text_nearest(name, keys);
	profile_bad(e, p, "unknown key");
	return near ? err_hint(e, "did you mean '%s'?", near) : -e->code;
}

static int read_mount(struct spec *s, json_t *object, struct place *p, struct err *e)
{
	/* A bind is read-only unless asked; tmpfs is there to be written. */
	struct spec_mount m = { .type = SPEC_MOUNT_BIND, .size = UNLIMITED, .inodes = UNLIMITED };
	const char *type;
	const char *name;
	json_t *v;

	if (!json_is_object(object))
		return profile_wrong_type(e, p, "an object", object);
	type = json_string_value(json_object_get(object, "type"));
	m.read_only = !type || strcmp(type, "tmpfs") != 0;
	json_object_foreach(object, name, v)
	{
		size_t length = profile_go_down(p, name, 0);

		if (read_mount_key(s, name, v, &m, p, e) < 0)
			return -e->code;
		p->path[length] = '\0';
	}
	if (!m.destination)
		return profile_bad(e, p, "'destination' is required");
	if (m.type == SPEC_MOUNT_BIND && !m.source)
		return profile_bad(e, p, "a bind needs a 'source'");
	if (m.type == SPEC_MOUNT_BIND && (m.size != UNLIMITED || m.inodes != UNLIMITED))
		return profile_bad(e, p, "'size' and 'inodes' are for a tmpfs");
	if (m.type == SPEC_MOUNT_TMPFS && m.source)
		return profile_bad(e, p, "a tmpfs has no 'source'");
	if (m.type == SPEC_MOUNT_TMPFS && (m.size == UNLIMITED || m.size == 0 || m.inodes == 0))
		return profile_bad(e, p,
				   "a tmpfs needs a 'size' above 0, and 'inodes' above 0 if given");
	if (m.type == SPEC_MOUNT_TMPFS && m.inodes == UNLIMITED)
		m.inodes = 65536;
	if (spec_add_mount(s, &m, e) < 0)
		return err_wrap(e, "profile '%s': %s", p->where, p->path);
	return 0;
}

int profile_read_mounts(struct spec *s, json_t *v, struct place *p, struct err *e)
{
	size_t i;
	json_t *item;

	if (!json_is_array(v))
		return profile_wrong_type(e, p, "an array", v);
	json_array_foreach(v, i, item)
	{
		size_t length = profile_go_down(p, NULL, i);

		if (read_mount(s, item, p, e) < 0)
			return -e->code;
		p->path[length] = '\0';
	}
	return 0;
}
