/* SPDX-License-Identifier: Apache-2.0 */
#include "base/jout.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/display.h"

void jout_lend(struct jout *j, char *buffer, size_t size)
{
	*j = (struct jout){ .text = buffer, .size = size, .lent = true };
}

static bool grow(struct jout *j, size_t needed)
{
	size_t size = j->size ? j->size * 2 : 8192;
	char *larger;

	while (size < needed)
		size *= 2;
	larger = realloc(j->lent ? NULL : j->text, size);
	if (!larger)
		return false;
	if (j->lent)
		memcpy(larger, j->text, j->length);
	j->lent = false;
	j->text = larger;
	j->size = size;
	return true;
}

static void put(struct jout *j, const char *bytes, size_t n)
{
	if (!j->failed && j->length + n + 1 > j->size)
		j->failed = !grow(j, j->length + n + 1);
	if (j->failed)
		return;
	/* A few bytes mostly, and memcpy(3) of musl is slow to begin. */
	for (size_t i = 0; i < n; i++)
		j->text[j->length + i] = bytes[i];
	j->length += n;
	j->text[j->length] = '\0';
}

static void puts_(struct jout *j, const char *s)
{
	put(j, s, strlen(s));
}

static void line(struct jout *j)
{
	static const char spaces[] = "                                ";
	size_t n = (size_t)j->depth * 2;

	puts_(j, "\n");
	put(j, spaces, n < sizeof(spaces) - 1 ? n : sizeof(spaces) - 1);
}

/* How much of it can be copied as it is? Almost always all. */
static size_t plain_length(const unsigned char *p, const unsigned char *end)
{
	const unsigned char *q = p;

	while (q < end && *q >= 0x20 && *q < 0x7f && *q != '"' && *q != '\\')
		q++;
	return (size_t)(q - p);
}

static void quoted(struct jout *j, const char *value, size_t length)
{
	const unsigned char *p = (const unsigned char *)value;
	const unsigned char *end = p + length;

	puts_(j, "\"");
	while (p < end) {
		char escape[16];
		uint32_t character = 0;
		size_t n = plain_length(p, end);

		if (n > 0) {
			put(j, (const char *)p, n);
			p += n;
			continue;
		}
		n = display_decode(p, (size_t)(end - p), &character);
		if (*p == '"' || *p == '\\') {
			escape[0] = '\\';
			escape[1] = (char)*p;
			put(j, escape, 2);
		} else if (n == 0) {
			put(j, "\xef\xbf\xbd", 3);
			n = 1;
		} else if (!display_is_hidden(character)) {
			put(j, (const char *)p, n);
		} else if (character < 0x10000) {
			snprintf(escape, sizeof(escape), "\\u%04x", (unsigned int)character);
			put(j, escape, 6);
		} else { /* RFC 8259: a surrogate pair */
			character -= 0x10000;
			snprintf(escape, sizeof(escape), "\\u%04x\\u%04x",
				 (unsigned int)(0xd800 + (character >> 10)),
				 (unsigned int)(0xdc00 + (character & 0x3ff)));
			put(j, escape, 12);
		}
		p += n;
	}
	puts_(j, "\"");
}

static void member(struct jout *j, const char *key)
{
	if (j->depth > 0) {
		if (!j->first)
			puts_(j, ",");
		line(j);
	}
	j->first = false;
	if (key) {
		quoted(j, key, strlen(key));
		puts_(j, ": ");
	}
}

static void begin(struct jout *j, const char *key, const char *bracket)
{
	member(j, key);
	puts_(j, bracket);
	j->depth++;
	j->first = true;
}

static void end(struct jout *j, const char *bracket)
{
	j->depth--;
	if (!j->first)
		line(j);
	j->first = false;
	puts_(j, bracket);
}

void jout_object(struct jout *j, const char *key)
{
	begin(j, key, "{");
}

void jout_array(struct jout *j, const char *key)
{
	begin(j, key, "[");
}

void jout_end_object(struct jout *j)
{
	end(j, "}");
}

void jout_end_array(struct jout *j)
{
	end(j, "]");
}

void jout_string_n(struct jout *j, const char *key, const char *value, size_t length)
{
	member(j, key);
	quoted(j, value, length);
}

void jout_string(struct jout *j, const char *key, const char *value)
{
	if (value)
		jout_string_n(j, key, value, strlen(value));
	else
		jout_null(j, key);
}

static void plain(struct jout *j, const char *key, const char *text)
{
	member(j, key);
	puts_(j, text);
}

/* By hand: a report has some seventy numbers, and printf(3) shows in a run's CPU time. */
static void decimal(struct jout *j, const char *key, bool negative, uint64_t value)
{
	char text[24];
	char *p = text + sizeof(text) - 1;

	*p = '\0';
	do {
		*--p = (char)('0' + value % 10);
		value /= 10;
	} while (value > 0);
	if (negative)
		*--p = '-';
	plain(j, key, p);
}

void jout_uint(struct jout *j, const char *key, uint64_t value)
{
	decimal(j, key, false, value);
}

void jout_int(struct jout *j, const char *key, int64_t value)
{
	decimal(j, key, value < 0, value < 0 ? 0 - (uint64_t)value : (uint64_t)value);
}

void jout_milli(struct jout *j, const char *key, uint64_t thousandths)
{
	char text[32];

	snprintf(text, sizeof(text), "%" PRIu64 ".%03u", thousandths / 1000,
		 (unsigned int)(thousandths % 1000));
	plain(j, key, text);
}

void jout_bool(struct jout *j, const char *key, bool value)
{
	plain(j, key, value ? "true" : "false");
}

void jout_null(struct jout *j, const char *key)
{
	plain(j, key, "null");
}

void jout_limit(struct jout *j, const char *key, uint64_t value)
{
	if (value == UINT64_MAX)
		jout_null(j, key);
	else
		jout_uint(j, key, value);
}

int jout_finish(struct jout *j)
{
	puts_(j, "\n");
	return j->failed ? -ENOMEM : 0;
}

void jout_clear(struct jout *j)
{
	if (!j->lent)
		free(j->text);
	*j = (struct jout){ 0 };
}
