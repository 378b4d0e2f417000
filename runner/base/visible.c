/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "base/visible.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

static struct visible original;

/* Moves on to the end of the strings, as long as one follows the other. */
static char *end_of(char *const *strings, char *at)
{
	for (; *strings && *strings == at; strings++)
		at += strlen(at) + 1;
	return at;
}

static void point_to(char **strings, const struct visible *from, char *copy)
{
	for (; *strings; strings++)
		if (*strings >= from->start && *strings < from->start + from->all)
			*strings = copy + (*strings - from->start);
}

int visible_move(char **argv, char **envp)
{
	static char small[4096];
	struct visible v = { .start = argv[0] };
	char *copy = small;
	char *end;

	if (!argv[0])
		return 0;
	/* execve(2) puts them one behind the other. */
	end = end_of(argv, argv[0]);
	v.arguments = (size_t)(end - v.start);
	v.all = (size_t)(end_of(envp, end) - v.start);
	if (v.all > sizeof(small)) {
		copy = mmap(NULL, v.all, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			    0);
		if (copy == MAP_FAILED)
			return -ENOMEM;
	}
	memcpy(copy, v.start, v.all);
	point_to(argv, &v, copy);
	point_to(envp, &v, copy);
	original = v;
	return 0;
}

struct visible visible_original(void)
{
	return original;
}

/*
 * The kernel shows the argument strings whole, and their length would be told by the
 * NULs behind ours. Where the last of these bytes is not NUL, it takes the process to
 * have set a title (setproctitle(3)) and shows it up to the first NUL.
 */
__attribute__((section(".text.in_child"))) void visible_hide(const struct visible *v)
{
	static const char title[] = "runner init";
	const uint64_t nothing = 0;
	size_t at = 0;

	/* Several KiB of environment; and no call of memset(3). */
	for (; at + sizeof(nothing) <= v->all; at += sizeof(nothing)) {
		__builtin_memcpy(v->start + at, &nothing, sizeof(nothing));
		__asm__("" ::: "memory");
	}
	for (; at < v->all; at++) {
		v->start[at] = '\0';
		__asm__("" ::: "memory");
	}
	/* the last one stays NUL: what is behind is not ours to show */
	for (size_t i = 0; i < sizeof(title) && i + 1 < v->all; i++) {
		v->start[i] = title[i];
		__asm__("" ::: "memory");
	}
	if (v->arguments > sizeof(title))
		v->start[v->arguments - 1] = '.';
}
