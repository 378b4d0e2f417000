/* SPDX-License-Identifier: Apache-2.0 */
#include "base/display.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "base/stranger.h"

/*
 * UnicodeData.txt and DerivedCoreProperties.txt (Default_Ignorable_Code_Point) of
 * Unicode 16, with the unassigned numbers that are reserved for more of the kind.
 * tests/e2e/test_visible.py holds it against Python's own tables.
 */
static const struct {
	uint32_t first, last;
} hidden[] = {
	{ 0x0, 0x1f },	      /* C0 */
	{ 0x7f, 0x9f },	      /* DEL and C1 */
	{ 0xad, 0xad },	      /* soft hyphen */
	{ 0x34f, 0x34f },     /* combining grapheme joiner */
	{ 0x600, 0x605 },     /* Arabic signs that precede */
	{ 0x61c, 0x61c },     /* Arabic letter mark */
	{ 0x6dd, 0x6dd },     /* end of ayah */
	{ 0x70f, 0x70f },     /* Syriac abbreviation mark */
	{ 0x890, 0x891 },     /* Arabic pound and piastre mark */
	{ 0x8e2, 0x8e2 },     /* disputed end of ayah */
	{ 0x115f, 0x1160 },   /* Hangul fillers */
	{ 0x17b4, 0x17b5 },   /* Khmer inherent vowels */
	{ 0x180b, 0x180f },   /* Mongolian selectors and separator */
	{ 0x200b, 0x200f },   /* zero width, direction marks */
	{ 0x2028, 0x202e },   /* line and paragraph separator, embeddings, overrides */
	{ 0x2060, 0x206f },   /* invisible operators, isolates */
	{ 0x3164, 0x3164 },   /* Hangul filler */
	{ 0xfe00, 0xfe0f },   /* variation selectors */
	{ 0xfeff, 0xfeff },   /* zero width no-break space */
	{ 0xffa0, 0xffa0 },   /* halfwidth Hangul filler */
	{ 0xfff0, 0xfffb },   /* interlinear annotation */
	{ 0x110bd, 0x110bd }, /* Kaithi number signs */
	{ 0x110cd, 0x110cd }, { 0x13430, 0x1343f }, /* Egyptian hieroglyph joiners */
	{ 0x1bca0, 0x1bca3 },			    /* shorthand format controls */
	{ 0x1d173, 0x1d17a },			    /* musical beams */
	{ 0xe0000, 0xe0fff },			    /* tags, variation selectors */
};

bool display_is_hidden(uint32_t character)
{
	for (size_t i = 0; i < sizeof(hidden) / sizeof(hidden[0]); i++)
		if (character <= hidden[i].last)
			return character >= hidden[i].first;
	return false;
}

size_t display_decode(const unsigned char *p, size_t left, uint32_t *ret)
{
	size_t n = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
	uint32_t c;

	if (p[0] < 0x80) {
		*ret = p[0];
		return 1;
	}
	if (p[0] < 0xc2 || p[0] > 0xf4 || left < n)
		return 0;
	c = p[0] & (0x7fu >> n);
	for (size_t i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (p[i] & 0x3fu);
	}
	if ((n == 3 && c < 0x800) || (n == 4 && c < 0x10000) || c > 0x10ffff ||
	    (c >= 0xd800 && c <= 0xdfff))
		return 0;
	*ret = c;
	return n;
}

char *display(const char *text, char *ret, size_t size)
{
	const unsigned char *p = (const unsigned char *)text;
	const unsigned char *end = p + strlen(text);
	size_t used = 0;

	while (p < end) {
		char escape[12];
		uint32_t c = *p;
		size_t n = display_decode(p, (size_t)(end - p), &c);
		const void *from = p;
		size_t length = n;

		if (n == 0 || display_is_hidden(c)) {
			length = (size_t)snprintf(escape, sizeof(escape),
						  c < 0x100	? "\\x%02x"
						  : c < 0x10000 ? "\\u%04x"
								: "\\U%08x",
						  (unsigned int)c);
			from = escape;
		}
		if (used + length >= size)
			break;
		memcpy(ret + used, from, length);
		used += length;
		p += n ? n : 1;
	}
	ret[used] = '\0';
	return ret;
}

/*
 * Who reads our stderr may pause as well: give up after a while, and then, for what
 * else there is to say, at once.
 */
static void say(const char *line, size_t length)
{
	static uint64_t patience = 1000;

	if (stranger_put(2, line, length, patience, -1) == -ETIMEDOUT)
		patience = 0;
}

void display_line(FILE *out, const char *fmt, ...)
{
	/* A byte becomes at most four; one write, so that lines stay whole. */
	static char line[4 * 2048 + 2];
	char text[2048];
	size_t length;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	length = strlen(display(text, line, sizeof(line) - 1));
	line[length] = '\n';
	if (out == stderr)
		say(line, length + 1);
	else
		fwrite(line, 1, length + 1, out);
}
