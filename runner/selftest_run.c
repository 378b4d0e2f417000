/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/raw.h"
#include "selftest.h"

/* A layer that another rests on comes with it. */
static layer_set needs(int layer)
{
	switch (layer) {
	case LAYER_COREDUMP:
	case LAYER_SPECIAL_FILES:
	case LAYER_INIT_GUARD:
	case LAYER_FILTER_ATTACH:
	case LAYER_UNCOUNTED:
	case LAYER_SECCOMP:
	case LAYER_LANDLOCK: return LAYER_BIT(LAYER_NO_NEW_PRIVS);
	case LAYER_IDENTITY:
	case LAYER_USERNS_LIMIT: return LAYER_BIT(LAYER_USER_NS);
	default: return 0;
	}
}

/* The number a probe printed, or NO_ANSWER. */
static int answer(const char *text)
{
	char *end;
	long value = strtol(text, &end, 10);

	return end > text && *end == '\n' && value >= 0 ? (int)value : NO_ANSWER;
}

static const char *word(const char *arg)
{
	return arg[0] == '@' ? selftest_outside(arg + 1) : arg;
}

/* Inside, without the layers of the mask. */
static int inside(const struct attack *a, layer_set without)
{
	char text[64];

	selftest_inside(a->probe, word(a->arg), without, false, text, sizeof(text));
	return answer(text);
}

/* Rows of the filter that refuse it, by the supervisor's own record. */
static layer_set filter_refuses(const struct attack *a)
{
	static char text[65536];
	layer_set found = 0;

	selftest_inside(a->probe, word(a->arg), 0, true, text, sizeof(text));
	for (int i = LAYER_GUARD; i <= LAYER_SECCOMP; i++) {
		char words[64];

		snprintf(words, sizeof(words), "\"layer\": \"%s\"", layer_names[i]);
		if (strstr(text, words))
			found |= LAYER_BIT(i);
	}
	return found;
}

static int control(const struct attack *a, int without_all)
{
	char text[64];

	if (a->control == CONTROL_ABLATED)
		return without_all;
	(a->control == CONTROL_LAB ? selftest_in_lab : selftest_bare)(
		a->probe, word(a->control_arg ? a->control_arg : a->arg), text, sizeof(text));
	return answer(text);
}

static void ablate(struct selftest *s, const struct attack *a, struct attempt *t)
{
	t->base_stops = t->without_all > 0;
	if (t->base_stops) {
		/* Then no other layer shows by the result, only the filter by its record. */
		t->stopped_by |= filter_refuses(a);
		return;
	}
	for (int i = 0; i < LAYER_COUNT; i++)
		if ((s->removable & LAYER_BIT(i)) &&
		    inside(a, s->removable & ~(LAYER_BIT(i) | needs(i))) > 0)
			t->stopped_by |= LAYER_BIT(i);
}

/* Which layers this caller can leave out, all at once. */
static layer_set removable(void)
{
	static const struct attack nothing = { "", "", "succeed", "", NULL, 0, 0, CONTROL_BARE };
	layer_set mask = 0;

	for (int i = 0; i < LAYER_COUNT; i++)
		if (!layer_table[i]->kept_because)
			mask |= LAYER_BIT(i);
	/* Rootless, some cannot: take away the wish until the sandbox starts. */
	for (int i = 0; i < LAYER_COUNT && inside(&nothing, mask) != 0; i++)
		if ((mask & LAYER_BIT(i)) && inside(&nothing, mask & ~LAYER_BIT(i)) == 0)
			mask &= ~LAYER_BIT(i);
	return mask;
}

static void progress(unsigned int done, unsigned int all)
{
	if (!isatty(2))
		return;
	if (done < all)
		fprintf(stderr, "\r%u of %u attacks ", done, all);
	else
		fprintf(stderr, "\r%24s\r", "");
}

int selftest_run(struct selftest *s, bool with_ablation, struct err *e)
{
	static const struct attack nothing = { "", "", "succeed", "", NULL, 0, 0, CONTROL_BARE };
	uint64_t before = raw_clock_ns(CLOCK_MONOTONIC);
	unsigned int all = 0;

	if (selftest_find_self(e) < 0)
		return -e->code;
	*s = (struct selftest){ .ablated = with_ablation };
	if (inside(&nothing, 0) != 0) {
		err_set(e, ENOTSUP, "a harmless program does not run in the sandbox");
		return err_hint(e, "see 'runner doctor', and 'runner exec -- true'");
	}
	selftest_prepare_outside();
	s->removable = removable();
	while (selftest_attacks[all].name)
		all++;
	for (; s->n < all && s->n < SELFTEST_MAX; s->n++) {
		const struct attack *a = &selftest_attacks[s->n];
		struct attempt *t = &s->attempts[s->n];

		progress(s->n, all);
		t->full = inside(a, 0);
		t->without_all = inside(a, s->removable);
		t->control = control(a, t->without_all);
		if (with_ablation && selftest_state(s, s->n) == SELFTEST_CONTAINED)
			ablate(s, a, t);
		switch (selftest_state(s, s->n)) {
		case SELFTEST_CONTAINED: s->contained++; break;
		case SELFTEST_FAILED: s->failed++; break;
		case SELFTEST_VACUOUS: s->vacuous++; break;
		case SELFTEST_ABSENT: s->absent++; break;
		}
		if (with_ablation && selftest_walls(t) == 1)
			s->single++;
	}
	selftest_calls(&s->calls);
	s->failed += s->calls.wrong > 0;
	progress(all, all);
	s->ms = (raw_clock_ns(CLOCK_MONOTONIC) - before) / 1000000;
	return 0;
}

/* What the kernel says of what it does not have. */
static bool lacks(int error)
{
	return error == ENOSYS || error == EAFNOSUPPORT || error == EPROTONOSUPPORT ||
	       error == ESOCKTNOSUPPORT || error == ENOENT || error == ENXIO || error == ENODEV;
}

enum selftest_state selftest_state(const struct selftest *s, unsigned int i)
{
	const struct attempt *t = &s->attempts[i];

	if (t->full != selftest_attacks[i].expect &&
	    (t->full != selftest_attacks[i].or || !selftest_attacks[i].or))
		return SELFTEST_FAILED;
	/* It works somewhere: in its control, or inside once the layers are gone. */
	if (t->control == 0 || t->without_all == 0)
		return SELFTEST_CONTAINED;
	return lacks(t->control) ? SELFTEST_ABSENT : SELFTEST_VACUOUS;
}

unsigned int selftest_walls(const struct attempt *a)
{
	return (unsigned int)__builtin_popcountll(a->stopped_by) + a->base_stops;
}
