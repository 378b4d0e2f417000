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

/* The number a probe printed, or NO_ANSWER. */
static int answer(const char *text)
{
	char *end;
	long value = strtol(text, &end, 10);

	return end > text && *end == '\n' && value >= 0 ? (int)value : NO_ANSWER;
}

const char *selftest_word(const char *arg)
{
	return arg[0] == '@' ? selftest_outside(arg + 1) : arg;
}

int selftest_try(const struct attack *a, layer_set without)
{
	char text[64];

	selftest_inside(a->probe, selftest_word(a->arg), without, false, text, sizeof(text));
	return answer(text);
}

static int control(const struct attack *a, int without_all)
{
	char text[64];

	if (a->control == CONTROL_ABLATED)
		return without_all;
	(a->control == CONTROL_LAB ? selftest_in_lab : selftest_bare)(
		a->probe, selftest_word(a->control_arg ? a->control_arg : a->arg), text, sizeof(text));
	return answer(text);
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
	for (int i = 0; i < LAYER_COUNT && selftest_try(&nothing, mask) != 0; i++)
		if ((mask & LAYER_BIT(i)) && selftest_try(&nothing, mask & ~LAYER_BIT(i)) == 0)
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
	if (selftest_try(&nothing, 0) != 0) {
		err_set(e, ENOTSUP, "a harmless program does not run in the sandbox");
		return err_hint(e, "see 'runner doctor', and 'runner exec -- true'");
	}
	selftest_prepare_outside();
	s->removable = removable();
	s->present = with_ablation ? selftest_present() : 0;
	while (selftest_attacks[all].name)
		all++;
	for (; s->n < all && s->n < SELFTEST_MAX; s->n++) {
		const struct attack *a = &selftest_attacks[s->n];
		struct attempt *t = &s->attempts[s->n];

		progress(s->n, all);
		t->full = selftest_try(a, 0);
		t->without_all = selftest_try(a, s->removable);
		t->control = control(a, t->without_all);
		if (with_ablation && selftest_state(s, s->n) == SELFTEST_CONTAINED)
			selftest_ablate(s, a, t);
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
