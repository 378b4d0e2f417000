/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "mountinfo.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/raw.h"
#include "base/text.h"

enum { AT_MOST = 16 << 20 };

static bool is_octal(const char *s)
{
	return s[0] >= '0' && s[0] <= '3' && s[1] >= '0' && s[1] <= '7' && s[2] >= '0' &&
	       s[2] <= '7';
}

void mountinfo_unescape(char *s)
{
	char *to = s;

	for (; *s; s++)
		if (s[0] == '\\' && is_octal(s + 1)) {
			*to++ = (char)((s[1] - '0') << 6 | (s[2] - '0') << 3 | (s[3] - '0'));
			s += 3;
		} else {
			*to++ = *s;
		}
	*to = '\0';
}

/* id parent device root point options optional... - type source options */
static bool parse(char *text, struct mountinfo_line *ret)
{
	char *save = NULL;
	char *words[6];
	char *word;

	for (int i = 0; i < 6; i++) {
		words[i] = strtok_r(i == 0 ? text : NULL, " ", &save);
		if (!words[i])
			return false;
	}
	while ((word = strtok_r(NULL, " ", &save)) != NULL && strcmp(word, "-") != 0)
		;
	ret->type = strtok_r(NULL, " ", &save);
	if (!word || !ret->type || !strtok_r(NULL, " ", &save) ||
	    text_number(words[0], 0, UINT64_MAX, &ret->id) < 0)
		return false;
	ret->device = words[2];
	ret->root = words[3];
	ret->point = words[4];
	ret->read_only = strncmp(words[5], "ro", 2) == 0 && (words[5][2] == ',' || !words[5][2]);
	ret->options = strtok_r(NULL, "", &save);
	if (!ret->options)
		ret->options = ret->type + strlen(ret->type);
	mountinfo_unescape(ret->root);
	mountinfo_unescape(ret->point);
	return true;
}

static int read_failed(int error, struct err *e)
{
	err_set(e, error, "/proc/self/mountinfo: %s", strerror(error));
	return err_hint(e, "it says what a bind gives away: mount /proc, or bind no directory and "
			   "nothing writable");
}

int mountinfo_read(struct mountinfo *m, struct err *e)
{
	cleanup_fd int fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
	size_t length;
	size_t lines = 1;
	char *save = NULL;
	int r = fd < 0 ? -errno : fd_read_all(fd, AT_MOST, &m->text, &length);

	if (r < 0)
		return read_failed(-r, e);
	for (const char *p = m->text; (p = strchr(p, '\n')) != NULL; p++)
		lines++;
	m->lines = calloc(lines, sizeof(*m->lines));
	if (!m->lines)
		return err_set(e, ENOMEM, "out of memory");
	for (char *line = strtok_r(m->text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		if (!parse(line, &m->lines[m->n++]))
			return read_failed(EINVAL, e);
	return m->n ? 0 : read_failed(ENODATA, e);
}

void mountinfo_clear(struct mountinfo *m)
{
	free(m->lines);
	free(m->text);
	*m = (struct mountinfo){ 0 };
}

/* -- where an open file lies -------------------------------------------------- */

static int mount_of(int fd, uint64_t *ret)
{
	/* struct statx of statx(2): stx_mask, then at word 18 stx_mnt_id (Linux 5.8). */
	enum { MNT_ID = 0x1000, MNT_ID_WORD = 18 };
	uint64_t stx[32] = { 0 };
	long r = raw5(SYS_statx, fd, "", AT_EMPTY_PATH, MNT_ID, stx);

	if (r < 0)
		return (int)r;
	if (!(stx[0] & MNT_ID))
		return -ENOSYS;
	*ret = stx[MNT_ID_WORD];
	return 0;
}

/* The part of `path` behind `dir`, which it lies in: "" or "/..."; NULL: it does not. */
static const char *behind(const char *path, const char *dir)
{
	size_t n = strcmp(dir, "/") == 0 ? 0 : strlen(dir);

	if (!text_path_below(path, dir))
		return NULL;
	return strcmp(path, "/") == 0 ? "" : path + n;
}

static char *join(const char *dir, const char *rest)
{
	bool root = strcmp(dir, "/") == 0;
	char *s;

	if (asprintf(&s, "%s%s", root && rest[0] ? "" : dir, rest) < 0)
		return NULL;
	return s;
}

int mountinfo_find(const struct mountinfo *m, int fd, struct mountinfo_place *ret, struct err *e)
{
	char link[32];
	char path[PATH_MAX];
	const char *rest;
	ssize_t n;
	int r = mount_of(fd, &ret->mount);

	ret->line = NULL;
	ret->here = ret->within = NULL;
	if (r < 0)
		return err_set(e, -r, "statx(2) does not say which mount a file lies on: %s",
			       strerror(-r));
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof(path) - 1);
	if (n < 0)
		return err_set(e, errno, "%s: %s", link, strerror(errno));
	path[n] = '\0';
	/* "/x (deleted)" or "(unreachable)/x": nobody knows what leads there. */
	if (path[0] != '/' || n == sizeof(path) - 1)
		return err_set(e, ESTALE, "'%.200s' cannot be reached from here", path);
	for (size_t i = 0; i < m->n; i++)
		if (m->lines[i].id == ret->mount)
			ret->line = &m->lines[i];
	rest = ret->line ? behind(path, ret->line->point) : "";
	if (!rest)
		return err_set(e, ESTALE, "'%.200s' does not lie where its mount is", path);
	ret->here = strdup(path);
	ret->within = ret->line ? join(ret->line->root, rest) : strdup(path);
	if (ret->here && ret->within)
		return 0;
	mountinfo_place_clear(ret);
	return err_set(e, ENOMEM, "out of memory");
}

void mountinfo_place_clear(struct mountinfo_place *p)
{
	free(p->here);
	free(p->within);
	p->here = p->within = NULL;
}
