/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which layers stop an attack alone? A layer gets the credit only where it must have
 * been that very one: it is the only one left of those that can be left out, and what
 * it rests on does not answer alike; or its answer is another errno than the answer of
 * what cannot be left out. The filter must have a record of that very call.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "selftest.h"

/* The call by which a probe tries it, where it is not called as the probe is. */
static const struct {
	const char *probe, *call;
} calls[] = {
	{ "affinity", "sched_setaffinity" },
	{ "attach", "setsockopt" },
	{ "core_limit", "prlimit64" },
	{ "set_ioprio", "ioprio_set" },
	{ "set_priority", "setpriority" },
	{ "set_scheduler", "sched_setscheduler" },
	{ "clone3_user", "clone3" },
	{ "clone_user", "clone" },
	{ "fanotify_user", "fanotify_init" },
	{ "io_uring", "io_uring_setup" },
	{ "limit_init", "prlimit64" },
	{ "listener", "seccomp" },
	{ "mbind", "set_mempolicy" },
	{ "memfd_exec", "memfd_create" },
	{ "name_to_handle", "name_to_handle_at" },
	{ "no_randomize", "personality" },
	{ "session_keyring", "keyctl" },
	{ "type", "ioctl" },
	{ "umount", "umount2" },
	{ "remount", "mount" },
};

/* Those whose argument says by which call. */
static const struct {
	const char *arg, *call;
} ways[] = {
	{ "fchmodat_uid", "fchmodat" },
	{ "fchmodat2_uid", "fchmodat2" },
	{ "openat_uid", "openat" },
	{ "openat2_uid", "openat2" },
	{ "tmpfile_uid", "openat" },
	{ "mknodat_untyped_gid", "mknodat" },
	{ "mkdirat_gid", "mkdirat" },
	{ "rename_whiteout", "renameat2" },
	{ "mknodat_whiteout", "mknodat" },
	{ "seccomp", "seccomp" },
	{ "prctl", "prctl" },
};

static const char *call_of(const struct attack *a)
{
	if (strcmp(a->probe, "special_file") == 0 || strcmp(a->probe, "filter") == 0)
		for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
			if (strcmp(ways[i].arg, a->arg) == 0)
				return ways[i].call;
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		if (strcmp(calls[i].probe, a->probe) == 0)
			return calls[i].call;
	return a->probe;
}

/* "key": VALUE of the object that begins at `text`. */
static const char *member(const char *text, const char *key)
{
	char quoted[32];
	const char *end = strchr(text, '}');
	const char *at;

	snprintf(quoted, sizeof(quoted), "\"%s\": ", key);
	at = strstr(text, quoted);
	return at && (!end || at < end) ? at + strlen(quoted) : "";
}

/*
 * By the supervisor's own records: was that call refused, with that errno? *ret_other:
 * was it another one?
 */
static bool recorded(const char *report, int layer, const char *call, int error, bool *ret_other)
{
	bool found = false;
	char quoted[64];
	char head[64];

	snprintf(head, sizeof(head), "\"layer\": \"%s\"", layer_table[layer]->name);
	snprintf(quoted, sizeof(quoted), "\"%s\"", call);
	*ret_other = false;
	while ((report = strstr(report, head)) != NULL) {
		int said = -1;

		sscanf(member(report, "errno"), "%d", &said);
		if (strncmp(member(report, "operation"), quoted, strlen(quoted)) == 0 &&
		    said == error)
			found = true;
		else
			*ret_other = true;
		report += strlen(head);
	}
	return found;
}

static const char *report_of(const struct attack *a, layer_set without)
{
	static char text[262144];

	selftest_inside(a->probe, selftest_word(a->arg), without, true, text, sizeof(text));
	return text;
}

/* The rows that are parts of the filter, each with records of its own. */
static bool is_of_the_filter(int layer)
{
	return layer >= LAYER_GUARD && layer <= LAYER_SECCOMP;
}

/*
 * Unknown calls get ENOSYS without a record (policy_notify()); and that there is a
 * listener already is the kernel's own word, EBUSY, for the one that the filter made.
 */
static bool filter_stops(const struct attack *a, int layer, layer_set without, int error)
{
	bool other;

	if (recorded(report_of(a, without), layer, call_of(a), error, &other))
		return true;
	return !other && (error == ENOSYS || error == EBUSY);
}

/* A layer that another rests on comes with it. */
static layer_set needs(int layer)
{
	switch (layer) {
	case LAYER_LANDLOCK: return LAYER_BIT(LAYER_NO_NEW_PRIVS);
	/* A part of the filter where it is no sysctl; this row loads it. */
	case LAYER_MEMFD: return LAYER_BIT(LAYER_NO_NEW_PRIVS) | LAYER_BIT(LAYER_COREDUMP);
	case LAYER_IDENTITY:
	case LAYER_USERNS_LIMIT: return LAYER_BIT(LAYER_USER_NS);
	default: return is_of_the_filter(layer) ? LAYER_BIT(LAYER_NO_NEW_PRIVS) : 0;
	}
}

static bool stops_alone(const struct selftest *s, const struct attack *a, int layer,
			int without_all)
{
	layer_set ground = s->removable & needs(layer);
	layer_set without = s->removable & ~(LAYER_BIT(layer) | ground);
	int said = selftest_try(a, without);
	int otherwise = without_all;

	if (said <= 0)
		return false;
	if (ground)
		otherwise = selftest_try(a, s->removable & ~ground);
	if (otherwise == said)
		return false;
	return !is_of_the_filter(layer) || filter_stops(a, layer, without, said);
}

layer_set selftest_present(void)
{
	static const struct attack nothing = { "", "", "succeed", "", NULL, 0, 0, CONTROL_BARE };
	const char *layers = strstr(report_of(&nothing, 0), "\"layers\": {");
	layer_set present = 0;

	for (int i = 0; layers && i < LAYER_COUNT; i++) {
		char head[48];
		const char *at;

		snprintf(head, sizeof(head), "\n    \"%s\": {", layer_table[i]->name);
		at = strstr(layers, head);
		if (at && strncmp(member(at, "state"), "\"on\"", 4) == 0)
			present |= LAYER_BIT(i);
	}
	return present;
}

void selftest_ablate(const struct selftest *s, const struct attack *a, struct attempt *t)
{
	bool other;

	t->base_stops = t->without_all > 0;
	/* Where all say the same, only the filter shows, by its record. */
	if (t->base_stops && t->full == t->without_all) {
		const char *report = report_of(a, 0);

		for (int i = LAYER_GUARD; i <= LAYER_SECCOMP; i++)
			if (recorded(report, i, call_of(a), t->full, &other))
				t->stopped_by |= LAYER_BIT(i);
		return;
	}
	for (int i = 0; i < LAYER_COUNT; i++)
		if ((s->removable & s->present & LAYER_BIT(i)) && stops_alone(s, a, i, t->without_all))
			t->stopped_by |= LAYER_BIT(i);
}
