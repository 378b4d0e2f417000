/* SPDX-License-Identifier: Apache-2.0 */
/*
 * selftest: the attacks a user can try on their own kernel with nothing but the
 * binary.
 *
 * Each is a probe (runner/probe) that runs inside the sandbox, where it must get
 * the errno that is expected, and in a control where it must succeed: an attack
 * that works nowhere proves nothing. --ablate adds one question per layer: does it
 * stop the attack alone, when every layer that can be left out is left out but this
 * one? Where the sandbox stops it even without all of these, the layers do that
 * cannot be left out (the root, the pid namespace, the change of identity); what
 * else would then shows only for the filter, by its record of refused calls.
 */
#ifndef RUNNER_SELFTEST_H
#define RUNNER_SELFTEST_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "layer/layer.h"

enum control {
	CONTROL_BARE,	 /* as the caller, outside: harmless there */
	CONTROL_LAB,	 /* as root of namespaces made for it */
	CONTROL_ABLATED, /* inside, without the layers that can be left out */
};

struct attack {
	const char *group;
	const char *name;
	const char *probe;
	const char *arg;	 /* "@NAME": what selftest_outside() says of NAME */
	const char *control_arg; /* the control's argument; NULL: the same */
	int expect;		 /* the errno inside ... */
	int or ; /* ... or this, where the kernel is too old for the layer that says it; 0 */
	enum control control;
};

extern const struct attack selftest_attacks[]; /* ends with a row without a name */

enum { SELFTEST_MAX = 128, NO_ANSWER = -1 };

struct attempt {
	int full;	      /* errno inside, NO_ANSWER: the probe did not get that far */
	int control;	      /* errno of the control */
	int without_all;      /* errno with every removable layer left out */
	layer_set stopped_by; /* bit i: layer i stops it alone */
	bool base_stops;      /* what cannot be left out does */
};

enum { CALLS = 1024 }; /* numbers from here on are nobody's */

/*
 * Every number that the default policy refuses whatever its arguments are, or does
 * not know, called inside with every bit of every argument set.
 */
struct calls {
	int expected[CALLS]; /* errno; < 0: the policy may allow it, so it was not called */
	int got[CALLS];	     /* errno inside; < 0: no answer */
	bool shown[CALLS];   /* root of its own user namespace gets another answer */
	unsigned int refused, unknown, wrong;
};

struct selftest {
	bool ablated;
	unsigned int n;
	struct attempt attempts[SELFTEST_MAX];
	layer_set removable; /* bit i: layer i was left out in turn */
	layer_set present;   /* in the whole sandbox: 'uncounted' comes where no cgroup counts */
	struct calls calls;
	unsigned int contained, failed, vacuous, absent, single;
	uint64_t ms;
};

/** Run them all. 0, or -errno with *e when the sandbox does not even start. */
int selftest_run(struct selftest *s, bool ablate, struct err *e);

/** The sweep of the call numbers. */
void selftest_calls(struct calls *c);

/* -- what the parts run their probes with; `ret` gets what the probe says ------------ */

/** Make what belongs to the caller and must not be reached: until this process ends. */
void selftest_prepare_outside(void);

/** What the probe needs to know of it: "tcp" is a port, "fd" a number, ... */
const char *selftest_outside(const char *name);

/** Where this program is: before any of these. */
int selftest_find_self(struct err *e);

/** Inside, without the layers of the mask; with the report in `ret`, too, if asked. */
void selftest_inside(const char *probe, const char *arg, layer_set without, bool report, char *ret,
		     size_t size);

/** As the caller, outside. */
void selftest_bare(const char *probe, const char *arg, char *ret, size_t size);

/** As root of fresh namespaces, where nothing can be broken but these. */
void selftest_in_lab(const char *probe, const char *arg, char *ret, size_t size);

/** The argument of a probe: "@NAME" is what selftest_outside() says of NAME. */
const char *selftest_word(const char *arg);

/** Inside, without the layers of the mask: the errno, or NO_ANSWER. */
int selftest_try(const struct attack *a, layer_set without);

/** Which layers stop it alone: into *t, whose answers are there. */
/** The layers of the sandbox as it is by default on this machine. */
layer_set selftest_present(void);
void selftest_ablate(const struct selftest *s, const struct attack *a, struct attempt *t);

/* What became of an attack, in one word. */
enum selftest_state {
	SELFTEST_CONTAINED,
	SELFTEST_FAILED,
	SELFTEST_VACUOUS, /* works nowhere, so that it proves nothing */
	SELFTEST_ABSENT,  /* this kernel lacks what it needs */
};
enum selftest_state selftest_state(const struct selftest *s, unsigned int i);

/** How many walls stand against it; meaningful when ablated. */
unsigned int selftest_walls(const struct attempt *a);

void selftest_write_text(const struct selftest *s, FILE *out);
int selftest_write_json(const struct selftest *s, const char *path, struct err *e);
int selftest_write_junit(const struct selftest *s, const char *path, struct err *e);
int selftest_write_html(const struct selftest *s, const char *path, struct err *e);

#endif
