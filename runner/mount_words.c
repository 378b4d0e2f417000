/* SPDX-License-Identifier: Apache-2.0 */
#include "mount_words.h"

#include <errno.h>
#include <string.h>

/* -- the words ------------------------------------------------------------- */

enum effect { READ_ONLY, WRITABLE, EXEC, NOEXEC, OPTIONAL, SOCKETS, KERNEL, ALWAYS };

/* nosuid and nodev are always on; to name them is no mistake. */
static const struct {
	const char *name;
	enum effect effect;
} words[] = {
	{ "ro", READ_ONLY },	  { "rw", WRITABLE },	  { "exec", EXEC },
	{ "noexec", NOEXEC },	  { "nosuid", ALWAYS },	  { "nodev", ALWAYS },
	{ "optional", OPTIONAL }, { "sockets", SOCKETS }, { "kernel", KERNEL },
};
enum { WORDS = sizeof(words) / sizeof(words[0]) };

const char mount_words_list[] = "ro, rw, exec, noexec, nosuid, nodev, optional, sockets or kernel";

static void apply(struct spec_mount *m, enum effect effect)
{
	switch (effect) {
	case READ_ONLY: m->read_only = true; break;
	case WRITABLE: m->read_only = false; break;
	case EXEC:
	case NOEXEC:
		m->exec = effect == EXEC;
		m->exec_implied = false;
		break;
	case OPTIONAL: m->optional = true; break;
	case SOCKETS: m->sockets = true; break;
	case KERNEL: m->kernel = true; break;
	case ALWAYS: break;
	}
}

int mount_word(struct spec_mount *m, const char *word, size_t length, const char **ret_near)
{
	const char *names[WORDS + 1] = { NULL };
	unsigned int n = 0;
	char copy[16];

	for (int i = 0; i < WORDS; i++) {
		/* Who writes suid did not mean nosuid. */
		if (words[i].effect != ALWAYS)
			names[n++] = words[i].name;
		if (strlen(words[i].name) == length && memcmp(words[i].name, word, length) == 0) {
			apply(m, words[i].effect);
			return 0;
		}
	}
	*ret_near = NULL;
	if (length > 1 && length < sizeof(copy)) {
		memcpy(copy, word, length);
		copy[length] = '\0';
		*ret_near = text_nearest(copy, names);
	}
	return -ENOENT;
}

/* -- SRC:DST:WORDS --------------------------------------------------------- */

/* The next part, without its backslashes; *text moves behind it, or becomes NULL. */
static const char *next_part(struct spec *s, const char **text)
{
	const char *p = *text;
	char *part = (char *)(uintptr_t)spec_strdup(s, p);
	size_t n = 0;

	if (!part)
		return NULL;
	for (; *p && *p != ':'; p++) {
		if (p[0] == '\\' && (p[1] == ':' || p[1] == '\\'))
			p++;
		part[n++] = *p;
	}
	part[n] = '\0';
	*text = *p ? p + 1 : NULL;
	return part;
}

static int unknown(const struct spec_mount *m, const char *word, size_t length, const char *near,
		   struct err *e)
{
	bool tmpfs = m->type == SPEC_MOUNT_TMPFS;

	err_set(e, EINVAL, "'%.*s' is %s %s", (int)(length > 60 ? 60 : length), word,
		tmpfs ? "neither a size such as 64m nor one of" : "not one of", mount_words_list);
	if (near)
		return err_hint(e, "did you mean '%s'?", near);
	if (!m->destination && length)
		return err_hint(e,
				"a place inside begins with a slash, because there is no directory "
				"to begin from: '/%.*s'",
				(int)length, word);
	return err_hint(e, "a colon that belongs to a path is written \\:%s", "");
}

/* Words, separated by commas. The one of a tmpfs may be its size. */
static int apply_words(struct spec_mount *m, const char *list, struct err *e)
{
	bool tmpfs = m->type == SPEC_MOUNT_TMPFS;

	for (;; list++) {
		size_t length = strcspn(list, ",");
		const char *near;

		if (mount_word(m, list, length, &near) < 0 &&
		    !(tmpfs && list[length] == '\0' && text_size(list, &m->size) == 0 && m->size))
			return unknown(m, list, length, near, e);
		list += length;
		if (!*list)
			return 0;
	}
}

int mount_parse(struct spec *s, struct spec_mount *m, const char *text, struct err *e)
{
	bool wants_source = m->type == SPEC_MOUNT_BIND;
	bool first = true;

	while (text) {
		const char *part = next_part(s, &text);

		if (!part)
			return err_set(e, ENOMEM, "out of memory");
		if (first && wants_source) {
			m->source = part;
			if (!part[0])
				return err_set(e, EINVAL, "no source is named");
		} else if (!m->destination && (part[0] == '/' || !wants_source)) {
			m->destination = part;
		} else if (apply_words(m, part, e) < 0) {
			return -e->code;
		}
		first = false;
	}
	return 0;
}
