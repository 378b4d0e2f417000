/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"

#include <errno.h>
#include <linux/limits.h>
#include <string.h>
#include <strings.h>

/* Digits at *s, advancing it. At least one digit, no overflow. */
static int digits(const char **s, uint64_t *ret)
{
	uint64_t value = 0;
	const char *p = *s;

	if (*p < '0' || *p > '9')
		return -EINVAL;
	for (; *p >= '0' && *p <= '9'; p++)
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, (uint64_t)(*p - '0'), &value))
			return -ERANGE;
	*s = p;
	*ret = value;
	return 0;
}

int text_number(const char *s, uint64_t min, uint64_t max, uint64_t *ret)
{
	uint64_t value;
	int r = digits(&s, &value);

	if (r < 0)
		return r;
	if (*s != '\0')
		return -EINVAL;
	if (value < min || value > max)
		return -ERANGE;
	*ret = value;
	return 0;
}

struct unit {
	const char *suffix;
	uint64_t factor;
};

/* A number and one of the units; the sum must stay below `max`. */
static int scaled(const char *s, const struct unit *units, uint64_t max, uint64_t *ret)
{
	uint64_t value;
	int r = digits(&s, &value);

	if (r < 0)
		return r;
	for (; units->suffix; units++) {
		if (strcasecmp(s, units->suffix) != 0)
			continue;
		if (__builtin_mul_overflow(value, units->factor, &value) || value > max)
			return -ERANGE;
		*ret = value;
		return 0;
	}
	return -EINVAL;
}

int text_size(const char *s, uint64_t *ret)
{
	static const struct unit units[] = {
		{ "", 1 },	     { "k", 1ull << 10 }, { "m", 1ull << 20 },
		{ "g", 1ull << 30 }, { "t", 1ull << 40 }, { NULL, 0 },
	};

	/* The kernel keeps such sizes as signed 64-bit numbers. */
	return scaled(s, units, INT64_MAX, ret);
}

int text_duration(const char *s, uint64_t *ret_ms)
{
	static const struct unit units[] = {
		{ "", 1000 },	{ "ms", 1 },	  { "s", 1000 },
		{ "m", 60000 }, { "h", 3600000 }, { NULL, 0 },
	};

	/* A year is past any run; it keeps every later sum from overflowing. */
	return scaled(s, units, 365ull * 24 * 3600 * 1000, ret_ms);
}

int text_cpus(const char *s, uint64_t *ret_milli)
{
	uint64_t whole;
	uint64_t milli = 0;
	int r = digits(&s, &whole);

	if (r < 0)
		return r;
	if (*s == '.') {
		uint64_t place = 100;

		if (*++s == '\0')
			return -EINVAL;
		for (; *s >= '0' && *s <= '9' && place > 0; s++, place /= 10)
			milli += (uint64_t)(*s - '0') * place;
	}
	if (*s != '\0')
		return -EINVAL;
	if (whole > 4096 || whole * 1000 + milli == 0)
		return -ERANGE;
	*ret_milli = whole * 1000 + milli;
	return 0;
}

const char *text_after(const char *s, const char *prefix)
{
	size_t n = strlen(prefix);

	return strncmp(s, prefix, n) == 0 ? s + n : NULL;
}

bool text_is_path(const char *s)
{
	size_t n = strlen(s);

	return strchr(s, '/') || (n > 5 && strcmp(s + n - 5, ".json") == 0);
}

/* The reader of JSON calls itself for each level, and the stack may be small. */
bool text_json_is_deep(const char *json)
{
	enum { DEEPEST = 32 };
	int depth = 0;

	for (const char *p = json; *p && depth <= DEEPEST; p++) {
		if (*p == '[' || *p == '{')
			depth++;
		else if (*p == ']' || *p == '}')
			depth--;
		else if (*p == '"')
			for (p++; *p && *p != '"'; p++)
				p += *p == '\\' && p[1];
		if (!*p)
			break;
	}
	return depth > DEEPEST;
}

const char *text_basename(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* Levenshtein distance over words short enough for a key or an option. */
static size_t edits(const char *a, const char *b)
{
	enum { MAX = 40 };
	size_t row[MAX + 1];
	size_t la = strlen(a);
	size_t lb = strlen(b);

	if (la > MAX || lb > MAX)
		return MAX;
	for (size_t j = 0; j <= lb; j++)
		row[j] = j;
	for (size_t i = 1; i <= la; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= lb; j++) {
			size_t above = row[j];
			size_t best = diagonal + (a[i - 1] != b[j - 1]);

			if (above + 1 < best)
				best = above + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			row[j] = best;
			diagonal = above;
		}
	}
	return row[lb];
}

const char *text_nearest(const char *word, const char *const *names)
{
	const char *nearest = NULL;
	size_t least = 3;

	for (; *names; names++) {
		size_t n = edits(word, *names);

		/* Half of a word changed is another word: "foo" is no misspelt "root". */
		if (n < least && n * 2 <= strlen(word) && n < strlen(*names)) {
			least = n;
			nearest = *names;
		}
	}
	return nearest;
}

bool text_path_below(const char *path, const char *dir)
{
	size_t n = strlen(dir);

	if (strcmp(dir, "/") == 0)
		return true;
	return strncmp(path, dir, n) == 0 && (path[n] == '/' || path[n] == '\0');
}

bool text_path_is_plain(const char *path)
{
	size_t length = strlen(path);

	if (path[0] != '/' || length >= PATH_MAX)
		return false;
	if (length == 1)
		return true;
	for (const char *p = path; *p;) {
		size_t n = strcspn(++p, "/");

		if (n == 0 || (n == 1 && p[0] == '.') || (n == 2 && p[0] == '.' && p[1] == '.'))
			return false;
		p += n;
	}
	return true;
}
